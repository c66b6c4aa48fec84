//! Annotations: handing out articles that lack one, and recording what the NLP stage found.
//!
//! Longer than most, since recording is one transaction over many tables.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use ingest::{Article, ArticleId};
use nlp::Annotation;
use nlp::story::{Split, StoryId};
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::alerts::Match;
use super::annotation_rows::{EntityRow, StatementRow, entity_rows, readable_json, statement_rows};
use super::articles::read_article;
use super::index_feed::take_index_seqs;
use super::told::Told;
use super::value::{clean, embedding_bytes, get, get_parsed, micros, to_json};
use super::{Archive, ArchiveError};

/// What the annotate and correlate stages say about one article.
#[derive(Clone, Debug)]
pub struct CorrelatedArticle {
    /// The article.
    pub article: ArticleId,
    /// Mentions, statements, sectors.
    pub annotation: Annotation,
    /// Mean-pooled embedding; its length is the model's.
    pub embedding: Vec<f32>,
    /// The story it belongs to.
    pub story: StoryId,
    /// New headline of that story; `None` keeps the one it has, or takes the article's title for a
    /// new story.
    pub headline: Option<String>,
    /// The article that it repeats, or that repeats it when this one was published before;
    /// `None` when it was written independently.
    pub copy_of: Option<ArticleId>,
    /// Stories that end in this one, because of this article.
    pub merged: Vec<StoryId>,
    /// Articles that leave a story, because of this article.
    pub split: Option<Split>,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Articles recorded.
    pub n_articles: usize,
    /// Ids of the alerts that were raised.
    pub alerts: Vec<String>,
}

/// An article of the batch with what recording needs to know of it.
struct Known<'a> {
    item: &'a CorrelatedArticle,
    id: String,
    /// Where it goes: the story of the item, unless that ended or an analyst decided otherwise.
    story: String,
    is_pinned: bool,
    /// The article that it repeats: as the item says, or else as the archive knows better.
    copy_of: Option<String>,
    /// Whether it was in no story and held against no saved search before.
    is_new: bool,
    title: String,
    dated_at: i64,
    index_seq: i64,
    statements: Vec<StatementRow>,
    entities: BTreeMap<String, EntityRow>,
}

impl Archive {
    /// Claims articles without annotation in order of arrival, at most `limit`.
    ///
    /// They come again, to anyone, when they are not recorded within `lease`, and at once when
    /// this process restarts.
    pub async fn claim_unannotated(
        &self,
        limit: usize,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Vec<Article>, ArchiveError> {
        let claim = format!(
            "UPDATE article_states SET annotate_at = $3, leased_by = $4
             WHERE article_id IN (
                 SELECT article_id FROM article_states WHERE annotate_at <= $1
                 ORDER BY arrival LIMIT $2 {})
             RETURNING article_id",
            self.dialect.skip_locked(),
        );
        let select = format!(
            "SELECT articles.* FROM articles
             JOIN article_states ON article_states.article_id = articles.id
             WHERE articles.id IN {} ORDER BY article_states.arrival",
            self.dialect.list(1),
        );
        self.tried("claim articles to annotate", async {
            let mut tx = self.begin().await?;
            let rows = sqlx::query(AssertSqlSafe(claim))
                .bind(micros(now))
                .bind(limit as i64)
                .bind(micros(now).saturating_add(lease.as_micros() as i64))
                .bind(&*self.worker_id)
                .fetch_all(&mut *tx)
                .await?;
            if rows.is_empty() {
                return Ok(Vec::new());
            }
            let ids = rows.iter().map(|it| get(it, "article_id"));
            let ids = ids.collect::<Result<Vec<&str>, _>>()?;
            let rows =
                sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut *tx).await?;
            let articles = rows.iter().map(read_article).collect::<Result<Vec<_>, _>>()?;
            tx.commit().await?;
            Ok(articles)
        })
        .await
    }

    /// Records annotations, statements, entities and stories of a batch in one transaction and
    /// gives each article the next `index_seq`, in the order of `batch`.
    ///
    /// An article that an analyst put into a story stays there, and one of a story that ended goes
    /// where that leads; [`Archive::story_moves_after`] tells of both.
    ///
    /// An article annotated before gets the new annotation in place of the old one. Articles that
    /// the archive does not have are left out; of two items for one article the last counts.
    /// Returns the number of articles recorded.
    pub async fn record_annotations(
        &self,
        batch: &[CorrelatedArticle],
        now: DateTime<Utc>,
    ) -> Result<usize, ArchiveError> {
        Ok(self.record_annotations_and_alerts(batch, &[], now).await?.n_articles)
    }

