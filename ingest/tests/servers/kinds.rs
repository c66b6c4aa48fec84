//! Kinds of sources beside feeds: sites, sitemaps, listing pages, JSON documents, folders.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chrono::TimeDelta;
use config::{JsonRules, ListingRules, Source};
use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::crawl::crawl_entry;
use ingest::discover::FoundKind;
use ingest::fetch::Fetcher;
use ingest::poll::{PollOutcome, PollResult, SourceState, poll_source};
use ingest::{Article, FailureClass};

use crate::fetch::settings;
use crate::poll::{now, source};
use crate::server::{Reply, Server, not_found, ok, response};

/// A source of no kind yet.
fn bare(server: &Server) -> Source {
    Source { feed_url: None, ..source(server) }
}

async fn poll(source: &Source, state: &SourceState, minutes: i64) -> PollOutcome {
    let fetcher = Fetcher::new(settings()).unwrap();
    let settings = config::Settings::default().poll;
    poll_source(&fetcher, source, state, &settings, now() + TimeDelta::minutes(minutes)).await
}

#[track_caller]
fn paths(outcome: &PollOutcome) -> Vec<String> {
    outcome.entries.iter().map(|it| it.url.to_url().path().to_owned()).collect()
}

#[track_caller]
fn class(outcome: &PollOutcome) -> FailureClass {
    match &outcome.result {
        PollResult::Failed { class, .. } => *class,
        other => panic!("expected a failure, got {other:?}"),
    }
}

