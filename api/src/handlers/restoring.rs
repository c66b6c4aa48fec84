//! What was deleted comes back: `/v1/articles/{id}/restore`, `/v1/saved-searches/{id}/restore`,
//! `/v1/sources/{id}/restore`, and the button that a page shows after a deletion, also of a user or a key.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use config::{SearchId, SourceId};
use index::archive::added_sources::Addition;
use index::archive::removed_access::Restored;
use ingest::ArticleId;
use serde_json::Value;

use crate::access::guard::require_admin;
use crate::access::subject;
use crate::error::{ApiError, ErrorBody};
use crate::handlers::articles::{self, ArticleBody};
use crate::handlers::json_body::conflict;
use crate::handlers::saved_searches::{body_of, known, refused};
use crate::handlers::source_list::{self, SourceBody};
use crate::state::AppState;
use crate::undo;

/// Brings back an article that was deleted in the last 24 hours and not for good, with its story,
/// statements and alerts. Nobody is told of it again.
#[utoipa::path(
    post, path = "/v1/articles/{id}/restore", tag = "articles",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = OK, body = ArticleBody), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "it is there")
    )
)]
pub(crate) async fn article(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<ArticleBody>, ApiError> {
    let (id, was_deleted) = restore_article(&state, &id).await?;
    if !was_deleted {
        return Err(conflict("this article is not deleted"));
    }
    Ok(Json(ArticleBody::from(articles::find(&state, &id.to_string()).await?)))
}

/// Brings back a saved search that was deleted in the last 24 hours, as it was.
#[utoipa::path(
    post, path = "/v1/saved-searches/{id}/restore", tag = "saved searches",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = OK, body = Object), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "there is one with this id")
    )
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    restore_search(&state, &id).await?;
    Ok(Json(body_of(&known(&state, &id).await?)))
}

/// Brings back an added source that was removed in the last 24 hours; it is due at once, unless it
/// was paused.
#[utoipa::path(
    post, path = "/v1/sources/{id}/restore", tag = "sources",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = OK, body = SourceBody), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "its id or address is taken by now")
    )
)]
pub(crate) async fn source(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<SourceBody>, ApiError> {
    restore_source(&state, &id).await?;
    Ok(Json(source_list::body_of(&state, &SourceId::new(id)).await?))
}

/// The button of the first page. A second click leads to the article, too.
pub(crate) async fn submit_article(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = restore_article(&state, &id).await?.0.to_string();
    Ok(Redirect::to(&crate::pages::text::path_href("articles", &id)).into_response())
}

/// The button of the page of alerts.
pub(crate) async fn submit_search(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    restore_search(&state, &id).await?;
    let to = crate::pages::text::href("/alerts", [("state", "all"), ("search", id.as_str())]);
    Ok(Redirect::to(&to).into_response())
}

/// The button of the page of sources.
pub(crate) async fn submit_source(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    restore_source(&state, &id).await?;
    let to = crate::pages::text::href("/sources", [("restored", id.as_str())]);
    Ok(Redirect::to(&to).into_response())
}

/// The button of the page of settings after a user was removed.
pub(crate) async fn submit_user(
    State(state): State<AppState>,
    Path(name): Path<String>,
) -> Result<Response, ApiError> {
    require_admin()?;
    subject::note(&name);
    let restored = state.archive.restore_user(&name, undo::since((state.now)())).await?;
    to_settings(restored, "user", &name)
}

/// The button of the page of settings after a key was removed.
pub(crate) async fn submit_key(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    require_admin()?;
    let since = undo::since((state.now)());
    if let Some(name) = state.archive.removed_api_key(&id, since).await? {
        subject::note(&name);
    }
    to_settings(state.archive.restore_api_key(&id, since).await?, "key", &id)
}

fn to_settings(restored: Restored, what: &str, id: &str) -> Result<Response, ApiError> {
    match restored {
        Restored::Back => Ok(Redirect::to("/settings").into_response()),
        Restored::Taken => Err(conflict(format!("there is a {what} `{id}` by now"))),
        Restored::Missing => {
            Err(ApiError::not_found(format!("no {what} `{id}` was removed lately")))
        }
    }
}

/// Answers the article's own id, and whether it was deleted until now.
async fn restore_article(state: &AppState, id: &str) -> Result<(ArticleId, bool), ApiError> {
    let now = (state.now)();
    let since = undo::since(now);
    let id: ArticleId = id.parse().map_err(|_| articles::missing())?;
    let removed = state.archive.removed_article(&id, since).await?;
    let id = removed.map_or(id, |it| it.id);
    let restored = state.archive.restore_article(&id, since, now).await?;
    if let Some(stored) = state.archive.article(&id).await? {
        subject::note(stored.article.url.as_str());
    }
    match restored {
        Restored::Back => Ok((id, true)),
        Restored::Taken => Ok((id, false)),
        Restored::Missing => Err(ApiError::not_found("no such article was deleted lately")),
    }
}

async fn restore_search(state: &AppState, id: &str) -> Result<(), ApiError> {
    let now = (state.now)();
    let restored = state.archive.restore_search(&SearchId::new(id), undo::since(now), now).await?;
    refused(restored, id)
}

async fn restore_source(state: &AppState, id: &str) -> Result<(), ApiError> {
    let now = (state.now)();
    let restored = state.archive.restore_source(&SourceId::new(id), undo::since(now), now).await?;
    state.roster.refresh(&state.archive).await?;
    match restored {
        Some(Addition::Added) => Ok(()),
        Some(Addition::IdTaken) => Err(conflict(format!("there is a source `{id}` by now"))),
        Some(Addition::AddressTaken(other)) => {
            Err(conflict(format!("its address is read by the source `{other}` by now")))
        }
        Some(Addition::Full) => Err(conflict("there are too many sources")),
        None => Err(ApiError::not_found(format!("no source `{id}` was removed lately"))),
    }
}
