//! Articles that were deleted and are brought back.

use config::AlertUnit;
use ingest::article::sha256_hex;
use ingest::warc_writer::RecordPlace;
use ingest::{Article, ArticleId, Entry};
use nlp::correction::Correction;
use serde_json::Value;
use sqlx::Row;

use super::retention::{count, matched, story_of};
use super::world::{
    LEASE, TEXT, World, article, at, correlated, entry, id, on_each_database, threatening, url,
};
use crate::archive::alerts::{AlertEdit, AlertFilter, AlertState};
use crate::archive::annotations::CorrelatedArticle;
use crate::archive::articles::Recorded;
use crate::archive::removed_access::Restored;
use crate::archive::statements::StatementFilter;
use crate::archive::story_edits::StoryEdit;
use crate::archive::versions::{Reading, Reread};

/// What there is to see of articles, statements, stories, entities and alerts.
async fn seen(world: &World) -> String {
    let archive = &world.archive;
    let mut articles = archive.articles(&[1, 2, 3, 4].map(id)).await.unwrap();
    articles.iter_mut().for_each(|it| it.index_seq = None);
    let statements = archive.statements(&StatementFilter::default(), None, 20).await.unwrap();
    let alerts = archive.alerts(&AlertFilter::default(), None, 20).await.unwrap().items;
    let (mut stories, mut entities) = (Vec::new(), Vec::new());
    for n in 1..10 {
        stories.extend(archive.story(&story_of(n)).await.unwrap());
    }
    for name in ["country:ir", "country:us", "group:x"] {
        entities.push(archive.entity(name).await.unwrap());
    }
    let mut rows = Vec::new();
    for table in ["entries", "outbox", "outbox_alerts", "article_addresses", "article_evidence"] {
        rows.push((table, count(world, table).await));
    }
    format!(
        "{articles:#?}\n{:#?}\n{alerts:#?}\n{stories:#?}\n{entities:#?}\n{rows:?}",
        statements.items
    )
}

pub(super) async fn restore(world: &World, n: u32, since: i64, now: i64) -> Restored {
    world.archive.restore_article(&id(n), at(since), at(now)).await.unwrap()
}

/// Changes what is kept aside of article `n`.
pub(super) async fn change_aside(world: &World, n: u32, change: impl FnOnce(&mut Value)) {
    let writer = &world.archive.writer;
    let row = sqlx::query("SELECT body FROM removed_articles WHERE id = $1")
        .bind(id(n).to_string())
        .fetch_one(writer)
        .await
        .unwrap();
    let body: String = row.try_get("body").unwrap();
    let mut aside: Value = serde_json::from_str(&body).unwrap();
    change(&mut aside);
    sqlx::query("UPDATE removed_articles SET body = $2 WHERE id = $1")
        .bind(id(n).to_string())
        .bind(aside.to_string())
        .execute(writer)
        .await
        .unwrap();
}

/// The articles that wait to be read at minute `minute`.
async fn waiting(world: &World, minute: i64) -> Vec<ArticleId> {
    let waiting = world.archive.claim_unannotated(9, at(minute), LEASE).await.unwrap();
    waiting.into_iter().map(|it| it.id).collect()
}

async fn evidence_of(world: &World, n: u32) {
    let place = RecordPlace { file: "a.warc.gz".to_owned(), offset: 0, n_bytes: 9 };
    world.archive.record_evidence(&id(n), "aa", &place, at(9)).await.unwrap();
}

