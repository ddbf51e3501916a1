//! Where things are: the checkout, and the caches beside it. The only reader of the environment here.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The folders that tasks work with. Caches stand outside of the checkout, so that a clone is only sources.
pub(crate) struct Place {
    /// The checkout's root.
    pub(crate) root: PathBuf,
    /// What cargo builds: `CARGO_TARGET_DIR`, which the Makefile puts into the user's cache folder; else cargo's
    /// own default.
    pub(crate) target: PathBuf,
    /// Tools that tasks install for themselves.
    pub(crate) tools: PathBuf,
    /// Set by `MIYABI_PEERS`: use exactly this folder for the test peers.
    pub(crate) peers_override: Option<PathBuf>,
    /// Where test peers are installed otherwise, one folder per lock file.
    pub(crate) peers: PathBuf,
    /// How much slower than a machine of two current cores this one may be; multiplies time budgets.
    pub(crate) patience: u32,
}

impl Place {
    /// Finds the folders from the environment.
    ///
    /// # Errors
    /// When there is neither `HOME` nor `XDG_CACHE_HOME`, or `MIYABI_PATIENCE` is no number.
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask stands in the checkout's root")?
            .to_owned();
        let cache = user_cache()?.join("miyabi");
        let target = variable("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let patience = match variable("MIYABI_PATIENCE") {
            None => 1,
            Some(text) => text
                .to_str()
                .and_then(|text| text.parse().ok())
                .filter(|factor| *factor >= 1)
                .context("MIYABI_PATIENCE is not a whole number of 1 or more")?,
        };
        Ok(Self {
            target: root.join(target),
            tools: cache.join("tools"),
            peers_override: variable("MIYABI_PEERS").map(PathBuf::from),
            peers: cache.join("peers"),
            patience,
            root,
        })
    }

    /// The program `name` on the `PATH`.
    pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
        std::env::split_paths(&variable("PATH")?).map(|folder| folder.join(name)).find(|file| file.is_file())
    }
}

fn user_cache() -> Result<PathBuf> {
    if let Some(folder) = variable("XDG_CACHE_HOME") {
        return Ok(folder.into());
    }
    let home = variable("HOME").context("neither HOME nor XDG_CACHE_HOME says where caches may stand")?;
    Ok(Path::new(&home).join(".cache"))
}

fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
