//! Gauges: how long the queues are and how much there is, for `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::Shared;

const INTERVAL: Duration = Duration::from_secs(5);

/// Sets the gauges until aborted.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let counts = match shared.archive.counts().await {
            Ok(counts) => counts,
            Err(error) => {
                warn!(%error, "the archive could not be counted for the metrics");
                continue;
            }
        };
        let queue = |name: &'static str, n: u64| {
            metrics::gauge!("harbinger_queue_depth", "stage" => name).set(n as f64);
        };
        queue("crawl", counts.n_entries_pending + counts.n_entries_failed);
        queue("annotate", counts.n_unannotated);
        let n_indexed = shared.committed_seq.load(std::sync::atomic::Ordering::Relaxed);
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
