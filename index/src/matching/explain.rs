//! Why a saved search matches an article: [`explain`] finds, for each condition that holds, the
//! words that fulfil it and their sentence.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use config::{SavedSearch, SearchFilters};
use nlp::indicator::find_indicators;
use nlp::offsets::Offsets;
use nlp::{Annotation, EntityRef, Mention, Phrase, Statement, TitleAnnotation, sentence};
use serde::{Deserialize, Serialize};

use super::Matcher;
use crate::indicators::N_INDICATORS_MAX;
use crate::query::ast::{Ast, Clause, Value};
use crate::query::compile::{ends_run, split_last, surfaces};
use crate::query::{QueryError, QueryField, parse};
use crate::record::StoredArticle;
use crate::snippet::{Highlight, marks};
use crate::tokenizer::{Analyzer, Language, WordKind, lower, stem, words};

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

/// Place of a statement in an [`Annotation`]: whether in the headline, and its number there.
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
    let mut clauses = Vec::new();
    collect(&parse(&search.query)?, &mut clauses);
    for (name, values) in search.filters.chosen() {
        let field = QueryField::from_name(name);
        let word = |it: &&str| Value::Word((*it).to_owned());
        clauses.extend(values.iter().map(|it| Clause { field, value: word(it) }));
    }
    let mut explainer = Explainer { stored, now, analyzer: Analyzer::new() };
    let mut reasons: Vec<Reason> = Vec::new();
    for clause in clauses {
        let reason = explainer.reason(&clause);
        reasons.extend(reason.filter(|it| !reasons.contains(it)));
        if reasons.len() == N_REASONS_MAX {
            break;
        }
    }
    Ok(reasons)
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
    let mut matcher = Matcher::new();
    matcher.add(search)?;
    let places = places(stored);
    Ok(places.filter(|it| !matcher.matches(&with_only(stored, *it), now).is_empty()).collect())
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

struct Explainer<'a> {
    stored: &'a StoredArticle,
    now: DateTime<Utc>,
    analyzer: Analyzer,
}

