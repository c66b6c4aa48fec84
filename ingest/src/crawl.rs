//! The crawl stage: one entry's page, fetched and made an article.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use config::{ExtractRules, Source, SourceKind};
use tracing::debug;

use crate::article::{Article, Entry, TEXT_CHARS_MAX, sha256_hex};
use crate::date::plausible;
use crate::decode::decode;
use crate::extract::{ExtractedPage, extract};
use crate::failure::FailureClass;
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, Fetcher, Page};
use crate::folder::{self, FOLDER_HOST};
use crate::plain_text::squeeze;

/// Longest time that the extraction of one page may take.
const EXTRACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Characters of a failure's message that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

/// Why an entry gave no article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CrawlFailure {
    /// The class, for metrics and queries; it tells whether a later try may help.
    pub class: FailureClass,
    /// For people: names the address and the cause, at most 500 characters.
    pub message: String,
    /// How long to wait before the page is asked for again, if the server said so.
    pub retry_after: Option<Duration>,
}

impl CrawlFailure {
    fn new(class: FailureClass, message: &str) -> CrawlFailure {
        let message = message.chars().take(MESSAGE_CHARS_MAX).collect();
        CrawlFailure { class, message, retry_after: None }
    }
}

impl From<FetchError> for CrawlFailure {
    fn from(error: FetchError) -> CrawlFailure {
        let failure = CrawlFailure::new(error.class(), &error.to_string());
        CrawlFailure { retry_after: error.retry_after(), ..failure }
    }
}

/// An article and the page that it was read from.
#[derive(Clone, Debug)]
pub struct Crawled {
    /// The article.
    pub article: Article,
    /// What the server sent.
    pub page: Page,
}

/// Fetches the page of `entry`, or reads its file, and extracts its article, with at most
/// `n_chars_max` characters of text. An entry that holds its text needs no page.
///
/// The article keeps the identity and address of the entry, also after redirects; the address
/// that the page names for itself is in [`Article::canonical_url`]. What the page does not say is
/// taken from the entry. The extraction runs on a blocking thread. The caller logs failures.
pub async fn crawl_entry(
    fetcher: &Fetcher,
    source: &Source,
    entry: &Entry,
    n_chars_max: usize,
    now: DateTime<Utc>,
) -> Result<Crawled, CrawlFailure> {
    if let Some(text) = &entry.text {
        return Ok(of_text(entry, source, text, n_chars_max, now));
    }
    let page = match source.kind() {
        // Its address leads to a page that says something else.
        SourceKind::Json(rules) if rules.text.is_some() => {
            let message = format!("{} holds no text in the document of its source", entry.url);
            return Err(CrawlFailure::new(FailureClass::NoText, &message));
        }
        SourceKind::Folder(folder) => read_file(fetcher, folder, entry).await?,
        _ => fetch_page(fetcher, source, entry).await?,
    };
    let started = Instant::now();
    let page_sha256 = sha256_hex(&page.body);
    let url = page.url.clone();
    let rules = source.extract.clone();
    let kept = page.clone();
    let task = tokio::task::spawn_blocking(move || read_page(&page, &rules, now));
    let extracted = match tokio::time::timeout(EXTRACTION_TIMEOUT, task).await {
        Ok(Ok(extracted)) => extracted?,
        Ok(Err(_)) => return Err(broken(&url, "the extractor broke")),
        Err(_) => return Err(broken(&url, "the extraction took too long")),
    };
    let elapsed = started.elapsed();
    metrics::histogram!("harbinger_extract_seconds").record(elapsed.as_secs_f64());
    let n_chars = extracted.text.chars().count();
    let duration_ms = elapsed.as_millis() as u64;
    debug!(article.id = %entry.id, n_chars, duration_ms, "extracted {}", entry.url);
    let article = article(extracted, entry, page_sha256, n_chars_max.min(TEXT_CHARS_MAX), now);
    Ok(Crawled { article, page: kept })
}

/// Fetches the page of `entry`.
async fn fetch_page(
    fetcher: &Fetcher,
    source: &Source,
    entry: &Entry,
) -> Result<Page, CrawlFailure> {
    let request = FetchRequest {
        allows_private_addresses: source.allow_private_addresses,
        interval: source.host_interval_ms.map(|it| Duration::from_millis(it.into())),
        ..FetchRequest::page(entry.url.as_str())
    };
    match fetcher.fetch(&request).await? {
        FetchOutcome::Fetched(page) => Ok(page),
        FetchOutcome::NotModified => {
            let message = format!("{} answered an unconditional request with 304", entry.url);
            Err(CrawlFailure::new(FailureClass::HttpOther, &message))
        }
        FetchOutcome::RateLimited { retry_after } => {
            let message = format!("the host of {} is to be left alone for a while", entry.url);
            let failure = CrawlFailure::new(FailureClass::Http429, &message);
            Err(CrawlFailure { retry_after: Some(retry_after), ..failure })
        }
    }
}

/// Reads the file of `entry` on a blocking thread.
async fn read_file(fetcher: &Fetcher, folder: &Path, entry: &Entry) -> Result<Page, CrawlFailure> {
    let (folder, entry) = (folder.to_path_buf(), entry.clone());
    let (n_bytes_max, url) = (fetcher.body_bytes_max(), entry.url.to_url());
    let task = tokio::task::spawn_blocking(move || {
        folder::read(&folder, &entry.source, &entry.url, n_bytes_max)
    });
    let read = task.await.map_err(|_| broken(&url, "reading the file broke"))?;
    read.map_err(|error| CrawlFailure::new(error.class(), &error.to_string()))
}

