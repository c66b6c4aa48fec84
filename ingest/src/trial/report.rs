//! What a trial tells.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::discover::{Found, FoundKind};

/// What a step came to.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Good,
    /// It works, but somebody should look.
    Warning,
    /// It does not work.
    Failed,
}

/// One step of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Step {
    /// `address`, `robots`, `fetch`, `discover`, `entries`, `article` or `schedule`.
    pub name: String,
    /// What it came to.
    pub outcome: Outcome,
    /// What happened, for people.
    pub message: String,
    /// How long it took, in milliseconds, waiting for the host's turn included.
    pub duration_ms: u64,
}

/// An entry as a trial shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TriedEntry {
    /// Address of its page.
    pub url: String,
    /// Headline; `None` when the list has none.
    pub title: Option<String>,
    /// Date of publication; `None` when the list has none.
    pub published_at: Option<DateTime<Utc>>,
}

/// An article as a trial shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TriedArticle {
    /// Address of its page.
    pub url: String,
    /// Headline.
    pub title: String,
    /// Date of publication; `None` when neither page nor list say it.
    pub published_at: Option<DateTime<Utc>>,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// ISO 639-1 code of its language; `None` when it cannot be told.
    pub language: Option<String>,
    /// Characters of its text.
    pub n_chars: usize,
    /// The beginning of its text, at most 300 characters.
    pub beginning: String,
}

/// A feed or sitemap as a trial shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TriedFeed {
    /// What it is.
    pub kind: FoundKind,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: Option<String>,
    /// Entries, pages or further sitemaps that it lists.
    pub n_entries: usize,
    /// How it was found.
    pub how: String,
}

impl From<&Found> for TriedFeed {
    fn from(found: &Found) -> TriedFeed {
        TriedFeed {
            kind: found.kind,
            url: found.url.to_string(),
            title: found.title.clone(),
            n_entries: found.n_entries,
            how: found.how.clone(),
        }
    }
}

/// What a trial found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Trial {
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// Feeds and sitemaps of a site, the best first; empty for other sources.
    pub feeds: Vec<TriedFeed>,
    /// Whether the address given for a site is that of a feed or sitemap.
    #[serde(skip)]
    pub is_feed_itself: bool,
    /// What is polled in the end: `feed`, `sitemap`, `listing`, `json` or `folder`; `None` when
    /// nothing was found.
    pub kind: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// What it calls itself.
    pub title: Option<String>,
    /// ISO 639-1 code of its language, by itself or by its articles.
    pub language: Option<String>,
    /// How many entries it lists now.
    pub n_entries: usize,
    /// The first of them, at most 10.
    pub entries: Vec<TriedEntry>,
    /// The first articles, at most 2.
    pub articles: Vec<TriedArticle>,
    /// When it would be polled next.
    pub next_poll_at: Option<DateTime<Utc>>,
}

impl Trial {
    /// The worst outcome of its steps.
    pub fn outcome(&self) -> Outcome {
        self.steps.iter().map(|it| it.outcome).max().unwrap_or(Outcome::Failed)
    }

    /// Whether articles would come of it.
    pub fn is_usable(&self) -> bool {
        0 < self.n_entries
    }
}
