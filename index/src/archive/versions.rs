//! Versions of articles: pages that are read again, and what they said before.
//!
//! An article with hostile statements is looked at again after an hour, a day and a week, and any
//! article when its feed gives it another headline. A page that reads differently gives a new
//! version of the same article; the version before is kept with what was found in it. Longer than
//! most, since a version is one transaction over many tables.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::SourceId;
use ingest::revision::{Comparison, compare, next_reading};
use ingest::{Article, ArticleId};
use nlp::Annotation;
use nlp::statement_changes::{ReadVersion, StatementChange, statement_changes};
use nlp::story::StoryId;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::articles::{put_details, read_article};
use super::entry_texts::forget_text;
use super::index_feed::take_index_seqs;
use super::told::Told;
use super::value::{
    clean, from_json, get, get_count, get_instant, get_instant_opt, get_parsed, micros, to_json,
};
use super::{Archive, ArchiveError};

/// Versions of one article that are kept; later edits of the page are not read.
pub const N_VERSIONS_MAX: i64 = 50;
/// Looks at a page that fail in a row before the next one in the plan is waited for.
const N_FAILURES_MAX: i64 = 3;
/// Wait after a failed look.
const AFTER_FAILURE: TimeDelta = TimeDelta::hours(1);
/// A changed headline in the feed leads to no look so soon after the last.
const PAUSE_MIN: TimeDelta = TimeDelta::minutes(15);

/// An article whose page is due to be looked at again, held until the lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct DueReading {
    /// The article as it reads now.
    pub article: Article,
    /// Its headline as its feed gave it last, or else its own.
    pub headline: String,
    /// The text that its source holds itself, where that has changed.
    pub text: Option<String>,
}

/// What a look at the page of an article brought.
#[derive(Clone, Debug)]
pub enum Reading {
    /// The page was fetched and extracted.
    Read(Box<Article>),
    /// The page is gone for good (404, 410).
    Gone,
    /// The look failed; another one may not.
    Failed,
}

/// What became of a [`Reading`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reread {
    /// The page reads as before.
    Same,
    /// The page was edited: this is the number of its new version.
    Edited(u64),
    /// Most of the text was missing; the version before stands.
    Cut,
    /// Nothing was read.
    Missed,
}

/// A version of an article that another one followed.
#[derive(Clone, Debug, PartialEq)]
pub struct ArticleVersion {
    /// Its number, from 1.
    pub version: u64,
    /// Its headline.
    pub title: String,
    /// Its text.
    pub text: String,
    /// SHA-256 of its page.
    pub page_sha256: String,
    /// When it was read.
    pub read_at: DateTime<Utc>,
    /// What was found in it.
    pub annotation: Option<Annotation>,
    /// What the next edit did to its hostile statements; `None` while the next version has not
    /// been annotated.
    pub changes: Option<Vec<StatementChange>>,
}

/// How an article stands with its page.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingState {
    /// Number of the latest version.
    pub version: u64,
    /// When the latest version was read first.
    pub read_at: DateTime<Utc>,
    /// Last look at the page after that.
    pub checked_at: Option<DateTime<Utc>>,
    /// Next look.
    pub due_at: Option<DateTime<Utc>>,
    /// Since when the page is not there any more.
    pub gone_at: Option<DateTime<Utc>>,
}

/// An edit that changed hostile statements.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementEdit {
    /// The article.
    pub article: ArticleId,
    /// Its headline now.
    pub title: String,
    /// Display name of its source.
    pub source_name: String,
    /// The version that the edit made.
    pub version: u64,
    /// When it was noticed.
    pub noticed_at: DateTime<Utc>,
    /// What it did, never empty.
    pub changes: Vec<StatementChange>,
}

