//! Keeps pathological pages from costing much: [`tame`] bounds size, number of tags and nesting,
//! and leaves out what is code or drawing, which is often most of a page.
//!
//! HTML parsers and extractors recurse into nested elements, and repeat unclosed formatting
//! elements in every paragraph. Real pages stay far below these bounds.

use std::borrow::Cow;

/// Bytes of a page that are looked at.
pub(super) const SIZE_BYTES_MAX: usize = 5 * 1_024 * 1_024;
const N_TAGS_MAX: usize = 200_000;
const DEPTH_MAX: usize = 200;
const FORMATTING_DEPTH_MAX: usize = 16;

/// Returns `html`, or what is left of it without scripts (but for JSON-LD), styles, comments and
/// drawings, and when tags beyond the bounds are dropped.
pub(super) fn tame(html: &str) -> Cow<'_, str> {
    let html = cut(html, SIZE_BYTES_MAX);
    let mut guard =
        Guard { html, out: None, copied_to: 0, open: Vec::new(), n_formatting: 0, n_dropped: 0 };
    let mut at = 0;
    let mut n_tags = 0;
    while let Some(start) = html.get(at..).and_then(|it| it.find('<')).map(|it| at + it) {
        let Some(tag) = Tag::at(html, start) else {
            at = start + 1;
            continue;
        };
        n_tags += 1;
        if n_tags > N_TAGS_MAX {
            return Cow::Owned(guard.finish(start));
        }
        at = tag.end;
        if let Some(end) = unread_end(html, &tag, start) {
            guard.drop(start, end);
            at = end;
        } else if tag.is_end {
            guard.close(&tag, start);
        } else {
            guard.open(&tag, start);
            if let Some(end) = raw_text_end(html, &tag) {
                at = end;
            }
        }
    }
    match guard.out {
        None => Cow::Borrowed(html),
        Some(_) => Cow::Owned(guard.finish(html.len())),
    }
}

