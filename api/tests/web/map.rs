//! Where it happens.

use nlp::{Domain, Modality, StatementKind, Tense};

use crate::newsroom::{Draft, Newsroom, Said};
use crate::pages::Page;

const DENMARK: (&str, &str) = ("country:DK", "Denmark");
const COPENHAGEN: (&str, &str) = ("city:2618425", "Copenhagen");
const NOBODY: (&str, &str) = ("name:group:dune front", "Dune Front");

fn said<'a>(
    kind: StatementKind,
    actors: &'a [(&'a str, Option<(&'a str, &'a str)>)],
    targets: &'a [(&'a str, Option<(&'a str, &'a str)>)],
    sentence: &'a str,
) -> Said<'a> {
    Said {
        kind,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        tense: Tense::Future,
        sentence,
        trigger: "shell",
        actors,
        targets,
        sectors: &[],
        means: &[],
        speaker: None,
    }
}

async fn newsroom() -> Newsroom {
    const FIRST: &str = "The Dune Front will shell Denmark.";
    const SECOND: &str = "The Dune Front will shell Copenhagen, the paper wrote.";
    let threat = said(
        StatementKind::Threat,
        &[("Dune Front", Some(NOBODY))],
        &[("Denmark", Some(DENMARK))],
        FIRST,
    );
    let attack = said(
        StatementKind::Attack,
        &[("Dune Front", Some(NOBODY))],
        &[("Copenhagen", Some(COPENHAGEN))],
        SECOND,
    );
    let late = "They will shell Denmark, said the Dune Front.";
    let again = said(StatementKind::Warning, &[], &[("Denmark", Some(DENMARK))], late);
    Newsroom::with(vec![
        Draft::new(
            "meridian",
            "one",
            30,
            "The front and the capital",
            &format!("{FIRST}\n{SECOND}"),
        )
        .says(&threat)
        .says(&attack),
        Draft::new("meridian", "two", 40 * 24, "Long ago", late).says(&again),
    ])
    .await
}

async fn page(newsroom: &Newsroom, path: &str) -> Page {
    let answer = newsroom.browse(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    Page::of(&answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_stand_where_they_are() {
    let newsroom = newsroom().await;
    let map = page(&newsroom, "/map").await;
    assert_eq!(map.texts("table.places tbody td:first-child"), ["Copenhagen", "Denmark"]);
    assert_eq!(
        map.texts(".deck"),
        ["2 statements of the last 30 days; 2 name a target whose place is known"]
    );
    let [x, y] = ["cx", "cy"].map(|it| {
        let all = map.attributes("svg.map circle", it);
        all.iter().map(|it| it.parse::<f64>().expect("a number")).collect::<Vec<_>>()
    });
    assert_eq!(x.len(), 2);
    // Copenhagen lies north of the middle of the map, a little east of Greenwich; Denmark about it.
    assert!(500.0 < x[0] && x[0] < 540.0 && 30.0 < y[0] && y[0] < 100.0, "{x:?} {y:?}");
    assert!((x[0] - x[1]).abs() < 10.0 && (y[0] - y[1]).abs() < 5.0, "{x:?} {y:?}");
    assert_eq!(map.attributes("svg.map circle", "class"), ["past", "ahead"]);
    let outline = map.attributes("svg.map use", "href").remove(0);
    let file = newsroom.get(outline.split('#').next().unwrap_or_default()).await;
    assert!(file.body.contains("id=\"land\"") && file.header("content-type").contains("svg"));
}

#[tokio::test(flavor = "multi_thread")]
async fn days_tense_and_side_can_be_chosen() {
    let newsroom = newsroom().await;
    let year = page(&newsroom, "/map?days=365&ahead=1").await;
    assert_eq!(
        year.texts("table.places tbody tr td:nth-child(-n+3)"),
        ["Denmark", "2 statements", "2"]
    );
    let on = year.texts(".chip.on");
    assert_eq!(on, ["who is hit", "365 days", "threats and warnings"]);
    let actors = page(&newsroom, "/map?show=actors").await;
    assert_eq!(
        actors.texts(".note"),
        ["Nothing can be placed here. Choose more days, or all statements."]
    );
    for (path, said) in [("/map?days=5", "days"), ("/map?show=x", "show"), ("/map?zoom=3", "zoom")]
    {
        let answer = newsroom.browse(path).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    }
}
