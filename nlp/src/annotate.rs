//! The stage between an article and the index: [`Annotator`] says what documents speak of.
//!
//! # Threads
//! An annotator blocks while it computes: give it an OS thread, not a thread of an async runtime.
//! That thread splits texts and reads statements; the models compute on the pools of threads that
//! their engines were made with.

use std::ops::Range;

use tracing::warn;

use crate::assemble::normalise;
use crate::consistency;
use crate::cyber_context::cyber_contexts;
use crate::document::{AnalysedDocument, AnalysedSentence, Document, RawMention};
use crate::language;
use crate::names::{NameContext, names};
use crate::sector_classifier::Judgement;
use crate::sentence::sentences;
use crate::statement::{Findings, StatementReader};
use crate::tagger::{EncodedSentence, HIDDEN_SIZE, TagError, Tagger};
use crate::{Annotation, EntityRef, ScoredSector, Statement, TitleAnnotation};

/// Text that is encoded at once, in bytes: hidden states take 300 bytes for each byte of text.
const N_BYTES_PER_PASS: usize = 200_000;

/// Sentences at the start of a text that say what it is about.
const N_LEAD_SENTENCES: usize = 6;

/// What the NLP stage says about one document.
#[derive(Debug)]
pub struct Annotated {
    /// Mentions, statements and sectors; empty but for id and language when `error` is set.
    pub annotation: Annotation,
    /// What the document is about: 384 numbers of unit length, from the headline and the first
    /// sentences; all 0 when there is no text or `error` is set.
    pub embedding: Vec<f32>,
    /// Why a model could not read the document; it stays searchable by its words.
    pub error: Option<TagError>,
}

/// Reads documents with the tagger and the statement reader.
pub struct Annotator {
    tagger: Box<dyn Tagger>,
    reader: StatementReader,
    n_chars_max: usize,
}

impl Annotator {
    /// An annotator that reads the first `n_chars_max` characters of each text.
    pub fn new(tagger: Box<dyn Tagger>, reader: StatementReader, n_chars_max: usize) -> Annotator {
        Annotator { tagger, reader, n_chars_max }
    }

    /// Annotates `documents`; the answer has one element for each, in the same order.
    ///
    /// The sentences of all documents are encoded together, so batches pay. If a pass fails, its
    /// documents are tried one by one, and those that fail again come back with their error.
    pub fn annotate(&mut self, documents: &[Document]) -> Vec<Annotated> {
        let mut annotated = Vec::with_capacity(documents.len());
        let mut start = 0;
        while start < documents.len() {
            let end = start + n_in_pass(&documents[start..]);
            let pass = &documents[start..end];
            match self.annotate_pass(pass) {
                Ok(done) => annotated.extend(done),
                Err(error) if pass.len() == 1 => annotated.push(failed(&pass[0], error)),
                Err(error) => {
                    warn!(%error, "trying {} documents one by one", pass.len());
                    annotated.extend(pass.iter().map(|it| self.annotate_alone(it)));
                }
            }
            start = end;
        }
        annotated
    }

    fn annotate_alone(&mut self, document: &Document) -> Annotated {
        match self.annotate_pass(std::slice::from_ref(document)) {
            Ok(done) => done.into_iter().next().expect("one document in, one out"),
            Err(error) => failed(document, error),
        }
    }

    fn annotate_pass(&mut self, documents: &[Document]) -> Result<Vec<Annotated>, TagError> {
        let analysed = self.analyse_all(documents)?;
        let documents = documents.iter().zip(analysed);
        documents.map(|(document, (title, body))| self.read(document, title, body)).collect()
    }

    /// Headline, if it is read on its own, and text of each document with their names.
    fn analyse_all(
        &mut self,
        documents: &[Document],
    ) -> Result<Vec<(Option<Analysed>, Analysed)>, TagError> {
        let drafts: Vec<Draft> =
            documents.iter().map(|it| Draft::of(it, self.n_chars_max)).collect();
        let texts: Vec<&str> = drafts.iter().flat_map(Draft::sentence_texts).collect();
        let mut encoded = self.tagger.encode(&texts)?.into_iter();
        Ok(drafts.into_iter().map(|it| self.analyse(it, &mut encoded)).collect())
    }

