//! Sitemaps: one with pages, or an index whose sitemaps are read a few at a time.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use tracing::warn;
use url::Url;

use super::{Asked, Poll, PollOutcome, PollResult, SitemapPart, SourceState};
use crate::article::{ArticleId, Entry};
use crate::blocking::on_blocking_thread;
use crate::canonical_url::{CanonicalUrl, site_of};
use crate::date::plausible;
use crate::failure::FailureClass;
use crate::fetch::{FetchKind, FetchOutcome, FetchRequest, Page};
use crate::plain_text::squeeze;
use crate::sitemap::{self, Listed, Sitemap};

/// Sitemaps of an index that one poll reads.
const N_PARTS_READ: usize = 10;
/// Sitemaps of an index that are remembered; those changed last.
const N_PARTS_MAX: usize = 500;
/// Pages without a date that one sitemap brings in a poll: nobody knows which of them are new.
const N_UNDATED_MAX: usize = 100;
/// Pages without a date that are remembered. A sitemap with more brings none of them, since pages
/// that were forgotten would look new.
const N_UNDATED_REMEMBERED: usize = 20_000;
/// Characters of a headline that are kept.
const TITLE_CHARS_MAX: usize = 500;

impl Poll<'_> {
    /// Polls the sitemap or index at `url`.
    pub(super) async fn sitemap(&self, state: &SourceState, url: &Url) -> PollOutcome {
        let page = match self.ask(state, url, FetchKind::Feed).await {
            Asked::Page(page) => page,
            // An index seldom changes when the sitemaps in it do.
            Asked::Over(it) if is_untouched(&it) && !state.parts.is_empty() => {
                let next = SourceState {
                    etag: it.state.etag,
                    last_modified: it.state.last_modified,
                    fresh_for_seconds: it.state.fresh_for_seconds,
                    ..state.clone()
                };
                return self.parts(state, next).await;
            }
            Asked::Over(outcome) => return outcome,
        };
        let (mut next, is_same) = self.arrived(state, url, &page);
        if is_same && state.parts.is_empty() {
            return self.succeeded(&next, PollResult::Unchanged);
        }
        match parse(&page).await {
            Ok(Sitemap::Pages(listed)) => {
                next.parts = Vec::new();
                let entries = self.pages(&mut next, listed, &page.url);
                self.listed(state, next, entries)
            }
            Ok(Sitemap::Index(listed)) => {
                next.parts = merged(&state.parts, &listed, &page.url);
                self.parts(state, next).await
            }
            Err((class, message)) => self.failed(state, class, &message, None),
        }
    }

    /// Reads the sitemaps of an index that may have changed, those changed last first.
    async fn parts(&self, state: &SourceState, mut next: SourceState) -> PollOutcome {
        let mut entries: Vec<Entry> = Vec::new();
        let (mut n_read, mut failure) = (0, None);
        let (mut has_answered, mut is_any_read) = (false, false);
        for at in self.order(&next) {
            if N_PARTS_READ <= n_read {
                break;
            }
            n_read += 1;
            let part = next.parts[at].clone();
            let request = FetchRequest {
                etag: part.etag.clone(),
                last_modified: part.last_modified.clone(),
                ..self.request(&part.url, FetchKind::Feed)
            };
            match self.fetcher.fetch(&request).await {
                Ok(FetchOutcome::NotModified(renewal)) => {
                    has_answered = true;
                    next.parts[at].was_renewed(renewal, self.now);
                }
                Ok(FetchOutcome::RateLimited { retry_after }) if !is_any_read => {
                    return self.rate_limited(&next, &part.url, retry_after);
                }
                Ok(FetchOutcome::Postponed { wait }) if !is_any_read => {
                    return self.postponed(&next, wait);
                }
                Ok(FetchOutcome::RateLimited { .. } | FetchOutcome::Postponed { .. }) => break,
                Err(error) => {
                    failure = Some(self.part_failed(&mut next.parts[at], error.class(), &error));
                }
                Ok(FetchOutcome::Fetched(page)) => match parse(&page).await {
                    Err((class, message)) => {
                        failure = Some(self.part_failed(&mut next.parts[at], class, &message));
                    }
                    // Nothing in the protocol allows it, and one level is enough for anybody.
                    Ok(Sitemap::Index(_)) => {
                        has_answered = true;
                        next.parts[at].was_read(self.now);
                    }
                    Ok(Sitemap::Pages(listed)) => {
                        (has_answered, is_any_read) = (true, true);
                        entries.extend(self.pages(&mut next, listed, &page.url));
                        let part = &mut next.parts[at];
                        part.was_read(self.now);
                        (part.etag, part.last_modified) = (page.etag, page.last_modified);
                    }
                },
            }
        }
        match failure {
            Some((class, message)) if !has_answered => {
                // The index still names it, so that the source is not gone for good.
                let is_gone = class == FailureClass::Http410;
                let class = if is_gone { FailureClass::Http404 } else { class };
                let state = SourceState { parts: next.parts, ..state.clone() };
                self.failed(&state, class, &message, None)
            }
            _ if !is_any_read => self.succeeded(&next, PollResult::NotModified),
            _ => {
                let mut seen = BTreeSet::new();
                entries.retain(|it| seen.insert(it.id));
                entries.sort_by_key(|it| Reverse(it.published_at));
                let outcome = self.listed(state, next, entries);
                // The entries of sitemaps that were not read now stay known.
                remembering(outcome, &state.last_entries)
            }
        }
    }

    /// Notes that `part` could not be read; others then come before it.
    fn part_failed(
        &self,
        part: &mut SitemapPart,
        class: FailureClass,
        error: &dyn std::fmt::Display,
    ) -> (FailureClass, String) {
        part.failed_at = Some(self.now);
        warn!(
            failure.class = class.name(),
            "a sitemap of source {} cannot be read: {error}", self.source.id,
        );
        (class, error.to_string())
    }

    /// The sitemaps that may have changed since they were read, in the order of reading.
    fn order(&self, state: &SourceState) -> Vec<usize> {
        let (parts, oldest) = (&state.parts, self.oldest(state));
        let may_be_new = |part: &SitemapPart| match (part.changed_at, part.read_at) {
            (Some(changed_at), _) if oldest.is_some_and(|it| changed_at < it) => false,
            // Many indexes name the day only.
            (Some(changed_at), Some(read_at)) => read_at < changed_at + TimeDelta::days(1),
            _ => true,
        };
        let mut order: Vec<usize> = (0..parts.len()).filter(|at| may_be_new(&parts[*at])).collect();
        // Undated ones take turns: those asked longest ago first; failing ones take turns with them.
        order.sort_by_key(|at| {
            let part = &parts[*at];
            let changed_at = part.changed_at.filter(|_| part.failed_at.is_none());
            (Reverse(changed_at), part.read_at.max(part.failed_at))
        });
        order
    }

    /// The entries of a sitemap: pages of its own site, newest first, without those that are too
    /// old. Of undated pages that were not listed before only some are taken; all of them are noted
    /// in `state`.
    fn pages(&self, state: &mut SourceState, mut listed: Vec<Listed>, base: &Url) -> Vec<Entry> {
        let oldest = self.oldest(state);
        listed.retain(|it| match (it.dated_at(), oldest) {
            (Some(dated_at), Some(oldest)) => oldest <= dated_at,
            _ => true,
        });
        listed.sort_by_key(|it| Reverse(it.dated_at()));
        let n_undated = listed.iter().filter(|it| it.dated_at().is_none()).count();
        let n_taken_max = if n_undated <= N_UNDATED_REMEMBERED {
            N_UNDATED_MAX
        } else {
            warn!(
                "{base} of source {} lists {n_undated} pages without a date: too many to tell new \
                 ones from old ones, so none of them is taken",
                self.source.id,
            );
            0
        };
        let taken = state.last_entries.iter().map(|it| it.short());
        let before: BTreeSet<u32> = state.undated.iter().copied().chain(taken).collect();
        let site = site_of(base);
        let (mut seen, mut undated) = (BTreeSet::new(), BTreeSet::new());
        let mut entries = Vec::new();
        let mut n_taken = 0;
        for page in listed {
            let Ok(url) = CanonicalUrl::join(base, &page.address) else { continue };
            let id = ArticleId::of(&url);
            if site_of(&url.to_url()) != site || !seen.insert(id) {
                continue;
            }
            if page.dated_at().is_none() {
                undated.insert(id.short());
                if before.contains(&id.short()) || n_taken_max <= n_taken {
                    continue;
                }
                n_taken += 1;
            }
            if entries.len() < self.settings.n_entries_max {
                entries.push(self.entry(id, url, page));
            }
        }
        // Those listed now come last, so that they are forgotten last.
        state.undated.retain(|it| !undated.contains(it));
        state.undated.extend(undated);
        let n_too_many = state.undated.len().saturating_sub(N_UNDATED_REMEMBERED);
        state.undated.drain(..n_too_many);
        entries
    }

    fn entry(&self, id: ArticleId, url: CanonicalUrl, page: Listed) -> Entry {
        let title = page.title.map(|it| squeeze(&it).chars().take(TITLE_CHARS_MAX).collect());
        Entry {
            id,
            url,
            source: self.source.id.clone(),
            title: title.filter(|it: &String| !it.is_empty()),
            summary: None,
            // The last change of a page is no date of publication.
            published_at: page.published_at.and_then(|it: DateTime<Utc>| plausible(it, self.now)),
            guid: None,
            text: None,
        }
    }
}

