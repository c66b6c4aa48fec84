//! The rules of the house that a compiler does not check.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::project_root;

/// The crates from left to right: each may depend only on those before it.
const PIPELINE: [&str; 6] = ["config", "ingest", "nlp", "index", "api", "tests"];
/// Longest file of code, in lines.
const N_LINES_MAX: usize = 600;
/// From this many lines on, a file's module doc must say why it is long.
const N_LINES_WITH_REASON: usize = 400;

/// Paths of all files that are or would be tracked, relative to the root.
fn project_files() -> Vec<String> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(project_root())
        .output()
        .expect("git is installed");
    assert!(listing.status.success(), "the tidy test needs a git checkout");
    let listing = String::from_utf8(listing.stdout).expect("paths in UTF-8");
    // A file that was deleted but not yet committed is still listed.
    listing.lines().filter(|it| project_root().join(it).is_file()).map(str::to_owned).collect()
}

/// Files that end with one of `endings`, with their text.
fn files_ending(endings: &[&str]) -> Vec<(String, String)> {
    let wanted = |path: &str| endings.iter().any(|it| path.ends_with(it));
    let files = project_files().into_iter().filter(|it| wanted(it));
    let read = |path: String| {
        let text = fs::read_to_string(project_root().join(&path));
        let text = text.unwrap_or_else(|error| panic!("{path}: {error}"));
        (path, text)
    };
    files.map(read).collect()
}

