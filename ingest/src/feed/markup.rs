//! Markup to tokens, whatever its faults: bare `&` and `<`, missing quotes, upper-case tags,
//! undeclared entities, unclosed comments. Never fails; every step consumes input.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

/// One piece of markup. Entities in text and attributes are resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// `<name …>`.
    Start {
        /// As written, with its prefix.
        name: &'a str,
        /// Name as written and value, in order.
        attributes: Vec<(&'a str, String)>,
        /// Whether it ends itself: `<name/>`.
        is_empty: bool,
    },
    /// `</name>`.
    End {
        /// As written, with its prefix.
        name: &'a str,
    },
    /// Text between tags.
    Text(Cow<'a, str>),
    /// The content of `<![CDATA[…]]>`.
    Verbatim(&'a str),
}

/// The tokens of a text.
pub(crate) struct Tokens<'a> {
    rest: &'a str,
    entities: Declared<'a>,
}

/// Entities declared by the document itself; their values are text, not markup.
struct Declared<'a> {
    values: HashMap<&'a str, String>,
    /// Bytes that they may still stand for in the whole document.
    n_bytes_left: Cell<usize>,
}

impl Declared<'_> {
    fn none() -> Self {
        Declared { values: HashMap::new(), n_bytes_left: Cell::new(EXPANSION_BYTES_MAX) }
    }

    /// What the entity `name` stands for; `None` when nobody declared it, or when what the
    /// document's entities stand for has become too much.
    fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        let left = self.n_bytes_left.get().checked_sub(value.len())?;
        self.n_bytes_left.set(left);
        Some(value)
    }
}

/// Attributes of a tag that are kept.
const N_ATTRIBUTES_MAX: usize = 200;
/// Entities that a document may declare, and the length of a value in bytes.
const N_ENTITIES_MAX: usize = 200;
const ENTITY_BYTES_MAX: usize = 1_000;
/// Bytes that all uses of declared entities may come to, so that a small document stays small.
const EXPANSION_BYTES_MAX: usize = 1 << 20;

impl<'a> Tokens<'a> {
    pub(crate) fn of(text: &'a str) -> Tokens<'a> {
        Tokens { rest: text, entities: Declared::none() }
    }

    /// Reads the document type, for the entities in its internal subset.
    fn doctype(&mut self, text: &'a str) -> &'a str {
        // Only up to the first of both, or many such marks would read the whole rest each.
        let subset = text.find(['[', '>']).filter(|at| text.as_bytes()[*at] == b'[');
        let Some(subset) = subset else { return after(text, ">") };
        // In one pass too: white space may stand between both signs.
        let is_end = |at: &usize| text[at + 1..].trim_start().starts_with('>');
        let end = text.match_indices(']').map(|(at, _)| at).find(is_end).unwrap_or(text.len());
        let declared = text.get(subset..end).unwrap_or_default();
        for declaration in declared.split("<!ENTITY").skip(1).take(N_ENTITIES_MAX) {
            let mut words = declaration.trim_start().splitn(2, char::is_whitespace);
            let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
            let value = value.trim_start();
            let Some(quote) = value.chars().next().filter(|it| matches!(it, '"' | '\'')) else {
                continue;
            };
            let Some(length) = value[1..].find(quote) else { continue };
            let value = &value[1..=length];
            if value.len() <= ENTITY_BYTES_MAX {
                // Values are resolved once and never hold each other: no billion laughs.
                let value = resolve_entities(value, &Declared::none()).into_owned();
                self.entities.values.insert(name, value);
            }
        }
        after(text.get(end..).unwrap_or_default(), ">")
    }

    fn tag(&mut self) -> Option<Token<'a>> {
        let inner = &self.rest[1..];
        let is_end = inner.starts_with('/');
        let inner = inner.strip_prefix('/').unwrap_or(inner);
        if !inner.starts_with(|it: char| it.is_alphabetic() || it == '_') {
            return None;
        }
        let (name, rest) = split_name(inner);
        if is_end {
            self.rest = after(rest, ">");
            return Some(Token::End { name });
        }
        let (attributes, is_empty, rest) = read_attributes(rest, &self.entities);
        self.rest = rest;
        Some(Token::Start { name, attributes, is_empty })
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if let Some(rest) = self.rest.strip_prefix("<!--") {
                self.rest = after(rest, "-->");
            } else if let Some(rest) = self.rest.strip_prefix("<![CDATA[") {
                let end = rest.find("]]>").unwrap_or(rest.len());
                self.rest = rest.get(end + 3..).unwrap_or_default();
                return Some(Token::Verbatim(&rest[..end]));
            } else if let Some(rest) = self.rest.strip_prefix("<?") {
                self.rest = after(rest, ">");
            } else if let Some(rest) = self.rest.strip_prefix("<!") {
                self.rest = self.doctype(rest);
            } else if self.rest.starts_with('<')
                && let Some(tag) = self.tag()
            {
                return Some(tag);
            } else {
                // The first character is text even if it is a `<`.
                let n_first = self.rest.chars().next().map_or(0, char::len_utf8);
                let next = self.rest[n_first..].find('<');
                let end = next.map_or(self.rest.len(), |it| n_first + it);
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(Token::Text(resolve_entities(text, &self.entities)));
            }
        }
    }
}

