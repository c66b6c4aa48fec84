//! One fetch: what comes back, and how each kind of trouble is classed.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::FailureClass;
use ingest::fetch::{FetchOutcome, FetchRequest, FetchSettings, Fetcher, Page};

use crate::server::{Reply, Server, not_found, ok, redirect, response};

/// Settings that keep tests quick; limits are as in production where a test does not say other.
pub(crate) fn settings() -> FetchSettings {
    FetchSettings {
        user_agent: "Harbinger/test (+https://harbinger.example/bot)".to_owned(),
        page_interval: Duration::ZERO,
        feed_interval: Duration::ZERO,
        ..FetchSettings::default()
    }
}

fn feed(url: String) -> FetchRequest {
    FetchRequest { allows_private_addresses: true, ..FetchRequest::feed(url) }
}

async fn fetched(request: &FetchRequest) -> Page {
    let fetcher = Fetcher::new(settings()).unwrap();
    match fetcher.fetch(request).await.unwrap() {
        FetchOutcome::Fetched(page) => page,
        other => panic!("expected a page, got {other:?}"),
    }
}

#[track_caller]
fn assert_class(result: Result<FetchOutcome, ingest::fetch::FetchError>, class: FailureClass) {
    let error = result.expect_err("the fetch should fail");
    assert_eq!(error.class(), class, "{error}");
}

async fn class_of(server: &Server, settings: FetchSettings, class: FailureClass) {
    let fetcher = Fetcher::new(settings).unwrap();
    assert_class(fetcher.fetch(&feed(server.url("/feed"))).await, class);
}

