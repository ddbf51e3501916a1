//! Reads the providers' error bodies.
//!
//! All of them answer with an object `error` of which we read `message`, `code`, `type`, `status` and `details`:
//!
//! - OpenAI: `{"error":{"message":"…","type":"invalid_request_error","code":"context_length_exceeded"}}`
//!   (documented at <https://platform.openai.com/docs/guides/error-codes>)
//! - Anthropic: `{"type":"error","error":{"type":"overloaded_error","message":"…"}}`
//!   (documented at <https://platform.claude.com/docs/en/api/errors>)
//! - Gemini: `{"error":{"code":429,"message":"…","status":"RESOURCE_EXHAUSTED","details":[…]}}`
//!   (documented at <https://ai.google.dev/gemini-api/docs/troubleshooting>), from some routes in a list of one
//! - llama.cpp: `{"error":{"code":400,"message":"…","type":"exceed_context_size_error"}}`
//! - Ollama and others: `{"error":"…"}` or `{"message":"…"}`

use serde_json::Value;

use super::{Failure, clean};
use crate::retry::duration_ms;

/// What an error body says, as far as we read it.
#[derive(Debug, Default)]
struct Words {
    message: String,
    /// `code`, `type`, `status` and the reasons of `details`, lower-case, separated by spaces.
    kinds: String,
    /// A numeric `code`, as Gemini and OpenRouter give it.
    number: Option<u16>,
    retry_after_ms: Option<u64>,
}

/// The failure that a response with an error status stands for. `body` may be anything, also empty.
pub(crate) fn from_response(status: u16, body: &[u8], retry_after_ms: Option<u64>) -> Failure {
    let words = match serde_json::from_slice::<Value>(body) {
        Ok(value) => read(&value),
        Err(_) => Words { message: clean(&String::from_utf8_lossy(body)), ..Words::default() },
    };
    let words = Words { retry_after_ms: retry_after_ms.or(words.retry_after_ms), ..words };
    by_meaning(&words).unwrap_or_else(|| by_status(status, words))
}

/// The failure that an error object in the middle of a stream stands for. There is no HTTP status any more, so the
/// kind must do; what can't be told is taken for a passing fault.
pub(crate) fn from_error_object(body: &Value) -> Failure {
    let words = read(body);
    if let Some(failure) = by_meaning(&words) {
        return failure;
    }
    if let Some(status) = words.number.filter(|number| (400..600).contains(number)) {
        return by_status(status, words);
    }
    let is = |kind: &str| words.kinds.contains(kind);
    if is("rate_limit") || is("resource_exhausted") || is("too_many_requests") {
        Failure::RateLimited { retry_after_ms: words.retry_after_ms }
    } else if is("authentication") || is("permission") || is("unauthenticated") {
        Failure::Authentication { status: 401 }
    } else if is("invalid_request") || is("invalid_prompt") || is("invalid_argument") || is("policy") {
        Failure::Rejected { status: 400, message: words.message }
    } else {
        let reason = "the provider reported an error in the stream".to_owned();
        Failure::Unavailable { reason, retry_after_ms: words.retry_after_ms }
    }
}

/// Meanings that hold whatever the status is.
fn by_meaning(words: &Words) -> Option<Failure> {
    let message = words.message.to_lowercase();
    let says = |text: &str| message.contains(text);
    let is = |kind: &str| words.kinds.contains(kind);
    let overflow = is("context_length_exceeded")
        || is("exceed_context_size")
        || is("request_too_large")
        || says("maximum context length")
        || says("maximum model length")
        || says("context size")
        || says("context window")
        || says("prompt is too long")
        || says("exceed context limit")
        || (says("input token count") && says("exceeds the maximum"));
    if overflow {
        return Some(Failure::ContextOverflow);
    }
    // Gemini answers 429 both for a burst and for a used-up day; only the first one passes soon.
    let quota = is("insufficient_quota")
        || is("billing")
        || says("credit balance is too low")
        || says("insufficient balance")
        || is("perday");
    if quota {
        return Some(Failure::QuotaExhausted);
    }
    (is("api_key_invalid") || says("api key not valid")).then_some(Failure::Authentication { status: 400 })
}

fn by_status(status: u16, words: Words) -> Failure {
    match status {
        401 | 403 => Failure::Authentication { status },
        402 => Failure::QuotaExhausted,
        413 => Failure::ContextOverflow,
        429 => Failure::RateLimited { retry_after_ms: words.retry_after_ms },
        // 409 and 425 are what gateways answer to a request that came at the wrong moment.
        408 | 409 | 425 | 500.. => {
            Failure::Unavailable { reason: format!("status {status}"), retry_after_ms: words.retry_after_ms }
        }
        _ => Failure::Rejected { status, message: words.message },
    }
}

