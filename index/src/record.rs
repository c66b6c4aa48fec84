//! What the archive hands to the search index and to readers: [`StoredArticle`], stories,
//! statements, entities.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use config::SourceId;
use ingest::{Article, ArticleId, Details};
use nlp::story::StoryId;
use nlp::{Annotation, EntityRef, Statement};
use serde::{Deserialize, Serialize};

use crate::indicators::ArticleIndicator;

/// An archived article with everything later stages said about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredArticle {
    /// Text and metadata as extracted.
    pub article: Article,
    /// What the NLP stage found; `None` until it has run.
    pub annotation: Option<Annotation>,
    /// The story it belongs to; `None` until it is correlated.
    pub story: Option<StoryId>,
    /// Position in the order of changes: every new or changed article gets the next number, from 1.
    /// `None` until it is ready to be indexed.
    pub index_seq: Option<i64>,
    /// Display name of the source.
    pub source_name: String,
    /// ISO 3166-1 alpha-2 country of the source, upper case; `None` when international.
    pub source_country: Option<String>,
    /// Whether the source is the bundled sample wire.
    pub is_sample: bool,
    /// By id of an entity that is named: the country that it is in. Empty until
    /// [`Countries::fill`](crate::countries::Countries::fill).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub countries: BTreeMap<String, EntityRef>,
}

/// A story without its articles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorySummary {
    /// Identity.
    pub id: StoryId,
    /// Headline, that of one of its articles.
    pub headline: String,
    /// Date of its oldest article (published, or else fetched).
    pub first_seen_at: DateTime<Utc>,
    /// Date of its newest article.
    pub last_seen_at: DateTime<Utc>,
    /// Articles in it, from 1.
    pub n_articles: u64,
    /// Different sources of these articles.
    pub n_sources: u64,
    /// Those of them with an article that repeats no other.
    pub n_independent: u64,
    /// Hostile statements in these articles.
    pub n_statements: u64,
}

/// A story with its articles and statements.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryRecord {
    /// Headline, dates and counts.
    #[serde(flatten)]
    pub summary: StorySummary,
    /// Who reported it first, of all its articles.
    pub first_reported: Option<FirstReport>,
    /// Its articles, oldest first; the newest 500 when there are more.
    pub articles: Vec<StoryArticle>,
    /// Its statements, oldest first; the newest 500 when there are more.
    pub statements: Vec<StatementRecord>,
}

/// The oldest article of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstReport {
    /// Identity.
    pub article: ArticleId,
    /// The page.
    pub url: String,
    /// The source.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// Date of the article (published, or else fetched).
    pub at: DateTime<Utc>,
}

/// The start of an article, for the summary of its story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoryLead {
    /// Identity.
    pub article: ArticleId,
    /// Headline.
    pub title: String,
    /// The first 2 500 characters of the text.
    pub lead: String,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
}

/// An article as its story lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryArticle {
    /// Identity.
    pub id: ArticleId,
    /// The page.
    pub url: String,
    /// Headline; may be empty.
    pub title: String,
    /// The source.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// ISO 3166-1 alpha-2 country of the source; `None` when international.
    pub source_country: Option<String>,
    /// Whether the source is the bundled sample wire.
    pub is_sample: bool,
    /// Publication time; `None` when unknown.
    pub published_at: Option<DateTime<Utc>>,
    /// When the page was fetched.
    pub fetched_at: DateTime<Utc>,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
    /// The article that it repeats; `None` when it was written independently.
    pub copy_of: Option<ArticleId>,
    /// Whether an analyst put it into this story.
    pub is_pinned: bool,
}

/// A hostile statement with the article that makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatementRecord {
    /// Stable while its article is not annotated anew.
    pub id: String,
    /// The article.
    pub article: ArticleId,
    /// The article's page.
    pub article_url: String,
    /// The article's headline.
    pub article_title: String,
    /// The source.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// Whether the source is the bundled sample wire.
    pub is_sample: bool,
    /// The article's story.
    pub story: Option<StoryId>,
    /// Date of the article (published, or else fetched).
    pub dated_at: DateTime<Utc>,
    /// Whether the offsets of `statement` count in the headline instead of the text.
    pub in_title: bool,
    /// The sentence that proves it, at most 4 000 characters.
    pub sentence: String,
    /// ISO 639-1 code of the article's language; `None` when it cannot be told.
    pub language: Option<String>,
    /// The article that its article repeats; `None` when it was written independently.
    pub copy_of: Option<ArticleId>,
    /// Who does what to whom.
    pub statement: Statement,
}

