//! Politeness: one request per host at a time, pauses between them, and silence after a 429.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use url::Url;

use crate::canonical_url::site_of;

/// From how many remembered hosts (or sites) on the idle ones are forgotten.
const N_REMEMBERED: usize = 8_192;

/// Longest silence that is taken over.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// A site that is left alone, or the pages of one host whose robots.txt could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its registrable domain, or its host and port where there is none. For a host whose robots.txt
    /// could not be had its address (`https://…`) and by which way it was asked.
    pub site: String,
    /// For how long still.
    pub left: Duration,
}

/// Who may ask which host when. Hosts are told apart by name and port.
#[derive(Default)]
pub(super) struct Turns {
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    /// Sites that answered 429, and until when they are left alone.
    silent: Mutex<HashMap<String, Instant>>,
    /// Told when a site answered 429, and when a robots.txt could not be had.
    pub(super) silenced: Notify,
}

struct Host {
    permit: Arc<Semaphore>,
    last: Mutex<Option<LastRequest>>,
}

#[derive(Clone, Copy)]
struct LastRequest {
    ended_at: Instant,
    /// Until when the host must be remembered.
    keep_until: Instant,
}

/// The right to ask one host; the next asker waits until it is dropped.
pub(super) struct Turn {
    host: Arc<Host>,
    interval: Duration,
    is_used: bool,
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// Waits until no one else asks the host of `url`; gives up after `wait_max`.
    ///
    /// The error is how long to wait before trying again.
    pub(super) async fn turn(&self, url: &Url, wait_max: Duration) -> Result<Turn, Duration> {
        if let Some(silence) = self.silence(url) {
            return Err(silence);
        }
        let host = self.host(authority(url));
        let permit = tokio::time::timeout(wait_max, host.permit.clone().acquire_owned()).await;
        let permit = permit.map_err(|_| wait_max)?.expect("no one closes the semaphore");
        // A 429 may have come while waiting.
        if let Some(silence) = self.silence(url) {
            return Err(silence);
        }
        Ok(Turn { host, interval: Duration::ZERO, is_used: false, _permit: permit })
    }

    /// Leaves the whole site of `url` alone for `duration`.
    pub(super) fn silence_for(&self, url: &Url, duration: Duration) {
        self.leave_alone(site_key(url), duration);
        self.silenced.notify_one();
    }

    fn leave_alone(&self, site: String, duration: Duration) {
        let now = Instant::now();
        let mut silent = lock(&self.silent);
        if silent.len() >= N_REMEMBERED {
            silent.retain(|_, until| *until > now);
        }
        let until = silent.entry(site).or_insert(now);
        *until = (*until).max(now + duration);
    }

    /// The sites that are left alone now.
    pub(super) fn silences(&self) -> Vec<Silence> {
        let now = Instant::now();
        let silent = lock(&self.silent);
        let silences = silent.iter().map(|(site, until)| {
            let left = until.saturating_duration_since(now);
            Silence { site: site.clone(), left }
        });
        silences.filter(|it| !it.left.is_zero()).take(N_REMEMBERED).collect()
    }

    /// Leaves sites alone as others were told to, each for a day at most.
    pub(super) fn keep(&self, silences: impl IntoIterator<Item = Silence>) {
        for silence in silences.into_iter().take(N_REMEMBERED) {
            self.leave_alone(silence.site, silence.left.min(SILENCE_MAX));
        }
    }

