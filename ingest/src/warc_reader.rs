//! Web archives as others wrote them: [`WarcReader`] hands out the records of a WARC file one by
//! one, in bounded memory.
//!
//! WARC 1.0 and 1.1, plain or gzip with a member for each record (as Common Crawl's CC-NEWS
//! files and our own) or for many. Each item comes with the [`Place`] behind it, from which another reader goes
//! on. What is broken is one [`Item::Bad`], named by its offset; the reader goes on behind it. No
//! crate did all three when this was written. [`http`] makes a page of a response.

pub mod http;
mod scan;

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::GzDecoder;
use scan::{Counted, MAGIC, MARK, find_mark, next_member};

/// Longest line of a record's head, and of all its lines together.
const LINE_BYTES_MAX: u64 = 64 << 10;
const HEAD_BYTES_MAX: usize = 256 << 10;
/// More than that is passed over by no one: such a record is taken as broken.
const PASSED_BYTES_MAX: u64 = 1 << 30;
/// Empty lines between two records.
const N_BLANKS_MAX: usize = 1 << 10;

/// Where a reader stands: so many records into the gzip member at `offset`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// First byte of a gzip member, or of a record in a plain file.
    pub offset: u64,
    /// Items of that member that were handed out; 0 in a plain file.
    pub n_done: u64,
}

/// A record of one of the wanted kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it begins.
    pub offset: u64,
    /// `WARC-Type` in lower case: `response`, `revisit`…
    pub kind: String,
    /// All named fields in order, names in lower case.
    pub fields: Vec<(String, String)>,
    /// The block; `None` when it is larger than the limit or of no wanted kind.
    pub block: Option<Vec<u8>>,
}

impl Record {
    /// The first field of that name (in lower case).
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

/// What stands next in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A record.
    Record(Record),
    /// Bytes that are no whole record.
    Bad {
        /// Where they begin; in a gzip file, where their member does.
        offset: u64,
        /// What is wrong, for people.
        reason: String,
    },
}

/// Which blocks are kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Kinds whose blocks are wanted.
    pub kinds: &'static [&'static str],
    /// Largest block in bytes.
    pub block_bytes_max: u64,
}

/// Reads the records of one file.
pub struct WarcReader<R: Read + Seek> {
    limits: Limits,
    layer: Layer<R>,
    place: Place,
    file_bytes: u64,
    /// The next record's `WARC/` was read already.
    is_marked: bool,
}

enum Layer<R: Read + Seek> {
    Plain(Counted<R>),
    /// At the begin of a member, or at the end.
    Between(Counted<R>),
    Inside(Box<BufReader<GzDecoder<Counted<R>>>>),
    /// Only while a step is made.
    Moved,
}

