//! The page `/help`.

use axum::response::Response;

use crate::error::ApiError;
use crate::pages::{frame, help};

/// Shows the keys and the query language.
pub(crate) async fn page() -> Result<Response, ApiError> {
    frame::render(&help::page())
}
