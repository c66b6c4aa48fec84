use std::io::{Cursor, Write};

use chrono::DateTime;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::http::page;
use super::*;
use crate::failure::FailureClass;
use crate::fetch::Page;
use crate::warc_writer::WarcWriter;

const LIMITS: Limits = Limits { kinds: &["response"], block_bytes_max: 1 << 20 };
const HTML: &str = "<p>The minister said the grid would hold.";

fn record(kind: &str, n: usize, block: &[u8]) -> Vec<u8> {
    let head = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: <https://paper.example/{n}>\r\n\
         WARC-Date: 2026-01-02T03:04:05Z\r\nContent-Length: {}\r\n\r\n",
        block.len()
    );
    [head.as_bytes(), block, b"\r\n\r\n"].concat()
}

fn response(n: usize) -> Vec<u8> {
    let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{HTML} {n}");
    record("response", n, http.as_bytes())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A file as CC-NEWS has them: a member for each record, requests between the responses.
fn packed_file(n_responses: usize) -> Vec<u8> {
    let mut file = gzip(&record("warcinfo", 0, b"software: test\r\n"));
    for n in 1..=n_responses {
        file.extend(gzip(&record("request", n, b"GET / HTTP/1.1\r\n\r\n")));
        file.extend(gzip(&response(n)));
    }
    file
}

fn plain_file(n_responses: usize) -> Vec<u8> {
    (1..=n_responses).flat_map(response).collect()
}

struct Read_ {
    /// Numbers of the responses, in order.
    responses: Vec<usize>,
    n_others: usize,
    bad: Vec<(u64, String)>,
    places: Vec<Place>,
}

fn read(file: &[u8], from: Place) -> Read_ {
    let mut reader = WarcReader::new(Cursor::new(file), from, LIMITS).unwrap();
    let mut read = Read_ { responses: vec![], n_others: 0, bad: vec![], places: vec![] };
    while let Some(item) = reader.next_item().unwrap() {
        match item {
            Item::Record(record) if record.kind == "response" => {
                let page = page(&record, 1 << 20).unwrap();
                read.responses.push(page.url.path()[1..].parse().unwrap());
                assert!(page.body.starts_with(HTML.as_bytes()), "{:?}", page.body);
            }
            Item::Record(_) => read.n_others += 1,
            Item::Bad { offset, reason } => read.bad.push((offset, reason)),
        }
        read.places.push(reader.place());
    }
    read
}

fn numbers(range: std::ops::RangeInclusive<usize>) -> Vec<usize> {
    range.collect()
}

#[test]
fn files_of_all_three_kinds_are_read_whole() {
    let members: Vec<u8> = packed_file(5);
    let one_member = gzip(&plain_file(5));
    for (file, n_others) in [(members, 6), (one_member, 0), (plain_file(5), 0)] {
        let read = read(&file, Place::default());
        assert_eq!((read.responses, read.n_others), (numbers(1..=5), n_others));
        assert_eq!(read.bad, []);
    }
    assert!(read(b"", Place::default()).responses.is_empty());
}

#[test]
fn another_reader_goes_on_from_any_place() {
    for file in [packed_file(4), gzip(&plain_file(4)), plain_file(4)] {
        let whole = read(&file, Place::default());
        let n_items = whole.places.len();
        for (n, place) in whole.places.into_iter().enumerate() {
            let rest = read(&file, place);
            assert_eq!(rest.places.len(), n_items - n - 1, "from {place:?}");
            assert!(whole.responses.ends_with(&rest.responses), "from {place:?}");
        }
    }
}

#[test]
fn a_broken_member_is_named_by_its_place_and_the_next_one_is_read() {
    let mut file = packed_file(2);
    let offset = file.len();
    let mut broken = gzip(&response(3));
    let middle = broken.len() / 2;
    broken[middle..middle + 8].fill(0xff);
    file.extend(broken);
    file.extend(gzip(&response(4)));
    file.extend(b"no gzip at all");
    file.extend(gzip(&response(5)));
    let torn = gzip(&response(6));
    file.extend(&torn[..torn.len() / 2]);
    let read = read(&file, Place::default());
    assert_eq!(read.responses, [1, 2, 4, 5]);
    assert_eq!(read.bad.len(), 3, "{:?}", read.bad);
    assert_eq!(read.bad[0].0, offset as u64);
}

#[test]
fn a_record_with_a_wrong_length_costs_itself_only() {
    for wrong in ["7", "170", "999999999", "-1", "many"] {
        let bad = String::from_utf8(response(2)).unwrap();
        let length = bad.split("Content-Length: ").nth(1).unwrap().split('\r').next().unwrap();
        let bad = bad.replace(&format!("Length: {length}"), &format!("Length: {wrong}"));
        let file = [response(1), bad.into_bytes(), response(3), response(4)].concat();
        let read = read(&file, Place::default());
        assert_eq!(read.responses, [1, 3, 4], "with {wrong} instead of {length}");
        assert_eq!(read.bad.len(), 1, "{:?}", read.bad);
        assert_eq!(read.bad[0].0, response(1).len() as u64);
    }
}

#[test]
fn a_block_over_the_limit_is_passed_over_unread() {
    let large = vec![b'x'; 2 << 20];
    for file in [
        [response(1), record("response", 2, &large), response(3)].concat(),
        [gzip(&response(1)), gzip(&record("response", 2, &large)), gzip(&response(3))].concat(),
    ] {
        let mut reader = WarcReader::new(Cursor::new(file), Place::default(), LIMITS).unwrap();
        let mut found = Vec::new();
        while let Some(Item::Record(record)) = reader.next_item().unwrap() {
            found.push(page(&record, 1 << 20).map(|_| ()).map_err(|it| it.class));
        }
        assert_eq!(found, [Ok(()), Err(FailureClass::TooLarge), Ok(())]);
    }
}

#[test]
fn what_our_own_writer_kept_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let writer = WarcWriter::new(folder.path().to_owned(), "Harbinger/test", 1 << 20);
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let mut name = String::new();
    for n in 0..3 {
        let kept = Page {
            url: format!("https://paper.example:8443/news/{n}?a=b").parse().unwrap(),
            moved_permanently_to: None,
            content_type: Some("text/html".to_owned()),
            etag: None,
            last_modified: None,
            fresh_for: None,
            status: 200,
            headers: vec![
                ("content-type".to_owned(), b"text/html; charset=utf-8".to_vec()),
                ("content-encoding".to_owned(), b"br".to_vec()),
            ],
            body: format!("<p>page {n}").into(),
            redirects: Vec::new(),
        };
        name = writer.write(&kept, now).unwrap().file;
    }
    let file = std::fs::File::open(folder.path().join(name)).unwrap();
    let mut reader = WarcReader::new(file, Place::default(), LIMITS).unwrap();
    let mut found = Vec::new();
    while let Some(item) = reader.next_item().unwrap() {
        let Item::Record(record) = item else { panic!("{item:?}") };
        if record.kind == "response" {
            assert_eq!(record.field("warc-date"), Some("2026-01-01T00:00:00Z"));
            let page = page(&record, 1 << 20).unwrap();
            assert_eq!(page.content_type.as_deref(), Some("text/html; charset=utf-8"));
            found.push((page.url.to_string(), String::from_utf8(page.body.to_vec()).unwrap()));
        }
    }
    let expected = |n| (format!("https://paper.example:8443/news/{n}?a=b"), format!("<p>page {n}"));
    assert_eq!(found, [expected(0), expected(1), expected(2)]);
}

