//! Sources as OPML: taking a list in, and giving the sources of now out.
//!
//! The list that was taken in last is kept whole, with its folders and whatever other readers wrote
//! into it, and is the tree of the list that goes out. What is in no list stands at its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use config::{Source, SourceId, SourceKind, Taxonomy};
use index::archive::added_sources::Addition;
use index::archive::{Archive, ArchiveError};
use ingest::opml::{self, Opml, OpmlError, Outline};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::task::{JoinError, spawn_blocking};
use url::Url;

use crate::additions::{self, AddError, Desk, Ids, checked_fields, complete};
use crate::roster::{Listed, Roster};

/// Longest list that is taken in, in bytes.
pub const LIST_BYTES_MAX: usize = 16 << 20;
/// The archive's fact that holds the list taken in last.
const LIST: &str = "sources.opml";
/// Namespace of the attributes that only Harbinger knows.
const NAMESPACE: (&str, &str) = ("xmlns:harbinger", "urn:harbinger:source");
/// Attribute with what no other attribute can say, as JSON.
const DECLARATION: &str = "harbinger:source";
/// Keys that other attributes say, or that are nobody else's business.
const NOT_DECLARED: &[&str] = &[
    "name",
    "language",
    "home_url",
    "feed_url",
    "folder",
    "sample",
    "enabled",
    "allow_private_addresses",
    "proxy",
    "notes",
    "valid_until",
];
/// Refusals that are told one by one.
const N_REFUSED_TOLD: usize = 100;

/// What became of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Imported {
    /// Ids of the sources that are new.
    pub added: Vec<String>,
    /// Outlines whose address is read already.
    pub n_known: u64,
    /// Outlines that are no source for Harbinger, at most 100.
    pub refused: Vec<Refused>,
}

/// An outline that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Refused {
    /// What it is called.
    pub title: String,
    /// Why it was not taken.
    pub reason: String,
}

