//! Hostile statements: who threatens or attacks whom.
//!
//! [`StatementReader`] turns a document that the tagger has read into everything that an
//! [`Annotation`](crate::Annotation) says about it: linked mentions, statements, sectors.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use config::SectorId;

use crate::coreference::Antecedent;
use crate::document::AnalysedDocument;
use crate::knowledge::Knowledge;
use crate::link::{LinkedMention, link_beside, overlap};
use crate::offsets::Offsets;
use crate::sector::{document_sectors, without_parents};
use crate::sector_classifier::SectorClassifier;
use crate::statement_draft::Draft;
use crate::statement_grammar::Grammar;
use crate::statement_head::{Reading, SECTORS, StatementHead, most_probable};
use crate::statement_phrase::{BytePhrase, PhraseReader};
use crate::statement_roles::{Role, RoleSpan};
use crate::statement_time::days_of_act;
use crate::tagger::{Precision, TagError};
use crate::{
    Domain, EntityRef, Mention, Modality, Phrase, ScoredSector, Span, Statement, StatementKind,
    StatementTime, Tense,
};

/// What is found in one text; offsets count characters of its `text`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Names, linked to entities, by `start`; they do not overlap.
    pub mentions: Vec<Mention>,
    /// Hostile statements in the order of their sentences.
    pub statements: Vec<Statement>,
    /// The threatened or attacked sectors, best first.
    pub sectors: Vec<ScoredSector>,
    /// Numbers of the sentences with a statement that is no denial, in order.
    pub hostile_sentences: Vec<usize>,
}

/// Reads statements. Owns a small model of its own; blocks while it computes.
pub struct StatementReader {
    knowledge: Arc<Knowledge>,
    head: StatementHead,
    classifier: SectorClassifier,
}

/// How much a sector weighs that stands beside a target, against one of the target itself.
const AROUND_WEIGHT: f32 = 0.5;

/// Sectors of a target that only the model tells need this probability.
const SECTOR_MIN: f32 = 0.4;

/// Sectors whose words stand beside many targets that are not theirs: websites, agencies, tanks.
const WIDE_SECTORS: [&str; 3] = ["/defence", "/government", "/technology"];

/// Their words count only where the model gives them this probability.
const WIDE_SECTOR_MIN: f32 = 0.1;

const DOMAINS: [Domain; 4] = [Domain::Cyber, Domain::Physical, Domain::Economic, Domain::Political];
const MODALITIES: [Modality; 4] =
    [Modality::Asserted, Modality::Possible, Modality::Conditional, Modality::Denied];
const TENSES: [Tense; 3] = [Tense::Past, Tense::Present, Tense::Future];

impl StatementReader {
    /// Loads the statement model that is built into the program; it computes on `n_threads`
    /// threads of its own.
    ///
    /// # Errors
    /// When the built-in weights do not load.
    pub fn embedded(
        knowledge: Arc<Knowledge>,
        precision: Precision,
        n_threads: NonZeroUsize,
    ) -> Result<StatementReader, TagError> {
        let head = StatementHead::embedded(precision, n_threads)?;
        Ok(StatementReader { knowledge, head, classifier: SectorClassifier::embedded()? })
    }

    /// What the classifier makes of a `passage` with that `embedding`: probabilities of the top
    /// levels that the taxonomy has.
    pub(crate) fn passage_sectors(&self, passage: &str, embedding: &[f32]) -> Vec<ScoredSector> {
        let told = self.knowledge.sectors.find(passage);
        let mut sectors = self.classifier.probabilities(passage, &told, embedding);
        sectors.retain(|it| self.knowledge.sectors.knows(&it.id));
        sectors
    }

    /// Finds mentions and sectors in `document`, and statements unless it is in another
    /// language than English.
    ///
    /// # Errors
    /// When the forward pass of the statement model fails.
    pub fn read(&mut self, document: &AnalysedDocument) -> Result<Findings, TagError> {
        self.read_beside(document, &[])
    }

