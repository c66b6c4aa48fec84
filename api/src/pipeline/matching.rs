//! Saved searches against new articles: part of the correlate stage, so that alerts are recorded
//! in the transaction that records the annotation.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use config::{AlertUnit, SavedSearch};
use index::archive::Archive;
use index::archive::alerts::{Match, MatchItem};
use index::archive::annotations::CorrelatedArticle;
use index::matching::explain::{Explainer, sentence_at, statement_at};
use index::matching::novelty::{Claim, claims};
use index::{Countries, Matcher, StoredArticle};
use ingest::Article;
use tracing::warn;

use crate::roster::Roster;
use crate::submitted;

/// Changes of saved searches read at once.
const N_CHANGES_PER_READ: usize = 1_000;

/// All enabled saved searches, as new as the archive.
#[derive(Default)]
pub struct SavedSearches {
    matcher: Matcher,
    version: i64,
    spent: Spent,
}

/// Where the time of [`SavedSearches::matches`] went, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Finding which saved searches match.
    pub matcher: Duration,
    /// Reading those that do from the archive.
    pub reading: Duration,
    /// Finding why, and in which statements.
    pub reasons: Duration,
}

impl SavedSearches {
    /// No searches yet; [`SavedSearches::refresh`] brings them.
    pub fn new() -> SavedSearches {
        SavedSearches::default()
    }

    /// Learns of every change since the last time.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub async fn refresh(&mut self, archive: &Archive) -> anyhow::Result<()> {
        loop {
            let read = archive.search_changes(self.version, N_CHANGES_PER_READ).await;
            let (changes, version) = read.context("saved searches could not be read")?;
            if changes.is_empty() {
                return Ok(());
            }
            for change in changes {
                match change.search {
                    Some(search) => {
                        if let Err(error) = self.matcher.add(&search) {
                            warn!(search.id = %change.id, %error, "a saved search is left out");
                        }
                    }
                    None => drop(self.matcher.remove(change.id.as_str())),
                }
            }
            self.version = version;
        }
    }

    /// The saved searches that match `stored`, with reasons; what is news is for the archive to
    /// say.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub async fn matches(
        &mut self,
        archive: &Archive,
        stored: &StoredArticle,
        is_backfilled: bool,
        now: DateTime<Utc>,
    ) -> anyhow::Result<Vec<Match>> {
        let started = Instant::now();
        let ids = self.matcher.matches(stored, now);
        self.spent.matcher += started.elapsed();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let started = Instant::now();
        let read = archive.saved_searches_among(&ids).await;
        let records = read.context("saved searches could not be read")?;
        self.spent.reading += started.elapsed();
        let started = Instant::now();
        let asked = records.into_iter().filter(|it| !is_backfilled || it.search.backfill);
        let (searches, created): (Vec<SavedSearch>, Vec<DateTime<Utc>>) =
            asked.map(|it| (it.search, it.created_at)).unzip();
        let found = items(&searches, stored, now);
        let matches = searches.into_iter().zip(created).zip(found);
        let matches = matches.filter(|(_, items)| !items.is_empty());
        let matches: Vec<Match> = matches
            .map(|((search, created_at), items)| matched(search, created_at, stored, items))
            .collect();
        self.spent.reasons += started.elapsed();
        Ok(matches)
    }

    /// What `own` brings, the article with its own names, and [`SavedSearches::matches`] did not find
    /// with those of its story: a search for the short name finds it too.
    ///
    /// # Errors
    /// When the archive cannot be read.
    pub async fn add_matches_of(
        &mut self,
        archive: &Archive,
        own: &StoredArticle,
        is_backfilled: bool,
        now: DateTime<Utc>,
        matches: &mut Vec<Match>,
    ) -> anyhow::Result<()> {
        for mut found in self.matches(archive, own, is_backfilled, now).await? {
            match matches.iter_mut().find(|it| it.search.id == found.search.id) {
                Some(known) => {
                    found.items.retain(|it| known.items.iter().all(|has| has.place != it.place));
                    known.items.append(&mut found.items);
                }
                None => matches.push(found),
            }
        }
        Ok(())
    }

    /// Where the time of all calls of [`SavedSearches::matches`] went.
    pub fn spent(&self) -> Spent {
        self.spent
    }
}

