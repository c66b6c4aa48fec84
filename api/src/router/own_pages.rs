//! No other web site may ask in the name of whoever sits at this machine: [`refuse_others`].
//!
//! There is no login, so a browser on this machine may do everything. A page of somebody else that
//! it shows could send forms here, or be led here under a name of its own (DNS rebinding) and read
//! the answers.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::header::{HOST, HeaderMap, ORIGIN};
use axum::http::uri::{Authority, Uri};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::ApiError;
use crate::state::AppState;

/// Refuses requests that change something and that a page of another site makes; and, where the
/// server listens on loopback, all requests under a name that is none of this machine.
pub(super) async fn refuse_others(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe && !is_from_own_page(headers) {
        return refusal("this request was sent by another site").into_response();
    }
    if state.config.settings.http.bind.ip().is_loopback() && !is_to_loopback(headers) {
        return refusal("Harbinger answers only as localhost here").into_response();
    }
    next.run(request).await
}

fn refusal(message: &str) -> ApiError {
    ApiError {
        code: "cross_site",
        message: message.to_owned(),
        ..ApiError::of_status(StatusCode::FORBIDDEN)
    }
}

/// Browsers say where a request comes from; programs do not.
fn is_from_own_page(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|it| it.parse::<Uri>().ok());
    let authority = origin.as_ref().and_then(Uri::authority);
    authority.is_some() && authority == host(headers).as_ref()
}

fn is_to_loopback(headers: &HeaderMap) -> bool {
    if !headers.contains_key(HOST) {
        return true; // No browser leaves it out.
    }
    host(headers).is_some_and(|it| {
        let name = it.host();
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || literal.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    })
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST)?.to_str().ok()?.parse().ok()
}