    /// As [`read`](Self::read), for a headline whose text names the entities `known`.
    ///
    /// # Errors
    /// When the forward pass of the statement model fails.
    pub fn read_beside(
        &mut self,
        document: &AnalysedDocument,
        known: &[EntityRef],
    ) -> Result<Findings, TagError> {
        let mentions = link_beside(document, &self.knowledge.gazetteer, known);
        // The model has learnt English only; what it makes of other languages is chance.
        let readings = if document.is_foreign { vec![] } else { self.head.read(document)? };
        let readings = without_repeats(readings);
        let offsets = Offsets::of(&document.text);
        let mut phrases =
            PhraseReader { document, mentions: &mentions, acted: vec![], hit: vec![] };
        let mut statements = vec![];
        let mut around = vec![];
        let mut hostile_sentences = vec![];
        for reading in &readings {
            let grammar = Grammar::of(document, reading.sentence);
            let mut draft = Draft::of(reading, &grammar, &phrases);
            draft.tell_parties_apart(&document.sentences[reading.sentence].range);
            let is_no_act = !grammar.tells_act(&draft.trigger) || draft.is_of_nature(document);
            if draft.is_void(reading.score) || is_no_act {
                continue;
            }
            for actor in &draft.actors {
                let BytePhrase { range, entity, .. } = actor.clone();
                phrases.acted.push((reading.sentence, Antecedent { range, entity }));
            }
            let hit = draft.targets.iter().filter_map(|it| it.0.entity.as_ref());
            phrases.hit.extend(hit.map(|it| it.id.clone()));
            let told = self.sectors_around(document, &mentions, reading.sentence, &draft);
            let statement = self.statement(document, &offsets, reading, draft);
            if statement.sectors.is_empty() && statement.kind != StatementKind::Denial {
                around.push((told, AROUND_WEIGHT * statement.score));
            }
            if statement.kind != StatementKind::Denial {
                hostile_sentences.push(reading.sentence);
            }
            statements.push(statement);
        }
        hostile_sentences.dedup();
        let hostile = statements.iter().filter(|it: &&Statement| it.kind != StatementKind::Denial);
        let of_targets = hostile.map(|it| (it.sectors.as_slice(), it.score));
        let around = around.iter().map(|(told, score)| (told.as_slice(), *score));
        let sectors = document_sectors(of_targets.chain(around));
        let mentions = mentions.into_iter().map(|it| Mention {
            start: offsets.char(it.range.start),
            end: offsets.char(it.range.end),
            text: document.text_of(it.range).to_owned(),
            kind: it.kind,
            entity: it.entity,
            score: it.score,
        });
        let mentions = mentions.collect();
        Ok(Findings { mentions, statements, sectors, hostile_sentences })
    }

    fn statement(
        &self,
        document: &AnalysedDocument,
        offsets: &Offsets,
        reading: &Reading,
        draft: Draft,
    ) -> Statement {
        let phrase = |it: BytePhrase| Phrase {
            start: offsets.char(it.range.start),
            end: offsets.char(it.range.end),
            text: document.text_of(it.range).to_owned(),
            entity: it.entity,
        };
        let sentence = &document.sentences[reading.sentence].range;
        let trigger = document.words_range(reading.sentence, draft.trigger.clone());
        let kind = draft.kind;
        let modality = match kind {
            StatementKind::Denial => Modality::Denied,
            _ => MODALITIES[most_probable(&reading.modalities)],
        };
        let sectors = self.sectors(document, &draft);
        let tense = TENSES[most_probable(&reading.tenses)];
        let days = days_of_act(document, reading.sentence, tense);
        let phrases = |it: Vec<BytePhrase>| it.into_iter().map(phrase).collect();
        Statement {
            kind,
            domain: DOMAINS[most_probable(&reading.domains)],
            modality,
            time: StatementTime {
                tense,
                from: days.as_ref().map(|it| *it.start()),
                to: days.as_ref().map(|it| *it.end()),
            },
            sentence: Span { start: offsets.char(sentence.start), end: offsets.char(sentence.end) },
            trigger: phrase(BytePhrase { range: trigger, entity: None, listed: None }),
            actors: phrases(draft.actors),
            targets: phrases(draft.targets.into_iter().map(|it| it.0).collect()),
            sectors,
            means: phrases(draft.means),
            speaker: draft.speaker.map(phrase),
            score: reading.score,
        }
    }

