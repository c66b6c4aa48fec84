//! From a site's address to its feed or sitemap: [`discover`] asks the site; [`links`] reads a page.

use std::collections::BTreeSet;

use bytes::Bytes;
use scraper::{Html, Selector};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::blocking::on_blocking_thread;
use crate::canonical_url::site_of;
use crate::crawl::{self, CrawlFailure};
use crate::decode::decode;
use crate::extract::guarded_html;
use crate::feed;
use crate::fetch::{FetchRequest, Fetcher, Page};
use crate::plain_text::squeeze;
use crate::sitemap::{self, Sitemap};

/// How a feed or sitemap was found whose own address was given.
const ITSELF: &str = "the address itself";
/// Addresses that are tried on one site.
const N_TRIED_MAX: usize = 12;
/// Feeds and sitemaps that are offered.
const N_FOUND_MAX: usize = 6;
/// Links of one page that are looked at.
const N_LINKS_MAX: usize = 20;
/// Where sites keep their feeds and sitemaps when they do not say.
const USUAL_PLACES: &[&str] = &[
    "/feed",
    "/rss.xml",
    "/rss",
    "/feed.xml",
    "/atom.xml",
    "/index.xml",
    "/news-sitemap.xml",
    "/sitemap.xml",
];

/// What sort of document was found.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum FoundKind {
    /// RSS, RDF, Atom or JSON Feed.
    Feed,
    /// A sitemap, or an index of them.
    Sitemap,
}

/// A feed or sitemap of a site, that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What it is.
    pub kind: FoundKind,
    /// Its address.
    pub url: Url,
    /// Its title, by itself or by the page that links to it.
    pub title: Option<String>,
    /// Language tag as the feed or page writes it.
    pub language: Option<String>,
    /// Entries, pages or further sitemaps that it lists.
    pub n_entries: usize,
    /// How it was found, for people: `linked from the page`.
    pub how: String,
}

/// An address that was tried and is neither feed nor sitemap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The address.
    pub url: Url,
    /// Why not, for people.
    pub reason: String,
}

/// What a site offers.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Feeds before sitemaps, those about comments last.
    pub found: Vec<Found>,
    /// Whether the address that was given is the feed or sitemap itself.
    pub is_itself: bool,
    /// The document of the first of them, as it was sent; `None` when none was found.
    pub document: Option<Page>,
    /// What was tried in vain.
    pub missed: Vec<Missed>,
    /// The page's own title.
    pub title: Option<String>,
    /// The page's own language.
    pub language: Option<String>,
}

/// Looks for feeds and sitemaps of the site at `request.url`: the address itself, what its page
/// links to, the sitemaps of robots.txt, then the usual places. Obeys robots.txt for the page, asks
/// at most [`N_TRIED_MAX`] addresses, on other sites only what the page declares as its feeds; what
/// the page links to comes before the rest, which is not asked for when something was found.
///
/// # Errors
/// When the page cannot be had. A site without any feed gives an empty [`Discovery::found`].
pub async fn discover(
    fetcher: &Fetcher,
    request: &FetchRequest,
) -> Result<Discovery, CrawlFailure> {
    let page = crawl::page(fetcher, request).await?;
    Ok(discover_from(fetcher, request, &page).await)
}

/// As [`discover`], when the page at the address is at hand.
pub async fn discover_from(fetcher: &Fetcher, request: &FetchRequest, page: &Page) -> Discovery {
    let mut discovery = Discovery::default();
    if let Ok(found) = recognize(page, ITSELF).await {
        discovery.title = found.title.clone();
        discovery.language = found.language.clone();
        discovery.found.push(found);
        discovery.is_itself = true;
        discovery.document = Some(page.clone());
        return discovery;
    }
    let (body, content_type, url) =
        (page.body.clone(), page.content_type.clone(), page.url.clone());
    let read = on_blocking_thread(move || read_page(&body, content_type.as_deref(), &url)).await;
    let about = read.unwrap_or_default();
    discovery.title = about.title;
    discovery.language = about.language;
    let (document, tried) = (None, BTreeSet::new());
    let mut search = Search { fetcher, request, discovery, document, tried };
    search.tried.insert(page.url.clone());
    for link in about.links {
        search.look_at(link.url, &link.how, link.title).await;
    }
    if search.discovery.found.is_empty() {
        let facts = fetcher.robots(&page.url, request).await;
        let mut sitemaps = facts.sitemaps;
        // News sitemaps hold the last two days; whole ones hold everything.
        sitemaps.sort_by_key(|it| !it.to_ascii_lowercase().contains("news"));
        for sitemap in sitemaps.iter().take(4) {
            if let Ok(url) = page.url.join(sitemap)
                && is_related(&url, &page.url)
            {
                search.look_at(url, "named in robots.txt", None).await;
            }
        }
    }
    for place in USUAL_PLACES {
        if !search.discovery.found.is_empty() {
            break;
        }
        if let Ok(url) = page.url.join(place) {
            search.look_at(url, "at a usual place", None).await;
        }
    }
    let mut discovery = search.discovery;
    discovery.found.sort_by_key(rank);
    discovery.document = search.document.map(|(_, page)| page);
    discovery
}

