use std::collections::BTreeMap;

use config::SectorId;
use nlp::{Modality, StatementKind};

use super::world::{
    TEXT, World, article, at, correlated, id, on_each_database, threat, threatening,
};
use crate::archive::ArchiveError;
use crate::archive::annotations::CorrelatedArticle;
use crate::archive::entities::EntityFilter;
use crate::archive::statements::StatementFilter;
use crate::archive::stories::StoryFilter;

/// Four articles in two stories: an attack (1) and a threat (2) in one, plain news (3, 4).
async fn tell(world: &World) {
    world.declare(&["wire", "gazette"]).await;
    world.store(1..4).await;
    world.archive.record_article(&article("gazette", 4), None).await.unwrap();
    let mut attack = threatening(1, 1);
    attack.annotation.statements[0].kind = StatementKind::Attack;
    attack.annotation.statements[0].sectors = vec![SectorId::new("/finance")];
    let mut fourth = correlated(4, 3, &["city:100%_sure"]);
    fourth.article = article("gazette", 4).id;
    world.annotate(&[attack, threatening(2, 1), correlated(3, 3, &["group:x"]), fourth]).await;
}

#[tokio::test]
async fn a_story_has_its_articles_and_statements_oldest_first() {
    on_each_database(async |world| {
        tell(world).await;
        let story = world.archive.story(&correlated(1, 1, &[]).story).await.unwrap().unwrap();
        let titles: Vec<_> = story.articles.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["Headline 1", "Headline 2"]);
        assert_eq!(story.articles[0].source_name, "The wire");
        let kinds: Vec<_> = story.statements.iter().map(|it| it.statement.kind).collect();
        assert_eq!(kinds, [StatementKind::Attack, StatementKind::Threat]);
        assert_eq!(story.statements[0].sentence, "Iran would punish Americans.");
        assert_eq!(story.statements[0].article_url, "https://wire.example/1");
        assert_eq!(story.statements[1].statement, threat());
        let none = correlated(99, 99, &[]).story;
        assert_eq!(world.archive.story(&none).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn stories_are_listed_last_seen_first_and_filtered() {
    on_each_database(async |world| {
        tell(world).await;
        let check = async |filter: StoryFilter, expected: &[&str]| {
            let page = world.archive.stories(&filter, None, 10).await.unwrap();
            let headlines: Vec<_> = page.items.iter().map(|it| it.headline.as_str()).collect();
            assert_eq!(headlines, expected, "{filter:?}");
            assert_eq!(page.next, None);
        };
        let all = StoryFilter::default;
        check(all(), &["Headline 3", "Headline 1"]).await;
        check(StoryFilter { from: Some(at(3)), ..all() }, &["Headline 3"]).await;
        check(StoryFilter { to: Some(at(4)), ..all() }, &["Headline 1"]).await;
        check(StoryFilter { n_sources_min: Some(2), ..all() }, &["Headline 3"]).await;
        check(StoryFilter { kind: Some(StatementKind::Threat), ..all() }, &["Headline 1"]).await;
        check(StoryFilter { kind: Some(StatementKind::Denial), ..all() }, &[]).await;
        let us = Some("country:us".to_owned());
        check(StoryFilter { entity: us.clone(), ..all() }, &["Headline 1"]).await;
        let sector = Some(SectorId::new("/energy"));
        check(StoryFilter { sector, entity: us, ..all() }, &["Headline 1"]).await;
        check(StoryFilter { sector: Some(SectorId::new("/ener")), ..all() }, &[]).await;
    })
    .await;
}

#[tokio::test]
async fn a_glance_at_stories_tells_their_copies_and_the_surest_of_their_threats() {
    on_each_database(async |world| {
        tell(world).await;
        world.store([5, 6]).await;
        let mut possible = threatening(5, 1);
        possible.annotation.statements[0].modality = Modality::Possible;
        possible.annotation.statements[0].score = 0.9;
        let copy = CorrelatedArticle { copy_of: Some(id(2)), ..threatening(6, 1) };
        world.annotate(&[possible, copy]).await;
        let stories = [correlated(1, 1, &[]).story, correlated(3, 3, &[]).story];
        let glances = world.archive.story_glances(&stories, None).await.unwrap();
        assert_eq!(glances.len(), 1, "of the peaceful story nothing is to be told");
        let glance = &glances[stories[0].as_str()];
        assert_eq!(glance.n_copies, 1);
        let surest = glance.surest.as_ref().map(|it| (it.article, it.statement.kind));
        assert_eq!(surest, Some((id(2), StatementKind::Threat)), "asserted, and said first");
        let kind = Some(StatementKind::Attack);
        let attacks = world.archive.story_glances(&stories, kind).await.unwrap();
        let surest = attacks[stories[0].as_str()].surest.as_ref().map(|it| it.article);
        assert_eq!(surest, Some(id(1)));
        assert!(world.archive.story_glances(&[], None).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn statements_are_found_by_kind_actor_target_sector_and_time() {
    on_each_database(async |world| {
        tell(world).await;
        let check = async |filter: StatementFilter, expected: &[u32]| {
            let page = world.archive.statements(&filter, None, 10).await.unwrap();
            let articles: Vec<_> = page.items.iter().map(|it| it.article).collect();
            let expected: Vec<_> = expected.iter().map(|it| id(*it)).collect();
            assert_eq!(articles, expected, "{filter:?}");
        };
        let all = StatementFilter::default;
        let ir = Some("country:ir".to_owned());
        check(all(), &[2, 1]).await;
        check(StatementFilter { kind: Some(StatementKind::Attack), ..all() }, &[1]).await;
        check(StatementFilter { actor: ir.clone(), ..all() }, &[2, 1]).await;
        check(StatementFilter { target: ir.clone(), ..all() }, &[]).await;
        check(StatementFilter { sector: Some(SectorId::new("/energy")), ..all() }, &[2]).await;
        let leaf = Some(SectorId::new("/energy/oil-gas"));
        check(StatementFilter { sector: leaf, actor: ir, ..all() }, &[2]).await;
        check(StatementFilter { sector: Some(SectorId::new("/finance")), ..all() }, &[1]).await;
        check(StatementFilter { from: Some(at(2)), ..all() }, &[2]).await;
        check(StatementFilter { to: Some(at(2)), ..all() }, &[1]).await;
        check(StatementFilter { article: Some(id(1)), ..all() }, &[1]).await;
    })
    .await;
}

#[tokio::test]
async fn statements_of_a_headline_count_in_the_headline() {
    on_each_database(async |world| {
        world.store([1]).await;
        let mut item = correlated(1, 1, &[]);
        let mut statement = threat();
        (statement.sentence.start, statement.sentence.end) = (0, 8);
        let title = nlp::TitleAnnotation { mentions: Vec::new(), statements: vec![statement] };
        item.annotation.title = Some(title);
        world.annotate(&[item]).await;
        let page = world.archive.statements(&StatementFilter::default(), None, 10).await.unwrap();
        assert_eq!((page.items[0].in_title, &*page.items[0].sentence), (true, "Headline"));
        assert_eq!(world.archive.entity("country:us").await.unwrap().unwrap().kind, "location");
    })
    .await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    on_each_database(async |world| {
        world.store(0..23).await;
        let batch: Vec<_> = (0..23).map(|n| threatening(n, n)).collect();
        world.annotate(&batch).await;
        let (all_stories, all_statements) = (StoryFilter::default(), StatementFilter::default());
        let (mut stories, mut statements) = (Vec::new(), Vec::new());
        let mut cursor: Option<String> = None;
        loop {
            let page = world.archive.stories(&all_stories, cursor.as_deref(), 5);
            let page = page.await.unwrap();
            stories.extend(page.items.into_iter().map(|it| it.headline));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        loop {
            let page = world.archive.statements(&all_statements, cursor.as_deref(), 5);
            let page = page.await.unwrap();
            statements.extend(page.items.into_iter().map(|it| it.article_title));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let expected: Vec<_> = (0..23).rev().map(|n| format!("Headline {n}")).collect();
        assert_eq!(stories, expected);
        assert_eq!(statements, expected);
        let error = world.archive.stories(&StoryFilter::default(), Some("nonsense"), 5).await;
        assert!(matches!(error, Err(ArchiveError::Cursor { .. })));
    })
    .await;
}

#[tokio::test]
async fn entities_are_listed_by_frequency_and_found_by_the_start_of_their_name() {
    on_each_database(async |world| {
        tell(world).await;
        let check = async |kind: Option<&str>, prefix: Option<&str>, expected: &[&str]| {
            let filter = EntityFilter {
                kind: kind.map(str::to_owned),
                name_prefix: prefix.map(str::to_owned),
            };
            let page = world.archive.entities(&filter, None, 10).await.unwrap();
            let ids: Vec<_> = page.items.iter().map(|it| it.id.as_str()).collect();
            assert_eq!(ids, expected, "{filter:?}");
        };
        // Names are the last part of the id in upper case.
        check(None, None, &["country:us", "country:ir", "group:x", "city:100%_sure"]).await;
        check(Some("location"), Some("u"), &["country:us"]).await;
        check(None, Some("100%_S"), &["city:100%_sure"]).await;
        check(None, Some("%"), &[]).await;
        check(Some("threat-group"), None, &[]).await;

        let called = async |name: &str| {
            let found = world.archive.entity_called(name).await.unwrap();
            found.map(|it| it.id)
        };
        assert_eq!(called("us").await.as_deref(), Some("country:us"));
        assert_eq!(called("group:x").await.as_deref(), Some("group:x"));
        assert_eq!(called("u").await, None, "not by the start of a name");
        assert_eq!(called("100%_Sure").await.as_deref(), Some("city:100%_sure"));
    })
    .await;
}

#[tokio::test]
async fn the_clusterer_gets_back_what_it_knew_in_order_of_arrival() {
    on_each_database(async |world| {
        world.store([5, 2, 9, 7]).await;
        let mut batch =
            [correlated(9, 9, &[]), correlated(5, 5, &["b:b", "a:a"]), correlated(2, 5, &["a:a"])];
        batch[0].annotation.statements = vec![threat()];
        world.annotate(&batch).await;
        let inputs = world.archive.recent_story_inputs(at(3), 0, 10).await.unwrap();
        let ids: Vec<_> = inputs.iter().map(|it| it.article).collect();
        assert_eq!(ids, [id(5), id(9)]);
        assert_eq!(inputs[0].entities, ["a:a", "b:b"]);
        assert_eq!(inputs[0].embedding, [0.25, -1.5, 5.0]);
        assert_eq!((&*inputs[0].lead, &*inputs[0].title), (TEXT, "Headline 5"));
        assert_eq!((inputs[0].dated_at, &inputs[0].story), (at(5), &batch[1].story));
        assert_eq!(inputs[0].statements, []);
        assert_eq!(inputs[1].statements, [threat()]);
        let rest = world.archive.recent_story_inputs(at(0), inputs[0].arrival, 10).await.unwrap();
        let ids: Vec<_> = rest.iter().map(|it| it.article).collect();
        assert_eq!(ids, [id(2), id(9)]);
    })
    .await;
}

#[tokio::test]
async fn statements_on_an_entity_are_counted_by_its_role() {
    on_each_database(async |world| {
        world.store([1, 2, 3]).await;
        world.annotate(&[threatening(1, 1), threatening(2, 1), correlated(3, 3, &[])]).await;
        let counts = world.archive.statement_counts("country:ir").await.unwrap();
        assert_eq!(counts, BTreeMap::from([("actor".to_owned(), 2)]));
        let counts = world.archive.statement_counts("country:us").await.unwrap();
        assert_eq!(counts, BTreeMap::from([("target".to_owned(), 2)]));
        assert!(world.archive.statement_counts("country:fr").await.unwrap().is_empty());
    })
    .await;
}
