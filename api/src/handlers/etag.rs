//! Answers that a reader need not fetch twice: a tag of the body, and 304 when it is known.

use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Response, StatusCode};
use serde::Serialize;

use crate::error::ApiError;

/// Answers with `value` as JSON and its tag.
pub(crate) fn json<T: Serialize>(
    headers: &HeaderMap,
    value: &T,
) -> Result<Response<Body>, ApiError> {
    let body = serde_json::to_vec(value).map_err(ApiError::internal)?;
    Ok(answer(headers, "application/json", Bytes::from(body)))
}

/// Answers with `body`, or with 304 when `If-None-Match` names its tag.
///
/// The tag is weak: the body may be compressed on its way.
pub(crate) fn answer(
    headers: &HeaderMap,
    content_type: &'static str,
    body: Bytes,
) -> Response<Body> {
    let hash = blake3::hash(&body);
    let tag = format!("W/\"{}\"", &hash.to_hex()[..24]);
    let is_known = headers.get_all(header::IF_NONE_MATCH).iter().any(|it| names(it, &tag));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let tag = HeaderValue::from_str(&tag).expect("hexadecimal digits fit a header");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Weak comparison (RFC 9110, 13.1.2).
fn names(if_none_match: &HeaderValue, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    let listed = if_none_match.to_str().unwrap_or_default();
    listed.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == opaque)
}
