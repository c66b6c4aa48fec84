//! The main text of a page.

use config::ExtractRules;
use trafilatura::Options;
use url::Url;

use super::blocks::block_text;
use super::title::fold;

/// Finds the main text by the `trafilatura` crate, with its fallbacks; empty when there is
/// none. Paragraphs are separated by one line feed.
pub(super) fn main_text(html: &str, url: Option<&Url>, rules: &ExtractRules) -> String {
    let mut options = Options::default()
        .with_fallback(true)
        .with_exclude_comments(true)
        .with_html_date_mode(trafilatura::HtmlDateMode::Disabled);
    options.original_url = url.cloned();
    options.prune_selector = rules.remove.clone();
    let content = trafilatura::extract(html, &options).map(|it| it.content_html);
    // The crate's own plain text is a single line with spaces before commas.
    let content = scraper::Html::parse_fragment(&content.unwrap_or_default());
    block_text(content.root_element(), &|_| false)
}

/// Lines of a text in which its headline may be repeated.
const N_LINES_BEFORE_TEXT: usize = 3;
/// A longer line is a sentence, whatever it begins with.
const BOILERPLATE_CHARS_MAX: usize = 120;

/// Lines that are never part of an article, when they stand alone.
const BOILERPLATE: &[&str] = &[
    "ad",
    "advertisement",
    "advertising",
    "also read",
    "article continues below advertisement",
    "click here",
    "comments",
    "contents",
    "copy link",
    "download now",
    "follow us",
    "get started",
    "in this article",
    "jump to",
    "learn more",
    "leave a comment",
    "listen to this article",
    "loading",
    "more from this author",
    "newsletter",
    "print",
    "read also",
    "read more",
    "read next",
    "related articles",
    "related posts",
    "related stories",
    "save",
    "share",
    "share on facebook",
    "share this",
    "share this article",
    "sign in",
    "sign up",
    "skip to content",
    "subscribe",
    "subscribe now",
    "table of contents",
    "thank you for subscribing",
    "watch",
    "where to buy",
];

/// Beginnings of lines that lead to other articles.
const POINTERS: &[&str] =
    &["also read ", "read also ", "read more ", "read next ", "see also ", "related "];

/// Leaves out the headline at the top, and lines that are buttons or lead elsewhere.
pub(super) fn without_furniture(text: &str, title: &str) -> String {
    let title = fold(title);
    let is_kept = |at: usize, line: &str| {
        if line.chars().count() > BOILERPLATE_CHARS_MAX && at >= N_LINES_BEFORE_TEXT {
            return true;
        }
        let folded = fold(line);
        let is_title = at < N_LINES_BEFORE_TEXT && folded == title;
        let is_short = line.chars().count() <= BOILERPLATE_CHARS_MAX;
        let is_pointer = line.contains(':') && POINTERS.iter().any(|it| folded.starts_with(it));
        let is_reading_time = folded.len() < 20 && folded.ends_with(" min read");
        let is_button = BOILERPLATE.binary_search(&folded.as_str()).is_ok();
        !is_title && !(is_short && (is_pointer || is_reading_time || is_button))
    };
    let lines = text.lines().enumerate().filter(|(at, line)| is_kept(*at, line));
    lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_and_buttons_are_no_text() {
        let text = "Power is back\nRead more: Why it failed\nThe lights went on at six.\n\
            5 min read\nAdvertisement\nRead more people than ever did.\nPower is back";
        let kept = "The lights went on at six.\nRead more people than ever did.\nPower is back";
        assert_eq!(without_furniture(text, "Power is back!"), kept);
    }

    #[test]
    fn the_list_of_buttons_is_sorted() {
        assert!(BOILERPLATE.is_sorted());
    }
}
