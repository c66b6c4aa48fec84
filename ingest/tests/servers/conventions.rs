//! The conventions of the field, line by line, against servers that test them. A line that has its
//! test elsewhere is named here with the place; `fetch`, `politeness`, `poll`, `crawl` and `proxy`
//! are the modules beside this one, `e2e` is the crate `tests`, other names are unit tests.
//!
//! | convention | test |
//! |---|---|
//! | ETag with its quotes and Last-Modified go back unchanged | `fetch::validators_come_with_the_page_and_go_back_unchanged` |
//! | a hash of the body is kept: no validators, or an ETag that repeats | `poll::a_body_that_comes_again_is_unchanged_even_without_validators`, [`an_etag_that_repeats_hides_no_news`] |
//! | a restart causes no re-fetch | `poll::the_state_survives_a_restart_and_saves_the_second_fetch` |
//! | the largest of own interval, ttl, sy:update\*, Retry-After, Cache-Control, Expires | [`the_longest_wish_for_the_next_poll_wins`], `poll::a_feed_that_always_answers_429_is_slowed_down_and_fails` |
//! | between 5 minutes and 24 hours; skipHours, skipDays | [`the_longest_wish_for_the_next_poll_wins`] |
//! | one request per host at a time, with pauses | `politeness::a_host_is_asked_one_thing_at_a_time_with_pauses` |
//! | 5 s between pages, 30 s after a 429, 10 redirects, 15 MiB, 10 s and 30 s | [`the_limits_are_those_of_the_conventions`], `politeness::after_a_429_the_site_is_left_alone_as_long_as_it_asks` |
//! | Retry-After: 429 for the registrable domain, 503 for the one URL | [`a_429_silences_the_site_and_a_503_its_url_only`], `politeness::a_busy_robots_txt_…` |
//! | only 408, 429, 500, 502, 503, 504, 522, 524 are tried again | [`exactly_the_temporary_statuses_are_tried_again`] |
//! | jittered back-off | `api`, `pipeline::crawl::tests::pauses_double_and_pages_that_failed_together_come_apart`; `schedule::tests::feeds_that_failed_together_come_apart` |
//! | permanent 1, soft 0.5, temporary 0.25; slowed down to 30 days, never dropped | `poll::failures_slow_a_feed_down_and_a_success_forgives_them`, [`a_feed_that_always_fails_is_asked_once_a_month`] |
//! | 410 stops a feed and says so; 301 is adopted after it repeats | `poll::a_feed_that_is_gone_is_not_polled_again`, `poll::a_permanent_redirect_is_adopted_when_it_repeats` |
//! | robots.txt with Crawl-delay, on every hop, failing, huge | `politeness::robots_txt_…`, `politeness::a_failing_robots_txt_…`, `politeness::a_huge_robots_txt_…`, `politeness::a_crawl_delay_…`, `e2e::faults::a_long_crawl_delay_…` |
//! | an honest User-Agent, no cookies | `fetch::the_crawler_says_who_it_is_and_sends_no_cookies` |
//! | gzip, brotli, zstd | `fetch::compressed_bodies_are_unpacked`, [`brotli_and_zstd_are_unpacked_and_bombs_refused`] |
//! | http and https only; addresses checked at connect time on every hop | `fetch::inner_networks_are_refused_by_address_name_and_redirect`, `fetch::redirects_to_other_schemes_are_refused`, `proxy::inner_addresses_and_names_…` |
//! | redirects, body, time | `fetch::redirect_loops_and_long_chains_end`, `fetch::a_body_of_20_mb_…`, `fetch::a_gzip_bomb_…`, `fetch::a_server_that_sends_one_byte_at_a_time_…` |
//! | connections that drop, break HTTP, never end | `fetch::dropped_connections_are_classed`, [`servers_that_break_http_end_soon_and_classed`] |
//! | canonical addresses; rel=canonical on the same site only | `poll::a_feed_gives_entries_with_canonical_urls_and_plain_titles`, [`another_sites_word_is_not_taken_for_the_address`] |
//! | dates before 1990 or later than now and a day are unknown; fetched is kept | `poll::a_feed_gives_entries_…`, [`absurd_dates_of_pages_are_unknown`] |
//! | what was deleted never comes back | `e2e::retention::what_is_older_than_the_setting_goes_and_no_feed_brings_it_back` |
//! | each fault ends as one logged, counted, classed failure and stops nothing else | `e2e::faults` |

