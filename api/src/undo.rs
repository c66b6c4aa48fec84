//! How long what was deleted can be brought back.

use chrono::{DateTime, TimeDelta, Utc};

/// After it, retention forgets for good what was deleted.
pub(crate) const WINDOW: TimeDelta = TimeDelta::hours(24);

/// What was deleted at this time or later can be brought back at `now`.
pub(crate) fn since(now: DateTime<Utc>) -> DateTime<Utc> {
    now - WINDOW
}
