//! Pages while articles come: no hit twice, none left out that was there all the time.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::tests::{Fixture, order, query};
use super::*;
use crate::record::StoredArticle;
use crate::testing::{With, article, at};

/// Articles of many scores; number 60 and after have those of 0 and after.
fn articles(n: usize) -> Vec<StoredArticle> {
    let one = |n: usize| {
        let text = [("grid ", 5), ("power ", 3), ("attack ", 4), ("filler ", 2)]
            .map(|(word, n_different)| word.repeat(1 + n % n_different))
            .concat();
        let day = at("2026-01-01") + TimeDelta::hours(7 * (n as i64 % 60));
        article(&format!("x.example/{n}"), "", &text).published(Some(day))
    };
    (0..n).map(one).collect()
}

/// Articles that come later. They make two of the words common and all texts longer.
fn late(round: usize) -> Vec<StoredArticle> {
    let one = |n: usize| {
        let text = "grid grid power and what is said about it ".repeat(1 + n);
        article(&format!("x.example/late-{round}-{n}"), "", &text)
    };
    (0..12).map(one).collect()
}

#[track_caller]
fn check_complete(seen: &[String], n: usize) {
    let distinct: BTreeSet<String> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "some came twice: {seen:?}");
    let expected: BTreeSet<String> = (0..n).map(|it| it.to_string()).collect();
    assert_eq!(distinct, expected);
}

fn by_relevance() -> SearchRequest {
    SearchRequest { limit: 10, aggs: false, ..query("grid power attack") }
}

#[test]
fn a_reader_keeps_the_order_of_the_first_page_however_many_others_read() {
    let mut fixture = Fixture::of(&articles(40));
    let all = fixture.search(&SearchRequest { limit: 200, ..by_relevance() });
    let (mut seen, mut cursor) = (Vec::new(), None);
    for round in 0.. {
        let page = fixture.search(&SearchRequest { cursor, ..by_relevance() });
        seen.extend(order(&page));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
        for commit in 0..6 {
            fixture.add(&late(10 * round + commit));
            let other = SearchRequest { limit: 1, aggs: false, ..query("grid") };
            assert!(fixture.search(&other).next_cursor.is_some());
        }
    }
    assert_eq!(seen, order(&all));
}

#[test]
fn pages_go_on_after_a_restart_and_in_another_worker() {
    let mut fixture = Fixture::of(&articles(137));
    let (mut seen, mut cursor) = (Vec::new(), None);
    for round in 0.. {
        // A handle of its own knows no earlier state.
        let request = SearchRequest { cursor, ..by_relevance() };
        let page = fixture.reader().search(&request, at("2026-01-20")).unwrap();
        seen.extend(order(&page));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
        fixture.add(&late(round));
    }
    check_complete(&seen, 137);
}

#[test]
fn a_story_is_not_lost_when_its_next_article_comes_while_pages_are_read() {
    let in_story = |path: &str, story: &str, day: &str| {
        let article = article(&format!("x.example/{path}"), "", "The grid.");
        article.story(story).published(Some(at(day)))
    };
    let mut fixture = Fixture::of(&[
        in_story("0", "a", "2026-01-10"),
        in_story("1", "b", "2026-01-09"),
        in_story("2", "c", "2026-01-08"),
        in_story("3", "d", "2026-01-07"),
    ]);
    let request = SearchRequest { by_story: true, sort: Sort::Newest, limit: 2, ..query("grid") };
    let first = fixture.search(&request);
    assert_eq!(order(&first), ["0", "1"]);
    fixture.add(&[in_story("4", "d", "2026-01-12")]);
    let second = fixture.search(&SearchRequest { cursor: first.next_cursor, ..request });
    assert_eq!(order(&second), ["2", "3"]);
}
