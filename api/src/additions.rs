//! Sources that are added while Harbinger runs: what may be declared, what is found out, how it is
//! kept. The API, the page, the command line and OPML all go through here.

mod ids;

use std::time::Duration;

use chrono::{DateTime, Utc};
use config::{Config, Source, SourceId, Taxonomy};
use index::archive::added_sources::{AddedBy, Addition};
use index::archive::{Archive, ArchiveError};
use ingest::fetch::Fetcher;
use ingest::trial::{Outcome, Trial, try_source};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;
use url::Url;

pub(crate) use self::ids::Ids;
use crate::roster::Roster;

/// Keys that only files may have: they open this machine or its network, or say what a source that
/// can be paused and removed needs no key for.
const FILE_ONLY: &[&str] = &["folder", "sample", "allow_private_addresses", "proxy", "valid_until"];
/// The keys of which a source has exactly one.
const KINDS: &[&str] = &["feed_url", "site_url", "sitemap_url", "listing", "json"];
/// Longest id that is made up, without the number that may follow it.
const ID_CHARS_MAX: usize = 48;
/// Longest time of a trial; shorter than that of a request, unless that is set very low.
pub(crate) const TRIAL_TIME_MAX: Duration = Duration::from_secs(20);

/// Why a source is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The declaration is wrong; every mistake at once.
    #[error("{0}")]
    Invalid(String),
    /// Nothing to read was found at the address.
    #[error("{message}")]
    Unusable {
        /// The step that failed.
        message: String,
        /// All steps.
        trial: Box<Trial>,
    },
    /// The id or address is taken, or there are too many.
    #[error("{0}")]
    Taken(String),
    /// As many are tried out as may be at once.
    #[error("too many sources are tried out at once; try again in a second")]
    Busy,
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Who adds sources, to what.
pub struct Desk<'a> {
    /// Where they are kept.
    pub archive: &'a Archive,
    /// The sources of now.
    pub roster: &'a Roster,
    /// Settings and sectors.
    pub config: &'a Config,
    /// Asks servers.
    pub fetcher: Option<&'a Fetcher>,
    /// One for each trial that may run at once; `None` where only one can.
    pub trial_permits: Option<&'a Semaphore>,
    /// The clock.
    pub now: DateTime<Utc>,
}

impl Desk<'_> {
    /// Adds the source that `value` declares: an object with the keys of `[[source]]`, or with
    /// `url` in place of its kind, whose feed is then found. Name, language and id may be left out.
    ///
    /// # Errors
    /// What is wrong with it, by key.
    pub async fn add(&self, value: &Value, who: &str) -> Result<Source, AddError> {
        let mut fields = checked_fields(value)?;
        if let Some(url) = fields.remove("url") {
            let trial = self.find(&url, &fields).await?;
            for (key, found) in found_in(&trial, &url) {
                fields.entry(key).or_insert(found);
            }
        }
        let has_own_id = fields.contains_key("id");
        complete(&mut fields);
        let mut source = self.read(fields)?;
        let listed = self.roster.listed_now();
        if !has_own_id {
            let mut ids = Ids::of(&listed, self.archive.source_addresses().await?);
            source.id = ids.give(&source.id, source.address());
        }
        let addition = match self.known_address(&source) {
            Some(id) => Addition::AddressTaken(id),
            None if listed.contains_key(&source.id) => Addition::IdTaken,
            None => {
                let added = std::slice::from_ref(&source);
                let additions =
                    self.archive.add_sources(added, AddedBy::Api, who, self.now).await?;
                additions.into_iter().next().unwrap_or(Addition::Full)
            }
        };
        let (id, address) = (&source.id, source.address());
        Err(AddError::Taken(match addition {
            Addition::Added => {
                self.roster.refresh(self.archive).await?;
                return Ok(source);
            }
            Addition::IdTaken => format!("there is, or was, a source `{id}` already"),
            Addition::AddressTaken(id) => format!("`{address}` is read already as `{id}`"),
            Addition::Full => "there are too many sources".to_owned(),
        }))
    }

    /// Tries the source that `value` declares out: its address or, for a site or with `url`, what
    /// is found there. Stores nothing.
    ///
    /// # Errors
    /// What is wrong with it, by key.
    pub async fn try_out(&self, value: &Value) -> Result<Trial, AddError> {
        self.trial(&source_to_try(value, self.config, self.roster.allows_private())?).await
    }

    fn read(&self, fields: Map<String, Value>) -> Result<Source, AddError> {
        read(fields, &self.config.taxonomy, self.roster.allows_private())
    }

    async fn trial(&self, source: &Source) -> Result<Trial, AddError> {
        let fetcher = self.fetcher.ok_or_else(|| {
            AddError::Invalid("this server asks no other servers, so nothing can be tried".into())
        })?;
        let permit = self.trial_permits.map(Semaphore::try_acquire).transpose();
        let _permit = permit.map_err(|_| AddError::Busy)?;
        let settings = &self.config.settings.poll;
        Ok(Box::pin(try_source(fetcher, source, settings, self.now, TRIAL_TIME_MAX)).await)
    }

    /// Looks for what can be read at `url`.
    async fn find(&self, url: &Value, fields: &Map<String, Value>) -> Result<Trial, AddError> {
        let mut site = fields.clone();
        site.insert("site_url".to_owned(), url.clone());
        complete(&mut site);
        let trial = self.trial(&self.read(site)?).await?;
        if trial.is_usable() {
            return Ok(trial);
        }
        let worst = trial.steps.iter().rev().max_by_key(|it| it.outcome);
        let message = worst.map_or_else(String::new, |it| format!("{}: {}", it.name, it.message));
        Err(AddError::Unusable { message, trial: Box::new(trial) })
    }

    /// The source that reads the address of `source` already.
    fn known_address(&self, source: &Source) -> Option<SourceId> {
        let address = source.address();
        let listed = self.roster.listed_now();
        listed.values().find(|it| it.source.address() == address).map(|it| it.source.id.clone())
    }
}

