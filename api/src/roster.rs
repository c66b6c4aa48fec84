//! The sources of now: those of the configuration and those that were added since, as one list.
//!
//! Everything that needs to know a source asks here, not the configuration. The list is read again
//! when the archive's version of it has changed, by whichever process.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use chrono::NaiveDate;
use config::{Config, Source, SourceId};
use index::archive::added_sources::{AddedBy, AddedSource};
use index::archive::sources::SourceRow;
use index::archive::{Archive, ArchiveError};

/// The sources of now; shared by the pipeline and the web server.
#[derive(Debug)]
pub struct Roster {
    declared: Vec<Arc<Listed>>,
    allows_private: bool,
    now: RwLock<Snapshot>,
}

/// A source, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// What is declared of it.
    pub source: Source,
    /// How it was added; `None` for those of the configuration.
    pub added: Option<AddedBy>,
    /// Whether it is not read for now.
    pub is_paused: bool,
}

#[derive(Clone, Debug)]
struct Snapshot {
    version: i64,
    by_id: Arc<BTreeMap<SourceId, Arc<Listed>>>,
}

impl Roster {
    /// The sources of the configuration only, until [`Roster::refresh`]: those that are read
    /// `today`, the sample wire among them where it is on.
    pub fn new(config: &Config, today: NaiveDate) -> Roster {
        let is_sampled = config.settings.sample.enabled;
        let is_read = |it: &&Source| it.is_active_on(today) && (is_sampled || !it.sample);
        let listed =
            |it: &Source| Arc::new(Listed { source: it.clone(), added: None, is_paused: false });
        let declared: Vec<Arc<Listed>> =
            config.sources.iter().filter(is_read).map(listed).collect();
        let by_id = Arc::new(by_id(&declared, Vec::new()));
        Roster {
            declared,
            allows_private: config.settings.fetch.added_private_addresses,
            now: RwLock::new(Snapshot { version: -1, by_id }),
        }
    }

    /// Reads the added sources when they changed since the last time.
    pub async fn refresh(&self, archive: &Archive) -> Result<(), ArchiveError> {
        if archive.sources_version().await? == self.snapshot().version {
            return Ok(());
        }
        let (added, version) = archive.added_sources().await?;
        let added = added.into_iter().map(|it| self.listed(it)).collect();
        let next = Snapshot { version, by_id: Arc::new(by_id(&self.declared, added)) };
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        // Another one may have read later and written earlier.
        if now.version < next.version {
            *now = next;
        }
        Ok(())
    }

    /// The source `id`, if it is read now.
    pub fn source(&self, id: &SourceId) -> Option<Arc<Listed>> {
        self.listed_now().get(id).filter(|it| !it.is_paused).cloned()
    }

    /// Whether the sample wire is read.
    pub fn has_sample(&self) -> bool {
        self.declared.iter().any(|it| it.source.sample)
    }

    /// All sources by id, also paused ones.
    pub fn listed_now(&self) -> Arc<BTreeMap<SourceId, Arc<Listed>>> {
        self.snapshot().by_id
    }

    /// What the archive is to know of the sources that are read now.
    pub fn rows(&self) -> Vec<SourceRow> {
        let all = self.listed_now();
        all.values().filter(|it| !it.is_paused).map(|it| SourceRow::from(&it.source)).collect()
    }

    /// Whether added sources may lie on private addresses.
    pub fn allows_private(&self) -> bool {
        self.allows_private
    }

    fn listed(&self, added: AddedSource) -> Arc<Listed> {
        let AddedSource { mut source, origin, is_paused, .. } = added;
        // The setting of now decides, not the one under which it was added.
        source.allow_private_addresses &= self.allows_private;
        Arc::new(Listed { source, added: Some(origin), is_paused })
    }

    fn snapshot(&self) -> Snapshot {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What files declare stands over what was added under the same id.
fn by_id(declared: &[Arc<Listed>], added: Vec<Arc<Listed>>) -> BTreeMap<SourceId, Arc<Listed>> {
    let declared = declared.iter().cloned();
    added.into_iter().chain(declared).map(|it| (it.source.id.clone(), it)).collect()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use config::{Config, Source};
    use index::archive::ArchiveSettings;

    use super::*;

    #[tokio::test]
    async fn added_sources_join_those_of_the_configuration_which_win() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
        let mut config = Config::builtin().unwrap();
        config.sources.truncate(1);
        let declared = config.sources[0].id.clone();
        let now = DateTime::UNIX_EPOCH;
        let roster = Roster::new(&config, now.date_naive());
        roster.refresh(&archive).await.unwrap();
        assert_eq!(roster.rows().len(), 1);

        let mut desk = Source::new("desk", "http://10.0.0.1/feed".parse().unwrap());
        desk.allow_private_addresses = true;
        let shadow = Source::new(declared.as_str(), "https://shadow.example/".parse().unwrap());
        archive.add_sources(&[desk, shadow], AddedBy::Opml, "ana", now).await.unwrap();
        assert_eq!(roster.source(&"desk".into()), None, "not before it is read again");
        roster.refresh(&archive).await.unwrap();
        let desk = roster.source(&"desk".into()).unwrap();
        assert_eq!(desk.added, Some(AddedBy::Opml));
        assert!(!desk.source.allow_private_addresses, "the setting of now forbids it");
        assert_eq!(roster.source(&declared).unwrap().source, config.sources[0]);

        archive.pause_source(&"desk".into(), true, now).await.unwrap();
        roster.refresh(&archive).await.unwrap();
        assert_eq!(roster.source(&"desk".into()), None);
        assert_eq!((roster.listed_now().len(), roster.rows().len()), (2, 1));
    }

    #[test]
    fn what_is_switched_off_or_over_is_not_listed() {
        let source = |id: &str| Source::new(id, format!("https://{id}.example/").parse().unwrap());
        let today = NaiveDate::from_ymd_opt(2026, 1, 12).unwrap();
        let mut config = Config::builtin().unwrap();
        config.sources = vec![
            source("on"),
            Source { enabled: false, ..source("off") },
            Source { valid_until: Some(today), ..source("last-day") },
            Source { valid_until: today.pred_opt(), ..source("over") },
            Source { sample: true, ..source("sample") },
        ];
        let ids = |config: &Config| {
            let roster = Roster::new(config, today);
            let ids: Vec<String> = roster.listed_now().keys().map(ToString::to_string).collect();
            (ids.join(" "), roster.has_sample())
        };
        config.settings.sample.enabled = true;
        assert_eq!(ids(&config), ("last-day on sample".to_owned(), true));
        config.settings.sample.enabled = false;
        assert_eq!(ids(&config), ("last-day on".to_owned(), false));
    }
}
