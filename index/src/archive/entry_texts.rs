//! Entries that hold the text of their article themselves: another text is a version of the same
//! article, as an edited page is.

use chrono::{DateTime, Utc};
use config::SourceId;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Archive;
use super::value::{get, micros, to_json};

impl Archive {
    /// Lets articles be read again whose text their source now gives otherwise, within the transaction
    /// that records the poll; the text waits with its entry. One in hand waits for the next poll.
    /// `rows` is a JSON array of arrays, with the text at place 6 and its hash at place 8.
    pub(super) async fn plan_for_new_texts(
        &self,
        tx: &mut Transaction<'static, Any>,
        source: &SourceId,
        rows: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let keep = format!(
            "UPDATE entries SET text = value ->> 6, text_sha256 = value ->> 8 FROM {}
             WHERE entries.id = value ->> 0 AND entries.source_id = $2 AND entries.state = 'done'
                 AND value ->> 8 IS NOT NULL
                 AND EXISTS (SELECT 1 FROM articles WHERE articles.id = entries.id
                     AND COALESCE(entries.text_sha256, articles.page_sha256) <> value ->> 8)
                 AND NOT EXISTS (SELECT 1 FROM article_readings
                     WHERE article_readings.article_id = entries.id
                     AND article_readings.leased_by IS NOT NULL)
             RETURNING entries.id AS entry_id",
            self.dialect.rows(1),
        );
        let changed = sqlx::query(AssertSqlSafe(keep))
            .bind(rows)
            .bind(source.as_str())
            .fetch_all(&mut **tx)
            .await?;
        if changed.is_empty() {
            return Ok(());
        }
        let ids = changed.iter().map(|it| get(it, "entry_id"));
        let ids = ids.collect::<Result<Vec<&str>, _>>()?;
        let plan = format!(
            "INSERT INTO article_readings
                 (article_id, source_id, version, read_at, due_at, n_failures)
             SELECT articles.id, articles.source_id, 1, articles.fetched_at, CAST($2 AS BIGINT), 0
             FROM articles WHERE articles.id IN {}
             ON CONFLICT (article_id) DO UPDATE SET due_at = excluded.due_at",
            self.dialect.list(1),
        );
        sqlx::query(AssertSqlSafe(plan))
            .bind(to_json(&ids))
            .bind(micros(now))
            .execute(&mut **tx)
            .await
            .map(|_| ())
    }
}

/// Forgets the text that waited to be read, within the transaction that records the reading.
pub(super) async fn forget_text(
    tx: &mut Transaction<'static, Any>,
    article: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE entries SET text = NULL WHERE id = $1 AND state = 'done'")
        .bind(article)
        .execute(&mut **tx)
        .await
        .map(|_| ())
}
