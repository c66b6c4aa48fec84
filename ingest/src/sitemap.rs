//! Sitemaps: bytes to a list of pages, or to a list of further sitemaps. Pure.
//!
//! Reads XML sitemaps, indexes of them, Google News sitemaps and plain lists of addresses, also
//! gzipped, with the same tolerant reader of markup as feeds.

use std::io::Read;

use chrono::{DateTime, Utc};
use flate2::read::MultiGzDecoder;

use crate::date::parse_date;
use crate::decode::decode;
use crate::failure::FailureClass;
use crate::feed::markup::{Token, Tokens};

/// Most addresses of one sitemap, as the protocol has it.
pub const N_URLS_MAX: usize = 50_000;
/// Bytes that one sitemap may unpack to; the protocol has 50 MB.
const UNPACKED_BYTES_MAX: usize = 60 << 20;
/// Most bytes of one field.
const FIELD_BYTES_MAX: usize = 4_096;

/// What a sitemap lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sitemap {
    /// Pages, in the sitemap's order.
    Pages(Vec<Listed>),
    /// Further sitemaps, in the index's order.
    Index(Vec<Listed>),
}

/// A page or sitemap that is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its address as written.
    pub address: String,
    /// When it changed last; `None` when the sitemap does not say.
    pub changed_at: Option<DateTime<Utc>>,
    /// When the article was published, by a news sitemap.
    pub published_at: Option<DateTime<Utc>>,
    /// The article's headline, by a news sitemap.
    pub title: Option<String>,
}

impl Listed {
    /// The best known date: of publication, else of the last change.
    pub fn dated_at(&self) -> Option<DateTime<Utc>> {
        self.published_at.or(self.changed_at)
    }
}

/// Why bytes are no sitemap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitemapError {
    /// Nothing but white space.
    #[error("the sitemap is empty")]
    Empty,
    /// The gzip data is damaged at its very start.
    #[error("the sitemap's gzip data is broken: {reason}")]
    Gzip {
        /// What the decoder said.
        reason: String,
    },
    /// More bytes than allowed once it is unpacked.
    #[error("the sitemap unpacks to more than {bytes_max} bytes")]
    TooLarge {
        /// What is allowed.
        bytes_max: usize,
    },
    /// Neither a sitemap nor an index nor a list of addresses.
    #[error("this is neither a sitemap nor an index of sitemaps; it starts with {start:?}")]
    NotASitemap {
        /// The first 40 characters.
        start: String,
    },
}

impl SitemapError {
    /// The class of the failure, for metrics and the database.
    pub fn class(&self) -> FailureClass {
        match self {
            SitemapError::Empty => FailureClass::EmptyBody,
            SitemapError::Gzip { .. } => FailureClass::Encoding,
            SitemapError::TooLarge { .. } => FailureClass::TooLarge,
            SitemapError::NotASitemap { .. } => FailureClass::NotAFeed,
        }
    }
}

/// Reads a sitemap; never panics. What is cut off or damaged gives what can be told.
///
/// `content_type` is the HTTP header, for its charset. Gzip is told by its first bytes, and may
/// unpack to 60 MiB. At most [`N_URLS_MAX`] addresses are read.
pub fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Sitemap, SitemapError> {
    parse_up_to(bytes, content_type, UNPACKED_BYTES_MAX)
}

/// As [`parse`], but what unpacks to more than `bytes_max` bytes is refused.
fn parse_up_to(
    bytes: &[u8],
    content_type: Option<&str>,
    bytes_max: usize,
) -> Result<Sitemap, SitemapError> {
    let unpacked = unpacked(bytes, bytes_max)?;
    let text = decode(unpacked.as_deref().unwrap_or(bytes), content_type).text;
    let text = text.trim_matches(|it: char| it.is_whitespace() || it == '\0' || it == '\u{feff}');
    if text.is_empty() {
        return Err(SitemapError::Empty);
    }
    if !text.starts_with('<') {
        return plain_list(text).ok_or_else(|| not_a_sitemap(text));
    }
    let mut reader = Reader::default();
    for token in Tokens::of(text) {
        if !reader.take(token) {
            break;
        }
    }
    let (is_index, listed) = (reader.is_index, reader.listed);
    match is_index {
        Some(true) => Ok(Sitemap::Index(listed)),
        Some(false) => Ok(Sitemap::Pages(listed)),
        None => Err(not_a_sitemap(text)),
    }
}

fn not_a_sitemap(text: &str) -> SitemapError {
    SitemapError::NotASitemap { start: text.chars().take(40).collect() }
}

