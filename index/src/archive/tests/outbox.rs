//! Messages: claimed, sent, retried, given up; digests.

use std::time::Duration;

use config::{AlertUnit, SavedSearch, Schedule};

use super::alerts::{matched, record, search, webhook};
use super::world::{World, at, correlated, id, on_each_database};
use crate::archive::outbox::Outcome;
use crate::archive::searches::{Expect, Saved};

const LEASE: Duration = Duration::from_secs(60);

fn hourly() -> SavedSearch {
    SavedSearch { schedule: Schedule::Hourly, ..search(AlertUnit::Article) }
}

#[tokio::test]
async fn messages_are_claimed_sent_retried_and_given_up() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let mut grid = search(AlertUnit::Article);
        grid.deliver.push(webhook(2));
        record(world, &[correlated(1, 1, &[])], &[matched(&grid, 1)]).await;
        let archive = &world.archive;
        let claim = async |minute| archive.claim_messages(10, at(minute), LEASE).await.unwrap();
        assert_eq!(claim(99).await, []);
        let claimed = claim(100).await;
        assert_eq!(claimed.len(), 2);
        assert_eq!(claimed[0].alerts.len(), 1);
        assert_eq!(claim(100).await, [], "a claimed message is leased");
        // Nothing became of them: they come again under their ids.
        let again = claim(102).await;
        assert_eq!(again.len(), 2);
        assert!(again.iter().all(|it| it.attempt == 2));
        let finish = async |message, outcome: Outcome| {
            archive.finish_message(message, &outcome, at(103)).await.unwrap();
        };
        finish(&again[0], Outcome::Sent).await;
        finish(&again[1], Outcome::Retry(at(110), "503".to_owned())).await;
        assert_eq!(claim(109).await, []);
        let third = claim(110).await;
        assert_eq!(third.len(), 1);
        finish(&third[0], Outcome::Closed("410".to_owned())).await;
        assert_eq!(claim(1_000).await, []);

        // The closed receiver gets nothing more, until somebody asks for it.
        record(world, &[correlated(2, 2, &[])], &[matched(&grid, 2)]).await;
        assert_eq!(claim(101).await.len(), 1);
        let dead = archive.messages("dead", 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!(dead[0].failure.as_deref(), Some("410"));
        assert!(archive.retry_message(&dead[0].id, at(200)).await.unwrap());
        assert_eq!(claim(200).await.len(), 2, "one by its lease, one by the retry");
        assert!(!archive.retry_message("none", at(200)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_digest_holds_all_alerts_of_its_hour() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let grid = hourly();
        let batch = [correlated(1, 1, &[]), correlated(2, 2, &[])];
        record(world, &batch, &[matched(&grid, 1), matched(&grid, 2)]).await;
        let claimed = world.archive.claim_messages(10, at(100), LEASE).await.unwrap();
        assert_eq!(claimed, []);
        let claimed = world.archive.claim_messages(10, at(120), LEASE).await.unwrap();
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].n_alerts, 2);
    })
    .await;
}

#[tokio::test]
async fn a_digest_that_was_tried_takes_in_no_more_alerts() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let archive = &world.archive;
        let grid = hourly();
        let raise =
            async |n: u32| record(world, &[correlated(n, n, &[])], &[matched(&grid, n)]).await;
        let claim = async |minute| archive.claim_messages(10, at(minute), LEASE).await.unwrap();
        raise(1).await;
        let first = claim(120).await;
        assert_eq!((first.len(), first[0].n_alerts), (1, 1));
        // For who raises these the hour is not over yet: they come while it is sent, and after.
        raise(2).await;
        archive.finish_message(&first[0], &Outcome::Sent, at(120)).await.unwrap();
        raise(3).await;
        assert_eq!(claim(179).await, []);
        let second = claim(180).await;
        assert_eq!((second.len(), second[0].n_alerts), (1, 2));
        assert_ne!(second[0].id, first[0].id);
    })
    .await;
}

#[tokio::test]
async fn a_digest_that_was_given_up_takes_in_no_more_alerts() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let archive = &world.archive;
        let grid = hourly();
        let raise = async |n: u32, minute| {
            let (batch, matches) = ([correlated(n, n, &[])], [matched(&grid, n)]);
            let now = at(minute);
            archive.record_annotations_and_alerts(&batch, &matches, now).await.unwrap();
        };
        let claim = async |minute| archive.claim_messages(10, at(minute), LEASE).await.unwrap();
        raise(1, 100).await;
        raise(2, 130).await;
        // The receiver is gone, so that the message of the next hour is given up, too.
        let first = claim(130).await;
        let gone = Outcome::Closed("410".to_owned());
        archive.finish_message(&first[0], &gone, at(131)).await.unwrap();
        assert_eq!(archive.messages("dead", 10).await.unwrap().len(), 2);
        // It is back.
        assert!(archive.retry_message(&first[0].id, at(140)).await.unwrap());
        let again = claim(140).await;
        archive.finish_message(&again[0], &Outcome::Sent, at(140)).await.unwrap();
        raise(3, 145).await;
        assert_eq!(claim(239).await, [], "nothing is left of the hour that was given up");
        let next = claim(240).await;
        assert_eq!((next.len(), next[0].n_alerts), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn what_could_not_be_sent_while_its_search_was_deleted_is_due_when_it_is_back() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let archive = &world.archive;
        let grid = search(AlertUnit::Article);
        archive.save_search(&grid, Expect::New, at(0)).await.unwrap();
        let claim = async |minute| archive.claim_messages(10, at(minute), LEASE).await.unwrap();
        let give_up = async |minute: i64| {
            for message in claim(minute).await {
                let dead = Outcome::Dead("taken away".to_owned());
                archive.finish_message(&message, &dead, at(minute)).await.unwrap();
            }
        };
        record(world, &[correlated(1, 1, &[])], &[matched(&grid, 1)]).await;
        give_up(101).await;
        record(world, &[correlated(2, 2, &[])], &[matched(&grid, 2)]).await;
        archive.delete_search(&grid.id, at(102)).await.unwrap();
        give_up(103).await;
        let restored = archive.restore_search(&grid.id, at(102), at(104)).await.unwrap();
        assert_eq!(restored, Saved::Replaced);
        let due = claim(104).await;
        assert_eq!(due.len(), 1, "what was given up before the deletion stays so");
        assert_eq!((due[0].alerts[0].article, due[0].planned_at), (id(2), at(104)));
        archive.finish_message(&due[0], &Outcome::Sent, at(104)).await.unwrap();

        // Nothing goes to a receiver that is gone.
        archive.delete_search(&grid.id, at(105)).await.unwrap();
        let dead = archive.messages("dead", 10).await.unwrap();
        assert!(archive.retry_message(&dead[0].id, at(105)).await.unwrap());
        let gone = Outcome::Closed("410".to_owned());
        archive.finish_message(&claim(105).await[0], &gone, at(106)).await.unwrap();
        archive.restore_search(&grid.id, at(102), at(107)).await.unwrap();
        assert_eq!(claim(107).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_restart_sends_again_what_was_under_way() {
    let world = World::on_sqlite().await;
    world.declare(&["wire"]).await;
    world.store([1]).await;
    let grid = search(AlertUnit::Article);
    record(&world, &[correlated(1, 1, &[])], &[matched(&grid, 1)]).await;
    let before = world.archive.claim_messages(10, at(100), LEASE).await.unwrap();
    world.archive.close().await;
    drop(world.archive);
    let archive = crate::archive::Archive::open(&world.settings).await.unwrap();
    let after = archive.claim_messages(10, at(100), LEASE).await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].id, before[0].id);
}
