//! Saved searches and alerts: matched by the command line, delivered by a server that is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::deliver::sign::signature;
use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use chrono::{DateTime, Utc};
use config::{AlertUnit, Channel, Delivery, SavedSearch};
use index::archive::alerts::{AlertFilter, Match, MatchItem};
use index::archive::annotations::CorrelatedArticle;
use index::archive::searches::Expect;
use index::archive::sources::SourceRow;
use index::matching::Reason;
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::Annotation;
use nlp::story::StoryId;
use serde_json::{Value, json};
use tests::{TestApp, eventually, now, project_root, skipped};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use crate::client::has_python;

/// Messages under way when the server is killed, again and again.
const N_ALERTS: usize = 1_000;
/// Messages that arrived before each kill.
const N_BEFORE_KILLS: [usize; 6] = [60, 200, 350, 500, 700, 900];
/// Deliveries at a time.
const N_AT_ONCE: usize = 8;
/// A secret of the form that Standard Webhooks has.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[tokio::test]
async fn match_answers_every_line_with_the_searches_that_fit() {
    let app = TestApp::new();
    let write = |name: &str, text: String| {
        let path = app.folder().join(name);
        fs::write(&path, text).expect("a writable folder");
        path.to_string_lossy().into_owned()
    };
    let searches = write(
        "searches.toml",
        "[[search]]\nid = \"grid\"\nname = \"Grid\"\nquery = '\"power grid\" -drill'\n\
         [[search]]\nid = \"iran\"\nname = \"Iran\"\nquery = \"actor:iran kind:threat\"\n\
         [[search]]\nid = \"there\"\nname = \"There\"\nquery = \"place:iran\"\n"
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
        json!({"id": 5, "text": "Isfahan is calm.", "mentions": [{
            "start": 0, "end": 7, "text": "Isfahan", "kind": "location", "score": 1.0,
            "entity": {"id": "city:418863", "name": "Isfahan"}}]}),
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
    assert_eq!(answers[4], json!({"id": 5, "matches": ["there"]}), "a town of the country");

    let wrong = write("wrong.toml", "[[search]]\nid = \"x\"\nname = \"X\"\nquery = \"(\"\n".into());
    let broken = write("broken.jsonl", "{\"id\": \"x\", \"name\n".into());
    for (file, said) in [
        (wrong.as_str(), "query"),
        (broken.as_str(), "broken.jsonl, line 1: "),
        ("missing.toml", "cannot read missing.toml: "),
    ] {
        let finished = app.run(&["match", "--searches", file, "--jsonl", &path]).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(said), "{finished:?}");
    }
}

/// What came to the receiver.
#[derive(Default)]
struct Inbox {
    /// By message id, the alerts in it.
    taken: BTreeMap<String, BTreeSet<String>>,
    n_tries: BTreeMap<String, usize>,
    /// Messages that were accepted before, yet came again.
    n_repeated: usize,
}

/// How the receiver treats the first try of a message.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Fails,
    AsksForPatience,
    /// It takes the message and says that it did not.
    Lies,
    IsSlow,
    Works,
}

impl Mood {
    fn at(message: &str) -> Mood {
        match message.chars().last() {
            Some('0'..='2') => Mood::Fails,
            Some('3' | '4') => Mood::AsksForPatience,
            Some('5' | '6') => Mood::Lies,
            Some('7') => Mood::IsSlow,
            _ => Mood::Works,
        }
    }
}

