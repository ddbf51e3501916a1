//! Hostile folders.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

struct Place {
    folder: tempfile::TempDir,
    root: Folder,
    staging: Folder,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tree", "staging", "outside"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("outside/secret"), "secret").unwrap();
    Place {
        root: Folder::open(&folder.path().join("tree")).unwrap(),
        staging: Folder::open(&folder.path().join("staging")).unwrap(),
        folder,
    }
}

impl Place {
    fn path(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join("tree").join(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        write(&self.root, &self.staging, path.as_bytes(), bytes, None)
    }
}

#[test]
fn files_are_written_read_and_removed() {
    let place = place();
    place.write("a/b/c.txt", b"hello").unwrap();
    assert_eq!(place.root.read(b"a/b/c.txt", 5).unwrap(), Some(b"hello".to_vec()));
    assert_eq!(place.root.read(b"a/b/missing", 5).unwrap(), None);
    assert_eq!(place.root.read(b"a/b/c.txt/d", 5).unwrap(), None);
    assert!(matches!(place.root.read(b"a/b/c.txt", 4), Err(Error::TooLarge { size: 5, limit: 4, .. })));
    assert!(remove(&place.root, b"a/b/c.txt").unwrap());
    assert!(!remove(&place.root, b"a/b/c.txt").unwrap());
    assert!(!remove(&place.root, b"x/y").unwrap());
    assert_eq!(std::fs::read_dir(place.folder.path().join("staging")).unwrap().count(), 0);
}

#[test]
fn a_written_file_keeps_its_mode_and_loses_set_id_bits() {
    let place = place();
    place.write("run", b"1").unwrap();
    assert_eq!(place.path("run").metadata().unwrap().mode() & 0o7777, 0o644);
    std::fs::set_permissions(place.path("run"), std::fs::Permissions::from_mode(0o4755)).unwrap();
    place.write("run", b"2").unwrap();
    assert_eq!(place.path("run").metadata().unwrap().mode() & 0o7777, 0o755);
}

#[test]
fn links_lead_nowhere() {
    let place = place();
    symlink("../outside", place.path("folder")).unwrap();
    symlink("../outside/secret", place.path("file")).unwrap();
    symlink(place.folder.path().join("outside/secret"), place.path("absolute")).unwrap();
    symlink("/proc/self/root/etc/passwd", place.path("magic")).unwrap();
    symlink("/proc/self/fd/0", place.path("input")).unwrap();
    for path in ["folder/secret", "file", "absolute", "magic", "input", "../outside/secret", "folder/../file"]
    {
        let bytes = path.as_bytes();
        let read = place.root.read(bytes, 100);
        assert!(!matches!(read, Ok(Some(_))), "read {path}: {read:?}");
        assert!(place.write(path, b"x").is_err(), "write {path}");
        assert!(!matches!(remove(&place.root, bytes), Ok(true)), "remove {path}");
    }
    assert!(place.write("folder/new", b"x").is_err());
    let secret = std::fs::read_to_string(place.folder.path().join("outside/secret")).unwrap();
    assert_eq!(secret, "secret");
    assert_eq!(std::fs::read_dir(place.folder.path().join("outside")).unwrap().count(), 1);
}

#[test]
fn what_is_no_file_is_refused_without_waiting() {
    let place = place();
    let pipe = place.path("pipe");
    rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(place.path("socket")).unwrap();
    std::fs::create_dir(place.path("folder")).unwrap();
    for path in ["pipe", "socket", "folder"] {
        assert!(matches!(place.root.read(path.as_bytes(), 10), Err(Error::NotAFile { .. })), "{path}");
        assert!(matches!(place.write(path, b"x"), Err(Error::NotAFile { .. })), "{path}");
        assert!(matches!(remove(&place.root, path.as_bytes()), Err(Error::NotAFile { .. })), "{path}");
    }
    assert!(place.write("pipe/x", b"x").is_err());
}

#[test]
fn trees_of_any_depth_are_removed() {
    let place = place();
    // Far deeper than paths and descriptors allow: made by moving into each new folder.
    let mut folder = Folder::open(&place.path("")).unwrap();
    for _ in 0..1_500 {
        folder = folder.make_folders(b"deep", None).unwrap();
    }
    std::fs::create_dir_all(place.path("locked/inside")).unwrap();
    symlink("../../outside", place.path("locked/link")).unwrap();
    std::fs::write(place.path("locked/inside/file"), "x").unwrap();
    std::fs::set_permissions(place.path("locked/inside"), std::fs::Permissions::from_mode(0o000)).unwrap();
    std::fs::set_permissions(place.path("locked"), std::fs::Permissions::from_mode(0o000)).unwrap();
    let above = Folder::open(place.folder.path()).unwrap();
    let trash = Trash::open(&place.folder.path().join("trash")).unwrap();
    trash.remove(&above, b"tree").unwrap();
    assert!(!place.path("").exists());
    assert_eq!(std::fs::read_dir(place.folder.path().join("trash")).unwrap().count(), 0);
    assert!(place.folder.path().join("outside/secret").exists());
    trash.remove(&above, b"missing").unwrap();
}