/// The article of an entry that holds its text itself.
fn of_text(
    entry: &Entry,
    source: &Source,
    text: &str,
    n_chars_max: usize,
    now: DateTime<Utc>,
) -> Crawled {
    let body = Bytes::from(text.to_owned());
    let article = Article {
        id: entry.id,
        url: entry.url.clone(),
        canonical_url: None,
        source: entry.source.clone(),
        title: entry.title.clone().unwrap_or_default(),
        authors: Vec::new(),
        text: text.chars().take(n_chars_max.min(TEXT_CHARS_MAX)).collect(),
        language: Some(source.language.clone()),
        site_name: Some(source.name.clone()),
        published_at: entry.published_at,
        fetched_at: now,
        page_sha256: sha256_hex(&body),
    };
    let kind = "text/plain; charset=utf-8";
    let page = Page {
        url: entry.url.to_url(),
        moved_permanently_to: None,
        content_type: Some(kind.to_owned()),
        etag: None,
        last_modified: None,
        fresh_for: None,
        status: 200,
        headers: vec![("content-type".to_owned(), kind.as_bytes().to_vec())],
        body,
    };
    Crawled { article, page }
}

fn broken(url: &url::Url, what: &str) -> CrawlFailure {
    CrawlFailure::new(FailureClass::Extractor, &format!("{url}: {what}"))
}

/// Decodes and extracts a page; a text file is its own article.
fn read_page(
    page: &Page,
    rules: &ExtractRules,
    now: DateTime<Utc>,
) -> Result<ExtractedPage, CrawlFailure> {
    let failure =
        |class, reason: &str| CrawlFailure::new(class, &format!("{}: {reason}", page.url));
    if page.body.iter().all(u8::is_ascii_whitespace) {
        return Err(failure(FailureClass::EmptyBody, "the page is empty"));
    }
    let content_type = page.content_type.as_deref();
    let is_file = page.url.host_str() == Some(FOLDER_HOST);
    if is_file && content_type == Some("text/plain") {
        return Ok(of_plain_text(&decode(&page.body, content_type).text));
    }
    if !is_html(content_type, &page.body) {
        let kind = content_type.unwrap_or("something binary");
        return Err(failure(FailureClass::NotHtml, &format!("this is {kind}, not an HTML page")));
    }
    let html = decode(&page.body, content_type).text;
    let url = page.url.as_str();
    extract(&html, Some(url), rules, now)
        .map_err(|error| failure(error.class(), &error.to_string()))
}

/// A text file as a page: its paragraphs, under the headline that its first line may be.
fn of_plain_text(text: &str) -> ExtractedPage {
    let mut lines = text.lines().map(squeeze).filter(|it| !it.is_empty()).peekable();
    let marked = lines.peek().and_then(|it| it.strip_prefix("# ")).map(str::to_owned);
    let title = marked.inspect(|_| drop(lines.next())).unwrap_or_default();
    ExtractedPage { title, text: lines.collect::<Vec<_>>().join("\n"), ..ExtractedPage::default() }
}

/// Whether a body can be read as HTML: by its type, or by its first bytes where the type is
/// missing or means nothing.
fn is_html(content_type: Option<&str>, body: &[u8]) -> bool {
    let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default();
    match kind.trim().to_ascii_lowercase().as_str() {
        "text/html" | "application/xhtml+xml" => true,
        "" | "text/plain" | "application/octet-stream" | "text/xml" | "application/xml" => {
            let head = &body[..body.len().min(1_024)];
            let head = String::from_utf8_lossy(head).to_ascii_lowercase();
            ["<!doctype html", "<html", "<head", "<body", "<article", "<p>", "<div"]
                .iter()
                .any(|it| head.contains(it))
        }
        _ => false,
    }
}

fn article(
    page: ExtractedPage,
    entry: &Entry,
    page_sha256: String,
    n_chars_max: usize,
    now: DateTime<Utc>,
) -> Article {
    let published_at = page.published_at.map(|it| it.to_utc()).and_then(|it| plausible(it, now));
    let published_at = with_time_of_day(published_at, entry.published_at);
    let title = Some(page.title).filter(|it| !it.is_empty());
    let title = title.map(|it| without_site_name(it, entry.title.as_deref()));
    Article {
        id: entry.id,
        url: entry.url.clone(),
        canonical_url: page.canonical_url,
        source: entry.source.clone(),
        title: title.or_else(|| entry.title.clone()).unwrap_or_default(),
        authors: page.authors,
        text: page.text.chars().take(n_chars_max).collect(),
        language: page.language,
        site_name: page.site_name,
        published_at: published_at.or(entry.published_at),
        fetched_at: now,
        page_sha256,
    }
}

/// Pages often print the day only; where the feed names an instant of about that day, it knows
/// better.
fn with_time_of_day(
    of_page: Option<DateTime<Utc>>,
    of_entry: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    match (of_page, of_entry) {
        (Some(page), Some(entry)) => {
            let is_day_only = page.time() == NaiveTime::MIN;
            let is_near = (entry - page).abs() <= TimeDelta::hours(36);
            Some(if is_day_only && is_near { entry } else { page })
        }
        _ => of_page,
    }
}

/// The page's title without the site's name before or after it, when the feed shows which part is
/// the headline: `Site | Headline` for the entry `Headline`.
fn without_site_name(of_page: String, of_entry: Option<&str>) -> String {
    let Some(headline) = of_entry.map(str::trim).filter(|it| 10 <= it.len()) else {
        return of_page;
    };
    let rest = of_page.strip_suffix(headline).or_else(|| of_page.strip_prefix(headline));
    let is_site_name = rest.is_some_and(|rest| {
        let rest = rest.trim();
        let separators = ['|', '-', '–', '—', ':', '·', '»', '«'];
        rest.ends_with(separators) || rest.starts_with(separators)
    });
    if is_site_name { headline.to_owned() } else { of_page }
}
