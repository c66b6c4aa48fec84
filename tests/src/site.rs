//! [`FixtureSite`]: a web server on loopback that does what a test says, bad manners included.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A web server on loopback with a free port of its own; ends when dropped.
pub struct FixtureSite {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
    task: JoinHandle<()>,
}

/// Makes the answer for a path and its query.
type MakeReply = fn(&str) -> Reply;

/// What the site holds, and what it was asked.
#[derive(Default)]
struct Shelf {
    replies: BTreeMap<String, Reply>,
    below: Vec<(String, MakeReply)>,
    n_requests: BTreeMap<String, u64>,
    asked: Vec<(String, Instant)>,
    n_sent_whole: BTreeMap<String, u64>,
}

/// What the site answers at one path.
#[derive(Clone)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(header::HeaderName, String)>,
    body: ReplyBody,
}

#[derive(Clone)]
enum ReplyBody {
    Whole(Bytes),
    /// One byte at a time.
    Dripping(Bytes, Duration),
    /// The connection breaks after these bytes.
    Broken(Bytes),
}

impl Reply {
    /// An answer with status 200, that content type and body.
    pub fn new(content_type: &str, body: impl Into<Bytes>) -> Reply {
        Reply {
            status: StatusCode::OK,
            headers: vec![(header::CONTENT_TYPE, content_type.to_owned())],
            body: ReplyBody::Whole(body.into()),
        }
    }

    /// A page in UTF-8.
    pub fn html(body: impl Into<Bytes>) -> Reply {
        Reply::new("text/html; charset=utf-8", body)
    }

    /// An RSS feed.
    pub fn rss(body: impl Into<Bytes>) -> Reply {
        Reply::new("application/rss+xml", body)
    }

    /// A status without much of a body.
    ///
    /// # Panics
    /// When `status` is no HTTP status.
    pub fn status(status: u16) -> Reply {
        let status = StatusCode::from_u16(status).expect("an HTTP status");
        Reply { status, ..Reply::new("text/plain", format!("{status}\n")) }
    }

    /// A temporary redirect.
    pub fn redirect(to: &str) -> Reply {
        Reply::status(302).with_header(header::LOCATION, to)
    }

    /// The same answer with one more header.
    pub fn with_header(mut self, name: header::HeaderName, value: &str) -> Reply {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The same answer with another body.
    pub fn with_body(self, body: impl Into<Bytes>) -> Reply {
        Reply { body: ReplyBody::Whole(body.into()), ..self }
    }

    /// The same answer, sent one byte each `interval`.
    pub fn dripping(self, interval: Duration) -> Reply {
        let body = match self.body {
            ReplyBody::Whole(bytes) => ReplyBody::Dripping(bytes, interval),
            other => other,
        };
        Reply { body, ..self }
    }

    /// The same answer, but the connection breaks after its first half.
    pub fn broken(self) -> Reply {
        let body = match self.body {
            ReplyBody::Whole(bytes) => ReplyBody::Broken(bytes.slice(..bytes.len() / 2)),
            other => other,
        };
        Reply { body, ..self }
    }
}

impl FixtureSite {
    /// Starts an empty site on 127.0.0.1.
    pub async fn start() -> FixtureSite {
        FixtureSite::start_on(1).await
    }

    /// Starts an empty site on 127.0.0.`host`, so that a test can have several hosts.
    ///
    /// # Panics
    /// When that address cannot be listened on.
    pub async fn start_on(host: u8) -> FixtureSite {
        let listener = TcpListener::bind((Ipv4Addr::new(127, 0, 0, host), 0)).await;
        let listener = listener.expect("a free port on loopback");
        let address = listener.local_addr().expect("a listener has an address");
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shelf));
        let task = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the site runs until it is dropped");
        });
        FixtureSite { address, shelf, task }
    }

    /// The absolute URL of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Puts `reply` at `path`; what was there is gone.
    pub fn put(&self, path: &str, reply: Reply) {
        self.shelf().replies.insert(path.to_owned(), reply);
    }

    /// Answers every path that starts with `prefix` and has no reply of its own with what `reply`
    /// makes of the path and its query.
    pub fn put_everywhere_below(&self, prefix: &str, reply: MakeReply) {
        self.shelf().below.push((prefix.to_owned(), reply));
    }

    /// How often `path` was asked for, 304 answers included.
    pub fn n_requests(&self, path: &str) -> u64 {
        self.shelf().n_requests.get(path).copied().unwrap_or(0)
    }

    /// When paths that start with `prefix` were asked for, in order.
    pub fn asked_at(&self, prefix: &str) -> Vec<Instant> {
        let shelf = self.shelf();
        shelf.asked.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, at)| *at).collect()
    }

    /// How often `path` was sent whole: neither 304 nor a path that does not exist.
    pub fn n_sent_whole(&self, path: &str) -> u64 {
        self.shelf().n_sent_whole.get(path).copied().unwrap_or(0)
    }

    /// How often anything was sent whole, except robots.txt.
    pub fn n_sent_whole_in_all(&self) -> u64 {
        let shelf = self.shelf();
        shelf.n_sent_whole.iter().filter(|(path, _)| *path != "/robots.txt").map(|(_, n)| n).sum()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        lock(&self.shelf)
    }
}

impl Drop for FixtureSite {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whole bodies carry an ETag and are answered with 304 when the client has it.
async fn answer(State(shelf): State<Arc<Mutex<Shelf>>>, request: Request) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let reply = {
        let mut shelf = lock(&shelf);
        *shelf.n_requests.entry(path.clone()).or_default() += 1;
        shelf.asked.push((path.clone(), Instant::now()));
        let whole = request.uri().path_and_query().map_or(path.as_str(), |it| it.as_str());
        let below = shelf.below.iter().find(|(prefix, _)| path.starts_with(prefix.as_str()));
        let own = shelf.replies.get(&path).cloned();
        own.or_else(|| below.map(|(_, reply)| reply(whole)))
    };
    let Some(reply) = reply else { return response(Reply::status(404), None) };
    let etag = match &reply.body {
        ReplyBody::Whole(bytes) if reply.status == StatusCode::OK => Some(etag(bytes)),
        _ => None,
    };
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    if etag.is_some() && known == etag.as_deref() {
        let not_modified = Reply { body: ReplyBody::Whole(Bytes::new()), ..Reply::status(304) };
        return response(not_modified, etag);
    }
    *lock(&shelf).n_sent_whole.entry(path).or_default() += 1;
    response(reply, etag)
}

fn etag(bytes: &Bytes) -> String {
    format!("\"{:016x}\"", hash(bytes))
}

/// A number for `value`, the same in each run.
pub fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn response(reply: Reply, etag: Option<String>) -> Response<Body> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    if let Some(etag) = etag {
        response = response.header(header::ETAG, etag);
    }
    let body = match reply.body {
        ReplyBody::Whole(bytes) => Body::from(bytes),
        ReplyBody::Dripping(bytes, interval) => {
            let drops = stream::iter(bytes).then(move |byte| async move {
                tokio::time::sleep(interval).await;
                Ok::<_, Infallible>(Bytes::from(vec![byte]))
            });
            Body::from_stream(drops)
        }
        ReplyBody::Broken(bytes) => {
            let pieces = [Ok(bytes), Err(std::io::Error::other("the server hangs up"))];
            // The pause lets the first half leave before the connection breaks.
            Body::from_stream(stream::iter(pieces).then(|piece| async move {
                tokio::time::sleep(Duration::from_millis(20)).await;
                piece
            }))
        }
    };
    response.body(body).expect("a test sets only valid headers")
}
