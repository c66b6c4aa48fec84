//! A fresh archive for each scenario, and small inputs.

use std::env;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::{SectorId, SourceId};
use ingest::{Article, ArticleId, CanonicalUrl, Entry};
use nlp::story::StoryId;
use nlp::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, Span, Statement,
    StatementKind, StatementTime, Tense,
};
use sqlx::{AssertSqlSafe, Connection};
use tempfile::TempDir;
use url::Url;

use crate::archive::annotations::CorrelatedArticle;
use crate::archive::frontier::{Claim, ClaimedEntry};
use crate::archive::sources::{PollRecord, SourceRow};
use crate::archive::{Archive, ArchiveSettings};

pub(super) const LEASE: Duration = Duration::from_secs(120);
pub(super) const TEXT: &str = "Ministers met on Friday.\nIran would punish Americans.";

/// One archive in a database of its own.
pub(super) struct World {
    pub(super) archive: Archive,
    pub(super) settings: ArchiveSettings,
    pub(super) dir: TempDir,
}

/// Runs `scenario` on SQLite, and on PostgreSQL when there is a server.
pub(super) async fn on_each_database(scenario: impl AsyncFn(&World)) {
    let world = World::on_sqlite().await;
    scenario(&world).await;
    world.archive.close().await;

    let Ok(server) = env::var("HARBINGER_TEST_DATABASE_URL") else {
        eprintln!("skipped on PostgreSQL: HARBINGER_TEST_DATABASE_URL is not set");
        return;
    };
    let (world, schema) = World::on_postgres(&server).await;
    scenario(&world).await;
    world.archive.close().await;
    let mut connection = sqlx::AnyConnection::connect(&server).await.unwrap();
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
}

impl World {
    pub(super) async fn on_sqlite() -> World {
        let dir = tempfile::tempdir().unwrap();
        let settings = ArchiveSettings::in_folder(dir.path().join("data"));
        World { archive: Archive::open(&settings).await.unwrap(), settings, dir }
    }

