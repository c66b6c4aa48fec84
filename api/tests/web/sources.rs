//! Whose news is read: trying sources out, adding, pausing and removing them, lists of them. The
//! publisher is a real server on loopback that the fetcher knows as `desk.example`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use axum::response::{Html, Redirect};
use axum::routing::get;
use ingest::FailureClass;
use ingest::fetch::{FetchSettings, Fetcher};
use serde_json::{Value, json};

use crate::newsroom::{Answer, Newsroom};
use crate::pages::Page;

const FEED: &str = "<rss version='2.0'><channel><title>The Desk &lt;b&gt;</title><language>en-IE</language>\
    <item><title>Grid operators warned</title><link>http://desk.example/grid</link><pubDate>Sun, 11 Jan 2026 08:00:00 GMT</pubDate></item>\
    <item><title>Second</title><link>http://desk.example/missing</link></item></channel></rss>";

/// A publisher with a site, a feed and an article.
async fn publisher() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let paragraphs: String = (1..9)
        .map(|n| format!("<p>On day {n} operators of grid {n} were warned that attackers would try to reach control room {n}.</p>"))
        .collect();
    let article = format!(
        "<html><head><title>Grid operators warned</title></head><body><article><h1>Grid operators warned</h1>{paragraphs}</article></body></html>",
    );
    let router = Router::new()
        .route("/", get(async || Html("<html lang=en><title>Desk</title><link rel=alternate type=application/rss+xml href=/wire/all.xml><link rel=alternate type=application/rss+xml title=Comments href=/comments.xml>")))
        .route("/wire/all.xml", get(async || ([(header::CONTENT_TYPE, "application/rss+xml")], FEED)))
        .route("/comments.xml", get(async || ([(header::CONTENT_TYPE, "application/rss+xml")], FEED)))
        .route("/grid", get(async move || Html(article)))
        .route("/inward", get(async move || Redirect::temporary(&format!("http://{address}/wire/all.xml"))))
        .route("/slow", get(async || tokio::time::sleep(Duration::from_millis(500)).await))
        .route("/bare", get(async || Html("<title>Bare</title><p>Nothing here.")));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A newsroom that may ask that publisher.
async fn open() -> Newsroom {
    let mut newsroom = Newsroom::open().await;
    let settings = FetchSettings {
        host_overrides: [("desk.example".to_owned(), publisher().await)].into(),
        ..FetchSettings::default()
    };
    newsroom.state.fetcher = Some(Arc::new(Fetcher::new(settings).expect("a fetcher")));
    newsroom.router = api::router(newsroom.state.clone());
    newsroom
}

async fn send(newsroom: &Newsroom, method: Method, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    newsroom.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn post_form(newsroom: &Newsroom, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path).header("accept", "text/html");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    newsroom.ask(request.body(Body::from(body)).expect("a request")).await
}

