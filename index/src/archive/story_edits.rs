//! Stories that change after the fact: merges by later evidence, and what analysts decide.
//!
//! Whatever moves an article, its new story stands in the archive first; correlate stages follow
//! through [`Archive::story_moves_after`], which also tells what repeats another article since. An
//! analyst's word is a *pin* on the article, which recording respects from then on. An ended story
//! leads to the one that took it in.
//!
//! Longer than most, since all decisions share how articles are moved.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use ingest::ArticleId;
use nlp::story::{Split, StoryId};
use serde::{Deserialize, Serialize};
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::annotations::CorrelatedArticle;
use super::index_feed::take_index_seqs;
use super::told::Told;
use super::value::{clean, get, get_flag, get_parsed, get_parsed_opt, micros, to_json};
use super::{Archive, ArchiveError};

/// Articles that one decision can move at most.
pub const N_MOVED_MAX: usize = 10_000;
/// Moves that are kept for correlate stages to follow.
const N_MOVES_KEPT: i64 = 100_000;

/// An article that changed its story, its pin or what it repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryMove {
    /// Position in the order of moves, from 1.
    pub seq: i64,
    /// The article.
    pub article: ArticleId,
    /// Where it is since.
    pub story: StoryId,
    /// Whether an analyst put it there.
    pub is_pinned: bool,
    /// Whether it is still there, and does not wait to be read anew.
    pub is_there: bool,
    /// The article that it repeats by now; `None` when it stands for itself.
    pub copy_of: Option<ArticleId>,
}

/// What became of a decision about stories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoryEdit {
    /// It stands; the story that the articles are in now, and how many were moved or pinned.
    Done(StoryId, u64),
    /// There is no such story.
    NoStory,
    /// This article is not in the archive, or not in the story.
    NoArticle(ArticleId),
    /// More than 10 000 articles would move.
    TooMany,
}

/// Where the articles of one decision go.
struct Target<'a> {
    story: &'a str,
    is_pinned: bool,
}

impl Archive {
    /// Merges story `from` into `into` and pins all their articles there; `from` leads to `into`
    /// from then on.
    pub async fn merge_stories(
        &self,
        from: &StoryId,
        into: &StoryId,
        now: DateTime<Utc>,
    ) -> Result<StoryEdit, ArchiveError> {
        self.tried(format!("merge story {from} into {into}"), async {
            let mut tx = self.begin().await?;
            take_index_seqs(&mut tx, 0).await?;
            let mut ids = self.article_ids_of(&mut tx, into.as_str()).await?;
            let moved = self.article_ids_of(&mut tx, from.as_str()).await?;
            if ids.is_empty() || moved.is_empty() || from == into {
                return Ok(StoryEdit::NoStory);
            }
            ids.extend(moved);
            if N_MOVED_MAX < ids.len() {
                return Ok(StoryEdit::TooMany);
            }
            let target = Target { story: into.as_str(), is_pinned: true };
            let n_moved = self.move_articles(&mut tx, &ids, target, now).await?;
            self.redirect(&mut tx, from.as_str(), into.as_str(), true, now).await?;
            self.settle_names(&mut tx, &BTreeSet::new()).await?;
            tx.commit().await?;
            Ok(StoryEdit::Done(into.clone(), n_moved))
        })
        .await
    }

