//! Where things lie on this machine: the data folder and the configuration file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use etcetera::BaseStrategy as _;

/// The folders of the platform, or those that the caller named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Paths {
    /// Database, artifacts, repositories, checkouts, releases.
    pub(crate) data: PathBuf,
    /// The operator's configuration.
    pub(crate) config: PathBuf,
    /// The operator's home folder, where toolchains may lie.
    pub(crate) home: PathBuf,
}

impl Paths {
    /// The platform's folders (XDG on Linux), unless named otherwise.
    ///
    /// # Errors
    /// When the machine knows no home folder and not both are named.
    pub(crate) fn find(data: Option<&Path>, config: Option<&Path>) -> Result<Self> {
        let strategy =
            etcetera::choose_base_strategy().context("could not find the home folder; set HOME")?;
        Ok(Self {
            data: data.map_or_else(|| strategy.data_dir().join("miyabi"), Path::to_path_buf),
            config: config
                .map_or_else(|| strategy.config_dir().join("miyabi/config.toml"), Path::to_path_buf),
            home: strategy.home_dir().to_path_buf(),
        })
    }
}
