//! JSON Feed 1.0 and 1.1; wrong types are passed over, not errors.

use serde_json::Value;

use super::{N_ENTRIES_MAX, ParsedEntry, ParsedFeed};
use crate::date::parse_date;
use crate::json_list::has_too_many_parts;

/// Reads a JSON feed; `None` if the text is no JSON object with a list of items.
pub(super) fn read(text: &str) -> Option<ParsedFeed> {
    if has_too_many_parts(text.as_bytes()) {
        return None;
    }
    let feed: Value = serde_json::from_str(text).ok()?;
    let items = feed.get("items")?.as_array()?;
    let link = text_of(&feed, "home_page_url");
    let topic = text_of(&feed, "feed_url");
    let links = [link.clone(), topic.clone()].into_iter().flatten().collect();
    let hubs = feed.get("hubs").and_then(Value::as_array).into_iter().flatten();
    Some(ParsedFeed {
        title: text_of(&feed, "title"),
        link,
        description: text_of(&feed, "description"),
        language: text_of(&feed, "language"),
        authors: authors_of(&feed),
        links,
        entries: items.iter().take(N_ENTRIES_MAX).map(entry).collect(),
        hubs: hubs.filter_map(|it| text_of(it, "url")).collect(),
        topic,
        ..ParsedFeed::default()
    })
}

fn entry(item: &Value) -> ParsedEntry {
    let link = text_of(item, "url").or_else(|| text_of(item, "external_url"));
    let attachments = item.get("attachments").and_then(Value::as_array).into_iter().flatten();
    let attached = attachments.filter_map(|it| text_of(it, "url"));
    let date = |name| text_of(item, name).and_then(|it| parse_date(&it));
    let tags = item.get("tags").and_then(Value::as_array).into_iter().flatten();
    ParsedEntry {
        id: text_of(item, "id"),
        title: text_of(item, "title"),
        links: link.iter().cloned().chain(attached).collect(),
        link,
        summary: text_of(item, "summary"),
        content: text_of(item, "content_html").or_else(|| text_of(item, "content_text")),
        updated: date("date_modified"),
        published: date("date_published"),
        authors: authors_of(item),
        categories: tags.filter_map(|it| it.as_str().map(str::to_owned)).collect(),
        has_plain_title: true,
    }
}

fn authors_of(value: &Value) -> Vec<String> {
    let many = value.get("authors").and_then(Value::as_array).into_iter().flatten();
    let all = many.chain(value.get("author"));
    let names = all.filter_map(|it| it.as_str().map(str::to_owned).or_else(|| text_of(it, "name")));
    let mut authors: Vec<String> = Vec::new();
    for name in names {
        if !authors.contains(&name) {
            authors.push(name);
        }
    }
    authors
}

/// A field that is text, or a number as text.
fn text_of(value: &Value, name: &str) -> Option<String> {
    let text = match value.get(name)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}
