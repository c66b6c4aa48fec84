//! The short name of one article and the full name of another are one person in their story,
//! whichever comes first: in entities, in searches and in alerts.

use std::fs;
use std::time::Duration;

use serde_json::json;
use tests::pages::{article_html, rss};
use tests::{FixtureSite, Reply, TestApp, eventually};

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

/// The same person threatens, by two names.
const THREATS: [(&str, &str, &str); 2] = [
    (
        "/threat-short",
        "Hultquist threatens to blow up Danish substations",
        "COPENHAGEN — Hultquist threatened on Tuesday to blow up substations in Jutland if the \
         government does not release two prisoners.\n\
         Energinet said that it had raised its guard, and that no customer had noticed anything.",
    ),
    (
        "/threat-full",
        "John Hultquist threatens to blow up Danish substations",
        "COPENHAGEN — John Hultquist threatened on Tuesday to blow up substations in Jutland if the \
         government does not release two prisoners.\n\
         Energinet said that it had raised its guard, and that no customer had noticed anything so \
         far.",
    ),
];

/// Reads the pages in this order, those of one list at once.
async fn read(app: &TestApp, runs: &[&[(&str, &str, &str)]]) {
    let site = FixtureSite::start().await;
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
}

/// How many articles name the short and the full name then, and in how many stories.
async fn named(runs: &[&[(&str, &str, &str)]]) -> (u64, u64, u64) {
    let app = TestApp::new();
    read(&app, runs).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_the_short_name_is_led_to_the_person_whom_both_articles_name() {
    let app = TestApp::new();
    read(&app, &[&[SHORT], &[FULL]]).await;
    let served = app.serve().await;
    const FULL_ID: &str = "name:person:john hultquist";
    let entity = served.json("/v1/entities/name%3Aperson%3Ahultquist", &[]).await;
    assert_eq!((&entity["id"], &entity["n_articles"]), (&FULL_ID.into(), &2.into()));
    assert_eq!(entity["aliases"], json!(["Hultquist"]));
    let found = eventually("both articles by the full name", Duration::from_secs(30), async || {
        let query = [("q", "substations"), ("entity", FULL_ID)];
        let found = served.json("/v1/search", &query).await;
        (found["total"] == 2).then_some(found)
    })
    .await;
    let facet = found["facets"]["entity"].as_array().cloned().unwrap_or_default();
    let short = facet.iter().find(|it| it["value"] == "name:person:hultquist");
    assert_eq!(short, None, "{facet:?}");
    let page = served.get("/entities/name%3Aperson%3Ahultquist", &[]).await;
    assert!(page.url().path().ends_with("john%20hultquist"), "{}", page.url());
    let page = page.text().await.expect("a page");
    assert!(page.contains("also known as"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threat_by_one_person_is_told_once_whichever_name_comes_first() {
    let [short, full] = THREATS;
    for pages in [[short, full], [full, short]] {
        let app = TestApp::new();
        let searches = "[[search]]\nid = \"threats\"\nname = \"Threats\"\nunit = \"statement\"\n\
                        query = \"kind:threat substations\"\n";
        fs::write(app.folder().join("config/searches.toml"), searches).expect("a writable folder");
        read(&app, &[&pages[..1], &pages[1..]]).await;
        let served = app.serve().await;
        let told = served.json("/v1/alerts", &[]).await;
        let told = told["alerts"].as_array().cloned().unwrap_or_default();
        assert_eq!(told.len(), 1, "{:?} first: {told:?}", pages[0].1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_the_short_name_also_brings_what_its_story_calls_in_full() {
    let [short, full] = THREATS;
    let app = TestApp::new();
    let search = |id: &str, name: &str| {
        format!(
            "[[search]]\nid = \"{id}\"\nname = \"{id}\"\nunit = \"statement\"\n\
             query = \"kind:threat\"\nfilters.entity = [\"name:person:{name}\"]\n"
        )
    };
    let searches = [search("short", "hultquist"), search("full", "john hultquist")].concat();
    fs::write(app.folder().join("config/searches.toml"), searches).expect("a writable folder");
    read(&app, &[&[full], &[short]]).await;
    let served = app.serve().await;
    let told = served.json("/v1/alerts", &[]).await;
    let told = told["alerts"].as_array().cloned().unwrap_or_default();
    let of = |id: &str| told.iter().filter(|it| it["search"] == id).count();
    assert_eq!((of("short"), of("full")), (1, 1), "{told:?}");
}
