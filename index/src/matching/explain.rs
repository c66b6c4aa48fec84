//! Why a saved search matches an article: [`explain`] finds, for each condition that holds, the
//! words that fulfil it and their sentence.

mod probe;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use config::{SavedSearch, SearchFilters};
use nlp::Statement;
use nlp::offsets::Offsets;
use serde::{Deserialize, Serialize};

use super::Matcher;
use crate::query::ast::{Ast, Clause, Value};
use crate::query::compile::{ends_run, split_last, surfaces};
use crate::query::{QueryError, QueryField, parse};
use crate::record::StoredArticle;
use crate::snippet::Highlight;
use crate::tokenizer::{Analyzer, Language, WordKind, lower, stem, words};
use probe::{Held, Piece, Probe, held};

/// Conditions that are explained at most.
const N_REASONS_MAX: usize = 20;
/// Characters of a sentence that are kept.
const SENTENCE_CHARS_MAX: usize = 600;

/// One condition of a saved search that an article fulfils.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// The condition in the query language: `actor:iran`.
    pub clause: String,
    /// The words of the article, or the value, that fulfil it.
    pub alias: String,
    /// The sentence that holds them; empty for conditions on the article as a whole.
    pub sentence: String,
}

/// Place of a statement in an [`Annotation`](nlp::Annotation): whether in the headline, and its number
/// there.
pub type StatementPlace = (bool, usize);

/// The conditions of `search` that `stored` fulfils, in the order of the query. Negated ones
/// leave no trace in a text and are left out.
///
/// # Errors
/// A query that cannot be parsed.
pub fn explain(
    search: &SavedSearch,
    stored: &StoredArticle,
    now: DateTime<Utc>,
) -> Result<Vec<Reason>, QueryError> {
    parse(&search.query)?;
    Ok(Explainer::new([search], stored, now).reasons(0, None))
}

/// The statements of `stored` that fulfil `search` by themselves: the article with this one
/// statement only still matches.
///
/// # Errors
/// A query that cannot be parsed.
pub fn matching_statements(
    search: &SavedSearch,
    stored: &StoredArticle,
    now: DateTime<Utc>,
) -> Result<Vec<StatementPlace>, QueryError> {
    parse(&search.query)?;
    Ok(Explainer::new([search], stored, now).statements(0))
}

/// The statements of an article, those of the headline first.
fn places(stored: &StoredArticle) -> impl Iterator<Item = StatementPlace> + use<> {
    let annotation = stored.annotation.as_ref();
    let n_title = annotation.and_then(|it| it.title.as_ref()).map_or(0, |it| it.statements.len());
    let n_body = annotation.map_or(0, |it| it.statements.len());
    (0..n_title).map(|it| (true, it)).chain((0..n_body).map(|it| (false, it)))
}

/// The statement at `place`.
pub fn statement_at(stored: &StoredArticle, (in_title, n): StatementPlace) -> Option<&Statement> {
    let annotation = stored.annotation.as_ref()?;
    if in_title {
        annotation.title.as_ref()?.statements.get(n)
    } else {
        annotation.statements.get(n)
    }
}

/// `stored` as if the statement at `place` were its only one.
pub fn with_only(stored: &StoredArticle, place: StatementPlace) -> StoredArticle {
    let kept = statement_at(stored, place).cloned();
    let mut alone = stored.clone();
    if let Some(annotation) = &mut alone.annotation {
        annotation.statements.clear();
        if let Some(title) = &mut annotation.title {
            title.statements.clear();
        }
        if let Some(statement) = kept {
            if !statement.sectors.is_empty() {
                annotation.sectors.clear();
            }
            if place.0 {
                annotation.title.get_or_insert_default().statements.push(statement);
            } else {
                annotation.statements.push(statement);
            }
        }
    }
    alone
}

/// The sentence of the statement at `place`.
pub fn sentence_at(stored: &StoredArticle, place: StatementPlace) -> String {
    let article = &stored.article;
    let text = if place.0 { &article.title } else { &article.text };
    let span = statement_at(stored, place).map(|it| it.sentence).unwrap_or_default();
    cut(&text[Offsets::of(text).byte_range(span.start, span.end)])
}

/// The conditions that are not negated.
fn collect(ast: &Ast, clauses: &mut Vec<Clause>) {
    match ast {
        Ast::And(parts) | Ast::Or(parts) => parts.iter().for_each(|it| collect(it, clauses)),
        Ast::Clause(clause) => clauses.push(clause.clone()),
        Ast::Everything | Ast::Not(_) => (),
    }
}

