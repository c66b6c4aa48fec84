//! Sources as a new user meets them: a site's address, a test, articles, health, a list for another
//! installation; and sources that come and go while the server runs.

use std::time::Duration;

use serde_json::{Value, json};
use tests::pages::{article_html, rss};
use tests::{FixtureSite, Reply, Served, TestApp, eventually};

fn article(title: &str) -> Reply {
    let text = "Operators of the grid were warned on Monday that attackers would try to reach control rooms.";
    Reply::html(article_html(title, &vec![text.to_owned(); 6]))
}

/// A publisher with a start page, a feed of two articles and a sitemap.
async fn publisher() -> FixtureSite {
    let site = FixtureSite::start().await;
    site.put(
        "/",
        Reply::html("<html lang=en><title>Desk</title><link rel=alternate type=application/rss+xml href=/feed.xml>"),
    );
    let items = [("/0", "Grid warned"), ("/1", "Port warned")];
    for (path, title) in items {
        site.put(path, article(title));
    }
    let items = items.map(|(path, title)| (site.url(path), title.to_owned()));
    site.put("/feed.xml", Reply::rss(rss("The Desk", &items)));
    site
}

fn installation() -> TestApp {
    TestApp::new().set("fetch.added_private_addresses", "true")
}

fn listed(sources: &Value, id: &str) -> Value {
    let all = sources["sources"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|it| it["id"] == id).unwrap_or(Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_address_to_articles_to_another_installation() {
    let site = publisher().await;
    let app = installation();
    // A file without sources, so that the built-in ones are left out.
    std::fs::write(app.folder().join("config/sources/none.toml"), "").expect("a writable folder");

    let tried = app.run(&["sources", "test", &site.url("/")]).await;
    assert_eq!(tried.code, Some(0), "{tried:?}");
    for part in ["ok    robots", "discover", "2 entries", "Grid warned", "usable: "] {
        assert!(tried.stdout.contains(part), "{part}: {}", tried.stdout);
    }
    let refused = TestApp::new().run(&["sources", "test", &site.url("/")]).await;
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("sources test --private"), "{refused:?}");
    let bare = FixtureSite::start().await;
    bare.put("/", Reply::html("<title>Bare</title><p>Nothing to read here."));
    let nothing = app.run(&["sources", "test", &bare.url("/"), "--json"]).await;
    assert_eq!((nothing.code, nothing.json()["verdict"].as_str()), (Some(1), Some("unusable")));

    let added = app.run(&["sources", "add", &site.url("/")]).await;
    assert_eq!(added.code, Some(0), "{added:?}");
    let run = app.run_once().await;
    assert_eq!(run.json()["n_articles"], 2, "{run:?}");
    assert_eq!(app.search(&["control rooms"]).await["total"], 2);
    let source = listed(&app.run(&["sources", "list", "--json"]).await.json(), "the-desk");
    assert_eq!(
        (&source["standing"], &source["n_articles"]),
        (&json!("well"), &json!(2)),
        "{source}"
    );
    assert_eq!(source["quality"]["readable"], 1.0);

    let list = app.folder().join("list.opml").display().to_string();
    assert_eq!(app.run(&["export-opml", "-o", &list]).await.code, Some(0));
    let other = installation();
    std::fs::write(other.folder().join("config/sources/none.toml"), "").expect("a writable folder");
    let imported = other.run(&["import-opml", &list]).await;
    assert!(imported.stdout.contains("1 added, 0 known already, 0 left out"), "{imported:?}");
    assert_eq!(other.run_once().await.json()["n_articles"], 2);
    let again = other.run(&["export-opml"]).await;
    let before = std::fs::read_to_string(&list).expect("the list");
    assert_eq!(again.stdout.trim_end(), before.trim_end());
    let removed = other.run(&["sources", "remove", "the-desk"]).await;
    assert_eq!(removed.code, Some(0), "{removed:?}");
}

async fn send(served: &Served, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let method = method.parse().expect("a method");
    let answer = client.request(method, served.url(path)).json(body).send().await;
    let answer = answer.expect("an answer");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_added_while_the_server_runs_is_read_until_it_is_paused() {
    let site = publisher().await;
    let app = installation().set("poll.interval_min_minutes", "1");
    std::fs::write(app.folder().join("config/sources/none.toml"), "").expect("a writable folder");
    let served = app.serve().await;
    let body = json!({"feed_url": site.url("/feed.xml"), "id": "desk", "host_interval_ms": 0});
    let (status, source) = send(&served, "POST", "/v1/sources", &body).await;
    assert_eq!(status, 201, "{source}");
    eventually("both articles are searchable", Duration::from_secs(120), async || {
        let found = served.json("/v1/search", &[("q", "control rooms")]).await;
        (found["total"] == 2).then_some(())
    })
    .await;
    let sources = served.json("/v1/sources", &[]).await;
    assert_eq!(listed(&sources, "desk")["standing"], "well", "{sources}");
    assert_eq!(sources["standing"]["well"], 1);
    eventually("the metrics know it", Duration::from_secs(60), async || {
        let metrics = served.get("/metrics", &[]).await.text().await.expect("text");
        metrics.contains("harbinger_sources{standing=\"well\"} 1").then_some(())
    })
    .await;

    let (status, source) =
        send(&served, "PATCH", "/v1/sources/desk", &json!({"paused": true})).await;
    assert_eq!((status, &source["is_active"]), (200, &json!(false)), "{source}");
    let n_asked = site.n_requests("/feed.xml");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(site.n_requests("/feed.xml"), n_asked, "nobody asks a paused source");
    let (status, _) = send(&served, "PATCH", "/v1/sources/desk", &json!({"paused": false})).await;
    assert_eq!(status, 200);
    eventually("it is asked again", Duration::from_secs(30), async || {
        (n_asked < site.n_requests("/feed.xml")).then_some(())
    })
    .await;
    let (status, _) = send(&served, "DELETE", "/v1/sources/desk", &json!({})).await;
    assert_eq!(status, 204);
    served.stop().await;
    let app = app.set("fetch.added_private_addresses", "false");
    assert_eq!(app.run_once().await.json()["n_polls"], 0, "removed sources stay removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_json_and_listings_of_the_configuration_become_articles() {
    let site = publisher().await;
    site.put("/all", Reply::html("<ul><li><a href=/0>Grid warned</a></ul>"));
    site.put(
        "/kev.json",
        Reply::new(
            "application/json",
            r#"{"items": [{"id": "CVE-2026-1", "text": "The gate controller is exploited by attackers who reach control rooms."}]}"#,
        ),
    );
    let app = TestApp::new();
    let folder = app.folder().join("news");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(
        folder.join("note.txt"),
        "# Note\nAttackers reached control rooms on Friday, an operator said.",
    )
    .expect("a file");
    let head = |id: &str| {
        format!(
            "[[source]]\nid = \"{id}\"\nname = \"{id}\"\nlanguage = \"en\"\nallow_private_addresses = true\nhost_interval_ms = 0\n"
        )
    };
    let sources = format!(
        "{}folder = \"{}\"\n{}[source.listing]\nurl = \"{}\"\nitem = \"li\"\n{}[source.json]\nurl = \"{}\"\nitems = \"items\"\nlink = \"/detail/{{id}}\"\ntitle = \"id\"\ntext = \"text\"\n",
        head("folder"),
        folder.display(),
        head("listing"),
        site.url("/all"),
        head("json"),
        site.url("/kev.json"),
    );
    std::fs::write(app.folder().join("config/sources/all.toml"), sources).expect("a file");
    assert_eq!(app.run(&["check-config"]).await.code, Some(0));
    let run = app.run_once().await;
    assert_eq!(run.json()["n_articles"], 3, "{run:?}");
    assert_eq!(app.search(&["control rooms"]).await["total"], 3);
    assert_eq!(site.n_requests("/detail/CVE-2026-1"), 0);

    let wrong = "[[source]]\nid = \"x\"\nname = \"X\"\nlanguage = \"en\"\n[source.listing]\nurl = \"https://x.example/\"\nitem = \"li >> a\"\n";
    std::fs::write(app.folder().join("config/sources/all.toml"), wrong).expect("a file");
    let refused = app.run(&["check-config"]).await;
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("all.toml:1:1: `listing.item`: `li >> a` is no CSS selector"),
        "{refused:?}"
    );
}
