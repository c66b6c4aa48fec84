//! Whatever is annotated in whatever order, the counts equal those of a fresh count.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::world::{World, at, correlated, entity, on_each_database};
use crate::archive::entities::EntityFilter;
use crate::archive::stories::StoryFilter;

/// Article, founder of its story, and the entities it names.
type Step = (u32, u32, BTreeSet<u8>);

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = (0..6_u32, 0..3_u32, prop::collection::btree_set(0..5_u8, 0..4));
    prop::collection::vec(prop::collection::vec(step, 1..4), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn counts_follow_every_change(batches in steps()) {
        let runtime = Runtime::new().unwrap();
        runtime.block_on(on_each_database(async |world| check(world, &batches).await));
    }
}

async fn check(world: &World, batches: &[Vec<Step>]) {
    world.store(0..6).await;
    let mut last: BTreeMap<u32, (u32, Vec<String>)> = BTreeMap::new();
    for batch in batches {
        let mut items = Vec::new();
        for (article, founder, entities) in batch {
            let names: Vec<String> = entities.iter().map(|it| format!("group:{it}")).collect();
            let ids: Vec<&str> = names.iter().map(String::as_str).collect();
            items.push(correlated(*article, *founder, &ids));
            last.insert(*article, (*founder, names));
        }
        world.annotate(&items).await;
    }

    let mut expected: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut stories: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (article, (founder, names)) in &last {
        stories.entry(*founder).or_default().push(*article);
        for name in names {
            expected.entry(name.clone()).or_default().push(*article);
        }
    }
    let page = world.archive.entities(&EntityFilter::default(), None, 99).await.unwrap();
    assert_eq!(page.items.len(), expected.len());
    for found in page.items {
        let articles = &expected[&found.id];
        let (first, last) = (articles[0], articles[articles.len() - 1]);
        assert_eq!(found.n_articles, articles.len() as u64);
        assert_eq!((found.first_seen_at, found.last_seen_at), (at(first.into()), at(last.into())));
        assert_eq!(found.name, entity(&found.id).name);
    }
    let page = world.archive.stories(&StoryFilter::default(), None, 99).await.unwrap();
    let mut counts: Vec<u64> = page.items.iter().map(|it| it.n_articles).collect();
    let mut expected: Vec<u64> = stories.values().map(|it| it.len() as u64).collect();
    counts.sort_unstable();
    expected.sort_unstable();
    assert_eq!(counts, expected);
    let feed = world.archive.index_changes_after(0, 99).await.unwrap().articles;
    assert_eq!(feed.len(), last.len());
}
