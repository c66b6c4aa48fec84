use chrono::{DateTime, TimeDelta, Utc};

use super::world::{World, at, on_each_database};
use crate::archive::added_sources::AddedBy;
use crate::archive::hub_subscriptions::{HubSubscription, TOLD_PAUSE};
use crate::archive::sources::{Failure, PollRecord};

fn asked(minute: i64) -> HubSubscription {
    HubSubscription {
        source: "wire".into(),
        hub: "https://hub.example/".to_owned(),
        topic: "https://wire.example/feed".to_owned(),
        callback: "https://desk.example/websub/".to_owned(),
        token: format!("token-{minute}"),
        secret: "secret".to_owned(),
        asked_at: at(minute),
        n_unconfirmed: 1,
        ends_at: None,
        told_at: None,
        missed_at: None,
    }
}

/// Polls `source` at minute 1.
async fn poll(world: &World, source: &str, next: Option<DateTime<Utc>>, class: Option<&str>) {
    let failure = class.map(|it| Failure { class: it.to_owned(), message: "no answer".to_owned() });
    let record = PollRecord {
        source: &source.into(),
        state_json: "{}",
        next_poll_at: next,
        entries: &[],
        failure: failure.as_ref(),
        has_untold_news: false,
    };
    world.archive.record_poll(&record, at(1)).await.unwrap();
}

/// When each source is due, by id.
async fn due(world: &World) -> Vec<(String, DateTime<Utc>)> {
    let due = world.archive.due_sources(at(999), 10).await.unwrap();
    let mut due: Vec<_> = due.into_iter().map(|it| (it.id.to_string(), it.due_at)).collect();
    due.sort();
    due
}

#[tokio::test]
async fn a_subscription_is_asked_for_by_one_worker_confirmed_ended_and_forgotten() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let wire = "wire".into();
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), None);
        assert!(archive.begin_hub_subscription(&asked(0)).await.unwrap());
        let other = HubSubscription { token: "other".to_owned(), ..asked(0) };
        assert!(!archive.begin_hub_subscription(&other).await.unwrap(), "one worker is enough");
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), Some(asked(0)));
        assert_eq!(archive.hub_subscription_by_token("other").await.unwrap(), None);

        archive.confirm_hub_subscription("token-0", at(600)).await.unwrap();
        let confirmed = HubSubscription { ends_at: Some(at(600)), n_unconfirmed: 0, ..asked(0) };
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), Some(confirmed));
        archive.end_hub_subscription("token-0").await.unwrap();
        let ended = archive.hub_subscription_by_token("token-0").await.unwrap().unwrap();
        assert_eq!(ended.ends_at, None, "a hub may say so after it confirmed");

        assert!(archive.begin_hub_subscription(&asked(5)).await.unwrap());
        assert_eq!(archive.hub_subscription_by_token("token-0").await.unwrap(), None);
        archive.forget_hub_subscription(&wire).await.unwrap();
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn news_make_a_source_due_but_not_at_once_after_a_poll() {
    on_each_database(async |world| {
        world.declare(&["wire", "gazette"]).await;
        for source in ["wire", "gazette"] {
            world.poll(source, &[], 1).await;
        }
        let archive = &world.archive;
        archive.begin_hub_subscription(&asked(0)).await.unwrap();
        let n_due = async |time| archive.due_sources(time, 10).await.unwrap().len();
        let soon = at(1) + TOLD_PAUSE;
        archive.record_news(&"wire".into(), at(1)).await.unwrap();
        archive.record_news(&"wire".into(), at(1)).await.unwrap();
        let too_early = soon - TimeDelta::seconds(1);
        assert_eq!((n_due(too_early).await, n_due(soon).await), (0, 1));
        archive.record_news(&"gazette".into(), at(9)).await.unwrap();
        assert_eq!((n_due(at(8)).await, n_due(at(9)).await), (1, 2));
        let told = archive.hub_subscription(&"wire".into()).await.unwrap().unwrap();
        assert_eq!(told.told_at, Some(at(1)));
    })
    .await;
}

