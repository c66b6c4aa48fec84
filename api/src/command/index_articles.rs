//! `harbinger index`: articles from JSON lines into the archive and the index.

use std::io::Write;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use config::SourceId;
use index::archive::articles::Recorded;
use ingest::article::IMAGE_BYTES_MAX;
use ingest::{Article, ArticleId, CanonicalUrl, Details};
use serde::Deserialize;
use serde_json::{Value, json};

use super::jsonl::{self, Line, LineError};
use super::setup::Setup;
use crate::cli::JsonlArgs;
use crate::pipeline::{Mode, Summary};
use crate::system::System;

/// Articles archived in one transaction.
const N_LINES_PER_BATCH: usize = 128;
/// The source of imported articles that name none.
const IMPORT_SOURCE: &str = "import";

/// A line as `extract` prints it; unknown fields are passed over.
#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    id: Value,
    url: Option<String>,
    canonical_url: Option<String>,
    source: Option<String>,
    title: Option<String>,
    authors: Option<Vec<String>>,
    text: Option<String>,
    language: Option<String>,
    site_name: Option<String>,
    published_at: Option<String>,
    modified_at: Option<String>,
    image: Option<String>,
    section: Option<String>,
    tags: Option<Vec<String>>,
    is_paywall_stub: Option<bool>,
    error: Option<String>,
}

/// What became of the lines.
#[derive(Default)]
struct Counts {
    n_new: u64,
    n_known: u64,
}

pub(super) fn run(setup: Setup, args: &JsonlArgs) -> anyhow::Result<ExitCode> {
    let quiet = setup.args.quiet;
    let runtime = super::runtime()?;
    let system = runtime.block_on(System::open(setup.config))?;
    runtime.block_on(async { super::stop_on_signal(system.shutdown.clone()) });
    let mut counts = Counts::default();
    let mut failure = None;
    // Lines that fail are answered at once; for the others the counts at the end speak.
    let tally = jsonl::convert_silently(&args.file, N_LINES_PER_BATCH, quiet, |lines| {
        if system.shutdown.is_cancelled() || failure.is_some() {
            return lines.into_iter().map(|_| Ok(Value::Null)).collect();
        }
        let now = super::now();
        let read: Vec<Result<Article, LineError>> =
            lines.into_iter().map(|it| article(it, now)).collect();
        let articles: Vec<Article> = read.iter().flatten().cloned().collect();
        match runtime.block_on(system.archive.record_articles(&articles)) {
            Ok(recorded) => {
                let n_new = recorded.iter().filter(|it| **it == Recorded::Inserted).count();
                counts.n_new += n_new as u64;
                counts.n_known += (recorded.len() - n_new) as u64;
            }
            Err(error) => failure = Some(error),
        }
        read.into_iter().map(|it| it.map(|_| Value::Null)).collect()
    })?;
    if let Some(error) = failure {
        return Err(error.into());
    }
    let summary = read_and_index(&runtime, system, quiet)?;
    let answer = json!({
        "articles_new": counts.n_new,
        "articles_known": counts.n_known,
        "lines_failed": tally.n_failed,
        "annotated": summary.n_annotated,
        "statements": summary.n_statements,
        "indexed": summary.n_indexed,
    });
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, &answer)?;
    writeln!(out)?;
    Ok(super::exit_code(tally))
}

/// Annotates and indexes what waits in the archive.
pub(super) fn read_and_index(
    runtime: &tokio::runtime::Runtime,
    system: System,
    quiet: bool,
) -> anyhow::Result<Summary> {
    let progress = super::spinner(quiet);
    let shown = progress.clone();
    let summary = runtime.block_on(system.run(Mode::Offline, move |so_far| {
        let (n_annotated, n_indexed) = (so_far.n_annotated, so_far.n_indexed);
        shown.set_message(format!("{n_annotated} annotated, {n_indexed} indexed"));
    }))?;
    progress.finish_and_clear();
    Ok(summary)
}

fn article(line: Line, now: DateTime<Utc>) -> Result<Article, LineError> {
    let object = line?;
    let error = |message: String| LineError::of(&object, message);
    let input = Input::deserialize(&object)
        .map_err(|cause| error(format!("the line is no article: {cause}")))?;
    if let Some(cause) = input.error {
        return Err(error(format!("extraction had failed: {cause}")));
    }
    let text = input.text.filter(|it| !it.trim().is_empty());
    let text = text.ok_or_else(|| error("the line has no `text`".to_owned()))?;
    let url = url_of(input.url.as_deref(), &input.id).map_err(&error)?;
    let published_at = published_at(input.published_at.as_deref(), now).map_err(&error)?;
    let modified_at = input.modified_at.as_deref().and_then(super::parse_date);
    let details = Details {
        modified_at: modified_at.and_then(|it| ingest::date::plausible(it, now)),
        image: input.image.filter(|it| it.len() <= IMAGE_BYTES_MAX),
        section: input.section,
        tags: input.tags.unwrap_or_default(),
        is_paywall_stub: input.is_paywall_stub.unwrap_or_default(),
        n_pages: 1,
    };
    Ok(Article {
        id: ArticleId::of(&url),
        canonical_url: input.canonical_url.and_then(|it| CanonicalUrl::parse(&it).ok()),
        url,
        source: SourceId::new(input.source.unwrap_or_else(|| IMPORT_SOURCE.to_owned())),
        title: input.title.unwrap_or_default(),
        authors: input.authors.unwrap_or_default(),
        page_sha256: ingest::article::sha256_hex(text.as_bytes()),
        text: text.chars().take(ingest::article::TEXT_CHARS_MAX).collect(),
        language: input.language,
        site_name: input.site_name,
        published_at,
        fetched_at: now,
        details,
    })
}

/// The address of a line. Without one the id stands for it, so that a second import finds the
/// article again.
pub(super) fn url_of(url: Option<&str>, id: &Value) -> Result<CanonicalUrl, String> {
    match url {
        Some(url) => CanonicalUrl::parse(url).map_err(|cause| cause.to_string()),
        None => imported_url(id)
            .ok_or_else(|| "the line has neither `url` nor a usable `id`".to_owned()),
    }
}

/// The publication date of a line; one that cannot be true counts as unknown.
pub(super) fn published_at(
    text: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, String> {
    let Some(text) = text else { return Ok(None) };
    let read = super::parse_date(text);
    let read = read.ok_or_else(|| format!("`published_at` is no date: `{text}`"))?;
    Ok(ingest::date::plausible(read, now))
}

/// An address under a reserved name that stands for the id of a line without URL.
fn imported_url(id: &Value) -> Option<CanonicalUrl> {
    let id = super::text_of_id(id);
    if id.is_empty() {
        return None;
    }
    let mut url = url::Url::parse("http://import.harbinger.invalid/").ok()?;
    url.path_segments_mut().ok()?.push(&id);
    CanonicalUrl::parse(url.as_str()).ok()
}
