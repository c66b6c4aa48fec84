use nlp::StatementKind;

use super::world::{LEASE, World, at, correlated, id, on_each_database, threat, threatening};
use crate::archive::statements::StatementFilter;
use crate::record::StoryRecord;

async fn story(world: &World, founder: u32) -> Option<StoryRecord> {
    let id = correlated(founder, founder, &[]).story;
    world.archive.story(&id).await.unwrap()
}

async fn n_articles_of(world: &World, entity: &str) -> u64 {
    world.archive.entity(entity).await.unwrap().map_or(0, |it| it.n_articles)
}

#[tokio::test]
async fn articles_are_handed_out_in_order_of_arrival_and_only_once() {
    on_each_database(async |world| {
        world.store([3, 1, 2]).await;
        let other = world.second_worker().await;
        let first = world.archive.claim_unannotated(2, at(0), LEASE).await.unwrap();
        let second = other.claim_unannotated(2, at(0), LEASE).await.unwrap();
        let ids: Vec<_> = first.iter().chain(&second).map(|it| it.id).collect();
        assert_eq!(ids, [id(3), id(1), id(2)]);
        assert_eq!(world.archive.claim_unannotated(2, at(1), LEASE).await.unwrap(), []);
        world.annotate(&[correlated(1, 1, &[])]).await;
        // The leases have run out; the one annotated since is not handed out again.
        let again = world.archive.claim_unannotated(5, at(2), LEASE).await.unwrap();
        let ids: Vec<_> = again.iter().map(|it| it.id).collect();
        assert_eq!(ids, [id(3), id(2)]);
    })
    .await;
}

#[tokio::test]
async fn an_annotation_reads_back_and_enters_the_index_feed() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        assert_eq!(world.archive.last_index_change().await.unwrap(), 0);
        assert_eq!(world.annotate(&[threatening(2, 2), correlated(1, 2, &["x:y"])]).await, 2);
        let feed = world.archive.index_changes_after(0, 10).await.unwrap().articles;
        let numbers: Vec<_> = feed.iter().map(|it| (it.article.id, it.index_seq)).collect();
        assert_eq!(numbers, [(id(2), Some(1)), (id(1), Some(2))]);
        assert_eq!(feed[0].annotation.as_ref(), Some(&threatening(2, 2).annotation));
        assert_eq!(feed[1].story, Some(correlated(1, 2, &[]).story));
        assert_eq!(world.archive.index_changes_after(1, 10).await.unwrap().articles, feed[1..]);
        assert_eq!(world.archive.index_changes_after(2, 10).await.unwrap().articles, []);
        assert_eq!(world.archive.last_index_change().await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn annotating_again_replaces_and_leaves_the_counts_right() {
    on_each_database(async |world| {
        world.store([1, 2, 3]).await;
        let named = ["country:ir", "group:x"];
        world.annotate(&[threatening(1, 1), correlated(2, 1, &named)]).await;
        world.annotate(&[correlated(3, 1, &named)]).await;
        assert_eq!(n_articles_of(world, "country:ir").await, 3);
        assert_eq!(n_articles_of(world, "country:us").await, 1);
        let before = story(world, 1).await.unwrap().summary;
        assert_eq!((before.n_articles, before.n_sources, before.n_statements), (3, 1, 1));

        // Article 1 loses its statement; article 3 founds a story and names another group.
        world.annotate(&[correlated(1, 1, &["country:ir"]), correlated(3, 3, &["group:y"])]).await;
        assert_eq!(n_articles_of(world, "country:ir").await, 2);
        assert_eq!(n_articles_of(world, "country:us").await, 0);
        assert_eq!(n_articles_of(world, "group:y").await, 1);
        let left = world.archive.entity("group:x").await.unwrap().unwrap();
        assert_eq!((left.first_seen_at, left.last_seen_at), (at(2), at(2)));
        let after = story(world, 1).await.unwrap().summary;
        assert_eq!((after.n_articles, after.n_statements), (2, 0));
        assert_eq!((after.first_seen_at, after.last_seen_at), (at(1), at(2)));
        assert_eq!(story(world, 3).await.unwrap().summary.n_articles, 1);
        let feed = world.archive.index_changes_after(3, 10).await.unwrap().articles;
        assert_eq!(feed.iter().map(|it| it.article.id).collect::<Vec<_>>(), [id(1), id(3)]);

        // Article 3 goes home; its story had no other article and is gone.
        world.annotate(&[correlated(3, 1, &[])]).await;
        assert_eq!(story(world, 3).await, None);
        assert_eq!(world.archive.counts().await.unwrap().n_stories, 1);
    })
    .await;
}

#[tokio::test]
async fn repeating_a_batch_changes_nothing_but_its_numbers() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        let batch = [threatening(1, 1), threatening(2, 1)];
        world.annotate(&batch).await;
        let before = (story(world, 1).await, world.archive.entity("country:ir").await.unwrap());
        world.annotate(&batch).await;
        let after = (story(world, 1).await, world.archive.entity("country:ir").await.unwrap());
        assert_eq!(before, after);
        let counts = world.archive.counts().await.unwrap();
        assert_eq!((counts.n_statements, counts.index_seq), (2, 4));
    })
    .await;
}

