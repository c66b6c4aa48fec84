//! What analysts decide about stories.

use axum::body::Body;
use axum::http::Request;
use index::archive::annotations::CorrelatedArticle;
use nlp::{Domain, Modality, StatementKind, Tense};
use serde_json::{Value, json};

use crate::newsroom::{Answer, Draft, FRONT, Newsroom, Said, id_of, now};
use crate::pages::Page;

async fn post(newsroom: &Newsroom, path: &str, body: Value) -> Answer {
    let request = Request::post(path).header("content-type", "application/json");
    newsroom.ask(request.body(Body::from(body.to_string())).expect("a request")).await
}

async fn submit(newsroom: &Newsroom, path: &str, form: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    newsroom.ask(request.body(Body::from(body)).expect("a request")).await
}

fn n_articles(story: &Value) -> usize {
    story["articles"].as_array().map_or(0, Vec::len)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_story_is_found_under_both_addresses() {
    let newsroom = Newsroom::open().await;
    let (strait, grid) = (id_of("harbour-post", "strait"), id_of("meridian", "grid"));
    let n_before = n_articles(&newsroom.get(&format!("/v1/stories/{strait}")).await.json());
    let n_added = n_articles(&newsroom.get(&format!("/v1/stories/{grid}")).await.json());
    let body = json!({ "into": strait });
    let answer = post(&newsroom, &format!("/v1/stories/{grid}/merge"), body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json(), json!({ "story": strait, "n_articles": n_before + n_added }));
    let old = newsroom.get(&format!("/v1/stories/{grid}")).await;
    assert_eq!(
        (old.status.as_u16(), old.header("location")),
        (307, &*format!("/v1/stories/{strait}"))
    );
    let old = newsroom.browse(&format!("/stories/{grid}")).await;
    assert_eq!(
        (old.status.as_u16(), old.header("location")),
        (307, &*format!("/stories/{strait}"))
    );
    let merged = newsroom.get(&format!("/v1/stories/{strait}")).await.json();
    assert_eq!(n_articles(&merged), n_before + n_added);
    assert!(
        merged["articles"].as_array().is_some_and(|it| it.iter().all(|it| it["is_pinned"] == true))
    );
    // The old id still means the story where it is given.
    let again =
        post(&newsroom, &format!("/v1/stories/{grid}/merge"), json!({ "into": strait })).await;
    assert_eq!(again.status, 400, "{}", again.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn marked_articles_are_split_off_and_moved_back_by_the_form() {
    let newsroom = Newsroom::open().await;
    let strait = id_of("harbour-post", "strait");
    let path = format!("/stories/{strait}");
    let page = Page::of(&newsroom.browse(&path).await.body);
    let ids = page.attributes(".fix input[name=article]", "value");
    assert_eq!(ids.len(), 4);
    let form = [("action", "split"), ("article", &*ids[1]), ("article", &*ids[2])];
    let answer = submit(&newsroom, &path, &form).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let new = answer.header("location").to_owned();
    assert_ne!(new, path);
    let page = Page::of(&newsroom.browse(&new).await.body);
    assert_eq!(page.attributes(".fix input[name=article]", "value").len(), 2);
    let to = format!("http://localhost/stories/{strait}");
    let form = [("action", "move"), ("article", &*ids[1]), ("to", &*to)];
    let answer = submit(&newsroom, &new, &form).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, &*path));
    let story = newsroom.get(&format!("/v1{path}")).await.json();
    assert_eq!(n_articles(&story), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_cannot_be_say_why() {
    let newsroom = Newsroom::open().await;
    let strait = id_of("harbour-post", "strait");
    let story = format!("/v1/stories/{strait}");
    let cases = [
        (format!("{story}/merge"), json!({ "into": "nothing" }), 400, "into"),
        (format!("{story}/merge"), json!({ "into": "../x" }), 400, "into"),
        (format!("{story}/merge"), json!({ "onto": strait }), 400, "body"),
        (format!("{story}/split"), json!({ "articles": [] }), 400, "articles"),
        (format!("{story}/split"), json!({ "articles": ["x"] }), 400, "articles"),
        (
            format!("{story}/split"),
            json!({ "articles": [id_of("meridian", "grid")] }),
            400,
            "articles",
        ),
        (format!("{story}/pin"), json!({ "articles": vec!["x"; 501] }), 400, "articles"),
        ("/v1/stories/none/pin".to_owned(), json!({ "articles": [strait] }), 404, "story"),
    ];
    for (path, body, status, said) in cases {
        let answer = post(&newsroom, &path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    }
    let answer = submit(&newsroom, &format!("/stories/{strait}"), &[("action", "burn")]).await;
    assert_eq!(answer.status, 400);
    assert_eq!(n_articles(&newsroom.get(&story).await.json()), 4, "nothing changed");
}

const STRAIT: (&str, &str) = ("name:location:kestrel strait", "Kestrel Strait");

/// Report `n` of one threat by an outlet of its own; the lower, the older. Some name only one of
/// the two parties.
fn report(n: i64) -> Draft {
    let (who, whom) = match n % 3 {
        0 => ("The Northern Front", "tankers in the Kestrel Strait"),
        1 => ("The Northern Front", "ships"),
        _ => ("Gunmen", "tankers in the Kestrel Strait"),
    };
    let text = format!("{who} would sink {whom}, outlet {n} learned.");
    let draft = Draft::new(&format!("outlet-{n}"), "threat", 50 - n, &format!("Threat {n}"), &text);
    draft.in_story("outlet-0", "threat").says(&Said {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        tense: Tense::Future,
        sentence: &text,
        trigger: "would sink",
        actors: if n % 3 == 2 { &[("Gunmen", None)] } else { &[("Northern Front", Some(FRONT))] },
        targets: match n % 3 {
            1 => &[("ships", None)],
            _ => &[("tankers", None), ("Kestrel Strait", Some(STRAIT))],
        },
        sectors: &["/transport/maritime"],
        means: &[],
        speaker: None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threat_that_forty_outlets_report_is_one_statement_with_forty_sources() {
    let newsroom = Newsroom::with((0..40).map(report).collect()).await;
    let (first, last) = (report(0), report(39));
    // Lightly edited: no sentence is the same.
    let copy = CorrelatedArticle { copy_of: Some(first.article.id), ..last.correlated() };
    newsroom.state.archive.record_annotations(&[copy], now()).await.expect("it is recorded");

    let path = format!("/stories/{}", id_of("outlet-0", "threat"));
    let story = newsroom.get(&format!("/v1{path}")).await.json();
    assert_eq!(story["statements"].as_array().map(Vec::len), Some(40));
    assert_eq!(story["first_reported"]["source"], "outlet-0");
    assert_eq!(story["first_reported"]["url"], "https://outlet-0.example/threat");
    assert_eq!(story["first_reported"]["at"], story["first_seen_at"]);
    let merged = story["merged_statements"].as_array().expect("merged statements");
    assert_eq!(merged.len(), 1, "{merged:#?}");
    assert_eq!(merged[0]["kind"], "threat");
    assert_eq!(merged[0]["actors"][0]["entity"]["id"], FRONT.0);
    assert_eq!(merged[0]["targets"][1]["entity"]["id"], STRAIT.0);
    assert_eq!(merged[0]["first_seen_at"], story["first_seen_at"]);
    assert_eq!((&merged[0]["n_sources"], &story["n_independent"]), (&json!(39), &json!(39)));
    let sources = merged[0]["sources"].as_array().expect("sources");
    assert_eq!(sources.len(), 40);
    assert_eq!(sources[7]["url"], "https://outlet-7.example/threat");
    let copies: Vec<&Value> = sources.iter().filter(|it| it["is_copy"] == true).collect();
    assert_eq!(copies, [&sources[39]]);

    let page = Page::of(&newsroom.browse(&path).await.body);
    assert!(page.texts(".deck")[0].contains("39 of them independent"), "{:?}", page.texts(".deck"));
    assert_eq!(page.texts(".st .right"), ["39 sources · 1 copy"]);
    assert_eq!(page.texts(".st summary"), ["39 more sentences that say so"]);
    assert_eq!(page.texts(".st details blockquote").len(), 39, "nobody is left out");

    // Elsewhere the first few are enough, but they are not said to be all.
    let entity = Page::of(&newsroom.browse(&format!("/entities/{}", FRONT.0)).await.body);
    let card = entity.texts(".st details").join(" ");
    assert!(card.contains("and 18 more on the page of the story"), "{card}");
}

/// A threat of a group of its own.
fn threat_by(n: i64) -> Draft {
    let (id, name) = (format!("group:g{n}"), format!("Group {n}"));
    let (id, name) = (id.as_str(), name.as_str());
    let text = format!("{name} would sink tankers in the Kestrel Strait.");
    let draft = Draft::new("meridian", &format!("by-{n}"), 100 - n, &format!("Threat {n}"), &text);
    draft.in_story("meridian", "by-0").says(&Said {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        tense: Tense::Future,
        sentence: &text,
        trigger: "would sink",
        actors: &[(name, Some((id, name)))],
        targets: &[("Kestrel Strait", Some(STRAIT))],
        sectors: &[],
        means: &[],
        speaker: None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_cut_say_how_many_there_are() {
    let newsroom = Newsroom::with((0..70).map(threat_by).collect()).await;
    let story = newsroom.browse(&format!("/stories/{}", id_of("meridian", "by-0"))).await;
    let page = Page::of(&story.body);
    assert_eq!(page.texts("#st-h"), ["What is said 70"]);
    assert_eq!(page.texts(".st").len(), 60);
    let notes = page.texts("p.soft.gap").join(" ");
    assert!(notes.contains("Those 60 of 70 statements that most sources report."), "{notes}");

    let path = format!("/entities/{}", STRAIT.0.replace(' ', "%20"));
    let page = Page::of(&newsroom.browse(&path).await.body);
    assert_eq!(page.texts("#as-target"), ["As target 70"]);
    let notes = page.texts("p.soft.gap").join(" ");
    assert!(notes.contains("The latest 30 of 70 statements."), "{notes}");
    let links = page.attributes("p.soft.gap a", "href");
    let link = links.iter().find(|it| it.starts_with("/search?target=")).expect("a link");
    assert_eq!(newsroom.browse(link).await.status, 200);
}
