//! The settings and the environment under which every git of ours runs, on the host and in the sandbox.

/// Settings that beat those of any file. Each closes a way by which a repository could make git run a program, reach
/// the network or write outside of what was asked.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.untrackedCache", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.askPass", ""),
    ("core.sshCommand", "false"),
    ("core.gitProxy", ""),
    ("core.alternateRefsCommand", "true"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("core.symlinks", "true"),
    ("core.quotePath", "false"),
    // A commit that is reported as done survives a power cut.
    ("core.fsync", "objects,reference"),
    ("credential.helper", ""),
    ("protocol.allow", "never"),
    ("transfer.fsckObjects", "true"),
    ("transfer.bundleURI", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("submodule.recurse", "false"),
    ("safe.bareRepository", "explicit"),
    // Objects that only a run's journal names must not be collected.
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("gpg.program", "false"),
    ("log.showSignature", "false"),
    ("diff.external", ""),
    ("interactive.diffFilter", "cat"),
    ("advice.detachedHead", "false"),
    ("advice.addEmbeddedRepo", "false"),
];

/// Who writes our commits.
pub(crate) const NAME: &str = "Miyabi";
/// The address that belongs to [`NAME`].
pub(crate) const EMAIL: &str = "miyabi@localhost";

/// The settings as arguments, to stand before the subcommand.
pub(crate) fn arguments() -> impl Iterator<Item = String> {
    SETTINGS.iter().flat_map(|(key, value)| ["-c".to_owned(), format!("{key}={value}")])
}

/// The whole environment. `protocols` are those that git may use, by name; none normally.
pub(crate) fn environment(protocols: &str) -> Vec<(&'static str, String)> {
    let fixed = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_LITERAL_PATHSPECS", "1"),
        ("GIT_ALLOW_PROTOCOL", protocols),
        ("GIT_AUTHOR_NAME", NAME),
        ("GIT_AUTHOR_EMAIL", EMAIL),
        ("GIT_COMMITTER_NAME", NAME),
        ("GIT_COMMITTER_EMAIL", EMAIL),
        ("HOME", "/nonexistent"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("TZ", "UTC"),
    ];
    fixed.map(|(name, value)| (name, value.to_owned())).into()
}

/// The variables that date a commit, so that the same input makes the same commit.
pub(crate) fn dates(at: miyabi_core::time::Timestamp) -> [(&'static str, String); 2] {
    let date = format!("@{} +0000", at.as_millis() / 1000);
    [("GIT_AUTHOR_DATE", date.clone()), ("GIT_COMMITTER_DATE", date)]
}
