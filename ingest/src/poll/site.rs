//! A site by its address only: its feed or sitemap is found first, and then polled.

use url::Url;

use super::{Poll, PollOutcome, SourceState};
use crate::discover::{FoundKind, discover};
use crate::failure::FailureClass;
use crate::feed::FeedRhythm;
use crate::fetch::FetchKind;
use crate::schedule::{PollEnd, next_poll};

/// Failures in a row, by weight, after which the site is looked at afresh: two pages that are
/// gone, or eight timeouts.
const LOOK_AGAIN_FROM: f64 = 2.0;

impl Poll<'_> {
    /// Polls what was found for the site, or looks for it.
    pub(super) async fn site(&self, state: &SourceState, url: &Url) -> PollOutcome {
        let is_lost = LOOK_AGAIN_FROM <= state.failure_score;
        let known = state.found.clone().filter(|_| !is_lost);
        let (state, found, document) = match known {
            Some(found) => (state.clone(), found, None),
            None => {
                let request = self.request(url.as_str(), FetchKind::Page);
                let discovery = match discover(self.fetcher, &request).await {
                    Ok(discovery) => discovery,
                    Err(error) if error.is_postponed => {
                        return self.postponed(state, error.retry_after.unwrap_or_default());
                    }
                    Err(error) => {
                        return self.failed(state, error.class, &error.message, error.retry_after);
                    }
                };
                let Some(found) = discovery.found.into_iter().next() else {
                    let message = format!(
                        "{url}: no feed or sitemap was found; {} addresses were tried",
                        discovery.missed.len() + 1
                    );
                    return self.failed(state, FailureClass::NotAFeed, &message, None);
                };
                (about_another(state, found.clone()), found, discovery.document)
            }
        };
        // What was just found was just read.
        let poll = Poll { at_hand: document.as_ref(), ..*self };
        let mut outcome = match found.kind {
            FoundKind::Feed => poll.document(&state, &found.url, FetchKind::Feed).await,
            FoundKind::Sitemap => poll.sitemap(&state, &found.url).await,
        };
        if outcome.state.is_gone {
            // The document is gone, not the site: the next poll looks for another.
            (outcome.state.is_gone, outcome.state.found) = (false, None);
            let end = PollEnd::Failed(FailureClass::Http404);
            outcome.state.next_poll_at =
                next_poll(self.now, &self.facts(&outcome.state, None, end));
        }
        outcome
    }
}

/// The state with what is known about the site, and nothing about the document that was polled
/// before.
fn about_another(state: &SourceState, found: crate::discover::Found) -> SourceState {
    SourceState {
        found: Some(found),
        etag: None,
        last_modified: None,
        body_hash: None,
        adopted_url: None,
        adopted_for: None,
        moves: None,
        parts: Vec::new(),
        undated: Vec::new(),
        hub: None,
        rhythm: FeedRhythm::default(),
        is_gone: false,
        ..state.clone()
    }
}
