//! One search from request to response.

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use tantivy::schema::Value as _;
use tantivy::{DocAddress, TantivyDocument};

use super::collect::{Found, Order, Pass};
use super::error::SearchError;
use super::index::{SearchIndex, Snapshot};
use super::rank::{Rank, key_score};
use super::request::{
    FACET_LIMIT_MAX, FILTER_VALUES_MAX, LIMIT_MAX, SIGNIFICANT_MAX, SearchRequest, Sort,
};
use super::response::{Hit, QueryEcho, SearchResponse};
use super::similar::N_ARTICLES_COUNTED;
use crate::cursor::{Basis, Cursor, fingerprint};
use crate::document::Card;
use crate::facet::FilterField;
use crate::facet::count::{Counts, Filters};
use crate::query::ast::Ast;
use crate::query::compile::{Compiled, Context, compile};
use crate::query::parse;
use crate::snippet::{Highlight, mark_all, snippet};
use crate::tokenizer::{Analyzer, Language};

impl SearchIndex {
    /// Searches the last commit that [`SearchIndex::refresh`] has seen. Blocks.
    ///
    /// `now` is what relative dates and freshness go by; later pages use the first page's.
    pub fn search(
        &self,
        request: &SearchRequest,
        now: DateTime<Utc>,
    ) -> Result<SearchResponse, SearchError> {
        let started = Instant::now();
        for (&field, values) in &request.filters {
            if values.len() > FILTER_VALUES_MAX {
                return Err(SearchError::Filter { field, n_values: values.len() });
            }
        }
        let ast = parse(&request.q)?;
        let cursor = self.cursor_of(request)?;
        let now = cursor.as_ref().map_or(now, |it| time_of(it.now_seconds));
        let kept = cursor.as_ref().and_then(|it| self.snapshot_of(it.snapshot));
        let snapshot = kept.unwrap_or_else(|| self.snapshot());
        let search = Search { index: self, snapshot, request, now };
        let mut response = search.run(&ast, cursor.as_ref())?;
        response.took_ms = started.elapsed().as_secs_f64() * 1_000.0;
        Ok(response)
    }

    fn cursor_of(&self, request: &SearchRequest) -> Result<Option<Cursor>, SearchError> {
        let Some(text) = &request.cursor else { return Ok(None) };
        let cursor = Cursor::decode(text).filter(|it| it.fingerprint == fingerprint(request));
        cursor.map(Some).ok_or(SearchError::Cursor)
    }
}

pub(super) struct Search<'a> {
    pub(super) index: &'a SearchIndex,
    pub(super) snapshot: Arc<Snapshot>,
    request: &'a SearchRequest,
    now: DateTime<Utc>,
}

