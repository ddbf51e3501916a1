//! One git process on the host: arguments, bounded output, a deadline, and an end that leaves nothing behind.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Child;

use super::error::{Error, first_line};
use super::lock::WriteLock;
use super::settings;

/// How long git may take where nothing else is said.
const DEADLINE: Duration = Duration::from_secs(120);
/// How much git may say where nothing else is said.
const OUTPUT_BYTES: usize = 16 * 1024 * 1024;
/// How much of its complaints is kept.
const COMPLAINT_BYTES: usize = 8 * 1024;

/// What git may reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocols {
    /// Nothing.
    None,
    /// Repositories and bundles on this machine.
    File,
}

/// What git reads.
#[derive(Debug)]
pub(crate) enum Stdin {
    /// Nothing.
    Nothing,
    /// These bytes.
    Bytes(Vec<u8>),
    /// This file, from where it stands.
    File(File),
}

/// What git said.
#[derive(Debug)]
pub(crate) struct Output {
    /// Its standard output.
    pub(crate) bytes: Vec<u8>,
    /// Whether there was more than was asked for; git was ended then.
    pub(crate) is_truncated: bool,
    /// Its exit code, for commands that say something by it.
    pub(crate) exit_code: i32,
}

impl Output {
    /// The output as text, without line ends at its end.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).trim_end_matches(['\n', '\r']).to_owned()
    }
}

/// A git command in the making.
#[derive(Debug)]
pub(crate) struct Command {
    program: OsString,
    subcommand: String,
    place: Vec<OsString>,
    config: Vec<OsString>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    protocols: Protocols,
    stdin: Stdin,
    owner: Option<(u32, u32)>,
    folder: Option<OsString>,
    deadline: Duration,
    output_bytes: usize,
    cuts_output: bool,
    accepted: Vec<i32>,
}

impl Command {
    pub(super) fn new<A: Into<OsString>>(program: &Path, args: impl IntoIterator<Item = A>) -> Self {
        let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
        let subcommand = args.first().map(|name| name.to_string_lossy().into_owned());
        Self {
            program: program.into(),
            subcommand: subcommand.unwrap_or_default(),
            place: Vec::new(),
            config: Vec::new(),
            args,
            env: Vec::new(),
            protocols: Protocols::None,
            stdin: Stdin::Nothing,
            owner: None,
            folder: None,
            deadline: DEADLINE,
            output_bytes: OUTPUT_BYTES,
            cuts_output: false,
            accepted: vec![0],
        }
    }

    /// In this repository, without looking for one.
    pub(crate) fn git_dir(mut self, path: &Path) -> Self {
        self.place.extend(["--git-dir".into(), path.into()]);
        self
    }

    /// With this folder of files.
    pub(crate) fn work_tree(mut self, path: &Path) -> Self {
        self.place.extend(["--work-tree".into(), path.into()]);
        self.folder = Some(path.into());
        self
    }

