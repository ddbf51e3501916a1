//! Attempts to see or touch what lies outside.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};

use miyabi_workspace::sandbox::{Exit, Network};

use crate::support::{Cage, assert_prints, copy_program, text};

/// Scripts that print `ESCAPED` only if they reach what they must not.
const ATTEMPTS: &[(&str, &str)] = &[
    ("read the password file", "cat /etc/shadow && echo ESCAPED"),
    ("find other users", "grep -v -e ^root: -e ^miyabi: -e ^nobody: /etc/passwd && echo ESCAPED"),
    ("list root's home", "[ -n \"$(ls -A /root)\" ] && echo ESCAPED"),
    ("list homes", "ls -A /home | grep -v '^miyabi$' && echo ESCAPED"),
    ("list mounts of the machine", "ls -A /mnt /media /srv /opt /boot /var/lib && echo ESCAPED"),
    ("read the first process's environment", "[ -n \"$(tr -d '\\0' </proc/1/environ)\" ] && echo ESCAPED"),
    ("read the first process's memory map", "[ -n \"$(cat /proc/1/maps)\" ] && echo ESCAPED"),
    ("reach the root through the first process", "ls /proc/1/root/usr && echo ESCAPED"),
    ("reach descriptors of the first process", "[ -n \"$(ls -A /proc/1/fd)\" ] && echo ESCAPED"),
    ("see the machine's devices", "ls -A /sys && echo ESCAPED"),
    ("see disks", "ls /dev | grep -E '^(sd|vd|nvme|dm-|loop|mem|kmsg|fuse|kvm)' && echo ESCAPED"),
    ("write to /usr", "touch /usr/.miyabi-test && echo ESCAPED"),
    ("write to /etc", "touch /etc/.miyabi-test && echo ESCAPED"),
    ("write to the root", "touch /.miyabi-test && echo ESCAPED"),
    ("write to the linker cache", "echo >> /etc/ld.so.cache && echo ESCAPED"),
    // The folder above is a private one of the same name; the machine's is looked at afterwards.
    ("write above the checkout", "touch ../.miyabi-test"),
    ("write far above", "touch ../../../../../../../etc/.miyabi-test && echo ESCAPED"),
    ("write through the own root", "touch /proc/self/root/etc/.miyabi-test && echo ESCAPED"),
    ("write through the working folder", "touch /proc/self/cwd/../.miyabi-test"),
    ("replace the own program", "cp /bin/true /proc/self/exe && echo ESCAPED"),
    ("set a kernel parameter", "echo x > /proc/sys/kernel/domainname && echo ESCAPED"),
    ("see kernel parameters change", "echo 1 > /proc/sys/vm/drop_caches && echo ESCAPED"),
    ("press system request keys", "echo h > /proc/sysrq-trigger && echo ESCAPED"),
    ("mount", "mount -t tmpfs none /tmp && echo ESCAPED"),
    ("mount again, writable", "mount -o remount,rw / && echo ESCAPED"),
    ("unmount", "umount /tmp && echo ESCAPED"),
    ("become root in a namespace", "unshare -U -r true && echo ESCAPED"),
    ("make a mount namespace", "unshare -m true && echo ESCAPED"),
    ("enter a namespace", "nsenter -t 1 -m true && echo ESCAPED"),
    ("change the root", "chroot / true && echo ESCAPED"),
    ("make a set-user-id file", "touch f && chmod u+s f && echo ESCAPED"),
    ("make one at creation", "perl -e 'sysopen(F, \"g\", 0101, 04755) or exit 1; print \"ESCAPED\"'"),
    ("make a character device", "mknod c c 1 3 && echo ESCAPED"),
    ("make a block device", "mknod b b 7 200 && echo ESCAPED"),
    ("give a file away", "touch o && chown 0 o && echo ESCAPED"),
    ("use su", "echo | su -c 'echo ESCAPED'"),
    ("change the host name", "hostname other && echo ESCAPED"),
    ("change the clock", "date -s @$(date +%s) && echo ESCAPED"),
    ("read kernel messages", "dmesg && echo ESCAPED"),
    ("trace", "perl -e 'exit(syscall(101, 0, 0, 0, 0) == -1)' && echo ESCAPED"),
    ("raise a limit", "ulimit -n 1000000 && echo ESCAPED"),
    ("raise priority", "nice -n -5 true 2>&1 | grep -q . || echo ESCAPED"),
];

