//! `/login/oidc`: to the login provider and back.

use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};

use super::login::{Next, begin_session, note, own_address, show_again};
use crate::access::guard::{address, named_cookie};
use crate::access::oidc::{self, Answer, MINUTES_MAX, OidcError};
use crate::error::ApiError;
use crate::pages::{frame, login};
use crate::state::AppState;

/// Holds a login that the browser has begun.
const COOKIE: &str = "harbinger_login";

/// Sends the browser to the provider.
pub(crate) async fn begin(
    State(state): State<AppState>,
    Query(next): Query<Next>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let settings = &state.config.settings;
    if !settings.http.is_login_required() {
        return Ok(Redirect::to("/").into_response());
    }
    state.limits.login("oidc", &address(&request)).map_err(ApiError::too_many_requests)?;
    let next = own_address(&next.next);
    match oidc::begin(settings, &next, (state.now)()).await {
        Ok(begun) => {
            let mut response = Redirect::to(&begun.address).into_response();
            set_cookie(&mut response, &begun.cookie, MINUTES_MAX * 60, is_secure(&request));
            Ok(response)
        }
        Err(error) => refused(&state, &error, &next).await,
    }
}

/// Takes the browser back and begins a session.
pub(crate) async fn finish(
    State(state): State<AppState>,
    Query(answer): Query<Answer>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let settings = &state.config.settings;
    state.limits.login("oidc", &address(&request)).map_err(ApiError::too_many_requests)?;
    let cookie = named_cookie(request.headers(), COOKIE);
    let now = (state.now)();
    let mut response = match oidc::finish(settings, answer, cookie.as_deref(), now).await {
        Ok(person) => {
            let archive = &state.archive;
            let name = archive
                .sync_outside_user(&person.credential, &person.name, person.role, now)
                .await?;
            note(&state, &name, "log in", "ok").await;
            // A page and no redirect: the session's cookie goes with nothing that began on the
            // provider's site, and a redirect would still count as that.
            let mut response = frame::render(&login::done(&own_address(&person.next)))?;
            begin_session(&state, &name, &mut response, is_secure(&request)).await?;
            response
        }
        Err(error) => refused(&state, &error, "/").await?,
    };
    set_cookie(&mut response, "", 0, is_secure(&request));
    Ok(response)
}

/// The login page again, with the reason.
async fn refused(state: &AppState, error: &OidcError, next: &str) -> Result<Response, ApiError> {
    let (status, who) = match error {
        OidcError::Off => return Err(ApiError::not_found(error.to_string())),
        OidcError::Provider(_) => (StatusCode::BAD_GATEWAY, "somebody"),
        OidcError::NoRole(name) => (StatusCode::FORBIDDEN, name.as_str()),
        _ => (StatusCode::UNAUTHORIZED, "somebody"),
    };
    tracing::warn!(%error, "a login by the provider came to nothing");
    note(state, who, "log in", "refused").await;
    // What the provider says is for the log; a person needs less.
    let shown = match error {
        OidcError::NoRole(name) => {
            format!("“{name}” has no role in Harbinger; ask an admin of it.")
        }
        OidcError::Strange => format!(
            "This login was not begun in this browser, or more than {MINUTES_MAX} minutes ago; \
             try again."
        ),
        OidcError::Off | OidcError::Provider(_) => {
            "The login provider cannot be reached; try again later.".to_owned()
        }
        OidcError::Refused(_) | OidcError::Invalid(_) => {
            "The login provider did not confirm who you are; try again.".to_owned()
        }
    };
    show_again(state, next, &shown, status)
}

fn is_secure(request: &Request<Body>) -> bool {
    request.headers().get("x-forwarded-proto").is_some_and(|it| it == "https")
}

/// Lax, as the browser comes from the provider's site.
fn set_cookie(response: &mut Response, value: &str, seconds: i64, is_secure: bool) {
    let secure = if is_secure { "; Secure" } else { "" };
    let cookie = format!(
        "{COOKIE}={value}; Path=/login/oidc; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}"
    );
    let headers: &mut HeaderMap = response.headers_mut();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        headers.append(header::SET_COOKIE, cookie);
    }
}
