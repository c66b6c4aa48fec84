//! The entity graph: who threatens, attacks or speaks of whom, and who is named together.
//!
//! A [`Graph`] is made from articles that a search selected: [`GraphBuilder`] takes them one after
//! the other, oldest first, and keeps a bounded amount of each. Nodes are entities, and the words
//! for a target that is no entity ("oil tankers"). Edges are directed and typed ([`EdgeKind`]);
//! each carries the sentences that prove it. No clock, and no I/O but for the temporary files of
//! what does not fit into memory.
//!
//! Reading order: this file, `build`, `note`, `sorter`, `trim`.

mod build;
mod note;
mod sorter;
#[cfg(test)]
mod tests;
mod trim;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use nlp::{Modality, Phrase, StatementKind};
use serde::{Deserialize, Serialize};

pub use build::{Edges, GraphBuilder, GraphInParts, GraphLimits};
pub use trim::Trim;

/// Kind of the nodes that are words and no entity.
pub const DESCRIPTION: &str = "description";
/// Kind of the nodes that are sectors.
pub const SECTOR: &str = "sector";
/// Longer words for somebody are cut here.
const WORDS_CHARS_MAX: usize = 120;

/// Nodes and edges of a selection of articles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Graph {
    /// Entities and words, those with most edges' weight first.
    pub nodes: Vec<Node>,
    /// Edges, heaviest first.
    pub edges: Vec<Edge>,
    /// Articles that were read for it.
    pub n_articles: u64,
    /// Statements in these articles.
    pub n_statements: u64,
    /// Nodes before the graph was cut to what is shown.
    pub n_nodes_found: u64,
    /// Edges before the graph was cut.
    pub n_edges_found: u64,
    /// Whether a bound was met, so that nodes or edges of the selection are missing.
    pub is_cut: bool,
}

/// An entity, or the words for somebody or something that is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Node {
    /// Entity id (`kind:key`); `words:…` for mere words, `sector:/path` for sectors.
    #[schema(value_type = String)]
    pub id: Arc<str>,
    /// Kind of mention, `description` or `sector`.
    pub kind: String,
    /// Canonical name, or the words.
    pub name: String,
    /// Articles of the selection that name it.
    pub n_articles: u64,
    /// Date of the oldest of them.
    pub first_at: DateTime<Utc>,
    /// Date of the newest of them.
    pub last_at: DateTime<Utc>,
}

/// What one node does to, or has to do with, another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Edge {
    /// Node it starts at.
    #[schema(value_type = String)]
    pub source: Arc<str>,
    /// Node it points at.
    #[schema(value_type = String)]
    pub target: Arc<str>,
    /// What it means.
    pub kind: EdgeKind,
    /// Independent sources: those that wrote a sentence of their own. From 1.
    pub weight: u64,
    /// Statements behind it; stories for `co-occurs-with`.
    pub n_statements: u64,
    /// Date of the oldest article behind it.
    pub first_at: DateTime<Utc>,
    /// Date of the newest article behind it.
    pub last_at: DateTime<Utc>,
    /// How certain the surest statement is; `None` for `co-occurs-with`.
    pub modality: Option<Modality>,
    /// Sectors of the statements, each once.
    pub sectors: Vec<String>,
    /// What proves it, oldest first; a bounded number.
    pub evidence: Vec<Proof>,
}

/// A sentence, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Proof {
    /// Id of the statement; `None` for `co-occurs-with`.
    pub statement: Option<String>,
    /// The sentence; the headline for `co-occurs-with`.
    pub sentence: String,
    /// The article.
    #[serde(flatten)]
    #[schema(value_type = Card)]
    pub article: Arc<Card>,
}

/// An article as a [`Proof`] names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Card {
    /// Id of the article.
    pub article: String,
    /// Its page.
    pub url: String,
    /// Its headline.
    pub title: String,
    /// Display name of the source.
    pub source_name: String,
    /// SHA-256 of the page as fetched, hexadecimal.
    pub page_sha256: String,
    /// Date of the article: published, or else fetched.
    pub dated_at: DateTime<Utc>,
}

/// Meanings of edges.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EdgeKind {
    /// States an intent to harm.
    Threatens,
    /// Somebody warns that it may harm.
    MayAttack,
    /// Is reported to harm or to have harmed.
    Attacks,
    /// Claims responsibility for harm to.
    Claims,
    /// Denies, or is denied, to have harmed.
    Denies,
    /// Tried to harm.
    Attempts,
    /// Uses as a means.
    Uses,
    /// Says something hostile about, or warns of, the other.
    SpeaksOf,
    /// Is named in the same stories; has no direction.
    CoOccursWith,
}

