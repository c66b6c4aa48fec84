//! Hostile statements as pages show them: one card for all the sources that say the same.
//!
//! Longer than most, since what a card shows stands in one place. [`merge`] groups what several articles of a story say alike; [`card`] writes a group.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use nlp::{Domain, Modality, Phrase, Statement, StatementKind, Tense};

use super::text::{Time, brief, clean, clean_or, href, language_tag, path_href};
use super::view::{Link, SectorNames, SectorTag};
use crate::markup::{self, Role};

/// Sentences shown below the first.
const N_OTHERS_MAX: usize = 8;
const N_PARTIES_MAX: usize = 6;

/// One statement with the article that makes it.
#[derive(Clone, Debug)]
pub(crate) struct Evidence {
    pub(crate) statement: Statement,
    /// The sentence, from the character on at which it begins.
    pub(crate) sentence: String,
    /// Whether it stands in the headline.
    pub(crate) in_title: bool,
    pub(crate) article_id: String,
    pub(crate) source_id: String,
    pub(crate) source_name: String,
    /// ISO 639-1 code of the article.
    pub(crate) language: Option<String>,
    pub(crate) is_sample: bool,
    /// When the article was published, or else fetched.
    pub(crate) dated_at: DateTime<Utc>,
    /// The article's story with its headline.
    pub(crate) story: Option<(String, String)>,
}

/// Statements that say the same, in order of time; never empty.
#[derive(Clone, Debug)]
pub(crate) struct Merged {
    members: Vec<Evidence>,
}

/// Groups statements of one story that have the same kind and actors and share a target.
///
/// Headlines that repeat a sentence of their own article fall into its group too.
pub(crate) fn merge(mut all: Vec<Evidence>) -> Vec<Merged> {
    all.sort_by(|a, b| a.dated_at.cmp(&b.dated_at).then_with(|| a.article_id.cmp(&b.article_id)));
    let mut groups: Vec<(Key, Merged)> = Vec::new();
    for evidence in all {
        let key = Key::of(&evidence);
        match groups.iter_mut().find(|(it, _)| it.covers(&key)) {
            Some((known, group)) => {
                known.targets.extend(key.targets);
                group.members.push(evidence);
            }
            None => groups.push((key, Merged { members: vec![evidence] })),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

struct Key {
    scope: String,
    kind: StatementKind,
    actors: BTreeSet<String>,
    targets: BTreeSet<String>,
}

impl Key {
    fn of(evidence: &Evidence) -> Key {
        let statement = &evidence.statement;
        let names = |phrases: &[Phrase]| phrases.iter().map(identity).collect();
        Key {
            scope: evidence.story.as_ref().map_or(&evidence.article_id, |it| &it.0).clone(),
            kind: statement.kind,
            actors: names(&statement.actors),
            targets: names(&statement.targets),
        }
    }

    fn covers(&self, other: &Key) -> bool {
        let shares_target = self.targets.is_empty() && other.targets.is_empty()
            || self.targets.intersection(&other.targets).next().is_some();
        self.scope == other.scope
            && self.kind == other.kind
            && self.actors == other.actors
            && shares_target
    }
}

fn identity(phrase: &Phrase) -> String {
    match &phrase.entity {
        Some(entity) => entity.id.clone(),
        None => phrase.text.to_lowercase(),
    }
}

impl Merged {
    /// What is said, by the member whose sentence says it best: the body before the headline,
    /// then the surest (to a tenth), then the first.
    pub(crate) fn best(&self) -> &Evidence {
        let rank = |it: &&Evidence| (!it.in_title, (it.statement.score * 10.0).round() as i64);
        // Of equals `max_by_key` takes the last.
        self.members.iter().rev().max_by_key(rank).expect("a group has members")
    }

    /// The kind of all members.
    pub(crate) fn kind(&self) -> StatementKind {
        self.members[0].statement.kind
    }

    /// When it was said last.
    pub(crate) fn latest_at(&self) -> DateTime<Utc> {
        self.members.last().expect("a group has members").dated_at
    }

    /// When it was said first.
    pub(crate) fn first_at(&self) -> DateTime<Utc> {
        self.members[0].dated_at
    }

    /// All members in order of time.
    pub(crate) fn members(&self) -> &[Evidence] {
        &self.members
    }

    /// Sources that wrote a sentence of their own, and articles that repeat one word for word.
    pub(crate) fn n_sources_and_copies(&self) -> (usize, usize) {
        let mut said: Vec<(String, &str)> = Vec::new();
        let mut sources = BTreeSet::new();
        let mut copies = BTreeSet::new();
        for member in &self.members {
            let words = words(&member.sentence);
            match said.iter().find(|(it, _)| *it == words) {
                Some((_, article)) if *article == member.article_id => {}
                Some(_) => {
                    copies.insert(&member.article_id);
                }
                None => {
                    sources.insert(&member.source_id);
                    said.push((words, &member.article_id));
                }
            }
        }
        (sources.len().max(1), copies.len())
    }
}

/// The letters and digits of a sentence, so that typography does not make a copy an original.
fn words(sentence: &str) -> String {
    sentence.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A run of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunView {
    pub(crate) text: String,
    /// Class of its role.
    pub(crate) role: Option<&'static str>,
}

/// An actor or a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) name: String,
    /// The words as printed, when they differ from the name.
    pub(crate) printed: Option<String>,
    pub(crate) href: Option<String>,
}

/// Who published it, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outlet {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) time: Time,
}

/// Another sentence that says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) sentence: Vec<RunView>,
    /// Language of the sentence, for `lang`; may be empty.
    pub(crate) lang: String,
    pub(crate) outlet: Outlet,
}

/// A statement as `_statement.html` writes it.
#[derive(Clone, Debug)]
pub(crate) struct StatementView {
    pub(crate) kind: &'static str,
    pub(crate) modality: &'static str,
    pub(crate) tense: &'static str,
    pub(crate) domain: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) score: String,
    pub(crate) actors: Vec<Party>,
    pub(crate) targets: Vec<Party>,
    pub(crate) speaker: Option<String>,
    /// Whether the sentence shows the speaker already.
    pub(crate) has_speaker_in_sentence: bool,
    pub(crate) sentence: Vec<RunView>,
    /// Language of the sentence, for `lang`; may be empty.
    pub(crate) lang: String,
    pub(crate) sectors: Vec<SectorTag>,
    /// How many say so: `3 sources · 2 copies`.
    pub(crate) evidence: String,
    pub(crate) first: Option<Outlet>,
    pub(crate) latest: Option<Outlet>,
    pub(crate) story: Option<Link>,
    pub(crate) others: Vec<Other>,
    pub(crate) is_sample: bool,
    /// Where it leads: the story, or else the article.
    pub(crate) href: String,
    /// Where a search for statements like it can be saved.
    pub(crate) watch_href: String,
}

