//! From a source to articles: polling feeds, fetching pages, extracting text.
//!
//! Pure modules, in reading order: [`article`], [`canonical_url`], [`failure`], [`date`],
//! [`plain_text`], [`decode`], [`feed`], [`websub`] (which hubs tell of news), [`sitemap`],
//! [`listing`], [`json_list`], [`opml`], [`extract`], [`revision`], [`schedule`],
//! [`health`]. Modules that talk to servers: [`fetch`], [`discover`], [`poll`],
//! [`crawl`], [`trial`]; [`folder`] reads files instead; [`warc_writer`] keeps what servers sent,
//! and [`warc_reader`] reads what others kept. `blocking` runs long parsing aside.
//!
//! Knows no database and no clock: what must be remembered is given and given back, and the time
//! is an argument.

pub mod article;
mod blocking;
pub mod canonical_url;
pub mod crawl;
pub mod date;
pub mod decode;
pub mod discover;
pub mod extract;
pub mod failure;
pub mod feed;
pub mod fetch;
pub mod folder;
pub mod health;
pub mod json_list;
pub mod listing;
pub mod opml;
pub mod plain_text;
pub mod poll;
pub mod revision;
pub mod schedule;
pub mod sitemap;
pub mod trial;
pub mod warc_reader;
pub mod warc_writer;
pub mod websub;

pub use article::{Article, ArticleId, Details, Entry};
pub use canonical_url::CanonicalUrl;
pub use failure::FailureClass;
