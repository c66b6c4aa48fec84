//! The feed of the search index: annotated articles in the order in which they became ready, and
//! those that were deleted.

use ingest::ArticleId;
use sqlx::{Any, Row, Transaction};

use super::value::{get, get_flag, get_parsed};
use super::{Archive, ArchiveError};
use crate::record::StoredArticle;

/// The next part of the feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexChanges {
    /// Articles to add, each in place of its earlier version.
    pub articles: Vec<StoredArticle>,
    /// Articles that are no more. None of them is in `articles`; one whose deletion is taken back comes
    /// with a higher number.
    pub removed: Vec<ArticleId>,
    /// The highest number of this part, with which an index may be committed that has applied it;
    /// `None` when there is nothing after the number that was asked for.
    pub last_seq: Option<i64>,
}

impl Archive {
    /// What changed after number `seq`, at most `limit` articles, those deleted included.
    ///
    /// Numbers are handed out and committed in one order, also between processes: once a reader
    /// has seen number n, no smaller number will appear. A deletion is numbered in the transaction
    /// that deletes, so an index that was killed before it heard of it hears of it again.
    pub async fn index_changes_after(
        &self,
        seq: i64,
        limit: usize,
    ) -> Result<IndexChanges, ArchiveError> {
        self.tried(format!("read what to index after number {seq}"), async {
            let rows = sqlx::query(
                "SELECT article_id, index_seq, CAST(0 AS BIGINT) AS is_removed FROM article_states
                 WHERE $1 < index_seq
                 UNION ALL
                 SELECT article_id, index_seq, CAST(1 AS BIGINT) AS is_removed FROM tombstones
                 WHERE $1 < index_seq
                 ORDER BY index_seq LIMIT $2",
            )
            .bind(seq)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let mut changes = IndexChanges::default();
            let mut changed: Vec<ArticleId> = Vec::with_capacity(rows.len());
            for row in &rows {
                let id = get_parsed(row, "article_id")?;
                let is_removed = get_flag(row, "is_removed")?;
                if is_removed {
                    changes.removed.push(id)
                } else {
                    changed.push(id)
                }
                changes.last_seq = Some(get(row, "index_seq")?);
            }
            if changed.is_empty() {
                return Ok(changes);
            }
            // Those that changed again or went since come again with a higher number.
            changes.articles = self.read_articles(&changed).await?;
            changes.articles.sort_by_key(|it| it.index_seq);
            Ok(changes)
        })
        .await
    }

    /// The highest number that the feed has now; 0 for an empty one.
    pub async fn last_index_change(&self) -> Result<i64, ArchiveError> {
        self.tried("read the end of the index feed", async {
            let last = "SELECT COALESCE(MAX(seq), 0) FROM (
                     SELECT MAX(index_seq) AS seq FROM article_states
                     UNION ALL SELECT MAX(index_seq) AS seq FROM tombstones) AS feed";
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
