//! Short names across a story: what one article calls `Hultquist` is the `John Hultquist` of another.
//!
//! Which means which [`nlp::story::aliases`] tells from the names that the articles of a story have
//! themselves. It is told anew, in the same transaction, whenever a story gains, loses or changes an
//! article ([`Archive::settle_names`]), so that it depends neither on the order in which articles came
//! nor on what was in the story before. An article that was given a longer name keeps its own reading
//! beside (`own_readings`), and has it again when the longer name is gone.
//!
//! Longer than most, since telling, keeping and taking back names must agree on which are an article's own.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use nlp::correction::Correction;
use nlp::story::{ALIAS_CLASSES, aliases, names_in, renamed, unite};
use nlp::{Annotation, EntityRef};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Transaction};

use super::alerts::Match;
use super::annotation_rows::{is_storable, readable_json};
use super::annotations::CorrelatedArticle;
use super::corrections::{corrected_entities, read_correlated};
use super::value::{clean, from_json, get, get_json, to_json};
use super::{Archive, ArchiveError};
use crate::matching::novelty::claims;

/// Of stories with more articles no names are told.
const N_ARTICLES_MAX: i64 = 1_000;
/// Nor of those with more names.
const N_NAMES_MAX: usize = 2_000;
/// Names that are read at once at most; of stories beyond none are told.
const N_NAMES_READ: i64 = 200_000;
/// Stories that one transaction settles at most; the next one goes on.
const N_STORIES_SETTLED: i64 = 100;
/// Articles that get other names in one transaction at most; the next one goes on.
const N_ARTICLES_CHANGED: usize = 200;

/// For ids of short names the entity that they mean.
type Aliases = BTreeMap<String, EntityRef>;

/// An article whose names are not those that its story gives it.
struct Misnamed {
    /// With the names that it gets.
    item: CorrelatedArticle,
    /// With those that it has itself.
    own: Annotation,
    /// With those that it had until now.
    shown: Annotation,
    /// What its own names mean, where that is another entity.
    aliases: Aliases,
}

impl Archive {
    /// The persons, organisations, companies and groups that the articles of `stories` name
    /// themselves, by id; `None` where one has over 1 000 articles, or all over 2 000 names, too many
    /// to be compared.
    pub async fn names_of_stories(
        &self,
        stories: &[&str],
    ) -> Result<Option<Vec<EntityRef>>, ArchiveError> {
        self.tried("read the names of a story", async {
            let mut connection = self.reader.acquire().await?;
            let mut all = BTreeMap::new();
            for names in self.names_by_story(&mut connection, stories).await?.into_values() {
                let Some(names) = names else { return Ok(None) };
                all.extend(names.into_iter().map(|it| (it.id.clone(), it)));
            }
            Ok((all.len() <= N_NAMES_MAX).then(|| all.into_values().collect()))
        })
        .await
    }

    /// Gives the articles of stories that changed the names that they have in them now; what was told
    /// of them is known under those as well. At most 100 stories and 200 articles, those of `first`
    /// before others that wait: the next transaction that annotates goes on.
    ///
    /// The caller holds the counter of the index feed.
    pub(super) async fn settle_names(
        &self,
        tx: &mut Transaction<'static, Any>,
        first: &BTreeSet<String>,
    ) -> Result<(), sqlx::Error> {
        let select = format!(
            "SELECT story_id FROM unsettled_stories
             ORDER BY CASE WHEN story_id IN {} THEN 0 ELSE 1 END, story_id LIMIT $2",
            self.dialect.list(1),
        );
        let rows = sqlx::query(AssertSqlSafe(select))
            .bind(to_json(first))
            .bind(N_STORIES_SETTLED)
            .fetch_all(&mut **tx)
            .await?;
        let stories = rows.iter().map(|it| get(it, "story_id"));
        let stories = stories.collect::<Result<Vec<&str>, _>>()?;
        if stories.is_empty() {
            return Ok(());
        }
        let meant = self.aliases_by_story(tx, &stories).await?;
        let (changed, is_all) = self.misnamed(tx, &stories, &meant).await?;
        self.rename(tx, changed).await?;
        if is_all {
            let settled =
                format!("DELETE FROM unsettled_stories WHERE story_id IN {}", self.dialect.list(1));
            sqlx::query(AssertSqlSafe(settled)).bind(to_json(&stories)).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Lets the names of stories be told anew in which one of `entities` is a short name or what one
    /// means, or might be: somebody corrected it, or took that back.
    pub(super) async fn unsettle(
        &self,
        tx: &mut Transaction<'static, Any>,
        entities: &HashSet<String>,
    ) -> Result<(), sqlx::Error> {
        let list = self.dialect.list(1);
        let insert = format!(
            "INSERT INTO unsettled_stories (story_id)
             SELECT DISTINCT article_states.story_id FROM own_names
             JOIN article_states ON article_states.article_id = own_names.article_id
             WHERE article_states.story_id IS NOT NULL
                 AND (own_names.entity_id IN {list} OR own_names.means_id IN {list})
             UNION SELECT article_states.story_id FROM article_entities
             JOIN article_states ON article_states.article_id = article_entities.article_id
             WHERE article_states.story_id IS NOT NULL AND article_entities.entity_id IN {list}
             ON CONFLICT DO NOTHING"
        );
        let has_aliases = |it: &&String| ALIAS_CLASSES.iter().any(|class| it.starts_with(class));
        let entities: Vec<&String> = entities.iter().filter(has_aliases).collect();
        let entities = to_json(&entities);
        sqlx::query(AssertSqlSafe(insert)).bind(entities).execute(&mut **tx).await.map(|_| ())
    }

    /// The same matches, whose claims have the names that their articles have in their stories by now:
    /// another worker may have recorded a longer one since they were found.
    pub(super) async fn with_settled_names<'a>(
        &self,
        tx: &mut Transaction<'static, Any>,
        matches: &'a [Match],
    ) -> Result<Cow<'a, [Match]>, sqlx::Error> {
        if matches.is_empty() {
            return Ok(Cow::Borrowed(matches));
        }
        let ids: BTreeSet<String> = matches.iter().map(|it| it.article.to_string()).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let names = self.given_names(tx, &ids).await?;
        if names.is_empty() {
            return Ok(Cow::Borrowed(matches));
        }
        let mut settled = matches.to_vec();
        for it in &mut settled {
            let Some(names) = names.get(&it.article.to_string()) else { continue };
            for item in &mut it.items {
                item.claims = item.claims.iter().map(|it| it.with_names(names)).collect();
            }
        }
        Ok(Cow::Owned(settled))
    }

