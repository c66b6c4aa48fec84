//! The HTTP contract, asked of a running server that has read the sample wire.
//!
//! One test starts the server and asks everything, since the start is what takes time.

use std::collections::BTreeSet;
use std::time::Duration;

use api::sample::SampleSite;
use reqwest::header;
use serde_json::Value;
use tests::{Served, TestApp, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn the_server_keeps_its_contract() {
    let app = TestApp::new().with_sample_wire();
    let served = app.serve().await;
    let n_articles = SampleSite::bundled().articles.len() as u64;
    eventually("the sample wire is searchable", Duration::from_secs(240), async || {
        let found = served.json("/v1/search", &[("limit", "0")]).await;
        (found["total"].as_u64() == Some(n_articles)).then_some(())
    })
    .await;

    health_answers(&served).await;
    search_answers(&served, n_articles).await;
    pages_of_a_search_hold_every_article_once(&served, n_articles).await;
    facets_narrow_and_count(&served).await;
    mistakes_are_named(&served).await;
    articles_stories_statements_and_entities_hang_together(&served).await;
    pages_of_the_sample_wire_are_shown(&served).await;
    answers_are_cached_by_etag(&served).await;
    the_description_names_every_route(&served).await;
    metrics_cover_every_stage(&served).await;
    pages_answer_without_scripts(&served).await;
    the_command_line_finds_the_same(&app, &served).await;

    let (status, printed) = served.stop().await;
    assert!(status.success(), "{status}: {printed}");
}

async fn health_answers(served: &Served) {
    for path in ["/livez", "/readyz"] {
        assert_eq!(served.json(path, &[]).await["status"], "ok", "{path}");
    }
}

async fn search_answers(served: &Served, n_articles: u64) {
    let found = served.json("/v1/search", &[("q", "power grid")]).await;
    let hits = found["hits"].as_array().expect("hits");
    assert!(2 <= hits.len(), "{found}");
    assert_eq!(found["total_is_lower_bound"], false);
    assert!(found["query"]["text"].as_str().is_some_and(|it| it.contains("power")), "{found}");
    for hit in hits {
        assert_eq!(hit["is_sample"], true);
        for field in ["id", "url", "title", "source", "source_name", "story", "fetched_at"] {
            assert!(hit[field].is_string(), "{field} of {hit}");
        }
        let snippet = hit["snippet"].as_array().expect("a snippet");
        assert!(snippet.iter().any(|it| it["marked"] == true), "nothing is marked in {hit}");
    }
    let all = served.json("/v1/search", &[]).await;
    assert_eq!(all["total"].as_u64(), Some(n_articles), "an empty query finds everything");
    let phrase =
        served.json("/v1/search", &[("q", "\"an aerial disguised as a rugby trophy\"")]).await;
    assert_eq!(phrase["total"], 1, "{phrase}");
    let nothing = served.json("/v1/search", &[("q", "zzyzxqq")]).await;
    assert_eq!((&nothing["total"], &nothing["hits"]), (&0.into(), &Value::Array(Vec::new())));
    let german = served.json("/v1/search", &[("q", "Umspannwerke"), ("language", "de")]).await;
    assert!(1 <= german["total"].as_u64().expect("a total"), "{german}");
    let future = served.json("/v1/search", &[("from", "2999-01-01")]).await;
    assert_eq!(future["total"], 0);
}

async fn pages_of_a_search_hold_every_article_once(served: &Served, n_articles: u64) {
    let mut ids = BTreeSet::new();
    let mut cursor = String::new();
    let mut n_hits = 0;
    loop {
        let mut query = vec![("sort", "newest"), ("limit", "10")];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let page = served.json("/v1/search", &query).await;
        for hit in page["hits"].as_array().expect("hits") {
            n_hits += 1;
            ids.insert(hit["id"].as_str().expect("an id").to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((n_hits, ids.len() as u64), (n_articles, n_articles));
}

async fn facets_narrow_and_count(served: &Served) {
    let all = served.json("/v1/search", &[("limit", "0")]).await;
    let facets = all["facets"].as_object().expect("facets");
    for name in ["sector", "actor", "target", "kind", "source", "language", "day"] {
        let values = facets.get(name).and_then(Value::as_array);
        let Some(first) = values.and_then(|it| it.first()) else { panic!("no facet {name}") };
        let value = first["value"].as_str().unwrap_or_else(|| panic!("no value in {first}"));
        let narrowed = served.json("/v1/search", &[(name, value), ("limit", "0")]).await;
        assert_eq!(narrowed["total"], first["count"], "{name}={value}");
    }
    let sources = facets["source"].as_array().expect("sources");
    assert_eq!(sources.len(), SampleSite::bundled().outlets.len());
}

async fn mistakes_are_named(served: &Served) {
    let unknown = "/v1/articles/00000000000000000000000000000000";
    for (path, query, status, code) in [
        ("/v1/search", vec![("q", "\"open phrase")], 400, "invalid_query"),
        ("/v1/search", vec![("limit", "many")], 400, "invalid_parameter"),
        ("/v1/search", vec![("colour", "red")], 400, "invalid_parameter"),
        (unknown, vec![], 404, "not_found"),
        ("/v1/articles/nonsense", vec![], 404, "not_found"),
        ("/v1/stories/nonsense", vec![], 404, "not_found"),
        ("/v1/nowhere", vec![], 404, "not_found"),
    ] {
        let answer = served.get(path, &query).await;
        assert_eq!(answer.status().as_u16(), status, "{path} {query:?}");
        let id = answer.headers().get("x-request-id").cloned();
        let body: Value = answer.json().await.expect("an error in JSON");
        assert_eq!(body["error"]["code"], code, "{path} {query:?}: {body}");
        assert!(body["error"]["message"].as_str().is_some_and(|it| !it.is_empty()), "{body}");
        let id = id.as_ref().and_then(|it| it.to_str().ok());
        assert_eq!(body["error"]["request_id"].as_str(), id, "{body}");
    }
}

async fn articles_stories_statements_and_entities_hang_together(served: &Served) {
    let found = served.json("/v1/search", &[("q", "\"Hollow Kestrel\" threatens")]).await;
    let hit = &found["hits"][0];
    let id = hit["id"].as_str().expect("an id");
    let article = served.json(&format!("/v1/articles/{id}"), &[]).await;
    let text: Vec<char> = article["text"].as_str().expect("a text").chars().collect();
    let title: Vec<char> = article["title"].as_str().expect("a title").chars().collect();
    let annotation = &article["annotation"];
    let mentions = annotation["mentions"].as_array().expect("mentions");
    assert!(3 <= mentions.len(), "{annotation}");
    for mention in mentions {
        check_span(&text, &title, mention);
    }
    let story_id = article["story"].as_str().expect("a story");
    let story = served.json(&format!("/v1/stories/{story_id}"), &[]).await;
    let members = story["articles"].as_array().expect("articles");
    assert!(members.iter().any(|it| it["id"] == id), "{story}");
    assert_eq!(story["n_articles"].as_u64(), Some(members.len() as u64));

    let statements = served.json("/v1/statements", &[("limit", "200")]).await;
    let statements = statements["statements"].as_array().expect("statements");
    assert!(10 <= statements.len(), "only {} statements", statements.len());
    let kinds: BTreeSet<&str> = statements.iter().filter_map(|it| it["kind"].as_str()).collect();
    let known = ["attack", "attempt", "claim", "denial", "threat", "warning"];
    assert!(kinds.iter().all(|it| known.contains(it)) && 2 <= kinds.len(), "{kinds:?}");
    let with_actor = statements.iter().find_map(|it| {
        it["actors"].as_array()?.iter().find_map(|actor| actor["entity"]["id"].as_str())
    });
    let entity_id = with_actor.expect("a statement with a linked actor");
    let mut url = url::Url::parse(&served.url("/v1/entities")).expect("a URL");
    url.path_segments_mut().expect("a base").push(entity_id);
    let entity = served.json(url.path(), &[]).await;
    assert_eq!(entity["id"], entity_id);
    assert!(entity["as_actor"].as_array().is_some_and(|it| !it.is_empty()), "{entity}");
    let stories = served.json("/v1/stories", &[("sources_min", "2")]).await;
    assert!(stories["stories"].as_array().is_some_and(|it| 3 <= it.len()), "{stories}");
}

async fn pages_of_the_sample_wire_are_shown(served: &Served) {
    let found = served.json("/v1/search", &[("q", "power grid"), ("limit", "1")]).await;
    let (id, title) = (&found["hits"][0]["id"], &found["hits"][0]["title"]);
    let (id, title) = (id.as_str().expect("an id"), title.as_str().expect("a title"));
    let page = served.get(&format!("/articles/{id}"), &[]).await.text().await.expect("a text");
    let link = page.split("href=\"/sample/").nth(1).and_then(|it| it.split('"').next());
    let link = link.unwrap_or_else(|| panic!("no link to the source in {page}"));
    let original = served.get(&format!("/sample/{link}"), &[]).await;
    assert_eq!(original.status().as_u16(), 200, "{link}");
    let original = original.text().await.expect("a text");
    assert!(original.contains(&tests::pages::escape(title)), "{title} is not in {original}");
}

/// The text of a mention is what stands at its offsets, counted in characters.
fn check_span(text: &[char], title: &[char], mention: &Value) {
    let at = |name: &str| mention[name].as_u64().expect("an offset") as usize;
    let (start, end) = (at("start"), at("end"));
    let cut = |from: &[char]| from.get(start..end).map(|it| it.iter().collect::<String>());
    let printed = mention["text"].as_str().map(str::to_owned);
    assert!(printed == cut(text) || printed == cut(title), "{mention}");
}

async fn answers_are_cached_by_etag(served: &Served) {
    let path = "/v1/stories";
    let first = served.get(path, &[]).await;
    let etag = first.headers()[header::ETAG].clone();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let again = client.get(served.url(path)).header(header::IF_NONE_MATCH, etag).send().await;
    assert_eq!(again.expect("an answer").status().as_u16(), 304);
}

async fn the_description_names_every_route(served: &Served) {
    let description = served.json("/openapi.json", &[]).await;
    let paths = description["paths"].as_object().expect("paths");
    for path in [
        "/v1/search",
        "/v1/articles/{id}",
        "/v1/stories",
        "/v1/stories/{id}",
        "/v1/statements",
        "/v1/entities",
        "/v1/entities/{id}",
        "/v1/events",
        "/livez",
        "/readyz",
        "/metrics",
    ] {
        assert!(paths.contains_key(path), "{path} is not described");
    }
}

async fn metrics_cover_every_stage(served: &Served) {
    let metrics = served.get("/metrics", &[]).await.text().await.expect("a text");
    for stage in ["fetch", "poll", "crawl", "annotat", "correlat", "index"] {
        let is_there = |line: &str| line.starts_with("harbinger_") && line.contains(stage);
        assert!(metrics.lines().any(is_there), "no metric of {stage} in:\n{metrics}");
    }
}

async fn pages_answer_without_scripts(served: &Served) {
    for (path, query) in [
        ("/", vec![]),
        ("/search", vec![("q", "power grid")]),
        ("/search", vec![("q", "\"open phrase")]),
        ("/sources", vec![]),
        ("/help", vec![]),
        ("/nowhere", vec![]),
    ] {
        let answer = served.get(path, &query).await;
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().expect("a type").to_owned();
        // What the pages show comes from strangers.
        assert!(answer.headers().contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        let status = answer.status().as_u16();
        let body = answer.text().await.expect("a text");
        assert!(status < 500, "{path}: {status} {body}");
        if path != "/nowhere" {
            assert!(kind.starts_with("text/html") && body.contains("<h1"), "{path}: {kind}");
        }
    }
}

async fn the_command_line_finds_the_same(app: &TestApp, served: &Served) {
    let query = "ransomware hospital";
    let by_http = served.json("/v1/search", &[("q", query), ("limit", "10")]).await;
    let by_command = app.search(&[query]).await;
    assert_eq!(by_http["total"], by_command["total"]);
    let ids = |found: &Value| -> Vec<Value> {
        found["hits"].as_array().expect("hits").iter().map(|it| it["id"].clone()).collect()
    };
    assert_eq!(ids(&by_http), ids(&by_command));
}
