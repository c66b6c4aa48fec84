//! What a reader puts right is right on every page.

use axum::body::Body;
use axum::http::Request;

use crate::newsroom::{FRONT, Newsroom, id_of, now};
use crate::pages::Page;

async fn post(newsroom: &Newsroom, path: &str, form: &[(&str, &str)]) -> (u16, String) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    let answer = newsroom.ask(request.body(Body::from(body)).expect("a request")).await;
    (answer.status.as_u16(), answer.header("location").to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_is_put_right_in_two_clicks_and_back_in_one() {
    let newsroom = Newsroom::open().await;
    let id = id_of("harbour-post", "strait");
    let path = format!("/articles/{id}");
    let page = Page::of(&newsroom.browse(&path).await.body);
    let text = page.attributes(".fix input[name=text]", "value").remove(0);
    let entity = page.attributes(".fix input[name=entity]", "value").remove(0);

    let form = [
        ("article", id.as_str()),
        ("action", "means"),
        ("text", text.as_str()),
        ("entity", entity.as_str()),
        ("to_name", "The <b>Right</b> One"),
    ];
    assert_eq!(post(&newsroom, "/corrections", &form).await, (303, path.clone()));
    let json = newsroom.get(&format!("/v1/articles/{id}")).await.json();
    let mentions = json["annotation"]["mentions"].as_array().expect("mentions").clone();
    let corrected = mentions.iter().find(|it| it["text"] == text.as_str()).expect("the mention");
    assert_eq!(corrected["entity"]["name"], "The <b>Right</b> One");
    let body = newsroom.browse(&path).await.body;
    assert!(!body.contains("<b>Right</b>"), "what readers type is escaped too");

    let list = Page::of(&newsroom.browse("/corrections").await.body);
    let said = list.texts("tbody td a bdi").remove(0);
    assert!(said.contains(&text) && said.contains("Right"), "{said}");
    let correction = list.attributes("input[name=id]", "value").remove(0);
    let undone = post(&newsroom, "/corrections/undo", &[("id", &correction)]).await;
    assert_eq!(undone, (303, "/corrections".to_owned()));
    let listed = newsroom.get("/v1/corrections").await.json();
    assert_eq!(listed["corrections"].as_array().map(Vec::len), Some(0));
}

/// The entity that `words` of the article mean.
async fn meaning(newsroom: &Newsroom, article: &str, words: &str) -> String {
    let json = newsroom.get(&format!("/v1/articles/{article}")).await.json();
    let mentions = json["annotation"]["mentions"].as_array().expect("mentions").clone();
    let mention = mentions.iter().find(|it| it["text"] == words).expect("the mention");
    mention["entity"]["id"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_known_means_the_entity_that_is_called_so() {
    let newsroom = Newsroom::open().await;
    let id = id_of("harbour-post", "strait");
    for (words, typed, expected) in [
        ("Vestern", " iran ", "country:IR"),
        ("Kestrel Strait", "lindahl water", "name:organization:lindahl water"),
        ("Northern Front", "Nobody Yet", "name:corrected:nobody yet"),
    ] {
        let entity = meaning(&newsroom, &id, words).await;
        let form = [
            ("article", id.as_str()),
            ("action", "means"),
            ("text", words),
            ("entity", entity.as_str()),
            ("to_name", typed),
        ];
        assert_eq!(post(&newsroom, "/corrections", &form).await.0, 303, "{typed}");
        assert_eq!(meaning(&newsroom, &id, words).await, expected);
    }
    let form = [
        ("action", "means"),
        ("text", "Vestern"),
        ("entity", "country:IR"),
        ("to_name", "Islamic Republic of Iran"),
    ];
    assert_eq!(post(&newsroom, "/corrections", &form).await.0, 400, "it means that already");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_entities_become_one_by_the_name_of_the_other() {
    let newsroom = Newsroom::open().await;
    let id = id_of("lindahl-courier", "water");
    let merge = async |name: &str| {
        let form = [("action", "same-as"), ("entity", "group:glass-spider"), ("to_name", name)];
        post(&newsroom, "/corrections", &form).await
    };
    assert_eq!(merge("Nobody Yet").await.0, 400, "two that are one are both known");
    assert_eq!(meaning(&newsroom, &id, "Glass Spider").await, "group:glass-spider");
    let page = Page::of(&newsroom.browse("/entities/group:glass-spider").await.body);
    assert_eq!(page.attributes(".fix input[name=entity]", "value"), ["group:glass-spider"]);
    assert_eq!(page.attributes(".fix button[name=action]", "value"), ["same-as"]);
    assert_eq!(merge("northern front").await, (303, "/corrections".to_owned()));
    assert_eq!(meaning(&newsroom, &id, "Glass Spider").await, FRONT.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_is_none_is_gone() {
    let newsroom = Newsroom::open().await;
    let id = id_of("harbour-post", "strait");
    let before = newsroom.get(&format!("/v1/articles/{id}")).await.json();
    let statements = before["annotation"]["statements"].as_array().expect("statements").clone();
    let trigger = &statements[0]["trigger"];
    let body = serde_json::json!({
        "correction": {
            "action": "no-statement",
            "article": id,
            "start": trigger["start"],
            "trigger": trigger["text"],
        },
        "note": "a quotation",
    });
    let request = Request::post("/v1/corrections").header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).expect("a request");
    let answer = newsroom.ask(request).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.json()["n_articles"], 1);
    let after = newsroom.get(&format!("/v1/articles/{id}")).await.json();
    let left = after["annotation"]["statements"].as_array().expect("statements").len();
    assert_eq!(left, statements.len() - 1);
    let kept = newsroom.get("/v1/corrections").await.json();
    let sentence = kept["corrections"][0]["correction"]["sentence"].as_str().unwrap_or_default();
    assert!(sentence.starts_with("A commander of the Northern Front"), "{kept}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_on_its_way_says_how_far_it_is_and_can_be_cancelled() {
    let newsroom = Newsroom::open().await;
    let archive = &newsroom.state.archive;
    let correction = nlp::correction::Correction::NotAnEntity {
        text: "Northern Front".to_owned(),
        entity: FRONT.0.to_owned(),
    };
    let add = async || {
        let kept = archive.add_correction(&correction, "ana", None, now()).await;
        kept.expect("an answer").expect("it is kept")
    };
    let list = async || Page::of(&newsroom.browse("/corrections").await.body);
    let id = add().await;
    let running = list().await;
    assert_eq!(running.texts("tr[data-progress] button"), ["Cancel"]);
    assert_eq!(running.texts("p[data-progress] a"), ["Look again"], "also without a script");
    let n_changed = archive.correct_articles(&id, &correction, now()).await.expect("corrected");
    let told = newsroom.get("/v1/corrections").await.json()["corrections"][0].clone();
    assert!(0 < n_changed && told["n_looked_at"] == told["n_concerned"], "{told}");
    let done = list().await;
    assert!(done.texts("[data-progress]").is_empty());
    assert_eq!(done.texts("tbody button"), ["Undo"]);
    assert_eq!(post(&newsroom, "/corrections/undo", &[("id", &id)]).await.0, 303);

    let id = add().await;
    let way = running.attributes("tr[data-progress] form", "action").remove(0);
    assert_eq!(post(&newsroom, &way, &[("id", &id)]).await.0, 303);
    assert!(list().await.texts("tbody tr").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_refused_when_somebody_else_was_faster() {
    let newsroom = Newsroom::open().await;
    let read = async || newsroom.get("/v1/corrections").await.header("etag").to_owned();
    let add = async |text: &str, tag: &str| {
        let correction = serde_json::json!({
            "action": "not-an-entity", "text": text, "entity": "name:misc:nothing",
        });
        let body = serde_json::json!({ "correction": correction }).to_string();
        let request = Request::post("/v1/corrections").header("content-type", "application/json");
        let request = request.header("if-match", tag).body(Body::from(body)).expect("a request");
        newsroom.ask(request).await
    };
    let seen_by_both = read().await;
    assert!(seen_by_both.starts_with("W/\""), "{seen_by_both}");
    assert_eq!(add("ours", &seen_by_both).await.status, 201);
    let late = add("theirs", &seen_by_both).await;
    assert_eq!((late.status.as_u16(), &late.json()["error"]["code"]), (412, &"changed".into()));
    let listed = newsroom.get("/v1/corrections").await.json();
    assert_eq!(listed["corrections"].as_array().map(Vec::len), Some(1));
    assert_eq!(add("theirs", &read().await).await.status, 201, "after another look");
    assert_eq!(add("whatever", "*").await.status, 201);
    // A new article that one concerns is no change of the list.
    let (before, records) = (read().await, newsroom.state.archive.corrections().await.unwrap());
    let article = id_of("harbour-post", "strait").parse().unwrap();
    newsroom.state.archive.note_corrected(&[(records[0].id.clone(), article)]).await.unwrap();
    assert_eq!(newsroom.state.archive.corrections().await.unwrap()[0].n_articles, 1);
    assert_eq!(read().await, before);

    let remove = async |id: &str, tag: &str| {
        let request = Request::delete(format!("/v1/corrections/{id}")).header("if-match", tag);
        newsroom.ask(request.body(Body::empty()).expect("a request")).await.status.as_u16()
    };
    let id = listed["corrections"][0]["id"].as_str().unwrap_or_default();
    assert_eq!(remove(id, &seen_by_both).await, 412);
    assert_eq!(remove(id, &read().await).await, 204);
    // Of two at once, who both saw the same list, only one finds it so.
    let (tag, left) = (read().await, newsroom.state.archive.corrections().await.unwrap());
    let (first, second) = tokio::join!(remove(&left[0].id, &tag), remove(&left[1].id, &tag));
    assert_eq!(first.min(second), 204, "{first} {second}");
    assert_eq!(first.max(second), 412, "{first} {second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_by_name() {
    let newsroom = Newsroom::open().await;
    for (body, named) in [
        ("{", "body"),
        ("{\"correction\":{\"action\":\"explode\"}}", "body"),
        ("{\"correction\":{\"action\":\"not-an-entity\",\"text\":\" \",\"entity\":\"a\"}}", "text"),
    ] {
        let request = Request::post("/v1/corrections").header("content-type", "application/json");
        let answer = newsroom.ask(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!(answer.status, 400, "{body}");
        let message = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.contains(&format!("`{named}`")), "{body}: {message}");
    }
    let request = Request::delete("/v1/corrections/none").body(Body::empty());
    assert_eq!(newsroom.ask(request.expect("a request")).await.status, 404);
}
