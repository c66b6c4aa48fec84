use chrono::{DateTime, Utc};
use config::{AlertUnit, Channel, Delivery, SavedSearch};
use ingest::warc_writer::RecordPlace;
use ingest::{Article, ArticleId};
use nlp::correction::Correction;
use nlp::story::StoryId;
use sqlx::Row;

use super::world::{World, article, at, correlated, entry, id, on_each_database, threatening, url};
use crate::archive::alerts::{AlertEdit, AlertFilter, AlertState, Match, MatchItem};
use crate::archive::annotations::CorrelatedArticle;
use crate::archive::articles::Recorded;
use crate::archive::retention::{Prunable, Pruned};
use crate::archive::submissions::EntryState;
use crate::writer::{IndexWriterStage, WriterSettings};
use crate::{Archive, SearchRequest};

/// Deletes what is older than minute `minute`, to the end.
async fn prune(archive: &Archive, minute: i64) -> Pruned {
    let mut total = Pruned::default();
    loop {
        let step = archive.prune_step(at(minute), at(1_000)).await.unwrap();
        if step == Pruned::default() {
            return total;
        }
        total.n_articles += step.n_articles;
        total.n_entries += step.n_entries;
    }
}

async fn there(world: &World, numbers: std::ops::Range<u32>) -> Vec<u32> {
    let mut there = Vec::new();
    for n in numbers {
        if world.archive.article(&id(n)).await.unwrap().is_some() {
            there.push(n);
        }
    }
    there
}

pub(super) async fn count(world: &World, table: &str) -> i64 {
    let count = format!("SELECT COUNT(*) FROM {table}");
    let row = sqlx::query(sqlx::AssertSqlSafe(count)).fetch_one(&world.archive.reader).await;
    row.unwrap().try_get(0).unwrap()
}

pub(super) fn story_of(founder: u32) -> StoryId {
    correlated(founder, founder, &[]).story
}

pub(super) fn matched(n: u32, unit: AlertUnit) -> Match {
    let to = Some("https://soc.example/hook".to_owned());
    let hook = Delivery { channel: Channel::Webhook, to, to_secret: None, signing_secret: None };
    Match {
        search: SavedSearch { unit, deliver: vec![hook], ..SavedSearch::new("grid", "power") },
        search_created_at: at(0),
        article: id(n),
        title: format!("Headline {n}"),
        url: format!("https://wire.example/{n}"),
        source: "wire".into(),
        source_name: "The wire".to_owned(),
        dated_at: at(n.into()),
        items: vec![MatchItem {
            place: String::new(),
            sentence: String::new(),
            reasons: Vec::new(),
            claims: Vec::new(),
        }],
    }
}

