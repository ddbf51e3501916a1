//! Which project a command is about: the one named, or the one that the folder belongs to.

use std::path::{Path, PathBuf};

use anyhow::Result;
use miyabi_core::error::ErrorCode;
use miyabi_dashboard::api::{List, Problem, Project};
use miyabi_store::Layout;
use miyabi_workspace::repositories;

use crate::context::Context;
use crate::link::{Link, Need};

/// The way to the API, if there is a data folder already: commands that only look around don't make one.
///
/// # Errors
/// As [`Link::open`].
pub(crate) async fn link_if_used(context: &Context) -> Result<Option<Link>> {
    if Layout::of(&context.paths.data).database().exists() {
        return Link::open(context, Need::Look).await.map(Some);
    }
    Ok(None)
}

/// All projects.
///
/// # Errors
/// As every call.
pub(crate) async fn all(link: &Link) -> Result<Vec<Project>> {
    let projects: List<Project> = link.client.get("/projects").await?;
    Ok(projects.items)
}

/// The project of this name, or of the folder.
///
/// # Errors
/// `PROJECT_UNKNOWN` with what to do.
pub(crate) async fn of(context: &Context, link: &Link, name: Option<&str>) -> Result<Project> {
    let projects = all(link).await?;
    let names: Vec<String> = projects.iter().map(|project| project.name.clone()).collect();
    let found = match name {
        Some(name) if !Path::new(name).is_dir() => projects.into_iter().find(|project| project.name == name),
        _ => {
            let folder = name.map_or_else(|| context.folder.clone(), |name| context.folder.join(name));
            let folder = folder.canonicalize().unwrap_or(folder);
            let holds = |project: &Project| folder.starts_with(&project.path);
            projects.into_iter().filter(holds).max_by_key(|project| project.path.len())
        }
    };
    found.ok_or_else(|| unknown(context, name, &names).into())
}

fn unknown(context: &Context, name: Option<&str>, names: &[String]) -> Problem {
    let what = name.map_or_else(|| format!("`{}`", context.folder.display()), |name| format!("`{name}`"));
    let problem = Problem::new(ErrorCode::ProjectUnknown, format!("{what} is not a connected project"));
    let near = name.and_then(|name| miyabi_core::config::nearest(name, names.iter().map(String::as_str)));
    match near {
        Some(near) => problem.with_hint(format!("did you mean `{near}`?"), None),
        None => problem.with_hint("connect the repository you are in", Some("miyabi init")),
    }
}

/// Where the project's own repository is: what users pull merged changes from.
pub(crate) fn repository(context: &Context, project: &Project) -> PathBuf {
    repositories::path_in(&context.paths.data, project.id)
}
