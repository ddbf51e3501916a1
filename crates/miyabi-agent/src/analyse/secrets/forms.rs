//! Keys of well-known forms.

use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::random::is_fake;
use crate::analyse::pattern::pattern;

/// A secret in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'a> {
    /// What it is, with its article.
    pub(super) what: &'static str,
    pub(super) secret: &'a str,
    pub(super) kind: Kind,
}

/// How likely it is that a find opens something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A service gave it out.
    Issued,
    /// A private key: in tests made for them, as a rule.
    Key,
    /// Made by whoever wrote the line; in tests most are made up.
    Own,
}

/// Forms that their makers document, so that scanners find them. The first group, if there is one, is the secret.
const FORMS: &[(&str, &str)] = &[
    ("an AWS access key", r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b"),
    ("an AWS secret key", r#"(?i)aws_?secret(?:_?access)?_?key["']?\s*[:=]\s*["']?([A-Za-z0-9/+]{40})\b"#),
    ("a GitHub token", r"\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{40,255})\b"),
    ("a GitLab token", r"\b(gl(?:pat|dt|rt|ptt|cbt|ft)-[A-Za-z0-9_-]{20,64})"),
    ("a Slack token", r"\b(xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[0-9]-[A-Za-z0-9-]{20,250})"),
    ("a Slack webhook", r"(https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,})"),
    (
        "a Discord webhook",
        r"(https://(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,})",
    ),
    ("a Stripe key", r"\b((?:sk|rk)_(?:live|test)_[A-Za-z0-9]{20,250}|whsec_[A-Za-z0-9+/=]{32,})"),
    ("a Google API key", r"\b(AIza[A-Za-z0-9_-]{35})"),
    ("a Google OAuth secret", r"\b(GOCSPX-[A-Za-z0-9_-]{28})"),
    ("an Anthropic key", r"\b(sk-ant-[a-z0-9]+-[A-Za-z0-9_-]{32,})"),
    (
        "an OpenAI key",
        r"\b(sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{32,}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{48})\b",
    ),
    ("a Hugging Face token", r"\b(hf_[A-Za-z]{34})\b"),
    ("an npm token", r"\b(npm_[A-Za-z0-9]{36})\b"),
    ("a PyPI token", r"\b(pypi-AgE[A-Za-z0-9_-]{50,})"),
    ("a crates registry token", r"\b(cio[A-Za-z0-9]{32})\b"),
    ("a Docker Hub token", r"\b(dckr_pat_[A-Za-z0-9_-]{27})"),
    ("a DigitalOcean token", r"\b(do[opr]_v1_[a-f0-9]{64})\b"),
    ("a SendGrid key", r"\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"),
    ("a Twilio key", r"\b(SK[0-9a-f]{32})\b"),
    ("a Telegram bot token", r"\b([0-9]{8,10}:AA[A-Za-z0-9_-]{33})\b"),
    ("a Shopify token", r"\b(shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})\b"),
    ("a Databricks token", r"\b(dapi[a-f0-9]{32})\b"),
    ("an age key", r"\b(AGE-SECRET-KEY-1[0-9A-Z]{58})\b"),
    ("a JSON web token", r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,})"),
    ("a key of an Azure storage account", r"(?i)AccountKey=([A-Za-z0-9+/]{86}==)"),
    (
        "a password in an address",
        r"\b[a-z][a-z0-9+.-]{1,15}://[^/\s:@'\x22$<>{}]{1,64}:([^/\s:@'\x22$<>{}]{6,128})@[A-Za-z0-9.-]+",
    ),
    (
        "credentials of HTTP basic authentication",
        r"(?i)authorization['\x22]?\s*[:=,]\s*['\x22]?basic\s+([A-Za-z0-9+/]{16,}={0,2})",
    ),
];

static SET: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(FORMS.iter().map(|(_, form)| form)).unwrap_or_default());
static EACH: LazyLock<Vec<Regex>> = LazyLock::new(|| FORMS.iter().map(|(_, form)| pattern(form)).collect());
static PRIVATE_KEY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\\n|\s)*([A-Za-z0-9+/=]*)")
});
static KEY_BODY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"^[\s"'+]*([A-Za-z0-9+/]{40,}={0,2}|Proc-Type:.*|Version:.*)[\s"'\\n,+;]*$"#));

/// The secrets of a line. A private key begins on one line and is shown to be one by the next.
pub(super) fn find<'a>(line: &'a str, next: &str) -> Vec<Found<'a>> {
    let mut all: Vec<_> = SET
        .matches(line)
        .into_iter()
        .flat_map(|index| {
            let whole = EACH[index].captures_iter(line);
            whole.filter_map(move |groups| {
                Some(Found {
                    what: FORMS[index].0,
                    secret: groups.get(1)?.as_str(),
                    kind: kind(FORMS[index].0),
                })
            })
        })
        .filter(|found| !is_fake(found.secret) && !is_plain_word(found))
        .collect();
    if let Some(groups) = PRIVATE_KEY.captures(line) {
        let in_line = groups.get(1).is_some_and(|body| body.len() >= 40 && !is_fake(body.as_str()));
        if in_line || KEY_BODY.is_match(next) && !is_fake(next) {
            let secret = groups.get(0).map_or(line, |whole| whole.as_str());
            all.push(Found { what: "a private key", secret, kind: Kind::Key });
        }
    }
    all
}

fn kind(what: &str) -> Kind {
    let own = ["a JSON web token", "a password in an address", "credentials of HTTP basic authentication"];
    if own.contains(&what) { Kind::Own } else { Kind::Issued }
}

/// `postgres://app:password@…` is what every manual has in it.
fn is_plain_word(found: &Found<'_>) -> bool {
    found.secret.len() < 16 && found.secret.chars().all(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_well_formed() {
        assert_eq!(SET.len(), FORMS.len());
        assert!(EACH.iter().all(|form| form.captures_len() == 2));
        assert!(PRIVATE_KEY.captures_len() == 2 && KEY_BODY.captures_len() == 2);
    }
}
