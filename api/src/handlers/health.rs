//! Is it alive, is it ready, how does it do: `/livez`, `/readyz`, `/metrics`.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde::Serialize;

use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// What `/livez` and `/readyz` say when all is well.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; otherwise the answer is an error.
    #[schema(examples("ok"))]
    pub status: &'static str,
}

/// Any key will do: the question is whether there is an answer.
const PROBE: &str = "readyz";

const OK: Json<Health> = Json(Health { status: "ok" });

/// Answers as long as the process can answer at all.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = OK, body = Health)))]
pub(crate) async fn livez() -> Json<Health> {
    OK
}

/// Answers `ok` once the database and the search index can be asked.
#[utoipa::path(
    get, path = "/readyz", tag = "health",
    responses((status = OK, body = Health), (status = SERVICE_UNAVAILABLE, body = ErrorBody))
)]
pub(crate) async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, ApiError> {
    if !state.readiness.index() {
        return Err(ApiError::not_ready("the search index is still catching up"));
    }
    let asked = state.archive.meta_get(PROBE).await;
    asked.map_err(|error| ApiError::unready("the database does not answer", error))?;
    Ok(OK)
}

/// Counters, gauges and histograms of every stage in Prometheus's text format.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses((status = OK, body = String, content_type = "text/plain; version=0.0.4"))
)]
pub(crate) async fn metrics(State(state): State<AppState>) -> impl IntoResponse {
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.metrics.render())
}
