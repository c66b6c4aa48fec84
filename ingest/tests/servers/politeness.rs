//! Turns, pauses, robots.txt and 429.

use std::sync::Arc;
use std::time::Duration;

use ingest::FailureClass;
use ingest::fetch::{FetchOutcome, FetchRequest, FetchSettings, Fetcher, Silence};

use crate::fetch::settings;
use crate::hosts;
use crate::server::{Reply, Server, not_found, ok, redirect, response};

fn page(url: String) -> FetchRequest {
    FetchRequest { allows_private_addresses: true, ..FetchRequest::page(url) }
}

async fn refused(fetcher: &Fetcher, url: String) -> FailureClass {
    fetcher.fetch(&page(url)).await.expect_err("the fetch should be refused").class()
}

/// How long the host of `url` is left alone.
async fn postponed(fetcher: &Fetcher, url: String) -> Duration {
    match fetcher.fetch(&page(url)).await.unwrap() {
        FetchOutcome::Postponed { wait } => wait,
        other => panic!("expected to be told to wait, got {other:?}"),
    }
}

fn html() -> Reply {
    ok("text/html", b"<p>text</p>")
}

#[tokio::test]
async fn a_host_is_asked_one_thing_at_a_time_with_pauses() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        _ => Reply::Dripping(b"HTTP/1.1 200 OK\r\n\r\nx".to_vec(), Duration::from_millis(1)),
    })
    .await;
    let pause = Duration::from_millis(80);
    let settings = FetchSettings { page_interval: pause, ..settings() };
    let fetcher = Arc::new(Fetcher::new(settings).unwrap());
    let fetches = (0..4).map(|n| {
        let (fetcher, request) = (Arc::clone(&fetcher), page(server.url(&format!("/{n}"))));
        tokio::spawn(async move { fetcher.fetch(&request).await })
    });
    for fetch in fetches.collect::<Vec<_>>() {
        assert!(matches!(fetch.await.unwrap(), Ok(FetchOutcome::Fetched(_))));
    }
    let asked = server.asked();
    assert_eq!(asked[0].path, "/robots.txt");
    assert_eq!(asked.len(), 5, "robots.txt is fetched once");
    for pair in asked[1..].windows(2) {
        let gap = pair[1].began_at - pair[0].ended_at;
        assert!(gap >= pause, "{gap:?} between {} and {}", pair[0].path, pair[1].path);
    }
}

#[tokio::test]
async fn robots_txt_is_obeyed_on_every_hop() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: harbinger\nDisallow: /private/\n"),
        "/open" => redirect("302 Found", "/private/2"),
        _ => html(),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    assert!(fetcher.fetch(&page(server.url("/news"))).await.is_ok());
    assert_eq!(refused(&fetcher, server.url("/private/1")).await, FailureClass::Robots);
    assert_eq!(refused(&fetcher, server.url("/open")).await, FailureClass::Robots);
    assert_eq!(server.paths(), ["/robots.txt", "/news", "/open"]);
}

#[tokio::test]
async fn robots_txt_does_not_bind_feeds_nor_when_switched_off() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nDisallow: /\n"),
        _ => html(),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    let feed =
        FetchRequest { allows_private_addresses: true, ..FetchRequest::feed(server.url("/f")) };
    assert!(fetcher.fetch(&feed).await.is_ok());
    let rude = Fetcher::new(FetchSettings { respects_robots: false, ..settings() }).unwrap();
    assert!(rude.fetch(&page(server.url("/p"))).await.is_ok());
    assert_eq!(server.paths(), ["/f", "/p"]);
}

