//! System calls that a caged command may not make.
//!
//! Refused calls fail with `EPERM`, calls that have an older alternative pretend not to exist
//! (`ENOSYS`), sockets of unwanted kinds are unsupported (`EAFNOSUPPORT`). Every call newer than the
//! lists, and the 32-bit alias numbers, do not exist either: what nobody has looked at is not allowed
//! by accident. Calls of a foreign architecture kill.
//!
//! Three filters, of which the strictest answer counts: one for numbers, and two for arguments,
//! because a filter of the library gives one answer.

mod calls;
mod table;

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use self::calls::{
    ABSENT, NAMESPACE_FLAGS, NEWEST_REVIEWED_CALL, REFUSED, REFUSED_HERE, SHARED_SEGMENT_BYTES,
};
use super::failure::{Done, failure};
use crate::sandbox::plan::Step;

/// The library's name of this architecture, and the kernel's (`AUDIT_ARCH_*`).
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: (TargetArch, u32) = (TargetArch::x86_64, 0xc000_003e);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: (TargetArch, u32) = (TargetArch::aarch64, 0xc000_00b7);

/// Which sockets a command may open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sockets {
    /// Unix, internet and the route queries that name the interfaces.
    Internet,
    /// Unix only: where no network namespace stands between the command and the machine's network.
    UnixOnly,
}

/// Applies all filters to this process and its descendants, for good.
pub(super) fn apply(sockets: Sockets) -> Done {
    for program in programs(sockets).ok_or_else(|| failure(Step::Seccomp, libc::EINVAL))? {
        seccompiler::apply_filter(&program).map_err(|error| match error {
            seccompiler::Error::Prctl(source) | seccompiler::Error::Seccomp(source) => {
                failure(Step::Seccomp, source.raw_os_error().unwrap_or(libc::EIO))
            }
            _ => failure(Step::Seccomp, libc::EINVAL),
        })?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Built<T> = Result<T, seccompiler::BackendError>;

fn programs(sockets: Sockets) -> Option<[BpfProgram; 3]> {
    Some([
        by_number()?,
        by_argument(refused_by_argument().ok()?, libc::EPERM).ok()?,
        by_argument(socket_rules(sockets).ok()?, libc::EAFNOSUPPORT).ok()?,
    ])
}

fn by_number() -> Option<BpfProgram> {
    let refused = REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, libc::EPERM));
    let absent = ABSENT.iter().map(|call| (*call, libc::ENOSYS));
    let numbered = |(call, errno): (i64, i32)| Some((u32::try_from(call).ok()?, errno));
    let mut answers = refused.chain(absent).map(numbered).collect::<Option<Vec<_>>>()?;
    table::build(ARCHITECTURE.1, NEWEST_REVIEWED_CALL, &mut answers)
}

fn by_argument(rules: Rules, errno: i32) -> Built<BpfProgram> {
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, answer, ARCHITECTURE.0)?.try_into()
}

fn refused_by_argument() -> Built<Rules> {
    let mut rules = Rules::new();
    let flags = NAMESPACE_FLAGS.map(|flag| any_of(0, flag.cast_unsigned()));
    rules.insert(
        libc::SYS_clone,
        flags.into_iter().map(|condition| rule([condition?])).collect::<Built<_>>()?,
    );

    // Input for someone else's terminal.
    let commands = [libc::TIOCSTI, libc::TIOCLINUX];
    let commands = commands.map(|command| rule([equal(1, command & 0xffff_ffff)?]));
    rules.insert(libc::SYS_ioctl, commands.into_iter().collect::<Built<_>>()?);

    // 0 is the ordinary one, all ones asks for the present one.
    rules.insert(libc::SYS_personality, vec![rule([different(0, 0)?, different(0, 0xffff_ffff)?])?]);
    rules.insert(libc::SYS_shmget, vec![rule([wide(1, SeccompCmpOp::Gt, SHARED_SEGMENT_BYTES)?])?]);

    // A set-user-id file in a writable folder would outlive the sandbox. Set-group-id stays allowed,
    // because shared folders carry it.
    let set_id = |argument| any_of(argument, libc::S_ISUID);
    rules.insert(libc::SYS_fchmod, vec![rule([set_id(1)?])?]);
    rules.insert(libc::SYS_fchmodat, vec![rule([set_id(2)?])?]);
    rules.insert(libc::SYS_fchmodat2, vec![rule([set_id(2)?])?]);
    rules.insert(libc::SYS_mknodat, vec![rule([set_id(2)?])?]);
    let creates = |argument| any_of(argument, libc::O_CREAT.cast_unsigned());
    rules.insert(libc::SYS_openat, vec![rule([creates(2)?, set_id(3)?])?]);
    #[cfg(target_arch = "x86_64")]
    {
        rules.insert(libc::SYS_chmod, vec![rule([set_id(1)?])?]);
        rules.insert(libc::SYS_mknod, vec![rule([set_id(1)?])?]);
        rules.insert(libc::SYS_creat, vec![rule([set_id(1)?])?]);
        rules.insert(libc::SYS_open, vec![rule([creates(1)?, set_id(2)?])?]);
    }
    Ok(rules)
}

