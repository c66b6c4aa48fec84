//! One spelling for each page: [`CanonicalUrl`].

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

/// An `http` or `https` URL in canonical form.
///
/// Scheme and host are lower-case; credentials, default ports, fragments and tracking parameters
/// are gone; the query is sorted by name; escapes of unreserved characters are undone (RFC 3986,
/// section 6.2.2). Parsing the text of a canonical URL gives the same URL again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CanonicalUrl(String);

/// Why a text is no canonical URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUrl {
    /// Not a URL at all.
    #[error("`{text}` is not a URL: {reason}")]
    Syntax {
        /// The text, cut to 200 characters.
        text: String,
        /// What the parser said.
        reason: String,
    },
    /// A scheme that is never fetched.
    #[error("`{text}` is neither http nor https")]
    Scheme {
        /// The text, cut to 200 characters.
        text: String,
    },
}

impl CanonicalUrl {
    /// Brings `url` into canonical form.
    pub fn parse(url: &str) -> Result<CanonicalUrl, InvalidUrl> {
        let parsed = Url::parse(url.trim())
            .map_err(|error| InvalidUrl::Syntax { text: cut(url), reason: error.to_string() })?;
        CanonicalUrl::of(parsed)
    }

    /// Resolves `link` as found in a document at `base`, and brings it into canonical form.
    pub fn join(base: &Url, link: &str) -> Result<CanonicalUrl, InvalidUrl> {
        let joined = base
            .join(link.trim())
            .map_err(|error| InvalidUrl::Syntax { text: cut(link), reason: error.to_string() })?;
        CanonicalUrl::of(joined)
    }

    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL in parsed form.
    pub fn to_url(&self) -> Url {
        Url::parse(&self.0).expect("a canonical URL parses, because it was written by `url`")
    }

    /// Whether both URLs belong to the same registrable domain (`a.example.co.uk` and
    /// `example.co.uk`) or, where there is none, to the same host.
    pub fn is_same_site(&self, other: &CanonicalUrl) -> bool {
        site_of(&self.to_url()) == site_of(&other.to_url())
    }

    fn of(mut url: Url) -> Result<CanonicalUrl, InvalidUrl> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidUrl::Scheme { text: cut(url.as_str()) });
        }
        url.set_fragment(None);
        // Neither can fail: http and https URLs always have a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_end_matches('.');
        if bare.len() < host.len() {
            let bare = bare.to_owned();
            // Fails where nothing or no host is left.
            url.set_host(Some(&bare)).map_err(|error| InvalidUrl::Syntax {
                text: cut(url.as_str()),
                reason: error.to_string(),
            })?;
        }
        url.set_path(&undo_needless_escapes(url.path()));
        let query = url.query().and_then(canonical_query);
        url.set_query(query.as_deref());
        Ok(CanonicalUrl(url.into()))
    }
}

/// Returns the registrable domain of `url`, or its host where there is none (`localhost`, an IP
/// address), in lower case.
pub fn site_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let has_domain = matches!(url.host(), Some(url::Host::Domain(_)));
    let domain = has_domain.then(|| psl::domain_str(host)).flatten();
    domain.unwrap_or(host).to_owned()
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}

fn canonical_query(query: &str) -> Option<String> {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(undo_needless_escapes)
        .filter(|pair| !is_tracking(name_of(pair)))
        .collect();
    // The sort is stable: repeated names keep their order, which servers may heed.
    pairs.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    (!pairs.is_empty()).then(|| pairs.join("&"))
}

fn name_of(pair: &str) -> &str {
    pair.split_once('=').map_or(pair, |(name, _)| name)
}

/// Parameters that say where a reader came from, never what the page is.
const TRACKING_NAMES: &[&str] = &[
    "_branch_match_id",
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "dclid",
    "dicbo",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "hsctatracking",
    "igsh",
    "igshid",
    "li_fat_id",
    "mkt_tok",
    "ml_subscriber",
    "ml_subscriber_hash",
    "msclkid",
    "ncid",
    "ocid",
    "oly_anon_id",
    "oly_enc_id",
    "rb_clickid",
    "ref_src",
    "ref_url",
    "s_cid",
    "s_kwcid",
    "soc_src",
    "soc_trk",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_conv",
    "vero_id",
    "wbraid",
    "wickedid",
    "wprov",
    "xtor",
    "yclid",
];

/// Families of such parameters.
const TRACKING_PREFIXES: &[&str] = &["utm_", "mc_", "pk_", "mtm_", "hsa_", "at_", "wt_", "wt."];

