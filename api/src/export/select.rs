//! Which articles: the ids that a search finds, page by page.

use chrono::{DateTime, Utc};
use index::search::request::LIMIT_MAX;
use index::search::{SearchRequest, Sort};
use index::{SearchError, SearchIndex};
use ingest::ArticleId;

/// The pages of a search, oldest article first. By time, later arrivals do not disturb the rest.
pub(crate) struct Selection {
    search: SearchIndex,
    request: SearchRequest,
    now: DateTime<Utc>,
    is_done: bool,
}

impl Selection {
    /// All that `request` finds, whatever its order, page and limit say.
    pub(crate) fn oldest_first(
        search: SearchIndex,
        request: SearchRequest,
        now: DateTime<Utc>,
    ) -> Selection {
        let request = SearchRequest {
            sort: Sort::Oldest,
            by_story: false,
            significant: 0,
            cursor: None,
            limit: LIMIT_MAX,
            highlight: false,
            aggs: false,
            ..request
        };
        Selection { search, request, now, is_done: false }
    }

    /// The next ids, at most 200; `None` after the last. Blocks.
    pub(crate) fn next_page(&mut self) -> Result<Option<Vec<ArticleId>>, SearchError> {
        if self.is_done {
            return Ok(None);
        }
        let found = self.search.search(&self.request, self.now)?;
        self.is_done = found.next_cursor.is_none();
        self.request.cursor = found.next_cursor;
        let ids: Vec<ArticleId> = found.hits.iter().filter_map(|it| it.id.parse().ok()).collect();
        Ok((!ids.is_empty()).then_some(ids))
    }
}
