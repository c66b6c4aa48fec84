//! Annotate stage: the thread that owns the model.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use ingest::Article;
use nlp::document::Document;
use nlp::{Annotated, Annotator};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tracing::info;

use super::{MakeAnnotator, Shared};

/// After this time articles that were claimed but not recorded may be claimed again.
const LEASE: Duration = Duration::from_secs(600);

/// An article on its way to correlation.
pub(super) struct AnnotatedArticle {
    pub(super) article: Article,
    pub(super) annotated: Annotated,
}

/// Annotates until the pipeline stops; in `Once` mode until crawling is done and nothing waits.
pub(super) fn run(
    shared: &Shared,
    make_annotator: MakeAnnotator,
    batches: &mpsc::Sender<Vec<AnnotatedArticle>>,
    runtime: Handle,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut annotator = make_annotator()?;
    info!(duration_ms = started.elapsed().as_millis() as u64, "the tagger is loaded");
    let n_max = shared.config.settings.nlp.n_articles_per_batch;
    while !shared.shutdown.is_cancelled() {
        let is_crawled = shared.crawl_done.is_cancelled();
        let now = (shared.now)();
        let claim = shared.archive.claim_unannotated(n_max, now, LEASE);
        let articles = runtime.block_on(claim)?;
        if articles.is_empty() {
            if is_crawled && !shared.goes_on_after(&shared.crawl_done) {
                break;
            }
            runtime.block_on(shared.idle(&shared.articles_added, &shared.crawl_done));
            continue;
        }
        let batch = annotate(&mut annotator, articles, now);
        if batches.blocking_send(batch).is_err() {
            break; // Correlation has ended; the leases run out and others take over.
        }
    }
    Ok(())
}

fn annotate(
    annotator: &mut Annotator,
    articles: Vec<Article>,
    now: chrono::DateTime<chrono::Utc>,
) -> Vec<AnnotatedArticle> {
    let started = Instant::now();
    let documents: Vec<Document> = articles.iter().map(document).collect();
    let annotated = annotator.annotate(&documents);
    let n_statements: usize = annotated.iter().map(|it| it.annotation.statements.len()).sum();
    let duration = started.elapsed();
    metrics::histogram!("harbinger_annotate_batch_seconds").record(duration.as_secs_f64());
    let oldest = articles.iter().map(|it| it.fetched_at).min().unwrap_or(now);
    info!(
        articles.n = articles.len(),
        statements.n = n_statements,
        waited_ms = (now - oldest).max(TimeDelta::zero()).num_milliseconds(),
        duration_ms = duration.as_millis() as u64,
        "annotated {} articles: {n_statements} statements",
        articles.len(),
    );
    let pairs = articles.into_iter().zip(annotated);
    pairs.map(|(article, annotated)| AnnotatedArticle { article, annotated }).collect()
}

/// An article as the NLP stage wants it.
pub(crate) fn document(article: &Article) -> Document {
    Document {
        id: article.id.to_string(),
        title: (!article.title.is_empty()).then(|| article.title.clone()),
        text: article.text.clone(),
        published_at: article.published_at,
        url: Some(article.url.to_string()),
        language: article.language.clone(),
    }
}
