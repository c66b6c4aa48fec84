//! An archive with alerts that wait to be sent, and the courier that sends them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use api::deliver::Courier;
use chrono::{DateTime, TimeDelta, Utc};
use config::{AlertUnit, Channel, Delivery, SavedSearch, Schedule, Settings};
use index::archive::alerts::{Match, MatchItem};
use index::archive::annotations::CorrelatedArticle;
use index::archive::searches::Expect;
use index::archive::sources::SourceRow;
use index::matching::Reason;
use index::{Archive, ArchiveSettings};
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::Annotation;
use nlp::story::StoryId;
use tempfile::TempDir;

/// Minutes that tests let pass; each test has a thread of its own process or waits its turn.
static MINUTES: AtomicI64 = AtomicI64::new(0);

fn now() -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-01-12T08:10:00Z".parse().unwrap();
    start + TimeDelta::minutes(MINUTES.load(Ordering::SeqCst))
}

pub(crate) fn delivery(channel: Channel, to: &str) -> Delivery {
    Delivery { channel, to: Some(to.to_owned()), to_secret: None, signing_secret: None }
}

pub(crate) struct Outbox {
    folder: TempDir,
    archive: Archive,
    courier: Arc<Courier>,
    one_by_one: Arc<Courier>,
    /// Time stands still for others while a test lets it pass.
    _turn: tokio::sync::MutexGuard<'static, ()>,
}

static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Outbox {
    /// `n_alerts` alerts that go to `deliver` at once.
    pub(crate) async fn with(
        n_alerts: usize,
        deliver: Vec<Delivery>,
        change: impl FnOnce(&mut Settings),
    ) -> Outbox {
        Outbox::of(AlertUnit::Article, Schedule::AtOnce, n_alerts, deliver, change).await
    }

    pub(crate) async fn of(
        unit: AlertUnit,
        schedule: Schedule,
        n_alerts: usize,
        deliver: Vec<Delivery>,
        change: impl FnOnce(&mut Settings),
    ) -> Outbox {
        let turn = TURN.lock().await;
        MINUTES.store(0, Ordering::SeqCst);
        let folder = TempDir::new().unwrap();
        let mut settings = Settings::default();
        settings.alerts.allow_private_addresses = true;
        settings.alerts.secrets_dir = Some(folder.path().to_owned());
        change(&mut settings);
        let place = ArchiveSettings::in_folder(folder.path().join("data"));
        let archive = Archive::open(&place).await.unwrap();
        let search = SavedSearch {
            name: "Iran & the grid".to_owned(),
            unit,
            schedule,
            deliver,
            ..SavedSearch::new("grid", "actor:iran")
        };
        archive.save_search(&search, Expect::New, now()).await.unwrap();
        raise(&archive, &search, n_alerts).await;
        let courier = Courier::new(archive.clone(), &settings, now).unwrap();
        settings.alerts.n_deliveries_max = 1;
        let one_by_one = Courier::new(archive.clone(), &settings, now).unwrap();
        Outbox {
            folder,
            archive,
            courier: Arc::new(courier),
            one_by_one: Arc::new(one_by_one),
            _turn: turn,
        }
    }

    pub(crate) fn write_secret(&self, name: &str, value: &str) {
        std::fs::write(self.folder.path().join(name), value).unwrap();
    }

    pub(crate) fn pass_minutes(&self, n: i64) {
        MINUTES.fetch_add(n, Ordering::SeqCst);
    }

    /// Sends everything that is due.
    pub(crate) async fn send(&self) {
        while self.courier.send_due().await.unwrap() > 0 {}
    }

    pub(crate) async fn send_one(&self) {
        assert_eq!(self.one_by_one.send_due().await.unwrap(), 1);
    }

    /// The states of all messages.
    pub(crate) async fn states(&self) -> Vec<String> {
        let mut states = Vec::new();
        for state in ["waiting", "sent", "dead"] {
            let messages = self.archive.messages(state, 100).await.unwrap();
            states.extend(messages.into_iter().map(|it| it.state));
        }
        states
    }
}

async fn raise(archive: &Archive, search: &SavedSearch, n_alerts: usize) {
    let source = SourceRow {
        id: "wire".into(),
        name: "The wire".to_owned(),
        address: "https://wire.example/feed".to_owned(),
        country: None,
        language: None,
        is_sample: false,
    };
    archive.sync_sources(&[source], now()).await.unwrap();
    let (mut batch, mut matches) = (Vec::new(), Vec::new());
    for n in 0..n_alerts {
        let article = article(n);
        archive.record_article(&article, None).await.unwrap();
        matches.push(matched(search, &article));
        batch.push(CorrelatedArticle {
            article: article.id,
            annotation: Annotation::default(),
            embedding: vec![0.0],
            story: StoryId::founded_by(&article.id.to_string()),
            headline: None,
            copy_of: None,
            merged: Vec::new(),
            split: None,
        });
    }
    let recorded = archive.record_annotations_and_alerts(&batch, &matches, now()).await.unwrap();
    assert_eq!(recorded.alerts.len(), n_alerts);
}

fn article(n: usize) -> Article {
    let url = CanonicalUrl::parse(&format!("https://wire.example/{n}")).unwrap();
    Article {
        id: ArticleId::of(&url),
        url,
        canonical_url: None,
        source: "wire".into(),
        title: format!("Headline {n}"),
        authors: Vec::new(),
        text: "Iran would punish Americans.".to_owned(),
        language: Some("en".to_owned()),
        site_name: None,
        published_at: Some(now()),
        fetched_at: now(),
        page_sha256: String::new(),
        details: Default::default(),
    }
}

fn matched(search: &SavedSearch, article: &Article) -> Match {
    let reason = Reason {
        clause: "actor:iran".to_owned(),
        alias: "Iran".to_owned(),
        sentence: "Iran would punish Americans.".to_owned(),
    };
    Match {
        search: search.clone(),
        search_created_at: now(),
        article: article.id,
        title: article.title.clone(),
        url: article.url.to_string(),
        source: article.source.clone(),
        source_name: "The wire".to_owned(),
        dated_at: now(),
        items: vec![MatchItem {
            place: String::new(),
            sentence: String::new(),
            reasons: vec![reason],
            claims: Vec::new(),
        }],
    }
}