impl Archive {
    /// Claims articles whose pages are due, of active sources, longest waiting first.
    pub async fn claim_readings(
        &self,
        limit: usize,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Vec<DueReading>, ArchiveError> {
        let claim = format!(
            "UPDATE article_readings SET due_at = $3, leased_by = $4
             WHERE article_id IN (
                 SELECT article_id FROM article_readings WHERE due_at <= $1
                     AND source_id IN (SELECT id FROM sources WHERE is_active = 1)
                 ORDER BY due_at LIMIT $2 {})
             RETURNING article_id",
            self.dialect.skip_locked(),
        );
        let select = format!(
            "SELECT articles.*, COALESCE(entries.title, articles.title) AS headline,
                 entries.text AS new_text
             FROM articles LEFT JOIN entries ON entries.id = articles.id
             WHERE articles.id IN {} ORDER BY articles.id",
            self.dialect.list(1),
        );
        self.tried("claim pages to read again", async {
            let mut tx = self.begin().await?;
            let rows = sqlx::query(AssertSqlSafe(claim))
                .bind(micros(now))
                .bind(limit as i64)
                .bind(micros(now).saturating_add(lease.as_micros() as i64))
                .bind(&*self.worker_id)
                .fetch_all(&mut *tx)
                .await?;
            let ids = rows.iter().map(|it| get(it, "article_id"));
            let ids = ids.collect::<Result<Vec<&str>, _>>()?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let rows =
                sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut *tx).await?;
            tx.commit().await?;
            let due = rows.iter().map(|row| {
                let (headline, text) = (get(row, "headline")?, get(row, "new_text")?);
                Ok(DueReading { article: read_article(row)?, headline, text })
            });
            due.collect()
        })
        .await
    }

