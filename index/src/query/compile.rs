//! [`Ast`] → Tantivy query, with what is needed to score and to highlight: [`Compiled`]. Longer than
//! most, since every kind of node compiles in the same way.
//!
//! A word becomes the union of its terms in all languages of the index. The terms of one word
//! share one document frequency, so that a match in a rare language is not worth more.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use chrono::{DateTime, Utc};
use ingest::{ArticleId, CanonicalUrl};
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, FuzzyTermQuery, Occur,
    PhraseQuery, Query, RangeQuery, TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{Searcher, Term};

use super::ast::{Ast, Clause, Value};
use super::field::{FieldKind, QueryField};
use crate::facet::FilterField;
use crate::indicators::meant;
use crate::schema::Fields;
use crate::snippet::Highlight;
use crate::tokenizer::language::language_code;
use crate::tokenizer::{Analyzer, Language, Word, WordKind, spelt, words};

/// How much more a word in the headline weighs than the same word in the text.
const TITLE_BOOST: f32 = 2.0;

/// A query ready to run.
pub(crate) struct Compiled {
    /// What to match.
    pub(crate) query: Box<dyn Query>,
    /// Document frequencies over all languages, by term.
    pub(crate) doc_freqs: HashMap<Term, u64>,
    /// The same in the order in which words were compiled, which the query alone decides.
    pub(crate) word_freqs: Vec<u64>,
    /// What to mark.
    pub(crate) highlight: Highlight,
    /// Whether fields without counts are filtered by.
    pub(crate) has_filters: bool,
    /// Whether there are words to score; else every article is as relevant as the next.
    pub(crate) is_scored: bool,
}

/// What a query is compiled against.
pub(crate) struct Context<'a> {
    pub(crate) searcher: &'a Searcher,
    pub(crate) fields: Fields,
    /// Languages of the articles in the index.
    pub(crate) languages: &'a [Language],
    pub(crate) now: DateTime<Utc>,
    /// Whether scores will be asked for.
    pub(crate) with_scores: bool,
    /// [`Compiled::word_freqs`] of the first page, which later ones score by; empty on the first.
    pub(crate) word_freqs: &'a [u64],
}

/// Compiles `ast`, with filters on fields that are not counted.
pub(crate) fn compile(
    ast: &Ast,
    filters: &[(FilterField, &[String])],
    context: &Context<'_>,
) -> tantivy::Result<Compiled> {
    let mut compiler = Compiler {
        context,
        analyzer: Analyzer::new(),
        doc_freqs: HashMap::new(),
        word_freqs: Vec::new(),
        highlight: Highlight::default(),
        is_scored: false,
        is_negated: false,
    };
    let mut parts = compiler.parts(ast)?;
    for (field, values) in filters {
        parts.must.push(compiler.filter(*field, values)?);
    }
    let query = parts.into_query();
    let Compiler { doc_freqs, word_freqs, highlight, is_scored, .. } = compiler;
    let has_filters = !filters.is_empty();
    Ok(Compiled { query, doc_freqs, word_freqs, highlight, has_filters, is_scored })
}

/// What must match, and what only adds to the score.
#[derive(Default)]
struct Parts {
    must: Vec<Box<dyn Query>>,
    should: Vec<Box<dyn Query>>,
    must_not: Vec<Box<dyn Query>>,
}

impl Parts {
    fn of(query: Box<dyn Query>) -> Parts {
        Parts { must: vec![query], ..Parts::default() }
    }

    fn into_query(mut self) -> Box<dyn Query> {
        if self.must.is_empty() {
            self.must.push(Box::new(AllQuery));
        }
        if self.must.len() == 1 && self.should.is_empty() && self.must_not.is_empty() {
            return self.must.remove(0);
        }
        let must = self.must.into_iter().map(|it| (Occur::Must, it));
        let should = self.should.into_iter().map(|it| (Occur::Should, it));
        let must_not = self.must_not.into_iter().map(|it| (Occur::MustNot, it));
        Box::new(BooleanQuery::new(must.chain(should).chain(must_not).collect()))
    }
}

