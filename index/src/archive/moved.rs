//! Stories whose articles went elsewhere: their headlines, and copies that are no longer beside
//! their original.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Archive;
use super::value::{get, to_json};

impl Archive {
    /// Of the copies in each of `stories`, and of those of `originals` (both JSON arrays of ids), whose
    /// original is in another story, the earliest becomes the one that the others repeat. Returns
    /// the stories that are to be counted anew.
    ///
    /// A copy whose original is in no story, since that is read anew, waits for it.
    pub(super) async fn part_copies(
        &self,
        tx: &mut Transaction<'static, Any>,
        stories: &str,
        originals: &str,
    ) -> Result<BTreeSet<String>, sqlx::Error> {
        let select = format!(
            "SELECT copies.article_id, copies.copy_of, copies.story_id
             FROM article_states AS copies
             JOIN article_states AS originals ON originals.article_id = copies.copy_of
             WHERE (copies.story_id IN {} OR copies.copy_of IN {})
                 AND originals.story_id <> copies.story_id
             ORDER BY copies.dated_at, copies.arrival",
            self.dialect.list(1),
            self.dialect.list(2),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(stories)
            .bind(originals)
            .fetch_all(&mut **tx)
            .await?;
        self.hand_down(tx, &rows).await
    }

    /// In each story, the first of the copies of one original becomes the one that the others repeat;
    /// returns their stories. `rows` have `article_id`, `copy_of` and `story_id`.
    pub(super) async fn hand_down(
        &self,
        tx: &mut Transaction<'static, Any>,
        rows: &[AnyRow],
    ) -> Result<BTreeSet<String>, sqlx::Error> {
        let mut heirs: BTreeMap<(&str, Option<&str>), &str> = BTreeMap::new();
        let mut changes: Vec<(&str, Option<&str>)> = Vec::with_capacity(rows.len());
        let mut stories = BTreeSet::new();
        for row in rows {
            let (id, story): (&str, Option<&str>) =
                (get(row, "article_id")?, get(row, "story_id")?);
            let heir = *heirs.entry((get(row, "copy_of")?, story)).or_insert(id);
            changes.push((id, (heir != id).then_some(heir)));
            stories.extend(story.map(str::to_owned));
        }
        if changes.is_empty() {
            return Ok(stories);
        }
        let update = format!(
            "UPDATE article_states SET copy_of = value ->> 1 FROM {}
             WHERE article_states.article_id = value ->> 0",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(update)).bind(to_json(&changes)).execute(&mut **tx).await?;
        Ok(stories)
    }

    /// Calls those of `stories` whose headline is that of none of their articles by the headline of
    /// the earliest one, or of the earliest copy where all are copies.
    pub(super) async fn renew_headlines(
        &self,
        tx: &mut Transaction<'static, Any>,
        stories: &BTreeSet<String>,
    ) -> Result<(), sqlx::Error> {
        let update = format!(
            "UPDATE stories SET headline = COALESCE(
                 (SELECT articles.title FROM article_states
                  JOIN articles ON articles.id = article_states.article_id
                  WHERE article_states.story_id = stories.id AND TRIM(articles.title) <> ''
                  ORDER BY CASE WHEN article_states.copy_of IS NULL THEN 0 ELSE 1 END,
                      article_states.dated_at, article_states.arrival LIMIT 1), headline)
             WHERE id IN {} AND (TRIM(headline) = '' OR NOT EXISTS
                 (SELECT 1 FROM article_states
                  JOIN articles ON articles.id = article_states.article_id
                  WHERE article_states.story_id = stories.id
                      AND articles.title = stories.headline))",
            self.dialect.list(1),
        );
        sqlx::query(AssertSqlSafe(update)).bind(to_json(stories)).execute(&mut **tx).await?;
        Ok(())
    }

    /// The one of `articles` with the earliest date; `None` when the archive has none of them.
    pub(super) async fn earliest(
        &self,
        tx: &mut Transaction<'static, Any>,
        articles: &[String],
    ) -> Result<Option<String>, sqlx::Error> {
        let select = format!(
            "SELECT article_id FROM article_states WHERE article_id IN {}
             ORDER BY dated_at, arrival LIMIT 1",
            self.dialect.list(1),
        );
        let row = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&articles))
            .fetch_optional(&mut **tx)
            .await?;
        row.map(|it| get(&it, "article_id")).transpose()
    }
}
