//! `/v1/corrections` and the page `/corrections`: what readers say was read wrong.

use std::cmp::Reverse;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Json};
use config::GazetteerEntity;
use index::archive::corrections::{CorrectionRecord, N_CORRECTIONS_MAX, Undone};
use ingest::ArticleId;
use nlp::correction::{Correction, Subject};
use nlp::{EntityRef, StatementKind};
use serde::{Deserialize, Serialize};

use crate::access::{Principal, subject};
use crate::error::{ApiError, ErrorBody};
use crate::handlers::etag;
use crate::pages::{corrections, frame};
use crate::state::AppState;

/// How long an answer waits for a correction to reach the articles that were read before.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Longest note, in characters.
const NOTE_CHARS_MAX: usize = 500;
/// Longest name that a form gives, in characters.
const N_NAME_CHARS_MAX: usize = 200;
/// How the id of something begins that only a reader named.
const NEW_ENTITY: &str = "name:corrected:";

/// A correction to keep.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCorrection {
    /// What is wrong and what is right.
    correction: Correction,
    /// Why, at most 500 characters.
    #[serde(default)]
    note: Option<String>,
}

/// A correction that was kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct KeptCorrection {
    /// Its id.
    id: String,
    /// Articles that it changed; `null` while it is still being applied.
    n_articles: Option<u64>,
}

/// All corrections.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Corrections {
    /// In the order in which they apply.
    corrections: Vec<CorrectionRecord>,
}

/// The form of the article page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct CorrectionForm {
    action: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    entity: String,
    #[serde(default)]
    to_id: String,
    #[serde(default)]
    to_name: String,
    #[serde(default)]
    article: String,
    #[serde(default)]
    in_title: bool,
    #[serde(default)]
    start: usize,
    #[serde(default)]
    trigger: String,
    kind: Option<StatementKind>,
}

/// A correction to take back.
#[derive(Debug, Deserialize)]
pub(crate) struct UndoForm {
    id: String,
}

/// The corrections that stand. The `ETag` also changes while one is being applied.
#[utoipa::path(
    get, path = "/v1/corrections", tag = "corrections",
    responses(
        (status = OK, body = Corrections),
        (status = NOT_MODIFIED, description = "`If-None-Match` names the current `ETag`")
    )
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let corrections = Corrections { corrections: state.archive.corrections().await? };
    let body = serde_json::to_vec(&corrections).map_err(ApiError::internal)?;
    let tag = etag::tag_of(&what_is_said(corrections.corrections)?);
    Ok(etag::answer_tagged(&headers, "application/json", body.into(), &tag))
}

/// Keeps a correction and applies it to every article that it concerns, read before or to come. With
/// `If-Match`, the `ETag` of the list, only when nobody has corrected anything since it was read.
#[utoipa::path(
    post, path = "/v1/corrections", tag = "corrections", request_body = NewCorrection,
    responses(
        (status = CREATED, body = KeptCorrection), (status = BAD_REQUEST, body = ErrorBody),
        (status = PRECONDITION_FAILED, body = ErrorBody, description = "`changed` since `If-Match`")
    )
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Result<Json<NewCorrection>, axum::extract::rejection::JsonRejection>,
) -> Result<Response, ApiError> {
    let Json(given) =
        body.map_err(|error| ApiError::invalid_parameter("body", error.body_text()))?;
    let known = known_unchanged(&state, &headers).await?;
    let kept = keep(&state, given.correction, given.note.as_deref(), known).await?;
    Ok((StatusCode::CREATED, Json(kept)).into_response())
}

