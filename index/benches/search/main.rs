//! Indexing and searching a synthetic corpus: rate, size, latency of a mix of queries with all
//! facets, snippets and 20 hits; side by side with SQLite and, where the environment names a server,
//! PostgreSQL.
//!
//! `make bench-search`; `HARBINGER_BENCH_ARTICLES` sets the number of articles (100 000),
//! `HARBINGER_BENCH_QUERIES` that of the queries (2 000), `HARBINGER_BENCH_PEER_QUERIES` those of
//! them that the databases are asked (200; 0 leaves the databases out), `HARBINGER_BENCH_COMMIT` the
//! articles between two commits (10 000), `HARBINGER_BENCH_PARTS` what is measured (`index sqlite
//! postgresql`: at a million articles SQLite alone takes most of an hour), `HARBINGER_BENCH_MEMORY` the
//! MB of articles that are not on disk yet (64), `HARBINGER_BENCH_THREADS` the threads that write (1).
//! One thread searches; one makes documents while others write and merge them, and processor time is
//! that of all.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its user")]

mod corpus;
mod mix;
mod peers;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use index::{IndexWriterStage, SearchIndex, WriterSettings};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Articles handed over at once, as the pipeline reads them.
const BATCH_SIZE: usize = 500;
/// Articles between two commits, as the pipeline does while the index catches up.
const N_PER_COMMIT: usize = 10_000;

fn main() {
    let n_articles = setting("HARBINGER_BENCH_ARTICLES", 100_000);
    let n_queries = setting("HARBINGER_BENCH_QUERIES", 2_000);
    let corpus = corpus::Corpus::new(7);
    let dir = tempfile::tempdir().unwrap();
    let mut rng = StdRng::seed_from_u64(2);
    let asks: Vec<mix::Ask> = (0..n_queries).map(|_| mix::ask(&corpus, &mut rng)).collect();
    let n_asked = setting("HARBINGER_BENCH_PEER_QUERIES", 200).min(n_queries);
    if n_asked > 0 {
        println!("-- the databases: the first {n_asked} of the queries, without fuzzy ones");
    }
    if is_measured("index") {
        let index = fill(&corpus, dir.path(), n_articles);
        measure_index(&corpus, &index, &asks, n_asked);
    }
    if n_asked > 0 {
        measure_databases(&corpus, n_articles, &asks[..n_asked]);
    }
    println!("peak memory {}", peak_memory());
}

/// Whether `HARBINGER_BENCH_PARTS` names this part, or nothing.
fn is_measured(part: &str) -> bool {
    std::env::var("HARBINGER_BENCH_PARTS")
        .map_or(true, |it| it.split_whitespace().any(|it| it == part))
}

fn measure_index(corpus: &corpus::Corpus, index: &SearchIndex, asks: &[mix::Ask], n_asked: usize) {
    println!(
        "{} articles in {} segments, {} bytes on disk each, {} bytes of memory each for facets",
        index.n_articles(),
        index.n_segments(),
        index.n_disk_bytes().unwrap() / index.n_articles(),
        index.n_column_bytes() as u64 / index.n_articles(),
    );
    measure(corpus, index, asks);
    let mut same = Vec::new();
    for ask in asks[..n_asked].iter().filter(|it| it.peer.is_some()) {
        let started = Instant::now();
        index.search(&ask.request, corpus.now()).unwrap();
        same.push(started.elapsed());
    }
    if !same.is_empty() {
        print_latencies("as the databases", &mut same);
    }
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
}

