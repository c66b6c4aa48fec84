//! The poll stage: one source, asked once. Reading order: this file, `poll/state.rs`, `poll/document.rs` (what one
//! document lists), `poll/sitemaps.rs` (an index and the sitemaps in it), `poll/site.rs`.
//!
//! [`poll_source`] has no memory of its own: all it knows of earlier polls is the [`SourceState`]
//! that it is given and gives back, so that a restart asks no feed again.
//!
//! Longer than most, since every end of a poll is worked out in one place.

mod document;
mod site;
mod sitemaps;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::settings::PollSettings;
use config::{Source, SourceKind};
use tracing::debug;
use url::Url;

pub use state::{Moves, PollFailure, SitemapPart, SourceState};

use crate::article::{ArticleId, Entry};
use crate::discover::FoundKind;
use crate::failure::FailureClass;
use crate::fetch::{FetchKind, FetchOutcome, FetchRequest, Fetcher, Page, Renewal};
use crate::folder;
use crate::schedule::{PollEnd, PollFacts, PollLimits, next_poll, spread};

/// After so many polls in a row that were redirected for good to the same address, the address is
/// adopted.
const N_MOVES_TO_ADOPT: u32 = 3;
/// Entries of earlier documents that are remembered, to count new ones.
const N_REMEMBERED: usize = 2_000;
/// Age of the oldest entries taken from lists that reach far back, in days.
const AGE_DAYS_MAX: u32 = 30;
/// Characters of a failure's message that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

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
    /// Nothing was asked, since the host's turn comes later; that is no wish of this source's.
    Postponed,
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
            PollResult::Postponed => "postponed",
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

/// One poll: what is polled, with which settings, when.
#[derive(Clone, Copy)]
struct Poll<'a> {
    fetcher: &'a Fetcher,
    source: &'a Source,
    settings: &'a PollSettings,
    /// The document, where it was asked for already and need not be again.
    at_hand: Option<&'a Page>,
    now: DateTime<Utc>,
}

/// What an address answered.
#[expect(clippy::large_enum_variant, reason = "one is made for each request")]
enum Asked {
    /// A body to read.
    Page(Page),
    /// No body; the poll is over.
    Over(PollOutcome),
}

/// Polls a source once: asks conditionally, reads the answer, and works out when to ask again.
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
    let outcome = Poll { fetcher, source, settings, at_hand: None, now }.poll(state).await;
    let result = outcome.result.name();
    metrics::counter!("harbinger_polls_total", "result" => result).increment(1);
    if let PollResult::Failed { class, .. } = &outcome.result {
        metrics::counter!("harbinger_poll_failures_total", "class" => class.name()).increment(1);
    }
    debug!(
        source.address = source.address(), entries.n = outcome.entries.len(), result,
        next_poll_at = ?outcome.state.next_poll_at, "polled {}: {result}", source.id,
    );
    outcome
}

/// As the first poll of a source, of whose document `at_hand` was just sent; counted nowhere.
pub(crate) async fn try_poll(
    fetcher: &Fetcher,
    source: &Source,
    settings: &PollSettings,
    at_hand: Option<&Page>,
    now: DateTime<Utc>,
) -> PollOutcome {
    Poll { fetcher, source, settings, at_hand, now }.poll(&SourceState::default()).await
}

