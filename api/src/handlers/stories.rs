//! `/v1/stories`, `/v1/stories/{id}` and the page `/stories/{id}`.
//!
//! Longer than most, since everything that an answer holds is declared here.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use std::cmp::Reverse;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, Utc};
use config::SectorId;
use index::archive::access::Role;
use index::archive::stories::StoryFilter;
use index::{FirstReport, StoryArticle, StoryRecord, StorySummary};
use ingest::ArticleId;
use nlp::story::StoryId;
use nlp::story::summary::{Lead, summary};
use nlp::{EntityRef, Phrase, StatementKind};
use serde::Serialize;
use utoipa::IntoParams;

use crate::access::Principal;
use crate::error::{ApiError, ErrorBody};
use crate::evidence::{Evidence, Merged, merge};
use crate::handlers::etag;
use crate::handlers::params::Params;
use crate::handlers::statements::StatementBody;
use crate::pages::{frame, story};
use crate::state::AppState;

/// A story without its articles.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SummaryBody {
    /// 32 hexadecimal digits.
    id: String,
    /// Headline, that of one of its articles.
    headline: String,
    /// Date of its oldest article.
    first_seen_at: DateTime<Utc>,
    /// Date of its newest article.
    last_seen_at: DateTime<Utc>,
    /// Articles in it.
    n_articles: u64,
    /// Different sources of these.
    n_sources: u64,
    /// Sources that wrote for themselves: those with an article that repeats no other.
    n_independent: u64,
    /// Hostile statements in these.
    n_statements: u64,
}

/// An article as its story lists it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoryArticleBody {
    /// 32 hexadecimal digits.
    id: String,
    /// The page.
    url: String,
    /// Headline; may be empty.
    title: String,
    /// Id of the source.
    source: String,
    /// Display name of the source.
    source_name: String,
    /// Whether it comes from the bundled sample wire.
    is_sample: bool,
    /// Publication time.
    published_at: Option<DateTime<Utc>>,
    /// When the page was fetched.
    fetched_at: DateTime<Utc>,
    /// ISO 639-1 code.
    language: Option<String>,
    /// Id of the article that it repeats; `null` when it was written independently.
    copy_of: Option<String>,
    /// Whether an analyst put it into this story.
    is_pinned: bool,
}

/// What a story holds on one day.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct StoryDay {
    /// The day in UTC.
    day: chrono::NaiveDate,
    /// Articles dated on it.
    n_articles: u64,
    /// Statements in these.
    n_statements: u64,
}

/// A sentence of a story's summary.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SentenceBody {
    /// The sentence as an article wrote it.
    text: String,
    /// Id of that article.
    article: String,
}

/// The oldest article of a story.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct FirstReportBody {
    /// Id of the article.
    article: String,
    /// Its page.
    url: String,
    /// Id of the source.
    source: String,
    /// Display name of the source.
    source_name: String,
    /// Date of the article: published, or else fetched.
    at: DateTime<Utc>,
}

/// What one or many articles of a story say: one threat, whoever reports it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct MergedBody {
    /// Threat, warning, attack…; the same in all of them.
    kind: StatementKind,
    /// Who does it, as `sentence` says.
    actors: Vec<PartyBody>,
    /// To whom, as `sentence` says.
    targets: Vec<PartyBody>,
    /// Facet paths, as `sentence` says.
    sectors: Vec<SectorId>,
    /// The sentence that names most of them.
    sentence: String,
    /// Date of the oldest article that says it.
    first_seen_at: DateTime<Utc>,
    /// Sources that wrote for themselves; copies do not count.
    n_sources: u64,
    /// The articles that say it, oldest first.
    sources: Vec<SayingBody>,
}

/// Somebody who acts or is hit.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PartyBody {
    /// The words as printed.
    text: String,
    /// Who is meant; `null` for a mere description.
    entity: Option<EntityRef>,
}

/// An article that says what others say.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct SayingBody {
    /// Id of the article.
    article: String,
    /// Its page.
    url: String,
    /// Id of the source.
    source: String,
    /// Display name of the source.
    source_name: String,
    /// Date of the article: published, or else fetched.
    dated_at: DateTime<Utc>,
    /// Whether it only repeats another one of these.
    is_copy: bool,
}

/// A story with its articles and statements.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoryBody {
    /// Headline, dates and counts.
    #[serde(flatten)]
    head: SummaryBody,
    /// Who reported it first, of all its articles.
    first_reported: Option<FirstReportBody>,
    /// What it is about, in at most three sentences of its articles.
    summary: Vec<SentenceBody>,
    /// Articles and statements by day, oldest first, without empty days.
    timeline: Vec<StoryDay>,
    /// Oldest first; the newest 500 when there are more.
    articles: Vec<StoryArticleBody>,
    /// Oldest first; the newest 500 when there are more.
    statements: Vec<StatementBody>,
    /// `statements`, those that say the same as one; the one that most sources report comes first.
    merged_statements: Vec<MergedBody>,
}

