//! Retention: deleting what is old, or what a user wants gone, with all that belongs to it.
//!
//! An article is old when it was both published and fetched before a day. It stays all the same
//! while somebody works with it: an alert of it is new, escalated, assigned or has a note, an
//! analyst pinned it to a story, or a correction changed it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use ingest::ArticleId;
use sqlx::{Any, AssertSqlSafe, Row, Transaction};

use super::entry_texts::blank_entries;
use super::index_feed::take_index_seqs;
use super::told::Told;
use super::value::{get, get_count, micros, to_json};
use super::{Archive, ArchiveError};

/// Articles deleted in one transaction.
const N_ARTICLES_PER_STEP: i64 = 100;
/// Finished entries deleted in one transaction.
const N_ENTRIES_PER_STEP: i64 = 500;

/// Old articles that nobody works with.
const PRUNABLE: &str = "FROM article_states
     JOIN articles ON articles.id = article_states.article_id
     WHERE article_states.dated_at < $1 AND articles.fetched_at < $1
         AND NOT EXISTS (SELECT 1 FROM alerts WHERE alerts.article_id = article_states.article_id
             AND (alerts.state IN ('new', 'escalated') OR alerts.note <> ''
                  OR alerts.assignee <> ''))
         AND NOT EXISTS (SELECT 1 FROM story_pins
             WHERE story_pins.article_id = article_states.article_id)
         AND NOT EXISTS (SELECT 1 FROM correction_articles
             WHERE correction_articles.article_id = article_states.article_id)";

/// Old entries with which nothing is left to do and that have no article of the same address.
const FINISHED: &str = "FROM entries WHERE due_at IS NULL AND added_at < $1
     AND NOT EXISTS (SELECT 1 FROM articles WHERE articles.id = entries.id)";

/// What is old enough to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prunable {
    /// Articles that would be deleted.
    pub n_articles: u64,
    /// Articles as old that stay, since somebody works with them.
    pub n_kept: u64,
    /// Finished entries of feeds that would be deleted besides those of the articles.
    pub n_entries: u64,
}

/// What one step deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Articles.
    pub n_articles: u64,
    /// Finished entries that led to no article, or to one under another address.
    pub n_entries: u64,
}

impl Archive {
    /// Counts what [`Archive::prune_step`] would delete until it finds no more.
    pub async fn prunable(&self, before: DateTime<Utc>) -> Result<Prunable, ArchiveError> {
        let select = format!(
            "SELECT (SELECT COUNT(*) {PRUNABLE}) AS n_articles,
                 (SELECT COUNT(*) FROM article_states
                  JOIN articles ON articles.id = article_states.article_id
                  WHERE article_states.dated_at < $1 AND articles.fetched_at < $1) AS n_old,
                 (SELECT COUNT(*) {FINISHED}) AS n_entries"
        );
        self.tried("count what is old", async {
            let row = sqlx::query(AssertSqlSafe(select))
                .bind(micros(before))
                .fetch_one(&self.reader)
                .await?;
            let n_articles = get_count(&row, "n_articles")?;
            let n_kept = get_count(&row, "n_old")?.saturating_sub(n_articles);
            Ok(Prunable { n_articles, n_kept, n_entries: get_count(&row, "n_entries")? })
        })
        .await
    }

    /// Deletes some of what is older than `before`, in one transaction: at most 100 articles with
    /// their text, statements, alerts and entries of feeds, entities that nothing names any more
    /// and stories left empty, or else at most 500 finished entries. Nothing is left to do when it
    /// answers zeros.
    ///
    /// Tombstones stay, so that a feed that still lists an entry does not bring it back, and so
    /// that every search index hears of it ([`Archive::index_changes_after`]).
    pub async fn prune_step(
        &self,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Pruned, ArchiveError> {
        self.tried("delete what is old", async {
            let mut tx = self.begin().await?;
            // First of all: from here on, others who annotate or pin wait.
            take_index_seqs(&mut tx, 0).await?;
            let ids = self.lock_prunable(&mut tx, before).await?;
            let pruned = if ids.is_empty() {
                let n_entries = self.delete_finished_entries(&mut tx, before, now).await?;
                Pruned { n_articles: 0, n_entries }
            } else {
                self.delete_articles(&mut tx, &ids, now).await?;
                self.drop_evidence(&mut tx, &to_json(&ids)).await?;
                self.free_addresses(&mut tx, &ids).await?;
                Pruned { n_articles: ids.len() as u64, n_entries: 0 }
            };
            tx.commit().await?;
            Ok(pruned)
        })
        .await
    }

    /// Deletes one article as [`Archive::prune_step`] does, whoever works with it; answers whether
    /// it was there. Until [`Archive::forget_deleted`] it can be brought back
    /// ([`Archive::restore_article`]), and its evidence stays.
    ///
    /// Tombstones also stay for the other addresses that lead to it, so that it does not come back
    /// by one of them.
    pub async fn delete_article(
        &self,
        id: &ArticleId,
        now: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("delete article {id}"), async {
            let mut tx = self.begin().await?;
            // As `prune_step` does.
            take_index_seqs(&mut tx, 0).await?;
            let id = id.to_string();
            if !self.lock_article(&mut tx, &id).await? {
                return Ok(false);
            }
            // Where it comes back into another story, what was told of it is known there too.
            self.carry_told(&mut tx, &[id.as_str()], Told::InStory, Told::OfArticle).await?;
            self.put_aside(&mut tx, &id, now).await?;
            self.bury(&mut tx, &id, now).await?;
            tx.commit().await?;
            Ok(true)
        })
        .await
    }

