//! The last hand on every answer: request id, error body, security headers, log line, counters.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{MatchedPath, Request};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{Instrument, debug, error, info_span};

use crate::access::guard::RequestId;
use crate::access::rules;
use crate::error::ApiError;
use crate::pages;
use crate::pages::frame::SaysItself;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const REQUEST_ID_LEN_MAX: usize = 64;

/// Scripts, styles and images come from here only; nothing is framed, nothing is inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) async fn finish(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let asked = Asked::of(&request);
    request.extensions_mut().insert(RequestId(asked.request_id.clone()));
    let span = info_span!("request", request.id = %asked.request_id, method = %asked.method, path = asked.path());
    let mut response = next.run(request).instrument(span.clone()).await;
    let _in_span = span.enter();
    let is_failure = response.status().is_client_error() || response.status().is_server_error();
    if is_failure && response.extensions().get::<SaysItself>().is_none() {
        response = failed(response, &asked);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        challenge(response.headers_mut(), asked.uri.path());
    }
    set_headers(response.headers_mut(), &asked.request_id);
    asked.record(response.status(), started.elapsed());
    response
}

/// What the answer must know of its request.
struct Asked {
    request_id: String,
    method: Method,
    uri: Uri,
    route: String,
    wants_page: bool,
}

impl Asked {
    fn of(request: &Request) -> Asked {
        let headers = request.headers();
        let given = headers.get(&REQUEST_ID).and_then(|it| it.to_str().ok()).filter(|it| is_id(it));
        let request_id =
            given.map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned);
        let route = request.extensions().get::<MatchedPath>();
        let accepts =
            headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
        Asked {
            request_id,
            method: request.method().clone(),
            uri: request.uri().clone(),
            route: route.map_or("none", MatchedPath::as_str).to_owned(),
            wants_page: accepts.contains("text/html") && !request.uri().path().starts_with("/v1/"),
        }
    }

    /// The path as the log may tell it: that of a hub holds a secret.
    fn path(&self) -> &str {
        let path = self.uri.path();
        if rules::is_of_hub(path) { &self.route } else { path }
    }

    fn record(&self, status: StatusCode, elapsed: Duration) {
        let labels = [("route", self.route.clone()), ("status", status.as_u16().to_string())];
        metrics::counter!("harbinger_http_requests_total", &labels).increment(1);
        metrics::histogram!("harbinger_http_request_seconds", "route" => self.route.clone())
            .record(elapsed.as_secs_f64());
        debug!(
            http.status = status.as_u16(),
            duration_ms = elapsed.as_millis() as u64,
            "answered {} {}",
            self.method,
            self.route,
        );
    }
}

fn is_id(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    !text.is_empty() && text.len() <= REQUEST_ID_LEN_MAX && text.bytes().all(is_plain)
}

/// Writes the error that travels in `response`, or the one that its status stands for.
fn failed(mut response: Response, asked: &Asked) -> Response {
    let status = response.status();
    let error = response.extensions_mut().remove::<ApiError>();
    let error = error.unwrap_or_else(|| ApiError::of_status(status));
    if let Some(cause) = &error.cause {
        error!(request.id = %asked.request_id, error = %chain(&**cause), "cannot answer {}", asked.path());
    }
    let mut written = if asked.wants_page {
        pages::error::page(&error, &asked.request_id)
    } else {
        Json(error.body(&asked.request_id)).into_response()
    };
    *written.status_mut() = status;
    if let Some(allowed) = response.headers_mut().remove(header::ALLOW) {
        written.headers_mut().insert(header::ALLOW, allowed);
    }
    if let Some(seconds) = error.retry_after_seconds {
        written.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    written
}

/// Says how to say who one is (RFC 9110, section 11.6.1). Basic is named to feed readers and TAXII
/// clients only: asked by a page's script, it would make the browser ask for a password.
fn challenge(headers: &mut HeaderMap, path: &str) {
    let bearer = HeaderValue::from_static("Bearer realm=\"harbinger\"");
    headers.insert(header::WWW_AUTHENTICATE, bearer);
    if ["/feeds/", "/taxii2"].iter().any(|it| path.starts_with(it)) {
        let basic = HeaderValue::from_static("Basic realm=\"harbinger\", charset=\"UTF-8\"");
        headers.append(header::WWW_AUTHENTICATE, basic);
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

fn set_headers(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, id);
    }
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn the_log_does_not_tell_the_secret_in_the_address_of_a_hub() {
        let asked = |path: &str| Asked::of(&Request::get(path).body(Body::empty()).unwrap());
        assert_eq!(asked("/stories/x?q=secret").path(), "/stories/x");
        assert_eq!(asked("/websub/secret?hub.mode=subscribe").path(), "none");
    }
}
