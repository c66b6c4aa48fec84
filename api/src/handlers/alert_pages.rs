//! The pages `/alerts` and `/alerts/searches/…`: forms that work without a script.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use config::{SavedSearch, SearchFilters, SearchId, SectorId};
use index::FilterField;
use index::archive::alerts::{AlertEdit, AlertFilter, AlertState};
use index::archive::searches::{Expect, Origin};
use serde_json::{Map, Value, json};

use crate::access::subject;
use crate::backtest::{Backtest, DAYS_DEFAULT, backtest};
use crate::error::ApiError;
use crate::handlers::params::{Form, Params};
use crate::handlers::progress::{self, Progress};
use crate::handlers::restoring;
use crate::handlers::saved_searches::{delete, known, read, save};
use crate::pages::text::href;
use crate::pages::{alerts, frame, saved_search};
use crate::state::AppState;
use crate::undo;

/// Alerts on a page.
const N_ALERTS: usize = 50;
/// Saved searches listed beside them.
const N_SEARCHES: usize = 500;
/// Messages that were given up, listed beside them.
const N_DEAD: usize = 10;
/// What the search page knows and a saved search does not.
const LEFT_OUT: [&str; 5] = ["from", "to", "date_field", "day", "like"];
/// Deliveries that a form can hold.
const N_DELIVERY_ROWS_MAX: usize = 21;

/// The pages' addresses.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/alerts", get(inbox))
        .route("/alerts/{id}", post(edit))
        .route("/alerts/deliveries/{id}/retry", post(retry))
        .route("/alerts/searches", post(create))
        .route("/alerts/searches/new", get(new))
        .route("/alerts/searches/test", post(test))
        .route("/alerts/searches/{id}", get(form).post(replace))
        .route("/alerts/searches/{id}/delete", post(remove))
        .route("/alerts/searches/{id}/restore", post(restoring::submit_search))
}

async fn inbox(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let wanted = params.get("state").unwrap_or("new");
    let filter = AlertFilter {
        state: AlertState::ALL.into_iter().find(|it| it.as_str() == wanted),
        search: params.get("search").map(str::to_owned),
        assignee: None,
    };
    let page = state.archive.alerts(&filter, params.get("cursor"), N_ALERTS).await?;
    let since = undo::since((state.now)());
    let deleted = match params.get("deleted") {
        Some(id) => state.archive.deleted_search(id, since).await?.map(|it| it.search),
        None => None,
    };
    frame::render(&alerts::page(alerts::Input {
        alerts: page.items,
        next_cursor: page.next,
        filter: &filter,
        n_new: state.archive.n_new_alerts().await?,
        searches: state.archive.saved_searches("", N_SEARCHES).await?,
        dead: state.archive.messages("dead", N_DEAD).await?,
        deleted,
        now: (state.now)(),
    }))
}

async fn edit(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(sent): Form,
) -> Result<Response, ApiError> {
    let is_edit = sent.get("edit").is_some();
    let text = |name| is_edit.then(|| sent.get(name).unwrap_or_default().to_owned());
    let edit =
        AlertEdit { state: sent.named("state")?, note: text("note"), assignee: text("assignee") };
    let edited = state.archive.edit_alert(&id, &edit, (state.now)()).await?;
    edited.ok_or_else(|| ApiError::not_found("there is no such alert"))?;
    let back = sent.get("back").filter(|it| it.starts_with("/alerts?")).unwrap_or("/alerts");
    Ok(Redirect::to(back).into_response())
}

async fn retry(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    state.archive.retry_message(&id, (state.now)()).await?;
    Ok(Redirect::to("/alerts").into_response())
}

/// An empty form, or one filled with the search that the search page asked for: its filters stay
/// filters, so that the values of one are alternatives here as there.
async fn new(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let query = params.get("q").unwrap_or_default().trim();
    let mut filters = SearchFilters::default();
    for field in FilterField::ALL {
        let values = params.all(field.name()).map(str::to_owned);
        match field {
            FilterField::Sector => filters.sector = values.map(SectorId::new).collect(),
            FilterField::Actor => filters.actor = values.collect(),
            FilterField::Target => filters.target = values.collect(),
            FilterField::Kind => filters.kind = values.collect(),
            FilterField::Domain => filters.domain = values.collect(),
            FilterField::Modality => filters.modality = values.collect(),
            FilterField::Source => filters.source = values.collect(),
            FilterField::Language => filters.language = values.collect(),
            FilterField::Country => filters.country = values.collect(),
            FilterField::Day => (),
            FilterField::Entity => filters.entity = values.collect(),
            FilterField::Author => filters.author = values.collect(),
            FilterField::Site => filters.site = values.collect(),
            FilterField::Story => filters.story = values.collect(),
        }
    }
    let search = SavedSearch { name: String::new(), filters, ..SavedSearch::new("", query) };
    let left_out = LEFT_OUT
        .iter()
        .flat_map(|name| params.all(name).map(move |value| format!("{name}: {value}")))
        .collect();
    render(&state, &search, Shown { left_out, ..Shown::default() })
}

