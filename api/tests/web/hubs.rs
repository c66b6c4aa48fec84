//! What hubs of feeds send: whom they reach, how long it may be, and what becomes of it.

use axum::body::Body;
use axum::http::Request;
use chrono::{DateTime, TimeDelta, Utc};
use config::{LoginMode, SourceId};
use index::archive::hub_subscriptions::HubSubscription;
use index::archive::sources::{PollRecord, SourceRow};
use ring::hmac;

use crate::newsroom::{Answer, Newsroom, now};

const TOPIC: &str = "https://harbour-post.example/feed";
const SECRET: &str = "between the hub and us";

/// The newsroom, which has asked the hub of a source that only another worker declares.
async fn subscribed(login: LoginMode) -> Newsroom {
    let newsroom = Newsroom::open_with(|settings| settings.http.login = login).await;
    let asked = HubSubscription {
        source: source(),
        hub: "https://hub.example/".to_owned(),
        topic: TOPIC.to_owned(),
        callback: "https://desk.example/websub/".to_owned(),
        token: "token".to_owned(),
        secret: SECRET.to_owned(),
        asked_at: now(),
        n_unconfirmed: 1,
        ends_at: None,
        told_at: None,
        missed_at: None,
    };
    assert!(newsroom.state.archive.begin_hub_subscription(&asked).await.expect("a subscription"));
    let polled = PollRecord {
        source: &asked.source,
        state_json: "{}",
        next_poll_at: Some(next_poll_at()),
        entries: &[],
        failure: None,
        has_untold_news: false,
    };
    let polled_at = now() - TimeDelta::hours(1);
    newsroom.state.archive.record_poll(&polled, polled_at).await.expect("a poll");
    assert_eq!(newsroom.state.roster.source(&asked.source), None);
    newsroom
}

fn source() -> SourceId {
    "harbour-post".into()
}

fn next_poll_at() -> DateTime<Utc> {
    now() + TimeDelta::hours(5)
}

async fn planned(newsroom: &Newsroom) -> Option<DateTime<Utc>> {
    let states = newsroom.state.archive.source_states(Some(&source())).await.expect("sources");
    states[0].next_poll_at
}

async fn kept(newsroom: &Newsroom) -> Option<HubSubscription> {
    newsroom.state.archive.hub_subscription(&source()).await.expect("a subscription")
}

/// Asks as a hub does, through a reverse proxy.
async fn verify(newsroom: &Newsroom, token: &str, mode: &str, topic: &str) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("hub.mode", mode), ("hub.topic", topic), ("hub.challenge", "<42>")])
        .append_pair("hub.reason", "not\nyours")
        .finish();
    let request = proxied(Request::get(format!("/websub/{token}?{query}")));
    newsroom.ask(request.body(Body::empty()).expect("a request")).await
}

/// Tells of news as a hub does, through a reverse proxy.
async fn tell(newsroom: &Newsroom, token: &str, secret: &str, body: Vec<u8>) -> Answer {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = format!("sha256={}", hex::encode(hmac::sign(&key, &body)));
    let request = proxied(Request::post(format!("/websub/{token}")))
        .header("x-hub-signature", signature)
        .header("content-length", body.len());
    newsroom.ask(request.body(Body::from(body)).expect("a request")).await
}

fn proxied(request: axum::http::request::Builder) -> axum::http::request::Builder {
    request.header("host", "desk.example").header("x-forwarded-for", "192.0.2.7")
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_reach_their_addresses_through_a_proxy_and_nothing_else() {
    for login in [LoginMode::Auto, LoginMode::Always] {
        let newsroom = subscribed(login).await;
        let confirmed = verify(&newsroom, "token", "subscribe", TOPIC).await;
        assert_eq!((confirmed.status.as_u16(), confirmed.body.as_str()), (200, "<42>"));
        assert!(kept(&newsroom).await.is_some_and(|it| it.ends_at.is_some()));
        assert_eq!(tell(&newsroom, "token", SECRET, b"news".to_vec()).await.status, 202);
        assert_eq!(planned(&newsroom).await, Some(now()), "its news make it due");
        for path in ["/", "/v1/search", "/websub", "/websub/../v1/search"] {
            let request = proxied(Request::get(path)).body(Body::empty()).expect("a request");
            let refused = newsroom.ask(request).await.status.as_u16();
            assert!([401, 403, 404].contains(&refused), "{path}: {refused}");
        }
        let audit = newsroom.state.archive.audit_page(None, 10).await.expect("the audit log").0;
        assert!(audit.iter().all(|it| !it.subject.contains("token")), "{audit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_news_are_answered_like_true_ones_and_change_nothing() {
    let newsroom = subscribed(LoginMode::Auto).await;
    assert_eq!(tell(&newsroom, "token", "wrong", b"news".to_vec()).await.status, 202);
    assert_eq!(tell(&newsroom, "guessed", SECRET, b"news".to_vec()).await.status, 410);
    for (token, mode, topic) in [
        ("guessed", "subscribe", TOPIC),
        ("token", "subscribe", "https://other.example/"),
        ("token", "unsubscribe", TOPIC),
    ] {
        assert_eq!(verify(&newsroom, token, mode, topic).await.status, 404, "{token} {mode}");
    }
    assert_eq!(planned(&newsroom).await, Some(next_poll_at()));
    let kept = kept(&newsroom).await.expect("a subscription");
    assert_eq!((kept.ends_at, kept.told_at), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_that_refuses_or_ends_a_subscription_is_believed() {
    let newsroom = subscribed(LoginMode::Auto).await;
    verify(&newsroom, "token", "subscribe", TOPIC).await;
    assert!(kept(&newsroom).await.is_some_and(|it| it.ends_at.is_some()));
    assert_eq!(verify(&newsroom, "token", "denied", TOPIC).await.status, 204);
    assert_eq!(kept(&newsroom).await.expect("a subscription").ends_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_is_not_read_any_more_ends_its_subscription() {
    let newsroom = subscribed(LoginMode::Auto).await;
    let others: [SourceRow; 0] = [];
    newsroom.state.archive.sync_sources(&others, now()).await.expect("no sources");
    assert_eq!(verify(&newsroom, "token", "subscribe", TOPIC).await.status, 404);
    assert_eq!(tell(&newsroom, "token", SECRET, b"news".to_vec()).await.status, 410);
    assert_eq!(kept(&newsroom).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn hubs_may_send_whole_feeds_and_strangers_nothing() {
    let newsroom = subscribed(LoginMode::Auto).await;
    let long = vec![b'x'; newsroom.state.config.settings.http.request_body_max_bytes + 1];
    assert_eq!(tell(&newsroom, "guessed", SECRET, long.clone()).await.status, 410);
    assert_eq!(tell(&newsroom, "token", SECRET, long).await.status, 202);
    assert_eq!(planned(&newsroom).await, Some(now()));
    let too_long = vec![b'x'; newsroom.state.config.settings.fetch.body_max_bytes + 1];
    assert_eq!(tell(&newsroom, "token", SECRET, too_long.clone()).await.status, 413);
    let request =
        proxied(Request::post("/websub/token")).body(Body::from_stream(futures::stream::iter([
            Ok::<_, std::io::Error>(bytes::Bytes::from(too_long)),
        ])));
    let unannounced = newsroom.ask(request.expect("a request")).await;
    assert_eq!(unannounced.status, 413, "also when its length is not said");
}
