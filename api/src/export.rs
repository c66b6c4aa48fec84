//! Exports: what a search selects, written in the formats of other tools.
//!
//! [`run()`] reads the selection page by page and hands each article to a [`Writer`]; nothing but
//! the identities that were written and the graph's bounded nodes stays in memory. Writers are
//! pure: articles in, bytes out. All fetched text is escaped as its format demands.
//!
//! Reading order: this file, [`select`], [`facts`], [`ids`]; then the formats: [`jsonl`], [`csv`], [`stix`],
//! [`misp`], [`ftm`], [`gexf`], [`graphml`], [`cypher`], [`atom`].
//!
//! Longer than most, since the formats, what each is called and what reads for it are in one place.

pub(crate) mod atom;
pub(crate) mod csv;
pub(crate) mod cypher;
pub(crate) mod facts;
pub(crate) mod ftm;
pub(crate) mod gexf;
pub(crate) mod graphml;
pub(crate) mod ids;
pub(crate) mod jsonl;
pub(crate) mod misp;
pub(crate) mod select;
pub(crate) mod stix;
mod xml;

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::ValueEnum;
use index::graph::{Edge, Graph, GraphBuilder, GraphLimits, Node};
use index::search::SearchRequest;
use index::{Archive, ArchiveError, GraphArticle, SearchError, SearchIndex, StoryMembers};
use indicatif::ProgressBar;
use ingest::ArticleId;
use nlp::story::StoryId;
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub(crate) use facts::Facts;
use select::Selection;

/// Articles of one story in one MISP event.
const N_EVENT_ARTICLES_MAX: usize = 200;
/// Stories whose members are read at once.
const N_STORIES_AT_ONCE: usize = 100;
/// Articles of stories that are read at once, unless one story has more.
const N_ARTICLES_AT_ONCE: usize = 500;

/// Formats of exports.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// STIX 2.1 bundle.
    Stix,
    /// MISP events, one for each story.
    Misp,
    /// Graph with time intervals, for Gephi and networkx.
    Gexf,
    /// Graph, for yEd, Gephi, networkx, igraph.
    Graphml,
    /// Statements for Neo4j and other Cypher databases.
    Cypher,
    /// FollowTheMoney entities, for Aleph and OpenSanctions tools.
    Ftm,
    /// One row for each hostile statement.
    Csv,
    /// Articles, statements, nodes and edges, one JSON object a line.
    Jsonl,
    /// Articles with their statements, for feed readers.
    Atom,
}

impl Format {
    /// Media type of the answer.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Format::Stix => "application/stix+json;version=2.1",
            Format::Misp => "application/json",
            Format::Gexf | Format::Graphml => "application/xml",
            Format::Cypher => "text/plain; charset=utf-8",
            Format::Ftm => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Jsonl => "application/x-ndjson",
            Format::Atom => "application/atom+xml; charset=utf-8",
        }
    }

    /// Name of the file that a browser saves.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Format::Stix => "harbinger.stix.json",
            Format::Misp => "harbinger.misp.json",
            Format::Gexf => "harbinger.gexf",
            Format::Graphml => "harbinger.graphml",
            Format::Cypher => "harbinger.cypher",
            Format::Ftm => "harbinger.ftm.jsonl",
            Format::Csv => "harbinger.csv",
            Format::Jsonl => "harbinger.jsonl",
            Format::Atom => "harbinger.atom",
        }
    }

    fn writer(self, options: &Options, request: &SearchRequest) -> Box<dyn Writer> {
        let facts = Arc::clone(&options.facts);
        match self {
            Format::Stix => Box::new(stix::StixWriter::new(facts, options.tlp)),
            Format::Misp => Box::new(misp::MispWriter::new(options.tlp)),
            Format::Gexf => Box::new(gexf::GexfWriter),
            Format::Graphml => Box::new(graphml::GraphmlWriter),
            Format::Cypher => Box::new(cypher::CypherWriter),
            Format::Ftm => Box::new(ftm::FtmWriter::new(facts)),
            Format::Csv => Box::new(csv::CsvWriter),
            Format::Jsonl => Box::new(jsonl::JsonlWriter),
            Format::Atom => Box::new(atom::AtomWriter::new(facts, request)),
        }
    }
}

/// How far what is exported may be passed on: the Traffic Light Protocol, version 2.0 (FIRST).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tlp {
    /// To everybody.
    #[default]
    Clear,
    /// Within the community.
    Green,
    /// Within the organisation and to its clients.
    Amber,
    /// Within the organisation.
    #[value(name = "amber+strict")]
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// To those who received it.
    Red,
}

impl Tlp {
    /// As tags and labels write it, without `TLP:`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Tlp::Clear => "clear",
            Tlp::Green => "green",
            Tlp::Amber => "amber",
            Tlp::AmberStrict => "amber+strict",
            Tlp::Red => "red",
        }
    }
}

/// What a writer must know besides the articles.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) facts: Arc<Facts>,
    pub(crate) tlp: Tlp,
}

