//! Articles: stored once, read back with everything known about them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::{Article, ArticleId, Details};
use nlp::story::StoryId;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::addresses::take_addresses;
use super::value::{
    clean, from_json, get, get_flag, get_instant, get_instant_opt, get_json, get_parsed, micros,
    to_json, unreadable,
};
use super::{Archive, ArchiveError};
use crate::record::StoredArticle;

/// What became of an article handed to the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Stored now.
    Inserted,
    /// Stored before, perhaps from another address; the older text stays (see
    /// [`super::versions`]).
    AlreadyThere,
    /// Deleted by a user before; not stored.
    Buried,
}

/// Columns that [`read_details`] reads.
pub(super) const DETAILS: &str = "article_details.modified_at, article_details.image,
     article_details.section, article_details.tags, article_details.is_paywall_stub,
     article_details.n_pages";

/// The tables of what is known of an article.
pub(super) const FROM_ARTICLES: &str = "FROM article_states
     JOIN articles ON articles.id = article_states.article_id
     JOIN sources ON sources.id = articles.source_id
     LEFT JOIN article_details ON article_details.article_id = articles.id
     LEFT JOIN annotations ON annotations.article_id = articles.id";

impl Archive {
    /// Stores an article exactly once and marks its entry done in the same transaction.
    ///
    /// `entry` is the frontier entry that led to it; `None` for imports. A source never declared is
    /// added as inactive. What is stored already from another address is not stored again;
    /// [`Archive::article_at`] tells under which id it is.
    pub async fn record_article(
        &self,
        article: &Article,
        entry: Option<&ArticleId>,
    ) -> Result<Recorded, ArchiveError> {
        let id = article.id;
        self.tried(format!("record article {id}"), async {
            let mut tx = self.begin().await?;
            let recorded = insert_article(&mut tx, article, entry).await?;
            tx.commit().await?;
            Ok(recorded)
        })
        .await
    }

    /// Stores many articles in one transaction, for imports; the answers are in input order.
    pub async fn record_articles(
        &self,
        articles: &[Article],
    ) -> Result<Vec<Recorded>, ArchiveError> {
        self.tried(format!("record {} articles", articles.len()), async {
            let mut tx = self.begin().await?;
            let mut recorded = Vec::with_capacity(articles.len());
            for article in articles {
                recorded.push(insert_article(&mut tx, article, None).await?);
            }
            tx.commit().await?;
            Ok(recorded)
        })
        .await
    }

    /// The article with that id; `None` when there is none.
    pub async fn article(&self, id: &ArticleId) -> Result<Option<StoredArticle>, ArchiveError> {
        Ok(self.articles(std::slice::from_ref(id)).await?.pop())
    }

    /// The articles with those ids in the order of `ids`; unknown ids are left out.
    pub async fn articles(&self, ids: &[ArticleId]) -> Result<Vec<StoredArticle>, ArchiveError> {
        self.tried(format!("read {} articles", ids.len()), async {
            let mut articles = self.read_articles(ids).await?;
            let place = |it: &StoredArticle| ids.iter().position(|id| *id == it.article.id);
            articles.sort_by_cached_key(place);
            Ok(articles)
        })
        .await
    }

    /// The articles with those ids in any order.
    pub(super) async fn read_articles(
        &self,
        ids: &[ArticleId],
    ) -> Result<Vec<StoredArticle>, sqlx::Error> {
        let select = format!(
            "SELECT articles.*, article_states.story_id, article_states.index_seq,
                 annotations.body AS annotation, sources.name AS source_name,
                 sources.country AS source_country, sources.is_sample, {DETAILS}
             {FROM_ARTICLES} WHERE articles.id IN {}",
            self.dialect.list(1),
        );
        let rows =
            sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&self.reader).await?;
        rows.iter().map(read_stored_article).collect()
    }

    /// Those of `ids` that were imported and not fetched.
    pub async fn imported(&self, ids: &[ArticleId]) -> Result<BTreeSet<ArticleId>, ArchiveError> {
        let select = format!(
            "SELECT article_id FROM article_states WHERE is_imported = 1 AND article_id IN {}",
            self.dialect.list(1),
        );
        self.tried(format!("look which of {} articles were imported", ids.len()), async {
            let rows = sqlx::query(AssertSqlSafe(select))
                .bind(to_json(&ids))
                .fetch_all(&self.reader)
                .await?;
            rows.iter().map(|it| get_parsed::<ArticleId>(it, "article_id")).collect()
        })
        .await
    }
}

pub(super) async fn insert_article(
    tx: &mut Transaction<'static, Any>,
    article: &Article,
    entry: Option<&ArticleId>,
) -> Result<Recorded, sqlx::Error> {
    let id = article.id.to_string();
    let other = take_addresses(tx, article, entry).await?;
    let is_new = other.is_none() && insert_new(tx, article, entry.is_none()).await?;
    let entry = entry.map_or_else(|| id.clone(), ArticleId::to_string);
    sqlx::query(
        "UPDATE entries SET state = 'done', due_at = NULL, leased_by = NULL, text = NULL,
             failure_class = NULL, failure_message = NULL
         WHERE id IN ($1, $2)",
    )
    .bind(&id)
    .bind(&entry)
    .execute(&mut **tx)
    .await?;
    if is_new {
        return Ok(Recorded::Inserted);
    }
    // Its own address may lead to another one's article since an earlier time.
    let look_up = "SELECT 1 FROM articles WHERE id = $1 OR id IN
         (SELECT article_id FROM article_addresses WHERE address_id = $1 AND is_shared = 0)";
    let known = other.as_ref().unwrap_or(&id);
    let found = sqlx::query(look_up).bind(known).fetch_optional(&mut **tx).await?;
    if found.is_some() {
        return Ok(Recorded::AlreadyThere);
    }
    // What was deleted is not kept with another entry, either.
    sqlx::query("UPDATE entries SET title = NULL, summary = NULL WHERE id IN ($1, $2)")
        .bind(&id)
        .bind(&entry)
        .execute(&mut **tx)
        .await?;
    Ok(Recorded::Buried)
}

