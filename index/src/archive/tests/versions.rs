use chrono::TimeDelta;
use ingest::article::sha256_hex;
use ingest::warc_writer::RecordPlace;
use ingest::{Article, Details, Entry};
use nlp::story::StoryId;

use super::world::{
    LEASE, TEXT, World, article, at, correlated, entry, id, on_each_database, threatening,
};
use crate::archive::versions::{N_VERSIONS_MAX, Reading, Reread};

/// Declares `wire`, stores its article 1 with a threat and reads it at minute 7.
async fn with_threat(world: &World) {
    world.declare(&["wire"]).await;
    world.store([1]).await;
    world.archive.record_annotations(&[threatening(1, 1)], at(7)).await.unwrap();
}

/// Article 1 as its page reads later.
fn edited(text: &str, minute: i64) -> Article {
    Article {
        text: text.to_owned(),
        fetched_at: at(minute),
        page_sha256: sha256_hex(text.as_bytes()),
        details: Details { section: Some("World".to_owned()), n_pages: 2, ..Details::default() },
        ..article("wire", 1)
    }
}

async fn read(world: &World, text: &str, minute: i64) -> Reread {
    let reading = Reading::Read(Box::new(edited(text, minute)));
    world.archive.record_reading(&id(1), &reading, at(minute)).await.unwrap()
}

async fn n_due(world: &World, minute: i64) -> usize {
    world.archive.claim_readings(10, at(minute), LEASE).await.unwrap().len()
}