    /// Takes `articles` out of `story` into a new one, and pins both halves.
    pub async fn split_story(
        &self,
        story: &StoryId,
        articles: &[ArticleId],
        now: DateTime<Utc>,
    ) -> Result<StoryEdit, ArchiveError> {
        self.tried(format!("split story {story}"), async {
            let mut tx = self.begin().await?;
            take_index_seqs(&mut tx, 0).await?;
            let all = self.article_ids_of(&mut tx, story.as_str()).await?;
            if all.is_empty() {
                return Ok(StoryEdit::NoStory);
            }
            if N_MOVED_MAX < all.len() {
                return Ok(StoryEdit::TooMany);
            }
            let taken: Vec<String> = articles.iter().map(ArticleId::to_string).collect();
            if let Some(stranger) = articles.iter().find(|it| !all.contains(&it.to_string())) {
                return Ok(StoryEdit::NoArticle(*stranger));
            }
            let Some(first) = self.earliest(&mut tx, &taken).await? else {
                return Ok(StoryEdit::NoStory);
            };
            let kept: Vec<String> = all.into_iter().filter(|it| !taken.contains(it)).collect();
            // Not the article's own id: the story that it founded may be the one that is split.
            let new = blake3::hash(format!("split {story} {first} {}", micros(now)).as_bytes());
            let new = new.to_hex()[..32].to_owned();
            self.found(&mut tx, &new, &first).await?;
            let target = Target { story: &new, is_pinned: true };
            let n_moved = self.move_articles(&mut tx, &taken, target, now).await?;
            let target = Target { story: story.as_str(), is_pinned: true };
            self.move_articles(&mut tx, &kept, target, now).await?;
            self.settle_names(&mut tx, &BTreeSet::new()).await?;
            tx.commit().await?;
            Ok(StoryEdit::Done(StoryId::founded_by(&new), n_moved))
        })
        .await
    }

    /// Puts `articles` into `story`, from wherever they are, and pins them there.
    pub async fn pin_articles(
        &self,
        story: &StoryId,
        articles: &[ArticleId],
        now: DateTime<Utc>,
    ) -> Result<StoryEdit, ArchiveError> {
        self.tried(format!("pin articles to story {story}"), async {
            let mut tx = self.begin().await?;
            take_index_seqs(&mut tx, 0).await?;
            if self.article_ids_of(&mut tx, story.as_str()).await?.is_empty() {
                return Ok(StoryEdit::NoStory);
            }
            if let Some(stranger) = self.missing(&mut tx, articles).await? {
                return Ok(StoryEdit::NoArticle(stranger));
            }
            let ids: Vec<String> = articles.iter().map(ArticleId::to_string).collect();
            let target = Target { story: story.as_str(), is_pinned: true };
            let n_moved = self.move_articles(&mut tx, &ids, target, now).await?;
            self.settle_names(&mut tx, &BTreeSet::new()).await?;
            tx.commit().await?;
            Ok(StoryEdit::Done(story.clone(), n_moved))
        })
        .await
    }

    /// Takes the pins from `articles` of `story`: they stay, until evidence moves them.
    pub async fn unpin_articles(
        &self,
        story: &StoryId,
        articles: &[ArticleId],
        now: DateTime<Utc>,
    ) -> Result<StoryEdit, ArchiveError> {
        self.tried(format!("unpin articles of story {story}"), async {
            let mut tx = self.begin().await?;
            take_index_seqs(&mut tx, 0).await?;
            let all = self.article_ids_of(&mut tx, story.as_str()).await?;
            if all.is_empty() {
                return Ok(StoryEdit::NoStory);
            }
            if let Some(stranger) = articles.iter().find(|it| !all.contains(&it.to_string())) {
                return Ok(StoryEdit::NoArticle(*stranger));
            }
            let ids: Vec<String> = articles.iter().map(ArticleId::to_string).collect();
            let target = Target { story: story.as_str(), is_pinned: false };
            let n_moved = self.move_articles(&mut tx, &ids, target, now).await?;
            tx.commit().await?;
            Ok(StoryEdit::Done(story.clone(), n_moved))
        })
        .await
    }

    /// The story that an ended one leads to; `None` for a story that did not end.
    pub async fn redirected(&self, story: &StoryId) -> Result<Option<StoryId>, ArchiveError> {
        self.tried(format!("find what story {story} became"), async {
            let row = sqlx::query("SELECT target_id FROM story_redirects WHERE story_id = $1")
                .bind(story.as_str())
                .fetch_optional(&self.reader)
                .await?;
            row.map(|it| Ok(StoryId::founded_by(get(&it, "target_id")?))).transpose()
        })
        .await
    }

