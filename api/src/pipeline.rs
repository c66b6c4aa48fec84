//! The wiring: every stage, thread and channel of the running system, and how it ends.
//!
//! The archive is the durable queue between the stages; what is passed here is work in hand and
//! wake-ups. Reading order: [`run`], `poll`, `crawl` with `reread`, `silences`, `annotate`, `correlate` with
//! `stories` and `matching`, `indexing`, `delivery`, `retention`, `gauges`.
//!
//! | stage | runs on | hands on |
//! |---|---|---|
//! | poll | runtime, at most `poll.n_polls_max` at once | entries, through the archive |
//! | crawl | runtime, at most `fetch.n_fetches_max` at once | articles, through the archive |
//! | annotate | thread `annotate`, owns the model | batches, channel of [`N_BATCHES_AHEAD`] |
//! | correlate | runtime, owns the stories' state | annotated articles, through the archive |
//! | index | thread `index`, owns the index writer | commits; then readers reload |
//! | deliver | runtime, at most `alerts.n_deliveries_max` at once | messages with alerts to people |
//! | retain | runtime, once a day | deletions, through the archive |

mod aliases;
mod annotate;
mod correlate;
mod crawl;
mod delivery;
mod gauges;
mod indexing;
pub mod matching;
mod poll;
mod reread;
pub(crate) mod retention;
mod silences;
mod stories;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use annotate::document;
use anyhow::Context;
use chrono::{DateTime, Utc};
use config::Config;
pub(crate) use crawl::keep_evidence;
pub(crate) use gauges::IDLE_MAX as GAUGE_IDLE_MAX;
use index::archive::Archive;
use index::writer::IndexWriterStage;
use ingest::fetch::Fetcher;
use ingest::warc_writer::{WARC_FOLDER, WarcWriter};
use nlp::Annotator;
use serde::Serialize;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::deliver::Courier;
use crate::hubs::Hubs;
use crate::roster::Roster;
use crate::state::{Events, Readiness};

/// Annotated batches that wait for correlation; each holds at most `nlp.n_articles_per_batch`.
const N_BATCHES_AHEAD: usize = 2;
/// Articles that may wait for the model before crawling pauses.
const N_UNANNOTATED_MAX: i64 = 2_000;
/// Longest sleep of a stage that nobody woke.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// When the pipeline ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Never: runs until it is told to stop.
    Service,
    /// When every source that is due was polled once and everything that came of it is indexed.
    Once,
    /// When everything archived is annotated and indexed; nothing is polled or fetched.
    Offline,
}

/// Makes the annotator; called in the thread that will own it, since loading takes a moment.
pub type MakeAnnotator = Box<dyn FnOnce() -> anyhow::Result<Annotator> + Send>;

/// What the stages work with.
pub struct Parts {
    /// What the user declares.
    pub config: Arc<Config>,
    /// The sources of now.
    pub roster: Arc<Roster>,
    /// The archive, open for writing.
    pub archive: Archive,
    /// Fetches feeds and pages.
    pub fetcher: Arc<Fetcher>,
    /// The only index writer.
    pub writer: IndexWriterStage,
    /// Sends alerts.
    pub courier: Arc<Courier>,
    /// Loads the model.
    pub make_annotator: MakeAnnotator,
    /// Where news is announced.
    pub events: Events,
    /// What `/readyz` says.
    pub readiness: Arc<Readiness>,
    /// The clock.
    pub now: fn() -> DateTime<Utc>,
}

/// How much went through since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Polls that went well.
    pub n_polls: u64,
    /// Polls that failed.
    pub n_polls_failed: u64,
    /// Entries not known before.
    pub n_entries_new: u64,
    /// Articles archived.
    pub n_articles: u64,
    /// Edited articles of which a new version was archived.
    pub n_edited: u64,
    /// Entries that failed to become an article.
    pub n_entries_failed: u64,
    /// Articles annotated and correlated.
    pub n_annotated: u64,
    /// Statements found in them.
    pub n_statements: u64,
    /// Articles indexed.
    pub n_indexed: u64,
}

/// What all stages share.
struct Shared {
    config: Arc<Config>,
    roster: Arc<Roster>,
    archive: Archive,
    events: Events,
    now: fn() -> DateTime<Utc>,
    mode: Mode,
    /// Stop soon: finish what is in hand, start nothing new.
    shutdown: CancellationToken,
    poll_done: CancellationToken,
    crawl_done: CancellationToken,
    correlate_done: CancellationToken,
    entries_added: Notify,
    articles_added: Notify,
    annotations_added: Notify,
    alerts_added: Notify,
    /// Keeps what servers send; `None` when nobody wants it.
    warc: Option<Arc<WarcWriter>>,
    /// Articles that wait for the model, as far as this process knows.
    n_unannotated: AtomicI64,
    /// Highest sequence number that is searchable.
    committed_seq: AtomicI64,
    counts: Counts,
    /// Asks the hubs of feeds to tell of news; `None` where they could not reach this server.
    hubs: Option<Arc<Hubs>>,
}

macro_rules! counts {
    ($($name:ident),*) => {
        /// The growing [`Summary`].
        #[derive(Default)]
        struct Counts { $($name: AtomicU64),* }

        impl Counts {
            fn summary(&self) -> Summary {
                Summary { $($name: self.$name.load(Ordering::Relaxed)),* }
            }
        }
    };
}
counts!(
    n_polls,
    n_polls_failed,
    n_entries_new,
    n_articles,
    n_edited,
    n_entries_failed,
    n_annotated,
    n_statements,
    n_indexed
);

fn add(count: &AtomicU64, n: u64) {
    count.fetch_add(n, Ordering::Relaxed);
}

