//! What a caller asks: [`SearchRequest`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::facet::FilterField;

/// Hits on a page when the caller does not say.
pub const LIMIT_DEFAULT: usize = 20;
/// Hits on a page at most.
pub const LIMIT_MAX: usize = 200;
/// Values of one facet when the caller does not say.
pub const FACET_LIMIT_DEFAULT: usize = 20;
/// Values of one facet at most.
pub const FACET_LIMIT_MAX: usize = 1_000;
/// Significant words at most.
pub const SIGNIFICANT_MAX: usize = 50;
/// Values of one filter at most.
pub const FILTER_VALUES_MAX: usize = 200;

/// A search: query text, date range, chosen facet values, order and page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SearchRequest {
    /// The query as typed (see `docs/search.md`); empty finds everything.
    pub q: String,
    /// First instant (inclusive) of [`SearchRequest::date_field`]; `None` is unbounded.
    pub from: Option<DateTime<Utc>>,
    /// Last instant (exclusive) of [`SearchRequest::date_field`]; `None` is unbounded.
    pub to: Option<DateTime<Utc>>,
    /// The time that `from`, `to`, the order by date, the day facet and the histogram go by.
    pub date_field: DateField,
    /// Chosen values by field. The values of one field are alternatives, the fields are joined
    /// by AND. Facet counts of a field ignore that field's own choice.
    pub filters: BTreeMap<FilterField, Vec<String>>,
    /// Id of an article: only articles that share its characteristic words are found, the most
    /// alike first, and not itself.
    pub like: Option<String>,
    /// Order of the hits.
    pub sort: Sort,
    /// Whether only the best article of each story is a hit: by date the newest or the oldest of
    /// those found. Counts stay those of all articles.
    pub by_story: bool,
    /// [`SearchResponse::next_cursor`](super::SearchResponse::next_cursor) of the page before;
    /// `None` starts at the top.
    pub cursor: Option<String>,
    /// Hits on a page, `0..=200`; more is cut to 200. 0 counts only.
    pub limit: usize,
    /// Whether hits carry snippets with marked words.
    pub highlight: bool,
    /// Whether to count facets and the histogram.
    pub aggs: bool,
    /// Most values of one facet, `1..=1000`; chosen values come on top.
    pub facet_limit: usize,
    /// Most words that are told to be more frequent in what is found than usual, `0..=50`; on the
    /// first page only.
    pub significant: usize,
}

impl Default for SearchRequest {
    fn default() -> SearchRequest {
        SearchRequest {
            q: String::new(),
            from: None,
            to: None,
            date_field: DateField::default(),
            filters: BTreeMap::new(),
            like: None,
            sort: Sort::default(),
            by_story: false,
            cursor: None,
            limit: LIMIT_DEFAULT,
            highlight: true,
            aggs: true,
            facet_limit: FACET_LIMIT_DEFAULT,
            significant: 0,
        }
    }
}

/// Which of an article's two times counts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DateField {
    /// Publication; an article without a known publication time counts at its fetch.
    #[default]
    Published,
    /// When Harbinger fetched it: "as of" searches, what was known then.
    Fetched,
}

/// Order of hits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// BM25 with the headline weighing more, decaying with age. Newest first when the query
    /// has no words to score.
    #[default]
    Relevance,
    /// Latest first.
    Newest,
    /// Earliest first.
    Oldest,
}
