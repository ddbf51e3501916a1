//! A target in a temporary folder, builds to deploy, and ways to see which processes are left.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use miyabi_core::error::Failure;
use miyabi_core::id::RunId;
use miyabi_core::port::checkouts::CheckoutId;
use miyabi_core::port::deploy_target::{DeployTarget as _, Release, Sample};
use miyabi_core::project::{DeployConfig, HealthCheck, Project};
use miyabi_core::sandbox::SandboxLevel;
use miyabi_testkit::clock::START;
use miyabi_testkit::poll::{SOON, until};
use miyabi_workspace::deploy::{CheckoutFolders, Limits, LocalTarget, SandboxRunner, ServiceRunner};
use miyabi_workspace::sandbox::toolchain::Toolchains;
use miyabi_workspace::sandbox::{Options, Sandbox};
use tempfile::TempDir;

pub(crate) struct House {
    pub(crate) target: LocalTarget,
    pub(crate) project: Project,
    data: Data,
}

/// The folder with everything. Services that still run when a test ends are ended with it.
pub(crate) struct Data(TempDir);

impl Drop for Data {
    fn drop(&mut self) {
        for process in processes_of(self.0.path()) {
            kill(process);
        }
    }
}

struct Checkouts(PathBuf);

impl CheckoutFolders for Checkouts {
    fn folder(&self, id: &CheckoutId) -> PathBuf {
        self.0.join(&id.name)
    }
}

/// A runner over a strict sandbox, with its own folder in the data folder.
pub(crate) fn runner(data: &Path) -> SandboxRunner {
    runner_at(SandboxLevel::Strict, data)
}

fn runner_at(level: SandboxLevel, data: &Path) -> SandboxRunner {
    let mut options = Options::new(level, data.join("sandbox"));
    options.launcher = env!("CARGO_BIN_EXE_miyabi-sandbox-launcher").into();
    fs::create_dir_all(&options.state_dir).unwrap();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_miyabi-site"));
    SandboxRunner::new(Arc::new(Sandbox::new(options)), Toolchains::default(), program)
}

pub(crate) fn target(data: &Path, runner: Arc<dyn ServiceRunner>, limits: Limits) -> LocalTarget {
    LocalTarget::new(data.join("deploy"), runner, Arc::new(Checkouts(data.join("checkouts"))), limits)
}

pub(crate) fn project() -> Project {
    miyabi_testkit::project::project(1, Path::new("/nowhere"))
}

impl House {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), limits, SandboxLevel::Strict)
    }

    /// In memory where the machine offers that: making very many files takes long on a disk.
    pub(crate) fn in_memory() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        Self::in_folder(folder, Limits::default(), SandboxLevel::Strict)
    }

    /// With a weaker sandbox, in a data folder that its id can pass through.
    pub(crate) fn at_level(level: SandboxLevel) -> Self {
        let house = Self::in_folder(tempfile::tempdir().unwrap(), Limits::default(), level);
        fs::set_permissions(house.data(), fs::Permissions::from_mode(0o711)).unwrap();
        house
    }

    fn in_folder(folder: TempDir, limits: Limits, level: SandboxLevel) -> Self {
        let data = Data(folder);
        let runner = Arc::new(runner_at(level, data.0.path()));
        let house = Self { target: target(data.0.path(), runner, limits), project: project(), data };
        fs::create_dir_all(house.build()).unwrap();
        house
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.0.path()
    }

    /// The checkout that releases are made of.
    pub(crate) fn build(&self) -> PathBuf {
        self.data().join("checkouts/build")
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.build().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn project_folder(&self) -> PathBuf {
        self.data().join("deploy").join(self.project.id.to_string())
    }

    pub(crate) fn files(&self, name: &str) -> PathBuf {
        self.project_folder().join("releases").join(name).join("files")
    }

    /// Stages the build at a time that follows from the name's last character, so that lists have an order.
    pub(crate) async fn stage(&self, name: &str, config: &DeployConfig) -> Result<Release, Failure> {
        let at = START.plus_millis(u64::from(*name.as_bytes().last().unwrap()));
        let from = CheckoutId { run: RunId::mint(START, 1), name: "build".into() };
        self.target.stage(&self.project, name, &format!("commit-of-{name}"), config, &from, at).await
    }

    /// Stages a site whose only page says which release it is.
    pub(crate) async fn stage_site(&self, name: &str) {
        self.write("index.html", &format!("<p>{name}</p>"));
        self.stage(name, &site()).await.unwrap();
    }

    /// Stages a command.
    pub(crate) async fn stage_command(&self, name: &str, config: &DeployConfig) {
        self.write("name.txt", name);
        self.write("server.pl", SERVER);
        self.stage(name, config).await.unwrap();
    }

    pub(crate) async fn activate(&self, name: &str) -> Result<u16, Failure> {
        let url = self.target.activate(&self.project, name).await?;
        Ok(port_of(&url.expect("an address")))
    }

    pub(crate) async fn sample(&self) -> Sample {
        self.target.sample(&self.project).await.unwrap()
    }

    pub(crate) async fn until_healthy(&self) {
        until("a healthy release", SOON, async || {
            let sample = self.sample().await;
            if sample.is_healthy { Ok(()) } else { Err(sample) }
        })
        .await;
    }

    /// Waits until the sample's words contain all of these, and returns them.
    pub(crate) async fn until_unhealthy(&self, words: &[&str]) -> String {
        until("an unhealthy release", SOON, async || {
            let sample = self.sample().await;
            let has_words = words.iter().all(|word| sample.detail.contains(word));
            if !sample.is_healthy && has_words { Ok(sample.detail) } else { Err(sample) }
        })
        .await
    }

    pub(crate) async fn current(&self) -> Option<String> {
        let current = self.target.current(&self.project).await.unwrap();
        current.map(|release| release.name)
    }

    /// Waits until the processes are exactly one service, and the one that is noted for this release.
    pub(crate) async fn until_only(&self, name: &str) {
        until("exactly one service", SOON, async || {
            let services = services_of(self.data());
            let supervisors = supervisors_of(self.data());
            let noted = self.state()["service"].clone();
            let is_noted = noted["release"] == name && supervisors.iter().any(|it| noted["pid"] == *it);
            let is_only = is_noted && services.len() == 1 && supervisors.len() == 1;
            if is_only { Ok(()) } else { Err((services, supervisors, noted)) }
        })
        .await;
    }

    /// What the target noted of its project.
    pub(crate) fn state(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.project_folder().join("state.json")).unwrap()).unwrap()
    }

    pub(crate) async fn until_none(&self) {
        until("no service", SOON, async || {
            let processes = processes_of(self.data());
            if processes.is_empty() { Ok(()) } else { Err(processes) }
        })
        .await;
    }
}

