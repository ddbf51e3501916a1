//! System calls by number: what the filters answer.

use crate::support::{Cage, assert_prints, text};

const EPERM: i32 = 1;
const ENOSYS: i32 = 38;
const EAFNOSUPPORT: i32 = 97;

/// Numbers of x86-64 with arguments that do nothing even where they are allowed.
const CALLS: &[(&str, &str, i32)] = &[
    ("ptrace", "101, 0, 0, 0, 0", EPERM),
    ("process_vm_readv", "310, 1, 0, 0, 0, 0, 0", EPERM),
    ("process_vm_writev", "311, 1, 0, 0, 0, 0, 0", EPERM),
    ("add_key", "248, 0, 0, 0, 0, 0", EPERM),
    ("request_key", "249, 0, 0, 0, 0", EPERM),
    ("keyctl", "250, 99, 0, 0, 0, 0", EPERM),
    ("bpf", "321, 99, 0, 0", EPERM),
    ("perf_event_open", "298, 0, 0, 0, 0, 0", EPERM),
    ("userfaultfd", "323, 1", EPERM),
    ("mount", "165, 0, 0, 0, 0, 0", EPERM),
    ("umount2", "166, 0, 0", EPERM),
    ("pivot_root", "155, 0, 0", EPERM),
    ("chroot", "161, 0", EPERM),
    ("fsopen", "430, 0, 0", EPERM),
    ("fsmount", "432, -1, 0, 0", EPERM),
    ("open_tree", "428, -1, 0, 0", EPERM),
    ("move_mount", "429, -1, 0, -1, 0, 0", EPERM),
    ("mount_setattr", "442, -1, 0, 0, 0, 0", EPERM),
    ("setns", "308, -1, 0", EPERM),
    ("unshare of nothing", "272, 0", EPERM),
    ("open_by_handle_at", "304, -1, 0, 0", EPERM),
    ("name_to_handle_at", "303, -1, 0, 0, 0, 0", EPERM),
    ("fanotify_init", "300, 0, 0", EPERM),
    ("quotactl", "179, 0, 0, 0, 0", EPERM),
    ("acct", "163, 0", EPERM),
    ("swapoff", "168, 0", EPERM),
    ("reboot with a wrong word", "169, 0, 0, 0, 0", EPERM),
    ("kexec_load of nothing", "246, 0, 0, 0, 0", EPERM),
    ("init_module", "175, 0, 0, 0", EPERM),
    ("finit_module", "313, -1, 0, 0", EPERM),
    ("delete_module", "176, 0, 0", EPERM),
    ("iopl", "172, 0", EPERM),
    ("ioperm", "173, 0, 0, 0", EPERM),
    ("vhangup", "153", EPERM),
    ("syslog", "103, 10, 0, 0", EPERM),
    ("settimeofday", "164, 0, 0", EPERM),
    ("pidfd_getfd", "438, -1, 0, 0", EPERM),
    ("kcmp", "312, 1, 1, 0, 0, 0", EPERM),
    ("move_pages", "279, 0, 0, 0, 0, 0, 0", EPERM),
    ("personality of another system", "135, 0x0200000", EPERM),
    ("clone with a user namespace", "56, 0x10000011, 0, 0, 0, 0", EPERM),
    ("clone with a mount namespace", "56, 0x00020011, 0, 0, 0, 0", EPERM),
    ("clone with a network namespace", "56, 0x40000011, 0, 0, 0, 0", EPERM),
    ("the same with noise in the upper half", "56, 0xffffffff10000011, 0, 0, 0, 0", EPERM),
    ("terminal input", "16, 0, 0x5412, 0", EPERM),
    ("terminal input with noise in the upper half", "16, 0, 0xffffffff00005412, 0", EPERM),
    ("large shared segment", "29, 0, 1048576, 0600", EPERM),
    ("clone3", "435, 0, 0", ENOSYS),
    ("openat2", "437, -1, 0, 0, 0", ENOSYS),
    ("io_uring_setup", "425, 0, 0", ENOSYS),
    ("memfd_create", "319, 0, 0", ENOSYS),
    ("a call of the future", "480", ENOSYS),
    ("the 32-bit alias of getpid", "0x40000027", ENOSYS),
    ("packet socket", "41, 17, 3, 0", EAFNOSUPPORT),
    ("virtual machine socket", "41, 40, 1, 0", EAFNOSUPPORT),
    ("crypto socket", "41, 38, 5, 0", EAFNOSUPPORT),
    ("bluetooth socket", "41, 31, 3, 0", EAFNOSUPPORT),
    ("netlink to the kernel's events", "41, 16, 3, 15", EAFNOSUPPORT),
    ("netlink to the firewall", "41, 16, 3, 12", EAFNOSUPPORT),
    ("raw internet socket", "41, 2, 3, 1", EAFNOSUPPORT),
    ("raw internet socket, close on exec", "41, 10, 0x80003, 58", EAFNOSUPPORT),
    ("stream with another protocol", "41, 2, 1, 132", EAFNOSUPPORT),
    ("family with noise in the upper half", "41, 0xffffffff00000011, 3, 0", EAFNOSUPPORT),
];

#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn each_forbidden_call_gets_its_answer() {
    let cage = Cage::strict();
    let mut wrong = Vec::new();
    for (name, call, expected) in CALLS {
        let program = format!("no warnings; my $r = syscall({call}); print $r == -1 ? $!+0 : 'WORKED';");
        let outcome = cage.perl(&program).await;
        if text(&outcome) != expected.to_string() {
            wrong.push((name, text(&outcome), outcome.exit));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn ordinary_sockets_and_calls_still_work() {
    let program = "use Socket; \
        for my $family (PF_UNIX, PF_INET, PF_INET6) { \
            for my $kind (SOCK_STREAM, SOCK_DGRAM) { socket(S, $family, $kind, 0) or die \"$family $kind $!\"; } } \
        socket(S, 16, 3, 0) or die \"route queries: $!\"; \
        socketpair(A, B, PF_UNIX, SOCK_STREAM, 0) or die $!; \
        defined(my $pid = fork) or die $!; exit 0 unless $pid; waitpid $pid, 0; \
        mkdir 'd' or die $!; chmod 02755, 'd' or die $!; \
        shmget(0, 4096, 0600) // die $!; print 'fine'";
    assert_prints(&Cage::strict().perl(program).await, "fine");
}

#[tokio::test]
async fn threads_start_although_clone3_is_absent() {
    // Perl's `fork` is `clone`; a thread needs the C library's fallback.
    let program =
        "import threading; t = threading.Thread(target=print, args=('thread',)); t.start(); t.join()";
    let cage = Cage::strict();
    let outcome = cage.run(&cage.spec("/usr/bin/python3", ["-c", program])).await;
    assert_prints(&outcome, "thread\n");
}

#[tokio::test]
async fn a_terminal_of_its_own_works() {
    let outcome = Cage::strict().sh("script -qec 'test -t 1 && echo terminal' /dev/null | tr -d '\\r'").await;
    assert_prints(&outcome, "terminal\n");
}
