use config::SourceId;
use sqlx::{AssertSqlSafe, Row};

use super::world::{World, article, at, entry, on_each_database, source};
use crate::archive::counts::N_FAILING;
use crate::archive::sources::{Failure, PollRecord};

#[tokio::test]
async fn declared_sources_are_due_at_once_and_polled_ones_when_they_said() {
    on_each_database(async |world| {
        world.declare(&["wire", "gazette"]).await;
        let due = world.archive.due_sources(at(0), 10).await.unwrap();
        let ids: Vec<&str> = due.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids, ["gazette", "wire"]);
        assert_eq!(due[0].state_json, None);

        world.poll("wire", &[], 1).await;
        assert_eq!(world.archive.due_sources(at(1), 10).await.unwrap().len(), 1);
        assert_eq!(world.archive.next_poll_at().await.unwrap(), Some(at(0)));
        let due = world.archive.due_sources(at(31), 10).await.unwrap();
        let wire = due.iter().find(|it| it.id.as_str() == "wire").unwrap();
        assert_eq!(wire.state_json.as_deref(), Some(r#"{"etag":"\"1\""}"#));
        assert_eq!(wire.due_at, at(31));
    })
    .await;
}

#[tokio::test]
async fn a_restart_keeps_poll_states_unless_the_address_changed() {
    on_each_database(async |world| {
        world.declare(&["wire", "gazette"]).await;
        world.poll("wire", &[], 1).await;
        world.poll("gazette", &[], 1).await;
        let mut moved = source("gazette");
        moved.address = "https://gazette.example/new-feed".to_owned();
        world.archive.sync_sources(&[source("wire"), moved], at(2)).await.unwrap();

        let states = world.archive.source_states(None).await.unwrap();
        let (gazette, wire) = (&states[0], &states[1]);
        assert_eq!((gazette.state_json.as_deref(), gazette.next_poll_at), (None, Some(at(2))));
        assert!(wire.state_json.is_some());
        assert_eq!(wire.next_poll_at, Some(at(31)));
    })
    .await;
}

#[tokio::test]
async fn a_feed_that_is_gone_for_good_is_never_due_again() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let poll = PollRecord {
            source: &"wire".into(),
            state_json: "{}",
            next_poll_at: None,
            entries: &[],
            failure: None,
            has_untold_news: false,
        };
        world.archive.record_poll(&poll, at(1)).await.unwrap();
        world.declare(&["wire"]).await;
        assert_eq!(world.archive.due_sources(at(9_999_999), 10).await.unwrap(), []);
        assert_eq!(world.archive.next_poll_at().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_source_no_longer_declared_is_neither_polled_nor_crawled() {
    on_each_database(async |world| {
        world.declare(&["wire", "sample"]).await;
        world.poll("sample", &[entry("sample", 1)], 0).await;
        world.declare(&["wire"]).await;
        assert_eq!(world.archive.due_sources(at(99), 10).await.unwrap().len(), 1);
        assert_eq!(world.claim(10, 99).await, []);
        assert_eq!(world.archive.n_pending().await.unwrap(), 0);
        assert_eq!(world.archive.next_wake_at().await.unwrap(), None);

        world.declare(&["wire", "sample"]).await;
        assert_eq!(world.claim(10, 99).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_new_only_once() {
    on_each_database(async |world| {
        world.declare(&["wire", "gazette"]).await;
        assert_eq!(world.poll("wire", &[entry("wire", 1), entry("wire", 2)], 0).await, 2);
        assert_eq!(world.poll("wire", &[entry("wire", 2), entry("wire", 3)], 1).await, 1);
        // The same page in another source's feed.
        assert_eq!(world.poll("gazette", &[entry("wire", 3)], 2).await, 0);
        // An article that came without an entry.
        world.archive.record_article(&article("wire", 4), None).await.unwrap();
        assert_eq!(world.poll("wire", &[entry("wire", 4)], 3).await, 0);
        // One feed that names a page twice.
        assert_eq!(world.poll("wire", &[entry("wire", 5), entry("wire", 5)], 4).await, 1);
    })
    .await;
}

#[tokio::test]
async fn an_article_that_its_user_deleted_never_comes_back() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let id = article("wire", 1).id;
        sqlx::query("INSERT INTO tombstones (article_id, buried_at) VALUES ($1, 0)")
            .bind(id.to_string())
            .execute(&world.archive.writer)
            .await
            .unwrap();
        assert_eq!(world.poll("wire", &[entry("wire", 1)], 0).await, 0);
        let recorded = world.archive.record_article(&article("wire", 1), None).await.unwrap();
        assert_eq!(recorded, crate::archive::articles::Recorded::Buried);
        assert_eq!(world.archive.article(&id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn health_shows_the_last_failure_until_a_poll_goes_well() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        fail(world, "wire").await;
        let state = world.archive.source_states(None).await.unwrap().remove(0);
        assert_eq!(state.last_poll_at, Some(at(3)));
        assert_eq!(state.failure.unwrap().message, "no answer\u{fffd} in 30 s");
        let counts = world.archive.counts().await.unwrap();
        let polls: Vec<_> =
            counts.failures.iter().map(|it| (&*it.stage, &*it.class, it.n)).collect();
        assert_eq!(polls, [("poll", "timeout", 1)]);

        world.poll("wire", &[entry("wire", 7)], 60).await;
        world.archive.record_article(&article("wire", 8), None).await.unwrap();
        let state = world.archive.source_states(None).await.unwrap().remove(0);
        assert_eq!(state.failure, None);
        assert_eq!((state.n_articles, state.n_waiting), (1, 1));
        assert_eq!(state.last_article_at, Some(at(8)));
    })
    .await;
}

/// Lets the last poll of `name` fail.
async fn fail(world: &World, name: &str) {
    let failure =
        Failure { class: "timeout".to_owned(), message: "no answer\0 in 30 s".to_owned() };
    let poll = PollRecord {
        source: &name.into(),
        state_json: "{}",
        next_poll_at: Some(at(60)),
        entries: &[],
        failure: Some(&failure),
        has_untold_news: false,
    };
    world.archive.record_poll(&poll, at(3)).await.unwrap();
}

#[tokio::test]
async fn sources_that_fail_are_counted_until_they_do_well_move_or_are_dropped() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let counted = async || {
            let n_failing = archive.n_failing_sources().await.unwrap();
            (n_failing, archive.n_polled_sources().await.unwrap())
        };
        world.declare(&["wire", "gazette", "courier"]).await;
        let single = SourceId::new(SourceId::SUBMITTED);
        archive.put_unpolled_source(&single, "Single pages").await.unwrap();
        assert_eq!(counted().await, (0, 3), "nobody polls single pages");
        for name in ["wire", "gazette", "courier"] {
            fail(world, name).await;
        }
        assert_eq!(counted().await, (3, 3));
        world.poll("wire", &[], 60).await;
        assert_eq!(counted().await, (2, 3), "one does well again");

        let mut moved = source("gazette");
        moved.address = "https://gazette.example/new-feed".to_owned();
        let kept = [source("wire"), moved, source("courier")];
        archive.sync_sources(&kept, at(61)).await.unwrap();
        assert_eq!(counted().await, (1, 3), "the new address was not asked yet");
        let states = archive.source_states(None).await.unwrap();
        let failures = states.iter().filter(|it| it.failure.is_some());
        let failing: Vec<&str> = failures.map(|it| it.id.as_str()).collect();
        assert_eq!(failing, ["courier"], "nor is it said to fail");
        world.declare(&["wire", "gazette"]).await;
        assert_eq!(counted().await, (0, 2), "who is not polled does not fail");
    })
    .await;
}

#[tokio::test]
async fn to_count_those_that_fail_no_source_is_read() {
    let world = World::on_sqlite().await;
    let explain = format!("EXPLAIN QUERY PLAN {N_FAILING}");
    let plan = sqlx::query(AssertSqlSafe(explain)).fetch_all(&world.archive.reader).await.unwrap();
    let steps: Vec<String> = plan.iter().map(|it| it.try_get("detail").unwrap()).collect();
    assert!(steps.len() == 1 && steps[0].contains("COVERING INDEX sources_failing"), "{steps:?}");
}

#[tokio::test]
async fn a_postponed_poll_changes_nothing_but_when_the_source_is_due() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1)], 0).await;
        let before = world.archive.source_states(None).await.unwrap().remove(0);
        world.archive.postpone_poll(&before.id, at(7)).await.unwrap();
        let mut after = world.archive.source_states(None).await.unwrap().remove(0);
        assert_eq!(after.next_poll_at, Some(at(7)));
        after.next_poll_at = before.next_poll_at;
        assert_eq!(after, before);
    })
    .await;
}

