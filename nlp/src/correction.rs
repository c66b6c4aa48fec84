//! What a reader says was read wrong: it stands over what the models say, for good.
//!
//! [`apply`] changes an annotation by all corrections that concern it. It is pure and idempotent,
//! so that it can run over new articles and over those that were read before.

use config::SectorId;
use serde::{Deserialize, Serialize};

use crate::annotation::{
    Annotation, EntityRef, Mention, MentionKind, Phrase, Statement, StatementKind,
};

/// One correction; words are compared as printed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Correction {
    /// The words `text`, taken for `entity`, name nothing: "will" is no group.
    NotAnEntity {
        /// The words of the mention.
        text: String,
        /// The entity that they were taken for.
        entity: String,
    },
    /// The words `text`, taken for `entity`, mean something else.
    Means {
        /// The words of the mention.
        text: String,
        /// The entity that they were taken for.
        entity: String,
        /// What they mean.
        to: EntityRef,
        /// What sort of thing that is; absent: as it was.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<MentionKind>,
    },
    /// The entity `entity` is `to` under another name.
    SameAs {
        /// The entity that is no entity of its own.
        entity: String,
        /// The one that it is.
        to: EntityRef,
    },
    /// In one article the act `trigger` at `start` is no hostile statement.
    NoStatement {
        /// The article.
        article: String,
        /// Whether it stands in the headline.
        #[serde(default)]
        in_title: bool,
        /// First character of the trigger.
        start: usize,
        /// The words of the trigger.
        trigger: String,
    },
    /// In one article the statement with the act `trigger` at `start` is of another kind.
    StatementKind {
        /// The article.
        article: String,
        /// Whether it stands in the headline.
        #[serde(default)]
        in_title: bool,
        /// First character of the trigger.
        start: usize,
        /// The words of the trigger.
        trigger: String,
        /// What it is.
        kind: StatementKind,
    },
}

/// What a correction is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Every article that names this entity.
    Entity(&'a str),
    /// One article.
    Article(&'a str),
}

/// Longest text in a correction, in characters.
const N_CHARS_MAX: usize = 500;

impl Correction {
    /// What it is about.
    pub fn subject(&self) -> Subject<'_> {
        match self {
            Correction::NotAnEntity { entity, .. }
            | Correction::Means { entity, .. }
            | Correction::SameAs { entity, .. } => Subject::Entity(entity),
            Correction::NoStatement { article, .. } | Correction::StatementKind { article, .. } => {
                Subject::Article(article)
            }
        }
    }

    /// The words that are missing or too long, by the name of their field; `None` when all is well.
    pub fn flaw(&self) -> Option<&'static str> {
        let is_bad = |it: &str| {
            it.trim().is_empty() || it.contains('\0') || it.chars().count() > N_CHARS_MAX
        };
        let fields: Vec<(&'static str, &str)> = match self {
            Correction::NotAnEntity { text, entity } => vec![("text", text), ("entity", entity)],
            Correction::Means { text, entity, to, .. } => {
                vec![("text", text), ("entity", entity), ("to.id", &to.id), ("to.name", &to.name)]
            }
            Correction::SameAs { entity, to } => {
                vec![("entity", entity), ("to.id", &to.id), ("to.name", &to.name)]
            }
            Correction::NoStatement { article, trigger, .. }
            | Correction::StatementKind { article, trigger, .. } => {
                vec![("article", article), ("trigger", trigger)]
            }
        };
        let circular = match self {
            Correction::SameAs { entity, to } => *entity == to.id,
            _ => false,
        };
        let bad = fields.into_iter().find(|(_, text)| is_bad(text)).map(|(name, _)| name);
        bad.or(circular.then_some("to.id"))
    }
}

/// Changes `annotation` as `corrections` say, in their order; answers whether anything changed.
pub fn apply(annotation: &mut Annotation, corrections: &[Correction]) -> bool {
    let mut before = None;
    for correction in corrections {
        if !concerns(correction, annotation) {
            continue;
        }
        before.get_or_insert_with(|| annotation.clone());
        match correction {
            Correction::NotAnEntity { text, entity } => relink(annotation, text, entity, None),
            Correction::Means { text, entity, to, kind } => {
                relink(annotation, text, entity, Some((to, *kind)));
            }
            Correction::SameAs { entity, to } => rename(annotation, entity, to),
            Correction::NoStatement { in_title, start, trigger, .. } => {
                statements(annotation, *in_title, |list| {
                    list.retain(|it| !is_at(it, *start, trigger));
                });
            }
            Correction::StatementKind { in_title, start, trigger, kind, .. } => {
                statements(annotation, *in_title, |list| {
                    for it in list.iter_mut().filter(|it| is_at(it, *start, trigger)) {
                        it.kind = *kind;
                    }
                });
            }
        }
    }
    let Some(before) = before else { return false };
    let is_changed = *annotation != before;
    if is_changed && annotation.statements.len() < before.statements.len() {
        forget_sectors(annotation, &before);
    }
    is_changed
}

