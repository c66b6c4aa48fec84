//! The real pages and feeds of `../shared`, which is not part of the project: tests that need it
//! skip loudly where it is absent.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde::Deserialize;

/// The folder with shared data, or `None`: `HARBINGER_SHARED`, else `../shared`.
pub fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("HARBINGER_SHARED").map(PathBuf::from);
    let root = crate::project_root();
    // A worktree may lie deeper than the main checkout.
    let nearby = [root.join("../shared"), root.join("../../shared")];
    named.into_iter().chain(nearby).find(|it| it.join("data").is_dir())
}

/// One real article page.
pub struct RealPage {
    /// Its number in the data set: `0001`.
    pub id: String,
    /// Headline.
    pub title: String,
    /// The page in UTF-8.
    pub html: Vec<u8>,
}

#[derive(Deserialize)]
struct Gold {
    file: String,
    title: Option<String>,
}

/// Reads the article pages of 2025 and 2026, in the order of their numbers.
///
/// # Panics
/// When the data set is damaged.
pub fn article_pages(shared: &Path) -> Vec<RealPage> {
    let folder = shared.join("data/extraction/articles-2026");
    let gold = fs::read(folder.join("gold.json")).expect("gold.json is there");
    let gold: BTreeMap<String, Gold> = serde_json::from_slice(&gold).expect("gold.json is JSON");
    gold.into_iter()
        .map(|(id, gold)| {
            let file = fs::File::open(folder.join("html").join(&gold.file)).expect("a named page");
            let mut html = Vec::new();
            GzDecoder::new(file).read_to_end(&mut html).expect("a page in gzip");
            let title = gold.title.unwrap_or_else(|| id.clone());
            RealPage { id, title, html }
        })
        .collect()
}

/// Reads the real feeds (not the pages and OPML files beside them): name and bytes, with every
/// address in them moved below `base`, so that nobody is asked for the pages that they name.
///
/// # Panics
/// When the folder cannot be read.
pub fn feeds_linking_to(shared: &Path, base: &str) -> Vec<(String, Vec<u8>)> {
    let folder = fs::read_dir(shared.join("data/feeds/real")).expect("the feeds are there");
    let mut feeds: Vec<(String, Vec<u8>)> = folder
        .map(|entry| {
            let entry = entry.expect("a readable folder");
            let name = entry.file_name().to_string_lossy().into_owned();
            let bytes = fs::read(entry.path()).expect("a readable file");
            (name, moved_below(&bytes, base))
        })
        .filter(|(name, _)| !name.ends_with(".html") && !name.ends_with(".opml"))
        .collect();
    feeds.sort();
    feeds
}

/// `http://host/page` becomes `BASE/host/page`, except where it names a vocabulary.
fn moved_below(feed: &[u8], base: &str) -> Vec<u8> {
    let mut moved = Vec::with_capacity(feed.len() * 2);
    let mut rest = feed;
    while !rest.is_empty() {
        let start = [&b"http://"[..], b"https://", b"http:\\/\\/", b"https:\\/\\/"]
            .into_iter()
            .find(|it| rest.starts_with(it));
        match start {
            Some(start) if !is_vocabulary(&moved) => {
                moved.extend_from_slice(base.as_bytes());
                moved.push(b'/');
                rest = &rest[start.len()..];
            }
            _ => {
                moved.push(rest[0]);
                rest = &rest[1..];
            }
        }
    }
    moved
}

/// Whether an address that follows `before` names a namespace, a DTD or a feed version.
fn is_vocabulary(before: &[u8]) -> bool {
    let from = before.len().saturating_sub(100);
    let before = String::from_utf8_lossy(&before[from..]);
    let Some((attribute, _)) = before.rsplit_once(['=', ':']) else { return false };
    let value = &before[attribute.len()..];
    if !value[1..].chars().all(|it| it.is_whitespace() || "\"'".contains(it)) {
        return before.trim_end().ends_with("//EN\"");
    }
    let name = attribute.trim_end().rsplit(|it: char| it.is_whitespace() || it == ',').next();
    name.is_some_and(|it| it.starts_with("xmlns") || it.contains("\"version\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(feed: &str, expected: &str) {
        let moved = moved_below(feed.as_bytes(), "http://127.0.0.1:1/real");
        assert_eq!(String::from_utf8(moved).unwrap(), expected);
    }

    #[test]
    fn addresses_move_and_vocabularies_stay() {
        check(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:dc = 'http://purl.org/dc/'>\
             <link href=\"https://a.example/x\"/><guid>http://a.example/y</guid></feed>",
            "<feed xmlns=\"http://www.w3.org/2005/Atom\" xmlns:dc = 'http://purl.org/dc/'>\
             <link href=\"http://127.0.0.1:1/real/a.example/x\"/>\
             <guid>http://127.0.0.1:1/real/a.example/y</guid></feed>",
        );
        check(
            "{\"version\": \"https://jsonfeed.org/version/1\",\"url\":\"https:\\/\\/a.example\\/x\"}",
            "{\"version\": \"https://jsonfeed.org/version/1\",\"url\":\"http://127.0.0.1:1/real/a.example\\/x\"}",
        );
    }
}
