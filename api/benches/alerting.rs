//! The correlate stage's part in alerts as a whole: annotated articles against the saved searches of
//! a real archive (SQLite in a file). Matching, reading what matched, finding why, telling what is
//! news and recording annotations, alerts and messages in one transaction, all by the code of the
//! pipeline and in its batches. What is left out is what comes before: reading articles and finding
//! their stories.
//!
//! `make bench-match`; `HARBINGER_BENCH_SEARCHES` sets the number of saved searches (100 000),
//! `HARBINGER_BENCH_DOCUMENTS` that of the articles (1 000), of which the first fifth raises no
//! alerts and tells what recording costs without them; `HARBINGER_BENCH_MIX=hard` asks for words
//! and names so common that an article matches over a thousand searches. A third of the searches
//! alert for each article, story and statement; every tenth has a webhook. `TMPDIR` chooses the
//! disk. Articles and searches are those of the bench `matching`; five articles are a story.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its user")]

#[path = "../../index/benches/search/corpus.rs"]
mod corpus;
#[path = "../../index/benches/search/searches.rs"]
mod searches;

use std::time::{Duration, Instant};

use api::pipeline::matching::SavedSearches;
use config::{AlertUnit, Channel, Delivery, SavedSearch};
use corpus::Corpus;
use index::StoredArticle;
use index::archive::annotations::CorrelatedArticle;
use index::archive::{Archive, ArchiveSettings};
use ingest::Article;
use nlp::story::StoryId;
use rand::SeedableRng;
use rand::rngs::StdRng;
use searches::{Draw, hard_search, saved_search};

/// Articles in a batch, as the annotate stage hands them on.
const BATCH_SIZE: usize = 16;
/// Articles of a story.
const N_IN_STORY: usize = 5;
/// The articles are the last of so many in 400 days, which decides how many a day has.
const N_IN_CORPUS: usize = 100_000;

fn main() {
    let n_searches = setting("HARBINGER_BENCH_SEARCHES", 100_000);
    let n_documents = setting("HARBINGER_BENCH_DOCUMENTS", 1_000).min(N_IN_CORPUS);
    let is_hard = std::env::var("HARBINGER_BENCH_MIX").is_ok_and(|it| it == "hard");
    let (name, draw) = match is_hard {
        true => ("hard", hard_search as Draw),
        false => ("as analysts save", saved_search as Draw),
    };
    println!("-- alerting, {n_searches} saved searches, {name}");
    let corpus = Corpus::new(7);
    let mut rng = StdRng::seed_from_u64(3);
    let first = N_IN_CORPUS - n_documents;
    let articles: Vec<StoredArticle> = (first..N_IN_CORPUS)
        .map(|n| corpus.article(n, N_IN_CORPUS, &mut rng))
        .map(|it| StoredArticle { index_seq: None, ..it })
        .collect();
    let mut rng = StdRng::seed_from_u64(4);
    let searches: Vec<SavedSearch> =
        (0..n_searches).map(|n| alerting(draw(n, &corpus, &mut rng), n)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(&corpus, articles, &searches));
}

/// The search with a unit and, sometimes, a receiver.
fn alerting(search: SavedSearch, n: usize) -> SavedSearch {
    let unit = [AlertUnit::Article, AlertUnit::Story, AlertUnit::Statement][n % 3];
    let webhook = Delivery {
        channel: Channel::Webhook,
        to: Some("https://receiver.example/alerts".to_owned()),
        to_secret: None,
        signing_secret: None,
    };
    let deliver = if n.is_multiple_of(10) { vec![webhook] } else { Vec::new() };
    SavedSearch { unit, deliver, ..search }
}

async fn measure(corpus: &Corpus, mut articles: Vec<StoredArticle>, searches: &[SavedSearch]) {
    let dir = tempfile::tempdir().unwrap();
    let archive = Archive::open(&ArchiveSettings::in_folder(dir.path())).await.unwrap();
    let founders: Vec<String> = articles.iter().map(|it| it.article.id.to_string()).collect();
    for (n, it) in articles.iter_mut().enumerate() {
        it.story = Some(StoryId::founded_by(&founders[n / N_IN_STORY * N_IN_STORY]));
    }
    for batch in articles.chunks(500) {
        let batch: Vec<Article> = batch.iter().map(|it| it.article.clone()).collect();
        archive.record_articles(&batch).await.unwrap();
    }
    let started = Instant::now();
    archive.sync_searches(searches, corpus.now()).await.unwrap();
    println!("{:.1} s to save the searches", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let mut stage = SavedSearches::new();
    stage.refresh(&archive).await.unwrap();
    println!("{:.1} s until the stage knows them", started.elapsed().as_secs_f64());
    let (first, rest) = articles.split_at(articles.len() / 5);
    let quiet = run(&archive, &mut stage, first, corpus, false).await;
    let before = stage.spent();
    let loud = run(&archive, &mut stage, rest, corpus, true).await;
    let after = stage.spent();
    let n = rest.len() as f64;
    println!(
        "{:.1} articles/s, {:.1} matches and {:.1} alerts an article",
        n / loud.whole.as_secs_f64(),
        loud.n_matches as f64 / n,
        loud.n_alerts as f64 / n,
    );
    let plain = quiet.recording.div_f64(first.len().max(1) as f64).mul_f64(n).min(loud.recording);
    for (part, spent) in [
        ("matcher", after.matcher - before.matcher),
        ("reading the searches that match (SQL)", after.reading - before.reading),
        ("reasons and statements", after.reasons - before.reasons),
        ("recording annotations (SQL; measured without alerts)", plain),
        ("what is news, alerts and messages (SQL)", loud.recording - plain),
    ] {
        println!(
            "{:5.1} %  {:8.3} ms an article  {part}",
            100.0 * spent.as_secs_f64() / loud.whole.as_secs_f64(),
            1e3 * spent.as_secs_f64() / n,
        );
    }
}

/// What some articles cost and brought.
struct Run {
    whole: Duration,
    recording: Duration,
    n_matches: usize,
    n_alerts: usize,
}

/// What the correlate stage does with `articles` from the moment at which their stories are known.
async fn run(
    archive: &Archive,
    stage: &mut SavedSearches,
    articles: &[StoredArticle],
    corpus: &Corpus,
    with_alerts: bool,
) -> Run {
    let now = corpus.now();
    let (mut recording, mut n_matches, mut n_alerts) = (Duration::ZERO, 0, 0);
    let started = Instant::now();
    for batch in articles.chunks(BATCH_SIZE) {
        stage.refresh(archive).await.unwrap();
        let mut matches = Vec::new();
        for stored in batch {
            matches.extend(stage.matches(archive, stored, false, now).await.unwrap());
        }
        if !with_alerts {
            matches.clear();
        }
        let correlated: Vec<CorrelatedArticle> = batch.iter().map(correlated).collect();
        let started = Instant::now();
        let recorded = archive.record_annotations_and_alerts(&correlated, &matches, now).await;
        let recorded = recorded.unwrap();
        recording += started.elapsed();
        assert_eq!(recorded.n_articles, batch.len());
        n_matches += matches.len();
        n_alerts += recorded.alerts.len();
    }
    Run { whole: started.elapsed(), recording, n_matches, n_alerts }
}

fn correlated(stored: &StoredArticle) -> CorrelatedArticle {
    CorrelatedArticle {
        article: stored.article.id,
        annotation: stored.annotation.clone().unwrap_or_default(),
        embedding: vec![0.125; 384],
        story: stored.story.clone().unwrap(),
        headline: None,
        copy_of: None,
        merged: Vec::new(),
        split: None,
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}
