//! Programs that the person at the terminal uses: the pager and the editor. They get the terminal and the person's own
//! environment; nothing that a task made is ever started here.
//!
//! Which programs these are is decided by whoever reads the environment; a command line is split at blanks and never
//! given to a shell.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

/// Shows a text in a pager and waits until that ends. `words` are the program and its arguments.
///
/// `has_less_options` tells whether the person has options for `less` of their own; without them it gets those that
/// let colours through and end at once where everything fits. Blocking.
///
/// # Errors
/// When the pager can't be started. A pager that is left before the end of the text is no error.
pub fn show(words: &[String], text: &str, has_less_options: bool) -> io::Result<()> {
    let mut command = start(words)?;
    if !has_less_options {
        command.env("LESS", "FRX");
    }
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(text.as_bytes()));
    child.wait()?;
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file in an editor and waits until that ends; whether the editor ended well. Blocking.
///
/// # Errors
/// When the editor can't be started.
pub fn edit(words: &[String], file: &Path) -> io::Result<bool> {
    Ok(start(words)?.arg(file).status()?.success())
}

fn start(words: &[String]) -> io::Result<Command> {
    let (program, arguments) = words
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no program is named"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(all: &[&str]) -> Vec<String> {
        all.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_pager_gets_the_text_and_may_leave_early() {
        let folder = tempfile::tempdir().expect("a folder");
        let copy = folder.path().join("copy");
        let text = "line\n".repeat(100_000);
        show(&words(&["dd", "status=none", &format!("of={}", copy.display())]), &text, true).expect("dd");
        assert_eq!(std::fs::read_to_string(&copy).expect("the copy"), text);
        show(&words(&["true"]), &text, false).expect("a pager that reads nothing");
        assert!(show(&words(&["/nonexistent/pager"]), "", true).is_err());
        assert!(show(&[], "", true).is_err());
    }

    #[test]
    fn an_editor_gets_the_file_and_says_how_it_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a file");
        assert!(edit(&words(&["touch"]), &file).expect("touch"));
        assert!(file.exists());
        assert!(!edit(&words(&["false"]), &file).expect("false"));
    }
}