fn is_tracking(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    TRACKING_NAMES.binary_search(&name.as_str()).is_ok()
        || TRACKING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Undoes `%41` where it stands for a letter, digit, `-`, `.`, `_` or `~`, and writes the other
/// escapes with capital digits.
pub(crate) fn undo_needless_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 3);
        let code = digits
            .filter(|it| it.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|it| u8::from_str_radix(it, 16).ok());
        match code {
            Some(code)
                if (code.is_ascii_alphanumeric() || b"-._~".contains(&code))
                    && !completes_escape(&out, code) =>
            {
                out.push(char::from(code));
                rest = &rest[at + 3..];
            }
            Some(code) => {
                out.push_str(&format!("%{code:02X}"));
                rest = &rest[at + 3..];
            }
            None => {
                out.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether `code` behind a bare `%` in `out` would make an escape that nobody wrote: `%4` and `3`.
fn completes_escape(out: &str, code: u8) -> bool {
    let is_begun = match out.as_bytes() {
        [.., b'%'] => true,
        [.., b'%', last] => last.is_ascii_hexdigit(),
        _ => false,
    };
    is_begun && code.is_ascii_hexdigit()
}

impl TryFrom<String> for CanonicalUrl {
    type Error = InvalidUrl;

    fn try_from(text: String) -> Result<CanonicalUrl, InvalidUrl> {
        CanonicalUrl::parse(&text)
    }
}

impl From<CanonicalUrl> for String {
    fn from(url: CanonicalUrl) -> String {
        url.0
    }
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let canonical = CanonicalUrl::parse(url).unwrap();
        assert_eq!(canonical.as_str(), expected);
        let again = CanonicalUrl::parse(expected).unwrap();
        assert_eq!(again.as_str(), expected, "canonical form is not stable");
    }

    #[test]
    fn drops_tracking_parameters() {
        check("https://a.example/x?utm_source=rss&id=7", "https://a.example/x?id=7");
        check("https://a.example/x?fbclid=1&gclid=2&mc_cid=3", "https://a.example/x");
        check("https://a.example/x?UTM_Medium=feed", "https://a.example/x");
        check("https://a.example/x?utmost=1", "https://a.example/x?utmost=1");
        check("https://a.example/x?wt%2emc=1&%75tm_source=rss", "https://a.example/x");
    }

    #[test]
    fn sorts_the_query_by_name_and_keeps_the_order_of_repeated_names() {
        check("https://a.example/?b=2&a=1&b=1", "https://a.example/?a=1&b=2&b=1");
        check("https://a.example/?&&a=1&", "https://a.example/?a=1");
        check("https://a.example/?", "https://a.example/");
    }

    #[test]
    fn writes_scheme_host_and_port_in_one_way() {
        check("HTTP://News.Example:80/A", "http://news.example/A");
        check("https://news.example.:443/a#top", "https://news.example/a");
        check("https://news.example../a", "https://news.example/a"); // Found by fuzzing.
        assert!(CanonicalUrl::parse("http://./a").is_err(), "a host of dots; found by fuzzing");
        check("https://user:secret@news.example/a", "https://news.example/a");
        check("http://news.example:8080", "http://news.example:8080/");
    }

    #[test]
    fn undoes_escapes_of_unreserved_characters_only() {
        check("https://a.example/%7Ejoe/%c3%a9%2f", "https://a.example/~joe/%C3%A9%2F");
        check("https://a.example/100%", "https://a.example/100%");
        // An escape that only undoing another would make; found by fuzzing.
        check("https://a.example/%%4%33", "https://a.example/%%4%33");
    }

    #[test]
    fn refuses_other_schemes() {
        let refused = CanonicalUrl::parse("ftp://a.example/x");
        assert!(matches!(refused, Err(InvalidUrl::Scheme { .. })), "{refused:?}");
        assert!(CanonicalUrl::parse("mailto:a@b.example").is_err());
    }

    #[test]
    fn a_site_is_the_registrable_domain() {
        let url = |text| CanonicalUrl::parse(text).unwrap();
        assert!(url("https://www.bbc.co.uk/a").is_same_site(&url("https://news.bbc.co.uk/b")));
        assert!(!url("https://a.co.uk/").is_same_site(&url("https://b.co.uk/")));
        assert!(!url("http://127.0.0.1/").is_same_site(&url("http://127.0.0.2/")));
    }

    #[test]
    fn the_list_of_tracking_parameters_is_sorted() {
        assert!(TRACKING_NAMES.is_sorted());
    }

    proptest! {
        #[test]
        fn canonical_form_is_idempotent(
            path in "[ -~é%]{0,30}",
            query in "([a-z%_.&=A-F0-9+ é]{0,12}&?){0,4}",
        ) {
            let text = format!("https://Host.Example/{path}?{query}");
            if let Ok(once) = CanonicalUrl::parse(&text) {
                let twice = CanonicalUrl::parse(once.as_str()).unwrap();
                prop_assert_eq!(once, twice);
            }
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,60}") {
            if let Ok(once) = CanonicalUrl::parse(&text) {
                prop_assert_eq!(CanonicalUrl::parse(once.as_str()).unwrap(), once);
            }
        }
    }
}