#[tokio::test]
async fn an_article_comes_back_as_it_was_and_nobody_is_told_again() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        let entries = [entry("wire", 1), entry("wire", 2)];
        world.poll("wire", &entries, 0).await;
        let naming = |n| Article { canonical_url: Some(url("wire", 7)), ..article("wire", n) };
        archive.record_article(&naming(1), Some(&id(1))).await.unwrap();
        archive.record_article(&article("wire", 2), Some(&id(2))).await.unwrap();
        evidence_of(world, 1).await;
        let batch = [threatening(1, 1), correlated(2, 1, &["country:ir", "group:x"])];
        let matches = [matched(1, AlertUnit::Article)];
        let told = archive.record_annotations_and_alerts(&batch, &matches, at(100)).await.unwrap();
        let note = AlertEdit {
            state: Some(AlertState::Escalated),
            note: Some("ask Ana".to_owned()),
            ..AlertEdit::default()
        };
        archive.edit_alert(&told.alerts[0], &note, at(101)).await.unwrap();
        let before = seen(world).await;
        let feed = archive.last_index_change().await.unwrap();

        assert_eq!(restore(world, 1, 0, 102).await, Restored::Taken, "nobody deleted it");
        assert!(archive.delete_article(&id(1), at(200)).await.unwrap());
        assert_eq!(archive.article(&id(1)).await.unwrap(), None);
        assert_eq!(
            archive.statements(&StatementFilter::default(), None, 9).await.unwrap().items,
            []
        );
        for table in ["alerts", "outbox"] {
            assert_eq!(count(world, table).await, 0, "{table}");
        }
        let kept = archive.removed_article(&id(1), at(200)).await.unwrap().unwrap();
        assert_eq!((kept.title.as_str(), kept.removed_at), ("Headline 1", at(200)));
        let by_address = archive.removed_article(&id(7), at(200)).await.unwrap();
        assert_eq!(by_address.as_ref(), Some(&kept), "the address that its page names");
        assert_eq!(archive.removed_article(&id(1), at(201)).await.unwrap(), None);
        // Its page is fetched again meanwhile, under either address.
        assert_eq!(world.poll("wire", &entries, 1_000).await, 0);
        for again in [naming(1), naming(7), naming(8)] {
            let recorded = archive.record_article(&again, None).await.unwrap();
            assert_eq!(recorded, Recorded::Buried, "{}", again.url);
        }

        assert_eq!(restore(world, 1, 201, 300).await, Restored::Missing, "too late");
        assert_eq!(restore(world, 1, 200, 300).await, Restored::Back);
        assert_eq!(restore(world, 1, 200, 301).await, Restored::Taken, "it is back already");
        // An address that was found meanwhile leads to it.
        assert_eq!(count(world, "article_addresses").await, 4);
        let after =
            seen(world).await.replace("(\"article_addresses\", 4)", "(\"article_addresses\", 3)");
        assert_eq!(after, before);
        let changes = archive.index_changes_after(feed, 9).await.unwrap();
        let indexed: Vec<_> = changes.articles.iter().map(|it| it.article.id).collect();
        assert_eq!((indexed, changes.removed), (vec![id(1)], vec![]), "it is searchable again");
        assert_eq!(archive.claim_unannotated(9, at(999), LEASE).await.unwrap(), []);

        let again = archive.record_annotations_and_alerts(&batch, &matches, at(400)).await;
        assert_eq!(again.unwrap().alerts, [""; 0], "told once");
        for again in [naming(1), naming(7)] {
            let recorded = archive.record_article(&again, None).await.unwrap();
            assert_eq!(recorded, Recorded::AlreadyThere, "{}", again.url);
        }
        assert_eq!(world.poll("wire", &entries, 1_000).await, 0);
        assert_eq!(count(world, "articles").await, 2);
    })
    .await;
}

