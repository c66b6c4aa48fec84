//! What the NLP stage says about an article: [`Annotation`], in the shape that the outside sees.
//!
//! All offsets are half-open ranges of Unicode scalar values (characters, not bytes) in the
//! annotated text, as the public contract demands. [`crate::offsets`] converts to bytes.

use chrono::NaiveDate;
use config::SectorId;
use serde::{Deserialize, Serialize};

/// Everything found in one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Annotation {
    /// The document's id as the caller gave it.
    pub id: String,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
    /// Places in the text that name an entity, by `start`; they do not overlap.
    pub mentions: Vec<Mention>,
    /// Hostile statements in the order of their sentences.
    pub statements: Vec<Statement>,
    /// The document's threatened or attacked sectors, best first.
    pub sectors: Vec<ScoredSector>,
    /// What was found in the headline; `None` when none was given or it is the text's first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<TitleAnnotation>,
}

/// Mentions and statements of a headline; offsets count in the headline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TitleAnnotation {
    /// Places in the headline that name an entity.
    pub mentions: Vec<Mention>,
    /// Hostile statements of the headline.
    pub statements: Vec<Statement>,
}

/// A range of text without more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Span {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
}

/// The entity that a phrase means.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
pub struct EntityRef {
    /// Stable id, `kind:key`, e.g. `country:IR`, `group:apt28`, `name:organization:acme corp`.
    pub id: String,
    /// Canonical name.
    pub name: String,
}

/// One place in a text that names an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Mention {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The words as printed.
    pub text: String,
    /// What sort of thing is named.
    pub kind: MentionKind,
    /// The entity meant; `None` when the words are too vague to stand for one.
    pub entity: Option<EntityRef>,
    /// Confidence, `0.0..=1.0`.
    pub score: f32,
}

/// Classes of mentions.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum MentionKind {
    /// A human being.
    Person,
    /// A company, agency, party, army…
    Organization,
    /// A country, city, region, facility…
    Location,
    /// Nationalities, events, products (CoNLL-2003 MISC).
    Misc,
    /// A named armed or hacker group.
    ThreatGroup,
    /// Malicious software.
    Malware,
    /// Software that attackers use but that is not malicious by itself.
    Tool,
    /// A CVE or a named vulnerability.
    Vulnerability,
    /// An economic sector named as such.
    Sector,
}

/// Words of a statement: an actor, a target, a means, a trigger, a speaker.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Phrase {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The words as printed.
    pub text: String,
    /// The entity meant; `None` for a mere description.
    #[serde(default)]
    pub entity: Option<EntityRef>,
}

/// A sentence that says that somebody threatens, may commit, committed or claims a hostile act.
///
/// The meaning of every field follows the project's annotation guideline for hostile statements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Statement {
    /// Threat, warning, attack…
    pub kind: StatementKind,
    /// Where the harm is done.
    pub domain: Domain,
    /// How certain the text presents it.
    pub modality: Modality,
    /// When.
    pub time: StatementTime,
    /// The sentence that proves it.
    pub sentence: Span,
    /// Shortest words that express the act.
    pub trigger: Phrase,
    /// Who does or would do the harm; may lie in another sentence (a resolved pronoun).
    pub actors: Vec<Phrase>,
    /// To whom or what; may lie in another sentence.
    pub targets: Vec<Phrase>,
    /// Sectors of the targets.
    pub sectors: Vec<SectorId>,
    /// Instruments or methods.
    pub means: Vec<Phrase>,
    /// Who says it, when not the narrator.
    pub speaker: Option<Phrase>,
    /// Confidence, `0.0..=1.0`.
    pub score: f32,
}

/// Kinds of hostile statements.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StatementKind {
    /// The actor, or somebody speaking for it, states an intent to harm.
    Threat,
    /// Somebody else states that harm is likely.
    Warning,
    /// A hostile act is reported as having happened or happening.
    Attack,
    /// The actor claims responsibility.
    Claim,
    /// Somebody denies having done it.
    Denial,
    /// A hostile act was tried and failed, or was discovered before.
    Attempt,
}

/// Domains of harm.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Domain {
    /// Computers and networks.
    Cyber,
    /// People, buildings, vehicles.
    Physical,
    /// Sanctions, embargoes, boycotts.
    Economic,
    /// Expulsions, treaty breaches and the like.
    Political,
}

/// How certain a statement is presented.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Modality {
    /// As a fact or a plain intention.
    Asserted,
    /// As likely, suspected, alleged.
    Possible,
    /// Under a condition.
    Conditional,
    /// As untrue.
    Denied,
}

/// When the act happens, seen from the publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatementTime {
    /// Past, present or future.
    pub tense: Tense,
    /// First day, when the text gives one.
    pub from: Option<NaiveDate>,
    /// Last day (inclusive), when the text gives one.
    pub to: Option<NaiveDate>,
}

/// Tense of an act.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tense {
    /// Before publication.
    Past,
    /// Going on.
    Present,
    /// After publication.
    Future,
}

/// A sector with its confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScoredSector {
    /// Facet path.
    pub id: SectorId,
    /// Confidence, `0.0..=1.0`.
    pub score: f32,
}
