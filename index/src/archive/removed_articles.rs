//! Articles that somebody deleted lately, kept aside for a while, so that this can be taken back.
//!
//! What hangs on an article goes aside as it stands in its tables. What was found in it is recorded
//! anew when it comes back, as it was found then: counts, its story and the index feed become right as
//! with every other article, and it was held against the saved searches already.
//!
//! What is aside is in no other table, so that nothing finds it, and never more than the archive held: its
//! tombstone keeps the page away meanwhile. Longer than most, since what goes aside and what comes
//! back must agree.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use ingest::ArticleId;
use nlp::story::StoryId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Column, Row, Transaction};

use super::annotations::{CorrelatedArticle, n_cleared};
use super::index_feed::take_index_seqs;
use super::removed_access::Restored;
use super::value::{embedding_of, from_json, get, get_instant, get_parsed, micros, to_json};
use super::{Archive, ArchiveError};

/// What hangs on article `$1`, by table, in the order in which it can be put back. Messages that are
/// on their way stay gone: nobody knows whether they arrived.
const HANGING: [(&str, &str); 13] = [
    ("articles", "id = $1"),
    (STATES, "article_id = $1"),
    ("article_details", "article_id = $1"),
    ("article_versions", "article_id = $1"),
    ("article_readings", "article_id = $1"),
    ("article_addresses", "article_id = $1 AND is_shared = 1"),
    ("entries", "id = $1"),
    (PINS, "article_id = $1"),
    (CORRECTIONS, "article_id = $1"),
    (ALERTS, "article_id = $1"),
    (
        OUTBOX,
        "leased_by IS NULL AND id IN (SELECT outbox_id FROM outbox_alerts
             JOIN alerts ON alerts.id = outbox_alerts.alert_id WHERE alerts.article_id = $1)",
    ),
    (
        OUTBOX_ALERTS,
        "alert_id IN (SELECT id FROM alerts WHERE article_id = $1)
             AND outbox_id IN (SELECT id FROM outbox WHERE leased_by IS NULL)",
    ),
    (REDIRECTS, "target_id = (SELECT story_id FROM article_states WHERE article_id = $1)"),
];
const STATES: &str = "article_states";
const PINS: &str = "story_pins";
const CORRECTIONS: &str = "correction_articles";
const REDIRECTS: &str = "story_redirects";
pub(super) const ALERTS: &str = "alerts";
pub(super) const OUTBOX: &str = "outbox";
pub(super) const OUTBOX_ALERTS: &str = "outbox_alerts";
/// What of an article's state is given anew.
const GIVEN_ANEW: [&str; 4] = ["arrival", "story_id", "index_seq", "leased_by"];

/// An article that was deleted lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedArticle {
    /// Its id.
    pub id: ArticleId,
    /// Its headline; may be empty.
    pub title: String,
    /// When it was deleted.
    pub removed_at: DateTime<Utc>,
}

/// An article with all that hangs on it.
#[derive(Debug, Serialize, Deserialize)]
struct Aside {
    /// Table and row.
    rows: Vec<(String, Map<String, Value>)>,
    /// What was found in it; `None` when it had not been read.
    found: Option<Found>,
    /// Articles that repeat it.
    copies: Vec<String>,
    /// The corrections that there were.
    corrections: Corrections,
    /// How often all annotations had been taken back ([`Archive::clear_annotations`]).
    #[serde(default)]
    n_cleared: i64,
}

/// What corrections are told apart by as a whole, whatever the clocks of workers say.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Corrections {
    n: i64,
    /// Ids grow with time.
    highest: String,
    /// Those that some articles do not have yet.
    n_open: i64,
}

impl Aside {
    /// Headline of the article.
    fn title(&self) -> &str {
        let article = self.rows.first().map(|it| &it.1);
        article.and_then(|it| it.get("title")?.as_str()).unwrap_or_default()
    }

    /// The story that it was in; `None` for one that had just come.
    fn story(&self) -> Option<&str> {
        let state = self.rows.iter().find(|it| it.0 == STATES);
        state.and_then(|it| it.1.get("story_id")?.as_str())
    }
}

/// What was found in an article.
#[derive(Debug, Serialize, Deserialize)]
struct Found {
    /// JSON of the annotation.
    annotation: String,
    /// The bits of the numbers.
    embedding: Vec<u32>,
    /// Its story.
    story: String,
    /// Headline of that story.
    headline: String,
    /// The article that it repeats.
    copy_of: Option<String>,
}

