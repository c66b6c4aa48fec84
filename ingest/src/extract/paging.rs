//! The next page of an article that is cut into pages: [`next_page`].
//!
//! Most sites announce it (`link rel=next`). Others only link it, by its number or a word. Such a
//! link counts where the page is an article with a date, where the address is the page's own with a
//! page number that is one more (page 1 has none), and where the link's text is that number or says
//! "next". Whatever stands among comments, in calendars or lists of other articles is passed over: a
//! page too few is better than another article's text.

mod address;

use std::cell::OnceCell;
use std::collections::HashSet;

use scraper::{ElementRef, Html};
use url::Url;

use address::{Address, Form, MARKS, Numbered, next_of, page_number};

use super::page::{PageFacts, hints_of, text_of};
use crate::canonical_url::CanonicalUrl;
use crate::plain_text::squeeze;

/// Links of a page whose addresses are looked at.
const N_LINKS_MAX: usize = 5_000;
/// Links with a fitting address whose text and place are looked at.
const N_LOOKED_AT_MAX: usize = 20;
/// A link and elements around it that tell whether it is one of a pager.
const N_AROUND: usize = 4;

/// Words before the number of a page, in the texts of links.
const PAGE_WORDS: [&str; 8] =
    ["page", "seite", "página", "pagina", "strona", "страница", "sida", "sayfa"];
/// Words for the next page, and words that may lead to anything else that follows.
const NEXT_PAGE: [&str; 18] = [
    "next page",
    "nächste seite",
    "naechste seite",
    "page suivante",
    "página siguiente",
    "siguiente página",
    "próxima página",
    "página seguinte",
    "pagina successiva",
    "volgende pagina",
    "nästa sida",
    "następna strona",
    "следующая страница",
    "наступна сторінка",
    "sonraki sayfa",
    "الصفحة التالية",
    "下一页",
    "次のページ",
];
const NEXT: [&str; 20] = [
    "next",
    "weiter",
    "nächste",
    "suivant",
    "suivante",
    "siguiente",
    "próxima",
    "seguinte",
    "avanti",
    "successiva",
    "volgende",
    "nästa",
    "następna",
    "dalej",
    "далее",
    "следующая",
    "далі",
    "sonraki",
    "التالي",
    "次へ",
];
const ARROWS: [char; 4] = ['›', '»', '→', '>'];
/// Parts of class names of pagers.
const PAGERS: [&str; 7] =
    ["paginat", "pager", "paging", "pagenav", "page-number", "page-link", "pagelink"];
/// Parts of class names of what is not the article's text, and of fragments that lead there.
const TALK: [&str; 8] =
    ["comment", "kommentar", "coment", "respond", "discuss", "diskussion", "disqus", "forum"];
const OTHERS: [&str; 10] = [
    "calendar",
    "kalender",
    "related",
    "recommend",
    "latest",
    "popular",
    "trending",
    "most-read",
    "archive",
    "search",
];
/// Words that hold one of those by chance.
const HARMLESS: [&str; 3] = ["research", "commentary", "correspond"];

/// The next page of the same article, on the same site: as announced, or else as linked.
pub(super) fn next_page(
    document: &Html,
    facts: &PageFacts,
    url: Option<&Url>,
) -> Option<CanonicalUrl> {
    let url = url?;
    let own = CanonicalUrl::parse(url.as_str()).ok()?;
    announced(facts, url, &own).or_else(|| linked(document, facts, url, &own))
}

/// By `link rel=next` on the same site, whose address is the page's own with the next page number.
fn announced(facts: &PageFacts, url: &Url, own: &CanonicalUrl) -> Option<CanonicalUrl> {
    let next = CanonicalUrl::join(url, facts.next_link.as_deref()?).ok()?;
    let (own_path, next_path) = (own.to_url().path().to_owned(), next.to_url().path().to_owned());
    let own_path = own_path.trim_end_matches('/');
    let (own_stem, own_number) = numbered(own_path);
    let (next_stem, next_number) = numbered(&next_path);
    let is_continued = match (own_number, next_number) {
        (_, Some(2)) if next_stem == own_path => true,
        (Some(own), Some(next)) => next_stem == own_stem && next == own + 1,
        // The number stands in the query.
        _ => next_path.trim_end_matches('/') == own_path,
    };
    (is_continued && own_path.len() > 1 && next != *own && next.is_same_site(own)).then_some(next)
}

