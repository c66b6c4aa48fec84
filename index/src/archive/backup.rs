//! Copies of the archive that can be taken while it is at work, and put back.
//!
//! SQLite only: PostgreSQL has tools of its own (`pg_dump`). The search index is no part of a
//! backup, as it is rebuilt from the archive. WARC files are: they stand in a folder beside the
//! copy, whose name ends in `.warc`.

mod warc;

use std::fs;
use std::path::{Path, PathBuf};

use ingest::warc_writer::WARC_FOLDER;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};

use super::error::classify;
use super::open::{DATABASE_FILE, newest_version};
use super::{ArchiveError, ArchiveSettings, DataDirLock};
use crate::INDEX_FOLDER;

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of the database.
    pub n_bytes: u64,
    /// WARC files.
    pub n_warc_files: u64,
    /// Their bytes.
    pub n_warc_bytes: u64,
}

/// Writes a whole, consistent copy of the archive to the new file `to`, and of the WARC files, if
/// there are any, to the new folder `to` with `.warc` behind its name.
///
/// Works beside a running server. An unfinished copy never stands under the name `to`.
///
/// # Errors
/// When the archive is PostgreSQL or missing, when `to` or its folder exists, or when the disk is
/// full.
pub async fn backup(settings: &ArchiveSettings, to: &Path) -> Result<Copied, ArchiveError> {
    let from = database_file(settings)?;
    let refused = |source| ArchiveError::DataDir { path: to.to_owned(), source };
    if to.exists() || warc::beside(to).exists() {
        return Err(refused(std::io::ErrorKind::AlreadyExists.into()));
    }
    if !from.exists() {
        return Err(ArchiveError::Missing { database: from.display().to_string() });
    }
    let part = named_after(to, ".part");
    if part.exists() {
        fs::remove_file(&part).map_err(refused)?;
    }
    let copied = async {
        let mut connection = connect(&from).await?;
        sqlx::query("VACUUM INTO $1")
            .bind(part.display().to_string())
            .execute(&mut connection)
            .await?;
        connection.close().await
    };
    copied.await.map_err(|error| {
        let _ = fs::remove_file(&part);
        classify(&from.display().to_string(), format!("write {}", to.display()), error)
    })?;
    keep_private(&part).map_err(refused)?;
    fs::File::open(&part).and_then(|it| it.sync_all()).map_err(refused)?;
    // After the database: whatever it tells of has been written by then.
    let (n_warc_files, n_warc_bytes) =
        warc::save(&settings.data_dir.join(WARC_FOLDER), &warc::beside(to)).map_err(refused)?;
    fs::rename(&part, to).map_err(refused)?;
    let n_bytes = fs::metadata(to).map_err(refused)?.len();
    Ok(Copied { n_bytes, n_warc_files, n_warc_bytes })
}

/// The path with `ending` behind its name.
pub(super) fn named_after(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

/// A copy holds hashes of passwords and keys: nobody else may read it.
fn keep_private(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

/// Puts the backup `from` in the place of the archive; what was there is kept beside it under a
/// name that ends in `.before-restore`. The search index is removed and made anew at the start.
/// WARC files of the backup are put beside those that are there; answers how many came back.
///
/// # Errors
/// When a server works on the folder, or `from` is damaged, no backup, or of a newer harbinger.
pub async fn restore(settings: &ArchiveSettings, from: &Path) -> Result<u64, ArchiveError> {
    let to = database_file(settings)?;
    check(from).await?;
    let _lock = DataDirLock::acquire(&settings.data_dir)?;
    let refused = |source| ArchiveError::DataDir { path: to.clone(), source };
    let part = settings.data_dir.join(format!("{DATABASE_FILE}.part"));
    fs::copy(from, &part).map_err(refused)?;
    keep_private(&part).map_err(refused)?;
    fs::File::open(&part).and_then(|it| it.sync_all()).map_err(refused)?;
    // A database stands under its name at every moment, so that a crash never leaves none.
    let kept =
        |ending: &str| settings.data_dir.join(format!("{DATABASE_FILE}.before-restore{ending}"));
    if to.exists() {
        fs::copy(&to, kept("")).map_err(refused)?;
    }
    for ending in ["-wal", "-shm"] {
        let old = settings.data_dir.join(format!("{DATABASE_FILE}{ending}"));
        if old.exists() {
            fs::rename(&old, kept(ending)).map_err(refused)?;
        }
    }
    let n_warc_files = warc::bring_back(&warc::beside(from), &settings.data_dir.join(WARC_FOLDER))
        .map_err(refused)?;
    let index = settings.data_dir.join(INDEX_FOLDER);
    if index.exists() {
        fs::remove_dir_all(&index).map_err(refused)?;
    }
    fs::rename(&part, &to).map_err(refused)?;
    Ok(n_warc_files)
}

/// Reads a backup through.
async fn check(from: &Path) -> Result<(), ArchiveError> {
    let database = from.display().to_string();
    if !from.is_file() {
        return Err(ArchiveError::Missing { database });
    }
    let read = async {
        let mut connection = connect(from).await?;
        let verdict: String =
            sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut connection).await?.try_get(0)?;
        let version: i64 = sqlx::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
            .fetch_one(&mut connection)
            .await?
            .try_get(0)?;
        connection.close().await?;
        Ok((verdict, version))
    };
    let (verdict, found) =
        read.await.map_err(|error| classify(&database, "read the backup".to_owned(), error))?;
    if verdict != "ok" {
        return Err(ArchiveError::Corrupt { database, reason: verdict });
    }
    let known = newest_version();
    if known < found {
        return Err(ArchiveError::SchemaTooNew { database, found, known });
    }
    Ok(())
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    options
        .busy_timeout(std::time::Duration::from_secs(30))
        .disable_statement_logging()
        .connect()
        .await
}

fn database_file(settings: &ArchiveSettings) -> Result<PathBuf, ArchiveError> {
    if settings.database_url.is_some() {
        let source = std::io::Error::new(
            std::io::ErrorKind::Unsupported,
            "the archive is a PostgreSQL database; use pg_dump and pg_restore",
        );
        return Err(ArchiveError::DataDir { path: settings.data_dir.clone(), source });
    }
    Ok(settings.data_dir.join(DATABASE_FILE))
}
