//! Servers that misbehave: each fault ends as one logged, counted, classed failure, and nothing
//! else stops.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use axum::http::header::{CONTENT_ENCODING, RETRY_AFTER};
use flate2::Compression;
use flate2::write::GzEncoder;
use tests::pages::{self, MadeUp, id_of};
use tests::{Finished, FixtureSite, Reply, TestApp, eventually};

/// Larger than any body may be (15 MiB).
const N_BYTES_TOO_MANY: usize = 20 << 20;

/// A fault, the class it must be counted under, and what serves it.
struct Fault {
    name: &'static str,
    class: &'static str,
    reply: Reply,
}

fn fault(name: &'static str, class: &'static str, reply: Reply) -> Fault {
    Fault { name, class, reply }
}

/// The faults that feeds and pages share; `good` is a whole and healthy answer.
fn faults(good: &Reply) -> Vec<Fault> {
    let large = vec![b'a'; N_BYTES_TOO_MANY];
    let bomb = good.clone().with_body(gzip(&vec![b' '; 4 * N_BYTES_TOO_MANY]));
    vec![
        fault("empty", "empty_body", good.clone().with_body("")),
        fault("large", "too_large", good.clone().with_body(large)),
        fault("bomb", "too_large", bomb.with_header(CONTENT_ENCODING, "gzip")),
        fault("loop", "redirect_loop", Reply::redirect("/loop")),
        fault("slow", "timeout", good.clone().dripping(Duration::from_secs(1))),
        fault("missing", "http_404", Reply::status(404)),
        fault("busy", "http_429", Reply::status(429).with_header(RETRY_AFTER, "120")),
        fault("dropped", "dropped", good.clone().broken()),
    ]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn app() -> TestApp {
    // Short enough for a server that sends a byte a second, long enough for a busy machine.
    TestApp::new()
        .set("fetch.connect_timeout_s", "8")
        .set("fetch.total_timeout_s", "8")
        .set("crawl.retry_base_s", "600")
}

/// A healthy site with a feed of three articles; answers their URLs.
fn publish_healthy(site: &FixtureSite) -> Vec<String> {
    let mut items = Vec::new();
    for n in 0..3 {
        let article = MadeUp::article(n);
        let path = format!("/good/{n}");
        site.put(&path, Reply::html(article.html()));
        items.push((site.url(&path), article.title));
    }
    site.put("/good.xml", Reply::rss(pages::rss("Healthy", &items)));
    items.into_iter().map(|(url, _)| url).collect()
}

async fn check_archived(app: &TestApp, urls: &[String]) {
    let archive = app.archive().await;
    for url in urls {
        let id = id_of(url);
        let stored = archive.article(&id).await.expect("the archive can be read");
        assert!(stored.is_some(), "{url} is not archived");
    }
    archive.close().await;
}

/// Checks that each class was counted as often in the archive as in `expected`.
async fn check_counted(app: &TestApp, stage: &str, expected: &BTreeMap<&str, u64>) {
    let archive = app.archive().await;
    let counts = archive.counts().await.expect("counts");
    archive.close().await;
    let counted: BTreeMap<&str, u64> = counts
        .failures
        .iter()
        .filter(|it| it.stage == stage)
        .map(|it| (it.class.as_str(), it.n))
        .collect();
    assert_eq!(&counted, expected, "failures of stage {stage}");
}

/// Checks that exactly one warning or error names `subject`, with its class.
fn check_logged_once(finished: &Finished, subject: &str, class: &str) {
    let lines: Vec<String> = finished
        .log()
        .filter(|it| matches!(it["level"].as_str(), Some("WARN" | "ERROR")))
        .map(|it| it.to_string())
        .filter(|it| it.contains(subject))
        .collect();
    assert_eq!(lines.len(), 1, "{subject}: {lines:#?}");
    assert!(lines[0].contains(class), "{subject} is not logged as {class}: {}", lines[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_faulty_feed_is_one_failure_and_stops_nothing_else() {
    let app = app();
    let healthy = FixtureSite::start().await;
    let expected = publish_healthy(&healthy);
    app.add_source("healthy", &healthy.url("/good.xml"));
    let good = Reply::rss(pages::rss("Never read", &[]));
    let mut faults = faults(&good);
    faults.push(fault("nonsense", "not_a_feed", Reply::rss("this is not a feed")));
    let mut sites = Vec::new();
    for (n, fault) in faults.iter().enumerate() {
        // A host for each: 429 silences a whole one.
        let site = FixtureSite::start_on(10 + n as u8).await;
        let path = format!("/{}", fault.name);
        site.put(&path, fault.reply.clone());
        app.add_source(&format!("faulty-{}", fault.name), &site.url(&path));
        sites.push(site);
    }

    let finished = app.run_once().await;

    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check_archived(&app, &expected).await;
    let mut n_by_class = BTreeMap::new();
    for fault in &faults {
        *n_by_class.entry(fault.class).or_default() += 1;
        check_logged_once(&finished, &format!("faulty-{}", fault.name), fault.class);
    }
    check_counted(&app, "poll", &n_by_class).await;
    let counts = finished.json();
    assert_eq!(counts["n_polls_failed"].as_u64(), Some(faults.len() as u64), "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_faulty_page_is_one_failure_and_stops_nothing_else() {
    let app = app();
    let healthy = FixtureSite::start().await;
    let expected = publish_healthy(&healthy);
    app.add_source("healthy", &healthy.url("/good.xml"));
    let good = Reply::html(MadeUp::article(99).html());
    let mut faults = faults(&good);
    faults.push(fault(
        "picture",
        "not_html",
        Reply::new("image/png", &b"\x89PNG\r\n\x1a\n\0\0"[..]),
    ));
    faults.push(fault("bare", "no_text", Reply::html("<html><body><nav>Home</nav></body></html>")));
    let mut sites = Vec::new();
    let mut items = Vec::new();
    for (n, fault) in faults.iter().enumerate() {
        let site = FixtureSite::start_on(30 + n as u8).await;
        let path = format!("/{}", fault.name);
        site.put(&path, fault.reply.clone());
        items.push((site.url(&path), fault.name.to_owned()));
        sites.push(site);
    }
    healthy.put("/faulty.xml", Reply::rss(pages::rss("Faulty pages", &items)));
    app.add_source("faulty", &healthy.url("/faulty.xml"));

    let finished = app.run_once().await;

    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    check_archived(&app, &expected).await;
    let mut n_by_class = BTreeMap::new();
    for (fault, (url, _)) in faults.iter().zip(&items) {
        *n_by_class.entry(fault.class).or_default() += 1;
        check_logged_once(&finished, url, fault.class);
    }
    check_counted(&app, "crawl", &n_by_class).await;
    let counts = finished.json();
    assert_eq!(counts["n_entries_failed"].as_u64(), Some(faults.len() as u64), "{counts}");
    assert_eq!(counts["n_articles"].as_u64(), Some(expected.len() as u64), "{counts}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_robots_txt_fails_is_left_alone_after_a_restart_too() {
    let app = app();
    let site = FixtureSite::start().await;
    site.put("/robots.txt", Reply::status(503).with_header(RETRY_AFTER, "3600"));
    for (n, name) in [(1, "first"), (2, "second")] {
        let (feed, page) = (format!("/{name}.xml"), format!("/{name}.html"));
        site.put(&page, Reply::html(MadeUp::article(n).html()));
        let items = [(site.url(&page), name.to_owned())];
        site.put(&feed, Reply::rss(pages::rss(name, &items)));
        app.add_source(name, &site.url(&feed));
        let finished = app.run_once().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(site.n_requests(&feed), 1, "feeds are read all the same");
        assert_eq!(site.n_requests(&page), 0);
        assert_eq!(site.n_requests("/robots.txt"), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_crawl_delay_loses_no_page_is_kept_and_holds_up_no_other_host() {
    // Without pauses of its own the crawler waits a second for a turn; each try is the last, and there
    // is one place for all.
    let app = app().set("crawl.attempts_max", "1").set("fetch.n_fetches_max", "1");
    let slow = FixtureSite::start_on(60).await;
    slow.put("/robots.txt", Reply::new("text/plain", "User-agent: *\nCrawl-delay: 3\n"));
    let quick = FixtureSite::start_on(61).await;
    let mut expected = publish_healthy(&slow);
    expected.extend(publish_healthy(&quick));
    app.add_source("slow", &slow.url("/good.xml"));
    app.add_source("quick", &quick.url("/good.xml"));

    let served = app.serve().await;
    eventually("every page is asked for", Duration::from_secs(120), async || {
        (slow.asked_at("/good/").len() == 3 && quick.asked_at("/good/").len() == 3).then_some(())
    })
    .await;
    let (status, printed) = served.stop().await;

    assert!(status.success(), "{status}: {printed}");
    check_archived(&app, &expected).await;
    check_counted(&app, "crawl", &BTreeMap::new()).await;
    let asked = slow.asked_at("/good/");
    for pair in asked.windows(2) {
        let gap = pair[1] - pair[0];
        assert!(Duration::from_secs(3) <= gap, "asked again after {gap:?}");
    }
    assert!(quick.asked_at("/good/").iter().all(|it| *it < asked[1]), "the slow host held them up");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_in_windows_1252_that_calls_itself_utf_8_is_read_right() {
    let app = app();
    let site = FixtureSite::start().await;
    let mut article = MadeUp::article(7);
    article.paragraphs[1] = "Die Straße nach Zürich war – „endlich“ – frei, sagte José.".into();
    // Each of these characters is one byte in windows-1252.
    let bytes: Vec<u8> = article.html().chars().map(windows_1252).collect();
    site.put("/page", Reply::html(bytes));
    site.put("/feed.xml", Reply::rss(pages::rss("Old", &[(site.url("/page"), "Old".into())])));
    app.add_source("old", &site.url("/feed.xml"));

    let finished = app.run_once().await;

    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let archive = app.archive().await;
    let id = id_of(&site.url("/page"));
    let stored = archive.article(&id).await.expect("readable").expect("archived");
    archive.close().await;
    assert!(stored.article.text.contains(&article.paragraphs[1]), "{}", stored.article.text);
}

fn windows_1252(letter: char) -> u8 {
    match letter {
        '–' => 0x96,
        '„' => 0x84,
        '“' => 0x93,
        _ => u8::try_from(u32::from(letter)).expect("a letter of Latin-1"),
    }
}
