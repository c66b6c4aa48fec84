//! Every address that Harbinger answers, and what surrounds each answer.
//!
//! From the outside in: compression, [`finish`] (request id, error bodies, security headers, log),
//! panics, time limit, who asks and may they ([`crate::access`]), size limit, then the handlers.

mod finish;

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::timeout::TimeoutLayer;

use crate::access::{guard, rules};
use crate::error::ApiError;
use crate::sample::{self, SampleSite};
use crate::state::AppState;
use crate::{handlers, openapi};

const URI_BYTES_MAX: usize = 8 * 1024;

/// Builds the whole web side: JSON under `/v1`, pages, static files, health.
pub fn router(state: AppState) -> Router {
    let (documented, document) = openapi::router().split_for_parts();
    let document = openapi::Document::of(&document);
    let http = &state.config.settings.http;
    let answer_time_max = Duration::from_secs(http.request_timeout_s.into());
    let mut router = Router::new();
    if let Some(anchor) = state.sample_anchor {
        router = router.nest_service(sample::LOCAL_PREFIX, SampleSite::router(anchor));
    }
    router
        .merge(documented)
        .route("/", get(handlers::today::page))
        .route("/search", get(handlers::search::page))
        .route("/entities/{id}", get(handlers::entities::page))
        .route("/articles/{id}", get(handlers::articles::page))
        .route("/articles/{id}/reread", post(handlers::versions::submit_reread))
        .route("/articles/{id}/remove", post(handlers::articles::submit_removal))
        .route("/articles/{id}/restore", post(handlers::restoring::submit_article))
        .route("/stories", get(handlers::story_list::page))
        .route("/stories/{id}", get(handlers::stories::page).post(handlers::story_edits::submit))
        .merge(handlers::sources::router())
        .merge(handlers::alert_pages::router())
        .route("/feeds/{file}", get(handlers::feeds::atom))
        .route("/graph", get(handlers::graph::page))
        .route("/map", get(handlers::map::page))
        .merge(handlers::taxii::router())
        .merge(handlers::hubs::router())
        .route("/mcp", post(handlers::mcp::post))
        .route("/help", get(handlers::help::page))
        .route("/corrections", get(handlers::corrections::page).post(handlers::corrections::submit))
        .route("/corrections/undo", post(handlers::corrections::submit_undo))
        .route("/login", get(handlers::login::page).post(handlers::login::log_in))
        .route("/login/oidc", get(handlers::oidc::begin))
        .route(crate::access::oidc::CALLBACK, get(handlers::oidc::finish))
        .route("/logout", post(handlers::login::log_out))
        .route("/settings", get(handlers::settings::page))
        .route("/settings/password", post(handlers::settings::change_password))
        .route("/settings/users", post(handlers::settings::add_user))
        .route("/settings/users/remove", post(handlers::settings::remove_user))
        .route("/settings/users/{name}/restore", post(handlers::restoring::submit_user))
        .route("/settings/keys", post(handlers::settings::add_key))
        .route("/settings/keys/remove", post(handlers::settings::remove_key))
        .route("/settings/keys/{id}/restore", post(handlers::restoring::submit_key))
        .route("/openapi.json", get(move |headers| handlers::openapi::get(headers, document)))
        .route("/static/{*path}", get(handlers::assets::get))
        .route("/favicon.ico", get(handlers::assets::favicon))
        .fallback(async || ApiError::of_status(StatusCode::NOT_FOUND))
        .method_not_allowed_fallback(async || ApiError::of_status(StatusCode::METHOD_NOT_ALLOWED))
        .layer(
            ServiceBuilder::new()
                .layer(CompressionLayer::new())
                .layer(from_fn(finish::finish))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, answer_time_max))
                .layer(from_fn(refuse_long_uris))
                .layer(from_fn_with_state(state.clone(), guard::guard))
                .layer(from_fn_with_state(state.clone(), handlers::navigation::count))
                .layer(from_fn_with_state(state.clone(), bound_body)),
        )
        .with_state(state)
}

async fn refuse_long_uris(request: Request, next: Next) -> Response {
    let n_bytes = request.uri().path_and_query().map_or(0, |it| it.as_str().len());
    if n_bytes > URI_BYTES_MAX {
        return ApiError::of_status(StatusCode::URI_TOO_LONG).into_response();
    }
    next.run(request).await
}

async fn bound_body(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let n_bytes_max = rules::body_bytes_max(request.uri().path(), &state.config.settings);
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|it| n_bytes_max < it) {
        return ApiError::of_status(StatusCode::PAYLOAD_TOO_LARGE).into_response();
    }
    // For those that do not say how long they are; every extractor that reads a body holds to it.
    DefaultBodyLimit::max(n_bytes_max).apply(&mut request);
    next.run(request).await
}

#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {0}")]
struct Panicked(String);

fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let text = payload.downcast_ref::<&str>().map(|it| (*it).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    ApiError::internal(Panicked(text.unwrap_or_default())).into_response()
}