    /// Articles that changed their story, their pin or what they repeat after `seq`, in order, at most
    /// `limit`.
    ///
    /// Who moves articles holds the counter of the index feed, so moves are numbered and committed
    /// in one order, also between processes.
    pub async fn story_moves_after(
        &self,
        seq: i64,
        limit: usize,
    ) -> Result<Vec<StoryMove>, ArchiveError> {
        self.tried("read which articles changed their story", async {
            let rows = sqlx::query(
                "SELECT story_moves.*, article_states.copy_of,
                     CAST(CASE WHEN article_states.story_id = story_moves.story_id
                         AND article_states.annotate_at IS NULL THEN 1 ELSE 0 END
                         AS BIGINT) AS is_there
                 FROM story_moves
                 LEFT JOIN article_states ON article_states.article_id = story_moves.article_id
                 WHERE $1 < story_moves.seq ORDER BY story_moves.seq LIMIT $2",
            )
            .bind(seq)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let moves = rows.iter().map(|row| {
                Ok(StoryMove {
                    seq: get(row, "seq")?,
                    article: get_parsed(row, "article_id")?,
                    story: StoryId::founded_by(get(row, "story_id")?),
                    is_pinned: get_flag(row, "is_pinned")?,
                    is_there: get_flag(row, "is_there")?,
                    copy_of: get_parsed_opt(row, "copy_of")?,
                })
            });
            moves.collect()
        })
        .await
    }

    /// The last move's `seq`; 0 before the first.
    pub async fn last_story_move(&self) -> Result<i64, ArchiveError> {
        self.tried("read the last change of a story", async {
            let row = sqlx::query("SELECT COALESCE(MAX(seq), 0) AS seq FROM story_moves")
                .fetch_one(&self.reader)
                .await?;
            get(&row, "seq")
        })
        .await
    }