fn matched(
    search: SavedSearch,
    search_created_at: DateTime<Utc>,
    stored: &StoredArticle,
    items: Vec<MatchItem>,
) -> Match {
    let article = &stored.article;
    Match {
        search,
        search_created_at,
        article: article.id,
        title: article.title.clone(),
        url: article.url.to_string(),
        source: article.source.clone(),
        source_name: stored.source_name.clone(),
        dated_at: article.published_at.unwrap_or(article.fetched_at),
        items,
    }
}

/// What of `stored` makes an alert of each of `searches`: the article, or each statement that fits,
/// those with names first.
pub(crate) fn items(
    searches: &[SavedSearch],
    stored: &StoredArticle,
    now: DateTime<Utc>,
) -> Vec<Vec<MatchItem>> {
    let mut explainer = Explainer::new(searches, stored, now);
    let searches = searches.iter().enumerate();
    searches.map(|(n, it)| items_of(n, it.unit, &mut explainer, stored)).collect()
}

fn items_of(
    n: usize,
    unit: AlertUnit,
    explainer: &mut Explainer,
    stored: &StoredArticle,
) -> Vec<MatchItem> {
    if unit != AlertUnit::Statement {
        let (place, sentence) = (String::new(), String::new());
        let reasons = explainer.reasons(n, None);
        return vec![MatchItem { place, sentence, reasons, claims: Vec::new() }];
    }
    let found = explainer.statements(n).into_iter().filter_map(|place| {
        let statement = statement_at(stored, place)?;
        let part = if place.0 { 't' } else { 'b' };
        Some(MatchItem {
            place: format!("{part}{}", place.1),
            sentence: sentence_at(stored, place),
            reasons: explainer.reasons(n, Some(place)),
            claims: claims(statement, |id| stored.countries.get(id)),
        })
    });
    let mut items: Vec<MatchItem> = found.collect();
    // What names the parties is news; what only describes them afterwards is not.
    let n_named = |it: &MatchItem| it.claims.iter().map(Claim::n_named).max();
    items.sort_by_key(|it| std::cmp::Reverse(n_named(it)));
    items
}

/// The article as the search index will know it, but with its own names.
pub(super) fn stored(
    article: Article,
    correlated: &CorrelatedArticle,
    roster: &Roster,
    countries: &Countries,
) -> StoredArticle {
    let listed = submitted::about(roster, &article.source);
    let source = listed.as_ref().map(|it| &it.source);
    let mut stored = StoredArticle {
        source_name: source.map_or_else(|| article.source.to_string(), |it| it.name.clone()),
        source_country: source.and_then(|it| it.country.clone()),
        is_sample: source.is_some_and(|it| it.sample),
        annotation: Some(correlated.annotation.clone()),
        story: Some(correlated.story.clone()),
        index_seq: None,
        countries: BTreeMap::new(),
        article,
    };
    countries.fill(&mut stored);
    stored
}

/// Whether an article was published more than `days` before it was fetched, the setting
/// `alerts.backfill_after_days`. One without a date counts as new.
pub(crate) fn is_backfilled(
    published_at: Option<DateTime<Utc>>,
    fetched_at: DateTime<Utc>,
    days: u32,
) -> bool {
    published_at.is_some_and(|it| it + TimeDelta::days(days.into()) < fetched_at)
}

#[cfg(test)]
mod tests {
    use config::{Config, Source, SourceId};
    use index::ArchiveSettings;
    use index::archive::added_sources::AddedBy;
    use index::archive::searches::Expect;
    use ingest::CanonicalUrl;
    use nlp::Annotation;

    use super::*;

