//! The domain types of ingestion: an [`Entry`] found in a feed becomes an [`Article`].

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use config::SourceId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::canonical_url::CanonicalUrl;

/// Most characters of an article's text.
pub const TEXT_CHARS_MAX: usize = 1_000_000;

/// Identity of an article: a 128-bit BLAKE3 hash of its canonical URL, stable across runs and
/// machines. Written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArticleId(u128);

impl ArticleId {
    /// Returns the id of the article at `url`; only a canonical URL can get in.
    pub fn of(url: &CanonicalUrl) -> ArticleId {
        ArticleId::of_text(url.as_str())
    }

    /// Returns an id for what the feed of `source` calls `guid`, whatever its address; never that of
    /// a URL.
    pub fn of_guid(source: &SourceId, guid: &str) -> ArticleId {
        ArticleId::of_text(&format!("guid:{source}\n{guid}"))
    }

    fn of_text(text: &str) -> ArticleId {
        let hash = blake3::hash(text.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.as_bytes()[..16]);
        ArticleId(u128::from_be_bytes(bytes))
    }

    /// The first 32 bits, for long lists of ids in which a rare confusion does no harm.
    pub fn short(self) -> u32 {
        (self.0 >> 96) as u32
    }
}

impl fmt::Display for ArticleId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

/// A text that is no article id: anything but 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an article id (32 hexadecimal digits)")]
pub struct InvalidArticleId(String);

impl FromStr for ArticleId {
    type Err = InvalidArticleId;

    fn from_str(text: &str) -> Result<ArticleId, InvalidArticleId> {
        let is_id = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
        let id = is_id.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        id.map(ArticleId).ok_or_else(|| InvalidArticleId(text.chars().take(64).collect()))
    }
}

impl Serialize for ArticleId {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ArticleId {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<ArticleId, D::Error> {
        String::deserialize(input)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One item of a feed: where an article is said to be, before its page is fetched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Identity of the article that the entry points to.
    pub id: ArticleId,
    /// The page to fetch, in canonical form.
    pub url: CanonicalUrl,
    /// The source whose feed held the entry.
    pub source: SourceId,
    /// Headline as the feed gives it, without markup.
    pub title: Option<String>,
    /// Summary as the feed gives it, without markup, at most 2 000 characters.
    pub summary: Option<String>,
    /// Publication time by the feed; `None` when absent or absurd.
    pub published_at: Option<DateTime<Utc>>,
    /// What its feed calls it ([`ArticleId::of_guid`]); `None` where that is its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guid: Option<ArticleId>,
    /// The article's text, where the source holds it itself; then no page is fetched.
    #[serde(default)]
    pub text: Option<String>,
}

impl Entry {
    /// The page at `url`, of which nothing else is known yet.
    pub fn at(url: CanonicalUrl, source: SourceId) -> Entry {
        Entry {
            id: ArticleId::of(&url),
            url,
            source,
            title: None,
            summary: None,
            published_at: None,
            guid: None,
            text: None,
        }
    }
}

/// An article: the main text of a page and what is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// Identity: [`ArticleId::of`] of [`Article::url`].
    pub id: ArticleId,
    /// The address that was fetched, in canonical form.
    pub url: CanonicalUrl,
    /// The address that the page itself names, when it is on the same site, or else the one to which
    /// redirects led.
    pub canonical_url: Option<CanonicalUrl>,
    /// The source that led to the article.
    pub source: SourceId,
    /// Headline without markup or site name; may be empty.
    pub title: String,
    /// Names of the authors, without "by".
    pub authors: Vec<String>,
    /// Main text; paragraphs are separated by one line feed. At most 1 000 000 characters.
    pub text: String,
    /// ISO 639-1 code of the text's language; `None` when it cannot be told.
    pub language: Option<String>,
    /// Name of the publication as the page gives it.
    pub site_name: Option<String>,
    /// Publication time; `None` when unknown or absurd (before 1990, or later than fetched + 1 day).
    pub published_at: Option<DateTime<Utc>>,
    /// When the page was fetched.
    pub fetched_at: DateTime<Utc>,
    /// SHA-256 of the page's bytes as fetched (after content decoding), lower-case hexadecimal;
    /// of the first page where there are more.
    pub page_sha256: String,
    /// What else its page says about it.
    #[serde(default)]
    pub details: Details,
}

/// What a page says about its article beside its text and who wrote it when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// Time of the last change as the page gives it; `None` when unknown or absurd.
    pub modified_at: Option<DateTime<Utc>>,
    /// Absolute http or https address of the lead image, at most [`IMAGE_BYTES_MAX`] bytes.
    pub image: Option<String>,
    /// Part of the publication in which the article appeared, at most 80 characters.
    pub section: Option<String>,
    /// What the publication files it under, at most 30 of at most 80 characters.
    pub tags: Vec<String>,
    /// Whether the text is only what stands before a paywall.
    pub is_paywall_stub: bool,
    /// Pages that the text was put together from, from 1.
    pub n_pages: u32,
}

/// Longest address of a lead image that is kept.
pub const IMAGE_BYTES_MAX: usize = 2_048;

impl Default for Details {
    /// Nothing known; one page.
    fn default() -> Details {
        Details {
            modified_at: None,
            image: None,
            section: None,
            tags: Vec::new(),
            is_paywall_stub: false,
            n_pages: 1,
        }
    }
}

/// SHA-256 of `bytes` as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
