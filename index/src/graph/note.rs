//! What a [`GraphBuilder`](super::GraphBuilder) writes down on the way, and how it is added up.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use nlp::Modality;
use serde::{Deserialize, Serialize};

use super::sorter::Item;
use super::{Card, Edge, EdgeKind, Proof};

/// Articles of one story that are kept to prove who is named together.
const N_STORY_ARTICLES: usize = 8;
/// Entities of one story that are counted.
const N_STORY_ENTITIES: usize = 100;

/// An edge by the numbers of its nodes: from, to.
pub(super) type EdgeKey = (u32, u32, EdgeKind);

/// What a statement says of an edge, or a story of two whom it names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Said {
    pub(super) edge: EdgeKey,
    /// Among all notes.
    pub(super) order: u64,
    pub(super) sources: Vec<u32>,
    /// Hash of the sentence; `None` for a story.
    pub(super) sentence: Option<u64>,
    pub(super) first_at: DateTime<Utc>,
    pub(super) last_at: DateTime<Utc>,
    pub(super) modality: Option<Modality>,
    pub(super) sectors: Vec<String>,
    /// `None` when there was no room for it.
    pub(super) proof: Option<Proof>,
}

/// Whom an article of a story names.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Named {
    pub(super) story: String,
    /// Among all notes.
    pub(super) order: u64,
    pub(super) source: u32,
    /// Its entities.
    pub(super) entities: Vec<u32>,
    /// Its entities and whom its statements name, rising.
    pub(super) nodes: Vec<u32>,
    pub(super) card: Arc<Card>,
}

/// An edge by its place in a graph: heaviest first, those by story behind the others.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Ranked {
    pub(super) edge: Edge,
}

/// What is known of an edge so far.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) edge: EdgeKey,
    /// Sources with a sentence of their own.
    sources: BTreeSet<u32>,
    /// Hashes of the sentences.
    said: HashSet<u64>,
    n_statements: u64,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    modality: Option<Modality>,
    sectors: BTreeSet<String>,
    proofs: Vec<Proof>,
}

impl Sum {
    /// A sum for the edge and the dates of `said`, which is still to be added.
    pub(super) fn of(said: &Said) -> Sum {
        Sum {
            edge: said.edge,
            sources: BTreeSet::new(),
            said: HashSet::new(),
            n_statements: 0,
            first_at: said.first_at,
            last_at: said.last_at,
            modality: None,
            sectors: BTreeSet::new(),
            proofs: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, said: Said) {
        self.n_statements += 1;
        self.first_at = self.first_at.min(said.first_at);
        self.last_at = self.last_at.max(said.last_at);
        self.modality = match (self.modality, said.modality) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.sectors.extend(said.sectors);
        // A sentence that somebody else has written before is a copy.
        if said.sentence.is_none_or(|it| self.said.insert(it)) || self.sources.is_empty() {
            self.sources.extend(said.sources);
        }
        self.proofs.extend(said.proof);
    }

    /// The edge between nodes with these ids.
    pub(super) fn finish(self, source: Arc<str>, target: Arc<str>) -> Edge {
        Edge {
            source,
            target,
            kind: self.edge.2,
            weight: self.sources.len().max(1) as u64,
            n_statements: self.n_statements,
            first_at: self.first_at,
            last_at: self.last_at,
            modality: self.modality,
            sectors: self.sectors.into_iter().collect(),
            evidence: self.proofs,
        }
    }
}

/// Who is named in a story.
#[derive(Debug, Default)]
pub(super) struct Together {
    articles: Vec<(Arc<Card>, Vec<u32>)>,
    /// Articles and sources by node.
    counts: HashMap<u32, (u32, BTreeSet<u32>)>,
}

impl Together {
    pub(super) fn add(&mut self, named: Named) {
        for node in named.entities {
            if self.counts.len() < N_STORY_ENTITIES || self.counts.contains_key(&node) {
                let (n_articles, sources) = self.counts.entry(node).or_default();
                *n_articles += 1;
                sources.insert(named.source);
            }
        }
        if !self.counts.is_empty() && self.articles.len() < N_STORY_ARTICLES {
            self.articles.push((named.card, named.nodes));
        }
    }

    /// The entities that most articles name, at most `n_max`.
    pub(super) fn most_named(&self, n_max: usize) -> Vec<u32> {
        let mut best: Vec<(u32, u32)> =
            self.counts.iter().map(|(node, (n, _))| (*n, *node)).collect();
        best.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(n_max);
        best.into_iter().map(|it| it.1).collect()
    }

    /// The first article that names both.
    pub(super) fn card_with(&self, one: u32, other: u32) -> Option<&Arc<Card>> {
        let has_both = |it: &&(Arc<Card>, Vec<u32>)| it.1.contains(&one) && it.1.contains(&other);
        self.articles.iter().find(has_both).map(|it| &it.0)
    }

    /// Dates of the oldest and the newest article, among them `card`.
    pub(super) fn dates(&self, card: &Card) -> (DateTime<Utc>, DateTime<Utc>) {
        let dates = self.articles.iter().map(|it| it.0.dated_at);
        dates.fold((card.dated_at, card.dated_at), |(a, b), it| (a.min(it), b.max(it)))
    }

    /// The sources that name both entities.
    pub(super) fn sources_of_both(&self, one: u32, other: u32) -> Vec<u32> {
        self.counts[&one].1.intersection(&self.counts[&other].1).copied().collect()
    }
}

impl Said {
    fn key(&self) -> (EdgeKey, u64) {
        (self.edge, self.order)
    }
}

impl Named {
    fn key(&self) -> (&str, u64) {
        (&self.story, self.order)
    }
}

impl Ranked {
    fn key(&self) -> (bool, u64, EdgeKind, &str, &str) {
        let Edge { kind, weight, source, target, .. } = &self.edge;
        (*kind == EdgeKind::CoOccursWith, u64::MAX - weight, *kind, source, target)
    }
}

/// Orders a type by its method `key`.
macro_rules! ordered_by_key {
    ($($name:ty),+) => {$(
        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.key().cmp(&other.key())
            }
        }
        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }
        impl Eq for $name {}
    )+};
}
ordered_by_key!(Said, Named, Ranked);

impl Item for Said {
    fn n_bytes(&self) -> usize {
        let sectors: usize = self.sectors.iter().map(|it| 32 + it.len()).sum();
        let proof = self.proof.as_ref().map_or(0, bytes_of_proof);
        size_of::<Said>() + 4 * self.sources.len() + sectors + proof
    }
}

impl Item for Named {
    fn n_bytes(&self) -> usize {
        let nodes = 4 * (self.entities.len() + self.nodes.len());
        size_of::<Named>() + self.story.len() + nodes + bytes_of_card(&self.card)
    }
}

impl Item for Ranked {
    fn n_bytes(&self) -> usize {
        let Edge { source, target, sectors, evidence, .. } = &self.edge;
        let sectors: usize = sectors.iter().map(|it| 32 + it.len()).sum();
        let proofs: usize = evidence.iter().map(bytes_of_proof).sum();
        size_of::<Edge>() + source.len() + target.len() + sectors + proofs
    }
}

fn bytes_of_proof(proof: &Proof) -> usize {
    let statement = proof.statement.as_ref().map_or(0, String::len);
    size_of::<Proof>() + proof.sentence.len() + statement + bytes_of_card(&proof.article)
}

fn bytes_of_card(card: &Card) -> usize {
    let Card { article, url, title, source_name, page_sha256, .. } = card;
    let texts = [article, url, title, source_name, page_sha256];
    size_of::<Card>() + texts.iter().map(|it| it.len()).sum::<usize>()
}
