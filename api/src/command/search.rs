//! `harbinger search`: hits with snippets and facet counts, for people or as JSON.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use index::search::{DateField, Hit, SearchResponse, Sort};
use index::{FilterField, SearchError, SearchIndex, SearchRequest, Segment};
use owo_colors::{OwoColorize, Style};

use super::UsageError;
use super::setup::Setup;
use crate::cli::{SearchArgs, SearchSort};
use crate::system::index_folder;

/// Facets in the printed summary, and values of each.
const FACETS_SHOWN: [(FilterField, &str); 4] = [
    (FilterField::Sector, "sectors"),
    (FilterField::Actor, "actors"),
    (FilterField::Target, "targets"),
    (FilterField::Kind, "kinds"),
];
const N_VALUES_SHOWN: usize = 6;

pub(super) fn run(setup: &Setup, args: &SearchArgs) -> anyhow::Result<ExitCode> {
    let folder = index_folder(&setup.config.settings.data_dir);
    let labels = crate::system::sector_labels(&setup.config);
    let index = SearchIndex::open_read_only(&folder, labels).with_context(|| {
        format!("nothing to search in {}; has `harbinger serve` run?", folder.display())
    })?;
    let request = request(args)?;
    let response = match index.search(&request, super::now()) {
        Ok(response) => response,
        Err(error) => return Err(refusal(error, &args.query)),
    };
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &response)?;
        writeln!(out)?;
    } else {
        print(&mut out, &response)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A search that makes no sense is the user's to mend; the wrong place is pointed at.
pub(super) fn refusal(error: SearchError, query: &str) -> anyhow::Error {
    match error {
        SearchError::Query(error) => {
            let under = format!("{query}\n{}^", " ".repeat(error.at));
            UsageError(format!("{error}\n{under}")).into()
        }
        SearchError::Filter { .. } | SearchError::Cursor | SearchError::Like(_) => {
            UsageError(error.to_string()).into()
        }
        error => error.into(),
    }
}

fn request(args: &SearchArgs) -> Result<SearchRequest, UsageError> {
    let request = selection(&args.query, &args.facet, args.from.as_deref(), args.to.as_deref())?;
    Ok(SearchRequest {
        sort: match args.sort {
            SearchSort::Relevance => Sort::Relevance,
            SearchSort::Newest => Sort::Newest,
            SearchSort::Oldest => Sort::Oldest,
        },
        like: args.like.clone(),
        by_story: args.by_story,
        significant: args.significant,
        date_field: if args.fetched { DateField::Fetched } else { DateField::Published },
        cursor: args.cursor.clone(),
        limit: args.limit,
        ..request
    })
}

/// Reads which articles are meant from what `search` and `export` share.
pub(super) fn selection(
    query: &str,
    facets: &[String],
    from: Option<&str>,
    to: Option<&str>,
) -> Result<SearchRequest, UsageError> {
    let mut request = SearchRequest {
        q: query.to_owned(),
        from: from.map(|it| day("--from", it, 0)).transpose()?,
        to: to.map(|it| day("--to", it, 1)).transpose()?,
        ..SearchRequest::default()
    };
    for facet in facets {
        let (field, value) = facet
            .split_once('=')
            .ok_or_else(|| UsageError(format!("--facet {facet}: write FACET=VALUE")))?;
        let field: FilterField = serde_json::from_value(field.into())
            .map_err(|error| UsageError(format!("--facet {facet}: no such facet ({error})")))?;
        request.filters.entry(field).or_default().push(value.to_owned());
    }
    Ok(request)
}

/// The first instant of a day, `n_days_later` later; or an instant as it stands.
fn day(option: &str, text: &str, n_days_later: i64) -> Result<DateTime<Utc>, UsageError> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
        return Ok(midnight + TimeDelta::days(n_days_later));
    }
    let instant = DateTime::parse_from_rfc3339(text).map(|it| it.with_timezone(&Utc));
    instant.map_err(|_| {
        UsageError(format!("{option} {text}: write a day such as 2026-01-31, or RFC 3339"))
    })
}

/// Styles that show on a terminal only.
struct Styles {
    headline: Style,
    dim: Style,
    marked: Style,
    threat: Style,
}

impl Styles {
    fn new() -> Styles {
        let wants_color = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        if wants_color {
            Styles {
                headline: Style::new().bold(),
                dim: Style::new().dimmed(),
                marked: Style::new().bold().yellow(),
                threat: Style::new().red(),
            }
        } else {
            Styles {
                headline: Style::new(),
                dim: Style::new(),
                marked: Style::new(),
                threat: Style::new(),
            }
        }
    }
}

fn print(out: &mut impl Write, response: &SearchResponse) -> std::io::Result<()> {
    let styles = Styles::new();
    let understood = match response.query.words.as_str() {
        "" => "everything",
        words => words,
    };
    let total = response.total;
    let found = if total == 1 { "article" } else { "articles" };
    writeln!(out, "{total} {found} for {understood} ({:.1} ms)", response.took_ms)?;
    for hit in &response.hits {
        print_hit(out, hit, &styles)?;
    }
    writeln!(out)?;
    for (field, label) in FACETS_SHOWN {
        let Some(counts) = response.facets.get(&field).filter(|it| !it.is_empty()) else {
            continue;
        };
        let shown = counts.iter().take(N_VALUES_SHOWN);
        let shown: Vec<String> = shown.map(|it| format!("{} {}", it.label, it.count)).collect();
        writeln!(out, "{} {}", format!("{label:>8}:").style(styles.dim), shown.join(" · "))?;
    }
    if !response.significant.is_empty() {
        let words: Vec<String> =
            response.significant.iter().map(|it| printable(&it.word)).collect();
        let label = "   words:".style(styles.dim);
        writeln!(out, "{label} {}", words.join(" · "))?;
    }
    if let Some(cursor) = &response.next_cursor {
        writeln!(out, "{}", format!("    more: --cursor {cursor}").style(styles.dim))?;
    }
    Ok(())
}

fn print_hit(out: &mut impl Write, hit: &Hit, styles: &Styles) -> std::io::Result<()> {
    let day = hit.published_at.unwrap_or(hit.fetched_at).format("%Y-%m-%d %H:%M");
    let sample = if hit.is_sample { " · sample" } else { "" };
    writeln!(out)?;
    writeln!(out, "{}", printable(&hit.title).style(styles.headline))?;
    let origin = format!("{} · {day}{sample} · {}", hit.source_name, hit.url);
    writeln!(out, "  {}", printable(&origin).style(styles.dim))?;
    if !hit.kinds.is_empty() {
        let names = |labels: &[index::search::Label]| {
            labels.iter().map(|it| it.name.as_str()).collect::<Vec<_>>().join(", ")
        };
        let who = printable(&format!("{} → {}", names(&hit.actors), names(&hit.targets)));
        writeln!(out, "  {}  {who}", hit.kinds.join(", ").style(styles.threat))?;
    }
    if !hit.snippet.is_empty() {
        write!(out, "  ")?;
        for Segment { text, marked } in &hit.snippet {
            let style = if *marked { styles.marked } else { Style::new() };
            write!(out, "{}", printable(text).style(style))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Fetched text without control characters, which could steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect()
}