/// Takes a correction back; the articles that it changed are read anew. With `If-Match`, the `ETag` of
/// the list, only when nobody has corrected anything since it was read.
#[utoipa::path(
    delete, path = "/v1/corrections/{id}", tag = "corrections",
    params(("id" = String, Path, description = "id of the correction")),
    responses(
        (status = NO_CONTENT), (status = NOT_FOUND, body = ErrorBody),
        (status = PRECONDITION_FAILED, body = ErrorBody, description = "`changed` since `If-Match`")
    )
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let known = known_unchanged(&state, &headers).await?;
    undo(&state, &id, known.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The page.
pub(crate) async fn page(State(state): State<AppState>) -> Result<Response, ApiError> {
    let records = state.archive.corrections().await?;
    frame::render(&corrections::page(&records, (state.now)()))
}

/// Keeps what the form says and goes back to the article, or to the list.
pub(crate) async fn submit(
    State(state): State<AppState>,
    Form(form): Form<CorrectionForm>,
) -> Result<Response, ApiError> {
    let to = match form.article.as_str() {
        "" => "/corrections".to_owned(),
        id if id.bytes().all(|it| it.is_ascii_hexdigit()) => format!("/articles/{id}"),
        _ => return Err(ApiError::invalid_parameter("article", "no id of an article")),
    };
    let kept = keep(&state, correction(&state, form).await?, None, None).await?;
    // Of what goes on, the list tells how far it is.
    let to = if kept.n_articles.is_some() { to } else { "/corrections".to_owned() };
    Ok(Redirect::to(&to).into_response())
}

/// Takes a correction back.
pub(crate) async fn submit_undo(
    State(state): State<AppState>,
    Form(form): Form<UndoForm>,
) -> Result<Response, ApiError> {
    undo(&state, &form.id, None).await?;
    Ok(Redirect::to("/corrections").into_response())
}

async fn correction(state: &AppState, form: CorrectionForm) -> Result<Correction, ApiError> {
    let CorrectionForm { action, text, entity, article, in_title, start, trigger, .. } = form;
    let (to_id, to_name) = (form.to_id.trim().to_owned(), form.to_name.trim().to_owned());
    Ok(match action.as_str() {
        "not-an-entity" => Correction::NotAnEntity { text, entity },
        "means" => {
            let to = meant(state, to_id, to_name).await?;
            Correction::Means { text, entity, to, kind: None }
        }
        "same-as" => {
            let to = meant(state, to_id, to_name).await?;
            if to.id.starts_with(NEW_ENTITY) && state.archive.entity(&to.id).await?.is_none() {
                return Err(ApiError::invalid_parameter("to_name", "nothing known is called so"));
            }
            Correction::SameAs { entity, to }
        }
        "no-statement" => {
            Correction::NoStatement { article, in_title, start, trigger, sentence: None }
        }
        "statement-kind" => {
            let kind = form.kind;
            let kind = kind.ok_or_else(|| ApiError::invalid_parameter("kind", "is missing"))?;
            let sentence = None;
            Correction::StatementKind { article, in_title, start, trigger, sentence, kind }
        }
        _ => return Err(ApiError::invalid_parameter("action", "unknown")),
    })
}

/// What a reader means by a name or an id: what is known under it, else something new.
async fn meant(state: &AppState, id: String, name: String) -> Result<EntityRef, ApiError> {
    if !id.is_empty() {
        return Ok(EntityRef { id, name });
    }
    if N_NAME_CHARS_MAX < name.chars().count() || name.contains('\0') {
        return Err(ApiError::invalid_parameter("to_name", "is longer than 200 characters or odd"));
    }
    if let Some(known) = known_as(&state.config.gazetteer, &name) {
        return Ok(EntityRef { id: known.id.clone(), name: known.name.clone() });
    }
    if let Some(read) = state.archive.entity_called(&name).await? {
        return Ok(EntityRef { id: read.id, name: read.name });
    }
    // A thing that Harbinger does not know yet gets an id of its own from its name.
    Ok(EntityRef { id: format!("{NEW_ENTITY}{}", name.to_lowercase()), name })
}

/// The entity with this id, canonical name or alias, in upper or lower case; of several, what is
/// called so rather than also called so, then the first kind, then the biggest.
fn known_as<'a>(gazetteer: &'a [GazetteerEntity], name: &str) -> Option<&'a GazetteerEntity> {
    let wanted = name.to_lowercase();
    let is_it = |it: &str| it.to_lowercase() == wanted;
    let named = gazetteer.iter().filter(|it| it.id == name || it.names().any(is_it));
    named.min_by_key(|it| (it.id != name, !is_it(&it.name), it.kind, Reverse(it.weight)))
}

