//! What surrounds every answer: error bodies, request ids, headers, limits, caching, streams.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::newsroom::{Newsroom, id_of, now};
use crate::pages::Page;

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_has_the_same_shape_and_an_id() {
    let newsroom = Newsroom::open().await;
    let long = format!("/v1/search?q={}", "a".repeat(9_000));
    let cases = [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/articles/zz", 404, "not_found"),
        ("GET", "/v1/entities/nobody", 404, "not_found"),
        ("POST", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/search?limit=x", 400, "invalid_parameter"),
        ("GET", "/v1/search?qq=x", 400, "invalid_parameter"),
        ("GET", "/v1/statements?kind=murmur", 400, "invalid_parameter"),
        ("GET", "/v1/stories?cursor=x", 400, "invalid_parameter"),
        ("GET", "/v1/search?q=(a", 400, "invalid_query"),
        ("GET", long.as_str(), 414, "uri_too_long"),
    ];
    for (method, path, status, code) in cases {
        let method: Method = method.parse().expect("a method");
        let request = Request::builder().method(method).uri(path).header("x-request-id", "test-7");
        let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        let error = &answer.json()["error"];
        assert_eq!(error["code"], code, "{path}");
        assert_eq!(error["request_id"], "test-7", "{path}");
        assert!(error["message"].as_str().is_some_and(|it| it.len() > 10), "{path}");
        assert_eq!(answer.header("x-request-id"), "test-7", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused() {
    let newsroom = Newsroom::open().await;
    let n_bytes = 3_000_000;
    let request = Request::post("/v1/search").header("content-length", n_bytes.to_string());
    let answer = newsroom.ask(request.body(Body::from(vec![0; n_bytes])).expect("a request")).await;
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["error"]["code"], "payload_too_large");
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_get_failures_as_pages() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.browse("/stories/0000").await;
    assert_eq!(answer.status, 404);
    let page = Page::of(&answer.body);
    assert_eq!(page.texts("h1"), ["Nothing here"]);
    assert_eq!(page.texts(".deck"), ["There is no such story."]);
    let api = newsroom.browse("/v1/stories/0000").await;
    assert_eq!(api.json()["error"]["code"], "not_found", "JSON addresses answer in JSON");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_id_that_could_forge_a_log_line_is_replaced() {
    let newsroom = Newsroom::open().await;
    let request = Request::get("/livez").header("x-request-id", "a b\tc");
    let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.header("x-request-id").len(), 32, "{}", answer.header("x-request-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_forbids_inline_code_and_framing() {
    let newsroom = Newsroom::open().await;
    for path in ["/", "/v1/search", "/nowhere", "/livez", "/static/app.css"] {
        let answer = newsroom.browse(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && policy.contains("script-src 'self'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unchanged_articles_and_stories_are_not_sent_again() {
    let newsroom = Newsroom::open().await;
    let id = id_of("harbour-post", "strait");
    for path in
        [format!("/v1/articles/{id}"), format!("/v1/stories/{id}"), "/openapi.json".to_owned()]
    {
        let tag = newsroom.get(&path).await.header("etag").to_owned();
        let request = Request::get(&path).header("if-none-match", format!("\"other\", {tag}"));
        let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (304, ""), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_compressed_when_asked() {
    let newsroom = Newsroom::open().await;
    for coding in ["br", "gzip"] {
        let request = Request::get("/").header("accept-encoding", coding);
        let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.header("content-encoding"), coding);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_under_their_hash() {
    let newsroom = Newsroom::open().await;
    let page = Page::of(&newsroom.browse("/").await.body);
    let style = page.attributes("link[rel=stylesheet]", "href").remove(0);
    let kept = newsroom.get(&style).await;
    assert!(kept.header("cache-control").contains("immutable"), "{style}");
    // A quarter of that on the wire. Pages with all they load stay below 300 KB (tests/browser).
    assert!(kept.body.len() < 30_000, "the style sheet has {} bytes", kept.body.len());
    let old = newsroom.get("/static/0123456789abcdef/app.css").await;
    assert_eq!((old.status.as_u16(), old.header("cache-control")), (200, "no-cache"));
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_the_index() {
    let newsroom = Newsroom::open().await;
    assert_eq!(newsroom.get("/livez").await.status, 200);
    assert_eq!(newsroom.get("/readyz").await.status, 200);
    newsroom.state.readiness.set_index(false);
    let answer = newsroom.get("/readyz").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "2"));
    newsroom.state.readiness.set_index(true);
    newsroom.state.archive.close().await;
    assert_eq!(newsroom.get("/readyz").await.status, 503, "the database is gone");
    assert_eq!(newsroom.get("/livez").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_things_are_streamed_until_shutdown() {
    let newsroom = Newsroom::open().await;
    let events = newsroom.state.events.clone();
    let shutdown = newsroom.state.shutdown.clone();
    let announced = async {
        while events.receiver_count() == 0 {
            tokio::task::yield_now().await;
        }
        let event = api::state::Event {
            kind: api::state::EventKind::Statement,
            id: "abc".to_owned(),
            at: now(),
        };
        events.send(event).expect("somebody listens");
        // The event is written before the end, as both come through one stream in order.
        tokio::task::yield_now().await;
        while !events.is_empty() {
            tokio::task::yield_now().await;
        }
        shutdown.cancel();
    };
    let (answer, ()) = tokio::join!(newsroom.get("/v1/events"), announced);
    assert_eq!(answer.header("content-type"), "text/event-stream");
    assert!(answer.body.contains("event: statement\n"), "{}", answer.body);
    assert!(answer.body.contains("\"at\":\"2026-01-12T08:00:00Z\""), "{}", answer.body);
}
