use super::world::{at, on_each_database};
use crate::archive::hub_subscriptions::{HubSubscription, TOLD_PAUSE};

fn asked(minute: i64) -> HubSubscription {
    HubSubscription {
        source: "wire".into(),
        hub: "https://hub.example/".to_owned(),
        topic: "https://wire.example/feed".to_owned(),
        token: format!("token-{minute}"),
        secret: "secret".to_owned(),
        asked_at: at(minute),
        n_refusals: 0,
        refusal: None,
        ends_at: None,
        told_at: None,
    }
}

#[tokio::test]
async fn a_subscription_is_asked_for_by_one_worker_confirmed_refused_and_forgotten() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let wire = "wire".into();
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), None);
        assert!(archive.begin_hub_subscription(&asked(0)).await.unwrap());
        let other = HubSubscription { token: "other".to_owned(), ..asked(0) };
        assert!(!archive.begin_hub_subscription(&other).await.unwrap(), "one worker is enough");
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), Some(asked(0)));
        assert_eq!(archive.hub_subscription_by_token("other").await.unwrap(), None);

        archive.refuse_hub_subscription("token-0", "it answered 500").await.unwrap();
        let refused = archive.hub_subscription_by_token("token-0").await.unwrap().unwrap();
        assert_eq!((refused.n_refusals, refused.refusal.as_deref()), (1, Some("it answered 500")));
        archive.confirm_hub_subscription("token-0", at(600)).await.unwrap();
        let confirmed = HubSubscription { ends_at: Some(at(600)), ..asked(0) };
        assert_eq!(archive.hub_subscription(&wire).await.unwrap(), Some(confirmed));

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
