//! The data folder, its owner, and the configuration.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::Result;
use miyabi_core::config::{Effective, Origin, Problems};
use miyabi_dashboard::api::Problem;
use miyabi_store::Layout;

use super::finding::{Finding, Fix, Group};
use crate::context::Context;
use crate::link::Link;
use crate::outcome::problem_of;
use crate::page;
use crate::terminal::Lang;

/// The folder: usable, private, and who owns it.
pub(super) async fn look(context: &Context, link: &Result<Link>) -> Vec<Finding> {
    let mut findings = vec![owner(context, link).await];
    let layout = Layout::of(&context.paths.data);
    for (name, path, mode) in
        [("privacy", layout.root().to_path_buf(), 0o700), ("key privacy", layout.key(), 0o600)]
    {
        findings.extend(privacy(context.lang(), name, path, mode));
    }
    findings
}

async fn owner(context: &Context, link: &Result<Link>) -> Finding {
    let (lang, name) = (context.lang(), "data folder");
    let folder = context.paths.data.display();
    match link {
        Err(error) => failed(lang, name, &problem_of(error)),
        Ok(link) => match link.client.health().await {
            Err(problem) => failed(lang, name, &problem),
            Ok(_) if link.drives() => Finding::ok(Group::Data, name, lang.doctor_data(folder)),
            Ok(health) if health.version == env!("CARGO_PKG_VERSION") => {
                Finding::ok(Group::Data, name, lang.doctor_data_shared(folder))
            }
            Ok(health) => Finding::warn(Group::Data, name, lang.doctor_data_version(folder, health.version)),
        },
    }
}

fn failed(lang: Lang, name: &str, problem: &Problem) -> Finding {
    let command = problem.hints.iter().find_map(|hint| hint.command.clone());
    let cure = command.filter(|command| command != "miyabi doctor");
    Finding::fail(Group::Data, name, problem.detail.to_string())
        .cure(cure.unwrap_or_else(|| page::advice(problem.code, lang)))
}

/// Nobody else may read what is kept.
fn privacy(lang: Lang, name: &str, path: PathBuf, mode: u32) -> Option<Finding> {
    let has = path.metadata().ok()?.permissions().mode() & 0o777;
    Some(if has & 0o077 == 0 {
        Finding::ok(Group::Data, name, lang.doctor_private())
    } else {
        Finding::fail(Group::Data, name, lang.doctor_open(path.display()))
            .fix(Fix::MakePrivate { path, mode })
    })
}

/// All problems of the configuration, each on its own.
pub(super) fn configuration(lang: Lang, settings: &Result<Effective, Problems>) -> Vec<Finding> {
    match settings {
        Ok(effective) => {
            let set = effective.entries.iter().filter(|entry| entry.origin != Origin::Default).count();
            vec![Finding::ok(Group::Data, "configuration", lang.doctor_settings(set))]
        }
        Err(problems) => {
            let finding = |problem: &miyabi_core::config::Problem| {
                Finding::fail(Group::Data, "configuration", problem.to_string())
                    .cure(problem.hint.clone().unwrap_or_else(|| "miyabi config edit".to_owned()))
            };
            problems.0.iter().map(finding).collect()
        }
    }
}