/// The outcome with `more` ids among those that are known from now on.
fn remembering(mut outcome: PollOutcome, more: &[ArticleId]) -> PollOutcome {
    let last_entries = &mut outcome.state.last_entries;
    let mut known: BTreeSet<ArticleId> = last_entries.iter().copied().collect();
    let n_left = super::N_REMEMBERED.saturating_sub(last_entries.len());
    last_entries.extend(more.iter().filter(|it| known.insert(**it)).take(n_left));
    outcome
}

fn is_untouched(outcome: &PollOutcome) -> bool {
    outcome.result == PollResult::NotModified
}

async fn parse(page: &Page) -> Result<Sitemap, (FailureClass, String)> {
    let (body, content_type) = (page.body.clone(), page.content_type.clone());
    let read = on_blocking_thread(move || sitemap::parse(&body, content_type.as_deref())).await;
    match read {
        Ok(read) => read.map_err(|it| (it.class(), format!("{}: {it}", page.url))),
        Err(broken) => Err((FailureClass::Extractor, format!("{}: {broken}", page.url))),
    }
}

/// The sitemaps of the index as it is now, with what is known of those that were there before.
/// Sitemaps of other sites are left out.
fn merged(before: &[SitemapPart], listed: &[Listed], base: &Url) -> Vec<SitemapPart> {
    let site = site_of(base);
    let mut seen = BTreeSet::new();
    let mut parts: Vec<SitemapPart> = Vec::new();
    for it in listed {
        let Ok(url) = base.join(it.address.trim()) else { continue };
        let is_own = matches!(url.scheme(), "http" | "https") && site_of(&url) == site;
        if !is_own || !seen.insert(url.clone()) {
            continue;
        }
        let known = before.iter().find(|it| it.url == url.as_str());
        let part = known
            .cloned()
            .unwrap_or_else(|| SitemapPart { url: url.to_string(), ..SitemapPart::default() });
        parts.push(SitemapPart { changed_at: it.dated_at(), ..part });
    }
    parts.sort_by_key(|it| Reverse(it.changed_at));
    parts.truncate(N_PARTS_MAX);
    parts
}
