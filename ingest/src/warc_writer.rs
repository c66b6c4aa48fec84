//! What servers sent, kept as evidence: [`WarcWriter`] appends exchanges to WARC files.
//!
//! WARC 1.1 (ISO 28500:2017), each record compressed by itself, so that a file that ends in the
//! middle of a record after a crash is readable up to it, and a record can be read alone by its
//! place. A body is kept as it was after decompression; the headers that spoke of its transfer
//! (`Content-Encoding`, `Transfer-Encoding`, `Content-Length`) are replaced accordingly. Redirects are
//! kept before the page to which they led; a `metadata` record tells what led to an answer (`via`).

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use url::Url;
use uuid::Uuid;

use crate::article::sha256_hex;
use crate::fetch::{Page, Redirect};

/// Headers that no longer hold for a body that was unpacked.
const OF_TRANSFER: [&str; 4] =
    ["content-encoding", "transfer-encoding", "content-length", "connection"];
/// Largest record that is read back; the largest body and room for headers.
const RECORD_BYTES_MAX: u64 = 1 << 30;

/// Folder of the WARC files in a data folder.
pub const WARC_FOLDER: &str = "warc";
/// How the names of our files end.
const ENDING: &str = ".warc.gz";
/// A file is closed at this age, so that one that was not written to for long is in nobody's hands.
const AGE_MAX: TimeDelta = TimeDelta::days(1);
/// Files that were written to since are left alone by [`remove_unused`].
const UNUSED_AFTER: TimeDelta = TimeDelta::days(2);

/// Where the response record of a page lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPlace {
    /// Name of the file in the writer's folder.
    pub file: String,
    /// Its first byte.
    pub offset: u64,
    /// Its bytes, compressed.
    pub n_bytes: u64,
}

/// Appends exchanges to files of limited size in one folder; safe to share.
///
/// Every process begins a file of its own, and a new one when that is full or a day old.
#[derive(Debug)]
pub struct WarcWriter {
    folder: PathBuf,
    user_agent: String,
    file_bytes_max: u64,
    open: Mutex<Option<OpenFile>>,
}

#[derive(Debug)]
struct OpenFile {
    name: String,
    file: File,
    size: u64,
    begun_at: DateTime<Utc>,
}

impl WarcWriter {
    /// A writer into `folder`, which is made when the first page is kept. A file is closed once
    /// it has `file_bytes_max` bytes.
    pub fn new(folder: PathBuf, user_agent: &str, file_bytes_max: u64) -> WarcWriter {
        let user_agent = user_agent.to_owned();
        WarcWriter { folder, user_agent, file_bytes_max, open: Mutex::new(None) }
    }

    /// Appends the request for `page` and its response, and before them those of the redirects that
    /// led to it; returns the place of the response. Blocks.
    pub fn write(&self, page: &Page, now: DateTime<Utc>) -> io::Result<RecordPlace> {
        let mut before = Vec::new();
        let mut via: Option<&Url> = None;
        for (n_redirects, redirect) in page.redirects.iter().enumerate() {
            let via_last = via.map(|it| (it, n_redirects));
            let (response, others) =
                self.exchange(&Answer::of_redirect(redirect), via_last, now)?;
            before.extend(response);
            before.extend(others);
            via = Some(&redirect.url);
        }
        let via = via.map(|it| (it, page.redirects.len()));
        let (response, others) = self.exchange(&Answer::of_page(page), via, now)?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = match open.take().filter(|it| now - it.begun_at < AGE_MAX) {
            Some(file) => file,
            None => self.begin(now)?,
        };
        // A write that fails half-way leaves a torn record: the file is not used again.
        file.file.write_all(&before)?;
        file.file.write_all(&response)?;
        file.file.write_all(&others)?;
        let place = RecordPlace {
            file: file.name.clone(),
            offset: file.size + before.len() as u64,
            n_bytes: response.len() as u64,
        };
        file.size += (before.len() + response.len() + others.len()) as u64;
        if file.size < self.file_bytes_max {
            *open = Some(file);
        }
        Ok(place)
    }

