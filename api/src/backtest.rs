//! What a saved search would have brought, had it been there: asked of the index, before saving.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use config::{AlertUnit, SavedSearch};
use index::archive::alerts::MatchItem;
use index::search::{DateField, Hit, SearchRequest, Sort};
use index::{FilterField, StoredArticle};
use serde::Serialize;

use crate::error::ApiError;
use crate::handlers::progress::Progress;
use crate::handlers::search;
use crate::pipeline::matching::{is_backfilled, items};
use crate::state::AppState;

/// Days looked back when the caller does not say.
pub(crate) const DAYS_DEFAULT: u32 = 90;
/// Days looked back at most.
pub(crate) const DAYS_MAX: u32 = 3_650;
/// Articles looked at, at most.
const N_ARTICLES_MAX: usize = 2_000;
/// Articles whose statements are looked at, at most.
const N_READ_MAX: usize = 500;
const N_PER_PAGE: usize = 200;
/// Articles whose statements are looked at between two words on how far it is.
const N_READ_PER_STEP: usize = 10;
const N_EXAMPLES_MAX: usize = 10;

/// What a saved search would have brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Backtest {
    /// Days looked back.
    pub(crate) days: u32,
    /// Alerts.
    pub(crate) would_fire: u64,
    /// Articles that match.
    pub(crate) n_articles: u64,
    /// Stories of the articles that were looked at and may raise alerts.
    pub(crate) n_stories: u64,
    /// Whether there were too many to look at, so that the numbers are lower bounds.
    pub(crate) is_lower_bound: bool,
    /// All of it in one sentence.
    pub(crate) summary: String,
    /// The newest alerts, at most 10.
    pub(crate) examples: Vec<Example>,
}

/// An alert that would have been.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Example {
    /// Date of the article.
    pub(crate) at: DateTime<Utc>,
    /// Article id.
    pub(crate) article: String,
    /// Headline.
    pub(crate) title: String,
    /// Page.
    pub(crate) url: String,
    /// Source.
    pub(crate) source_name: String,
    /// The statement's sentence; empty for other units.
    pub(crate) sentence: String,
}

/// Asks the index for what `saved` matches in the last `days`, and counts what would be news. Tells
/// `progress` of each article that was found, and of each whose statements were looked at.
pub(crate) async fn backtest(
    state: &AppState,
    saved: &SavedSearch,
    days: u32,
    progress: &Progress,
) -> Result<Backtest, ApiError> {
    let now = (state.now)();
    let days = days.clamp(1, DAYS_MAX);
    let from = now - TimeDelta::days(days.into());
    let (mut hits, n_articles) = hits(state, saved, from, progress).await?;
    let n_found = hits.len();
    let mut is_lower_bound = (hits.len() as u64) < n_articles;
    let late = state.config.settings.alerts.backfill_after_days;
    hits.retain(|it| saved.backfill || !is_backfilled(it.published_at, it.fetched_at, late));
    let stories: BTreeSet<&str> = hits.iter().filter_map(|it| it.story.as_deref()).collect();
    let n_stories = stories.len() as u64;
    let (would_fire, mut examples) = match saved.unit {
        AlertUnit::Article => {
            // Of those that were not looked at nobody knows how many came late.
            let n = if saved.backfill { n_articles } else { hits.len() as u64 };
            (n, hits.iter().map(|it| example(it, String::new())).collect())
        }
        AlertUnit::Story => {
            let mut seen = BTreeSet::new();
            let first = hits.iter().filter(|it| seen.insert(it.story.as_deref()));
            let examples: Vec<Example> = first.map(|it| example(it, String::new())).collect();
            (examples.len() as u64, examples)
        }
        AlertUnit::Statement => {
            is_lower_bound |= N_READ_MAX < hits.len();
            let examples = new_statements(state, saved, &hits, now, (progress, n_found)).await?;
            (examples.len() as u64, examples)
        }
    };
    examples.reverse();
    examples.truncate(N_EXAMPLES_MAX);
    let summary = summary(would_fire, days, n_stories, is_lower_bound);
    Ok(Backtest { days, would_fire, n_articles, n_stories, is_lower_bound, summary, examples })
}

