//! Tokens to a tree of elements, whatever is unclosed, misnested or cut off.

use url::Url;

use super::markup::{Token, Tokens};

/// Elements deeper than this become children of the deepest one allowed.
const DEPTH_MAX: usize = 64;
/// Most elements of one document; the rest is cut off.
const N_NODES_MAX: usize = 500_000;

/// A document as a flat list of elements; the first one is the document itself.
pub(super) struct Tree {
    nodes: Vec<Node>,
}

/// Place of an element in its [`Tree`].
pub(super) type NodeId = usize;

/// One element.
pub(super) struct Node {
    /// Lower-case local name behind a canonical prefix: `title`, `dc:creator`, `xhtml:body`.
    pub(super) name: String,
    /// Names as written, and values.
    attributes: Vec<(String, String)>,
    parent: NodeId,
    children: Vec<Child>,
    /// Whether its end was seen.
    pub(super) is_complete: bool,
    /// Prefix (empty for the default) and canonical prefix, for the namespaces declared here.
    namespaces: Vec<(String, &'static str)>,
}

enum Child {
    Text(String),
    Element(NodeId),
}

/// Namespaces that matter, by what their addresses hold; the first match wins. Feeds misspell
/// addresses, so parts are enough.
const NAMESPACES: &[(&str, &str)] = &[
    ("purl.org/dc/terms", "dcterms"),
    ("purl.org/dc/elements", "dc"),
    ("rss/1.0/modules/content", "content"),
    ("rss/1.0/modules/syndication", "sy"),
    ("rss/1.0/modules/link", "l"),
    ("purl.org/atom", ""),
    ("w3.org/2005/atom", ""),
    ("purl.org/rss/1.0/", ""),
    ("purl.org/rss/1.0/modules/rss091", ""),
    ("my.netscape.com/rdf", ""),
    ("purl.org/net/rss", ""),
    ("channel.netscape.com", ""),
    ("backend.userland.com", ""),
    ("blogs.law.harvard.edu/tech/rss", ""),
    ("cyber.law.harvard.edu/rss", ""),
    ("w3.org/1999/02/22-rdf-syntax", "rdf"),
    ("w3.org/1999/xhtml", "xhtml"),
    ("itunes", "itunes"),
    ("search.yahoo.com/mrss", "media"),
    ("feedburner", "feedburner"),
    ("sitemap-image", "image"),
    ("sitemap-news", "news"),
];

fn canonical_prefix(address: &str) -> &'static str {
    let address = address.trim().to_ascii_lowercase();
    if address.is_empty() {
        return "";
    }
    let known = NAMESPACES.iter().find(|(part, _)| address.contains(part));
    known.map_or("other", |(_, prefix)| prefix)
}

impl Tree {
    /// Reads a whole document.
    pub(super) fn parse(text: &str) -> Tree {
        let document = Node {
            name: String::new(),
            attributes: Vec::new(),
            parent: 0,
            children: Vec::new(),
            is_complete: true,
            namespaces: Vec::new(),
        };
        let mut tree = Tree { nodes: vec![document] };
        let mut open: Vec<(NodeId, &str)> = Vec::new();
        for token in Tokens::of(text) {
            if tree.nodes.len() > N_NODES_MAX {
                break;
            }
            match token {
                Token::Text(text) => tree.add_text(&open, &text),
                Token::Verbatim(text) => tree.add_text(&open, text),
                Token::Start { name, attributes, is_empty } => {
                    tree.close_implied(&mut open, name);
                    let id = tree.add_element(&open, name, attributes);
                    if is_empty {
                        tree.nodes[id].is_complete = true;
                    } else if open.len() < DEPTH_MAX {
                        open.push((id, name));
                    }
                }
                Token::End { name } => tree.close(&mut open, name),
            }
        }
        tree
    }

    /// An item inside an open item, or an entry inside an open entry, means that the end of the
    /// first one is missing.
    fn close_implied(&mut self, open: &mut Vec<(NodeId, &str)>, name: &str) {
        let is_item = name.eq_ignore_ascii_case("item") || name.eq_ignore_ascii_case("entry");
        let unclosed = open.iter().rposition(|(_, it)| is_item && it.eq_ignore_ascii_case(name));
        if let Some(at) = unclosed {
            open.truncate(at);
        }
    }

    /// Closes the innermost open element of that name and all inside it. An end without a
    /// beginning is ignored, and `</b>` never closes an `item` around it.
    fn close(&mut self, open: &mut Vec<(NodeId, &str)>, name: &str) {
        let Some(at) = open.iter().rposition(|(_, it)| it.eq_ignore_ascii_case(name)) else {
            return;
        };
        for (id, _) in open.drain(at..) {
            self.nodes[id].is_complete = true;
        }
    }

    fn add_text(&mut self, open: &[(NodeId, &str)], text: &str) {
        let parent = open.last().map_or(0, |(id, _)| *id);
        match self.nodes[parent].children.last_mut() {
            Some(Child::Text(before)) => before.push_str(text),
            _ => self.nodes[parent].children.push(Child::Text(text.to_owned())),
        }
    }

    fn add_element(
        &mut self,
        open: &[(NodeId, &str)],
        name: &str,
        attributes: Vec<(&str, String)>,
    ) -> NodeId {
        let parent = open.last().map_or(0, |(id, _)| *id);
        let mut namespaces = Vec::new();
        for (name, value) in &attributes {
            let prefix = match name.strip_prefix("xmlns") {
                Some("") => "",
                Some(rest) => rest.strip_prefix(':').unwrap_or(rest),
                None => continue,
            };
            namespaces.push((prefix.to_ascii_lowercase(), canonical_prefix(value)));
        }
        let attributes: Vec<(String, String)> =
            attributes.into_iter().map(|(it, value)| (it.to_owned(), value)).collect();
        let id = self.nodes.len();
        self.nodes.push(Node {
            name: String::new(),
            attributes,
            parent,
            children: Vec::new(),
            is_complete: false,
            namespaces,
        });
        self.nodes[id].name = self.canonical_name(id, name);
        self.nodes[parent].children.push(Child::Element(id));
        id
    }

