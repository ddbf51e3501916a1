//! The files of a crate that are not there for tests alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Sources below a folder with their text, without modules that stand under `#[cfg(test)]`.
///
/// # Errors
/// When a folder or file can't be read.
pub(super) fn product_files(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    collect(folder, &mut files)?;
    let tests: Vec<PathBuf> =
        files.iter().flat_map(|(file, text)| test_modules(text).map(|name| home(file).join(name))).collect();
    files.retain(|file, _| !tests.iter().any(|test| file.with_extension("").starts_with(test)));
    Ok(files)
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, String>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not list `{}`", folder.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("could not list `{}`", folder.display()))?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text =
                fs::read_to_string(&path).with_context(|| format!("could not read `{}`", path.display()))?;
            files.insert(path, text);
        }
    }
    Ok(())
}

/// Names of modules in files of their own that are only built for tests.
fn test_modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().zip(text.lines().skip(1)).filter(|(line, _)| *line == "#[cfg(test)]").filter_map(
        |(_, next)| {
            let (visibility, rest) = next.split_once("mod ")?;
            let is_module = visibility.is_empty() || visibility.starts_with("pub");
            rest.strip_suffix(';').filter(|_| is_module)
        },
    )
}

/// The folder in which the modules lie that this file declares.
fn home(file: &Path) -> PathBuf {
    let is_root = file.file_stem().is_some_and(|stem| stem == "lib" || stem == "main");
    if is_root { file.parent().map(Path::to_owned).unwrap_or_default() } else { file.with_extension("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_modules_are_found_by_their_declaration() {
        let text = "mod a;\n#[cfg(test)]\nmod fake;\n#[cfg(test)]\npub(crate) mod world;\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(test_modules(text).collect::<Vec<_>>(), ["fake", "world"]);
    }

    #[test]
    fn modules_lie_beside_the_root_or_in_a_folder_of_their_file() {
        assert_eq!(home(Path::new("src/lib.rs")), Path::new("src"));
        assert_eq!(home(Path::new("src/run/flow.rs")), Path::new("src/run/flow"));
    }

    #[test]
    fn this_crate_is_read_without_its_tests() {
        let files = product_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
        assert!(files.keys().any(|file| file.ends_with("architecture/source/modules.rs")));
    }
}
