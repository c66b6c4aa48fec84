use config::AlertUnit;
use ingest::Article;
use ingest::article::sha256_hex;
use nlp::correction::Correction;
use nlp::story::StoryId;
use nlp::{EntityRef, Phrase, Statement};

use super::alerts::{matched, search};
use super::world::{
    World, article, at, correlated, entity, id, on_each_database, threat, threatening,
};
use crate::archive::alerts::Match;
use crate::archive::annotations::CorrelatedArticle;
use crate::archive::index_feed::take_index_seqs;
use crate::archive::story_edits::StoryEdit;
use crate::archive::versions::{Reading, Reread};
use crate::matching::novelty::claims;

const SHORT: &str = "name:person:hultquist";
const FULL: &str = "name:person:john hultquist";

fn john() -> EntityRef {
    EntityRef { id: FULL.to_owned(), name: "John Hultquist".to_owned() }
}

async fn names(world: &World, n: u32) -> Vec<String> {
    let stored = world.archive.article(&id(n)).await.unwrap().unwrap();
    let mentions = stored.annotation.unwrap().mentions;
    mentions.into_iter().filter_map(|it| it.entity).map(|it| it.id).collect()
}

async fn n_articles(world: &World, entity: &str) -> u64 {
    world.archive.entity(entity).await.unwrap().map_or(0, |it| it.n_articles)
}

/// Records `item` with what matches of it; the number of alerts that this raises.
async fn record(world: &World, item: CorrelatedArticle, matches: &[Match]) -> usize {
    let recorded = world.archive.record_annotations_and_alerts(&[item], matches, at(101)).await;
    recorded.unwrap().alerts.len()
}

#[tokio::test]
async fn a_full_name_reaches_the_articles_of_its_story_and_no_other() {
    on_each_database(async |world| {
        world.store([1, 2, 3, 4]).await;
        let batch = [correlated(1, 1, &[SHORT, "country:ir"]), correlated(2, 2, &[SHORT])];
        world.annotate(&batch).await;
        let story = id(1).to_string();
        assert_eq!(own_names(world, 1).await, [SHORT], "countries have no aliases");
        let feed = world.archive.last_index_change().await.unwrap();

        record(world, correlated(3, 1, &[FULL]), &[]).await;
        assert_eq!(names(world, 1).await, [FULL, "country:ir"]);
        assert_eq!(names(world, 2).await, [SHORT], "another story");
        assert_eq!((n_articles(world, FULL).await, n_articles(world, SHORT).await), (2, 1));
        let changes = world.archive.index_changes_after(feed, 10).await.unwrap();
        let changed: Vec<_> = changes.articles.iter().map(|it| it.article.id).collect();
        assert_eq!(changed, [id(3), id(1)], "indexed anew");
        let story = world.archive.story(&StoryId::founded_by(&story)).await.unwrap().unwrap();
        assert_eq!(story.summary.n_articles, 2);

        let feed = world.archive.last_index_change().await.unwrap();
        record(world, correlated(4, 1, &[FULL]), &[]).await;
        let changes = world.archive.index_changes_after(feed, 10).await.unwrap();
        assert_eq!(changes.articles.len(), 1, "nothing is left to change");
        assert_eq!(own_names(world, 1).await, [SHORT, FULL], "what they say themselves");
    })
    .await;
}

/// What the articles of the story that article `founder` founded name themselves.
async fn own_names(world: &World, founder: u32) -> Vec<String> {
    let story = id(founder).to_string();
    let known = world.archive.names_of_stories(&[&story]).await.unwrap().unwrap();
    let mut known: Vec<String> = known.into_iter().map(|it| it.id).collect();
    known.sort_by_key(String::len);
    known
}

const ANNA: &str = "name:person:anna hultquist";

#[tokio::test]
async fn names_do_not_depend_on_the_order_in_which_articles_came() {
    for order in [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]] {
        let world = World::on_sqlite().await;
        world.store([1, 2, 3]).await;
        for n in order {
            let name = [SHORT, FULL, ANNA][n as usize - 1];
            record(&world, correlated(n, 1, &[name, "country:ir"]), &[]).await;
        }
        assert_eq!(names(&world, 1).await, [SHORT, "country:ir"], "{order:?}: which Hultquist?");
        assert_eq!(n_articles(&world, FULL).await, 1, "{order:?}");
        let meant = world.archive.entity_meant_by(SHORT).await.unwrap();
        assert_eq!(meant, None, "{order:?}");
        world.archive.close().await;
    }
}