fn read(body: &Value) -> Words {
    let body = body.get(0).unwrap_or(body);
    // Responses puts the fields of an `error` event at the top.
    let error = body.get("error").filter(|error| !error.is_null()).unwrap_or(body);
    let text = |key: &str| error.get(key).and_then(Value::as_str);
    let message = text("message").or_else(|| error.as_str()).or_else(|| text("detail")).unwrap_or_default();
    let details = error.get("details").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut kinds: Vec<&str> = ["code", "type", "status"].into_iter().filter_map(text).collect();
    kinds.extend(details.iter().filter_map(|detail| detail.get("reason")?.as_str()));
    let violations = details.iter().filter_map(|detail| detail.get("violations")?.as_array()).flatten();
    kinds.extend(violations.filter_map(|violation| violation.get("quotaId")?.as_str()));
    Words {
        message: clean(message),
        kinds: kinds.join(" ").to_lowercase(),
        number: error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok()),
        retry_after_ms: details.iter().find_map(|detail| duration_ms(detail.get("retryDelay")?.as_str()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &Failure) {
        assert_eq!(&from_response(status, body.as_bytes(), None), expected, "{body}");
    }

    fn rejected(status: u16, message: &str) -> Failure {
        Failure::Rejected { status, message: message.to_owned() }
    }

    #[test]
    fn every_providers_context_overflow_is_known() {
        for (status, body) in [
            (
                400,
                r#"{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}"#,
            ),
            (
                400,
                r#"{"error":{"message":"This endpoint's maximum context length is 8192 tokens.","code":400}}"#,
            ),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 215000 tokens > 200000 maximum"}}"#,
            ),
            (
                413,
                r#"{"type":"error","error":{"type":"request_too_large","message":"Request exceeds the maximum size"}}"#,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}}"#,
            ),
            (400, r#"{"object":"error","message":"This model's maximum context length is 4096 tokens."}"#),
            (413, "<html>Payload Too Large</html>"),
        ] {
            check(status, body, &Failure::ContextOverflow);
        }
    }

    #[test]
    fn used_up_quota_is_told_from_a_burst() {
        check(
            429,
            r#"{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            &Failure::QuotaExhausted,
        );
        check(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#,
            &Failure::QuotaExhausted,
        );
        check(402, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#, &Failure::QuotaExhausted);
        let day = r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},{"retryDelay":"12s"}]}}"#;
        check(429, day, &Failure::QuotaExhausted);
        let minute = r#"[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"quota","details":[{"violations":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel"}]},{"retryDelay":"12.5s"}]}}]"#;
        check(429, minute, &Failure::RateLimited { retry_after_ms: Some(12_500) });
        check(429, "", &Failure::RateLimited { retry_after_ms: None });
    }

    #[test]
    fn statuses_decide_the_rest() {
        check(
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-a***b"}}"#,
            &Failure::Authentication { status: 401 },
        );
        check(403, "", &Failure::Authentication { status: 403 });
        check(
            400,
            r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
            &Failure::Authentication { status: 400 },
        );
        check(404, r#"{"error":"model 'x' not found"}"#, &rejected(404, "model 'x' not found"));
        check(
            422,
            r#"{"detail":"Extra inputs are not permitted"}"#,
            &rejected(422, "Extra inputs are not permitted"),
        );
        check(400, "not json", &rejected(400, "not json"));
        for status in [408, 409, 500, 502, 503, 504, 529] {
            check(status, "<html>", &Failure::unavailable(format!("status {status}")));
        }
        let told = from_response(503, b"", Some(1_000));
        assert_eq!(told.retry_after_ms(), Some(1_000));
    }

    #[test]
    fn errors_in_a_stream_are_classified_by_kind() {
        let of = |body: &str| from_error_object(&serde_json::from_str(body).expect("a test body"));
        assert_eq!(
            of(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)
                .retry_after_ms(),
            None
        );
        assert!(
            of(r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)
                .is_transient()
        );
        assert_eq!(
            of(r#"{"error":{"code":"rate_limit_exceeded","message":"slow down"}}"#),
            Failure::RateLimited { retry_after_ms: None }
        );
        assert_eq!(of(r#"{"type":"error","code":"invalid_prompt","message":"no"}"#), rejected(400, "no"));
        assert_eq!(
            of(r#"{"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}"#),
            Failure::unavailable("status 503")
        );
        assert!(of("{}").is_transient());
    }
}