/// The content of gzip data, cut where it breaks; `None` for other data.
fn unpacked(bytes: &[u8], bytes_max: usize) -> Result<Option<Vec<u8>>, SitemapError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(None);
    }
    let mut out = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(bytes_max as u64 + 1);
    let read = decoder.read_to_end(&mut out);
    if bytes_max < out.len() {
        return Err(SitemapError::TooLarge { bytes_max });
    }
    match read {
        Err(error) if out.is_empty() => Err(SitemapError::Gzip { reason: error.to_string() }),
        _ => Ok(Some(out)),
    }
}

/// One address a line, as the protocol allows too.
fn plain_list(text: &str) -> Option<Sitemap> {
    let is_address = |it: &str| it.starts_with("http://") || it.starts_with("https://");
    let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
    let lines: Vec<&str> = lines.take(N_URLS_MAX).collect();
    if !lines.iter().all(|it| is_address(it) && it.len() <= FIELD_BYTES_MAX) {
        return None;
    }
    let listed = |it: &&str| Listed { address: (*it).to_owned(), ..Listed::default() };
    Some(Sitemap::Pages(lines.iter().map(listed).collect()))
}

/// What is known while the tokens pass.
#[derive(Default)]
struct Reader {
    is_index: Option<bool>,
    listed: Vec<Listed>,
    /// The page or sitemap that is open.
    open: Option<Listed>,
    /// The field that is open, and its text so far.
    field: Option<(Field, String)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Address,
    ChangedAt,
    PublishedAt,
    Title,
}

impl Reader {
    /// Takes the next token; `false` when enough was read.
    fn take(&mut self, token: Token<'_>) -> bool {
        match token {
            Token::Start { name, is_empty, .. } => self.start(name, is_empty),
            Token::End { name } => self.end(name),
            Token::Text(text) => self.text(&text),
            Token::Verbatim(text) => self.text(text),
        }
        self.listed.len() < N_URLS_MAX
    }

    fn start(&mut self, name: &str, is_empty: bool) {
        let (prefix, local) = split_prefix(name);
        match local.as_str() {
            "urlset" => self.is_index = self.is_index.or(Some(false)),
            "sitemapindex" => self.is_index = self.is_index.or(Some(true)),
            "url" | "sitemap" if self.is_index.is_some() => {
                // A page inside an open page means that the end of the first is missing.
                self.close();
                self.open = Some(Listed::default());
            }
            _ if self.open.is_none() || is_empty => {}
            // Images and videos have addresses and titles of their own.
            "loc" if is_sitemap_prefix(&prefix) => {
                self.field = Some((Field::Address, String::new()))
            }
            "lastmod" => self.field = Some((Field::ChangedAt, String::new())),
            "publication_date" if prefix != "video" => {
                self.field = Some((Field::PublishedAt, String::new()));
            }
            "title" if prefix == "news" || prefix == "n" => {
                self.field = Some((Field::Title, String::new()));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, kept)) = &mut self.field
            && kept.len() + text.len() <= FIELD_BYTES_MAX
        {
            kept.push_str(text);
        }
    }

    fn end(&mut self, name: &str) {
        let (_, local) = split_prefix(name);
        if let Some((field, text)) = self.field.take() {
            self.set(field, text.trim());
        }
        if matches!(local.as_str(), "url" | "sitemap") {
            self.close();
        }
    }

    fn set(&mut self, field: Field, text: &str) {
        let Some(open) = self.open.as_mut().filter(|_| !text.is_empty()) else { return };
        match field {
            Field::Address if open.address.is_empty() => open.address = text.to_owned(),
            Field::Address => {}
            Field::ChangedAt => open.changed_at = parse_date(text),
            Field::PublishedAt => open.published_at = parse_date(text),
            Field::Title => open.title = Some(text.to_owned()),
        }
    }

    fn close(&mut self) {
        self.field = None;
        self.listed.extend(self.open.take().filter(|it| !it.address.is_empty()));
    }
}

fn is_sitemap_prefix(prefix: &str) -> bool {
    !matches!(prefix, "image" | "video" | "xhtml" | "mobile")
}

