//! Opening: lock, connect, check, migrate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Row, SqlSafeStr};
use url::Url;

use super::error::classify;
use super::migrations::MIGRATIONS;
use super::{Archive, ArchiveError, ArchiveSettings, DataDirLock, Dialect};

pub(super) const DATABASE_FILE: &str = "harbinger.db";
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// Databases up to this size are checked page by page at each start (tens of milliseconds).
const CHECKED_BYTES_MAX: i64 = 64 << 20;

/// What a connection may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Write,
    Read,
}

impl Archive {
    /// Opens the archive for work: makes the data folder, locks it against other processes,
    /// creates or migrates the database and gives back what an earlier run of this folder leased.
    pub async fn open(settings: &ArchiveSettings) -> Result<Archive, ArchiveError> {
        let lock = DataDirLock::acquire(&settings.data_dir)?;
        let target = Target::of(settings)?;
        let known = newest_version();
        let mut connection = target.connect(Access::Write).await?;
        match target.schema_version(&mut connection).await? {
            found if known < found => {
                return Err(ArchiveError::SchemaTooNew { database: target.database, found, known });
            }
            _ => target.migrate(&mut connection).await?,
        }
        target.check_pages(&mut connection).await?;
        target.close(connection).await;

        let n_max = settings.n_connections_max.max(2);
        let (writer, reader) = match target.dialect {
            Dialect::Sqlite => (target.pool(1, Access::Write), target.pool(n_max, Access::Read)),
            Dialect::Postgres => {
                let pool = target.pool(n_max, Access::Write);
                (pool.clone(), pool)
            }
        };
        let archive = Archive {
            dialect: target.dialect,
            writer,
            reader,
            database: target.database.into(),
            worker_id: lock.worker_id.as_str().into(),
            countries: Arc::default(),
            _lock: Some(Arc::new(lock)),
        };
        archive.give_back_leases().await?;
        Ok(archive)
    }

    /// Opens an existing archive for reading only, also while another process works on it:
    /// takes no lock, migrates nothing, refuses to write.
    pub async fn open_read_only(settings: &ArchiveSettings) -> Result<Archive, ArchiveError> {
        let target = Target::of(settings)?;
        if target.file.as_ref().is_some_and(|it| !it.exists()) {
            return Err(ArchiveError::Missing { database: target.database });
        }
        let mut connection = target.connect(Access::Read).await?;
        let (database, found, known) = (
            target.database.clone(),
            target.schema_version(&mut connection).await?,
            newest_version(),
        );
        target.close(connection).await;
        if known < found {
            return Err(ArchiveError::SchemaTooNew { database, found, known });
        }
        if found < known {
            return Err(ArchiveError::SchemaTooOld { database, found, known });
        }
        let pool = target.pool(settings.n_connections_max.max(2), Access::Read);
        Ok(Archive {
            dialect: target.dialect,
            writer: pool.clone(),
            reader: pool,
            database: database.into(),
            worker_id: "reader".into(),
            countries: Arc::default(),
            _lock: None,
        })
    }

    /// Makes claimable again what this worker had claimed before it ended.
    async fn give_back_leases(&self) -> Result<(), ArchiveError> {
        self.tried("give back the leases of the last run", async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE entries SET state = 'pending', due_at = added_at, leased_by = NULL
                 WHERE leased_by = $1",
            )
            .bind(&*self.worker_id)
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "UPDATE article_states SET annotate_at = 0, leased_by = NULL
                 WHERE annotate_at IS NOT NULL AND leased_by = $1",
            )
            .bind(&*self.worker_id)
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "UPDATE outbox SET due_at = planned_at, leased_by = NULL
                 WHERE due_at IS NOT NULL AND leased_by = $1",
            )
            .bind(&*self.worker_id)
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }
}

pub(super) fn newest_version() -> i64 {
    MIGRATIONS.iter().map(|it| it.0).max().unwrap_or(0)
}

/// A database to connect to.
struct Target {
    dialect: Dialect,
    /// For messages.
    database: String,
    url: Url,
    /// The file, when the database is one.
    file: Option<PathBuf>,
}

impl Target {
    fn of(settings: &ArchiveSettings) -> Result<Target, ArchiveError> {
        sqlx::any::install_default_drivers();
        match &settings.database_url {
            Some(url) => Target::postgres(url),
            None => Target::sqlite(&settings.data_dir),
        }
    }

    fn postgres(text: &str) -> Result<Target, ArchiveError> {
        let refused = |reason: String| {
            let source = sqlx::Error::Configuration(reason.into());
            classify("database_url", "connect".to_owned(), source)
        };
        let url = Url::parse(text).map_err(|error| refused(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refused(format!("`{}` is not the scheme `postgres`", url.scheme())));
        }
        let mut shown = url.clone();
        // Both can only fail for URLs without host, which then have no password either.
        let _ = shown.set_password(None);
        shown.set_query(None);
        Ok(Target { dialect: Dialect::Postgres, database: shown.into(), url, file: None })
    }

    fn sqlite(data_dir: &Path) -> Result<Target, ArchiveError> {
        let path = data_dir.join(DATABASE_FILE);
        let unusable = |source| ArchiveError::DataDir { path: path.clone(), source };
        let absolute = std::path::absolute(&path).map_err(unusable)?;
        let url = Url::from_file_path(&absolute)
            .ok()
            .and_then(|it| Url::parse(&format!("sqlite://{}", it.path())).ok())
            .ok_or_else(|| unusable(std::io::ErrorKind::InvalidFilename.into()))?;
        let database = path.display().to_string();
        Ok(Target { dialect: Dialect::Sqlite, database, url, file: Some(absolute) })
    }

