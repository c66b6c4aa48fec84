//! A source tried out: what polling and crawling it would bring, step by step, storing nothing.

mod report;

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use config::settings::PollSettings;
use config::{Source, SourceKind};
use url::Url;

pub use report::{Outcome, Step, Trial, TriedArticle, TriedEntry, TriedFeed};

use crate::article::Entry;
use crate::canonical_url::site_of;
use crate::crawl::{self, crawl_entry};
use crate::discover::{Discovery, FoundKind, discover_from};
use crate::fetch::{FetchKind, FetchRequest, Fetcher, Page};
use crate::poll::{PollOutcome, PollResult, try_poll};

/// Entries that are shown.
const N_ENTRIES_SHOWN: usize = 10;
/// Articles that are fetched.
const N_ARTICLES: usize = 2;
/// Pause between two requests to one host, in place of the longer one of a crawl.
const INTERVAL_MS: u32 = 1_000;
/// Shorter articles are a sign of a paywall, a consent page or a list.
const TEXT_CHARS_FEW: usize = 300;
/// A list whose newest entry is older is not kept up.
const STALE_AFTER_DAYS: i64 = 30;

/// Tries `source` out; ends after about `time_max`, with what was found until then.
///
/// Obeys everything that polls and crawls obey, and asks for each address once: the source's own, up
/// to a dozen more to find the feed of a site, ten sitemaps of an index, and the pages of the first
/// two articles. Counts in no metric of polls.
pub async fn try_source(
    fetcher: &Fetcher,
    source: &Source,
    settings: &PollSettings,
    now: DateTime<Utc>,
    time_max: Duration,
) -> Trial {
    let mut source = source.clone();
    source.host_interval_ms.get_or_insert(INTERVAL_MS);
    let ends_at = Instant::now() + time_max;
    let mut run = Run { fetcher, settings, now, ends_at, trial: Trial::default() };
    if let Some((polled, document)) = run.reach(&source).await {
        run.poll(&polled, document.as_ref()).await;
    }
    run.trial
}

struct Run<'a> {
    fetcher: &'a Fetcher,
    settings: &'a PollSettings,
    now: DateTime<Utc>,
    ends_at: Instant,
    trial: Trial,
}

