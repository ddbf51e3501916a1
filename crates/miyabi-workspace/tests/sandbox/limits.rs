//! Each ceiling ends a command and is named.

use std::time::{Duration, Instant};

use miyabi_core::sandbox::{LimitHit, SandboxLimits};
use miyabi_workspace::sandbox::{CommandSpec, Exit, Outcome};

use crate::support::{Cage, assert_gone, marker, text};

const MIB: u64 = 1024 * 1024;

async fn run_with(script: &str, change: impl FnOnce(&mut SandboxLimits)) -> Outcome {
    let cage = Cage::strict();
    let mut spec = cage.sh_spec(script);
    change(&mut spec.limits);
    cage.run(&spec).await
}

fn perl(program: &str) -> String {
    format!("exec perl -e '{program}'")
}

#[tokio::test]
async fn wall_clock_ends_a_command_that_waits() {
    let outcome = run_with("sleep 600", |limits| limits.wall_ms = 200).await;
    assert_eq!(outcome.limit, Some(LimitHit::Timeout), "{outcome:?}");
    assert!(outcome.duration_ms < 10_000);
}

#[tokio::test]
async fn a_command_may_tidy_up_when_its_time_is_over() {
    let program = "$| = 1; $SIG{TERM} = sub { print \"tidied\\n\"; exit 3 }; print \"up\\n\"; sleep 600";
    let outcome = run_with(&perl(program), |limits| limits.wall_ms = 1_000).await;
    assert_eq!((outcome.limit, outcome.exit), (Some(LimitHit::Timeout), Exit::Code(3)), "{outcome:?}");
    assert_eq!(text(&outcome), "up\ntidied\n");
}

