//! What stands before every handler: who asks, may they, do they really mean it; and the audit log.

use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequest, Multipart, Request, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use index::archive::access::Role;
use index::archive::audit::AuditEntry;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use url::form_urlencoded;

use super::principal::{Principal, Via};
use super::{rules, subject, token};
use crate::error::ApiError;
use crate::state::AppState;

/// Name of the session's cookie.
pub(crate) const COOKIE: &str = "harbinger_session";
/// Field of a form, or header of a script, that sends the session's token back.
const CSRF_FIELD: &str = "csrf";
const CSRF_HEADER: &str = "x-csrf-token";
/// How a form is sent, by what its media type begins with.
const FORMS: [(&str, FormKind); 2] = [
    ("application/x-www-form-urlencoded", FormKind::Fields),
    ("multipart/form-data", FormKind::Files),
];
/// How a change ended that nobody waited for to the end, in the audit log.
const BROKEN_OFF: &str = "broken off";
/// Longest value of a header that is looked at.
const HEADER_BYTES_MAX: usize = 4_096;

/// Lets a request through, in the name of whoever makes it, or refuses it.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match admit(&state, request).await {
        Ok((principal, request)) => answer(&state, principal, request, next).await,
        Err(Refusal::Error(error)) => error.into_response(),
        Err(Refusal::LogIn(at)) => Redirect::to(&at).into_response(),
    }
}

/// Why a request is not let through.
enum Refusal {
    Error(ApiError),
    /// To the login page at this address.
    LogIn(String),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Refusal {
        Refusal::Error(error)
    }
}

async fn admit(
    state: &AppState,
    request: Request,
) -> Result<(Option<Principal>, Request), Refusal> {
    let is_login_required = state.config.settings.http.is_login_required();
    let is_open = rules::is_open(request.uri().path());
    let is_of_hub = rules::is_of_hub(request.uri().path());
    let is_safe = rules::is_safe(request.method());
    if !is_safe {
        check_origin(request.headers())?;
    }
    if !is_login_required && !is_of_hub {
        check_is_local(request.headers())?;
        return Ok((Some(Principal::local()), request));
    }
    // A hub is nobody here, wherever it calls from: it shows who it is by the secret in the address.
    let principal = match is_of_hub {
        true => None,
        false => principal(state, request.headers()).await?,
    };
    let counted = match &principal {
        Some(it) => it.rate_key(),
        None => format!("address:{}", address(&request)),
    };
    state.limits.request(counted).map_err(ApiError::too_many_requests)?;
    let Some(principal) = principal else {
        return if is_open { Ok((None, request)) } else { Err(stranger(&request)) };
    };
    let needed = rules::role_for(request.method(), request.uri().path());
    if principal.role < needed && !is_open {
        return Err(ApiError::forbidden(needed).into());
    }
    let request = match &principal.via {
        Via::Session { csrf } if !is_safe && !is_open => check_csrf(state, request, csrf).await?,
        _ => request,
    };
    Ok((Some(principal), request))
}

/// Answers and, when the request changes something, writes it down.
async fn answer(
    state: &AppState,
    principal: Option<Principal>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let id = request.extensions().get::<RequestId>().map(|it| it.0.clone());
    let Some(principal) = principal else { return next.run(request).await };
    let is_change = !rules::is_safe(&method) && path != "/mcp";
    let entry = AuditEntry {
        at: (state.now)(),
        who: principal.name.clone(),
        action: method.to_string(),
        subject: path,
        outcome: BROKEN_OFF.to_owned(),
        request_id: id,
    };
    let mut change = Change { state: state.clone(), entry: is_change.then_some(entry) };
    let (response, about) = subject::scope(principal.scope(next.run(request))).await;
    if let Some(mut entry) = change.entry.take() {
        entry.outcome = response.status().as_u16().to_string();
        if let Some(about) = about {
            entry.subject = format!("{}: {about}", entry.subject);
        }
        // To its end, also when nobody waits for it any more.
        let _ = change.write(entry).await;
    }
    response
}

