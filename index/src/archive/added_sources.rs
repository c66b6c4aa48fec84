//! Sources that were added while Harbinger runs: by the API, the page or OPML.
//!
//! What files declare is in the configuration only. Every change counts up a version, so that
//! other workers and threads know when to read again. Longer than most by what brings a removed one
//! back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use config::{Source, SourceId};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, Row, Transaction};
use tracing::warn;

use super::counts::keep_fact;
use super::sources::SourceRow;
use super::value::{from_json, get, get_flag, get_instant, micros, to_json};
use super::{Archive, ArchiveError};

/// Added sources kept at most.
pub const ADDED_SOURCES_MAX: usize = 20_000;

/// How a source was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddedBy {
    /// The API or the page.
    Api,
    /// An OPML file.
    Opml,
}

impl AddedBy {
    /// The name in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            AddedBy::Api => "api",
            AddedBy::Opml => "opml",
        }
    }
}

/// A source that was added.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedSource {
    /// What was declared.
    pub source: Source,
    /// How it came.
    pub origin: AddedBy,
    /// Whether it is not read for now.
    pub is_paused: bool,
    /// Who added it.
    pub added_by: String,
    /// When it was added.
    pub added_at: DateTime<Utc>,
}

/// What became of an attempt to add a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addition {
    /// It is new.
    Added,
    /// There is a source with this id.
    IdTaken,
    /// This active source has the same address.
    AddressTaken(SourceId),
    /// There are too many.
    Full,
}

impl Archive {
    /// How many changes there were; a new number means that [`Archive::added_sources`] changed.
    pub async fn sources_version(&self) -> Result<i64, ArchiveError> {
        self.tried("read the version of the sources", async {
            let version = "SELECT value FROM counters WHERE name = 'sources'";
            sqlx::query(version).fetch_one(&self.reader).await?.try_get(0)
        })
        .await
    }

    /// All added sources by id, and the version that they are of. Those that this version of
    /// Harbinger cannot read are left out, with a warning.
    pub async fn added_sources(&self) -> Result<(Vec<AddedSource>, i64), ArchiveError> {
        // The version first: a change in between is then read again, not missed.
        let version = self.sources_version().await?;
        let sources = self
            .tried("read the added sources", async {
                let rows = sqlx::query("SELECT * FROM added_sources ORDER BY id")
                    .fetch_all(&self.reader)
                    .await?;
                let mut sources = Vec::with_capacity(rows.len());
                for row in &rows {
                    sources.extend(read(row)?);
                }
                Ok(sources)
            })
            .await?;
        Ok((sources, version))
    }

    /// The address of every source that there is or was, by id.
    pub async fn source_addresses(&self) -> Result<BTreeMap<SourceId, String>, ArchiveError> {
        self.tried("read the addresses of the sources", async {
            let all = sqlx::query("SELECT id, address FROM sources").fetch_all(&self.reader);
            let address =
                |row: &AnyRow| Ok((SourceId::new(get::<String>(row, "id")?), get(row, "address")?));
            all.await?.iter().map(address).collect()
        })
        .await
    }

