//! `glob`: files by name.

use globset::{GlobBuilder, GlobMatcher};
use miyabi_core::run::step::Effect;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Call, at_most, refused};
use crate::registry::{Problem, Reply, Spec, Tool, Writes};
use crate::text;

const MAX_PATTERN_BYTES: usize = 1024;
/// Files of a checkout that are looked at.
pub(super) const LOOKED_AT: u32 = 100_000;
const SHOWN_FILES: usize = 300;
const SHOWN_BYTES: usize = 16 * 1024;

/// The tool.
pub(crate) struct Glob;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arguments {
    /// Such as `src/**/*.rs`; without a slash it fits names in any folder.
    pattern: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Output {
    files: Vec<String>,
    total: usize,
}

impl Tool<Call> for Glob {
    const SPEC: Spec = Spec {
        name: "glob",
        title: "Find files",
        description: "List files by a glob, sorted, at most 300. Files that git ignores are left out.",
        writes: Writes::Nothing,
        effect: Effect::Pure,
    };
    type Arguments = Arguments;
    type Output = Output;

    async fn run(call: &Call, Arguments { pattern }: Arguments) -> Result<Reply<Output>, Problem> {
        let glob = matcher("pattern", &pattern)?;
        let all = list(call).await?;
        let mut files: Vec<String> = all.into_iter().filter(|path| glob.is_match(path)).collect();
        let total = files.len();
        let mut bytes = 0;
        let shown = files.iter().take(SHOWN_FILES).take_while(|path| {
            bytes += path.len() + 1;
            bytes <= SHOWN_BYTES
        });
        let shown = shown.count();
        files.truncate(shown);
        let mut text = files.join("\n");
        if total == 0 {
            text = format!("no file fits `{}`", text::cut(&pattern, 200));
        } else if shown < total {
            text.push_str(&format!("\n[and {} more; narrow the pattern]", total - shown));
        }
        Ok(Reply::new(text, Output { files, total }))
    }
}

/// The files of the checkout.
pub(super) async fn list(call: &Call) -> Result<Vec<String>, Problem> {
    call.checkouts.list(&call.scope.checkout, LOOKED_AT).await.map_err(refused)
}

pub(super) fn matcher(field: &str, pattern: &str) -> Result<GlobMatcher, Problem> {
    at_most(field, pattern, MAX_PATTERN_BYTES)?;
    let plain = pattern.trim().trim_start_matches("./");
    if plain.is_empty() {
        return Err(Problem::told(format!("`{field}` is empty")));
    }
    let glob = match plain {
        folder if folder.ends_with('/') => format!("{folder}**"),
        name if !name.contains('/') => format!("**/{name}"),
        path => path.to_owned(),
    };
    let built = GlobBuilder::new(&glob).literal_separator(true).build();
    built.map(|glob| glob.compile_matcher()).map_err(|error| {
        Problem::told(format!("`{field}` is no glob: {}", text::cut(&error.kind().to_string(), 200)))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::fake::Bench;

    async fn glob(bench: &Bench, pattern: &str) -> String {
        bench.call("glob", json!({"pattern": pattern})).await.text
    }

    #[tokio::test]
    async fn files_are_found_by_name_and_place() {
        let bench = Bench::new();
        for path in ["a.rs", "src/b.rs", "src/deep/c.rs", "src/d.txt", "日本/e.rs"] {
            bench.put(path, b"");
        }
        assert_eq!(glob(&bench, "*.rs").await, "a.rs\nsrc/b.rs\nsrc/deep/c.rs\n日本/e.rs");
        assert_eq!(glob(&bench, "src/*.rs").await, "src/b.rs");
        assert_eq!(glob(&bench, "./src/**/*.rs").await, "src/b.rs\nsrc/deep/c.rs");
        assert_eq!(glob(&bench, "src/").await, "src/b.rs\nsrc/d.txt\nsrc/deep/c.rs");
        assert_eq!(glob(&bench, "src/*.{txt,md}").await, "src/d.txt");
        assert_eq!(glob(&bench, "*.py").await, "no file fits `*.py`");
        assert_eq!(glob(&bench, "[a").await, "`pattern` is no glob: unclosed character class; missing ']'");
        assert_eq!(glob(&bench, " ").await, "`pattern` is empty");
    }

    #[tokio::test]
    async fn long_lists_are_cut() {
        let bench = Bench::new();
        for number in 0..310 {
            bench.put(&format!("f{number:03}"), b"");
        }
        let result = bench.call("glob", json!({"pattern": "f*"})).await;
        assert!(result.text.ends_with("f299\n[and 10 more; narrow the pattern]"), "{}", result.text);
        assert_eq!(result.structured.unwrap()["total"], 310);
    }
}
