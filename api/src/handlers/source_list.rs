//! `/v1/sources`: whose news is read, how each source is doing, trying and adding sources.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use config::SourceId;
use index::archive::source_quality::SourceQuality;
use index::archive::sources::SourceState;
use index::archive::{Archive, ArchiveError};
use ingest::health::{Standing, standing};
use ingest::poll;
use ingest::trial::Trial;
use serde::Serialize;
use serde_json::Value;

use crate::access::{Principal, subject};
use crate::additions::{AddError, Desk, verdict};
use crate::error::{ApiError, ErrorBody};
use crate::handlers::json_body::{self, conflict, invalid};
use crate::handlers::{etag, params::Params};
use crate::roster::{Listed, Roster};
use crate::state::AppState;
use crate::submitted::is_submitted;

/// Days of articles that the quality of a source is told by.
pub(crate) const QUALITY_DAYS: i64 = 7;

/// Every source.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SourcesBody {
    /// By id; those that are not read any more last.
    sources: Vec<SourceBody>,
    /// How many of those that are read stand how.
    standing: BTreeMap<String, u64>,
}

/// A source and how it is doing.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SourceBody {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// `feed`, `site`, `sitemap`, `listing`, `json` or `folder`; `null` for those not read any more.
    pub(crate) kind: Option<String>,
    /// What is polled.
    pub(crate) address: String,
    /// The feed or sitemap that was found for a site, or that took the address's place for good.
    pub(crate) polled_address: Option<String>,
    /// Start page of the publisher.
    pub(crate) home_url: Option<String>,
    /// ISO 3166-1 alpha-2 code; `null` when international.
    pub(crate) country: Option<String>,
    /// ISO 639-1 code.
    pub(crate) language: Option<String>,
    /// Sectors that it writes about; none means any.
    pub(crate) sectors: Vec<String>,
    /// Free words to find it by.
    pub(crate) tags: Vec<String>,
    /// `file` (the configuration), `api`, `opml`; `null` for those not read any more.
    pub(crate) origin: Option<String>,
    /// Whether it is read now.
    pub(crate) is_active: bool,
    /// Whether somebody paused it.
    pub(crate) is_paused: bool,
    /// Whether it is the bundled sample wire.
    pub(crate) is_sample: bool,
    /// How it is doing; `null` for those that are not read now, and for single pages.
    pub(crate) standing: Option<Standing>,
    /// When it was polled last.
    pub(crate) last_poll_at: Option<DateTime<Utc>>,
    /// When it last answered well.
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    /// When it last brought a new entry.
    pub(crate) last_new_entry_at: Option<DateTime<Utc>>,
    /// When it is polled next; `null` when it never is again.
    pub(crate) next_poll_at: Option<DateTime<Utc>>,
    /// Class of the failure of the last poll; `null` when it went well.
    pub(crate) failure_class: Option<String>,
    /// What went wrong then.
    pub(crate) failure_message: Option<String>,
    /// Failed polls since the last good one, by class.
    pub(crate) n_poll_failures: BTreeMap<String, u32>,
    /// New entries a day, as a running mean; `null` until it is known.
    pub(crate) entries_per_day: Option<f64>,
    /// Articles in the archive.
    pub(crate) n_articles: u64,
    /// Entries that wait to be fetched.
    pub(crate) n_waiting: u64,
    /// Entries given up.
    pub(crate) n_dead: u64,
    /// Publication time of the newest article.
    pub(crate) last_article_at: Option<DateTime<Utc>>,
    /// What its articles of the last seven days are like.
    pub(crate) quality: QualityBody,
}

/// What the articles of a source are like.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct QualityBody {
    /// Articles that this is told by.
    pub(crate) n_articles: u64,
    /// Share with a headline, `0..=1`; `null` without articles, as the others.
    pub(crate) titled: Option<f64>,
    /// Share with a date of publication.
    pub(crate) dated: Option<f64>,
    /// Share with an author.
    pub(crate) signed: Option<f64>,
    /// Share of pages on which a main text was found, of all that were read.
    pub(crate) readable: Option<f64>,
    /// Entries that wait for another try or were given up, by class of the failure.
    pub(crate) failures: BTreeMap<String, u64>,
}

/// A trial and what to make of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct TrialBody {
    /// `good`, `usable` (with warnings) or `unusable`.
    verdict: String,
    #[serde(flatten)]
    trial: Trial,
}

impl SourcesBody {
    /// Counts how many of `sources` stand how.
    pub(crate) fn of(sources: Vec<SourceBody>) -> SourcesBody {
        let mut standing: BTreeMap<String, u64> = BTreeMap::new();
        for name in sources.iter().filter_map(|it| it.standing) {
            *standing.entry(name.name().to_owned()).or_default() += 1;
        }
        SourcesBody { sources, standing }
    }
}

