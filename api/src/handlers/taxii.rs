//! `/taxii2/`: a TAXII 2.1 server, read only, over what the archive holds (OASIS, 10 June 2021).
//!
//! One collection with everything, and one for each saved search with what it finds, whenever the
//! articles came. Objects are made from articles in the order in which these
//! were annotated; a page ends inside an article if it must, and `next` says where. An entity's
//! object comes with each article that names it, equal each time.

mod objects;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use config::SavedSearch;
use index::archive::searches::SearchRecord;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::export::{ids, timestamp};
use crate::handlers::params::Params;
use crate::pages::frame::SaysItself;
use crate::state::AppState;
use objects::{Asked, Found};

const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
const STIX_TYPE: &str = "application/stix+json;version=2.1";
const ALIAS: &str = "everything";
/// Saved searches that are collections under a UUID; the others are under their ids only.
const N_SEARCHES_MAX: usize = 1_000;

/// The addresses of the server.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/taxii2", get(discovery))
        .route("/taxii2/", get(discovery))
        .route("/taxii2/api/", get(api_root))
        .route("/taxii2/api/collections/", get(collections))
        .route("/taxii2/api/collections/{collection}/", get(collection))
        .route("/taxii2/api/collections/{collection}/objects/", get(objects))
        .route("/taxii2/api/collections/{collection}/objects/{object}/", get(object))
        .route("/taxii2/api/collections/{collection}/objects/{object}/versions/", get(versions))
        .route("/taxii2/api/collections/{collection}/manifest/", get(manifest))
}

async fn discovery(headers: HeaderMap) -> Response {
    let body = json!({
        "title": "Harbinger",
        "description": "Hostile statements found in the news",
        "default": "/taxii2/api/",
        "api_roots": ["/taxii2/api/"],
    });
    answer(&headers, &body)
}

async fn api_root(headers: HeaderMap) -> Response {
    let body = json!({
        "title": "Harbinger",
        "versions": [MEDIA_TYPE],
        // Nothing can be sent here.
        "max_content_length": 1,
    });
    answer(&headers, &body)
}

async fn collections(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let searches = state.archive.saved_searches("", N_SEARCHES_MAX).await?;
    let searches = searches.into_iter().map(Collection::of);
    let all: Vec<Value> =
        [Collection::Everything].into_iter().chain(searches).map(|it| it.description()).collect();
    Ok(answer(&headers, &json!({"collections": all})))
}

async fn collection(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let found = Collection::named(&state, &id).await?;
    Ok(found.map_or_else(unknown_collection, |it| answer(&headers, &it.description())))
}

/// What can be read.
enum Collection {
    Everything,
    /// The articles that a saved search finds.
    Search(Box<SavedSearch>),
}

impl Collection {
    fn of(record: SearchRecord) -> Collection {
        Collection::Search(Box::new(record.search))
    }

    /// The collection with that id or alias.
    async fn named(state: &AppState, id: &str) -> Result<Option<Collection>, ApiError> {
        if id == ALIAS || id == Collection::Everything.id() {
            return Ok(Some(Collection::Everything));
        }
        let is_readable = id.len() <= 64 && id.bytes().all(|it| it.is_ascii_graphic());
        if !is_readable {
            return Ok(None);
        }
        if let Some(record) = state.archive.saved_search(id).await? {
            return Ok(Some(Collection::of(record)));
        }
        if uuid::Uuid::parse_str(id).is_err() {
            return Ok(None);
        }
        let searches = state.archive.saved_searches("", N_SEARCHES_MAX).await?;
        Ok(searches.into_iter().map(Collection::of).find(|it| it.id() == id))
    }

    fn id(&self) -> String {
        match self {
            Collection::Everything => ids::uuid("taxii-collection", &[ALIAS]).to_string(),
            Collection::Search(search) => {
                ids::uuid("taxii-collection", &["search", search.id.as_str()]).to_string()
            }
        }
    }

    fn search(&self) -> Option<&SavedSearch> {
        match self {
            Collection::Everything => None,
            Collection::Search(search) => Some(search),
        }
    }

