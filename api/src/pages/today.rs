//! Today: what is newly threatened, attacked or warned of, surest threats first; then what is said
//! again. A little longer than most, since all of the page is made here.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Duration, Utc};
use config::{SavedSearch, SectorId};
use index::StorySummary;
use index::archive::removed_articles::RemovedArticle;
use nlp::{Domain, Modality, Phrase, StatementKind};

use super::frame::Frame;
use super::statement::{Context, StatementView, card, domain_name, kind_name};
use super::text::{Time, brief, clean_or, counted, href, path_href};
use super::view::{ArticleItem, Chip, Row, SectorNames, Undo, rows, spark};
use crate::evidence::{Evidence, Merged, merge};
use crate::handlers::params::Params;

/// How far back "new" reaches.
pub(crate) const WINDOW: Duration = Duration::hours(24);
/// Cards on the page.
const N_CARDS_MAX: usize = 60;
/// Cards of what was only repeated.
const N_REPEATED_MAX: usize = 20;
const N_ROWS_MAX: usize = 8;
/// Articles of eight days below which a change says nothing.
const N_FOR_TREND_MIN: u64 = 5;

/// The kinds, the gravest first.
pub(crate) const KINDS: [StatementKind; 6] = [
    StatementKind::Threat,
    StatementKind::Warning,
    StatementKind::Attack,
    StatementKind::Claim,
    StatementKind::Attempt,
    StatementKind::Denial,
];
const DOMAINS: [Domain; 4] = [Domain::Cyber, Domain::Physical, Domain::Economic, Domain::Political];

/// Kinds, domains and sectors that the reader chose; an empty list shows all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) kinds: Vec<StatementKind>,
    pub(crate) domains: Vec<Domain>,
    /// Each with all below it.
    pub(crate) sectors: Vec<SectorId>,
}

