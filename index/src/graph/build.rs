//! [`GraphBuilder`]: articles in, a [`Graph`] out, with a bound on everything it keeps.
//!
//! It keeps nodes and which edges there are; what is said of edges and who is named in a story is
//! written down as [notes](super::note) and added up at the end, edge by edge and story by story.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use super::note::{EdgeKey, Named, Ranked, Said, Sum, Together};
use super::sorter::{Sorted, Sorter};
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
    /// Memory for each of three sorts, about; more goes into temporary files.
    pub n_held_bytes_max: usize,
}

impl GraphLimits {
    /// For exports of 100 000 articles and more.
    pub const EXPORT: GraphLimits = GraphLimits {
        n_nodes_max: 200_000,
        n_edges_max: 500_000,
        n_proofs_max: 50,
        n_all_proofs_max: 300_000,
        n_together_max: 10,
        n_held_bytes_max: 12 << 20,
    };

    /// For a graph that people look at.
    pub const PAGE: GraphLimits = GraphLimits {
        n_nodes_max: 20_000,
        n_edges_max: 50_000,
        n_proofs_max: 12,
        n_all_proofs_max: 50_000,
        n_together_max: 8,
        n_held_bytes_max: 64 << 20,
    };
}

/// Collects nodes and edges. Give it articles oldest first: of two equal sentences the first is
/// the original and the second the copy.
#[derive(Debug)]
pub struct GraphBuilder {
    limits: GraphLimits,
    numbers: HashMap<Arc<str>, u32>,
    nodes: Vec<Node>,
    /// Proofs by edge.
    edges: HashMap<EdgeKey, u16>,
    pub(super) said: Sorter<Said>,
    sources: HashMap<String, u32>,
    pub(super) named: Sorter<Named>,
    /// Notes so far: what came first counts first.
    n_notes: u64,
    n_articles: u64,
    n_statements: u64,
    n_proofs: usize,
    is_cut: bool,
}

/// A graph whose edges come one by one, since there may be more than memory shall hold.
#[derive(Debug)]
pub struct GraphInParts {
    /// As [`Graph::nodes`].
    pub nodes: Vec<Node>,
    /// As [`Graph::edges`].
    pub edges: Edges,
    /// Number of edges.
    pub n_edges: u64,
    /// As [`Graph::n_articles`].
    pub n_articles: u64,
    /// As [`Graph::n_statements`].
    pub n_statements: u64,
    /// As [`Graph::is_cut`].
    pub is_cut: bool,
}

/// Edges, heaviest first.
#[derive(Debug)]
pub struct Edges(Sorted<Ranked>);

impl Iterator for Edges {
    type Item = io::Result<Edge>;

    fn next(&mut self) -> Option<io::Result<Edge>> {
        self.0.next().map(|it| it.map(|it| it.edge))
    }
}

impl GraphBuilder {
    /// A builder that keeps at most `limits`.
    pub fn new(limits: GraphLimits) -> GraphBuilder {
        GraphBuilder {
            limits,
            numbers: HashMap::new(),
            nodes: Vec::new(),
            edges: HashMap::new(),
            said: Sorter::new(limits.n_held_bytes_max),
            sources: HashMap::new(),
            named: Sorter::new(limits.n_held_bytes_max),
            n_notes: 0,
            n_articles: 0,
            n_statements: 0,
            n_proofs: 0,
            is_cut: false,
        }
    }

    /// Adds what an article says.
    ///
    /// # Errors
    /// What does not fit into memory cannot be put aside.
    pub fn add(&mut self, article: &GraphArticle) -> io::Result<()> {
        self.n_articles += 1;
        let card = Arc::new(card(article));
        let n_sources = self.sources.len() as u32;
        let source = *self.sources.entry(article.source.to_string()).or_insert(n_sources);
        let mut named = BTreeSet::new();
        let mut entities = Vec::with_capacity(article.entities.len());
        for it in &article.entities {
            entities.extend(self.node(&it.id, &it.kind, &it.name, &card, &mut named));
        }
        for statement in &article.statements {
            self.n_statements += 1;
            self.add_statement(statement, source, &card, &mut named)?;
        }
        let Some(story) = &article.story else { return Ok(()) };
        let (story, order, nodes) =
            (story.as_str().to_owned(), self.next_note(), named.into_iter().collect());
        self.named.push(Named { story, order, source, entities, nodes, card })
    }

    fn next_note(&mut self) -> u64 {
        self.n_notes += 1;
        self.n_notes
    }

    fn add_statement(
        &mut self,
        record: &StatementRecord,
        source: u32,
        card: &Arc<Card>,
        named: &mut BTreeSet<u32>,
    ) -> io::Result<()> {
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
        let mut edges = pairs(&actors, &targets, does)
            .chain(pairs(&actors, &means, EdgeKind::Uses))
            .chain(pairs(&speakers, spoken_of, EdgeKind::SpeaksOf));
        edges.try_for_each(|edge| self.add_edge(edge, record, source, card))
    }

