//! Reading JSON bodies: with errors of ours, and from programs only.

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use config::ConfigErrors;
use serde_json::Value;

use crate::error::ApiError;

/// The body as JSON.
///
/// The media type must be `application/json`: a page of somebody else cannot send that without
/// being asked for permission first, which it does not get.
pub(crate) fn read(headers: &HeaderMap, body: &Bytes) -> Result<Value, ApiError> {
    let media_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let media_type = media_type.unwrap_or_default().split(';').next().unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return Err(ApiError {
            code: "unsupported_media_type",
            message: "the body must be application/json".to_owned(),
            ..ApiError::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        });
    }
    serde_json::from_slice(body).map_err(|error| invalid(format!("the body is no JSON: {error}")))
}

/// A body that was understood but cannot be used.
pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError {
        code: "invalid_body",
        message: message.into(),
        ..ApiError::of_status(StatusCode::UNPROCESSABLE_ENTITY)
    }
}

/// All mistakes of a declaration in one message.
pub(crate) fn mistakes(errors: &ConfigErrors) -> ApiError {
    let said = errors.errors().iter().map(|it| match &it.key {
        Some(key) => format!("`{key}` {}", it.message),
        None => it.message.clone(),
    });
    invalid(said.collect::<Vec<_>>().join("; "))
}

/// Something is there that keeps the request from being done.
pub(crate) fn conflict(message: impl Into<String>) -> ApiError {
    ApiError {
        code: "conflict",
        message: message.into(),
        ..ApiError::of_status(StatusCode::CONFLICT)
    }
}