#[tokio::test]
async fn names_follow_the_articles_that_leave_a_story_and_come_back() {
    on_each_database(async |world| {
        world.store([1, 2, 3]).await;
        let batch = [correlated(1, 1, &[SHORT]), correlated(2, 1, &[FULL])];
        world.annotate(&batch).await;
        assert_eq!(names(world, 1).await, [FULL]);
        assert_eq!(world.archive.entity_meant_by(SHORT).await.unwrap().as_deref(), Some(FULL));
        assert_eq!(world.archive.short_names(FULL).await.unwrap(), ["HULTQUIST"]);

        let story = StoryId::founded_by(&id(1).to_string());
        let split = world.archive.split_story(&story, &[id(2)], at(110)).await.unwrap();
        let StoryEdit::Done(other, 1) = split else { panic!("{split:?}") };
        assert_eq!(names(world, 1).await, [SHORT], "nobody says who that is");
        assert_eq!((n_articles(world, FULL).await, n_articles(world, SHORT).await), (1, 1));
        assert!(world.archive.short_names(FULL).await.unwrap().is_empty());

        world.archive.merge_stories(&other, &story, at(111)).await.unwrap();
        assert_eq!(names(world, 1).await, [FULL]);
        world.annotate(&[correlated(3, 3, &["country:ir"])]).await;
        let third = StoryId::founded_by(&id(3).to_string());
        world.archive.pin_articles(&third, &[id(1)], at(112)).await.unwrap();
        assert_eq!(names(world, 1).await, [SHORT]);
        world.archive.pin_articles(&story, &[id(1)], at(113)).await.unwrap();
        assert_eq!(names(world, 1).await, [FULL]);

        world.archive.delete_article(&id(2), at(114)).await.unwrap();
        assert_eq!(names(world, 1).await, [SHORT], "nothing is left of what was deleted");
        assert_eq!(n_articles(world, FULL).await, 0);
        world.archive.restore_article(&id(2), at(114), at(115)).await.unwrap();
        assert_eq!(names(world, 1).await, [FULL]);
        // Both go, and one comes back.
        world.archive.delete_article(&id(1), at(116)).await.unwrap();
        world.archive.delete_article(&id(2), at(116)).await.unwrap();
        world.archive.restore_article(&id(1), at(116), at(117)).await.unwrap();
        assert_eq!(names(world, 1).await, [SHORT]);
    })
    .await;
}

#[tokio::test]
async fn more_articles_than_one_transaction_changes_are_left_to_the_next() {
    let world = World::on_sqlite().await;
    world.store(1..=204).await;
    let batch: Vec<_> = (1..=201).map(|n| correlated(n, 1, &[SHORT])).collect();
    world.annotate(&batch).await;
    record(&world, correlated(202, 1, &[FULL]), &[]).await;
    assert_eq!((n_articles(&world, FULL).await, n_articles(&world, SHORT).await), (201, 1));
    record(&world, correlated(203, 203, &["country:ir"]), &[]).await;
    assert_eq!((n_articles(&world, FULL).await, n_articles(&world, SHORT).await), (202, 0));
    let feed = world.archive.last_index_change().await.unwrap();
    record(&world, correlated(204, 203, &["country:ir"]), &[]).await;
    let changes = world.archive.index_changes_after(feed, 10).await.unwrap();
    assert_eq!(changes.articles.len(), 1, "all are done");
    world.archive.close().await;
}

#[tokio::test]
async fn what_a_reader_says_of_a_name_counts_more_than_its_story() {
    on_each_database(async |world| {
        world.store([1, 2, 3]).await;
        let batch = [correlated(1, 1, &[SHORT]), correlated(2, 1, &[FULL])];
        world.annotate(&batch).await;
        let to = EntityRef { id: "name:person:lars hultquist".into(), name: "Lars".into() };
        let lars = to.id.clone();
        let correction = Correction::SameAs { entity: SHORT.to_owned(), to };
        let kept = world.archive.add_correction(&correction, "ana", None, at(102)).await.unwrap();
        let corrected = world.archive.correct_articles(&kept.unwrap(), &correction, at(103)).await;
        assert_eq!(corrected.unwrap(), 1, "found by the name that it has itself");
        assert_eq!(names(world, 1).await, [lars.as_str()]);
        record(world, correlated(3, 1, &[SHORT]), &[]).await;
        assert_eq!(names(world, 3).await, [SHORT], "the stage that reads it corrects it");
    })
    .await;
}

