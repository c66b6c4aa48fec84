//! `/v1/articles/{id}` and the reading view `/articles/{id}`; articles are deleted here too.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use index::archive::access::Role;
use index::{ArticleIndicator, N_INDICATORS_MAX, StoredArticle, article_indicators};
use ingest::ArticleId;
use nlp::Annotation;
use serde::Serialize;
use utoipa::IntoParams;

use crate::access::{Principal, subject};
use crate::error::{ApiError, ErrorBody};
use crate::handlers::etag;
use crate::handlers::params::{Form, Params};
use crate::pages::text::href;
use crate::pages::versions::edits;
use crate::pages::{article, frame};
use crate::state::AppState;
use crate::undo;

/// An article with everything known about it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ArticleBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The page that was fetched.
    url: String,
    /// The address that the page itself names, or else the one to which redirects led.
    canonical_url: Option<String>,
    /// Id of the source.
    source: String,
    /// Display name of the source.
    source_name: String,
    /// ISO 3166-1 alpha-2 country of the source.
    source_country: Option<String>,
    /// Whether it comes from the bundled sample wire.
    is_sample: bool,
    /// Headline; may be empty.
    title: String,
    /// Names of the authors.
    authors: Vec<String>,
    /// Main text; offsets of the annotation count its characters.
    text: String,
    /// ISO 639-1 code.
    language: Option<String>,
    /// Name of the publication as the page gives it.
    site_name: Option<String>,
    /// Publication time.
    published_at: Option<DateTime<Utc>>,
    /// When the page was fetched.
    fetched_at: DateTime<Utc>,
    /// SHA-256 of the page's bytes.
    page_sha256: String,
    /// Time of the last change as the page gives it.
    modified_at: Option<DateTime<Utc>>,
    /// Address of the lead image.
    image: Option<String>,
    /// Part of the publication in which it appeared.
    section: Option<String>,
    /// What the publication files it under.
    tags: Vec<String>,
    /// Whether the text is only what stands before a paywall.
    is_paywall_stub: bool,
    /// Pages that the text was put together from.
    n_pages: u32,
    /// Id of its story; `null` until it is correlated.
    story: Option<String>,
    /// What was found in it; `null` until it has been read.
    annotation: Option<Annotation>,
    /// Technical indicators in headline and text without defanging, at most 500.
    indicators: Vec<ArticleIndicator>,
}

impl From<StoredArticle> for ArticleBody {
    fn from(stored: StoredArticle) -> ArticleBody {
        let article = stored.article;
        let mut indicators = article_indicators(&article.title, &article.text);
        indicators.truncate(N_INDICATORS_MAX);
        ArticleBody {
            id: article.id.to_string(),
            url: article.url.to_string(),
            canonical_url: article.canonical_url.map(|it| it.to_string()),
            source: article.source.to_string(),
            source_name: stored.source_name,
            source_country: stored.source_country,
            is_sample: stored.is_sample,
            title: article.title,
            authors: article.authors,
            text: article.text,
            language: article.language,
            site_name: article.site_name,
            published_at: article.published_at,
            fetched_at: article.fetched_at,
            page_sha256: article.page_sha256,
            modified_at: article.details.modified_at,
            image: article.details.image,
            section: article.details.section,
            tags: article.details.tags,
            is_paywall_stub: article.details.is_paywall_stub,
            n_pages: article.details.n_pages,
            story: stored.story.map(|it| it.to_string()),
            annotation: stored.annotation,
            indicators,
        }
    }
}

/// An article with its text, mentions, statements and sectors.
#[utoipa::path(
    get, path = "/v1/articles/{id}", tag = "articles",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = OK, body = ArticleBody),
        (status = NOT_MODIFIED, description = "`If-None-Match` names the current `ETag`"),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let stored = find(&state, &id).await?;
    etag::json(&headers, &ArticleBody::from(stored))
}

