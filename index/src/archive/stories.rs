//! Stories: lists, one story whole, and what the clusterer needs to be restored.

use chrono::{DateTime, Utc};
use config::{SectorId, SourceId};
use nlp::StatementKind;
use nlp::story::{N_LEAD_CHARS, StoryId};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::annotation_rows::word;
use super::paging::Cursor;
use super::value::{
    embedding_of, from_json, get, get_count, get_flag, get_instant, get_instant_opt, get_json,
    get_parsed, get_parsed_opt, micros,
};
use super::{Archive, ArchiveError};
use crate::record::{
    FirstReport, Page, StoryArticle, StoryInput, StoryLead, StoryRecord, StorySummary,
};

const STORY_ARTICLES_MAX: i64 = 500;
pub(super) const STORY_STATEMENTS_MAX: i64 = 500;
const STORY_LEADS_MAX: i64 = 24;
const PAGE_MAX: usize = 1_000;

/// Which stories to list; an absent bound does not bind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoryFilter {
    /// Last seen at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Last seen before this time.
    pub to: Option<DateTime<Utc>>,
    /// Told by at least so many sources.
    pub n_sources_min: Option<u64>,
    /// With a statement of this kind.
    pub kind: Option<StatementKind>,
    /// With a statement that has this entity in any role.
    pub entity: Option<String>,
    /// With a statement on this sector or one below it.
    pub sector: Option<SectorId>,
}

