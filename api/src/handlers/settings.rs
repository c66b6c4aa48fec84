//! `/settings`: own password, users, keys and the log of changes.

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::TimeDelta;
use index::archive::access::{ApiKey, Role};
use serde::Deserialize;

use crate::access::guard::require_admin;
use crate::access::principal::Via;
use crate::access::{Principal, is_name, password, subject, token};
use crate::error::ApiError;
use crate::handlers::params::Params;
use crate::pages::text::{href, path_href};
use crate::pages::view::Undo;
use crate::pages::{frame, settings};
use crate::state::AppState;
use crate::undo;

/// Lines of the audit log on a page.
const N_AUDIT_SHOWN: usize = 100;
/// Longest life of a key, in days.
const KEY_DAYS_MAX: i64 = 3_650;

/// A new password for whoever asks.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    old: String,
    new: String,
}

/// A user to add.
#[derive(Deserialize)]
pub(crate) struct UserForm {
    name: String,
    role: String,
    password: String,
}

/// A user or key to remove.
#[derive(Deserialize)]
pub(crate) struct RemoveForm {
    id: String,
}

/// A key to make.
#[derive(Deserialize)]
pub(crate) struct KeyForm {
    name: String,
    role: String,
    /// Days until it ends; blank for never.
    #[serde(default)]
    days: String,
}

/// Shows what whoever asks may see and change.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let since = undo::since((state.now)());
    let mut removed = Vec::new();
    if let Some(name) = params.get("removed_user")
        && state.archive.is_removed_user(name, since).await?
    {
        let action = format!("/settings{}/restore", path_href("users", name));
        removed.push(Undo { what: name.to_owned(), action });
    }
    if let Some(id) = params.get("removed_key")
        && let Some(name) = state.archive.removed_api_key(id, since).await?
    {
        let action = format!("/settings{}/restore", path_href("keys", id));
        removed.push(Undo { what: name, action });
    }
    show(&state, None, params.parsed("before")?, removed).await
}

/// `before` is the line of the audit log before which the ones shown stand; `removed` is what was
/// removed just now.
async fn show(
    state: &AppState,
    new_key: Option<&str>,
    before: Option<i64>,
    removed: Vec<Undo>,
) -> Result<Response, ApiError> {
    let principal = Principal::current().ok_or_else(|| ApiError::unauthorized("log in first"))?;
    let is_admin = principal.role == Role::Admin;
    let (users, keys, (audit, older)) = if is_admin {
        let archive = &state.archive;
        let audit = archive.audit_page(before, N_AUDIT_SHOWN).await?;
        (archive.users().await?, archive.api_keys().await?, audit)
    } else {
        Default::default()
    };
    frame::render(&settings::page(settings::Input {
        principal: &principal,
        users,
        keys,
        audit,
        is_first: before.is_none(),
        older,
        new_key,
        removed,
        articles_days: state.config.settings.retention.articles_days,
        now: (state.now)(),
    }))
}

/// Changes the password of whoever asks; all sessions of that user end.
pub(crate) async fn change_password(
    State(state): State<AppState>,
    Form(form): Form<PasswordForm>,
) -> Result<Response, ApiError> {
    let principal = Principal::current().filter(|it| matches!(it.via, Via::Session { .. }));
    let principal = principal.ok_or_else(|| {
        ApiError::invalid_parameter("old", "only somebody who logged in has a password")
    })?;
    state.limits.login(&principal.name, "settings").map_err(ApiError::too_many_requests)?;
    let kept = state.archive.password_hash(&principal.name).await?;
    let (is_right, hash) = in_background(move || {
        (password::is_right(&form.old, kept.as_deref()), password::hash(&form.new))
    })
    .await?;
    if !is_right {
        return Err(ApiError::invalid_parameter("old", "this is not your password"));
    }
    let hash = hash.map_err(|error| ApiError::invalid_parameter("new", error))?;
    state.archive.set_password(&principal.name, &hash).await?;
    Ok(Redirect::to("/login?next=/settings").into_response())
}

/// Adds a user.
pub(crate) async fn add_user(
    State(state): State<AppState>,
    Form(form): Form<UserForm>,
) -> Result<Response, ApiError> {
    require_admin()?;
    let (name, role) = (checked_name(&form.name)?, checked_role(&form.role)?);
    subject::note(&format!("{name}, {role}"));
    let hash = in_background(move || password::hash(&form.password)).await?;
    let hash = hash.map_err(|error| ApiError::invalid_parameter("password", error))?;
    if !state.archive.add_user(&name, role, &hash, (state.now)()).await? {
        return Err(ApiError::invalid_parameter(
            "name",
            format!("there is a user `{name}` already"),
        ));
    }
    Ok(Redirect::to("/settings").into_response())
}

/// Removes a user.
pub(crate) async fn remove_user(
    State(state): State<AppState>,
    Form(form): Form<RemoveForm>,
) -> Result<Response, ApiError> {
    require_admin()?;
    subject::note(&form.id);
    if !state.archive.remove_user(&form.id, (state.now)()).await? {
        let reason = "no such user, or the last admin";
        return Err(ApiError::invalid_parameter("id", reason));
    }
    Ok(Redirect::to(&href("/settings", [("removed_user", form.id.as_str())])).into_response())
}

/// Makes a key and shows it, once.
pub(crate) async fn add_key(
    State(state): State<AppState>,
    Form(form): Form<KeyForm>,
) -> Result<Response, ApiError> {
    require_admin()?;
    let now = (state.now)();
    let days = match form.days.trim() {
        "" => None,
        text => {
            Some(text.parse::<i64>().ok().filter(|it| (1..=KEY_DAYS_MAX).contains(it)).ok_or_else(
                || ApiError::invalid_parameter("days", format!("1 to {KEY_DAYS_MAX}, or nothing")),
            )?)
        }
    };
    let secret = token::new_key();
    let key = ApiKey {
        id: uuid::Uuid::now_v7().simple().to_string(),
        name: checked_name(&form.name)?,
        role: checked_role(&form.role)?,
        created_at: now,
        expires_at: days.map(|it| now + TimeDelta::days(it)),
        last_used_at: None,
    };
    subject::note(&format!("{}, {}", key.name, key.role));
    state.archive.add_api_key(&key, &token::hash(&secret)).await?;
    show(&state, Some(&secret), None, Vec::new()).await
}

/// Removes a key.
pub(crate) async fn remove_key(
    State(state): State<AppState>,
    Form(form): Form<RemoveForm>,
) -> Result<Response, ApiError> {
    require_admin()?;
    let keys = state.archive.api_keys().await?;
    if let Some(key) = keys.iter().find(|it| it.id == form.id) {
        subject::note(&key.name);
    }
    if !state.archive.remove_api_key(&form.id, (state.now)()).await? {
        return Err(ApiError::invalid_parameter("id", "no such key"));
    }
    Ok(Redirect::to(&href("/settings", [("removed_key", form.id.as_str())])).into_response())
}

fn checked_name(name: &str) -> Result<String, ApiError> {
    let name = name.trim();
    if is_name(name) {
        return Ok(name.to_owned());
    }
    let reason = "1 to 64 letters, digits, `.`, `_`, `@` and `-`";
    Err(ApiError::invalid_parameter("name", reason))
}

fn checked_role(role: &str) -> Result<Role, ApiError> {
    role.parse().map_err(|error| ApiError::invalid_parameter("role", error))
}

async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)
}
