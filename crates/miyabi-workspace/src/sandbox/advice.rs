//! Cause and cure for machines on which the sandbox cannot work: one line each.

use super::error::Advice;
use super::plan::Step;
use super::requirement::STRICT;

/// What a failed step most likely means.
pub(super) fn for_step(step: Step, errno: i32) -> Option<Advice> {
    let (cause, cure) = match step {
        Step::UserNamespace | Step::IdMap if errno == libc::ENOSPC => (
            "the machine's limit of user namespaces is reached or zero".to_owned(),
            "set `sysctl user.max_user_namespaces=65536`",
        ),
        Step::UserNamespace | Step::IdMap => (
            "the kernel does not let this process create a user namespace".to_owned(),
            "set `sysctl kernel.unprivileged_userns_clone=1`, `kernel.apparmor_restrict_unprivileged_userns=0` \
             or an AppArmor profile with `userns,`",
        ),
        Step::Namespaces | Step::Mount | Step::PivotRoot | Step::Loopback | Step::Overlay
            if matches!(errno, libc::EPERM | libc::EACCES) =>
        {
            (
                format!("the kernel or a container refuses this process the step `{step}`"),
                "run outside a restricted container, or allow mounts there \
                 (seccomp and AppArmor `unconfined`, or `CAP_SYS_ADMIN`)",
            )
        }
        Step::Namespaces if errno == libc::ENOSPC => (
            "the machine's limit of namespaces is reached".to_owned(),
            "raise the limits below `/proc/sys/user/`",
        ),
        Step::Proc => (
            "a container covers parts of `/proc`, so the kernel refuses a fresh one".to_owned(),
            "run outside the container or start it with unmasked `/proc` (`--security-opt systempaths=unconfined`)",
        ),
        Step::DropIdentity => (
            "the program runs as root but may not change to an unprivileged id".to_owned(),
            "grant `CAP_SETUID` and `CAP_SETGID`, map the id into the container, or start as an ordinary user",
        ),
        Step::Landlock => (
            format!(
                "Landlock version {} (Linux {}) is not available or not enabled",
                STRICT.landlock_version, STRICT.linux
            ),
            "use a newer kernel and add `landlock` to the boot parameter `lsm=`",
        ),
        Step::Seccomp => (
            "the kernel does not accept seccomp filters".to_owned(),
            "use a kernel with CONFIG_SECCOMP_FILTER",
        ),
        _ => return None,
    };
    Some(Advice { cause, cure: with_alternative(cure) })
}

/// Every cure ends with the operator's other choice; the program never makes it by itself.
pub(super) fn with_alternative(cure: &str) -> String {
    format!("{cure}; or choose a weaker cage knowingly with `--sandbox reduced`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_advice_has_two_single_lines_and_names_the_alternative() {
        for step in
            [Step::UserNamespace, Step::IdMap, Step::Mount, Step::Proc, Step::DropIdentity, Step::Landlock]
        {
            for errno in [libc::EPERM, libc::ENOSPC, libc::EINVAL] {
                let Some(advice) = for_step(step, errno) else {
                    continue;
                };
                assert!(!advice.cause.contains('\n') && !advice.cure.contains('\n'));
                assert!(advice.cure.contains("--sandbox reduced"), "{advice:?}");
            }
        }
    }
}
