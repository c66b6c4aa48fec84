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
fn each_story_comes_once_though_the_best_of_it_changes_and_the_worker_too() {
    let told = |story: usize, n: usize, day: &str, words: &str| {
        let article = article(&format!("x.example/{story}-{n}"), "", words);
        article.story(&format!("s{story}")).published(Some(at(day)))
    };
    for sort in [Sort::Relevance, Sort::Newest, Sort::Oldest] {
        let first = |n: usize| {
            let day = format!("2026-01-{:02}", 1 + n % 9);
            told(n % 12, n, &day, &"grid power filler ".repeat(1 + n % 7))
        };
        let mut fixture = Fixture::of(&(0..36).map(first).collect::<Vec<_>>());
        let request = SearchRequest { by_story: true, sort, limit: 5, ..query("grid power") };
        let (mut seen, mut cursor, mut n_in_story) = (Vec::new(), None, 3);
        for round in 0.. {
            // A handle of its own knows no earlier state, as after a restart.
            let request = SearchRequest { cursor, ..request.clone() };
            let page = fixture.reader().search(&request, at("2026-01-20")).unwrap();
            assert_eq!(page.n_stories, Some(12));
            assert!(page.hits.iter().all(|it| it.n_in_story == Some(n_in_story)), "{sort:?}");
            seen.extend(page.hits.into_iter().filter_map(|it| it.story));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
            // Whatever the order goes by, every story is before all that were given.
            let early = |story: usize| told(story, 100 + 2 * round, "2025-12-01", "grid power");
            let late = |story: usize| told(story, 101 + 2 * round, "2026-01-19", "grid power");
            fixture.add(&(0..12).flat_map(|it| [early(it), late(it)]).collect::<Vec<_>>());
            n_in_story += 2;
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (12, 12), "{sort:?}: {seen:?}");
    }
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
