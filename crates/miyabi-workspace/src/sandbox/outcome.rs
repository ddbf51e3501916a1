//! What a command left behind: its end, its use of resources and its output.

use miyabi_core::sandbox::LimitHit;

/// How many bytes of the beginning, and as many of the end, of the output stay in memory.
pub const KEPT_BYTES: usize = 5_000;

/// How the command's first process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

/// The result of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How the command's first process ended.
    pub exit: Exit,
    /// The ceiling that ended it, if one did.
    pub limit: Option<LimitHit>,
    /// Whether the caller's token ended it.
    pub cancelled: bool,
    /// Wall-clock time including the set-up, in milliseconds.
    pub duration_ms: u64,
    /// Processor time of all processes, in milliseconds.
    pub cpu_ms: u64,
    /// The largest sum seen over all processes, or the largest single process if that was more.
    pub max_rss_bytes: u64,
    /// Standard output and standard error in the order of writing.
    pub output: Captured,
}

impl Outcome {
    /// Whether the command returned 0 by itself.
    pub fn succeeded(&self) -> bool {
        self.exit == Exit::Code(0) && self.limit.is_none() && !self.cancelled
    }
}

/// Both ends of the output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captured {
    /// The first bytes, at most [`KEPT_BYTES`].
    pub head: Vec<u8>,
    /// The last bytes after `head`, at most [`KEPT_BYTES`].
    pub tail: Vec<u8>,
    /// How much the command wrote.
    pub total_bytes: u64,
    /// How much was stored: in the file if there is one, else in `head` and `tail`.
    pub stored_bytes: u64,
}

impl Captured {
    /// How many bytes lie between `head` and `tail`.
    pub fn omitted_bytes(&self) -> u64 {
        self.total_bytes.saturating_sub((self.head.len() + self.tail.len()) as u64)
    }

    /// Both ends as text, with a note of what is missing between them.
    pub fn text(&self) -> String {
        let head = String::from_utf8_lossy(&self.head);
        let tail = String::from_utf8_lossy(&self.tail);
        match self.omitted_bytes() {
            // Joined before decoding: the border may cut a character.
            0 => String::from_utf8_lossy(&[self.head.as_slice(), &self.tail].concat()).into_owned(),
            omitted => format!("{head}\n[... {omitted} bytes omitted ...]\n{tail}"),
        }
    }
}

/// Collects both ends of a stream in constant memory.
#[derive(Debug, Default)]
pub(crate) struct Ends {
    head: Vec<u8>,
    /// Holds up to twice [`KEPT_BYTES`], so that most pushes only append.
    tail: Vec<u8>,
    total_bytes: u64,
}

impl Ends {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.total_bytes += bytes.len() as u64;
        let room = KEPT_BYTES - self.head.len();
        let (first, rest) = bytes.split_at(room.min(bytes.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(KEPT_BYTES)..];
        self.tail.extend_from_slice(rest);
        if self.tail.len() > 2 * KEPT_BYTES {
            self.tail.drain(..self.tail.len() - KEPT_BYTES);
        }
    }

    pub(crate) fn finish(mut self, stored_in_file: Option<u64>) -> Captured {
        self.tail.drain(..self.tail.len().saturating_sub(KEPT_BYTES));
        let kept = (self.head.len() + self.tail.len()) as u64;
        Captured {
            head: self.head,
            tail: self.tail,
            total_bytes: self.total_bytes,
            stored_bytes: stored_in_file.unwrap_or(kept),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(chunks: &[&[u8]]) -> Captured {
        let mut ends = Ends::default();
        for chunk in chunks {
            ends.push(chunk);
        }
        ends.finish(None)
    }

    #[test]
    fn short_output_is_kept_whole() {
        let captured = capture(&[b"one ", b"two"]);
        assert_eq!(captured.text(), "one two");
        assert_eq!((captured.total_bytes, captured.stored_bytes), (7, 7));
    }

    #[test]
    fn long_output_keeps_both_ends_whatever_the_chunks() {
        let whole: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        for size in [1, 7, 4_999, 5_000, 5_001, 65_536, 100_000] {
            let chunks: Vec<&[u8]> = whole.chunks(size).collect();
            let captured = capture(&chunks);
            assert_eq!(captured.head, &whole[..KEPT_BYTES], "chunks of {size}");
            assert_eq!(captured.tail, &whole[whole.len() - KEPT_BYTES..], "chunks of {size}");
            assert_eq!(captured.omitted_bytes(), 90_000);
        }
    }

    #[test]
    fn a_character_across_the_border_survives() {
        let text = "あ".repeat(2_000);
        assert_eq!(capture(&[text.as_bytes()]).text(), text);
    }
}