    /// Gives a draft its encoded sentences and the names in them.
    fn analyse(
        &self,
        draft: Draft,
        encoded: &mut impl Iterator<Item = EncodedSentence>,
    ) -> (Option<Analysed>, Analysed) {
        let headline = draft.title.as_ref().map(|it| it.text.clone());
        let mut analysed = |part: Part, title: Option<String>| {
            let sentences: Vec<AnalysedSentence> = (part.sentences.into_iter())
                .zip(encoded.by_ref())
                .map(|(range, encoded)| AnalysedSentence { range, encoded })
                .collect();
            let mut document = AnalysedDocument {
                text: part.text,
                title,
                published_at: draft.published_at,
                language: draft.language.clone(),
                is_foreign: draft.is_foreign,
                sentences,
                mentions: vec![],
            };
            document.mentions = self.mentions(&document);
            document
        };
        let title = draft.title.map(|it| analysed(it, None));
        (title, analysed(draft.body, headline))
    }

    fn mentions(&self, document: &AnalysedDocument) -> Vec<RawMention> {
        let texts: Vec<&str> =
            document.sentences.iter().map(|it| &document.text[it.range.clone()]).collect();
        let contexts = cyber_contexts(document.title.as_deref(), &texts);
        let is_english = document.language.as_deref().is_none_or(|it| it.starts_with("en"));
        let mut mentions = vec![];
        for (number, (sentence, is_cyber)) in document.sentences.iter().zip(contexts).enumerate() {
            let context = NameContext { is_cyber, is_english };
            let found = names(texts[number], &sentence.encoded, self.tagger.labels(), context);
            mentions.extend(found.into_iter().map(|it| RawMention {
                range: sentence.range.start + it.range.start..sentence.range.start + it.range.end,
                kind: it.kind,
                score: it.score,
                sentence: number,
            }));
        }
        consistency::agree(document, &mut mentions);
        mentions
    }

    fn read(
        &mut self,
        document: &Document,
        title: Option<Analysed>,
        body: Analysed,
    ) -> Result<Annotated, TagError> {
        let embedding = embedding(title.as_ref(), &body);
        let mut of_text = self.reader.read(&body)?;
        let known: Vec<EntityRef> =
            of_text.mentions.iter().filter_map(|it| it.entity.clone()).collect();
        let mut of_title = match &title {
            Some(title) => Some(self.reader.read_beside(title, &known)?),
            None => None,
        };
        let passage = passage(title.as_ref(), &body, &of_text.hostile_sentences);
        let of_passage = self.reader.passage_sectors(&passage, &embedding);
        let sectors = judged(of_passage, &mut of_text, of_title.as_mut());
        let id = document.id.clone();
        let language = body.language;
        let title =
            of_title.map(|it| TitleAnnotation { mentions: it.mentions, statements: it.statements });
        let Findings { mentions, statements, .. } = of_text;
        let annotation = Annotation { id, language, mentions, statements, sectors, title };
        Ok(Annotated { annotation, embedding, error: None })
    }
}

/// The sectors of a document, best first. Takes from its statements the sectors that the whole
/// passage belies.
fn judged(
    of_passage: Vec<ScoredSector>,
    of_text: &mut Findings,
    mut of_title: Option<&mut Findings>,
) -> Vec<ScoredSector> {
    let title_sectors = of_title.as_mut().map(|it| std::mem::take(&mut it.sectors));
    let found = joined(std::mem::take(&mut of_text.sectors), title_sectors.unwrap_or_default());
    let in_title = of_title.iter().flat_map(|it| &it.statements);
    let all: Vec<&Statement> = of_text.statements.iter().chain(in_title).collect();
    let judgement = Judgement::of(of_passage, &found, &all);
    let in_title = of_title.into_iter().flat_map(|it| &mut it.statements);
    for statement in of_text.statements.iter_mut().chain(in_title) {
        statement.sectors.retain(|it| judgement.is_credible(it));
    }
    judgement.sectors(found)
}

/// What sectors are told from: the headline, the first sentences and those with a statement.
fn passage(title: Option<&Analysed>, body: &Analysed, hostile: &[usize]) -> String {
    let later = hostile.iter().copied().filter(|it| N_LEAD_SENTENCES <= *it);
    let lead = 0..body.sentences.len().min(N_LEAD_SENTENCES);
    let sentences: Vec<&str> = title
        .map(|it| it.text.as_str())
        .into_iter()
        .chain(lead.chain(later).map(|it| body.sentence_text(it)))
        .collect();
    sentences.join("\n")
}