impl Archive {
    /// Stories that pass `filter`, last seen first. `cursor` is [`Page::next`] of the page before;
    /// `limit` is at most 1 000.
    pub async fn stories(
        &self,
        filter: &StoryFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<StorySummary>, ArchiveError> {
        let after = Cursor::falling(cursor)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let statements_of_story = "SELECT 1 FROM article_states
             JOIN statements ON statements.article_id = article_states.article_id";
        let mut conditions = String::new();
        if filter.kind.is_some() {
            conditions += &format!(
                " AND EXISTS ({statements_of_story}
                 WHERE article_states.story_id = stories.id AND statements.kind = $6)"
            );
        }
        if filter.entity.is_some() {
            conditions += &format!(
                " AND EXISTS ({statements_of_story}
                 JOIN statement_entities ON statement_entities.statement_id = statements.id
                 WHERE article_states.story_id = stories.id AND entity_id = $7)"
            );
        }
        if filter.sector.is_some() {
            conditions += &format!(
                " AND EXISTS ({statements_of_story}
                 JOIN statement_sectors ON statement_sectors.statement_id = statements.id
                 WHERE article_states.story_id = stories.id AND sector = $8)"
            );
        }
        let select = format!(
            "SELECT * FROM stories
             WHERE (last_seen_at, id) < ($1, $2) AND $3 <= last_seen_at AND last_seen_at < $4
                 AND $5 <= n_sources {conditions}
             ORDER BY last_seen_at DESC, id DESC LIMIT $9"
        );
        self.tried("list stories", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(after.number)
                .bind(&after.id)
                .bind(filter.from.map_or(i64::MIN, micros))
                .bind(filter.to.map_or(i64::MAX, micros))
                .bind(filter.n_sources_min.unwrap_or(0) as i64)
                .bind(filter.kind.as_ref().map(word))
                .bind(filter.entity.as_deref())
                .bind(filter.sector.as_ref().map(SectorId::as_str))
                .bind(limit as i64)
                .fetch_all(&self.reader)
                .await?;
            let items = rows.iter().map(read_summary).collect::<Result<Vec<_>, _>>()?;
            let next = items
                .last()
                .filter(|_| items.len() == limit)
                .map(|it| Cursor { number: micros(it.last_seen_at), id: it.id.to_string() }.text());
            Ok(Page { items, next })
        })
        .await
    }

    /// The story with that id, its articles and statements; `None` when there is none.
    pub async fn story(&self, id: &StoryId) -> Result<Option<StoryRecord>, ArchiveError> {
        self.tried(format!("read story {id}"), async {
            let summary = sqlx::query("SELECT * FROM stories WHERE id = $1")
                .bind(id.as_str())
                .fetch_optional(&self.reader)
                .await?;
            let Some(summary) = summary else { return Ok(None) };
            let rows = sqlx::query(
                "SELECT articles.id, articles.url, articles.title, articles.source_id,
                     articles.published_at, articles.fetched_at, articles.language,
                     article_states.copy_of, story_pins.story_id AS pinned_to, sources.name AS source_name, sources.country AS source_country,
                     sources.is_sample
                 FROM article_states
                 JOIN articles ON articles.id = article_states.article_id
                 JOIN sources ON sources.id = articles.source_id
                 LEFT JOIN story_pins ON story_pins.article_id = articles.id
                 WHERE article_states.story_id = $1
                 ORDER BY article_states.dated_at DESC, article_states.arrival DESC LIMIT $2",
            )
            .bind(id.as_str())
            .bind(STORY_ARTICLES_MAX)
            .fetch_all(&self.reader)
            .await?;
            let articles = rows.iter().rev().map(read_story_article);
            Ok(Some(StoryRecord {
                summary: read_summary(&summary)?,
                first_reported: self.first_report(id).await?,
                articles: articles.collect::<Result<Vec<_>, _>>()?,
                statements: self.statements_of_story(id).await?,
            }))
        })
        .await
    }

    /// The oldest of all articles of a story.
    async fn first_report(&self, id: &StoryId) -> Result<Option<FirstReport>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT articles.id, articles.url, articles.source_id, sources.name AS source_name,
                 article_states.dated_at
             FROM article_states
             JOIN articles ON articles.id = article_states.article_id
             JOIN sources ON sources.id = articles.source_id
             WHERE article_states.story_id = $1
             ORDER BY article_states.dated_at, article_states.arrival LIMIT 1",
        )
        .bind(id.as_str())
        .fetch_optional(&self.reader)
        .await?;
        row.map(|it| {
            Ok(FirstReport {
                article: get_parsed(&it, "id")?,
                url: get(&it, "url")?,
                source: SourceId::new(get::<String>(&it, "source_id")?),
                source_name: get(&it, "source_name")?,
                at: get_instant(&it, "dated_at")?,
            })
        })
        .transpose()
    }

    /// The starts of the articles of a story that repeat no other, oldest first, at most 24: what
    /// [`nlp::story::summary`] is made from.
    pub async fn story_leads(&self, id: &StoryId) -> Result<Vec<StoryLead>, ArchiveError> {
        let select = format!(
            "SELECT articles.id, articles.title, articles.language,
                 substr(articles.text, 1, {N_LEAD_CHARS}) AS lead
             FROM article_states JOIN articles ON articles.id = article_states.article_id
             WHERE article_states.story_id = $1 AND article_states.copy_of IS NULL
             ORDER BY article_states.dated_at, article_states.arrival LIMIT $2"
        );
        self.tried(format!("read the articles of story {id}"), async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(id.as_str())
                .bind(STORY_LEADS_MAX)
                .fetch_all(&self.reader)
                .await?;
            let leads = rows.iter().map(|row| {
                Ok(StoryLead {
                    article: get_parsed(row, "id")?,
                    title: get(row, "title")?,
                    lead: get(row, "lead")?,
                    language: get(row, "language")?,
                })
            });
            leads.collect()
        })
        .await
    }

    /// What the clusterer must be told again after a restart: correlated articles dated `since` or
    /// later, in order of arrival, those behind place `after` (0 for the first page), at most
    /// `limit`.
    pub async fn recent_story_inputs(
        &self,
        since: DateTime<Utc>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoryInput>, ArchiveError> {
        let condition = "$1 < article_states.arrival AND $2 <= article_states.dated_at";
        let select = self.select_story_inputs(condition, "article_states.arrival");
        self.tried("read recent stories", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(after)
                .bind(micros(since))
                .bind(limit as i64)
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(read_story_input).collect()
        })
        .await
    }

    /// What a clusterer must be told of other days than the last: the correlated articles dated
    /// `from..to`, oldest first, at most `limit`.
    pub async fn story_inputs_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<StoryInput>, ArchiveError> {
        let condition = "$1 <= article_states.dated_at AND article_states.dated_at < $2";
        let order = "article_states.dated_at, article_states.arrival";
        let select = self.select_story_inputs(condition, order);
        self.tried("read the stories of a day", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(micros(from))
                .bind(micros(to))
                .bind(limit as i64)
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(read_story_input).collect()
        })
        .await
    }

    /// A query for [`read_story_input`]; `$3` is how many rows there are at most.
    fn select_story_inputs(&self, condition: &str, order: &str) -> String {
        let entities = self.dialect.json_of_strings("entity_id");
        let statements = self.dialect.json_of_strings("body");
        format!(
            "SELECT article_states.*, articles.title, articles.language, articles.published_at,
                 substr(articles.text, 1, {N_LEAD_CHARS}) AS lead, annotations.embedding,
                 story_pins.story_id AS pinned_to,
                 (SELECT {entities} FROM article_entities
                  WHERE article_entities.article_id = articles.id) AS entities,
                 (SELECT {statements} FROM statements
                  WHERE statements.article_id = articles.id) AS statements
             FROM article_states
             JOIN articles ON articles.id = article_states.article_id
             JOIN annotations ON annotations.article_id = articles.id
             LEFT JOIN story_pins ON story_pins.article_id = articles.id
             WHERE {condition} AND article_states.story_id IS NOT NULL
             ORDER BY {order} LIMIT $3"
        )
    }
}

