//! The form of a saved search, with what it would have brought.

use askama::Template;
use chrono::{DateTime, Utc};
use config::{AlertUnit, Channel, SavedSearch, Schedule, SectorId, Taxonomy};

use super::frame::Frame;
use super::text::{Time, brief, clean_or, path_href};
use crate::backtest::{Backtest, Example};

/// Rows for deliveries beyond those that are there.
const N_SPARE_ROWS: usize = 1;
const KINDS: [&str; 6] = ["threat", "warning", "attack", "claim", "denial", "attempt"];

/// A choice in a form.
pub(crate) struct Choice {
    value: String,
    label: String,
    is_on: bool,
}

/// A filter in the form.
pub(crate) struct FilterValue {
    name: &'static str,
    value: String,
}

/// A delivery in the form.
pub(crate) struct DeliveryRow {
    number: usize,
    channels: Vec<Choice>,
    to: String,
    signing_secret: String,
}

/// An alert that would have been.
pub(crate) struct ExampleView {
    href: String,
    title: String,
    source: String,
    sentence: String,
    time: Time,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) search: &'a SavedSearch,
    /// Whether it is saved already.
    pub(crate) is_saved: bool,
    /// Whether `searches.toml` declares it.
    pub(crate) is_declared: bool,
    pub(crate) taxonomy: &'a Taxonomy,
    pub(crate) tested: Option<Backtest>,
    /// What the search page asked for and a saved search cannot.
    pub(crate) left_out: Vec<String>,
    /// What is wrong with what was sent.
    pub(crate) error: Option<String>,
    pub(crate) now: DateTime<Utc>,
}

/// `saved_search.html`.
#[derive(Template)]
#[template(path = "saved_search.html")]
pub(crate) struct SavedSearchPage {
    frame: Frame,
    headline: String,
    id: String,
    is_saved: bool,
    is_declared: bool,
    action: String,
    name: String,
    query: String,
    /// Filters besides kinds and sectors.
    more_filters: Vec<FilterValue>,
    left_out: String,
    kinds: Vec<Choice>,
    sectors: Vec<Choice>,
    units: Vec<Choice>,
    schedules: Vec<Choice>,
    novelty_days: u32,
    throttle_minutes: u32,
    is_backfill: bool,
    is_enabled: bool,
    deliveries: Vec<DeliveryRow>,
    notes: String,
    summary: Option<String>,
    examples: Vec<ExampleView>,
    error: Option<String>,
}

/// `_tested.html`, the part of the page that tells of a back-test.
#[derive(Template)]
#[template(path = "_tested.html")]
pub(crate) struct TestedPart {
    summary: String,
    examples: Vec<ExampleView>,
}

/// Makes the part of the page that tells of a back-test.
pub(crate) fn tested(tested: &Backtest, now: DateTime<Utc>) -> TestedPart {
    TestedPart { summary: tested.summary.clone(), examples: examples_of(tested, now) }
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> SavedSearchPage {
    let Input { search, is_saved, is_declared, taxonomy, tested, left_out, error, now } = input;
    let id = search.id.to_string();
    let title = if is_saved { brief(&search.name, 60) } else { "New saved search".to_owned() };
    let filters = search.filters.chosen().into_iter();
    let more = filters.filter(|(name, _)| !matches!(*name, "kind" | "sector"));
    let more = more.flat_map(|(name, values)| {
        values.into_iter().map(move |it| FilterValue { name, value: it.to_owned() })
    });
    let choice = |value: &str, label: &str, is_on: bool| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        is_on,
    };
    SavedSearchPage {
        frame: Frame::new(title.clone(), "/alerts"),
        headline: title,
        action: if is_saved { format!("/alerts/searches/{id}") } else { "/alerts/searches".into() },
        id,
        is_saved,
        is_declared,
        name: search.name.clone(),
        query: search.query.clone(),
        more_filters: more.collect(),
        left_out: brief(&left_out.join(", "), 400),
        kinds: KINDS
            .iter()
            .map(|it| choice(it, it, search.filters.kind.iter().any(|kind| kind == it)))
            .collect(),
        sectors: sectors(taxonomy, &search.filters.sector),
        units: [
            (AlertUnit::Statement, "each new statement"),
            (AlertUnit::Story, "each story, once"),
            (AlertUnit::Article, "each article"),
        ]
        .map(|(unit, label)| choice(unit.as_str(), label, unit == search.unit))
        .into(),
        schedules: [
            (Schedule::AtOnce, "at once"),
            (Schedule::Hourly, "every hour in one message"),
            (Schedule::Daily, "every day at 06:00 UTC in one message"),
        ]
        .map(|(schedule, label)| choice(schedule.as_str(), label, schedule == search.schedule))
        .into(),
        novelty_days: search.novelty_days,
        throttle_minutes: search.throttle_minutes,
        is_backfill: search.backfill,
        is_enabled: search.enabled,
        deliveries: deliveries(search),
        notes: search.notes.clone().unwrap_or_default(),
        summary: tested.as_ref().map(|it| it.summary.clone()),
        examples: tested.map(|it| examples_of(&it, now)).unwrap_or_default(),
        error,
    }
}

fn sectors(taxonomy: &Taxonomy, chosen: &[SectorId]) -> Vec<Choice> {
    let sectors = taxonomy.sectors().iter().map(|it| Choice {
        value: it.id.to_string(),
        label: match it.id.parent() {
            Some(_) => format!("\u{2003}{}", it.label),
            None => it.label.clone(),
        },
        is_on: chosen.contains(&it.id),
    });
    sectors.collect()
}

fn deliveries(search: &SavedSearch) -> Vec<DeliveryRow> {
    let n_rows = search.deliver.len() + N_SPARE_ROWS;
    let row = |at: usize| {
        let delivery = search.deliver.get(at);
        let to = delivery.map(|it| match (&it.to, &it.to_secret) {
            (Some(to), _) => to.clone(),
            (None, Some(name)) => format!("secret:{name}"),
            (None, None) => String::new(),
        });
        let signing_secret = delivery.and_then(|it| it.signing_secret.clone());
        let channels = Channel::ALL.iter().map(|channel| Choice {
            value: channel.as_str().to_owned(),
            label: channel.as_str().to_owned(),
            is_on: delivery.is_some_and(|it| it.channel == *channel),
        });
        DeliveryRow {
            number: at + 1,
            channels: channels.collect(),
            to: to.unwrap_or_default(),
            signing_secret: signing_secret.unwrap_or_default(),
        }
    };
    (0..n_rows).map(row).collect()
}

fn examples_of(tested: &Backtest, now: DateTime<Utc>) -> Vec<ExampleView> {
    tested.examples.iter().map(|it| example(it, now)).collect()
}

fn example(example: &Example, now: DateTime<Utc>) -> ExampleView {
    ExampleView {
        href: path_href("articles", &example.article),
        title: clean_or(&brief(&example.title, 160), "Untitled"),
        source: brief(&example.source_name, 60),
        sentence: brief(&example.sentence, 300),
        time: Time::of(example.at, now),
    }
}