/// Why a list was not taken in or given out.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It is no list.
    #[error(transparent)]
    Opml(#[from] OpmlError),
    /// The sources are other ones by now than whoever sent the list has seen.
    #[error("somebody else changed the sources")]
    Changed,
    /// The archive failed.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The thread that read or wrote it broke.
    #[error("the list could not be worked on")]
    Broken(#[from] JoinError),
}

/// Adds every feed of the list `bytes` that is not read yet, asking no server, and keeps the list.
/// Removes nothing. `version` is that of the sources that the list was made from; `None` when that does
/// not matter.
///
/// # Errors
/// When it is no list, the sources are of another version, or cannot be kept. Single outlines that cannot be used are in the answer.
pub async fn import(
    desk: &Desk<'_>,
    bytes: Bytes,
    content_type: Option<&str>,
    who: &str,
    version: Option<i64>,
) -> Result<Imported, ListError> {
    let archived = desk.archive.source_addresses().await?;
    let taxonomy = desk.config.taxonomy.clone();
    let reader = Reader { taxonomy, allows_private: desk.roster.allows_private() };
    let (listed, content_type) = (desk.roster.listed_now(), content_type.map(str::to_owned));
    let read = spawn_blocking(move || {
        let list = opml::parse(&bytes, content_type.as_deref())?;
        let (sources, imported) = reader.sources(&list, &listed, archived);
        Ok::<_, OpmlError>((list.to_xml(), sources, imported))
    });
    let (list, sources, mut imported) = read.await??;
    let kept = (LIST, list.as_str());
    let additions = desk.archive.import_sources_at(version, &sources, kept, who, desk.now).await?;
    let additions = additions.ok_or(ListError::Changed)?;
    for (source, addition) in sources.iter().zip(additions) {
        match addition {
            Addition::Added => imported.added.push(source.id.to_string()),
            Addition::AddressTaken(_) => imported.n_known += 1,
            Addition::IdTaken => {
                let reason = format!("there is, or was, a source `{}` already", source.id);
                imported.refuse(&outline_of(source), reason);
            }
            Addition::Full => {
                imported.refuse(&outline_of(source), "there are too many sources".to_owned());
            }
        }
    }
    desk.roster.refresh(desk.archive).await?;
    Ok(imported)
}

impl Imported {
    fn refuse(&mut self, outline: &Outline, reason: String) {
        if self.refused.len() < N_REFUSED_TOLD {
            let title = outline.get("title").or_else(|| outline.get("text")).unwrap_or_default();
            self.refused.push(Refused { title: title.chars().take(200).collect(), reason });
        }
    }
}

/// Reads sources out of a list; pure, for a thread that may take a while.
struct Reader {
    taxonomy: Taxonomy,
    allows_private: bool,
}

impl Reader {
    /// The sources of `list` whose address is not `listed`, each with an id of its own, and what is
    /// to be said of the others.
    fn sources(
        &self,
        list: &Opml,
        listed: &BTreeMap<SourceId, Arc<Listed>>,
        archived: BTreeMap<SourceId, String>,
    ) -> (Vec<Source>, Imported) {
        let mut known: BTreeSet<String> = listed.values().map(|it| it.source.address()).collect();
        let mut ids = Ids::of(listed, archived);
        let (mut sources, mut imported) = (Vec::new(), Imported::default());
        for outline in list.all() {
            let Some(read) = self.source_of(outline) else { continue };
            match read {
                Ok(source) if !known.insert(source.address()) => imported.n_known += 1,
                Ok(source) => {
                    let id = ids.give(&source.id, source.address());
                    sources.push(Source { id, ..source });
                }
                Err(error) => imported.refuse(outline, error.to_string()),
            }
        }
        (sources, imported)
    }

    /// The source that an outline stands for; `None` for folders and whatever else is in a list.
    fn source_of(&self, outline: &Outline) -> Option<Result<Source, AddError>> {
        let mut fields = declared_in(outline);
        let feed = outline.get("xmlUrl");
        let has_kind = ["site_url", "sitemap_url", "listing", "json"]
            .iter()
            .any(|it| fields.contains_key(*it));
        match feed {
            _ if has_kind => {}
            Some(feed) => drop(fields.insert("feed_url".to_owned(), json!(feed))),
            None => return None,
        }
        let title = outline.get("title").or_else(|| outline.get("text"));
        if let Some(title) = title {
            let title: String = title.chars().take(200).collect();
            fields.insert("name".to_owned(), json!(title));
        }
        let is_page = |it: &&str| {
            Url::parse(it).is_ok_and(|it| matches!(it.scheme(), "http" | "https") && it.has_host())
        };
        if let Some(home) = outline.get("htmlUrl").filter(is_page) {
            fields.insert("home_url".to_owned(), json!(home));
        }
        if let Some(language) = outline.get("language") {
            fields.insert("language".to_owned(), json!(language));
        }
        if !fields.contains_key("sectors") && !fields.contains_key("tags") {
            let (sectors, tags) = self.categories(outline);
            fields.insert("sectors".to_owned(), json!(sectors));
            fields.insert("tags".to_owned(), json!(tags));
        }
        let mut read = self.read(fields.clone());
        if read.is_err() && fields.contains_key("language") {
            // Other readers write languages that nobody knows; that is no reason to leave a feed out.
            fields.insert("language".to_owned(), json!("en"));
            read = self.read(fields).or(read);
        }
        Some(read)
    }

    /// The source that `fields` declare, under the id that it asks for.
    fn read(&self, mut fields: Map<String, Value>) -> Result<Source, AddError> {
        complete(&mut fields);
        let fields = checked_fields(&Value::Object(fields))?;
        additions::read(fields, &self.taxonomy, self.allows_private)
    }

    /// The categories of an outline: sectors that the taxonomy knows, and free words.
    fn categories(&self, outline: &Outline) -> (Vec<String>, Vec<String>) {
        let known = self.taxonomy.sectors();
        let given = outline.get("category").unwrap_or_default().split(',').map(str::trim);
        let given = given.filter(|it| !it.is_empty()).take(50);
        let (sectors, tags): (Vec<&str>, Vec<&str>) =
            given.partition(|it| known.iter().any(|sector| sector.id.as_str() == *it));
        let tags = tags.iter().map(|it| it.trim_matches('/').chars().take(100).collect());
        (sectors.into_iter().map(str::to_owned).collect(), tags.collect())
    }
}

/// What an outline declares in Harbinger's own attribute; an id that is reserved is left out, so that
/// one is made up.
fn declared_in(outline: &Outline) -> Map<String, Value> {
    let declared = outline.get(DECLARATION).and_then(|it| serde_json::from_str(it).ok());
    let Some(Value::Object(mut fields)) = declared else { return Map::new() };
    let id = fields.get("id").and_then(Value::as_str).unwrap_or_default();
    if SourceId::new(id).is_reserved() {
        fields.remove("id");
    }
    fields
}

/// The sources of now as a list: in the tree of the list taken in last, the others at its end.
///
/// Left out are the sample wire, folders, and sources with a proxy: whoever reads the list would ask
/// those without it, and need not know of them.
///
/// # Errors
/// When the archive fails.
pub async fn export(archive: &Archive, roster: &Roster) -> Result<String, ListError> {
    let kept = archive.meta_get(LIST).await?;
    let listed = roster.listed_now();
    Ok(spawn_blocking(move || written(kept.as_deref(), &listed)).await?)
}

/// The sources that are `listed`, in the tree of the list that was `kept`.
fn written(kept: Option<&str>, listed: &BTreeMap<SourceId, Arc<Listed>>) -> String {
    let kept = kept.and_then(|it| opml::parse(it.as_bytes(), None).ok());
    let mut list = kept.unwrap_or_default();
    let sources: Vec<&Source> = listed
        .values()
        .map(|it| &it.source)
        .filter(|it| !it.sample && it.proxy.is_none())
        .filter(|it| !matches!(it.kind(), SourceKind::Folder(_)))
        .collect();
    let addresses: BTreeSet<String> = sources.iter().map(|it| it.address()).collect();
    let mut in_tree: BTreeSet<String> = BTreeSet::new();
    list.retain(|outline| match address_of(outline) {
        None => true,
        // What was refused was never ours; what was removed since is gone.
        Some(address) => {
            let is_ours = addresses.contains(&address);
            in_tree.extend(is_ours.then_some(address));
            is_ours || outline.get("xmlUrl").is_some_and(is_foreign)
        }
    });
    for source in sources.iter().filter(|it| !in_tree.contains(&it.address())) {
        list.outlines.push(outline_of(source));
    }
    complete_head(&mut list);
    list.to_xml()
}

/// Whether an address is one that Harbinger never reads, so that nobody has removed it.
fn is_foreign(address: &str) -> bool {
    !Url::parse(address).is_ok_and(|it| matches!(it.scheme(), "http" | "https"))
}

/// The address that an outline is known by.
fn address_of(outline: &Outline) -> Option<String> {
    let declared = outline.get(DECLARATION).and_then(|it| serde_json::from_str::<Value>(it).ok());
    let of_kind = declared.as_ref().and_then(|it| {
        let url = |key: &str| it.get(key).and_then(Value::as_str);
        let inner = |key: &str| it.get(key)?.get("url")?.as_str();
        url("site_url")
            .or_else(|| url("sitemap_url"))
            .or_else(|| inner("listing"))
            .or_else(|| inner("json"))
    });
    let address = of_kind.or_else(|| outline.get("xmlUrl"))?;
    Some(Url::parse(address).map_or_else(|_| address.to_owned(), Into::into))
}

fn complete_head(list: &mut Opml) {
    if !list.attributes.iter().any(|(name, _)| name == "version") {
        list.attributes.insert(0, ("version".to_owned(), "2.0".to_owned()));
    }
    let uses_ours = list.all().iter().any(|it| it.get(DECLARATION).is_some());
    if uses_ours && !list.attributes.iter().any(|(name, _)| name == NAMESPACE.0) {
        list.attributes.push((NAMESPACE.0.to_owned(), NAMESPACE.1.to_owned()));
    }
    if list.head.is_empty() {
        list.head.push(("title".to_owned(), "Sources of Harbinger".to_owned()));
    }
}

/// A source as an outline.
fn outline_of(source: &Source) -> Outline {
    let mut outline = Outline::default();
    outline.set("text", &source.name);
    outline.set("title", &source.name);
    match source.kind() {
        SourceKind::Feed(url) => {
            outline.set("type", "rss");
            outline.set("xmlUrl", url.as_str());
        }
        // Not a feed: other readers must not take it for one.
        other => outline.set("type", format!("harbinger-{}", other.name())),
    }
    if let Some(home) = &source.home_url {
        outline.set("htmlUrl", home.as_str());
    }
    outline.set("language", &source.language);
    let categories = source.sectors.iter().map(ToString::to_string).chain(source.tags.clone());
    let categories = categories.collect::<Vec<_>>().join(",");
    if !categories.is_empty() {
        outline.set("category", categories);
    }
    let mut declared = serde_json::to_value(source).unwrap_or_default();
    if let Some(fields) = declared.as_object_mut() {
        fields.retain(|key, it| !NOT_DECLARED.contains(&key.as_str()) && !is_blank(it));
        if fields.get("region").and_then(Value::as_str) == Some("world") {
            fields.remove("region");
        }
    }
    outline.set(DECLARATION, without_blanks(declared).to_string());
    outline
}

/// Whether a value says nothing.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_blank),
        _ => false,
    }
}

