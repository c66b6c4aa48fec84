//! Gauges: how long the queues are and how much there is, for `/metrics`.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ingest::health::{Standing, standing};
use ingest::poll::SourceState;
use tracing::warn;

use super::Shared;
use crate::submitted::is_submitted;

const INTERVAL: Duration = Duration::from_secs(5);
/// The sources are looked at each so many times only: their states are long.
const N_TICKS_OF_SOURCES: u32 = 6;
/// A gauge that nobody has set for so long is no longer told: a source that was removed, say. Every
/// gauge is set far more often.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(120);

/// Sets the gauges until aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for n in 0_u32.. {
        ticks.tick().await;
        if n % N_TICKS_OF_SOURCES == 0 {
            sources(&shared).await;
        }
        let counts = match shared.archive.counts().await {
            Ok(counts) => counts,
            Err(error) => {
                warn!(%error, "the archive could not be counted for the metrics");
                continue;
            }
        };
        metrics::gauge!("harbinger_saved_searches").set(counts.n_searches as f64);
        let queue = |name: &'static str, n: u64| {
            metrics::gauge!("harbinger_queue_depth", "stage" => name).set(n as f64);
        };
        queue("crawl", counts.n_entries_pending + counts.n_entries_failed);
        queue("annotate", counts.n_unannotated);
        let n_indexed = shared.committed_seq.load(Ordering::Relaxed);
        queue("index", u64::try_from(counts.index_seq - n_indexed).unwrap_or(0));
        let total = |name: &'static str, n: u64| {
            metrics::gauge!("harbinger_archive_items", "kind" => name).set(n as f64);
        };
        total("article", counts.n_articles);
        total("story", counts.n_stories);
        total("statement", counts.n_statements);
        total("entity", counts.n_entities);
        total("dead_entry", counts.n_entries_dead);
        for failure in counts.failures {
            let labels = [("stage", failure.stage), ("class", failure.class)];
            metrics::gauge!("harbinger_archive_failures", &labels).set(failure.n as f64);
        }
    }
}

/// How many sources stand how, and when each answered well for the last time.
async fn sources(shared: &Shared) {
    let states = match shared.archive.poll_states().await {
        Ok(states) => states,
        Err(error) => {
            warn!(%error, "the sources could not be read for the metrics");
            return;
        }
    };
    let now = (shared.now)();
    let mut n_standing =
        std::collections::BTreeMap::from(Standing::ALL.map(|it| (it.name(), 0_u32)));
    for (id, state) in states.into_iter().filter(|(id, _)| !is_submitted(id)) {
        let state: Option<SourceState> = state.and_then(|it| serde_json::from_str(&it).ok());
        let state = state.unwrap_or_default();
        *n_standing.entry(standing(&state, now).name()).or_default() += 1;
        if let Some(at) = state.last_success_at {
            let name = "harbinger_source_last_success_timestamp_seconds";
            metrics::gauge!(name, "source" => id.to_string()).set(at.timestamp() as f64);
        }
    }
    for (name, n) in n_standing {
        metrics::gauge!("harbinger_sources", "standing" => name).set(f64::from(n));
    }
}