/// The beginning of a text, at most so many bytes of it.
pub(super) fn cut(text: &str, n_bytes_max: usize) -> &str {
    let mut end = text.len().min(n_bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

struct Guard<'a> {
    html: &'a str,
    /// What is kept, once something was dropped.
    out: Option<String>,
    copied_to: usize,
    open: Vec<&'a str>,
    n_formatting: usize,
    /// Dropped elements whose end is to be dropped, too.
    n_dropped: usize,
}

impl<'a> Guard<'a> {
    fn open(&mut self, tag: &Tag<'a>, start: usize) {
        if tag.is_empty || is_any(tag.name, UNNESTED) {
            return;
        }
        let is_formatting = is_any(tag.name, FORMATTING);
        let is_too_deep = self.open.len() >= DEPTH_MAX
            || (is_formatting && self.n_formatting >= FORMATTING_DEPTH_MAX);
        if is_too_deep {
            self.drop(start, tag.end);
            self.n_dropped += 1;
        } else {
            self.open.push(tag.name);
            self.n_formatting += usize::from(is_formatting);
        }
    }

    fn close(&mut self, tag: &Tag<'a>, start: usize) {
        if is_any(tag.name, UNNESTED) {
            return;
        }
        if self.n_dropped > 0 {
            self.n_dropped -= 1;
            self.drop(start, tag.end);
            return;
        }
        let Some(at) = self.open.iter().rposition(|it| it.eq_ignore_ascii_case(tag.name)) else {
            return;
        };
        let closed = self.open.drain(at..);
        let n_formatting = closed.filter(|it| is_any(it, FORMATTING)).count();
        self.n_formatting -= n_formatting;
    }

    fn drop(&mut self, start: usize, end: usize) {
        let out = self.out.get_or_insert_default();
        out.push_str(&self.html[self.copied_to..start]);
        self.copied_to = end;
    }

    fn finish(mut self, end: usize) -> String {
        self.drop(end.max(self.copied_to), end);
        self.out.unwrap_or_default()
    }
}

/// Elements that hold nothing, or that end where the next of their kind begins.
const UNNESTED: &[&str] = &[
    "area", "base", "basefont", "br", "col", "dd", "dt", "embed", "frame", "hr", "img", "input",
    "keygen", "li", "link", "meta", "optgroup", "option", "p", "param", "rp", "rt", "source",
    "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];

/// Elements that parsers open again in every block while they are not closed.
const FORMATTING: &[&str] = &[
    "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u",
];

fn is_any(name: &str, names: &[&str]) -> bool {
    names.iter().any(|it| it.eq_ignore_ascii_case(name))
}

struct Tag<'a> {
    name: &'a str,
    is_end: bool,
    is_empty: bool,
    /// Behind the `>`.
    end: usize,
}

impl<'a> Tag<'a> {
    fn at(html: &'a str, start: usize) -> Option<Tag<'a>> {
        let bytes = html.as_bytes();
        if html[start..].starts_with("<!--") {
            let end = html[start..].find("-->").map_or(html.len(), |it| start + it + 3);
            return Some(Tag { name: "!", is_end: false, is_empty: true, end });
        }
        let is_end = bytes.get(start + 1) == Some(&b'/');
        let name_start = start + 1 + usize::from(is_end);
        let n_name = bytes[name_start..].iter().take_while(|it| it.is_ascii_alphanumeric()).count();
        if n_name == 0 || !bytes[name_start].is_ascii_alphabetic() {
            return None;
        }
        let name = &html[name_start..name_start + n_name];
        let mut quote = None;
        let mut previous = b' ';
        for (at, byte) in bytes.iter().enumerate().skip(name_start + n_name) {
            match (quote, byte) {
                (Some(open), byte) if open == byte => quote = None,
                (Some(_), _) => {}
                // A quote opens a value only behind `=`; elsewhere it is part of a name.
                (None, b'"' | b'\'') if previous == b'=' => quote = Some(byte),
                (None, b'>') => {
                    let is_empty = bytes[at - 1] == b'/';
                    return Some(Tag { name, is_end, is_empty, end: at + 1 });
                }
                (None, _) => {}
            }
            if !byte.is_ascii_whitespace() {
                previous = *byte;
            }
        }
        Some(Tag { name, is_end, is_empty: true, end: html.len() })
    }
}

/// Where what is not read ends, behind its end tag: comments, code and drawings.
fn unread_end(html: &str, tag: &Tag<'_>, start: usize) -> Option<usize> {
    if tag.name == "!" {
        return Some(tag.end);
    }
    let is_unread = is_any(tag.name, &["script", "style", "noscript", "svg", "iframe"]);
    if tag.is_end || tag.is_empty || !is_unread {
        return None;
    }
    let is_data = html[start..tag.end].to_ascii_lowercase().contains("ld+json");
    if is_data {
        return None;
    }
    let end = tag.end + end_tag(&html.as_bytes()[tag.end..], tag.name.as_bytes())?;
    Some(html[end..].find('>').map_or(html.len(), |it| end + it + 1))
}

/// Where the end tag of an element begins.
fn end_tag(bytes: &[u8], name: &[u8]) -> Option<usize> {
    bytes
        .windows(name.len() + 2)
        .position(|it| it[0] == b'<' && it[1] == b'/' && it[2..].eq_ignore_ascii_case(name))
}

/// Where the content of a `script`, `style`, … ends: in it, tags are no tags.
fn raw_text_end(html: &str, tag: &Tag<'_>) -> Option<usize> {
    if !is_any(tag.name, &["script", "style", "textarea", "title", "xmp", "iframe", "noframes"]) {
        return None;
    }
    let end = end_tag(&html.as_bytes()[tag.end..], tag.name.as_bytes());
    Some(end.map_or(html.len(), |it| tag.end + it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_pages_pass_untouched() {
        let page = "<!doctype html><title>a<b</title><ul><li>1<li>2</ul><p>x<p>y<br/>\
            <a href='x>y'>z</a><script type='application/ld+json'>{\"a\":\"<b>\"}</script>";
        assert!(matches!(tame(page), Cow::Borrowed(it) if it == page));
    }

    #[test]
    fn code_comments_and_drawings_go() {
        let page = "<p>a<script>if (a<b) '</div>'</script >b<!-- <div> -->c<STYLE>p{}</style>d\
            <svg><title>icon</title></svg>e<script src=x></script>f";
        assert_eq!(tame(page), "<p>abcdef");
        assert_eq!(tame("<p>a<script>never closed"), "<p>a<script>never closed");
    }

    #[test]
    fn nesting_is_bounded_and_text_stays() {
        let page = format!("{}deep{}after", "<div>".repeat(100_000), "</div>".repeat(100_000));
        let tamed = tame(&page);
        assert_eq!(tamed.matches("<div>").count(), DEPTH_MAX);
        assert_eq!(tamed.matches("</div>").count(), DEPTH_MAX);
        assert!(tamed.contains("deep") && tamed.ends_with("after"));
    }

    #[test]
    fn unclosed_formatting_is_bounded() {
        let page = "<p><b class=x>".repeat(1_000);
        assert_eq!(tame(&page).matches("<b").count(), FORMATTING_DEPTH_MAX);
    }

    #[test]
    fn the_number_of_tags_is_bounded() {
        let page = "<p>".repeat(N_TAGS_MAX + 50);
        assert_eq!(tame(&page).len(), 3 * N_TAGS_MAX);
    }

    proptest! {
        #[test]
        fn any_text_is_tamed(text in "[<>/a-c =\"'!é-]{0,200}") {
            tame(&text);
        }
    }
}
