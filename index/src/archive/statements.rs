//! Statements: who threatens or attacks whom, asked for by kind, entity, sector and time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use config::{SectorId, SourceId};
use ingest::ArticleId;
use nlp::{StatementKind, story::StoryId};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::annotation_rows::word;
use super::paging::Cursor;
use super::stories::STORY_STATEMENTS_MAX;
use super::value::{
    get, get_count, get_flag, get_instant, get_json, get_parsed, get_parsed_opt, micros,
};
use super::{Archive, ArchiveError};
use crate::record::{Page, StatementRecord};

const PAGE_MAX: usize = 1_000;

/// Which statements to list; an absent condition does not bind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatementFilter {
    /// Of this kind.
    pub kind: Option<StatementKind>,
    /// With this entity among the actors.
    pub actor: Option<String>,
    /// With this entity among the targets.
    pub target: Option<String>,
    /// With this entity as the one who says so.
    pub speaker: Option<String>,
    /// On this sector or one below it.
    pub sector: Option<SectorId>,
    /// Made by this article.
    pub article: Option<ArticleId>,
    /// Of an article dated at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Of an article dated before this time.
    pub to: Option<DateTime<Utc>>,
}

/// Columns of a [`StatementRecord`].
pub(super) const STATEMENT: &str =
    "SELECT statements.*, articles.url, articles.title, articles.language, articles.source_id,
     sources.name AS source_name, sources.is_sample, article_states.story_id,
     article_states.copy_of
     FROM statements
     JOIN articles ON articles.id = statements.article_id
     JOIN article_states ON article_states.article_id = statements.article_id
     JOIN sources ON sources.id = articles.source_id";

impl Archive {
    /// Statements that pass `filter`, newest article first. `cursor` is [`Page::next`] of the page
    /// before; `limit` is at most 1 000.
    pub async fn statements(
        &self,
        filter: &StatementFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<StatementRecord>, ArchiveError> {
        let after = Cursor::falling(cursor)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let conditions = [
            (filter.kind.is_some(), "statements.kind = $5"),
            (
                filter.actor.is_some(),
                "statements.id IN (SELECT statement_id FROM statement_entities
                 WHERE entity_id = $6 AND role = 'actor')",
            ),
            (
                filter.target.is_some(),
                "statements.id IN (SELECT statement_id FROM statement_entities
                 WHERE entity_id = $7 AND role = 'target')",
            ),
            (
                filter.sector.is_some(),
                "statements.id IN (SELECT statement_id FROM statement_sectors WHERE sector = $8)",
            ),
            (filter.article.is_some(), "statements.article_id = $9"),
            (
                filter.speaker.is_some(),
                "statements.id IN (SELECT statement_id FROM statement_entities
                 WHERE entity_id = $11 AND role = 'speaker')",
            ),
        ];
        // Parameters of absent conditions are bound as NULL and not used.
        let wanted = conditions.iter().filter(|it| it.0).map(|it| format!(" AND {}", it.1));
        let select = format!(
            "{STATEMENT} WHERE (statements.dated_at, statements.id) < ($1, $2)
                 AND $3 <= statements.dated_at AND statements.dated_at < $4 {}
             ORDER BY statements.dated_at DESC, statements.id DESC LIMIT $10",
            wanted.collect::<String>(),
        );
        self.tried("list statements", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(after.number)
                .bind(&after.id)
                .bind(filter.from.map_or(i64::MIN, micros))
                .bind(filter.to.map_or(i64::MAX, micros))
                .bind(filter.kind.as_ref().map(word))
                .bind(filter.actor.as_deref())
                .bind(filter.target.as_deref())
                .bind(filter.sector.as_ref().map(SectorId::as_str))
                .bind(filter.article.map(|it| it.to_string()))
                .bind(limit as i64)
                .bind(filter.speaker.as_deref())
                .fetch_all(&self.reader)
                .await?;
            let items = rows.iter().map(read_statement).collect::<Result<Vec<_>, _>>()?;
            let last = items.last().filter(|_| items.len() == limit);
            let next =
                last.map(|it| Cursor { number: micros(it.dated_at), id: it.id.clone() }.text());
            Ok(Page { items, next })
        })
        .await
    }

    /// How many statements name an entity, by its role in them: `actor`, `target`, `speaker`,
    /// `means`.
    pub async fn statement_counts(
        &self,
        entity: &str,
    ) -> Result<BTreeMap<String, u64>, ArchiveError> {
        self.tried(format!("count the statements on {entity}"), async {
            let rows = sqlx::query(
                "SELECT role, COUNT(*) AS n FROM statement_entities WHERE entity_id = $1
                 GROUP BY role",
            )
            .bind(entity)
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(|it| Ok((get(it, "role")?, get_count(it, "n")?))).collect()
        })
        .await
    }

    /// The statements of a story, oldest first.
    pub(super) async fn statements_of_story(
        &self,
        story: &StoryId,
    ) -> Result<Vec<StatementRecord>, sqlx::Error> {
        let select = format!(
            "{STATEMENT} WHERE article_states.story_id = $1
             ORDER BY statements.dated_at DESC, article_states.arrival DESC,
                 statements.in_title, statements.ordinal DESC
             LIMIT $2"
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(story.as_str())
            .bind(STORY_STATEMENTS_MAX)
            .fetch_all(&self.reader)
            .await?;
        rows.iter().rev().map(read_statement).collect()
    }
}

/// Reads a row of [`STATEMENT`].
pub(super) fn read_statement(row: &AnyRow) -> Result<StatementRecord, sqlx::Error> {
    Ok(StatementRecord {
        id: get(row, "id")?,
        article: get_parsed(row, "article_id")?,
        article_url: get(row, "url")?,
        article_title: get(row, "title")?,
        source: SourceId::new(get::<String>(row, "source_id")?),
        source_name: get(row, "source_name")?,
        is_sample: get_flag(row, "is_sample")?,
        story: get::<Option<&str>>(row, "story_id")?.map(StoryId::founded_by),
        dated_at: get_instant(row, "dated_at")?,
        in_title: get_flag(row, "in_title")?,
        sentence: get(row, "sentence")?,
        language: get(row, "language")?,
        copy_of: get_parsed_opt(row, "copy_of")?,
        statement: get_json(row, "body")?,
    })
}