    /// For those of the articles `ids` to which their story gave longer names: from their own names to
    /// these, in lower case.
    pub(super) async fn given_names(
        &self,
        tx: &mut Transaction<'static, Any>,
        ids: &[&str],
    ) -> Result<BTreeMap<String, BTreeMap<String, String>>, sqlx::Error> {
        let select = format!(
            "SELECT article_id, entity_id, means_id FROM own_names
             WHERE means_id IS NOT NULL AND article_id IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut **tx).await?;
        let mut given: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        for row in &rows {
            let (short, full): (&str, &str) = (get(row, "entity_id")?, get(row, "means_id")?);
            let of_article = given.entry(get(row, "article_id")?).or_default();
            of_article.insert(short.to_lowercase(), full.to_lowercase());
        }
        Ok(given)
    }

    /// What the names of each story mean, where that is anything. What a reader said of an entity
    /// stands: such names are left alone.
    async fn aliases_by_story(
        &self,
        tx: &mut Transaction<'static, Any>,
        stories: &[&str],
    ) -> Result<BTreeMap<String, Aliases>, sqlx::Error> {
        let names = self.names_by_story(tx, stories).await?;
        let mut meant: BTreeMap<String, Aliases> = names
            .into_iter()
            .filter_map(|(story, names)| Some((story, aliases(&names?))))
            .filter(|(_, it)| !it.is_empty())
            .collect();
        if meant.is_empty() {
            return Ok(meant);
        }
        let rows = sqlx::query("SELECT body FROM corrections").fetch_all(&mut **tx).await?;
        let said = rows.iter().map(|it| get_json(it, "body"));
        let said = said.collect::<Result<Vec<Correction>, _>>()?;
        let corrected = corrected_entities(&said);
        for it in meant.values_mut() {
            it.retain(|short, full| !corrected.contains(short) && !corrected.contains(&full.id));
        }
        Ok(meant)
    }

    /// The names that the articles of each story have themselves; `None` where these are too many.
    async fn names_by_story(
        &self,
        connection: &mut AnyConnection,
        stories: &[&str],
    ) -> Result<BTreeMap<String, Option<Vec<EntityRef>>>, sqlx::Error> {
        let list = self.dialect.list(1);
        let count = format!(
            "SELECT story_id, COUNT(*) AS n FROM article_states WHERE story_id IN {list}
             GROUP BY story_id"
        );
        let rows = sqlx::query(AssertSqlSafe(count))
            .bind(to_json(&stories))
            .fetch_all(&mut *connection)
            .await?;
        let mut names = BTreeMap::new();
        for row in &rows {
            let is_small = get::<i64>(row, "n")? <= N_ARTICLES_MAX;
            names.insert(get::<String>(row, "story_id")?, is_small.then(Vec::new));
        }
        let small: Vec<&str> =
            names.iter().filter(|it| it.1.is_some()).map(|it| it.0.as_str()).collect();
        let small = to_json(&small);
        let rows = sqlx::query(AssertSqlSafe(self.select_names()))
            .bind(&small)
            .bind(N_NAMES_READ)
            .fetch_all(&mut *connection)
            .await?;
        for row in &rows {
            if let Some(Some(names)) = names.get_mut(get::<&str>(row, "story_id")?) {
                names.push(EntityRef { id: get(row, "id")?, name: get(row, "name")? });
            }
        }
        // The rows end within the names of the last story then.
        if rows.len() as i64 == N_NAMES_READ
            && let Some(last) = rows.last()
        {
            let last: &str = get(last, "story_id")?;
            names.iter_mut().filter(|it| last <= it.0.as_str()).for_each(|it| *it.1 = None);
        }
        for it in names.values_mut() {
            it.take_if(|it| N_NAMES_MAX < it.len());
        }
        Ok(names)
    }

