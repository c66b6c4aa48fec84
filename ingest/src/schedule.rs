//! When to ask a feed again: [`next_poll`].

use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use config::settings::PollSettings;
use serde::{Deserialize, Serialize};

use crate::failure::FailureClass;
use crate::feed::FeedRhythm;

/// How far a feed that brings nothing new may drift from its declared interval.
const STRETCH_MAX: f64 = 8.0;

/// Bounds of the time between two polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollLimits {
    /// No feed is asked more often.
    pub interval_min: Duration,
    /// No healthy feed is asked more rarely.
    pub interval_max: Duration,
    /// No failing feed is asked more rarely.
    pub failing_interval_max: Duration,
}

impl Default for PollLimits {
    /// Five minutes, a day, thirty days.
    fn default() -> PollLimits {
        PollLimits {
            interval_min: Duration::from_secs(5 * 60),
            interval_max: Duration::from_secs(24 * 3_600),
            failing_interval_max: Duration::from_secs(30 * 24 * 3_600),
        }
    }
}

impl From<&PollSettings> for PollLimits {
    fn from(settings: &PollSettings) -> PollLimits {
        let minutes = |n: u32| Duration::from_secs(u64::from(n) * 60);
        PollLimits {
            interval_min: minutes(settings.interval_min_minutes),
            interval_max: minutes(settings.interval_max_hours * 60),
            failing_interval_max: minutes(settings.failing_interval_max_days * 24 * 60),
        }
    }
}

/// A number from 0 to 1 for what is called `id` after `n` failures, always the same for the same, so
/// that what failed together does not come again together.
pub fn spread(id: &str, n: u32) -> f64 {
    let sum = id.bytes().fold(n, |sum, it| sum.wrapping_mul(31).wrapping_add(it.into()));
    f64::from(sum % 1_000) / 1_000.0
}

/// How a poll ended, as far as the schedule cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollEnd {
    /// The feed was asked and answered, with or without news.
    Answered,
    /// The poll failed.
    Failed(FailureClass),
}

/// What the next poll of a feed depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct PollFacts<'a> {
    /// The interval that the source declares.
    pub declared: Duration,
    /// New entries a day, as a running mean; `None` until it is known.
    pub n_entries_per_day: Option<f64>,
    /// What the feed says about when to ask.
    pub rhythm: &'a FeedRhythm,
    /// How long the answer stays fresh by its cache headers.
    pub fresh_for: Option<Duration>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
    /// Sum of the weights of the failures in a row, the last one included.
    pub failure_score: f64,
    /// From 0 to 1, by which the wait after a failure is longer, up to a quarter: different for each
    /// feed, so that feeds that failed together do not come again together.
    pub spread: f64,
    /// How the poll ended.
    pub end: PollEnd,
    /// Bounds of the wait.
    pub limits: PollLimits,
}

/// Returns when to ask a feed again; `None` means never, since it is gone for good (410).
///
/// The wait is the largest of the feed's own interval (stretched while it brings little), its
/// declared rhythm, its cache headers and Retry-After, within the limits. Each failure in a row
/// lengthens the wait by the power of two of its weight, and the last one by up to a quarter. Hours
/// and days that the feed excludes are skipped.
pub fn next_poll(now: DateTime<Utc>, facts: &PollFacts<'_>) -> Option<DateTime<Utc>> {
    if facts.end == PollEnd::Failed(FailureClass::Http410) {
        return None;
    }
    let limits = facts.limits;
    let rhythm = facts.rhythm.interval_minutes.map(|it| Duration::from_secs(u64::from(it) * 60));
    let asked = [rhythm, facts.fresh_for, facts.retry_after].into_iter().flatten().max();
    let own = own_interval(facts.declared, facts.n_entries_per_day);
    let healthy =
        asked.map_or(own, |it| it.max(own)).min(limits.interval_max).max(limits.interval_min);
    let wait = match facts.end {
        PollEnd::Answered => healthy,
        PollEnd::Failed(_) => slowed_down(healthy, facts),
    };
    let next = now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::days(1));
    Some(skip_excluded(next, facts.rhythm))
}

