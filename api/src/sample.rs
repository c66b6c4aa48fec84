//! The sample wire: a small news site of invented outlets, served on loopback and crawled like any
//! other source, so that a first run shows something without internet.
//!
//! Reading order: [`content`] (what `api/sample/` holds), `text`, `page` and `feed` (rendering),
//! `respond` (conditional HTTP). Rendering is pure; only [`serve`] talks.
//!
//! Its pages are known under the reserved host [`HOST`], which no resolver knows (RFC 6761), and
//! not under the loopback address: the port changes with every start, and article ids are hashes
//! of URLs. The fetcher is told to reach [`HOST`] at the address that [`serve`] returns.

pub mod content;
mod feed;
mod page;
mod respond;
mod text;

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::warn;
use url::Url;

pub use content::{ContentError, Outlet, SampleArticle};
use respond::Resource;

/// The host of every sample URL.
pub const HOST: &str = config::SAMPLE_HOST;

/// Where the web page shows its own copy of the sample wire.
pub const LOCAL_PREFIX: &str = "/sample";

/// The content of the sample wire, without dates.
#[derive(Debug)]
pub struct SampleSite {
    /// The outlets, in the order of `outlets.toml`.
    pub outlets: Vec<Outlet>,
    /// All articles, newest first.
    pub articles: Vec<SampleArticle>,
}

impl SampleSite {
    /// The site that is bundled with the binary.
    pub fn bundled() -> &'static SampleSite {
        static SITE: LazyLock<SampleSite> = LazyLock::new(|| {
            SampleSite::load().expect("the embedded sample wire is well formed: a test reads it")
        });
        &SITE
    }

    /// Reads the embedded files.
    pub fn load() -> Result<SampleSite, ContentError> {
        let outlets = content::outlets()?;
        let articles = content::articles(&outlets)?;
        Ok(SampleSite { outlets, articles })
    }

    /// Serves the bundled site as it stood at `anchor`: its newest article is some minutes older.
    ///
    /// The router works at the root and nested below a prefix, since all links are relative.
    pub fn router(anchor: DateTime<Utc>) -> Router {
        let resources = Arc::new(SampleSite::bundled().render(anchor));
        Router::new().fallback(move |request: axum::extract::Request| {
            let resources = Arc::clone(&resources);
            async move { respond::respond(&resources, &request) }
        })
    }

    /// Renders everything that the site serves, by path.
    fn render(&self, anchor: DateTime<Utc>) -> BTreeMap<String, Resource> {
        let mut resources = BTreeMap::new();
        let oldest = anchor - TimeDelta::days(3);
        let fixed = |content_type, body: &str| Resource::new(content_type, body.into(), oldest);
        let style = include_str!("../sample/style.css");
        resources.insert("/style.css".to_owned(), fixed("text/css; charset=utf-8", style));
        let robots = "User-agent: *\nAllow: /\n";
        resources.insert("/robots.txt".to_owned(), fixed("text/plain; charset=utf-8", robots));
        resources.insert("/".to_owned(), page::front_page(self, oldest));
        for outlet in &self.outlets {
            let articles: Vec<&SampleArticle> =
                self.articles.iter().filter(|it| it.outlet == outlet.id).collect();
            resources.insert(feed_path(outlet), feed::feed(outlet, &articles, anchor));
            let contents = page::outlet_page(outlet, &articles, anchor);
            resources.insert(format!("/{}/", outlet.id), contents);
            for article in &articles {
                let page = page::article_page(outlet, article, &articles, anchor);
                resources.insert(article.path(), page);
            }
        }
        resources
    }
}

/// Path of the feed of `outlet`, with a leading slash.
pub fn feed_path(outlet: &Outlet) -> String {
    format!("/{}/{}", outlet.id, feed::file_name(outlet.feed))
}

/// The absolute, stable URL of a path of the sample site.
pub fn url_of(path: &str) -> String {
    format!("http://{HOST}{path}")
}

/// Where the web page's own copy of a page of the sample site is; `None` for any other URL.
pub fn local_path(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let path = &url[url::Position::BeforePath..];
    (url.host_str() == Some(HOST)).then(|| format!("{LOCAL_PREFIX}{path}"))
}

/// Serves the bundled site on a free port of 127.0.0.1 until `shutdown`.
///
/// Returns the address once connections are accepted, and the task to join after `shutdown`.
pub async fn serve(
    anchor: DateTime<Utc>,
    shutdown: CancellationToken,
) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let router = SampleSite::router(anchor);
    let task = tokio::spawn(async move {
        let served =
            axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned());
        if let Err(error) = served.await {
            warn!(%error, "the sample site stopped");
        }
    });
    Ok((address, task))
}

fn published_at(article: &SampleArticle, anchor: DateTime<Utc>) -> DateTime<Utc> {
    anchor - TimeDelta::minutes(article.front.age_minutes.into())
}

fn updated_at(article: &SampleArticle, anchor: DateTime<Utc>) -> Option<DateTime<Utc>> {
    article.front.updated_minutes.map(|it| anchor - TimeDelta::minutes(it.into()))
}

#[cfg(test)]
mod tests;
