use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::{env, fs};

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, Row, SqlSafeStr};

use super::world::{World, article, at, correlated, id, on_each_database, threatening};
use crate::archive::migrations::MIGRATIONS;
use crate::archive::statements::StatementFilter;
use crate::archive::{Archive, ArchiveError, ArchiveSettings};

const HELD_FOLDER: &str = "HARBINGER_TEST_HELD_FOLDER";

#[tokio::test]
async fn an_archive_reopens_with_all_it_had() {
    on_each_database(async |world| {
        world.store([1]).await;
        world.archive.meta_set("model", "tagger-v1").await.unwrap();
        world.archive.meta_set("model", "tagger-v2").await.unwrap();
        let reader = Archive::open_read_only(&world.settings).await.unwrap();
        assert_eq!(reader.meta_get("model").await.unwrap().as_deref(), Some("tagger-v2"));
        assert_eq!(reader.meta_get("nothing").await.unwrap(), None);
        assert!(reader.article(&id(1)).await.unwrap().is_some());
        // It sees what the other one commits meanwhile, and cannot write itself.
        world.store([2]).await;
        assert!(reader.article(&id(2)).await.unwrap().is_some());
        assert!(reader.record_article(&article("wire", 3), None).await.is_err());
        assert!(world.archive.article(&id(3)).await.unwrap().is_none());
        reader.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_second_opening_of_a_folder_is_refused_until_the_first_is_gone() {
    let world = World::on_sqlite().await;
    world.store([1]).await;
    let clone = world.archive.clone();
    drop(world.archive);
    let refusal = Archive::open(&world.settings).await.unwrap_err().to_string();
    assert!(refusal.contains(&world.settings.data_dir.display().to_string()), "{refusal}");
    assert!(refusal.contains(&format!("process {}", std::process::id())), "{refusal}");
    drop(clone);
    let reopened = Archive::open(&world.settings).await.unwrap();
    assert!(reopened.article(&id(1)).await.unwrap().is_some());
}

/// Not a test by itself: the process that
/// [`a_second_process_is_refused_and_a_killed_one_is_in_nobodys_way`] starts and kills.
#[tokio::test]
async fn holder_of_a_folder() {
    let Ok(folder) = env::var(HELD_FOLDER) else { return };
    let archive = Archive::open(&ArchiveSettings::in_folder(folder)).await.unwrap();
    archive.record_article(&article("wire", 1), None).await.unwrap();
    println!("\nholding");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_second_process_is_refused_and_a_killed_one_is_in_nobodys_way() {
    let dir = tempfile::tempdir().unwrap();
    let settings = ArchiveSettings::in_folder(dir.path().join("data"));
    let mut holder = Command::new(env::current_exe().unwrap())
        .args(["--exact", "archive::tests::opening::holder_of_a_folder", "--nocapture"])
        .env(HELD_FOLDER, &settings.data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|it| it == "holding"), "the holder did not start");

    let refusal = Archive::open(&settings).await.unwrap_err();
    assert!(matches!(refusal, ArchiveError::Locked { .. }));
    assert!(refusal.to_string().contains(&format!("process {}", holder.id())), "{refusal}");
    holder.kill().unwrap();
    holder.wait().unwrap();
    let archive = Archive::open(&settings).await.unwrap();
    assert!(archive.article(&id(1)).await.unwrap().is_some(), "a committed article is lost");
}

#[tokio::test]
async fn a_folder_name_may_hold_any_characters() {
    let dir = tempfile::tempdir().unwrap();
    let settings = ArchiveSettings::in_folder(dir.path().join("50% of #all? ünïcode folders"));
    let archive = Archive::open(&settings).await.unwrap();
    archive.close().await;
    assert!(settings.data_dir.join("harbinger.db").exists());
}

#[tokio::test]
async fn a_reader_without_archive_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let settings = ArchiveSettings::in_folder(dir.path());
    let error = Archive::open_read_only(&settings).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Missing { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_database_of_a_newer_harbinger_is_left_alone() {
    on_each_database(async |world| {
        sqlx::query(
            "INSERT INTO _sqlx_migrations
                 (version, description, success, checksum, execution_time)
             SELECT 9999, description, success, checksum, 0 FROM _sqlx_migrations
             WHERE version = 1",
        )
        .execute(&world.archive.writer)
        .await
        .unwrap();
        let newer =
            ArchiveSettings { data_dir: world.dir.path().join("newer"), ..world.settings.clone() };
        if world.settings.database_url.is_none() {
            fs::create_dir(&newer.data_dir).unwrap();
            sqlx::query("VACUUM INTO $1")
                .bind(newer.data_dir.join("harbinger.db").to_str().unwrap())
                .execute(&world.archive.writer)
                .await
                .unwrap();
        }
        for opened in [Archive::open(&newer).await, Archive::open_read_only(&newer).await] {
            let error = opened.unwrap_err();
            assert!(matches!(error, ArchiveError::SchemaTooNew { found: 9999, .. }), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_reader_does_not_migrate() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("harbinger.db"), "").unwrap();
    let error = Archive::open_read_only(&ArchiveSettings::in_folder(dir.path())).await.unwrap_err();
    assert!(matches!(error, ArchiveError::SchemaTooOld { found: 0, .. }), "{error}");
}

#[tokio::test]
async fn a_data_folder_that_is_a_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    let error = Archive::open(&ArchiveSettings::in_folder(&path)).await.unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
}

#[tokio::test]
async fn messages_about_a_database_url_keep_its_password_to_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let check = async |url: &str| {
        let settings = ArchiveSettings {
            database_url: Some(url.to_owned()),
            ..ArchiveSettings::in_folder(dir.path())
        };
        let error = Archive::open(&settings).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(!text.contains("secret"), "{text}");
        error.to_string()
    };
    let refusal = check("postgres://user:secret@127.0.0.1:1/news?password=secret").await;
    assert!(refusal.contains("postgres://user@127.0.0.1:1/news"), "{refusal}");
    check("mysql://user:secret@127.0.0.1:1/news").await;
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    let columns = |sql: &str| -> Vec<String> {
        let code = sql.lines().map(|it| it.split("--").next().unwrap_or_default().trim());
        let words = code.filter_map(|it| match it.split_whitespace().collect::<Vec<_>>()[..] {
            ["CREATE", "TABLE" | "INDEX", name, ..] => Some(name.to_owned()),
            [name, "TEXT" | "INTEGER" | "BIGINT" | "BLOB" | "BYTEA" | "REAL" | "DOUBLE", ..] => {
                Some(format!("  {name}"))
            }
            _ => None,
        });
        words.collect()
    };
    for (_, description, sqlite, postgres) in MIGRATIONS {
        assert!(!columns(sqlite).is_empty());
        assert_eq!(columns(sqlite), columns(postgres), "{description}");
    }
}

#[test]
fn every_migration_in_the_folder_is_applied() {
    for folder in ["sqlite", "postgres"] {
        let folder = format!("{}/migrations/{folder}", env!("CARGO_MANIFEST_DIR"));
        let n_files = fs::read_dir(folder).unwrap().count();
        assert_eq!(n_files, MIGRATIONS.len());
    }
}

/// What an archive tells of the articles 1 and 2, of whom they name and what they say.
async fn told(archive: &Archive) -> String {
    let statements = archive.statements(&StatementFilter::default(), None, 10).await.unwrap();
    let (first, second) = (archive.article(&id(1)).await, archive.article(&id(2)).await);
    let entity = archive.entity("country:ir").await.unwrap();
    format!("{:?} {:?} {:?} {entity:?}", first.unwrap(), second.unwrap(), statements.items)
}

/// Makes the schema of version `last`.
async fn migrate(connection: &mut sqlx::AnyConnection, last: i64) {
    let is_postgres = connection.backend_name() == "PostgreSQL";
    let migrations = MIGRATIONS.iter().filter(|it| it.0 <= last);
    let migrations = migrations.map(|(version, description, sqlite, postgres)| {
        let kind = MigrationType::Simple;
        let sql = if is_postgres { *postgres } else { *sqlite };
        Migration::new(*version, (*description).into(), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect()).run(connection).await.unwrap();
}

#[tokio::test]
async fn hubs_of_a_database_of_before_are_asked_again() {
    let world = World::on_sqlite().await;
    let old = ArchiveSettings::in_folder(world.dir.path().join("old"));
    fs::create_dir(&old.data_dir).unwrap();
    let url = format!("sqlite://{}?mode=rwc", old.data_dir.join("harbinger.db").display());
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    migrate(&mut connection, 15).await;
    let kept =
        "INSERT INTO hub_subscriptions VALUES ('wire', 'h', 't', 'a', 'b', 1, 0, NULL, 9, 5)";
    sqlx::raw_sql(kept).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let archive = Archive::open(&old).await.unwrap();
    assert_eq!(archive.hub_subscription(&"wire".into()).await.unwrap(), None);
    archive.close().await;
}

#[tokio::test]
async fn a_database_of_the_first_schema_is_brought_up_with_all_it_had() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        world.annotate(&[threatening(1, 1), correlated(2, 1, &["country:ir"])]).await;
        let expected = told(&world.archive).await;
        assert!(expected.contains("Threat"), "{expected}");

        let old = in_first_schema(world).await;
        let refused = Archive::open_read_only(&old).await.unwrap_err();
        assert!(matches!(refused, ArchiveError::SchemaTooOld { found: 1, .. }), "{refused}");
        let archive = Archive::open(&old).await.unwrap();
        assert_eq!(told(&archive).await, expected);
        // And it goes on.
        archive.record_article(&article("wire", 3), None).await.unwrap();
        archive.record_annotations(&[correlated(3, 1, &["country:ir"])], at(9)).await.unwrap();
        assert_eq!(archive.entity("country:ir").await.unwrap().unwrap().n_articles, 3);
        archive.close().await;
    })
    .await;
}

/// What `world` holds in the first schema, with the columns that this had.
async fn in_first_schema(world: &World) -> ArchiveSettings {
    let (old, url, newer) = match &world.settings.database_url {
        None => {
            let old = ArchiveSettings::in_folder(world.dir.path().join("old"));
            fs::create_dir(&old.data_dir).unwrap();
            let url = format!("sqlite://{}?mode=rwc", old.data_dir.join("harbinger.db").display());
            (old, url, "newer".to_owned())
        }
        Some(_) => {
            let (old, newer) = world.beside("old").await;
            let url = old.database_url.clone().unwrap();
            (old, url, newer)
        }
    };
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    migrate(&mut connection, 1).await;
    let is_postgres = connection.backend_name() == "PostgreSQL";
    let (before, tables, copy, after) = match is_postgres {
        false => {
            let file = world.settings.data_dir.join("harbinger.db");
            let attach = format!("ATTACH '{}' AS {newer}", file.display());
            let tables = "SELECT m.name AS name, group_concat(c.name, ', ') AS columns
                 FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
                 WHERE m.type = 'table' AND m.name NOT LIKE '%sql%' GROUP BY m.name";
            (format!("PRAGMA foreign_keys = OFF; {attach}"), tables, "", "")
        }
        true => (
            "SET session_replication_role = replica".to_owned(),
            "SELECT table_name::text AS name, string_agg(column_name::text, ', ') AS columns
             FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name NOT LIKE '%sql%'
             GROUP BY table_name",
            "OVERRIDING SYSTEM VALUE",
            "SELECT setval(pg_get_serial_sequence('article_states', 'arrival'), max(arrival))
             FROM article_states",
        ),
    };
    let tables = sqlx::query(tables).fetch_all(&mut connection).await.unwrap();
    assert!(tables.len() > 10, "the first schema has more than {} tables", tables.len());
    let mut steps = vec![before];
    for table in &tables {
        let (name, columns): (&str, &str) = (table.get("name"), table.get("columns"));
        steps.push(format!("DELETE FROM {name}"));
        steps.push(format!(
            "INSERT INTO {name} ({columns}) {copy} SELECT {columns} FROM {newer}.{name}"
        ));
    }
    // What later schemas count they begin to count themselves.
    steps.push("DELETE FROM counters WHERE name <> 'index_seq'".to_owned());
    steps.push(after.to_owned());
    for step in steps.into_iter().filter(|it| !it.is_empty()) {
        sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    old
}
