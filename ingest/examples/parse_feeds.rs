//! Prints each feed file given as one line of JSON, for `score_feeds.py`.
//!
//! `cargo run --release -p ingest --example parse_feeds -- FILE… > feeds.jsonl`

use std::io::Write;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for file in std::env::args().skip(1) {
        let bytes = std::fs::read(&file)?;
        let mut line = match ingest::feed::parse(&bytes, None, None) {
            Ok(feed) => serde_json::to_value(feed)?,
            Err(error) => serde_json::json!({"error": error.to_string()}),
        };
        line["file"] = file.into();
        writeln!(out, "{line}")?;
    }
    Ok(())
}
