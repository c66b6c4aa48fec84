use ingest::{Article, ArticleId};
use nlp::correction::Correction;
use nlp::story::{Split, StoryId};

use super::world::{World, article, at, correlated, id, on_each_database};
use crate::archive::annotations::CorrelatedArticle;
use crate::archive::story_edits::StoryEdit;
use crate::archive::versions::{Reading, Reread};

fn story_of(founder: u32) -> StoryId {
    correlated(founder, founder, &[]).story
}

/// The numbers of a story's articles.
async fn members(world: &World, story: &StoryId) -> Vec<u32> {
    let found = world.archive.story(story).await.unwrap();
    let articles = found.map_or_else(Vec::new, |it| it.articles);
    let numbers = articles.iter().map(|it| (1..10).find(|n| id(*n) == it.id).unwrap());
    numbers.collect()
}

async fn two_stories(world: &World) {
    world.store([1, 2, 3, 4]).await;
    let batch = [
        correlated(1, 1, &[]),
        correlated(2, 1, &[]),
        correlated(3, 3, &[]),
        correlated(4, 3, &[]),
    ];
    world.annotate(&batch).await;
}

#[tokio::test]
async fn a_story_that_ended_leads_to_the_one_that_took_it_in() {
    on_each_database(async |world| {
        two_stories(world).await;
        let feed = world.archive.last_index_change().await.unwrap();
        world.store([5]).await;
        let bridge = CorrelatedArticle { merged: vec![story_of(3)], ..correlated(5, 1, &[]) };
        world.annotate(&[bridge]).await;
        assert_eq!(members(world, &story_of(1)).await, [1, 2, 3, 4, 5]);
        assert!(world.archive.story(&story_of(3)).await.unwrap().is_none());
        assert_eq!(world.archive.redirected(&story_of(3)).await.unwrap(), Some(story_of(1)));
        assert_eq!(world.archive.redirected(&story_of(1)).await.unwrap(), None);
        let indexed = world.archive.index_changes_after(feed, 10).await.unwrap().articles;
        let indexed: Vec<_> = indexed.iter().map(|it| it.article.id).collect();
        assert_eq!(indexed, [id(5), id(3), id(4)], "searches find the new story");

        // Somebody who read the old story before, as a correction does, cannot bring it back.
        world.annotate(&[correlated(4, 3, &["country:ir"])]).await;
        assert_eq!(members(world, &story_of(1)).await, [1, 2, 3, 4, 5]);
        let moves = world.archive.story_moves_after(0, 100).await.unwrap();
        let moves: Vec<_> = moves.iter().map(|it| (it.article, it.is_pinned)).collect();
        assert_eq!(moves, [(id(3), false), (id(4), false), (id(4), false)]);

        // What leads to a story leads on when that ends too.
        world.store([6]).await;
        world.annotate(&[correlated(6, 6, &[])]).await;
        let bridge = CorrelatedArticle { merged: vec![story_of(1)], ..correlated(6, 6, &[]) };
        world.annotate(&[bridge]).await;
        assert_eq!(world.archive.redirected(&story_of(3)).await.unwrap(), Some(story_of(6)));
        assert_eq!(members(world, &story_of(6)).await.len(), 6);
    })
    .await;
}

#[tokio::test]
async fn what_an_analyst_merged_stays_merged() {
    on_each_database(async |world| {
        two_stories(world).await;
        let archive = &world.archive;
        let done = archive.merge_stories(&story_of(1), &story_of(3), at(1)).await.unwrap();
        assert_eq!(done, StoryEdit::Done(story_of(3), 4));
        assert_eq!(members(world, &story_of(3)).await, [1, 2, 3, 4]);
        assert_eq!(archive.redirected(&story_of(1)).await.unwrap(), Some(story_of(3)));

        // All stories are found anew, and the stage would tell the two apart again.
        assert_eq!(archive.clear_annotations().await.unwrap(), 4);
        assert!(archive.story(&story_of(3)).await.unwrap().is_none());
        world.annotate(&[correlated(1, 1, &[]), correlated(3, 3, &[])]).await;
        assert_eq!(members(world, &story_of(3)).await, [1, 3]);
        world.store([5]).await;
        world.annotate(&[correlated(5, 1, &[])]).await;
        assert_eq!(members(world, &story_of(3)).await, [1, 3, 5], "what comes later follows");

        let strange = archive.merge_stories(&story_of(3), &story_of(9), at(1)).await.unwrap();
        assert_eq!(strange, StoryEdit::NoStory);
        let itself = archive.merge_stories(&story_of(3), &story_of(3), at(1)).await.unwrap();
        assert_eq!(itself, StoryEdit::NoStory);
    })
    .await;
}

