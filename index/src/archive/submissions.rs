//! Single pages that somebody asked for: entries that no feed named.

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::{ArticleId, Entry};

use super::sources::Failure;
use super::value::{clean, get, get_instant_opt, micros};
use super::{Archive, ArchiveError};

/// How it stands with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryState {
    /// Its article is archived, perhaps from another address ([`Archive::article_at`]).
    Archived,
    /// Its article was deleted and stays so.
    Buried,
    /// It waits for its first fetch, or is being fetched.
    Waiting,
    /// It failed and is tried again at that time; never with `None`.
    Failed(Failure, Option<DateTime<Utc>>),
}

impl Archive {
    /// Puts `entry` into the frontier, due at once, unless its article is there or was deleted. One
    /// that failed before is tried anew, as a page of the entry's source, which must be a declared
    /// or added one, or one of [`Archive::put_unpolled_source`].
    pub async fn submit_entry(
        &self,
        entry: &Entry,
        now: DateTime<Utc>,
    ) -> Result<Option<EntryState>, ArchiveError> {
        self.tried(format!("take up the page {}", entry.url), async {
            sqlx::query(
                "INSERT INTO entries (id, source_id, url, title, summary, published_at, position,
                     added_at, state, attempts, due_at)
                 SELECT $1, $2, $3, NULL, NULL, NULL, 0, CAST($4 AS BIGINT), 'pending', 0,
                     CAST($4 AS BIGINT)
                 WHERE NOT EXISTS (SELECT 1 FROM articles WHERE id = $1)
                     AND NOT EXISTS (SELECT 1 FROM tombstones WHERE article_id = $1)
                 ON CONFLICT (id) DO UPDATE SET source_id = excluded.source_id,
                     state = 'pending', attempts = 0,
                     due_at = excluded.due_at, failure_class = NULL, failure_message = NULL
                     WHERE entries.state <> 'leased'",
            )
            .bind(entry.id.to_string())
            .bind(entry.source.as_str())
            .bind(&*clean(entry.url.as_str()))
            .bind(micros(now))
            .execute(&self.writer)
            .await
            .map(|_| ())
        })
        .await?;
        self.entry_state(&entry.id).await
    }

    /// Makes `id` a source whose entries are crawled and that is never polled, called `name`.
    pub async fn put_unpolled_source(&self, id: &SourceId, name: &str) -> Result<(), ArchiveError> {
        self.tried("make the source of single pages", async {
            sqlx::query(
                "INSERT INTO sources (id, name, address, is_sample, is_active)
                 VALUES ($1, $2, '', 0, 1)
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, is_active = 1,
                     next_poll_at = NULL",
            )
            .bind(id.as_str())
            .bind(name)
            .execute(&self.writer)
            .await
            .map(|_| ())
        })
        .await
    }

    /// How it stands with the entry or article `id`; `None` when nobody knows it.
    pub async fn entry_state(&self, id: &ArticleId) -> Result<Option<EntryState>, ArchiveError> {
        self.tried(format!("look for entry {id}"), async {
            let row = sqlx::query(
                "SELECT (SELECT COUNT(*) FROM articles WHERE id = $1 OR id IN
                         (SELECT article_id FROM article_addresses
                          WHERE address_id = $1 AND is_shared = 0)) AS n_articles,
                     (SELECT COUNT(*) FROM tombstones WHERE article_id = $1 OR article_id IN
                         (SELECT article_id FROM article_addresses
                          WHERE address_id = $1 AND is_shared = 0)) AS n_buried",
            )
            .bind(id.to_string())
            .fetch_one(&self.reader)
            .await?;
            if 0 < get::<i64>(&row, "n_articles")? {
                return Ok(Some(EntryState::Archived));
            }
            if 0 < get::<i64>(&row, "n_buried")? {
                return Ok(Some(EntryState::Buried));
            }
            let row = sqlx::query("SELECT * FROM entries WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.reader)
                .await?;
            let Some(row) = row else { return Ok(None) };
            // The failure of one that is being fetched again is that of the last try.
            let is_leased = get::<&str>(&row, "state")? == "leased";
            let class: Option<String> = get(&row, "failure_class")?;
            Ok(Some(match class.filter(|_| !is_leased) {
                None => EntryState::Waiting,
                Some(class) => {
                    let message: Option<String> = get(&row, "failure_message")?;
                    let failure = Failure { class, message: message.unwrap_or_default() };
                    EntryState::Failed(failure, get_instant_opt(&row, "due_at")?)
                }
            }))
        })
        .await
    }
}
