//! What elements do to the lines of a page, by their names and attributes.

use super::Kind;

pub(super) enum Shape {
    Inline,
    Cell,
    Break,
    Block,
}

/// Elements that run on in the line around them; all others but cells begin lines.
pub(super) fn shape(name: &str) -> Shape {
    match name {
        "a" | "abbr" | "acronym" | "b" | "bdi" | "bdo" | "big" | "cite" | "code" | "data"
        | "dfn" | "del" | "em" | "font" | "i" | "ins" | "kbd" | "label" | "mark" | "q" | "ruby"
        | "rt" | "s" | "samp" | "small" | "span" | "strike" | "strong" | "sub" | "sup" | "time"
        | "tt" | "u" | "var" | "wbr" | "nobr" => Shape::Inline,
        "td" | "th" => Shape::Cell,
        "br" | "hr" | "img" | "input" => Shape::Break,
        _ => Shape::Block,
    }
}

/// Elements whose text no reader sees.
pub(super) fn is_invisible(name: &str) -> bool {
    matches!(
        name,
        "head"
            | "script"
            | "style"
            | "noscript"
            | "template"
            | "svg"
            | "math"
            | "select"
            | "option"
            | "iframe"
            | "textarea"
            | "object"
            | "canvas"
            | "audio"
            | "video"
            | "map"
    )
}

pub(super) fn is_bold(name: &str) -> bool {
    matches!(name, "b" | "strong")
}

pub(super) fn is_hiding(style: &str) -> bool {
    let style: String = style.chars().filter(|it| !it.is_whitespace()).take(300).collect();
    style.contains("display:none") || style.contains("visibility:hidden")
}

/// Whether words inside a line are for screen readers only, or not shown at all.
pub(super) fn is_hidden_inline(element: &scraper::node::Element) -> bool {
    element.attr("hidden").is_some()
        || element.attr("style").is_some_and(is_hiding)
        || element.attr("class").is_some_and(|it| {
            ["sr-only", "visually-hidden", "screen-reader", "visuallyhidden"]
                .iter()
                .any(|word| it.contains(word))
        })
}

pub(super) fn kind_of(name: &str) -> Kind {
    match name {
        "p" => Kind::Paragraph,
        "li" => Kind::Item,
        "h1" => Kind::Heading(1),
        "h2" => Kind::Heading(2),
        "h3" => Kind::Heading(3),
        "h4" => Kind::Heading(4),
        "h5" => Kind::Heading(5),
        "h6" => Kind::Heading(6),
        "tr" => Kind::Row,
        "blockquote" => Kind::Quote,
        "figcaption" | "caption" => Kind::Caption,
        "div" | "section" | "article" | "main" => Kind::Division,
        "dt" | "dd" => Kind::Term,
        "pre" => Kind::Code,
        "button" | "summary" => Kind::Button,
        _ => Kind::Other,
    }
}

pub(super) fn around_group(name: &str) -> Option<usize> {
    let group = match name {
        "article" => 0,
        "main" => 1,
        "section" => 2,
        "aside" => 3,
        "nav" => 4,
        "footer" => 5,
        "header" => 6,
        "form" | "fieldset" => 7,
        "ul" | "ol" | "dl" => 8,
        "table" => 9,
        "figure" | "picture" => 10,
        "blockquote" => 11,
        "details" => 12,
        "button" | "summary" => 14,
        "dialog" => 15,
        _ => return None,
    };
    Some(group)
}
