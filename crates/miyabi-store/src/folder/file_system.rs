//! Which file systems a database may lie on. SQLite's write-ahead log needs locks and shared memory that hold between
//! processes; network file systems promise both and keep neither.

use std::io;
use std::path::Path;

/// The kind of file system below `path`, if a database must not lie there; `None` if it may.
pub(super) fn unsuitable(path: &Path) -> io::Result<Option<String>> {
    #[cfg(target_os = "linux")]
    return linux::unsuitable(path);
    // Elsewhere `statfs` has another form; there the operator chooses.
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        Ok(None)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Magic numbers of `statfs(2)` and the headers of the kernel.
    const NETWORK: &[(u32, &str)] = &[
        (0x0000_6969, "nfs"),
        (0x0000_517b, "smb"),
        (0xff53_4d42, "cifs"),
        (0xfe53_4d42, "smb2"),
        (0x0102_1997, "9p"),
        (0x00c3_6400, "ceph"),
        (0x5346_414f, "afs"),
        (0x6b41_4653, "afs"),
        (0x7375_7245, "coda"),
        (0x0000_564c, "ncp"),
        (0x0bd0_0bd0, "lustre"),
        (0x0116_1970, "gfs2"),
        (0x7461_636f, "ocfs2"),
    ];
    const FUSE: u32 = 0x6573_5546;
    /// FUSE carries local and remote file systems under one number. Those known to be local pass, all others don't.
    const LOCAL_FUSE: &[&str] = &[
        "fuseblk",
        "fuse.bindfs",
        "fuse.encfs",
        "fuse.fuse-overlayfs",
        "fuse.gocryptfs",
        "fuse.mergerfs",
        "fuse.securefs",
    ];

    pub(super) fn unsuitable(path: &Path) -> io::Result<Option<String>> {
        // The field's type differs between architectures; the number has 32 bits on all of them.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a magic number of 32 bits"
        )]
        let magic = rustix::fs::statfs(path)?.f_type as u32;
        if magic != FUSE {
            return Ok(network_name(magic).map(str::to_owned));
        }
        let device = fs::metadata(path)?.dev();
        let mounts = fs::read_to_string("/proc/self/mountinfo")?;
        let kind = kind_of_mount(&mounts, rustix::fs::major(device), rustix::fs::minor(device));
        let kind = kind.unwrap_or("fuse").to_owned();
        Ok((!LOCAL_FUSE.contains(&kind.as_str())).then_some(kind))
    }

    fn network_name(magic: u32) -> Option<&'static str> {
        NETWORK.iter().find(|(number, _)| *number == magic).map(|(_, name)| *name)
    }

    /// Finds a mount's type by its device number. A line reads
    /// `36 35 98:0 /from /point rw,noatime master:1 - ext3 /dev/sda1 rw`, see proc_pid_mountinfo(5).
    fn kind_of_mount(mounts: &str, major: u32, minor: u32) -> Option<&str> {
        let device = format!("{major}:{minor}");
        let line = mounts.lines().find(|line| line.split(' ').nth(2) == Some(device.as_str()))?;
        line.split_once(" - ")?.1.split(' ').next()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn mount_type_is_found_by_device() {
            let mounts = "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                          40 22 0:45 / /mnt/far rw,nosuid shared:9 master:2 - fuse.sshfs me@far:/ rw,user_id=0\n";
            assert_eq!(kind_of_mount(mounts, 0, 45), Some("fuse.sshfs"));
            assert_eq!(kind_of_mount(mounts, 254, 0), Some("ext4"));
            assert_eq!(kind_of_mount(mounts, 254, 1), None);
        }

        #[test]
        fn network_file_systems_are_named_and_local_ones_pass() {
            assert_eq!(network_name(0x6969), Some("nfs"));
            assert_eq!(network_name(0xff53_4d42), Some("cifs"));
            // ext, xfs, btrfs, zfs, tmpfs, overlayfs, f2fs.
            for local in
                [0xef53, 0x5846_5342, 0x9123_683e, 0x2fc1_2fc1, 0x0102_1994, 0x794c_7630, 0xf2f5_2010]
            {
                assert_eq!(network_name(local), None, "{local:x}");
            }
        }

        #[test]
        fn temporary_folder_passes() {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(unsuitable(folder.path()).unwrap(), None);
        }
    }
}