/// An article as the entity graph and the exports read it: all but its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GraphArticle {
    /// Identity.
    pub id: ArticleId,
    /// The page.
    pub url: String,
    /// Headline; may be empty.
    pub title: String,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// The source.
    pub source: SourceId,
    /// Display name of the source.
    pub source_name: String,
    /// ISO 3166-1 alpha-2 country of the source; `None` when international.
    pub source_country: Option<String>,
    /// Whether the source is the bundled sample wire.
    pub is_sample: bool,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
    /// Publication time; `None` when unknown.
    pub published_at: Option<DateTime<Utc>>,
    /// When the page was fetched.
    pub fetched_at: DateTime<Utc>,
    /// Published, or else fetched.
    pub dated_at: DateTime<Utc>,
    /// When it was annotated; the fetch when it is not yet.
    pub annotated_at: DateTime<Utc>,
    /// SHA-256 of the page as fetched, hexadecimal.
    pub page_sha256: String,
    /// What else its page says about it.
    #[serde(flatten)]
    pub details: Details,
    /// The story it belongs to; `None` until it is correlated.
    pub story: Option<StoryId>,
    /// Entities it names, by id.
    pub entities: Vec<ArticleEntity>,
    /// Its hostile statements, those of the headline first.
    pub statements: Vec<StatementRecord>,
    /// Technical indicators in headline and text, at most 500; empty until
    /// [`Archive::add_indicators`](crate::Archive::add_indicators) has looked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indicators: Vec<ArticleIndicator>,
}

/// An entity as one article names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArticleEntity {
    /// `kind:key`.
    pub id: String,
    /// Kebab-case mention kind.
    pub kind: String,
    /// Canonical name.
    pub name: String,
    /// Mentions in the article; 0 when only a statement names it.
    pub n_mentions: u64,
}

/// Which articles a story holds, and when they were annotated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryMembers {
    /// The story.
    pub summary: StorySummary,
    /// Its articles, oldest first; the newest 1 000 when there are more.
    pub articles: Vec<ArticleId>,
    /// First and last time that one of them was annotated.
    pub annotated_at: (DateTime<Utc>, DateTime<Utc>),
}

/// A person, organisation, place, group… that articles name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityRecord {
    /// `kind:key`, as in [`nlp::EntityRef::id`].
    pub id: String,
    /// Kebab-case mention kind: `location`, `threat-group`…
    pub kind: String,
    /// Canonical name.
    pub name: String,
    /// Date of the oldest article that names it.
    pub first_seen_at: DateTime<Utc>,
    /// Date of the newest article that names it.
    pub last_seen_at: DateTime<Utc>,
    /// Articles that name it, from 1.
    pub n_articles: u64,
}

/// What the story clusterer needs of an article to be restored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoryInput {
    /// Place in the order of arrival; the page after starts behind it.
    pub arrival: i64,
    /// The article.
    pub article: ArticleId,
    /// Headline; may be empty.
    pub title: String,
    /// The first 2 500 characters of the text.
    pub lead: String,
    /// Mean-pooled embedding.
    pub embedding: Vec<f32>,
    /// Ids of the entities it names, sorted.
    pub entities: Vec<String>,
    /// Its hostile statements, in no order.
    pub statements: Vec<Statement>,
    /// Date of the article (published, or else fetched).
    pub dated_at: DateTime<Utc>,
    /// Publication time; `None` when unknown.
    pub published_at: Option<DateTime<Utc>>,
    /// The article that it repeats; `None` when it was written independently.
    pub copy_of: Option<ArticleId>,
    /// The story it was put in.
    pub story: StoryId,
    /// Whether an analyst put it there.
    pub is_pinned: bool,
    /// The source.
    pub source: SourceId,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<String>,
}
