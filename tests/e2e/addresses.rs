//! One story under several addresses is one article.

use tests::pages::{self, MadeUp, id_of};
use tests::{FixtureSite, Reply, TestApp};

/// The page of article 1, which names `canonical` as its address.
fn page(canonical: &str) -> Reply {
    let link = format!("<head><link rel=\"canonical\" href=\"{canonical}\">");
    Reply::html(MadeUp::article(1).html().replace("<head>", &link))
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_that_name_one_story_by_a_redirect_or_another_form_give_one_article() {
    let (site, elsewhere) = (FixtureSite::start().await, FixtureSite::start_on(2).await);
    let app = TestApp::new();
    let story = site.url("/story");
    site.put("/story", Reply::html(MadeUp::article(1).html()));
    site.put("/story/amp", page(&story));
    elsewhere.put("/go", Reply::redirect(&story));
    // Says the same, and that it is the story of the other site.
    elsewhere.put("/thief", page(&story));
    let feeds = [
        (&site, "paper", story.clone()),
        (&site, "light", site.url("/story/amp")),
        (&elsewhere, "links", elsewhere.url("/go")),
        (&elsewhere, "thief", elsewhere.url("/thief")),
    ];
    for (server, id, url) in feeds {
        let path = format!("/{id}.xml");
        let items = [(url, MadeUp::article(1).title)];
        server.put(&path, Reply::rss(pages::rss(id, &items)));
        app.add_source(id, &server.url(&path));
    }
    let ran = app.run_once().await;
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);

    let archive = app.archive().await;
    assert_eq!(archive.counts().await.expect("counts").n_articles, 2);
    let at = async |url: &str| archive.article_at(&id_of(url)).await.expect("an answer");
    let thief = id_of(&elsewhere.url("/thief"));
    assert_eq!(at(&elsewhere.url("/thief")).await, Some(thief), "nobody takes its word");
    let one = at(&story).await;
    assert!(one.is_some_and(|it| it != thief));
    for url in [site.url("/story/amp"), elsewhere.url("/go")] {
        assert_eq!(at(&url).await, one, "{url}");
    }
    archive.close().await;
}
