//! Sites that answered 429, and hosts whose robots.txt could not be had: that they are left alone for
//! a while outlasts a restart.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use index::archive::silences::SiteSilence;
use ingest::fetch::{Fetcher, Silence};

use super::Shared;

/// After silences were noted, others may gather so long: each time all are noted.
const PAUSE: Duration = Duration::from_secs(1);

/// Lets the fetcher leave those sites alone that were to be left alone before the restart.
pub(super) async fn restore(shared: &Shared, fetcher: &Fetcher) -> anyhow::Result<()> {
    let now = (shared.now)();
    let kept = shared.archive.silences(now).await?;
    let silence = |it: SiteSilence| {
        let left = (it.ends_at - now).to_std().ok()?;
        Some(Silence { site: it.site, left })
    };
    fetcher.keep_silences(kept.into_iter().filter_map(silence));
    Ok(())
}

/// Notes each silence when it begins, until nothing is fetched any more.
pub(super) async fn run(shared: Arc<Shared>, fetcher: Arc<Fetcher>) -> anyhow::Result<()> {
    let grace = Duration::from_secs(shared.config.settings.http.shutdown_grace_s.into());
    let stopped = async {
        shared.shutdown.cancelled().await;
        tokio::time::sleep(grace).await;
    };
    let mut stopped = pin!(stopped);
    loop {
        tokio::select! {
            () = fetcher.silenced() => {
                note(&shared, &fetcher).await?;
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shared.crawl_done.cancelled() => {}
                }
            }
            () = shared.crawl_done.cancelled() => return note(&shared, &fetcher).await,
            () = &mut stopped => return note(&shared, &fetcher).await,
        }
    }
}

async fn note(shared: &Shared, fetcher: &Fetcher) -> anyhow::Result<()> {
    let now = (shared.now)();
    let silences = fetcher.silences().into_iter();
    let silences: Vec<SiteSilence> =
        silences.map(|it| SiteSilence { site: it.site, ends_at: now + it.left }).collect();
    if silences.is_empty() {
        return Ok(());
    }
    Ok(shared.archive.record_silences(&silences, now).await?)
}
