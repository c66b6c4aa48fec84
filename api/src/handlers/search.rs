//! `/v1/search` and the page `/search`.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use std::collections::BTreeMap;
use std::fmt::Display;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use index::search::{DateField, SearchError, SearchRequest, SearchResponse, Sort};
use index::{FilterField, QueryError};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::handlers::params::Params;
use crate::pages::{frame, search};
use crate::state::AppState;

/// What to search for, beside [`FilterParams`].
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `request` reads")]
pub(crate) struct SearchParams {
    /// The query, e.g. `"power grid" actor:iran`; empty finds everything.
    q: Option<String>,
    /// First day (2026-01-31) or instant (RFC 3339).
    from: Option<String>,
    /// Last day, or the instant before which.
    to: Option<String>,
    /// The time that `from`, `to`, days and the order by date go by; `published` by default.
    date_field: Option<DateField>,
    /// Id of an article: only articles that share its characteristic words, the most alike first.
    like: Option<String>,
    /// Whether only the best article of each story is a hit; `false` by default.
    by_story: Option<bool>,
    /// Most words that are more frequent in what is found than usual, `0..=50`; 0 by default.
    significant: Option<usize>,
    /// Order; `relevance` by default.
    sort: Option<Sort>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Hits on a page, `0..=200`; 20 by default.
    limit: Option<usize>,
    /// Whether hits carry snippets with marked words; `true` by default.
    highlight: Option<bool>,
    /// Whether to count facets and days; `true` by default.
    aggs: Option<bool>,
    /// Most values of one facet, `1..=1000`; 20 by default.
    facet_limit: Option<usize>,
}

/// The filters of a search. Each may be repeated: the values of one are alternatives, different ones
/// are joined by AND.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `request` reads")]
pub(crate) struct FilterParams {
    /// Facet path of a threatened or attacked sector; includes the sectors below it.
    sector: Option<Vec<String>>,
    /// Entity id of who threatens or attacks.
    actor: Option<Vec<String>>,
    /// Entity id of who is threatened or attacked.
    target: Option<Vec<String>>,
    /// Kind of hostile statement.
    kind: Option<Vec<String>>,
    /// Domain of harm.
    domain: Option<Vec<String>>,
    /// How certain a statement is presented.
    modality: Option<Vec<String>>,
    /// Source id.
    source: Option<Vec<String>>,
    /// ISO 639-1 code.
    language: Option<Vec<String>>,
    /// ISO 3166-1 alpha-2 code of the source's country.
    country: Option<Vec<String>>,
    /// A day in UTC.
    day: Option<Vec<String>>,
    /// Id of any entity mentioned.
    entity: Option<Vec<String>>,
    /// Author, as words.
    author: Option<Vec<String>>,
    /// Host name or a parent domain of it.
    site: Option<Vec<String>>,
    /// Story id.
    story: Option<Vec<String>>,
}

/// Words that tell, on the page.
const N_WORDS_SHOWN: usize = 10;

const PARAMS: &[&str] = &[
    "q",
    "from",
    "to",
    "date_field",
    "like",
    "by_story",
    "significant",
    "sort",
    "cursor",
    "limit",
    "highlight",
    "aggs",
    "facet_limit",
];

/// Searches articles; counts facets and days of all that were found.
#[utoipa::path(
    get, path = "/v1/search", tag = "search", params(SearchParams, FilterParams),
    responses(
        (status = OK, body = SearchResponse),
        (status = BAD_REQUEST, body = ErrorBody, description = "`invalid_query` says where"),
        (status = SERVICE_UNAVAILABLE, body = ErrorBody, description = "too many searches at once")
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    params: Params,
) -> Result<Json<SearchResponse>, ApiError> {
    let known: Vec<&str> =
        PARAMS.iter().copied().chain(FilterField::ALL.iter().map(|it| it.name())).collect();
    let request = request(&params.only(&known)?)?;
    Ok(Json(run(&state, request).await?))
}