    /// What the ended ones among the stories of `batch` lead to.
    pub(super) async fn redirects_of(
        &self,
        tx: &mut Transaction<'static, Any>,
        batch: &[CorrelatedArticle],
    ) -> Result<BTreeMap<String, String>, sqlx::Error> {
        let stories: Vec<&StoryId> = batch.iter().map(|it| &it.story).collect();
        let select = format!(
            "SELECT story_id, target_id FROM story_redirects WHERE story_id IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&stories)).fetch_all(&mut **tx).await?;
        rows.iter().map(|it| Ok((get(it, "story_id")?, get(it, "target_id")?))).collect()
    }

    /// Ends `from` in `into` because of what was found. Without `into`, and where an analyst decided
    /// about `from`, it does not end: its articles are noted as moved back.
    pub(super) async fn merge_found(
        &self,
        tx: &mut Transaction<'static, Any>,
        from: &str,
        into: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let pins = self.articles_pinned_to(tx, from).await?;
        let ids = self.article_ids_of(tx, from).await?;
        if ids.is_empty() || into == Some(from) {
            return Ok(());
        }
        let may_end = pins.is_empty() && ids.len() <= N_MOVED_MAX;
        let Some(into) = into.filter(|_| may_end) else {
            let back = ids.iter().map(|it| (it.as_str(), from, pins.contains(it)));
            return self.note_moves(tx, &back.collect::<Vec<_>>(), now).await;
        };
        let target = Target { story: into, is_pinned: false };
        self.move_articles(tx, &ids, target, now).await?;
        self.redirect(tx, from, into, false, now).await
    }

    /// The splits of `batch` that do not happen: by the story that they would found, the one that
    /// their articles stay in. A story is not taken apart that ended, about any of whose articles
    /// an analyst decided, or whose other half an analyst led elsewhere. What may be split off does
    /// not lead elsewhere any more.
    pub(super) async fn refused_splits(
        &self,
        tx: &mut Transaction<'static, Any>,
        batch: &[CorrelatedArticle],
    ) -> Result<BTreeMap<String, String>, sqlx::Error> {
        let mut refused: BTreeMap<String, String> = BTreeMap::new();
        for split in batch.iter().filter_map(|it| it.split.as_ref()) {
            let (from, to) = (split.from.as_str(), split.to.as_str());
            let row = sqlx::query(
                "SELECT 0 AS rank, target_id AS stays FROM story_redirects WHERE story_id = $1
                 UNION ALL SELECT 1, story_id FROM story_pins WHERE story_id = $1
                 UNION ALL SELECT 2, CAST($1 AS TEXT) FROM story_redirects
                     WHERE story_id = $2 AND is_by_analyst = 1
                 ORDER BY rank LIMIT 1",
            )
            .bind(from)
            .bind(to)
            .fetch_optional(&mut **tx)
            .await?;
            let stays = row.map(|it| get::<String>(&it, "stays")).transpose()?;
            if let Some(stays) = refused.get(from).cloned().or(stays) {
                refused.insert(to.to_owned(), stays);
            } else {
                sqlx::query("DELETE FROM story_redirects WHERE story_id = $1")
                    .bind(to)
                    .execute(&mut **tx)
                    .await?;
            }
        }
        Ok(refused)
    }

    /// Tells correlate stages that the articles of a refused split stay in the story `stays`.
    pub(super) async fn note_refused(
        &self,
        tx: &mut Transaction<'static, Any>,
        split: &Split,
        stays: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let back = self.articles_in(tx, stays, &split.articles).await?;
        let pinned = self.articles_pinned_to(tx, stays).await?;
        let back = back.iter().map(|it| (it.as_str(), stays, pinned.contains(it)));
        self.note_moves(tx, &back.collect::<Vec<_>>(), now).await
    }

    /// Takes articles out of their story because of what was found.
    pub(super) async fn split_found(
        &self,
        tx: &mut Transaction<'static, Any>,
        split: &Split,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let (from, to) = (split.from.as_str(), split.to.as_str());
        let ids = self.articles_in(tx, from, &split.articles).await?;
        let Some(first) = ids.first() else { return Ok(()) };
        self.found(tx, to, first).await?;
        let target = Target { story: to, is_pinned: false };
        self.move_articles(tx, &ids, target, now).await?;
        for (story, headline) in [(from, &split.from_headline), (to, &split.to_headline)] {
            sqlx::query("UPDATE stories SET headline = COALESCE($2, headline) WHERE id = $1")
                .bind(story)
                .bind(headline.as_ref().map(|it| clean(it).into_owned()))
                .execute(&mut **tx)
                .await?;
        }
        Ok(())
    }

    /// Notes moves for correlate stages, this one included.
    pub(super) async fn note_moves(
        &self,
        tx: &mut Transaction<'static, Any>,
        moves: &[(&str, &str, bool)],
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        if moves.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> =
            moves.iter().map(|(article, story, pin)| (article, story, i64::from(*pin))).collect();
        let insert = format!(
            "INSERT INTO story_moves (article_id, story_id, is_pinned, moved_at)
             SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT), $2 FROM {}",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(insert))
            .bind(to_json(&rows))
            .bind(micros(now))
            .execute(&mut **tx)
            .await?;
        sqlx::query("DELETE FROM story_moves WHERE seq <= (SELECT MAX(seq) FROM story_moves) - $1")
            .bind(N_MOVES_KEPT)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }

    /// Those of `articles` that are in `story`, in order of arrival.
    async fn articles_in(
        &self,
        tx: &mut Transaction<'static, Any>,
        story: &str,
        articles: &[String],
    ) -> Result<Vec<String>, sqlx::Error> {
        let select = format!(
            "SELECT article_id FROM article_states WHERE story_id = $2 AND article_id IN {}
             ORDER BY arrival",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&articles))
            .bind(story)
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|it| get(it, "article_id")).collect()
    }

    async fn articles_pinned_to(
        &self,
        tx: &mut Transaction<'static, Any>,
        story: &str,
    ) -> Result<Vec<String>, sqlx::Error> {
        let rows = sqlx::query("SELECT article_id FROM story_pins WHERE story_id = $1 LIMIT $2")
            .bind(story)
            .bind(N_MOVED_MAX as i64)
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|it| get(it, "article_id")).collect()
    }

