//! From real pages and feeds to search: nothing lost, nothing twice, nothing asked for again.

use std::collections::BTreeMap;
use std::path::Path;

use api::sample::{SampleSite, url_of};
use index::search::SearchResponse;
use index::{SearchIndex, SearchRequest};
use tests::pages::id_of;
use tests::real::{self, RealPage};
use tests::{FixtureSite, Reply, TestApp, pages, skipped};

/// Words of a text that are searched as a phrase.
const N_PHRASE_WORDS: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn real_pages_are_archived_once_found_by_their_words_and_not_fetched_again() {
    let Some(shared) = real::shared() else {
        return skipped("../shared is absent; the sample wire serves the same test");
    };
    let site = FixtureSite::start().await;
    // Reading the start of each text is enough here: what counts is that nothing is lost. All of the
    // text is archived and searched.
    let app = TestApp::new().set("poll.n_entries_max", "5000").set("nlp.text_chars_max", "1000");
    let pages = real::article_pages(&shared);
    let expected = publish_pages(&site, &pages);
    app.add_source("articles-2026", &site.url("/articles-2026.xml"));
    let n_feeds = publish_feeds(&site, &shared, &app);

    let first = app.run_once().await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let counts = first.json();
    let n_polled = count(&counts, "n_polls") + count(&counts, "n_polls_failed");
    assert_eq!(n_polled, 1 + n_feeds, "{counts}");
    assert_eq!(count(&counts, "n_entries_failed"), 0, "{counts} {}", failures(&first.stderr));
    check_each_is_there_once(&app, &expected).await;
    for path in expected.values() {
        assert_eq!(site.n_sent_whole(path), 1, "{path}");
    }

    let n_sent = site.n_sent_whole_in_all();
    let second = app.run_once().await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    assert_eq!(count(&second.json(), "n_articles"), 0);
    assert_eq!(site.n_sent_whole_in_all(), n_sent, "the second run fetched something anew");
    check_each_is_there_once(&app, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_wire_is_archived_once_found_by_its_words_and_not_fetched_again() {
    let app = TestApp::new().with_sample_wire();
    let site = SampleSite::bundled();
    let expected: BTreeMap<String, String> =
        site.articles.iter().map(|it| (url_of(&it.path()), it.path())).collect();

    let first = app.run_once().await;
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let counts = first.json();
    assert_eq!(count(&counts, "n_polls"), site.outlets.len() as u64, "{counts}");
    assert_eq!(count(&counts, "n_articles"), site.articles.len() as u64, "{counts}");
    assert!(0 < count(&counts, "n_statements"), "{counts}");
    check_each_is_there_once(&app, &expected).await;

    let second = app.run_once().await;
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    let counts = second.json();
    assert_eq!((count(&counts, "n_entries_new"), count(&counts, "n_articles")), (0, 0), "{counts}");
    check_each_is_there_once(&app, &expected).await;
}

fn count(counts: &serde_json::Value, name: &str) -> u64 {
    counts[name].as_u64().unwrap_or_else(|| panic!("no {name} in {counts}"))
}

/// The lines of a log that tell of entries given up.
fn failures(log: &str) -> String {
    log.lines().filter(|it| it.contains("\"WARN\"")).collect::<Vec<_>>().join("\n")
}

/// Puts the pages and one feed over all of them on the site; answers their URLs and paths.
fn publish_pages(site: &FixtureSite, pages: &[RealPage]) -> BTreeMap<String, String> {
    let mut items = Vec::new();
    let mut expected = BTreeMap::new();
    for page in pages {
        let path = format!("/articles-2026/{}", page.id);
        site.put(&path, Reply::html(page.html.clone()));
        items.push((site.url(&path), page.title.clone()));
        expected.insert(site.url(&path), path);
    }
    site.put("/articles-2026.xml", Reply::rss(pages::rss("Articles of 2025 and 2026", &items)));
    expected
}

/// Puts the real feeds on the site, and a short article at each address that they name.
fn publish_feeds(site: &FixtureSite, shared: &Path, app: &TestApp) -> u64 {
    site.put_everywhere_below("/real/", page_for);
    // Two feeds name their pages by paths from the root of their site: `/2025/03/06/…`, `/notes/…`.
    site.put_everywhere_below("/20", page_for);
    site.put_everywhere_below("/notes/", page_for);
    let feeds = real::feeds_linking_to(shared, &site.url("/real"));
    for (n, (name, bytes)) in feeds.iter().enumerate() {
        let path = format!("/feeds/{name}");
        site.put(&path, Reply::new("application/xml", bytes.clone()));
        app.add_source(&format!("real-{n}"), &site.url(&path));
    }
    feeds.len() as u64
}

fn page_for(path: &str) -> Reply {
    let words = path.replace(|it: char| !it.is_ascii_alphanumeric(), " ");
    let made_up = pages::MadeUp::article(tests::site::hash(path));
    let text = vec![format!("This page stands for {words}."), made_up.paragraphs[0].clone()];
    Reply::html(pages::article_html(&made_up.title, &text))
}

/// Checks that `expected` and whatever else was crawled is archived and indexed exactly once, and
/// that each article of `expected` is found by words of its own text.
async fn check_each_is_there_once(app: &TestApp, expected: &BTreeMap<String, String>) {
    let archive = app.archive().await;
    let counts = archive.counts().await.expect("counts");
    assert_eq!(counts.n_articles, counts.n_entries_done, "{counts:?}");
    assert_eq!(counts.n_unannotated, 0, "{counts:?}");
    assert!(expected.len() as u64 <= counts.n_articles, "{counts:?}");
    let index = SearchIndex::open_read_only(&app.data_dir().join("index"), BTreeMap::new());
    let index = index.expect("an index");
    let everything = search(&index, "", 1);
    assert_eq!(everything.total, counts.n_articles, "index and archive differ");

    let mut missing = Vec::new();
    for url in expected.keys() {
        let id = id_of(url);
        let Some(stored) = archive.article(&id).await.expect("the archive can be read") else {
            missing.push(format!("{url} is not archived"));
            continue;
        };
        let Some(phrase) = phrase(&stored.article.text) else {
            let start: String = stored.article.text.chars().take(200).collect();
            missing.push(format!("{url} has no {N_PHRASE_WORDS} plain words: {start:?}"));
            continue;
        };
        let found = search(&index, &format!("\"{phrase}\""), 100);
        let n_found = found.hits.iter().filter(|it| it.id == id.to_string()).count();
        if n_found != 1 {
            missing.push(format!("{url} is found {n_found} times by \"{phrase}\""));
        }
    }
    archive.close().await;
    assert!(missing.is_empty(), "{} articles:\n{}", missing.len(), missing.join("\n"));
}

fn search(index: &SearchIndex, query: &str, limit: usize) -> SearchResponse {
    let request = SearchRequest { q: query.to_owned(), limit, ..SearchRequest::default() };
    index.search(&request, tests::now()).unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Plain words in a row, so that they can stand in quotes: the middle ones of the longest line that
/// has some. The longest line of all may be code or an address.
fn phrase(text: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_by_key(|it| std::cmp::Reverse(it.len()));
    let is_plain = |word: &&str| word.chars().all(char::is_alphanumeric);
    lines.into_iter().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // A language without spaces has lines of one word.
        let runs = words.windows(N_PHRASE_WORDS.min(words.len()).max(1));
        let runs: Vec<_> = runs.filter(|run| run.iter().all(is_plain)).collect();
        runs.get(runs.len() / 2).map(|run| run.join(" "))
    })
}