    /// The sectors that a statement's sentence tells outside the phrases of those who act or
    /// speak: what is hit when the targets say nothing of it, for the document only.
    fn sectors_around(
        &self,
        document: &AnalysedDocument,
        mentions: &[LinkedMention],
        sentence: usize,
        draft: &Draft,
    ) -> Vec<SectorId> {
        let range = document.sentences[sentence].range.clone();
        let acting = draft.actors.iter().chain(&draft.means).chain(&draft.speaker);
        let mut acting: Vec<Range<usize>> = acting.map(|it| it.range.clone()).collect();
        acting.retain(|it| overlap(it, &range));
        acting.sort_by_key(|it| it.start);
        let mut sectors = vec![];
        let mut from = range.start;
        for cut in acting.into_iter().chain(std::iter::once(range.end..range.end)) {
            if from < cut.start {
                sectors.extend(self.knowledge.sectors.find(&document.text[from..cut.start]));
            }
            let named =
                mentions.iter().filter(|it| from <= it.range.start && it.range.end <= cut.start);
            for listed in named.filter_map(|it| it.listed) {
                sectors.extend_from_slice(&self.knowledge.gazetteer.entity(listed).sectors);
            }
            from = from.max(cut.end);
        }
        distinct(sectors)
    }

    /// The sectors of the targets: of the entity, of the words, and what the model is sure of.
    fn sectors(&self, document: &AnalysedDocument, draft: &Draft) -> Vec<SectorId> {
        let mut sectors: Vec<SectorId> = vec![];
        for (target, probabilities) in &draft.targets {
            if let Some(listed) = target.listed {
                sectors.extend_from_slice(&self.knowledge.gazetteer.entity(listed).sectors);
            }
            let told = self.knowledge.sectors.find(document.text_of(target.range.clone()));
            sectors.extend(told.into_iter().filter(|it| is_believed(it, probabilities)));
            let sure = SECTORS.iter().zip(probabilities).filter(|it| SECTOR_MIN < *it.1);
            sectors.extend(sure.map(|(path, _)| SectorId::new(*path)));
        }
        distinct(sectors)
    }
}

/// Whether a `sector` that the words of a target tell is to be believed by the model's
/// `probabilities`; there are none for a target that the model took for an actor.
fn is_believed(sector: &SectorId, probabilities: &[f32]) -> bool {
    let place = SECTORS.iter().position(|it| *it == sector.as_str());
    let probability = place.and_then(|it| probabilities.get(it));
    !WIDE_SECTORS.contains(&sector.as_str()) || probability.is_none_or(|it| WIDE_SECTOR_MIN <= *it)
}

/// Each sector once, in order, without those of which a child is there too.
fn distinct(sectors: Vec<SectorId>) -> Vec<SectorId> {
    let mut distinct: Vec<SectorId> = vec![];
    for sector in sectors {
        if !distinct.contains(&sector) {
            distinct.push(sector);
        }
    }
    without_parents(distinct)
}

/// Leaves out, of two readings with one meaning, the weaker.
fn without_repeats(mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Reading> = vec![];
    for reading in readings {
        if !kept.iter().any(|it| is_repeat(it, &reading)) {
            kept.push(reading);
        }
    }
    kept.sort_by_key(|it| (it.sentence, it.trigger.start));
    kept
}

fn is_repeat(a: &Reading, b: &Reading) -> bool {
    let targets = |it: &Reading| -> Vec<(usize, Range<usize>)> {
        let targets = it.spans.iter().filter(|it: &&RoleSpan| it.role == Role::Target);
        targets.map(|it| (it.sentence, it.words.clone())).collect()
    };
    a.sentence == b.sentence
        && a.trigger.start.abs_diff(b.trigger.start) < 4
        && targets(a) == targets(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_wide_sectors_need_the_model() {
        let mut probabilities = vec![0.0; SECTORS.len()];
        let is_believed = |path: &str, it: &[f32]| is_believed(&SectorId::new(path), it);
        assert!(!is_believed("/technology", &probabilities));
        assert!(is_believed("/technology", &[]), "the model says nothing");
        assert!(is_believed("/health", &probabilities));
        let technology = SECTORS.iter().position(|it| *it == "/technology").expect("it is known");
        probabilities[technology] = 0.2;
        assert!(is_believed("/technology", &probabilities));
    }
}
