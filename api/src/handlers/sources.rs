//! The page `/sources`: forms that work without a script.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use config::SourceId;
use serde_json::json;

use crate::access::{Principal, subject};
use crate::additions::AddError;
use crate::error::ApiError;
use crate::handlers::opml::import;
use crate::handlers::params::{Form, Params};
use crate::handlers::restoring;
use crate::handlers::source_list::{bodies, delete, desk, pause};
use crate::handlers::upload::Upload;
use crate::opml::Imported;
use crate::pages::sources::Shown;
use crate::pages::text::{counted, href};
use crate::pages::{frame, sources};
use crate::state::AppState;
use crate::undo;

/// The page's addresses.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/sources", get(page).post(add))
        .route("/sources/test", post(test))
        .route("/sources/opml", post(take_in))
        .route("/sources/{id}/pause", post(pause_one))
        .route("/sources/{id}/remove", post(remove_one))
        .route("/sources/{id}/restore", post(restoring::submit_source))
}

/// Shows the health of every source.
async fn page(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let name_of = |id: &str| {
        let listed = state.roster.listed_now();
        listed.get(&SourceId::new(id)).map(|it| it.source.name.clone())
    };
    let added = params.get("added").and_then(name_of);
    let restored = params.get("restored").and_then(name_of);
    let said = added.map(|it| format!("{it} is read from now on."));
    let said = said.or_else(|| restored.map(|it| format!("{it} is back.")));
    let since = undo::since((state.now)());
    let removed = match params.get("removed") {
        Some(id) => state.archive.removed_source(&SourceId::new(id), since).await?,
        None => None,
    };
    let removed = removed.map(|it| it.source);
    show(&state, Shown { said, removed, ..Shown::default() }).await
}

async fn show(state: &AppState, shown: Shown) -> Result<Response, ApiError> {
    frame::render(&sources::page(sources::Input {
        sources: bodies(state).await?,
        sectors: &state.sectors,
        now: (state.now)(),
        shown,
    }))
}

/// Finds the feed of an address and adds it, or shows what was found instead.
async fn add(State(state): State<AppState>, Form(sent): Form) -> Result<Response, ApiError> {
    let mut shown = typed(&sent);
    let mut value = json!({ "url": shown.url });
    if !shown.name.is_empty() {
        value["name"] = json!(shown.name);
    }
    match desk(&state).add(&value, &Principal::name_of_current()).await {
        Ok(source) => {
            subject::note(source.id.as_str());
            let to = format!("/sources?added={}", source.id);
            return Ok(Redirect::to(&to).into_response());
        }
        Err(AddError::Archive(error)) => return Err(error.into()),
        Err(AddError::Unusable { message, trial }) => {
            shown.error = Some(format!("Not added; {message}"));
            shown.trial = Some(*trial);
        }
        Err(error) => shown.error = Some(format!("Not added: {error}")),
    }
    show(&state, shown).await
}

/// Shows step by step what would happen with an address.
async fn test(State(state): State<AppState>, Form(sent): Form) -> Result<Response, ApiError> {
    let mut shown = typed(&sent);
    match desk(&state).try_out(&json!({ "url": shown.url })).await {
        Ok(trial) => shown.trial = Some(trial),
        Err(AddError::Archive(error)) => return Err(error.into()),
        Err(error) => shown.error = Some(error.to_string()),
    }
    show(&state, shown).await
}

/// Takes in a list of feeds: a file, or its text.
async fn take_in(State(state): State<AppState>, sent: Upload) -> Result<Response, ApiError> {
    if sent.list.is_empty() {
        let error = Some("No list was chosen.".to_owned());
        return show(&state, Shown { error, ..Shown::default() }).await;
    }
    let shown = match import(&state, sent.list, sent.content_type, None).await {
        Ok(imported) => Shown { said: Some(told(&imported)), ..Shown::default() },
        Err(error) if error.status.is_client_error() => {
            Shown { error: Some(error.message), ..Shown::default() }
        }
        Err(error) => return Err(error),
    };
    show(&state, shown).await
}

async fn pause_one(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(sent): Form,
) -> Result<Response, ApiError> {
    pause(&state, &id, sent.get("paused") == Some("true")).await?;
    Ok(Redirect::to("/sources").into_response())
}

async fn remove_one(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    delete(&state, &id).await?;
    Ok(Redirect::to(&href("/sources", [("removed", id.as_str())])).into_response())
}

fn typed(sent: &Params) -> Shown {
    let text = |name| sent.get(name).unwrap_or_default().trim().to_owned();
    Shown { url: text("url"), name: text("name"), ..Shown::default() }
}

/// What became of a list, in a sentence or two.
fn told(imported: &Imported) -> String {
    let n_added = imported.added.len() as u64;
    let mut said = format!(
        "{} added, {} read already.",
        counted(n_added, "source", "sources"),
        imported.n_known
    );
    for refused in imported.refused.iter().take(10) {
        said.push_str(&format!(" “{}” was left out: {}.", refused.title, refused.reason));
    }
    said
}