use std::io::Write;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use ingest::FailureClass;
use ingest::fetch::{FetchOutcome, FetchRequest, FetchSettings, Fetcher};
use ingest::poll::{PollResult, SourceState};

use crate::crawl::{crawl, page as article_page};
use crate::fetch::settings;
use crate::poll::{now, poll};
use crate::server::{Reply, Server, not_found, ok, response};

fn feed(url: String) -> FetchRequest {
    FetchRequest { allows_private_addresses: true, ..FetchRequest::feed(url) }
}

fn rss(channel: &str, n_items: usize) -> String {
    let items: String = (0..n_items)
        .map(|n| format!("<item><title>Item {n}</title><link>/{n}</link></item>"))
        .collect();
    format!("<rss version='2.0'><channel><title>Wire</title>{channel}{items}</channel></rss>")
}

#[tokio::test]
async fn an_etag_that_repeats_hides_no_news() {
    static N_ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(|_, _| {
        let n = N_ASKED.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        response("200 OK", &[("ETag", "\"always\"")], rss("", 1 + n).as_bytes())
    })
    .await;
    let first = poll(&server, &SourceState::default(), now()).await;
    let second = poll(&server, &first.state, now() + TimeDelta::hours(1)).await;
    assert!(
        matches!(second.result, PollResult::Parsed { n_entries: 2, .. }),
        "{:?}",
        second.result
    );
}

/// The wait after a poll at 10:15 on a Monday.
async fn wait_after(
    headers: &'static [(&'static str, &'static str)],
    channel: &'static str,
) -> TimeDelta {
    let server =
        Server::start(move |_, _| response("200 OK", headers, rss(channel, 1).as_bytes())).await;
    let outcome = poll(&server, &SourceState::default(), now()).await;
    outcome.state.next_poll_at.unwrap() - now()
}

#[tokio::test]
async fn the_longest_wish_for_the_next_poll_wins() {
    const SY: &str = "<sy:updatePeriod xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'>\
        daily</sy:updatePeriod><sy:updateFrequency \
        xmlns:sy='http://purl.org/rss/1.0/modules/syndication/'>4</sy:updateFrequency>";
    let minutes = TimeDelta::minutes;
    assert_eq!(wait_after(&[], "").await, minutes(30), "the setting");
    assert_eq!(wait_after(&[], "<ttl>60</ttl>").await, minutes(60));
    assert_eq!(wait_after(&[], "<ttl>1</ttl>").await, minutes(30));
    assert_eq!(wait_after(&[], SY).await, TimeDelta::hours(6));
    let fresh: &[_] = &[("Cache-Control", "public, max-age=7200")];
    assert_eq!(wait_after(fresh, "<ttl>60</ttl>").await, minutes(120));
    let expires: &[_] =
        &[("Date", "Mon, 03 Nov 2025 10:15:00 GMT"), ("Expires", "Mon, 03 Nov 2025 13:15:00 GMT")];
    assert_eq!(wait_after(expires, "<ttl>60</ttl>").await, minutes(180));
    assert_eq!(wait_after(&[], "<ttl>99999999</ttl>").await, TimeDelta::hours(24), "a day at most");
    // 10:45 lies in an excluded hour, 11:00 does not.
    let hours = "<skipHours><hour>10</hour></skipHours>";
    assert_eq!(wait_after(&[], hours).await, minutes(45));
    let days = "<skipDays><day>Monday</day></skipDays>";
    assert_eq!(wait_after(&[], days).await, TimeDelta::hours(24) - minutes(10 * 60 + 15));
}

