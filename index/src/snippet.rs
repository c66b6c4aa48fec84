//! Passages of a text with the matched words marked: [`snippet`], made of safe [`Segment`]s.

use std::collections::HashSet;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::tokenizer::{Analyzed, Analyzer, Language, Stems};

/// Characters of a snippet, about.
const N_CHARS: usize = 240;
/// Characters before the first marked word at most.
const N_CHARS_BEFORE: usize = 90;
/// Bytes of a text that are looked through.
const N_BYTES_SEARCHED: usize = 200_000;
/// Matched words that are looked at.
const N_MARKS_MAX: usize = 2_000;

/// A piece of text, plain (no markup to trust or to escape), marked or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Segment {
    /// The words as printed.
    pub text: String,
    /// Whether the query asked for them.
    pub marked: bool,
}

/// The words that a query looks for in texts, in the forms that the index knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Highlight {
    /// Terms of single words.
    pub(crate) terms: HashSet<String>,
    /// Words in a row; each place lists its terms in the various languages.
    pub(crate) phrases: Vec<Vec<HashSet<String>>>,
    /// Starts of words as spelt.
    pub(crate) prefixes: Vec<String>,
    /// Words as spelt with the edits allowed.
    pub(crate) fuzzy: Vec<(String, u8)>,
}

impl Highlight {
    fn is_empty(&self) -> bool {
        self.terms.is_empty()
            && self.phrases.is_empty()
            && self.prefixes.is_empty()
            && self.fuzzy.is_empty()
    }

    fn holds_word(&self, stems: &Stems) -> bool {
        holds(&self.terms, stems)
            || self.prefixes.iter().any(|it| stems.surface.starts_with(it.as_str()))
            || self.fuzzy.iter().any(|(it, edits)| is_near(it, &stems.surface, *edits))
    }
}

fn holds(terms: &HashSet<String>, stems: &Stems) -> bool {
    terms.contains(&stems.stem) || stems.plain_stem.as_ref().is_some_and(|it| terms.contains(it))
}

/// A marked word: its bytes and which term it is.
pub(crate) struct Mark {
    pub(crate) span: Range<usize>,
    term: String,
}

/// The passage of `text` that shows most of what was looked for; its lead when nothing matches.
pub(crate) fn snippet(
    text: &str,
    language: Language,
    highlight: &Highlight,
    analyzer: &mut Analyzer,
) -> Vec<Segment> {
    let marks = marks(text, language, highlight, analyzer);
    let window = window(text, &marks);
    let mut segments = cut(text, window.clone(), &marks);
    if window.start > 0
        && let Some(first) = segments.first_mut()
    {
        let lead = Segment { text: "… ".to_owned(), marked: false };
        if first.marked { segments.insert(0, lead) } else { first.text.insert_str(0, "… ") }
    }
    if window.end < text.trim_end().len()
        && let Some(last) = segments.last_mut()
    {
        let tail = Segment { text: " …".to_owned(), marked: false };
        if last.marked { segments.push(tail) } else { last.text.push_str(" …") }
    }
    segments
}

/// All of a short `text` with the matched words marked.
pub(crate) fn mark_all(
    text: &str,
    language: Language,
    highlight: &Highlight,
    analyzer: &mut Analyzer,
) -> Vec<Segment> {
    cut(text, 0..text.len(), &marks(text, language, highlight, analyzer))
}

/// The matched words of `text` in order, without overlaps.
fn marks(
    text: &str,
    language: Language,
    highlight: &Highlight,
    analyzer: &mut Analyzer,
) -> Vec<Mark> {
    if highlight.is_empty() {
        return Vec::new();
    }
    let mut marking = Marking::new(highlight);
    analyzer.analyze(text, language, |Analyzed { span, stems, .. }| marking.see(span, stems));
    marking.finish()
}

/// The words of `text` as far as marks are made, for [`marks_among`].
pub(crate) fn read_words(text: &str, language: Language) -> Vec<(Range<usize>, Stems)> {
    let mut words = Vec::new();
    Analyzer::new().analyze(text, language, |Analyzed { span, stems, .. }| {
        let goes_on = span.end < N_BYTES_SEARCHED;
        words.push((span, stems.clone()));
        goes_on
    });
    words
}