async fn form(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let record = known(&state, &id).await?;
    let is_declared = record.origin == Origin::File;
    render(&state, &record.search, Shown { is_saved: true, is_declared, ..Shown::default() })
}

async fn create(State(state): State<AppState>, Form(sent): Form) -> Result<Response, ApiError> {
    let value = object(&sent, Map::new());
    store(&state, &sent, value, Expect::New).await
}

async fn replace(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Form(sent): Form,
) -> Result<Response, ApiError> {
    let mut value = object(&sent, saved_fields(&state, &id).await?);
    value["id"] = json!(id);
    store(&state, &sent, value, Expect::Known).await
}

async fn store(
    state: &AppState,
    sent: &Params,
    value: Value,
    expect: Expect,
) -> Result<Response, ApiError> {
    let is_saved = expect == Expect::Known;
    if let Some(id) = value["id"].as_str().filter(|_| !is_saved) {
        subject::note(id);
    }
    let saved = match read(state, &value) {
        Ok(search) => save(state, &search, expect).await.map(|()| search),
        Err(error) => Err(error),
    };
    match saved {
        Ok(search) => {
            let to = format!("/alerts?state=all&search={}", search.id);
            Ok(Redirect::to(&to).into_response())
        }
        Err(error) if error.status.is_client_error() => {
            let shown = Shown { is_saved, error: Some(error.message), ..Shown::default() };
            let page = render(state, &as_sent(sent, &value), shown)?;
            Ok(frame::with_status(page, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(error) => Err(error),
    }
}

/// Shows the form again, with what the search would have brought; saves nothing. A script that wants to
/// be told how far it is gets that part of the page alone, as `html`.
async fn test(
    State(state): State<AppState>,
    headers: HeaderMap,
    Form(sent): Form,
) -> Result<Response, ApiError> {
    let id = sent.get("id").unwrap_or_default().to_owned();
    let record = if id.is_empty() { None } else { state.archive.saved_search(&id).await? };
    let fields = record.as_ref().and_then(|it| serde_json::to_value(&it.search).ok());
    let fields = fields.and_then(|it| it.as_object().cloned()).unwrap_or_default();
    let mut value = object(&sent, fields);
    let is_named = value["name"].as_str().is_some_and(|it| !it.is_empty());
    if !is_named {
        value["name"] = json!("New saved search");
        value["id"] = json!("new-saved-search");
    }
    let mut shown = Shown {
        is_saved: record.is_some(),
        is_declared: record.is_some_and(|it| it.origin == Origin::File),
        ..Shown::default()
    };
    let search = match read(&state, &value) {
        Ok(search) if progress::is_wanted(&headers) => {
            return progress::stream(&state.clone(), move |progress| async move {
                let tested = backtest(&state, &search, DAYS_DEFAULT, &progress).await?;
                let part = saved_search::tested(&tested, (state.now)());
                let html = part.render().map_err(ApiError::internal)?;
                Ok::<_, ApiError>(json!({ "html": html }))
            });
        }
        Ok(search) => {
            let unwatched = Progress::unwatched();
            shown.tested = Some(backtest(&state, &search, DAYS_DEFAULT, &unwatched).await?);
            search
        }
        Err(error) if error.status.is_client_error() => {
            shown.error = Some(error.message);
            as_sent(&sent, &value)
        }
        Err(error) => return Err(error),
    };
    let is_wrong = shown.error.is_some();
    let page = render(&state, &search, shown)?;
    if is_wrong {
        return Ok(frame::with_status(page, StatusCode::UNPROCESSABLE_ENTITY));
    }
    Ok(page)
}

async fn remove(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    delete(&state, &id).await?;
    Ok(Redirect::to(&href("/alerts", [("deleted", id.as_str())])).into_response())
}

/// What the form shows beside the search.
#[derive(Default)]
struct Shown {
    is_saved: bool,
    is_declared: bool,
    left_out: Vec<String>,
    tested: Option<Backtest>,
    error: Option<String>,
}

fn render(state: &AppState, search: &SavedSearch, shown: Shown) -> Result<Response, ApiError> {
    frame::render(&saved_search::page(saved_search::Input {
        search,
        is_saved: shown.is_saved,
        is_declared: shown.is_declared,
        taxonomy: &state.config.taxonomy,
        tested: shown.tested,
        left_out: shown.left_out,
        error: shown.error,
        now: (state.now)(),
    }))
}

async fn saved_fields(state: &AppState, id: &str) -> Result<Map<String, Value>, ApiError> {
    let record = known(state, id).await?;
    let value = serde_json::to_value(&record.search).unwrap_or_default();
    Ok(value.as_object().cloned().unwrap_or_default())
}

/// The saved search that a form describes, over the `fields` that it has no room for.
fn object(sent: &Params, mut fields: Map<String, Value>) -> Value {
    let text = |name: &str| sent.get(name).unwrap_or_default().trim().to_owned();
    let name = text("name");
    let id = if text("id").is_empty() { id_for(&name) } else { text("id") };
    for (key, value) in [("id", id), ("name", name), ("query", text("query"))] {
        fields.insert(key.to_owned(), json!(value));
    }
    for key in ["unit", "schedule", "notes"] {
        let value = sent.get(key).map_or(Value::Null, |it| json!(it));
        fields.insert(key.to_owned(), value);
    }
    for key in ["novelty_days", "throttle_minutes"] {
        let value = sent.get(key).map_or(Value::Null, |it| {
            it.trim().parse::<i64>().map_or_else(|_| json!(it), |number| json!(number))
        });
        fields.insert(key.to_owned(), value);
    }
    for key in ["backfill", "enabled"] {
        fields.insert(key.to_owned(), json!(sent.get(key).is_some()));
    }
    let filters = fields.entry("filters").or_insert_with(|| json!({}));
    // Who sends no further filters, as an older form does, leaves them as they are.
    let has_further = sent.get("further").is_some();
    for field in FilterField::ALL {
        let is_taken = match field {
            FilterField::Kind | FilterField::Sector => true,
            FilterField::Day => false,
            _ => has_further,
        };
        if is_taken {
            filters[field.name()] = json!(sent.all(field.name()).collect::<Vec<_>>());
        }
    }
    fields.insert("deliver".to_owned(), json!(deliveries(sent)));
    Value::Object(fields)
}

fn deliveries(sent: &Params) -> Vec<Value> {
    let rows = (1..=N_DELIVERY_ROWS_MAX).filter_map(|number| {
        let channel = sent.get(&format!("channel_{number}"))?;
        let to = sent.get(&format!("to_{number}")).unwrap_or_default().trim();
        let (to, to_secret) = match to.strip_prefix("secret:") {
            Some(name) => (None, Some(name)),
            None => (Some(to).filter(|it| !it.is_empty()), None),
        };
        let signing_secret = sent.get(&format!("signing_{number}")).map(str::trim);
        Some(json!({
            "channel": channel, "to": to, "to_secret": to_secret,
            "signing_secret": signing_secret,
        }))
    });
    rows.collect()
}

/// The id of a new search that is called `name`; of none that addresses need.
fn id_for(name: &str) -> String {
    let id = slug(name);
    if SearchId::new(id.as_str()).is_reserved() { id + "-2" } else { id }
}

/// `Iran & energy` as `iran-energy`.
fn slug(name: &str) -> String {
    let plain = |it: char| if it.is_ascii_alphanumeric() { it.to_ascii_lowercase() } else { '-' };
    let dashed: String = name.chars().map(plain).collect();
    let parts: Vec<&str> = dashed.split('-').filter(|it| !it.is_empty()).collect();
    let slug: String = parts.join("-").chars().take(64).collect();
    slug.trim_end_matches('-').to_owned()
}

/// What was sent, as well as it can be shown again when it cannot be read.
fn as_sent(sent: &Params, value: &Value) -> SavedSearch {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let mut readable = value.clone();
    readable["query"] = json!("");
    readable["deliver"] = json!([]);
    let known = SavedSearch::from_json(&readable, None, |_| Ok(()));
    let known = known.unwrap_or_else(|_| SavedSearch::new("", ""));
    SavedSearch {
        id: text("id").as_str().into(),
        name: sent.get("name").unwrap_or_default().to_owned(),
        query: text("query"),
        ..known
    }
}
