//! The sample wire as the ingest crate reads it: found under its reserved name, every feed flavour
//! understood, every page layout read right.

use api::sample::{self, SampleSite, url_of};
use config::{Config, Source};
use ingest::Article;
use ingest::article::Entry;
use ingest::crawl::crawl_entry;
use ingest::fetch::{FetchSettings, Fetcher};
use ingest::poll::{PollResult, SourceState, poll_source};
use tests::pages::id_of;
use tokio_util::sync::CancellationToken;

/// Articles that may hold such words. One layout puts them into the article's own box, and general
/// extraction cannot tell them from text yet; better extraction lowers this.
const N_WITH_CHROME_MAX: usize = 9;

/// Words around the articles that are no part of them.
const CHROME: [&str; 9] = [
    "fictional article",
    "erfundener Artikel",
    "unsubscribe",
    "Most read",
    "We use no cookies",
    "Old Tram",
    "Webinar",
    "Tides at Gannet Rock",
    "Lesen Sie die Sundblick",
];

/// Polls every sample feed and crawls every entry; answers entries and articles by source.
async fn read_all() -> Vec<(Source, Vec<Entry>, Vec<Article>)> {
    let config = Config::builtin().expect("a sound configuration");
    let now = tests::now();
    let shutdown = CancellationToken::new();
    let (address, _task) = sample::serve(now, shutdown.clone()).await.expect("a free port");
    let host_overrides = [(sample::HOST.to_owned(), address)].into();
    let fetcher = Fetcher::new(FetchSettings { host_overrides, ..FetchSettings::default() });
    let fetcher = fetcher.expect("a client");
    let mut read = Vec::new();
    for source in config.sources.iter().filter(|it| it.sample) {
        let settings = &config.settings.poll;
        let polled = poll_source(&fetcher, source, &SourceState::default(), settings, now).await;
        assert!(matches!(polled.result, PollResult::Parsed { .. }), "{:?}", polled.result);
        let mut articles = Vec::new();
        for entry in &polled.entries {
            let crawled = crawl_entry(&fetcher, source, entry, 1_000_000, now).await;
            let crawled = crawled.unwrap_or_else(|error| panic!("{}: {error:?}", entry.url));
            articles.push(crawled.article);
        }
        read.push((source.clone(), polled.entries, articles));
    }
    shutdown.cancel();
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn every_layout_and_feed_flavour_of_the_sample_wire_is_read_right() {
    let read = read_all().await;
    let mut n_with_chrome = 0;
    let mut wrong = Vec::new();
    for written in &SampleSite::bundled().articles {
        let front = &written.front;
        let url = url_of(&written.path());
        let id = id_of(&url);
        let (source, entries, articles) =
            read.iter().find(|(it, ..)| it.id.as_str() == written.outlet).expect("its source");
        let Some(entry) = entries.iter().find(|it| it.id == id) else {
            wrong.push(format!("{url}: not in the feed"));
            continue;
        };
        let article = articles.iter().find(|it| it.id == id).expect("crawled");
        let shown = front.feed_title.as_ref().unwrap_or(&front.title);
        let mut check = |what: &str, is_right: bool| {
            if !is_right {
                wrong.push(format!("{url}: {what}"));
            }
        };
        check(&format!("feed titled {:?}", entry.title), entry.title.as_ref() == Some(shown));
        check(&format!("titled {:?}", article.title), article.title == front.title);
        check("no phrase", article.text.contains(&front.phrase));
        let language = article.language.as_deref();
        check(&format!("language {language:?}"), language == Some(&source.language));
        let age = article.published_at.map(|it| (tests::now() - it).num_minutes());
        let expected = i64::from(front.age_minutes);
        let is_dated = age.is_some_and(|it| (expected - 1..=expected + 5).contains(&it));
        check(&format!("published {:?}", article.published_at), is_dated);
        n_with_chrome += usize::from(CHROME.iter().any(|it| article.text.contains(it)));
        let first = written.source.split([' ', '{']).next().unwrap_or_default();
        check(&format!("begins with {:?}", article.text.get(..40)), article.text.contains(first));
        let last = written.source.lines().last().unwrap_or_default();
        if !last.contains('{') {
            check("the last paragraph is missing", article.text.contains(last));
        }
    }
    assert!(n_with_chrome <= N_WITH_CHROME_MAX, "{n_with_chrome} articles hold words of the page");
    assert!(wrong.is_empty(), "{} facts:\n{}", wrong.len(), wrong.join("\n"));
}
