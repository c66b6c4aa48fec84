//! Sources tried out: each address is asked for once, and what came is what is judged.

use std::time::Duration;

use config::Source;
use ingest::fetch::Fetcher;
use ingest::trial::{Trial, try_source};

use crate::fetch::settings;
use crate::poll::{now, source};
use crate::server::{Server, not_found, ok};

const FEED: &[u8] = b"<rss version='2.0'><channel><title>Desk</title>\
    <item><title>Grid warned</title><link>/grid</link></item></channel></rss>";

/// A site with a feed that it declares, one at a usual place, and one article.
async fn site() -> Server {
    Server::start(|path, _| match path {
        "/" => ok("text/html", b"<link rel=alternate type=application/rss+xml href=/wire.xml>"),
        "/wire.xml" | "/feed" => ok("application/rss+xml", FEED),
        "/grid" => {
            let text = "Operators were warned that attackers would try to reach control rooms. ";
            let page = format!("<article><h1>Grid warned</h1><p>{}</p></article>", text.repeat(9));
            ok("text/html", page.as_bytes())
        }
        _ => not_found(),
    })
    .await
}

async fn tried(source: &Source) -> Trial {
    let fetcher = Fetcher::new(settings()).unwrap();
    let source = Source { host_interval_ms: Some(0), ..source.clone() };
    let polling = config::Settings::default().poll;
    try_source(&fetcher, &source, &polling, now(), Duration::from_secs(20)).await
}

#[tokio::test]
async fn a_trial_asks_for_each_address_once() {
    let server = site().await;
    let trial = tried(&source(&server)).await;
    assert_eq!((trial.n_entries, trial.articles.len()), (1, 1), "{trial:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/feed", "/grid"]);

    let server = site().await;
    let url = Some(server.url("/").parse().unwrap());
    let trial = tried(&Source { feed_url: None, site_url: url, ..source(&server) }).await;
    assert_eq!(trial.address, Some(server.url("/wire.xml")), "{trial:?}");
    assert_eq!((trial.n_entries, trial.articles.len()), (1, 1), "{trial:?}");
    assert_eq!(server.paths(), ["/robots.txt", "/", "/wire.xml", "/grid"]);
}
