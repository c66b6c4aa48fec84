use super::world::{at, on_each_database};
use crate::archive::silences::SiteSilence;

fn silence(site: &str, until: i64) -> SiteSilence {
    SiteSilence { site: site.to_owned(), ends_at: at(until) }
}

#[tokio::test]
async fn sites_are_left_alone_until_the_latest_end_that_was_told_and_then_forgotten() {
    on_each_database(async |world| {
        let archive = &world.archive;
        let told = [silence("b.example", 60), silence("a.example", 10)];
        archive.record_silences(&told, at(0)).await.unwrap();
        let told = [silence("b.example", 30), silence("127.0.0.1:8080", 5)];
        archive.record_silences(&told, at(1)).await.unwrap();
        let kept = archive.silences(at(2)).await.unwrap();
        let expected =
            [silence("b.example", 60), silence("a.example", 10), silence("127.0.0.1:8080", 5)];
        assert_eq!(kept, expected);
        assert_eq!(archive.silences(at(10)).await.unwrap(), [silence("b.example", 60)]);
        assert_eq!(world.second_worker().await.silences(at(60)).await.unwrap(), []);

        archive.record_silences(&[silence("a.example", 90)], at(70)).await.unwrap();
        let kept = archive.silences(at(0)).await.unwrap();
        assert_eq!(kept, [silence("a.example", 90)], "what was over takes no room");
    })
    .await;
}

/// PostgreSQL found them waiting for each other when both was one transaction: one held what it had
/// forgotten and waited for what the other, who wanted to forget that too, had noted.
#[tokio::test]
async fn two_workers_that_note_silences_at_once_do_not_wait_for_each_other() {
    on_each_database(async |world| {
        let (archive, other) = (&world.archive, world.second_worker().await);
        for round in 1..40 {
            let from = round * 100;
            let over = [silence("a.example", from + 15), silence("b.example", from + 5)];
            archive.record_silences(&over, at(from)).await.unwrap();
            let again = [silence("a.example", from + 30)];
            let another = [silence("c.example", from + 40)];
            let (first, second) = tokio::join!(
                archive.record_silences(&again, at(from + 10)),
                other.record_silences(&another, at(from + 20)),
            );
            first.unwrap();
            second.unwrap();
            let kept = archive.silences(at(from + 25)).await.unwrap();
            let expected = [silence("c.example", from + 40), silence("a.example", from + 30)];
            assert_eq!(kept, expected);
        }
    })
    .await;
}