/// Netlink is open for route queries only: `getifaddrs`, and with it every development server, needs
/// them, and in a namespace without capabilities they answer about a loopback interface.
fn socket_rules(sockets: Sockets) -> Built<Rules> {
    const KIND: u64 = 0xf;
    const ORDINARY_KINDS: [u64; 2] = [libc::SOCK_STREAM as u64, libc::SOCK_DGRAM as u64];
    let unix = u64::from(libc::AF_UNIX.cast_unsigned());
    let (ipv4, ipv6) = (u64::from(libc::AF_INET.cast_unsigned()), u64::from(libc::AF_INET6.cast_unsigned()));
    let netlink = u64::from(libc::AF_NETLINK.cast_unsigned());
    let mut rules = Vec::new();
    match sockets {
        Sockets::UnixOnly => rules.push(rule([different(0, unix)?])?),
        Sockets::Internet => {
            let families =
                [different(0, unix)?, different(0, ipv4)?, different(0, ipv6)?, different(0, netlink)?];
            rules.push(rule(families)?);
            rules.push(rule([equal(0, netlink)?, different(2, 0)?])?);
            for family in [ipv4, ipv6] {
                // Streams and datagrams of TCP and UDP; no raw sockets, no rarely used protocols.
                for kind in (0..=KIND).filter(|kind| !ORDINARY_KINDS.contains(kind)) {
                    rules.push(rule([equal(0, family)?, narrow(1, SeccompCmpOp::MaskedEq(KIND), kind)?])?);
                }
                let [none, tcp, udp] = [different(2, 0)?, different(2, 6)?, different(2, 17)?];
                rules.push(rule([equal(0, family)?, none, tcp, udp])?);
            }
        }
    }
    let pairs = vec![rule([different(0, unix)?])?];
    Ok(Rules::from([(libc::SYS_socket, rules), (libc::SYS_socketpair, pairs)]))
}

fn rule<const COUNT: usize>(conditions: [SeccompCondition; COUNT]) -> Built<SeccompRule> {
    SeccompRule::new(conditions.into())
}

/// Compares the lower half of an argument: the kernel ignores the upper half of an `int`.
fn narrow(argument: u8, operator: SeccompCmpOp, value: u64) -> Built<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn wide(argument: u8, operator: SeccompCmpOp, value: u64) -> Built<SeccompCondition> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value)
}

fn equal(argument: u8, value: u64) -> Built<SeccompCondition> {
    narrow(argument, SeccompCmpOp::Eq, value)
}

fn different(argument: u8, value: u64) -> Built<SeccompCondition> {
    narrow(argument, SeccompCmpOp::Ne, value)
}

/// The given single bit is set.
fn any_of(argument: u8, bit: u32) -> Built<SeccompCondition> {
    narrow(argument, SeccompCmpOp::MaskedEq(u64::from(bit)), u64::from(bit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_compiles() {
        for sockets in [Sockets::Internet, Sockets::UnixOnly] {
            let programs = programs(sockets).unwrap();
            assert!(programs.iter().all(|program| !program.is_empty()));
        }
    }

    #[test]
    fn no_call_is_both_refused_and_absent() {
        assert!(ABSENT.iter().all(|call| !REFUSED.contains(call) && !REFUSED_HERE.contains(call)));
    }
}
