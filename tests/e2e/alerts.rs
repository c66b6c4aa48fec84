//! Saved searches and alerts: matched by the command line, delivered by a server that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use chrono::{DateTime, Utc};
use config::{AlertUnit, Channel, Delivery, SavedSearch};
use index::archive::alerts::{Match, MatchItem};
use index::archive::annotations::CorrelatedArticle;
use index::archive::searches::Expect;
use index::archive::sources::SourceRow;
use index::matching::Reason;
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::Annotation;
use nlp::story::StoryId;
use serde_json::{Value, json};
use tests::{TestApp, eventually, now};

/// Messages under way when the server is killed, again and again.
const N_ALERTS: usize = 300;

#[tokio::test]
async fn match_answers_every_line_with_the_searches_that_fit() {
    let app = TestApp::new();
    let write = |name: &str, text: String| {
        let path = app.folder().join(name);
        std::fs::write(&path, text).expect("a writable folder");
        path.to_string_lossy().into_owned()
    };
    let searches = write(
        "searches.toml",
        "[[search]]\nid = \"grid\"\nname = \"Grid\"\nquery = '\"power grid\" -drill'\n\
         [[search]]\nid = \"iran\"\nname = \"Iran\"\nquery = \"actor:iran kind:threat\"\n"
            .to_owned(),
    );
    let iran = json!({"start": 0, "end": 4, "text": "Iran",
        "entity": {"id": "country:IR", "name": "Iran"}});
    let lines = [
        json!({"id": 1, "language": "en", "title": "Power grids fail", "text": "It went dark.", "mentions": []}),
        json!({"id": "two", "statements": [{
            "kind": "threat", "domain": "physical", "modality": "asserted",
            "time": {"tense": "future", "from": null, "to": null},
            "sentence": {"start": 0, "end": 9}, "trigger": {"start": 0, "end": 0, "text": ""},
            "actors": [iran], "targets": [], "sectors": [], "means": [], "speaker": null,
            "score": 0.8}]}),
        json!({"id": "bad"}),
        json!({"id": 4, "text": "A power grid drill.", "mentions": []}),
    ];
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let path = write("articles.jsonl", lines.join("\n"));
    let finished = app.run(&["match", "--searches", &searches, "--jsonl", &path]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let answers: Vec<Value> =
        finished.stdout.lines().filter_map(|it| serde_json::from_str(it).ok()).collect();
    assert_eq!(answers[0], json!({"id": 1, "matches": ["grid"]}));
    assert_eq!(answers[1], json!({"id": "two", "matches": ["iran"]}));
    assert_eq!(answers[2]["id"], "bad");
    assert!(answers[2]["error"].is_string(), "{}", answers[2]);
    assert_eq!(answers[3], json!({"id": 4, "matches": []}));

    let wrong = write("wrong.toml", "[[search]]\nid = \"x\"\nname = \"X\"\nquery = \"(\"\n".into());
    let finished = app.run(&["match", "--searches", &wrong, "--jsonl", &path]).await;
    assert_ne!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("query"), "{finished:?}");
}

/// What the receiver took: by message id, the alerts in it.
type Taken = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

