//! A system about to run: archive, index, fetcher and sample wire opened and put together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use config::{Config, SourceId};
use index::Countries;
use index::archive::{Archive, ArchiveSettings};
use index::search::SearchIndex;
use index::writer::{IndexWriterStage, WriterSettings};
use ingest::fetch::{FetchSettings, Fetcher};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::command::now;
use crate::deliver::Courier;
use crate::pipeline::{self, MakeAnnotator, Mode, Parts, Summary};
use crate::roster::Roster;
use crate::sample;
use crate::state::{Events, Readiness};
use crate::submitted;

/// Events that a slow reader may fall behind before it loses some.
const N_EVENTS_KEPT: usize = 256;
/// Database connections.
const N_CONNECTIONS: u32 = 6;
/// The archive's fact that keeps the dates of the sample wire in place.
const SAMPLE_ANCHOR: &str = "sample.anchor";

/// Why Harbinger cannot start as configured; nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("{0:#}")]
pub struct StartError(anyhow::Error);

/// Everything opened, nothing running but the sample wire.
pub struct System {
    /// What the user declares.
    pub config: Arc<Config>,
    /// The sources of now, those added since included.
    pub roster: Arc<Roster>,
    /// The archive, open for writing; the data folder is locked.
    pub archive: Archive,
    /// Searches.
    pub search: SearchIndex,
    /// Where news is announced.
    pub events: Events,
    /// What `/readyz` says.
    pub readiness: Arc<Readiness>,
    /// Dates of the sample wire, when it is served.
    pub sample_anchor: Option<DateTime<Utc>>,
    /// Cancel it to stop.
    pub shutdown: CancellationToken,
    /// Asks servers.
    pub fetcher: Arc<Fetcher>,
    writer: IndexWriterStage,
    courier: Courier,
}

impl System {
    /// Opens everything that `config` names and starts the sample wire.
    ///
    /// # Errors
    /// What keeps Harbinger from starting, by name: the data folder in use, a corrupt database…
    pub async fn open(config: Config) -> Result<System, StartError> {
        System::try_open(config).await.map_err(StartError)
    }

    async fn try_open(config: Config) -> anyhow::Result<System> {
        let countries = Arc::new(Countries::of(&config.gazetteer));
        let archive = Archive::open(&archive_settings(&config)).await?.with_countries(countries);
        let shutdown = CancellationToken::new();
        let roster = Arc::new(Roster::new(&config, now().date_naive()));
        let (mut sample_anchor, mut sample_at) = (None, None);
        if roster.has_sample() {
            let anchor = anchor_of_sample(&archive).await?;
            sample_anchor = Some(anchor);
            sample_at = Some(serve_sample(anchor, shutdown.clone()).await?);
        }
        roster.refresh(&archive).await?;
        archive.sync_sources(&roster.rows(), now()).await?;
        archive.put_unpolled_source(&SourceId::new(SourceId::SUBMITTED), submitted::NAME).await?;
        archive.sync_searches(&config.searches, now()).await?;
        let courier = Courier::new(archive.clone(), &config.settings, now)?;
        let fetcher = Arc::new(fetcher(&config, sample_at)?);
        let writer = open_index(&config)?;
        let (config, search) = (Arc::new(config), writer.search_index());
        info!(
            sources.n = roster.rows().len(),
            "opened {} and the index in {}",
            archive.database(),
            config.settings.data_dir.display(),
        );
        Ok(System {
            config,
            roster,
            archive,
            search,
            events: Events::new(N_EVENTS_KEPT),
            readiness: Arc::default(),
            sample_anchor,
            shutdown,
            fetcher,
            writer,
            courier,
        })
    }

    /// Fetches feeds and pages.
    pub(crate) fn fetcher(&self) -> &Fetcher {
        &self.fetcher
    }

    /// Empties the search index, so that the next run fills it from the archive.
    pub fn clear_index(&mut self) -> anyhow::Result<()> {
        Ok(self.writer.clear()?)
    }

    /// Runs the pipeline; see [`pipeline::run`].
    pub async fn run(
        self,
        mode: Mode,
        progress: impl FnMut(Summary) + Send,
    ) -> anyhow::Result<Summary> {
        let config = Arc::clone(&self.config);
        let make_annotator: MakeAnnotator =
            Box::new(move || crate::command::load_annotator(&config));
        let parts = Parts {
            config: self.config,
            roster: self.roster,
            archive: self.archive.clone(),
            fetcher: self.fetcher,
            writer: self.writer,
            courier: Arc::new(self.courier),
            make_annotator,
            events: self.events,
            readiness: self.readiness,
            now,
        };
        let outcome = pipeline::run(parts, mode, self.shutdown.clone(), progress).await;
        self.shutdown.cancel();
        self.archive.close().await;
        outcome
    }
}

/// The archive that `config` names.
pub fn archive_settings(config: &Config) -> ArchiveSettings {
    let settings = &config.settings;
    ArchiveSettings {
        data_dir: settings.data_dir.clone(),
        database_url: settings.database_url.as_ref().map(|it| it.expose().to_owned()),
        n_connections_max: N_CONNECTIONS,
    }
}

/// The index folder below `data_dir`.
pub fn index_folder(data_dir: &Path) -> std::path::PathBuf {
    data_dir.join(index::INDEX_FOLDER)
}

/// Display names of the sectors, by facet path.
pub fn sector_labels(config: &Config) -> BTreeMap<String, String> {
    let sectors = config.taxonomy.sectors().iter();
    sectors.map(|it| (it.id.to_string(), it.label.clone())).collect()
}

fn open_index(config: &Config) -> anyhow::Result<IndexWriterStage> {
    let settings = WriterSettings {
        memory_bytes: config.settings.index.memory_budget_bytes,
        labels: sector_labels(config),
        ..WriterSettings::default()
    };
    Ok(IndexWriterStage::open(&index_folder(&config.settings.data_dir), settings)?)
}

pub(crate) fn fetcher(config: &Config, sample_at: Option<SocketAddr>) -> anyhow::Result<Fetcher> {
    let mut settings = FetchSettings::from(&config.settings.fetch);
    settings.host_overrides.extend(sample_at.map(|at| (sample::HOST.to_owned(), at)));
    settings.clock = Some(now);
    if let Some(file) = &config.settings.fetch.ca_file {
        settings.certificates = certificates(file)
            .with_context(|| format!("no certificates can be read from {}", file.display()))?;
    }
    Fetcher::new(settings).context("the HTTP client cannot be set up")
}

fn certificates(file: &Path) -> anyhow::Result<Vec<reqwest::Certificate>> {
    Ok(reqwest::Certificate::from_pem_bundle(&std::fs::read(file)?)?)
}

/// The dates of the sample wire: those of the first start, so that a later start finds the same
/// articles and not new ones.
async fn anchor_of_sample(archive: &Archive) -> anyhow::Result<DateTime<Utc>> {
    let kept = archive.meta_get(SAMPLE_ANCHOR).await?;
    if let Some(anchor) = kept.and_then(|it| it.parse::<DateTime<Utc>>().ok()) {
        return Ok(anchor);
    }
    let anchor = now();
    archive.meta_set(SAMPLE_ANCHOR, &anchor.to_rfc3339()).await?;
    Ok(anchor)
}

async fn serve_sample(
    anchor: DateTime<Utc>,
    shutdown: CancellationToken,
) -> anyhow::Result<SocketAddr> {
    let (address, _task) =
        sample::serve(anchor, shutdown).await.context("the sample wire cannot be served")?;
    info!("serving the sample wire on {address}; sample.enabled = false switches it off");
    Ok(address)
}
