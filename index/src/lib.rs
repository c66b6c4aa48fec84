//! The archive (SQL), which holds all that must not be lost, and the search index (Tantivy),
//! which can always be rebuilt from it.
//!
//! Reading order: [`record`], [`archive`]; then [`countries`], [`schema`], `document`, `indicators`, [`tokenizer`],
//! [`writer`], [`query`], [`facet`], [`search`], `cursor`, [`snippet`], [`matching`],
//! [`merging`]; last [`graph`].

pub mod archive;
pub mod countries;
mod cursor;
mod document;
pub mod facet;
pub mod graph;
mod indicators;
pub mod matching;
pub mod merging;
pub mod query;
pub mod record;
pub mod schema;
pub mod search;
pub mod snippet;
#[cfg(test)]
mod testing;
pub mod tokenizer;
pub mod writer;

pub use archive::{Archive, ArchiveError, ArchiveSettings};
pub use countries::Countries;
pub use facet::{FacetCount, FilterField};
pub use indicators::{ArticleIndicator, N_INDICATORS_MAX, article_indicators};
pub use matching::{Matcher, explain};
pub use query::{QueryError, QueryErrorKind};
pub use record::{
    ArticleEntity, EntityRecord, FirstReport, GraphArticle, Page, StatementRecord, StoredArticle,
    StoryArticle, StoryInput, StoryLead, StoryMembers, StoryRecord, StorySummary,
};
pub use search::{SearchError, SearchIndex, SearchRequest, SearchResponse};
pub use snippet::Segment;
pub use writer::{IndexError, IndexWriterStage, WriterSettings};

/// Name of the folder of the search index below the data folder.
pub const INDEX_FOLDER: &str = "index";
