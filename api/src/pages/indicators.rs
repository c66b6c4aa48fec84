//! The technical indicators of an article, shown so that nobody follows one by mistake.

use index::{ArticleIndicator, article_indicators};
use ingest::Article;
use nlp::indicator::IndicatorKind;

use super::text::{brief, href};

/// Indicators that are listed.
const N_SHOWN_MAX: usize = 100;
/// Characters of one that are shown; its link asks for all of it.
const N_CHARS_MAX: usize = 200;

/// What is listed, by kind and value.
pub(crate) struct IndicatorList {
    pub(crate) shown: Vec<IndicatorView>,
    /// How many there are.
    pub(crate) n_all: usize,
    /// How many are not listed.
    pub(crate) n_more: usize,
}

/// An indicator that leads to the articles that name it.
pub(crate) struct IndicatorView {
    pub(crate) kind: &'static str,
    /// Defanged.
    pub(crate) label: String,
    pub(crate) href: String,
}

/// The indicators of `article`.
pub(crate) fn indicators(article: &Article) -> IndicatorList {
    let all = article_indicators(&article.title, &article.text);
    IndicatorList {
        shown: all.iter().take(N_SHOWN_MAX).map(view).collect(),
        n_all: all.len(),
        n_more: all.len().saturating_sub(N_SHOWN_MAX),
    }
}

fn view(indicator: &ArticleIndicator) -> IndicatorView {
    let value = indicator.value.replace('\\', "\\\\").replace('"', "\\\"");
    IndicatorView {
        kind: kind_name(indicator.kind),
        label: brief(&defanged(indicator), N_CHARS_MAX),
        href: href("/search", [("q", format!("indicator:\"{value}\"").as_str())]),
    }
}

/// As reports print it: `hxxps://evil[.]example[.]com`.
fn defanged(indicator: &ArticleIndicator) -> String {
    let value = &indicator.value;
    match indicator.kind {
        IndicatorKind::Url => {
            let dotted = value.replace('.', "[.]");
            let is_web = dotted.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("http"));
            if is_web { format!("hxxp{}", &dotted[4..]) } else { dotted }
        }
        IndicatorKind::Ipv4 | IndicatorKind::Domain | IndicatorKind::Email => {
            value.replace('.', "[.]")
        }
        _ => value.clone(),
    }
}

fn kind_name(kind: IndicatorKind) -> &'static str {
    match kind {
        IndicatorKind::Cve => "vulnerability",
        IndicatorKind::AttackTechnique => "ATT&CK technique",
        IndicatorKind::Ipv4 => "IPv4 address",
        IndicatorKind::Ipv6 => "IPv6 address",
        IndicatorKind::Url => "URL",
        IndicatorKind::Email => "e-mail address",
        IndicatorKind::Domain => "domain",
        IndicatorKind::Md5 => "MD5",
        IndicatorKind::Sha1 => "SHA-1",
        IndicatorKind::Sha256 => "SHA-256",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: IndicatorKind, value: &str, label: &str) {
        assert_eq!(view(&ArticleIndicator { kind, value: value.to_owned() }).label, label);
    }

    #[test]
    fn what_could_be_clicked_is_defanged_and_nothing_else() {
        check(IndicatorKind::Url, "https://a.example/x.php", "hxxps://a[.]example/x[.]php");
        check(IndicatorKind::Url, "ftp://a.example/", "ftp://a[.]example/");
        check(IndicatorKind::Ipv4, "203.0.113.9", "203[.]0[.]113[.]9");
        check(IndicatorKind::Email, "ops@a.example", "ops@a[.]example");
        check(IndicatorKind::AttackTechnique, "T1566.001", "T1566.001");
        check(IndicatorKind::Cve, "CVE-2024-3400", "CVE-2024-3400");
    }

    #[test]
    fn each_leads_to_the_articles_that_name_it() {
        let value = "https://a.example/?q=1".to_owned();
        let link = view(&ArticleIndicator { kind: IndicatorKind::Url, value }).href;
        assert_eq!(link, "/search?q=indicator%3A%22https%3A%2F%2Fa.example%2F%3Fq%3D1%22");
    }
}