#[test]
fn the_limits_are_those_of_the_conventions() {
    let declared = config::Settings::default();
    for limits in [FetchSettings::default(), FetchSettings::from(&declared.fetch)] {
        assert_eq!(limits.page_interval, Duration::from_secs(5));
        assert_eq!(limits.silence_after_429, Duration::from_secs(30));
        assert_eq!(limits.n_redirects_max, 10);
        assert_eq!(limits.body_bytes_max, 15 << 20);
        assert_eq!(limits.connect_timeout, Duration::from_secs(10));
        assert_eq!(limits.total_timeout, Duration::from_secs(30));
        assert!(limits.respects_robots);
    }
}

#[tokio::test]
async fn a_429_silences_the_site_and_a_503_its_url_only() {
    for (status, is_silenced) in
        [("429 Too Many Requests", true), ("503 Service Unavailable", false)]
    {
        let server = Server::start(move |path, _| match path {
            "/busy" => response(status, &[("Retry-After", "600")], b""),
            _ => ok("text/xml", b"<rss/>"),
        })
        .await;
        let mut settings = settings();
        for name in ["www.paper.example", "feeds.paper.example", "other.example"] {
            let address = ([127, 0, 0, 1], server.port).into();
            settings.host_overrides.insert(name.to_owned(), address);
        }
        let fetcher = Fetcher::new(settings).unwrap();
        let _ = fetcher.fetch(&feed("http://www.paper.example/busy".to_owned())).await;
        for (url, same_site) in [
            ("http://www.paper.example/calm", true),
            ("http://feeds.paper.example/calm", true),
            ("http://other.example/calm", false),
        ] {
            let outcome = fetcher.fetch(&feed(url.to_owned())).await.unwrap();
            let is_left_alone = matches!(outcome, FetchOutcome::Postponed { .. });
            assert_eq!(is_left_alone, is_silenced && same_site, "{url} after {status}");
        }
    }
}

#[tokio::test]
async fn exactly_the_temporary_statuses_are_tried_again() {
    let server = Server::start(|path, _| response(&format!("{} X", &path[1..]), &[], b"")).await;
    let fetcher = Fetcher::new(settings()).unwrap();
    for status in [
        400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 418, 421, 423, 425, 451, 499, 500, 501,
        502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 523, 524, 525, 530, 599,
    ] {
        let asked = fetcher.fetch(&feed(server.url(&format!("/{status}")))).await;
        let is_retried = asked.expect_err("no success").is_retryable();
        let is_temporary = [408, 500, 502, 503, 504, 522, 524].contains(&status);
        assert_eq!(is_retried, is_temporary, "{status}");
    }
    assert!(FailureClass::Http429.is_retryable());
}

#[tokio::test]
async fn a_feed_that_always_fails_is_asked_once_a_month() {
    let server = Server::start(|_, _| response("403 Forbidden", &[], b"")).await;
    let mut state = SourceState::default();
    for _ in 0..40 {
        state = poll(&server, &state, now()).await.state;
    }
    assert_eq!(state.next_poll_at.unwrap() - now(), TimeDelta::days(30));
    assert!(!state.is_gone && state.is_due(now() + TimeDelta::days(30)));
}

