//! Measures how much the store can take: appends per second alone and from many runs at once, artifacts per second,
//! the time to read a long journal back. Every write is on the disk when it counts.
//!
//! `cargo run --release -p miyabi-store --features conformance --example rates [folder]`; the folder should lie on
//! the disk that is asked about, and must not exist.

#![expect(clippy::print_stdout, reason = "a program that reports")]

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use miyabi_core::port::artifacts::Artifacts;
use miyabi_core::port::journal::{Error as JournalError, Journal};
use miyabi_store::conformance::fixture::{Run, START, project_id, tenant};
use miyabi_store::{DataFolder, Keys, Store};

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let home = tempfile::tempdir()?;
    let path = std::env::args_os().nth(1).map_or_else(|| home.path().join("data"), PathBuf::from);
    let store = Store::open(DataFolder::open(&path)?, Keys::File, START).await?;
    report("file syncs, for comparison", 500, syncs(&path.join("probe"), 500)?);
    let journal = store.journal();
    for runs in [1, 10, 50, 200] {
        let count = 12_000 / runs.max(4);
        let took = appends(&*journal, runs, count).await?;
        report(&format!("appends, {runs} runs at once"), runs * count, took);
    }
    let (took, count) = long_load(&*journal, 20_000).await?;
    report("events loaded and checked", count, took);

    let artifacts = store.artifacts();
    for (at_once, size) in [(1, 4_096), (16, 4_096), (16, 262_144)] {
        let took = puts(&*artifacts, at_once, 1_024 / at_once, size).await?;
        report(&format!("artifacts of {size} bytes, {at_once} at once"), 1_024, took);
    }
    let again = vec![7; 4_096];
    let begun = Instant::now();
    for _ in 0..1_024 {
        artifacts.put(&again).await?;
    }
    report("artifacts that are there already", 1_024, begun.elapsed());
    let begun = Instant::now();
    store.close().await;
    println!("{:42} {:>9.1} ms", "close", begun.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

fn report(what: &str, count: usize, took: Duration) {
    let rate = count as f64 / took.as_secs_f64();
    println!("{what:42} {rate:>9.0} /s");
}

/// What the disk can do: one `fsync` after each 4 KiB.
fn syncs(path: &Path, count: usize) -> Outcome<Duration> {
    let mut file = File::create_new(path)?;
    let begun = Instant::now();
    for _ in 0..count {
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
    }
    let took = begun.elapsed();
    std::fs::remove_file(path)?;
    Ok(took)
}

async fn appends(journal: &dyn Journal, runs: usize, count: usize) -> Outcome<Duration> {
    let tenant = tenant();
    let mut all = Vec::new();
    for _ in 0..runs {
        let mut run = Run::new(tenant, project_id());
        let events = run.begin();
        journal.create(&events, &run.row).await?;
        all.push(run);
    }
    let begun = Instant::now();
    let work = all.iter_mut().map(|run| async move {
        for _ in 0..count {
            let expected = run.row.seq;
            let events = run.events(1);
            journal.append(expected, &events, &run.row).await?;
        }
        Ok::<_, JournalError>(())
    });
    try_join_all(work).await?;
    Ok(begun.elapsed())
}

async fn long_load(journal: &dyn Journal, count: u64) -> Outcome<(Duration, usize)> {
    let mut run = Run::new(tenant(), project_id());
    let events = run.events(count);
    journal.create(&events, &run.row).await?;
    let begun = Instant::now();
    let loaded = journal.load(run.row.tenant, run.row.run_id, 0).await?;
    Ok((begun.elapsed(), loaded.len()))
}

async fn puts(artifacts: &dyn Artifacts, at_once: usize, count: usize, size: usize) -> Outcome<Duration> {
    let begun = Instant::now();
    let work = (0..at_once).map(|writer| async move {
        for number in 0..count {
            let mut bytes = vec![0; size];
            let seed = format!("{writer} {number} {size}");
            bytes[..seed.len()].copy_from_slice(seed.as_bytes());
            artifacts.put(&bytes).await?;
        }
        Ok::<_, miyabi_core::port::artifacts::Error>(())
    });
    try_join_all(work).await?;
    Ok(begun.elapsed())
}
