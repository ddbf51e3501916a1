//! Measures what checkouts and snapshots cost in a repository of 10,000 files:
//! `cargo run --release --example snapshot_cost`.
//!
//! Needs the launcher program of this package beside the example's folder, and git at `/usr/bin/git`.

use std::error::Error;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use miyabi_core::digest::Digest;
use miyabi_core::id::{ProjectId, RunId, TenantId};
use miyabi_core::port::artifacts::{self, Artifacts};
use miyabi_core::port::checkouts::{CheckoutId, Checkouts as _, CommitRequest};
use miyabi_core::port::repositories::Repositories as _;
use miyabi_core::project::Project;
use miyabi_core::sandbox::SandboxLevel;
use miyabi_core::time::Timestamp;
use miyabi_workspace::checkouts::{GitCheckouts, WorkspaceOptions};
use miyabi_workspace::git::Git;
use miyabi_workspace::repositories::{GitRepositories, Limits};
use miyabi_workspace::sandbox::{Options, Sandbox};

const FILES: usize = 10_000;
const ROUNDS: usize = 100;
const AT: Timestamp = Timestamp::from_millis(1_760_000_000_000);

/// Artifacts as files, synced like the real ones.
struct Folder(PathBuf);

impl Folder {
    fn store(&self, bytes: &[u8]) -> std::io::Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.0.join(digest.hex());
        if !path.exists() {
            let mut file = File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            File::open(&self.0)?.sync_all()?;
        }
        Ok(digest)
    }
}

fn unavailable(error: &std::io::Error) -> artifacts::Error {
    artifacts::Error::Unavailable(error.to_string())
}

#[async_trait]
impl Artifacts for Folder {
    async fn put(&self, bytes: &[u8]) -> Result<Digest, artifacts::Error> {
        self.store(bytes).map_err(|error| unavailable(&error))
    }

    async fn put_file(&self, path: &Path) -> Result<Digest, artifacts::Error> {
        let bytes = fs::read(path).map_err(|error| unavailable(&error))?;
        self.store(&bytes).map_err(|error| unavailable(&error))
    }

    async fn get(&self, digest: Digest) -> Result<Vec<u8>, artifacts::Error> {
        fs::read(self.0.join(digest.hex())).map_err(|error| unavailable(&error))
    }

