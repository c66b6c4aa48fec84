//! Alerts of deleted articles, and the messages that told them, when the articles are brought back.

use std::time::Duration;

use config::{AlertUnit, SavedSearch, Schedule};
use ingest::ArticleId;
use serde_json::Value;

use super::alerts;
use super::removed::{change_aside, restore};
use super::retention::{count, matched};
use super::world::{LEASE, World, at, correlated, id, on_each_database};
use crate::archive::alerts::{AlertEdit, AlertFilter, AlertState};
use crate::archive::outbox::{Message, Outcome};
use crate::archive::removed_access::Restored;

/// Claims what is due at minute `minute`.
async fn due(world: &World, minute: i64) -> Vec<Message> {
    world.archive.claim_messages(9, at(minute), LEASE).await.unwrap()
}

/// What a message tells of.
fn told(message: &Message) -> Vec<ArticleId> {
    message.alerts.iter().map(|it| it.article).collect()
}

#[tokio::test]
async fn an_alert_without_which_its_digest_went_on_gets_a_message_of_its_own() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store(1..7).await;
        let search = alerts::search(AlertUnit::Article);
        let hourly = SavedSearch { schedule: Schedule::Hourly, ..search };
        let raise = async |n: u32, minute| {
            let (batch, matches) = ([correlated(n, n, &[])], [alerts::matched(&hourly, n)]);
            let now = at(minute);
            archive.record_annotations_and_alerts(&batch, &matches, now).await.unwrap();
        };
        let delete = async |n: u32, minute| {
            assert!(archive.delete_article(&id(n), at(minute)).await.unwrap());
        };
        let finish = async |message: &Message, outcome: Outcome| {
            archive.finish_message(message, &outcome, at(900)).await.unwrap();
        };
        // The digest is sent with what is left of it.
        raise(1, 100).await;
        raise(2, 101).await;
        delete(1, 110).await;
        let digest = due(world, 120).await;
        assert_eq!((digest.len(), told(&digest[0])), (1, vec![id(2)]));
        finish(&digest[0], Outcome::Sent).await;
        assert_eq!(restore(world, 1, 110, 130).await, Restored::Back);
        let own = due(world, 130).await;
        assert_eq!((own.len(), told(&own[0]), own[0].planned_at), (1, vec![id(1)], at(130)));
        assert_ne!(own[0].id, digest[0].id);
        finish(&own[0], Outcome::Sent).await;
        delete(1, 131).await;
        assert_eq!(restore(world, 1, 131, 132).await, Restored::Back);
        assert_eq!(due(world, 133).await, [], "told once");

        // Nothing became of the digest meanwhile: it tells of the article again.
        raise(3, 140).await;
        raise(4, 141).await;
        delete(3, 150).await;
        assert_eq!(restore(world, 3, 150, 151).await, Restored::Back);
        // It was tried meanwhile, and is tried again under its id.
        delete(4, 152).await;
        let digest = due(world, 180).await;
        assert_eq!((digest.len(), told(&digest[0])), (1, vec![id(3)]));
        finish(&digest[0], Outcome::Retry(at(190), "503".to_owned())).await;
        assert_eq!(restore(world, 4, 152, 185).await, Restored::Back);
        let own = due(world, 185).await;
        assert_eq!((own.len(), told(&own[0])), (1, vec![id(4)]));
        finish(&own[0], Outcome::Sent).await;
        let digest = due(world, 190).await;
        assert_eq!((digest.len(), told(&digest[0])), (1, vec![id(3)]));
        finish(&digest[0], Outcome::Sent).await;

        // It went with the article, and another alert made it anew.
        raise(5, 200).await;
        delete(5, 201).await;
        raise(6, 202).await;
        let digest = due(world, 240).await;
        assert_eq!((digest.len(), told(&digest[0])), (1, vec![id(6)]));
        finish(&digest[0], Outcome::Sent).await;
        assert_eq!(restore(world, 5, 201, 241).await, Restored::Back);
        let own = due(world, 241).await;
        assert_eq!((own.len(), told(&own[0])), (1, vec![id(5)]));
        finish(&own[0], Outcome::Sent).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_goes_to_a_receiver_that_left_while_an_article_was_deleted() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2]).await;
        for n in [1, 2] {
            let (batch, matches) = ([correlated(n, n, &[])], [matched(n, AlertUnit::Article)]);
            archive.record_annotations_and_alerts(&batch, &matches, at(100)).await.unwrap();
            if n == 1 {
                assert!(archive.delete_article(&id(1), at(101)).await.unwrap());
            }
        }
        let gone = Outcome::Closed("410".to_owned());
        archive.finish_message(&due(world, 102).await[0], &gone, at(102)).await.unwrap();
        assert_eq!(restore(world, 1, 101, 103).await, Restored::Back);
        assert_eq!(due(world, 999).await, []);
        assert_eq!(count(world, "alerts").await, 2);
    })
    .await;
}

