//! Killed, crowded out, without room, without an index: nothing is lost, nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::http::header::RETRY_AFTER;
use index::{SearchIndex, SearchRequest};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tests::pages::{self, MadeUp, id_of};
use tests::{FixtureSite, Reply, TestApp, skipped};

/// How often the ingest is killed.
const N_KILLS: u64 = 20;
/// New articles between two kills.
const N_ARTICLES_PER_ROUND: u64 = 6;

/// Puts `n_articles` made-up articles and a feed over them on the site, and declares the source.
fn publish(site: &FixtureSite, app: &TestApp, round: u64, n_articles: u64) -> BTreeSet<String> {
    let mut items = Vec::new();
    for n in 0..n_articles {
        let article = MadeUp::article(round * 10_000 + n);
        let path = format!("/round-{round}/{n}");
        site.put(&path, Reply::html(article.html()));
        items.push((site.url(&path), article.title));
    }
    let feed = format!("/round-{round}.xml");
    site.put(&feed, Reply::rss(pages::rss("Round", &items)));
    app.add_source(&format!("round-{round}"), &site.url(&feed));
    items.into_iter().map(|(url, _)| url).collect()
}

/// Checks that archive and index hold exactly the articles of `urls`, each once.
async fn check_exactly(app: &TestApp, urls: &BTreeSet<String>) {
    let expected: BTreeSet<String> = urls.iter().map(|it| id_of(it).to_string()).collect();
    let archive = app.archive().await;
    let counts = archive.counts().await.expect("counts");
    for id in &expected {
        let id = id.parse().expect("an id");
        assert!(archive.article(&id).await.expect("readable").is_some(), "{id} is not archived");
    }
    archive.close().await;
    assert_eq!(counts.n_articles, urls.len() as u64, "{counts:?}");
    assert_eq!(counts.n_unannotated, 0, "{counts:?}");
    assert_eq!(indexed(app), expected.into_iter().collect::<Vec<_>>(), "index and archive differ");
}

