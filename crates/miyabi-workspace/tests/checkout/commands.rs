//! Commands in checkouts.

use std::path::PathBuf;

use miyabi_core::error::ErrorCode;
use miyabi_core::port::artifacts::Artifacts as _;
use miyabi_core::port::checkouts::{Checkouts as _, Exec, Program};
use miyabi_core::sandbox::{LimitHit, SandboxLevel, SandboxLimits};
use miyabi_testkit::git::Repository;
use miyabi_workspace::checkouts::WorkspaceOptions;
use miyabi_workspace::sandbox::toolchain::Cache;
use miyabi_workspace::sandbox::{HOME, Mount};
use tokio_util::sync::CancellationToken;

use crate::support::{House, exec};

#[tokio::test]
async fn the_whole_output_is_kept_and_both_ends_are_told() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let outcome = house.sh(&id, "seq 1 20000; exit 3").await;
    assert_eq!((outcome.exit_code, outcome.signal, outcome.limit), (Some(3), None, None));
    assert_eq!(outcome.sandbox, SandboxLevel::Strict);
    assert!(outcome.head.starts_with(b"1\n2\n") && outcome.tail.ends_with(b"19999\n20000\n"));
    let log = house.artifacts.get(outcome.log).await.unwrap();
    assert_eq!(log.len() as u64, outcome.total_bytes);
    assert!(log.starts_with(&outcome.head) && log.ends_with(&outcome.tail));
    let logs = house.tree(&id).with_file_name("logs");
    assert_eq!(std::fs::read_dir(logs).unwrap().count(), 0);
}

#[tokio::test]
async fn limits_signals_and_cancellation_are_told_apart() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let outcome = house.sh(&id, "kill -9 $$").await;
    assert_eq!((outcome.exit_code, outcome.signal), (None, Some(9)));
    let limits = SandboxLimits { wall_ms: 300, ..SandboxLimits::default() };
    let endless = Exec { limits, ..exec(Program::Argv(vec!["sleep".into(), "1000".into()])) };
    let outcome = house.checkouts.exec(&id, &endless, &CancellationToken::new()).await.unwrap();
    assert_eq!(outcome.limit, Some(LimitHit::Timeout));
    let cancelled = CancellationToken::new();
    cancelled.cancel();
    let endless = exec(Program::Argv(vec!["sleep".into(), "1000".into()]));
    let outcome = house.checkouts.exec(&id, &endless, &cancelled).await.unwrap();
    assert!(outcome.is_cancelled);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_answer() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    let run = async |program: &str, folder: &str| {
        let exec = Exec { folder: folder.into(), ..exec(Program::Argv(vec![program.into()])) };
        house.checkouts.exec(&id, &exec, &CancellationToken::new()).await
    };
    let outcome = run("no-such-linter", "").await.unwrap();
    assert_eq!(outcome.exit_code, Some(127));
    assert!(String::from_utf8_lossy(&outcome.head).contains("no-such-linter"));
    assert_eq!(house.artifacts.get(outcome.log).await.unwrap(), outcome.head);
    assert_eq!(run("./a", "").await.unwrap().exit_code, Some(126));
    assert_eq!(run("true", "missing").await.unwrap_err().code, ErrorCode::RequestInvalid);
    assert_eq!(run("true", "../..").await.unwrap_err().code, ErrorCode::RequestInvalid);
    let empty = exec(Program::Argv(Vec::new()));
    let refused = house.checkouts.exec(&id, &empty, &CancellationToken::new()).await;
    assert_eq!(refused.unwrap_err().code, ErrorCode::RequestInvalid);
}

#[tokio::test]
async fn commands_get_a_small_environment_a_lasting_home_and_shared_caches() {
    let shared = tempfile::tempdir().unwrap();
    std::fs::create_dir(shared.path().join("cache")).unwrap();
    std::fs::write(shared.path().join("cache/package"), "shared").unwrap();
    std::fs::create_dir(shared.path().join("tool")).unwrap();
    std::fs::write(shared.path().join("tool/file"), "tool").unwrap();
    let cache = Cache {
        name: "demo",
        source: shared.path().join("cache"),
        target: PathBuf::from(HOME).join(".demo/registry"),
    };
    let options = WorkspaceOptions {
        tools: vec![Mount::read_only(shared.path().join("tool"))],
        env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned()), ("TOOL".to_owned(), "yes".to_owned())].into(),
        caches: vec![cache],
        ..WorkspaceOptions::default()
    };
    let user = Repository::with_files(&[("a", "1\n")]);
    let house = House::with(user, SandboxLevel::Strict, options).await;
    let (one, two) = (house.checkout("one").await, house.checkout("two").await);
    let env = house.prints(&one, "env | sort | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD=").await;
    assert_eq!(
        env,
        "CI=1\nHOME=/home/miyabi\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nTERM=dumb\nTMPDIR=/tmp\nTOOL=yes\nUSER=miyabi"
    );
    let tool = shared.path().join("tool/file");
    let script = format!(
        "cat {0} && ! touch {0} 2>/dev/null && cd ~/.demo/registry && cat package && echo mine > package && \
         echo x > ~/.demo/own && echo kept > ~/x",
        tool.display()
    );
    assert_eq!(house.prints(&one, &script).await, "toolshared");
    assert_eq!(house.prints(&one, "cat ~/.demo/registry/package ~/x").await, "mine\nkept");
    assert_eq!(house.prints(&two, "cat ~/.demo/registry/package; ls ~").await, "shared");
    assert_eq!(std::fs::read_to_string(shared.path().join("cache/package")).unwrap(), "shared");
    assert_eq!(std::fs::read_to_string(&tool).unwrap(), "tool");
}

#[tokio::test]
async fn commands_see_their_own_checkout_alone() {
    let house = House::new(&[("a", "1\n")]).await;
    let (one, two) = (house.checkout("one").await, house.checkout("two").await);
    house.write(&two, "secret", "secret");
    let other = house.tree(&two);
    let own = house.tree(&one);
    let hidden = [
        other.join("secret"),
        own.with_file_name("git"),
        own.with_file_name("outbox"),
        own.with_file_name("checkout.json"),
        own.with_file_name("logs"),
        house.repositories.path(house.project.id).join("HEAD"),
        house.user.path().join("a"),
    ];
    for path in hidden {
        let outcome = house.sh(&one, &format!("test -e {}", path.display())).await;
        assert_eq!(outcome.exit_code, Some(1), "{}", path.display());
    }
    let objects = house.repositories.path(house.project.id).join("objects");
    let outcome = house.sh(&one, &format!("ls {0} && ! touch {0}/x", objects.display())).await;
    assert_eq!(outcome.exit_code, Some(0));
}

#[tokio::test]
async fn without_namespaces_commands_work_at_the_machines_paths() {
    let user = Repository::with_files(&[("a", "1\n")]);
    let options = WorkspaceOptions {
        env: [("CARGO_HOME".to_owned(), format!("{HOME}/.cargo"))].into(),
        ..WorkspaceOptions::default()
    };
    let house = House::with(user, SandboxLevel::Reduced, options).await;
    let id = house.checkout("task").await;
    let printed =
        house.prints(&id, "echo 2 >> a; git status --porcelain; echo x > ~/x; echo $CARGO_HOME; pwd").await;
    let tree = house.tree(&id);
    let home = tree.with_file_name("home");
    assert_eq!(printed, format!(" M a\n{}/.cargo\n{}", home.display(), tree.display()));
    let committed = house.commit(&id).await.unwrap();
    assert_eq!(house.ours(&["show", &format!("{}:a", committed.commit.unwrap())]), "1\n2");
}
