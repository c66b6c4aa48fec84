//! `/v1/articles/{id}/versions` and `/v1/articles/{id}/warc`: what an article said before, and the
//! proof of what it says now.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use index::archive::versions::{ArticleVersion, ReadingState};
use ingest::revision::{Piece, word_diff};
use ingest::warc_writer::{WARC_FOLDER, read_record};
use nlp::statement_changes::StatementChange;
use serde::Serialize;

use super::articles::find;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::etag;
use crate::state::AppState;

/// A version of an article.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct VersionBody {
    /// Its number, from 1.
    version: u64,
    /// Its headline.
    title: String,
    /// When it was read first.
    read_at: DateTime<Utc>,
    /// SHA-256 of its page.
    page_sha256: String,
    /// Its text.
    text: String,
    /// How the text differs from the version before, word by word; `null` for the first.
    diff: Option<Vec<Piece>>,
    /// What the edit did to the hostile statements; `null` for the first version, and until the
    /// new one has been read by the models.
    statement_changes: Option<Vec<StatementChange>>,
}

/// The versions of an article and how it stands with its page.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct VersionsBody {
    /// 32 hexadecimal digits.
    id: String,
    /// Oldest first; the last is the article as it reads now.
    versions: Vec<VersionBody>,
    /// Last look at the page after the latest version was read.
    checked_at: Option<DateTime<Utc>>,
    /// Next look at the page.
    next_check_at: Option<DateTime<Utc>>,
    /// Since when the page is gone (404 or 410).
    gone_at: Option<DateTime<Utc>>,
}

/// How an article read before, what each edit changed, and when its page is looked at again.
#[utoipa::path(
    get, path = "/v1/articles/{id}/versions", tag = "articles",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = OK, body = VersionsBody),
        (status = NOT_MODIFIED, description = "`If-None-Match` names the current `ETag`"),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let article = find(&state, &id).await?.article;
    let earlier = state.archive.article_versions(&article.id).await?;
    let reading = state.archive.reading_state(&article.id).await?;
    // Differences of long texts take a while: not among those who answer.
    let body = tokio::task::spawn_blocking(move || body(article, earlier, reading)).await;
    etag::json(&headers, &body.map_err(ApiError::internal)?)
}

fn body(
    article: ingest::Article,
    earlier: Vec<ArticleVersion>,
    reading: Option<ReadingState>,
) -> VersionsBody {
    let now = ArticleVersion {
        version: earlier.last().map_or(1, |it| it.version + 1),
        title: article.title,
        text: article.text,
        page_sha256: article.page_sha256,
        read_at: reading.as_ref().map_or(article.fetched_at, |it| it.read_at),
        annotation: None,
        changes: None,
    };
    let mut versions: Vec<VersionBody> = Vec::with_capacity(earlier.len() + 1);
    let mut changes = None;
    for it in earlier.into_iter().chain([now]) {
        let before = versions.last().map(|it| it.text.as_str());
        versions.push(VersionBody {
            diff: before.map(|before| word_diff(before, &it.text)),
            statement_changes: std::mem::replace(&mut changes, it.changes),
            version: it.version,
            title: it.title,
            read_at: it.read_at,
            page_sha256: it.page_sha256,
            text: it.text,
        });
    }
    VersionsBody {
        id: article.id.to_string(),
        versions,
        checked_at: reading.as_ref().and_then(|it| it.checked_at),
        next_check_at: reading.as_ref().and_then(|it| it.due_at),
        gone_at: reading.and_then(|it| it.gone_at),
    }
}

/// What became of the wish to look again.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct RereadBody {
    /// 32 hexadecimal digits.
    id: String,
    /// From when on the page may be asked for; politeness may take a while.
    due_at: DateTime<Utc>,
}

/// Lets the page of an article be looked at again as soon as politeness allows.
#[utoipa::path(
    post, path = "/v1/articles/{id}/reread", tag = "articles",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = ACCEPTED, body = RereadBody),
        (status = NOT_FOUND, body = ErrorBody,
            description = "no such article, or its source is not crawled")
    )
)]
pub(crate) async fn reread(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let due_at = (state.now)();
    let id = request(&state, &id, due_at).await?;
    Ok((StatusCode::ACCEPTED, Json(RereadBody { id, due_at })).into_response())
}

/// The same by the button of the article's page.
pub(crate) async fn submit_reread(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = request(&state, &id, (state.now)()).await?;
    Ok(Redirect::to(&format!("/articles/{id}")).into_response())
}

async fn request(state: &AppState, id: &str, now: DateTime<Utc>) -> Result<String, ApiError> {
    let article = find(state, id).await?.article;
    let is_planned = state.archive.request_reading(&article.id, now).await?;
    let missing = || ApiError::not_found("the source of this article is not crawled");
    is_planned.then(|| article.id.to_string()).ok_or_else(missing)
}

/// What the server sent when the article was read: one WARC record, compressed with gzip.
#[utoipa::path(
    get, path = "/v1/articles/{id}/warc", tag = "articles",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = OK, description = "a WARC record, gzip", content_type = "application/warc"),
        (status = NOT_FOUND, body = ErrorBody,
            description = "no such article, or what the server sent was not kept")
    )
)]
pub(crate) async fn warc(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let article = find(&state, &id).await?.article;
    let missing = || ApiError::not_found("what the server sent was not kept for this article");
    let place = state.archive.evidence(&article.id, &article.page_sha256).await?;
    let place = place.ok_or_else(missing)?;
    let folder = state.config.settings.data_dir.join(WARC_FOLDER);
    let read = tokio::task::spawn_blocking(move || read_record(&folder, &place)).await;
    let record = read.map_err(ApiError::internal)?.map_err(|error| {
        tracing::warn!("the WARC record of article {id} cannot be read: {error}");
        missing()
    })?;
    let name = format!("attachment; filename=\"{}.warc.gz\"", article.id);
    let name = HeaderValue::from_str(&name).map_err(ApiError::internal)?;
    let kind = HeaderValue::from_static("application/warc");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], record)
        .into_response())
}
