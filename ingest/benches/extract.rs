//! Extraction of one synthetic page of about 600 words, and of pathological ones.
//!
//! `make bench-extract`

use config::ExtractRules;
use divan::Bencher;
use ingest::extract::extract;

fn main() {
    divan::main();
}

/// A news page with navigation, an article of `n_paragraphs` and a list of links.
fn page(n_paragraphs: usize) -> String {
    let paragraph = "The ministry said on Monday that the outage had been caused by a fault in a \
        substation, and that power would be back by the evening, while engineers were still \
        looking for the reason why the protection had failed to isolate it. ";
    let links = "<li><a href='/x'>Another headline of the day</a></li>".repeat(60);
    let article = format!("<p>{paragraph}</p>").repeat(n_paragraphs);
    format!(
        "<html lang=en><head><title>Outage in the north | Wire</title>\
         <meta property='article:published_time' content='2025-11-03T08:00:00Z'>\
         <meta name=author content='By Ann Lee'></head><body><nav><ul>{links}</ul></nav>\
         <article><h1>Outage in the north</h1>{article}</article><aside><ul>{links}</ul></aside>\
         </body></html>"
    )
}

#[divan::bench(args = [3, 14, 200])]
fn news_page(bencher: Bencher<'_, '_>, n_paragraphs: usize) {
    run(bencher, &page(n_paragraphs));
}

#[divan::bench]
fn deep_page(bencher: Bencher<'_, '_>) {
    run(bencher, &format!("{}{}", "<div><b>".repeat(100_000), page(14)));
}

#[divan::bench]
fn page_of_15_megabytes(bencher: Bencher<'_, '_>) {
    run(bencher, &page(60_000));
}

fn run(bencher: Bencher<'_, '_>, html: &str) {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is a program of its own")]
    let now = chrono::Utc::now();
    let rules = ExtractRules::default();
    bencher.bench_local(|| extract(html, Some("https://wire.example/2025/11/a"), &rules, now));
}
