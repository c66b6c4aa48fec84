//! Dates that a reader sees: short texts with a date, the nearest to the headline first.

use std::sync::LazyLock;

use regex::Regex;
use scraper::{ElementRef, Html, Node};

use crate::plain_text::squeeze;

/// Longer texts are sentences that mention a date.
const TEXT_CHARS_MAX: usize = 80;
/// Texts of a page that are looked at.
const N_TEXTS_MAX: usize = 20_000;
/// A text so many texts away from the headline no longer belongs to it.
const DISTANCE_MAX: usize = 60;

static YEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:19|20)\d\d\b").expect("the pattern is fixed and was tested")
});

/// Returns short texts with a year in them, by their distance from the first headline; texts
/// before it count double, and those that speak of an update come last.
pub(super) fn dated_texts(document: &Html) -> Vec<String> {
    let mut headline_at = None;
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut at = 0;
    for node in document.tree.root().descendants().take(20 * N_TEXTS_MAX) {
        match node.value() {
            Node::Element(element) if element.name() == "h1" && headline_at.is_none() => {
                headline_at = Some(at);
            }
            Node::Text(text) => {
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                at += 1;
                let is_short =
                    text.len() <= 4 * TEXT_CHARS_MAX && text.chars().count() <= TEXT_CHARS_MAX;
                let parent = node.parent().and_then(ElementRef::wrap);
                if is_short && YEAR.is_match(text) && !parent.is_none_or(is_elsewhere) {
                    found.push((at, squeeze(text)));
                }
            }
            _ => {}
        }
        if at >= N_TEXTS_MAX {
            break;
        }
    }
    let headline_at = headline_at.unwrap_or(0);
    let mut ranked: Vec<(bool, usize, String)> = found
        .into_iter()
        .map(|(at, text)| {
            let distance = if at < headline_at { 2 * (headline_at - at) } else { at - headline_at };
            let is_update = ["update", "modified", "revised", "©", "copyright"];
            let text_lower = text.to_lowercase();
            (is_update.iter().any(|it| text_lower.contains(it)), distance, text)
        })
        .filter(|(_, distance, _)| *distance <= DISTANCE_MAX)
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, _, text)| text).collect()
}

/// Whether texts in an element are none of the article's: in a script, a footer, a menu or a
/// comment.
fn is_elsewhere(element: ElementRef<'_>) -> bool {
    let around = element.ancestors().filter_map(ElementRef::wrap);
    std::iter::once(element).chain(around).any(|it| {
        let class = it.attr("class").unwrap_or_default();
        let is_hidden = matches!(it.value().name(), "script" | "style" | "noscript" | "template");
        let is_frame = matches!(it.value().name(), "footer" | "nav" | "title");
        is_hidden || is_frame || class.contains("comment") || class.contains("footer")
    })
}
