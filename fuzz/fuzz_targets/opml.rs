//! Any bytes are a list of sources or none; what was read is written so that it reads the same.

#![no_main]

use ingest::opml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for content_type in [None, Some("text/x-opml; charset=windows-1252")] {
        let Ok(list) = opml::parse(bytes, content_type) else { continue };
        let written = list.to_xml();
        let again = opml::parse(written.as_bytes(), None).expect("what was written can be read");
        assert_eq!(again, list, "{written}");
    }
});
