//! The poll stage: one feed, asked once.
//!
//! [`poll_source`] has no memory of its own: all it knows of earlier polls is the [`SourceState`]
//! that it is given and gives back, so that a restart asks no feed again.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use config::Source;
use config::settings::PollSettings;
use serde::{Deserialize, Serialize};
use tracing::debug;
use url::Url;

use crate::article::{ArticleId, Entry};
use crate::failure::FailureClass;
use crate::feed::{self, FeedRhythm};
use crate::fetch::{FetchOutcome, FetchRequest, Fetcher, Page};
use crate::schedule::{EntryRate, PollEnd, PollFacts, PollLimits, next_poll};

/// After so many polls in a row that were redirected for good to the same address, the address is
/// adopted.
const N_MOVES_TO_ADOPT: u32 = 3;
/// Characters of a failure's message that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

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

/// How a poll ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PollResult {
    /// The server said that nothing changed (304).
    NotModified,
    /// The body is the one of the last poll.
    Unchanged,
    /// The feed was read.
    Parsed {
        /// Entries that point to a page.
        n_entries: usize,
        /// Those that the last poll did not see.
        n_new: usize,
    },
    /// The host asked for silence, or its turn would have come too late.
    RateLimited,
    /// Nothing could be had.
    Failed {
        /// The class, for metrics and queries.
        class: FailureClass,
        /// For people: names the address and the cause, at most 500 characters.
        message: String,
    },
}

impl PollResult {
    /// A stable name for metrics.
    pub fn name(&self) -> &'static str {
        match self {
            PollResult::NotModified => "not_modified",
            PollResult::Unchanged => "unchanged",
            PollResult::Parsed { .. } => "parsed",
            PollResult::RateLimited => "rate_limited",
            PollResult::Failed { .. } => "failed",
        }
    }
}

/// What a poll led to.
#[derive(Clone, Debug)]
pub struct PollOutcome {
    /// To be stored in place of the state given.
    pub state: SourceState,
    /// The entries of the feed; known ones may be among them.
    pub entries: Vec<Entry>,
    /// How the poll ended.
    pub result: PollResult,
}

impl SourceState {
    /// Whether the feed is to be polled at `now`.
    pub fn is_due(&self, now: DateTime<Utc>) -> bool {
        !self.is_gone && self.next_poll_at.is_none_or(|it| it <= now)
    }

    /// The address to ask: the declared one, unless another was adopted for it.
    fn url_for<'a>(&'a self, declared: &'a str) -> &'a str {
        let is_for_this = self.adopted_for.as_deref() == Some(declared);
        self.adopted_url.as_deref().filter(|_| is_for_this).unwrap_or(declared)
    }
}

/// One poll: what is polled, with which settings, when.
struct Poll<'a> {
    source: &'a Source,
    settings: &'a PollSettings,
    now: DateTime<Utc>,
}

/// Polls a feed once: asks conditionally, reads the answer, and works out when to ask again.
///
/// Never fails: whatever goes wrong is in the outcome, for the caller to log, and counted in
/// `harbinger_polls_total{result}` and `harbinger_poll_failures_total{class}`.
pub async fn poll_source(
    fetcher: &Fetcher,
    source: &Source,
    state: &SourceState,
    settings: &PollSettings,
    now: DateTime<Utc>,
) -> PollOutcome {
    let poll = Poll { source, settings, now };
    let request = FetchRequest {
        etag: state.etag.clone(),
        last_modified: state.last_modified.clone(),
        ..FetchRequest::feed(state.url_for(source.feed_url.as_str())).of_source(source)
    };
    let outcome = match fetcher.fetch(&request).await {
        Ok(FetchOutcome::Fetched(page)) => poll.read(state, &page),
        Ok(FetchOutcome::NotModified) => poll.succeeded(state, PollResult::NotModified),
        Ok(FetchOutcome::RateLimited { retry_after }) => poll.rate_limited(state, retry_after),
        Err(error) => poll.failed(state, error.class(), &error.to_string(), error.retry_after()),
    };
    let result = outcome.result.name();
    metrics::counter!("harbinger_polls_total", "result" => result).increment(1);
    if let PollResult::Failed { class, .. } = &outcome.result {
        metrics::counter!("harbinger_poll_failures_total", "class" => class.name()).increment(1);
    }
    debug!(
        feed.url = request.url, entries.n = outcome.entries.len(), result,
        next_poll_at = ?outcome.state.next_poll_at, "polled {}: {result}", source.id,
    );
    outcome
}

