//! Hostile statements as pages show them: one card for all the sources that say the same.
//!
//! What several articles of a story say alike is grouped by [`crate::evidence`]; [`card`] writes a
//! group.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use index::archive::told_before::ToldBefore;
use index::merging::identity;
use nlp::{Domain, Modality, Phrase, Statement, StatementKind, Tense};

use super::text::{Time, brief, clean, clean_or, href, language_tag, path_href};
use super::view::{Link, SectorNames, SectorTag};
use crate::evidence::{Evidence, Merged};
use crate::markup::{self, Role};

/// Sentences shown below the first.
const N_OTHERS_MAX: usize = 8;
/// The same on the page of the story, where nothing should be missing.
const N_OTHERS_IN_STORY_MAX: usize = 200;
const N_PARTIES_MAX: usize = 6;

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
    /// Who has it, oldest first; outside the story's page the first only.
    pub(crate) outlets: Vec<Outlet>,
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
    /// Who has the sentence shown, when that is not who said so first.
    pub(crate) quoted: Option<Outlet>,
    pub(crate) first: Option<Outlet>,
    pub(crate) latest: Option<Outlet>,
    /// When the story had said it, before what the page shows; `None` when it is new there.
    pub(crate) since: Option<Time>,
    pub(crate) story: Option<Link>,
    /// Other articles with the sentence word for word; on the story's page only.
    pub(crate) repeats: Vec<Outlet>,
    /// All other sentences that say so.
    pub(crate) n_others: usize,
    /// The first of them.
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
    let told = group.told_before();
    let first = &group.members()[0];
    let is_first = |it: &&Evidence| told.is_none() && it.article_id == first.article_id;
    let last = group.members().iter().rfind(|it| !is_first(it));
    let is_quoted_first = is_first(&best);
    view.quoted = (!is_quoted_first).then(|| outlet(best, context.now));
    view.first = match told {
        Some(told) => Some(earlier_outlet(told, context.now)),
        None => Some(outlet(first, context.now)),
    };
    let is_quoted = |it: &&Evidence| it.article_id == best.article_id;
    view.latest = last.filter(|it| !is_quoted(it)).map(|it| outlet(it, context.now));
    view.since = told.map(|it| Time::of(it.dated_at, context.now));
    // The page of the story shows everybody who says so.
    let (n_sentences, n_outlets) = match context.hides_story {
        true => (N_OTHERS_IN_STORY_MAX, N_OTHERS_IN_STORY_MAX),
        false => (N_OTHERS_MAX, 1),
    };
    let sentences = group.sentences();
    if context.hides_story {
        let repeats = sentences[0].iter().filter(|it| it.article_id != best.article_id);
        view.repeats = repeats.take(n_outlets).map(|it| outlet(it, context.now)).collect();
    }
    view.n_others = sentences.len() - 1;
    let others = sentences[1..].iter().take(n_sentences).filter_map(|told| {
        let first = told.first()?;
        Some(Other {
            sentence: sentence_runs(first),
            lang: language_tag(first.language.as_deref()),
            outlets: told.iter().take(n_outlets).map(|it| outlet(it, context.now)).collect(),
        })
    });
    view.others = others.collect();
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
        quoted: None,
        first: None,
        latest: None,
        since: None,
        href: story
            .as_ref()
            .filter(|_| !context.hides_story)
            .map_or(article_href, |it| it.href.clone()),
        story: story.filter(|_| !context.hides_story),
        repeats: Vec::new(),
        n_others: 0,
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

fn earlier_outlet(told: &ToldBefore, now: DateTime<Utc>) -> Outlet {
    Outlet {
        name: brief(&clean_or(&told.source_name, told.source.as_str()), 40),
        href: path_href("articles", &told.article.to_string()),
        time: Time::of(told.dated_at, now),
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
