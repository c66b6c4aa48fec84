//! Answers that tell how far they are, for whoever accepts `application/x-ndjson`: lines of JSON, the
//! last of which is the answer. The work ends when nobody reads them any more.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, info, warn};

use crate::error::ApiError;
use crate::state::AppState;

/// Media type of such answers.
const MEDIA_TYPE: &str = "application/x-ndjson";
/// Lines that a slow reader may leave untaken; what does not fit is not told.
const N_LINES: usize = 16;
/// Longest that the work may take.
const WORK_TIME_MAX: Duration = Duration::from_secs(600);
/// Longest that a reader may leave the answer untaken.
pub(super) const UNTAKEN_TIME_MAX: Duration = Duration::from_secs(60);

type Line = Result<Bytes, Infallible>;

/// Where work says how far it is.
pub(crate) struct Progress(Option<mpsc::Sender<Line>>);

impl Progress {
    /// For work that nobody watches.
    pub(crate) fn unwatched() -> Progress {
        Progress(None)
    }

    /// Says that `n_done` of `n_total` steps are done. Never waits: who reads slowly is told less often.
    pub(crate) fn tell(&self, n_done: usize, n_total: usize) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(line(&json!({ "n_done": n_done, "n_total": n_total })));
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
    Ok(told(permit, state.shutdown.clone(), UNTAKEN_TIME_MAX, work))
}

/// Answers with what `work` tells; the permit goes back when the answer is taken, when nobody waits for
/// it, or when it was left untaken for `untaken_max`.
fn told<F, T>(
    permit: OwnedSemaphorePermit,
    shutdown: CancellationToken,
    untaken_max: Duration,
    work: impl FnOnce(Progress) -> F,
) -> Response
where
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
    T: Serialize + Send + 'static,
{
    let (sender, receiver) = mpsc::channel::<Line>(N_LINES);
    let work = work(Progress(Some(sender.clone())));
    let all = async move {
        let _held = permit;
        let last = tokio::select! {
            answered = work => match answered {
                Ok(answer) => line(&answer),
                Err(error) => line(&failure(&error)),
            },
            () = sender.closed() => {
                info!("cancelled: nobody waits for the answer");
                return;
            }
            () = shutdown.cancelled() => {
                line(&failure(&ApiError::not_ready("Harbinger is being stopped")))
            }
            () = tokio::time::sleep(WORK_TIME_MAX) => {
                line(&failure(&ApiError::of_status(StatusCode::GATEWAY_TIMEOUT)))
            }
        };
        if tokio::time::timeout(untaken_max, sender.send(last)).await.is_err() {
            info!("nobody took the answer");
        }
    };
    tokio::spawn(all.instrument(Span::current()));
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::Arc;

    use axum::Router;
    use axum::body::to_bytes;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;
    use tokio::time::timeout;
    use tower_http::compression::CompressionLayer;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// Serves one answer at once, whose work says something and then never ends; `ended` is cancelled
    /// when the work is dropped. Returns the address.
    async fn serve_endless_work(permits: &Arc<Semaphore>, ended: &CancellationToken) -> String {
        let (permits, ended) = (Arc::clone(permits), ended.clone());
        let answer = move || {
            let permit = Arc::clone(&permits).try_acquire_owned().unwrap();
            let guard = ended.clone().drop_guard();
            ready(told(permit, CancellationToken::new(), LONG, move |progress| async move {
                let _guard = guard;
                progress.tell(1, 2);
                pending::<Result<u8, ApiError>>().await
            }))
        };
        let router = Router::new().route("/", get(answer)).layer(CompressionLayer::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    #[tokio::test]
    async fn each_word_is_sent_at_once_and_who_hangs_up_ends_the_work() {
        for encoding in ["identity", "gzip"] {
            let (permits, ended) = (Arc::new(Semaphore::new(1)), CancellationToken::new());
            let address = serve_endless_work(&permits, &ended).await;
            let mut line = TcpStream::connect(address).await.unwrap();
            let asked = format!("GET / HTTP/1.1\r\nhost: x\r\naccept-encoding: {encoding}\r\n\r\n");
            line.write_all(asked.as_bytes()).await.unwrap();
            // More than what compression begins with, so that the first word is in it.
            let mut read = Vec::new();
            let body_len = |read: &[u8]| {
                let at = read.windows(4).position(|it| it == b"\r\n\r\n");
                at.map_or(0, |it| read.len() - it - 4)
            };
            while body_len(&read) < 30 {
                let more = timeout(LONG, line.read_buf(&mut read)).await;
                assert!(0 < more.expect("the word is kept back").unwrap(), "{encoding}");
            }
            assert_eq!(permits.available_permits(), 0);
            assert!(!ended.is_cancelled(), "somebody waits");
            drop(line);
            timeout(LONG, ended.cancelled()).await.expect("the work goes on for nobody");
            let _again = timeout(LONG, permits.acquire()).await.expect("its permit is kept");
        }
    }

    #[tokio::test]
    async fn who_takes_nothing_keeps_no_permit_and_does_not_hold_the_work_up() {
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).try_acquire_owned().unwrap();
        let untaken_max = Duration::from_millis(20);
        let answer = told(permit, CancellationToken::new(), untaken_max, |progress| async move {
            for n_done in 0..1_000 {
                progress.tell(n_done, 1_000);
            }
            Ok(7)
        });
        let _again = timeout(LONG, permits.acquire()).await.expect("its permit is kept");
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        assert_eq!(String::from_utf8(body.to_vec()).unwrap().lines().count(), N_LINES);
    }

    #[tokio::test]
    async fn when_harbinger_is_stopped_the_last_line_says_so() {
        let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let shutdown = CancellationToken::new();
        let answer = told(permit, shutdown.clone(), LONG, |progress| async move {
            let _held = progress;
            pending::<Result<u8, ApiError>>().await
        });
        shutdown.cancel();
        let body = timeout(LONG, to_bytes(answer.into_body(), 100_000)).await.unwrap().unwrap();
        let last: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(last["error"]["code"], "not_ready");
    }
}
