//! What a build may become a release, and what is refused: the folder was filled by strangers.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use miyabi_core::error::{ErrorCode, Failure};
use miyabi_core::project::{DeployConfig, HealthCheck};
use miyabi_workspace::deploy::Limits;
use rustix::fs::{CWD, FileType, Mode};

use crate::house::{House, command, site};

async fn refusal(house: &House, config: &DeployConfig) -> Failure {
    let failure = house.stage("run-1", config).await.unwrap_err();
    assert!(!failure.message.contains('\n'), "{failure}");
    assert!(!house.files("run-1").exists(), "nothing of it is left");
    let left: Vec<_> = fs::read_dir(house.project_folder().join("releases")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{left:?}");
    failure
}

fn make_node(path: &Path, kind: FileType) {
    rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o644), 0).unwrap();
}

#[tokio::test]
async fn files_are_copied_with_plain_rights_and_without_git() {
    let house = House::new();
    house.write("index.html", "hello");
    house.write("bin/tool", "#!/bin/sh\n");
    house.write(".git/config", "[core]");
    house.write("vendor/.GIT/config", "[core]");
    house.write(".well-known/x", "x");
    fs::create_dir(house.build().join("empty")).unwrap();
    let tool = house.build().join("bin/tool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o6777)).unwrap();
    let staged = house.stage("run-1", &site()).await.unwrap();
    assert_eq!((staged.name.as_str(), staged.is_current, staged.url), ("run-1", false, None));
    let files = house.files("run-1");
    let mode = |path: &str| fs::metadata(files.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("bin/tool"), mode("index.html"), mode("bin")), (0o755, 0o644, 0o755));
    assert!(files.join("empty").is_dir() && files.join(".well-known/x").is_file());
    assert!(!files.join(".git").exists() && !files.join("vendor/.GIT").exists());
}

#[tokio::test]
async fn the_digest_names_content_and_nothing_else() {
    let house = House::new();
    house.write("a", "1");
    house.write("b", "2");
    let digest = async |name: &str| house.stage(name, &site()).await.unwrap().digest;
    let first = digest("run-1").await;
    assert_eq!(digest("run-2").await, first);
    house.write("a", "2");
    house.write("b", "1");
    let swapped = digest("run-3").await;
    fs::set_permissions(house.build().join("a"), fs::Permissions::from_mode(0o755)).unwrap();
    let executable = digest("run-4").await;
    fs::create_dir(house.build().join("c")).unwrap();
    let with_folder = digest("run-5").await;
    let all = [first, swapped, executable, with_folder];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
}

#[tokio::test]
async fn links_that_leave_are_refused_and_nothing_behind_them_is_read() {
    for target in
        ["/etc/passwd", "../../../../etc/passwd", "nowhere", "/proc/self/root/etc/passwd", ".git/config"]
    {
        let house = House::new();
        house.write("server.pl", "");
        house.write(".git/config", "");
        fs::create_dir(house.build().join("sub")).unwrap();
        symlink(target, house.build().join("sub/link")).unwrap();
        let failure = refusal(&house, &command(&["perl", "server.pl"])).await;
        assert_eq!(failure.code, ErrorCode::BuildFailed);
        assert_eq!(
            failure.message,
            "the build can't become a release: `sub/link` is a link that leads out of it or nowhere"
        );
        let failure = refusal(&house, &site()).await;
        assert!(failure.message.contains("`sub/link` is a link; a static site has"), "{failure}");
    }
}

#[tokio::test]
async fn a_folder_link_can_not_carry_a_path_out() {
    let house = House::new();
    fs::create_dir_all(house.build().join("a")).unwrap();
    fs::create_dir_all(house.build().join("b")).unwrap();
    // Plain text says `a/d/../../x` is `x`; through the link it is one level above the release.
    symlink("../b", house.build().join("a/d")).unwrap();
    symlink("d/../../../outside", house.build().join("a/sly")).unwrap();
    fs::write(house.data().join("checkouts/outside"), "secret").unwrap();
    let failure = refusal(&house, &command(&["true"])).await;
    assert!(failure.message.contains("`a/sly` is a link"), "{failure}");
}

#[tokio::test]
async fn links_within_stay_links_for_commands() {
    let house = House::new();
    house.write("node_modules/tool/cli.js", "tool");
    fs::create_dir(house.build().join("node_modules/.bin")).unwrap();
    symlink("../tool/cli.js", house.build().join("node_modules/.bin/tool")).unwrap();
    symlink("node_modules/tool", house.build().join("folder")).unwrap();
    house.stage("run-1", &command(&["true"])).await.unwrap();
    let files = house.files("run-1");
    assert_eq!(fs::read_link(files.join("node_modules/.bin/tool")).unwrap(), Path::new("../tool/cli.js"));
    assert_eq!(fs::read_to_string(files.join("folder/cli.js")).unwrap(), "tool");
}

