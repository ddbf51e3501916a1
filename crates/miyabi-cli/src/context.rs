//! What every command works with: where things lie, what the terminal can, what was asked for on the command line.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::args::Global;
use crate::paths::Paths;
use crate::style::Painter;
use crate::terminal::{Lang, Terminal, Variables};
use crate::wire::settings::FileSettings;

/// What every command works with.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Global flags.
    pub(crate) global: Global,
    /// What the terminal is and can.
    pub(crate) terminal: Terminal,
    /// Variables as they were when the program started.
    pub(crate) variables: Variables,
    /// Where things lie.
    pub(crate) paths: Paths,
    /// The configuration's sources.
    pub(crate) settings: FileSettings,
    /// The folder the command acts in.
    pub(crate) folder: PathBuf,
    /// The user's name, for the record.
    pub(crate) user: String,
}

impl Context {
    /// Gathers everything, once.
    ///
    /// # Errors
    /// When the machine knows no home folder, or the folder named by `-C` does not exist.
    pub(crate) fn gather(global: Global, variables: Variables) -> Result<Self> {
        let terminal = Terminal::look(global.color, global.no_input, &variables);
        let paths = Paths::find(global.data_dir.as_deref(), global.config.as_deref())?;
        let folder = match &global.directory {
            Some(folder) => folder
                .canonicalize()
                .with_context(|| format!("could not enter the folder `{}`", folder.display()))?,
            None => std::env::current_dir().context("could not find the current folder")?,
        };
        let settings = FileSettings {
            file: paths.config.clone(),
            variables: variables.clone(),
            flags: global.set.clone(),
        };
        let user = ["USER", "LOGNAME"].iter().find_map(|name| variables.get(*name)).cloned();
        let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
        Ok(Self { global, terminal, variables, paths, settings, folder, user })
    }

    /// The language of messages.
    pub(crate) fn lang(&self) -> Lang {
        self.terminal.lang
    }

    /// Colours and marks for standard output.
    pub(crate) fn painter(&self) -> Painter {
        Painter { color: self.terminal.color, unicode: self.terminal.unicode }
    }

    /// Colours and marks for standard error.
    pub(crate) fn error_painter(&self) -> Painter {
        Painter { color: self.terminal.error_color, unicode: self.terminal.unicode }
    }

    /// Whether output is for programs.
    pub(crate) fn is_json(&self) -> bool {
        self.global.json.is_some()
    }

    /// The width that tables keep to; `None` where nothing is shortened.
    pub(crate) fn table_width(&self) -> Option<usize> {
        self.terminal.stdout_is_tty.then_some(self.terminal.width)
    }
}
