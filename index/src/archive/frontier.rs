//! The frontier: entries that wait to become articles.
//!
//! An entry is `pending`, `leased`, `failed` (to be tried again), `done` or `dead`. Its `due_at`
//! says when it may be claimed next, so a lease that runs out needs no clean-up: it is due again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::{ArticleId, Entry};
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::counts::count_failure;
use super::value::{clean, get, get_instant_opt, get_parsed, get_parsed_opt, micros, unreadable};
use super::{Archive, ArchiveError};

/// An entry that this worker holds until its lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedEntry {
    /// The entry.
    pub entry: Entry,
    /// How many times it has been claimed, this time included; from 1. Also counts attempts that
    /// a crash ended.
    pub attempts: u32,
}

/// How many entries to claim and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// At most so many entries.
    pub limit: usize,
    /// At most so many entries of one source in the hands of all workers together.
    pub per_source_max: usize,
    /// After that time the entry may be claimed again, by anyone.
    pub lease: Duration,
}

/// A source that has due entries, and how many more of them may be out.
#[derive(Debug)]
struct Queue {
    source: SourceId,
    n_free: usize,
}

impl Archive {
    /// Claims due entries of active sources, first come first served within a source and shared
    /// evenly between sources. Two workers never get the same entry.
    pub async fn claim_entries(
        &self,
        claim: Claim,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedEntry>, ArchiveError> {
        self.tried("claim entries", async {
            let mut queues = self.queues(claim, now).await?;
            if queues.is_empty() || claim.limit == 0 {
                return Ok(Vec::new());
            }
            let mut tx = self.begin().await?;
            let mut claimed = Vec::new();
            while !queues.is_empty() && claimed.len() < claim.limit {
                let share = (claim.limit - claimed.len()).div_ceil(queues.len());
                let mut unfinished = Vec::new();
                for mut queue in queues {
                    let n = share.min(queue.n_free).min(claim.limit - claimed.len());
                    let taken = self.take(&mut tx, &queue.source, n, claim.lease, now).await?;
                    let is_drained = taken.len() < n;
                    queue.n_free -= taken.len();
                    claimed.extend(taken);
                    if !is_drained && 0 < queue.n_free {
                        unfinished.push(queue);
                    }
                }
                queues = unfinished;
            }
            tx.commit().await?;
            Ok(claimed)
        })
        .await
    }

    /// Active sources with due entries and room under the limit, longest waiting first.
    async fn queues(&self, claim: Claim, now: DateTime<Utc>) -> Result<Vec<Queue>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT id, n_out FROM (
                 SELECT sources.id,
                     (SELECT MIN(due_at) FROM entries WHERE source_id = sources.id
                      AND due_at IS NOT NULL) AS due_at,
                     (SELECT COUNT(*) FROM entries WHERE source_id = sources.id
                      AND leased_by IS NOT NULL AND $1 < due_at) AS n_out
                 FROM sources WHERE is_active = 1
             ) AS queue
             WHERE due_at <= $1 ORDER BY due_at, id",
        )
        .bind(micros(now))
        .fetch_all(&self.reader)
        .await?;
        let mut queues = Vec::with_capacity(rows.len());
        for row in &rows {
            let n_out = get::<i64>(row, "n_out")?.max(0) as usize;
            let n_free = claim.per_source_max.saturating_sub(n_out);
            if 0 < n_free {
                queues.push(Queue { source: SourceId::new(get::<String>(row, "id")?), n_free });
            }
        }
        Ok(queues)
    }

    async fn take(
        &self,
        tx: &mut Transaction<'static, Any>,
        source: &SourceId,
        n: usize,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> Result<Vec<ClaimedEntry>, sqlx::Error> {
        if n == 0 {
            return Ok(Vec::new());
        }
        let take = format!(
            "UPDATE entries SET state = 'leased', attempts = attempts + 1, due_at = $4,
                 leased_by = $5
             WHERE id IN (
                 SELECT id FROM entries WHERE source_id = $1 AND due_at <= $2
                 ORDER BY due_at, position LIMIT $3 {})
             RETURNING id, url, source_id, title, summary, published_at, guid, text, attempts,
                 position",
            self.dialect.skip_locked(),
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(take))
            .bind(source.as_str())
            .bind(micros(now))
            .bind(n as i64)
            .bind(micros(now).saturating_add(lease.as_micros() as i64))
            .bind(&*self.worker_id)
            .fetch_all(&mut **tx)
            .await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            taken.push((get::<i64>(row, "position")?, read_claimed(row)?));
        }
        taken.sort_by_key(|it| it.0);
        Ok(taken.into_iter().map(|it| it.1).collect())
    }

    /// Gives claimed entries back untried, so that the attempt does not count; they may be claimed
    /// again from `due_at` on.
    ///
    /// Entries that this worker does not hold any more are left alone.
    pub async fn release_entries(
        &self,
        ids: &[ArticleId],
        due_at: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        let release = format!(
            "UPDATE entries SET state = 'pending', attempts = attempts - 1, due_at = $2,
                 leased_by = NULL
             WHERE id IN {} AND leased_by = $3",
            self.dialect.list(1),
        );
        self.tried("give entries back", async {
            sqlx::query(sqlx::AssertSqlSafe(release))
                .bind(super::value::to_json(&ids))
                .bind(micros(due_at))
                .bind(&*self.worker_id)
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Lets this worker hold a claimed entry until `ends_at`, unless it does not hold it any more.
    pub async fn extend_lease(
        &self,
        id: &ArticleId,
        ends_at: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried(format!("hold entry {id} for longer"), async {
            sqlx::query("UPDATE entries SET due_at = $2 WHERE id = $1 AND leased_by = $3")
                .bind(id.to_string())
                .bind(micros(ends_at))
                .bind(&*self.worker_id)
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Records that fetching or extracting an entry failed, and counts the failure.
    ///
    /// `retry_at` is when to try again; `None` gives the entry up.
    pub async fn record_entry_failure(
        &self,
        id: &ArticleId,
        failure: &super::sources::Failure,
        retry_at: Option<DateTime<Utc>>,
    ) -> Result<(), ArchiveError> {
        self.tried(format!("record the failure of entry {id}"), async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE entries SET state = $2, due_at = $3, leased_by = NULL,
                     failure_class = $4, failure_message = $5
                 WHERE id = $1 AND state <> 'done'",
            )
            .bind(id.to_string())
            .bind(if retry_at.is_some() { "failed" } else { "dead" })
            .bind(retry_at.map(micros))
            .bind(failure.class.as_str())
            .bind(&*clean(&failure.message))
            .execute(&mut *tx)
            .await?;
            count_failure(&mut tx, "crawl", &failure.class).await?;
            tx.commit().await
        })
        .await
    }

    /// Entries of active sources that are not finished: waiting, to be tried again, or claimed.
    pub async fn n_pending(&self) -> Result<u64, ArchiveError> {
        self.tried("count waiting entries", async {
            let waiting = "SELECT COUNT(*) AS n FROM entries
                 JOIN sources ON sources.id = entries.source_id
                 WHERE due_at IS NOT NULL AND is_active = 1";
            super::value::get_count(&sqlx::query(waiting).fetch_one(&self.reader).await?, "n")
        })
        .await
    }

    /// When the next entry of an active source is due (now or in the past, a retry, or the end of
    /// a lease); `None` when nothing waits.
    pub async fn next_wake_at(&self) -> Result<Option<DateTime<Utc>>, ArchiveError> {
        self.tried("find the next due entry", async {
            let earliest = "SELECT MIN(due_at) AS at FROM (
                     SELECT (SELECT MIN(due_at) FROM entries WHERE source_id = sources.id
                         AND due_at IS NOT NULL) AS due_at
                     FROM sources WHERE is_active = 1) AS queue";
            get_instant_opt(&sqlx::query(earliest).fetch_one(&self.reader).await?, "at")
        })
        .await
    }
}

fn read_claimed(row: &AnyRow) -> Result<ClaimedEntry, sqlx::Error> {
    let url: String = get(row, "url")?;
    Ok(ClaimedEntry {
        entry: Entry {
            id: get_parsed(row, "id")?,
            url: url.try_into().map_err(|error| unreadable("url", error))?,
            source: SourceId::new(get::<String>(row, "source_id")?),
            title: get(row, "title")?,
            summary: get(row, "summary")?,
            published_at: get_instant_opt(row, "published_at")?,
            guid: get_parsed_opt(row, "guid")?,
            text: get(row, "text")?,
        },
        attempts: get::<i64>(row, "attempts")?.clamp(0, u32::MAX.into()) as u32,
    })
}
