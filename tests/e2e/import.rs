//! Web archives imported by the real binary: whole, broken, and killed half-way.

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
