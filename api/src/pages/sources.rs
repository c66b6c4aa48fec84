//! How every source is doing, and adding another one.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use config::{SectorId, Source};
use index::archive::access::Role;
use ingest::health::Standing;
use ingest::trial::{Outcome, Trial};

use super::frame::Frame;
use super::text::{Time, brief, clean_or, counted, grouped, href, path_href};
use super::view::{SectorNames, Undo};
use crate::access::Principal;
use crate::additions::verdict;
use crate::handlers::source_list::SourceBody;

/// A line of the table.
pub(crate) struct SourceRow {
    id: String,
    href: String,
    name: String,
    is_sample: bool,
    is_added: bool,
    is_paused: bool,
    about: String,
    state: &'static str,
    state_label: String,
    failure: Option<String>,
    last_success: Option<Time>,
    next_poll: Option<Time>,
    per_day: String,
    last_article: Option<Time>,
    quality: Vec<String>,
    n_waiting: String,
    n_dead: String,
    n_articles: String,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) sources: Vec<SourceBody>,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
    pub(crate) shown: Shown,
}

/// What a form led to.
#[derive(Default)]
pub(crate) struct Shown {
    /// What was typed.
    pub(crate) url: String,
    /// The name that was typed.
    pub(crate) name: String,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
    /// What was done.
    pub(crate) said: Option<String>,
    /// What a test found.
    pub(crate) trial: Option<Trial>,
    /// The source that was just removed.
    pub(crate) removed: Option<Source>,
}

/// A test, to be read.
pub(crate) struct TrialView {
    headline: String,
    steps: Vec<StepView>,
    entries: Vec<EntryView>,
    others: Vec<FeedView>,
}

struct StepView {
    name: String,
    state: &'static str,
    word: &'static str,
    message: String,
    took: String,
}

struct EntryView {
    href: String,
    title: String,
    day: String,
    beginning: String,
}

struct FeedView {
    url: String,
    label: String,
    about: String,
}

