//! Web archives imported by the real binary: whole, broken, and killed half-way; and the stories of
//! what is taken in long after its time.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use index::archive::{Archive, ArchiveSettings};
use ingest::article::ArticleId;
use tests::TestApp;
use tests::pages::{MadeUp, id_of};

const N_ARTICLES: u64 = 240;

/// Headline and text of reports that have nothing in common.
const EVENTS: [(&str, &str); 3] = [
    (
        "Harbour town of Valmora flooded after dam gate fails",
        "Water rose quickly behind rusted hinges; ferries stopped, villagers climbed onto roofs \
         while rescuers rowed through streets, insurers counted losses, engineers blamed neglect.",
    ),
    (
        "Drone strike damages substation near northern border",
        "Explosions woke residents; transformers burned until morning, hospitals switched over to \
         generators, soldiers searched fields for wreckage, neighbours denied any launch.",
    ),
    (
        "Bakers of Ostrava end their walkout over night shifts",
        "The union accepted shorter hours and higher pay after eleven days without fresh bread; \
         owners promised new ovens, customers queued at dawn, apprentices went back to school.",
    ),
];

fn url(n: u64) -> String {
    format!("https://paper.example/news/{n}")
}

fn id(n: u64) -> ArticleId {
    id_of(&url(n))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// A record of its own member, as Common Crawl has them.
fn member(kind: &str, url: &str, block: &[u8]) -> Vec<u8> {
    let head = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\n\
         WARC-Date: 2026-01-02T03:04:05Z\r\nContent-Length: {}\r\n\r\n",
        block.len()
    );
    gzip(&[head.as_bytes(), block, b"\r\n\r\n"].concat())
}

