//! The stream itself. It reads from the journal only as fast as its client takes, so a slow client costs one batch of
//! memory and loses nothing; one that takes nothing at all is dropped by the connection's own time limit, and goes on
//! from the last id it saw.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use miyabi_core::usecase::event::{Watch, last_event, read_events};
use miyabi_core::usecase::{Caller, Error};

use crate::route::App;

/// Events read from the journal at once.
const BATCH: u32 = 100;

/// Silence after which a comment shows that the connection lives. Proxies and browsers give up after 30 s and more.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Time between two looks at a journal that can't be read.
const PAUSE: Duration = Duration::from_secs(1);

/// Failed looks in a row after which the stream ends; the client comes back by itself.
const FAILURES: u32 = 5;

struct Tail {
    app: Arc<App>,
    caller: Caller,
    watch: Watch,
    after: u64,
    ready: VecDeque<Bytes>,
    failures: u32,
}

pub(super) fn response(app: Arc<App>, caller: Caller, watch: Watch, after: u64, is_reset: bool) -> Response {
    // The first bytes go out at once, so that a client knows it is connected.
    let first = if is_reset {
        format!("event: reset\nid: {after}\ndata: {{}}\n\n")
    } else {
        ": connected\n\n".into()
    };
    let tail = Tail { app, caller, watch, after, ready: [Bytes::from(first)].into(), failures: 0 };
    let frames = stream::unfold(tail, |mut tail| async move {
        let frame = tail.next().await?;
        Some((Ok::<_, std::convert::Infallible>(frame), tail))
    });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(frames)).into_response()
}

impl Tail {
    /// The next bytes; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let shutdown = self.app.options.shutdown.clone();
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Some(frame);
            }
            match self.read().await {
                Ok(()) => self.failures = 0,
                Err(error) => {
                    self.failures += 1;
                    tracing::warn!(%error, failures = self.failures, "a stream of events can't read the journal");
                    if self.failures >= FAILURES {
                        return None;
                    }
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            }
            if !self.ready.is_empty() {
                continue;
            }
            let journal = Arc::clone(&self.app.services.runs.journal);
            // All branches only wait, so it does not matter which are dropped.
            tokio::select! {
                () = shutdown.cancelled() => return None,
                () = journal.changed(self.after) => {}
                () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b": alive\n\n")),
            }
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        let runs = &self.app.services.runs;
        // Asked before reading: what is written in between is then found by the next look, not passed over.
        let last = last_event(runs, &self.caller).await?;
        let events = read_events(runs, &self.caller, self.watch, self.after, BATCH).await?;
        let is_end = events.len() < BATCH as usize;
        for stored in events {
            self.after = stored.global_seq;
            if let Ok(json) = serde_json::to_string(&stored.event) {
                let frame = format!("id: {}\ndata: {json}\n\n", stored.global_seq);
                self.ready.push_back(Bytes::from(frame));
            }
        }
        if is_end {
            self.after = self.after.max(last);
        }
        Ok(())
    }
}
