//! From an error of the HTTP client to a [`FailureClass`].

use std::error::Error;
use std::io;

use super::address::AddressRefused;
use crate::failure::FailureClass;

/// Tells why an exchange failed, from the chain of causes.
pub(super) fn class_of(error: &reqwest::Error) -> FailureClass {
    if has_cause::<AddressRefused>(error) {
        FailureClass::AddressRefused
    } else if error.is_timeout() {
        FailureClass::Timeout
    } else if has_cause::<rustls::Error>(error) {
        FailureClass::Tls
    } else if error.is_dns() {
        FailureClass::Dns
    } else if error.is_connect() {
        FailureClass::Connect
    } else if is_bad_compression(error) {
        FailureClass::Encoding
    } else {
        FailureClass::Dropped
    }
}

/// Returns the causes of `error` as one line, the message of `error` itself left out.
///
/// Clients repeat a cause's text in their own; equal neighbours are written once.
pub(super) fn causes(error: &dyn Error) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(it) = cause {
        let line = it.to_string();
        if lines.last().is_none_or(|last| !last.contains(&line)) {
            lines.push(line);
        }
        cause = it.source();
    }
    if lines.is_empty() { error.to_string() } else { lines.join(": ") }
}

/// The error and its causes, outermost first.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |it: &&'a (dyn Error + 'static)| {
        // An I/O error names the cause of the error it wraps as its own, past the wrapped one.
        let wrapped = it.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn Error + 'static)),
            None => (*it).source(),
        }
    })
}

fn has_cause<T: Error + 'static>(error: &reqwest::Error) -> bool {
    chain(error).any(|it| it.is::<T>())
}

/// Whether the body could not be decompressed, although it came complete.
fn is_bad_compression(error: &reqwest::Error) -> bool {
    let is_transport = chain(error).any(|it| {
        let text = it.to_string();
        text.contains("connection") || text.contains("end of file before message length")
    });
    error.is_decode() && !is_transport
}
