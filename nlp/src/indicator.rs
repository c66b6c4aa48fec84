//! Technical indicators in text: CVE numbers, addresses, hashes, ATT&CK techniques, also written
//! *defanged* so that nobody clicks on them (`hxxp`, `[.]`, `[at]`).
//!
//! Precision first: a version number is no address, a file name no domain.

use core::net::{Ipv4Addr, Ipv6Addr};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

/// An indicator as printed and as meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// Bytes in the text.
    pub range: Range<usize>,
    /// What it is.
    pub kind: IndicatorKind,
    /// Without defanging; hosts, hashes and addresses in lower case, CVE numbers in upper case.
    pub value: String,
}

/// Kinds of indicators.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum IndicatorKind {
    /// `CVE-2021-44228`.
    Cve,
    /// An ATT&CK technique: `T1566.001`.
    AttackTechnique,
    /// IPv4 address, public or private.
    Ipv4,
    /// IPv6 address.
    Ipv6,
    /// Address of a page or file.
    Url,
    /// E-mail address.
    Email,
    /// Host name.
    Domain,
    /// 32 hexadecimal digits.
    Md5,
    /// 40 hexadecimal digits.
    Sha1,
    /// 64 hexadecimal digits.
    Sha256,
}

const DOT: &str = r"(?:\.|\[\.\]|\(\.\)|\{\.\}|\[dot\]|\(dot\)|\\\.)";

static PATTERNS: LazyLock<[(IndicatorKind, Regex); 8]> = LazyLock::new(|| {
    let host =
        format!(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:{DOT}[A-Za-z0-9-]*[A-Za-z0-9])+");
    let pattern = |text: String| Regex::new(&text).expect("a constant pattern");
    [
        (IndicatorKind::Cve, pattern(r"(?i)\bCVE[-‑–]\d{4}[-‑–]\d{4,7}\b".to_owned())),
        (
            IndicatorKind::Url,
            pattern(format!(
                r#"(?i)\b(?:hxxps?|https?|fxp|ftp)(?:\[:\]//|://|\[://\])(?:{host})(?:\[\.\]|\[dot\]|[^\s"'<>“”()\[\]])*"#
            )),
        ),
        (
            IndicatorKind::Email,
            pattern(format!(r"(?i)\b[A-Z0-9._%+-]+(?:@|\[@\]|\[at\]|\(at\)){host}")),
        ),
        (IndicatorKind::Ipv4, pattern(format!(r"\b\d{{1,3}}(?:{DOT}\d{{1,3}}){{3}}\b"))),
        (IndicatorKind::Ipv6, pattern(r"(?i)[0-9a-f:]*:[0-9a-f:]*:[0-9a-f:]+".to_owned())),
        (IndicatorKind::Sha256, pattern(r"\b[0-9a-fA-F]{32,64}\b".to_owned())),
        (
            IndicatorKind::AttackTechnique,
            pattern(r"\bT(?:1[0-6]|08)\d{2}(?:\.\d{3})?\b".to_owned()),
        ),
        (IndicatorKind::Domain, pattern(format!(r"(?i)\b{host}"))),
    ]
});

/// Finds the indicators of `text`, by start; they do not overlap.
pub fn find_indicators(text: &str) -> Vec<Indicator> {
    let mut found: BTreeMap<usize, Indicator> = BTreeMap::new();
    for (kind, pattern) in PATTERNS.iter() {
        for hit in pattern.find_iter(text) {
            let range = without_closing_marks(text, hit.range());
            let before = found.range(..range.end).next_back();
            let is_free = before.is_none_or(|(_, it)| it.range.end <= range.start);
            if !is_free || !stands_alone(text, &range) {
                continue;
            }
            let printed = &text[range.clone()];
            if *kind == IndicatorKind::Ipv4 && is_of_version(&text[..range.start], printed) {
                continue;
            }
            if let Some((kind, value)) = value(*kind, printed) {
                found.insert(range.start, Indicator { range, kind, value });
            }
        }
    }
    found.into_values().collect()
}

