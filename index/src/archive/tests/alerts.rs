use std::sync::Arc;

use config::{AlertUnit, Channel, Delivery, GazetteerEntity, GazetteerKind, SavedSearch, SearchId};
use ingest::Article;
use nlp::EntityRef;
use nlp::correction::Correction;

use super::world::{World, at, correlated, entity, id, on_each_database, threat, threatening};
use crate::archive::alerts::{AlertEdit, AlertFilter, AlertState, Match, MatchItem};
use crate::archive::annotations::CorrelatedArticle;
use crate::archive::searches::{Expect, Saved};
use crate::archive::story_edits::StoryEdit;
use crate::archive::versions::{Reading, Reread};
use crate::countries::Countries;
use crate::matching::Reason;
use crate::matching::novelty::claims;

pub(super) fn webhook(n: u32) -> Delivery {
    let to = Some(format!("https://soc-{n}.example/hook"));
    Delivery { channel: Channel::Webhook, to, to_secret: None, signing_secret: None }
}

pub(super) fn search(unit: AlertUnit) -> SavedSearch {
    SavedSearch { unit, deliver: vec![webhook(1)], ..SavedSearch::new("grid", "power") }
}

/// The match of `search` with article `n`.
pub(super) fn matched(search: &SavedSearch, n: u32) -> Match {
    let reason = Reason {
        clause: "power".to_owned(),
        alias: "powers".to_owned(),
        sentence: "Powers rose.".to_owned(),
    };
    let claims = match search.unit {
        AlertUnit::Statement => claims(&threat(), |_| None),
        _ => Vec::new(),
    };
    let place = if claims.is_empty() { String::new() } else { "b0".to_owned() };
    Match {
        search: search.clone(),
        search_created_at: at(0),
        article: id(n),
        title: format!("Headline {n}"),
        url: format!("https://wire.example/{n}"),
        source: "wire".into(),
        source_name: "The wire".to_owned(),
        dated_at: at(n.into()),
        items: vec![MatchItem { place, sentence: String::new(), reasons: vec![reason], claims }],
    }
}

pub(super) async fn record(world: &World, batch: &[CorrelatedArticle], matches: &[Match]) -> usize {
    let recorded = world.archive.record_annotations_and_alerts(batch, matches, at(100)).await;
    recorded.unwrap().alerts.len()
}

async fn n_alerts(world: &World) -> usize {
    let page = world.archive.alerts(&AlertFilter::default(), None, 100).await.unwrap();
    page.items.len()
}

#[tokio::test]
async fn saved_searches_are_kept_changed_and_deleted() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let mut grid = search(AlertUnit::Story);
        let save =
            async |it: &SavedSearch, expect| archive.save_search(it, expect, at(1)).await.unwrap();
        assert_eq!(save(&grid, Expect::Known).await, Saved::Missing);
        assert_eq!(save(&grid, Expect::New).await, Saved::Created);
        assert_eq!(save(&grid, Expect::New).await, Saved::Exists);
        let (changes, version) = archive.search_changes(0, 10).await.unwrap();
        assert_eq!(changes[0].search.as_ref(), Some(&grid));
        grid.name = "Renamed".to_owned();
        assert_eq!(save(&grid, Expect::Known).await, Saved::Replaced);
        let (changes, version) = archive.search_changes(version, 10).await.unwrap();
        assert_eq!(changes[0].search.as_ref(), Some(&grid));
        assert_eq!(archive.saved_search("grid").await.unwrap().unwrap().search, grid);

        // What the file declares cannot be changed elsewhere, and goes when the file drops it.
        let declared = [SavedSearch::new("declared", "x"), grid.clone()];
        assert_eq!(archive.sync_searches(&declared, at(2)).await.unwrap(), 2);
        assert_eq!(archive.sync_searches(&declared, at(2)).await.unwrap(), 0);
        assert_eq!(save(&grid, Expect::Known).await, Saved::Declared);
        let among = archive.saved_searches_among(&["grid", "unknown", "declared"]).await.unwrap();
        let among: Vec<&str> = among.iter().map(|it| it.search.id.as_str()).collect();
        assert_eq!(among, ["declared", "grid"]);
        let declared_id = SearchId::new("declared");
        let deleted = archive.delete_search(&declared_id, at(3)).await.unwrap();
        assert_eq!(deleted, Saved::Declared);
        assert_eq!(archive.counts().await.unwrap().n_searches, 2);
        assert_eq!(archive.sync_searches(&[], at(3)).await.unwrap(), 2);
        assert_eq!(archive.saved_searches("", 10).await.unwrap(), []);
        assert_eq!(archive.saved_searches_among(&["grid"]).await.unwrap(), []);
        assert_eq!(archive.counts().await.unwrap().n_searches, 0, "deleted ones do not count");
        let (changes, _) = archive.search_changes(version, 10).await.unwrap();
        assert!(changes.iter().all(|it| it.search.is_none()), "{changes:?}");
    })
    .await;
}