type Analysed = AnalysedDocument;

/// The sectors of text and headline, best first: the headline says again what the text says, so
/// the surer of the two counts.
fn joined(mut sectors: Vec<ScoredSector>, of_title: Vec<ScoredSector>) -> Vec<ScoredSector> {
    for told in of_title {
        match sectors.iter_mut().find(|it| it.id == told.id) {
            Some(known) => known.score = known.score.max(told.score),
            None => sectors.push(told),
        }
    }
    sectors.sort_by(|a, b| b.score.total_cmp(&a.score));
    sectors
}

/// How many of `documents` are read in one pass: at least one.
fn n_in_pass(documents: &[Document]) -> usize {
    let mut n_bytes = 0;
    let more = documents[1..].iter().take_while(|it| {
        n_bytes += it.text.len();
        documents[0].text.len() + n_bytes <= N_BYTES_PER_PASS
    });
    1 + more.count()
}

fn failed(document: &Document, error: TagError) -> Annotated {
    let annotation = Annotation {
        id: document.id.clone(),
        language: document.language.clone().or_else(|| language_of(document)),
        ..Annotation::default()
    };
    Annotated { annotation, embedding: vec![0.0; HIDDEN_SIZE], error: Some(error) }
}

fn language_of(document: &Document) -> Option<String> {
    language::detect(&document.text).map(str::to_owned)
}

/// Whether a `text` that is said to be in `language` is surely not English: pages are wrong about
/// their language, and of a few words it is guessed.
fn is_foreign(language: Option<&str>, text: &str) -> bool {
    language.is_some_and(|it| !it.starts_with("en"))
        && language::detect(text).is_some_and(|it| it != "en")
}

/// A text with its sentences, before they are encoded.
struct Part {
    text: String,
    sentences: Vec<Range<usize>>,
}

/// A document with its sentences, before they are encoded.
struct Draft {
    title: Option<Part>,
    body: Part,
    language: Option<String>,
    is_foreign: bool,
    published_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Draft {
    fn of(document: &Document, n_chars_max: usize) -> Draft {
        let end = document.text.char_indices().nth(n_chars_max).map(|(at, _)| at);
        let text = &document.text[..end.unwrap_or(document.text.len())];
        let first_line = text.lines().find(|it| !it.trim().is_empty()).unwrap_or_default().trim();
        let title = document.title.as_deref().filter(|it| {
            let title = it.trim();
            !title.is_empty() && title != first_line
        });
        let language = document.language.clone().or_else(|| language_of(document));
        Draft {
            title: title.map(|it| Part {
                text: it.to_owned(),
                sentences: std::iter::once(trimmed(it)).collect(),
            }),
            body: Part { text: text.to_owned(), sentences: sentences(text) },
            is_foreign: is_foreign(language.as_deref(), &document.text),
            language,
            published_at: document.published_at,
        }
    }

    /// The sentences in the order in which [`Annotator::analyse`] takes them back.
    fn sentence_texts(&self) -> impl Iterator<Item = &str> {
        let parts = self.title.iter().chain([&self.body]);
        parts.flat_map(|it| it.sentences.iter().map(|range| &it.text[range.clone()]))
    }
}

fn trimmed(text: &str) -> Range<usize> {
    let start = text.len() - text.trim_start().len();
    start..start + text.trim().len()
}

/// Mean of the sentence embeddings: the headline counts as much as the first sentences together.
fn embedding(title: Option<&Analysed>, body: &Analysed) -> Vec<f32> {
    let lead = body.sentences.iter().take(N_LEAD_SENTENCES);
    let n_lead = lead.len() as f32;
    let mut sum = vec![0.0; HIDDEN_SIZE];
    let headline = title.into_iter().flat_map(|it| &it.sentences).map(|it| (it, n_lead.max(1.0)));
    for (sentence, weight) in headline.chain(lead.map(|it| (it, 1.0))) {
        for (sum, value) in sum.iter_mut().zip(&sentence.encoded.embedding) {
            *sum += weight * value;
        }
    }
    normalise(&mut sum);
    sum
}

#[cfg(test)]
mod tests;
