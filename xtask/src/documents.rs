//! Documents: what a page refers to exists. Links inside of the code's own documentation are rustdoc's business.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::command::{program, quiet};
use crate::place::Place;
use crate::say;

/// Looks up every relative link of every page that git knows.
///
/// # Errors
/// When a link leads nowhere, or git can't list the pages.
pub(crate) fn check_links(place: &Place) -> Result<()> {
    let mut broken = 0;
    for page in pages(place)? {
        let text =
            fs::read_to_string(&page).with_context(|| format!("could not read `{}`", page.display()))?;
        let folder = page.parent().unwrap_or(&place.root);
        for target in relative_links(&text).filter(|target| !leads_somewhere(folder, target)) {
            say(&format!("  {}: `{target}` does not exist", page.display()));
            broken += 1;
        }
    }
    match broken {
        0 => Ok(()),
        count => bail!("{count} links of documents lead nowhere"),
    }
}

/// Pages that are or will be committed; removed ones are left out.
fn pages(place: &Place) -> Result<Vec<PathBuf>> {
    let mut git = program(place, "git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", "*.md"]);
    let names = quiet(git)?;
    let files = names.split('\0').filter(|name| !name.is_empty()).map(|name| place.root.join(name));
    Ok(files.filter(|file| file.is_file()).collect())
}

fn leads_somewhere(folder: &Path, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    path.is_empty() || folder.join(path).exists()
}

/// Targets of `[words](target)` outside of code blocks that are no addresses.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    let mut in_block = false;
    text.lines()
        .filter(move |line| {
            let is_fence = line.trim_start().starts_with("```");
            in_block ^= is_fence;
            !in_block && !is_fence && !line.starts_with("    ")
        })
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_found_outside_of_code() {
        let text = "[a](docs/a.md), [b](b.md#part) and [c](https://example.com)\n```\n[d](d.md)\n```\n    [e](e.md)\n";
        assert_eq!(relative_links(text).collect::<Vec<_>>(), ["docs/a.md", "b.md#part"]);
    }

    #[test]
    fn a_part_of_the_same_page_leads_somewhere() {
        assert!(leads_somewhere(Path::new("nowhere"), "#part"));
        assert!(!leads_somewhere(Path::new("nowhere"), "page.md"));
    }
}
