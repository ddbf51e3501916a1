//! What level `strict` needs from a machine. The one place that says so.

/// The least that `strict` accepts.
#[derive(Debug, Clone, Copy)]
pub struct Requirement {
    /// Landlock version: 4 is Linux 6.7. Newer rights and scopes are used as far as the kernel has them.
    pub landlock_version: u32,
    /// Linux version, for messages.
    pub linux: &'static str,
}

/// What `strict` needs: Landlock, seccomp filters and user namespaces that can mount.
pub const STRICT: Requirement = Requirement { landlock_version: 4, linux: "6.7" };
