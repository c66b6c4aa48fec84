//! Many hosts on one machine: a server for all of 127.0.0.0/8 that writes down who was asked for what
//! and when, and the proof from its log that every host was left its pauses and obeyed. Shared by a
//! test and by the benchmark `crawl`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::DateTime;
use config::{Source, SourceId};
use ingest::crawl::crawl_entry;
use ingest::fetch::Fetcher;
use ingest::{ArticleId, CanonicalUrl, Entry};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What a request takes to reach a server and its answer to come back.
pub(crate) const LATENCY: Duration = Duration::from_millis(10);
/// Every tenth host asks for this pause in place of the setting.
pub(crate) const CRAWL_DELAY_S: u64 = 6;

/// One request, as the server saw it.
pub(crate) struct Asked {
    host: IpAddr,
    pub(crate) path: String,
    began_at: Instant,
    pub(crate) ended_at: Instant,
}

pub(crate) type Log = Arc<Mutex<Vec<Asked>>>;

/// The address of host number `n`: all of 127.0.0.0/8 is this machine (Linux).
fn address(n: usize) -> IpAddr {
    let [.., high, middle, low] = (n / 250).to_be_bytes();
    assert!(high == 0 && middle < 254, "{n} hosts are too many");
    IpAddr::V4(Ipv4Addr::new(127, 1 + middle, low, (n % 250) as u8 + 1))
}

/// Crawls `n_pages` pages of each of `n_hosts` hosts, one after the other on a host, and side by side
/// on different ones, a quarter of them forbidden; returns how many became articles.
pub(crate) async fn crawl(
    fetcher: &Arc<Fetcher>,
    port: u16,
    n_hosts: usize,
    n_pages: usize,
    pause: Duration,
) -> usize {
    let crawls: Vec<_> = (0..n_hosts)
        .map(|n| {
            let (fetcher, host) = (Arc::clone(fetcher), SocketAddr::new(address(n), port));
            // Sources do not all begin in the same millisecond.
            let offset = pause.mul_f64(n as f64 / n_hosts as f64);
            tokio::spawn(async move {
                tokio::time::sleep(offset).await;
                crawl_host(&fetcher, host, n_pages).await
            })
        })
        .collect();
    let mut n_articles = 0;
    for crawl in crawls {
        n_articles += crawl.await.unwrap();
    }
    n_articles
}

async fn crawl_host(fetcher: &Fetcher, host: SocketAddr, n_pages: usize) -> usize {
    let mut source = Source::new("bench", format!("http://{host}/feed").parse().unwrap());
    source.allow_private_addresses = true;
    let mut n_articles = 0;
    for n in 0..n_pages {
        let folder = if n % 4 == 3 { "private" } else { "news" };
        let url = CanonicalUrl::parse(&format!("http://{host}/{folder}/{n}")).unwrap();
        let entry = Entry {
            id: ArticleId::of(&url),
            url,
            source: SourceId::new("bench"),
            title: None,
            summary: None,
            published_at: None,
            guid: None,
            text: None,
        };
        let crawled = crawl_entry(fetcher, &source, &entry, 100_000, DateTime::UNIX_EPOCH).await;
        n_articles += usize::from(crawled.is_ok());
    }
    n_articles
}

/// Panics when a host was asked for a page too early or for what it forbids; returns the shortest
/// pause between two pages.
pub(crate) fn check(log: &[Asked], pause: Duration) -> Duration {
    let mut by_host: BTreeMap<IpAddr, Vec<&Asked>> = BTreeMap::new();
    for asked in log {
        by_host.entry(asked.host).or_default().push(asked);
    }
    let mut shortest = Duration::MAX;
    for (host, mut asked) in by_host {
        asked.sort_by_key(|it| it.began_at);
        assert_eq!(asked[0].path, "/robots.txt", "{host} was asked for a page first");
        assert!(asked.iter().all(|it| !it.path.starts_with("/private/")), "{host} was disobeyed");
        let wanted = wanted_pause(host, pause);
        // The first page may follow robots.txt at once.
        for pair in asked[1..].windows(2) {
            let gap = pair[1].began_at.saturating_duration_since(pair[0].ended_at);
            assert!(wanted <= gap, "{host} was asked again after {gap:?} in place of {wanted:?}");
            shortest = shortest.min(gap);
        }
    }
    shortest
}

/// The pages a second that the pauses of `n_hosts` hosts allow.
#[allow(dead_code, reason = "the test does not measure")]
pub(crate) fn rate_max(n_hosts: usize, pause: Duration) -> f64 {
    let rate = |n| 1.0 / (wanted_pause(address(n), pause) + LATENCY).as_secs_f64();
    (0..n_hosts).map(rate).sum()
}

fn wanted_pause(host: IpAddr, pause: Duration) -> Duration {
    if is_slow(host) { Duration::from_secs(CRAWL_DELAY_S).max(pause) } else { pause }
}

fn is_slow(host: IpAddr) -> bool {
    matches!(host, IpAddr::V4(it) if it.octets()[3].is_multiple_of(10))
}

/// Answers on every loopback address; returns the port.
pub(crate) async fn serve(log: Log) -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, Arc::clone(&log)));
        }
    });
    port
}

/// Answers the requests of one connection.
async fn answer(mut stream: TcpStream, log: Log) {
    let host = stream.local_addr().unwrap().ip();
    let mut buffer = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = buffer.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let began_at = Instant::now();
        let head = String::from_utf8(buffer.drain(..end).collect()).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        tokio::time::sleep(LATENCY).await;
        let (content_type, body) = body(host, &path);
        let length = body.len();
        let sent = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        // Taken before the last byte leaves, so that a pause counted from here is at most as long
        // as the one that the host sees.
        let ended_at = Instant::now();
        log.lock().unwrap().push(Asked { host, path, began_at, ended_at });
        if stream.write_all(sent.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn body(host: IpAddr, path: &str) -> (&'static str, String) {
    if path == "/robots.txt" {
        let mut rules = "User-agent: *\nDisallow: /private/\n".to_owned();
        if is_slow(host) {
            rules += &format!("Crawl-delay: {CRAWL_DELAY_S}\n");
        }
        return ("text/plain", rules);
    }
    let paragraph = format!(
        "<p>Report {path} of {host}: operators of the grid were warned on Monday that attackers \
         would try to reach the control rooms, and that several of them had been seen nearby.</p>"
    );
    let menu = "<li><a href=/x>Section</a></li>".repeat(40);
    let html = format!(
        "<!doctype html><html lang=en><head><title>Grid warned</title></head><body><nav><ul>{menu}\
         </ul></nav><article><h1>Grid warned</h1>{}</article></body></html>",
        paragraph.repeat(20),
    );
    ("text/html; charset=utf-8", html)
}