struct Compiler<'a> {
    context: &'a Context<'a>,
    analyzer: Analyzer,
    doc_freqs: HashMap<Term, u64>,
    word_freqs: Vec<u64>,
    highlight: Highlight,
    is_scored: bool,
    is_negated: bool,
}

/// The terms of a text in one language: for each word its place and its term.
type Sequence = Vec<(usize, String)>;

/// A text as every language reads it.
struct Readings {
    /// Different readings of the whole text.
    sequences: BTreeSet<Sequence>,
    /// A single character of a script without spaces, which starts pairs.
    pair_start: Option<String>,
}

impl Compiler<'_> {
    fn parts(&mut self, ast: &Ast) -> tantivy::Result<Parts> {
        match ast {
            Ast::Everything => Ok(Parts::of(Box::new(AllQuery))),
            Ast::And(branches) => {
                let mut joined = Parts::default();
                for branch in branches {
                    match branch {
                        Ast::Not(inner) => joined.must_not.push(self.negated(inner)?),
                        other => {
                            let parts = self.parts(other)?;
                            joined.must.extend(parts.must);
                            joined.should.extend(parts.should);
                            joined.must_not.extend(parts.must_not);
                        }
                    }
                }
                Ok(joined)
            }
            Ast::Or(branches) => {
                let queries: tantivy::Result<Vec<Box<dyn Query>>> =
                    branches.iter().map(|it| Ok(self.parts(it)?.into_query())).collect();
                Ok(Parts::of(Box::new(BooleanQuery::union(queries?))))
            }
            Ast::Not(inner) => {
                let inner = self.negated(inner)?;
                Ok(Parts { must_not: vec![inner], ..Parts::default() })
            }
            Ast::Clause(clause) => self.clause(clause),
        }
    }

    fn negated(&mut self, inner: &Ast) -> tantivy::Result<Box<dyn Query>> {
        let outer = self.is_negated;
        self.is_negated = !outer;
        let query = self.parts(inner).map(Parts::into_query);
        self.is_negated = outer;
        query
    }

    fn clause(&mut self, clause: &Clause) -> tantivy::Result<Parts> {
        let fields = self.context.fields;
        let Some(field) = clause.field else {
            return self.text_clause(&clause.value);
        };
        if let Value::Any = clause.value {
            return Ok(Parts::of(self.key(fields.has, field.name())));
        }
        if let Value::Range(range) = clause.value {
            let column = match field {
                QueryField::Fetched => fields.fetched,
                _ => fields.published,
            };
            return Ok(Parts::of(range_query(column, range.seconds(self.context.now))));
        }
        let query = match field.kind() {
            FieldKind::Words => self.words_clause(field, &clause.value)?,
            FieldKind::Entity => self.entity_clause(field, &clause.value)?,
            FieldKind::Whole | FieldKind::OneOf(_) | FieldKind::Date => {
                self.whole(field, text_of(&clause.value))
            }
        };
        Ok(Parts::of(query))
    }

    /// A condition on headline and text.
    fn text_clause(&mut self, value: &Value) -> tantivy::Result<Parts> {
        let fields = self.context.fields;
        match value {
            Value::Word(text) => self.scored_words(text, 0),
            Value::Phrase { text, slop } => self.scored_words(text, *slop),
            Value::Prefix(start) => {
                let (whole, start) = split_last(&mut self.analyzer, start);
                let mut parts = match whole {
                    Some(whole) => self.scored_words(&whole, 0)?,
                    None => Parts::default(),
                };
                if !self.is_negated {
                    self.highlight.prefixes.push(start.clone());
                }
                parts.must.push(unscored(prefix_query(fields.spelling, &start)));
                Ok(parts)
            }
            Value::Fuzzy { word, distance } => {
                let mut parts = Parts::default();
                for surface in surfaces(&mut self.analyzer, word) {
                    let term = Term::from_field_text(fields.spelling, &surface);
                    parts.must.push(unscored(Box::new(FuzzyTermQuery::new(term, *distance, true))));
                    if !self.is_negated {
                        self.highlight.fuzzy.push((surface, *distance));
                    }
                }
                Ok(parts)
            }
            Value::Range(_) | Value::Any => Ok(Parts::of(Box::new(AllQuery))),
        }
    }

    fn scored_words(&mut self, text: &str, slop: u32) -> tantivy::Result<Parts> {
        let fields = self.context.fields;
        let readings = self.readings(text);
        if readings.sequences.is_empty() && readings.pair_start.is_none() {
            return Ok(Parts::default()); // Nothing but signs that no index knows.
        }
        self.mark(&readings, slop);
        let mut parts = Parts::of(self.union(fields.text, &readings, slop)?);
        if !self.is_negated {
            self.is_scored = true;
            if self.context.with_scores {
                let title = self.union(fields.title, &readings, slop)?;
                if title.downcast_ref::<EmptyQuery>().is_none() {
                    parts.should.push(Box::new(BoostQuery::new(title, TITLE_BOOST)));
                }
            }
        }
        Ok(parts)
    }

    fn words_clause(
        &mut self,
        field: QueryField,
        value: &Value,
    ) -> tantivy::Result<Box<dyn Query>> {
        let fields = self.context.fields;
        match field {
            QueryField::Title => {
                if !self.is_negated {
                    self.is_scored |= matches!(value, Value::Word(_) | Value::Phrase { .. });
                }
                self.name_query(fields.title, value)
            }
            _ => Ok(unscored(self.name_query(fields.author, value)?)),
        }
    }

    /// A condition on a field that holds stems and words as spelt.
    fn name_query(&mut self, field: Field, value: &Value) -> tantivy::Result<Box<dyn Query>> {
        match value {
            Value::Prefix(start) => {
                let (whole, start) = split_last(&mut self.analyzer, start);
                let mut parts = Parts::of(prefix_query(field, &spelt(&start)));
                if let Some(whole) = whole {
                    parts.must.push(self.name_words(field, &whole, 0)?);
                }
                Ok(parts.into_query())
            }
            Value::Fuzzy { word, distance } => {
                let mut parts = Parts::default();
                for surface in surfaces(&mut self.analyzer, word) {
                    let term = Term::from_field_text(field, &spelt(&surface));
                    parts.must.push(Box::new(FuzzyTermQuery::new(term, *distance, true)));
                }
                Ok(parts.into_query())
            }
            Value::Phrase { text, slop } => self.name_words(field, text, *slop),
            other => self.name_words(field, text_of(other), 0),
        }
    }

    fn name_words(
        &mut self,
        field: Field,
        text: &str,
        slop: u32,
    ) -> tantivy::Result<Box<dyn Query>> {
        let readings = self.readings(text);
        self.mark(&readings, slop);
        self.union(field, &readings, slop)
    }

    /// An entity by the words of its name, or by its id.
    fn entity_clause(
        &mut self,
        field: QueryField,
        value: &Value,
    ) -> tantivy::Result<Box<dyn Query>> {
        let fields = self.context.fields;
        let (names, ids) = names_and_ids(fields, field);
        let by_id = self.key(ids, text_of(value));
        let is_path = field == QueryField::Sector && text_of(value).starts_with('/');
        if is_path && matches!(value, Value::Word(_) | Value::Phrase { .. }) {
            return Ok(by_id);
        }
        let by_name = self.name_query(names, value)?;
        Ok(unscored(Box::new(BooleanQuery::union(vec![by_id, by_name]))))
    }

    fn whole(&self, field: QueryField, value: &str) -> Box<dyn Query> {
        match whole_key(self.context.fields, field, value) {
            Some((field, key)) => self.key(field, &key),
            None => Box::new(EmptyQuery),
        }
    }

    fn key(&self, field: Field, value: &str) -> Box<dyn Query> {
        let term = Term::from_field_text(field, &value.to_lowercase());
        unscored(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
    }

    /// Articles with any of `values` in a field without counts.
    fn filter(&mut self, field: FilterField, values: &[String]) -> tantivy::Result<Box<dyn Query>> {
        let fields = self.context.fields;
        let mut branches = Vec::with_capacity(values.len());
        for value in values {
            branches.push(match field {
                FilterField::Author => {
                    let readings = self.readings(value);
                    self.union(fields.author, &readings, 0)?
                }
                FilterField::Site => self.key(fields.site, value),
                FilterField::Story => self.key(fields.story, value),
                _ => self.key(fields.entity, value),
            });
        }
        Ok(unscored(Box::new(BooleanQuery::union(branches))))
    }

    /// `text` as each language of the index reads it.
    fn readings(&mut self, text: &str) -> Readings {
        let found: Vec<Word> = words(text).collect();
        let kept: Vec<bool> = (0..found.len()).map(|it| !ends_run(&found, it)).collect();
        let mut sequences = BTreeSet::new();
        for &language in self.context.languages {
            let (mut accented, mut plain) = (Sequence::new(), Sequence::new());
            self.analyzer.analyze(text, language, |word| {
                if kept[word.position] {
                    let stems = word.stems;
                    accented.push((word.position, stems.stem.clone()));
                    let plain_stem = stems.plain_stem.as_ref().unwrap_or(&stems.stem);
                    plain.push((word.position, plain_stem.clone()));
                }
                true
            });
            if !accented.is_empty() {
                sequences.extend([accented, plain]);
            }
        }
        Readings { sequences, pair_start: pair_start(&found, text) }
    }

    /// Articles that hold `readings` in `field`, in any language.
    fn union(
        &mut self,
        field: Field,
        readings: &Readings,
        slop: u32,
    ) -> tantivy::Result<Box<dyn Query>> {
        let mut branches: Vec<Box<dyn Query>> = Vec::new();
        if let Some(start) = &readings.pair_start {
            branches.push(unscored(prefix_query(field, start)));
        }
        let mut freqs: HashMap<&str, u64> = HashMap::new();
        let terms: HashSet<(usize, &str)> = readings
            .sequences
            .iter()
            .flatten()
            .map(|(position, term)| (*position, term.as_str()))
            .collect();
        let mut freq_at: BTreeMap<usize, u64> = BTreeMap::new();
        for (position, text) in &terms {
            let freq = self.context.searcher.doc_freq(&Term::from_field_text(field, text))?;
            freqs.insert(text, freq);
            *freq_at.entry(*position).or_default() += freq;
        }
        for freq in freq_at.values_mut() {
            if let Some(first) = self.context.word_freqs.get(self.word_freqs.len()) {
                *freq = *first;
            }
            self.word_freqs.push(*freq);
        }
        for sequence in &readings.sequences {
            if sequence.iter().any(|(_, text)| freqs.get(text.as_str()) == Some(&0)) {
                continue; // No article in this language has all the words.
            }
            let terms: Vec<(usize, Term)> = sequence
                .iter()
                .map(|(position, text)| (*position, Term::from_field_text(field, text)))
                .collect();
            for (position, term) in &terms {
                self.doc_freqs.insert(term.clone(), freq_at[position]);
            }
            branches.push(match terms.as_slice() {
                [(_, term)] => {
                    let option = IndexRecordOption::WithFreqs;
                    Box::new(TermQuery::new(term.clone(), option))
                }
                _ => Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop)),
            });
        }
        Ok(match branches.len() {
            0 => Box::new(EmptyQuery),
            1 => branches.remove(0),
            _ => Box::new(BooleanQuery::union(branches)),
        })
    }

    /// Notes what to mark in snippets.
    fn mark(&mut self, readings: &Readings, slop: u32) {
        if self.is_negated {
            return;
        }
        let mut by_position: Vec<(usize, HashSet<String>)> = Vec::new();
        for (position, term) in readings.sequences.iter().flatten() {
            match by_position.iter_mut().find(|(it, _)| it == position) {
                Some((_, terms)) => {
                    terms.insert(term.clone());
                }
                None => by_position.push((*position, HashSet::from([term.clone()]))),
            }
        }
        by_position.sort_by_key(|(position, _)| *position);
        let places = by_position.into_iter().map(|(_, terms)| terms);
        if slop > 0 || places.len() == 1 {
            self.highlight.terms.extend(places.flatten());
        } else if places.len() > 0 {
            self.highlight.phrases.push(places.collect());
        }
    }
}