impl Search<'_> {
    fn run(&self, ast: &Ast, cursor: Option<&Cursor>) -> Result<SearchResponse, SearchError> {
        let request = self.request;
        let after = cursor.and_then(Cursor::after);
        let (compiled, basis) = self.compiled(ast, cursor.and_then(|it| it.basis.as_ref()))?;
        let filters = Filters::new(request, &self.index.dictionaries());
        let order = match request.sort {
            Sort::Relevance if compiled.is_scored => {
                Order::Score { now_seconds: self.now.timestamp() }
            }
            Sort::Oldest => Order::Time { newest_first: false },
            Sort::Relevance | Sort::Newest => Order::Time { newest_first: true },
        };
        let limit = request.limit.min(LIMIT_MAX);
        let pass = Pass {
            snapshot: &self.snapshot,
            query: compiled.query.as_ref(),
            filters: &filters,
            order,
            date_field: request.date_field,
            limit: self.n_kept(limit, cursor.is_some()),
            after: after.as_ref(),
            by_story: request.by_story,
            stories_given: cursor.map(|it| it.stories.as_slice()).unwrap_or_default(),
            doc_freqs: &compiled.doc_freqs,
            basis: basis.as_ref(),
            fields: self.index.fields(),
        };
        let mut counts =
            request.aggs.then(|| Counts::new(self.snapshot.n_values, request.date_field));
        let mut found = pass.run(counts.as_mut())?;
        let has_more = found.best.len() > limit && limit > 0;
        let significant = match (request.significant.min(SIGNIFICANT_MAX), cursor) {
            (0, _) | (_, Some(_)) => Vec::new(),
            (n, None) => self.significant(&found.best, ast, n)?,
        };
        found.best.truncate(limit);
        let next_cursor = has_more.then(|| self.next_cursor(&found.best, order, cursor, basis));
        let mut response = SearchResponse {
            total: found.total,
            n_stories: found.n_stories,
            total_is_lower_bound: false,
            query: echo(ast),
            hits: Vec::new(),
            facets: Default::default(),
            histogram: Vec::new(),
            significant,
            next_cursor,
            took_ms: 0.0,
        };
        if let Some(counts) = counts {
            let limit = request.facet_limit.clamp(1, FACET_LIMIT_MAX);
            let dictionaries = self.index.dictionaries();
            response.facets = counts.facets(request, limit, &dictionaries, self.index.labels());
            response.histogram = counts.histogram();
        }
        response.hits = self.hits(found, order, &compiled.highlight)?;
        Ok(response)
    }

    /// The query and what its scores go by: `basis` of the first page, else that of this state.
    fn compiled(
        &self,
        ast: &Ast,
        basis: Option<&Basis>,
    ) -> Result<(Compiled, Option<Basis>), SearchError> {
        let (request, searcher) = (self.request, &self.snapshot.searcher);
        let with_scores = request.sort == Sort::Relevance;
        let context = Context {
            searcher,
            fields: self.index.fields(),
            languages: &self.snapshot.languages,
            now: self.now,
            with_scores,
            word_freqs: basis.map(|it| it.word_freqs.as_slice()).unwrap_or_default(),
        };
        let uncounted: Vec<(FilterField, &[String])> = request
            .filters
            .iter()
            .filter(|(field, values)| !field.is_counted() && !values.is_empty())
            .map(|(field, values)| (*field, values.as_slice()))
            .collect();
        let mut compiled = compile(ast, &uncounted, &context)?;
        if let Some(id) = &request.like {
            self.narrow_to_like(&mut compiled, ast, id)?;
        }
        let basis = match basis {
            _ if !with_scores || !compiled.is_scored => None,
            Some(basis) => Some(basis.clone()),
            None => Some(Basis::of(searcher, context.fields, compiled.word_freqs.clone())?),
        };
        Ok((compiled, basis))
    }

    fn hits(
        &self,
        found: Found,
        order: Order,
        highlight: &Highlight,
    ) -> Result<Vec<Hit>, SearchError> {
        let mut analyzer = Analyzer::new();
        let mut hits = Vec::with_capacity(found.best.len());
        for (place, (rank, address)) in found.best.into_iter().enumerate() {
            let document: TantivyDocument = self.snapshot.searcher.doc(address)?;
            let mut hit = self.hit(&document, highlight, &mut analyzer)?;
            if let Order::Score { .. } = order {
                hit.score = key_score(rank.key);
            }
            hit.n_in_story = found.n_in_story.get(place).copied();
            hits.push(hit);
        }
        Ok(hits)
    }

    /// Articles that the pass must keep: one more than the page shows, to know whether there are
    /// more, and those in which words are counted.
    fn n_kept(&self, limit: usize, is_later: bool) -> usize {
        let n_page = if limit == 0 { 0 } else { limit + 1 };
        match self.request.significant > 0 && !is_later {
            true => n_page.max(N_ARTICLES_COUNTED),
            false => n_page,
        }
    }

    fn next_cursor(
        &self,
        page: &[(Rank, DocAddress)],
        order: Order,
        before: Option<&Cursor>,
        basis: Option<Basis>,
    ) -> String {
        // By time, later arrivals do not disturb the rest; scores change with every commit, and so
        // does the best article of a story.
        if matches!(order, Order::Score { .. }) || self.request.by_story {
            self.index.pin(&self.snapshot);
        }
        let ranks: Vec<Rank> = page.iter().map(|(rank, _)| *rank).collect();
        // The words of an article that others are compared by are chosen for each state.
        let basis = basis.filter(|it| it.is_short() && self.request.like.is_none());
        let (snapshot, now) = (self.snapshot.id, self.now.timestamp());
        let next = Cursor::after_page(&ranks, before, snapshot, now, self.request, basis);
        if !self.request.by_story {
            return next.encode();
        }
        let columns = &self.snapshot.columns;
        let stories: Vec<u64> = page
            .iter()
            .map(|(_, it)| columns[it.segment_ord as usize].story_key(it.doc_id))
            .collect();
        next.with_stories(before, &stories).encode()
    }

    fn hit(
        &self,
        document: &TantivyDocument,
        highlight: &Highlight,
        analyzer: &mut Analyzer,
    ) -> Result<Hit, SearchError> {
        let (card, body) = self.stored(document)?;
        let mut hit = card.into_hit();
        if self.request.highlight {
            let language = Language::of(hit.language.as_deref());
            hit.title_segments = mark_all(&hit.title, language, highlight, analyzer);
            hit.snippet = snippet(body, language, highlight, analyzer);
        }
        Ok(hit)
    }

    /// What is stored of an article: what a hit shows, and the text.
    pub(super) fn stored<'d>(
        &self,
        document: &'d TantivyDocument,
    ) -> Result<(Card, &'d str), SearchError> {
        let fields = self.index.fields();
        let text_of = |field| {
            let value: Option<&str> = document.get_first(field).and_then(|it| it.as_str());
            value.unwrap_or_default()
        };
        let card: Card = serde_json::from_str(text_of(fields.card))
            .map_err(|error| tantivy::TantivyError::InternalError(error.to_string()))?;
        Ok((card, text_of(fields.body)))
    }
}

fn echo(ast: &Ast) -> QueryEcho {
    match ast {
        Ast::Everything => QueryEcho { text: String::new(), words: ast.in_words() },
        _ => QueryEcho { text: ast.to_string(), words: ast.in_words() },
    }
}

fn time_of(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}
