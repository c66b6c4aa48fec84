use config::SourceId;
use ingest::Entry;

use super::world::{article, at, entry, on_each_database};
use crate::archive::sources::Failure;
use crate::archive::submissions::EntryState;

#[tokio::test]
async fn a_single_page_waits_in_the_frontier_like_any_entry() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let page = Entry { source: "single".into(), ..entry("wire", 1) };
        assert_eq!(archive.entry_state(&page.id).await.unwrap(), None);
        let single = SourceId::new("single");
        archive.put_unpolled_source(&single, "Single pages").await.unwrap();
        let state = archive.submit_entry(&page, at(1)).await.unwrap();
        assert_eq!(state, Some(EntryState::Waiting));
        assert_eq!(archive.due_sources(at(9), 9).await.unwrap(), [], "nothing to poll");

        let claimed = world.claim(9, 2).await;
        assert_eq!((claimed.len(), claimed[0].entry.id), (1, page.id));
        let failure = Failure { class: "robots".to_owned(), message: "not that one".to_owned() };
        archive.record_entry_failure(&page.id, &failure, None).await.unwrap();
        let state = archive.entry_state(&page.id).await.unwrap();
        assert_eq!(state, Some(EntryState::Failed(failure, None)));

        let again = archive.submit_entry(&page, at(3)).await.unwrap();
        assert_eq!(again, Some(EntryState::Waiting), "whoever asks again means it");
        assert_eq!(world.claim(9, 4).await.len(), 1);
        let stored = ingest::Article { source: "single".into(), ..article("wire", 1) };
        archive.record_article(&stored, Some(&page.id)).await.unwrap();
        let known = archive.submit_entry(&page, at(5)).await.unwrap();
        assert_eq!(known, Some(EntryState::Archived));
        assert_eq!(world.claim(9, 6).await, []);

        // After a start that declares other sources, what waits is still crawled.
        let other = Entry { source: "single".into(), ..entry("wire", 2) };
        archive.submit_entry(&other, at(7)).await.unwrap();
        world.declare(&["wire"]).await;
        assert_eq!(world.claim(9, 8).await, []);
        archive.put_unpolled_source(&single, "Pages").await.unwrap();
        assert_eq!(world.claim(9, 8).await.len(), 1);
        let states = archive.source_states(None).await.unwrap();
        let kept = states.iter().find(|it| it.id == single).unwrap();
        assert_eq!((kept.name.as_str(), kept.is_active), ("Pages", true));
    })
    .await;
}

#[tokio::test]
async fn a_page_named_again_goes_to_the_source_that_it_belongs_to_now() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        archive.put_unpolled_source(&"single".into(), "Single pages").await.unwrap();
        let page = Entry { source: "single".into(), ..entry("wire", 1) };
        archive.submit_entry(&page, at(1)).await.unwrap();
        // Its site is a source by now, with rules of its own.
        archive.submit_entry(&entry("wire", 1), at(2)).await.unwrap();
        assert_eq!(world.claim(9, 3).await[0].entry.source, SourceId::new("wire"));
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_being_fetched_again_waits_whatever_the_last_try_said() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        let page = entry("wire", 1);
        archive.submit_entry(&page, at(1)).await.unwrap();
        assert_eq!(world.claim(9, 1).await.len(), 1);
        let failure = Failure { class: "timeout".to_owned(), message: "no answer".to_owned() };
        archive.record_entry_failure(&page.id, &failure, Some(at(5))).await.unwrap();
        let state = archive.entry_state(&page.id).await.unwrap();
        assert_eq!(state, Some(EntryState::Failed(failure, Some(at(5)))));
        assert_eq!(world.claim(9, 6).await.len(), 1);
        assert_eq!(archive.entry_state(&page.id).await.unwrap(), Some(EntryState::Waiting));
    })
    .await;
}