fn after<'a>(text: &'a str, mark: &str) -> &'a str {
    text.find(mark).map_or("", |at| &text[at + mark.len()..])
}

fn split_name(text: &str) -> (&str, &str) {
    let is_end = |it: char| it.is_whitespace() || matches!(it, '/' | '>' | '<' | '=' | '"' | '\'');
    text.split_at(text.find(is_end).unwrap_or(text.len()))
}

type Attributes<'a> = Vec<(&'a str, String)>;

/// Reads up to the end of a tag; returns attributes, whether the tag ends itself, and the rest.
fn read_attributes<'a>(
    mut rest: &'a str,
    entities: &Declared<'_>,
) -> (Attributes<'a>, bool, &'a str) {
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix("/>") {
            return (attributes, true, rest);
        }
        if let Some(rest) = rest.strip_prefix('>') {
            return (attributes, false, rest);
        }
        // A tag that was never closed ends where the next one begins.
        if rest.is_empty() || rest.starts_with('<') {
            return (attributes, false, rest);
        }
        let (name, tail) = split_name(rest);
        if name.is_empty() {
            let mut characters = rest.chars();
            characters.next();
            rest = characters.as_str();
            continue;
        }
        let is_kept = attributes.len() < N_ATTRIBUTES_MAX;
        let Some(value) = tail.trim_start().strip_prefix('=') else {
            if is_kept {
                attributes.push((name, String::new()));
            }
            rest = tail;
            continue;
        };
        let (value, tail) = split_value(value.trim_start());
        if is_kept {
            attributes.push((name, resolve_entities(value, entities).into_owned()));
        }
        rest = tail;
    }
}

fn split_value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let end = inner.find(quote).unwrap_or(inner.len());
            return (&inner[..end], inner.get(end + 1..).unwrap_or_default());
        }
    }
    let end = text.find(|it: char| it.is_whitespace() || it == '>').unwrap_or(text.len());
    text.split_at(end)
}

