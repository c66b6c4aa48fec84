//! Checks across keys and files: what no single key can say about itself.

use std::collections::BTreeMap;

use toml::de::DeTable;

use crate::error::{ConfigError, Position};
use crate::id::SectorId;
use crate::overrides::Overrides;
use crate::reader::{Located, Reader};
use crate::search::{CheckText, Delivery, SavedSearch};
use crate::settings::Settings;
use crate::source::Source;
use crate::taxonomy::Sector;
use crate::value::{Key, Value};

/// Something read from a file, with the place where it begins.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Placed<T> {
    /// Path of the file in the configuration folder.
    pub(crate) origin: String,
    /// Where it begins.
    #[serde(skip)]
    pub(crate) position: Option<Position>,
    /// What was read.
    pub(crate) value: T,
}

impl<T: Value> Value for Placed<T> {
    fn wanted() -> String {
        T::wanted()
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<Placed<T>> {
        let read = T::read(value, reader)?;
        let (origin, position) = (reader.origin().to_owned(), reader.position(&value.span()));
        Some(Placed { origin, position, value: read })
    }

    fn to_toml(&self) -> Option<String> {
        self.value.to_toml()
    }

    fn keys() -> Vec<Key> {
        T::keys()
    }
}

impl<T> Placed<T> {
    fn error(&self, key: &str, message: String) -> ConfigError {
        ConfigError {
            origin: self.origin.clone(),
            position: self.position.clone(),
            key: Some(key.to_owned()),
            message,
        }
    }

    fn place(&self) -> String {
        let line = self.position.as_ref().map(|it| format!(":{}", it.line)).unwrap_or_default();
        format!("{}{line}", self.origin)
    }
}

/// Notes ids and addresses that several sources share, addresses that would be refused, and
/// sources of no kind or several.
pub(crate) fn check_sources(
    sources: &[Placed<Source>],
    check_selector: CheckText,
) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    let mut addresses: BTreeMap<String, String> = BTreeMap::new();
    for source in sources {
        let id = source.value.id.to_string();
        let kinds = source.value.kinds();
        let address = kinds.first().map(|it| (it.key(), source.value.address()));
        for ((key, text), seen) in [(Some(("id", id)), &mut ids), (address, &mut addresses)]
            .into_iter()
            .filter_map(|(it, seen)| Some((it?, seen)))
        {
            match seen.get(&text) {
                Some(first) => {
                    errors.push(source.error(key, format!("`{text}` is already in {first}")));
                }
                None => {
                    seen.insert(text, source.place());
                }
            }
        }
        let mistakes = source.value.mistakes(check_selector);
        errors.extend(mistakes.into_iter().map(|(key, message)| source.error(&key, message)));
    }
    errors
}

/// Notes ids that several saved searches share, queries that cannot be read, and deliveries
/// without a usable address.
pub(crate) fn check_searches(
    searches: &[Placed<SavedSearch>],
    check_query: CheckText,
) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    for search in searches {
        let id = search.value.id.as_str();
        if let Some(first) = ids.get(id) {
            errors.push(search.error("id", format!("`{id}` is already in {first}")));
        }
        ids.insert(id, search.place());
        let id = search.value.id_mistake().into_iter();
        let mistakes = id.chain(search.value.mistakes(check_query));
        errors.extend(mistakes.map(|(key, message)| search.error(&key, message)));
    }
    errors
}

/// Notes what is wrong with queries and deliveries of saved searches that could not be read for
/// another reason, so that one mistake does not hide the next. `read` are those that could be.
pub(crate) fn check_unread_searches(
    reader: &mut Reader<'_>,
    read: &[Placed<SavedSearch>],
    check_query: CheckText,
) {
    let (document, _) = DeTable::parse_recoverable(reader.text());
    let searches = document.get_ref().get("search").and_then(|it| it.get_ref().as_array());
    for (at, search) in searches.into_iter().flatten().enumerate() {
        let position = reader.position(&search.span());
        let Some(fields) = search.get_ref().as_table() else { continue };
        if read.iter().any(|it| it.position == position) {
            continue;
        }
        reader.within(&format!("search[{}]", at + 1), |reader| {
            let id = fields.get("id");
            let twin = read
                .iter()
                .find(|it| id.and_then(|it| it.get_ref().as_str()) == Some(it.value.id.as_str()));
            if let (Some(id), Some(twin)) = (id, twin) {
                let message = format!("`{}` is already in {}", twin.value.id, twin.place());
                reader.error_at(&id.span(), Some("id"), message);
            }
            check_fields(reader, fields, check_query);
        });
    }
}

