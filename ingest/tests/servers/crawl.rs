//! Crawls of one entry: article or classed failure.

use std::time::Duration;

use config::SourceId;
use ingest::crawl::{CrawlFailure, N_PAGES_MAX, crawl_entry};
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::{Article, ArticleId, CanonicalUrl, Entry, FailureClass};

use crate::fetch::settings;
use crate::poll::{now, source};
use crate::server::{Reply, Server, not_found, ok, redirect, response};

fn entry(url: &str) -> Entry {
    let url = CanonicalUrl::parse(url).unwrap();
    Entry {
        id: ArticleId::of(&url),
        url,
        source: SourceId::new("wire"),
        title: Some("Title of the feed".to_owned()),
        summary: None,
        published_at: None,
        guid: None,
        text: None,
    }
}

pub(crate) async fn crawl(server: &Server, path: &str) -> Result<Article, CrawlFailure> {
    let fetcher = Fetcher::new(settings()).unwrap();
    let entry = entry(&server.url(path));
    let crawled = crawl_entry(&fetcher, &source(server), &entry, 1_000_000, now()).await;
    crawled.map(|it| it.article)
}

/// A page of three paragraphs; `café` and `déjà` need the right encoding.
pub(crate) fn page(head: &str) -> String {
    let paragraph = "Le gouvernement a annoncé lundi que le café du port, fermé depuis l'été, \
        avait déjà rouvert ses portes après une longue enquête de la police judiciaire. ";
    let body = format!("<p>{}</p>", paragraph.repeat(3)).repeat(3);
    format!(
        "<html><head>{head}<title>Le café rouvre ses portes | Wire</title></head>\
        <body><nav><a href=/>Home</a></nav><article><h1>Le café rouvre ses portes</h1>{body}\
        </article><footer>All rights reserved</footer></body></html>"
    )
}

fn html_or_404(path: &str, html: &str) -> Reply {
    if path == "/robots.txt" { not_found() } else { ok("text/html", html.as_bytes()) }
}

#[tokio::test]
async fn a_page_becomes_an_article_under_the_entrys_identity() {
    let server = Server::start(|path, _| match path {
        "/old" => redirect("301 Moved Permanently", "/new"),
        path => html_or_404(
            path,
            &page(
                "<meta charset=utf-8>\
            <link rel=canonical href='/canonical?utm_source=x'>\
            <meta property='article:published_time' content='2025-11-03T08:00:00+01:00'>\
            <meta name=author content='By Jeanne Dupont and Karl Weiß'>\
            <meta property='og:site_name' content=Wire>",
            ),
        ),
    })
    .await;
    let article = crawl(&server, "/old").await.unwrap();
    assert_eq!(article.id, entry(&server.url("/old")).id);
    assert_eq!(article.url.as_str(), server.url("/old"));
    assert_eq!(article.canonical_url.unwrap().as_str(), server.url("/canonical"));
    assert_eq!(article.title, "Le café rouvre ses portes");
    assert_eq!(article.authors, ["Jeanne Dupont", "Karl Weiß"]);
    assert_eq!(article.language.as_deref(), Some("fr"));
    assert_eq!(article.site_name.as_deref(), Some("Wire"));
    assert_eq!(article.published_at.unwrap().to_rfc3339(), "2025-11-03T07:00:00+00:00");
    // The page says it three times; the copies are left out.
    assert_eq!(article.text.lines().filter(|it| it.starts_with("Le gouvernement")).count(), 1);
    assert!(!article.text.contains("All rights reserved"));
    assert_eq!(article.page_sha256.len(), 64);
}

#[tokio::test]
async fn where_redirects_lead_is_the_address_of_a_page_that_names_none() {
    let server = Server::start(|path, _| match path {
        "/go" => redirect("302 Found", "/story?utm_source=x"),
        "/gone" => redirect("302 Found", "/"),
        path => html_or_404(path, &page("<meta charset=utf-8>")),
    })
    .await;
    for (path, expected) in [("/go", Some("/story")), ("/gone", None), ("/story", None)] {
        let canonical = crawl(&server, path).await.unwrap().canonical_url;
        let expected = expected.map(|it| server.url(it));
        assert_eq!(canonical.map(String::from), expected, "{path}");
    }
}

#[tokio::test]
async fn windows_1252_with_a_utf_8_label_comes_out_right() {
    let server = Server::start(|path, _| {
        if path == "/robots.txt" {
            return not_found();
        }
        let html = page("<meta charset=utf-8>");
        let bytes: Vec<u8> = html.chars().map(|it| u8::try_from(u32::from(it)).unwrap()).collect();
        ok("text/html; charset=utf-8", &bytes)
    })
    .await;
    let article = crawl(&server, "/a").await.unwrap();
    assert_eq!(article.title, "Le café rouvre ses portes");
    assert!(article.text.contains("déjà rouvert") && !article.text.contains('\u{fffd}'));
}

