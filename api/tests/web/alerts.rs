//! Saved searches and alerts as programs and people use them; and who else may not.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;
use config::SavedSearch;
use index::archive::alerts::{Match, MatchItem};
use index::archive::searches::Expect;
use index::matching::Reason;
use serde_json::{Value, json};

use crate::newsroom::{Answer, Draft, FRONT, Newsroom, now};
use crate::pages::Page;

async fn send(newsroom: &Newsroom, method: &str, path: &str, body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    newsroom.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn submit(newsroom: &Newsroom, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(path).header("accept", "text/html");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    newsroom.ask(request.body(Body::from(body)).expect("a request")).await
}

/// Saves a search and lets it fire once; returns the alert's id.
pub(crate) async fn raise(newsroom: &Newsroom, title: &str) -> String {
    let archive = &newsroom.state.archive;
    let search = SavedSearch { name: "Grid watch".to_owned(), ..SavedSearch::new("grid", "grid") };
    archive.save_search(&search, Expect::New, now()).await.expect("a saved search");
    let draft = Draft::new("meridian", "fired", 1, title, "The grid of Port Ravel went down.");
    let article = &draft.article;
    archive.record_article(article, None).await.expect("an article");
    let reason = Reason {
        clause: "grid".to_owned(),
        alias: "grid".to_owned(),
        sentence: "The grid of Port Ravel went down.".to_owned(),
    };
    let item = MatchItem {
        place: String::new(),
        sentence: String::new(),
        reasons: vec![reason],
        claims: Vec::new(),
    };
    let matched = Match {
        search,
        search_created_at: now(),
        article: article.id,
        title: article.title.clone(),
        url: article.url.to_string(),
        source: article.source.clone(),
        source_name: "Meridian Wire".to_owned(),
        dated_at: now(),
        items: vec![item],
    };
    let batch = [draft.correlated()];
    let recorded = archive.record_annotations_and_alerts(&batch, &[matched], now()).await;
    recorded.expect("an alert").alerts.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_search_is_made_changed_and_deleted() {
    let newsroom = Newsroom::open().await;
    let mut search = json!({ "id": "front", "name": "The Front", "query": "actor:front" });
    let made = send(&newsroom, "POST", "/v1/saved-searches", &search).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.json()["feed"], "/feeds/front.atom");
    let again = send(&newsroom, "POST", "/v1/saved-searches", &search).await;
    assert_eq!((again.status.as_u16(), &again.json()["error"]["code"]), (409, &json!("conflict")));

    search["unit"] = json!("statement");
    let changed = send(&newsroom, "PUT", "/v1/saved-searches/front", &search).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let listed = newsroom.get("/v1/saved-searches").await.json();
    assert_eq!(listed["saved_searches"][0]["unit"], "statement");

    let wrong = json!({ "id": "x", "name": "x", "query": "acter:front", "unit": "murmur" });
    let refused = send(&newsroom, "POST", "/v1/saved-searches", &wrong).await;
    assert_eq!(refused.status, 422);
    let message = refused.json()["error"]["message"].to_string();
    assert!(message.contains("acter") && message.contains("`unit`"), "all at once: {message}");

    let delete = async || send(&newsroom, "DELETE", "/v1/saved-searches/front", &json!({})).await;
    assert_eq!(delete().await.status, 204);
    assert_eq!(delete().await.status, 404);
    let restore = async || {
        let path = "/v1/saved-searches/front/restore";
        send(&newsroom, "POST", path, &json!({})).await
    };
    let back = restore().await;
    assert_eq!((back.status.as_u16(), &back.json()["unit"]), (200, &json!("statement")));
    assert_eq!(restore().await.status, 409, "it is back already");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_offers_a_deleted_search_back_without_a_script() {
    let newsroom = Newsroom::open().await;
    let search = json!({ "id": "front", "name": "The <b>Front</b>", "query": "actor:front" });
    assert_eq!(send(&newsroom, "POST", "/v1/saved-searches", &search).await.status, 201);
    let post = async |path: &str| {
        let request = Request::post(path).body(Body::empty()).expect("a request");
        newsroom.ask(request).await
    };
    let deleted = post("/alerts/searches/front/delete").await;
    assert_eq!(deleted.header("location"), "/alerts?deleted=front");
    let page = Page::of(&newsroom.browse("/alerts?deleted=front").await.body);
    let said = page.texts("[role=status]").remove(0);
    assert!(said.starts_with("Deleted The <b>Front</b> · Undo"), "{said}");
    assert!(page.texts(".searches li").is_empty());
    let way_back = page.attributes("[role=status] form", "action").remove(0);
    let restored = post(&way_back).await;
    assert_eq!(restored.header("location"), "/alerts?state=all&search=front");
    let page = Page::of(&newsroom.browse("/alerts?deleted=front").await.body);
    assert_eq!(page.texts(".searches li").len(), 1);
    assert!(page.texts("[role=status]").is_empty(), "nothing is left to take back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_counts_what_the_search_box_finds() {
    let newsroom = Newsroom::open().await;
    let found = newsroom.get(&format!("/v1/search?q=actor:%22{}%22", FRONT.0)).await.json();
    let search = json!({ "query": format!("actor:\"{}\"", FRONT.0), "unit": "article" });
    let tested = send(&newsroom, "POST", "/v1/saved-searches/backtest", &search).await;
    assert_eq!(tested.status, 200, "{}", tested.body);
    let tested = tested.json();
    assert_eq!(tested["would_fire"], found["total"]);
    assert!(tested["would_fire"].as_u64().is_some_and(|it| 1 < it), "{tested}");
    let stories = json!({ "query": search["query"], "unit": "story" });
    let stories = send(&newsroom, "POST", "/v1/saved-searches/backtest", &stories).await.json();
    assert_eq!(stories["would_fire"], tested["n_stories"], "one alert a story");
    assert!(tested["summary"].as_str().is_some_and(|it| it.contains("in 90 days")), "{tested}");
    let saved = newsroom.get("/v1/saved-searches").await.json();
    assert_eq!(saved["saved_searches"], json!([]), "nothing is saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_leaves_out_what_was_fetched_late_unless_the_search_asks_for_it() {
    let draft = |slug: &str| Draft::new("meridian", slug, 400, "Grid fails", "The grid is down.");
    let mut late = draft("late");
    late.article.fetched_at += TimeDelta::days(10);
    let newsroom = Newsroom::with(vec![draft("fresh"), late]).await;
    for (backfill, would_fire) in [(false, 1), (true, 2)] {
        for unit in ["article", "story"] {
            let search = json!({ "query": "grid", "unit": unit, "backfill": backfill });
            let tested = send(&newsroom, "POST", "/v1/saved-searches/backtest", &search).await;
            let tested = tested.json();
            assert_eq!(tested["would_fire"], would_fire, "{unit}: {tested}");
            assert_eq!(tested["n_articles"], 2, "{tested}");
        }
    }
}

/// Asks for a back-test that tells how far it is.
fn watched(path: &str, content_type: &str, body: String) -> Request<Body> {
    let request = Request::post(path).header("accept", "application/x-ndjson, text/html");
    request.header("content-type", content_type).body(Body::from(body)).expect("a request")
}

fn lines_of(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    answer.body.lines().map(|it| serde_json::from_str(it).expect("a line of JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_tells_how_far_it_is_and_then_answers_as_always() {
    let newsroom = Newsroom::open().await;
    let path = "/v1/saved-searches/backtest";
    let search = json!({ "query": "", "unit": "statement" });
    let answer = newsroom.ask(watched(path, "application/json", search.to_string())).await;
    let mut lines = lines_of(&answer);
    let last = lines.pop().expect("an answer");
    assert_eq!(last, send(&newsroom, "POST", path, &search).await.json());
    assert!(2 <= lines.len(), "{lines:?}");
    let mut n_before = 0;
    for line in &lines {
        let of = |name: &str| line[name].as_u64().unwrap_or_else(|| panic!("{line}"));
        assert!(n_before <= of("n_done") && of("n_done") <= of("n_total"), "{lines:?}");
        n_before = of("n_done");
    }

    let form = "name=The+Front&query=actor%3Afront&unit=story".to_owned();
    let form = watched("/alerts/searches/test", "application/x-www-form-urlencoded", form);
    let last = lines_of(&newsroom.ask(form).await).pop().expect("an answer");
    let part = Page::of(last["html"].as_str().expect("a part of the page"));
    assert!(part.texts("#tested strong")[0].contains("in 90 days"), "{last}");
}

/// The fields of the form on `page` that say what to look for.
fn asked_on(page: &Page) -> Vec<(String, String)> {
    let inputs =
        ["query", "further", "actor", "target", "domain", "source", "language", "entity", "author"];
    let mut fields = Vec::new();
    let mut take = |name: &str, selector: String| {
        let values = page.attributes(&selector, "value");
        fields.extend(values.into_iter().map(|it| (name.to_owned(), it)));
    };
    for name in inputs {
        take(name, format!("form.form input[name={name}]"));
    }
    take("kind", "input[name=kind][checked]".to_owned());
    take("sector", "select[name=sector] option[selected]".to_owned());
    fields
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_is_saved_as_alert_finds_what_its_page_finds() {
    let newsroom = Newsroom::open().await;
    let searches = [
        "actor=group:northern-front&actor=group:glass-spider",
        "q=pumps+OR+harvest&source=harbour-post",
        "q=pumps+OR+harvest&source=harbour-post&source=lindahl-courier",
        "target=name:location:kestrel+strait&kind=threat&language=fr&sector=/energy",
    ];
    for (n, asked) in searches.into_iter().enumerate() {
        let found = newsroom.get(&format!("/v1/search?{asked}")).await.json();
        assert!(found["total"].as_u64().is_some_and(|it| 0 < it), "{asked} finds nothing");
        let form = newsroom.browse(&format!("/alerts/searches/new?{asked}")).await;
        let mut fields = asked_on(&Page::of(&form.body));
        fields.push(("name".to_owned(), format!("Search {n}")));
        fields.push(("unit".to_owned(), "article".to_owned()));
        let fields: Vec<(&str, &str)> = fields.iter().map(|it| (&*it.0, &*it.1)).collect();
        let saved = submit(&newsroom, "/alerts/searches", &fields).await;
        assert_eq!(saved.status, 303, "{asked}: {}", saved.body);
        let path = format!("/v1/saved-searches/search-{n}/backtest");
        let tested = send(&newsroom, "POST", &path, &json!({})).await.json();
        assert_eq!(tested["would_fire"], found["total"], "{asked}: {tested}");
    }
    let page = newsroom.browse("/alerts/searches/new?q=grid&from=2026-01-01&day=2026-01-11").await;
    let said = Page::of(&page.body).texts("p.note[role=status]").remove(0);
    assert!(said.contains("from: 2026-01-01") && said.contains("day: 2026-01-11"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn further_filters_of_a_saved_search_stay_until_they_are_unticked() {
    let newsroom = Newsroom::open().await;
    let filters = json!({ "source": ["meridian", "evil"] });
    let search = json!({ "id": "front", "name": "Front", "query": "front", "filters": filters });
    assert_eq!(send(&newsroom, "POST", "/v1/saved-searches", &search).await.status, 201);
    let path = "/alerts/searches/front";
    let fields = [("name", "Front"), ("query", "front"), ("unit", "story")];
    for (more, left) in [
        (&[] as &[(&str, &str)], json!(["meridian", "evil"])),
        (&[("further", "1"), ("source", "evil")][..], json!(["evil"])),
        (&[("further", "1")][..], json!([])),
    ] {
        let saved = submit(&newsroom, path, &[&fields[..], more].concat()).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        let kept = newsroom.get("/v1/saved-searches/front").await.json();
        assert_eq!(kept["filters"]["source"], left);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_tries_saves_and_shows_what_is_wrong() {
    let newsroom = Newsroom::open().await;
    let fields = [("name", "The Front"), ("query", "actor:front"), ("unit", "story")];
    let tried = submit(&newsroom, "/alerts/searches/test", &fields).await;
    assert_eq!(tried.status, 200, "{}", tried.body);
    let page = Page::of(&tried.body);
    assert!(page.texts(".tested strong")[0].contains("in 90 days"), "{:?}", page.texts(".tested"));
    let known = newsroom.get("/v1/saved-searches").await.json();
    assert_eq!(known["saved_searches"], json!([]), "trying saves nothing");

    let fields = [&fields[..], &[("enabled", "1")]].concat();
    let saved = submit(&newsroom, "/alerts/searches", &fields).await;
    let to = saved.header("location").to_owned();
    assert_eq!((saved.status.as_u16(), to.as_str()), (303, "/alerts?state=all&search=the-front"));
    let page = Page::of(&newsroom.browse("/alerts/searches/the-front").await.body);
    assert_eq!(page.attributes("input[name=query]", "value"), ["actor:front"]);

    // A name that would be an address of its own.
    let fields = [("name", "New"), ("query", "actor:front"), ("unit", "story")];
    let saved = submit(&newsroom, "/alerts/searches", &fields).await;
    assert_eq!(saved.header("location"), "/alerts?state=all&search=new-2", "{}", saved.body);
    let reserved = json!({ "id": "backtest", "name": "B", "query": "front" });
    let refused = send(&newsroom, "POST", "/v1/saved-searches", &reserved).await;
    assert_eq!(refused.status, 422, "{}", refused.body);
    assert!(refused.body.contains("`backtest` is reserved"), "{}", refused.body);

    let wrong = [("name", "<b>Bad</b>"), ("query", "actor:(")];
    let wrong = submit(&newsroom, "/alerts/searches", &wrong).await;
    assert_eq!(wrong.status, 422);
    let page = Page::of(&wrong.body);
    assert!(!page.texts(".oops").is_empty(), "the mistake is shown");
    assert_eq!(
        page.attributes("input[name=name]", "value"),
        ["<b>Bad</b>"],
        "nothing typed is lost"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_stands_in_the_inbox_with_its_reason_until_it_is_handled() {
    let newsroom = Newsroom::open().await;
    let id = raise(&newsroom, "Port Ravel goes dark").await;
    let page = Page::of(&newsroom.browse("/alerts").await.body);
    assert_eq!(page.texts(".alert").len(), 1);
    assert_eq!(page.attributes("[data-new][hidden]", "data-new"), ["alert"], "it can tell of more");
    let text = page.texts(".alert").remove(0);
    for part in ["Grid watch", "Port Ravel goes dark", "The grid of Port Ravel went down."] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let today = Page::of(&newsroom.browse("/").await.body);
    let nav = today.texts("nav a[href=\"/alerts\"]").remove(0);
    assert!(nav.contains('1'), "the new alert is counted in the navigation: {nav}");
    let watched = today.texts("a[href=\"/alerts?search=grid\"]");
    assert_eq!(watched, ["Grid watch"]);
    assert_eq!(today.texts(".side .badge"), ["1 new"], "today tells what is new in it");

    let path = format!("/v1/alerts/{id}");
    let change = json!({ "state": "escalated", "note": "call them", "assignee": "ana" });
    let edited = send(&newsroom, "PATCH", &path, &change).await;
    assert_eq!(edited.status, 200, "{}", edited.body);
    let listed = newsroom.get("/v1/alerts?state=escalated&assignee=ana").await.json();
    assert_eq!((&listed["alerts"][0]["note"], &listed["n_new"]), (&json!("call them"), &json!(0)));
    assert!(Page::of(&newsroom.browse("/alerts").await.body).texts(".alert").is_empty());

    let done = submit(&newsroom, &format!("/alerts/{id}"), &[("state", "dismissed")]).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let alert = newsroom.get(&path).await.json();
    assert_eq!((&alert["state"], &alert["note"]), (&json!("dismissed"), &json!("call them")));
    let bad = send(&newsroom, "PATCH", &path, &json!({ "state": "eaten" })).await;
    assert_eq!(bad.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_of_a_saved_search_is_well_formed_whatever_a_headline_says() {
    let newsroom = Newsroom::open().await;
    raise(&newsroom, "<script>alert(1)</script> & \u{1}\"dark\"").await;
    let answer = newsroom.get("/feeds/grid.atom").await;
    assert_eq!(answer.header("content-type"), "application/atom+xml; charset=utf-8");
    let feed = ingest::feed::parse(answer.body.as_bytes(), None, None);
    let feed = feed.expect("a feed that our own parser reads");
    assert_eq!(feed.entries.len(), 1);
    assert!(!answer.body.contains("<script>") && !answer.body.contains('\u{1}'), "{}", answer.body);
    assert_eq!(newsroom.get("/feeds/none.atom").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_of_a_saved_search_is_read_back_without_loss() {
    let newsroom = Newsroom::open().await;
    let title = "Port <b>Ravel</b> & “Öl”: 5 < 6, &amp; \"all\" 'out' ]]> 電力 🛢";
    let id = raise(&newsroom, title).await;
    let alert = newsroom.state.archive.alert(&id).await.expect("readable").expect("an alert");
    let body = newsroom.get("/feeds/grid.atom").await.body;
    let address = "http://localhost/feeds/grid.atom";
    let feed = ingest::feed::parse(body.as_bytes(), Some("application/atom+xml"), Some(address));
    let feed = feed.expect("a feed that our own parser reads");
    assert_eq!(feed.title.as_deref(), Some("Grid watch"));
    assert_eq!(feed.description.as_deref(), Some("grid"));
    assert_eq!(feed.link.as_deref(), Some("http://localhost/alerts?search=grid"));
    assert_eq!(feed.updated, Some(alert.created_at));
    let [entry] = &feed.entries[..] else { panic!("{:?}", feed.entries) };
    assert_eq!(entry.id, Some(format!("urn:harbinger:alert:{id}")));
    assert_eq!(entry.title.as_deref(), Some(title));
    assert_eq!(entry.link.as_deref(), Some("https://meridian.example/fired"));
    assert_eq!((entry.published, entry.updated), (Some(alert.dated_at), Some(alert.created_at)));
    assert_eq!(entry.authors, ["Meridian Wire"]);
    let summary = "“The grid of Port Ravel went down.” because of grid";
    assert_eq!(entry.summary.as_deref(), Some(summary));

    // Another Harbinger that polls this one gets the article under its own address.
    let address = address.parse().expect("a URL");
    let entries = ingest::feed::entries(&feed, &"other".into(), &address, now());
    assert_eq!(entries[0].id, alert.article);
    assert_eq!(entries[0].title.as_deref(), Some(title));
    assert_eq!(
        (entries[0].published_at, entries[0].summary.as_deref()),
        (Some(alert.dated_at), Some(summary))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_other_sites_change_nothing_and_read_nothing() {
    let newsroom = Newsroom::open().await;
    let id = raise(&newsroom, "Port Ravel goes dark").await;
    let ask = async |method: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = newsroom.ask(request.body(Body::empty()).expect("a request")).await;
        (answer.status.as_u16(), answer.json()["error"]["code"].clone())
    };
    let refused = (403, json!("cross_site"));
    for path in [
        format!("/alerts/{id}"),
        "/alerts/searches".to_owned(),
        "/v1/deliveries/x/retry".to_owned(),
    ] {
        for headers in [
            &[("host", "localhost:8321"), ("sec-fetch-site", "cross-site")][..],
            &[("host", "localhost:8321"), ("origin", "https://evil.example")],
            &[("host", "localhost:8321"), ("origin", "null")],
        ] {
            assert_eq!(ask("POST", &path, headers).await, refused, "{path} {headers:?}");
        }
    }
    for host in ["rebound.example", "127.0.0.1.evil.example", "192.0.2.1:8321"] {
        assert_eq!(ask("GET", "/v1/alerts", &[("host", host)]).await, refused, "{host}");
    }
    for host in ["localhost:8321", "127.0.0.1:8321", "[::1]:8321"] {
        assert_eq!(ask("GET", "/v1/alerts", &[("host", host)]).await.0, 200, "{host}");
    }
    let own = [("host", "127.0.0.1:8321"), ("origin", "http://127.0.0.1:8321")];
    assert_eq!(ask("POST", "/v1/deliveries/x/retry", &own).await.0, 404, "let through, none there");
}
