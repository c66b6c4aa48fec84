//! Poll stage: asks the feeds that are due and puts what is new into the frontier.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use chrono::TimeDelta;
use config::SourceId;
use index::archive::sources::{DueSource, Failure, PollRecord};
use ingest::fetch::Fetcher;
use ingest::poll::{PollResult, SourceState, poll_source};
use tokio::task::JoinSet;
use tracing::{Instrument, info, info_span, warn};

use super::{Mode, Shared, add};
use crate::hubs;

/// Polls until the pipeline stops; in [`Mode::Once`] until no source is due that was not polled.
pub(super) async fn run(shared: Arc<Shared>, fetcher: Arc<Fetcher>) -> anyhow::Result<()> {
    let outcome = poll_all(&shared, &fetcher).await;
    shared.poll_done.cancel();
    outcome
}

async fn poll_all(shared: &Arc<Shared>, fetcher: &Arc<Fetcher>) -> anyhow::Result<()> {
    let settings = &shared.config.settings.poll;
    let pause = std::time::Duration::from_millis(settings.due_check_interval_ms.into());
    let mut in_hand: BTreeSet<SourceId> = BTreeSet::new();
    let mut polled: BTreeSet<SourceId> = BTreeSet::new();
    let mut polls: JoinSet<anyhow::Result<SourceId>> = JoinSet::new();
    while !shared.shutdown.is_cancelled() {
        let n_free = settings.n_polls_max.saturating_sub(in_hand.len());
        // Sources in hand are still due in the archive, so ask for as many more.
        let n_asked = if n_free == 0 { 0 } else { n_free + in_hand.len() + polled.len() };
        shared.roster.refresh(&shared.archive).await?;
        let due = shared.archive.due_sources((shared.now)(), n_asked).await?;
        let is_fresh = |it: &DueSource| {
            !in_hand.contains(&it.id) && (shared.mode != Mode::Once || !polled.contains(&it.id))
        };
        let fresh: Vec<DueSource> = due.into_iter().filter(is_fresh).take(n_free).collect();
        let is_idle = fresh.is_empty();
        for source in fresh {
            in_hand.insert(source.id.clone());
            let (shared, fetcher) = (Arc::clone(shared), Arc::clone(fetcher));
            let span = info_span!("poll", source.id = %source.id);
            polls.spawn(async move { poll_one(&shared, &fetcher, source).await }.instrument(span));
        }
        if is_idle && in_hand.is_empty() && shared.mode == Mode::Once {
            break;
        }
        let ended = tokio::select! {
            Some(ended) = polls.join_next() => Some(ended),
            () = shared.shutdown.cancelled() => None,
            () = tokio::time::sleep(pause), if in_hand.len() < settings.n_polls_max => None,
        };
        if let Some(ended) = ended {
            let id = ended.context("a poll panicked")??;
            in_hand.remove(&id);
            if shared.mode == Mode::Once {
                polled.insert(id);
            }
        }
    }
    // A poll changes nothing until it is recorded, so what is still running is dropped.
    Ok(())
}

async fn poll_one(shared: &Shared, fetcher: &Fetcher, due: DueSource) -> anyhow::Result<SourceId> {
    let started = Instant::now();
    let now = (shared.now)();
    let Some(listed) = shared.roster.source(&due.id) else {
        // Declared by another worker that shares the database, or removed just now.
        return Ok(due.id);
    };
    let source = &listed.source;
    let state = match due.state_json.as_deref().map(serde_json::from_str::<SourceState>) {
        None => SourceState::default(),
        Some(Ok(state)) => state,
        Some(Err(error)) => {
            warn!(%error, "the kept state of source {} is unreadable; polling afresh", due.id);
            SourceState::default()
        }
    };
    let settings = &shared.config.settings.poll;
    let outcome = poll_source(fetcher, source, &state, settings, now).await;
    if outcome.result == PollResult::Postponed {
        let next_poll_at = outcome.state.next_poll_at.unwrap_or(now);
        shared.archive.postpone_poll(&due.id, next_poll_at).await?;
        return Ok(due.id);
    }
    let failure = failure(&outcome.result);
    let last_success_at = state.last_success_at;
    let mut state = outcome.state;
    let mut has_untold_news = false;
    if let (Some(hubs), None) = (&shared.hubs, &failure) {
        let known = hubs.current(&shared.archive, source, state.hub.as_ref()).await?;
        let has_news = matches!(outcome.result, PollResult::Parsed { n_new, .. } if 0 < n_new);
        has_untold_news =
            has_news && known.as_ref().is_some_and(|it| !hubs::has_told(it, last_success_at));
        let trusted = known.filter(|it| !has_untold_news && hubs::is_trusted(it));
        let longest = TimeDelta::hours(settings.interval_max_hours.into());
        state.next_poll_at = hubs::next_poll(trusted.as_ref(), state.next_poll_at, longest, now);
    }
    let record = PollRecord {
        source: &due.id,
        state_json: &serde_json::to_string(&state).context("a source's state")?,
        next_poll_at: state.next_poll_at,
        entries: &outcome.entries,
        failure: failure.as_ref(),
        has_untold_news,
    };
    let n_new = shared.archive.record_poll(&record, now).await?;
    count(shared, &due.id, failure.as_ref(), outcome.entries.len(), n_new, started);
    if let Some(hubs) = &shared.hubs
        && failure.is_none()
    {
        hubs.after_poll(&shared.archive, source, state.hub.as_ref(), now).await?;
    }
    Ok(due.id)
}

/// Counts and tells a poll that is recorded, and wakes the crawl stage for `n_new` entries.
fn count(
    shared: &Shared,
    source: &SourceId,
    failure: Option<&Failure>,
    n_entries: usize,
    n_new: u64,
    started: Instant,
) {
    let duration_ms = started.elapsed().as_millis() as u64;
    match failure {
        None => {
            add(&shared.counts.n_polls, 1);
            add(&shared.counts.n_entries_new, n_new);
            info!(
                entries.n = n_entries,
                entries.n_new = n_new,
                duration_ms,
                "polled {source}: {n_new} new of {n_entries} entries",
            );
        }
        Some(failure) => {
            add(&shared.counts.n_polls_failed, 1);
            warn!(
                failure.class = failure.class,
                duration_ms, "source {source} failed: {}", failure.message,
            );
        }
    }
    if 0 < n_new {
        shared.entries_added.notify_one();
    }
}

fn failure(result: &PollResult) -> Option<Failure> {
    match result {
        PollResult::Failed { class, message } => {
            Some(Failure { class: class.name().to_owned(), message: message.clone() })
        }
        _ => None,
    }
}
