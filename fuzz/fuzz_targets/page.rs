//! Any bytes are a page: no panic gets out of the extraction, and what it gives is bounded.

#![no_main]

use chrono::DateTime;
use config::ExtractRules;
use ingest::decode::decode;
use ingest::extract::{ExtractError, extract};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let now = DateTime::from_timestamp(1_767_225_600, 0).expect("a fixed time");
    let html = decode(bytes, Some("text/html")).text;
    let url = Some("https://www.wire.example/2025/12/story/2");
    match extract(&html, url, &ExtractRules::default(), now) {
        Ok(page) => {
            assert!(page.text.chars().count() <= 1_000_000);
            assert!(page.tags.len() <= 30);
        }
        // `extract` catches panics, so that one page stops nothing; here they are findings.
        Err(ExtractError::Extractor { reason }) => panic!("the extractor broke: {reason}"),
        Err(_) => {}
    }
});
