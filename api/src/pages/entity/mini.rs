//! The small graph on the page of an entity: itself in the middle, whom it is joined to around it.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use index::graph::{Edge, EdgeKind, Graph, Node};

use crate::export::Facts;
use crate::pages::graph::{class, entity_href, name_of};
use crate::pages::text::{brief, counted};

const WIDTH: f64 = 290.0;
const HEIGHT: f64 = 250.0;
const MIDDLE: (f64, f64) = (145.0, 116.0);
/// Half the width and height of the ellipse on which the others stand.
const REACH: (f64, f64) = (100.0, 92.0);
const N_LETTERS_MAX: usize = 17;
/// Length of an arrow's head.
const HEAD: f64 = 7.0;

/// The drawing.
pub(crate) struct Mini {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) edges: Vec<Line>,
    pub(crate) nodes: Vec<Dot>,
}

/// An edge.
pub(crate) struct Line {
    pub(crate) class: &'static str,
    pub(crate) x1: String,
    pub(crate) y1: String,
    pub(crate) x2: String,
    pub(crate) y2: String,
    pub(crate) width: String,
    /// Corners of the arrow's head; empty when the edge has no direction.
    pub(crate) head: String,
}

/// A node.
pub(crate) struct Dot {
    pub(crate) href: Option<String>,
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) is_middle: bool,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) text_y: String,
    pub(crate) radius: String,
}

impl Mini {
    /// Draws `graph` around the node `middle`; `None` when nobody is joined to it.
    pub(crate) fn of(graph: &Graph, middle: &str, facts: &Facts) -> Option<Mini> {
        let own = graph.nodes.iter().find(|it| &*it.id == middle)?;
        let joined = strongest(graph, middle);
        let others: Vec<(&Node, &Edge)> = graph
            .nodes
            .iter()
            .filter_map(|it| joined.get(&*it.id).map(|edge| (it, *edge)))
            .collect();
        if others.is_empty() {
            return None;
        }
        let mut mini = Mini { width: WIDTH, height: HEIGHT, edges: Vec::new(), nodes: Vec::new() };
        for (n, (node, edge)) in others.iter().enumerate() {
            let angle = TAU * (n as f64 / others.len() as f64 - 0.25);
            let at = (MIDDLE.0 + REACH.0 * angle.cos(), MIDDLE.1 + REACH.1 * angle.sin());
            let (from, to) = match &*edge.source == middle {
                true => ((MIDDLE, radius(own)), (at, radius(node))),
                false => ((at, radius(node)), (MIDDLE, radius(own))),
            };
            mini.edges.push(line(edge, from, to));
            let name =
                |id: &str| name_of(id, if id == middle { &own.name } else { &node.name }, facts);
            let about = format!(
                "{} {} {}, {}",
                name(&edge.source),
                edge.kind.name().replace('-', " "),
                name(&edge.target),
                counted(edge.weight, "source", "sources"),
            );
            mini.nodes.push(dot(node, at, about, facts));
        }
        let about = format!("named in {}", counted(own.n_articles, "article", "articles"));
        mini.nodes.push(Dot { is_middle: true, href: None, ..dot(own, MIDDLE, about, facts) });
        Some(mini)
    }
}

/// The edge that says most for everybody who is joined to `middle`: hostile before related, then
/// that of most sources.
fn strongest<'a>(graph: &'a Graph, middle: &str) -> BTreeMap<&'a str, &'a Edge> {
    let mut joined: BTreeMap<&str, &Edge> = BTreeMap::new();
    let rank = |it: &Edge| (class(it) != "quiet", it.weight, it.kind != EdgeKind::CoOccursWith);
    for edge in &graph.edges {
        let other = match (&*edge.source == middle, &*edge.target == middle) {
            (true, false) => &*edge.target,
            (false, true) => &*edge.source,
            _ => continue,
        };
        let known = joined.entry(other).or_insert(edge);
        if rank(known) < rank(edge) {
            *known = edge;
        }
    }
    joined
}

/// By articles that name it, slowly growing.
fn radius(node: &Node) -> f64 {
    (4.0 + 1.5 * ((1 + node.n_articles) as f64).log2()).min(12.0)
}

fn dot(node: &Node, at: (f64, f64), about: String, facts: &Facts) -> Dot {
    let name = name_of(&node.id, &node.name, facts);
    let radius = radius(node);
    Dot {
        href: entity_href(&node.id),
        about,
        name: brief(&name, N_LETTERS_MAX),
        is_middle: false,
        x: number(at.0),
        y: number(at.1),
        text_y: number(at.1 + radius + 12.0),
        radius: number(radius),
    }
}

/// From the rim of one circle to the rim of the other, each a middle and a radius.
fn line(edge: &Edge, from: ((f64, f64), f64), to: ((f64, f64), f64)) -> Line {
    let (dx, dy) = (to.0.0 - from.0.0, to.0.1 - from.0.1);
    let length = dx.hypot(dy).max(1.0);
    let (ux, uy) = (dx / length, dy / length);
    let has_head = edge.kind != EdgeKind::CoOccursWith;
    let tip = (to.0.0 - ux * (to.1 + 1.0), to.0.1 - uy * (to.1 + 1.0));
    let neck = if has_head { (tip.0 - ux * HEAD, tip.1 - uy * HEAD) } else { tip };
    let corner = |side: f64| {
        let (x, y) = (neck.0 - uy * side * HEAD * 0.5, neck.1 + ux * side * HEAD * 0.5);
        format!("{x:.1},{y:.1}")
    };
    Line {
        class: class(edge),
        x1: number(from.0.0 + ux * from.1),
        y1: number(from.0.1 + uy * from.1),
        x2: number(neck.0),
        y2: number(neck.1),
        width: number((0.8 + ((1 + edge.weight) as f64).log2() * 0.7).min(4.0)),
        head: match has_head {
            true => format!("{:.1},{:.1} {} {}", tip.0, tip.1, corner(1.0), corner(-1.0)),
            false => String::new(),
        },
    }
}

fn number(value: f64) -> String {
    format!("{value:.1}")
}
