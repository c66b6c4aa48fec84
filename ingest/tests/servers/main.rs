//! Fetching, polling and crawling against real servers on loopback, good and bad ones.

#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod conventions;
mod crawl;
mod fetch;
mod hosts;
mod http2;
mod kinds;
mod politeness;
mod poll;
mod proxy;
mod server;
mod trial;