#[tokio::test]
async fn what_gives_no_article_is_classed() {
    for (content_type, body, class) in [
        ("text/html", "", FailureClass::EmptyBody),
        ("text/html", "<html><body><nav>Home</nav></body></html>", FailureClass::NoText),
        ("application/pdf", "%PDF-1.7", FailureClass::NotHtml),
        ("application/octet-stream", "\u{0}\u{1}", FailureClass::NotHtml),
    ] {
        let server = Server::start(move |path, _| match path {
            "/robots.txt" => not_found(),
            _ => ok(content_type, body.as_bytes()),
        })
        .await;
        let failure = crawl(&server, "/a").await.unwrap_err();
        assert_eq!(failure.class, class, "{failure}");
        assert!(failure.message.contains("127.0.0.1"), "{failure}");
    }
}

#[tokio::test]
async fn retry_after_is_passed_on() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => not_found(),
        "/busy" => response("503 Service Unavailable", &[("Retry-After", "60")], b""),
        _ => response("429 Too Many Requests", &[("Retry-After", "90")], b""),
    })
    .await;
    let busy = crawl(&server, "/busy").await.unwrap_err();
    assert_eq!(
        (busy.class, busy.retry_after),
        (FailureClass::Http5xx, Some(Duration::from_secs(60)))
    );
    let limited = crawl(&server, "/limited").await.unwrap_err();
    assert_eq!(limited.class, FailureClass::Http429);
    assert_eq!(limited.retry_after, Some(Duration::from_secs(90)));
    assert!(!limited.is_postponed, "it was asked");
}

#[tokio::test]
async fn a_page_whose_turn_comes_later_is_postponed_and_has_not_failed() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nCrawl-delay: 90\n"),
        _ => ok("text/html", page("").as_bytes()),
    })
    .await;
    let fetcher = Fetcher::new(settings()).unwrap();
    let (source, first) = (source(&server), entry(&server.url("/1")));
    assert!(crawl_entry(&fetcher, &source, &first, 1_000_000, now()).await.is_ok());
    let second = entry(&server.url("/2"));
    let later = crawl_entry(&fetcher, &source, &second, 1_000_000, now()).await.unwrap_err();
    assert!(later.is_postponed, "{later}");
    assert!(later.retry_after.is_some_and(|it| it > Duration::from_secs(80)), "{later:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/1"]);
}

