//! The authors of a page.

use std::sync::LazyLock;

use regex::Regex;

use super::page::PageFacts;
use crate::plain_text::plain_text;

/// Most authors of one article.
const N_AUTHORS_MAX: usize = 12;

/// Finds the names of the authors: by JSON-LD, then metas, then bylines in the markup.
pub(super) fn find(facts: &PageFacts) -> Vec<String> {
    let stated = names(facts.article.authors.iter().map(String::as_str));
    if !stated.is_empty() {
        return stated;
    }
    const METAS: &[&str] = &[
        "author",
        "article:author",
        "parsely-author",
        "sailthru.author",
        "dc.creator",
        "dcterms.creator",
        "byl",
        "citation_author",
        "book:author",
        "og:article:author",
        "article:author_name",
        "cxenseparse:author",
        "dc.contributor",
        "twitter:data1",
    ];
    for meta in METAS {
        let found = names(facts.metas_of(meta));
        if !found.is_empty() && (*meta != "twitter:data1" || is_name(&found[0])) {
            return found;
        }
    }
    for rank in 0..3 {
        let bylines = facts.bylines.iter().filter(|it| it.rank == rank).take(4);
        let found = names(bylines.map(|it| it.text.as_str()));
        let found: Vec<String> = found.into_iter().filter(|it| is_name(it)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Cuts texts into names, each once, and drops what is no name.
fn names<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in texts.filter(|it| !it.contains("://") && !it.contains("www.")) {
        for name in split(&plain_text(text)) {
            let is_known = names.iter().any(|it| it.eq_ignore_ascii_case(&name));
            if !is_known && names.len() < N_AUTHORS_MAX {
                names.push(name);
            }
        }
    }
    names
}

static BY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)^\s*(?:(?:written|posted|reported|story|words|article|published|text|review(?:ed)?|edited)\s+)?(?:by|von|par|por|door|di|av|af|autor(?:in)?|author)\b\s*:?\s*";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

static BETWEEN: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\s*(?:[,;|/•·]|\s(?:and|&|und|et|y|e|with)\s|\s[–—-]\s|\n)\s*";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

/// Words that begin what is no name but a role, a date or a place.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)^(?:(?:staff|senior|chief|contributing|guest|managing|associate|assistant|executive|deputy)\b.*\b(?:writer|editor|reporter|correspondent|contributor|producer|analyst|author)|editor|reporter|writer|author|correspondent|contributor|journalist|updated?|published|posted|on|in|at|the|for|min(?:ute)?s? read|view all|follow|share|more|read|about|see|all posts|admin|administrator|none|null|unknown|jr\.?|sr\.?|ph\.?d\.?|m\.?d\.?)\b.*$";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

fn split(text: &str) -> Vec<String> {
    let text = BY.replace(text, "");
    let mut names = Vec::new();
    for part in BETWEEN.split(&text) {
        let part = BY.replace(part, "");
        let part = part.split('(').next().unwrap_or_default();
        let name = part.trim().trim_matches(|it: char| {
            matches!(it, '.' | ':' | '"' | '@' | '-') || it.is_whitespace()
        });
        let is_address = name.contains("://")
            || name.contains('@')
            || name.contains("www.")
            || name.contains(".com");
        let n_words = name.split(' ').count();
        let has_digit = name.chars().any(|it| it.is_ascii_digit());
        if name.chars().count() >= 2
            && !is_address
            && n_words <= 6
            && !has_digit
            && !OTHER.is_match(name)
        {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether a text from a byline is built like a name: two to five words, mostly capitalised.
fn is_name(text: &str) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let n_capital = words.iter().filter(|it| it.starts_with(char::is_uppercase)).count();
    let has_case = text.chars().any(char::is_lowercase) || text.chars().any(char::is_uppercase);
    (2..=5).contains(&words.len()) && (!has_case || n_capital * 2 > words.len())
}
