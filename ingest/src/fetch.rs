//! Asking servers: [`Fetcher`], polite, bounded and guarded.
//!
//! A fetch follows redirects itself, so that every hop is checked: the scheme, the address (at
//! connect time), robots.txt for pages, and the host's turn. A proxy looks names up itself: then the
//! guard sees what is written in addresses only. Reading order: this file, then
//! `fetch/settings.rs`, `fetch/turns.rs` (politeness), `fetch/robots.rs`, `fetch/address.rs` (which addresses may be
//! asked), `fetch/headers.rs`, `fetch/error.rs`, `fetch/classify.rs`.
//!
//! Longer than most, since settings, requests and answers are described here.

mod address;
mod classify;
mod error;
mod exchange;
mod headers;
mod outbound;
mod robots;
mod settings;
mod turns;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use config::Source;
use reqwest::Client;
use tracing::debug;
use url::Url;

pub use address::is_public_address;
pub use error::FetchError;
pub use headers::retry_after;
pub use outbound::{is_private_literal, outbound_client};
pub use settings::FetchSettings;
pub use turns::Silence;

use crate::failure::FailureClass;
use exchange::{Answer, Exchange};
use robots::{RobotsCache, Rules};
use turns::Turns;

/// Proxies that connections are kept to.
const N_PROXIES_MAX: usize = 64;

/// What is fetched: feeds are offered for polling, so robots.txt binds pages only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchKind {
    /// A feed or sitemap that its publisher offers to programs.
    Feed,
    /// An article page.
    Page,
}

/// One thing to fetch.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// An http or https address.
    pub url: String,
    /// Feed or page.
    pub kind: FetchKind,
    /// The ETag of the copy at hand, with its quotes, exactly as it was received.
    pub etag: Option<String>,
    /// The Last-Modified of the copy at hand, exactly as it was received.
    pub last_modified: Option<String>,
    /// Whether loopback and private addresses may be asked.
    pub allows_private_addresses: bool,
    /// Pause between two requests to the host, in place of the setting. A longer Crawl-delay
    /// still counts.
    pub interval: Option<Duration>,
    /// The proxy to ask through (`socks5h://…`, `http://…`), which then looks names up; `None`
    /// asks directly.
    pub proxy: Option<String>,
}

impl FetchRequest {
    /// An unconditional request for a feed.
    pub fn feed(url: impl Into<String>) -> FetchRequest {
        FetchRequest::new(url.into(), FetchKind::Feed)
    }

    /// An unconditional request for a page.
    pub fn page(url: impl Into<String>) -> FetchRequest {
        FetchRequest::new(url.into(), FetchKind::Page)
    }

    fn new(url: String, kind: FetchKind) -> FetchRequest {
        FetchRequest {
            url,
            kind,
            etag: None,
            last_modified: None,
            allows_private_addresses: false,
            interval: None,
            proxy: None,
        }
    }

    /// The same request, made as `source` wants it.
    pub fn of_source(self, source: &Source) -> FetchRequest {
        FetchRequest {
            allows_private_addresses: source.allow_private_addresses,
            interval: source.host_interval_ms.map(|it| Duration::from_millis(it.into())),
            proxy: source.proxy.clone(),
            ..self
        }
    }
}

/// What a server sent.
#[derive(Clone, Debug)]
pub struct Page {
    /// Where the body came from, after redirects.
    pub url: Url,
    /// The new address, if every redirect on the way was permanent (301, 308); `None` without
    /// redirects.
    pub moved_permanently_to: Option<Url>,
    /// The Content-Type header.
    pub content_type: Option<String>,
    /// The ETag header, unchanged.
    pub etag: Option<String>,
    /// The Last-Modified header, unchanged.
    pub last_modified: Option<String>,
    /// How long the answer stays fresh by its cache headers, at most a day.
    pub fresh_for: Option<Duration>,
    /// The status, 200 to 299.
    pub status: u16,
    /// All headers in order, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body after decompression, at most [`FetchSettings::body_bytes_max`] bytes.
    pub body: Bytes,
    /// The redirects that led to it, in order.
    pub redirects: Vec<Redirect>,
}

