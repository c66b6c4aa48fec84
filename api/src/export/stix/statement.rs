//! A hostile statement: a note that quotes it, and relationships between those it is about.

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use index::StatementRecord;
use index::graph::{EdgeKind, Party};
use nlp::{Modality, Phrase, Statement, StatementKind};
use serde_json::{Value, json};

use super::{Batch, Mapper, language_of, reference, report_id, times_of, with_extension};
use crate::export::{ids, timestamp, word};

impl Mapper {
    /// Writes the note and the relationships of `record`.
    pub(super) fn statement(&mut self, record: &StatementRecord, batch: &mut Batch<'_>) {
        let statement = &record.statement;
        let actors = Party::actors_of(statement);
        let targets = Party::targets_of(statement);
        let mut about = vec![report_id(batch.article)];
        for party in actors.iter().chain(&targets).chain(&Party::means_of(statement)) {
            about.push(self.party(party, batch));
        }
        for sector in &statement.sectors {
            about.push(self.party(&Party::of_sector(sector.as_str()), batch));
        }
        let speaker = statement.speaker.as_ref().and_then(Party::of_phrase);
        if let Some(speaker) = speaker {
            about.push(self.voice(&speaker, batch));
        }
        for actor in &actors {
            for target in targets.iter().filter(|it| it.id != actor.id) {
                self.act(record, actor, target, batch);
            }
            for means in Party::means_of(statement).iter().filter(|it| it.id != actor.id) {
                self.uses(record, actor, means, batch);
            }
        }
        batch.refs.extend(about.iter().skip(1).cloned());
        self.note(record, about, batch);
    }

    fn note(&mut self, record: &StatementRecord, mut about: Vec<String>, batch: &mut Batch<'_>) {
        let id = ids::of("note", &["statement", &record.id]);
        if !self.is_new(&id) {
            return;
        }
        let (created, modified) = times_of(batch.article);
        let mut seen = std::collections::BTreeSet::new();
        about.retain(|it| seen.insert(it.clone()));
        let statement = &record.statement;
        let mut note = self.object("note", &id, created, modified);
        let kind = format!("{}, {}", word(&statement.kind), word(&statement.modality));
        let content = if record.sentence.trim().is_empty() { &kind } else { &record.sentence };
        note.insert("abstract".into(), json!(kind));
        note.insert("content".into(), json!(content));
        note.insert("object_refs".into(), json!(about));
        note.insert("confidence".into(), json!(confidence(statement)));
        note.insert("external_references".into(), json!([reference(batch.article)]));
        if let Some(speaker) = statement.speaker.as_ref().filter(|it| !it.text.trim().is_empty()) {
            note.insert("authors".into(), json!([speaker.text]));
        }
        if let Some(language) = language_of(batch.article) {
            note.insert("lang".into(), json!(language));
        }
        batch.refs.insert(id);
        batch.objects.push(with_extension(note, extension(record)));
    }

    /// What `actor` does, or would do, to `target`.
    fn act(
        &mut self,
        record: &StatementRecord,
        actor: &Party,
        target: &Party,
        batch: &mut Batch<'_>,
    ) {
        let statement = &record.statement;
        let to = self.victim(target, batch);
        let is_operation = matches!(
            statement.kind,
            StatementKind::Attack | StatementKind::Claim | StatementKind::Attempt
        ) && statement.modality == Modality::Asserted;
        let can_be_targeted =
            ["identity--", "location--", "vulnerability--"].iter().any(|it| to.starts_with(it));
        let (from, kind) = if is_operation && can_be_targeted {
            (self.perpetrator(actor, batch), "targets")
        } else if is_operation {
            (self.voice(actor, batch), "related-to")
        } else {
            (self.voice(actor, batch), EdgeKind::of_statement(statement.kind).name())
        };
        let edge = EdgeKind::of_statement(statement.kind);
        self.relate(record, kind, edge, (&from, &to), batch);
    }

