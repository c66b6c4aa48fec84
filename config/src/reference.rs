//! The manual of the configuration, written from its declarations: `docs/configuration.md` and
//! the commented `settings.toml`.

use std::fmt::Write as _;

use crate::overrides::env_name;
use crate::search::SavedSearch;
use crate::settings::Settings;
use crate::source::Source;
use crate::taxonomy::Sector;
use crate::value::{Key, Value};

const INTRODUCTION: &str = "\
# Configuration

<!-- Written by `config::reference_markdown()` from the declarations in config/src; do not edit.
     After a change: UPDATE_REFERENCE=1 cargo test -p config reference -->

Harbinger runs without any configuration: the files of the folder `config/` are part of the
program. `--config FOLDER` reads a folder of yours; where it has no `settings.toml`,
`taxonomy.toml`, `sources/` or `gazetteers/`, the built-in ones take their place as a whole.
`harbinger check-config` shows every mistake at once, with file and line; an unknown key is a
mistake.

| file | what it holds |
|---|---|
| `settings.toml` | how Harbinger runs |
| `sources/*.toml` | whose news is read, any number of files |
| `taxonomy.toml` | the sectors and the words that name them |
| `searches.toml` | saved searches and where their alerts go; none are built in |
| `gazetteers/*.csv` | entities known by name; their columns are in `config/gazetteers/README.md` |

A setting can also be given in the environment (section and key in upper case after
`HARBINGER_`) or on the command line (`--set http.bind=0.0.0.0:8321`). The command line wins over
the environment, the environment over the file. Lists are written as in TOML.
A password may stand only in the environment or in the file that `database_url_file` names.
";

/// The whole manual, as committed in `docs/configuration.md`.
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## settings.toml\n");
    let keys = Settings::keys();
    let (sections, plain): (Vec<&Key>, Vec<&Key>) = keys.iter().partition(|it| !it.keys.is_empty());
    page.push_str("\nAbove the first section:\n\n");
    settings_table(&mut page, "", &plain);
    for section in sections {
        let about = paragraph(section.doc);
        let _ = write!(page, "\n### [{}]\n{about}\n\n", section.name);
        settings_table(
            &mut page,
            &format!("{}.", section.name),
            &section.keys.iter().collect::<Vec<_>>(),
        );
    }
    page.push_str("\n## sources/*.toml\n\nEach publisher is one `[[source]]`; the tables in it are written\n`[source.listing]`, `[source.json]` and `[source.extract]`.\n\n");
    entry_table(&mut page, "", &Source::keys());
    page.push_str("\n## taxonomy.toml\n\nEach sector is one `[[sector]]`.\n\n");
    entry_table(&mut page, "", &Sector::keys());
    page.push_str(
        "\n## searches.toml\n\nEach saved search is one `[[search]]`, each of its deliveries one ",
    );
    page.push_str("`[[search.deliver]]`.\nThe same keys as JSON make a saved search at ");
    page.push_str("`POST /v1/saved-searches`.\n\n");
    entry_table(&mut page, "", &SavedSearch::keys());
    page
}

fn settings_table(page: &mut String, prefix: &str, keys: &[&Key]) {
    page.push_str("| key | must be | default | meaning | environment |\n|---|---|---|---|---|\n");
    for key in keys {
        let default = key.default.as_ref().map_or("none".to_owned(), |it| format!("`{it}`"));
        let _ = writeln!(
            page,
            "| `{}` | {} | {default} | {} | `{}` |",
            key.name,
            key.wanted,
            paragraph(key.doc),
            env_name(&format!("{prefix}{}", key.name)),
        );
    }
}

