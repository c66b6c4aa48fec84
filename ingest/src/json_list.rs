//! JSON documents that list articles: a source's field paths to entries. Pure.

use std::borrow::Cow;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use config::{JsonRules, SourceId};
use serde_json::Value;
use url::Url;

use crate::article::{ArticleId, Entry, TEXT_CHARS_MAX};
use crate::canonical_url::CanonicalUrl;
use crate::date::{parse_date, plausible};
use crate::failure::FailureClass;
use crate::plain_text::plain_text;

/// Most entries read from one document.
const N_ENTRIES_MAX: usize = 50_000;
/// Lists and objects of one document.
const N_PARTS_MAX: usize = 500_000;
/// Its commas and colons, about as many as its values.
const N_VALUES_MAX: usize = 3_000_000;
/// Most characters of a headline, and of a summary.
const TITLE_CHARS_MAX: usize = 500;
const SUMMARY_CHARS_MAX: usize = 2_000;

/// Why a document gives no entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonListError {
    /// Nothing but white space.
    #[error("the document is empty")]
    Empty,
    /// No JSON.
    #[error("this is no JSON: {reason}")]
    NotJson {
        /// What the parser said.
        reason: String,
    },
    /// The path leads to something else than a list.
    #[error("`{path}` leads to {found}, not to a list of entries")]
    NotAList {
        /// The path, `items` of the source.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// There are entries, but none of them has a usable address.
    #[error("none of {n_items} entries has an address by `{path}`")]
    NoAddress {
        /// How many there are.
        n_items: usize,
        /// The path or text, `link` of the source.
        path: String,
    },
}

impl JsonListError {
    /// The class of the failure, for metrics and the database.
    pub fn class(&self) -> FailureClass {
        match self {
            JsonListError::Empty => FailureClass::EmptyBody,
            _ => FailureClass::NotAFeed,
        }
    }
}

/// Whether a document would take far more memory than it is long: an object with one short key is
/// six bytes long and takes hundreds, a digit and its comma take 32. Counts signs within texts
/// too, of which no honest document has as many.
pub(crate) fn has_too_many_parts(body: &[u8]) -> bool {
    let n_of = |signs: [u8; 2]| body.iter().filter(|it| signs.contains(it)).count();
    N_PARTS_MAX < n_of([b'{', b'[']) || N_VALUES_MAX < n_of([b',', b':'])
}

/// The entries that `rules` find in the document `body` at `base`, in its order, each address once.
///
/// # Errors
/// When it is no JSON, or has no such list.
pub fn entries(
    body: &[u8],
    base: &Url,
    rules: &JsonRules,
    source: &SourceId,
    now: DateTime<Utc>,
) -> Result<Vec<Entry>, JsonListError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(JsonListError::Empty);
    }
    if has_too_many_parts(body) {
        return Err(JsonListError::NotJson { reason: "it has too many parts".into() });
    }
    let document: Value = serde_json::from_slice(body)
        .map_err(|error| JsonListError::NotJson { reason: error.to_string() })?;
    let found = at_path(&document, &rules.items);
    let items = found.and_then(Value::as_array).ok_or_else(|| JsonListError::NotAList {
        path: rules.items.clone(),
        found: kind_of(found),
    })?;
    let mut seen = BTreeSet::new();
    let entries =
        items.iter().take(N_ENTRIES_MAX).filter_map(|it| entry(it, base, rules, source, now));
    let entries: Vec<Entry> = entries.filter(|it| seen.insert(it.id)).collect();
    if entries.is_empty() && !items.is_empty() {
        let (n_items, path) = (items.len(), rules.link.clone());
        return Err(JsonListError::NoAddress { n_items, path });
    }
    Ok(entries)
}

fn entry(
    item: &Value,
    base: &Url,
    rules: &JsonRules,
    source: &SourceId,
    now: DateTime<Utc>,
) -> Option<Entry> {
    let url = CanonicalUrl::join(base, &field(item, &rules.link, Place::Address)?).ok()?;
    let cut = |text: String, n: usize| -> Option<String> {
        let text: String = plain_text(&text).chars().take(n).collect();
        Some(text).filter(|it| !it.is_empty())
    };
    let optional = |it: &Option<String>| field(item, it.as_deref()?, Place::Text);
    let date = optional(&rules.date).and_then(|it| parse_date(&it));
    Some(Entry {
        id: ArticleId::of(&url),
        url,
        source: source.clone(),
        title: field(item, &rules.title, Place::Text).and_then(|it| cut(it, TITLE_CHARS_MAX)),
        summary: optional(&rules.summary).and_then(|it| cut(it, SUMMARY_CHARS_MAX)),
        published_at: date.and_then(|it| plausible(it, now)),
        guid: None,
        text: optional(&rules.text).map(|it| paragraphs(&it)).filter(|it| !it.is_empty()),
    })
}

/// Plain text with the lines of `text` that say something.
fn paragraphs(text: &str) -> String {
    let lines = text.lines().map(plain_text).filter(|it| !it.is_empty());
    lines.collect::<Vec<_>>().join("\n").chars().take(TEXT_CHARS_MAX).collect()
}

