//! JSON Lines: every article, statement, node and edge as one object with its `type`.

use std::io::{self, Write};

use index::GraphArticle;
use index::graph::Graph;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Wants, Writer};

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

    fn end(&mut self, graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
        graph.nodes.iter().try_for_each(|it| line(out, "node", it))?;
        graph.edges.iter().try_for_each(|it| line(out, "edge", it))?;
        let counts = json!({
            "n_articles": graph.n_articles,
            "n_statements": graph.n_statements,
            "n_nodes": graph.nodes.len(),
            "n_edges": graph.edges.len(),
            "is_cut": graph.is_cut,
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
