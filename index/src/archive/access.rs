//! Who may use Harbinger: users, their sessions and API keys. Longer than most, since the three
//! belong together.
//!
//! The archive sees hashes only: of passwords (argon2id), of session tokens and of keys (BLAKE3;
//! both are 256 random bits, so a fast hash is enough).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;

use super::removed_access::{keep_api_key, keep_user};
use super::value::{clean, get, get_instant, get_instant_opt, get_parsed, micros};
use super::{Archive, ArchiveError};

/// Users of one name with different numbers, at most.
const N_NAMESAKES_MAX: u32 = 1_000;

/// What somebody may do; each role may do what those before it may.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads and searches.
    Reader,
    /// Also keeps saved searches, alerts and corrections.
    Analyst,
    /// Also manages sources, users and keys.
    Admin,
}

/// A text that names no role.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no role; roles are reader, analyst, admin")]
pub struct UnknownRole(String);

impl Role {
    /// The role's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Reader => "reader",
            Role::Analyst => "analyst",
            Role::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Role, UnknownRole> {
        [Role::Reader, Role::Analyst, Role::Admin]
            .into_iter()
            .find(|it| it.as_str() == text)
            .ok_or_else(|| UnknownRole(text.chars().take(40).collect()))
    }
}

/// A person who can log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Name, unique.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// When the user was added.
    pub created_at: DateTime<Utc>,
}

/// Somebody who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Name of the user.
    pub user: String,
    /// What the user may do now.
    pub role: Role,
    /// What each form of this session must send back.
    pub csrf: String,
}

