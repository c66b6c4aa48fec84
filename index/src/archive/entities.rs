//! Entities: who and what articles name, how often, since when.

use sqlx::any::AnyRow;

use super::paging::Cursor;
use super::value::{get, get_count, get_instant};
use super::{Archive, ArchiveError};
use crate::record::{EntityRecord, Page};

const PAGE_MAX: usize = 1_000;

/// Which entities to list; an absent condition does not bind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityFilter {
    /// Of this kind, kebab-case: `location`, `threat-group`…
    pub kind: Option<String>,
    /// Whose name begins with these words, in upper or lower case (ASCII letters only for SQLite).
    pub name_prefix: Option<String>,
}

impl Archive {
    /// The entity with that id; `None` when no article names it.
    pub async fn entity(&self, id: &str) -> Result<Option<EntityRecord>, ArchiveError> {
        self.tried(format!("read entity {id}"), async {
            let row = sqlx::query("SELECT * FROM entities WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.reader)
                .await?;
            row.as_ref().map(read_entity).transpose()
        })
        .await
    }

    /// The entity that is called `name`, in upper or lower case (ASCII letters only for SQLite); of
    /// several the one that most articles name, `None` when no article names any.
    pub async fn entity_called(&self, name: &str) -> Result<Option<EntityRecord>, ArchiveError> {
        self.tried("look up an entity by its name", async {
            let row = sqlx::query(
                "SELECT * FROM entities WHERE id = $1 OR name = $1 OR lower(name) = $2
                 ORDER BY n_articles DESC, id LIMIT 1",
            )
            .bind(name)
            .bind(name.to_lowercase())
            .fetch_optional(&self.reader)
            .await?;
            row.as_ref().map(read_entity).transpose()
        })
        .await
    }

    /// The entity that the articles mean which call one by the short name with id `short`, in most of
    /// their stories; `None` when it is no such name.
    pub async fn entity_meant_by(&self, short: &str) -> Result<Option<String>, ArchiveError> {
        self.tried(format!("look up what {short} means"), async {
            let row = sqlx::query(
                "SELECT means_id FROM own_names WHERE entity_id = $1 AND means_id IS NOT NULL
                 GROUP BY means_id ORDER BY COUNT(*) DESC, means_id LIMIT 1",
            )
            .bind(short)
            .fetch_optional(&self.reader)
            .await?;
            row.map(|it| get(&it, "means_id")).transpose()
        })
        .await
    }

    /// The short names by which articles call the entity `id`, at most 20.
    pub async fn short_names(&self, id: &str) -> Result<Vec<String>, ArchiveError> {
        self.tried(format!("read the short names of {id}"), async {
            let rows = sqlx::query(
                "SELECT name FROM own_names WHERE means_id = $1
                 GROUP BY name ORDER BY COUNT(*) DESC, name LIMIT 20",
            )
            .bind(id)
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(|it| get(it, "name")).collect()
        })
        .await
    }

    /// Entities that pass `filter`, those that most articles name first. `cursor` is
    /// [`Page::next`] of the page before; `limit` is at most 1 000.
    pub async fn entities(
        &self,
        filter: &EntityFilter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<EntityRecord>, ArchiveError> {
        let after = Cursor::falling(cursor)?;
        let limit = limit.clamp(1, PAGE_MAX);
        self.tried("list entities", async {
            let rows = sqlx::query(
                "SELECT * FROM entities
                 WHERE (n_articles, id) < ($1, $2) AND ($3 IS NULL OR kind = $3)
                     AND ($4 IS NULL OR lower(name) LIKE $4 ESCAPE '!')
                 ORDER BY n_articles DESC, id DESC LIMIT $5",
            )
            .bind(after.number)
            .bind(&after.id)
            .bind(filter.kind.as_deref())
            .bind(filter.name_prefix.as_deref().map(prefix_pattern))
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            let items = rows.iter().map(read_entity).collect::<Result<Vec<_>, _>>()?;
            let last = items.last().filter(|_| items.len() == limit);
            let next =
                last.map(|it| Cursor { number: it.n_articles as i64, id: it.id.clone() }.text());
            Ok(Page { items, next })
        })
        .await
    }
}

/// A pattern for `LIKE … ESCAPE '!'` that matches texts which begin with `prefix`.
fn prefix_pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for it in prefix.to_lowercase().chars() {
        if matches!(it, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(it);
    }
    pattern.push('%');
    pattern
}

fn read_entity(row: &AnyRow) -> Result<EntityRecord, sqlx::Error> {
    Ok(EntityRecord {
        id: get(row, "id")?,
        kind: get(row, "kind")?,
        name: get(row, "name")?,
        first_seen_at: get_instant(row, "first_seen_at")?,
        last_seen_at: get_instant(row, "last_seen_at")?,
        n_articles: get_count(row, "n_articles")?,
    })
}
