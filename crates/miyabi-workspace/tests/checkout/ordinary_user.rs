//! The same tests once more as an ordinary user, when they run as root.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::{LAUNCHER_VARIABLE, copy_program, launcher};

const OWN_NAME: &str = "ordinary_user::every_test_passes_as_an_ordinary_user";
/// `nobody` on every Linux system.
const NOBODY: u32 = 65_534;

/// As root: copies the test program and the launcher to where anyone can reach them and runs all
/// other tests as `nobody`. As an ordinary user the other tests are that already.
#[test]
fn every_test_passes_as_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("already an ordinary user: every other test of this run is the proof");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let tests = folder.path().join("tests");
    let copy = folder.path().join("launcher");
    copy_program(&std::env::current_exe().unwrap(), &tests);
    copy_program(&launcher(), &copy);
    let output = Command::new("setpriv")
        .args([
            &format!("--reuid={NOBODY}"),
            &format!("--regid={NOBODY}"),
            "--clear-groups",
            "--inh-caps=-all",
        ])
        .arg(&tests)
        // Kills take their time, and do not care who is killed.
        .args(["--skip", OWN_NAME, "--skip", "kills::"])
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env(LAUNCHER_VARIABLE, &copy)
        .current_dir("/")
        .output()
        .expect("`setpriv` of util-linux is needed to become an ordinary user");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("test result: ok"), "{text}\n{errors}");
}
