//! Folders of HTML and text files as sources: which files there are, and reading one of them.
//!
//! A file has no address of its own, so it gets one below [`FOLDER_HOST`], which no resolver knows:
//! `http://folder.harbinger.invalid/SOURCE/PATH`. Links out of the folder are not followed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use config::SourceId;
use url::Url;

use crate::article::Entry;
use crate::canonical_url::CanonicalUrl;
use crate::failure::FailureClass;
use crate::fetch::Page;

/// Host of the addresses of files (RFC 6761: no resolver knows it).
pub const FOLDER_HOST: &str = "folder.harbinger.invalid";

/// Folders below the source's own that are looked into.
const DEPTH_MAX: usize = 8;
/// Files and folders looked at in one poll.
const N_LOOKED_AT_MAX: usize = 100_000;

/// What a look at a folder found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contents {
    /// Its files, those changed last first.
    pub(crate) entries: Vec<Entry>,
    /// Changes whenever a file comes, goes, or changes its size or time.
    pub(crate) fingerprint: String,
}

/// The files among the first [`N_LOOKED_AT_MAX`] files and folders below `folder`.
///
/// # Errors
/// When the folder cannot be read; what cannot be read within it is left out.
pub(crate) fn look(folder: &Path, source: &SourceId) -> io::Result<Contents> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    let mut open = vec![(PathBuf::new(), 0)];
    let mut n_looked_at = 0;
    'look: while let Some((below, depth)) = open.pop() {
        let listed = match fs::read_dir(folder.join(&below)) {
            Ok(listed) => listed,
            Err(error) if depth == 0 => return Err(error),
            Err(_) => continue,
        };
        for entry in listed.flatten() {
            n_looked_at += 1;
            if N_LOOKED_AT_MAX < n_looked_at {
                break 'look;
            }
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            // `file_type` does not follow links.
            let Ok(kind) = entry.file_type() else { continue };
            let path = below.join(entry.file_name());
            if is_hidden {
                continue;
            } else if kind.is_dir() && depth < DEPTH_MAX {
                open.push((path, depth + 1));
            } else if kind.is_file() && media_type(&path).is_some() {
                let Ok(facts) = entry.metadata() else { continue };
                files.push((facts.modified().unwrap_or(SystemTime::UNIX_EPOCH), facts.len(), path));
            }
        }
    }
    files.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.cmp(&b.2)));
    let mut hasher = blake3::Hasher::new();
    for file in &files {
        hasher.update(format!("{file:?}\n").as_bytes());
    }
    let mut seen = BTreeSet::new();
    let entries = files.iter().filter_map(|(_, _, path)| entry(path, source));
    let entries = entries.filter(|it| seen.insert(it.id)).collect();
    Ok(Contents { entries, fingerprint: hasher.finalize().to_hex().to_string() })
}

/// The entry of the file at `path` below the folder; `None` when the name is no Unicode.
fn entry(path: &Path, source: &SourceId) -> Option<Entry> {
    let mut url = Url::parse(&format!("http://{FOLDER_HOST}/")).ok()?;
    {
        let mut segments = url.path_segments_mut().ok()?;
        segments.pop_if_empty().push(source.as_str());
        for part in path.components() {
            segments.push(part.as_os_str().to_str()?);
        }
    }
    let url = CanonicalUrl::parse(url.as_str()).ok()?;
    let title = path.file_stem()?.to_str()?.replace(['_', '-'], " ");
    Some(Entry {
        title: Some(title.trim().to_owned()).filter(|it| !it.is_empty()),
        ..Entry::at(url, source.clone())
    })
}

/// The media type of the files that are read.
fn media_type(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "html" | "htm" | "xhtml" => Some("text/html"),
        "txt" | "md" => Some("text/plain"),
        _ => None,
    }
}

/// Why a file gives no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The address names no file of the folder.
    #[error("{url} names no file in {}", folder.display())]
    Outside { url: String, folder: PathBuf },
    /// It is not there any more.
    #[error("{} is not there any more", path.display())]
    Gone { path: PathBuf },
    /// It cannot be read.
    #[error("{} cannot be read: {reason}", path.display())]
    Read { path: PathBuf, reason: io::Error },
    /// It is larger than a page may be.
    #[error("{} is larger than {bytes_max} bytes", path.display())]
    TooLarge { path: PathBuf, bytes_max: usize },
}

impl FileError {
    pub(crate) fn class(&self) -> FailureClass {
        match self {
            FileError::Outside { .. } => FailureClass::InvalidUrl,
            // As a page that is gone.
            FileError::Gone { .. } => FailureClass::Http404,
            FileError::Read { .. } => FailureClass::Dropped,
            FileError::TooLarge { .. } => FailureClass::TooLarge,
        }
    }
}

