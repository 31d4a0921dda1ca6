//! The lines of a source, read and proven on a thread of their own: that costs as much as writing them does.

use std::io::{self, BufRead, Read as _};
use std::thread;

use myna_core::time::Timestamp;
use tokio::sync::mpsc::{self, Receiver};

use super::record::{self, Record};

/// The longest line, in bytes.
const LINE_BYTES_MAX: usize = 1 << 20;
/// How many lines are handed over at once.
pub(super) const CHUNK: usize = 500;
/// How many chunks may wait.
const CHUNKS_MAX: usize = 16;

/// Some lines.
pub(super) struct Chunk {
    /// How long they are together, with what is between them.
    pub(super) bytes: u64,
    /// In their order; blank ones are left out.
    pub(super) lines: Vec<Line>,
}

/// One line.
pub(super) struct Line {
    /// Counted from 1.
    pub(super) number: u64,
    /// What it says, or what is wrong with it.
    pub(super) record: Result<Record, String>,
}

/// Begins to read. The thread ends with the source, or when nobody receives any more.
pub(super) fn read(source: Box<dyn BufRead + Send>, now: Timestamp) -> io::Result<Receiver<io::Result<Chunk>>> {
    let (send, receive) = mpsc::channel(CHUNKS_MAX);
    thread::Builder::new().name("myna-import".to_owned()).spawn(move || {
        let mut reader = Reader { source, number: 0, now };
        loop {
            let chunk = reader.chunk();
            let is_last = !matches!(&chunk, Ok(Some(_)));
            let Some(chunk) = chunk.transpose() else { return };
            if send.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(receive)
}

struct Reader {
    source: Box<dyn BufRead + Send>,
    number: u64,
    now: Timestamp,
}

impl Reader {
    /// `None` at the end.
    fn chunk(&mut self) -> io::Result<Option<Chunk>> {
        let mut chunk = Chunk { bytes: 0, lines: Vec::with_capacity(CHUNK) };
        let mut buffer = Vec::new();
        while chunk.lines.len() < CHUNK {
            buffer.clear();
            let bytes = self.line(&mut buffer)?;
            if bytes == 0 {
                break;
            }
            chunk.bytes += bytes;
            self.number += 1;
            if let Some(record) = self.record(&buffer) {
                chunk.lines.push(Line { number: self.number, record });
            }
        }
        Ok((chunk.bytes > 0).then_some(chunk))
    }

    /// Reads a line, of one that is too long only the beginning, and tells how long it is; 0 at the end.
    fn line(&mut self, buffer: &mut Vec<u8>) -> io::Result<u64> {
        let limit = LINE_BYTES_MAX as u64 + 1;
        let mut bytes = (&mut self.source).take(limit).read_until(b'\n', buffer)? as u64;
        if bytes == limit && buffer.last() != Some(&b'\n') {
            bytes += self.source.skip_until(b'\n')? as u64;
        }
        Ok(bytes)
    }

    /// `None` for a blank line.
    fn record(&self, line: &[u8]) -> Option<Result<Record, String>> {
        if line.len() > LINE_BYTES_MAX {
            return Some(Err(format!("is longer than {LINE_BYTES_MAX} bytes")));
        }
        let Ok(text) = str::from_utf8(line) else { return Some(Err("is not UTF-8".to_owned())) };
        // What some programs write before the first line of a file.
        let text = if self.number == 1 { text.trim_start_matches('\u{feff}') } else { text };
        let text = text.trim();
        (!text.is_empty()).then(|| record::parse(text, self.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(u64, Option<String>)> {
        let mut reader = Reader { source: Box::new(io::Cursor::new(text.to_vec())), number: 0, now: Timestamp(0) };
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while let Some(chunk) = reader.chunk().unwrap() {
            bytes += chunk.bytes;
            lines.extend(chunk.lines.into_iter().map(|line| (line.number, line.record.err())));
        }
        assert_eq!(bytes, text.len() as u64);
        lines
    }

    #[test]
    fn lines_are_counted_whatever_ends_them() {
        let text = "\u{feff}{\"username\":\"a\"}\r\n\n  \n{\"username\":\"b\"}";
        assert_eq!(all(text.as_bytes()), [(1, None), (4, None)]);
        assert_eq!(all(b""), []);
        assert_eq!(all(b"\n\n"), []);
    }

    #[test]
    fn what_is_too_long_or_no_text_concerns_its_line_alone() {
        let long = "x".repeat(2 * LINE_BYTES_MAX);
        let text = format!("{long}\n{{\"username\":\"a\"}}\n");
        assert_eq!(all(text.as_bytes()), [(1, Some(format!("is longer than {LINE_BYTES_MAX} bytes"))), (2, None)]);
        let text = [b"\xff\n".as_slice(), b"{\"username\":\"a\"}\n"].concat();
        assert_eq!(all(&text), [(1, Some("is not UTF-8".to_owned())), (2, None)]);
    }

    #[test]
    fn lines_of_many_chunks_come_in_order() {
        let text: String = (0..3 * CHUNK).map(|number| format!("{{\"username\":\"u{number}\"}}\n")).collect();
        let numbers: Vec<u64> = all(text.as_bytes()).into_iter().map(|(number, _)| number).collect();
        assert_eq!(numbers, (1..=3 * CHUNK as u64).collect::<Vec<_>>());
    }
}