/// Stores an article unless one with its id is there or was deleted; answers whether it did.
async fn insert_new(
    tx: &mut Transaction<'static, Any>,
    article: &Article,
    is_imported: bool,
) -> Result<bool, sqlx::Error> {
    let id = article.id.to_string();
    sqlx::query(
        "INSERT INTO sources (id, name, address, is_sample, is_active)
         VALUES ($1, $1, '', 0, 0) ON CONFLICT (id) DO NOTHING",
    )
    .bind(article.source.as_str())
    .execute(&mut **tx)
    .await?;
    let inserted = sqlx::query(
        "INSERT INTO articles (id, url, canonical_url, source_id, title, authors, language,
             site_name, published_at, fetched_at, page_sha256, text)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
         WHERE NOT EXISTS (SELECT 1 FROM tombstones WHERE article_id = $1)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(&id)
    .bind(article.url.as_str())
    .bind(article.canonical_url.as_ref().map(|it| it.as_str()))
    .bind(article.source.as_str())
    .bind(&*clean(&article.title))
    .bind(to_json(&article.authors))
    .bind(article.language.as_deref())
    .bind(article.site_name.as_deref().map(|it| clean(it).into_owned()))
    .bind(article.published_at.map(micros))
    .bind(micros(article.fetched_at))
    .bind(article.page_sha256.as_str())
    .bind(&*clean(&article.text))
    .execute(&mut **tx)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO article_states (article_id, source_id, dated_at, annotate_at, is_imported)
         VALUES ($1, $2, $3, 0, $4)",
    )
    .bind(&id)
    .bind(article.source.as_str())
    .bind(micros(article.published_at.unwrap_or(article.fetched_at)))
    .bind(i64::from(is_imported))
    .execute(&mut **tx)
    .await?;
    put_details(tx, &id, &article.details).await?;
    Ok(true)
}

/// Puts what a page says beside its text in the place of what it said before.
pub(super) async fn put_details(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    details: &Details,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM article_details WHERE article_id = $1")
        .bind(id)
        .execute(&mut **tx)
        .await?;
    if *details == Details::default() {
        return Ok(());
    }
    let text = |it: &Option<String>| it.as_deref().map(|it| clean(it).into_owned());
    let tags: Vec<_> = details.tags.iter().map(|it| clean(it)).collect();
    sqlx::query(
        "INSERT INTO article_details
             (article_id, modified_at, image, section, tags, is_paywall_stub, n_pages)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(id)
    .bind(details.modified_at.map(micros))
    .bind(text(&details.image))
    .bind(text(&details.section))
    .bind(to_json(&tags))
    .bind(i64::from(details.is_paywall_stub))
    .bind(i64::from(details.n_pages))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

fn read_stored_article(row: &AnyRow) -> Result<StoredArticle, sqlx::Error> {
    let annotation: Option<&str> = get(row, "annotation")?;
    Ok(StoredArticle {
        article: Article { details: read_details(row)?, ..read_article(row)? },
        annotation: annotation.map(|it| from_json("annotation", it)).transpose()?,
        story: get::<Option<&str>>(row, "story_id")?.map(StoryId::founded_by),
        index_seq: get(row, "index_seq")?,
        source_name: get(row, "source_name")?,
        source_country: get(row, "source_country")?,
        is_sample: get_flag(row, "is_sample")?,
        countries: BTreeMap::new(),
    })
}

/// Reads a row that has all columns of table `articles`; without details.
pub(super) fn read_article(row: &AnyRow) -> Result<Article, sqlx::Error> {
    let url = |text: String| text.try_into().map_err(|error| unreadable("url", error));
    let published_at: Option<DateTime<Utc>> = get_instant_opt(row, "published_at")?;
    Ok(Article {
        id: get_parsed(row, "id")?,
        url: url(get(row, "url")?)?,
        canonical_url: get::<Option<String>>(row, "canonical_url")?.map(url).transpose()?,
        source: SourceId::new(get::<String>(row, "source_id")?),
        title: get(row, "title")?,
        authors: get_json(row, "authors")?,
        text: get(row, "text")?,
        language: get(row, "language")?,
        site_name: get(row, "site_name")?,
        published_at,
        fetched_at: get_instant(row, "fetched_at")?,
        page_sha256: get(row, "page_sha256")?,
        details: Details::default(),
    })
}

/// Reads [`DETAILS`], which may all be NULL.
pub(super) fn read_details(row: &AnyRow) -> Result<Details, sqlx::Error> {
    let tags: Option<&str> = get(row, "tags")?;
    Ok(Details {
        modified_at: get_instant_opt(row, "modified_at")?,
        image: get(row, "image")?,
        section: get(row, "section")?,
        tags: tags.map(|it| from_json("tags", it)).transpose()?.unwrap_or_default(),
        is_paywall_stub: get::<Option<i64>>(row, "is_paywall_stub")? == Some(1),
        n_pages: get::<Option<i64>>(row, "n_pages")?.map_or(1, |it| it as u32),
    })
}
