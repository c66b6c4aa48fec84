//! What a reader says was read wrong: it stands over what the models say, for good.
//!
//! [`apply`] changes an annotation by one of the corrections. It is pure and idempotent,
//! so that it can run over new articles and over those that were read before.

use std::borrow::Cow;

use config::SectorId;
use serde::{Deserialize, Serialize};

use crate::annotation::{
    Annotation, EntityRef, Mention, MentionKind, Phrase, Span, Statement, StatementKind,
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
        /// Its sentence, at most the first 500 characters: finds it again when the article is
        /// edited. Filled in when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sentence: Option<String>,
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
        /// Its sentence, at most the first 500 characters: finds it again when the article is
        /// edited. Filled in when it is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sentence: Option<String>,
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
            Correction::NoStatement { article, trigger, sentence, .. }
            | Correction::StatementKind { article, trigger, sentence, .. } => {
                let given = sentence.as_deref().map(|it| ("sentence", it));
                let always = [("article", article.as_str()), ("trigger", trigger.as_str())];
                always.into_iter().chain(given).collect()
            }
        };
        let circular = match self {
            Correction::SameAs { entity, to }
            | Correction::Means { entity, to, kind: None, .. } => *entity == to.id,
            _ => false,
        };
        let bad = fields.into_iter().find(|(_, text)| is_bad(text)).map(|(name, _)| name);
        bad.or(circular.then_some("to.id"))
    }

    /// The same with the sentence of its statement, as `annotation` of an article with these words
    /// has it: by that [`placed`](Self::placed) finds it again.
    pub fn with_sentence(mut self, annotation: &Annotation, title: &str, text: &str) -> Correction {
        if let Some(place) = self.place()
            && place.sentence.is_none()
        {
            let (statements, words) = listed(annotation, place.in_title, title, text);
            let found = statements.iter().find(|it| is_at(it, *place.start, place.trigger));
            *place.sentence = found.map(|it| sentence_of(it, words));
        }
        self
    }

    /// The same where its statement stands in `annotation` of an article with these words, which
    /// may have been edited since: of several alike the nearest, and of none as it was.
    pub fn placed(&self, annotation: &Annotation, title: &str, text: &str) -> Cow<'_, Correction> {
        if self.subject() != Subject::Article(&annotation.id) {
            return Cow::Borrowed(self);
        }
        let mut placed = self.clone();
        if let Some(place) = placed.place()
            && let Some(sentence) = place.sentence.as_deref()
        {
            let (statements, words) = listed(annotation, place.in_title, title, text);
            let alike = statements
                .iter()
                .filter(|it| it.trigger.text == place.trigger && sentence_of(it, words) == sentence)
                .map(|it| it.trigger.start);
            let start = *place.start;
            *place.start = alike.min_by_key(|it| it.abs_diff(start)).unwrap_or(start);
        }
        Cow::Owned(placed)
    }

    fn place(&mut self) -> Option<Place<'_>> {
        match self {
            Correction::NoStatement { in_title, start, trigger, sentence, .. }
            | Correction::StatementKind { in_title, start, trigger, sentence, .. } => {
                Some(Place { in_title: *in_title, start, trigger: trigger.as_str(), sentence })
            }
            _ => None,
        }
    }
}

/// Where the statement stands that a correction is about.
struct Place<'a> {
    in_title: bool,
    start: &'a mut usize,
    trigger: &'a str,
    sentence: &'a mut Option<String>,
}

/// The statements of headline or text, and the words in which their offsets count.
fn listed<'a>(
    annotation: &'a Annotation,
    in_title: bool,
    title: &'a str,
    text: &'a str,
) -> (&'a [Statement], &'a str) {
    match (in_title, &annotation.title) {
        (false, _) => (annotation.statements.as_slice(), text),
        (true, Some(it)) => (it.statements.as_slice(), title),
        (true, None) => (&[], title),
    }
}

