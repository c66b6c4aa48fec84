//! Corrections by readers: kept for good, applied to what was read before and to what will be.

use chrono::{DateTime, Utc};
use ingest::ArticleId;
use nlp::Annotation;
use nlp::correction::{Correction, Subject, apply};
use nlp::story::StoryId;
use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::annotations::CorrelatedArticle;
use super::index_feed::take_index_seqs;
use super::told::Told;
use super::value::{
    clean, embedding_of, get, get_count, get_instant, get_instant_opt, get_json, get_parsed,
    micros, to_json,
};
use super::{Archive, ArchiveError};

/// Corrections that are kept at most; each costs a look at every new article.
pub const N_CORRECTIONS_MAX: i64 = 10_000;
/// Articles corrected in one transaction.
const N_ARTICLES_PER_STEP: i64 = 200;

/// A correction as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CorrectionRecord {
    /// Its id.
    pub id: String,
    /// What it changes.
    pub correction: Correction,
    /// Who made it.
    pub who: String,
    /// Why; `None` when nothing was said.
    pub note: Option<String>,
    /// When.
    pub made_at: DateTime<Utc>,
    /// Articles that it changed so far.
    pub n_articles: u64,
    /// When all articles that were read before had it; `None` while that goes on.
    pub applied_at: Option<DateTime<Utc>>,
}

impl Archive {
    /// Keeps a correction; answers its id, or `None` when there are 10 000 already.
    pub async fn add_correction(
        &self,
        correction: &Correction,
        who: &str,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, ArchiveError> {
        self.tried("keep a correction", async {
            let id = uuid::Uuid::now_v7().simple().to_string();
            let done = sqlx::query(
                "INSERT INTO corrections (id, number, body, who, note, made_at)
                 SELECT $1, 1 + COALESCE(MAX(number), 0), $2, $3, $4, $5
                 FROM corrections HAVING COUNT(*) < $6",
            )
            .bind(&id)
            .bind(to_json(correction))
            .bind(&*clean(who))
            .bind(note.map(clean).as_deref())
            .bind(micros(now))
            .bind(N_CORRECTIONS_MAX)
            .execute(&self.writer)
            .await?;
            Ok((done.rows_affected() == 1).then_some(id))
        })
        .await
    }

    /// All corrections in the order in which they apply.
    pub async fn corrections(&self) -> Result<Vec<CorrectionRecord>, ArchiveError> {
        self.tried("list the corrections", async {
            let rows = sqlx::query(
                "SELECT corrections.*, (SELECT COUNT(*) FROM correction_articles
                     WHERE correction_id = corrections.id) AS n_articles
                 FROM corrections ORDER BY number",
            )
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(read_correction).collect()
        })
        .await
    }

    /// Takes a correction back: the articles that it changed are read anew by the models. Answers
    /// their number; `None` when there is no correction with this id.
    pub async fn undo_correction(&self, id: &str) -> Result<Option<u64>, ArchiveError> {
        self.tried(format!("take back the correction {id}"), async {
            let mut tx = self.begin().await?;
            take_index_seqs(&mut tx, 0).await?;
            let rows =
                sqlx::query("SELECT article_id FROM correction_articles WHERE correction_id = $1")
                    .bind(id)
                    .fetch_all(&mut *tx)
                    .await?;
            let ids = rows.iter().map(|it| get(it, "article_id"));
            let ids = ids.collect::<Result<Vec<&str>, _>>()?;
            self.carry_told(&mut tx, &ids, Told::InStory, Told::OfArticle).await?;
            let stories = self.forget(&mut tx, &ids).await?;
            self.recount_stories(&mut tx, &stories).await?;
            let done = sqlx::query("DELETE FROM corrections WHERE id = $1")
                .bind(id)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
            Ok((done.rows_affected() == 1).then_some(ids.len() as u64))
        })
        .await
    }

