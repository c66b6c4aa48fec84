//! GEXF 1.2 with time intervals in days, for Gephi and networkx.

use std::io::{self, Write};

use chrono::{DateTime, TimeDelta, Utc};
use index::graph::{Edge, Node};

use super::xml::Xml;
use super::{GraphCounts, Wants, Writer, evidence_json, timestamp};

/// Writes nodes and edges; knows no articles.
#[derive(Debug)]
pub(crate) struct GexfWriter;

const NODE_ATTRIBUTES: [(&str, &str, &str); 5] = [
    ("0", "kind", "string"),
    ("1", "entity", "string"),
    ("2", "articles", "integer"),
    ("3", "first_at", "string"),
    ("4", "last_at", "string"),
];
const EDGE_ATTRIBUTES: [(&str, &str, &str); 9] = [
    ("0", "type", "string"),
    ("1", "statements", "integer"),
    ("2", "certainty", "string"),
    ("3", "sectors", "string"),
    ("4", "first_at", "string"),
    ("5", "last_at", "string"),
    ("6", "sentence", "string"),
    ("7", "url", "string"),
    ("8", "evidence", "string"),
];

impl Writer for GexfWriter {
    fn wants(&self) -> Wants {
        Wants { graph: true, ..Wants::default() }
    }

    fn nodes(&mut self, nodes: &[Node], out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Xml::new(&mut *out)?;
        xml.open("gexf", &[("xmlns", "http://www.gexf.net/1.2draft"), ("version", "1.2")])?;
        xml.open("meta", &[])?;
        xml.text("creator", &[], "Harbinger")?;
        xml.close("meta")?;
        let kind = [("defaultedgetype", "directed"), ("mode", "dynamic"), ("timeformat", "date")];
        xml.open("graph", &kind)?;
        for (class, attributes) in [("node", &NODE_ATTRIBUTES[..]), ("edge", &EDGE_ATTRIBUTES[..])]
        {
            xml.open("attributes", &[("class", class)])?;
            for (id, title, kind) in attributes {
                xml.empty("attribute", &[("id", id), ("title", title), ("type", kind)])?;
            }
            xml.close("attributes")?;
        }
        xml.open("nodes", &[])?;
        for it in nodes {
            node(&mut xml, it)?;
        }
        xml.close("nodes")?;
        xml.open("edges", &[])
    }

    fn edge(&mut self, number: u64, it: &Edge, out: &mut dyn Write) -> io::Result<()> {
        edge(&mut Xml::going_on(out), number, it)
    }

    fn end(&mut self, counts: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        let mut xml = Xml::going_on(out);
        if let Some(remark) = counts.remark() {
            xml.comment(remark)?;
        }
        ["edges", "graph", "gexf"].iter().try_for_each(|it| xml.close(it))
    }
}

fn node<W: Write>(xml: &mut Xml<W>, node: &Node) -> io::Result<()> {
    let (start, end) = interval(node.first_at, node.last_at);
    let attributes = [("id", &*node.id), ("label", &node.name), ("start", &start), ("end", &end)];
    xml.open("node", &attributes)?;
    let values = [
        node.kind.clone(),
        node.id.to_string(),
        node.n_articles.to_string(),
        timestamp(node.first_at),
        timestamp(node.last_at),
    ];
    values_of(xml, &values)?;
    xml.close("node")
}

fn edge<W: Write>(xml: &mut Xml<W>, number: u64, edge: &Edge) -> io::Result<()> {
    let (start, end) = interval(edge.first_at, edge.last_at);
    let (id, weight) = (number.to_string(), edge.weight.to_string());
    let attributes = [
        ("id", id.as_str()),
        ("source", &edge.source),
        ("target", &edge.target),
        ("label", edge.kind.name()),
        ("weight", &weight),
        ("start", &start),
        ("end", &end),
    ];
    xml.open("edge", &attributes)?;
    let first = edge.evidence.first();
    let values = [
        edge.kind.name().to_owned(),
        edge.n_statements.to_string(),
        edge.modality.as_ref().map(super::word).unwrap_or_default(),
        edge.sectors.join(" "),
        timestamp(edge.first_at),
        timestamp(edge.last_at),
        first.map(|it| it.sentence.clone()).unwrap_or_default(),
        first.map(|it| it.article.url.clone()).unwrap_or_default(),
        evidence_json(edge),
    ];
    values_of(xml, &values)?;
    xml.close("edge")
}

fn values_of<W: Write>(xml: &mut Xml<W>, values: &[String]) -> io::Result<()> {
    xml.open("attvalues", &[])?;
    for (at, value) in values.iter().enumerate() {
        xml.empty("attvalue", &[("for", &at.to_string()), ("value", value)])?;
    }
    xml.close("attvalues")
}

/// Days from the first to the last, the end open: one day for what happened on one day.
fn interval(first_at: DateTime<Utc>, last_at: DateTime<Utc>) -> (String, String) {
    let day = |it: DateTime<Utc>| it.format("%Y-%m-%d").to_string();
    let end = last_at.checked_add_signed(TimeDelta::days(1)).unwrap_or(last_at);
    (day(first_at), day(end))
}