    /// As [`Archive::record_annotations`]; `matches` of saved searches become alerts and messages
    /// in the same transaction, for articles that were never held against saved searches before.
    ///
    /// What one article calls by a short name gets the full name that another one of its story has,
    /// before anything is told.
    pub async fn record_annotations_and_alerts(
        &self,
        batch: &[CorrelatedArticle],
        matches: &[Match],
        now: DateTime<Utc>,
    ) -> Result<Recorded, ArchiveError> {
        self.tried(format!("record {} annotations", batch.len()), async {
            let mut tx = self.begin().await?;
            // First of all: from here on, other transactions that annotate wait.
            take_index_seqs(&mut tx, 0).await?;
            let recorded = self.record(&mut tx, batch, matches, now).await?;
            tx.commit().await?;
            Ok(recorded)
        })
        .await
    }

    /// The same within a transaction of others, which took numbers first of all.
    pub(super) async fn record(
        &self,
        tx: &mut Transaction<'static, Any>,
        batch: &[CorrelatedArticle],
        matches: &[Match],
        now: DateTime<Utc>,
    ) -> Result<Recorded, sqlx::Error> {
        if batch.is_empty() {
            return Ok(Recorded::default());
        }
        let first_seq = take_index_seqs(tx, batch.len()).await?;
        let refused = self.refused_splits(tx, batch).await?;
        let known = self.known(tx, batch, &refused, first_seq).await?;
        let ids: Vec<&str> = known.iter().map(|it| it.id.as_str()).collect();
        // Of an article that is new nothing was told.
        let again: Vec<&str> =
            known.iter().filter(|it| !it.is_new).map(|it| it.id.as_str()).collect();
        self.carry_told(tx, &again, Told::InStory, Told::OfArticle).await?;
        let mut stories = self.forget(tx, &ids).await?;
        self.insert_stories(tx, &known).await?;
        self.place(tx, &known).await?;
        for it in &known {
            insert_annotation(tx, it, now).await?;
        }
        self.insert_statements(tx, &known).await?;
        self.insert_entities(tx, &known).await?;
        stories.extend(known.iter().map(|it| it.story.clone()));
        self.recount_stories(tx, &stories).await?;
        let articles = to_json(&ids);
        self.note_statement_changes(tx, &articles).await?;
        self.plan_readings(tx, &articles, now).await?;
        let decided = known.iter().filter(|it| it.story != it.item.story.as_str());
        let decided = decided.map(|it| (it.id.as_str(), it.story.as_str(), it.is_pinned));
        self.note_moves(tx, &decided.collect::<Vec<_>>(), now).await?;
        for it in &known {
            // An article that goes elsewhere proves nothing about the story it was found in.
            let into = (it.story == it.item.story.as_str()).then_some(it.story.as_str());
            for ended in &it.item.merged {
                self.merge_found(tx, ended.as_str(), into, now).await?;
            }
            if let Some(split) = &it.item.split {
                match refused.get(split.to.as_str()) {
                    Some(stays) => self.note_refused(tx, split, stays, now).await?,
                    None => self.split_found(tx, split, now).await?,
                }
            }
        }
        // A pinned copy may repeat an article of another story, and an original that is read
        // anew may have left its copies.
        let copies = known.iter().filter(|it| it.copy_of.is_some());
        let (copies, of_stories): (Vec<&str>, BTreeSet<&str>) =
            copies.map(|it| (it.id.as_str(), it.story.as_str())).unzip();
        let mut stale = self.settle_copies(tx, &copies, now).await?;
        let of_stories = to_json(&of_stories);
        stale.extend(self.part_copies(tx, &of_stories, &articles, now).await?);
        self.recount_stories(tx, &stale).await?;
        // Under the names that it has itself first: those that its story gives it are carried on.
        self.carry_told(tx, &again, Told::OfArticle, Told::InStory).await?;
        self.settle_names(tx, &stories).await?;
        let fresh = self.mark_matched(tx, &ids, now).await?;
        self.carry_told(tx, &again, Told::OfArticle, Told::InStory).await?;
        let matches = self.with_settled_names(tx, matches).await?;
        let alerts = self.record_alerts(tx, &matches, &fresh, now).await?;
        Ok(Recorded { n_articles: known.len(), alerts })
    }

