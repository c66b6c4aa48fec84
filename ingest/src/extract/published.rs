//! When the article of a page was published.

use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveTime, Utc};
use regex::Regex;
use scraper::Html;
use url::Url;

use super::page::PageFacts;
use super::visible::dated_texts;
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
    "dc.date",
    "dcterms.date",
    "citation_publication_date",
    "article_date_original",
    "cxenseparse:recs:publishtime",
    "rnews:datepublished",
    "originalpublicationdate",
    "article:published",
    "dc:date",
    "date",
    "release_date",
    "dcterms.available",
    "article:create_time",
    "creation_date",
    "datecreated",
    "displaydate",
    "last-published",
    "timestamp",
    "bt:pubdate",
    "sailthru.pubdate",
];

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

/// Finds the time of publication: by JSON-LD, metas, `time` elements, the address, dates near the
/// headline and in bylines, then data in scripts, then by the time of the last change.
pub(super) fn find(
    facts: &PageFacts,
    document: &Html,
    html: &str,
    url: Option<&Url>,
    now: DateTime<Utc>,
) -> Option<DateTime<FixedOffset>> {
    let is_american =
        facts.html_language.as_deref().is_none_or(|it| it.starts_with("en-US") || it == "en");
    let read = |text: &str| {
        let date = parse_in_text(text, is_american);
        date.filter(|it| plausible(it.to_utc(), now).is_some())
    };
    let by_metas =
        |names: &[&str]| names.iter().flat_map(|it| facts.metas_of(it)).filter_map(read).next();
    let article = &facts.article;
    let stated = article.published.as_deref().and_then(read);
    stated
        .or_else(|| by_metas(PUBLISHED_METAS))
        .or_else(|| by_times(facts, &read))
        .or_else(|| by_address(url).filter(|it| plausible(it.to_utc(), now).is_some()))
        .or_else(|| dated_texts(document).iter().filter_map(|it| read(it)).next())
        .or_else(|| facts.dates.iter().filter_map(|it| read(it)).next())
        .or_else(|| facts.bylines.iter().filter_map(|it| read(&it.text)).next())
        .or_else(|| IN_SCRIPT.captures(html).and_then(|it| read(&it[1])))
        .or_else(|| facts.times.iter().filter_map(|it| read(&it.value)).next())
        .or_else(|| by_metas(MODIFIED_METAS))
        .or_else(|| article.modified.as_deref().and_then(read))
}

/// A publication date in the data that a page's scripts are started with.
static IN_SCRIPT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i)(?:date_?published|published_?date|publish_?date|published_?at|first_?publication_?date|publication_?date|published_?on|pub_?date)(?:\\*"|&quot;)?\s*:\s*(?:\\*"|&quot;)(\d{4}-\d\d-\d\d[T0-9:.+Z -]*)"#;
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

fn by_times(
    facts: &PageFacts,
    read: &impl Fn(&str) -> Option<DateTime<FixedOffset>>,
) -> Option<DateTime<FixedOffset>> {
    let is_published = |hints: &str| {
        ["datepublished", "pubdate", "published", "entry-date", "post-date", "dt-published"]
            .iter()
            .any(|it| hints.contains(it))
            && !hints.contains("updated")
    };
    let is_changed = |hints: &str| hints.contains("updated") || hints.contains("modified");
    let marked = facts.times.iter().filter(|it| it.is_inside_article && is_published(&it.hints));
    let inside = facts.times.iter().filter(|it| it.is_inside_article && !is_changed(&it.hints));
    marked.chain(inside).filter_map(|it| read(&it.value)).next()
}

static IN_ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    let pattern =
        r"(?:^|[/_-])(19\d\d|20\d\d)[/_-]?(0[1-9]|1[0-2])[/_-]?(0[1-9]|[12]\d|3[01])(?:[/_.-]|$)";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

fn by_address(url: Option<&Url>) -> Option<DateTime<FixedOffset>> {
    let found = IN_ADDRESS.captures(url?.path())?;
    let number = |at: usize| found[at].parse::<u32>().ok();
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(1)?).ok()?, number(2)?, number(3)?)?;
    Some(date.and_time(NaiveTime::MIN).and_utc().fixed_offset())
}

static IN_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    const MONTH: &str = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?";
    let pattern = format!(
        r"(?i)\b(?:(?:19|20)\d\d-\d\d?-\d\d?|(?:19|20)\d\d/\d\d?/\d\d?|\d\d?[./]\d\d?[./](?:19|20)\d\d|{MONTH}\s+\d\d?(?:st|nd|rd|th)?,?\s+(?:19|20)\d\d|\d\d?(?:st|nd|rd|th)?\s+(?:of\s+)?{MONTH},?\s+(?:19|20)\d\d)\b"
    );
    Regex::new(&pattern).expect("the pattern is fixed and was tested")
});

/// A date that is the whole text, or the first one inside a short text. `is_american` tells how
/// `3/4/2025` is meant.
fn parse_in_text(text: &str, is_american: bool) -> Option<DateTime<FixedOffset>> {
    let text = text.trim();
    let whole = parse_local_date(text).or_else(|| unix_seconds(text));
    whole.or_else(|| {
        let found = IN_TEXT.find(text)?.as_str();
        let digits: Vec<&str> = found.split(['.', '/']).collect();
        match digits.as_slice() {
            [first, second, year] if year.len() == 4 => {
                numeric_date(first, second, year, is_american && found.contains('/'))
            }
            _ => parse_local_date(&found.replace(" of ", " ")),
        }
    })
}

fn numeric_date(
    first: &str,
    second: &str,
    year: &str,
    is_month_first: bool,
) -> Option<DateTime<FixedOffset>> {
    let (first, second): (u32, u32) = (first.parse().ok()?, second.parse().ok()?);
    let is_month_first = (is_month_first && first <= 12) || second > 12;
    let (month, day) = if is_month_first { (first, second) } else { (second, first) };
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month, day)?;
    Some(date.and_time(NaiveTime::MIN).and_utc().fixed_offset())
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
