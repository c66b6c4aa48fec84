//! How much memory an export takes: peak resident size and time of `harbinger export`, by format.
//!
//! `make bench-export`, or `cargo bench -p tests --bench export` with `HARBINGER_BIN` at a release
//! binary; `HARBINGER_BENCH_ARTICLES` sets the number of articles (100 000) and
//! `HARBINGER_BENCH_FORMATS` names formats (all). The archive is made up: an article has 10 entities of
//! 20 000, two statements and a fifth of a story.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its user")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use config::{SectorId, SourceId};
use index::archive::annotations::CorrelatedArticle;
use index::archive::{Archive, ArchiveSettings};
use index::writer::{IndexWriterStage, WriterSettings};
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::story::StoryId;
use nlp::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, Span, Statement,
    StatementKind, StatementTime, Tense,
};

const FORMATS: [&str; 8] = ["csv", "jsonl", "stix", "misp", "ftm", "gexf", "graphml", "cypher"];
/// Articles recorded or indexed at once.
const N_AT_ONCE: usize = 500;
const LEASE: Duration = Duration::from_secs(600);
const PROBE_INTERVAL: Duration = Duration::from_millis(20);

fn main() {
    let n_articles = std::env::var("HARBINGER_BENCH_ARTICLES").ok();
    let n_articles: u64 = n_articles.and_then(|it| it.parse().ok()).unwrap_or(100_000);
    let binary = std::env::var_os("HARBINGER_BIN").map(PathBuf::from);
    let binary = binary.unwrap_or_else(|| tests::project_root().join("target/release/harbinger"));
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    tokio::runtime::Runtime::new().unwrap().block_on(fill(&data, n_articles));
    println!("{n_articles} articles, {} statements", 2 * n_articles);
    let wanted = std::env::var("HARBINGER_BENCH_FORMATS").ok();
    let wanted = |it: &&str| wanted.as_ref().is_none_or(|all| all.split(',').any(|one| one == *it));
    for format in FORMATS.into_iter().filter(wanted) {
        measure(&binary, folder.path(), format);
    }
}

/// Makes an archive with its index.
async fn fill(data: &Path, n_articles: u64) {
    fs::create_dir_all(data).unwrap();
    let archive = Archive::open(&ArchiveSettings::in_folder(data)).await.unwrap();
    let numbers: Vec<u64> = (0..n_articles).collect();
    for some in numbers.chunks(N_AT_ONCE) {
        for n in some {
            archive.record_article(&article(*n), None).await.unwrap();
        }
        archive.claim_unannotated(N_AT_ONCE, at(0), LEASE).await.unwrap();
        let batch: Vec<_> = some.iter().map(|it| correlated(*it)).collect();
        archive.record_annotations(&batch, at(0)).await.unwrap();
    }
    let settings = WriterSettings::default();
    let mut writer = IndexWriterStage::open(&data.join("index"), settings).unwrap();
    let mut last = 0;
    loop {
        let articles = archive.index_changes_after(last, N_AT_ONCE).await.unwrap().articles;
        let Some(newest) = articles.iter().filter_map(|it| it.index_seq).max() else { break };
        last = newest;
        writer.apply(&articles).unwrap();
    }
    writer.commit(last).unwrap();
    writer.close().unwrap();
}

fn measure(binary: &Path, folder: &Path, format: &str) {
    let out = folder.join(format);
    let started = Instant::now();
    let mut process = Command::new(binary)
        .args(["export", format, "--quiet", "--output"])
        .arg(&out)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak_bytes = 0;
    let status = loop {
        peak_bytes = tests::peak_memory_bytes(process.id()).unwrap_or(peak_bytes);
        if let Some(status) = process.try_wait().unwrap() {
            break status;
        }
        std::thread::sleep(PROBE_INTERVAL);
    };
    assert!(status.success(), "{format}: {status}");
    println!(
        "{format:8} {:6.0} MB peak memory, {:7.1} MB written, {:5.1} s",
        peak_bytes as f64 / 1e6,
        fs::metadata(&out).unwrap().len() as f64 / 1e6,
        started.elapsed().as_secs_f64(),
    );
    fs::remove_file(out).unwrap();
}

fn at(minutes: u64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).unwrap() + TimeDelta::minutes(minutes as i64)
}

fn article(n: u64) -> Article {
    let url = format!("https://site{}.example/news/{n}", n % 50);
    let url = CanonicalUrl::parse(&url).unwrap();
    Article {
        id: ArticleId::of(&url),
        url,
        canonical_url: None,
        source: SourceId::new(format!("site{}", n % 50)),
        title: format!("Headline {n} of a story about ports and power lines"),
        authors: vec!["Ann Author".to_owned()],
        text: format!("Group {n} would strike the port, officials said. ").repeat(8),
        language: Some("en".to_owned()),
        site_name: None,
        published_at: Some(at(n)),
        fetched_at: at(n + 5),
        page_sha256: format!("{n:064x}"),
        details: Default::default(),
    }
}

/// Half of an article's entities are common ones, half are rare.
fn entity(n: u64, place: u64) -> EntityRef {
    let key = if place.is_multiple_of(2) { n / 5 % 300 + place } else { (n * 31 + place) % 20_000 };
    EntityRef { id: format!("name:organization:entity {key}"), name: format!("Entity {key}") }
}

fn correlated(n: u64) -> CorrelatedArticle {
    let mention = |place: u64| Mention {
        start: place as usize * 10,
        end: place as usize * 10 + 8,
        text: format!("Entity {place}"),
        kind: MentionKind::Organization,
        entity: Some(entity(n, place)),
        score: 0.9,
    };
    let phrase = |place: u64| Phrase {
        start: 10,
        end: 20,
        text: "the port".to_owned(),
        entity: Some(entity(n, place)),
    };
    let statement = |place: u64| Statement {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        time: StatementTime { tense: Tense::Future, from: None, to: None },
        sentence: Span { start: 0, end: 45 },
        trigger: Phrase::default(),
        actors: vec![phrase(place)],
        targets: vec![phrase(place + 1)],
        sectors: vec![SectorId::new("/energy/oil-gas")],
        means: Vec::new(),
        speaker: None,
        score: 0.8,
    };
    CorrelatedArticle {
        article: article(n).id,
        annotation: Annotation {
            id: article(n).id.to_string(),
            language: Some("en".to_owned()),
            mentions: (0..10).map(mention).collect(),
            statements: (0..2).map(statement).collect(),
            ..Annotation::default()
        },
        embedding: vec![0.125; 384],
        story: StoryId::founded_by(&article(n / 5 * 5).id.to_string()),
        headline: None,
        copy_of: None,
        merged: Vec::new(),
        split: None,
    }
}
