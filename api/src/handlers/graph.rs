//! `/v1/graph`, `/v1/entities/{id}/graph` and the page `/graph`: who is joined to whom.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{self, HeaderValue};
use axum::response::Response;
use index::archive::entities::EntityFilter;
use index::graph::{EdgeKind, Graph, GraphBuilder, GraphLimits, Trim};
use index::search::request::LIMIT_MAX;
use index::search::{SearchRequest, Sort};
use index::{EntityRecord, FilterField};
use ingest::ArticleId;
use serde::Serialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::export::{self, Format};
use crate::handlers::export::SelectionParams;
use crate::handlers::params::Params;
use crate::handlers::search::FilterParams;
use crate::handlers::{etag, search};
use crate::pages::{frame, graph};
use crate::state::AppState;

/// Articles read for one graph, the newest.
const N_ARTICLES_MAX: usize = 1_000;
const N_NODES: usize = 60;
const N_NODES_MAX: usize = 500;
const N_EDGES_MAX: usize = 2_000;
/// Articles read for the small graph of an entity's page, the newest.
const N_ARTICLES_AROUND: usize = LIMIT_MAX;
/// Entities that the empty page offers.
const N_OFFERED: usize = 24;
const ID_LEN_MAX: usize = 300;
/// Parameters besides the facets.
const PARAMS: [&str; 9] =
    ["q", "from", "to", "date_field", "like", "edge", "weight", "nodes", "as"];

/// A graph with what it was made from.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct GraphBody {
    /// Nodes and edges.
    #[serde(flatten)]
    pub(crate) graph: Graph,
    /// Articles that the search finds; the newest 1 000 are read.
    pub(crate) n_articles_found: u64,
    /// The entity in the middle.
    pub(crate) focus: Option<String>,
}

/// Which graph of the articles that are selected.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `Asked::of` reads")]
pub(crate) struct GraphParams {
    /// Kinds of edges; all by default. May be repeated.
    edge: Option<Vec<EdgeKind>>,
    /// Independent sources that an edge needs at least; 1 by default.
    weight: Option<u64>,
    /// Most nodes, at most 500; 60 by default.
    nodes: Option<usize>,
    /// `json` (the default), or what is shown as a file: `gexf`, `graphml`, `cypher`, `jsonl`.
    r#as: Option<String>,
}

