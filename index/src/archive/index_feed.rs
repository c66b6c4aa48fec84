//! The feed of the search index: annotated articles in the order in which they became ready.

use sqlx::{Any, Row, Transaction};

use super::articles::{STORED_ARTICLE, read_stored_article};
use super::{Archive, ArchiveError};
use crate::record::StoredArticle;

impl Archive {
    /// The articles whose `index_seq` is greater than `seq`, by `index_seq`, at most `limit`.
    ///
    /// Numbers are handed out and committed in one order, also between processes: once a reader
    /// has seen number n, no smaller number will appear.
    pub async fn indexable_after(
        &self,
        seq: i64,
        limit: usize,
    ) -> Result<Vec<StoredArticle>, ArchiveError> {
        let select = format!(
            "SELECT {STORED_ARTICLE} WHERE $1 < article_states.index_seq
             ORDER BY article_states.index_seq LIMIT $2"
        );
        self.tried(format!("read articles to index after number {seq}"), async {
            let rows = sqlx::query(sqlx::AssertSqlSafe(select))
                .bind(seq)
                .bind(limit as i64)
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(read_stored_article).collect()
        })
        .await
    }

    /// The last `index_seq` that was handed out; 0 before the first.
    pub async fn max_index_seq(&self) -> Result<i64, ArchiveError> {
        self.tried("read the index counter", async {
            let last = "SELECT value FROM counters WHERE name = 'index_seq'";
            sqlx::query(last).fetch_one(&self.reader).await?.try_get(0)
        })
        .await
    }
}

/// Takes the next `n` numbers and returns the first of them.
///
/// Holds the counter's row until the transaction ends, so that transactions which number articles
/// come one after the other.
pub(super) async fn take_index_seqs(
    tx: &mut Transaction<'static, Any>,
    n: usize,
) -> Result<i64, sqlx::Error> {
    let last: i64 = sqlx::query(
        "UPDATE counters SET value = value + $1 WHERE name = 'index_seq' RETURNING value",
    )
    .bind(n as i64)
    .fetch_one(&mut **tx)
    .await?
    .try_get(0)?;
    Ok(last - n as i64 + 1)
}
