//! `/login` and `/logout`.

use axum::Form;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{RequestExt, body::Body};
use chrono::TimeDelta;
use index::archive::audit::AuditEntry;
use serde::Deserialize;

use crate::access::guard::{COOKIE, address, cookie};
use crate::access::{is_name, password, token};
use crate::error::ApiError;
use crate::pages::{frame, login};
use crate::state::AppState;

/// Where to go after the login.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Next {
    #[serde(default)]
    pub(super) next: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Credentials {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// Shows the form; where no login is asked for there is nothing to do here.
pub(crate) async fn page(
    State(state): State<AppState>,
    Query(next): Query<Next>,
) -> Result<Response, ApiError> {
    if !state.config.settings.http.is_login_required() {
        return Ok(Redirect::to("/").into_response());
    }
    frame::render(&login::page(input(&state, &own_address(&next.next))))
}

fn input<'a>(state: &'a AppState, next: &'a str) -> login::Input<'a> {
    let oidc = &state.config.settings.oidc;
    let provider = oidc.issuer.is_some().then_some(oidc.button.as_str());
    login::Input { next, provider, name: "", refused: None }
}

/// The form once more, with the reason.
pub(super) fn show_again(
    state: &AppState,
    next: &str,
    why: &str,
    status: StatusCode,
) -> Result<Response, ApiError> {
    let page = login::page(login::Input { refused: Some(why), ..input(state, next) });
    Ok(frame::with_status(frame::render(&page)?, status))
}

/// Begins a session, or shows the form again without saying which part was wrong.
pub(crate) async fn log_in(
    State(state): State<AppState>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let address = address(&request);
    let is_secure = request.headers().get("x-forwarded-proto").is_some_and(|it| it == "https");
    let form: Form<Credentials> = request
        .extract()
        .await
        .map_err(|_| ApiError::invalid_parameter("name", "the form needs `name` and `password`"))?;
    let Credentials { name, password: given, next } = form.0;
    state.limits.login(&name, &address).map_err(ApiError::too_many_requests)?;
    let kept = if is_name(&name) { state.archive.password_hash(&name).await? } else { None };
    // Hashing takes a core for tens of milliseconds, and its memory is bounded by these permits.
    let permit = state.search_permits.clone().acquire_owned().await;
    let permit = permit.map_err(ApiError::internal)?;
    let is_right = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        password::is_right(&given, kept.as_deref())
    });
    let is_right = is_right.await.map_err(ApiError::internal)?;
    let shown: String = name.chars().take(64).collect();
    note(&state, &shown, "log in", if is_right { "ok" } else { "refused" }).await;
    if !is_right {
        tracing::warn!(address, "a login was refused");
        let (next, refused) = (own_address(&next), Some("Name or password is wrong."));
        let page = login::page(login::Input { name: &shown, refused, ..input(&state, &next) });
        return Ok(frame::with_status(frame::render(&page)?, StatusCode::UNAUTHORIZED));
    }
    let mut response = Redirect::to(&own_address(&next)).into_response();
    begin_session(&state, &name, &mut response, is_secure).await?;
    Ok(response)
}

/// Begins a session of the user `name` and hands its cookie out with `response`.
pub(super) async fn begin_session(
    state: &AppState,
    name: &str,
    response: &mut Response,
    is_secure: bool,
) -> Result<(), ApiError> {
    let now = (state.now)();
    let hours = state.config.settings.http.session_hours;
    let (secret, csrf) = (token::new(), token::new());
    let expires_at = now + TimeDelta::hours(hours.into());
    state.archive.begin_session(&token::hash(&secret), name, &csrf, now, expires_at).await?;
    set_cookie(response, &secret, i64::from(hours) * 3_600, is_secure);
    Ok(())
}

/// Ends the session.
pub(crate) async fn log_out(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if let Some(secret) = cookie(&headers) {
        state.archive.end_session(&token::hash(&secret)).await?;
    }
    let mut response = Redirect::to("/login").into_response();
    set_cookie(&mut response, "", 0, false);
    Ok(response)
}

pub(super) async fn note(state: &AppState, who: &str, action: &str, outcome: &str) {
    let entry = AuditEntry {
        at: (state.now)(),
        who: who.to_owned(),
        action: action.to_owned(),
        subject: "/login".to_owned(),
        outcome: outcome.to_owned(),
        request_id: None,
    };
    if let Err(error) = state.archive.record_audit(&entry).await {
        tracing::error!(%error, "the audit log cannot be written");
    }
}

fn set_cookie(response: &mut Response, value: &str, seconds: i64, is_secure: bool) {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// `next` if it is an address of this server, else the start page.
pub(super) fn own_address(next: &str) -> String {
    let is_own = next.starts_with('/')
        && !next.starts_with("//")
        && !next.starts_with("/\\")
        && !next.chars().any(char::is_control);
    if is_own { next.to_owned() } else { "/".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_the_login_nobody_is_sent_elsewhere() {
        assert_eq!(own_address("/search?q=a"), "/search?q=a");
        for bad in ["", "https://evil.example/", "//evil.example", "/\\evil.example", "/a\nb"] {
            assert_eq!(own_address(bad), "/", "{bad}");
        }
    }
}