#[tokio::test]
async fn what_was_put_aside_while_a_message_was_finished_comes_back_without_it() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2]).await;
        for (n, table) in [(1, "outbox"), (2, "outbox_alerts")] {
            let (batch, matches) = ([correlated(n, n, &[])], [matched(n, AlertUnit::Article)]);
            archive.record_annotations_and_alerts(&batch, &matches, at(100)).await.unwrap();
            assert!(archive.delete_article(&id(n), at(200)).await.unwrap());
            let torn = |aside: &mut Value| {
                let rows = aside["rows"].as_array_mut().unwrap();
                let n_rows = rows.len();
                rows.retain(|it| it[0] != table);
                assert_eq!(rows.len(), n_rows - 1, "{table}");
            };
            change_aside(world, n, torn).await;
            assert_eq!(restore(world, n, 200, 300).await, Restored::Back, "without {table}");
        }
        for (table, n_rows) in [("alerts", 2), ("outbox", 0), ("outbox_alerts", 0)] {
            assert_eq!(count(world, table).await, n_rows, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_happens_to_an_alert_while_its_article_is_deleted_is_not_lost() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2]).await;
        let batch = [1, 2].map(|n| correlated(n, n, &[]));
        let matches = [1, 2].map(|n| matched(n, AlertUnit::Article));
        archive.record_annotations_and_alerts(&batch, &matches, at(100)).await.unwrap();
        assert_eq!(due(world, 100).await.len(), 2);
        let sent = "UPDATE outbox SET state = 'sent', due_at = NULL, leased_by = NULL";
        for (n, change) in [(1, sent), (2, "UPDATE alerts SET note = 'ask Ana'")] {
            // Somebody else, who has not come to an end yet.
            let mut other = archive.begin().await.unwrap();
            sqlx::query(change).execute(&mut *other).await.unwrap();
            let finish = async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                other.commit().await.unwrap();
            };
            let gone = id(n);
            let (deleted, ()) = tokio::join!(archive.delete_article(&gone, at(200)), finish);
            assert!(deleted.unwrap());
        }
        for n in [1, 2] {
            assert_eq!(restore(world, n, 200, 300).await, Restored::Back);
        }
        assert_eq!(archive.messages("sent", 9).await.unwrap().len(), 2);
        assert_eq!(count(world, "outbox_alerts").await, 2);
        let found = archive.alerts(&AlertFilter::default(), None, 9).await.unwrap().items;
        let noted = found.iter().filter(|it| it.note.as_deref() == Some("ask Ana"));
        assert_eq!(noted.map(|it| it.article).collect::<Vec<_>>(), [id(2)]);
    })
    .await;
}

#[tokio::test]
async fn what_an_analyst_wrote_stays_when_its_story_was_told_again_meanwhile() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2, 3]).await;
        let tell = async |n: u32, minute| {
            let (batch, matches) = ([correlated(n, 1, &[])], [matched(n, AlertUnit::Story)]);
            let now = at(minute);
            let told = archive.record_annotations_and_alerts(&batch, &matches, now).await;
            told.unwrap().alerts.pop().unwrap()
        };
        let edit = async |alert: &str, state, note: &str, assignee: Option<&str>| {
            let assignee = assignee.map(str::to_owned);
            let edit = AlertEdit { state: Some(state), note: Some(note.to_owned()), assignee };
            archive.edit_alert(alert, &edit, at(150)).await.unwrap().unwrap();
        };
        let alert = tell(1, 100).await;
        edit(&alert, AlertState::Escalated, "ask Ana", Some("ana")).await;
        assert!(archive.delete_article(&id(1), at(200)).await.unwrap());
        assert_eq!(tell(2, 201).await, alert);
        assert_eq!(restore(world, 1, 200, 202).await, Restored::Back);
        let work = async || {
            let it = archive.alert(&alert).await.unwrap().unwrap();
            (it.article, it.state, it.note.unwrap(), it.assignee.unwrap())
        };
        let before = (id(2), AlertState::Escalated, "ask Ana".to_owned(), "ana".to_owned());
        assert_eq!(work().await, before);
        assert_eq!(due(world, 203).await.len(), 1, "told once more, by the article that is new");

        // What somebody did since stands.
        assert!(archive.delete_article(&id(2), at(300)).await.unwrap());
        assert_eq!(tell(3, 301).await, alert);
        edit(&alert, AlertState::Seen, "by telephone", None).await;
        assert_eq!(restore(world, 2, 300, 302).await, Restored::Back);
        let since = (id(3), AlertState::Seen, "by telephone".to_owned(), "ana".to_owned());
        assert_eq!(work().await, since);
    })
    .await;
}
