//! One request, one answer: what is asked for, the file that fits, and the headers around it.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use tokio_util::io::ReaderStream;

use super::path::{self, SitePath};
use super::{RELEASE_HEADER, media_type};

/// How much of a file is read at once, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// Said with every answer. The site's own files decide what they load; what others may do with them is little.
const ALWAYS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'self'"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Everything that answers are made of.
#[derive(Debug)]
pub(super) struct Answers {
    root: Arc<OwnedFd>,
    release: HeaderValue,
    /// Names under which browsers reach this server. Others come from pages that rebind their own name to it.
    hosts: [String; 2],
}

/// What a path leads to.
enum Found {
    File {
        file: File,
        bytes: u64,
        media_type: &'static str,
    },
    /// A folder whose URL lacks its slash.
    Folder,
    Nothing,
}

impl Answers {
    pub(super) fn new(root: OwnedFd, release: HeaderValue, port: u16) -> Self {
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        Self { root: Arc::new(root), release, hosts }
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let mut response = self.content(&request).await;
        if request.method() == Method::HEAD {
            *response.body_mut() = Empty::new().map_err(|never| match never {}).boxed_unsync();
        }
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static(RELEASE_HEADER), self.release.clone());
        for (name, value) in ALWAYS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn content(&self, request: &Request<Incoming>) -> Response<Body> {
        if !self.is_for_us(request.headers()) {
            return plain(StatusCode::MISDIRECTED_REQUEST, "this server has another name\n");
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n");
            refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refusal;
        }
        let found = match path::parse(request.uri().path()) {
            Some(path) => self.find(path).await,
            None => Ok(Found::Nothing),
        };
        match found {
            Ok(Found::File { .. }) if self.is_known(request.headers()) => self.unchanged(),
            Ok(Found::File { file, bytes, media_type }) => self.file(StatusCode::OK, file, bytes, media_type),
            Ok(Found::Folder) => redirect(request),
            Ok(Found::Nothing) => self.nothing().await,
            Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the file can't be read\n"),
        }
    }

    fn is_for_us(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (Some(host), None) => {
                self.hosts.iter().any(|ours| host.as_bytes().eq_ignore_ascii_case(ours.as_bytes()))
            }
            // HTTP/1.0 knows no such header; browsers always send it.
            (None, _) => true,
            (Some(_), Some(_)) => false,
        }
    }

    /// A release never changes, so its name tells one version of a file from another.
    fn entity_tag(&self) -> HeaderValue {
        let mut tag = Vec::with_capacity(self.release.len() + 2);
        tag.push(b'"');
        tag.extend(self.release.as_bytes().iter().filter(|byte| **byte != b'"'));
        tag.push(b'"');
        HeaderValue::from_bytes(&tag).unwrap_or(HeaderValue::from_static("\"release\""))
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let tag = self.entity_tag();
        headers.get(header::IF_NONE_MATCH).is_some_and(|known| {
            let mut tags = known.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
            tags.any(|known| known.strip_prefix(b"W/").unwrap_or(known) == tag.as_bytes())
        })
    }

    fn unchanged(&self) -> Response<Body> {
        let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        self.describe(response.headers_mut());
        response
    }

    fn file(&self, status: StatusCode, file: File, bytes: u64, media_type: &'static str) -> Response<Body> {
        // The length is promised in a header, so a file that grows meanwhile is cut.
        let reader = tokio::io::AsyncReadExt::take(tokio::fs::File::from_std(file), bytes);
        let frames = ReaderStream::with_capacity(reader, READ_BYTES).map_ok(Frame::data);
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
        self.describe(headers);
        response
    }

    /// A browser asks again each time, and learns in one short answer that its copy is still good.
    fn describe(&self, headers: &mut HeaderMap) {
        headers.insert(header::ETAG, self.entity_tag());
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }

    async fn nothing(&self) -> Response<Body> {
        let own_page = SitePath { relative: "404.html".into(), is_folder: false };
        match self.find(own_page).await {
            Ok(Found::File { file, bytes, media_type }) => {
                self.file(StatusCode::NOT_FOUND, file, bytes, media_type)
            }
            _ => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    /// Looks on a blocking thread: it asks the file system.
    async fn find(&self, path: SitePath) -> io::Result<Found> {
        let root = Arc::clone(&self.root);
        match tokio::task::spawn_blocking(move || find(&root, &path)).await {
            Ok(found) => found,
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// The file itself, a folder's `index.html`, or the page of that name: exporters write `about.html` for `/about`.
fn find(root: &OwnedFd, path: &SitePath) -> io::Result<Found> {
    let relative = path.relative.as_str();
    let index = if relative.is_empty() { "index.html".to_owned() } else { format!("{relative}/index.html") };
    if path.is_folder {
        return Ok(open_file(root, &index)?.unwrap_or(Found::Nothing));
    }
    if let Some(file) = open_file(root, relative)? {
        return Ok(file);
    }
    if open_file(root, &index)?.is_some() {
        return Ok(Found::Folder);
    }
    Ok(open_file(root, &format!("{relative}.html"))?.unwrap_or(Found::Nothing))
}

/// Opens a regular file below the folder, through no link; `None` if there is none.
fn open_file(root: &OwnedFd, relative: &str) -> io::Result<Option<Found>> {
    let opened = match open_beneath(root, relative) {
        Ok(opened) => opened,
        Err(errno) if MEANS_NOTHING.contains(&errno) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let status = rustix::fs::fstat(&opened)?;
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let bytes = u64::try_from(status.st_size).unwrap_or(0);
    Ok(Some(Found::File { file: opened.into(), bytes, media_type: media_type::of(relative) }))
}

/// Answers of the system that mean: no such file for a visitor.
const MEANS_NOTHING: [Errno; 6] =
    [Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::NAMETOOLONG, Errno::ACCESS, Errno::NXIO];

/// One name at a time, each by the handle of the folder before it: a path holds no `..`, and a link is never entered.
/// The sandbox hides the one call that would do this at once.
fn open_beneath(root: &OwnedFd, relative: &str) -> Result<OwnedFd, Errno> {
    let folder_flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file_flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (folders, file) = relative.rsplit_once('/').unwrap_or(("", relative));
    let mut folder = None;
    for name in folders.split('/').filter(|name| !name.is_empty()) {
        let from = folder.as_ref().unwrap_or(root);
        folder = Some(rustix::fs::openat(from, name, folder_flags, Mode::empty())?);
    }
    rustix::fs::openat(folder.as_ref().unwrap_or(root), file, file_flags, Mode::empty())
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let body = Full::new(Bytes::from_static(text.as_bytes()));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
}

/// To the same path with a slash. The path was parsed before, so it begins with exactly one slash and names no host.
fn redirect(request: &Request<Incoming>) -> Response<Body> {
    let uri = request.uri();
    let target = match uri.query() {
        Some(query) => format!("{}/?{query}", uri.path()),
        None => format!("{}/", uri.path()),
    };
    let mut response = plain(StatusCode::PERMANENT_REDIRECT, "moved\n");
    if let Ok(target) = HeaderValue::from_str(&target) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    // Only this release has a folder there; the next one may have a file.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
