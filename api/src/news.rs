//! What other workers record in the same archive, told to those who listen to this one.
//!
//! A pipeline announces what it records itself. Of the rest the archive tells: it is looked at once a
//! second while anybody listens. What is found waits for the next look, so that the pipeline of this
//! process can announce it first; what was announced is not told again.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use index::archive::ArchiveError;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::MissedTickBehavior;
use tracing::debug;

use crate::state::{AppState, Event, EventKind};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Articles told of at each look.
const N_PER_LOOK: usize = 200;
/// Events that are remembered as told.
const N_TOLD_MAX: usize = 4_096;
/// What was recorded longer ago is no news; the clocks of workers may differ by this.
const AGE_MAX: TimeDelta = TimeDelta::minutes(10);

/// Follows the archive from now on, unless that is done already; it ends when nobody listens any more.
pub(crate) async fn follow(state: &AppState) -> Result<(), ArchiveError> {
    if state.is_followed.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    match state.archive.last_index_change().await {
        Ok(seq) => {
            let announced = state.events.subscribe();
            tokio::spawn(run(state.clone(), announced, seq));
            Ok(())
        }
        Err(error) => {
            state.is_followed.store(false, Ordering::Release);
            Err(error)
        }
    }
}

async fn run(state: AppState, mut announced: Receiver<Event>, mut seq: i64) {
    let mut told = Told::default();
    let mut waiting: Vec<Event> = Vec::new();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            event = announced.recv() => {
                match event {
                    Ok(event) => told.note(&event),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
                continue;
            }
            _ = ticks.tick() => {}
        }
        if is_over(&state) {
            return;
        }
        let found = match look(&state, &mut seq).await {
            Ok(found) => found,
            Err(error) => {
                debug!(%error, "the archive cannot be followed for now");
                continue;
            }
        };
        loop {
            match announced.try_recv() {
                Ok(event) => told.note(&event),
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        for event in std::mem::replace(&mut waiting, found) {
            if !told.knows(&event) {
                told.note(&event);
                // Nobody listening is no failure.
                let _ = state.events.send(event);
            }
        }
    }
}

/// Whether nobody but the one who follows listens any more.
fn is_over(state: &AppState) -> bool {
    if 1 < state.events.receiver_count() {
        return false;
    }
    state.is_followed.store(false, Ordering::Release);
    // Somebody may have begun in between, and seen that the archive was followed.
    state.events.receiver_count() <= 1 || state.is_followed.swap(true, Ordering::AcqRel)
}

/// What was recorded after number `seq` of the archive's feed; moves `seq` on.
async fn look(state: &AppState, seq: &mut i64) -> Result<Vec<Event>, ArchiveError> {
    let since = (state.now)() - AGE_MAX;
    let news = state.archive.news_after(*seq, since, N_PER_LOOK).await?;
    *seq = news.last_seq;
    let mut events = Vec::new();
    for article in news.articles {
        let at = article.matched_at;
        let mut add = |kind, id: &str| events.push(Event { kind, id: id.to_owned(), at });
        add(EventKind::Article, &article.id);
        if article.story.as_ref() == Some(&article.id) {
            add(EventKind::Story, &article.id);
        }
        if article.has_statements {
            add(EventKind::Statement, &article.id);
        }
    }
    let alerts = news.alerts.into_iter();
    events.extend(alerts.map(|(id, at)| Event { kind: EventKind::Alert, id, at }));
    Ok(events)
}

/// The latest events that were told.
#[derive(Default)]
struct Told {
    known: HashSet<(&'static str, String)>,
    /// Oldest first.
    order: VecDeque<(&'static str, String)>,
}

impl Told {
    fn note(&mut self, event: &Event) {
        let key = (event.kind.as_str(), event.id.clone());
        if !self.known.insert(key.clone()) {
            return;
        }
        self.order.push_back(key);
        if N_TOLD_MAX < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }

    fn knows(&self, event: &Event) -> bool {
        self.known.contains(&(event.kind.as_str(), event.id.clone()))
    }
}
