//! Why a feed or page was lost: [`FailureClass`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! failure_classes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Why a poll or a crawl ended without a result.
        ///
        /// The names ([`FailureClass::name`]) are stable: metrics, logs and the database use them.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum FailureClass {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)*
        }

        impl FailureClass {
            /// Every class, in the order of the pipeline.
            pub const ALL: &[FailureClass] = &[$(FailureClass::$variant,)*];

            /// The stable name: `snake_case`, ASCII.
            pub fn name(self) -> &'static str {
                match self {
                    $(FailureClass::$variant => $name,)*
                }
            }
        }
    };
}

failure_classes! {
    /// The address is no http or https URL.
    InvalidUrl = "invalid_url",
    /// The host name does not resolve.
    Dns = "dns",
    /// The host resolves only to addresses that are never asked (loopback, private, metadata…).
    AddressRefused = "address_refused",
    /// No connection could be made.
    Connect = "connect",
    /// The certificate or the TLS handshake was bad.
    Tls = "tls",
    /// Connecting took longer than the connect timeout, or the whole exchange longer than the
    /// total timeout.
    Timeout = "timeout",
    /// The server closed the connection in the middle, or broke the protocol.
    Dropped = "dropped",
    /// robots.txt forbids the page, or its server answered with a status that means nothing.
    Robots = "robots",
    /// HTTP 404.
    Http404 = "http_404",
    /// HTTP 408: the server gave up waiting.
    Http408 = "http_408",
    /// HTTP 410: gone for good.
    Http410 = "http_410",
    /// HTTP 429: asked too often.
    Http429 = "http_429",
    /// Any other HTTP 4xx.
    Http4xx = "http_4xx",
    /// HTTP 500, 502, 503, 504, 522 or 524.
    Http5xx = "http_5xx",
    /// Any other HTTP status that is no success.
    HttpOther = "http_other",
    /// A redirect led to an address already seen.
    RedirectLoop = "redirect_loop",
    /// More redirects than allowed.
    RedirectLimit = "redirect_limit",
    /// The body is larger than the limit, after decompression.
    TooLarge = "too_large",
    /// The compression of the body is broken.
    Encoding = "encoding",
    /// The answer has no body.
    EmptyBody = "empty_body",
    /// The body is neither RSS, Atom, RDF nor JSON Feed.
    NotAFeed = "not_a_feed",
    /// The page is neither HTML nor text.
    NotHtml = "not_html",
    /// No main text was found on the page.
    NoText = "no_text",
    /// The extractor broke on the page, or took too long.
    Extractor = "extractor",
}

impl FailureClass {
    /// The class of an HTTP status that is no success.
    pub fn of_status(status: u16) -> FailureClass {
        match status {
            404 => FailureClass::Http404,
            408 => FailureClass::Http408,
            410 => FailureClass::Http410,
            429 => FailureClass::Http429,
            400..=499 => FailureClass::Http4xx,
            500 | 502 | 503 | 504 | 522 | 524 => FailureClass::Http5xx,
            _ => FailureClass::HttpOther,
        }
    }

    /// Whether the same request may succeed within hours: network trouble and the statuses 408,
    /// 429, 500, 502, 503, 504, 522 and 524.
    pub fn is_retryable(self) -> bool {
        self.weight() == TEMPORARY
    }

    /// How much one failure slows a feed down: permanent 1, soft 0.5, temporary 0.25.
    pub fn weight(self) -> f64 {
        use FailureClass as C;
        match self {
            C::Dns | C::Connect | C::Timeout | C::Dropped => TEMPORARY,
            C::Http408 | C::Http429 | C::Http5xx => TEMPORARY,
            C::Tls | C::Robots | C::TooLarge | C::Encoding | C::EmptyBody | C::NotAFeed => SOFT,
            C::NotHtml | C::NoText | C::Extractor | C::HttpOther => SOFT,
            C::InvalidUrl | C::AddressRefused | C::RedirectLoop | C::RedirectLimit => PERMANENT,
            C::Http404 | C::Http410 | C::Http4xx => PERMANENT,
        }
    }
}

const PERMANENT: f64 = 1.0;
const SOFT: f64 = 0.5;
const TEMPORARY: f64 = 0.25;

impl fmt::Display for FailureClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A text that names no failure class.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a failure class")]
pub struct UnknownFailureClass(String);

impl FromStr for FailureClass {
    type Err = UnknownFailureClass;

    fn from_str(text: &str) -> Result<FailureClass, UnknownFailureClass> {
        let found = FailureClass::ALL.iter().find(|it| it.name() == text);
        found.copied().ok_or_else(|| UnknownFailureClass(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_by_text_and_by_serde() {
        for class in FailureClass::ALL {
            assert_eq!(class.name().parse(), Ok(*class));
            let json = serde_json::to_string(class).unwrap();
            assert_eq!(json, format!("\"{}\"", class.name()));
        }
        assert!("http-404".parse::<FailureClass>().is_err());
    }

    #[test]
    fn exactly_the_statuses_of_temporary_trouble_are_retried() {
        let retried: Vec<u16> =
            (400..600).filter(|it| FailureClass::of_status(*it).is_retryable()).collect();
        assert_eq!(retried, [408, 429, 500, 502, 503, 504, 522, 524]);
    }
}
