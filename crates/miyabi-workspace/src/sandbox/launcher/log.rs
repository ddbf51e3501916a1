//! The output of a detached command: no program drains its pipe, so the supervisor does.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::pipe::PipeFlags;

use super::failure::{Done, During as _};
use crate::sandbox::plan::Step;

const READ_BYTES: usize = 64 * 1024;

/// Moves output from a pipe to a file that never grows beyond its limit.
pub(super) struct Log {
    pipe: OwnedFd,
    file: File,
    written_bytes: u64,
    limit_bytes: u64,
    buffer: Vec<u8>,
}

impl Log {
    /// Puts a pipe in the place of standard output and error, which so far are the file.
    pub(super) fn take_over_output(limit_bytes: u64) -> Done<Self> {
        let file = rustix::io::fcntl_dupfd_cloexec(std::io::stdout(), 3).during(Step::Processes)?;
        let (pipe, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).during(Step::Processes)?;
        rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK).during(Step::Processes)?;
        rustix::stdio::dup2_stdout(&writer).during(Step::Processes)?;
        rustix::stdio::dup2_stderr(&writer).during(Step::Processes)?;
        Ok(Self { pipe, file: file.into(), written_bytes: 0, limit_bytes, buffer: vec![0; READ_BYTES] })
    }

    pub(super) fn pipe(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Moves what one read gives. Returns whether there may be more.
    ///
    /// At the limit the file begins anew: of a service that has run for months the latest lines
    /// matter. A file that cannot be written loses lines, and the service goes on.
    pub(super) fn take_some(&mut self) -> bool {
        match rustix::io::read(&self.pipe, &mut self.buffer) {
            Ok(0) => false,
            Err(error) => matches!(error, rustix::io::Errno::INTR),
            Ok(count) => {
                if self.written_bytes + count as u64 > self.limit_bytes {
                    let _emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
                    self.written_bytes = 0;
                }
                let room = usize::try_from(self.limit_bytes).unwrap_or(usize::MAX).min(count);
                let _stored = self.file.write_all(&self.buffer[count - room..count]);
                self.written_bytes += room as u64;
                true
            }
        }
    }
}
