//! The hidden words by which this program becomes a deployed release's process.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Site, command, run_site};
use crate::deploy::gate;

/// The first argument by which `miyabi` becomes a deployed release's process. Not for people.
pub const SITE_WORD: &str = "miyabi-site";

/// The exit code when the gate was not opened: whoever started this went away before it could note that it did.
const NOT_WANTED: u8 = 75;
/// The exit code for wrong arguments.
const WRONG_USE: u8 = 2;

const SERVE: &str = "serve";
const RUN: &str = "run";

/// The arguments, after [`SITE_WORD`], that serve a site once the gate is open.
pub(crate) fn site_arguments(gate: &Path, site: &Site) -> Vec<OsString> {
    let port = site.port.to_string();
    let parts: [&OsStr; 5] =
        [SERVE.as_ref(), gate.as_ref(), site.folder.as_ref(), port.as_ref(), site.release.as_ref()];
    parts.map(OsStr::to_os_string).into()
}

/// The arguments, after [`SITE_WORD`], that run a command once the gate is open.
pub(crate) fn command_arguments(gate: &Path, argv: &[String]) -> Vec<OsString> {
    let parts: [&OsStr; 2] = [RUN.as_ref(), gate.as_ref()];
    parts.map(OsStr::to_os_string).into_iter().chain(argv.iter().map(OsString::from)).collect()
}

/// The whole life of such a process. `args` are those after [`SITE_WORD`]; call it before anything else in `main`.
pub fn site_main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let Some(wanted) = Wanted::parse(&args.into_iter().collect::<Vec<_>>()) else {
        complain(&format!("`{SITE_WORD}` is called by miyabi itself, not by people"));
        return ExitCode::from(WRONG_USE);
    };
    match gate::wait(&wanted.gate) {
        Ok(true) => {}
        Ok(false) => return ExitCode::from(NOT_WANTED),
        Err(error) => {
            complain(&format!("could not wait at `{}`: {error}", wanted.gate.display()));
            return ExitCode::from(NOT_WANTED);
        }
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("could not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(wanted.act.live())
}

struct Wanted {
    gate: PathBuf,
    act: Act,
}

enum Act {
    Serve(Site),
    Run(Vec<OsString>),
}

impl Wanted {
    fn parse(args: &[OsString]) -> Option<Self> {
        let [word, gate, rest @ ..] = args else {
            return None;
        };
        let act = match (word.to_str()?, rest) {
            (SERVE, [folder, port, release]) => Act::Serve(Site {
                folder: folder.into(),
                port: port.to_str()?.parse().ok()?,
                release: release.to_str()?.to_owned(),
            }),
            (RUN, [_, ..]) => Act::Run(rest.to_vec()),
            _ => return None,
        };
        Some(Self { gate: gate.into(), act })
    }
}

impl Act {
    async fn live(self) -> ExitCode {
        let stop = CancellationToken::new();
        let (Ok(mut terminated), Ok(mut interrupted)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            complain("could not listen for the request to end");
            return ExitCode::FAILURE;
        };
        let listeners = TaskTracker::new();
        let told = stop.clone();
        listeners.spawn(async move {
            tokio::select! {
                _signal = terminated.recv() => {}
                _signal = interrupted.recv() => {}
            }
            told.cancel();
        });
        match self {
            Self::Run(argv) => command::run(&argv).await,
            Self::Serve(site) => match run_site(&site, &stop).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    complain(&chain(&error));
                    ExitCode::FAILURE
                }
            },
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Standard error is the service's log.
fn complain(what: &str) {
    let _written = std::io::stderr().write_all(format!("miyabi: {what}\n").as_bytes());
}
