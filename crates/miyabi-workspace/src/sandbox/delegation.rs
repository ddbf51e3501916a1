//! Finds a cgroup v2 folder that was delegated to this program.

use std::fs;
use std::path::{Path, PathBuf};

/// The program's own cgroup or the one above it, if commands may get children of it with limits.
///
/// The one above counts because a cgroup that holds processes cannot hand controllers on: a service
/// with `Delegate=yes` moves itself into a leaf first.
pub(super) fn find() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let membership = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own_folder(&mounts, &membership)?;
    own.ancestors().take(2).find(|folder| is_delegated(folder)).map(Path::to_path_buf)
}

fn own_folder(mounts: &str, membership: &str) -> Option<PathBuf> {
    let mount_point = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let point = place.split(' ').nth(4)?;
        (kind.split(' ').next() == Some("cgroup2")).then_some(point)
    })?;
    let path = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new(mount_point).join(path))
}

fn is_delegated(folder: &Path) -> bool {
    let controllers = fs::read_to_string(folder.join("cgroup.subtree_control")).unwrap_or_default();
    let has = |wanted| controllers.split_ascii_whitespace().any(|name| name == wanted);
    has("memory")
        && has("pids")
        && rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_mount_point_and_membership() {
        let mounts =
            "21 1 0:20 / /proc rw - proc proc rw\n30 1 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let found = own_folder(mounts, "1:name=systemd:/x\n0::/system.slice/miyabi.service\n");
        assert_eq!(found.as_deref(), Some(Path::new("/sys/fs/cgroup/system.slice/miyabi.service")));
        assert_eq!(own_folder(mounts, "1:name=systemd:/x\n"), None);
        assert_eq!(own_folder("", "0::/\n"), None);
    }

    #[test]
    fn both_controllers_are_needed() {
        let folder = tempfile::tempdir().unwrap();
        for (controllers, expected) in [("cpu memory pids", true), ("memory", false), ("", false)] {
            fs::write(folder.path().join("cgroup.subtree_control"), controllers).unwrap();
            assert_eq!(is_delegated(folder.path()), expected, "{controllers}");
        }
    }
}