/// Explains to any number of saved searches why one article matches: the article, and what is left
/// of it with one statement only, is read once for all of them.
pub struct Explainer<'a> {
    probe: Probe<'a>,
    analyzer: Analyzer,
    /// Every condition of the searches, once; its number is its id in the probe's matcher.
    clauses: Vec<Clause>,
    searches: Vec<Explained<'a>>,
    /// Conditions that hold for the article, or with one statement only.
    held: HashMap<Option<StatementPlace>, Held>,
    /// Searches that match with one statement only; `None` until it is asked for.
    fitting: Option<Vec<(StatementPlace, Held)>>,
    /// What fulfils the conditions on words, by condition.
    words: HashMap<usize, Option<(String, String)>>,
    pieces: Pieces,
}

struct Explained<'a> {
    ast: Ast,
    filters: &'a SearchFilters,
    /// Its conditions in the order of the query, by number.
    clauses: Vec<usize>,
}

/// Parts of the article by themselves, each sort read when it is first asked for.
#[derive(Default)]
struct Pieces {
    actors: Option<Vec<Piece>>,
    targets: Option<Vec<Piece>>,
    mentions: Option<Vec<Piece>>,
    statements: Option<Vec<Piece>>,
    sectors: Option<Vec<Piece>>,
    indicators: Option<Vec<Piece>>,
}

impl<'a> Explainer<'a> {
    /// Prepares for `searches`, which go by their place from here on. One whose query cannot be
    /// parsed has no reasons.
    pub fn new(
        searches: impl IntoIterator<Item = &'a SavedSearch>,
        stored: &'a StoredArticle,
        now: DateTime<Utc>,
    ) -> Explainer<'a> {
        let mut clauses: Vec<Clause> = Vec::new();
        let mut numbers: HashMap<String, Vec<usize>> = HashMap::new();
        let mut matcher = Matcher::new();
        let mut number_of = |clause: Clause| {
            let alike = numbers.entry(clause.to_string()).or_default();
            if let Some(number) = alike.iter().find(|it| clauses[**it] == clause) {
                return *number;
            }
            let number = clauses.len();
            let ast = Ast::Clause(clause.clone());
            matcher.add_parsed(&number.to_string(), &ast, &SearchFilters::default());
            alike.push(number);
            clauses.push(clause);
            number
        };
        let searches = searches.into_iter().map(|search| {
            let ast = parse(&search.query).unwrap_or(Ast::Not(Box::new(Ast::Everything)));
            let mut all = Vec::new();
            collect(&ast, &mut all);
            for (name, values) in search.filters.chosen() {
                let field = QueryField::from_name(name);
                let word = |it: &&str| Value::Word((*it).to_owned());
                all.extend(values.iter().map(|it| Clause { field, value: word(it) }));
            }
            let clauses = all.into_iter().map(&mut number_of).collect();
            Explained { ast, filters: &search.filters, clauses }
        });
        let searches = searches.collect();
        Explainer {
            probe: Probe::new(stored, now, matcher),
            analyzer: Analyzer::new(),
            clauses,
            searches,
            held: HashMap::new(),
            fitting: None,
            words: HashMap::new(),
            pieces: Pieces::default(),
        }
    }

    /// The conditions of search number `n` that the article fulfils, in the order of the query;
    /// with `only`, those that it would fulfil if that were its only statement.
    pub fn reasons(&mut self, n: usize, only: Option<StatementPlace>) -> Vec<Reason> {
        let Explainer { probe, held, searches, .. } = self;
        let held = held.entry(only).or_insert_with(|| probe.held_with(only));
        let numbers = searches.get(n).into_iter().flat_map(|it| &it.clauses);
        let numbers: Vec<usize> = numbers.filter(|it| held.contains(it)).copied().collect();
        let mut reasons: Vec<Reason> = Vec::new();
        for number in numbers {
            let reason = self.reason(number, only);
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
            if reasons.len() == N_REASONS_MAX {
                break;
            }
        }
        reasons
    }

    /// The statements that make search number `n` match by themselves.
    pub fn statements(&mut self, n: usize) -> Vec<StatementPlace> {
        let Explainer { probe, searches, fitting, .. } = self;
        let fitting = fitting.get_or_insert_with(|| {
            let mut matcher = Matcher::new();
            for (n, search) in searches.iter().enumerate() {
                matcher.add_parsed(&n.to_string(), &search.ast, search.filters);
            }
            let places = places(probe.stored);
            places.map(|it| (it, held(&mut matcher, &probe.alone(it), probe.now))).collect()
        });
        fitting.iter().filter(|(_, held)| held.contains(&n)).map(|(place, _)| *place).collect()
    }

    /// Why condition `number`, which holds, does.
    fn reason(&mut self, number: usize, only: Option<StatementPlace>) -> Reason {
        let clause = self.clauses[number].clone();
        let Explainer { probe, pieces, .. } = self;
        let found = match clause.field {
            None | Some(QueryField::Title) => self.words(number, &clause),
            Some(QueryField::Actor) => first(pieces.actors(probe), number, only),
            Some(QueryField::Target) => first(pieces.targets(probe), number, only),
            Some(QueryField::Entity | QueryField::Place) => {
                let mentioned = first(pieces.mentions(probe), number, only);
                let mentioned = mentioned.or_else(|| first(pieces.actors(probe), number, only));
                mentioned.or_else(|| first(pieces.targets(probe), number, only))
            }
            Some(
                QueryField::Sector | QueryField::Kind | QueryField::Domain | QueryField::Modality,
            ) => first(pieces.statements(probe), number, only)
                .or_else(|| Some((pieces.sectors_that_fulfil(probe, number, only), String::new()))),
            Some(QueryField::Indicator) => first(pieces.indicators(probe), number, only),
            Some(field) => Some((probe.value(field), String::new())),
        };
        let (alias, sentence) = found.unwrap_or_default();
        Reason { clause: clause.to_string(), alias, sentence }
    }

    /// The first words of headline or text that fulfil condition `number`.
    fn words(&mut self, number: usize, clause: &Clause) -> Option<(String, String)> {
        if let Some(found) = self.words.get(&number) {
            return found.clone();
        }
        let highlight = self.highlight(&clause.value, self.probe.language);
        let texts = [&self.probe.title, &self.probe.body];
        let found = texts.into_iter().find_map(|it| it.first_words(&highlight));
        self.words.insert(number, found.clone());
        found
    }

    /// What to look for, read in the language of the article.
    fn highlight(&mut self, value: &Value, language: Language) -> Highlight {
        let mut highlight = Highlight::default();
        match value {
            Value::Word(text) => add_words(&mut highlight, text, 0, language),
            Value::Phrase { text, slop } => add_words(&mut highlight, text, *slop, language),
            Value::Prefix(start) => {
                let (_, start) = split_last(&mut self.analyzer, start);
                highlight.prefixes.push(start);
            }
            Value::Fuzzy { word, distance } => {
                let surfaces = surfaces(&mut self.analyzer, word);
                highlight.fuzzy.extend(surfaces.into_iter().map(|it| (it, *distance)));
            }
            Value::Range(_) | Value::Any => (),
        }
        highlight
    }
}

