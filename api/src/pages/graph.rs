//! Who is joined to whom: a drawing for browsers with scripts, the same as a table for all.

use askama::Template;
use chrono::{DateTime, Utc};
use index::EntityRecord;
use index::graph::{Edge, EdgeKind, Graph, Node, Trim};
use index::search::SearchRequest;
use nlp::Modality;

use super::frame::Frame;
use super::text::{Time, brief, clean, clean_or, counted, href, path_href};
use crate::export::{Facts, word};
use crate::handlers::assets::{ASSETS, GraphAssets};
use crate::handlers::graph::GraphBody;
use crate::handlers::params::Params;

const N_ROWS_MAX: usize = 200;
const N_PROOFS_SHOWN: usize = 3;
/// Whole exports of the selection, and files of what is shown.
const EXPORTS: [(&str, &str); 9] = [
    ("stix", "STIX"),
    ("misp", "MISP"),
    ("gexf", "GEXF"),
    ("graphml", "GraphML"),
    ("cypher", "Cypher"),
    ("ftm", "FollowTheMoney"),
    ("csv", "CSV"),
    ("jsonl", "JSON Lines"),
    ("atom", "Atom"),
];
const SHOWN_AS: [(&str, &str); 4] =
    [("gexf", "GEXF"), ("graphml", "GraphML"), ("cypher", "Cypher"), ("json", "JSON")];

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) params: &'a Params,
    pub(crate) request: &'a SearchRequest,
    pub(crate) trim: &'a Trim,
    /// `None` when nothing was asked for yet.
    pub(crate) body: Option<&'a GraphBody>,
    /// Name of the entity in the middle.
    pub(crate) start: Option<String>,
    pub(crate) offered: Vec<EntityRecord>,
    pub(crate) facts: &'a Facts,
    pub(crate) now: DateTime<Utc>,
}