/// The source that `value` declares, with what may be left out filled in; `url` is taken as the
/// address of a site.
///
/// # Errors
/// What is wrong with it, by key.
pub fn source_to_try(
    value: &Value,
    config: &Config,
    allows_private: bool,
) -> Result<Source, AddError> {
    let mut fields = checked_fields(value)?;
    if let Some(url) = fields.remove("url") {
        fields.insert("site_url".to_owned(), url);
    }
    complete(&mut fields);
    read(fields, &config.taxonomy, allows_private)
}

/// The fields of a declaration, if only those are there that may be.
pub(crate) fn checked_fields(value: &Value) -> Result<Map<String, Value>, AddError> {
    let refused = |message: String| Err(AddError::Invalid(message));
    let Some(fields) = value.as_object() else {
        return refused("must be a JSON object with the keys of [[source]]".to_owned());
    };
    let mut fields = fields.clone();
    fields.retain(|_, it| !it.is_null());
    if let Some(Value::String(url)) = fields.get_mut("url") {
        *url = with_scheme(url);
    }
    for key in FILE_ONLY {
        match fields.remove(*key) {
            None | Some(Value::Bool(false)) => {}
            Some(_) => {
                return refused(format!("`{key}` may stand in a file of the configuration only"));
            }
        }
    }
    if fields.remove("enabled").is_some_and(|it| it != Value::Bool(true)) {
        return refused(
            "`enabled` must be true or absent; pause the source when it is added".into(),
        );
    }
    let kinds: Vec<&str> = KINDS.iter().copied().filter(|it| fields.contains_key(*it)).collect();
    match (fields.contains_key("url"), kinds.as_slice()) {
        (true, [first, ..]) => refused(format!("`url` cannot stand beside `{first}`")),
        (false, []) => refused(format!("`url` is missing, or one of {}", KINDS.join(", "))),
        _ => Ok(fields),
    }
}

/// An address as people write it, with `https://` where it begins with a host: a name with a dot, or
/// with a port. Anything else stays as it is.
fn with_scheme(address: &str) -> String {
    let address = address.trim();
    let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_name = !host.is_empty() && !host.contains(['@', ' ']);
    let is_host = match port {
        Some(port) => !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()),
        None => host.contains('.'),
    };
    if is_name && is_host { format!("https://{address}") } else { address.to_owned() }
}

/// The source that `fields` declare.
///
/// # Errors
/// What is wrong with them, by key.
pub(crate) fn read(
    mut fields: Map<String, Value>,
    taxonomy: &Taxonomy,
    allows_private: bool,
) -> Result<Source, AddError> {
    if allows_private {
        fields.insert("allow_private_addresses".to_owned(), json!(true));
    }
    let check = ingest::listing::check_selector;
    let read = Source::from_json(&Value::Object(fields), Some(taxonomy), check);
    read.map_err(|errors| {
        let said = errors.errors().iter().map(|it| {
            // What a file could set, an addition cannot.
            let message = it.message.split("; set `allow_private").next().unwrap_or_default();
            match &it.key {
                Some(key) => format!("`{key}` {message}"),
                None => message.to_owned(),
            }
        });
        AddError::Invalid(said.collect::<Vec<_>>().join("; "))
    })
}

