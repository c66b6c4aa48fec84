use config::{Source, SourceId};

use super::world::{World, at, entry, on_each_database, source};
use crate::archive::added_sources::{AddedBy, Addition};

fn feed(id: &str, host: &str) -> Source {
    Source::new(id, format!("https://{host}.example/feed").parse().unwrap())
}

async fn add(world: &World, sources: &[Source]) -> Vec<Addition> {
    world.archive.add_sources(sources, AddedBy::Api, "ana", at(1)).await.unwrap()
}

async fn due(world: &World, minute: i64) -> Vec<String> {
    let due = world.archive.due_sources(at(minute), 10).await.unwrap();
    due.iter().map(|it| it.id.to_string()).collect()
}

#[tokio::test]
async fn an_added_source_is_due_at_once_and_other_workers_learn_of_it() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        world.poll("wire", &[], 1).await;
        let other = world.second_worker().await;
        let before = other.sources_version().await.unwrap();
        assert_eq!(add(world, &[feed("desk", "desk")]).await, [Addition::Added]);
        assert_eq!(due(world, 1).await, ["desk"]);
        let (sources, version) = other.added_sources().await.unwrap();
        assert!(before < version);
        assert_eq!(sources.len(), 1);
        assert_eq!(sources[0].source, feed("desk", "desk"));
        assert_eq!((sources[0].added_by.as_str(), sources[0].added_at), ("ana", at(1)));
        assert_eq!(sources[0].origin, AddedBy::Api);
    })
    .await;
}

