//! What other workers record in the same archive, told to those who listen to this one.
//!
//! A pipeline announces what it records itself. Of the rest the archive tells: it is looked at once a
//! second while anybody listens. What is found waits for the next look, so that the pipeline of this
//! process can announce it first; what was announced is not told again.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use index::archive::{Archive, ArchiveError};
use tokio::sync::broadcast::error::SendError;
use tokio::sync::broadcast::{self, Receiver};
use tokio::time::MissedTickBehavior;
use tracing::debug;

use crate::state::{AppState, Event, EventKind};

/// Time between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Articles told of at each look.
const N_PER_LOOK: usize = 200;
/// Reads at each look: what only changed, as when all is read anew, is passed over quickly, so that
/// what is new behind it is told in time.
const N_READS_MAX: usize = 100;
/// Events that are sent without a pause, so that those who listen keep up.
const N_AT_ONCE: usize = 64;
const PAUSE: Duration = Duration::from_millis(10);
/// Events that are remembered as told.
const N_TOLD_MAX: usize = 4_096;
/// What was recorded longer ago is no news; the clocks of workers may differ by this.
const AGE_MAX: TimeDelta = TimeDelta::minutes(10);

/// Where news is announced to all who listen. Cheap to clone.
#[derive(Clone)]
pub struct Events {
    sender: broadcast::Sender<Event>,
    told: Arc<Mutex<Told>>,
}

impl Events {
    /// Nobody listens yet. Who listens may fall behind by `n_kept` events before losing some.
    pub fn new(n_kept: usize) -> Events {
        Events { sender: broadcast::Sender::new(n_kept), told: Arc::default() }
    }

    /// Tells all who listen, and answers how many these are; the error is that nobody does.
    pub fn send(&self, event: Event) -> Result<usize, SendError<Event>> {
        self.told().note(&event);
        self.sender.send(event)
    }

    /// Tells all who listen what was not announced lately, however much else was since.
    fn send_new(&self, event: Event) {
        if self.told().note(&event) {
            // Nobody listening is no failure.
            let _ = self.sender.send(event);
        }
    }

    /// Listens from now on.
    pub fn subscribe(&self) -> Receiver<Event> {
        self.sender.subscribe()
    }

