//! robots.txt (RFC 9309): rules per host, kept for a while.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use texting_robots::Robot;
use url::{Position, Url};

use super::{FetchRequest, Silence};
use crate::article::sha256_hex;
use crate::canonical_url::undo_needless_escapes;
use crate::failure::FailureClass;

/// Bytes of a robots.txt that are heeded (RFC 9309, section 2.5, asks for at least these).
pub(super) const SIZE_BYTES_MAX: usize = 500 * 1_024;
/// Redirects to follow (RFC 9309, section 2.3.1.2, asks for at least five).
pub(super) const N_REDIRECTS_MAX: usize = 5;
/// How long a robots.txt that could not be had closes its host, unless the server asks for longer.
const CLOSED_FOR: Duration = Duration::from_secs(600);
/// A longer Crawl-delay is taken as this one.
const CRAWL_DELAY_MAX: Duration = Duration::from_secs(300);
pub(super) const N_HOSTS_MAX: usize = 4_096;
const N_SITEMAPS_MAX: usize = 20;

/// What a host allows.
pub(super) enum Rules {
    /// Everything: there is no robots.txt (any 4xx but 429).
    All,
    /// What the file says.
    File(Box<Robot>),
    /// Nothing for now: robots.txt could not be had for this reason.
    Closed(FailureClass),
}

impl Rules {
    /// Reads a robots.txt for the crawler called `agent` (the product token of its User-Agent).
    ///
    /// A rule that cannot be read is left out; a file that cannot be read at all has no rules.
    pub(super) fn parse(agent: &str, body: &[u8]) -> Rules {
        let body = &body[..body.len().min(SIZE_BYTES_MAX)];
        let is_end = |it: &u8| matches!(*it, b'\n' | b'\r' | 0);
        let mut lines: Vec<Vec<u8>> = body.split_inclusive(is_end).map(comparable).collect();
        let mut robot = read(agent, &lines.concat());
        if robot.is_none() {
            // Only rules with this sign are compiled, and one too large spoils the file.
            lines.retain(|it| !it.contains(&b'$') || read(agent, it).is_some());
            robot = read(agent, &lines.concat());
        }
        robot.map_or(Rules::All, |it| Rules::File(Box::new(it)))
    }

    /// Whether `url` may be fetched; `Err` says why not.
    pub(super) fn check(&self, url: &Url) -> Result<(), FailureClass> {
        match self {
            Rules::All => Ok(()),
            Rules::Closed(class) => Err(*class),
            // The file itself is always allowed (RFC 9309, section 2.2.2).
            Rules::File(_) if url.path() == "/robots.txt" => Ok(()),
            Rules::File(robot) => {
                let path = undo_needless_escapes(&url[Position::BeforePath..]);
                if robot.allowed(&path) { Ok(()) } else { Err(FailureClass::Robots) }
            }
        }
    }

    /// Whether robots.txt could not be had for a reason that may pass (RFC 9309, section 2.3.1.4).
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Rules::Closed(class) if class.is_retryable())
    }

    /// The sitemaps that the file names, at most 20.
    pub(super) fn sitemaps(&self) -> Vec<String> {
        let Rules::File(robot) = self else { return Vec::new() };
        robot.sitemaps.iter().take(N_SITEMAPS_MAX).cloned().collect()
    }

    /// The pause between two requests that the host asks for.
    pub(super) fn crawl_delay(&self) -> Duration {
        let Rules::File(robot) = self else { return Duration::ZERO };
        let seconds = robot.delay.filter(|it| it.is_finite() && *it > 0.0).unwrap_or(0.0);
        Duration::from_secs_f32(seconds.min(CRAWL_DELAY_MAX.as_secs_f32()))
    }
}

fn read(agent: &str, file: &[u8]) -> Option<Robot> {
    catch_unwind(AssertUnwindSafe(|| Robot::new(agent, file).ok())).ok().flatten()
}

/// A line with its escapes written as those of addresses are, where it is a rule (RFC 9309, section
/// 2.2.2); any other line as it is.
fn comparable(line: &[u8]) -> Vec<u8> {
    let key: Vec<u8> = line.trim_ascii_start().iter().take(5).map(u8::to_ascii_lowercase).collect();
    // Also as it is often misspelt.
    let is_rule = key == b"allow" || key.starts_with(b"dis") || key.starts_with(b"dias");
    match std::str::from_utf8(line) {
        Ok(text) if is_rule => undo_needless_escapes(text).into_bytes(),
        _ => line.to_vec(),
    }
}

/// Which host was asked, and how: a proxy that is down or an address that this source may not ask
/// says nothing to others about the host. A text, as it is kept over a restart; only a hash stands for
/// the proxy, whose address may hold a password.
fn way_of(url: &Url, request: &FetchRequest) -> String {
    let mut way = url[..Position::BeforePath].to_owned();
    if request.allows_private_addresses {
        way.push_str(" inside");
    }
    if let Some(proxy) = &request.proxy {
        way.push_str(" through ");
        way.push_str(&sha256_hex(proxy.as_bytes()));
    }
    way
}

