//! How often somebody may ask, and how often a password may be tried.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Names that are counted before those that are quiet again are forgotten.
const N_NAMES_KEPT: usize = 10_000;
/// Wrong or right, so many passwords may be tried for one user from one address in a minute.
const N_LOGINS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(6).expect("not 0");

/// The counters; names are users, keys and addresses.
#[derive(Debug)]
pub(crate) struct Limits {
    requests: DefaultKeyedRateLimiter<String>,
    logins: DefaultKeyedRateLimiter<String>,
    clock: DefaultClock,
}

impl Limits {
    /// Lets each name ask `n_per_minute` times a minute, in bursts of as many.
    pub(crate) fn new(n_per_minute: u32) -> Limits {
        let n_per_minute = NonZeroU32::new(n_per_minute).unwrap_or(NonZeroU32::MIN);
        Limits {
            requests: RateLimiter::keyed(Quota::per_minute(n_per_minute)),
            logins: RateLimiter::keyed(Quota::per_minute(N_LOGINS_PER_MINUTE)),
            clock: DefaultClock::default(),
        }
    }

    /// Counts a request of `name`; the error says after how many seconds to come back.
    pub(crate) fn request(&self, name: String) -> Result<(), u32> {
        count(&self.requests, &self.clock, name)
    }

    /// Counts a try to log in as `user` from `address`.
    pub(crate) fn login(&self, user: &str, address: &str) -> Result<(), u32> {
        count(&self.logins, &self.clock, format!("{address} {user}"))
    }
}

fn count(
    limiter: &DefaultKeyedRateLimiter<String>,
    clock: &DefaultClock,
    name: String,
) -> Result<(), u32> {
    if N_NAMES_KEPT < limiter.len() {
        limiter.retain_recent();
        limiter.shrink_to_fit();
    }
    limiter.check_key(&name).map_err(|refused| {
        let wait = refused.wait_time_from(clock.now());
        u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_own_count() {
        let limits = Limits::new(3);
        for _ in 0..3 {
            assert_eq!(limits.request("a".to_owned()), Ok(()));
        }
        let wait = limits.request("a".to_owned()).unwrap_err();
        assert!((1..=21).contains(&wait), "{wait}");
        assert_eq!(limits.request("b".to_owned()), Ok(()));
    }

    #[test]
    fn passwords_cannot_be_guessed_quickly() {
        let limits = Limits::new(1_000);
        let n_tries = (0..50).filter(|_| limits.login("ana", "192.0.2.1").is_ok()).count();
        assert_eq!(n_tries, 6);
        assert!(limits.login("bo", "192.0.2.1").is_ok());
    }
}
