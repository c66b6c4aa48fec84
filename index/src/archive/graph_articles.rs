//! Articles for the entity graph and the exports: all that is known of them but their texts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::ArticleId;
use nlp::story::StoryId;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::articles::{DETAILS, FROM_ARTICLES, read_details};
use super::statements::{STATEMENT, read_statement};
use super::stories::read_summary;
use super::value::{
    get, get_count, get_flag, get_instant, get_instant_opt, get_json, get_parsed, instant, micros,
    to_json,
};
use super::{Archive, ArchiveError};
use crate::indicators::{N_INDICATORS_MAX, article_indicators};
use crate::record::{ArticleEntity, GraphArticle, StatementRecord, StoryMembers};

/// Articles of one story that are listed.
const MEMBERS_MAX: i64 = 1_000;
/// Texts that are in memory at once.
const N_TEXTS_AT_ONCE: usize = 50;

impl Archive {
    /// The articles with those ids in the order of `ids`; unknown ids are left out. Give it a few
    /// hundred at a time.
    pub async fn graph_articles(
        &self,
        ids: &[ArticleId],
    ) -> Result<Vec<GraphArticle>, ArchiveError> {
        let list = self.dialect.list(1);
        let articles = format!(
            "SELECT articles.id, articles.url, articles.title, articles.authors,
                 articles.source_id, articles.language, articles.published_at,
                 articles.fetched_at, articles.page_sha256, sources.name AS source_name,
                 sources.country AS source_country, sources.is_sample, article_states.story_id,
                 article_states.dated_at, annotations.annotated_at, {DETAILS}
             {FROM_ARTICLES} WHERE articles.id IN {list}"
        );
        let entities = format!(
            "SELECT article_entities.article_id, article_entities.n_mentions, entities.id,
                 entities.kind, entities.name
             FROM article_entities JOIN entities ON entities.id = article_entities.entity_id
             WHERE article_entities.article_id IN {list}
             ORDER BY article_entities.article_id, entities.id"
        );
        let statements = format!(
            "{STATEMENT} WHERE statements.article_id IN {list}
             ORDER BY statements.article_id, statements.in_title DESC, statements.ordinal"
        );
        let places: HashMap<ArticleId, usize> =
            ids.iter().enumerate().map(|(at, it)| (*it, at)).collect();
        let ids = to_json(&ids);
        self.tried("read articles for the graph", async {
            let rows = sqlx::query(AssertSqlSafe(articles)).bind(&ids).fetch_all(&self.reader);
            let mut found: HashMap<ArticleId, GraphArticle> = HashMap::new();
            for row in &rows.await? {
                let article = read_graph_article(row)?;
                found.insert(article.id, article);
            }
            let rows = sqlx::query(AssertSqlSafe(entities)).bind(&ids).fetch_all(&self.reader);
            for row in &rows.await? {
                if let Some(article) = found.get_mut(&get_parsed(row, "article_id")?) {
                    article.entities.push(read_article_entity(row)?);
                }
            }
            let rows = sqlx::query(AssertSqlSafe(statements)).bind(&ids).fetch_all(&self.reader);
            for row in &rows.await? {
                let statement: StatementRecord = read_statement(row)?;
                if let Some(article) = found.get_mut(&statement.article) {
                    article.statements.push(statement);
                }
            }
            let mut articles: Vec<GraphArticle> = found.into_values().collect();
            articles.sort_by_key(|it| places.get(&it.id).copied());
            Ok(articles)
        })
        .await
    }

    /// Looks for technical indicators in the texts of `articles`, for those who want them: texts
    /// are most of what an article is, so [`graph_articles`](Self::graph_articles) reads none.
    pub async fn add_indicators(&self, articles: &mut [GraphArticle]) -> Result<(), ArchiveError> {
        let select =
            format!("SELECT id, title, text FROM articles WHERE id IN {}", self.dialect.list(1));
        self.tried("read the indicators of articles", async {
            for some in articles.chunks_mut(N_TEXTS_AT_ONCE) {
                let ids: Vec<ArticleId> = some.iter().map(|it| it.id).collect();
                let rows = sqlx::query(AssertSqlSafe(select.as_str()))
                    .bind(to_json(&ids))
                    .fetch_all(&self.reader)
                    .await?;
                for row in &rows {
                    let id: ArticleId = get_parsed(row, "id")?;
                    let mut found = article_indicators(get(row, "title")?, get(row, "text")?);
                    found.truncate(N_INDICATORS_MAX);
                    if let Some(article) = some.iter_mut().find(|it| it.id == id) {
                        article.indicators = found;
                    }
                }
            }
            Ok(())
        })
        .await
    }