    /// What `actor` does it with.
    fn uses(
        &mut self,
        record: &StatementRecord,
        actor: &Party,
        means: &Party,
        batch: &mut Batch<'_>,
    ) {
        let to = self.party(means, batch);
        let from = self.perpetrator(actor, batch);
        let is_legal = ["malware--", "tool--"].iter().any(|it| to.starts_with(it));
        let kind = if is_legal { "uses" } else { "related-to" };
        self.relate(record, kind, EdgeKind::Uses, (&from, &to), batch);
    }

    fn relate(
        &mut self,
        record: &StatementRecord,
        kind: &str,
        edge: EdgeKind,
        (from, to): (&str, &str),
        batch: &mut Batch<'_>,
    ) {
        let id = ids::of("relationship", &["statement", &record.id, kind, from, to]);
        if !self.is_new(&id) {
            return;
        }
        let statement = &record.statement;
        let (created, modified) = times_of(batch.article);
        let mut relationship = self.object("relationship", &id, created, modified);
        relationship.insert("relationship_type".into(), json!(kind));
        relationship.insert("source_ref".into(), json!(from));
        relationship.insert("target_ref".into(), json!(to));
        relationship.insert("description".into(), json!(record.sentence));
        relationship.insert("confidence".into(), json!(confidence(statement)));
        relationship.insert("external_references".into(), json!([reference(batch.article)]));
        let midnight = |it: NaiveDate| it.and_time(NaiveTime::MIN).and_utc();
        let from_at = statement.time.from.map_or(record.dated_at, midnight);
        relationship.insert("start_time".into(), json!(timestamp(from_at)));
        let to_at = statement.time.to.filter(|_| statement.time.from.is_some()).map(midnight);
        let to_at = to_at.and_then(|it| it.checked_add_signed(TimeDelta::days(1)));
        if let Some(to_at) = to_at.filter(|it| from_at < *it) {
            relationship.insert("stop_time".into(), json!(timestamp(to_at)));
        }
        batch.refs.insert(id);
        let extension = json!({
            "statement": record.id,
            "edge": edge,
            "kind": statement.kind,
            "domain": statement.domain,
            "modality": statement.modality,
        });
        batch.objects.push(with_extension(relationship, extension));
    }
}

/// Everything that the standard has no property for.
fn extension(record: &StatementRecord) -> Value {
    let statement = &record.statement;
    let all = |phrases: &[Phrase]| phrases.iter().map(phrase).collect::<Vec<_>>();
    json!({
        "statement": record.id,
        "article": record.article.to_string(),
        "kind": statement.kind,
        "domain": statement.domain,
        "modality": statement.modality,
        "tense": statement.time.tense,
        "act_from": statement.time.from,
        "act_to": statement.time.to,
        "in_title": record.in_title,
        "sentence": {"start": statement.sentence.start, "end": statement.sentence.end},
        "trigger": phrase(&statement.trigger),
        "actors": all(&statement.actors),
        "targets": all(&statement.targets),
        "means": all(&statement.means),
        "speaker": statement.speaker.as_ref().map(phrase),
        "sectors": statement.sectors,
        "score": statement.score,
    })
}

fn phrase(phrase: &Phrase) -> Value {
    let mut value = json!({"start": phrase.start, "end": phrase.end, "text": phrase.text});
    if let Some(entity) = &phrase.entity {
        value["entity"] = json!(entity.id);
    }
    value
}

/// How sure it is that things are as stated, 0 to 100: the score, less for what is hedged.
fn confidence(statement: &Statement) -> u32 {
    let factor = match statement.modality {
        Modality::Asserted => 1.0,
        Modality::Conditional => 0.75,
        Modality::Possible => 0.5,
        Modality::Denied => 0.25,
    };
    (statement.score.clamp(0.0, 1.0) * factor * 100.0).round() as u32
}
