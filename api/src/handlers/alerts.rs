//! `/v1/alerts` and `/v1/deliveries`: what fired, who handles it, and what did not arrive.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use index::archive::alerts::{AlertEdit, AlertFilter, AlertRecord, AlertState};
use index::archive::outbox::MessageRecord;
use index::matching::Reason;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::handlers::{etag, json_body, params::Params};
use crate::state::AppState;

/// A match of a saved search that is news.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertBody {
    /// Identity, stable.
    id: String,
    /// Id of the saved search, which may be deleted meanwhile.
    search: String,
    /// Its name when it fired.
    search_name: String,
    /// What made it fire: `article`, `story` or `statement`.
    unit: String,
    /// Id of the article.
    article: String,
    /// Id of its story when it fired.
    story: Option<String>,
    /// Headline of the article.
    title: String,
    /// Page of the article.
    url: String,
    /// Id of the source.
    source: String,
    /// Display name of the source.
    source_name: String,
    /// Date of the article: published, or else fetched.
    dated_at: DateTime<Utc>,
    /// The statement's sentence; empty for other units.
    sentence: String,
    /// Why it matched: condition, words, sentence.
    reasons: Vec<Reason>,
    /// When it fired.
    created_at: DateTime<Utc>,
    /// How far people are with it.
    state: AlertState,
    /// What somebody wrote about it.
    note: Option<String>,
    /// Who looks after it.
    assignee: Option<String>,
    /// When state, note or assignee changed last.
    changed_at: DateTime<Utc>,
}

impl From<AlertRecord> for AlertBody {
    fn from(it: AlertRecord) -> AlertBody {
        AlertBody {
            id: it.id,
            search: it.search.to_string(),
            search_name: it.search_name,
            unit: it.unit,
            article: it.article.to_string(),
            story: it.story.map(|it| it.to_string()),
            title: it.title,
            url: it.url,
            source: it.source.to_string(),
            source_name: it.source_name,
            dated_at: it.dated_at,
            sentence: it.sentence,
            reasons: it.reasons,
            created_at: it.created_at,
            state: it.state,
            note: it.note,
            assignee: it.assignee,
            changed_at: it.changed_at,
        }
    }
}

/// A page of alerts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct AlertsBody {
    /// Newest first.
    alerts: Vec<AlertBody>,
    /// Alerts in state `new`, of all saved searches.
    n_new: u64,
    /// Give it back as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

/// What to change; what is left out stays, an empty text takes it away.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    /// New state.
    state: Option<AlertState>,
    /// New note, at most 10 000 characters.
    note: Option<String>,
    /// Who looks after it, at most 200 characters.
    assignee: Option<String>,
}

/// Which alerts.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `filter` reads")]
pub(crate) struct AlertParams {
    /// In this state.
    state: Option<AlertState>,
    /// Of this saved search.
    search: Option<String>,
    /// Looked after by this person.
    assignee: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Alerts on a page, at most 200; 50 by default.
    limit: Option<usize>,
}

/// Alerts, newest first.
#[utoipa::path(
    get, path = "/v1/alerts", tag = "alerts", params(AlertParams),
    responses((status = OK, body = AlertsBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["state", "search", "assignee", "cursor", "limit"])?;
    let page =
        state.archive.alerts(&filter(&params)?, params.get("cursor"), params.limit()?).await?;
    let n_new = state.archive.n_new_alerts().await?;
    let alerts = page.items.into_iter().map(AlertBody::from).collect();
    etag::json(&headers, &AlertsBody { alerts, n_new, next_cursor: page.next })
}

/// One alert.
#[utoipa::path(
    get, path = "/v1/alerts/{id}", tag = "alerts",
    params(("id" = String, Path, description = "Its id")),
    responses((status = OK, body = AlertBody), (status = NOT_FOUND, body = ErrorBody))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = state.archive.alert(&id).await?.ok_or_else(|| unknown(&id))?;
    etag::json(&headers, &AlertBody::from(found))
}

/// Changes state, note or assignee of an alert.
#[utoipa::path(
    patch, path = "/v1/alerts/{id}", tag = "alerts", request_body = EditBody,
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = OK, body = AlertBody), (status = NOT_FOUND, body = ErrorBody),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody)
    )
)]
pub(crate) async fn edit(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<AlertBody>, ApiError> {
    let read: EditBody = serde_json::from_value(json_body::read(&headers, &body)?)
        .map_err(|error| json_body::invalid(error.to_string()))?;
    let edit = AlertEdit { state: read.state, note: read.note, assignee: read.assignee };
    let edited = state.archive.edit_alert(&id, &edit, (state.now)()).await?;
    Ok(Json(edited.ok_or_else(|| unknown(&id))?.into()))
}

/// Messages with alerts.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct DeliveriesBody {
    /// Those that were finished or planned last first.
    deliveries: Vec<MessageRecord>,
}

/// Which messages.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub(crate) struct DeliveryParams {
    /// `waiting`, `sent` or `dead`; `dead` by default.
    state: Option<String>,
    /// Messages at most, up to 200; 50 by default.
    limit: Option<usize>,
}

/// Messages on their way, sent, or given up.
#[utoipa::path(
    get, path = "/v1/deliveries", tag = "alerts", params(DeliveryParams),
    responses((status = OK, body = DeliveriesBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn deliveries(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["state", "limit"])?;
    let wanted = params.get("state").unwrap_or("dead");
    if !["waiting", "sent", "dead"].contains(&wanted) {
        return Err(ApiError::invalid_parameter("state", "neither waiting, sent nor dead"));
    }
    let deliveries = state.archive.messages(wanted, params.limit()?).await?;
    etag::json(&headers, &DeliveriesBody { deliveries })
}

/// Tries a message again that was given up.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/retry", tag = "alerts",
    params(("id" = String, Path, description = "Its id")),
    responses((status = NO_CONTENT), (status = NOT_FOUND, body = ErrorBody))
)]
pub(crate) async fn retry(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    if state.archive.retry_message(&id, (state.now)()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("there is no message with this id that was given up"))
}

/// Which alerts `params` ask for.
pub(crate) fn filter(params: &Params) -> Result<AlertFilter, ApiError> {
    Ok(AlertFilter {
        state: params.named("state")?,
        search: params.get("search").map(str::to_owned),
        assignee: params.get("assignee").map(str::to_owned),
    })
}

fn unknown(id: &str) -> ApiError {
    let id: String = id.chars().take(64).collect();
    ApiError::not_found(format!("there is no alert `{id}`"))
}
