//! What the project shall be like: flags first, then answers, each with what was found as its default.

use anyhow::Result;
use miyabi_core::config::{Effective, Usd};
use miyabi_core::port::model::ModelName;
use miyabi_core::run::spec::Autonomy;
use miyabi_dashboard::api::Project;
use miyabi_model::known::KNOWN;
use miyabi_workspace::repositories::UserCheckout;

use crate::args::{self, Init};
use crate::context::Context;
use crate::input;
use crate::outcome::usage;

/// What is wanted. `None` leaves the configuration as it is.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    /// The project's name; `None` for the folder's.
    pub(super) name: Option<String>,
    /// The branch that runs start from.
    pub(super) branch: String,
    /// The model of all roles.
    pub(super) model: Option<String>,
    /// How far runs go by themselves.
    pub(super) autonomy: Option<&'static str>,
    /// What a run may cost.
    pub(super) budget: Option<String>,
}

impl Wish {
    /// Gathers everything; asks at most four things, and none with `--yes`, `--print` or without a terminal.
    pub(super) async fn gather(
        context: &Context,
        args: &Init,
        seen: &UserCheckout,
        known: Option<&Project>,
        effective: &Effective,
    ) -> Result<Self> {
        let known_branch = known.map(|project| project.branch.clone());
        let branch = args.branch.clone().or(known_branch).or_else(|| seen.branch.clone());
        let branch = branch.ok_or_else(|| {
            usage("no branch is checked out, so there is none to start from", "miyabi init --branch main")
        })?;
        let mut wish = Self {
            name: args.name.clone(),
            branch,
            model: args.model.clone(),
            autonomy: args.autonomy.map(autonomy),
            budget: args.budget.clone(),
        };
        if context.terminal.may_ask && !context.global.yes && !args.print {
            wish.ask(context, args, known, effective).await?;
        }
        wish.check()?;
        Ok(wish)
    }

    async fn ask(
        &mut self,
        context: &Context,
        args: &Init,
        known: Option<&Project>,
        effective: &Effective,
    ) -> Result<()> {
        let (lang, config) = (context.lang(), &effective.config);
        if args.branch.is_none() && known.is_none() {
            self.branch = answer(&lang.init_ask_branch(), &self.branch).await?;
        }
        if self.model.is_none() && config.models.default.is_none() {
            let hint = keyed_providers(context);
            let asked = answer(&lang.init_ask_model(hint), "").await?;
            self.model = Some(asked).filter(|model| !model.is_empty());
        }
        if self.autonomy.is_none() {
            let now = word(config.run.autonomy);
            let asked = answer(&lang.init_ask_autonomy(), now).await?;
            self.autonomy = match asked.as_str() {
                same if same == now => None,
                "plan" => Some("plan"),
                "pr" => Some("pr"),
                "deploy" => Some("deploy"),
                other => return Err(usage(format!("`{other}` is no stage"), "one of: plan, pr, deploy")),
            };
        }
        if self.budget.is_none() {
            let now = config.budget.cost_usd.0.decimal();
            let asked = answer(&lang.init_ask_budget(), &now).await?;
            self.budget = Some(asked).filter(|asked| *asked != now);
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        if let Some(model) = &self.model {
            let name = ModelName(model.clone());
            if name.provider().is_empty() || name.model().is_empty() {
                let fix = "write it as provider/name, such as openai/gpt-5; see: miyabi model list";
                return Err(usage(format!("`{model}` is not a model's full name"), fix));
            }
        }
        if let Some(budget) = &self.budget
            && budget.parse().map(Usd).is_err()
        {
            return Err(usage(format!("`{budget}` is not an amount"), "write it like 2 or 0.50"));
        }
        Ok(())
    }
}

fn autonomy(wanted: args::Autonomy) -> &'static str {
    match wanted {
        args::Autonomy::Plan => "plan",
        args::Autonomy::Pr => "pr",
        args::Autonomy::Deploy => "deploy",
    }
}

fn word(autonomy: Autonomy) -> &'static str {
    match autonomy {
        Autonomy::Plan => "plan",
        Autonomy::Pr => "pr",
        Autonomy::Deploy => "deploy",
    }
}

/// Providers whose key is at hand, as an example of what may be answered.
fn keyed_providers(context: &Context) -> String {
    let has_key = |name: &&str| context.variables.get(*name).is_some_and(|value| !value.is_empty());
    let found: Vec<&str> = KNOWN
        .iter()
        .filter(|known| known.key_variable.as_ref().is_some_and(has_key))
        .map(|known| known.name)
        .collect();
    if found.is_empty() { "openai, anthropic, gemini, ollama, ...".to_owned() } else { found.join(", ") }
}

/// A question with its default; the default for an empty line and at the end of input.
async fn answer(question: &str, default: &str) -> Result<String> {
    let shown = if default.is_empty() { String::new() } else { format!(" [{default}]") };
    let line = input::line(&format!("{question}{shown} ")).await?.unwrap_or_default();
    let line = line.trim();
    Ok(if line.is_empty() { default.to_owned() } else { line.to_owned() })
}
