//! What analysts decide about stories: merge, split, move, pin. Their word stands.

use axum::Form;
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use index::archive::story_edits::{N_MOVED_MAX, StoryEdit};
use ingest::ArticleId;
use serde::{Deserialize, Serialize};

use super::stories::current;
use crate::access::subject;
use crate::error::{ApiError, ErrorBody};
use crate::state::AppState;

/// Articles that one request may name.
const N_ARTICLES_MAX: usize = 500;

/// The story that takes another in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeBody {
    /// Id of the story that is left.
    into: String,
}

/// Articles of a decision.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArticlesBody {
    /// Ids of 1 to 500 articles.
    articles: Vec<String>,
}

/// What a decision did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EditBody {
    /// The story that the articles are in now.
    story: String,
    /// Articles that were moved or pinned.
    n_articles: u64,
}

/// What is to be done.
enum Decision {
    /// The story ends in this one.
    Merge(String),
    Split(Vec<String>),
    Pin(Vec<String>),
    Unpin(Vec<String>),
}

/// Merges the story into another. All their articles are pinned there; the old address leads to
/// the new one.
#[utoipa::path(
    post, path = "/v1/stories/{id}/merge", tag = "stories", request_body = MergeBody,
    params(("id" = String, Path, description = "the story that ends")),
    responses(
        (status = OK, body = EditBody), (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn merge(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Json<MergeBody>, JsonRejection>,
) -> Result<Json<EditBody>, ApiError> {
    decide(&state, &id, Decision::Merge(read(body)?.into)).await.map(Json)
}

/// Takes articles out of the story into a new one; both halves are pinned.
#[utoipa::path(
    post, path = "/v1/stories/{id}/split", tag = "stories", request_body = ArticlesBody,
    params(("id" = String, Path, description = "the story that is split")),
    responses(
        (status = OK, body = EditBody), (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn split(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Json<ArticlesBody>, JsonRejection>,
) -> Result<Json<EditBody>, ApiError> {
    decide(&state, &id, Decision::Split(read(body)?.articles)).await.map(Json)
}

/// Puts articles into the story, from wherever they are, and pins them there.
#[utoipa::path(
    post, path = "/v1/stories/{id}/pin", tag = "stories", request_body = ArticlesBody,
    params(("id" = String, Path, description = "the story that the articles belong to")),
    responses(
        (status = OK, body = EditBody), (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn pin(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Json<ArticlesBody>, JsonRejection>,
) -> Result<Json<EditBody>, ApiError> {
    decide(&state, &id, Decision::Pin(read(body)?.articles)).await.map(Json)
}

/// Takes the pins from articles of the story: they stay, until evidence moves them.
#[utoipa::path(
    post, path = "/v1/stories/{id}/unpin", tag = "stories", request_body = ArticlesBody,
    params(("id" = String, Path, description = "the story that the articles are in")),
    responses(
        (status = OK, body = EditBody), (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn unpin(
    State(state): State<AppState>,
    Path(id): Path<String>,
    body: Result<Json<ArticlesBody>, JsonRejection>,
) -> Result<Json<EditBody>, ApiError> {
    decide(&state, &id, Decision::Unpin(read(body)?.articles)).await.map(Json)
}

/// The form of the story's page: `action`, any number of `article`, and `to`, the id or address of
/// another story.
pub(crate) async fn submit(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let all = |name: &str| {
        let found = fields.iter().filter(|it| it.0 == name).map(|it| it.1.trim().to_owned());
        found.collect::<Vec<String>>()
    };
    let articles = all("article");
    let to = all("to").into_iter().next().unwrap_or_default();
    let to = to.rsplit('/').next().unwrap_or_default().to_owned();
    let action = all("action").into_iter().next().unwrap_or_default();
    let (story, decision) = match action.as_str() {
        "merge" => (id, Decision::Merge(to)),
        "split" => (id, Decision::Split(articles)),
        "move" => (to, Decision::Pin(articles)),
        "pin" => (id, Decision::Pin(articles)),
        "unpin" => (id, Decision::Unpin(articles)),
        _ => return Err(ApiError::invalid_parameter("action", "unknown")),
    };
    let done = decide(&state, &story, decision).await?;
    Ok(Redirect::to(&format!("/stories/{}", done.story)).into_response())
}

async fn decide(state: &AppState, id: &str, decision: Decision) -> Result<EditBody, ApiError> {
    let missing = || ApiError::not_found("there is no such story");
    let story = current(state, id).await?.ok_or_else(missing)?;
    let (archive, now) = (&state.archive, (state.now)());
    let (field, outcome) = match decision {
        Decision::Merge(into) => {
            let unknown = || ApiError::invalid_parameter("into", "is the id of no story");
            let other = current(state, &into).await?.ok_or_else(unknown)?;
            if other == story {
                return Err(ApiError::invalid_parameter("into", "is this story itself"));
            }
            subject::note(&format!("into {other}"));
            ("into", archive.merge_stories(&story, &other, now).await?)
        }
        Decision::Split(it) => {
            ("articles", archive.split_story(&story, &articles(&it)?, now).await?)
        }
        Decision::Pin(it) => {
            ("articles", archive.pin_articles(&story, &articles(&it)?, now).await?)
        }
        Decision::Unpin(it) => {
            ("articles", archive.unpin_articles(&story, &articles(&it)?, now).await?)
        }
    };
    match outcome {
        StoryEdit::Done(story, n_articles) => Ok(EditBody { story: story.to_string(), n_articles }),
        StoryEdit::NoStory if field == "into" => {
            Err(ApiError::invalid_parameter("into", "is the id of no story"))
        }
        StoryEdit::NoStory => Err(missing()),
        StoryEdit::NoArticle(it) => {
            Err(ApiError::invalid_parameter(field, format!("{it} is no article of a story here")))
        }
        StoryEdit::TooMany => Err(ApiError::invalid_parameter(
            field,
            format!("more than {N_MOVED_MAX} articles would move"),
        )),
    }
}

fn read<T>(body: Result<Json<T>, JsonRejection>) -> Result<T, ApiError> {
    let read = body.map_err(|error| ApiError::invalid_parameter("body", error.body_text()))?;
    Ok(read.0)
}

fn articles(ids: &[String]) -> Result<Vec<ArticleId>, ApiError> {
    if ids.is_empty() || N_ARTICLES_MAX < ids.len() {
        let what = format!("name 1 to {N_ARTICLES_MAX} articles, not {}", ids.len());
        return Err(ApiError::invalid_parameter("articles", what));
    }
    let parse = |it: &String| {
        let wrong =
            |_| ApiError::invalid_parameter("articles", "holds what is no id of an article");
        it.parse::<ArticleId>().map_err(wrong)
    };
    let mut parsed = ids.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    parsed.sort_unstable();
    parsed.dedup();
    Ok(parsed)
}
