use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tantivy::Index;
use tantivy::directory::error::{DeleteError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, FileHandle, RamDirectory, TerminatingWrite, WatchCallback,
    WatchHandle, WritePtr,
};
use tempfile::TempDir;

use super::*;
use crate::testing::{article, at};

fn opened(dir: &Path) -> IndexWriterStage {
    IndexWriterStage::open(dir, WriterSettings::default()).unwrap()
}

/// An index of two commits, closed.
fn filled() -> TempDir {
    let dir = TempDir::new().unwrap();
    let mut stage = opened(dir.path());
    assert_eq!((stage.opened(), stage.committed_seq()), (&Opened::New, 0));
    stage.apply(&[article("x.example/1", "One", "first text")]).unwrap();
    stage.commit(5).unwrap();
    stage.apply(&[article("x.example/2", "Two", "second text")]).unwrap();
    stage.commit(8).unwrap();
    stage.close().unwrap();
    dir
}

fn find(stage: &IndexWriterStage, q: &str) -> u64 {
    let request = crate::SearchRequest { q: q.to_owned(), ..Default::default() };
    stage.search_index().search(&request, at("2026-01-20")).unwrap().total
}

/// Damages a good index, opens it, and expects an empty one that works.
#[track_caller]
fn check_rebuilt(reason: &str, damage: impl FnOnce(&Path)) {
    let dir = filled();
    fs::write(dir.path().join("notes.txt"), "mine").unwrap();
    damage(dir.path());
    let mut stage = opened(dir.path());
    match stage.opened() {
        Opened::Rebuilt(found) => assert!(found.contains(reason), "{found}"),
        other => panic!("{other:?}"),
    }
    assert_eq!((stage.committed_seq(), find(&stage, "")), (0, 0));
    stage.apply(&[article("x.example/1", "One", "first text")]).unwrap();
    stage.commit(5).unwrap();
    stage.close().unwrap();
    let stage = opened(dir.path());
    assert_eq!((stage.opened(), stage.committed_seq()), (&Opened::Existing, 5));
    assert_eq!(find(&stage, "first"), 1);
    assert!(dir.path().join("notes.txt").exists(), "a file of somebody else is gone");
}

fn segment_files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    let found: Vec<_> =
        files.filter(|it| it.extension().is_some_and(|it| it == extension)).collect();
    assert!(!found.is_empty(), "no {extension} file");
    found
}

#[test]
fn a_reopened_index_knows_how_far_it_got() {
    let dir = filled();
    let stage = opened(dir.path());
    assert_eq!((stage.opened(), stage.committed_seq()), (&Opened::Existing, 8));
    assert_eq!((find(&stage, "text"), find(&stage, "second")), (2, 1));
}

#[test]
fn what_was_not_committed_is_gone_after_a_crash_and_may_come_again() {
    let dir = filled();
    let mut stage = opened(dir.path());
    let late = article("x.example/3", "Three", "third text");
    stage.apply(&[late.clone(), article("x.example/1", "One", "changed")]).unwrap();
    drop(stage); // As good as a kill: nothing is written on drop.
    let mut stage = opened(dir.path());
    assert_eq!((stage.committed_seq(), find(&stage, "third"), find(&stage, "first")), (8, 0, 1));
    stage.apply(&[late]).unwrap();
    stage.commit(9).unwrap();
    assert_eq!((find(&stage, "third"), find(&stage, "text")), (1, 3));
}

#[test]
fn a_damaged_folder_is_rebuilt() {
    check_rebuilt("", |dir| fs::write(dir.join("meta.json"), "{").unwrap());
    check_rebuilt("", |dir| fs::remove_file(dir.join("meta.json")).unwrap());
    for extension in open::SEGMENT_EXTENSIONS {
        check_rebuilt("", |dir| fs::remove_file(&segment_files(dir, extension)[0]).unwrap());
        check_rebuilt("", |dir| {
            let file = &segment_files(dir, extension)[0];
            let bytes = fs::read(file).unwrap();
            fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
        });
        check_rebuilt("", |dir| fs::write(&segment_files(dir, extension)[0], "").unwrap());
    }
}

#[test]
fn an_index_of_another_version_is_rebuilt() {
    check_rebuilt("schema 0", |dir| {
        let meta = dir.join("meta.json");
        let text = fs::read_to_string(&meta).unwrap();
        let old = text.replace(
            &format!("\\\"schema_version\\\":{SCHEMA_VERSION}"),
            "\\\"schema_version\\\":0",
        );
        assert_ne!(old, text);
        fs::write(meta, old).unwrap();
    });
    check_rebuilt("fields", |dir| {
        let meta = dir.join("meta.json");
        let text = fs::read_to_string(&meta).unwrap();
        let old = text.replace("\"spelling\"", "\"spellings\"");
        assert_ne!(old, text);
        fs::write(meta, old).unwrap();
    });
}

