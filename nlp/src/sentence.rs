//! Splits text into sentences, as byte ranges.
//!
//! Made for news: a line feed always ends a sentence; a full stop does unless it belongs to an
//! abbreviation, an initial, a number or an enumeration, or the text goes on in lower case; closing
//! quotes and brackets stay with their sentence. Full stops of other scripts need no space after
//! them. Sentences over 1 200 bytes are cut, best after a semicolon or comma.

mod abbreviation;

use std::ops::Range;

use abbreviation::{StopKind, stop_kind};

/// Longest sentence in bytes; longer ones are cut.
pub const N_BYTES_MAX: usize = 1_200;

/// The sentences of `text` in order. They do not overlap, have no white space around them and
/// together hold every character that is no white space.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut ranges = vec![];
    let mut line_start = 0;
    for line in text.split_inclusive(is_line_end) {
        split_line(text, line_start..line_start + line.len(), &mut ranges);
        line_start += line.len();
    }
    ranges
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn split_line(text: &str, line: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    let mut start = line.start;
    let mut at = line.start;
    while let Some(found) = text[at..line.end].find(is_terminator) {
        let stop = at + found;
        let end = terminated_end(&text[..line.end], stop);
        if is_boundary(&text[start..line.end], stop - start, end - start) {
            push_cut(text, start..end, ranges);
            start = end;
        }
        at = end;
    }
    push_cut(text, start..line.end, ranges);
}

/// Pushes the trimmed sentence, in parts if it is too long.
fn push_cut(text: &str, range: Range<usize>, ranges: &mut Vec<Range<usize>>) {
    let mut rest = trimmed(text, range);
    while N_BYTES_MAX < rest.len() {
        let room = text.floor_char_boundary(rest.start + N_BYTES_MAX);
        let window = &text[rest.start..room];
        let after = |pattern: &[char]| {
            let (at, found) = window.rmatch_indices(pattern).next()?;
            (N_BYTES_MAX / 3 < at).then_some(at + found.len())
        };
        let cut = after(&[';', ':', '；', '：'])
            .or_else(|| after(&[',', '，', '、', '،']))
            .or_else(|| window.rfind(char::is_whitespace).filter(|&it| 0 < it))
            .unwrap_or(window.len());
        ranges.push(trimmed(text, rest.start..rest.start + cut));
        rest = trimmed(text, rest.start + cut..rest.end);
    }
    if !rest.is_empty() {
        ranges.push(rest);
    }
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let whole = &text[range.clone()];
    let start = range.start + (whole.len() - whole.trim_start().len());
    start..start + whole.trim().len()
}

fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '‽') || is_foreign_terminator(c)
}

/// Full stops that no abbreviation uses and after which scripts may set no space.
fn is_foreign_terminator(c: char) -> bool {
    matches!(
        c,
        '。' | '！'
            | '？'
            | '｡'
            | '．'
            | '؟'
            | '۔'
            | '։'
            | '।'
            | '॥'
            | '።'
            | '፧'
            | '၊'
            | '။'
            | '។'
            | '᠃'
    )
}

fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '}' | '」' | '』' | '）' | '】')
}

/// One past the terminators at `stop` and the closing quotes and brackets behind them.
fn terminated_end(text: &str, stop: usize) -> usize {
    let rest = &text[stop..];
    let marks = rest.find(|c| !is_terminator(c)).unwrap_or(rest.len());
    let closing = rest[marks..].find(|c| !is_closing(c)).unwrap_or(rest.len() - marks);
    stop + marks + closing
}

/// Whether the terminators `stop..end` of `sentence` (which runs on to the end of the line) end it.
fn is_boundary(sentence: &str, stop: usize, end: usize) -> bool {
    let marks = &sentence[stop..end];
    if marks.chars().any(is_foreign_terminator) {
        return true;
    }
    let rest = &sentence[end..];
    let next = rest.trim_start();
    let Some(first) = next.chars().find(|c| c.is_alphanumeric()) else { return false };
    if rest.len() == next.len() {
        return false; // No space: a decimal point, a domain, `!=`.
    }
    if first.is_lowercase() && next.starts_with(|c: char| c.is_alphanumeric()) {
        return false;
    }
    marks != "." || ends_at_full_stop(&sentence[..stop], next)
}

