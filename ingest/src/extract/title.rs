//! The headline of a page.

use super::outline::{Kind, Outline};
use super::page::PageFacts;
use crate::plain_text::{plain_text, squeeze};

/// Marks between a headline and the name of its site.
const SEPARATORS: &[&str] =
    &[" | ", " - ", " – ", " — ", " · ", " • ", " » ", " « ", " :: ", " / ", " ‹ ", " › "];

/// Finds the headline, or returns an empty text.
///
/// A first-level heading that the page's other titles confirm is best, since it is what readers
/// see; then OpenGraph, JSON-LD and `title`, without the site's name and what else follows a mark
/// such as `|` when what stands before it is a heading of the page.
pub(super) fn find(facts: &PageFacts, outline: &Outline, site_name: Option<&str>) -> String {
    let strip = |text: &str| without_site(&plain_text(text), site_name);
    let metas = [
        "og:title",
        "twitter:title",
        "dc.title",
        "dcterms.title",
        "sailthru.title",
        "parsely-title",
        "title",
    ];
    let stated: Vec<String> = metas
        .iter()
        .filter_map(|it| facts.meta(it))
        .map(strip)
        .chain(facts.article.headline.as_deref().map(strip))
        .chain(facts.title.as_deref().map(strip))
        .filter(|it| !it.is_empty())
        .collect();
    let headings = || facts.headings.iter().filter(|it| !is_site(&it.text, site_name));
    let confirmed = headings().find(|heading| {
        let heading = fold(&heading.text);
        n_words(&heading) >= 2 && stated.iter().any(|it| is_same(&heading, &fold(it)))
    });
    let only = || {
        let mut all = headings();
        all.next().filter(|it| all.next().is_none() && it.is_marked && n_words(&it.text) >= 3)
    };
    confirmed
        .or_else(only)
        .map(|it| squeeze(&it.text))
        .or_else(|| stated.first().map(|it| as_heading(it, outline).unwrap_or_else(|| it.clone())))
        .or_else(|| headings().next().map(|it| squeeze(&it.text)))
        .unwrap_or_default()
}

/// The part of a title on one side of a mark that is a heading of the page.
fn as_heading(title: &str, outline: &Outline) -> Option<String> {
    let is_heading = |part: &str| {
        let part = fold(part);
        outline.lines.iter().any(|line| {
            let element = &outline.elements[line.element as usize];
            matches!(element.kind, Kind::Heading(_))
                && line.text.len() < 2 * title.len()
                && fold(&line.text) == part
        })
    };
    let parts = SEPARATORS.iter().filter_map(|it| title.rsplit_once(it));
    let parts = parts.flat_map(|(head, tail)| [head, tail]);
    parts.filter(|it| n_words(it) >= 2).find(|it| is_heading(it)).map(|it| it.trim().to_owned())
}

/// Whether two folded titles are the same, or one is the other and a few words more.
fn is_same(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    n_words(short) >= 4 && (long.starts_with(short) || overlap(short, long) >= 0.8)
}

/// The share of the words of `short` that are in `long`.
fn overlap(short: &str, long: &str) -> f64 {
    let known: Vec<&str> = long.split(' ').collect();
    let n_common = short.split(' ').filter(|it| known.contains(it)).count();
    n_common as f64 / n_words(long).max(1) as f64
}

fn is_site(text: &str, site_name: Option<&str>) -> bool {
    site_name.is_some_and(|it| fold(it) == fold(text))
}

/// Leaves out the name of the site at either end of a title.
fn without_site(title: &str, site_name: Option<&str>) -> String {
    let Some(site) = site_name.map(fold).filter(|it| !it.is_empty()) else {
        return title.to_owned();
    };
    let is_name = |part: &str| {
        let part = fold(part);
        let squeezed = part.replace(' ', "");
        part == site
            || squeezed == site.replace(' ', "")
            || (part.len() >= 3
                && n_words(&part) <= 4
                && (site.contains(&part) || part.contains(&site)))
    };
    for separator in SEPARATORS {
        if let Some((head, tail)) = title.rsplit_once(separator)
            && is_name(tail)
            && !head.trim().is_empty()
        {
            return without_site(head.trim(), site_name);
        }
        if let Some((head, tail)) = title.split_once(separator)
            && is_name(head)
            && n_words(tail) >= 2
        {
            return tail.trim().to_owned();
        }
    }
    title.to_owned()
}

fn n_words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// Lower case, letters and digits only, one space between words.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut is_between = false;
    for character in text.chars() {
        if !character.is_alphanumeric() {
            is_between = true;
            continue;
        }
        if is_between && !folded.is_empty() {
            folded.push(' ');
        }
        is_between = false;
        folded.extend(character.to_lowercase());
    }
    folded
}
