//! `/v1/opml`: the sources as a list that other readers read and write.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::access::Principal;
use crate::error::{ApiError, ErrorBody};
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
    responses((status = OK, body = String, content_type = "text/x-opml"))
)]
pub(crate) async fn get(State(state): State<AppState>) -> Result<Response, ApiError> {
    state.roster.refresh(&state.archive).await?;
    let list = opml::export(&state.archive, &state.roster).await.map_err(refused)?;
    let headers = [
        (header::CONTENT_TYPE, "text/x-opml; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"harbinger.opml\""),
    ];
    Ok((headers, list).into_response())
}

/// Adds every feed of an OPML list that is not read yet; removes nothing. The list is kept whole
/// and is the tree of the next export.
#[utoipa::path(
    put, path = "/v1/opml", tag = "sources",
    request_body(content = String, content_type = "text/x-opml"),
    responses(
        (status = OK, body = Imported),
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
    Ok(Json(import(&state, body, content_type).await?))
}

/// Takes a list in, or says what is wrong with it.
pub(crate) async fn import(
    state: &AppState,
    list: Bytes,
    content_type: Option<&str>,
) -> Result<Imported, ApiError> {
    let imported =
        opml::import(&desk(state), list, content_type, &Principal::name_of_current()).await;
    imported.map_err(refused)
}

fn refused(error: ListError) -> ApiError {
    match error {
        ListError::Opml(error) => invalid(error.to_string()),
        ListError::Archive(error) => error.into(),
        ListError::Broken(error) => ApiError::internal(error),
    }
}