/// The fields with the names and the ids of what an entity condition asks for.
pub(crate) fn names_and_ids(fields: Fields, field: QueryField) -> (Field, Field) {
    match field {
        QueryField::Actor => (fields.actor_name, fields.actor),
        QueryField::Target => (fields.target_name, fields.target),
        QueryField::Sector => (fields.sector_name, fields.sector),
        QueryField::Source => (fields.source_name, fields.source),
        QueryField::Place => (fields.place_name, fields.place),
        _ => (fields.entity_name, fields.entity),
    }
}

/// The field and the key that a condition on a whole value looks up; `None` for an address that is
/// none, which no article has.
pub(crate) fn whole_key(fields: Fields, field: QueryField, value: &str) -> Option<(Field, String)> {
    let place = match field {
        QueryField::Kind => fields.kind,
        QueryField::Domain => fields.domain,
        QueryField::Modality => fields.modality,
        QueryField::Country => fields.country,
        QueryField::Language => return Some((fields.language, language_code(value))),
        QueryField::Site => fields.site,
        QueryField::Story => fields.story,
        QueryField::Indicator => return Some((fields.indicator, meant(value))),
        QueryField::Url => {
            let url = CanonicalUrl::parse(value).ok()?;
            return Some((fields.id, ArticleId::of(&url).to_string()));
        }
        _ => fields.id,
    };
    Some((place, value.to_owned()))
}

