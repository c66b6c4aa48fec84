//! The archive: one SQL database with everything that must not be lost.
//!
//! [`Archive`] is the queue between the stages and the memory behind the search index. SQLite in
//! the data folder is the default, PostgreSQL takes over when a `database_url` names one; the
//! functions and their promises are the same:
//!
//! - Each function that writes is one transaction: after a crash either all of it happened or
//!   nothing. A future dropped half-way rolls back.
//! - An entry is done only in the transaction that stores its article; an article is stored once.
//! - Work is *claimed* with a lease. A lease that runs out, or whose worker restarts, gives the
//!   work back.
//! - Annotating again replaces; counts are corrected.
//!
//! Time is an argument. Instants are kept in microseconds.
//!
//! Reading order: `open`, [`sources`], [`added_sources`], [`source_quality`],
//! [`frontier`], [`articles`] (with `addresses`), [`annotations`] (with
//! `annotation_rows`, [`aliases`] and `forget`), [`versions`] (with `entry_texts`), [`imports`], [`submissions`], [`index_feed`], [`news`], [`stories`] (with [`glances`]), [`story_edits`] (with `moved`), [`statements`] (with [`told_before`]),
//! [`entities`], [`graph_articles`], [`counts`]; [`searches`], [`alerts`] (with `told`), [`outbox`]; [`silences`]; [`corrections`],
//! [`access`] (with [`removed_access`]), [`audit`], [`backup`], [`retention`] (with [`removed_articles`] and `removed_messages`).

pub mod access;
pub mod added_sources;
mod addresses;
pub mod alerts;
pub mod aliases;
mod annotation_rows;
pub mod annotations;
pub mod articles;
pub mod audit;
pub mod backup;
pub mod corrections;
pub mod counts;
mod dialect;
pub mod entities;
mod entry_texts;
mod error;
mod evidence;
mod forget;
pub mod frontier;
pub mod glances;
pub mod graph_articles;
pub mod hub_subscriptions;
pub mod imports;
pub mod index_feed;
mod lock;
mod migrations;
mod moved;
pub mod news;
mod open;
pub mod outbox;
mod paging;
pub mod removed_access;
pub mod removed_articles;
mod removed_messages;
pub mod retention;
pub mod searches;
pub mod silences;
pub mod source_quality;
pub mod sources;
pub mod statements;
pub mod stories;
pub mod story_edits;
pub mod submissions;
#[cfg(test)]
mod tests;
mod told;
pub mod told_before;
mod value;
pub mod versions;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use sqlx::{Any, AnyPool, Transaction};

use dialect::Dialect;
pub use error::ArchiveError;
use lock::DataDirLock;

use crate::countries::Countries;

/// Where the archive lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveSettings {
    /// Folder of this process: holds its lock and, without a `database_url`, `harbinger.db`.
    pub data_dir: PathBuf,
    /// `postgres://user:password@host:port/database`; `None` for SQLite in `data_dir`.
    pub database_url: Option<String>,
    /// Connections that read at once (SQLite), or connections in all (PostgreSQL). At least 2.
    pub n_connections_max: u32,
}

impl ArchiveSettings {
    /// SQLite in `data_dir` with 4 connections that read.
    pub fn in_folder(data_dir: impl Into<PathBuf>) -> ArchiveSettings {
        ArchiveSettings { data_dir: data_dir.into(), database_url: None, n_connections_max: 4 }
    }
}

/// An open archive; cheap to clone, safe to share.
///
/// The data folder stays locked until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Archive {
    dialect: Dialect,
    /// All writes. With SQLite a single connection, so that writers queue here and never collide.
    writer: AnyPool,
    reader: AnyPool,
    /// For messages: file or URL without password.
    database: Arc<str>,
    /// Who holds the leases that this process takes.
    worker_id: Arc<str>,
    countries: Arc<Countries>,
    _lock: Option<Arc<DataDirLock>>,
}

impl Archive {
    /// The archive with what the gazetteer knows of countries, by which news is told from what was
    /// said before when articles change their story.
    pub fn with_countries(self, countries: Arc<Countries>) -> Archive {
        Archive { countries, ..self }
    }

    /// What [`Archive::with_countries`] gave it; nothing by default.
    pub fn countries(&self) -> &Arc<Countries> {
        &self.countries
    }

    /// The database for people: a file's path, or a URL without its password.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Awaits `work` and lets its error say what was being done; `action` is an infinitive.
    async fn tried<T>(
        &self,
        action: impl Display,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, ArchiveError> {
        work.await.map_err(|source| error::classify(&self.database, action.to_string(), source))
    }

    /// Begins a transaction that writes; dropped without commit it is rolled back.
    async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.writer.begin_with(self.dialect.begin()).await {
            // A full disk made SQLite roll back by itself, and the connection still counts that
            // transaction as open: a fresh one takes its place.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                self.writer.acquire().await?.close().await?;
                self.writer.begin_with(self.dialect.begin()).await
            }
            begun => begun,
        }
    }
}