impl Page {
    /// A body that no server was asked for: a file, or a text out of another document.
    pub(crate) fn at_hand(url: Url, content_type: &str, body: Bytes) -> Page {
        Page {
            url,
            moved_permanently_to: None,
            content_type: Some(content_type.to_owned()),
            etag: None,
            last_modified: None,
            fresh_for: None,
            status: 200,
            headers: vec![("content-type".to_owned(), content_type.as_bytes().to_vec())],
            body,
            redirects: Vec::new(),
        }
    }
}

/// An answer that led elsewhere.
#[derive(Clone, Debug)]
pub struct Redirect {
    /// What was asked for.
    pub url: Url,
    /// The status, one of 301 to 308.
    pub status: u16,
    /// All headers, names in lower case, as they came.
    pub headers: Vec<(String, Vec<u8>)>,
    /// What came with it, unpacked, at most 64 KiB.
    pub body: Bytes,
    /// Whether more would have come.
    pub is_cut: bool,
}

/// How a fetch ended that did not fail.
#[expect(clippy::large_enum_variant, reason = "one is made for each request")]
#[derive(Clone, Debug)]
pub enum FetchOutcome {
    /// The server sent a body.
    Fetched(Page),
    /// The copy at hand is still good (304).
    NotModified(Renewal),
    /// The server was asked, and wants to be asked less often (429).
    RateLimited {
        /// When to try again, counted from now.
        retry_after: Duration,
    },
    /// The host is to be left alone for longer than is waited for: after a 429, by its pauses, or
    /// since its robots.txt cannot be had now. Nothing was asked there.
    Postponed {
        /// When the host's turn comes, counted from now.
        wait: Duration,
    },
}

/// What a 304 says anew about the copy at hand; `None` leaves it as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renewal {
    /// The ETag header, unchanged.
    pub etag: Option<String>,
    /// The Last-Modified header, unchanged.
    pub last_modified: Option<String>,
    /// How long the copy stays fresh by the cache headers, at most a day.
    pub fresh_for: Option<Duration>,
}

/// What a host's robots.txt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotsFacts {
    /// Why the address may not be fetched: [`FailureClass::Robots`] when the file forbids it,
    /// another class when the file could not be had; `None` when it may.
    pub refusal: Option<FailureClass>,
    /// The pause between two requests that the host asks for.
    pub crawl_delay: Duration,
    /// Addresses of sitemaps as written.
    pub sitemaps: Vec<String>,
}

/// Fetches feeds and pages; one for the whole process, since it holds the hosts' turns. Clones share
/// them.
#[derive(Clone)]
pub struct Fetcher {
    settings: FetchSettings,
    /// Connects to public addresses only.
    guarded: Client,
    /// Connects to any address, for sources that allow it.
    open: Client,
    /// Connect to a proxy only, by its address.
    proxied: Arc<Mutex<HashMap<String, Client>>>,
    turns: Arc<Turns>,
    robots: Arc<RobotsCache>,
}

/// What one hop of a fetch led to.
#[expect(clippy::large_enum_variant, reason = "one is made for each request")]
enum Hop {
    Outcome(FetchOutcome),
    Redirect { to: Url, is_permanent: bool, said: Box<Redirect> },
}

impl Fetcher {
    /// Builds the HTTP clients.
    ///
    /// Fails where the user agent is no valid header, a certificate of the settings is none or the
    /// system has no certificates.
    pub fn new(settings: FetchSettings) -> Result<Fetcher, reqwest::Error> {
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let resolver = Arc::new(address::PublicResolver { look_up: settings.look_up });
        let guarded = exchange::client(&settings).dns_resolver(resolver).build()?;
        let open = exchange::client(&settings).build()?;
        let robots = Arc::new(RobotsCache::new(settings.robots_kept_for));
        let (turns, proxied) = (Arc::default(), Arc::default());
        Ok(Fetcher { settings, guarded, open, proxied, turns, robots })
    }

