//! Articles that a user deletes.

use axum::body::Body;
use axum::http::Request;

use crate::newsroom::{Newsroom, id_of};
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
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"));
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