#[tokio::test]
async fn ids_and_addresses_are_given_once() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let additions = add(
            world,
            &[
                feed("other", "wire"),
                feed("wire", "desk"),
                feed("desk", "desk"),
                feed("desk", "x"),
                feed("copy", "desk"),
            ],
        )
        .await;
        assert_eq!(
            additions,
            [
                Addition::AddressTaken(SourceId::new("wire")),
                Addition::IdTaken,
                Addition::Added,
                Addition::IdTaken,
                Addition::AddressTaken(SourceId::new("desk")),
            ]
        );
        assert_eq!(world.archive.added_sources().await.unwrap().0.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_paused_source_is_not_asked_and_its_entries_wait() {
    on_each_database(async |world| {
        add(world, &[feed("desk", "desk")]).await;
        world.poll("desk", &[entry("desk", 1)], 2).await;
        let desk = SourceId::new("desk");
        let version = world.archive.sources_version().await.unwrap();
        assert!(world.archive.pause_source(&desk, true, at(3)).await.unwrap());
        assert!(version < world.archive.sources_version().await.unwrap());
        assert_eq!(due(world, 99).await, [""; 0]);
        assert_eq!(world.claim(10, 99).await.len(), 0);
        assert!(world.archive.added_sources().await.unwrap().0[0].is_paused);
        let again = add(world, &[feed("copy", "desk")]).await;
        assert_eq!(again, [Addition::AddressTaken(desk.clone())], "paused is not gone");

        assert!(world.archive.pause_source(&desk, false, at(4)).await.unwrap());
        assert_eq!(due(world, 4).await, ["desk"]);
        assert_eq!(world.claim(10, 99).await.len(), 1);
        assert!(!world.archive.pause_source(&"nobody".into(), true, at(5)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_removed_source_leaves_its_articles_and_can_come_back() {
    on_each_database(async |world| {
        world.archive.sync_sources(&[source("wire")], at(0)).await.unwrap();
        add(world, &[feed("desk", "desk")]).await;
        world.poll("desk", &[entry("desk", 1)], 2).await;
        let desk = SourceId::new("desk");
        assert!(world.archive.remove_source(&desk, at(4)).await.unwrap());
        assert!(!world.archive.remove_source(&desk, at(4)).await.unwrap());
        assert!(
            !world.archive.remove_source(&"wire".into(), at(4)).await.unwrap(),
            "declared in a file"
        );
        assert_eq!(due(world, 99).await, ["wire"]);
        assert_eq!(world.archive.added_sources().await.unwrap().0, []);

        assert_eq!(add(world, &[feed("desk", "elsewhere")]).await, [Addition::IdTaken]);
        assert_eq!(add(world, &[feed("desk", "desk")]).await, [Addition::Added]);
        let states = world.archive.source_states(None).await.unwrap();
        let desk = states.iter().find(|it| it.id == desk).unwrap();
        assert!(desk.is_active && desk.state_json.is_some(), "its poll state is still good");
        assert_eq!(due(world, 1).await, ["wire", "desk"], "it is asked at once all the same");
        let addresses = world.archive.source_addresses().await.unwrap();
        assert_eq!(addresses[&desk.id], "https://desk.example/feed");
    })
    .await;
}

#[tokio::test]
async fn a_removal_is_taken_back_for_a_while_unless_the_place_is_taken() {
    on_each_database(async |world| {
        let (archive, desk) = (&world.archive, SourceId::new("desk"));
        let restore = async |since, minute| {
            archive.restore_source(&desk, at(since), at(minute)).await.unwrap()
        };
        add(world, &[feed("desk", "desk")]).await;
        assert_eq!(restore(0, 2).await, None, "nobody removed it");
        archive.pause_source(&desk, true, at(2)).await.unwrap();
        let before = archive.added_sources().await.unwrap();
        assert!(archive.remove_source(&desk, at(3)).await.unwrap());
        assert_eq!(archive.removed_source(&desk, at(4)).await.unwrap(), None);
        let known = archive.removed_source(&desk, at(3)).await.unwrap();
        assert_eq!(known.as_ref(), before.0.first());
        assert_eq!(restore(4, 5).await, None, "too late");
        assert_eq!(restore(3, 5).await, Some(Addition::Added));
        let after = archive.added_sources().await.unwrap();
        assert_eq!(after.0, before.0, "with who added it, and paused as it was");
        assert!(before.1 < after.1, "other workers learn of it");
        assert_eq!(due(world, 99).await, [""; 0]);
        assert_eq!(restore(3, 6).await, None, "it is back already");

        archive.remove_source(&desk, at(7)).await.unwrap();
        add(world, &[feed("copy", "desk")]).await;
        let taken = Addition::AddressTaken("copy".into());
        assert_eq!(restore(3, 8).await, Some(taken));
        archive.forget_deleted(at(8)).await.unwrap();
        assert_eq!(archive.removed_source(&desk, at(0)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn the_text_of_an_entry_goes_with_it_until_its_article_is_there() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let mut listed = entry("wire", 1);
        listed.text = Some("What the list itself says.".to_owned());
        world.poll("wire", &[listed.clone()], 1).await;
        let claimed = world.claim(1, 1).await;
        assert_eq!(claimed[0].entry, listed);
    })
    .await;
}

#[tokio::test]
async fn a_list_is_kept_with_its_sources() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let (desk, again) = (feed("desk", "desk"), feed("desk-2", "desk"));
        let (feeds, list) = ([desk, again], ("list", "<opml/>"));
        let taken = archive.import_sources_at(None, &feeds, list, "ana", at(1)).await.unwrap();
        let expected = [Addition::Added, Addition::AddressTaken("desk".into())];
        assert_eq!(taken.as_deref(), Some(&expected[..]));
        assert_eq!(archive.meta_get("list").await.unwrap().as_deref(), Some("<opml/>"));
        let (added, _) = archive.added_sources().await.unwrap();
        assert_eq!((added.len(), added[0].origin), (1, AddedBy::Opml));

        let version = archive.sources_version().await.unwrap();
        let take_in = async |list: &str| {
            let (wire, kept) = ([feed(list, list)], ("list", list));
            archive.import_sources_at(Some(version), &wire, kept, "ben", at(2)).await.unwrap()
        };
        assert_eq!(take_in("wire").await, Some(vec![Addition::Added]));
        assert_eq!(take_in("gazette").await, None, "of a version that is over");
        assert_eq!(archive.meta_get("list").await.unwrap().as_deref(), Some("wire"));
        assert_eq!(archive.added_sources().await.unwrap().0.len(), 2);
    })
    .await;
}
