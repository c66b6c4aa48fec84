//! The files of a configuration: those of a folder, and the built-in ones for what it lacks.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use rust_embed::RustEmbed;

use crate::error::{ConfigError, did_you_mean};

#[derive(RustEmbed)]
#[folder = "sources/"]
struct BuiltinSources;

#[derive(RustEmbed)]
#[folder = "gazetteers/"]
struct BuiltinGazetteers;

/// Text of every file, by its path in the configuration folder.
#[derive(Default)]
pub(crate) struct Files {
    /// `settings.toml`.
    pub(crate) settings: String,
    /// `taxonomy.toml`.
    pub(crate) taxonomy: String,
    /// `searches.toml`; empty when there is none.
    pub(crate) searches: String,
    /// `sources/NAME.toml`.
    pub(crate) sources: BTreeMap<String, String>,
    /// `gazetteers/NAME.csv`.
    pub(crate) gazetteers: BTreeMap<String, String>,
}

impl Files {
    /// The files that are part of the program.
    pub(crate) fn builtin() -> Files {
        Files {
            settings: include_str!("../settings.toml").to_owned(),
            taxonomy: include_str!("../taxonomy.toml").to_owned(),
            searches: String::new(),
            sources: embedded::<BuiltinSources>("sources", "toml"),
            gazetteers: embedded::<BuiltinGazetteers>("gazetteers", "csv"),
        }
    }

    /// The files of `folder`; where it has no `settings.toml`, `taxonomy.toml`, `sources/` or
    /// `gazetteers/`, the built-in ones. Notes what cannot be read.
    pub(crate) fn of_folder(folder: &Path, errors: &mut Vec<ConfigError>) -> Files {
        let mut files = Files::builtin();
        match fs::read_dir(folder) {
            Ok(entries) => {
                for entry in entries.flatten() {
                    check_name(&entry.file_name().to_string_lossy(), errors);
                }
            }
            Err(error) => {
                let message = format!("the configuration folder cannot be read: {error}");
                errors.push(unreadable(folder.display().to_string(), message));
                return files;
            }
        }
        if let Some(text) = read(folder, "settings.toml", errors) {
            files.settings = text;
        }
        if let Some(text) = read(folder, "taxonomy.toml", errors) {
            files.taxonomy = text;
        }
        if let Some(text) = read(folder, "searches.toml", errors) {
            files.searches = text;
        }
        if let Some(texts) = read_all(folder, "sources", "toml", errors) {
            files.sources = texts;
        }
        if let Some(texts) = read_all(folder, "gazetteers", "csv", errors) {
            files.gazetteers = texts;
        }
        files
    }
}

fn embedded<T: RustEmbed>(folder: &str, extension: &str) -> BTreeMap<String, String> {
    let wanted = |name: &str| Path::new(name).extension().is_some_and(|it| it == extension);
    T::iter()
        .filter(|name| wanted(name))
        .filter_map(|name| {
            let text = String::from_utf8(T::get(&name)?.data.into_owned()).ok()?;
            Some((format!("{folder}/{name}"), text))
        })
        .collect()
}

/// Notes a misspelt file: one that ends like a configuration file but has no known name.
fn check_name(name: &str, errors: &mut Vec<ConfigError>) {
    // Cargo.toml: the project's own folder holds the crate beside the files.
    const KNOWN: [&str; 4] = ["settings.toml", "taxonomy.toml", "searches.toml", "Cargo.toml"];
    if name.ends_with(".toml") && !KNOWN.contains(&name) {
        let hint = did_you_mean(name, KNOWN);
        let message = format!("unknown file{hint}; sources belong in the folder `sources`");
        errors.push(unreadable(name.to_owned(), message));
    }
}

fn unreadable(origin: String, message: String) -> ConfigError {
    ConfigError { origin, position: None, key: None, message }
}

fn read(folder: &Path, name: &str, errors: &mut Vec<ConfigError>) -> Option<String> {
    match fs::read(folder.join(name)) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = error.as_bytes()[..at].iter().filter(|it| **it == b'\n').count() + 1;
                let message = format!("is not UTF-8 from line {line} on");
                errors.push(unreadable(name.to_owned(), message));
                None
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            errors.push(unreadable(name.to_owned(), format!("cannot be read: {error}")));
            None
        }
    }
}

/// Every file of a sub-folder with that extension; `None` when there is no such folder.
fn read_all(
    folder: &Path,
    name: &str,
    extension: &str,
    errors: &mut Vec<ConfigError>,
) -> Option<BTreeMap<String, String>> {
    let entries = match fs::read_dir(folder.join(name)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            errors.push(unreadable(name.to_owned(), format!("cannot be read: {error}")));
            return None;
        }
    };
    let mut texts = BTreeMap::new();
    for entry in entries {
        match entry {
            Ok(entry) => {
                let path = entry.path();
                // A name that starts with a dot is an editor's or file system's leftover.
                let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
                if !is_hidden && path.extension().is_some_and(|it| it == extension) {
                    let file = format!("{name}/{}", entry.file_name().to_string_lossy());
                    if let Some(text) = read(folder, &file, errors) {
                        texts.insert(file, text);
                    }
                }
            }
            Err(error) => {
                errors.push(unreadable(name.to_owned(), format!("cannot be read: {error}")));
            }
        }
    }
    Some(texts)
}
