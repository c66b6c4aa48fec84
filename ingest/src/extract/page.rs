//! What a page says about itself, gathered in one pass over its elements.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use scraper::{ElementRef, Html};
use url::Url;

use super::json_ld::{self, ArticleData};
use crate::plain_text::squeeze;

/// Most characters taken from one heading or byline.
const TEXT_CHARS_MAX: usize = 600;
/// Most candidates of one kind.
const N_CANDIDATES_MAX: usize = 200;

/// Parts of attribute values without which an element is no date, byline or paywall.
static TELLING: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let words = [
        "date",
        "time",
        "publish",
        "author",
        "byline",
        "paywall",
        "regwall",
        "piano-offer",
        "subscriber-only",
    ];
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).build(words);
    finder.expect("the words are fixed and were tested")
});

/// Facts in the order in which the page states them.
#[derive(Debug, Default)]
pub(super) struct PageFacts {
    /// Lower-case name or property of each `meta`, with its content.
    metas: Vec<(String, String)>,
    /// Content of `title`.
    pub(super) title: Option<String>,
    /// First-level headings.
    pub(super) headings: Vec<Heading>,
    /// `time` elements and elements with a machine-readable date.
    pub(super) times: Vec<Time>,
    /// Texts of elements that look like bylines.
    pub(super) bylines: Vec<Byline>,
    /// Texts of elements whose class speaks of a date.
    pub(super) dates: Vec<String>,
    /// Target of `link rel=canonical`.
    pub(super) canonical_link: Option<String>,
    /// Target of `link rel=next`.
    pub(super) next_link: Option<String>,
    /// Whether an element is called a paywall.
    pub(super) has_paywall: bool,
    /// The `lang` of the page, as written.
    pub(super) html_language: Option<String>,
    /// What JSON-LD says about the article.
    pub(super) article: ArticleData,
}

/// A first-level heading.
#[derive(Debug)]
pub(super) struct Heading {
    pub(super) text: String,
    /// Whether it is marked as headline, or stands in the article.
    pub(super) is_marked: bool,
}

/// A point in time that the page marks up.
#[derive(Debug)]
pub(super) struct Time {
    /// The `datetime` or `content` attribute, else the text.
    pub(super) value: String,
    /// Its `itemprop`, `class` and `pubdate`, in lower case.
    pub(super) hints: String,
    /// Whether it stands in an article's header or beside its byline, not in a list of links.
    pub(super) is_inside_article: bool,
}

/// An element that looks like a byline.
#[derive(Debug)]
pub(super) struct Byline {
    pub(super) text: String,
    /// How sure the markup is: 0 for `rel=author` and `itemprop=author`, 1 for classes of names,
    /// 2 for classes of bylines.
    pub(super) rank: u8,
}

impl PageFacts {
    /// Gathers the facts of a page.
    pub(super) fn of(document: &Html) -> PageFacts {
        let mut facts = PageFacts::default();
        let mut scripts = Vec::new();
        for element in document.root_element().descendent_elements() {
            match element.value().name() {
                "html" => facts.html_language = attribute(element, "lang"),
                "meta" => facts.add_meta(element),
                "title" if facts.title.is_none() && !is_in_svg(element) => {
                    facts.title = Some(text_of(element)).filter(|it| !it.is_empty());
                }
                "link" => facts.add_link(element),
                "script" => {
                    let kind = element.attr("type").unwrap_or_default();
                    if kind.trim().to_ascii_lowercase().starts_with("application/ld+json") {
                        scripts.push(element.text().collect::<String>());
                    }
                }
                "h1" => facts.add_heading(element),
                _ => facts.add_by_attributes(element),
            }
        }
        if facts.html_language.is_none() {
            facts.html_language = attribute(document.root_element(), "lang");
        }
        facts.article = json_ld::read(&scripts);
        facts
    }

    /// The first non-empty content of the metas called `name` (lower case).
    pub(super) fn meta(&self, name: &str) -> Option<&str> {
        self.metas_of(name).next()
    }