    fn options(&self, access: Access) -> AnyConnectOptions {
        let mut url = self.url.clone();
        if self.dialect == Dialect::Sqlite {
            // A reader opens `rw` too: only then can it join a write-ahead log left by a crash.
            // `query_only` keeps it from writing.
            url.set_query(Some(if access == Access::Write { "mode=rwc" } else { "mode=rw" }));
        }
        let options = AnyConnectOptions::from_url(&url).expect("takes every URL");
        options.disable_statement_logging()
    }

    /// One connection outside the pools, whose errors come at once instead of after retries.
    async fn connect(&self, access: Access) -> Result<AnyConnection, ArchiveError> {
        let connected = async {
            let mut connection = AnyConnection::connect_with(&self.options(access)).await?;
            prepare(&mut connection, self.dialect, access).await?;
            Ok(connection)
        };
        connected.await.map_err(|error| classify(&self.database, "connect".to_owned(), error))
    }

    async fn close(&self, connection: AnyConnection) {
        if let Err(error) = connection.close().await {
            tracing::debug!(database = self.database, %error, "closing a connection failed");
        }
    }

    fn pool(&self, n_max: u32, access: Access) -> AnyPool {
        let dialect = self.dialect;
        let options = AnyPoolOptions::new()
            .max_connections(n_max)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(dialect == Dialect::Postgres)
            .after_connect(move |connection, _| Box::pin(prepare(connection, dialect, access)));
        let options = match dialect {
            Dialect::Sqlite => options.idle_timeout(None).max_lifetime(None),
            Dialect::Postgres => options,
        };
        options.connect_lazy_with(self.options(access))
    }

    /// Version of the newest applied migration; 0 for an empty database.
    async fn schema_version(&self, connection: &mut AnyConnection) -> Result<i64, ArchiveError> {
        let n_tables = match self.dialect {
            Dialect::Sqlite => "SELECT COUNT(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
            Dialect::Postgres => {
                "SELECT COUNT(*) FROM information_schema.tables
                 WHERE table_name = '_sqlx_migrations' AND table_schema = current_schema()"
            }
        };
        let version = async {
            let n_tables: i64 =
                sqlx::query(n_tables).fetch_one(&mut *connection).await?.try_get(0)?;
            if n_tables == 0 {
                return Ok(0);
            }
            let newest = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
            sqlx::query(newest).fetch_one(&mut *connection).await?.try_get(0)
        };
        version.await.map_err(|error| self.refused("read the schema version", error))
    }

    async fn migrate(&self, connection: &mut AnyConnection) -> Result<(), ArchiveError> {
        let migrations = MIGRATIONS.iter().map(|&(version, description, sqlite, postgres)| {
            let sql = if self.dialect == Dialect::Sqlite { sqlite } else { postgres };
            let kind = MigrationType::Simple;
            Migration::new(version, description.into(), kind, sql.into_sql_str(), false)
        });
        let migrator = Migrator::with_migrations(migrations.collect());
        migrator.run(connection).await.map_err(|error| match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                self.refused("migrate", error)
            }
            other => self.refused("migrate", sqlx::Error::Migrate(Box::new(other))),
        })
    }

    /// Reads a small SQLite file whole, so that damage is told at the start and not in the night.
    async fn check_pages(&self, connection: &mut AnyConnection) -> Result<(), ArchiveError> {
        if self.dialect == Dialect::Postgres {
            return Ok(());
        }
        let checked = async {
            let size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
            let n_bytes: i64 = sqlx::query(size).fetch_one(&mut *connection).await?.try_get(0)?;
            if CHECKED_BYTES_MAX < n_bytes {
                return Ok("ok".to_owned());
            }
            sqlx::query("PRAGMA quick_check(1)").fetch_one(&mut *connection).await?.try_get(0)
        };
        let verdict: String =
            checked.await.map_err(|error| self.refused("check the database", error))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(ArchiveError::Corrupt { database: self.database.clone(), reason: verdict })
    }

    fn refused(&self, action: &str, error: sqlx::Error) -> ArchiveError {
        classify(&self.database, action.to_owned(), error)
    }
}

/// Sets up a new connection.
async fn prepare(
    connection: &mut AnyConnection,
    dialect: Dialect,
    access: Access,
) -> Result<(), sqlx::Error> {
    let settings = match (dialect, access) {
        // FULL: a commit survives a power cut, not only `kill -9`. See `benches/archive.rs` for
        // its price.
        (Dialect::Sqlite, Access::Write) => {
            "PRAGMA busy_timeout = 30000;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -32768;
             PRAGMA temp_store = MEMORY"
        }
        (Dialect::Sqlite, Access::Read) => {
            "PRAGMA busy_timeout = 30000;
             PRAGMA query_only = ON;
             PRAGMA cache_size = -8192;
             PRAGMA temp_store = MEMORY"
        }
        (Dialect::Postgres, Access::Write) => "SET application_name = 'harbinger'",
        (Dialect::Postgres, Access::Read) => {
            "SET application_name = 'harbinger'; SET default_transaction_read_only = on"
        }
    };
    connection.execute(sqlx::raw_sql(settings)).await?;
    Ok(())
}