/// A static site with a health check that is quick to fail.
pub(crate) fn site() -> DeployConfig {
    DeployConfig { build: Vec::new(), folder: ".".into(), run: None, health: HealthCheck::default() }
}

pub(crate) fn command(argv: &[&str]) -> DeployConfig {
    DeployConfig { run: Some(argv.iter().map(|word| (*word).to_owned()).collect()), ..site() }
}

pub(crate) fn server() -> DeployConfig {
    command(&["perl", "server.pl"])
}

/// A web server of the kind that projects have: it answers with the release's name, 503 for `/bad`, its environment
/// for `/env`, and ends when asked for `/end`.
const SERVER: &str = r#"
use strict; use warnings; use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
my $listener = IO::Socket::INET->new(LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 5, ReuseAddr => 1)
    or die "could not listen: $!";
open(my $file, '<', 'name.txt') or die; my $name = <$file>; close $file;
while (my $client = $listener->accept) {
    my $request = <$client> // next;
    while (my $line = <$client>) { last if $line eq "\r\n" }
    my ($status, $body) = ('200 OK', $name);
    $status = '503 Service Unavailable' if $request =~ m{^GET /bad };
    $body = join("\n", map { "$_=$ENV{$_}" } sort keys %ENV) if $request =~ m{^GET /env };
    print $client "HTTP/1.1 $status\r\nContent-Length: " . length($body) . "\r\nConnection: close\r\n\r\n$body";
    close $client;
    if ($request =~ m{^GET /end }) { print STDERR "told to end\n"; exit 4 }
}
"#;

fn port_of(url: &str) -> u16 {
    let port = url.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix('/'));
    port.expect("a loopback address").parse().unwrap()
}

/// The body that a page has.
pub(crate) fn page(port: u16, path: &str) -> std::io::Result<String> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    // In one write, so that a simple server reads it in one read.
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// Everything that runs because of a data folder.
pub(crate) fn processes_of(data: &Path) -> Vec<u32> {
    let services = services_of(data).into_iter().map(|(process, _)| process);
    services.chain(supervisors_of(data)).collect()
}

/// Processes whose arguments name the folder's gate: they wait at it or have passed it.
pub(crate) fn services_of(data: &Path) -> Vec<(u32, String)> {
    let deploy = data.join("deploy").to_str().unwrap().to_owned();
    let lines = all_processes().into_iter().filter_map(|process| {
        let line = fs::read(format!("/proc/{process}/cmdline")).ok()?;
        Some((process, String::from_utf8_lossy(&line).replace('\0', " ")))
    });
    lines.filter(|(_, line)| line.contains("miyabi-site") && line.contains(&deploy)).collect()
}

/// Processes around services: those that hold one of the folder's logs, or have one as their output.
pub(crate) fn supervisors_of(data: &Path) -> Vec<u32> {
    let deploy = data.join("deploy");
    let holds = |process: &u32| {
        let Ok(line) = fs::read(format!("/proc/{process}/cmdline")) else {
            return false;
        };
        let files = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        line.starts_with(b"miyabi-sandbox\0")
            && files.filter_map(|file| fs::read_link(file.path()).ok()).any(|path| path.starts_with(&deploy))
    };
    all_processes().into_iter().filter(holds).collect()
}

fn all_processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

pub(crate) fn kill(process: u32) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    let _gone = rustix::process::kill_process(process, rustix::process::Signal::KILL);
}
