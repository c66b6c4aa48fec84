use ingest::{Article, ArticleId, CanonicalUrl, Details, Entry};

use super::world::{TEXT, article, at, entry, id, on_each_database, url};
use crate::archive::articles::Recorded;
use crate::archive::submissions::EntryState;

/// Article `n` of `source`, whose page names the address of article `of` of `wire`.
fn naming(source: &str, n: u32, of: u32) -> Article {
    Article { canonical_url: Some(url("wire", of)), ..article(source, n) }
}

#[tokio::test]
async fn an_article_reads_back_as_it_was_stored() {
    on_each_database(async |world| {
        world.declare(&["sample"]).await;
        let mut stored = article("sample", 1);
        stored.canonical_url = Some(CanonicalUrl::parse("https://sample.example/one").unwrap());
        stored.text = "Öl, 🛢 and “quotes”\n'; DROP TABLE articles; --".to_owned();
        stored.site_name = Some("Sample".to_owned());
        stored.published_at = None;
        stored.details = Details {
            modified_at: Some(at(5)),
            image: Some("https://sample.example/lead.jpg".to_owned()),
            section: Some("Energie & \"Netze\"".to_owned()),
            tags: vec!["Öl".to_owned(), "grid".to_owned()],
            is_paywall_stub: true,
            n_pages: 3,
        };
        world.archive.record_article(&stored, None).await.unwrap();
        let read = world.archive.article(&stored.id).await.unwrap().unwrap();
        assert_eq!(read.article, stored);
        assert_eq!((read.annotation, read.story, read.index_seq), (None, None, None));
        assert_eq!((&*read.source_name, read.is_sample), ("The sample", true));
        assert_eq!(read.source_country.as_deref(), Some("IE"));
    })
    .await;
}

#[tokio::test]
async fn an_article_is_stored_exactly_once_however_often_it_comes() {
    on_each_database(async |world| {
        let other = world.second_worker().await;
        let mut tasks = tokio::task::JoinSet::new();
        for round in 0..20 {
            let archive = if round % 2 == 0 { world.archive.clone() } else { other.clone() };
            tasks.spawn(async move {
                let article = article("wire", round % 4);
                archive.record_article(&article, None).await.unwrap()
            });
        }
        let all = tasks.join_all().await;
        let n_inserted = all.iter().filter(|it| **it == Recorded::Inserted).count();
        assert_eq!((n_inserted, all.len()), (4, 20));
        let counts = world.archive.counts().await.unwrap();
        assert_eq!((counts.n_articles, counts.n_unannotated), (4, 4));
    })
    .await;
}

