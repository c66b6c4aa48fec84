//! Answers a request from the rendered site, with 304 where the client has the page already.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use bytes::Bytes;
use chrono::{DateTime, Utc};

/// One file of the site.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// Value of the `Content-Type` header.
    pub(super) content_type: &'static str,
    /// The bytes, in the encoding that `content_type` names.
    pub(super) body: Bytes,
    /// Strong validator with its quotes: a hash of `body`.
    pub(super) etag: String,
    /// When it last changed; sent in whole seconds.
    pub(super) last_modified: DateTime<Utc>,
}

impl Resource {
    pub(super) fn new(
        content_type: &'static str,
        body: Vec<u8>,
        last_modified: DateTime<Utc>,
    ) -> Resource {
        let hash = blake3::hash(&body).to_hex();
        let etag = format!("\"{}\"", &hash.as_str()[..16]);
        Resource { content_type, body: body.into(), etag, last_modified }
    }

    fn is_current(&self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|it| it.to_str().ok());
        if let Some(etags) = text(header::IF_NONE_MATCH) {
            let mut etags = etags.split(',').map(|it| it.trim().trim_start_matches("W/"));
            return etags.any(|it| it == "*" || it == self.etag);
        }
        let since =
            text(header::IF_MODIFIED_SINCE).and_then(|it| DateTime::parse_from_rfc2822(it).ok());
        since.is_some_and(|it| self.last_modified.timestamp() <= it.timestamp())
    }
}

/// An instant as HTTP headers write it.
pub(super) fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Answers `request`; the query is ignored, so tracking parameters do no harm.
pub(super) fn respond(resources: &BTreeMap<String, Resource>, request: &Request) -> Response<Body> {
    let plain =
        |status, text| answer(status, Resource::new("text/plain", text, DateTime::UNIX_EPOCH));
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, b"the sample site is read only\n".to_vec());
    }
    match resources.get(request.uri().path()) {
        None => plain(StatusCode::NOT_FOUND, b"no such page on the sample site\n".to_vec()),
        Some(found) if found.is_current(request.headers()) => {
            answer(StatusCode::NOT_MODIFIED, Resource { body: Bytes::new(), ..found.clone() })
        }
        Some(found) => answer(StatusCode::OK, found.clone()),
    }
}

fn answer(status: StatusCode, resource: Resource) -> Response<Body> {
    let mut response = Response::builder().status(status);
    if matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED) {
        response = response
            .header(header::ETAG, resource.etag)
            .header(header::LAST_MODIFIED, http_date(resource.last_modified))
            .header(header::CACHE_CONTROL, "no-cache");
    }
    if status != StatusCode::NOT_MODIFIED {
        response = response.header(header::CONTENT_TYPE, resource.content_type);
    }
    response.body(Body::from(resource.body)).expect("every header value is visible ASCII")
}
