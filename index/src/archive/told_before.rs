//! Since when a story says what it says: [`Archive::told_before`]. What is repeated is no news.
//!
//! Statements are told apart as alerts do it, by [`crate::matching::novelty`], but nobody needs to
//! have been alerted: what the story's earlier articles say is asked.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::ArticleId;
use nlp::story::StoryId;
use nlp::{Statement, Tense};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use super::value::{get, get_instant, get_json, get_parsed, micros, to_json};
use super::{Archive, ArchiveError};
use crate::matching::novelty::claims;

/// Earlier statements of one kind in one story that are looked through, the first ones.
const N_OF_KIND_MAX: i64 = 200;
/// Earlier statements that are looked through in all.
const N_EARLIER_MAX: i64 = 3_000;

/// The article with which all that a statement says had been said in its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldBefore {
    /// The article.
    pub article: ArticleId,
    /// Its source.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// When the article was published, or else fetched.
    pub dated_at: DateTime<Utc>,
}

impl Archive {
    /// For each of `said`, a statement with its story: where the story had said all of it before,
    /// in articles dated before `before`; `None` where something in it is new.
    ///
    /// One query, however many are asked for. An act of a later day than the article that would
    /// have told of it is another act, and new.
    pub async fn told_before(
        &self,
        said: &[(&StoryId, &Statement)],
        before: DateTime<Utc>,
    ) -> Result<Vec<Option<ToldBefore>>, ArchiveError> {
        let stories: BTreeSet<&str> = said.iter().map(|it| it.0.as_str()).collect();
        if stories.is_empty() {
            return Ok(Vec::new());
        }
        // The first ones of each story and kind come first, so that a long story hides no other.
        let select = format!(
            "SELECT told.story_id, told.dated_at, told.source_id, told.article_id, told.body,
                 sources.name AS source_name
             FROM (
                 SELECT article_states.story_id, article_states.dated_at,
                     article_states.source_id, statements.article_id, statements.body,
                     ROW_NUMBER() OVER (
                         PARTITION BY article_states.story_id, statements.kind
                         ORDER BY article_states.dated_at, article_states.arrival,
                             statements.in_title, statements.ordinal
                     ) AS place
                 FROM article_states
                 JOIN statements ON statements.article_id = article_states.article_id
                 WHERE article_states.story_id IN {} AND article_states.dated_at < $2
             ) AS told
             JOIN sources ON sources.id = told.source_id
             WHERE told.place <= $3
             ORDER BY told.place, told.dated_at LIMIT $4",
            self.dialect.list(1),
        );
        self.tried("look for what stories told before", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(to_json(&stories))
                .bind(micros(before))
                .bind(N_OF_KIND_MAX)
                .bind(N_EARLIER_MAX)
                .fetch_all(&self.reader)
                .await?;
            let told = self.first_told(&rows)?;
            let first = |story: &StoryId, statement: &Statement| {
                let (at, place) = self.all_told(told.get(story.as_str())?, statement)?;
                (!is_later_act(statement, at)).then_some(place)
            };
            let told = said.iter().map(|&(story, statement)| {
                first(story, statement).map(|place| read_told(&rows[place])).transpose()
            });
            told.collect()
        })
        .await
    }

    /// By story: what is no news after the statements in `rows`, since when, and the row.
    fn first_told<'r>(&self, rows: &'r [AnyRow]) -> Result<Told<'r>, sqlx::Error> {
        let mut told = Told::new();
        for (place, row) in rows.iter().enumerate() {
            let statement: Statement = get_json(row, "body")?;
            let at = get_instant(row, "dated_at")?;
            let known = told.entry(get(row, "story_id")?).or_default();
            for claim in claims(&statement, |id| self.countries.country_of(id)) {
                for key in claim.remembered("") {
                    let first = known.entry(key).or_insert((at, place));
                    *first = (*first).min((at, place));
                }
            }
        }
        Ok(told)
    }

    /// When the last thing that `statement` says was said first; `None` when something was not.
    fn all_told(
        &self,
        known: &HashMap<String, (DateTime<Utc>, usize)>,
        statement: &Statement,
    ) -> Option<(DateTime<Utc>, usize)> {
        let mut last: Option<(DateTime<Utc>, usize)> = None;
        for claim in claims(statement, |id| self.countries.country_of(id)) {
            let keys = claim.looked_up("");
            let first = keys.iter().filter_map(|it| known.get(it)).min().copied()?;
            last = last.max(Some(first));
        }
        last
    }
}

/// Keys of claims by story, each with the time and the row that it was told by first.
type Told<'r> = HashMap<&'r str, HashMap<String, (DateTime<Utc>, usize)>>;

/// Whether `statement` tells of an act that happened on a later day than `at`.
fn is_later_act(statement: &Statement, at: DateTime<Utc>) -> bool {
    let is_past = statement.time.tense == Tense::Past;
    is_past && statement.time.from.is_some_and(|it| at.date_naive() < it)
}

fn read_told(row: &AnyRow) -> Result<ToldBefore, sqlx::Error> {
    Ok(ToldBefore {
        article: get_parsed(row, "article_id")?,
        source: SourceId::new(get::<String>(row, "source_id")?),
        source_name: get(row, "source_name")?,
        dated_at: get_instant(row, "dated_at")?,
    })
}
