//! Technical indicators of an article: as they are indexed and asked for ([`indicators`]), as
//! readers and other tools get them ([`article_indicators`]).

use std::collections::BTreeSet;

use nlp::indicator::{IndicatorKind, distinct_indicators, find_indicators};
use serde::{Deserialize, Serialize};
use url::Url;

/// Indicators of one article that are indexed and exported at most.
pub const N_INDICATORS_MAX: usize = 500;
/// Bytes of one indicator at most.
const N_BYTES_MAX: usize = 1_000;

/// A technical indicator that an article names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ArticleIndicator {
    /// What it is.
    pub kind: IndicatorKind,
    /// Without defanging.
    pub value: String,
}

/// The indicators in headline and text of an article, each once, by kind and value.
pub fn article_indicators(title: &str, text: &str) -> Vec<ArticleIndicator> {
    let mut found = distinct_indicators(title);
    found.extend(distinct_indicators(text));
    let short = found.into_iter().filter(|(_, value)| value.len() <= N_BYTES_MAX);
    short.map(|(kind, value)| ArticleIndicator { kind, value }).collect()
}

/// The indicators of `texts` in lower case and without defanging; with a URL or an e-mail address
/// also its host.
pub(crate) fn indicators(texts: &[&str]) -> Vec<String> {
    let mut found = BTreeSet::new();
    for text in texts {
        for (kind, value) in distinct_indicators(text) {
            found.extend(host(kind, &value));
            found.insert(value.to_lowercase());
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

fn host(kind: IndicatorKind, value: &str) -> Option<String> {
    match kind {
        IndicatorKind::Url => Url::parse(value).ok()?.host_str().map(str::to_lowercase),
        IndicatorKind::Email => Some(value.split_once('@')?.1.to_lowercase()),
        _ => None,
    }
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
    fn a_version_is_no_address_here_either() {
        check("It is fixed in 11.8.1.1, not before version 12.1.1.4.", &[]);
        let text = "Fixed it, they wrote: from 10.1.2.3 came evil[.]example[.]com";
        check(text, &["10.1.2.3", "evil.example.com"]);
    }

    #[test]
    fn a_question_may_be_defanged_too() {
        assert_eq!(meant("evil[.]example[.]com"), "evil.example.com");
        assert_eq!(meant("cve-2024-3400"), "cve-2024-3400");
        assert_eq!(meant("Odd"), "odd");
    }
}
