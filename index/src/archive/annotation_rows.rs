//! Pure: what of an annotation goes into rows that can be asked for.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use config::SectorId;
use nlp::offsets::Offsets;
use nlp::{Annotation, EntityRef, Mention, Statement};
use serde::Serialize;

use super::value::{clean, to_json};

/// Longer ids are noise of the tagger, and more than a PostgreSQL index row holds.
const ENTITY_ID_BYTES_MAX: usize = 256;
const NAME_CHARS_MAX: usize = 256;
const SENTENCE_CHARS_MAX: usize = 4_000;

/// A hostile statement as the tables keep it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StatementRow {
    pub(super) in_title: bool,
    /// Place among the statements of its part, from 0.
    pub(super) ordinal: usize,
    /// The sentence that proves it, cut to 4 000 characters.
    pub(super) sentence: String,
    /// Role and entity id, each pair once.
    pub(super) entities: BTreeSet<(&'static str, String)>,
    /// Sectors of the statement and all sectors above them.
    pub(super) sectors: BTreeSet<String>,
    /// First and last day of the act.
    pub(super) dates: (Option<NaiveDate>, Option<NaiveDate>),
    /// JSON of the statement.
    pub(super) body: String,
    pub(super) kind: String,
    pub(super) domain: String,
    pub(super) modality: String,
    pub(super) tense: String,
    pub(super) score: f32,
}

/// An entity as one article shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EntityRow {
    /// Kind of its first mention; for entities that only a statement names, the first part of the id.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) n_mentions: u64,
}

/// The statements of `annotation`, those of the headline first.
pub(super) fn statement_rows(
    annotation: &Annotation,
    title: &str,
    text: &str,
) -> Vec<StatementRow> {
    let of_title = annotation.title.iter().flat_map(|it| &it.statements).enumerate();
    let of_text = annotation.statements.iter().enumerate();
    let title_offsets = Offsets::of(title);
    let text_offsets = Offsets::of(text);
    of_title
        .map(|(ordinal, it)| statement_row(it, true, ordinal, title, &title_offsets))
        .chain(of_text.map(|(at, it)| statement_row(it, false, at, text, &text_offsets)))
        .collect()
}

fn statement_row(
    statement: &Statement,
    in_title: bool,
    ordinal: usize,
    text: &str,
    offsets: &Offsets,
) -> StatementRow {
    let span = statement.sentence;
    let sentence = &text[offsets.byte_range(span.start, span.end)];
    let with_role = |role, entity: &EntityRef| {
        is_storable(entity).then(|| (role, clean(&entity.id).into_owned()))
    };
    let of_phrases =
        [("actor", &statement.actors), ("target", &statement.targets), ("means", &statement.means)];
    let entities = of_phrases
        .into_iter()
        .flat_map(|(role, phrases)| phrases.iter().map(move |it| (role, it)))
        .chain(statement.speaker.iter().map(|it| ("speaker", it)))
        .filter_map(|(role, it)| with_role(role, it.entity.as_ref()?))
        .collect();
    StatementRow {
        in_title,
        ordinal,
        sentence: sentence.chars().take(SENTENCE_CHARS_MAX).collect(),
        entities,
        sectors: with_parents(&statement.sectors),
        dates: (statement.time.from, statement.time.to),
        body: readable_json(statement),
        kind: word(&statement.kind),
        domain: word(&statement.domain),
        modality: word(&statement.modality),
        tense: word(&statement.time.tense),
        score: if statement.score.is_finite() { statement.score } else { 0.0 },
    }
}

fn with_parents(sectors: &[SectorId]) -> BTreeSet<String> {
    let line = |it: &SectorId| std::iter::successors(Some(it.clone()), SectorId::parent);
    sectors.iter().flat_map(line).map(|it| clean(it.as_str()).into_owned()).collect()
}

/// The entities that `annotation` names, by id.
pub(super) fn entity_rows(annotation: &Annotation) -> BTreeMap<String, EntityRow> {
    let mut rows: BTreeMap<String, EntityRow> = BTreeMap::new();
    let parts = annotation.title.as_ref();
    let mentions = annotation.mentions.iter().chain(parts.iter().flat_map(|it| &it.mentions));
    for Mention { kind, entity, .. } in mentions {
        if let Some(entity) = entity.as_ref().filter(|it| is_storable(it)) {
            let new = || EntityRow { kind: word(kind), name: name_of(entity), n_mentions: 0 };
            rows.entry(clean(&entity.id).into_owned()).or_insert_with(new).n_mentions += 1;
        }
    }
    let statements = annotation.statements.iter().chain(parts.iter().flat_map(|it| &it.statements));
    for it in statements {
        let phrases = it.actors.iter().chain(&it.targets).chain(&it.means).chain(&it.speaker);
        let entities = phrases.filter_map(|it| it.entity.as_ref());
        for entity in entities.filter(|it| is_storable(it)) {
            let new =
                || EntityRow { kind: kind_in(&entity.id), name: name_of(entity), n_mentions: 0 };
            rows.entry(clean(&entity.id).into_owned()).or_insert_with(new);
        }
    }
    rows
}

/// JSON that can be read back: a score that is no number becomes 0.
pub(super) fn readable_json(value: &impl Serialize) -> String {
    let json = to_json(value);
    if json.contains("\"score\":null") {
        json.replace("\"score\":null", "\"score\":0.0")
    } else {
        json
    }
}

/// The kebab-case word that one of nlp's unit enums is written as.
pub(super) fn word(value: &impl Serialize) -> String {
    to_json(value).trim_matches('"').to_owned()
}

fn kind_in(id: &str) -> String {
    let mut parts = id.split(':');
    match (parts.next(), parts.next()) {
        (Some("name"), Some(kind)) => clean(kind).into_owned(),
        (Some("country" | "city" | "region" | "place"), _) => "location".to_owned(),
        (Some("group"), _) => "threat-group".to_owned(),
        (Some("cve"), _) => "vulnerability".to_owned(),
        (kind, _) => clean(kind.unwrap_or_default()).into_owned(),
    }
}

fn name_of(entity: &EntityRef) -> String {
    clean(&entity.name).chars().take(NAME_CHARS_MAX).collect()
}

/// Whether the tables have room for the id of `entity`.
pub(super) fn is_storable(entity: &EntityRef) -> bool {
    !entity.id.is_empty() && entity.id.len() <= ENTITY_ID_BYTES_MAX
}
