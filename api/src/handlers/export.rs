//! `/v1/export/{format}`: what a search finds, streamed in the format of another tool.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use std::future::ready;
use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::Response;
use futures::{StreamExt, stream};
use index::FilterField;
use index::search::{DateField, SearchRequest};
use indicatif::ProgressBar;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::export::{self, ExportError, Format, Options, Source, Tlp, Written};
use crate::handlers::params::Params;
use crate::handlers::progress::UNTAKEN_TIME_MAX;
use crate::handlers::search::{self, FilterParams};
use crate::state::AppState;

const BUFFER_BYTES: usize = 64 * 1024;
/// How many articles are exported, so that a reader can tell how much is to come.
const N_ARTICLES: HeaderName = HeaderName::from_static("harbinger-articles");
/// Buffers that a slow reader may leave untaken.
const N_BUFFERS: usize = 4;
/// Parameters besides the facets.
const PARAMS: [&str; 6] = ["q", "from", "to", "date_field", "like", "tlp"];

/// Which articles, beside [`FilterParams`].
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `search::request` reads")]
pub(crate) struct SelectionParams {
    /// The query; empty finds everything.
    q: Option<String>,
    /// First day (2026-01-31) or instant (RFC 3339).
    from: Option<String>,
    /// Last day, or the instant before which.
    to: Option<String>,
    /// The time that `from`, `to` and days go by; `published` by default.
    date_field: Option<DateField>,
    /// Id of an article that others are like.
    like: Option<String>,
}

/// Exports all articles that a search finds, with their statements, entities and graph.
///
/// Takes the query and the filters of `/v1/search`. The header `harbinger-articles` says how many
/// articles there are.
#[utoipa::path(
    get, path = "/v1/export/{format}", tag = "graph",
    params(
        ("format" = Format, Path, description = "the format"),
        SelectionParams,
        FilterParams,
        ("tlp" = Option<Tlp>, Query, description = "marking of STIX and MISP; `clear` by default"),
    ),
    responses(
        (status = OK, description = "the export, streamed; a failure half-way breaks it off"),
        (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody)
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(format): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let format: Format = serde_json::from_value(format.into()).map_err(|_| {
        ApiError::not_found(
            "no such format; known are stix, misp, gexf, graphml, cypher, ftm, csv, jsonl, atom",
        )
    })?;
    let fields = FilterField::ALL.iter().map(|it| it.name());
    let known: Vec<&str> = PARAMS.into_iter().chain(fields).collect();
    let params = params.only(&known)?;
    let request = search::request(&params)?;
    let options =
        Options { facts: Arc::clone(&state.facts), tlp: params.named("tlp")?.unwrap_or_default() };
    // What is wrong with the query is said before the first byte.
    let counted = SearchRequest { limit: 0, aggs: false, ..request.clone() };
    let n_articles = search::run(&state, counted).await?.total;
    let permit = state.export_permits.clone().try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::busy("exports"))?;
    let (handle, stop) = (Handle::current(), state.shutdown.child_token());
    let body = streamed(permit, stop, UNTAKEN_TIME_MAX, move |stop, out| {
        let source = Source {
            archive: state.archive,
            search: state.search,
            now: (state.now)(),
            stop,
            progress: ProgressBar::hidden(),
        };
        let outcome = export::run(&handle, &source, request, format, &options, out);
        is_whole(&outcome, format, state.shutdown.is_cancelled())
    });
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(N_ARTICLES, HeaderValue::from(n_articles));
    let disposition = format!("attachment; filename=\"{}\"", format.file_name());
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Tells the log how an export ended; answers whether it is whole.
fn is_whole(outcome: &Result<Written, ExportError>, format: Format, is_shutdown: bool) -> bool {
    match outcome {
        Ok(written) => info!(
            export.format = ?format,
            articles.n = written.n_articles,
            is_cut = written.is_cut,
            "exported {} statements",
            written.n_statements,
        ),
        Err(ExportError::Write(error)) => debug!(%error, "nobody took the export to its end"),
        Err(ExportError::Stopped) if !is_shutdown => debug!("nobody waits for the export"),
        Err(error) => warn!(%error, "an export broke off"),
    }
    outcome.is_ok()
}