    /// Puts other annotations in place of those that articles have, which stay where they are, and the
    /// articles into the index feed once more.
    pub(super) async fn replace_annotations(
        &self,
        tx: &mut Transaction<'static, Any>,
        batch: &[CorrelatedArticle],
    ) -> Result<(), sqlx::Error> {
        let first_seq = take_index_seqs(tx, batch.len()).await?;
        let known = self.known(tx, batch, &BTreeMap::new(), first_seq).await?;
        let ids: Vec<&str> = known.iter().map(|it| it.id.as_str()).collect();
        let ids = to_json(&ids);
        self.forget_entities(tx, &ids).await?;
        let remove = format!("DELETE FROM statements WHERE article_id IN {}", self.dialect.list(1));
        sqlx::query(AssertSqlSafe(remove)).bind(&ids).execute(&mut **tx).await?;
        self.place(tx, &known).await?;
        for it in &known {
            sqlx::query("UPDATE annotations SET body = $2 WHERE article_id = $1")
                .bind(it.id.as_str())
                .bind(readable_json(&it.item.annotation))
                .execute(&mut **tx)
                .await?;
        }
        self.insert_statements(tx, &known).await?;
        self.insert_entities(tx, &known).await
    }

    /// Takes back all annotations and stories, so that every article waits for annotation again.
    ///
    /// Works in batches of 500, each a transaction of its own: a crash in between loses nothing,
    /// and calling again finishes it. Articles that are deleted meanwhile, or were before, are read anew
    /// when they are brought back. Returns the number of articles that had an annotation.
    pub async fn clear_annotations(&self) -> Result<u64, ArchiveError> {
        self.tried("clear the annotations", async {
            let mut n_cleared = 0;
            let mut after = 0;
            loop {
                let mut tx = self.begin().await?;
                // As writers of annotations do, so that the two take turns.
                take_index_seqs(&mut tx, 0).await?;
                count_clearing(&mut tx).await?;
                let rows = sqlx::query(
                    "SELECT article_id, arrival FROM article_states
                     WHERE annotate_at IS NULL AND $1 < arrival ORDER BY arrival LIMIT 500",
                )
                .bind(after)
                .fetch_all(&mut *tx)
                .await?;
                let Some(last) = rows.last() else {
                    tx.commit().await?;
                    return Ok(n_cleared);
                };
                after = get(last, "arrival")?;
                let ids = rows.iter().map(|it| get(it, "article_id"));
                let ids = ids.collect::<Result<Vec<&str>, _>>()?;
                self.carry_told(&mut tx, &ids, Told::InStory, Told::OfArticle).await?;
                let stories = self.forget(&mut tx, &ids).await?;
                self.recount_stories(&mut tx, &stories).await?;
                // What was found about stories will be found anew; what people said stays.
                sqlx::query("DELETE FROM story_redirects WHERE is_by_analyst = 0")
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
                n_cleared += ids.len() as u64;
            }
        })
        .await
    }

    /// Notes that the articles `ids` were held against the saved searches; returns those that
    /// never were before.
    async fn mark_matched(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
        now: DateTime<Utc>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let update = format!(
            "UPDATE article_states SET matched_at = $2
             WHERE article_id IN {} AND matched_at IS NULL RETURNING article_id",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(update))
            .bind(to_json(&ids))
            .bind(micros(now))
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|it| get(it, "article_id")).collect()
    }

