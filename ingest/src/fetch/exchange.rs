//! One request and its answer, without redirects, politeness or robots.txt.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use chrono::{DateTime, Utc};
use reqwest::header::{self, HeaderMap};
use reqwest::{Client, ClientBuilder, Response, StatusCode};
use url::Url;

use super::{FetchError, FetchKind, FetchRequest, FetchSettings, Page, Redirect, Renewal, headers};

const ACCEPT_FEED: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
    application/rdf+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";
const ACCEPT_PAGE: &str = "text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.5";

/// Bytes of a redirect's body that are kept, and how long they are waited for.
const REDIRECT_BYTES_MAX: usize = 64 * 1_024;
const REDIRECT_WAIT: Duration = Duration::from_secs(1);

/// Settings common to all clients: no redirects, cookies, referrers or proxies of their own.
pub(super) fn client(settings: &FetchSettings) -> ClientBuilder {
    let mut builder = Client::builder();
    for (host, address) in &settings.host_overrides {
        builder = builder.resolve(host, *address);
    }
    builder
        .user_agent(&settings.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tls_certs_merge(settings.certificates.iter().cloned())
        // A proxy of the environment would resolve names itself, past the guard; only one that a
        // source declares is asked.
        .no_proxy()
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(Duration::from_secs(30))
        .pool_max_idle_per_host(1)
}

/// How to ask.
pub(super) struct Exchange<'a> {
    pub(super) client: Client,
    pub(super) request: &'a FetchRequest,
    /// For the message when time runs out.
    pub(super) total_timeout: Duration,
    pub(super) body_bytes_max: usize,
    /// Whether a larger body is cut instead of being an error.
    pub(super) cuts_body: bool,
    /// For servers that do not say what time it is for them.
    pub(super) clock: Option<fn() -> DateTime<Utc>>,
}

/// What came back.
#[expect(clippy::large_enum_variant, reason = "one is made for each request")]
pub(super) enum Answer {
    Page(Page),
    NotModified(Renewal),
    Redirect { to: Url, is_permanent: bool, said: Box<Redirect> },
    TooMany { retry_after: Option<Duration> },
}

