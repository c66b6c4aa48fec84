//! Taking annotations back, and keeping the counts of entities and stories right.

use std::collections::BTreeSet;

use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Archive;
use super::value::{get, to_json};

impl Archive {
    /// Removes everything that annotation added to the articles `ids`, as if they had just arrived.
    ///
    /// Returns the stories that they were in; their counts are stale until
    /// [`Archive::recount_stories`].
    pub(super) async fn forget(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
    ) -> Result<BTreeSet<String>, sqlx::Error> {
        let list = self.dialect.list(1);
        let select = format!(
            "SELECT article_id, story_id FROM article_states
             WHERE article_id IN {list} AND (annotate_at IS NULL OR story_id IS NOT NULL)"
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        if rows.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ids = rows.iter().map(|it| get(it, "article_id"));
        let ids = to_json(&ids.collect::<Result<Vec<&str>, _>>()?);
        let stories = rows.iter().map(|it| get::<Option<String>>(it, "story_id"));
        let stories = stories.collect::<Result<Vec<_>, _>>()?;
        self.forget_entities(tx, &ids).await?;
        let removals = [
            // Rows of `statement_entities` and `statement_sectors` go with their statement.
            format!("DELETE FROM statements WHERE article_id IN {list}"),
            format!("DELETE FROM annotations WHERE article_id IN {list}"),
            format!(
                "UPDATE article_states SET story_id = NULL, index_seq = NULL, copy_of = NULL,
                     annotate_at = 0, leased_by = NULL
                 WHERE article_id IN {list}"
            ),
        ];
        for removal in removals {
            sqlx::query(AssertSqlSafe(removal)).bind(&ids).execute(&mut **tx).await?;
        }
        Ok(stories.into_iter().flatten().collect())
    }

    /// Removes the links of articles (JSON array of ids) to entities, and entities left without.
    pub(super) async fn forget_entities(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &str,
    ) -> Result<(), sqlx::Error> {
        let list = self.dialect.list(1);
        let select = format!(
            "SELECT entity_id, COUNT(*) AS n FROM article_entities WHERE article_id IN {list}
             GROUP BY entity_id ORDER BY entity_id"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(ids).fetch_all(&mut **tx).await?;
        let mut lost: Vec<(&str, i64)> = Vec::with_capacity(rows.len());
        for row in &rows {
            lost.push((get(row, "entity_id")?, get(row, "n")?));
        }
        let unlink = format!("DELETE FROM article_entities WHERE article_id IN {list}");
        sqlx::query(AssertSqlSafe(unlink)).bind(ids).execute(&mut **tx).await?;

        let recount = format!(
            "UPDATE entities SET n_articles = n_articles - CAST(value ->> 1 AS BIGINT),
                 first_seen_at = COALESCE((SELECT MIN(dated_at) FROM article_entities
                     WHERE entity_id = entities.id), first_seen_at),
                 last_seen_at = COALESCE((SELECT MAX(dated_at) FROM article_entities
                     WHERE entity_id = entities.id), last_seen_at)
             FROM {} WHERE entities.id = value ->> 0",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(recount)).bind(to_json(&lost)).execute(&mut **tx).await?;
        let touched: Vec<&str> = lost.iter().map(|it| it.0).collect();
        let remove = format!("DELETE FROM entities WHERE id IN {list} AND n_articles <= 0");
        sqlx::query(AssertSqlSafe(remove)).bind(to_json(&touched)).execute(&mut **tx).await?;
        Ok(())
    }

    /// Counts the articles, sources and statements of `stories` anew and removes empty stories; which
    /// names mean which in the others is to be told anew ([`Archive::settle_names`]).
    pub(super) async fn recount_stories(
        &self,
        tx: &mut Transaction<'static, Any>,
        stories: &BTreeSet<String>,
    ) -> Result<(), sqlx::Error> {
        if stories.is_empty() {
            return Ok(());
        }
        let list = self.dialect.list(1);
        let updates = [
            format!(
                "UPDATE stories SET n_articles = total.n_articles, n_sources = total.n_sources,
                     n_independent = total.n_independent, first_seen_at = total.first_seen_at, last_seen_at = total.last_seen_at
                 FROM (SELECT story_id, COUNT(*) AS n_articles,
                           COUNT(DISTINCT source_id) AS n_sources,
                           COUNT(DISTINCT CASE WHEN copy_of IS NULL THEN source_id END)
                               AS n_independent,
                           MIN(dated_at) AS first_seen_at, MAX(dated_at) AS last_seen_at
                       FROM article_states WHERE story_id IN {list} GROUP BY story_id) AS total
                 WHERE stories.id = total.story_id"
            ),
            format!(
                "UPDATE stories SET n_statements =
                     (SELECT COUNT(*) FROM article_states
                      JOIN statements ON statements.article_id = article_states.article_id
                      WHERE article_states.story_id = stories.id)
                 WHERE id IN {list}"
            ),
            format!(
                "DELETE FROM stories WHERE id IN {list} AND NOT EXISTS
                     (SELECT 1 FROM article_states WHERE story_id = stories.id)"
            ),
            format!(
                "INSERT INTO unsettled_stories (story_id) SELECT id FROM stories WHERE id IN {list}
                 ON CONFLICT DO NOTHING"
            ),
        ];
        for update in updates {
            sqlx::query(AssertSqlSafe(update)).bind(to_json(stories)).execute(&mut **tx).await?;
        }
        Ok(())
    }
}