/// The sentence of a statement in `words`, or its first 500 characters.
fn sentence_of(statement: &Statement, words: &str) -> String {
    let Span { start, end } = statement.sentence;
    words.chars().skip(start).take(end.saturating_sub(start).min(N_CHARS_MAX)).collect()
}

/// Changes `annotation` as `correction` says, one of `all`: where it leads to an entity that is
/// corrected itself, what that one is counts. Answers whether anything changed.
pub fn apply(annotation: &mut Annotation, correction: &Correction, all: &[Correction]) -> bool {
    if !concerns(correction, annotation) {
        return false;
    }
    let before = annotation.clone();
    match correction {
        Correction::NotAnEntity { text, entity } => relink(annotation, text, entity, None),
        Correction::Means { text, entity, to, kind } => {
            relink(annotation, text, entity, Some((meant(to, all), *kind)));
        }
        Correction::SameAs { entity, to } => rename(annotation, entity, meant(to, all)),
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
    let is_changed = *annotation != before;
    if is_changed {
        forget_sectors(annotation, &before);
    }
    is_changed
}

/// What `entity` is after all corrections that make two entities one; at a circle it ends.
fn meant<'a>(entity: &'a EntityRef, all: &'a [Correction]) -> &'a EntityRef {
    let mut found = entity;
    for _ in 0..all.len() {
        let next = all.iter().find_map(|it| match it {
            Correction::SameAs { entity, to } if *entity == found.id => Some(to),
            _ => None,
        });
        match next {
            Some(to) if to.id != entity.id => found = to,
            _ => break,
        }
    }
    found
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
    entities(annotation).any(|it| it.id == entity)
}

/// Whatever mentions and statements of `annotation` name, in headline and text, as often as they do.
pub(crate) fn entities(annotation: &Annotation) -> impl Iterator<Item = &EntityRef> {
    let title = annotation.title.as_ref();
    let mentions = annotation.mentions.iter().chain(title.into_iter().flat_map(|it| &it.mentions));
    let statements =
        annotation.statements.iter().chain(title.into_iter().flat_map(|it| &it.statements));
    let phrases = statements
        .flat_map(|it| it.actors.iter().chain(&it.targets).chain(&it.means).chain(&it.speaker));
    let of_mentions = mentions.filter_map(|it| it.entity.as_ref());
    of_mentions.chain(phrases.filter_map(|it| it.entity.as_ref()))
}

/// Forgets the sectors of the document that only statements gave it which are gone now, or denials.
fn forget_sectors(annotation: &mut Annotation, before: &Annotation) {
    let of = |it: &Annotation| -> Vec<SectorId> {
        let of_title = it.title.iter().flat_map(|it| &it.statements);
        let hostile =
            it.statements.iter().chain(of_title).filter(|it| it.kind != StatementKind::Denial);
        hostile.flat_map(|it| it.sectors.iter().cloned()).collect()
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
    // "the group" stands for the name: with the last mention goes what repeats it.
    let is_named = all_mentions(annotation).flatten().any(|it| is_it(&it.entity));
    for phrase in all_phrases(annotation) {
        // "the Lazarus hackers" is linked by the name in it.
        if is_it(&phrase.entity) && (!is_named || phrase.text.contains(text)) {
            phrase.entity = to.map(|(to, _)| to.clone());
        }
    }
}

fn rename(annotation: &mut Annotation, entity: &str, to: &EntityRef) {
    each_entity(annotation, |found| {
        if found.id == entity {
            *found = to.clone();
        }
    });
}

/// Calls `change` with all that [`entities`] tells.
pub(crate) fn each_entity(annotation: &mut Annotation, mut change: impl FnMut(&mut EntityRef)) {
    for mention in all_mentions(annotation).flatten() {
        mention.entity.iter_mut().for_each(&mut change);
    }
    for phrase in all_phrases(annotation) {
        phrase.entity.iter_mut().for_each(&mut change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::annotation::{
        Domain, Modality, ScoredSector, StatementTime, Tense, TitleAnnotation,
    };

    /// Applies all of them, in their order.
    fn all(annotation: &mut Annotation, corrections: &[Correction]) -> bool {
        let changes = corrections.iter().map(|it| apply(annotation, it, corrections));
        changes.fold(false, |any, is_changed| any | is_changed)
    }

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
        assert!(all(&mut annotation, std::slice::from_ref(&correction)), "nothing changed");
        let once = annotation.clone();
        assert!(!all(&mut annotation, &[correction]), "a second time changes nothing");
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
    fn what_only_repeats_a_name_goes_with_it() {
        let mut it = annotation();
        it.mentions.truncate(1);
        it.statements[0].targets.push(phrase(8, "group", Some("group:will")));
        let (text, entity) = ("Will".to_owned(), "group:will".to_owned());
        assert!(all(&mut it, &[Correction::NotAnEntity { text, entity }]));
        assert_eq!(it.statements[0].targets[0].entity, None);
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
    fn what_was_made_one_before_stays_one_whatever_the_order() {
        let same =
            |from: &str, to: &str| Correction::SameAs { entity: from.to_owned(), to: entity(to) };
        let known = [same("group:bill", "group:apt28"), same("group:will", "group:bill")];
        let mut it = annotation();
        assert!(all(&mut it, &known));
        assert!(it.mentions.iter().all(|it| it.entity == Some(entity("group:apt28"))));
        let circle = [same("group:will", "group:bill"), same("group:bill", "group:will")];
        let mut it = annotation();
        all(&mut it, &circle);
        assert!(it.mentions.iter().all(|it| it.entity.is_some()), "a circle ends");
    }

    #[test]
    fn a_wrong_statement_goes_with_the_sectors_that_only_it_gave() {
        let it = corrected(Correction::NoStatement {
            article: "a1".to_owned(),
            in_title: false,
            start: 20,
            trigger: "hit".to_owned(),
            sentence: None,
        });
        assert_eq!(it.statements.len(), 1);
        let sectors: Vec<&str> = it.sectors.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(sectors, ["/energy", "/health"]);
    }

    #[test]
    fn a_statement_that_is_a_denial_gives_no_sector() {
        let it = corrected(Correction::StatementKind {
            article: "a1".to_owned(),
            in_title: false,
            start: 20,
            trigger: "hit".to_owned(),
            sentence: None,
            kind: StatementKind::Denial,
        });
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
            sentence: None,
            kind: StatementKind::Threat,
        };
        assert!(!all(&mut it, &[correction]));
    }

    #[test]
    fn a_statement_is_found_again_below_a_new_paragraph() {
        let mut it = annotation();
        it.statements[1].sentence = Span { start: 41, end: 60 };
        let text = format!("{} {}", "ä".repeat(40), "ö".repeat(19));
        let wrong = Correction::NoStatement {
            article: "a1".to_owned(),
            in_title: false,
            start: 20,
            trigger: "hit".to_owned(),
            sentence: None,
        };
        let wrong = wrong.with_sentence(&it, "", &text);
        assert_eq!(*wrong.placed(&it, "", &text), wrong, "nothing was edited");

        let edited = format!("{}\n{text}", "ü".repeat(30));
        for statement in &mut it.statements {
            statement.trigger.start += 31;
            statement.sentence.start += 31;
            statement.sentence.end += 31;
        }
        assert!(!all(&mut it, std::slice::from_ref(&wrong)), "the offset is another now");
        let placed = wrong.placed(&it, "", &edited).into_owned();
        assert!(all(&mut it, &[placed]));
        let left: Vec<usize> = it.statements.iter().map(|it| it.trigger.start).collect();
        assert_eq!(left, [36], "the other statement stays");
        let reworded = wrong.placed(&it, "", "Other words.");
        assert_eq!(*reworded, wrong, "what is not there any more stays where it was");
    }

    #[test]
    fn a_correction_without_a_sentence_is_kept_as_before() {
        let before =
            r#"{"action":"no-statement","article":"a","in_title":true,"start":2,"trigger":"b"}"#;
        let read: Correction = serde_json::from_str(before).expect("a correction");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), before);
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
