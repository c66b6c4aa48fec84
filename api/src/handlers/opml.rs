//! `/v1/opml`: the sources as a list that other readers read and write.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::access::Principal;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::etag;
use crate::handlers::json_body::invalid;
use crate::handlers::source_list::desk;
use crate::opml::{self, Imported, ListError};
use crate::state::AppState;

/// Media types of a list. A page of somebody else cannot send any of them without being asked for
/// permission first.
const MEDIA_TYPES: &[&str] = &["text/x-opml", "application/xml", "text/xml"];

/// All sources as OPML 2.0, but for folders and the sample wire.
#[utoipa::path(
    get, path = "/v1/opml", tag = "sources",
    responses(
        (status = OK, body = String, content_type = "text/x-opml"),
        (status = NOT_MODIFIED, description = "`If-None-Match` names the current `ETag`")
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.roster.refresh(&state.archive).await?;
    let list = opml::export(&state.archive, &state.roster).await.map_err(refused)?;
    let mut answer = etag::answer(&headers, "text/x-opml; charset=utf-8", list.into());
    let name = HeaderValue::from_static("attachment; filename=\"harbinger.opml\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(answer)
}

/// Adds every feed of an OPML list that is not read yet; removes nothing. The list is kept whole
/// and is the tree of the next export. With `If-Match`, the `ETag` of the list of now, only when nobody
/// has changed the sources since it was read.
#[utoipa::path(
    put, path = "/v1/opml", tag = "sources",
    request_body(content = String, content_type = "text/x-opml"),
    responses(
        (status = OK, body = Imported),
        (status = PRECONDITION_FAILED, body = ErrorBody, description = "`changed` since `If-Match`"),
        (status = UNSUPPORTED_MEDIA_TYPE, body = ErrorBody),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody, description = "it is no OPML")
    )
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Imported>, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !MEDIA_TYPES.iter().any(|it| it.eq_ignore_ascii_case(media_type)) {
        return Err(ApiError {
            code: "unsupported_media_type",
            message: format!("the body must be one of {}", MEDIA_TYPES.join(", ")),
            ..ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        });
    }
    let version = version_unchanged(&state, &headers).await?;
    Ok(Json(import(&state, body, content_type, version).await?))
}

/// The version of the sources that `If-Match` names; `None` when the caller does not care, 412 when
/// they are other ones by now.
async fn version_unchanged(state: &AppState, headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    // The version first: what changes after it is then seen, here or when the list is taken in.
    let version = state.archive.sources_version().await?;
    state.roster.refresh(&state.archive).await?;
    let list = opml::export(&state.archive, &state.roster).await.map_err(refused)?;
    etag::check_unchanged(headers, list.as_bytes())?;
    Ok(Some(version))
}

/// Takes a list in, or says what is wrong with it.
pub(crate) async fn import(
    state: &AppState,
    list: Bytes,
    content_type: Option<&str>,
    version: Option<i64>,
) -> Result<Imported, ApiError> {
    let who = Principal::name_of_current();
    let imported = opml::import(&desk(state), list, content_type, &who, version).await;
    imported.map_err(refused)
}

fn refused(error: ListError) -> ApiError {
    match error {
        ListError::Opml(error) => invalid(error.to_string()),
        ListError::Changed => etag::changed(),
        ListError::Archive(error) => error.into(),
        ListError::Broken(error) => ApiError::internal(error),
    }
}