    /// The stories with those ids and the articles they hold, in the order of `ids`.
    pub async fn story_members(&self, ids: &[StoryId]) -> Result<Vec<StoryMembers>, ArchiveError> {
        let list = self.dialect.list(1);
        let stories = format!("SELECT * FROM stories WHERE id IN {list}");
        let newest = format!(
            "SELECT story_id, article_id, annotated_at FROM (
                 SELECT article_states.story_id, article_states.article_id,
                     annotations.annotated_at, ROW_NUMBER() OVER (
                         PARTITION BY article_states.story_id
                         ORDER BY article_states.dated_at DESC, article_states.arrival DESC
                     ) AS place
                 FROM article_states
                 JOIN annotations ON annotations.article_id = article_states.article_id
                 WHERE article_states.story_id IN {list}
             ) AS numbered WHERE place <= $2 ORDER BY story_id, place DESC"
        );
        self.tried("read which articles stories hold", async {
            let rows = sqlx::query(AssertSqlSafe(stories)).bind(to_json(&ids));
            let rows = rows.fetch_all(&self.reader).await?;
            let summaries = rows.iter().map(read_summary).collect::<Result<Vec<_>, _>>()?;
            let rows = sqlx::query(AssertSqlSafe(newest))
                .bind(to_json(&ids))
                .bind(MEMBERS_MAX)
                .fetch_all(&self.reader)
                .await?;
            let mut articles: HashMap<&str, Vec<(ArticleId, DateTime<Utc>)>> = HashMap::new();
            for row in &rows {
                let member = (get_parsed(row, "article_id")?, get_instant(row, "annotated_at")?);
                articles.entry(get(row, "story_id")?).or_default().push(member);
            }
            let mut members = Vec::with_capacity(summaries.len());
            for summary in summaries {
                let own = articles.remove(summary.id.as_str()).unwrap_or_default();
                let times = || own.iter().map(|it| it.1);
                let Some(annotated_at) = times().min().zip(times().max()) else { continue };
                let articles = own.iter().map(|it| it.0).collect();
                members.push(StoryMembers { summary, articles, annotated_at });
            }
            members.sort_by_key(|it| ids.iter().position(|id| *id == it.summary.id));
            Ok(members)
        })
        .await
    }

    /// Articles annotated after `after` (time, then id), oldest change first, at most `limit`,
    /// each with the time of its annotation.
    pub async fn changed_after(
        &self,
        after: (DateTime<Utc>, &str),
        limit: usize,
    ) -> Result<Vec<(DateTime<Utc>, ArticleId)>, ArchiveError> {
        self.tried("list what changed", async {
            let rows = sqlx::query(
                "SELECT annotated_at, article_id FROM annotations
                 WHERE (annotated_at, article_id) > ($1, $2)
                 ORDER BY annotated_at, article_id LIMIT $3",
            )
            .bind(micros(after.0))
            .bind(after.1)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let read =
                |it: &AnyRow| Ok((get_instant(it, "annotated_at")?, get_parsed(it, "article_id")?));
            rows.iter().map(read).collect()
        })
        .await
    }
}

fn read_graph_article(row: &AnyRow) -> Result<GraphArticle, sqlx::Error> {
    let fetched_at = get_instant(row, "fetched_at")?;
    Ok(GraphArticle {
        id: get_parsed(row, "id")?,
        url: get(row, "url")?,
        title: get(row, "title")?,
        authors: get_json(row, "authors")?,
        source: SourceId::new(get::<String>(row, "source_id")?),
        source_name: get(row, "source_name")?,
        source_country: get(row, "source_country")?,
        is_sample: get_flag(row, "is_sample")?,
        language: get(row, "language")?,
        published_at: get_instant_opt(row, "published_at")?,
        fetched_at,
        dated_at: instant(get(row, "dated_at")?),
        annotated_at: get_instant_opt(row, "annotated_at")?.unwrap_or(fetched_at),
        page_sha256: get(row, "page_sha256")?,
        details: read_details(row)?,
        story: get::<Option<&str>>(row, "story_id")?.map(StoryId::founded_by),
        entities: Vec::new(),
        statements: Vec::new(),
        indicators: Vec::new(),
    })
}

fn read_article_entity(row: &AnyRow) -> Result<ArticleEntity, sqlx::Error> {
    Ok(ArticleEntity {
        id: get(row, "id")?,
        kind: get(row, "kind")?,
        name: get(row, "name")?,
        n_mentions: get_count(row, "n_mentions")?,
    })
}
