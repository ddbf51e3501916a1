//! Turns system errors of a step into the failure that the program reads.

use std::io;
use std::path::Path;

use crate::sandbox::plan::{Failure, Step};
use crate::sandbox::text::Text;

/// Result of a launcher step.
pub(super) type Done<T = ()> = Result<T, Failure>;

/// Names the step, and the file where there is one, of a failed system call.
pub(super) trait During<T> {
    fn during(self, step: Step) -> Done<T>;
    fn during_at(self, step: Step, path: &Path) -> Done<T>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, step: Step) -> Done<T> {
        self.map_err(|error| Failure { step, path: None, errno: errno(error) })
    }

    fn during_at(self, step: Step, path: &Path) -> Done<T> {
        self.map_err(|error| Failure { step, path: Some(Text::from(path)), errno: errno(error) })
    }
}

/// A failure that has no system error of its own.
pub(super) fn failure(step: Step, errno: i32) -> Failure {
    Failure { step, path: None, errno }
}

fn errno(error: impl Into<io::Error>) -> i32 {
    error.into().raw_os_error().unwrap_or(libc::EIO)
}