fn entry_table(page: &mut String, prefix: &str, keys: &[Key]) {
    if prefix.is_empty() {
        page.push_str("| key | must be | default | meaning |\n|---|---|---|---|\n");
    }
    for key in keys {
        let default = match (&key.default, key.is_optional) {
            (Some(default), _) => format!("`{default}`"),
            (None, true) => "none".to_owned(),
            (None, false) => "**required**".to_owned(),
        };
        if key.keys.is_empty() || key.wanted != "a table" {
            let meaning = paragraph(key.doc);
            let _ = writeln!(
                page,
                "| `{prefix}{}` | {} | {default} | {meaning} |",
                key.name, key.wanted
            );
        }
        entry_table_below(page, prefix, key);
    }
}

fn entry_table_below(page: &mut String, prefix: &str, key: &Key) {
    if !key.keys.is_empty() {
        entry_table(page, &format!("{prefix}{}.", key.name), &key.keys);
    }
}

/// The doc comment as one line.
fn paragraph(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The commented `settings.toml` with every key at its default, as committed.
pub fn settings_template() -> String {
    let mut file = "\
# How Harbinger runs. Every key stands here with its default; delete what you do not change.
# Written from config/src/settings.rs: UPDATE_REFERENCE=1 cargo test -p config reference
# An environment variable (HARBINGER_HTTP_BIND) or --set http.bind=… wins over this file.
"
    .to_owned();
    let keys = Settings::keys();
    for key in keys.iter().filter(|it| it.keys.is_empty()) {
        template_key(&mut file, key);
    }
    for section in keys.iter().filter(|it| !it.keys.is_empty()) {
        file.push('\n');
        comment(&mut file, section.doc);
        let _ = writeln!(file, "[{}]", section.name);
        for key in &section.keys {
            template_key(&mut file, key);
        }
    }
    file
}

fn template_key(file: &mut String, key: &Key) {
    file.push('\n');
    comment(file, key.doc);
    let _ = writeln!(file, "# Must be {}.", key.wanted);
    let _ = match &key.default {
        Some(default) => writeln!(file, "{} = {default}", key.name),
        None => writeln!(file, "# {} =", key.name),
    };
}

fn comment(file: &mut String, doc: &str) {
    for line in doc.lines() {
        let _ = writeln!(file, "#{}{line}", if line.starts_with(' ') { "" } else { " " });
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::reader::Reader;

    /// Compares a committed file with what the declarations say, or rewrites it when
    /// `UPDATE_REFERENCE` is set.
    #[track_caller]
    fn check_committed(path: &str, expected: &str) {
        let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(&path, expected).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            committed == expected,
            "{} is out of date: UPDATE_REFERENCE=1 cargo test -p config reference",
            path.display()
        );
    }

    #[test]
    fn the_committed_reference_is_current() {
        check_committed("../docs/configuration.md", &reference_markdown());
    }

    #[test]
    fn the_committed_settings_document_every_key() {
        check_committed("settings.toml", &settings_template());
    }

    #[test]
    fn the_settings_template_reads_back_as_the_defaults() {
        let template = settings_template();
        let mut reader = Reader::new("settings.toml", &template);
        let read = reader.document::<Settings>();
        assert_eq!(reader.errors, []);
        assert_eq!(read, Some(Settings::default()));
    }

    #[test]
    fn every_key_has_a_unit_or_default_in_its_text() {
        for section in Settings::keys() {
            let keys = if section.keys.is_empty() { vec![section.clone()] } else { section.keys };
            for key in keys {
                let doc = paragraph(key.doc);
                let is_told = doc.to_lowercase().contains("default");
                assert!(is_told, "`{}` does not tell its default: {doc}", key.name);
                for (suffix, unit) in [
                    ("_ms", "milliseconds"),
                    ("_s", "seconds"),
                    ("_minutes", "minutes"),
                    ("_hours", "hours"),
                    ("_days", "days"),
                    ("_bytes", "bytes"),
                    ("_chars_max", "characters"),
                ] {
                    if key.name.ends_with(suffix) {
                        assert!(doc.contains(unit), "`{}` does not tell its unit", key.name);
                    }
                }
            }
        }
    }
}
