//! Fetching against a site with two thousand hosts: pages a second, and whether every host was left
//! its pauses and obeyed.
//!
//! `make bench-crawl`. The hosts are addresses of 127.0.0.0/8 that one server in this process
//! answers, each answer after 10 ms; a tenth of them ask for a longer pause in robots.txt, and every
//! host forbids a part of its pages. Each host's pages are fetched one after the other, those of
//! different hosts side by side, with extraction of the article, as the crawl stage does it. The
//! server's own log decides: the first request to a host is robots.txt, no forbidden page is asked
//! for, and between the end of a page and the request for the next lies the host's pause.
//! `HARBINGER_BENCH_HOSTS` (2 000), `HARBINGER_BENCH_PAGES` of each host (16) and
//! `HARBINGER_BENCH_PAUSE_MS` (3 000) change the size. What the pauses allow is printed;
//! a window of ten seconds may hold a little more, since hosts asking for six seconds begin together.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench reports to its user")]

#[path = "../tests/servers/hosts.rs"]
mod hosts;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hosts::{Asked, Log};
use ingest::fetch::{FetchSettings, Fetcher};

fn main() {
    let setting = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(default)
    };
    let n_hosts = setting("HARBINGER_BENCH_HOSTS", 2_000);
    let n_pages = setting("HARBINGER_BENCH_PAGES", 16);
    let pause = Duration::from_millis(setting("HARBINGER_BENCH_PAUSE_MS", 3_000));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(n_hosts as usize, n_pages as usize, pause));
}

async fn measure(n_hosts: usize, n_pages: usize, pause: Duration) {
    let log = Log::default();
    let port = hosts::serve(Arc::clone(&log)).await;
    let settings = FetchSettings { page_interval: pause, ..FetchSettings::default() };
    let fetcher = Arc::new(Fetcher::new(settings).unwrap());
    let started = Instant::now();
    let n_articles = hosts::crawl(&fetcher, port, n_hosts, n_pages, pause).await;
    let elapsed = started.elapsed();
    let log = log.lock().unwrap();
    let shortest = hosts::check(&log, pause);
    let pages: Vec<&Asked> = log.iter().filter(|it| it.path != "/robots.txt").collect();
    println!(
        "{} pages of {n_hosts} hosts in {:.1} s: {:.0} pages/s; {n_articles} articles",
        pages.len(),
        elapsed.as_secs_f64(),
        pages.len() as f64 / elapsed.as_secs_f64(),
    );
    println!("in the fullest ten seconds: {:.0} pages/s", full_rate(&pages));
    println!("most that the pauses allow: {:.0} pages/s", hosts::rate_max(n_hosts, pause));
    println!(
        "every host left its pause (shortest {:.0} ms of {:.0}), no forbidden page asked for",
        shortest.as_secs_f64() * 1e3,
        pause.as_secs_f64() * 1e3,
    );
}

/// Pages a second in the fullest ten seconds, when all hosts are at it.
fn full_rate(pages: &[&Asked]) -> f64 {
    const LENGTH: Duration = Duration::from_secs(10);
    let mut times: Vec<Instant> = pages.iter().map(|it| it.ended_at).collect();
    times.sort();
    let within = |at: usize| times[at..].partition_point(|it| *it < times[at] + LENGTH);
    let most = (0..times.len()).map(within).max().unwrap_or(0);
    most as f64 / LENGTH.as_secs_f64()
}