#[tokio::test]
async fn what_a_reader_says_of_the_long_name_leaves_the_short_one_alone() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        let batch = [correlated(1, 1, &[SHORT]), correlated(2, 1, &[FULL])];
        world.annotate(&batch).await;
        let to = EntityRef { id: "org:mandiant".into(), name: "Mandiant".into() };
        let correction =
            Correction::Means { text: "Nobody".into(), entity: FULL.to_owned(), to, kind: None };
        let kept = world.archive.add_correction(&correction, "ana", None, at(102)).await.unwrap();
        let kept = kept.unwrap();
        world.archive.correct_articles(&kept, &correction, at(103)).await.unwrap();
        let both = async || (names(world, 1).await, names(world, 2).await);
        assert_eq!(both().await, (vec![SHORT.into()], vec![FULL.into()]));
        // No article was changed, yet the short name means somebody again.
        assert_eq!(world.archive.undo_correction(&kept).await.unwrap(), Some(0));
        assert_eq!(both().await, (vec![FULL.into()], vec![FULL.into()]));
    })
    .await;
}

#[tokio::test]
async fn of_the_names_that_a_story_gave_only_the_corrected_one_becomes_the_articles_own() {
    on_each_database(async |world| {
        const ACRONYM: &str = "name:organization:rtp";
        const POLICE: &str = "name:organization:royal thai police";
        world.store([1, 2]).await;
        let batch = [correlated(1, 1, &[SHORT, ACRONYM]), correlated(2, 1, &[FULL, POLICE])];
        world.annotate(&batch).await;
        assert_eq!(names(world, 1).await, [FULL, POLICE]);
        let to = EntityRef { id: "org:police".into(), name: "Police".into() };
        let correction = Correction::SameAs { entity: POLICE.to_owned(), to };
        let kept = world.archive.add_correction(&correction, "ana", None, at(102)).await.unwrap();
        world.archive.correct_articles(&kept.unwrap(), &correction, at(103)).await.unwrap();
        let story = StoryId::founded_by(&id(1).to_string());
        let split = world.archive.split_story(&story, &[id(2)], at(110)).await.unwrap();
        assert!(matches!(split, StoryEdit::Done(_, 1)), "{split:?}");
        assert_eq!(names(world, 1).await, [SHORT, "org:police"]);
    })
    .await;
}

#[tokio::test]
async fn an_article_that_waits_to_be_annotated_is_left_to_that() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        world.annotate(&[correlated(1, 1, &[SHORT])]).await;
        world.archive.clear_annotations().await.unwrap();
        record(world, correlated(2, 1, &[FULL]), &[]).await;
        let waiting =
            world.archive.claim_unannotated(9, at(200), super::world::LEASE).await.unwrap();
        assert_eq!(waiting.iter().map(|it| it.id).collect::<Vec<_>>(), [id(1)]);
    })
    .await;
}

/// The threat, by `actor`.
fn by(actor: &EntityRef) -> Statement {
    let mut statement = threat();
    statement.actors[0].entity = Some(actor.clone());
    statement
}

/// Article `n` in the story of article 1, in which `actor` threatens.
fn threatened(n: u32, actor: &EntityRef) -> CorrelatedArticle {
    let mut item = threatening(n, 1);
    item.annotation.statements = vec![by(actor)];
    item
}

/// That a saved search brings `statement` of article `n`.
fn told(n: u32, statement: &Statement) -> Match {
    let mut told = matched(&search(AlertUnit::Statement), n);
    told.items[0].claims = claims(statement, |_| None);
    told
}

/// Who threatens in article `n`.
async fn names_of_actors(world: &World, n: u32) -> Vec<String> {
    let stored = world.archive.article(&id(n)).await.unwrap().unwrap();
    let statements = stored.annotation.unwrap().statements;
    statements
        .into_iter()
        .flat_map(|it| it.actors)
        .filter_map(|it| it.entity)
        .map(|it| it.id)
        .collect()
}

#[tokio::test]
async fn what_was_told_of_the_short_name_is_no_news_under_the_full_one() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        assert_eq!(record(world, threatened(1, &short), &[told(1, &by(&short))]).await, 1);
        assert_eq!(record(world, threatened(2, &john()), &[told(2, &by(&john()))]).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_told_of_the_full_name_is_no_news_under_a_short_one() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2, 3]).await;
        let first = told(1, &by(&john()));
        assert_eq!(record(world, threatened(1, &john()), &[first]).await, 1);
        // Found by a worker that had not heard of John.
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        let second = told(2, &by(&short));
        assert_eq!(record(world, threatened(2, &short), &[second]).await, 0);
        // Nor when nobody says any more who that is.
        world.archive.delete_article(&id(1), at(102)).await.unwrap();
        assert_eq!(names_of_actors(world, 2).await, [SHORT]);
        let third = told(3, &by(&short));
        assert_eq!(record(world, threatened(3, &short), &[third]).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_not_told_of_the_short_name_is_news_under_the_full_one() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        let against = |actor: &EntityRef, targets: &[&str]| {
            let mut statement = by(actor);
            let named = |id: &&str| Phrase { entity: Some(entity(id)), ..Phrase::default() };
            statement.targets = targets.iter().map(named).collect();
            statement
        };
        let said = |n: u32, statement: Statement| {
            let mut item = threatening(n, 1);
            item.annotation.statements = vec![statement];
            item
        };
        // Two are threatened, and the search asked for one of them only.
        let both = said(1, against(&short, &["country:us", "country:il"]));
        let first = told(1, &against(&short, &["country:us"]));
        assert_eq!(record(world, both, &[first]).await, 1);
        let second = against(&john(), &["country:il"]);
        assert_eq!(record(world, said(2, second.clone()), &[told(2, &second)]).await, 1);
    })
    .await;
}