/// The matched ones of `words` in order, without overlaps.
pub(crate) fn marks_among(words: &[(Range<usize>, Stems)], highlight: &Highlight) -> Vec<Mark> {
    let mut marking = Marking::new(highlight);
    for (span, stems) in words {
        if highlight.is_empty() || !marking.see(span.clone(), stems) {
            break;
        }
    }
    marking.finish()
}

/// Marks words one after the other.
struct Marking<'a> {
    highlight: &'a Highlight,
    marks: Vec<Mark>,
    n_words_kept: usize,
    /// The words seen last, as many as a phrase may have.
    latest: Vec<(Range<usize>, Stems)>,
}

impl<'a> Marking<'a> {
    fn new(highlight: &'a Highlight) -> Marking<'a> {
        let n_words_kept = highlight.phrases.iter().map(Vec::len).max().unwrap_or_default();
        let latest = Vec::with_capacity(n_words_kept + 1);
        Marking { highlight, marks: Vec::new(), n_words_kept, latest }
    }

    /// Takes the next word; `false` when no more are wanted.
    fn see(&mut self, span: Range<usize>, stems: &Stems) -> bool {
        let Marking { highlight, marks, n_words_kept, latest } = self;
        let end = span.end;
        if highlight.holds_word(stems) {
            marks.push(Mark { span: span.clone(), term: stems.stem.clone() });
        }
        if *n_words_kept > 0 {
            if latest.len() == *n_words_kept {
                latest.remove(0);
            }
            latest.push((span, stems.clone()));
            for phrase in highlight.phrases.iter().filter(|it| ends_with(latest, it)) {
                let words = &latest[latest.len() - phrase.len()..];
                marks.extend(
                    words
                        .iter()
                        .map(|(span, stems)| Mark { span: span.clone(), term: stems.stem.clone() }),
                );
            }
        }
        end < N_BYTES_SEARCHED && marks.len() < N_MARKS_MAX
    }

    fn finish(mut self) -> Vec<Mark> {
        self.marks.sort_by_key(|it| (it.span.start, it.span.end));
        self.marks.dedup_by(|later, earlier| {
            let overlaps = later.span.start < earlier.span.end;
            if overlaps {
                earlier.span.end = earlier.span.end.max(later.span.end);
            }
            overlaps
        });
        self.marks
    }
}

fn ends_with(words: &[(Range<usize>, Stems)], phrase: &[HashSet<String>]) -> bool {
    let Some(n_before) = words.len().checked_sub(phrase.len()) else { return false };
    words[n_before..].iter().zip(phrase).all(|((_, stems), terms)| holds(terms, stems))
}

/// The bytes to show: the window with the most different matched words, then the most, then the
/// earliest, widened to sentence or word boundaries.
fn window(text: &str, marks: &[Mark]) -> Range<usize> {
    let mut best = (0, 0, 0);
    for (first, mark) in marks.iter().enumerate() {
        let within: Vec<&Mark> = marks[first..]
            .iter()
            .take_while(|it| it.span.end <= mark.span.start + N_CHARS)
            .collect();
        let n_different = within.iter().map(|it| it.term.as_str()).collect::<HashSet<_>>().len();
        let score = (n_different, within.len().min(6));
        if score > (best.0, best.1) {
            best = (score.0, score.1, first);
        }
    }
    let focus = marks.get(best.2).map_or(0, |it| it.span.start);
    let start = window_start(text, focus);
    let start = start + text[start..].len() - text[start..].trim_start().len();
    start..window_end(text, start)
}

/// The start of the sentence that holds byte `focus` when it is near, else of a word before it.
fn window_start(text: &str, focus: usize) -> usize {
    let earliest = text[..focus].char_indices().rev().take(N_CHARS_BEFORE).last();
    let earliest = earliest.map_or(focus, |(at, _)| at);
    if earliest == 0 {
        return 0;
    }
    let before = &text[earliest..focus];
    let mut sentence = None;
    let mut chars = before.char_indices().peekable();
    while let Some((_, it)) = chars.next() {
        let next = chars.peek().copied();
        let is_end = match it {
            '\n' | '。' | '！' | '？' => next.is_some(),
            '.' | '!' | '?' | '…' => next.is_some_and(|(_, it)| it.is_whitespace()),
            _ => false,
        };
        if is_end {
            sentence = next.map(|(at, _)| at);
        }
    }
    let word = || before.char_indices().find(|(_, it)| it.is_whitespace()).map(|(at, _)| at);
    sentence.or_else(word).map_or(earliest, |it| earliest + it)
}

/// The end of a sentence about [`N_CHARS`] after `start`, or else of a word.
fn window_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let Some((n_bytes, _)) = rest.char_indices().nth(N_CHARS) else {
        return start + rest.trim_end().len();
    };
    let shown = &rest[..n_bytes];
    let sentence = shown.char_indices().rev().take(N_CHARS / 3).find(|(at, it)| {
        let next = rest[at + it.len_utf8()..].chars().next();
        matches!(it, '。' | '！' | '？')
            || matches!(it, '.' | '!' | '?') && next.is_some_and(char::is_whitespace)
    });
    if let Some((at, it)) = sentence {
        return start + at + it.len_utf8();
    }
    let word = shown.char_indices().rev().take(40).find(|(_, it)| it.is_whitespace());
    start + word.map_or(n_bytes, |(at, _)| at)
}