    /// The same for good and at once, also when the article was deleted before and could be brought
    /// back: nothing of it is kept. Answers whether there was anything.
    pub async fn delete_article_for_good(
        &self,
        id: &ArticleId,
        now: DateTime<Utc>,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("delete article {id} for good"), async {
            let mut tx = self.begin().await?;
            // As `prune_step` does.
            take_index_seqs(&mut tx, 0).await?;
            let id = id.to_string();
            let was_there = self.lock_article(&mut tx, &id).await?;
            if was_there {
                self.bury(&mut tx, &id, now).await?;
            }
            let aside = sqlx::query("DELETE FROM removed_articles WHERE id = $1")
                .bind(&id)
                .execute(&mut *tx)
                .await?;
            let was_aside = aside.rows_affected() == 1;
            if was_there || was_aside {
                self.drop_evidence(&mut tx, &to_json(&[&id])).await?;
                blank_entries(&mut tx, &id).await?;
            }
            tx.commit().await?;
            Ok(was_there || was_aside)
        })
        .await
    }

    /// Holds article `id`; answers whether it is there.
    async fn lock_article(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
    ) -> Result<bool, sqlx::Error> {
        let lock = format!("SELECT id FROM articles WHERE id = $1 {}", self.dialect.locked());
        let found = sqlx::query(AssertSqlSafe(lock)).bind(id).fetch_optional(&mut **tx).await?;
        Ok(found.is_some())
    }

    /// Deletes an article but for its evidence, and lets none of its addresses bring it back.
    async fn bury(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        self.delete_articles(tx, &[id.to_owned()], now).await?;
        sqlx::query("DELETE FROM article_addresses WHERE article_id = $1 AND is_shared = 1")
            .bind(id)
            .execute(&mut **tx)
            .await?;
        sqlx::query(
            "INSERT INTO tombstones (article_id, buried_at)
             SELECT address_id, CAST($2 AS BIGINT) FROM article_addresses
             WHERE article_id = $1
             ON CONFLICT (article_id) DO NOTHING",
        )
        .bind(id)
        .bind(micros(now))
        .execute(&mut **tx)
        .await
        .map(|_| ())
    }

    /// Lets the evidence of articles (JSON array of ids) go.
    async fn drop_evidence(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &str,
    ) -> Result<(), sqlx::Error> {
        let removal =
            format!("DELETE FROM article_evidence WHERE article_id IN {}", self.dialect.list(1));
        sqlx::query(AssertSqlSafe(removal)).bind(ids).execute(&mut **tx).await.map(|_| ())
    }

    /// Lets the addresses of articles that got old lead nowhere.
    async fn free_addresses(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[String],
    ) -> Result<(), sqlx::Error> {
        let removal =
            format!("DELETE FROM article_addresses WHERE article_id IN {}", self.dialect.list(1));
        sqlx::query(AssertSqlSafe(removal)).bind(to_json(&ids)).execute(&mut **tx).await.map(|_| ())
    }

    /// The next articles to delete, held so that nobody begins to work with them meanwhile.
    async fn lock_prunable(
        &self,
        tx: &mut Transaction<'static, Any>,
        before: DateTime<Utc>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let select = format!(
            "SELECT article_states.article_id {PRUNABLE}
             ORDER BY article_states.dated_at, article_states.article_id LIMIT $2"
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(micros(before))
            .bind(N_ARTICLES_PER_STEP)
            .fetch_all(&mut **tx)
            .await?;
        let ids = rows.iter().map(|it| get(it, "article_id"));
        let mut ids = ids.collect::<Result<Vec<String>, _>>()?;
        ids.sort_unstable();
        if ids.is_empty() {
            return Ok(ids);
        }
        let (list, locked) = (self.dialect.list(1), self.dialect.locked());
        for lock in [
            format!("SELECT id FROM articles WHERE id IN {list} ORDER BY id {locked}"),
            format!("SELECT id FROM alerts WHERE article_id IN {list} ORDER BY id {locked}"),
        ] {
            sqlx::query(AssertSqlSafe(lock)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        }
        // Once more, now that they are held.
        let again = format!(
            "SELECT article_states.article_id {PRUNABLE}
             AND article_states.article_id IN {}",
            self.dialect.list(2),
        );
        let rows = sqlx::query(AssertSqlSafe(again))
            .bind(micros(before))
            .bind(to_json(&ids))
            .fetch_all(&mut **tx)
            .await?;
        rows.iter().map(|it| get(it, "article_id")).collect()
    }

    /// Deletes articles but for their evidence.
    async fn delete_articles(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let first = take_index_seqs(tx, ids.len()).await?;
        let names: Vec<&str> = ids.iter().map(String::as_str).collect();
        let json = to_json(&ids);
        let messages = self.messages_about(tx, &json).await?;
        let mut stories = self.free_copies(tx, &json).await?;
        stories.extend(self.forget(tx, &names).await?);

        let bury = format!(
            "INSERT INTO tombstones (article_id, buried_at, index_seq)
             SELECT value ->> 0, CAST($2 AS BIGINT), CAST(value ->> 1 AS BIGINT)
             FROM {} WHERE true
             ON CONFLICT (article_id) DO UPDATE SET index_seq = excluded.index_seq",
            self.dialect.rows(1),
        );
        let numbered: Vec<_> = ids.iter().zip(first..).collect();
        sqlx::query(AssertSqlSafe(bury))
            .bind(to_json(&numbered))
            .bind(micros(now))
            .execute(&mut **tx)
            .await?;
        let list = self.dialect.list(1);
        for removal in [
            format!("DELETE FROM entries WHERE id IN {list}"),
            // States, alerts and whatever else hangs on an article go with it.
            format!("DELETE FROM articles WHERE id IN {list}"),
        ] {
            sqlx::query(AssertSqlSafe(removal)).bind(&json).execute(&mut **tx).await?;
        }
        let removal = format!(
            "DELETE FROM outbox WHERE id IN {list} AND NOT EXISTS
                 (SELECT 1 FROM outbox_alerts WHERE outbox_id = outbox.id)"
        );
        sqlx::query(AssertSqlSafe(removal)).bind(to_json(&messages)).execute(&mut **tx).await?;
        self.recount_stories(tx, &stories).await?;
        self.renew_headlines(tx, &stories).await?;
        let removal = format!(
            "DELETE FROM story_redirects WHERE target_id IN {list} AND NOT EXISTS
                 (SELECT 1 FROM stories WHERE stories.id = story_redirects.target_id)"
        );
        sqlx::query(AssertSqlSafe(removal)).bind(to_json(&stories)).execute(&mut **tx).await?;
        self.settle_names(tx, &BTreeSet::new()).await
    }

    /// Messages that tell of articles (JSON array of ids).
    async fn messages_about(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &str,
    ) -> Result<Vec<String>, sqlx::Error> {
        let select = format!(
            "SELECT DISTINCT outbox_alerts.outbox_id AS id FROM outbox_alerts
             JOIN alerts ON alerts.id = outbox_alerts.alert_id
             WHERE alerts.article_id IN {}",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(ids).fetch_all(&mut **tx).await?;
        rows.iter().map(|it| get(it, "id")).collect()
    }

    /// Copies of articles that go (JSON array of ids): the first that stays becomes the one that
    /// the others repeat. Returns their stories.
    async fn free_copies(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &str,
    ) -> Result<BTreeSet<String>, sqlx::Error> {
        let list = self.dialect.list(1);
        let select = format!(
            "SELECT article_id, copy_of, story_id FROM article_states
             WHERE copy_of IN {list} AND article_id NOT IN {list} ORDER BY dated_at, arrival"
        );
        let rows = sqlx::query(AssertSqlSafe(select)).bind(ids).fetch_all(&mut **tx).await?;
        self.hand_down(tx, &rows).await
    }

    /// Puts a tombstone in the place of entries that are finished, and tells how many.
    async fn delete_finished_entries(
        &self,
        tx: &mut Transaction<'static, Any>,
        before: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<u64, sqlx::Error> {
        let select = format!("SELECT id {FINISHED} ORDER BY added_at LIMIT $2");
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(micros(before))
            .bind(N_ENTRIES_PER_STEP)
            .fetch_all(&mut **tx)
            .await?;
        let ids = rows.iter().map(|it| it.try_get("id"));
        let mut ids = ids.collect::<Result<Vec<&str>, _>>()?;
        ids.sort_unstable();
        let bury = format!(
            "INSERT INTO tombstones (article_id, buried_at)
             SELECT value, CAST($2 AS BIGINT) FROM {} AS item WHERE true
             ON CONFLICT (article_id) DO NOTHING",
            self.dialect.list(1),
        );
        let json = to_json(&ids);
        sqlx::query(AssertSqlSafe(bury)).bind(&json).bind(micros(now)).execute(&mut **tx).await?;
        let removal = format!("DELETE FROM entries WHERE id IN {}", self.dialect.list(1));
        sqlx::query(AssertSqlSafe(removal)).bind(&json).execute(&mut **tx).await?;
        Ok(ids.len() as u64)
    }
}
