//! Second looks: asks for the pages of articles again when the archive says so, to notice edits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use index::archive::versions::{DueReading, Reading, Reread};
use ingest::crawl::crawl_entry;
use ingest::fetch::Fetcher;
use ingest::{Entry, FailureClass};
use tracing::{Instrument, debug, info, info_span};

use super::{Mode, Shared, add};

/// Pages in hand at once; new articles come first.
const N_AT_ONCE: usize = 4;
/// How often the archive is asked what is due.
const CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Reads pages again until the pipeline stops; in `Once` mode until polling is done and none is
/// due.
pub(super) async fn run(shared: &Shared, fetcher: &Fetcher) -> anyhow::Result<()> {
    if !shared.config.settings.crawl.reread {
        return Ok(());
    }
    let lease = Duration::from_secs(shared.config.settings.crawl.lease_s.into());
    while !shared.shutdown.is_cancelled() {
        let is_polled = shared.poll_done.is_cancelled();
        let due = match shared.is_model_behind() {
            true => Vec::new(),
            false => shared.archive.claim_readings(N_AT_ONCE, (shared.now)(), lease).await?,
        };
        if due.is_empty() {
            if is_polled && shared.mode == Mode::Once && !shared.is_model_behind() {
                break;
            }
            tokio::select! {
                () = shared.shutdown.cancelled() => {}
                () = shared.poll_done.cancelled(), if !is_polled => {}
                () = tokio::time::sleep(CHECK_INTERVAL) => {}
            }
            continue;
        }
        let looks = due.into_iter().map(|it| {
            let span = info_span!("reread", source.id = %it.article.source);
            look(shared, fetcher, it).instrument(span)
        });
        let looks = futures::future::try_join_all(looks);
        tokio::select! {
            outcome = looks => drop(outcome?),
            // Those in hand come again when their lease ends.
            () = shared.shutdown.cancelled() => {}
        }
    }
    Ok(())
}

async fn look(shared: &Shared, fetcher: &Fetcher, due: DueReading) -> anyhow::Result<()> {
    let DueReading { article, headline } = due;
    let Some(listed) = crate::submitted::source(&shared.roster, &article.source) else {
        // Declared by another worker that shares the database: it may have the page, in time.
        return Ok(());
    };
    let entry = Entry {
        id: article.id,
        url: article.url.clone(),
        source: article.source.clone(),
        title: Some(headline),
        summary: None,
        published_at: article.published_at,
        text: None,
    };
    let now = (shared.now)();
    let n_chars_max = shared.config.settings.crawl.text_chars_max;
    let reading = match crawl_entry(fetcher, &listed.source, &entry, n_chars_max, now).await {
        Ok(crawled) => {
            let warc = shared.warc.as_ref();
            super::keep_evidence(warc, &shared.archive, &crawled, now).await?;
            Reading::Read(Box::new(crawled.article))
        }
        Err(failure) => {
            debug!(failure.class = failure.class.name(), "no second look: {}", failure.message);
            match failure.class {
                FailureClass::Http404 | FailureClass::Http410 => Reading::Gone,
                _ => Reading::Failed,
            }
        }
    };
    let outcome = shared.archive.record_reading(&article.id, &reading, now).await?;
    let class = match (outcome, &reading) {
        (Reread::Same, _) => "same",
        (Reread::Edited(_), _) => "edited",
        (Reread::Cut, _) => "cut",
        (Reread::Missed, Reading::Gone) => "gone",
        (Reread::Missed, _) => "failed",
    };
    metrics::counter!("harbinger_rereads_total", "class" => class).increment(1);
    if let Reread::Edited(version) = outcome {
        info!(article.id = %article.id, version, "{} was edited", article.url);
        add(&shared.counts.n_edited, 1);
        shared.n_unannotated.fetch_add(1, Ordering::Relaxed);
        shared.articles_added.notify_one();
    }
    Ok(())
}