    /// All contents of the metas called `name` (lower case).
    pub(super) fn metas_of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.metas.iter().filter(move |(it, _)| it == name).map(|(_, content)| content.as_str())
    }

    /// Name of the publication: by OpenGraph, JSON-LD, application name.
    pub(super) fn site_name(&self, url: Option<&Url>) -> Option<String> {
        let metas =
            ["og:site_name", "application-name", "apple-mobile-web-app-title", "dc.publisher"];
        let named =
            self.meta(metas[0]).map(str::to_owned).or_else(|| self.article.publisher.clone());
        let named =
            named.or_else(|| metas[1..].iter().find_map(|it| self.meta(it)).map(str::to_owned));
        let host = || Some(url?.host_str()?.trim_start_matches("www.").to_owned());
        named
            .map(|it| squeeze(&it))
            .filter(|it| !it.is_empty() && it.chars().count() < 100)
            .or_else(host)
    }

    fn add_meta(&mut self, element: ElementRef<'_>) {
        let content = element.attr("content").map(squeeze).filter(|it| !it.is_empty());
        let Some(content) = content else { return };
        for attribute in ["property", "name", "itemprop", "http-equiv"] {
            if let Some(name) = element.attr(attribute) {
                self.metas.push((name.trim().to_ascii_lowercase(), content.clone()));
            }
        }
    }

    fn add_link(&mut self, element: ElementRef<'_>) {
        let is =
            |rel: &str| element.attr("rel").is_some_and(|it| it.trim().eq_ignore_ascii_case(rel));
        if is("canonical") && self.canonical_link.is_none() {
            self.canonical_link = attribute(element, "href");
        } else if is("next") && self.next_link.is_none() {
            self.next_link = attribute(element, "href");
        }
    }

    fn add_heading(&mut self, element: ElementRef<'_>) {
        let text = text_of(element);
        if text.is_empty() || self.headings.len() >= N_CANDIDATES_MAX {
            return;
        }
        let hints = hints_of(element);
        let is_headline = ["headline", "title"].iter().any(|it| hints.contains(it));
        let is_logo = ["logo", "site", "brand"].iter().any(|it| hints.contains(it));
        let is_inside = element
            .ancestors()
            .filter_map(ElementRef::wrap)
            .any(|it| matches!(it.value().name(), "article" | "main"));
        let is_marked = !is_logo && (is_headline || is_inside);
        self.headings.push(Heading { text, is_marked });
    }

    /// Times, dates and bylines, by element name and attributes.
    fn add_by_attributes(&mut self, element: ElementRef<'_>) {
        let name = element.value().name();
        let is_bare = element.value().attrs().next().is_none() && name != "time";
        if is_bare
            || matches!(name, "body" | "style" | "svg" | "path" | "option" | "img" | "iframe")
        {
            return;
        }
        let is_told = |value: &str| TELLING.is_match(value);
        if name != "time" && !element.value().attrs().any(|(_, value)| is_told(value)) {
            return;
        }
        let hints = hints_of(element);
        let is_paywall = ["paywall", "regwall", "piano-offer", "subscriber-only"];
        self.has_paywall |= is_paywall.iter().any(|it| hints.contains(it));
        if name == "time" || hints.contains("datepublished") {
            self.add_time(element, &hints);
        } else if hints.contains("date") || hints.contains("time") || hints.contains("publish") {
            let text = text_of(element);
            if !text.is_empty() && text.len() < 120 && self.dates.len() < N_CANDIDATES_MAX {
                self.dates.push(text);
            }
        }
        if let Some(rank) = byline_rank(element, &hints)
            && self.bylines.len() < N_CANDIDATES_MAX
        {
            let text = text_of(element);
            if !text.is_empty() && text.chars().count() < 200 {
                self.bylines.push(Byline { text, rank });
            }
        }
    }

    fn add_time(&mut self, element: ElementRef<'_>, hints: &str) {
        if self.times.len() >= N_CANDIDATES_MAX {
            return;
        }
        let stated = attribute(element, "datetime").or_else(|| attribute(element, "content"));
        let value = stated.unwrap_or_else(|| text_of(element));
        let mut ancestors = element.ancestors().filter_map(ElementRef::wrap);
        let is_pubdate = if element.attr("pubdate").is_some() { " pubdate" } else { "" };
        let is_inside_article = !ancestors.any(|it| {
            let around = hints_of(it);
            // What is quoted, such as posts of others, has dates of its own.
            matches!(it.value().name(), "aside" | "blockquote" | "footer" | "nav" | "li")
                || ["related", "sidebar", "comment", "widget", "recommend", "trending"]
                    .iter()
                    .any(|word| around.contains(word))
        });
        let hints = format!("{hints}{is_pubdate}");
        self.times.push(Time { value, hints, is_inside_article });
    }
}

/// How much an element looks like the name of an author; `None` if it does not.
fn byline_rank(element: ElementRef<'_>, hints: &str) -> Option<u8> {
    let is_author_link =
        element.attr("rel").is_some_and(|it| it.split_whitespace().any(|it| it == "author"));
    let is_author_property = element.attr("itemprop").is_some_and(|it| it.contains("author"));
    if is_author_link || is_author_property {
        return Some(0);
    }
    let is_other = ["comment", "bio", "avatar", "image", "social", "related", "date", "authority"];
    if is_other.iter().any(|it| hints.contains(it)) {
        return None;
    }
    let is_name = [
        "author-name",
        "author__name",
        "authorname",
        "author_name",
        "byline-name",
        "byline__name",
        "byline__author",
        "byline-author",
    ];
    if is_name.iter().any(|it| hints.contains(it)) {
        return Some(1);
    }
    (hints.contains("byline") || hints.contains("author")).then_some(2)
}

/// Class, id, itemprop and data-testid of an element in one lower-case text.
pub(super) fn hints_of(element: ElementRef<'_>) -> String {
    let mut hints = String::new();
    for name in ["class", "id", "itemprop", "data-testid", "data-component"] {
        if let Some(value) = element.attr(name) {
            hints.push_str(&value.to_ascii_lowercase());
            hints.push(' ');
        }
    }
    hints
}

fn attribute(element: ElementRef<'_>, name: &str) -> Option<String> {
    element.attr(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty())
}

fn is_in_svg(element: ElementRef<'_>) -> bool {
    element.ancestors().filter_map(ElementRef::wrap).any(|it| it.value().name() == "svg")
}

/// The text of an element, with words of neighbouring blocks kept apart.
pub(super) fn text_of(element: ElementRef<'_>) -> String {
    let mut text = String::new();
    for piece in element.descendants() {
        if let Some(piece) = piece.value().as_text() {
            text.push_str(piece);
        } else if let Some(element) = piece.value().as_element()
            && !matches!(element.name(), "a" | "b" | "em" | "i" | "span" | "strong" | "sup" | "sub")
        {
            text.push(' ');
        }
        if text.len() > 4 * TEXT_CHARS_MAX {
            break;
        }
    }
    squeeze(&text).chars().take(TEXT_CHARS_MAX).collect()
}