    fn begin(&self, now: DateTime<Utc>) -> io::Result<OpenFile> {
        fs::create_dir_all(&self.folder)?;
        let part = Uuid::new_v4().simple().to_string();
        let name = format!("harbinger-{}-{}.warc.gz", now.format("%Y%m%d%H%M%S"), &part[..8]);
        let mut file =
            OpenOptions::new().append(true).create_new(true).open(self.folder.join(&name))?;
        let about = format!(
            "software: Harbinger/{}\r\nformat: WARC File Format 1.1\r\nrobots: obey\r\n\
             http-header-user-agent: {}\r\n",
            env!("CARGO_PKG_VERSION"),
            self.user_agent,
        );
        let head = format!(
            "WARC/1.1\r\nWARC-Type: warcinfo\r\nWARC-Date: {}\r\nWARC-Record-ID: {}\r\n\
             WARC-Filename: {name}\r\nContent-Type: application/warc-fields\r\n\
             Content-Length: {}\r\n\r\n",
            date(now),
            record_id(),
            about.len(),
        );
        let info = record(&head, about.as_bytes(), b"")?;
        file.write_all(&info)?;
        Ok(OpenFile { name, file, size: info.len() as u64, begun_at: now })
    }

    /// The record of an answer, and those of its request and of what led to it: the address that was
    /// redirected there, and how many redirects there were until then.
    fn exchange(
        &self,
        answer: &Answer<'_>,
        via: Option<(&Url, usize)>,
        now: DateTime<Utc>,
    ) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let id = record_id();
        let response = record(&response_head(answer, &id, now), &http_head(answer), answer.body)?;
        let beside = |kind: &str, content_type: &str, block: &[u8]| {
            let head = format!(
                "WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {}\r\nWARC-Date: {}\r\n\
                 WARC-Record-ID: {}\r\nWARC-Concurrent-To: {id}\r\n\
                 Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
                answer.url,
                date(now),
                record_id(),
                block.len(),
            );
            record(&head, block, b"")
        };
        let asked = self.request(answer.url);
        let mut others = beside("request", "application/http; msgtype=request", &asked)?;
        if let Some((via, n_redirects)) = via {
            let led = format!("via: {via}\r\nhopsFromSeed: {}\r\n", "R".repeat(n_redirects));
            others.extend(beside("metadata", "application/warc-fields", led.as_bytes())?);
        }
        Ok((response, others))
    }

    /// The request as it was sent, but for headers that the client adds by itself.
    fn request(&self, url: &Url) -> Vec<u8> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
        format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {}\r\n\r\n", self.user_agent)
            .into_bytes()
    }
}

/// The WARC files in `folder` with their sizes, by name; none when there is no such folder. Blocks.
pub fn files(folder: &Path) -> io::Result<Vec<(String, u64)>> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if name.ends_with(ENDING) && entry.file_type()?.is_file() {
            files.push((name, entry.metadata()?.len()));
        }
    }
    files.sort();
    Ok(files)
}

/// Deletes the WARC files in `folder` that are not in `used` and were not written to for two days;
/// answers how many these were, and their bytes. Blocks.
pub fn remove_unused(
    folder: &Path,
    used: &BTreeSet<String>,
    now: DateTime<Utc>,
) -> io::Result<(u64, u64)> {
    let (mut n_files, mut n_bytes) = (0, 0);
    for (name, size) in files(folder)? {
        let path = folder.join(&name);
        let written_at = DateTime::<Utc>::from(fs::metadata(&path)?.modified()?);
        if !used.contains(&name) && UNUSED_AFTER < now - written_at {
            fs::remove_file(&path)?;
            n_files += 1;
            n_bytes += size;
        }
    }
    Ok((n_files, n_bytes))
}

