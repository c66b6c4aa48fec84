//! When the article of a page was published.

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};
use regex::Regex;
use url::Url;

use super::date_text;
use super::page::PageFacts;
use super::seen::SeenDate;
use crate::date::{parse_local_date, plausible};

/// Metas that give the time of publication, the surest first.
const PUBLISHED_METAS: &[&str] = &[
    "article:published_time",
    "published",
    "og:published_time",
    "og:article:published_time",
    "datepublished",
    "parsely-pub-date",
    "sailthru.date",
    "article.published",
    "published-date",
    "publish-date",
    "publication_date",
    "publishdate",
    "pubdate",
    "ptime",
    "published_time",
    "date.available",
    "dc.date.issued",
    "dcterms.issued",
    "dc.date.created",
    "dcterms.created",
    "citation_publication_date",
    "article_date_original",
    "cxenseparse:recs:publishtime",
    "rnews:datepublished",
    "originalpublicationdate",
    "article:published",
    "release_date",
    "dcterms.available",
    "article:create_time",
    "creation_date",
    "datecreated",
    "displaydate",
    "last-published",
    "bt:pubdate",
    "sailthru.pubdate",
];

/// Metas with any time of the page, mostly that of publication, at times that of the last change.
const DATE_METAS: &[&str] = &["dc.date", "dcterms.date", "dc:date", "date", "timestamp"];

/// Metas that give the time of the last change, asked last.
const MODIFIED_METAS: &[&str] = &[
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "last-modified",
    "lastmod",
    "revised",
];

/// A date that is further than that from the headline (`seen.rs`) is not the article's.
const COST_MAX: i64 = 90;
/// As near as that stand the dates that belong to the headline for sure.
const COST_SURE: i64 = 25;
/// A shorter text names a month or a year at most.
const DAY_CHARS_MIN: usize = 8;

/// Finds the time of publication: by JSON-LD, metas, `time` elements, the address, dates near the
/// headline and in bylines, then data in scripts, then by the time of the last change.
///
/// `seen` are the dates that the page shows, the best first.
pub(super) fn find(
    facts: &PageFacts,
    seen: &[SeenDate],
    html: &str,
    url: Option<&Url>,
    now: DateTime<Utc>,
) -> Option<DateTime<FixedOffset>> {
    let is_american = is_american(facts, url);
    let read = |text: &str| {
        let date = parse_in_text(text, is_american).filter(|_| text.len() >= DAY_CHARS_MIN);
        date.filter(|it| plausible(it.to_utc(), now).is_some())
    };
    let stated = facts.article.published.as_deref().and_then(read);
    let stated = stated.or_else(|| by_metas(facts, PUBLISHED_METAS, &read));
    let (stated, changed) = match stated {
        Some(_) => (stated, modified(facts, url, now)),
        // May be either time, unless the article itself marks the one.
        None => {
            let either = by_metas(facts, DATE_METAS, &read);
            (either.and_then(|_| by_only_marked_time(facts, &read)).or(either), either)
        }
    };
    let addressed = by_address(url).filter(|it| plausible(it.to_utc(), now).is_some());
    if let Some(stated) = stated {
        // Addresses with a day are given at the first publication.
        let is_folder = url.is_some_and(|it| IN_FOLDERS.is_match(it.path()));
        if let Some(first) = addressed.filter(|it| is_folder && (stated - *it).num_days() >= 2) {
            return Some(first);
        }
        let shown = changed.and_then(|it| shown_instead(stated, it, seen));
        let shown = shown.filter(|it| plausible(it.to_utc(), now).is_some());
        return Some(shown.unwrap_or(stated));
    }
    let shown = || {
        let mut near = seen.iter().filter(|it| it.cost <= COST_MAX).map(|it| midnight(it.date));
        near.find(|it| plausible(it.to_utc(), now).is_some())
    };
    by_times(facts, &read)
        .or(addressed)
        .or_else(shown)
        .or_else(|| facts.dates.iter().filter_map(|it| read(it)).next())
        .or_else(|| facts.bylines.iter().filter_map(|it| read(&it.text)).next())
        .or_else(|| IN_SCRIPT.captures(html).and_then(|it| read(&it[1])))
        .or_else(|| facts.times.iter().filter_map(|it| read(&it.value)).next())
        .or_else(|| modified(facts, url, now))
        .or_else(|| {
            let mut all = seen.iter().filter(|it| !it.is_update).map(|it| midnight(it.date));
            all.find(|it| plausible(it.to_utc(), now).is_some())
        })
}

/// Finds the time of the last change: by JSON-LD, metas and `time` elements.
pub(super) fn modified(
    facts: &PageFacts,
    url: Option<&Url>,
    now: DateTime<Utc>,
) -> Option<DateTime<FixedOffset>> {
    let is_american = is_american(facts, url);
    let read = |text: &str| {
        let date = parse_in_text(text, is_american);
        date.filter(|it| plausible(it.to_utc(), now).is_some())
    };
    let is_changed = |hints: &str| hints.contains("updated") || hints.contains("modified");
    let marked = facts.times.iter().filter(|it| it.is_inside_article && is_changed(&it.hints));
    let stated = facts.article.modified.as_deref().and_then(read);
    stated
        .or_else(|| by_metas(facts, MODIFIED_METAS, &read))
        .or_else(|| marked.filter_map(|it| read(&it.value)).next())
}