/// Resolves `&name;`, `&#38;` and `&#x26;`; whatever is no entity stays as it is.
fn resolve_entities<'a>(text: &'a str, declared: &Declared<'_>) -> Cow<'a, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match entity(&rest[1..], declared) {
            Some((value, n_bytes)) => {
                out.push_str(&value);
                rest = &rest[1 + n_bytes..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The value of the entity at the start of `text` (behind its `&`) and how many bytes it takes.
fn entity<'d>(text: &str, declared: &'d Declared<'_>) -> Option<(Cow<'d, str>, usize)> {
    let end = text.bytes().take(40).position(|it| it == b';')?;
    let name = text.get(..end)?;
    let value = if let Some(number) = name.strip_prefix('#') {
        let digits = number.strip_prefix(['x', 'X']);
        let code = match digits {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        Cow::Owned(character(code)?.to_string())
    } else if let Some(value) = declared.get(name) {
        Cow::Borrowed(value)
    } else {
        let known = html_entity(name).or_else(|| shouted_entity(name));
        Cow::Owned(known?)
    };
    Some((value, end + 1))
}

/// An entity of HTML, by its name without `;`.
fn html_entity(name: &str) -> Option<String> {
    let (first, second) = *html5ever::data::NAMED_ENTITIES.get(&format!("{name};"))?;
    let codes = [first, second].into_iter().filter(|it| *it != 0);
    codes.map(char::from_u32).collect()
}

/// An entity written in capitals by mistake, such as `&NBSP;`.
fn shouted_entity(name: &str) -> Option<String> {
    let is_shouted = name.bytes().all(|it| it.is_ascii_uppercase());
    is_shouted.then(|| html_entity(&name.to_ascii_lowercase()))?
}

/// The character of a numeric reference; 128 to 159 mean windows-1252, as in HTML.
fn character(code: u32) -> Option<char> {
    match code {
        0x80..=0x9f => {
            let byte = u8::try_from(code).ok()?;
            encoding_rs::WINDOWS_1252.decode_without_bom_handling(&[byte]).0.chars().next()
        }
        0 => None,
        _ => char::from_u32(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start<'a>(name: &'a str, attributes: &[(&'a str, &str)], is_empty: bool) -> Token<'a> {
        let attributes = attributes.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Token::Start { name, attributes: attributes.collect(), is_empty }
    }

    #[track_caller]
    fn check(text: &str, expected: &[Token<'_>]) {
        assert_eq!(Tokens::of(text).collect::<Vec<_>>(), expected);
    }

    /// Read to its end within the time of a test: each of these took the square of its length, or
    /// twenty times its length in memory.
    #[test]
    fn long_rows_of_marks_and_attributes_are_read_once() {
        assert_eq!(Tokens::of(&"<!a>".repeat(500_000)).count(), 0);
        assert_eq!(Tokens::of(&"<!a[] >".repeat(500_000)).count(), 0);
        let text = format!("<x{}>", " a".repeat(1_000_000));
        let Some(Token::Start { attributes, .. }) = Tokens::of(&text).next() else {
            panic!("a tag")
        };
        assert_eq!(attributes.len(), N_ATTRIBUTES_MAX);
    }

    #[test]
    fn tags_with_every_kind_of_attribute() {
        check(
            "<a b='1' c=\"x&amp;y\" d=2 e><br/></a >",
            &[
                start("a", &[("b", "1"), ("c", "x&y"), ("d", "2"), ("e", "")], false),
                start("br", &[], true),
                Token::End { name: "a" },
            ],
        );
    }

    #[test]
    fn bare_ampersands_and_angles_are_text() {
        check("AT&T & 1 < 2", &[Token::Text("AT&T & 1 ".into()), Token::Text("< 2".into())]);
        check("&nbsp;&#8217;&#146;&#x26;", &[Token::Text("\u{a0}’’&".into())]);
        check("&omega;&Alpha;&OElig;", &[Token::Text("ωΑŒ".into())]);
        check("&unknown;", &[Token::Text("&unknown;".into())]);
    }

    #[test]
    fn declared_entities_are_resolved_but_never_grow() {
        let laughs = "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><t>&a; &b;</t>";
        check(
            laughs,
            &[start("t", &[], false), Token::Text("ha &a;&a;".into()), Token::End { name: "t" }],
        );
    }

    #[test]
    fn a_small_document_never_stands_for_a_large_one() {
        let uses = "<t>&a;</t>".repeat(100_000);
        let text = format!("<!DOCTYPE x [<!ENTITY a \"{}\">]>{uses}", "h".repeat(900));
        let n_bytes: usize = Tokens::of(&text)
            .map(|it| if let Token::Text(text) = it { text.len() } else { 0 })
            .sum();
        assert!(n_bytes < 2 << 20, "{n_bytes}");
    }

    #[test]
    fn comments_and_declarations_are_skipped() {
        check("<?xml version='1.0'?><!-- <a> --><!DOCTYPE rss>x", &[Token::Text("x".into())]);
        check("<![CDATA[<b>&amp;</b>]]>", &[Token::Verbatim("<b>&amp;</b>")]);
        check("<!-- never closed", &[]);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_into_tokens(text in "\\PC{0,200}") {
            Tokens::of(&text).count();
        }

        #[test]
        fn any_markup_is_cut_into_tokens(text in "[<>&;/=!?\"'a-c\\[\\]é -]{0,120}") {
            Tokens::of(&text).count();
        }
    }
}