impl Explainer<'_> {
    /// Why `clause` holds; `None` when it does not.
    fn reason(&mut self, clause: &Clause) -> Option<Reason> {
        let mut matcher = Matcher::new();
        let ast = Ast::Clause(clause.clone());
        matcher.add_parsed("clause", &ast, &SearchFilters::default());
        let now = self.now;
        let mut holds = |it: &StoredArticle| !matcher.matches(it, now).is_empty();
        if !holds(self.stored) {
            return None;
        }
        let (alias, sentence) = match clause.field {
            None | Some(QueryField::Title) => self.words(clause),
            Some(QueryField::Actor) => self.party(|it| &mut it.actors, &mut holds),
            Some(QueryField::Target) => self.party(|it| &mut it.targets, &mut holds),
            Some(QueryField::Entity | QueryField::Place) => self.mention(&mut holds),
            Some(
                QueryField::Sector | QueryField::Kind | QueryField::Domain | QueryField::Modality,
            ) => self.statement(&mut holds),
            Some(QueryField::Indicator) => self.indicator(&mut holds),
            Some(field) => Some((self.value(field), String::new())),
        }
        .unwrap_or_default();
        Some(Reason { clause: clause.to_string(), alias, sentence })
    }

    /// An article with nothing but `annotation`.
    fn bare(&self, annotation: Annotation) -> StoredArticle {
        let mut bare = StoredArticle {
            article: ingest::Article {
                text: String::new(),
                title: String::new(),
                ..self.stored.article.clone()
            },
            annotation: None,
            ..self.stored.clone()
        };
        bare.annotation = Some(annotation);
        bare
    }

    /// The first actor or target that fulfils the condition by itself.
    fn party(
        &self,
        part: fn(&mut Statement) -> &mut Vec<Phrase>,
        holds: &mut impl FnMut(&StoredArticle) -> bool,
    ) -> Option<(String, String)> {
        for place in places(self.stored) {
            let statement = statement_at(self.stored, place)?;
            let phrases = part(&mut statement.clone()).clone();
            for phrase in phrases {
                let mut alone = statement.clone();
                let mentions = phrase.entity.as_ref().map(|it| self.mentions_of(it));
                let words = phrase.text.clone();
                *part(&mut alone) = vec![phrase];
                let annotation = Annotation {
                    statements: vec![alone],
                    mentions: mentions.unwrap_or_default(),
                    ..Annotation::default()
                };
                if holds(&self.bare(annotation)) {
                    return Some((words, sentence_at(self.stored, place)));
                }
            }
        }
        None
    }

    fn mentions_of(&self, entity: &EntityRef) -> Vec<Mention> {
        let (title, body) = self.mentions();
        let same = |it: &&Mention| it.entity.as_ref().is_some_and(|it| it.id == entity.id);
        title.iter().chain(body).filter(same).cloned().collect()
    }

    /// The mentions of headline and text.
    fn mentions(&self) -> (&[Mention], &[Mention]) {
        let annotation = self.stored.annotation.as_ref();
        let title: Option<&TitleAnnotation> = annotation.and_then(|it| it.title.as_ref());
        (
            title.map_or(&[], |it| it.mentions.as_slice()),
            annotation.map_or(&[], |it| it.mentions.as_slice()),
        )
    }

    fn mention(&self, holds: &mut impl FnMut(&StoredArticle) -> bool) -> Option<(String, String)> {
        let (title, body) = self.mentions();
        let article = &self.stored.article;
        let title = title.iter().map(|it| (it, article.title.as_str()));
        let mut seen = HashSet::new();
        for (mention, text) in title.chain(body.iter().map(|it| (it, article.text.as_str()))) {
            let id = mention.entity.as_ref().map(|it| it.id.as_str());
            if id.is_none() || !seen.insert((id, mention.text.as_str())) {
                continue;
            }
            let annotation =
                Annotation { mentions: vec![mention.clone()], ..Annotation::default() };
            if holds(&self.bare(annotation)) {
                let start = Offsets::of(text).byte(mention.start);
                return Some((mention.text.clone(), sentence_around(text, start)));
            }
        }
        self.party(|it| &mut it.actors, holds).or_else(|| self.party(|it| &mut it.targets, holds))
    }

    /// The first statement that fulfils the condition by itself.
    fn statement(
        &self,
        holds: &mut impl FnMut(&StoredArticle) -> bool,
    ) -> Option<(String, String)> {
        for place in places(self.stored) {
            let statement = statement_at(self.stored, place)?;
            let annotation =
                Annotation { statements: vec![statement.clone()], ..Annotation::default() };
            if holds(&self.bare(annotation)) {
                let alias = statement.trigger.text.clone();
                return Some((alias, sentence_at(self.stored, place)));
            }
        }
        // No statement alone: then it is a sector of the article as a whole.
        let sectors = self.stored.annotation.as_ref()?.sectors.iter();
        let fulfilling = sectors.filter(|it| {
            let sectors = vec![(*it).clone()];
            holds(&self.bare(Annotation { sectors, ..Annotation::default() }))
        });
        let fulfilling: Vec<&str> = fulfilling.map(|it| it.id.as_str()).collect();
        Some((fulfilling.join(", "), String::new()))
    }

    /// The first indicator that fulfils the condition by itself, as it is printed.
    fn indicator(
        &self,
        holds: &mut impl FnMut(&StoredArticle) -> bool,
    ) -> Option<(String, String)> {
        let article = &self.stored.article;
        let mut alone = self.bare(Annotation::default());
        for text in [&article.title, &article.text] {
            for found in find_indicators(text).into_iter().take(N_INDICATORS_MAX) {
                alone.article.text = text[found.range.clone()].to_owned();
                if holds(&alone) {
                    let sentence = sentence_around(text, found.range.start);
                    return Some((alone.article.text, sentence));
                }
            }
        }
        None
    }

    fn value(&self, field: QueryField) -> String {
        let StoredArticle { article, source_name, source_country, story, .. } = self.stored;
        let at = |it: DateTime<Utc>| it.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        match field {
            QueryField::Source => source_name.clone(),
            QueryField::Country => source_country.clone().unwrap_or_default(),
            QueryField::Language => article.language.clone().unwrap_or_default(),
            QueryField::Author => article.authors.join(", "),
            QueryField::Site | QueryField::Url => article.url.to_string(),
            QueryField::Story => story.as_ref().map(ToString::to_string).unwrap_or_default(),
            QueryField::Published => at(article.published_at.unwrap_or(article.fetched_at)),
            QueryField::Fetched => at(article.fetched_at),
            _ => article.id.to_string(),
        }
    }

    /// The first words of headline or text that fulfil the condition.
    fn words(&mut self, clause: &Clause) -> Option<(String, String)> {
        let article = &self.stored.article;
        let annotated = self.stored.annotation.as_ref().and_then(|it| it.language.as_deref());
        let language = Language::of(article.language.as_deref().or(annotated));
        let highlight = self.highlight(&clause.value, language);
        for text in [&article.title, &article.text] {
            let found = marks(text, language, &highlight, &mut self.analyzer);
            let (Some(first), Some(last)) = (found.first(), found.last()) else { continue };
            let sentence = sentence_around(text, first.span.start);
            // The words of a phrase stand side by side and are shown as one.
            let mut end = first.span.end;
            for mark in found.iter().skip(1).take_while(|it| it.span.end <= last.span.end) {
                let gap = &text[end..mark.span.start];
                if gap.chars().any(char::is_alphanumeric) || gap.len() > 3 {
                    break;
                }
                end = mark.span.end;
            }
            return Some((text[first.span.start..end].to_owned(), sentence));
        }
        None
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

/// The sentence of `text` that holds byte `at`.
fn sentence_around(text: &str, at: usize) -> String {
    let found = sentence::sentences(text).into_iter().find(|it| it.start <= at && at < it.end);
    cut(found.map_or(text, |it| &text[it]))
}

fn cut(text: &str) -> String {
    text.trim().chars().take(SENTENCE_CHARS_MAX).collect()
}
