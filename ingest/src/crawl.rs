//! The crawl stage: one entry's page, fetched and made an article.
//!
//! Longer than most, since the pages that continue an article, files and texts at hand are here too.

use std::collections::HashSet;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use config::{ExtractRules, Source, SourceKind};
use tracing::{debug, warn};

use crate::article::{Article, Details, Entry, IMAGE_BYTES_MAX, TEXT_CHARS_MAX, sha256_hex};
use crate::blocking::on_blocking_thread;
use crate::canonical_url::CanonicalUrl;
use crate::date::plausible;
use crate::decode::decode;
use crate::extract::{ExtractedPage, extract};
use crate::failure::FailureClass;
use crate::fetch::{FetchError, FetchOutcome, FetchRequest, Fetcher, Page};
use crate::folder::{self, FOLDER_HOST};
use crate::plain_text::squeeze;

/// Pages of one article that are fetched.
pub const N_PAGES_MAX: usize = 10;
/// How long the pages that continue one article are waited for in all, where their host's pauses are
/// longer than others wait.
const PATIENCE: Duration = Duration::from_secs(600);
/// Shortest wait before such a page is asked for again.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// Answers 429 to one such page after which the article ends before it.
const N_REFUSALS_MAX: u32 = 3;
/// Characters of a failure's message that are kept.
const MESSAGE_CHARS_MAX: usize = 500;

/// Why an entry gave no article, or an address no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CrawlFailure {
    /// The class, for metrics and queries; it tells whether a later try may help.
    pub class: FailureClass,
    /// For people: names the address and the cause, at most 500 characters.
    pub message: String,
    /// How long to wait before the page is asked for again, if the server said so.
    pub retry_after: Option<Duration>,
    /// Whether the page was not even asked for, since its host's turn comes later: after
    /// `retry_after`. That is no failure of the page, and not to be counted as one.
    pub is_postponed: bool,
}

impl CrawlFailure {
    fn new(class: FailureClass, message: &str) -> CrawlFailure {
        let message = message.chars().take(MESSAGE_CHARS_MAX).collect();
        CrawlFailure { class, message, retry_after: None, is_postponed: false }
    }
}

impl From<FetchError> for CrawlFailure {
    fn from(error: FetchError) -> CrawlFailure {
        let failure = CrawlFailure::new(error.class(), &error.to_string());
        CrawlFailure { retry_after: error.retry_after(), ..failure }
    }
}

/// An article and the pages that it was read from.
#[derive(Clone, Debug)]
pub struct Crawled {
    /// The article.
    pub article: Article,
    /// What the server sent for its address; `None` when none was asked: a file, or a text out of
    /// the document of its source.
    pub page: Option<Page>,
    /// What it sent for the pages that continue it, at most [`N_PAGES_MAX`] less one.
    pub more: Vec<Page>,
}

/// Fetches the page of `entry`, or reads its file, and extracts its article, with at most
/// `n_chars_max` characters of text. Pages of the same site that continue the article are fetched
/// and joined to it. An entry that holds its text needs no page.
///
/// The article keeps the identity and address of the entry, also after redirects; the address
/// that the page names for itself, or to which they led, is in [`Article::canonical_url`]. What the
/// page does not say is taken from the entry. The extraction runs on a blocking thread. The caller
/// logs failures.
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
        _ => ask(fetcher, source, entry.url.as_str()).await?,
    };
    let started = Instant::now();
    let page_sha256 = sha256_hex(&page.body);
    let n_chars_max = n_chars_max.min(TEXT_CHARS_MAX);
    let mut extracted = read(&page, &source.extract, now).await?;
    let elapsed = started.elapsed();
    metrics::histogram!("harbinger_extract_seconds").record(elapsed.as_secs_f64());
    let n_chars = extracted.text.chars().count();
    let duration_ms = elapsed.as_millis() as u64;
    debug!(article.id = %entry.id, n_chars, duration_ms, "extracted {}", entry.url);
    let more = continue_article(fetcher, source, &mut extracted, &page, n_chars_max, now).await;
    let mut article = article(extracted, entry, page_sha256, n_chars_max, now);
    article.details.n_pages = 1 + more.len() as u32;
    let is_asked = !matches!(source.kind(), SourceKind::Folder(_));
    if is_asked {
        article.canonical_url = article.canonical_url.or_else(|| landed(&page, entry));
    }
    Ok(Crawled { article, page: is_asked.then_some(page), more })
}

/// The article of a page that somebody else fetched at `fetched_at`, by the rules of `entry`'s
/// source. Takes time; keep it off asynchronous threads.
pub fn article_of_page(
    page: &Page,
    entry: &Entry,
    rules: &ExtractRules,
    n_chars_max: usize,
    fetched_at: DateTime<Utc>,
) -> Result<Article, CrawlFailure> {
    let extracted = read_page(page, rules, fetched_at)?;
    let n_chars_max = n_chars_max.min(TEXT_CHARS_MAX);
    Ok(article(extracted, entry, sha256_hex(&page.body), n_chars_max, fetched_at))
}

/// The address to which redirects led from that of `entry`; `None` without redirects, and for the
/// front page, to which sites send those who ask for what is gone.
fn landed(page: &Page, entry: &Entry) -> Option<CanonicalUrl> {
    let landed = CanonicalUrl::parse(page.url.as_str()).ok()?;
    (landed != entry.url && page.url.path() != "/").then_some(landed)
}

