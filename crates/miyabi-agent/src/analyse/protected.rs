//! Files whose change needs a person's approval.

use miyabi_core::policy::Policy;
use miyabi_core::port::repositories::Change;

/// The protected files of a change, sorted: those of the policy, and those that the repository names in `also`.
/// Both names of a renamed file count.
pub fn protected_paths(change: &Change, policy: &Policy, also: &[String]) -> Vec<String> {
    let mut policy = policy.clone();
    policy.protected_paths.extend_from_slice(also);
    let paths = change.files.iter().flat_map(|file| [Some(&file.path), file.old_path.as_ref()]).flatten();
    let mut found: Vec<String> = paths.filter(|path| policy.is_protected(path)).cloned().collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::{change_of, file, renamed};
    use super::*;

    #[test]
    fn both_names_of_a_file_count() {
        let change = change_of(vec![
            file("src/a.rs", 1, 0),
            file("infra/x.tf", 1, 0),
            renamed(".github/workflows/ci.yml", "docs/ci.yml"),
            file("AGENTS.md", 1, 0),
        ]);
        let found = protected_paths(&change, &Policy::default(), &["infra/**".into()]);
        assert_eq!(found, [".github/workflows/ci.yml", "AGENTS.md", "infra/x.tf"]);
    }
}
