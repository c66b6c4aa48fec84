//! What a Harbinger user declares, and the code that reads and checks it: [`Config::load`] reads
//! all of it, reports every mistake at once, and nothing changes afterwards.
//!
//! Reading order: [`id`], [`settings`], [`source`], [`taxonomy`], [`gazetteer`], [`search`],
//! [`overrides`], [`error`]. Never reads the environment, the clock or the network.

mod check;
mod declare;
pub mod error;
mod files;
pub mod gazetteer;
pub mod id;
mod iso;
mod json;
pub mod overrides;
mod reader;
mod reference;
pub mod search;
mod secret;
pub mod settings;
pub mod source;
pub mod taxonomy;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub use error::{ConfigError, ConfigErrors};
pub use gazetteer::{GazetteerEntity, GazetteerKind, NamesInLanguages};
pub use id::{SearchId, SectorId, SourceId};
pub use overrides::Overrides;
pub use reference::{reference_markdown, settings_template};
pub use search::{AlertUnit, Channel, CheckText, Delivery, SavedSearch, Schedule, SearchFilters};
pub use secret::DatabaseUrl;
pub use settings::{LogFormat, LoginMode, NlpEngine, NlpPrecision, Settings};
pub use source::{ExtractRules, JsonRules, ListingRules, Region, SAMPLE_HOST, Source, SourceKind};
pub use taxonomy::{Sector, Taxonomy};

use check::{check_sectors, check_settings, check_sources};
use files::Files;
use reader::Reader;
use source::SourceFile;
use taxonomy::TaxonomyFile;

/// Everything that a user declares, read once and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// How Harbinger runs.
    pub settings: Settings,
    /// Whose news is read, by file and place in it; ids and addresses are unique.
    pub sources: Vec<Source>,
    /// The sectors.
    pub taxonomy: Taxonomy,
    /// What is asked of every new article, by place in the file; ids are unique.
    pub searches: Vec<SavedSearch>,
    /// Entities known by name; ids are unique.
    pub gazetteer: Vec<GazetteerEntity>,
    /// What is allowed but may be a slip, one sentence each, to be shown at start.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads the configuration folder `folder`. Where it has no `settings.toml`, `taxonomy.toml`,
    /// `sources/` or `gazetteers/`, the built-in ones take their place as a whole.
    ///
    /// # Errors
    /// Every mistake in every file, with file and line.
    pub fn load(folder: &Path) -> Result<Config, ConfigErrors> {
        Config::load_with(Some(folder), &Overrides::default())
    }

    /// The configuration that is part of the program.
    ///
    /// # Errors
    /// None in a released program: a test checks the built-in files.
    pub fn builtin() -> Result<Config, ConfigErrors> {
        Config::load_with(None, &Overrides::default())
    }

    /// As [`Config::load`], or [`Config::builtin`] without `folder`; then `overrides` win.
    ///
    /// # Errors
    /// Every mistake in every file and override.
    pub fn load_with(folder: Option<&Path>, overrides: &Overrides) -> Result<Config, ConfigErrors> {
        Config::load_checked(folder, overrides, |_| Ok(()), |_| Ok(()))
    }

    /// As [`Config::load_with`]; `check_query` looks at the queries of saved searches and
    /// `check_selector` at CSS selectors, whose languages this crate does not know.
    ///
    /// # Errors
    /// Every mistake in every file, override, query and selector.
    pub fn load_checked(
        folder: Option<&Path>,
        overrides: &Overrides,
        check_query: CheckText,
        check_selector: CheckText,
    ) -> Result<Config, ConfigErrors> {
        let mut errors = Vec::new();
        let files = match folder {
            Some(folder) => Files::of_folder(folder, &mut errors),
            None => Files::builtin(),
        };
        let mut settings = read_settings(&files.settings, overrides, &mut errors);
        read_database_url_file(&mut settings, &mut errors);
        let n_errors = errors.len();
        let taxonomy = read_taxonomy(&files.taxonomy, &mut errors);
        // With a broken taxonomy every use of the broken sectors would be reported as well.
        let known = (errors.len() == n_errors).then(|| taxonomy.ids());
        let sources = read_sources(&files.sources, known.as_ref(), check_selector, &mut errors);
        let gazetteer = read_gazetteers(&files.gazetteers, known.as_ref(), &mut errors);
        let searches = read_searches(&files.searches, known.as_ref(), check_query, &mut errors);
        ConfigErrors::none_in(errors)?;
        let mut warnings = overrides.warnings().to_vec();
        if settings.fetch.contact_url.is_none() {
            warnings.push(
                "`fetch.contact_url` is not set: publishers cannot reach you about your crawler"
                    .to_owned(),
            );
        }
        Ok(Config { settings, sources, taxonomy, searches, gazetteer, warnings })
    }
}