/// The rules of the hosts asked lately, at most [`N_HOSTS_MAX`].
pub(super) struct RobotsCache {
    kept_for: Duration,
    /// By [`way_of`], each with the end of its time.
    hosts: Mutex<HashMap<String, (Arc<Rules>, Instant)>>,
}

impl RobotsCache {
    /// An empty cache; RFC 9309 advises to keep rules no longer than a day.
    pub(super) fn new(kept_for: Duration) -> RobotsCache {
        RobotsCache { kept_for, hosts: Mutex::default() }
    }

    /// The rules of the host of `url`, if they are known and fresh for requests like `request`.
    pub(super) fn get(
        &self,
        url: &Url,
        request: &FetchRequest,
        now: Instant,
    ) -> Option<Arc<Rules>> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (rules, expires_at) = hosts.get(&way_of(url, request))?;
        (*expires_at > now).then(|| Arc::clone(rules))
    }

    /// How long the host of `url` stays closed for requests like `request`, because its server was
    /// too busy for robots.txt (429, 5xx); `None` where it is not.
    pub(super) fn closed_for(
        &self,
        url: &Url,
        request: &FetchRequest,
        now: Instant,
    ) -> Option<Duration> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let (rules, expires_at) = hosts.get(&way_of(url, request))?;
        let is_busy =
            matches!(**rules, Rules::Closed(FailureClass::Http429 | FailureClass::Http5xx));
        let left = expires_at.saturating_duration_since(now);
        (is_busy && !left.is_zero()).then_some(left)
    }

    /// Keeps the rules of the host of `url` as `request` found them; a host that is closed stays so
    /// at least for `retry_after`.
    pub(super) fn insert(
        &self,
        url: &Url,
        request: &FetchRequest,
        rules: Rules,
        retry_after: Option<Duration>,
        now: Instant,
    ) -> Arc<Rules> {
        let kept_for = match rules {
            Rules::Closed(_) => CLOSED_FOR.max(retry_after.unwrap_or_default()),
            Rules::All | Rules::File(_) => self.kept_for,
        };
        let rules = Arc::new(rules);
        self.put(way_of(url, request), Arc::clone(&rules), now + kept_for, now);
        rules
    }

    /// The hosts that are closed since their robots.txt was unreachable, as [`RobotsCache::close`] takes
    /// them; not those whose address holds a password.
    pub(super) fn pauses(&self, now: Instant) -> Vec<Silence> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let closed = hosts.iter().filter(|(way, it)| it.0.is_unreachable() && !way.contains('@'));
        let pauses = closed.map(|(way, (_, expires_at))| {
            let left = expires_at.saturating_duration_since(now);
            Silence { site: way.clone(), left }
        });
        pauses.filter(|it| !it.left.is_zero()).collect()
    }

    /// Closes a host as it was closed before a restart.
    pub(super) fn close(&self, pause: Silence, now: Instant) {
        let rules = Arc::new(Rules::Closed(FailureClass::Http5xx));
        self.put(pause.site, rules, now + pause.left, now);
    }

    fn put(&self, way: String, rules: Arc<Rules>, expires_at: Instant, now: Instant) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= N_HOSTS_MAX {
            hosts.retain(|_, (_, expires_at)| *expires_at > now);
        }
        if hosts.len() >= N_HOSTS_MAX {
            let oldest = hosts.iter().min_by_key(|(_, (_, at))| *at).map(|(key, _)| key.clone());
            oldest.map(|key| hosts.remove(&key));
        }
        hosts.insert(way, (rules, expires_at));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, path: &str, expected: bool) {
        let url = Url::parse("https://a.example").unwrap().join(path).unwrap();
        let is_allowed = Rules::parse("Harbinger", file.as_bytes()).check(&url).is_ok();
        assert_eq!(is_allowed, expected, "{path} under {file:?}");
    }

    #[test]
    fn rules_for_harbinger_come_before_rules_for_all() {
        let file = "User-agent: *\nDisallow: /\n\nUser-agent: harbinger\nDisallow: /private\n";
        check(file, "/news/1", true);
        check(file, "/private/1", false);
        check("User-agent: *\nDisallow: /", "/news/1", false);
        check("User-agent: *\nDisallow: /", "/robots.txt", true);
    }

    #[test]
    fn the_longest_rule_wins_and_wildcards_count() {
        let file = "User-agent: *\nDisallow: /*.pdf$\nDisallow: /a\nAllow: /a/b\n";
        check(file, "/a/c", false);
        check(file, "/a/b/c", true);
        check(file, "/x.pdf", false);
        check(file, "/x.pdf?y", true);
    }

    #[test]
    fn rubbish_forbids_nothing() {
        check("<!doctype html><title>404</title>", "/news/1", true);
        check("", "/news/1", true);
    }

    #[test]
    fn a_rule_that_cannot_be_read_leaves_the_others() {
        let huge = "a*".repeat(2_000);
        let file = format!(
            "User-agent: *\nDisallow: /private\nDisallow: /{huge}$\nDisallow: /*.pdf$\n\
             Crawl-delay: 7\n"
        );
        assert!(Robot::new("harbinger", file.as_bytes()).is_err(), "the rule can be read");
        check(&file, "/private/1", false);
        check(&file, "/x.pdf", false);
        check(&file, "/news/1", true);
        let delay = Rules::parse("Harbinger", file.as_bytes()).crawl_delay();
        assert_eq!(delay, Duration::from_secs(7));
    }

    #[test]
    fn rules_match_however_their_escapes_are_written() {
        check("User-agent: *\nDisallow: /%d0%bd\n", "/%D0%BD/1", false);
        check("User-agent: *\nDisallow: /%d0%bd\n", "/н/1", false);
        check("User-agent: *\r\n  DISALLOW : /н\r\n", "/%d0%bd/1", false);
        check("User-agent: *\nDisallow: /%7Ejoe/\n", "/~joe/1", false);
        check("User-agent: *\nDisallow: /~joe/\n", "/%7ejoe/1", false);
        check("User-agent: *\nDisallow: /\nAllow: /%6Eews\n", "/news/1", true);
        // An escaped sign of the rules' own language stays escaped.
        check("User-agent: *\nDisallow: /a%2ab\n", "/axb", true);
        check("User-agent: *\nDisallow: /a%2Fb\n", "/a/b", true);
    }

    #[test]
    fn crawl_delay_is_bounded() {
        let delay = |file: &str| Rules::parse("Harbinger", file.as_bytes()).crawl_delay();
        assert_eq!(delay("User-agent: *\nCrawl-delay: 7\n"), Duration::from_secs(7));
        assert_eq!(delay("User-agent: *\nCrawl-delay: 1e30\n"), CRAWL_DELAY_MAX);
        assert_eq!(delay("User-agent: *\nDisallow:\n"), Duration::ZERO);
    }

    #[test]
    fn rules_expire_and_the_cache_stays_small() {
        let cache = RobotsCache::new(Duration::from_secs(3_600));
        let first = Url::parse("https://first.example/x").unwrap();
        let now = Instant::now();
        let direct = FetchRequest::page(first.as_str());
        cache.insert(&first, &direct, Rules::Closed(FailureClass::Http5xx), None, now);
        assert!(cache.get(&first, &direct, now).is_some());
        assert!(cache.get(&first, &direct, now + CLOSED_FOR).is_none());
        assert_eq!(cache.closed_for(&first, &direct, now), Some(CLOSED_FOR));
        assert_eq!(cache.closed_for(&first, &direct, now + CLOSED_FOR), None);
        let asked = Some(CLOSED_FOR * 2);
        cache.insert(&first, &direct, Rules::Closed(FailureClass::Http5xx), asked, now);
        assert_eq!(cache.closed_for(&first, &direct, now), asked);
        let by_proxy =
            FetchRequest { proxy: Some("socks5h://127.0.0.1:9".to_owned()), ..direct.clone() };
        let inside = FetchRequest { allows_private_addresses: true, ..direct.clone() };
        assert!(cache.get(&first, &by_proxy, now).is_none());
        assert!(cache.get(&first, &inside, now).is_none());
        let pauses = cache.pauses(now);
        assert_eq!(
            pauses,
            [Silence { site: "https://first.example".to_owned(), left: CLOSED_FOR * 2 }]
        );
        let restarted = RobotsCache::new(Duration::from_secs(3_600));
        pauses.into_iter().for_each(|it| restarted.close(it, now));
        assert_eq!(restarted.closed_for(&first, &direct, now), asked);
        assert!(restarted.get(&first, &by_proxy, now).is_none());
        assert!(restarted.get(&first, &inside, now).is_none());
        // What forbids for good, or holds a password, is asked again.
        let named = Url::parse("https://ana:secret@named.example/").unwrap();
        cache.insert(&named, &direct, Rules::Closed(FailureClass::Timeout), None, now);
        let odd = Url::parse("https://odd.example/").unwrap();
        cache.insert(&odd, &direct, Rules::Closed(FailureClass::Robots), None, now);
        let slow = Url::parse("https://slow.example:8443/").unwrap();
        let by_password = FetchRequest {
            proxy: Some("http://ana:secret@proxy.example".to_owned()),
            ..direct.clone()
        };
        cache.insert(&slow, &by_password, Rules::Closed(FailureClass::Timeout), None, now);
        let mut kept: Vec<String> = cache.pauses(now).into_iter().map(|it| it.site).collect();
        kept.sort();
        assert_eq!(kept.len(), 2, "{kept:?}");
        assert!(kept[1].starts_with("https://slow.example:8443 through "), "{kept:?}");
        assert!(!kept[1].contains("secret"), "{kept:?}");
        assert_eq!(cache.pauses(now + CLOSED_FOR * 2), []);
        for n in 0..N_HOSTS_MAX + 10 {
            let url = Url::parse(&format!("https://h{n}.example/")).unwrap();
            cache.insert(&url, &direct, Rules::All, None, now);
        }
        assert_eq!(cache.hosts.lock().unwrap().len(), N_HOSTS_MAX);
    }
}