#[tokio::test]
async fn a_split_makes_two_stories_that_stay_two() {
    on_each_database(async |world| {
        two_stories(world).await;
        let archive = &world.archive;
        let done = archive.split_story(&story_of(1), &[id(1)], at(1)).await.unwrap();
        let StoryEdit::Done(new, 1) = done else { panic!("{done:?}") };
        assert_ne!(new, story_of(1), "the founder leaves its story");
        assert_eq!(
            (members(world, &new).await, members(world, &story_of(1)).await),
            (vec![1], vec![2])
        );
        let record = archive.story(&new).await.unwrap().unwrap();
        assert_eq!(record.summary.headline, "Headline 1");
        assert!(record.articles[0].is_pinned);

        // Evidence does not merge what somebody split; the stage is told to keep it so.
        let before = archive.last_story_move().await.unwrap();
        let merging = CorrelatedArticle { merged: vec![new.clone()], ..correlated(3, 3, &[]) };
        world.annotate(&[merging]).await;
        assert_eq!(members(world, &new).await, [1]);
        let moves = archive.story_moves_after(before, 10).await.unwrap();
        assert_eq!((moves[0].article, &moves[0].story, moves[0].is_pinned), (id(1), &new, true));

        let strange = archive.split_story(&story_of(3), &[id(1)], at(1)).await.unwrap();
        assert_eq!(strange, StoryEdit::NoArticle(id(1)));
        let nothing = archive.split_story(&story_of(3), &[], at(1)).await.unwrap();
        assert_eq!(nothing, StoryEdit::NoStory);
    })
    .await;
}

#[tokio::test]
async fn what_a_pinned_article_was_found_to_prove_does_not_count() {
    on_each_database(async |world| {
        two_stories(world).await;
        let archive = &world.archive;
        archive.pin_articles(&story_of(3), &[id(2)], at(1)).await.unwrap();
        let before = archive.last_story_move().await.unwrap();
        // All is found anew: article 2 founds a story that the archive will not have, and ends 1.
        let proof = CorrelatedArticle { merged: vec![story_of(1)], ..correlated(2, 2, &[]) };
        assert_eq!(world.annotate(&[proof]).await, 1);
        assert_eq!(members(world, &story_of(1)).await, [1]);
        assert_eq!(members(world, &story_of(3)).await, [2, 3, 4]);
        let moves = archive.story_moves_after(before, 10).await.unwrap();
        let moves: Vec<_> = moves.into_iter().map(|it| (it.article, it.story)).collect();
        assert_eq!(moves, [(id(2), story_of(3)), (id(1), story_of(1))], "the stage hears of both");
    })
    .await;
}

#[tokio::test]
async fn a_pinned_article_stays_until_it_is_unpinned() {
    on_each_database(async |world| {
        two_stories(world).await;
        let archive = &world.archive;
        let done = archive.pin_articles(&story_of(3), &[id(2)], at(1)).await.unwrap();
        assert_eq!(done, StoryEdit::Done(story_of(3), 1));
        world.annotate(&[correlated(2, 1, &[])]).await;
        assert_eq!(members(world, &story_of(3)).await, [2, 3, 4]);
        let done = archive.unpin_articles(&story_of(3), &[id(2)], at(2)).await.unwrap();
        assert_eq!(done, StoryEdit::Done(story_of(3), 1));
        assert_eq!(members(world, &story_of(3)).await, [2, 3, 4], "it stays for now");
        world.annotate(&[correlated(2, 1, &[])]).await;
        assert_eq!(members(world, &story_of(1)).await, [1, 2]);
        let strange = archive.pin_articles(&story_of(1), &[id(9)], at(3)).await.unwrap();
        assert_eq!(strange, StoryEdit::NoArticle(id(9)));
    })
    .await;
}