/// The bytes `window` of `text` in pieces; white space between paragraphs becomes one space.
fn cut(text: &str, window: Range<usize>, marks: &[Mark]) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut push = |piece: &str, marked: bool| {
        let piece = piece.replace(['\n', '\r', '\t'], " ");
        match segments.last_mut() {
            Some(last) if last.marked == marked => last.text.push_str(&piece),
            _ if piece.is_empty() => (),
            _ => segments.push(Segment { text: piece, marked }),
        }
    };
    let mut at = window.start;
    let inside =
        marks.iter().filter(|it| window.start <= it.span.start && it.span.end <= window.end);
    for mark in inside {
        push(&text[at..mark.span.start], false);
        push(&text[mark.span.clone()], true);
        at = mark.span.end;
    }
    push(&text[at..window.end], false);
    segments
}

/// Whether two words differ by at most `edits` insertions, deletions, replacements or swaps.
pub(crate) fn is_near(left: &str, right: &str, edits: u8) -> bool {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let edits = usize::from(edits);
    if left.len().abs_diff(right.len()) > edits {
        return false;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let is_same = left[i - 1] == right[j - 1];
            let mut cost =
                (above[j - 1] + usize::from(!is_same)).min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                cost = cost.min(before[j - 2] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()] <= edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_snippet_of_any_text_is_a_part_of_it(
            text in "([a-c]{1,3}[ .!?\n\u{3002}é中]{0,3}){0,200}|\\PC*|[ \n]*",
            word in "[a-c]{1,2}|中",
        ) {
            let mut analyzer = Analyzer::new();
            let terms = HashSet::from([format!("xx:{word}")]);
            let phrases = vec![vec![terms.clone(), terms.clone()]];
            let highlight = Highlight {
                terms,
                phrases,
                prefixes: vec!["b".to_owned()],
                fuzzy: vec![("cab".to_owned(), 1)],
            };
            let segments = snippet(&text, Language::Other, &highlight, &mut analyzer);
            let shown: String = segments.iter().map(|it| it.text.as_str()).collect();
            let flat = text.replace(['\n', '\r', '\t'], " ");
            let bare = shown.trim_start_matches("… ").trim_end_matches(" …");
            prop_assert!(flat.contains(bare), "{shown:?} is not in {flat:?}");
            prop_assert!(shown.chars().count() <= N_CHARS + 4);
            let all = mark_all(&text, Language::Other, &highlight, &mut analyzer);
            let whole: String = all.iter().map(|it| it.text.as_str()).collect();
            prop_assert_eq!(whole, flat);
        }
    }
}
