//! Commands that are not hostile, only awkward: input, output, names, exit codes.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::{Duration, Instant};

use miyabi_workspace::sandbox::{CommandSpec, Error, Exit, KEPT_BYTES, Mount, OutputTarget};

use crate::support::{Cage, assert_gone, assert_prints, marker, text};

#[tokio::test]
async fn reading_input_ends_at_once() {
    assert_prints(&Cage::strict().sh("cat; wc -c; read x || echo none").await, "0\nnone\n");
}

#[tokio::test]
async fn exit_codes_and_signals_pass_through() {
    let cage = Cage::strict();
    for (script, exit) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("exit 255", Exit::Code(255)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -TERM $$", Exit::Signal(15)),
        ("kill -PIPE $$", Exit::Signal(13)),
    ] {
        let outcome = cage.sh(script).await;
        assert_eq!((outcome.exit, outcome.limit), (exit, None), "{script}");
    }
}

#[tokio::test]
async fn standard_output_and_error_keep_their_order() {
    assert_prints(&Cage::strict().sh("echo 1; echo 2 >&2; echo 3; echo 4 >&2").await, "1\n2\n3\n4\n");
}

#[tokio::test]
async fn the_environment_is_what_was_given() {
    let cage = Cage::strict();
    let mut spec = cage.spec("env", [""; 0]);
    spec.env.insert("GREETING".to_owned(), "こんにちは $HOME".to_owned());
    let outcome = cage.run(&spec).await;
    let mut lines: Vec<String> = text(&outcome).lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GREETING=こんにちは $HOME",
            "HOME=/home/miyabi",
            "LANG=C.UTF-8",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "TMPDIR=/tmp",
            "USER=miyabi",
        ]
    );
}

#[tokio::test]
async fn the_working_folder_and_the_home_are_writable() {
    let cage = Cage::strict();
    let outcome = cage.sh("pwd; touch here $HOME/there /tmp/x /dev/shm/y && umask && cd && pwd").await;
    assert_prints(&outcome, &format!("{}\n0022\n/home/miyabi\n", cage.checkout().display()));
    assert!(cage.checkout().join("here").exists());
}

#[tokio::test]
async fn names_in_any_script_survive() {
    let cage = Cage::strict();
    let folder = cage.checkout().join("日本語 フォルダー");
    std::fs::create_dir(&folder).unwrap();
    cage.sandbox.own(&folder).unwrap();
    let mut spec = CommandSpec::new(
        "sh",
        ["-c", "echo \"$1\" > \"$2\"; ls; pwd", "sh", "内容 'と\" $x", "設計書 ①.md"],
        &folder,
    );
    spec.mounts = vec![Mount::read_write(cage.checkout())];
    let outcome = cage.run(&spec).await;
    assert_prints(&outcome, &format!("設計書 ①.md\n{}\n", folder.display()));
    assert_eq!(std::fs::read_to_string(folder.join("設計書 ①.md")).unwrap(), "内容 'と\" $x\n");
}

#[tokio::test]
async fn arguments_need_not_be_text() {
    let cage = Cage::strict();
    let bytes = b"\xff\xfe-\x01\n";
    let outcome =
        cage.run(&cage.spec("printf", [OsString::from("%s"), OsString::from_vec(bytes.to_vec())])).await;
    assert_eq!(outcome.output.head, bytes);
}

#[tokio::test]
async fn an_argument_with_a_dash_stays_an_argument() {
    let cage = Cage::strict();
    assert_prints(&cage.run(&cage.spec("printf", ["%s", "--", "-rf"])).await, "---rf");
}

#[tokio::test]
async fn a_missing_program_is_told_apart_from_a_failing_one() {
    let cage = Cage::strict();
    let error = cage.try_run(&cage.spec("no-such-program", [""; 0])).await.unwrap_err();
    assert!(matches!(&error, Error::Start { program, .. } if program == "no-such-program"), "{error:?}");
    std::fs::write(cage.checkout().join("plain"), "text").unwrap();
    let error = cage.try_run(&cage.spec("./plain", [""; 0])).await.unwrap_err();
    assert!(matches!(error, Error::Start { .. }), "{error:?}");
    let mut spec = cage.sh_spec("true");
    spec.cwd = "/nowhere".into();
    let error = cage.try_run(&spec).await.unwrap_err();
    assert!(matches!(&error, Error::WorkingDirectory { path, .. } if path.ends_with("nowhere")), "{error:?}");
}

