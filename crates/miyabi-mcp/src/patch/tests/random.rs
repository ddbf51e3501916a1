//! Random texts and random bytes.

use proptest::prelude::*;

use super::*;

/// A diff of two texts as `diff -u` writes it, by the longest common subsequence of lines.
fn diff(a: &[u8], b: &[u8], context: usize) -> Vec<u8> {
    let (a, b) = (lines(a), lines(b));
    let mut longest = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            longest[i][j] = if a[i] == b[j] {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut script) = (0, 0, Vec::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            script.push((' ', i, j));
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || i < a.len() && longest[i + 1][j] >= longest[i][j + 1] {
            script.push(('-', i, j));
            i += 1;
        } else {
            script.push(('+', i, j));
            j += 1;
        }
    }
    let changed: Vec<usize> = (0..script.len()).filter(|at| script[*at].0 != ' ').collect();
    let mut patch = b"--- a/f\n+++ b/f\n".to_vec();
    let mut at = 0;
    while at < changed.len() {
        let mut end = at;
        while end + 1 < changed.len() && changed[end + 1] - changed[end] <= 2 * context {
            end += 1;
        }
        let hunk =
            &script[changed[at].saturating_sub(context)..(changed[end] + context + 1).min(script.len())];
        let old = hunk.iter().filter(|(mark, ..)| *mark != '+').count();
        let new = hunk.iter().filter(|(mark, ..)| *mark != '-').count();
        let start = |line: usize, count: usize| if count == 0 { line } else { line + 1 };
        patch.extend(
            format!("@@ -{},{old} +{},{new} @@\n", start(hunk[0].1, old), start(hunk[0].2, new)).bytes(),
        );
        for (mark, i, j) in hunk {
            let line = if *mark == '+' { b[*j] } else { a[*i] };
            patch.extend(mark.to_string().bytes());
            patch.extend(line);
            if !line.ends_with(b"\n") {
                patch.extend(b"\n\\ No newline at end of file\n");
            }
        }
        at = end + 1;
    }
    patch
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Texts with every line end, few different lines, and lines that look like parts of a patch.
fn any_text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("a"),
        Just("b"),
        Just("c"),
        Just(""),
        Just("日本語"),
        Just("\tx"),
        Just("-- a"),
        Just("++ b"),
        Just("@@ -1 +1 @@"),
        Just("diff --git a/x b/x"),
        Just("\\ No newline"),
        Just("a\rb"),
        Just("-- ")
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    let lines = prop::collection::vec((line, end), 0..12);
    (lines, prop_oneof![Just(""), Just("last"), Just("last\r")]).prop_map(|(lines, last)| {
        let body: String = lines.into_iter().flat_map(|(line, end)| [line, end]).collect();
        format!("{body}{last}").into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_diff_leads_from_one_text_to_the_other(a in any_text(), b in any_text(), context in 0usize..4) {
        prop_assume!(a != b);
        let patch = diff(&a, &b, context);
        let before: Files = [("f".to_owned(), a.clone())].into();
        let after: Files = [("f".to_owned(), b.clone())].into();
        let shown = String::from_utf8_lossy(&patch).into_owned();
        prop_assert_eq!(applied(&before, &patch), Ok(after.clone()), "{}", shown);
        let parsed = parse(&patch).unwrap();
        prop_assert!(is_applied(&parsed, |path| after.get(path).cloned()), "{}", shown);
        let back = apply(&parsed.reversed(), |path| after.get(path).cloned());
        prop_assert_eq!(&back.unwrap()[0].bytes, &Some(a), "{}", shown);
    }

    #[test]
    fn no_bytes_make_it_panic(
        parts in prop::collection::vec(prop_oneof![
            Just(b"--- a/f\n".to_vec()), Just(b"+++ b/f\n".to_vec()), Just(b"@@ -1,3 +1,3 @@\n".to_vec()), Just(b"@@ -1 +1 @@\n".to_vec()),
            Just(b"diff --git a/f b/f\n".to_vec()), Just(b"rename from f\n".to_vec()), Just(b"rename to g\n".to_vec()), Just(b"+x\n".to_vec()),
            Just(b"-a\n".to_vec()), Just(b" b\n".to_vec()), Just(b"\n".to_vec()), Just(b"\\ No\n".to_vec()), Just(b"new file mode 100644\n".to_vec()),
            Just(b"@@\n".to_vec()), Just(b"@@ -4294967295,4294967295 +0,0 @@\n".to_vec()), prop::collection::vec(any::<u8>(), 0..12),
        ], 0..24),
    ) {
        let patch = parts.concat();
        let before: Files = files(&[("f", "a\nb\nc\n")]);
        if let Err(error) = applied(&before, &patch) {
            prop_assert!(!error.to_string().chars().any(char::is_control), "{error}");
        }
    }
}
