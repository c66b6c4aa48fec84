//! Renders feeds: RSS 2.0 (short or with whole texts), RSS 1.0, Atom and JSON Feed.

use askama::Template;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::content::{FeedFlavour, Outlet, SampleArticle};
use super::page::{body_html, rfc3339};
use super::respond::Resource;
use super::{feed_path, published_at, updated_at, url_of};

/// What the templates of `api/sample/feeds` show.
struct Feed {
    title: String,
    tagline: String,
    language: String,
    home_url: String,
    self_url: String,
    updated_rfc3339: String,
    updated_rfc2822: String,
    items: Vec<Item>,
}

struct Item {
    title: String,
    url: String,
    guid: String,
    author: String,
    section: String,
    summary: String,
    body_html: String,
    published_rfc3339: String,
    published_rfc2822: String,
    updated_rfc3339: String,
}

#[derive(Template)]
#[template(path = "rss2.xml", config = "sample/askama.toml")]
struct Rss2<'a> {
    feed: &'a Feed,
    /// Whether items carry their whole text.
    is_full: bool,
}

#[derive(Template)]
#[template(path = "rss1.xml", config = "sample/askama.toml")]
struct Rss1<'a> {
    feed: &'a Feed,
}

#[derive(Template)]
#[template(path = "atom.xml", config = "sample/askama.toml")]
struct Atom<'a> {
    feed: &'a Feed,
}

/// Name of the feed's file in the outlet's folder.
pub(super) fn file_name(flavour: FeedFlavour) -> &'static str {
    match flavour {
        FeedFlavour::Json => "feed.json",
        _ => "feed.xml",
    }
}

/// Media type of the feed.
pub(super) fn content_type(flavour: FeedFlavour) -> &'static str {
    match flavour {
        FeedFlavour::Rss2 | FeedFlavour::Rss2Full => "application/rss+xml; charset=utf-8",
        FeedFlavour::Rss1 => "application/rdf+xml; charset=utf-8",
        FeedFlavour::Atom => "application/atom+xml; charset=utf-8",
        FeedFlavour::Json => "application/feed+json; charset=utf-8",
    }
}

/// The feed of `outlet` with all of its `articles`, newest first.
pub(super) fn feed(
    outlet: &Outlet,
    articles: &[&SampleArticle],
    anchor: DateTime<Utc>,
) -> Resource {
    let changed_at = articles
        .iter()
        .map(|it| updated_at(it, anchor).unwrap_or(published_at(it, anchor)))
        .max()
        .unwrap_or(anchor);
    let feed = Feed {
        title: outlet.name.clone(),
        tagline: outlet.tagline.clone(),
        language: outlet.language.clone(),
        home_url: url_of(&format!("/{}/", outlet.id)),
        self_url: url_of(&feed_path(outlet)),
        updated_rfc3339: rfc3339(changed_at),
        updated_rfc2822: changed_at.to_rfc2822(),
        items: articles.iter().map(|it| Item::of(outlet, it, anchor)).collect(),
    };
    let text = match outlet.feed {
        FeedFlavour::Rss2 => Rss2 { feed: &feed, is_full: false }.render(),
        FeedFlavour::Rss2Full => Rss2 { feed: &feed, is_full: true }.render(),
        FeedFlavour::Rss1 => Rss1 { feed: &feed }.render(),
        FeedFlavour::Atom => Atom { feed: &feed }.render(),
        FeedFlavour::Json => Ok(json_feed(&feed).to_string()),
    };
    let text = text.expect("writing to a string cannot fail");
    Resource::new(content_type(outlet.feed), text.into_bytes(), changed_at)
}

impl Item {
    fn of(outlet: &Outlet, article: &SampleArticle, anchor: DateTime<Utc>) -> Item {
        let front = &article.front;
        let published_at = published_at(article, anchor);
        let updated_at = updated_at(article, anchor).unwrap_or(published_at);
        Item {
            title: front.feed_title.as_ref().unwrap_or(&front.title).clone(),
            url: url_of(&article.path()),
            guid: format!("tag:{},2025:{}", super::HOST, article.path()),
            author: front.author.clone(),
            section: front.section.clone(),
            summary: front.summary.clone(),
            body_html: body_html(outlet, article, anchor),
            published_rfc3339: rfc3339(published_at),
            published_rfc2822: published_at.to_rfc2822(),
            updated_rfc3339: rfc3339(updated_at),
        }
    }
}

fn json_feed(feed: &Feed) -> Value {
    let items: Vec<Value> = feed
        .items
        .iter()
        .map(|item| {
            json!({
                "id": item.guid,
                "url": item.url,
                "title": item.title,
                "summary": item.summary,
                "content_html": item.body_html,
                "date_published": item.published_rfc3339,
                "date_modified": item.updated_rfc3339,
                "authors": [{ "name": item.author }],
                "tags": [item.section],
            })
        })
        .collect();
    json!({
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "description": feed.tagline,
        "language": feed.language,
        "home_page_url": feed.home_url,
        "feed_url": feed.self_url,
        "items": items,
    })
}