/// A receiver that fails at every third message the first time, and is slow.
async fn flaky_receiver() -> (String, Taken) {
    let (taken, tries) = (Taken::default(), Arc::new(Mutex::new(BTreeMap::<String, usize>::new())));
    let kept = Arc::clone(&taken);
    let answer = move |headers: HeaderMap, body: String| async move {
        let id = headers["webhook-id"].to_str().expect("an id").to_owned();
        let n_tries = {
            let mut tries = tries.lock().expect("no panic");
            let n = tries.entry(id.clone()).or_default();
            *n += 1;
            *n
        };
        tokio::time::sleep(Duration::from_millis(20)).await;
        if n_tries == 1 && id.ends_with(['0', '3', '6', '9', 'c', 'f']) {
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let alerts = body["data"]["alerts"].as_array().expect("alerts").iter();
        let ids = alerts.map(|it| it["id"].as_str().expect("an id").to_owned()).collect();
        let before = kept.lock().expect("no panic").insert(id, BTreeSet::clone(&ids));
        assert!(before.is_none_or(|it| it == ids), "one id for two messages");
        StatusCode::OK
    };
    let router = Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, taken)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_alert_is_lost_or_sent_under_two_ids_when_the_server_is_killed() {
    let (url, taken) = flaky_receiver().await;
    let app = TestApp::new()
        .set("alerts.allow_private_addresses", "true")
        .set("alerts.retry_base_s", "1");
    let expected = raise_alerts(&app, &url).await;
    for n_before_kill in [N_ALERTS / 5, N_ALERTS / 2] {
        let served = app.serve().await;
        eventually("some messages arrived", Duration::from_secs(60), async || {
            (n_before_kill <= taken.lock().expect("no panic").len()).then_some(())
        })
        .await;
        served.kill().await;
    }
    let served = app.serve().await;
    eventually("all messages arrived", Duration::from_secs(60), async || {
        let waiting = served.json("/v1/deliveries", &[("state", "waiting")]).await;
        let is_empty = waiting["deliveries"].as_array().is_some_and(Vec::is_empty);
        (is_empty && taken.lock().expect("no panic").len() == N_ALERTS).then_some(())
    })
    .await;
    let arrived: Vec<String> =
        taken.lock().expect("no panic").values().flatten().cloned().collect();
    let distinct: BTreeSet<String> = arrived.iter().cloned().collect();
    assert_eq!(arrived.len(), N_ALERTS, "an alert came under two message ids");
    assert_eq!(distinct, expected);
    let dead = served.json("/v1/deliveries", &[]).await;
    assert_eq!(dead["deliveries"], json!([]));
    served.stop().await;
}

/// Fills the archive with alerts that wait to be sent to `url`; returns their ids.
async fn raise_alerts(app: &TestApp, url: &str) -> BTreeSet<String> {
    let now = now();
    let archive = app.archive().await;
    let source = SourceRow {
        id: "wire".into(),
        name: "The wire".to_owned(),
        address: "https://wire.example/feed".to_owned(),
        country: None,
        language: None,
        is_sample: false,
    };
    archive.sync_sources(&[source], now).await.expect("a source");
    let to = Delivery {
        channel: Channel::Webhook,
        to: Some(url.to_owned()),
        to_secret: None,
        signing_secret: None,
    };
    let search = SavedSearch {
        unit: AlertUnit::Article,
        deliver: vec![to],
        ..SavedSearch::new("grid", "grid")
    };
    archive.save_search(&search, Expect::New, now).await.expect("a saved search");
    let articles: Vec<Article> = (0..N_ALERTS).map(|n| article(n, now)).collect();
    archive.record_articles(&articles).await.expect("articles");
    let matches: Vec<Match> = articles.iter().map(|it| matched(&search, it, now)).collect();
    let batch: Vec<CorrelatedArticle> = articles
        .iter()
        .map(|it| CorrelatedArticle {
            article: it.id,
            annotation: Annotation::default(),
            embedding: vec![0.0],
            story: StoryId::founded_by(&it.id.to_string()),
            headline: None,
            copy_of: None,
            merged: Vec::new(),
        })
        .collect();
    let recorded = archive.record_annotations_and_alerts(&batch, &matches, now).await;
    let alerts = recorded.expect("alerts").alerts;
    archive.close().await;
    alerts.into_iter().collect()
}

fn article(n: usize, now: DateTime<Utc>) -> Article {
    let url = CanonicalUrl::parse(&format!("https://wire.example/{n}")).expect("a URL");
    Article {
        id: ArticleId::of(&url),
        url,
        canonical_url: None,
        source: "wire".into(),
        title: format!("Headline {n}"),
        authors: Vec::new(),
        text: "The grid went down.".to_owned(),
        language: Some("en".to_owned()),
        site_name: None,
        published_at: Some(now),
        fetched_at: now,
        page_sha256: String::new(),
        details: Default::default(),
    }
}

fn matched(search: &SavedSearch, article: &Article, now: DateTime<Utc>) -> Match {
    let reason = Reason {
        clause: "grid".to_owned(),
        alias: "grid".to_owned(),
        sentence: "The grid went down.".to_owned(),
    };
    Match {
        search: search.clone(),
        search_created_at: now,
        article: article.id,
        story: StoryId::founded_by(&article.id.to_string()),
        title: article.title.clone(),
        url: article.url.to_string(),
        source: article.source.clone(),
        source_name: "The wire".to_owned(),
        dated_at: now,
        items: vec![MatchItem {
            place: String::new(),
            sentence: String::new(),
            reasons: vec![reason],
            claims: Vec::new(),
        }],
    }
}