    /// The same fetcher, with the same turns, for callers that rather come again than wait longer than
    /// `wait_max` for a host.
    pub fn waiting_at_most(&self, wait_max: Duration) -> Fetcher {
        let mut fetcher = self.clone();
        fetcher.settings.wait_max = wait_max.min(self.settings.wait_max);
        fetcher
    }

    /// Fetches `request`, waiting for the host's turn, and counts the outcome in the metrics
    /// `harbinger_fetches_total{class}` and `harbinger_fetch_seconds`.
    pub async fn fetch(&self, request: &FetchRequest) -> Result<FetchOutcome, FetchError> {
        let started = Instant::now();
        let result = self.follow(request).await;
        let class = match &result {
            Ok(FetchOutcome::Fetched(_)) => "ok",
            Ok(FetchOutcome::NotModified(_)) => "not_modified",
            Ok(FetchOutcome::RateLimited { .. }) => "rate_limited",
            Ok(FetchOutcome::Postponed { .. }) => "postponed",
            Err(error) => error.class().name(),
        };
        let elapsed = started.elapsed();
        metrics::counter!("harbinger_fetches_total", "class" => class).increment(1);
        metrics::histogram!("harbinger_fetch_seconds").record(elapsed.as_secs_f64());
        let size_bytes = match &result {
            Ok(FetchOutcome::Fetched(page)) => page.body.len(),
            _ => 0,
        };
        let duration_ms = elapsed.as_millis() as u64;
        debug!(url = request.url, class, size_bytes, duration_ms, "fetched {}", request.url);
        result
    }

    async fn follow(&self, request: &FetchRequest) -> Result<FetchOutcome, FetchError> {
        let mut url = Url::parse(request.url.trim()).map_err(|_| invalid(&request.url))?;
        url.set_fragment(None);
        let mut seen = HashSet::from([url.clone()]);
        let mut is_permanent = true;
        let mut redirects = Vec::new();
        let mut time_left = self.settings.total_timeout;
        loop {
            match self.hop(&url, request, &mut time_left).await? {
                Hop::Outcome(FetchOutcome::Fetched(mut page)) => {
                    let is_moved = seen.len() > 1 && is_permanent;
                    page.moved_permanently_to = is_moved.then(|| page.url.clone());
                    page.redirects = redirects;
                    return Ok(FetchOutcome::Fetched(page));
                }
                Hop::Outcome(outcome) => return Ok(outcome),
                Hop::Redirect { to, is_permanent: this, said } => {
                    if seen.contains(&to) {
                        return Err(FetchError::RedirectLoop { url: to.into() });
                    }
                    if seen.len() > self.settings.n_redirects_max {
                        let n_redirects_max = self.settings.n_redirects_max;
                        return Err(FetchError::RedirectLimit { url: to.into(), n_redirects_max });
                    }
                    is_permanent &= this;
                    seen.insert(to.clone());
                    redirects.push(*said);
                    url = to;
                }
            }
        }
    }

    /// Waits for the host's turn, asks robots.txt for pages, and asks once for `url`.
    async fn hop(
        &self,
        url: &Url,
        request: &FetchRequest,
        time_left: &mut Duration,
    ) -> Result<Hop, FetchError> {
        check_address(url, request)?;
        let wait_max = self.settings.wait_max;
        let postponed = |wait| Ok(Hop::Outcome(FetchOutcome::Postponed { wait }));
        let mut turn = match self.turns.turn(url, wait_max).await {
            Ok(turn) => turn,
            Err(wait) => return postponed(wait),
        };
        let mut interval = request.interval.unwrap_or(match request.kind {
            FetchKind::Feed => self.settings.feed_interval,
            FetchKind::Page => self.settings.page_interval,
        });
        if request.kind == FetchKind::Page && self.settings.respects_robots {
            if let Some(wait) = self.robots.closed_for(url, request, Instant::now()) {
                return postponed(wait);
            }
            let rules = self.rules(url, request).await;
            rules.check(url).map_err(|class| FetchError::Robots { url: url.to_string(), class })?;
            interval = interval.max(rules.crawl_delay());
        }
        if url.host_str().is_some_and(|it| self.settings.host_overrides.contains_key(it)) {
            interval = Duration::ZERO;
        }
        if let Err(wait) = turn.pause(interval, wait_max).await {
            return postponed(wait);
        }
        match self.exchange(url, request)?.get(url, time_left).await? {
            Answer::Page(page) => Ok(Hop::Outcome(FetchOutcome::Fetched(page))),
            Answer::NotModified(renewal) => Ok(Hop::Outcome(FetchOutcome::NotModified(renewal))),
            Answer::Redirect { to, is_permanent, said } => {
                Ok(Hop::Redirect { to, is_permanent, said })
            }
            Answer::TooMany { retry_after } => {
                let retry_after = self.silence(url, retry_after);
                Ok(Hop::Outcome(FetchOutcome::RateLimited { retry_after }))
            }
        }
    }