    fn canonical_name(&self, id: NodeId, name: &str) -> String {
        let name = name.to_lowercase();
        let (prefix, local) = name.split_once(':').unwrap_or(("", &name));
        let declared = self.ancestors(id).find_map(|it| {
            let mut declared = self.nodes[it].namespaces.iter().rev();
            declared.find(|(known, _)| known == prefix).map(|(_, canonical)| *canonical)
        });
        // Undeclared prefixes mean what they usually mean; an unknown default namespace is none.
        let prefix = match declared {
            Some("other") if prefix.is_empty() => "",
            Some("other") | None => match prefix {
                "atom" | "atom10" | "rss" | "a10" => "",
                other => other,
            },
            Some(canonical) => canonical,
        };
        if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
    }

    /// The element itself and those around it, inside out.
    fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        std::iter::successors(Some(id), |it| (*it != 0).then(|| self.nodes[*it].parent))
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// All elements in document order.
    pub(super) fn all(&self) -> impl Iterator<Item = NodeId> {
        1..self.nodes.len()
    }

    /// The elements directly inside `id`.
    pub(super) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        self.nodes[id].children.iter().filter_map(|it| match it {
            Child::Element(id) => Some(*id),
            Child::Text(_) => None,
        })
    }

    /// The first element called `name` directly inside `id`.
    pub(super) fn child(&self, id: NodeId, name: &str) -> Option<NodeId> {
        self.children(id).find(|it| self.nodes[*it].name == name)
    }

    /// The value of an attribute, with or without prefix.
    pub(super) fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        let found = self.nodes[id].attributes.iter().find(|(it, _)| {
            let local = it.split_once(':').map_or(it.as_str(), |(_, local)| local);
            it.eq_ignore_ascii_case(name) || local.eq_ignore_ascii_case(name)
        });
        found.map(|(_, value)| value.as_str())
    }

    /// All text inside `id`, without the space around it.
    pub(super) fn text(&self, id: NodeId) -> String {
        let mut out = String::new();
        self.push_text(id, &mut out);
        out.trim().to_owned()
    }

    fn push_text(&self, id: NodeId, out: &mut String) {
        for child in &self.nodes[id].children {
            match child {
                Child::Text(text) => out.push_str(text),
                Child::Element(child) => self.push_text(*child, out),
            }
        }
    }

    /// What is inside `id` as markup. A single `div` around everything is left out, as Atom asks.
    pub(super) fn markup(&self, id: NodeId) -> String {
        let mut out = String::new();
        for child in &self.nodes[id].children {
            match child {
                Child::Text(text) => out.push_str(text),
                Child::Element(child) => self.push_markup(*child, &mut out),
            }
        }
        out.trim().to_owned()
    }

    fn push_markup(&self, id: NodeId, out: &mut String) {
        let node = &self.nodes[id];
        let name = node.name.rsplit(':').next().unwrap_or_default();
        out.push('<');
        out.push_str(name);
        for (name, value) in node.attributes.iter().filter(|(it, _)| !it.starts_with("xml")) {
            out.push_str(&format!(
                " {name}=\"{}\"",
                value.replace('&', "&amp;").replace('"', "&quot;")
            ));
        }
        if node.children.is_empty() && is_void(name) {
            out.push_str(" />");
            return;
        }
        out.push('>');
        for child in &node.children {
            match child {
                Child::Text(text) => out.push_str(&escape(text)),
                Child::Element(child) => self.push_markup(*child, out),
            }
        }
        out.push_str(&format!("</{name}>"));
    }

    /// Whether `id` holds elements.
    pub(super) fn has_elements(&self, id: NodeId) -> bool {
        self.children(id).next().is_some()
    }

    /// The text directly inside `id` escaped, its elements as markup: XHTML content.
    pub(super) fn xhtml(&self, id: NodeId) -> String {
        let mut out = String::new();
        for child in &self.nodes[id].children {
            match child {
                Child::Text(text) => out.push_str(&escape(text)),
                Child::Element(child) => self.push_markup(*child, &mut out),
            }
        }
        out.trim().to_owned()
    }

    /// The base for links inside `id`: all `xml:base` around it, resolved against `document`.
    pub(super) fn base(&self, id: NodeId, document: Option<&Url>) -> Option<Url> {
        let mut bases: Vec<&str> = self
            .ancestors(id)
            .filter_map(|it| {
                let attributes = &self.nodes[it].attributes;
                attributes.iter().find(|(name, _)| name == "xml:base").map(|(_, value)| value)
            })
            .map(|it| it.trim())
            .collect();
        bases.reverse();
        let mut base = document.cloned();
        for next in bases {
            let joined = match &base {
                Some(base) => base.join(next),
                None => Url::parse(next),
            };
            base = joined.ok().or(base);
        }
        base
    }

    /// The language declared by `xml:lang` on `id` or around it.
    pub(super) fn language(&self, id: NodeId) -> Option<&str> {
        let declared = self.ancestors(id).find_map(|it| {
            let mut attributes = self.nodes[it].attributes.iter();
            attributes.find(|(name, _)| name == "xml:lang").map(|(_, value)| value.as_str())
        });
        declared.filter(|it| !it.is_empty())
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn is_void(name: &str) -> bool {
    matches!(name, "br" | "hr" | "img" | "input" | "link" | "meta" | "area" | "embed" | "source")
}
