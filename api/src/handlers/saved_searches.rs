//! `/v1/saved-searches`: what is asked of every new article, and what it would have brought.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use config::{SavedSearch, SearchId};
use index::archive::searches::{Expect, Saved, SearchRecord};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::access::subject;
use crate::backtest::{Backtest, DAYS_DEFAULT, DAYS_MAX, backtest};
use crate::command::check_query;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::json_body::{self, conflict};
use crate::handlers::progress::{self, Progress};
use crate::handlers::{etag, params::Params};
use crate::state::AppState;

/// A page of saved searches.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SavedSearchesBody {
    /// By id; each with the keys of `searches.toml` (docs/configuration.md), `origin`,
    /// `created_at`, `updated_at` and `feed`.
    #[schema(value_type = Vec<Object>)]
    saved_searches: Vec<Value>,
    /// Give it back as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

/// Which saved searches.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub(crate) struct ListParams {
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Saved searches on a page, at most 200; 50 by default.
    limit: Option<usize>,
}

/// How far to look back.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what the handler reads")]
pub(crate) struct BacktestParams {
    /// Days, `1..=3650`; 90 by default.
    days: Option<u32>,
}

/// Saved searches, by id.
#[utoipa::path(
    get, path = "/v1/saved-searches", tag = "saved searches", params(ListParams),
    responses((status = OK, body = SavedSearchesBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["cursor", "limit"])?;
    let limit = params.limit()?;
    let after = params.get("cursor").unwrap_or_default();
    let records = state.archive.saved_searches(after, limit).await?;
    let last = records.last().filter(|_| records.len() == limit);
    let next_cursor = last.map(|it| it.search.id.to_string());
    let saved_searches = records.iter().map(body_of).collect();
    etag::json(&headers, &SavedSearchesBody { saved_searches, next_cursor })
}

/// One saved search.
#[utoipa::path(
    get, path = "/v1/saved-searches/{id}", tag = "saved searches",
    params(("id" = String, Path, description = "Its id")),
    responses((status = OK, body = Object), (status = NOT_FOUND, body = ErrorBody))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    etag::json(&headers, &body_of(&known(&state, &id).await?))
}

/// Saves a new search; new articles are held against it at once.
#[utoipa::path(
    post, path = "/v1/saved-searches", tag = "saved searches", request_body = Object,
    responses(
        (status = CREATED, body = Object), (status = CONFLICT, body = ErrorBody),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody, description = "every mistake at once")
    )
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let search = read(&state, &json_body::read(&headers, &body)?)?;
    subject::note(search.id.as_str());
    save(&state, &search, Expect::New).await?;
    let saved = body_of(&known(&state, search.id.as_str()).await?);
    Ok((StatusCode::CREATED, Json(saved)).into_response())
}

/// Puts a search in place of the one with this id.
#[utoipa::path(
    put, path = "/v1/saved-searches/{id}", tag = "saved searches", request_body = Object,
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = OK, body = Object), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "it is declared in searches.toml"),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody, description = "every mistake at once")
    )
)]
pub(crate) async fn replace(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let mut value = json_body::read(&headers, &body)?;
    if let Some(fields) = value.as_object_mut() {
        fields.entry("id").or_insert_with(|| json!(id));
    }
    let search = read(&state, &value)?;
    if search.id.as_str() != id {
        return Err(json_body::invalid("`id` is not the one in the address"));
    }
    save(&state, &search, Expect::Known).await?;
    Ok(Json(body_of(&known(&state, &id).await?)).into_response())
}

/// Deletes a saved search; its alerts stay. For 24 hours it can be brought back.
#[utoipa::path(
    delete, path = "/v1/saved-searches/{id}", tag = "saved searches",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = NO_CONTENT), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "it is declared in searches.toml")
    )
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    delete(&state, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a search would have brought, before it is saved. Who accepts `application/x-ndjson` is told
/// how far it is, in lines with `n_done` and `n_total`; the last line is the answer, or an `error`.
#[utoipa::path(
    post, path = "/v1/saved-searches/backtest", tag = "saved searches", request_body = Object,
    params(BacktestParams),
    responses(
        (status = OK, body = Backtest),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody, description = "every mistake at once")
    )
)]
pub(crate) async fn backtest_unsaved(
    State(state): State<AppState>,
    params: Params,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let days = days_of(&params)?;
    let mut value = json_body::read(&headers, &body)?;
    if let Some(fields) = value.as_object_mut() {
        fields.entry("id").or_insert_with(|| json!("unsaved"));
        fields.entry("name").or_insert_with(|| json!("unsaved"));
    }
    let search = read(&state, &value)?;
    tested(state, &headers, search, days).await
}