    /// Leaves the site of `url` alone after a 429, as long as it asks or longer; answers how long.
    fn silence(&self, url: &Url, retry_after: Option<Duration>) -> Duration {
        let silence = retry_after.unwrap_or_default().max(self.settings.silence_after_429);
        self.turns.silence_for(url, silence);
        silence
    }

    /// The sites that are left alone now, since they answered 429 or as [`Fetcher::keep_silences`] was
    /// told, at most 8 192; and the hosts whose robots.txt could not be had, at most 4 096.
    pub fn silences(&self) -> Vec<Silence> {
        let mut silences = self.turns.silences();
        silences.extend(self.robots.pauses(Instant::now()));
        silences
    }

    /// Leaves sites and hosts alone as they were to be left alone before a restart, each for a day at
    /// most.
    pub fn keep_silences(&self, silences: impl IntoIterator<Item = Silence>) {
        let is_of_host = |it: &Silence| it.site.contains("://");
        let (hosts, sites): (Vec<Silence>, Vec<Silence>) =
            silences.into_iter().partition(is_of_host);
        self.turns.keep(sites);
        let now = Instant::now();
        for it in hosts.into_iter().take(robots::N_HOSTS_MAX) {
            let left = it.left.min(turns::SILENCE_MAX);
            self.robots.close(Silence { left, ..it }, now);
        }
    }

    /// Waits until a site has answered 429 or a robots.txt could not be had, unless that happened since
    /// the last call. For one caller.
    pub async fn silenced(&self) {
        self.turns.silenced.notified().await;
    }

    /// What robots.txt says about `url`; fetched when unknown, whether or not pages obey it.
    pub async fn robots(&self, url: &Url, request: &FetchRequest) -> RobotsFacts {
        let unknown = |class| RobotsFacts {
            refusal: Some(class),
            crawl_delay: Duration::ZERO,
            sitemaps: Vec::new(),
        };
        if let Err(error) = check_address(url, request) {
            return unknown(error.class());
        }
        let Ok(_turn) = self.turns.turn(url, self.settings.wait_max).await else {
            return unknown(FailureClass::Http429);
        };
        let rules = self.rules(url, request).await;
        RobotsFacts {
            refusal: rules.check(url).err(),
            crawl_delay: rules.crawl_delay(),
            sitemaps: rules.sitemaps(),
        }
    }

    /// Largest body in bytes, after decompression.
    pub fn body_bytes_max(&self) -> usize {
        self.settings.body_bytes_max
    }

    /// Whether pages obey robots.txt.
    pub fn respects_robots(&self) -> bool {
        self.settings.respects_robots
    }

    /// The rules of the host of `url`, fetched when unknown. The caller holds the host's turn.
    async fn rules(&self, url: &Url, request: &FetchRequest) -> Arc<Rules> {
        if let Some(rules) = self.robots.get(url, request, Instant::now()) {
            return rules;
        }
        let fetched = self.fetch_robots(url, request).await;
        let asked = fetched.as_ref().err().and_then(FetchError::retry_after);
        let rules = match fetched {
            Ok(body) => Rules::parse(self.agent(), &body),
            // 4xx: "unavailable", everything is allowed; else "unreachable", nothing is.
            Err(error) => match error.class() {
                FailureClass::Http404 | FailureClass::Http410 | FailureClass::Http4xx => Rules::All,
                FailureClass::HttpOther => Rules::Closed(FailureClass::Robots),
                FailureClass::RedirectLoop | FailureClass::RedirectLimit => Rules::All,
                class => Rules::Closed(class),
            },
        };
        let rules = self.robots.insert(url, request, rules, asked, Instant::now());
        if rules.is_unreachable() {
            self.turns.silenced.notify_one();
        }
        rules
    }

