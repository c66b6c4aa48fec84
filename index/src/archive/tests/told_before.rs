use chrono::NaiveDate;
use nlp::story::StoryId;
use nlp::{Phrase, Statement, StatementKind, StatementTime, Tense};

use super::world::{World, at, correlated, entity, id, on_each_database, threat, threatening};
use crate::archive::told_before::ToldBefore;

/// [`threat`] with these targets.
fn against(targets: &[&str]) -> Statement {
    let target = |id: &&str| Phrase { entity: Some(entity(id)), ..Phrase::default() };
    Statement { targets: targets.iter().map(target).collect(), ..threat() }
}

/// An attack that happened on this day of January.
fn attack(day: Option<u32>) -> Statement {
    let from = day.and_then(|it| NaiveDate::from_ymd_opt(2026, 1, it));
    let time = StatementTime { tense: Tense::Past, from, to: None };
    Statement { kind: StatementKind::Attack, time, ..threat() }
}

fn story(founder: u32) -> StoryId {
    StoryId::founded_by(&id(founder).to_string())
}

/// Story 1 tells of two threats (1, 2) and an attack (4), story 3 of one threat.
async fn tell(world: &World) {
    world.declare(&["wire"]).await;
    world.store(1..5).await;
    let mut second = threatening(2, 1);
    second.annotation.statements = vec![against(&["country:il"])];
    let mut fourth = correlated(4, 1, &[]);
    fourth.annotation.statements = vec![attack(None)];
    world.annotate(&[threatening(1, 1), second, threatening(3, 3), fourth]).await;
}

#[tokio::test]
async fn what_a_story_told_before_is_no_news_there_and_all_else_is() {
    on_each_database(async |world| {
        tell(world).await;
        let check = async |founder: u32, said: Statement, before: i64, expected: Option<u32>| {
            let told = world.archive.told_before(&[(&story(founder), &said)], at(before)).await;
            let told = told.unwrap().remove(0).map(|it| it.article);
            assert_eq!(told, expected.map(id), "{founder} {before} {said:?}");
        };
        check(1, threat(), 99, Some(1)).await;
        check(1, threat(), 1, None).await;
        check(3, threat(), 99, Some(3)).await;
        check(2, threat(), 99, None).await;
        check(1, Statement { kind: StatementKind::Warning, ..threat() }, 99, Some(1)).await;
        check(1, against(&["country:il"]), 99, Some(2)).await;
        check(3, against(&["country:il"]), 99, None).await;
        check(1, against(&["country:us", "country:il"]), 99, Some(2)).await;
        check(1, against(&["country:us", "country:fr"]), 99, None).await;
        check(1, attack(None), 99, Some(4)).await;
        check(1, attack(Some(1)), 99, Some(4)).await;
        check(1, attack(Some(2)), 99, None).await;
        check(3, attack(None), 99, None).await;
    })
    .await;
}

#[tokio::test]
async fn many_statements_are_looked_up_at_once_and_answered_in_their_order() {
    on_each_database(async |world| {
        tell(world).await;
        let (one, three) = (story(1), story(3));
        let (known, new) = (threat(), against(&["country:fr"]));
        let said = [(&three, &new), (&one, &known), (&three, &known)];
        let told = world.archive.told_before(&said, at(99)).await.unwrap();
        let of = |n: u32| ToldBefore {
            article: id(n),
            source: "wire".into(),
            source_name: "The wire".to_owned(),
            dated_at: at(n.into()),
        };
        assert_eq!(told, [None, Some(of(1)), Some(of(3))]);
        assert_eq!(world.archive.told_before(&[], at(99)).await.unwrap(), []);
    })
    .await;
}