fn without_blanks(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, it)| !it.is_null())
            .map(|(key, it)| (key, without_blanks(it)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use config::Config;
    use index::archive::ArchiveSettings;
    use index::archive::added_sources::AddedBy;

    use super::*;

    struct Office {
        _folder: tempfile::TempDir,
        archive: Archive,
        config: Config,
        roster: Roster,
    }

    impl Office {
        async fn open(n_declared: usize) -> Office {
            let folder = tempfile::tempdir().unwrap();
            let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
            let mut config = Config::builtin().unwrap();
            config.sources.retain(|it| !it.sample);
            config.sources.truncate(n_declared);
            let roster = Roster::new(&config, DateTime::UNIX_EPOCH.date_naive());
            Office { _folder: folder, archive, config, roster }
        }

        async fn import(&self, list: &str) -> Imported {
            let desk = Desk {
                archive: &self.archive,
                roster: &self.roster,
                config: &self.config,
                fetcher: None,
                trial_permits: None,
                now: DateTime::UNIX_EPOCH,
            };
            let list = Bytes::copy_from_slice(list.as_bytes());
            import(&desk, list, None, "ana", None).await.unwrap()
        }

        async fn export(&self) -> String {
            export(&self.archive, &self.roster).await.unwrap()
        }
    }

    const LIST: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\" xmlns:fz=\"urn:forumzilla:\">\n\
        <head>\n<title>Desk</title>\n</head>\n<body>\n  <outline text=\"Energy\" fz:open=\"1\">\n    \
        <outline type=\"rss\" text=\"Grid\" xmlUrl=\"https://grid.example/feed\" htmlUrl=\"https://grid.example/\" category=\"/energy,/grid\" fz:quickMode=\"false\" language=\"xx-klingon\"/>\n    \
        <outline type=\"rss\" text=\"Grid again\" xmlUrl=\"https://grid.example/feed\"/>\n  </outline>\n  \
        <outline text=\"Old one\" xmlUrl=\"gopher://old.example/\"/>\n</body>\n</opml>\n";

    #[tokio::test]
    async fn a_list_comes_out_as_it_went_in_with_its_folders_and_unknown_attributes() {
        let office = Office::open(0).await;
        let imported = office.import(LIST).await;
        assert_eq!(imported.added, ["grid"]);
        assert_eq!((imported.n_known, imported.refused.len()), (1, 1), "{imported:?}");
        assert!(imported.refused[0].reason.contains("http"), "{imported:?}");
        let grid = office.roster.source(&"grid".into()).unwrap();
        assert_eq!(grid.source.sectors, [config::SectorId::new("/energy")]);
        assert_eq!(grid.source.tags, ["grid"]);
        assert_eq!(grid.source.language, "en");
        assert_eq!(office.export().await, LIST);
        assert_eq!(office.import(LIST).await.n_known, 2, "a second time adds nothing");

        office.archive.remove_source(&"grid".into(), DateTime::UNIX_EPOCH).await.unwrap();
        office.roster.refresh(&office.archive).await.unwrap();
        let left = office.export().await;
        assert!(!left.contains("grid.example") && left.contains("Energy"), "{left}");
    }

    #[tokio::test]
    async fn sources_of_every_kind_go_from_one_installation_to_another() {
        let from = Office::open(500).await;
        let list = from.export().await;
        let to = Office::open(0).await;
        let imported = to.import(&list).await;
        assert_eq!(imported.refused, []);
        assert_eq!(imported.added.len(), from.config.sources.len());
        for declared in &from.config.sources {
            let listed = to.roster.source(&declared.id).unwrap();
            let mut expected = declared.clone();
            expected.notes = None;
            assert_eq!(listed.source, expected);
        }
        assert_eq!(to.export().await, list);
    }

    #[tokio::test]
    async fn ids_that_are_taken_get_numbers_and_many_of_one_name_take_no_time() {
        let office = Office::open(0).await;
        let outlines: String = (0..3_000)
            .map(|n| format!("<outline text='Wire' xmlUrl='https://wire.example/{n}'/>"))
            .chain([
                "<outline text='Test' xmlUrl='https://test.example/'/>".to_owned(),
                "<outline text='T' xmlUrl='https://t.example/' harbinger:source='{&quot;id&quot;: &quot;test&quot;}'/>".to_owned(),
                "<outline text='Submitted' xmlUrl='https://submitted.example/'/>".to_owned(),
            ])
            .collect();
        let old = Source::new("wire-3", "https://old.example/".parse().unwrap());
        let now = DateTime::UNIX_EPOCH;
        office.archive.add_sources(&[old], AddedBy::Api, "ana", now).await.unwrap();
        office.archive.remove_source(&"wire-3".into(), now).await.unwrap();
        let imported = office.import(&format!("<opml><body>{outlines}</body></opml>")).await;
        assert_eq!(imported.refused, []);
        assert_eq!(imported.added[..3], ["wire", "wire-2", "wire-4"], "`wire-3` was another");
        let last = ["wire-3000", "wire-3001", "test-2", "t-example", "submitted-2"];
        assert_eq!(imported.added[2_998..], last);
    }

    #[tokio::test]
    async fn what_is_read_through_a_proxy_is_nobody_else_s_business() {
        let mut office = Office::open(0).await;
        let source = |id: &str| Source::new(id, format!("https://{id}.example/").parse().unwrap());
        let proxy = Some("socks5h://127.0.0.1:9050".to_owned());
        office.config.sources = vec![source("open"), Source { proxy, ..source("hidden") }];
        office.roster = Roster::new(&office.config, DateTime::UNIX_EPOCH.date_naive());
        let list = office.export().await;
        assert!(list.contains("open.example"), "{list}");
        assert!(!list.contains("hidden") && !list.contains("socks5h"), "{list}");
    }

    #[tokio::test]
    async fn a_list_cannot_open_this_machine_or_its_network() {
        let office = Office::open(0).await;
        let outline = |declared: &str, url: &str| {
            let declared = declared.replace('"', "&quot;");
            format!("<outline text='x' xmlUrl='{url}' harbinger:source=\"{declared}\"/>")
        };
        let list = [
            outline(r#"{"folder": "/etc"}"#, "https://a.example/"),
            outline(r#"{"allow_private_addresses": true}"#, "https://b.example/"),
            outline("{}", "http://127.0.0.1/feed"),
            outline("{}", "http://169.254.169.254/latest"),
            outline(r#"{"site_url": "http://[::1]/"}"#, ""),
            outline(r#"{"id": "../x"}"#, "https://c.example/"),
        ];
        let imported = office.import(&format!("<opml><body>{}</body></opml>", list.concat())).await;
        assert_eq!(imported.added, [""; 0]);
        assert_eq!(imported.refused.len(), list.len(), "{imported:?}");
    }
}
