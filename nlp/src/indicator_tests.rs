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
    check(
        "c2[.]evil[.]network and x[.]icu",
        &[(K::Domain, "c2.evil.network"), (K::Domain, "x.icu")],
    );
    check("hxxps://evil[.]com/gate[.]php", &[(K::Url, "https://evil.com/gate.php")]);
    check("hxxp[://]evil[.]com/x", &[(K::Url, "http://evil.com/x")]);
    check("loader[.]exe", &[]);
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
        "Techniques T1566.001 and T0855 from 2001:db8::17.",
        &[
            (K::AttackTechnique, "T1566.001"),
            (K::AttackTechnique, "T0855"),
            (K::Ipv6, "2001:db8::17"),
        ],
    );
}

#[test]
fn versions_times_and_sentence_ends_are_no_indicators() {
    check("Version 10.0.0 of 12:30:45 came.It ended.", &[]);
    check("It is fixed in 11.8.1.1, not before version 12.1.1.4.", &[]);
    check("The T1000 is no technique.", &[]);
    check("Release 3.11.2.0 fixes main.rs and report.pdf", &[]);
    check("He paid $1,234,567.89 (see sect. 4.5.1).", &[]);
    check("U.S. officials e.g. Mr. A.B. said so", &[]);
    check("00000000000000000000000000000000", &[]);
}

#[test]
fn what_is_found_fast_is_what_is_found() {
    let texts = [
        "It is fixed in 11.8.1.1, not before version 12.1.1.4.",
        "The release of the day: far from all hosts, 10.1.2.3 and later 10.1.2.4 were hit.",
        "Fixed, some say, at last, in 10.9.8.7; then upgrade to the new 10.9.8.6, through\n10.9.8.5.",
        "10.1.2.3 version",
        "see http://a.example.com/x or b[.]example[.]com, 10.1.2.3:80; fe80::1:2:3 \
         user@example.com T1059 T0855 cve-2021-44228 (d41d8cd98f00b204e9800998ecf8427e)",
        "(CVE-2024-3400), hxxp[://]evil[.]com/x ops[at]mail[.]example[.]org update-check(dot)top",
        "U.S. officials e.g. Mr. A.B. said at 10:30 that version 2.0 is out.It works.",
        "Techniques T1566.001 from 2001:db8::17, build 5.6.7.8 of c2\\.evil\\.com",
        "",
    ];
    for text in texts {
        let full = find_indicators(text).into_iter().map(|it| (it.kind, it.value));
        let full: BTreeSet<(IndicatorKind, String)> = full.collect();
        assert_eq!(distinct_indicators(text), full, "{text}");
    }
}
