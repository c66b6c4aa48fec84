//! Any bytes are a feed or none; entries have canonical addresses and bounded texts.

#![no_main]

use chrono::DateTime;
use config::SourceId;
use ingest::feed;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let base = Url::parse("https://wire.example/feed.xml").expect("a fixed address");
    let now = DateTime::from_timestamp(1_767_225_600, 0).expect("a fixed time");
    for content_type in [None, Some("application/rss+xml; charset=windows-1252")] {
        let Ok(parsed) = feed::parse(bytes, content_type, Some(base.as_str())) else { continue };
        for entry in feed::entries(&parsed, &SourceId::new("wire"), &base, now) {
            assert_eq!(entry.id, ingest::ArticleId::of(&entry.url));
            assert!(entry.summary.is_none_or(|it| it.chars().count() <= 2_000));
        }
    }
});
