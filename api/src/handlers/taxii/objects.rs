//! The pages of the collection: which objects, where a page ends, where the next begins.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use config::SavedSearch;
use index::{Archive, Matcher};
use ingest::ArticleId;
use nlp::story::StoryId;
use serde_json::Value;

use super::version_of;
use crate::error::ApiError;
use crate::export::Tlp;
use crate::export::stix::Mapper;
use crate::handlers::params::Params;
use crate::state::AppState;

const LIMIT: usize = 100;
const LIMIT_MAX: usize = 1_000;
/// Articles read at once.
const N_AT_ONCE: usize = 50;
/// Articles read for one answer; a search for a rare object goes on with `next`.
const N_ARTICLES_MAX: usize = 2_000;
/// Articles held against a saved search for one answer.
const N_MATCHED_MAX: usize = 500;
/// After every article id of an instant.
const LAST_ID: &str = "~";

/// Where a page begins: behind this object of this article.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    at: DateTime<Utc>,
    /// Empty: before all articles, among the objects that are always the same.
    article: String,
    /// Objects of the article that came before; 0 behind all of them.
    n_before: usize,
}

/// What is asked for.
pub(super) struct Asked {
    place: Place,
    limit: usize,
    ids: Vec<String>,
    types: Vec<String>,
    versions: Vec<String>,
    spec_versions: Vec<String>,
    is_one: bool,
}

/// An object on its way out.
pub(super) struct Object {
    pub(super) added_at: DateTime<Utc>,
    pub(super) value: Value,
}

/// A page.
pub(super) struct Found {
    pub(super) objects: Vec<Object>,
    pub(super) next: Option<String>,
}

impl Object {
    /// When this version of it was made.
    pub(super) fn version(&self) -> String {
        version_of(&self.value)
    }
}

impl Found {
    /// The objects alone.
    pub(super) fn stix(&self) -> Vec<&Value> {
        self.objects.iter().map(|it| &it.value).collect()
    }
}

impl Asked {
    /// Reads the parameters; `object` comes from the path.
    pub(super) fn of(params: &Params, object: Option<String>) -> Result<Asked, ApiError> {
        let list = |name: &str| -> Vec<String> {
            let values = params.get(name).into_iter().flat_map(|it| it.split(','));
            values.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect()
        };
        let added_after = match params.get("added_after") {
            Some(text) => {
                let at = DateTime::parse_from_rfc3339(text.trim());
                let at = at.map_err(|_| ApiError::invalid_parameter("added_after", "no time"))?;
                Some(at.with_timezone(&Utc))
            }
            None => None,
        };
        let next = match params.get("next") {
            Some(text) => {
                let place = Place::read(text.trim());
                Some(place.ok_or_else(|| ApiError::invalid_parameter("next", "none of ours"))?)
            }
            None => None,
        };
        let limit = params.parsed::<usize>("limit")?.unwrap_or(LIMIT);
        if limit == 0 {
            return Err(ApiError::invalid_parameter("limit", "not above 0"));
        }
        let is_one = object.is_some();
        let after = |at| Place { at, article: LAST_ID.to_owned(), n_before: 0 };
        Ok(Asked {
            place: next.or(added_after.map(after)).unwrap_or(Place {
                at: DateTime::UNIX_EPOCH,
                article: String::new(),
                n_before: 0,
            }),
            limit: limit.min(LIMIT_MAX),
            ids: object.map_or_else(|| list("match[id]"), |it| vec![it]),
            types: list("match[type]"),
            versions: list("match[version]"),
            spec_versions: list("match[spec_version]"),
            is_one,
        })
    }

    /// Whether a single object is asked for.
    pub(super) fn is_one(&self) -> bool {
        self.is_one
    }

    fn matches(&self, value: &Value) -> bool {
        let is_in = |wanted: &[String], key: &str| {
            wanted.is_empty()
                || value[key].as_str().is_some_and(|it| wanted.iter().any(|w| w == it))
        };
        // There is one version of each object, so it is the first and the last.
        let words = ["first", "last", "all"];
        let version = version_of(value);
        let is_version = self.versions.is_empty()
            || self.versions.iter().any(|it| words.contains(&it.as_str()) || *it == version);
        is_version
            && is_in(&self.ids, "id")
            && is_in(&self.types, "type")
            && is_in(&self.spec_versions, "spec_version")
    }
}

impl Place {
    fn text(&self) -> String {
        format!("{}_{}_{}", self.at.timestamp_micros(), self.article, self.n_before)
    }

    fn read(text: &str) -> Option<Place> {
        let mut parts = text.splitn(3, '_');
        let at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        let article = parts.next()?.to_owned();
        let is_id = article.len() <= 64 && article.bytes().all(|it| it.is_ascii_alphanumeric());
        let n_before = parts.next()?.parse().ok()?;
        is_id.then_some(Place { at, article, n_before })
    }
}

