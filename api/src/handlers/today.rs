//! The page `/`: what is new.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use config::{SavedSearch, SectorId};
use index::archive::removed_articles::RemovedArticle;
use index::archive::statements::StatementFilter;
use index::archive::stories::StoryFilter;
use index::archive::told_before::ToldBefore;
use index::search::{SearchRequest, SearchResponse};
use index::{FilterField, Page, StatementRecord};
use ingest::ArticleId;
use nlp::story::StoryId;
use nlp::{Statement, StatementKind};

use crate::error::ApiError;
use crate::evidence::Evidence;
use crate::handlers::params::Params;
use crate::handlers::{headlines, search};
use crate::pages::{frame, sources, today};
use crate::state::AppState;
use crate::undo;

/// Statements read for the page.
const N_STATEMENTS: usize = 400;
/// Stories shown when nobody threatens anybody.
const N_STORIES: usize = 12;
/// Saved searches that are looked through.
const N_SEARCHES: usize = 500;
/// More than the taxonomy has.
const N_SECTORS: usize = 200;

/// Shows the statements of the last day, new ones first, or the latest ones when there are none.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let now = (state.now)();
    let mut read = newest(&state, Some(now - today::WINDOW)).await?;
    let is_recent = !read.items.is_empty();
    if !is_recent {
        read = newest(&state, None).await?;
    }
    let headlines = headlines::of(&state, read.items.iter()).await?;
    let stories = if read.items.is_empty() {
        state.archive.stories(&StoryFilter::default(), None, N_STORIES).await?.items
    } else {
        Vec::new()
    };
    let mut told = match is_recent {
        true => told_before(&state, &read.items, now - today::WINDOW).await?,
        false => BTreeMap::new(),
    };
    let evidence = |it: StatementRecord| Evidence {
        told_before: told.remove(&it.id),
        ..headlines.evidence(it)
    };
    frame::render(&today::page(today::Input {
        evidence: read.items.into_iter().map(evidence).collect(),
        is_recent,
        is_cut: read.next.is_some() && is_recent,
        partial: partial(&state).await?,
        stories,
        trend: if is_recent { trend(&state).await.ok() } else { None },
        choice: today::Choice::of(&params, &state.sectors),
        deleted: deleted(&state, &params).await?,
        watched: watched(&state).await?,
        sectors: &state.sectors,
        now,
    }))
}

/// The article that was deleted just now, as the address of the page says.
async fn deleted(state: &AppState, params: &Params) -> Result<Option<RemovedArticle>, ApiError> {
    let Some(id) = params.get("deleted").and_then(|it| it.parse::<ArticleId>().ok()) else {
        return Ok(None);
    };
    Ok(state.archive.removed_article(&id, undo::since((state.now)())).await?)
}

/// How many sources failed at their last poll, in words; `None` when none did.
async fn partial(state: &AppState) -> Result<Option<String>, ApiError> {
    let n_failing = state.archive.n_failing_sources().await?;
    if n_failing == 0 {
        return Ok(None);
    }
    Ok(sources::partial(n_failing, state.archive.n_polled_sources().await?))
}

/// The latest statements; on a day of many, threats and warnings are not pushed out by the rest.
async fn newest(
    state: &AppState,
    from: Option<DateTime<Utc>>,
) -> Result<Page<StatementRecord>, ApiError> {
    let any = StatementFilter { from, ..StatementFilter::default() };
    let mut page = state.archive.statements(&any, None, N_STATEMENTS).await?;
    if page.next.is_none() {
        return Ok(page);
    }
    let mut known: BTreeSet<String> = page.items.iter().map(|it| it.id.clone()).collect();
    for kind in [StatementKind::Threat, StatementKind::Warning] {
        let of_kind = StatementFilter { kind: Some(kind), ..any.clone() };
        let more = state.archive.statements(&of_kind, None, N_STATEMENTS).await?.items;
        page.items.extend(more.into_iter().filter(|it| known.insert(it.id.clone())));
    }
    Ok(page)
}

/// Which of `statements` their stories had told before the time `before`, by their ids.
async fn told_before(
    state: &AppState,
    statements: &[StatementRecord],
    before: DateTime<Utc>,
) -> Result<BTreeMap<String, ToldBefore>, ApiError> {
    let in_story = || statements.iter().filter_map(|it| Some((it, it.story.as_ref()?)));
    let said: Vec<(&StoryId, &Statement)> =
        in_story().map(|(it, story)| (story, &it.statement)).collect();
    let told = state.archive.told_before(&said, before).await?;
    let told = in_story().zip(told).filter_map(|((it, _), told)| Some((it.id.clone(), told?)));
    Ok(told.collect())
}

/// Saved searches that are on, with the number of their new alerts, most first.
async fn watched(state: &AppState) -> Result<Vec<(SavedSearch, u64)>, ApiError> {
    let counts: BTreeMap<_, _> =
        state.archive.new_alerts_by_search(N_SEARCHES).await?.into_iter().collect();
    let searches = state.archive.saved_searches("", N_SEARCHES).await?;
    let mut watched: Vec<(SavedSearch, u64)> = searches
        .into_iter()
        .filter(|it| it.search.enabled)
        .map(|it| {
            let n_new = counts.get(&it.search.id).copied().unwrap_or_default();
            (it.search, n_new)
        })
        .collect();
    watched.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.name.cmp(&b.0.name)));
    Ok(watched)
}

/// Counts articles by sector. The page is worth showing without: any error hides the trend.
async fn trend(state: &AppState) -> Result<today::Trend, ApiError> {
    let day_ago = (state.now)() - today::WINDOW;
    let asked = |from, to| SearchRequest {
        from: Some(from),
        to,
        limit: 0,
        highlight: false,
        facet_limit: N_SECTORS,
        ..SearchRequest::default()
    };
    let counted = |mut it: SearchResponse| -> BTreeMap<SectorId, u64> {
        let facet = it.facets.remove(&FilterField::Sector).unwrap_or_default();
        facet.into_iter().map(|it| (SectorId::new(it.value), it.count)).collect()
    };
    let mut days = Vec::with_capacity(8);
    for n in (1..=7).rev() {
        let (from, to) = (day_ago - TimeDelta::days(n), day_ago - TimeDelta::days(n - 1));
        days.push(counted(search::run(state, asked(from, Some(to))).await?));
    }
    days.push(counted(search::run(state, asked(day_ago, None)).await?));
    Ok(today::Trend { days })
}
