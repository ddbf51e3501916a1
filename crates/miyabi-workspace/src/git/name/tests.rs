//! Hostile names, by table and by chance.

use proptest::prelude::*;

use super::*;

#[test]
fn ordinary_branch_names_are_taken() {
    for text in ["main", "feature/x-1", "miyabi/run_01h", "fix#12", "日本語", "a.b", "v1.0", "user@home"] {
        assert_eq!(text.parse::<BranchName>().map(|name| name.0), Ok(text.to_owned()));
    }
}

#[test]
fn hostile_branch_names_are_refused() {
    let long = "x".repeat(201);
    let table = [
        "",
        "-",
        "--upload-pack=evil",
        "-x/y",
        "+main",
        "a/-x",
        "a b",
        "a..b",
        "a...b",
        "@",
        "HEAD",
        "a@{1}",
        "a~1",
        "a^",
        "a:b",
        "a?",
        "a*",
        "a[b",
        "a\\b",
        "a\nb",
        "a\0b",
        "a\x7f",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.",
        "a.lock",
        "a.lock/b",
        "a.LOCK",
        "a\u{202e}b",
        "a\u{200b}",
        "refs/heads/../x",
        "../../HEAD",
        &long,
    ];
    for text in table {
        assert!(text.parse::<BranchName>().is_err(), "{text:?}");
    }
}

#[test]
fn only_full_hashes_are_commits() {
    let hash = "0123456789abcdef0123456789abcdef01234567";
    assert!(hash.parse::<CommitHash>().is_ok());
    assert!(format!("{hash}{}", &hash[..24]).parse::<CommitHash>().is_ok());
    let zeros = "0".repeat(40);
    let upper = hash.to_uppercase();
    let table = ["", "HEAD", "main", &hash[..39], "-0123456789abcdef0123456789abcdef0123456", &zeros, &upper];
    for text in table {
        assert!(text.parse::<CommitHash>().is_err(), "{text:?}");
    }
    assert!(format!("{hash}\n").parse::<CommitHash>().is_err());
    assert!(format!("{hash}^").parse::<CommitHash>().is_err());
}

#[test]
fn ordinary_paths_are_taken() {
    for text in [
        "a",
        "src/lib.rs",
        ".gitignore",
        ".github/workflows/ci.yml",
        "a b/c",
        "日本/語.txt",
        "git",
        "digit~1",
    ] {
        assert!(text.parse::<RepoPath>().is_ok(), "{text:?}");
    }
}

#[test]
fn paths_that_leave_the_repository_are_refused() {
    let long_name = "x".repeat(256);
    let long_path = "d/".repeat(1024) + "f";
    let table = [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "a/../x",
        "a/..",
        "./a",
        "a/.",
        "a//b",
        "a/",
        "a\0b",
        "a\nb",
        "a\x1bb",
        &long_name,
        &long_path,
    ];
    for text in table {
        assert!(text.parse::<RepoPath>().is_err(), "{text:?}");
    }
}

#[test]
fn git_folders_are_known_in_any_spelling() {
    let table = [
        ".git",
        ".GIT",
        ".Git",
        ".git.",
        ".git ",
        ".git. . .",
        ".git...",
        "git~1",
        "GIT~1",
        "git~2",
        "git~12",
        ".g\u{200c}it",
        "\u{feff}.git",
        ".gi\u{202e}t",
        ".git\u{200d}",
        ".git::$INDEX_ALLOCATION",
        ".git:x",
        "git~1.",
        ".g\u{ad}it",
        ".git\u{2060}",
    ];
    for name in table {
        assert!(is_git_folder(name), "{name:?}");
        for path in
            [name.to_owned(), format!("a/{name}/config"), format!("{name}/hooks/x"), format!("a\\{name}\\x")]
        {
            assert!(path.parse::<RepoPath>().is_err(), "{path:?}");
        }
    }
    for name in [".gitignore", ".gitmodules", "git", "git~", "git~x", "x.git", ".git2", "..git"] {
        assert!(!is_git_folder(name), "{name:?}");
    }
}

#[test]
fn a_refused_name_is_shown_without_tricks() {
    let error = "a\u{202e}\x1b[31mb".parse::<BranchName>().unwrap_err();
    assert_eq!(error.text, "a[31mb");
    assert_eq!("x".repeat(5000).parse::<CommitHash>().unwrap_err().text.len(), 80);
}

proptest! {
    #[test]
    fn taken_branch_names_can_be_no_option_and_no_other_ref(text in "\\PC{0,40}|[-./@{}~^a-z\\x00-\\x20]{0,20}") {
        if let Ok(name) = text.parse::<BranchName>() {
            prop_assert!(!name.as_str().starts_with('-'));
            prop_assert!(!name.as_str().contains(".."));
            prop_assert!(!name.as_str().chars().any(char::is_control));
            prop_assert!(name.full().starts_with("refs/heads/"));
        }
    }

    #[test]
    fn taken_paths_stay_where_they_are_put(text in "\\PC{0,40}|([.]{0,3}|[a-z]{1,3}|/|\\.git){0,12}") {
        if let Ok(path) = text.parse::<RepoPath>() {
            let mut depth = 0_i32;
            for part in std::path::Path::new(path.as_str()).components() {
                match part {
                    std::path::Component::Normal(_) => depth += 1,
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert!(depth > 0);
        }
    }

    #[test]
    fn spelling_does_not_hide_git(upper in proptest::collection::vec(any::<bool>(), 4), tail in "[. ]{0,5}", at in 0_usize..5) {
        let mut name: String = ".git"
            .chars()
            .zip(upper)
            .map(|(character, upper)| if upper { character.to_ascii_uppercase() } else { character })
            .collect();
        name.insert(at.min(name.len()), '\u{200d}');
        prop_assert!(is_git_folder(&(name + &tail)));
    }

    #[test]
    fn git_agrees_that_taken_branch_names_are_names(text in "[-a-z0-9./_#@]{1,12}") {
        if let Ok(name) = text.parse::<BranchName>() {
            let answer = std::process::Command::new("git").args(["check-ref-format", &name.full()]).status().unwrap();
            prop_assert!(answer.success(), "{name}");
        }
    }
}