/// Where a field goes, since what stands in a path of an address is escaped.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Address,
    Text,
}

/// What `rule` gives for `item`: the field at a path, or a text with paths in braces. `None` when
/// a field is missing.
fn field(item: &Value, rule: &str, place: Place) -> Option<String> {
    if !rule.contains('{') {
        return text_at(item, rule).map(Cow::into_owned);
    }
    let mut out = String::new();
    let mut rest = rule;
    while let Some((before, tail)) = rest.split_once('{') {
        let (path, after) = tail.split_once('}')?;
        out.push_str(before);
        let value = text_at(item, path)?;
        if place == Place::Address && !out.is_empty() {
            out.extend(url::form_urlencoded::byte_serialize(value.as_bytes()));
        } else {
            out.push_str(&value);
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// The text, number or list of texts at a path.
fn text_at<'a>(item: &'a Value, path: &str) -> Option<Cow<'a, str>> {
    let text = match at_path(item, path)? {
        Value::String(text) => Cow::Borrowed(text.as_str()),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).take(100).collect();
            Cow::Owned(texts.join(", "))
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

/// The value at a path of names and numbers with dots between them; the empty path is `value`.
fn at_path<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').map(str::trim).filter(|it| !it.is_empty()).try_fold(value, |value, name| {
        match value {
            Value::Object(fields) => fields.get(name),
            Value::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    })
}

fn kind_of(value: Option<&Value>) -> &'static str {
    match value {
        None => "nothing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "true or false",
        Some(Value::Number(_)) => "a number",
        Some(Value::String(_)) => "a text",
        Some(Value::Array(_)) => "a list",
        Some(Value::Object(_)) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> JsonRules {
        JsonRules {
            url: "https://kev.example/kev.json".parse().unwrap(),
            items: "data.vulnerabilities".to_owned(),
            link: "https://nvd.example/detail/{cveID}".to_owned(),
            title: "{cveID}: {name}".to_owned(),
            summary: Some("notes.0.text".to_owned()),
            date: Some("added".to_owned()),
            text: None,
        }
    }

    fn read(document: &str, rules: &JsonRules) -> Result<Vec<Entry>, JsonListError> {
        let now = parse_date("2025-11-03T10:00:00Z").unwrap();
        entries(document.as_bytes(), &rules.url, rules, &SourceId::new("kev"), now)
    }

    const KEV: &str = r#"{"data": {"vulnerabilities": [
        {"cveID": "CVE-2025-1/../x", "name": "A &amp; B", "added": "2025-11-01", "notes": [{"text": "Patch <b>now</b>."}]},
        {"cveID": "CVE-2025-2", "name": "C", "added": "2099-01-01", "tags": ["x", "y"]},
        {"name": "without an id"}, 7, null]}}"#;

    #[test]
    fn a_document_that_would_fill_the_memory_is_refused() {
        let bomb = format!("[{}0]", r#"{"":0},"#.repeat(N_PARTS_MAX));
        let error = read(&bomb, &rules()).unwrap_err();
        assert!(error.to_string().contains("too many"), "{error}");
    }

    #[test]
    fn paths_and_templates_give_entries() {
        let entries = read(KEV, &rules()).unwrap();
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[0].url.as_str(), "https://nvd.example/detail/CVE-2025-1%2F..%2Fx");
        assert_eq!(entries[0].title.as_deref(), Some("CVE-2025-1/../x: A & B"));
        assert_eq!(entries[0].summary.as_deref(), Some("Patch now."));
        assert_eq!(entries[0].published_at, parse_date("2025-11-01"));
        assert_eq!(entries[1].published_at, None, "a date in the future is none");
        let rules = JsonRules { text: Some("{name}, {tags}".to_owned()), ..rules() };
        assert_eq!(read(KEV, &rules).unwrap()[1].text.as_deref(), Some("C, x, y"));
    }

    #[test]
    fn a_document_may_be_the_list_itself_and_links_relative() {
        let rules = JsonRules {
            items: String::new(),
            link: "path".to_owned(),
            title: "path".to_owned(),
            ..rules()
        };
        let entries = read(r#"[{"path": "a/b"}, {"path": "javascript:x"}]"#, &rules).unwrap();
        assert_eq!(entries[0].url.as_str(), "https://kev.example/a/b");
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn what_is_no_such_list_says_where() {
        let said = |document: &str| read(document, &rules()).unwrap_err().to_string();
        assert_eq!(said(" "), "the document is empty");
        assert!(said("<html>").starts_with("this is no JSON"));
        assert_eq!(
            said(r#"{"data": 7}"#),
            "`data.vulnerabilities` leads to nothing, not to a list of entries"
        );
        assert_eq!(
            said(r#"{"data": {"vulnerabilities": [{}]}}"#),
            "none of 1 entries has an address by `https://nvd.example/detail/{cveID}`"
        );
        let numbers = format!("[{}0]", "0,".repeat(N_VALUES_MAX + 1));
        assert_eq!(said(&numbers), "this is no JSON: it has too many parts");
        let deep = "[".repeat(100_000);
        assert!(said(&deep).starts_with("this is no JSON"));
    }
}
