//! Imports of web archives: how far each file was read, in step with the articles it gave.

use ingest::Article;

use super::articles::{Recorded, insert_article};
use super::value::{clean, get, get_count, get_flag};
use super::{Archive, ArchiveError};

/// How far a file was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportState {
    /// What the file is known by.
    pub file_key: String,
    /// Its name, for people.
    pub name: String,
    /// Where to go on: first byte of a gzip member, or of a record.
    pub next_byte: u64,
    /// Records of that member that are done.
    pub n_done: u64,
    /// Whether the file's end was reached.
    pub is_done: bool,
}

impl Archive {
    /// Stores what a part of a file gave, and how far it was read, in one transaction; the answers
    /// are in input order.
    pub async fn record_import(
        &self,
        articles: &[Article],
        state: &ImportState,
    ) -> Result<Vec<Recorded>, ArchiveError> {
        self.tried(format!("record {} articles of {}", articles.len(), state.name), async {
            let mut tx = self.begin().await?;
            let mut recorded = Vec::with_capacity(articles.len());
            for article in articles {
                recorded.push(insert_article(&mut tx, article, None).await?);
            }
            sqlx::query(
                "INSERT INTO imports
                     (file_key, name, next_byte, n_done, is_done)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (file_key) DO UPDATE SET name = excluded.name,
                     next_byte = excluded.next_byte, n_done = excluded.n_done,
                     is_done = excluded.is_done",
            )
            .bind(state.file_key.as_str())
            .bind(&*clean(&state.name))
            .bind(state.next_byte as i64)
            .bind(state.n_done as i64)
            .bind(i64::from(state.is_done))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(recorded)
        })
        .await
    }

    /// How far the file was read; `None` when it never was.
    pub async fn import_state(&self, file_key: &str) -> Result<Option<ImportState>, ArchiveError> {
        self.tried("look how far a file was imported", async {
            let row = sqlx::query("SELECT * FROM imports WHERE file_key = $1")
                .bind(file_key)
                .fetch_optional(&self.reader)
                .await?;
            let Some(row) = row else { return Ok(None) };
            Ok(Some(ImportState {
                file_key: file_key.to_owned(),
                name: get(&row, "name")?,
                next_byte: get_count(&row, "next_byte")?,
                n_done: get_count(&row, "n_done")?,
                is_done: get_flag(&row, "is_done")?,
            }))
        })
        .await
    }
}
