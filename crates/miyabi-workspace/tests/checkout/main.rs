//! Checkouts against real git in the real sandbox.

#[cfg(test)]
mod commands;
#[cfg(test)]
mod commits;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod merges;
#[cfg(test)]
mod ordinary_user;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod support;
