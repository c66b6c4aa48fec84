//! Counts for metrics and the status page, and small facts under a name.

use config::SourceId;
use serde::Serialize;
use sqlx::{Any, Row, Transaction};

use super::value::{get, get_count};
use super::{Archive, ArchiveError};

/// Counts the sources that failed at their last poll, by an index of these alone.
pub(super) const N_FAILING: &str =
    "SELECT COUNT(*) AS n FROM sources WHERE is_active = 1 AND failure_class IS NOT NULL";

/// How much of everything the archive holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ArchiveCounts {
    /// Archived articles.
    pub n_articles: u64,
    /// Articles that wait for annotation.
    pub n_unannotated: u64,
    /// Entries never tried, or given back.
    pub n_entries_pending: u64,
    /// Entries in the hands of a worker.
    pub n_entries_leased: u64,
    /// Entries to be tried again.
    pub n_entries_failed: u64,
    /// Entries given up.
    pub n_entries_dead: u64,
    /// Entries that became articles.
    pub n_entries_done: u64,
    /// Stories.
    pub n_stories: u64,
    /// Statements.
    pub n_statements: u64,
    /// Entities.
    pub n_entities: u64,
    /// Saved searches.
    pub n_searches: u64,
    /// The last number of the index feed.
    pub index_seq: i64,
    /// Failures since the archive was made, by stage and class.
    pub failures: Vec<FailureCount>,
}

/// How often one class of failure happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureCount {
    /// `poll`, `crawl`…
    pub stage: String,
    /// Class of [`super::sources::Failure`].
    pub class: String,
    /// Times.
    pub n: u64,
}

impl Archive {
    /// Counts everything. Reads indexes only, yet takes milliseconds per 100 000 articles: ask
    /// every few seconds at most.
    pub async fn counts(&self) -> Result<ArchiveCounts, ArchiveError> {
        self.tried("count the archive", async {
            let row = sqlx::query(
                "SELECT (SELECT COUNT(*) FROM article_states) AS n_articles,
                     (SELECT COUNT(*) FROM article_states WHERE annotate_at IS NOT NULL)
                         AS n_unannotated,
                     (SELECT COUNT(*) FROM stories) AS n_stories,
                     (SELECT COUNT(*) FROM statements) AS n_statements,
                     (SELECT COUNT(*) FROM entities) AS n_entities,
                     (SELECT COUNT(*) FROM saved_searches WHERE is_deleted = 0) AS n_searches,
                     (SELECT value FROM counters WHERE name = 'index_seq') AS index_seq",
            )
            .fetch_one(&self.reader)
            .await?;
            let mut counts = ArchiveCounts {
                n_articles: get_count(&row, "n_articles")?,
                n_unannotated: get_count(&row, "n_unannotated")?,
                n_stories: get_count(&row, "n_stories")?,
                n_statements: get_count(&row, "n_statements")?,
                n_entities: get_count(&row, "n_entities")?,
                n_searches: get_count(&row, "n_searches")?,
                index_seq: get(&row, "index_seq")?,
                ..ArchiveCounts::default()
            };
            let states = "SELECT state, COUNT(*) AS n FROM entries GROUP BY state";
            for row in sqlx::query(states).fetch_all(&self.reader).await? {
                let n = get_count(&row, "n")?;
                match get::<&str>(&row, "state")? {
                    "pending" => counts.n_entries_pending = n,
                    "leased" => counts.n_entries_leased = n,
                    "failed" => counts.n_entries_failed = n,
                    "dead" => counts.n_entries_dead = n,
                    _ => counts.n_entries_done = n,
                }
            }
            let failures = "SELECT stage, class, n FROM failure_counts ORDER BY stage, class";
            for row in sqlx::query(failures).fetch_all(&self.reader).await? {
                counts.failures.push(FailureCount {
                    stage: get(&row, "stage")?,
                    class: get(&row, "class")?,
                    n: get_count(&row, "n")?,
                });
            }
            Ok(counts)
        })
        .await
    }

    /// How many of the sources that are polled failed at their last poll. Cheap: every page asks.
    pub async fn n_failing_sources(&self) -> Result<u64, ArchiveError> {
        self.tried("count the sources that fail", async {
            get_count(&sqlx::query(N_FAILING).fetch_one(&self.reader).await?, "n")
        })
        .await
    }

    /// How many sources are polled, those among them that were not asked yet.
    pub async fn n_polled_sources(&self) -> Result<u64, ArchiveError> {
        self.tried("count the sources that are polled", async {
            let count = "SELECT COUNT(*) AS n FROM sources WHERE is_active = 1 AND id <> $1";
            let count = sqlx::query(count).bind(SourceId::SUBMITTED);
            get_count(&count.fetch_one(&self.reader).await?, "n")
        })
        .await
    }

    /// Counts a failure that belongs to no source or entry, such as an article that could not be
    /// annotated. `stage` and `class` are short kebab-case names.
    pub async fn count_failure(&self, stage: &str, class: &str) -> Result<(), ArchiveError> {
        self.tried(format!("count a failure of stage {stage}"), async {
            let mut tx = self.begin().await?;
            count_failure(&mut tx, stage, class).await?;
            tx.commit().await
        })
        .await
    }

    /// The fact kept under `key`; `None` when there is none.
    pub async fn meta_get(&self, key: &str) -> Result<Option<String>, ArchiveError> {
        self.tried(format!("read the fact `{key}`"), async {
            let row = sqlx::query("SELECT value FROM meta WHERE key = $1")
                .bind(key)
                .fetch_optional(&self.reader)
                .await?;
            row.map(|it| it.try_get(0)).transpose()
        })
        .await
    }

    /// Keeps `value` under `key`, in place of what was there.
    pub async fn meta_set(&self, key: &str, value: &str) -> Result<(), ArchiveError> {
        self.tried(format!("keep the fact `{key}`"), keep_fact(&self.writer, key, value)).await
    }
}

/// Keeps `value` under `key`, in place of what was there.
pub(super) async fn keep_fact(
    to: impl sqlx::Executor<'_, Database = Any>,
    key: &str,
    value: &str,
) -> Result<(), sqlx::Error> {
    let keep = "INSERT INTO meta (key, value) VALUES ($1, $2)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    sqlx::query(keep).bind(key).bind(value).execute(to).await.map(|_| ())
}

/// Adds one to the failures of `class` in `stage`.
pub(super) async fn count_failure(
    tx: &mut Transaction<'static, Any>,
    stage: &str,
    class: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO failure_counts (stage, class, n) VALUES ($1, $2, 1)
         ON CONFLICT (stage, class) DO UPDATE SET n = failure_counts.n + 1",
    )
    .bind(stage)
    .bind(class)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}