#[tokio::test]
async fn news_delay_no_poll_and_bring_back_no_feed_that_is_gone() {
    on_each_database(async |world| {
        world.declare(&["overdue", "gone", "soon"]).await;
        let before_the_pause = at(1) + TimeDelta::seconds(5);
        poll(world, "overdue", Some(at(2)), None).await;
        poll(world, "gone", None, None).await;
        poll(world, "soon", Some(before_the_pause), None).await;
        world.archive.record_news(&"overdue".into(), at(9)).await.unwrap();
        world.archive.record_news(&"gone".into(), at(9)).await.unwrap();
        world.archive.record_news(&"soon".into(), at(1)).await.unwrap();
        let expected = [("overdue".to_owned(), at(2)), ("soon".to_owned(), before_the_pause)];
        assert_eq!(due(world).await, expected);
    })
    .await;
}

#[tokio::test]
async fn news_wait_for_a_server_that_asked_for_silence() {
    on_each_database(async |world| {
        world.declare(&["busy", "failing", "slow"]).await;
        poll(world, "busy", Some(at(60)), Some("http_429")).await;
        poll(world, "failing", Some(at(60)), Some("http_5xx")).await;
        poll(world, "slow", Some(at(60)), Some("timeout")).await;
        for source in ["busy", "failing", "slow"] {
            world.archive.record_news(&source.into(), at(9)).await.unwrap();
        }
        let at_60 = ["busy", "failing"].map(|it| (it.to_owned(), at(60)));
        assert_eq!(due(world).await, [&at_60[..], &[("slow".to_owned(), at(9))]].concat());
    })
    .await;
}

#[tokio::test]
async fn news_that_come_during_a_poll_are_not_lost() {
    on_each_database(async |world| {
        let all = ["before", "failed", "gone", "rung", "silent"];
        world.declare(&all).await;
        for (n, source) in all.into_iter().enumerate() {
            let token = n.to_string();
            let asked = HubSubscription { source: source.into(), token, ..asked(0) };
            assert!(world.archive.begin_hub_subscription(&asked).await.unwrap());
            // The polls begin at minute 1 and are recorded after minute 2.
            let told_at = if source == "before" { at(0) } else { at(2) };
            world.archive.record_news(&source.into(), told_at).await.unwrap();
        }
        poll(world, "before", Some(at(30)), None).await;
        poll(world, "failed", Some(at(30)), Some("timeout")).await;
        poll(world, "gone", None, Some("http_410")).await;
        poll(world, "rung", Some(at(30)), None).await;
        poll(world, "silent", Some(at(30)), Some("http_5xx")).await;
        let soon = at(1) + TOLD_PAUSE;
        let expected = [("before", at(30)), ("failed", soon), ("rung", soon), ("silent", at(30))];
        assert_eq!(due(world).await, expected.map(|(id, at)| (id.to_owned(), at)));
    })
    .await;
}

#[tokio::test]
async fn news_of_which_the_hub_did_not_tell_are_noted() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let (archive, wire) = (&world.archive, "wire".into());
        archive.begin_hub_subscription(&asked(0)).await.unwrap();
        for (minute, has_untold_news, missed_at) in
            [(1, false, None), (2, true, Some(at(2))), (3, false, Some(at(2)))]
        {
            let record = PollRecord {
                source: &wire,
                state_json: "{}",
                next_poll_at: Some(at(30)),
                entries: &[],
                failure: None,
                has_untold_news,
            };
            archive.record_poll(&record, at(minute)).await.unwrap();
            let kept = archive.hub_subscription(&wire).await.unwrap().unwrap();
            assert_eq!(kept.missed_at, missed_at, "after minute {minute}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_subscription_ends_with_its_source() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let wire = config::Source::new("wire", "https://wire.example/feed".parse().unwrap());
        archive.add_sources(&[wire], AddedBy::Api, "ana", at(0)).await.unwrap();
        archive.begin_hub_subscription(&asked(0)).await.unwrap();
        assert!(archive.is_source_active(&"wire".into()).await.unwrap());
        archive.pause_source(&"wire".into(), true, at(1)).await.unwrap();
        assert!(!archive.is_source_active(&"wire".into()).await.unwrap());
        assert!(archive.remove_source(&"wire".into(), at(9)).await.unwrap());
        assert_eq!(archive.hub_subscription(&"wire".into()).await.unwrap(), None);
        assert!(!archive.is_source_active(&"never-there".into()).await.unwrap());
    })
    .await;
}