impl Shared {
    /// Whether so many articles wait for the model that no more should come.
    fn is_model_behind(&self) -> bool {
        N_UNANNOTATED_MAX <= self.n_unannotated.load(Ordering::Relaxed)
    }

    /// Whether a stage may go on when its queue is empty.
    fn goes_on_after(&self, upstream_done: &CancellationToken) -> bool {
        self.mode == Mode::Service || !upstream_done.is_cancelled()
    }

    /// Sleeps until woken, the pipeline stops, the stage before ends, or [`IDLE_MAX`].
    async fn idle(&self, wake_up: &Notify, upstream_done: &CancellationToken) {
        self.idle_for(wake_up, upstream_done, IDLE_MAX).await;
    }

    /// As [`Shared::idle`], at most `longest`.
    async fn idle_for(
        &self,
        wake_up: &Notify,
        upstream_done: &CancellationToken,
        longest: Duration,
    ) {
        tokio::select! {
            () = wake_up.notified() => {}
            () = self.shutdown.cancelled() => {}
            () = upstream_done.cancelled(), if !upstream_done.is_cancelled() => {}
            () = tokio::time::sleep(longest) => {}
        }
    }
}

/// Runs all stages until `shutdown` is cancelled or, in [`Mode::Once`], everything is done.
///
/// `progress` is called about ten times a second with what went through so far.
///
/// # Errors
/// Only what makes going on senseless: the archive or the index cannot be written, the model
/// cannot be loaded. Everything committed until then is kept.
pub async fn run(
    parts: Parts,
    mode: Mode,
    shutdown: CancellationToken,
    mut progress: impl FnMut(Summary) + Send,
) -> anyhow::Result<Summary> {
    let Parts {
        config,
        roster,
        archive,
        fetcher,
        writer,
        courier,
        make_annotator,
        events,
        readiness,
        now,
    } = parts;
    let n_unannotated = archive.counts().await?.n_unannotated;
    let warc = warc_writer(&config);
    let hubs = if mode == Mode::Service { Hubs::of(&config.settings)?.map(Arc::new) } else { None };
    let shared = Arc::new(Shared {
        config,
        roster,
        archive,
        events,
        now,
        mode,
        shutdown: shutdown.clone(),
        poll_done: CancellationToken::new(),
        crawl_done: CancellationToken::new(),
        correlate_done: CancellationToken::new(),
        entries_added: Notify::new(),
        articles_added: Notify::new(),
        annotations_added: Notify::new(),
        alerts_added: Notify::new(),
        n_unannotated: AtomicI64::new(n_unannotated as i64),
        committed_seq: AtomicI64::new(writer.committed_seq()),
        counts: Counts::default(),
        hubs,
        warc,
    });
    if mode != Mode::Offline {
        silences::restore(&shared, &fetcher).await?;
    }
    let (batches, annotated) = mpsc::channel(N_BATCHES_AHEAD);
    let annotate = on_thread("annotate", {
        let shared = Arc::clone(&shared);
        move |runtime| annotate::run(&shared, make_annotator, &batches, runtime)
    })?;
    let index = on_thread("index", {
        let shared = Arc::clone(&shared);
        move |runtime| indexing::run(&shared, writer, &readiness, runtime)
    })?;
    let gauges = tokio::spawn(gauges::run(Arc::clone(&shared)));
    let mut stages = tokio::task::JoinSet::new();
    if mode == Mode::Offline {
        shared.poll_done.cancel();
        shared.crawl_done.cancel();
    } else {
        stages.spawn(silences::run(Arc::clone(&shared), Arc::clone(&fetcher)));
        stages.spawn(poll::run(Arc::clone(&shared), Arc::clone(&fetcher)));
        stages.spawn(crawl::run(Arc::clone(&shared), fetcher));
    }
    if mode != Mode::Offline {
        stages.spawn(delivery::run(Arc::clone(&shared), courier));
    }
    if mode == Mode::Service {
        stages.spawn(retention::run(Arc::clone(&shared)));
    }
    stages.spawn(correlate::run(Arc::clone(&shared), annotated));
    stages.spawn(annotate);
    stages.spawn(index);

    let mut outcome = Ok(());
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        let ended = tokio::select! {
            ended = stages.join_next() => ended,
            _ = ticks.tick() => {
                progress(shared.counts.summary());
                continue;
            }
        };
        let Some(ended) = ended else { break };
        let ended = ended.context("a stage panicked").and_then(|it| it);
        if let Err(error) = ended {
            tracing::error!("stopping: {error:#}");
            // The first error tells the cause; the others follow from it.
            outcome = outcome.and(Err(error));
            shutdown.cancel();
        }
    }
    gauges.abort();
    progress(shared.counts.summary());
    outcome.map(|()| shared.counts.summary())
}

/// Keeps what servers send, if that is wanted.
pub(crate) fn warc_writer(config: &Config) -> Option<Arc<WarcWriter>> {
    let settings = &config.settings;
    settings.crawl.keep_warc.then(|| {
        let folder = settings.data_dir.join(WARC_FOLDER);
        let user_agent = settings.fetch.user_agent_header();
        Arc::new(WarcWriter::new(folder, &user_agent, settings.crawl.warc_file_max_bytes as u64))
    })
}

/// Starts `work` on an OS thread of its own; the future ends with it.
fn on_thread(
    name: &'static str,
    work: impl FnOnce(tokio::runtime::Handle) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<impl Future<Output = anyhow::Result<()>>> {
    let runtime = tokio::runtime::Handle::current();
    let (done, ended) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || drop(done.send(work(runtime))))
        .with_context(|| format!("cannot start the thread `{name}`"))?;
    Ok(async move { ended.await.with_context(|| format!("the thread `{name}` panicked"))? })
}