#[tokio::test]
async fn the_quality_of_sources_counts_what_articles_have_and_why_entries_failed() {
    on_each_database(async |world| {
        world.declare(&["wire", "gazette"]).await;
        world.poll("wire", &[entry("wire", 9)], 1).await;
        let mut bare = article("wire", 2);
        (bare.title, bare.authors, bare.published_at) = (String::new(), Vec::new(), None);
        let old = article("gazette", 1);
        world.archive.record_articles(&[article("wire", 1), bare, old]).await.unwrap();
        let claimed = world.claim(1, 2).await;
        let failure = Failure { class: "no_text".to_owned(), message: "x".to_owned() };
        let id = claimed[0].entry.id;
        world.archive.record_entry_failure(&id, &failure, None).await.unwrap();

        let all = world.archive.source_quality(at(0), None).await.unwrap();
        let (wire_id, gazette) = (SourceId::new("wire"), SourceId::new("gazette"));
        let wire = &all[&wire_id];
        assert_eq!((wire.n_articles, wire.n_titled, wire.n_dated, wire.n_signed), (2, 1, 1, 1));
        assert_eq!(wire.failures, [("no_text".to_owned(), 1)].into());
        assert_eq!(all[&gazette].n_articles, 1);
        let later = world.archive.source_quality(at(5), None).await.unwrap();
        assert!(!later.contains_key(&gazette));
        assert!(later.get(&wire_id).is_none_or(|it| it.failures.is_empty()), "an old failure");
        let only = world.archive.source_quality(at(0), Some(&wire_id)).await.unwrap();
        assert_eq!(only, [(wire_id.clone(), wire.clone())].into());
        let only = world.archive.source_states(Some(&wire_id)).await.unwrap();
        assert_eq!((only.len(), &only[0].id, only[0].n_dead), (1, &wire_id, 1));
    })
    .await;
}
