//! Searching: a [`SearchRequest`] against a [`SearchIndex`] gives a [`SearchResponse`].
//!
//! Reading order: [`request`], [`response`], [`mod@index`] (the handle), `run` (one search from
//! text to answer), `collect` (the single pass over the matching articles), `rank`, `similar` (articles
//! like another, words that tell).

mod collect;
pub mod error;
pub mod index;
#[cfg(test)]
mod paging_tests;
pub(crate) mod rank;
pub mod request;
pub mod response;
mod run;
mod similar;
#[cfg(test)]
mod similar_tests;
#[cfg(test)]
mod tests;

pub use error::SearchError;
pub use index::SearchIndex;
pub use request::{DateField, SearchRequest, Sort};
pub use response::{DayCount, Hit, Label, QueryEcho, SearchResponse, SignificantWord};