    async fn article_ids_of(
        &self,
        tx: &mut Transaction<'static, Any>,
        story: &str,
    ) -> Result<Vec<String>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT article_id FROM article_states WHERE story_id = $1
             ORDER BY arrival LIMIT $2",
        )
        .bind(story)
        .bind(N_MOVED_MAX as i64 + 1)
        .fetch_all(&mut **tx)
        .await?;
        rows.iter().map(|it| get(it, "article_id")).collect()
    }

    /// The first of `articles` that is in no story.
    async fn missing(
        &self,
        tx: &mut Transaction<'static, Any>,
        articles: &[ArticleId],
    ) -> Result<Option<ArticleId>, sqlx::Error> {
        let select = format!(
            "SELECT article_id FROM article_states
             WHERE article_id IN {} AND story_id IS NOT NULL",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&articles))
            .fetch_all(&mut **tx)
            .await?;
        let found = rows.iter().map(|it| get_parsed(it, "article_id"));
        let found = found.collect::<Result<Vec<ArticleId>, _>>()?;
        Ok(articles.iter().find(|it| !found.contains(it)).copied())
    }

    /// Founds the story `id` with the headline and date of `article`.
    pub(super) async fn found(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        article: &str,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO stories (id, headline, first_seen_at, last_seen_at, n_articles,
                 n_sources, n_independent, n_statements)
             SELECT $1, articles.title, article_states.dated_at, article_states.dated_at, 0, 0, 0, 0
             FROM articles JOIN article_states ON article_states.article_id = articles.id
             WHERE articles.id = $2 ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(article)
        .execute(&mut **tx)
        .await
        .map(|_| ())
    }

    /// Puts articles into a story, pinned or not, and into the index feed once more.
    async fn move_articles(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[String],
        to: Target<'_>,
        now: DateTime<Utc>,
    ) -> Result<u64, sqlx::Error> {
        let list = self.dialect.list(1);
        let json = to_json(&ids);
        let select = format!(
            "SELECT article_id, story_id FROM article_states
             WHERE article_id IN {list} AND story_id IS NOT NULL"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(&json).fetch_all(&mut **tx).await?;
        let (mut elsewhere, mut touched) = (Vec::new(), BTreeSet::new());
        touched.insert(to.story.to_owned());
        for row in &rows {
            let story: String = get(row, "story_id")?;
            if story != to.story {
                elsewhere.push(get::<String>(row, "article_id")?);
                touched.insert(story);
            }
        }
        let leaving: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
        self.carry_told(tx, &leaving, Told::InStory, Told::In(to.story)).await?;
        let first = take_index_seqs(tx, elsewhere.len()).await?;
        let numbered: Vec<_> = elsewhere.iter().zip(first..).collect();
        let update = format!(
            "UPDATE article_states SET story_id = $2, index_seq = CAST(value ->> 1 AS BIGINT)
             FROM {} WHERE article_states.article_id = value ->> 0",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(update))
            .bind(to_json(&numbered))
            .bind(to.story)
            .execute(&mut **tx)
            .await?;
        let unpin = format!("DELETE FROM story_pins WHERE article_id IN {list}");
        sqlx::query(AssertSqlSafe(unpin)).bind(&json).execute(&mut **tx).await?;
        if to.is_pinned {
            let pin = format!(
                "INSERT INTO story_pins (article_id, story_id)
                 SELECT article_id, $2 FROM article_states WHERE article_id IN {list}"
            );
            sqlx::query(AssertSqlSafe(pin)).bind(&json).bind(to.story).execute(&mut **tx).await?;
        }
        let moves: Vec<_> = ids.iter().map(|it| (it.as_str(), to.story, to.is_pinned)).collect();
        self.note_moves(tx, &moves, now).await?;
        // All that they lead to is touched, and counted below.
        self.part_copies(tx, &to_json(&touched), &json, now).await?;
        self.recount_stories(tx, &touched).await?;
        self.renew_headlines(tx, &touched).await?;
        Ok(ids.len() as u64)
    }

    /// Leads from `from` to `into`, and what led to `from` as well.
    async fn redirect(
        &self,
        tx: &mut Transaction<'static, Any>,
        from: &str,
        into: &str,
        is_by_analyst: bool,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM story_redirects WHERE story_id IN ($1, $2)")
            .bind(from)
            .bind(into)
            .execute(&mut **tx)
            .await?;
        sqlx::query("UPDATE story_redirects SET target_id = $2 WHERE target_id = $1")
            .bind(from)
            .bind(into)
            .execute(&mut **tx)
            .await?;
        sqlx::query(
            "INSERT INTO story_redirects (story_id, target_id, is_by_analyst, merged_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(from)
        .bind(into)
        .bind(i64::from(is_by_analyst))
        .bind(micros(now))
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}
