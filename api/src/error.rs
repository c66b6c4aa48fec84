//! Why a request was not answered: [`ApiError`], one shape for every failure.
//!
//! Handlers return an [`ApiError`]; it travels in the response's extensions until
//! `router::finish` writes it as JSON or as a page, with the request's id.

use std::error::Error;
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use index::{ArchiveError, QueryError};
use serde::Serialize;

/// A failure as its reader sees it, and the cause as the log sees it.
#[derive(Clone, Debug)]
pub struct ApiError {
    /// Status of the answer.
    pub status: StatusCode,
    /// Stable name for programs, `snake_case`.
    pub code: &'static str,
    /// One sentence for people; never holds anything secret.
    pub message: String,
    /// What is wrong with the query; `None` when it is not about a query.
    pub query_error: Option<Box<QueryError>>,
    /// After how many seconds another try makes sense.
    pub retry_after_seconds: Option<u32>,
    /// What happened inside; logged, never sent.
    pub cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The JSON body of every failure.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong with a request.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorDetail {
    /// Stable name: `invalid_query`, `invalid_parameter`, `not_found`, `method_not_allowed`,
    /// `payload_too_large`, `uri_too_long`, `unauthorized`, `forbidden`, `cross_site`,
    /// `too_many_requests`, `timeout`, `busy`, `not_ready`, `internal`…
    #[schema(examples("not_found"))]
    pub code: String,
    /// One sentence for people.
    #[schema(examples("there is no article 00000000000000000000000000000000"))]
    pub message: String,
    /// The request's id, also in the header `x-request-id` and in the server's log.
    pub request_id: String,
    /// Where the query is wrong, in characters from its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<usize>,
    /// Length of what is wrong at `position`, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<usize>,
    /// Text to put in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> ApiError {
        let message = message.into();
        ApiError {
            status,
            code,
            message,
            query_error: None,
            retry_after_seconds: None,
            cause: None,
        }
    }

    /// A parameter that cannot be understood.
    pub fn invalid_parameter(name: &str, reason: impl std::fmt::Display) -> ApiError {
        let name: String = name.chars().take(64).collect();
        let message = format!("parameter `{name}`: {reason}");
        ApiError::new(StatusCode::BAD_REQUEST, "invalid_parameter", message)
    }

    /// Nothing under this address.
    pub fn not_found(what: impl Into<String>) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, "not_found", what)
    }

    /// Nobody knows who asks.
    pub fn unauthorized(message: &str) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// Who asks may not.
    pub fn forbidden(needed: index::archive::access::Role) -> ApiError {
        let message = format!("this needs the role `{needed}`");
        ApiError::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    /// The request may not be what its sender wants.
    pub fn cross_site(message: &str) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, "cross_site", message)
    }

    /// Too many requests; another makes sense after `seconds`.
    pub fn too_many_requests(seconds: u32) -> ApiError {
        let message = format!("too many requests; try again in {seconds} s");
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        ApiError { retry_after_seconds: Some(seconds), ..error }
    }

    /// All permits of a bounded resource are taken.
    pub fn busy(what: &str) -> ApiError {
        let message = format!("too many {what} at once; try again in a second");
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message);
        ApiError { retry_after_seconds: Some(1), ..error }
    }

    /// The server cannot answer yet or no longer.
    pub fn not_ready(what: impl Into<String>) -> ApiError {
        let error = ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", what);
        ApiError { retry_after_seconds: Some(2), ..error }
    }

    /// As [`ApiError::not_ready`], for a reason that the log must know.
    pub fn unready(what: &str, cause: impl Error + Send + Sync + 'static) -> ApiError {
        ApiError { cause: Some(Arc::new(cause)), ..ApiError::not_ready(what) }
    }

    /// A fault of ours: the reader gets the request's id, the log gets `cause`.
    pub fn internal(cause: impl Error + Send + Sync + 'static) -> ApiError {
        ApiError {
            cause: Some(Arc::new(cause)),
            ..ApiError::of_status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }

    /// What a status means when no handler said more.
    pub fn of_status(status: StatusCode) -> ApiError {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => ("not_found", "there is nothing at this address"),
            StatusCode::METHOD_NOT_ALLOWED => {
                ("method_not_allowed", "this address does not answer this method")
            }
            StatusCode::PAYLOAD_TOO_LARGE => {
                ("payload_too_large", "the request's body is too large")
            }
            StatusCode::URI_TOO_LONG => ("uri_too_long", "the address is longer than 8 KiB"),
            StatusCode::GATEWAY_TIMEOUT => {
                ("timeout", "the answer took too long; narrow the request")
            }
            status if status.is_client_error() => {
                ("bad_request", "the request cannot be understood")
            }
            _ => {
                ("internal", "something went wrong here; the log knows more under this request id")
            }
        };
        ApiError::new(status, code, message)
    }

    /// The JSON body.
    pub fn body(&self, request_id: &str) -> ErrorBody {
        let query = self.query_error.as_deref();
        ErrorBody {
            error: ErrorDetail {
                code: self.code.to_owned(),
                message: self.message.clone(),
                request_id: request_id.to_owned(),
                position: query.map(|it| it.at),
                length: query.map(|it| it.length),
                suggestion: query.and_then(|it| it.suggestion.clone()),
            },
        }
    }
}

impl From<ArchiveError> for ApiError {
    fn from(error: ArchiveError) -> ApiError {
        match error {
            ArchiveError::Cursor { .. } => ApiError::invalid_parameter("cursor", error),
            other => ApiError::internal(other),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
