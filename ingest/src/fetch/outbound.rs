//! A client for sending messages to addresses that a user named: the same guard as for fetching.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use url::Url;

use super::address::{PublicResolver, is_refused_literal};
use super::{FetchSettings, exchange};

/// Builds a client that follows no redirects and, unless `allows_private_addresses`, connects to
/// public addresses only. Literal addresses must be checked with [`is_private_literal`].
///
/// # Errors
/// Where the user agent is no valid header or the system has no certificates.
pub fn outbound_client(
    user_agent: &str,
    timeout: Duration,
    allows_private_addresses: bool,
) -> Result<Client, reqwest::Error> {
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = FetchSettings { user_agent: user_agent.to_owned(), ..FetchSettings::default() };
    let builder = exchange::client(&settings).timeout(timeout);
    if allows_private_addresses {
        return builder.build();
    }
    builder.dns_resolver(Arc::new(PublicResolver { look_up: None })).build()
}

/// Whether the host of `url` is written as an address that is not public.
pub fn is_private_literal(url: &Url) -> bool {
    is_refused_literal(url.host())
}
