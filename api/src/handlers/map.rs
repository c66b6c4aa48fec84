//! The page `/map`: targets and actors by place.

use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use index::archive::statements::StatementFilter;

use crate::error::ApiError;
use crate::handlers::params::Params;
use crate::pages::map::{Choice, DAYS, Input, Side};
use crate::pages::{frame, map};
use crate::state::AppState;

/// Statements read for the page, the latest.
const N_STATEMENTS: usize = 5_000;
/// Statements read at once.
const N_PER_READ: usize = 1_000;
const DAYS_UNLESS_SAID: u32 = 30;

/// Places the statements of the last days.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["show", "days", "ahead"])?;
    let side = match params.get("show") {
        None | Some("targets") => Side::Targets,
        Some("actors") => Side::Actors,
        Some(_) => {
            return Err(ApiError::invalid_parameter("show", "neither `targets` nor `actors`"));
        }
    };
    let days = params.parsed("days")?.unwrap_or(DAYS_UNLESS_SAID);
    if !DAYS.contains(&days) {
        return Err(ApiError::invalid_parameter("days", "not one of 1, 7, 30 and 365"));
    }
    let choice = Choice { side, days, is_ahead_only: params.get("ahead") == Some("1") };
    let now = (state.now)();
    let from = Some(now - TimeDelta::days(days.into()));
    let filter = StatementFilter { from, ..StatementFilter::default() };
    let (mut statements, mut cursor) = (Vec::new(), None);
    loop {
        let read = state.archive.statements(&filter, cursor.as_deref(), N_PER_READ).await?;
        statements.extend(read.items);
        cursor = read.next;
        if cursor.is_none() || N_STATEMENTS <= statements.len() {
            break;
        }
    }
    let (is_cut, places) = (cursor.is_some(), &*state.places);
    frame::render(&map::page(&Input { statements: &statements, is_cut, choice, places, now }))
}