/// A key with which a program asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it ends; `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Hour of its last use; `None`: not used yet.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl Archive {
    /// Adds a user; `false` when the name is taken.
    pub async fn add_user(
        &self,
        name: &str,
        role: Role,
        password_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("add user `{name}`"), async {
            let done = sqlx::query(
                "INSERT INTO users (name, role, password_hash, created_at)
                 VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
            )
            .bind(name)
            .bind(role.as_str())
            .bind(password_hash)
            .bind(micros(now))
            .execute(&self.writer)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// The user whom a login provider knows by `credential`: found, or added under `name` or, when
    /// somebody else has that, under it with a number. Gives the role, and answers the name.
    ///
    /// `credential` stands in the place of a password's hash, to which no password fits.
    pub async fn sync_outside_user(
        &self,
        credential: &str,
        name: &str,
        role: Role,
        now: DateTime<Utc>,
    ) -> Result<String, ArchiveError> {
        self.tried(format!("look up `{name}` of a login provider"), async {
            let mut tx = self.begin().await?;
            let known = "UPDATE users SET role = $2 WHERE name =
                     (SELECT name FROM users WHERE password_hash = $1 ORDER BY created_at LIMIT 1)
                 RETURNING name";
            let row = sqlx::query(known)
                .bind(&*clean(credential))
                .bind(role.as_str())
                .fetch_optional(&mut *tx)
                .await?;
            if let Some(row) = row {
                let name = get(&row, "name")?;
                tx.commit().await?;
                return Ok(name);
            }
            for number in 1..N_NAMESAKES_MAX {
                let free = match number {
                    1 => name.to_owned(),
                    number => format!("{name}-{number}"),
                };
                let done = sqlx::query(
                    "INSERT INTO users (name, role, password_hash, created_at)
                     VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
                )
                .bind(&free)
                .bind(role.as_str())
                .bind(&*clean(credential))
                .bind(micros(now))
                .execute(&mut *tx)
                .await?;
                if done.rows_affected() == 1 {
                    tx.commit().await?;
                    return Ok(free);
                }
            }
            Err(sqlx::Error::Protocol(format!("{N_NAMESAKES_MAX} users are called `{name}`")))
        })
        .await
    }

    /// Gives a user another password and ends all of the user's sessions; `false` when there is
    /// no such user.
    pub async fn set_password(&self, name: &str, hash: &str) -> Result<bool, ArchiveError> {
        self.tried(format!("change the password of `{name}`"), async {
            let mut tx = self.begin().await?;
            let done = sqlx::query("UPDATE users SET password_hash = $2 WHERE name = $1")
                .bind(name)
                .bind(hash)
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM sessions WHERE user_name = $1")
                .bind(name)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Removes a user with all sessions; `false` when there is none of that name, or when it is
    /// the last admin, without whom nobody could add another.
    ///
    /// Until [`Archive::forget_deleted`] the user can be brought back.
    pub async fn remove_user(&self, name: &str, now: DateTime<Utc>) -> Result<bool, ArchiveError> {
        self.tried(format!("remove user `{name}`"), async {
            let mut tx = self.begin().await?;
            keep_user(&mut tx, name, now).await?;
            sqlx::query("DELETE FROM sessions WHERE user_name = $1")
                .bind(name)
                .execute(&mut *tx)
                .await?;
            let done = sqlx::query(
                "DELETE FROM users WHERE name = $1 AND (role <> 'admin'
                     OR EXISTS (SELECT 1 FROM users WHERE role = 'admin' AND name <> $2))",
            )
            .bind(name)
            .bind(name)
            .execute(&mut *tx)
            .await?;
            if done.rows_affected() == 0 {
                tx.rollback().await?;
                return Ok(false);
            }
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// All users by name.
    pub async fn users(&self) -> Result<Vec<User>, ArchiveError> {
        self.tried("list the users", async {
            let rows = sqlx::query("SELECT name, role, created_at FROM users ORDER BY name")
                .fetch_all(&self.reader)
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(User {
                        name: get(row, "name")?,
                        role: get_parsed(row, "role")?,
                        created_at: get_instant(row, "created_at")?,
                    })
                })
                .collect()
        })
        .await
    }

    /// The hash of a user's password; `None` when there is no such user.
    pub async fn password_hash(&self, name: &str) -> Result<Option<String>, ArchiveError> {
        self.tried("look up a user", async {
            let row = sqlx::query("SELECT password_hash FROM users WHERE name = $1")
                .bind(&*clean(name))
                .fetch_optional(&self.reader)
                .await?;
            row.map(|it| get(&it, "password_hash")).transpose()
        })
        .await
    }

    /// Begins a session of `user` and forgets those that have ended.
    pub async fn begin_session(
        &self,
        token_hash: &str,
        user: &str,
        csrf: &str,
        now: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried(format!("begin a session of `{user}`"), async {
            let mut tx = self.begin().await?;
            sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
                .bind(micros(now))
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "INSERT INTO sessions (token_hash, user_name, csrf, begun_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(token_hash)
            .bind(user)
            .bind(csrf)
            .bind(micros(now))
            .bind(micros(expires_at))
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    /// The session with this token, unless it has ended.
    pub async fn session(
        &self,
        token_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Session>, ArchiveError> {
        self.tried("look up a session", async {
            let row = sqlx::query(
                "SELECT users.name, users.role, sessions.csrf FROM sessions
                 JOIN users ON users.name = sessions.user_name
                 WHERE sessions.token_hash = $1 AND $2 < sessions.expires_at",
            )
            .bind(token_hash)
            .bind(micros(now))
            .fetch_optional(&self.reader)
            .await?;
            row.map(|row| {
                Ok(Session {
                    user: get(&row, "name")?,
                    role: get_parsed(&row, "role")?,
                    csrf: get(&row, "csrf")?,
                })
            })
            .transpose()
        })
        .await
    }

    /// Ends a session; none with this token is no failure.
    pub async fn end_session(&self, token_hash: &str) -> Result<(), ArchiveError> {
        self.tried("end a session", async {
            sqlx::query("DELETE FROM sessions WHERE token_hash = $1")
                .bind(token_hash)
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Adds a key whose secret has this hash.
    pub async fn add_api_key(&self, key: &ApiKey, key_hash: &str) -> Result<(), ArchiveError> {
        self.tried(format!("add key `{}`", key.name), async {
            sqlx::query(
                "INSERT INTO api_keys (id, name, role, key_hash, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&key.id)
            .bind(&key.name)
            .bind(key.role.as_str())
            .bind(key_hash)
            .bind(micros(key.created_at))
            .bind(key.expires_at.map(micros))
            .execute(&self.writer)
            .await
            .map(|_| ())
        })
        .await
    }

    /// Removes a key; `false` when there is none with this id.
    ///
    /// Until [`Archive::forget_deleted`] it can be brought back.
    pub async fn remove_api_key(&self, id: &str, now: DateTime<Utc>) -> Result<bool, ArchiveError> {
        self.tried(format!("remove key `{id}`"), async {
            let mut tx = self.begin().await?;
            keep_api_key(&mut tx, id, now).await?;
            let done = sqlx::query("DELETE FROM api_keys WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// All keys, oldest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, ArchiveError> {
        self.tried("list the keys", async {
            let rows = sqlx::query("SELECT * FROM api_keys ORDER BY created_at, id")
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(read_key).collect()
        })
        .await
    }

    /// The key whose secret has this hash, unless it has ended. Notes the hour of its use.
    pub async fn api_key(
        &self,
        key_hash: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<ApiKey>, ArchiveError> {
        self.tried("look up a key", async {
            let row = sqlx::query(
                "SELECT * FROM api_keys
                 WHERE key_hash = $1 AND (expires_at IS NULL OR $2 < expires_at)",
            )
            .bind(key_hash)
            .bind(micros(now))
            .fetch_optional(&self.reader)
            .await?;
            let Some(row) = row else { return Ok(None) };
            let key = read_key(&row)?;
            let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
            if key.last_used_at.is_none_or(|it| it < hour) {
                sqlx::query("UPDATE api_keys SET last_used_at = $2 WHERE id = $1")
                    .bind(&key.id)
                    .bind(micros(hour))
                    .execute(&self.writer)
                    .await?;
            }
            Ok(Some(key))
        })
        .await
    }
}

fn read_key(row: &AnyRow) -> Result<ApiKey, sqlx::Error> {
    Ok(ApiKey {
        id: get(row, "id")?,
        name: get(row, "name")?,
        role: get_parsed(row, "role")?,
        created_at: get_instant(row, "created_at")?,
        expires_at: get_instant_opt(row, "expires_at")?,
        last_used_at: get_instant_opt(row, "last_used_at")?,
    })
}