/// Ids of all articles in the index, sorted, as often as they are there.
fn indexed(app: &TestApp) -> Vec<String> {
    let index = SearchIndex::open_read_only(&app.data_dir().join("index"), BTreeMap::new());
    let index = index.expect("an index");
    let mut ids = Vec::new();
    let mut request =
        SearchRequest { limit: 200, aggs: false, highlight: false, ..Default::default() };
    loop {
        let page = index.search(&request, tests::now()).expect("a page");
        ids.extend(page.hits.into_iter().map(|it| it.id));
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            ids.sort();
            return ids;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_20_random_moments_every_article_is_archived_and_indexed_once() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let mut expected = publish(&site, &app, 0, N_ARTICLES_PER_ROUND);
    let started = Instant::now();
    let first = app.run_once().await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let whole_run = started.elapsed();

    let mut random = StdRng::seed_from_u64(20);
    let mut n_killed_at_work = 0;
    for round in 1..=N_KILLS {
        expected.extend(publish(&site, &app, round, N_ARTICLES_PER_ROUND));
        let mut child = app.command(&["run-once"]).spawn().expect("the binary starts");
        let moment = whole_run.mul_f64(random.random_range(0.05..1.0));
        if tokio::time::timeout(moment, child.wait()).await.is_err() {
            n_killed_at_work += 1;
            child.kill().await.expect("a child can be killed");
        }
    }
    let last = app.run_once().await;

    assert_eq!(last.code, Some(0), "{}", last.stderr);
    assert!(N_KILLS / 2 <= n_killed_at_work, "only {n_killed_at_work} kills hit a running ingest");
    check_exactly(&app, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_asked_to_be_left_alone_is_left_alone_after_a_restart() {
    let (busy, other) = (FixtureSite::start().await, FixtureSite::start().await);
    let app = TestApp::new();
    let items = [(busy.url("/story"), "A story".to_owned())];
    busy.put("/feed.xml", Reply::rss(pages::rss("Busy", &items)));
    busy.put("/story", Reply::status(429).with_header(RETRY_AFTER, "3600"));
    app.add_source("busy", &busy.url("/feed.xml"));
    let first = app.run_once().await;
    assert_eq!(busy.n_requests("/story"), 1, "{}", first.stderr);

    // A feed that is due at once, on the same host, and one elsewhere.
    busy.put("/more.xml", Reply::rss(pages::rss("More", &items)));
    app.add_source("more", &busy.url("/more.xml"));
    publish(&other, &app, 1, 1);
    let second = app.run_once().await;
    assert_eq!(other.n_requests("/round-1.xml"), 1, "{}", second.stderr);
    assert_eq!(busy.n_requests("/more.xml"), 0, "{}", second.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_on_the_same_data_folder_is_refused_by_name() {
    let app = TestApp::new();
    let served = app.serve().await;
    let second = app.run_once().await;
    assert_eq!(second.code, Some(2), "{second:?}");
    let folder = app.data_dir().display().to_string();
    let pid = served.process_id().to_string();
    for part in [folder.as_str(), pid.as_str()] {
        assert!(second.stderr.contains(part), "no {part} in: {}", second.stderr);
    }
    let (status, printed) = served.stop().await;
    assert!(status.success(), "{status}: {printed}");
    let third = app.run_once().await;
    assert_eq!(third.code, Some(0), "the folder is free again: {third:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_corrupt_index_is_rebuilt_from_the_archive_and_says_so() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let expected = publish(&site, &app, 0, 12);
    assert_eq!(app.run_once().await.code, Some(0));
    check_exactly(&app, &expected).await;
    let n_sent = site.n_sent_whole_in_all();
    let folder = app.data_dir().join("index");

    fs::remove_dir_all(&folder).expect("the index can be removed");
    check_rebuilt(&app, &expected).await;

    for path in files_in(&folder) {
        if fs::metadata(&path).is_ok_and(|it| 0 < it.len()) {
            fs::write(&path, b"garbage, not an index").expect("a writable file");
        }
    }
    check_rebuilt(&app, &expected).await;

    fs::write(folder.join("meta.json"), b"").expect("a writable file");
    check_rebuilt(&app, &expected).await;

    assert_eq!(site.n_sent_whole_in_all(), n_sent, "a rebuild fetches nothing");
}

async fn check_rebuilt(app: &TestApp, expected: &BTreeSet<String>) {
    let rebuilt = app.run_once().await;
    assert_eq!(rebuilt.code, Some(0), "{}", rebuilt.stderr);
    assert_eq!(rebuilt.json()["n_indexed"].as_u64(), Some(expected.len() as u64));
    assert!(0 < rebuilt.n_logged(&["index", "rebuil"]), "no message: {}", rebuilt.stderr);
    check_exactly(app, expected).await;
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    entries.map(|it| it.expect("a readable folder").path()).filter(|it| it.is_file()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_the_run_and_spoils_nothing() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let expected = publish(&site, &app, 0, 300);
    fs::create_dir_all(app.data_dir()).expect("a folder");
    let Some(disk) = SmallDisk::mount(&app.data_dir(), "3m") else {
        return skipped("mounting a small disk needs to be root");
    };

    let full = app.run_once().await;
    let is_told = ["no space", "No space", "disk is full", "disk full"];
    assert!(
        full.code != Some(0) && is_told.iter().any(|it| full.stderr.contains(it)),
        "a full disk must end the run and be named: {:?} {}",
        full.code,
        full.stderr
    );

    disk.resize("512m");
    let free = app.run_once().await;
    assert_eq!(free.code, Some(0), "{}", free.stderr);
    check_exactly(&app, &expected).await;
}

/// A disk in memory of a given size; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<SmallDisk> {
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "harbinger-test"]).arg(at);
        let status = mount.stderr(Stdio::null()).status();
        status.is_ok_and(|it| it.success()).then(|| SmallDisk(at.to_owned()))
    }

    fn resize(&self, size: &str) {
        let options = format!("remount,size={size}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.0).status();
        assert!(status.is_ok_and(|it| it.success()), "the disk can grow");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let status = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(status.is_ok_and(|it| it.success()) || std::thread::panicking(), "unmounted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_server_finishes_its_work_and_ends_with_status_0() {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    let expected = publish(&site, &app, 0, 30);
    let served = app.serve().await;
    tests::eventually("the crawl begins", Duration::from_secs(60), async || {
        (0 < site.n_sent_whole("/round-0/0")).then_some(())
    })
    .await;
    let (status, printed) = served.stop().await;
    assert!(status.success(), "{status}: {printed}");
    let rest = app.run_once().await;
    assert_eq!(rest.code, Some(0), "{}", rest.stderr);
    check_exactly(&app, &expected).await;
}
