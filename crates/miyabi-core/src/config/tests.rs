use super::*;
use crate::money::UsdMicros;
use crate::policy::Mode;

fn user(text: &str) -> Sources {
    Sources { user: Some(text.to_owned()), ..Sources::default() }
}

fn problems(sources: &Sources) -> Vec<String> {
    let problems = load(sources).err().map(|problems| problems.0).unwrap_or_default();
    let tell = |problem: Problem| match &problem.hint {
        Some(hint) => format!("{problem} | {hint}"),
        None => problem.to_string(),
    };
    problems.into_iter().map(tell).collect()
}

#[test]
fn without_any_source_everything_is_default() {
    let effective = load(&Sources::default()).expect("defaults are valid");
    assert_eq!(effective.config, Config::default());
    assert!(effective.entries.iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn later_layers_win_and_say_so() {
    let mut sources = user("[budget]\ncost_usd = 1\ntokens = 10\nturns = 11\n");
    sources.variables = [
        ("MIYABI__BUDGET__TOKENS".to_owned(), "20".to_owned()),
        ("MIYABI__BUDGET__TURNS".to_owned(), "21".to_owned()),
        ("MIYABI_LANG".to_owned(), "ja".to_owned()),
    ]
    .into();
    sources.flags = vec!["budget.turns=31".into(), "budget.turns=32".into()];
    let effective = load(&sources).expect("valid");
    let budget = &effective.config.budget;
    assert_eq!((budget.cost_usd.0, budget.tokens, budget.turns), (UsdMicros::from_usd(1), 20, 32));
    let origin = |key: &str| {
        let entry = effective.entries.iter().find(|entry| entry.key == key);
        entry.map(|entry| entry.origin.to_string())
    };
    assert_eq!(origin("budget.cost_usd").as_deref(), Some("user file"));
    assert_eq!(origin("budget.tokens").as_deref(), Some("variable MIYABI__BUDGET__TOKENS"));
    assert_eq!(origin("budget.turns").as_deref(), Some("flag"));
    assert_eq!(origin("budget.wall_s").as_deref(), Some("default"));
}

#[test]
fn a_repository_tightens_and_nothing_else() {
    let mut sources = user("[policy]\nprotected_paths = ['a/**']\n[run]\nmax_changed_lines = 100\n");
    sources.repository = Some("protected_paths = ['b/**']\nmax_changed_lines = 500\n".into());
    let config = load(&sources).expect("valid").config;
    assert_eq!(config.policy.protected_paths, ["a/**", "b/**"]);
    assert_eq!(config.run.max_changed_lines, 100);
    sources.repository = Some("max_changed_lines = 50\n".into());
    assert_eq!(load(&sources).expect("valid").config.run.max_changed_lines, 50);

    sources.repository = Some("[sandbox]\nlevel = 'external'\n[policy]\nmode = 'turbo'\n".into());
    insta::assert_snapshot!(problems(&sources).join("\n"), @r"
    `policy` (repository): is not an option
    `sandbox` (repository): is not an option
    ");
}

#[test]
fn all_problems_are_told_at_once_with_the_nearest_key() {
    let mut sources = user(
        "[budgt]\ntokens = 1\n[budget]\ntoken = 1\ncost_usd = 'much'\n[policy]\nmode = 'trubo'\n\
         [models]\ndefault = 'gpt'\nreview = 'opnai/gpt-5'\n[run]\nconfidence_percent = 101\n\
         [providers.mine]\nbase_url = 'ftp://x'\n[recipes.fmt]\n",
    );
    sources.repository = Some("[checks]\ntset = [['true']]\nbuild = [[]]\n".into());
    sources.variables = [("MIYABI__SANDBOX__LEVEL".to_owned(), "none".to_owned())].into();
    sources.flags = vec!["budget.turns".into(), "wall_s=1".into()];
    insta::assert_snapshot!(problems(&sources).join("\n"));
}

#[test]
fn broken_toml_names_the_line() {
    insta::assert_snapshot!(problems(&user("[budget]\ntokens = \n")).join("\n"));
}

#[test]
fn amounts_are_exact_however_they_are_written() {
    for text in ["0.1", "'0.1'", "'0.10'"] {
        let config = load(&user(&format!("budget.cost_usd = {text}"))).expect("valid").config;
        assert_eq!(config.budget.cost_usd.0, UsdMicros(100_000), "{text}");
    }
    assert_eq!(problems(&user("budget.cost_usd = -1")).len(), 1);
}

#[test]
fn providers_models_and_recipes_are_read() {
    let text = r#"
        [models]
        default = "mine/org/model:7b"
        [providers.mine]
        base_url = "http://127.0.0.1:1234/v1"
        [providers.mine.models."org/model:7b"]
        context_tokens = 8192
        input_usd = 0
        output_usd = 0
        [providers.ollama]
        [fallbacks]
        "mine/org/model:7b" = ["ollama/qwen3"]
        [recipes.fmt]
        commands = [["cargo", "fmt"]]
    "#;
    let config = load(&user(text)).expect("valid").config;
    assert_eq!(config.models.of("review").map(ModelName::model), Some("org/model:7b"));
    assert!(config.providers.contains_key("ollama"));
    let known = &config.providers["mine"].models["org/model:7b"];
    assert!(known.price().is_some_and(|price| price.output == UsdMicros::ZERO));
    assert_eq!(config.recipes["fmt"].commands, [["cargo", "fmt"]]);
}

#[test]
fn settings_are_read_as_the_operator_types_them() {
    let (path, value) = parse_setting("policy.mode", "manual").expect("valid");
    assert_eq!((path.to_string().as_str(), value.as_str()), ("policy.mode", Some("manual")));
    let (path, value) = parse_setting("fallbacks.'a/b'", "c/d, e/f").expect("valid");
    assert_eq!(path.0, ["fallbacks", "a/b"]);
    assert_eq!(value.as_array().map(Vec::len), Some(2));
    assert!(parse_setting("policy.mod", "manual").is_err());
}

#[test]
fn every_default_is_an_option_and_every_option_says_its_default() {
    let effective = load(&Sources::default()).expect("valid");
    for entry in &effective.entries {
        assert!(options().any(|option| option.key() == entry.key), "{}", entry.key);
    }
    for option in options() {
        let doc = option.doc.concat();
        let said = doc.split("Default: ").nth(1).unwrap_or_else(|| panic!("{}", option.key()));
        let entry = effective.entries.iter().find(|entry| entry.key == option.key());
        let real = match entry.map(|entry| &entry.value) {
            Some(toml::Value::String(text)) => text.clone(),
            Some(toml::Value::Array(_)) => "none".to_owned(),
            Some(value) => value.to_string(),
            // Sections that the user makes up, and options that are not set.
            None => continue,
        };
        let said = said.split([';', ' ']).next().unwrap_or_default().trim_end_matches('.').replace('`', "");
        assert_eq!(said, real, "{}", option.key());
    }
    let mode = Mode::default();
    assert_eq!(effective.config.policy.mode, mode);
}

#[test]
fn the_reference_of_all_options_stays_as_people_know_it() {
    let lines = options().map(|option| {
        let words: Vec<_> = option.doc.iter().map(|line| line.trim()).collect();
        format!("{} ({}): {}", option.key(), option.form, words.join(" "))
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
}