async fn ask(fetcher: &Fetcher, source: &Source, url: &str) -> Result<Page, CrawlFailure> {
    page(fetcher, &FetchRequest::page(url).of_source(source)).await
}

/// Makes an unconditional request for a page that must come.
pub(crate) async fn page(fetcher: &Fetcher, request: &FetchRequest) -> Result<Page, CrawlFailure> {
    let url = &request.url;
    match fetcher.fetch(request).await? {
        FetchOutcome::Fetched(page) => Ok(page),
        FetchOutcome::NotModified(_) => {
            let message = format!("{url} answered an unconditional request with 304");
            Err(CrawlFailure::new(FailureClass::HttpOther, &message))
        }
        FetchOutcome::RateLimited { retry_after } => {
            let message = format!("{url} answered with status 429");
            let failure = CrawlFailure::new(FailureClass::Http429, &message);
            Err(CrawlFailure { retry_after: Some(retry_after), ..failure })
        }
        FetchOutcome::Postponed { wait } => {
            let n_seconds = wait.as_secs().max(1);
            let message = format!("{url} was not asked: its host's turn comes in {n_seconds} s");
            let failure = CrawlFailure::new(FailureClass::Http429, &message);
            Err(CrawlFailure { retry_after: Some(wait), is_postponed: true, ..failure })
        }
    }
}

/// As [`ask`], but waits until the host may be asked, as long as `patience` lasts: half an article
/// would stay one, since its entry is done with.
async fn ask_patiently(
    fetcher: &Fetcher,
    source: &Source,
    url: &str,
    patience: &mut Duration,
) -> Result<Page, CrawlFailure> {
    let mut n_refusals = 0;
    loop {
        let failure = match ask(fetcher, source, url).await {
            Ok(page) => return Ok(page),
            Err(failure) => failure,
        };
        n_refusals += u32::from(!failure.is_postponed);
        let wait = failure.retry_after.unwrap_or_default().max(WAIT_MIN);
        let is_limited = failure.class == FailureClass::Http429;
        if !is_limited || N_REFUSALS_MAX <= n_refusals || *patience < wait {
            return Err(failure);
        }
        *patience -= wait;
        tokio::time::sleep(wait).await;
    }
}

/// Extracts on a blocking thread, for a limited time.
async fn read(
    page: &Page,
    rules: &ExtractRules,
    now: DateTime<Utc>,
) -> Result<ExtractedPage, CrawlFailure> {
    let (page, rules) = (page.clone(), rules.clone());
    let url = page.url.clone();
    let read = on_blocking_thread(move || read_page(&page, &rules, now)).await;
    read.map_err(|it| broken(&url, &it.to_string()))?
}

/// Fetches the pages that continue the article and joins their text to it. Where one cannot be
/// had or read the article ends before it, which is logged.
async fn continue_article(
    fetcher: &Fetcher,
    source: &Source,
    extracted: &mut ExtractedPage,
    first: &Page,
    n_chars_max: usize,
    now: DateTime<Utc>,
) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let Ok(own) = CanonicalUrl::parse(first.url.as_str()) else { return pages };
    let mut seen = HashSet::from([own.clone()]);
    let mut n_chars = extracted.text.chars().count();
    let mut patience = PATIENCE;
    while let Some(next) = extracted.next_page.take() {
        let is_enough = N_PAGES_MAX <= pages.len() + 1 || n_chars_max <= n_chars;
        if is_enough || !next.is_same_site(&own) || !seen.insert(next.clone()) {
            break;
        }
        let page = match ask_patiently(fetcher, source, next.as_str(), &mut patience).await {
            Ok(page) => page,
            Err(failure) => {
                warn!("the article at {own} is kept without its page {next}: {failure}");
                break;
            }
        };
        let landed = CanonicalUrl::parse(page.url.as_str());
        let is_new =
            landed.is_ok_and(|it| it.is_same_site(&own) && (it == next || seen.insert(it)));
        if !is_new {
            break;
        }
        let more = match read(&page, &source.extract, now).await {
            Ok(more) => more,
            Err(failure) => {
                warn!("the article at {own} is kept without its page {next}: {failure}");
                break;
            }
        };
        let n_new = join(&mut extracted.text, &more.text);
        if n_new == 0 {
            break; // Its number pages something else, such as comments, or nothing.
        }
        n_chars += n_new;
        extracted.is_paywall_stub |= more.is_paywall_stub;
        extracted.next_page = more.next_page;
        pages.push(page);
    }
    pages
}

/// Adds the paragraphs of `more` to `text`, without those that every page of the article repeats;
/// answers how many characters that were.
fn join(text: &mut String, more: &str) -> usize {
    let known: HashSet<&str> = text.lines().collect();
    let new: Vec<&str> = more.lines().filter(|it| !known.contains(it)).collect();
    let mut n_chars = 0;
    for line in &new {
        text.push('\n');
        text.push_str(line);
        n_chars += 1 + line.chars().count();
    }
    n_chars
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
        details: Details::default(),
    };
    Crawled { article, page: None, more: Vec::new() }
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
    let details = Details {
        modified_at: page.modified_at.map(|it| it.to_utc()).and_then(|it| plausible(it, now)),
        image: page.image.filter(|it| it.len() <= IMAGE_BYTES_MAX),
        section: page.section,
        tags: page.tags,
        is_paywall_stub: page.is_paywall_stub,
        n_pages: 1,
    };
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
        details,
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
