//! What programs get. Snapshots hold the shapes; the rest is checked by hand.

use serde_json::{Value, json};

use crate::newsroom::{FRONT, Newsroom, id_of, patch};

#[tokio::test(flavor = "multi_thread")]
async fn an_article_has_its_text_and_annotation() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.get(&format!("/v1/articles/{}", id_of("meridian", "ultimatum"))).await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!("article", answer.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_has_its_indicators_without_defanging() {
    let newsroom = Newsroom::with(vec![patch()]).await;
    let article = newsroom.get(&format!("/v1/articles/{}", id_of("meridian", "patch"))).await;
    let expected = serde_json::json!([
        {"kind": "cve", "value": "CVE-2024-3400"},
        {"kind": "ipv4", "value": "203.0.113.9"},
        {"kind": "url", "value": "https://evil.example.com/gate.php"},
    ]);
    assert_eq!(article.json()["indicators"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_has_timeline_articles_and_statements() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.get(&format!("/v1/stories/{}", id_of("meridian", "grid"))).await;
    assert_eq!(answer.status, 200);
    insta::assert_json_snapshot!("story", answer.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_echoes_its_query_and_counts() {
    let newsroom = Newsroom::open().await;
    let path =
        "/v1/search?q=ransom*%20OR%20substations&sector=/energy&sector=/water&limit=1&sort=newest";
    let mut answer = newsroom.get(path).await.json();
    answer["took_ms"] = Value::Null;
    answer["next_cursor"] = Value::Bool(answer["next_cursor"].is_string());
    insta::assert_json_snapshot!("search", answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_says_where_and_what_instead() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.get("/v1/search?q=grid%20acter:iran").await;
    assert_eq!(answer.status, 400);
    let mut body = answer.json();
    body["error"]["request_id"] = Value::Null;
    insta::assert_json_snapshot!("invalid_query", body);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_filtered_and_paged() {
    let newsroom = Newsroom::open().await;
    let all = newsroom.get("/v1/statements?limit=200").await.json();
    let ids = |it: &Value| -> Vec<String> {
        let statements = it["statements"].as_array().cloned().unwrap_or_default();
        statements.iter().map(|it| it["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(ids(&all).len(), 10);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = newsroom.get(&format!("/v1/statements?limit=3&cursor={cursor}")).await.json();
        paged.extend(ids(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.replace('~', "%7E"),
            None => break,
        }
    }
    assert_eq!(paged, ids(&all));
    let threats =
        newsroom.get(&format!("/v1/statements?kind=threat&actor={}", FRONT.0)).await.json();
    assert_eq!(ids(&threats).len(), 4);
    let day = newsroom.get("/v1/statements?from=2026-01-12&to=2026-01-12").await.json();
    assert_eq!(ids(&day).len(), 5, "the day's last moment is in, the day before is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn entities_are_listed_and_detailed() {
    let newsroom = Newsroom::open().await;
    let list = newsroom.get("/v1/entities?kind=threat-group").await.json();
    let names: Vec<&str> = list["entities"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["name"].as_str())
        .collect();
    assert_eq!(names, ["Northern Front", "Glass Spider"], "most named first");
    let entity = newsroom.get(&format!("/v1/entities/{}", FRONT.0)).await.json();
    assert_eq!(entity["as_actor"].as_array().map(Vec::len), Some(5));
    assert_eq!(entity["as_target"].as_array().map(Vec::len), Some(0));
    assert_eq!(entity["as_actor"][0]["actors"][0]["entity"]["id"], FRONT.0);
    assert_eq!((&entity["country"], &entity["sectors"]), (&Value::Null, &json!([])));
    let country = newsroom.get("/v1/entities/country:VX").await.json();
    assert_eq!(country["country"], "VX", "{country}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stories_are_listed_latest_first() {
    let newsroom = Newsroom::open().await;
    let list = newsroom.get("/v1/stories?sources_min=2").await.json();
    let stories = list["stories"].as_array().expect("stories");
    assert_eq!(stories.len(), 1);
    assert_eq!(stories[0]["id"], id_of("harbour-post", "strait"));
    assert_eq!(
        (stories[0]["n_articles"].as_u64(), stories[0]["n_sources"].as_u64()),
        (Some(4), Some(4))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_prometheus_text() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_every_filter_of_what_selects_articles_and_every_event() {
    let newsroom = Newsroom::open().await;
    let description = newsroom.get("/openapi.json").await.json();
    for path in ["/v1/search", "/v1/export/{format}", "/v1/graph", "/v1/entities/{id}/graph"] {
        let all = description["paths"][path]["get"]["parameters"].as_array().expect("parameters");
        let filters = index::FilterField::ALL.iter().map(|it| it.name());
        for name in filters.chain(["q", "from", "to", "date_field", "like"]) {
            assert_eq!(all.iter().filter(|it| it["name"] == name).count(), 1, "{path}: {name}");
        }
    }
    let events = &description["paths"]["/v1/events"]["get"]["responses"]["200"]["description"];
    assert!(events.as_str().is_some_and(|it| it.contains("`alert`")), "{events}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_names_every_json_address_and_no_other() {
    let newsroom = Newsroom::open().await;
    let description = newsroom.get("/openapi.json").await.json();
    let paths: Vec<&String> = description["paths"].as_object().expect("paths").keys().collect();
    assert_eq!(
        paths,
        [
            "/livez",
            "/metrics",
            "/readyz",
            "/v1/alerts",
            "/v1/alerts/{id}",
            "/v1/articles",
            "/v1/articles/{id}",
            "/v1/articles/{id}/reread",
            "/v1/articles/{id}/restore",
            "/v1/articles/{id}/versions",
            "/v1/articles/{id}/warc",
            "/v1/complete",
            "/v1/corrections",
            "/v1/corrections/{id}",
            "/v1/deliveries",
            "/v1/deliveries/{id}/retry",
            "/v1/entities",
            "/v1/entities/{id}",
            "/v1/entities/{id}/graph",
            "/v1/events",
            "/v1/export/{format}",
            "/v1/graph",
            "/v1/opml",
            "/v1/saved-searches",
            "/v1/saved-searches/backtest",
            "/v1/saved-searches/{id}",
            "/v1/saved-searches/{id}/backtest",
            "/v1/saved-searches/{id}/restore",
            "/v1/search",
            "/v1/sources",
            "/v1/sources/test",
            "/v1/sources/{id}",
            "/v1/sources/{id}/restore",
            "/v1/statements",
            "/v1/stories",
            "/v1/stories/{id}",
            "/v1/stories/{id}/merge",
            "/v1/stories/{id}/pin",
            "/v1/stories/{id}/split",
            "/v1/stories/{id}/unpin",
        ]
    );
    let text = description.to_string();
    let schemas = description["components"]["schemas"].as_object().expect("schemas");
    for reference in text.split("\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap_or_default();
        assert!(schemas.contains_key(name), "`{name}` is named but not described");
    }
    let search = &description["paths"]["/v1/search"]["get"];
    assert_eq!(
        search["responses"]["400"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/ErrorBody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_is_being_typed_is_told_how_to_go_on() {
    let newsroom = Newsroom::open().await;
    let complete = async |q: &str| {
        let q = url::form_urlencoded::byte_serialize(q.as_bytes()).collect::<String>();
        let answer = newsroom.get(&format!("/v1/complete?q={q}")).await;
        assert_eq!(answer.status, 200, "{q}");
        let body = answer.json();
        let texts = body["suggestions"].as_array().expect("suggestions").clone();
        let texts = texts.iter().map(|it| it["text"].as_str().expect("a text").to_owned());
        (body["replaces"].as_str().expect("a text").to_owned(), texts.collect::<Vec<_>>())
    };
    let (replaces, texts) = complete("grid -act").await;
    assert_eq!((replaces.as_str(), texts[0].as_str()), ("act", "actor:"));
    let name: String = FRONT.1.chars().take(5).collect();
    let (replaces, texts) = complete(&format!("actor:\"{name}")).await;
    assert_eq!(replaces, format!("actor:\"{name}"));
    assert_eq!(texts, [format!("actor:\"{}\"", FRONT.0)]);
    let found = newsroom.get(&format!("/v1/search?q={}", texts[0].replace('"', "%22"))).await;
    assert!(
        0 < found.json()["total"].as_u64().expect("a number"),
        "what is suggested is understood"
    );
    assert_eq!(complete("kind:w").await.1, ["kind:warning"]);
    assert!(complete("sector:oil").await.1.contains(&"sector:/energy/oil-gas".to_owned()));
    for nothing in ["", "grid ", "\"power gr", "nosuchfield:x", "actor:\u{0}x"] {
        assert_eq!(complete(nothing).await.1, Vec::<String>::new(), "{nothing:?}");
    }
    let long = newsroom.get(&format!("/v1/complete?q={}", "x".repeat(1_001))).await;
    assert_eq!(long.status, 400);
}
