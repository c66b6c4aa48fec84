//! Elements to a feed: RSS, RDF, Atom and CDF, in one pass over whatever is there.

use chrono::{DateTime, Utc};
use url::Url;

use super::tree::{NodeId, Tree};
use super::{N_ENTRIES_MAX, ParsedEntry, ParsedFeed, links, rhythm};
use crate::date::parse_date;

/// Reads a feed; `None` if nothing in the text belongs to one.
pub(super) fn read(text: &str, document: Option<&Url>) -> Option<ParsedFeed> {
    let tree = Tree::parse(text);
    let root = tree.all().find(|it| is_root(&tree.node(*it).name));
    let items: Vec<NodeId> = tree
        .all()
        .filter(|it| matches!(tree.node(*it).name.as_str(), "item" | "entry"))
        .take(N_ENTRIES_MAX)
        .collect();
    let root = match root {
        Some(root) => root,
        // The beginning may be lost; items alone still make a feed.
        None if items.is_empty() => return None,
        None => 0,
    };
    let reader = Reader { tree: &tree, document };
    let mut feed = reader.feed(root);
    feed.entries = items.iter().map(|it| reader.entry(*it)).collect();
    Some(feed)
}

fn is_root(name: &str) -> bool {
    matches!(name, "rss" | "feed" | "rdf:rdf" | "rdf" | "channel")
}

struct Reader<'a> {
    tree: &'a Tree,
    document: Option<&'a Url>,
}