#[tokio::test]
async fn pages_with_threats_are_due_after_an_hour_a_day_and_a_week() {
    on_each_database(async |world| {
        with_threat(world).await;
        world.store([2]).await;
        world.annotate(&[correlated(2, 2, &[])]).await;
        // Fetched at minute 6.
        assert_eq!(n_due(world, 65).await, 0);
        let due = world.archive.claim_readings(10, at(66), LEASE).await.unwrap();
        assert_eq!(due.len(), 1, "the one with a threat");
        assert_eq!((due[0].article.id, due[0].headline.as_str()), (id(1), "Headline 1"));
        assert_eq!(n_due(world, 67).await, 0, "in hand");
        assert_eq!(n_due(world, 69).await, 1, "the lease ran out");
        assert_eq!(read(world, TEXT, 70).await, Reread::Same);
        let day = 24 * 60;
        assert_eq!((n_due(world, day).await, n_due(world, day + 6).await), (0, 1));
        assert_eq!(read(world, TEXT, day + 7).await, Reread::Same);
        assert_eq!(n_due(world, 7 * day + 6).await, 1);
        assert_eq!(read(world, TEXT, 7 * day + 6).await, Reread::Same);
        assert_eq!(n_due(world, 100 * day).await, 0, "that was the last look");
        assert_eq!(world.archive.article_versions(&id(1)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn an_edited_page_is_a_new_version_of_the_same_article() {
    on_each_database(async |world| {
        with_threat(world).await;
        let story = StoryId::founded_by(&id(1).to_string());
        let text = TEXT.replace("would punish", "would warn");
        assert_eq!(read(world, &text, 66).await, Reread::Edited(2));
        let stored = world.archive.article(&id(1)).await.unwrap().unwrap();
        assert_eq!((stored.article.text.as_str(), stored.article.fetched_at), (&*text, at(6)));
        assert_eq!(stored.article.details, edited(&text, 66).details, "as the page is now");
        assert_eq!((stored.annotation, stored.story), (None, Some(story.clone())));
        assert!(world.archive.story(&story).await.unwrap().is_some(), "its address holds");

        let again = world.archive.claim_unannotated(9, at(67), LEASE).await.unwrap();
        assert_eq!(again.iter().map(|it| it.id).collect::<Vec<_>>(), [id(1)]);
        world.annotate(&[correlated(1, 1, &["country:ir"])]).await;
        let versions = world.archive.article_versions(&id(1)).await.unwrap();
        assert_eq!(versions.len(), 1);
        let old = &versions[0];
        assert_eq!((old.version, old.text.as_str(), old.read_at), (1, TEXT, at(6)));
        assert_eq!(old.annotation.as_ref().unwrap().statements.len(), 1);
        let changes = old.changes.as_ref().unwrap();
        assert_eq!(changes.len(), 1, "{changes:?}");
        let before = changes[0].before.as_ref().unwrap();
        assert_eq!(before.sentence, "Iran would punish Americans.");
        assert!(changes[0].after.is_none(), "the threat was taken out");

        let edits = world.archive.statement_edits(&story).await.unwrap();
        assert_eq!(edits.len(), 1);
        assert_eq!((edits[0].article, edits[0].version), (id(1), 2));
        assert_eq!((edits[0].noticed_at, &edits[0].changes), (at(66), changes));
        let record = world.archive.story(&story).await.unwrap().unwrap();
        assert_eq!((record.summary.n_articles, record.summary.n_statements), (1, 0));
        let state = world.archive.reading_state(&id(1)).await.unwrap().unwrap();
        assert_eq!((state.version, state.read_at), (2, at(66)));
    })
    .await;
}

#[tokio::test]
async fn an_edit_that_moves_an_article_leaves_no_trace_in_its_old_story() {
    on_each_database(async |world| {
        with_threat(world).await;
        world.store([2]).await;
        world.annotate(&[threatening(2, 2)]).await;
        read(world, "Something else happened in the port of Lindahl on Friday.", 66).await;
        world.annotate(&[correlated(1, 2, &[])]).await;
        let of = |n: u32| StoryId::founded_by(&id(n).to_string());
        assert!(world.archive.story(&of(1)).await.unwrap().is_none(), "nothing is left in it");
        let record = world.archive.story(&of(2)).await.unwrap().unwrap();
        assert_eq!((record.summary.n_articles, record.summary.n_statements), (2, 1));
    })
    .await;
}

#[tokio::test]
async fn pages_cut_off_failed_or_missing_change_no_text() {
    on_each_database(async |world| {
        with_threat(world).await;
        assert_eq!(read(world, "Ministers met.", 66).await, Reread::Cut);
        let archive = &world.archive;
        let failed = async |minute| {
            archive.record_reading(&id(1), &Reading::Failed, at(minute)).await.unwrap();
            archive.reading_state(&id(1)).await.unwrap().unwrap().due_at.unwrap()
        };
        assert_eq!(failed(1500).await, at(1560), "tried again in an hour");
        failed(1560).await;
        failed(1620).await;
        assert_eq!(failed(1680).await, at(6) + TimeDelta::days(7), "given up for this time");
        let gone = archive.record_reading(&id(1), &Reading::Gone, at(1700)).await.unwrap();
        assert_eq!(gone, Reread::Missed);
        let state = archive.reading_state(&id(1)).await.unwrap().unwrap();
        assert_eq!((state.gone_at, state.due_at, state.version), (Some(at(1700)), None, 1));
        assert_eq!(archive.article(&id(1)).await.unwrap().unwrap().article.text, TEXT);
        let unknown = archive.record_reading(&id(9), &Reading::Gone, at(1)).await.unwrap();
        assert_eq!(unknown, Reread::Missed);
    })
    .await;
}

#[tokio::test]
async fn a_changed_headline_in_the_feed_is_no_new_article_but_a_second_look() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        assert_eq!(world.poll("wire", &[entry("wire", 1)], 1).await, 1);
        world.claim(1, 1).await;
        world.archive.record_article(&article("wire", 1), Some(&id(1))).await.unwrap();
        world.annotate(&[correlated(1, 1, &[])]).await;
        assert_eq!(world.poll("wire", &[entry("wire", 1)], 30).await, 0);
        assert_eq!(n_due(world, 30).await, 0, "the headline is the same");
        let renamed = Entry { title: Some("Corrected headline".to_owned()), ..entry("wire", 1) };
        assert_eq!(world.poll("wire", std::slice::from_ref(&renamed), 60).await, 0);
        let due = world.archive.claim_readings(10, at(60), LEASE).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].headline, "Corrected headline");
        let new = Article { title: "Corrected headline".to_owned(), ..edited(TEXT, 61) };
        let reading = Reading::Read(Box::new(new));
        let reread = world.archive.record_reading(&id(1), &reading, at(61)).await.unwrap();
        assert_eq!(reread, Reread::Edited(2));
        assert_eq!(world.poll("wire", &[renamed], 90).await, 0);
        assert_eq!(n_due(world, 90).await, 1, "after a day or an hour, as any other");
        let again = Entry { title: Some("Third headline".to_owned()), ..entry("wire", 1) };
        world.archive.record_reading(&id(1), &Reading::Failed, at(91)).await.unwrap();
        world.poll("wire", &[again], 92).await;
        assert_eq!(n_due(world, 93).await, 0, "not so soon after the last look");
    })
    .await;
}

#[tokio::test]
async fn another_text_that_a_source_holds_itself_is_a_version_of_the_same_article() {
    on_each_database(async |world| {
        world.declare(&["wire", "portal"]).await;
        let archive = &world.archive;
        let holding = |text: &str| Entry { text: Some(text.to_owned()), ..entry("wire", 1) };
        assert_eq!(world.poll("wire", &[holding(TEXT)], 0).await, 1);
        let claimed = world.claim(1, 1).await.remove(0).entry;
        assert_eq!(claimed.text.as_deref(), Some(TEXT));
        archive.record_article(&article("wire", 1), Some(&id(1))).await.unwrap();
        world.poll("wire", &[holding(TEXT)], 20).await;
        let other = Entry { source: "portal".into(), ..holding("What another source says.") };
        world.poll("portal", &[other], 21).await;
        assert_eq!(n_due(world, 22).await, 0, "its own source says the same");

        let softer = TEXT.replace("would punish", "would warn");
        assert_eq!(world.poll("wire", &[holding(&softer)], 30).await, 0, "no new article");
        let due = archive.claim_readings(10, at(30), LEASE).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].text.as_deref(), Some(&*softer));
        let later = softer.replace("Friday", "Saturday");
        world.poll("wire", &[holding(&later)], 31).await;
        assert_eq!(n_due(world, 31).await, 0, "one change is in hand");
        assert_eq!(read(world, &softer, 31).await, Reread::Edited(2));
        world.poll("wire", &[holding(&later)], 32).await;
        let due = archive.claim_readings(10, at(32), LEASE).await.unwrap();
        assert_eq!(due[0].text.as_deref(), Some(&*later), "and the next came with the next poll");
        assert_eq!(read(world, &later, 32).await, Reread::Edited(3));
        world.poll("wire", &[holding(&later)], 33).await;
        assert_eq!(n_due(world, 33).await, 0);
        assert_eq!(archive.article_versions(&id(1)).await.unwrap().len(), 2);
        let due = archive.claim_readings(10, at(66), LEASE).await.unwrap();
        assert_eq!(due[0].text, None, "what was read waits no longer");
    })
    .await;
}