/// A receiver that does not work at first for every second message.
async fn flaky_receiver() -> (String, Arc<Mutex<Inbox>>) {
    let inbox = Arc::new(Mutex::new(Inbox::default()));
    let kept = Arc::clone(&inbox);
    let answer = move |headers: HeaderMap, body: String| async move {
        let id = headers["webhook-id"].to_str().expect("an id").to_owned();
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let alerts = body["data"]["alerts"].as_array().expect("alerts").iter();
        let ids: BTreeSet<String> =
            alerts.map(|it| it["id"].as_str().expect("an id").to_owned()).collect();
        let mood = Mood::at(&id);
        let wait = if mood == Mood::IsSlow { 300 } else { 15 };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let mut inbox = kept.lock().expect("no panic");
        let n_tries = inbox.n_tries.entry(id.clone()).or_default();
        *n_tries += 1;
        let is_first = *n_tries == 1;
        match mood {
            Mood::Fails if is_first => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Mood::AsksForPatience if is_first => {
                return (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "2")]).into_response();
            }
            _ => {}
        }
        let before = inbox.taken.insert(id, ids.clone());
        assert!(before.as_ref().is_none_or(|it| *it == ids), "one id for two messages");
        if mood == Mood::Lies && is_first {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        inbox.n_repeated += usize::from(before.is_some() && mood != Mood::Lies);
        StatusCode::OK.into_response()
    };
    let router = Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, inbox)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_alert_is_lost_or_sent_under_two_ids_when_the_server_is_killed() {
    let (url, inbox) = flaky_receiver().await;
    let n_taken = || inbox.lock().expect("no panic").taken.len();
    let app = TestApp::new()
        .set("alerts.allow_private_addresses", "true")
        .set("alerts.n_deliveries_max", &N_AT_ONCE.to_string())
        .set("alerts.retry_base_s", "1");
    let expected = raise_alerts(&app, webhook(&url), N_ALERTS).await;
    for (number, n_before_kill) in (0..).zip(N_BEFORE_KILLS) {
        let served = app.serve().await;
        eventually("some messages arrived", Duration::from_secs(60), async || {
            (n_before_kill <= n_taken()).then_some(())
        })
        .await;
        // At another moment of a round each time.
        tokio::time::sleep(Duration::from_millis(number * 7)).await;
        served.kill().await;
    }
    assert!(n_taken() < N_ALERTS, "all had arrived before the last kill");
    let served = app.serve().await;
    eventually("all messages arrived", Duration::from_secs(60), async || {
        let waiting = served.json("/v1/deliveries", &[("state", "waiting")]).await;
        let is_empty = waiting["deliveries"].as_array().is_some_and(Vec::is_empty);
        (is_empty && n_taken() == N_ALERTS).then_some(())
    })
    .await;
    let dead = served.json("/v1/deliveries", &[]).await;
    assert_eq!(dead["deliveries"], json!([]));
    served.stop().await;
    let inbox = inbox.lock().expect("no panic");
    let arrived: Vec<&String> = inbox.taken.values().flatten().collect();
    assert_eq!(arrived.len(), N_ALERTS, "an alert came under two message ids");
    let distinct: BTreeSet<String> = arrived.into_iter().cloned().collect();
    assert_eq!(distinct, expected);
    // Only what was under way at a kill comes again, and under its id.
    let n_repeated_max = N_AT_ONCE * N_BEFORE_KILLS.len();
    assert!(inbox.n_repeated <= n_repeated_max, "{} came again", inbox.n_repeated);
}

fn webhook(url: &str) -> Delivery {
    Delivery {
        channel: Channel::Webhook,
        to: Some(url.to_owned()),
        to_secret: None,
        signing_secret: None,
    }
}