/// The least is the best; of two equal ones that which was found first.
fn rank(found: &Found) -> (bool, bool, FoundKind) {
    let is_aside = is_about_comments(&found.url, found.title.as_deref());
    (is_aside, found.n_entries == 0, found.kind)
}

struct Search<'a> {
    fetcher: &'a Fetcher,
    request: &'a FetchRequest,
    discovery: Discovery,
    /// The document of the best that was found, with its rank.
    document: Option<((bool, bool, FoundKind), Page)>,
    tried: BTreeSet<Url>,
}

impl Search<'_> {
    async fn look_at(&mut self, url: Url, how: &str, title: Option<String>) {
        let is_enough = N_FOUND_MAX <= self.discovery.found.len();
        if is_enough || N_TRIED_MAX < self.tried.len() || !self.tried.insert(url.clone()) {
            return;
        }
        let request = FetchRequest {
            allows_private_addresses: self.request.allows_private_addresses,
            interval: self.request.interval,
            proxy: self.request.proxy.clone(),
            ..FetchRequest::feed(url.as_str())
        };
        let read = match crawl::page(self.fetcher, &request).await {
            Ok(page) => recognize(&page, how).await.map(|found| (found, page)),
            Err(failure) => Err(failure.message),
        };
        match read {
            Ok((mut found, page)) => {
                found.title = found.title.or(title);
                let is_known = self.discovery.found.iter().any(|it| it.url == found.url);
                if !is_known {
                    let rank = rank(&found);
                    self.discovery.found.push(found);
                    if self.document.as_ref().is_none_or(|(best, _)| rank < *best) {
                        self.document = Some((rank, page));
                    }
                }
            }
            Err(reason) => self.discovery.missed.push(Missed { url, reason }),
        }
    }
}

/// Reads `page` as a feed, else as a sitemap; `Err` says why it is neither.
pub(crate) async fn recognize(page: &Page, how: &str) -> Result<Found, String> {
    let (page, how) = (page.clone(), how.to_owned());
    let read = on_blocking_thread(move || {
        let content_type = page.content_type.as_deref();
        let found = |kind, title, language, n_entries| Found {
            kind,
            url: page.url.clone(),
            title,
            language,
            n_entries,
            how: how.clone(),
        };
        let as_feed = match feed::parse(&page.body, content_type, Some(page.url.as_str())) {
            Ok(feed) => {
                let title = feed.title.map(|it| squeeze(&it)).filter(|it| !it.is_empty());
                return Ok(found(FoundKind::Feed, title, feed.language, feed.entries.len()));
            }
            Err(error) => error,
        };
        match sitemap::parse(&page.body, content_type) {
            Ok(Sitemap::Pages(listed) | Sitemap::Index(listed)) => {
                Ok(found(FoundKind::Sitemap, None, None, listed.len()))
            }
            Err(_) => Err(format!("{}: {as_feed}", page.url)),
        }
    });
    read.await.unwrap_or_else(|broken| Err(broken.to_string()))
}

/// A feed that a page links to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub url: Url,
    /// What the page calls it.
    pub title: Option<String>,
    /// How it was found, for people.
    pub how: String,
}

#[derive(Debug, Default)]
struct AboutPage {
    title: Option<String>,
    language: Option<String>,
    links: Vec<Link>,
}

fn read_page(body: &Bytes, content_type: Option<&str>, url: &Url) -> AboutPage {
    let html = decode(body, content_type).text;
    let document = guarded_html(&html);
    let first = |selector: &str, attribute: &str| {
        let selector = Selector::parse(selector).expect("the selector is fixed");
        document.select(&selector).find_map(|it| it.attr(attribute).map(squeeze))
    };
    let title = first("meta[property='og:site_name']", "content").or_else(|| {
        let selector = Selector::parse("title").expect("the selector is fixed");
        document.select(&selector).next().map(|it| squeeze(&it.text().collect::<String>()))
    });
    AboutPage {
        title: title.filter(|it| !it.is_empty()).map(|it| it.chars().take(200).collect()),
        language: first("html[lang]", "lang").filter(|it| !it.is_empty()),
        links: links(&document, url),
    }
}

