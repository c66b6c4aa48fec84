//! Stories: which articles tell of one event. [`StoryClusterer`] decides online, one by one.

mod clusterer;
mod likeness;
mod stated_date;
mod stop_words;
pub mod summary;
mod terms;

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::annotate::Annotated;
use crate::document::Document;

pub use clusterer::{Placed, Split, StoryClusterer};

/// Characters of a text that tell its event.
pub const N_LEAD_CHARS: usize = 2_500;

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
    /// When it was published, or else fetched; `None` when there is no time, as in test sets.
    pub at: Option<DateTime<Utc>>,
    /// ISO 639-1 code; `None` when it cannot be told.
    pub language: Option<String>,
}

impl StoryInput {
    /// The input for a document and what was found in it.
    pub fn of(document: &Document, annotated: &Annotated) -> StoryInput {
        let annotation = &annotated.annotation;
        let in_title = annotation.title.iter().flat_map(|it| &it.mentions);
        let entities = annotation.mentions.iter().chain(in_title);
        let entities = entities.filter_map(|it| it.entity.as_ref().map(|it| it.id.clone()));
        StoryInput {
            article: document.id.clone(),
            title: document.title.clone().unwrap_or_default(),
            lead: document.text.chars().take(N_LEAD_CHARS).collect(),
            embedding: annotated.embedding.clone(),
            entities: entities.collect::<BTreeSet<String>>().into_iter().collect(),
            at: document.published_at,
            language: annotation.language.clone(),
        }
    }
}
