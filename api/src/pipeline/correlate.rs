//! Correlate stage: puts annotated articles into stories and commits all that was found.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use index::StoredArticle;
use index::archive::annotations::CorrelatedArticle;
use index::archive::corrections::CorrectionRecord;
use ingest::ArticleId;
use nlp::correction::{Correction, apply};
use nlp::story::{Placed, StoryInput};
use tokio::sync::mpsc;
use tracing::info;

use super::aliases::StoryNames;
use super::annotate::AnnotatedArticle;
use super::matching::{SavedSearches, is_backfilled, stored};
use super::stories::Stories;
use super::{Shared, add};
use crate::state::{Event, EventKind};

/// Correlates until annotation ends.
pub(super) async fn run(
    shared: Arc<Shared>,
    annotated: mpsc::Receiver<Vec<AnnotatedArticle>>,
) -> anyhow::Result<()> {
    let outcome = correlate_all(&shared, annotated).await;
    shared.correlate_done.cancel();
    outcome
}

async fn correlate_all(
    shared: &Shared,
    mut annotated: mpsc::Receiver<Vec<AnnotatedArticle>>,
) -> anyhow::Result<()> {
    let window = TimeDelta::days(shared.config.settings.stories.window_days.into());
    let mut stories = Stories::restore(&shared.archive, window, (shared.now)()).await?;
    let mut searches = SavedSearches::new();
    finish_corrections(shared).await?;
    while let Some(mut batch) = annotated.recv().await {
        let started = Instant::now();
        let corrections = correct(shared, &mut batch).await?;
        stories.follow_moves(&shared.archive, (shared.now)()).await?;
        let mut events = Vec::new();
        searches.refresh(&shared.archive).await?;
        let ids: Vec<ArticleId> = batch.iter().map(|it| it.article.id).collect();
        // By how each came, whoever annotates it: a run may end what another one began.
        let imported = shared.archive.imported(&ids).await?;
        let (mut correlated, mut matches) = (Vec::with_capacity(batch.len()), Vec::new());
        let mut placed = Vec::with_capacity(batch.len());
        for it in batch {
            let place = stories.place(&shared.archive, &input(&it), (shared.now)()).await?;
            placed.push((it, place));
        }
        // A short name means what the other articles of its story call in full.
        let names = StoryNames::read(&shared.archive, &placed, &corrections).await?;
        for (it, place) in placed {
            let article = it.article.clone();
            let item = correlated_of(it, place, &mut events);
            let days = shared.config.settings.alerts.backfill_after_days;
            let (published, fetched) = (article.published_at, article.fetched_at);
            let is_old = imported.contains(&article.id) || is_backfilled(published, fetched, days);
            let countries = shared.archive.countries();
            let own = stored(article, &item, &shared.roster, countries);
            let now = (shared.now)();
            let archive = &shared.archive;
            let found = match names.united(&item.story, &item.annotation) {
                None => searches.matches(archive, &own, is_old, now).await?,
                Some(united) => {
                    let mut shown = StoredArticle { annotation: Some(united), ..own.clone() };
                    countries.fill(&mut shown);
                    let mut found = searches.matches(archive, &shown, is_old, now).await?;
                    searches.add_matches_of(archive, &own, is_old, now, &mut found).await?;
                    found
                }
            };
            matches.extend(found);
            correlated.push(item);
        }
        let now = (shared.now)();
        let recorded =
            shared.archive.record_annotations_and_alerts(&correlated, &matches, now).await;
        let recorded = recorded.context("annotations could not be recorded")?;
        announce_alerts(shared, recorded.alerts, now);
        for event in events {
            // Nobody listening is no failure.
            let _ = shared.events.send(event);
        }
        correct_again(shared, &corrections).await?;
        let n_recorded = recorded.n_articles;
        let n_statements: usize = correlated.iter().map(n_statements).sum();
        add(&shared.counts.n_annotated, n_recorded as u64);
        add(&shared.counts.n_statements, n_statements as u64);
        metrics::counter!("harbinger_annotated_articles_total").increment(n_recorded as u64);
        metrics::counter!("harbinger_statements_total").increment(n_statements as u64);
        let duration = started.elapsed();
        metrics::histogram!("harbinger_correlate_batch_seconds").record(duration.as_secs_f64());
        shared.n_unannotated.fetch_sub(correlated.len() as i64, Ordering::Relaxed);
        info!(
            articles.n = n_recorded,
            duration_ms = duration.as_millis() as u64,
            "correlated {n_recorded} articles",
        );
        shared.annotations_added.notify_one();
    }
    Ok(())
}

