//! What one document lists: a feed, a listing page or a JSON document.

use chrono::{DateTime, Utc};
use config::{Source, SourceKind};

use crate::article::Entry;
use crate::blocking::on_blocking_thread;
use crate::decode::decode;
use crate::failure::FailureClass;
use crate::feed::{self, FeedRhythm};
use crate::fetch::Page;
use crate::websub::{self, Announced};
use crate::{json_list, listing};

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// The entries that point to a page.
    pub(crate) entries: Vec<Entry>,
    /// When the document wants to be asked again.
    pub(crate) rhythm: FeedRhythm,
    /// The hub that tells of news.
    pub(crate) hub: Option<Announced>,
}

/// Reads `page` on a blocking thread, as the kind of `source` wants; a site is read as a feed.
///
/// The error is a class, and a sentence for people that names the address.
pub(crate) async fn read(
    source: &Source,
    page: &Page,
    now: DateTime<Utc>,
) -> Result<Read, (FailureClass, String)> {
    let (source, page) = (source.clone(), page.clone());
    let url = page.url.clone();
    let read = on_blocking_thread(move || read_now(&source, &page, now)).await;
    read.map_err(|broken| (FailureClass::Extractor, format!("{url}: {broken}")))?
}

fn read_now(
    source: &Source,
    page: &Page,
    now: DateTime<Utc>,
) -> Result<Read, (FailureClass, String)> {
    let content_type = page.content_type.as_deref();
    let failed = |class, reason: String| (class, format!("{}: {reason}", page.url));
    match source.kind() {
        SourceKind::Listing(rules) => {
            if page.body.iter().all(u8::is_ascii_whitespace) {
                return Err(failed(FailureClass::EmptyBody, "the page is empty".to_owned()));
            }
            let html = decode(&page.body, content_type).text;
            let entries = listing::entries(&html, &page.url, rules, &source.id, now);
            if entries.is_empty() {
                // A page that was rebuilt: its publisher's readers see entries, we do not.
                let reason = format!("no entry of the page is selected by `{}`", rules.item);
                return Err(failed(FailureClass::NotAFeed, reason));
            }
            Ok(Read { entries, ..Read::default() })
        }
        SourceKind::Json(rules) => {
            let entries = json_list::entries(&page.body, &page.url, rules, &source.id, now);
            let mut entries = entries.map_err(|it| failed(it.class(), it.to_string()))?;
            // Newest first, so that a limit leaves out old ones; undated ones come last.
            if entries.iter().any(|it| it.published_at.is_some()) {
                entries.sort_by_key(|it| std::cmp::Reverse(it.published_at));
            }
            Ok(Read { entries, ..Read::default() })
        }
        _ => {
            let parsed = feed::parse(&page.body, content_type, Some(page.url.as_str()));
            let parsed = parsed.map_err(|it| failed(it.class(), it.to_string()))?;
            Ok(Read {
                entries: feed::entries(&parsed, &source.id, &page.url, now),
                // A hub would learn what is read through a proxy, and from where.
                hub: websub::announced(&page.headers, &parsed, &page.url)
                    .filter(|_| source.proxy.is_none()),
                rhythm: parsed.rhythm,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_hub_learns_of_a_feed_that_is_read_through_a_proxy() {
        let feed = "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel>\
                    <atom:link rel='hub' href='https://hub.example/'/>\
                    <atom:link rel='self' href='https://a.example/feed'/></channel></rss>";
        let url = "https://a.example/feed".parse::<url::Url>().unwrap();
        let page = Page::at_hand(url.clone(), "text/xml", feed.into());
        let source = Source::new("a", url);
        let hub_of = |source: &Source| read_now(source, &page, DateTime::UNIX_EPOCH).unwrap().hub;
        assert_eq!(hub_of(&source).map(|it| it.hub).as_deref(), Some("https://hub.example/"));
        let proxy = Some("socks5h://127.0.0.1:9050".parse().unwrap());
        assert_eq!(hub_of(&Source { proxy, ..source }), None);
    }
}
