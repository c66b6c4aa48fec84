//! Crawl stage: fetches the pages of waiting entries and archives the articles.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use config::settings::CrawlSettings;
use index::Archive;
use index::archive::articles::Recorded;
use index::archive::frontier::{Claim, ClaimedEntry};
use index::archive::sources::Failure;
use ingest::crawl::{CrawlFailure, Crawled, crawl_entry};
use ingest::fetch::Fetcher;
use ingest::schedule::spread;
use ingest::warc_writer::WarcWriter;
use ingest::{ArticleId, FailureClass};
use tokio::task::JoinSet;
use tracing::{Instrument, debug, info_span, warn};

use super::{IDLE_MAX, Mode, Shared, add};
use crate::state::{Event, EventKind};
use crate::submitted;

/// Pages of one source that may be in hand at once. A source is mostly one host, and a host is
/// asked one thing at a time: more would only wait.
const N_PER_SOURCE_MAX: usize = 2;
/// How many times as often a page is tried whose site answers 429 as one that fails otherwise: that is
/// the site's affair, and as true of its other pages.
const N_LIMITED_TIMES: u32 = 4;
/// Longest pause after a 429, unless the site asks for more.
const LIMITED_PAUSE_MAX: Duration = Duration::from_secs(24 * 3_600);
/// Shortest time that a page in hand waits for its host's turn; longer where hosts have pauses.
const TURN_WAIT_MIN: Duration = Duration::from_secs(1);

/// Crawls until the pipeline stops; in `Once` mode until polling is done and no entry is due.
pub(super) async fn run(shared: Arc<Shared>, fetcher: Arc<Fetcher>) -> anyhow::Result<()> {
    let mut crawls: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let quick = match shared.mode {
        // A page whose host must be left alone for longer than usual gives its place up, so that slow
        // hosts keep nobody from quick ones, and is claimed again in its time.
        Mode::Service => {
            let usual = shared.config.settings.fetch.host_interval();
            Arc::new(fetcher.waiting_at_most((2 * usual).max(TURN_WAIT_MIN)))
        }
        // What is put off would not come any more.
        Mode::Once | Mode::Offline => Arc::clone(&fetcher),
    };
    let (outcome, reread) = tokio::join!(
        crawl_all(&shared, &quick, &mut crawls),
        super::reread::run(&shared, &fetcher),
    );
    let outcome = outcome.and(reread);
    let grace = Duration::from_secs(shared.config.settings.http.shutdown_grace_s.into());
    // What does not end in time keeps its lease and is given back at the next start.
    let drained = tokio::time::timeout(grace, drain(&mut crawls)).await;
    crawls.shutdown().await;
    shared.crawl_done.cancel();
    outcome.and(drained.unwrap_or(Ok(())))
}

async fn drain(crawls: &mut JoinSet<anyhow::Result<()>>) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    while let Some(ended) = crawls.join_next().await {
        outcome = outcome.and(ended.context("a crawl panicked").and_then(|it| it));
    }
    outcome
}

async fn crawl_all(
    shared: &Arc<Shared>,
    fetcher: &Arc<Fetcher>,
    crawls: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let settings = &shared.config.settings;
    let n_max = settings.fetch.n_fetches_max;
    while !shared.shutdown.is_cancelled() {
        let is_polled = shared.poll_done.is_cancelled();
        let n_free = n_max.saturating_sub(crawls.len()).min(settings.crawl.batch_size);
        let claimed = claim(shared, n_free).await?;
        let is_idle = claimed.is_empty();
        for entry in claimed {
            let (shared, fetcher) = (Arc::clone(shared), Arc::clone(fetcher));
            let span = info_span!("crawl", source.id = %entry.entry.source);
            crawls.spawn(async move { crawl_one(&shared, &fetcher, entry).await }.instrument(span));
        }
        if is_idle && crawls.is_empty() {
            let may_end = is_polled && !shared.goes_on_after(&shared.poll_done);
            if may_end && !shared.is_model_behind() {
                break;
            }
            shared.idle(&shared.entries_added, &shared.poll_done).await;
            continue;
        }
        tokio::select! {
            Some(ended) = crawls.join_next() => ended.context("a crawl panicked")??,
            () = shared.shutdown.cancelled() => {}
            () = shared.entries_added.notified(), if crawls.len() < n_max => {}
            // What was put off is due when its time comes, whatever is in hand.
            () = tokio::time::sleep(IDLE_MAX), if crawls.len() < n_max => {}
        }
    }
    Ok(())
}

