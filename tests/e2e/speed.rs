//! The first search result is painted within 300 ms.

use std::time::Duration;

use chrono::TimeDelta;
use config::SectorId;
use index::archive::annotations::CorrelatedArticle;
use ingest::Article;
use nlp::story::StoryId;
use nlp::{
    Annotation, Domain, EntityRef, Modality, Phrase, ScoredSector, Span, Statement, StatementKind,
    StatementTime, Tense,
};
use tests::pages::MadeUp;
use tests::{TestApp, eventually};

use crate::browser::Tools;

/// Articles in the archive; HARBINGER_SPEED_ARTICLES asks for another number.
const N_ARTICLES: u64 = 10_000;
/// What half of the searches must be within. A development build on a machine that does other
/// things is given three times the time.
const MS_MAX: u64 = if cfg!(debug_assertions) { 900 } else { 300 };
const N_SOURCES: u64 = 40;
const N_AT_ONCE: u64 = 500;

fn article(n: u64) -> Article {
    let source = format!("site{}", n % N_SOURCES);
    let at = tests::now() - TimeDelta::minutes(n as i64 * 7);
    MadeUp::article(n).archived(&format!("https://{source}.example/{n}"), &source, at)
}

/// Every third article threatens somebody.
fn annotated(n: u64, article: &Article) -> CorrelatedArticle {
    let named = |key: u64| Phrase {
        start: 0,
        end: 5,
        text: article.text.chars().take(5).collect(),
        entity: Some(EntityRef {
            id: format!("name:organization:entity {key}"),
            name: format!("Entity {key}"),
        }),
    };
    let sector = SectorId::new(["/energy", "/transport", "/finance"][n as usize / 3 % 3]);
    let threat = || Statement {
        kind: StatementKind::Threat,
        domain: Domain::Physical,
        modality: Modality::Asserted,
        time: StatementTime { tense: Tense::Future, from: None, to: None },
        sentence: Span { start: 0, end: 40 },
        trigger: Phrase::default(),
        actors: vec![named(n % 97)],
        targets: vec![named(n % 389 + 100)],
        sectors: vec![sector.clone()],
        means: Vec::new(),
        speaker: None,
        score: 0.8,
    };
    let is_hostile = n.is_multiple_of(3);
    CorrelatedArticle {
        article: article.id,
        annotation: Annotation {
            id: article.id.to_string(),
            language: Some("en".to_owned()),
            statements: if is_hostile { vec![threat()] } else { Vec::new() },
            sectors: is_hostile
                .then(|| ScoredSector { id: sector.clone(), score: 0.9 })
                .into_iter()
                .collect(),
            ..Annotation::default()
        },
        embedding: vec![0.125; 384],
        story: StoryId::founded_by(&article.id.to_string()),
        headline: None,
        copy_of: None,
        merged: Vec::new(),
        split: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_search_result_is_painted_within_300_ms() {
    let Some(tools) = Tools::find() else { return };
    let n_articles = std::env::var("HARBINGER_SPEED_ARTICLES").ok();
    let n_articles = n_articles.and_then(|it| it.parse().ok()).unwrap_or(N_ARTICLES);
    let app = TestApp::new();
    let archive = app.archive().await;
    for first in (0..n_articles).step_by(N_AT_ONCE as usize) {
        let numbers = first..(first + N_AT_ONCE).min(n_articles);
        let some: Vec<Article> = numbers.clone().map(article).collect();
        archive.record_articles(&some).await.expect("a writable archive");
        let read: Vec<_> = numbers.zip(&some).map(|(n, it)| annotated(n, it)).collect();
        archive.record_annotations(&read, tests::now()).await.expect("a writable archive");
    }
    archive.close().await;
    drop(archive);
    let served = app.serve().await;
    eventually("everything is searchable", Duration::from_secs(600), async || {
        let found = served.json("/v1/search", &[("limit", "1")]).await;
        (found["total"].as_u64() == Some(n_articles)).then_some(())
    })
    .await;
    let limit = MS_MAX.to_string();
    let env = [("HARBINGER_PAINTED_MS_MAX", limit.as_str())];
    let said = tools.run("speed.mjs", &served, &env, Duration::from_secs(600)).await;
    println!("{n_articles} articles: {}", said.trim());
}
