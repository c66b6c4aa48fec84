//! Short names across a story: what articles recorded before call `Hultquist` becomes the
//! `John Hultquist` of the article that is recorded now, in its transaction.
//!
//! The names that a story's articles have are read by [`Archive::names_of_stories`]; which means
//! which [`nlp::story::aliases`] tells. Whoever is annotated again is read anew with the names that its
//! story has then; an article that leaves the story keeps what was found in it.

use std::collections::{BTreeMap, BTreeSet};

use ingest::ArticleId;
use nlp::EntityRef;
use nlp::story::{ALIAS_CLASSES, StoryId, unite};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::annotations::CorrelatedArticle;
use super::corrections::read_correlated;
use super::value::{get, to_json};
use super::{Archive, ArchiveError};
use crate::matching::novelty::claims;

/// Of stories with more articles no names are told.
const N_ARTICLES_MAX: i64 = 1_000;
/// Nor of those with more names.
const N_NAMES_MAX: i64 = 2_000;
/// Articles that get other names for one batch at most; the rest do with the next one.
const N_ARTICLES_CHANGED: i64 = 200;

/// An entity that is another one in the articles of one story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The story.
    pub story: StoryId,
    /// Id of the short name.
    pub entity: String,
    /// What it means.
    pub to: EntityRef,
}

impl Archive {
    /// The persons, organisations, companies and groups that the articles of `stories` name, by id;
    /// `None` where these are over 1 000 articles or 2 000 names, too many to be compared.
    pub async fn names_of_stories(
        &self,
        stories: &[&str],
    ) -> Result<Option<Vec<EntityRef>>, ArchiveError> {
        let count = format!(
            "SELECT COUNT(*) AS n FROM article_states WHERE story_id IN {}",
            self.dialect.list(1),
        );
        let is_named: Vec<String> =
            ALIAS_CLASSES.iter().map(|it| format!("entities.id LIKE '{it}%'")).collect();
        let select = format!(
            "SELECT DISTINCT entities.id, entities.name FROM article_states
             JOIN article_entities ON article_entities.article_id = article_states.article_id
             JOIN entities ON entities.id = article_entities.entity_id
             WHERE article_states.story_id IN {} AND ({}) ORDER BY entities.id LIMIT $2",
            self.dialect.list(1),
            is_named.join(" OR "),
        );
        let stories = to_json(&stories);
        self.tried("read the names of a story", async {
            let counted =
                sqlx::query(AssertSqlSafe(count)).bind(&stories).fetch_one(&self.reader).await?;
            if N_ARTICLES_MAX < get::<i64>(&counted, "n")? {
                return Ok(None);
            }
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(&stories)
                .bind(N_NAMES_MAX + 1)
                .fetch_all(&self.reader)
                .await?;
            let read =
                |row: &AnyRow| Ok(EntityRef { id: get(row, "id")?, name: get(row, "name")? });
            let names = rows.iter().map(read).collect::<Result<Vec<_>, sqlx::Error>>()?;
            Ok((names.len() as i64 <= N_NAMES_MAX).then_some(names))
        })
        .await
    }

    /// Articles of the stories that have a short name yet, with what it means instead; what was told
    /// of them is known under the new names. Those of `batch` are not among them, nor those that
    /// wait to be annotated.
    pub(super) async fn with_full_names(
        &self,
        tx: &mut Transaction<'static, Any>,
        aliases: &[Alias],
        batch: &[CorrelatedArticle],
    ) -> Result<Vec<CorrelatedArticle>, sqlx::Error> {
        if aliases.is_empty() {
            return Ok(Vec::new());
        }
        let select = format!(
            "SELECT DISTINCT annotations.article_id, annotations.body, annotations.embedding,
                 article_states.story_id, article_states.copy_of
             FROM {}
             JOIN article_entities ON article_entities.entity_id = value ->> 1
             JOIN article_states ON article_states.article_id = article_entities.article_id
                 AND article_states.story_id = value ->> 0
             JOIN annotations ON annotations.article_id = article_entities.article_id
             WHERE article_states.annotate_at IS NULL
                 AND annotations.article_id NOT IN {}
             ORDER BY annotations.article_id LIMIT $3",
            self.dialect.rows(1),
            self.dialect.list(2),
        );
        let pairs: Vec<_> = aliases.iter().map(|it| (it.story.as_str(), &it.entity)).collect();
        let ids: Vec<&ArticleId> = batch.iter().map(|it| &it.article).collect();
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(&pairs))
            .bind(to_json(&ids))
            .bind(N_ARTICLES_CHANGED)
            .fetch_all(&mut **tx)
            .await?;
        let (mut changed, mut heirs) = (Vec::with_capacity(rows.len()), BTreeSet::new());
        for row in &rows {
            let mut item = read_correlated(row)?;
            let told = self.renamed_keys(&item, aliases);
            let of_story = aliases.iter().filter(|it| it.story == item.story);
            let of_story: BTreeMap<String, EntityRef> =
                of_story.map(|it| (it.entity.clone(), it.to.clone())).collect();
            if unite(&mut item.annotation, &of_story) {
                heirs.extend(told);
                changed.push(item);
            }
        }
        self.copy_told(tx, &heirs).await?;
        Ok(changed)
    }

    /// For each key under which statements of `item` may have been told in its story, the one of the
    /// same claim with full names.
    fn renamed_keys(&self, item: &CorrelatedArticle, aliases: &[Alias]) -> Vec<(String, String)> {
        let of_story = aliases.iter().filter(|it| it.story == item.story);
        let names: BTreeMap<String, String> =
            of_story.map(|it| (it.entity.to_lowercase(), it.to.id.to_lowercase())).collect();
        let in_title = item.annotation.title.iter().flat_map(|it| &it.statements);
        let statements = in_title.chain(&item.annotation.statements);
        let claims = statements.flat_map(|it| claims(it, |id| self.countries.country_of(id)));
        claims.flat_map(|it| it.renamed(item.story.as_str(), &names)).collect()
    }
}
