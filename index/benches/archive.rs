//! How many articles a second the archive takes and gives (`cargo bench -p index --bench archive`).
//!
//! Articles have 600 words, 60 mentions of 40 entities and 3 statements; SQLite lies in the
//! system's temporary folder (`TMPDIR` chooses another disk).

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::{SectorId, SourceId};
use divan::Bencher;
use divan::counter::ItemsCount;
use index::archive::annotations::CorrelatedArticle;
use index::archive::{Archive, ArchiveSettings};
use ingest::{Article, ArticleId, CanonicalUrl};
use nlp::story::StoryId;
use nlp::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, Span, Statement,
    StatementKind, StatementTime, Tense,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

const BATCH: u32 = 32;
const LEASE: Duration = Duration::from_secs(60);

/// An archive with `n` annotated articles in it.
struct World {
    runtime: Runtime,
    archive: Archive,
    next: AtomicU32,
    _dir: TempDir,
}

impl World {
    fn with(n: u32) -> World {
        let runtime = Runtime::new().expect("a runtime");
        let dir = tempfile::tempdir().expect("a temporary folder");
        let settings = ArchiveSettings::in_folder(dir.path());
        let archive = runtime.block_on(Archive::open(&settings)).expect("an archive");
        let world = World { runtime, archive, next: AtomicU32::new(0), _dir: dir };
        while world.next.load(Ordering::Relaxed) < n {
            world.record_batch();
        }
        world
    }

    fn take(&self, n: u32) -> std::ops::Range<u32> {
        let first = self.next.fetch_add(n, Ordering::Relaxed);
        first..first + n
    }

    /// One article at a time, as the crawl stage does, then one batch of annotations.
    fn record_batch(&self) {
        let numbers = self.take(BATCH);
        self.runtime.block_on(async {
            for n in numbers.clone() {
                self.archive.record_article(&article(n), None).await.expect("recorded");
            }
            self.archive.claim_unannotated(BATCH as usize, at(0), LEASE).await.expect("claimed");
            let batch: Vec<_> = numbers.map(correlated).collect();
            self.archive.record_annotations(&batch, at(0)).await.expect("recorded");
        });
    }
}

/// Crawl and annotation together, in batches of 32: the whole of what an article costs.
#[divan::bench(args = [0, 20_000], sample_count = 20, sample_size = 1)]
fn record_and_annotate(bencher: Bencher, n_before: u32) {
    let world = World::with(n_before);
    bencher.counter(ItemsCount::new(BATCH)).bench(|| world.record_batch());
}

/// One article, one transaction: the price of a durable commit.
#[divan::bench(sample_count = 200, sample_size = 1)]
fn record_article(bencher: Bencher) {
    let world = World::with(0);
    bencher.counter(ItemsCount::new(1_u32)).bench(|| {
        let article = article(world.take(1).start);
        let record = world.archive.record_article(&article, None);
        world.runtime.block_on(record).expect("recorded")
    });
}

/// What the index stage reads: 100 articles with their annotations.
#[divan::bench(sample_count = 20)]
fn index_changes_after(bencher: Bencher) {
    let world = World::with(2_000);
    bencher.counter(ItemsCount::new(100_u32)).bench(|| {
        let feed = world.runtime.block_on(world.archive.index_changes_after(1_000, 100));
        assert_eq!(feed.expect("read").articles.len(), 100);
    });
}

/// One article for its page.
#[divan::bench(sample_count = 100)]
fn read_article(bencher: Bencher) {
    let world = World::with(2_000);
    let id = article(777).id;
    bencher.bench(|| world.runtime.block_on(world.archive.article(&id)).expect("read"));
}

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_225_600, 0).expect("in range") + TimeDelta::minutes(minutes)
}

fn article(n: u32) -> Article {
    let url = format!("https://site{}.example/news/{n}", n % 50);
    let url = CanonicalUrl::parse(&url).expect("a URL");
    Article {
        id: ArticleId::of(&url),
        url,
        canonical_url: None,
        source: SourceId::new(format!("site{}", n % 50)),
        title: format!("Headline {n} of a story about ports and power lines"),
        authors: vec!["Ann Author".to_owned()],
        text: format!("Sentence {n} tells what happened at the port. ").repeat(75),
        language: Some("en".to_owned()),
        site_name: None,
        published_at: Some(at(n.into())),
        fetched_at: at(i64::from(n) + 5),
        page_sha256: "00".repeat(32),
        details: Default::default(),
    }
}

fn entity(n: u32, place: u32) -> EntityRef {
    // Half of an article's entities are common ones, half are its own.
    let key = if place.is_multiple_of(2) { place } else { n.wrapping_mul(31).wrapping_add(place) };
    EntityRef { id: format!("name:organization:entity {key}"), name: format!("Entity {key}") }
}

fn correlated(n: u32) -> CorrelatedArticle {
    let mention = |place: u32| Mention {
        start: place as usize * 10,
        end: place as usize * 10 + 8,
        text: format!("Entity {place}"),
        kind: MentionKind::Organization,
        entity: Some(entity(n, place % 40)),
        score: 0.9,
    };
    let phrase = |place: u32| Phrase {
        start: 10,
        end: 20,
        text: "the port".to_owned(),
        entity: Some(entity(n, place)),
    };
    let statement = |place: u32| Statement {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        time: StatementTime { tense: Tense::Future, from: None, to: None },
        sentence: Span { start: 0, end: 40 },
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
            mentions: (0..60).map(mention).collect(),
            statements: (0..3).map(statement).collect(),
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
