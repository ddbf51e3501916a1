//! The three levels, their self-test and their honesty about what they cannot do.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use miyabi_core::sandbox::{LimitHit, SandboxLevel};
use miyabi_workspace::sandbox::{CommandSpec, Identity, Options, Sandbox};
use tokio_util::sync::CancellationToken;

use crate::support::{Cage, LAUNCHER_VARIABLE, assert_gone, copy_program, launcher, marker, text};

/// A sandbox whose launcher the dropped id can reach; a build folder may lie in root's home.
fn cage_with_public_launcher(level: SandboxLevel) -> Cage {
    let mut cage = Cage::new(level);
    let copy = cage.folder.path().join("launcher");
    copy_program(&launcher(), &copy, 0o755);
    let mut options = Options::new(level, cage.folder.path().join("state"));
    options.launcher = copy;
    cage.sandbox = Sandbox::new(options);
    cage
}

#[tokio::test]
async fn the_self_test_passes_at_every_level_and_is_remembered() {
    for level in [SandboxLevel::Strict, SandboxLevel::Reduced, SandboxLevel::External] {
        let cage = cage_with_public_launcher(level);
        let first = cage.sandbox.self_test().await;
        assert!(first.passed() && !first.remembered, "{first:#?}");
        let least = if level == SandboxLevel::Strict { 18 } else { 4 };
        assert!(first.checks.len() >= least && first.checks.iter().all(|check| check.ok), "{first:#?}");
        let second = cage.sandbox.self_test().await;
        assert!(second.passed() && second.remembered, "{second:#?}");
    }
}

#[tokio::test]
async fn a_self_test_is_not_remembered_for_another_launcher() {
    let cage = cage_with_public_launcher(SandboxLevel::Strict);
    let first = cage.sandbox.self_test().await;
    assert!(first.passed(), "{first:#?}");
    // The same bytes under a new inode: an upgrade looks like this.
    let path = cage.folder.path().join("launcher");
    std::fs::remove_file(&path).unwrap();
    copy_program(&launcher(), &path, 0o755);
    let again = cage.sandbox.self_test().await;
    assert!(again.passed() && !again.remembered, "{again:?}");
}

#[tokio::test]
async fn a_self_test_that_cannot_run_names_cause_and_cure() {
    let cage = Cage::strict();
    let mut options = Options::new(SandboxLevel::Strict, cage.folder.path().join("state"));
    // A program that is no launcher.
    options.launcher = "/bin/true".into();
    let test = Sandbox::new(options).self_test().await;
    let advice = test.advice.unwrap();
    assert!(advice.cure.contains("--sandbox reduced"), "{advice:?}");
    assert!(!advice.cause.contains('\n') && !advice.cure.contains('\n'));
}

/// Makes the driver below do something.
const DRIVER_VARIABLE: &str = "MIYABI_TEST_SELF_TEST";

/// Not a test: the program that other tests start in a place where no sandbox can work.
#[tokio::test]
async fn driver() {
    if std::env::var_os(DRIVER_VARIABLE).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(SandboxLevel::Strict, folder.path());
    options.launcher = launcher();
    let sandbox = Sandbox::new(options);
    let test = sandbox.self_test().await;
    println!("passed: {}, advice: {:?}", test.passed(), test.advice);
    let spec = CommandSpec::new("true", [""; 0], "/");
    println!("run: {:?}", sandbox.run(&spec, &CancellationToken::new()).await);
}