#[tokio::test]
async fn fifty_mebibytes_of_output_leave_memory_flat() {
    let cage = Cage::strict();
    let file = cage.folder.path().join("log");
    let mut spec = cage.sh_spec("head -c 52428800 /dev/zero | tr '\\0' x; echo; echo end");
    spec.output = OutputTarget::File(file.clone());
    let before = resident_bytes();
    let outcome = cage.run(&spec).await;
    let grown = resident_bytes().saturating_sub(before);
    assert_eq!(outcome.exit, Exit::Code(0));
    assert_eq!(outcome.output.total_bytes, 52_428_805);
    assert_eq!(outcome.output.head.len() + outcome.output.tail.len(), 2 * KEPT_BYTES);
    assert!(outcome.output.tail.ends_with(b"end\n"));
    assert_eq!(std::fs::metadata(file).unwrap().len(), 52_428_805);
    assert!(grown < 24 * 1024 * 1024, "grew by {grown} bytes");
}

fn resident_bytes() -> u64 {
    let line = std::fs::read_to_string("/proc/self/statm").unwrap();
    line.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

#[tokio::test]
async fn output_without_end_is_cut_by_time() {
    let cage = Cage::strict();
    let mut spec = cage.spec("yes", [""; 0]);
    spec.limits.wall_ms = 300;
    let outcome = cage.run(&spec).await;
    assert!(outcome.limit.is_some() && outcome.output.total_bytes > 100_000, "{outcome:?}");
    assert_eq!(outcome.output.head.len() + outcome.output.tail.len(), 2 * KEPT_BYTES);
}

#[tokio::test]
async fn a_grandchild_that_holds_the_output_does_not_delay_the_result() {
    let marker = marker(1);
    let began = Instant::now();
    let outcome = Cage::strict().sh(&format!("(setsid sleep {marker} &) ; echo started; exit 3")).await;
    assert_eq!((outcome.exit, text(&outcome).as_str()), (Exit::Code(3), "started\n"));
    assert!(began.elapsed() < Duration::from_secs(10), "{outcome:?}");
    assert_gone(&marker);
}

#[tokio::test]
async fn a_command_may_close_its_output() {
    let outcome = Cage::strict().sh("echo before; exec >&- 2>&-; sleep 0.2; exit 4").await;
    assert_eq!((outcome.exit, text(&outcome).as_str()), (Exit::Code(4), "before\n"));
}

#[tokio::test]
async fn an_output_file_is_never_written_through_a_link() {
    let cage = Cage::strict();
    let target = cage.folder.path().join("target");
    std::fs::write(&target, "kept").unwrap();
    let link = cage.folder.path().join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let mut spec = cage.sh_spec("echo overwritten");
    spec.output = OutputTarget::File(link);
    assert!(matches!(cage.try_run(&spec).await, Err(Error::Output { .. })));
    assert_eq!(std::fs::read_to_string(target).unwrap(), "kept");
}

#[tokio::test]
async fn many_commands_at_once_do_not_mix() {
    let cage = Cage::strict();
    let runs = (0..12).map(|number| {
        let cage = &cage;
        async move { text(&cage.sh(&format!("echo {number}; sleep 0.1; echo {number}")).await) }
    });
    let results = futures_join(runs.collect()).await;
    for (number, result) in results.iter().enumerate() {
        assert_eq!(*result, format!("{number}\n{number}\n"));
    }
}

/// Runs all at once, in this task.
async fn futures_join<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut pinned: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, result) in &mut pinned {
            if result.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        if pinned.iter().all(|(_, result)| result.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    pinned.into_iter().filter_map(|(_, result)| result).collect()
}