/// Whether `3/4/2025` is the fourth of March on a page.
pub(super) fn is_american(facts: &PageFacts, url: Option<&Url>) -> bool {
    let host = url.and_then(Url::host_str).unwrap_or_default();
    let is_elsewhere =
        [".uk", ".au", ".nz", ".ie", ".in", ".za"].iter().any(|it| host.ends_with(it));
    let language = facts.html_language.as_deref();
    !is_elsewhere && language.is_none_or(|it| it.starts_with("en-US") || it == "en")
}

/// The day that the page shows at its headline, not as that of an update, where it says more than
/// the stated time: when that is the time of the last change, too, as systems write that know no
/// other, or when the day of the change is the only one that is shown.
fn shown_instead(
    published: DateTime<FixedOffset>,
    modified: DateTime<FixedOffset>,
    seen: &[SeenDate],
) -> Option<DateTime<FixedOffset>> {
    let (published, modified) = (published.date_naive(), modified.date_naive());
    let sure = || seen.iter().filter(|it| it.cost <= COST_SURE);
    let shown = sure().find(|it| !it.is_update)?.date;
    let is_earlier = published == modified && (published - shown).num_days() >= 2;
    let is_change = shown == modified
        && (modified - published).num_days() >= 2
        && sure().all(|it| it.date == modified);
    (is_earlier || is_change).then(|| midnight(shown))
}

fn by_metas(
    facts: &PageFacts,
    names: &[&str],
    read: &impl Fn(&str) -> Option<DateTime<FixedOffset>>,
) -> Option<DateTime<FixedOffset>> {
    names.iter().flat_map(|it| facts.metas_of(it)).filter_map(read).next()
}

fn midnight(day: NaiveDate) -> DateTime<FixedOffset> {
    day.and_time(NaiveTime::MIN).and_utc().fixed_offset()
}

/// A publication date in the data that a page's scripts are started with.
static IN_SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i)(?:date_?published|published_?date|publish_?date|published_?at|first_?publication_?date|publication_?date|published_?on|pub_?date|dc:date)(?:\\*"|&quot;)?\s*[:=]\s*(?:\\*"|&quot;)(\d{4}-\d\d-\d\d[T0-9:.+Z -]*)"#;
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

/// Times that are marked as those of publication, inside the article.
fn by_marked_times<'a>(
    facts: &'a PageFacts,
    read: &'a impl Fn(&str) -> Option<DateTime<FixedOffset>>,
) -> impl Iterator<Item = DateTime<FixedOffset>> {
    let is_published = |hints: &str| {
        ["datepublished", "pubdate", "published", "entry-date", "post-date", "dt-published"]
            .iter()
            .any(|it| hints.contains(it))
            && !hints.contains("updated")
    };
    let marked =
        facts.times.iter().filter(move |it| it.is_inside_article && is_published(&it.hints));
    marked.filter_map(|it| read(&it.value))
}

/// The time that is marked so; several are those of other articles.
fn by_only_marked_time(
    facts: &PageFacts,
    read: &impl Fn(&str) -> Option<DateTime<FixedOffset>>,
) -> Option<DateTime<FixedOffset>> {
    let mut marked = by_marked_times(facts, read);
    marked.next().filter(|_| marked.next().is_none())
}

fn by_times(
    facts: &PageFacts,
    read: &impl Fn(&str) -> Option<DateTime<FixedOffset>>,
) -> Option<DateTime<FixedOffset>> {
    let is_changed = |hints: &str| hints.contains("updated") || hints.contains("modified");
    let inside = facts.times.iter().filter(|it| it.is_inside_article && !is_changed(&it.hints));
    by_marked_times(facts, read).chain(inside.filter_map(|it| read(&it.value))).next()
}

static IN_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?:^|[/_-])(?:(19\d\d|20\d\d)[/_-]?(0[1-9]|1[0-2])[/_-]?(0[1-9]|[12]\d|3[01])|(20\d\d)/(\d\d?)/(\d\d?))(?:[/_.-]|$)";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

static IN_FOLDERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"/20\d\d/\d\d?/\d\d?/").expect("the pattern is fixed and was tested")
});

fn by_address(url: Option<&Url>) -> Option<DateTime<FixedOffset>> {
    let found = IN_ADDRESS.captures(url?.path())?;
    let number = |at: usize| found.get(at).or(found.get(at + 3))?.as_str().parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(1)?).ok()?, number(2)?, number(3)?)?;
    Some(midnight(date))
}

/// A date that is the whole text, or the first one inside a short text.
fn parse_in_text(text: &str, is_american: bool) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    let whole = parse_local_date(text).or_else(|| unix_seconds(text));
    whole.or_else(|| date_text::find(text, is_american).map(midnight))
}

/// Seconds or milliseconds since 1970.
fn unix_seconds(text: &str) -> Option<DateTime<FixedOffset>> {
    let number: i64 = text.parse().ok()?;
    let seconds = match text.len() {
        10 => number,
        13 => number / 1_000,
        _ => return None,
    };
    DateTime::from_timestamp(seconds, 0).map(|it| it.fixed_offset())
}
