//! Values to filter by, with counts; sectors as a tree.

use std::collections::BTreeMap;

use config::SectorId;
use index::{FacetCount, FilterField};

use super::switched;
use crate::handlers::params::Params;
use crate::pages::text::{brief, clean_or, grouped};
use crate::pages::view::{Row, SectorNames};

/// Values of a facet that are shown before "more".
const N_ROWS_MAX: usize = 8;

/// Facets in the order of the page, with the words above them.
const FACETS: &[(FilterField, &str)] = &[
    (FilterField::Sector, "Sector"),
    (FilterField::Kind, "Statement"),
    (FilterField::Actor, "Who"),
    (FilterField::Target, "Whom"),
    (FilterField::Source, "Source"),
    (FilterField::Country, "Country"),
    (FilterField::Language, "Language"),
    (FilterField::Domain, "Domain"),
    (FilterField::Modality, "Certainty"),
];

/// A facet with its values.
pub(crate) struct FacetView {
    /// Name of the filter.
    pub(crate) field: &'static str,
    pub(crate) label: &'static str,
    /// Whether there may be more values than these; a script can ask for them.
    pub(crate) is_cut: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) more: Vec<Row>,
}

/// The words for a value of a filter; `count` is what the index says of it.
pub(crate) fn label(
    field: FilterField,
    value: &str,
    count: Option<&FacetCount>,
    sectors: &SectorNames,
) -> String {
    if field == FilterField::Sector {
        return sectors.label(&SectorId::new(value));
    }
    clean_or(count.map_or(value, |it| it.label.as_str()), value)
}

/// All facets that have values, as the page shows them.
pub(crate) fn facets(
    counts: &BTreeMap<FilterField, Vec<FacetCount>>,
    params: &Params,
    sectors: &SectorNames,
    limit: usize,
) -> Vec<FacetView> {
    let mut views = Vec::new();
    for (field, words) in FACETS {
        let mut values: Vec<&FacetCount> = counts.get(field).into_iter().flatten().collect();
        if *field == FilterField::Sector {
            values = by_branch(&values);
        }
        let most = values.iter().map(|it| it.count).max().unwrap_or_default().max(1);
        let row = |it: &FacetCount| Row {
            id: it.value.clone(),
            href: switched(params, *field, &it.value),
            label: brief(&label(*field, &it.value, Some(it), sectors), 60),
            count: grouped(it.count),
            note: String::new(),
            spark: Vec::new(),
            share: if it.count == 0 { 0 } else { (it.count * 100 / most).max(1) },
            is_on: it.selected,
            depth: u8::from(*field == FilterField::Sector && it.value.matches('/').count() > 1),
        };
        let mut rows: Vec<Row> = values.into_iter().map(row).collect();
        // A lone value more is as long as the words "1 more".
        let n_shown = if rows.len() == N_ROWS_MAX + 1 { N_ROWS_MAX + 1 } else { N_ROWS_MAX };
        let more = rows.split_off(n_shown.min(rows.len()));
        if !rows.is_empty() {
            // Sectors are few, and their names are not those of their paths.
            let is_cut = *field != FilterField::Sector && limit <= rows.len() + more.len();
            views.push(FacetView { field: field.name(), label: words, is_cut, rows, more });
        }
    }
    views
}

/// Facet paths with each parent before its children, the largest branch first.
fn by_branch<'a>(values: &[&'a FacetCount]) -> Vec<&'a FacetCount> {
    let top = |it: &FacetCount| it.value.split('/').nth(1).unwrap_or_default().to_owned();
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    for value in values {
        let size = sizes.entry(top(value)).or_default();
        *size = (*size).max(value.count);
    }
    let mut sorted = values.to_vec();
    sorted.sort_by_cached_key(|it| {
        let branch = top(it);
        let depth = it.value.matches('/').count();
        let size = std::cmp::Reverse(sizes[&branch]);
        (size, branch, depth, std::cmp::Reverse(it.count), it.value.clone())
    });
    sorted
}