impl Poll<'_> {
    /// Polls as the source's kind wants.
    async fn poll(&self, state: &SourceState) -> PollOutcome {
        match self.source.kind() {
            SourceKind::Feed(url) => self.document(state, url, FetchKind::Feed).await,
            SourceKind::Sitemap(url) => self.sitemap(state, url).await,
            SourceKind::Site(url) => self.site(state, url).await,
            // A page for people, so robots.txt binds.
            SourceKind::Listing(rules) => self.document(state, &rules.url, FetchKind::Page).await,
            SourceKind::Json(rules) => self.document(state, &rules.url, FetchKind::Feed).await,
            SourceKind::Folder(path) => self.folder(state, path).await,
        }
    }

    /// Asks one address and reads the document there, as the source's kind wants.
    async fn document(&self, state: &SourceState, url: &Url, kind: FetchKind) -> PollOutcome {
        let page = match self.ask(state, url, kind).await {
            Asked::Page(page) => page,
            Asked::Over(outcome) => return outcome,
        };
        let (mut next, is_same) = self.arrived(state, url, &page);
        if is_same {
            return self.succeeded(&next, PollResult::Unchanged);
        }
        match document::read(self.source, &page, self.now).await {
            Ok(read) => {
                (next.rhythm, next.hub) = (read.rhythm, read.hub);
                self.listed(state, next, read.entries)
            }
            // What came is no feed: keep the old validators, the next poll must see a body.
            Err((class, message)) => self.failed(state, class, &message, None),
        }
    }

    /// Asks `url` conditionally, unless its document is at hand.
    async fn ask(&self, state: &SourceState, url: &Url, kind: FetchKind) -> Asked {
        if let Some(page) = self.at_hand {
            return Asked::Page(page.clone());
        }
        let request = FetchRequest {
            etag: state.etag.clone(),
            last_modified: state.last_modified.clone(),
            ..self.request(state.url_for(url.as_str()), kind)
        };
        Asked::Over(match self.fetcher.fetch(&request).await {
            Ok(FetchOutcome::Fetched(page)) => return Asked::Page(page),
            Ok(FetchOutcome::NotModified(renewal)) => {
                self.succeeded(&renewed(state, renewal), PollResult::NotModified)
            }
            Ok(FetchOutcome::RateLimited { retry_after }) => {
                self.rate_limited(state, &request.url, retry_after)
            }
            Ok(FetchOutcome::Postponed { wait }) => self.postponed(state, wait),
            Err(error) => {
                self.failed(state, error.class(), &error.to_string(), error.retry_after())
            }
        })
    }

    /// An unconditional request with what the source allows.
    fn request(&self, url: &str, kind: FetchKind) -> FetchRequest {
        FetchRequest { kind, ..FetchRequest::feed(url).of_source(self.source) }
    }

    /// The state after `page` arrived, and whether its body is the one of the last poll.
    fn arrived(&self, state: &SourceState, declared: &Url, page: &Page) -> (SourceState, bool) {
        let hash = blake3::hash(&page.body).to_hex().to_string();
        let mut next = state.clone();
        next.etag = page.etag.clone();
        next.last_modified = page.last_modified.clone();
        next.fresh_for_seconds = page.fresh_for.map(|it| it.as_secs());
        note_move(&mut next, declared.as_str(), page.moved_permanently_to.as_ref());
        let is_same = state.body_hash.as_deref() == Some(hash.as_str());
        next.body_hash = Some(hash);
        (next, is_same)
    }

    /// The outcome of a poll that found `entries`; too old ones are left out, the newest of too
    /// many are kept.
    fn listed(
        &self,
        state: &SourceState,
        mut next: SourceState,
        mut entries: Vec<Entry>,
    ) -> PollOutcome {
        if let Some(oldest) = self.oldest(&next) {
            entries.retain(|it| it.published_at.is_none_or(|at| oldest <= at));
        }
        // Files come from this machine, all at once, and none of them comes again.
        if !matches!(self.source.kind(), SourceKind::Folder(_)) {
            entries.truncate(self.settings.n_entries_max);
        }
        let before: BTreeSet<ArticleId> = state.last_entries.iter().copied().collect();
        // Only so many are known; of a longer list, such as a large folder, the new ones come first.
        let n_looked_at = if before.is_empty() { entries.len() } else { N_REMEMBERED };
        let looked_at = entries.iter().take(n_looked_at);
        let n_new = looked_at.filter(|it| !before.contains(&it.id)).count();
        next.last_entries = entries.iter().take(N_REMEMBERED).map(|it| it.id).collect();
        if n_new > 0 {
            next.last_new_entry_at = Some(self.now);
        }
        let result = PollResult::Parsed { n_entries: entries.len(), n_new };
        PollOutcome { entries, ..self.succeeded(&next, result) }
    }

    /// Entries dated before are left out; `None` when none are.
    fn oldest(&self, state: &SourceState) -> Option<DateTime<Utc>> {
        let is_long = match self.source.kind() {
            SourceKind::Sitemap(_) | SourceKind::Json(_) => true,
            SourceKind::Site(_) => {
                state.found.as_ref().is_some_and(|it| it.kind == FoundKind::Sitemap)
            }
            _ => false,
        };
        let n_days = self.source.entry_days_max.or(is_long.then_some(AGE_DAYS_MAX))?;
        Some(self.now - TimeDelta::days(n_days.into()))
    }

    /// Looks at a folder of files.
    async fn folder(&self, state: &SourceState, path: &Path) -> PollOutcome {
        let (folder, source) = (path.to_path_buf(), self.source.id.clone());
        let look = tokio::task::spawn_blocking(move || folder::look(&folder, &source));
        let contents = match look.await {
            Ok(Ok(contents)) => contents,
            Ok(Err(error)) => {
                let message = format!("{} cannot be read: {error}", path.display());
                let class = match error.kind() {
                    std::io::ErrorKind::NotFound => FailureClass::Http404,
                    _ => FailureClass::Dropped,
                };
                return self.failed(state, class, &message, None);
            }
            Err(_) => {
                let message = format!("the look at {} broke", path.display());
                return self.failed(state, FailureClass::Extractor, &message, None);
            }
        };
        if state.body_hash.as_ref() == Some(&contents.fingerprint) {
            return self.succeeded(state, PollResult::Unchanged);
        }
        let next = SourceState { body_hash: Some(contents.fingerprint), ..state.clone() };
        self.listed(state, next, contents.entries)
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

    /// `url` answered 429: a server that goes on so is asked less and less.
    fn rate_limited(&self, state: &SourceState, url: &str, retry_after: Duration) -> PollOutcome {
        let message = format!("{url} answered with status 429");
        self.failed(state, FailureClass::Http429, &message, Some(retry_after))
    }

    /// Nothing was asked, so nothing is known anew but when the host may be asked.
    fn postponed(&self, state: &SourceState, wait: Duration) -> PollOutcome {
        let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
        let next = SourceState { next_poll_at: Some(self.now + wait), ..state.clone() };
        PollOutcome { state: next, entries: Vec::new(), result: PollResult::Postponed }
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
            // Weights of failures are quarters.
            spread: spread(self.source.id.as_str(), (state.failure_score * 4.0) as u32),
            end,
            limits: PollLimits::from(self.settings),
        }
    }
}

/// The state after a 304, whose headers hold for the copy at hand.
fn renewed(state: &SourceState, renewal: Renewal) -> SourceState {
    let fresh_for_seconds = renewal.fresh_for.map(|it| it.as_secs());
    SourceState {
        etag: renewal.etag.or_else(|| state.etag.clone()),
        last_modified: renewal.last_modified.or_else(|| state.last_modified.clone()),
        fresh_for_seconds: fresh_for_seconds.or(state.fresh_for_seconds),
        ..state.clone()
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