fn rss(items: &str) -> Vec<u8> {
    format!("<rss version='2.0'><channel><title>Desk</title>{items}</channel></rss>").into_bytes()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn urlset(pages: &[(&str, &str)]) -> String {
    let pages: String = pages
        .iter()
        .map(|(path, day)| format!("<url><loc>{path}</loc><lastmod>{day}</lastmod></url>"))
        .collect();
    format!("<urlset>{pages}</urlset>")
}

#[tokio::test]
async fn a_sitemap_gives_pages_of_its_site_newest_first_and_not_the_old_ones() {
    let server = Server::start(|_, _| {
        let text = urlset(&[
            ("/old", "2024-01-01"),
            ("/yesterday", "2025-11-02"),
            ("https://elsewhere.example/x", "2025-11-03"),
            ("/today", "2025-11-03"),
        ]);
        ok("application/gzip", &gzip(&text))
    })
    .await;
    let url = server.url("/sitemap.xml.gz").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    let outcome = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(paths(&outcome), ["/today", "/yesterday"]);
    assert_eq!(outcome.entries[0].published_at, None, "a change is no publication");
    let again = poll(&source, &outcome.state, 60).await;
    assert_eq!(again.result, PollResult::Unchanged);
    let all = Source { entry_days_max: Some(3_000), ..source };
    assert_eq!(paths(&poll(&all, &SourceState::default(), 0).await).len(), 3);
}

#[tokio::test]
async fn the_sitemaps_of_an_index_are_read_when_they_may_have_changed() {
    let n_asked = AtomicUsize::new(0);
    let server = Server::start(move |path, head| match path {
        "/index.xml" if head.contains("if-none-match: \"i\"") => {
            response("304 Not Modified", &[], b"")
        }
        "/index.xml" => {
            let entry = |path: &str, day: &str| {
                format!("<sitemap><loc>{path}</loc><lastmod>{day}</lastmod></sitemap>")
            };
            let text = format!(
                "<sitemapindex>{}{}{}{}</sitemapindex>",
                entry("/2019.xml", "2019-12-31"),
                entry("/now.xml", "2025-11-03"),
                entry("http://192.0.2.1/evil.xml", "2025-11-03"),
                entry("/nested.xml", "2025-11-02"),
            );
            response("200 OK", &[("ETag", "\"i\"")], text.as_bytes())
        }
        "/now.xml" => {
            let text = match n_asked.fetch_add(1, Ordering::SeqCst) {
                0 => urlset(&[("/a", "2025-11-03")]),
                _ => urlset(&[("/b", "2025-11-03"), ("/a", "2025-11-03")]),
            };
            ok("text/xml", text.as_bytes())
        }
        "/nested.xml" => {
            ok("text/xml", b"<sitemapindex><sitemap><loc>/index.xml</loc></sitemap></sitemapindex>")
        }
        _ => not_found(),
    })
    .await;
    let url = server.url("/index.xml").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(paths(&first), ["/a"]);
    assert_eq!(server.paths(), ["/index.xml", "/now.xml", "/nested.xml"]);
    // The index says 304, and the sitemap of today is read all the same.
    let second = poll(&source, &first.state, 60).await;
    assert_eq!(second.result, PollResult::Parsed { n_entries: 2, n_new: 1 });
    // Later on the day that the index names, more may have come after the last look.
    let third = poll(&source, &second.state, 2 * 24 * 60).await;
    assert_eq!(third.result, PollResult::Parsed { n_entries: 2, n_new: 0 });
    let fourth = poll(&source, &third.state, 3 * 24 * 60).await;
    assert_eq!(fourth.result, PollResult::NotModified, "nothing of it can be new");
    assert_eq!(server.paths().len(), 8, "{:?}", server.paths());
}

#[tokio::test]
async fn an_index_of_thousands_is_read_a_few_at_a_time() {
    let server = Server::start(|path, _| {
        if path == "/index.xml" {
            let all: String =
                (0..3_000).map(|n| format!("<sitemap><loc>/s{n}.xml</loc></sitemap>")).collect();
            return ok("text/xml", format!("<sitemapindex>{all}</sitemapindex>").as_bytes());
        }
        ok("text/xml", urlset(&[(&format!("/page-of{}", path.replace('/', "-")), "")]).as_bytes())
    })
    .await;
    let url = server.url("/index.xml").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(first.entries.len(), 10);
    assert_eq!(first.state.parts.len(), 500);
    let second = poll(&source, &first.state, 60).await;
    assert_eq!(second.result, PollResult::Parsed { n_entries: 10, n_new: 10 }, "they take turns");
    assert!(serde_json::to_string(&second.state).unwrap().len() < 200_000);
}

/// A sitemap of pages without dates; every request finds one more at its end.
async fn growing(n_pages_first: usize) -> (Server, Source) {
    let n_polls = AtomicUsize::new(0);
    let server = Server::start(move |_, _| {
        let n_pages = n_pages_first + n_polls.fetch_add(1, Ordering::SeqCst);
        let all: String = (0..n_pages).map(|n| format!("<url><loc>/{n}</loc></url>")).collect();
        ok("text/xml", format!("<urlset>{all}</urlset>").as_bytes())
    })
    .await;
    let url = server.url("/sitemap.xml").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    (server, source)
}

#[tokio::test]
async fn of_undated_pages_only_some_are_new_also_later_on() {
    let (_server, source) = growing(5_000).await;
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(first.entries.len(), 100);
    let second = poll(&source, &first.state, 60).await;
    assert_eq!(paths(&second), ["/5000"]);
    assert_eq!(paths(&poll(&source, &second.state, 120).await), ["/5001"]);
}

#[tokio::test]
async fn of_more_undated_pages_than_are_remembered_none_looks_new() {
    let (_server, source) = growing(20_001).await;
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(first.result, PollResult::Parsed { n_entries: 0, n_new: 0 });
    assert_eq!(first.state.undated.len(), 20_000);
}

#[tokio::test]
async fn a_sitemap_that_is_gone_does_not_end_its_index_nor_do_failures_starve_one_that_recovers() {
    let n_asked = AtomicUsize::new(0);
    let server = Server::start(move |path, head| match path {
        "/index.xml" => {
            let all: String =
                (0..12).map(|n| format!("<sitemap><loc>/s{n}.xml</loc></sitemap>")).collect();
            ok("text/xml", format!("<sitemapindex>{all}</sitemapindex>").as_bytes())
        }
        "/s0.xml" => response("410 Gone", &[], b""),
        "/s1.xml" if n_asked.fetch_add(1, Ordering::SeqCst) == 0 => not_found(),
        _ if head.contains("if-none-match") => response("304 Not Modified", &[], b""),
        _ => {
            let page = urlset(&[(&format!("/page{path}"), "")]);
            response("200 OK", &[("ETag", "\"p\"")], page.as_bytes())
        }
    })
    .await;
    let url = server.url("/index.xml").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    let mut state = SourceState::default();
    let mut seen = Vec::new();
    for n in 0..4 {
        let outcome = poll(&source, &state, n * 60).await;
        assert!(!matches!(outcome.result, PollResult::Failed { .. }), "{:?}", outcome.result);
        seen.extend(paths(&outcome));
        state = outcome.state;
    }
    assert_eq!(seen.len(), 11, "{seen:?}");
    assert!(seen.contains(&"/page/s1.xml".to_owned()), "{seen:?}");
    assert!(!state.is_gone && state.failure_score == 0.0);

    // Alone in its index and gone: the index is asked again, since others may come.
    let server = Server::start(|path, _| match path {
        "/index.xml" => {
            ok("text/xml", b"<sitemapindex><sitemap><loc>/s0.xml</loc></sitemap></sitemapindex>")
        }
        _ => response("410 Gone", &[], b""),
    })
    .await;
    let url = server.url("/index.xml").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    let outcome = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(class(&outcome), FailureClass::Http404);
    assert!(outcome.state.next_poll_at.is_some());
}

#[tokio::test]
async fn a_sitemap_that_fails_does_not_keep_the_others_waiting() {
    let server = Server::start(|path, _| {
        if path == "/index.xml" {
            let all: String =
                (0..12).map(|n| format!("<sitemap><loc>/s{n}.xml</loc></sitemap>")).collect();
            return ok("text/xml", format!("<sitemapindex>{all}</sitemapindex>").as_bytes());
        }
        match path.trim_start_matches("/s").trim_end_matches(".xml").parse() {
            Ok(0..10) => not_found(),
            _ => ok("text/xml", urlset(&[(&format!("/page{path}"), "")]).as_bytes()),
        }
    })
    .await;
    let url = server.url("/index.xml").parse().unwrap();
    let source = Source { sitemap_url: Some(url), ..bare(&server) };
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(class(&first), FailureClass::Http404);
    let second = poll(&source, &first.state, 60).await;
    assert_eq!(paths(&second), ["/page/s10.xml", "/page/s11.xml"]);
}

#[tokio::test]
async fn a_site_whose_sitemap_was_found_gives_no_old_pages_and_is_looked_at_again_after_410() {
    let is_gone = Arc::new(AtomicBool::new(false));
    let gone = is_gone.clone();
    let server = Server::start(move |path, _| match path {
        "/" if gone.load(Ordering::SeqCst) => {
            ok("text/html", b"<link rel=alternate type=application/rss+xml href=/new.xml>")
        }
        "/" => ok("text/html", b"<title>Plain</title><p>Nothing declared."),
        "/sitemap.xml" if gone.load(Ordering::SeqCst) => response("410 Gone", &[], b""),
        "/sitemap.xml" => {
            let pages = urlset(&[("/old", "2019-01-01"), ("/today", "2025-11-03")]);
            ok("text/xml", pages.as_bytes())
        }
        "/new.xml" => ok("text/xml", &rss("<item><title>B</title><link>/b</link></item>")),
        _ => not_found(),
    })
    .await;
    let source = Source { site_url: Some(server.url("/").parse().unwrap()), ..bare(&server) };
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(paths(&first), ["/today"]);
    is_gone.store(true, Ordering::SeqCst);
    let second = poll(&source, &first.state, 60).await;
    assert_eq!(class(&second), FailureClass::Http410);
    assert!(second.state.next_poll_at.is_some(), "the site is not gone");
    assert_eq!(paths(&poll(&source, &second.state, 600).await), ["/b"]);
}

#[tokio::test]
async fn the_hub_and_the_rhythm_of_a_feed_go_with_it() {
    let is_moved = Arc::new(AtomicBool::new(false));
    let moved = Arc::clone(&is_moved);
    let server = Server::start(move |path, _| match path {
        "/" if moved.load(Ordering::SeqCst) => ok("text/html", b"<title>Plain</title><p>Moved."),
        "/" => ok("text/html", b"<link rel=alternate type=application/rss+xml href=/feed.xml>"),
        "/feed.xml" if !moved.load(Ordering::SeqCst) => ok(
            "text/xml",
            &rss("<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='hub' href='/hub'/>\
                  <atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='self' href='/feed.xml'/><ttl>90</ttl>\
                  <item><link>/a</link></item>"),
        ),
        "/sitemap.xml" => ok("text/xml", urlset(&[("/b", "2025-11-03")]).as_bytes()),
        _ => not_found(),
    })
    .await;
    let source = Source { site_url: Some(server.url("/").parse().unwrap()), ..bare(&server) };
    let mut state = poll(&source, &SourceState::default(), 0).await.state;
    assert!(state.hub.is_some());
    assert_ne!(state.rhythm, Default::default());
    is_moved.store(true, Ordering::SeqCst);
    for minutes in [120, 240, 600] {
        state = poll(&source, &state, minutes).await.state;
    }
    assert_eq!(state.found.map(|it| it.kind), Some(FoundKind::Sitemap));
    assert_eq!((state.hub, state.rhythm), (None, Default::default()));
}

#[tokio::test]
async fn a_site_is_polled_by_the_feed_it_declares_and_looked_at_again_when_that_is_gone() {
    let n_feeds = AtomicUsize::new(0);
    let server = Server::start(move |path, _| match path {
        "/" => {
            let feed = if n_feeds.fetch_add(1, Ordering::SeqCst) == 0 { "old" } else { "new" };
            let page = format!(
                "<html lang=de><title>The Desk</title>\
                 <link rel=alternate type=application/rss+xml href=/comments/feed title=Comments>\
                 <link rel=alternate type=application/rss+xml href=/{feed}.xml>"
            );
            ok("text/html", page.as_bytes())
        }
        "/old.xml" if n_feeds.load(Ordering::SeqCst) == 1 => {
            ok("text/xml", &rss("<item><title>A</title><link>/a</link></item>"))
        }
        "/new.xml" => ok("text/xml", &rss("<item><title>B</title><link>/b</link></item>")),
        "/comments/feed" => ok("text/xml", &rss("<item><link>/c</link></item>")),
        _ => not_found(),
    })
    .await;
    let source = Source { site_url: Some(server.url("/").parse().unwrap()), ..bare(&server) };
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(paths(&first), ["/a"]);
    let found = first.state.found.clone().unwrap();
    assert_eq!((found.kind, found.title.as_deref()), (FoundKind::Feed, Some("Desk")));

    let mut state = first.state;
    // The page is not asked again while the feed is there; then the feed goes.
    state = poll(&source, &state, 60).await.state;
    assert_eq!(server.paths().iter().filter(|it| *it == "/").count(), 1);
    let page = reqwest_free_get(&server, "/").await;
    assert!(page.contains("new.xml"));
    for minutes in [120, 240] {
        let outcome = poll(&source, &state, minutes).await;
        assert_eq!(class(&outcome), FailureClass::Http404);
        state = outcome.state;
    }
    let last = poll(&source, &state, 600).await;
    assert_eq!(paths(&last), ["/b"]);
    assert_eq!(last.state.failure_score, 0.0);
}

/// Asks the server once, so that it goes on to its next state.
async fn reqwest_free_get(server: &Server, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_site_without_links_is_found_by_robots_txt_or_a_usual_place() {
    let server = Server::start(|path, _| match path {
        "/" => ok("text/html", b"<title>Plain</title><p>Nothing declared."),
        "/robots.txt" => ok("text/plain", b"User-agent: *\nAllow: /\nSitemap: /news-map.xml\n"),
        "/news-map.xml" => ok("text/xml", urlset(&[("/n", "2025-11-03")]).as_bytes()),
        _ => not_found(),
    })
    .await;
    let source = Source { site_url: Some(server.url("/").parse().unwrap()), ..bare(&server) };
    let outcome = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(paths(&outcome), ["/n"]);
    assert_eq!(outcome.state.found.unwrap().how, "named in robots.txt");

    let server = Server::start(|path, _| match path {
        "/" => ok("text/html", b"<title>Plain</title><p>Nothing declared."),
        "/rss.xml" => ok("text/xml", &rss("<item><link>/r</link></item>")),
        _ => not_found(),
    })
    .await;
    let source = Source { site_url: Some(server.url("/").parse().unwrap()), ..bare(&server) };
    assert_eq!(paths(&poll(&source, &SourceState::default(), 0).await), ["/r"]);
}

#[tokio::test]
async fn a_site_with_nothing_to_poll_says_so_and_is_not_asked_for_ever() {
    let server = Server::start(|path, _| match path {
        "/" => {
            let links: String = (0..500).map(|n| format!("<a href=/{n}/feed>x</a>")).collect();
            ok("text/html", links.as_bytes())
        }
        _ => not_found(),
    })
    .await;
    let source = Source { site_url: Some(server.url("/").parse().unwrap()), ..bare(&server) };
    let outcome = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(class(&outcome), FailureClass::NotAFeed);
    assert!(server.paths().len() <= 15, "{:?}", server.paths());

    let closed = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nDisallow: /\n"),
        _ => ok("text/html", b"<title>Closed</title>"),
    })
    .await;
    let source = Source { site_url: Some(closed.url("/").parse().unwrap()), ..bare(&closed) };
    assert_eq!(class(&poll(&source, &SourceState::default(), 0).await), FailureClass::Robots);
    assert_eq!(closed.paths(), ["/robots.txt"]);
}