    fn select_names(&self) -> String {
        let list = self.dialect.list(1);
        let is_named: Vec<String> =
            ALIAS_CLASSES.iter().map(|it| format!("entities.id LIKE '{it}%'")).collect();
        format!(
            "SELECT states.story_id AS story_id, entities.id AS id, entities.name AS name
             FROM article_states AS states
             JOIN article_entities ON article_entities.article_id = states.article_id
             JOIN entities ON entities.id = article_entities.entity_id
             WHERE states.story_id IN {list} AND ({})
                 AND NOT EXISTS (SELECT 1 FROM own_readings
                     WHERE own_readings.article_id = states.article_id)
             UNION SELECT states.story_id, own_names.entity_id, own_names.name
             FROM article_states AS states
             JOIN own_names ON own_names.article_id = states.article_id
             WHERE states.story_id IN {list}
             ORDER BY story_id, id LIMIT $2",
            is_named.join(" OR "),
        )
    }

    /// Articles of `stories` that have other names than those `meant` gives them, at most 200, and
    /// whether these are all. Those that wait to be annotated are not among them.
    async fn misnamed(
        &self,
        tx: &mut Transaction<'static, Any>,
        stories: &[&str],
        meant: &BTreeMap<String, Aliases>,
    ) -> Result<(Vec<Misnamed>, bool), sqlx::Error> {
        let given = format!(
            "SELECT DISTINCT article_states.story_id, own_names.entity_id, own_names.means_id
             FROM own_names JOIN article_states ON article_states.article_id = own_names.article_id
             WHERE own_names.means_id IS NOT NULL AND article_states.story_id IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(given)).bind(to_json(&stories)).fetch_all(&mut **tx).await?;
        let mut wrong: Vec<(&str, &str, &str)> = Vec::new();
        for row in &rows {
            let (story, short): (&str, &str) = (get(row, "story_id")?, get(row, "entity_id")?);
            let given: &str = get(row, "means_id")?;
            if meant.get(story).and_then(|it| it.get(short)).is_none_or(|it| it.id != given) {
                wrong.push((story, short, given));
            }
        }
        let short: Vec<(&str, &str)> = meant
            .iter()
            .flat_map(|(story, it)| it.keys().map(|short| (story.as_str(), short.as_str())))
            .collect();
        if wrong.is_empty() && short.is_empty() {
            return Ok((Vec::new(), true));
        }
        let rows = sqlx::query(AssertSqlSafe(self.select_misnamed()))
            .bind(to_json(&short))
            .bind(to_json(&wrong))
            .bind(N_ARTICLES_CHANGED as i64)
            .fetch_all(&mut **tx)
            .await?;
        let misnamed = rows.iter().map(|it| read_misnamed(it, meant));
        let misnamed = misnamed.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
        // Where nothing is to change there is nothing to go on with.
        let is_all = rows.len() < N_ARTICLES_CHANGED || misnamed.is_empty();
        Ok((misnamed, is_all))
    }

    /// From the stories to their articles: SQLite keeps to this order of a `CROSS JOIN`, whereas a
    /// name may stand in very many articles of others.
    fn select_misnamed(&self) -> String {
        format!(
            "SELECT annotations.article_id, COALESCE(own_readings.body, annotations.body) AS body,
                 annotations.body AS shown, annotations.embedding, article_states.story_id,
                 article_states.copy_of
             FROM (SELECT states.article_id FROM {}
                   CROSS JOIN article_states AS states CROSS JOIN article_entities
                   WHERE states.story_id = value ->> 0
                       AND article_entities.article_id = states.article_id
                       AND article_entities.entity_id = value ->> 1
                   UNION SELECT states.article_id FROM {}
                   CROSS JOIN article_states AS states CROSS JOIN own_names
                   WHERE states.story_id = value ->> 0
                       AND own_names.article_id = states.article_id
                       AND own_names.entity_id = value ->> 1
                       AND own_names.means_id = value ->> 2) AS misnamed
             JOIN article_states ON article_states.article_id = misnamed.article_id
             JOIN annotations ON annotations.article_id = misnamed.article_id
             LEFT JOIN own_readings ON own_readings.article_id = misnamed.article_id
             WHERE article_states.annotate_at IS NULL
             ORDER BY annotations.article_id LIMIT $3",
            self.dialect.rows(1),
            self.dialect.rows(2),
        )
    }

