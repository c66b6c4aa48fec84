//! `gazetteers/*.csv`: entities known by name, with their aliases.
//!
//! `gazetteers/README.md` gives origin, licence and date of each list. Longer than most files: two
//! sorts of lists, entities and their names in other languages, share the reading of rows.

use std::collections::{BTreeMap, BTreeSet};

use csv::StringRecord;

use crate::error::{ConfigError, Position, did_you_mean};
use crate::id::SectorId;
use crate::iso::{COUNTRIES, LANGUAGES};

/// Something that texts name: a country, a hacker group, a company…
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct GazetteerEntity {
    /// Stable id, unique: `country:IR`, `group:apt28`, `company:saudi-aramco`. The part before
    /// the colon follows from the kind ([`GazetteerKind::id_prefix`]).
    pub id: String,
    /// What sort of thing it is.
    pub kind: GazetteerKind,
    /// Canonical name, also a name to look for.
    pub name: String,
    /// Other names, without the canonical one and without repetition; never empty texts.
    pub aliases: Vec<String>,
    /// Those of `name`, `aliases` and `metonyms` that are also ordinary words or name other
    /// things: they count only when capitalised as written and when the context agrees.
    pub ambiguous: Vec<String>,
    /// Adjectives and inhabitants of a country or region: `Iranian`, `Iranians`.
    pub demonyms: Vec<String>,
    /// Names that stand for the entity as an actor but are something else by themselves:
    /// `Tehran`, `Kremlin`, `White House`.
    pub metonyms: Vec<String>,
    /// ISO 3166-1 alpha-2 country it lies in or is attributed to; `None` when unknown or none.
    pub country: Option<String>,
    /// Its sectors.
    pub sectors: Vec<SectorId>,
    /// Degrees north of the equator, `-90.0..=90.0`; `None` without place.
    pub latitude: Option<f64>,
    /// Degrees east of Greenwich, `-180.0..=180.0`; `None` without place.
    pub longitude: Option<f64>,
    /// How likely it is meant when several share a name: for places the population, otherwise 0.
    pub weight: u64,
    /// Its names in languages other than English; a language stands in one of them at most.
    #[serde(skip)]
    pub in_languages: Vec<NamesInLanguages>,
}

/// What an entity is called in some languages other than English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesInLanguages {
    /// Codes of ISO 639-1, at least one.
    pub languages: Vec<String>,
    /// Names as they stand in running text; each means exactly this entity.
    pub names: Vec<String>,
    /// Adjectives in the form of the dictionary: `iranisch`, `iranien`.
    pub demonyms: Vec<String>,
    /// What holds such a name and means something else: `Golf von Mexiko`.
    pub phrases: Vec<String>,
}

impl GazetteerEntity {
    /// An entity of which nothing but its name is known.
    pub fn new(
        id: impl Into<String>,
        kind: GazetteerKind,
        name: impl Into<String>,
    ) -> GazetteerEntity {
        GazetteerEntity {
            id: id.into(),
            kind,
            name: name.into(),
            aliases: Vec::new(),
            ambiguous: Vec::new(),
            demonyms: Vec::new(),
            metonyms: Vec::new(),
            country: None,
            sectors: Vec::new(),
            latitude: None,
            longitude: None,
            weight: 0,
            in_languages: Vec::new(),
        }
    }

    /// The names that mean exactly this entity: canonical name first, then the aliases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    /// Whether `name` counts only when capitalised as written and when the context agrees.
    pub fn is_ambiguous(&self, name: &str) -> bool {
        self.ambiguous.iter().any(|it| it == name)
    }
}

macro_rules! gazetteer_kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $prefix:literal;)+) => {
        /// Sorts of gazetteer entities.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum GazetteerKind { $($(#[doc = $doc])+ $variant,)+ }

        impl GazetteerKind {
            const NAMES: &'static [&'static str] = &[$($name),+];

            /// The kind that files call `name`.
            fn named(name: &str) -> Option<GazetteerKind> {
                match name { $($name => Some(GazetteerKind::$variant),)+ _ => None }
            }

            /// Start of the ids of this kind, with the colon: `country:`.
            pub fn id_prefix(self) -> &'static str {
                match self { $(GazetteerKind::$variant => $prefix),+ }
            }
        }
    };
}

gazetteer_kinds! {
    /// A state or territory of ISO 3166-1.
    Country = "country", "country:";
    /// A city or town.
    City = "city", "city:";
    /// A region, state, sea, strait or other place that is neither country nor city.
    Place = "place", "place:";
    /// A named group of hackers, spies or cyber criminals.
    ThreatGroup = "threat-group", "group:";
    /// A militia, guerrilla, terrorist organisation or other armed group.
    ArmedGroup = "armed-group", "group:";
    /// Malicious software.
    Malware = "malware", "malware:";
    /// Software that attackers use but that is not malicious by itself.
    Tool = "tool", "tool:";
    /// A vulnerability with a name.
    Vulnerability = "vulnerability", "vulnerability:";
    /// A ministry, head of state's office, parliament, army or other body of a state.
    Government = "government", "org:";
    /// An intelligence, security or police agency.
    Agency = "agency", "org:";
    /// An international organisation, alliance, party or charity.
    Organization = "organization", "org:";
    /// A company or other operator, with its sectors.
    Company = "company", "company:";
}

