//! What mounts show, hide and keep.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use miyabi_workspace::sandbox::toolchain::{self, Cache, Machine, Surroundings};
use miyabi_workspace::sandbox::{Access, Error, Exit, HOME, Identity, Mount};

use crate::support::{Cage, assert_prints, copy_program, text};

#[tokio::test]
async fn a_read_only_folder_inside_a_writable_one_stays_read_only() {
    let cage = Cage::strict();
    let git = cage.checkout().join(".git");
    fs::create_dir(&git).unwrap();
    fs::write(git.join("config"), "kept").unwrap();
    cage.sandbox.own(&cage.checkout()).unwrap();
    let mut spec =
        cage.sh_spec("echo x > .git/config; rm -r .git; mv .git other; touch free; cat .git/config");
    spec.mounts.push(Mount::read_only(&git));
    let outcome = cage.run(&spec).await;
    assert!(text(&outcome).ends_with("kept"), "{outcome:?}");
    assert_eq!(fs::read_to_string(git.join("config")).unwrap(), "kept");
    assert!(cage.checkout().join("free").exists());
}

#[tokio::test]
async fn a_mount_target_that_a_command_replaced_by_a_link_is_refused() {
    let cage = Cage::strict();
    let outside = cage.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, cage.checkout().join("link")).unwrap();
    for target in ["link", "link/below"] {
        let mut spec = cage.sh_spec("true");
        spec.mounts.push(Mount {
            source: "/usr/bin".into(),
            target: cage.checkout().join(target),
            access: Access::ReadOnly,
        });
        assert!(matches!(cage.try_run(&spec).await, Err(Error::Setup { .. })), "{target}");
    }
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_writable_source_that_is_a_link_is_refused() {
    let cage = Cage::strict();
    let outside = cage.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    let link = cage.checkout().join("link");
    symlink(&outside, &link).unwrap();
    let mut spec = cage.sh_spec("touch /data/x");
    spec.mounts.push(Mount { source: link, target: "/data".into(), access: Access::ReadWrite });
    assert!(matches!(cage.try_run(&spec).await, Err(Error::Setup { .. })));
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[tokio::test]
async fn a_missing_source_is_named() {
    let cage = Cage::strict();
    let mut spec = cage.sh_spec("true");
    spec.mounts.push(Mount::read_only("/no/such/folder"));
    let error = cage.try_run(&spec).await.unwrap_err();
    assert_eq!(error.to_string(), "could not set up the sandbox: step `mount` failed at `/no/such/folder`");
}

#[tokio::test]
async fn single_files_can_be_mounted() {
    let cage = Cage::strict();
    let file = cage.folder.path().join("file");
    fs::write(&file, "content").unwrap();
    let mut spec = cage.sh_spec("cat /data/inner/file; echo x > /data/inner/file");
    spec.mounts.push(Mount { source: file, target: "/data/inner/file".into(), access: Access::ReadOnly });
    let outcome = cage.run(&spec).await;
    assert!(text(&outcome).starts_with("content") && outcome.exit != Exit::Code(0), "{outcome:?}");
}

#[tokio::test]
async fn a_given_home_replaces_the_temporary_one() {
    let cage = Cage::strict();
    let home = cage.folder.path().join("home");
    fs::create_dir(&home).unwrap();
    cage.sandbox.own(&home).unwrap();
    let mut spec = cage.sh_spec("echo kept > ~/note");
    spec.mounts.push(Mount { source: home.clone(), target: HOME.into(), access: Access::ReadWrite });
    assert_prints(&cage.run(&spec).await, "");
    assert_eq!(fs::read_to_string(home.join("note")).unwrap(), "kept\n");
}

#[tokio::test]
async fn a_shared_cache_is_read_and_never_changed() {
    let cage = Cage::strict();
    let shared = cage.folder.path().join("cache:with colon");
    fs::create_dir_all(shared.join("index")).unwrap();
    fs::write(shared.join("index/old"), "shared").unwrap();
    let private = cage.folder.path().join("private");
    let cache = Cache {
        name: "cargo-registry",
        source: shared.clone(),
        target: format!("{HOME}/.cargo/registry").into(),
    };
    let mut spec = cage.sh_spec(
        "cd ~/.cargo/registry; cat index/old; echo new > index/new; echo mine > index/old; cat index/*",
    );
    spec.mounts.extend(cage.sandbox.cache_mounts(&[cache], &private).unwrap());
    assert_prints(&cage.run(&spec).await, "sharednew\nmine\n");
    assert_eq!(fs::read_to_string(shared.join("index/old")).unwrap(), "shared");
    assert!(!shared.join("index/new").exists());
    // The next command of the same task finds what the first wrote.
    spec.args = vec![
        "-c".into(),
        "cat ~/.cargo/registry/index/new; rm ~/.cargo/registry/index/old; ls ~/.cargo/registry/index".into(),
    ];
    assert_prints(&cage.run(&spec).await, "new\nnew\n");
    assert!(shared.join("index/old").exists());
}

#[tokio::test]
async fn set_user_id_programs_have_no_effect() {
    let cage = Cage::strict();
    let program = cage.checkout().join("id");
    copy_program("/usr/bin/id".as_ref(), &program, 0o4755);
    assert_prints(&cage.sh("./id -u").await, "1000\n");
}

#[test]
fn owning_a_folder_follows_no_links_and_spares_shared_files() {
    let cage = Cage::strict();
    let outside = cage.folder.path().join("outside");
    fs::write(&outside, "").unwrap();
    let before = fs::metadata(&outside).unwrap().uid();
    let inner = cage.checkout().join("a/b");
    fs::create_dir_all(&inner).unwrap();
    fs::write(inner.join("own"), "").unwrap();
    symlink(&outside, inner.join("link")).unwrap();
    fs::hard_link(&outside, inner.join("hard")).unwrap();
    cage.sandbox.own(&cage.checkout()).unwrap();
    assert_eq!(fs::metadata(&outside).unwrap().uid(), before);
    let expected = match cage.sandbox.describe().identity {
        Identity::DropsRoot { uid, .. } | Identity::OrdinaryUser { uid, .. } => uid,
    };
    for path in [inner.join("own"), inner, cage.checkout().join("a")] {
        assert_eq!(fs::metadata(&path).unwrap().uid(), expected, "{}", path.display());
    }
}

#[tokio::test]
async fn the_tools_of_this_machine_work_in_the_sandbox() {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from).unwrap_or_default();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let variables = std::collections::BTreeMap::new();
    let surroundings = Surroundings { home: &home, path: &path, variables: &variables };
    let tools = toolchain::toolchains(surroundings, &Machine);
    let cage = Cage::strict();
    let mut spec = cage.sh_spec("for tool in cargo rustc git node python3; do command -v $tool >/dev/null && { $tool --version || exit 1; }; done; ls -A ~/.cargo; true");
    spec.mounts.extend(tools.mounts.clone());
    spec.env.extend(tools.env.clone());
    spec.env.insert("PATH".to_owned(), tools.path_value());
    let outcome = cage.run(&spec).await;
    assert_eq!(outcome.exit, Exit::Code(0), "{outcome:?}");
    assert!(text(&outcome).contains("git version"), "{outcome:?}");
    if home.join(".cargo/bin/cargo").exists() {
        assert!(text(&outcome).contains("rustc 1"), "{outcome:?}");
        spec.args =
            vec!["-c".into(), "cargo init -q --vcs none --name hello . && cargo run -q --offline".into()];
        assert_prints(&cage.run(&spec).await, "Hello, world!\n");
    }
}
