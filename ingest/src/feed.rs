//! Feeds: bytes to [`ParsedFeed`], and from there to [`Entry`]s.
//!
//! One tolerant reader takes RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, CDF and JSON Feed, whole or
//! broken. Reading order: this file, `feed/markup.rs` (text to tokens), `feed/tree.rs` (tokens to
//! elements), `feed/xml.rs` (elements to a feed), `feed/json.rs`.

mod json;
mod links;
pub(crate) mod markup;
mod rhythm;
mod tree;
mod xml;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use config::SourceId;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::article::{ArticleId, Entry};
use crate::canonical_url::CanonicalUrl;
use crate::date::plausible;
use crate::decode::decode;
use crate::failure::FailureClass;
use crate::plain_text::{plain_text, squeeze};

/// Most entries taken from one feed.
pub const N_ENTRIES_MAX: usize = 2_000;
/// Most characters of a summary.
const SUMMARY_CHARS_MAX: usize = 2_000;
/// Most characters of a title.
const TITLE_CHARS_MAX: usize = 500;

/// A feed as read, in the shape that `parse-feed` prints. Texts may hold HTML; links are resolved
/// as far as a base is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ParsedFeed {
    /// Name of the feed.
    pub title: Option<String>,
    /// The site that the feed belongs to.
    pub link: Option<String>,
    /// What the feed is about.
    pub description: Option<String>,
    /// When the feed last changed, by itself.
    pub updated: Option<DateTime<Utc>>,
    /// Language tag as written.
    pub language: Option<String>,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// All links, in order.
    pub links: Vec<String>,
    /// Entries in the feed's order, at most [`N_ENTRIES_MAX`].
    pub entries: Vec<ParsedEntry>,
    /// What the feed says about when to ask again.
    #[serde(skip)]
    pub rhythm: FeedRhythm,
    /// Addresses of WebSub hubs.
    #[serde(skip)]
    pub hubs: Vec<String>,
    /// The feed's own address, by itself: what its hubs know it by.
    #[serde(skip)]
    pub topic: Option<String>,
}

/// One entry of a feed, as read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ParsedEntry {
    /// The entry's own identity, often an address.
    pub id: Option<String>,
    /// Headline; may hold HTML.
    pub title: Option<String>,
    /// The article's address.
    pub link: Option<String>,
    /// All links, in order.
    pub links: Vec<String>,
    /// Summary; may hold HTML.
    pub summary: Option<String>,
    /// Full content; may hold HTML.
    pub content: Option<String>,
    /// When the entry last changed.
    pub updated: Option<DateTime<Utc>>,
    /// When the entry was published.
    pub published: Option<DateTime<Utc>>,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// Categories and tags.
    pub categories: Vec<String>,
    /// Whether the title is declared to be plain text, so that `<` in it is no markup.
    #[serde(skip)]
    pub has_plain_title: bool,
}

/// How often a feed wants to be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedRhythm {
    /// Shortest time between two polls, by `ttl` or `sy:updatePeriod`, in minutes.
    pub interval_minutes: Option<u32>,
    /// Hours of the day (UTC, 0 to 23) in which the feed is not to be asked.
    pub skip_hours: BTreeSet<u8>,
    /// Days in which the feed is not to be asked, 0 for Monday to 6 for Sunday.
    pub skip_days: BTreeSet<u8>,
}

/// Why bytes are no feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// Nothing but white space.
    #[error("the feed is empty")]
    Empty,
    /// An HTML page where a feed should be.
    #[error("this is an HTML page, not a feed")]
    Html,
    /// Neither XML nor JSON, or no element of a feed in it.
    #[error("this is neither RSS, Atom, RDF nor JSON Feed; it starts with {start:?}")]
    NotAFeed {
        /// The first 40 characters.
        start: String,
    },
}

impl FeedError {
    /// The class of the failure, for metrics and the database.
    pub fn class(&self) -> FailureClass {
        match self {
            FeedError::Empty => FailureClass::EmptyBody,
            FeedError::Html | FeedError::NotAFeed { .. } => FailureClass::NotAFeed,
        }
    }
}

/// Reads a feed from its bytes; never panics.
///
/// `content_type` is the HTTP header, for its charset; `url` is the feed's address, for relative
/// links. A damaged feed gives the entries that can be told.
pub fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    url: Option<&str>,
) -> Result<ParsedFeed, FeedError> {
    let base = url.and_then(|it| Url::parse(it).ok());
    let text = decode(bytes, content_type).text;
    let text = text.trim_matches(|it: char| it.is_whitespace() || it == '\0' || it == '\u{feff}');
    if text.is_empty() {
        return Err(FeedError::Empty);
    }
    let feed =
        if text.starts_with('{') { json::read(text) } else { xml::read(text, base.as_ref()) };
    feed.ok_or_else(|| {
        let start: String = text.chars().take(40).collect();
        let is_html = text.get(..text.len().min(2_000)).unwrap_or(text).to_ascii_lowercase();
        if is_html.contains("<html") || is_html.contains("<!doctype html") {
            FeedError::Html
        } else {
            FeedError::NotAFeed { start }
        }
    })
}

/// The entries of `feed` that point to a page, each address once, in the feed's order.
///
/// `base` is the feed's address. Dates that are absurd at `now` are dropped.
pub fn entries(feed: &ParsedFeed, source: &SourceId, base: &Url, now: DateTime<Utc>) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let entries = feed.entries.iter().filter_map(|it| entry(it, source, base, now));
    entries.filter(|it| seen.insert(it.id)).collect()
}

fn entry(parsed: &ParsedEntry, source: &SourceId, base: &Url, now: DateTime<Utc>) -> Option<Entry> {
    let links = parsed.link.iter().chain(parsed.id.iter().filter(|it| it.starts_with("http")));
    let url = links.filter_map(|it| CanonicalUrl::join(base, it).ok()).next()?;
    let title = parsed.title.as_deref().map(|it| {
        let text = if parsed.has_plain_title { squeeze(it) } else { plain_text(it) };
        cut(&text, TITLE_CHARS_MAX)
    });
    let summary = parsed.summary.as_ref().or(parsed.content.as_ref());
    let summary = summary.map(|it| cut(&plain_text(it), SUMMARY_CHARS_MAX));
    let published_at = parsed.published.and_then(|it| plausible(it, now));
    let updated_at = || parsed.updated.and_then(|it| plausible(it, now));
    let guid = parsed.id.as_deref().filter(|it| !it.is_empty());
    let guid = guid.filter(|it| parsed.link.as_deref() != Some(*it));
    Some(Entry {
        id: ArticleId::of(&url),
        url,
        source: source.clone(),
        title: title.filter(|it| !it.is_empty()),
        summary: summary.filter(|it| !it.is_empty()),
        published_at: published_at.or_else(updated_at),
        guid: guid.map(|it| ArticleId::of_guid(source, it)),
        text: None,
    })
}

fn cut(text: &str, n_chars_max: usize) -> String {
    text.chars().take(n_chars_max).collect()
}

#[cfg(test)]
mod tests;
