//! Counting facet values of the articles that pass: [`Filters`] and [`Counts`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate};

use super::columns::{DAY_SECONDS, SegmentColumns};
use super::dictionary::{COLUMN_FIELDS, Dictionaries, label_of};
use super::{FacetCount, FilterField};
use crate::search::{DateField, DayCount, SearchRequest};

/// Days of a histogram at most.
const N_DAYS_MAX: usize = 1_000;

/// Filters on counted fields. Each keeps its place, so that the counts of a field can ignore the
/// choice in that field.
pub(crate) struct Filters {
    filters: Vec<Chosen>,
    date_field: DateField,
    from: u32,
    /// Exclusive.
    to: u32,
}

enum Chosen {
    /// By value number: chosen or not. `n_field` is a place in [`COLUMN_FIELDS`].
    Values { n_field: usize, is_chosen: Vec<bool> },
    /// Days since 1970.
    Days(BTreeSet<u32>),
}

/// Whether an article passes the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is found.
    Pass,
    /// It fails in one filter only: it counts for that filter's own facet.
    Only(usize),
    /// It is not found.
    Fail,
}

impl Filters {
    pub(crate) fn new(request: &SearchRequest, dictionaries: &Dictionaries) -> Filters {
        let counted = request.filters.iter().filter(|(field, _)| field.is_counted());
        let filters = counted.filter(|(_, values)| !values.is_empty()).map(|(field, values)| {
            let column = COLUMN_FIELDS.iter().position(|it| it == field);
            match column {
                Some(n_field) => {
                    let dictionary = dictionaries.field(n_field);
                    let mut is_chosen = vec![false; dictionaries.lens()[n_field]];
                    for number in values.iter().filter_map(|it| dictionary.number(it)) {
                        is_chosen[number as usize] = true;
                    }
                    Chosen::Values { n_field, is_chosen }
                }
                None => Chosen::Days(values.iter().filter_map(|it| day_number(it)).collect()),
            }
        });
        let seconds =
            |it: DateTime<chrono::Utc>| u32::try_from(it.timestamp().max(0)).unwrap_or(u32::MAX);
        Filters {
            filters: filters.collect(),
            date_field: request.date_field,
            from: request.from.map_or(0, seconds),
            to: request.to.map_or(u32::MAX, seconds),
        }
    }

    pub(crate) fn verdict(&self, columns: &SegmentColumns, doc: u32) -> Verdict {
        let at = columns.seconds(self.date_field)[doc as usize];
        if at < self.from || self.to <= at {
            return Verdict::Fail;
        }
        let mut failed = None;
        for (n_filter, filter) in self.filters.iter().enumerate() {
            let passes = match filter {
                Chosen::Values { n_field, is_chosen } => {
                    let mut values = columns.values(*n_field, doc).iter();
                    values.any(|&it| is_chosen.get(it as usize).copied().unwrap_or(false))
                }
                Chosen::Days(days) => days.contains(&(at / DAY_SECONDS)),
            };
            if !passes && failed.replace(n_filter).is_some() {
                return Verdict::Fail;
            }
        }
        failed.map_or(Verdict::Pass, Verdict::Only)
    }

    pub(crate) fn len(&self) -> usize {
        self.filters.len()
    }
}

/// Days since 1970 of `2026-01-31`.
fn day_number(text: &str) -> Option<u32> {
    let date: NaiveDate = text.parse().ok()?;
    let seconds = date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
    u32::try_from(seconds / i64::from(DAY_SECONDS)).ok()
}

/// Counts of all facets, filled segment by segment.
pub(crate) struct Counts {
    by_field: Vec<Vec<u32>>,
    /// By days since 1970.
    by_day: Vec<u32>,
    date_field: DateField,
}

impl Counts {
    pub(crate) fn new(lens: [usize; COLUMN_FIELDS.len()], date_field: DateField) -> Counts {
        let by_field = lens.iter().map(|it| vec![0; *it]).collect();
        Counts { by_field, by_day: vec![0; (u32::MAX / DAY_SECONDS) as usize + 1], date_field }
    }

    /// Counts articles that pass all filters.
    pub(crate) fn add(&mut self, columns: &SegmentColumns, docs: &[u32]) {
        for (n_field, counts) in self.by_field.iter_mut().enumerate() {
            columns.count(n_field, docs, counts);
        }
        self.add_days(columns, docs);
    }