/// Cuts the page number (at most 99) off a path: `/story/page/2` is page 2 of `/story`.
fn numbered(path: &str) -> (&str, Option<u32>) {
    let path = path.trim_end_matches('/');
    let stem = path.trim_end_matches(|it: char| it.is_ascii_digit());
    let number = path[stem.len()..].parse().ok().filter(|it| *it < 100);
    if number.is_none() || !stem.ends_with(MARKS) {
        return (path, None);
    }
    let stem = stem.trim_end_matches(MARKS);
    let stem =
        ["page", "seite", "pagina"].iter().find_map(|it| stem.strip_suffix(it)).unwrap_or(stem);
    (stem.trim_end_matches(MARKS), number)
}

/// By a link in the text or below it.
fn linked(
    document: &Html,
    facts: &PageFacts,
    url: &Url,
    own: &CanonicalUrl,
) -> Option<CanonicalUrl> {
    let own = Address::of(own).filter(|_| is_dated_article(facts))?;
    let has_digit = |href: &str| href.bytes().any(|it| it.is_ascii_digit());
    let (mut n_looked_at, firsts) = (0, OnceCell::new());
    for (link, href) in links(document).filter(|(_, href)| has_digit(href)) {
        let Some(target) = target(href, url) else { continue };
        let Some(address) = Address::of(&target) else { continue };
        let Some(next) = next_of(&own, &address) else { continue };
        n_looked_at += 1;
        if N_LOOKED_AT_MAX < n_looked_at {
            break;
        }
        // A number at the end of an address may be anything, unless page 1 is that without it.
        let is_sure = next.number == 2 || next.form.is_named();
        if is_told(link, next)
            && !is_elsewhere(link)
            && (is_sure
                || firsts.get_or_init(|| first_pages(document, url, &own)).contains(&next.stem))
        {
            return Some(target);
        }
    }
    None
}

/// Whether the page says that it is an article, and when that was published; lists do not.
fn is_dated_article(facts: &PageFacts) -> bool {
    let is_called_so = facts.meta("og:type").is_some_and(|it| it.eq_ignore_ascii_case("article"));
    let dates = ["datepublished", "date", "dc.date", "dc.date.issued", "pubdate", "sailthru.date"];
    let is_marked = |hints: &str| hints.contains("datepublished") || hints.contains("pubdate");
    // Lists mark the date of each article.
    let n_marked = facts.times.iter().filter(|it| is_marked(&it.hints)).count();
    facts.article.published.is_some()
        || facts.meta("article:published_time").is_some()
        || (is_called_so && dates.iter().any(|it| facts.meta(it).is_some()))
        || n_marked == 1
}

/// The links of a page with what they name as their target, at most so many.
fn links(document: &Html) -> impl Iterator<Item = (ElementRef<'_>, &str)> {
    let elements = document.root_element().descendent_elements();
    let links = elements.filter(|it| it.value().name() == "a");
    links.filter_map(|it| Some((it, it.attr("href")?))).take(N_LINKS_MAX).inspect(|_| {
        #[cfg(test)]
        tests::N_LINKS_SEEN.set(tests::N_LINKS_SEEN.get() + 1);
    })
}

/// Where a link leads; `None` for places where readers talk.
fn target(href: &str, base: &Url) -> Option<CanonicalUrl> {
    let fragment = href.rsplit_once('#').map_or("", |it| it.1).to_ascii_lowercase();
    if holds_any(&fragment, &TALK) {
        return None;
    }
    CanonicalUrl::join(base, href).ok()
}

