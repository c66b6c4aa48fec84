//! Any bytes are a sitemap, a listing page, a JSON list or none of them: no panic, and entries with
//! canonical addresses and bounded texts. The first byte chooses.

#![no_main]

use chrono::DateTime;
use config::{JsonRules, ListingRules, SourceId};
use ingest::{ArticleId, Entry, json_list, listing, sitemap};
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, bytes)) = bytes.split_first() else { return };
    let base = Url::parse("https://wire.example/news/").expect("a fixed address");
    let now = DateTime::from_timestamp(1_767_225_600, 0).expect("a fixed time");
    let source = SourceId::new("wire");
    let entries: Vec<Entry> = match first % 3 {
        0 => {
            let _ = sitemap::parse(bytes, Some("application/xml"));
            return;
        }
        1 => {
            let html = ingest::decode::decode(bytes, Some("text/html")).text;
            let rules = ListingRules {
                url: base.clone(),
                item: "li, article, tr, a[href]".to_owned(),
                link: Some("a".to_owned()),
                title: Some("h2, a".to_owned()),
                date: None,
                summary: Some("p".to_owned()),
            };
            listing::entries(&html, &base, &rules, &source, now)
        }
        _ => {
            let rules = JsonRules {
                url: base.clone(),
                items: "items".to_owned(),
                link: "https://wire.example/{id}".to_owned(),
                title: "name.0".to_owned(),
                summary: Some("text".to_owned()),
                date: Some("date".to_owned()),
                text: None,
            };
            json_list::entries(bytes, &base, &rules, &source, now).unwrap_or_default()
        }
    };
    for entry in entries {
        assert_eq!(entry.id, ArticleId::of(&entry.url));
        assert!(entry.title.is_none_or(|it| it.chars().count() <= 500));
        assert!(entry.summary.is_none_or(|it| it.chars().count() <= 2_000));
    }
});