    /// Counts articles that fail in the filter `n_filter` only.
    pub(crate) fn add_only(
        &mut self,
        filters: &Filters,
        n_filter: usize,
        columns: &SegmentColumns,
        docs: &[u32],
    ) {
        match &filters.filters[n_filter] {
            Chosen::Values { n_field, .. } => {
                columns.count(*n_field, docs, &mut self.by_field[*n_field]);
            }
            Chosen::Days(_) => self.add_days(columns, docs),
        }
    }

    fn add_days(&mut self, columns: &SegmentColumns, docs: &[u32]) {
        let seconds = columns.seconds(self.date_field);
        for &doc in docs {
            self.by_day[(seconds[doc as usize] / DAY_SECONDS) as usize] += 1;
        }
    }

    /// Days that have articles, latest first.
    fn days(&self) -> impl Iterator<Item = (u32, u32)> {
        let days = self.by_day.iter().enumerate().rev();
        days.filter(|(_, count)| **count > 0).map(|(day, count)| (day as u32, *count))
    }

    /// The facets for display: at most `limit` values each, and those chosen.
    pub(crate) fn facets(
        &self,
        request: &SearchRequest,
        limit: usize,
        dictionaries: &Dictionaries,
        labels: &BTreeMap<String, String>,
    ) -> BTreeMap<FilterField, Vec<FacetCount>> {
        let mut facets = BTreeMap::new();
        for (n_field, field) in COLUMN_FIELDS.into_iter().enumerate() {
            let counts = &self.by_field[n_field];
            let dictionary = dictionaries.field(n_field);
            let chosen = request.filters.get(&field).map_or(&[][..], Vec::as_slice);
            let mut numbers: Vec<u32> =
                (0..counts.len() as u32).filter(|it| counts[*it as usize] > 0).collect();
            let order = |it: &u32| (std::cmp::Reverse(counts[*it as usize]), dictionary.id(*it));
            if numbers.len() > limit {
                numbers.select_nth_unstable_by(limit, |a, b| order(a).cmp(&order(b)));
                numbers.truncate(limit);
            }
            numbers.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
            let mut facet: Vec<FacetCount> = numbers
                .iter()
                .map(|&it| FacetCount {
                    value: dictionary.id(it).to_owned(),
                    label: dictionary.label(field, it, labels),
                    count: counts[it as usize].into(),
                    selected: false,
                })
                .collect();
            select(&mut facet, chosen, |value| match dictionary.number(value) {
                Some(it) => {
                    let count = counts.get(it as usize).copied().unwrap_or_default();
                    (dictionary.label(field, it, labels), count.into())
                }
                None => (label_of(field, value, None, labels), 0),
            });
            facets.insert(field, facet);
        }
        facets.insert(FilterField::Day, self.day_facet(request, limit));
        facets
    }

    fn day_facet(&self, request: &SearchRequest, limit: usize) -> Vec<FacetCount> {
        let latest = self.days().take(limit);
        let mut facet: Vec<FacetCount> = latest
            .map(|(day, count)| FacetCount {
                value: date_of(day).to_string(),
                label: date_of(day).to_string(),
                count: count.into(),
                selected: false,
            })
            .collect();
        let chosen = request.filters.get(&FilterField::Day).map_or(&[][..], Vec::as_slice);
        select(&mut facet, chosen, |value| {
            let count = day_number(value).and_then(|it| self.by_day.get(it as usize)).copied();
            (value.to_owned(), count.unwrap_or_default().into())
        });
        facet
    }

    /// Articles by day, earliest first.
    pub(crate) fn histogram(&self) -> Vec<DayCount> {
        let latest = self.days().take(N_DAYS_MAX);
        let mut days: Vec<DayCount> = latest
            .map(|(day, count)| DayCount { day: date_of(day), count: count.into() })
            .collect();
        days.reverse();
        days
    }
}

/// Marks the chosen values and adds those that are missing.
fn select(
    facet: &mut Vec<FacetCount>,
    chosen: &[String],
    describe: impl Fn(&str) -> (String, u64),
) {
    for value in chosen {
        match facet.iter_mut().find(|it| it.value == *value) {
            Some(count) => count.selected = true,
            None => {
                let (label, count) = describe(value);
                facet.push(FacetCount { value: value.clone(), label, count, selected: true });
            }
        }
    }
}

fn date_of(day: u32) -> NaiveDate {
    DateTime::from_timestamp(i64::from(day) * i64::from(DAY_SECONDS), 0)
        .map_or(NaiveDate::MIN, |it| it.date_naive())
}
