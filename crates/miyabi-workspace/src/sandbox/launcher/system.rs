//! System calls that no safe crate offers. The only `unsafe` of the workspace stands here.
//!
//! The launcher is a freshly executed process with one thread, which is what makes `fork` and
//! `unshare` sound in it: no other thread can hold a lock or share a descriptor table.
#![expect(unsafe_code, reason = "fork, unshare, mount_setattr and signals have no safe wrapper")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

use rustix::process::Pid;
use rustix::thread::UnshareFlags;

/// The side of a fork that returned.
pub(super) enum Fork {
    /// The original process, with the child's id.
    Parent(Pid),
    /// The new process.
    Child,
}

/// Splits the process in two.
pub(super) fn fork() -> io::Result<Fork> {
    // SAFETY: the launcher has one thread (module docs), so the child may run any code.
    let pid = unsafe { libc::fork() };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        pid => Pid::from_raw(pid).map(Fork::Parent).ok_or_else(|| io::Error::from_raw_os_error(libc::ESRCH)),
    }
}

/// Moves the process (or, for process ids, its future children) into new namespaces.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: one thread (module docs), and `FILES` is never asked for.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(Into::into)
}

/// Attributes to put on a mount, and the id map to view it through.
#[derive(Default)]
pub(super) struct MountAttributes<'fd> {
    pub(super) set: u64,
    pub(super) recursive: bool,
    pub(super) id_map: Option<BorrowedFd<'fd>>,
}

/// `mount_setattr(2)` on an open mount.
pub(super) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    attributes: &MountAttributes<'_>,
) -> io::Result<()> {
    let raw = libc::mount_attr {
        attr_set: attributes.set | if attributes.id_map.is_some() { libc::MOUNT_ATTR_IDMAP } else { 0 },
        attr_clr: 0,
        propagation: 0,
        userns_fd: attributes.id_map.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    let flags = libc::AT_EMPTY_PATH | if attributes.recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the path is an empty C string, `raw` outlives the call and its size is passed along.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const raw,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Closes every descriptor above standard error.
pub(super) fn close_inherited_descriptors() -> io::Result<()> {
    // SAFETY: called before the launcher opens anything, so nothing owns these descriptors.
    let result = unsafe { libc::close_range(3, libc::c_uint::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Marks every descriptor above standard error to be closed by the next `exec`.
pub(super) fn mark_descriptors_close_on_exec() -> io::Result<()> {
    // SAFETY: changes a flag of this process's own descriptors and closes none.
    let result = unsafe { libc::close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_int) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Sets `IFF_UP` on the loopback interface of the current network namespace.
pub(super) fn bring_loopback_up(socket: BorrowedFd<'_>) -> io::Result<()> {
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru {
            ifru_flags: (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short,
        },
    };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    // SAFETY: `request` is a complete `ifreq` that outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw mut request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Blocks every signal that can be blocked and returns a descriptor on which the named ones arrive.
pub(super) fn signal_descriptor(signals: &[libc::c_int]) -> io::Result<OwnedFd> {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    let mut named = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` and `sigemptyset` initialise their argument; the other calls read initialised
    // sets. The returned descriptor is fresh and owned by nobody else.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::sigemptyset(named.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(named.as_mut_ptr(), *signal);
        }
        if libc::sigprocmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let raw = libc::signalfd(-1, named.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if raw < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(raw)) }
    }
}

/// The numbers of the signals that have arrived on a descriptor of [`signal_descriptor`].
pub(super) fn arrived_signals(descriptor: BorrowedFd<'_>) -> Vec<u32> {
    const SIZE: usize = size_of::<libc::signalfd_siginfo>();
    let mut signals = Vec::new();
    let mut record = [0_u8; SIZE];
    // `ssi_signo` is the first field of the record.
    while rustix::io::read(descriptor, &mut record) == Ok(SIZE) {
        signals.push(u32::from_ne_bytes([record[0], record[1], record[2], record[3]]));
    }
    signals
}

/// Gives every signal its default effect and blocks none, as a fresh login would.
pub(super) fn reset_signals() {
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sets default dispositions, which run no code of ours; `sigemptyset` initialises the set
    // before it is read. Numbers that cannot be changed are refused by the kernel, harmlessly.
    unsafe {
        for signal in 1..=libc::SIGRTMAX() {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut());
    }
}

/// Sends a signal to every process that this one may signal, except itself and process 1.
///
/// Only for process 1 of a PID namespace, where "every process" is the namespace.
pub(super) fn signal_everyone_else(signal: libc::c_int) {
    // SAFETY: `kill` touches no memory.
    unsafe { libc::kill(-1, signal) };
}

/// What a reaped child was and used.
pub(super) struct Reaped {
    pub(super) pid: libc::pid_t,
    pub(super) status: libc::c_int,
    pub(super) cpu_ms: u64,
    pub(super) max_rss_bytes: u64,
}

/// Reaps one child (any, with `None`) if one has ended. `Ok(None)`: children, but none has ended.
pub(super) fn reap(pid: Option<Pid>) -> io::Result<Option<Reaped>> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let wanted = pid.map_or(-1, |pid| pid.as_raw_nonzero().get());
    // SAFETY: both out-pointers are valid for the call.
    let pid =
        unsafe { libc::wait4(wanted, &raw mut status, libc::WNOHANG | libc::__WALL, usage.as_mut_ptr()) };
    if pid < 0 {
        return Err(io::Error::last_os_error());
    }
    if pid == 0 {
        return Ok(None);
    }
    // SAFETY: all-zero is a valid `rusage`, and `wait4` has filled it.
    let usage = unsafe { usage.assume_init() };
    Ok(Some(Reaped {
        pid,
        status,
        cpu_ms: milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime),
        max_rss_bytes: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    }))
}

/// The Landlock version of the kernel; 0 without Landlock.
pub(super) fn landlock_version() -> u32 {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    // SAFETY: with this flag the call takes no attributes and returns a number.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<u8>(),
            0_usize,
            CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(version).unwrap_or(0)
}

fn milliseconds(time: libc::timeval) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0) * 1000 + u64::try_from(time.tv_usec).unwrap_or(0) / 1000
}

/// Asks to be traced by the parent. For the self-test, in which it must fail.
pub(super) fn ask_to_be_traced() -> io::Result<()> {
    // SAFETY: this request takes no addresses.
    let result = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Joins a session keyring. For the self-test, in which it must fail.
pub(super) fn join_keyring() -> io::Result<()> {
    const JOIN_SESSION_KEYRING: libc::c_int = 1;
    // SAFETY: a null name asks for a new anonymous keyring.
    let result = unsafe { libc::syscall(libc::SYS_keyctl, JOIN_SESSION_KEYRING, std::ptr::null::<u8>()) };
    if result >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Ends the process at once: a forked child must not run what its parent planned to do at exit.
pub(super) fn leave(code: i32) -> ! {
    // SAFETY: `_exit` touches no memory and does not return.
    unsafe { libc::_exit(code) }
}
