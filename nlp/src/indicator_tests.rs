use super::*;

#[track_caller]
fn check(text: &str, expected: &[(IndicatorKind, &str)]) {
    let found = find_indicators(text);
    let values: Vec<(IndicatorKind, &str)> =
        found.iter().map(|it| (it.kind, it.value.as_str())).collect();
    assert_eq!(values, expected, "{text}");
    for indicator in &found {
        assert!(text.get(indicator.range.clone()).is_some());
    }
}

use IndicatorKind as K;

#[test]
fn finds_cve_numbers_in_any_case() {
    check(
        "Patch CVE-2021-44228 and cve-2020-0601.",
        &[(K::Cve, "CVE-2021-44228"), (K::Cve, "CVE-2020-0601")],
    );
}

#[test]
fn undoes_defanging() {
    check(
        "It called hxxps://evil[.]example[.]com/a?b=1, then 203[.]0[.]113[.]9.",
        &[(K::Url, "https://evil.example.com/a?b=1"), (K::Ipv4, "203.0.113.9")],
    );
    check("from ops[at]mail[.]example[.]org", &[(K::Email, "ops@mail.example.org")]);
    check("update-check[.]top", &[(K::Domain, "update-check.top")]);
}

#[test]
fn tells_hashes_by_length() {
    let md5 = "9e107d9d372bb6826bd81d3542a419d6";
    check(md5, &[(K::Md5, md5)]);
    let sha256 = "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592";
    check(&format!("({sha256})"), &[(K::Sha256, sha256)]);
}

#[test]
fn finds_techniques_and_ipv6() {
    check(
        "Technique T1566.001 from 2001:db8::17.",
        &[(K::AttackTechnique, "T1566.001"), (K::Ipv6, "2001:db8::17")],
    );
}

#[test]
fn versions_times_and_sentence_ends_are_no_indicators() {
    check("Version 10.0.0 of 12:30:45 came.It ended.", &[]);
    check("Release 3.11.2.0 fixes main.rs and report.pdf", &[]);
    check("He paid $1,234,567.89 (see sect. 4.5.1).", &[]);
    check("U.S. officials e.g. Mr. A.B. said so", &[]);
    check("00000000000000000000000000000000", &[]);
}