/// Claims up to `n` entries, none while the model is far behind.
async fn claim(shared: &Shared, n: usize) -> anyhow::Result<Vec<ClaimedEntry>> {
    if n == 0 || shared.is_model_behind() {
        return Ok(Vec::new());
    }
    let claim = Claim { limit: n, per_source_max: N_PER_SOURCE_MAX, lease: lease(shared) };
    Ok(shared.archive.claim_entries(claim, (shared.now)()).await?)
}

fn lease(shared: &Shared) -> Duration {
    Duration::from_secs(shared.config.settings.crawl.lease_s.into())
}

/// Waits for `work` on the entry `id`, and makes its lease longer while that goes on: an article of
/// many pages takes longer than one lease.
async fn holding<T>(
    archive: &Archive,
    id: &ArticleId,
    lease: Duration,
    now: fn() -> DateTime<Utc>,
    work: impl Future<Output = T>,
) -> anyhow::Result<T> {
    let mut work = pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(lease / 2) => {
                archive.extend_lease(id, now() + lease).await?;
            }
        }
    }
}

async fn crawl_one(
    shared: &Shared,
    fetcher: &Fetcher,
    claimed: ClaimedEntry,
) -> anyhow::Result<()> {
    let ClaimedEntry { entry, attempts } = claimed;
    let Some(listed) = submitted::source(&shared.roster, &entry.source) else {
        // Declared by another worker that shares the database.
        shared.archive.release_entries(&[entry.id], (shared.now)()).await?;
        return Ok(());
    };
    let now = (shared.now)();
    let n_chars_max = shared.config.settings.crawl.text_chars_max;
    let crawling = crawl_entry(fetcher, &listed.source, &entry, n_chars_max, now);
    match holding(&shared.archive, &entry.id, lease(shared), shared.now, crawling).await? {
        Ok(crawled) => {
            keep_evidence(shared.warc.as_ref(), &shared.archive, &crawled, now).await?;
            let article = crawled.article;
            let recorded = shared.archive.record_article(&article, Some(&entry.id)).await?;
            if recorded == Recorded::Inserted {
                add(&shared.counts.n_articles, 1);
                shared.n_unannotated.fetch_add(1, Ordering::Relaxed);
                let (id, at) = (article.id.to_string(), article.fetched_at);
                // Nobody listening is no failure.
                let _ = shared.events.send(Event { kind: EventKind::Article, id, at });
                shared.articles_added.notify_one();
            }
            debug!(article.id = %article.id, "archived {}", article.url);
            Ok(())
        }
        Err(failure) if failure.is_postponed => {
            debug!("{}", failure.message);
            let due_at = (shared.now)() + failure.retry_after.unwrap_or_default();
            Ok(shared.archive.release_entries(&[entry.id], due_at).await?)
        }
        Err(failure) => {
            record_failure(shared, &entry.id, entry.url.as_str(), attempts, failure).await
        }
    }
}

/// Keeps what the server sent, if that is wanted. A full disk ends the pipeline,
/// as it would end the recording of the article.
pub(crate) async fn keep_evidence(
    warc: Option<&Arc<WarcWriter>>,
    archive: &Archive,
    crawled: &Crawled,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let (Some(warc), Some(page)) = (warc, &crawled.page) else { return Ok(()) };
    let (warc, page) = (Arc::clone(warc), page.clone());
    let more = crawled.more.clone();
    let write = move || {
        let place = warc.write(&page, now)?;
        more.iter().try_for_each(|it| warc.write(it, now).map(drop))?;
        Ok::<_, std::io::Error>(place)
    };
    let written = tokio::task::spawn_blocking(write).await;
    let place = written.context("the WARC writer panicked")?;
    let place = place.context("what a server sent cannot be kept in the WARC folder")?;
    let article = &crawled.article;
    Ok(archive.record_evidence(&article.id, &article.page_sha256, &place, now).await?)
}

async fn record_failure(
    shared: &Shared,
    id: &ArticleId,
    url: &str,
    attempts: u32,
    failure: CrawlFailure,
) -> anyhow::Result<()> {
    add(&shared.counts.n_entries_failed, 1);
    let pause = pause_after(&shared.config.settings.crawl, attempts, id, &failure);
    let retry_at = pause.map(|it| (shared.now)() + it);
    let class = failure.class.name();
    metrics::counter!("harbinger_crawl_failures_total", "class" => class).increment(1);
    let next = match retry_at {
        Some(at) => format!("trying again at {}", at.format("%H:%M:%S")),
        None => "given up".to_owned(),
    };
    warn!(failure.class = class, attempts, "no article from {url}: {}; {next}", failure.message);
    let failure = Failure { class: class.to_owned(), message: failure.message };
    Ok(shared.archive.record_entry_failure(id, &failure, retry_at).await?)
}

