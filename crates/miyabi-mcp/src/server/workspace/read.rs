//! `read`: a window of a text file, with line numbers.

use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{LineEnds, TextFile, get_text};
use super::{Call, checked_path};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};
use crate::text;

const DEFAULT_LINES: usize = 400;
/// A window ends with the line that reaches this, in bytes.
const WINDOW_BYTES: usize = 24 * 1024;
const LINE_BYTES: usize = 600;

/// The tool.
pub(crate) struct Read;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    path: String,
    /// First line, from 1.
    offset_line: Option<u32>,
    limit_lines: Option<u32>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    /// For `base_hash` of `edit` and `write`.
    hash: String,
    total_lines: usize,
    first_line: usize,
    last_line: usize,
    /// What is special about the file: line ends, no newline at the end, byte order mark.
    notes: Vec<&'static str>,
}

impl Tool<Call> for Read {
    const SPEC: Spec = Spec {
        name: "read",
        title: "Read a file",
        description: "Read a text file with line numbers, 400 lines by default. Paths are relative to the root. Also \
            tells the file's hash and anything unusual about its line ends.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, arguments: Arguments) -> Result<Reply<Output>, Problem> {
        let path = checked_path("path", &arguments.path)?;
        let file = get_text(call, &path).await?;
        let first = arguments.offset_line.unwrap_or(1).max(1) as usize;
        let limit = arguments.limit_lines.map_or(DEFAULT_LINES, |limit| limit.max(1) as usize);
        window(&path, &file, first, limit)
    }
}

fn window(path: &str, file: &TextFile, first: usize, limit: usize) -> Result<Reply<Output>, Problem> {
    let content = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    // Only line feeds end a line; a carriage return before one is part of the line end, not of the line.
    let lines: Vec<&str> = content.split_inclusive('\n').map(plain_line).collect();
    if first > lines.len().max(1) {
        return Err(Problem::told(format!("`{path}` has {} lines", lines.len())));
    }
    let mut body = String::new();
    let mut last = first - 1;
    for (index, line) in lines.iter().enumerate().skip(first - 1).take(limit) {
        body.push_str(&format!("{}\t{}\n", index + 1, text::cut(&text::escape(line), LINE_BYTES)));
        last = index + 1;
        if body.len() > WINDOW_BYTES {
            break;
        }
    }
    let notes = notes(file);
    let mut head = format!("{path}, lines {first}-{last} of {}, hash {}", lines.len(), file.hash);
    if lines.is_empty() {
        head = format!("{path} is empty, hash {}", file.hash);
    }
    for note in &notes {
        head.push_str(&format!(", {note}"));
    }
    if last < lines.len() {
        body.push_str(&format!("[go on with offset_line {}]\n", last + 1));
    }
    let output = Output {
        hash: file.hash.clone(),
        total_lines: lines.len(),
        first_line: first,
        last_line: last,
        notes,
    };
    Ok(Reply::new(format!("{head}\n{body}"), output))
}

fn plain_line(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

fn notes(file: &TextFile) -> Vec<&'static str> {
    let mut notes = Vec::new();
    match file.line_ends() {
        LineEnds::Lf => {}
        LineEnds::CrLf => notes.push("CRLF line ends"),
        LineEnds::Mixed => notes.push("mixed line ends"),
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        notes.push("no newline at the end");
    }
    if file.text.starts_with('\u{feff}') {
        notes.push("byte order mark");
    }
    notes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::Bench;

    #[tokio::test]
    async fn lines_are_numbered_and_the_hash_is_told() {
        let bench = Bench::new();
        let hash = bench.put("src/a.rs", "fn main() {\n\tprintln!(\"日本\");\n}\n".as_bytes());
        let result = bench.call("read", json!({"path": "./src/a.rs"})).await;
        let expected = format!(
            "src/a.rs, lines 1-3 of 3, hash {hash}\n1\tfn main() {{\n2\t\tprintln!(\"日本\");\n3\t}}\n"
        );
        assert_eq!((result.text, result.is_error, result.may_have_changed), (expected, false, false));
        assert_eq!(result.structured.unwrap()["hash"], hash);
    }

    #[tokio::test]
    async fn windows_say_how_to_go_on() {
        let bench = Bench::new();
        let lines: String = (1..=1000).map(|line| format!("line {line}\n")).collect();
        bench.put("a", lines.as_bytes());
        let result = bench.call("read", json!({"path": "a"})).await;
        assert!(result.text.starts_with("a, lines 1-400 of 1000, "), "{}", result.text);
        assert!(result.text.ends_with("400\tline 400\n[go on with offset_line 401]\n"));
        let result = bench.call("read", json!({"path": "a", "offset_line": 999, "limit_lines": 50})).await;
        assert!(result.text.ends_with("\n999\tline 999\n1000\tline 1000\n"), "{}", result.text);
        let result = bench.call("read", json!({"path": "a", "offset_line": 1001})).await;
        assert_eq!((result.is_error, result.text.as_str()), (true, "`a` has 1000 lines"));
    }

    #[tokio::test]
    async fn long_lines_and_large_windows_are_cut() {
        let bench = Bench::new();
        bench.put("long", "x".repeat(1_000_000).as_bytes());
        let result = bench.call("read", json!({"path": "long"})).await;
        assert!(result.text.ends_with("… [999400 more bytes]\n"), "{}", result.text);
        let wide = format!("{}\n", "y".repeat(500)).repeat(400);
        bench.put("wide", wide.as_bytes());
        let result = bench.call("read", json!({"path": "wide"})).await;
        assert!(result.text.len() < 26_000 && result.text.contains("[go on with offset_line "));
    }

    #[tokio::test]
    async fn what_is_special_is_noted() {
        let bench = Bench::new();
        for (bytes, expected) in [
            (&b"a\r\nb\r\n"[..], ", CRLF line ends\n1\ta\n2\tb\n"),
            (b"a\r\nb\nc", ", mixed line ends, no newline at the end\n1\ta\n2\tb\n3\tc\n"),
            (b"\xef\xbb\xbfa\n", ", byte order mark\n1\ta\n"),
            (b"a\rb\x1b[31m\n", "\n1\ta\\rb\\x1b[31m\n"),
        ] {
            bench.put("f", bytes);
            let result = bench.call("read", json!({"path": "f"})).await;
            assert!(result.text.ends_with(expected), "{:?}", result.text);
        }
        let hash = bench.put("f", b"");
        assert_eq!(bench.call("read", json!({"path": "f"})).await.text, format!("f is empty, hash {hash}\n"));
    }

    #[tokio::test]
    async fn what_is_no_text_is_refused() {
        let bench = Bench::new();
        bench.put("src/lib.rs", b"x");
        for (path, bytes, expected) in [
            ("bin", &b"\x7fELF\0\0"[..], "`bin` is binary (6 bytes); use `shell` for it"),
            (
                "sjis",
                b"\x93\xfa\x96{",
                "`sjis` is not UTF-8, so treated as binary (4 bytes); use `shell` for it",
            ),
        ] {
            bench.put(path, bytes);
            let result = bench.call("read", json!({"path": path})).await;
            assert_eq!((result.is_error, result.text.as_str()), (true, expected));
        }
        for (path, expected) in [
            ("lib.rs", "there is no file `lib.rs`; did you mean `src/lib.rs`?"),
            ("nothing/like/it.c", "there is no file `nothing/like/it.c`"),
            (".git/config", "`path`: `.git` belongs to the host"),
        ] {
            let result = bench.call("read", json!({"path": path})).await;
            assert_eq!((result.is_error, result.text.as_str()), (true, expected));
        }
    }
}