#[track_caller]
fn nothing_wrong(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn is_test(path: &str) -> bool {
    path.ends_with("tests.rs") || path.contains("/tests/") || path.starts_with("tests/")
}

/// The text of a file up to the tests below it.
fn code_of(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default()
}

#[test]
fn files_are_short_or_say_why_not() {
    let mut wrong = Vec::new();
    for (path, text) in files_ending(&[".rs", ".js", ".mjs", ".py", ".css"]) {
        let n_lines = code_of(&text).lines().count();
        if N_LINES_MAX < n_lines && !is_test(&path) {
            wrong.push(format!("{path}: {n_lines} lines, more than {N_LINES_MAX}"));
        }
        let doc: String = text.lines().take_while(|it| it.starts_with("//!")).collect();
        let has_reason = ["Longer", "longer", "Long ", "long ", "length"];
        let needs_reason = path.ends_with(".rs") && N_LINES_WITH_REASON < n_lines;
        if needs_reason && !is_test(&path) && !has_reason.iter().any(|it| doc.contains(it)) {
            wrong.push(format!("{path}: {n_lines} lines, and its module doc gives no reason"));
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn dependencies_point_left_only() {
    let mut wrong = Vec::new();
    for (at, name) in PIPELINE.iter().enumerate() {
        let manifest = project_root().join(name).join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("every crate has a manifest");
        for line in text.lines().map(str::trim) {
            let depended = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let depended_at = PIPELINE.iter().position(|it| *it == depended);
            let is_dependency = line.contains("workspace") || line.contains("path");
            if is_dependency && depended_at.is_some_and(|it| at <= it) {
                wrong.push(format!("{name} depends on {depended}, which is not to its left"));
            }
        }
        for (path, text) in files_ending(&[".rs"]) {
            if !path.starts_with(&format!("{name}/")) {
                continue;
            }
            for right in &PIPELINE[at + 1..] {
                let named = format!("use {right}::");
                if text.lines().any(|it| it.trim_start().starts_with(&named)) {
                    wrong.push(format!("{path} names {right}"));
                }
            }
        }
    }
    nothing_wrong(&wrong);
}

/// Folders and files whose code thinks and does not talk, with those in them that may talk.
const PURE: [(&str, &[&str]); 9] = [
    ("ingest/src/article.rs", &[]),
    ("ingest/src/canonical_url.rs", &[]),
    ("ingest/src/date.rs", &[]),
    ("ingest/src/decode.rs", &[]),
    ("ingest/src/extract", &[]),
    ("ingest/src/feed", &[]),
    ("ingest/src/schedule.rs", &[]),
    // The engines load weights.
    ("nlp/src", &["nlp/src/rten_tagger", "nlp/src/rust_bert", "nlp/src/model"]),
    ("index/src/query", &[]),
];
const IO_NAMES: [&str; 10] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::env::",
    "reqwest",
    "sqlx",
    "tokio::net",
    "tokio::fs",
    "Utc::now",
    "SystemTime",
];

#[test]
fn pure_modules_do_no_io_and_know_no_clock() {
    let mut wrong = Vec::new();
    let mut n_files = 0;
    for (path, text) in files_ending(&[".rs"]) {
        let is_pure = PURE.iter().any(|(start, except)| {
            path.starts_with(start) && !except.iter().any(|it| path.starts_with(it))
        });
        if !is_pure || is_test(&path) || path.contains("/examples/") {
            continue;
        }
        n_files += 1;
        for line in code_of(&text).lines().filter(|it| !it.trim_start().starts_with("//")) {
            for name in IO_NAMES.iter().filter(|it| line.contains(**it)) {
                wrong.push(format!("{path}: {name} in `{}`", line.trim()));
            }
        }
    }
    assert!(10 <= n_files, "only {n_files} pure files found: were they moved?");
    nothing_wrong(&wrong);
}

#[test]
fn the_configuration_folder_of_the_project_loads() {
    let config = config::Config::load(&project_root().join("config"));
    let config = config.unwrap_or_else(|errors| panic!("{errors}"));
    let real: Vec<_> = config.sources.iter().filter(|it| !it.sample).collect();
    let languages: BTreeSet<&str> = real.iter().map(|it| it.language.as_str()).collect();
    assert!(60 <= real.len(), "{} real sources", real.len());
    assert!(3 <= languages.len(), "{languages:?}");
    assert!(!config.gazetteer.is_empty());
}

#[test]
fn open_work_names_its_issue() {
    let mut wrong = Vec::new();
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    for (path, text) in files_ending(&[".rs", ".js", ".mjs", ".py", ".sh", ".toml", ".html"]) {
        for (n, line) in text.lines().enumerate() {
            let is_marked = marks.iter().any(|mark| {
                line.match_indices(mark).any(|(at, _)| {
                    let is_letter = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
                    !is_letter(line[..at].chars().next_back())
                        && !is_letter(line[at + mark.len()..].chars().next())
                })
            });
            let has_issue = line
                .split('#')
                .skip(1)
                .any(|it| it.starts_with(|first: char| first.is_ascii_digit()));
            if is_marked && !has_issue {
                wrong.push(format!("{path}:{}: {}", n + 1, line.trim()));
            }
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn no_file_names_a_path_of_somebody_s_machine() {
    let mut wrong = Vec::new();
    let starts = [
        concat!("/wo", "rk/"),
        concat!("/tmp", "/hb"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
    ];
    for path in project_files() {
        // Bytes, since fonts and weights are no text.
        let Ok(bytes) = fs::read(project_root().join(&path)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        for (n, line) in text.lines().enumerate().take(20_000) {
            // As a path of its own, not in the middle of a URL.
            let is_path = starts.iter().any(|start| {
                line.match_indices(start).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    !before.is_some_and(|it| it.is_alphanumeric() || "-_./~".contains(it))
                })
            });
            if is_path {
                let line: String = line.trim().chars().take(120).collect();
                wrong.push(format!("{path}:{}: {line}", n + 1));
            }
        }
    }
    nothing_wrong(&wrong);
}

#[test]
fn every_source_folder_has_a_doc_in_its_first_file() {
    let mut wrong = Vec::new();
    for name in PIPELINE {
        for file in ["src/lib.rs", "src/main.rs"] {
            let path: PathBuf = Path::new(name).join(file);
            let Ok(text) = fs::read_to_string(project_root().join(&path)) else { continue };
            if !text.starts_with("//!") || text.contains("Under construction") {
                wrong.push(format!("{} has no crate doc", path.display()));
            }
        }
    }
    nothing_wrong(&wrong);
}
