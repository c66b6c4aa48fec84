//! Correlate stage: puts annotated articles into stories and commits all that was found.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use index::archive::annotations::CorrelatedArticle;
use ingest::ArticleId;
use nlp::correction::{Correction, apply};
use nlp::story::{StoryClusterer, StoryInput};
use tokio::sync::mpsc;
use tracing::info;

use super::annotate::AnnotatedArticle;
use super::matching::{SavedSearches, is_backfilled, stored};
use super::{Shared, add};
use crate::state::{Event, EventKind};

/// Articles read at once when the state is restored.
const N_RESTORED_PER_READ: usize = 1_000;

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
    // Taken first: a move in between is then followed a second time, which changes nothing.
    let mut last_move = shared.archive.last_story_move().await?;
    let mut stories = restore(shared).await?;
    let mut searches = SavedSearches::new();
    finish_corrections(shared).await?;
    while let Some(mut batch) = annotated.recv().await {
        let started = Instant::now();
        let applied = correct(shared, &mut batch).await?;
        follow_moves(shared, &mut stories, &mut last_move).await?;
        let mut events = Vec::new();
        searches.refresh(&shared.archive).await?;
        let ids: Vec<ArticleId> = batch.iter().map(|it| it.article.id).collect();
        // By how each came, whoever annotates it: a run may end what another one began.
        let imported = shared.archive.imported(&ids).await?;
        let (mut correlated, mut matches) = (Vec::with_capacity(batch.len()), Vec::new());
        for it in batch {
            let article = it.article.clone();
            let item = correlate(&mut stories, it, &mut events);
            let days = shared.config.settings.alerts.backfill_after_days;
            let (published, fetched) = (article.published_at, article.fetched_at);
            let is_old = imported.contains(&article.id) || is_backfilled(published, fetched, days);
            let stored = stored(article, &item, &shared.roster, shared.archive.countries());
            let now = (shared.now)();
            matches.extend(searches.matches(&shared.archive, &stored, is_old, now).await?);
            correlated.push(item);
        }
        let now = (shared.now)();
        let recorded =
            shared.archive.record_annotations_and_alerts(&correlated, &matches, now).await;
        let recorded = recorded.context("annotations could not be recorded")?;
        announce_alerts(shared, recorded.alerts, now);
        correct_again(shared, &applied).await?;
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
        for event in events {
            // Nobody listening is no failure.
            let _ = shared.events.send(event);
        }
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
/// ids of the corrections.
async fn correct(shared: &Shared, batch: &mut [AnnotatedArticle]) -> anyhow::Result<Vec<String>> {
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
    Ok(corrections.into_iter().map(|it| it.id).collect())
}

/// Applies what readers corrected while a batch was on its way into the archive: such a correction
/// found it neither there nor here. `applied` are those that the batch knew.
async fn correct_again(shared: &Shared, applied: &[String]) -> anyhow::Result<()> {
    let corrections = shared.archive.corrections().await?;
    for it in corrections.iter().filter(|it| !applied.contains(&it.id)) {
        shared.archive.correct_articles(&it.id, &it.correction, (shared.now)()).await?;
    }
    Ok(())
}

/// Moves articles as the archive did since move `last`: by analysts, by other workers, and where
/// the archive knew better than this stage.
async fn follow_moves(
    shared: &Shared,
    stories: &mut StoryClusterer,
    last: &mut i64,
) -> anyhow::Result<()> {
    loop {
        let moves = shared.archive.story_moves_after(*last, N_RESTORED_PER_READ).await;
        let moves = moves.context("changes of stories could not be read")?;
        for it in &moves {
            stories.move_article(&it.article.to_string(), &it.story, it.is_pinned);
            *last = it.seq;
        }
        if moves.len() < N_RESTORED_PER_READ {
            return Ok(());
        }
    }
}

/// The clusterer as it was, from the articles of its time window.
async fn restore(shared: &Shared) -> anyhow::Result<StoryClusterer> {
    let window = TimeDelta::days(shared.config.settings.stories.window_days.into());
    let mut stories = StoryClusterer::new(window);
    let since = (shared.now)() - window;
    let mut after = 0;
    loop {
        let read = shared.archive.recent_story_inputs(since, after, N_RESTORED_PER_READ).await;
        let inputs = read.context("stories could not be restored")?;
        let Some(last) = inputs.last() else { return Ok(stories) };
        after = last.arrival;
        for it in inputs {
            let (story, id) = (it.story.clone(), it.article.to_string());
            stories.restore(
                &StoryInput {
                    article: id.clone(),
                    title: it.title,
                    lead: it.lead,
                    embedding: it.embedding,
                    entities: it.entities,
                    at: Some(it.dated_at),
                    language: it.language,
                },
                story.clone(),
            );
            if it.is_pinned {
                stories.move_article(&id, &story, true);
            }
        }
    }
}

fn correlate(
    stories: &mut StoryClusterer,
    it: AnnotatedArticle,
    events: &mut Vec<Event>,
) -> CorrelatedArticle {
    let AnnotatedArticle { article, annotated } = it;
    let id = article.id.to_string();
    let document = super::annotate::document(&article);
    let mut input = StoryInput::of(&document, &annotated);
    input.at = Some(article.published_at.unwrap_or(article.fetched_at));
    let placed = stories.place(&input);
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
        copy_of: placed.copy_of.and_then(|it| it.parse().ok()),
        merged: placed.merged,
        split: placed.split,
    }
}

fn n_statements(article: &CorrelatedArticle) -> usize {
    let title = article.annotation.title.as_ref().map_or(0, |it| it.statements.len());
    article.annotation.statements.len() + title
}
