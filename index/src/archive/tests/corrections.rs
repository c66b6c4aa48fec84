use nlp::EntityRef;
use nlp::correction::Correction;

use super::world::{World, at, correlated, id, on_each_database, threatening};
use crate::archive::corrections::Undone;
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
        let running = archive.corrections().await.unwrap();
        assert_eq!((running[0].n_looked_at, running[0].n_concerned), (2, 2));
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
async fn a_correction_that_two_apply_at_once_looks_at_no_more_articles_than_there_are() {
    on_each_database(async |world| {
        let (archive, other) = (&world.archive, world.second_worker().await);
        world.store([1, 2]).await;
        let named = ["group:will"];
        world.annotate(&[correlated(1, 1, &named), correlated(2, 1, &named)]).await;
        let correction = not_an_entity("group:will");
        let kept = archive.add_correction(&correction, "ana", None, at(1)).await.unwrap().unwrap();
        let (first, second) = tokio::join!(
            archive.correct_articles(&kept, &correction, at(2)),
            other.correct_articles(&kept, &correction, at(2)),
        );
        assert!(0 < first.unwrap() + second.unwrap());
        let listed = archive.corrections().await.unwrap();
        assert!(listed[0].n_looked_at <= listed[0].n_concerned, "{:?}", listed[0]);
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

#[tokio::test]
async fn a_correction_of_corrections_that_are_others_by_now_is_not_kept() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let add = async |entity: &str| {
            let known = archive.corrections().await.unwrap();
            let (first, second) = (not_an_entity(entity), not_an_entity("group:other"));
            let kept = archive.add_correction_to(&known, &first, "ana", None, at(1)).await;
            let late = archive.add_correction_to(&known, &second, "ben", None, at(1)).await;
            (kept.unwrap(), late.unwrap())
        };
        let (kept, late) = add("group:will").await;
        assert_eq!(late, None);
        let known = archive.corrections().await.unwrap();
        archive.undo_correction(&kept.unwrap()).await.unwrap();
        let another = not_an_entity("group:another");
        archive.add_correction(&another, "ben", None, at(2)).await.unwrap().unwrap();
        let late = archive.add_correction_to(&known, &another, "ana", None, at(3)).await;
        assert_eq!(late.unwrap(), None, "as many, but not the same");
        assert!(add("group:may").await.0.is_some());
        assert_eq!(archive.corrections().await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_correction_of_corrections_that_are_others_by_now_is_not_taken_back() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let add = async |entity: &str| {
            let kept = archive.add_correction(&not_an_entity(entity), "ana", None, at(1)).await;
            kept.unwrap().unwrap()
        };
        let none = archive.undo_correction_of(&[], "nothing").await.unwrap();
        assert_eq!(none, Undone::Missing, "there were none, and there are none");
        let first = add("group:will").await;
        assert_eq!(archive.undo_correction_of(&[], &first).await.unwrap(), Undone::Changed);
        let known = archive.corrections().await.unwrap();
        let second = add("group:may").await;
        assert_eq!(archive.undo_correction_of(&known, &first).await.unwrap(), Undone::Changed);
        assert_eq!(archive.corrections().await.unwrap().len(), 2, "nothing was done");

        let known = archive.corrections().await.unwrap();
        archive.undo_correction(&second).await.unwrap();
        add("group:must").await;
        let late = archive.undo_correction_of(&known, &first).await.unwrap();
        assert_eq!(late, Undone::Changed, "as many, but not the same");
        let known = archive.corrections().await.unwrap();
        let gone = archive.undo_correction_of(&known, &second).await.unwrap();
        assert_eq!(gone, Undone::Missing);
        assert_eq!(archive.undo_correction_of(&known, &first).await.unwrap(), Undone::Done(0));
    })
    .await;
}

#[tokio::test]
async fn of_two_who_take_a_correction_back_at_once_only_one_finds_what_both_saw() {
    on_each_database(async |world| {
        let (archive, other) = (&world.archive, world.second_worker().await);
        for round in 0..5 {
            for entity in ["group:will", "group:may"] {
                let correction = not_an_entity(entity);
                let kept = archive.add_correction(&correction, "ana", None, at(round)).await;
                kept.unwrap().unwrap();
            }
            let known = archive.corrections().await.unwrap();
            let (first, second) = tokio::join!(
                archive.undo_correction_of(&known, &known[0].id),
                other.undo_correction_of(&known, &known[1].id),
            );
            let outcomes = [first.unwrap(), second.unwrap()];
            assert!(outcomes.contains(&Undone::Done(0)), "{outcomes:?}");
            assert!(outcomes.contains(&Undone::Changed), "{outcomes:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_correction_that_is_taken_back_on_its_way_leaves_nothing_behind() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.store([1, 2]).await;
        let named = ["group:will"];
        world.annotate(&[correlated(1, 1, &named), correlated(2, 1, &named)]).await;
        let correction = not_an_entity("group:will");
        let kept = archive.add_correction(&correction, "ana", None, at(1)).await.unwrap().unwrap();
        archive.undo_correction(&kept).await.unwrap();
        archive.correct_articles(&kept, &correction, at(2)).await.unwrap();
        let again = archive.claim_unannotated(9, at(3), super::world::LEASE).await.unwrap();
        let again: Vec<_> = again.iter().map(|it| it.id).collect();
        assert_eq!(again, [id(1), id(2)], "the models read anew what it had changed by then");
    })
    .await;
}