/// The indicators of `text` by kind and value, each once: those of [`find_indicators`] without
/// their places, in a fraction of the time.
pub fn distinct_indicators(text: &str) -> BTreeSet<(IndicatorKind, String)> {
    find_indicators(&likely(text)).into_iter().map(|it| (it.kind, it.value)).collect()
}

/// The words of `text` that may hold an indicator, which are few, with the words before them that
/// tell a version from an address: looking for patterns in all of it would take longer than
/// indexing it.
fn likely(text: &str) -> String {
    let mut likely = String::new();
    let mut before: VecDeque<&str> = VecDeque::with_capacity(N_WORDS_BEFORE + 1);
    for word in text.split_whitespace() {
        before.push_back(word);
        if may_be(word.as_bytes()) {
            for it in before.drain(..) {
                likely.push_str(it);
                likely.push(' ');
            }
        } else if N_WORDS_BEFORE < before.len() {
            before.pop_front();
        }
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
        || word.windows(3).any(|it| matches!(it, [b'T', b'0' | b'1', it] if it.is_ascii_digit()))
}

/// Words before what looks like an address and is the number of a version.
const N_WORDS_BEFORE: usize = 3;

/// Whether four numbers are a version, by the words `before` them: `fixed in 11.8.1.1`.
fn is_of_version(before: &str, printed: &str) -> bool {
    const WORDS: &[&str] = &[
        "version", "versions", "v", "ver", "release", "releases", "before", "prior", "fixed",
        "firmware", "build", "builds", "upgrade", "update", "updated", "patched", "through",
    ];
    let is_plain = printed.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    let words = before.split_whitespace().rev().take(N_WORDS_BEFORE);
    let mut words = words.map(|it| it.trim_matches(|it: char| !it.is_alphabetic()).to_lowercase());
    is_plain && words.any(|it| WORDS.contains(&it.as_str()))
}

/// Checks what the pattern cannot and writes the value without defanging.
fn value(kind: IndicatorKind, printed: &str) -> Option<(IndicatorKind, String)> {
    let plain = refanged(printed);
    let value = match kind {
        IndicatorKind::Cve => plain.to_uppercase().replace(['‑', '–'], "-"),
        // The first technique of the catalogue is T1001.
        IndicatorKind::AttackTechnique => (plain != "T1000").then_some(plain)?,
        IndicatorKind::Ipv4 => {
            let address: Ipv4Addr = plain.parse().ok()?;
            let is_version = address.octets()[0] == 0 || address.octets()[3] == 0;
            (!is_version).then(|| address.to_string())?
        }
        IndicatorKind::Ipv6 => {
            let address: Ipv6Addr = plain.parse().ok()?;
            (plain.len() >= 7 && !address.is_unspecified()).then(|| address.to_string())?
        }
        IndicatorKind::Sha256 | IndicatorKind::Sha1 | IndicatorKind::Md5 => {
            let has_both = plain.bytes().any(|it| it.is_ascii_digit())
                && plain.bytes().any(|it| it.is_ascii_alphabetic());
            let kind = match plain.len() {
                32 => IndicatorKind::Md5,
                40 => IndicatorKind::Sha1,
                64 => IndicatorKind::Sha256,
                _ => return None,
            };
            return has_both.then(|| (kind, plain.to_lowercase()));
        }
        IndicatorKind::Domain => {
            let is_defanged = printed.contains(['[', '(', '{']);
            let host = plain.to_lowercase();
            let last = host.rsplit('.').next().unwrap_or_default();
            let is_it = match is_defanged {
                true => is_suffix(last) || may_be_suffix(last),
                false => is_suffix(last) && (printed != plain || is_plain_host(&plain, last)),
            };
            is_it.then_some(host)?
        }
        IndicatorKind::Email => plain.to_lowercase(),
        IndicatorKind::Url => plain,
    };
    Some((kind, value))
}

fn refanged(printed: &str) -> String {
    let mut plain = printed.to_owned();
    for (from, to) in [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("\\.", "."),
        ("[:]", ":"),
        ("[://]", "://"),
        ("[@]", "@"),
        ("[at]", "@"),
        ("(at)", "@"),
    ] {
        plain = plain.replace(from, to);
    }
    for (from, to) in [("hxxp", "http"), ("hXXp", "http"), ("HXXP", "http"), ("fxp:", "ftp:")] {
        if let Some(rest) = plain.strip_prefix(from) {
            plain = format!("{to}{rest}");
        }
    }
    plain
}

/// Top-level domains that are common in reports; a file ending among them needs defanging.
fn is_suffix(last: &str) -> bool {
    const SUFFIXES: &[&str] = &[
        "com", "net", "org", "info", "biz", "gov", "mil", "edu", "int", "io", "co", "me", "tv",
        "cc", "xyz", "top", "site", "online", "club", "shop", "live", "app", "dev", "cloud",
        "onion", "ru", "cn", "ir", "kp", "ua", "by", "de", "fr", "uk", "eu", "nl", "pl", "it",
        "es", "se", "no", "fi", "ch", "at", "cz", "ro", "tr", "il", "sa", "ae", "in", "pk", "jp",
        "kr", "tw", "hk", "sg", "vn", "id", "my", "au", "nz", "ca", "us", "br", "mx", "ar", "cl",
        "za", "ng", "ke", "eg", "su", "link", "click", "pw", "ws", "to", "gg", "be", "pt", "gr",
    ];
    SUFFIXES.contains(&last)
}

/// Whether what stands last in a defanged host may be a top-level domain: letters, and not the
/// ending of a file.
fn may_be_suffix(last: &str) -> bool {
    const FILES: &[&str] = &[
        "exe", "dll", "php", "html", "htm", "asp", "aspx", "jsp", "js", "css", "txt", "doc",
        "docx", "xls", "xlsx", "pdf", "zip", "rar", "iso", "lnk", "hta", "vbs", "bat", "ps", "msi",
        "bin", "dat", "tmp", "jpg", "jpeg", "png", "gif",
    ];
    (2..=24).contains(&last.len())
        && last.bytes().all(|it| it.is_ascii_lowercase())
        && !FILES.contains(&last)
}

/// Whether a host without defanging is one: lower case throughout, as `example.com`, and not a
/// sentence end without a space, as `attack.It`.
fn is_plain_host(host: &str, last: &str) -> bool {
    let is_word_too = matches!(
        last,
        "in" | "it"
            | "at"
            | "to"
            | "me"
            | "us"
            | "no"
            | "be"
            | "is"
            | "by"
            | "my"
            | "so"
            | "id"
            | "live"
            | "top"
            | "club"
            | "site"
            | "online"
            | "link"
            | "click"
            | "shop"
            | "cloud"
    );
    !is_word_too && !host.chars().any(char::is_uppercase) && host.len() >= 4
}

fn without_closing_marks(text: &str, range: Range<usize>) -> Range<usize> {
    let kept = text[range.clone()].trim_end_matches(['.', ',', ';', ':', '!', '?', '-', '’']);
    range.start..range.start + kept.len()
}

/// Whether no letter, digit or joining sign touches the range.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars();
    let joins = |it: char| it.is_alphanumeric() || matches!(it, '_' | '@' | '\\');
    let before_is_free = before.is_none_or(|it| !joins(it) && !matches!(it, '.' | '/' | '-'));
    let mut after = after;
    let next = after.next();
    let after_next = after.next();
    let after_is_free = match next {
        None => true,
        Some('.') => after_next.is_none_or(|it| !it.is_alphanumeric()),
        Some(it) => !joins(it),
    };
    before_is_free && after_is_free
}

#[cfg(test)]
#[path = "indicator_tests.rs"]
mod tests;