#[tokio::test]
async fn no_attempt_reaches_outside() {
    let cage = Cage::strict();
    let mut escaped = Vec::new();
    for (name, script) in ATTEMPTS {
        let outcome = cage.sh(script).await;
        if text(&outcome).contains("ESCAPED") || outcome.limit.is_some() {
            escaped.push((name, text(&outcome)));
        }
    }
    assert!(escaped.is_empty(), "{escaped:#?}");
    // And nothing appeared on the machine either.
    for path in ["/usr/.miyabi-test", "/etc/.miyabi-test", "/.miyabi-test"] {
        assert!(!std::path::Path::new(path).exists(), "{path}");
    }
    assert!(!cage.folder.path().join(".miyabi-test").exists());
}

#[tokio::test]
async fn files_beside_the_mounts_cannot_be_seen_or_changed() {
    let cage = Cage::strict();
    let outside = cage.folder.path().join("outside");
    std::fs::write(&outside, "before").unwrap();
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o666)).unwrap();
    let path = outside.display();
    let outcome = cage
        .sh(&format!(
            "cat {path} && echo SEEN; ln -s {path} link; echo after > link; ln {path} hard && echo LINKED"
        ))
        .await;
    assert!(!text(&outcome).contains("SEEN") && !text(&outcome).contains("LINKED"), "{outcome:?}");
    assert_eq!(std::fs::read_to_string(outside).unwrap(), "before");
}

#[tokio::test]
async fn processes_of_the_machine_are_invisible() {
    let cage = Cage::strict();
    let own = std::process::id();
    let script =
        format!("kill -0 {own} && echo SEEN; [ -e /proc/{own} ] && echo SEEN; ls /proc | grep -c '^[0-9]'");
    let outcome = cage.sh(&script).await;
    assert!(!text(&outcome).contains("SEEN"), "{outcome:?}");
    // Process 1, the shell, and the two of the pipe.
    let last: u32 = text(&outcome).lines().last().unwrap().parse().unwrap();
    assert!(last <= 4, "{outcome:?}");
}

#[tokio::test]
async fn the_command_is_nobody_in_particular() {
    let outcome = Cage::strict().sh("id -u; id -g; id -un; hostname; grep -E '^(Cap|NoNew|Seccomp:)' /proc/self/status | tr -d '\\t '").await;
    assert_prints(
        &outcome,
        "1000\n1000\nmiyabi\nsandbox\n\
         CapInh:0000000000000000\nCapPrm:0000000000000000\nCapEff:0000000000000000\n\
         CapBnd:0000000000000000\nCapAmb:0000000000000000\nNoNewPrivs:1\nSeccomp:2\n",
    );
}

#[tokio::test]
async fn a_listener_on_the_machine_sees_no_connection() {
    let cage = Cage::strict();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connect = format!(
        "use Socket; socket(S, PF_INET, SOCK_STREAM, 0) or die; \
         connect(S, sockaddr_in({port}, inet_aton('127.0.0.1'))) and print 'CONNECTED'; \
         connect(S, sockaddr_in(80, inet_aton('192.0.2.1'))) and print 'CONNECTED'; print $!+0;"
    );
    let outcome = cage.perl(&connect).await;
    assert_eq!(text(&outcome), libc_network_unreachable(), "{outcome:?}");
    assert!(listener.accept().is_err());

    // The same command where the operator allows the network shows that the test can see one.
    let mut spec = cage.spec("perl", ["-e", &connect.replace("192.0.2.1", "127.0.0.1")]);
    spec.network = Network::Host;
    assert!(text(&cage.run(&spec).await).contains("CONNECTED"));
    assert!(listener.accept().is_ok());
}

