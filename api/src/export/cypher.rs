//! Cypher statements, one a line, for Neo4j and its kin. Running them twice changes nothing.

use std::fmt::Write as _;
use std::io::{self, Write};

use index::graph::{Edge, Node};

use super::{GraphCounts, Wants, Writer, timestamp};

/// Writes nodes and edges; knows no articles.
#[derive(Debug)]
pub(crate) struct CypherWriter;

impl Writer for CypherWriter {
    fn wants(&self) -> Wants {
        Wants { graph: true, ..Wants::default() }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let constraint = "CREATE CONSTRAINT harbinger_entity_id IF NOT EXISTS \
             FOR (n:Entity) REQUIRE n.id IS UNIQUE;";
        writeln!(out, "{constraint}")
    }

    fn nodes(&mut self, nodes: &[Node], out: &mut dyn Write) -> io::Result<()> {
        nodes.iter().try_for_each(|it| writeln!(out, "{}", node(it)))
    }

    fn edge(&mut self, _: u64, it: &Edge, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", edge(it))
    }

    fn end(&mut self, counts: &GraphCounts, out: &mut dyn Write) -> io::Result<()> {
        match counts.remark() {
            Some(remark) => writeln!(out, "// {remark}"),
            None => Ok(()),
        }
    }
}

fn node(node: &Node) -> String {
    format!(
        "MERGE (n:Entity {{id: {}}}) SET n.name = {}, n.kind = {}, n.n_articles = {}, \
         n.first_at = {}, n.last_at = {};",
        quoted(&node.id),
        quoted(&node.name),
        quoted(&node.kind),
        node.n_articles,
        quoted(&timestamp(node.first_at)),
        quoted(&timestamp(node.last_at)),
    )
}

fn edge(edge: &Edge) -> String {
    let kind = edge.kind.name().replace('-', "_").to_uppercase();
    let list = |items: Vec<&str>| {
        let items: Vec<String> = items.into_iter().map(quoted).collect();
        format!("[{}]", items.join(", "))
    };
    format!(
        "MATCH (a:Entity {{id: {}}}), (b:Entity {{id: {}}}) MERGE (a)-[r:{kind}]->(b) \
         SET r.weight = {}, r.n_statements = {}, r.first_at = {}, r.last_at = {}, \
         r.certainty = {}, r.sectors = {}, r.sentences = {}, r.urls = {}, r.hashes = {};",
        quoted(&edge.source),
        quoted(&edge.target),
        edge.weight,
        edge.n_statements,
        quoted(&timestamp(edge.first_at)),
        quoted(&timestamp(edge.last_at)),
        quoted(&edge.modality.as_ref().map(super::word).unwrap_or_default()),
        list(edge.sectors.iter().map(String::as_str).collect()),
        list(edge.evidence.iter().map(|it| it.sentence.as_str()).collect()),
        list(edge.evidence.iter().map(|it| it.article.url.as_str()).collect()),
        list(edge.evidence.iter().map(|it| it.article.page_sha256.as_str()).collect()),
    )
}

/// A string literal that ends where it should, whatever the text holds; on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for it in text.chars() {
        match it {
            '\'' => quoted.push_str("\\'"),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // Also the separators that some readers take for the end of a line.
            it if it.is_control() || matches!(it, '\u{2028}' | '\u{2029}') => {
                let _ = write!(quoted, "\\u{:04x}", it as u32);
            }
            it => quoted.push(it),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn no_text_can_leave_its_quotes() {
        assert_eq!(quoted("it's"), r"'it\'s'");
        assert_eq!(quoted(r"\'; MATCH (n) DELETE n; //"), r"'\\\'; MATCH (n) DELETE n; //'");
        assert_eq!(quoted("a\nb\u{2028}\u{1}"), r"'a\nb\u2028\u0001'");
    }
}
