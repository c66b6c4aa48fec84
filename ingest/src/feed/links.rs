//! The links of a feed or entry.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

use super::tree::{NodeId, Tree};

/// Every link among `fields`, in order: `link` with or without `href`, enclosures.
pub(super) fn all(tree: &Tree, fields: &[NodeId], document: Option<&Url>) -> Vec<String> {
    let links = fields.iter().filter_map(|it| address(tree, *it, document));
    links.collect()
}

/// The link to the page itself: an alternate one before any other, HTML before other types.
pub(super) fn best(tree: &Tree, fields: &[NodeId], document: Option<&Url>) -> Option<String> {
    let original = fields.iter().find(|it| tree.node(**it).name == "feedburner:origlink");
    if let Some(original) = original.map(|it| tree.text(*it)).filter(|it| !it.is_empty()) {
        return Some(original);
    }
    let rank = |id: NodeId| -> Option<u8> {
        let node = tree.node(id);
        if node.name != "link" && node.name != "a" {
            return None;
        }
        let kind = tree.attribute(id, "type").unwrap_or("text/html");
        let is_html = kind.contains("html");
        match tree.attribute(id, "rel").unwrap_or("alternate") {
            "alternate" | "http://www.iana.org/assignments/relation/alternate" | "" => {
                Some(if is_html { 0 } else { 1 })
            }
            "self" if is_html && tree.attribute(id, "type").is_some() => Some(2),
            _ => None,
        }
    };
    let ranked = fields.iter().filter_map(|it| Some((rank(*it)?, address(tree, *it, document)?)));
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, address)| address)
}

/// The links with exactly this relation.
pub(super) fn with_rel(
    tree: &Tree,
    fields: &[NodeId],
    rel: &str,
    document: Option<&Url>,
) -> Vec<String> {
    let related = fields.iter().filter(|it| tree.attribute(**it, "rel") == Some(rel));
    related.filter_map(|it| address(tree, *it, document)).collect()
}

fn address(tree: &Tree, id: NodeId, document: Option<&Url>) -> Option<String> {
    let text = match tree.node(id).name.as_str() {
        "link" | "a" => {
            let href = tree.attribute(id, "href").map(str::to_owned);
            href.unwrap_or_else(|| tree.text(id))
        }
        "enclosure" => {
            let url = tree.attribute(id, "url").or_else(|| tree.attribute(id, "href"));
            url?.to_owned()
        }
        _ => return None,
    };
    (!text.trim().is_empty()).then(|| resolve(tree, id, &text, document))
}

/// Resolves `link` against the bases around `id`; a link without a base stays as it is.
pub(super) fn resolve(tree: &Tree, id: NodeId, link: &str, document: Option<&Url>) -> String {
    let link = link.trim();
    if Url::parse(link).is_ok() {
        return link.to_owned();
    }
    let joined = tree.base(id, document).and_then(|base| base.join(link).ok());
    joined.map_or_else(|| link.to_owned(), Into::into)
}

static LINK_ATTRIBUTE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i)(<[a-z][^<>]*?\s(?:href|src|cite|action|background|longdesc|usemap|codebase|data|poster)\s*=\s*)("[^"<>]*"|'[^'<>]*')"#;
    Regex::new(pattern).expect("the pattern is fixed and was tested")
});

/// Resolves the links in a piece of HTML against `base`.
pub(super) fn resolve_in(html: &str, base: &Url) -> String {
    if !html.contains('<') {
        return html.to_owned();
    }
    let resolved = LINK_ATTRIBUTE.replace_all(html, |found: &regex::Captures<'_>| {
        let quoted = &found[2];
        let link = &quoted[1..quoted.len() - 1];
        let is_relative = matches!(Url::parse(link), Err(url::ParseError::RelativeUrlWithoutBase));
        match base.join(link.trim()) {
            Ok(url) if is_relative => format!("{}\"{url}\"", &found[1]),
            _ => found[0].to_owned(),
        }
    });
    resolved.into_owned()
}
