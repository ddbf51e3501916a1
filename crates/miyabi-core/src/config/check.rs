//! Rules that no single value can break alone, and ranges. Everything that is wrong is told at once.

use std::collections::BTreeMap;

use globset::Glob;

use super::layer::{Origin, Setting};
use super::nearest::nearest;
use super::option::Path;
use super::problem::Problem;
use super::section::Dialect;
use super::{Config, Provider};
use crate::port::model::ModelName;
use crate::project::RepositoryConfig;

/// Providers that are known by name and need no entry for their address.
pub(super) const KNOWN_PROVIDERS: &[&str] =
    &["openai", "anthropic", "gemini", "openrouter", "ollama", "vllm", "llamacpp", "scripted"];

/// Collects problems, each with the origin of the value it is about.
struct Checker<'a> {
    settings: &'a BTreeMap<Path, Setting>,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    fn wrong(&mut self, parts: &[&str], message: impl Into<String>, hint: Option<String>) {
        let path = Path(parts.iter().map(|part| (*part).to_owned()).collect());
        // The value itself, else something in it, else what it stands in.
        let own = self.settings.get(&path);
        let near = || {
            let meets = |other: &Path| other.0.starts_with(&path.0) || path.0.starts_with(&other.0);
            self.settings.values().find(|setting| meets(&setting.path))
        };
        let origin = own.or_else(near).map_or(Origin::Default, |setting| setting.origin.clone());
        self.problems.push(Problem { key: path.to_string(), origin, message: message.into(), hint });
    }

    fn range(&mut self, parts: &[&str], value: u64, least: u64, most: u64) {
        if !(least..=most).contains(&value) {
            self.wrong(parts, format!("must be {least} to {most}, not {value}"), None);
        }
    }
}

/// Checks the operator's configuration.
pub(super) fn config(config: &Config, settings: &BTreeMap<Path, Setting>, problems: &mut Vec<Problem>) {
    let mut checker = Checker { settings, problems };
    for (role, model) in config.models.named() {
        model_name(&mut checker, config, &["models", role], model);
    }
    for (model, fallbacks) in &config.fallbacks {
        let key = ["fallbacks", model.as_str()];
        model_name(&mut checker, config, &key, &ModelName(model.clone()));
        for fallback in fallbacks {
            model_name(&mut checker, config, &key, fallback);
        }
    }
    for (name, provider) in &config.providers {
        self::provider(&mut checker, name, provider);
    }
    for (name, recipe) in &config.recipes {
        if recipe.commands.is_empty() || recipe.commands.iter().any(is_empty_command) {
            let message = "must name at least one command, each with a program";
            checker.wrong(&["recipes", name, "commands"], message, None);
        }
    }
    for glob in &config.policy.protected_paths {
        if Glob::new(glob).is_err() {
            checker.wrong(&["policy", "protected_paths"], format!("`{glob}` is not a glob"), None);
        }
    }
    for rule in &config.policy.tools {
        if Glob::new(&rule.tool).is_err() {
            checker.wrong(&["policy", "tools"], format!("`{}` is not a glob", rule.tool), None);
        }
    }
    numbers(&mut checker, config);
}

fn numbers(checker: &mut Checker<'_>, config: &Config) {
    const DAY_S: u64 = 86_400;
    const TIB_IN_MIB: u64 = 1 << 20;
    let (run, cage, budget) = (&config.run, &config.sandbox, &config.budget);
    for (name, value, least, most) in [
        ("parallel", run.parallel, 1, 64),
        ("concurrent_runs", run.concurrent_runs, 1, 256),
        ("confidence_percent", u32::from(run.confidence_percent), 0, 100),
        ("corrections", run.corrections, 0, 20),
        ("finishes", run.finishes, 1, 50),
        ("fixes", run.fixes, 0, 20),
        ("attempts", run.attempts, 1, 20),
        ("merge_rounds", run.merge_rounds, 1, 100),
        ("max_changed_lines", run.max_changed_lines, 1, u32::MAX),
    ] {
        checker.range(&["run", name], value.into(), least, most.into());
    }
    checker.range(&["budget", "turns"], budget.turns.into(), 1, 10_000);
    checker.range(&["budget", "wall_s"], budget.wall_s, 1, 30 * DAY_S);
    let keep = &config.retention;
    // Contents of a step that is at work are not named by an event yet; a day is longer than any step.
    checker.range(&["retention", "artifacts_days"], keep.artifacts_days.into(), 1, 36_500);
    checker.range(&["retention", "ended_runs_days"], keep.ended_runs_days.into(), 0, 36_500);
    checker.range(&["retention", "checkouts_days"], keep.checkouts_days.into(), 0, 36_500);
    for (name, value, least, most) in [
        ("wall_s", cage.wall_s, 1, DAY_S),
        ("gate_wall_s", cage.gate_wall_s, 1, DAY_S),
        ("cpu_s", cage.cpu_s, 1, 64 * DAY_S),
        ("memory_mib", cage.memory_mib, 16, TIB_IN_MIB),
        ("processes", cage.processes.into(), 4, 65_536),
        ("file_size_mib", cage.file_size_mib, 1, TIB_IN_MIB),
        ("open_files", cage.open_files.into(), 64, 1_048_576),
        ("disk_mib", cage.disk_mib, 1, TIB_IN_MIB),
        ("inodes", cage.inodes, 100, 1_000_000_000),
        ("tmp_mib", cage.tmp_mib, 1, TIB_IN_MIB),
        ("output_mib", cage.output_mib, 1, 65_536),
    ] {
        checker.range(&["sandbox", name], value, least, most);
    }
}