/// The reading view.
pub(crate) async fn page(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let stored = find(&state, &id).await?;
    let story = match &stored.story {
        Some(id) => state.archive.story(id).await?,
        None => None,
    };
    let told = story.filter(|it| it.summary.n_articles > 1);
    let id = &stored.article.id;
    let earlier = state.archive.article_versions(id).await?;
    let reading = state.archive.reading_state(id).await?;
    let read_at = reading.as_ref().map_or(stored.article.fetched_at, |it| it.read_at);
    let (article, now) = (stored.article.clone(), (state.now)());
    // Differences of long texts take a while: not among those who answer.
    let edits = tokio::task::spawn_blocking(move || edits(&article, read_at, &earlier, now)).await;
    let evidence = state.archive.evidence(id, &stored.article.page_sha256).await?;
    frame::render(&article::page(article::Input {
        stored: &stored,
        edits: edits.map_err(ApiError::internal)?,
        reading,
        has_evidence: evidence.is_some(),
        can_edit: Principal::current().is_some_and(|it| Role::Analyst <= it.role),
        story_headline: told.map(|it| it.summary.headline),
        sectors: &state.sectors,
        shows_sample: state.sample_anchor.is_some(),
        now: (state.now)(),
    }))
}

/// How an article is deleted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `remove` reads")]
pub(crate) struct RemovalParams {
    /// Whether nothing of it is kept for an undo; `false` by default.
    permanent: Option<bool>,
}

/// Deletes an article with its text, earlier versions, statements and alerts. It does not come back,
/// whichever feed names it; for 24 hours `restore` brings it back, unless it goes for good.
#[utoipa::path(
    delete, path = "/v1/articles/{id}", tag = "articles",
    params(("id" = String, Path, description = "32 hexadecimal digits"), RemovalParams),
    responses(
        (status = NO_CONTENT), (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
    params: Params,
) -> Result<StatusCode, ApiError> {
    let params = params.only(&["permanent"])?;
    if params.parsed::<bool>("permanent")?.unwrap_or_default() {
        delete_for_good(&state, &id).await?;
    } else {
        delete(&state, &id).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The same by the button of the article's page.
pub(crate) async fn submit_removal(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(sent): Form,
) -> Result<Response, ApiError> {
    if sent.parsed::<bool>("permanent")?.unwrap_or_default() {
        delete_for_good(&state, &id).await?;
        return Ok(Redirect::to("/").into_response());
    }
    let id = match delete(&state, &id).await {
        Ok(id) => id,
        // A second click: the answer to it is what is seen, and must offer the undo as well.
        Err(error) if error.status == StatusCode::NOT_FOUND => {
            let id: ArticleId = id.parse().map_err(|_| missing())?;
            let since = undo::since((state.now)());
            state.archive.removed_article(&id, since).await?.ok_or(error)?.id
        }
        Err(error) => return Err(error),
    };
    let id = id.to_string();
    Ok(Redirect::to(&href("/", [("deleted", id.as_str())])).into_response())
}

/// Answers the article's own id.
async fn delete(state: &AppState, id: &str) -> Result<ArticleId, ApiError> {
    let article = find(state, id).await?.article;
    subject::note(article.url.as_str());
    let is_deleted = state.archive.delete_article(&article.id, (state.now)()).await?;
    if is_deleted { Ok(article.id) } else { Err(missing()) }
}

/// Also what was deleted before and could be brought back.
async fn delete_for_good(state: &AppState, id: &str) -> Result<(), ApiError> {
    let id = match find(state, id).await {
        Ok(stored) => {
            subject::note(&format!("for good: {}", stored.article.url));
            stored.article.id
        }
        Err(error) if error.status == StatusCode::NOT_FOUND => {
            let id: ArticleId = id.parse().map_err(|_| missing())?;
            let removed = state.archive.removed_article(&id, DateTime::default()).await?;
            subject::note("for good");
            removed.ok_or_else(missing)?.id
        }
        Err(error) => return Err(error),
    };
    let was_there = state.archive.delete_article_for_good(&id, (state.now)()).await?;
    if was_there { Ok(()) } else { Err(missing()) }
}

/// The article with that id, or the one that is known under the address that has it.
pub(super) async fn find(state: &AppState, id: &str) -> Result<StoredArticle, ApiError> {
    let id: ArticleId = id.parse().map_err(|_| missing())?;
    if let Some(stored) = state.archive.article(&id).await? {
        return Ok(stored);
    }
    let other = state.archive.article_at(&id).await?.ok_or_else(missing)?;
    state.archive.article(&other).await?.ok_or_else(missing)
}

pub(super) fn missing() -> ApiError {
    ApiError::not_found("there is no such article")
}
