//! Corrections by readers: kept for good, applied to what was read before and to what will be.
//!
//! Longer than most, since keeping, applying and taking back must agree on one order.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use ingest::ArticleId;
use nlp::Annotation;
use nlp::correction::{Correction, Subject, apply};
use nlp::story::{StoryId, names_in, renamed, unite};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::annotations::CorrelatedArticle;
use super::index_feed::take_index_seqs;
use super::told::Told;
use super::value::{
    clean, embedding_of, from_json, get, get_count, get_instant, get_instant_opt, get_json,
    get_parsed, micros, to_json,
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
    /// Articles that were looked at so far.
    pub n_looked_at: u64,
    /// Articles that are to be looked at; 0 until they are counted.
    pub n_concerned: u64,
    /// When all articles that were read before had it; `None` while that goes on.
    pub applied_at: Option<DateTime<Utc>>,
}

/// What became of a correction that was to be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undone {
    /// It is gone; so many articles are read anew.
    Done(u64),
    /// There is no correction with this id.
    Missing,
    /// The corrections are no longer those that were known; nothing is done.
    Changed,
}

/// Ids of the entities that corrections speak of.
pub fn corrected_entities<'a>(
    corrections: impl IntoIterator<Item = &'a Correction>,
) -> HashSet<String> {
    let mut ids = HashSet::new();
    for correction in corrections {
        if let Subject::Entity(id) = correction.subject() {
            ids.insert(id.to_owned());
        }
        if let Correction::Means { to, .. } | Correction::SameAs { to, .. } = correction {
            ids.insert(to.id.clone());
        }
    }
    ids
}