pub(super) fn read_summary(row: &AnyRow) -> Result<StorySummary, sqlx::Error> {
    Ok(StorySummary {
        id: StoryId::founded_by(get(row, "id")?),
        headline: get(row, "headline")?,
        first_seen_at: get_instant(row, "first_seen_at")?,
        last_seen_at: get_instant(row, "last_seen_at")?,
        n_articles: get_count(row, "n_articles")?,
        n_sources: get_count(row, "n_sources")?,
        n_independent: get_count(row, "n_independent")?,
        n_statements: get_count(row, "n_statements")?,
    })
}

fn read_story_article(row: &AnyRow) -> Result<StoryArticle, sqlx::Error> {
    Ok(StoryArticle {
        id: get_parsed(row, "id")?,
        url: get(row, "url")?,
        title: get(row, "title")?,
        source: SourceId::new(get::<String>(row, "source_id")?),
        source_name: get(row, "source_name")?,
        source_country: get(row, "source_country")?,
        is_sample: get_flag(row, "is_sample")?,
        published_at: get_instant_opt(row, "published_at")?,
        fetched_at: get_instant(row, "fetched_at")?,
        language: get(row, "language")?,
        copy_of: get::<Option<String>>(row, "copy_of")?.and_then(|it| it.parse().ok()),
        is_pinned: get::<Option<String>>(row, "pinned_to")?.is_some(),
    })
}

fn read_story_input(row: &AnyRow) -> Result<StoryInput, sqlx::Error> {
    let mut entities: Vec<String> = get_json(row, "entities")?;
    entities.sort();
    let statements: Vec<String> = get_json(row, "statements")?;
    let statements = statements.iter().map(|it| from_json("statements", it));
    Ok(StoryInput {
        arrival: get(row, "arrival")?,
        article: get_parsed(row, "article_id")?,
        title: get(row, "title")?,
        lead: get(row, "lead")?,
        embedding: embedding_of(get(row, "embedding")?),
        entities,
        statements: statements.collect::<Result<_, _>>()?,
        dated_at: get_instant(row, "dated_at")?,
        published_at: get_instant_opt(row, "published_at")?,
        copy_of: get_parsed_opt(row, "copy_of")?,
        story: StoryId::founded_by(get(row, "story_id")?),
        is_pinned: get::<Option<String>>(row, "pinned_to")?.is_some(),
        source: SourceId::new(get::<String>(row, "source_id")?),
        language: get(row, "language")?,
    })
}