/// Prefix and local name, in lower case.
fn split_prefix(name: &str) -> (String, String) {
    let name = name.to_ascii_lowercase();
    match name.split_once(':') {
        Some((prefix, local)) => (prefix.to_owned(), local.to_owned()),
        None => (String::new(), name),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    const NEWS: &str = "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' \
        xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>\
        <url><loc>https://a.example/1?x=1&amp;y=2</loc><lastmod>2025-11-02</lastmod>\
        <image:image><image:loc>https://a.example/1.jpg</image:loc><image:title>Ship</image:title></image:image>\
        <news:news><news:publication><news:name>A</news:name></news:publication>\
        <news:publication_date>2025-11-01T08:00:00Z</news:publication_date>\
        <news:title><![CDATA[Tanker & crew]]></news:title></news:news></url>\
        <url><loc> https://a.example/2 </loc></url></urlset>";

    fn pages(bytes: &[u8]) -> Vec<Listed> {
        match parse_up_to(bytes, None, 1 << 20).unwrap() {
            Sitemap::Pages(pages) => pages,
            Sitemap::Index(_) => panic!("an index"),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_news_sitemap_gives_addresses_dates_and_titles_of_pages_not_of_images() {
        let found = pages(NEWS.as_bytes());
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].address, "https://a.example/1?x=1&y=2");
        assert_eq!(found[0].title.as_deref(), Some("Tanker & crew"));
        assert_eq!(found[0].dated_at(), parse_date("2025-11-01T08:00:00Z"));
        assert_eq!(found[0].changed_at, parse_date("2025-11-02"));
        assert_eq!(found[1].address, "https://a.example/2");
        assert_eq!(pages(&gzip(NEWS.as_bytes())), found);
    }

    #[test]
    fn an_index_is_told_from_a_sitemap() {
        let index = "<sitemapindex><sitemap><loc>https://a.example/s1.xml.gz</loc>\
            <lastmod>2025-11-02T10:00:00+00:00</lastmod></sitemap></sitemapindex>";
        let Sitemap::Index(listed) = parse_up_to(index.as_bytes(), None, 1 << 20).unwrap() else {
            panic!("no index");
        };
        assert_eq!(listed[0].address, "https://a.example/s1.xml.gz");
        assert_eq!(listed[0].changed_at, parse_date("2025-11-02T10:00:00Z"));
    }

    #[test]
    fn a_plain_list_is_a_sitemap_too() {
        let found = pages(b"https://a.example/1\r\n\nhttps://a.example/2\n");
        assert_eq!(
            found.iter().map(|it| it.address.as_str()).collect::<Vec<_>>(),
            ["https://a.example/1", "https://a.example/2"]
        );
    }

    #[test]
    fn damaged_sitemaps_give_what_can_be_told() {
        let cut = &NEWS[..NEWS.len() - 20];
        assert_eq!(pages(cut.as_bytes()).len(), 1);
        let unclosed =
            "<urlset><url><loc>https://a.example/1</loc><url><loc>https://a.example/2</loc></url>";
        assert_eq!(pages(unclosed.as_bytes()).len(), 2);
        let packed = gzip(NEWS.repeat(50).as_bytes());
        assert!(!pages(&packed[..packed.len() - 12]).is_empty());
    }

    #[test]
    fn what_is_no_sitemap_says_so() {
        let class = |bytes: &[u8]| parse_up_to(bytes, None, 1 << 20).unwrap_err().class();
        assert_eq!(class(b" "), FailureClass::EmptyBody);
        assert_eq!(class(b"<html><body>Hello</body></html>"), FailureClass::NotAFeed);
        assert_eq!(class(b"plain words"), FailureClass::NotAFeed);
        assert_eq!(class(&[0x1f, 0x8b, 9, 9, 9]), FailureClass::Encoding);
        let bomb = gzip(&vec![b' '; 2 << 20]);
        assert!(bomb.len() < 10_000);
        assert_eq!(class(&bomb), FailureClass::TooLarge);
    }

    #[test]
    fn no_more_addresses_are_read_than_the_protocol_allows() {
        let one = "<url><loc>https://a.example/x</loc></url>";
        let many = format!("<urlset>{}</urlset>", one.repeat(N_URLS_MAX + 10));
        assert_eq!(
            parse_up_to(many.as_bytes(), None, 1 << 30).map(|it| match it {
                Sitemap::Pages(pages) => pages.len(),
                Sitemap::Index(_) => 0,
            }),
            Ok(N_URLS_MAX)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_up_to(&bytes, None, 1_000);
        }

        #[test]
        fn any_mix_of_markup_is_read_or_refused(
            pieces in prop::collection::vec(
                "<(/)?(urlset|sitemapindex|url|sitemap|loc|lastmod|news:title)(/)?>|[ -~é]{0,12}|<!\\[CDATA\\[|\\]\\]>",
                0..40,
            ),
        ) {
            let _ = parse_up_to(pieces.concat().as_bytes(), None, 10_000);
        }
    }
}
