//! What alerts told already, when articles change their story: nobody wants to be told again.
//!
//! Within a story a statement is told apart loosely (see [`crate::matching::novelty`]), so the keys
//! of what was told hold the story's id. They are copied for every article that goes elsewhere;
//! while an article is in no story, because all are found anew, the article stands for one.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use nlp::Statement;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::value::{from_json, get, get_instant, micros, to_json};
use super::{Archive, ArchiveError};
use crate::matching::novelty::claims;

/// Articles whose statements are read at once.
const N_ARTICLES_PER_READ: usize = 200;
/// Keys that are forgotten in one transaction.
const N_FORGOTTEN_PER_STEP: i64 = 2_000;

/// Where what was told of an article is known, or shall be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'a> {
    /// In the story that it is in.
    InStory,
    /// In this story.
    In(&'a str),
    /// At the article itself.
    OfArticle,
}

impl Told<'_> {
    fn of(self, article: &str, story: &str) -> String {
        match self {
            Told::InStory => story.to_owned(),
            Told::In(story) => story.to_owned(),
            Told::OfArticle => format!("article:{article}"),
        }
    }
}

impl Archive {
    /// What is known as told `from` of the statements of the articles `ids` counts as told `to` as
    /// well. Statements are those that the archive has now.
    pub(super) async fn carry_told(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
        from: Told<'_>,
        to: Told<'_>,
    ) -> Result<(), sqlx::Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let any = sqlx::query("SELECT 1 FROM alert_novelty LIMIT 1").fetch_optional(&mut **tx);
        if any.await?.is_none() {
            return Ok(());
        }
        for ids in ids.chunks(N_ARTICLES_PER_READ) {
            let heirs = self.heirs(tx, ids, from, to).await?;
            self.copy_told(tx, &heirs).await?;
        }
        Ok(())
    }

    /// When the latest copy of `article` was published, or else fetched; `at`, its own time, when it
    /// has none or they are older. What was told of a copy was told of an original that came after.
    pub(super) async fn told_until(
        &self,
        tx: &mut Transaction<'static, Any>,
        article: &str,
        at: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, sqlx::Error> {
        let row = sqlx::query(
            "SELECT COALESCE(MAX(dated_at), 0) AS dated_at FROM article_states WHERE copy_of = $1",
        )
        .bind(article)
        .fetch_one(&mut **tx)
        .await?;
        Ok(get_instant(&row, "dated_at")?.max(at))
    }

    /// Forgets some of what was told so long before `now` that no saved search, also none that was
    /// deleted lately, asks for it any more:
    /// the longest of their windows ago, and `late` more, which articles may be old when they come.
    /// Nothing is left to forget when it answers 0.
    pub async fn forget_told(
        &self,
        late: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<u64, ArchiveError> {
        let longest = format!(
            "SELECT COALESCE(MAX(CAST({} ->> 'novelty_days' AS BIGINT)), 0) AS days
             FROM saved_searches",
            self.dialect.json("body"),
        );
        self.tried("forget what was told long ago", async {
            let mut tx = self.begin().await?;
            let row = sqlx::query(AssertSqlSafe(longest)).fetch_one(&mut *tx).await?;
            let window = TimeDelta::days(get(&row, "days")?);
            let forgotten = sqlx::query(
                "DELETE FROM alert_novelty WHERE (search_id, key) IN
                     (SELECT search_id, key FROM alert_novelty WHERE fired_at < $1 LIMIT $2)",
            )
            .bind(micros(now - window - late))
            .bind(N_FORGOTTEN_PER_STEP)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(forgotten.rows_affected())
        })
        .await
    }

    /// For each key under which a statement may have been told, those that it is told under then.
    async fn heirs(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
        from: Told<'_>,
        to: Told<'_>,
    ) -> Result<BTreeSet<(String, String)>, sqlx::Error> {
        let select = format!(
            "SELECT statements.article_id, statements.body, article_states.story_id
             FROM statements
             JOIN article_states ON article_states.article_id = statements.article_id
             WHERE statements.article_id IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        let given = self.given_names(tx, ids).await?;
        let mut heirs = BTreeSet::new();
        for row in &rows {
            let (article, story): (&str, Option<&str>) =
                (get(row, "article_id")?, get(row, "story_id")?);
            let place = |it: Told<'_>| it.of(article, story.unwrap_or_default());
            let (from, to) = (place(from), place(to));
            if from == to {
                continue;
            }
            let statement: Statement = from_json("body", get(row, "body")?)?;
            for claim in claims(&statement, |id| self.countries.country_of(id)) {
                let mut told = claim.remembered(&to);
                // Also under the names that the article has itself: its story may take others back.
                for (short, full) in given.get(article).into_iter().flatten() {
                    let own = BTreeMap::from([(full.clone(), short.clone())]);
                    told.extend(claim.with_names(&own).remembered(&to));
                }
                for key in claim.looked_up(&from) {
                    heirs.extend(told.iter().map(|it| (key.clone(), it.clone())));
                }
            }
        }
        Ok(heirs)
    }

    /// What was told under the first key of each pair counts as told under the second.
    pub(super) async fn copy_told(
        &self,
        tx: &mut Transaction<'static, Any>,
        heirs: &BTreeSet<(String, String)>,
    ) -> Result<(), sqlx::Error> {
        let keys: BTreeSet<&String> = heirs.iter().map(|it| &it.0).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let select = format!(
            "SELECT search_id, key, fired_at FROM alert_novelty WHERE key IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&keys)).fetch_all(&mut **tx).await?;
        let mut told: BTreeMap<(String, &String), i64> = BTreeMap::new();
        for row in &rows {
            let (key, fired_at): (&str, i64) = (get(row, "key")?, get(row, "fired_at")?);
            let after = (key.to_owned(), String::new());
            for (_, heir) in heirs.range(after..).take_while(|it| it.0 == key) {
                let at = told.entry((get(row, "search_id")?, heir)).or_insert(fired_at);
                *at = fired_at.max(*at);
            }
        }
        let told: Vec<_> = told.into_iter().map(|((search, key), at)| (search, key, at)).collect();
        let insert = format!(
            "INSERT INTO alert_novelty (search_id, key, fired_at)
             SELECT value ->> 0, value ->> 1, CAST(value ->> 2 AS BIGINT) FROM {} WHERE true
             ON CONFLICT (search_id, key) DO UPDATE SET
                 fired_at = CASE WHEN alert_novelty.fired_at < excluded.fired_at
                     THEN excluded.fired_at ELSE alert_novelty.fired_at END",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(insert)).bind(to_json(&told)).execute(&mut **tx).await?;
        Ok(())
    }
}
