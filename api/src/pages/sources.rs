//! How every source is doing.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use config::Config;
use index::archive::sources::SourceState;

use super::frame::Frame;
use super::text::{Time, brief, clean_or, counted, grouped, href};
use super::view::SectorNames;

/// A line of the table.
pub(crate) struct SourceRow {
    href: String,
    name: String,
    is_sample: bool,
    sectors: String,
    state: &'static str,
    state_label: String,
    failure: Option<String>,
    last_poll: Option<Time>,
    next_poll: Option<Time>,
    last_article: Option<Time>,
    n_waiting: String,
    n_dead: String,
    n_articles: String,
    place: String,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) states: Vec<SourceState>,
    /// Declares the sources' sectors.
    pub(crate) config: &'a Config,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// `sources.html`.
#[derive(Template)]
#[template(path = "sources.html")]
pub(crate) struct SourcesPage {
    frame: Frame,
    headline: String,
    deck: String,
    rows: Vec<SourceRow>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> SourcesPage {
    let Input { mut states, config, sectors, now } = input;
    states.sort_by_key(|it| (!it.is_active, it.failure.is_none(), it.name.to_lowercase()));
    let active: Vec<&SourceState> = states.iter().filter(|it| it.is_active).collect();
    let n_failing = active.iter().filter(|it| it.failure.is_some()).count();
    let n_new = active.iter().filter(|it| it.last_poll_at.is_none()).count();
    let headline = match n_failing {
        0 => counted(active.len() as u64, "source, none failing", "sources, none failing"),
        n => format!(
            "{n} of {} failed at their last poll",
            counted(active.len() as u64, "source", "sources")
        ),
    };
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for failure in active.iter().filter_map(|it| it.failure.as_ref()) {
        *classes.entry(failure.class.as_str()).or_default() += 1;
    }
    let mut said: Vec<String> =
        classes.iter().map(|(class, n)| format!("{n} × {}", brief(class, 40))).collect();
    if n_new > 0 {
        said.push(format!("{n_new} not polled yet"));
    }
    let n_articles: u64 = states.iter().map(|it| it.n_articles).sum();
    said.push(counted(n_articles, "article", "articles") + " archived");
    let rows = states.iter().map(|it| row(it, config, sectors, now)).collect();
    SourcesPage {
        frame: Frame::new("Sources", "/sources"), headline, deck: said.join(" · "), rows
    }
}

fn row(
    state: &SourceState,
    config: &Config,
    sectors: &SectorNames,
    now: DateTime<Utc>,
) -> SourceRow {
    let (name, label) = match (state.is_active, &state.failure, state.last_poll_at) {
        (false, ..) => ("off", "not read".to_owned()),
        (true, Some(failure), _) => ("failing", brief(&failure.class.replace('-', " "), 40)),
        (true, None, None) => ("waiting", "not polled yet".to_owned()),
        (true, None, Some(_)) => ("ok", "well".to_owned()),
    };
    let declared = config.source(&state.id).map(|it| it.sectors.as_slice()).unwrap_or_default();
    let sectors: Vec<String> = declared.iter().map(|it| sectors.label(it)).collect();
    let place = [state.country.as_deref(), state.language.as_deref()];
    SourceRow {
        href: href("/search", [("source", state.id.as_str())]),
        name: brief(&clean_or(&state.name, state.id.as_str()), 60),
        is_sample: state.is_sample,
        sectors: sectors.join(", "),
        state: name,
        state_label: label,
        failure: state.failure.as_ref().map(|it| reason(&it.message, &state.address)),
        last_poll: state.last_poll_at.map(|it| Time::of(it, now)),
        next_poll: state.next_poll_at.filter(|_| state.is_active).map(|it| Time::of(it, now)),
        last_article: state.last_article_at.map(|it| Time::of(it, now)),
        n_waiting: grouped(state.n_waiting),
        n_dead: grouped(state.n_dead),
        n_articles: grouped(state.n_articles),
        place: place.into_iter().flatten().collect::<Vec<_>>().join(" · "),
    }
}

/// A failure's message without the address that it mostly begins with: the line names the source.
fn reason(message: &str, address: &str) -> String {
    let rest = message.strip_prefix(address).unwrap_or(message);
    brief(rest.trim_start_matches([':', ' ']), 240)
}
