//! What can go wrong with the database itself, and how that reaches the ports' errors.

use miyabi_core::port::{journal, records};

/// SQLite's primary result codes that are told apart, see <https://www.sqlite.org/rescode.html>.
const CONSTRAINT: u32 = 19;
const FULL: u32 = 13;

/// A failure of the database, not of what was asked of it. Whatever was not acknowledged is not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another process took over.
    Fenced,
    /// No space is left.
    Full,
    /// Locked, damaged, closed: what SQLite says.
    Unavailable(String),
}

impl Fault {
    pub(crate) fn closed() -> Self {
        Self::Unavailable("the store is closed".into())
    }

    /// A stored value that no version of this program wrote.
    pub(crate) fn damaged(table: &str, column: &str) -> Self {
        Self::Unavailable(format!("`{table}.{column}` holds a value that was never written"))
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        match primary_code(&error) {
            Some(FULL) => Self::Full,
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// The lower eight bits of SQLite's extended code.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error()?.code()?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

impl From<Fault> for journal::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Fenced => Self::Fenced,
            Fault::Full => Self::Full,
            Fault::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<Fault> for records::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Fenced => Self::Fenced,
            Fault::Full => Self::Full,
            Fault::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

/// Why a write did not happen.
#[derive(Debug)]
pub(crate) enum Reject<E> {
    /// The write contradicts what is stored. The others of its commit are not touched.
    Refused(E),
    /// The database failed. Nothing of this commit is stored.
    Broken(Fault),
}

impl<E: From<Fault>> From<sqlx::Error> for Reject<E> {
    fn from(error: sqlx::Error) -> Self {
        let is_constraint = primary_code(&error) == Some(CONSTRAINT);
        let fault = Fault::from(error);
        // A constraint undoes only its own statement, so the commit can go on without this write.
        if is_constraint { Self::Refused(fault.into()) } else { Self::Broken(fault) }
    }
}

impl<E> From<Fault> for Reject<E> {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}
