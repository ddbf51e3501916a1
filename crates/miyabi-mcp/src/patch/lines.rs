//! A file as lines that keep their line ends.

/// The lines of a file, each with its line feed if it has one.
pub(super) fn split(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// The line without its line feed.
pub(super) fn content(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// The line without its line feed and a carriage return before that.
pub(super) fn bare(line: &[u8]) -> &[u8] {
    let line = content(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether the line ends with CRLF.
pub(super) fn is_crlf(line: &[u8]) -> bool {
    line.ends_with(b"\r\n")
}