#[tokio::test]
async fn a_failing_robots_txt_closes_the_host_and_a_missing_one_opens_it() {
    let failing = Server::start(|path, _| match path {
        "/robots.txt" => response("500 Internal Server Error", &[], b""),
        _ => html(),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    assert_eq!(refused(&fetcher, failing.url("/1")).await, FailureClass::Http5xx);
    let wait = postponed(&fetcher, failing.url("/2")).await;
    assert!(wait > Duration::from_secs(590), "{wait:?}");
    assert_eq!(failing.paths(), ["/robots.txt"], "asked once, then remembered");
    for status in ["404 Not Found", "403 Forbidden", "410 Gone"] {
        let missing = Server::start(move |path, _| match path {
            "/robots.txt" => response(status, &[], b""),
            _ => html(),
        })
        .await;
        assert!(fetcher.fetch(&page(missing.url("/1"))).await.is_ok(), "{status}");
    }
}

#[tokio::test]
async fn a_huge_robots_txt_is_read_as_far_as_it_must_be() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => {
            let mut file = b"User-agent: *\nDisallow: /private\n".to_vec();
            file.extend(b"# filler\n".repeat(3_000_000));
            ok("text/plain", &file)
        }
        _ => html(),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    assert_eq!(refused(&fetcher, server.url("/private")).await, FailureClass::Robots);
    assert!(fetcher.fetch(&page(server.url("/news"))).await.is_ok());
}

#[tokio::test]
async fn a_crawl_delay_longer_than_the_wait_postpones_the_page() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nCrawl-delay: 90\n"),
        _ => html(),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    assert!(fetcher.fetch(&page(server.url("/1"))).await.is_ok());
    let wait = postponed(&fetcher, server.url("/2")).await;
    assert!(wait > Duration::from_secs(80), "{wait:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/1"]);
}

#[tokio::test]
async fn a_fetcher_in_a_hurry_keeps_the_same_pauses_and_waits_for_none() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        _ => html(),
    })
    .await;
    let pause = Duration::from_millis(600);
    let fetcher = Fetcher::new(FetchSettings { page_interval: pause, ..settings() }).unwrap();
    let hurried = fetcher.waiting_at_most(Duration::from_millis(100));
    assert!(fetcher.fetch(&page(server.url("/1"))).await.is_ok());
    let wait = postponed(&hurried, server.url("/2")).await;
    assert!(Duration::from_millis(100) < wait && wait <= pause, "{wait:?}");
    let patient = fetcher.fetch(&page(server.url("/3"))).await;
    assert!(matches!(patient, Ok(FetchOutcome::Fetched(_))), "{patient:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/1", "/3"]);
}

#[tokio::test]
async fn a_busy_robots_txt_closes_its_host_as_long_as_it_asks() {
    let busy = |status: &'static str| {
        Server::start(move |path, _| match path {
            "/robots.txt" => response(status, &[("Retry-After", "3600")], b""),
            _ => html(),
        })
    };
    let fetcher = Fetcher::new(settings()).unwrap();
    for (status, class) in [
        ("429 Too Many Requests", FailureClass::Http429),
        ("503 Service Unavailable", FailureClass::Http5xx),
    ] {
        let server = busy(status).await;
        assert_eq!(refused(&fetcher, server.url("/1")).await, class);
        let wait = postponed(&fetcher, server.url("/2")).await;
        assert!(wait > Duration::from_secs(3_500), "{status}: {wait:?}");
        assert_eq!(server.paths(), ["/robots.txt"], "{status}");
        // A 429 is about the whole site, and so about its feeds.
        let feed =
            FetchRequest { allows_private_addresses: true, ..FetchRequest::feed(server.url("/f")) };
        let outcome = fetcher.fetch(&feed).await.unwrap();
        let is_silent = matches!(outcome, FetchOutcome::Postponed { .. });
        assert_eq!(is_silent, class == FailureClass::Http429, "{status}: {outcome:?}");
    }
}

#[tokio::test]
async fn after_a_429_the_site_is_left_alone_as_long_as_it_asks() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        _ => response("429 Too Many Requests", &[("Retry-After", "120")], b""),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    let outcome = fetcher.fetch(&page(server.url("/1"))).await.unwrap();
    let FetchOutcome::RateLimited { retry_after } = outcome else { panic!("{outcome:?}") };
    assert_eq!(retry_after, Duration::from_secs(120));
    let wait = postponed(&fetcher, server.url("/2")).await;
    assert!(wait > Duration::from_secs(110), "{wait:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/1"], "the second page was not asked for");
    let silent = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        _ => response("429 Too Many Requests", &[], b""),
    })
    .await;
    let outcome = fetcher.fetch(&page(silent.url("/1"))).await.unwrap();
    let FetchOutcome::RateLimited { retry_after } = outcome else { panic!("{outcome:?}") };
    assert_eq!(retry_after, Duration::from_secs(30));
}

