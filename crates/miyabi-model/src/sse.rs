//! A parser of server-sent events: bytes in any chunking in, whole events out. Pure and bounded; no I/O, no JSON.
//!
//! Follows the WHATWG HTML standard, section 9.2.6 "Interpreting an event stream": lines end with
//! LF, CR or CRLF, several `data` lines are joined with LF, comments and unknown fields are skipped, a leading
//! byte order mark is dropped. Two deviations for servers of models: `id` and `retry` are ignored, because a
//! broken answer is asked for anew and never resumed; and [`Parser::finish`] gives out a last event that no empty
//! line ended, because some servers close the connection right after it.

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; empty when the stream gave none.
    pub name: String,
    /// The `data` lines, joined with LF. Bytes that are not UTF-8 became U+FFFD.
    pub data: String,
}

/// The stream holds a line or an event that is longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {limit_bytes} bytes")]
pub struct TooLong {
    /// The limit that was passed.
    pub limit_bytes: usize,
}

/// Turns the bytes of one stream into events. Memory use is bounded by twice the limit given.
#[derive(Debug)]
pub struct Parser {
    limit_bytes: usize,
    line: Vec<u8>,
    after_carriage_return: bool,
    at_start: bool,
    name: String,
    data: String,
    has_data: bool,
}

impl Parser {
    /// A parser that refuses a line, or the data of one event, above `limit_bytes`.
    pub const fn new(limit_bytes: usize) -> Self {
        Self {
            limit_bytes,
            line: Vec::new(),
            after_carriage_return: false,
            at_start: true,
            name: String::new(),
            data: String::new(),
            has_data: false,
        }
    }

    /// Takes the next bytes and gives the events that they completed.
    ///
    /// # Errors
    /// A line or an event is longer than the limit; the parser is of no more use then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        let mut rest = bytes;
        if self.after_carriage_return && !rest.is_empty() {
            self.after_carriage_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.extend_line(&rest[..end])?;
            let carriage_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if carriage_return {
                if rest.is_empty() {
                    self.after_carriage_return = true;
                }
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            events.extend(self.end_line()?);
        }
        self.extend_line(rest)?;
        Ok(events)
    }

    /// The stream ended in good order: gives the last event if no empty line ended it.
    ///
    /// # Errors
    /// As [`Parser::push`].
    pub fn finish(mut self) -> Result<Option<Event>, TooLong> {
        if !self.line.is_empty() {
            self.end_line()?;
        }
        Ok(self.take_event())
    }

    fn extend_line(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.check(self.line.len() + bytes.len())?;
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    /// Reads the line that is now whole; an empty one ends an event.
    fn end_line(&mut self) -> Result<Option<Event>, TooLong> {
        let bytes = std::mem::take(&mut self.line);
        let bytes = if std::mem::take(&mut self.at_start) {
            bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes)
        } else {
            &bytes
        };
        if bytes.is_empty() {
            return Ok(self.take_event());
        }
        let line = String::from_utf8_lossy(bytes);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.check(self.data.len() + value.len() + 1)?;
                if self.has_data {
                    self.data.push('\n');
                }
                self.data.push_str(value);
                self.has_data = true;
            }
            "event" => value.clone_into(&mut self.name),
            _ => {}
        }
        Ok(None)
    }

    /// The event collected so far. One without data is none, as the standard says.
    fn take_event(&mut self) -> Option<Event> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then_some(Event { name, data })
    }

    const fn check(&self, length: usize) -> Result<(), TooLong> {
        if length > self.limit_bytes {
            return Err(TooLong { limit_bytes: self.limit_bytes });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(bytes: &[u8]) -> Vec<(String, String)> {
        let mut parser = Parser::new(1024);
        let mut events = parser.push(bytes).expect("within the limit");
        events.extend(parser.finish().expect("within the limit"));
        events.into_iter().map(|event| (event.name, event.data)).collect()
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect();
        assert_eq!(parse(bytes), expected);
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        check(b"data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check(b"data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", &[("", "a"), ("", "b"), ("", "c")]);
        check(b"event: delta\ndata: 1\ndata:2\ndata\n\n", &[("delta", "1\n2\n")]);
        check(b": ping\n\n:\n\nid: 7\nretry: 9\nodd\n\n", &[]);
        check(b"\xEF\xBB\xBFdata: a\n\n", &[("", "a")]);
        check(b"data:  two spaces\n\n", &[("", " two spaces")]);
        check(b"event: lonely\n\ndata: x\n\n", &[("", "x")]);
        check("data: ünï\n\n".as_bytes(), &[("", "ünï")]);
        check(b"data: \xFF\n\n", &[("", "\u{FFFD}")]);
    }

    #[test]
    fn a_last_event_needs_no_empty_line() {
        check(b"data: a\n\ndata: [DONE]", &[("", "a"), ("", "[DONE]")]);
        check(b"data: [DONE]\r", &[("", "[DONE]")]);
    }

    #[test]
    fn lines_and_events_are_bounded() {
        let mut parser = Parser::new(8);
        assert_eq!(parser.push(b"data: 12345678"), Err(TooLong { limit_bytes: 8 }));
        let mut parser = Parser::new(8);
        assert_eq!(parser.push(b"data:123\ndata:456\ndata:789\n"), Err(TooLong { limit_bytes: 8 }));
    }
}
