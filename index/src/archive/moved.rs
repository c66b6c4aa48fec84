//! Stories whose articles went elsewhere: their headlines, and copies that are no longer beside
//! their original. And which article of a group is the original.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use nlp::story::is_published_before;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Archive;
use super::value::{get, get_instant_opt, to_json};

impl Archive {
    /// Sees to it that the articles `ids`, taken for copies, repeat an original of their story: one
    /// that was published before that takes its place, with all its copies; one that repeats a copy
    /// repeats what that repeats; and one whose original is deleted stands for itself. Goes by the
    /// order of `ids`. Returns the stories that are to be counted anew.
    ///
    /// Stages hear of it with the moves. Until then what they still take for the original leads to the
    /// new one, and an original of before that is read anew repeats what it repeated, unless its text
    /// was edited.
    pub(super) async fn settle_copies(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
        now: DateTime<Utc>,
    ) -> Result<BTreeSet<String>, sqlx::Error> {
        let mut stories = BTreeSet::new();
        if ids.is_empty() {
            return Ok(stories);
        }
        let select = format!(
            "SELECT copies.article_id FROM article_states AS copies
             JOIN articles AS own ON own.id = copies.article_id
             LEFT JOIN article_states AS near ON near.article_id = copies.copy_of
             LEFT JOIN articles AS theirs ON theirs.id = copies.copy_of
             WHERE copies.article_id IN {} AND copies.copy_of IS NOT NULL
                 AND (near.article_id IS NULL OR near.copy_of IS NOT NULL
                     OR own.published_at < theirs.published_at)",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        let doubtful = rows.iter().map(|it| get(it, "article_id"));
        let doubtful = doubtful.collect::<Result<BTreeSet<&str>, _>>()?;
        let mut changed = Vec::new();
        for &id in ids.iter().filter(|it| doubtful.contains(**it)) {
            let (story, articles) = settle_copy(tx, id).await?;
            stories.extend(story);
            changed.extend(articles);
        }
        self.note_copies(tx, &changed, now).await?;
        Ok(stories)
    }

    /// Tells correlate stages what `articles` repeat by now.
    pub(super) async fn note_copies(
        &self,
        tx: &mut Transaction<'static, Any>,
        articles: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        if articles.is_empty() {
            return Ok(());
        }
        let select = format!(
            "SELECT article_states.article_id, article_states.story_id,
                 story_pins.story_id AS pinned_to
             FROM article_states
             LEFT JOIN story_pins ON story_pins.article_id = article_states.article_id
             WHERE article_states.article_id IN {} AND article_states.story_id IS NOT NULL
             ORDER BY article_states.arrival",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&articles))
            .fetch_all(&mut **tx)
            .await?;
        let mut moves: Vec<(&str, &str, bool)> = Vec::with_capacity(rows.len());
        for row in &rows {
            let is_pinned = get::<Option<&str>>(row, "pinned_to")?.is_some();
            moves.push((get(row, "article_id")?, get(row, "story_id")?, is_pinned));
        }
        self.note_moves(tx, &moves, now).await
    }

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
        now: DateTime<Utc>,
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
        let stories = self.hand_down(tx, &rows).await?;
        let changed = rows.iter().map(|it| get(it, "article_id"));
        let changed = changed.collect::<Result<Vec<String>, _>>()?;
        self.note_copies(tx, &changed, now).await?;
        Ok(stories)
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

/// Returns the story of the copy `id` when anything changed, and the articles that repeat another one
/// than before, or nothing.
async fn settle_copy(
    tx: &mut Transaction<'static, Any>,
    id: &str,
) -> Result<(Option<String>, Vec<String>), sqlx::Error> {
    let row = sqlx::query(
        "SELECT copies.story_id, near.article_id AS near_id, near.story_id AS near_story,
             root.article_id AS root_id, own.published_at AS own_at,
             theirs.published_at AS their_at
         FROM article_states AS copies
         JOIN articles AS own ON own.id = copies.article_id
         LEFT JOIN article_states AS near ON near.article_id = copies.copy_of
         LEFT JOIN article_states AS root ON root.article_id = near.copy_of
             AND root.story_id = copies.story_id
         LEFT JOIN articles AS theirs ON theirs.id = COALESCE(root.article_id, near.article_id)
         WHERE copies.article_id = $1 AND copies.copy_of IS NOT NULL",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    // Without a row, one that came with it has taken its original's place and made it a copy.
    let Some(row) = row else { return Ok((None, Vec::new())) };
    let story: Option<String> = get(&row, "story_id")?;
    let near: Option<String> = get(&row, "near_id")?;
    let near_story: Option<String> = get(&row, "near_story")?;
    let root: Option<String> = get(&row, "root_id")?;
    let own_at = get_instant_opt(&row, "own_at")?;
    let their_at = get_instant_opt(&row, "their_at")?;
    let is_of_copy = root.is_some();
    let changed = match root.or(near) {
        None => repeat(tx, id, None).await?,
        // Copies that are no longer beside their original have heirs.
        Some(_) if story != near_story => return Ok((None, Vec::new())),
        Some(original) if original == id || is_published_before(own_at, their_at) => {
            let rows = sqlx::query(
                "UPDATE article_states SET copy_of =
                     CASE WHEN article_id = $1 THEN NULL ELSE CAST($1 AS TEXT) END
                 WHERE story_id = $3 AND (article_id IN ($1, $2) OR copy_of = $2)
                 RETURNING article_id",
            )
            .bind(id)
            .bind(&original)
            .bind(story.as_deref())
            .fetch_all(&mut **tx)
            .await?;
            let changed = rows.iter().map(|it| get(it, "article_id"));
            changed.collect::<Result<Vec<String>, _>>()?
        }
        Some(original) if is_of_copy => repeat(tx, id, Some(&original)).await?,
        Some(_) => return Ok((None, Vec::new())),
    };
    Ok((story, changed))
}

/// The article `id` repeats `original` from now on, or nothing. Returns `id`.
async fn repeat(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    original: Option<&str>,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query("UPDATE article_states SET copy_of = $2 WHERE article_id = $1")
        .bind(id)
        .bind(original)
        .execute(&mut **tx)
        .await
        .map(|_| vec![id.to_owned()])
}