/// The pause before the next try of the page `id`, at most 30 days; `None` gives it up.
fn pause_after(
    settings: &CrawlSettings,
    attempts: u32,
    id: &ArticleId,
    failure: &CrawlFailure,
) -> Option<TimeDelta> {
    let is_limited = failure.class == FailureClass::Http429;
    let (n_times, longest) =
        if is_limited { (N_LIMITED_TIMES, LIMITED_PAUSE_MAX) } else { (1, Duration::MAX) };
    if !failure.class.is_retryable() || settings.attempts_max.saturating_mul(n_times) <= attempts {
        return None;
    }
    let asked = failure.retry_after.unwrap_or_default();
    let pause = back_off(settings.retry_base_s, attempts, id).min(longest).max(asked);
    Some(TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(30)).min(TimeDelta::days(30)))
}

/// The pause after `attempts` failed ones, from 1: twice as long each time, and longer by up to a
/// quarter, by the page's id, so that what failed together does not come again together.
fn back_off(base_s: u32, attempts: u32, id: &ArticleId) -> Duration {
    let pause = u64::from(base_s) << attempts.saturating_sub(1).min(16);
    Duration::from_secs(pause).mul_f64(1.0 + spread(&id.to_string(), attempts) / 4.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use config::SourceId;
    use index::ArchiveSettings;
    use ingest::{CanonicalUrl, Entry};

    use super::*;

    fn id(n: u32) -> ArticleId {
        let url = CanonicalUrl::parse(&format!("https://paper.example/{n}"));
        ArticleId::of(&url.unwrap())
    }

    #[tokio::test]
    async fn the_lease_of_an_entry_lasts_as_long_as_the_work_on_it() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
        let (source, now) = (SourceId::new(SourceId::SUBMITTED), crate::command::now);
        archive.put_unpolled_source(&source, "Single pages").await.unwrap();
        let url = CanonicalUrl::parse("https://paper.example/1").unwrap();
        archive.submit_entry(&Entry::at(url, source), now()).await.unwrap();
        let lease = Duration::from_secs(1);
        let claim = Claim { limit: 1, per_source_max: 1, lease };
        let held = archive.claim_entries(claim, now()).await.unwrap().remove(0).entry;
        let work = async {
            tokio::time::sleep(2 * lease).await;
            archive.claim_entries(claim, now()).await.unwrap()
        };
        let claimed = holding(&archive, &held.id, lease, now, work).await.unwrap();
        assert_eq!(claimed, [], "somebody else took it");
    }

    #[test]
    fn a_page_whose_site_answers_429_is_given_up_later_than_one_that_fails() {
        let settings = config::Settings::default().crawl;
        let pause = |class, attempts| {
            let message = "x".to_owned();
            let failure = CrawlFailure { class, message, retry_after: None, is_postponed: false };
            pause_after(&settings, attempts, &id(1), &failure)
        };
        assert!(pause(FailureClass::Timeout, 4).is_some());
        assert_eq!(pause(FailureClass::Timeout, 5), None);
        assert_eq!(pause(FailureClass::Http404, 1), None);
        for attempts in 1..20 {
            let pause = pause(FailureClass::Http429, attempts);
            assert!(pause.is_some_and(|it| it <= TimeDelta::days(1)), "{attempts}: {pause:?}");
        }
        assert_eq!(pause(FailureClass::Http429, 20), None, "tries are bounded");
    }

    #[test]
    fn pauses_double_and_pages_that_failed_together_come_apart() {
        for attempts in 1..=5 {
            let shortest = Duration::from_secs(60 << (attempts - 1));
            let pauses: BTreeSet<Duration> =
                (0..200).map(|n| back_off(60, attempts, &id(n))).collect();
            assert!(100 < pauses.len(), "{} different pauses", pauses.len());
            let longest = pauses.last().copied().unwrap_or_default();
            assert!(pauses.first().is_some_and(|it| shortest <= *it), "{pauses:?}");
            assert!(longest < shortest.mul_f64(1.25) && shortest.mul_f64(1.2) < longest);
        }
        assert_eq!(back_off(60, 3, &id(1)), back_off(60, 3, &id(1)), "no dice");
        assert!(back_off(u32::MAX, u32::MAX, &id(1)) < Duration::MAX);
    }
}