/// `ENETUNREACH`, as Perl prints it.
fn libc_network_unreachable() -> String {
    rustix::io::Errno::NETUNREACH.raw_os_error().to_string()
}

#[tokio::test]
async fn abstract_sockets_of_the_machine_are_out_of_reach_even_with_its_network() {
    let cage = Cage::strict();
    let name = format!("miyabi-test-{}", std::process::id());
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
    listener.set_nonblocking(true).unwrap();
    let program = format!(
        "use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) or die; \
         connect(S, pack('S a*', 1, \"\\0{name}\")) and print 'CONNECTED';"
    );
    let mut spec = cage.spec("perl", ["-e", &program]);
    for network in [Network::None, Network::Host] {
        spec.network = network;
        assert_prints(&cage.run(&spec).await, "");
    }
    assert!(listener.accept().is_err());
}

#[tokio::test]
async fn loopback_of_its_own_works() {
    let outcome = Cage::strict()
        .perl(
            "use Socket; socket(L, PF_INET, SOCK_STREAM, 0) or die $!; \
             bind(L, sockaddr_in(8080, inet_aton('127.0.0.1'))) or die $!; listen(L, 1) or die $!; \
             socket(C, PF_INET, SOCK_STREAM, 0) or die $!; \
             connect(C, sockaddr_in(8080, inet_aton('127.0.0.1'))) or die $!; accept(S, L) or die $!; \
             syswrite(S, 'hello'); sysread(C, my $got, 5); print $got;",
        )
        .await;
    assert_prints(&outcome, "hello");
}

#[tokio::test]
async fn descriptors_of_the_program_do_not_leak() {
    let cage = Cage::strict();
    // Open, and deliberately inherited by every child.
    let leak = std::fs::File::open("/etc/hostname").unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let outcome = cage.sh("for d in /proc/self/fd/*; do readlink $d; done | grep -v -e ^pipe: -e ^/dev/null -e fd$; echo end").await;
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::CLOEXEC).unwrap();
    assert_prints(&outcome, "end\n");
    let mut content = String::new();
    (&leak).read_to_string(&mut content).unwrap();
}

#[tokio::test]
async fn a_program_of_a_foreign_architecture_is_killed() {
    let cage = Cage::strict();
    let bytes = cage.folder.path().join("bytes");
    std::fs::write(&bytes, thirty_two_bit_program()).unwrap();
    copy_program(&bytes, &cage.checkout().join("foreign"), 0o755);
    let outcome = cage.sh("./foreign; echo $?").await;
    let line = text(&outcome);
    // 159: ended by SIGSYS. 126: this kernel does not run such programs at all.
    assert!(line.ends_with("159\n") || line.ends_with("126\n"), "{outcome:?}");
    assert_ne!(outcome.exit, Exit::Code(42));
}

/// A 32-bit x86 program that only ends itself with code 42.
fn thirty_two_bit_program() -> Vec<u8> {
    let mut program = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    for half in [2_u16, 3] {
        program.extend(half.to_le_bytes());
    }
    for word in [1_u32, 0x0804_8054, 52, 0, 0] {
        program.extend(word.to_le_bytes());
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        program.extend(half.to_le_bytes());
    }
    for word in [1_u32, 0, 0x0804_8000, 0x0804_8000, 0x60, 0x60, 5, 0x1000] {
        program.extend(word.to_le_bytes());
    }
    // mov eax, 1; mov ebx, 42; int 0x80
    program.extend([0xb8, 1, 0, 0, 0, 0xbb, 42, 0, 0, 0, 0xcd, 0x80]);
    program
}