#[tokio::test]
async fn the_only_article_of_a_story_and_the_original_of_copies_find_their_place_again() {
    on_each_database(async |world| {
        world.store(1..5).await;
        let copy = |n| CorrelatedArticle { copy_of: Some(id(1)), ..correlated(n, 1, &[]) };
        // The founder of the story of 4 is none of the articles that are left.
        world.annotate(&[correlated(1, 1, &[]), copy(2), copy(3), threatening(4, 9)]).await;
        let before = seen(world).await;
        for n in [1, 4] {
            assert!(world.archive.delete_article(&id(n), at(200)).await.unwrap());
        }
        assert!(world.archive.story(&story_of(9)).await.unwrap().is_none(), "it is empty");
        let story = world.archive.story(&story_of(1)).await.unwrap().unwrap();
        assert_eq!(story.articles.iter().filter(|it| it.copy_of.is_none()).count(), 1);
        for n in [4, 1] {
            assert_eq!(restore(world, n, 200, 300).await, Restored::Back);
        }
        let story = world.archive.story(&story_of(1)).await.unwrap().unwrap();
        let copies: Vec<_> = story.articles.iter().map(|it| (it.id, it.copy_of)).collect();
        let original = copies.iter().filter(|it| it.1.is_none()).map(|it| it.0);
        assert_eq!(original.collect::<Vec<_>>(), [id(1)], "{copies:?}");
        assert_eq!((story.summary.n_articles, story.summary.n_independent), (3, 1));
        assert_eq!(seen(world).await, before);
        let alone = world.archive.story(&story_of(9)).await.unwrap().unwrap();
        assert_eq!((alone.summary.n_articles, alone.summary.n_statements), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn an_article_that_was_not_read_yet_is_read_when_it_is_back_and_told_then() {
    on_each_database(async |world| {
        world.store([1]).await;
        assert!(world.archive.delete_article(&id(1), at(200)).await.unwrap());
        assert_eq!(world.archive.claim_unannotated(9, at(201), LEASE).await.unwrap(), []);
        assert_eq!(restore(world, 1, 200, 300).await, Restored::Back);
        let waiting = world.archive.claim_unannotated(9, at(301), LEASE).await.unwrap();
        assert_eq!(waiting.iter().map(|it| it.id).collect::<Vec<_>>(), [id(1)]);
        let (batch, matches) = ([threatening(1, 1)], [matched(1, AlertUnit::Article)]);
        let told = world.archive.record_annotations_and_alerts(&batch, &matches, at(302)).await;
        assert_eq!(told.unwrap().alerts.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_was_corrected_meanwhile_is_read_again() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2, 3]).await;
        world.annotate(&[1, 2, 3].map(|n| correlated(n, n, &["group:will"]))).await;
        let said = |text: &str| Correction::NotAnEntity {
            text: text.to_owned(),
            entity: "group:will".to_owned(),
        };
        let kept = archive.add_correction(&said("Will"), "ana", None, at(110)).await;
        let kept = kept.unwrap().unwrap();
        archive.note_corrected(&[(kept.clone(), id(1))]).await.unwrap();
        archive.correct_articles(&kept, &said("Will"), at(111)).await.unwrap();

        archive.delete_article(&id(1), at(200)).await.unwrap();
        assert_eq!(restore(world, 1, 200, 210).await, Restored::Back);
        let waiting = async |minute| {
            let waiting = archive.claim_unannotated(9, at(minute), LEASE).await.unwrap();
            waiting.into_iter().map(|it| it.id).collect::<Vec<_>>()
        };
        assert_eq!(waiting(211).await, [], "nobody said anything else");
        assert_eq!(count(world, "correction_articles").await, 1, "and it is still corrected");

        // One is taken back meanwhile.
        archive.delete_article(&id(1), at(300)).await.unwrap();
        archive.undo_correction(&kept).await.unwrap();
        assert_eq!(restore(world, 1, 300, 310).await, Restored::Back);
        assert_eq!(waiting(311).await, [id(1)]);
        world.annotate(&[correlated(1, 1, &["group:will"])]).await;

        // And one is made.
        archive.delete_article(&id(2), at(400)).await.unwrap();
        let made = archive.add_correction(&said("Ministers"), "ana", None, at(401)).await;
        let made = made.unwrap().unwrap();
        assert_eq!(restore(world, 2, 400, 410).await, Restored::Back);
        assert_eq!(waiting(411).await, [id(2)]);
        world.annotate(&[correlated(2, 2, &["group:will"])]).await;

        // And one was on its way: it is called applied as of when that began.
        archive.delete_article(&id(3), at(500)).await.unwrap();
        archive.correct_articles(&made, &said("Ministers"), at(402)).await.unwrap();
        assert_eq!(restore(world, 3, 500, 510).await, Restored::Back);
        assert_eq!(waiting(511).await, [id(3)]);
    })
    .await;
}

#[tokio::test]
async fn what_is_deleted_for_good_or_long_ago_is_kept_nowhere() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store(1..5).await;
        world.annotate(&[1, 2, 3, 4].map(|n| threatening(n, n))).await;
        for n in 1..5 {
            evidence_of(world, n).await;
        }
        assert!(archive.delete_article_for_good(&id(1), at(200)).await.unwrap());
        assert!(!archive.delete_article_for_good(&id(1), at(201)).await.unwrap(), "it is gone");
        assert_eq!(count(world, "removed_articles").await, 0);
        assert_eq!(count(world, "article_evidence").await, 3);
        assert_eq!(restore(world, 1, 0, 202).await, Restored::Missing);

        assert!(archive.delete_article(&id(2), at(210)).await.unwrap());
        assert_eq!(count(world, "article_evidence").await, 3, "it may be needed again");
        assert!(archive.delete_article_for_good(&id(2), at(211)).await.unwrap());
        assert_eq!(count(world, "removed_articles").await, 0);
        assert_eq!(count(world, "article_evidence").await, 2);

        assert!(archive.delete_article(&id(3), at(220)).await.unwrap());
        assert!(archive.delete_article(&id(4), at(240)).await.unwrap());
        archive.forget_deleted(at(230)).await.unwrap();
        assert_eq!(restore(world, 3, 0, 250).await, Restored::Missing, "forgotten");
        assert_eq!(count(world, "article_evidence").await, 1);
        assert_eq!(restore(world, 4, 0, 250).await, Restored::Back);
        let removed = archive.index_changes_after(0, 9).await.unwrap().removed;
        assert_eq!(removed.len(), 3, "and every index hears of it");
        let again = archive.record_article(&article("wire", 1), None).await.unwrap();
        assert_eq!(again, Recorded::Buried);
    })
    .await;
}

