//! The authors of a page.

use std::sync::LazyLock;

use regex::Regex;

use super::page::PageFacts;
use super::title::fold;
use crate::plain_text::plain_text;

/// Most authors of one article.
const N_AUTHORS_MAX: usize = 12;

/// Lines so far below the headline may hold a byline that begins with "by".
const BYLINE_DISTANCE_MAX: i64 = 30;
/// Longer lines are sentences.
const BYLINE_CHARS_MAX: usize = 110;

/// Metas that name authors, the surest first.
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

/// Finds the names of the authors: by JSON-LD, then metas, then bylines.
///
/// `lines` are short lines with their distance from the headline, nearest first. What the page
/// states gives way to its byline where it names the site or an account instead of a person.
pub(super) fn find(
    facts: &PageFacts,
    lines: &[(i64, &str)],
    site_name: Option<&str>,
) -> Vec<String> {
    let stated = stated(facts);
    let shown = shown(facts, lines);
    if stated.is_empty() {
        return shown;
    }
    let publisher = facts.article.publisher.as_deref();
    let sites: Vec<String> = site_name.into_iter().chain(publisher).map(fold).collect();
    let is_nobody = |name: &String| {
        let folded = fold(name);
        is_account(name) || sites.iter().any(|it| is_same_site(it, &folded))
    };
    let gives_way = !shown.is_empty() && stated.iter().all(is_nobody);
    if gives_way { shown } else { stated }
}

fn stated(facts: &PageFacts) -> Vec<String> {
    let stated = names(facts.article.authors.iter().map(String::as_str));
    if !stated.is_empty() {
        return stated;
    }
    for meta in METAS {
        let found = if meta.starts_with("citation") || meta.starts_with("dc") {
            let turned: Vec<String> = facts.metas_of(meta).map(first_name_first).collect();
            names(turned.iter().map(String::as_str))
        } else {
            names(facts.metas_of(meta))
        };
        if !found.is_empty() && (*meta != "twitter:data1" || is_name(&found[0])) {
            return found;
        }
    }
    Vec::new()
}

/// Names in bylines: such as begin with "by" near the headline, else such as are marked up.
fn shown(facts: &PageFacts, lines: &[(i64, &str)]) -> Vec<String> {
    for rank in 0..2 {
        let bylines = facts.bylines.iter().filter(|it| it.rank == rank).take(4);
        let found = names(bylines.map(|it| it.text.as_str()));
        let found: Vec<String> = found.into_iter().filter(|it| is_name(it)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    let is_byline = |line: &str| {
        line.chars().count() <= BYLINE_CHARS_MAX && (BY.is_match(line) || joined_by(line).is_some())
    };
    let near = lines.iter().take_while(|(distance, _)| *distance <= BYLINE_DISTANCE_MAX);
    for (_, line) in near.filter(|(_, line)| is_byline(line)) {
        let found = names(std::iter::once(*line));
        if found.first().is_some_and(|it| is_capitalised(it)) {
            return found.into_iter().filter(|it| is_capitalised(it)).collect();
        }
    }
    let bylines = facts.bylines.iter().filter(|it| it.rank == 2).take(4);
    names(bylines.map(|it| it.text.as_str())).into_iter().filter(|it| is_name(it)).collect()
}

/// `Lee, Ann` to `Ann Lee`.
fn first_name_first(text: &str) -> String {
    match text.split_once(',') {
        Some((last, first)) if !first.contains(',') && first.split_whitespace().count() <= 3 => {
            format!("{} {}", first.trim(), last.trim())
        }
        _ => text.to_owned(),
    }
}

/// Whether a name is that of an account: one word with a dot, a digit or no capital.
fn is_account(name: &str) -> bool {
    let has_case = name.chars().any(char::is_lowercase) || name.chars().any(char::is_uppercase);
    !name.contains(' ')
        && (name.contains(['.', '_']) || (has_case && !name.starts_with(char::is_uppercase)))
        || name.to_lowercase().contains("admin")
}

fn is_same_site(site: &str, name: &str) -> bool {
    let (site, name) = (site.replace(' ', ""), name.replace(' ', ""));
    name == site || (name.len() >= 5 && name.len() * 2 >= site.len() && site.contains(&name))
}

/// Cuts texts into names, each once, and drops what is no name.
fn names<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in texts.filter(|it| !it.contains("://") && !it.contains("www.")) {
        for name in split(&plain_text(text)) {
            let is_known = names.iter().any(|it| fold(it) == fold(&name));
            if !is_known && names.len() < N_AUTHORS_MAX {
                names.push(name);
            }
        }
    }
    // "Ann Lee" and "Ann Lee Science reporter" are one.
    let all = names.clone();
    names.retain(|name| {
        !all.iter()
            .any(|it| it.contains(' ') && name.len() > it.len() && starts_with_words(name, it))
    });
    names
}

fn starts_with_words(name: &str, beginning: &str) -> bool {
    name.strip_prefix(beginning).is_some_and(|it| it.starts_with(' '))
}

static BY: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)^\s*(?:&\s+)?(?:(?:written|posted|reported|story|words|article|articles|published|text|authored|view|all|more|posts|alle|artikel|beiträge|eingestellt|geschrieben|veröffentlicht|publié|escrito|publicado)\s+){0,4}(?:by|von|vom|par|por|door|av|af|autor(?:in)?|autore|auteur|authors?|redaktion|interview|text|автор)\b\s*:?\s*";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

