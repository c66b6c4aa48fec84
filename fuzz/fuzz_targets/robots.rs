//! Any bytes are a robots.txt, and never forbid the file itself.

#![no_main]

use ingest::fetch::is_allowed_by_robots;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    for path in ["/", "/news/1?a=b", "/robots.txt", "/%E2%82%AC/*$", "/private/x.pdf"] {
        let url = Url::parse("https://wire.example").and_then(|it| it.join(path));
        let url = url.expect("a fixed address");
        let is_allowed = is_allowed_by_robots("Harbinger", bytes, &url);
        assert!(is_allowed || path != "/robots.txt");
    }
});
