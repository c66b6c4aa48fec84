//! Evidence: where the answers lie from which articles were read.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use ingest::ArticleId;
use ingest::warc_writer::RecordPlace;
use sqlx::any::AnyRow;

use super::value::{get, get_count, micros};
use super::{Archive, ArchiveError};

impl Archive {
    /// Notes where the answer lies from which an article was read; of one that was deleted nothing.
    pub async fn record_evidence(
        &self,
        article: &ArticleId,
        page_sha256: &str,
        place: &RecordPlace,
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried(format!("note the evidence of article {article}"), async {
            sqlx::query(
                "INSERT INTO article_evidence
                     (article_id, page_sha256, file, first_byte, n_bytes, recorded_at)
                 SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT),
                     CAST($5 AS BIGINT), CAST($6 AS BIGINT)
                 WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE article_id = CAST($1 AS TEXT))
                 ON CONFLICT (article_id, page_sha256) DO NOTHING",
            )
            .bind(article.to_string())
            .bind(page_sha256)
            .bind(place.file.as_str())
            .bind(place.offset as i64)
            .bind(place.n_bytes as i64)
            .bind(micros(now))
            .execute(&self.writer)
            .await
            .map(|_| ())
        })
        .await
    }

    /// Where the answer with this hash lies; `None` when it was not kept.
    pub async fn evidence(
        &self,
        article: &ArticleId,
        page_sha256: &str,
    ) -> Result<Option<RecordPlace>, ArchiveError> {
        self.tried(format!("look for the evidence of article {article}"), async {
            let row = sqlx::query(
                "SELECT * FROM article_evidence WHERE article_id = $1 AND page_sha256 = $2",
            )
            .bind(article.to_string())
            .bind(page_sha256)
            .fetch_optional(&self.reader)
            .await?;
            let place = |row: &AnyRow| {
                Ok(RecordPlace {
                    file: get(row, "file")?,
                    offset: get_count(row, "first_byte")?,
                    n_bytes: get_count(row, "n_bytes")?,
                })
            };
            row.as_ref().map(place).transpose()
        })
        .await
    }

    /// Names of the files in which any evidence lies.
    pub async fn evidence_files(&self) -> Result<BTreeSet<String>, ArchiveError> {
        self.tried("list the files of evidence", async {
            let rows = sqlx::query("SELECT DISTINCT file FROM article_evidence")
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(|it| get(it, "file")).collect()
        })
        .await
    }
}
