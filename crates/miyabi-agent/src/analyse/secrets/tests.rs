//! Secrets that must be found and texts that must not. Keys are put together here, so that no scanner, ours included,
//! takes this file for a leak.

use super::super::diff::parse;
use super::super::tests::{added, change_of, file};
use super::*;
use miyabi_core::gate::Verdict;

const LETTERS: &str = "q8Zt4LmW2xVb7Rk1PfYh3NcJ6sDg9TaQe5UoXiKwMzBvCrElSpGy0HnFdOjIuA7t";

fn letters(count: usize) -> String {
    LETTERS.chars().cycle().take(count).collect()
}

fn hex(count: usize) -> String {
    "9f3a61c07be254d8".chars().cycle().take(count).collect()
}

fn found_in(path: &str, text: &str) -> Vec<String> {
    let patch = added(path, text);
    signals(&parse(&patch)).into_iter().map(|signal| signal.problem).collect()
}

#[test]
fn keys_of_known_forms_are_found_and_masked() {
    let upper: String = "Q7ZT4LMW2XVB7RK3".into();
    let cases = [
        (format!("key = AKIA{upper}"), "an AWS access key"),
        (format!("aws_secret_access_key = {}", letters(40)), "an AWS secret key"),
        (format!("t: ghp_{}", letters(36)), "a GitHub token"),
        (format!("t: github_pat_{}", letters(60)), "a GitHub token"),
        (format!("glpat-{}", letters(20)), "a GitLab token"),
        (format!("xoxb-{}", letters(30)), "a Slack token"),
        (format!("https://hooks.slack.com/services/{}", letters(40)), "a Slack webhook"),
        (format!("sk_live_{}", letters(24)), "a Stripe key"),
        (format!("AIza{}", letters(35)), "a Google API key"),
        (format!("sk-ant-api03-{}", letters(80)), "an Anthropic key"),
        (format!("sk-proj-{}", letters(60)), "an OpenAI key"),
        (format!("npm_{}", letters(36)), "an npm token"),
        (format!("pypi-AgE{}", letters(60)), "a PyPI token"),
        (format!("dop_v1_{}", hex(64)), "a DigitalOcean token"),
        (format!("SG.{}.{}", letters(22), letters(43)), "a SendGrid key"),
        (format!("eyJ{}.eyJ{}.{}", letters(20), letters(30), letters(43)), "a JSON web token"),
        (format!("postgres://app:{}@db.internal/x", letters(12)), "a password in an address"),
        (format!("Authorization: Basic {}", letters(24)), "credentials of HTTP basic authentication"),
        (format!("-----BEGIN RSA {} KEY-----\n{}", "PRIVATE", letters(64)), "a private key"),
        (format!("k = \"-----BEGIN {} KEY-----\\n{}\"", "PRIVATE", letters(64)), "a private key"),
        (format!("password = \"{}\"", letters(20)), "a secret"),
        (format!("const apiKey: string = '{}';", letters(32)), "a secret"),
        (format!("  \"client_secret\": \"{}\",", hex(40)), "a secret"),
        (format!("SESSION_SECRET={}", letters(32)), "a secret"),
    ];
    for (line, expected) in cases {
        let problems = found_in("src/config.txt", &line);
        assert_eq!(problems.len(), 1, "{line}: {problems:?}");
        assert!(problems[0].starts_with(&format!("looks like {expected}: ")), "{line}: {problems:?}");
        assert!(!problems[0].contains(&letters(12)), "{problems:?}");
    }
}

#[test]
fn other_texts_are_no_secrets() {
    for line in [
        "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
        "password = \"your-password-here-123\"",
        "let token = std::env::var(\"API_TOKEN\");",
        "api_key = \"${API_KEY_FROM_THE_VAULT_1}\"",
        "token: \"{{ secrets.GITHUB_TOKEN_NUMBER_1 }}\"",
        "TOKEN=$(cat /run/secrets/token)",
        "https://user:password@example.com",
        "git@github.com:owner/repository.git",
        "postgres://app:$PASSWORD@localhost/app",
        "commit 9f3a61c07be254d89f3a61c07be254d89f3a61c0",
        "\"integrity\": \"sha512-q8Zt4LmW2xVb7Rk1PfYh3NcJ6sDg9TaQe5UoXiKwMzBv==\"",
        "-----BEGIN PRIVATE KEY-----",
        "let pattern = \"-----BEGIN PRIVATE KEY-----\";",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAq8Zt4LmW2xVb7Rk1",
        "password: \"a long sentence of words\"",
        "reset_password = \"accounts/password/reset/form2\"",
        "token_type = \"application-access-token-v2\"",
        "secret = \"0123456789abcdef0123456789abcdef\"",
        "fn secret_of(token: &str) -> String {",
        "tokens = [\"the\", \"quick\", \"brown\"]",
    ] {
        assert_eq!(found_in("src/a.txt", line), [""; 0], "{line}");
    }
}

#[test]
fn what_only_moves_was_there_before() {
    let line = format!("key = \"ghp_{}\"", letters(36));
    let patch =
        format!("diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-{line}\n+gone\n{}", added("b", &line));
    assert_eq!(signals(&parse(&patch)), []);
}

#[test]
fn tests_may_hold_what_was_made_for_them() {
    let verdict = |path: &str, line: String| {
        let patch = added(path, &line);
        gate(&change_of(vec![]), &parse(&patch)).verdict
    };
    let key = format!("-----BEGIN {} KEY-----\n{}", "PRIVATE", letters(64));
    for (line, in_code, in_test) in [
        (format!("ghp_{}", letters(36)), Verdict::Fail, Verdict::Fail),
        (key, Verdict::Fail, Verdict::Unknown),
        (format!("password = \"{}\"", letters(20)), Verdict::Fail, Verdict::Pass),
        (format!("eyJ{}.eyJ{}.{}", letters(20), letters(30), letters(43)), Verdict::Fail, Verdict::Pass),
    ] {
        assert_eq!(verdict("src/a.py", line.clone()), in_code, "{line}");
        assert_eq!(verdict("tests/test_a.py", line.clone()), in_test, "{line}");
    }
}

#[test]
fn the_gate_names_the_place() {
    let patch = added("src/a.rs", &format!("fine\nlet t = \"ghp_{}\";", letters(36)));
    let result = gate(&change_of(vec![]), &parse(&patch));
    assert_eq!(result.verdict, Verdict::Fail);
    assert_eq!(result.detail, "src/a.rs:2 looks like a GitHub token: ghp_… (40 characters)");
    let mut store = file("certs/prod.p12", 0, 0);
    store.is_binary = true;
    assert_eq!(gate(&change_of(vec![store]), &[]).detail, "certs/prod.p12 is a key store");
    let locked = added("package-lock.json", &format!("\"token\": \"{}\"", letters(40)));
    assert_eq!(gate(&change_of(vec![]), &parse(&locked)).verdict, Verdict::Pass);
}