/// The feeds that the page `document` at `url` links to: declared ones before those that only
/// look like one, those about comments last. Those that only look like one are of the same site;
/// what a page declares as its feed may lie anywhere (`bbc.co.uk` has its feeds at `bbci.co.uk`).
pub fn links(document: &Html, url: &Url) -> Vec<Link> {
    let selector = Selector::parse("link[href], a[href]").expect("the selector is fixed");
    let mut ranked: Vec<(u8, Link)> = Vec::new();
    for element in document.select(&selector) {
        let Some(to) = element.attr("href").and_then(|it| url.join(it.trim()).ok()) else {
            continue;
        };
        let is_declared = element.value().name() == "link" && is_feed_link(element.value());
        let looks_like_one =
            element.value().name() == "a" && is_feed_address(&to) && is_related(&to, url);
        let is_wanted = matches!(to.scheme(), "http" | "https") && (is_declared || looks_like_one);
        if !is_wanted || ranked.iter().any(|it| it.1.url == to) {
            continue;
        }
        let title = element.attr("title").map(squeeze).filter(|it| !it.is_empty());
        let rank =
            if is_about_comments(&to, title.as_deref()) { 2 } else { u8::from(!is_declared) };
        let how = if is_declared { "declared by the page" } else { "linked from the page" };
        ranked.push((rank, Link { url: to, title, how: how.to_owned() }));
        if N_LINKS_MAX <= ranked.len() {
            break;
        }
    }
    ranked.sort_by_key(|it| it.0);
    ranked.into_iter().map(|it| it.1).collect()
}

/// Feeds may lie with the services that many sites use for them.
fn is_related(to: &Url, page: &Url) -> bool {
    let services = ["feedburner.com", "feedblitz.com", "feedpress.me"];
    site_of(to) == site_of(page) || services.contains(&site_of(to).as_str())
}

fn is_feed_link(element: &scraper::node::Element) -> bool {
    let has_rel = |name: &str| {
        let rel = element.attr("rel").unwrap_or_default();
        rel.split_ascii_whitespace().any(|it| it.eq_ignore_ascii_case(name))
    };
    let kind = element.attr("type").unwrap_or_default().to_ascii_lowercase();
    let is_feed_type = ["rss", "atom", "feed+json", "rdf+xml"].iter().any(|it| kind.contains(it));
    (has_rel("alternate") && is_feed_type) || has_rel("feed")
}

fn is_feed_address(url: &Url) -> bool {
    let path = url.path().trim_end_matches('/').to_ascii_lowercase();
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_file = ["rss", "atom", "feed", "rdf"].iter().any(|it| {
        let stem = last.split('.').next().unwrap_or_default();
        stem == *it
            || (stem.contains(it) && last.ends_with(".xml"))
            || last.ends_with(&format!(".{it}"))
    });
    is_file || last == "feed.json"
}

fn is_about_comments(url: &Url, title: Option<&str>) -> bool {
    let title = title.unwrap_or_default().to_lowercase();
    url.path().to_ascii_lowercase().contains("comment") || title.contains("comment")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(html: &str) -> Vec<String> {
        let url = Url::parse("https://www.a.example/news/").unwrap();
        links(&Html::parse_document(html), &url).into_iter().map(|it| it.url.into()).collect()
    }

    #[test]
    fn declared_feeds_come_first_and_comments_last() {
        let html = "<link rel=alternate type=application/rss+xml href=/comments/feed/ title='Comments'>\
            <a href=/rss.xml>RSS</a>\
            <link rel='alternate home' type='application/atom+xml; charset=utf-8' href=atom>\
            <link rel=alternate hreflang=de href=/de/>\
            <link rel=alternate type=application/json+oembed href=/oembed>";
        assert_eq!(
            found(html),
            [
                "https://www.a.example/news/atom",
                "https://www.a.example/rss.xml",
                "https://www.a.example/comments/feed/",
            ]
        );
    }

    #[test]
    fn other_sites_are_left_alone() {
        let html = "<a href=https://b.example/feed>B</a><a href=https://feeds.a.example/all.rss>A</a>\
            <a href=https://feeds.feedburner.com/a/rss>A</a><a href='javascript:feed'>x</a>\
            <a href=/feedback>Feedback</a>";
        assert_eq!(
            found(html),
            ["https://feeds.a.example/all.rss", "https://feeds.feedburner.com/a/rss"]
        );
    }

    #[test]
    fn a_feed_that_the_page_declares_may_lie_on_another_site() {
        let html = "<link rel=alternate type=application/rss+xml href=https://feeds.b.example/a.xml>\
            <link rel=alternate type=application/rss+xml href=ftp://feeds.b.example/a.xml>\
            <a href=https://feeds.b.example/b.rss>B</a>";
        assert_eq!(found(html), ["https://feeds.b.example/a.xml"]);
    }

    #[test]
    fn a_page_full_of_links_is_bounded() {
        let html: String = (0..10_000).map(|n| format!("<a href=/{n}/feed>x</a>")).collect();
        assert_eq!(found(&html).len(), N_LINKS_MAX);
    }
}