fn check_fields(reader: &mut Reader<'_>, fields: &DeTable<'_>, check_query: CheckText) {
    let query = fields.get("query");
    let text = query.and_then(|it| it.get_ref().as_str());
    if let (Some(query), Some(message)) = (query, text.and_then(|it| check_query(it).err())) {
        reader.error_at(&query.span(), Some("query"), message);
    }
    let deliveries = fields.get("deliver").and_then(|it| it.get_ref().as_array());
    for (at, delivery) in deliveries.into_iter().flatten().enumerate() {
        // What cannot be read has been noted when the file was read.
        let Some(value) = reader.quietly(|reader| Delivery::read(delivery, reader)) else {
            continue;
        };
        for (key, message) in value.mistakes() {
            let key = format!("deliver[{}]{key}", at + 1);
            reader.error_at(&delivery.span(), Some(&key), message);
        }
    }
}

/// Notes repeated ids, absent parents, children before their parents, and words of other
/// vocabularies that do not exist.
pub(crate) fn check_sectors(sectors: &[Placed<Sector>]) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let mut seen: BTreeMap<&SectorId, String> = BTreeMap::new();
    for sector in sectors {
        let id = &sector.value.id;
        if let Some(first) = seen.get(id) {
            errors.push(sector.error("id", format!("`{id}` is already in {first}")));
        }
        if let Some(parent) = id.parent().filter(|it| !seen.contains_key(it)) {
            let message = format!("`{id}` needs its parent `{parent}` before it");
            errors.push(sector.error("id", message));
        }
        if let Some(keyword) = sector.value.keywords.iter().find(|it| it.trim().is_empty()) {
            errors.push(sector.error("keywords", format!("`{keyword}` is empty")));
        }
        for (at, keyword) in sector.value.keywords.iter().enumerate() {
            if sector.value.keywords[..at].contains(keyword) {
                errors.push(sector.error("keywords", format!("`{keyword}` stands there twice")));
            }
        }
        for nis2 in sector.value.nis2.iter().filter(|it| !it.exists()) {
            let message = format!("`{}` is no sector of annex {:?}", nis2.sector, nis2.annex);
            errors.push(sector.error("nis2", message));
        }
        seen.insert(id, sector.place());
    }
    errors
}

/// Notes settings that contradict each other, and passwords where others can read them.
pub(crate) fn check_settings(settings: &Settings, overrides: &Overrides) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let mut refuse = |key: &str, message: &str| {
        let origin = if overrides.flag_sets(key) {
            "command line"
        } else if overrides.env_sets(key) {
            "environment"
        } else {
            "settings.toml"
        };
        errors.push(ConfigError {
            origin: origin.to_owned(),
            position: None,
            key: Some(key.to_owned()),
            message: message.to_owned(),
        });
    };
    if u64::from(settings.poll.interval_max_hours) * 60
        < u64::from(settings.poll.interval_min_minutes)
    {
        refuse("poll.interval_max_hours", "must not be shorter than `poll.interval_min_minutes`");
    }
    if settings.crawl.lease_s <= settings.fetch.total_timeout_s {
        refuse("crawl.lease_s", "must be longer than `fetch.total_timeout_s`");
    }
    if settings.fetch.total_timeout_s < settings.fetch.connect_timeout_s {
        refuse("fetch.total_timeout_s", "must not be shorter than `fetch.connect_timeout_s`");
    }
    if settings.retention.articles_days.is_some_and(|it| it <= settings.stories.window_days) {
        refuse("retention.articles_days", "must be longer than `stories.window_days`");
    }
    if settings.oidc.issuer.is_some() {
        if settings.oidc.client_id.is_none() {
            refuse("oidc.client_id", "must be set with `oidc.issuer`");
        }
        if settings.alerts.public_url.is_none() {
            refuse("alerts.public_url", "must be set with `oidc.issuer`");
        }
    }
    let is_open = settings.database_url.as_ref().is_some_and(|it| it.has_password())
        && (overrides.flag_sets("database_url") || !overrides.env_sets("database_url"));
    if is_open {
        refuse(
            "database_url",
            "holds a password, which belongs in the environment variable HARBINGER_DATABASE_URL \
             or in the file that `database_url_file` names",
        );
    }
    if settings.database_url.is_some() && settings.database_url_file.is_some() {
        refuse("database_url_file", "cannot stand beside `database_url`");
    }
    errors
}
