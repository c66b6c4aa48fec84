//! The whole process: from pages on loopback to searchable, as a user would run it.
//!
//! `make bench-pipeline`, or `cargo bench -p tests --bench pipeline` with `HARBINGER_BIN` at a
//! release binary; `HARBINGER_BENCH_ARTICLES` sets the number of articles (1 000). The pages hold
//! 600 words each: sentences of the bundled sample wire, hostile ones among them, in a new order,
//! so that vocabulary and share of statements are those of news and no two texts are copies. One
//! `harbinger serve` polls ten feeds over them, crawls, annotates, correlates and indexes, while
//! this process serves the pages; both share the machine's cores.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its user")]

use std::fs;
use std::time::{Duration, Instant};

use api::sample::SampleSite;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use tests::{FixtureSite, Reply, TestApp, pages};

/// Words of each article.
const N_WORDS: usize = 600;
/// Feeds over the pages; each is on a host of its own.
const N_FEEDS: u8 = 10;
/// How often the number of searchable articles is asked for.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() {
    let n_articles = std::env::var("HARBINGER_BENCH_ARTICLES").ok();
    let n_articles = n_articles.and_then(|it| it.parse().ok()).unwrap_or(1_000);
    start_up().await;
    throughput(n_articles).await;
}

/// From the start of the process on an empty folder until `/readyz` answers 200.
async fn start_up() {
    let mut times = Vec::new();
    for _ in 0..3 {
        let app = TestApp::new();
        let started = Instant::now();
        let served = app.serve().await;
        times.push(started.elapsed());
        served.stop().await;
    }
    times.sort();
    println!("start-up to serving: {:.2} s median of 3", times[1].as_secs_f64());
}

async fn throughput(n_articles: usize) {
    let mut sites = Vec::new();
    for host in 1..=N_FEEDS {
        sites.push(FixtureSite::start_on(host).await);
    }
    let app = TestApp::new().set("poll.n_entries_max", "100000");
    let n_words = publish(&sites, &app, n_articles);
    let served = app.serve().await;
    let process = served.process_id();
    let started = Instant::now();
    let mut half = None;
    loop {
        tokio::time::sleep(PROBE_INTERVAL).await;
        let total = served.json("/v1/search", &[("limit", "0")]).await["total"].as_u64().unwrap();
        let total = usize::try_from(total).unwrap();
        if half.is_none() && n_articles <= 2 * total {
            half = Some((total, started.elapsed()));
        }
        if n_articles <= total {
            break;
        }
    }
    let elapsed = started.elapsed();
    let (n_half, at_half) = half.unwrap_or((0, Duration::ZERO));
    let second = (n_articles - n_half) as f64 / (elapsed - at_half).as_secs_f64();
    println!(
        "from pages to searchable: {:.1} articles/s ({n_articles} articles of {} words in {:.1} s); \
         second half alone {second:.1} articles/s",
        n_articles as f64 / elapsed.as_secs_f64(),
        n_words / n_articles,
        elapsed.as_secs_f64(),
    );
    let peak_bytes = tests::peak_memory_bytes(process).unwrap();
    println!("peak memory: {:.0} MB", peak_bytes as f64 / 1e6);
    println!("processor time: {:.1} s", processor_seconds(process));
    served.stop().await;
}

/// Spreads the articles over the sites, with one feed on each; returns the number of words.
fn publish(sites: &[FixtureSite], app: &TestApp, n_articles: usize) -> usize {
    let sentences = sample_sentences();
    let mut rng = StdRng::seed_from_u64(11);
    let mut items = vec![Vec::new(); sites.len()];
    let mut n_words = 0;
    for n in 0..n_articles {
        let (title, paragraphs) = article(&sentences, &mut rng);
        n_words += paragraphs.iter().map(|it| it.split_whitespace().count()).sum::<usize>();
        let (at, path) = (n % sites.len(), format!("/news/{n}"));
        sites[at].put(&path, Reply::html(pages::article_html(&title, &paragraphs)));
        items[at].push((sites[at].url(&path), title));
    }
    for (at, (site, items)) in sites.iter().zip(&items).enumerate() {
        site.put("/feed.xml", Reply::rss(pages::rss("News", items)));
        app.add_source(&format!("site-{at}"), &site.url("/feed.xml"));
    }
    n_words
}

/// The sentences of the English sample articles.
fn sample_sentences() -> Vec<&'static str> {
    let site = SampleSite::bundled();
    let is_english =
        |outlet: &str| site.outlets.iter().any(|it| it.id == outlet && it.language == "en");
    let articles = site.articles.iter().filter(|it| is_english(&it.outlet));
    let paragraphs = articles.flat_map(|it| it.source.split("\n\n"));
    let sentences = paragraphs.flat_map(|it| it.split_inclusive(". ")).map(str::trim);
    let is_plain = |it: &&str| !it.starts_with('#') && !it.contains(['{', '}']);
    let has_length = |it: &&str| (5..60).contains(&it.split_whitespace().count());
    sentences.filter(is_plain).filter(has_length).collect()
}

/// A headline and paragraphs of three to five sentences.
fn article(sentences: &[&str], rng: &mut StdRng) -> (String, Vec<String>) {
    let mut paragraphs = Vec::new();
    let mut n_words = 0;
    while n_words < N_WORDS {
        let n_sentences = rng.random_range(3..=5);
        let chosen: Vec<&str> = sentences.choose_multiple(rng, n_sentences).copied().collect();
        n_words += chosen.iter().map(|it| it.split_whitespace().count()).sum::<usize>();
        paragraphs.push(chosen.join(" "));
    }
    let title = sentences.choose(rng).unwrap().trim_end_matches('.').to_owned();
    (title, paragraphs)
}

/// User and system time of a process, at the usual 100 ticks a second (Linux).
fn processor_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11..13].iter().map(|it| it.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}