/// Whether word `n` is the last character of a run without spaces, which is in the index for
/// searches of one character only.
pub(crate) fn ends_run(found: &[Word], n: usize) -> bool {
    n > 0
        && found[n].kind == WordKind::Dense
        && found[n - 1].kind == WordKind::Dense
        && found[n - 1].span.end == found[n].span.end
}

/// The start of the terms that a single character of a script without spaces stands for.
pub(crate) fn pair_start(found: &[Word], text: &str) -> Option<String> {
    let [Word { span, kind: WordKind::Dense }] = found else { return None };
    let single = &text[span.clone()];
    (single.chars().count() == 1).then(|| format!("xx:{single}"))
}

/// The words of `text` as the spelling fields hold them.
pub(crate) fn surfaces(analyzer: &mut Analyzer, text: &str) -> Vec<String> {
    let mut surfaces = Vec::new();
    analyzer.analyze(text, Language::Other, |word| {
        surfaces.push(word.stems.surface.clone());
        true
    });
    surfaces
}

/// Splits `foo-ba` into `foo-` and the spelling of `ba`.
pub(crate) fn split_last(analyzer: &mut Analyzer, text: &str) -> (Option<String>, String) {
    let last = words(text).last().map(|it| it.span.start).unwrap_or_default();
    let start = surfaces(analyzer, &text[last..]).pop().unwrap_or_default();
    let whole = &text[..last];
    (whole.chars().any(char::is_alphanumeric).then(|| whole.to_owned()), start)
}