#[tokio::test]
async fn copies_count_once() {
    on_each_database(async |world| {
        world.declare(&["wire", "post"]).await;
        world.store([1, 2]).await;
        let other = article("post", 3);
        world.archive.record_articles(std::slice::from_ref(&other)).await.unwrap();
        let copy =
            CorrelatedArticle { article: other.id, copy_of: Some(id(1)), ..correlated(3, 1, &[]) };
        world.annotate(&[correlated(1, 1, &[]), correlated(2, 1, &[]), copy]).await;
        let found = world.archive.story(&story_of(1)).await.unwrap().unwrap();
        assert_eq!((found.summary.n_sources, found.summary.n_independent), (2, 1));
        let copies: Vec<_> = found.articles.iter().filter_map(|it| it.copy_of).collect();
        assert_eq!(copies, [id(1)]);
    })
    .await;
}

#[tokio::test]
async fn a_story_has_the_headline_of_an_article_that_is_still_in_it() {
    on_each_database(async |world| {
        two_stories(world).await;
        assert_eq!(headline(world, &story_of(1)).await, "Headline 1");
        world.archive.pin_articles(&story_of(3), &[id(1)], at(1)).await.unwrap();
        assert_eq!(headline(world, &story_of(1)).await, "Headline 2");
        assert_eq!(headline(world, &story_of(3)).await, "Headline 3", "as before");
        world.archive.merge_stories(&story_of(1), &story_of(3), at(2)).await.unwrap();
        assert_eq!(headline(world, &story_of(3)).await, "Headline 3");
    })
    .await;
}

#[tokio::test]
async fn a_story_that_is_split_off_begins_with_its_earliest_article() {
    on_each_database(async |world| {
        world.store([1, 2, 3]).await;
        let batch: Vec<_> = (1..4).map(|n| correlated(n, 1, &[])).collect();
        world.annotate(&batch).await;
        for articles in [[id(2), id(3)], [id(3), id(2)]] {
            let done = world.archive.split_story(&story_of(1), &articles, at(1)).await.unwrap();
            let StoryEdit::Done(new, 2) = done else { panic!("{done:?}") };
            assert_eq!(headline(world, &new).await, "Headline 2");
            world.archive.pin_articles(&story_of(1), &articles, at(2)).await.unwrap();
        }
    })
    .await;
}

/// Which articles of a story repeat which, and how many of its sources wrote for themselves.
async fn copies(world: &World, story: &StoryId) -> (Vec<Option<ArticleId>>, u64) {
    let found = world.archive.story(story).await.unwrap().unwrap();
    (found.articles.iter().map(|it| it.copy_of).collect(), found.summary.n_independent)
}

#[tokio::test]
async fn copies_without_their_original_repeat_the_first_of_them() {
    on_each_database(async |world| {
        world.store([1, 2, 3, 4]).await;
        let copy = |n| CorrelatedArticle { copy_of: Some(id(1)), ..correlated(n, 1, &[]) };
        world.annotate(&[correlated(1, 1, &[]), copy(2), copy(3), copy(4)]).await;
        let taken = [id(2), id(3)];
        let done = world.archive.split_story(&story_of(1), &taken, at(1)).await.unwrap();
        let StoryEdit::Done(new, 2) = done else { panic!("{done:?}") };
        assert_eq!(copies(world, &new).await, (vec![None, Some(id(2))], 1));
        assert_eq!(copies(world, &story_of(1)).await, (vec![None, Some(id(1))], 1));

        // The stage that reads the first of them again still takes it for a copy.
        world.annotate(&[copy(2)]).await;
        assert_eq!(copies(world, &new).await, (vec![None, Some(id(2))], 1));

        // An original that leaves has an heir as well.
        world.archive.pin_articles(&new, &[id(1)], at(2)).await.unwrap();
        assert_eq!(copies(world, &story_of(1)).await, (vec![None], 1));
    })
    .await;
}