    async fn read(&self, digest: Digest, offset: u64, length: usize) -> Result<Vec<u8>, artifacts::Error> {
        let read = || -> std::io::Result<Vec<u8>> {
            let mut file = File::open(self.0.join(digest.hex()))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut bytes = Vec::new();
            file.take(length as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        read().map_err(|error| unavailable(&error))
    }

    async fn size(&self, digest: Digest) -> Result<Option<u64>, artifacts::Error> {
        Ok(fs::metadata(self.0.join(digest.hex())).ok().map(|about| about.len()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let user = folder.path().join("user");
    make_repository(&user)?;
    let data = folder.path().join("data");
    for name in ["artifacts", "sandbox"] {
        fs::create_dir_all(data.join(name))?;
    }
    let checkouts = wire(&data).await?;
    let project = Project {
        id: ProjectId::mint(AT, 1),
        tenant: TenantId::mint(AT, 1),
        name: "cost".into(),
        path: user.to_string_lossy().into_owned(),
        branch: "main".into(),
        created_at: AT,
    };
    let (repositories, checkouts) = checkouts;
    let began = Instant::now();
    let base = repositories.open(&project, "main").await?.commit;
    tell("open a repository for the first time", began)?;
    let began = Instant::now();
    repositories.open(&project, "main").await?;
    tell("open it again", began)?;

    let id = CheckoutId { run: RunId::mint(AT, 1), name: "task".into() };
    let began = Instant::now();
    checkouts.create(&id, &project, &base).await?;
    tell("create a checkout", began)?;
    let began = Instant::now();
    let first = checkouts.snapshot(&id).await?;
    tell("first snapshot", began)?;

    let other = CheckoutId { name: "other".into(), ..id.clone() };
    checkouts.create(&other, &project, &base).await?;
    let began = Instant::now();
    checkouts.snapshot(&other).await?;
    tell("first snapshot of another checkout", began)?;

    let mut unchanged = Vec::new();
    let mut changed = Vec::new();
    let before = processor_time()?;
    for round in 0..ROUNDS {
        let began = Instant::now();
        checkouts.snapshot(&id).await?;
        unchanged.push(began.elapsed().as_micros());
        checkouts
            .write(&id, &format!("d{}/f{round}.txt", round % 100), format!("{round}\n").as_bytes())
            .await?;
        let began = Instant::now();
        checkouts.snapshot(&id).await?;
        changed.push(began.elapsed().as_micros());
    }
    let used = (processor_time()? - before) / ROUNDS as u64 / 2;
    writeln!(std::io::stdout(), "processor time per snapshot: {} us", used / 1000)?;
    percentiles("snapshot of nothing new", &mut unchanged)?;
    percentiles("snapshot of one changed file", &mut changed)?;

    let began = Instant::now();
    checkouts.restore(&id, first).await?;
    tell("restore 100 files", began)?;
    checkouts.write(&id, "d1/f1.txt", b"new\n").await?;
    let request = CommitRequest { message: "x".into(), at: AT, max_file_bytes: 1 << 20 };
    let began = Instant::now();
    checkouts.commit(&id, &project, &request).await?;
    tell("commit one file", began)?;
    let began = Instant::now();
    checkouts.export(first, &folder.path().join("export")).await?;
    tell("export everything", began)?;
    Ok(())
}

async fn wire(data: &Path) -> Result<(GitRepositories, GitCheckouts), Box<dyn Error>> {
    let mut launcher = std::env::current_exe()?;
    launcher.pop();
    launcher.pop();
    launcher.push("miyabi-sandbox-launcher");
    let mut options = Options::new(SandboxLevel::Strict, data.join("sandbox"));
    options.launcher = launcher;
    let git = Git::open("/usr/bin/git").await?;
    let repositories = || GitRepositories::new(git.clone(), data, Limits::default());
    let store = Arc::new(Folder(data.join("artifacts")));
    let sandbox = Arc::new(Sandbox::new(options));
    let options = WorkspaceOptions::default();
    let checkouts = GitCheckouts::new(data, Arc::new(repositories()), sandbox, store, options);
    Ok((repositories(), checkouts))
}

fn make_repository(path: &Path) -> Result<(), Box<dyn Error>> {
    for number in 0..FILES {
        let folder = path.join(format!("d{}", number % 100));
        fs::create_dir_all(&folder)?;
        // About the size of source files: 3 to 9 kB.
        let line = format!("line of file {number}, as long as lines of source code usually are\n");
        fs::write(folder.join(format!("f{number}.txt")), line.repeat(50 + number % 100))?;
    }
    fs::write(path.join(".gitignore"), "target/\nnode_modules/\n*.log\n")?;
    for args in [
        vec!["init", "--quiet", "--initial-branch=main"],
        vec!["add", "--all"],
        vec!["-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "--message=x"],
    ] {
        let status = Command::new("git").args(args).current_dir(path).status()?;
        if !status.success() {
            return Err("git failed".into());
        }
    }
    Ok(())
}

fn tell(what: &str, began: Instant) -> std::io::Result<()> {
    writeln!(std::io::stdout(), "{what}: {} ms", began.elapsed().as_millis())
}

/// Processor time of all threads so far, in nanoseconds: on a busy machine it tells more than the clock.
fn processor_time() -> Result<u64, Box<dyn Error>> {
    let mut total = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        total += text.split_whitespace().next().unwrap_or("0").parse::<u64>()?;
    }
    Ok(total)
}

fn percentiles(what: &str, micros: &mut [u128]) -> std::io::Result<()> {
    micros.sort_unstable();
    let (median, late) = (micros[micros.len() / 2], micros[micros.len() * 95 / 100]);
    writeln!(std::io::stdout(), "{what}: median {median} us, 95% {late} us")
}
