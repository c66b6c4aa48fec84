//! Users and keys that were removed lately: they open nothing, and come back as they were.

use chrono::{DateTime, Utc};
use sqlx::{Any, Transaction};

use super::value::{clean, get, micros};
use super::{Archive, ArchiveError};

/// What became of a user, key or article that was to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// It is back.
    Back,
    /// Its name is somebody else's by now, or it is there.
    Taken,
    /// None was removed so lately.
    Missing,
}

impl Archive {
    /// Whether a user of this name was removed at `since` or later.
    pub async fn is_removed_user(
        &self,
        name: &str,
        since: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried("look up a removed user", async {
            let row =
                sqlx::query("SELECT 1 FROM removed_users WHERE name = $1 AND $2 <= removed_at")
                    .bind(&*clean(name))
                    .bind(micros(since))
                    .fetch_optional(&self.reader)
                    .await?;
            Ok(row.is_some())
        })
        .await
    }

    /// The name of the key `id` that was removed at `since` or later.
    pub async fn removed_api_key(
        &self,
        id: &str,
        since: DateTime<Utc>,
    ) -> Result<Option<String>, ArchiveError> {
        self.tried("look up a removed key", async {
            let row =
                sqlx::query("SELECT name FROM removed_api_keys WHERE id = $1 AND $2 <= removed_at")
                    .bind(&*clean(id))
                    .bind(micros(since))
                    .fetch_optional(&self.reader)
                    .await?;
            row.map(|it| get(&it, "name")).transpose()
        })
        .await
    }

    /// Brings back a user who was removed at `since` or later, with role and password; the sessions
    /// stay ended.
    pub async fn restore_user(
        &self,
        name: &str,
        since: DateTime<Utc>,
    ) -> Result<Restored, ArchiveError> {
        let restore = "INSERT INTO users (name, role, password_hash, created_at)
             SELECT name, role, password_hash, created_at FROM removed_users
             WHERE name = $1 AND $2 <= removed_at ON CONFLICT (name) DO NOTHING";
        let statements = [
            "SELECT 1 FROM removed_users WHERE name = $1 AND $2 <= removed_at",
            restore,
            "DELETE FROM removed_users WHERE name = $1",
        ];
        self.tried(format!("bring user `{name}` back"), self.restored(statements, name, since))
            .await
    }

    /// Brings back a key that was removed at `since` or later: who holds it can use it again.
    pub async fn restore_api_key(
        &self,
        id: &str,
        since: DateTime<Utc>,
    ) -> Result<Restored, ArchiveError> {
        let restore = "INSERT INTO api_keys
                 (id, name, role, key_hash, created_at, expires_at, last_used_at)
             SELECT id, name, role, key_hash, created_at, expires_at, last_used_at
             FROM removed_api_keys WHERE id = $1 AND $2 <= removed_at ON CONFLICT (id) DO NOTHING";
        let statements = [
            "SELECT 1 FROM removed_api_keys WHERE id = $1 AND $2 <= removed_at",
            restore,
            "DELETE FROM removed_api_keys WHERE id = $1",
        ];
        self.tried(format!("bring key `{id}` back"), self.restored(statements, id, since)).await
    }

    /// Looks, brings back and forgets, by three statements.
    async fn restored(
        &self,
        statements: [&'static str; 3],
        id: &str,
        since: DateTime<Utc>,
    ) -> Result<Restored, sqlx::Error> {
        let [look, restore, forget] = statements;
        let (id, since) = (clean(id), micros(since));
        let mut tx = self.begin().await?;
        let found = sqlx::query(look).bind(&*id).bind(since).fetch_optional(&mut *tx).await?;
        if found.is_none() {
            return Ok(Restored::Missing);
        }
        let done = sqlx::query(restore).bind(&*id).bind(since).execute(&mut *tx).await?;
        if done.rows_affected() == 0 {
            return Ok(Restored::Taken);
        }
        sqlx::query(forget).bind(&*id).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(Restored::Back)
    }
}

/// Keeps what is about to be removed, as of `now`.
pub(super) async fn keep_user(
    tx: &mut Transaction<'static, Any>,
    name: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO removed_users (name, role, password_hash, created_at, removed_at)
         SELECT name, role, password_hash, created_at, CAST($2 AS BIGINT)
         FROM users WHERE name = $1
         ON CONFLICT (name) DO UPDATE SET role = excluded.role,
             password_hash = excluded.password_hash, created_at = excluded.created_at,
             removed_at = excluded.removed_at",
    )
    .bind(name)
    .bind(micros(now))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// Keeps what is about to be removed, as of `now`. Ids of keys never come twice.
pub(super) async fn keep_api_key(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO removed_api_keys
             (id, name, role, key_hash, created_at, expires_at, last_used_at, removed_at)
         SELECT id, name, role, key_hash, created_at, expires_at, last_used_at,
             CAST($2 AS BIGINT)
         FROM api_keys WHERE id = $1 ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(micros(now))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}
