//! `model`: providers are added with their key, models listed and asked for one word.

use anyhow::Result;
use miyabi_core::config::nearest;
use miyabi_core::error::ErrorCode;
use miyabi_core::port::model::ModelName;
use miyabi_dashboard::Client;
use miyabi_dashboard::api::{List, Model, ModelProbe, Problem, TestModel};
use miyabi_model::known::{KNOWN, Known};
use toml::Value;

use super::secret;
use crate::args::ModelCommand;
use crate::context::Context;
use crate::format::duration;
use crate::link::{Link, Need};
use crate::outcome::{Exit, exit_of, report, usage};
use crate::print;
use crate::style::Role;
use crate::table::{Cell, Column, number, text, title};
use crate::userfile::UserFile;

const COLUMNS: [Column; 5] =
    [title("MODEL"), text("ROLES"), number("CONTEXT"), number("INPUT/M"), number("OUTPUT/M")];

/// `miyabi model`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &ModelCommand) -> Result<Exit> {
    match command {
        ModelCommand::Add { provider, base_url, default } => {
            add(context, provider, base_url.as_deref(), default.as_deref()).await
        }
        ModelCommand::List => {
            let link = Link::open(context, Need::Look).await?;
            let models: Result<List<Model>, Problem> = link.client.get("/models").await;
            link.close().await;
            list(context, &models?)?;
            Ok(Exit::OK)
        }
        ModelCommand::Test { model } => {
            let link = Link::open(context, Need::Look).await?;
            let tested = test_all(context, &link, model.as_deref()).await;
            link.close().await;
            tested
        }
    }
}

/// Asks a model for one word.
///
/// # Errors
/// Why it did not answer, with the name that was probably meant.
pub(super) async fn test(client: &Client, model: &ModelName) -> Result<ModelProbe, Problem> {
    let request = TestModel { model: model.clone() };
    let answer: Result<ModelProbe, Problem> = client.post("/models/test", &request).await;
    let Err(problem) = answer else { return answer };
    if problem.code != ErrorCode::ModelUnknown {
        return Err(problem);
    }
    let known: List<Model> = client.get("/models").await?;
    let near = nearest(&model.0, known.items.iter().map(|known| known.name.0.as_str()));
    Err(match near {
        Some(near) => problem.with_hint(format!("did you mean `{near}`?"), None),
        None => problem.with_hint("see which there are", Some("miyabi model list")),
    })
}

async fn add(context: &Context, name: &str, base_url: Option<&str>, default: Option<&str>) -> Result<Exit> {
    let known = Known::find(name);
    if known.is_none() && base_url.is_none() {
        return Err(unknown_provider(name));
    }
    let mut file = UserFile::read(&context.paths.config)?;
    let key = |last: &str| ["providers".to_owned(), name.to_owned(), last.to_owned()];
    let secret_name = format!("{name}-key");
    let needs_key = known.is_some_and(|known| known.key_variable.is_some());
    if needs_key {
        file.set(&key("key_secret"), &Value::String(secret_name.clone()))?;
    }
    if let Some(url) = base_url {
        file.set(&key("base_url"), &Value::String(url.to_owned()))?;
    }
    if let Some(model) = default {
        let full = if model.contains('/') { model.to_owned() } else { format!("{name}/{model}") };
        file.set(&["models".to_owned(), "default".to_owned()], &Value::String(full))?;
    }
    // Before the key is asked for: nobody types it for nothing.
    file.check()?;
    if needs_key {
        let value = secret::read(context, &secret_name).await?;
        let link = secret::open(context).await?;
        let stored = secret::store(&link, &secret_name, value).await;
        link.close().await;
        stored?;
    }
    if file.is_changed() {
        file.write()?;
    }
    print::note(context, &context.lang().provider_added(name));
    let next = match default {
        Some(_) => "miyabi model test".to_owned(),
        None => format!("miyabi config set models.default {name}/<model>"),
    };
    print::note(context, &context.lang().next(next));
    Ok(Exit::OK)
}

fn unknown_provider(name: &str) -> anyhow::Error {
    let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
    let fix = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("name its address with --base-url, or one of: {}", names.join(", ")),
    };
    usage(format!("the provider `{name}` is not known by name"), fix)
}

fn list(context: &Context, models: &List<Model>) -> Result<()> {
    if context.is_json() {
        return print::json(context, models);
    }
    if models.items.is_empty() {
        print::note(context, &context.lang().no_models());
        return Ok(());
    }
    let unknown = || "?".to_owned();
    let row = |model: &Model| -> Vec<Cell> {
        let price = model.price.as_ref();
        vec![
            model.name.0.clone().into(),
            model.roles.join(",").into(),
            model.context_tokens.map_or_else(unknown, |tokens| tokens.to_string()).into(),
            price.map_or_else(unknown, |price| price.input.amount.to_string()).into(),
            price.map_or_else(unknown, |price| price.output.amount.to_string()).into(),
        ]
    };
    print::table(context, &COLUMNS, &models.items.iter().map(row).collect::<Vec<_>>())
}

/// The named model, or every one that a role asks. All are tried; the first failure decides the exit code.
async fn test_all(context: &Context, link: &Link, model: Option<&str>) -> Result<Exit> {
    let wanted: Vec<ModelName> = match model {
        Some(model) => vec![ModelName(model.to_owned())],
        None => {
            let models: List<Model> = link.client.get("/models").await?;
            models.items.into_iter().filter(|model| !model.roles.is_empty()).map(|model| model.name).collect()
        }
    };
    if wanted.is_empty() {
        return Err(Problem::new(ErrorCode::ModelUnknown, "no role has a model")
            .with_hint("choose one", Some("miyabi config set models.default openai/gpt-5"))
            .into());
    }
    let mut exit = Exit::OK;
    let mut probes = Vec::new();
    for model in &wanted {
        match test(&link.client, model).await {
            Ok(probe) => {
                told(context, &probe)?;
                probes.push(probe);
            }
            Err(problem) => {
                exit = if exit == Exit::OK { exit_of(problem.code) } else { exit };
                report(Some(context), &problem.into());
            }
        }
    }
    if context.is_json() && !probes.is_empty() {
        print::json(context, &List { items: probes })?;
    }
    Ok(exit)
}

fn told(context: &Context, probe: &ModelProbe) -> Result<()> {
    if context.is_json() {
        return Ok(());
    }
    let mark = context.painter().paint(Role::Ok, if context.terminal.unicode { "✓" } else { "ok" });
    let said = print::clean(&probe.text.replace('\n', " "));
    let tokens = probe.input_tokens + probe.output_tokens;
    print::line(&format!(
        "{mark} {}  {}  {tokens} tokens  {said}",
        probe.model.0,
        duration(probe.duration_ms)
    ))
}
