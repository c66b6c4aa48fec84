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
        // First of all, since whoever records a reading holds it before its entry, too; from here on,
        // nobody takes one in hand.
        let plan = format!(
            "INSERT INTO article_readings
                 (article_id, source_id, version, read_at, due_at, n_failures)
             SELECT DISTINCT articles.id, articles.source_id, 1, articles.fetched_at,
                 CAST($2 AS BIGINT), 0
             FROM {} JOIN entries ON entries.id = value ->> 0
                 JOIN articles ON articles.id = entries.id
             WHERE entries.source_id = $3 AND entries.state = 'done' AND value ->> 8 IS NOT NULL
                 AND COALESCE(entries.text_sha256, articles.page_sha256) <> value ->> 8
             ORDER BY articles.id
             ON CONFLICT (article_id) DO UPDATE SET due_at = excluded.due_at
             WHERE article_readings.leased_by IS NULL
             RETURNING article_id",
            self.dialect.rows(1),
        );
        let planned = sqlx::query(AssertSqlSafe(plan))
            .bind(rows)
            .bind(micros(now))
            .bind(source.as_str())
            .fetch_all(&mut **tx)
            .await?;
        if planned.is_empty() {
            return Ok(());
        }
        let ids = planned.iter().map(|it| get(it, "article_id"));
        let ids = ids.collect::<Result<Vec<&str>, _>>()?;
        let keep = format!(
            "UPDATE entries SET text = value ->> 6, text_sha256 = value ->> 8 FROM {}
             WHERE entries.id = value ->> 0 AND value ->> 8 IS NOT NULL AND entries.id IN {}",
            self.dialect.rows(1),
            self.dialect.list(2),
        );
        sqlx::query(AssertSqlSafe(keep))
            .bind(rows)
            .bind(to_json(&ids))
            .execute(&mut **tx)
            .await
            .map(|_| ())
    }
}

/// Takes headline, summary and text from the entries of all addresses that led to `article`, of which
/// nothing is to be kept. The entries stay, so that their feeds do not bring them anew.
pub(super) async fn blank_entries(
    tx: &mut Transaction<'static, Any>,
    article: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE entries SET title = NULL, summary = NULL, text = NULL WHERE id IN
             (SELECT address_id FROM article_addresses WHERE article_id = $1 AND is_shared = 0)",
    )
    .bind(article)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// Forgets the text that waited to be read, by the hash of what was read, within the transaction that
/// records the reading and planned the next one. Another text came since, when whoever read this one
/// was late: it is due now.
pub(super) async fn forget_text(
    tx: &mut Transaction<'static, Any>,
    article: &str,
    read_sha256: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE entries SET text = NULL
         WHERE id = $1 AND state = 'done' AND text IS NOT NULL AND text_sha256 = $2",
    )
    .bind(article)
    .bind(read_sha256)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE article_readings SET due_at = $3 WHERE article_id = $1 AND EXISTS
             (SELECT 1 FROM entries WHERE id = $1 AND state = 'done' AND text IS NOT NULL
              AND text_sha256 <> $2)",
    )
    .bind(article)
    .bind(read_sha256)
    .bind(micros(now))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}
