//! The bundled site as a whole: what it must contain, and how it answers.

use std::collections::BTreeSet;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use tower::ServiceExt;

use super::content::FeedFlavour;
use super::text::{Block, blocks};
use super::*;

fn anchor() -> DateTime<Utc> {
    "2025-11-24T09:12:00Z".parse().unwrap()
}

fn plain_text(article: &SampleArticle) -> String {
    let blocks = blocks(&article.source, published_at(article, anchor()), "en");
    let lines: Vec<String> = blocks
        .into_iter()
        .map(|it| match it {
            Block::Subhead(text) | Block::Paragraph(text) => text,
        })
        .collect();
    lines.join("\n")
}

async fn get(path: &str, headers: &[(header::HeaderName, &str)]) -> Response<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    SampleSite::router(anchor()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn body(response: Response<Body>) -> Vec<u8> {
    to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()
}

#[test]
fn the_site_has_stories_by_several_outlets_in_two_languages() {
    let site = SampleSite::load().unwrap();
    let stories: BTreeSet<&str> = site.articles.iter().map(|it| it.front.story.as_str()).collect();
    let languages: BTreeSet<&str> = site.outlets.iter().map(|it| it.language.as_str()).collect();
    let german = site.articles.iter().filter(|it| it.outlet == "sundblick").count();
    assert!((40..=45).contains(&site.articles.len()), "{} articles", site.articles.len());
    assert!((12..=20).contains(&stories.len()), "{stories:?}");
    assert_eq!(languages, BTreeSet::from(["de", "en"]));
    assert!((4..=6).contains(&german), "{german} German articles");
    assert_eq!(site.outlets.len(), 6);
}

#[test]
fn every_kind_and_domain_occurs_and_so_does_news_without_statements() {
    let site = SampleSite::load().unwrap();
    let kinds: BTreeSet<&str> =
        site.articles.iter().flat_map(|it| &it.front.statements).map(String::as_str).collect();
    let domains: BTreeSet<&str> =
        site.articles.iter().flat_map(|it| &it.front.domains).map(String::as_str).collect();
    let plain = site.articles.iter().filter(|it| it.front.statements.is_empty()).count();
    assert_eq!(
        kinds,
        BTreeSet::from(["attack", "attempt", "claim", "denial", "threat", "warning"])
    );
    assert_eq!(domains, BTreeSet::from(["cyber", "economic", "physical", "political"]));
    assert!(8 <= plain, "{plain} articles without statements");
}

#[test]
fn every_phrase_stands_in_its_article_and_in_no_other() {
    let site = SampleSite::load().unwrap();
    for article in &site.articles {
        let with_phrase: Vec<String> = site
            .articles
            .iter()
            .filter(|it| plain_text(it).contains(&article.front.phrase))
            .map(SampleArticle::path)
            .collect();
        assert_eq!(with_phrase, [article.path()], "phrase {:?}", article.front.phrase);
    }
}

#[test]
fn articles_are_news_sized_dated_and_without_open_placeholders() {
    let site = SampleSite::load().unwrap();
    for article in &site.articles {
        let text = plain_text(article);
        let n_words = text.split_whitespace().count();
        let front = &article.front;
        assert!((150..=700).contains(&n_words), "{}: {n_words} words", article.path());
        assert!(!text.contains(['{', '}', '<', '>']), "{}", article.path());
        assert!(
            front.updated_minutes.is_none_or(|it| it < front.age_minutes),
            "{}",
            article.path()
        );
        assert!(front.age_minutes < 36 * 60, "{} is not of today", article.path());
    }
}

#[test]
fn copies_and_corrections_name_older_articles_that_exist() {
    let site = SampleSite::load().unwrap();
    let find = |path: &str| site.articles.iter().find(|it| it.path() == path);
    let n_copies = site.articles.iter().filter(|it| it.front.near_copy_of.is_some()).count();
    let n_corrections = site.articles.iter().filter(|it| it.front.corrects.is_some()).count();
    let n_edited = site.articles.iter().filter(|it| it.front.feed_title.is_some()).count();
    for article in &site.articles {
        let copied = article.front.near_copy_of.as_ref().map(|it| format!("/{it}"));
        let corrected =
            article.front.corrects.as_ref().map(|it| format!("/{}/{it}", article.outlet));
        for path in copied.iter().chain(&corrected) {
            let original = find(path).unwrap_or_else(|| panic!("{path} does not exist"));
            assert!(article.front.age_minutes < original.front.age_minutes, "{path} is younger");
            assert_eq!(article.front.story, original.front.story, "{path}");
        }
    }
    assert!(8 <= n_copies && n_corrections == 1 && 1 <= n_edited);
}

#[tokio::test]
async fn every_article_is_in_its_feed_and_has_a_page() {
    let site = SampleSite::bundled();
    for outlet in &site.outlets {
        let response = get(&feed_path(outlet), &[]).await;
        assert_eq!(response.status(), StatusCode::OK);
        let feed = String::from_utf8(body(response).await).unwrap();
        for article in site.articles.iter().filter(|it| it.outlet == outlet.id) {
            let url = url_of(&article.path());
            assert!(feed.contains(&url), "{url} is missing in the feed");
            let page = get(&article.path(), &[]).await;
            assert_eq!(page.status(), StatusCode::OK, "{url}");
            let page = body(page).await;
            let encoding = match outlet.charset {
                content::Charset::Utf8 => encoding_rs::UTF_8,
                content::Charset::Windows1252 => encoding_rs::WINDOWS_1252,
            };
            let (text, _, has_errors) = encoding.decode(&page);
            assert!(!has_errors && text.contains(&escaped(&article.front.phrase)), "{url}");
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
}

#[tokio::test]
async fn an_edited_headline_is_old_in_the_feed_and_new_on_the_page() {
    let article = SampleSite::bundled()
        .articles
        .iter()
        .find(|it| it.slug == "moravian-mutual-outage")
        .unwrap();
    let old = article.front.feed_title.as_deref().unwrap();
    let feed = String::from_utf8(body(get("/northgate-wire/feed.xml", &[]).await).await).unwrap();
    let page = String::from_utf8(body(get(&article.path(), &[]).await).await).unwrap();
    assert!(feed.contains(old) && !feed.contains(&article.front.title));
    assert!(page.contains(&article.front.title) && !page.contains(old));
}

#[tokio::test]
async fn a_known_etag_or_date_is_answered_with_304() {
    for path in ["/sundblick/feed.xml", "/larkfield-post/hackers-danish-power-grid"] {
        let first = get(path, &[]).await;
        let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        let date = first.headers()[header::LAST_MODIFIED].to_str().unwrap().to_owned();
        let by_etag = get(path, &[(header::IF_NONE_MATCH, &etag)]).await;
        let by_date = get(path, &[(header::IF_MODIFIED_SINCE, &date)]).await;
        let stale = get(path, &[(header::IF_NONE_MATCH, "\"other\"")]).await;
        assert_eq!(by_etag.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(by_date.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(stale.status(), StatusCode::OK);
        assert!(body(by_etag).await.is_empty());
    }
}

#[tokio::test]
async fn another_anchor_moves_dates_and_keeps_urls() {
    let later = anchor() + TimeDelta::days(5);
    let (one, other) =
        (SampleSite::bundled().render(anchor()), SampleSite::bundled().render(later));
    assert!(one.keys().eq(other.keys()));
    let path = "/northgate-wire/tornvig-power-grid-attack";
    assert_ne!(one[path].etag, other[path].etag);
    let again = SampleSite::bundled().render(anchor());
    assert!(one.iter().all(|(path, it)| it.etag == again[path].etag));
}

#[tokio::test]
async fn unknown_paths_and_other_methods_are_refused() {
    assert_eq!(get("/nowhere", &[]).await.status(), StatusCode::NOT_FOUND);
    let request = Request::post("/robots.txt").body(Body::empty()).unwrap();
    let response = SampleSite::router(anchor()).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get("/robots.txt?utm_source=x", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_site_works_below_a_prefix() {
    let router = Router::new().nest_service("/sample", SampleSite::router(anchor()));
    for path in ["/sample/", "/sample/sundblick/", "/sample/style.css"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_server_answers_on_loopback_until_shutdown() {
    let shutdown = CancellationToken::new();
    let (address, task) = serve(anchor(), shutdown.clone()).await.unwrap();
    assert!(address.ip().is_loopback() && tokio::net::TcpStream::connect(address).await.is_ok());
    shutdown.cancel();
    task.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[test]
fn only_sample_urls_have_a_local_path() {
    assert_eq!(local_path(&url_of("/a/b?x=1")).as_deref(), Some("/sample/a/b?x=1"));
    assert_eq!(local_path("http://sample.harbinger.invalid.example/a"), None);
    assert_eq!(local_path("not a url"), None);
}

#[test]
fn every_feed_flavour_is_in_use() {
    use FeedFlavour::{Atom, Json, Rss1, Rss2, Rss2Full};
    let outlets = &SampleSite::bundled().outlets;
    for flavour in [Rss2, Rss2Full, Rss1, Atom, Json] {
        assert!(outlets.iter().any(|it| it.feed == flavour), "{flavour:?}");
    }
}

#[test]
fn the_built_in_sources_name_every_outlet_and_its_feed() {
    let config = config::Config::builtin().unwrap();
    let declared: BTreeSet<(String, String, String)> = config
        .sources
        .iter()
        .filter(|it| it.sample)
        .map(|it| (it.id.to_string(), it.address(), it.language.clone()))
        .collect();
    let served: BTreeSet<(String, String, String)> = SampleSite::bundled()
        .outlets
        .iter()
        .map(|it| (it.id.clone(), url_of(&feed_path(it)), it.language.clone()))
        .collect();
    assert_eq!(declared, served);
}
