use std::fs;

use super::world::{World, id};
use crate::archive::{Archive, ArchiveError, ArchiveSettings, backup};

#[tokio::test]
async fn a_backup_of_an_archive_at_work_brings_everything_back() {
    let world = World::on_sqlite().await;
    world.store([1, 2]).await;
    let file = world.dir.path().join("copy.db");
    let warc = world.settings.data_dir.join("warc");
    fs::create_dir_all(&warc).unwrap();
    for (name, text) in [("a.warc.gz", "as it was"), ("b.warc.gz", "b"), ("notes.txt", "no WARC")] {
        fs::write(warc.join(name), text).unwrap();
    }
    let copied = backup::backup(&world.settings, &file).await.unwrap();
    assert_eq!(copied.n_bytes, fs::metadata(&file).unwrap().len());
    assert_eq!((copied.n_warc_files, copied.n_warc_bytes), (2, 10));
    // Since then one is damaged, one grew and one is new.
    fs::write(warc.join("a.warc.gz"), "as").unwrap();
    fs::write(warc.join("b.warc.gz"), "b and more").unwrap();
    fs::write(warc.join("c.warc.gz"), "c").unwrap();
    world.store([3]).await;
    let again = backup::backup(&world.settings, &file).await.unwrap_err();
    assert!(again.to_string().contains("copy.db"), "nothing is written over: {again}");

    let busy = backup::restore(&world.settings, &file).await.unwrap_err();
    assert!(matches!(busy, ArchiveError::Locked { .. }), "{busy}");
    world.archive.close().await;
    drop(world.archive);
    fs::create_dir_all(world.settings.data_dir.join("index")).unwrap();
    assert_eq!(backup::restore(&world.settings, &file).await.unwrap(), 1);
    for (name, text) in
        [("a.warc.gz", "as it was"), ("b.warc.gz", "b and more"), ("c.warc.gz", "c")]
    {
        assert_eq!(fs::read_to_string(warc.join(name)).unwrap(), text, "{name}");
    }
    assert!(!world.settings.data_dir.join("index").exists(), "the index is made anew");
    let restored = Archive::open(&world.settings).await.unwrap();
    assert!(restored.article(&id(2)).await.unwrap().is_some());
    assert!(restored.article(&id(3)).await.unwrap().is_none(), "younger than the backup");
    let before = world.settings.data_dir.join("harbinger.db.before-restore");
    assert!(before.exists(), "what was there is kept");
    fs::remove_file(&file).unwrap();
    let half = backup::backup(&world.settings, &file).await.unwrap_err();
    assert!(
        half.to_string().contains("copy.db"),
        "its folder of WARC files is still there: {half}"
    );
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_changes_nothing() {
    let world = World::on_sqlite().await;
    world.store([1]).await;
    world.archive.close().await;
    drop(world.archive);
    let file = world.dir.path().join("garbage.db");
    fs::write(&file, b"no database at all, but long enough to be read as one".repeat(100)).unwrap();
    for bad in [file, world.dir.path().join("missing.db")] {
        assert!(backup::restore(&world.settings, &bad).await.is_err(), "{}", bad.display());
    }
    let archive = Archive::open(&world.settings).await.unwrap();
    assert!(archive.article(&id(1)).await.unwrap().is_some());
    archive.close().await;
    let settings = ArchiveSettings {
        database_url: Some("postgres://a@b/c".to_owned()),
        ..world.settings.clone()
    };
    let refused = backup::backup(&settings, &world.dir.path().join("x.db")).await.unwrap_err();
    assert!(format!("{refused:?}").contains("pg_dump"), "{refused:?}");
}
