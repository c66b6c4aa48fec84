//! Listing pages: HTML and a source's CSS selectors to entries. Pure.

use chrono::{DateTime, Utc};
use config::{ListingRules, SourceId};
use scraper::{ElementRef, Html, Selector};
use url::Url;

use crate::article::{ArticleId, Entry};
use crate::canonical_url::CanonicalUrl;
use crate::date::{parse_date, plausible};
use crate::extract::guarded_html;
use crate::plain_text::squeeze;

/// Most entries of one page.
const N_ENTRIES_MAX: usize = 2_000;
/// Most characters of a headline, and of a summary.
const TITLE_CHARS_MAX: usize = 500;
const SUMMARY_CHARS_MAX: usize = 2_000;

/// Says what is wrong with a CSS selector.
///
/// # Errors
/// When it cannot be read.
pub fn check_selector(selector: &str) -> Result<(), String> {
    let read = Selector::parse(selector).map(|_| ());
    read.map_err(|error| format!("is no CSS selector: {error}"))
}

/// The entries that `rules` find on the page `html` at `base`, in the page's order, each address
/// once. Selectors that cannot be read find nothing. Dates that are absurd at `now` are dropped.
pub fn entries(
    html: &str,
    base: &Url,
    rules: &ListingRules,
    source: &SourceId,
    now: DateTime<Utc>,
) -> Vec<Entry> {
    let selector = |it: &str| Selector::parse(it).ok();
    let chosen = |it: &Option<String>| it.as_deref().and_then(selector);
    let Some(item) = selector(&rules.item) else { return Vec::new() };
    let (link, title) = (chosen(&rules.link), chosen(&rules.title));
    let (date, summary) = (chosen(&rules.date), chosen(&rules.summary));
    let document = guarded_html(html);
    let base = base_of(&document, base);
    let mut entries: Vec<Entry> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for element in document.select(&item).take(N_ENTRIES_MAX) {
        let Some(anchor) = anchor_of(element, link.as_ref()) else { continue };
        let Some(href) = anchor.attr("href") else { continue };
        let Ok(url) = CanonicalUrl::join(&base, href) else { continue };
        let id = ArticleId::of(&url);
        if !seen.insert(id) {
            continue;
        }
        let part = |it: &Option<Selector>| it.as_ref().and_then(|it| element.select(it).next());
        let headline = part(&title).unwrap_or(anchor);
        entries.push(Entry {
            id,
            url,
            source: source.clone(),
            title: text_of(headline, TITLE_CHARS_MAX)
                .or_else(|| anchor.attr("title").map(squeeze).filter(|it| !it.is_empty())),
            summary: part(&summary).and_then(|it| text_of(it, SUMMARY_CHARS_MAX)),
            published_at: date_of(element, date.as_ref()).and_then(|it| plausible(it, now)),
            guid: None,
            text: None,
        });
    }
    entries
}

/// The address against which the page's links are resolved.
fn base_of(document: &Html, url: &Url) -> Url {
    let base = Selector::parse("base[href]").expect("the selector is fixed");
    let declared = document.select(&base).next().and_then(|it| url.join(it.attr("href")?).ok());
    declared.unwrap_or_else(|| url.clone())
}

/// The link of an entry: the one that is selected, itself, the first inside, or one around it.
fn anchor_of<'a>(element: ElementRef<'a>, selected: Option<&Selector>) -> Option<ElementRef<'a>> {
    let is_link = |it: &ElementRef<'_>| it.value().name() == "a" && it.attr("href").is_some();
    if let Some(selector) = selected {
        let found = element.select(selector).next()?;
        return if is_link(&found) {
            Some(found)
        } else {
            found.descendent_elements().find(is_link)
        };
    }
    let inside = element.descendent_elements().find(is_link);
    inside.or_else(|| element.ancestors().filter_map(ElementRef::wrap).find(is_link))
}

fn text_of(element: ElementRef<'_>, n_chars_max: usize) -> Option<String> {
    let text = squeeze(&element.text().collect::<Vec<_>>().join(" "));
    let text: String = text.chars().take(n_chars_max).collect();
    Some(text).filter(|it| !it.is_empty())
}

fn date_of(element: ElementRef<'_>, selected: Option<&Selector>) -> Option<DateTime<Utc>> {
    let time = Selector::parse("time").expect("the selector is fixed");
    let found = element.select(selected.unwrap_or(&time)).next()?;
    let stated = found.attr("datetime").or_else(|| found.attr("content"));
    let stated = stated.and_then(parse_date);
    stated.or_else(|| parse_date(&squeeze(&found.text().collect::<String>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<base href='/news/'><ul>\
        <li><h3><a href='tanker?utm_source=list'>Tanker  hit</a></h3><time datetime='2025-11-02T10:00:00Z'>Sunday</time><p>Crew safe.</p></li>\
        <li><h3><a href='/port'><img src='x.png'></a></h3><span class=day>3 November 2025</span></li>\
        <li><h3>No link</h3></li>\
        <li><h3><a href='javascript:void(0)'>Script</a></h3></li>\
        <li><h3><a href='tanker'>Again</a></h3></li></ul>";

    fn rules(item: &str) -> ListingRules {
        ListingRules {
            url: "https://a.example/all".parse().unwrap(),
            item: item.to_owned(),
            link: None,
            title: None,
            date: None,
            summary: Some("p".to_owned()),
        }
    }

    fn found(rules: &ListingRules) -> Vec<Entry> {
        let now = parse_date("2025-11-03T10:00:00Z").unwrap();
        entries(PAGE, &rules.url, rules, &SourceId::new("a"), now)
    }

    #[test]
    fn each_selected_element_with_a_link_is_an_entry() {
        let entries = found(&rules("li"));
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert_eq!(entries[0].url.as_str(), "https://a.example/news/tanker");
        assert_eq!(entries[0].title.as_deref(), Some("Tanker hit"));
        assert_eq!(entries[0].summary.as_deref(), Some("Crew safe."));
        assert_eq!(entries[0].published_at, parse_date("2025-11-02T10:00:00Z"));
        assert_eq!(entries[1].title, None);
    }

    #[test]
    fn dates_links_and_titles_can_be_selected() {
        let rules = ListingRules {
            date: Some(".day".to_owned()),
            link: Some("h3".to_owned()),
            title: Some("time".to_owned()),
            ..rules("li")
        };
        let entries = found(&rules);
        assert_eq!(entries[0].title.as_deref(), Some("Sunday"));
        assert_eq!(entries[1].published_at, parse_date("2025-11-03"));
    }

    #[test]
    fn an_item_may_be_the_link_itself_or_inside_it() {
        assert_eq!(found(&rules("h3 a")).len(), 2);
        assert_eq!(found(&rules("img")).len(), 1);
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_told_and_finds_nothing() {
        assert!(check_selector("li > a[href]").is_ok());
        assert!(check_selector("li >> a").is_err());
        assert_eq!(found(&rules("li >> a")), []);
    }
}
