//! The single pass over the matching articles: filters, facets and the best of them.

use std::collections::HashMap;

use tantivy::query::{Bm25StatisticsProvider, EnableScoring, Query, Weight};
use tantivy::schema::Field;
use tantivy::{DocAddress, Searcher, SegmentReader, Term};

use super::index::Snapshot;
use super::rank::{After, Best, BestOfStories, Rank, freshness, score_key, time_key};
use super::request::DateField;
use crate::cursor::Basis;
use crate::facet::columns::SegmentColumns;
use crate::facet::count::{Counts, Filters, Verdict};
use crate::schema::Fields;

/// Articles whose facets are counted together.
const BLOCK_SIZE: usize = 256;

/// What the order goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    /// BM25 times freshness at this time, in seconds since 1970.
    Score { now_seconds: i64 },
    /// Time.
    Time { newest_first: bool },
}

/// One pass.
pub(crate) struct Pass<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) query: &'a dyn Query,
    pub(crate) filters: &'a Filters,
    pub(crate) order: Order,
    pub(crate) date_field: DateField,
    pub(crate) limit: usize,
    pub(crate) after: Option<&'a After>,
    /// Whether only the best article of each story is kept.
    pub(crate) by_story: bool,
    /// Stories that do not come again, by their keys; counted all the same.
    pub(crate) stories_given: &'a [u64],
    /// Document frequencies that replace Tantivy's own.
    pub(crate) doc_freqs: &'a HashMap<Term, u64>,
    /// What else scores go by; `None` when there are none.
    pub(crate) basis: Option<&'a Basis>,
    pub(crate) fields: Fields,
}

/// What a pass found.
pub(crate) struct Found {
    pub(crate) total: u64,
    pub(crate) best: Vec<(Rank, DocAddress)>,
    /// Articles found of the story of each of `best`; empty unless asked by story.
    pub(crate) n_in_story: Vec<u64>,
    /// Stories found; `None` unless asked by story.
    pub(crate) n_stories: Option<u64>,
}

impl Pass<'_> {
    /// Visits every matching article once; counts facets when `counts` is given.
    pub(crate) fn run(&self, mut counts: Option<&mut Counts>) -> tantivy::Result<Found> {
        let searcher = &self.snapshot.searcher;
        let Pass { doc_freqs, basis, fields, .. } = *self;
        let statistics = Statistics { searcher, doc_freqs, basis, fields };
        let is_scored = matches!(self.order, Order::Score { .. });
        let weight = self.query.weight(if is_scored {
            EnableScoring::enabled_from_statistics_provider(&statistics, searcher)
        } else {
            EnableScoring::disabled_from_searcher(searcher)
        })?;
        let mut total = 0;
        let mut best = Best::new(self.limit, self.after.cloned());
        let mut stories = self.by_story.then(BestOfStories::default);
        for (segment_ord, segment) in searcher.segment_readers().iter().enumerate() {
            let mut block = Block {
                pass: self,
                columns: &self.snapshot.columns[segment_ord],
                segment_ord: segment_ord as u32,
                passed: Vec::with_capacity(BLOCK_SIZE),
                only: vec![Vec::new(); self.filters.len()],
                counts: counts.as_deref_mut(),
                best: &mut best,
                stories: stories.as_mut(),
                total: 0,
            };
            block.visit_segment(weight.as_ref(), segment, is_scored)?;
            total += block.total;
        }
        let n_stories = stories.as_ref().map(BestOfStories::len);
        let (best, n_in_story) = match stories.map(|it| it.without(self.stories_given)) {
            Some(stories) => stories.into_sorted(self.limit, self.after),
            None => (best.into_sorted(), Vec::new()),
        };
        Ok(Found { total, best, n_in_story, n_stories })
    }
}

/// Articles of one segment on their way into counts and ranking.
struct Block<'a> {
    pass: &'a Pass<'a>,
    columns: &'a SegmentColumns,
    segment_ord: u32,
    passed: Vec<u32>,
    only: Vec<Vec<u32>>,
    counts: Option<&'a mut Counts>,
    best: &'a mut Best,
    stories: Option<&'a mut BestOfStories>,
    total: u64,
}

