//! From the path of a URL to the path of a file, refusing whatever could mean something else.

/// The longest path of a request, in bytes.
const MAX_PATH_BYTES: usize = 4096;
/// The longest name of a file or folder, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// The file or folder that a URL names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SitePath {
    /// Relative to the site's folder, without `.`, `..`, hidden or empty parts. Empty for the folder itself.
    pub(super) relative: String,
    /// Whether the URL ends in a slash, or names the site itself.
    pub(super) is_folder: bool,
}

/// Reads a URL's path; `None` for paths that no file of a site has.
pub(super) fn parse(path: &str) -> Option<SitePath> {
    if path.len() > MAX_PATH_BYTES {
        return None;
    }
    let path = path.strip_prefix('/')?;
    if path.is_empty() {
        return Some(SitePath { relative: String::new(), is_folder: true });
    }
    let (path, is_folder) = match path.strip_suffix('/') {
        Some(path) => (path, true),
        None => (path, false),
    };
    let names: Option<Vec<String>> = path.split('/').map(name).collect();
    Some(SitePath { relative: names?.join("/"), is_folder })
}

fn name(encoded: &str) -> Option<String> {
    let name = String::from_utf8(percent_decoded(encoded.as_bytes())?).ok()?;
    let is_plain = !name.is_empty()
        && name.len() <= MAX_NAME_BYTES
        && !name.starts_with('.')
        && !name.chars().any(|char| char.is_control() || matches!(char, '/' | '\\'));
    is_plain.then_some(name)
}

fn percent_decoded(mut encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(encoded.len());
    while let [first, rest @ ..] = encoded {
        if *first != b'%' {
            decoded.push(*first);
            encoded = rest;
            continue;
        }
        let [high, low, rest @ ..] = rest else {
            return None;
        };
        decoded.push(hex_value(*high)? << 4 | hex_value(*low)?);
        encoded = rest;
    }
    Some(decoded)
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(relative: &str) -> Option<SitePath> {
        Some(SitePath { relative: relative.into(), is_folder: false })
    }

    #[test]
    fn ordinary_paths_are_understood() {
        assert_eq!(parse("/a/b.html"), file("a/b.html"));
        assert_eq!(parse("/%E6%97%A5%e6%9c%ac%20x.txt"), file("日本 x.txt"));
        assert_eq!(parse("/a+b"), file("a+b"));
        assert_eq!(parse("/"), Some(SitePath { relative: String::new(), is_folder: true }));
        assert_eq!(parse("/docs/"), Some(SitePath { relative: "docs".into(), is_folder: true }));
    }

    #[test]
    fn deceiving_paths_are_refused() {
        let refused = [
            "",
            "a",
            "*",
            "//",
            "//a",
            "/a//b",
            "/..",
            "/../etc/passwd",
            "/a/../b",
            "/a/./b",
            "/%2e%2e/x",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/.env",
            "/a/.git/config",
            "/%2egit",
            "/a%00",
            "/a%0ab",
            "/a%7f",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "/a/..%2f..",
            "http://x/a",
        ];
        for path in refused {
            assert_eq!(parse(path), None, "{path}");
        }
        assert_eq!(parse(&format!("/{}", "a".repeat(256))), None);
        assert_eq!(parse(&"/a".repeat(3_000)), None);
    }

    proptest! {
        #[test]
        fn no_path_leaves_the_folder_or_shows_hidden_files(path in "/[./%0-9a-fA-F\\\\\\PC]{0,40}") {
            if let Some(parsed) = parse(&path) {
                prop_assert!(!parsed.relative.starts_with('/'));
                if !parsed.relative.is_empty() {
                    for name in parsed.relative.split('/') {
                        prop_assert!(!name.is_empty() && !name.starts_with('.') && !name.contains('\\'));
                    }
                }
            }
        }
    }
}
