//! Which conditions an article, or a part of it, fulfils: [`Probe`].

use std::cell::OnceCell;
use std::collections::HashSet;
use std::ops::Range;

use chrono::{DateTime, Utc};
use nlp::indicator::find_indicators;
use nlp::offsets::Offsets;
use nlp::{Annotation, EntityRef, Mention, Phrase, Statement, TitleAnnotation, sentence};

use super::{StatementPlace, cut, places, sentence_at, statement_at, with_only};
use crate::indicators::N_INDICATORS_MAX;
use crate::matching::Matcher;
use crate::query::QueryField;
use crate::record::StoredArticle;
use crate::snippet::{Highlight, marks_among, read_words};
use crate::tokenizer::{Language, Stems};

/// Numbers of conditions, or of searches.
pub(super) type Held = HashSet<usize>;

/// A part of the article and the conditions that it fulfils by itself.
pub(super) struct Piece {
    /// The statement that it belongs to, if any.
    pub(super) place: Option<StatementPlace>,
    pub(super) alias: String,
    pub(super) sentence: String,
    pub(super) held: Held,
}

/// The numbers that `matcher` knows what fits `stored` by.
pub(super) fn held(matcher: &mut Matcher, stored: &StoredArticle, now: DateTime<Utc>) -> Held {
    matcher.matches(stored, now).iter().filter_map(|it| it.parse().ok()).collect()
}

/// Asks which conditions the article, or a part of it, fulfils.
pub(super) struct Probe<'a> {
    pub(super) stored: &'a StoredArticle,
    pub(super) now: DateTime<Utc>,
    /// By number of the condition.
    matcher: Matcher,
    pub(super) language: Language,
    pub(super) title: Text<'a>,
    pub(super) body: Text<'a>,
}