#[tokio::test]
async fn a_listing_page_gives_what_its_selectors_say_and_obeys_robots_txt() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nDisallow: /closed\n"),
        _ => ok(
            "text/html",
            b"<ul><li><a href=/1>One</a><time datetime=2025-11-02>x</time></li><li><a href=/2>Two</a></li></ul>",
        ),
    })
    .await;
    let listing = |path: &str, item: &str| ListingRules {
        url: server.url(path).parse().unwrap(),
        item: item.to_owned(),
        link: None,
        title: None,
        date: None,
        summary: None,
    };
    let of = |rules| Source { listing: Some(rules), ..bare(&server) };
    let outcome = poll(&of(listing("/all", "li")), &SourceState::default(), 0).await;
    assert_eq!(paths(&outcome), ["/1", "/2"]);
    assert_eq!(outcome.entries[0].title.as_deref(), Some("One"));
    assert!(outcome.entries[0].published_at.is_some());
    let outcome = poll(&of(listing("/all", "article")), &SourceState::default(), 0).await;
    assert_eq!(class(&outcome), FailureClass::NotAFeed);
    let outcome = poll(&of(listing("/closed", "li")), &SourceState::default(), 0).await;
    assert_eq!(class(&outcome), FailureClass::Robots);
}

#[tokio::test]
async fn a_json_document_gives_entries_that_hold_their_articles() {
    let server = Server::start(|_, _| {
        ok(
            "application/json",
            br#"{"vulnerabilities": [
                {"cveID": "CVE-2020-1", "name": "Old", "dateAdded": "2020-01-01", "text": "x"},
                {"cveID": "CVE-2025-2", "name": "Gate flaw", "dateAdded": "2025-11-01",
                 "text": "The gate is exploited.\nPatch by Friday."}]}"#,
        )
    })
    .await;
    let rules = JsonRules {
        url: server.url("/kev.json").parse().unwrap(),
        items: "vulnerabilities".to_owned(),
        link: "/detail/{cveID}".to_owned(),
        title: "{name} ({cveID})".to_owned(),
        summary: None,
        date: Some("dateAdded".to_owned()),
        text: Some("text".to_owned()),
    };
    let source = Source { json: Some(rules), ..bare(&server) };
    let outcome = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(paths(&outcome), ["/detail/CVE-2025-2"], "old ones are left out");
    let article = crawl(&source, &outcome).await;
    assert_eq!(article.title, "Gate flaw (CVE-2025-2)");
    assert_eq!(article.text, "The gate is exploited.\nPatch by Friday.");
    assert_eq!(article.published_at, outcome.entries[0].published_at);
    assert_eq!(server.paths(), ["/kev.json"], "no page was fetched");
}

