//! The part of the minimal root that every command sees: system folders and a small `/etc`.

use std::path::{Path, PathBuf};

use super::plan::Entry;
use super::spec::{HOME, Network};
use super::text::Text;

/// Folders at the root that are links on some systems and folders on others.
const SYSTEM: [&str; 7] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/// Where some distributions keep all programs.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

/// What programs need from `/etc`: the dynamic linker, certificates, alternatives, time zone and
/// static tables. Nothing that names the machine's users, its network or its secrets.
const ETC: [&str; 24] = [
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "fonts",
    "java",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "mime.types",
    "perl",
    "pki/ca-trust/extracted",
    "pki/tls/cert.pem",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// The entries for this machine. Looked up once; the system folders do not come and go.
pub(crate) fn entries() -> Vec<Entry> {
    let mut entries = Vec::new();
    for path in SYSTEM.map(Path::new) {
        match path.read_link() {
            Ok(to) => entries.push(Entry::Link { path: Text::from(path), to: Text::from(to) }),
            Err(_) if path.is_dir() => entries.push(Entry::Bind(Text::from(path))),
            Err(_) => {}
        }
    }
    let stores = STORES.iter().map(PathBuf::from);
    let tables = ETC.iter().map(|name| Path::new("/etc").join(name));
    entries
        .extend(stores.chain(tables).filter(|path| path.exists()).map(|path| Entry::Bind(Text::from(path))));
    entries.extend(own_files());
    entries
}

/// What the command's network needs beyond [`entries`].
pub(crate) fn network_entries(network: Network) -> Vec<Entry> {
    let resolver = Path::new("/etc/resolv.conf");
    match network {
        Network::Host if resolver.exists() => vec![Entry::Bind(Text::from(resolver))],
        Network::Host | Network::None => Vec::new(),
    }
}

/// What a command may read besides at levels where it sees the machine's own `/etc`.
pub(crate) fn machine_entries() -> Vec<Entry> {
    let tables = ["/etc/passwd", "/etc/group", "/etc/hosts", "/etc/nsswitch.conf"].map(Path::new);
    tables.into_iter().filter(|path| path.exists()).map(|path| Entry::Bind(Text::from(path))).collect()
}

fn own_files() -> Vec<Entry> {
    let file = |path: &str, content: String| Entry::File { path: Text::from(path), content };
    vec![
        file(
            "/etc/passwd",
            format!(
                "root:x:0:0:root:/:/usr/sbin/nologin\n\
                 miyabi:x:1000:1000:miyabi:{HOME}:/bin/sh\n\
                 nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"
            ),
        ),
        file("/etc/group", "root:x:0:\nmiyabi:x:1000:\nnogroup:x:65534:\n".to_owned()),
        file("/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n".to_owned()),
        file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n".to_owned()),
        file("/etc/hostname", "sandbox\n".to_owned()),
    ]
}
