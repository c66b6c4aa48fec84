//! Fetched text made fit for a page: no control characters, links only to the web, short times.

use std::fmt::Display;

use chrono::{DateTime, Datelike, Utc};
use url::{Url, form_urlencoded};

/// Removes what can change how the rest of a page is drawn: control characters and those that
/// override or isolate the direction of writing (Unicode 15, UAX #9).
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|it| !is_unruly(*it)).collect()
}

/// [`clean`], cut to `n_chars_max` at the end of a word where one is near, with an ellipsis.
pub(crate) fn brief(text: &str, n_chars_max: usize) -> String {
    let text = clean(text);
    let Some((cut, _)) = text.char_indices().nth(n_chars_max) else { return text };
    let kept = &text[..cut];
    let end = kept.rfind(' ').filter(|at| at * 3 > cut * 2).unwrap_or(cut);
    format!("{}…", kept[..end].trim_end())
}

/// [`clean`], or `instead` when nothing visible is left.
pub(crate) fn clean_or(text: &str, instead: &str) -> String {
    let text = clean(text);
    if text.trim().is_empty() { instead.to_owned() } else { text }
}

fn is_unruly(it: char) -> bool {
    let is_direction = matches!(it, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_break = matches!(it, '\n' | '\t');
    is_direction
        || (it.is_control() && !is_break)
        || matches!(it, '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The address when it leads to the web (`http` or `https`), else `None`: a fetched text may say
/// `javascript:`.
pub(crate) fn web_href(url: &str) -> Option<String> {
    let parsed = Url::parse(url.trim()).ok()?;
    matches!(parsed.scheme(), "http" | "https").then(|| parsed.into())
}

/// An address of ours: `path`, then the parameters that have a value.
pub(crate) fn href<'a>(path: &str, params: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in params {
        query.append_pair(name, value);
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// An address of ours with `id` as its last part.
pub(crate) fn path_href(branch: &str, id: &str) -> String {
    let mut url = Url::parse("http://host/").expect("a URL");
    if let Ok(mut parts) = url.path_segments_mut() {
        parts.clear().push(branch).push(id);
    }
    url.path().to_owned()
}

/// `1 article`, `2 articles`; thousands apart by thin spaces.
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(n), if n == 1 { one } else { many })
}

/// `12 345`, with a narrow no-break space.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + 6);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A time as pages show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    /// RFC 3339, for programs.
    pub(crate) iso: String,
    /// As short as can be seen from now: `06:12`, `3 Jan 06:12`, `3 Jan 2020`.
    pub(crate) label: String,
    /// In full: `3 January 2020, 06:12 UTC`.
    pub(crate) full: String,
}

impl Time {
    /// Writes `at` as seen at `now`.
    pub(crate) fn of(at: DateTime<Utc>, now: DateTime<Utc>) -> Time {
        let pattern = if at.date_naive() == now.date_naive() {
            "%H:%M"
        } else if (now - at).num_days().abs() < 7 {
            "%-d %b %H:%M"
        } else if at.year() == now.year() {
            "%-d %b"
        } else {
            "%-d %b %Y"
        };
        Time {
            iso: at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            label: at.format(pattern).to_string(),
            full: at.format("%-d %B %Y, %H:%M UTC").to_string(),
        }
    }

    /// For what has no known time.
    pub(crate) fn unknown() -> Time {
        let text = "unknown".to_owned();
        Time { iso: String::new(), label: "undated".to_owned(), full: text }
    }
}

impl Display for Time {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.label)
    }
}

/// A value for the attribute `lang`: what is no language code says nothing.
pub(crate) fn language_tag(language: Option<&str>) -> String {
    let is_code =
        |it: &&str| (2..=3).contains(&it.len()) && it.bytes().all(|c| c.is_ascii_lowercase());
    language.filter(is_code).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn direction_overrides_and_controls_are_removed() {
        assert_eq!(clean("a\u{202e}b\u{0}c\u{2066}d\u{7f}é\n"), "abcdé\n");
        assert_eq!(clean_or("\u{202e} \u{0}", "untitled"), "untitled");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(web_href("https://a.example/x").as_deref(), Some("https://a.example/x"));
        for bad in
            ["javascript:alert(1)", "data:text/html,x", " JaVaScRiPt:x", "/x", "ftp://a.b/", ""]
        {
            assert_eq!(web_href(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_cannot_leave_their_place_in_an_address() {
        assert_eq!(path_href("entities", "country:IR"), "/entities/country:IR");
        assert_eq!(
            path_href("entities", "a/../b?c#d\"<é"),
            "/entities/a%2F..%2Fb%3Fc%23d%22%3C%C3%A9"
        );
        assert_eq!(href("/search", [("q", "a&b=\"c\"")]), "/search?q=a%26b%3D%22c%22");
    }

    #[test]
    fn brief_cuts_at_words_and_keeps_short_texts() {
        assert_eq!(brief("short", 10), "short");
        assert_eq!(brief("the power grid failed", 12), "the power…");
        assert_eq!(brief("éééééééé", 3), "ééé…");
    }

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(counted(1, "article", "articles"), "1 article");
    }

    #[test]
    fn times_are_as_short_as_can_be() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let now = at("2026-01-12T08:00:00Z");
        let label = |text| Time::of(at(text), now).label;
        assert_eq!(label("2026-01-12T06:12:00Z"), "06:12");
        assert_eq!(label("2026-01-10T06:12:00Z"), "10 Jan 06:12");
        assert_eq!(label("2026-01-01T06:12:00Z"), "1 Jan");
        assert_eq!(label("2020-01-04T06:12:00Z"), "4 Jan 2020");
    }
}
