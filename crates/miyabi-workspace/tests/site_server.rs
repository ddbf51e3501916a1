//! The static file server over real sockets and real files.
#![cfg(test)]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use miyabi_workspace::site::{Error, Server, Site, run_site};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

struct Running {
    folder: TempDir,
    address: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn running(files: &[(&str, &str)]) -> Running {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let server = Server::bind(&site(folder.path(), 0)).await.unwrap();
    let (address, stop, tasks) = (server.address(), CancellationToken::new(), TaskTracker::new());
    let told = stop.clone();
    tasks.spawn(async move { server.serve(&told).await });
    Running { folder, address, stop, tasks }
}

fn site(folder: &Path, port: u16) -> Site {
    Site { folder: folder.into(), port, release: "run_1-abc".into() }
}

impl Running {
    async fn raw(&self, request: &str) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        // A server that refuses a request may close before it was read.
        let _closed = stream.read_to_end(&mut bytes).await;
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an answer");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, head, body: bytes[end + 4..].to_vec() }
    }

    async fn ask(&self, method: &str, target: &str, headers: &str) -> Reply {
        let host = self.address;
        self.raw(&format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"))
            .await
    }

    async fn get(&self, target: &str) -> Reply {
        self.ask("GET", target, "").await
    }
}

#[tokio::test]
async fn files_are_served_with_their_type_and_the_release() {
    let site = running(&[
        ("index.html", "<h1>hello</h1>"),
        ("日本 語.txt", "語"),
        ("assets/app.mjs", "export {}"),
        ("data", "raw"),
    ])
    .await;
    for (target, media_type, body) in [
        ("/", "text/html; charset=utf-8", "<h1>hello</h1>"),
        ("/index.html?x=1", "text/html; charset=utf-8", "<h1>hello</h1>"),
        ("/%E6%97%A5%E6%9C%AC%20%E8%AA%9E.txt", "text/plain; charset=utf-8", "語"),
        ("/assets/app.mjs", "text/javascript; charset=utf-8", "export {}"),
        ("/data", "application/octet-stream", "raw"),
    ] {
        let reply = site.get(target).await;
        assert_eq!((reply.status, reply.text()), (200, body), "{target}");
        assert_eq!(reply.header("content-type"), Some(media_type), "{target}");
        assert_eq!(reply.header("content-length"), Some(body.len().to_string().as_str()));
        assert_eq!(reply.header("x-miyabi-release"), Some("run_1-abc"));
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("content-security-policy"), Some("frame-ancestors 'self'"));
        assert_eq!(reply.header("x-frame-options"), Some("SAMEORIGIN"));
    }
}

#[tokio::test]
async fn folders_lead_to_their_index_and_pages_need_no_ending() {
    let site = running(&[
        ("docs/index.html", "docs"),
        ("about.html", "about"),
        ("empty/.keep", ""),
        ("404.html", "<p>lost</p>"),
    ])
    .await;
    assert_eq!(site.get("/docs/").await.text(), "docs");
    let moved = site.get("/docs?a=b").await;
    assert_eq!((moved.status, moved.header("location")), (308, Some("/docs/?a=b")));
    assert_eq!(site.get("/about").await.text(), "about");
    for target in ["/empty", "/empty/", "/", "/nothing", "/about/"] {
        let reply = site.get(target).await;
        assert_eq!((reply.status, reply.text()), (404, "<p>lost</p>"), "{target}");
        assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    }
}

#[tokio::test]
async fn nothing_hidden_linked_or_outside_is_shown() {
    let site = running(&[(".env", "secret"), ("a/.git/config", "secret"), ("ok.txt", "ok")]).await;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, site.folder.path().join(name)).unwrap();
    };
    link(&outside.path().join("secret.txt"), "file-link");
    link(outside.path(), "folder-link");
    link(Path::new(".env"), "inner-link");
    link(Path::new("/proc/self/environ"), "environment");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        site.folder.path().join("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o644),
        0,
    )
    .unwrap();
    for target in [
        "/.env",
        "/%2eenv",
        "/a/.git/config",
        "/../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/a/../.env",
        "//etc/passwd",
        "/ok.txt%00.html",
        "/file-link",
        "/folder-link/secret.txt",
        "/folder-link",
        "/inner-link",
        "/environment",
        "/pipe",
        "/ok.txt/",
        "/ok.txt/..%2fok.txt",
    ] {
        let reply = site.get(target).await;
        assert_eq!(reply.status, 404, "{target}");
        assert!(!reply.text().contains("secret"), "{target}");
    }
    assert_eq!(site.get("/ok.txt").await.text(), "ok");
}

#[tokio::test]
async fn only_reading_is_possible_and_only_under_our_names() {
    let site = running(&[("index.html", "hello")]).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        let reply = site.ask(method, "/", "").await;
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = site.ask("HEAD", "/", "").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("5"), 0));
    let port = site.address.port();
    for (host, status) in [
        (format!("Host: localhost:{port}\r\n"), 200),
        (format!("Host: LOCALHOST:{port}\r\n"), 200),
        ("Host: evil.example\r\n".into(), 421),
        (format!("Host: evil.example:{port}\r\n"), 421),
        (format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"), 421),
    ] {
        let reply = site.raw(&format!("GET / HTTP/1.1\r\n{host}Connection: close\r\n\r\n")).await;
        assert_eq!(reply.status, status, "{host}");
    }
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let site = running(&[("index.html", "hello")]).await;
    let tag = site.get("/").await.header("etag").unwrap().to_owned();
    for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let reply = site.ask("GET", "/", &format!("If-None-Match: {known}\r\n")).await;
        assert_eq!((reply.status, reply.body.len()), (304, 0), "{known}");
    }
    assert_eq!(site.ask("GET", "/", "If-None-Match: \"other\"\r\n").await.status, 200);
    assert_eq!(site.ask("GET", "/none", &format!("If-None-Match: {tag}\r\n")).await.status, 404);
}

#[tokio::test]
async fn a_large_file_arrives_whole() {
    let content = "0123456789abcdef".repeat(512 * 1024);
    let site = running(&[("large.bin", &content)]).await;
    let reply = site.get("/large.bin").await;
    assert_eq!(reply.header("content-length"), Some(content.len().to_string().as_str()));
    assert!(reply.body == content.as_bytes());
}

#[tokio::test]
async fn too_long_a_head_is_refused() {
    let site = running(&[("index.html", "hello")]).await;
    let reply = site.ask("GET", "/", &format!("X-Long: {}\r\n", "a".repeat(64 * 1024))).await;
    assert_eq!(reply.status, 431);
}

#[tokio::test]
async fn told_to_end_it_ends_also_with_idle_connections() {
    let site = running(&[("index.html", "hello")]).await;
    let mut idle = TcpStream::connect(site.address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", site.address);
    idle.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    site.stop.cancel();
    site.tasks.close();
    site.tasks.wait().await;
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(TcpStream::connect(site.address).await.is_err());
}

#[tokio::test]
async fn what_can_not_be_served_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let stop = CancellationToken::new();
    let error = run_site(&site(folder.path(), port), &stop).await.unwrap_err();
    assert!(matches!(error, Error::Listen { port: told, .. } if told == port), "{error}");
    let error = run_site(&site(&folder.path().join("none"), 0), &stop).await.unwrap_err();
    assert!(matches!(error, Error::Folder { .. }), "{error}");
    let unspeakable = Site { release: "a\r\nb".into(), ..site(folder.path(), 0) };
    let error = run_site(&unspeakable, &stop).await.unwrap_err();
    assert_eq!(error.to_string(), "`a\\r\\nb` can't be the name of a release");
}
