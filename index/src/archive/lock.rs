//! One process per data folder: [`DataDirLock`].

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::ArchiveError;

const LOCK_FILE: &str = "harbinger.lock";
const WORKER_FILE: &str = "worker-id";

/// The exclusive right to work in a data folder, held until dropped.
///
/// The operating system gives it back when the process ends, however it ends. The lock file
/// stays; it holds the number of the process that locked it last.
#[derive(Debug)]
pub(super) struct DataDirLock {
    _file: File,
    /// Name of this data folder among the workers on one database; the same after a restart.
    pub(super) worker_id: String,
}

impl DataDirLock {
    /// Makes `data_dir` when it is missing and locks it.
    pub(super) fn acquire(data_dir: &Path) -> Result<DataDirLock, ArchiveError> {
        fs::create_dir_all(data_dir).map_err(at(data_dir))?;
        let path = data_dir.join(LOCK_FILE);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(at(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ArchiveError::Locked {
                    path: data_dir.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(at(&path)(error)),
        }
        write_pid(&mut file).map_err(at(&path))?;
        let worker_id = worker_id(&data_dir.join(WORKER_FILE))?;
        Ok(DataDirLock { _file: file, worker_id })
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path: PathBuf = path.to_owned();
    move |source| ArchiveError::DataDir { path, source }
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())?;
    file.sync_data()
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let pid = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    pid.map_or_else(|| "process unknown".to_owned(), |pid| format!("process {pid}"))
}

/// Reads the worker's name from `path`, or makes one up and keeps it there.
fn worker_id(path: &Path) -> Result<String, ArchiveError> {
    match fs::read_to_string(path) {
        Ok(text) if uuid::Uuid::try_parse(text.trim()).is_ok() => {
            return Ok(text.trim().to_owned());
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(at(path)(error)),
    }
    let id = uuid::Uuid::new_v4().to_string();
    fs::write(path, format!("{id}\n")).map_err(at(path))?;
    Ok(id)
}
