//! What a poll must know of the polls before it: [`SourceState`].

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::article::ArticleId;
use crate::discover::Found;
use crate::failure::FailureClass;
use crate::feed::FeedRhythm;
use crate::fetch::Renewal;
use crate::schedule::EntryRate;
use crate::websub::Announced;

/// What must be remembered of a source between polls, across restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceState {
    /// ETag of the last body that was read, exactly as received.
    pub etag: Option<String>,
    /// Last-Modified of the last body that was read, exactly as received.
    pub last_modified: Option<String>,
    /// BLAKE3 hash of the last body that was read, since some servers repeat ETags.
    pub body_hash: Option<String>,
    /// When to poll next; `None` before the first poll and after the feed has gone for good.
    pub next_poll_at: Option<DateTime<Utc>>,
    /// When the feed was polled last.
    pub last_poll_at: Option<DateTime<Utc>>,
    /// When the feed last answered well.
    pub last_success_at: Option<DateTime<Utc>>,
    /// When the feed last brought a new entry.
    pub last_new_entry_at: Option<DateTime<Utc>>,
    /// Whether the feed answered 410: it is not polled any more.
    pub is_gone: bool,
    /// Sum of the weights of the failures since the last success.
    pub failure_score: f64,
    /// Failures since the last success, by class.
    pub n_failures: BTreeMap<FailureClass, u32>,
    /// Class and message of the last failure; cleared by a success.
    pub last_failure: Option<PollFailure>,
    /// The address that took the place of the declared one, after repeated permanent redirects.
    pub adopted_url: Option<String>,
    /// The declared address that [`SourceState::adopted_url`] stands for; another declared
    /// address ends the adoption.
    pub adopted_for: Option<String>,
    /// Where the last polls were redirected for good, and how many in a row.
    pub moves: Option<Moves>,
    /// What the feed says about when to ask.
    pub rhythm: FeedRhythm,
    /// How long the last answer stays fresh by its cache headers, in seconds.
    pub fresh_for_seconds: Option<u64>,
    /// Running mean of new entries per day.
    pub rate: EntryRate,
    /// Ids of the entries of the last body, to count new ones.
    pub last_entries: Vec<ArticleId>,
    /// [Short ids](ArticleId::short) of pages without a date that sitemaps listed, those listed
    /// last at the end, at most 20 000.
    pub undated: Vec<u32>,
    /// The feed or sitemap that was found for a site; `None` before, and for other sources.
    pub found: Option<Found>,
    /// The hub that tells of news, as the last body announced it; `None` without one.
    pub hub: Option<Announced>,
    /// The sitemaps of an index, at most 500.
    pub parts: Vec<SitemapPart>,
}

/// A sitemap of an index, between polls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SitemapPart {
    /// Its address.
    pub url: String,
    /// When it changed last, by the index.
    pub changed_at: Option<DateTime<Utc>>,
    /// When it was read last; `None` before.
    pub read_at: Option<DateTime<Utc>>,
    /// When it could not be read, since it was read last.
    pub failed_at: Option<DateTime<Utc>>,
    /// ETag of its last body.
    pub etag: Option<String>,
    /// Last-Modified of its last body.
    pub last_modified: Option<String>,
}

impl SitemapPart {
    pub(super) fn was_read(&mut self, now: DateTime<Utc>) {
        (self.read_at, self.failed_at) = (Some(now), None);
    }

    /// The server said (304) that the last body still holds.
    pub(super) fn was_renewed(&mut self, renewal: Renewal, now: DateTime<Utc>) {
        self.was_read(now);
        self.etag = renewal.etag.or(self.etag.take());
        self.last_modified = renewal.last_modified.or(self.last_modified.take());
    }
}

/// Permanent redirects in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moves {
    /// Where they led.
    pub to: String,
    /// How many there were.
    pub n_polls: u32,
}

/// Why a poll failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollFailure {
    /// The class, for metrics and queries.
    pub class: FailureClass,
    /// For people: names the address and the cause, at most 500 characters.
    pub message: String,
}

impl SourceState {
    /// Whether the feed is to be polled at `now`.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        !self.is_gone && self.next_poll_at.is_none_or(|it| it <= now)
    }

    /// The address to ask: the declared one, unless another was adopted for it.
    pub(super) fn url_for<'a>(&'a self, declared: &'a str) -> &'a str {
        let is_for_this = self.adopted_for.as_deref() == Some(declared);
        self.adopted_url.as_deref().filter(|_| is_for_this).unwrap_or(declared)
    }
}
