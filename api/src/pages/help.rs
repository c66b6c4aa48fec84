//! Keys and the query language in examples.

use askama::Template;

use super::frame::Frame;
use super::text::href;
use super::view::Link;

const EXAMPLES: &[(&str, &str)] = &[
    ("power grid", "articles with both words, in any form"),
    ("\"power grid\"", "the phrase"),
    ("tanker OR pipeline", "either word"),
    ("drone -toy", "without a word"),
    ("title:strike", "in the headline"),
    ("actor:iran", "where Iran threatens or attacks"),
    ("target:\"united states\"", "where the United States is threatened or attacked"),
    ("sector:/energy", "where energy, or a part of it, is threatened or hit"),
    ("kind:threat modality:asserted", "with a threat stated as plain intent"),
    ("kind:attack domain:cyber", "with a cyber attack"),
    ("language:fr country:FR", "in French, from France"),
];

/// `help.html`.
#[derive(Template)]
#[template(path = "help.html")]
pub(crate) struct HelpPage {
    frame: Frame,
    examples: Vec<(Link, &'static str)>,
}

/// Makes the page.
pub(crate) fn page() -> HelpPage {
    let example = |(query, meaning): &(&'static str, &'static str)| {
        let link = Link { href: href("/search", [("q", *query)]), label: (*query).to_owned() };
        (link, *meaning)
    };
    HelpPage {
        frame: Frame::new("Help", "/help"),
        examples: EXAMPLES.iter().map(example).collect(),
    }
}
