//! The WARC files of a backup.
//!
//! Their names are unique and they only ever grow, so that a longer file of the same name holds all
//! that a shorter one does.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ingest::warc_writer::files;

use super::{keep_private, named_after};

/// The folder of the WARC files that belong to the backup `file`.
pub(super) fn beside(file: &Path) -> PathBuf {
    named_after(file, ".warc")
}

/// Copies the WARC files of `from` into the new folder `to`; answers their number and bytes. There
/// is no new folder when there is no file.
pub(super) fn save(from: &Path, to: &Path) -> io::Result<(u64, u64)> {
    let names = files(from)?;
    if names.is_empty() {
        return Ok((0, 0));
    }
    let part = named_after(to, ".part");
    if part.exists() {
        fs::remove_dir_all(&part)?;
    }
    fs::create_dir(&part)?;
    let mut n_bytes = 0;
    for (name, _) in &names {
        n_bytes += copy(&from.join(name), &part.join(name))?;
    }
    fs::rename(&part, to)?;
    Ok((names.len() as u64, n_bytes))
}

/// Copies the WARC files of the backup folder `from` into `to` unless `to` has as much of them;
/// answers how many.
pub(super) fn bring_back(from: &Path, to: &Path) -> io::Result<u64> {
    let mut n_files = 0;
    for (name, size) in files(from)? {
        let there = to.join(&name);
        if fs::metadata(&there).is_ok_and(|it| size <= it.len()) {
            continue;
        }
        fs::create_dir_all(to)?;
        let part = named_after(&there, ".part");
        copy(&from.join(&name), &part)?;
        fs::rename(&part, &there)?;
        n_files += 1;
    }
    Ok(n_files)
}

/// Copies one file so that it is on the disk, readable by its owner alone.
fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let n_bytes = fs::copy(from, to)?;
    keep_private(to)?;
    File::open(to)?.sync_all()?;
    Ok(n_bytes)
}