#[tokio::test]
async fn an_original_that_is_read_anew_into_another_story_leaves_an_heir() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let copy = |n| CorrelatedArticle { copy_of: Some(id(1)), ..correlated(n, 1, &[]) };
        world.annotate(&[correlated(1, 1, &[]), copy(2), copy(3)]).await;
        let stored = world.archive.article(&id(1)).await.unwrap().unwrap().article;
        let text = format!("{}\nA line was added to this article on Friday.", stored.text);
        let reading = Reading::Read(Box::new(Article { text, ..stored }));
        let reread = world.archive.record_reading(&id(1), &reading, at(2)).await.unwrap();
        assert_eq!(reread, Reread::Edited(2));
        world.annotate(&[correlated(1, 9, &[])]).await;
        assert_eq!(copies(world, &story_of(1)).await, (vec![None, Some(id(2))], 1));
    })
    .await;
}

/// Article `n`, found in the story of article 5 and like article `other`.
fn like(n: u32, other: u32) -> CorrelatedArticle {
    CorrelatedArticle { copy_of: Some(id(other)), ..correlated(n, 5, &[]) }
}

#[tokio::test]
async fn an_original_that_arrives_after_its_copies_is_the_one_that_they_repeat() {
    on_each_database(async |world| {
        world.store([5, 6, 7, 3, 8]).await;
        world.annotate(&[correlated(5, 5, &[]), like(6, 5), like(7, 5)]).await;
        let five = Some(id(5));
        assert_eq!(copies(world, &story_of(5)).await, (vec![None, five, five], 1));

        // Article 3 was published before; for article 8 the stage had not heard of it.
        world.annotate(&[like(3, 5)]).await;
        let three = Some(id(3));
        assert_eq!(copies(world, &story_of(5)).await, (vec![None, three, three, three], 1));
        world.annotate(&[like(8, 5)]).await;
        assert_eq!(copies(world, &story_of(5)).await.0, [None, three, three, three, three]);
        let found = world.archive.story(&story_of(5)).await.unwrap().unwrap();
        assert_eq!(found.first_reported.map(|it| it.article), three);

        // What is read again stays as it is, and a stage that starts knows it all.
        world.annotate(&[like(6, 3), like(5, 3)]).await;
        assert_eq!(copies(world, &story_of(5)).await.0, [None, three, three, three, three]);
        let inputs = world.archive.recent_story_inputs(at(0), 0, 10).await.unwrap();
        let known: Vec<_> = inputs.iter().map(|it| (it.article, it.copy_of)).collect();
        let expected =
            [(id(5), three), (id(6), three), (id(7), three), (id(3), None), (id(8), three)];
        assert_eq!(known, expected);
        assert_eq!(inputs[3].published_at, Some(at(3)));
    })
    .await;
}

