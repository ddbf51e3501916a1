//! Reads what the user types.

use std::io::{BufRead as _, Read as _, Write as _};

use anyhow::{Context as _, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::context::Context;
use crate::outcome::usage;

/// Asks on standard error and reads one line; `None` at the end of input.
///
/// # Errors
/// When standard input can't be read.
pub(crate) async fn line(prompt: &str) -> Result<Option<String>> {
    let prompt = prompt.to_owned();
    // Terminals block; a runtime must not.
    tokio::task::spawn_blocking(move || {
        let mut err = std::io::stderr().lock();
        err.write_all(prompt.as_bytes())?;
        err.flush()?;
        drop(err);
        let mut line = String::new();
        let count = std::io::stdin().lock().read_line(&mut line)?;
        Ok((count > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    })
    .await?
}

/// Asks before something that can't be taken back: the answer, or yes with `--yes`.
///
/// # Errors
/// When nobody is there to ask; the error names the command that needs no question.
pub(crate) async fn agreed(context: &Context, question: &str, command: &str) -> Result<bool> {
    if context.global.yes {
        return Ok(true);
    }
    if !context.terminal.may_ask {
        return Err(usage(context.lang().nobody_to_ask(), format!("{command} --yes")));
    }
    confirm(question, false).await
}

/// A yes-or-no question; the answer to an empty line is given.
///
/// # Errors
/// When standard input can't be read.
pub(crate) async fn confirm(question: &str, default: bool) -> Result<bool> {
    let choice = if default { "[Y/n]" } else { "[y/N]" };
    let answer = line(&format!("{question} {choice} ")).await?.unwrap_or_default();
    Ok(match answer.trim().to_lowercase().as_str() {
        "" => default,
        answer => matches!(answer, "y" | "yes" | "はい"),
    })
}

/// The largest secret that is read from standard input, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// All of standard input, without the line end at its end.
///
/// # Errors
/// When standard input can't be read, or is too long.
pub(crate) async fn all() -> Result<String> {
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().lock().take(MAX_BYTES + 1).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await?.context("could not read standard input")?;
    if text.len() as u64 > MAX_BYTES {
        return Err(usage(format!("standard input has more than {MAX_BYTES} bytes"), "send less"));
    }
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks on standard error and reads one line from the terminal without showing it.
///
/// # Errors
/// When the terminal can't be read, or the person presses Ctrl+C.
pub(crate) async fn hidden(prompt: &str) -> Result<String> {
    let prompt = prompt.to_owned();
    // Terminals block; a runtime must not.
    tokio::task::spawn_blocking(move || {
        let mut err = std::io::stderr().lock();
        err.write_all(prompt.as_bytes())?;
        err.flush()?;
        let silence = Silence::begin().context("the terminal can't hide what is typed")?;
        let typed = typed(&mut std::io::stdin().lock());
        drop(silence);
        writeln!(err)?;
        typed
    })
    .await?
}

/// The terminal without echo; as it was when dropped. Keys such as Ctrl+C come as bytes meanwhile, so that the
/// program can't end and leave it like this.
struct Silence(Termios);

impl Silence {
    fn begin() -> std::io::Result<Self> {
        let before = tcgetattr(std::io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(std::io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// A line of raw keys.
fn typed(keys: &mut impl std::io::Read) -> Result<String> {
    const INTERRUPT: u8 = 3;
    const END: u8 = 4;
    const BACKSPACE: u8 = 8;
    const KILL: u8 = 21;
    const ERASE: u8 = 127;
    let mut line = Vec::new();
    let mut key = [0];
    while keys.read(&mut key)? == 1 {
        match key[0] {
            b'\n' | b'\r' | END => break,
            INTERRUPT => {
                return Err(usage("nothing was read", "answer the prompt, or send the value by a pipe"));
            }
            ERASE | BACKSPACE => {
                line.pop();
            }
            KILL => line.clear(),
            key => line.push(key),
        }
    }
    String::from_utf8(line).context("what was typed is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_lines_can_be_corrected_and_left() {
        for (keys, expected) in [
            ("secret\rrest", Some("secret")),
            ("sex\x7fcret\n", Some("secret")),
            ("wrong\x15right\n", Some("right")),
            ("no end", Some("no end")),
            ("sec\x03", None),
        ] {
            assert_eq!(typed(&mut keys.as_bytes()).ok().as_deref(), expected, "{keys:?}");
        }
    }
}
