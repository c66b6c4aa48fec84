//! What the navigation of every page counts.

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use crate::pages::frame::{NAV_COUNTS, NavCounts};
use crate::state::AppState;

/// Counts new alerts and failing sources for the navigation of pages.
pub(crate) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let accepts = request.headers().get(header::ACCEPT).and_then(|it| it.to_str().ok());
    if !accepts.unwrap_or_default().contains("text/html") {
        return next.run(request).await;
    }
    let (n_new_alerts, n_failing_sources) =
        tokio::join!(state.archive.n_new_alerts(), state.archive.n_failing_sources());
    // A page without the numbers is better than none.
    let counts = NavCounts {
        n_new_alerts: n_new_alerts.unwrap_or(0),
        n_failing_sources: n_failing_sources.unwrap_or(0),
    };
    NAV_COUNTS.scope(counts, next.run(request)).await
}
