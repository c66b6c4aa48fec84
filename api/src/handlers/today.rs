//! The page `/`: what is new.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use config::SectorId;
use index::archive::statements::StatementFilter;
use index::archive::stories::StoryFilter;
use index::search::{SearchRequest, SearchResponse};
use index::{FilterField, StatementRecord};

use crate::error::ApiError;
use crate::handlers::params::Params;
use crate::handlers::{headlines, search};
use crate::pages::{frame, today};
use crate::state::AppState;

/// Statements read for the page.
const N_STATEMENTS: usize = 400;
/// Stories shown when nobody threatens anybody.
const N_STORIES: usize = 12;
/// More than the taxonomy has.
const N_SECTORS: usize = 200;

/// Shows the statements of the last day, or the latest ones when there are none.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let now = (state.now)();
    let recent = StatementFilter { from: Some(now - today::WINDOW), ..StatementFilter::default() };
    let mut page = state.archive.statements(&recent, None, N_STATEMENTS).await?;
    let is_recent = !page.items.is_empty();
    if !is_recent {
        page = state.archive.statements(&StatementFilter::default(), None, N_STATEMENTS).await?;
    }
    let headlines = headlines::of(&state, page.items.iter()).await?;
    let stories = if page.items.is_empty() {
        state.archive.stories(&StoryFilter::default(), None, N_STORIES).await?.items
    } else {
        Vec::new()
    };
    let evidence = |it: StatementRecord| headlines.evidence(it);
    frame::render(&today::page(today::Input {
        evidence: page.items.into_iter().map(evidence).collect(),
        is_recent,
        is_cut: page.next.is_some() && is_recent,
        stories,
        trend: if is_recent { trend(&state).await.ok() } else { None },
        choice: today::Choice::of(params.all("kind"), params.all("domain")),
        sectors: &state.sectors,
        now,
    }))
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
