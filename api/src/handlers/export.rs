//! `/v1/export/{format}`: what a search finds, streamed in the format of another tool.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use std::io::{self, BufWriter, Write};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{self, HeaderName, HeaderValue};
use axum::response::Response;
use index::FilterField;
use index::search::{DateField, SearchRequest};
use indicatif::ProgressBar;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tracing::{debug, info, warn};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::export::{self, ExportError, Format, Options, Source, Tlp};
use crate::handlers::params::Params;
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
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(N_BUFFERS);
    let source = Source {
        archive: state.archive.clone(),
        search: state.search.clone(),
        now: (state.now)(),
        stop: state.shutdown.clone(),
        progress: ProgressBar::hidden(),
    };
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _held = permit;
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, Sink(sender.clone()));
        match export::run(&handle, &source, request, format, &options, &mut out) {
            Ok(written) => info!(
                export.format = ?format,
                articles.n = written.n_articles,
                is_cut = written.is_cut,
                "exported {} statements",
                written.n_statements,
            ),
            Err(ExportError::Write(error)) => debug!(%error, "nobody took the export to its end"),
            Err(error) => {
                warn!(%error, "an export broke off");
                // Breaks the body off, so that nobody takes a part for the whole.
                let _ = sender.blocking_send(Err(io::Error::other(error)));
            }
        }
    });
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
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

/// Hands what is written to the body; waits while the reader is slow, fails when it is gone.
struct Sink(mpsc::Sender<io::Result<Bytes>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