fn model_name(checker: &mut Checker<'_>, config: &Config, key: &[&str], model: &ModelName) {
    let (provider, name) = (model.provider(), model.model());
    if provider.is_empty() || name.is_empty() {
        let message = format!("`{}` is not a model's full name, `provider/name`", model.0);
        return checker.wrong(key, message, None);
    }
    if config.providers.contains_key(provider) || KNOWN_PROVIDERS.contains(&provider) {
        return;
    }
    let all = config.providers.keys().map(String::as_str).chain(KNOWN_PROVIDERS.iter().copied());
    let hint = nearest(provider, all)
        .map(|near| format!("did you mean `{near}/{name}`?"))
        .or_else(|| Some(format!("add `[providers.{provider}]` with its `base_url`")));
    checker.wrong(key, format!("the provider `{provider}` is not configured"), hint);
}

fn provider(checker: &mut Checker<'_>, name: &str, provider: &Provider) {
    let usable = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(usable) {
        checker.wrong(
            &["providers", name],
            "a provider's name holds letters, digits, `-`, `_` and `.`",
            None,
        );
    }
    let is_scripted = provider.dialect == Some(Dialect::Scripted) || name == "scripted";
    if provider.base_url.is_none() && !is_scripted && !KNOWN_PROVIDERS.contains(&name) {
        checker.wrong(&["providers", name, "base_url"], "must be set for a provider not known by name", None);
    }
    if let Some(url) = &provider.base_url {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or_default();
        // The value itself may hold a password, so the message does not show it.
        if host.is_empty() || host.contains('@') || url.contains(['?', '#', ' ']) {
            let message = "must begin with `https://` or `http://` and hold no user, query or fragment";
            checker.wrong(&["providers", name, "base_url"], message, None);
        }
    }
    checker.range(&["providers", name, "concurrency"], provider.concurrency.into(), 1, 1_000);
    checker.range(&["providers", name, "idle_timeout_s"], provider.idle_timeout_s, 1, 86_400);
    checker.range(&["providers", name, "total_timeout_s"], provider.total_timeout_s, 1, 86_400);
    for (model, known) in &provider.models {
        let key = ["providers", name, "models", model.as_str()];
        if known.input_usd.is_some() != known.output_usd.is_some() {
            checker.wrong(&key, "names only one of `input_usd` and `output_usd`", None);
        }
        if is_scripted != known.script.is_some() {
            let message =
                "`script` belongs to models of a provider with the dialect `scripted`, and to each of them";
            checker.wrong(&key, message, None);
        }
        if let (Some(context), Some(output)) = (known.context_tokens, known.max_output_tokens)
            && u64::from(output) >= context
        {
            checker.wrong(&key, "`max_output_tokens` leaves no room in `context_tokens`", None);
        }
    }
}

/// Checks what a repository says about itself.
pub(super) fn repository(config: &RepositoryConfig, problems: &mut Vec<Problem>) {
    let mut wrong = |key: &str, message: String| {
        problems.push(Problem { key: key.to_owned(), origin: Origin::Repository, message, hint: None });
    };
    let checks = &config.checks;
    for (key, commands) in [
        ("checks.setup", &checks.setup),
        ("checks.format", &checks.format),
        ("checks.lint", &checks.lint),
        ("checks.build", &checks.build),
        ("checks.test", &checks.test),
    ] {
        if commands.iter().flatten().any(is_empty_command) {
            wrong(key, "has a command without a program".into());
        }
    }
    for glob in config.protected_paths.iter().filter(|glob| Glob::new(glob).is_err()) {
        wrong("protected_paths", format!("`{glob}` is not a glob"));
    }
    let Some(deploy) = &config.deploy else { return };
    if deploy.folder.starts_with('/') || deploy.folder.split('/').any(|part| part == "..") {
        wrong("deploy.folder", "must lie in the repository".into());
    }
    if deploy.build.iter().any(is_empty_command) {
        wrong("deploy.build", "has a command without a program".into());
    }
    for (key, command) in [("deploy.run", &deploy.run), ("deploy.health.command", &deploy.health.command)] {
        if command.as_deref().is_some_and(is_empty_command) {
            wrong(key, "has no program".into());
        }
    }
    if !deploy.health.path.starts_with('/') {
        wrong("deploy.health.path", "must begin with `/`".into());
    }
    if deploy.health.samples == 0 {
        wrong("deploy.health.samples", "must be at least 1".into());
    }
}

fn is_empty_command(command: impl AsRef<[String]>) -> bool {
    command.as_ref().first().is_none_or(String::is_empty)
}
