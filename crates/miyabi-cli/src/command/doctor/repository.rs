//! The repository around the folder: a git checkout, connected, with a known test command and our remote.

use std::path::{Path, PathBuf};

use miyabi_core::config::Effective;
use miyabi_core::detect::{FILES_READ, detect};
use miyabi_core::gate::Checks;
use miyabi_dashboard::Client;
use miyabi_dashboard::api::{List, Project};
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::UserCheckout;

use super::REMOTE;
use super::finding::{Finding, Fix, Group};
use crate::command::project;
use crate::context::Context;
use crate::terminal::Lang;
use crate::wire::find_program;

/// The largest file that is looked into for a project's commands, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// Everything about the repository.
pub(super) async fn look(
    context: &Context,
    root: Option<PathBuf>,
    effective: Option<&Effective>,
    client: Option<&Client>,
) -> Vec<Finding> {
    let lang = context.lang();
    let Some(root) = root else {
        return vec![
            Finding::skipped(Group::Repository, "checkout", lang.doctor_no_repository())
                .cure("git init, or enter a repository"),
        ];
    };
    let seen = match Git::open(find_program("git", &context.variables)).await {
        Ok(git) => UserCheckout::look(&git, &root).await.map_err(|failure| failure.message),
        Err(error) => Err(error.to_string()),
    };
    let seen = match seen {
        Ok(seen) => seen,
        Err(message) => return vec![Finding::fail(Group::Repository, "checkout", message)],
    };
    let mut findings = vec![checkout(lang, &seen), tests(lang, &seen, effective)];
    if let Some(client) = client {
        findings.extend(connected(context, &seen, client).await);
    }
    findings
}

fn checkout(lang: Lang, seen: &UserCheckout) -> Finding {
    let (group, name) = (Group::Repository, "checkout");
    match (&seen.branch, &seen.changes) {
        _ if !seen.has_commits => {
            Finding::fail(group, name, lang.doctor_no_commit()).cure("git add -A && git commit -m \"Begin\"")
        }
        (None, _) => Finding::warn(group, name, lang.doctor_no_branch()).cure("git switch <branch>"),
        (Some(_), Some(changes)) => {
            Finding::warn(group, name, lang.doctor_changes(changes)).cure("git commit, or git stash")
        }
        (Some(branch), None) => Finding::ok(group, name, lang.doctor_clean(branch)),
    }
}

fn tests(lang: Lang, seen: &UserCheckout, effective: Option<&Effective>) -> Finding {
    let own = effective.map(|effective| effective.repository.checks.clone()).unwrap_or_default();
    let checks = own.or(detected(seen));
    match checks.test.as_slice() {
        [] => Finding::warn(Group::Repository, "tests", lang.doctor_no_tests())
            .cure("[checks] test = [[\"make\", \"test\"]] in .miyabi/config.toml"),
        commands => {
            let words: Vec<String> = commands.iter().map(|command| command.join(" ")).collect();
            Finding::ok(Group::Repository, "tests", words.join("; "))
        }
    }
}

/// The commands that the project's files tell.
pub(in crate::command) fn detected(seen: &UserCheckout) -> Checks {
    let read = |name: &str| {
        let path = seen.root.join(name);
        let is_small = path.metadata().is_ok_and(|about| about.is_file() && about.len() <= MAX_BYTES);
        (is_small && FILES_READ.contains(&name)).then(|| std::fs::read_to_string(path).ok()).flatten()
    };
    detect(&seen.files, &read)
}

async fn connected(context: &Context, seen: &UserCheckout, client: &Client) -> Vec<Finding> {
    let lang = context.lang();
    let projects: Result<List<Project>, _> = client.get("/projects").await;
    let path = seen.root.to_string_lossy();
    let found = projects.map(|all| all.items.into_iter().find(|project| project.path == path));
    let project = match found {
        Ok(Some(project)) => project,
        Ok(None) => {
            return vec![
                Finding::warn(Group::Repository, "project", lang.doctor_not_connected()).cure("miyabi init"),
            ];
        }
        Err(problem) => {
            return vec![Finding::skipped(Group::Repository, "project", problem.detail.to_string())];
        }
    };
    let connected =
        Finding::ok(Group::Repository, "project", lang.doctor_connected(&project.name, &project.branch));
    vec![connected, remote(context, seen, &project)]
}

fn remote(context: &Context, seen: &UserCheckout, project: &Project) -> Finding {
    let address = project::repository(context, project);
    let has = seen.remotes.get(REMOTE).map(Path::new);
    if has == Some(&address) {
        let words = format!("git pull {REMOTE} {}", project.branch);
        return Finding::ok(Group::Repository, "remote", words);
    }
    let detail = context.lang().doctor_no_remote(REMOTE);
    let fix = Fix::SetRemote { root: seen.root.clone(), address: address.display().to_string() };
    Finding::warn(Group::Repository, "remote", detail).fix(fix)
}
