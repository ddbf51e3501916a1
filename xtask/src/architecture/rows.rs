//! Rows: a crate imports only from rows below its own, never a sibling; and some packages have one home.
//!
//! Development dependencies are free: a test may stand on anything that does not make a circle.

use super::Member;

/// Every crate of ours that may exist, and which of ours its code may import.
const ROWS: &[(&str, Imports)] = &[
    ("miyabi-core", Imports::Only(&[])),
    ("miyabi-store", Imports::Only(CORE)),
    ("miyabi-model", Imports::Only(CORE)),
    ("miyabi-workspace", Imports::Only(CORE)),
    ("miyabi-github", Imports::Only(CORE)),
    ("miyabi-billing", Imports::Only(CORE)),
    ("miyabi-plugin", Imports::Only(CORE)),
    ("miyabi-agent", Imports::Only(CORE)),
    ("miyabi-mcp", Imports::Only(CORE_AND_ROW_1)),
    ("miyabi-dashboard", Imports::Only(&["miyabi-core", "miyabi-github", "miyabi-billing"])),
    ("miyabi-cli", Imports::AllButTools),
    ("miyabi-testkit", Imports::AllButTools),
    ("xtask", Imports::Only(&[])),
];

const CORE: &[&str] = &["miyabi-core"];

const CORE_AND_ROW_1: &[&str] = &[
    "miyabi-core",
    "miyabi-store",
    "miyabi-model",
    "miyabi-workspace",
    "miyabi-github",
    "miyabi-billing",
    "miyabi-plugin",
];

/// Crates that no code of the product imports.
const TOOLS: &[&str] = &["miyabi-cli", "miyabi-testkit", "xtask"];

enum Imports {
    Only(&'static [&'static str]),
    AllButTools,
}

/// Packages of others that only some crates may import, and why.
const HOMES: &[(&str, &[&str], &str)] = &[
    ("sqlx", &["miyabi-store"], "SQL stands behind the store's ports"),
    ("clap", &["miyabi-cli"], "the command line is one crate's business"),
    ("anyhow", &["miyabi-cli", "xtask"], "errors below the command line are typed"),
    ("rmcp", &["miyabi-mcp"], "the protocol's types stay in one crate"),
    ("axum", &["miyabi-dashboard", "miyabi-mcp"], "HTTP is served at the edge"),
    ("utoipa", &["miyabi-dashboard"], "the API's description has one source"),
    ("wasmtime", &["miyabi-plugin"], "plugins have one host"),
];

/// What in the imports breaks a row.
pub(super) fn problems(members: &[Member]) -> Vec<String> {
    members.iter().flat_map(|member| broken_rows(member).into_iter().chain(strangers(member))).collect()
}

fn broken_rows(member: &Member) -> Vec<String> {
    let Some((name, allowed)) = ROWS.iter().find(|(name, _)| *name == member.name) else {
        return vec![format!(
            "`{}` is on no row: a new crate needs a decision (docs/adr) and a line in ARCHITECTURE.md and xtask",
            member.name
        )];
    };
    member
        .imports
        .iter()
        .filter(|import| is_ours(import) && !allowed.permit(import))
        .map(|import| {
            format!("`{name}` imports `{import}`, which is not below it; use a port of miyabi-core")
        })
        .collect()
}

fn strangers(member: &Member) -> Vec<String> {
    HOMES
        .iter()
        .filter(|(package, homes, _)| {
            member.imports.contains(*package) && !homes.contains(&member.name.as_str())
        })
        .map(|(package, homes, reason)| {
            format!("`{}` imports `{package}`, whose home is {}: {reason}", member.name, homes.join(" and "))
        })
        .collect()
}

impl Imports {
    fn permit(&self, import: &str) -> bool {
        match self {
            Self::Only(names) => names.contains(&import),
            Self::AllButTools => !TOOLS.contains(&import),
        }
    }
}

fn is_ours(import: &str) -> bool {
    import.starts_with("miyabi-") || import == "xtask"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, import: &str, fits: bool) {
        let member = Member { name: name.into(), folder: "".into(), imports: [import.to_owned()].into() };
        assert_eq!(problems(&[member]).is_empty(), fits, "{name} imports {import}");
    }

    #[test]
    fn imports_go_down_only() {
        check("miyabi-store", "miyabi-core", true);
        check("miyabi-core", "miyabi-store", false);
        check("miyabi-store", "miyabi-model", false);
        check("miyabi-agent", "miyabi-core", true);
        check("miyabi-agent", "miyabi-workspace", false);
        check("miyabi-agent", "miyabi-mcp", false);
        check("miyabi-mcp", "miyabi-workspace", true);
        check("miyabi-dashboard", "miyabi-billing", true);
        check("miyabi-dashboard", "miyabi-store", false);
        check("miyabi-cli", "miyabi-agent", true);
    }

    #[test]
    fn no_product_code_imports_tools() {
        check("miyabi-cli", "miyabi-testkit", false);
        check("miyabi-agent", "miyabi-testkit", false);
        check("xtask", "miyabi-core", false);
    }

    #[test]
    fn some_packages_have_one_home() {
        check("miyabi-store", "sqlx", true);
        check("miyabi-agent", "sqlx", false);
        check("miyabi-dashboard", "anyhow", false);
        check("xtask", "anyhow", true);
        check("miyabi-mcp", "clap", false);
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        check("miyabi-extra", "miyabi-core", false);
    }
}