impl Archive {
    /// The article that somebody deleted at `since` or later and that has the id `id`, or was known
    /// under the address that has it.
    pub async fn removed_article(
        &self,
        id: &ArticleId,
        since: DateTime<Utc>,
    ) -> Result<Option<RemovedArticle>, ArchiveError> {
        self.tried(format!("read the deleted article {id}"), async {
            let row = sqlx::query(
                "SELECT id, title, removed_at FROM removed_articles
                 WHERE $2 <= removed_at AND (id = $1 OR id IN
                     (SELECT article_id FROM article_addresses
                      WHERE address_id = $1 AND is_shared = 0))",
            )
            .bind(id.to_string())
            .bind(micros(since))
            .fetch_optional(&self.reader)
            .await?;
            row.map(|row| {
                let (id, title) = (get_parsed(&row, "id")?, get(&row, "title")?);
                Ok(RemovedArticle { id, title, removed_at: get_instant(&row, "removed_at")? })
            })
            .transpose()
        })
        .await
    }

    /// Brings back an article that somebody deleted at `since` or later, as it was: with its story,
    /// statements and alerts. Nobody is told of it again, but a message that was sent without its
    /// alerts meanwhile is made up for. [`Restored::Taken`]: it is there.
    ///
    /// Where readers made or took back corrections meanwhile, or all articles were to be read anew, the
    /// models read it again.
    pub async fn restore_article(
        &self,
        id: &ArticleId,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Restored, ArchiveError> {
        self.tried(format!("bring article {id} back"), async {
            let mut tx = self.begin().await?;
            // As writers of annotations do, so that the two take turns.
            take_index_seqs(&mut tx, 0).await?;
            let key = id.to_string();
            if is_there(&mut tx, "SELECT 1 FROM articles WHERE id = $1", &key).await? {
                return Ok(Restored::Taken);
            }
            let row = sqlx::query(
                "SELECT body, removed_at FROM removed_articles WHERE id = $1 AND $2 <= removed_at",
            )
            .bind(&key)
            .bind(micros(since))
            .fetch_optional(&mut *tx)
            .await?;
            let Some(row) = row else { return Ok(Restored::Missing) };
            let aside: Aside = from_json("body", get(&row, "body")?)?;
            let removed_at: i64 = get(&row, "removed_at")?;
            dig_up(&mut tx, &key, removed_at).await?;
            let is_outdated = self.put_rows_back(&mut tx, &aside, now).await?;
            match (&aside.found, aside.story()) {
                (Some(found), _) => {
                    self.put_found_back(&mut tx, id, aside.title(), found, now).await?;
                    self.put_copies_back(&mut tx, &key, &aside.copies, now).await?;
                    if is_outdated {
                        self.read_anew(&mut tx, &[key.as_str()]).await?;
                    }
                }
                // An edited text waits to be read.
                (None, Some(story)) => self.put_in_story(&mut tx, &key, story).await?,
                (None, None) => {}
            }
            sqlx::query("DELETE FROM removed_articles WHERE id = $1")
                .bind(&key)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok(Restored::Back)
        })
        .await
    }

    /// Keeps aside what hangs on article `id`, within the transaction that deletes it.
    pub(super) async fn put_aside(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        self.lock_alerts(tx, id).await?;
        let mut rows = Vec::new();
        for (table, condition) in HANGING {
            let select = format!("SELECT * FROM {table} WHERE {condition}");
            let read = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_all(&mut **tx).await?;
            for row in &read {
                rows.push((table.to_owned(), fields(row)?));
            }
        }
        let copies = sqlx::query("SELECT article_id FROM article_states WHERE copy_of = $1")
            .bind(id)
            .fetch_all(&mut **tx)
            .await?;
        let copies = copies.iter().map(|it| get(it, "article_id"));
        let copies = copies.collect::<Result<Vec<String>, sqlx::Error>>()?;
        let (found, corrections) = (what_was_found(tx, id).await?, corrections(tx).await?);
        let aside = Aside { rows, found, copies, corrections, n_cleared: n_cleared(tx).await? };
        sqlx::query(
            "INSERT INTO removed_articles (id, title, body, removed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, body = excluded.body,
                 removed_at = excluded.removed_at",
        )
        .bind(id)
        .bind(aside.title())
        .bind(to_json(&aside))
        .bind(micros(now))
        .execute(&mut **tx)
        .await
        .map(|_| ())
    }

    /// Puts the rows back; answers whether the article may lack a correction or have one too many, or
    /// was read before all were read anew.
    async fn put_rows_back(
        &self,
        tx: &mut Transaction<'static, Any>,
        aside: &Aside,
        now: DateTime<Utc>,
    ) -> Result<bool, sqlx::Error> {
        let story = aside.story().unwrap_or_default();
        let has_story = is_there(tx, "SELECT 1 FROM stories WHERE id = $1", story).await?;
        let then = &aside.corrections;
        let is_cleared = aside.n_cleared != n_cleared(tx).await?;
        let mut is_outdated = is_cleared || then.n_open != 0 || *then != corrections(tx).await?;
        for (table, row) in &aside.rows {
            if [ALERTS, OUTBOX, OUTBOX_ALERTS].contains(&table.as_str()) {
                continue;
            }
            if table == CORRECTIONS {
                let id = row.get("correction_id").and_then(Value::as_str).unwrap_or_default();
                if !is_there(tx, "SELECT 1 FROM corrections WHERE id = $1", id).await? {
                    is_outdated = true;
                    continue;
                }
            }
            // What led to a story that went on may lead elsewhere by now, and what was found of
            // stories is found anew when all are; what people said stays.
            let is_found = row.get("is_by_analyst").and_then(Value::as_i64) == Some(0);
            if table == REDIRECTS && (has_story || is_cleared && is_found) {
                continue;
            }
            let mut row = row.clone();
            if table == STATES {
                row.retain(|name, _| !GIVEN_ANEW.contains(&name.as_str()));
                row.insert("annotate_at".to_owned(), json!(0));
            }
            // The story to which somebody pinned it may have ended in another.
            if table == PINS
                && let Some(story) = row.get_mut("story_id")
            {
                *story = json!(led_to(tx, story.as_str().unwrap_or_default()).await?);
            }
            insert(tx, table, &row).await?;
        }
        self.put_alerts_back(tx, &aside.rows, now).await?;
        Ok(is_outdated)
    }

    /// Records what was found in the article as it was found then.
    async fn put_found_back(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &ArticleId,
        title: &str,
        found: &Found,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        // The article that gave its story another one may be gone by now.
        let gave_headline = found.headline == title;
        let item = CorrelatedArticle {
            article: *id,
            annotation: from_json("body", &found.annotation)?,
            embedding: found.embedding.iter().map(|it| f32::from_bits(*it)).collect(),
            story: StoryId::founded_by(&found.story),
            headline: gave_headline.then(|| found.headline.clone()),
            copy_of: found.copy_of.as_ref().and_then(|it| it.parse().ok()),
            merged: Vec::new(),
            split: None,
        };
        Box::pin(self.record(tx, std::slice::from_ref(&item), &[], now)).await.map(|_| ())
    }

    /// Puts article `id`, which waits to be read, into `story`, or where that leads by now, so that what
    /// was told of it counts as told when it is read.
    async fn put_in_story(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        story: &str,
    ) -> Result<(), sqlx::Error> {
        let story = led_to(tx, story).await?;
        self.found(tx, &story, id).await?;
        sqlx::query("UPDATE article_states SET story_id = $2 WHERE article_id = $1")
            .bind(id)
            .bind(&story)
            .execute(&mut **tx)
            .await?;
        self.recount_stories(tx, &BTreeSet::from([story])).await
    }

    /// Lets those of `copies` repeat article `id` again that are in its story and stand for themselves
    /// or for each other since.
    async fn put_copies_back(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        copies: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let list = self.dialect.list(2);
        let repeat = format!(
            "UPDATE article_states SET copy_of = $1
             WHERE article_id <> $1 AND story_id =
                     (SELECT story_id FROM article_states WHERE article_id = $1)
                 AND (copy_of IN {list} OR (copy_of IS NULL AND article_id IN {list}))
                 AND EXISTS (SELECT 1 FROM article_states
                     WHERE article_id = $1 AND copy_of IS NULL)
             RETURNING article_id, story_id"
        );
        let rows = sqlx::query(AssertSqlSafe(repeat))
            .bind(id)
            .bind(to_json(&copies))
            .fetch_all(&mut **tx)
            .await?;
        let (mut repeating, mut stories) =
            (Vec::<String>::with_capacity(rows.len()), BTreeSet::new());
        for row in &rows {
            repeating.push(get(row, "article_id")?);
            stories.extend(get::<Option<String>>(row, "story_id")?);
        }
        self.note_copies(tx, &repeating, now).await?;
        self.recount_stories(tx, &stories).await
    }
}

/// Takes the tombstones away that the deletion at `removed_at` put.
async fn dig_up(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    removed_at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM tombstones WHERE article_id = $1 OR (buried_at = $2 AND article_id IN
             (SELECT address_id FROM article_addresses WHERE article_id = $1))",
    )
    .bind(id)
    .bind(removed_at)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// What was found in article `id`, with its own names; `None` when it has not been read.
async fn what_was_found(
    tx: &mut Transaction<'static, Any>,
    id: &str,
) -> Result<Option<Found>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT COALESCE(own_readings.body, annotations.body) AS body, annotations.embedding,
             article_states.story_id, article_states.copy_of, stories.headline
         FROM annotations
         LEFT JOIN own_readings ON own_readings.article_id = annotations.article_id
         JOIN article_states ON article_states.article_id = annotations.article_id
         JOIN stories ON stories.id = article_states.story_id
         WHERE annotations.article_id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    let read = |row: &AnyRow| {
        let embedding = embedding_of(get(row, "embedding")?);
        Ok(Found {
            annotation: get(row, "body")?,
            embedding: embedding.into_iter().map(f32::to_bits).collect(),
            story: get(row, "story_id")?,
            headline: get(row, "headline")?,
            copy_of: get(row, "copy_of")?,
        })
    };
    row.as_ref().map(read).transpose()
}

