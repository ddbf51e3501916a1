//! Which project a command is about: the one named, or the one that the folder belongs to.

use std::path::Path;

use anyhow::Result;
use miyabi_core::error::ErrorCode;
use miyabi_dashboard::api::{List, Problem, Project};

use crate::context::Context;
use crate::link::Link;

/// The project of this name, or of the folder.
///
/// # Errors
/// `PROJECT_UNKNOWN` with what to do.
pub(crate) async fn of(context: &Context, link: &Link, name: Option<&str>) -> Result<Project> {
    let projects: List<Project> = link.client.get("/projects").await?;
    let found = match name {
        Some(name) if !Path::new(name).is_dir() => {
            projects.items.into_iter().find(|project| project.name == name)
        }
        _ => {
            let folder = name.map_or_else(|| context.folder.clone(), |name| context.folder.join(name));
            let folder = folder.canonicalize().unwrap_or(folder);
            let holds = |project: &Project| folder.starts_with(&project.path);
            projects.items.into_iter().filter(holds).max_by_key(|project| project.path.len())
        }
    };
    found.ok_or_else(|| {
        let what = name.map_or_else(|| format!("`{}`", context.folder.display()), |name| format!("`{name}`"));
        Problem::new(ErrorCode::ProjectUnknown, format!("{what} is not a connected project"))
            .with_hint("connect the repository you are in", Some("miyabi init"))
            .into()
    })
}
