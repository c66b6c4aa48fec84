use std::collections::BTreeSet;

use ingest::{ArticleId, Entry};
use sqlx::Row;

use super::world::{LEASE, article, at, entry, on_each_database, url};
use crate::archive::articles::Recorded;
use crate::archive::frontier::Claim;
use crate::archive::sources::Failure;
use crate::archive::{Archive, ArchiveSettings};

fn timeout() -> Failure {
    Failure { class: "timeout".to_owned(), message: "no answer in 30 s".to_owned() }
}

#[tokio::test]
async fn entries_come_in_the_order_of_their_feed_and_whole() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let entries = [entry("wire", 3), entry("wire", 1), entry("wire", 2)];
        world.poll("wire", &entries, 0).await;
        let claimed = world.claim(2, 0).await;
        let got: Vec<_> = claimed.iter().map(|it| it.entry.clone()).collect();
        assert_eq!(got, entries[..2]);
        assert_eq!(claimed[0].attempts, 1);
        assert_eq!(world.claim(9, 0).await.len(), 1);
        assert_eq!(world.claim(9, 0).await, []);
        assert_eq!(world.archive.n_pending().await.unwrap(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_busy_source_leaves_room_for_the_others() {
    on_each_database(async |world| {
        world.declare(&["busy", "calm", "wire"]).await;
        let many: Vec<_> = (0..50).map(|n| entry("busy", n)).collect();
        world.poll("busy", &many, 0).await;
        world.poll("calm", &[entry("calm", 1)], 1).await;
        world.poll("wire", &[entry("wire", 1), entry("wire", 2)], 1).await;
        let claim = Claim { limit: 9, per_source_max: 4, lease: LEASE };
        let count = |claimed: &[crate::archive::frontier::ClaimedEntry], name: &str| {
            claimed.iter().filter(|it| it.entry.source.as_str() == name).count()
        };
        let claimed = world.archive.claim_entries(claim, at(1)).await.unwrap();
        assert_eq!(["busy", "calm", "wire"].map(|it| count(&claimed, it)), [4, 1, 2]);
        // Four of `busy` are out, so none more until one comes home.
        assert_eq!(world.archive.claim_entries(claim, at(1)).await.unwrap(), []);
        let done = article("busy", 0);
        world.archive.record_article(&done, Some(&done.id)).await.unwrap();
        assert_eq!(world.archive.claim_entries(claim, at(1)).await.unwrap().len(), 1);
        // Without others, one source gets everything it may.
        let claim = Claim { limit: 9, per_source_max: 100, lease: LEASE };
        assert_eq!(world.archive.claim_entries(claim, at(1)).await.unwrap().len(), 9);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_runs_out_gives_the_entry_back() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1)], 0).await;
        assert_eq!(world.claim(1, 0).await.len(), 1);
        assert_eq!(world.archive.next_wake_at().await.unwrap(), Some(at(2)));
        assert_eq!(world.claim(1, 1).await, []);
        assert_eq!(world.claim(1, 2).await[0].attempts, 2);
    })
    .await;
}

#[tokio::test]
async fn a_restart_gives_back_at_once_what_the_last_run_held() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1)], 0).await;
        world.store([2]).await;
        world.claim(1, 0).await;
        let unannotated = world.archive.claim_unannotated(1, at(0), LEASE).await.unwrap();
        assert_eq!(unannotated.len(), 1);
        // The lock of the running archive is in the way, so the restart is played on a second
        // folder that has the same worker id.
        let data_dir = world.dir.path().join("restarted");
        std::fs::create_dir(&data_dir).unwrap();
        for file in ["worker-id", "harbinger.db", "harbinger.db-wal"] {
            let from = world.settings.data_dir.join(file);
            if from.exists() {
                std::fs::copy(from, data_dir.join(file)).unwrap();
            }
        }
        let settings = ArchiveSettings { data_dir, ..world.settings.clone() };
        let restarted = Archive::open(&settings).await.unwrap();
        let claim = Claim { limit: 1, per_source_max: 1, lease: LEASE };
        assert_eq!(restarted.claim_entries(claim, at(0)).await.unwrap()[0].attempts, 2);
        assert_eq!(restarted.claim_unannotated(1, at(0), LEASE).await.unwrap().len(), 1);
        restarted.close().await;
    })
    .await;
}

#[tokio::test]
async fn released_entries_were_never_tried() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1)], 0).await;
        let claimed = world.claim(1, 0).await;
        world.archive.release_entries(&[claimed[0].entry.id], at(0)).await.unwrap();
        assert_eq!(world.claim(1, 0).await[0].attempts, 1);
    })
    .await;
}

