//! Pages that are edited after they were read: one article, its versions, the proof of each.

use std::time::Duration;

use tests::pages::id_of;
use tests::{FixtureSite, Reply, Served, TestApp, eventually, pages};

const WAIT_MAX: Duration = Duration::from_secs(60);

const LEAD: &str = "The Northern Guard threatened on Tuesday to attack oil tankers in the Strait of \
    Lindahl, its commander said.";
const REST: &str = "The harbour master told reporters that no ship had left since Sunday, and that \
    pilots were waiting for news from the ministry in the capital. Three crews had gone home by \
    train. Traders said that the price of diesel had not moved for a week, and that nobody \
    expected it to before the holidays were over.";

fn page(title: &str, lead: &str) -> Reply {
    Reply::html(format!(
        "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body>\
         <nav><a href=\"/\">Home</a></nav><article><h1>{title}</h1><p>{lead}</p><p>{REST}</p>\
         </article></body></html>"
    ))
}

async fn text(served: &Served, path: &str) -> String {
    served.get(path, &[]).await.text().await.expect("a whole answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_edit_of_a_threat_is_noticed_told_and_proven() {
    let site = FixtureSite::start().await;
    let app = TestApp::new().set("crawl.keep_warc", "true");
    let url = site.url("/strait.html");
    site.put("/strait.html", page("Northern Guard threatens tankers", LEAD));
    let items = [(url.clone(), "Northern Guard threatens tankers".to_owned())];
    site.put("/feed.xml", Reply::rss(pages::rss("Port", &items)));
    app.add_source("port", &site.url("/feed.xml"));
    let first = app.run_once().await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let id = id_of(&url);
    let archive = app.archive().await;
    let state = archive.reading_state(&id).await.expect("readable").expect("a look is planned");
    let fetched_at = archive.article(&id).await.unwrap().expect("archived").article.fetched_at;
    assert_eq!(state.due_at, Some(fetched_at + chrono::TimeDelta::hours(1)), "it holds a threat");

    // Before the hour is over an analyst asks for it; the publisher has taken the threat out.
    let softer = "The Northern Guard would like to talk to oil companies about the port of \
        Lindahl, its commander said on Tuesday.";
    site.put("/strait.html", page("Northern Guard wants talks", softer));
    assert!(archive.request_reading(&id, tests::now()).await.expect("writable"));
    archive.close().await;
    drop(archive);
    let second = app.run_once().await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(second.n_logged(&["was edited", &id.to_string()]), 1, "{}", second.stderr);

    let archive = app.archive().await;
    assert_eq!(archive.counts().await.expect("counts").n_articles, 1, "no new article");
    let versions = archive.article_versions(&id).await.expect("readable");
    assert_eq!(versions.len(), 1);
    assert!(versions[0].text.contains("attack oil tankers"), "{}", versions[0].text);
    let changes = versions[0].changes.as_ref().expect("read again by the models");
    let gone = changes.iter().filter_map(|it| it.before.as_ref());
    assert!(gone.clone().any(|it| it.sentence == LEAD), "{changes:?}");
    let stored = archive.article(&id).await.unwrap().expect("archived");
    assert!(stored.article.text.contains("talk to oil"), "{}", stored.article.text);
    assert_eq!(stored.article.title, "Northern Guard wants talks");
    assert!(stored.annotation.is_some() && stored.story.is_some(), "annotated again");
    let hashes = [versions[0].page_sha256.clone(), stored.article.page_sha256];
    archive.close().await;
    drop(archive);

    let found = app.run(&["search", "talk", "--json"]).await.json();
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1), "searchable as it reads now");
    let found = app.run(&["search", "\"attack oil tankers\"", "--json"]).await.json();
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(0), "and not as it read before");

    let served = app.serve().await;
    let told = served.json(&format!("/v1/articles/{id}/versions"), &[]).await;
    assert_eq!(told["versions"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(told["versions"][0]["page_sha256"], hashes[0]);
    assert!(told["versions"][1]["diff"].as_array().is_some_and(|it| 2 < it.len()), "{told}");
    let html = text(&served, &format!("/articles/{id}")).await;
    assert!(html.contains("Edited since") && html.contains("<del>"), "{html}");
    let warc = served.get(&format!("/v1/articles/{id}/warc"), &[]).await;
    let warc = warc.bytes().await.expect("a whole answer");
    let mut record = String::new();
    let mut decoder = flate2::read::GzDecoder::new(&*warc);
    std::io::Read::read_to_string(&mut decoder, &mut record).expect("one gzip member");
    assert!(record.contains(&format!("WARC-Target-URI: {url}")), "{record}");
    assert!(record.contains(&hashes[1]) && record.contains("talk to oil"), "{record}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_gone_keeps_its_text_and_says_so() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let url = site.url("/strait.html");
    site.put("/strait.html", page("Northern Guard threatens tankers", LEAD));
    let items = [(url.clone(), "Northern Guard threatens tankers".to_owned())];
    site.put("/feed.xml", Reply::rss(pages::rss("Port", &items)));
    app.add_source("port", &site.url("/feed.xml"));
    assert_eq!(app.run_once().await.code, Some(0));
    let id = id_of(&url);
    site.put("/strait.html", Reply::status(410));
    let served = app.serve().await;
    let address = served.url(&format!("/v1/articles/{id}/reread"));
    let asked = reqwest::Client::new().post(address).send().await.expect("the server answers");
    assert_eq!(asked.status().as_u16(), 202);
    let path = format!("/v1/articles/{id}/versions");
    let gone = eventually("the page is known to be gone", WAIT_MAX, async || {
        let told = served.json(&path, &[]).await;
        (!told["gone_at"].is_null()).then_some(told)
    });
    let told = gone.await;
    assert_eq!(told["versions"].as_array().map(Vec::len), Some(1), "{told}");
    let html = text(&served, &format!("/articles/{id}")).await;
    assert!(html.contains("The page is gone since") && html.contains("oil tankers"), "{html}");
    served.stop().await;
}
