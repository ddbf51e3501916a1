//! A process that deploys is killed at chosen and at random instants; whoever repeats its act ends with the wanted
//! release running once.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use miyabi_core::error::Failure;
use miyabi_core::port::clock::Entropy as _;
use miyabi_core::port::deploy_target::DeployTarget as _;
use miyabi_testkit::entropy::SeededEntropy;
use miyabi_workspace::deploy::{
    CheckOutcome, CheckSpec, Limits, SandboxRunner, ServiceId, ServiceRunner, ServiceSpec,
};

use crate::house::{self, House, page};

/// Where the helper kills itself.
const INSTANTS: [&str; 4] = ["before-stop", "after-stop", "before-start", "after-start"];

/// A runner that kills its own process at one instant, as `kill -9` would.
struct Doomed {
    inner: SandboxRunner,
    instant: String,
}

impl Doomed {
    fn die_at(&self, instant: &str) {
        if self.instant == instant {
            house::kill(std::process::id());
            // The signal is on its way; nothing must happen after this instant.
            loop {
                std::thread::park();
            }
        }
    }
}

#[async_trait]
impl ServiceRunner for Doomed {
    async fn start(&self, service: &ServiceSpec) -> Result<ServiceId, Failure> {
        self.die_at("before-start");
        let started = self.inner.start(service).await;
        self.die_at("after-start");
        started
    }
    fn is_alive(&self, id: ServiceId) -> bool {
        self.inner.is_alive(id)
    }
    async fn stop(&self, id: ServiceId) -> Result<(), Failure> {
        self.die_at("before-stop");
        let stopped = self.inner.stop(id).await;
        self.die_at("after-stop");
        stopped
    }
    async fn check(&self, check: &CheckSpec) -> Result<CheckOutcome, Failure> {
        self.inner.check(check).await
    }
}

/// The process that is killed: reads the data folder, the instant and the act from its input.
#[test]
#[ignore = "started by the tests of this module"]
fn helper() {
    let mut lines = BufReader::new(std::io::stdin()).lines().map(Result::unwrap);
    let data = PathBuf::from(lines.next().expect("a folder"));
    let instant = lines.next().expect("an instant");
    let act = lines.next().expect("an act");
    let runner = Arc::new(Doomed { inner: house::runner(&data), instant });
    let target = house::target(&data, runner, Limits::default());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("\nready");
    runtime.block_on(async {
        match act.as_str() {
            "deactivate" => target.deactivate(&house::project()).await.unwrap(),
            name => drop(target.activate(&house::project(), name).await.unwrap()),
        }
    });
}

/// A helper at work.
struct Helper {
    process: Child,
    /// Kept open: a test program that can't print fails.
    _output: BufReader<ChildStdout>,
}

impl Helper {
    /// Returns when the act is about to begin.
    fn start(data: &Path, instant: &str, act: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crashes::helper", "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(process.stdin.take().unwrap(), "{}\n{instant}\n{act}", data.display()).unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let is_ready = output.by_ref().lines().any(|line| line.unwrap() == "ready");
        assert!(is_ready, "the helper begins");
        Self { process, _output: output }
    }

    /// Whether it came to its end alive.
    fn survives(&mut self) -> bool {
        self.process.wait().unwrap().success()
    }
}

#[tokio::test]
async fn killed_at_each_step_of_a_deployment_and_of_its_way_back() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    house.activate("run-1").await.unwrap();
    for instant in INSTANTS {
        // Forward is a deployment, back is a rollback.
        for wanted in ["run-2", "run-1"] {
            assert!(!Helper::start(house.data(), instant, wanted).survives(), "{instant}");
            let port = house.activate(wanted).await.unwrap();
            house.until_healthy().await;
            house.until_only(wanted).await;
            assert_eq!(page(port, "/").unwrap(), format!("<p>{wanted}</p>"), "{instant}");
        }
    }
}

#[tokio::test]
async fn killed_in_the_middle_and_taken_back_instead() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    for instant in INSTANTS {
        house.activate("run-1").await.unwrap();
        assert!(!Helper::start(house.data(), instant, "run-2").survives(), "{instant}");
        house.activate("run-1").await.unwrap();
        house.until_healthy().await;
        house.until_only("run-1").await;
    }
    for instant in ["before-stop", "after-stop"] {
        assert!(!Helper::start(house.data(), instant, "deactivate").survives(), "{instant}");
        house.target.deactivate(&house.project).await.unwrap();
        house.until_none().await;
        house.activate("run-1").await.unwrap();
    }
}

#[tokio::test]
async fn killed_at_random_instants() {
    let house = House::new();
    house.stage_site("run-1").await;
    house.stage_site("run-2").await;
    house.activate("run-1").await.unwrap();
    // How long a whole deployment takes here is the range of instants.
    let mut helper = Helper::start(house.data(), "never", "run-2");
    let began = Instant::now();
    assert!(helper.survives());
    let whole = began.elapsed();
    let entropy = SeededEntropy::new(4);
    let mut killed = 0;
    for round in 0..24 {
        let wanted = ["run-1", "run-2"][round % 2];
        let mut helper = Helper::start(house.data(), "never", wanted);
        let share = u32::try_from(entropy.draw() % 1000).unwrap();
        until_passed(Instant::now() + whole * share / 1000);
        helper.process.kill().unwrap();
        killed += u32::from(!helper.survives());
        house.activate(wanted).await.unwrap();
        house.until_healthy().await;
        house.until_only(wanted).await;
    }
    assert!(killed >= 8, "only {killed} of 24 were killed in time");
}

/// The instant itself is the point here, so this is no wait for a condition that could be polled.
fn until_passed(instant: Instant) {
    while let Some(left) = instant.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left.min(Duration::from_millis(1)));
    }
}
