//! Measures what one sandboxed command costs: `cargo run --release --example sandbox_cost [level]`.
//!
//! Needs the launcher program of this package beside the example's folder.

use std::error::Error;
use std::io::Write as _;
use std::time::Instant;

use miyabi_core::sandbox::SandboxLevel;
use miyabi_workspace::sandbox::{CommandSpec, Options, Sandbox};
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 300;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn Error>> {
    let mut launcher = std::env::current_exe()?;
    launcher.pop();
    launcher.pop();
    launcher.push("miyabi-sandbox-launcher");
    let cancel = CancellationToken::new();
    let wanted = std::env::args().nth(1);
    for level in [SandboxLevel::External, SandboxLevel::Reduced, SandboxLevel::Strict] {
        if wanted.as_deref().is_some_and(|wanted| wanted != level.as_str()) {
            continue;
        }
        let mut options = Options::new(level, std::env::temp_dir());
        options.launcher.clone_from(&launcher);
        let sandbox = Sandbox::new(options);
        let spec = CommandSpec::new("true", [""; 0], "/");
        let mut micros = Vec::with_capacity(ROUNDS);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let outcome = sandbox.run(&spec, &cancel).await?;
            micros.push(began.elapsed().as_micros());
            if !outcome.succeeded() {
                return Err(format!("{outcome:?}").into());
            }
        }
        micros.sort_unstable();
        let (median, late) = (micros[ROUNDS / 2], micros[ROUNDS * 95 / 100]);
        writeln!(std::io::stdout(), "{}: median {median} us, 95% {late} us", level.as_str())?;
    }
    Ok(())
}