#[tokio::test]
async fn other_workers_hear_which_articles_repeat_another_one_since() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([5, 6, 7, 3]).await;
        world.annotate(&[correlated(5, 5, &[]), like(6, 5), like(7, 5)]).await;
        let (archive, other) = (&world.archive, world.second_worker().await);
        assert_eq!(other.last_story_move().await.unwrap(), 0, "nothing changed so far");
        world.annotate(&[like(3, 5)]).await;
        let moves = other.story_moves_after(0, 100).await.unwrap();
        let three = Some(id(3));
        let told: Vec<_> = moves.iter().map(|it| (it.article, it.copy_of)).collect();
        assert_eq!(told, [(id(5), three), (id(6), three), (id(7), three), (id(3), None)]);
        assert!(moves.iter().all(|it| it.story == story_of(5) && it.is_there && !it.is_pinned));
        let last = other.last_story_move().await.unwrap();
        world.annotate(&[like(6, 3)]).await;
        assert_eq!(other.story_moves_after(last, 100).await.unwrap(), [], "that is known");

        // An original that leaves has an heir, of which they hear as well.
        let done = archive.split_story(&story_of(5), &[id(3)], at(1)).await.unwrap();
        assert!(matches!(done, StoryEdit::Done(_, 1)), "{done:?}");
        let moves = other.story_moves_after(last, 100).await.unwrap();
        let last_of = |n: u32| moves.iter().rfind(|it| it.article == id(n)).unwrap();
        let told = [3, 5, 6, 7].map(|n| (last_of(n).copy_of, last_of(n).is_pinned));
        let five = Some(id(5));
        assert_eq!(told, [(None, true), (None, true), (five, true), (five, true)]);

        // What waits to be read anew repeats nothing that is known.
        let stored = archive.article(&id(6)).await.unwrap().unwrap().article;
        let text = format!("{}\nNothing like it was ever written elsewhere.", stored.text);
        let reading = Reading::Read(Box::new(Article { text, ..stored }));
        let reread = archive.record_reading(&id(6), &reading, at(2)).await.unwrap();
        assert_eq!(reread, Reread::Edited(2));
        let moves = other.story_moves_after(last, 100).await.unwrap();
        assert!(moves.iter().all(|it| it.is_there == (it.article != id(6))), "{moves:?}");
    })
    .await;
}

#[tokio::test]
async fn a_former_original_that_is_read_anew_stays_a_copy_until_its_text_is_edited() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["wire"]).await;
        world.store([5, 6, 3]).await;
        // What a stage says that never heard of article 3.
        let former = correlated(5, 5, &["group:will"]);
        world.annotate(&[former.clone(), like(6, 5)]).await;
        world.annotate(&[like(3, 5)]).await;
        let three = Some(id(3));
        let are_copies = async || {
            assert_eq!(copies(world, &story_of(5)).await, (vec![None, three, three], 1));
        };
        are_copies().await;
        world.annotate(std::slice::from_ref(&former)).await;
        are_copies().await;

        let correction = Correction::NotAnEntity {
            text: "Ministers".to_owned(),
            entity: "group:will".to_owned(),
        };
        let kept = archive.add_correction(&correction, "ana", None, at(1)).await.unwrap().unwrap();
        assert_eq!(archive.correct_articles(&kept, &correction, at(1)).await.unwrap(), 1);
        are_copies().await;
        assert_eq!(archive.undo_correction(&kept).await.unwrap(), Some(1));
        world.annotate(std::slice::from_ref(&former)).await;
        are_copies().await;

        let stored = archive.article(&id(5)).await.unwrap().unwrap().article;
        let text = format!("{}\nNothing like it was ever written elsewhere.", stored.text);
        let reading = Reading::Read(Box::new(Article { text, ..stored }));
        let reread = archive.record_reading(&id(5), &reading, at(2)).await.unwrap();
        assert_eq!(reread, Reread::Edited(2));
        world.annotate(&[former]).await;
        assert_eq!(copies(world, &story_of(5)).await.0, [None, None, three]);
    })
    .await;
}

#[tokio::test]
async fn what_a_clusterer_is_told_of_other_days_is_of_these_days_only() {
    on_each_database(async |world| {
        world.store([5, 6, 7, 3, 8]).await;
        world.annotate(&[correlated(5, 5, &["a:a"]), like(6, 5), like(3, 5), like(8, 5)]).await;
        let read = async |from, to, limit| {
            let read = world.archive.story_inputs_between(at(from), at(to), limit).await.unwrap();
            read.iter().map(|it| (it.article, it.copy_of)).collect::<Vec<_>>()
        };
        let three = Some(id(3));
        assert_eq!(read(3, 8, 10).await, [(id(3), None), (id(5), three), (id(6), three)]);
        assert_eq!(read(4, 9, 1).await, [(id(5), three)]);
    })
    .await;
}