    /// Fetches the robots.txt for `url`. A 429 is an error here, and silences the site as that of a
    /// page does.
    async fn fetch_robots(&self, url: &Url, request: &FetchRequest) -> Result<Bytes, FetchError> {
        let mut url = url.join("/robots.txt").map_err(|_| invalid(url.as_str()))?;
        let mut time_left = self.settings.total_timeout;
        let request = FetchRequest { etag: None, last_modified: None, ..request.clone() };
        let mut exchange = self.exchange(&url, &request)?;
        exchange.body_bytes_max = robots::SIZE_BYTES_MAX;
        exchange.cuts_body = true;
        for _ in 0..=robots::N_REDIRECTS_MAX {
            check_address(&url, &request)?;
            match exchange.get(&url, &mut time_left).await? {
                Answer::Page(page) => return Ok(page.body),
                Answer::Redirect { to, .. } => url = to,
                Answer::NotModified(_) => return Ok(Bytes::new()),
                Answer::TooMany { retry_after } => {
                    let retry_after = Some(self.silence(&url, retry_after));
                    return Err(FetchError::Status { url: url.into(), status: 429, retry_after });
                }
            }
        }
        let n_redirects_max = robots::N_REDIRECTS_MAX;
        Err(FetchError::RedirectLimit { url: url.into(), n_redirects_max })
    }

    fn exchange<'a>(
        &self,
        url: &Url,
        request: &'a FetchRequest,
    ) -> Result<Exchange<'a>, FetchError> {
        let client = match &request.proxy {
            Some(proxy) => self.client_through(proxy, url)?,
            None if request.allows_private_addresses => self.open.clone(),
            None => self.guarded.clone(),
        };
        Ok(Exchange {
            client,
            request,
            total_timeout: self.settings.total_timeout,
            body_bytes_max: self.settings.body_bytes_max,
            cuts_body: false,
            clock: self.settings.clock,
        })
    }

    /// The client that asks through `proxy`, made when it is asked for first.
    fn client_through(&self, proxy: &str, url: &Url) -> Result<Client, FetchError> {
        let mut proxied = self.proxied.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = proxied.get(proxy) {
            return Ok(client.clone());
        }
        let made = reqwest::Proxy::all(proxy)
            .and_then(|it| exchange::client(&self.settings).proxy(it).build());
        let client = made.map_err(|error| FetchError::transport(url.as_str(), &error))?;
        // Sources are declared, so there are few; a list that changes at run time stays bounded.
        if N_PROXIES_MAX <= proxied.len() {
            proxied.clear();
        }
        proxied.insert(proxy.to_owned(), client.clone());
        Ok(client)
    }

    /// The name that robots.txt may use for this crawler.
    fn agent(&self) -> &str {
        let agent = self.settings.user_agent.split(['/', ' ']).next();
        agent.unwrap_or_default()
    }
}

/// Whether the robots.txt `file` lets the crawler called `agent` fetch `url`.
pub fn is_allowed_by_robots(agent: &str, file: &[u8], url: &Url) -> bool {
    Rules::parse(agent, file).check(url).is_ok()
}

/// Refuses other schemes and, unless the request allows it, addresses of inner networks.
fn check_address(url: &Url, request: &FetchRequest) -> Result<(), FetchError> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid(url.as_str()));
    }
    let is_inner = address::is_refused_literal(url.host())
        || (request.proxy.is_some() && address::is_inner_name(url.host()));
    if is_inner && !request.allows_private_addresses {
        return Err(FetchError::AddressRefused { url: url.to_string() });
    }
    Ok(())
}

fn invalid(url: &str) -> FetchError {
    FetchError::InvalidUrl { url: url.chars().take(200).collect() }
}
