//! HTTP responses as web archives keep them: [`page`] takes one apart.
//!
//! Archives differ in what they keep: bodies as sent (chunked, packed) or unpacked with the
//! headers of the packed ones. So a header that speaks of packing is believed only where the
//! body agrees.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use url::Url;

use super::Record;
use crate::failure::FailureClass;
use crate::fetch::Page;

/// Most bytes of status line and headers.
const HEAD_BYTES_MAX: usize = 256 << 10;
/// Packings of one body, one around the other.
const N_CODINGS_MAX: usize = 3;
/// How far zstd may look back, as a power of two.
const ZSTD_WINDOW_LOG_MAX: u32 = 24;

/// Why a response gives no page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPage {
    /// What kind of trouble.
    pub class: FailureClass,
    /// For people.
    pub reason: String,
}

fn no_page<T>(class: FailureClass, reason: impl Into<String>) -> Result<T, NoPage> {
    Err(NoPage { class, reason: reason.into() })
}

/// The page of a `response` record, its body unpacked to at most `body_bytes_max` bytes.
///
/// # Errors
/// The record is no response of an http or https address, its status is no success, or its body
/// is too large or broken.
pub fn page(record: &Record, body_bytes_max: usize) -> Result<Page, NoPage> {
    let target = record.field("warc-target-uri").unwrap_or_default();
    let target = target.trim_start_matches('<').trim_end_matches('>');
    let url = Url::parse(target).ok().filter(|it| matches!(it.scheme(), "http" | "https"));
    let Some(url) = url else {
        let shown: String = target.chars().take(200).collect();
        return no_page(FailureClass::InvalidUrl, format!("`{shown}` is no web address"));
    };
    let Some(block) = &record.block else {
        return no_page(FailureClass::TooLarge, "the record is too large");
    };
    let Some((status, headers, body)) = parse_head(block) else {
        return no_page(FailureClass::Dropped, "the record holds no HTTP response");
    };
    if !(200..300).contains(&status) {
        return no_page(FailureClass::of_status(status), format!("the status is {status}"));
    }
    let value = |name: &str| {
        let found = headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).trim().to_owned())
    };
    let is_cut = record.field("warc-truncated").is_some();
    let chunked = value("transfer-encoding").is_some_and(|it| it.eq_ignore_ascii_case("chunked"));
    let body = match chunked.then(|| unchunked(body, is_cut)).flatten() {
        Some(joined) => joined,
        None => body.to_vec(),
    };
    let codings = value("content-encoding").unwrap_or_default().to_ascii_lowercase();
    let body = unpacked(body, &codings, is_cut, body_bytes_max)?;
    if body_bytes_max < body.len() {
        return no_page(
            FailureClass::TooLarge,
            format!("the body has over {body_bytes_max} bytes"),
        );
    }
    Ok(Page {
        url,
        moved_permanently_to: None,
        content_type: value("content-type").filter(|it| !it.is_empty()),
        etag: value("etag"),
        last_modified: value("last-modified"),
        fresh_for: None,
        status,
        headers,
        body: Bytes::from(body),
        redirects: Vec::new(),
    })
}

type Head<'a> = (u16, Vec<(String, Vec<u8>)>, &'a [u8]);

/// Status, headers and body.
fn parse_head(block: &[u8]) -> Option<Head<'_>> {
    let mut rest = block;
    let mut line = || {
        let end = rest.iter().take(HEAD_BYTES_MAX).position(|it| *it == b'\n')?;
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        let is_long = HEAD_BYTES_MAX < block.len() - after.len();
        rest = after;
        (!is_long).then(|| line.strip_suffix(b"\r").unwrap_or(line))
    };
    let status = String::from_utf8_lossy(line()?).into_owned();
    let mut words = status.split_ascii_whitespace();
    words.next().filter(|it| it.starts_with("HTTP/"))?;
    let status = words.next()?.parse().ok()?;
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            return Some((status, headers, rest));
        }
        if let Some(at) = line.iter().position(|it| *it == b':') {
            let name = String::from_utf8_lossy(&line[..at]).trim().to_ascii_lowercase();
            headers.push((name, line[at + 1..].trim_ascii().to_vec()));
        }
    }
}

/// The chunks joined; `None` when the body is not made of chunks.
fn unchunked(body: &[u8], is_cut: bool) -> Option<Vec<u8>> {
    let mut joined = Vec::with_capacity(body.len());
    let mut rest = body;
    loop {
        let end = rest.iter().take(1 << 10).position(|it| *it == b'\n');
        let Some(end) = end else { return (is_cut && !joined.is_empty()).then_some(joined) };
        let line = String::from_utf8_lossy(&rest[..end]).into_owned();
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        rest = &rest[end + 1..];
        if size == 0 {
            return Some(joined);
        }
        let Some(chunk) = rest.get(..size) else {
            joined.extend_from_slice(rest);
            return is_cut.then_some(joined);
        };
        joined.extend_from_slice(chunk);
        rest = &rest[size..];
        rest = rest.strip_prefix(b"\r").unwrap_or(rest);
        rest = rest.strip_prefix(b"\n")?;
    }
}

/// The body without its packings, at most one byte longer than `n_bytes_max`.
fn unpacked(
    body: Vec<u8>,
    codings: &str,
    is_cut: bool,
    n_bytes_max: usize,
) -> Result<Vec<u8>, NoPage> {
    let mut body = body;
    for coding in codings.split(',').rev().map(str::trim).take(N_CODINGS_MAX) {
        let is_gzip = body.starts_with(&[0x1f, 0x8b]);
        let is_zstd = body.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]);
        let unpacked = match coding {
            "gzip" | "x-gzip" if is_gzip => limited(MultiGzDecoder::new(&*body), n_bytes_max),
            "deflate" => {
                let wrapped = limited(ZlibDecoder::new(&*body), n_bytes_max);
                if wrapped.1.is_some() && wrapped.0.is_empty() {
                    limited(DeflateDecoder::new(&*body), n_bytes_max)
                } else {
                    wrapped
                }
            }
            "br" => limited(brotli::Decompressor::new(&*body, 4_096), n_bytes_max),
            "zstd" if is_zstd => match zstd::stream::read::Decoder::new(&*body) {
                Ok(mut decoder) => {
                    // An error means that the library knows no such limit; it has its own.
                    let _ = decoder.window_log_max(ZSTD_WINDOW_LOG_MAX);
                    limited(decoder, n_bytes_max)
                }
                Err(error) => (Vec::new(), Some(error)),
            },
            _ => continue,
        };
        body = match unpacked {
            (unpacked, None) => unpacked,
            (unpacked, Some(_)) if is_cut && !unpacked.is_empty() => unpacked,
            // These have no mark of their own: the archive may have unpacked the body before.
            (_, Some(_)) if matches!(coding, "br" | "deflate") && is_markup(&body) => continue,
            (_, Some(error)) => {
                return no_page(
                    FailureClass::Encoding,
                    format!("the body is no {coding}: {error}"),
                );
            }
        };
    }
    Ok(body)
}

fn is_markup(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<") || body.starts_with(&[0xef, 0xbb, 0xbf])
}

/// What can be read, at most one byte more than `n_bytes_max`, and the error that ended it.
fn limited(input: impl Read, n_bytes_max: usize) -> (Vec<u8>, Option<io::Error>) {
    let mut bytes = Vec::new();
    let read = input.take(n_bytes_max as u64 + 1).read_to_end(&mut bytes);
    (bytes, read.err())
}