#[tokio::test]
async fn of_articles_that_come_together_the_one_published_first_is_the_original() {
    on_each_database(async |world| {
        world.store([5, 4, 3, 2]).await;
        // As the stage found them one by one, each earlier than the one before but for the last.
        world.annotate(&[correlated(5, 5, &[]), like(4, 5), like(2, 4), like(3, 2)]).await;
        let two = Some(id(2));
        assert_eq!(copies(world, &story_of(5)).await, (vec![None, two, two, two], 1));
    })
    .await;
}

#[tokio::test]
async fn a_time_that_is_unknown_or_hardly_earlier_makes_no_original() {
    on_each_database(async |world| {
        let undated = Article { published_at: None, ..article("wire", 3) };
        let hardly = article("wire", 4);
        let hardly = Article {
            published_at: hardly.published_at.map(|it| it + chrono::TimeDelta::seconds(1)),
            ..hardly
        };
        world.archive.record_articles(&[article("wire", 5), undated, hardly]).await.unwrap();
        world.annotate(&[correlated(5, 5, &[]), like(3, 5), like(4, 5)]).await;
        let five = Some(id(5));
        let found = world.archive.story(&story_of(5)).await.unwrap().unwrap();
        let mut repeated: Vec<_> = found.articles.iter().map(|it| (it.id, it.copy_of)).collect();
        repeated.sort();
        let mut expected = [(id(5), None), (id(3), five), (id(4), five)];
        expected.sort();
        assert_eq!(repeated, expected);
    })
    .await;
}

#[tokio::test]
async fn an_original_that_an_analyst_put_elsewhere_takes_nobodys_place() {
    on_each_database(async |world| {
        world.store([5, 6, 2, 9]).await;
        let others = [correlated(2, 2, &[]), correlated(9, 9, &[])];
        world.annotate(&[&[correlated(5, 5, &[]), like(6, 5)][..], &others].concat()).await;
        world.archive.pin_articles(&story_of(9), &[id(2)], at(1)).await.unwrap();
        world.annotate(&[like(2, 5)]).await;
        assert_eq!(copies(world, &story_of(5)).await, (vec![None, Some(id(5))], 1));
        assert_eq!(copies(world, &story_of(9)).await, (vec![None, None], 1));
    })
    .await;
}

#[tokio::test]
async fn what_repeats_a_deleted_article_stands_for_itself() {
    on_each_database(async |world| {
        world.store([5, 6]).await;
        world.annotate(&[correlated(5, 5, &[]), like(6, 999)]).await;
        assert_eq!(copies(world, &story_of(5)).await, (vec![None, None], 1));
    })
    .await;
}

/// A split of the articles `n` out of the story that `founder` founded.
fn split_of(founder: u32, articles: &[u32]) -> Option<Split> {
    Some(Split {
        from: story_of(founder),
        from_headline: Some("Stays".to_owned()),
        to: story_of(999),
        to_headline: Some("Leaves".to_owned()),
        articles: articles.iter().map(|it| id(*it).to_string()).collect(),
    })
}

async fn headline(world: &World, story: &StoryId) -> String {
    world.archive.story(story).await.unwrap().unwrap().summary.headline
}