#[tokio::test]
async fn pipes_sockets_and_devices_are_refused_without_waiting() {
    let house = House::new();
    make_node(&house.build().join("pipe"), FileType::Fifo);
    let failure = refusal(&house, &site()).await;
    assert_eq!(failure.message, "the build can't become a release: `pipe` is no file, folder or link");
    fs::remove_file(house.build().join("pipe")).unwrap();
    let _listener = std::os::unix::net::UnixListener::bind(house.build().join("socket")).unwrap();
    assert!(refusal(&house, &site()).await.message.contains("`socket` is no file"));
}

#[tokio::test]
async fn names_that_break_lines_are_refused_in_one_line() {
    let house = House::new();
    house.write("a\nmiyabi: all is well", "x");
    let failure = refusal(&house, &site()).await;
    assert_eq!(
        failure.message,
        "the build can't become a release: `a\\nmiyabi: all is well` has control characters in its name"
    );
}

#[tokio::test]
async fn too_many_files_are_refused() {
    let house = House::in_memory();
    for folder in 0..100 {
        let folder = house.build().join(folder.to_string());
        fs::create_dir(&folder).unwrap();
        for file in 0..1_000 {
            fs::File::create(folder.join(file.to_string())).unwrap();
        }
    }
    let failure = refusal(&house, &site()).await;
    assert_eq!(
        failure.message,
        "the build can't become a release: it has more than 80000 files and folders; \
         `deploy.folder` can name a smaller folder"
    );
}

#[tokio::test]
async fn huge_files_are_refused_before_they_are_read() {
    let house = House::new();
    let file = fs::File::create(house.build().join("huge")).unwrap();
    file.set_len(1 << 40).unwrap();
    let failure = refusal(&house, &site()).await;
    assert_eq!(
        failure.message,
        "the build can't become a release: its files have more than 2147483648 bytes; \
         `deploy.folder` can name a smaller folder"
    );
}

#[tokio::test]
async fn many_files_together_count() {
    let house = House::with_limits(Limits { bytes: 1000, ..Limits::default() });
    house.write("a", &"x".repeat(600));
    house.write("b", &"x".repeat(400));
    house.stage("run-0", &site()).await.unwrap();
    house.write("c", "x");
    let failure = house.stage("run-1", &site()).await.unwrap_err();
    assert!(failure.message.contains("more than 1000 bytes;"), "{failure}");
}

#[tokio::test]
async fn folders_without_end_are_refused() {
    let house = House::new();
    fs::create_dir_all(house.build().join("d/".repeat(65))).unwrap();
    assert!(refusal(&house, &site()).await.message.ends_with("lies too deep"));
}

#[tokio::test]
async fn the_built_folder_must_be_a_real_one() {
    let house = House::new();
    house.write("file", "");
    symlink("/etc", house.build().join("dist")).unwrap();
    let of = |folder: &str| DeployConfig { folder: folder.into(), ..site() };
    for (folder, words) in [
        ("out", "there is no folder `out` after the build"),
        ("file", "`file` is no folder"),
        ("dist", "`dist` is reached through a link"),
        ("dist/ssl", "`dist/ssl` is reached through a link"),
    ] {
        let failure = refusal(&house, &of(folder)).await;
        assert_eq!(failure.code, ErrorCode::BuildFailed);
        assert!(failure.message.ends_with(words), "{failure}");
    }
    house.write("web/out/index.html", "hello");
    house.stage("run-2", &of("./web/out")).await.unwrap();
    assert_eq!(fs::read_to_string(house.files("run-2").join("index.html")).unwrap(), "hello");
}

#[tokio::test]
async fn settings_that_can_not_be_carried_out_are_refused() {
    let house = House::new();
    let health = |path: &str| DeployConfig {
        health: HealthCheck { path: path.into(), ..HealthCheck::default() },
        ..site()
    };
    let wrong = [
        DeployConfig { folder: "../x".into(), ..site() },
        DeployConfig { folder: "/etc".into(), ..site() },
        DeployConfig { folder: String::new(), ..site() },
        DeployConfig { run: Some(Vec::new()), ..site() },
        DeployConfig { run: Some(vec!["a".into(), "b\0c".into()]), ..site() },
        DeployConfig {
            health: HealthCheck { command: Some(vec![String::new()]), ..HealthCheck::default() },
            ..site()
        },
        health("no-slash"),
        health("/a b"),
        health("/a\r\nHost: evil"),
    ];
    for config in wrong {
        assert_eq!(refusal(&house, &config).await.code, ErrorCode::RequestInvalid, "{config:?}");
    }
    let failure = house.stage("../x", &site()).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::RequestInvalid);
}