/// The search page.
pub(crate) async fn page(
    State(state): State<AppState>,
    params: Params,
) -> Result<Response, ApiError> {
    let asked = request(&params)?;
    let by_story: Option<bool> = params.parsed("by_story")?;
    let by_story = by_story.unwrap_or_else(|| search::is_by_story(&asked));
    let request = SearchRequest { significant: N_WORDS_SHOWN, by_story, ..asked };
    let now = (state.now)();
    let context =
        search::Context { params: &params, request: &request, sectors: &state.sectors, now };
    match run(&state, request.clone()).await {
        Ok(found) => {
            let mut loosened = Vec::new();
            if found.hits.is_empty() && request.cursor.is_none() {
                for (label, looser) in search::loosened(&params, &request, &state.sectors) {
                    let counted = SearchRequest {
                        by_story: false,
                        limit: 0,
                        aggs: false,
                        significant: 0,
                        ..looser.request
                    };
                    let total = run(&state, counted).await.map(|it| it.total).unwrap_or_default();
                    loosened.push((label, looser.href, total));
                }
            }
            frame::render(&search::page(context, Ok((found, loosened))))
        }
        Err(error) => match error.query_error.clone() {
            Some(wrong) => {
                let page = search::page(context, Err(&wrong));
                Ok(frame::with_status(frame::render(&page)?, StatusCode::BAD_REQUEST))
            }
            None => Err(error),
        },
    }
}

/// Reads a search from its parameters.
pub(crate) fn request(params: &Params) -> Result<SearchRequest, ApiError> {
    let standard = SearchRequest::default();
    let mut filters: BTreeMap<FilterField, Vec<String>> = BTreeMap::new();
    for field in FilterField::ALL {
        let values: Vec<String> = params.all(field.name()).map(str::to_owned).collect();
        if !values.is_empty() {
            filters.insert(*field, values);
        }
    }
    Ok(SearchRequest {
        q: params.get("q").unwrap_or_default().to_owned(),
        from: params.begin_of("from")?,
        to: params.end_of("to")?,
        date_field: params.named("date_field")?.unwrap_or_default(),
        filters,
        like: params.get("like").map(str::to_owned),
        by_story: params.parsed("by_story")?.unwrap_or(false),
        significant: params.parsed("significant")?.unwrap_or(0),
        sort: params.named("sort")?.unwrap_or_default(),
        cursor: params.get("cursor").map(str::to_owned),
        limit: params.parsed("limit")?.unwrap_or(standard.limit),
        highlight: params.parsed("highlight")?.unwrap_or(true),
        aggs: params.parsed("aggs")?.unwrap_or(true),
        facet_limit: params.parsed("facet_limit")?.unwrap_or(standard.facet_limit),
    })
}

/// Searches on a thread for blocking work; so many at once, the rest is told to come back.
pub(crate) async fn run(
    state: &AppState,
    request: SearchRequest,
) -> Result<SearchResponse, ApiError> {
    let permit = state.search_permits.clone().try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::busy("searches"))?;
    let index = state.search.clone();
    let now = (state.now)();
    let searched = tokio::task::spawn_blocking(move || {
        // Held by the search itself: a reader who gives up does not free the thread.
        let _permit = permit;
        index.search(&request, now)
    });
    Ok(searched.await.map_err(ApiError::internal)??)
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> ApiError {
        match error {
            SearchError::Query(error) => ApiError::invalid_query(error),
            SearchError::Cursor => ApiError::invalid_parameter("cursor", error),
            SearchError::Filter { field, .. } => {
                let reason: &dyn Display = &error;
                ApiError::invalid_parameter(field.name(), reason)
            }
            SearchError::Like(_) => ApiError::invalid_parameter("like", error),
            SearchError::Index(_) => ApiError::internal(error),
        }
    }
}

impl ApiError {
    /// A query that cannot be parsed.
    fn invalid_query(error: QueryError) -> ApiError {
        ApiError {
            code: "invalid_query",
            message: error.to_string(),
            query_error: Some(Box::new(error)),
            ..ApiError::of_status(StatusCode::BAD_REQUEST)
        }
    }
}