#[track_caller]
fn check_body(headers: &str, body: &[u8], expected: Result<&str, FailureClass>) {
    let http = [format!("HTTP/1.1 200\r\n{headers}\r\n").as_bytes(), body].concat();
    let file = record("response", 1, &http);
    let mut reader = WarcReader::new(Cursor::new(file), Place::default(), LIMITS).unwrap();
    let Some(Item::Record(record)) = reader.next_item().unwrap() else { panic!("no record") };
    let found = page(&record, 10_000).map(|it| String::from_utf8(it.body.to_vec()).unwrap());
    assert_eq!(found.map_err(|it| it.class), expected.map(str::to_owned), "{headers}");
}

#[test]
fn bodies_are_unpacked_whether_the_archive_did_so_before_or_not() {
    let packed = |coding: &str| -> Vec<u8> {
        let mut bytes = Vec::new();
        match coding {
            "br" => {
                let mut writer = brotli::CompressorWriter::new(&mut bytes, 4_096, 5, 20);
                writer.write_all(HTML.as_bytes()).unwrap();
                drop(writer);
            }
            "zstd" => bytes = zstd::encode_all(HTML.as_bytes(), 3).unwrap(),
            "zlib" => {
                let mut writer = ZlibEncoder::new(&mut bytes, Compression::fast());
                writer.write_all(HTML.as_bytes()).unwrap();
                writer.finish().unwrap();
            }
            "deflate" => {
                let mut writer = DeflateEncoder::new(&mut bytes, Compression::fast());
                writer.write_all(HTML.as_bytes()).unwrap();
                writer.finish().unwrap();
            }
            _ => bytes = gzip(HTML.as_bytes()),
        }
        bytes
    };
    check_body("", HTML.as_bytes(), Ok(HTML));
    for (coding, form) in [
        ("gzip", "gzip"),
        ("br", "br"),
        ("zstd", "zstd"),
        ("deflate", "zlib"),
        ("deflate", "deflate"),
    ] {
        let headers = format!("Content-Encoding: {coding}\r\n");
        check_body(&headers, &packed(form), Ok(HTML));
        check_body(&headers, HTML.as_bytes(), Ok(HTML));
    }
    let chunked = "Transfer-Encoding: chunked\r\n";
    check_body(chunked, b"3\r\n<p>\r\n4;a=b\r\nrest\r\n0\r\n\r\n", Ok("<p>rest"));
    check_body(chunked, HTML.as_bytes(), Ok(HTML));
    let both = format!("{chunked}Content-Encoding: gzip\r\n");
    let gzipped = gzip(HTML.as_bytes());
    let body = [format!("{:x}\r\n", gzipped.len()).as_bytes(), &gzipped, b"\r\n0\r\n\r\n"].concat();
    check_body(&both, &body, Ok(HTML));
    let bomb = gzip(&vec![b' '; 1 << 20]);
    check_body("Content-Encoding: gzip\r\n", &bomb, Err(FailureClass::TooLarge));
    let torn = &gzipped[..gzipped.len() - 9];
    check_body("Content-Encoding: gzip\r\n", torn, Err(FailureClass::Encoding));
}