fn announce_alerts(shared: &Shared, alerts: Vec<String>, now: DateTime<Utc>) {
    if alerts.is_empty() {
        return;
    }
    info!(alerts.n = alerts.len(), "raised {} alerts", alerts.len());
    metrics::counter!("harbinger_alerts_total").increment(alerts.len() as u64);
    for id in alerts {
        let _ = shared.events.send(Event { kind: EventKind::Alert, id, at: now });
    }
    shared.alerts_added.notify_one();
}

/// Applies the corrections that the last run did not get through.
async fn finish_corrections(shared: &Shared) -> anyhow::Result<()> {
    let corrections = shared.archive.corrections().await?;
    for it in corrections.iter().filter(|it| it.applied_at.is_none()) {
        shared.archive.correct_articles(&it.id, &it.correction, (shared.now)()).await?;
    }
    Ok(())
}

/// Applies what readers corrected before to articles that the models have just read; answers the
/// corrections.
async fn correct(
    shared: &Shared,
    batch: &mut [AnnotatedArticle],
) -> anyhow::Result<Vec<CorrectionRecord>> {
    let corrections = shared.archive.corrections().await?;
    let all: Vec<Correction> = corrections.iter().map(|it| it.correction.clone()).collect();
    let mut changed = Vec::new();
    for it in &corrections {
        for AnnotatedArticle { article, annotated } in batch.iter_mut() {
            let annotation = &mut annotated.annotation;
            let correction = it.correction.placed(annotation, &article.title, &article.text);
            if apply(annotation, &correction, &all) {
                changed.push((it.id.clone(), article.id));
            }
        }
    }
    shared.archive.note_corrected(&changed).await?;
    Ok(corrections)
}

/// Applies what readers corrected while a batch was on its way into the archive: such a correction
/// found it neither there nor here. `applied` are those that the batch knew.
async fn correct_again(shared: &Shared, applied: &[CorrectionRecord]) -> anyhow::Result<()> {
    let corrections = shared.archive.corrections().await?;
    let applied: HashSet<&str> = applied.iter().map(|it| it.id.as_str()).collect();
    for it in corrections.iter().filter(|it| !applied.contains(it.id.as_str())) {
        shared.archive.correct_articles(&it.id, &it.correction, (shared.now)()).await?;
    }
    Ok(())
}

/// What the article says about its event.
fn input(it: &AnnotatedArticle) -> StoryInput {
    let article = &it.article;
    let at = Some(article.published_at.unwrap_or(article.fetched_at));
    StoryInput { at, ..StoryInput::of(&super::annotate::document(article), &it.annotated) }
}

fn correlated_of(
    it: AnnotatedArticle,
    placed: Placed,
    events: &mut Vec<Event>,
) -> CorrelatedArticle {
    let AnnotatedArticle { article, annotated } = it;
    let id = article.id.to_string();
    let story = placed.story;
    let mut announce = |kind, id: String| events.push(Event { kind, id, at: article.fetched_at });
    if story.as_str() == id {
        announce(EventKind::Story, id.clone());
    }
    let title = annotated.annotation.title.as_ref();
    if !annotated.annotation.statements.is_empty()
        || title.is_some_and(|it| !it.statements.is_empty())
    {
        announce(EventKind::Statement, id);
    }
    CorrelatedArticle {
        article: article.id,
        annotation: annotated.annotation,
        embedding: annotated.embedding,
        story,
        headline: placed.headline,
        // Which of the two is the original the archive sees by when they were published.
        copy_of: placed.copy_of.or(placed.leads).and_then(|it| it.parse().ok()),
        merged: placed.merged,
        split: placed.split,
    }
}

fn n_statements(article: &CorrelatedArticle) -> usize {
    let title = article.annotation.title.as_ref().map_or(0, |it| it.statements.len());
    article.annotation.statements.len() + title
}
