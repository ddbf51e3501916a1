//! Snapshots of checkouts: what is stored and what comes back.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use miyabi_core::digest::Digest;
use miyabi_core::error::ErrorCode;
use miyabi_core::port::artifacts::Artifacts as _;
use miyabi_core::port::checkouts::{CheckoutId, Checkouts as _};

use crate::support::House;

/// Everything below a folder but `.git`: kind, mode and content.
fn look(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![folder.to_path_buf()];
    while let Some(path) = pending.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            if name == ".git" {
                continue;
            }
            let about = path.symlink_metadata().unwrap();
            let mode = about.mode() & 0o7777;
            let text = if about.is_symlink() {
                format!("link {}", path.read_link().unwrap().display())
            } else if about.is_dir() {
                pending.push(path);
                format!("folder {mode:o}")
            } else if about.is_file() {
                format!("file {mode:o} {}", Digest::of(&std::fs::read(&path).unwrap()))
            } else {
                "other".to_owned()
            };
            found.insert(name, text);
        }
    }
    found
}

impl House {
    fn look(&self, id: &CheckoutId) -> BTreeMap<String, String> {
        look(&self.tree(id))
    }

    async fn snapshot(&self, id: &CheckoutId) -> Digest {
        self.checkouts.snapshot(id).await.unwrap()
    }

    async fn restore(&self, id: &CheckoutId, snapshot: Digest) {
        self.checkouts.restore(id, snapshot).await.unwrap();
    }
}

#[tokio::test]
async fn any_step_comes_back_byte_for_byte() {
    let house =
        House::new(&[("a", "1\r\n"), ("d/b", "2"), ("d/e/c", ""), (".gitignore", "out/\n*.log\n")]).await;
    let id = house.checkout("task").await;
    let mut steps = vec![(house.snapshot(&id).await, house.look(&id))];
    let scripts = [
        "printf 'x\\n' >> a; mkdir empty; chmod 755 a",
        "rm -rf d; echo file > d; ln -s a link; printf '\\0\\377' > binary; chmod 600 binary",
        "rm d; mkdir -p d/deep/er; echo x > d/deep/er/f; ln -sf missing link; mv binary d/binary; rmdir empty",
        "rm .gitignore; mkdir out; echo kept > out/k; echo kept > x.log; chmod 700 d",
        "echo 日本 > 日本; printf x > \"$(printf 'raw\\377')\"; rm a; mkdir a; echo x > a/x; head -c 3000000 /dev/urandom > large",
        "rm -rf a d link 日本 large; ln -s / a",
        "git init -q nested; echo x > nested/f; mkfifo pipe",
    ];
    for script in scripts {
        house.prints(&id, script).await;
        steps.push((house.snapshot(&id).await, house.look(&id)));
    }
    // A snapshot does not have what is no file, nor git's own folders.
    steps.last_mut().unwrap().1.retain(|path, _| path != "pipe" && !path.starts_with("nested/.git"));
    house.prints(&id, "rm -r nested/.git").await;
    let order: Vec<usize> = (0..steps.len()).rev().chain([3, 0, 6, 2, 5, 1, 4]).collect();
    for step in order {
        let (snapshot, expected) = &steps[step];
        house.restore(&id, *snapshot).await;
        let mut found = house.look(&id);
        // Ignored files are left alone, in the folders that hold them.
        if expected.contains_key(".gitignore") {
            found.retain(|path, _| {
                expected.contains_key(path) || !(path.starts_with("out") || path.ends_with(".log"))
            });
        }
        assert_eq!(&found, expected, "step {step}");
        house.restore(&id, *snapshot).await;
        assert_eq!(house.snapshot(&id).await, *snapshot, "step {step}");
    }
}