/// Lets the models read article `n` again, whose page was edited.
async fn edit(world: &World, n: u32, minute: i64) {
    let text = format!("Edited at {minute}.");
    let page_sha256 = sha256_hex(text.as_bytes());
    let edited = Article { text, page_sha256, fetched_at: at(minute), ..article("wire", n) };
    let reading = Reading::Read(Box::new(edited));
    let read = world.archive.record_reading(&id(n), &reading, at(minute)).await.unwrap();
    assert!(matches!(read, Reread::Edited(_)), "{read:?}");
}

#[tokio::test]
async fn what_was_told_is_no_news_when_an_edited_article_has_another_name() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        record(world, correlated(2, 1, &[FULL]), &[]).await;
        let first = told(1, &by(&john()));
        assert_eq!(record(world, threatened(1, &short), &[first]).await, 1);
        assert_eq!(names_of_actors(world, 1).await, [FULL]);
        // While the article with the full name waits nobody says who that is.
        edit(world, 2, 120).await;
        edit(world, 1, 121).await;
        let again = [told(1, &by(&short))];
        assert_eq!(record(world, threatened(1, &short), &again).await, 0);
        assert_eq!(names_of_actors(world, 1).await, [SHORT]);
        // And it says so again when that is read.
        record(world, correlated(2, 1, &[FULL]), &[]).await;
        edit(world, 1, 122).await;
        assert_eq!(record(world, threatened(1, &short), &again).await, 0);
        assert_eq!(names_of_actors(world, 1).await, [FULL]);
    })
    .await;
}

#[tokio::test]
async fn what_was_told_in_another_story_is_no_news_under_the_name_of_this_one() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        // Nobody is named as the target: such a threat is known in its story only.
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        let vague = |actor: &EntityRef| Statement { targets: Vec::new(), ..by(actor) };
        let said = |founder: u32| {
            let mut item = threatening(1, founder);
            item.annotation.statements = vec![vague(&short)];
            item
        };
        assert_eq!(record(world, said(1), &[told(1, &vague(&short))]).await, 1);
        record(world, correlated(2, 2, &[FULL]), &[]).await;
        edit(world, 1, 120).await;
        assert_eq!(record(world, said(2), &[told(1, &vague(&short))]).await, 0);
        assert_eq!(names_of_actors(world, 1).await, [FULL]);
    })
    .await;
}

#[tokio::test]
async fn the_story_of_a_new_article_is_settled_before_those_that_wait() {
    on_each_database(async |world| {
        world.store(1..=104).await;
        let batch: Vec<_> = (1..=102).map(|n| correlated(n, n, &[SHORT])).collect();
        world.annotate(&batch).await;
        let ids: std::collections::HashSet<String> = [SHORT.to_owned()].into();
        let last = (1..=102).max_by_key(|it| id(*it).to_string()).unwrap();
        let mut tx = world.archive.begin().await.unwrap();
        take_index_seqs(&mut tx, 0).await.unwrap();
        world.archive.unsettle(&mut tx, &ids).await.unwrap();
        tx.commit().await.unwrap();
        record(world, correlated(103, last, &[FULL]), &[]).await;
        assert_eq!(names(world, last).await, [FULL], "102 stories wait, of which it is the last");
    })
    .await;
}

#[tokio::test]
async fn of_too_many_names_none_are_told() {
    on_each_database(async |world| {
        world.store([1, 2]).await;
        let names: Vec<String> = (0..2_001).map(|n| format!("name:person:p{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (first, second) = (id(1).to_string(), id(2).to_string());
        world.annotate(&[correlated(1, 1, &names[..2_000]), correlated(2, 2, &names)]).await;
        let n_names = async |story: &str| {
            let read = world.archive.names_of_stories(&[story]).await.unwrap();
            read.map(|it| it.len())
        };
        assert_eq!(n_names(&first).await, Some(2_000));
        assert_eq!(n_names(&second).await, None);
    })
    .await;
}
