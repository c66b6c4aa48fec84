//! Polls of one feed: state, news, failures.

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use config::Source;
use config::settings::PollSettings;
use ingest::FailureClass;
use ingest::fetch::Fetcher;
use ingest::health::{Standing, standing};
use ingest::poll::{PollOutcome, PollResult, SourceState, poll_source};

use crate::fetch::settings;
use crate::server::{Reply, Server, ok, redirect, response};

const RSS: &str = "<rss version='2.0'><channel><title>Wire</title><ttl>60</ttl>\
    <item><title>First &amp;amp; best</title><link>/a?utm_source=rss</link>\
    <pubDate>Mon, 03 Nov 2025 08:00:00 GMT</pubDate></item>\
    <item><title>Second</title><link>/b</link><pubDate>Fri, 01 Jan 2100 00:00:00 GMT</pubDate></item>\
    </channel></rss>";

pub(crate) fn now() -> DateTime<Utc> {
    "2025-11-03T10:15:00Z".parse().unwrap()
}

pub(crate) fn source(server: &Server) -> Source {
    let url = server.url("/feed").parse().unwrap();
    Source { allow_private_addresses: true, ..Source::new("wire", url) }
}

pub(crate) async fn poll(server: &Server, state: &SourceState, at: DateTime<Utc>) -> PollOutcome {
    let fetcher = Fetcher::new(settings()).unwrap();
    poll_source(&fetcher, &source(server), state, &poll_settings(), at).await
}

fn poll_settings() -> PollSettings {
    config::Settings::default().poll
}

#[track_caller]
fn assert_failed(outcome: &PollOutcome, expected: FailureClass) {
    let PollResult::Failed { class, message } = &outcome.result else {
        panic!("expected {expected}, got {:?}", outcome.result);
    };
    assert_eq!(*class, expected, "{message}");
    assert!(message.contains("127.0.0.1"), "the message names no address: {message}");
    assert_eq!(outcome.state.n_failures[&expected], 1);
    assert!(outcome.entries.is_empty());
}

#[tokio::test]
async fn a_feed_gives_entries_with_canonical_urls_and_plain_titles() {
    let server = Server::start(|_, _| ok("application/rss+xml", RSS.as_bytes())).await;
    let outcome = poll(&server, &SourceState::default(), now()).await;
    assert_eq!(outcome.result, PollResult::Parsed { n_entries: 2, n_new: 2 });
    let [first, second] = outcome.entries.as_slice() else { panic!("{:?}", outcome.entries) };
    assert_eq!(first.url.as_str(), server.url("/a"));
    assert_eq!(first.title.as_deref(), Some("First & best"));
    assert_eq!(
        first.published_at.map(|it| it.to_rfc3339()).as_deref(),
        Some("2025-11-03T08:00:00+00:00")
    );
    assert_eq!(second.published_at, None, "a date in 2100 is absurd");
    let wait = outcome.state.next_poll_at.unwrap() - now();
    assert_eq!(wait, TimeDelta::minutes(60), "the feed's ttl");
    assert!(!outcome.state.is_due(now()));
}

#[tokio::test]
async fn the_state_survives_a_restart_and_saves_the_second_fetch() {
    let server = Server::start(|_, head| {
        if head.contains("if-none-match: \"1\"") {
            return response("304 Not Modified", &[], b"");
        }
        response("200 OK", &[("ETag", "\"1\"")], RSS.as_bytes())
    })
    .await;
    let first = poll(&server, &SourceState::default(), now()).await;
    let stored = serde_json::to_string(&first.state).unwrap();
    let restored: SourceState = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, first.state);
    let second = poll(&server, &restored, now() + TimeDelta::hours(1)).await;
    assert_eq!(second.result, PollResult::NotModified);
}

#[tokio::test]
async fn a_body_that_comes_again_is_unchanged_even_without_validators() {
    let server = Server::start(|_, _| ok("text/xml", RSS.as_bytes())).await;
    let first = poll(&server, &SourceState::default(), now()).await;
    let second = poll(&server, &first.state, now() + TimeDelta::hours(1)).await;
    assert_eq!(second.result, PollResult::Unchanged);
    assert!(second.entries.is_empty());
}

#[tokio::test]
async fn what_is_no_feed_is_a_classed_failure_and_the_old_state_stays() {
    for (body, class) in [
        ("this is not a feed", FailureClass::NotAFeed),
        ("<!doctype html><html><body>We moved</body></html>", FailureClass::NotAFeed),
        ("{\"error\": \"no such feed\"}", FailureClass::NotAFeed),
        ("", FailureClass::EmptyBody),
        (" \n ", FailureClass::EmptyBody),
    ] {
        let server =
            Server::start(move |_, _| response("200 OK", &[("ETag", "\"bad\"")], body.as_bytes()))
                .await;
        let outcome = poll(&server, &SourceState::default(), now()).await;
        assert_failed(&outcome, class);
        assert_eq!(outcome.state.etag, None, "the ETag of rubbish was kept");
    }
}

