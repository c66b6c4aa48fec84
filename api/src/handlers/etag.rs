//! Answers that a reader need not fetch twice: a tag of the body, and 304 when it is known; and changes
//! that are only made when nobody else made one meanwhile.

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
    let tag = tag_of(&body);
    answer_tagged(headers, content_type, body, &tag)
}

/// The same with a tag of less than all of it, see [`tag_of`].
pub(crate) fn answer_tagged(
    headers: &HeaderMap,
    content_type: &'static str,
    body: Bytes,
    tag: &str,
) -> Response<Body> {
    let is_known = headers.get_all(header::IF_NONE_MATCH).iter().any(|it| names(it, tag));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let tag = HeaderValue::from_str(tag).expect("hexadecimal digits fit a header");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Answers 412 when `If-Match` names another tag than that of `body`, what there is now: somebody
/// else changed it since the caller looked. Without the header all is well.
///
/// Compares weakly, unlike RFC 9110, since all tags here are weak: what was compressed on its way is
/// still the same list.
pub(crate) fn check_unchanged(headers: &HeaderMap, body: &[u8]) -> Result<(), ApiError> {
    let tag = tag_of(body);
    let mut wanted = headers.get_all(header::IF_MATCH).iter().peekable();
    if wanted.peek().is_none() || wanted.any(|it| names(it, &tag)) {
        Ok(())
    } else {
        Err(changed())
    }
}

/// Somebody else was faster.
pub(crate) fn changed() -> ApiError {
    ApiError {
        code: "changed",
        message: "somebody else changed this since you read it; read it again".to_owned(),
        ..ApiError::of_status(StatusCode::PRECONDITION_FAILED)
    }
}

/// The tag of what these bytes say.
pub(crate) fn tag_of(body: &[u8]) -> String {
    format!("W/\"{}\"", &blake3::hash(body).to_hex()[..24])
}

/// Weak comparison (RFC 9110, 13.1.2).
fn names(condition: &HeaderValue, tag: &str) -> bool {
    let opaque = tag.trim_start_matches("W/");
    let listed = condition.to_str().unwrap_or_default();
    listed.split(',').map(str::trim).any(|it| it == "*" || it.trim_start_matches("W/") == opaque)
}