fn is_at(statement: &Statement, start: usize, trigger: &str) -> bool {
    statement.trigger.start == start && statement.trigger.text == trigger
}

/// Whether `correction` may change `annotation`; cheap, as most do not.
fn concerns(correction: &Correction, annotation: &Annotation) -> bool {
    let entity = match correction.subject() {
        Subject::Article(id) => return id == annotation.id,
        Subject::Entity(id) => id,
    };
    let is_it = |it: &Option<EntityRef>| it.as_ref().is_some_and(|it| it.id == entity);
    let (mentions, statements) = match &annotation.title {
        Some(title) => (title.mentions.as_slice(), title.statements.as_slice()),
        None => (&[][..], &[][..]),
    };
    annotation.mentions.iter().chain(mentions).any(|it| is_it(&it.entity))
        || annotation.statements.iter().chain(statements).any(|it| {
            let phrases = it.actors.iter().chain(&it.targets).chain(&it.means);
            phrases.chain(&it.speaker).any(|it| is_it(&it.entity))
        })
}

/// Sectors of the document that only removed statements gave it.
fn forget_sectors(annotation: &mut Annotation, before: &Annotation) {
    let of = |it: &Annotation| -> Vec<SectorId> {
        it.statements.iter().flat_map(|it| it.sectors.iter().cloned()).collect()
    };
    let (kept, had) = (of(annotation), of(before));
    annotation.sectors.retain(|it| kept.contains(&it.id) || !had.contains(&it.id));
}

fn statements(
    annotation: &mut Annotation,
    in_title: bool,
    change: impl FnOnce(&mut Vec<Statement>),
) {
    match (in_title, &mut annotation.title) {
        (false, _) => change(&mut annotation.statements),
        (true, Some(title)) => change(&mut title.statements),
        (true, None) => {}
    }
}

fn all_mentions(annotation: &mut Annotation) -> impl Iterator<Item = &mut Vec<Mention>> {
    let title = annotation.title.iter_mut().map(|it| &mut it.mentions);
    std::iter::once(&mut annotation.mentions).chain(title)
}

fn all_phrases(annotation: &mut Annotation) -> impl Iterator<Item = &mut Phrase> {
    let title = annotation.title.iter_mut().flat_map(|it| &mut it.statements);
    annotation.statements.iter_mut().chain(title).flat_map(|it| {
        it.actors.iter_mut().chain(&mut it.targets).chain(&mut it.means).chain(&mut it.speaker)
    })
}

/// Gives mentions and phrases with these words another entity, or none.
fn relink(
    annotation: &mut Annotation,
    text: &str,
    entity: &str,
    to: Option<(&EntityRef, Option<MentionKind>)>,
) {
    let is_it = |found: &Option<EntityRef>| found.as_ref().is_some_and(|it| it.id == entity);
    for mentions in all_mentions(annotation) {
        let is_wrong = |it: &Mention| it.text == text && is_it(&it.entity);
        let Some((to, kind)) = to else {
            mentions.retain(|it| !is_wrong(it));
            continue;
        };
        for mention in mentions.iter_mut().filter(|it| is_wrong(it)) {
            mention.entity = Some(to.clone());
            mention.kind = kind.unwrap_or(mention.kind);
        }
    }
    for phrase in all_phrases(annotation) {
        // "the Lazarus hackers" is linked by the name in it.
        if is_it(&phrase.entity) && phrase.text.contains(text) {
            phrase.entity = to.map(|(to, _)| to.clone());
        }
    }
}

