//! What the training script of the extraction reads: the lines of a page as the model sees them.

use serde::Serialize;
use url::Url;

use super::features::{self, Stated};
use super::outline::{Kind, Outline};
use super::page::PageFacts;
use super::{guard, title};

/// A line of a page.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingLine {
    /// The text.
    pub text: String,
    /// The element that holds the line, and the elements around it, innermost first.
    pub elements: Vec<u32>,
    /// What the holding element is.
    pub kind: String,
    /// Hash of the element names from the root to the line.
    pub path: String,
    /// One number for each of [`names`].
    pub row: Vec<f32>,
}

/// The names of the numbers in a row.
pub fn names() -> Vec<String> {
    features::names()
}

/// The lines of a page in order.
pub fn lines(html: &str, url: Option<&str>) -> Vec<TrainingLine> {
    let url = url.and_then(|it| Url::parse(it).ok());
    let html = guard::tame(html);
    let document = scraper::Html::parse_document(&html);
    let facts = PageFacts::of(&document);
    let outline = Outline::of(&document, &|_| false);
    let title = title::find(&facts, &outline, facts.site_name(url.as_ref()).as_deref());
    let table = features::measure(&outline, &stated(&facts, &title));
    let around = |at: u32| {
        let mut chain = vec![at];
        while chain.last().is_some_and(|it| *it != 0) {
            chain.extend(chain.last().map(|it| outline.parent(*it)));
        }
        chain
    };
    let kind = |kind: Kind| format!("{kind:?}");
    outline
        .lines
        .iter()
        .zip(table.rows)
        .map(|(line, row)| TrainingLine {
            text: line.text.clone(),
            elements: around(line.element),
            kind: kind(outline.elements[line.element as usize].kind),
            path: format!("{:x}", outline.elements[line.element as usize].path),
            row,
        })
        .collect()
}

/// What a page states about its article.
pub(super) fn stated<'a>(facts: &'a PageFacts, title: &'a str) -> Stated<'a> {
    let description = ["og:description", "description", "twitter:description"];
    Stated {
        title,
        description: description.iter().find_map(|it| facts.meta(it)).unwrap_or_default(),
        body: facts.article.body.as_deref().unwrap_or_default(),
        authors: &facts.article.authors,
    }
}
