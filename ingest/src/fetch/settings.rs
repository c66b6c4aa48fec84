//! How to fetch: [`FetchSettings`].

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// How to fetch. The defaults are those of the project's conventions.
#[derive(Clone, Debug)]
pub struct FetchSettings {
    /// Sent with every request; its first word, up to `/`, is the name that robots.txt may use.
    /// Should hold an address where the operator can be reached.
    pub user_agent: String,
    /// Longest time to make a connection.
    pub connect_timeout: Duration,
    /// Longest time for one fetch, redirects and body included, waiting for turns left out.
    pub total_timeout: Duration,
    /// Largest body in bytes, after decompression.
    pub body_bytes_max: usize,
    /// Most redirects to follow.
    pub n_redirects_max: usize,
    /// Shortest pause between the end of one request and the next page from the same host.
    pub page_interval: Duration,
    /// Shortest pause between the end of one request and the next feed from the same host.
    pub feed_interval: Duration,
    /// Shortest silence towards a site after it answered 429.
    pub silence_after_429: Duration,
    /// Longest time to wait for a host's turn; then the fetch ends as
    /// [`FetchOutcome::Postponed`](super::FetchOutcome::Postponed).
    pub wait_max: Duration,
    /// Whether pages obey robots.txt.
    pub respects_robots: bool,
    /// How long a robots.txt is kept.
    pub robots_kept_for: Duration,
    /// Hosts that are not looked up but reached at this address, which may be private; no pause
    /// is kept between requests to them. For the sample wire and tests.
    pub host_overrides: BTreeMap<String, SocketAddr>,
    /// What names resolve to where inner networks are out of bounds, whatever their addresses are;
    /// the guard sees them first. `None` asks the system. For tests.
    pub look_up: Option<fn(&str) -> Vec<IpAddr>>,
    /// Authorities that are trusted besides those of the system.
    pub certificates: Vec<reqwest::Certificate>,
    /// The clock, for servers that name an instant but not what time it is for them; `None` takes no
    /// notice of what those ask for.
    pub clock: Option<fn() -> DateTime<Utc>>,
}

impl Default for FetchSettings {
    fn default() -> FetchSettings {
        FetchSettings {
            user_agent: concat!("Harbinger/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            body_bytes_max: 15 * 1_024 * 1_024,
            n_redirects_max: 10,
            page_interval: Duration::from_secs(5),
            feed_interval: Duration::from_secs(1),
            silence_after_429: Duration::from_secs(30),
            wait_max: Duration::from_secs(60),
            respects_robots: true,
            robots_kept_for: Duration::from_secs(24 * 3_600),
            host_overrides: BTreeMap::new(),
            look_up: None,
            certificates: Vec::new(),
            clock: None,
        }
    }
}

impl From<&config::settings::FetchSettings> for FetchSettings {
    fn from(declared: &config::settings::FetchSettings) -> FetchSettings {
        FetchSettings {
            user_agent: declared.user_agent_header(),
            connect_timeout: declared.connect_timeout(),
            total_timeout: declared.total_timeout(),
            body_bytes_max: declared.body_max_bytes,
            n_redirects_max: declared.redirects_max,
            page_interval: declared.host_interval(),
            feed_interval: FetchSettings::default().feed_interval.min(declared.host_interval()),
            silence_after_429: declared.after_429(),
            respects_robots: declared.respect_robots,
            robots_kept_for: Duration::from_secs(u64::from(declared.robots_ttl_hours) * 3_600),
            ..FetchSettings::default()
        }
    }
}