/// Fills the archive with alerts that wait to be sent by `to`; returns their ids.
async fn raise_alerts(app: &TestApp, to: Delivery, n_alerts: usize) -> BTreeSet<String> {
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
    let search = SavedSearch {
        unit: AlertUnit::Article,
        deliver: vec![to],
        ..SavedSearch::new("grid", "grid")
    };
    archive.save_search(&search, Expect::New, now).await.expect("a saved search");
    let articles: Vec<Article> = (0..n_alerts).map(|n| article(n, now)).collect();
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
            split: None,
        })
        .collect();
    let recorded = archive.record_annotations_and_alerts(&batch, &matches, now).await;
    let alerts = recorded.expect("alerts").alerts;
    archive.close().await;
    alerts.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_receiver_takes_what_is_signed_and_new_once() {
    if !has_python().await {
        return skipped("no Python 3.11 or later");
    }
    let mut receiver = Command::new("python3")
        .arg(project_root().join("docs/examples/webhook_receiver.py"))
        .args(["--port", "0"])
        .env("HARBINGER_WEBHOOK_SECRET", SECRET)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("python3 is installed");
    // Read to the end of the test, since the receiver goes on writing there.
    let mut log = BufReader::new(receiver.stderr.take().expect("a piped output")).lines();
    let listening = log.next_line().await.expect("readable").expect("an address");
    let url = listening.rsplit(' ').next().unwrap_or_default().to_owned();
    let mut printed = BufReader::new(receiver.stdout.take().expect("a piped output")).lines();

    let app = TestApp::new().set("alerts.allow_private_addresses", "true");
    let secrets = app.folder().join("secrets");
    fs::create_dir(&secrets).expect("a writable folder");
    fs::write(secrets.join("soc"), SECRET).expect("a writable folder");
    let app = app.set("alerts.secrets_dir", &secrets.to_string_lossy());
    let to = Delivery { signing_secret: Some("soc".to_owned()), ..webhook(&url) };
    let expected = raise_alerts(&app, to, 3).await;
    let served = app.serve().await;
    let mut taken = BTreeSet::new();
    for _ in 0..expected.len() {
        let alert = next_alert(&mut printed).await;
        taken.insert(alert["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(taken, expected);
    served.stop().await;

    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
    let post = async |id: &str, at: i64, secret: &str| {
        let body = json!({ "data": { "alerts": [{ "id": id }] } }).to_string();
        let request = client
            .post(&url)
            .header("webhook-id", id)
            .header("webhook-timestamp", at.to_string())
            .header("webhook-signature", signature(secret, id, at, body.as_bytes()));
        request.body(body).send().await.expect("an answer").status().as_u16()
    };
    let at = now().timestamp();
    assert_eq!(post("msg_a", at, SECRET).await, 200);
    assert_eq!(post("msg_a", at, SECRET).await, 200, "known by its id");
    assert_eq!(post("msg_b", at, "whsec_AAAA").await, 401);
    assert_eq!(post("msg_b", at - 400, SECRET).await, 400, "long ago");
    assert_eq!(post("msg_c", at, SECRET).await, 200);
    assert_eq!(next_alert(&mut printed).await["id"], "msg_a");
    assert_eq!(next_alert(&mut printed).await["id"], "msg_c");
}

/// The next alert that the receiver prints.
async fn next_alert(printed: &mut Lines<BufReader<ChildStdout>>) -> Value {
    let line = tokio::time::timeout(Duration::from_secs(60), printed.next_line()).await;
    let line = line.expect("an alert within a minute").expect("readable").expect("an alert");
    serde_json::from_str(&line).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn how_an_article_came_decides_whether_it_alerts_and_not_who_annotates_it() {
    let app = TestApp::new();
    let archive = app.archive().await;
    let news =
        SavedSearch { unit: AlertUnit::Article, ..SavedSearch::new("only-news", "headline") };
    let all = SavedSearch { id: "all".into(), backfill: true, ..news.clone() };
    for search in [&news, &all] {
        archive.save_search(search, Expect::New, now()).await.expect("a saved search");
    }
    archive.close().await;
    drop(archive);
    // As after a kill: one was fetched and one imported, and both wait to be annotated.
    let store = async |fetched: usize, imported: usize| {
        let archive = app.archive().await;
        let (fetched, imported) = (article(fetched, now()), article(imported, now()));
        archive.record_article(&fetched, Some(&fetched.id)).await.expect("an article");
        archive.record_articles(&[imported]).await.expect("an article");
        archive.close().await;
    };
    let alerts = async || -> BTreeSet<(String, String)> {
        let archive = app.archive().await;
        let page = archive.alerts(&AlertFilter::default(), None, 100).await.expect("alerts");
        archive.close().await;
        page.items.into_iter().map(|it| (it.search.to_string(), it.title)).collect()
    };
    let told = |of: &[(&str, &str)]| -> BTreeSet<(String, String)> {
        of.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
    };
    store(0, 1).await;
    let finished = app.run(&["reindex"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut expected =
        told(&[("only-news", "Headline 0"), ("all", "Headline 0"), ("all", "Headline 1")]);
    assert_eq!(alerts().await, expected);

    store(2, 3).await;
    let finished = app.run_once().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    expected.extend(told(&[
        ("only-news", "Headline 2"),
        ("all", "Headline 2"),
        ("all", "Headline 3"),
    ]));
    assert_eq!(alerts().await, expected);
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
