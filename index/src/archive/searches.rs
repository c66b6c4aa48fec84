//! Saved searches: kept, changed, and read by whoever matches them.
//!
//! Longer than most, since what was deleted can be brought back for a while.

use chrono::{DateTime, Utc};
use config::{SavedSearch, SearchId};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::value::{from_json, get, get_flag, get_instant, micros, to_json, unreadable};
use super::{Archive, ArchiveError};

/// Saved searches kept at most.
pub const SEARCHES_MAX: i64 = 200_000;

/// Where a saved search comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// `searches.toml`; changed there only.
    File,
    /// The API or the page.
    Api,
}

/// A saved search with its history.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchRecord {
    /// What was saved.
    pub search: SavedSearch,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was first saved.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What became of an attempt to save a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is new.
    Created,
    /// It took the place of an older one.
    Replaced,
    /// There is one with this id, which was not to be replaced.
    Exists,
    /// There is none with this id, which was to be replaced.
    Missing,
    /// It is declared in `searches.toml`, which wins.
    Declared,
    /// There are too many.
    Full,
}

/// What may be there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing with this id.
    New,
    /// Something with this id.
    Known,
}

/// One change that a matcher learns of.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchChange {
    /// Which search.
    pub id: SearchId,
    /// What it is now; `None` when it was deleted or switched off.
    pub search: Option<SavedSearch>,
    /// When it was first saved.
    pub created_at: DateTime<Utc>,
}

impl Archive {
    /// Makes the searches of `searches.toml` the declared ones: new ones are added, changed ones
    /// replaced, those that are no longer declared deleted. Returns the number of changes.
    pub async fn sync_searches(
        &self,
        declared: &[SavedSearch],
        now: DateTime<Utc>,
    ) -> Result<u64, ArchiveError> {
        self.tried("save the declared searches", async {
            let mut tx = self.begin().await?;
            let rows = sqlx::query(
                "SELECT id, body FROM saved_searches WHERE origin = 'file' AND is_deleted = 0",
            )
            .fetch_all(&mut *tx)
            .await?;
            let mut n_changes = 0;
            for row in &rows {
                let id: &str = get(row, "id")?;
                if !declared.iter().any(|it| it.id.as_str() == id) {
                    delete(&mut tx, id, now).await?;
                    n_changes += 1;
                }
            }
            for search in declared {
                let body = to_json(search);
                let known = rows.iter().find(|it| get(it, "id").ok() == Some(search.id.as_str()));
                if known.is_none_or(|it| get::<&str>(it, "body").ok() != Some(body.as_str())) {
                    upsert(&mut tx, search, &body, "file", now).await?;
                    n_changes += 1;
                }
            }
            tx.commit().await?;
            Ok(n_changes)
        })
        .await
    }