#[tokio::test]
async fn validators_come_with_the_page_and_go_back_unchanged() {
    let server = Server::start(|_, head| {
        let is_known = head.contains("if-none-match: w/\"a b\"\r\n")
            && head.contains("if-modified-since: sat, 1 nov 2025 00:00:00 gmt\r\n");
        if is_known {
            return response("304 Not Modified", &[], b"");
        }
        let headers = [("ETag", "W/\"a b\""), ("Last-Modified", "Sat, 1 Nov 2025 00:00:00 GMT")];
        response("200 OK", &headers, b"<rss/>")
    })
    .await;
    let page = fetched(&feed(server.url("/feed"))).await;
    assert_eq!(page.body.as_ref(), b"<rss/>");
    let again = FetchRequest {
        etag: page.etag,
        last_modified: page.last_modified,
        ..feed(server.url("/feed"))
    };
    let outcome = Fetcher::new(settings()).unwrap().fetch(&again).await.unwrap();
    assert!(matches!(outcome, FetchOutcome::NotModified(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_date_to_come_again_counts_from_the_clock_where_the_server_names_none() {
    fn clock() -> DateTime<Utc> {
        "2025-11-03T10:15:00Z".parse().unwrap()
    }
    let until = "Mon, 03 Nov 2025 10:17:00 GMT";
    let server = Server::start(move |_, _| {
        response("503 Service Unavailable", &[("Retry-After", until)], b"")
    })
    .await;
    let settings = FetchSettings { clock: Some(clock), ..settings() };
    let error = Fetcher::new(settings).unwrap().fetch(&feed(server.url("/feed"))).await;
    assert_eq!(error.unwrap_err().retry_after(), Some(Duration::from_secs(120)));
}

#[tokio::test]
async fn the_crawler_says_who_it_is_and_sends_no_cookies() {
    let server = Server::start(|path, _| match path {
        "/feed" => response("302 Found", &[("Location", "/b"), ("Set-Cookie", "a=1")], b""),
        _ => ok("text/xml", b"<rss/>"),
    })
    .await;
    let page = fetched(&feed(server.url("/feed"))).await;
    assert_eq!(page.url.path(), "/b");
    assert!(page.moved_permanently_to.is_none(), "302 is no permanent redirect");
    for asked in server.asked() {
        assert!(asked.head.contains("user-agent: harbinger/test (+https://harbinger.example/bot)"));
        assert!(!asked.head.contains("cookie:"), "{}", asked.head);
    }
}

#[tokio::test]
async fn permanent_redirects_tell_the_new_address() {
    let server = Server::start(|path, _| match path {
        "/feed" => redirect("301 Moved Permanently", "/b#part"),
        "/b" => redirect("308 Permanent Redirect", "c"),
        _ => ok("text/xml", b"<rss/>"),
    })
    .await;
    let page = fetched(&feed(server.url("/feed"))).await;
    assert_eq!(page.moved_permanently_to.map(String::from), Some(server.url("/c")));
}

#[tokio::test]
async fn compressed_bodies_are_unpacked() {
    let server = Server::start(|_, head| {
        assert!(head.contains("gzip") && head.contains("br") && head.contains("zstd"), "{head}");
        response("200 OK", &[("Content-Encoding", "gzip")], &gzip(b"<rss>unpacked</rss>", 1))
    })
    .await;
    assert_eq!(fetched(&feed(server.url("/"))).await.body.as_ref(), b"<rss>unpacked</rss>");
}

#[tokio::test]
async fn statuses_are_classed() {
    for (status, class) in [
        ("404 Not Found", FailureClass::Http404),
        ("410 Gone", FailureClass::Http410),
        ("403 Forbidden", FailureClass::Http4xx),
        ("503 Service Unavailable", FailureClass::Http5xx),
        ("501 Not Implemented", FailureClass::HttpOther),
        ("300 Multiple Choices", FailureClass::HttpOther),
    ] {
        let server =
            Server::start(move |_, _| response(status, &[("Retry-After", "7")], b"")).await;
        let fetcher = Fetcher::new(settings()).unwrap();
        let error = fetcher.fetch(&feed(server.url("/feed"))).await.unwrap_err();
        assert_eq!(error.class(), class);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    }
}

#[tokio::test]
async fn a_body_of_20_mb_is_refused_announced_or_not() {
    let announced = Server::start(|_, _| ok("text/xml", &vec![b'x'; 20_000_000])).await;
    class_of(&announced, settings(), FailureClass::TooLarge).await;
    let surprising = Server::start(|_, _| {
        let head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
        Reply::Bytes([head, vec![b'x'; 20_000_000]].concat())
    })
    .await;
    class_of(&surprising, settings(), FailureClass::TooLarge).await;
}

#[tokio::test]
async fn a_gzip_bomb_is_refused_while_it_unpacks() {
    let bomb = gzip(&vec![0; 1_000_000], 2_000);
    assert!(bomb.len() < 3_000_000, "two gigabytes in {} bytes", bomb.len());
    let server =
        Server::start(move |_, _| response("200 OK", &[("Content-Encoding", "gzip")], &bomb)).await;
    let started = Instant::now();
    class_of(&server, settings(), FailureClass::TooLarge).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// `n` times the same bytes, packed as one gzip stream.
fn gzip(bytes: &[u8], n: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..n {
        encoder.write_all(bytes).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn broken_compression_is_classed() {
    let server = Server::start(|_, _| {
        response("200 OK", &[("Content-Encoding", "gzip")], b"this is not gzip at all")
    })
    .await;
    class_of(&server, settings(), FailureClass::Encoding).await;
}

#[tokio::test]
async fn redirect_loops_and_long_chains_end() {
    let circle = Server::start(|path, _| match path {
        "/feed" => redirect("302 Found", "/b"),
        _ => redirect("302 Found", "/feed"),
    })
    .await;
    class_of(&circle, settings(), FailureClass::RedirectLoop).await;
    assert_eq!(circle.paths(), ["/feed", "/b"]);
    let chain = Server::start(|path, _| redirect("302 Found", &format!("{path}x"))).await;
    class_of(&chain, settings(), FailureClass::RedirectLimit).await;
    assert_eq!(chain.paths().len(), 11, "the first request and ten redirects");
}

#[tokio::test]
async fn a_server_that_sends_one_byte_at_a_time_ends_at_the_total_timeout() {
    let server = Server::start(|_, _| {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n".to_vec();
        Reply::Dripping([bytes, vec![b'x'; 1_000]].concat(), Duration::from_millis(20))
    })
    .await;
    let total_timeout = Duration::from_millis(400);
    let started = Instant::now();
    class_of(&server, FetchSettings { total_timeout, ..settings() }, FailureClass::Timeout).await;
    assert!(started.elapsed() >= total_timeout && started.elapsed() < 10 * total_timeout);
}

#[tokio::test]
async fn dropped_connections_are_classed() {
    let no_answer = Server::start(|_, _| Reply::Bytes(Vec::new())).await;
    class_of(&no_answer, settings(), FailureClass::Dropped).await;
    let half = Server::start(|_, _| {
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n<rss>".to_vec())
    })
    .await;
    class_of(&half, settings(), FailureClass::Dropped).await;
    let packed = Server::start(|_, _| {
        let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 50000\r\n\r\n";
        Reply::Bytes([head.as_bytes(), &gzip(b"<rss>abc</rss>", 100)[..30]].concat())
    })
    .await;
    class_of(&packed, settings(), FailureClass::Dropped).await;
    let nonsense = Server::start(|_, _| Reply::Bytes(b"220 smtp ready\r\n\r\n".to_vec())).await;
    class_of(&nonsense, settings(), FailureClass::Dropped).await;
}

#[tokio::test]
async fn a_port_without_server_and_a_name_without_address_are_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let fetcher = Fetcher::new(settings()).unwrap();
    let closed = fetcher.fetch(&feed(format!("http://127.0.0.1:{port}/"))).await;
    assert_class(closed, FailureClass::Connect);
    let unknown = fetcher.fetch(&FetchRequest::feed("http://no-such-host.invalid/")).await;
    assert_class(unknown, FailureClass::Dns);
    let plain = Server::start(|_, _| ok("text/xml", b"<rss/>")).await;
    let tls = format!("https://127.0.0.1:{}/", plain.port);
    assert_class(fetcher.fetch(&feed(tls)).await, FailureClass::Tls);
}

#[tokio::test]
async fn inner_networks_are_refused_by_address_name_and_redirect() {
    let inside = Server::start(|_, _| ok("text/xml", b"<rss>secret</rss>")).await;
    let fetcher = Fetcher::new(settings()).unwrap();
    for url in [
        inside.url("/feed"),
        format!("http://localhost:{}/feed", inside.port),
        format!("http://[::ffff:127.0.0.1]:{}/feed", inside.port),
        format!("http://2130706433:{}/feed", inside.port),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://0.0.0.0/".to_owned(),
    ] {
        assert_class(fetcher.fetch(&FetchRequest::feed(url)).await, FailureClass::AddressRefused);
    }
    for url in ["file:///etc/passwd", "ftp://a.example/", "no url"] {
        assert_class(fetcher.fetch(&FetchRequest::feed(url)).await, FailureClass::InvalidUrl);
    }
    assert_eq!(inside.paths(), [""; 0], "the inner server was asked");
    // A public name that redirects inward: the name is overridden, its redirect is not.
    let target = inside.url("/feed");
    let outside = Server::start(move |_, _| redirect("302 Found", &target)).await;
    let mut settings = settings();
    let address = ([127, 0, 0, 1], outside.port).into();
    settings.host_overrides.insert("outside.example".to_owned(), address);
    let fetcher = Fetcher::new(settings).unwrap();
    let redirected = fetcher.fetch(&FetchRequest::feed("http://outside.example/")).await;
    assert_class(redirected, FailureClass::AddressRefused);
    assert_eq!(outside.paths().len(), 1);
    assert_eq!(inside.paths(), [""; 0], "the inner server was asked");
}

#[tokio::test]
async fn a_name_that_turns_inward_between_two_looks_is_refused() {
    static N_LOOKS: AtomicUsize = AtomicUsize::new(0);
    /// First an address that is public, but given to nobody; then this machine.
    fn look_up(_: &str) -> Vec<IpAddr> {
        match N_LOOKS.fetch_add(1, Ordering::SeqCst) {
            0 => vec![Ipv6Addr::new(0x2d00, 0, 0, 0, 0, 0, 0, 1).into()],
            _ => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        }
    }
    let inside = Server::start(|_, _| ok("text/xml", b"<rss>secret</rss>")).await;
    let connect_timeout = Duration::from_millis(200);
    let settings = FetchSettings { look_up: Some(look_up), connect_timeout, ..settings() };
    let fetcher = Fetcher::new(settings).unwrap();
    let request = FetchRequest::feed(format!("http://rebinding.example:{}/feed", inside.port));
    let outward = fetcher.fetch(&request).await.expect_err("nobody is there");
    assert!(
        matches!(outward.class(), FailureClass::Connect | FailureClass::Timeout),
        "it was asked at the public address: {outward}"
    );
    assert_eq!(N_LOOKS.load(Ordering::SeqCst), 1, "what was checked is what was connected to");
    assert_class(fetcher.fetch(&request).await, FailureClass::AddressRefused);
    assert_eq!(N_LOOKS.load(Ordering::SeqCst), 2);
    assert_eq!(inside.paths(), [""; 0], "the inner server was asked");
}

#[tokio::test]
async fn a_redirect_to_a_name_that_resolves_inward_is_refused() {
    fn look_up(_: &str) -> Vec<IpAddr> {
        vec![Ipv4Addr::LOCALHOST.into(), Ipv4Addr::new(10, 0, 0, 1).into()]
    }
    let inside = Server::start(|_, _| ok("text/xml", b"<rss>secret</rss>")).await;
    let target = format!("http://inner.example:{}/feed", inside.port);
    let outside = Server::start(move |_, _| redirect("301 Moved Permanently", &target)).await;
    let mut settings = FetchSettings { look_up: Some(look_up), ..settings() };
    let address = ([127, 0, 0, 1], outside.port).into();
    settings.host_overrides.insert("outside.example".to_owned(), address);
    let fetcher = Fetcher::new(settings).unwrap();
    let redirected = fetcher.fetch(&FetchRequest::feed("http://outside.example/")).await;
    assert_class(redirected, FailureClass::AddressRefused);
    assert_eq!(outside.paths(), ["/"]);
    assert_eq!(inside.paths(), [""; 0], "the inner server was asked");
}

#[tokio::test]
async fn redirects_to_other_schemes_are_refused() {
    let server = Server::start(|_, _| redirect("302 Found", "file:///etc/passwd")).await;
    class_of(&server, settings(), FailureClass::InvalidUrl).await;
    let nowhere = Server::start(|_, _| response("302 Found", &[], b"")).await;
    class_of(&nowhere, settings(), FailureClass::HttpOther).await;
}

#[tokio::test]
async fn freshness_is_read_from_the_headers() {
    let server =
        Server::start(|_, _| response("200 OK", &[("Cache-Control", "max-age=900")], b"x")).await;
    let page = fetched(&feed(server.url("/"))).await;
    assert_eq!(page.fresh_for, Some(Duration::from_secs(900)));
    let missing = Server::start(|_, _| not_found()).await;
    class_of(&missing, settings(), FailureClass::Http404).await;
}
