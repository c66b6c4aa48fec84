//! Technical indicators of an article, as they are indexed and asked for: [`indicators`].

use std::collections::BTreeSet;

use nlp::indicator::{Indicator, IndicatorKind, find_indicators};
use url::Url;

/// Indicators of one article at most.
const N_INDICATORS_MAX: usize = 500;
/// Bytes of one indicator at most.
const N_BYTES_MAX: usize = 1_000;

/// The indicators of `texts` in lower case and without defanging; with a URL or an e-mail address
/// also its host.
pub(crate) fn indicators(texts: &[&str]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        let likely = likely(text);
        for indicator in find_indicators(&likely) {
            found.extend(host(&indicator));
            found.insert(indicator.value.to_lowercase());
        }
    }
    let short = found.into_iter().filter(|it| it.len() <= N_BYTES_MAX);
    short.take(N_INDICATORS_MAX).collect()
}

/// What a reader means who asks for `value`: an indicator as it is indexed, however it is written.
pub(crate) fn meant(value: &str) -> String {
    let found = find_indicators(value).into_iter().next();
    found.map_or_else(|| value.to_lowercase(), |it| it.value.to_lowercase())
}

fn host(indicator: &Indicator) -> Option<String> {
    match indicator.kind {
        IndicatorKind::Url => Url::parse(&indicator.value).ok()?.host_str().map(str::to_lowercase),
        IndicatorKind::Email => Some(indicator.value.split_once('@')?.1.to_lowercase()),
        _ => None,
    }
}

/// The words of `text` that may hold an indicator, which are few: looking for patterns in all of it
/// would take longer than indexing it.
fn likely(text: &str) -> String {
    let mut likely = String::new();
    for word in text.split_whitespace().filter(|it| may_be(it.as_bytes())) {
        likely.push_str(word);
        likely.push(' ');
    }
    likely
}

fn may_be(word: &[u8]) -> bool {
    if word.len() < 4 {
        return false;
    }
    let has_inner_sign = word.windows(2).any(|it| {
        matches!(it[0], b'.' | b'@' | b':' | b'[' | b'(' | b'{' | b'\\')
            && (it[1].is_ascii_alphanumeric() || matches!(it[1], b'.' | b':' | b'@' | b'/'))
    });
    let has_head = |head: &[u8]| word.windows(head.len()).any(|it| it.eq_ignore_ascii_case(head));
    has_inner_sign
        || word.len() >= 32
        || has_head(b"cve")
        || word.windows(3).any(|it| it[..2] == *b"T1" && it[2].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(indicators(&[text]), expected, "{text}");
    }

    #[test]
    fn indicators_are_found_as_written_and_as_meant() {
        check("Patch (CVE-2024-3400), now.", &["cve-2024-3400"]);
        check(
            "It called hxxps://Evil[.]example[.]com/A?b=1, then 203[.]0[.]113[.]9.",
            &["203.0.113.9", "evil.example.com", "https://evil.example.com/a?b=1"],
        );
        check("Mail ops[at]example[.]org", &["example.org", "ops@example.org"]);
        check("The technique T1566.001 again", &["t1566.001"]);
        check(
            "hash D7A8FBB307D7809469CA9ABCB0082E4F8D5651E46D3CDB762D02D0BF37C9E592",
            &["d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"],
        );
        check("The U.S. said at 10:30 that version 2.0 is out.It works.", &[]);
    }

    #[test]
    fn what_is_skipped_holds_none() {
        let text = "see http://a.example.com/x or b[.]example[.]com, 10.1.2.3:80; fe80::1:2:3 \
                    user@example.com T1059 cve-2021-44228 (d41d8cd98f00b204e9800998ecf8427e)";
        let all: BTreeSet<String> =
            find_indicators(text).into_iter().map(|it| it.value.to_lowercase()).collect();
        let found: BTreeSet<String> = indicators(&[text]).into_iter().collect();
        assert!(found.is_superset(&all), "{found:?} lacks some of {all:?}");
    }

    #[test]
    fn a_question_may_be_defanged_too() {
        assert_eq!(meant("evil[.]example[.]com"), "evil.example.com");
        assert_eq!(meant("cve-2024-3400"), "cve-2024-3400");
        assert_eq!(meant("Odd"), "odd");
    }
}
