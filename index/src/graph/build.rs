//! [`GraphBuilder`]: articles in, a [`Graph`] out, with a bound on everything it keeps.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use nlp::Modality;

use super::{Card, Edge, EdgeKind, Graph, Node, Party, Proof};
use crate::record::{GraphArticle, StatementRecord};

/// What a builder keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphLimits {
    /// Nodes; later ones are left out.
    pub n_nodes_max: usize,
    /// Edges; later ones are left out.
    pub n_edges_max: usize,
    /// Proofs of one edge.
    pub n_proofs_max: usize,
    /// Proofs of all edges together.
    pub n_all_proofs_max: usize,
    /// Entities of one story that are paired with each other, those that most articles name.
    pub n_together_max: usize,
}

impl GraphLimits {
    /// For exports of 100 000 articles: a few hundred megabytes at the very most.
    pub const EXPORT: GraphLimits = GraphLimits {
        n_nodes_max: 200_000,
        n_edges_max: 500_000,
        n_proofs_max: 50,
        n_all_proofs_max: 300_000,
        n_together_max: 10,
    };

    /// For a graph that people look at.
    pub const PAGE: GraphLimits = GraphLimits {
        n_nodes_max: 20_000,
        n_edges_max: 50_000,
        n_proofs_max: 12,
        n_all_proofs_max: 50_000,
        n_together_max: 8,
    };
}

/// Articles of one story that are kept to prove who is named together.
const N_STORY_ARTICLES: usize = 8;
/// Entities of one story that are counted.
const N_STORY_ENTITIES: usize = 100;

/// Collects nodes and edges. Give it articles oldest first: of two equal sentences the first is
/// the original and the second the copy.
#[derive(Debug)]
pub struct GraphBuilder {
    limits: GraphLimits,
    numbers: HashMap<Arc<str>, u32>,
    nodes: Vec<Node>,
    edges: HashMap<(u32, u32, EdgeKind), Collected>,
    sources: HashMap<String, u32>,
    stories: HashMap<String, Together>,
    n_articles: u64,
    n_statements: u64,
    n_proofs: usize,
    is_cut: bool,
}

/// What is known of an edge so far.
#[derive(Debug)]
struct Collected {
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

/// Who is named in a story.
#[derive(Debug, Default)]
struct Together {
    articles: Vec<(Arc<Card>, Vec<u32>)>,
    /// Articles and sources by node.
    counts: HashMap<u32, (u32, BTreeSet<u32>)>,
}

impl GraphBuilder {
    /// A builder that keeps at most `limits`.
    pub fn new(limits: GraphLimits) -> GraphBuilder {
        GraphBuilder {
            limits,
            numbers: HashMap::new(),
            nodes: Vec::new(),
            edges: HashMap::new(),
            sources: HashMap::new(),
            stories: HashMap::new(),
            n_articles: 0,
            n_statements: 0,
            n_proofs: 0,
            is_cut: false,
        }
    }

    /// Adds what an article says.
    pub fn add(&mut self, article: &GraphArticle) {
        self.n_articles += 1;
        let card = Arc::new(card(article));
        let n_sources = self.sources.len() as u32;
        let source = *self.sources.entry(article.source.to_string()).or_insert(n_sources);
        let mut named = BTreeSet::new();
        for it in &article.entities {
            if let Some(node) = self.node(&it.id, &it.kind, &it.name, &card, &mut named) {
                self.count_in_story(article, source, node);
            }
        }
        for statement in &article.statements {
            self.n_statements += 1;
            self.add_statement(statement, source, &card, &mut named);
        }
        let story = article.story.as_ref().map(|it| it.as_str());
        if let Some(together) = story.and_then(|it| self.stories.get_mut(it))
            && together.articles.len() < N_STORY_ARTICLES
        {
            together.articles.push((card, named.into_iter().collect()));
        }
    }

