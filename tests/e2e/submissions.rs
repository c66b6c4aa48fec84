//! Single pages, named on the command line and to a running server.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tests::pages::{self, MadeUp, id_of};
use tests::{FixtureSite, Reply, Served, TestApp, eventually};

/// A site with a feed of nothing and pages that no feed names.
async fn site(app: &TestApp) -> FixtureSite {
    let site = FixtureSite::start().await;
    site.put("/feed.xml", Reply::rss(pages::rss("Silent", &[])));
    site.put("/one", Reply::html(MadeUp::article(1).html()));
    site.put("/two", Reply::html(MadeUp::article(2).html()));
    site.put("/robots.txt", Reply::new("text/plain", "User-agent: *\nDisallow: /private\n"));
    site.put("/private", Reply::html(MadeUp::article(3).html()));
    app.add_source("silent", &site.url("/feed.xml"));
    site
}

async fn submit(served: &Served, body: &Value) -> (StatusCode, Value) {
    let request = Client::new().post(served.url("/v1/articles")).json(body);
    let response = request.send().await.expect("the server answers");
    (response.status(), response.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_named_on_the_command_line_is_read_as_any_other() {
    let app = TestApp::new();
    let site = site(&app).await;
    let elsewhere = "http://127.0.0.1:1/inner";
    let finished = app
        .run(&["fetch", &site.url("/one"), &site.url("/private"), elsewhere, "no address"])
        .await;

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let lines: Vec<Value> =
        finished.stdout.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!((&lines[0]["state"], &lines[0]["error"]), (&json!("new"), &Value::Null));
    for (line, reason) in lines[1..].iter().zip(["robots.txt", "inner network", "address"]) {
        let error = line["error"].as_str().unwrap_or_default();
        assert!(error.contains(reason), "{line}");
    }
    assert_eq!(site.n_sent_whole("/private"), 0);
    let found = app.search(&[&format!("\"{}\"", MadeUp::article(1).phrase)]).await;
    assert_eq!(found["hits"][0]["id"], id_of(&site.url("/one")).to_string(), "{found}");
    assert_eq!(found["hits"][0]["source"], "silent", "the declared source of its server");

    let again = app.run(&["fetch", &site.url("/one")]).await;
    assert!(again.code == Some(0) && again.stdout.contains("\"known\""), "{again:?}");
    assert_eq!(site.n_sent_whole("/one"), 1, "it is not asked for twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_named_to_the_server_is_read_as_any_other() {
    let app = TestApp::new();
    let site = site(&app).await;
    let served = app.serve().await;
    let url = site.url("/two");

    let (status, body) = submit(&served, &json!({"url": url})).await;
    assert_eq!((status, &body["state"]), (StatusCode::CREATED, &json!("archived")), "{body}");
    assert_eq!((&body["id"], &body["source"]), (&json!(id_of(&url).to_string()), &json!("silent")));
    let phrase = format!("\"{}\"", MadeUp::article(2).phrase);
    eventually("the article is searchable", Duration::from_secs(60), async || {
        let found = served.json("/v1/search", &[("q", &phrase)]).await;
        (found["total"] == 1).then_some(())
    })
    .await;
    let (status, _) = submit(&served, &json!({"url": url})).await;
    assert_eq!(status, StatusCode::OK, "it is known");

    for (body, status, code) in [
        (json!({"url": site.url("/private")}), 422, "robots"),
        (json!({"url": site.url("/missing")}), 422, "http_404"),
        (json!({"url": "http://169.254.169.254/latest"}), 422, "address_refused"),
        (json!({"url": "http://localhost/"}), 422, "address_refused"),
        (json!({"url": "file:///etc/passwd"}), 422, "invalid_body"),
        (json!({"link": url}), 422, "invalid_body"),
    ] {
        let (found, answer) = submit(&served, &body).await;
        let code = (status, json!(code));
        assert_eq!((found.as_u16(), answer["error"]["code"].clone()), code, "{body}: {answer}");
    }
    // What failed is tried again when somebody asks again.
    site.put("/missing", Reply::html(MadeUp::article(4).html()));
    let (status, body) = submit(&served, &json!({"url": site.url("/missing")})).await;
    assert_eq!(status, StatusCode::CREATED, "{body}");

    let form = Client::new().post(served.url("/v1/articles")).body("url=x").send().await;
    assert_eq!(form.expect("an answer").status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let (status, printed) = served.stop().await;
    assert!(status.success(), "{status}: {printed}");
}
