//! `/v1/entities`, `/v1/entities/{id}` and the page `/entities/{id}`: follow an actor.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use index::archive::entities::EntityFilter;
use index::archive::statements::StatementFilter;
use index::search::{SearchRequest, Sort};
use index::{EntityRecord, FilterField, StatementRecord};
use serde::Serialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::handlers::params::Params;
use crate::handlers::statements::StatementBody;
use crate::handlers::{etag, graph, headlines, search};
use crate::pages::text::path_href;
use crate::pages::{entity, frame};
use crate::state::AppState;

/// Statements of each role that are read for one entity.
const N_STATEMENTS: usize = 200;
const N_ARTICLES: usize = 12;
/// Actors, and targets, that are counted in the articles that name it.
const N_NEIGHBOURS: usize = 20;
const ID_LEN_MAX: usize = 300;

/// A person, organisation, place, group… that articles name.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EntityBody {
    /// `kind:key`.
    id: String,
    /// Kind of mention.
    kind: String,
    /// Canonical name.
    name: String,
    /// Date of the oldest article that names it.
    first_seen_at: DateTime<Utc>,
    /// Date of the newest article that names it.
    last_seen_at: DateTime<Utc>,
    /// Articles that name it.
    n_articles: u64,
}

/// An entity with what is said about it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EntityDetailBody {
    /// Name, kind, dates and count.
    #[serde(flatten)]
    entity: EntityBody,
    /// Other names: those of the gazetteers, then short ones that stories use.
    aliases: Vec<String>,
    /// Country that it is or belongs to, ISO 3166-1 alpha-2.
    country: Option<String>,
    /// Facet paths of the sectors that it belongs to.
    sectors: Vec<String>,
    /// The latest 200 statements in which it is an actor.
    as_actor: Vec<StatementBody>,
    /// The latest 200 statements in which it is a target.
    as_target: Vec<StatementBody>,
    /// The latest 200 statements that it makes.
    as_speaker: Vec<StatementBody>,
}

/// A page of entities.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EntitiesBody {
    /// Those that most articles name first.
    entities: Vec<EntityBody>,
    /// Give it back as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

impl From<EntityRecord> for EntityBody {
    fn from(record: EntityRecord) -> EntityBody {
        EntityBody {
            id: record.id,
            kind: record.kind,
            name: record.name,
            first_seen_at: record.first_seen_at,
            last_seen_at: record.last_seen_at,
            n_articles: record.n_articles,
        }
    }
}

/// Which entities.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct EntityParams {
    /// Kind of mention: `person`, `organization`, `location`, `threat-group`…
    kind: Option<String>,
    /// How the name begins.
    name: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Entities on a page, at most 200; 50 by default.
    limit: Option<usize>,
}

/// Entities, those that most articles name first.
#[utoipa::path(
    get, path = "/v1/entities", tag = "entities", params(EntityParams),
    responses((status = OK, body = EntitiesBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["kind", "name", "cursor", "limit"])?;
    let filter = EntityFilter {
        kind: params.get("kind").map(str::to_owned),
        name_prefix: params.get("name").map(str::to_owned),
    };
    let page = state.archive.entities(&filter, params.get("cursor"), params.limit()?).await?;
    let entities = page.items.into_iter().map(EntityBody::from).collect();
    etag::json(&headers, &EntitiesBody { entities, next_cursor: page.next })
}