/// What `write` writes, on a thread of its own, until it answers whether that is the whole; the permit
/// goes back then.
///
/// `write` must end soon after its token is cancelled: when nobody waits for the body any more, or with
/// `stop`. What it writes fails once nothing was taken for `untaken_max`. A body that is not whole
/// breaks off, so that nobody takes a part for the whole.
fn streamed(
    permit: OwnedSemaphorePermit,
    stop: CancellationToken,
    untaken_max: Duration,
    write: impl FnOnce(CancellationToken, &mut dyn Write) -> bool + Send + 'static,
) -> Body {
    let (sender, receiver) = mpsc::channel::<Bytes>(N_BUFFERS);
    let (whole, is_whole) = oneshot::channel::<()>();
    tokio::spawn(stop_when_left(sender.clone(), stop.clone()));
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _held = permit;
        // Ends the watch, also after a panic: the body ends when nobody can write any more.
        let _ended = stop.clone().drop_guard();
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, Sink { sender, handle, untaken_max });
        if write(stop, &mut out) {
            let _ = whole.send(());
        }
        // Dropped as it is, it would wait once more to hand on what nobody takes.
        let _ = out.into_parts();
    });
    let end = stream::once(is_whole).filter_map(|it| {
        ready(it.err().map(|_| Err::<Bytes, _>(io::Error::other("the export broke off"))))
    });
    Body::from_stream(ReceiverStream::new(receiver).map(Ok::<_, io::Error>).chain(end))
}

/// Cancels `stop` when nobody takes any more what is sent; ends with `stop`.
async fn stop_when_left(sender: mpsc::Sender<Bytes>, stop: CancellationToken) {
    tokio::select! {
        () = sender.closed() => stop.cancel(),
        () = stop.cancelled() => {}
    }
}

/// Hands what is written to the body; waits while the reader is slow, fails when it is gone or takes
/// nothing for too long.
struct Sink {
    sender: mpsc::Sender<Bytes>,
    handle: Handle,
    untaken_max: Duration,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sending = self.sender.send(Bytes::copy_from_slice(bytes));
        match self.handle.block_on(async { timeout(self.untaken_max, sending).await }) {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use axum::body::to_bytes;
    use axum::{Router, routing};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::Semaphore;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    fn permit(permits: &Arc<Semaphore>) -> OwnedSemaphorePermit {
        Arc::clone(permits).try_acquire_owned().unwrap()
    }

    /// Reads for twice as long as anybody waits, as formats of graphs do: they write nothing before
    /// all is read.
    fn read_long(stop: CancellationToken, _out: &mut dyn Write) -> bool {
        for _ in 0..400 {
            if stop.is_cancelled() {
                break;
            }
            thread::sleep(LONG / 200);
        }
        false
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_hangs_up_before_anything_is_written_ends_the_export() {
        let permits = Arc::new(Semaphore::new(1));
        let of_server = Arc::clone(&permits);
        let answer = move || {
            let stop = CancellationToken::new();
            ready(Response::new(streamed(permit(&of_server), stop, LONG, read_long)))
        };
        let router = Router::new().route("/", routing::get(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut line = TcpStream::connect(address).await.unwrap();
        line.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        timeout(LONG, line.read_exact(&mut head)).await.expect("it is kept back").unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        assert_eq!(permits.available_permits(), 0, "somebody waits");
        drop(line);
        let _again = timeout(LONG, permits.acquire()).await.expect("it goes on for nobody");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_takes_nothing_keeps_no_permit_and_gets_no_end() {
        let permits = Arc::new(Semaphore::new(1));
        let (stop, untaken_max) = (CancellationToken::new(), Duration::from_millis(20));
        let body = streamed(permit(&permits), stop, untaken_max, |_, out| {
            let buffer = vec![b'x'; BUFFER_BYTES];
            (0..2 * N_BUFFERS).all(|_| out.write_all(&buffer).is_ok())
        });
        let _again = timeout(LONG, permits.acquire()).await.expect("its permit is kept");
        let taken = timeout(LONG, to_bytes(body, usize::MAX)).await.expect("it does not end");
        taken.expect_err("a part is taken for the whole");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_written_to_its_end_is_taken_for_the_whole() {
        let permits = Arc::new(Semaphore::new(1));
        let body = streamed(permit(&permits), CancellationToken::new(), LONG, |_, out| {
            out.write_all(b"all of it").and_then(|()| out.flush()).is_ok()
        });
        let taken = timeout(LONG, to_bytes(body, usize::MAX)).await.expect("it does not end");
        assert_eq!(&taken.unwrap()[..], b"all of it");
        let _again = timeout(LONG, permits.acquire()).await.expect("its permit is kept");
    }
}
