//! `/websub/{token}`: where the hubs of feeds call. Open to everybody, since hubs have no login: the
//! token is known to one hub only, and what it sends is signed.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use index::archive::hub_subscriptions::HubSubscription;
use serde::Deserialize;
use tracing::{info, warn};

use crate::error::ApiError;
use crate::hubs;
use crate::state::AppState;

/// Longest challenge that is sent back.
const CHALLENGE_BYTES_MAX: usize = 1_000;
/// Longest token that is looked up.
const TOKEN_BYTES_MAX: usize = 100;

pub(crate) fn router() -> Router<AppState> {
    Router::new().route("/websub/{token}", get(verify).post(tell))
}

/// What a hub asks.
#[derive(Debug, Deserialize)]
struct Verification {
    #[serde(rename = "hub.mode")]
    mode: String,
    #[serde(rename = "hub.topic")]
    topic: String,
    #[serde(rename = "hub.challenge", default)]
    challenge: String,
    #[serde(rename = "hub.lease_seconds", default)]
    lease_seconds: Option<i64>,
    #[serde(rename = "hub.reason", default)]
    reason: String,
}

/// A hub asks whether the subscription is wanted, or says that it refuses it.
async fn verify(
    State(state): State<AppState>,
    Path(token): Path<String>,
    Query(asked): Query<Verification>,
) -> Result<Response, ApiError> {
    let unknown = || ApiError::not_found("nobody here asked for this subscription");
    let known = find(&state, &token).await?.ok_or_else(unknown)?;
    if known.topic != asked.topic || !state.archive.is_source_active(&known.source).await? {
        return Err(unknown());
    }
    let now = (state.now)();
    let (id, hub) = (&known.source, &known.hub);
    match asked.mode.as_str() {
        "subscribe" if asked.challenge.len() <= CHALLENGE_BYTES_MAX => {
            // Without a lease the hub keeps the subscription until it says otherwise.
            let ends_at = hubs::ends_at(asked.lease_seconds.unwrap_or(i64::MAX), now);
            state.archive.confirm_hub_subscription(&token, ends_at).await?;
            info!(source.id = %id, hub, "{hub} tells of news from {id} until {ends_at}");
            Ok(([(header::CONTENT_TYPE, "text/plain")], asked.challenge).into_response())
        }
        "denied" => {
            let reason = hubs::cut(&asked.reason);
            warn!(source.id = %id, hub, "{hub} does not tell of news from {id}: {reason}");
            state.archive.end_hub_subscription(&token).await?;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
        // Nobody here ever ends a subscription early, so somebody else must have asked for it.
        _ => Err(unknown()),
    }
}

/// A hub tells of news. It hears no more than that it was heard, as WebSub wants it, so that it
/// cannot learn whether a signature was right.
async fn tell(
    State(state): State<AppState>,
    Path(token): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let Some(known) = find(&state, &token).await? else { return Ok(StatusCode::GONE) };
    if !state.archive.is_source_active(&known.source).await? {
        // Removed or paused, whatever this worker declares: 410 ends the subscription at the hub.
        state.archive.forget_hub_subscription(&known.source).await?;
        return Ok(StatusCode::GONE);
    }
    // Strangers send nothing that is read. What a hub sends is as long as the feed.
    let body = to_bytes(body, state.config.settings.fetch.body_max_bytes).await;
    let body = body.map_err(|_| ApiError::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let signature = headers.get("x-hub-signature").and_then(|it| it.to_str().ok());
    if signature.is_some_and(|it| hubs::is_signed(&known.secret, &body, it)) {
        state.archive.record_news(&known.source, (state.now)()).await?;
    } else {
        let (id, hub) = (&known.source, &known.hub);
        warn!(source.id = %id, hub, "{hub} sent something about {id} without its signature");
    }
    Ok(StatusCode::ACCEPTED)
}

async fn find(state: &AppState, token: &str) -> Result<Option<HubSubscription>, ApiError> {
    if TOKEN_BYTES_MAX < token.len() {
        return Ok(None);
    }
    Ok(state.archive.hub_subscription_by_token(token).await?)
}
