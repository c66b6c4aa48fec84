//! What analysts decide about stories.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::newsroom::{Answer, Newsroom, id_of};
use crate::pages::Page;

async fn post(newsroom: &Newsroom, path: &str, body: Value) -> Answer {
    let request = Request::post(path).header("content-type", "application/json");
    newsroom.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn submit(newsroom: &Newsroom, path: &str, form: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    newsroom.ask(request.body(Body::from(body)).expect("a request")).await
}

fn n_articles(story: &Value) -> usize {
    story["articles"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_story_is_found_under_both_addresses() {
    let newsroom = Newsroom::open().await;
    let (strait, grid) = (id_of("harbour-post", "strait"), id_of("meridian", "grid"));
    let n_before = n_articles(&newsroom.get(&format!("/v1/stories/{strait}")).await.json());
    let n_added = n_articles(&newsroom.get(&format!("/v1/stories/{grid}")).await.json());
    let body = json!({ "into": strait });
    let answer = post(&newsroom, &format!("/v1/stories/{grid}/merge"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json(), json!({ "story": strait, "n_articles": n_before + n_added }));
    let old = newsroom.get(&format!("/v1/stories/{grid}")).await;
    assert_eq!(
        (old.status.as_u16(), old.header("location")),
        (307, &*format!("/v1/stories/{strait}"))
    );
    let old = newsroom.browse(&format!("/stories/{grid}")).await;
    assert_eq!(
        (old.status.as_u16(), old.header("location")),
        (307, &*format!("/stories/{strait}"))
    );
    let merged = newsroom.get(&format!("/v1/stories/{strait}")).await.json();
    assert_eq!(n_articles(&merged), n_before + n_added);
    assert!(
        merged["articles"].as_array().is_some_and(|it| it.iter().all(|it| it["is_pinned"] == true))
    );
    // The old id still means the story where it is given.
    let again =
        post(&newsroom, &format!("/v1/stories/{grid}/merge"), json!({ "into": strait })).await;
    assert_eq!(again.status, 400, "{}", again.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn marked_articles_are_split_off_and_moved_back_by_the_form() {
    let newsroom = Newsroom::open().await;
    let strait = id_of("harbour-post", "strait");
    let path = format!("/stories/{strait}");
    let page = Page::of(&newsroom.browse(&path).await.body);
    let ids = page.attributes(".fix input[name=article]", "value");
    assert_eq!(ids.len(), 4);
    let form = [("action", "split"), ("article", &*ids[1]), ("article", &*ids[2])];
    let answer = submit(&newsroom, &path, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let new = answer.header("location").to_owned();
    assert_ne!(new, path);
    let page = Page::of(&newsroom.browse(&new).await.body);
    assert_eq!(page.attributes(".fix input[name=article]", "value").len(), 2);
    let to = format!("http://localhost/stories/{strait}");
    let form = [("action", "move"), ("article", &*ids[1]), ("to", &*to)];
    let answer = submit(&newsroom, &new, &form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, &*path));
    let story = newsroom.get(&format!("/v1{path}")).await.json();
    assert_eq!(n_articles(&story), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_cannot_be_say_why() {
    let newsroom = Newsroom::open().await;
    let strait = id_of("harbour-post", "strait");
    let story = format!("/v1/stories/{strait}");
    let cases = [
        (format!("{story}/merge"), json!({ "into": "nothing" }), 400, "into"),
        (format!("{story}/merge"), json!({ "into": "../x" }), 400, "into"),
        (format!("{story}/merge"), json!({ "onto": strait }), 400, "body"),
        (format!("{story}/split"), json!({ "articles": [] }), 400, "articles"),
        (format!("{story}/split"), json!({ "articles": ["x"] }), 400, "articles"),
        (
            format!("{story}/split"),
            json!({ "articles": [id_of("meridian", "grid")] }),
            400,
            "articles",
        ),
        (format!("{story}/pin"), json!({ "articles": vec!["x"; 501] }), 400, "articles"),
        ("/v1/stories/none/pin".to_owned(), json!({ "articles": [strait] }), 404, "story"),
    ];
    for (path, body, status, said) in cases {
        let answer = post(&newsroom, &path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    }
    let answer = submit(&newsroom, &format!("/stories/{strait}"), &[("action", "burn")]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(n_articles(&newsroom.get(&story).await.json()), 4, "nothing changed");
}