/// A page of stories.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoriesBody {
    /// Last seen first.
    stories: Vec<SummaryBody>,
    /// Give it back as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
}

impl From<StorySummary> for SummaryBody {
    fn from(summary: StorySummary) -> SummaryBody {
        SummaryBody {
            id: summary.id.to_string(),
            headline: summary.headline,
            first_seen_at: summary.first_seen_at,
            last_seen_at: summary.last_seen_at,
            n_articles: summary.n_articles,
            n_sources: summary.n_sources,
            n_independent: summary.n_independent,
            n_statements: summary.n_statements,
        }
    }
}

impl From<StoryArticle> for StoryArticleBody {
    fn from(article: StoryArticle) -> StoryArticleBody {
        StoryArticleBody {
            id: article.id.to_string(),
            url: article.url,
            title: article.title,
            source: article.source.to_string(),
            source_name: article.source_name,
            is_sample: article.is_sample,
            published_at: article.published_at,
            fetched_at: article.fetched_at,
            language: article.language,
            copy_of: article.copy_of.map(|it| it.to_string()),
            is_pinned: article.is_pinned,
        }
    }
}

impl From<FirstReport> for FirstReportBody {
    fn from(first: FirstReport) -> FirstReportBody {
        FirstReportBody {
            article: first.article.to_string(),
            url: first.url,
            source: first.source.to_string(),
            source_name: first.source_name,
            at: first.at,
        }
    }
}

impl MergedBody {
    fn of(group: &Merged) -> MergedBody {
        let best = group.best();
        let parties = |phrases: &[Phrase]| -> Vec<PartyBody> {
            let all = phrases.iter().cloned();
            all.map(|it| PartyBody { text: it.text, entity: it.entity }).collect()
        };
        let saying = |(it, is_copy): (&Evidence, bool)| SayingBody {
            article: it.article_id.clone(),
            url: it.article_url.clone(),
            source: it.source_id.clone(),
            source_name: it.source_name.clone(),
            dated_at: it.dated_at,
            is_copy,
        };
        MergedBody {
            kind: group.kind(),
            actors: parties(&best.statement.actors),
            targets: parties(&best.statement.targets),
            sectors: best.statement.sectors.clone(),
            sentence: best.sentence.clone(),
            first_seen_at: group.first_at(),
            n_sources: group.n_sources_and_copies().0 as u64,
            sources: group.articles().into_iter().map(saying).collect(),
        }
    }
}

impl StoryBody {
    fn of(record: StoryRecord, sentences: Vec<(ArticleId, String)>) -> StoryBody {
        let mut days = std::collections::BTreeMap::<_, (u64, u64)>::new();
        for article in &record.articles {
            let dated_at = article.published_at.unwrap_or(article.fetched_at);
            days.entry(dated_at.date_naive()).or_default().0 += 1;
        }
        for statement in &record.statements {
            days.entry(statement.dated_at.date_naive()).or_default().1 += 1;
        }
        let day = |(day, (n_articles, n_statements))| StoryDay { day, n_articles, n_statements };
        let sentence = |(article, text): (ArticleId, String)| SentenceBody {
            text,
            article: article.to_string(),
        };
        let merged_statements = merged(&record).iter().map(MergedBody::of).collect();
        StoryBody {
            head: record.summary.into(),
            first_reported: record.first_reported.map(FirstReportBody::from),
            summary: sentences.into_iter().map(sentence).collect(),
            timeline: days.into_iter().map(day).collect(),
            articles: record.articles.into_iter().map(StoryArticleBody::from).collect(),
            statements: record.statements.into_iter().map(StatementBody::from).collect(),
            merged_statements,
        }
    }
}

/// Which stories.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `list` reads")]
pub(crate) struct StoryParams {
    /// Last seen on this day or at this instant, or later.
    from: Option<String>,
    /// Last seen on this day at the latest, or before this instant.
    to: Option<String>,
    /// Told by at least so many sources.
    sources_min: Option<u64>,
    /// With a statement of this kind.
    kind: Option<StatementKind>,
    /// With a statement that has this entity in any role.
    entity: Option<String>,
    /// With a statement on this sector or one below it.
    sector: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Stories on a page, at most 200; 50 by default.
    limit: Option<usize>,
}

