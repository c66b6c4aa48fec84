//! `POST /v1/articles`: a single page, named by its address, becomes an article.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use index::Archive;
use index::archive::submissions::EntryState;
use ingest::fetch::is_private_literal;
use ingest::{CanonicalUrl, Entry, FailureClass};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorBody};
use crate::handlers::json_body;
use crate::state::AppState;
use crate::submitted;

/// How long an answer waits for the page; politeness may take longer.
const WAIT_MAX: Duration = Duration::from_secs(10);
const CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// A page to read.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Submission {
    /// An http or https address.
    #[schema(examples("https://example.org/news/1"))]
    url: String,
}

/// What became of the page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SubmittedBody {
    /// Id of the article, 32 hexadecimal digits; it is under `/v1/articles/{id}` once archived.
    id: String,
    /// The address in canonical form.
    url: String,
    /// Id of the source that it is filed under.
    source: String,
    /// How it stands.
    state: SubmittedState,
    /// Why the last try failed.
    failure: Option<SubmittedFailure>,
    /// When the next try is due, after a failure.
    retry_at: Option<DateTime<Utc>>,
}

/// How it stands with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SubmittedState {
    /// The article is in the archive, and searchable soon.
    Archived,
    /// The page waits for its turn, the first time or again.
    Waiting,
}

/// Why a page gave no article.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SubmittedFailure {
    /// Stable name of the class: `robots`, `http_404`, `no_text`…
    class: String,
    /// One sentence.
    message: String,
}

/// Reads a single page as if a feed had named it: politely, by robots.txt, and through the whole
/// pipeline. Asking again for one that failed tries again.
#[utoipa::path(
    post, path = "/v1/articles", tag = "articles", request_body = Submission,
    responses(
        (status = OK, body = SubmittedBody, description = "it was archived before"),
        (status = CREATED, body = SubmittedBody, description = "it is archived now"),
        (status = ACCEPTED, body = SubmittedBody,
            description = "it waits for its turn; ask again to see what became of it"),
        (status = CONFLICT, body = ErrorBody, description = "the article was deleted"),
        (status = UNSUPPORTED_MEDIA_TYPE, body = ErrorBody),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody,
            description = "no such address may be asked, or the page gives no article; the code \
                           is the class of the failure")
    )
)]
pub(crate) async fn submit(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = json_body::read(&headers, &body)?;
    let given = Submission::deserialize(body)
        .map_err(|error| json_body::invalid(format!("the body is no submission: {error}")))?;
    let url = CanonicalUrl::parse(&given.url)
        .map_err(|error| json_body::invalid(format!("`url`: {error}")))?;
    let page = url.to_url();
    let listed = submitted::source_of_page(&state.roster, &page);
    let source = &listed.source;
    if is_private_literal(&page) && !source.allow_private_addresses {
        return Err(failed(FailureClass::AddressRefused, "that is an address of an inner network"));
    }
    let entry = Entry::at(url, source.id.clone());
    let archive = &state.archive;
    if archive.entry_state(&entry.id).await? == Some(EntryState::Archived) {
        return archived(archive, StatusCode::OK, entry).await;
    }
    let mut stands = archive.submit_entry(&entry, (state.now)()).await?;
    let started = Instant::now();
    while stands == Some(EntryState::Waiting) && started.elapsed() < WAIT_MAX {
        tokio::time::sleep(CHECK_INTERVAL).await;
        stands = archive.entry_state(&entry.id).await?;
    }
    match stands {
        Some(EntryState::Archived) => archived(archive, StatusCode::CREATED, entry).await,
        Some(EntryState::Buried) => {
            Err(json_body::conflict("this article was deleted, and stays so"))
        }
        Some(EntryState::Failed(failure, None)) => {
            let class = failure.class.parse().unwrap_or(FailureClass::NoText);
            Err(failed(class, &failure.message))
        }
        Some(EntryState::Failed(failure, Some(retry_at))) => {
            let failure = SubmittedFailure { class: failure.class, message: failure.message };
            let failure = Some((failure, retry_at));
            Ok(answer(StatusCode::ACCEPTED, &entry, SubmittedState::Waiting, failure))
        }
        _ => Ok(answer(StatusCode::ACCEPTED, &entry, SubmittedState::Waiting, None)),
    }
}

/// Names the article of `entry`, which may have been read from another address.
async fn archived(
    archive: &Archive,
    status: StatusCode,
    entry: Entry,
) -> Result<Response, ApiError> {
    let id = archive.article_at(&entry.id).await?.unwrap_or(entry.id);
    Ok(answer(status, &Entry { id, ..entry }, SubmittedState::Archived, None))
}

fn failed(class: FailureClass, message: &str) -> ApiError {
    ApiError {
        code: class.name(),
        message: message.to_owned(),
        ..ApiError::of_status(StatusCode::UNPROCESSABLE_ENTITY)
    }
}

fn answer(
    status: StatusCode,
    entry: &Entry,
    state: SubmittedState,
    failure: Option<(SubmittedFailure, DateTime<Utc>)>,
) -> Response {
    let (failure, retry_at) = failure.unzip();
    let body = SubmittedBody {
        id: entry.id.to_string(),
        url: entry.url.to_string(),
        source: entry.source.to_string(),
        state,
        failure,
        retry_at,
    };
    (status, Json(body)).into_response()
}
