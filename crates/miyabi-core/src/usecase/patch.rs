//! Finds the patch that a text carries, byte for byte as far as its transport left it.

/// The patch in a text: the ```` ```diff ```` blocks of Markdown, else everything from the first line on that begins
/// a unified diff or a mail of `git format-patch`. `None` if there is none.
pub(super) fn extract(text: &str) -> Option<String> {
    let found = fenced(text).or_else(|| bare(text))?;
    let mut patch = undo_transport(found);
    if !patch.ends_with('\n') {
        patch.push('\n');
    }
    Some(patch)
}

fn fenced(text: &str) -> Option<String> {
    let mut found = String::new();
    let mut open: Option<(usize, bool)> = None;
    for line in text.split_inclusive('\n') {
        let ticks = line.trim_start().chars().take_while(|letter| *letter == '`').count();
        match open {
            None if ticks >= 3 => {
                let word = line.trim_start().trim_start_matches('`').trim();
                open = Some((ticks, matches!(word, "diff" | "patch")));
            }
            Some((opening, _)) if ticks >= opening && line.trim().len() == ticks => open = None,
            Some((_, true)) => found.push_str(line),
            _ => {}
        }
    }
    bare(&found).map(|_| found)
}

fn bare(text: &str) -> Option<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let begin = (0..lines.len()).find(|index| begins_patch(lines[*index], lines.get(index + 1)))?;
    Some(lines[begin..].concat())
}

fn begins_patch(line: &str, next: Option<&&str>) -> bool {
    let is_mail = line.strip_prefix("From ").is_some_and(|rest| {
        let hash = rest.split(' ').next().unwrap_or_default();
        hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    let is_plain = line.starts_with("--- ") && next.is_some_and(|next| next.starts_with("+++ "));
    is_mail || is_plain || line.starts_with("diff --git ")
}

/// Web forms send all lines with CR LF. A patch whose own header lines end so was changed on its way, for git never
/// writes them like that; a patch of files with CR LF has them in its content lines only.
fn undo_transport(patch: String) -> String {
    let is_header =
        |line: &&str| line.starts_with("diff --git ") || line.starts_with("+++ ") || line.starts_with("--- ");
    let mut headers = patch.split_inclusive('\n').filter(is_header);
    if headers.all(|line| line.ends_with("\r\n")) { patch.replace("\r\n", "\n") } else { patch }
}

#[cfg(test)]
mod tests {
    use super::extract;

    const DIFF: &str = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

    #[test]
    fn patches_are_found_however_they_come() {
        for text in [
            DIFF.to_owned(),
            format!("Please apply:\n\n{DIFF}"),
            format!("Words\n```diff\n{DIFF}```\nMore words\n"),
            format!("````patch\n{DIFF}````"),
            DIFF.replace('\n', "\r\n"),
            DIFF.trim_end().to_owned(),
        ] {
            assert_eq!(extract(&text).as_deref(), Some(DIFF), "{text}");
        }
        let plain = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(extract(plain).as_deref(), Some(plain));
        let mail =
            format!("From {} Mon Sep 17 00:00:00 2001\nSubject: x\n\n{DIFF}-- \n2.39\n", "0".repeat(40));
        assert_eq!(extract(&format!("see\n{mail}")), Some(mail));
    }

    #[test]
    fn content_lines_keep_their_endings() {
        let windows = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\r\n+b\r\n";
        assert_eq!(extract(windows).as_deref(), Some(windows));
    }

    #[test]
    fn words_are_no_patch() {
        for text in [
            "",
            "Fix it",
            "--- a rule ---\ntext",
            "```diff\n```",
            "```rust\nfn main() {}\n```",
            "From here on",
        ] {
            assert_eq!(extract(text), None, "{text}");
        }
    }
}