/// Reads the file that `url` stands for, in the shape of a page.
///
/// # Errors
/// When it names nothing inside the folder, also by way of links, or cannot be read.
pub(crate) fn read(
    folder: &Path,
    source: &SourceId,
    url: &CanonicalUrl,
    bytes_max: usize,
) -> Result<Page, FileError> {
    let outside = || FileError::Outside { url: url.to_string(), folder: folder.to_path_buf() };
    let url = url.to_url();
    let path = below(&url, source).ok_or_else(outside)?;
    let kind = media_type(&path).ok_or_else(outside)?;
    let path = folder.join(path);
    let failed = |reason: io::Error| match reason.kind() {
        io::ErrorKind::NotFound => FileError::Gone { path: path.clone() },
        _ => FileError::Read { path: path.clone(), reason },
    };
    let real = fs::canonicalize(&path).map_err(failed)?;
    let home = fs::canonicalize(folder).map_err(failed)?;
    if !real.starts_with(&home) {
        return Err(outside());
    }
    let file = fs::File::open(&real).map_err(failed)?;
    let mut body = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut body).map_err(failed)?;
    if bytes_max < body.len() {
        return Err(FileError::TooLarge { path, bytes_max });
    }
    Ok(Page::at_hand(url, kind, Bytes::from(body)))
}

/// The path below the folder that `url` stands for.
fn below(url: &Url, source: &SourceId) -> Option<PathBuf> {
    let mut segments = url.path_segments()?;
    let is_own = url.host_str() == Some(FOLDER_HOST) && segments.next() == Some(source.as_str());
    if !is_own {
        return None;
    }
    let mut path = PathBuf::new();
    for segment in segments {
        path.push(percent_decoded(segment)?);
    }
    let is_plain = path.components().all(|it| matches!(it, Component::Normal(_)));
    (is_plain && !path.as_os_str().is_empty()).then_some(path)
}

/// A path segment with its escapes undone; `None` when it is no Unicode.
fn percent_decoded(segment: &str) -> Option<String> {
    let mut out = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join("news").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, format!("text of {name}")).unwrap();
        }
        folder
    }

    fn found(folder: &Path) -> Vec<Entry> {
        let mut entries = look(folder, &SourceId::new("desk")).unwrap().entries;
        entries.sort_by(|a, b| a.url.cmp(&b.url));
        entries
    }

    #[test]
    fn files_of_the_folder_and_those_below_are_entries_that_can_be_read() {
        let folder = folder(&["a b.html", "deep/ö%2f.txt", "x.pdf", ".hidden.html"]);
        let news = folder.path().join("news");
        let entries = found(&news);
        let addresses: Vec<&str> = entries.iter().map(|it| it.url.as_str()).collect();
        assert_eq!(addresses.len(), 2, "{addresses:?}");
        assert_eq!(addresses[0], "http://folder.harbinger.invalid/desk/a%20b.html");
        let bodies: Vec<Bytes> = entries
            .iter()
            .map(|it| read(&news, &SourceId::new("desk"), &it.url, 100).unwrap().body)
            .collect();
        assert_eq!(bodies, ["text of a b.html", "text of deep/ö%2f.txt"]);
    }

    #[test]
    fn a_change_changes_the_fingerprint() {
        let folder = folder(&["a.html"]);
        let news = folder.path().join("news");
        let print = || look(&news, &SourceId::new("desk")).unwrap().fingerprint;
        let before = print();
        assert_eq!(print(), before);
        fs::write(news.join("b.txt"), "more").unwrap();
        assert_ne!(print(), before);
    }

    #[test]
    fn nothing_outside_the_folder_is_read() {
        let folder = folder(&["a.html", "../secret.txt"]);
        let news = folder.path().join("news");
        std::os::unix::fs::symlink("../secret.txt", news.join("link.txt")).unwrap();
        std::os::unix::fs::symlink("..", news.join("up")).unwrap();
        assert_eq!(found(&news).len(), 1, "links are not followed");
        for path in [
            "desk/link.txt",
            "desk/up/secret.txt",
            "desk/%2e%2e%2fsecret.txt",
            "desk/%2Fetc%2Fpasswd.txt",
            "other/a.html",
            "desk",
        ] {
            let url = CanonicalUrl::parse(&format!("http://{FOLDER_HOST}/{path}")).unwrap();
            let error = read(&news, &SourceId::new("desk"), &url, 100).unwrap_err();
            assert_eq!(error.class(), FailureClass::InvalidUrl, "{path}: {error}");
        }
        let gone = CanonicalUrl::parse(&format!("http://{FOLDER_HOST}/desk/b.html")).unwrap();
        let error = read(&news, &SourceId::new("desk"), &gone, 100).unwrap_err();
        assert_eq!(error.class(), FailureClass::Http404);
        let entry = &found(&news)[0];
        let error = read(&news, &SourceId::new("desk"), &entry.url, 3).unwrap_err();
        assert_eq!(error.class(), FailureClass::TooLarge);
    }
}
