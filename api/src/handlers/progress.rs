//! Answers that tell how far they are, for whoever accepts `application/x-ndjson`: lines of JSON, the
//! last of which is the answer. The work ends when nobody reads them any more.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::{Instrument, Span, info, warn};

use crate::error::ApiError;
use crate::state::AppState;

/// Media type of such answers.
const MEDIA_TYPE: &str = "application/x-ndjson";
/// Lines that a slow reader may leave untaken; then the work waits.
const N_LINES: usize = 1;

type Line = Result<Bytes, Infallible>;

/// Where work says how far it is.
pub(crate) struct Progress(Option<mpsc::Sender<Line>>);

impl Progress {
    /// For work that nobody watches.
    pub(crate) fn unwatched() -> Progress {
        Progress(None)
    }

    /// Says that `n_done` of `n_total` steps are done.
    pub(crate) async fn tell(&self, n_done: usize, n_total: usize) {
        if let Some(sender) = &self.0 {
            // Who is gone is noticed by `stream`.
            let _ = sender.send(line(&json!({ "n_done": n_done, "n_total": n_total }))).await;
        }
    }
}

/// Whether whoever asks wants to be told how far the answer is.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let mut accepts = headers.get_all(header::ACCEPT).iter().filter_map(|it| it.to_str().ok());
    accepts.any(|it| it.contains(MEDIA_TYPE))
}

/// Answers with what `work` tells, then with its answer, or with `error` as in other answers.
///
/// # Errors
/// When too many such answers are being made.
pub(crate) fn stream<F, T>(
    state: &AppState,
    work: impl FnOnce(Progress) -> F,
) -> Result<Response, ApiError>
where
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
    T: Serialize + Send + 'static,
{
    let permit = state.watched_permits.clone().try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::busy("back-tests"))?;
    let (sender, receiver) = mpsc::channel::<Line>(N_LINES);
    let work = work(Progress(Some(sender.clone())));
    let shutdown = state.shutdown.clone();
    let all = async move {
        let _held = permit;
        let last = tokio::select! {
            answered = work => match answered {
                Ok(answer) => line(&answer),
                Err(error) => line(&failure(&error)),
            },
            () = sender.closed() => return info!("cancelled: nobody waits for the answer"),
            () = shutdown.cancelled() => return info!("cancelled: Harbinger is being stopped"),
        };
        let _ = sender.send(last).await;
    };
    tokio::spawn(all.instrument(Span::current()));
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn failure(error: &ApiError) -> serde_json::Value {
    if let Some(cause) = &error.cause {
        warn!(error = %cause, "an answer broke off");
    }
    json!({ "error": { "code": error.code, "message": error.message } })
}

fn line(value: &impl Serialize) -> Line {
    let mut written = serde_json::to_vec(value).unwrap_or_default();
    written.push(b'\n');
    Ok(written.into())
}
