//! The page `/stories`: the newest stories.

use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use index::archive::stories::StoryFilter;
use nlp::story::StoryId;

use crate::error::ApiError;
use crate::handlers::params::Params;
use crate::pages::{frame, stories};
use crate::state::AppState;

/// Stories on a page.
const N_STORIES: usize = 30;

/// Lists stories, last seen first, of a kind, a sector and a time.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let now = (state.now)();
    let choice = stories::Choice::of(
        params.get("kind"),
        params.get("sector"),
        params.get("days"),
        &state.sectors,
    );
    let filter = StoryFilter {
        from: choice.days.map(|it| now - TimeDelta::days(it.into())),
        kind: choice.kind,
        sector: choice.sector.clone(),
        ..StoryFilter::default()
    };
    let cursor = params.get("cursor");
    let listed = state.archive.stories(&filter, cursor, N_STORIES).await?;
    let ids: Vec<StoryId> = listed.items.iter().map(|it| it.id.clone()).collect();
    let glances = state.archive.story_glances(&ids, choice.kind).await?;
    frame::render(&stories::page(stories::Input {
        stories: listed.items,
        glances,
        next_cursor: listed.next,
        is_first: cursor.is_none(),
        choice,
        sectors: &state.sectors,
        now,
    }))
}
