//! A loopback port for a project: the one it had, if that is free, or another that nobody has.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

use super::error::Error;

/// How many ports the system may offer before it is given up.
const TRIES: usize = 64;

/// Chooses a port. Blocking, briefly. Somebody else may still take it before the service does; then the service does
/// not get healthy, and the next start chooses another.
pub(super) fn choose(wanted: Option<u16>, of_others: &BTreeSet<u16>) -> Result<u16, Error> {
    if let Some(port) = wanted.filter(|port| is_free(*port)) {
        return Ok(port);
    }
    let offered = (0..TRIES).map_while(|_| offer().ok());
    // Ports of the system's own choice that were refused are free again, and may come again.
    offered.into_iter().find(|port| !of_others.contains(port)).ok_or(Error::NoPort)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn offer() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_kept_while_it_is_free() {
        let first = choose(None, &BTreeSet::new()).unwrap();
        assert_eq!(choose(Some(first), &BTreeSet::from([first])).unwrap(), first);
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_ne!(choose(Some(port), &BTreeSet::new()).unwrap(), port);
    }
}