const COLUMNS: &[&str] = &[
    "entity_id",
    "kind",
    "name",
    "aliases",
    "ambiguous",
    "demonyms",
    "metonyms",
    "country",
    "sectors",
    "latitude",
    "longitude",
    "weight",
];

const COLUMNS_IN_LANGUAGES: &[&str] = &["entity_id", "languages", "names", "demonyms", "phrases"];

/// Whether the list gives names in other languages for the entities of other lists.
pub(crate) fn is_in_languages(text: &str) -> bool {
    let header = text.lines().next().unwrap_or_default();
    header.split(',').any(|it| it.trim() == "languages")
}

/// Reads one list of names in other languages, with the id of the entity that each row is of;
/// notes every mistake and leaves that row out.
pub(crate) fn read_names(
    origin: &str,
    text: &str,
    errors: &mut Vec<ConfigError>,
) -> Vec<(usize, String, NamesInLanguages)> {
    let mut rows = Vec::new();
    read_rows(
        (origin, text),
        COLUMNS_IN_LANGUAGES,
        &COLUMNS_IN_LANGUAGES[..3],
        None,
        errors,
        |row, record| {
            let n_errors = row.errors.len();
            let names = NamesInLanguages {
                languages: row.languages(record),
                names: row.parts(record, "names"),
                demonyms: row.parts(record, "demonyms"),
                phrases: row.parts(record, "phrases"),
            };
            if row.errors.len() == n_errors {
                rows.push((row.line, row.field(record, "entity_id").to_owned(), names));
            }
        },
    );
    rows
}

/// Reads one list; notes every mistake and leaves that row out.
pub(crate) fn read_list(
    origin: &str,
    text: &str,
    sectors: Option<&BTreeSet<SectorId>>,
    errors: &mut Vec<ConfigError>,
) -> Vec<(usize, GazetteerEntity)> {
    let mut entities = Vec::new();
    read_rows((origin, text), COLUMNS, &COLUMNS[..3], sectors, errors, |row, record| {
        if let Some(entity) = row.entity(record) {
            entities.push((row.line, entity));
        }
    });
    entities
}

/// Hands every row of the list `text` to `take`; notes columns that are not among `columns`,
/// those of `needed` that are missing, and rows that are no rows.
fn read_rows(
    (origin, text): (&str, &str),
    columns: &[&str],
    needed: &[&str],
    sectors: Option<&BTreeSet<SectorId>>,
    errors: &mut Vec<ConfigError>,
    mut take: impl FnMut(&mut Row<'_>, &StringRecord),
) {
    let mut list = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let given = list.headers().cloned().unwrap_or_default();
    let mut row = Row { origin, text, line: 1, columns: BTreeMap::new(), sectors, errors };
    for (at, column) in given.iter().enumerate() {
        if columns.contains(&column) {
            row.columns.insert(column.to_owned(), at);
        } else {
            let hint = did_you_mean(column, columns.iter().copied());
            row.error(column, format!("unknown column{hint}; allowed are {}", columns.join(", ")));
        }
    }
    for column in needed {
        if !row.columns.contains_key(*column) {
            row.error(column, "column is missing".to_owned());
            return;
        }
    }
    for record in list.records() {
        match record {
            Ok(record) => {
                row.line = record.position().map_or(row.line + 1, |it| it.line() as usize);
                if record.len() != given.len() {
                    let message = format!("has {} fields, not {}", record.len(), given.len());
                    row.error("", message);
                } else {
                    take(&mut row, &record);
                }
            }
            Err(error) => {
                row.line = error.position().map_or(row.line, |it| it.line() as usize);
                row.error("", format!("is no CSV: {error}"));
            }
        }
    }
}

struct Row<'a> {
    origin: &'a str,
    text: &'a str,
    line: usize,
    columns: BTreeMap<String, usize>,
    sectors: Option<&'a BTreeSet<SectorId>>,
    errors: &'a mut Vec<ConfigError>,
}