impl<R: Read + Seek> WarcReader<R> {
    /// Begins at `place`, which another reader of the same file told, or at the default: the
    /// first byte.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn new(mut file: R, place: Place, limits: Limits) -> io::Result<WarcReader<R>> {
        let file_bytes = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(0))?;
        let mut input = Counted::new(file);
        let is_packed = input.fill_buf()?.starts_with(&MAGIC[..2]);
        input.go_to(place.offset)?;
        let layer = if is_packed { Layer::Between(input) } else { Layer::Plain(input) };
        let start = Place { n_done: 0, ..place };
        let mut reader = WarcReader { limits, layer, place: start, file_bytes, is_marked: false };
        reader.limits.kinds = &[];
        while is_packed && reader.place.offset == place.offset && reader.place.n_done < place.n_done
        {
            if reader.next_item()?.is_none() {
                break;
            }
        }
        reader.limits = limits;
        Ok(reader)
    }

    /// Where the next item begins.
    pub fn place(&self) -> Place {
        self.place
    }

    /// The next item; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read. Its contents are never the cause.
    pub fn next_item(&mut self) -> io::Result<Option<Item>> {
        loop {
            match std::mem::replace(&mut self.layer, Layer::Moved) {
                Layer::Plain(input) => return self.plain(input),
                Layer::Between(input) => {
                    if let Some(item) = self.enter(input)? {
                        return Ok(item);
                    }
                }
                Layer::Inside(member) => {
                    if let Some(item) = self.inside(member)? {
                        return Ok(Some(item));
                    }
                }
                Layer::Moved => return Ok(None),
            }
        }
    }

    /// The next record of a plain file.
    fn plain(&mut self, mut input: Counted<R>) -> io::Result<Option<Item>> {
        let left = |at: u64| Some(self.file_bytes.saturating_sub(at));
        let begin = input.offset - if self.is_marked { MARK.len() as u64 } else { 0 };
        let parsed = parse(&mut input, self.is_marked, &self.limits, left(begin));
        self.is_marked = false;
        let item = match parsed {
            Ok(None) => None,
            Ok(Some(record)) => Some(Item::Record(Record { offset: begin, ..record })),
            Err(Trouble::Io(error)) => return Err(error),
            Err(Trouble::Bad(reason)) => {
                // Its length may be wrong: what it speaks of may hold the next record.
                input.go_to(begin + 1)?;
                self.is_marked = find_mark(&mut input)?;
                Some(Item::Bad { offset: begin, reason })
            }
        };
        let marked = if self.is_marked { MARK.len() as u64 } else { 0 };
        self.place = Place { offset: input.offset - marked, n_done: 0 };
        self.layer = Layer::Plain(input);
        Ok(item)
    }

    /// Enters the member that begins here: `None` when that went well.
    fn enter(&mut self, mut input: Counted<R>) -> io::Result<Option<Option<Item>>> {
        let offset = input.offset;
        self.place = Place { offset, n_done: 0 };
        let head = input.fill_buf()?;
        if head.is_empty() {
            self.layer = Layer::Between(input);
            return Ok(Some(None));
        }
        // A magic number that the buffer cuts in two is told by the decoder.
        if !head.starts_with(&MAGIC[..head.len().min(2)]) {
            next_member(&mut input, offset + 1)?;
            self.place.offset = input.offset;
            self.layer = Layer::Between(input);
            let reason = "no gzip member begins here".to_owned();
            return Ok(Some(Some(Item::Bad { offset, reason })));
        }
        let member = BufReader::with_capacity(1 << 16, GzDecoder::new(input));
        self.layer = Layer::Inside(Box::new(member));
        Ok(None)
    }

    /// The next record of the open member: `None` at the member's end.
    fn inside(
        &mut self,
        mut member: Box<BufReader<GzDecoder<Counted<R>>>>,
    ) -> io::Result<Option<Item>> {
        let offset = self.place.offset;
        let mut parsed = parse(&mut *member, self.is_marked, &self.limits, None);
        self.is_marked = false;
        // Where the member ends here, its checksum tells whether the record is whole.
        let is_read = matches!(parsed, Ok(Some(_)));
        if is_read && let Err(error) = member.fill_buf() {
            parsed = Err(Trouble::Io(error));
        }
        let mut is_lost = matches!(&parsed, Err(Trouble::Bad(reason)) if reason == TOO_LONG);
        if !is_lost && matches!(parsed, Err(Trouble::Bad(_))) {
            match find_mark(&mut *member) {
                Ok(is_marked) => self.is_marked = is_marked,
                Err(error) => parsed = Err(Trouble::Io(error)),
            }
        }
        if let Err(Trouble::Io(error)) = &parsed {
            if !is_of_contents(error) {
                return Err(io::Error::new(error.kind(), error.to_string()));
            }
            is_lost = true;
        }
        let item = match parsed {
            Ok(None) => {
                self.layer = Layer::Between(member.into_inner().into_inner());
                return Ok(None);
            }
            Ok(Some(record)) => Item::Record(Record { offset, ..record }),
            Err(Trouble::Bad(reason)) => Item::Bad { offset, reason },
            Err(Trouble::Io(error)) => {
                Item::Bad { offset, reason: format!("the compression is broken: {error}") }
            }
        };
        self.place.n_done += 1;
        self.layer = if is_lost {
            let mut input = member.into_inner().into_inner();
            next_member(&mut input, offset + 1)?;
            self.place = Place { offset: input.offset, n_done: 0 };
            self.is_marked = false;
            Layer::Between(input)
        } else {
            Layer::Inside(member)
        };
        Ok(Some(item))
    }
}