fn rename(annotation: &mut Annotation, entity: &str, to: &EntityRef) {
    let mentioned = all_mentions(annotation).flatten().map(|it| &mut it.entity);
    for found in mentioned.filter(|it| it.as_ref().is_some_and(|it| it.id == entity)) {
        *found = Some(to.clone());
    }
    for phrase in all_phrases(annotation) {
        if phrase.entity.as_ref().is_some_and(|it| it.id == entity) {
            phrase.entity = Some(to.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{
        Domain, Modality, ScoredSector, Span, StatementTime, Tense, TitleAnnotation,
    };

    fn entity(id: &str) -> EntityRef {
        EntityRef { id: id.to_owned(), name: id.to_uppercase() }
    }

    fn mention(text: &str, id: &str) -> Mention {
        let entity = Some(entity(id));
        let text = text.to_owned();
        Mention { start: 0, end: 4, text, kind: MentionKind::ThreatGroup, entity, score: 0.9 }
    }

    fn phrase(start: usize, text: &str, id: Option<&str>) -> Phrase {
        let end = start + text.chars().count();
        Phrase { start, end, text: text.to_owned(), entity: id.map(entity) }
    }

    fn statement(start: usize, sector: &str) -> Statement {
        Statement {
            kind: StatementKind::Attack,
            domain: Domain::Cyber,
            modality: Modality::Asserted,
            time: StatementTime { tense: Tense::Past, from: None, to: None },
            sentence: Span { start: 0, end: 40 },
            trigger: phrase(start, "hit", None),
            actors: vec![phrase(0, "the Will hackers", Some("group:will"))],
            targets: vec![],
            sectors: vec![SectorId::new(sector)],
            means: vec![],
            speaker: None,
            score: 0.8,
        }
    }

    fn annotation() -> Annotation {
        let scored = |id| ScoredSector { id: SectorId::new(id), score: 0.7 };
        Annotation {
            id: "a1".to_owned(),
            mentions: vec![mention("Will", "group:will"), mention("Wills", "group:will")],
            statements: vec![statement(5, "/energy"), statement(20, "/water")],
            sectors: vec![scored("/energy"), scored("/water"), scored("/health")],
            title: Some(TitleAnnotation {
                mentions: vec![mention("Will", "group:will")],
                statements: vec![],
            }),
            ..Annotation::default()
        }
    }

    #[track_caller]
    fn corrected(correction: Correction) -> Annotation {
        let mut annotation = annotation();
        assert!(apply(&mut annotation, std::slice::from_ref(&correction)), "nothing changed");
        let once = annotation.clone();
        assert!(!apply(&mut annotation, &[correction]), "a second time changes nothing");
        once
    }

    #[test]
    fn words_that_name_nothing_are_gone_everywhere() {
        let it = corrected(Correction::NotAnEntity {
            text: "Will".to_owned(),
            entity: "group:will".to_owned(),
        });
        assert_eq!(it.mentions.len(), 1, "other words stay");
        assert!(it.title.unwrap().mentions.is_empty());
        assert_eq!(it.statements[0].actors[0].entity, None, "the phrase stays, its link goes");
    }

    #[test]
    fn words_get_the_meaning_that_a_reader_gives_them() {
        let it = corrected(Correction::Means {
            text: "Will".to_owned(),
            entity: "group:will".to_owned(),
            to: entity("person:will"),
            kind: Some(MentionKind::Person),
        });
        assert_eq!(it.mentions[0].entity, Some(entity("person:will")));
        assert_eq!(it.mentions[0].kind, MentionKind::Person);
        assert_eq!(it.mentions[1].entity, Some(entity("group:will")), "other words stay");
    }

    #[test]
    fn two_entities_become_one() {
        let to = entity("group:apt28");
        let it = corrected(Correction::SameAs { entity: "group:will".to_owned(), to: to.clone() });
        assert!(it.mentions.iter().all(|it| it.entity.as_ref() == Some(&to)));
        assert_eq!(it.statements[0].actors[0].entity, Some(to));
    }

    #[test]
    fn a_wrong_statement_goes_with_the_sectors_that_only_it_gave() {
        let it = corrected(Correction::NoStatement {
            article: "a1".to_owned(),
            in_title: false,
            start: 20,
            trigger: "hit".to_owned(),
        });
        assert_eq!(it.statements.len(), 1);
        let sectors: Vec<&str> = it.sectors.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(sectors, ["/energy", "/health"]);
    }

    #[test]
    fn a_statement_of_another_article_is_left_alone() {
        let mut it = annotation();
        let correction = Correction::StatementKind {
            article: "a2".to_owned(),
            in_title: false,
            start: 5,
            trigger: "hit".to_owned(),
            kind: StatementKind::Threat,
        };
        assert!(!apply(&mut it, &[correction]));
    }

    #[test]
    fn empty_and_circular_corrections_are_flawed() {
        let same = |entity: &str, to: &str| Correction::SameAs {
            entity: entity.to_owned(),
            to: EntityRef { id: to.to_owned(), name: "N".to_owned() },
        };
        assert_eq!(same("a", "b").flaw(), None);
        assert_eq!(same("a", "a").flaw(), Some("to.id"));
        assert_eq!(same(" ", "a").flaw(), Some("entity"));
        assert_eq!(same("a", &"b".repeat(501)).flaw(), Some("to.id"));
    }
}
