//! Opens an index folder, checks it, and starts afresh when it cannot be used.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tantivy::directory::error::{LockError, OpenReadError};
use tantivy::directory::{Directory, META_LOCK, MmapDirectory};
use tantivy::{Index, IndexSettings, TantivyError};

use super::{CommitPayload, IndexError, IndexWriterStage, Opened, WriterSettings};
use crate::schema::{Fields, SCHEMA_VERSION, schema};

/// The files of a segment that are always there.
pub(super) const SEGMENT_EXTENSIONS: [&str; 6] =
    ["store", "fast", "idx", "term", "pos", "fieldnorm"];

/// See [`IndexWriterStage::open`].
pub(super) fn open(dir: &Path, settings: WriterSettings) -> Result<IndexWriterStage, IndexError> {
    fs::create_dir_all(dir).map_err(|source| IndexError::Folder { dir: dir.to_owned(), source })?;
    if !holds_index(dir) {
        return create(dir, settings, Opened::New);
    }
    match open_existing(dir).and_then(|(index, fields)| stage(dir, index, fields, &settings)) {
        Err(IndexError::Unusable { reason, .. }) => {
            tracing::warn!(
                index.dir = %dir.display(), index.reason = %reason,
                "the search index cannot be used ({reason}); it is rebuilt from the archive",
            );
            wipe(dir)?;
            create(dir, settings, Opened::Rebuilt(reason))
        }
        other => other,
    }
}

/// Opens the index in `dir` and checks that this version can use it.
pub(crate) fn open_existing(dir: &Path) -> Result<(Index, Fields), IndexError> {
    let unusable = |reason: String| IndexError::Unusable { dir: dir.to_owned(), reason };
    let (expected, fields) = schema();
    let checked = guarded(|| {
        let index = Index::open_in_dir(dir)?;
        let metas = index.load_metas()?;
        check_segment_files(&index)?;
        Ok((index, metas))
    });
    let (index, metas) = checked.map_err(|error| classified(dir, error))?;
    let payload = CommitPayload::of(&metas);
    let is_untouched = metas.payload.is_none() && metas.segments.is_empty();
    if !is_untouched && payload.schema_version != SCHEMA_VERSION {
        let found = payload.schema_version;
        return Err(unusable(format!("it has schema {found}, this version has {SCHEMA_VERSION}")));
    }
    if metas.schema != expected {
        return Err(unusable("its fields are those of another version".to_owned()));
    }
    Ok((index, fields))
}

/// Checks that the files of all segments are there and end as they should. Tantivy opens some of
/// them only when a search needs them.
fn check_segment_files(index: &Index) -> tantivy::Result<()> {
    // A writer, perhaps of another process, deletes no files of merged segments meanwhile.
    let _kept = index.directory().acquire_lock(&META_LOCK)?;
    for segment in index.searchable_segment_ids()? {
        for extension in SEGMENT_EXTENSIONS {
            let file = format!("{}.{extension}", segment.uuid_string());
            index.directory().open_read(Path::new(&file))?;
        }
    }
    Ok(())
}

fn stage(
    dir: &Path,
    index: Index,
    fields: Fields,
    settings: &WriterSettings,
) -> Result<IndexWriterStage, IndexError> {
    let opened =
        guarded(|| IndexWriterStage::over(index, fields, settings.clone(), Opened::Existing));
    opened.map_err(|error| classified(dir, error))
}

fn create(
    dir: &Path,
    settings: WriterSettings,
    opened: Opened,
) -> Result<IndexWriterStage, IndexError> {
    let (schema, fields) = schema();
    let make = || {
        let directory = MmapDirectory::open(dir)?;
        let index_settings =
            IndexSettings { docstore_compress_dedicated_thread: false, ..Default::default() };
        let index = Index::create(directory, schema, index_settings)?;
        IndexWriterStage::over(index, fields, settings, opened)
    };
    make().map_err(|error| classified(dir, error))
}

/// Tantivy panics on some damaged files; here that is an error like the others.
fn guarded<T>(read: impl FnOnce() -> tantivy::Result<T>) -> tantivy::Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let reason = "a file is damaged".to_owned();
        Err(TantivyError::InternalError(reason))
    })
}

/// Tells damage, which a rebuild mends, from trouble that would come back.
fn classified(dir: &Path, error: TantivyError) -> IndexError {
    let dir = dir.to_owned();
    match error {
        TantivyError::LockFailure(LockError::LockBusy, _) => IndexError::Locked { dir },
        TantivyError::OpenReadError(OpenReadError::IoError { ref io_error, .. })
            if !is_damage(io_error.kind()) =>
        {
            IndexError::Open { dir, source: error }
        }
        TantivyError::OpenDirectoryError(_)
        | TantivyError::OpenWriteError(_)
        | TantivyError::LockFailure(..)
        | TantivyError::SystemError(_) => IndexError::Open { dir, source: error },
        TantivyError::IoError(ref io) if !is_damage(io.kind()) => {
            IndexError::Open { dir, source: error }
        }
        other => IndexError::Unusable { dir, reason: other.to_string() },
    }
}

fn is_damage(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{InvalidData, NotFound, Other, UnexpectedEof};
    matches!(kind, InvalidData | NotFound | Other | UnexpectedEof)
}

fn holds_index(dir: &Path) -> bool {
    let Ok(entries) = fs::read_dir(dir) else { return false };
    entries.flatten().any(|it| is_index_file(&it.file_name().to_string_lossy()))
}

/// Removes the files of an index from `dir`, and no other file.
fn wipe(dir: &Path) -> Result<(), IndexError> {
    let wiped = || {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if is_index_file(&entry.file_name().to_string_lossy()) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    wiped().map_err(|source| IndexError::Folder { dir: dir.to_owned(), source })
}

/// Whether Tantivy makes files of this name: `meta.json`, its own lists and locks, and
/// `<32 hexadecimal digits>.<extension>`.
fn is_index_file(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    let is_segment = stem.len() == 32 && stem.bytes().all(|it| it.is_ascii_hexdigit());
    is_segment || matches!(name, "meta.json" | ".managed.json") || name.starts_with(".tantivy-")
}