static BETWEEN: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)\s*(?:[,;|/•·]|\s(?:and|&|und|et|y|e|with)\s|\s[–—-]\s|\n)\s*";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

/// Words that begin what is no name but a role, a date or a place.
static OTHER: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?i)^(?:(?:staff|senior|chief|contributing|guest|managing|associate|assistant|executive|deputy)\b.*\b(?:writer|editor|reporter|correspondent|contributor|producer|analyst|author)|editor|reporter|writer|author|correspondent|contributor|journalist|updated?|published|posted|on|in|at|min(?:ute)?s? read|view all|follow|share|more|read|about|see|all posts|admin|administrator|none|null|unknown|jr\.?|sr\.?|ph\.?d\.?|m\.?d\.?|(?:full )?bio(?:graphy)?|sign (?:in|up)|log ?in|head of|director|founder|co-founder|ceo|subscribe|contact|home|menu|photo|image|comments?|print|email|kommentare?|alle artikel|certified|expert|cite |fact[- ]checked|medically|reviewed|link$|related|categor\w*|course|lead|content|keine|\w+ (?:expert|reporter|editor|writer|consultant|specialist))\b.*$";
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

/// Words that end a name: a role, a date or what else follows it in a byline.
const NAME_ENDS: &[&str] = &[
    "am",
    "ceo",
    "certified",
    "chief",
    "contributing",
    "contributor",
    "correspondent",
    "director",
    "editor",
    "expert",
    "former",
    "founder",
    "friday",
    "head",
    "is",
    "ist",
    "kontakt",
    "manager",
    "monday",
    "on",
    "posted",
    "published",
    "reporter",
    "saturday",
    "senior",
    "staff",
    "sunday",
    "thursday",
    "tuesday",
    "updated",
    "wednesday",
    "writer",
];

/// "ByAnn Lee", as pages without space between elements read.
fn joined_by(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("By").or_else(|| text.strip_prefix("BY"))?;
    rest.starts_with(char::is_uppercase).then_some(rest)
}

/// The words of a name before its first end, two of them at least.
fn without_role(name: &str) -> String {
    let words: Vec<&str> = name.split(' ').collect();
    let is_end = |word: &&str| NAME_ENDS.binary_search(&word.to_lowercase().as_str()).is_ok();
    let end = words.iter().skip(2).position(is_end).map(|it| it + 2);
    let is_dated = words.len() > 2 && matches!(&*words[1].to_lowercase(), "on" | "am" | "in");
    words[..end.or(is_dated.then_some(1)).unwrap_or(words.len())].join(" ")
}

fn split(text: &str) -> Vec<String> {
    let text = BY.replace(joined_by(text).unwrap_or(text), "");
    let mut names = Vec::new();
    for part in BETWEEN.split(&text) {
        let part = BY.replace(part, "");
        let part = part.split('(').next().unwrap_or_default();
        let part = without_role(part.trim().trim_start_matches("& "));
        let name = part.trim().trim_matches(|it: char| {
            matches!(it, '.' | ':' | '"' | '@' | '-' | '⋅' | '*') || it.is_whitespace()
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
    let n_words = text.split(' ').count();
    (2..=5).contains(&n_words) && n_capital(text) * 2 > n_words || !has_case(text) && n_words <= 5
}

/// Whether every longer word of a text is capitalised, as in a name; one word is enough.
fn is_capitalised(text: &str) -> bool {
    let n_words = text.split(' ').count();
    n_words <= 4 && (!has_case(text) || n_capital(text) * 3 >= n_words * 2)
}

fn n_capital(text: &str) -> usize {
    text.split(' ').filter(|it| it.starts_with(char::is_uppercase)).count()
}

fn has_case(text: &str) -> bool {
    text.chars().any(char::is_lowercase) || text.chars().any(char::is_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(byline: &str, expected: &[&str]) {
        assert_eq!(names(std::iter::once(byline)), expected, "{byline}");
    }

    #[test]
    fn bylines_are_cut_into_names() {
        check("By Ann Lee and Bo Chen", &["Ann Lee", "Bo Chen"]);
        check("ByAnn Lee Thursday", &["Ann Lee"]);
        check("Ann Lee Senior Autos Reporter", &["Ann Lee"]);
        check("Alle Artikel von Ann Lee", &["Ann Lee"]);
        check("Written by: Ann Lee, Staff Writer", &["Ann Lee"]);
        check("Von Ann Lee am 3. November 2025", &["Ann Lee"]);
        check("Full Bio", &[]);
    }

    #[test]
    fn a_name_with_its_role_is_the_name() {
        let found = names(["Ann Lee", "Ann Lee Physicist"].into_iter());
        assert_eq!(found, ["Ann Lee"]);
        assert_eq!(first_name_first("Lee, Ann"), "Ann Lee");
    }

    #[test]
    fn words_that_end_names_are_sorted() {
        assert!(NAME_ENDS.is_sorted());
    }
}