#[tokio::test]
async fn a_folder_of_files_becomes_articles() {
    let folder = tempfile::tempdir().unwrap();
    let text = "Grid operators warned on Monday that attackers would try to reach control rooms. ";
    let page = format!(
        "<html><head><title>Grid warned</title></head><body><article><h1>Grid warned</h1>{}</article></body></html>",
        format!("<p>{text}</p>").repeat(6)
    );
    std::fs::write(folder.path().join("grid.html"), page).unwrap();
    std::fs::write(folder.path().join("note.txt"), format!("# Desk note\n\n{text}\n\n{text}"))
        .unwrap();
    std::fs::write(folder.path().join("picture.png"), "x").unwrap();
    let mut source = Source::new("desk", "https://a.example/".parse().unwrap());
    source.feed_url = None;
    source.folder = Some(folder.path().to_path_buf());
    let outcome = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(outcome.result, PollResult::Parsed { n_entries: 2, n_new: 2 });
    let mut titles = Vec::new();
    for entry in &outcome.entries {
        let single = PollOutcome { entries: vec![entry.clone()], ..outcome.clone() };
        let article = crawl(&source, &single).await;
        assert!(article.text.contains("control rooms"), "{article:?}");
        titles.push(article.title);
    }
    titles.sort();
    assert_eq!(titles, ["Desk note", "Grid warned"]);
    assert_eq!(poll(&source, &outcome.state, 60).await.result, PollResult::Unchanged);
    std::fs::write(folder.path().join("more.txt"), text).unwrap();
    let more = poll(&source, &outcome.state, 60).await;
    assert_eq!(more.result, PollResult::Parsed { n_entries: 3, n_new: 1 });
    drop(folder);
    assert_eq!(class(&poll(&source, &more.state, 90).await), FailureClass::Http404);
}