#[tokio::test]
async fn an_article_is_stored_once_from_whichever_of_its_addresses_it_comes() {
    on_each_database(async |world| {
        let archive = &world.archive;
        world.declare(&["gazette", "wire"]).await;
        world.poll("gazette", &[entry("gazette", 7)], 0).await;
        world.poll("wire", &[entry("wire", 1), entry("wire", 2)], 0).await;
        let first = naming("gazette", 7, 1);
        let recorded = archive.record_article(&first, Some(&first.id)).await.unwrap();
        assert_eq!(recorded, Recorded::Inserted);
        let light = Article { text: format!("Share this.\n{TEXT}"), ..naming("wire", 2, 1) };
        for other in [article("wire", 1), light] {
            let recorded = archive.record_article(&other, Some(&other.id)).await.unwrap();
            assert_eq!(recorded, Recorded::AlreadyThere, "{}", other.url);
            assert_eq!(archive.article_at(&other.id).await.unwrap(), Some(first.id));
            let state = archive.entry_state(&other.id).await.unwrap();
            assert_eq!(state, Some(EntryState::Archived));
            // Also when the entry was let go since.
            let sql = "INSERT INTO tombstones (article_id, buried_at) VALUES ($1, 0)";
            let bury = sqlx::query(sql).bind(other.id.to_string());
            bury.execute(&archive.writer).await.unwrap();
            let recorded = archive.record_article(&other, None).await.unwrap();
            assert_eq!(recorded, Recorded::AlreadyThere, "{}", other.url);
        }
        assert_eq!(archive.counts().await.unwrap().n_articles, 1);
        assert_eq!(world.claim(9, 900).await, [], "all three entries are done");
        assert_eq!(archive.article_at(&id(3)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_entry_whose_address_changed_is_the_article_that_its_feed_calls_the_same() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let listed = |n, guid: &str| {
            let guid = Some(ArticleId::of_guid(&"wire".into(), guid));
            Entry { guid, ..entry("wire", n) }
        };
        let entries = [listed(1, "a"), listed(2, "a"), listed(3, "b"), listed(4, "b")];
        world.poll("wire", &entries, 0).await;
        let claimed = world.claim(9, 0).await;
        assert!(claimed.iter().map(|it| &it.entry).eq(&entries));
        let other = Article { text: "Another text of its own.".to_owned(), ..article("wire", 4) };
        for (stored, expected) in [
            (article("wire", 1), Recorded::Inserted),
            (article("wire", 2), Recorded::AlreadyThere),
            (article("wire", 3), Recorded::Inserted),
            (other, Recorded::Inserted),
        ] {
            let recorded = world.archive.record_article(&stored, Some(&stored.id)).await.unwrap();
            assert_eq!(recorded, expected, "{}", stored.url);
        }
        assert_eq!(world.archive.article_at(&id(2)).await.unwrap(), Some(id(1)));
    })
    .await;
}

#[tokio::test]
async fn workers_that_find_an_article_at_several_addresses_at_once_store_it_once() {
    on_each_database(async |world| {
        let other = world.second_worker().await;
        let mut tasks = tokio::task::JoinSet::new();
        for round in 0..20 {
            let archive = if round % 2 == 0 { world.archive.clone() } else { other.clone() };
            tasks.spawn(async move {
                archive.record_article(&naming("wire", round % 5, 0), None).await.unwrap()
            });
        }
        let all = tasks.join_all().await;
        let n_inserted = all.iter().filter(|it| **it == Recorded::Inserted).count();
        assert_eq!((n_inserted, all.len()), (1, 20));
        assert_eq!(world.archive.counts().await.unwrap().n_articles, 1);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_differing_pages_name_joins_nothing() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let page = |n, text: &str| Article { text: text.to_owned(), ..naming("wire", n, 99) };
        let tankers = "Tankers waited outside the port of Lindahl on Friday.";
        let ministers = "Ministers met in the capital.";
        for stored in [page(1, tankers), page(2, ministers), page(3, tankers)] {
            let recorded = archive.record_article(&stored, None).await.unwrap();
            assert_eq!(recorded, Recorded::Inserted, "{}", stored.url);
        }
        assert!(archive.delete_article(&id(1), at(9)).await.unwrap());
        let recorded = archive.record_article(&page(4, tankers), None).await.unwrap();
        assert_eq!(recorded, Recorded::Inserted, "the address proves nothing");
    })
    .await;
}

#[tokio::test]
async fn the_first_text_stays() {
    on_each_database(async |world| {
        world.store([1]).await;
        let mut edited = article("wire", 1);
        edited.text = "Another text".to_owned();
        let recorded = world.archive.record_article(&edited, None).await.unwrap();
        assert_eq!(recorded, Recorded::AlreadyThere);
        let read = world.archive.article(&id(1)).await.unwrap().unwrap();
        assert_eq!(read.article.text, article("wire", 1).text);
    })
    .await;
}

#[tokio::test]
async fn nul_characters_become_replacement_characters_so_that_offsets_stay() {
    on_each_database(async |world| {
        let mut stored = article("wire", 1);
        stored.text = "one\0two".to_owned();
        stored.title = "\0".to_owned();
        world.archive.record_article(&stored, None).await.unwrap();
        let read = world.archive.article(&stored.id).await.unwrap().unwrap().article;
        assert_eq!((&*read.text, &*read.title), ("one\u{fffd}two", "\u{fffd}"));
    })
    .await;
}

#[tokio::test]
async fn many_articles_come_in_the_order_asked_for() {
    on_each_database(async |world| {
        world.store(0..30).await;
        let wanted = [id(7), id(999), id(29), id(0)];
        let read = world.archive.articles(&wanted).await.unwrap();
        let ids: Vec<_> = read.iter().map(|it| it.article.id).collect();
        assert_eq!(ids, [id(7), id(29), id(0)]);
        assert_eq!(world.archive.articles(&[]).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_undeclared_source_of_an_import_is_kept_but_never_due() {
    on_each_database(async |world| {
        world.archive.record_article(&article("import", 1), None).await.unwrap();
        assert_eq!(world.archive.due_sources(at(9_999), 10).await.unwrap(), []);
        let read = world.archive.article(&article("import", 1).id).await.unwrap().unwrap();
        assert_eq!(read.source_name, "import");
    })
    .await;
}

#[tokio::test]
async fn a_write_dropped_half_way_leaves_nothing_behind() {
    on_each_database(async |world| {
        let mut tx = world.archive.begin().await.unwrap();
        sqlx::query("INSERT INTO meta (key, value) VALUES ('half', 'done')")
            .execute(&mut *tx)
            .await
            .unwrap();
        drop(tx);
        // Futures dropped at every await point of a write, one after the other.
        for n_polls in 0..60 {
            let article = article("wire", 1);
            let mut record = Box::pin(world.archive.record_article(&article, None));
            for _ in 0..n_polls {
                let waited = tokio::time::timeout(std::time::Duration::ZERO, &mut record).await;
                if waited.is_ok() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        world.archive.record_article(&article("wire", 1), None).await.unwrap();
        assert_eq!(world.archive.meta_get("half").await.unwrap(), None);
        assert_eq!(world.archive.counts().await.unwrap().n_articles, 1);
        assert_eq!(world.archive.counts().await.unwrap().n_unannotated, 1);
    })
    .await;
}
