//! Properties of the parser and the dialects: the chunking of a stream never matters, and no bytes whatever make
//! the client panic or grow without bound.

#![cfg(test)]

mod common;

use std::path::Path;

use common::server::{End, Reply, Server};
use common::{provider, request, single};
use miyabi_core::port::model::{Model as _, NoPreview};
use miyabi_model::sse::{Event, Parser, TooLong};
use miyabi_model::{Dialect, Limits, RetryPolicy, Script};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

fn parse<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, limit: usize) -> Result<Vec<Event>, TooLong> {
    let mut parser = Parser::new(limit);
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(parser.push(chunk)?);
    }
    events.extend(parser.finish()?);
    Ok(events)
}

/// Cuts bytes at the given places.
fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut chunks = Vec::new();
    let mut begin = 0;
    for place in places {
        chunks.push(&bytes[begin..place]);
        begin = place;
    }
    chunks.push(&bytes[begin..]);
    chunks
}

/// Texts that look like streams: fields, comments, all line ends, text beyond ASCII.
fn stream_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("data: ".to_owned()),
        Just("data:".to_owned()),
        Just("event: x".to_owned()),
        Just(": c".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\r".to_owned()),
        Just("\u{FEFF}".to_owned()),
        Just("[DONE]".to_owned()),
        "[a-zä🎌:{} ]{0,6}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunking_never_matters(
        bytes in prop_oneof![stream_like(), prop::collection::vec(any::<u8>(), 0..300)],
        places in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let whole = parse([&bytes[..]], 1 << 16);
        prop_assert_eq!(parse(cut(&bytes, &places), 1 << 16), whole.clone());
        prop_assert_eq!(parse(bytes.chunks(1), 1 << 16), whole);
    }

    #[test]
    fn what_is_written_is_read(data in prop::collection::vec("[^\r\n]{0,20}", 1..5), name in "[a-z._]{0,12}") {
        let mut stream = String::new();
        if !name.is_empty() {
            stream.push_str(&format!("event: {name}\n"));
        }
        for line in &data {
            stream.push_str(&format!("data: {line}\n"));
        }
        stream.push('\n');
        let expected = vec![Event { name, data: data.join("\n") }];
        prop_assert_eq!(parse([stream.as_bytes()], 1 << 16), Ok(expected));
    }

    #[test]
    fn memory_is_bounded(bytes in prop::collection::vec(any::<u8>(), 0..2_000), limit in 0_usize..200) {
        if let Ok(events) = parse(bytes.chunks(13), limit) {
            // A byte that is not UTF-8 becomes three.
            prop_assert!(events.iter().all(|event| event.data.len() <= 3 * limit));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Scripts come from users: whatever they hold, they are read or refused.
    #[test]
    fn scripts_never_panic(text in "[\\[\\]{}=\",a-z\n ]{0,80}|\\{.{0,60}|.{0,60}") {
        drop(Script::parse(&text));
    }
}

/// A fixture with a few of its bytes changed, cut off, or with a stretch repeated.
fn damaged() -> impl Strategy<Value = (Dialect, Vec<u8>, bool)> {
    let fixtures = [
        (Dialect::Compatible, "chat/openai-tools.sse"),
        (Dialect::Compatible, "chat/bare-tools.sse"),
        (Dialect::Responses, "responses/tools.sse"),
        (Dialect::Responses, "responses/text-reasoning.sse"),
        (Dialect::Gemini, "gemini/tools.sse"),
        (Dialect::Anthropic, "anthropic/thinking-tools.sse"),
    ];
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (
        prop::sample::select(fixtures.to_vec()),
        changes,
        any::<prop::sample::Index>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|((dialect, file), changes, end, cut_off, abrupt)| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
            let mut bytes = std::fs::read(path).expect("the fixture");
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if cut_off {
                bytes.truncate(end.index(bytes.len()));
            }
            (dialect, bytes, abrupt)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage ends in an answer or an error, never in a panic or a wait.
    #[test]
    fn damaged_streams_never_panic((dialect, bytes, abrupt) in damaged()) {
        let end = if abrupt { End::Cut } else { End::Proper };
        let server = Server::start(vec![Reply::events(&bytes).ending(end)]);
        let mut config = provider(dialect, &server.base_url());
        config.retry = RetryPolicy::none();
        config.limits = Limits { event_bytes: 1 << 14, response_bytes: 1 << 16 };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            drop(single(config).ask(&request("p/m", "x"), &NoPreview, &CancellationToken::new()).await);
        });
    }
}