#[tokio::test]
async fn of_two_who_bring_an_article_back_at_once_one_does() {
    on_each_database(async |world| {
        world.store([1]).await;
        world.annotate(&[threatening(1, 1)]).await;
        assert!(world.archive.delete_article(&id(1), at(200)).await.unwrap());
        let other = world.second_worker().await;
        let (this, that) = (id(1), id(1));
        let (one, two) = tokio::join!(
            world.archive.restore_article(&this, at(200), at(300)),
            other.restore_article(&that, at(200), at(300)),
        );
        let mut both = [one.unwrap(), two.unwrap()];
        both.sort_by_key(|it| *it != Restored::Back);
        assert_eq!(both, [Restored::Back, Restored::Taken]);
        for table in ["articles", "article_states", "annotations", "stories"] {
            assert_eq!(count(world, table).await, 1, "{table}");
        }
        if world.settings.database_url.is_some() {
            other.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_article_goes_to_where_its_story_ended_meanwhile() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2, 3, 4, 5]).await;
        let batch =
            [1, 2, 3].map(|n| correlated(n, 1, &[])).into_iter().chain([correlated(4, 4, &[])]);
        world.annotate(&batch.collect::<Vec<_>>()).await;
        // 3 is pinned to a story of its own with 2; 1 is in its story by itself.
        let split = archive.split_story(&story_of(1), &[id(2), id(3)], at(101)).await.unwrap();
        let StoryEdit::Done(pinned, 2) = split else { panic!("{split:?}") };
        for n in [1, 3] {
            assert!(archive.delete_article(&id(n), at(200)).await.unwrap());
        }
        assert_eq!(restore(world, 1, 200, 210).await, Restored::Back);
        archive.merge_stories(&pinned, &story_of(4), at(220)).await.unwrap();
        assert_eq!(restore(world, 3, 200, 230).await, Restored::Back);
        assert!(archive.story(&pinned).await.unwrap().is_none(), "what ended stays ended");
        let story = archive.story(&story_of(4)).await.unwrap().unwrap();
        let mut ids: Vec<_> = story.articles.iter().map(|it| it.id).collect();
        ids.sort_unstable();
        let mut expected = [2, 3, 4].map(id);
        expected.sort_unstable();
        assert_eq!(ids, expected);
        let back = story.articles.iter().find(|it| it.id == id(3)).unwrap();
        assert!(back.is_pinned, "somebody said so");
        let alone = archive.story(&story_of(1)).await.unwrap().unwrap();
        assert_eq!(alone.summary.n_articles, 1, "under the id that it had");
    })
    .await;
}

