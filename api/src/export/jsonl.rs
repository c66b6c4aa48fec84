//! JSON Lines: every article, statement, node and edge as one object with its `type`.

use std::io::{self, Write};

use index::GraphArticle;
use index::graph::{Edge, Node};
use serde::Serialize;
use serde_json::{Value, json};

use super::{GraphCounts, Wants, Writer};

/// Writes articles and statements as they come, nodes and edges at the end.
#[derive(Debug)]
pub(crate) struct JsonlWriter;

impl Writer for JsonlWriter {
    fn wants(&self) -> Wants {
        Wants { graph: true, ..Wants::default() }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        line(out, "harbinger", &json!({"version": 1}))
    }

    fn article(&mut self, article: &GraphArticle, out: &mut dyn Write) -> io::Result<()> {
        let mut value = serde_json::to_value(article)?;
        if let Value::Object(fields) = &mut value {
            fields.remove("statements");
        }
        line(out, "article", &value)?;
        article.statements.iter().try_for_each(|it| line(out, "statement", it))
    }

    fn nodes(&mut self, nodes: &[Node], out: &mut dyn Write) -> io::Result<()> {
        nodes.iter().try_for_each(|it| line(out, "node", it))
    }

    fn edge(&mut self, _: u64, edge: &Edge, out: &mut dyn Write) -> io::Result<()> {
        line(out, "edge", edge)
    }

    fn end(&mut self, counts: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        let counts = json!({
            "n_articles": counts.n_articles,
            "n_statements": counts.n_statements,
            "n_nodes": counts.n_nodes,
            "n_edges": counts.n_edges,
            "is_cut": counts.is_cut,
        });
        line(out, "end", &counts)
    }
}

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'a str,
    #[serde(flatten)]
    value: &'a T,
}

fn line(out: &mut dyn Write, kind: &str, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { r#type: kind, value })?;
    out.write_all(b"\n")
}
