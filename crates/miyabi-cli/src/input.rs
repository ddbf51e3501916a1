//! Reads what the user types.

use std::io::{BufRead as _, Write as _};

use anyhow::Result;

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