    /// Adds `sources`, each unless its id or address is taken; all at once, due now.
    pub async fn add_sources(
        &self,
        sources: &[Source],
        origin: AddedBy,
        who: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Addition>, ArchiveError> {
        self.tried("add sources", async {
            let mut tx = self.begin().await?;
            let additions = self.add_all(&mut tx, sources, origin, who, now).await?;
            tx.commit().await?;
            Ok(additions)
        })
        .await
    }

    /// Adds the `sources` of an OPML list as [`Archive::add_sources`] does, and keeps the list as
    /// the fact `key`: both or neither. `None`, and nothing is done, when a `version` is given that
    /// the sources are no longer of.
    pub async fn import_sources_at(
        &self,
        version: Option<i64>,
        sources: &[Source],
        (key, list): (&str, &str),
        who: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<Addition>>, ArchiveError> {
        self.tried("take a list of sources in", async {
            let mut tx = self.begin().await?;
            // Counts up, and holds the counter until the end.
            next_version(&mut tx).await?;
            let count = "SELECT value FROM counters WHERE name = 'sources'";
            let counted: i64 = sqlx::query(count).fetch_one(&mut *tx).await?.try_get(0)?;
            if version.is_some_and(|it| it + 1 != counted) {
                return Ok(None);
            }
            let additions = self.add_all(&mut tx, sources, AddedBy::Opml, who, now).await?;
            keep_fact(&mut *tx, key, list).await?;
            tx.commit().await?;
            Ok(Some(additions))
        })
        .await
    }

    async fn add_all(
        &self,
        tx: &mut Transaction<'static, Any>,
        sources: &[Source],
        origin: AddedBy,
        who: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Addition>, sqlx::Error> {
        let mut additions = Vec::with_capacity(sources.len());
        // Holds the counter until the end, so that two additions never overlap.
        next_version(tx).await?;
        let mut n_added = n_added(tx).await?;
        for source in sources {
            let addition = match taken(tx, source).await? {
                Some(addition) => addition,
                None if ADDED_SOURCES_MAX <= n_added => Addition::Full,
                None => Addition::Added,
            };
            if addition == Addition::Added {
                n_added += 1;
                insert(tx, source, origin, who, now).await?;
                self.activate(tx, &[SourceRow::from(source)], now).await?;
                poll_soon(tx, &source.id, now).await?;
            }
            additions.push(addition);
        }
        Ok(additions)
    }

    /// Pauses an added source, or lets it go on; `false` when there is none with this id.
    pub async fn pause_source(
        &self,
        id: &SourceId,
        is_paused: bool,
        now: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("pause source {id}"), async {
            let mut tx = self.begin().await?;
            next_version(&mut tx).await?;
            let paused = sqlx::query("UPDATE added_sources SET is_paused = $2 WHERE id = $1")
                .bind(id.as_str())
                .bind(i64::from(is_paused))
                .execute(&mut *tx)
                .await?;
            if paused.rows_affected() == 0 {
                return Ok(false);
            }
            // Whoever goes on is asked soon, whatever the schedule of before.
            sqlx::query(
                "UPDATE sources SET is_active = $2, next_poll_at = $3
                 WHERE id = $1 AND is_active <> $2",
            )
            .bind(id.as_str())
            .bind(i64::from(!is_paused))
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// Removes an added source and its subscription at a hub; its articles stay. `false` when there is
    /// none with this id.
    ///
    /// Until [`Archive::forget_deleted`] it can be brought back.
    pub async fn remove_source(
        &self,
        id: &SourceId,
        now: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("remove source {id}"), async {
            let mut tx = self.begin().await?;
            next_version(&mut tx).await?;
            sqlx::query(
                "INSERT INTO removed_sources
                     (id, body, origin, is_paused, added_by, added_at, removed_at)
                 SELECT id, body, origin, is_paused, added_by, added_at, CAST($2 AS BIGINT)
                 FROM added_sources WHERE id = $1
                 ON CONFLICT (id) DO UPDATE SET body = excluded.body, origin = excluded.origin,
                     is_paused = excluded.is_paused, added_by = excluded.added_by,
                     added_at = excluded.added_at, removed_at = excluded.removed_at",
            )
            .bind(id.as_str())
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
            let removed = sqlx::query("DELETE FROM added_sources WHERE id = $1")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
            if removed.rows_affected() == 0 {
                return Ok(false);
            }
            // Before the source itself, as whoever records a poll or news does.
            sqlx::query("DELETE FROM hub_subscriptions WHERE source_id = $1")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
            sqlx::query("UPDATE sources SET is_active = 0 WHERE id = $1")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// The source `id` that was removed at `since` or later.
    pub async fn removed_source(
        &self,
        id: &SourceId,
        since: DateTime<Utc>,
    ) -> Result<Option<AddedSource>, ArchiveError> {
        self.tried(format!("read the removed source {id}"), async {
            let row =
                sqlx::query("SELECT * FROM removed_sources WHERE id = $1 AND $2 <= removed_at")
                    .bind(id.as_str())
                    .bind(micros(since))
                    .fetch_optional(&self.reader)
                    .await?;
            row.as_ref().map_or(Ok(None), read)
        })
        .await
    }

    /// Brings back a source that was removed at `since` or later, paused if it was; it is due now.
    /// `None` when there is none, another word than [`Addition::Added`] when its place is taken.
    pub async fn restore_source(
        &self,
        id: &SourceId,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Option<Addition>, ArchiveError> {
        self.tried(format!("bring source {id} back"), async {
            let mut tx = self.begin().await?;
            next_version(&mut tx).await?;
            let row =
                sqlx::query("SELECT * FROM removed_sources WHERE id = $1 AND $2 <= removed_at")
                    .bind(id.as_str())
                    .bind(micros(since))
                    .fetch_optional(&mut *tx)
                    .await?;
            let Some(was) = row.as_ref().map_or(Ok(None), read)? else { return Ok(None) };
            if let Some(taken) = taken(&mut tx, &was.source).await? {
                return Ok(Some(taken));
            }
            if ADDED_SOURCES_MAX <= n_added(&mut tx).await? {
                return Ok(Some(Addition::Full));
            }
            insert(&mut tx, &was.source, was.origin, &was.added_by, was.added_at).await?;
            self.activate(&mut tx, &[SourceRow::from(&was.source)], now).await?;
            poll_soon(&mut tx, id, now).await?;
            if was.is_paused {
                for pause in [
                    "UPDATE added_sources SET is_paused = 1 WHERE id = $1",
                    "UPDATE sources SET is_active = 0 WHERE id = $1",
                ] {
                    sqlx::query(pause).bind(id.as_str()).execute(&mut *tx).await?;
                }
            }
            sqlx::query("DELETE FROM removed_sources WHERE id = $1")
                .bind(id.as_str())
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(Some(Addition::Added))
        })
        .await
    }
}

async fn next_version(tx: &mut Transaction<'static, Any>) -> Result<(), sqlx::Error> {
    let next = "UPDATE counters SET value = value + 1 WHERE name = 'sources'";
    sqlx::query(next).execute(&mut **tx).await.map(|_| ())
}

async fn n_added(tx: &mut Transaction<'static, Any>) -> Result<usize, sqlx::Error> {
    let count = "SELECT COUNT(*) FROM added_sources";
    let n: i64 = sqlx::query(count).fetch_one(&mut **tx).await?.try_get(0)?;
    Ok(n.max(0) as usize)
}

/// Why `source` cannot be added, as far as the archive knows; `None` when it can.
async fn taken(
    tx: &mut Transaction<'static, Any>,
    source: &Source,
) -> Result<Option<Addition>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT id, address FROM sources
         WHERE (id = $1 AND address <> $2)
             OR (address = $2 AND (is_active = 1 OR id IN (SELECT id FROM added_sources)))
         ORDER BY id LIMIT 1",
    )
    .bind(source.id.as_str())
    .bind(source.address())
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id: String = get(&row, "id")?;
    let is_same_address = get::<String>(&row, "address")? == source.address();
    Ok(Some(if is_same_address {
        Addition::AddressTaken(SourceId::new(id))
    } else {
        Addition::IdTaken
    }))
}

async fn insert(
    tx: &mut Transaction<'static, Any>,
    source: &Source,
    origin: AddedBy,
    who: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO added_sources (id, body, origin, is_paused, added_by, added_at)
         VALUES ($1, $2, $3, 0, $4, $5)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(source.id.as_str())
    .bind(to_json(source))
    .bind(origin.as_str())
    .bind(who)
    .bind(micros(now))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// Makes a source due that was here before, whatever the schedule of then.
async fn poll_soon(
    tx: &mut Transaction<'static, Any>,
    id: &SourceId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE sources SET next_poll_at = $2 WHERE id = $1")
        .bind(id.as_str())
        .bind(micros(now))
        .execute(&mut **tx)
        .await
        .map(|_| ())
}

fn read(row: &AnyRow) -> Result<Option<AddedSource>, sqlx::Error> {
    let id: String = get(row, "id")?;
    let value: serde_json::Value = from_json("body", get(row, "body")?)?;
    let source = match Source::from_json(&value, None, |_| Ok(())) {
        Ok(source) => source,
        Err(error) => {
            warn!(source.id = id, %error, "the added source {id} cannot be read and is left out");
            return Ok(None);
        }
    };
    let origin = if get::<&str>(row, "origin")? == "opml" { AddedBy::Opml } else { AddedBy::Api };
    Ok(Some(AddedSource {
        source,
        origin,
        is_paused: get_flag(row, "is_paused")?,
        added_by: get(row, "added_by")?,
        added_at: get_instant(row, "added_at")?,
    }))
}
