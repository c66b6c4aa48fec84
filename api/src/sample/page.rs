//! Renders pages: one askama template for each layout, all fed with the same [`Page`].

use askama::Template;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::content::{Charset, Layout, Outlet, SampleArticle};
use super::respond::Resource;
use super::text::{Block, blocks, written_date};
use super::{SampleSite, feed, published_at, updated_at, url_of};

/// How many other articles a page links to.
const N_RELATED: usize = 4;

/// What the layouts show.
struct Page {
    language: String,
    charset: &'static str,
    title: String,
    summary: String,
    section: String,
    author: String,
    outlet_name: String,
    tagline: String,
    url: String,
    feed_file: &'static str,
    published_rfc3339: String,
    published_day: String,
    published_text: String,
    updated_rfc3339: Option<String>,
    updated_text: Option<String>,
    /// Set on an article that a later one corrects.
    corrected_by: Option<String>,
    sections: Vec<String>,
    related: Vec<Link>,
    body_html: String,
    json_ld: String,
    json_ld_graph: String,
}

/// A link relative to the page.
struct Link {
    href: String,
    title: String,
}

macro_rules! layout {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path, config = "sample/askama.toml")]
        struct $name<'a> {
            page: &'a Page,
        }
    };
}

layout!(WirePage, "wire.html");
layout!(BroadsheetPage, "broadsheet.html");
layout!(CourierPage, "courier.html");
layout!(TradePage, "trade.html");
layout!(ZeitungPage, "zeitung.html");
layout!(StationPage, "station.html");

/// A list of links: the site's front page and each outlet's own.
#[derive(Template)]
#[template(path = "contents.html", config = "sample/askama.toml")]
struct ContentsPage<'a> {
    language: &'a str,
    title: &'a str,
    tagline: &'a str,
    feed_file: Option<&'a str>,
    feed_type: &'a str,
    style_href: &'a str,
    links: Vec<Link>,
}

/// The page of `article`, which is one of `articles` of `outlet`.
pub(super) fn article_page(
    outlet: &Outlet,
    article: &SampleArticle,
    articles: &[&SampleArticle],
    anchor: DateTime<Utc>,
) -> Resource {
    let page = Page::of(outlet, article, articles, anchor);
    let html = match outlet.layout {
        Layout::Wire => WirePage { page: &page }.render(),
        Layout::Broadsheet => BroadsheetPage { page: &page }.render(),
        Layout::Courier => CourierPage { page: &page }.render(),
        Layout::Trade => TradePage { page: &page }.render(),
        Layout::Zeitung => ZeitungPage { page: &page }.render(),
        Layout::Station => StationPage { page: &page }.render(),
    };
    let html = html.expect("writing to a string cannot fail");
    let changed_at = updated_at(article, anchor).unwrap_or(published_at(article, anchor));
    match outlet.charset {
        Charset::Utf8 => Resource::new("text/html; charset=utf-8", html.into_bytes(), changed_at),
        Charset::Windows1252 => {
            let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(&html);
            Resource::new("text/html; charset=windows-1252", bytes.into_owned(), changed_at)
        }
    }
}

/// The list of an outlet's articles.
pub(super) fn outlet_page(
    outlet: &Outlet,
    articles: &[&SampleArticle],
    anchor: DateTime<Utc>,
) -> Resource {
    let links = articles.iter().map(|it| link_to(it)).collect();
    let newest = articles.first().map_or(anchor, |it| published_at(it, anchor));
    let page = ContentsPage {
        language: &outlet.language,
        title: &outlet.name,
        tagline: &outlet.tagline,
        feed_file: Some(feed::file_name(outlet.feed)),
        feed_type: feed::content_type(outlet.feed),
        style_href: "../style.css",
        links,
    };
    contents(&page, newest)
}

/// The list of outlets.
pub(super) fn front_page(site: &SampleSite, changed_at: DateTime<Utc>) -> Resource {
    let links = site
        .outlets
        .iter()
        .map(|it| Link { href: format!("{}/", it.id), title: it.name.clone() })
        .collect();
    let page = ContentsPage {
        language: "en",
        title: "The sample wire",
        tagline: "Six invented outlets that come with Harbinger.",
        feed_file: None,
        feed_type: "",
        style_href: "style.css",
        links,
    };
    contents(&page, changed_at)
}

