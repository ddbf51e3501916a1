//! Where the supervisor's news comes from, and how it waits for all of it at once.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::failure::{Done, During as _};
use super::watch::Watch;
use crate::sandbox::plan::Step;

/// Who has something to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    End,
    Signal,
    Program,
    Log,
}

/// What init leaves in its socket.
pub(super) enum FromInit {
    /// The sandbox's `/proc`, and its mounts to hold.
    View { watch: Watch, mounts: Option<OwnedFd> },
    /// The command's wait status.
    Status(i32),
}

/// The descriptors that exist for every command.
pub(super) struct Sources {
    /// Becomes readable when init has ended.
    pub(super) ended: OwnedFd,
    /// The socket shared with init. A message is one packet.
    pub(super) gate: OwnedFd,
    pub(super) signals: OwnedFd,
}

impl Sources {
    /// Waits until someone has something to say, or for as long as `patience`.
    pub(super) fn wait(
        &self,
        program: Option<BorrowedFd<'_>>,
        log: Option<BorrowedFd<'_>>,
        patience: &Timespec,
    ) -> Done<Vec<News>> {
        let always = [(News::End, Some(self.ended.as_fd())), (News::Signal, Some(self.signals.as_fd()))];
        let sometimes = [(News::Program, program), (News::Log, log)];
        let waiting: Vec<(News, BorrowedFd<'_>)> =
            always.into_iter().chain(sometimes).filter_map(|(news, source)| Some((news, source?))).collect();
        let mut polled: Vec<PollFd<'_>> =
            waiting.iter().map(|(_, source)| PollFd::new(source, PollFlags::IN)).collect();
        match poll(&mut polled, Some(patience)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).during(Step::Processes),
        }
        let arrived = waiting.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        Ok(arrived.map(|((news, _), _)| *news).collect())
    }

    /// The next message of init, if there is one.
    pub(super) fn next_from_init(&self) -> Option<FromInit> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut bytes = [0_u8; 4];
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received =
            rustix::net::recvmsg(&self.gate, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, flags)
                .ok()?;
        let mut descriptors = ancillary.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        });
        match (descriptors.next(), received.bytes) {
            (Some(processes), _) => {
                Some(FromInit::View { watch: Watch::namespace(processes), mounts: descriptors.next() })
            }
            (None, 4) => Some(FromInit::Status(i32::from_ne_bytes(bytes))),
            (None, _) => None,
        }
    }
}
