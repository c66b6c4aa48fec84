//! What every request can reach: [`AppState`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use config::Config;
use index::{Archive, SearchIndex};
use ingest::fetch::Fetcher;
use metrics_exporter_prometheus::PrometheusHandle;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::access::limits::Limits;
use crate::export::Facts;
use crate::pages::view::SectorNames;
use crate::places::Places;
use crate::roster::Roster;

pub use crate::news::Events;

/// Searches that may run at once; more are told to come back.
const N_SEARCHES_MAX: usize = 16;
/// Exports that may run at once; more are told to come back.
const N_EXPORTS_MAX: usize = 3;
/// Sources that may be tried out at once; more are told to come back.
const N_TRIALS_MAX: usize = 4;
/// Answers that tell how far they are, at once; more are told to come back.
const N_WATCHED_MAX: usize = 4;
/// Events that a slow reader may fall behind before it loses some.
const N_EVENTS_KEPT: usize = 256;

/// Shared by all handlers; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// Everything that was archived.
    pub archive: Archive,
    /// Searches what was archived.
    pub search: SearchIndex,
    /// What the user declared.
    pub config: Arc<Config>,
    /// The sources of now.
    pub roster: Arc<Roster>,
    /// Asks servers when somebody tests or adds a source; `None` where nothing may be asked.
    pub fetcher: Option<Arc<Fetcher>>,
    /// Renders `/metrics`.
    pub metrics: PrometheusHandle,
    /// Where the pipeline announces what is new; bounded, slow readers lose the oldest.
    pub events: Events,
    /// What `/readyz` says.
    pub readiness: Arc<Readiness>,
    /// Dates of the sample wire, whose pages are shown below `/sample`; `None` when it is off.
    pub sample_anchor: Option<DateTime<Utc>>,
    /// The clock.
    pub now: fn() -> DateTime<Utc>,
    /// Cancelled at shutdown; ends the event streams.
    pub shutdown: CancellationToken,
    pub(crate) limits: Arc<Limits>,
    pub(crate) sectors: Arc<SectorNames>,
    pub(crate) search_permits: Arc<Semaphore>,
    pub(crate) export_permits: Arc<Semaphore>,
    pub(crate) trial_permits: Arc<Semaphore>,
    pub(crate) watched_permits: Arc<Semaphore>,
    pub(crate) facts: Arc<Facts>,
    pub(crate) places: Arc<Places>,
    pub(crate) stream_permits: Arc<Semaphore>,
    /// Whether somebody looks after what other workers record.
    pub(crate) is_followed: Arc<AtomicBool>,
}

impl AppState {
    /// A state that is not ready yet and whose events nobody hears yet.
    pub fn new(
        archive: Archive,
        search: SearchIndex,
        config: Arc<Config>,
        metrics: PrometheusHandle,
        now: fn() -> DateTime<Utc>,
    ) -> AppState {
        AppState {
            places: Arc::new(Places::of(&config.gazetteer, archive.countries())),
            archive,
            search,
            roster: Arc::new(Roster::new(&config, now().date_naive())),
            fetcher: None,
            metrics,
            events: Events::new(N_EVENTS_KEPT),
            readiness: Arc::default(),
            sample_anchor: None,
            now,
            shutdown: CancellationToken::new(),
            limits: Arc::new(Limits::new(config.settings.http.n_requests_per_minute_max)),
            sectors: Arc::new(SectorNames::of(&config.taxonomy)),
            stream_permits: Arc::new(Semaphore::new(config.settings.http.n_event_streams_max)),
            search_permits: Arc::new(Semaphore::new(N_SEARCHES_MAX)),
            export_permits: Arc::new(Semaphore::new(N_EXPORTS_MAX)),
            trial_permits: Arc::new(Semaphore::new(N_TRIALS_MAX)),
            watched_permits: Arc::new(Semaphore::new(N_WATCHED_MAX)),
            facts: Arc::new(Facts::of(&config)),
            is_followed: Arc::default(),
            config,
        }
    }
}

/// Which parts are up; set by the pipeline.
#[derive(Debug, Default)]
pub struct Readiness {
    index: AtomicBool,
}

impl Readiness {
    /// Says whether the search index is open and holds what was archived before the start.
    pub fn set_index(&self, is_ready: bool) {
        self.index.store(is_ready, Ordering::Release);
    }

    /// Whether the search index can be asked.
    pub fn index(&self) -> bool {
        self.index.load(Ordering::Acquire)
    }
}

/// Something new, as `/v1/events` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Event {
    /// What is new.
    pub kind: EventKind,
    /// Id of the article, of the story for [`EventKind::Story`], or of the alert.
    pub id: String,
    /// When it was archived.
    pub at: DateTime<Utc>,
}

/// What can be new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// An article was annotated and is in the archive.
    Article,
    /// An article founded a story.
    Story,
    /// An article holds hostile statements; the event's id is the article's.
    Statement,
    /// A saved search fired; the event's id is the alert's.
    Alert,
}

impl EventKind {
    /// The kind's name in the stream.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Article => "article",
            EventKind::Story => "story",
            EventKind::Statement => "statement",
            EventKind::Alert => "alert",
        }
    }
}
