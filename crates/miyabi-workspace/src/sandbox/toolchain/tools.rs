//! The tools that keep themselves in one folder, and which parts of it programs need.

/// A tool that keeps itself in one folder.
pub(super) struct Tool {
    /// The variable that moves the folder, which is also set for commands.
    pub(super) variable: Option<&'static str>,
    /// The folder below the home folder.
    pub(super) default: &'static str,
    /// The parts that programs need.
    pub(super) parts: &'static [&'static str],
    /// The parts that belong on `PATH` even if the user's shell adds them only when interactive.
    pub(super) on_path: &'static [&'static str],
}

const fn tool(
    variable: Option<&'static str>,
    default: &'static str,
    parts: &'static [&'static str],
    on_path: &'static [&'static str],
) -> Tool {
    Tool { variable, default, parts, on_path }
}

pub(super) const TOOLS: &[Tool] = &[
    // `CARGO_HOME` itself moves to the sandbox's home, because cargo writes there.
    tool(None, ".cargo", &["bin"], &["bin"]),
    tool(Some("RUSTUP_HOME"), ".rustup", &["toolchains", "settings.toml", "update-hashes"], &[]),
    tool(
        Some("PYENV_ROOT"),
        ".pyenv",
        &["bin", "completions", "libexec", "plugins", "pyenv.d", "shims", "version", "versions"],
        &["shims", "bin"],
    ),
    tool(
        Some("RBENV_ROOT"),
        ".rbenv",
        &["bin", "libexec", "plugins", "rbenv.d", "shims", "version", "versions"],
        &["shims", "bin"],
    ),
    tool(Some("NVM_DIR"), ".nvm", &["versions", "alias", "nvm.sh"], &[]),
    tool(Some("VOLTA_HOME"), ".volta", &["bin", "tools"], &["bin"]),
    tool(None, ".fnm", &["node-versions", "aliases"], &[]),
    tool(None, ".local/share/fnm", &["node-versions", "aliases"], &[]),
    tool(None, ".local/share/pnpm", &["."], &[]),
    tool(None, ".npm-global", &["bin", "lib"], &[]),
    tool(Some("BUN_INSTALL"), ".bun", &["bin"], &["bin"]),
    tool(None, ".deno", &["bin"], &["bin"]),
    tool(Some("GOROOT"), ".local/go", &["."], &["bin"]),
    tool(None, "go", &["bin"], &["bin"]),
    tool(Some("SDKMAN_DIR"), ".sdkman", &["candidates"], &[]),
    tool(Some("JAVA_HOME"), ".local/java", &["."], &["bin"]),
    tool(Some("ASDF_DATA_DIR"), ".asdf", &["bin", "installs", "lib", "plugins", "shims"], &["shims", "bin"]),
    tool(None, ".local/share/mise", &["installs", "shims"], &["shims"]),
    tool(None, ".local/share/uv", &["python", "tools"], &[]),
    tool(None, ".local/share/pipx", &["venvs"], &[]),
    tool(None, ".ghcup", &["bin", "ghc"], &["bin"]),
    tool(None, ".local", &["bin"], &[]),
];
