//! Why a search gives no answer: [`SearchError`].

use crate::facet::FilterField;
use crate::query::QueryError;

/// Why a search gives no answer. All but [`SearchError::Index`] are the caller's to mend.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The query text cannot be understood.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The cursor was not made by this search.
    #[error("the cursor is not one of this search")]
    Cursor,
    /// A filter has too many values.
    #[error("filter `{}` has {n_values} values, more than {}", field.name(), super::request::FILTER_VALUES_MAX)]
    Filter {
        /// The filter.
        field: FilterField,
        /// Its values.
        n_values: usize,
    },
    /// The article that others shall be like is not in the index.
    #[error("no article `{0}` is searchable")]
    Like(String),
    /// The index cannot be read.
    #[error("the search index cannot be read")]
    Index(#[from] tantivy::TantivyError),
}
