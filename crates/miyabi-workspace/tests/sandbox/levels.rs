//! The three levels, their self-test and their honesty about what they cannot do.

use std::os::unix::fs::PermissionsExt as _;

use miyabi_core::sandbox::{LimitHit, SandboxLevel};
use miyabi_workspace::sandbox::{Identity, Options, Sandbox};

use crate::support::{Cage, assert_gone, launcher, marker, text};

/// A sandbox whose launcher the dropped id can reach; a build folder may lie in root's home.
fn cage_with_public_launcher(level: SandboxLevel) -> Cage {
    let mut cage = Cage::new(level);
    let copy = cage.folder.path().join("launcher");
    std::fs::copy(launcher(), &copy).unwrap();
    std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o755)).unwrap();
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
    assert!(cage.sandbox.self_test().await.passed());
    // The same bytes under a new inode: an upgrade looks like this.
    let path = cage.folder.path().join("launcher");
    std::fs::remove_file(&path).unwrap();
    std::fs::copy(launcher(), &path).unwrap();
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

#[test]
fn the_description_says_whose_rights_commands_get() {
    let cage = Cage::strict();
    let description = cage.sandbox.describe();
    let line = description.to_string();
    match description.identity {
        Identity::DropsRoot { uid, .. } => {
            assert!(rustix::process::geteuid().is_root());
            assert_eq!(line, format!("sandbox `strict`: root is dropped to user {uid}, group {uid} for every command"));
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
        let script = format!("for i in 1 2 3; do (trap '' TERM HUP; setsid sh -c 'sleep {marker} & sleep {marker}') & done; exit 0");
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
