//! What is told as it happens, also of what another worker over the same archive records.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use api::state::{Event, EventKind};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use chrono::{DateTime, Utc};
use index::archive::annotations::CorrelatedArticle;
use nlp::{Domain, Modality, StatementKind, Tense};
use tokio::sync::broadcast::Receiver;
use tower::ServiceExt;

use crate::newsroom::{Draft, Newsroom, Said, now};

/// A threat that founds a story.
fn threat(n: i64) -> Draft {
    let text = format!("The Northern Front would sink tanker {n}.");
    Draft::new("meridian", &format!("news-{n}"), 0, &format!("News {n}"), &text).says(&Said {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        tense: Tense::Future,
        sentence: &text,
        trigger: "would sink",
        actors: &[("The Northern Front", None)],
        targets: &[("tanker", None)],
        sectors: &[],
        means: &[],
        speaker: None,
    })
}

/// Records an article as a worker of its own does, which tells nobody of this process.
async fn record(newsroom: &Newsroom, draft: &Draft) {
    let archive = &newsroom.state.archive;
    archive.record_article(&draft.article, None).await.expect("an article");
    let batch: [CorrelatedArticle; 1] = [draft.correlated()];
    archive.record_annotations(&batch, now()).await.expect("an annotation");
}

/// A stream of events; the archive is followed when it begins.
async fn stream(router: &Router) -> Body {
    let request = Request::get("/v1/events").body(Body::empty()).expect("a request");
    let response = router.clone().oneshot(request).await.expect("routers do not fail");
    assert_eq!(response.status(), 200);
    response.into_body()
}

/// What is heard until the statement of article `last` is told.
async fn heard_until(heard: &mut Receiver<Event>, last: &str) -> Vec<Event> {
    let mut all = Vec::new();
    let listen = async {
        loop {
            let event = heard.recv().await.expect("events go on");
            let is_last = event.kind == EventKind::Statement && event.id == last;
            all.push(event);
            if is_last {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), listen).await.expect("the last one is told");
    all
}

fn id(draft: &Draft) -> String {
    draft.article.id.to_string()
}

const KINDS: [EventKind; 3] = [EventKind::Article, EventKind::Story, EventKind::Statement];

#[tokio::test(flavor = "multi_thread")]
async fn what_another_worker_records_is_told_and_nothing_is_told_twice() {
    let newsroom = Newsroom::open().await;
    let (events, shutdown) = (newsroom.state.events.clone(), newsroom.state.shutdown.clone());
    let [first, ours, last] = [1, 2, 3].map(threat);
    let stream = stream(&newsroom.router).await;
    let recorded = async {
        let mut heard = events.subscribe();
        record(&newsroom, &first).await;
        record(&newsroom, &ours).await;
        for kind in KINDS {
            events.send(Event { kind, id: id(&ours), at: now() }).expect("somebody listens");
        }
        record(&newsroom, &last).await;
        heard_until(&mut heard, &id(&last)).await;
        drop(heard);
        while !events.is_empty() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
    };
    let both = async { tokio::join!(to_bytes(stream, 10_000_000), recorded) };
    let (body, ()) = tokio::time::timeout(Duration::from_secs(60), both).await.expect("an end");
    let body = String::from_utf8_lossy(&body.expect("a body")).into_owned();
    for draft in [&first, &ours, &last] {
        for kind in ["article", "story", "statement"] {
            let told = format!("event: {kind}\nid: {}\n", id(draft));
            assert_eq!(body.matches(&told).count(), 1, "{told}: {body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_events_of_one_s_own_is_not_told_again() {
    let newsroom = Newsroom::open().await;
    let (archive, events) = (&newsroom.state.archive, &newsroom.state.events);
    let _stream = stream(&newsroom.router).await;
    let ours: Vec<Draft> = (0..200).map(threat).collect();
    let articles: Vec<_> = ours.iter().map(|it| it.article.clone()).collect();
    archive.record_articles(&articles).await.expect("articles");
    let batch: Vec<CorrelatedArticle> = ours.iter().map(Draft::correlated).collect();
    archive.record_annotations(&batch, now()).await.expect("annotations");
    // More than a listener may fall behind.
    for draft in &ours {
        for kind in KINDS {
            events.send(Event { kind, id: id(draft), at: now() }).expect("somebody listens");
        }
    }
    let mut heard = events.subscribe();
    let last = threat(1_000);
    record(&newsroom, &last).await;
    let again = heard_until(&mut heard, &id(&last)).await;
    let again: Vec<_> = again.into_iter().filter(|it| it.id != id(&last)).collect();
    assert!(again.is_empty(), "{} are told again, such as {:?}", again.len(), again[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_before_the_stream_begins_keeps_nobody_from_following() {
    let newsroom = Newsroom::open().await;
    // The connection breaks off at each point of the way.
    for n_steps in 0..40 {
        let mut gone = std::pin::pin!(stream(&newsroom.router));
        for _ in 0..n_steps {
            if futures::poll!(gone.as_mut()).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
    }
    let _stream = stream(&newsroom.router).await;
    let mut heard = newsroom.state.events.subscribe();
    let news = threat(1);
    // Whoever followed for those that are gone may be about to end.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    record(&newsroom, &news).await;
    assert_eq!(heard_until(&mut heard, &id(&news)).await.len(), 3);
}

/// Whether the clock is to fail once.
static CLOCK_FAILS: AtomicBool = AtomicBool::new(false);

fn failing_clock() -> DateTime<Utc> {
    assert!(!CLOCK_FAILS.swap(false, Ordering::SeqCst), "the clock fails, as it should");
    now()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failure_the_archive_is_followed_again() {
    let newsroom = Newsroom::open().await;
    let mut state = newsroom.state.clone();
    state.now = failing_clock;
    let router = api::router(state.clone());
    let _first = stream(&router).await;
    CLOCK_FAILS.store(true, Ordering::SeqCst);
    let failed = async {
        while CLOCK_FAILS.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), failed).await.expect("the archive is looked at");
    // Until whoever failed is gone.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let _second = stream(&router).await;
    let mut heard = state.events.subscribe();
    let news = threat(1);
    record(&newsroom, &news).await;
    assert_eq!(heard_until(&mut heard, &id(&news)).await.len(), 3);
}
