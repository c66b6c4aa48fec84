//! Prints every line of text of every page of a gold set with what the model of the extraction
//! knows about it: first the names, then one line of JSON for each page. For `ingest/training`.
//!
//! `cargo run --release --workspace --example line_features -- data/extraction/articles-2026 > lines.jsonl`

use std::io::{Read, Write};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: line_features FOLDER")?);
    let gold: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("gold.json"))?)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{}", serde_json::json!({"names": ingest::extract::training::names()}))?;
    for (id, facts) in gold.as_object().ok_or("gold.json holds no object")? {
        let file = facts.get("file").and_then(|it| it.as_str());
        let file = file.map_or_else(|| format!("{id}.html.gz"), str::to_owned);
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(folder.join("html").join(file))?;
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes)?;
        let html = String::from_utf8_lossy(&bytes);
        let url = facts.get("url").and_then(|it| it.as_str());
        let started = std::time::Instant::now();
        let lines = ingest::extract::training::lines(&html, url);
        let ms = started.elapsed().as_secs_f64() * 1e3;
        writeln!(out, "{}", serde_json::json!({"id": id, "ms": ms, "lines": lines}))?;
    }
    Ok(())
}
