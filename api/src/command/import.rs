//! `harbinger import`: articles out of web archives, interrupted and gone on with at will.
//!
//! A batch of records is extracted on all cores, then stored together with the place behind it:
//! whoever is killed between two batches loses nothing and doubles nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use config::{ExtractRules, SourceId};
use index::archive::articles::Recorded;
use index::archive::imports::ImportState;
use indicatif::{ProgressBar, ProgressStyle};
use ingest::crawl::article_of_page;
use ingest::warc_reader::{Item, Limits, Place, Record, WarcReader, http};
use ingest::{Article, CanonicalUrl, Entry, FailureClass};
use serde_json::json;

use super::jsonl::Tally;
use super::setup::Setup;
use crate::cli::ImportArgs;
use crate::system::System;

/// Records and bytes of records that are in hand at once.
const N_RECORDS_PER_BATCH: usize = 32;
const N_BYTES_PER_BATCH: usize = 32 << 20;
/// Records that are passed over, such as requests, between two notes of the place.
const N_PASSED_PER_BATCH: usize = 4_096;
/// Bytes at the begin of a file that it is known by: they hold the id of its first record.
const N_BYTES_OF_KEY: u64 = 4 << 10;
/// Broken places after which the rest of a file is left alone.
const N_BAD_MAX: u64 = 10_000;
/// Broken places of one file that are told one by one.
const N_BAD_TOLD: u64 = 1_000;

/// What became of the records, by name.
type Counts = BTreeMap<String, u64>;

/// What the extraction of every record needs.
struct Extraction {
    source: SourceId,
    body_bytes_max: usize,
    n_chars_max: usize,
    now: DateTime<Utc>,
}

pub(super) fn run(setup: Setup, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let quiet = setup.args.quiet;
    for file in &args.files {
        File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    let extraction = Arc::new(Extraction {
        source: args.source.clone(),
        body_bytes_max: setup.config.settings.fetch.body_max_bytes,
        n_chars_max: setup.config.settings.crawl.text_chars_max,
        now: super::now(),
    });
    let runtime = super::runtime()?;
    let system = runtime.block_on(System::open(setup.config))?;
    runtime.block_on(async { super::stop_on_signal(system.shutdown.clone()) });
    let mut totals = Counts::new();
    for file in &args.files {
        if system.shutdown.is_cancelled() {
            break;
        }
        let progress = progress_bar(file, quiet);
        let mut import = Import::begin(&runtime, &system, file, &extraction, args.again)?;
        import.read_to_end(&progress)?;
        progress.finish_and_clear();
        for (name, n) in import.counts {
            *totals.entry(name).or_default() += n;
        }
    }
    let n_failed = totals.get("bad").copied().unwrap_or(0) as usize;
    let summary = super::index_articles::read_and_index(&runtime, system, quiet)?;
    let mut taken = |name: &str| totals.remove(name).unwrap_or(0);
    let (n_new, n_known) = (taken("articles_new"), taken("articles_known"));
    let answer = json!({
        "articles_new": n_new,
        "articles_known": n_known,
        "records": totals,
        "annotated": summary.n_annotated,
        "statements": summary.n_statements,
        "indexed": summary.n_indexed,
    });
    super::say(&answer.to_string())?;
    Ok(super::exit_code(Tally { n_ok: 0, n_failed }))
}

/// One file on its way.
struct Import<'a> {
    runtime: &'a tokio::runtime::Runtime,
    system: &'a System,
    extraction: &'a Arc<Extraction>,
    name: String,
    file_key: String,
    reader: WarcReader<File>,
    counts: Counts,
}

