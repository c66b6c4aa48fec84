//! What the articles of each source are like, and what kept its entries from becoming articles.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use config::SourceId;
use sqlx::AssertSqlSafe;

use super::value::{get, get_count, micros};
use super::{Archive, ArchiveError};

/// The articles of one source since some instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceQuality {
    /// Articles.
    pub n_articles: u64,
    /// Those with a headline.
    pub n_titled: u64,
    /// Those with a date of publication.
    pub n_dated: u64,
    /// Those with an author.
    pub n_signed: u64,
    /// Entries added since then that are waiting for another try or given up, by class of the last
    /// failure.
    pub failures: BTreeMap<String, u64>,
}

impl Archive {
    /// How good the articles dated from `since` on are, and which entries added since then failed, by
    /// source; of all sources or `only` one.
    pub async fn source_quality(
        &self,
        since: DateTime<Utc>,
        only: Option<&SourceId>,
    ) -> Result<BTreeMap<SourceId, SourceQuality>, ArchiveError> {
        let (is_of, is_entry_of) = match only {
            Some(_) => ("AND article_states.source_id = $2", "AND source_id = $2"),
            None => ("", ""),
        };
        self.tried("read the quality of the sources", async {
            let mut all: BTreeMap<SourceId, SourceQuality> = BTreeMap::new();
            let select = format!(
                "SELECT article_states.source_id AS source_id, COUNT(*) AS n_articles,
                     COUNT(CASE WHEN articles.title <> '' THEN 1 END) AS n_titled,
                     COUNT(articles.published_at) AS n_dated,
                     COUNT(CASE WHEN articles.authors <> '[]' THEN 1 END) AS n_signed
                 FROM article_states JOIN articles ON articles.id = article_states.article_id
                 WHERE article_states.dated_at >= $1 {is_of} GROUP BY article_states.source_id",
            );
            let mut query = sqlx::query(AssertSqlSafe(select)).bind(micros(since));
            if let Some(id) = only {
                query = query.bind(id.as_str());
            }
            for row in &query.fetch_all(&self.reader).await? {
                let quality = all.entry(SourceId::new(get::<String>(row, "source_id")?));
                let quality = quality.or_default();
                quality.n_articles = get_count(row, "n_articles")?;
                quality.n_titled = get_count(row, "n_titled")?;
                quality.n_dated = get_count(row, "n_dated")?;
                quality.n_signed = get_count(row, "n_signed")?;
            }
            let select = format!(
                "SELECT source_id, failure_class, COUNT(*) AS n FROM entries
                 WHERE state IN ('failed', 'dead') AND failure_class IS NOT NULL
                     AND added_at >= $1 {is_entry_of}
                 GROUP BY source_id, failure_class",
            );
            let mut query = sqlx::query(AssertSqlSafe(select)).bind(micros(since));
            if let Some(id) = only {
                query = query.bind(id.as_str());
            }
            for row in &query.fetch_all(&self.reader).await? {
                let quality = all.entry(SourceId::new(get::<String>(row, "source_id")?));
                let class: String = get(row, "failure_class")?;
                quality.or_default().failures.insert(class, get_count(row, "n")?);
            }
            Ok(all)
        })
        .await
    }
}