const PARAMS: &[&str] =
    &["from", "to", "sources_min", "kind", "entity", "sector", "cursor", "limit"];

/// Stories, last seen first.
#[utoipa::path(
    get, path = "/v1/stories", tag = "stories", params(StoryParams),
    responses((status = OK, body = StoriesBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(PARAMS)?;
    let filter = StoryFilter {
        from: params.begin_of("from")?,
        to: params.end_of("to")?,
        n_sources_min: params.parsed("sources_min")?,
        kind: params.named("kind")?,
        entity: params.get("entity").map(str::to_owned),
        sector: params.get("sector").map(SectorId::new),
    };
    let page = state.archive.stories(&filter, params.get("cursor"), params.limit()?).await?;
    let stories = page.items.into_iter().map(SummaryBody::from).collect();
    etag::json(&headers, &StoriesBody { stories, next_cursor: page.next })
}

/// A story with its timeline, articles and statements.
#[utoipa::path(
    get, path = "/v1/stories/{id}", tag = "stories",
    params(("id" = String, Path, description = "32 hexadecimal digits")),
    responses(
        (status = OK, body = StoryBody),
        (status = NOT_MODIFIED, description = "`If-None-Match` names the current `ETag`"),
        (status = TEMPORARY_REDIRECT, description = "to the story that this one ended in"),
        (status = NOT_FOUND, body = ErrorBody)
    )
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    match find(&state, &id).await? {
        Found::Story(record) => {
            let sentences = sentences(&state, &record.summary.id).await?;
            etag::json(&headers, &StoryBody::of(*record, sentences))
        }
        Found::EndedIn(story) => {
            // Not for good: `reindex` finds all stories anew.
            Ok(Redirect::temporary(&format!("/v1/stories/{story}")).into_response())
        }
    }
}

/// The story's page.
pub(crate) async fn page(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let record = match find(&state, &id).await? {
        Found::Story(record) => *record,
        Found::EndedIn(story) => {
            return Ok(Redirect::temporary(&format!("/stories/{story}")).into_response());
        }
    };
    let can_edit = Principal::current().is_some_and(|it| Role::Analyst <= it.role);
    let (sectors, now) = (&*state.sectors, (state.now)());
    let edits = state.archive.statement_edits(&record.summary.id).await?;
    let sentences = sentences(&state, &record.summary.id).await?;
    let said = merged(&record);
    let input = story::Input { record, said, sentences, edits, sectors, can_edit, now };
    frame::render(&story::page(input))
}

/// The statements of a story, those that say the same as one; those that most sources report first.
fn merged(record: &StoryRecord) -> Vec<Merged> {
    let story = (record.summary.id.to_string(), record.summary.headline.clone());
    let statements = record.statements.iter().cloned();
    let mut merged = merge(statements.map(|it| Evidence::of(it, Some(story.clone()))).collect());
    merged.sort_by_cached_key(|it| Reverse((it.n_sources_and_copies().0, it.latest_at())));
    merged
}

/// What the story is about: sentences with their articles.
async fn sentences(
    state: &AppState,
    story: &StoryId,
) -> Result<Vec<(ArticleId, String)>, ApiError> {
    let leads = state.archive.story_leads(story).await?;
    let read = leads.iter().map(|it| Lead {
        title: &it.title,
        lead: &it.lead,
        language: it.language.as_deref(),
    });
    let sentences = summary(&read.collect::<Vec<_>>()).into_iter();
    Ok(sentences.map(|it| (leads[it.article].article, it.text)).collect())
}

/// What an id leads to.
enum Found {
    Story(Box<StoryRecord>),
    /// The story turned out to be this one.
    EndedIn(StoryId),
}

async fn find(state: &AppState, id: &str) -> Result<Found, ApiError> {
    let missing = || ApiError::not_found("there is no such story");
    let id = parse(id).ok_or_else(missing)?;
    if let Some(record) = state.archive.story(&id).await? {
        return Ok(Found::Story(Box::new(record)));
    }
    state.archive.redirected(&id).await?.map(Found::EndedIn).ok_or_else(missing)
}

/// The story that an id means today: itself, or the one that it ended in. `None` for what is no id.
pub(super) async fn current(state: &AppState, id: &str) -> Result<Option<StoryId>, ApiError> {
    let Some(id) = parse(id) else { return Ok(None) };
    Ok(Some(state.archive.redirected(&id).await?.unwrap_or(id)))
}

fn parse(id: &str) -> Option<StoryId> {
    let is_id = !id.is_empty() && id.len() <= 64 && id.bytes().all(|it| it.is_ascii_alphanumeric());
    is_id.then(|| StoryId::founded_by(id))
}