/// An entity with the statements that name it.
#[utoipa::path(
    get, path = "/v1/entities/{id}", tag = "entities",
    params(("id" = String, Path, description = "`kind:key`, percent-encoded")),
    responses(
        (status = OK, body = EntityDetailBody),
        (status = TEMPORARY_REDIRECT, description = "to the entity that this short name means"),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = match find(&state, &id).await? {
        Found::Entity(it) => *it,
        Found::Means(id) => return Ok(lead_to(&format!("/v1{}", path_href("entities", &id)))),
    };
    let short_names = state.archive.short_names(&id).await?;
    let fact = state.facts.get(&id);
    let mut aliases = fact.map(|it| it.aliases.clone()).unwrap_or_default();
    aliases.extend(short_names.into_iter().filter(|it| *it != found.entity.name));
    let bodies = |it: Vec<StatementRecord>| it.into_iter().map(StatementBody::from).collect();
    etag::json(
        &headers,
        &EntityDetailBody {
            entity: found.entity.into(),
            aliases,
            country: state.facts.country(&id).map(str::to_owned),
            sectors: fact.map(|it| it.sectors.clone()).unwrap_or_default(),
            as_actor: bodies(found.as_actor),
            as_target: bodies(found.as_target),
            as_speaker: bodies(found.as_speaker),
        },
    )
}

/// The page that follows an actor.
pub(crate) async fn page(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = match find(&state, &id).await? {
        Found::Entity(it) => *it,
        Found::Means(id) => return Ok(lead_to(&path_href("entities", &id))),
    };
    let short_names = state.archive.short_names(&id).await?;
    let recent = SearchRequest {
        filters: [(FilterField::Entity, vec![id])].into(),
        sort: Sort::Newest,
        limit: N_ARTICLES,
        highlight: false,
        facet_limit: N_NEIGHBOURS,
        ..SearchRequest::default()
    };
    // The page is worth showing without the list: the archive knows more than the index may yet.
    let articles = search::run(&state, recent).await.ok();
    let around = graph::around(&state, &found.entity.id, entity::N_AROUND).await.ok();
    let now = (state.now)();
    let statements = found.as_actor.iter().chain(&found.as_target).chain(&found.as_speaker);
    let headlines = headlines::of(&state, statements).await?;
    let roles = [&found.as_actor, &found.as_target, &found.as_speaker];
    let counts = match roles.iter().any(|it| it.len() == N_STATEMENTS) {
        true => state.archive.statement_counts(&found.entity.id).await?,
        false => BTreeMap::new(),
    };
    let evidence =
        |it: Vec<StatementRecord>| it.into_iter().map(|it| headlines.evidence(it)).collect();
    frame::render(&entity::page(entity::Input {
        entity: found.entity,
        as_actor: evidence(found.as_actor),
        as_target: evidence(found.as_target),
        as_speaker: evidence(found.as_speaker),
        counts,
        short_names,
        articles,
        around,
        facts: &state.facts,
        sectors: &state.sectors,
        now,
    }))
}

enum Found {
    Entity(Box<FoundEntity>),
    /// It is a short name for the entity with this id.
    Means(String),
}

struct FoundEntity {
    entity: EntityRecord,
    as_actor: Vec<StatementRecord>,
    as_target: Vec<StatementRecord>,
    as_speaker: Vec<StatementRecord>,
}

async fn find(state: &AppState, id: &str) -> Result<Found, ApiError> {
    let missing = || ApiError::not_found("no article names such an entity");
    if id.len() > ID_LEN_MAX || id.contains('\0') {
        return Err(missing());
    }
    let Some(entity) = state.archive.entity(id).await? else {
        return state.archive.entity_meant_by(id).await?.map(Found::Means).ok_or_else(missing);
    };
    let actor = StatementFilter { actor: Some(id.to_owned()), ..StatementFilter::default() };
    let target = StatementFilter { target: Some(id.to_owned()), ..StatementFilter::default() };
    let speaker = StatementFilter { speaker: Some(id.to_owned()), ..StatementFilter::default() };
    let as_actor = state.archive.statements(&actor, None, N_STATEMENTS).await?.items;
    let as_target = state.archive.statements(&target, None, N_STATEMENTS).await?.items;
    let as_speaker = state.archive.statements(&speaker, None, N_STATEMENTS).await?.items;
    Ok(Found::Entity(Box::new(FoundEntity { entity, as_actor, as_target, as_speaker })))
}

/// Not for good: what a short name means depends on the story.
fn lead_to(address: &str) -> Response {
    Redirect::temporary(address).into_response()
}