fn summary(would_fire: u64, days: u32, n_stories: u64, is_lower_bound: bool) -> String {
    let at_least = if is_lower_bound { "at least " } else { "" };
    let times = if would_fire == 1 { "time" } else { "times" };
    let stories = if n_stories == 1 { "story" } else { "stories" };
    format!("would have fired {at_least}{would_fire} {times} in {days} days, {n_stories} {stories}")
}

/// The matching articles since `from`, oldest first, at most [`N_ARTICLES_MAX`], and how many
/// there are.
async fn hits(
    state: &AppState,
    saved: &SavedSearch,
    from: DateTime<Utc>,
    progress: &Progress,
) -> Result<(Vec<Hit>, u64), ApiError> {
    let filters = saved.filters.chosen().into_iter().filter_map(|(name, values)| {
        let values = values.into_iter().map(str::to_owned).collect();
        Some((FilterField::from_name(name)?, values))
    });
    let mut request = SearchRequest {
        q: saved.query.clone(),
        from: Some(from),
        date_field: DateField::Published,
        filters: filters.collect(),
        sort: Sort::Oldest,
        limit: N_PER_PAGE,
        highlight: false,
        aggs: false,
        ..SearchRequest::default()
    };
    let (mut hits, mut total) = (Vec::new(), 0);
    while hits.len() < N_ARTICLES_MAX {
        let found = search::run(state, request.clone()).await?;
        total = total.max(found.total);
        hits.extend(found.hits);
        let n_all = usize::try_from(total).map_or(N_ARTICLES_MAX, |it| it.min(N_ARTICLES_MAX));
        let n_read = if saved.unit == AlertUnit::Statement { n_all.min(N_READ_MAX) } else { 0 };
        progress.tell(hits.len(), n_all + n_read);
        request.cursor = found.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    Ok((hits, total))
}

/// The statements that would have been news, in order; how far that is goes on from the articles that
/// were found.
async fn new_statements(
    state: &AppState,
    saved: &SavedSearch,
    hits: &[Hit],
    now: DateTime<Utc>,
    (progress, n_found): (&Progress, usize),
) -> Result<Vec<Example>, ApiError> {
    let window = TimeDelta::days(saved.novelty_days.into());
    let mut fired: HashMap<String, DateTime<Utc>> = HashMap::new();
    let mut examples = Vec::new();
    for (n_read, hit) in hits.iter().take(N_READ_MAX).enumerate() {
        if n_read.is_multiple_of(N_READ_PER_STEP) {
            progress.tell(n_found + n_read, n_found + hits.len().min(N_READ_MAX));
        }
        let Ok(id) = hit.id.parse() else { continue };
        let Some(mut stored) = state.archive.article(&id).await? else { continue };
        state.archive.countries().fill(&mut stored);
        let at = hit.published_at.unwrap_or(hit.fetched_at);
        let story = hit.story.as_deref().unwrap_or_default();
        let (mut others, n_before) = (Vec::new(), examples.len());
        for item in items_of(saved, stored, now).await? {
            let is_known =
                |key: &String| fired.get(key).is_some_and(|it| (at - *it).abs() < window);
            if item.claims.iter().all(|it| it.looked_up(story).iter().any(is_known)) {
                others.extend(item.claims);
                continue;
            }
            let keys = item.claims.iter().flat_map(|it| it.remembered(story));
            fired.extend(keys.map(|it| (it, at)));
            examples.push(example(hit, item.sentence));
        }
        // As when alerts are recorded: other wordings of the same are known with the article.
        let others = others.iter().filter(|_| n_before < examples.len());
        fired.extend(others.flat_map(|it| it.remembered(story)).map(|it| (it, at)));
    }
    Ok(examples)
}

async fn items_of(
    saved: &SavedSearch,
    stored: StoredArticle,
    now: DateTime<Utc>,
) -> Result<Vec<MatchItem>, ApiError> {
    let saved = [saved.clone()];
    let found = tokio::task::spawn_blocking(move || items(&saved, &stored, now));
    Ok(found.await.map_err(ApiError::internal)?.pop().unwrap_or_default())
}

fn example(hit: &Hit, sentence: String) -> Example {
    Example {
        at: hit.published_at.unwrap_or(hit.fetched_at),
        article: hit.id.clone(),
        title: hit.title.clone(),
        url: hit.url.clone(),
        source_name: hit.source_name.clone(),
        sentence,
    }
}