/// Indexes the corpus; times exclude making the articles.
fn fill(corpus: &corpus::Corpus, dir: &std::path::Path, n_articles: usize) -> SearchIndex {
    let settings = WriterSettings {
        memory_bytes: setting("HARBINGER_BENCH_MEMORY", 64) * 1_000_000,
        n_threads: setting("HARBINGER_BENCH_THREADS", 1),
        ..WriterSettings::default()
    };
    let mut stage = IndexWriterStage::open(dir, settings).unwrap();
    let mut rng = StdRng::seed_from_u64(1);
    let mut applying = Duration::ZERO;
    let mut commits = Vec::new();
    let n_per_commit = setting("HARBINGER_BENCH_COMMIT", N_PER_COMMIT).max(BATCH_SIZE);
    let (cpu_before, mut making) = (cpu_seconds("self"), 0.0);
    let (mut n_done, mut n_words) = (0, 0);
    while n_done < n_articles {
        let n = BATCH_SIZE.min(n_articles - n_done);
        let thread_before = cpu_seconds("thread-self");
        let batch: Vec<_> =
            (0..n).map(|it| corpus.article(n_done + it, n_articles, &mut rng)).collect();
        n_words += batch.iter().map(|it| it.article.text.split(' ').count()).sum::<usize>();
        making += cpu_seconds("thread-self") - thread_before;
        let started = Instant::now();
        stage.apply(&batch).unwrap();
        applying += started.elapsed();
        n_done += n;
        let started = Instant::now();
        if n_done % n_per_commit < BATCH_SIZE || n_done == n_articles {
            stage.commit(n_done as i64).unwrap();
            commits.push(started.elapsed());
        }
        if n_done % (n_articles / 4).max(1) < n {
            let index = stage.search_index();
            let bytes = index.n_disk_bytes().unwrap() / index.n_articles().max(1);
            println!("{n_done} articles, {} segments, {bytes} bytes each", index.n_segments());
        }
    }
    let index = stage.search_index();
    let started = Instant::now();
    stage.close().unwrap();
    let merging = started.elapsed();
    let cpu = cpu_seconds("self") - cpu_before - making;
    index.refresh().unwrap();
    let committing: Duration = commits.iter().sum();
    println!("{} words an article", n_words / n_articles.max(1));
    println!(
        "indexed {:.0} articles/s ({:.1} s adding, {:.1} s in {} commits, {:.1} s last merges)",
        n_articles as f64 / (applying + committing + merging).as_secs_f64(),
        applying.as_secs_f64(),
        committing.as_secs_f64(),
        commits.len(),
        merging.as_secs_f64(),
    );
    let rate = n_articles as f64 / cpu.max(0.01);
    println!("{rate:.0} articles a second of processor time ({cpu:.1} s, without making them)");
    print_latencies("commit", &mut commits);
    index
}

/// Processor time of this process (`self`) or thread (`thread-self`) so far, in seconds (Linux);
/// 0 elsewhere.
fn cpu_seconds(of: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{of}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything, the 12th and 13th fields are ticks of 1/100 s.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).filter_map(|it| it.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// The databases, asked the same as the index.
fn measure_databases(corpus: &corpus::Corpus, n_articles: usize, asks: &[mix::Ask]) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = format!("sqlite://{}?mode=rwc", dir.path().join("peer.db").display());
    let mut databases = Vec::new();
    if is_measured("sqlite") {
        databases.push((peers::Dialect::Sqlite, file));
    }
    match std::env::var("HARBINGER_TEST_DATABASE_URL") {
        Ok(_) if !is_measured("postgresql") => (),
        Ok(url) => databases.push((peers::Dialect::Postgres, url)),
        Err(_) => println!("PostgreSQL is left out: HARBINGER_TEST_DATABASE_URL is not set"),
    }
    for (dialect, url) in databases {
        let measured = peers::measure(dialect, &url, corpus, n_articles, asks);
        let mut times = runtime.block_on(measured).unwrap();
        print_latencies(dialect.name(), &mut times);
    }
}

fn measure(corpus: &corpus::Corpus, index: &SearchIndex, asks: &[mix::Ask]) {
    let n_queries = asks.len();
    for ask in asks.iter().take(50) {
        index.search(&ask.request, corpus.now()).unwrap();
    }
    let mut by_kind: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    let mut all = Vec::with_capacity(n_queries);
    let (mut n_found, mut n_empty) = (0, 0);
    for mix::Ask { kind, request, .. } in asks {
        let started = Instant::now();
        let response = index.search(request, corpus.now()).unwrap();
        let elapsed = started.elapsed();
        n_found += response.total;
        n_empty += usize::from(response.total == 0);
        by_kind.entry(kind).or_default().push(elapsed);
        all.push(elapsed);
    }
    for (kind, times) in &mut by_kind {
        print_latencies(kind, times);
    }
    print_latencies("ALL", &mut all);
    println!(
        "{} articles found on average, {n_empty} queries found none",
        n_found / n_queries as u64
    );
}

fn print_latencies(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| {
        let place = ((times.len() as f64 * share) as usize).min(times.len().saturating_sub(1));
        times.get(place).map_or(0.0, |it| it.as_secs_f64() * 1_000.0)
    };
    println!(
        "{name:24} n {:5}  p50 {:8.2} ms  p90 {:8.2} ms  p99 {:8.2} ms  max {:8.2} ms",
        times.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(1.0),
    );
}

/// Peak resident memory of this process, from the kernel; `unknown` elsewhere than on Linux.
fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"));
    line.map_or_else(|| "unknown".to_owned(), |it| it.trim().to_owned())
}