    fn add_statement(
        &mut self,
        record: &StatementRecord,
        source: u32,
        card: &Arc<Card>,
        named: &mut BTreeSet<u32>,
    ) {
        let statement = &record.statement;
        let mut number =
            |party: &Party| self.node(&party.id, party.kind(), &party.name, card, named);
        let mut numbers =
            |parties: Vec<Party>| -> Vec<u32> { parties.iter().filter_map(&mut number).collect() };
        let actors = numbers(Party::actors_of(statement));
        let targets = numbers(Party::targets_of(statement));
        let means = numbers(Party::means_of(statement));
        let speaker = statement.speaker.as_ref().and_then(Party::of_phrase);
        let speakers = numbers(speaker.into_iter().collect());
        let spoken_of = if actors.is_empty() { &targets } else { &actors };
        let does = EdgeKind::of_statement(statement.kind);
        let edges = pairs(&actors, &targets, does)
            .chain(pairs(&actors, &means, EdgeKind::Uses))
            .chain(pairs(&speakers, spoken_of, EdgeKind::SpeaksOf));
        for key in edges {
            self.add_edge(key, record, source, card);
        }
    }

    fn add_edge(
        &mut self,
        key: (u32, u32, EdgeKind),
        record: &StatementRecord,
        source: u32,
        card: &Arc<Card>,
    ) {
        let n_edges = self.edges.len();
        let edge = match self.edges.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if self.limits.n_edges_max <= n_edges => {
                self.is_cut = true;
                return;
            }
            Entry::Vacant(new) => new.insert(Collected::at(card.dated_at)),
        };
        edge.n_statements += 1;
        edge.first_at = edge.first_at.min(card.dated_at);
        edge.last_at = edge.last_at.max(card.dated_at);
        let modality = record.statement.modality;
        edge.modality = Some(edge.modality.map_or(modality, |it| it.min(modality)));
        edge.sectors.extend(record.statement.sectors.iter().map(|it| it.as_str().to_owned()));
        // A sentence that somebody else has written before is a copy.
        if edge.said.insert(hash_of(&record.sentence)) || edge.sources.is_empty() {
            edge.sources.insert(source);
        }
        let has_room = edge.proofs.len() < self.limits.n_proofs_max
            && self.n_proofs < self.limits.n_all_proofs_max;
        if !has_room {
            self.is_cut = true;
            return;
        }
        self.n_proofs += 1;
        edge.proofs.push(Proof {
            statement: Some(record.id.clone()),
            sentence: record.sentence.clone(),
            article: Arc::clone(card),
        });
    }

    /// The number of a node, made when it is new; counts the article once.
    fn node(
        &mut self,
        id: &str,
        kind: &str,
        name: &str,
        card: &Card,
        named: &mut BTreeSet<u32>,
    ) -> Option<u32> {
        let number = match self.numbers.get(id) {
            Some(&number) => number,
            None if self.limits.n_nodes_max <= self.nodes.len() => {
                self.is_cut = true;
                return None;
            }
            None => {
                let number = self.nodes.len() as u32;
                let id: Arc<str> = id.into();
                self.numbers.insert(Arc::clone(&id), number);
                self.nodes.push(Node {
                    id,
                    kind: kind.to_owned(),
                    name: name.to_owned(),
                    n_articles: 0,
                    first_at: card.dated_at,
                    last_at: card.dated_at,
                });
                number
            }
        };
        if named.insert(number) {
            let node = &mut self.nodes[number as usize];
            node.n_articles += 1;
            node.first_at = node.first_at.min(card.dated_at);
            node.last_at = node.last_at.max(card.dated_at);
        }
        Some(number)
    }

    fn count_in_story(&mut self, article: &GraphArticle, source: u32, node: u32) {
        let Some(story) = &article.story else { return };
        let together = self.stories.entry(story.as_str().to_owned()).or_default();
        if together.counts.len() < N_STORY_ENTITIES || together.counts.contains_key(&node) {
            let (n_articles, sources) = together.counts.entry(node).or_default();
            *n_articles += 1;
            sources.insert(source);
        }
    }