/// The declared interval, stretched while fewer than two new entries come in one.
fn own_interval(declared: Duration, n_entries_per_day: Option<f64>) -> Duration {
    let Some(n_per_day) = n_entries_per_day else { return declared };
    let seconds_per_entry = 86_400.0 / n_per_day.max(0.01);
    let longest = declared.as_secs_f64() * STRETCH_MAX;
    Duration::from_secs_f64((seconds_per_entry / 2.0).clamp(declared.as_secs_f64(), longest))
}

fn slowed_down(interval: Duration, facts: &PollFacts<'_>) -> Duration {
    let spread = 1.0 + facts.spread.clamp(0.0, 1.0) / 4.0;
    let seconds = interval.as_secs_f64() * facts.failure_score.clamp(0.0, 40.0).exp2() * spread;
    Duration::from_secs_f64(seconds.min(facts.limits.failing_interval_max.as_secs_f64()))
}

/// The first moment from `at` on that is not in an excluded hour or day; `at` itself if all are.
fn skip_excluded(at: DateTime<Utc>, rhythm: &FeedRhythm) -> DateTime<Utc> {
    let is_excluded = |it: &DateTime<Utc>| {
        let day = it.weekday().num_days_from_monday() as u8;
        rhythm.skip_hours.contains(&(it.hour() as u8)) || rhythm.skip_days.contains(&day)
    };
    if !is_excluded(&at) {
        return at;
    }
    let full_hour = at - TimeDelta::seconds(i64::from(at.minute() * 60 + at.second()));
    let hours = (1..=7 * 24).map(|n| full_hour + TimeDelta::hours(n));
    hours.into_iter().find(|it| !is_excluded(it)).unwrap_or(at)
}

/// Days in which [`EntryRate`] forgets half.
pub(crate) const HALF_LIFE_DAYS: f64 = 3.0;

/// A running mean of new entries per day, weighted towards the last days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EntryRate {
    /// New entries per day; `None` until two polls were made.
    pub n_per_day: Option<f64>,
    /// When the last poll was counted.
    pub counted_at: Option<DateTime<Utc>>,
}