pub(crate) fn text_of(value: &Value) -> &str {
    match value {
        Value::Word(text) | Value::Phrase { text, .. } | Value::Prefix(text) => text,
        Value::Fuzzy { word, .. } => word,
        Value::Range(_) | Value::Any => "",
    }
}

/// The same articles without influence on the score.
fn unscored(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

/// Articles with a term that starts with `start`.
fn prefix_query(field: Field, start: &str) -> Box<dyn Query> {
    let mut end: Vec<char> = start.chars().collect();
    while let Some(last) = end.pop() {
        // The next character, over the gap that UTF-8 leaves out.
        let next = (last as u32 + 1..=last as u32 + 0x801).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            break;
        }
    }
    let from = Bound::Included(Term::from_field_text(field, start));
    let end: String = end.into_iter().collect();
    let to = if end.is_empty() {
        Bound::Unbounded
    } else {
        Bound::Excluded(Term::from_field_text(field, &end))
    };
    Box::new(RangeQuery::new(from, to))
}

fn range_query(field: Field, (from, to): (Option<i64>, Option<i64>)) -> Box<dyn Query> {
    let term = |it: i64| Term::from_field_i64(field, it);
    let lower = from.map_or(Bound::Unbounded, |it| Bound::Included(term(it)));
    let upper = to.map_or(Bound::Unbounded, |it| Bound::Excluded(term(it)));
    match (&lower, &upper) {
        (Bound::Unbounded, Bound::Unbounded) => Box::new(AllQuery),
        _ => unscored(Box::new(RangeQuery::new(lower, upper))),
    }
}