const TOO_LONG: &str = "the record is longer than a gigabyte";

/// Whether the bytes are to blame, not the disk.
fn is_of_contents(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::InvalidData | K::InvalidInput | K::UnexpectedEof)
}

enum Trouble {
    Io(io::Error),
    Bad(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Io(error)
    }
}

fn bad<T>(reason: impl Into<String>) -> Result<T, Trouble> {
    Err(Trouble::Bad(reason.into()))
}

/// Reads one record; `None` at the end. `n_left` is how many bytes there can be at most.
fn parse(
    input: &mut impl BufRead,
    is_marked: bool,
    limits: &Limits,
    n_left: Option<u64>,
) -> Result<Option<Record>, Trouble> {
    if !is_marked {
        let mut n_blanks = 0;
        loop {
            match input.fill_buf()?.first() {
                None => return Ok(None),
                Some(b'\r' | b'\n') if n_blanks < N_BLANKS_MAX => input.consume(1),
                Some(_) => break,
            }
            n_blanks += 1;
        }
        let line = read_line(input)?;
        if !line.starts_with(MARK) {
            return bad("no record begins here");
        }
    } else {
        read_line(input)?;
    }
    let fields = read_fields(input)?;
    let mut record = Record { offset: 0, kind: String::new(), fields, block: None };
    record.kind = record.field("warc-type").unwrap_or_default().to_ascii_lowercase();
    let Some(n_bytes) = record.field("content-length").and_then(|it| it.parse::<u64>().ok()) else {
        return bad("the record tells no Content-Length");
    };
    if n_left.is_some_and(|it| it < n_bytes) {
        return bad(format!("the record tells a length of {n_bytes} bytes, beyond the file's end"));
    }
    let is_wanted = limits.kinds.contains(&record.kind.as_str());
    if is_wanted && n_bytes <= limits.block_bytes_max {
        let mut block = Vec::new();
        input.by_ref().take(n_bytes).read_to_end(&mut block)?;
        if (block.len() as u64) < n_bytes {
            return bad("the record ends in its middle");
        }
        record.block = Some(block);
    } else {
        if PASSED_BYTES_MAX < n_bytes {
            return bad(TOO_LONG);
        }
        let n_passed = io::copy(&mut input.by_ref().take(n_bytes), &mut io::sink())?;
        if n_passed < n_bytes {
            return bad("the record ends in its middle");
        }
    }
    end_record(input)?;
    Ok(Some(record))
}

/// Two line ends follow a block, or at least one, or the end of the file.
fn end_record(input: &mut impl BufRead) -> Result<(), Trouble> {
    for n_read in 0..4 {
        match input.fill_buf()?.first() {
            Some(b'\r' | b'\n') => input.consume(1),
            None => return Ok(()),
            Some(_) if n_read == 0 => return bad("the record does not end where it says"),
            Some(_) => return Ok(()),
        }
    }
    Ok(())
}

fn read_fields(input: &mut impl BufRead) -> Result<Vec<(String, String)>, Trouble> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut n_bytes = 0;
    loop {
        let line = read_line(input)?;
        n_bytes += line.len();
        if HEAD_BYTES_MAX < n_bytes {
            return bad("the head of the record is too long");
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            if line.is_empty() {
                return bad("the record ends in its head");
            }
            return Ok(fields);
        }
        if let (true, Some(last)) = (text.starts_with([' ', '\t']), fields.last_mut()) {
            last.1.push(' ');
            last.1.push_str(text.trim());
        } else if let Some((name, value)) = text.split_once(':') {
            fields.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        } else {
            return bad("the head of the record has a line without a colon");
        }
    }
}

/// A line with its end; empty at the end of the input.
fn read_line(input: &mut impl BufRead) -> Result<Vec<u8>, Trouble> {
    let mut line = Vec::new();
    input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.len() as u64 == LINE_BYTES_MAX {
        return bad("the head of the record has a line that is too long");
    }
    Ok(line)
}

#[cfg(test)]
mod tests;
