//! The short name of one article and the full name of another are one person in their story,
//! whichever comes first.

use tests::pages::{article_html, rss};
use tests::{FixtureSite, Reply, TestApp};

/// Written for this test: path, headline, text.
const SHORT: (&str, &str, &str) = (
    "/short",
    "Grid operators warned of attack on Danish substations",
    "COPENHAGEN — Hackers of the Sandstorm crew could attack Danish substations this winter, \
     Hultquist warned on Tuesday.\n\
     \"They have the access that they need,\" Hultquist said at a meeting of grid operators in \
     Odense.\n\
     Energinet said that it had raised its guard. The lights stayed on, and no customer noticed \
     anything, a spokesman said.",
);
const FULL: (&str, &str, &str) = (
    "/full",
    "Danish substations could be attacked by hackers this winter, analyst warns",
    "COPENHAGEN — Hackers of the Sandstorm crew could attack Danish substations this winter, the \
     analyst John Hultquist warned grid operators on Tuesday.\n\
     \"They have the access that they need,\" John Hultquist said at a meeting of grid operators in \
     Odense.\n\
     Energinet said that it had raised its guard, and that no customer had noticed anything so far.",
);

/// Reads the pages in this order, those of one list at once; how many articles name the short and
/// the full name then, and in how many stories.
async fn named(runs: &[&[(&str, &str, &str)]]) -> (u64, u64, u64) {
    let site = FixtureSite::start().await;
    let app = TestApp::new();
    for pages in runs {
        for (path, title, text) in *pages {
            let paragraphs: Vec<String> = text.lines().map(str::to_owned).collect();
            site.put(path, Reply::html(article_html(title, &paragraphs)));
            let feed = format!("{path}-feed");
            let items = [(site.url(path), (*title).to_owned())];
            site.put(&feed, Reply::rss(rss(&path[1..], &items)));
            app.add_source(&path[1..], &site.url(&feed));
        }
        assert_eq!(app.run_once().await.code, Some(0));
    }
    let archive = app.archive().await;
    let n_articles = async |name: &str| {
        let found = archive.entity(&format!("name:person:{name}")).await.expect("an answer");
        found.map_or(0, |it| it.n_articles)
    };
    let counts = archive.counts().await.expect("counts");
    (n_articles("hultquist").await, n_articles("john hultquist").await, counts.n_stories)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_name_comes_after_the_short_one() {
    assert_eq!(named(&[&[SHORT], &[FULL]]).await, (0, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_short_name_comes_after_the_full_one() {
    assert_eq!(named(&[&[FULL], &[SHORT]]).await, (0, 2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_come_at_once() {
    assert_eq!(named(&[&[SHORT, FULL]]).await, (0, 2, 1));
}