/// `sources.html`.
#[derive(Template)]
#[template(path = "sources.html")]
pub(crate) struct SourcesPage {
    frame: Frame,
    headline: String,
    deck: String,
    rows: Vec<SourceRow>,
    url: String,
    name: String,
    error: Option<String>,
    said: Option<String>,
    trial: Option<TrialView>,
    may_test: bool,
    may_change: bool,
    undo: Option<Undo>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> SourcesPage {
    let Input { mut sources, sectors, now, shown } = input;
    let rank = |it: &SourceBody| (!it.is_active, it.standing.unwrap_or(Standing::Well));
    sources.sort_by_key(|it| (rank(it), it.name.to_lowercase()));
    let rows = sources.iter().map(|it| row(it, sectors, now)).collect();
    let may = |role| Principal::current().is_some_and(|it| role <= it.role);
    SourcesPage {
        frame: Frame::new("Sources", "/sources"),
        headline: headline(&sources),
        deck: deck(&sources),
        rows,
        url: shown.url,
        name: shown.name,
        error: shown.error,
        said: shown.said,
        trial: shown.trial.as_ref().map(trial),
        undo: shown.removed.map(|it| Undo {
            what: brief(&clean_or(&it.name, it.id.as_str()), 60),
            action: format!("{}/restore", path_href("sources", it.id.as_str())),
        }),
        may_test: may(Role::Analyst),
        may_change: may(Role::Admin),
    }
}

fn headline(sources: &[SourceBody]) -> String {
    let polled = || sources.iter().filter_map(|it| it.standing);
    let fails = |it: &Standing| matches!(it, Standing::Failing | Standing::Dead);
    let (n_failing, n_polled) = (polled().filter(fails).count() as u64, polled().count() as u64);
    let all_well = || counted(n_polled, "source, none failing", "sources, none failing");
    partial(n_failing, n_polled).unwrap_or_else(all_well)
}

/// `2 of 63 sources failed at their last poll`; `None` when none did.
pub(crate) fn partial(n_failing: u64, n_polled: u64) -> Option<String> {
    let all = counted(n_polled, "source", "sources");
    (0 < n_failing).then(|| format!("{n_failing} of {all} failed at their last poll"))
}

fn deck(sources: &[SourceBody]) -> String {
    let active = || sources.iter().filter(|it| it.is_active);
    let mut classes: BTreeMap<&str, usize> = BTreeMap::new();
    for class in active().filter_map(|it| it.failure_class.as_deref()) {
        *classes.entry(class).or_default() += 1;
    }
    let mut said: Vec<String> =
        classes.iter().map(|(class, n)| format!("{n} × {}", brief(class, 40))).collect();
    for (standing, words) in
        [(Standing::Dead, "dead"), (Standing::Silent, "silent"), (Standing::New, "not polled yet")]
    {
        let n = active().filter(|it| it.standing == Some(standing)).count();
        said.extend((0 < n).then(|| format!("{n} {words}")));
    }
    let n_paused = sources.iter().filter(|it| it.is_paused).count();
    said.extend((0 < n_paused).then(|| format!("{n_paused} paused")));
    let n_articles: u64 = sources.iter().map(|it| it.n_articles).sum();
    said.push(counted(n_articles, "article", "articles") + " archived");
    said.join(" · ")
}

fn row(source: &SourceBody, sectors: &SectorNames, now: DateTime<Utc>) -> SourceRow {
    let (state, label) = state(source);
    let mut about: Vec<String> = Vec::new();
    about.extend(source.kind.clone().filter(|it| it != "feed"));
    about.extend(source.sectors.iter().map(|it| sectors.label(&SectorId::new(it))));
    let place = [source.country.clone(), source.language.clone()];
    let place = place.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let about = [about.join(", "), place].into_iter().filter(|it| !it.is_empty());
    SourceRow {
        href: href("/search", [("source", source.id.as_str())]),
        name: brief(&clean_or(&source.name, &source.id), 60),
        is_sample: source.is_sample,
        is_added: matches!(source.origin.as_deref(), Some("api" | "opml")),
        is_paused: source.is_paused,
        about: about.collect::<Vec<_>>().join(" · "),
        state,
        state_label: label,
        failure: source.failure_message.as_ref().map(|it| reason(it, &source.address)),
        last_success: source.last_success_at.map(|it| Time::of(it, now)),
        next_poll: source.next_poll_at.map(|it| Time::of(it, now)),
        per_day: source.entries_per_day.map_or_else(|| "–".to_owned(), per_day),
        last_article: source.last_article_at.map(|it| Time::of(it, now)),
        quality: quality(source),
        n_waiting: grouped(source.n_waiting),
        n_dead: grouped(source.n_dead),
        n_articles: grouped(source.n_articles),
        id: source.id.clone(),
    }
}

/// Class of the sign and words for it.
fn state(source: &SourceBody) -> (&'static str, String) {
    let class = source.failure_class.as_deref().map(|it| brief(&it.replace(['-', '_'], " "), 40));
    match source.standing {
        _ if source.is_paused => ("off", "paused".to_owned()),
        _ if !source.is_active => ("off", "not read".to_owned()),
        Some(Standing::Dead) => {
            let class = class.map(|it| format!(": {it}")).unwrap_or_default();
            ("failing", format!("dead{class}"))
        }
        Some(Standing::Failing) => ("failing", class.unwrap_or_else(|| "failing".to_owned())),
        Some(Standing::Silent) => ("waiting", "silent".to_owned()),
        Some(Standing::New) => ("waiting", "not polled yet".to_owned()),
        // Single pages: there is nothing to poll.
        None => ("ok", "on request".to_owned()),
        Some(Standing::Well) => ("ok", class.unwrap_or_else(|| "well".to_owned())),
    }
}

fn per_day(n: f64) -> String {
    if n < 10.0 { format!("{n:.1}") } else { grouped(n.round() as u64) }
}

fn quality(source: &SourceBody) -> Vec<String> {
    let percent = |it: f64| format!("{:.0} %", it * 100.0);
    let quality = &source.quality;
    let mut said = Vec::new();
    said.extend(quality.readable.map(|it| format!("{} read", percent(it))));
    said.extend(quality.dated.map(|it| format!("{} dated", percent(it))));
    said
}

/// A failure's message without the address that it mostly begins with: the line names the source.
fn reason(message: &str, address: &str) -> String {
    let rest = message.strip_prefix(address).unwrap_or(message);
    brief(rest.trim_start_matches([':', ' ']), 240)
}

fn trial(trial: &Trial) -> TrialView {
    let address = trial.address.as_deref().map(|it| brief(it, 120)).unwrap_or_default();
    let kind = trial.kind.as_deref().unwrap_or("source");
    let n = counted(trial.n_entries as u64, "entry", "entries");
    let headline = match verdict(trial) {
        "good" => format!("It can be read: the {kind} {address} lists {n}."),
        "usable" => format!("It can be read, but look: the {kind} {address} lists {n}."),
        _ => "Nothing to read was found.".to_owned(),
    };
    let steps = trial.steps.iter().map(|it| {
        let (state, word) = match it.outcome {
            Outcome::Good => ("ok", "good"),
            Outcome::Warning => ("waiting", "look"),
            Outcome::Failed => ("failing", "failed"),
        };
        StepView {
            name: brief(&it.name, 20),
            state,
            word,
            message: brief(&it.message, 400),
            took: match it.duration_ms {
                0..100 => String::new(),
                n => format!("{:.1} s", n as f64 / 1_000.0),
            },
        }
    });
    let entries = trial.entries.iter().map(|it| {
        let article = trial.articles.iter().find(|article| article.url == it.url);
        let title = article.map(|it| it.title.as_str()).filter(|it| !it.is_empty());
        let published_at = article.and_then(|it| it.published_at).or(it.published_at);
        EntryView {
            href: it.url.clone(),
            title: brief(title.or(it.title.as_deref()).unwrap_or(&it.url), 160),
            day: published_at.map(|it| it.format("%Y-%m-%d").to_string()).unwrap_or_default(),
            beginning: article.map(|it| brief(&it.beginning, 200)).unwrap_or_default(),
        }
    });
    let others = trial.feeds.iter().skip(1).map(|it| FeedView {
        url: it.url.clone(),
        label: brief(it.title.as_deref().unwrap_or(&it.url), 120),
        about: format!("{}, {}", counted(it.n_entries as u64, "entry", "entries"), it.how),
    });
    TrialView {
        headline,
        steps: steps.collect(),
        entries: entries.collect(),
        others: others.collect(),
    }
}
