//! What is wrong with a configuration: all of it at once, each problem with its place and remedy.

use std::fmt;

use super::layer::Origin;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, or the layer's name when the whole layer can't be read.
    pub key: String,
    /// Where it was set.
    pub origin: Origin,
    /// What is wrong, without the key.
    pub message: String,
    /// What would be right, if that can be told.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}): {}", self.key, self.origin, self.message)
    }
}

/// Everything that is wrong with a configuration; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "the configuration is wrong: {one}"),
            all => {
                write!(f, "the configuration has {} problems", all.len())?;
                for problem in all {
                    write!(f, "; {problem}")?;
                }
                Ok(())
            }
        }
    }
}
