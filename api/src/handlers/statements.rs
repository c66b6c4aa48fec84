//! `/v1/statements`: who threatens, attacks or warns of whom.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, Utc};
use config::SectorId;
use index::StatementRecord;
use index::archive::statements::StatementFilter;
use ingest::ArticleId;
use nlp::{Statement, StatementKind};
use serde::Serialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::handlers::etag;
use crate::handlers::params::Params;
use crate::state::AppState;

/// A statement with the article that makes it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StatementBody {
    /// Stable while the article is not annotated anew.
    id: String,
    /// Id of the article.
    article: String,
    /// Its page.
    article_url: String,
    /// Its headline.
    article_title: String,
    /// Id of the source.
    source: String,
    /// Display name of the source.
    source_name: String,
    /// Whether it comes from the bundled sample wire.
    is_sample: bool,
    /// Id of the article's story.
    story: Option<String>,
    /// Date of the article: published, or else fetched.
    dated_at: DateTime<Utc>,
    /// Whether the offsets count in the headline instead of the text.
    in_title: bool,
    /// The sentence that proves it.
    sentence_text: String,
    /// Who does what to whom.
    #[serde(flatten)]
    statement: Statement,
}

impl From<StatementRecord> for StatementBody {
    fn from(record: StatementRecord) -> StatementBody {
        StatementBody {
            id: record.id,
            article: record.article.to_string(),
            article_url: record.article_url,
            article_title: record.article_title,
            source: record.source.to_string(),
            source_name: record.source_name,
            is_sample: record.is_sample,
            story: record.story.map(|it| it.to_string()),
            dated_at: record.dated_at,
            in_title: record.in_title,
            sentence_text: record.sentence,
            statement: record.statement,
        }
    }
}

/// A page of statements.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StatementsBody {
    /// Newest article first.
    statements: Vec<StatementBody>,
    /// Give it back as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

/// Which statements.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `filter` reads")]
pub(crate) struct StatementParams {
    /// Kind of statement.
    kind: Option<StatementKind>,
    /// Entity id of an actor.
    actor: Option<String>,
    /// Entity id of a target.
    target: Option<String>,
    /// Entity id of whoever says so.
    speaker: Option<String>,
    /// Facet path of a sector; includes the sectors below it.
    sector: Option<String>,
    /// Id of an article.
    article: Option<String>,
    /// First day or instant.
    from: Option<String>,
    /// Last day, or the instant before which.
    to: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Statements on a page, at most 200; 50 by default.
    limit: Option<usize>,
}

const PARAMS: &[&str] =
    &["kind", "actor", "target", "speaker", "sector", "article", "from", "to", "cursor", "limit"];

/// Statements, newest article first.
#[utoipa::path(
    get, path = "/v1/statements", tag = "statements", params(StatementParams),
    responses((status = OK, body = StatementsBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(PARAMS)?;
    let filter = filter(&params)?;
    let page = state.archive.statements(&filter, params.get("cursor"), params.limit()?).await?;
    let statements = page.items.into_iter().map(StatementBody::from).collect();
    etag::json(&headers, &StatementsBody { statements, next_cursor: page.next })
}

fn filter(params: &Params) -> Result<StatementFilter, ApiError> {
    Ok(StatementFilter {
        kind: params.named("kind")?,
        actor: params.get("actor").map(str::to_owned),
        target: params.get("target").map(str::to_owned),
        speaker: params.get("speaker").map(str::to_owned),
        sector: params.get("sector").map(SectorId::new),
        article: params.parsed::<ArticleId>("article")?,
        from: params.begin_of("from")?,
        to: params.end_of("to")?,
    })
}