#[tokio::test]
async fn brotli_and_zstd_are_unpacked_and_bombs_refused() {
    fn br(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut writer = brotli::CompressorWriter::new(&mut packed, 4_096, 5, 20);
        writer.write_all(bytes).unwrap();
        drop(writer);
        packed
    }
    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ::zstd::encode_all(bytes, 3).unwrap()
    }
    type Pack = fn(&[u8]) -> Vec<u8>;
    let codings: [(&str, Pack); 2] = [("br", br), ("zstd", zstd)];
    for (coding, pack) in codings {
        let server = Server::start(move |path, _| {
            let body = match path {
                "/bomb" => pack(&vec![b' '; 64 << 20]),
                "/torn" => pack(b"<rss>unpacked</rss>").split_last().unwrap().1.to_vec(),
                _ => pack(b"<rss>unpacked</rss>"),
            };
            response("200 OK", &[("Content-Encoding", coding)], &body)
        })
        .await;
        let fetcher = Fetcher::new(settings()).unwrap();
        let outcome = fetcher.fetch(&feed(server.url("/"))).await.unwrap();
        let FetchOutcome::Fetched(page) = outcome else { panic!("{outcome:?}") };
        assert_eq!(&page.body[..], b"<rss>unpacked</rss>");
        let bomb = fetcher.fetch(&feed(server.url("/bomb"))).await.unwrap_err();
        assert_eq!(bomb.class(), FailureClass::TooLarge, "{coding}: {bomb}");
        assert!(fetcher.fetch(&feed(server.url("/torn"))).await.is_err(), "{coding}");
    }
}

#[tokio::test]
async fn servers_that_break_http_end_soon_and_classed() {
    let ok_head = "HTTP/1.1 200 OK\r\n";
    for (what, bytes) in [
        (
            "endless headers",
            format!("{ok_head}{}", "X-Filler: aaaaaaaaaaaaaaaa\r\n".repeat(200_000)),
        ),
        ("one endless header", format!("{ok_head}X: {}", "a".repeat(8 << 20))),
        ("a length below zero", format!("{ok_head}Content-Length: -5\r\n\r\nabc")),
        ("two lengths", format!("{ok_head}Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc")),
        (
            "broken chunks",
            format!("{ok_head}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        ),
        (
            "a huge chunk",
            format!("{ok_head}Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc"),
        ),
        ("no status", "HTTP/1.1 \r\n\r\n".to_owned()),
        ("a status of letters", "HTTP/1.1 abc OK\r\n\r\n".to_owned()),
        ("zero bytes", "\0\0\0\0\r\n\r\n".to_owned()),
    ] {
        let bytes = bytes.into_bytes();
        let server = Server::start(move |_, _| Reply::Bytes(bytes.clone())).await;
        let started = Instant::now();
        let fetcher = Fetcher::new(settings()).unwrap();
        let error = fetcher.fetch(&feed(server.url("/"))).await.expect_err(what);
        assert_eq!(error.class(), FailureClass::Dropped, "{what}: {error}");
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn another_sites_word_is_not_taken_for_the_address() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        _ => {
            let head = "<link rel=canonical href='http://evil.example/stolen'>";
            ok("text/html", article_page(head).as_bytes())
        }
    })
    .await;
    assert_eq!(crawl(&server, "/news").await.unwrap().canonical_url, None);
}

#[tokio::test]
async fn absurd_dates_of_pages_are_unknown() {
    for (date, expected) in [
        ("2100-01-01T00:00:00Z", None),
        ("1985-01-01T00:00:00Z", None),
        ("2025-11-05T00:00:00Z", None),
        ("2025-11-03T09:00:00Z", Some("2025-11-03T09:00:00Z")),
    ] {
        let head = format!(
            "<meta property='article:published_time' content='{date}'>\
             <meta property='article:modified_time' content='{date}'>"
        );
        let html = article_page(&head);
        let server = Server::start(move |path, _| match path {
            "/robots.txt" => not_found(),
            _ => ok("text/html", html.as_bytes()),
        })
        .await;
        let article = crawl(&server, "/news").await.unwrap();
        let expected: Option<DateTime<Utc>> = expected.map(|it| it.parse().unwrap());
        assert_eq!((article.published_at, article.details.modified_at), (expected, expected));
        assert_eq!(article.fetched_at, now());
    }
}