#[tokio::test]
async fn later_evidence_takes_a_story_apart_and_puts_it_together_again() {
    on_each_database(async |world| {
        two_stories(world).await;
        world.store([5, 6]).await;
        let proof = CorrelatedArticle {
            story: story_of(999),
            split: split_of(1, &[2, 5]),
            ..correlated(5, 1, &[])
        };
        world.annotate(&[proof]).await;
        assert_eq!(members(world, &story_of(1)).await, [1]);
        assert_eq!(members(world, &story_of(999)).await, [2, 5]);
        assert_eq!(headline(world, &story_of(1)).await, "Stays");
        assert_eq!(headline(world, &story_of(999)).await, "Leaves");
        let moves = world.archive.story_moves_after(0, 100).await.unwrap();
        assert_eq!(moves.iter().map(|it| it.article).collect::<Vec<_>>(), [id(2)]);

        let bridge = CorrelatedArticle { merged: vec![story_of(999)], ..correlated(6, 1, &[]) };
        world.annotate(&[bridge]).await;
        assert_eq!(members(world, &story_of(1)).await, [1, 2, 5, 6]);
        let again = CorrelatedArticle { split: split_of(1, &[2, 5]), ..correlated(6, 1, &[]) };
        world.annotate(&[again]).await;
        assert_eq!(members(world, &story_of(999)).await, [2, 5], "its id lives again");
        assert_eq!(world.archive.redirected(&story_of(999)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn evidence_does_not_take_apart_what_an_analyst_decided() {
    on_each_database(async |world| {
        two_stories(world).await;
        world.archive.pin_articles(&story_of(1), &[id(1)], at(1)).await.unwrap();
        world.store([5]).await;
        let last = world.archive.last_story_move().await.unwrap();
        let proof = CorrelatedArticle {
            story: story_of(999),
            split: split_of(1, &[2, 5]),
            ..correlated(5, 1, &[])
        };
        world.annotate(&[proof]).await;
        assert_eq!(members(world, &story_of(1)).await, [1, 2, 5]);
        assert!(world.archive.story(&story_of(999)).await.unwrap().is_none());
        let moves = world.archive.story_moves_after(last, 100).await.unwrap();
        assert!(moves.iter().all(|it| it.story == story_of(1)), "{moves:?}");
        assert!(moves.iter().any(|it| it.article == id(2)), "correlate stages learn of it");
    })
    .await;
}

#[tokio::test]
async fn a_split_that_is_refused_leaves_nothing_behind() {
    on_each_database(async |world| {
        two_stories(world).await;
        let archive = &world.archive;
        // The other half was split off and merged again before: its address still leads somewhere.
        let part = |n, articles: &[u32]| CorrelatedArticle {
            story: story_of(999),
            split: split_of(1, articles),
            ..correlated(n, 1, &[])
        };
        world.annotate(&[part(2, &[2])]).await;
        let bridge = CorrelatedArticle { merged: vec![story_of(999)], ..correlated(1, 1, &[]) };
        world.annotate(&[bridge]).await;
        archive.pin_articles(&story_of(1), &[id(1)], at(1)).await.unwrap();

        world.store([5, 6, 7]).await;
        let last = archive.last_story_move().await.unwrap();
        // One that follows is found in the new half, and shows that this is two as well.
        let follows = CorrelatedArticle { story: story_of(999), ..correlated(6, 1, &[]) };
        let again = Split { from: story_of(999), to: story_of(998), ..split_of(1, &[7]).unwrap() };
        let again =
            CorrelatedArticle { story: story_of(998), split: Some(again), ..correlated(7, 1, &[]) };
        world.annotate(&[part(5, &[2, 5]), follows, again]).await;
        assert_eq!(members(world, &story_of(1)).await, [1, 2, 5, 6, 7]);
        for gone in [999, 998] {
            assert!(archive.story(&story_of(gone)).await.unwrap().is_none());
        }
        assert_eq!(archive.redirected(&story_of(999)).await.unwrap(), Some(story_of(1)));
        let moves = archive.story_moves_after(last, 100).await.unwrap();
        assert!(moves.iter().all(|it| it.story == story_of(1)), "{moves:?}");
        for n in [2, 5, 6, 7] {
            assert!(moves.iter().any(|it| it.article == id(n)), "the stage hears of {n}");
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_first_is_known_of_a_story_that_is_too_long_to_list() {
    on_each_database(async |world| {
        world.store((1..=510).rev()).await;
        let batch: Vec<_> = (1..=510).map(|n| correlated(n, 1, &[])).collect();
        world.annotate(&batch).await;
        let found = world.archive.story(&story_of(1)).await.unwrap().unwrap();
        assert_eq!((found.articles.len(), found.summary.n_articles), (500, 510));
        let first = found.first_reported.unwrap();
        assert_eq!((first.article, first.source.as_str(), first.at), (id(1), "wire", at(1)));
        assert_eq!(first.url, "https://wire.example/1");
    })
    .await;
}
