//! The rules of an import, by table, and bundles that no git of ours would make.

mod bundles;

use super::*;

fn entry<'a>(mode: &'a str, path: &'a str) -> Entry<'a> {
    Entry { mode, object: "aa", path: path.as_bytes(), is_new: true }
}

#[test]
fn ordinary_files_are_taken() {
    for path in ["a", "src/a b.rs", "日本/語.txt", ".github/workflows/ci.yml", ".gitignore"] {
        assert_eq!(rule(&entry(FILE, path), Some(10), 10), None, "{path}");
        assert_eq!(rule(&entry(PROGRAM, path), Some(0), 10), None, "{path}");
    }
    assert_eq!(rule(&entry(LINK, "a/link"), Some(3), 10), None);
}

#[test]
fn hostile_files_are_refused() {
    let table = [
        (FILE, ".git/config", 1),
        (FILE, ".GIT/config", 1),
        (FILE, "a/.Git /hooks/x", 1),
        (FILE, "git~1/x", 1),
        (FILE, "../x", 1),
        (FILE, "-rf", 1),
        (FILE, "a\nb", 1),
        (FILE, "large", 11),
        (LINK, "long", 4097),
        (LINK, ".gitmodules", 1),
        (LINK, "a/.gitattributes", 1),
        ("160000", "module", 1),
        ("100664", "odd", 1),
        ("040000", "folder", 1),
    ];
    for (mode, path, size) in table {
        assert!(rule(&entry(mode, path), Some(size), 10).is_some(), "{mode} {path}");
    }
    assert!(rule(&entry(FILE, "missing"), None, 10).is_some());
}

#[test]
fn links_stay_inside() {
    for (path, target) in [("a", "b"), ("a/b", "../c"), ("a/b/c", "../../d/e"), ("a", "./b"), ("a", "b/./c")]
    {
        assert_eq!(target_rule(path.as_bytes(), target.as_bytes()), None, "{path} -> {target}");
    }
    let table = [
        ("a", "/etc/passwd"),
        ("a", "../x"),
        ("a/b", "../../x"),
        ("a", "b/../../x"),
        ("a/b", "d/.."),
        ("a", ""),
        ("a", ".git/config"),
        ("a/b", "../.GIT"),
        ("a", "x\n"),
    ];
    for (path, target) in table {
        assert!(target_rule(path.as_bytes(), target.as_bytes()).is_some(), "{path} -> {target}");
    }
}

#[test]
fn deleted_files_are_not_judged() {
    let listing =
        b":100644 000000 aa 00 D\0.git/x\0:000000 100644 00 bb A\0new\0:100644 100755 cc dd M\0old\0";
    let read: Vec<_> = parse(listing).iter().map(|entry| (entry.mode, entry.object, entry.is_new)).collect();
    assert_eq!(read, [(FILE, "bb", true), (PROGRAM, "dd", false)]);
}
