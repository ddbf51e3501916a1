//! Finds the compilers and interpreters in use and shows them to commands: read-only, at the paths
//! they have on the machine, and without the credentials that many tools keep beside them.
//!
//! Each tool is a list of the parts that programs need; what is not listed is not visible. So
//! `~/.cargo/bin` is mounted and `~/.cargo/credentials.toml` is not.

mod tools;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use self::tools::{TOOLS, Tool};
use super::spec::{Access, HOME, Mount};

/// What of the machine's files the search may ask for.
pub trait Files {
    /// Whether something is at this path, links followed.
    fn exists(&self, path: &Path) -> bool;
}

/// The machine's own files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Files for Machine {
    fn exists(&self, path: &Path) -> bool {
        path.exists()
    }
}

/// The user's surroundings, read once by the caller.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'caller> {
    /// The user's home folder.
    pub home: &'caller Path,
    /// The value of `PATH`.
    pub path: &'caller OsStr,
    /// Environment variables; those that move a tool's folder count, such as `RUSTUP_HOME`.
    pub variables: &'caller BTreeMap<String, String>,
}

/// What makes the machine's tools usable in the sandbox.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchains {
    /// Read-only views of the tools.
    pub mounts: Vec<Mount>,
    /// Entries for `PATH`, in the user's order.
    pub path: Vec<PathBuf>,
    /// Variables that tell tools where they live.
    pub env: BTreeMap<String, String>,
}

impl Toolchains {
    /// The value of `PATH` for commands.
    pub fn path_value(&self) -> String {
        self.path.iter().map(|entry| entry.to_string_lossy()).collect::<Vec<_>>().join(":")
    }
}

/// Folders that every sandbox shows already.
const ALWAYS_VISIBLE: [&str; 4] = ["/usr", "/bin", "/sbin", "/nix/store"];
/// The end of every `PATH`.
const STANDARD_PATH: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Finds the tools that are there.
pub fn toolchains(surroundings: Surroundings<'_>, files: &dyn Files) -> Toolchains {
    let mut found = Found { seen: BTreeSet::new(), toolchains: Toolchains::default() };
    let mut extra_path = Vec::new();
    for tool in TOOLS {
        let root = root_of(tool, surroundings);
        // A variable that names the home folder, or one above it, must not show all of it.
        let shows_home = |part: &PathBuf| surroundings.home.starts_with(part);
        let parts = tool.parts.iter().map(|part| plain_join(&root, part));
        let parts: Vec<PathBuf> = parts.filter(|part| files.exists(part) && !shows_home(part)).collect();
        if parts.is_empty() {
            continue;
        }
        if let (Some(variable), Some(root)) = (tool.variable, root.to_str()) {
            found.toolchains.env.insert(variable.to_owned(), root.to_owned());
        }
        parts.into_iter().for_each(|part| found.show(part));
        extra_path.extend(tool.on_path.iter().map(|part| root.join(part)).filter(|part| files.exists(part)));
    }
    let listed: Vec<PathBuf> =
        std::env::split_paths(surroundings.path).filter(|entry| entry.is_absolute()).collect();
    for entry in listed.iter().filter(|entry| files.exists(entry)) {
        if let Some(software) = package_of(entry, surroundings.home) {
            found.show(software);
        }
    }
    found.set_path(listed.into_iter().chain(extra_path), files);
    found.toolchains.env.insert("CARGO_HOME".to_owned(), format!("{HOME}/.cargo"));
    found.toolchains
}

/// A cache of packages that all tasks share for reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// A name for its private folder: letters and hyphens.
    pub name: &'static str,
    /// Where it lies on the machine.
    pub source: PathBuf,
    /// Where tools look for it below the sandbox's home.
    pub target: PathBuf,
}

/// Caches that are there, to be mounted as [`Access::Overlay`].
pub fn caches(surroundings: Surroundings<'_>, files: &dyn Files) -> Vec<Cache> {
    let cargo = folder_of("CARGO_HOME", ".cargo", surroundings);
    let go = folder_of("GOPATH", "go", surroundings);
    let home = surroundings.home;
    let known = [
        ("cargo-registry", cargo.join("registry"), ".cargo/registry"),
        ("cargo-git", cargo.join("git"), ".cargo/git"),
        ("npm", home.join(".npm/_cacache"), ".npm/_cacache"),
        ("yarn", home.join(".cache/yarn"), ".cache/yarn"),
        ("pnpm", home.join(".local/share/pnpm/store"), ".local/share/pnpm/store"),
        ("pip", home.join(".cache/pip"), ".cache/pip"),
        ("uv", home.join(".cache/uv"), ".cache/uv"),
        ("go-modules", go.join("pkg/mod"), "go/pkg/mod"),
        ("gradle", home.join(".gradle/caches"), ".gradle/caches"),
        ("maven", home.join(".m2/repository"), ".m2/repository"),
    ];
    let there = known.into_iter().filter(|(_, source, _)| files.exists(source));
    there.map(|(name, source, target)| Cache { name, source, target: Path::new(HOME).join(target) }).collect()
}

struct Found {
    seen: BTreeSet<PathBuf>,
    toolchains: Toolchains,
}

impl Found {
    /// Adds a mount unless a folder above it is visible already.
    fn show(&mut self, path: PathBuf) {
        if !self.is_visible(&path) {
            self.toolchains.mounts.push(Mount {
                source: path.clone(),
                target: path.clone(),
                access: Access::ReadOnly,
            });
            self.seen.insert(path);
        }
    }

    fn is_visible(&self, path: &Path) -> bool {
        let mut above = path.ancestors();
        above.any(|above| {
            ALWAYS_VISIBLE.iter().any(|visible| above == Path::new(visible)) || self.seen.contains(above)
        })
    }