#[tokio::test]
async fn of_two_annotations_in_one_batch_the_last_counts_and_strangers_are_left_out() {
    on_each_database(async |world| {
        world.store([1]).await;
        let batch = [threatening(1, 1), correlated(99, 99, &["a:b"]), correlated(1, 1, &["c:d"])];
        assert_eq!(world.annotate(&batch).await, 1);
        assert_eq!(n_articles_of(world, "country:ir").await, 0);
        assert_eq!(n_articles_of(world, "a:b").await, 0);
        assert_eq!(n_articles_of(world, "c:d").await, 1);
        assert_eq!(story(world, 99).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_story_is_named_after_its_first_article_until_told_otherwise() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        world.annotate(&[correlated(1, 1, &[])]).await;
        assert_eq!(story(world, 1).await.unwrap().summary.headline, "Headline 1");
        let mut renaming = correlated(2, 1, &[]);
        renaming.headline = Some("A better one".to_owned());
        world.annotate(&[renaming, correlated(1, 1, &[])]).await;
        assert_eq!(story(world, 1).await.unwrap().summary.headline, "A better one");
    })
    .await;
}

#[tokio::test]
async fn scores_that_are_no_numbers_do_not_spoil_the_article() {
    on_each_database(async |world| {
        world.store([1]).await;
        let mut item = threatening(1, 1);
        item.annotation.mentions[0].score = f32::NAN;
        item.annotation.statements[0].score = f32::INFINITY;
        world.annotate(&[item]).await;
        let read = world.archive.article(&id(1)).await.unwrap().unwrap().annotation.unwrap();
        assert_eq!(read.mentions[0].score, 0.0);
        let page = world.archive.statements(&StatementFilter::default(), None, 9).await.unwrap();
        assert_eq!(page.items[0].statement.kind, StatementKind::Threat);
    })
    .await;
}

#[tokio::test]
async fn monstrous_entity_ids_and_spans_beyond_the_text_are_survived() {
    on_each_database(async |world| {
        world.store([1]).await;
        let monster = format!("name:misc:{}", "x".repeat(9_000));
        let mut item = correlated(1, 1, &[&monster, "nul:\0"]);
        let mut statement = threat();
        (statement.sentence.start, statement.sentence.end) = (40, 4_000_000);
        item.annotation.statements = vec![statement];
        world.annotate(&[item]).await;
        assert_eq!(n_articles_of(world, &monster).await, 0);
        assert_eq!(n_articles_of(world, "nul:\u{fffd}").await, 1);
        let page = world.archive.statements(&StatementFilter::default(), None, 9).await.unwrap();
        assert_eq!(page.items[0].sentence, super::world::TEXT[40..]);
    })
    .await;
}

#[tokio::test]
async fn readers_of_the_index_feed_never_miss_a_number_that_comes_later() {
    on_each_database(async |world| {
        world.store(0..80).await;
        let other = world.second_worker().await;
        let mut tasks = tokio::task::JoinSet::new();
        for worker in 0..4_u32 {
            let archive = if worker % 2 == 0 { world.archive.clone() } else { other.clone() };
            tasks.spawn(async move {
                for n in (worker * 20..worker * 20 + 20).step_by(5) {
                    let batch: Vec<_> = (n..n + 5).map(|n| threatening(n, n % 3)).collect();
                    archive.record_annotations(&batch, at(0)).await.unwrap();
                }
            });
        }
        // A reader beside the writers, which only ever asks for what comes after the last.
        let mut seen = Vec::new();
        while seen.len() < 80 {
            let after = seen.last().copied().unwrap_or(0);
            let feed = world.archive.index_changes_after(after, 7).await.unwrap().articles;
            seen.extend(feed.iter().filter_map(|it| it.index_seq));
            assert!(tasks.len() == 4 || !seen.is_empty());
            tokio::task::yield_now().await;
            while let Some(done) = tasks.try_join_next() {
                done.unwrap();
            }
            if tasks.is_empty()
                && world.archive.index_changes_after(after, 1).await.unwrap().articles.is_empty()
            {
                break;
            }
        }
        assert_eq!(seen, (1..=80).collect::<Vec<i64>>());
    })
    .await;
}

#[tokio::test]
async fn cleared_annotations_leave_articles_as_if_just_arrived() {
    on_each_database(async |world| {
        world.store(0..1_100).await;
        let batch: Vec<_> = (0..1_090).map(|n| threatening(n, n / 10 * 10)).collect();
        world.annotate(&batch).await;
        assert_eq!(world.archive.clear_annotations().await.unwrap(), 1_090);
        let counts = world.archive.counts().await.unwrap();
        assert_eq!((counts.n_articles, counts.n_unannotated), (1_100, 1_100));
        assert_eq!((counts.n_stories, counts.n_statements, counts.n_entities), (0, 0, 0));
        assert_eq!(world.archive.index_changes_after(0, 10).await.unwrap().articles, []);
        // Numbers go on, so that an index that was not rebuilt sees every change.
        world.annotate(&batch[..1]).await;
        assert_eq!(world.archive.index_changes_after(1_090, 10).await.unwrap().articles.len(), 1);
        assert_eq!(world.archive.clear_annotations().await.unwrap(), 1);
    })
    .await;
}
