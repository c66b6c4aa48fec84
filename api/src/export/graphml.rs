//! GraphML, for yEd, Gephi, networkx, igraph.

use std::io::{self, Write};

use index::graph::{Edge, Node};

use super::xml::Xml;
use super::{GraphCounts, Wants, Writer, evidence_json, timestamp};

/// Writes nodes and edges; knows no articles.
#[derive(Debug)]
pub(crate) struct GraphmlWriter;

/// Names and types of what nodes and edges carry, in the order in which it is written.
const NODE_KEYS: [(&str, &str); 5] = [
    ("name", "string"),
    ("kind", "string"),
    ("articles", "long"),
    ("first_at", "string"),
    ("last_at", "string"),
];
const EDGE_KEYS: [(&str, &str); 10] = [
    ("type", "string"),
    ("weight", "long"),
    ("statements", "long"),
    ("certainty", "string"),
    ("sectors", "string"),
    ("edge_first_at", "string"),
    ("edge_last_at", "string"),
    ("sentence", "string"),
    ("url", "string"),
    ("evidence", "string"),
];

impl Writer for GraphmlWriter {
    fn wants(&self) -> Wants {
        Wants { graph: true, ..Wants::default() }
    }

    fn nodes(&mut self, nodes: &[Node], out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Xml::new(&mut *out)?;
        xml.open("graphml", &[("xmlns", "http://graphml.graphdrawing.org/xmlns")])?;
        for (class, keys) in [("node", &NODE_KEYS[..]), ("edge", &EDGE_KEYS[..])] {
            for (name, kind) in keys {
                let shown = name.trim_start_matches("edge_");
                let key =
                    [("id", *name), ("for", class), ("attr.name", shown), ("attr.type", kind)];
                xml.empty("key", &key)?;
            }
        }
        xml.open("graph", &[("id", "harbinger"), ("edgedefault", "directed")])?;
        nodes.iter().try_for_each(|it| node(&mut xml, it))
    }

    fn edge(&mut self, number: u64, it: &Edge, out: &mut dyn Write) -> io::Result<()> {
        edge(&mut Xml::going_on(out), number, it)
    }

    fn end(&mut self, counts: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Xml::going_on(out);
        if let Some(remark) = counts.remark() {
            xml.comment(remark)?;
        }
        xml.close("graph")?;
        xml.close("graphml")
    }
}

fn node<W: Write>(xml: &mut Xml<W>, node: &Node) -> io::Result<()> {
    xml.open("node", &[("id", &node.id)])?;
    let values = [
        node.name.clone(),
        node.kind.clone(),
        node.n_articles.to_string(),
        timestamp(node.first_at),
        timestamp(node.last_at),
    ];
    for ((key, _), value) in NODE_KEYS.iter().zip(&values) {
        xml.text("data", &[("key", key)], value)?;
    }
    xml.close("node")
}

fn edge<W: Write>(xml: &mut Xml<W>, number: u64, edge: &Edge) -> io::Result<()> {
    let id = format!("e{number}");
    xml.open("edge", &[("id", &id), ("source", &edge.source), ("target", &edge.target)])?;
    let first = edge.evidence.first();
    let values = [
        edge.kind.name().to_owned(),
        edge.weight.to_string(),
        edge.n_statements.to_string(),
        edge.modality.as_ref().map(super::word).unwrap_or_default(),
        edge.sectors.join(" "),
        timestamp(edge.first_at),
        timestamp(edge.last_at),
        first.map(|it| it.sentence.clone()).unwrap_or_default(),
        first.map(|it| it.article.url.clone()).unwrap_or_default(),
        evidence_json(edge),
    ];
    for ((key, _), value) in EDGE_KEYS.iter().zip(&values) {
        xml.text("data", &[("key", key)], value)?;
    }
    xml.close("edge")
}
