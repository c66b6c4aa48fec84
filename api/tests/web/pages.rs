//! What people see.

use chrono::TimeDelta;
use scraper::{Html, Selector};

use crate::newsroom::{Draft, FRONT, Newsroom, id_of, now, patch};

/// A page, parsed.
pub(crate) struct Page(Html);

impl Page {
    pub(crate) fn of(html: &str) -> Page {
        Page(Html::parse_document(html))
    }

    /// The texts of all elements that match, blanks squeezed.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        let text = |it: scraper::ElementRef<'_>| {
            let text: String = it.text().collect();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        self.0.select(&selector).map(text).collect()
    }

    /// An attribute of all elements that match and have it.
    pub(crate) fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let selector = Selector::parse(selector).expect("a selector");
        self.0.select(&selector).filter_map(|it| it.attr(name)).map(str::to_owned).collect()
    }
}

async fn page(newsroom: &Newsroom, path: &str) -> Page {
    let answer = newsroom.browse(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    assert!(answer.header("content-type").starts_with("text/html"), "{path}");
    Page::of(&answer.body)
}

/// Of the article that founded it, too.
fn story_id() -> String {
    id_of("harbour-post", "strait")
}

fn story() -> String {
    format!("/stories/{}", story_id())
}

fn article() -> String {
    format!("/articles/{}", story_id())
}

#[tokio::test(flavor = "multi_thread")]
async fn today_leads_with_threats_and_says_who_threatens_whom() {
    let newsroom = Newsroom::open().await;
    let today = page(&newsroom, "/").await;
    assert_eq!(today.texts("h1"), ["1 threat, 2 warnings, 2 attacks"]);
    assert_eq!(today.texts(".kind")[0], "threat");
    let who = &today.texts(".st .who")[0];
    assert!(who.contains("Northern Front") && who.contains("threatens"), "{who}");
    assert!(who.contains("oil tankers") && who.contains("Kestrel Strait"), "{who}");
    assert_eq!(today.texts(".st .right")[0], "3 sources · 1 copy");
    let foot = &today.texts(".st .foot")[0];
    assert!(foot.contains("first The Harbour Post 01:00"), "{foot}");
    assert!(foot.contains("latest Le Phare du Nord 06:00"), "{foot}");
    assert!(today.attributes(".st .story", "href").contains(&story()));
    assert_eq!(today.texts("blockquote .actor")[0], "Northern Front");
    assert_eq!(today.texts("blockquote .trigger")[0], "would sink");
}

#[tokio::test(flavor = "multi_thread")]
async fn today_shows_only_the_kinds_and_domains_chosen() {
    let newsroom = Newsroom::open().await;
    let today = page(&newsroom, "/?kind=attack&kind=claim&domain=cyber").await;
    assert_eq!(today.texts(".st .kind"), ["attack", "claim"]);
    assert_eq!(today.texts(".chip.on"), ["attack", "claim", "cyber"]);
    let energy = page(&newsroom, "/?sector=/energy").await;
    let whole = today_rows(&newsroom, "/").await;
    assert!(!energy.texts(".st").is_empty() && energy.texts(".st").len() < whole);
    assert_eq!(energy.texts(".chip.on"), ["Energy ×"]);
    assert!(energy.attributes(".chip", "href").contains(&"/?sector=%2Fenergy&kind=threat".into()));
    let none = page(&newsroom, "/?domain=political").await;
    assert_eq!(none.texts(".empty h2"), ["Nothing of that kind"]);
}

async fn today_rows(newsroom: &Newsroom, path: &str) -> usize {
    page(newsroom, path).await.texts(".st").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn today_shows_the_latest_when_nothing_is_new() {
    let mut old = crate::newsroom::all();
    for draft in &mut old {
        draft.article.published_at = draft.article.published_at.map(|it| it - TimeDelta::days(9));
    }
    let newsroom = Newsroom::with(old).await;
    let today = page(&newsroom, "/").await;
    assert!(
        today.texts("h1")[0].starts_with("Nothing new since yesterday"),
        "{:?}",
        today.texts("h1")
    );
    assert!(!today.texts(".st").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn today_parts_what_is_new_from_what_its_story_told_before() {
    let mut drafts = crate::newsroom::all();
    let first = drafts.iter_mut().find(|it| it.article.id.to_string() == story_id());
    let first = first.expect("the article that founded the story");
    first.article.published_at = Some(now() - TimeDelta::days(3));
    let newsroom = Newsroom::with(drafts).await;
    let today = page(&newsroom, "/").await;
    assert_eq!(today.texts("h1"), ["1 warning, 2 attacks"], "the threat is three days old");
    let new = today.texts("section[aria-labelledby=new-h] .st .kind");
    assert!(!new.contains(&"threat".to_owned()) && new.contains(&"warning".to_owned()), "{new:?}");
    assert_eq!(today.texts("section[aria-labelledby=again-h] .st .kind"), ["threat"]);
    assert_eq!(today.texts(".tag.again"), ["repeated · since 9 Jan 08:00"]);
    let foot = &today.texts("section[aria-labelledby=again-h] .foot")[0];
    assert!(foot.contains("first The Harbour Post 9 Jan 08:00"), "{foot}");
    assert!(foot.contains("latest Le Phare du Nord 06:00"), "{foot}");
    assert!(today.attributes(".foot a", "href").contains(&article()), "the first is linked");
    let threats = page(&newsroom, "/?kind=threat").await;
    assert_eq!(threats.texts("h1"), ["Nothing new since yesterday; repeated: 1 threat"]);
    assert!(threats.texts(".empty").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_archive_says_what_happens_next() {
    let newsroom = Newsroom::with(Vec::new()).await;
    let today = page(&newsroom, "/").await;
    assert_eq!(today.texts(".empty h2"), ["No article has arrived yet"]);
    let search = page(&newsroom, "/search").await;
    assert_eq!(search.texts(".empty h2"), ["No article is searchable yet"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_statements_the_latest_stories_are_shown() {
    let mut peaceful = crate::newsroom::all();
    for draft in &mut peaceful {
        draft.annotation.statements.clear();
    }
    let newsroom = Newsroom::with(peaceful).await;
    let today = page(&newsroom, "/").await;
    assert_eq!(today.texts(".empty h2"), ["No hostile statement found yet"]);
    assert_eq!(today.texts(".hit h3").len(), 5);
    assert!(today.texts(".hit .meta")[0].starts_with("4 articles by 4 sources"));
    let story = page(&newsroom, &story()).await;
    assert_eq!(story.texts(".line > li").len(), 3, "the timeline is there without statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn search_finds_marks_counts_and_folds_by_story() {
    let newsroom = Newsroom::open().await;
    let found = page(&newsroom, "/search?q=tankers").await;
    assert!(found.texts("mark").iter().any(|it| it == "tankers"), "{:?}", found.texts("mark"));
    assert_eq!(found.texts(".hit").len(), 1, "three articles of one story are one hit");
    assert_eq!(found.texts(".hit .rest"), ["2 more articles"]);
    let facets = found.texts(".facets h2");
    for facet in ["Sector", "Statement", "Who", "Whom", "Source", "Country", "Language"] {
        assert!(facets.iter().any(|it| it == facet), "no facet {facet} in {facets:?}");
    }
    assert_eq!(found.texts(".days title").len(), 1);
    let narrowed = page(&newsroom, "/search?q=tankers&source=meridian").await;
    assert_eq!(narrowed.texts(".bar b"), ["1 article in 1 story"]);
    assert!(narrowed.texts(".hit .rest").is_empty(), "those that do not match are not counted");
    assert_eq!(narrowed.texts(".ask .chip.on"), ["source: Meridian Wire ×"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_of_many_articles_stands_once_over_three_pages() {
    let draft = |slug: String, hours: i64| {
        Draft::new("meridian", &slug, hours, "Dam breached", "The dam was breached at night.")
    };
    // An article of the long story is between any two others.
    let long = |n: i64| draft(format!("long-{n}"), 1 + 2 * n).in_story("meridian", "long-0");
    let mut drafts: Vec<Draft> = (0..13).map(long).collect();
    drafts.extend((0..8).map(|n| draft(format!("other-{n}"), 2 * n)));
    let newsroom = Newsroom::with(drafts).await;
    for sort in ["relevance", "newest", "oldest"] {
        let mut next = Some(format!("/search?q=dam&sort={sort}&limit=3"));
        let (mut stories, mut rest, mut n_pages) = (Vec::new(), Vec::new(), 0);
        while let Some(path) = next {
            let found = page(&newsroom, &path).await;
            stories.extend(found.attributes(".hit .meta a[href^='/stories/']", "href"));
            rest.extend(found.texts(".hit .rest"));
            next = found.attributes(".pages a[rel=next]", "href").pop();
            n_pages += 1;
        }
        let distinct: std::collections::BTreeSet<&String> = stories.iter().collect();
        assert_eq!((n_pages, stories.len(), distinct.len()), (3, 9, 9), "{sort}: {stories:?}");
        assert_eq!(rest, ["12 more articles"], "{sort}");
    }

    let found = page(&newsroom, "/search?q=dam").await;
    assert_eq!(found.texts(".bar b"), ["21 articles in 9 stories"]);
    let story = page(&newsroom, &found.attributes(".hit .rest a", "href")[0]).await;
    assert_eq!((story.texts(".hit").len(), story.texts(".bar b")[0].as_str()), (13, "13 articles"));
    let all = found.attributes(".bar a[href*=by_story]", "href");
    assert_eq!(all, ["/search?q=dam&by_story=false"]);
    assert_eq!(page(&newsroom, &all[0]).await.texts(".bar b"), ["21 articles"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_query_is_pointed_at() {
    let newsroom = Newsroom::open().await;
    let answer = newsroom.browse("/search?q=power%20acter:iran").await;
    assert_eq!(answer.status, 400);
    let page = Page::of(&answer.body);
    assert_eq!(page.attributes("#q", "value"), ["power acter:iran"], "the query stays in its box");
    assert_eq!(page.texts(".oops pre b"), ["acter", "^^^^^"]);
    assert!(
        page.texts(".oops p")[0].contains("Did you mean power actor:iran?"),
        "{:?}",
        page.texts(".oops p")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_result_offers_what_would_find_something() {
    let newsroom = Newsroom::open().await;
    let empty = page(&newsroom, "/search?q=tankers&country=JP").await;
    assert_eq!(empty.texts(".empty h2"), ["No article matches"]);
    assert_eq!(empty.texts(".empty li a"), ["Without country: JP (3 articles)"]);
    assert_eq!(empty.attributes(".empty li a", "href"), ["/search?q=tankers"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_results_follow_each_other() {
    let newsroom = Newsroom::open().await;
    let first = page(&newsroom, "/search?sort=newest&limit=3").await;
    let next = first.attributes(".pages a[rel=next]", "href");
    let second = page(&newsroom, &next[0]).await;
    let (one, two) =
        (first.attributes(".hit h3 a", "href"), second.attributes(".hit h3 a", "href"));
    assert!(!two.is_empty() && two.iter().all(|it| !one.contains(it)), "{one:?} {two:?}");
    assert_eq!(second.texts(".pages a[rel=first]"), ["← First page"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_shows_its_timeline_with_copies_folded() {
    let newsroom = Newsroom::open().await;
    let story = page(&newsroom, &story()).await;
    assert_eq!(
        story.texts("h1"),
        ["Northern Front threatens to sink tankers in the Kestrel Strait"]
    );
    assert!(
        story.texts(".deck")[0].starts_with("4 articles by 4 sources"),
        "{:?}",
        story.texts(".deck")
    );
    assert_eq!(story.texts(".line > li").len(), 3);
    assert_eq!(story.texts(".line summary"), ["1 copy"]);
    assert_eq!(story.texts(".st .kind"), ["threat", "warning"]);
    assert_eq!(story.texts(".st summary"), ["2 more sentences that say so"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_readable_and_marked() {
    let newsroom = Newsroom::open().await;
    let article = page(&newsroom, &article()).await;
    let paragraphs = article.texts(".text > p");
    assert_eq!(paragraphs.len(), 4);
    assert!(
        paragraphs[0].contains("A commander of the Northern Front said on Sunday"),
        "{paragraphs:?}"
    );
    assert_eq!(article.texts("#s1 .actor"), ["Northern Front"]);
    assert_eq!(article.texts("#s1 .trigger"), ["would sink"]);
    assert_eq!(article.texts("#s1 .target"), ["oil tankers", "Kestrel Strait"]);
    assert_eq!(article.texts("#s2 .means"), ["sea drones"]);
    let tips = article.attributes(".read a.m", "data-tip");
    assert!(
        tips.contains(
            &"actor of statement 1\nNorthern Front · threat group · 97\u{202f}%".to_owned()
        ),
        "{tips:?}"
    );
    assert_eq!(article.texts(".side .st").len(), 2);
    let facts = article.texts("dl.facts dd");
    assert!(facts.iter().any(|it| it.starts_with("9f86d081")), "{facts:?}");
    assert_eq!(
        article.attributes("a[rel~=external]", "href")[0],
        "https://harbour-post.example/strait"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_indicators_of_an_article_are_listed_defanged_and_lead_to_a_search() {
    let mut many = Draft::new("meridian", "many", 3, "Hosts", "");
    many.article.text = (1..=120).map(|n| format!("10.1.1.{n} ")).collect();
    let newsroom = Newsroom::with(vec![patch(), many]).await;
    let path = format!("/articles/{}", id_of("meridian", "patch"));
    let article = page(&newsroom, &path).await;
    let expected =
        ["CVE-2024-3400", "203[.]0[.]113[.]9", "hxxps://evil[.]example[.]com/gate[.]php"];
    assert_eq!(article.texts(".indicators dd"), expected);
    for link in article.attributes(".indicators a", "href") {
        let found = page(&newsroom, &link).await;
        let titles = found.texts("main").remove(0);
        assert!(titles.contains("Firewalls of two ports"), "{link}");
    }
    let many = page(&newsroom, &format!("/articles/{}", id_of("meridian", "many"))).await;
    assert_eq!(many.texts(".indicators h2"), ["Indicators 120"]);
    assert_eq!(many.texts(".indicators dd").len(), 100);
    assert_eq!(many.texts(".indicators p"), ["and 20 more"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entity_can_be_followed() {
    let newsroom = Newsroom::open().await;
    let entity = page(&newsroom, &format!("/entities/{}", FRONT.0)).await;
    assert_eq!(entity.texts("h1"), ["Northern Front"]);
    assert_eq!(entity.texts(".over"), ["threat group"]);
    assert!(entity.texts(".tag").contains(&"Front du Nord".to_owned()));
    assert_eq!(entity.texts(".st .kind"), ["threat", "warning"]);
    assert_eq!(entity.texts(".lined").len(), 4, "the articles that name it, from the index");
    assert_eq!(entity.texts(".mini .middle").len(), 1, "itself in the middle of a small graph");
    let joined = entity.texts(".mini a title");
    assert!(
        joined.contains(&"Northern Front threatens Kestrel Strait, 3 sources".to_owned()),
        "{joined:?}"
    );
    let arrows = entity.texts(".mini .loud polygon, .mini .hedged polygon");
    assert!(!arrows.is_empty(), "the hostile ones are arrows: {joined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_and_help_are_pages_too() {
    let newsroom = Newsroom::open().await;
    let sources = page(&newsroom, "/sources").await;
    assert_eq!(sources.texts("tbody tr").len(), 6);
    assert_eq!(sources.texts("tbody .tag.sample"), ["sample"]);
    let help = page(&newsroom, "/help").await;
    assert!(!help.texts("#keys kbd").is_empty());
    for href in help.attributes("#query td a", "href") {
        assert_eq!(newsroom.browse(&href).await.status, 200, "the example {href} is understood");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sample_articles_are_labelled_and_lead_nowhere_outside() {
    let newsroom = Newsroom::open().await;
    let article =
        page(&newsroom, &format!("/articles/{}", id_of("sample-gazette", "bridge"))).await;
    assert!(article.texts(".over")[0].contains("sample wire"));
    assert!(article.attributes("a[rel~=external]", "href").is_empty());
    let found = page(&newsroom, "/search?q=bridge").await;
    assert_eq!(found.texts(".hit .tag.sample"), ["sample"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_link_of_ours_leads_somewhere() {
    let newsroom = Newsroom::open().await;
    let mut waiting = vec!["/".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = waiting.pop() {
        let path = path.split('#').next().unwrap_or_default().to_owned();
        if path.is_empty() || seen.len() > 150 || !seen.insert(path.clone()) {
            continue;
        }
        let answer = newsroom.browse(&path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        if answer.header("content-type").starts_with("text/html") {
            let page = Page::of(&answer.body);
            let links = [("a", "href"), ("link", "href"), ("script", "src")]
                .map(|(element, name)| page.attributes(element, name));
            waiting.extend(links.into_iter().flatten().filter(|it| it.starts_with('/')));
        }
    }
    assert!(seen.len() > 60, "only {} pages", seen.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_article_cut_off_by_a_paywall_says_so_and_shows_no_picture_of_others() {
    let mut draft = Draft::new("meridian", "sold", 2, "Sold", "The first lines of it are free.");
    draft.article.details = ingest::Details {
        modified_at: Some(now() - TimeDelta::hours(1)),
        image: Some("https://meridian.example/lead.jpg".to_owned()),
        section: Some("Energy".to_owned()),
        tags: vec!["grid".to_owned(), "winter".to_owned()],
        is_paywall_stub: true,
        n_pages: 2,
    };
    let newsroom = Newsroom::with(vec![draft]).await;
    let article = page(&newsroom, &format!("/articles/{}", id_of("meridian", "sold"))).await;
    let notes = article.texts("article .note");
    assert!(notes.iter().any(|it| it.starts_with("Paywall: this is only what")), "{notes:?}");
    assert!(article.texts(".byline")[0].contains("updated"), "{:?}", article.texts(".byline"));
    let facts = article.texts(".facts dd").join(" | ");
    for part in ["Energy", "grid, winter", "put together from 2 pages, up to a paywall"] {
        assert!(facts.contains(part), "no {part} in {facts}");
    }
    assert!(article.attributes("a", "href").contains(&"https://meridian.example/lead.jpg".into()));
    assert!(article.attributes("img", "src").is_empty());
}