    fn set_path(&mut self, entries: impl Iterator<Item = PathBuf>, files: &dyn Files) {
        let mut listed = BTreeSet::new();
        for entry in entries.chain(STANDARD_PATH.iter().map(PathBuf::from)) {
            if self.is_visible(&entry) && files.exists(&entry) && listed.insert(entry.clone()) {
                self.toolchains.path.push(entry);
            }
        }
    }
}

fn root_of(tool: &Tool, surroundings: Surroundings<'_>) -> PathBuf {
    match (tool.variable, tool.default) {
        (Some(variable), default) => folder_of(variable, default, surroundings),
        (None, ".cargo") => folder_of("CARGO_HOME", ".cargo", surroundings),
        (None, "go") => folder_of("GOPATH", "go", surroundings),
        (None, default) => surroundings.home.join(default),
    }
}

fn folder_of(variable: &str, default: &str, surroundings: Surroundings<'_>) -> PathBuf {
    let moved = surroundings.variables.get(variable).map(PathBuf::from).filter(|path| is_plain(path));
    moved.unwrap_or_else(|| surroundings.home.join(default))
}

/// An entry of `PATH` that belongs to no known tool: of software below `/opt` or Homebrew the whole
/// package, of the home folder the entry alone, because anything may lie beside it.
fn package_of(entry: &Path, home: &Path) -> Option<PathBuf> {
    const PACKAGE_FOLDERS: [&str; 2] = ["/opt", "/home/linuxbrew"];
    if !is_plain(entry) {
        return None;
    }
    for folder in PACKAGE_FOLDERS {
        if let Ok(inside) = entry.strip_prefix(folder) {
            return inside.components().next().map(|package| Path::new(folder).join(package));
        }
    }
    let inside = entry.strip_prefix(home).ok()?;
    (inside.components().count() >= 2).then(|| entry.to_path_buf())
}

/// Absolute, without `..`, and not the root.
fn is_plain(path: &Path) -> bool {
    let mut components = path.components();
    components.next() == Some(std::path::Component::RootDir)
        && path.file_name().is_some()
        && components.all(|component| matches!(component, std::path::Component::Normal(_)))
}

fn plain_join(root: &Path, part: &str) -> PathBuf {
    if part == "." { root.to_path_buf() } else { root.join(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(Vec<&'static str>);

    impl Files for Fake {
        fn exists(&self, path: &Path) -> bool {
            self.0.iter().any(|there| Path::new(there).starts_with(path))
        }
    }

    fn find(there: &[&'static str], path: &str, variables: &[(&str, &str)]) -> (Toolchains, Vec<Cache>) {
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let surroundings =
            Surroundings { home: Path::new("/home/ann"), path: OsStr::new(path), variables: &variables };
        let files = Fake(there.to_vec());
        (toolchains(surroundings, &files), caches(surroundings, &files))
    }

    fn sources(found: &Toolchains) -> Vec<&str> {
        found.mounts.iter().map(|mount| mount.source.to_str().unwrap()).collect()
    }

    #[test]
    fn rust_is_shown_without_its_credentials() {
        let (found, caches) = find(
            &[
                "/home/ann/.cargo/bin/cargo",
                "/home/ann/.cargo/credentials.toml",
                "/home/ann/.cargo/config.toml",
                "/home/ann/.cargo/registry/index",
                "/home/ann/.rustup/toolchains/stable/bin",
                "/home/ann/.rustup/settings.toml",
                "/usr/bin/sh",
            ],
            "/home/ann/.cargo/bin:/usr/bin",
            &[],
        );
        assert_eq!(
            sources(&found),
            ["/home/ann/.cargo/bin", "/home/ann/.rustup/toolchains", "/home/ann/.rustup/settings.toml"]
        );
        assert_eq!(found.path_value(), "/home/ann/.cargo/bin:/usr/bin");
        assert_eq!(found.env["RUSTUP_HOME"], "/home/ann/.rustup");
        assert_eq!(found.env["CARGO_HOME"], "/home/miyabi/.cargo");
        assert_eq!(caches.len(), 1);
        assert_eq!(caches[0].target, Path::new("/home/miyabi/.cargo/registry"));
    }

    #[test]
    fn moved_folders_and_packages_are_followed() {
        let (found, _) = find(
            &["/srv/rust/toolchains/x", "/opt/node-22/bin/node", "/opt/node-22/lib/x", "/usr/bin/sh"],
            "/opt/node-22/bin:/usr/bin:/opt/gone/bin",
            &[("RUSTUP_HOME", "/srv/rust")],
        );
        assert_eq!(sources(&found), ["/srv/rust/toolchains", "/opt/node-22"]);
        assert_eq!(found.path_value(), "/opt/node-22/bin:/usr/bin");
    }

    #[test]
    fn of_an_unknown_home_folder_only_the_entry_is_shown() {
        let (found, _) = find(
            &["/home/ann/tools/bin/x", "/home/ann/tools/secret", "/home/ann/x"],
            "/home/ann/tools/bin:/home/ann:/home/ann/../bob:relative:",
            &[("RUSTUP_HOME", "/home/ann/../bob")],
        );
        assert_eq!(sources(&found), ["/home/ann/tools/bin"]);
        let (found, _) = find(&["/home/ann/x"], "", &[("JAVA_HOME", "/home/ann"), ("GOROOT", "/home")]);
        assert!(found.mounts.is_empty());
    }

    #[test]
    fn nothing_found_leaves_the_standard_path() {
        let (found, caches) = find(&["/usr/bin/sh", "/bin/sh"], "", &[]);
        assert!(found.mounts.is_empty() && caches.is_empty());
        assert_eq!(found.path_value(), "/usr/bin:/bin");
    }
}