    /// In this working folder.
    pub(crate) fn folder(mut self, path: &Path) -> Self {
        self.folder = Some(path.into());
        self
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn config(mut self, key: &str, value: &str) -> Self {
        self.config.extend(["-c".into(), format!("{key}={value}").into()]);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().into()));
        self
    }

    pub(crate) fn envs<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        self.env.extend(pairs.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    pub(crate) fn protocols(mut self, protocols: Protocols) -> Self {
        self.protocols = protocols;
        self
    }

    pub(crate) fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Holds the repository's write lock for as long as git lives, even if this process dies meanwhile: the lock
    /// belongs to the file that git has as its standard input.
    pub(crate) fn holding(self, lock: &WriteLock) -> Result<Self, Error> {
        let file = lock.share()?;
        Ok(self.stdin(Stdin::File(file)))
    }

    /// As this user and group. Only root can do it.
    pub(crate) fn owner(mut self, owner: Option<(u32, u32)>) -> Self {
        self.owner = owner;
        self
    }

    pub(crate) fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// More output than this is an error.
    pub(crate) fn at_most(mut self, bytes: usize) -> Self {
        self.output_bytes = bytes;
        self
    }

    /// More output than this is not read; git is ended then.
    pub(crate) fn cut_at(mut self, bytes: usize) -> Self {
        self.output_bytes = bytes;
        self.cuts_output = true;
        self
    }

    /// Takes this exit code for an answer too.
    pub(crate) fn accepts(mut self, code: i32) -> Self {
        self.accepted.push(code);
        self
    }

    /// Runs it. Dropping the future ends git and what it started.
    pub(crate) async fn run(mut self) -> Result<Output, Error> {
        let input = match std::mem::replace(&mut self.stdin, Stdin::Nothing) {
            Stdin::Nothing => (Stdio::null(), None),
            Stdin::Bytes(bytes) => (Stdio::piped(), Some(bytes)),
            Stdin::File(file) => (Stdio::from(file), None),
        };
        let child = self
            .start(input.0)
            .map_err(|source| Error::Start { command: self.subcommand.clone(), source })?;
        let mut group = Group::of(child);
        match tokio::time::timeout(self.deadline, self.attend(&mut group.child, input.1)).await {
            Ok(Ok(heard)) => {
                group.is_over = !heard.is_truncated;
                self.judge(heard)
            }
            Ok(Err(source)) => Err(Error::Start { command: self.subcommand, source }),
            Err(_) => Err(Error::Timeout { command: self.subcommand, seconds: self.deadline.as_secs() }),
        }
    }

    fn start(&self, stdin: Stdio) -> io::Result<Child> {
        let protocols = match self.protocols {
            Protocols::None => "none",
            Protocols::File => "file",
        };
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(settings::arguments())
            .args(&self.config)
            .args(&self.place)
            .args(&self.args)
            .env_clear()
            .envs(settings::environment(protocols))
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.as_deref().unwrap_or(OsStr::new("/")))
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some((uid, gid)) = self.owner {
            // The standard library gives up the other groups together with root.
            command.uid(uid).gid(gid);
        }
        command.spawn()
    }

    async fn attend(&self, child: &mut Child, input: Option<Vec<u8>>) -> io::Result<Heard> {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let feed = async {
            if let (Some(mut stdin), Some(bytes)) = (stdin, input) {
                // Git may know enough before it has read everything.
                let _fed = stdin.write_all(&bytes).await;
            }
        };
        let (output, complaint, ()) =
            tokio::join!(self.hear(stdout), take(stderr, COMPLAINT_BYTES, false), feed);
        let (bytes, is_truncated) = output?;
        if is_truncated {
            return Ok(Heard { bytes, is_truncated, complaint: Vec::new(), status: ExitStatus::default() });
        }
        Ok(Heard { bytes, is_truncated, complaint: complaint?.0, status: child.wait().await? })
    }

    async fn hear(&self, stdout: Option<impl AsyncRead + Unpin>) -> io::Result<(Vec<u8>, bool)> {
        take(stdout, self.output_bytes, true).await
    }

    fn judge(self, heard: Heard) -> Result<Output, Error> {
        if heard.is_truncated && !self.cuts_output {
            return Err(Error::TooMuchOutput { command: self.subcommand, limit: self.output_bytes });
        }
        let exit_code = heard.status.code();
        match exit_code.filter(|code| self.accepted.contains(code)) {
            Some(exit_code) => Ok(Output { bytes: heard.bytes, is_truncated: heard.is_truncated, exit_code }),
            None => Err(Error::Failed {
                command: self.subcommand,
                exit_code,
                reason: first_line(&heard.complaint),
            }),
        }
    }
}

struct Heard {
    bytes: Vec<u8>,
    is_truncated: bool,
    complaint: Vec<u8>,
    status: ExitStatus,
}

/// Reads up to a limit and says whether there was more. Beyond the limit it stops, or goes on and drops what it reads.
async fn take(
    reader: Option<impl AsyncRead + Unpin>,
    limit: usize,
    stops: bool,
) -> io::Result<(Vec<u8>, bool)> {
    let mut kept = Vec::new();
    let Some(mut reader) = reader else {
        return Ok((kept, false));
    };
    let mut is_more = false;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = reader.read(&mut buffer).await?;
        if count == 0 {
            return Ok((kept, is_more));
        }
        let room = limit - kept.len();
        kept.extend_from_slice(&buffer[..count.min(room)]);
        is_more |= count > room;
        if is_more && stops {
            return Ok((kept, true));
        }
    }
}

/// Git and everything it started. They end together.
struct Group {
    child: Child,
    id: Option<Pid>,
    is_over: bool,
}

impl Group {
    fn of(child: Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Self { child, id, is_over: false }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The first process is not reaped before this, so the group's number can't belong to anybody else.
        if let Some(id) = self.id.filter(|_| !self.is_over) {
            let _gone = rustix::process::kill_process_group(id, Signal::KILL);
        }
    }
}

#[cfg(test)]
mod tests;