/// What a writer wants to be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wants {
    /// The graph of all articles, at the end.
    pub(crate) graph: bool,
    /// The stories of all articles, after the articles.
    pub(crate) stories: bool,
    /// The articles story by story instead of in order of time.
    pub(crate) by_story: bool,
    /// The technical indicators of the articles.
    pub(crate) indicators: bool,
}

/// A format: articles in, bytes out. Does no I/O of its own.
pub(crate) trait Writer: Send {
    /// What it wants to be told.
    fn wants(&self) -> Wants {
        Wants::default()
    }

    /// What stands before everything else.
    fn begin(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// One article.
    fn article(&mut self, _article: &GraphArticle, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// One story; `articles` are its articles of the selection when they were wanted by story.
    fn story(
        &mut self,
        _story: &StoryMembers,
        _articles: &[GraphArticle],
        _out: &mut dyn Write,
    ) -> io::Result<()> {
        Ok(())
    }

    /// All nodes of the graph when it was wanted, after the articles.
    fn nodes(&mut self, _nodes: &[Node], _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// An edge of the graph, numbered from 0, after the nodes.
    fn edge(&mut self, _number: u64, _edge: &Edge, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// What stands after everything else; all is 0 unless the graph was wanted.
    fn end(&mut self, _counts: &GraphCounts, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// How big a graph is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct GraphCounts {
    pub(crate) n_articles: u64,
    pub(crate) n_statements: u64,
    pub(crate) n_nodes: u64,
    pub(crate) n_edges: u64,
    pub(crate) is_cut: bool,
}

impl GraphCounts {
    /// What is said in a file whose graph met a bound; `None` where nothing is missing.
    pub(crate) fn remark(&self) -> Option<&'static str> {
        self.is_cut.then_some("This graph is cut: it met a bound, so nodes and edges are missing.")
    }
}

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExportError {
    /// The selection cannot be understood.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// The archive cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Nobody takes what is written.
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
    /// Harbinger is being stopped.
    #[error("stopped")]
    Stopped,
}

/// Where an export reads, and when it ends.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) archive: Archive,
    pub(crate) search: SearchIndex,
    pub(crate) now: DateTime<Utc>,
    pub(crate) stop: CancellationToken,
    /// Tells how many articles were read; hidden when nobody watches.
    pub(crate) progress: ProgressBar,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) n_articles: u64,
    pub(crate) n_statements: u64,
    /// Whether the graph or a story met a bound, so that parts are missing.
    pub(crate) is_cut: bool,
}

/// Writes what `request` selects. Blocks; give it a thread of its own.
pub(crate) fn run(
    handle: &Handle,
    source: &Source,
    request: SearchRequest,
    format: Format,
    options: &Options,
    out: &mut dyn Write,
) -> Result<Written, ExportError> {
    let mut writer = format.writer(options, &request);
    let wants = writer.wants();
    let mut graph = GraphBuilder::new(GraphLimits::EXPORT);
    let mut written = Written::default();
    let mut stories: BTreeMap<StoryId, Vec<ArticleId>> = BTreeMap::new();
    let mut selection = Selection::oldest_first(source.search.clone(), request, source.now);
    writer.begin(out)?;
    while let Some(ids) = selection.next_page()? {
        if source.stop.is_cancelled() {
            return Err(ExportError::Stopped);
        }
        let mut articles = handle.block_on(source.archive.graph_articles(&ids))?;
        if wants.indicators && !wants.by_story {
            handle.block_on(source.archive.add_indicators(&mut articles))?;
        }
        for article in articles {
            written.n_articles += 1;
            written.n_statements += article.statements.len() as u64;
            if wants.graph {
                graph.add(&article)?;
            }
            if (wants.stories || wants.by_story)
                && let Some(story) = &article.story
            {
                let members = stories.entry(story.clone()).or_default();
                if wants.by_story {
                    members.push(article.id);
                }
            }
            if !wants.by_story {
                writer.article(&article, out)?;
            }
        }
        source.progress.set_position(written.n_articles);
    }
    let has_cut_story = write_stories(handle, source, &stories, writer.as_mut(), out)?;
    let counts = match wants.graph {
        true => write_found(source, graph, writer.as_mut(), out)?,
        false => GraphCounts::default(),
    };
    written.is_cut = counts.is_cut || has_cut_story;
    writer.end(&counts, out)?;
    out.flush()?;
    Ok(written)
}

/// Writes the graph of all articles.
fn write_found(
    source: &Source,
    graph: GraphBuilder,
    writer: &mut dyn Writer,
    out: &mut dyn Write,
) -> Result<GraphCounts, ExportError> {
    let graph = graph.finish_in_parts()?;
    let counts = GraphCounts {
        n_articles: graph.n_articles,
        n_statements: graph.n_statements,
        n_nodes: graph.nodes.len() as u64,
        n_edges: graph.n_edges,
        is_cut: graph.is_cut,
    };
    let edges = graph.edges.map(|it| match source.stop.is_cancelled() {
        true => Err(ExportError::Stopped),
        false => Ok(it?),
    });
    write_graph(&graph.nodes, edges, writer, out)?;
    Ok(counts)
}

/// Writes nodes and edges.
fn write_graph<E: Borrow<Edge>>(
    nodes: &[Node],
    edges: impl Iterator<Item = Result<E, ExportError>>,
    writer: &mut dyn Writer,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    writer.nodes(nodes, out)?;
    for (number, edge) in (0..).zip(edges) {
        writer.edge(number, edge?.borrow(), out)?;
    }
    Ok(())
}

/// Writes the stories; answers whether one has more articles than an event takes.
fn write_stories(
    handle: &Handle,
    source: &Source,
    stories: &BTreeMap<StoryId, Vec<ArticleId>>,
    writer: &mut dyn Writer,
    out: &mut dyn Write,
) -> Result<bool, ExportError> {
    let mut is_cut = false;
    let ids: Vec<StoryId> = stories.keys().cloned().collect();
    for some in ids.chunks(N_STORIES_AT_ONCE) {
        let mut waiting: Vec<(StoryMembers, &[ArticleId])> = Vec::new();
        let mut n_waiting = 0;
        for story in handle.block_on(source.archive.story_members(some))? {
            let members = stories.get(&story.summary.id).map(Vec::as_slice).unwrap_or_default();
            is_cut |= N_EVENT_ARTICLES_MAX < members.len();
            let newest = &members[members.len().saturating_sub(N_EVENT_ARTICLES_MAX)..];
            if N_ARTICLES_AT_ONCE < n_waiting + newest.len() {
                write_some(handle, source, &mut waiting, writer, out)?;
                n_waiting = 0;
            }
            n_waiting += newest.len();
            waiting.push((story, newest));
        }
        write_some(handle, source, &mut waiting, writer, out)?;
    }
    Ok(is_cut)
}

/// Writes stories whose articles are read together, and forgets them.
fn write_some(
    handle: &Handle,
    source: &Source,
    stories: &mut Vec<(StoryMembers, &[ArticleId])>,
    writer: &mut dyn Writer,
    out: &mut dyn Write,
) -> Result<(), ExportError> {
    if source.stop.is_cancelled() {
        return Err(ExportError::Stopped);
    }
    let ids: Vec<ArticleId> = stories.iter().flat_map(|it| it.1).copied().collect();
    let mut articles = match ids[..] {
        [] => Vec::new(),
        _ => handle.block_on(source.archive.graph_articles(&ids))?,
    };
    if writer.wants().indicators {
        handle.block_on(source.archive.add_indicators(&mut articles))?;
    }
    let mut by_id: HashMap<ArticleId, GraphArticle> =
        articles.into_iter().map(|it| (it.id, it)).collect();
    for (story, ids) in stories.drain(..) {
        let articles: Vec<_> = ids.iter().filter_map(|it| by_id.remove(it)).collect();
        writer.story(&story, &articles, out)?;
    }
    Ok(())
}

/// Writes a graph without its articles.
pub(crate) fn graph_alone(format: Format, graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let options = Options { facts: Arc::default(), tlp: Tlp::default() };
    let mut writer = format.writer(&options, &SearchRequest::default());
    let mut out = Vec::new();
    writer.begin(&mut out)?;
    write_graph(&graph.nodes, graph.edges.iter().map(Ok), writer.as_mut(), &mut out)?;
    let counts = GraphCounts {
        n_articles: graph.n_articles,
        n_statements: graph.n_statements,
        n_nodes: graph.nodes.len() as u64,
        n_edges: graph.edges.len() as u64,
        is_cut: graph.is_cut,
    };
    writer.end(&counts, &mut out)?;
    Ok(out)
}

/// A date as most formats want it: RFC 3339 in UTC with milliseconds.
pub(crate) fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The kebab-case word that a unit enum is written as.
pub(crate) fn word(value: &impl Serialize) -> String {
    let written = serde_json::to_value(value).ok();
    written.and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The proofs of an edge as JSON text, for formats that know no lists.
pub(crate) fn evidence_json(edge: &Edge) -> String {
    serde_json::to_string(&edge.evidence).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_that_is_cut_says_so_in_every_format_of_graphs() {
        let graph = |is_cut| Graph { is_cut, ..Graph::default() };
        for format in [Format::Gexf, Format::Graphml, Format::Cypher, Format::Jsonl] {
            let written = |is_cut| {
                let bytes = graph_alone(format, &graph(is_cut)).expect("bytes in memory");
                String::from_utf8(bytes).expect("text")
            };
            let (whole, cut) = (written(false), written(true));
            assert_ne!(whole, cut, "{format:?}");
            if format != Format::Jsonl {
                assert!(cut.contains("This graph is cut") && !whole.contains("is cut"), "{cut}");
            }
        }
    }
}
