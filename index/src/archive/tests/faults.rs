use std::fs;

use super::world::{World, article, at, id, threatening};
use crate::archive::{Archive, ArchiveError, ArchiveSettings};

#[tokio::test]
async fn a_full_disk_is_an_error_and_harms_nothing() {
    let world = World::on_sqlite().await;
    world.store([1]).await;
    let size: i64 =
        sqlx::query_scalar("PRAGMA page_count").fetch_one(&world.archive.writer).await.unwrap();
    let limit = format!("PRAGMA max_page_count = {}", size + 20);
    sqlx::raw_sql(sqlx::AssertSqlSafe(limit)).execute(&world.archive.writer).await.unwrap();

    let mut big = article("wire", 2);
    big.text = "words and more words ".repeat(20_000);
    let error = world.archive.record_article(&big, None).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Full { .. }), "{error:?}");
    let mut n_stored = 0;
    for n in 10..200 {
        let stored = world.archive.record_article(&article("wire", n), None).await;
        let Ok(_) = stored else { break };
        world.archive.record_annotations(&[threatening(n, n)], at(0)).await.ok();
        n_stored += 1;
    }
    assert!(0 < n_stored && n_stored < 190, "{n_stored} articles fitted");

    // With room again everything goes on, and nothing is half there.
    sqlx::raw_sql("PRAGMA max_page_count = 1073741823")
        .execute(&world.archive.writer)
        .await
        .unwrap();
    world.archive.record_article(&big, None).await.unwrap();
    let counts = world.archive.counts().await.unwrap();
    assert_eq!(counts.n_articles, n_stored + 2);
    assert_eq!(counts.n_unannotated + counts.n_stories, counts.n_articles);
    let verdict: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&world.archive.writer)
        .await
        .unwrap();
    assert_eq!(verdict, "ok");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("harbinger.db");
    fs::write(&file, "this is a diary, not a database. ".repeat(100)).unwrap();
    let settings = ArchiveSettings::in_folder(dir.path());
    for opened in [Archive::open(&settings).await, Archive::open_read_only(&settings).await] {
        let error = opened.unwrap_err();
        assert!(matches!(error, ArchiveError::Corrupt { .. }), "{error:?}");
        assert!(error.to_string().contains(&file.display().to_string()), "{error}");
    }
    assert!(fs::read_to_string(&file).unwrap().starts_with("this is a diary"));
}

#[tokio::test]
async fn a_database_that_went_away_is_told_with_what_is_there() {
    let world = World::on_sqlite().await;
    let file = world.settings.data_dir.join("harbinger.db");
    fs::rename(&file, world.settings.data_dir.join("elsewhere.db")).unwrap();
    // The first reading opens a connection of its own.
    let error = world.archive.counts().await.unwrap_err();
    assert!(matches!(error, ArchiveError::Unopened { .. }), "{error:?}");
    let said = error.to_string();
    for part in [file.to_str().unwrap(), "database: No such file", "wal: ", "files open"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[tokio::test]
async fn a_damaged_database_is_told_at_the_start() {
    let world = World::on_sqlite().await;
    world.store(0..200).await;
    world.archive.close().await;
    drop(world.archive);
    let file = world.settings.data_dir.join("harbinger.db");
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40_000].fill(0x5a);
    fs::write(&file, bytes).unwrap();
    let error = Archive::open(&world.settings).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Corrupt { .. }), "{error:?}");
}

#[tokio::test]
async fn a_log_torn_by_a_crash_is_replayed_to_the_last_commit() {
    let world = World::on_sqlite().await;
    world.store(0..50).await;
    // As the disk looks to the next process after `kill -9`: database and log, nothing closed,
    // and the last page of the log only half written.
    let data_dir = world.dir.path().join("after-crash");
    fs::create_dir(&data_dir).unwrap();
    let files = ["harbinger.db", "harbinger.db-wal"];
    for file in files {
        fs::copy(world.settings.data_dir.join(file), data_dir.join(file)).unwrap();
    }
    world.store([50]).await;
    let log = fs::read(world.settings.data_dir.join(files[1])).unwrap();
    let before = fs::metadata(data_dir.join(files[1])).unwrap().len() as usize;
    assert!(before < log.len());
    fs::write(data_dir.join(files[1]), &log[..before + 3_000]).unwrap();

    let reopened = Archive::open(&ArchiveSettings::in_folder(data_dir)).await.unwrap();
    assert_eq!(reopened.counts().await.unwrap().n_articles, 50);
    assert!(reopened.article(&id(49)).await.unwrap().is_some());
    assert!(reopened.article(&id(50)).await.unwrap().is_none());
}