#[test]
fn a_response_that_is_no_success_gives_no_page() {
    for (head, class) in [
        ("HTTP/1.1 404 Not Found\r\n\r\n", FailureClass::Http404),
        ("HTTP/1.1 301 Moved\r\nLocation: /\r\n\r\n", FailureClass::HttpOther),
        ("HTTP/1.1 200 OK\r\nwithout an end", FailureClass::Dropped),
        ("GET / HTTP/1.1\r\n\r\n", FailureClass::Dropped),
        ("", FailureClass::Dropped),
    ] {
        let file = record("response", 1, head.as_bytes());
        let mut reader = WarcReader::new(Cursor::new(file), Place::default(), LIMITS).unwrap();
        let Some(Item::Record(record)) = reader.next_item().unwrap() else { panic!("no record") };
        assert_eq!(page(&record, 1_000).map_err(|it| it.class).unwrap_err(), class, "{head}");
    }
}

proptest! {
    /// Damage anywhere costs no panic, no error, no endless loop, and not the records before it.
    #[test]
    fn damage_costs_what_it_hits(
        is_packed: bool,
        at in 0.0..1.0_f64,
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        n_removed in 0_usize..40,
    ) {
        let mut file = if is_packed { packed_file(6) } else { plain_file(6) };
        let at = (file.len() as f64 * at) as usize;
        let end = (at + n_removed).min(file.len());
        let mut n_whole = 0;
        let mut length = if is_packed { gzip(&record("warcinfo", 0, b"software: test\r\n")).len() } else { 0 };
        for n in 1..=6 {
            length += match is_packed {
                true => gzip(&record("request", n, b"GET / HTTP/1.1\r\n\r\n")).len() + gzip(&response(n)).len(),
                false => response(n).len(),
            };
            n_whole += usize::from(length < at);
        }
        file.splice(at..end, bytes);
        let mut reader = WarcReader::new(Cursor::new(&file), Place::default(), LIMITS).unwrap();
        let (mut n_items, mut n_responses) = (0, 0);
        while let Some(item) = reader.next_item().unwrap() {
            n_items += 1;
            assert!(n_items < 100, "it goes in a circle");
            if let Item::Record(record) = item {
                n_responses += usize::from(record.kind == "response" && page(&record, 1 << 20).is_ok());
            }
        }
        assert!(n_whole <= n_responses, "{n_responses} of {n_whole} whole records");
    }
}