impl Row<'_> {
    fn error(&mut self, column: &str, message: String) {
        self.errors.push(ConfigError {
            origin: self.origin.to_owned(),
            position: line_position(self.text, self.line),
            key: (!column.is_empty()).then(|| column.to_owned()),
            message,
        });
    }

    fn field<'r>(&self, record: &'r StringRecord, column: &str) -> &'r str {
        let at = self.columns.get(column);
        at.and_then(|at| record.get(*at)).unwrap_or_default().trim()
    }

    /// The parts of a field that are separated by `|`.
    fn parts(&mut self, record: &StringRecord, column: &str) -> Vec<String> {
        let field = self.field(record, column);
        if field.is_empty() {
            return Vec::new();
        }
        let parts: Vec<String> = field.split('|').map(|it| it.trim().to_owned()).collect();
        if parts.iter().any(String::is_empty) {
            self.error(column, "holds an empty name between two `|`".to_owned());
        }
        let distinct: BTreeSet<&String> = parts.iter().collect();
        if distinct.len() != parts.len() {
            self.error(column, "holds a name twice".to_owned());
        }
        parts
    }

    fn languages(&mut self, record: &StringRecord) -> Vec<String> {
        let languages = self.parts(record, "languages");
        if languages.is_empty() {
            self.error("languages", "must name a language".to_owned());
        }
        for code in languages.iter().filter(|it| !LANGUAGES.contains(&it.as_str())) {
            let message = format!("must be codes of ISO 639-1, holds `{code}`");
            self.error("languages", message);
        }
        languages
    }

    fn entity(&mut self, record: &StringRecord) -> Option<GazetteerEntity> {
        let n_errors = self.errors.len();
        let kind = GazetteerKind::named(self.field(record, "kind"));
        if kind.is_none() {
            let names = GazetteerKind::NAMES;
            let hint = did_you_mean(self.field(record, "kind"), names.iter().copied());
            self.error("kind", format!("must be one of {}{hint}", names.join(", ")));
        }
        let id = self.field(record, "entity_id").to_owned();
        let prefix = kind.map_or("", GazetteerKind::id_prefix);
        if id.strip_prefix(prefix).is_none_or(str::is_empty) {
            self.error("entity_id", format!("must start with `{prefix}` and go on, is `{id}`"));
        }
        let entity = GazetteerEntity {
            id,
            kind: kind.unwrap_or(GazetteerKind::Organization),
            name: self.field(record, "name").to_owned(),
            aliases: self.parts(record, "aliases"),
            ambiguous: self.parts(record, "ambiguous"),
            demonyms: self.parts(record, "demonyms"),
            metonyms: self.parts(record, "metonyms"),
            country: self.country(record),
            sectors: self.sectors(record),
            latitude: self.degrees(record, "latitude", 90.0),
            longitude: self.degrees(record, "longitude", 180.0),
            weight: self.weight(record),
            in_languages: Vec::new(),
        };
        self.check_names(&entity);
        (self.errors.len() == n_errors).then_some(entity)
    }

    fn check_names(&mut self, entity: &GazetteerEntity) {
        if entity.name.is_empty() {
            self.error("name", "must not be empty".to_owned());
        }
        if entity.aliases.contains(&entity.name) {
            self.error("aliases", format!("repeats the name `{}`", entity.name));
        }
        let is_name = |it: &&String| {
            entity
                .names()
                .chain(entity.metonyms.iter().map(String::as_str))
                .any(|name| name == it.as_str())
        };
        if let Some(stray) = entity.ambiguous.iter().find(|it| !is_name(it)) {
            self.error("ambiguous", format!("`{stray}` is neither name, alias nor metonym"));
        }
    }

    fn country(&mut self, record: &StringRecord) -> Option<String> {
        let code = self.field(record, "country");
        if code.is_empty() {
            return None;
        }
        if !COUNTRIES.contains(&code) {
            self.error("country", format!("must be a code of ISO 3166-1 alpha-2, is `{code}`"));
        }
        Some(code.to_owned())
    }

    fn sectors(&mut self, record: &StringRecord) -> Vec<SectorId> {
        let ids: Vec<SectorId> =
            self.parts(record, "sectors").into_iter().map(SectorId::new).collect();
        let Some(known) = self.sectors else { return ids };
        for id in ids.iter().filter(|it| !known.contains(it)) {
            let hint = did_you_mean(id.as_str(), known.iter().map(SectorId::as_str));
            self.error("sectors", format!("`{id}` is no sector of the taxonomy{hint}"));
        }
        ids
    }

    fn degrees(&mut self, record: &StringRecord, column: &str, limit: f64) -> Option<f64> {
        let field = self.field(record, column);
        if field.is_empty() {
            return None;
        }
        let degrees = field.parse::<f64>().ok().filter(|it| it.abs() <= limit);
        if degrees.is_none() {
            let message = format!("must be degrees from -{limit} to {limit}, is `{field}`");
            self.error(column, message);
        }
        degrees
    }

    fn weight(&mut self, record: &StringRecord) -> u64 {
        let field = self.field(record, "weight");
        if field.is_empty() {
            return 0;
        }
        field.parse().unwrap_or_else(|_| {
            self.error("weight", format!("must be a whole number, is `{field}`"));
            0
        })
    }
}

/// The whole line `line`, from 1.
pub(crate) fn line_position(text: &str, line: usize) -> Option<Position> {
    let content = text.lines().nth(line.saturating_sub(1))?;
    Some(Position {
        line,
        column: 1,
        n_chars: content.chars().count().clamp(1, 80),
        text: content.chars().take(160).collect(),
    })
}