#[tokio::test]
async fn ignored_files_stay_and_tracked_ones_count() {
    let house = House::new(&[("a", "1\n"), (".gitignore", "*.log\nbuild/\n!keep.log\n")]).await;
    house.user.write("tracked.log", "1");
    house.user.write("build/tracked", "1");
    house.user.git(&["add", "--force", "tracked.log", "build/tracked"]);
    let base = house.user.commit("tracked");
    miyabi_core::port::repositories::Repositories::open(&*house.repositories, &house.project, "main")
        .await
        .unwrap();
    let house = House { base, ..house };
    let id = house.checkout("task").await;
    house.write(&id, "keep.log", "1");
    house.write(&id, "build/own", "own");
    house.write(&id, "own.log", "own");
    let expected = [".gitignore", "a", "build/tracked", "keep.log", "tracked.log"];
    assert_eq!(house.checkouts.list(&id, 99).await.unwrap(), expected);
    // The same as git says.
    let own = house.prints(&id, "git ls-files --cached --others --exclude-standard").await;
    let mut own: Vec<&str> = own.lines().collect();
    own.sort_unstable();
    assert_eq!(own, expected);
    let snapshot = house.snapshot(&id).await;
    house.prints(&id, "rm -r build *.log; echo new > build; echo new > new.log; echo new > new").await;
    house.restore(&id, snapshot).await;
    assert_eq!(house.checkouts.list(&id, 99).await.unwrap(), expected);
    assert_eq!(house.prints(&id, "cat new.log").await, "new", "ignored: left alone");
}

#[tokio::test]
async fn what_is_ignored_is_decided_by_the_snapshot_that_comes_back() {
    let house = House::new(&[("a", "1\n")]).await;
    let id = house.checkout("task").await;
    house.write(&id, "notes.txt", "notes");
    let (snapshot, before) = (house.snapshot(&id).await, house.look(&id));
    house.prints(&id, "echo '*.txt' > .gitignore; echo junk > junk.txt; echo changed > notes.txt").await;
    house.restore(&id, snapshot).await;
    assert_eq!(house.look(&id), before, "hiding files behind new rules does not keep them");
}

#[tokio::test]
async fn snapshots_after_the_first_store_only_what_is_new() {
    let files: Vec<(String, String)> =
        (0..300).map(|n| (format!("d{}/f{n}", n % 7), format!("content {n}"))).collect();
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let house = House::new(&files).await;
    let id = house.checkout("task").await;
    let first = house.snapshot(&id).await;
    let stored = |house: &House| house.artifacts.digests().len();
    assert_eq!(stored(&house), 2, "one list and one pack");
    assert_eq!(house.snapshot(&id).await, first);
    assert_eq!(stored(&house), 2);
    house.write(&id, "d0/f0", "changed");
    let second = house.snapshot(&id).await;
    assert_eq!(stored(&house), 4);
    let list = house.artifacts.get(second).await.unwrap();
    assert!(list.len() < 700, "{}", String::from_utf8_lossy(&list));
    let needed = miyabi_workspace::snapshot::references(&list).unwrap();
    assert!(needed.contains(&first) && needed.len() == 2);
    // Another checkout of the same commit stores nothing again.
    let other = house.checkout("other").await;
    assert_eq!(house.snapshot(&other).await, first);
    assert_eq!(stored(&house), 4);
    // Nor does a new process.
    let house = house.restarted().await;
    assert_eq!(house.snapshot(&id).await, second);
    assert_eq!(stored(&house), 4);
}

#[tokio::test]
async fn a_change_right_after_a_snapshot_is_seen() {
    let house = House::new(&[("a", "0")]).await;
    let id = house.checkout("task").await;
    let mut seen = std::collections::BTreeSet::new();
    // Same size, same file, within the clock's granularity; only what is written tells the difference.
    for round in 0..40_u8 {
        let path = house.tree(&id).join("a");
        let times = path.metadata().unwrap();
        std::fs::write(&path, [b'A' + round]).unwrap();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_times(std::fs::FileTimes::new().set_modified(times.modified().unwrap())).unwrap();
        assert!(seen.insert(house.snapshot(&id).await), "round {round}");
    }
}

#[tokio::test]
async fn a_restore_that_was_cut_off_is_finished() {
    let house = House::new(&[("a", "1"), ("b", "2"), ("d/c", "3")]).await;
    let id = house.checkout("task").await;
    let (snapshot, before) = (house.snapshot(&id).await, house.look(&id));
    house.prints(&id, "rm -r d; echo x > a; mkdir new; echo y > new/z").await;
    // Files in the making lie outside the tree, so a kill leaves none in it; a half-restored tree is one more state.
    std::fs::write(house.tree(&id).with_file_name("staging").join("1-0"), "half").unwrap();
    house.write(&id, "a", "1");
    let house = house.restarted().await;
    house.restore(&id, snapshot).await;
    assert_eq!(house.look(&id), before);
}

