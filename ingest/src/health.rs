//! How a source is doing: [`standing`] tells a dead one from a silent one. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::poll::SourceState;
use crate::schedule::HALF_LIFE_DAYS;

/// Weight of failures in a row from which on a source that has not answered for
/// [`DEAD_AFTER_DAYS`] counts as dead: three pages that are gone, or twelve timeouts.
const DEAD_FROM: f64 = 3.0;
/// Days without a good answer, before a source counts as dead.
const DEAD_AFTER_DAYS: i64 = 7;
/// A source is silent when it should have brought so many entries, at its own pace, and none came.
const N_MISSED: f64 = 10.0;
/// No source is silent sooner, and every one is later, in days.
const SILENT_DAYS: (f64, f64) = (2.0, 30.0);

/// How a source is doing.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Gone for good (410), or without a good answer for a week and many tries.
    Dead,
    /// The last poll failed; it is tried again, ever more rarely.
    Failing,
    /// It answers well, but has brought nothing new for much longer than it used to.
    Silent,
    /// Not polled yet.
    New,
    /// It answers, and brings something new as it used to.
    Well,
}

impl Standing {
    /// Every standing, the worst first.
    pub const ALL: [Standing; 5] =
        [Standing::Dead, Standing::Failing, Standing::Silent, Standing::New, Standing::Well];

    /// The name in JSON and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Dead => "dead",
            Standing::Failing => "failing",
            Standing::Silent => "silent",
            Standing::New => "new",
            Standing::Well => "well",
        }
    }
}

/// How the source with the poll state `state` is doing at `now`.
pub fn standing(state: &SourceState, now: DateTime<Utc>) -> Standing {
    if state.is_gone {
        return Standing::Dead;
    }
    if state.last_poll_at.is_none() {
        return Standing::New;
    }
    if state.last_failure.is_some() {
        let is_long =
            state.last_success_at.is_none_or(|it| TimeDelta::days(DEAD_AFTER_DAYS) <= now - it);
        let is_dead = is_long && DEAD_FROM <= state.failure_score;
        return if is_dead { Standing::Dead } else { Standing::Failing };
    }
    match state.last_success_at {
        None => Standing::New,
        Some(_) if is_silent(state, now) => Standing::Silent,
        Some(_) => Standing::Well,
    }
}

fn is_silent(state: &SourceState, now: DateTime<Utc>) -> bool {
    // It was read, and there was nothing in it yet.
    let Some(last_new) = state.last_new_entry_at else { return true };
    let n_days = (now - last_new).num_seconds().max(0) as f64 / 86_400.0;
    // The mean sinks while nothing comes; what it was when the last entry came is what counts.
    let counted_for = state
        .rate
        .counted_at
        .map_or(0.0, |it| (it - last_new).num_seconds().max(0) as f64 / 86_400.0);
    let usual = state.rate.n_per_day.unwrap_or(0.0) * (counted_for / HALF_LIFE_DAYS).exp2();
    let n_days_allowed = (N_MISSED / usual.max(1e-9)).clamp(SILENT_DAYS.0, SILENT_DAYS.1);
    n_days_allowed <= n_days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureClass;
    use crate::poll::PollFailure;
    use crate::schedule::EntryRate;

    fn day(n: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + n)
    }

    /// A source that brought `n_per_day` entries on each of ten days and then none, polled twice
    /// a day until day `until`.
    fn source(n_per_day: usize, until: i64) -> SourceState {
        let mut state =
            SourceState { rate: EntryRate::default().count(0, day(0)), ..SourceState::default() };
        for half in 1..=until * 2 {
            let at = day(0) + TimeDelta::hours(half * 12);
            let n_new = if half % 2 == 0 && half <= 20 { n_per_day } else { 0 };
            state.rate = state.rate.count(n_new, at);
            state.last_poll_at = Some(at);
            state.last_success_at = Some(at);
            if 0 < n_new {
                state.last_new_entry_at = Some(at);
            }
        }
        state
    }

    fn failing(score: f64, last_success: i64) -> SourceState {
        let class = FailureClass::Timeout;
        SourceState {
            last_failure: Some(PollFailure { class, message: "timeout".to_owned() }),
            failure_score: score,
            last_success_at: Some(day(last_success)),
            ..source(5, 10)
        }
    }

    #[test]
    fn a_busy_source_is_silent_after_days_and_a_slow_one_after_weeks() {
        let is = |n_per_day, n_silent: i64| {
            standing(&source(n_per_day, 10 + n_silent), day(10 + n_silent))
        };
        assert_eq!(is(50, 1), Standing::Well);
        assert_eq!(is(50, 3), Standing::Silent);
        assert_eq!(is(50, 200), Standing::Silent, "it stays silent");
        assert_eq!(is(1, 5), Standing::Well);
        assert_eq!(is(1, 40), Standing::Silent);
    }

    #[test]
    fn a_source_that_fails_is_dead_only_after_a_week_and_many_tries() {
        assert_eq!(standing(&failing(0.25, 10), day(10)), Standing::Failing);
        assert_eq!(standing(&failing(9.0, 10), day(12)), Standing::Failing);
        assert_eq!(standing(&failing(0.5, 1), day(12)), Standing::Failing);
        assert_eq!(standing(&failing(9.0, 1), day(12)), Standing::Dead);
        let never = SourceState { last_success_at: None, ..failing(3.0, 0) };
        assert_eq!(standing(&never, day(1)), Standing::Dead);
    }

    #[test]
    fn gone_is_dead_and_unasked_is_new() {
        let gone = SourceState { is_gone: true, ..source(5, 10) };
        assert_eq!(standing(&gone, day(10)), Standing::Dead);
        assert_eq!(standing(&SourceState::default(), day(10)), Standing::New);
        let empty = SourceState { last_new_entry_at: None, ..source(0, 3) };
        assert_eq!(standing(&empty, day(3)), Standing::Silent);
    }
}
