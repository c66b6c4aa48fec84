//! What can go wrong with the archive: [`ArchiveError`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::backup::named_after;

/// Why the archive could not be opened, read or written. Every variant names its subject.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The data folder cannot be made or its files cannot be used.
    #[error("cannot use the data folder {}", path.display())]
    DataDir {
        /// The folder or a file in it.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process works in the data folder.
    #[error(
        "the data folder {} is in use by another harbinger ({holder}); \
         stop it first, or choose another data_dir", path.display()
    )]
    Locked {
        /// The data folder.
        path: PathBuf,
        /// `process 1234`, or `process unknown` when the holder left no number.
        holder: String,
    },
    /// A read-only opening found no archive.
    #[error("there is no archive in {database}; `harbinger serve` or `run-once` makes one")]
    Missing {
        /// The database, without password.
        database: String,
    },
    /// The database was written by a newer or a changed harbinger.
    #[error(
        "{database} has schema version {found}, this harbinger knows versions up to {known}; \
         use the harbinger that wrote it, or a newer one"
    )]
    SchemaTooNew {
        /// The database, without password.
        database: String,
        /// Version in the database.
        found: i64,
        /// Newest version that this binary knows.
        known: i64,
    },
    /// A read-only opening found a database that must be migrated first.
    #[error(
        "{database} has schema version {found} and must be brought to {known}: start `harbinger serve` once"
    )]
    SchemaTooOld {
        /// The database, without password.
        database: String,
        /// Version in the database, 0 when it has no schema.
        found: i64,
        /// Version that this binary needs.
        known: i64,
    },
    /// The file is damaged or is no database.
    #[error(
        "{database} is corrupt or not a database ({reason}); put it aside or restore a backup \
         (`sqlite3 FILE .recover` saves what is readable)"
    )]
    Corrupt {
        /// The database, without password.
        database: String,
        /// What was found.
        reason: String,
    },
    /// The disk that holds the database is full; what was committed is safe.
    #[error("cannot {action}: the disk of {database} is full")]
    Full {
        /// What was being done, an infinitive: `record article …`.
        action: String,
        /// The database, without password.
        database: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// SQLite could not open the database or a file beside it.
    #[error("cannot {action}: {database} cannot be opened ({found})")]
    Unopened {
        /// What was being done, an infinitive: `record article …`.
        action: String,
        /// The database, without password.
        database: String,
        /// What the operating system says of its files.
        found: String,
        /// What the database said.
        source: sqlx::Error,
    },
    /// A text that is no cursor of ours.
    #[error("`{cursor}` is not a cursor; take it from the page before")]
    Cursor {
        /// The text, cut to 100 characters.
        cursor: String,
    },
    /// Any other refusal by the database, or a stored value that cannot be read back.
    #[error("cannot {action} in {database}")]
    Database {
        /// What was being done, an infinitive: `record article …`.
        action: String,
        /// The database, without password.
        database: String,
        /// What the database said.
        source: sqlx::Error,
    },
}

/// Sorts a database error into the variants that a user can act upon.
pub(super) fn classify(database: &str, action: String, source: sqlx::Error) -> ArchiveError {
    let database = database.to_owned();
    match kind(&source) {
        Kind::Corrupt => ArchiveError::Corrupt { database, reason: source.to_string() },
        Kind::Full => ArchiveError::Full { action, database, source },
        Kind::Unopened => {
            let found = what_is_there(Path::new(&database));
            ArchiveError::Unopened { action, database, found, source }
        }
        Kind::Other => ArchiveError::Database { action, database, source },
    }
}

enum Kind {
    Corrupt,
    Full,
    Unopened,
    Other,
}

/// SQLite's primary result code is the low byte of its extended code; PostgreSQL's SQLSTATE has
/// five characters.
fn kind(error: &sqlx::Error) -> Kind {
    let code = error.as_database_error().and_then(|it| it.code());
    match code.as_deref() {
        Some("53100") => Kind::Full,
        Some(code) if code.len() < 5 => match code.parse::<u32>().map(|it| it & 0xff) {
            Ok(11 | 26) => Kind::Corrupt,
            Ok(13) => Kind::Full,
            Ok(14) => Kind::Unopened,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    }
}

/// SQLite says that a file would not open, but neither which one nor why: what the operating system
/// says of the database, of the two files of its write-ahead log and of this process.
///
/// Opens none of them: closing a file lets go of all locks that the process holds on it.
fn what_is_there(database: &Path) -> String {
    let mut parts = Vec::new();
    for ending in ["", "-wal", "-shm"] {
        let path = named_after(database, ending);
        let name = if ending.is_empty() { "database" } else { &ending[1..] };
        parts.push(match fs::metadata(&path) {
            Ok(file) if file.permissions().readonly() => format!("{name}: read-only"),
            Ok(file) => format!("{name}: {} bytes", file.len()),
            Err(error) => format!("{name}: {error}"),
        });
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        parts.push(format!("this process has {} files open", files.count()));
    }
    parts.join("; ")
}