async fn corrections(tx: &mut Transaction<'static, Any>) -> Result<Corrections, sqlx::Error> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS n, COALESCE(MAX(id), '') AS highest,
             COUNT(*) - COUNT(applied_at) AS n_open
         FROM corrections",
    )
    .fetch_one(&mut **tx)
    .await?;
    let (n, highest) = (get(&row, "n")?, get(&row, "highest")?);
    Ok(Corrections { n, highest, n_open: get(&row, "n_open")? })
}

/// Whether `select` finds anything for `value`.
async fn is_there(
    tx: &mut Transaction<'static, Any>,
    select: &'static str,
    value: &str,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query(select).bind(value).fetch_optional(&mut **tx).await?;
    Ok(row.is_some())
}

/// The story in which `story` ended, or itself.
async fn led_to(tx: &mut Transaction<'static, Any>, story: &str) -> Result<String, sqlx::Error> {
    let row = sqlx::query("SELECT target_id FROM story_redirects WHERE story_id = $1")
        .bind(story)
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or_else(|| Ok(story.to_owned()), |it| get(&it, "target_id"))
}

/// The columns of a row that are not NULL, whole numbers and texts all of them.
fn fields(row: &AnyRow) -> Result<Map<String, Value>, sqlx::Error> {
    let mut fields = Map::new();
    for column in row.columns() {
        let name = column.name();
        let value = match row.try_get::<Option<i64>, _>(name) {
            Ok(number) => json!(number),
            Err(_) => json!(row.try_get::<Option<String>, _>(name)?),
        };
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    Ok(fields)
}

/// Puts a row back into its table, unless it is there; answers whether it did.
pub(super) async fn insert(
    tx: &mut Transaction<'static, Any>,
    table: &str,
    row: &Map<String, Value>,
) -> Result<bool, sqlx::Error> {
    let names: Vec<&str> = row.keys().map(String::as_str).collect();
    let places: Vec<String> = (1..=names.len()).map(|it| format!("${it}")).collect();
    let insert = format!(
        "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
        names.join(", "),
        places.join(", "),
    );
    let mut query = sqlx::query(AssertSqlSafe(insert));
    for value in row.values() {
        query = match value.as_i64() {
            Some(number) => query.bind(number),
            None => query.bind(value.as_str().unwrap_or_default().to_owned()),
        };
    }
    let inserted = query.execute(&mut **tx).await?;
    Ok(inserted.rows_affected() > 0)
}