    fn description(&self) -> Value {
        let (title, description, alias) = match self {
            Collection::Everything => {
                let about = "Reports, notes, relationships and entities of all articles";
                ("Everything", about.to_owned(), Some(ALIAS))
            }
            Collection::Search(search) => {
                let about = format!("The same of the articles that this finds: {}", search.query);
                let alias = search.id.as_str();
                (search.name.as_str(), about, Some(alias).filter(|it| *it != ALIAS))
            }
        };
        let mut described = json!({
            "id": self.id(),
            "title": title,
            "description": description,
            "can_read": true,
            "can_write": false,
            "media_types": [STIX_TYPE],
        });
        if let Some(alias) = alias {
            described["alias"] = json!(alias);
        }
        described
    }
}

async fn objects(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(collection): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    read(&state, &headers, &collection, &params, None, |found| json!({"objects": found.stix()}))
        .await
}

async fn manifest(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(collection): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let records = |found: &Found| {
        let records = found.objects.iter().map(|it| {
            json!({
                "id": it.value["id"],
                "date_added": objects::precise(it.added_at),
                "version": it.version(),
                "media_type": STIX_TYPE,
            })
        });
        json!({"objects": records.collect::<Vec<_>>()})
    };
    read(&state, &headers, &collection, &params, None, records).await
}

async fn object(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path((collection, object)): Path<(String, String)>,
    params: Params,
) -> Result<Response, ApiError> {
    let stix = |found: &Found| json!({"objects": found.stix()});
    read(&state, &headers, &collection, &params, Some(object), stix).await
}

async fn versions(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path((collection, object)): Path<(String, String)>,
    params: Params,
) -> Result<Response, ApiError> {
    let versions = |found: &Found| {
        let mut versions: Vec<String> = found.objects.iter().map(|it| it.version()).collect();
        versions.sort();
        versions.dedup();
        json!({"versions": versions})
    };
    read(&state, &headers, &collection, &params, Some(object), versions).await
}

async fn read(
    state: &AppState,
    headers: &HeaderMap,
    collection: &str,
    params: &Params,
    object: Option<String>,
    body: impl FnOnce(&Found) -> Value,
) -> Result<Response, ApiError> {
    let Some(collection) = Collection::named(state, collection).await? else {
        return Ok(unknown_collection());
    };
    let asked = match Asked::of(params, object) {
        Ok(asked) => asked,
        Err(error) => return Ok(failure(StatusCode::BAD_REQUEST, &error.message)),
    };
    let found = objects::read(state, &asked, collection.search()).await?;
    if asked.is_one() && found.objects.is_empty() && found.next.is_none() {
        return Ok(failure(StatusCode::NOT_FOUND, "there is no such object"));
    }
    let mut body = body(&found);
    body["more"] = json!(found.next.is_some());
    if let Some(next) = &found.next {
        body["next"] = json!(next);
    }
    let mut response = answer(headers, &body);
    let bounds = [
        ("x-taxii-date-added-first", found.objects.first()),
        ("x-taxii-date-added-last", found.objects.last()),
    ];
    for (name, object) in bounds {
        let value =
            object.and_then(|it| HeaderValue::from_str(&objects::precise(it.added_at)).ok());
        if let Some(value) = value {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    Ok(response)
}

fn unknown_collection() -> Response {
    failure(StatusCode::NOT_FOUND, "there is no such collection")
}

/// Answers those who accept TAXII 2.1.
fn answer(headers: &HeaderMap, body: &Value) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("*/*");
    let is_accepted = accepted.split(',').any(|it| {
        let mut parts = it.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let version = parts.find_map(|it| it.strip_prefix("version="));
        matches!(kind, "*/*" | "application/*" | "application/taxii+json" | "application/json")
            && version.is_none_or(|it| it.trim_matches('"') == "2.1")
    });
    if !is_accepted {
        let message = format!("this server speaks {MEDIA_TYPE}");
        return failure(StatusCode::NOT_ACCEPTABLE, &message);
    }
    written(StatusCode::OK, body)
}

fn failure(status: StatusCode, message: &str) -> Response {
    let body = json!({"title": message, "http_status": status.as_str()});
    let mut response = written(status, &body);
    response.extensions_mut().insert(SaysItself);
    response
}

fn written(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(body.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// The time of an object as the manifest gives it.
fn version_of(value: &Value) -> String {
    let version = value["modified"].as_str().or_else(|| value["created"].as_str());
    version.map_or_else(|| timestamp(chrono::DateTime::UNIX_EPOCH), str::to_owned)
}
