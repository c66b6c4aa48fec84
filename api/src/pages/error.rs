//! The page that says what went wrong and what to do.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::frame::{Frame, render};
use super::text::clean;
use crate::error::ApiError;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    status: String,
    headline: &'static str,
    message: String,
    request_id: &'a str,
}

/// Writes `error` for people; the status is the caller's to set.
pub(crate) fn page(error: &ApiError, request_id: &str) -> Response {
    let headline = match error.status {
        StatusCode::NOT_FOUND => "Nothing here",
        StatusCode::SERVICE_UNAVAILABLE => "Not just now",
        StatusCode::GATEWAY_TIMEOUT => "That took too long",
        status if status.is_client_error() => "That cannot be answered",
        _ => "Something went wrong here",
    };
    let mut message = clean(&error.message);
    if let Some(first) = message.get(..1).map(str::to_uppercase) {
        message.replace_range(..1, &first);
    }
    message.push('.');
    let page = ErrorPage {
        frame: Frame::new(headline, ""),
        status: error.status.to_string(),
        headline,
        message,
        request_id,
    };
    render(&page).unwrap_or_else(|_| error.status.into_response())
}