impl Choice {
    /// Reads the names of kinds and domains, and the paths of sectors; unknown ones are left out.
    pub(crate) fn of(params: &Params, names: &SectorNames) -> Choice {
        let kind = |name: &str| KINDS.into_iter().find(|it| kind_name(*it) == name);
        let domain = |name: &str| DOMAINS.into_iter().find(|it| domain_name(*it) == name);
        Choice {
            kinds: params.all("kind").filter_map(kind).collect(),
            domains: params.all("domain").filter_map(domain).collect(),
            sectors: params.all("sector").map(SectorId::new).filter(|it| names.knows(it)).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.domains.is_empty() && self.sectors.is_empty()
    }

    fn takes(&self, evidence: &Evidence) -> bool {
        let statement = &evidence.statement;
        let is_of = |it: &SectorId| self.sectors.iter().any(|wanted| is_within(it, wanted));
        (self.kinds.is_empty() || self.kinds.contains(&statement.kind))
            && (self.domains.is_empty() || self.domains.contains(&statement.domain))
            && (self.sectors.is_empty() || statement.sectors.iter().any(is_of))
    }

    /// The page with one name switched.
    fn switched(&self, name: &str, value: &str) -> String {
        let mut all: Vec<(&str, &str)> = Vec::new();
        all.extend(self.kinds.iter().map(|it| ("kind", kind_name(*it))));
        all.extend(self.domains.iter().map(|it| ("domain", domain_name(*it))));
        all.extend(self.sectors.iter().map(|it| ("sector", it.as_str())));
        let n_before = all.len();
        all.retain(|it| *it != (name, value));
        if all.len() == n_before {
            all.push((name, value));
        }
        href("/", all)
    }
}

/// Whether a sector is the other one or lies below it.
fn is_within(sector: &SectorId, other: &SectorId) -> bool {
    let rest = sector.as_str().strip_prefix(other.as_str());
    rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

/// A saved search with what it has found since somebody last looked.
pub(crate) struct Watched {
    pub(crate) href: String,
    pub(crate) name: String,
    pub(crate) n_new: u64,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    /// Statements of the last [`WINDOW`], or the latest ones when it has none.
    pub(crate) evidence: Vec<Evidence>,
    /// Whether they are of the window.
    pub(crate) is_recent: bool,
    /// Whether there were more than could be read.
    pub(crate) is_cut: bool,
    /// How many sources failed at their last poll, in words; `None` when none did.
    pub(crate) partial: Option<String>,
    /// The latest stories, when there is no statement at all.
    pub(crate) stories: Vec<StorySummary>,
    pub(crate) choice: Choice,
    /// An article that was deleted just now.
    pub(crate) deleted: Option<RemovedArticle>,
    /// Saved searches that are on, with the number of their new alerts; most first.
    pub(crate) watched: Vec<(SavedSearch, u64)>,
    /// How often sectors are named; `None` when the index cannot say.
    pub(crate) trend: Option<Trend>,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// Articles by sector and day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trend {
    /// Oldest first; the last one ends now.
    pub(crate) days: Vec<BTreeMap<SectorId, u64>>,
}

impl Trend {
    /// Articles that name `sector`, day by day.
    fn counts(&self, sector: &SectorId) -> Vec<u64> {
        self.days.iter().map(|it| it.get(sector).copied().unwrap_or_default()).collect()
    }

    /// How `sector` changed: `+180 %`, `new`; empty when too few articles name it, or as many.
    fn change(&self, sector: &SectorId) -> String {
        let counts = self.counts(sector);
        let Some((n_day, before)) = counts.split_last() else { return String::new() };
        let (n_day, n_week) = (*n_day, before.iter().sum::<u64>());
        let is_young = self.days.iter().rev().skip(1).all(BTreeMap::is_empty);
        if is_young || n_day + n_week < N_FOR_TREND_MIN {
            return String::new();
        }
        if n_week == 0 {
            return "new".to_owned();
        }
        let percent = (n_day as f64 * 7.0 / n_week as f64 - 1.0) * 100.0;
        match percent.round() as i64 {
            -9..=9 => String::new(),
            it @ ..0 => format!("−{}\u{202f}%", it.unsigned_abs()),
            it => format!("+{it}\u{202f}%"),
        }
    }
}

/// `today.html`.
#[derive(Template)]
#[template(path = "today.html")]
pub(crate) struct TodayPage {
    frame: Frame,
    date: String,
    headline: String,
    deck: String,
    partial: Option<String>,
    undo: Option<Undo>,
    note: Option<String>,
    list_title: &'static str,
    statements: Vec<StatementView>,
    /// Statements that found no room.
    n_left: usize,
    /// What their stories had told before.
    repeated: Vec<StatementView>,
    /// Repeated ones that found no room.
    n_repeated_left: usize,
    stories: Vec<ArticleItem>,
    empty_title: &'static str,
    empty_advice: Vec<&'static str>,
    is_filtered: bool,
    kinds: Vec<Chip>,
    domains: Vec<Chip>,
    chosen_sectors: Vec<Chip>,
    watched: Vec<Watched>,
    sectors: Vec<Row>,
    has_trend: bool,
    actors: Vec<Row>,
    targets: Vec<Row>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> TodayPage {
    let Input { choice, now, .. } = input;
    let has_any = !input.evidence.is_empty();
    let only_sample = has_any && input.evidence.iter().all(|it| it.is_sample);
    let chosen = input.evidence.into_iter().filter(|it| choice.takes(it)).collect();
    let mut groups = merge(chosen);
    groups.sort_by_cached_key(|it| {
        let (n_sources, _) = it.n_sources_and_copies();
        let is_old = it.told_before().is_some();
        (is_old, rank(it.kind()), doubt(it), std::cmp::Reverse((n_sources, it.latest_at())))
    });
    let n_new = groups.partition_point(|it| it.told_before().is_none());
    let (new, repeated) = groups.split_at(n_new);
    let context = Context { sectors: input.sectors, now, hides_story: false };
    let note = if only_sample {
        Some(
            "These articles are the bundled sample wire: invented outlets, invented events. \
              They disappear when sample.enabled is set to false in settings.toml."
                .to_owned(),
        )
    } else if input.is_cut {
        Some("More was said than fits; the latest statements are shown.".to_owned())
    } else {
        None
    };
    let trend = input.trend.filter(|_| input.is_recent).unwrap_or_default();
    let sectors = sector_rows(&groups, input.sectors, &trend, &choice);
    let (empty_title, empty_advice) = emptiness(has_any, !input.stories.is_empty());
    TodayPage {
        frame: Frame::new("Today", "/"),
        date: now.format("%A, %-d %B %Y").to_string(),
        headline: headline(new, repeated, input.is_recent),
        deck: deck(&groups, now),
        partial: input.partial,
        undo: input.deleted.map(|it| Undo {
            what: brief(&clean_or(&it.title, "an article without a headline"), 60),
            action: format!("/articles/{}/restore", it.id),
        }),
        note,
        list_title: if input.is_recent { "New in the last 24 hours" } else { "Latest" },
        has_trend: sectors.iter().any(|it| !it.spark.is_empty()),
        sectors,
        actors: party_rows(&groups, |it| &it.actors),
        targets: party_rows(&groups, |it| &it.targets),
        n_left: new.len().saturating_sub(N_CARDS_MAX),
        statements: new.iter().take(N_CARDS_MAX).map(|it| card(it, context)).collect(),
        n_repeated_left: repeated.len().saturating_sub(N_REPEATED_MAX),
        repeated: repeated.iter().take(N_REPEATED_MAX).map(|it| card(it, context)).collect(),
        empty_title,
        empty_advice,
        stories: input.stories.iter().map(|it| story_item(it, now)).collect(),
        watched: watched(input.watched),
        is_filtered: !choice.is_empty(),
        kinds: KINDS.map(|it| kind_chip(&choice, it)).into(),
        domains: DOMAINS.map(|it| domain_chip(&choice, it)).into(),
        chosen_sectors: choice
            .sectors
            .iter()
            .map(|it| Chip {
                href: choice.switched("sector", it.as_str()),
                label: input.sectors.label(it),
                is_on: true,
            })
            .collect(),
    }
}

fn story_item(story: &StorySummary, now: DateTime<Utc>) -> ArticleItem {
    let articles = counted(story.n_articles, "article", "articles");
    ArticleItem {
        href: path_href("stories", story.id.as_str()),
        title: brief(&clean_or(&story.headline, "Untitled story"), 140),
        source: format!("{articles} by {}", counted(story.n_sources, "source", "sources")),
        time: Time::of(story.last_seen_at, now),
    }
}

fn rank(kind: StatementKind) -> usize {
    KINDS.iter().position(|it| *it == kind).unwrap_or(KINDS.len())
}

/// How far from certain the surest of those who say so is.
fn doubt(group: &Merged) -> usize {
    let doubt = |it: &Evidence| match it.statement.modality {
        Modality::Asserted => 0,
        Modality::Conditional => 1,
        Modality::Possible => 2,
        Modality::Denied => 3,
    };
    group.members().iter().map(doubt).min().unwrap_or_default()
}

fn watched(searches: Vec<(SavedSearch, u64)>) -> Vec<Watched> {
    let line = |(search, n_new): (SavedSearch, u64)| Watched {
        href: href("/alerts", [("search", search.id.as_str())]),
        name: brief(&clean_or(&search.name, search.id.as_str()), 60),
        n_new,
    };
    searches.into_iter().take(N_ROWS_MAX).map(line).collect()
}

fn kind_chip(choice: &Choice, kind: StatementKind) -> Chip {
    Chip {
        href: choice.switched("kind", kind_name(kind)),
        label: kind_name(kind).to_owned(),
        is_on: choice.kinds.contains(&kind),
    }
}

fn domain_chip(choice: &Choice, domain: Domain) -> Chip {
    Chip {
        href: choice.switched("domain", domain_name(domain)),
        label: domain_name(domain).to_owned(),
        is_on: choice.domains.contains(&domain),
    }
}

/// Counts what is new, or else what was repeated.
fn headline(new: &[Merged], repeated: &[Merged], is_recent: bool) -> String {
    let (said, again) = (counts(new), counts(repeated));
    match (said.is_empty(), is_recent) {
        (true, true) if new.is_empty() && !again.is_empty() => {
            format!("Nothing new since yesterday; repeated: {again}")
        }
        (true, true) => "A quiet day so far".to_owned(),
        (true, false) => "Nothing hostile yet".to_owned(),
        (false, true) => said,
        (false, false) => format!("Nothing new since yesterday; before that, {said}"),
    }
}

/// `1 threat, 2 attacks`; other kinds are not counted.
fn counts(groups: &[Merged]) -> String {
    let n = |kind| groups.iter().filter(|it| it.kind() == kind).count() as u64;
    let parts = [
        (n(StatementKind::Threat), "threat", "threats"),
        (n(StatementKind::Warning), "warning", "warnings"),
        (n(StatementKind::Attack) + n(StatementKind::Claim), "attack", "attacks"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|it| it.0 > 0).map(|(n, one, many)| counted(*n, one, many)).collect();
    said.join(", ")
}

fn deck(groups: &[Merged], now: DateTime<Utc>) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let members = || groups.iter().flat_map(Merged::members);
    let distinct = |of: &dyn Fn(&Evidence) -> Option<String>| {
        members().filter_map(of).collect::<std::collections::BTreeSet<_>>().len() as u64
    };
    let n_stories = distinct(&|it| it.story.as_ref().map(|it| it.0.clone()));
    let n_sources = distinct(&|it| Some(it.source_id.clone()));
    let is_new = |it: &&Merged| it.told_before().is_none();
    let is_fresh = |it: &&Merged| now - it.first_at() < Duration::hours(1);
    let n_fresh = groups.iter().filter(is_new).filter(is_fresh).count();
    let mut text = format!(
        "{} in {} by {}",
        counted(groups.len() as u64, "statement", "statements"),
        counted(n_stories, "story", "stories"),
        counted(n_sources, "source", "sources"),
    );
    if n_fresh > 0 {
        text.push_str(&format!(" · {n_fresh} first seen in the last hour"));
    }
    text
}

fn emptiness(has_any: bool, has_stories: bool) -> (&'static str, Vec<&'static str>) {
    if has_any {
        ("Nothing of that kind", vec!["Other kinds or domains have statements."])
    } else if !has_stories {
        (
            "No article has arrived yet",
            vec![
                "Harbinger polls its sources when it starts; the first articles take about a minute.",
            ],
        )
    } else {
        (
            "No hostile statement found yet",
            vec![
                "Articles are being read; statements appear as soon as somebody threatens, warns or attacks.",
            ],
        )
    }
}

fn sector_rows(groups: &[Merged], names: &SectorNames, trend: &Trend, choice: &Choice) -> Vec<Row> {
    let mut counts = BTreeMap::new();
    for group in groups {
        for sector in names.deepest(&group.best().statement.sectors) {
            *counts.entry((sector.to_string(), names.label(sector))).or_default() += 1;
        }
    }
    let mut rows = rows(counts, N_ROWS_MAX, |id| choice.switched("sector", id));
    for row in &mut rows {
        let sector = SectorId::new(row.id.as_str());
        row.note = trend.change(&sector);
        row.spark = spark(&trend.counts(&sector));
        row.is_on = choice.sectors.contains(&sector);
    }
    rows
}

fn party_rows(groups: &[Merged], parties: impl Fn(&nlp::Statement) -> &Vec<Phrase>) -> Vec<Row> {
    let mut counts = BTreeMap::new();
    for group in groups {
        let mut entities: Vec<_> =
            parties(&group.best().statement).iter().filter_map(|it| it.entity.as_ref()).collect();
        entities.sort();
        entities.dedup();
        for entity in entities {
            *counts.entry((entity.id.clone(), clean_or(&entity.name, &entity.id))).or_default() +=
                1;
        }
    }
    rows(counts, N_ROWS_MAX, |id| path_href("entities", id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_compares_a_day_with_the_mean_of_a_week() {
        let counts = |all: &[(&str, u64)]| -> BTreeMap<SectorId, u64> {
            all.iter().map(|(id, n)| (SectorId::new(*id), *n)).collect()
        };
        let mut days = vec![BTreeMap::new(); 6];
        days.push(counts(&[("/energy", 35), ("/food", 7), ("/health", 70), ("/space", 1)]));
        days.push(counts(&[
            ("/energy", 14),
            ("/water", 9),
            ("/food", 1),
            ("/health", 1),
            ("/space", 1),
        ]));
        let trend = Trend { days };
        assert_eq!(trend.counts(&SectorId::new("/food")), [0, 0, 0, 0, 0, 0, 7, 1]);
        let change = |id: &str| trend.change(&SectorId::new(id));
        assert_eq!(change("/energy"), "+180\u{202f}%");
        assert_eq!(change("/water"), "new");
        assert_eq!(change("/food"), "", "as many as ever");
        assert_eq!(change("/health"), "−90\u{202f}%");
        assert_eq!(change("/space"), "", "too few to tell");
        let young = Trend { days: vec![BTreeMap::new(), counts(&[("/water", 9)])] };
        assert_eq!(young.change(&"/water".into()), "");
        assert_eq!(Trend::default().change(&"/water".into()), "");
    }
}
