//! What ends a command, and that nothing of it stays.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use miyabi_core::sandbox::SandboxLevel;
use miyabi_workspace::sandbox::{Error, Exit, Lifetime, Network, OutputTarget};
use rustix::process::{Pid, Signal};
use tokio_util::sync::CancellationToken;

use crate::support::{
    Cage, LAUNCHER_VARIABLE, assert_appears, assert_gone, launcher, marker, poll_until, processes_with, text,
};

/// Tells the driver below which marker to run with; without it the driver does nothing.
const DRIVER_VARIABLE: &str = "MIYABI_TEST_DRIVER";

#[tokio::test]
async fn background_processes_end_with_the_command() {
    let marker = marker(10);
    let cage = Cage::strict();
    let scripts = [
        format!("sleep {marker} & exit 0"),
        format!("setsid sleep {marker} & exit 0"),
        format!("nohup sleep {marker} >/dev/null 2>&1 & exit 0"),
        format!("(trap '' TERM HUP INT; setsid sh -c 'sleep {marker} & sleep {marker}') & exit 0"),
        format!(
            "perl -e 'use POSIX; exit if fork; setsid; exit if fork; chdir \"/\"; close STDIN; close STDOUT; close STDERR; exec \"sleep\", \"{marker}\"'; exit 0"
        ),
    ];
    for script in &scripts {
        assert_eq!(cage.sh(script).await.exit, Exit::Code(0), "{script}");
        assert_gone(&marker);
    }
}

#[tokio::test]
async fn a_cancelled_command_ends_soon_and_says_so() {
    let cage = Cage::strict();
    let cancel = CancellationToken::new();
    let spec = cage.sh_spec(
        "exec perl -e '$SIG{TERM} = sub { print \"tidied\n\"; exit 5 }; open(F, \">\", \"up\"); sleep 600'",
    );
    let run = cage.sandbox.run(&spec, &cancel);
    let file = cage.checkout().join("up");
    let (outcome, ()) = tokio::join!(run, async {
        wait_for(&file).await;
        cancel.cancel();
    });
    let outcome = outcome.unwrap();
    assert!(outcome.cancelled && outcome.limit.is_none(), "{outcome:?}");
    assert_eq!((outcome.exit, text(&outcome).as_str()), (Exit::Code(5), "tidied\n"));
}

/// Lets other work of this task go on while it looks.
async fn wait_for(path: &Path) {
    let look = async {
        while !path.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_cancelled_already_ends_the_command_at_once() {
    let cage = Cage::strict();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let outcome = cage.sandbox.run(&cage.sh_spec("sleep 600"), &cancel).await.unwrap();
    assert!(outcome.cancelled && outcome.duration_ms < 10_000, "{outcome:?}");
}

#[tokio::test]
async fn dropping_the_future_ends_the_command() {
    for level in [SandboxLevel::Strict, SandboxLevel::Reduced, SandboxLevel::External] {
        let marker = marker(20);
        let cage = Cage::new(level);
        let spec = cage.sh_spec(&format!("touch up; setsid sleep {marker} & sleep {marker}"));
        let cancel = CancellationToken::new();
        let file = cage.checkout().join("up");
        tokio::select! {
            outcome = cage.sandbox.run(&spec, &cancel) => panic!("{outcome:?}"),
            () = wait_for(&file) => {}
        }
        assert_gone(&marker);
    }
}

#[tokio::test]
async fn a_killed_launcher_takes_the_command_with_it() {
    let marker = marker(30);
    let cage = Cage::strict();
    let spec = cage.sh_spec(&format!("touch up; sleep {marker} & sleep {marker}"));
    let cancel = CancellationToken::new();
    let file = cage.checkout().join("up");
    let run = cage.sandbox.run(&spec, &cancel);
    let (result, ()) = tokio::join!(run, async {
        wait_for(&file).await;
        let inside = processes_with(&marker)[0];
        kill(supervisor_of(inside));
    });
    assert!(matches!(result, Err(Error::LauncherLost)), "{result:?}");
    assert_gone(&marker);
}

/// The first process above this one that is outside the sandbox's process namespace.
fn supervisor_of(process: u32) -> u32 {
    let mut pid = process;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let field =
            |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        // One number per nested namespace.
        if field("NSpid:").split_whitespace().count() == 1 {
            return pid;
        }
        pid = field("PPid:").parse().unwrap();
    }
}

fn kill(pid: u32) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::KILL).unwrap();
}

