//! `/openapi.json`: the description of the JSON addresses.

use axum::http::HeaderMap;
use axum::response::Response;

use crate::handlers::etag;
use crate::openapi::Document;

/// Answers with the description.
pub(crate) async fn get(headers: HeaderMap, document: Document) -> Response {
    etag::answer(&headers, "application/json", document.json)
}
