//! Reading the stream of events: server-sent events, as the server of this crate writes them.

use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::Method;
use futures::StreamExt as _;
use miyabi_core::error::ErrorCode;

use super::{Call, Client, encode, unreachable};
use crate::api::{Event, Problem, RunEvent};

/// Silence after which the connection counts as lost: two heartbeats and some more.
const SILENCE_LIMIT: Duration = Duration::from_secs(40);

/// The longest event, in bytes. The largest real one carries a plan or a report of gates.
const EVENT_BYTES: usize = 16 * 1024 * 1024;

/// Something that came over the stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// An event.
    Event(Box<RunEvent>),
    /// The place asked for is not known any more: look at everything anew, then go on from this place.
    Reset {
        /// Where the stream goes on.
        id: u64,
    },
}

/// A stream of events. Dropping it ends the request.
pub struct EventStream {
    body: BodyDataStream,
    buffer: Vec<u8>,
    last_id: Option<u64>,
}

impl Client {
    /// Follows what happens: `scope` is `all`, `run:<id>` or `project:<id>`, `after` the event to begin behind, or
    /// none for what comes from now on.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn events(&self, scope: &str, after: Option<u64>) -> Result<EventStream, Problem> {
        let scope = encode(scope);
        let path = match after {
            Some(after) => format!("/events?scope={scope}&after={after}"),
            None => format!("/events?scope={scope}"),
        };
        let call = Call { method: Method::GET, path: &path, body: None::<&()>, idempotency_key: None };
        let answer = self.send(call).await?;
        Ok(EventStream { body: answer.into_body().into_data_stream(), buffer: Vec::new(), last_id: after })
    }
}

impl EventStream {
    /// The last event seen: where a new stream takes this one up.
    pub fn last_id(&self) -> Option<u64> {
        self.last_id
    }

    /// The next thing that happens; `None` when the server ended the stream. Cancel-safe: what was read stays here.
    ///
    /// # Errors
    /// `SERVER_UNREACHABLE` when the connection broke or is silent; a new stream from [`EventStream::last_id`] goes
    /// on without a gap.
    pub async fn next(&mut self) -> Result<Option<Happening>, Problem> {
        loop {
            if let Some(block) = self.take_block() {
                if let Some(happening) = self.read_block(&block)? {
                    return Ok(Some(happening));
                }
                continue;
            }
            let next = tokio::time::timeout(SILENCE_LIMIT, self.body.next()).await;
            match next.map_err(|_| unreachable("the stream of events fell silent"))? {
                None => return Ok(None),
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(error)) => return Err(unreachable(format!("the stream of events broke: {error}"))),
            }
            if self.buffer.len() > EVENT_BYTES {
                return Err(Problem::new(ErrorCode::Internal, "an event is larger than any event can be"));
            }
        }
    }

    /// The bytes up to the next blank line, if they are all there.
    fn take_block(&mut self) -> Option<Vec<u8>> {
        let end = self.buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let mut block: Vec<u8> = self.buffer.drain(..end + 2).collect();
        block.truncate(end);
        Some(block)
    }

    /// One event's fields; `None` for comments.
    fn read_block(&mut self, block: &[u8]) -> Result<Option<Happening>, Problem> {
        let damaged =
            |reason: String| Problem::new(ErrorCode::Internal, format!("an event can't be read: {reason}"));
        let text = std::str::from_utf8(block).map_err(|error| damaged(error.to_string()))?;
        let (mut id, mut data, mut name) = (None, None, "message");
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", value)) => id = value.parse().ok(),
                Some(("data", value)) => data = Some(value),
                Some(("event", value)) => name = value,
                _ => {}
            }
        }
        let (Some(id), Some(data)) = (id, data) else {
            return Ok(None);
        };
        self.last_id = Some(id);
        if name == "reset" {
            return Ok(Some(Happening::Reset { id }));
        }
        let event: Event = serde_json::from_str(data).map_err(|error| damaged(error.to_string()))?;
        Ok(Some(Happening::Event(Box::new(RunEvent { id, event }))))
    }
}