impl Poll<'_> {
    /// Reads a body that arrived.
    fn read(&self, state: &SourceState, page: &Page) -> PollOutcome {
        let hash = blake3::hash(&page.body).to_hex().to_string();
        let mut next = state.clone();
        next.etag = page.etag.clone();
        next.last_modified = page.last_modified.clone();
        next.fresh_for_seconds = page.fresh_for.map(|it| it.as_secs());
        note_move(&mut next, self.source.feed_url.as_str(), page.moved_permanently_to.as_ref());
        if state.body_hash.as_deref() == Some(hash.as_str()) {
            return self.succeeded(&next, PollResult::Unchanged);
        }
        let url = Some(page.url.as_str());
        let parsed = match feed::parse(&page.body, page.content_type.as_deref(), url) {
            Ok(parsed) => parsed,
            // What came is no feed: keep the old validators, the next poll must see a body.
            Err(error) => {
                let message = format!("{}: {error}", page.url);
                return self.failed(state, error.class(), &message, None);
            }
        };
        let mut entries = feed::entries(&parsed, &self.source.id, &page.url, self.now);
        entries.truncate(self.settings.n_entries_max);
        let n_new = entries.iter().filter(|it| !state.last_entries.contains(&it.id)).count();
        next.body_hash = Some(hash);
        next.rhythm = parsed.rhythm;
        next.last_entries = entries.iter().map(|it| it.id).collect();
        if n_new > 0 {
            next.last_new_entry_at = Some(self.now);
        }
        let result = PollResult::Parsed { n_entries: entries.len(), n_new };
        PollOutcome { entries, ..self.succeeded(&next, result) }
    }

    fn succeeded(&self, state: &SourceState, result: PollResult) -> PollOutcome {
        let n_new = if let PollResult::Parsed { n_new, .. } = result { n_new } else { 0 };
        let mut next = SourceState {
            last_poll_at: Some(self.now),
            last_success_at: Some(self.now),
            failure_score: 0.0,
            n_failures: BTreeMap::new(),
            last_failure: None,
            is_gone: false,
            rate: state.rate.count(n_new, self.now),
            ..state.clone()
        };
        next.next_poll_at = next_poll(self.now, &self.facts(&next, None, PollEnd::Answered));
        PollOutcome { state: next, entries: Vec::new(), result }
    }

    fn rate_limited(&self, state: &SourceState, retry_after: Duration) -> PollOutcome {
        let mut next = SourceState { last_poll_at: Some(self.now), ..state.clone() };
        let facts = self.facts(&next, Some(retry_after), PollEnd::RateLimited);
        next.next_poll_at = next_poll(self.now, &facts);
        PollOutcome { state: next, entries: Vec::new(), result: PollResult::RateLimited }
    }

    fn failed(
        &self,
        state: &SourceState,
        class: FailureClass,
        message: &str,
        retry_after: Option<Duration>,
    ) -> PollOutcome {
        let message: String = message.chars().take(MESSAGE_CHARS_MAX).collect();
        let mut next = SourceState {
            last_poll_at: Some(self.now),
            failure_score: state.failure_score + class.weight(),
            is_gone: class == FailureClass::Http410,
            last_failure: Some(PollFailure { class, message: message.clone() }),
            ..state.clone()
        };
        *next.n_failures.entry(class).or_default() += 1;
        let facts = self.facts(&next, retry_after, PollEnd::Failed(class));
        next.next_poll_at = next_poll(self.now, &facts);
        PollOutcome {
            state: next,
            entries: Vec::new(),
            result: PollResult::Failed { class, message },
        }
    }

    fn facts<'a>(
        &self,
        state: &'a SourceState,
        retry_after: Option<Duration>,
        end: PollEnd,
    ) -> PollFacts<'a> {
        let declared = self.source.poll_interval_minutes;
        let n_minutes = declared.unwrap_or(self.settings.interval_default_minutes);
        PollFacts {
            declared: Duration::from_secs(u64::from(n_minutes) * 60),
            n_entries_per_day: state.rate.n_per_day,
            rhythm: &state.rhythm,
            fresh_for: state.fresh_for_seconds.map(Duration::from_secs),
            retry_after,
            failure_score: state.failure_score,
            end,
            limits: PollLimits::from(self.settings),
        }
    }
}

/// Counts permanent redirects and adopts an address that they repeat.
fn note_move(state: &mut SourceState, declared: &str, moved_to: Option<&Url>) {
    let Some(to) = moved_to else {
        state.moves = None;
        return;
    };
    let before = state.moves.as_ref().filter(|it| it.to == to.as_str());
    let n_polls = before.map_or(0, |it| it.n_polls) + 1;
    if n_polls >= N_MOVES_TO_ADOPT {
        state.adopted_url = Some(to.to_string());
        state.adopted_for = Some(declared.to_owned());
        state.moves = None;
    } else {
        state.moves = Some(Moves { to: to.to_string(), n_polls });
    }
}