/// The first piece that fulfils a condition: its words and their sentence.
fn first(
    pieces: &[Piece],
    number: usize,
    only: Option<StatementPlace>,
) -> Option<(String, String)> {
    let is_there = |it: &&Piece| only.is_none() || it.place.is_none() || it.place == only;
    let mut pieces = pieces.iter().filter(is_there);
    let piece = pieces.find(|it| it.held.contains(&number))?;
    Some((piece.alias.clone(), piece.sentence.clone()))
}

impl Pieces {
    fn actors(&mut self, probe: &mut Probe) -> &[Piece] {
        self.actors.get_or_insert_with(|| probe.parties(|it| &mut it.actors))
    }

    fn targets(&mut self, probe: &mut Probe) -> &[Piece] {
        self.targets.get_or_insert_with(|| probe.parties(|it| &mut it.targets))
    }

    fn mentions(&mut self, probe: &mut Probe) -> &[Piece] {
        self.mentions.get_or_insert_with(|| probe.mentions())
    }

    fn statements(&mut self, probe: &mut Probe) -> &[Piece] {
        self.statements.get_or_insert_with(|| probe.statements())
    }

    fn indicators(&mut self, probe: &mut Probe) -> &[Piece] {
        self.indicators.get_or_insert_with(|| probe.indicators())
    }

    /// The sectors of the article as a whole that fulfil a condition; a statement with sectors of
    /// its own stands for none of these.
    fn sectors_that_fulfil(
        &mut self,
        probe: &mut Probe,
        number: usize,
        only: Option<StatementPlace>,
    ) -> String {
        let statement = only.and_then(|it| statement_at(probe.stored, it));
        if statement.is_some_and(|it| !it.sectors.is_empty()) {
            return String::new();
        }
        let sectors = self.sectors.get_or_insert_with(|| probe.sectors());
        let fulfilling = sectors.iter().filter(|it| it.held.contains(&number));
        fulfilling.map(|it| it.alias.as_str()).collect::<Vec<_>>().join(", ")
    }
}

fn add_words(highlight: &mut Highlight, text: &str, slop: u32, language: Language) {
    let found: Vec<_> = words(text).collect();
    let mut places: Vec<HashSet<String>> = Vec::new();
    for (_, word) in found.iter().enumerate().filter(|(n, _)| !ends_run(&found, *n)) {
        let lower = lower(&text[word.span.clone()], word.kind);
        let language = if word.kind == WordKind::Dense { Language::Other } else { language };
        let stems = stem(&lower, language);
        places.push([Some(stems.stem), stems.plain_stem].into_iter().flatten().collect());
    }
    if slop > 0 || places.len() == 1 {
        highlight.terms.extend(places.into_iter().flatten());
    } else if !places.is_empty() {
        highlight.phrases.push(places);
    }
}

fn cut(text: &str) -> String {
    text.trim().chars().take(SENTENCE_CHARS_MAX).collect()
}