#[tokio::test]
async fn a_silence_holds_for_the_fetcher_of_the_next_start() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        _ => response("429 Too Many Requests", &[("Retry-After", "120")], b""),
    })
    .await;
    let before = Fetcher::new(settings()).unwrap();
    let outcome = before.fetch(&page(server.url("/1"))).await.unwrap();
    assert!(matches!(outcome, FetchOutcome::RateLimited { .. }), "{outcome:?}");
    tokio::time::timeout(Duration::from_secs(10), before.silenced()).await.unwrap();
    let silences = before.silences();
    assert_eq!(silences.len(), 1);
    assert_eq!(silences[0].site, format!("127.0.0.1:{}", server.port));

    let after = Fetcher::new(settings()).unwrap();
    after.keep_silences(silences);
    let wait = postponed(&after, server.url("/2")).await;
    assert!(wait > Duration::from_secs(110), "{wait:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/1"], "it was asked after the restart");
    // No clock that was set makes a silence endless.
    let left = Duration::from_secs(1 << 30);
    after.keep_silences([Silence { site: "a.example".to_owned(), left }]);
    assert!(after.silences().iter().all(|it| it.left <= Duration::from_secs(24 * 3_600)));
}

#[tokio::test]
async fn a_robots_txt_that_could_not_be_had_closes_its_host_for_the_next_start_too() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => response("503 Service Unavailable", &[("Retry-After", "3600")], b""),
        _ => html(),
    })
    .await;
    let before = Fetcher::new(settings()).unwrap();
    assert_eq!(refused(&before, server.url("/1")).await, FailureClass::Http5xx);
    tokio::time::timeout(Duration::from_secs(10), before.silenced()).await.unwrap();
    // So does one that nobody answers for.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("http://{free}/1");
    assert_eq!(refused(&before, nowhere.clone()).await, FailureClass::Connect);
    tokio::time::timeout(Duration::from_secs(10), before.silenced()).await.unwrap();
    let silences = before.silences();
    assert_eq!(silences.len(), 2, "{silences:?}");

    let after = Fetcher::new(settings()).unwrap();
    after.keep_silences(silences);
    let wait = postponed(&after, server.url("/2")).await;
    assert!(wait > Duration::from_secs(3_500), "{wait:?}");
    let wait = postponed(&after, nowhere).await;
    assert!(wait > Duration::from_secs(590), "{wait:?}");
    assert_eq!(server.paths(), ["/robots.txt"], "it was asked after the restart");
    // What robots.txt does not bind is fetched.
    let feed =
        FetchRequest { allows_private_addresses: true, ..FetchRequest::feed(server.url("/f")) };
    assert!(matches!(after.fetch(&feed).await, Ok(FetchOutcome::Fetched(_))));
    let left = Duration::from_secs(1 << 30);
    after.keep_silences([Silence { site: "https://a.example".to_owned(), left }]);
    assert!(after.silences().iter().all(|it| it.left <= Duration::from_secs(24 * 3_600)));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_host_of_many_is_asked_too_early_or_for_what_it_forbids() {
    let log = hosts::Log::default();
    let port = hosts::serve(Arc::clone(&log)).await;
    let pause = Duration::from_millis(150);
    let fetcher = Fetcher::new(FetchSettings { page_interval: pause, ..settings() }).unwrap();
    // Fewer than ten: the tenth of each ten hosts asks for seconds.
    let n_articles = hosts::crawl(&Arc::new(fetcher), port, 9, 8, pause).await;
    let log = log.lock().unwrap();
    assert_eq!(n_articles, 9 * 6);
    assert_eq!(log.len(), 9 * 7, "six pages of each host, and its robots.txt once");
    hosts::check(&log, pause);
}