/// A change that is being made. It is written down also when it is broken off half-way, because whoever
/// asked for it hung up or it took too long: what was done by then may stand.
struct Change {
    state: AppState,
    entry: Option<AuditEntry>,
}

impl Change {
    fn write(&self, entry: AuditEntry) -> JoinHandle<()> {
        let state = self.state.clone();
        tokio::spawn(async move {
            let entry = AuditEntry { at: (state.now)(), ..entry };
            if let Err(error) = state.archive.record_audit(&entry).await {
                tracing::error!(%error, "the audit log cannot be written");
            }
        })
    }
}

impl Drop for Change {
    fn drop(&mut self) {
        // Without a runtime Harbinger is at its end.
        if let (Some(entry), Ok(_)) = (self.entry.take(), Handle::try_current()) {
            drop(self.write(entry));
        }
    }
}

/// Id of the request, put there by `router::finish`.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) String);

/// Who asks, by key or session.
async fn principal(state: &AppState, headers: &HeaderMap) -> Result<Option<Principal>, ApiError> {
    let now = (state.now)();
    if let Some(key) = key_of(headers) {
        let found = state.archive.api_key(&token::hash(&key), now).await?;
        let found = found.ok_or_else(|| ApiError::unauthorized("this key is not valid"))?;
        let name = format!("key:{}", found.name);
        return Ok(Some(Principal { name, role: found.role, via: Via::Key { id: found.id } }));
    }
    let Some(cookie) = cookie(headers) else { return Ok(None) };
    let session = state.archive.session(&token::hash(&cookie), now).await?;
    Ok(session.map(|it| Principal {
        name: it.user,
        role: it.role,
        via: Via::Session { csrf: it.csrf },
    }))
}

/// The key of a request: `Authorization: Bearer KEY`, or the password of HTTP Basic, which feed
/// readers and TAXII clients send.
fn key_of(headers: &HeaderMap) -> Option<String> {
    let value = header_text(headers, header::AUTHORIZATION.as_str())?;
    let (scheme, given) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(given.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(given.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(_, password)| password.to_owned())
}

/// The value of the session's cookie.
pub(crate) fn cookie(headers: &HeaderMap) -> Option<String> {
    named_cookie(headers, COOKIE)
}

/// The value of a cookie.
pub(crate) fn named_cookie(headers: &HeaderMap, wanted: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    cookies
        .filter(|it| it.len() <= HEADER_BYTES_MAX)
        .flat_map(|it| it.split(';'))
        .filter_map(|it| it.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, value)| value.to_owned())
}

/// The address that asks, as told by a reverse proxy on this machine or by the connection.
pub(crate) fn address(request: &Request) -> String {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip());
    let is_proxied = peer.is_none_or(|it| it.is_loopback());
    let told = header_text(request.headers(), "x-forwarded-for").filter(|_| is_proxied);
    // The last one was written by our own proxy; those before it by anybody.
    let told = told.and_then(|it| it.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    told.or(peer).map_or_else(|| "unknown".to_owned(), |it| it.to_string())
}

/// A stranger who wants a page may log in; a program is told how to say who it is.
fn stranger(request: &Request) -> Refusal {
    let wants_page = header_text(request.headers(), header::ACCEPT.as_str())
        .is_some_and(|it| it.contains("text/html"));
    let path = request.uri().path();
    if wants_page && request.method() == Method::GET && !path.starts_with("/v1/") {
        let next = request.uri().path_and_query().map_or("/", |it| it.as_str());
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        return Refusal::LogIn(format!("/login?{query}"));
    }
    ApiError::unauthorized("send a key as `Authorization: Bearer KEY`, or log in at /login").into()
}