#[tokio::test]
async fn failures_slow_a_feed_down_and_a_success_forgives_them() {
    static N_ASKED: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|_, _| match N_ASKED.fetch_add(1, Ordering::SeqCst) {
        0..3 => response("404 Not Found", &[], b""),
        _ => ok("text/xml", RSS.as_bytes()),
    })
    .await;
    let mut state = SourceState::default();
    let mut waits = Vec::new();
    for _ in 0..3 {
        state = poll(&server, &state, now()).await.state;
        waits.push((state.next_poll_at.unwrap() - now()).num_minutes());
    }
    // And up to a quarter longer, so that feeds that failed together come apart.
    for (wait, shortest) in waits.into_iter().zip([60, 120, 240]) {
        assert!(shortest <= wait && wait <= shortest * 5 / 4, "{wait} minutes, not {shortest}");
    }
    assert_eq!(state.n_failures[&FailureClass::Http404], 3);
    let healthy = poll(&server, &state, now()).await.state;
    assert_eq!((healthy.failure_score, healthy.last_failure), (0.0, None));
}

#[tokio::test]
async fn a_feed_that_is_gone_is_not_polled_again() {
    let server = Server::start(|_, _| response("410 Gone", &[], b"")).await;
    let outcome = poll(&server, &SourceState::default(), now()).await;
    assert_failed(&outcome, FailureClass::Http410);
    assert!(outcome.state.is_gone && !outcome.state.is_due(now() + TimeDelta::days(9_999)));
}

#[tokio::test]
async fn a_feed_that_always_answers_429_is_slowed_down_and_fails() {
    let server =
        Server::start(|_, _| response("429 Too Many Requests", &[("Retry-After", "7200")], b""))
            .await;
    let first = poll(&server, &SourceState::default(), now()).await;
    assert_failed(&first, FailureClass::Http429);
    assert_eq!(first.state.failure_score, 0.25);
    assert!(first.state.next_poll_at.unwrap() - now() >= TimeDelta::hours(2), "as it asks");
    let mut state = first.state;
    for _ in 0..11 {
        state = poll(&server, &state, now()).await.state;
    }
    assert!(state.next_poll_at.unwrap() - now() >= TimeDelta::hours(16), "three doublings");
    assert_eq!(standing(&state, now()), Standing::Dead);
}

#[tokio::test]
async fn a_poll_that_must_wait_says_nothing_about_the_feed() {
    let server =
        Server::start(|_, _| response("429 Too Many Requests", &[("Retry-After", "7200")], b""))
            .await;
    let (fetcher, source) = (Fetcher::new(settings()).unwrap(), source(&server));
    let (new, settings) = (SourceState::default(), poll_settings());
    poll_source(&fetcher, &source, &new, &settings, now()).await;
    let second = poll_source(&fetcher, &source, &new, &settings, now()).await;
    assert_eq!(second.result, PollResult::Postponed);
    let wait = second.state.next_poll_at.unwrap() - now();
    assert!(TimeDelta::minutes(119) < wait && wait <= TimeDelta::hours(2), "{wait}");
    assert_eq!(SourceState { next_poll_at: None, ..second.state }, new);
    assert_eq!(server.paths().len(), 1);
}

#[tokio::test]
async fn a_304_may_bring_new_validators_and_another_freshness() {
    let server = Server::start(|_, head| {
        if head.contains("if-none-match: \"1\"") {
            let renewed = [("ETag", "\"2\""), ("Cache-Control", "max-age=7200")];
            return response("304 Not Modified", &renewed, b"");
        }
        if head.contains("if-none-match: \"2\"") {
            return response("304 Not Modified", &[], b"");
        }
        response("200 OK", &[("ETag", "\"1\"")], RSS.as_bytes())
    })
    .await;
    let mut state = poll(&server, &SourceState::default(), now()).await.state;
    assert_eq!((state.etag.as_deref(), state.fresh_for_seconds), (Some("\"1\""), None));
    for _ in 0..2 {
        let outcome = poll(&server, &state, now()).await;
        assert_eq!(outcome.result, PollResult::NotModified);
        state = outcome.state;
        assert_eq!(state.etag.as_deref(), Some("\"2\""));
        assert_eq!(state.fresh_for_seconds, Some(7_200));
        assert!(state.next_poll_at.unwrap() - now() >= TimeDelta::hours(2));
    }
}

#[tokio::test]
async fn a_permanent_redirect_is_adopted_when_it_repeats() {
    static N_ASKED: AtomicUsize = AtomicUsize::new(0);
    let server = Server::start(|path, _| -> Reply {
        let n = N_ASKED.fetch_add(1, Ordering::SeqCst);
        match path {
            "/feed" => redirect("301 Moved Permanently", "/new"),
            _ => ok("text/xml", format!("{RSS}<!-- {n} -->").as_bytes()),
        }
    })
    .await;
    let mut state = SourceState::default();
    for _ in 0..3 {
        assert_eq!(state.adopted_url, None);
        state = poll(&server, &state, now()).await.state;
    }
    assert_eq!(state.adopted_url, Some(server.url("/new")));
    poll(&server, &state, now()).await;
    assert_eq!(server.paths()[6..], ["/new"], "the old address is asked no more");
}
