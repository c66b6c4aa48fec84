//! The newest stories: who tells each, since when, and the surest of its threats.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use config::SectorId;
use index::StorySummary;
use index::archive::glances::StoryGlance;
use nlp::StatementKind;

use super::frame::Frame;
use super::statement::{Context, StatementView, kind_name, single};
use super::text::{Time, brief, clean_or, counted, href, path_href};
use super::today::KINDS;
use super::view::{Chip, SectorNames};
use crate::evidence::Evidence;

/// How far back the list may reach, in days, and what that is called.
const WINDOWS: [(u32, &str); 3] = [(1, "24 hours"), (7, "7 days"), (30, "30 days")];

/// What the reader chose; what is `None` does not bind.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Choice {
    pub(crate) kind: Option<StatementKind>,
    pub(crate) sector: Option<SectorId>,
    /// Days back from now in which a story was last seen.
    pub(crate) days: Option<u32>,
}

impl Choice {
    /// The choice with these words; unknown ones are left out.
    pub(crate) fn of(
        kind: Option<&str>,
        sector: Option<&str>,
        days: Option<&str>,
        names: &SectorNames,
    ) -> Choice {
        let days = days.and_then(|it| it.trim().parse::<u32>().ok());
        Choice {
            kind: kind.and_then(|name| KINDS.into_iter().find(|it| kind_name(*it) == name)),
            sector: sector.map(SectorId::new).filter(|it| names.knows(it)),
            days: days.filter(|it| WINDOWS.iter().any(|window| window.0 == *it)),
        }
    }

    fn is_empty(&self) -> bool {
        *self == Choice::default()
    }

    /// The address of the list, from `cursor` on.
    fn address(&self, cursor: Option<&str>) -> String {
        let days = self.days.map(|it| it.to_string());
        let params = [
            ("kind", self.kind.map(kind_name)),
            ("sector", self.sector.as_ref().map(SectorId::as_str)),
            ("days", days.as_deref()),
            ("cursor", cursor),
        ];
        href("/stories", params.into_iter().filter_map(|(name, it)| Some((name, it?))))
    }
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    /// Last seen first.
    pub(crate) stories: Vec<StorySummary>,
    /// What there is to see of them, by id.
    pub(crate) glances: BTreeMap<String, StoryGlance>,
    pub(crate) next_cursor: Option<String>,
    /// Whether the list begins with the newest.
    pub(crate) is_first: bool,
    pub(crate) choice: Choice,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// A story in the list.
pub(crate) struct StoryItem {
    href: String,
    headline: String,
    /// Who tells it: `4 articles by 3 sources, 2 of them independent · 1 copy`.
    told: String,
    first: Time,
    /// `None` when it is the same as `first`.
    latest: Option<Time>,
    surest: Option<StatementView>,
}

/// `stories.html`.
#[derive(Template)]
#[template(path = "stories.html")]
pub(crate) struct StoriesPage {
    frame: Frame,
    deck: String,
    stories: Vec<StoryItem>,
    is_filtered: bool,
    is_first: bool,
    first_href: String,
    next_href: Option<String>,
    windows: Vec<Chip>,
    kinds: Vec<Chip>,
    sectors: Vec<Chip>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> StoriesPage {
    let Input { stories, mut glances, next_cursor, is_first, choice, sectors, now } = input;
    let context = Context { sectors, now, hides_story: true };
    let item = |story: &StorySummary| {
        let glance = glances.remove(story.id.as_str()).unwrap_or_default();
        story_item(story, glance, context)
    };
    StoriesPage {
        frame: Frame::new("Stories", "/stories"),
        deck: deck(&choice, sectors),
        stories: stories.iter().map(item).collect(),
        is_filtered: !choice.is_empty(),
        is_first,
        first_href: choice.address(None),
        next_href: next_cursor.as_deref().map(|it| choice.address(Some(it))),
        windows: WINDOWS.map(|(days, label)| window_chip(&choice, days, label)).into(),
        kinds: KINDS.map(|it| kind_chip(&choice, it)).into(),
        sectors: sector_chips(&choice, sectors),
    }
}

/// What the list holds, in words.
fn deck(choice: &Choice, names: &SectorNames) -> String {
    let mut words = "Last seen first".to_owned();
    if let Some(days) = choice.days {
        let known = WINDOWS.iter().find(|it| it.0 == days);
        words += &format!(", those of the last {}", known.map_or("days", |it| it.1));
    }
    if let Some(kind) = choice.kind {
        words += &format!(", with a statement of the kind {}", kind_name(kind));
    }
    if let Some(sector) = &choice.sector {
        words += &format!(", with a statement on {}", names.label(sector));
    }
    words
}

fn story_item(story: &StorySummary, glance: StoryGlance, context: Context<'_>) -> StoryItem {
    let first = Time::of(story.first_seen_at, context.now);
    let latest = Time::of(story.last_seen_at, context.now);
    StoryItem {
        href: path_href("stories", story.id.as_str()),
        headline: brief(&clean_or(&story.headline, "Untitled story"), 160),
        told: told(story, glance.n_copies),
        latest: (latest.label != first.label).then_some(latest),
        first,
        surest: glance.surest.map(|it| single(&Evidence::of(it, None), context)),
    }
}

/// How many tell it, how many of them for themselves, how many only copy.
fn told(story: &StorySummary, n_copies: u64) -> String {
    let articles = counted(story.n_articles, "article", "articles");
    let sources = counted(story.n_sources, "source", "sources");
    let mut words = format!("{articles} by {sources}");
    if story.n_independent < story.n_sources {
        words += &format!(", {} of them independent", story.n_independent);
    }
    if n_copies > 0 {
        words += &format!(" · {}", counted(n_copies, "copy", "copies"));
    }
    words
}

fn window_chip(choice: &Choice, days: u32, label: &str) -> Chip {
    let is_on = choice.days == Some(days);
    let switched = Choice { days: (!is_on).then_some(days), ..choice.clone() };
    Chip { href: switched.address(None), label: label.to_owned(), is_on }
}

fn kind_chip(choice: &Choice, kind: StatementKind) -> Chip {
    let is_on = choice.kind == Some(kind);
    let switched = Choice { kind: (!is_on).then_some(kind), ..choice.clone() };
    Chip { href: switched.address(None), label: kind_name(kind).to_owned(), is_on }
}

/// The sectors at the top of the tree, and the one that was chosen.
fn sector_chips(choice: &Choice, names: &SectorNames) -> Vec<Chip> {
    let chosen = choice.sector.as_ref();
    let deep = chosen.filter(|it| it.parent().is_some());
    let shown = names.tops().chain(deep).map(|sector| {
        let is_on = chosen == Some(sector);
        let switched = Choice { sector: (!is_on).then(|| sector.clone()), ..choice.clone() };
        Chip { href: switched.address(None), label: names.label(sector), is_on }
    });
    shown.collect()
}