/// What a card needs besides the statement.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
    /// Whether the page is the statement's own story, so that a link to it says nothing.
    pub(crate) hides_story: bool,
}

/// Writes a group as one card.
pub(crate) fn card(group: &Merged, context: Context<'_>) -> StatementView {
    let best = group.best();
    let mut view = single(best, context);
    let (n_sources, n_copies) = group.n_sources_and_copies();
    view.evidence = format!("{n_sources} {}", if n_sources == 1 { "source" } else { "sources" });
    if n_copies > 0 {
        let copies = if n_copies == 1 { "copy" } else { "copies" };
        view.evidence.push_str(&format!(" · {n_copies} {copies}"));
    }
    let first = &group.members[0];
    let last = group.members.iter().rfind(|it| it.article_id != first.article_id);
    view.first = Some(outlet(first, context.now));
    view.latest = last.map(|it| outlet(it, context.now));
    let mut seen = BTreeSet::from([words(&best.sentence)]);
    let others = group.members.iter().filter(|it| seen.insert(words(&it.sentence)));
    view.others = others
        .take(N_OTHERS_MAX)
        .map(|it| Other {
            sentence: sentence_runs(it),
            lang: language_tag(it.language.as_deref()),
            outlet: outlet(it, context.now),
        })
        .collect();
    view
}

/// Writes one statement by itself.
pub(crate) fn single(evidence: &Evidence, context: Context<'_>) -> StatementView {
    let statement = &evidence.statement;
    let article_href = path_href("articles", &evidence.article_id);
    let story = evidence.story.as_ref().map(|(id, headline)| Link {
        href: path_href("stories", id),
        label: brief(&clean_or(headline, "untitled"), 90),
    });
    StatementView {
        kind: kind_name(statement.kind),
        modality: modality_name(statement.modality),
        tense: tense_name(statement.time.tense),
        domain: domain_name(statement.domain),
        verb: verb(statement),
        score: percent(statement.score),
        actors: parties(&statement.actors),
        targets: parties(&statement.targets),
        speaker: statement.speaker.as_ref().and_then(|it| speaker(it, &statement.actors)),
        has_speaker_in_sentence: statement.speaker.as_ref().is_some_and(|it| {
            statement.sentence.start <= it.start && it.end <= statement.sentence.end
        }),
        sentence: sentence_runs(evidence),
        lang: language_tag(evidence.language.as_deref()),
        watch_href: watch_href(statement),
        sectors: context.sectors.tags(&statement.sectors),
        evidence: String::new(),
        first: None,
        latest: None,
        href: story
            .as_ref()
            .filter(|_| !context.hides_story)
            .map_or(article_href, |it| it.href.clone()),
        story: story.filter(|_| !context.hides_story),
        others: Vec::new(),
        is_sample: evidence.is_sample,
    }
}