#[tokio::test]
async fn what_is_old_goes_with_all_that_belongs_to_it_and_never_comes_back() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let entries: Vec<_> = (1..5).map(|n| entry("wire", n)).collect();
        world.poll("wire", &entries, 0).await;
        for n in [1, 2, 4] {
            world.archive.record_article(&article("wire", n), Some(&id(n))).await.unwrap();
        }
        // Article 3 was published early and fetched late: its time begins when it came.
        let late = Article { fetched_at: at(600), ..article("wire", 3) };
        world.archive.record_article(&late, Some(&id(3))).await.unwrap();
        let batch = [
            threatening(1, 1),
            correlated(2, 1, &["group:x", "country:ir"]),
            correlated(3, 1, &["country:ir"]),
            correlated(4, 4, &["group:y"]),
        ];
        world.annotate(&batch).await;
        for n in [1, 3] {
            let place = RecordPlace { file: "a.warc.gz".to_owned(), offset: 0, n_bytes: 9 };
            world.archive.record_evidence(&id(n), "aa", &place, at(9)).await.unwrap();
        }
        let place = RecordPlace { file: "b.warc.gz".to_owned(), offset: 0, n_bytes: 9 };
        world.archive.record_evidence(&id(4), "bb", &place, at(9)).await.unwrap();
        let files = world.archive.evidence_files().await.unwrap();
        assert_eq!(files.into_iter().collect::<Vec<_>>(), ["a.warc.gz", "b.warc.gz"]);
        let feed = world.archive.last_index_change().await.unwrap();

        let expected = Prunable { n_articles: 3, n_kept: 0, n_entries: 0 };
        assert_eq!(world.archive.prunable(at(500)).await.unwrap(), expected);
        assert_eq!(prune(&world.archive, 500).await, Pruned { n_articles: 3, n_entries: 0 });
        assert_eq!(there(world, 1..5).await, [3]);
        for table in ["statements", "statement_entities", "statement_sectors"] {
            assert_eq!(count(world, table).await, 0, "{table}");
        }
        let one_left = [
            "articles",
            "article_states",
            "annotations",
            "article_entities",
            "article_evidence",
            "entries",
        ];
        for table in one_left {
            assert_eq!(count(world, table).await, 1, "{table}");
        }
        let archive = &world.archive;
        let files = archive.evidence_files().await.unwrap();
        assert_eq!(files.into_iter().collect::<Vec<_>>(), ["a.warc.gz"], "one article needs it");
        // A look at its page was under way when it was deleted.
        archive.record_evidence(&id(4), "bb", &place, at(501)).await.unwrap();
        assert_eq!(count(world, "article_evidence").await, 1, "what is buried has no evidence");
        assert_eq!(archive.entity("country:ir").await.unwrap().unwrap().n_articles, 1);
        for gone in ["group:x", "group:y"] {
            assert!(archive.entity(gone).await.unwrap().is_none(), "nobody names {gone} now");
        }
        let story = archive.story(&story_of(1)).await.unwrap().unwrap().summary;
        assert_eq!((story.n_articles, story.n_statements, story.first_seen_at), (1, 0, at(3)));
        assert!(archive.story(&story_of(4)).await.unwrap().is_none(), "it is empty");

        // The feed still lists them; a page may lead there by another address.
        assert_eq!(world.poll("wire", &entries, 1_000).await, 0);
        let recorded = archive.record_article(&article("wire", 1), None).await.unwrap();
        assert_eq!(recorded, Recorded::Buried);

        let changes = archive.index_changes_after(feed, 10).await.unwrap();
        let mut removed = changes.removed;
        removed.sort_unstable();
        let mut expected = [id(1), id(2), id(4)];
        expected.sort_unstable();
        assert_eq!((changes.articles.len(), removed.as_slice()), (0, &expected[..]));
        assert_eq!(changes.last_seq, Some(archive.last_index_change().await.unwrap()));
        assert_eq!(prune(archive, 500).await, Pruned::default());
        // Whoever read an article before it went cannot bring it back.
        assert_eq!(world.annotate(&[threatening(1, 1)]).await, 0);
        archive.note_corrected(&[("none".to_owned(), id(1))]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_somebody_works_with_stays() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store(1..9).await;
        let archive = &world.archive;
        let batch: Vec<_> = (1..9).map(|n| correlated(n, n, &["group:will"])).collect();
        let matches: Vec<_> = (1..6).map(|n| matched(n, AlertUnit::Article)).collect();
        let raised = archive.record_annotations_and_alerts(&batch, &matches, at(100)).await;
        assert_eq!(raised.unwrap().alerts.len(), 5);
        let alerts = archive.alerts(&AlertFilter::default(), None, 10).await.unwrap().items;
        for alert in alerts {
            let n = (1..6).find(|n| id(*n) == alert.article).unwrap();
            let seen = AlertEdit { state: Some(AlertState::Seen), ..Default::default() };
            let edit = match n {
                1 => AlertEdit::default(), // new
                2 => AlertEdit { state: Some(AlertState::Escalated), ..Default::default() },
                3 => AlertEdit { note: Some("ask Ana".to_owned()), ..seen },
                4 => AlertEdit { assignee: Some("ana".to_owned()), ..seen },
                _ => seen,
            };
            archive.edit_alert(&alert.id, &edit, at(101)).await.unwrap();
        }
        archive.pin_articles(&story_of(6), &[id(6)], at(102)).await.unwrap();
        let said = Correction::NotAnEntity { text: "Will".into(), entity: "group:will".into() };
        let said = archive.add_correction(&said, "ana", None, at(103)).await.unwrap().unwrap();
        archive.note_corrected(&[(said, id(7))]).await.unwrap();

        let expected = Prunable { n_articles: 2, n_kept: 6, n_entries: 0 };
        assert_eq!(archive.prunable(at(500)).await.unwrap(), expected);
        assert_eq!(count(world, "outbox").await, 5);
        assert_eq!(prune(archive, 500).await.n_articles, 2);
        assert_eq!(there(world, 1..9).await, [1, 2, 3, 4, 6, 7], "5 was seen, 8 nobody knows");
        assert_eq!(count(world, "alerts").await, 4, "the seen one went");
        assert_eq!(count(world, "outbox").await, 4, "a message without alerts went");
    })
    .await;
}

#[tokio::test]
async fn the_first_copy_that_stays_becomes_the_original() {
    on_each_database(async |world| {
        world.store(1..5).await;
        let copy = |n| CorrelatedArticle { copy_of: Some(id(1)), ..correlated(n, 1, &[]) };
        world.annotate(&[correlated(1, 1, &[]), copy(2), copy(3), copy(4)]).await;
        // Articles are dated by their number and fetched five minutes later.
        assert_eq!(prune(&world.archive, 8).await.n_articles, 2);
        let story = world.archive.story(&story_of(1)).await.unwrap().unwrap();
        let copies: Vec<Option<ArticleId>> = story.articles.iter().map(|it| it.copy_of).collect();
        assert_eq!(copies, [None, Some(id(3))]);
        assert_eq!((story.summary.n_articles, story.summary.n_independent), (2, 1));
        assert_eq!(story.summary.headline, "Headline 3", "that of an article which is still there");
    })
    .await;
}