#[tokio::test]
async fn an_article_alerts_once_and_only_when_it_is_first_annotated() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let grid = search(AlertUnit::Article);
        let (one, two) = (correlated(1, 1, &[]), correlated(2, 2, &[]));
        assert_eq!(record(world, std::slice::from_ref(&one), &[matched(&grid, 1)]).await, 1);
        assert_eq!(record(world, std::slice::from_ref(&one), &[matched(&grid, 1)]).await, 0);
        // Annotated without a match: a search that is saved later does not look back.
        assert_eq!(record(world, std::slice::from_ref(&two), &[]).await, 0);
        world.archive.clear_annotations().await.unwrap();
        assert_eq!(record(world, &[two], &[matched(&grid, 2)]).await, 0);
        assert_eq!(n_alerts(world).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_story_alerts_once_however_many_articles_it_has() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let grid = search(AlertUnit::Story);
        let batch = [correlated(1, 1, &[]), correlated(2, 1, &[])];
        let matches = [matched(&grid, 1), matched(&grid, 2)];
        assert_eq!(record(world, &batch, &matches).await, 1);
        assert_eq!(record(world, &[correlated(3, 3, &[])], &[matched(&grid, 3)]).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_story_that_took_in_another_does_not_alert_again() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let grid = search(AlertUnit::Story);
        let batch = [correlated(1, 1, &[]), correlated(2, 2, &[])];
        assert_eq!(record(world, &batch, &[matched(&grid, 2)]).await, 1);
        let story = |n| correlated(n, n, &[]).story;
        world.archive.merge_stories(&story(2), &story(1), at(1)).await.unwrap();
        assert_eq!(record(world, &[correlated(3, 1, &[])], &[matched(&grid, 3)]).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_statement_alerts_once_in_its_window() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let mut grid = search(AlertUnit::Statement);
        grid.novelty_days = 1;
        let batch = [threatening(1, 1), threatening(2, 2)];
        let matches = [matched(&grid, 1), matched(&grid, 2)];
        assert_eq!(record(world, &batch, &matches).await, 1);
        let mut later = matched(&grid, 3);
        later.dated_at = at(2 * 24 * 60);
        assert_eq!(record(world, &[threatening(3, 3)], &[later]).await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_article_that_comes_late_does_not_make_what_was_told_old() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let mut grid = search(AlertUnit::Statement);
        grid.novelty_days = 1;
        let tell = async |n: u32, day: i64| {
            let dated = Match { dated_at: at(day * 24 * 60), ..matched(&grid, n) };
            record(world, &[threatening(n, n)], &[dated]).await
        };
        assert_eq!(tell(1, 9).await, 1);
        assert_eq!(tell(2, 5).await, 1, "days before that it was news");
        assert_eq!(tell(3, 9).await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_original_that_comes_late_does_not_tell_again_what_its_copies_told() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let day = |n: u32| n * 24 * 60 + 1;
        let (copy, original) = (day(9), day(2));
        world.store([copy, original]).await;
        let mut grid = search(AlertUnit::Statement);
        grid.novelty_days = 1;
        let told = threatening(copy, copy);
        assert_eq!(record(world, &[told], &[matched(&grid, copy)]).await, 1);
        let late = CorrelatedArticle { copy_of: Some(id(copy)), ..threatening(original, copy) };
        assert_eq!(record(world, &[late], &[matched(&grid, original)]).await, 0);
        let story = correlated(copy, copy, &[]).story;
        let found = world.archive.story(&story).await.unwrap().unwrap();
        let copies: Vec<_> = found.articles.iter().map(|it| it.copy_of).collect();
        assert_eq!(copies, [None, Some(id(original))]);
    })
    .await;
}

#[tokio::test]
async fn other_wordings_of_what_an_article_tells_are_known_with_it() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let grid = search(AlertUnit::Statement);
        let aramco = EntityRef { id: "company:aramco".to_owned(), name: "Aramco".to_owned() };
        let item = |target: &str, entity: Option<&EntityRef>, place: &str| {
            let mut statement = threat();
            statement.sectors = vec!["/energy".into()];
            statement.targets[0].text = target.to_owned();
            statement.targets[0].entity = entity.cloned();
            let claims = claims(&statement, |_| None);
            MatchItem { place: place.to_owned(), claims, ..matched(&grid, 1).items.remove(0) }
        };
        let of = |n: u32, items: Vec<MatchItem>| Match { items, ..matched(&grid, n) };
        let headline = item("oil plants", None, "t0");
        let text = item("oil plants of Saudi Aramco", None, "b0");
        let first = of(1, vec![headline.clone(), text.clone()]);
        assert_eq!(record(world, &[threatening(1, 1)], &[first]).await, 1, "one is enough");
        let linked = of(2, vec![item("Saudi Aramco", Some(&aramco), "b0")]);
        assert_eq!(record(world, &[threatening(2, 1)], &[linked]).await, 0);
        let other = of(3, vec![item("Kuwait Oil", Some(&aramco), "b0")]);
        assert_eq!(record(world, &[threatening(3, 1)], &[other]).await, 1, "another name");
    })
    .await;
}

