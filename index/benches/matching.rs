//! Saved searches against new articles, one at a time on one thread, as they come: articles a
//! second, memory, time to add a search; beside it the naive way, which asks a one-document index
//! every search.
//!
//! Two mixes: what analysts save (entities with sectors, kinds and words; an article matches a small
//! share), and a hard one with words and names so common that an article matches over a thousand.
//!
//! `make bench-match`; `HARBINGER_BENCH_SEARCHES` sets the number of saved searches (100 000),
//! `HARBINGER_BENCH_DOCUMENTS` that of the articles (5 000).

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its user")]

#[path = "search/corpus.rs"]
mod corpus;
#[path = "search/searches.rs"]
mod searches;

use std::hint::black_box;
use std::time::{Duration, Instant};

use config::SavedSearch;
use corpus::Corpus;
use index::{IndexWriterStage, Matcher, SearchRequest, StoredArticle, WriterSettings};
use rand::SeedableRng;
use rand::rngs::StdRng;
use searches::{Draw, hard_search, saved_search};

/// Searches that the naive way is measured with; more would take minutes.
const N_NAIVE: usize = 5_000;

fn main() {
    let n_searches = setting("HARBINGER_BENCH_SEARCHES", 100_000);
    let n_documents = setting("HARBINGER_BENCH_DOCUMENTS", 5_000);
    let corpus = Corpus::new(7);
    let mut rng = StdRng::seed_from_u64(3);
    let articles: Vec<StoredArticle> =
        (0..n_documents).map(|n| corpus.article(n, n_documents, &mut rng)).collect();
    let n_words: usize = articles.iter().map(|it| it.article.text.split(' ').count()).sum();
    println!("{n_searches} saved searches, articles of {} words", n_words / n_documents);
    for (name, search) in [("as analysts save", saved_search as Draw), ("hard", hard_search)] {
        println!("-- {name}");
        let mut rng = StdRng::seed_from_u64(4);
        let searches: Vec<SavedSearch> =
            (0..n_searches).map(|n| search(n, &corpus, &mut rng)).collect();
        measure(&searches, &articles, &corpus, &mut rng);
    }
}

fn measure(
    searches: &[SavedSearch],
    articles: &[StoredArticle],
    corpus: &Corpus,
    rng: &mut StdRng,
) {
    let (n_searches, n_documents) = (searches.len(), articles.len());
    let before = resident_bytes();
    let started = Instant::now();
    let mut matcher = Matcher::new();
    for search in searches {
        matcher.add(search).unwrap();
    }
    println!("{:.2} s to add all searches", started.elapsed().as_secs_f64());
    let now = corpus.now();
    // The first articles teach the matcher what is rare, and bring the languages.
    let (first, rest) = articles.split_at(n_documents / 5);
    let started = Instant::now();
    for article in first {
        black_box(matcher.matches(article, now).len());
    }
    println!("{:.0} articles/s over the first {}", rate(first, started), first.len());
    let mut times = Vec::with_capacity(rest.len());
    let mut n_matches = 0;
    let started = Instant::now();
    for article in rest {
        let started = Instant::now();
        n_matches += matcher.matches(article, now).len();
        times.push(started.elapsed());
    }
    println!(
        "{:.0} articles/s over the next {}, {:.1} matches each",
        rate(rest, started),
        rest.len(),
        n_matches as f64 / rest.len() as f64,
    );
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("p50 {:.2} ms  p99 {:.2} ms  max {:.2} ms", at(0.5), at(0.99), at(1.0));
    println!("{} MiB of memory for the matcher", (resident_bytes() - before) >> 20);
    measure_adding(&mut matcher, corpus, &rest[0], rng);
    naive(&searches[..N_NAIVE.min(n_searches)], n_searches, &rest[..3], corpus);
}

fn rate(articles: &[StoredArticle], since: Instant) -> f64 {
    articles.len() as f64 / since.elapsed().as_secs_f64()
}

/// Until a search that was just added is found.
fn measure_adding(
    matcher: &mut Matcher,
    corpus: &Corpus,
    article: &StoredArticle,
    rng: &mut StdRng,
) {
    let mut slowest = Duration::ZERO;
    for n in 0..100 {
        let mut search = saved_search(n, corpus, rng);
        search.id = config::SearchId::new(format!("added-{n}"));
        search.filters = config::SearchFilters::default();
        search.query = format!("id:{} OR {}", article.article.id, search.query);
        let started = Instant::now();
        matcher.add(&search).unwrap();
        let found = matcher.matches(article, corpus.now());
        assert!(found.contains(&search.id.as_str()));
        slowest = slowest.max(started.elapsed());
        matcher.remove(search.id.as_str());
    }
    println!("{:.2} ms at most until an added search is found", slowest.as_secs_f64() * 1e3);
}

/// Every search asked of an index that holds one article.
fn naive(searches: &[SavedSearch], n_searches: usize, articles: &[StoredArticle], corpus: &Corpus) {
    let mut spent = Duration::ZERO;
    let mut matcher = Matcher::new();
    searches.iter().for_each(|it| matcher.add(it).unwrap());
    for article in articles {
        let dir = tempfile::tempdir().unwrap();
        let started = Instant::now();
        let mut stage = IndexWriterStage::open(dir.path(), WriterSettings::default()).unwrap();
        stage.apply(std::slice::from_ref(article)).unwrap();
        stage.commit(1).unwrap();
        let index = stage.search_index();
        index.refresh().unwrap();
        let opened = started.elapsed();
        let started = Instant::now();
        let mut n_found = 0;
        for search in searches {
            let filters = search.filters.chosen().into_iter().map(|(name, values)| {
                let values = values.into_iter().map(str::to_owned).collect();
                (index::FilterField::from_name(name).unwrap(), values)
            });
            let request = SearchRequest {
                q: search.query.clone(),
                filters: filters.collect(),
                sort: index::search::Sort::Newest,
                limit: 0,
                highlight: false,
                aggs: false,
                ..SearchRequest::default()
            };
            n_found += index.search(&request, corpus.now()).unwrap().total as usize;
        }
        spent += opened + started.elapsed().mul_f64(n_searches as f64 / searches.len() as f64);
        assert_eq!(n_found, matcher.matches(article, corpus.now()).len(), "the two disagree");
    }
    println!(
        "naive: {:.3} articles/s (from {} searches and {} articles)",
        articles.len() as f64 / spent.as_secs_f64(),
        searches.len(),
        articles.len(),
    );
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

/// Resident memory of this process, from the kernel; 0 elsewhere than on Linux.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|it| it.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}