#[tokio::test]
async fn what_a_user_deletes_comes_back_by_none_of_its_addresses() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        let entries = [entry("wire", 1), entry("wire", 2)];
        world.poll("wire", &entries, 0).await;
        let naming = |n| Article { canonical_url: Some(url("wire", 1)), ..article("wire", n) };
        archive.record_article(&article("wire", 1), Some(&id(1))).await.unwrap();
        archive.record_article(&naming(2), Some(&id(2))).await.unwrap();
        world.annotate(&[threatening(1, 1)]).await;

        assert!(archive.delete_article(&id(1), at(9)).await.unwrap());
        assert!(!archive.delete_article(&id(1), at(9)).await.unwrap(), "it is gone");
        for table in ["articles", "statements", "article_entities", "stories"] {
            assert_eq!(count(world, table).await, 0, "{table}");
        }
        let changes = archive.index_changes_after(0, 10).await.unwrap();
        assert_eq!((changes.articles.len(), changes.removed), (0, vec![id(1)]));

        assert_eq!(world.poll("wire", &entries, 1_000).await, 0, "the feed still lists them");
        assert_eq!(world.claim(9, 1_000).await, []);
        for again in [article("wire", 1), naming(2), naming(3)] {
            let recorded = archive.record_article(&again, None).await.unwrap();
            assert_eq!(recorded, Recorded::Buried, "{}", again.url);
        }
        let asked = archive.submit_entry(&entry("wire", 2), at(1_001)).await.unwrap();
        assert_eq!(asked, Some(EntryState::Buried));
    })
    .await;
}

#[tokio::test]
async fn finished_entries_without_an_article_leave_a_tombstone() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let entries: Vec<_> = (1..5).map(|n| entry("wire", n)).collect();
        world.poll("wire", &entries, 0).await;
        // 1 led to a page under another address, 2 was given up, 3 has its article, 4 waits.
        let elsewhere = Article { fetched_at: at(900), ..article("wire", 9) };
        world.archive.record_article(&elsewhere, Some(&id(1))).await.unwrap();
        let failure =
            crate::archive::sources::Failure { class: "gone".into(), message: String::new() };
        world.archive.record_entry_failure(&id(2), &failure, None).await.unwrap();
        let late = Article { fetched_at: at(900), ..article("wire", 3) };
        world.archive.record_article(&late, Some(&id(3))).await.unwrap();
        let expected = Prunable { n_articles: 0, n_kept: 0, n_entries: 2 };
        assert_eq!(world.archive.prunable(at(500)).await.unwrap(), expected);
        assert_eq!(prune(&world.archive, 500).await, Pruned { n_articles: 0, n_entries: 2 });
        assert_eq!(count(world, "entries").await, 2);
        assert_eq!(world.poll("wire", &entries, 1_000).await, 0, "none is new");
        assert_eq!(world.archive.last_index_change().await.unwrap(), 0, "no index had them");
    })
    .await;
}

/// What the index stage does, `commit` or not.
async fn index(world: &World, stage: &mut IndexWriterStage, is_committed: bool) {
    loop {
        let after = stage.committed_seq();
        let changes = world.archive.index_changes_after(after, 3).await.unwrap();
        let Some(last) = changes.last_seq else { return };
        stage.apply(&changes.articles).unwrap();
        stage.remove(&changes.removed).unwrap();
        if !is_committed {
            return;
        }
        stage.commit(last).unwrap();
    }
}

fn found(stage: &IndexWriterStage, now: DateTime<Utc>) -> u64 {
    stage.search_index().search(&SearchRequest::default(), now).unwrap().total
}

#[tokio::test]
async fn an_index_killed_before_it_heard_of_a_deletion_hears_of_it_again() {
    on_each_database(async |world| {
        let dir = world.dir.path().join("index-of-test");
        let open = || IndexWriterStage::open(&dir, WriterSettings::default()).unwrap();
        world.store(1..9).await;
        let batch: Vec<_> = (1..9).map(|n| correlated(n, n, &[])).collect();
        world.annotate(&batch).await;
        let mut stage = open();
        index(world, &mut stage, true).await;
        assert_eq!(found(&stage, at(1_000)), 8);

        assert_eq!(prune(&world.archive, 10).await.n_articles, 4);
        // Killed between the archive's transaction and the index's commit.
        index(world, &mut stage, false).await;
        drop(stage);
        let mut stage = open();
        assert_eq!(found(&stage, at(1_000)), 8, "not committed");
        index(world, &mut stage, true).await;
        assert_eq!(found(&stage, at(1_000)), 4);
        stage.close().unwrap();

        // One that is made anew from the archive holds the same.
        std::fs::remove_dir_all(&dir).unwrap();
        let mut stage = open();
        index(world, &mut stage, true).await;
        assert_eq!(found(&stage, at(1_000)), 4);
    })
    .await;
}
