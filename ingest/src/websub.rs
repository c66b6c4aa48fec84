//! Hubs that tell of news: what a feed announces (WebSub, W3C Recommendation of 23 January 2018,
//! section 4; also the older PubSubHubbub).

use serde::{Deserialize, Serialize};
use url::Url;

use crate::feed::ParsedFeed;

/// Longest address of a hub or topic, in bytes.
const ADDRESS_BYTES_MAX: usize = 2_000;
/// Links of a header that are looked at.
const N_LINKS_MAX: usize = 100;

/// A hub, and the address by which it knows the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Where to subscribe, http or https.
    pub hub: String,
    /// The feed's own address, http or https.
    pub topic: String,
}

/// The hub that a feed announces: in the headers of the answer, which stand before what the
/// document says; the first that is asked over https, or else the first, since no secret goes to a
/// hub in clear. `url` is where the feed was fetched. A hub without a topic is none.
pub fn announced(headers: &[(String, Vec<u8>)], feed: &ParsedFeed, url: &Url) -> Option<Announced> {
    let links = links(headers);
    let is_safe = |it: &str| it.starts_with("https:");
    let mut hubs = with_rel(&links, "hub").chain(&feed.hubs).filter_map(|it| address(it, url));
    let first = hubs.next()?;
    let hub = match is_safe(&first) {
        true => first,
        false => hubs.find(|it| is_safe(it)).unwrap_or(first),
    };
    let topic = with_rel(&links, "self").chain(&feed.topic).find_map(|it| address(it, url))?;
    Some(Announced { hub, topic })
}

fn with_rel<'a>(links: &'a [Link], rel: &'static str) -> impl Iterator<Item = &'a String> {
    let related = links.iter().filter(move |it| it.rels.iter().any(|it| it == rel));
    related.map(|it| &it.target)
}

fn address(written: &str, base: &Url) -> Option<String> {
    let url = base.join(written.trim()).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    (is_web && url.as_str().len() <= ADDRESS_BYTES_MAX).then(|| url.into())
}

/// A link of a `Link` header (RFC 8288).
struct Link {
    target: String,
    rels: Vec<String>,
}

fn links(headers: &[(String, Vec<u8>)]) -> Vec<Link> {
    let values = headers.iter().filter(|it| it.0 == "link");
    let texts = values.map(|it| String::from_utf8_lossy(&it.1).into_owned());
    let mut links = Vec::new();
    for text in texts {
        let mut rest = text.as_str();
        while links.len() < N_LINKS_MAX
            && let Some((link, after)) = next_link(rest)
        {
            links.push(link);
            rest = after;
        }
    }
    links
}

/// The next `<target>; name=value; …` and what follows its comma.
fn next_link(text: &str) -> Option<(Link, &str)> {
    let (target, mut rest) = text.split_once('<')?.1.split_once('>')?;
    let mut rels = Vec::new();
    loop {
        rest = rest.trim_start();
        let Some(parameter) = rest.strip_prefix(';') else { break };
        let name_end = parameter.find(['=', ';', ',']).unwrap_or(parameter.len());
        let name = parameter[..name_end].trim();
        rest = &parameter[name_end..];
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_at(value.find([';', ',']).unwrap_or(value.len())),
        };
        if name.eq_ignore_ascii_case("rel") {
            rels.extend(value.split_whitespace().map(str::to_ascii_lowercase));
        }
        rest = after;
    }
    Some((Link { target: target.to_owned(), rels }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed;

    fn url() -> Url {
        Url::parse("https://news.example/feed").unwrap()
    }

    fn headers(values: &[&str]) -> Vec<(String, Vec<u8>)> {
        values.iter().map(|it| ("link".to_owned(), it.as_bytes().to_vec())).collect()
    }

    fn parsed(document: &str) -> ParsedFeed {
        feed::parse(document.as_bytes(), None, Some(url().as_str())).unwrap()
    }

    #[test]
    fn headers_stand_before_the_document() {
        let atom = parsed(
            "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='hub' href='https://hub.example/'/>\
             <link rel='self' href='https://news.example/atom'/><title>News</title></feed>",
        );
        let found = announced(&[], &atom, &url()).unwrap();
        assert_eq!(found.hub, "https://hub.example/");
        assert_eq!(found.topic, "https://news.example/atom");

        let said = headers(&[
            "<https://cdn.example/style>; rel=preload; as=\"a,b;c\", </hub>; title=x; REL=\"Hub next\"",
            "</topic>;rel=self",
        ]);
        let found = announced(&said, &atom, &url()).unwrap();
        assert_eq!(found.hub, "https://news.example/hub");
        assert_eq!(found.topic, "https://news.example/topic");
    }

    #[test]
    fn a_hub_that_is_asked_over_https_stands_before_one_that_is_not() {
        let atom = parsed(
            "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='hub' href='http://old.example/'/>\
             <link rel='hub' href='https://hub.example/'/>\
             <link rel='self' href='https://news.example/atom'/><title>News</title></feed>",
        );
        assert_eq!(announced(&[], &atom, &url()).unwrap().hub, "https://hub.example/");
        let said = headers(&["<http://older.example/>; rel=hub"]);
        assert_eq!(announced(&said, &atom, &url()).unwrap().hub, "https://hub.example/");
        let said = headers(&["<https://first.example/>; rel=hub"]);
        assert_eq!(announced(&said, &atom, &url()).unwrap().hub, "https://first.example/");
        let said = headers(&["<http://only.example/>; rel=hub, </topic>; rel=self"]);
        let found = announced(&said, &ParsedFeed::default(), &url()).unwrap();
        assert_eq!(found.hub, "http://only.example/", "a source on an inner network may ask it");
    }

    #[test]
    fn rss_and_json_feeds_announce_hubs_too() {
        let rss = parsed(
            "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>News</title>\
             <atom:link rel='hub' href='https://hub.example/'/>\
             <atom:link rel='self' href='https://news.example/rss'/>\
             <item><link>https://news.example/1</link></item></channel></rss>",
        );
        assert_eq!(announced(&[], &rss, &url()).unwrap().topic, "https://news.example/rss");
        let json = parsed(
            r#"{"version": "https://jsonfeed.org/version/1.1", "title": "News", "items": [],
                "feed_url": "https://news.example/json",
                "hubs": [{"type": "WebSub", "url": "https://hub.example/"}]}"#,
        );
        assert_eq!(announced(&[], &json, &url()).unwrap().hub, "https://hub.example/");
    }

    #[test]
    fn what_is_no_web_address_or_no_link_announces_nothing() {
        let feed = ParsedFeed::default();
        for value in [
            "<javascript:alert(1)>; rel=hub, <https://a.example/>; rel=self",
            "<https://hub.example/>; rel=hub",
            "https://hub.example/; rel=hub",
            "<https://hub.example/; rel=hub",
            "<>; rel=\"hub",
            ";;;,,,<",
        ] {
            assert_eq!(announced(&headers(&[value]), &feed, &url()), None, "{value}");
        }
        let long = format!("<https://hub.example/{}>; rel=\"hub self\"", "x".repeat(3_000));
        assert_eq!(announced(&headers(&[&long]), &feed, &url()), None);
    }
}