/// What corrections are told apart by as a whole. Ids grow with time: an addition changes the highest,
/// a removal the number.
fn state_of(corrections: &[CorrectionRecord]) -> (i64, &str) {
    let last = corrections.iter().map(|it| it.id.as_str()).max();
    (corrections.len() as i64, last.unwrap_or_default())
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
        self.insert_correction(correction, who, note, None, now).await
    }

    /// As [`Archive::add_correction`], and also `None` when the corrections are no longer `known`.
    pub async fn add_correction_to(
        &self,
        known: &[CorrectionRecord],
        correction: &Correction,
        who: &str,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, ArchiveError> {
        self.insert_correction(correction, who, note, Some(known), now).await
    }

    async fn insert_correction(
        &self,
        correction: &Correction,
        who: &str,
        note: Option<&str>,
        known: Option<&[CorrectionRecord]>,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, ArchiveError> {
        let (n_known, last) = known.map_or((-1, ""), state_of);
        self.tried("keep a correction", async {
            let mut tx = self.begin().await?;
            // Those who add take turns, so that each sees what the one before added.
            take_index_seqs(&mut tx, 0).await?;
            let id = uuid::Uuid::now_v7().simple().to_string();
            let done = sqlx::query(
                "INSERT INTO corrections (id, number, body, who, note, made_at)
                 SELECT $1, 1 + COALESCE(MAX(number), 0), $2, $3, $4, $5
                 FROM corrections HAVING COUNT(*) < $6
                     AND ($7 < 0 OR (COUNT(*) = $7 AND COALESCE(MAX(id), '') = $8))",
            )
            .bind(&id)
            .bind(to_json(correction))
            .bind(&*clean(who))
            .bind(note.map(clean).as_deref())
            .bind(micros(now))
            .bind(N_CORRECTIONS_MAX)
            .bind(n_known)
            .bind(last)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
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
        Ok(match self.take_back(id, None).await? {
            Undone::Done(n_articles) => Some(n_articles),
            Undone::Missing | Undone::Changed => None,
        })
    }

    /// As [`Archive::undo_correction`], but only while the corrections are those that are `known`:
    /// whoever adds or takes back another one comes before or after, never in between.
    pub async fn undo_correction_of(
        &self,
        known: &[CorrectionRecord],
        id: &str,
    ) -> Result<Undone, ArchiveError> {
        self.take_back(id, Some(known)).await
    }

    async fn take_back(
        &self,
        id: &str,
        known: Option<&[CorrectionRecord]>,
    ) -> Result<Undone, ArchiveError> {
        self.tried(format!("take back the correction {id}"), async {
            let mut tx = self.begin().await?;
            // As those who add do, so that all take turns.
            take_index_seqs(&mut tx, 0).await?;
            if let Some(known) = known {
                let select =
                    "SELECT COUNT(*) AS n, COALESCE(MAX(id), '') AS highest FROM corrections";
                let row = sqlx::query(select).fetch_one(&mut *tx).await?;
                let highest: String = get(&row, "highest")?;
                if (get::<i64>(&row, "n")?, highest.as_str()) != state_of(known) {
                    return Ok(Undone::Changed);
                }
            }
            let rows =
                sqlx::query("SELECT article_id FROM correction_articles WHERE correction_id = $1")
                    .bind(id)
                    .fetch_all(&mut *tx)
                    .await?;
            let ids = rows.iter().map(|it| get(it, "article_id"));
            let ids = ids.collect::<Result<Vec<&str>, _>>()?;
            self.read_anew(&mut tx, &ids).await?;
            let rows = sqlx::query("DELETE FROM corrections WHERE id = $1 RETURNING body")
                .bind(id)
                .fetch_all(&mut *tx)
                .await?;
            let Some(row) = rows.first() else { return Ok(Undone::Missing) };
            // What it said of a name counts no more: stories tell who that is again.
            let correction: Correction = get_json(row, "body")?;
            self.unsettle(&mut tx, &corrected_entities([&correction])).await?;
            self.settle_names(&mut tx, &BTreeSet::new()).await?;
            tx.commit().await?;
            Ok(Undone::Done(ids.len() as u64))
        })
        .await
    }

    /// Lets the models read articles again. What repeats another one does so still, which a stage may
    /// not know that took it for the original.
    pub(super) async fn read_anew(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
    ) -> Result<(), sqlx::Error> {
        self.carry_told(tx, ids, Told::InStory, Told::OfArticle).await?;
        let select = format!(
            "SELECT article_id, copy_of FROM article_states
             WHERE article_id IN {} AND copy_of IS NOT NULL",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        let mut copies: Vec<(&str, &str)> = Vec::with_capacity(rows.len());
        for row in &rows {
            copies.push((get(row, "article_id")?, get(row, "copy_of")?));
        }
        let stories = self.forget(tx, ids).await?;
        let keep = format!(
            "UPDATE article_states SET copy_of = value ->> 1 FROM {}
             WHERE article_states.article_id = value ->> 0",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(keep)).bind(to_json(&copies)).execute(&mut **tx).await?;
        self.recount_stories(tx, &stories).await
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
    /// does the rest. How far it has come is in [`CorrectionRecord::n_looked_at`]; taking the
    /// correction back ends it.
    pub async fn correct_articles(
        &self,
        id: &str,
        correction: &Correction,
        now: DateTime<Utc>,
    ) -> Result<u64, ArchiveError> {
        let all: Vec<Correction> =
            self.corrections().await?.into_iter().map(|it| it.correction).collect();
        self.begin_correction(id, correction.subject()).await?;
        let (mut n_changed, mut after) = (0, String::new());
        loop {
            let read = self.articles_of(correction.subject(), &after).await?;
            let Some(last) = read.last() else { break };
            after = last.shown.article.to_string();
            let n_read = read.len();
            let changed: Vec<CorrelatedArticle> =
                read.into_iter().filter_map(|it| it.corrected(correction, &all)).collect();
            if !changed.is_empty() {
                // Noted first: to have read one article too many anew harms nobody.
                let pairs: Vec<_> = changed.iter().map(|it| (id.to_owned(), it.article)).collect();
                self.note_corrected(&pairs).await?;
                n_changed += self.record_annotations(&changed, now).await? as u64;
            }
            if !self.go_on_correcting(id, n_read, &changed).await? {
                return Ok(n_changed);
            }
        }
        self.tried(format!("finish the correction {id}"), async {
            let mut tx = self.begin().await?;
            take_index_seqs(&mut tx, 0).await?;
            sqlx::query("UPDATE corrections SET applied_at = $2 WHERE id = $1")
                .bind(id)
                .bind(micros(now))
                .execute(&mut *tx)
                .await?;
            // What a reader said of an entity counts, not what its story says.
            self.unsettle(&mut tx, &corrected_entities([correction])).await?;
            self.settle_names(&mut tx, &BTreeSet::new()).await?;
            tx.commit().await
        })
        .await?;
        Ok(n_changed)
    }

    /// Counts the articles that correction `id` is to look at, and begins at the first.
    async fn begin_correction(&self, id: &str, subject: Subject<'_>) -> Result<(), ArchiveError> {
        let (condition, value) = concerned(subject);
        let count = format!(
            "SELECT COUNT(*) AS n FROM annotations
             JOIN article_states ON article_states.article_id = annotations.article_id
             WHERE {condition} AND article_states.story_id IS NOT NULL"
        );
        let begin = "UPDATE corrections SET n_looked_at = 0, n_concerned = $2 WHERE id = $1";
        self.tried(format!("begin the correction {id}"), async {
            // Counted by a reader, since that takes long where many articles name an entity.
            let counted = sqlx::query(AssertSqlSafe(count))
                .bind(&*clean(value))
                .fetch_one(&self.reader)
                .await?;
            sqlx::query(begin)
                .bind(id)
                .bind(get::<i64>(&counted, "n")?)
                .execute(&self.writer)
                .await
                .map(|_| ())
        })
        .await
    }

    /// Notes that `n_read` more articles were looked at, never more than there are: two may apply one
    /// correction at once. `false` when somebody took the correction back: then those that it has
    /// just `changed` are read anew too.
    async fn go_on_correcting(
        &self,
        id: &str,
        n_read: usize,
        changed: &[CorrelatedArticle],
    ) -> Result<bool, ArchiveError> {
        let ids: Vec<String> = changed.iter().map(|it| it.article.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.tried(format!("go on with the correction {id}"), async {
            let mut tx = self.begin().await?;
            // As whoever takes it back does, so that the two take turns.
            take_index_seqs(&mut tx, 0).await?;
            let noted = sqlx::query(
                "UPDATE corrections SET n_looked_at = CASE WHEN n_looked_at + $2 < n_concerned
                     THEN n_looked_at + $2 ELSE n_concerned END
                 WHERE id = $1",
            )
            .bind(id)
            .bind(n_read as i64)
            .execute(&mut *tx)
            .await?;
            let is_there = noted.rows_affected() == 1;
            if !is_there {
                self.read_anew(&mut tx, &ids).await?;
            }
            tx.commit().await?;
            Ok(is_there)
        })
        .await
    }

    /// The next annotated articles on `subject` in the order of their ids.
    async fn articles_of(
        &self,
        subject: Subject<'_>,
        after: &str,
    ) -> Result<Vec<Correctable>, ArchiveError> {
        let (condition, value) = concerned(subject);
        let select = format!(
            "SELECT annotations.article_id, annotations.body, annotations.embedding,
                 article_states.story_id, article_states.copy_of,
                 (SELECT body FROM own_readings
                  WHERE own_readings.article_id = annotations.article_id) AS own
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
            rows.iter().map(read_correctable).collect()
        })
        .await
    }
}

/// An article that a correction may concern.
struct Correctable {
    /// As it is shown.
    shown: CorrelatedArticle,
    /// With its own names, where the others of its story gave it longer ones.
    own: Option<Annotation>,
}

impl Correctable {
    /// The article as `correction`, one of `all`, leaves it; `None` when that changes nothing. What was
    /// said of a name that only its story gave it is true of the words that are shown: that name, and
    /// no other, becomes its own.
    fn corrected(self, correction: &Correction, all: &[Correction]) -> Option<CorrelatedArticle> {
        let Correctable { mut shown, own } = self;
        let Some(mut own) = own else {
            return apply(&mut shown.annotation, correction, all).then_some(shown);
        };
        if !apply(&mut own, correction, all) {
            let Subject::Entity(subject) = correction.subject() else {
                return apply(&mut shown.annotation, correction, all).then_some(shown);
            };
            let name = names_in(&shown.annotation).into_iter().find(|it| it.id == subject)?;
            let given = renamed(&own, &shown.annotation).into_iter();
            let given = given.filter(|(_, full)| full == subject);
            unite(&mut own, &given.map(|(short, _)| (short, name.clone())).collect());
            if !apply(&mut own, correction, all) {
                return None;
            }
        }
        Some(CorrelatedArticle { annotation: own, ..shown })
    }
}

/// The condition on annotations that are on `subject`, and its parameter 1.
fn concerned(subject: Subject<'_>) -> (&'static str, &str) {
    match subject {
        Subject::Article(id) => ("annotations.article_id = $1", id),
        Subject::Entity(id) => (
            "annotations.article_id IN (SELECT article_id FROM article_entities
                 WHERE entity_id = $1
                 UNION SELECT article_id FROM own_names WHERE entity_id = $1
                 UNION SELECT statements.article_id FROM statements
                 JOIN statement_entities ON statement_entities.statement_id = statements.id
                 WHERE statement_entities.entity_id = $1)",
            id,
        ),
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
        n_looked_at: get_count(row, "n_looked_at")?,
        n_concerned: get_count(row, "n_concerned")?,
        applied_at: get_instant_opt(row, "applied_at")?,
    })
}

fn read_correctable(row: &AnyRow) -> Result<Correctable, sqlx::Error> {
    let own: Option<&str> = get(row, "own")?;
    let own = own.map(|it| from_json("own", it)).transpose()?;
    Ok(Correctable { shown: read_correlated(row)?, own })
}

pub(super) fn read_correlated(row: &AnyRow) -> Result<CorrelatedArticle, sqlx::Error> {
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