    async fn rename(
        &self,
        tx: &mut Transaction<'static, Any>,
        articles: Vec<Misnamed>,
    ) -> Result<(), sqlx::Error> {
        if articles.is_empty() {
            return Ok(());
        }
        let heirs: BTreeSet<(String, String)> =
            articles.iter().flat_map(|it| self.renamed_keys(it)).collect();
        self.copy_told(tx, &heirs).await?;
        let ids: Vec<String> = articles.iter().map(|it| it.item.article.to_string()).collect();
        let remove =
            format!("DELETE FROM own_readings WHERE article_id IN {}", self.dialect.list(1));
        sqlx::query(AssertSqlSafe(remove)).bind(to_json(&ids)).execute(&mut **tx).await?;
        for (id, it) in ids.iter().zip(&articles).filter(|it| !it.1.aliases.is_empty()) {
            self.keep_own(tx, id, it).await?;
        }
        let items: Vec<CorrelatedArticle> = articles.into_iter().map(|it| it.item).collect();
        self.replace_annotations(tx, &items).await
    }

    /// Keeps what an article says itself.
    async fn keep_own(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        article: &Misnamed,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO own_readings (article_id, body) VALUES ($1, $2)")
            .bind(id)
            .bind(readable_json(&article.own))
            .execute(&mut **tx)
            .await?;
        let names: BTreeMap<String, _> = names_in(&article.own)
            .into_iter()
            .filter(is_storable)
            .map(|it| {
                let means = article.aliases.get(&it.id).map(|it| clean(&it.id).into_owned());
                (clean(&it.id).into_owned(), (clean(&it.name).into_owned(), means))
            })
            .collect();
        let rows: Vec<_> = names.iter().collect();
        let insert = format!(
            "INSERT INTO own_names (article_id, entity_id, name, means_id)
             SELECT CAST($2 AS TEXT), value ->> 0, value -> 1 ->> 0, value -> 1 ->> 1 FROM {}",
            self.dialect.rows(1),
        );
        sqlx::query(AssertSqlSafe(insert))
            .bind(to_json(&rows))
            .bind(id)
            .execute(&mut **tx)
            .await
            .map(|_| ())
    }

    /// For each key under which statements of an article may have been told in its story, the one of
    /// the same claim with the names that it gets.
    fn renamed_keys(&self, article: &Misnamed) -> Vec<(String, String)> {
        let of_title = article.shown.title.iter().flat_map(|it| &it.statements);
        let statements = of_title.chain(&article.shown.statements);
        let claims: Vec<_> =
            statements.flat_map(|it| claims(it, |id| self.countries.country_of(id))).collect();
        let story = article.item.story.as_str();
        let turns = in_turn(renamed(&article.shown, &article.item.annotation));
        let of_turn = |names| claims.iter().flat_map(move |it| it.renamed(story, names));
        turns.iter().flat_map(of_turn).collect()
    }
}

/// From ids of before to ids of after, in lower case. Where one became several, one after the other.
fn in_turn(renamed: BTreeSet<(String, String)>) -> Vec<BTreeMap<String, String>> {
    let mut turns: Vec<BTreeMap<String, String>> = Vec::new();
    for (old, new) in renamed {
        let (old, new) = (old.to_lowercase(), new.to_lowercase());
        match turns.iter_mut().find(|it| !it.contains_key(&old)) {
            Some(free) => {
                free.insert(old, new);
            }
            None => turns.push(BTreeMap::from([(old, new)])),
        }
    }
    turns
}

/// Reads a row of [`Archive::select_misnamed`]; `None` when the article has all names that it gets.
fn read_misnamed(
    row: &AnyRow,
    meant: &BTreeMap<String, Aliases>,
) -> Result<Option<Misnamed>, sqlx::Error> {
    let mut item = read_correlated(row)?;
    let shown: Annotation = from_json("shown", get(row, "shown")?)?;
    let own = item.annotation.clone();
    let mut aliases = meant.get(item.story.as_str()).cloned().unwrap_or_default();
    unite(&mut item.annotation, &aliases);
    if item.annotation == shown {
        return Ok(None);
    }
    let names: HashSet<String> = names_in(&own).into_iter().map(|it| it.id).collect();
    aliases.retain(|short, _| names.contains(short));
    Ok(Some(Misnamed { item, own, shown, aliases }))
}
