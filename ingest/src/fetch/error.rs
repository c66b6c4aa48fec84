//! Why a fetch failed: [`FetchError`].

use std::time::Duration;

use super::classify::{causes, class_of};
use crate::failure::FailureClass;

/// Why a URL could not be fetched. Every variant names the URL that failed, which after
/// redirects may be another than the one asked for.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No http or https URL.
    #[error("`{url}` is not a http or https address")]
    InvalidUrl {
        /// The text, cut to 200 characters.
        url: String,
    },
    /// The host is an address that is never asked.
    #[error("{url} is an address of an inner network")]
    AddressRefused {
        /// Where the request would have gone.
        url: String,
    },
    /// robots.txt forbids it, or could not be had.
    #[error("{}", match .class {
        FailureClass::Robots => format!("robots.txt forbids {url}"),
        class => format!("robots.txt of {url} could not be had ({class})"),
    })]
    Robots {
        /// The page that was wanted.
        url: String,
        /// [`FailureClass::Robots`], or why robots.txt could not be had.
        class: FailureClass,
    },
    /// An HTTP status that is no success.
    #[error("{url} answered with status {status}")]
    Status {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// How long the server asks to wait, at most a day.
        retry_after: Option<Duration>,
    },
    /// A redirect led to an address already seen.
    #[error("{url} redirects in a loop")]
    RedirectLoop {
        /// The address seen twice.
        url: String,
    },
    /// More redirects than allowed.
    #[error("{url} is more than {n_redirects_max} redirects away")]
    RedirectLimit {
        /// The address that was not asked any more.
        url: String,
        /// The limit.
        n_redirects_max: usize,
    },
    /// The body is too large.
    #[error("the body of {url} is larger than {body_bytes_max} bytes")]
    TooLarge {
        /// What was asked.
        url: String,
        /// The limit, after decompression.
        body_bytes_max: usize,
    },
    /// The exchange took too long.
    #[error("{url} took longer than {} s", .total_timeout.as_secs())]
    Timeout {
        /// What was asked.
        url: String,
        /// The limit for the whole exchange.
        total_timeout: Duration,
    },
    /// The connection failed.
    #[error("{url}: {reason}")]
    Transport {
        /// What was asked.
        url: String,
        /// What kind of trouble.
        class: FailureClass,
        /// The causes, outermost first.
        reason: String,
    },
}

impl FetchError {
    pub(super) fn transport(url: &str, error: &reqwest::Error) -> FetchError {
        let class = class_of(error);
        FetchError::Transport { url: url.to_owned(), class, reason: causes(error) }
    }

    /// The class of the failure, for metrics and the database.
    pub fn class(&self) -> FailureClass {
        match self {
            FetchError::InvalidUrl { .. } => FailureClass::InvalidUrl,
            FetchError::AddressRefused { .. } => FailureClass::AddressRefused,
            FetchError::Status { status, .. } => FailureClass::of_status(*status),
            FetchError::RedirectLoop { .. } => FailureClass::RedirectLoop,
            FetchError::RedirectLimit { .. } => FailureClass::RedirectLimit,
            FetchError::TooLarge { .. } => FailureClass::TooLarge,
            FetchError::Timeout { .. } => FailureClass::Timeout,
            FetchError::Robots { class, .. } | FetchError::Transport { class, .. } => *class,
        }
    }

    /// Whether the same request may succeed within hours.
    pub fn is_retryable(&self) -> bool {
        self.class().is_retryable()
    }

    /// How long the server asks to wait before this URL is asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            FetchError::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
