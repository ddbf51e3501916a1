//! Hostile and awkward commands in real sandboxes.
//!
//! No argument here could harm the machine if a cage were open: files and listeners are the tests'
//! own, signals are number 0, loops are bounded. Perl makes the raw system calls, because every
//! Debian-like system has it.

#[cfg(test)]
mod awkward;
#[cfg(test)]
mod escapes;
#[cfg(test)]
mod levels;
#[cfg(test)]
mod lifetime;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod mounts;
#[cfg(test)]
mod ordinary_user;
#[cfg(test)]
mod support;
#[cfg(test)]
mod system_calls;
