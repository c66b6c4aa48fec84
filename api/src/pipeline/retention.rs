//! Retention: deletes what is older than the settings say, and forgets what nobody asks for any more,
//! once a day; and every hour what was deleted and can no longer be brought back.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use index::archive::audit::AuditEntry;
use index::archive::retention::Pruned;
use index::archive::{Archive, ArchiveError};
use ingest::warc_writer::{WARC_FOLDER, remove_unused};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Shared;
use crate::undo;

/// Time between two looks at what was deleted.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Such looks between two looks at what is old.
const N_LOOKS_A_DAY: u64 = 24;
/// Time between two steps, in which others write.
const PAUSE: Duration = Duration::from_millis(20);

/// Deletes what is old until the pipeline stops. What fails is tried again an hour or a day later.
pub(super) async fn run(shared: Arc<Shared>) -> anyhow::Result<()> {
    let mut n_looks: u64 = 0;
    while !shared.shutdown.is_cancelled() {
        let since = undo::since((shared.now)());
        if let Err(error) = shared.archive.forget_deleted(since).await {
            warn!("{:#}; trying again in an hour", anyhow::Error::from(error));
        }
        if n_looks.is_multiple_of(N_LOOKS_A_DAY)
            && let Err(error) = prune_and_forget(&shared).await
        {
            warn!("{:#}; trying again tomorrow", anyhow::Error::from(error));
        }
        n_looks += 1;
        tokio::select! {
            () = shared.shutdown.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
    Ok(())
}

async fn prune_and_forget(shared: &Shared) -> Result<(), ArchiveError> {
    let (settings, now) = (&shared.config.settings, (shared.now)());
    if let Some(days) = settings.retention.articles_days {
        let folder = settings.data_dir.join(WARC_FOLDER);
        let before = cutoff(now, days);
        prune(&shared.archive, &folder, before, now, "retention", &shared.shutdown).await?;
        shared.annotations_added.notify_one();
    }
    // Older articles raise no alerts.
    let late = TimeDelta::days(settings.alerts.backfill_after_days.into());
    while !shared.shutdown.is_cancelled() && 0 < shared.archive.forget_told(late, now).await? {
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// The instant before which everything is old.
pub(crate) fn cutoff(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    now - TimeDelta::days(days.into())
}

/// Deletes everything from before `before` in small transactions, until `stop`, and the WARC files
/// in `folder` of which no article is left; then notes in the audit log, in the name of `who`, how
/// much that was.
pub(crate) async fn prune(
    archive: &Archive,
    folder: &Path,
    before: DateTime<Utc>,
    now: DateTime<Utc>,
    who: &str,
    stop: &CancellationToken,
) -> Result<Pruned, ArchiveError> {
    let mut total = Pruned::default();
    let outcome = loop {
        if stop.is_cancelled() {
            break Ok(());
        }
        match archive.prune_step(before, now).await {
            Ok(step) if step == Pruned::default() => break Ok(()),
            Ok(step) => {
                total.n_articles += step.n_articles;
                total.n_entries += step.n_entries;
            }
            Err(error) => break Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    };
    let (n_files, n_bytes) = match outcome.is_ok() && !stop.is_cancelled() {
        true => remove_evidence(archive, folder, now).await?,
        false => (0, 0),
    };
    if total != Pruned::default() || 0 < n_files {
        let mut subject = format!(
            "{} articles and {} finished entries from before {}",
            total.n_articles,
            total.n_entries,
            before.format("%Y-%m-%d %H:%M"),
        );
        if 0 < n_files {
            let n_mib = n_bytes.div_ceil(1 << 20);
            subject.push_str(&format!(", {n_files} WARC files ({n_mib} MiB)"));
        }
        info!(articles.n = total.n_articles, entries.n = total.n_entries, "deleted {subject}");
        let entry = AuditEntry {
            at: now,
            who: who.to_owned(),
            action: "prune".to_owned(),
            subject,
            outcome: if outcome.is_ok() { "ok" } else { "broken off" }.to_owned(),
            request_id: None,
        };
        archive.record_audit(&entry).await?;
    }
    outcome.map(|()| total)
}

/// Deletes the WARC files in which no article's evidence lies any more. What cannot be deleted is
/// tried again the next day.
async fn remove_evidence(
    archive: &Archive,
    folder: &Path,
    now: DateTime<Utc>,
) -> Result<(u64, u64), ArchiveError> {
    let used = archive.evidence_files().await?;
    let folder = folder.to_owned();
    let name = folder.display().to_string();
    let removed = tokio::task::spawn_blocking(move || remove_unused(&folder, &used, now)).await;
    Ok(removed.map_err(std::io::Error::other).flatten().unwrap_or_else(|error| {
        warn!("old WARC files in {name} cannot be deleted: {error}; trying again tomorrow");
        (0, 0)
    }))
}