impl<'a> Probe<'a> {
    pub(super) fn new(
        stored: &'a StoredArticle,
        now: DateTime<Utc>,
        matcher: Matcher,
    ) -> Probe<'a> {
        let article = &stored.article;
        let annotated = stored.annotation.as_ref().and_then(|it| it.language.as_deref());
        let language = Language::of(article.language.as_deref().or(annotated));
        let title = Text::new(&article.title, language);
        let body = Text::new(&article.text, language);
        Probe { stored, now, matcher, language, title, body }
    }

    fn held(&mut self, stored: &StoredArticle) -> Held {
        held(&mut self.matcher, stored, self.now)
    }

    /// The article as if the statement at `place` were its only one.
    pub(super) fn alone(&self, place: StatementPlace) -> StoredArticle {
        with_only(self.stored, place)
    }

    /// The conditions that the article fulfils, or would with that statement only.
    pub(super) fn held_with(&mut self, only: Option<StatementPlace>) -> Held {
        match only {
            None => self.held(self.stored),
            Some(place) => self.held(&self.alone(place)),
        }
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

    fn piece(
        &mut self,
        annotation: Annotation,
        place: Option<StatementPlace>,
        alias: String,
        sentence: String,
    ) -> Piece {
        let bare = self.bare(annotation);
        Piece { place, alias, sentence, held: self.held(&bare) }
    }

    /// Each actor or target by itself.
    pub(super) fn parties(&mut self, part: fn(&mut Statement) -> &mut Vec<Phrase>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for place in places(self.stored) {
            let Some(statement) = statement_at(self.stored, place) else { continue };
            let sentence = sentence_at(self.stored, place);
            for phrase in part(&mut statement.clone()).clone() {
                let mut alone = statement.clone();
                let mentions = phrase.entity.as_ref().map(|it| self.mentions_of(it));
                // `The group` tells nobody who it is: its name elsewhere does.
                let is_name = phrase.text.contains(char::is_uppercase);
                let name = mentions.iter().flatten().next().filter(|_| !is_name);
                let words = name.map_or(&phrase.text, |it| &it.text).clone();
                *part(&mut alone) = vec![phrase];
                let annotation = Annotation {
                    statements: vec![alone],
                    mentions: mentions.unwrap_or_default(),
                    ..Annotation::default()
                };
                pieces.push(self.piece(annotation, Some(place), words, sentence.clone()));
            }
        }
        pieces
    }

    fn mentions_of(&self, entity: &EntityRef) -> Vec<Mention> {
        let (title, body) = mentions(self.stored);
        let same = |it: &&Mention| it.entity.as_ref().is_some_and(|it| it.id == entity.id);
        title.iter().chain(body).filter(same).cloned().collect()
    }

    /// Each mention by itself, in each wording once.
    pub(super) fn mentions(&mut self) -> Vec<Piece> {
        let (title, body) = mentions(self.stored);
        let mut seen = HashSet::new();
        let mut pieces = Vec::new();
        let all = title.iter().map(|it| (it, true)).chain(body.iter().map(|it| (it, false)));
        for (mention, in_title) in all {
            let id = mention.entity.as_ref().map(|it| it.id.as_str());
            if id.is_none() || !seen.insert((id, mention.text.as_str())) {
                continue;
            }
            let text = if in_title { &self.title } else { &self.body };
            let sentence = text.sentence_around(Offsets::of(text.text).byte(mention.start));
            let annotation =
                Annotation { mentions: vec![mention.clone()], ..Annotation::default() };
            pieces.push(self.piece(annotation, None, mention.text.clone(), sentence));
        }
        pieces
    }

    /// Each statement by itself.
    pub(super) fn statements(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for place in places(self.stored) {
            let Some(statement) = statement_at(self.stored, place) else { continue };
            let annotation =
                Annotation { statements: vec![statement.clone()], ..Annotation::default() };
            let sentence = sentence_at(self.stored, place);
            let alias = statement.trigger.text.clone();
            pieces.push(self.piece(annotation, Some(place), alias, sentence));
        }
        pieces
    }

    /// Each sector of the article as a whole.
    pub(super) fn sectors(&mut self) -> Vec<Piece> {
        let sectors = self.stored.annotation.iter().flat_map(|it| &it.sectors);
        let mut pieces = Vec::new();
        for sector in sectors {
            let annotation = Annotation { sectors: vec![sector.clone()], ..Annotation::default() };
            let alias = sector.id.as_str().to_owned();
            pieces.push(self.piece(annotation, None, alias, String::new()));
        }
        pieces
    }

    /// Each indicator by itself, as it is printed.
    pub(super) fn indicators(&mut self) -> Vec<Piece> {
        let mut alone = self.bare(Annotation::default());
        let mut pieces = Vec::new();
        for in_title in [true, false] {
            let text = if in_title { self.title.text } else { self.body.text };
            for found in find_indicators(text).into_iter().take(N_INDICATORS_MAX) {
                alone.article.text = text[found.range.clone()].to_owned();
                let of = if in_title { &self.title } else { &self.body };
                let sentence = of.sentence_around(found.range.start);
                let alias = alone.article.text.clone();
                pieces.push(Piece { place: None, alias, sentence, held: self.held(&alone) });
            }
        }
        pieces
    }

    pub(super) fn value(&self, field: QueryField) -> String {
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
}

/// The mentions of headline and text.
fn mentions(stored: &StoredArticle) -> (&[Mention], &[Mention]) {
    let annotation = stored.annotation.as_ref();
    let title: Option<&TitleAnnotation> = annotation.and_then(|it| it.title.as_ref());
    (
        title.map_or(&[], |it| it.mentions.as_slice()),
        annotation.map_or(&[], |it| it.mentions.as_slice()),
    )
}

/// A text with its sentences and words, which are found when they are first asked for.
pub(super) struct Text<'a> {
    text: &'a str,
    language: Language,
    sentences: OnceCell<Vec<Range<usize>>>,
    words: OnceCell<Vec<(Range<usize>, Stems)>>,
}

impl<'a> Text<'a> {
    fn new(text: &'a str, language: Language) -> Text<'a> {
        Text { text, language, sentences: OnceCell::new(), words: OnceCell::new() }
    }

    /// The sentence that holds byte `at`.
    fn sentence_around(&self, at: usize) -> String {
        let sentences = self.sentences.get_or_init(|| sentence::sentences(self.text));
        let found = sentences.iter().find(|it| it.start <= at && at < it.end);
        cut(found.map_or(self.text, |it| &self.text[it.clone()]))
    }

    /// The first words that are looked for, and their sentence.
    pub(super) fn first_words(&self, highlight: &Highlight) -> Option<(String, String)> {
        let text = self.text;
        let words = self.words.get_or_init(|| read_words(text, self.language));
        let found = marks_among(words, highlight);
        let (first, last) = (found.first()?, found.last()?);
        // The words of a phrase stand side by side and are shown as one.
        let mut end = first.span.end;
        for mark in found.iter().skip(1).take_while(|it| it.span.end <= last.span.end) {
            let gap = &text[end..mark.span.start];
            if gap.chars().any(char::is_alphanumeric) || gap.len() > 3 {
                break;
            }
            end = mark.span.end;
        }
        Some((text[first.span.start..end].to_owned(), self.sentence_around(first.span.start)))
    }
}
