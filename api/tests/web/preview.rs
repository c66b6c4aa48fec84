//! Not a test: serves the newsroom, to look at the pages in a browser.

use crate::newsroom::Newsroom;

/// `HARBINGER_PREVIEW=127.0.0.1:8123 cargo test -p api --test web preview -- --ignored`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves until it is killed"]
async fn preview() {
    let address = std::env::var("HARBINGER_PREVIEW").unwrap_or("127.0.0.1:8123".to_owned());
    let newsroom = Newsroom::open().await;
    let listener = tokio::net::TcpListener::bind(address).await.expect("a free address");
    axum::serve(listener, newsroom.router.clone()).await.expect("a server");
}
