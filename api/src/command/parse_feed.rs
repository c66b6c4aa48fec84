//! `harbinger parse-feed`: what is in feed files.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

use ingest::feed::{ParsedFeed, parse};
use serde_json::{Value, json};

use super::jsonl::{self, Tally};
use super::setup::Setup;
use crate::cli::ParseFeedArgs;

/// Largest feed read, in bytes.
const FEED_BYTES_MAX: u64 = 64 << 20;

pub(super) fn run(_setup: &Setup, args: &ParseFeedArgs) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    let mut tally = Tally::default();
    for file in &args.files {
        let parsed = read(file);
        match &parsed {
            Ok(_) => tally.n_ok += 1,
            Err(_) => tally.n_failed += 1,
        }
        if args.jsonl {
            serde_json::to_writer(&mut out, &to_json(file, parsed))?;
            writeln!(out)?;
        } else {
            print(&mut out, file, parsed)?;
        }
        out.flush()?;
    }
    Ok(super::exit_code(tally))
}

fn read(file: &Path) -> Result<ParsedFeed, String> {
    let mut bytes = Vec::new();
    jsonl::open(file)
        .map_err(|error| format!("{error:#}"))?
        .take(FEED_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    parse(&bytes, None, None).map_err(|error| error.to_string())
}

fn to_json(file: &Path, parsed: Result<ParsedFeed, String>) -> Value {
    let (feed, error) = match parsed {
        Ok(feed) => (feed, None),
        Err(error) => (ParsedFeed::default(), Some(error)),
    };
    let mut object = serde_json::to_value(feed).unwrap_or_else(|_| json!({}));
    object["file"] = json!(file);
    object["error"] = json!(error);
    object
}

fn print(
    out: &mut impl Write,
    file: &Path,
    parsed: Result<ParsedFeed, String>,
) -> std::io::Result<()> {
    let feed = match parsed {
        Ok(feed) => feed,
        Err(error) => return writeln!(out, "{}: {error}\n", file.display()),
    };
    let title = feed.title.as_deref().unwrap_or("(no title)");
    writeln!(out, "{}: {title}, {} entries", file.display(), feed.entries.len())?;
    for entry in &feed.entries {
        let date = entry.published.or(entry.updated);
        let day = date.map_or("          ".to_owned(), |it| it.format("%Y-%m-%d").to_string());
        let title = entry.title.as_deref().unwrap_or("(no title)");
        writeln!(out, "  {day}  {title}")?;
        if let Some(link) = &entry.link {
            writeln!(out, "              {link}")?;
        }
    }
    writeln!(out)
}