#[tokio::test]
async fn hostile_trees_do_no_harm() {
    let house = House::new(&[("a", "1")]).await;
    let id = house.checkout("task").await;
    let outside = house.data.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("secret"), "secret").unwrap();
    let first = house.snapshot(&id).await;
    house
        .prints(&id, "mkfifo .gitignore; mkdir p; mkfifo p/.gitignore; ln -s /dev/zero z; ln -s /proc q")
        .await;
    symlink(&outside, house.tree(&id).join("d")).unwrap();
    let hostile = house.snapshot(&id).await;
    // A folder where a link was, files behind it.
    house
        .prints(&id, "rm d a; mkdir d a; echo mine > d/secret; rm .gitignore; ln -s /etc/passwd .gitignore")
        .await;
    let folder = house.snapshot(&id).await;
    house.restore(&id, hostile).await;
    house.restore(&id, folder).await;
    assert_eq!(house.prints(&id, "cat d/secret").await, "mine");
    house.restore(&id, first).await;
    assert_eq!(house.look(&id).len(), 1);
    assert_eq!(std::fs::read_to_string(outside.join("secret")).unwrap(), "secret");
    // Nested without end.
    let script = "perl -e 'for (1..300) { mkdir \"deep\"; chdir \"deep\" }'";
    house.prints(&id, script).await;
    let failure = house.checkouts.snapshot(&id).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::RepositoryTooLarge);
    // A name that the manifest could not carry by itself.
    house.prints(&id, "rm -r deep; printf x > \"$(printf 'a\\nb\\377')\"").await;
    let raw = house.snapshot(&id).await;
    house.prints(&id, "rm a?b*").await;
    house.restore(&id, raw).await;
    assert_eq!(house.look(&id).len(), 2);
}

#[tokio::test]
async fn a_snapshot_is_written_somewhere_else() {
    let house = House::new(&[("a", "1"), ("d/run", "2")]).await;
    let id = house.checkout("task").await;
    house
        .prints(&id, "chmod 755 d/run; ln -s a link; mkdir empty; head -c 9000000 /dev/urandom > large")
        .await;
    let (snapshot, before) = (house.snapshot(&id).await, house.look(&id));
    let target = house.data.path().join("out/here");
    let export = async |folder: &Path| house.checkouts.export(snapshot, folder).await;
    export(&target).await.unwrap();
    assert_eq!(look(&target), before);
    assert_eq!(export(&target).await.unwrap_err().code, ErrorCode::RequestInvalid, "not empty");
    assert_eq!(export(&house.tree(&id).join("x")).await.unwrap_err().code, ErrorCode::RequestInvalid);
    assert_eq!(export(Path::new("relative")).await.unwrap_err().code, ErrorCode::RequestInvalid);
    // Cut off after a while.
    std::fs::create_dir(target.join(".miyabi-export")).unwrap();
    std::fs::remove_file(target.join("large")).unwrap();
    export(&target).await.unwrap();
    assert_eq!(look(&target), before);
}

#[tokio::test]
async fn damage_is_told_not_restored() {
    let house = House::new(&[("a", "1"), ("b", "2")]).await;
    let id = house.checkout("task").await;
    let snapshot = house.snapshot(&id).await;
    let list = house.artifacts.get(snapshot).await.unwrap();
    let pack = miyabi_workspace::snapshot::references(&list).unwrap()[0];
    house.prints(&id, "rm a b").await;
    house.artifacts.corrupt(pack, b"xy");
    let failure = house.checkouts.restore(&id, snapshot).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::StoreCorrupt);
    house.artifacts.lose(pack);
    let failure = house.checkouts.restore(&id, snapshot).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::ArtifactMissing);
    let other = house.artifacts.put(b"something else").await.unwrap();
    let failure = house.checkouts.restore(&id, other).await.unwrap_err();
    assert_eq!(failure.code, ErrorCode::StoreCorrupt);
}

#[tokio::test]
async fn set_id_bits_do_not_come_back() {
    let house = House::new(&[("a", "1")]).await;
    let id = house.checkout("task").await;
    std::fs::set_permissions(house.tree(&id).join("a"), std::fs::Permissions::from_mode(0o6755)).unwrap();
    let snapshot = house.snapshot(&id).await;
    house.restore(&id, snapshot).await;
    assert_eq!(house.look(&id)["a"].split(' ').nth(1), Some("755"));
}