    /// Notes that corrections changed articles: pairs of correction and article.
    pub async fn note_corrected(&self, pairs: &[(String, ArticleId)]) -> Result<(), ArchiveError> {
        if pairs.is_empty() {
            return Ok(());
        }
        let insert = format!(
            "INSERT INTO correction_articles (correction_id, article_id)
             SELECT value ->> 0, value ->> 1 FROM {} WHERE
                 EXISTS (SELECT 1 FROM corrections WHERE id = value ->> 0)
                 AND EXISTS (SELECT 1 FROM articles WHERE id = value ->> 1)
             ON CONFLICT DO NOTHING",
            self.dialect.rows(1),
        );
        self.tried("note what was corrected", async {
            sqlx::query(AssertSqlSafe(insert))
                .bind(to_json(&pairs))
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Applies correction `id` to the articles that were read before; answers how many changed.
    ///
    /// Works in steps of 200 articles, each a transaction of its own; calling again after a crash
    /// does the rest.
    pub async fn correct_articles(
        &self,
        id: &str,
        correction: &Correction,
        now: DateTime<Utc>,
    ) -> Result<u64, ArchiveError> {
        let all: Vec<Correction> =
            self.corrections().await?.into_iter().map(|it| it.correction).collect();
        let (mut n_changed, mut after) = (0, String::new());
        loop {
            let read = self.articles_of(correction.subject(), &after).await?;
            let Some(last) = read.last() else { break };
            after = last.article.to_string();
            let changed: Vec<CorrelatedArticle> = read
                .into_iter()
                .filter_map(|mut it| apply(&mut it.annotation, correction, &all).then_some(it))
                .collect();
            if changed.is_empty() {
                continue;
            }
            // Noted first: to have read one article too many anew harms nobody.
            let pairs: Vec<_> = changed.iter().map(|it| (id.to_owned(), it.article)).collect();
            self.note_corrected(&pairs).await?;
            n_changed += self.record_annotations(&changed, now).await? as u64;
        }
        self.tried(format!("finish the correction {id}"), async {
            sqlx::query("UPDATE corrections SET applied_at = $2 WHERE id = $1")
                .bind(id)
                .bind(micros(now))
                .execute(&self.writer)
                .await
        })
        .await?;
        Ok(n_changed)
    }

    /// The next annotated articles on `subject` in the order of their ids.
    async fn articles_of(
        &self,
        subject: Subject<'_>,
        after: &str,
    ) -> Result<Vec<CorrelatedArticle>, ArchiveError> {
        let (condition, value) = match subject {
            Subject::Article(id) => ("annotations.article_id = $1", id),
            Subject::Entity(id) => (
                "annotations.article_id IN (SELECT article_id FROM article_entities
                     WHERE entity_id = $1
                     UNION SELECT statements.article_id FROM statements
                     JOIN statement_entities ON statement_entities.statement_id = statements.id
                     WHERE statement_entities.entity_id = $1)",
                id,
            ),
        };
        let select = format!(
            "SELECT annotations.article_id, annotations.body, annotations.embedding,
                 article_states.story_id, article_states.copy_of
             FROM annotations
             JOIN article_states ON article_states.article_id = annotations.article_id
             WHERE {condition} AND $2 < annotations.article_id
                 AND article_states.story_id IS NOT NULL
             ORDER BY annotations.article_id LIMIT $3"
        );
        self.tried("read what is to be corrected", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(&*clean(value))
                .bind(after)
                .bind(N_ARTICLES_PER_STEP)
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(read_correlated).collect()
        })
        .await
    }
}

fn read_correction(row: &AnyRow) -> Result<CorrectionRecord, sqlx::Error> {
    Ok(CorrectionRecord {
        id: get(row, "id")?,
        correction: get_json(row, "body")?,
        who: get(row, "who")?,
        note: get(row, "note")?,
        made_at: get_instant(row, "made_at")?,
        n_articles: get_count(row, "n_articles")?,
        applied_at: get_instant_opt(row, "applied_at")?,
    })
}

fn read_correlated(row: &AnyRow) -> Result<CorrelatedArticle, sqlx::Error> {
    let annotation: Annotation = get_json(row, "body")?;
    Ok(CorrelatedArticle {
        article: get_parsed(row, "article_id")?,
        annotation,
        embedding: embedding_of(get(row, "embedding")?),
        story: StoryId::founded_by(get(row, "story_id")?),
        headline: None,
        copy_of: get::<Option<String>>(row, "copy_of")?.and_then(|it| it.parse().ok()),
        merged: Vec::new(),
        split: None,
    })
}
