//! A hub that tells of news (WebSub): a real one on loopback, which asks back and signs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Form, Router};
use serde::Deserialize;
use tests::{FixtureSite, Reply, TestApp, eventually, pages};
use tokio::net::TcpListener;

/// What a subscriber sends.
#[derive(Clone, Debug, Deserialize)]
struct Asked {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.topic")]
    topic: String,
    #[serde(rename = "hub.callback")]
    callback: String,
    #[serde(rename = "hub.secret")]
    secret: String,
}

type Subscriptions = Arc<Mutex<Vec<Asked>>>;

/// Starts a hub that takes every subscription; returns its address.
async fn hub(subscriptions: &Subscriptions) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let subscribe = async |State(all): State<Subscriptions>, Form(asked): Form<Asked>| {
        all.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/hub", post(subscribe)).with_state(Arc::clone(subscriptions));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn publish(site: &FixtureSite, hub: SocketAddr, n_articles: usize) {
    let mut items = String::new();
    for n in 0..n_articles {
        let title = format!("Grid warned {n}");
        let text =
            format!("Report {n}: operators were warned that attackers try to reach control rooms.");
        let html = pages::article_html(&title, &vec![text; 6]);
        site.put(&format!("/{n}"), Reply::html(html));
        items += &format!("<entry><title>{title}</title><link href='/{n}'/></entry>");
    }
    let feed = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>Desk</title>\
         <link rel='hub' href='http://{hub}/hub'/><link rel='self' href='{}'/>{items}</feed>",
        site.url("/feed.xml"),
    );
    site.put("/feed.xml", Reply::rss(feed));
}

fn signature(secret: &str, body: &str) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let tag = ring::hmac::sign(&key, body.as_bytes());
    let hex: String = tag.as_ref().iter().map(|it| format!("{it:02x}")).collect();
    format!("sha256={hex}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_is_asked_when_its_hub_tells_of_news_and_not_when_somebody_else_does() {
    let subscriptions = Subscriptions::default();
    let hub = hub(&subscriptions).await;
    let site = FixtureSite::start().await;
    publish(&site, hub, 1);
    // Free again when the server takes it, which must know its address before it starts.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr());
    let own = free.expect("a free port");
    let app = TestApp::new()
        .set("http.bind", &own.to_string())
        .set("poll.websub_url", &format!("http://{own}/"));
    app.add_source("desk", &site.url("/feed.xml"));
    let served = app.serve().await;
    let all = || subscriptions.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let asked =
        eventually("the hub is asked", Duration::from_secs(60), async || all().first().cloned())
            .await;
    assert_eq!(
        (asked.mode.as_str(), asked.topic.as_str()),
        ("subscribe", site.url("/feed.xml").as_str())
    );

    // The hub asks back; nothing else is confirmed.
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let verify = async |callback: &str, mode: &str, topic: &str| {
        let query = [
            ("hub.mode", mode),
            ("hub.topic", topic),
            ("hub.challenge", "<b>42</b>"),
            ("hub.lease_seconds", "864000"),
        ];
        let mut address = url::Url::parse(callback).expect("an address");
        address.query_pairs_mut().extend_pairs(query);
        let answer = client.get(address).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.unwrap_or_default())
    };
    assert_eq!(verify(&asked.callback, "subscribe", "http://other.example/").await.0, 404);
    assert_eq!(verify(&asked.callback, "unsubscribe", &asked.topic).await.0, 404);
    assert_eq!(verify(&served.url("/websub/guessed"), "subscribe", &asked.topic).await.0, 404);
    let confirmed = verify(&asked.callback, "subscribe", &asked.topic).await;
    assert_eq!(confirmed, (200, "<b>42</b>".to_owned()));

    eventually("the first article is searchable", Duration::from_secs(120), async || {
        (served.json("/v1/search", &[("q", "report")]).await["total"] == 1).then_some(())
    })
    .await;
    publish(&site, hub, 2);
    let tell = async |callback: &str, header: &str| {
        let sent = client.post(callback).header("x-hub-signature", header).body("news");
        sent.send().await.expect("an answer").status().as_u16()
    };
    let next_poll_at = async || {
        let sources = served.json("/v1/sources", &[]).await;
        let all = sources["sources"].as_array().cloned().unwrap_or_default();
        let desk = all.into_iter().find(|it| it["id"] == "desk").expect("the source");
        assert!(desk["next_poll_at"].is_string(), "{desk}");
        desk["next_poll_at"].clone()
    };
    let before = next_poll_at().await;
    assert_eq!(tell(&served.url("/websub/guessed"), "sha1=00").await, 410);
    assert_eq!(tell(&asked.callback, &signature("wrong", "news")).await, 202);
    assert_eq!(tell(&asked.callback, &signature(&asked.secret, "other news")).await, 202);
    assert_eq!(next_poll_at().await, before, "nobody with the secret told of news");
    assert_eq!(tell(&asked.callback, &signature(&asked.secret, "news")).await, 202);
    eventually("the second article is searchable", Duration::from_secs(60), async || {
        (served.json("/v1/search", &[("q", "report")]).await["total"] == 2).then_some(())
    })
    .await;
    assert_eq!(all().len(), 1, "one subscription is enough");
    served.stop().await;
}