#[tokio::test]
async fn a_command_that_ignores_the_request_is_killed() {
    let began = Instant::now();
    let outcome =
        run_with("trap '' TERM INT HUP; while :; do sleep 1; done", |limits| limits.wall_ms = 200).await;
    assert_eq!((outcome.limit, outcome.exit), (Some(LimitHit::Timeout), Exit::Signal(9)), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn the_process_limit_stops_a_fork_loop() {
    let program = "my $n = 0; for (1..2000) { my $p = fork; last unless defined $p; \
                   if (!$p) { sleep 600; exit } $n++ } print $n";
    let outcome = run_with(&perl(program), |limits| limits.processes = 40).await;
    // The shell became Perl, so one of the forty is the parent.
    assert_eq!((outcome.exit, text(&outcome).as_str()), (Exit::Code(0), "39"), "{outcome:?}");
}

#[tokio::test]
async fn forks_of_forks_count_too() {
    let program = "fork for 1..11; syswrite STDOUT, \"x\"; sleep 1";
    let outcome = run_with(&perl(program), |limits| limits.processes = 64).await;
    assert!(outcome.output.total_bytes <= 64, "{} processes", outcome.output.total_bytes);
}

#[tokio::test]
async fn memory_of_one_process_is_limited() {
    let program = "my @a; for (1..400) { push @a, \"x\" x 1048576 } print \"ALL\"; sleep 600";
    let outcome = run_with(&perl(program), |limits| limits.memory_bytes = 300 * MIB).await;
    assert_eq!((outcome.limit, outcome.exit), (Some(LimitHit::Memory), Exit::Signal(9)), "{outcome:?}");
    assert!(outcome.max_rss_bytes > 200 * MIB, "{outcome:?}");
}

#[tokio::test]
async fn memory_of_many_small_processes_is_limited() {
    let program = "for (1..10) { next if fork; my $x = \"x\" x 31457280; sleep 600; exit } sleep 600";
    let outcome = run_with(&perl(program), |limits| limits.memory_bytes = 150 * MIB).await;
    assert_eq!(outcome.limit, Some(LimitHit::Memory), "{outcome:?}");
}

#[tokio::test]
async fn memory_shared_by_forks_counts_once() {
    // 60 MiB seen by six processes: 60, not 360.
    let program = "my $x = \"x\" x 62914560; for (1..5) { next if fork; select undef, undef, undef, 1.5; exit } \
                   1 while wait > 0; print \"shared\"";
    let outcome = run_with(&perl(program), |limits| limits.memory_bytes = 250 * MIB).await;
    assert_eq!((outcome.limit, text(&outcome).as_str()), (None, "shared"), "{outcome:?}");
}

#[tokio::test]
async fn an_allocation_far_beyond_the_limit_fails_at_once() {
    let outcome = run_with(&perl("my $x = \"x\" x 2147483648; print \"GOT\""), |limits| {
        limits.memory_bytes = 200 * MIB;
    })
    .await;
    assert!(!text(&outcome).contains("GOT"), "{outcome:?}");
    assert_ne!(outcome.exit, Exit::Code(0));
}

#[tokio::test]
async fn processor_time_of_one_process_is_limited() {
    let outcome = run_with(&perl("1 while 1"), |limits| limits.cpu_ms = 500).await;
    assert_eq!(outcome.limit, Some(LimitHit::Cpu), "{outcome:?}");
    assert!(outcome.cpu_ms >= 500, "{outcome:?}");
}

#[tokio::test]
async fn processor_time_of_many_processes_adds_up() {
    // Each child stays far below the limit per process.
    let program = "for (1..200) { if (!fork) { my $e = time + 1; 1 while (times)[0] < 0.1; exit } wait }";
    let outcome = run_with(&perl(program), |limits| limits.cpu_ms = 1_500).await;
    assert_eq!(outcome.limit, Some(LimitHit::Cpu), "{outcome:?}");
}

#[tokio::test]
async fn a_file_cannot_grow_beyond_its_limit() {
    let outcome =
        run_with("exec dd if=/dev/zero of=big bs=64k count=64", |limits| limits.file_size_bytes = MIB).await;
    assert_eq!(outcome.limit, Some(LimitHit::FileSize), "{outcome:?}");
}

#[tokio::test]
async fn a_file_limit_is_named_when_a_shell_stands_between() {
    let outcome =
        run_with("dd if=/dev/zero of=big bs=64k count=64", |limits| limits.file_size_bytes = MIB).await;
    assert_eq!(outcome.limit, Some(LimitHit::FileSize), "{outcome:?}");
}

#[tokio::test]
async fn writable_folders_cannot_grow_beyond_their_limit() {
    let script = "i=0; while [ $i -lt 200 ]; do dd if=/dev/zero of=f$i bs=1M count=1 2>/dev/null; i=$((i+1)); done; sleep 600";
    let outcome = run_with(script, |limits| limits.disk_bytes = 20 * MIB).await;
    assert_eq!((outcome.limit, outcome.exit), (Some(LimitHit::Disk), Exit::Signal(9)), "{outcome:?}");
}

#[tokio::test]
async fn deleted_files_that_are_still_open_count() {
    let program = "for (1..60) { open($f[$_], \">\", \"x\") or die; unlink \"x\"; \
                   syswrite $f[$_], \"x\" x 1048576; } sleep 600";
    let outcome = run_with(&perl(program), |limits| limits.disk_bytes = 20 * MIB).await;
    assert_eq!(outcome.limit, Some(LimitHit::Disk), "{outcome:?}");
}

#[tokio::test]
async fn writable_folders_cannot_fill_with_small_files() {
    let program = "for (1..3000) { open(F, \">\", \"n$_\") or die } sleep 600";
    let outcome = run_with(&perl(program), |limits| limits.inodes = 1_000).await;
    assert_eq!(outcome.limit, Some(LimitHit::Disk), "{outcome:?}");
}

#[tokio::test]
async fn folders_too_deep_to_walk_count_as_too_much() {
    let program = "for (1..3000) { mkdir \"dddd\" or die; chdir \"dddd\" or die } print \"deep\"; sleep 600";
    let outcome = run_with(&perl(program), |limits| limits.inodes = 2_900).await;
    assert_eq!(outcome.limit, Some(LimitHit::Disk), "{outcome:?}");
}

#[tokio::test]
async fn the_temporary_folders_share_one_size_limit() {
    let script = "dd if=/dev/zero of=/tmp/a bs=1M count=4 2>/dev/null; dd if=/dev/zero of=/dev/shm/b bs=1M count=4 2>/dev/null; \
                  dd if=/dev/zero of=$HOME/c bs=1M count=4 2>/dev/null; du -scm /tmp/a /dev/shm/b $HOME/c | tail -1 | cut -f1";
    let outcome = run_with(script, |limits| limits.tmp_bytes = 8 * MIB).await;
    let megabytes: u64 = text(&outcome).trim().parse().unwrap();
    assert!((7..=9).contains(&megabytes), "{outcome:?}");
}

#[tokio::test]
async fn the_temporary_folder_cannot_fill_with_small_files() {
    let program = "my $n = 0; for (1..300000) { open(F, \">\", \"/tmp/$_\") or last; $n++ } print $n < 300000 ? \"stopped\" : \"ALL\"";
    let outcome = run_with(&perl(program), |_| ()).await;
    assert_eq!(text(&outcome), "stopped", "{outcome:?}");
}

#[tokio::test]
async fn open_files_are_limited() {
    let program = "my @f; for (1..2000) { open($f[$_], \"<\", \"/dev/null\") or last } print scalar @f < 200 ? \"stopped\" : \"ALL\"";
    let outcome = run_with(&perl(program), |limits| limits.open_files = 100).await;
    assert_eq!(text(&outcome), "stopped", "{outcome:?}");
}

#[tokio::test]
async fn no_core_is_dumped() {
    let cage = Cage::strict();
    let outcome = cage.sh("ulimit -c; kill -SEGV $$").await;
    assert_eq!((outcome.exit, text(&outcome).as_str()), (Exit::Signal(11), "0\n"), "{outcome:?}");
    assert_eq!(std::fs::read_dir(cage.checkout()).unwrap().count(), 0);
}

#[tokio::test]
async fn nothing_is_left_after_a_limit() {
    let marker = marker(77);
    let script = format!("for i in 1 2 3; do (trap '' TERM; setsid sleep {marker}) & done; wait");
    let outcome = run_with(&script, |limits| limits.wall_ms = 300).await;
    assert_eq!(outcome.limit, Some(LimitHit::Timeout));
    assert_gone(&marker);
}

#[tokio::test]
async fn output_beyond_its_limit_is_counted_and_dropped() {
    let cage = Cage::strict();
    let file = cage.folder.path().join("log");
    let mut spec: CommandSpec = cage.sh_spec("yes | head -c 3000000; echo end");
    spec.limits.output_bytes = 100_000;
    spec.output = miyabi_workspace::sandbox::OutputTarget::File(file.clone());
    let outcome = cage.run(&spec).await;
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!((outcome.output.total_bytes, outcome.output.stored_bytes), (3_000_004, 100_000));
    assert_eq!(std::fs::metadata(file).unwrap().len(), 100_000);
    assert!(text(&outcome).ends_with("end\n"));
}