/// The corrections that `If-Match` names; `None` when the caller does not care, 412 when they are
/// other ones by now.
async fn known_unchanged(
    state: &AppState,
    headers: &HeaderMap,
) -> Result<Option<Vec<CorrectionRecord>>, ApiError> {
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    let now = state.archive.corrections().await?;
    etag::check_unchanged(headers, &what_is_said(now.clone())?)?;
    Ok(Some(now))
}

/// What the tag of the list is made of: the counts of corrections that are applied go on rising with
/// each new article, though nobody changes anything.
fn what_is_said(mut corrections: Vec<CorrectionRecord>) -> Result<Vec<u8>, ApiError> {
    for it in corrections.iter_mut().filter(|it| it.applied_at.is_some()) {
        it.n_articles = 0;
    }
    serde_json::to_vec(&corrections).map_err(ApiError::internal)
}

async fn keep(
    state: &AppState,
    correction: Correction,
    note: Option<&str>,
    known: Option<Vec<CorrectionRecord>>,
) -> Result<KeptCorrection, ApiError> {
    if let Some(field) = correction.flaw() {
        return Err(ApiError::invalid_parameter(field, "is empty, too long or the same"));
    }
    if note.is_some_and(|it| it.chars().count() > NOTE_CHARS_MAX) {
        return Err(ApiError::invalid_parameter("note", "is longer than 500 characters"));
    }
    let correction = with_sentence(state, correction).await?;
    subject::note(&corrections::said(&correction));
    let who = Principal::name_of_current();
    let now = (state.now)();
    let id = match &known {
        None => state.archive.add_correction(&correction, &who, note, now).await?,
        Some(known) => state.archive.add_correction_to(known, &correction, &who, note, now).await?,
    };
    let id = id.ok_or_else(|| match &known {
        Some(known) if (known.len() as i64) < N_CORRECTIONS_MAX => etag::changed(),
        _ => ApiError::invalid_parameter("correction", "there are 10 000 already; take some back"),
    })?;
    let applied = tokio::spawn({
        let (archive, id) = (state.archive.clone(), id.clone());
        async move { archive.correct_articles(&id, &correction, now).await }
    });
    let n_articles = match tokio::time::timeout(WAIT_MAX, applied).await {
        Ok(applied) => Some(applied.map_err(ApiError::internal)??),
        Err(_) => None, // It goes on in the background.
    };
    Ok(KeptCorrection { id, n_articles })
}

/// The correction with the sentence of its statement, so that it outlasts edits of the article.
async fn with_sentence(state: &AppState, correction: Correction) -> Result<Correction, ApiError> {
    let id: Option<ArticleId> = match correction.subject() {
        Subject::Article(id) => id.parse().ok(),
        Subject::Entity(_) => None,
    };
    let Some(id) = id else { return Ok(correction) };
    let Some(stored) = state.archive.article(&id).await? else { return Ok(correction) };
    let Some(annotation) = &stored.annotation else { return Ok(correction) };
    Ok(correction.with_sentence(annotation, &stored.article.title, &stored.article.text))
}

async fn undo(
    state: &AppState,
    id: &str,
    known: Option<&[CorrectionRecord]>,
) -> Result<(), ApiError> {
    let all = state.archive.corrections().await?;
    if let Some(it) = all.iter().find(|it| it.id == id) {
        subject::note(&format!("undo {}", corrections::said(&it.correction)));
    }
    let undone = match known {
        None => state.archive.undo_correction(id).await?.map_or(Undone::Missing, Undone::Done),
        Some(known) => state.archive.undo_correction_of(known, id).await?,
    };
    match undone {
        Undone::Done(_) => Ok(()),
        Undone::Missing => Err(ApiError::not_found("there is no such correction")),
        Undone::Changed => Err(etag::changed()),
    }
}