    /// How many listen.
    pub fn receiver_count(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Whether all who listen have heard everything.
    pub fn is_empty(&self) -> bool {
        self.sender.is_empty()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to follow the archive, which one at a time has: whatever ends it, a failure too, another
/// one may begin.
struct Following(Arc<AtomicBool>);

impl Following {
    /// `None` where somebody else follows.
    fn begin(is_followed: &Arc<AtomicBool>) -> Option<Following> {
        let is_free = !is_followed.swap(true, Ordering::AcqRel);
        is_free.then(|| Following(Arc::clone(is_followed)))
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Follows the archive from now on, unless that is done already; it ends when nobody listens any more.
pub(crate) async fn follow(state: &AppState) -> Result<(), ArchiveError> {
    let Some(following) = Following::begin(&state.is_followed) else { return Ok(()) };
    let state = state.clone();
    // A task of its own: whoever asked may be gone before the archive has answered.
    let begun = tokio::spawn(async move {
        let seq = state.archive.last_index_change().await?;
        tokio::spawn(run(state, seq, following));
        Ok::<(), ArchiveError>(())
    });
    begun.await.unwrap_or(Ok(()))
}

async fn run(state: AppState, mut seq: i64, following: Following) {
    let mut following = Some(following);
    let mut waiting: Vec<Event> = Vec::new();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            () = state.shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if is_over(&state, &mut following) {
            return;
        }
        let since = (state.now)() - AGE_MAX;
        let found = match look(&state.archive, &mut seq, since).await {
            Ok(found) => found,
            Err(error) => {
                debug!(%error, "the archive cannot be followed for now");
                continue;
            }
        };
        tell(&state.events, std::mem::replace(&mut waiting, found)).await;
    }
}

/// Tells what was not announced, with pauses.
async fn tell(events: &Events, waiting: Vec<Event>) {
    for (n, event) in waiting.into_iter().enumerate() {
        if n % N_AT_ONCE == N_AT_ONCE - 1 {
            tokio::time::sleep(PAUSE).await;
        }
        events.send_new(event);
    }
}

/// Whether nobody listens any more, or somebody else follows.
fn is_over(state: &AppState, following: &mut Option<Following>) -> bool {
    if 0 < state.events.receiver_count() {
        return false;
    }
    *following = None;
    // Somebody may have begun in between, and seen that the archive was followed.
    if 0 < state.events.receiver_count() {
        *following = Following::begin(&state.is_followed);
    }
    following.is_none()
}

/// What was recorded after number `seq` of the archive's feed, at `since` or later; moves `seq` on.
async fn look(
    archive: &Archive,
    seq: &mut i64,
    since: DateTime<Utc>,
) -> Result<Vec<Event>, ArchiveError> {
    let (mut articles, mut alerts, mut last) = (Vec::new(), Vec::new(), *seq);
    for _ in 0..N_READS_MAX {
        let news = archive.news_after(last, since, N_PER_LOOK - articles.len()).await?;
        let is_end = news.last_seq == last;
        last = news.last_seq;
        articles.extend(news.articles);
        alerts.extend(news.alerts);
        if is_end || N_PER_LOOK <= articles.len() {
            break;
        }
    }
    *seq = last;
    let mut events = Vec::new();
    for article in articles {
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
    let alerts = alerts.into_iter();
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
    /// Whether it is new.
    fn note(&mut self, event: &Event) -> bool {
        let key = (event.kind.as_str(), event.id.clone());
        if !self.known.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if N_TOLD_MAX < self.order.len()
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use index::ArchiveSettings;
    use index::archive::annotations::CorrelatedArticle;
    use ingest::{Article, ArticleId, CanonicalUrl};
    use nlp::Annotation;
    use nlp::story::StoryId;

    use super::*;

    /// Records articles, none of which holds statements or founds a story.
    async fn record(archive: &Archive, numbers: std::ops::Range<usize>, at: DateTime<Utc>) {
        let article = |n: usize| {
            let url = CanonicalUrl::parse(&format!("https://desk.example/{n}")).unwrap();
            Article {
                id: ArticleId::of(&url),
                url,
                canonical_url: None,
                source: "desk".into(),
                title: format!("Report {n}"),
                authors: Vec::new(),
                text: String::new(),
                language: None,
                site_name: None,
                published_at: None,
                fetched_at: at,
                page_sha256: String::new(),
                details: Default::default(),
            }
        };
        let articles: Vec<Article> = numbers.map(article).collect();
        archive.record_articles(&articles).await.unwrap();
        let correlated = |it: &Article| CorrelatedArticle {
            article: it.id,
            annotation: Annotation { id: it.id.to_string(), ..Annotation::default() },
            embedding: vec![0.0; 2],
            story: StoryId::founded_by("elsewhere"),
            headline: None,
            copy_of: None,
            merged: Vec::new(),
            split: None,
        };
        let batch: Vec<CorrelatedArticle> = articles.iter().map(correlated).collect();
        archive.record_annotations(&batch, at).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_new_is_found_behind_much_that_only_changed() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
        let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        record(&archive, 0..N_PER_LOOK + 5, now - TimeDelta::hours(1)).await;
        record(&archive, 900..901, now).await;
        record(&archive, 901..902, now - TimeDelta::hours(1)).await;
        record(&archive, 902..903, now).await;
        let mut seq = 0;
        let found = look(&archive, &mut seq, now - AGE_MAX).await.unwrap();
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(seq, archive.last_index_change().await.unwrap());

        // More than is told at once waits for the next look.
        record(&archive, 1_000..1_000 + N_PER_LOOK + 5, now).await;
        for n in [N_PER_LOOK, 5, 0] {
            assert_eq!(look(&archive, &mut seq, now - AGE_MAX).await.unwrap().len(), n);
        }
    }

    fn event(n: usize) -> Event {
        let at = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        Event { kind: EventKind::Article, id: n.to_string(), at }
    }

    #[test]
    fn what_was_announced_in_a_burst_that_nobody_kept_up_with_is_not_told_again() {
        let events = Events::new(4);
        let slow = events.subscribe();
        for n in 0..N_TOLD_MAX {
            events.send(event(n)).unwrap();
        }
        let mut heard = events.subscribe();
        for n in 0..N_TOLD_MAX {
            events.send_new(event(n));
        }
        assert!(heard.try_recv().is_err(), "told twice");
        for n in [N_TOLD_MAX, N_TOLD_MAX] {
            events.send_new(event(n));
        }
        assert_eq!(heard.try_recv().unwrap().id, N_TOLD_MAX.to_string());
        assert!(heard.try_recv().is_err(), "told twice");
        drop(slow);
        assert_eq!(events.told().order.len(), N_TOLD_MAX);
        assert_eq!(events.told().known.len(), N_TOLD_MAX);
    }

    /// On one thread, where a listener hears nothing before who tells pauses.
    #[tokio::test]
    async fn whoever_listens_hears_all_that_others_recorded_at_once() {
        let events = Events::new(N_AT_ONCE);
        let mut heard = events.subscribe();
        let n_events = 10 * N_AT_ONCE;
        let listener = tokio::spawn(async move {
            for n in 0..n_events {
                assert_eq!(heard.recv().await.unwrap().id, n.to_string());
            }
        });
        tell(&events, (0..n_events).map(event).collect()).await;
        listener.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_fails_while_following_leaves_room_for_another() {
        let is_followed = Arc::default();
        let following = Following::begin(&is_followed).unwrap();
        assert!(Following::begin(&is_followed).is_none());
        async fn fail(_following: Following) {
            panic!("as a test");
        }
        assert!(tokio::spawn(fail(following)).await.is_err());
        assert!(Following::begin(&is_followed).is_some());
    }
}