#[tokio::test]
async fn an_edited_article_that_waited_to_be_read_keeps_its_story_and_its_versions() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1]).await;
        world.annotate(&[threatening(1, 1)]).await;
        let text = TEXT.replace("would punish", "would warn");
        let edited = Article {
            page_sha256: sha256_hex(text.as_bytes()),
            text: text.clone(),
            ..article("wire", 1)
        };
        let reading = Reading::Read(Box::new(edited));
        let read = archive.record_reading(&id(1), &reading, at(10_000)).await.unwrap();
        assert_eq!(read, Reread::Edited(2));

        assert!(archive.delete_article(&id(1), at(10_100)).await.unwrap());
        assert_eq!(count(world, "article_versions").await, 0);
        assert_eq!(restore(world, 1, 10_100, 10_200).await, Restored::Back);
        let back = archive.article(&id(1)).await.unwrap().unwrap();
        assert_eq!((back.article.text.as_str(), back.story), (text.as_str(), Some(story_of(1))));
        assert_eq!(count(world, "article_versions").await, 1, "what it said before");
        let waiting = archive.claim_unannotated(9, at(10_201), LEASE).await.unwrap();
        assert_eq!(waiting.iter().map(|it| it.id).collect::<Vec<_>>(), [id(1)]);
    })
    .await;
}

#[tokio::test]
async fn a_story_that_comes_back_is_not_called_by_an_article_that_is_gone_for_good() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        world.annotate(&[correlated(1, 1, &[]), correlated(2, 1, &[])]).await;
        let headline = async || {
            let story = world.archive.story(&story_of(1)).await.unwrap();
            story.map(|it| it.summary.headline)
        };
        assert_eq!(headline().await.as_deref(), Some("Headline 1"));
        assert!(world.archive.delete_article(&id(2), at(200)).await.unwrap());
        assert!(world.archive.delete_article_for_good(&id(1), at(201)).await.unwrap());
        assert_eq!(headline().await, None);
        assert_eq!(restore(world, 2, 200, 210).await, Restored::Back);
        assert_eq!(headline().await.as_deref(), Some("Headline 2"));
    })
    .await;
}

#[tokio::test]
async fn no_entry_keeps_a_headline_of_what_is_deleted_for_good() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        let listed = |n| Entry { summary: Some("What it says".to_owned()), ..entry("wire", n) };
        let entries: Vec<_> = (1..9).map(listed).collect();
        assert_eq!(world.poll("wire", &entries, 0).await, 8);
        let naming = |n, of| Article { canonical_url: Some(url("wire", of)), ..article("wire", n) };
        for n in [1, 3, 5] {
            let recorded = archive.record_article(&article("wire", n), Some(&id(n))).await;
            assert_eq!(recorded.unwrap(), Recorded::Inserted);
            let copy = archive.record_article(&naming(n + 1, n), Some(&id(n + 1))).await;
            assert_eq!(copy.unwrap(), Recorded::AlreadyThere);
        }
        let speaking = "entries WHERE title IS NOT NULL OR summary IS NOT NULL";
        assert_eq!(count(world, speaking).await, 8);

        assert!(archive.delete_article_for_good(&id(1), at(200)).await.unwrap());
        assert_eq!(count(world, speaking).await, 6, "1 is gone, 2 led to it");
        assert!(archive.delete_article(&id(3), at(210)).await.unwrap());
        assert_eq!(count(world, speaking).await, 5, "4 led to what can still come back");
        assert!(archive.delete_article_for_good(&id(3), at(211)).await.unwrap());
        assert_eq!(count(world, speaking).await, 4);
        assert!(archive.delete_article(&id(5), at(220)).await.unwrap());
        archive.forget_deleted(at(230)).await.unwrap();
        assert_eq!(count(world, speaking).await, 2);

        // Those that turn out to lead there later.
        for (n, of) in [(7, 1), (8, 5)] {
            let recorded = archive.record_article(&naming(n, of), Some(&id(n))).await;
            assert_eq!(recorded.unwrap(), Recorded::Buried);
        }
        assert_eq!(count(world, speaking).await, 0);
        assert_eq!(world.poll("wire", &entries, 1_000).await, 0);
        assert_eq!(count(world, speaking).await, 0, "the feed still lists them");
        assert_eq!(count(world, "entries").await, 5);
    })
    .await;
}

