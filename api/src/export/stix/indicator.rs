//! Technical indicators: a pattern each, and CVE numbers as vulnerabilities.

use index::ArticleIndicator;
use nlp::indicator::IndicatorKind;
use serde_json::{Value, json};

use super::{Batch, Mapper, fixed};
use crate::export::{ids, timestamp};

/// What every indicator says of itself: an article may name a host because it is harmless.
const DESCRIPTION: &str = "Named in news; nobody has judged whether it is hostile.";

impl Mapper {
    /// Writes `indicator` once, and lets the report refer to it.
    pub(super) fn indicator(&mut self, indicator: &ArticleIndicator, batch: &mut Batch<'_>) {
        let value = &indicator.value;
        if indicator.kind == IndicatorKind::Cve {
            let known = self.facts.vulnerability(value).map(str::to_owned);
            // As the linker calls one that stands in no gazetteer.
            let unknown = || format!("name:vulnerability:{}", value.to_lowercase());
            let entity = known.unwrap_or_else(unknown);
            let name = self.facts.name(&entity).unwrap_or(value).to_owned();
            let id = self.entity(&entity, "vulnerability", &name, batch);
            batch.refs.insert(id);
            return;
        }
        let Some(pattern) = pattern(indicator) else { return };
        let id = ids::of("indicator", &["pattern", &pattern]);
        if self.is_new(&id) {
            let mut object = self.object("indicator", &id, fixed::epoch(), fixed::epoch());
            object.insert("name".into(), json!(value));
            object.insert("description".into(), json!(DESCRIPTION));
            object.insert("indicator_types".into(), json!(["unknown"]));
            object.insert("pattern".into(), json!(pattern));
            object.insert("pattern_type".into(), json!("stix"));
            object.insert("valid_from".into(), json!(timestamp(fixed::epoch())));
            batch.objects.push(Value::Object(object));
        }
        batch.refs.insert(id);
    }
}

/// The pattern that finds `indicator`; `None` when it is nothing that can be observed.
fn pattern(indicator: &ArticleIndicator) -> Option<String> {
    let path = match indicator.kind {
        IndicatorKind::Ipv4 => "ipv4-addr:value",
        IndicatorKind::Ipv6 => "ipv6-addr:value",
        IndicatorKind::Domain => "domain-name:value",
        IndicatorKind::Url => "url:value",
        IndicatorKind::Email => "email-addr:value",
        IndicatorKind::Md5 => "file:hashes.MD5",
        IndicatorKind::Sha1 => "file:hashes.'SHA-1'",
        IndicatorKind::Sha256 => "file:hashes.'SHA-256'",
        IndicatorKind::Cve | IndicatorKind::AttackTechnique => return None,
    };
    let value = indicator.value.replace('\\', "\\\\").replace('\'', "\\'");
    (!value.chars().any(char::is_control)).then(|| format!("[{path} = '{value}']"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: IndicatorKind, value: &str, expected: Option<&str>) {
        let found = pattern(&ArticleIndicator { kind, value: value.to_owned() });
        assert_eq!(found.as_deref(), expected, "{value}");
    }

    #[test]
    fn a_pattern_compares_with_the_value_and_never_ends_early() {
        let domain = "[domain-name:value = 'evil.example.com']";
        check(IndicatorKind::Domain, "evil.example.com", Some(domain));
        let odd = r"[url:value = 'http://a.example/\\x\'] OR [']";
        check(IndicatorKind::Url, r"http://a.example/\x'] OR [", Some(odd));
        check(IndicatorKind::Sha1, "ab12", Some("[file:hashes.'SHA-1' = 'ab12']"));
        check(IndicatorKind::Url, "http://a.example/\u{1}", None);
        check(IndicatorKind::AttackTechnique, "T1566.001", None);
    }
}
