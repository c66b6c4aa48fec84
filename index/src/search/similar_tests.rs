//! Places and indicators, one hit per story, articles like another, words that tell.

use super::tests::{Fixture, order, query};
use super::*;
use crate::record::StoredArticle;
use crate::testing::{With, article, at};

#[test]
fn places_and_indicators_are_fields() {
    let fixture = Fixture::of(&[
        article("x.example/kyiv", "Strikes", "Kyiv was hit.").place("Kyiv", ("city:1", "Kyiv")),
        article("x.example/people", "Ukrainians", "Ukrainians spoke of Kyiv.")
            .mention("Ukrainians", ("country:UA", "Ukraine")),
        article("x.example/ioc", "Patch now", "CVE-2024-3400 is used from evil[.]example[.]com."),
    ]);
    fixture.check("place:kyiv", &["kyiv"]);
    fixture.check("where:\"city:1\"", &["kyiv"]);
    fixture.check("place:ukraine", &[]);
    fixture.check("place:*", &["kyiv"]);
    fixture.check("indicator:cve-2024-3400", &["ioc"]);
    fixture.check("ioc:evil.example.com", &["ioc"]);
    fixture.check("indicator:evil[.]example[.]com", &["ioc"]);
    fixture.check("indicator:*", &["ioc"]);
    fixture.check("indicator:example.org", &[]);
}

/// Three stories and an article without one; the words of the first story are seen most.
fn stories() -> Vec<StoredArticle> {
    let text = |n: usize| format!("The pipeline leaked {} today.", "oil ".repeat(n));
    let in_story = |path: &str, n: usize, story: &str, day: &str| {
        article(&format!("x.example/{path}"), "", &text(n)).story(story).published(Some(at(day)))
    };
    vec![
        in_story("a1", 1, "a", "2026-01-10"),
        in_story("a2", 9, "a", "2026-01-10"),
        in_story("a3", 3, "a", "2026-01-12"),
        in_story("b1", 5, "b", "2026-01-11"),
        in_story("c1", 2, "c", "2026-01-10"),
        article("x.example/alone", "", &text(4)).published(Some(at("2026-01-09"))),
    ]
}

#[test]
fn by_story_the_best_article_of_each_is_a_hit_and_paging_repeats_none() {
    let fixture = Fixture::of(&stories());
    let mut request = SearchRequest { by_story: true, sort: Sort::Newest, ..query("oil") };
    let all = fixture.search(&request);
    assert_eq!(order(&all), ["a3", "b1", "c1", "alone"]);
    assert_eq!((all.total, all.n_stories), (6, Some(4)));
    let n_in_story: Vec<_> = all.hits.iter().filter_map(|it| it.n_in_story).collect();
    assert_eq!(n_in_story, [3, 1, 1, 1]);

    request.sort = Sort::Relevance;
    let by_score = order(&fixture.search(&request));
    assert_eq!((by_score.len(), by_score[0].as_str()), (4, "a2"));
    request.limit = 1;
    let mut paged = Vec::new();
    loop {
        let page = fixture.search(&request);
        paged.extend(order(&page));
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    assert_eq!(paged, by_score);
}

fn port_articles() -> Vec<StoredArticle> {
    let mut articles: Vec<StoredArticle> = (0..40)
        .map(|n| {
            let text = format!("The market rose by {n} points while the weather stayed mild.");
            article(&format!("x.example/other{n:02}"), "Markets", &text)
        })
        .collect();
    articles.extend([
        article(
            "x.example/ransom",
            "Ransomware closes the port of Rotterdam",
            "Ransomware encrypted the cranes; the port of Rotterdam stays closed then, dockers wait.",
        ),
        article(
            "x.example/dockers",
            "Dockers wait as cranes stand still",
            "Ransomware keeps the cranes of Rotterdam encrypted. Dockers wait then.",
        ),
        article(
            "x.example/cranes",
            "Cranes encrypted",
            "A gang says then that its ransomware encrypted cranes in Rotterdam.",
        )
        .published(Some(at("2026-01-15"))),
    ]);
    articles
}

#[test]
fn articles_like_another_share_its_characteristic_words() {
    let articles = port_articles();
    let id = articles[40].article.id.to_string();
    let fixture = Fixture::of(&articles);
    let like = |q: &str| SearchRequest { like: Some(id.clone()), ..query(q) };
    assert_eq!(order(&fixture.search(&like(""))), ["dockers", "cranes"]);
    assert_eq!(order(&fixture.search(&like("gang"))), ["cranes"]);
    assert_eq!(order(&fixture.search(&like("published:>2026-01-12"))), ["cranes"]);
    let unknown = SearchRequest { like: Some("0".repeat(32)), ..query("") };
    let refused = fixture.stage.search_index().search(&unknown, at("2026-01-20"));
    assert!(matches!(refused, Err(SearchError::Like(_))), "{refused:?}");
}

#[test]
fn words_that_tell_are_those_more_frequent_than_usual() {
    let fixture = Fixture::of(&port_articles());
    let request = SearchRequest { significant: 4, limit: 0, ..query("ransomware") };
    let found = fixture.search(&request);
    let words: Vec<&str> = found.significant.iter().map(|it| it.word.as_str()).collect();
    assert_eq!((words.len(), found.hits.len()), (3, 0), "{words:?}");
    for word in ["rotterdam", "cranes", "encrypted"] {
        assert!(words.contains(&word), "{word} is not among {words:?}");
    }
    assert!(found.significant.iter().all(|it| it.share == 1.0 && it.usual_share < 0.1));
    assert_eq!(found.next_cursor, None);
    assert!(fixture.search(&query("ransomware")).significant.is_empty());
}