/// Reads the record at `place` back, still compressed. Blocks.
///
/// # Errors
/// The file is gone or shorter, or `place` does not name a file of `folder`.
pub fn read_record(folder: &Path, place: &RecordPlace) -> io::Result<Vec<u8>> {
    let name = Path::new(&place.file);
    let is_plain = matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
    if !is_plain || RECORD_BYTES_MAX < place.n_bytes {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no place of a record"));
    }
    let mut file = File::open(folder.join(name))?;
    file.seek(SeekFrom::Start(place.offset))?;
    let mut bytes = vec![0; place.n_bytes as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// An answer as it is kept.
struct Answer<'a> {
    url: &'a Url,
    status: u16,
    headers: &'a [(String, Vec<u8>)],
    body: &'a [u8],
    is_cut: bool,
}

impl<'a> Answer<'a> {
    fn of_page(page: &'a Page) -> Answer<'a> {
        let Page { url, status, headers, body, .. } = page;
        Answer { url, status: *status, headers, body, is_cut: false }
    }

    fn of_redirect(redirect: &'a Redirect) -> Answer<'a> {
        let Redirect { url, status, headers, body, is_cut } = redirect;
        Answer { url, status: *status, headers, body, is_cut: *is_cut }
    }
}

fn response_head(answer: &Answer<'_>, id: &str, now: DateTime<Utc>) -> String {
    format!(
        "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {}\r\nWARC-Date: {}\r\n\
         WARC-Record-ID: {id}\r\nWARC-Payload-Digest: sha256:{}\r\n{}\
         Content-Type: application/http; msgtype=response\r\nContent-Length: {}\r\n\r\n",
        answer.url,
        date(now),
        sha256_hex(answer.body),
        if answer.is_cut { "WARC-Truncated: length\r\n" } else { "" },
        http_head(answer).len() + answer.body.len(),
    )
}

/// Status line and headers for a body that is not packed.
fn http_head(answer: &Answer<'_>) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} \r\n", answer.status).into_bytes();
    for (name, value) in answer.headers {
        if !OF_TRANSFER.contains(&name.as_str()) {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend(value.iter().filter(|it| !matches!(it, b'\r' | b'\n')));
            head.extend_from_slice(b"\r\n");
        }
    }
    head.extend_from_slice(format!("Content-Length: {}\r\n\r\n", answer.body.len()).as_bytes());
    head
}

/// One record, compressed by itself.
fn record(head: &str, block: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(head.as_bytes())?;
    encoder.write_all(block)?;
    encoder.write_all(body)?;
    encoder.write_all(b"\r\n\r\n")?;
    encoder.finish()
}

fn record_id() -> String {
    format!("<urn:uuid:{}>", Uuid::new_v4())
}

fn date(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use flate2::read::{GzDecoder, MultiGzDecoder};

    use super::*;

    fn page(n: usize) -> Page {
        Page {
            url: Url::parse(&format!("https://paper.example:8443/news/{n}?a=b")).unwrap(),
            moved_permanently_to: None,
            content_type: Some("text/html".to_owned()),
            etag: None,
            last_modified: None,
            fresh_for: None,
            status: 200,
            headers: vec![
                ("content-type".to_owned(), b"text/html".to_vec()),
                ("content-encoding".to_owned(), b"gzip".to_vec()),
                ("x-evil".to_owned(), b"a\r\nSet-Cookie: b".to_vec()),
            ],
            body: Bytes::from(format!("<p>page {n}")),
            redirects: Vec::new(),
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600, 0).unwrap()
    }

    fn unpack(bytes: &[u8]) -> String {
        let mut text = String::new();
        GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_record_comes_back_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let writer = WarcWriter::new(folder.path().join("warc"), "Harbinger/test", 1 << 20);
        let places: Vec<_> = (0..3).map(|n| writer.write(&page(n), now()).unwrap()).collect();
        assert_eq!(places[0].file, places[2].file);
        let record = unpack(&read_record(&folder.path().join("warc"), &places[1]).unwrap());
        let (head, rest) = record.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("WARC-Target-URI: https://paper.example:8443/news/1?a=b"), "{head}");
        assert!(head.contains("WARC-Date: 2026-01-01T00:00:00Z"), "{head}");
        assert!(head.contains(&sha256_hex(b"<p>page 1")), "{head}");
        let length = rest.len() - "\r\n\r\n".len();
        assert!(head.contains(&format!("\r\nContent-Length: {length}")), "{head}");
        assert!(rest.starts_with("HTTP/1.1 200 \r\n") && rest.ends_with("<p>page 1\r\n\r\n"));
        assert!(!rest.contains("content-encoding"), "the body is not packed any more");
        assert!(rest.contains("x-evil: aSet-Cookie: b\r\n"), "no header of another's making");
    }

    #[test]
    fn a_whole_file_reads_as_records_and_full_ones_are_followed_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let writer = WarcWriter::new(folder.path().to_owned(), "Harbinger/test", 1);
        let first = writer.write(&page(1), now()).unwrap();
        let second = writer.write(&page(2), now()).unwrap();
        assert_ne!(first.file, second.file);
        let file = File::open(folder.path().join(&first.file)).unwrap();
        let mut text = String::new();
        MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
        let kinds = text.lines().filter_map(|it| it.strip_prefix("WARC-Type: "));
        assert_eq!(kinds.collect::<Vec<_>>(), ["warcinfo", "response", "request"]);
        assert!(text.contains("GET /news/1?a=b HTTP/1.1\r\nHost: paper.example:8443\r\n"));
    }

    #[test]
    fn redirects_are_kept_before_the_page_to_which_they_led() {
        let folder = tempfile::tempdir().unwrap();
        let writer = WarcWriter::new(folder.path().to_owned(), "Harbinger/test", 1 << 20);
        let redirect = |url: &str, to: &str| Redirect {
            url: Url::parse(url).unwrap(),
            status: 302,
            headers: vec![("location".to_owned(), to.as_bytes().to_vec())],
            body: Bytes::from_static(b"moved"),
            is_cut: url.ends_with("/b"),
        };
        let redirects = vec![
            redirect("https://short.example/a", "https://paper.example/b"),
            redirect("https://paper.example/b", "https://paper.example:8443/news/1?a=b"),
        ];
        writer.write(&page(0), now()).unwrap();
        let place = writer.write(&Page { redirects, ..page(1) }, now()).unwrap();
        let own = unpack(&read_record(folder.path(), &place).unwrap());
        assert!(own.contains(&sha256_hex(b"<p>page 1")) && own.contains("/news/1?a=b"), "{own}");

        let file = File::open(folder.path().join(&place.file)).unwrap();
        let mut text = String::new();
        MultiGzDecoder::new(file).read_to_string(&mut text).unwrap();
        let fields = |name: &str| {
            let values = text.lines().filter_map(|it| it.strip_prefix(name));
            values.skip(3).map(str::to_owned).collect::<Vec<_>>()
        };
        let kinds = ["response", "request", "response", "request", "metadata"];
        assert_eq!(fields("WARC-Type: "), [&kinds[..], &kinds[2..]].concat());
        let found = text.matches("location: https://paper.example").count();
        assert_eq!((found, text.matches("WARC-Truncated: length").count()), (2, 1));
        assert!(text.contains("via: https://short.example/a\r\nhopsFromSeed: R\r\n"), "{text}");
        assert!(text.contains("via: https://paper.example/b\r\nhopsFromSeed: RR\r\n"), "{text}");
    }

    #[test]
    fn a_file_is_written_to_for_a_day_and_goes_once_nothing_of_it_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let writer = WarcWriter::new(folder.path().to_owned(), "Harbinger/test", 1 << 20);
        let first = writer.write(&page(1), now()).unwrap();
        let same_day = writer.write(&page(2), now() + TimeDelta::hours(23)).unwrap();
        let next_day = writer.write(&page(3), now() + TimeDelta::hours(25)).unwrap();
        assert_eq!(first.file, same_day.file);
        assert_ne!(first.file, next_day.file);
        fs::write(folder.path().join("notes.txt"), "kept by hand").unwrap();

        let used = BTreeSet::from([next_day.file.clone()]);
        let written = fs::metadata(folder.path().join(&first.file)).unwrap();
        let today = DateTime::<Utc>::from(written.modified().unwrap());
        assert_eq!(remove_unused(folder.path(), &used, today).unwrap().0, 0, "just written to");
        let size = written.len();
        let later = today + TimeDelta::days(3);
        assert_eq!(remove_unused(folder.path(), &used, later).unwrap(), (1, size));
        let left: Vec<String> = files(folder.path()).unwrap().into_iter().map(|it| it.0).collect();
        assert_eq!(left, [next_day.file]);
        assert!(folder.path().join("notes.txt").exists(), "no file of ours");
        let absent = folder.path().join("absent");
        assert_eq!(remove_unused(&absent, &used, later).unwrap(), (0, 0));
    }

    #[test]
    fn places_outside_the_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["../secret", "/etc/hostname", "a/b", ""] {
            let place = RecordPlace { file: file.to_owned(), offset: 0, n_bytes: 1 };
            assert!(read_record(folder.path(), &place).is_err(), "{file}");
        }
    }
}