/// Article `n` of the story that `founder` founded, which names the threatened party only.
fn vaguely(search: &SavedSearch, n: u32, founder: u32) -> (CorrelatedArticle, Match) {
    let (mut article, mut matched) = (threatening(n, founder), matched(search, n));
    let statement = &mut article.annotation.statements[0];
    statement.actors.clear();
    matched.items[0].claims = claims(statement, |_| None);
    (article, matched)
}

/// Records article `n` as [`vaguely`] makes it; answers how many alerts it raised.
async fn record_vaguely(world: &World, search: &SavedSearch, n: u32, founder: u32) -> usize {
    let (article, matched) = vaguely(search, n, founder);
    record(world, &[article], &[matched]).await
}

#[tokio::test]
async fn what_was_told_is_not_told_again_in_the_story_that_took_the_other_in() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3, 4, 5, 6]).await;
        let grid = search(AlertUnit::Statement);
        let batch = [threatening(1, 1), correlated(2, 2, &[]), correlated(3, 3, &[])];
        assert_eq!(record(world, &batch, &[matched(&grid, 1)]).await, 1);
        assert_eq!(record_vaguely(world, &grid, 4, 2).await, 1, "it may be another threat");

        // Later evidence, and in the same batch an article of the story that ends.
        let story = |n| correlated(n, n, &[]).story;
        let bridge = CorrelatedArticle { merged: vec![story(1)], ..correlated(3, 3, &[]) };
        let (rewrite, its_match) = vaguely(&grid, 5, 1);
        assert_eq!(record(world, &[bridge, rewrite], &[its_match]).await, 0);
        assert_eq!(record_vaguely(world, &grid, 6, 3).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_told_is_not_told_again_where_an_analyst_moved_it() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3, 4]).await;
        let grid = search(AlertUnit::Statement);
        // Of two articles that say the same, only the first raises an alert.
        let batch = [threatening(1, 1), threatening(2, 1)];
        let matches = [matched(&grid, 1), matched(&grid, 2)];
        assert_eq!(record(world, &batch, &matches).await, 1);
        let story = correlated(1, 1, &[]).story;
        let split = world.archive.split_story(&story, &[id(2)], at(101)).await.unwrap();
        let StoryEdit::Done(new, 1) = split else { panic!("{split:?}") };
        let (article, its_match) = vaguely(&grid, 3, 1);
        let article = CorrelatedArticle { story: new, ..article };
        assert_eq!(record(world, &[article], &[its_match]).await, 0);
        assert_eq!(record_vaguely(world, &grid, 4, 1).await, 0, "nor in the other half");
    })
    .await;
}

#[tokio::test]
async fn what_was_told_is_not_told_again_when_all_stories_are_found_anew() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3, 4, 5]).await;
        let (grid, by_story) = (search(AlertUnit::Statement), search(AlertUnit::Story));
        let by_story = SavedSearch { id: SearchId::new("stories"), ..by_story };
        let batch = [correlated(1, 1, &[]), threatening(2, 1)];
        let matches = [matched(&grid, 2), matched(&by_story, 2)];
        assert_eq!(record(world, &batch, &matches).await, 2);
        world.archive.clear_annotations().await.unwrap();
        // The second article founds the story now, which therefore has another id.
        world.annotate(&[threatening(2, 2), correlated(1, 2, &[])]).await;
        assert_eq!(record_vaguely(world, &grid, 3, 2).await, 0);
        assert_eq!(record(world, &[correlated(4, 2, &[])], &[matched(&by_story, 4)]).await, 0);
        assert_eq!(record_vaguely(world, &grid, 5, 5).await, 1, "another story");
    })
    .await;
}