    /// Everything collected, heaviest first.
    pub fn finish(mut self) -> Graph {
        let mut stories: Vec<(String, Together)> = self.stories.drain().collect();
        stories.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (_, together) in stories {
            self.pair(&together);
        }
        let ids: Vec<Arc<str>> = self.nodes.iter().map(|it| Arc::clone(&it.id)).collect();
        let mut weights = vec![0_u64; self.nodes.len()];
        let mut edges: Vec<Edge> = Vec::with_capacity(self.edges.len());
        for ((from, to, kind), it) in self.edges {
            let weight = it.sources.len().max(1) as u64;
            weights[from as usize] += weight;
            weights[to as usize] += weight;
            edges.push(Edge {
                source: Arc::clone(&ids[from as usize]),
                target: Arc::clone(&ids[to as usize]),
                kind,
                weight,
                n_statements: it.n_statements,
                first_at: it.first_at,
                last_at: it.last_at,
                modality: it.modality,
                sectors: it.sectors.into_iter().collect(),
                evidence: it.proofs,
            });
        }
        edges.sort_unstable_by(|a, b| {
            let key =
                |it: &Edge| (it.kind == EdgeKind::CoOccursWith, u64::MAX - it.weight, it.kind);
            (key(a), &a.source, &a.target).cmp(&(key(b), &b.source, &b.target))
        });
        let mut nodes: Vec<(u64, Node)> = weights.into_iter().zip(self.nodes).collect();
        nodes.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.id.cmp(&other.id)));
        let nodes: Vec<Node> = nodes.into_iter().map(|it| it.1).collect();
        Graph {
            n_nodes_found: nodes.len() as u64,
            n_edges_found: edges.len() as u64,
            nodes,
            edges,
            n_articles: self.n_articles,
            n_statements: self.n_statements,
            is_cut: self.is_cut,
        }
    }

    /// Joins the entities that most articles of a story name.
    fn pair(&mut self, together: &Together) {
        let mut best: Vec<(u32, u32)> =
            together.counts.iter().map(|(node, (n, _))| (*n, *node)).collect();
        best.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        best.truncate(self.limits.n_together_max);
        for (at, &(_, one)) in best.iter().enumerate() {
            for &(_, other) in &best[at + 1..] {
                let both = |(_, named): &&(Arc<Card>, Vec<u32>)| {
                    named.contains(&one) && named.contains(&other)
                };
                let Some((card, _)) = together.articles.iter().find(both) else { continue };
                // One direction only; the ids decide, so that the order of articles does not.
                let swapped = self.nodes[other as usize].id < self.nodes[one as usize].id;
                let (from, to) = if swapped { (other, one) } else { (one, other) };
                let sources = together.counts[&one].1.intersection(&together.counts[&other].1);
                let sources: Vec<u32> = sources.copied().collect();
                self.add_together((from, to, EdgeKind::CoOccursWith), sources, together, card);
            }
        }
    }

    fn add_together(
        &mut self,
        key: (u32, u32, EdgeKind),
        sources: Vec<u32>,
        together: &Together,
        card: &Arc<Card>,
    ) {
        let n_edges = self.edges.len();
        let edge = match self.edges.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if self.limits.n_edges_max <= n_edges => {
                self.is_cut = true;
                return;
            }
            Entry::Vacant(new) => new.insert(Collected::at(card.dated_at)),
        };
        edge.n_statements += 1;
        edge.sources.extend(sources);
        for (it, _) in &together.articles {
            edge.first_at = edge.first_at.min(it.dated_at);
            edge.last_at = edge.last_at.max(it.dated_at);
        }
        let has_room = edge.proofs.len() < self.limits.n_proofs_max
            && self.n_proofs < self.limits.n_all_proofs_max;
        if has_room {
            self.n_proofs += 1;
            let sentence = card.title.clone();
            edge.proofs.push(Proof { statement: None, sentence, article: Arc::clone(card) });
        }
    }
}

impl Collected {
    fn at(dated_at: DateTime<Utc>) -> Collected {
        Collected {
            sources: BTreeSet::new(),
            said: HashSet::new(),
            n_statements: 0,
            first_at: dated_at,
            last_at: dated_at,
            modality: None,
            sectors: BTreeSet::new(),
            proofs: Vec::new(),
        }
    }
}

/// Each of `from` with each of `to`, but nobody with itself.
fn pairs(from: &[u32], to: &[u32], kind: EdgeKind) -> impl Iterator<Item = (u32, u32, EdgeKind)> {
    from.iter().flat_map(move |&one| {
        to.iter().filter(move |&&other| one != other).map(move |&other| (one, other, kind))
    })
}

fn card(article: &GraphArticle) -> Card {
    Card {
        article: article.id.to_string(),
        url: article.url.clone(),
        title: article.title.clone(),
        source_name: article.source_name.clone(),
        page_sha256: article.page_sha256.clone(),
        dated_at: article.dated_at,
    }
}

/// A hash of the letters and digits, so that typography does not make a copy an original.
fn hash_of(sentence: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for it in sentence.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase) {
        it.hash(&mut hasher);
    }
    hasher.finish()
}
