//! What is counted and ordered by, per article of a segment, in memory: [`SegmentColumns`].
//!
//! Tantivy's own columns are packed and numbered per segment; unpacked and numbered for all
//! segments alike they cost about 70 bytes an article and make counting ten times faster.

use std::sync::RwLock;

use tantivy::SegmentReader;
use tantivy::columnar::{Column, StrColumn};

use super::dictionary::{COLUMN_FIELDS, Dictionaries, column_name};
use crate::search::DateField;

/// Seconds of a day.
pub(crate) const DAY_SECONDS: u32 = 86_400;

/// Stands for "no value" in a [`FacetColumn::Single`].
const NONE: u32 = u32::MAX;

/// The columns of one segment, by document number. They never change.
pub(crate) struct SegmentColumns {
    facets: Vec<FacetColumn>,
    published: Vec<u32>,
    fetched: Vec<u32>,
    tie: Column<u64>,
    story_key: Column<u64>,
}

/// The values of one facet.
enum FacetColumn {
    /// At most one value each.
    Single(Vec<u32>),
    /// Document `n` has the values `offsets[n]..offsets[n + 1]`.
    Multi { offsets: Vec<u32>, values: Vec<u32> },
}

impl SegmentColumns {
    /// Reads the columns of `segment` and adds its values to `dictionaries`.
    pub(crate) fn read(
        segment: &SegmentReader,
        dictionaries: &RwLock<Dictionaries>,
    ) -> tantivy::Result<SegmentColumns> {
        let fast = segment.fast_fields();
        let n_docs = segment.max_doc();
        let mut facets = Vec::with_capacity(COLUMN_FIELDS.len());
        for (n_field, field) in COLUMN_FIELDS.into_iter().enumerate() {
            facets.push(match fast.str(&column_name(field))? {
                Some(column) => {
                    let numbers = intern(&column, n_field, dictionaries)?;
                    FacetColumn::read(column.ords(), &numbers, n_docs)
                }
                None => FacetColumn::Single(vec![NONE; n_docs as usize]),
            });
        }
        let seconds = |name: &str| -> tantivy::Result<Vec<u32>> {
            let column = fast.i64(name)?;
            let clamped = |it: i64| u32::try_from(it.max(0)).unwrap_or(u32::MAX);
            Ok((0..n_docs).map(|doc| column.first(doc).map_or(0, clamped)).collect())
        };
        let (published, fetched) = (seconds("published")?, seconds("fetched")?);
        let (tie, story_key) = (fast.u64("tie")?, fast.u64("story_key")?);
        Ok(SegmentColumns { facets, published, fetched, tie, story_key })
    }

    /// Seconds since 1970, by document number.
    pub(crate) fn seconds(&self, field: DateField) -> &[u32] {
        match field {
            DateField::Published => &self.published,
            DateField::Fetched => &self.fetched,
        }
    }

    /// What breaks ties between articles of the same rank.
    pub(crate) fn tie(&self, doc: u32) -> u64 {
        self.tie.first(doc).unwrap_or_default()
    }

    /// What stands for the article's story.
    pub(crate) fn story_key(&self, doc: u32) -> u64 {
        self.story_key.first(doc).unwrap_or_default()
    }

    /// The values of facet `n_field` (a place in [`COLUMN_FIELDS`]).
    pub(crate) fn values(&self, n_field: usize, doc: u32) -> &[u32] {
        self.facets[n_field].values(doc)
    }

    /// Adds the values of `docs` to `counts`.
    pub(crate) fn count(&self, n_field: usize, docs: &[u32], counts: &mut [u32]) {
        match &self.facets[n_field] {
            FacetColumn::Single(values) => {
                for &doc in docs {
                    if let Some(count) = counts.get_mut(values[doc as usize] as usize) {
                        *count += 1;
                    }
                }
            }
            multi @ FacetColumn::Multi { .. } => {
                for &doc in docs {
                    for &value in multi.values(doc) {
                        counts[value as usize] += 1;
                    }
                }
            }
        }
    }

    /// Bytes of memory held.
    pub(crate) fn n_bytes(&self) -> usize {
        let facets = self.facets.iter().map(|it| match it {
            FacetColumn::Single(values) => values.len(),
            FacetColumn::Multi { offsets, values } => offsets.len() + values.len(),
        });
        (facets.sum::<usize>() + self.published.len() + self.fetched.len()) * size_of::<u32>()
    }
}

impl FacetColumn {
    fn read(ordinals: &Column<u64>, numbers: &[u32], n_docs: u32) -> FacetColumn {
        let mut offsets = Vec::with_capacity(n_docs as usize + 1);
        let mut values = Vec::with_capacity(n_docs as usize);
        let mut is_single = true;
        for doc in 0..n_docs {
            offsets.push(values.len() as u32);
            values.extend(ordinals.values_for_doc(doc).map(|it| numbers[it as usize]));
            is_single &= values.len() as u32 - offsets[doc as usize] <= 1;
        }
        offsets.push(values.len() as u32);
        if is_single {
            let value = |it: &[u32]| if it[0] < it[1] { values[it[0] as usize] } else { NONE };
            return FacetColumn::Single(offsets.windows(2).map(value).collect());
        }
        values.shrink_to_fit();
        FacetColumn::Multi { offsets, values }
    }

    fn values(&self, doc: u32) -> &[u32] {
        let doc = doc as usize;
        match self {
            FacetColumn::Single(values) if values[doc] == NONE => &[],
            FacetColumn::Single(values) => &values[doc..=doc],
            FacetColumn::Multi { offsets, values } => {
                &values[offsets[doc] as usize..offsets[doc + 1] as usize]
            }
        }
    }
}

/// The numbers of a column's terms, by their ordinal.
fn intern(
    column: &StrColumn,
    n_field: usize,
    dictionaries: &RwLock<Dictionaries>,
) -> tantivy::Result<Vec<u32>> {
    let mut terms = Vec::with_capacity(column.dictionary().num_terms());
    let mut stream = column.dictionary().stream()?;
    while stream.advance() {
        terms.push(String::from_utf8_lossy(stream.key()).into_owned());
    }
    let mut dictionaries = dictionaries.write().unwrap_or_else(|it| it.into_inner());
    let dictionary = dictionaries.field_mut(n_field);
    Ok(terms.iter().map(|it| dictionary.intern(it)).collect())
}