/// Refuses what another web site makes a browser send. Programs send neither header.
fn check_origin(headers: &HeaderMap) -> Result<(), ApiError> {
    let refused = || ApiError::cross_site("this request comes from another web site");
    if let Some(site) = header_text(headers, "sec-fetch-site") {
        return if matches!(site, "same-origin" | "none") { Ok(()) } else { Err(refused()) };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin: Option<Uri> = origin.to_str().ok().and_then(|it| it.parse().ok());
    let authority = origin.as_ref().and_then(|it| it.authority()).map(|it| it.as_str());
    let host = header_text(headers, header::HOST.as_str());
    if authority.is_some() && authority == host { Ok(()) } else { Err(refused()) }
}

/// Refuses, where no login is asked for, names that lead here only by a trick of the DNS, and
/// what came through a proxy, as then anybody may be behind it.
fn check_is_local(headers: &HeaderMap) -> Result<(), ApiError> {
    if ["x-forwarded-for", "forwarded"].iter().any(|it| headers.contains_key(*it)) {
        return Err(ApiError::cross_site(
            "a proxy sent this request, and no login is asked for: \
             set `http.login = \"always\"` behind a reverse proxy",
        ));
    }
    let Some(host) = header_text(headers, header::HOST.as_str()) else { return Ok(()) };
    let name = host.parse::<axum::http::uri::Authority>().ok().map(|it| it.host().to_owned());
    let is_local = name.is_some_and(|name| {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost"
            || name.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    });
    if is_local {
        return Ok(());
    }
    Err(ApiError::cross_site("Harbinger answers only as localhost here"))
}

/// How a form is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormKind {
    /// As text.
    Fields,
    /// In parts, which may be files.
    Files,
}

impl FormKind {
    /// What a request with these headers sends; `None` where it is no form.
    pub(crate) fn of(headers: &HeaderMap) -> Option<FormKind> {
        let sent = header_text(headers, header::CONTENT_TYPE.as_str())?;
        let sent = sent.trim_start().to_ascii_lowercase();
        FORMS.into_iter().find(|(start, _)| sent.starts_with(start)).map(|(_, kind)| kind)
    }
}

/// Takes the session's token out of a form, or from a header, and compares it.
async fn check_csrf(state: &AppState, request: Request, csrf: &str) -> Result<Request, ApiError> {
    let refused =
        || ApiError::cross_site("the form is too old or not ours; load the page again and repeat");
    if let Some(given) = header_text(request.headers(), CSRF_HEADER) {
        return if token::is_same(given, csrf) { Ok(request) } else { Err(refused()) };
    }
    let kind = FormKind::of(request.headers()).ok_or_else(refused)?;
    let (mut parts, body) = request.into_parts();
    let n_bytes_max = rules::body_bytes_max(parts.uri.path(), &state.config.settings);
    let body = to_bytes(body, n_bytes_max)
        .await
        .map_err(|_| ApiError::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    if kind == FormKind::Files {
        let request = || Request::from_parts(parts.clone(), Body::from(body.clone()));
        let is_ours = token_of_form(request()).await.is_some_and(|it| token::is_same(&it, csrf));
        return if is_ours { Ok(request()) } else { Err(refused()) };
    }
    let (tokens, fields): (Vec<_>, Vec<_>) =
        form_urlencoded::parse(&body).into_owned().partition(|(name, _)| name == CSRF_FIELD);
    if !tokens.iter().any(|(_, given)| token::is_same(given, csrf)) {
        return Err(refused());
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// The token in a form with files.
async fn token_of_form(mut request: Request) -> Option<String> {
    // The body was bounded when it was read.
    DefaultBodyLimit::disable().apply(&mut request);
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    while let Some(part) = parts.next_field().await.ok()? {
        if part.name() == Some(CSRF_FIELD) {
            return part.text().await.ok();
        }
    }
    None
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|it| it.to_str().ok()).filter(|it| it.len() <= HEADER_BYTES_MAX)
}

/// Fails unless whoever asks is an admin.
pub(crate) fn require_admin() -> Result<Principal, ApiError> {
    Principal::current()
        .filter(|it| it.role == Role::Admin)
        .ok_or_else(|| ApiError::forbidden(Role::Admin))
}
