//! Connected repositories.

use super::{Act, Caller, Error, Runs, may};
use crate::id::ProjectId;
use crate::port::records::{self, Projects};
use crate::port::repositories::Repositories;
use crate::project::Project;

/// The longest short name.
const MAX_NAME_CHARS: usize = 64;

/// Names tried for a folder whose own name is taken.
const NAME_TRIES: u32 = 100;

/// A repository to be connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// The absolute path of the user's own checkout.
    pub path: String,
    /// The branch that runs start from and merge into.
    pub branch: String,
    /// A short name; made of the folder's name if not given.
    pub name: Option<String>,
}

/// Connects a repository; one that is connected already is brought up to date.
///
/// # Errors
/// `NOT_A_REPOSITORY` and the other words of [`Repositories::open`], [`Error::Conflict`] when the name is taken.
pub async fn connect_project(
    runs: &Runs,
    projects: &dyn Projects,
    repositories: &dyn Repositories,
    caller: &Caller,
    new: &NewProject,
) -> Result<Project, Error> {
    may(caller, Act::ConnectProject)?;
    if !new.path.starts_with('/') {
        return Err(Error::invalid("path", "must be absolute"));
    }
    if let Some(name) = new.name.as_deref().filter(|name| !is_name(name)) {
        return Err(Error::invalid(
            "name",
            format!("`{name}` must be 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`"),
        ));
    }
    let found = projects.find_by_path(caller.tenant, &new.path).await?;
    let at = runs.clock.now();
    let mut project = found.clone().unwrap_or_else(|| Project {
        id: ProjectId::mint(at, runs.entropy.draw()),
        tenant: caller.tenant,
        name: String::new(),
        path: new.path.clone(),
        branch: String::new(),
        created_at: at,
    });
    project.branch.clone_from(&new.branch);
    repositories.open(&project, &new.branch).await?;
    if found.is_some() {
        projects.update(&project).await?;
        return Ok(project);
    }
    create(projects, project, new).await
}

/// Stores a new project under its name, or under the first free one made of its folder's.
async fn create(projects: &dyn Projects, mut project: Project, new: &NewProject) -> Result<Project, Error> {
    let wanted = new.name.clone().unwrap_or_else(|| name_of(&new.path));
    for number in 1..=NAME_TRIES {
        project.name = if number == 1 { wanted.clone() } else { format!("{wanted}-{number}") };
        match projects.create(&project).await {
            Ok(()) => return Ok(project),
            Err(records::Error::Exists { .. }) if new.name.is_none() => {}
            Err(records::Error::Exists { .. }) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Conflict {
        message: format!("a project named `{wanted}` exists already"),
        remedy: Some("give it another name".into()),
    })
}

/// All projects, by name; with a path, only the one of that checkout.
///
/// # Errors
/// Only those of the store.
pub async fn list_projects(
    projects: &dyn Projects,
    caller: &Caller,
    path: Option<&str>,
) -> Result<Vec<Project>, Error> {
    may(caller, Act::ReadProjects)?;
    match path {
        Some(path) => Ok(projects.find_by_path(caller.tenant, path).await?.into_iter().collect()),
        None => Ok(projects.list(caller.tenant).await?),
    }
}

/// The project of an id or a short name.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get_project(projects: &dyn Projects, caller: &Caller, name: &str) -> Result<Project, Error> {
    may(caller, Act::ReadProjects)?;
    let found = match name.parse() {
        Ok(id) => projects.find(caller.tenant, id).await?,
        Err(_) => projects.list(caller.tenant).await?.into_iter().find(|project| project.name == name),
    };
    found.ok_or_else(|| Error::not_found("project", name))
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    (1..=MAX_NAME_CHARS).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.')
}

/// A short name out of the last part of a path.
fn name_of(path: &str) -> String {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let plain = |letter: char| {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() || "._-".contains(letter) {
            letter
        } else {
            '-'
        }
    };
    // Room for a number behind it.
    let name: String = last.chars().map(plain).take(MAX_NAME_CHARS - 4).collect();
    let name = name.trim_matches(|letter| "._-".contains(letter));
    if name.is_empty() { "project".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_fit() {
        for (path, expected) in [
            ("/home/kei/Web App/", "web-app"),
            ("/", "project"),
            ("/x/.dotfiles", "dotfiles"),
            ("/x/日本語", "project"),
            ("/x/a_b.c-1", "a_b.c-1"),
        ] {
            assert_eq!(name_of(path), expected, "{path}");
            assert!(is_name(&name_of(path)), "{path}");
        }
        assert!(is_name(&format!("{}-100", name_of(&"x".repeat(200)))));
        for name in ["", "A", "a b", "../x", ".x", "a/b"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
