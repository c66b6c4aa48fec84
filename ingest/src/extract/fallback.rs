//! What stands in for the main text where none is found: a page that was fetched is archived with
//! what it says, rather than given up.

use std::sync::LazyLock;

use scraper::{Html, Selector};

use super::TEXT_CHARS_MIN;
use super::blocks::block_text;
use super::page::PageFacts;
use crate::plain_text::plain_text;

/// A shorter line of a page without main text is a menu entry or a button.
const LINE_CHARS_MIN: usize = 40;

static BODY: LazyLock<Selector> =
    LazyLock::new(|| Selector::parse("body").expect("the selector is fixed and was tested"));

/// Parts of a page that are around its content.
static FRAME: LazyLock<Selector> = LazyLock::new(|| {
    let parts = "nav, header, footer, aside, form, button, select, iframe, svg, template, dialog, \
        [role=navigation], [role=banner], [role=contentinfo], [hidden], [aria-hidden=true]";
    Selector::parse(parts).expect("the selector is fixed and was tested")
});

/// Returns the first of these that is long enough for an article: the body that the page's
/// JSON-LD states, the sentences of the page outside its frame, all of its lines outside the
/// frame, its own description. Empty when none is.
pub(super) fn text_instead(document: &Html, facts: &PageFacts) -> String {
    let stated = facts.article.body.as_deref().map(plain_text);
    let visible = visible_text(document);
    let is_sentence = |line: &&str| LINE_CHARS_MIN <= line.chars().count();
    let sentences = visible.lines().filter(is_sentence).collect::<Vec<_>>().join("\n");
    let described = ["og:description", "description", "twitter:description"];
    let described = described.into_iter().filter_map(|it| facts.meta(it)).map(plain_text);
    let candidates = stated.into_iter().chain([sentences, visible]).chain(described);
    let is_long_enough = |text: &String| TEXT_CHARS_MIN <= text.chars().count();
    candidates.into_iter().find(is_long_enough).unwrap_or_default()
}

fn visible_text(document: &Html) -> String {
    let body = document.select(&BODY).next().unwrap_or_else(|| document.root_element());
    block_text(body, &|it| FRAME.matches(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_outside_the_frame_are_taken_before_all_lines() {
        let text = |body: &str| {
            let document = Html::parse_document(body);
            text_instead(&document, &PageFacts::of(&document))
        };
        let caption = "The minister speaks to reporters outside the parliament.";
        let menu = "<nav>Home of all the news that there is to read today</nav>";
        assert_eq!(text(&format!("{menu}<div>Play</div><div>{caption}</div>")), caption);
        let lines = "<div>The bridge is closed.</div><div>Use the ferry instead.</div>";
        assert_eq!(text(lines), "The bridge is closed.\nUse the ferry instead.");
        assert_eq!(text(menu), "");
    }
}