/// Whether `code` is a language of ISO 639-1 in lower case, as a source may have it.
pub fn is_language(code: &str) -> bool {
    iso::LANGUAGES.contains(&code)
}

fn read_settings(text: &str, overrides: &Overrides, errors: &mut Vec<ConfigError>) -> Settings {
    let mut reader = Reader::new("settings.toml", text);
    let read = reader.document::<Settings>();
    errors.append(&mut reader.errors);
    let is_whole = read.is_some();
    let mut settings = read.unwrap_or_default();
    errors.append(&mut overrides.apply(&mut settings));
    // Defaults in place of the file's values may contradict the overrides.
    if is_whole {
        errors.append(&mut check_settings(&settings, overrides));
    }
    settings
}

/// Takes the database's address out of the file that `database_url_file` names.
fn read_database_url_file(settings: &mut Settings, errors: &mut Vec<ConfigError>) {
    let Some(path) = &settings.database_url_file else { return };
    let message = match std::fs::read_to_string(path) {
        Err(error) => format!("{} cannot be read: {error}", path.display()),
        Ok(text) => match DatabaseUrl::parse(&text) {
            Some(url) => {
                settings.database_url = Some(url);
                return;
            }
            None => format!("{} holds no postgres:// address", path.display()),
        },
    };
    let key = Some("database_url_file".to_owned());
    errors.push(ConfigError { origin: "settings.toml".into(), position: None, key, message });
}

fn read_taxonomy(text: &str, errors: &mut Vec<ConfigError>) -> Taxonomy {
    let mut reader = Reader::new("taxonomy.toml", text);
    let file = reader.document::<TaxonomyFile>();
    errors.append(&mut reader.errors);
    let Some(file) = file else { return Taxonomy::default() };
    errors.append(&mut check_sectors(&file.sector));
    Taxonomy::new(file.sector.into_iter().map(|it| it.value).collect())
}

fn read_sources(
    files: &BTreeMap<String, String>,
    sectors: Option<&BTreeSet<SectorId>>,
    check_selector: CheckText,
    errors: &mut Vec<ConfigError>,
) -> Vec<Source> {
    let mut sources = Vec::new();
    for (name, text) in files {
        let mut reader = Reader::new(name, text);
        reader.sectors = sectors;
        let file = reader.document::<SourceFile>();
        errors.append(&mut reader.errors);
        sources.extend(file.map(|it| it.source).unwrap_or_default());
    }
    errors.append(&mut check_sources(&sources, check_selector));
    sources.into_iter().map(|it| it.value).collect()
}

fn read_searches(
    text: &str,
    sectors: Option<&BTreeSet<SectorId>>,
    check_query: CheckText,
    errors: &mut Vec<ConfigError>,
) -> Vec<SavedSearch> {
    let mut reader = Reader::new("searches.toml", text);
    reader.sectors = sectors;
    let searches = search::read_searches(&mut reader, check_query);
    errors.append(&mut reader.errors);
    searches
}

fn read_gazetteers(
    files: &BTreeMap<String, String>,
    sectors: Option<&BTreeSet<SectorId>>,
    errors: &mut Vec<ConfigError>,
) -> Vec<GazetteerEntity> {
    let mut entities = Vec::new();
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let (in_languages, lists): (Vec<_>, Vec<_>) =
        files.iter().partition(|(_, text)| gazetteer::is_in_languages(text));
    for (name, text) in lists {
        for (line, entity) in gazetteer::read_list(name, text, sectors, errors) {
            if let Some(first) = seen.get(&entity.id) {
                errors.push(ConfigError {
                    origin: name.clone(),
                    position: gazetteer::line_position(text, line),
                    key: Some("entity_id".to_owned()),
                    message: format!("`{}` is already in {first}", entity.id),
                });
            }
            seen.insert(entity.id.clone(), format!("{name}:{line}"));
            entities.push(entity);
        }
    }
    for (name, text) in in_languages {
        add_names(&mut entities, name, text, errors);
    }
    entities
}

/// Gives the entities their names in other languages, from the list `text`.
fn add_names(
    entities: &mut [GazetteerEntity],
    name: &str,
    text: &str,
    errors: &mut Vec<ConfigError>,
) {
    let by_id: BTreeMap<String, usize> =
        entities.iter().enumerate().map(|(at, it)| (it.id.clone(), at)).collect();
    for (line, id, names) in gazetteer::read_names(name, text, errors) {
        match by_id.get(&id) {
            Some(&at) => entities[at].in_languages.push(names),
            None => errors.push(ConfigError {
                origin: name.to_owned(),
                position: gazetteer::line_position(text, line),
                key: Some("entity_id".to_owned()),
                message: format!("`{id}` is in no list of entities"),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