async fn listed(newsroom: &Newsroom, id: &str) -> Value {
    let body = newsroom.get("/v1/sources").await.json();
    let sources = body["sources"].as_array().expect("sources").clone();
    sources.into_iter().find(|it| it["id"] == id).unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_added_by_its_address_only() {
    let newsroom = open().await;
    let added =
        send(&newsroom, Method::POST, "/v1/sources", &json!({"url": "http://desk.example/"})).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let source = added.json();
    assert_eq!(source["id"], "the-desk-b");
    assert_eq!(source["address"], "http://desk.example/wire/all.xml");
    assert_eq!((&source["kind"], &source["origin"]), (&json!("feed"), &json!("api")));
    assert_eq!((&source["language"], &source["standing"]), (&json!("en"), &json!("new")));
    assert_eq!(source["home_url"], "http://desk.example/");
    let due = newsroom.state.archive.due_sources(crate::newsroom::now(), 50).await.expect("due");
    assert!(due.iter().any(|it| it.id.as_str() == "the-desk-b"), "it is polled at once");

    let again =
        send(&newsroom, Method::POST, "/v1/sources", &json!({"url": "http://desk.example/"})).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body.contains("is read already as `the-desk-b`"), "{}", again.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_needs_no_scheme() {
    let newsroom = open().await;
    let body = json!({"url": "desk.example"});
    let trial = send(&newsroom, Method::POST, "/v1/sources/test", &body).await;
    // That publisher speaks no TLS, which is found out by asking.
    assert_eq!(trial.status, StatusCode::OK, "{}", trial.body);
    assert_eq!(trial.json()["verdict"], "unusable");
    let page = newsroom.browse("/sources").await;
    assert!(page.body.contains("inputmode=\"url\""), "{}", page.body);
    assert!(!page.body.contains("type=\"url\""), "a browser would refuse it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_tells_each_step_and_stores_nothing() {
    let newsroom = open().await;
    let body = json!({"url": "http://desk.example/"});
    let trial = send(&newsroom, Method::POST, "/v1/sources/test", &body).await;
    assert_eq!(trial.status, StatusCode::OK, "{}", trial.body);
    let trial = trial.json();
    let steps: Vec<&str> = trial["steps"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(
        steps,
        ["address", "robots", "fetch", "discover", "entries", "article", "article", "schedule"]
    );
    assert_eq!((&trial["verdict"], &trial["n_entries"]), (&json!("usable"), &json!(2)));
    assert_eq!(trial["feeds"].as_array().map(Vec::len), Some(2));
    assert_eq!(trial["feeds"][0]["url"], "http://desk.example/wire/all.xml", "comments come last");
    assert_eq!(trial["articles"][0]["title"], "Grid operators warned");
    assert!(300 < trial["articles"][0]["n_chars"].as_u64().unwrap_or(0));
    assert_eq!(trial["steps"][6]["outcome"], "failed", "the second page is missing");
    assert_eq!(listed(&newsroom, "the-desk-b").await, Value::Null);

    let bare = json!({"url": "http://desk.example/bare"});
    let trial = send(&newsroom, Method::POST, "/v1/sources/test", &bare).await.json();
    assert_eq!(trial["verdict"], "unusable");
    let refused = send(&newsroom, Method::POST, "/v1/sources", &bare).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["error"]["code"], "unusable_source");
    assert!(refused.body.contains("no feed or sitemap"), "{}", refused.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_source_cannot_open_this_machine_or_its_network() {
    let newsroom = open().await;
    for (body, said) in [
        (json!({"folder": "/etc"}), "`folder` may stand in a file of the configuration only"),
        (
            json!({"feed_url": "https://a.example/", "allow_private_addresses": true}),
            "may stand in a file",
        ),
        (
            json!({"feed_url": "http://127.0.0.1:8321/"}),
            "`feed_url` `http://127.0.0.1:8321/` lies on a private address",
        ),
        (
            json!({"feed_url": "https://a.example/", "proxy": "socks5h://127.0.0.1:9050"}),
            "`proxy` may stand in a file",
        ),
        (
            json!({"feed_url": "https://a.example/", "valid_until": "2026-02-01"}),
            "`valid_until` may stand in a file",
        ),
        (json!({"feed_url": "https://a.example/", "enabled": false}), "pause the source"),
        (json!({"feed_url": "https://a.example/", "id": "test"}), "`id` `test` is reserved"),
        (json!({"feed_url": "https://a.example/", "id": "submitted"}), "is reserved"),
        (json!({"url": "http://localhost/"}), "lies on a private address"),
        (json!({"url": "file:///etc/passwd"}), "must be an address that starts with http"),
        (
            json!({"url": "https://a.example/", "feed_url": "https://a.example/f"}),
            "cannot stand beside",
        ),
        (json!({"feed_url": "https://a.example/", "langauge": "en"}), "`langauge` unknown key"),
        (
            json!({"feed_url": "https://a.example/", "sectors": ["/nowhere"]}),
            "no sector of the taxonomy",
        ),
        (
            json!({"listing": {"url": "https://a.example/", "item": "li >> a"}}),
            "is no CSS selector",
        ),
        (json!({"name": "x"}), "`url` is missing"),
        (json!([]), "must be a JSON object"),
    ] {
        let answer = send(&newsroom, Method::POST, "/v1/sources", &body).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {}", answer.body);
        assert!(answer.body.replace("\\\"", "\"").contains(said), "{body}: {}", answer.body);
    }
    // What leads inside on the way is refused there: a feed lies at its end.
    let trial = json!({"url": "http://desk.example/inward"});
    let trial = send(&newsroom, Method::POST, "/v1/sources/test", &trial).await.json();
    let fetch = trial["steps"].as_array().and_then(|it| it.last()).cloned().unwrap_or_default();
    assert_eq!((&fetch["name"], &fetch["outcome"]), (&json!("fetch"), &json!("failed")), "{trial}");
    let said = fetch["message"].as_str().unwrap_or_default();
    assert!(said.ends_with("/wire/all.xml is an address of an inner network"), "{trial}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_source_is_paused_and_removed_and_a_declared_one_is_not() {
    let newsroom = open().await;
    let body = json!({"id": "desk", "sitemap_url": "https://desk.example/map.xml", "sectors": ["/energy"]});
    let added = send(&newsroom, Method::POST, "/v1/sources", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let paused = json!({"paused": true});
    let answer = send(&newsroom, Method::PATCH, "/v1/sources/desk", &paused).await.json();
    assert_eq!((&answer["is_paused"], &answer["is_active"]), (&json!(true), &json!(false)));
    let go_on = json!({"paused": false});
    let answer = send(&newsroom, Method::PATCH, "/v1/sources/desk", &go_on).await.json();
    assert_eq!((&answer["is_paused"], &answer["is_active"]), (&json!(false), &json!(true)));
    let wrong = send(&newsroom, Method::PATCH, "/v1/sources/desk", &json!({"name": "x"})).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);

    let removed = send(&newsroom, Method::DELETE, "/v1/sources/desk", &json!({})).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(listed(&newsroom, "desk").await["is_active"], false);
    for method in [Method::DELETE, Method::PATCH] {
        let gone = send(&newsroom, method, "/v1/sources/desk", &paused).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    }
    let restore = "/v1/sources/desk/restore";
    let back = send(&newsroom, Method::POST, restore, &json!({})).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.body);
    let body = back.json();
    assert_eq!((&body["is_active"], &body["sectors"]), (&json!(true), &json!(["/energy"])));
    let twice = send(&newsroom, Method::POST, restore, &json!({})).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND, "{}", twice.body);
    let declared = send(&newsroom, Method::DELETE, "/v1/sources/bbc-world", &json!({})).await;
    assert_eq!(declared.status, StatusCode::CONFLICT, "{}", declared.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_added_by_its_feed_or_with_an_odd_name_is_one_like_any_other() {
    let newsroom = open().await;
    let feed = json!({"url": "http://desk.example/wire/all.xml", "enabled": true});
    let added = send(&newsroom, Method::POST, "/v1/sources", &feed).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(added.json()["home_url"], Value::Null, "a feed is nobody's start page");
    let named = json!({"feed_url": "https://test.example/feed", "name": "Test"});
    let added = send(&newsroom, Method::POST, "/v1/sources", &named).await;
    assert_eq!((added.status, &added.json()["id"]), (StatusCode::CREATED, &json!("test-2")));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_few_sources_are_tried_out_at_once() {
    let newsroom = open().await;
    let answer = |path: &'static str, body: Value| {
        let newsroom = &newsroom;
        async move { send(newsroom, Method::POST, path, &body).await }
    };
    let slow = || json!({"feed_url": "http://desk.example/slow", "host_interval_ms": 0});
    let answers =
        futures::future::join_all((0..8).map(|_| answer("/v1/sources/test", slow()))).await;
    let n_with = |status| answers.iter().filter(|it| it.status == status).count();
    let n_busy = n_with(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!((n_with(StatusCode::OK), n_busy), (4, 4));
    let busy = answers.iter().find(|it| it.status == StatusCode::SERVICE_UNAVAILABLE);
    let busy = busy.expect("one that was refused");
    assert_eq!(busy.json()["error"]["code"], "busy");
    assert_eq!(busy.header("retry-after"), "1");
    // Those that ended made room.
    assert_eq!(answer("/v1/sources/test", slow()).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn single_pages_are_no_source_that_waits_for_its_first_poll() {
    let newsroom = open().await;
    let archive = &newsroom.state.archive;
    let single = config::SourceId::new(config::SourceId::SUBMITTED);
    archive.put_unpolled_source(&single, "Single pages").await.expect("a source");
    assert_eq!(listed(&newsroom, "submitted").await, Value::Null, "nobody named a page");
    let before = newsroom.get("/v1/sources").await.json()["standing"].clone();
    let page = ingest::CanonicalUrl::parse("https://elsewhere.example/1").expect("an address");
    let entry = ingest::Entry::at(page, single);
    archive.submit_entry(&entry, crate::newsroom::now()).await.expect("an entry");
    let shown = listed(&newsroom, "submitted").await;
    assert_eq!((&shown["n_waiting"], &shown["standing"]), (&json!(1), &Value::Null), "{shown}");
    assert_eq!(newsroom.get("/v1/sources").await.json()["standing"], before);
    assert!(newsroom.browse("/sources").await.body.contains("on request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_sources_tells_how_each_is_doing() {
    let newsroom = open().await;
    let source = listed(&newsroom, "harbour-post").await;
    assert_eq!((&source["is_active"], &source["standing"]), (&json!(true), &json!("new")));
    assert_eq!(source["quality"]["titled"], 1.0);
    assert!(0 < source["quality"]["n_articles"].as_u64().unwrap_or(0), "{source}");
    insta::assert_json_snapshot!("source", source);
}

/// What stands beside the link to the page Sources on the page `path`, for eyes and for ears.
async fn beside_link(newsroom: &Newsroom, path: &str) -> (Vec<String>, Vec<String>) {
    let page = Page::of(&newsroom.browse(path).await.body);
    let badge = |part: &str| page.texts(&format!("nav a[href='/sources'] .badge {part}"));
    (badge("[aria-hidden]"), badge(".sr"))
}

/// What Today says about sources that failed.
async fn on_today(newsroom: &Newsroom) -> Vec<String> {
    Page::of(&newsroom.browse("/").await.body).texts(".head a[href='/sources']")
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_fail_are_counted_on_every_page_and_today_says_of_how_many() {
    let newsroom = Newsroom::open().await;
    let nothing = (Vec::new(), Vec::new());
    newsroom.poll("meridian", None).await;
    assert_eq!(beside_link(&newsroom, "/").await, nothing, "nothing fails");
    assert!(on_today(&newsroom).await.is_empty());

    newsroom.poll("meridian", Some(FailureClass::Timeout)).await;
    for path in ["/", "/sources", "/search?q=grid", "/stories", "/help", "/settings"] {
        let (seen, heard) = beside_link(&newsroom, path).await;
        assert_eq!(seen, ["⚠\u{fe0e} 1"], "{path}");
        assert_eq!(heard, ["1 source fails"], "{path}");
    }
    newsroom.poll("le-phare", Some(FailureClass::Http410)).await;
    newsroom.poll("harbour-post", None).await;
    assert_eq!(beside_link(&newsroom, "/map").await.1, ["2 sources fail"], "one is gone for good");
    let said = Page::of(&newsroom.browse("/sources").await.body).texts("h1");
    assert_eq!(said, ["2 of 6 sources failed at their last poll"]);
    assert_eq!(on_today(&newsroom).await, said, "as on their page");

    // Who is not polled any more does not fail.
    newsroom.state.archive.sync_sources(&[], crate::newsroom::now()).await.expect("no sources");
    assert_eq!(beside_link(&newsroom, "/sources").await, nothing);
    assert!(on_today(&newsroom).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_feeds_come_in_and_go_out() {
    let newsroom = open().await;
    let list = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<opml version=\"2.0\">\n<head>\n<title>T</title>\n</head>\n<body>\n  \
        <outline text=\"Folder\" odd=\"1\">\n    <outline type=\"rss\" text=\"Grid\" xmlUrl=\"https://grid.example/feed\" odd=\"2\"/>\n  </outline>\n</body>\n</opml>\n";
    let put = |kind: &str, body: &str| {
        let request = Request::put("/v1/opml").header("content-type", kind);
        request.body(Body::from(body.to_owned())).expect("a request")
    };
    let answer = newsroom.ask(put("text/x-opml", list)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.json(), json!({"added": ["grid"], "n_known": 0, "refused": []}));
    assert_eq!(listed(&newsroom, "grid").await["origin"], "opml");
    assert_eq!(newsroom.ask(put("text/x-opml", list)).await.json()["n_known"], 1);

    let out = newsroom.get("/v1/opml").await;
    assert!(out.header("content-type").starts_with("text/x-opml"));
    assert!(out.body.contains("<outline text=\"Folder\" odd=\"1\">\n    <outline type=\"rss\" text=\"Grid\" xmlUrl=\"https://grid.example/feed\" odd=\"2\"/>"), "{}", out.body);
    assert!(out.body.contains("feeds.bbci.co.uk"), "declared sources are in it too");

    let form = newsroom.ask(put("application/x-www-form-urlencoded", list)).await;
    assert_eq!(form.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let page = newsroom.ask(put("text/xml", "<html><body>Hello</body></html>")).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_refused_when_somebody_else_changed_the_sources() {
    let newsroom = open().await;
    let put = async |list: &str, tag: &str| {
        let request = Request::put("/v1/opml").header("content-type", "text/x-opml");
        let request = request.header("if-match", tag);
        newsroom.ask(request.body(Body::from(list.to_owned())).expect("a request")).await
    };
    let seen = newsroom.get("/v1/opml").await;
    assert!(seen.header("content-type").starts_with("text/x-opml"), "{:?}", seen.headers);
    assert_eq!(put(GRID, seen.header("etag")).await.status, StatusCode::OK);
    let water = GRID.replace("grid", "water");
    let late = put(&water, seen.header("etag")).await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED, "{}", late.body);
    assert_eq!(late.json()["error"]["code"], "changed");
    assert!(!newsroom.get("/v1/opml").await.body.contains("water.example"), "nothing was done");
    let now = newsroom.get("/v1/opml").await;
    assert_eq!(put(&water, now.header("etag")).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_tests_adds_pauses_and_removes_without_a_script() {
    let newsroom = open().await;
    let fields = [("url", "http://desk.example/"), ("name", "Desk <i>")];
    let tested = post_form(&newsroom, "/sources/test", &fields).await;
    assert_eq!(tested.status, StatusCode::OK, "{}", tested.body);
    let page = Page::of(&tested.body);
    assert_eq!(page.texts(".tested ol li").len(), 8);
    assert!(page.texts(".tested .deck")[0].contains("lists 2 entries"));
    assert_eq!(page.attributes(".form input[name=url]", "value"), ["http://desk.example/"]);

    let added = post_form(&newsroom, "/sources", &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    assert_eq!(added.header("location"), "/sources?added=desk-i");
    let page = Page::of(&newsroom.browse("/sources?added=desk-i").await.body);
    assert_eq!(page.texts("[role=status]"), ["Desk <i> is read from now on."]);
    assert_eq!(page.texts("form[action='/sources/desk-i/pause'] button"), ["Pause"]);
    post_form(&newsroom, "/sources/desk-i/pause", &[("paused", "true")]).await;
    let page = Page::of(&newsroom.browse("/sources").await.body);
    assert_eq!(page.texts("form[action='/sources/desk-i/pause'] button"), ["Go on"]);
    let sure = "details.sure form[action='/sources/desk-i/remove'] button";
    assert_eq!(page.texts(sure), ["Remove now"], "it takes two steps");
    let removed = post_form(&newsroom, "/sources/desk-i/remove", &[]).await;
    assert_eq!(removed.header("location"), "/sources?removed=desk-i");
    let page = Page::of(&newsroom.browse("/sources?removed=desk-i").await.body);
    assert!(page.texts("form[action='/sources/desk-i/pause'] button").is_empty());
    let said = page.texts("[role=status]").remove(0);
    assert!(said.starts_with("Deleted Desk <i> · Undo"), "{said}");
    let way_back = page.attributes("[role=status] form", "action").remove(0);
    let restored = post_form(&newsroom, &way_back, &[]).await;
    assert_eq!(restored.header("location"), "/sources?restored=desk-i", "{}", restored.body);
    let page = Page::of(&newsroom.browse("/sources?restored=desk-i").await.body);
    assert_eq!(page.texts("[role=status]"), ["Desk <i> is back."]);
    assert_eq!(page.texts("form[action='/sources/desk-i/pause'] button"), ["Go on"]);
    post_form(&newsroom, "/sources/desk-i/remove", &[]).await;

    let bare = post_form(&newsroom, "/sources", &[("url", "http://desk.example/bare")]).await;
    assert!(
        Page::of(&bare.body).texts("[role=alert]")[0].starts_with("Not added"),
        "{}",
        bare.body
    );
    let list = GRID;
    let taken = post_form(&newsroom, "/sources/opml", &[("list", list)]).await;
    let said = Page::of(&taken.body).texts("[role=status]");
    assert!(said[0].starts_with("1 source added, 0 read already. “x” was left out"), "{said:?}");
}

const GRID: &str = "<opml><body><outline text='Grid' xmlUrl='https://grid.example/feed'/>\
    <outline text='x' xmlUrl='gopher://x/'/></body></opml>";

/// A form as a browser sends it in which a file can be chosen.
fn form_with_files(path: &str, parts: &[(&str, &str)]) -> Request<Body> {
    let parts: String = parts
        .iter()
        .map(|(head, value)| {
            format!("--limit\r\nContent-Disposition: form-data; name={head}\r\n\r\n{value}\r\n")
        })
        .collect();
    Request::post(path)
        .header("accept", "text/html")
        .header("content-type", "multipart/form-data; boundary=limit")
        .body(Body::from(format!("{parts}--limit--\r\n")))
        .expect("a request")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_taken_in_from_a_file_without_a_script() {
    let newsroom = open().await;
    let page = Page::of(&newsroom.browse("/sources").await.body);
    assert_eq!(page.attributes("#opml form", "enctype"), ["multipart/form-data"]);
    assert_eq!(page.attributes("#opml input[name=file]", "type"), ["file"]);
    let sent = |parts: &[(&str, &str)]| newsroom.ask(form_with_files("/sources/opml", parts));

    let file = "\"file\"; filename=\"grid.opml\"\r\nContent-Type: text/x-opml";
    let empty = "\"file\"; filename=\"\"\r\nContent-Type: application/octet-stream";
    let taken = sent(&[("\"list\"", ""), (file, GRID)]).await;
    let said = Page::of(&taken.body).texts("[role=status]");
    assert!(said[0].starts_with("1 source added"), "{}", taken.body);
    let taken = sent(&[(empty, ""), ("\"list\"", GRID)]).await;
    let said = Page::of(&taken.body).texts("[role=status]");
    assert!(said[0].starts_with("0 sources added, 1 read already"), "{}", taken.body);
    let none = sent(&[(empty, ""), ("\"list\"", "")]).await;
    assert_eq!(Page::of(&none.body).texts("[role=alert]"), ["No list was chosen."]);

    // Longer than other bodies may be.
    let long = GRID.replace("<body>", &format!("<!--{}--><body>", "x".repeat(5 << 20)));
    let taken = sent(&[(file, &long)]).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    let too_long = sent(&[(file, &"x".repeat(17 << 20))]).await;
    assert_eq!(too_long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let put = Request::put("/v1/opml").header("content-type", "text/x-opml");
    let put = newsroom.ask(put.body(Body::from(long)).expect("a request")).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.body);
}