fn response(n: u64) -> Vec<u8> {
    let page = MadeUp::article(n).html();
    // Every third body is packed, as servers send it.
    let (coding, body) = match n % 3 {
        0 => ("Content-Encoding: gzip\r\n", gzip(page.as_bytes())),
        _ => ("", page.into_bytes()),
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{coding}\r\n");
    member("response", &url(n), &[head.as_bytes(), &body].concat())
}

fn news_file(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut file = member("warcinfo", "", format!("software: {numbers:?}\r\n").as_bytes());
    for n in numbers {
        file.extend(member("request", &url(n), b"GET / HTTP/1.1\r\n\r\n"));
        file.extend(response(n));
    }
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_an_import_goes_on_and_every_article_is_there_once() {
    let app = TestApp::new();
    let file = app.folder().join("news.warc.gz");
    fs::write(&file, news_file(0..N_ARTICLES)).expect("a writable folder");
    let file = file.display().to_string();
    let settings = ArchiveSettings::in_folder(app.data_dir());
    let (mut n_stored, mut n_killed_inside) = (0, 0);
    for _ in 0..3 {
        if n_stored == N_ARTICLES {
            break;
        }
        let mut child = app.command(&["import", &file]).spawn().expect("the binary starts");
        // As soon as another batch is stored.
        n_stored =
            tests::eventually("more articles are stored", Duration::from_secs(120), async || {
                let archive = Archive::open_read_only(&settings).await.ok()?;
                let n = archive.counts().await.ok()?.n_articles;
                archive.close().await;
                (n_stored < n).then_some(n)
            })
            .await;
        child.kill().await.expect("a child can be killed");
        n_killed_inside += u64::from(n_stored < N_ARTICLES);
    }
    assert!(0 < n_killed_inside, "the import was over before it could be killed");
    let last = app.run(&["import", &file]).await;

    assert_eq!(last.code, Some(0), "{last:?}");
    let answer = last.json();
    let n_read = answer["records"]["response"].as_u64().unwrap_or(0);
    assert!(n_read + n_stored <= N_ARTICLES, "it began anew: {answer}, {n_stored} stored before");
    assert_eq!(answer["articles_known"], 0, "{answer}");
    let archive = app.archive().await;
    let counts = archive.counts().await.expect("counts");
    assert_eq!((counts.n_articles, counts.n_unannotated), (N_ARTICLES, 0), "{counts:?}");
    for n in [0, 1, N_ARTICLES - 1] {
        let stored = archive.article(&id(n)).await.expect("readable").expect("archived");
        assert!(stored.article.text.contains(&MadeUp::article(n).phrase));
        assert_eq!(stored.article.fetched_at.to_rfc3339(), "2026-01-02T03:04:05+00:00");
    }
    archive.close().await;
    drop(archive);
    let found = app.search(&[&format!("\"{}\"", MadeUp::article(7).phrase)]).await;
    assert_eq!(found["hits"][0]["id"], id(7).to_string(), "{found}");

    let again = app.run(&["import", &file]).await.json();
    assert_eq!((&again["articles_new"], &again["records"]), (&0.into(), &serde_json::json!({})));
    let anew = app.run(&["import", "--again", &file]).await.json();
    assert_eq!(anew["articles_known"], N_ARTICLES, "{anew}");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_records_are_named_by_file_and_offset_and_the_rest_is_imported() {
    let app = TestApp::new();
    let mut bytes = news_file(0..3);
    let mut bad_places = BTreeSet::from([bytes.len() as u64]);
    let mut broken = response(3);
    let middle = broken.len() / 2;
    broken[middle..middle + 9].fill(0);
    bytes.extend(broken);
    bytes.extend(member("revisit", &url(0), b"HTTP/1.1 304 Not Modified\r\n\r\n"));
    bytes.extend(member("response", &url(8), b"HTTP/1.1 404 Not Found\r\n\r\n"));
    bytes.extend(response(4));
    bad_places.insert(bytes.len() as u64);
    let torn = response(5);
    bytes.extend(&torn[..torn.len() - 20]);
    let file = app.folder().join("broken.warc.gz");
    fs::write(&file, bytes).expect("a writable folder");
    let file = file.display().to_string();

    let finished = app.run(&["import", &file, "--source", "cc-news"]).await;

    assert_eq!(finished.code, Some(1), "{finished:?}");
    let lines: Vec<serde_json::Value> =
        finished.stdout.lines().map(|it| serde_json::from_str(it).expect("JSON")).collect();
    let (answer, errors) = lines.split_last().expect("an answer");
    let named: BTreeSet<u64> = errors.iter().filter_map(|it| it["offset"].as_u64()).collect();
    assert_eq!(named, bad_places, "{errors:?}");
    assert!(errors.iter().all(|it| it["file"] == file && it["error"].is_string()), "{errors:?}");
    assert_eq!((&answer["articles_new"], &answer["indexed"]), (&4.into(), &4.into()), "{answer}");
    let records = &answer["records"];
    assert_eq!((&records["revisit"], &records["http_404"]), (&1.into(), &1.into()), "{answer}");
    let archive = app.archive().await;
    let stored = archive.article(&id(4)).await.expect("readable").expect("archived");
    archive.close().await;
    assert_eq!(stored.article.source.as_str(), "cc-news");

    let missing = app.run(&["import", "no-such-file.warc"]).await;
    assert!(missing.code != Some(0) && missing.stderr.contains("no-such-file"), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_articles_find_the_stories_of_their_time_in_whatever_order_they_come() {
    let app = TestApp::new();
    let line = |n: u64, event: usize, days_ago: i64| {
        let (title, text) = EVENTS[event];
        let published_at = tests::now() - chrono::TimeDelta::days(days_ago);
        let published_at = published_at.to_rfc3339();
        let line = serde_json::json!({
            "url": url(n), "title": title, "text": text, "published_at": published_at,
        });
        line.to_string()
    };
    let take = async |name: &str, lines: &[String]| {
        let path = app.folder().join(name);
        fs::write(&path, lines.join("\n")).expect("a writable folder");
        let finished = app.run(&["index", "--jsonl", &path.display().to_string()]).await;
        assert_eq!(finished.code, Some(0), "{finished:?}");
    };
    take("first.jsonl", &[line(1, 0, 0), line(2, 1, 399), line(3, 2, 380), line(4, 1, 400)]).await;
    take("second.jsonl", &[line(5, 1, 398), line(6, 0, 397), line(7, 0, 0)]).await;

    let archive = app.archive().await;
    let mut stories = Vec::new();
    for n in 1..=7 {
        let stored = archive.article(&id(n)).await.expect("readable").expect("archived");
        stories.push(stored.story.expect("it is in a story"));
    }
    archive.close().await;
    let [today, old, other, before, after, recurring, again] = &stories[..] else {
        panic!("{stories:?}")
    };
    assert_eq!((old, old), (before, after), "a day apart, and of an earlier run");
    assert_eq!(today, again, "what is of now is not disturbed");
    let told: BTreeSet<_> = [today, old, other, recurring].into();
    assert_eq!(told.len(), 4, "{stories:?}");
}