#[test]
fn a_second_writer_is_refused_and_harms_nothing() {
    let dir = filled();
    let stage = opened(dir.path());
    let second = IndexWriterStage::open(dir.path(), WriterSettings::default());
    assert!(matches!(second, Err(IndexError::Locked { .. })));
    assert_eq!(find(&stage, "text"), 2);
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_and_stays() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("index");
    fs::write(&file, "mine").unwrap();
    let opened = IndexWriterStage::open(&file, WriterSettings::default());
    assert!(matches!(opened, Err(IndexError::Folder { .. })));
    assert_eq!(fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn a_cleared_index_starts_from_zero() {
    let dir = filled();
    let mut stage = opened(dir.path());
    stage.clear().unwrap();
    assert_eq!((stage.committed_seq(), find(&stage, "")), (0, 0));
    drop(stage);
    assert_eq!(opened(dir.path()).committed_seq(), 0);
}

#[test]
fn many_commits_leave_few_segments_and_no_old_files() {
    let dir = TempDir::new().unwrap();
    let mut stage = opened(dir.path());
    for n in 0..60 {
        stage.apply(&[article(&format!("x.example/{n}"), "T", "text")]).unwrap();
        stage.commit(n + 1).unwrap();
    }
    stage.close().unwrap();
    let mut stage = opened(dir.path());
    stage.apply(&[]).unwrap();
    stage.commit(61).unwrap();
    let n_segments = stage.search_index().n_segments();
    assert!(n_segments <= 12, "{n_segments} segments");
    assert_eq!(find(&stage, "text"), 60);
    stage.close().unwrap();
    assert!(segment_files(dir.path(), "store").len() <= 2 * n_segments);
}

#[test]
fn a_full_disk_is_an_error_and_the_index_goes_on_when_there_is_room_again() {
    let disk = SmallDisk::default();
    let (schema, fields) = crate::schema::schema();
    let index = Index::create(disk.clone(), schema, Default::default()).unwrap();
    let settings = WriterSettings::default();
    let mut stage = IndexWriterStage::over(index, fields, settings, Opened::New).unwrap();
    stage.apply(&[article("x.example/1", "One", "first text")]).unwrap();
    stage.commit(1).unwrap();

    disk.is_full.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let failed = stage
            .apply(&[article("x.example/2", "Two", "second text")])
            .and_then(|()| stage.commit(2));
        assert!(matches!(failed, Err(IndexError::Write { committed_seq: 1, .. })), "{failed:?}");
        assert_eq!((stage.committed_seq(), find(&stage, "text")), (1, 1));
    }

    disk.is_full.store(false, Ordering::SeqCst);
    stage.apply(&[article("x.example/2", "Two", "second text")]).unwrap();
    stage.commit(2).unwrap();
    assert_eq!((stage.committed_seq(), find(&stage, "text")), (2, 2));
}

#[test]
fn a_search_is_answered_while_a_commit_is_under_way() {
    let disk = SmallDisk::default();
    let (schema, fields) = crate::schema::schema();
    let index = Index::create(disk.clone(), schema, Default::default()).unwrap();
    let settings = WriterSettings::default();
    let mut stage = IndexWriterStage::over(index, fields, settings, Opened::New).unwrap();
    stage.apply(&[article("x.example/1", "One", "first text")]).unwrap();
    stage.commit(1).unwrap();
    let search = stage.search_index();
    let request = crate::SearchRequest { q: "text".to_owned(), ..Default::default() };
    let n_found = || search.search(&request, at("2026-01-20")).unwrap().total;

    // Every file takes its time, so the commit does; it waits for a search to be answered.
    disk.n_slow.store(1, Ordering::SeqCst);
    let answered = disk.answered.clone();
    let writing = std::thread::spawn(move || {
        stage.apply(&[article("x.example/2", "Two", "second text")]).unwrap();
        stage.commit(2).unwrap();
        stage
    });
    while disk.n_slow.load(Ordering::SeqCst) != 2 {
        assert!(!writing.is_finished(), "the commit wrote no file");
        std::thread::yield_now();
    }
    assert_eq!(n_found(), 1);
    answered.store(true, Ordering::SeqCst);
    let mut stage = writing.join().unwrap();
    assert_eq!(n_found(), 2);

    // A change and a removal are seen as soon as they are committed.
    stage.apply(&[article("x.example/2", "Two", "another passage")]).unwrap();
    stage.remove(&[article("x.example/1", "", "").article.id]).unwrap();
    stage.commit(3).unwrap();
    assert_eq!((n_found(), find(&stage, "passage")), (0, 1));
}

/// Tantivy's directory in memory, which can run out of room, or wait with its files.
#[derive(Clone, Debug, Default)]
struct SmallDisk {
    memory: RamDirectory,
    is_full: Arc<AtomicBool>,
    /// 1: the next file waits until something is answered; 2: it waits.
    n_slow: Arc<AtomicUsize>,
    answered: Arc<AtomicBool>,
}

impl SmallDisk {
    fn room(&self) -> io::Result<()> {
        match self.is_full.load(Ordering::SeqCst) {
            true => Err(io::Error::from(io::ErrorKind::StorageFull)),
            false => Ok(()),
        }
    }
}

struct SmallFile {
    disk: SmallDisk,
    file: WritePtr,
}

impl Write for SmallFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.room()?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.disk.room()?;
        self.file.flush()
    }
}

impl TerminatingWrite for SmallFile {
    fn terminate_ref(&mut self, token: AntiCallToken) -> io::Result<()> {
        self.flush()?;
        self.file.get_mut().terminate_ref(token)
    }
}

impl Directory for SmallDisk {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.memory.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.memory.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.memory.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        if self.n_slow.compare_exchange(1, 2, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            while !self.answered.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }
        let file = self.memory.open_write(path)?;
        let file = SmallFile { disk: self.clone(), file };
        Ok(io::BufWriter::new(Box::new(file)))
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.memory.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        self.room()?;
        self.memory.atomic_write(path, data)
    }

    fn sync_directory(&self) -> io::Result<()> {
        self.room()
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.memory.watch(callback)
    }
}