/// Reads one page; of the articles that `search` finds, if given.
pub(super) async fn read(
    state: &AppState,
    asked: &Asked,
    search: Option<&SavedSearch>,
) -> Result<Found, ApiError> {
    let mut filter = search.map(|it| Filter::of(it, (state.now)())).transpose()?;
    let mut page = Page { asked, objects: Vec::new(), seen: HashSet::new() };
    let mut place = asked.place.clone();
    if place.article.is_empty() {
        let fixed = Mapper::new(Arc::clone(&state.facts), Tlp::Clear).fixed();
        for object in fixed.into_iter().skip(place.n_before) {
            if page.is_full() {
                return Ok(page.ended(Some(&place)));
            }
            page.add(place.at, object);
            place.n_before += 1;
        }
    }
    let n_articles_max = if search.is_some() { N_MATCHED_MAX } else { N_ARTICLES_MAX };
    let mut n_articles = 0;
    loop {
        // An article that a page ended in is read again.
        let is_inside = 0 < place.n_before && !place.article.is_empty();
        let from = if is_inside { before(&place.article) } else { place.article.clone() };
        let changed = state.archive.changed_after((place.at, &from), N_AT_ONCE).await?;
        if changed.is_empty() {
            return Ok(page.ended(None));
        }
        let mut ids: Vec<_> = changed.iter().map(|it| it.1).collect();
        if let Some(filter) = &mut filter {
            ids = filter.among(&state.archive, &ids).await?;
        }
        let mut articles = state.archive.graph_articles(&ids).await?;
        state.archive.add_indicators(&mut articles).await?;
        let stories: Vec<StoryId> = articles.iter().filter_map(|it| it.story.clone()).collect();
        let stories = state.archive.story_members(&stories).await?;
        for (added_at, id) in &changed {
            let text = id.to_string();
            let skipped = if is_inside && text == place.article { place.n_before } else { 0 };
            let article = articles.iter().find(|it| it.id == *id);
            let mut mapper = Mapper::new(Arc::clone(&state.facts), Tlp::Clear);
            let mut objects = article.map(|it| mapper.article(it)).unwrap_or_default();
            let story = article.and_then(|it| it.story.as_ref());
            let members = story.and_then(|it| stories.iter().find(|s| s.summary.id == *it));
            objects.extend(members.map(|it| mapper.story(it)));
            for (n_before, object) in objects.into_iter().enumerate().skip(skipped) {
                if page.is_full() {
                    let inside = Place { at: *added_at, article: text, n_before };
                    let is_new = n_before == 0;
                    return Ok(page.ended(Some(if is_new { &place } else { &inside })));
                }
                page.add(*added_at, object);
            }
            n_articles += 1;
            place = Place { at: *added_at, article: text, n_before: 0 };
        }
        if n_articles_max <= n_articles {
            return Ok(page.ended(Some(&place)));
        }
    }
}

/// Tells which articles a saved search finds, as they are now.
struct Filter {
    matcher: Matcher,
    now: DateTime<Utc>,
}

impl Filter {
    fn of(search: &SavedSearch, now: DateTime<Utc>) -> Result<Filter, ApiError> {
        let mut matcher = Matcher::new();
        matcher.add(search).map_err(ApiError::internal)?;
        Ok(Filter { matcher, now })
    }

    async fn among(
        &mut self,
        archive: &Archive,
        ids: &[ArticleId],
    ) -> Result<Vec<ArticleId>, ApiError> {
        let mut found = Vec::new();
        for mut stored in archive.articles(ids).await? {
            archive.countries().fill(&mut stored);
            if !self.matcher.matches(&stored, self.now).is_empty() {
                found.push(stored.article.id);
            }
        }
        Ok(found)
    }
}

/// The greatest text below `id` among hexadecimal ids of its length.
fn before(id: &str) -> String {
    let mut bytes = id.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.saturating_sub(1);
    }
    // `/` and `` ` `` stand right before the first digit and the first letter.
    String::from_utf8(bytes).unwrap_or_default()
}

struct Page<'a> {
    asked: &'a Asked,
    objects: Vec<Object>,
    seen: HashSet<String>,
}

impl Page<'_> {
    fn is_full(&self) -> bool {
        self.asked.limit <= self.objects.len()
    }

    fn add(&mut self, added_at: DateTime<Utc>, value: Value) {
        let id = value["id"].as_str().unwrap_or_default();
        if !self.is_full() && self.asked.matches(&value) && self.seen.insert(id.to_owned()) {
            self.objects.push(Object { added_at, value });
        }
    }

    fn ended(self, next: Option<&Place>) -> Found {
        Found { objects: self.objects, next: next.map(Place::text) }
    }
}

/// An instant to the microsecond, so that it can be given back as `added_after`.
pub(super) fn precise(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