impl EntryRate {
    /// Counts a poll at `now` that brought `n_new` entries.
    ///
    /// Days count half after [`HALF_LIFE_DAYS`]. The first poll only starts the clock, since all of its
    /// entries are new.
    pub fn count(self, n_new: usize, now: DateTime<Utc>) -> EntryRate {
        let Some(before) = self.counted_at else {
            return EntryRate { n_per_day: None, counted_at: Some(now) };
        };
        let n_days = (now - before).num_seconds().max(1) as f64 / 86_400.0;
        let rate = n_new as f64 / n_days;
        let share = 1.0 - (-n_days / HALF_LIFE_DAYS).exp2();
        let n_per_day = match self.n_per_day {
            Some(mean) => mean + (rate - mean) * share,
            None => rate,
        };
        EntryRate { n_per_day: Some(n_per_day), counted_at: Some(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::parse_date;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn now() -> DateTime<Utc> {
        parse_date("2025-11-03T10:15:00Z").unwrap()
    }

    fn facts(rhythm: &FeedRhythm) -> PollFacts<'_> {
        PollFacts {
            declared: 30 * MINUTE,
            n_entries_per_day: None,
            rhythm,
            fresh_for: None,
            retry_after: None,
            failure_score: 0.0,
            spread: 0.0,
            end: PollEnd::Answered,
            limits: PollLimits::default(),
        }
    }

    #[track_caller]
    fn check(facts: &PollFacts<'_>, n_minutes: i64) {
        let wait = next_poll(now(), facts).map(|it| (it - now()).num_minutes());
        assert_eq!(wait, Some(n_minutes), "{facts:?}");
    }

    #[test]
    fn what_failed_together_comes_apart() {
        assert_ne!(spread("a", 1), spread("b", 1));
        assert_ne!(spread("a", 1), spread("a", 2));
        assert_eq!(spread("a", 1), spread("a", 1));
        assert!((0..100).all(|it| (0.0..1.0).contains(&spread("paper", it))));
    }

    #[test]
    fn the_longest_wish_wins() {
        let none = FeedRhythm::default();
        check(&facts(&none), 30);
        let hourly = FeedRhythm { interval_minutes: Some(60), ..FeedRhythm::default() };
        check(&facts(&hourly), 60);
        check(&PollFacts { fresh_for: Some(90 * MINUTE), ..facts(&hourly) }, 90);
        check(&PollFacts { retry_after: Some(120 * MINUTE), ..facts(&hourly) }, 120);
        check(&PollFacts { fresh_for: Some(10 * MINUTE), ..facts(&none) }, 30);
    }

    #[test]
    fn the_wait_is_between_five_minutes_and_a_day() {
        let none = FeedRhythm::default();
        check(&PollFacts { declared: MINUTE, ..facts(&none) }, 5);
        let yearly = FeedRhythm { interval_minutes: Some(500_000), ..FeedRhythm::default() };
        check(&facts(&yearly), 24 * 60);
    }

    #[test]
    fn a_feed_that_brings_little_is_asked_less_often() {
        let none = FeedRhythm::default();
        check(&PollFacts { n_entries_per_day: Some(100.0), ..facts(&none) }, 30);
        check(&PollFacts { n_entries_per_day: Some(12.0), ..facts(&none) }, 60);
        check(&PollFacts { n_entries_per_day: Some(0.0), ..facts(&none) }, 240);
    }

    #[test]
    fn failures_double_the_wait_by_their_weight_up_to_thirty_days() {
        let none = FeedRhythm::default();
        let failed = |failure_score| PollFacts {
            failure_score,
            end: PollEnd::Failed(FailureClass::Http404),
            ..facts(&none)
        };
        check(&failed(1.0), 60);
        check(&failed(3.0), 240);
        check(&failed(1e9), 30 * 24 * 60);
    }

    #[test]
    fn feeds_that_failed_together_come_apart() {
        let none = FeedRhythm::default();
        let failed = |failure_score, spread| PollFacts {
            failure_score,
            spread,
            end: PollEnd::Failed(FailureClass::Timeout),
            ..facts(&none)
        };
        check(&failed(1.0, 0.5), 67);
        check(&failed(1.0, 1.0), 75);
        check(&failed(1e9, 1.0), 30 * 24 * 60);
        check(&PollFacts { spread: 1.0, ..facts(&none) }, 30);
    }

    #[test]
    fn a_feed_that_is_gone_is_never_asked_again() {
        let none = FeedRhythm::default();
        let end = PollEnd::Failed(FailureClass::Http410);
        assert_eq!(next_poll(now(), &PollFacts { end, ..facts(&none) }), None);
    }

    #[test]
    fn excluded_hours_and_days_are_skipped() {
        let hours = FeedRhythm { skip_hours: [10, 11].into(), ..FeedRhythm::default() };
        check(&facts(&hours), 105);
        let monday = FeedRhythm { skip_days: [0].into(), ..FeedRhythm::default() };
        check(&facts(&monday), 13 * 60 + 45);
        let always = FeedRhythm { skip_hours: (0..24).collect(), ..FeedRhythm::default() };
        check(&facts(&always), 30);
    }

    #[test]
    fn the_rate_of_new_entries_follows_the_last_days() {
        let day = |n| now() + TimeDelta::days(n);
        let first = EntryRate::default().count(50, day(0));
        assert_eq!(first.n_per_day, None);
        let second = first.count(10, day(1));
        assert_eq!(second.n_per_day, Some(10.0));
        let quiet = (2..30).fold(second, |rate, n| rate.count(0, day(n)));
        assert!(quiet.n_per_day.unwrap() < 0.1);
    }

    proptest! {
        #[test]
        fn the_next_poll_is_later_than_now(
            declared in 0_u64..10_000_000,
            rate in proptest::option::of(0.0..1e6_f64),
            asked in proptest::option::of(0_u64..10_000_000),
            score in 0.0..1e6_f64,
            hours in prop::collection::btree_set(0_u8..24, 0..24),
        ) {
            let rhythm = FeedRhythm { skip_hours: hours, ..FeedRhythm::default() };
            let facts = PollFacts {
                declared: Duration::from_secs(declared),
                n_entries_per_day: rate,
                retry_after: asked.map(Duration::from_secs),
                failure_score: score,
                end: PollEnd::Failed(FailureClass::Timeout),
                ..facts(&rhythm)
            };
            let next = next_poll(now(), &facts).unwrap();
            prop_assert!(next >= now() + TimeDelta::minutes(5));
            prop_assert!(next <= now() + TimeDelta::days(38));
        }
    }
}
