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
        let state = archive.submit_entry(&page, "Single pages", at(1)).await.unwrap();
        assert_eq!(state, Some(EntryState::Waiting));
        assert_eq!(archive.due_sources(at(9), 9).await.unwrap(), [], "nothing to poll");

        let claimed = world.claim(9, 2).await;
        assert_eq!((claimed.len(), claimed[0].entry.id), (1, page.id));
        let failure = Failure { class: "robots".to_owned(), message: "not that one".to_owned() };
        archive.record_entry_failure(&page.id, &failure, None).await.unwrap();
        let state = archive.entry_state(&page.id).await.unwrap();
        assert_eq!(state, Some(EntryState::Failed(failure, None)));

        let again = archive.submit_entry(&page, "Single pages", at(3)).await.unwrap();
        assert_eq!(again, Some(EntryState::Waiting), "whoever asks again means it");
        assert_eq!(world.claim(9, 4).await.len(), 1);
        let stored = ingest::Article { source: "single".into(), ..article("wire", 1) };
        archive.record_article(&stored, Some(&page.id)).await.unwrap();
        let known = archive.submit_entry(&page, "Single pages", at(5)).await.unwrap();
        assert_eq!(known, Some(EntryState::Archived));
        assert_eq!(world.claim(9, 6).await, []);

        // After a start that declares other sources, what waits is still crawled.
        let other = Entry { source: "single".into(), ..entry("wire", 2) };
        archive.submit_entry(&other, "Single pages", at(7)).await.unwrap();
        world.declare(&["wire"]).await;
        assert_eq!(world.claim(9, 8).await, []);
        archive.keep_crawling("single").await.unwrap();
        assert_eq!(world.claim(9, 8).await.len(), 1);
    })
    .await;
}
