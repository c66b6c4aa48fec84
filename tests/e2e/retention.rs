//! Old articles are deleted everywhere, whenever the program is killed, and stay away.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use index::{Archive, SearchIndex, SearchRequest};
use ingest::Article;
use ingest::warc_writer::RecordPlace;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::pages::{self, MadeUp};
use tests::{FixtureSite, Reply, TestApp};

/// Articles of the year before last.
const N_OLD: u64 = 260;
const N_KILLS: u64 = 4;

/// Article `n` at `url`, fetched `days` ago.
fn article(n: u64, url: &str, days: i64) -> Article {
    let made_up = MadeUp::article(n);
    let text = made_up.phrase.clone();
    Article { text, ..made_up.archived(url, "wire", tests::now() - TimeDelta::days(days)) }
}

fn n_indexed(app: &TestApp) -> u64 {
    let index = SearchIndex::open_read_only(&app.data_dir().join("index"), BTreeMap::new());
    let request = SearchRequest { limit: 0, aggs: false, highlight: false, ..Default::default() };
    index.expect("an index").search(&request, tests::now()).expect("an answer").total
}

/// Closes the archive and gives its folder free.
async fn close(archive: Archive) {
    archive.close().await;
}

async fn n_archived(app: &TestApp) -> u64 {
    let archive = app.archive().await;
    let n = archive.counts().await.expect("counts").n_articles;
    archive.close().await;
    n
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_older_than_the_setting_goes_and_no_feed_brings_it_back() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let mut items = Vec::new();
    for n in 0..3 {
        let path = format!("/{n}");
        site.put(&path, Reply::html(MadeUp::article(n).html()));
        items.push((site.url(&path), MadeUp::article(n).title));
    }
    site.put("/feed.xml", Reply::rss(pages::rss("Wire", &items)));
    let mut old: Vec<Article> =
        (0..N_OLD).map(|n| article(1_000 + n, &format!("https://old.example/{n}"), 500)).collect();
    // The feed still lists one of the old ones.
    old.push(article(0, &items[0].0, 500));
    let archive = app.archive().await;
    for batch in old.chunks(100) {
        archive.record_articles(batch).await.expect("a writable archive");
    }
    close(archive).await;
    app.add_source("wire", &site.url("/feed.xml"));
    let first = app.run_once().await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    assert_eq!((n_archived(&app).await, n_indexed(&app)), (N_OLD + 3, N_OLD + 3));

    let unset = app.run(&["prune"]).await;
    assert_eq!(unset.code, Some(2), "everything is kept by default: {unset:?}");
    let app = app.set("retention.articles_days", "365");
    let dry = app.run(&["prune", "--dry-run"]).await;
    assert!(dry.stdout.contains(&format!("would delete {} articles", N_OLD + 1)), "{dry:?}");
    assert_eq!(n_archived(&app).await, N_OLD + 3, "only told");

    let mut random = StdRng::seed_from_u64(9);
    for _ in 0..N_KILLS {
        let mut child = app.command(&["prune"]).spawn().expect("the binary starts");
        let moment = Duration::from_millis(random.random_range(100..1_500));
        if tokio::time::timeout(moment, child.wait()).await.is_err() {
            child.kill().await.expect("a child can be killed");
        }
    }
    let last = app.run(&["prune"]).await;
    assert_eq!(last.code, Some(0), "{last:?}");
    assert_eq!((n_archived(&app).await, n_indexed(&app)), (2, 2));
    let again = app.run_once().await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!((n_archived(&app).await, n_indexed(&app)), (2, 2), "the feed lists three");
    let archive = app.archive().await;
    let audit = archive.audit_page(None, 20).await.expect("an audit log").0;
    archive.close().await;
    let pruned: Vec<_> = audit.iter().filter(|it| it.action == "prune").collect();
    assert!(!pruned.is_empty() && pruned.iter().all(|it| it.who == "command line"), "{audit:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_article_is_found_no_more_and_not_fetched_again() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let mut items = Vec::new();
    for n in 0..2 {
        let path = format!("/{n}");
        site.put(&path, Reply::html(MadeUp::article(n).html()));
        items.push((site.url(&path), MadeUp::article(n).title));
    }
    site.put("/feed.xml", Reply::rss(pages::rss("Wire", &items)));
    app.add_source("wire", &site.url("/feed.xml"));
    assert_eq!(app.run_once().await.code, Some(0));

    let served = app.serve().await;
    let phrase = format!("\"{}\"", MadeUp::article(0).phrase);
    let found = served.json("/v1/search", &[("q", &phrase)]).await;
    assert_eq!(found["total"], 1, "{found}");
    let path = format!("/v1/articles/{}", pages::id_of(&items[0].0));
    let delete = async || {
        let request = reqwest::Client::new().delete(served.url(&path));
        request.send().await.expect("the server answers").status().as_u16()
    };
    assert_eq!((delete().await, delete().await), (204, 404));
    tests::eventually("it is found no more", Duration::from_secs(60), async || {
        let found = served.json("/v1/search", &[("q", &phrase)]).await;
        (found["total"] == 0).then_some(())
    })
    .await;
    served.stop().await;
    let again = app.run_once().await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!((n_archived(&app).await, n_indexed(&app)), (1, 1), "the feed still lists it");
    assert_eq!(site.n_sent_whole("/0"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_article_comes_back_whole_and_is_told_to_nobody_again() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let made_up = MadeUp::article(0);
    site.put("/0", Reply::html(made_up.html()));
    let items = [(site.url("/0"), made_up.title.clone())];
    site.put("/feed.xml", Reply::rss(pages::rss("Wire", &items)));
    app.add_source("wire", &site.url("/feed.xml"));
    let search = format!(
        "[[search]]\nid = \"made-up\"\nname = \"Made up\"\nquery = '\"{}\"'\n\
         unit = \"article\"\nbackfill = true\n",
        made_up.phrase
    );
    fs::write(app.folder().join("config/searches.toml"), search).expect("a writable folder");
    assert_eq!(app.run_once().await.code, Some(0));

    let served = app.serve().await;
    let path = format!("/v1/articles/{}", pages::id_of(&items[0].0));
    let phrase = format!("\"{}\"", made_up.phrase);
    let (article, alerts) =
        (served.json(&path, &[]).await, served.json("/v1/alerts", &[]).await["alerts"].clone());
    assert_eq!(alerts.as_array().map(Vec::len), Some(1), "{alerts}");
    let found = async |n: u64| {
        tests::eventually("the search index follows", Duration::from_secs(60), async || {
            let found = served.json("/v1/search", &[("q", &phrase)]).await;
            (found["total"] == n).then_some(())
        })
        .await;
    };
    found(1).await;
    let client = reqwest::Client::new();
    let deleted = client.delete(served.url(&path)).send().await.expect("an answer");
    assert_eq!(deleted.status(), 204);
    found(0).await;
    assert_eq!(served.json("/v1/alerts", &[]).await["alerts"], serde_json::json!([]));
    let restore = served.url(&format!("{path}/restore"));
    let restored = client.post(restore).send().await.expect("an answer");
    assert_eq!(restored.status(), 200);
    found(1).await;
    assert_eq!(served.json(&path, &[]).await, article, "with its story and what was found in it");
    served.stop().await;

    let again = app.run_once().await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!((n_archived(&app).await, n_indexed(&app)), (1, 1), "the feed still lists it");
    assert_eq!(site.n_sent_whole("/0"), 1, "and its page is known");
    let served = app.serve().await;
    assert_eq!(served.json("/v1/alerts", &[]).await["alerts"], alerts, "told once");
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_deletes_what_is_old_by_itself() {
    let app = TestApp::new();
    let archive = app.archive().await;
    let both = [article(1, "https://old.example/1", 40), article(2, "https://old.example/2", 20)];
    archive.record_articles(&both).await.expect("a writable archive");
    close(archive).await;
    // Evidence of nobody any more, of somebody, and just written.
    let warc = app.data_dir().join("warc");
    fs::create_dir_all(&warc).expect("a writable folder");
    for (name, days) in [("old.warc.gz", 40), ("used.warc.gz", 40), ("new.warc.gz", 0)] {
        let file = fs::File::create(warc.join(name)).expect("a writable folder");
        let written_at = tests::now() - TimeDelta::days(days);
        file.set_modified(written_at.into()).expect("a file of ours");
    }
    let place = RecordPlace { file: "used.warc.gz".to_owned(), offset: 0, n_bytes: 9 };
    let archive = app.archive().await;
    let noted = archive.record_evidence(&both[1].id, "aa", &place, tests::now()).await;
    noted.expect("a writable archive");
    // Deleted by somebody, too long ago to be brought back and lately.
    let mut removed = Vec::new();
    for (n, hours) in [(3, 25), (4, 23)] {
        let it = article(n, &format!("https://old.example/{n}"), 2);
        archive.record_articles(std::slice::from_ref(&it)).await.expect("a writable archive");
        let deleted = archive.delete_article(&it.id, tests::now() - TimeDelta::hours(hours)).await;
        assert!(deleted.expect("a writable archive"));
        removed.push(it.id);
    }
    close(archive).await;
    let app = app.set("retention.articles_days", "30");
    let served = app.serve().await;
    tests::eventually("one WARC file goes", Duration::from_secs(60), async || {
        (!warc.join("old.warc.gz").exists()).then_some(())
    })
    .await;
    assert!(warc.join("used.warc.gz").exists() && warc.join("new.warc.gz").exists());
    tests::eventually("one article is left", Duration::from_secs(60), async || {
        let found = served.json("/v1/search", &[("limit", "1")]).await;
        (found["total"].as_u64() == Some(1)).then_some(())
    })
    .await;
    served.stop().await;
    assert_eq!((n_archived(&app).await, n_indexed(&app)), (1, 1));
    let archive = app.archive().await;
    let mut kept = Vec::new();
    for id in &removed {
        let found = archive.removed_article(id, DateTime::default()).await;
        kept.push(found.expect("a readable archive").is_some());
    }
    close(archive).await;
    assert_eq!(kept, [false, true], "what was deleted more than a day ago is gone for good");
}