/// Says what a saved search would have brought, had it been there; with lines on how far it is, as for
/// one that is not saved.
#[utoipa::path(
    post, path = "/v1/saved-searches/{id}/backtest", tag = "saved searches",
    params(("id" = String, Path, description = "Its id"), BacktestParams),
    responses((status = OK, body = Backtest), (status = NOT_FOUND, body = ErrorBody))
)]
pub(crate) async fn backtest_saved(
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let days = days_of(&params)?;
    let record = known(&state, &id).await?;
    tested(state, &headers, record.search, days).await
}

/// The back-test of `search`, with lines on how far it is for whoever wants them.
async fn tested(
    state: AppState,
    headers: &HeaderMap,
    search: SavedSearch,
    days: u32,
) -> Result<Response, ApiError> {
    if progress::is_wanted(headers) {
        return progress::stream(&state.clone(), move |progress| async move {
            backtest(&state, &search, days, &progress).await
        });
    }
    let tested = backtest(&state, &search, days, &Progress::unwatched()).await?;
    Ok(Json(tested).into_response())
}

fn days_of(params: &Params) -> Result<u32, ApiError> {
    let days = params.clone().only(&["days"])?.parsed::<u32>("days")?.unwrap_or(DAYS_DEFAULT);
    if (1..=DAYS_MAX).contains(&days) {
        return Ok(days);
    }
    Err(ApiError::invalid_parameter("days", format_args!("not within 1 and {DAYS_MAX}")))
}

/// The search that `value` declares.
pub(crate) fn read(state: &AppState, value: &Value) -> Result<SavedSearch, ApiError> {
    let taxonomy = Some(&state.config.taxonomy);
    let read = SavedSearch::from_json(value, taxonomy, check_query);
    read.map_err(|errors| json_body::mistakes(&errors))
}

/// Saves `search`, or says why not.
pub(crate) async fn save(
    state: &AppState,
    search: &SavedSearch,
    expect: Expect,
) -> Result<(), ApiError> {
    let saved = state.archive.save_search(search, expect, (state.now)()).await?;
    refused(saved, search.id.as_str())
}

/// Deletes the search `id`, or says why not.
pub(crate) async fn delete(state: &AppState, id: &str) -> Result<(), ApiError> {
    let deleted = state.archive.delete_search(&SearchId::new(id), (state.now)()).await?;
    refused(deleted, id)
}

pub(super) fn refused(saved: Saved, id: &str) -> Result<(), ApiError> {
    match saved {
        Saved::Created | Saved::Replaced => Ok(()),
        Saved::Exists => Err(conflict(format!("there is a saved search `{id}` already"))),
        Saved::Missing => Err(ApiError::not_found(format!("there is no saved search `{id}`"))),
        Saved::Declared => {
            Err(conflict(format!("`{id}` is declared in searches.toml; change it there")))
        }
        Saved::Full => Err(conflict("there are too many saved searches")),
    }
}

/// The saved search `id`, or 404.
pub(crate) async fn known(state: &AppState, id: &str) -> Result<SearchRecord, ApiError> {
    let found = state.archive.saved_search(id).await?;
    found.ok_or_else(|| ApiError::not_found(format!("there is no saved search `{id}`")))
}

pub(super) fn body_of(record: &SearchRecord) -> Value {
    let mut body = serde_json::to_value(&record.search).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.insert("origin".to_owned(), json!(record.origin));
        fields.insert("created_at".to_owned(), json!(record.created_at));
        fields.insert("updated_at".to_owned(), json!(record.updated_at));
        fields.insert("feed".to_owned(), json!(format!("/feeds/{}.atom", record.search.id)));
    }
    body
}