impl Run<'_> {
    /// Checks and asks the address; returns the source that is polled in the end, and its document.
    async fn reach(&mut self, source: &Source) -> Option<(Source, Option<Page>)> {
        let started = Instant::now();
        let kind = source.kind();
        let Some(url) = kind.url() else {
            self.note("address", Outcome::Good, format!("a folder: {}", source.address()), started);
            return Some((source.clone(), None));
        };
        let host = url.host_str().unwrap_or_default();
        let said = format!("{url}, a {} on {host}", kind.name());
        self.note("address", Outcome::Good, said, started);
        let is_page = matches!(kind, SourceKind::Site(_) | SourceKind::Listing(_));
        let request = FetchRequest {
            kind: if is_page { FetchKind::Page } else { FetchKind::Feed },
            ..FetchRequest::feed(url.as_str()).of_source(source)
        };
        self.robots(url, &request).await?;
        let page = self.fetch(&request).await?;
        match kind {
            SourceKind::Site(_) => self.discover(source, &request, &page).await,
            _ => Some((source.clone(), Some(page))),
        }
    }

    /// What robots.txt says; it binds pages only.
    async fn robots(&mut self, url: &Url, request: &FetchRequest) -> Option<()> {
        let started = Instant::now();
        let facts = self.within("robots", self.fetcher.robots(url, request)).await?;
        let delay = facts.crawl_delay.as_secs();
        let (outcome, said) = match facts.refusal {
            None if 5 < delay => {
                let said = format!("robots.txt allows it, one request each {delay} s");
                (Outcome::Warning, said)
            }
            None => (Outcome::Good, "robots.txt allows it".to_owned()),
            Some(class) if request.kind == FetchKind::Page && self.fetcher.respects_robots() => {
                (Outcome::Failed, format!("robots.txt: {}", class.name().replace('_', " ")))
            }
            Some(class) => {
                let said = format!(
                    "robots.txt: {}, which does not bind here",
                    class.name().replace('_', " ")
                );
                (Outcome::Warning, said)
            }
        };
        self.note("robots", outcome, said, started);
        (outcome != Outcome::Failed).then_some(())
    }

    /// Asks for the address.
    async fn fetch(&mut self, request: &FetchRequest) -> Option<Page> {
        let started = Instant::now();
        let fetched = self.within("fetch", crawl::page(self.fetcher, request)).await?;
        let (outcome, said, page) = match fetched {
            Ok(page) => {
                let kind = page.content_type.clone().unwrap_or_else(|| "no type".to_owned());
                let said = format!("{}, {kind}, {} bytes", page.status, page.body.len());
                let is_moved = page.url.as_str() != request.url;
                match &page.moved_permanently_to {
                    Some(to) => {
                        (Outcome::Warning, format!("{said}; moved for good to {to}"), Some(page))
                    }
                    None if is_moved => {
                        (Outcome::Good, format!("{said}, by way of {}", page.url), Some(page))
                    }
                    None => (Outcome::Good, said, Some(page)),
                }
            }
            Err(failure) => (Outcome::Failed, failure.message, None),
        };
        self.note("fetch", outcome, said, started);
        page
    }

    /// Looks for the feed or sitemap of a site; returns the source with that address, and what is
    /// there.
    async fn discover(
        &mut self,
        source: &Source,
        request: &FetchRequest,
        page: &Page,
    ) -> Option<(Source, Option<Page>)> {
        let started = Instant::now();
        let looking = discover_from(self.fetcher, request, page);
        let discovery: Discovery = self.within("discover", looking).await?;
        self.trial.is_feed_itself = discovery.is_itself;
        self.trial.title = discovery.title;
        self.trial.language = discovery.language.as_deref().and_then(iso_639);
        self.trial.feeds = discovery.found.iter().map(TriedFeed::from).collect();
        let Some(best) = discovery.found.into_iter().next() else {
            let n_tried = discovery.missed.len();
            let first = discovery.missed.first().map(|it| format!(": {}", it.reason));
            let said = format!(
                "no feed or sitemap; {n_tried} addresses were tried in vain{}",
                first.unwrap_or_default()
            );
            self.note("discover", Outcome::Failed, said, started);
            return None;
        };
        let kind = if best.kind == FoundKind::Feed { "feed" } else { "sitemap" };
        let others = self.trial.feeds.len() - 1;
        let others =
            if others == 0 { String::new() } else { format!("; {others} more to choose from") };
        let said = format!("{kind} {}, {}{others}", best.url, best.how);
        self.note("discover", Outcome::Good, said, started);
        self.trial.title = best.title.clone().or(self.trial.title.take());
        let language = best.language.as_deref().and_then(iso_639);
        self.trial.language = language.or(self.trial.language.take());
        let mut polled = source.clone();
        polled.site_url = None;
        match best.kind {
            FoundKind::Feed => polled.feed_url = Some(best.url),
            FoundKind::Sitemap => polled.sitemap_url = Some(best.url),
        }
        Some((polled, discovery.document))
    }

    /// Polls the source as the pipeline would, and reads its first articles.
    async fn poll(&mut self, source: &Source, document: Option<&Page>) {
        self.trial.kind = Some(source.kind().name().to_owned());
        self.trial.address = Some(source.address());
        let started = Instant::now();
        let (fetcher, settings, now) = (self.fetcher, self.settings, self.now);
        let polling = Box::pin(try_poll(fetcher, source, settings, document, now));
        let Some(outcome) = self.within("entries", polling).await else { return };
        let (worth, said) = self.judge(source, &outcome);
        self.note("entries", worth, said, started);
        self.trial.n_entries = outcome.entries.len();
        let shown = outcome.entries.iter().take(N_ENTRIES_SHOWN);
        self.trial.entries = shown
            .map(|it| TriedEntry {
                url: it.url.to_string(),
                title: it.title.clone(),
                published_at: it.published_at,
            })
            .collect();
        for entry in outcome.entries.iter().take(N_ARTICLES) {
            self.article(source, entry).await;
        }
        if let Some(at) = outcome.state.next_poll_at.filter(|_| !outcome.entries.is_empty()) {
            let n_minutes = (at - now).num_minutes();
            self.trial.next_poll_at = Some(at);
            let said = format!("it would be asked again in {n_minutes} minutes");
            self.note("schedule", Outcome::Good, said, Instant::now());
        }
        if self.trial.language.is_none() {
            self.trial.language = self.trial.articles.iter().find_map(|it| it.language.clone());
        }
    }

    /// What is to be said about a poll.
    fn judge(&self, source: &Source, outcome: &PollOutcome) -> (Outcome, String) {
        match &outcome.result {
            PollResult::Failed { message, .. } => return (Outcome::Failed, message.clone()),
            PollResult::Postponed => {
                return (Outcome::Failed, "the host is to be left alone for a while".to_owned());
            }
            _ => {}
        }
        let entries = &outcome.entries;
        if entries.is_empty() {
            return (Outcome::Warning, "it can be read, but lists nothing now".to_owned());
        }
        let n_dated = entries.iter().filter(|it| it.published_at.is_some()).count();
        let n_titled = entries.iter().filter(|it| it.title.is_some()).count();
        let newest = entries.iter().filter_map(|it| it.published_at).max();
        let mut said =
            format!("{} entries, {n_titled} with a headline, {n_dated} with a date", entries.len());
        let mut worth = Outcome::Good;
        if let Some(newest) = newest {
            said.push_str(&format!("; the newest is of {}", newest.format("%Y-%m-%d")));
            if TimeDelta::days(STALE_AFTER_DAYS) < self.now - newest {
                worth = Outcome::Warning;
                said.push_str(", long ago");
            }
        }
        let home = source.kind().url().map(site_of);
        let is_elsewhere =
            |it: &&Entry| home.as_ref().is_some_and(|home| site_of(&it.url.to_url()) != *home);
        let n_elsewhere = entries.iter().filter(is_elsewhere).count();
        if entries.len() < n_elsewhere * 2 {
            worth = Outcome::Warning;
            said.push_str(&format!("; {n_elsewhere} of them lead to other sites"));
        }
        (worth, said)
    }

    async fn article(&mut self, source: &Source, entry: &Entry) {
        let started = Instant::now();
        let crawling = crawl_entry(self.fetcher, source, entry, usize::MAX, self.now);
        let Some(crawled) = self.within("article", crawling).await else { return };
        let article = match crawled {
            Ok(crawled) => crawled.article,
            Err(failure) => return self.note("article", Outcome::Failed, failure.message, started),
        };
        let n_chars = article.text.chars().count();
        let day = article.published_at.map(|it| it.format("%Y-%m-%d").to_string());
        let mut doubts = Vec::new();
        if n_chars < TEXT_CHARS_FEW {
            doubts.push("little text: a paywall, a consent page or a list?");
        }
        if article.title.is_empty() {
            doubts.push("no headline");
        }
        if day.is_none() {
            doubts.push("no date");
        }
        let said = format!(
            "“{}”, {}, {n_chars} characters{}{}",
            article.title.chars().take(120).collect::<String>(),
            day.as_deref().unwrap_or("undated"),
            if doubts.is_empty() { "" } else { "; " },
            doubts.join("; "),
        );
        let worth = if doubts.is_empty() { Outcome::Good } else { Outcome::Warning };
        self.note("article", worth, said, started);
        self.trial.articles.push(TriedArticle {
            url: article.url.to_string(),
            title: article.title,
            published_at: article.published_at,
            authors: article.authors,
            language: article.language,
            n_chars,
            beginning: article.text.chars().take(300).collect(),
        });
    }

    /// Waits for `work`, unless the time is over; then the step says so.
    async fn within<T>(&mut self, name: &str, work: impl Future<Output = T>) -> Option<T> {
        let started = Instant::now();
        let left = self.ends_at.saturating_duration_since(started);
        match tokio::time::timeout(left, work).await {
            Ok(done) => Some(done),
            Err(_) => {
                let said = "the time for a trial is over; the site answers slowly, or asks for long pauses";
                self.note(name, Outcome::Warning, said.to_owned(), started);
                None
            }
        }
    }

    fn note(&mut self, name: &str, outcome: Outcome, message: String, started: Instant) {
        let duration_ms = started.elapsed().as_millis() as u64;
        let message = message.chars().take(1_000).collect();
        self.trial.steps.push(Step { name: name.to_owned(), outcome, message, duration_ms });
    }
}

/// The language of a tag such as `en-GB`, when it has two letters.
fn iso_639(tag: &str) -> Option<String> {
    let language = tag.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let is_code = language.len() == 2 && language.bytes().all(|it| it.is_ascii_lowercase());
    is_code.then_some(language)
}
