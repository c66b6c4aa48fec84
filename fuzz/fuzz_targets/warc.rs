//! Any bytes are a web archive: reading ends, and another reader goes on from any place to the same
//! rest.

#![no_main]

use std::io::Cursor;

use ingest::warc_reader::{Item, Limits, Place, WarcReader, http};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { kinds: &["response"], block_bytes_max: 1 << 20 };

fn items(bytes: &[u8], from: Place) -> Vec<(Item, Place)> {
    let mut reader = WarcReader::new(Cursor::new(bytes), from, LIMITS).expect("memory is read");
    let mut items = Vec::new();
    while let Some(item) = reader.next_item().expect("memory is read") {
        items.push((item, reader.place()));
        assert!(items.len() <= bytes.len() + 1, "it goes in a circle");
    }
    items
}

fuzz_target!(|bytes: &[u8]| {
    let whole = items(bytes, Place::default());
    for (item, _) in &whole {
        if let Item::Record(record) = item {
            if let Ok(page) = http::page(record, 1 << 16) {
                assert!(page.body.len() <= 1 << 16);
            }
        }
    }
    for at in [0, whole.len() / 2, whole.len().saturating_sub(1)] {
        if let Some((_, place)) = whole.get(at) {
            assert_eq!(items(bytes, *place), whole[at + 1..], "from {place:?}");
        }
    }
});