/// `graph.html`.
#[derive(Template)]
#[template(path = "graph.html")]
pub(crate) struct GraphPage {
    frame: Frame,
    assets: &'static GraphAssets,
    title: String,
    deck: String,
    note: Option<String>,
    query: String,
    from: String,
    to: String,
    weight: u64,
    nodes_max: usize,
    kept: Vec<(String, String)>,
    kinds: Vec<KindChoice>,
    offered: Vec<(String, String)>,
    is_asked: bool,
    data_href: String,
    rows: Vec<Row>,
    n_rows_left: usize,
    nodes: Vec<NodeRow>,
    exports: Vec<(String, &'static str)>,
    shown_as: Vec<(String, &'static str)>,
}

struct KindChoice {
    name: &'static str,
    label: String,
    is_on: bool,
}

struct Row {
    source: Place,
    target: Place,
    kind: String,
    class: &'static str,
    certainty: String,
    weight: u64,
    n_statements: u64,
    first: Time,
    last: Time,
    /// Whether it was said at more than one time.
    is_span: bool,
    proofs: Vec<ProofRow>,
}

struct Place {
    name: String,
    href: Option<String>,
}

struct ProofRow {
    sentence: String,
    source: String,
    href: String,
    time: Time,
}

struct NodeRow {
    name: String,
    kind: String,
    n_articles: u64,
    href: Option<String>,
    graph_href: Option<String>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> GraphPage {
    let Input { params, request, trim, body, start, offered, facts, now } = input;
    let empty = Graph::default();
    let graph = body.map_or(&empty, |it| &it.graph);
    let words = clean(&request.q);
    let title = match (&start, words.trim()) {
        (Some(name), _) => format!("Graph of {}", brief(&clean(name), 80)),
        (None, "") => "Graph".to_owned(),
        (None, words) => format!("Graph of “{}”", brief(words, 80)),
    };
    let pairs: Vec<(&str, &str)> = params.pairs().filter(|it| it.0 != "as").collect();
    let of_search = |it: &&(&str, &str)| !["edge", "weight", "nodes"].contains(&it.0);
    let selection: Vec<(&str, &str)> = pairs.iter().filter(of_search).copied().collect();
    let own = ["q", "from", "to", "edge", "weight", "nodes"];
    let kept = pairs.iter().filter(|it| !own.contains(&it.0));
    let shown_as = SHOWN_AS.map(|(form, label)| {
        let all = pairs.iter().copied().chain([("as", form)]);
        (href("/v1/graph", all), label)
    });
    GraphPage {
        frame: Frame::new(title.clone(), "/graph"),
        assets: &ASSETS.graph,
        title,
        deck: body.map(deck).unwrap_or_default(),
        note: body.and_then(note),
        query: request.q.clone(),
        from: params.get("from").unwrap_or_default().to_owned(),
        to: params.get("to").unwrap_or_default().to_owned(),
        weight: trim.weight_min,
        nodes_max: trim.n_nodes_max,
        kept: kept.map(|it| (it.0.to_owned(), it.1.to_owned())).collect(),
        kinds: EdgeKind::ALL.map(|it| choice(it, trim)).into(),
        offered: offered.iter().map(offer).collect(),
        is_asked: body.is_some(),
        data_href: href("/v1/graph", pairs.iter().copied()),
        rows: graph.edges.iter().take(N_ROWS_MAX).map(|it| row(it, graph, facts, now)).collect(),
        n_rows_left: graph.edges.len().saturating_sub(N_ROWS_MAX),
        nodes: graph.nodes.iter().map(|it| node_row(it, facts)).collect(),
        exports: exports(&selection),
        shown_as: shown_as.into(),
    }
}

/// Addresses and names of all formats in which what these parameters select can be taken along.
pub(crate) fn exports(selection: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    let of =
        |(format, label)| (href(&format!("/v1/export/{format}"), selection.iter().copied()), label);
    EXPORTS.map(of).into()
}

fn deck(body: &GraphBody) -> String {
    let graph = &body.graph;
    format!(
        "{} and {} from {} with {}",
        counted(graph.nodes.len() as u64, "node", "nodes"),
        counted(graph.edges.len() as u64, "edge", "edges"),
        counted(graph.n_articles, "article", "articles"),
        counted(graph.n_statements, "statement", "statements"),
    )
}

/// What the reader does not see.
fn note(body: &GraphBody) -> Option<String> {
    let graph = &body.graph;
    let mut parts = Vec::new();
    if graph.n_articles < body.n_articles_found {
        let found = counted(body.n_articles_found, "article", "articles");
        parts.push(format!("the newest {} of {found} were read", graph.n_articles));
    }
    let n_left = graph.n_nodes_found.saturating_sub(graph.nodes.len() as u64);
    if 0 < n_left {
        parts.push(format!("{} lighter or unjoined left out", counted(n_left, "node", "nodes")));
    }
    (!parts.is_empty()).then(|| format!("Not all is shown: {}.", parts.join("; ")))
}

fn choice(kind: EdgeKind, trim: &Trim) -> KindChoice {
    let is_on = trim.kinds.is_empty() || trim.kinds.contains(&kind);
    KindChoice { name: kind.name(), label: kind.name().replace('-', " "), is_on }
}

fn offer(entity: &EntityRecord) -> (String, String) {
    (
        href("/graph", [("entity", entity.id.as_str())]),
        brief(&clean_or(&entity.name, &entity.id), 60),
    )
}

fn row(edge: &Edge, graph: &Graph, facts: &Facts, now: DateTime<Utc>) -> Row {
    let certainty = edge.modality.as_ref().map(word).unwrap_or_default();
    let proofs = edge.evidence.iter().take(N_PROOFS_SHOWN).map(|it| ProofRow {
        sentence: brief(&it.sentence, 280),
        source: clean(&it.article.source_name),
        href: path_href("articles", &it.article.article),
        time: Time::of(it.article.dated_at, now),
    });
    Row {
        source: place(&edge.source, graph, facts),
        target: place(&edge.target, graph, facts),
        kind: edge.kind.name().replace('-', " "),
        class: class(edge),
        certainty,
        weight: edge.weight,
        n_statements: edge.n_statements,
        first: Time::of(edge.first_at, now),
        last: Time::of(edge.last_at, now),
        is_span: edge.first_at != edge.last_at,
        proofs: proofs.collect(),
    }
}

/// How an edge looks: hostile and asserted, hostile and hedged, or merely a relation.
pub(crate) fn class(edge: &Edge) -> &'static str {
    match edge.kind {
        EdgeKind::CoOccursWith | EdgeKind::SpeaksOf | EdgeKind::Uses => "quiet",
        _ if edge.modality == Some(Modality::Asserted) => "loud",
        _ => "hedged",
    }
}

fn place(id: &str, graph: &Graph, facts: &Facts) -> Place {
    let node = graph.nodes.iter().find(|it| &*it.id == id);
    let name = node.map_or(id, |it| &it.name);
    Place { name: name_of(id, name, facts), href: entity_href(id) }
}

pub(crate) fn name_of(id: &str, name: &str, facts: &Facts) -> String {
    let name = if id.starts_with("sector:") { facts.sector_label(name) } else { name };
    brief(&clean_or(name, id), 80)
}

/// The page of an entity; words and sectors have none.
pub(crate) fn entity_href(id: &str) -> Option<String> {
    let is_entity = !id.starts_with("words:") && !id.starts_with("sector:/");
    is_entity.then(|| path_href("entities", id))
}

fn node_row(node: &Node, facts: &Facts) -> NodeRow {
    let href_of_page = entity_href(&node.id);
    NodeRow {
        name: name_of(&node.id, &node.name, facts),
        kind: clean(&node.kind).replace('-', " "),
        n_articles: node.n_articles,
        graph_href: href_of_page.is_some().then(|| href("/graph", [("entity", &*node.id)])),
        href: href_of_page,
    }
}