    fn article(source: &str) -> Article {
        let url = CanonicalUrl::parse("https://desk.example/1").unwrap();
        Article {
            id: ingest::ArticleId::of(&url),
            url,
            canonical_url: None,
            source: SourceId::new(source),
            title: "Grid warned".to_owned(),
            authors: Vec::new(),
            text: "Operators of the grid were warned.".to_owned(),
            language: Some("en".to_owned()),
            site_name: None,
            published_at: None,
            fetched_at: DateTime::UNIX_EPOCH,
            page_sha256: String::new(),
            details: Default::default(),
        }
    }

    fn stored_of(article: Article, roster: &Roster) -> StoredArticle {
        let correlated = CorrelatedArticle {
            article: article.id,
            annotation: Annotation::default(),
            embedding: Vec::new(),
            story: nlp::story::StoryId::founded_by(&article.id.to_string()),
            headline: None,
            copy_of: None,
            merged: Vec::new(),
            split: None,
        };
        stored(article, &correlated, roster, &Countries::of(&[]))
    }

    #[test]
    fn an_article_that_was_published_long_before_it_was_fetched_is_backfilled() {
        let fetched_at = DateTime::UNIX_EPOCH;
        let is_old = |hours: i64| {
            let published_at = fetched_at - TimeDelta::hours(hours);
            is_backfilled(Some(published_at), fetched_at, 7)
        };
        assert!(!is_old(0));
        assert!(!is_old(7 * 24));
        assert!(is_old(7 * 24 + 1));
        assert!(!is_old(-30 * 24), "dated ahead");
        assert!(!is_backfilled(None, fetched_at, 7), "without a date");
    }

    #[tokio::test]
    async fn what_is_backfilled_matches_only_where_a_search_asks_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
        let now = DateTime::UNIX_EPOCH;
        let news = SavedSearch::new("news", "grid");
        let all = SavedSearch { backfill: true, ..SavedSearch::new("all", "grid") };
        for search in [&news, &all] {
            archive.save_search(search, Expect::New, now).await.unwrap();
        }
        let mut searches = SavedSearches::new();
        searches.refresh(&archive).await.unwrap();
        let roster = Roster::new(&Config::builtin().unwrap(), now.date_naive());
        let stored = stored_of(article("desk"), &roster);
        for (is_old, expected) in [(true, vec!["all"]), (false, vec!["all", "news"])] {
            let matches = searches.matches(&archive, &stored, is_old, now).await.unwrap();
            let mut ids: Vec<&str> = matches.iter().map(|it| it.search.id.as_str()).collect();
            ids.sort_unstable();
            assert_eq!(ids, expected);
        }
    }

    #[tokio::test]
    async fn searches_know_the_name_and_country_of_sources_that_were_added() {
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&ArchiveSettings::in_folder(folder.path())).await.unwrap();
        let mut config = Config::builtin().unwrap();
        config.sources.clear();
        let now = DateTime::UNIX_EPOCH;
        let roster = Roster::new(&config, now.date_naive());
        let desk = Source {
            name: "The Desk".to_owned(),
            country: Some("IE".to_owned()),
            ..Source::new("desk", "https://desk.example/feed".parse().unwrap())
        };
        archive.add_sources(&[desk], AddedBy::Api, "ana", now).await.unwrap();
        roster.refresh(&archive).await.unwrap();
        let about = |source: &str| {
            let stored = stored_of(article(source), &roster);
            (stored.source_name, stored.source_country)
        };
        let desk = ("The Desk".to_owned(), Some("IE".to_owned()));
        assert_eq!(about("desk"), desk);
        assert_eq!(about("submitted"), ("Single pages".to_owned(), None));
        assert_eq!(about("import"), ("import".to_owned(), None));
        archive.pause_source(&"desk".into(), true, now).await.unwrap();
        roster.refresh(&archive).await.unwrap();
        assert_eq!(about("desk"), desk, "what was fetched before the pause is from there too");
    }
}
