//! Addresses: several may lead to one article, which is stored once.
//!
//! An article takes its own address, the one that its page names or to which redirects led, and
//! what its feed calls it, which stays when the address changes.
//! What another entry brings from an address that is taken is no new article if it reads much the
//! same. Sites that name one address on all their pages are not believed: an address that pages
//! with different texts name is *shared* and joins nothing any more.

use std::collections::BTreeSet;

use ingest::revision::is_same_article;
use ingest::{Article, ArticleId};
use sqlx::{Any, Transaction};

use super::value::{get, get_parsed};
use super::{Archive, ArchiveError};

impl Archive {
    /// The article to which the address leads that has the id `address`; `None` where none does.
    pub async fn article_at(&self, address: &ArticleId) -> Result<Option<ArticleId>, ArchiveError> {
        self.tried(format!("look where address {address} leads"), async {
            let row = sqlx::query(
                "SELECT articles.id FROM article_addresses
                 JOIN articles ON articles.id = article_addresses.article_id
                 WHERE article_addresses.address_id = $1 AND article_addresses.is_shared = 0",
            )
            .bind(address.to_string())
            .fetch_optional(&self.reader)
            .await?;
            row.map(|it| get_parsed(&it, "id")).transpose()
        })
        .await
    }
}

/// Takes the addresses of `article` for it, before it is stored in the same transaction; or gives
/// them to the article that they lead to already, and answers with its id. That one may have been
/// deleted by a user.
///
/// Transactions that take one address come one after the other: the second waits for the first.
pub(super) async fn take_addresses(
    tx: &mut Transaction<'static, Any>,
    article: &Article,
    entry: Option<&ArticleId>,
) -> Result<Option<String>, sqlx::Error> {
    let own = article.id.to_string();
    if is_settled(tx, &own).await? {
        return Ok(None);
    }
    let named = article.canonical_url.as_ref().map(|it| ArticleId::of(it).to_string());
    let named = named.unwrap_or_else(|| own.clone());
    let guid = match entry {
        Some(entry) => guid_of(tx, entry).await?.unwrap_or_else(|| own.clone()),
        None => own.clone(),
    };
    // In one order, so that two transactions of one article each never wait for each other.
    let addresses = BTreeSet::from([own.as_str(), named.as_str(), guid.as_str()]);
    let mut n_taken = 0;
    for address in &addresses {
        let taken = sqlx::query(
            "INSERT INTO article_addresses (address_id, article_id, is_shared)
             VALUES ($1, $2, 0) ON CONFLICT (address_id) DO NOTHING",
        )
        .bind(*address)
        .bind(own.as_str())
        .execute(&mut **tx)
        .await?;
        n_taken += taken.rows_affected();
    }
    if n_taken == addresses.len() as u64 {
        return Ok(None);
    }
    let rows = sqlx::query(
        "SELECT address_id, article_id FROM article_addresses
         WHERE address_id IN ($1, $2, $3) AND article_id <> $1 AND is_shared = 0
         ORDER BY address_id",
    )
    .bind(own.as_str())
    .bind(named.as_str())
    .bind(guid.as_str())
    .fetch_all(&mut **tx)
    .await?;
    for row in &rows {
        let other: &str = get(row, "article_id")?;
        let known = sqlx::query("SELECT text FROM articles WHERE id = $1")
            .bind(other)
            .fetch_optional(&mut **tx)
            .await?;
        let text = known.as_ref().map(|it| get::<&str>(it, "text")).transpose()?;
        // One that is no more was deleted by a user.
        if text.is_none_or(|it| is_same_article(it, &article.text)) {
            give_up(tx, &own, other).await?;
            return Ok(Some(other.to_owned()));
        }
        sqlx::query("UPDATE article_addresses SET is_shared = 1 WHERE address_id = $1")
            .bind(get::<&str>(row, "address_id")?)
            .execute(&mut **tx)
            .await?;
    }
    Ok(None)
}

/// What its feed calls the entry with the id `entry`.
async fn guid_of(
    tx: &mut Transaction<'static, Any>,
    entry: &ArticleId,
) -> Result<Option<String>, sqlx::Error> {
    let row = sqlx::query("SELECT guid FROM entries WHERE id = $1")
        .bind(entry.to_string())
        .fetch_optional(&mut **tx)
        .await?;
    row.map_or(Ok(None), |it| get(&it, "guid"))
}

/// Whether there is or was an article under that id.
async fn is_settled(tx: &mut Transaction<'static, Any>, id: &str) -> Result<bool, sqlx::Error> {
    let found = sqlx::query(
        "SELECT id FROM articles WHERE id = $1
         UNION ALL SELECT article_id AS id FROM tombstones WHERE article_id = $1",
    )
    .bind(id)
    .fetch_optional(&mut **tx)
    .await?;
    Ok(found.is_some())
}

/// Lets all addresses that `own` has taken lead to `other`, and drops the evidence of a reading
/// that is not kept.
async fn give_up(
    tx: &mut Transaction<'static, Any>,
    own: &str,
    other: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE article_addresses SET article_id = $2 WHERE article_id = $1")
        .bind(own)
        .bind(other)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM article_evidence WHERE article_id = $1")
        .bind(own)
        .execute(&mut **tx)
        .await
        .map(|_| ())
}