/// Where links with the number 1 lead on the site of `own`.
fn first_pages(document: &Html, url: &Url, own: &Address) -> HashSet<String> {
    let firsts = links(document).filter(|(link, _)| said(&label(*link)) == Some(Said::Number(1)));
    let addresses = firsts.filter_map(|(_, href)| Address::of(&target(href, url)?));
    addresses.filter(|it| it.site == own.site).map(|it| it.text).collect()
}

/// What the text of a link says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Number(u32),
    NextPage,
    Next,
}

/// Whether a link's text or place says that it leads to the page `next`.
fn is_told(link: ElementRef<'_>, next: &Numbered) -> bool {
    match said(&label(link)) {
        Some(Said::Number(number)) => number == next.number,
        Some(Said::NextPage) => true,
        // Addresses of different articles with the same headline end with numbers, too.
        Some(Said::Next) => !matches!(next.form, Form::Mark(_)) || is_in_pager(link),
        None => false,
    }
}

fn said(label: &str) -> Option<Said> {
    let label = label.to_lowercase();
    let words = label.trim_matches(|it: char| !it.is_alphanumeric());
    if words.is_empty() {
        return label.contains(ARROWS).then_some(Said::Next);
    }
    let number = PAGE_WORDS.into_iter().find_map(|it| words.strip_prefix(it));
    if let Some(number) = page_number(number.unwrap_or(words).trim_start()) {
        return Some(Said::Number(number));
    }
    if NEXT_PAGE.contains(&words) {
        return Some(Said::NextPage);
    }
    NEXT.contains(&words).then_some(Said::Next)
}

/// The text of a link, or else its label or title.
fn label(link: ElementRef<'_>) -> String {
    let attribute = |name: &str| link.attr(name).map(squeeze);
    let texts = [Some(text_of(link)), attribute("aria-label"), attribute("title")];
    texts.into_iter().flatten().find(|it| !it.is_empty()).unwrap_or_default()
}

fn is_in_pager(link: ElementRef<'_>) -> bool {
    around(link).into_iter().take(N_AROUND).any(|it| {
        let label = it.attr("aria-label").unwrap_or_default().to_lowercase();
        let hints = hints_of(it);
        PAGERS.iter().any(|it| hints.contains(it) || label.contains(it))
    })
}

/// Whether a link stands among comments, in a calendar or in a list of other articles.
fn is_elsewhere(link: ElementRef<'_>) -> bool {
    around(link).into_iter().any(|it| {
        let hints = hints_of(it);
        it.value().name() == "aside" || holds_any(&hints, &TALK) || holds_any(&hints, &OTHERS)
    })
}

/// Whether `text` holds one of `words`, other than within one of [`HARMLESS`].
fn holds_any(text: &str, words: &[&str]) -> bool {
    let text = HARMLESS.iter().fold(text.to_owned(), |text, it| text.replace(it, " "));
    words.iter().any(|it| text.contains(it))
}

