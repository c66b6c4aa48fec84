//! A canonical address stays as it is when it is made canonical again, and every part of it is
//! one that a server can be asked for.

#![no_main]

use ingest::CanonicalUrl;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|text: &str| {
    let base = Url::parse("https://www.wire.example/a/b?c=d").expect("a fixed address");
    for found in [CanonicalUrl::parse(text), CanonicalUrl::join(&base, text)] {
        let Ok(canonical) = found else { continue };
        let again = CanonicalUrl::parse(canonical.as_str()).expect("it was read before");
        assert_eq!(canonical, again);
        assert!(matches!(canonical.to_url().scheme(), "http" | "https"));
        assert_eq!(canonical.to_url().fragment(), None);
        assert!(canonical.to_url().host_str().is_some_and(|it| !it.is_empty() && !it.ends_with('.')));
    }
});