#[tokio::test]
async fn entries_that_were_not_asked_for_wait_until_their_time_however_often() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1)], 0).await;
        let mut due = 0;
        for _ in 0..20 {
            let claimed = world.claim(1, due).await;
            assert_eq!((claimed.len(), claimed[0].attempts), (1, 1));
            due += 5;
            world.archive.release_entries(&[claimed[0].entry.id], at(due)).await.unwrap();
            assert_eq!(world.claim(1, due - 1).await, []);
        }
        let counts = world.archive.counts().await.unwrap();
        assert_eq!((counts.n_entries_dead, counts.failures.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn an_entry_is_held_as_long_as_its_worker_says() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1)], 0).await;
        let id = world.claim(1, 0).await[0].entry.id;
        world.archive.extend_lease(&id, at(10)).await.unwrap();
        assert_eq!(world.claim(1, 9).await, []);
        assert_eq!(world.claim(1, 10).await[0].attempts, 2);
        world.archive.release_entries(&[id], at(11)).await.unwrap();
        world.archive.extend_lease(&id, at(60)).await.unwrap();
        assert_eq!(world.claim(1, 11).await.len(), 1, "a lease that ended is not made longer");
    })
    .await;
}

#[tokio::test]
async fn failures_are_counted_and_tried_again_or_given_up() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1), entry("wire", 2)], 0).await;
        let claimed = world.claim(2, 0).await;
        let ids: Vec<ArticleId> = claimed.iter().map(|it| it.entry.id).collect();
        for (id, retry_at) in [(&ids[0], Some(at(10))), (&ids[1], None)] {
            world.archive.record_entry_failure(id, &timeout(), retry_at).await.unwrap();
        }

        assert_eq!(world.claim(2, 9).await, []);
        let again = world.claim(2, 10).await;
        assert_eq!((again.len(), again[0].attempts), (1, 2));
        let counts = world.archive.counts().await.unwrap();
        assert_eq!((counts.n_entries_leased, counts.n_entries_dead), (1, 1));
        assert_eq!(counts.failures[0].n, 2);
        assert_eq!(world.archive.source_states(None).await.unwrap()[0].n_dead, 1);
    })
    .await;
}

#[tokio::test]
async fn an_article_ends_its_entry_also_when_the_page_was_redirected() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[entry("wire", 1), entry("wire", 2)], 0).await;
        let claimed = world.claim(2, 0).await;
        let mut redirected = article("wire", 1);
        redirected.url = url("wire", 100);
        redirected.id = ArticleId::of(&redirected.url);
        for (article, entry) in [(redirected, &claimed[0]), (article("wire", 2), &claimed[1])] {
            let recorded = world.archive.record_article(&article, Some(&entry.entry.id)).await;
            assert_eq!(recorded.unwrap(), Recorded::Inserted);
        }
        assert_eq!(world.archive.n_pending().await.unwrap(), 0);
        assert_eq!(world.archive.next_wake_at().await.unwrap(), None);
        assert_eq!(world.poll("wire", &[entry("wire", 1), entry("wire", 2)], 5).await, 0);
        // A failure that arrives late does not reopen what is done.
        let late = claimed[1].entry.id;
        world.archive.record_entry_failure(&late, &timeout(), Some(at(6))).await.unwrap();
        assert_eq!(world.claim(2, 60).await, []);
    })
    .await;
}

#[tokio::test]
async fn workers_that_claim_at_once_never_share_an_entry() {
    on_each_database(async |world| {
        world.declare(&["wire", "gazette"]).await;
        let entries: Vec<_> = (0..60).map(|n| entry("wire", n)).collect();
        world.poll("wire", &entries, 0).await;
        let entries: Vec<_> = (0..60).map(|n| entry("gazette", n)).collect();
        world.poll("gazette", &entries, 0).await;
        let other = world.second_worker().await;
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let archive = if worker % 2 == 0 { world.archive.clone() } else { other.clone() };
            tasks.spawn(async move {
                let claim = Claim { limit: 5, per_source_max: 100, lease: LEASE };
                let mut mine = Vec::new();
                for _ in 0..200 {
                    let claimed = archive.claim_entries(claim, at(0)).await.unwrap();
                    mine.extend(claimed.into_iter().map(|it| it.entry.id));
                    if archive.next_wake_at().await.unwrap() != Some(at(0)) {
                        break;
                    }
                }
                mine
            });
        }
        let all: Vec<ArticleId> = tasks.join_all().await.concat();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (120, 120));
    })
    .await;
}

#[tokio::test]
async fn the_text_of_an_entry_is_kept_until_it_is_an_article() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let whole = |n| Entry { text: Some(format!("The text of entry {n}.")), ..entry("wire", n) };
        world.poll("wire", &[whole(1), whole(2)], 0).await;
        let claimed = world.claim(9, 0).await;
        assert_eq!(claimed[1].entry.text.as_deref(), Some("The text of entry 2."));
        world
            .archive
            .record_article(&article("wire", 1), Some(&claimed[0].entry.id))
            .await
            .unwrap();
        let rows = sqlx::query("SELECT id FROM entries WHERE text IS NOT NULL");
        let rows = rows.fetch_all(&world.archive.reader).await.unwrap();
        let with_text: Vec<&str> = rows.iter().map(|it| it.try_get("id").unwrap()).collect();
        assert_eq!(with_text, [claimed[1].entry.id.to_string()]);
    })
    .await;
}
