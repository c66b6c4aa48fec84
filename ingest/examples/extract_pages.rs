//! Extracts every page of a gold set and prints one line of JSON for each, for
//! `score_extraction.py`.
//!
//! `cargo run --release --workspace --example extract_pages -- data/extraction/articles-2026 > pages.jsonl`
//!
//! Ends with the time that the pages took, text and all metadata.

use std::io::{Read, Write};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: extract_pages FOLDER")?);
    let gold: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("gold.json"))?)?;
    #[expect(clippy::disallowed_methods, reason = "an example is a program of its own")]
    let now = chrono::Utc::now();
    let mut out = std::io::stdout().lock();
    let mut times: Vec<f64> = Vec::new();
    for (id, facts) in gold.as_object().ok_or("gold.json holds no object")? {
        let file = facts.get("file").and_then(|it| it.as_str());
        let file = file.map_or_else(|| format!("{id}.html.gz"), str::to_owned);
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(folder.join("html").join(file))?;
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes)?;
        let html = String::from_utf8_lossy(&bytes);
        let url = facts.get("url").and_then(|it| it.as_str());
        let started = std::time::Instant::now();
        let mut line =
            match ingest::extract::extract(&html, url, &config::ExtractRules::default(), now) {
                Ok(page) => serde_json::to_value(page)?,
                Err(error) => serde_json::json!({"error": error.to_string()}),
            };
        times.push(started.elapsed().as_secs_f64() * 1e3);
        line["ms"] = times.last().copied().into();
        line["id"] = id.as_str().into();
        writeln!(out, "{line}")?;
    }
    let mean = times.iter().sum::<f64>() / times.len().max(1) as f64;
    let worst = times.iter().copied().fold(0.0, f64::max);
    writeln!(std::io::stderr(), "{} pages, {mean:.2} ms mean, {worst:.1} ms worst", times.len())?;
    Ok(())
}
