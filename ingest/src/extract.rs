//! Pages to articles: [`extract`] finds the main text and what is known about it.
//!
//! Reading order: this file, `extract/guard.rs` (bounds for pathological pages), `extract/page.rs`
//! (one pass over the page's elements), `extract/json_ld.rs`, `extract/outline.rs` (the page as lines
//! of text), `extract/hints.rs`, `extract/features.rs` and `extract/forest.rs` (which lines are the
//! article's), `extract/main_text.rs`, `extract/fallback.rs`, `extract/title.rs`, `extract/seen.rs`
//! (dates and bylines near the headline), `extract/authors.rs`, `extract/published.rs`,
//! `extract/date_text.rs`, `extract/about.rs`, `extract/paging.rs`, `extract/language.rs`,
//! `extract/rules.rs` and `extract/blocks.rs` (a source's own rules).

mod about;
mod authors;
mod blocks;
mod date_text;
mod fallback;
mod features;
mod forest;
mod guard;
mod hints;
mod json_ld;
mod language;
mod main_text;
mod outline;
mod page;
mod paging;
mod published;
mod rules;
mod seen;
mod title;
pub mod training;

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, FixedOffset, Utc};
use config::ExtractRules;
use serde::Serialize;
use url::Url;

use crate::article::TEXT_CHARS_MAX;
use crate::canonical_url::CanonicalUrl;
use crate::failure::FailureClass;
use outline::Outline;
use page::PageFacts;
use rules::OwnFacts;
use seen::Seen;

/// Fewer characters of text are no article.
const TEXT_CHARS_MIN: usize = 40;

/// What a page says, in the shape that `extract` prints (beside `id`, `url` and `error`).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExtractedPage {
    /// The address that the page names as its own, when it is on the same site.
    pub canonical_url: Option<CanonicalUrl>,
    /// Headline without markup or site name; may be empty.
    pub title: String,
    /// Names of the authors, without "by".
    pub authors: Vec<String>,
    /// Publication time in the zone in which the page gives it; `None` when unknown or absurd.
    pub published_at: Option<DateTime<FixedOffset>>,
    /// Time of the last change as the page gives it; `None` when unknown or absurd.
    pub modified_at: Option<DateTime<FixedOffset>>,
    /// ISO 639-1 code of the text's language; `None` when it cannot be told.
    pub language: Option<String>,
    /// Name of the publication.
    pub site_name: Option<String>,
    /// Absolute address of the lead image.
    pub image: Option<String>,
    /// Part of the publication in which the article appeared.
    pub section: Option<String>,
    /// What the publication files the article under; at most 30.
    pub tags: Vec<String>,
    /// Whether the text is only what stands before a paywall.
    pub is_paywall_stub: bool,
    /// The next page of an article that is cut into pages, on the same site.
    pub next_page: Option<CanonicalUrl>,
    /// Main text; paragraphs are separated by one line feed. At most [`TEXT_CHARS_MAX`]
    /// characters.
    pub text: String,
}

/// Why a page gives no article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// Nothing but white space.
    #[error("the page is empty")]
    Empty,
    /// No main text, or too little of it.
    #[error("the page has {n_chars} characters of main text, fewer than {TEXT_CHARS_MIN}")]
    NoText {
        /// What was found.
        n_chars: usize,
    },
    /// A third-party extractor panicked on the page.
    #[error("the extractor broke on the page: {reason}")]
    Extractor {
        /// The panic's message.
        reason: String,
    },
}

impl ExtractError {
    /// The class of the failure, for metrics and the database.
    pub fn class(&self) -> FailureClass {
        match self {
            ExtractError::Empty => FailureClass::EmptyBody,
            ExtractError::NoText { .. } => FailureClass::NoText,
            ExtractError::Extractor { .. } => FailureClass::Extractor,
        }
    }
}

/// Finds the main text of a page, and its title, authors, date, language and site. Does no I/O.
///
/// `url` is where the page came from, for relative links and dates in addresses. `rules` override
/// what is found by general means. Dates that are absurd at `now` are dropped. Takes time; keep
/// it off asynchronous threads.
pub fn extract(
    html: &str,
    url: Option<&str>,
    rules: &ExtractRules,
    now: DateTime<Utc>,
) -> Result<ExtractedPage, ExtractError> {
    let url = url.and_then(|it| Url::parse(it).ok());
    if html.trim().is_empty() {
        return Err(ExtractError::Empty);
    }
    let extracted = catch_unwind(AssertUnwindSafe(|| extract_tame(html, url.as_ref(), rules, now)));
    extracted.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(ExtractError::Extractor { reason: text.unwrap_or_else(|| "unknown".to_owned()) })
    })
}

fn extract_tame(
    html: &str,
    url: Option<&Url>,
    rules: &ExtractRules,
    now: DateTime<Utc>,
) -> Result<ExtractedPage, ExtractError> {
    let tamed = guard::tame(html);
    let document = scraper::Html::parse_document(&tamed);
    let facts = PageFacts::of(&document);
    let own = OwnFacts::of(&document, rules);
    let site_name = facts.site_name(url);
    let outline = Outline::of(&document, &rules::is_removed(rules));
    let title = own.title.unwrap_or_else(|| title::find(&facts, &outline, site_name.as_deref()));
    let table = features::measure(&outline, &training::stated(&facts, &title));
    let text = own.text.unwrap_or_else(|| main_text::find(&outline, &table, &title));
    let has_text = TEXT_CHARS_MIN <= text.chars().count();
    let text = if has_text { text } else { fallback::text_instead(&document, &facts) };
    let text: String = text.chars().take(TEXT_CHARS_MAX).collect();
    let n_chars = text.chars().count();
    if n_chars < TEXT_CHARS_MIN {
        return Err(ExtractError::NoText { n_chars });
    }
    let seen = Seen::of(&outline, table.headline);
    let authors = if own.authors.is_empty() {
        authors::find(&facts, &seen.near(), site_name.as_deref())
    } else {
        own.authors
    };
    let published_at = own.published_at.or_else(|| {
        let dates = seen.dates(&table.lines, published::is_american(&facts, url));
        published::find(&facts, &dates, html, url, now)
    });
    Ok(ExtractedPage {
        canonical_url: canonical_url(&facts, url),
        title,
        authors,
        published_at,
        modified_at: published::modified(&facts, url, now),
        language: language::of(&text, facts.html_language.as_deref()),
        site_name,
        image: about::image(&facts, url),
        section: about::section(&facts),
        tags: about::tags(&facts),
        is_paywall_stub: about::is_paywall_stub(&facts, &text),
        next_page: paging::next_page(&document, &facts, url),
        text,
    })
}

/// A page as a tree of elements, within the bounds that hold for extraction.
pub(crate) fn guarded_html(html: &str) -> scraper::Html {
    scraper::Html::parse_document(&guard::tame(html))
}

/// The address that the page names as its own; another site's word is not taken.
fn canonical_url(facts: &PageFacts, url: Option<&Url>) -> Option<CanonicalUrl> {
    let named = facts.canonical_link.as_deref().or_else(|| facts.meta("og:url"))?;
    let Some(url) = url else { return CanonicalUrl::parse(named).ok() };
    let canonical = CanonicalUrl::join(url, named).ok()?;
    let own = CanonicalUrl::parse(url.as_str()).ok()?;
    // Broken sites name their front page on every page.
    let is_front_page = canonical.to_url().path() == "/" && own.to_url().path() != "/";
    (canonical.is_same_site(&own) && !is_front_page).then_some(canonical)
}

#[cfg(test)]
mod tests;
