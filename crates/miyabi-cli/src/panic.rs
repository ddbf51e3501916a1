//! When the program has a bug: a report without secrets in the data folder, and words that say where it is.
//!
//! The exit code (101) is Rust's own. Nothing is sent anywhere.

use std::backtrace::Backtrace;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

use miyabi_core::port::clock::Clock as _;

use crate::context::Context;
use crate::terminal::{Lang, Variables};
use crate::wire::system::SystemClock;

/// The shortest value of a variable that is taken out of a report: shorter ones are words like `1` or `yes`.
const SHORTEST_SECRET: usize = 6;
/// Parts of names of variables that hold secrets.
const SECRET_NAMES: [&str; 6] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH"];

/// Sets the hook up for this process.
pub(crate) fn install(context: &Context) {
    let reporter = Reporter {
        folder: context.paths.data.join("reports"),
        secrets: secrets(&context.variables),
        home: context.paths.home.to_string_lossy().into_owned(),
        lang: context.lang(),
    };
    std::panic::set_hook(Box::new(move |info| reporter.report(info)));
}

struct Reporter {
    folder: PathBuf,
    secrets: Vec<String>,
    home: String,
    lang: Lang,
}

impl Reporter {
    fn report(&self, info: &PanicHookInfo<'_>) {
        let text = self.text(info);
        let mut err = std::io::stderr().lock();
        let _ = writeln!(err, "{} {}", self.lang.label_error(), self.lang.bug_found());
        let _ = match self.write(&text) {
            Ok(path) => writeln!(err, "{}", self.lang.bug_report(path.display())),
            // Without a file, the terminal is the last place that can keep it.
            Err(_) => writeln!(err, "{text}"),
        };
        let _ = writeln!(err, "{} INTERNAL", self.lang.label_ref());
        let _ = writeln!(err, "{} miyabi help INTERNAL", self.lang.label_docs());
    }

    fn text(&self, info: &PanicHookInfo<'_>) -> String {
        let message = info.payload_as_str().unwrap_or("(no words)");
        let place = info.location().map_or_else(|| "(unknown place)".to_owned(), ToString::to_string);
        let thread = std::thread::current();
        let report = format!(
            "miyabi {} on {} {}\nat {place}\nin thread {}\nmessage: {message}\n\n{}\n",
            env!("CARGO_PKG_VERSION"),
            std::env::consts::OS,
            std::env::consts::ARCH,
            thread.name().unwrap_or("(unnamed)"),
            Backtrace::force_capture(),
        );
        redact(&report, &self.secrets, &self.home)
    }

    fn write(&self, text: &str) -> std::io::Result<PathBuf> {
        std::fs::create_dir_all(&self.folder)?;
        let name = format!("panic-{}-{}.txt", SystemClock.now().as_millis(), std::process::id());
        let path = self.folder.join(name);
        write_private(&path, text)?;
        Ok(path)
    }
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

/// Values of variables that look like secrets by their names, longest first.
fn secrets(variables: &Variables) -> Vec<String> {
    let is_secret = |name: &str| SECRET_NAMES.iter().any(|part| name.to_ascii_uppercase().contains(part));
    let mut values: Vec<String> = variables
        .iter()
        .filter(|(name, value)| is_secret(name) && value.len() >= SHORTEST_SECRET)
        .map(|(_, value)| value.clone())
        .collect();
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    values
}

/// The text without secrets, and without the name of the home folder, which often is a person's.
fn redact(text: &str, secrets: &[String], home: &str) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "[redacted]");
    }
    let text = if home.len() > 1 { text.replace(home, "~") } else { text };
    text.split_inclusive(char::is_whitespace).map(redact_word).collect()
}

/// A word that has the form of a key is no word.
fn redact_word(word: &str) -> String {
    const PREFIXES: [&str; 9] =
        ["sk-", "ghp_", "gho_", "ghs_", "github_pat_", "xoxb-", "AIza", "AKIA", "eyJ"];
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let is_key = PREFIXES.iter().any(|prefix| bare.starts_with(prefix)) && bare.trim_end().len() >= 16;
    if !is_key {
        return word.to_owned();
    }
    let before = &word[..word.len() - bare.len()];
    let after = &bare[bare.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len()..];
    format!("{before}[redacted]{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics on purpose when the test below starts this test program a second time, and does nothing otherwise.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "how the two processes of this test find each other")]
    fn child() {
        let Ok(folder) = std::env::var("MIYABI_TEST_PANIC_FOLDER") else { return };
        let secrets = vec!["canary-value-of-a-variable".to_owned()];
        let reporter =
            Reporter { folder: PathBuf::from(folder), secrets, home: "/home/ada".to_owned(), lang: Lang::En };
        std::panic::set_hook(Box::new(move |info| reporter.report(info)));
        panic!("canary-value-of-a-variable in /home/ada/x with (sk-live-0123456789abcdef).");
    }

    #[test]
    fn a_panic_leaves_a_report_without_secrets_and_says_where() {
        let folder = tempfile::tempdir().expect("a folder");
        let reports = folder.path().join("reports");
        let this = std::env::current_exe().expect("this program");
        let output = std::process::Command::new(this)
            .args(["--exact", "panic::tests::child", "--nocapture", "--test-threads=1"])
            .env("MIYABI_TEST_PANIC_FOLDER", &reports)
            .output()
            .expect("this program again");
        assert_eq!(output.status.code(), Some(101));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let file =
            std::fs::read_dir(&reports).expect("reports").next().expect("a report").expect("a report").path();
        assert!(said.contains(&format!("report: {}", file.display())), "{said}");
        let report = std::fs::read_to_string(&file).expect("the report");
        assert!(report.contains("message: [redacted] in ~/x with ([redacted])."), "{report}");
        assert!(report.contains("panic.rs"), "{report}");
        for canary in ["canary-value", "sk-live", "ada"] {
            assert!(!report.contains(canary) && !said.contains(canary), "{canary}: {report}{said}");
        }
    }

    #[test]
    fn secrets_are_known_by_the_names_of_their_variables() {
        let pairs = [("OPENAI_API_KEY", "sk-0123456789"), ("MY_TOKEN", "short"), ("EDITOR", "vim-tiny")];
        let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(secrets(&variables), ["sk-0123456789"]);
    }
}
