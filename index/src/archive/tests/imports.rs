use std::collections::BTreeSet;

use super::world::{article, on_each_database};
use crate::archive::articles::Recorded;
use crate::archive::imports::ImportState;

#[tokio::test]
async fn how_far_a_file_was_read_is_stored_with_what_it_gave() {
    on_each_database(async |world| {
        let archive = &world.archive;
        assert_eq!(archive.import_state("a").await.unwrap(), None);
        let mut state = ImportState {
            file_key: "a".to_owned(),
            name: "news.warc.gz".to_owned(),
            next_byte: 1 << 33,
            n_done: 2,
            is_done: false,
        };
        let articles = [article("cc-news", 1), article("cc-news", 2)];
        let recorded = archive.record_import(&articles, &state).await.unwrap();
        assert_eq!(recorded, [Recorded::Inserted, Recorded::Inserted]);
        assert_eq!(archive.import_state("a").await.unwrap().as_ref(), Some(&state));
        state = ImportState { next_byte: 1 << 34, n_done: 0, is_done: true, ..state };
        let recorded = archive.record_import(&articles[1..], &state).await.unwrap();
        assert_eq!(recorded, [Recorded::AlreadyThere]);
        assert_eq!(archive.import_state("a").await.unwrap(), Some(state));
        assert_eq!(archive.import_state("b").await.unwrap(), None);
        assert_eq!(archive.counts().await.unwrap().n_articles, 2);

        let fetched = article("wire", 3);
        archive.record_article(&fetched, Some(&fetched.id)).await.unwrap();
        archive.record_articles(&[article("wire", 4)]).await.unwrap();
        let ids = [articles[0].id, fetched.id, article("wire", 4).id];
        let imported = archive.imported(&ids).await.unwrap();
        assert_eq!(imported, BTreeSet::from([ids[0], ids[2]]));
    })
    .await;
}