    fn silence(&self, url: &Url) -> Option<Duration> {
        let until = lock(&self.silent).get(&site_key(url)).copied()?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    fn host(&self, key: String) -> Arc<Host> {
        let mut hosts = lock(&self.hosts);
        if hosts.len() >= N_REMEMBERED {
            let now = Instant::now();
            hosts.retain(|_, host| {
                let is_waiting = Arc::strong_count(host) > 1;
                is_waiting || lock(&host.last).is_some_and(|it| it.keep_until > now)
            });
        }
        let new = || Arc::new(Host { permit: Arc::new(Semaphore::new(1)), last: Mutex::new(None) });
        Arc::clone(hosts.entry(key).or_insert_with(new))
    }
}

impl Turn {
    /// Waits until `interval` has passed since the host's last answer.
    ///
    /// If that takes longer than `wait_max`, the error is how long it takes.
    pub(super) async fn pause(
        &mut self,
        interval: Duration,
        wait_max: Duration,
    ) -> Result<(), Duration> {
        let last = *lock(&self.host.last);
        self.interval = interval;
        if let Some(last) = last {
            let wait = (last.ended_at + interval).saturating_duration_since(Instant::now());
            if wait > wait_max {
                return Err(wait);
            }
            tokio::time::sleep(wait).await;
        }
        self.is_used = true;
        Ok(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.is_used {
            let ended_at = Instant::now();
            let last = LastRequest { ended_at, keep_until: ended_at + self.interval };
            *lock(&self.host.last) = Some(last);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{host}:{port}")
}

/// The registrable domain; hosts without one are told apart by port, too.
fn site_key(url: &Url) -> String {
    let site = site_of(url);
    if site.contains('.') && matches!(url.host(), Some(url::Host::Domain(_))) {
        site
    } else {
        authority(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(600);
    const PAUSE: Duration = Duration::from_millis(60);

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[tokio::test]
    async fn a_second_request_waits_for_the_first_and_for_the_interval() {
        let turns = Turns::default();
        let started = Instant::now();
        let mut first = turns.turn(&url("http://a.example/1"), LONG).await.unwrap();
        first.pause(LONG, Duration::ZERO).await.expect("nothing to wait for yet");
        let gave_up = turns.turn(&url("http://a.example/2"), Duration::from_millis(1)).await;
        assert!(gave_up.is_err(), "two requests to one host at once");
        drop(first);
        let mut second = turns.turn(&url("http://a.example/2"), LONG).await.unwrap();
        second.pause(PAUSE, LONG).await.unwrap();
        assert!(started.elapsed() >= PAUSE);
        drop(second);
        let mut third = turns.turn(&url("http://a.example/3"), LONG).await.unwrap();
        let wait = third.pause(LONG, PAUSE).await.expect_err("the pause is longer than allowed");
        assert!(wait > LONG / 2 && wait <= LONG, "{wait:?}");
    }

    #[tokio::test]
    async fn other_hosts_do_not_wait() {
        let turns = Turns::default();
        let mut first = turns.turn(&url("http://a.example/"), LONG).await.unwrap();
        first.pause(LONG, LONG).await.unwrap();
        let mut other = turns.turn(&url("http://b.example/"), Duration::ZERO).await.unwrap();
        assert_eq!(other.pause(LONG, Duration::ZERO).await, Ok(()));
    }

    #[tokio::test]
    async fn after_a_429_the_whole_site_is_left_alone() {
        let turns = Turns::default();
        turns.silence_for(&url("https://www.a.example.co.uk/x"), PAUSE);
        let refused = turns.turn(&url("https://feeds.example.co.uk/y"), LONG).await.err();
        let silence = refused.expect("the site is to be left alone");
        assert!(silence <= PAUSE);
        assert!(turns.turn(&url("https://other.co.uk/"), LONG).await.is_ok());
        tokio::time::sleep(silence).await;
        assert!(turns.turn(&url("https://feeds.example.co.uk/y"), LONG).await.is_ok());
    }

    #[tokio::test]
    async fn a_turn_that_asked_nothing_delays_no_one() {
        let turns = Turns::default();
        drop(turns.turn(&url("http://a.example/"), LONG).await.unwrap());
        let mut next = turns.turn(&url("http://a.example/"), LONG).await.unwrap();
        assert_eq!(next.pause(LONG, Duration::ZERO).await, Ok(()));
    }
}