/// A link and the elements around it, up to the article or the whole page.
fn around(link: ElementRef<'_>) -> Vec<ElementRef<'_>> {
    let is_inner =
        |it: &ElementRef<'_>| !matches!(it.value().name(), "article" | "main" | "body" | "html");
    let outer = link.ancestors().filter_map(ElementRef::wrap).take_while(is_inner);
    std::iter::once(link).chain(outer).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        /// Links that were looked at, however often each.
        pub(super) static N_LINKS_SEEN: Cell<usize> = const { Cell::new(0) };
    }

    const DATED: &str = "<meta property=og:type content=article>\
        <meta property='article:published_time' content='2025-11-03T08:00:00Z'>";

    #[track_caller]
    fn found(head: &str, body: &str, url: &str) -> Option<String> {
        let html = format!("<html><head>{head}</head><body>{body}</body></html>");
        let document = Html::parse_document(&html);
        let url = Url::parse(url).unwrap();
        next_page(&document, &PageFacts::of(&document), Some(&url)).map(String::from)
    }

    #[track_caller]
    fn check(url: &str, body: &str, expected: &str) {
        assert_eq!(found(DATED, body, url).as_deref(), Some(expected), "{url}: {body}");
    }

    #[track_caller]
    fn check_none(url: &str, body: &str) {
        assert_eq!(found(DATED, body, url), None, "{url}: {body}");
    }

    const STORY: &str = "https://wire.example/news/long-story";

    #[test]
    fn pages_that_are_linked_by_numbers_follow_each_other() {
        let pager = "<nav><a href=/news/long-story>1</a> <a href='?page=2'>2</a> \
            <a href='?page=3'>3</a></nav>";
        check(STORY, pager, "https://wire.example/news/long-story?page=2");
        check(
            "https://wire.example/news/long-story?page=2&utm_source=x",
            pager,
            "https://wire.example/news/long-story?page=3",
        );
        check_none("https://wire.example/news/long-story?page=3", pager);

        let folders = "<p><a href=/news/long-story/>1</a><a href=/news/long-story/2/>2</a>\
            <a href=/news/long-story/3/>3</a></p>";
        check(STORY, folders, "https://wire.example/news/long-story/2/");
        let second = "https://wire.example/news/long-story/2/";
        check(second, folders, "https://wire.example/news/long-story/3/");

        let files = "<a href=a-1234.html>1</a> <a href=a-1234-2.html>2</a> \
            <a href=a-1234-3.html>3</a>";
        check("https://wire.example/n/a-1234.html", files, "https://wire.example/n/a-1234-2.html");
        let second = "https://wire.example/n/a-1234-2.html";
        check(second, files, "https://wire.example/n/a-1234-3.html");
    }

    #[test]
    fn research_commentary_and_correspondents_are_neither_searches_nor_comments() {
        for class in ["research-post", "commentary", "our-correspondents"] {
            let body = format!("<div class={class}><a href='?page=2'>2</a></div>");
            check(STORY, &body, "https://wire.example/news/long-story?page=2");
        }
        let fragment = "<a href='?page=2#by-our-correspondent'>2</a>";
        check(STORY, fragment, "https://wire.example/news/long-story?page=2");
        for talk in ["class=post-comments", "id=respond", "class='correspondents respond'"] {
            check_none(STORY, &format!("<div {talk}><a href='?page=2'>2</a></div>"));
        }
        check_none(STORY, "<a href='?page=2#respond'>2</a>");
    }

    #[test]
    fn pages_that_are_linked_by_words_follow_each_other() {
        for text in ["Next page", "Next page »", "Weiter", "Suivant ›", "›", "Seite 2", "Page 2"]
        {
            let body = format!("<a href='/news/long-story/seite-2'>{text}</a>");
            check(STORY, &body, "https://wire.example/news/long-story/seite-2");
        }
        let icon = "<a href='/news/long-story/page/2' aria-label='Next page'><svg></svg></a>";
        check(STORY, icon, "https://wire.example/news/long-story/page/2");
        let marked = "<ul class=pagination><li><a href=/news/long-story-2>Next</a></ul>";
        check(STORY, marked, "https://wire.example/news/long-story-2");
        check(
            STORY,
            "<a href=/news/long-story,2>Nächste Seite</a>",
            "https://wire.example/news/long-story,2",
        );
    }

    #[test]
    fn what_is_announced_stands_before_what_is_linked() {
        let head = format!("{DATED}<link rel=next href=/news/long-story/page/2>");
        let next = found(&head, "<a href='?page=2'>2</a>", STORY);
        assert_eq!(next.as_deref(), Some("https://wire.example/news/long-story/page/2"));
    }

    #[test]
    fn other_addresses_and_other_texts_are_no_next_page() {
        for link in [
            // Not the next number, or not that of the text.
            "<a href='?page=3'>3</a>",
            "<a href='?page=2'>3</a>",
            "<a href='?page=1'>2</a>",
            "<a href='?page=02'>2</a>",
            "<a href='?page=2'>Two more reasons</a>",
            "<a href='?page=2'>Previous</a>",
            "<a href='?page=2'></a>",
            // Not this article, not this host.
            "<a href='/news/another-story?page=2'>2</a>",
            "<a href='/news/long-story-two/2'>2</a>",
            "<a href='/news?page=2'>2</a>",
            "<a href='/news/2'>2</a>",
            "<a href='https://live.wire.example/news/long-story?page=2'>2</a>",
            "<a href='?page=2&section=sport'>2</a>",
            // A later article of the same headline.
            "<a href='/news/long-story-2'>Next</a>",
            // Comments.
            "<a href='?cpage=2'>2</a>",
            "<a href='/news/long-story/comment-page-2'>2</a>",
            "<a href='?page=2#comments'>2</a>",
            "<div id=comments><ul><li><a href='?page=2'>2</a></ul></div>",
            "<nav class=comment-navigation><a href='?page=2'>Next</a></nav>",
            // Lists beside the article.
            "<aside><a href='?page=2'>2</a></aside>",
            "<section class=related-articles><a href='?page=2'>Next</a></section>",
        ] {
            check_none(STORY, link);
        }
        check_none("https://wire.example/", "<a href='/?page=2'>2</a><a href=/2>2</a>");
    }

    #[test]
    fn numbers_that_count_no_pages_lead_nowhere() {
        // Calendars.
        let days = "<a href=/2025/11/1>1</a><a href=/2025/11/2>2</a><a href=/2025/11/3>3</a>";
        for own in ["/2025/11", "/2025/11/1", "/2025/11/2"] {
            check_none(&format!("https://wire.example{own}"), days);
        }
        let months = "<a href=/archive/2025-1>1</a><a href=/archive/2025-2>2</a>\
            <a href=/archive/2025-3>3</a>";
        check_none("https://wire.example/archive/2025-2", months);
        // Series, and ids of articles.
        check_none("https://wire.example/war-day-45", "<a href=/war-day-46>Next</a>");
        check_none("https://wire.example/war-day-1", "<a href=/war-day-2>2</a>");
        check_none("https://wire.example/blog/7", "<a href=/blog>Blog</a><a href=/blog/8>Next</a>");
        check_none("https://wire.example/story-123", "<a href=/story-124>Next page</a>");
        // A year at the end of a headline is none before a number.
        let year = "https://wire.example/elections-2024";
        check(year, "<a href=/elections-2024/2>2</a>", "https://wire.example/elections-2024/2");
    }

    #[test]
    fn lists_of_articles_have_no_next_page() {
        let pager = "<nav class=pagination><a href='?page=2'>2</a></nav>";
        let url = "https://wire.example/politics";
        assert_eq!(found("", pager, url), None);
        assert_eq!(found("<meta property=og:type content=website>", pager, url), None);
        assert_eq!(found("<meta property=og:type content=article>", pager, url), None);
        let teaser =
            "<article><time itemprop=datePublished datetime=2025-11-03>Today</time></article>";
        assert_eq!(found("", &format!("{}{pager}", teaser.repeat(3)), url), None);
        let next = found("", &format!("{teaser}{pager}"), url);
        assert_eq!(next.as_deref(), Some("https://wire.example/politics?page=2"));
        let collection = "<script type='application/ld+json'>{\"@type\":\"CollectionPage\",\
            \"datePublished\":\"2025-11-03\"}</script>";
        assert_eq!(found(collection, pager, url), None);
    }

    #[test]
    fn of_a_page_of_many_links_a_bounded_number_is_looked_at() {
        // To none of these; and from page 2 to all of them, if only there were a first page.
        let body = "<a href='/news/long-story/3'>3</a>".repeat(4 * N_LINKS_MAX);
        for url in [STORY, "https://wire.example/news/long-story/2"] {
            N_LINKS_SEEN.set(0);
            check_none(url, &body);
            let n_seen = N_LINKS_SEEN.get();
            assert!((1..=N_LINKS_MAX + N_LOOKED_AT_MAX + 1).contains(&n_seen), "{url}: {n_seen}");
        }
    }
}
