//! `secret`: values go in by a prompt or standard input, and never come out.

use anyhow::Result;
use miyabi_core::secret::Secret;
use miyabi_dashboard::api::{List, Problem, SecretName, SecretValue, SetSecret};
use miyabi_dashboard::client::encode;
use miyabi_model::{Ambient, Router, RouterConfig};

use super::issues::when;
use crate::args::SecretCommand;
use crate::context::Context;
use crate::input;
use crate::link::{Link, Need};
use crate::outcome::{Exit, usage};
use crate::print;
use crate::table::{text, title};

/// `miyabi secret`.
///
/// # Errors
/// As every command.
pub(crate) async fn run(context: &Context, command: &SecretCommand) -> Result<Exit> {
    match command {
        SecretCommand::Set { name } => {
            let value = read(context, name).await?;
            let link = open(context).await?;
            let set = store(&link, name, value).await;
            link.close().await;
            set?;
            print::note(context, &context.lang().secret_set(name));
        }
        SecretCommand::List => {
            let link = open(context).await?;
            let names: Result<List<SecretName>, Problem> = link.client.get("/secrets").await;
            link.close().await;
            list(context, &names?)?;
        }
        SecretCommand::Rm { name } => return remove(context, name).await,
    }
    Ok(Exit::OK)
}

/// The way to the API without any model: a provider whose key is not set yet must not stand in the way of setting it.
///
/// # Errors
/// As [`Link::open`].
pub(super) async fn open(context: &Context) -> Result<Link> {
    let none = Router::new(RouterConfig::default(), Ambient::system());
    Link::open_with(context, Need::Look, none.ok()).await
}

/// Stores a value under a name.
///
/// # Errors
/// As every call.
pub(super) async fn store(link: &Link, name: &str, value: Secret) -> Result<(), Problem> {
    let request = SetSecret { value: SecretValue(value) };
    link.client.put(&format!("/secrets/{}", encode(name)), &request).await
}

/// Asks for a value, or reads it from standard input.
///
/// # Errors
/// When there is none.
pub(super) async fn read(context: &Context, name: &str) -> Result<Secret> {
    let value = if context.terminal.may_ask {
        input::hidden(&context.lang().secret_prompt(name)).await?
    } else {
        input::all().await?
    };
    if value.is_empty() {
        return Err(usage(
            context.lang().secret_is_empty(),
            format!("echo -n VALUE | miyabi secret set {name}, or answer the prompt"),
        ));
    }
    Ok(Secret::new(value))
}

fn list(context: &Context, names: &List<SecretName>) -> Result<()> {
    if context.is_json() {
        return print::json(context, names);
    }
    if names.items.is_empty() {
        print::note(context, &context.lang().no_secrets());
        return Ok(());
    }
    let row = |secret: &SecretName| vec![secret.name.clone().into(), when(context, secret.set_at.0).into()];
    print::table(context, &[title("NAME"), text("SET")], &names.items.iter().map(row).collect::<Vec<_>>())
}

async fn remove(context: &Context, name: &str) -> Result<Exit> {
    let question = context.lang().secret_rm_question(name);
    if !input::agreed(context, &question, &format!("miyabi secret rm {name}")).await? {
        return Ok(Exit::FAILED);
    }
    let link = open(context).await?;
    let removed: Result<(), Problem> = link.client.delete(&format!("/secrets/{}", encode(name))).await;
    link.close().await;
    removed?;
    print::note(context, &context.lang().secret_removed(name));
    Ok(Exit::OK)
}
