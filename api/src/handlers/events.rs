//! `/v1/events`: what is new, as it happens (server-sent events).

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{self, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError;

use crate::error::{ApiError, ErrorBody};
use crate::news;
use crate::state::{AppState, Event};

/// Streams new articles, stories, statements and alerts, whichever worker records them; a reader that
/// falls behind gets `missed`.
#[utoipa::path(
    get, path = "/v1/events", tag = "events",
    responses(
        (status = OK, description = "events named `article`, `story`, `statement`, `alert` \
            (data: an Event) or `missed` (data: how many)", body = Event, content_type = "text/event-stream"),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody)
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, ApiError> {
    let permit = state.stream_permits.clone().try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::busy("event streams"))?;
    let receiver = state.events.subscribe();
    news::follow(&state).await?;
    let events = BroadcastStream::new(receiver).map(move |it| {
        let _held = &permit;
        Ok(written(it))
    });
    let until_shutdown = state.shutdown.cancelled_owned();
    Ok(Sse::new(events.take_until(until_shutdown))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(20))))
}

fn written(event: Result<Event, BroadcastStreamRecvError>) -> sse::Event {
    match event {
        Ok(event) => {
            let named = sse::Event::default().event(event.kind.as_str()).id(&event.id);
            let data = serde_json::to_string(&event).unwrap_or_default();
            named.data(data)
        }
        Err(BroadcastStreamRecvError::Lagged(n_missed)) => {
            sse::Event::default().event("missed").data(n_missed.to_string())
        }
    }
}
