//! `/feeds/{saved-search}.atom`: the alerts of a saved search for any feed reader.

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use index::archive::alerts::{AlertFilter, AlertRecord};

use crate::deliver::payload::why;
use crate::error::ApiError;
use crate::handlers::{etag, saved_searches};
use crate::state::AppState;

/// Alerts in a feed.
const N_ENTRIES: usize = 50;

/// `feed.xml`.
#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed {
    id: String,
    name: String,
    query: String,
    updated: String,
    self_href: String,
    page_href: String,
    entries: Vec<Entry>,
}

struct Entry {
    id: String,
    title: String,
    href: String,
    source: String,
    published: String,
    updated: String,
    summary: String,
}

/// The newest alerts of a saved search as an Atom feed.
pub(crate) async fn atom(
    State(state): State<AppState>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let id = file.strip_suffix(".atom");
    let id = id.ok_or_else(|| ApiError::not_found("feeds end in .atom"))?;
    let record = saved_searches::known(&state, id).await?;
    let filter = AlertFilter { search: Some(id.to_owned()), ..AlertFilter::default() };
    let alerts = state.archive.alerts(&filter, None, N_ENTRIES).await?.items;
    let base = base_url(&state, &headers);
    let newest = alerts.first().map_or(record.created_at, |it| it.created_at);
    let feed = Feed {
        id: format!("urn:harbinger:search:{id}"),
        name: legible(&record.search.name),
        query: legible(&record.search.query),
        updated: timestamp(newest),
        self_href: format!("{base}/feeds/{id}.atom"),
        page_href: format!("{base}/alerts?search={id}"),
        entries: alerts.iter().map(entry).collect(),
    };
    let xml = feed.render().map_err(ApiError::internal)?;
    Ok(etag::answer(&headers, "application/atom+xml; charset=utf-8", Bytes::from(xml)))
}

fn entry(alert: &AlertRecord) -> Entry {
    let quoted = |it: &String| (!it.is_empty()).then(|| format!("“{it}” "));
    let sentence = quoted(&alert.sentence)
        .or_else(|| alert.reasons.iter().find_map(|it| quoted(&it.sentence)))
        .unwrap_or_default();
    Entry {
        id: format!("urn:harbinger:alert:{}", alert.id),
        title: legible(&alert.title),
        href: legible(&alert.url),
        source: legible(&alert.source_name),
        published: timestamp(alert.dated_at),
        updated: timestamp(alert.created_at),
        summary: legible(&format!("{sentence}{}", why(alert))),
    }
}

/// An instant with as many decimals as it has.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Where this server is reached: as set, else as asked.
fn base_url(state: &AppState, headers: &HeaderMap) -> String {
    if let Some(url) = &state.config.settings.alerts.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let is_host = |it: &&str| {
        it.bytes().all(|c| c.is_ascii_alphanumeric() || b".-:[]".contains(&c)) && it.len() < 256
    };
    format!("http://{}", host.filter(is_host).unwrap_or("localhost"))
}

/// Without the characters that XML does not allow.
fn legible(text: &str) -> String {
    let is_allowed = |it: &char| matches!(it, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().filter(is_allowed).collect()
}