#[tokio::test]
async fn people_move_alerts_and_write_notes() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1]).await;
        let grid = search(AlertUnit::Article);
        record(world, &[correlated(1, 1, &[])], &[matched(&grid, 1)]).await;
        let archive = &world.archive;
        assert_eq!(archive.n_new_alerts().await.unwrap(), 1);
        let filter = AlertFilter { state: Some(AlertState::New), ..AlertFilter::default() };
        let alert = archive.alerts(&filter, None, 10).await.unwrap().items.remove(0);
        assert_eq!(alert.reasons[0].alias, "powers");
        let edit = AlertEdit {
            state: Some(AlertState::Escalated),
            note: Some("call them".to_owned()),
            assignee: Some("ann".to_owned()),
        };
        let edited = archive.edit_alert(&alert.id, &edit, at(200)).await.unwrap().unwrap();
        assert_eq!(edited.state, AlertState::Escalated);
        assert_eq!(edited.note.as_deref(), Some("call them"));
        let edit = AlertEdit { note: Some(String::new()), ..AlertEdit::default() };
        let edited = archive.edit_alert(&alert.id, &edit, at(201)).await.unwrap().unwrap();
        assert_eq!((edited.note, edited.assignee.as_deref()), (None, Some("ann")));
        assert_eq!(archive.n_new_alerts().await.unwrap(), 0);
        assert_eq!(archive.edit_alert("none", &edit, at(201)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_an_edit_adds_raises_an_alert_and_what_was_told_does_not() {
    on_each_database(async |world| {
        let grid = search(AlertUnit::Statement);
        world.declare(&["wire"]).await;
        world.store([1]).await;
        assert_eq!(record(world, &[correlated(1, 1, &[])], &[]).await, 0);
        let edit = async |n: u32| {
            let stored = world.archive.article(&id(1)).await.unwrap().unwrap().article;
            let text = format!("{}\nLine {n} was added to this article on Friday.", stored.text);
            let reading = Reading::Read(Box::new(Article { text, ..stored }));
            let reread = world.archive.record_reading(&id(1), &reading, at(101)).await.unwrap();
            assert_eq!(reread, Reread::Edited(n.into()));
        };
        edit(2).await;
        let matches = [matched(&grid, 1)];
        assert_eq!(record(world, &[threatening(1, 1)], &matches).await, 1, "new in version 2");
        edit(3).await;
        assert_eq!(record(world, &[threatening(1, 1)], &matches).await, 0, "told before");
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_an_edit_puts_in_the_place_of_another_alerts_once() {
    on_each_database(async |world| {
        let grid = search(AlertUnit::Statement);
        world.declare(&["wire"]).await;
        world.store([1]).await;
        let old = matched(&grid, 1);
        assert_eq!(record(world, &[threatening(1, 1)], std::slice::from_ref(&old)).await, 1);
        let edit = async |n: u32| {
            let stored = world.archive.article(&id(1)).await.unwrap().unwrap().article;
            let text = format!("Line {n} was put above the rest on Friday.\n{}", stored.text);
            let reading = Reading::Read(Box::new(Article { text, ..stored }));
            let reread = world.archive.record_reading(&id(1), &reading, at(101)).await.unwrap();
            assert_eq!(reread, Reread::Edited(n.into()));
        };
        // Another threat is the first statement now, and the one of before the second.
        let mut above = threat();
        above.targets[0].text = "Israelis".to_owned();
        above.targets[0].entity = Some(entity("country:il"));
        let mut edited = threatening(1, 1);
        edited.annotation.statements.insert(0, above.clone());
        let item = |place: &str, claims| MatchItem {
            place: place.to_owned(),
            claims,
            ..old.items[0].clone()
        };
        let first = item("b0", claims(&above, |_| None));
        let second = item("b1", claims(&threat(), |_| None));
        let matches = [Match { items: vec![first, second], ..old.clone() }];
        edit(2).await;
        assert_eq!(record(world, std::slice::from_ref(&edited), &matches).await, 1);
        assert_eq!(record(world, std::slice::from_ref(&edited), &matches).await, 0);
        edit(3).await;
        assert_eq!(record(world, &[edited], &matches).await, 0);
        assert_eq!(n_alerts(world).await, 2);
    })
    .await;
}

#[tokio::test]
async fn news_hold_all_alerts_of_an_article() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1]).await;
        let found = |n: u32| {
            let id = SearchId::new(format!("search-{n}"));
            let search = SavedSearch { id, deliver: Vec::new(), ..search(AlertUnit::Article) };
            matched(&search, 1)
        };
        let matches: Vec<Match> = (0..1_001).map(found).collect();
        assert_eq!(record(world, &[correlated(1, 1, &[])], &matches).await, 1_001);
        let news = world.archive.news_after(0, at(100), 10).await.unwrap();
        let mut told: Vec<String> = news.alerts.into_iter().map(|it| it.0).collect();
        told.sort();
        told.dedup();
        assert_eq!((news.articles.len(), told.len()), (1, 1_001));
    })
    .await;
}

