//! A source's own rules: CSS selectors that replace what is found by general means.

use chrono::{DateTime, FixedOffset};
use config::ExtractRules;
use ego_tree::NodeRef;
use scraper::{ElementRef, Html, Node, Selector};

use super::blocks::block_text;
use super::page::text_of;
use crate::date::parse_local_date;
use crate::plain_text::squeeze;

/// What the rules of a source found on a page; what they did not find is left to general means.
#[derive(Debug, Default)]
pub(super) struct OwnFacts {
    pub(super) text: Option<String>,
    pub(super) title: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) published_at: Option<DateTime<FixedOffset>>,
}

impl OwnFacts {
    /// Applies the rules. A selector that does not parse finds nothing; `check-config` reports it.
    pub(super) fn of(document: &Html, rules: &ExtractRules) -> OwnFacts {
        let removed = selected(document, rules.remove.as_deref());
        let first = |rule: &Option<String>| selected(document, rule.as_deref()).into_iter().next();
        let title = first(&rules.title).map(text_of).filter(|it| !it.is_empty());
        let authors = selected(document, rules.author.as_deref()).into_iter().map(text_of);
        let date = first(&rules.date).and_then(|it| {
            let stated = it.attr("datetime").or_else(|| it.attr("content"));
            parse_local_date(stated.map(squeeze).unwrap_or_else(|| text_of(it)).as_str())
        });
        let content = selected(document, rules.content.as_deref());
        let text = content
            .into_iter()
            .map(|it| block_text(it, &|it| removed.contains(&it)))
            .collect::<Vec<_>>();
        OwnFacts {
            text: Some(text.join("\n")).filter(|it| !it.trim().is_empty()),
            title,
            authors: authors.filter(|it| !it.is_empty()).collect(),
            published_at: date,
        }
    }
}

/// Tells the elements that a source's rules leave out.
pub(super) fn is_removed(rules: &ExtractRules) -> impl Fn(NodeRef<'_, Node>) -> bool {
    let removed = rules.remove.as_deref().and_then(|it| Selector::parse(it).ok());
    move |node| {
        let element = removed.as_ref().zip(ElementRef::wrap(node));
        element.is_some_and(|(selector, element)| selector.matches(&element))
    }
}

fn selected<'a>(document: &'a Html, rule: Option<&str>) -> Vec<ElementRef<'a>> {
    let selector = rule.and_then(|it| Selector::parse(it).ok());
    selector.map(|it| document.select(&it).collect()).unwrap_or_default()
}
