use super::world::{at, on_each_database};
use crate::archive::hub_subscriptions::{HubSubscription, TOLD_PAUSE};
use crate::archive::sources::PollRecord;

fn asked(minute: i64) -> HubSubscription {
    HubSubscription {
        source: "wire".into(),
        hub: "https://hub.example/".to_owned(),
        topic: "https://wire.example/feed".to_owned(),
        token: format!("token-{minute}"),
        secret: "secret".to_owned(),
        asked_at: at(minute),
        n_unconfirmed: 1,
        ends_at: None,
        told_at: None,
    }
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
        let too_early = soon - chrono::TimeDelta::seconds(1);
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
        let archive = &world.archive;
        let poll = async |source: &str, next: Option<chrono::DateTime<chrono::Utc>>| {
            let record = PollRecord {
                source: &source.into(),
                state_json: "{}",
                next_poll_at: next,
                entries: &[],
                failure: None,
            };
            archive.record_poll(&record, at(1)).await.unwrap();
        };
        let before_the_pause = at(1) + chrono::TimeDelta::seconds(5);
        poll("overdue", Some(at(2))).await;
        poll("gone", None).await;
        poll("soon", Some(before_the_pause)).await;
        archive.record_news(&"overdue".into(), at(9)).await.unwrap();
        archive.record_news(&"gone".into(), at(9)).await.unwrap();
        archive.record_news(&"soon".into(), at(1)).await.unwrap();
        let due = archive.due_sources(at(99), 10).await.unwrap();
        let due: Vec<_> = due.iter().map(|it| (it.id.as_str(), it.due_at)).collect();
        assert_eq!(due, [("soon", before_the_pause), ("overdue", at(2))]);
    })
    .await;
}
