use super::world::{at, correlated, id, on_each_database, threatening};

#[tokio::test]
async fn the_graph_reads_articles_with_their_entities_and_statements_in_the_order_asked_for() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store(1..4).await;
        world.annotate(&[threatening(1, 1), correlated(2, 1, &["group:x", "country:ir"])]).await;
        let articles = world.archive.graph_articles(&[id(2), id(9), id(1), id(3)]).await.unwrap();
        let ids: Vec<_> = articles.iter().map(|it| it.id).collect();
        assert_eq!(ids, [id(2), id(1), id(3)]);
        let names = |n: usize| {
            let entities = articles[n].entities.iter();
            entities.map(|it| it.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(0), ["country:ir", "group:x"]);
        assert_eq!(names(1), ["country:ir", "country:us"]);
        assert_eq!(articles[1].entities[1].n_mentions, 0);
        assert_eq!(articles[1].statements.len(), 1);
        assert_eq!(articles[1].statements[0].sentence, "Iran would punish Americans.");
        assert_eq!(articles[1].story.as_ref(), Some(&correlated(1, 1, &[]).story));
        assert_eq!(articles[1].dated_at, at(1));
        assert_eq!(articles[2].story, None);
        assert!(articles[2].entities.is_empty() && articles[2].statements.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_changed_since_comes_in_one_order_page_by_page() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.store(1..5).await;
        let batch: Vec<_> = (1..4).map(|n| correlated(n, 1, &[])).collect();
        world.annotate(&batch).await;
        let start = chrono::DateTime::UNIX_EPOCH;
        let mut seen = Vec::new();
        let mut after = (start, String::new());
        loop {
            let page = world.archive.changed_after((after.0, &after.1), 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = (last.0, last.1.to_string());
            seen.extend(page.iter().map(|it| it.1));
        }
        let mut expected = vec![id(1), id(2), id(3)];
        expected.sort();
        assert_eq!(seen, expected);
        assert_eq!(after.0, at(100));
        let story = correlated(1, 1, &[]).story;
        let members = world.archive.story_members(std::slice::from_ref(&story)).await.unwrap();
        assert_eq!(members[0].articles, [id(1), id(2), id(3)]);
        assert_eq!(members[0].annotated_at, (at(100), at(100)));
    })
    .await;
}
