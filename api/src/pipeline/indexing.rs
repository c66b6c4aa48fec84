//! Index stage: the thread that owns the index writer. It follows the archive's sequence of
//! changes, so after any crash it goes on exactly where the last commit ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use index::writer::{IndexError, IndexWriterStage, Opened};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::{Shared, add};
use crate::state::Readiness;

/// Articles read from the archive at once.
const N_ARTICLES_PER_READ: usize = 200;
/// Articles between two commits while the index catches up: nobody waits for the newest yet, and few
/// large commits are faster than many small ones.
const N_ARTICLES_CATCHING_UP: usize = 10_000;
/// Longest time between two commits while the index catches up, which a crash would repeat.
const CATCHING_UP_TIME_MAX: Duration = Duration::from_secs(30);
/// Pause after a failed write, e.g. on a full disk, before the next try.
const RETRY_PAUSE: Duration = Duration::from_secs(5);
/// Failed writes in a row after which the pipeline stops.
const N_FAILURES_MAX: u32 = 5;

/// Articles applied but not committed.
struct Batch {
    /// Articles added or removed.
    n: usize,
    n_added: usize,
    highest_seq: i64,
    since: Instant,
}

/// Indexes until the pipeline stops; in `Once` mode until correlation is done and all is indexed.
pub(super) fn run(
    shared: &Shared,
    mut writer: IndexWriterStage,
    readiness: &Arc<Readiness>,
    runtime: Handle,
) -> anyhow::Result<()> {
    let target = runtime.block_on(shared.archive.last_index_change())?;
    announce(&writer, target);
    let mut n_failures = 0;
    loop {
        let is_ready = target <= writer.committed_seq();
        if is_ready && !readiness.index() {
            readiness.set_index(true);
        }
        shared.committed_seq.store(writer.committed_seq(), Ordering::Relaxed);
        let may_end = shared.shutdown.is_cancelled()
            || shared.correlate_done.is_cancelled()
                && !shared.goes_on_after(&shared.correlate_done);
        let n_indexed = match index_tail(shared, &mut writer, &runtime, target) {
            Ok(n_indexed) => {
                n_failures = 0;
                n_indexed
            }
            Err(StageError::Archive(error)) => return Err(error.into()),
            Err(StageError::Index(error)) => {
                n_failures += 1;
                metrics::counter!("harbinger_index_failures_total").increment(1);
                if N_FAILURES_MAX <= n_failures || may_end {
                    return Err(error.into());
                }
                warn!("{:#}; trying again", anyhow::Error::from(error));
                std::thread::sleep(RETRY_PAUSE);
                continue;
            }
        };
        if n_indexed == 0 {
            if may_end {
                break;
            }
            runtime.block_on(shared.idle(&shared.annotations_added, &shared.correlate_done));
        }
    }
    writer.close()?;
    Ok(())
}

fn announce(writer: &IndexWriterStage, archived_seq: i64) {
    match writer.opened() {
        Opened::Existing => {}
        Opened::New if archived_seq == 0 => info!("the search index is new and empty"),
        Opened::New => warn!("the search index is missing; it is rebuilt from the archive"),
        Opened::Rebuilt(reason) => {
            warn!("the search index was not usable ({reason}); it is rebuilt from the archive");
        }
    }
}

enum StageError {
    Archive(index::archive::ArchiveError),
    Index(IndexError),
}

/// Indexes what the archive has after the last commit, until there is no more or a commit is due.
/// Up to `target`, what was archived before the start, commits are rarer.
fn index_tail(
    shared: &Shared,
    writer: &mut IndexWriterStage,
    runtime: &Handle,
    target: i64,
) -> Result<usize, StageError> {
    let settings = &shared.config.settings.index;
    let is_live = target <= writer.committed_seq();
    let (n_max, age_max) = if is_live {
        let age_max = Duration::from_millis(settings.commit_interval_ms.into());
        (settings.n_articles_per_commit_max, age_max)
    } else {
        (settings.n_articles_per_commit_max.max(N_ARTICLES_CATCHING_UP), CATCHING_UP_TIME_MAX)
    };
    let mut batch =
        Batch { n: 0, n_added: 0, highest_seq: writer.committed_seq(), since: Instant::now() };
    loop {
        let read = shared.archive.index_changes_after(batch.highest_seq, N_ARTICLES_PER_READ);
        let mut changes = runtime.block_on(read).map_err(StageError::Archive)?;
        for article in &mut changes.articles {
            shared.archive.countries().fill(article);
        }
        if let Some(last) = changes.last_seq {
            writer.apply(&changes.articles).map_err(StageError::Index)?;
            writer.remove(&changes.removed).map_err(StageError::Index)?;
            // What changed again since it was listed counts too: the number is to be committed.
            batch.n += (changes.articles.len() + changes.removed.len()).max(1);
            batch.n_added += changes.articles.len();
            batch.highest_seq = last;
        }
        let has_caught_up = !is_live && target <= batch.highest_seq;
        let is_due = n_max <= batch.n
            || has_caught_up
            || age_max <= batch.since.elapsed()
            || shared.shutdown.is_cancelled()
            || shared.correlate_done.is_cancelled();
        if changes.last_seq.is_none() && (batch.n == 0 || is_due) {
            break;
        }
        if changes.last_seq.is_none() {
            // A little patience makes fewer, larger commits.
            runtime.block_on(shared.idle_for(
                &shared.annotations_added,
                &shared.correlate_done,
                age_max.saturating_sub(batch.since.elapsed()),
            ));
        } else if is_due {
            break;
        }
    }
    if 0 < batch.n {
        commit(writer, &batch).map_err(StageError::Index)?;
        add(&shared.counts.n_indexed, batch.n_added as u64);
    }
    Ok(batch.n)
}

fn commit(writer: &mut IndexWriterStage, batch: &Batch) -> Result<(), IndexError> {
    let started = Instant::now();
    writer.commit(batch.highest_seq)?;
    let duration = started.elapsed();
    metrics::counter!("harbinger_indexed_articles_total").increment(batch.n_added as u64);
    metrics::histogram!("harbinger_index_commit_seconds").record(duration.as_secs_f64());
    info!(
        articles.n = batch.n_added,
        index.seq = batch.highest_seq,
        duration_ms = duration.as_millis() as u64,
        "indexed {} articles",
        batch.n_added,
    );
    Ok(())
}