#[test]
fn nothing_survives_when_the_program_is_killed() {
    for level in [SandboxLevel::Strict, SandboxLevel::Reduced] {
        let marker = marker(if level == SandboxLevel::Strict { 40 } else { 41 });
        let mut driver = start_driver(&format!("{}:{marker}", level.as_str()));
        poll_until("the driver's command", || match processes_with(&marker).len() {
            // Two sleeps and what starts them.
            count if count >= 3 => Ok(()),
            count => Err(count),
        });
        driver.kill().unwrap();
        driver.wait().unwrap();
        assert_gone(&marker);
    }
}

fn start_driver(instruction: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lifetime::driver", "--nocapture"])
        .env(DRIVER_VARIABLE, instruction)
        .env(LAUNCHER_VARIABLE, launcher())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: the program that other tests kill.
#[tokio::test]
async fn driver() {
    let Some(instruction) = std::env::var_os(DRIVER_VARIABLE) else { return };
    let instruction = instruction.into_string().unwrap();
    let (level, marker) = instruction.split_once(':').unwrap();
    let level = if level == "strict" { SandboxLevel::Strict } else { SandboxLevel::Reduced };
    let cage = Cage::new(level);
    cage.sh(&format!("(trap '' TERM HUP; setsid sleep {marker}) & sleep {marker}")).await;
}

#[tokio::test]
async fn a_service_outlives_its_starter_and_can_be_stopped() {
    let marker = marker(50);
    let cage = Cage::strict();
    let log = cage.folder.path().join("log");
    let mut spec = cage.sh_spec(&format!("echo serving; touch up; sleep {marker} & sleep {marker}"));
    spec.lifetime = Lifetime::Detached;
    spec.network = Network::Host;
    spec.limits.wall_ms = 1;
    spec.output = OutputTarget::File(log.clone());
    let service = cage.sandbox.start_detached(&spec).await.unwrap();
    assert_appears(&cage.checkout().join("up"));
    poll_until("the log", || match std::fs::read_to_string(&log).unwrap() {
        text if text == "serving\n" => Ok(()),
        text => Err(text),
    });
    assert!(service.is_alive());
    assert!(parent_of(service.pid) != std::process::id(), "a service has no tie to its starter");

    let remembered = serde_json::to_string(&service).unwrap();
    let found: miyabi_workspace::sandbox::Detached = serde_json::from_str(&remembered).unwrap();
    found.stop(Duration::from_secs(5)).await.unwrap();
    assert!(!service.is_alive());
    assert_gone(&marker);
    found.stop(Duration::ZERO).await.unwrap();
}

fn parent_of(pid: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap()
}

#[tokio::test]
async fn a_services_log_never_outgrows_its_limit() {
    let cage = Cage::strict();
    let log = cage.folder.path().join("log");
    let mut spec = cage.sh_spec(
        "i=0; while [ $i -lt 5000 ]; do echo line number $i; i=$((i+1)); done; touch done; sleep 600",
    );
    spec.lifetime = Lifetime::Detached;
    spec.limits.output_bytes = 10_000;
    spec.output = OutputTarget::File(log.clone());
    let service = cage.sandbox.start_detached(&spec).await.unwrap();
    assert_appears(&cage.checkout().join("done"));
    poll_until("the last line", || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        if text.ends_with("line number 4999\n") && text.len() <= 10_000 { Ok(()) } else { Err(text.len()) }
    });
    service.stop(Duration::from_secs(5)).await.unwrap();
}

#[tokio::test]
async fn a_service_that_cannot_start_is_an_error() {
    let cage = Cage::strict();
    let mut spec = cage.spec("no-such-program", [""; 0]);
    spec.lifetime = Lifetime::Detached;
    let error = cage.sandbox.start_detached(&spec).await.unwrap_err();
    assert!(matches!(error, Error::Start { .. }), "{error:?}");
}
