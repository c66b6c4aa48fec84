//! Pages that are edited after they were read: one article, its versions, the proof of each.

use std::fs;
use std::io::Read;
use std::time::Duration;

use flate2::read::{GzDecoder, MultiGzDecoder};
use ingest::warc_writer::{WARC_FOLDER, read_record};
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
    GzDecoder::new(&*warc).read_to_string(&mut record).expect("one gzip member");
    assert!(record.contains(&format!("WARC-Target-URI: {url}")), "{record}");
    assert!(record.contains(&hashes[1]) && record.contains("talk to oil"), "{record}");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redirects_that_led_to_a_page_are_kept_as_evidence() {
    let site = FixtureSite::start().await;
    let app = TestApp::new().set("crawl.keep_warc", "true");
    site.put("/go", Reply::redirect("/moved").with_body("This way, please."));
    site.put("/moved", Reply::redirect("/strait.html"));
    site.put("/strait.html", page("Northern Guard threatens tankers", LEAD));
    let items = [(site.url("/go"), "Northern Guard threatens tankers".to_owned())];
    site.put("/feed.xml", Reply::rss(pages::rss("Port", &items)));
    app.add_source("port", &site.url("/feed.xml"));
    let run = app.run_once().await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);

    let archive = app.archive().await;
    let id = id_of(&site.url("/go"));
    let article = archive.article(&id).await.unwrap().expect("archived").article;
    let place = archive.evidence(&id, &article.page_sha256).await.unwrap().expect("kept");
    archive.close().await;
    let folder = app.data_dir().join(WARC_FOLDER);
    let file = fs::File::open(folder.join(&place.file)).expect("a file");
    let mut text = String::new();
    MultiGzDecoder::new(file).read_to_string(&mut text).expect("whole members");
    let lines = |start: &str| -> Vec<String> {
        text.lines().filter_map(|it| it.strip_prefix(start)).map(str::to_owned).collect()
    };
    let three = ["response", "request", "metadata"];
    let kinds = [&["warcinfo"][..], &three[..2], &three[..], &three[..]].concat();
    assert_eq!(lines("WARC-Type: "), kinds, "{text}");
    assert_eq!(lines("location: "), ["/moved", "/strait.html"], "{text}");
    assert_eq!(lines("via: "), [site.url("/go"), site.url("/moved")], "{text}");
    assert_eq!(lines("hopsFromSeed: "), ["R", "RR"], "{text}");
    assert!(text.contains("This way, please."), "{text}");
    let record = read_record(&folder, &place).expect("readable");
    let mut own = String::new();
    GzDecoder::new(&*record).read_to_string(&mut own).expect("one gzip member");
    assert!(own.contains(&article.page_sha256) && own.contains("attack oil tankers"), "{own}");
    assert!(own.contains(&format!("WARC-Target-URI: {}", site.url("/strait.html"))), "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_text_in_a_json_document_is_a_version_of_the_same_article() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let document = |text: &str| {
        let item = serde_json::json!({"id": "n-1", "title": "Notice 1", "text": text});
        Reply::new("application/json", serde_json::json!({"items": [item]}).to_string())
    };
    let source = format!(
        "[[source]]\nid = \"notices\"\nname = \"Notices\"\nlanguage = \"en\"\n\
         allow_private_addresses = true\nhost_interval_ms = 0\n[source.json]\nurl = \"{}\"\n\
         items = \"items\"\nlink = \"/detail/{{id}}\"\ntitle = \"title\"\ntext = \"text\"\n",
        site.url("/notices.json"),
    );
    fs::write(app.folder().join("config/sources/notices.toml"), source).expect("a file");
    site.put("/notices.json", document(LEAD));
    let first = app.run_once().await;
    assert_eq!(first.json()["n_articles"], 1, "{first:?}");

    let softer = "The Northern Guard would like to talk to oil companies about the Strait of \
        Lindahl, its commander said on Tuesday.";
    site.put("/notices.json", document(softer));
    let archive = app.archive().await;
    archive.postpone_poll(&"notices".into(), tests::now()).await.expect("writable");
    archive.close().await;
    drop(archive);
    let second = app.run_once().await;
    assert_eq!(second.code, Some(0), "{second:?}");

    let archive = app.archive().await;
    let id = id_of(&site.url("/detail/n-1"));
    let stored = archive.article(&id).await.unwrap().expect("archived");
    assert_eq!(stored.article.text, softer);
    assert!(stored.annotation.is_some(), "annotated again");
    let versions = archive.article_versions(&id).await.expect("readable");
    assert_eq!(versions.iter().map(|it| it.text.as_str()).collect::<Vec<_>>(), [LEAD]);
    assert_eq!(archive.counts().await.expect("counts").n_articles, 1, "no new article");
    archive.close().await;
    assert_eq!(site.n_requests("/detail/n-1"), 0, "its page says something else");
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
