//! Markup to plain text, for titles and summaries.

use crate::feed::markup::{Token, Tokens};

/// Returns the text of a piece of HTML: tags dropped, entities resolved, runs of white space made
/// one space, control characters gone. Text without markup comes back as it is, but for space.
pub fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut skipped_until: Option<&str> = None;
    for token in Tokens::of(html) {
        match token {
            Token::Start { name, is_empty, .. } => {
                let is_hidden =
                    name.eq_ignore_ascii_case("script") || name.eq_ignore_ascii_case("style");
                if is_hidden && !is_empty && skipped_until.is_none() {
                    skipped_until = Some(name);
                }
                if !is_inline(name) {
                    text.push(' ');
                }
            }
            Token::End { name } => {
                if skipped_until.is_some_and(|it| it.eq_ignore_ascii_case(name)) {
                    skipped_until = None;
                }
                if !is_inline(name) {
                    text.push(' ');
                }
            }
            _ if skipped_until.is_some() => {}
            Token::Text(piece) => text.push_str(&piece),
            Token::Verbatim(piece) => text.push_str(piece),
        }
    }
    squeeze(&text)
}

/// Returns `text` with runs of white space made one space, and without control characters,
/// invisible marks and space at both ends.
pub fn squeeze(text: &str) -> String {
    let is_kept = |it: &char| !is_invisible(*it);
    let mut out = String::with_capacity(text.len());
    for word in text.split(|it: char| it.is_whitespace() || it.is_control()) {
        let n_before = out.len();
        if !out.is_empty() {
            out.push(' ');
        }
        let n_start = out.len();
        out.extend(word.chars().filter(is_kept));
        if out.len() == n_start {
            out.truncate(n_before);
        }
    }
    out
}

/// Zero-width marks without meaning in text: soft hyphen, zero-width space, byte order mark.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}')
}

fn is_inline(name: &str) -> bool {
    const INLINE: &[&str] = &[
        "a", "abbr", "b", "bdi", "cite", "code", "em", "font", "i", "mark", "q", "s", "small",
        "span", "strong", "sub", "sup", "time", "u", "wbr",
    ];
    INLINE.iter().any(|it| it.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(plain_text(html), expected);
    }

    #[test]
    fn markup_goes_and_words_stay_apart() {
        check("<p>One<br>two</p><p>th<b>re</b>e</p>", "One two three");
        check("  AT&amp;T \n\t&amp; <i>co</i>&nbsp;ltd ", "AT&T & co ltd");
        check("<script>alert(1)</script>text<style>p{}</style>", "text");
    }

    #[test]
    fn text_without_markup_stays() {
        check("Profits < losses & 5 > 3", "Profits < losses & 5 > 3");
        check("soft\u{ad}hyphen \u{200b} and\u{0} nul", "softhyphen and nul");
    }
}