impl Block<'_> {
    fn visit_segment(
        &mut self,
        weight: &dyn Weight,
        segment: &SegmentReader,
        is_scored: bool,
    ) -> tantivy::Result<()> {
        let alive = segment.alive_bitset();
        if is_scored {
            weight.for_each(segment, &mut |doc, score| {
                if alive.is_none_or(|it| it.is_alive(doc)) {
                    self.visit(doc, score);
                }
            })?;
        } else {
            weight.for_each_no_score(segment, &mut |docs| {
                for &doc in docs {
                    if alive.is_none_or(|it| it.is_alive(doc)) {
                        self.visit(doc, 0.0);
                    }
                }
            })?;
        }
        self.flush();
        Ok(())
    }

    fn visit(&mut self, doc: u32, score: f32) {
        match self.pass.filters.verdict(self.columns, doc) {
            Verdict::Fail => (),
            Verdict::Only(n_filter) => {
                if self.counts.is_some() {
                    self.only[n_filter].push(doc);
                    if self.only[n_filter].len() >= BLOCK_SIZE {
                        self.flush();
                    }
                }
            }
            Verdict::Pass => {
                self.total += 1;
                let address = DocAddress::new(self.segment_ord, doc);
                let columns = self.columns;
                let key = self.could_be_best(score).then(|| self.key(doc, score));
                match (&mut self.stories, key) {
                    (Some(stories), Some(key)) => {
                        let rank = Rank { key, tie: columns.tie(doc) };
                        stories.offer(columns.story_key(doc), rank, address);
                    }
                    (None, Some(key)) => self.best.offer(key, address, || columns.tie(doc)),
                    (_, None) => (),
                }
                if self.counts.is_some() {
                    self.passed.push(doc);
                    if self.passed.len() >= BLOCK_SIZE {
                        self.flush();
                    }
                }
            }
        }
    }

    /// Whether an article of this score is to be ranked: however fresh it is, it gains nothing by
    /// that. Most articles of a common word are spared the look-up of their time here.
    fn could_be_best(&self, score: f32) -> bool {
        let is_scored = matches!(self.pass.order, Order::Score { .. });
        self.stories.is_some() || !is_scored || self.best.may_take(score_key(score))
    }

    fn key(&self, doc: u32, score: f32) -> u32 {
        match self.pass.order {
            Order::Time { newest_first } => {
                time_key(self.columns.seconds(self.pass.date_field)[doc as usize], newest_first)
            }
            Order::Score { now_seconds } => {
                let at = self.columns.seconds(DateField::Published)[doc as usize];
                score_key(score * freshness((now_seconds - i64::from(at)) as f32))
            }
        }
    }

    fn flush(&mut self) {
        let Some(counts) = self.counts.as_deref_mut() else { return };
        counts.add(self.columns, &self.passed);
        self.passed.clear();
        for (n_filter, docs) in self.only.iter_mut().enumerate() {
            counts.add_only(self.pass.filters, n_filter, self.columns, docs);
            docs.clear();
        }
    }
}

/// Tantivy's statistics with the document frequencies of a word over all languages, and as they were
/// on the first page.
struct Statistics<'a> {
    searcher: &'a Searcher,
    doc_freqs: &'a HashMap<Term, u64>,
    basis: Option<&'a Basis>,
    fields: Fields,
}

impl Bm25StatisticsProvider for Statistics<'_> {
    fn total_num_tokens(&self, field: Field) -> tantivy::Result<u64> {
        match self.basis {
            Some(basis) if field == self.fields.text => Ok(basis.n_text_terms),
            Some(basis) if field == self.fields.title => Ok(basis.n_title_terms),
            _ => self.searcher.total_num_tokens(field),
        }
    }

    fn total_num_docs(&self) -> tantivy::Result<u64> {
        self.basis.map_or_else(|| self.searcher.total_num_docs(), |it| Ok(it.n_docs))
    }

    fn doc_freq(&self, term: &Term) -> tantivy::Result<u64> {
        let n_docs = self.total_num_docs()?;
        let freq = match self.doc_freqs.get(term) {
            Some(&freq) => freq,
            None => self.searcher.doc_freq(term)?,
        };
        Ok(freq.min(n_docs))
    }
}