/// The form that saves a search for what `statement` says: kind, first actor, first target.
fn watch_href(statement: &Statement) -> String {
    let first =
        |all: &[Phrase]| all.iter().find_map(|it| it.entity.as_ref().map(|it| it.id.clone()));
    let (actor, target) = (first(&statement.actors), first(&statement.targets));
    let params = [
        ("kind", Some(kind_name(statement.kind))),
        ("actor", actor.as_deref()),
        ("target", target.as_deref()),
    ];
    href("/alerts/searches/new", params.into_iter().filter_map(|(name, it)| Some((name, it?))))
}

/// `0.934` as `93 %`.
pub(crate) fn percent(score: f32) -> String {
    let whole = if score.is_finite() { (score.clamp(0.0, 1.0) * 100.0).round() } else { 0.0 };
    format!("{whole:.0}\u{202f}%")
}

fn outlet(evidence: &Evidence, now: DateTime<Utc>) -> Outlet {
    Outlet {
        name: brief(&clean_or(&evidence.source_name, &evidence.source_id), 40),
        href: path_href("articles", &evidence.article_id),
        time: Time::of(evidence.dated_at, now),
    }
}

fn sentence_runs(evidence: &Evidence) -> Vec<RunView> {
    let shown = |role: Role| match role {
        Role::Speaker => "speaker-mark",
        other => other.as_str(),
    };
    let runs = markup::sentence(&evidence.sentence, &evidence.statement);
    runs.iter().map(|it| RunView { text: clean(it.text), role: it.role.map(shown) }).collect()
}

/// The speaker, unless it is the actor itself.
fn speaker(speaker: &Phrase, actors: &[Phrase]) -> Option<String> {
    let is_actor = actors.iter().any(|it| identity(it) == identity(speaker));
    let text = brief(&speaker.text, 120);
    (!is_actor && !text.trim().is_empty()).then_some(text)
}

fn parties(phrases: &[Phrase]) -> Vec<Party> {
    let mut seen = BTreeSet::new();
    let distinct = phrases.iter().filter(|it| seen.insert(identity(it)));
    distinct.take(N_PARTIES_MAX).map(party).collect()
}

fn party(phrase: &Phrase) -> Party {
    let printed = brief(&clean_or(&phrase.text, "…"), 80);
    match &phrase.entity {
        None => Party { name: printed, printed: None, href: None },
        Some(entity) => {
            let name = brief(&clean_or(&entity.name, &entity.id), 80);
            let is_other = !name.to_lowercase().contains(&printed.to_lowercase());
            Party {
                href: Some(path_href("entities", &entity.id)),
                printed: is_other.then_some(printed),
                name,
            }
        }
    }
}

/// What the actor does to the target.
fn verb(statement: &Statement) -> &'static str {
    use Domain::{Cyber, Economic, Physical, Political};
    match (statement.kind, statement.domain, statement.time.tense) {
        (StatementKind::Threat, ..) => "threatens",
        (StatementKind::Warning, Cyber, _) => "may hack",
        (StatementKind::Warning, ..) => "may strike",
        (StatementKind::Attack, Physical, Tense::Past) => "attacked",
        (StatementKind::Attack, Physical, _) => "attacks",
        (StatementKind::Attack, Cyber, Tense::Past) => "hacked",
        (StatementKind::Attack, Cyber, _) => "hacks",
        (StatementKind::Attack, Economic | Political, _) => "acts against",
        (StatementKind::Claim, ..) => "claims to have hit",
        (StatementKind::Denial, ..) => "denied: attack on",
        (StatementKind::Attempt, ..) => "tried to hit",
    }
}

/// The kind as text and class.
pub(crate) fn kind_name(kind: StatementKind) -> &'static str {
    match kind {
        StatementKind::Threat => "threat",
        StatementKind::Warning => "warning",
        StatementKind::Attack => "attack",
        StatementKind::Claim => "claim",
        StatementKind::Denial => "denial",
        StatementKind::Attempt => "attempt",
    }
}

/// The modality as text and class.
pub(crate) fn modality_name(modality: Modality) -> &'static str {
    match modality {
        Modality::Asserted => "asserted",
        Modality::Possible => "possible",
        Modality::Conditional => "conditional",
        Modality::Denied => "denied",
    }
}

/// The domain as text.
pub(crate) fn domain_name(domain: Domain) -> &'static str {
    match domain {
        Domain::Cyber => "cyber",
        Domain::Physical => "physical",
        Domain::Economic => "economic",
        Domain::Political => "political",
    }
}

fn tense_name(tense: Tense) -> &'static str {
    match tense {
        Tense::Past => "past",
        Tense::Present => "present",
        Tense::Future => "future",
    }
}
