//! Ends every descendant where there is no PID namespace to do it (levels `reduced` and `external`).
//!
//! The launcher is the subreaper of everything below it, so a process that loses its parent becomes
//! the launcher's child instead of escaping. Killing goes on until no child is left.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use super::system::{self, Reaped};
use super::watch::Watch;

/// A command that forks faster than it can be killed for this long is left to the operator.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends a signal to every descendant.
pub(super) fn signal_all(watch: &Watch, signal: Signal) {
    for process in watch.processes() {
        if let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) {
            // Gone already, or not ours: both are fine.
            let _sent = rustix::process::kill_process(pid, signal);
        }
    }
}

/// Kills and reaps until nothing is left, passing each reaped child to `count`.
pub(super) fn end_all(watch: &Watch, mut count: impl FnMut(&Reaped)) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        loop {
            match system::reap(None) {
                Ok(Some(reaped)) => count(&reaped),
                Ok(None) => break,
                Err(_no_children) => return,
            }
        }
        // First all are stopped, so that nothing new appears while the list is worked through.
        signal_all(watch, Signal::STOP);
        signal_all(watch, Signal::KILL);
        if Instant::now() > deadline {
            return;
        }
        std::thread::yield_now();
    }
}