impl Exchange<'_> {
    /// Asks for `url`, and takes the time it took from `time_left`.
    pub(super) async fn get(
        &self,
        url: &Url,
        time_left: &mut Duration,
    ) -> Result<Answer, FetchError> {
        let started = Instant::now();
        let answer = tokio::time::timeout(*time_left, self.ask(url)).await;
        *time_left = time_left.saturating_sub(started.elapsed());
        let timeout =
            |_| FetchError::Timeout { url: url.to_string(), total_timeout: self.total_timeout };
        answer.map_err(timeout)?
    }

    async fn ask(&self, url: &Url) -> Result<Answer, FetchError> {
        let accept = match self.request.kind {
            FetchKind::Feed => ACCEPT_FEED,
            FetchKind::Page => ACCEPT_PAGE,
        };
        let mut get = self.client.get(url.clone()).header(header::ACCEPT, accept);
        if let Some(etag) = &self.request.etag {
            get = get.header(header::IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &self.request.last_modified {
            get = get.header(header::IF_MODIFIED_SINCE, last_modified);
        }
        let sent = get.send().await;
        let response = sent.map_err(|error| FetchError::transport(url.as_str(), &error))?;
        let status = response.status();
        match status {
            StatusCode::NOT_MODIFIED => Ok(Answer::NotModified(renewal(response.headers()))),
            StatusCode::TOO_MANY_REQUESTS => {
                Ok(Answer::TooMany { retry_after: self.retry_after(&response) })
            }
            // Not a redirect to follow, but a list of choices or a proxy's business.
            StatusCode::MULTIPLE_CHOICES | StatusCode::USE_PROXY => self.refused(url, &response),
            _ if status.is_redirection() => match location(url, response.headers()) {
                Some(to) => {
                    let is_permanent = matches!(status.as_u16(), 301 | 308);
                    let said = Box::new(self.redirect(url, response).await);
                    Ok(Answer::Redirect { to, is_permanent, said })
                }
                None => self.refused(url, &response),
            },
            _ if status.is_success() => self.page(url, response).await.map(Answer::Page),
            _ => self.refused(url, &response),
        }
    }

    fn refused(&self, url: &Url, response: &Response) -> Result<Answer, FetchError> {
        Err(FetchError::Status {
            url: url.to_string(),
            status: response.status().as_u16(),
            retry_after: self.retry_after(response),
        })
    }

    fn retry_after(&self, response: &Response) -> Option<Duration> {
        headers::retry_after(response.headers(), self.clock.map(|now| now()))
    }

    async fn page(&self, url: &Url, response: Response) -> Result<Page, FetchError> {
        let owned = |name| headers::text(response.headers(), name).map(str::to_owned);
        let (content_type, etag) = (owned(header::CONTENT_TYPE), owned(header::ETAG));
        let last_modified = owned(header::LAST_MODIFIED);
        let fresh_for = headers::fresh_for(response.headers());
        let status = response.status().as_u16();
        let headers = all(response.headers());
        let body = self.body(url, response).await?;
        Ok(Page {
            url: url.clone(),
            moved_permanently_to: None,
            content_type,
            etag,
            last_modified,
            fresh_for,
            status,
            headers,
            body,
            redirects: Vec::new(),
        })
    }

    /// What a redirect says. Of its body as much as comes soon, for pages; feeds are no evidence.
    async fn redirect(&self, url: &Url, mut response: Response) -> Redirect {
        let (status, headers) = (response.status().as_u16(), all(response.headers()));
        let (mut body, mut is_whole) = (BytesMut::new(), false);
        if self.request.kind == FetchKind::Page {
            let read = async {
                while body.len() <= REDIRECT_BYTES_MAX {
                    match response.chunk().await {
                        Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                        Ok(None) => {
                            is_whole = true;
                            break;
                        }
                        // It is not needed to go on.
                        Err(_) => break,
                    }
                }
            };
            // When time runs out, what came until then is kept.
            let _ = tokio::time::timeout(REDIRECT_WAIT, read).await;
        }
        let is_cut = !is_whole || REDIRECT_BYTES_MAX < body.len();
        body.truncate(REDIRECT_BYTES_MAX);
        Redirect { url: url.clone(), status, headers, body: body.freeze(), is_cut }
    }

    /// Reads the body piece by piece as it is decompressed, so that neither a large body nor a
    /// small one that unpacks to a large one takes more memory than the limit.
    async fn body(&self, url: &Url, mut response: Response) -> Result<Bytes, FetchError> {
        let too_large =
            || FetchError::TooLarge { url: url.to_string(), body_bytes_max: self.body_bytes_max };
        let announced = response.content_length().unwrap_or(0);
        if !self.cuts_body && announced > self.body_bytes_max as u64 {
            return Err(too_large());
        }
        let mut body = BytesMut::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body.freeze()),
                Err(error) => return Err(FetchError::transport(url.as_str(), &error)),
            }
            if body.len() > self.body_bytes_max {
                if !self.cuts_body {
                    return Err(too_large());
                }
                body.truncate(self.body_bytes_max);
                return Ok(body.freeze());
            }
        }
    }
}

/// All headers, in the order in which they came.
fn all(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

/// What the headers of a 304 say.
fn renewal(headers: &HeaderMap) -> Renewal {
    let owned = |name| headers::text(headers, name).map(str::to_owned);
    Renewal {
        etag: owned(header::ETAG),
        last_modified: owned(header::LAST_MODIFIED),
        fresh_for: headers::fresh_for(headers),
    }
}

/// Where a redirect leads; `None` without a usable Location.
fn location(base: &Url, headers: &HeaderMap) -> Option<Url> {
    let value = headers.get(header::LOCATION)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let mut to = base.join(text.trim()).ok()?;
    to.set_fragment(None);
    Some(to)
}