/// The surroundings of an entity.
#[utoipa::path(
    get, path = "/v1/entities/{id}/graph", tag = "graph",
    params(
        ("id" = String, Path, description = "`kind:key`, percent-encoded"),
        SelectionParams,
        FilterParams,
        GraphParams
    ),
    responses(
        (status = OK, body = GraphBody), (status = BAD_REQUEST, body = ErrorBody),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn of_entity(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let entity = find(&state, &id).await?.ok_or_else(missing)?;
    let asked = Asked::of(&params, Some(entity.id))?;
    let body = build(&state, &asked, N_ARTICLES_MAX).await?;
    answer(&headers, &params, body)
}

/// Who is joined to an entity most: at most `n_nodes` nodes with itself.
pub(crate) async fn around(
    state: &AppState,
    entity: &str,
    n_nodes: usize,
) -> Result<Graph, ApiError> {
    let request = SearchRequest {
        filters: [(FilterField::Entity, vec![entity.to_owned()])].into(),
        ..SearchRequest::default()
    };
    let trim = Trim {
        focus: Some(entity.to_owned()),
        kinds: Vec::new(),
        weight_min: 1,
        n_nodes_max: n_nodes,
        n_edges_max: N_EDGES_MAX,
    };
    Ok(build(state, &Asked { request, trim }, N_ARTICLES_AROUND).await?.graph)
}

/// The graph of what a search finds.
#[utoipa::path(
    get, path = "/v1/graph", tag = "graph", params(SelectionParams, FilterParams, GraphParams),
    responses((status = OK, body = GraphBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = Asked::of(&params, None)?;
    let body = build(&state, &asked, N_ARTICLES_MAX).await?;
    answer(&headers, &params, body)
}

/// The page.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let mut known: Vec<&str> = PARAMS.to_vec();
    known.extend(FilterField::ALL.iter().map(|it| it.name()));
    let params = params.only(&known)?;
    let asked = Asked::of(&params, None)?;
    let now = (state.now)();
    let is_empty = asked.request.q.trim().is_empty() && asked.request.filters.is_empty();
    let (body, offered) = if is_empty {
        let some = state.archive.entities(&EntityFilter::default(), None, N_OFFERED).await?;
        (None, some.items)
    } else {
        (Some(build(&state, &asked, N_ARTICLES_MAX).await?), Vec::new())
    };
    let start = match &asked.trim.focus {
        Some(id) => find(&state, id).await?.map(|it| it.name),
        None => None,
    };
    frame::render(&graph::page(graph::Input {
        params: &params,
        request: &asked.request,
        trim: &asked.trim,
        body: body.as_ref(),
        start,
        offered,
        facts: &state.facts,
        now,
    }))
}

/// What is asked for.
struct Asked {
    request: SearchRequest,
    trim: Trim,
}

impl Asked {
    /// Reads the parameters; `entity` comes from the path.
    fn of(params: &Params, entity: Option<String>) -> Result<Asked, ApiError> {
        let mut request = search::request(params)?;
        let named = request.filters.get(&FilterField::Entity).filter(|it| it.len() == 1);
        let focus = entity.clone().or_else(|| named.map(|it| it[0].clone()));
        if let Some(entity) = entity {
            request.filters.insert(FilterField::Entity, vec![entity]);
        }
        let mut kinds = Vec::new();
        for name in params.all("edge") {
            let kind = EdgeKind::from_name(name.trim());
            kinds.push(kind.ok_or_else(|| ApiError::invalid_parameter("edge", "no such kind"))?);
        }
        let n_nodes_max = params.parsed("nodes")?.unwrap_or(N_NODES);
        if !(1..=N_NODES_MAX).contains(&n_nodes_max) {
            let reason = format_args!("not within 1 and {N_NODES_MAX}");
            return Err(ApiError::invalid_parameter("nodes", reason));
        }
        let weight_min = params.parsed("weight")?.unwrap_or(1);
        let trim = Trim { focus, kinds, weight_min, n_nodes_max, n_edges_max: N_EDGES_MAX };
        Ok(Asked { request, trim })
    }
}

async fn build(
    state: &AppState,
    asked: &Asked,
    n_articles_max: usize,
) -> Result<GraphBody, ApiError> {
    let mut request = SearchRequest {
        sort: Sort::Newest,
        by_story: false,
        significant: 0,
        cursor: None,
        limit: LIMIT_MAX,
        highlight: false,
        aggs: false,
        ..asked.request.clone()
    };
    let mut ids: Vec<ArticleId> = Vec::new();
    let mut n_articles_found = 0;
    while ids.len() < n_articles_max {
        let found = search::run(state, request.clone()).await?;
        n_articles_found = found.total.max(n_articles_found);
        ids.extend(found.hits.iter().filter_map(|it| it.id.parse::<ArticleId>().ok()));
        let Some(cursor) = found.next_cursor else { break };
        request.cursor = Some(cursor);
    }
    // Oldest first: of two equal sentences the first is the original.
    ids.reverse();
    let mut builder = GraphBuilder::new(GraphLimits::PAGE);
    for some in ids.chunks(LIMIT_MAX) {
        for article in state.archive.graph_articles(some).await? {
            builder.add(&article).map_err(ApiError::internal)?;
        }
    }
    let graph = asked.trim.apply(builder.finish().map_err(ApiError::internal)?);
    Ok(GraphBody { graph, n_articles_found, focus: asked.trim.focus.clone() })
}

/// Answers in the form that `as` names.
fn answer(headers: &HeaderMap, params: &Params, body: GraphBody) -> Result<Response, ApiError> {
    let Some(name) = params.get("as").filter(|it| *it != "json") else {
        return etag::json(headers, &body);
    };
    let format: Option<Format> = serde_json::from_value(name.into()).ok();
    let graph_formats = [Format::Gexf, Format::Graphml, Format::Cypher, Format::Jsonl];
    let format = format.filter(|it| graph_formats.contains(it)).ok_or_else(|| {
        ApiError::invalid_parameter("as", "not one of json, gexf, graphml, cypher, jsonl")
    })?;
    let written = export::graph_alone(format, &body.graph).map_err(ApiError::internal)?;
    let mut response = etag::answer(headers, format.content_type(), Bytes::from(written));
    let disposition = format!("attachment; filename=\"{}\"", format.file_name());
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

async fn find(state: &AppState, id: &str) -> Result<Option<EntityRecord>, ApiError> {
    if id.len() > ID_LEN_MAX || id.contains('\0') {
        return Ok(None);
    }
    Ok(state.archive.entity(id).await?)
}

fn missing() -> ApiError {
    ApiError::not_found("no article names such an entity")
}
