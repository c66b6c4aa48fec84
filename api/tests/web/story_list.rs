//! The page of the newest stories.

use index::archive::annotations::CorrelatedArticle;

use crate::newsroom::{Draft, Newsroom, id_of, now};
use crate::pages::Page;

async fn page(newsroom: &Newsroom, path: &str) -> Page {
    let answer = newsroom.browse(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    Page::of(&answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_stories_say_who_tells_them_and_whom_they_threaten() {
    let newsroom = Newsroom::open().await;
    let mut all = crate::newsroom::all().into_iter();
    let (strait, copy) = (id_of("harbour-post", "strait"), id_of("lindahl-courier", "strait-copy"));
    let copied = all.find(|it| it.article.id.to_string() == copy).expect("the copy");
    let original = strait.parse().ok();
    let copied = CorrelatedArticle { copy_of: original, ..copied.correlated() };
    newsroom.state.archive.record_annotations(&[copied], now()).await.expect("it is recorded");

    let list = page(&newsroom, "/stories").await;
    assert_eq!(list.texts("nav a[aria-current]"), ["Stories"]);
    let links = list.attributes(".hit h3 a", "href");
    assert_eq!((links.len(), &links[0]), (5, &format!("/stories/{strait}")));
    let told = &list.texts(".hit .meta")[0];
    assert!(told.contains("4 articles by 4 sources, 3 of them independent · 1 copy"), "{told}");
    assert!(told.contains("first 01:00") && told.contains("latest 06:00"), "{told}");
    let who = &list.texts(".hit .who")[0];
    assert!(who.contains("Northern Front") && who.contains("threatens"), "{who}");
    assert!(list.texts(".hit .tag.sec").len() > 2, "its sectors are tags");
    assert_eq!(list.attributes(".hit", "data-href"), links, "keys open them");
    assert!(list.texts(".pages").is_empty(), "all of them fit on one page");
}

#[tokio::test(flavor = "multi_thread")]
async fn stories_are_chosen_by_kind_sector_and_time() {
    let newsroom = Newsroom::open().await;
    let check = async |path: &str, on: &[&str], expected: &[&str]| {
        let list = page(&newsroom, path).await;
        assert_eq!(list.texts(".chip.on"), on, "{path}");
        let ids = expected.iter().map(|it| format!("/stories/{it}")).collect::<Vec<_>>();
        assert_eq!(list.attributes(".hit h3 a", "href"), ids, "{path}");
    };
    let (strait, water) = (id_of("harbour-post", "strait"), id_of("lindahl-courier", "water"));
    let grid = id_of("meridian", "grid");
    let (bridge, harvest) = (id_of("sample-gazette", "bridge"), id_of("harbour-post", "harvest"));
    let all = [&*strait, &*water, &*grid, &*bridge, &*harvest];
    check("/stories?kind=attack", &["attack"], &[&*water]).await;
    check("/stories?kind=warning&sector=/energy", &["warning", "Energy"], &[&*strait, &*grid])
        .await;
    check("/stories?days=1", &["24 hours"], &all[..3]).await;
    check("/stories?kind=nothing&days=99&sector=/none", &[], &all).await;
    let of_kind = page(&newsroom, "/stories?kind=attack").await;
    assert_eq!(of_kind.texts(".hit .kind"), ["attack"], "the statement shown is of that kind");
}

#[tokio::test(flavor = "multi_thread")]
async fn older_stories_follow_and_none_comes_twice_when_news_comes_in_between() {
    let plain = |n: i64| Draft::new("meridian", &format!("n{n}"), n, &format!("News {n}"), "Text.");
    let newsroom = Newsroom::with((1..=40).map(plain).collect()).await;
    let first = page(&newsroom, "/stories").await;
    let seen = first.attributes(".hit h3 a", "href");
    assert_eq!(seen.len(), 30);
    let older = first.attributes(".pages a[rel=next]", "href");
    assert_eq!((older.len(), first.attributes("[data-next]", "href")), (1, older.clone()));
    let news = plain(0);
    newsroom.state.archive.record_article(&news.article, None).await.expect("an article");
    let batch = [news.correlated()];
    newsroom.state.archive.record_annotations(&batch, now()).await.expect("it is recorded");
    let second = page(&newsroom, &older[0]).await;
    let rest = second.attributes(".hit h3 a", "href");
    assert_eq!(rest.len(), 10);
    assert!(rest.iter().all(|it| !seen.contains(it)), "{rest:?}");
    assert_eq!(second.texts(".pages a"), ["← Newest stories"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_of_stories_says_what_to_do() {
    let newsroom = Newsroom::with(Vec::new()).await;
    let empty = page(&newsroom, "/stories").await;
    assert_eq!(empty.texts(".empty h2"), ["No story yet"]);
    let newsroom = Newsroom::open().await;
    let none = page(&newsroom, "/stories?kind=attack&sector=/space").await;
    assert_eq!(none.texts(".empty h2"), ["No story of that kind"]);
    assert!(none.attributes(".empty a", "href").contains(&"/stories".to_owned()));
    let wrong = newsroom.browse("/stories?cursor=nonsense").await;
    assert_eq!(wrong.status, 400, "{}", wrong.body);
    assert!(Page::of(&wrong.body).texts("h1").len() == 1, "a page says so");
}
