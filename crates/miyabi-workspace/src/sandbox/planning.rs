//! Turns what a caller asks for into what the launcher does, and refuses what no level can give.

use std::path::{Component, Path, PathBuf};

use miyabi_core::sandbox::SandboxLevel;

use super::error::Error;
use super::plan::{Plan, PlannedAccess, PlannedMount};
use super::spec::{Access, CommandSpec, HOME, Lifetime, Mount, Network};
use super::text::Text;
use super::{Sandbox, image};

/// `home` replaces the sandbox's own at levels where the machine's paths are visible.
pub(super) fn plan(sandbox: &Sandbox, spec: &CommandSpec, home: Option<&Path>) -> Result<Plan, Error> {
    check_strings(spec)?;
    let level = sandbox.options.level;
    let mut image = sandbox.image.clone();
    image.extend(image::network_entries(spec.network));
    let mut mounts = spec.mounts.iter().map(planned).collect::<Result<Vec<_>, _>>()?;
    let mut cwd = spec.cwd.clone();
    if level != SandboxLevel::Strict {
        image.extend(image::machine_entries());
        cwd = on_machine(&spec.cwd, &spec.mounts);
        let home = home.map(|home| planned(&Mount::read_write(home))).transpose()?;
        mounts.extend(home);
    }
    let home = match level {
        SandboxLevel::Strict => Path::new(HOME),
        SandboxLevel::Reduced | SandboxLevel::External => home.unwrap_or(&cwd),
    };
    let env = environment(spec, level, home);
    Ok(Plan {
        level,
        identity: sandbox.identity,
        image,
        mounts,
        own_network: spec.network == Network::None,
        detached: spec.lifetime == Lifetime::Detached,
        limits: spec.limits.clone(),
        cgroup: sandbox.cgroup.as_ref().map(Text::from),
        program: Text::from(&spec.program),
        args: spec.args.iter().map(Text::from).collect(),
        env,
        cwd: Text::from(&cwd),
    })
}

fn check_strings(spec: &CommandSpec) -> Result<(), Error> {
    let has_nul = |bytes: &[u8]| bytes.contains(&0);
    let bad_name = |name: &&String| name.is_empty() || name.contains(['=', '\0']);
    let reason = if spec.program.is_empty() || has_nul(spec.program.as_encoded_bytes()) {
        "the program's name is empty or contains a NUL byte".to_owned()
    } else if spec.args.iter().any(|argument| has_nul(argument.as_encoded_bytes())) {
        "an argument contains a NUL byte".to_owned()
    } else if let Some(name) = spec.env.keys().find(bad_name) {
        format!("`{}` cannot be the name of a variable", name.escape_debug())
    } else if spec.env.values().any(|value| has_nul(value.as_bytes())) {
        "a variable contains a NUL byte".to_owned()
    } else if !spec.cwd.is_absolute() {
        format!("working folder `{}` is not absolute", spec.cwd.display())
    } else {
        return Ok(());
    };
    Err(Error::InvalidSpec { reason })
}

fn planned(mount: &Mount) -> Result<PlannedMount, Error> {
    let is_plain = |path: &Path| {
        let mut components = path.components();
        components.next() == Some(Component::RootDir)
            && path.file_name().is_some()
            && components.all(|component| matches!(component, Component::Normal(_)))
    };
    if !mount.source.is_absolute() || !is_plain(&mount.target) {
        let reason = format!("cannot mount `{}` at `{}`", mount.source.display(), mount.target.display());
        return Err(Error::InvalidSpec { reason });
    }
    let access = match &mount.access {
        Access::ReadOnly => PlannedAccess::ReadOnly,
        Access::ReadWrite => PlannedAccess::ReadWrite,
        Access::Overlay { upper, work } => {
            PlannedAccess::Overlay { upper: Text::from(upper), work: Text::from(work) }
        }
    };
    Ok(PlannedMount { source: Text::from(&mount.source), target: Text::from(&mount.target), access })
}

/// Where a path of the sandbox lies on the machine.
fn on_machine(path: &Path, mounts: &[Mount]) -> PathBuf {
    let found = mounts.iter().rev().find_map(|mount| Some((mount, path.strip_prefix(&mount.target).ok()?)));
    match found {
        Some((mount, inside)) if inside.as_os_str().is_empty() => mount.source.clone(),
        Some((mount, inside)) => mount.source.join(inside),
        None => path.to_path_buf(),
    }
}

/// The command's variables and the few that every program expects.
fn environment(spec: &CommandSpec, level: SandboxLevel, home: &Path) -> Vec<(Text, Text)> {
    let temporary = if level == SandboxLevel::Strict { Path::new("/tmp") } else { home };
    let defaults = [
        ("HOME", Text::from(home)),
        ("LANG", Text::from("C.UTF-8")),
        ("PATH", Text::from("/usr/local/bin:/usr/bin:/bin")),
        ("TMPDIR", Text::from(temporary)),
        ("USER", Text::from("miyabi")),
    ];
    let given = spec.env.iter().map(|(name, value)| (Text::from(name), Text::from(value)));
    let missing = defaults.into_iter().filter(|(name, _)| !spec.env.contains_key(*name));
    given.chain(missing.map(|(name, value)| (Text::from(name), value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_that_could_land_elsewhere_are_refused() {
        for (source, target) in
            [("relative", "/x"), ("/x", "relative"), ("/x", "/"), ("/x", "/a/../b"), ("/x", ""), ("", "/x")]
        {
            let mount = Mount { source: source.into(), target: target.into(), access: Access::ReadOnly };
            assert!(planned(&mount).is_err(), "{source} at {target}");
        }
        assert!(planned(&Mount::read_only("/usr")).is_ok());
    }

    #[test]
    fn strings_that_exec_would_cut_are_refused() {
        let check = |change: fn(&mut CommandSpec)| {
            let mut spec = CommandSpec::new("true", ["x"], "/");
            change(&mut spec);
            check_strings(&spec).is_ok()
        };
        assert!(check(|_| ()));
        assert!(!check(|spec| spec.args.push("a\0b".into())));
        assert!(!check(|spec| spec.program = "".into()));
        assert!(!check(|spec| spec.cwd = "here".into()));
        for name in ["", "A=B", "A\0"] {
            let mut spec = CommandSpec::new("true", ["x"], "/");
            spec.env.insert(name.to_owned(), String::new());
            assert!(check_strings(&spec).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_folder_is_found_on_the_machine_through_its_mount() {
        let mount = |source: &str, target: &str| Mount {
            source: source.into(),
            target: target.into(),
            access: Access::ReadWrite,
        };
        let mounts = [mount("/srv/task", "/work"), mount("/srv/other", "/work/inner")];
        assert_eq!(on_machine(Path::new("/work"), &mounts), Path::new("/srv/task"));
        assert_eq!(on_machine(Path::new("/work/inner/a"), &mounts), Path::new("/srv/other/a"));
        assert_eq!(on_machine(Path::new("/usr"), &mounts), Path::new("/usr"));
    }
}