impl Reader<'_> {
    /// The feed's own fields: those of `channel`, or of the root where it is the channel.
    fn feed(&self, root: NodeId) -> ParsedFeed {
        let tree = self.tree;
        let channels = tree.all().filter(|it| tree.node(*it).name == "channel");
        let mut places: Vec<NodeId> = channels.take(4).collect();
        places.push(root);
        let fields: Vec<NodeId> = places
            .iter()
            .flat_map(|it| tree.children(*it))
            .filter(|it| !self.is_item(*it))
            .collect();
        let mut feed = ParsedFeed {
            title: self.first_text(&fields, &["title", "dc:title"]),
            description: self.first_text(
                &fields,
                &[
                    "description",
                    "subtitle",
                    "tagline",
                    "dc:description",
                    "abstract",
                    "info",
                    "itunes:summary",
                    "itunes:subtitle",
                ],
            ),
            updated: self.first_date(
                &fields,
                &[
                    "updated",
                    "modified",
                    "lastbuilddate",
                    "pubdate",
                    "dcterms:modified",
                    "dc:date",
                    "published",
                    "dcterms:issued",
                    "issued",
                    "created",
                    "dcterms:created",
                ],
            ),
            language: self.first_plain(&fields, &["language", "dc:language"]),
            authors: self.authors(&fields),
            ..ParsedFeed::default()
        };
        let language = places.iter().find_map(|it| tree.language(*it));
        feed.language = feed.language.or_else(|| language.map(str::to_owned));
        feed.language = feed.language.map(|it| it.replace('_', "-"));
        feed.links = links::all(tree, &fields, self.document);
        let channel_link = places.iter().find_map(|it| tree.attribute(*it, "href"));
        if feed.links.is_empty() {
            feed.links.extend(channel_link.map(str::to_owned));
        }
        feed.link =
            links::best(tree, &fields, self.document).or_else(|| channel_link.map(str::to_owned));
        let lastmod = places.iter().find_map(|it| tree.attribute(*it, "lastmod"));
        feed.updated = feed.updated.or_else(|| lastmod.and_then(parse_date));
        feed.hubs = links::with_rel(tree, &fields, "hub", self.document);
        feed.topic = links::with_rel(tree, &fields, "self", self.document).into_iter().next();
        feed.rhythm = rhythm::read(tree, &fields);
        feed
    }

    fn entry(&self, item: NodeId) -> ParsedEntry {
        let tree = self.tree;
        // In an item that was cut off, only what is complete can be believed.
        let is_whole = tree.node(item).is_complete;
        let mut fields: Vec<NodeId> =
            tree.children(item).filter(|it| is_whole || tree.node(*it).is_complete).collect();
        // Video sites put everything that they say of an entry into a group.
        let groups = fields.iter().filter(|it| tree.node(**it).name == "media:group");
        let grouped: Vec<NodeId> = groups.flat_map(|it| tree.children(*it)).collect();
        fields.extend(grouped);
        let about = tree.attribute(item, "about").map(str::to_owned);
        let id = self.first_plain(&fields, &["id", "guid"]).or_else(|| about.clone());
        let is_guid = tree.child(item, "guid").is_some();
        let id = id.map(|it| match is_guid {
            // A `guid` is any text; only Atom's and RDF's identities are addresses.
            true => it,
            false => links::resolve(tree, item, &it, self.document),
        });
        let mut all = links::all(tree, &fields, self.document);
        let link = links::best(tree, &fields, self.document)
            .or_else(|| tree.attribute(item, "href").map(str::to_owned))
            .or_else(|| self.permalink(&fields))
            .or(about);
        if let Some(link) = &link
            && !all.contains(link)
        {
            all.insert(0, link.clone());
        }
        let title = self.first(&fields, &["title", "dc:title", "media:title"]);
        let has_summary = self.first(&fields, &["summary"]).is_some();
        let lastmod = || tree.attribute(item, "lastmod").and_then(parse_date);
        ParsedEntry {
            id,
            has_plain_title: title.is_some_and(|it| tree.attribute(it, "type") == Some("text")),
            title: title.map(|it| self.content_of(it)),
            link,
            links: all,
            summary: self.first_text(
                &fields,
                &[
                    "summary",
                    "description",
                    "dc:description",
                    "abstract",
                    "itunes:summary",
                    "itunes:subtitle",
                    "media:description",
                ],
            ),
            content: self.first_text(
                &fields,
                &[
                    "content:encoded",
                    "content",
                    "xhtml:body",
                    "body",
                    "fullitem",
                    "prodlink",
                    if has_summary { "description" } else { "prodlink" },
                ],
            ),
            updated: self
                .first_date(
                    &fields,
                    &["updated", "modified", "dcterms:modified", "dc:date", "lastmod"],
                )
                .or_else(lastmod),
            published: self.first_date(
                &fields,
                &[
                    "published",
                    "pubdate",
                    "issued",
                    "dcterms:issued",
                    "created",
                    "dcterms:created",
                    "news:publication_date",
                ],
            ),
            authors: self.authors(&fields),
            categories: self.categories(&fields),
        }
    }

    fn is_item(&self, id: NodeId) -> bool {
        matches!(self.tree.node(id).name.as_str(), "item" | "entry" | "channel")
    }

    /// The first field, in the order of `names`, that is not empty.
    fn first(&self, fields: &[NodeId], names: &[&str]) -> Option<NodeId> {
        names.iter().find_map(|name| {
            let mut named = fields.iter().filter(|it| self.tree.node(**it).name == *name);
            named.find(|it| !self.content_of(**it).is_empty()).copied()
        })
    }

    fn first_text(&self, fields: &[NodeId], names: &[&str]) -> Option<String> {
        self.first(fields, names).map(|it| self.content_of(it))
    }

    fn first_plain(&self, fields: &[NodeId], names: &[&str]) -> Option<String> {
        self.first(fields, names).map(|it| self.tree.text(it))
    }

    fn first_date(&self, fields: &[NodeId], names: &[&str]) -> Option<DateTime<Utc>> {
        names.iter().find_map(|name| {
            // Where a field comes twice the last one counts, as other readers have it.
            let named = fields.iter().rev().filter(|it| self.tree.node(**it).name == *name);
            named.filter_map(|it| parse_date(&self.tree.text(*it))).next()
        })
    }

    /// A text construct as text or markup, its relative links resolved.
    fn content_of(&self, id: NodeId) -> String {
        let tree = self.tree;
        let kind = tree.attribute(id, "type").unwrap_or_default().trim().to_ascii_lowercase();
        let mode = tree.attribute(id, "mode").unwrap_or_default().to_ascii_lowercase();
        let is_base64 = mode == "base64"
            || (kind.contains('/')
                && !kind.starts_with("text/")
                && !kind.contains("xml")
                && !tree.has_elements(id));
        if is_base64 && let Some(text) = decode_base64(&tree.text(id)) {
            return text;
        }
        let is_xhtml = kind == "xhtml" || kind.contains("xhtml+xml");
        let is_markup = tree.has_elements(id);
        let text = if is_xhtml || (is_markup && mode == "xml") || tree.node(id).name == "xhtml:body"
        {
            unwrap_div(&tree.xhtml(id), kind == "xhtml")
        } else if is_markup {
            tree.markup(id)
        } else {
            tree.text(id)
        };
        match tree.base(id, self.document) {
            Some(base) if kind != "text" && kind != "text/plain" => links::resolve_in(&text, &base),
            _ => text,
        }
    }

    fn authors(&self, fields: &[NodeId]) -> Vec<String> {
        const NAMES: &[&str] = &[
            "author",
            "dc:creator",
            "dc:author",
            "itunes:author",
            "creator",
            "managingeditor",
            "webmaster",
        ];
        let mut authors: Vec<String> = Vec::new();
        for name in NAMES {
            let named = fields.iter().filter(|it| self.tree.node(**it).name == *name);
            for author in named.map(|it| self.author(*it)) {
                if !author.is_empty() && !authors.contains(&author) {
                    authors.push(author);
                }
            }
            if !authors.is_empty() {
                break;
            }
        }
        authors
    }

    /// A person's name: the `name` inside, or what stands beside an e-mail address, or the
    /// address.
    fn author(&self, id: NodeId) -> String {
        let inner = ["name", "email", "uri", "url"];
        let found = inner.iter().find_map(|name| self.tree.child(id, name));
        let text = self.tree.text(found.unwrap_or(id));
        let text = crate::plain_text::plain_text(&text);
        let (outside, inside) = match (text.find('('), text.find('<')) {
            (Some(at), _) => (&text[..at], text[at + 1..].trim_end_matches(')')),
            (_, Some(at)) => (&text[..at], text[at + 1..].trim_end_matches('>')),
            _ => return text,
        };
        let parts = [outside.trim(), inside.trim()];
        let name = parts.iter().find(|it| !it.is_empty() && !it.contains('@'));
        name.map_or_else(|| text.clone(), |it| (*it).to_owned())
    }

    fn categories(&self, fields: &[NodeId]) -> Vec<String> {
        let mut categories: Vec<String> = Vec::new();
        for id in fields {
            let node = self.tree.node(*id);
            let attribute = ["term", "text"].iter().find_map(|it| self.tree.attribute(*id, it));
            let is_list = matches!(node.name.as_str(), "itunes:keywords" | "media:keywords");
            match node.name.as_str() {
                "category" | "dc:subject" | "itunes:category" | "media:category" => {
                    let text = self.tree.text(*id);
                    let value = attribute.filter(|_| text.is_empty()).unwrap_or(&text).trim();
                    categories.push(value.to_owned());
                }
                _ if is_list => {
                    let text = self.tree.text(*id);
                    categories.extend(text.split(',').map(|it| it.trim().to_owned()));
                }
                _ => {}
            }
        }
        categories.retain(|it| !it.is_empty());
        categories
    }

    /// A `guid` that is an address, unless it says that it is none.
    fn permalink(&self, fields: &[NodeId]) -> Option<String> {
        let guid = fields.iter().find(|it| self.tree.node(**it).name == "guid")?;
        let is_permalink = self.tree.attribute(*guid, "ispermalink").is_none_or(|it| it != "false");
        let text = self.tree.text(*guid);
        let is_address = text.starts_with("http://") || text.starts_with("https://");
        let is_path = self.tree.attribute(*guid, "ispermalink") == Some("true");
        (is_permalink && (is_address || is_path))
            .then(|| links::resolve(self.tree, *guid, &text, self.document))
    }
}

/// Leaves out a `div` around everything.
fn unwrap_div(markup: &str, is_atom: bool) -> String {
    let inner = markup
        .strip_prefix("<div>")
        .and_then(|it| it.strip_suffix("</div>"))
        .filter(|it| is_atom && !it.contains("</div><div"));
    inner.unwrap_or(markup).trim().to_owned()
}

fn decode_base64(text: &str) -> Option<String> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits = text.bytes().filter(|it| !it.is_ascii_whitespace() && *it != b'=');
    let digits: Vec<u8> = digits.map(value).collect::<Option<_>>()?;
    let bytes = digits.chunks(4).flat_map(|unit| {
        let bits = unit.iter().fold(0_u32, |bits, it| (bits << 6) | u32::from(*it));
        let bits = bits << (6 * (4 - unit.len()));
        let [_, a, b, c] = bits.to_be_bytes();
        [a, b, c].into_iter().take(unit.len() * 6 / 8)
    });
    String::from_utf8(bytes.collect()).ok().map(|it| it.trim().to_owned())
}