/// What a trial found out that a declaration may lack.
fn found_in(trial: &Trial, url: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    // The address of a feed is nobody's start page.
    if !trial.feeds.is_empty() && !trial.is_feed_itself {
        found.push(("home_url".to_owned(), url.clone()));
    }
    if let (Some(kind), Some(address)) = (&trial.kind, &trial.address) {
        found.push((format!("{kind}_url"), json!(address)));
    }
    if let Some(title) = trial.title.as_deref().map(str::trim).filter(|it| !it.is_empty()) {
        found.push(("name".to_owned(), json!(title.chars().take(200).collect::<String>())));
    }
    // One that nobody knows is no reason to refuse what can be read.
    let language = trial.language.iter().filter(|it| config::is_language(it));
    found.extend(language.map(|it| ("language".to_owned(), json!(it))));
    found
}

/// Fills in what every source needs: a name, a language, an id that is not reserved.
pub(crate) fn complete(fields: &mut Map<String, Value>) {
    let host = host_of(fields);
    if !fields.contains_key("name") {
        fields.insert("name".to_owned(), json!(host));
    }
    let language = fields.get("language").and_then(Value::as_str).and_then(language_of);
    fields.insert("language".to_owned(), json!(language.unwrap_or_else(|| "en".to_owned())));
    if !fields.contains_key("id") {
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
        let id = [slug(name), slug(&host), "source".to_owned()];
        let id = id.into_iter().find(|it| 2 < it.len()).unwrap_or_default();
        let is_reserved = SourceId::new(id.as_str()).is_reserved();
        fields.insert("id".to_owned(), json!(if is_reserved { id + "-2" } else { id }));
    }
}

/// The language of a tag such as `en-GB`; anything else as it is, to be refused by name.
fn language_of(tag: &str) -> Option<String> {
    let first = tag.trim().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    (!first.is_empty()).then_some(first)
}

/// The host that is asked, without `www.`.
fn host_of(fields: &Map<String, Value>) -> String {
    let mut addresses = KINDS.iter().filter_map(|key| {
        let value = fields.get(*key)?;
        value.as_str().or_else(|| value.get("url")?.as_str())
    });
    let url = addresses.find_map(|it| Url::parse(it).ok());
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
    host.trim_start_matches("www.").to_owned()
}

/// `text` as an id: `a-z`, `0-9` and `-`.
pub(crate) fn slug(text: &str) -> String {
    let mut id = String::new();
    for it in text.chars() {
        if id.len() >= ID_CHARS_MAX {
            break;
        }
        match it.to_ascii_lowercase() {
            it @ ('a'..='z' | '0'..='9') => id.push(it),
            _ if !id.ends_with('-') && !id.is_empty() => id.push('-'),
            _ => {}
        }
    }
    id.trim_matches('-').to_owned()
}

/// The outcome of a trial in a word, for people.
pub(crate) fn verdict(trial: &Trial) -> &'static str {
    match (trial.is_usable(), trial.outcome()) {
        (true, Outcome::Good) => "good",
        (true, _) => "usable",
        (false, _) => "unusable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_made_of_names() {
        assert_eq!(slug("  The Ärgus & Post—Daily "), "the-rgus-post-daily");
        assert_eq!(slug("новости"), "");
        assert_eq!(slug(&"ab ".repeat(50)).len(), 47);
    }

    #[test]
    fn an_address_needs_no_scheme() {
        for (written, meant) in [
            ("example.org", "https://example.org"),
            (" www.example.org/news?a=b:1 ", "https://www.example.org/news?a=b:1"),
            ("example.org:8443/feed", "https://example.org:8443/feed"),
            ("localhost:8080", "https://localhost:8080"),
            ("http://example.org/", "http://example.org/"),
            ("https://example.org/", "https://example.org/"),
            ("ftp://example.org/", "ftp://example.org/"),
            ("mailto:desk@example.org", "mailto:desk@example.org"),
            ("desk@example.org", "desk@example.org"),
            ("no address. none", "no address. none"),
            ("example", "example"),
            ("/feed.xml", "/feed.xml"),
            ("", ""),
        ] {
            assert_eq!(with_scheme(written), meant);
            let fields = checked_fields(&json!({ "url": written })).unwrap();
            assert_eq!(fields["url"], meant);
        }
    }

    #[test]
    fn what_is_left_out_is_filled_in() {
        let completed = |value: Value| {
            let mut fields = value.as_object().unwrap().clone();
            complete(&mut fields);
            let text = |key: &str| fields[key].as_str().unwrap().to_owned();
            (text("id"), text("name"), text("language"))
        };
        assert_eq!(
            completed(json!({"feed_url": "https://www.desk.example/feed"})),
            ("desk-example".into(), "desk.example".into(), "en".into())
        );
        assert_eq!(
            completed(
                json!({"json": {"url": "https://a.example/x"}, "name": "Новости", "language": "ru-RU"})
            ),
            ("a-example".into(), "Новости".into(), "ru".into())
        );
        let reserved = completed(json!({"url": "https://a.example/", "name": "Test"}));
        assert_eq!(reserved.0, "test-2");
    }
}