    async fn known<'a>(
        &self,
        tx: &mut Transaction<'static, Any>,
        batch: &'a [CorrelatedArticle],
        refused: &BTreeMap<String, String>,
        first_seq: i64,
    ) -> Result<Vec<Known<'a>>, sqlx::Error> {
        let places: BTreeMap<ArticleId, usize> =
            batch.iter().enumerate().map(|(place, it)| (it.article, place)).collect();
        let ids: Vec<&ArticleId> = places.keys().collect();
        let mut redirects = self.redirects_of(tx, batch).await?;
        redirects.extend(refused.clone());
        let select = format!(
            "SELECT articles.id, articles.title, articles.text, article_states.dated_at,
                 article_states.story_id, article_states.matched_at, article_states.copy_of,
                 originals.story_id AS original_in, story_pins.story_id AS pinned_to
             FROM articles JOIN article_states ON article_states.article_id = articles.id
             LEFT JOIN article_states AS originals
                 ON originals.article_id = article_states.copy_of
             LEFT JOIN story_pins ON story_pins.article_id = articles.id
             WHERE articles.id IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        let mut known = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(&place) = places.get(&get_parsed::<ArticleId>(row, "id")?) else { continue };
            let item = &batch[place];
            let title: String = get(row, "title")?;
            let pinned_to: Option<String> = get(row, "pinned_to")?;
            let is_pinned = pinned_to.is_some();
            let found = item.story.as_str();
            let story = pinned_to
                .unwrap_or_else(|| redirects.get(found).map_or(found, String::as_str).to_owned());
            // A text that was edited since has none here: of that the stage's word stands.
            let known_copy: Option<String> = get(row, "copy_of")?;
            let is_beside = get::<Option<&str>>(row, "original_in")? == Some(story.as_str());
            let copy_of = item.copy_of.map(|it| it.to_string());
            known.push(Known {
                item,
                copy_of: copy_of.or(known_copy.filter(|_| is_beside)),
                story,
                is_pinned,
                is_new: get::<Option<&str>>(row, "story_id")?.is_none()
                    && get::<Option<i64>>(row, "matched_at")?.is_none(),
                id: get(row, "id")?,
                dated_at: get(row, "dated_at")?,
                index_seq: first_seq + place as i64,
                statements: statement_rows(&item.annotation, &title, get(row, "text")?),
                entities: entity_rows(&item.annotation),
                title,
            });
        }
        known.sort_by_key(|it| it.index_seq);
        Ok(known)
    }

    async fn insert_stories(
        &self,
        tx: &mut Transaction<'static, Any>,
        known: &[Known<'_>],
    ) -> Result<(), sqlx::Error> {
        let mut new: BTreeMap<&str, (String, i64)> = BTreeMap::new();
        let mut headlines: BTreeMap<&str, String> = BTreeMap::new();
        for it in known {
            let story = it.story.as_str();
            new.entry(story).or_insert_with(|| (it.title.clone(), it.dated_at));
            if let Some(headline) = &it.item.headline
                && story == it.item.story.as_str()
            {
                headlines.insert(story, clean(headline).into_owned());
            }
        }
        let insert = format!(
            "INSERT INTO stories
                 (id, headline, first_seen_at, last_seen_at, n_articles, n_sources,
                  n_independent, n_statements)
             SELECT value ->> 0, value -> 1 ->> 0, CAST(value -> 1 ->> 1 AS BIGINT),
                 CAST(value -> 1 ->> 1 AS BIGINT), 0, 0, 0, 0
             FROM {} WHERE true ON CONFLICT (id) DO NOTHING",
            self.dialect.rows(1),
        );
        let rows: Vec<_> = new.into_iter().collect();
        sqlx::query(AssertSqlSafe(insert)).bind(to_json(&rows)).execute(&mut **tx).await?;
        let rename = format!(
            "UPDATE stories SET headline = value ->> 1 FROM {} WHERE stories.id = value ->> 0",
            self.dialect.rows(1),
        );
        let rows: Vec<_> = headlines.into_iter().collect();
        sqlx::query(AssertSqlSafe(rename)).bind(to_json(&rows)).execute(&mut **tx).await?;
        Ok(())
    }

    /// Puts the articles into their stories and into the index feed.
    async fn place(
        &self,
        tx: &mut Transaction<'static, Any>,
        known: &[Known<'_>],
    ) -> Result<(), sqlx::Error> {
        let rows: Vec<_> =
            known.iter().map(|it| (&it.id, &it.story, it.index_seq, &it.copy_of)).collect();
        let update = format!(
            "UPDATE article_states SET story_id = value ->> 1,
                 index_seq = CAST(value ->> 2 AS BIGINT), copy_of = value ->> 3,
                 annotate_at = NULL, leased_by = NULL
             FROM {} WHERE article_states.article_id = value ->> 0",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(update)).bind(to_json(&rows)).execute(&mut **tx).await?;
        Ok(())
    }

    async fn insert_statements(
        &self,
        tx: &mut Transaction<'static, Any>,
        known: &[Known<'_>],
    ) -> Result<(), sqlx::Error> {
        let (mut rows, mut entities, mut sectors) = (Vec::new(), Vec::new(), Vec::new());
        for article in known {
            let dated_at = article.dated_at;
            for it in &article.statements {
                let part = if it.in_title { 't' } else { 'b' };
                let id = format!("{}-{part}{}", article.id, it.ordinal);
                entities.extend(
                    it.entities
                        .iter()
                        .map(|(role, entity)| (entity.as_str(), *role, dated_at, id.clone())),
                );
                sectors.extend(it.sectors.iter().map(|sector| (sector, dated_at, id.clone())));
                let what = (&it.kind, &it.domain, &it.modality, &it.tense);
                let place = (&article.id, i64::from(it.in_title), it.ordinal, dated_at);
                rows.push((id, place, what, it.score, &it.sentence, &it.body, it.dates));
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let rows_of = self.dialect.rows(1);
        let insert = format!(
            "INSERT INTO statements (id, article_id, in_title, ordinal, dated_at, kind, domain,
                 modality, tense, score, sentence, body, date_from, date_to)
             SELECT value ->> 0, value -> 1 ->> 0, CAST(value -> 1 ->> 1 AS BIGINT),
                 CAST(value -> 1 ->> 2 AS BIGINT), CAST(value -> 1 ->> 3 AS BIGINT),
                 value -> 2 ->> 0, value -> 2 ->> 1, value -> 2 ->> 2, value -> 2 ->> 3,
                 CAST(value ->> 3 AS DOUBLE PRECISION), value ->> 4, value ->> 5,
                 value -> 6 ->> 0, value -> 6 ->> 1
             FROM {rows_of}"
        );
        sqlx::query(AssertSqlSafe(insert)).bind(to_json(&rows)).execute(&mut **tx).await?;
        let insert = format!(
            "INSERT INTO statement_entities (entity_id, role, dated_at, statement_id)
             SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), value ->> 3
             FROM {rows_of}"
        );
        sqlx::query(AssertSqlSafe(insert)).bind(to_json(&entities)).execute(&mut **tx).await?;
        let insert = format!(
            "INSERT INTO statement_sectors (sector, dated_at, statement_id)
             SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2 FROM {rows_of}"
        );
        sqlx::query(AssertSqlSafe(insert)).bind(to_json(&sectors)).execute(&mut **tx).await?;
        Ok(())
    }

    async fn insert_entities(
        &self,
        tx: &mut Transaction<'static, Any>,
        known: &[Known<'_>],
    ) -> Result<(), sqlx::Error> {
        let mut totals: BTreeMap<&str, (&EntityRow, Vec<i64>)> = BTreeMap::new();
        let mut links = BTreeSet::new();
        for article in known {
            for (id, entity) in &article.entities {
                let (kept, dates) = totals.entry(id).or_insert((entity, Vec::new()));
                *kept = entity;
                dates.push(article.dated_at);
                links.insert((id.as_str(), article.dated_at, &article.id, entity.n_mentions));
            }
        }
        if links.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = totals
            .iter()
            .map(|(id, (entity, dates))| {
                let (first, last) = (dates.iter().min(), dates.iter().max());
                (id, &entity.kind, &entity.name, first, last, dates.len())
            })
            .collect();
        let upsert = format!(
            "INSERT INTO entities (id, kind, name, first_seen_at, last_seen_at, n_articles)
             SELECT value ->> 0, value ->> 1, value ->> 2, CAST(value ->> 3 AS BIGINT),
                 CAST(value ->> 4 AS BIGINT), CAST(value ->> 5 AS BIGINT)
             FROM {} WHERE true
             ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name,
                 n_articles = entities.n_articles + excluded.n_articles,
                 first_seen_at = CASE WHEN excluded.first_seen_at < entities.first_seen_at
                     THEN excluded.first_seen_at ELSE entities.first_seen_at END,
                 last_seen_at = CASE WHEN entities.last_seen_at < excluded.last_seen_at
                     THEN excluded.last_seen_at ELSE entities.last_seen_at END",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(upsert)).bind(to_json(&rows)).execute(&mut **tx).await?;
        let insert = format!(
            "INSERT INTO article_entities (entity_id, dated_at, article_id, n_mentions)
             SELECT value ->> 0, CAST(value ->> 1 AS BIGINT), value ->> 2,
                 CAST(value ->> 3 AS BIGINT)
             FROM {}",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(insert)).bind(to_json(&links)).execute(&mut **tx).await?;
        Ok(())
    }
}

/// Counts that annotations were taken back, by which those that are kept aside are known for old ones.
async fn count_clearing(tx: &mut Transaction<'static, Any>) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO meta (key, value) VALUES ('n_cleared', '1') ON CONFLICT (key) DO UPDATE
         SET value = CAST(CAST(meta.value AS BIGINT) + 1 AS TEXT)",
    )
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// How often annotations were taken back.
pub(super) async fn n_cleared(tx: &mut Transaction<'static, Any>) -> Result<i64, sqlx::Error> {
    let row = sqlx::query("SELECT CAST(value AS BIGINT) AS n FROM meta WHERE key = 'n_cleared'")
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or(Ok(0), |it| get(&it, "n"))
}

async fn insert_annotation(
    tx: &mut Transaction<'static, Any>,
    known: &Known<'_>,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO annotations (article_id, annotated_at, body, embedding)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(known.id.as_str())
    .bind(micros(now))
    .bind(readable_json(&known.item.annotation))
    .bind(embedding_bytes(&known.item.embedding))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}
