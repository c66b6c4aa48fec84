//! What is told as it happens, also of what another worker over the same archive records.

use std::time::Duration;

use api::state::{Event, EventKind};
use index::archive::annotations::CorrelatedArticle;
use nlp::{Domain, Modality, StatementKind, Tense};

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

#[tokio::test(flavor = "multi_thread")]
async fn what_another_worker_records_is_told_and_nothing_is_told_twice() {
    let newsroom = Newsroom::open().await;
    let (events, shutdown) = (newsroom.state.events.clone(), newsroom.state.shutdown.clone());
    let [first, ours, last] = [1, 2, 3].map(threat);
    let id = |draft: &Draft| draft.article.id.to_string();
    let recorded = async {
        // The stream itself, and whoever follows the archive for it.
        while events.receiver_count() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let mut heard = events.subscribe();
        record(&newsroom, &first).await;
        record(&newsroom, &ours).await;
        for kind in [EventKind::Article, EventKind::Story, EventKind::Statement] {
            events.send(Event { kind, id: id(&ours), at: now() }).expect("somebody listens");
        }
        record(&newsroom, &last).await;
        loop {
            let event = heard.recv().await.expect("events go on");
            if event.kind == EventKind::Statement && event.id == id(&last) {
                break;
            }
        }
        drop(heard);
        while !events.is_empty() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
    };
    let both = async { tokio::join!(newsroom.get("/v1/events"), recorded) };
    let (answer, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("an end");
    for draft in [&first, &ours, &last] {
        for kind in ["article", "story", "statement"] {
            let told = format!("event: {kind}\nid: {}\n", id(draft));
            assert_eq!(answer.body.matches(&told).count(), 1, "{told}: {}", answer.body);
        }
    }
}
