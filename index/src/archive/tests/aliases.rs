use config::AlertUnit;
use nlp::story::StoryId;
use nlp::{EntityRef, Phrase, Statement};

use super::alerts::{matched, search};
use super::world::{World, at, correlated, entity, id, on_each_database, threat, threatening};
use crate::archive::alerts::Match;
use crate::archive::aliases::Alias;
use crate::archive::annotations::CorrelatedArticle;
use crate::matching::novelty::claims;

const SHORT: &str = "name:person:hultquist";
const FULL: &str = "name:person:john hultquist";

fn john() -> EntityRef {
    EntityRef { id: FULL.to_owned(), name: "John Hultquist".to_owned() }
}

/// In the story that article `founder` founded.
fn alias(founder: u32) -> Alias {
    let story = StoryId::founded_by(&id(founder).to_string());
    Alias { story, entity: SHORT.to_owned(), to: john() }
}

async fn names(world: &World, n: u32) -> Vec<String> {
    let stored = world.archive.article(&id(n)).await.unwrap().unwrap();
    let mentions = stored.annotation.unwrap().mentions;
    mentions.into_iter().filter_map(|it| it.entity).map(|it| it.id).collect()
}

async fn n_articles(world: &World, entity: &str) -> u64 {
    world.archive.entity(entity).await.unwrap().map_or(0, |it| it.n_articles)
}

async fn record(world: &World, item: CorrelatedArticle, matches: &[Match]) -> usize {
    let recorded = world.archive.record_with_aliases(&[item], &[alias(1)], matches, at(101)).await;
    recorded.unwrap().alerts.len()
}

#[tokio::test]
async fn a_full_name_reaches_the_articles_of_its_story_and_no_other() {
    on_each_database(async |world| {
        world.store([1, 2, 3, 4]).await;
        let batch = [correlated(1, 1, &[SHORT, "country:ir"]), correlated(2, 2, &[SHORT])];
        world.annotate(&batch).await;
        let story = id(1).to_string();
        let known = world.archive.names_of_stories(&[&story]).await.unwrap().unwrap();
        let known: Vec<&str> = known.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(known, [SHORT], "countries have no aliases");
        let feed = world.archive.last_index_change().await.unwrap();

        record(world, correlated(3, 1, &[FULL]), &[]).await;
        assert_eq!(names(world, 1).await, [FULL, "country:ir"]);
        assert_eq!(names(world, 2).await, [SHORT], "another story");
        assert_eq!((n_articles(world, FULL).await, n_articles(world, SHORT).await), (2, 1));
        let changes = world.archive.index_changes_after(feed, 10).await.unwrap();
        let changed: Vec<_> = changes.articles.iter().map(|it| it.article.id).collect();
        assert_eq!(changed, [id(1), id(3)], "indexed anew");
        let story = world.archive.story(&StoryId::founded_by(&story)).await.unwrap().unwrap();
        assert_eq!(story.summary.n_articles, 2);

        let feed = world.archive.last_index_change().await.unwrap();
        record(world, correlated(4, 1, &[FULL]), &[]).await;
        let changes = world.archive.index_changes_after(feed, 10).await.unwrap();
        assert_eq!(changes.articles.len(), 1, "nothing is left to change");
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

/// Article `n` in the story of article 1, in which `actor` threatens.
fn threatened(n: u32, actor: &EntityRef) -> CorrelatedArticle {
    let mut item = threatening(n, 1);
    item.annotation.statements[0].actors[0].entity = Some(actor.clone());
    item
}

#[tokio::test]
async fn what_was_told_of_the_short_name_is_no_news_under_the_full_one() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let grid = search(AlertUnit::Statement);
        let told = |n: u32, actor: &EntityRef| {
            let mut statement = threat();
            statement.actors[0].entity = Some(actor.clone());
            let mut told = matched(&grid, n);
            told.items[0].claims = claims(&statement, |_| None);
            told
        };
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        assert_eq!(record(world, threatened(1, &short), &[told(1, &short)]).await, 1);
        assert_eq!(record(world, threatened(2, &john()), &[told(2, &john())]).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_not_told_of_the_short_name_is_news_under_the_full_one() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store([1, 2]).await;
        let grid = search(AlertUnit::Statement);
        let short = EntityRef { id: SHORT.to_owned(), name: "Hultquist".to_owned() };
        let against = |actor: &EntityRef, targets: &[&str]| {
            let mut statement = threat();
            statement.actors[0].entity = Some(actor.clone());
            let named = |id: &&str| Phrase { entity: Some(entity(id)), ..Phrase::default() };
            statement.targets = targets.iter().map(named).collect();
            statement
        };
        let said = |n: u32, statement: Statement| {
            let mut item = threatening(n, 1);
            item.annotation.statements = vec![statement];
            item
        };
        let told = |n: u32, statement: &Statement| {
            let mut told = matched(&grid, n);
            told.items[0].claims = claims(statement, |_| None);
            told
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
