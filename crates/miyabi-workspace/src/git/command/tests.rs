//! Git that never ends, says too much, or asks for what it must not have.

use std::time::Instant;

use super::super::{Git, MINIMUM};
use super::*;

async fn git() -> Git {
    Git::open("/usr/bin/git").await.unwrap()
}

#[tokio::test]
async fn only_a_git_that_can_be_used_is_taken() {
    assert!(git().await.version() >= MINIMUM);
    for program in ["git", "/no/such/git", "/usr/bin/true", "/usr/bin/false"] {
        let opened = Git::open(program).await;
        assert!(matches!(opened, Err(Error::Unusable { .. })), "{program}");
    }
}

#[tokio::test]
async fn a_git_that_waits_for_ever_is_ended() {
    // A pipe that somebody holds open and nobody writes.
    let (reader, _writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let command = git().await.command(["hash-object", "--stdin"]).stdin(Stdin::File(reader.into()));
    let began = Instant::now();
    let ended = command.deadline(Duration::from_millis(300)).run().await;
    assert!(matches!(ended, Err(Error::Timeout { .. })), "{ended:?}");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn output_is_bounded() {
    let git = git().await;
    let help = || git.command(["help", "--all"]);
    let whole = help().run().await.unwrap();
    assert!(whole.bytes.len() > 1000 && !whole.is_truncated);
    let cut = help().cut_at(100).run().await.unwrap();
    assert!(cut.is_truncated && cut.bytes == whole.bytes[..100]);
    assert!(matches!(help().at_most(100).run().await, Err(Error::TooMuchOutput { limit: 100, .. })));
    let exact = help().at_most(whole.bytes.len()).run().await.unwrap();
    assert_eq!(exact.bytes, whole.bytes);
}

#[tokio::test]
async fn git_gets_our_environment_and_settings_and_nothing_else() {
    let git = git().await;
    // `git var` tells what git believes; the list is its whole configuration with where each value comes from.
    let listed =
        git.command(["config", "--list", "--show-origin", "--show-scope"]).run().await.unwrap().text();
    assert!(listed.lines().all(|line| line.starts_with("command\t")), "{listed}");
    for needed in ["core.hookspath=/dev/null", "protocol.allow=never", "transfer.fsckobjects=true"] {
        assert!(listed.contains(needed), "{needed}: {listed}");
    }
    let editor = git.command(["var", "GIT_EDITOR"]).run().await.unwrap().text();
    assert_eq!(editor, "false");
}

#[tokio::test]
async fn no_protocol_is_open_unless_asked_for() {
    let git = git().await;
    let folder = tempfile::tempdir().unwrap();
    let sprung = folder.path().join("sprung");
    let helper = format!("ext::touch {}", sprung.display());
    let local = format!("file://{}", folder.path().display());
    for address in ["https://192.0.2.1/x.git", "ssh://192.0.2.1/x", "git://192.0.2.1/x", &helper, &local] {
        for protocols in [Protocols::None, Protocols::File] {
            if protocols == Protocols::File && address == local {
                continue;
            }
            let asked = git.command(["ls-remote", "--", address]).protocols(protocols).run().await;
            let Err(Error::Failed { reason, .. }) = asked else { panic!("{address}: {asked:?}") };
            assert!(reason.contains("not allowed"), "{address}: {reason}");
        }
    }
    assert!(!sprung.exists());
}