#[tokio::test]
async fn what_was_deleted_when_all_was_to_be_read_anew_is_read_anew_too() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2, 3]).await;
        let all = [1, 2, 3].map(|n| threatening(n, n));
        world.annotate(&all).await;
        let delete = async |n: u32, minute| {
            assert!(archive.delete_article(&id(n), at(minute)).await.unwrap());
        };
        // Older versions did not count.
        let uncounted = |aside: &mut Value| {
            assert!(aside.as_object_mut().unwrap().remove("n_cleared").is_some());
        };
        delete(3, 200).await;
        change_aside(world, 3, uncounted).await;
        assert_eq!(restore(world, 3, 200, 201).await, Restored::Back);
        assert_eq!(waiting(world, 202).await, []);

        delete(1, 210).await;
        delete(2, 211).await;
        change_aside(world, 2, uncounted).await;
        assert_eq!(archive.clear_annotations().await.unwrap(), 1);
        assert_eq!(waiting(world, 212).await, [id(3)]);
        world.annotate(&all[2..]).await;
        for n in [1, 2] {
            assert_eq!(restore(world, n, 210, 220).await, Restored::Back);
            assert_eq!(waiting(world, 221).await, [id(n)]);
            assert_eq!(count(world, "statements").await, i64::from(n), "the old ones are gone");
            world.annotate(&[threatening(n, n)]).await;
        }
        delete(1, 230).await;
        assert_eq!(restore(world, 1, 230, 231).await, Restored::Back);
        assert_eq!(waiting(world, 232).await, [], "it was read since");

        for n in [1, 2, 3] {
            delete(n, 240).await;
        }
        assert_eq!(archive.clear_annotations().await.unwrap(), 0, "none is left");
        assert_eq!(restore(world, 1, 240, 241).await, Restored::Back);
        assert_eq!(waiting(world, 242).await, [id(1)]);
    })
    .await;
}

#[tokio::test]
async fn what_was_found_of_stories_before_all_was_to_be_read_anew_stays_forgotten() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2]).await;
        world.annotate(&[correlated(1, 1, &[])]).await;
        let bridge = CorrelatedArticle { merged: vec![story_of(1)], ..correlated(2, 2, &[]) };
        world.annotate(&[bridge]).await;
        let leads_to = async || archive.redirected(&story_of(1)).await.unwrap();
        for n in [1, 2] {
            assert!(archive.delete_article(&id(n), at(200)).await.unwrap());
        }
        assert_eq!(leads_to().await, None);
        assert_eq!(restore(world, 2, 200, 201).await, Restored::Back);
        assert_eq!(leads_to().await, Some(story_of(2)));

        assert!(archive.delete_article(&id(2), at(210)).await.unwrap());
        archive.clear_annotations().await.unwrap();
        assert_eq!(restore(world, 2, 210, 220).await, Restored::Back);
        assert_eq!(leads_to().await, None);
    })
    .await;
}