/// What the driver says inside a user namespace with the given options, after `prepare`.
fn driver_says(options: &[&str], prepare: &str) -> String {
    let tests = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(options)
        .args(["sh", "-c", &format!("{prepare}; exec \"$0\" --exact levels::driver --nocapture")])
        .arg(tests)
        .env(DRIVER_VARIABLE, "1")
        .env(LAUNCHER_VARIABLE, launcher())
        .output()
        .unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn without_user_namespaces_nothing_runs_and_the_cure_is_named() {
    // The limit of this namespace and those below it; the machine's own stays as it is.
    let options = ["--user", "--map-user=1000", "--map-group=1000", "--keep-caps"];
    let said = driver_says(&options, "echo 0 > /proc/sys/user/max_user_namespaces");
    assert!(said.contains("passed: false"), "{said}");
    assert!(said.contains("sysctl user.max_user_namespaces") && said.contains("--sandbox reduced"), "{said}");
    assert!(said.contains("run: Err(Setup { step: UserNamespace"), "{said}");
}

#[test]
fn root_that_cannot_be_dropped_runs_nothing() {
    // Only root is mapped, so there is no other id to become.
    let said = driver_says(&["--user", "--map-root-user"], "true");
    assert!(said.contains("passed: false") && said.contains("run: Err(Setup { step: DropIdentity"), "{said}");
    assert!(said.contains("CAP_SETUID") && said.contains("--sandbox reduced"), "{said}");
}

#[test]
fn the_description_says_whose_rights_commands_get() {
    let cage = Cage::strict();
    let description = cage.sandbox.describe();
    let line = description.to_string();
    match description.identity {
        Identity::DropsRoot { uid, .. } => {
            assert!(rustix::process::geteuid().is_root());
            assert_eq!(
                line,
                format!("sandbox `strict`: root is dropped to user {uid}, group {uid} for every command")
            );
        }
        Identity::OrdinaryUser { uid, .. } => {
            assert_eq!(uid, rustix::process::geteuid().as_raw());
            assert_eq!(line, format!("sandbox `strict`: commands run as the ordinary user {uid}"));
        }
    }
}

#[tokio::test]
async fn reduced_keeps_commands_from_the_network_and_from_other_files() {
    let cage = Cage::new(SandboxLevel::Reduced);
    let outside = cage.folder.path().join("outside");
    std::fs::write(&outside, "secret").unwrap();
    std::fs::set_permissions(&outside, std::fs::Permissions::from_mode(0o666)).unwrap();
    let script = format!(
        "cat {0} && echo SEEN; echo x >> {0} && echo CHANGED; ls / && echo LISTED; touch inside ~/home $TMPDIR/tmp && echo wrote; \
         perl -e 'use Socket; socket(S, PF_INET, SOCK_STREAM, 0) and print \"NETWORK\"; exit(syscall(101,0,0,0,0) != -1)' && echo untraced",
        outside.display()
    );
    let outcome = cage.sh(&script).await;
    let output = text(&outcome);
    for word in ["SEEN", "CHANGED", "LISTED", "NETWORK", "secret"] {
        assert!(!output.contains(word), "{word}: {output}");
    }
    assert!(output.contains("wrote\n") && output.contains("untraced\n"), "{output}");
    assert_ne!(run_id(&cage).await, "0");
    assert_eq!(std::fs::read_dir(cage.folder.path().join("state/homes")).unwrap().count(), 0);
}

async fn run_id(cage: &Cage) -> String {
    text(&cage.sh("id -u").await).trim().to_owned()
}

#[tokio::test]
async fn nothing_survives_without_namespaces_either() {
    for level in [SandboxLevel::Reduced, SandboxLevel::External] {
        let marker = marker(60);
        let cage = Cage::new(level);
        let script = format!(
            "for i in 1 2 3; do (trap '' TERM HUP; setsid sh -c 'sleep {marker} & sleep {marker}') & done; exit 0"
        );
        cage.sh(&script).await;
        assert_gone(&marker);
        let mut spec = cage.sh_spec(&format!("trap '' TERM; setsid sleep {marker}; sleep {marker}"));
        spec.limits.wall_ms = 300;
        assert_eq!(cage.run(&spec).await.limit, Some(LimitHit::Timeout));
        assert_gone(&marker);
    }
}

#[tokio::test]
async fn limits_hold_at_every_level() {
    for level in [SandboxLevel::Reduced, SandboxLevel::External] {
        let cage = Cage::new(level);
        let mut spec = cage.spec("perl", ["-e", "my @a; for (1..400) { push @a, 'x' x 1048576 } sleep 600"]);
        spec.limits.memory_bytes = 250 * 1024 * 1024;
        assert_eq!(cage.run(&spec).await.limit, Some(LimitHit::Memory), "{level:?}");
        let mut spec = cage.spec("dd", ["if=/dev/zero", "of=big", "bs=64k", "count=64"]);
        spec.limits.file_size_bytes = 1024 * 1024;
        assert_eq!(cage.run(&spec).await.limit, Some(LimitHit::FileSize), "{level:?}");
        let program = "my $n = 0; for (1..300) { my $p = fork; last unless defined $p; if (!$p) { sleep 600; exit } $n++ } print $n";
        let mut spec = cage.spec("perl", ["-e", program]);
        spec.limits.processes = 30;
        let outcome = cage.run(&spec).await;
        let forks: u32 = text(&outcome).parse().unwrap();
        assert!(forks < 200, "{level:?}: {outcome:?}");
    }
}
