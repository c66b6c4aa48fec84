//! Cutting a [`Graph`] to what a person can look at: [`Trim`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{EdgeKind, Graph};

/// A statement counts so much more than being named together.
const STATEMENT_FACTOR: u64 = 4;

/// What to keep of a graph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trim {
    /// The node in the middle: it is kept, and only nodes joined to it are.
    pub focus: Option<String>,
    /// Kinds of edges; all when empty.
    pub kinds: Vec<EdgeKind>,
    /// Independent sources that an edge needs at least.
    pub weight_min: u64,
    /// Most nodes.
    pub n_nodes_max: usize,
    /// Most edges.
    pub n_edges_max: usize,
}

impl Trim {
    /// Keeps the heaviest nodes, and edges between them. Nodes without any edge are left out,
    /// except the one in the middle.
    pub fn apply(&self, mut graph: Graph) -> Graph {
        graph.edges.retain(|it| {
            (self.kinds.is_empty() || self.kinds.contains(&it.kind)) && self.weight_min <= it.weight
        });
        let focus: Option<Arc<str>> = self.focus.as_deref().map(Arc::from);
        let mut weights: HashMap<Arc<str>, u64> = HashMap::new();
        for edge in &graph.edges {
            if focus.as_ref().is_some_and(|it| edge.source != *it && edge.target != *it) {
                continue;
            }
            let factor = if edge.kind == EdgeKind::CoOccursWith { 1 } else { STATEMENT_FACTOR };
            for end in [&edge.source, &edge.target] {
                *weights.entry(Arc::clone(end)).or_default() += factor * edge.weight;
            }
        }
        if let Some(focus) = focus {
            weights.insert(focus, u64::MAX);
        }
        let mut ranked: Vec<(Arc<str>, u64)> = weights.into_iter().collect();
        ranked.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        ranked.truncate(self.n_nodes_max);
        let kept: HashSet<Arc<str>> = ranked.into_iter().map(|it| it.0).collect();
        graph.nodes.retain(|it| kept.contains(&it.id));
        graph.edges.retain(|it| kept.contains(&it.source) && kept.contains(&it.target));
        graph.edges.truncate(self.n_edges_max);
        graph
    }
}
