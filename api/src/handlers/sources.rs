//! The page `/sources`.

use axum::extract::State;
use axum::response::Response;

use crate::error::ApiError;
use crate::pages::{frame, sources};
use crate::state::AppState;

/// Shows the health of every source.
pub(crate) async fn page(State(state): State<AppState>) -> Result<Response, ApiError> {
    frame::render(&sources::page(sources::Input {
        states: state.archive.source_states().await?,
        config: &state.config,
        sectors: &state.sectors,
        now: (state.now)(),
    }))
}