#[tokio::test]
async fn a_search_that_is_deleted_and_saved_again_tells_all_anew() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3, 4]).await;
        let (statements, stories) = (search(AlertUnit::Statement), search(AlertUnit::Story));
        let stories = SavedSearch { id: SearchId::new("stories"), ..stories };
        for it in [&statements, &stories] {
            world.archive.save_search(it, Expect::New, at(0)).await.unwrap();
        }
        let both = |n| [matched(&statements, n), matched(&stories, n)];
        assert_eq!(record(world, &[threatening(1, 1)], &both(1)).await, 2);
        assert_eq!(record(world, &[threatening(2, 1)], &both(2)).await, 0);
        for it in [&statements, &stories] {
            world.archive.delete_search(&it.id, at(101)).await.unwrap();
            world.archive.save_search(it, Expect::New, at(102)).await.unwrap();
        }
        let anew = async |n| {
            let matches = both(n).map(|it| Match { search_created_at: at(102), ..it });
            let batch = [threatening(n, 1)];
            let recorded =
                world.archive.record_annotations_and_alerts(&batch, &matches, at(103)).await;
            recorded.unwrap().alerts.len()
        };
        assert_eq!(anew(3).await, 2);
        assert_eq!(anew(4).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_search_whose_deletion_is_taken_back_is_as_it_was_and_tells_nothing_anew() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let kept = search(AlertUnit::Statement);
        archive.save_search(&kept, Expect::New, at(0)).await.unwrap();
        assert_eq!(record(world, &[threatening(1, 1)], &[matched(&kept, 1)]).await, 1);
        let restore = async |since, minute| {
            archive.restore_search(&kept.id, at(since), at(minute)).await.unwrap()
        };
        assert_eq!(restore(0, 101).await, Saved::Exists);
        archive.delete_search(&kept.id, at(102)).await.unwrap();
        let id = kept.id.as_str();
        assert!(archive.deleted_search(id, at(103)).await.unwrap().is_none());
        let deleted = archive.deleted_search(id, at(102)).await.unwrap();
        assert_eq!(deleted.map(|it| it.search), Some(kept.clone()));
        assert_eq!(restore(103, 104).await, Saved::Missing, "too late");
        let (_, version) = archive.search_changes(0, 10).await.unwrap();
        assert_eq!(restore(102, 104).await, Saved::Replaced);
        let (changes, _) = archive.search_changes(version, 10).await.unwrap();
        assert_eq!(changes[0].search.as_ref(), Some(&kept), "matchers learn of it");
        assert_eq!(changes[0].created_at, at(0));
        assert_eq!(record(world, &[threatening(2, 1)], &[matched(&kept, 2)]).await, 0);

        archive.delete_search(&kept.id, at(105)).await.unwrap();
        archive.forget_deleted(at(106)).await.unwrap();
        let (changes, _) = archive.search_changes(0, 10).await.unwrap();
        assert_eq!(changes[0].search, None);
        assert_eq!(world.archive.saved_search(id).await.unwrap(), None);
        // For a clock that is behind there would be time left, but nothing is there to come back.
        assert_eq!(archive.deleted_search(id, at(100)).await.unwrap(), None);
        assert_eq!(restore(100, 106).await, Saved::Missing);
        assert_eq!(archive.saved_searches("", 10).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_was_told_is_forgotten_when_no_search_asks_for_it_any_more() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let mut grid = search(AlertUnit::Statement);
        grid.novelty_days = 3;
        world.archive.save_search(&grid, Expect::New, at(0)).await.unwrap();
        assert_eq!(record(world, &[threatening(1, 1)], &[matched(&grid, 1)]).await, 1);
        let forget = async |days: i64| {
            let late = chrono::TimeDelta::days(2);
            world.archive.forget_told(late, at(days * 24 * 60)).await.unwrap()
        };
        assert_eq!(forget(5).await, 0, "an article may be two days old when it comes");
        assert_eq!(record(world, &[threatening(2, 2)], &[matched(&grid, 2)]).await, 0);
        assert_ne!(forget(6).await, 0);
        assert_eq!(forget(6).await, 0, "nothing is left");
    })
    .await;
}

