//! Short names across a story: what articles recorded before call `Hultquist` becomes the
//! `John Hultquist` of the article that is recorded now, in its transaction.
//!
//! The names that a story's articles have are read by [`Archive::names_of_stories`]; which means
//! which [`nlp::story::aliases`] tells. Whoever is annotated again is read anew with the names that its
//! story has then; an article that leaves the story keeps what was found in it.

use std::collections::{BTreeMap, BTreeSet};

use ingest::ArticleId;
use nlp::story::{ALIAS_CLASSES, StoryId, unite};
use nlp::{Annotation, EntityRef, Statement};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::annotations::CorrelatedArticle;
use super::corrections::read_correlated;
use super::value::{get, to_json};
use super::{Archive, ArchiveError};
use crate::matching::novelty::claims;

/// Newest articles of a story whose names are read.
const N_ARTICLES_READ: i64 = 200;
/// Names that are read of a story at most.
const N_NAMES_READ: i64 = 2_000;
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
    /// The persons, organisations, companies and groups that the newest 200 articles of `stories`
    /// name, at most 2 000, by id.
    pub async fn names_of_stories(&self, stories: &[&str]) -> Result<Vec<EntityRef>, ArchiveError> {
        let is_named: Vec<String> =
            ALIAS_CLASSES.iter().map(|it| format!("entities.id LIKE '{it}%'")).collect();
        let select = format!(
            "SELECT DISTINCT entities.id, entities.name FROM (
                 SELECT article_id FROM article_states WHERE story_id IN {}
                 ORDER BY dated_at DESC, article_id LIMIT $2) AS newest
             JOIN article_entities ON article_entities.article_id = newest.article_id
             JOIN entities ON entities.id = article_entities.entity_id
             WHERE {} ORDER BY entities.id LIMIT $3",
            self.dialect.list(1),
            is_named.join(" OR "),
        );
        self.tried("read the names of a story", async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(to_json(&stories))
                .bind(N_ARTICLES_READ)
                .bind(N_NAMES_READ)
                .fetch_all(&self.reader)
                .await?;
            let read =
                |row: &AnyRow| Ok(EntityRef { id: get(row, "id")?, name: get(row, "name")? });
            rows.iter().map(read).collect()
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
            let before = item.annotation.clone();
            let of_story = aliases.iter().filter(|it| it.story == item.story);
            let of_story: BTreeMap<String, EntityRef> =
                of_story.map(|it| (it.entity.clone(), it.to.clone())).collect();
            if unite(&mut item.annotation, &of_story) {
                let after = statements(&item.annotation);
                for (old, new) in statements(&before).zip(after) {
                    heirs.extend(self.heirs_of(old, new, item.story.as_str()));
                }
                changed.push(item);
            }
        }
        self.copy_told(tx, &heirs).await?;
        Ok(changed)
    }

    /// For each key under which `old` may have been told in `story`, those of `new`.
    fn heirs_of(&self, old: &Statement, new: &Statement, story: &str) -> Vec<(String, String)> {
        let country_of = |id: &str| self.countries.country_of(id);
        let keys: BTreeSet<String> =
            claims(new, country_of).iter().flat_map(|it| it.remembered(story)).collect();
        let told = claims(old, country_of);
        let told = told.iter().flat_map(|it| it.looked_up(story));
        told.flat_map(|key| keys.iter().map(move |it| (key.clone(), it.clone()))).collect()
    }
}

fn statements(annotation: &Annotation) -> impl Iterator<Item = &Statement> {
    let of_title = annotation.title.iter().flat_map(|it| &it.statements);
    of_title.chain(&annotation.statements)
}