#[tokio::test]
async fn of_a_large_folder_one_more_file_is_one_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let put = |n: usize| std::fs::write(folder.path().join(format!("{n}.txt")), "x").unwrap();
    (0..2_500).for_each(put);
    let mut source = Source::new("desk", "https://a.example/".parse().unwrap());
    (source.feed_url, source.folder) = (None, Some(folder.path().to_path_buf()));
    let first = poll(&source, &SourceState::default(), 0).await;
    assert_eq!(first.result, PollResult::Parsed { n_entries: 2_500, n_new: 2_500 });
    // Times of files are coarse; the newest comes first.
    std::thread::sleep(std::time::Duration::from_millis(20));
    put(2_500);
    let second = poll(&source, &first.state, 60).await;
    assert_eq!(second.result, PollResult::Parsed { n_entries: 2_501, n_new: 1 });
}

async fn crawl(source: &Source, outcome: &PollOutcome) -> Article {
    let fetcher = Fetcher::new(settings()).unwrap();
    let crawled = crawl_entry(&fetcher, source, &outcome.entries[0], 1_000_000, now()).await;
    crawled.unwrap().article
}

#[tokio::test]
async fn what_is_no_sitemap_or_json_is_a_classed_failure() {
    let server = Server::start(|path, _| -> Reply {
        match path {
            "/bomb.xml.gz" => ok("application/gzip", &gzip(&" ".repeat(70 << 20))),
            "/cut.json" => ok("application/json", b"{\"items\": ["),
            _ => ok("text/html", b"<html><body>Hello</body></html>"),
        }
    })
    .await;
    for (path, expected) in
        [("/page", FailureClass::NotAFeed), ("/bomb.xml.gz", FailureClass::TooLarge)]
    {
        let url = server.url(path).parse().unwrap();
        let source = Source { sitemap_url: Some(url), ..bare(&server) };
        assert_eq!(class(&poll(&source, &SourceState::default(), 0).await), expected);
    }
    let rules = JsonRules {
        url: server.url("/cut.json").parse().unwrap(),
        items: "items".to_owned(),
        link: "url".to_owned(),
        title: "title".to_owned(),
        summary: None,
        date: None,
        text: None,
    };
    let source = Source { json: Some(rules), ..bare(&server) };
    assert_eq!(class(&poll(&source, &SourceState::default(), 0).await), FailureClass::NotAFeed);
}
