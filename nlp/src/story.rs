//! Stories: which articles tell of one event. [`StoryClusterer`] decides online, one by one.

mod acts;
mod aliases;
mod clusterer;
mod likeness;
mod stated_date;
mod stop_words;
pub mod summary;
mod terms;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::annotate::Annotated;
use crate::document::Document;

pub use acts::acts;
pub use aliases::{CLASSES as ALIAS_CLASSES, aliases, names_in, renamed, unite};
pub use clusterer::{Placed, Split, StoryClusterer};
pub use stop_words::is_stop_word;

/// Characters of a text that tell its event.
pub const N_LEAD_CHARS: usize = 2_500;

/// By how much an article must have been published before another to count as earlier.
const EARLIER_BY: TimeDelta = TimeDelta::minutes(1);

/// Identity of a story: the id of the article that founded it, 32 lower-case hexadecimal digits.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
pub struct StoryId(String);

impl StoryId {
    /// The story that the article with id `founder` founds.
    pub fn founded_by(founder: &str) -> StoryId {
        StoryId(founder.to_owned())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StoryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// What an article says about its event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoryInput {
    /// The article's id.
    pub article: String,
    /// Headline; may be empty.
    pub title: String,
    /// The first 2 500 characters of the text.
    pub lead: String,
    /// Meaning of headline and lead, of unit length; empty or all 0 when unknown.
    pub embedding: Vec<f32>,
    /// Ids of the entities that it names, each once.
    pub entities: Vec<String>,
    /// What its hostile statements say, see [`acts()`]; each once.
    pub acts: Vec<String>,
    /// When it was published, or else fetched; `None` when there is no time, as in test sets.
    pub at: Option<DateTime<Utc>>,
    /// When it was published, and nothing else; `None` when that is unknown.
    pub published_at: Option<DateTime<Utc>>,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
}

impl StoryInput {
    /// The input for a document and what was found in it.
    pub fn of(document: &Document, annotated: &Annotated) -> StoryInput {
        let annotation = &annotated.annotation;
        let in_title = annotation.title.iter().flat_map(|it| &it.mentions);
        let entities = annotation.mentions.iter().chain(in_title);
        let told = annotation.title.iter().flat_map(|it| &it.statements);
        let entities = entities.filter_map(|it| it.entity.as_ref().map(|it| it.id.clone()));
        StoryInput {
            article: document.id.clone(),
            title: document.title.clone().unwrap_or_default(),
            lead: document.text.chars().take(N_LEAD_CHARS).collect(),
            embedding: annotated.embedding.clone(),
            entities: entities.collect::<BTreeSet<String>>().into_iter().collect(),
            acts: acts(told.chain(&annotation.statements)),
            at: document.published_at,
            published_at: document.published_at,
            language: annotation.language.clone(),
        }
    }
}

/// Whether an article published at `a` surely came before one published at `b`: by a minute or more.
///
/// Midnight stands for a day whose time of day is unknown, so nothing of the same day comes after it.
/// Unknown times prove nothing.
pub fn is_published_before(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return false };
    let lasts = if a.time() == NaiveTime::MIN { TimeDelta::days(1) } else { EARLIER_BY };
    a.checked_add_signed(lasts).is_some_and(|it| it <= b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, expected: bool) {
        let read = |text: &str| text.parse::<DateTime<Utc>>().ok();
        assert_eq!(is_published_before(read(a), read(b)), expected, "{a} {b}");
    }

    #[test]
    fn an_article_is_earlier_by_a_minute_or_by_a_day_without_a_time() {
        check("2026-03-01T08:00:00Z", "2026-03-01T08:01:00Z", true);
        check("2026-03-01T08:00:00Z", "2026-03-01T08:00:59Z", false);
        check("2026-03-01T08:01:00Z", "2026-03-01T08:00:00Z", false);
        check("2026-03-01T00:00:00Z", "2026-03-01T23:00:00Z", false);
        check("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", true);
        check("2026-02-28T23:00:00Z", "2026-03-01T00:00:00Z", true);
        check("unknown", "2026-03-01T08:00:00Z", false);
        check("2026-03-01T08:00:00Z", "unknown", false);
    }
}
