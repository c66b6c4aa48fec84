//! What other workers record in the same archive, told to those who listen to this one.
//!
//! A pipeline announces what it records itself. Of the rest the archive tells: it is looked at once a
//! second while anybody listens. What is found waits for the next look, so that the pipeline of this
//! process can announce it first; what was announced is not told again.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use index::archive::{Archive, ArchiveError};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
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

/// Follows the archive from now on, unless that is done already; it ends when nobody listens any more.
pub(crate) async fn follow(state: &AppState) -> Result<(), ArchiveError> {
    if state.is_followed.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let state = state.clone();
    // A task of its own: whoever asked may be gone before the archive has answered.
    let begun = tokio::spawn(async move {
        match state.archive.last_index_change().await {
            Ok(seq) => {
                let announced = state.events.subscribe();
                tokio::spawn(run(state, announced, seq));
                Ok(())
            }
            Err(error) => {
                state.is_followed.store(false, Ordering::Release);
                Err(error)
            }
        }
    });
    begun.await.unwrap_or(Ok(()))
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
        let since = (state.now)() - AGE_MAX;
        let found = match look(&state.archive, &mut seq, since).await {
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
        for (n, event) in std::mem::replace(&mut waiting, found).into_iter().enumerate() {
            if n % N_AT_ONCE == N_AT_ONCE - 1 {
                tokio::time::sleep(PAUSE).await;
            }
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
}