    async fn on_postgres(server: &str) -> (World, String) {
        sqlx::any::install_default_drivers();
        let schema = format!("test_{}", uuid::Uuid::new_v4().simple());
        let mut connection = sqlx::AnyConnection::connect(server).await.unwrap();
        let create = format!("CREATE SCHEMA {schema}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        let mut url = Url::parse(server).unwrap();
        url.query_pairs_mut().append_pair("options[search_path]", &schema);
        let dir = tempfile::tempdir().unwrap();
        let settings = ArchiveSettings {
            database_url: Some(url.into()),
            ..ArchiveSettings::in_folder(dir.path().join("data"))
        };
        let archive = Archive::open(&settings).await.unwrap();
        (World { archive, settings, dir }, schema)
    }

    /// Settings of another, empty schema of the same PostgreSQL database with a folder of its own,
    /// called `name`, and what the schema of this world is called.
    pub(super) async fn beside(&self, name: &str) -> (ArchiveSettings, String) {
        let url = Url::parse(self.settings.database_url.as_deref().unwrap()).unwrap();
        let is_path = |it: &str| it == "options[search_path]";
        let schema = url.query_pairs().find(|it| is_path(&it.0)).unwrap().1.into_owned();
        let other = format!("{schema}_{name}");
        let mut connection = sqlx::AnyConnection::connect(url.as_str()).await.unwrap();
        let create = format!("CREATE SCHEMA {other}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
        let mut with_other = url.clone();
        let kept = url.query_pairs().filter(|it| !is_path(&it.0));
        with_other.query_pairs_mut().clear().extend_pairs(kept);
        with_other.query_pairs_mut().append_pair("options[search_path]", &other);
        let settings = ArchiveSettings {
            database_url: Some(with_other.into()),
            ..ArchiveSettings::in_folder(self.dir.path().join(name))
        };
        (settings, schema)
    }

    /// Another process on the same database: its own data folder with PostgreSQL; with SQLite,
    /// where there can be none, the same archive.
    pub(super) async fn second_worker(&self) -> Archive {
        if self.settings.database_url.is_none() {
            return self.archive.clone();
        }
        let data_dir = self.dir.path().join("second");
        Archive::open(&ArchiveSettings { data_dir, ..self.settings.clone() }).await.unwrap()
    }

    /// Declares `names` as sources, due at minute 0.
    pub(super) async fn declare(&self, names: &[&str]) {
        let sources: Vec<SourceRow> = names.iter().map(|it| source(it)).collect();
        self.archive.sync_sources(&sources, at(0)).await.unwrap();
    }

    /// Polls `name` with `entries` at minute `minute`; returns the number of new ones.
    pub(super) async fn poll(&self, name: &str, entries: &[Entry], minute: i64) -> u64 {
        let poll = PollRecord {
            source: &name.into(),
            state_json: r#"{"etag":"\"1\""}"#,
            next_poll_at: Some(at(minute + 30)),
            entries,
            failure: None,
            has_untold_news: false,
        };
        self.archive.record_poll(&poll, at(minute)).await.unwrap()
    }

    pub(super) async fn claim(&self, limit: usize, minute: i64) -> Vec<ClaimedEntry> {
        let claim = Claim { limit, per_source_max: 100, lease: LEASE };
        self.archive.claim_entries(claim, at(minute)).await.unwrap()
    }

    /// Stores the articles `numbers` of source `wire`.
    pub(super) async fn store(&self, numbers: impl IntoIterator<Item = u32>) {
        let articles: Vec<Article> = numbers.into_iter().map(|n| article("wire", n)).collect();
        self.archive.record_articles(&articles).await.unwrap();
    }

    pub(super) async fn annotate(&self, batch: &[CorrelatedArticle]) -> usize {
        self.archive.record_annotations(batch, at(100)).await.unwrap()
    }
}

/// Minutes after the first instant of 2026.
pub(super) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap() + TimeDelta::minutes(minutes)
}

pub(super) fn source(name: &str) -> SourceRow {
    SourceRow {
        id: name.into(),
        name: format!("The {name}"),
        address: format!("https://{name}.example/feed"),
        country: Some("IE".to_owned()),
        language: Some("en".to_owned()),
        is_sample: name == "sample",
    }
}

pub(super) fn url(source: &str, n: u32) -> CanonicalUrl {
    CanonicalUrl::parse(&format!("https://{source}.example/{n}")).unwrap()
}

pub(super) fn id(n: u32) -> ArticleId {
    ArticleId::of(&url("wire", n))
}

pub(super) fn entry(source: &str, n: u32) -> Entry {
    Entry {
        id: ArticleId::of(&url(source, n)),
        url: url(source, n),
        source: source.into(),
        title: Some(format!("Headline {n}")),
        summary: None,
        published_at: Some(at(n.into())),
        guid: None,
        text: None,
    }
}

/// Article `n` of `source`, published at minute `n`.
pub(super) fn article(source: &str, n: u32) -> Article {
    Article {
        id: ArticleId::of(&url(source, n)),
        url: url(source, n),
        canonical_url: None,
        source: SourceId::new(source),
        title: format!("Headline {n}"),
        authors: vec!["Ann Author".to_owned()],
        text: TEXT.to_owned(),
        language: Some("en".to_owned()),
        site_name: None,
        published_at: Some(at(n.into())),
        fetched_at: at(i64::from(n) + 5),
        page_sha256: "00".repeat(32),
        details: Default::default(),
    }
}

pub(super) fn entity(id: &str) -> EntityRef {
    let name = id.rsplit(':').next().unwrap_or(id);
    EntityRef { id: id.to_owned(), name: name.to_uppercase() }
}

fn phrase(text: &str, id: &str) -> Phrase {
    let start = TEXT.find(text).unwrap();
    Phrase { start, end: start + text.len(), text: text.to_owned(), entity: Some(entity(id)) }
}

/// “Iran would punish Americans”, as the annotator might read it.
pub(super) fn threat() -> Statement {
    let start = TEXT.find("Iran").unwrap();
    Statement {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        time: StatementTime { tense: Tense::Future, from: None, to: None },
        sentence: Span { start, end: TEXT.len() },
        trigger: Phrase::default(),
        actors: vec![phrase("Iran", "country:ir")],
        targets: vec![phrase("Americans", "country:us")],
        sectors: vec![SectorId::new("/energy/oil-gas")],
        means: Vec::new(),
        speaker: None,
        score: 0.5,
    }
}

pub(super) fn mention(id: &str) -> Mention {
    Mention {
        start: 0,
        end: 9,
        text: "Ministers".to_owned(),
        kind: MentionKind::Location,
        entity: Some(entity(id)),
        score: 1.0,
    }
}

/// Article `n` of `wire` in the story that article `founder` founded, naming `entities`.
pub(super) fn correlated(n: u32, founder: u32, entities: &[&str]) -> CorrelatedArticle {
    CorrelatedArticle {
        article: id(n),
        annotation: Annotation {
            id: id(n).to_string(),
            language: Some("en".to_owned()),
            mentions: entities.iter().map(|it| mention(it)).collect(),
            ..Annotation::default()
        },
        embedding: vec![0.25, -1.5, n as f32],
        story: StoryId::founded_by(&id(founder).to_string()),
        headline: None,
        copy_of: None,
        merged: Vec::new(),
        split: None,
    }
}

/// The same with the statement [`threat`].
pub(super) fn threatening(n: u32, founder: u32) -> CorrelatedArticle {
    let mut item = correlated(n, founder, &["country:ir"]);
    item.annotation.statements = vec![threat()];
    item
}