    /// Lets the page of article `id` be looked at as soon as possible; answers whether the archive
    /// has it, from a source that is crawled.
    pub async fn request_reading(
        &self,
        id: &ArticleId,
        now: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("plan a look at the page of article {id}"), async {
            let done = sqlx::query(
                "INSERT INTO article_readings
                     (article_id, source_id, version, read_at, due_at, n_failures)
                 SELECT articles.id, articles.source_id, 1, articles.fetched_at,
                     CAST($2 AS BIGINT), 0
                 FROM articles JOIN sources ON sources.id = articles.source_id
                 WHERE articles.id = $1 AND sources.is_active = 1
                 ON CONFLICT (article_id) DO UPDATE SET due_at = excluded.due_at",
            )
            .bind(id.to_string())
            .bind(micros(now))
            .execute(&self.writer)
            .await?;
            Ok(done.rows_affected() == 1)
        })
        .await
    }

    /// Records a look at the page of article `id`, plans the next one, and keeps the version
    /// before when the page was edited; the article then waits for annotation again.
    ///
    /// The article keeps its identity, source, story and time of first fetch.
    pub async fn record_reading(
        &self,
        id: &ArticleId,
        reading: &Reading,
        now: DateTime<Utc>,
    ) -> Result<Reread, ArchiveError> {
        self.tried(format!("record a look at the page of article {id}"), async {
            let mut tx = self.begin().await?;
            // As writers of annotations do, so that the two take turns.
            take_index_seqs(&mut tx, 0).await?;
            let row = sqlx::query("SELECT * FROM articles WHERE id = $1")
                .bind(id.to_string())
                .fetch_optional(&mut *tx)
                .await?;
            let Some(row) = row else { return Ok(Reread::Missed) };
            let known = read_article(&row)?;
            begin_readings(&mut tx, &known).await?;
            let outcome = match reading {
                Reading::Read(read) => {
                    match compare((&known.title, &known.text), (&read.title, &read.text)) {
                        Comparison::Same => Reread::Same,
                        Comparison::Cut => Reread::Cut,
                        Comparison::Edited => self.revise(&mut tx, &known, read, now).await?,
                    }
                }
                Reading::Gone | Reading::Failed => Reread::Missed,
            };
            plan(&mut tx, &known, reading, now).await?;
            if let Reading::Read(read) = reading {
                // Last, since polls hold the reading of an article before its entry, too.
                forget_text(&mut tx, &known.id.to_string(), &read.page_sha256, now).await?;
            }
            tx.commit().await?;
            Ok(outcome)
        })
        .await
    }

    /// Puts the reading in place of the article; the version before is kept.
    async fn revise(
        &self,
        tx: &mut Transaction<'static, Any>,
        known: &Article,
        read: &Article,
        now: DateTime<Utc>,
    ) -> Result<Reread, sqlx::Error> {
        let id = known.id.to_string();
        let row = sqlx::query("SELECT version FROM article_readings WHERE article_id = $1")
            .bind(&id)
            .fetch_one(&mut **tx)
            .await?;
        let version: i64 = get(&row, "version")?;
        if N_VERSIONS_MAX <= version {
            return Ok(Reread::Same);
        }
        sqlx::query(
            "INSERT INTO article_versions
                 (article_id, version, title, text, page_sha256, read_at, annotation)
             SELECT articles.id, $2, articles.title, articles.text, articles.page_sha256,
                 article_readings.read_at, annotations.body
             FROM articles
             JOIN article_readings ON article_readings.article_id = articles.id
             LEFT JOIN annotations ON annotations.article_id = articles.id
             WHERE articles.id = $1",
        )
        .bind(&id)
        .bind(version)
        .execute(&mut **tx)
        .await?;
        let title = if read.title.trim().is_empty() { &known.title } else { &read.title };
        sqlx::query(
            "UPDATE articles SET title = $2, text = $3, page_sha256 = $4, authors = $5
             WHERE id = $1",
        )
        .bind(&id)
        .bind(&*clean(title))
        .bind(&*clean(&read.text))
        .bind(read.page_sha256.as_str())
        .bind(to_json(if read.authors.is_empty() { &known.authors } else { &read.authors }))
        .execute(&mut **tx)
        .await?;
        put_details(tx, &id, &read.details).await?;
        sqlx::query("UPDATE article_readings SET version = $2, read_at = $3 WHERE article_id = $1")
            .bind(&id)
            .bind(version + 1)
            .bind(micros(now))
            .execute(&mut **tx)
            .await?;
        self.annotate_again(tx, &id).await?;
        Ok(Reread::Edited(version as u64 + 1))
    }

    /// Takes the annotation back, but leaves the article in its story, which is led to from
    /// elsewhere, and lets saved searches see it anew: what is new in it is news.
    async fn annotate_again(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
    ) -> Result<(), sqlx::Error> {
        self.carry_told(tx, &[id], Told::InStory, Told::OfArticle).await?;
        let stories = self.forget(tx, &[id]).await?;
        if let Some(story) = stories.first() {
            sqlx::query(
                "UPDATE article_states SET story_id = $2, matched_at = NULL WHERE article_id = $1",
            )
            .bind(id)
            .bind(story)
            .execute(&mut **tx)
            .await?;
        }
        self.recount_stories(tx, &stories).await
    }

    /// Plans looks at the pages of articles that were just annotated and hold hostile statements,
    /// within the transaction that records them. `ids` is a JSON array.
    pub(super) async fn plan_readings(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let select = format!(
            "SELECT articles.id, articles.fetched_at, articles.source_id FROM articles
             JOIN sources ON sources.id = articles.source_id
             WHERE articles.id IN {} AND sources.is_active = 1
                 AND EXISTS (SELECT 1 FROM statements WHERE article_id = articles.id)
                 AND NOT EXISTS
                     (SELECT 1 FROM article_readings WHERE article_id = articles.id)
             ORDER BY articles.id",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(ids).fetch_all(&mut **tx).await?;
        for row in &rows {
            let fetched_at = get_instant(row, "fetched_at")?;
            let Some(due_at) = next_reading(fetched_at, now.max(fetched_at)) else { continue };
            sqlx::query(
                "INSERT INTO article_readings
                     (article_id, source_id, version, read_at, due_at, n_failures)
                 VALUES ($1, $2, 1, $3, $4, 0) ON CONFLICT (article_id) DO NOTHING",
            )
            .bind(get::<&str>(row, "id")?)
            .bind(get::<&str>(row, "source_id")?)
            .bind(micros(fetched_at))
            .bind(micros(due_at))
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    /// Lets the pages of articles that the feed of their source now gives another headline be looked
    /// at again, within the transaction that records the poll; what other sources call them is
    /// theirs. `rows` is a JSON array of arrays: article, (address), headline.
    pub(super) async fn plan_for_new_headlines(
        &self,
        tx: &mut Transaction<'static, Any>,
        source: &SourceId,
        rows: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let plan = format!(
            "INSERT INTO article_readings
                 (article_id, source_id, version, read_at, due_at, n_failures)
             SELECT articles.id, articles.source_id, 1, articles.fetched_at, CAST($2 AS BIGINT), 0
             FROM {} JOIN entries ON entries.id = value ->> 0
                 JOIN articles ON articles.id = entries.id
             WHERE entries.title <> value ->> 2 AND value ->> 2 <> '' AND entries.source_id = $4
             ORDER BY articles.id
             ON CONFLICT (article_id) DO UPDATE SET due_at = excluded.due_at
             WHERE article_readings.leased_by IS NULL
                 AND COALESCE(article_readings.checked_at, article_readings.read_at) < $3",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(plan))
            .bind(rows)
            .bind(micros(now))
            .bind(micros(now - PAUSE_MIN))
            .bind(source.as_str())
            .execute(&mut **tx)
            .await?;
        let rename = format!(
            "UPDATE entries SET title = value ->> 2 FROM {}
             WHERE entries.id = value ->> 0 AND entries.title <> value ->> 2
                 AND value ->> 2 <> '' AND entries.source_id = $2",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(rename))
            .bind(rows)
            .bind(source.as_str())
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Notes what the latest edit of each article did to its statements, within the transaction
    /// that records its new annotation. `articles` is a JSON array of ids.
    pub(super) async fn note_statement_changes(
        &self,
        tx: &mut Transaction<'static, Any>,
        articles: &str,
    ) -> Result<(), sqlx::Error> {
        let select = format!(
            "SELECT article_versions.article_id, article_versions.version,
                 article_versions.title AS old_title, article_versions.text AS old_text,
                 article_versions.annotation AS old, articles.title, articles.text,
                 annotations.body AS new
             FROM article_versions
             JOIN article_readings ON article_readings.article_id = article_versions.article_id
                 AND article_readings.version = article_versions.version + 1
             JOIN articles ON articles.id = article_versions.article_id
             JOIN annotations ON annotations.article_id = articles.id
             WHERE article_versions.article_id IN {} AND article_versions.changes IS NULL",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(articles).fetch_all(&mut **tx).await?;
        for row in &rows {
            let old: Option<&str> = get(row, "old")?;
            let old: Annotation =
                old.map_or_else(|| Ok(Annotation::default()), |it| from_json("annotation", it))?;
            let new: Annotation = from_json("body", get(row, "new")?)?;
            let changes = statement_changes(
                ReadVersion {
                    annotation: &old,
                    title: get(row, "old_title")?,
                    text: get(row, "old_text")?,
                },
                ReadVersion {
                    annotation: &new,
                    title: get(row, "title")?,
                    text: get(row, "text")?,
                },
            );
            sqlx::query(
                "UPDATE article_versions SET changes = $3 WHERE article_id = $1 AND version = $2",
            )
            .bind(get::<&str>(row, "article_id")?)
            .bind(get::<i64>(row, "version")?)
            .bind(to_json(&changes))
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    /// The earlier versions of an article, oldest first.
    pub async fn article_versions(
        &self,
        id: &ArticleId,
    ) -> Result<Vec<ArticleVersion>, ArchiveError> {
        self.tried(format!("read the versions of article {id}"), async {
            let rows = sqlx::query(
                "SELECT * FROM article_versions WHERE article_id = $1 ORDER BY version",
            )
            .bind(id.to_string())
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(read_version).collect()
        })
        .await
    }

    /// How an article stands with its page; `None` when nothing but its first reading is known.
    pub async fn reading_state(
        &self,
        id: &ArticleId,
    ) -> Result<Option<ReadingState>, ArchiveError> {
        self.tried(format!("read how article {id} stands with its page"), async {
            let row = sqlx::query("SELECT * FROM article_readings WHERE article_id = $1")
                .bind(id.to_string())
                .fetch_optional(&self.reader)
                .await?;
            row.as_ref().map(read_state).transpose()
        })
        .await
    }

    /// Edits in a story that changed hostile statements, newest first, at most 100.
    pub async fn statement_edits(
        &self,
        story: &StoryId,
    ) -> Result<Vec<StatementEdit>, ArchiveError> {
        self.tried(format!("read the edits in story {story}"), async {
            let rows = sqlx::query(
                "SELECT article_versions.article_id, article_versions.version + 1 AS version,
                     article_versions.changes, articles.title, sources.name AS source_name,
                     COALESCE(later.read_at, article_readings.read_at) AS noticed_at
                 FROM article_states
                 JOIN article_versions ON article_versions.article_id = article_states.article_id
                 JOIN article_readings ON article_readings.article_id = article_states.article_id
                 JOIN articles ON articles.id = article_states.article_id
                 JOIN sources ON sources.id = articles.source_id
                 LEFT JOIN article_versions AS later
                     ON later.article_id = article_versions.article_id
                     AND later.version = article_versions.version + 1
                 WHERE article_states.story_id = $1 AND article_versions.changes IS NOT NULL
                     AND article_versions.changes <> '[]'
                 ORDER BY noticed_at DESC, article_versions.article_id LIMIT 100",
            )
            .bind(story.as_str())
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(read_edit).collect()
        })
        .await
    }
}

/// The article's row of the first version, if it has none yet.
async fn begin_readings(
    tx: &mut Transaction<'static, Any>,
    article: &Article,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO article_readings (article_id, source_id, version, read_at, n_failures)
         VALUES ($1, $2, 1, $3, 0) ON CONFLICT (article_id) DO NOTHING",
    )
    .bind(article.id.to_string())
    .bind(article.source.as_str())
    .bind(micros(article.fetched_at))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// Notes the look and when the next one is.
async fn plan(
    tx: &mut Transaction<'static, Any>,
    article: &Article,
    reading: &Reading,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let id = article.id.to_string();
    let failed = matches!(reading, Reading::Failed);
    let next = match reading {
        Reading::Gone => None,
        _ => next_reading(article.fetched_at, now),
    };
    let retry = micros(now + AFTER_FAILURE);
    sqlx::query(
        "UPDATE article_readings SET checked_at = $2, leased_by = NULL,
             due_at = CASE WHEN $3 = 1 AND n_failures < $4 THEN CAST($5 AS BIGINT)
                 ELSE CAST($6 AS BIGINT) END,
             n_failures = CASE WHEN $3 = 1 AND n_failures < $4 THEN n_failures + 1 ELSE 0 END,
             gone_at = CASE WHEN $7 = 1 THEN COALESCE(gone_at, $2)
                 WHEN $3 = 1 THEN gone_at ELSE NULL END
         WHERE article_id = $1",
    )
    .bind(id)
    .bind(micros(now))
    .bind(i64::from(failed))
    .bind(N_FAILURES_MAX)
    .bind(retry)
    .bind(next.map(micros))
    .bind(i64::from(matches!(reading, Reading::Gone)))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

fn read_version(row: &AnyRow) -> Result<ArticleVersion, sqlx::Error> {
    let annotation: Option<&str> = get(row, "annotation")?;
    let changes: Option<&str> = get(row, "changes")?;
    Ok(ArticleVersion {
        version: get_count(row, "version")?,
        title: get(row, "title")?,
        text: get(row, "text")?,
        page_sha256: get(row, "page_sha256")?,
        read_at: get_instant(row, "read_at")?,
        annotation: annotation.map(|it| from_json("annotation", it)).transpose()?,
        changes: changes.map(|it| from_json("changes", it)).transpose()?,
    })
}

fn read_state(row: &AnyRow) -> Result<ReadingState, sqlx::Error> {
    Ok(ReadingState {
        version: get_count(row, "version")?,
        read_at: get_instant(row, "read_at")?,
        checked_at: get_instant_opt(row, "checked_at")?,
        due_at: get_instant_opt(row, "due_at")?,
        gone_at: get_instant_opt(row, "gone_at")?,
    })
}

fn read_edit(row: &AnyRow) -> Result<StatementEdit, sqlx::Error> {
    Ok(StatementEdit {
        article: get_parsed(row, "article_id")?,
        title: get(row, "title")?,
        source_name: get(row, "source_name")?,
        version: get_count(row, "version")?,
        noticed_at: get_instant(row, "noticed_at")?,
        changes: from_json("changes", get(row, "changes")?)?,
    })
}
