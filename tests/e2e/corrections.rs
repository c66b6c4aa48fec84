//! What a reader put right holds for articles that come later, and after a crash.

use index::Archive;
use nlp::EntityRef;
use nlp::correction::Correction;
use tests::TestApp;

fn another_name() -> Correction {
    let to = EntityRef { id: "name:location:daneland".into(), name: "Daneland".into() };
    Correction::SameAs { entity: "country:DK".into(), to }
}

async fn n_articles(archive: &Archive, entity: &str) -> u64 {
    archive.entity(entity).await.expect("an answer").map_or(0, |it| it.n_articles)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_holds_for_articles_that_come_later() {
    let app = TestApp::new().with_sample_wire();
    let archive = app.archive().await;
    let kept = archive.add_correction(&another_name(), "ana", None, tests::now()).await;
    assert!(kept.expect("an answer").is_some());
    archive.close().await;
    drop(archive);
    assert_eq!(app.run_once().await.code, Some(0));

    let archive = app.archive().await;
    assert_eq!(n_articles(&archive, "country:DK").await, 0);
    let n_corrected = n_articles(&archive, "name:location:daneland").await;
    assert!(3 < n_corrected, "{n_corrected} articles of the sample wire name Denmark");
    let listed = archive.corrections().await.expect("corrections");
    assert_eq!(listed[0].n_articles, n_corrected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_that_a_crash_cut_off_is_finished_at_the_next_start() {
    let app = TestApp::new().with_sample_wire();
    assert_eq!(app.run_once().await.code, Some(0));
    let archive = app.archive().await;
    let n_before = n_articles(&archive, "country:DK").await;
    assert!(3 < n_before, "{n_before} articles of the sample wire name Denmark");
    // Kept, and killed before the first article was corrected.
    archive.add_correction(&another_name(), "ana", None, tests::now()).await.expect("kept");
    archive.close().await;
    drop(archive);
    assert_eq!(app.run_once().await.code, Some(0));
    let archive = app.archive().await;
    assert_eq!(n_articles(&archive, "country:DK").await, 0);
    assert_eq!(n_articles(&archive, "name:location:daneland").await, n_before);
}
