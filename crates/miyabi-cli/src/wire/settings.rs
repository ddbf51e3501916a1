//! The configuration as it lies in files, variables and flags at this moment.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use miyabi_core::config::{Effective, Origin, Problem, Problems, Sources, load};
use miyabi_core::port::settings::Settings;
use miyabi_core::project::Project;

/// The largest configuration file that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// Files, variables and flags.
#[derive(Debug, Clone)]
pub(crate) struct FileSettings {
    /// The operator's file.
    pub(crate) file: PathBuf,
    /// Variables as they were when the program started.
    pub(crate) variables: BTreeMap<String, String>,
    /// Settings of the command line, each `key=value`.
    pub(crate) flags: Vec<String>,
}

impl FileSettings {
    /// Reads and merges; the repository's file is read from the user's own checkout.
    ///
    /// # Errors
    /// Everything that is wrong, a file that can't be read included.
    pub(crate) fn read(&self, repository: Option<&Path>) -> Result<Effective, Problems> {
        let user = read(&self.file, Origin::User)?;
        let repository = match repository {
            Some(folder) => read(&folder.join(".miyabi/config.toml"), Origin::Repository)?,
            None => None,
        };
        load(&Sources { user, repository, variables: self.variables.clone(), flags: self.flags.clone() })
    }
}

#[async_trait]
impl Settings for FileSettings {
    async fn load(&self, project: Option<&Project>) -> Result<Effective, Problems> {
        let (settings, folder) = (self.clone(), project.map(|project| PathBuf::from(&project.path)));
        let read = tokio::task::spawn_blocking(move || settings.read(folder.as_deref())).await;
        read.unwrap_or_else(|_| Err(problem("the configuration", Origin::User, "reading it was broken off")))
    }
}

/// A file's text; `None` if there is none. Only regular files: a repository could put a pipe there.
fn read(path: &Path, origin: Origin) -> Result<Option<String>, Problems> {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(problem(&path.display().to_string(), origin, &error.to_string())),
    };
    let place = path.display().to_string();
    if !metadata.is_file() {
        return Err(problem(&place, origin, "is not a regular file"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(problem(
            &place,
            origin,
            &format!("has {} bytes, at most {MAX_BYTES} are read", metadata.len()),
        ));
    }
    std::fs::read_to_string(path).map(Some).map_err(|error| problem(&place, origin, &error.to_string()))
}

fn problem(key: &str, origin: Origin, message: &str) -> Problems {
    Problems(vec![Problem { key: key.to_owned(), origin, message: message.to_owned(), hint: None }])
}