    fn add_edge(
        &mut self,
        edge: EdgeKey,
        record: &StatementRecord,
        source: u32,
        card: &Arc<Card>,
    ) -> io::Result<()> {
        let Some(has_room) = self.room_for(edge) else { return Ok(()) };
        self.is_cut |= !has_room;
        let proof = has_room.then(|| Proof {
            statement: Some(record.id.clone()),
            sentence: record.sentence.clone(),
            article: Arc::clone(card),
        });
        let sectors = record.statement.sectors.iter().map(|it| it.as_str().to_owned());
        let order = self.next_note();
        self.said.push(Said {
            edge,
            order,
            sources: vec![source],
            sentence: Some(hash_of(&record.sentence)),
            first_at: card.dated_at,
            last_at: card.dated_at,
            modality: Some(record.statement.modality),
            sectors: sectors.collect(),
            proof,
        })
    }

    /// Whether there is room for another proof of an edge; `None` when there is none for the edge.
    fn room_for(&mut self, edge: EdgeKey) -> Option<bool> {
        let n_edges = self.edges.len();
        let n_proofs = match self.edges.entry(edge) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if self.limits.n_edges_max <= n_edges => {
                self.is_cut = true;
                return None;
            }
            Entry::Vacant(new) => new.insert(0),
        };
        let has_room = usize::from(*n_proofs) < self.limits.n_proofs_max
            && self.n_proofs < self.limits.n_all_proofs_max;
        if has_room {
            *n_proofs += 1;
            self.n_proofs += 1;
        }
        Some(has_room)
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

    /// Everything collected, heaviest first.
    ///
    /// # Errors
    /// What was put aside cannot be read again.
    pub fn finish(self) -> io::Result<Graph> {
        let parts = self.finish_in_parts()?;
        Ok(Graph {
            n_nodes_found: parts.nodes.len() as u64,
            n_edges_found: parts.n_edges,
            nodes: parts.nodes,
            edges: parts.edges.collect::<io::Result<_>>()?,
            n_articles: parts.n_articles,
            n_statements: parts.n_statements,
            is_cut: parts.is_cut,
        })
    }

    /// The same for a graph that is too big for memory.
    ///
    /// # Errors
    /// What was put aside cannot be read again.
    pub fn finish_in_parts(mut self) -> io::Result<GraphInParts> {
        self.numbers = HashMap::new();
        self.pair_all()?;
        let n_edges = self.edges.len() as u64;
        self.edges = HashMap::new();
        let mut ranked = Sorter::new(self.limits.n_held_bytes_max);
        let mut weights = vec![0_u64; self.nodes.len()];
        let mut rank = |sum: Sum| {
            let (from, to, _) = sum.edge;
            let id = |it: u32| Arc::clone(&self.nodes[it as usize].id);
            let edge = sum.finish(id(from), id(to));
            weights[from as usize] += edge.weight;
            weights[to as usize] += edge.weight;
            ranked.push(Ranked { edge })
        };
        let mut sum: Option<Sum> = None;
        for said in self.said.sorted()? {
            let said = said?;
            if let Some(done) = sum.take_if(|it| it.edge != said.edge) {
                rank(done)?;
            }
            sum.get_or_insert_with(|| Sum::of(&said)).add(said);
        }
        sum.map_or(Ok(()), rank)?;
        let mut nodes: Vec<(u64, Node)> = weights.into_iter().zip(self.nodes).collect();
        nodes.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.id.cmp(&other.id)));
        Ok(GraphInParts {
            nodes: nodes.into_iter().map(|it| it.1).collect(),
            edges: Edges(ranked.sorted()?),
            n_edges,
            n_articles: self.n_articles,
            n_statements: self.n_statements,
            is_cut: self.is_cut,
        })
    }

    /// Joins those who are named in one story, story by story.
    fn pair_all(&mut self) -> io::Result<()> {
        let named = std::mem::replace(&mut self.named, Sorter::new(0));
        let mut story = (String::new(), Together::default());
        for it in named.sorted()? {
            let it = it?;
            if it.story != story.0 {
                let before = std::mem::replace(&mut story, (it.story.clone(), Together::default()));
                self.pair(&before.1)?;
            }
            story.1.add(it);
        }
        self.pair(&story.1)
    }

    /// Joins the entities that most articles of a story name.
    fn pair(&mut self, together: &Together) -> io::Result<()> {
        let best = together.most_named(self.limits.n_together_max);
        for (at, &one) in best.iter().enumerate() {
            for &other in &best[at + 1..] {
                let Some(card) = together.card_with(one, other) else { continue };
                // One direction only; the ids decide, so that the order of articles does not.
                let swapped = self.nodes[other as usize].id < self.nodes[one as usize].id;
                let (from, to) = if swapped { (other, one) } else { (one, other) };
                let edge = (from, to, EdgeKind::CoOccursWith);
                let Some(has_room) = self.room_for(edge) else { continue };
                let proof = has_room.then(|| Proof {
                    statement: None,
                    sentence: card.title.clone(),
                    article: Arc::clone(card),
                });
                let (first_at, last_at) = together.dates(card);
                let order = self.next_note();
                self.said.push(Said {
                    edge,
                    order,
                    sources: together.sources_of_both(one, other),
                    sentence: None,
                    first_at,
                    last_at,
                    modality: None,
                    sectors: Vec::new(),
                    proof,
                })?;
            }
        }
        Ok(())
    }
}

/// Each of `from` with each of `to`, but nobody with itself.
fn pairs(from: &[u32], to: &[u32], kind: EdgeKind) -> impl Iterator<Item = EdgeKey> {
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