    /// Saves `search`, unless what is there is not what is expected.
    pub async fn save_search(
        &self,
        search: &SavedSearch,
        expect: Expect,
        now: DateTime<Utc>,
    ) -> Result<Saved, ArchiveError> {
        self.tried(format!("save the search `{}`", search.id), async {
            let mut tx = self.begin().await?;
            let known =
                sqlx::query("SELECT origin FROM saved_searches WHERE id = $1 AND is_deleted = 0")
                    .bind(search.id.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
            let origin = known.as_ref().map(|it| get::<String>(it, "origin")).transpose()?;
            match (origin.as_deref(), expect) {
                (Some("file"), _) => return Ok(Saved::Declared),
                (Some(_), Expect::New) => return Ok(Saved::Exists),
                (None, Expect::Known) => return Ok(Saved::Missing),
                _ => (),
            }
            if n_searches(&mut tx).await? >= SEARCHES_MAX && origin.is_none() {
                return Ok(Saved::Full);
            }
            upsert(&mut tx, search, &to_json(search), "api", now).await?;
            // Whoever saves again may have repaired the receiver.
            sqlx::query("DELETE FROM closed_deliveries WHERE search_id = $1")
                .bind(search.id.as_str())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(if origin.is_some() { Saved::Replaced } else { Saved::Created })
        })
        .await
    }

    /// Deletes a saved search; its alerts stay. [`Saved::Replaced`] says that it was there.
    ///
    /// Until [`Archive::forget_deleted`] it can be brought back.
    pub async fn delete_search(
        &self,
        id: &SearchId,
        now: DateTime<Utc>,
    ) -> Result<Saved, ArchiveError> {
        self.tried(format!("delete the search `{id}`"), async {
            let mut tx = self.begin().await?;
            let known =
                sqlx::query("SELECT origin FROM saved_searches WHERE id = $1 AND is_deleted = 0")
                    .bind(id.as_str())
                    .fetch_optional(&mut *tx)
                    .await?;
            let Some(row) = known else { return Ok(Saved::Missing) };
            if get::<&str>(&row, "origin")? == "file" {
                return Ok(Saved::Declared);
            }
            delete(&mut tx, id.as_str(), now).await?;
            tx.commit().await?;
            Ok(Saved::Replaced)
        })
        .await
    }

    /// The saved search `id` that somebody deleted at `since` or later.
    pub async fn deleted_search(
        &self,
        id: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<SearchRecord>, ArchiveError> {
        self.tried(format!("read the deleted search `{id}`"), async {
            let row = sqlx::query(
                "SELECT * FROM saved_searches WHERE id = $1 AND is_deleted = 1
                     AND origin = 'api' AND $2 <= updated_at AND body <> '{}'",
            )
            .bind(id)
            .bind(micros(since))
            .fetch_optional(&self.reader)
            .await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// Brings back a saved search that somebody deleted at `since` or later, as it was: what it had
    /// told it does not tell again, and what could not be sent meanwhile is due now.
    /// [`Saved::Replaced`] says that it is back.
    pub async fn restore_search(
        &self,
        id: &SearchId,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Saved, ArchiveError> {
        self.tried(format!("bring the search `{id}` back"), async {
            let mut tx = self.begin().await?;
            let version = next_version(&mut tx).await?;
            let row = sqlx::query(
                "SELECT is_deleted, origin, updated_at FROM saved_searches WHERE id = $1",
            )
            .bind(id.as_str())
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else { return Ok(Saved::Missing) };
            if !get_flag(&row, "is_deleted")? {
                return Ok(Saved::Exists);
            }
            let deleted_at = get_instant(&row, "updated_at")?;
            if get::<&str>(&row, "origin")? == "file" || deleted_at < since {
                return Ok(Saved::Missing);
            }
            if n_searches(&mut tx).await? >= SEARCHES_MAX {
                return Ok(Saved::Full);
            }
            // One that was forgotten meanwhile, perhaps by another clock, does not come back.
            let restored = sqlx::query(
                "UPDATE saved_searches SET is_deleted = 0, updated_at = $2, version = $3
                 WHERE id = $1 AND body <> '{}'",
            )
            .bind(id.as_str())
            .bind(micros(now))
            .bind(version)
            .execute(&mut *tx)
            .await?;
            if restored.rows_affected() == 0 {
                return Ok(Saved::Missing);
            }
            revive_messages(&mut tx, id, deleted_at, now).await?;
            tx.commit().await?;
            Ok(Saved::Replaced)
        })
        .await
    }

    /// Forgets for good what was deleted before `before`: what saved searches asked and had told,
    /// removed articles with their evidence, sources, users and keys.
    pub async fn forget_deleted(&self, before: DateTime<Utc>) -> Result<(), ArchiveError> {
        self.tried("forget what was deleted", async {
            let mut tx = self.begin().await?;
            for forget in [
                "DELETE FROM alert_novelty WHERE search_id IN
                     (SELECT id FROM saved_searches WHERE is_deleted = 1 AND updated_at < $1)",
                // The row stays, so that matchers learn of the deletion.
                "UPDATE saved_searches SET body = '{}'
                 WHERE is_deleted = 1 AND updated_at < $1 AND body <> '{}'",
                "DELETE FROM article_evidence WHERE article_id IN
                     (SELECT id FROM removed_articles WHERE removed_at < $1)",
                // As when an article is deleted for good.
                "UPDATE entries SET title = NULL, summary = NULL, text = NULL WHERE id IN
                     (SELECT address_id FROM article_addresses
                      JOIN removed_articles ON removed_articles.id = article_addresses.article_id
                      WHERE is_shared = 0 AND removed_at < $1)",
                "DELETE FROM removed_articles WHERE removed_at < $1",
                "DELETE FROM removed_sources WHERE removed_at < $1",
                "DELETE FROM removed_users WHERE removed_at < $1",
                "DELETE FROM removed_api_keys WHERE removed_at < $1",
            ] {
                sqlx::query(forget).bind(micros(before)).execute(&mut *tx).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// The saved search `id`.
    pub async fn saved_search(&self, id: &str) -> Result<Option<SearchRecord>, ArchiveError> {
        self.tried(format!("read the search `{id}`"), async {
            let row = sqlx::query("SELECT * FROM saved_searches WHERE id = $1 AND is_deleted = 0")
                .bind(id)
                .fetch_optional(&self.reader)
                .await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// Those of `ids` that are saved searches, by id.
    pub async fn saved_searches_among(
        &self,
        ids: &[&str],
    ) -> Result<Vec<SearchRecord>, ArchiveError> {
        let select = format!(
            "SELECT * FROM saved_searches WHERE id IN {} AND is_deleted = 0 ORDER BY id",
            self.dialect.list(1),
        );
        self.tried(format!("read {} saved searches", ids.len()), async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(to_json(&ids))
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// Saved searches by id, at most `limit`, those after the id `after`.
    pub async fn saved_searches(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<SearchRecord>, ArchiveError> {
        self.tried("list the saved searches", async {
            let rows = sqlx::query(
                "SELECT * FROM saved_searches WHERE is_deleted = 0 AND $1 < id
                 ORDER BY id LIMIT $2",
            )
            .bind(after)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(read).collect()
        })
        .await
    }

    /// The changes after `version`, oldest first, at most `limit`, and the version that they
    /// lead to. From version 0 on they are all searches.
    pub async fn search_changes(
        &self,
        version: i64,
        limit: usize,
    ) -> Result<(Vec<SearchChange>, i64), ArchiveError> {
        self.tried("read the changes of saved searches", async {
            let rows = sqlx::query(
                "SELECT * FROM saved_searches WHERE $1 < version ORDER BY version LIMIT $2",
            )
            .bind(version)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let last = rows.last().map(|it| get(it, "version")).transpose()?.unwrap_or(version);
            let changes = rows.iter().map(|row| {
                let id: &str = get(row, "id")?;
                let is_gone = get_flag(row, "is_deleted")?;
                let search = if is_gone { None } else { Some(read(row)?.search) };
                Ok(SearchChange {
                    id: SearchId::new(id),
                    search: search.filter(|it| it.enabled),
                    created_at: get_instant(row, "created_at")?,
                })
            });
            Ok((changes.collect::<Result<_, sqlx::Error>>()?, last))
        })
        .await
    }
}

async fn n_searches(tx: &mut Transaction<'static, Any>) -> Result<i64, sqlx::Error> {
    let count = "SELECT COUNT(*) FROM saved_searches WHERE is_deleted = 0";
    sqlx::query(count).fetch_one(&mut **tx).await?.try_get(0)
}

/// The next version; holds the counter until the transaction ends, so that readers see no gap
/// which fills later.
async fn next_version(tx: &mut Transaction<'static, Any>) -> Result<i64, sqlx::Error> {
    let next = "UPDATE counters SET value = value + 1 WHERE name = 'searches' RETURNING value";
    sqlx::query(next).fetch_one(&mut **tx).await?.try_get(0)
}

async fn upsert(
    tx: &mut Transaction<'static, Any>,
    search: &SavedSearch,
    body: &str,
    origin: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let version = next_version(tx).await?;
    // Whoever saves one again that was deleted wants to be told anew.
    sqlx::query(
        "DELETE FROM alert_novelty WHERE search_id = $1 AND EXISTS
             (SELECT 1 FROM saved_searches WHERE id = $1 AND is_deleted = 1)",
    )
    .bind(search.id.as_str())
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO saved_searches
             (id, body, origin, created_at, updated_at, version, is_deleted)
         VALUES ($1, $2, $3, $4, $4, $5, 0)
         ON CONFLICT (id) DO UPDATE SET body = excluded.body, origin = excluded.origin,
             updated_at = excluded.updated_at, version = excluded.version, is_deleted = 0,
             created_at = CASE WHEN saved_searches.is_deleted = 1
                 THEN excluded.created_at ELSE saved_searches.created_at END",
    )
    .bind(search.id.as_str())
    .bind(body)
    .bind(origin)
    .bind(micros(now))
    .bind(version)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

async fn delete(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let version = next_version(tx).await?;
    sqlx::query(
        "UPDATE saved_searches SET is_deleted = 1, updated_at = $2, version = $3 WHERE id = $1",
    )
    .bind(id)
    .bind(micros(now))
    .bind(version)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// Lets messages of `search` that were given up at `since` or later be tried again at once, within the
/// transaction that brings the search back; those for a receiver that is gone stay given up.
async fn revive_messages(
    tx: &mut Transaction<'static, Any>,
    search: &SearchId,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE outbox SET state = 'waiting', due_at = $2, planned_at = $2, finished_at = NULL,
             failure = NULL
         WHERE search_id = $1 AND state = 'dead' AND $3 <= finished_at AND NOT EXISTS (
             SELECT 1 FROM closed_deliveries WHERE closed_deliveries.search_id = outbox.search_id
                 AND closed_deliveries.delivery = outbox.delivery)",
    )
    .bind(search.as_str())
    .bind(micros(now))
    .bind(micros(since))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

fn read(row: &AnyRow) -> Result<SearchRecord, sqlx::Error> {
    let value: serde_json::Value = from_json("body", get(row, "body")?)?;
    let search = SavedSearch::from_json(&value, None, |_| Ok(()));
    let search = search.map_err(|error| unreadable("body", error))?;
    Ok(SearchRecord {
        search,
        origin: if get::<&str>(row, "origin")? == "file" { Origin::File } else { Origin::Api },
        created_at: get_instant(row, "created_at")?,
        updated_at: get_instant(row, "updated_at")?,
    })
}
