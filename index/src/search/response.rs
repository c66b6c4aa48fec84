//! What a caller gets: [`SearchResponse`].

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::facet::{FacetCount, FilterField};
use crate::snippet::Segment;

/// One page of hits and what can be counted about all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SearchResponse {
    /// Number of articles found, over all pages.
    pub total: u64,
    /// Number of stories found, over all pages; `None` unless asked for one hit per story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_stories: Option<u64>,
    /// Whether there may be more than `total`. Tantivy counts exactly, so always `false` here.
    pub total_is_lower_bound: bool,
    /// The query as understood.
    pub query: QueryEcho,
    /// The page.
    pub hits: Vec<Hit>,
    /// Values of each facet among the articles found, most frequent first (days: latest first).
    /// Empty when not asked for.
    pub facets: BTreeMap<FilterField, Vec<FacetCount>>,
    /// Articles by day (UTC), earliest first, without empty days; at most the latest 1 000.
    pub histogram: Vec<DayCount>,
    /// Words more frequent in what is found than in all articles, the most telling first. Empty
    /// when not asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub significant: Vec<SignificantWord>,
    /// Give it back to get the next page; `None` on the last page.
    pub next_cursor: Option<String>,
    /// Time spent in the index, in milliseconds.
    pub took_ms: f64,
}

/// A word that is more frequent in what was found than in all articles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignificantWord {
    /// The word, in the form in which most of the articles looked at have it.
    pub word: String,
    /// Share of the best articles found that have it, `0.0..=1.0`.
    pub share: f64,
    /// Share of all articles that have it, `0.0..=1.0`.
    pub usual_share: f64,
}

/// The query as it was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct QueryEcho {
    /// Canonical text: parsing it gives the same query. Empty for "everything".
    pub text: String,
    /// The same in words, for people.
    pub words: String,
}

/// One found article.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Hit {
    /// Article id, 32 hexadecimal digits.
    pub id: String,
    /// Its address.
    pub url: String,
    /// Headline.
    pub title: String,
    /// The headline in pieces, matched words marked; empty unless highlights were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub title_segments: Vec<Segment>,
    /// Id of the source.
    pub source: String,
    /// Display name of the source.
    pub source_name: String,
    /// ISO 3166-1 alpha-2 country of the source; `None` when international.
    pub country: Option<String>,
    /// ISO 639-1 language; `None` when unknown.
    pub language: Option<String>,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// Publication; `None` when unknown.
    pub published_at: Option<DateTime<Utc>>,
    /// Fetch.
    pub fetched_at: DateTime<Utc>,
    /// Story; `None` until correlated.
    pub story: Option<String>,
    /// Articles found of its story; `None` unless asked for one hit per story.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n_in_story: Option<u64>,
    /// Relevance, `0.0..`; 0 when ordered by date.
    pub score: f32,
    /// A passage of the text in pieces, matched words marked; the lead when nothing in the text
    /// matched. Empty unless highlights were asked for.
    pub snippet: Vec<Segment>,
    /// Threatened or attacked sectors (facet paths), best first.
    pub sectors: Vec<String>,
    /// Entities that threaten or attack.
    pub actors: Vec<Label>,
    /// Entities threatened or attacked.
    pub targets: Vec<Label>,
    /// Kinds of the article's hostile statements, each once.
    pub kinds: Vec<String>,
    /// Whether it comes from the bundled sample wire.
    pub is_sample: bool,
}

/// An id with its display name.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct Label {
    /// Entity id.
    pub id: String,
    /// Canonical name.
    pub name: String,
}

/// Articles of one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DayCount {
    /// The day in UTC.
    pub day: NaiveDate,
    /// Its articles.
    pub count: u64,
}
