//! Articles that a user deletes, and brings back.

use axum::body::Body;
use axum::http::Request;
use chrono::TimeDelta;

use crate::newsroom::{Answer, Newsroom, all, id_of, now};
use crate::pages::Page;

#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_deleted_by_its_address_or_by_the_button() {
    let newsroom = Newsroom::open().await;
    let path = format!("/v1/articles/{}", id_of("harbour-post", "strait"));
    let delete = async |path: &str| {
        let request = Request::delete(path).body(Body::empty()).expect("a request");
        newsroom.ask(request).await.status.as_u16()
    };
    assert_eq!(delete(&path).await, 204);
    assert_eq!(newsroom.get(&path).await.status, 404);
    assert_eq!((delete(&path).await, delete("/v1/articles/x").await), (404, 404));

    let path = format!("/articles/{}", id_of("meridian", "grid"));
    let page = Page::of(&newsroom.browse(&path).await.body);
    let action = page.attributes("details.sure form", "action").remove(0);
    let request = Request::post(&action).body(Body::empty()).expect("a request");
    let answer = newsroom.ask(request).await;
    let to = format!("/?deleted={}", id_of("meridian", "grid"));
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, to.as_str()));
    assert_eq!(newsroom.browse(&path).await.status, 404);

    let log = newsroom.state.archive.audit_page(None, 10).await.expect("a log").0;
    let lines: Vec<&str> = log.iter().map(|it| it.subject.as_str()).collect();
    for (start, end) in
        [("/v1/articles/", "harbour-post.example/strait"), (action.as_str(), "/grid")]
    {
        let is_there = lines.iter().any(|it| it.starts_with(start) && it.ends_with(end));
        assert!(is_there, "{start}: {lines:?}");
    }
}

async fn post(newsroom: &Newsroom, path: &str, body: &'static str) -> Answer {
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    newsroom.ask(request.body(Body::from(body)).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_article_is_offered_back_without_a_script_and_comes_back_whole() {
    let newsroom = Newsroom::open().await;
    let id = id_of("meridian", "grid");
    let before = newsroom.get(&format!("/v1/articles/{id}")).await;
    assert!(before.json()["story"].is_string(), "{}", before.body);
    let deleted = post(&newsroom, &format!("/articles/{id}/remove"), "").await;
    // A double click sends it twice, and shows what the second brought.
    let again = post(&newsroom, &format!("/articles/{id}/remove"), "").await;
    assert_eq!(again.header("location"), deleted.header("location"), "{}", again.body);
    let page = Page::of(&newsroom.browse(deleted.header("location")).await.body);
    let said = page.texts("[role=status]").remove(0);
    assert!(said.starts_with("Deleted ") && said.contains("· Undo"), "{said}");
    assert!(said.ends_with("within 24 hours"), "{said}");
    let way_back = page.attributes("[role=status] form", "action").remove(0);
    let restored = post(&newsroom, &way_back, "").await;
    assert_eq!(restored.status, 303, "{}", restored.body);
    assert_eq!(restored.header("location"), format!("/articles/{id}"));
    let again = post(&newsroom, &way_back, "").await;
    assert_eq!(again.header("location"), restored.header("location"), "{}", again.body);
    assert_eq!(newsroom.get(&format!("/v1/articles/{id}")).await.json(), before.json());
    let page = Page::of(&newsroom.browse(deleted.header("location")).await.body);
    assert!(page.texts("[role=status]").is_empty(), "nothing is left to take back");

    let restore = format!("/v1/articles/{id}/restore");
    let again = post(&newsroom, &restore, "").await;
    assert_eq!(again.status, 409, "{}", again.body);
    assert!(again.body.contains("not deleted"), "{}", again.body);
    for never in ["/v1/articles/x/restore", "/v1/articles/00000000000000000000000000000000/restore"]
    {
        assert_eq!(post(&newsroom, never, "").await.status, 404, "{never}");
    }
    let log = newsroom.state.archive.audit_page(None, 10).await.expect("a log").0;
    let line = log.iter().find(|it| it.subject.starts_with(&way_back)).expect("it is in the log");
    assert!(line.subject.ends_with("/grid") && line.outcome == "303", "{line:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_undo_is_offered_of_what_cannot_be_brought_back_any_more() {
    let newsroom = Newsroom::open().await;
    let draft = all().remove(0).article;
    let deleted = newsroom.state.archive.delete_article(&draft.id, now() - TimeDelta::hours(25));
    assert!(deleted.await.expect("an archive"));
    let never = "0".repeat(32);
    for id in [draft.id.to_string().as_str(), never.as_str(), "x"] {
        let answer = post(&newsroom, &format!("/articles/{id}/remove"), "").await;
        assert_eq!(answer.status, 404, "{id}: {}", answer.header("location"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_for_good_cannot_be_brought_back() {
    let newsroom = Newsroom::open().await;
    let delete = async |path: &str| {
        let request = Request::delete(path).body(Body::empty()).expect("a request");
        newsroom.ask(request).await.status.as_u16()
    };
    let api = format!("/v1/articles/{}", id_of("harbour-post", "strait"));
    assert_eq!(delete(&format!("{api}?permanent=perhaps")).await, 400);
    assert_eq!(delete(&format!("{api}?for_good=true")).await, 400);
    assert_eq!(delete(&format!("{api}?permanent=true")).await, 204);
    let by_form = format!("/articles/{}/remove", id_of("meridian", "grid"));
    let page = newsroom.browse(&format!("/articles/{}", id_of("meridian", "grid"))).await.body;
    let names = Page::of(&page).attributes("details.sure button[name]", "name");
    assert_eq!(names, ["permanent"], "the second choice");
    let answer = post(&newsroom, &by_form, "permanent=true").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"));
    for id in [id_of("meridian", "grid"), id_of("harbour-post", "strait")] {
        let restored = post(&newsroom, &format!("/v1/articles/{id}/restore"), "").await;
        assert_eq!(restored.status, 404, "{}", restored.body);
    }
    assert_eq!(delete(&format!("{api}?permanent=true")).await, 404, "nothing of it is left");

    // What could still be brought back goes for good afterwards.
    let api = format!("/v1/articles/{}", id_of("lindahl-courier", "water"));
    assert_eq!(delete(&api).await, 204);
    assert_eq!(delete(&api).await, 404);
    assert_eq!(delete(&format!("{api}?permanent=true")).await, 204);
    assert_eq!(post(&newsroom, &format!("{api}/restore"), "").await.status, 404);
    let log = newsroom.state.archive.audit_page(None, 10).await.expect("a log").0;
    let n_for_good = log.iter().filter(|it| it.subject.contains("for good") && it.outcome != "404");
    assert_eq!(n_for_good.count(), 3, "{log:?}");
}
