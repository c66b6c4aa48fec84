//! The JSON addresses and their description, `/openapi.json`.

use axum::body::Bytes;
use index::graph::EdgeKind;
use index::search::{DateField, Sort};
use nlp::StatementKind;
use utoipa::OpenApi;
use utoipa::openapi::{self, Content, Ref, RefOr, ResponseBuilder};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::error::{ErrorBody, ErrorDetail};
use crate::export::{Format, Tlp};
use crate::handlers;
use crate::state::AppState;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Harbinger",
        description = "News and OSINT threat monitor: search, stories, hostile statements, entities.",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT")
    ),
    components(schemas(
        ErrorBody,
        ErrorDetail,
        DateField,
        Sort,
        StatementKind,
        EdgeKind,
        Format,
        Tlp
    ))
)]
struct Description;

/// The documented routes, each beside its description.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(handlers::search::get))
        .routes(routes!(handlers::complete::get))
        .routes(routes!(handlers::articles::get, handlers::articles::remove))
        .routes(routes!(handlers::submissions::submit))
        .routes(routes!(handlers::versions::list))
        .routes(routes!(handlers::versions::warc))
        .routes(routes!(handlers::versions::reread))
        .routes(routes!(handlers::stories::list))
        .routes(routes!(handlers::stories::get))
        .routes(routes!(handlers::story_edits::merge))
        .routes(routes!(handlers::story_edits::split))
        .routes(routes!(handlers::story_edits::pin))
        .routes(routes!(handlers::story_edits::unpin))
        .routes(routes!(handlers::statements::list))
        .routes(routes!(handlers::entities::list))
        .routes(routes!(handlers::entities::get))
        .routes(routes!(handlers::saved_searches::list, handlers::saved_searches::create))
        .routes(routes!(
            handlers::saved_searches::get,
            handlers::saved_searches::replace,
            handlers::saved_searches::remove
        ))
        .routes(routes!(handlers::restoring::article))
        .routes(routes!(handlers::restoring::search))
        .routes(routes!(handlers::restoring::source))
        .routes(routes!(handlers::saved_searches::backtest_unsaved))
        .routes(routes!(handlers::saved_searches::backtest_saved))
        .routes(routes!(handlers::source_list::list, handlers::source_list::add))
        .routes(routes!(handlers::source_list::test))
        .routes(routes!(handlers::source_list::edit, handlers::source_list::remove))
        .routes(routes!(handlers::opml::get, handlers::opml::put))
        .routes(routes!(handlers::alerts::list))
        .routes(routes!(handlers::alerts::get, handlers::alerts::edit))
        .routes(routes!(handlers::alerts::deliveries))
        .routes(routes!(handlers::alerts::retry))
        .routes(routes!(handlers::corrections::list, handlers::corrections::add))
        .routes(routes!(handlers::corrections::remove))
        .routes(routes!(handlers::graph::of_entity))
        .routes(routes!(handlers::graph::get))
        .routes(routes!(handlers::export::get))
        .routes(routes!(handlers::health::livez))
        .routes(routes!(handlers::health::readyz))
        .routes(routes!(handlers::health::metrics))
        .routes(routes!(handlers::events::get))
}

/// What every address may answer besides: no login, too many requests, a body that is too large…
fn any_other() -> RefOr<openapi::Response> {
    let body = Content::new(Some(Ref::from_schema_name("ErrorBody")));
    ResponseBuilder::new()
        .description("any other failure")
        .content("application/json", body)
        .build()
        .into()
}

/// The description as it is sent, written once at the start.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// JSON.
    pub(crate) json: Bytes,
}

impl Document {
    /// Writes `description`; it holds no map with keys other than text, so it can be written.
    pub(crate) fn of(description: &openapi::OpenApi) -> Document {
        let mut description = description.clone();
        for path in description.paths.paths.values_mut() {
            let operations =
                [&mut path.get, &mut path.put, &mut path.post, &mut path.delete, &mut path.patch];
            for operation in operations.into_iter().flatten() {
                let responses = &mut operation.responses.responses;
                responses.entry("default".to_owned()).or_insert_with(any_other);
            }
        }
        let json = description.to_json().expect("an OpenAPI description is plain data");
        Document { json: Bytes::from(json) }
    }
}