impl<'a> Import<'a> {
    /// Opens `file` where an earlier import of it ended.
    fn begin(
        runtime: &'a tokio::runtime::Runtime,
        system: &'a System,
        file: &Path,
        extraction: &'a Arc<Extraction>,
        again: bool,
    ) -> anyhow::Result<Import<'a>> {
        let name = file.display().to_string();
        let cannot = || format!("cannot read {name}");
        let input = File::open(file).with_context(cannot)?;
        let mut head = Vec::new();
        (&input).take(N_BYTES_OF_KEY).read_to_end(&mut head).with_context(cannot)?;
        let file_key = blake3::hash(&head).to_hex()[..32].to_owned();
        let known = runtime.block_on(system.archive.import_state(&file_key))?;
        let known = known.filter(|_| !again);
        let place = known
            .map_or_else(Place::default, |it| Place { offset: it.next_byte, n_done: it.n_done });
        if place != Place::default() {
            tracing::info!("going on with {name} at byte {}", place.offset);
        }
        let limits = Limits {
            kinds: &["response"],
            // A body, packed or not, and room for its headers.
            block_bytes_max: extraction.body_bytes_max as u64 + (1 << 20),
        };
        let reader = WarcReader::new(input, place, limits).with_context(cannot)?;
        let counts = Counts::new();
        Ok(Import { runtime, system, extraction, name, file_key, reader, counts })
    }

    /// Reads to the end of the file, or until it is to stop.
    fn read_to_end(&mut self, progress: &ProgressBar) -> anyhow::Result<()> {
        while !self.system.shutdown.is_cancelled() {
            let (records, is_end) = self.batch()?;
            let place = self.reader.place();
            self.store(records, place, is_end)?;
            progress.set_position(place.offset);
            if is_end {
                break;
            }
        }
        Ok(())
    }

    /// The responses of the next batch, and whether the file ends behind it.
    fn batch(&mut self) -> anyhow::Result<(Vec<Record>, bool)> {
        let (mut records, mut n_bytes, mut n_passed) = (Vec::new(), 0, 0);
        while records.len() < N_RECORDS_PER_BATCH
            && n_bytes < N_BYTES_PER_BATCH
            && n_passed < N_PASSED_PER_BATCH
        {
            let item = self.reader.next_item();
            let item = item.with_context(|| format!("cannot read {}", self.name))?;
            match item {
                None => return Ok((records, true)),
                Some(Item::Record(record)) if record.kind == "response" => {
                    n_bytes += record.block.as_ref().map_or(0, Vec::len);
                    records.push(record);
                }
                Some(Item::Record(record)) => {
                    let known = ["revisit", "request", "warcinfo", "metadata", "resource"];
                    let kind = known.into_iter().find(|it| *it == record.kind);
                    self.count(kind.unwrap_or("other"));
                    n_passed += 1;
                }
                Some(Item::Bad { offset, reason }) => {
                    self.tell(offset, &reason)?;
                    n_passed += 1;
                    if N_BAD_MAX <= self.counts.get("bad").copied().unwrap_or(0) {
                        self.tell(offset, "so much is broken that the rest is left alone")?;
                        return Ok((records, true));
                    }
                }
            }
        }
        Ok((records, false))
    }

    /// Extracts the articles of `records` and stores them with the place behind them.
    fn store(&mut self, records: Vec<Record>, place: Place, is_end: bool) -> anyhow::Result<()> {
        let work = records.into_iter().map(|it| (it, Arc::clone(self.extraction))).collect();
        let mut articles = Vec::new();
        for (offset, outcome) in super::in_parallel(work, read) {
            self.count("response");
            match outcome {
                Ok(article) => articles.push(*article),
                Err((class, reason)) => {
                    self.count(class.name());
                    if matches!(class, FailureClass::Dropped | FailureClass::Encoding) {
                        self.tell(offset, &reason)?;
                    }
                }
            }
        }
        let state = ImportState {
            file_key: self.file_key.clone(),
            name: self.name.clone(),
            next_byte: place.offset,
            n_done: place.n_done,
            is_done: is_end,
        };
        let recorded = self.system.archive.record_import(&articles, &state);
        let recorded = self.runtime.block_on(recorded)?;
        let n_new = recorded.iter().filter(|it| **it == Recorded::Inserted).count() as u64;
        *self.counts.entry("articles_new".to_owned()).or_default() += n_new;
        *self.counts.entry("articles_known".to_owned()).or_default() +=
            recorded.len() as u64 - n_new;
        Ok(())
    }

    fn count(&mut self, name: &str) {
        *self.counts.entry(name.to_owned()).or_default() += 1;
    }

    /// Names a broken place on standard output.
    fn tell(&mut self, offset: u64, reason: &str) -> anyhow::Result<()> {
        self.count("bad");
        let n_bad = self.counts.get("bad").copied().unwrap_or(0);
        if n_bad <= N_BAD_TOLD || n_bad == N_BAD_MAX + 1 {
            let id = format!("{}@{offset}", self.name);
            let line = json!({"id": id, "file": self.name, "offset": offset, "error": reason});
            let mut out = std::io::stdout().lock();
            writeln!(out, "{line}")?;
            out.flush()?;
        }
        Ok(())
    }
}

type Outcome = Result<Box<Article>, (FailureClass, String)>;

/// The article of a response, with the offset of its record.
fn read((record, extraction): (Record, Arc<Extraction>)) -> (u64, Outcome) {
    (record.offset, article(&record, &extraction))
}

fn article(record: &Record, extraction: &Extraction) -> Outcome {
    let page = http::page(record, extraction.body_bytes_max).map_err(|it| (it.class, it.reason))?;
    let url = CanonicalUrl::parse(page.url.as_str());
    let url = url.map_err(|error| (FailureClass::InvalidUrl, error.to_string()))?;
    // A date that cannot be true would spoil the order of everything.
    let date = record.field("warc-date").and_then(super::parse_date);
    let date = date.and_then(|it| ingest::date::plausible(it, extraction.now));
    let fetched_at = date.unwrap_or(extraction.now).min(extraction.now);
    let entry = Entry::at(url, extraction.source.clone());
    article_of_page(&page, &entry, &ExtractRules::default(), extraction.n_chars_max, fetched_at)
        .map(Box::new)
        .map_err(|failure| (failure.class, failure.message))
}

/// A bar over the bytes of `file`; hidden when nobody would see it.
fn progress_bar(file: &Path, is_quiet: bool) -> ProgressBar {
    let n_bytes = std::fs::metadata(file).map_or(0, |it| it.len());
    if is_quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = "{bar:32} {percent:>3}%  {binary_bytes}/{binary_total_bytes}  {eta} left";
    ProgressBar::new(n_bytes)
        .with_style(ProgressStyle::with_template(style).expect("the template is valid"))
}