/// Whether the single full stop between `before` and `next` ends a sentence.
fn ends_at_full_stop(before: &str, next: &str) -> bool {
    let before = without_space_after_initial(before);
    let word_start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let word_start = before.ceil_char_boundary(word_start);
    let word = before[word_start..].trim_start_matches(|c: char| !c.is_alphanumeric());
    let next_word = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match stop_kind(word) {
        StopKind::End => !(word_start == 0 && word.bytes().all(|it| it.is_ascii_digit())),
        StopKind::Inner => false,
        StopKind::InnerBeforeNumber => !next.starts_with(|c: char| c.is_ascii_digit()),
        StopKind::TimeOfDay => !abbreviation::goes_on_after_time(next_word),
        StopKind::EndBeforeStarter => abbreviation::starts_sentence(next_word),
    }
}

/// `before` without the space that texts cut into words set before a full stop: `U . S .`.
fn without_space_after_initial(before: &str) -> &str {
    let trimmed = before.trim_end();
    let word = trimmed.rsplit(char::is_whitespace).next().unwrap_or_default();
    let is_initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    if is_initial { trimmed } else { before }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks that `parts`, joined by single spaces, splits into `parts` again.
    #[track_caller]
    fn check(parts: &[&str]) {
        let text = parts.join(" ");
        let found: Vec<&str> = sentences(&text).into_iter().map(|it| &text[it]).collect();
        assert_eq!(found, parts);
    }

    #[test]
    fn splits_at_full_stops_questions_and_exclamations() {
        check(&["The port was hit.", "Who did it?", "Nobody knows!", "Police are searching."]);
    }

    #[test]
    fn titles_initials_and_countries_do_not_end_sentences() {
        check(&["Gen. Ann B. Clarke of the U.S. Army met Mr. Okoro and Dr. Li."]);
        check(&["The plant is in the U.S.", "The owner is not."]);
        check(&["Acme Corp. Chairman Jo Bell resigned.", "He led Acme Inc.", "It is bankrupt."]);
        check(&["It costs approx. 5 million vs. Iran e.g. Qom."]);
        // Texts that were cut into words.
        check(&["The U . S . Army met L . Oyun in B . C . today ."]);
        check(&["It was late .", "Police left ."]);
    }

    #[test]
    fn numbers_times_and_dates_hold_together() {
        check(&["Prices rose 3.5 percent to $1.20.", "See No. 7 and Sec. 4."]);
        check(&["It began on Jan. 4 at 5 a.m. EST in Kyiv.", "It ended at 7 p.m.", "Police left."]);
        check(&["1. Patch the server."]);
        check(&["He was born in 1990.", "She was not."]);
    }

    #[test]
    fn quotes_stay_with_their_sentence() {
        check(&["“We will strike.”", "The minister left."]);
        check(&["“Will you strike?” he was asked."]);
        check(&["He said: \"Leave now.\"", "They did not.", "(It was late.)", "Then it rained."]);
    }

    #[test]
    fn ellipses_end_a_sentence_only_before_a_capital() {
        check(&["We waited... and waited…", "Then it came."]);
    }

    #[test]
    fn full_stops_of_other_scripts_need_no_space() {
        let text = "港口遭到袭击。谁干的？没有人知道！";
        let found: Vec<&str> = sentences(text).into_iter().map(|it| &text[it]).collect();
        assert_eq!(found, ["港口遭到袭击。", "谁干的？", "没有人知道！"]);
        check(&["هل هاجموا الميناء؟", "نعم"]);
        check(&["Порт атакован.", "Кто это сделал?"]);
    }

    #[test]
    fn a_line_feed_always_ends_a_sentence() {
        let text = "Gen.\nSmith\r\n\n met U.S.\ntroops";
        let found: Vec<&str> = sentences(text).into_iter().map(|it| &text[it]).collect();
        assert_eq!(found, ["Gen.", "Smith", "met U.S.", "troops"]);
    }

    #[test]
    fn long_lines_are_cut_at_the_best_place() {
        let text = format!("{}, {}", "ab ".repeat(300).trim_end(), "cd ".repeat(300));
        let ranges = sentences(&text);
        assert!(ranges.iter().all(|it| it.len() <= N_BYTES_MAX));
        assert!(text[ranges[0].clone()].ends_with(','));
        let solid = "x".repeat(5_000);
        assert_eq!(sentences(&solid).len(), 5);
    }

    proptest! {
        #[test]
        fn ranges_are_ordered_and_hold_all_text(
            text in "([A-Za-zé 。.!?\"”\n]|U\\.S\\. |Mr\\. |\\PC){0,200}"
        ) {
            let mut end = 0;
            for range in sentences(&text) {
                prop_assert!(end <= range.start && range.start < range.end);
                prop_assert!(text[end..range.start].trim().is_empty());
                prop_assert_eq!(text[range.clone()].trim(), &text[range.clone()]);
                end = range.end;
            }
            prop_assert!(text[end..].trim().is_empty());
        }
    }
}