#[tokio::test]
async fn what_was_told_of_a_company_was_told_of_its_country_in_the_story_it_moves_to() {
    on_each_database(async |world| {
        let saudi = EntityRef { id: "country:SA".to_owned(), name: "Saudi Arabia".to_owned() };
        let entity = |kind, id: &str| GazetteerEntity {
            country: Some("SA".to_owned()),
            ..GazetteerEntity::new(id, kind, id)
        };
        let countries = Countries::of(&[
            entity(GazetteerKind::Country, "country:SA"),
            entity(GazetteerKind::Company, "company:Aramco"),
        ]);
        let archive = world.archive.clone().with_countries(Arc::new(countries.clone()));
        world.declare(&["wire"]).await;
        world.store([1, 2, 3, 4]).await;
        let grid = search(AlertUnit::Statement);
        let on = |id: &str, n: u32, founder: u32| {
            let (mut article, mut its_match) = (threatening(n, founder), matched(&grid, n));
            let statement = &mut article.annotation.statements[0];
            statement.targets[0].entity = Some(EntityRef { id: id.to_owned(), ..saudi.clone() });
            its_match.items[0].claims = claims(statement, |id| countries.country_of(id));
            (article, its_match)
        };
        let record = async |(article, its_match): (CorrelatedArticle, Match)| {
            let recorded =
                archive.record_annotations_and_alerts(&[article], &[its_match], at(100)).await;
            recorded.unwrap().alerts.len()
        };
        assert_eq!(record(on("company:Aramco", 1, 1)).await, 1);
        assert_eq!(record(on("country:SA", 2, 1)).await, 0, "said of the company");
        world.annotate(&[correlated(3, 3, &[])]).await;
        let story = |n| correlated(n, n, &[]).story;
        archive.pin_articles(&story(3), &[id(1)], at(1)).await.unwrap();
        assert_eq!(record(on("country:SA", 4, 3)).await, 0, "also in the story of article 3");
    })
    .await;
}

#[tokio::test]
async fn what_was_told_goes_with_an_edited_or_uncorrected_article_to_its_new_story() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3, 4, 5, 6, 7]).await;
        let grid = search(AlertUnit::Statement);
        assert_eq!(record(world, &[threatening(1, 1)], &[matched(&grid, 1)]).await, 1);
        let stored = world.archive.article(&id(1)).await.unwrap().unwrap().article;
        let text = format!("{}\nThis line was added to the article on Friday.", stored.text);
        let reading = Reading::Read(Box::new(Article { text, ..stored }));
        let reread = world.archive.record_reading(&id(1), &reading, at(101)).await.unwrap();
        assert_eq!(reread, Reread::Edited(2));
        world.annotate(&[correlated(2, 2, &[]), threatening(1, 2)]).await;
        assert_eq!(record_vaguely(world, &grid, 3, 2).await, 0, "told before the edit");

        let correction = Correction::NotAnEntity {
            text: "Ministers".to_owned(),
            entity: "country:ir".to_owned(),
        };
        let kept = world.archive.add_correction(&correction, "ana", None, at(1)).await.unwrap();
        let kept = kept.unwrap();
        world.archive.note_corrected(&[(kept.clone(), id(1))]).await.unwrap();
        assert_eq!(world.archive.undo_correction(&kept).await.unwrap(), Some(1));
        world.annotate(&[correlated(4, 4, &[]), threatening(1, 4)]).await;
        assert_eq!(record_vaguely(world, &grid, 5, 4).await, 0, "told before that too");
        assert_eq!(record_vaguely(world, &grid, 6, 6).await, 1, "another story");
    })
    .await;
}