#[tokio::test]
async fn a_text_that_came_while_another_was_read_late_is_not_lost() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let archive = &world.archive;
        let holding = |text: &str| Entry { text: Some(text.to_owned()), ..entry("wire", 1) };
        world.poll("wire", &[holding(TEXT)], 0).await;
        world.claim(1, 1).await;
        archive.record_article(&article("wire", 1), Some(&id(1))).await.unwrap();
        let softer = TEXT.replace("would punish", "would warn");
        world.poll("wire", &[holding(&softer)], 30).await;
        assert_eq!(n_due(world, 30).await, 1);
        assert_eq!(n_due(world, 33).await, 1, "the lease ran out");
        assert_eq!(read(world, &softer, 33).await, Reread::Edited(2));
        let later = softer.replace("Friday", "Saturday");
        world.poll("wire", &[holding(&later)], 34).await;
        assert_eq!(read(world, &softer, 35).await, Reread::Same, "by who claimed it first");
        let due = archive.claim_readings(10, at(35), LEASE).await.unwrap();
        assert_eq!(due[0].text.as_deref(), Some(&*later));
        assert_eq!(read(world, &later, 36).await, Reread::Edited(3));
    })
    .await;
}

/// PostgreSQL found them waiting for each other; see the order in `record_reading`.
#[tokio::test]
async fn polls_and_second_looks_at_once_do_not_wait_for_each_other() {
    on_each_database(async |world| {
        world.declare(&["wire"]).await;
        let told = |n: i64| Entry {
            title: Some(format!("Headline of minute {n}")),
            text: Some(format!("{TEXT}\nThis was told at minute {n}.")),
            ..entry("wire", 1)
        };
        world.poll("wire", &[told(0)], 0).await;
        world.claim(1, 1).await;
        world.archive.record_article(&article("wire", 1), Some(&id(1))).await.unwrap();
        for n in 10..30 {
            let text = format!("{TEXT}\nThis was read at minute {n}.");
            let polled = [told(n)];
            tokio::join!(world.poll("wire", &polled, n), read(world, &text, n));
        }
    })
    .await;
}

#[tokio::test]
async fn a_page_that_changes_all_the_time_has_bounded_versions() {
    on_each_database(async |world| {
        with_threat(world).await;
        for n in 0..N_VERSIONS_MAX + 5 {
            let text = format!("{TEXT}\nThis page was read {n} times by people in the north.");
            read(world, &text, 70 + n).await;
        }
        let versions = world.archive.article_versions(&id(1)).await.unwrap();
        assert_eq!(versions.len() as i64, N_VERSIONS_MAX - 1);
        let state = world.archive.reading_state(&id(1)).await.unwrap().unwrap();
        assert_eq!(state.version as i64, N_VERSIONS_MAX);
    })
    .await;
}

#[tokio::test]
async fn evidence_is_found_by_article_and_hash() {
    on_each_database(async |world| {
        let place = RecordPlace { file: "a.warc.gz".to_owned(), offset: 700, n_bytes: 90 };
        let archive = &world.archive;
        archive.record_evidence(&id(1), "aa", &place, at(1)).await.unwrap();
        let other = RecordPlace { offset: 900, ..place.clone() };
        archive.record_evidence(&id(1), "aa", &other, at(2)).await.unwrap();
        assert_eq!(archive.evidence(&id(1), "aa").await.unwrap(), Some(place));
        assert_eq!(archive.evidence(&id(1), "bb").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn what_another_source_calls_an_article_leads_to_no_second_look() {
    on_each_database(async |world| {
        world.declare(&["wire", "portal"]).await;
        world.poll("wire", &[entry("wire", 1)], 1).await;
        world.claim(1, 1).await;
        world.archive.record_article(&article("wire", 1), Some(&id(1))).await.unwrap();
        world.annotate(&[correlated(1, 1, &[])]).await;
        let listed = Entry {
            source: "portal".into(),
            title: Some("You will not believe this headline".to_owned()),
            ..entry("wire", 1)
        };
        assert_eq!(world.poll("portal", &[listed], 60).await, 0);
        assert_eq!(n_due(world, 60).await, 0);
    })
    .await;
}
