//! What a list of stories shows beside each summary: copies, and the surest statement.

use std::collections::BTreeMap;

use nlp::StatementKind;
use nlp::story::StoryId;
use sqlx::AssertSqlSafe;

use super::annotation_rows::word;
use super::statements::{STATEMENT, read_statement};
use super::value::{get, get_count, to_json};
use super::{Archive, ArchiveError};
use crate::record::StatementRecord;

/// What can be seen of a story at a glance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoryGlance {
    /// Articles in it that repeat another one.
    pub n_copies: u64,
    /// The surest of its statements, threats first; `None` when it has none.
    pub surest: Option<StatementRecord>,
}

/// Which statement of a story comes first: threats first, then warnings, attacks and the rest; of one
/// kind what is asserted before what is possible, then the score; the first one of equals.
const SUREST_FIRST: &str = "CASE statements.kind WHEN 'threat' THEN 0 WHEN 'warning' THEN 1
         WHEN 'attack' THEN 2 WHEN 'claim' THEN 3 WHEN 'attempt' THEN 4 ELSE 5 END,
     CASE statements.modality WHEN 'asserted' THEN 0 WHEN 'conditional' THEN 1
         WHEN 'possible' THEN 2 ELSE 3 END,
     statements.score DESC, statements.dated_at, statements.id";

impl Archive {
    /// Looks at `stories`, by id; those that nothing is to be told of are left out. Only
    /// statements of `kind` count when one is given.
    pub async fn story_glances(
        &self,
        stories: &[StoryId],
        kind: Option<StatementKind>,
    ) -> Result<BTreeMap<String, StoryGlance>, ArchiveError> {
        let ids: Vec<&str> = stories.iter().map(StoryId::as_str).collect();
        let ids = to_json(&ids);
        let list = self.dialect.list(1);
        let of_kind = if kind.is_some() { "AND statements.kind = $2" } else { "" };
        let copies = format!(
            "SELECT story_id, COUNT(*) AS n FROM article_states
             WHERE copy_of IS NOT NULL AND story_id IN {list} GROUP BY story_id"
        );
        let surest = format!(
            "{STATEMENT} WHERE statements.id IN (
                 SELECT ranked.id FROM (
                     SELECT statements.id AS id, ROW_NUMBER() OVER (
                         PARTITION BY article_states.story_id ORDER BY {SUREST_FIRST}) AS place
                     FROM article_states
                     JOIN statements ON statements.article_id = article_states.article_id
                     WHERE article_states.story_id IN {list} {of_kind}) AS ranked
                 WHERE ranked.place = 1)"
        );
        self.tried("look at stories", async {
            let mut glances: BTreeMap<String, StoryGlance> = BTreeMap::new();
            let rows =
                sqlx::query(AssertSqlSafe(copies)).bind(&ids).fetch_all(&self.reader).await?;
            for row in &rows {
                glances.entry(get(row, "story_id")?).or_default().n_copies = get_count(row, "n")?;
            }
            let rows = sqlx::query(AssertSqlSafe(surest))
                .bind(&ids)
                .bind(kind.as_ref().map(word))
                .fetch_all(&self.reader)
                .await?;
            for row in &rows {
                let statement = read_statement(row)?;
                if let Some(story) = &statement.story {
                    let glance = glances.entry(story.to_string()).or_default();
                    glance.surest = Some(statement);
                }
            }
            Ok(glances)
        })
        .await
    }
}
