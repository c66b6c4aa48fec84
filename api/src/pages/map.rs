//! Where it happens: targets or actors by place.

mod projection;

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use index::StatementRecord;
use nlp::{Phrase, StatementKind};

use super::frame::Frame;
use super::text::{Time, brief, clean_or, counted, href, path_href};
use super::view::Chip;
use crate::handlers::assets::ASSETS;
use crate::places::Places;

/// Places drawn and listed at most.
const N_PLACES_MAX: usize = 200;
/// Radius of a place with one statement, and of the greatest, in units of the drawing.
const RADII: (f64, f64) = (3.0, 22.0);

/// Which side of the statements is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Targets,
    Actors,
}

impl Side {
    /// The word in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Targets => "targets",
            Side::Actors => "actors",
        }
    }

    fn phrases(self, record: &StatementRecord) -> &[Phrase] {
        match self {
            Side::Targets => &record.statement.targets,
            Side::Actors => &record.statement.actors,
        }
    }
}

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) side: Side,
    /// Days back from now.
    pub(crate) days: u32,
    /// Only what is to come: threats and warnings.
    pub(crate) is_ahead_only: bool,
}

/// Days that can be chosen.
pub(crate) const DAYS: [u32; 4] = [1, 7, 30, 365];

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) statements: &'a [StatementRecord],
    /// Whether there are more statements than were read.
    pub(crate) is_cut: bool,
    pub(crate) choice: Choice,
    pub(crate) places: &'a Places,
    pub(crate) now: DateTime<Utc>,
}

/// A place on the map and in the table.
pub(crate) struct PlaceView {
    x: String,
    y: String,
    radius: String,
    /// `ahead` where most statements are threats or warnings, else `past`.
    class: &'static str,
    href: String,
    name: String,
    count: String,
    n_ahead: usize,
    latest: Time,
    proof_href: String,
    sentence: String,
}

/// `map.html`.
#[derive(Template)]
#[template(path = "map.html")]
pub(crate) struct MapPage {
    frame: Frame,
    deck: String,
    sides: Vec<Chip>,
    days: Vec<Chip>,
    tenses: Vec<Chip>,
    places: Vec<PlaceView>,
    outline: Option<&'static str>,
    css: &'static str,
    is_actors: bool,
}

/// Makes the page.
pub(crate) fn page(input: &Input<'_>) -> MapPage {
    let Choice { side, is_ahead_only, .. } = input.choice;
    let mut by_place: BTreeMap<&str, Vec<&StatementRecord>> = BTreeMap::new();
    let (mut n_all, mut n_placed) = (0_u64, 0_u64);
    for record in input.statements {
        if is_ahead_only && !is_ahead(record) {
            continue;
        }
        n_all += 1;
        let entities = side.phrases(record).iter().filter_map(|it| it.entity.as_ref());
        let mut ids: Vec<&str> = entities.filter_map(|it| input.places.id_of(&it.id)).collect();
        ids.sort_unstable();
        ids.dedup();
        n_placed += u64::from(!ids.is_empty());
        for id in ids {
            by_place.entry(id).or_default().push(record);
        }
    }
    let mut places: Vec<_> = by_place.into_iter().collect();
    places.sort_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(b.0)));
    places.truncate(N_PLACES_MAX);
    let most = places.first().map_or(1, |it| it.1.len());
    let assets = &*ASSETS;
    MapPage {
        frame: Frame::new("Map", "/map"),
        deck: deck(n_all, n_placed, input),
        sides: chips(input.choice, &[Side::Targets, Side::Actors], |it, choice| {
            choice.side = it;
            if it == Side::Targets { "who is hit" } else { "who does it" }.into()
        }),
        days: chips(input.choice, &DAYS, |it, choice| {
            choice.days = it;
            if it == 1 { "1 day".into() } else { format!("{it} days") }
        }),
        tenses: chips(input.choice, &[false, true], |it, choice| {
            choice.is_ahead_only = it;
            if it { "threats and warnings" } else { "all statements" }.into()
        }),
        places: places.iter().filter_map(|(id, it)| place(id, it, most, input)).collect(),
        outline: assets.map.outline.as_deref(),
        css: &assets.map.css,
        is_actors: side == Side::Actors,
    }
}

fn is_ahead(record: &StatementRecord) -> bool {
    matches!(record.statement.kind, StatementKind::Threat | StatementKind::Warning)
}

fn deck(n_all: u64, n_placed: u64, input: &Input<'_>) -> String {
    let statements = counted(n_all, "statement", "statements");
    let days = match input.choice.days {
        1 => "the last day".to_owned(),
        n => format!("the last {n} days"),
    };
    let cut = if input.is_cut { ", the latest of them" } else { "" };
    let side = match input.choice.side {
        Side::Targets => "target",
        Side::Actors => "actor",
    };
    format!("{statements} of {days}{cut}; {n_placed} name a {side} whose place is known")
}

fn address(choice: Choice) -> String {
    let days = choice.days.to_string();
    let mut params = vec![("show", choice.side.name()), ("days", days.as_str())];
    if choice.is_ahead_only {
        params.push(("ahead", "1"));
    }
    href("/map", params)
}

/// Chips that each change one part of the choice; `change` does, and says how it is called.
fn chips<T: Copy>(
    choice: Choice,
    values: &[T],
    change: impl Fn(T, &mut Choice) -> String,
) -> Vec<Chip> {
    let here = address(choice);
    let chip = |value: &T| {
        let mut other = choice;
        let label = change(*value, &mut other);
        let href = address(other);
        Chip { is_on: href == here, href, label }
    };
    values.iter().map(chip).collect()
}

/// The statements of one place, latest first, of which the greatest place has `most`.
fn place(
    id: &str,
    records: &[&StatementRecord],
    most: usize,
    input: &Input<'_>,
) -> Option<PlaceView> {
    let known = input.places.get(id)?;
    let latest = records.iter().max_by_key(|it| it.dated_at)?;
    let n_ahead = records.iter().filter(|it| is_ahead(it)).count();
    let proof_href = path_href("articles", &latest.article.to_string());
    // A country may be here for its companies alone, and have no page of its own.
    let mut phrases = records.iter().flat_map(|it| input.choice.side.phrases(it));
    let is_named = phrases.any(|it| it.entity.as_ref().is_some_and(|it| it.id == id));
    let (x, y) = projection::project(known.latitude, known.longitude);
    // Area, not radius, follows the number: eyes compare areas.
    let share = (records.len() as f64 / most as f64).sqrt();
    Some(PlaceView {
        x: format!("{x:.1}"),
        y: format!("{y:.1}"),
        radius: format!("{:.1}", RADII.0 + (RADII.1 - RADII.0) * share),
        class: if records.len() < 2 * n_ahead { "ahead" } else { "past" },
        href: if is_named { path_href("entities", id) } else { proof_href.clone() },
        name: brief(&clean_or(&known.name, id), 60),
        count: counted(records.len() as u64, "statement", "statements"),
        n_ahead,
        latest: Time::of(latest.dated_at, input.now),
        proof_href,
        sentence: brief(&latest.sentence, 200),
    })
}
