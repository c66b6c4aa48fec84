//! `harbinger fetch`: single pages, read as if a feed had named them.

use std::process::ExitCode;

use index::archive::articles::Recorded;
use index::archive::submissions::EntryState;
use ingest::crawl::crawl_entry;
use ingest::{ArticleId, CanonicalUrl, Entry};
use serde_json::{Value, json};

use super::jsonl::Tally;
use super::setup::Setup;
use crate::cli::FetchArgs;
use crate::pipeline::{keep_evidence, warc_writer};
use crate::submitted;
use crate::system::System;

pub(super) fn run(setup: Setup, args: &FetchArgs) -> anyhow::Result<ExitCode> {
    let quiet = setup.args.quiet;
    let runtime = super::runtime()?;
    let system = runtime.block_on(System::open(setup.config))?;
    runtime.block_on(async { super::stop_on_signal(system.shutdown.clone()) });
    let mut tally = Tally::default();
    for url in &args.urls {
        let (id, outcome) = runtime.block_on(fetch(&system, url))?;
        let (state, error) = match &outcome {
            Ok(state) => (json!(state), Value::Null),
            Err(error) => (Value::Null, json!(error)),
        };
        tally.n_ok += usize::from(outcome.is_ok());
        tally.n_failed += usize::from(outcome.is_err());
        let line = json!({"id": id, "url": url, "state": state, "error": error});
        super::say(&line.to_string())?;
        if system.shutdown.is_cancelled() {
            break;
        }
    }
    super::index_articles::read_and_index(&runtime, system, quiet)?;
    Ok(super::exit_code(tally))
}

/// The page's id, and `new` or `known`, or why there is no article. The error of the whole is the
/// archive's.
async fn fetch(
    system: &System,
    url: &str,
) -> anyhow::Result<(Option<ArticleId>, Result<&'static str, String>)> {
    let canonical = match CanonicalUrl::parse(url) {
        Ok(canonical) => canonical,
        Err(error) => return Ok((None, Err(error.to_string()))),
    };
    let listed = submitted::source_of_page(&system.roster, &canonical.to_url());
    let source = &listed.source;
    let entry = Entry::at(canonical, source.id.clone());
    let id = Some(entry.id);
    match system.archive.entry_state(&entry.id).await? {
        Some(EntryState::Archived) => {
            return Ok((system.archive.article_at(&entry.id).await?.or(id), Ok("known")));
        }
        Some(EntryState::Buried) => {
            return Ok((id, Err("this article was deleted, and stays so".to_owned())));
        }
        _ => {}
    }
    let n_chars_max = system.config.settings.crawl.text_chars_max;
    let now = super::now();
    let crawled = match crawl_entry(system.fetcher(), source, &entry, n_chars_max, now).await {
        Ok(crawled) => crawled,
        Err(failure) => return Ok((id, Err(failure.message))),
    };
    let warc = warc_writer(&system.config);
    keep_evidence(warc.as_ref(), &system.archive, &crawled, now).await?;
    let recorded = system.archive.record_article(&crawled.article, Some(&entry.id)).await?;
    let id = system.archive.article_at(&entry.id).await?.or(id);
    match recorded {
        Recorded::Inserted => Ok((id, Ok("new"))),
        Recorded::AlreadyThere => Ok((id, Ok("known"))),
        Recorded::Buried => Ok((id, Err("this article was deleted, and stays so".to_owned()))),
    }
}