fn contents(page: &ContentsPage<'_>, changed_at: DateTime<Utc>) -> Resource {
    let html = page.render().expect("writing to a string cannot fail");
    Resource::new("text/html; charset=utf-8", html.into_bytes(), changed_at)
}

impl Page {
    fn of(
        outlet: &Outlet,
        article: &SampleArticle,
        articles: &[&SampleArticle],
        anchor: DateTime<Utc>,
    ) -> Page {
        let front = &article.front;
        let published_at = published_at(article, anchor);
        let updated_at = updated_at(article, anchor);
        let mut sections: Vec<String> =
            articles.iter().map(|it| it.front.section.clone()).collect();
        sections.sort();
        sections.dedup();
        let corrected_by = articles
            .iter()
            .find(|it| it.front.corrects.as_deref() == Some(&article.slug))
            .map(|it| it.slug.clone());
        let json_ld = json_ld(outlet, article, published_at, updated_at);
        Page {
            language: outlet.language.clone(),
            charset: match outlet.charset {
                Charset::Utf8 => "utf-8",
                Charset::Windows1252 => "windows-1252",
            },
            title: front.title.clone(),
            summary: front.summary.clone(),
            section: front.section.clone(),
            author: front.author.clone(),
            outlet_name: outlet.name.clone(),
            tagline: outlet.tagline.clone(),
            url: url_of(&article.path()),
            feed_file: feed::file_name(outlet.feed),
            published_rfc3339: rfc3339(published_at),
            published_day: published_at.format("%Y-%m-%d").to_string(),
            published_text: written_date(published_at, &outlet.language),
            updated_rfc3339: updated_at.map(rfc3339),
            updated_text: updated_at.map(|it| written_date(it, &outlet.language)),
            corrected_by,
            sections,
            related: related(article, articles),
            body_html: body_html(outlet, article, anchor),
            json_ld_graph: in_script(&json!({
                "@context": "https://schema.org",
                "@graph": [{ "@type": "WebSite", "name": outlet.name }, json_ld],
            })),
            json_ld: in_script(&json_ld),
        }
    }
}

/// The paragraphs and subheads of `article`, escaped.
pub(super) fn body_html(outlet: &Outlet, article: &SampleArticle, anchor: DateTime<Utc>) -> String {
    let published_at = published_at(article, anchor);
    let blocks = blocks(&article.source, published_at, &outlet.language);
    let html: Vec<String> = blocks
        .iter()
        .map(|block| match block {
            Block::Subhead(text) => format!("<h2>{}</h2>", escape(text)),
            Block::Paragraph(text) => format!("<p>{}</p>", escape(text)),
        })
        .collect();
    html.join("\n")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The outlet's next older articles, then its newest: every page links on.
fn related(article: &SampleArticle, articles: &[&SampleArticle]) -> Vec<Link> {
    let at = articles.iter().position(|it| it.slug == article.slug).unwrap_or(0);
    let others = articles.iter().cycle().skip(at + 1).take(N_RELATED.min(articles.len() - 1));
    others.map(|it| link_to(it)).collect()
}

fn link_to(article: &SampleArticle) -> Link {
    Link { href: article.slug.clone(), title: article.front.title.clone() }
}

pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn json_ld(
    outlet: &Outlet,
    article: &SampleArticle,
    published_at: DateTime<Utc>,
    updated_at: Option<DateTime<Utc>>,
) -> Value {
    json!({
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": article.front.title,
        "description": article.front.summary,
        "datePublished": rfc3339(published_at),
        "dateModified": rfc3339(updated_at.unwrap_or(published_at)),
        "inLanguage": outlet.language,
        "author": { "@type": "Person", "name": article.front.author },
        "publisher": { "@type": "NewsMediaOrganization", "name": outlet.name },
        "mainEntityOfPage": url_of(&article.path()),
    })
}

/// JSON that may stand in a `script` element: no text in it can end the element.
fn in_script(value: &Value) -> String {
    value.to_string().replace('<', "\\u003c")
}