impl EdgeKind {
    /// All kinds in the order of display.
    pub const ALL: [EdgeKind; 9] = [
        EdgeKind::Threatens,
        EdgeKind::MayAttack,
        EdgeKind::Attacks,
        EdgeKind::Claims,
        EdgeKind::Denies,
        EdgeKind::Attempts,
        EdgeKind::Uses,
        EdgeKind::SpeaksOf,
        EdgeKind::CoOccursWith,
    ];

    /// The name in JSON, addresses and exports.
    pub fn name(self) -> &'static str {
        match self {
            EdgeKind::Threatens => "threatens",
            EdgeKind::MayAttack => "may-attack",
            EdgeKind::Attacks => "attacks",
            EdgeKind::Claims => "claims",
            EdgeKind::Denies => "denies",
            EdgeKind::Attempts => "attempts",
            EdgeKind::Uses => "uses",
            EdgeKind::SpeaksOf => "speaks-of",
            EdgeKind::CoOccursWith => "co-occurs-with",
        }
    }

    /// The kind with this [`EdgeKind::name`].
    pub fn from_name(name: &str) -> Option<EdgeKind> {
        EdgeKind::ALL.into_iter().find(|it| it.name() == name)
    }

    /// What a statement makes of its actors and targets.
    pub fn of_statement(kind: StatementKind) -> EdgeKind {
        match kind {
            StatementKind::Threat => EdgeKind::Threatens,
            StatementKind::Warning => EdgeKind::MayAttack,
            StatementKind::Attack => EdgeKind::Attacks,
            StatementKind::Claim => EdgeKind::Claims,
            StatementKind::Denial => EdgeKind::Denies,
            StatementKind::Attempt => EdgeKind::Attempts,
        }
    }
}

/// One end of an edge before it is a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// As [`Node::id`].
    pub id: String,
    /// As [`Node::name`].
    pub name: String,
    /// Whether it is an entity of the archive.
    pub is_entity: bool,
}

impl Party {
    /// Whom `phrase` means: its entity, or else its words; `None` for blank words.
    pub fn of_phrase(phrase: &Phrase) -> Option<Party> {
        if let Some(entity) = phrase.entity.as_ref().filter(|it| !it.id.is_empty()) {
            return Some(Party {
                id: entity.id.clone(),
                name: entity.name.clone(),
                is_entity: true,
            });
        }
        let words: Vec<&str> = phrase.text.split_whitespace().collect();
        let name: String = words.join(" ").chars().take(WORDS_CHARS_MAX).collect();
        let id = format!("words:{}", name.to_lowercase());
        (!name.is_empty()).then_some(Party { id, name, is_entity: false })
    }

    /// The sector with this facet path.
    pub fn of_sector(path: &str) -> Party {
        Party { id: format!("sector:{path}"), name: path.to_owned(), is_entity: false }
    }

    /// Those who act, or would, each once.
    pub fn actors_of(statement: &nlp::Statement) -> Vec<Party> {
        distinct(statement.actors.iter().filter_map(Party::of_phrase))
    }

    /// Those whom it is done to, each once; the sectors when nobody is named.
    pub fn targets_of(statement: &nlp::Statement) -> Vec<Party> {
        let named = distinct(statement.targets.iter().filter_map(Party::of_phrase));
        if named.is_empty() {
            return statement.sectors.iter().map(|it| Party::of_sector(it.as_str())).collect();
        }
        named
    }

    /// The entities among the means, each once.
    pub fn means_of(statement: &nlp::Statement) -> Vec<Party> {
        let all = statement.means.iter().filter_map(Party::of_phrase);
        distinct(all.filter(|it| it.is_entity))
    }

    /// Kind of a node that is no entity.
    pub fn kind(&self) -> &'static str {
        if self.id.starts_with("sector:") { SECTOR } else { DESCRIPTION }
    }
}

fn distinct(all: impl Iterator<Item = Party>) -> Vec<Party> {
    let mut kept: Vec<Party> = Vec::new();
    for party in all {
        if !kept.iter().any(|it| it.id == party.id) {
            kept.push(party);
        }
    }
    kept
}
