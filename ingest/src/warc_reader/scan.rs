//! Where records and gzip members begin, also behind broken ones.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::GzDecoder;

/// Places that look like the begin of a gzip member and are none, in one search for the next.
const N_CANDIDATES_MAX: usize = 100_000;
/// How a gzip member begins.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
/// How a record begins.
pub(super) const MARK: &[u8] = b"WARC/";

/// Reads up to and with the next `WARC/` at the begin of a line; tells whether there is one.
pub(super) fn find_mark(input: &mut impl BufRead) -> io::Result<bool> {
    // The caller stands in the middle of a line.
    skip_past(input, b"\nWARC/")
}

/// Reads up to and with the next `wanted`, whose first byte stands in it only once; tells whether
/// there is one.
fn skip_past(input: &mut impl BufRead, wanted: &[u8]) -> io::Result<bool> {
    let mut n_seen = 0;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        let mut n_taken = 0;
        for &byte in buffer {
            n_taken += 1;
            let goes_on = byte == wanted[n_seen];
            n_seen = if goes_on { n_seen + 1 } else { usize::from(byte == wanted[0]) };
            if n_seen == wanted.len() {
                break;
            }
        }
        input.consume(n_taken);
        if n_seen == wanted.len() {
            return Ok(true);
        }
    }
}

/// Goes to the first member from `from` on that holds the begin of a record, or to the end.
pub(super) fn next_member<R: Read + Seek>(input: &mut Counted<R>, from: u64) -> io::Result<()> {
    let mut from = from;
    for _ in 0..N_CANDIDATES_MAX {
        input.go_to(from)?;
        if !skip_past(input, &MAGIC)? {
            return Ok(());
        }
        let candidate = input.offset - MAGIC.len() as u64;
        input.go_to(candidate)?;
        let mut head = [0; MARK.len()];
        match GzDecoder::new(&mut *input).read_exact(&mut head) {
            Ok(()) if head == MARK => return input.go_to(candidate),
            Err(error) if !super::is_of_contents(&error) => return Err(error),
            _ => from = candidate + 1,
        }
    }
    input.go_to_end()
}

/// A buffered reader that knows where it stands.
pub(super) struct Counted<R> {
    input: BufReader<R>,
    /// Bytes of the file before the next one.
    pub(super) offset: u64,
}

impl<R: Read + Seek> Counted<R> {
    /// At the first byte of `file`, which stands there.
    pub(super) fn new(file: R) -> Counted<R> {
        Counted { input: BufReader::with_capacity(1 << 18, file), offset: 0 }
    }

    pub(super) fn go_to(&mut self, offset: u64) -> io::Result<()> {
        // Keeps the buffer where the way is short.
        self.input.seek_relative(offset as i64 - self.offset as i64)?;
        self.offset = offset;
        Ok(())
    }

    fn go_to_end(&mut self) -> io::Result<()> {
        self.offset = self.input.seek(SeekFrom::End(0))?;
        Ok(())
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buffer)?;
        self.offset += n as u64;
        Ok(n)
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.offset += n as u64;
        self.input.consume(n);
    }
}
