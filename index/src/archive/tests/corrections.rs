use nlp::EntityRef;
use nlp::correction::Correction;

use super::world::{World, at, correlated, id, on_each_database, threatening};
use crate::archive::statements::StatementFilter;

fn not_an_entity(entity: &str) -> Correction {
    Correction::NotAnEntity { text: "Ministers".to_owned(), entity: entity.to_owned() }
}

async fn names(world: &World, n: u32) -> Vec<String> {
    let stored = world.archive.article(&id(n)).await.unwrap().unwrap();
    let mentions = stored.annotation.unwrap().mentions;
    mentions.into_iter().filter_map(|it| it.entity).map(|it| it.id).collect()
}

#[tokio::test]
async fn a_correction_changes_what_was_read_before_and_can_be_taken_back() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2, 3]).await;
        let both = ["group:will", "country:ir"];
        world
            .annotate(&[correlated(1, 1, &both), correlated(2, 1, &both), correlated(3, 3, &[])])
            .await;
        let feed = archive.last_index_change().await.unwrap();

        let correction = not_an_entity("group:will");
        let kept = archive.add_correction(&correction, "ana", Some("a verb"), at(1)).await;
        let kept = kept.unwrap().unwrap();
        assert_eq!(archive.correct_articles(&kept, &correction, at(1)).await.unwrap(), 2);
        assert_eq!(names(world, 1).await, ["country:ir"]);
        assert!(archive.entity("group:will").await.unwrap().is_none(), "nobody names it now");
        assert_eq!(archive.entity("country:ir").await.unwrap().unwrap().n_articles, 2);
        assert_eq!(
            archive.index_changes_after(feed, 10).await.unwrap().articles.len(),
            2,
            "indexed anew"
        );
        assert_eq!(archive.correct_articles(&kept, &correction, at(2)).await.unwrap(), 0);

        let listed = archive.corrections().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].n_articles, listed[0].who.as_str()), (2, "ana"));
        assert_eq!(listed[0].correction, correction);
        assert!(listed[0].applied_at.is_some());

        assert_eq!(archive.undo_correction(&kept).await.unwrap(), Some(2));
        assert_eq!(archive.undo_correction(&kept).await.unwrap(), None);
        let again = archive.claim_unannotated(9, at(3), super::world::LEASE).await.unwrap();
        let again: Vec<_> = again.iter().map(|it| it.id).collect();
        assert_eq!(again, [id(1), id(2)], "the models read them anew");
    })
    .await;
}

#[tokio::test]
async fn an_entity_that_is_another_moves_with_its_statements() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1]).await;
        world.annotate(&[threatening(1, 1)]).await;
        let to = EntityRef { id: "group:irgc".to_owned(), name: "IRGC".to_owned() };
        let correction = Correction::SameAs { entity: "country:ir".to_owned(), to };
        let kept = archive.add_correction(&correction, "ana", None, at(1)).await.unwrap().unwrap();
        assert_eq!(archive.correct_articles(&kept, &correction, at(1)).await.unwrap(), 1);
        let by = |actor: &str| StatementFilter {
            actor: Some(actor.to_owned()),
            ..StatementFilter::default()
        };
        let moved = archive.statements(&by("group:irgc"), None, 10).await.unwrap();
        assert_eq!(moved.items.len(), 1);
        assert!(archive.statements(&by("country:ir"), None, 10).await.unwrap().items.is_empty());
    })
    .await;
}