#[tokio::test]
async fn a_page_nested_100_000_deep_costs_bounded_time() {
    let server = Server::start(|path, _| {
        let html = format!("{}{}", "<div><b>".repeat(100_000), page(""));
        html_or_404(path, &html)
    })
    .await;
    let started = std::time::Instant::now();
    let _ = crawl(&server, "/deep").await;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// Page `n` of a story, with a text of its own and a link to `next`.
fn story_page(n: usize, next: Option<&str>) -> String {
    let next = next.map(|it| format!("<link rel=next href='{it}'>")).unwrap_or_default();
    let sentence = format!("Part {n} of the report tells what the inspectors saw that day. ");
    let body: String = (0..4)
        .map(|it| format!("<p>{}Paragraph {it} of page {n} ends here.</p>", sentence.repeat(3)))
        .collect();
    format!(
        "<html><head>{next}<title>The long report</title></head><body><article>\
        <h1>The long report</h1><p>Every page of this long report repeats this sentence, which \
        says that the report was written over many months by a team of six.</p>{body}\
        </article></body></html>"
    )
}

#[tokio::test]
async fn an_article_cut_into_pages_is_put_together() {
    let server = Server::start(|path, _| match path {
        "/story" => ok("text/html", story_page(1, Some("/story/2")).as_bytes()),
        "/story/2" => ok("text/html", story_page(2, Some("/story/3")).as_bytes()),
        "/story/3" => ok("text/html", story_page(3, None).as_bytes()),
        _ => not_found(),
    })
    .await;
    let article = crawl(&server, "/story").await.unwrap();
    assert_eq!(article.details.n_pages, 3);
    for n in 1..=3 {
        let last = format!("Paragraph 3 of page {n} ends here.");
        assert_eq!(article.text.matches(&last).count(), 1, "{}", article.text);
    }
    assert_eq!(article.text.matches("Every page of this long report").count(), 1);
    assert_eq!(server.paths(), ["/robots.txt", "/story", "/story/2", "/story/3"]);
}

/// The same without an announcement, but with links to all `n_pages` pages.
fn numbered_page(n: usize, n_pages: usize) -> String {
    let address = |n: usize| if n == 1 { "/story".to_owned() } else { format!("/story?page={n}") };
    let links: String =
        (1..=n_pages).map(|n| format!("<li><a href='{}'>{n}</a></li>", address(n))).collect();
    story_page(n, None)
        .replace("<title>", "<meta property='article:published_time' content='2025-11-03'><title>")
        .replace("</article>", &format!("<ul class=pagination>{links}</ul></article>"))
}

#[tokio::test]
async fn an_article_whose_pages_only_numbers_link_is_put_together() {
    let server = Server::start(|path, _| match path {
        "/story" => ok("text/html", numbered_page(1, 3).as_bytes()),
        "/story?page=2" => ok("text/html", numbered_page(2, 3).as_bytes()),
        "/story?page=3" => ok("text/html", numbered_page(3, 3).as_bytes()),
        _ => not_found(),
    })
    .await;
    let article = crawl(&server, "/story").await.unwrap();
    assert_eq!(article.details.n_pages, 3);
    for n in 1..=3 {
        let last = format!("Paragraph 3 of page {n} ends here.");
        assert_eq!(article.text.matches(&last).count(), 1, "{}", article.text);
    }
    assert_eq!(server.paths(), ["/robots.txt", "/story", "/story?page=2", "/story?page=3"]);
}

#[tokio::test]
async fn a_page_number_that_changes_nothing_is_asked_for_once() {
    let server = Server::start(|path, _| match path.split('?').next() {
        Some("/story") => ok("text/html", numbered_page(1, 9).as_bytes()),
        _ => not_found(),
    })
    .await;
    let article = crawl(&server, "/story").await.unwrap();
    assert_eq!(article.details.n_pages, 1);
    assert_eq!(server.paths(), ["/robots.txt", "/story", "/story?page=2"]);
}

#[tokio::test]
async fn the_pages_of_an_article_are_waited_for_however_long_the_pauses_are() {
    let server = Server::start(|path, _| match path {
        "/robots.txt" => ok("text/plain", b"User-agent: *\nCrawl-delay: 1\n"),
        "/story" => ok("text/html", story_page(1, Some("/story/2")).as_bytes()),
        "/story/2" => ok("text/html", story_page(2, Some("/story/3")).as_bytes()),
        _ => ok("text/html", story_page(3, None).as_bytes()),
    })
    .await;
    let settings = FetchSettings { wait_max: Duration::from_millis(100), ..settings() };
    let fetcher = Fetcher::new(settings).unwrap();
    let entry = entry(&server.url("/story"));
    let crawled = crawl_entry(&fetcher, &source(&server), &entry, 1_000_000, now()).await;
    assert_eq!(crawled.unwrap().article.details.n_pages, 3);
    for pair in server.asked()[1..].windows(2) {
        let gap = pair[1].began_at - pair[0].ended_at;
        assert!(gap >= Duration::from_secs(1), "{gap:?} before {}", pair[1].path);
    }
}

#[tokio::test]
async fn pages_that_never_end_fail_or_lie_elsewhere_are_followed_within_bounds() {
    let endless = Server::start(|path, _| match path.strip_prefix("/story/") {
        Some(n) => {
            let n: usize = n.parse().unwrap();
            ok("text/html", story_page(n, Some(&format!("/story/{}", n + 1))).as_bytes())
        }
        None => not_found(),
    })
    .await;
    let article = crawl(&endless, "/story/1").await.unwrap();
    assert_eq!(article.details.n_pages as usize, N_PAGES_MAX);
    assert_eq!(endless.paths().len(), N_PAGES_MAX + 1, "robots.txt and the pages");

    let broken = Server::start(|path, _| match path {
        "/story" => ok("text/html", story_page(1, Some("/story/2")).as_bytes()),
        "/story/2" => response("500 Internal Server Error", &[], b""),
        _ => not_found(),
    })
    .await;
    let article = crawl(&broken, "/story").await.unwrap();
    assert_eq!(article.details.n_pages, 1, "what can be had is kept");

    let leaving = Server::start(|path, _| match path {
        "/story" => ok("text/html", story_page(1, Some("/story/2")).as_bytes()),
        "/story/2" => redirect("302 Found", "/story"),
        "/away" => ok("text/html", story_page(1, Some("http://other.example/away/2")).as_bytes()),
        _ => not_found(),
    })
    .await;
    for path in ["/story", "/away"] {
        assert_eq!(crawl(&leaving, path).await.unwrap().details.n_pages, 1, "{path}");
    }
}