impl From<Trial> for TrialBody {
    fn from(trial: Trial) -> TrialBody {
        TrialBody { verdict: verdict(&trial).to_owned(), trial }
    }
}

/// Every source, and how it is doing.
#[utoipa::path(
    get, path = "/v1/sources", tag = "sources",
    responses((status = OK, body = SourcesBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[])?;
    etag::json(&headers, &SourcesBody::of(bodies(&state).await?))
}

/// Adds a source: an object with the keys of `[[source]]` (docs/configuration.md), or with `url`
/// only, the address of a site or feed. Then its feed is found first, which takes some seconds.
#[utoipa::path(
    post, path = "/v1/sources", tag = "sources", request_body = Object,
    responses(
        (status = CREATED, body = SourceBody), (status = CONFLICT, body = ErrorBody),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody, description = "what is wrong with it"),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "too many are looked for")
    )
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let value = json_body::read(&headers, &body)?;
    let source = desk(&state).add(&value, &Principal::name_of_current()).await?;
    subject::note(source.id.as_str());
    let body = body_of(&state, &source.id).await?;
    Ok((StatusCode::CREATED, Json(body)).into_response())
}

/// Says step by step what would happen with a source, and stores nothing.
#[utoipa::path(
    post, path = "/v1/sources/test", tag = "sources", request_body = Object,
    responses(
        (status = OK, body = TrialBody),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody, description = "what is wrong with it"),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "too many are tried out")
    )
)]
pub(crate) async fn test(
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<TrialBody>, ApiError> {
    let value = json_body::read(&headers, &body)?;
    Ok(Json(desk(&state).try_out(&value).await?.into()))
}

/// Pauses an added source (`{"paused": true}`), or lets it go on.
#[utoipa::path(
    patch, path = "/v1/sources/{id}", tag = "sources", request_body = Object,
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = OK, body = SourceBody), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "it is declared in a file"),
        (status = UNPROCESSABLE_ENTITY, body = ErrorBody)
    )
)]
pub(crate) async fn edit(
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<SourceBody>, ApiError> {
    let value = json_body::read(&headers, &body)?;
    let is_only = value.as_object().is_some_and(|it| it.len() == 1);
    let paused = value.get("paused").and_then(Value::as_bool).filter(|_| is_only);
    let paused = paused.ok_or_else(|| invalid("must be {\"paused\": true} or false"))?;
    pause(&state, &id, paused).await?;
    Ok(Json(body_of(&state, &id.as_str().into()).await?))
}

/// Removes an added source; its articles stay. For 24 hours it can be brought back.
#[utoipa::path(
    delete, path = "/v1/sources/{id}", tag = "sources",
    params(("id" = String, Path, description = "Its id")),
    responses(
        (status = NO_CONTENT), (status = NOT_FOUND, body = ErrorBody),
        (status = CONFLICT, body = ErrorBody, description = "it is declared in a file")
    )
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    delete(&state, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<AddError> for ApiError {
    fn from(error: AddError) -> ApiError {
        match error {
            AddError::Invalid(message) => invalid(message),
            AddError::Unusable { message, .. } => ApiError {
                code: "unusable_source",
                message: format!("nothing to read was found; {message}"),
                ..ApiError::of_status(StatusCode::UNPROCESSABLE_ENTITY)
            },
            AddError::Taken(message) => conflict(message),
            AddError::Busy => ApiError::busy("sources are tried out"),
            AddError::Archive(error) => error.into(),
        }
    }
}

/// Who adds and tries sources.
pub(crate) fn desk(state: &AppState) -> Desk<'_> {
    Desk {
        archive: &state.archive,
        roster: &state.roster,
        config: &state.config,
        fetcher: state.fetcher.as_deref(),
        trial_permits: Some(&state.trial_permits),
        now: (state.now)(),
    }
}

/// Pauses an added source or lets it go on, or says why not.
pub(crate) async fn pause(state: &AppState, id: &str, is_paused: bool) -> Result<(), ApiError> {
    check_is_added(state, id)?;
    let is_there = state.archive.pause_source(&SourceId::new(id), is_paused, (state.now)()).await?;
    state.roster.refresh(&state.archive).await?;
    if is_there { Ok(()) } else { Err(missing(id)) }
}

/// Removes an added source, or says why not.
pub(crate) async fn delete(state: &AppState, id: &str) -> Result<(), ApiError> {
    check_is_added(state, id)?;
    let is_there = state.archive.remove_source(&SourceId::new(id), (state.now)()).await?;
    state.roster.refresh(&state.archive).await?;
    if is_there { Ok(()) } else { Err(missing(id)) }
}

fn check_is_added(state: &AppState, id: &str) -> Result<(), ApiError> {
    let listed = state.roster.listed_now();
    match listed.get(&SourceId::new(id)) {
        Some(it) if it.added.is_none() => Err(conflict(format!(
            "`{id}` is declared in a file of the configuration; change it there"
        ))),
        _ => Ok(()),
    }
}

fn missing(id: &str) -> ApiError {
    ApiError::not_found(format!("there is no added source `{id}`"))
}

/// The source `id` with its health.
pub(super) async fn body_of(state: &AppState, id: &SourceId) -> Result<SourceBody, ApiError> {
    state.roster.refresh(&state.archive).await?;
    let bodies = bodies_of(&state.archive, &state.roster, Some(id), (state.now)()).await?;
    bodies.into_iter().next().ok_or_else(|| missing(id.as_str()))
}

/// All sources with their health; those that are read first, by id.
pub(crate) async fn bodies(state: &AppState) -> Result<Vec<SourceBody>, ApiError> {
    state.roster.refresh(&state.archive).await?;
    Ok(bodies_of(&state.archive, &state.roster, None, (state.now)()).await?)
}

/// All sources, or `only` one, with their health, as `roster` lists them.
pub(crate) async fn bodies_of(
    archive: &Archive,
    roster: &Roster,
    only: Option<&SourceId>,
    now: DateTime<Utc>,
) -> Result<Vec<SourceBody>, ArchiveError> {
    let states = archive.source_states(only).await?;
    let since = now - TimeDelta::days(QUALITY_DAYS);
    let quality = archive.source_quality(since, only).await?;
    let listed = roster.listed_now();
    let no_quality = SourceQuality::default();
    // That of single pages is there from the start; it says nothing before there is one.
    let is_shown =
        |it: &&SourceState| !is_submitted(&it.id) || 0 < it.n_articles + it.n_waiting + it.n_dead;
    let bodies = states.iter().filter(is_shown).map(|it| {
        let quality = quality.get(&it.id).unwrap_or(&no_quality);
        body(it, listed.get(&it.id).map(|it| &**it), quality, now)
    });
    Ok(bodies.collect())
}

/// One source with its health.
pub(crate) fn body(
    state: &SourceState,
    listed: Option<&Listed>,
    quality: &SourceQuality,
    now: DateTime<Utc>,
) -> SourceBody {
    let source = listed.map(|it| &it.source);
    let polled: poll::SourceState = state
        .state_json
        .as_deref()
        .and_then(|it| serde_json::from_str(it).ok())
        .unwrap_or_default();
    let is_polled = state.is_active && !is_submitted(&state.id);
    let found = polled.found.as_ref().map(|it| it.url.to_string());
    let n_poll_failures = polled.n_failures.iter().map(|(class, n)| (class.name().to_owned(), *n));
    SourceBody {
        id: state.id.to_string(),
        name: state.name.clone(),
        kind: source.map(|it| it.kind().name().to_owned()),
        address: state.address.clone(),
        polled_address: polled.adopted_url.clone().or(found),
        home_url: source.and_then(|it| it.home_url.as_ref()).map(ToString::to_string),
        country: state.country.clone(),
        language: state.language.clone(),
        sectors: source
            .map(|it| it.sectors.iter().map(ToString::to_string).collect())
            .unwrap_or_default(),
        tags: source.map(|it| it.tags.clone()).unwrap_or_default(),
        origin: listed.map(|it| it.added.map_or("file", |it| it.as_str()).to_owned()),
        is_active: state.is_active,
        is_paused: listed.is_some_and(|it| it.is_paused),
        is_sample: state.is_sample,
        standing: is_polled.then(|| standing(&polled, now)),
        last_poll_at: state.last_poll_at,
        last_success_at: polled.last_success_at,
        last_new_entry_at: polled.last_new_entry_at,
        next_poll_at: state.next_poll_at.filter(|_| state.is_active),
        failure_class: state.failure.as_ref().map(|it| it.class.clone()),
        failure_message: state.failure.as_ref().map(|it| it.message.clone()),
        n_poll_failures: n_poll_failures.collect(),
        entries_per_day: polled.rate.n_per_day,
        n_articles: state.n_articles,
        n_waiting: state.n_waiting,
        n_dead: state.n_dead,
        last_article_at: state.last_article_at,
        quality: quality_of(quality),
    }
}

fn quality_of(quality: &SourceQuality) -> QualityBody {
    let share = |n: u64, of: u64| (0 < of).then(|| n as f64 / of as f64);
    let n = quality.n_articles;
    let n_unread: u64 = ["no_text", "not_html", "empty_body", "extractor"]
        .iter()
        .filter_map(|it| quality.failures.get(*it))
        .sum();
    QualityBody {
        n_articles: n,
        titled: share(quality.n_titled, n),
        dated: share(quality.n_dated, n),
        signed: share(quality.n_signed, n),
        readable: share(n, n + n_unread),
        failures: quality.failures.clone(),
    }
}
