//! Text → words with their places.

use std::ops::Range;
use std::str::CharIndices;

use unicode_normalization::char::is_combining_mark;

/// A word never has more bytes; a longer run of letters is cut into several.
const N_BYTES_MAX: usize = 96;

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Its bytes, without a possessive `'s`.
    pub(crate) span: Range<usize>,
    /// How it was found.
    pub(crate) kind: WordKind,
}

/// How a word was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordKind {
    /// Letters and digits between other signs.
    Spaced,
    /// `U.S.`: the points are no part of the term.
    Acronym,
    /// Two neighbouring characters of a script without spaces; the last one of a run stands alone.
    Dense,
}

/// The words of `text` in order.
pub(crate) fn words(text: &str) -> Words<'_> {
    Words { text, chars: text.char_indices(), dense: None }
}

/// Iterator over the words of a text.
pub(crate) struct Words<'a> {
    text: &'a str,
    chars: CharIndices<'a>,
    /// Start of the dense character that was read but has not led a pair yet.
    dense: Option<usize>,
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        if let Some(start) = self.dense.take() {
            return Some(self.dense_word(start));
        }
        loop {
            let (start, first) = self.chars.next()?;
            if is_dense(first) {
                return Some(self.dense_word(start));
            }
            if is_word_char(first) {
                return Some(self.spaced_word(start, first));
            }
        }
    }
}

impl Words<'_> {
    /// The pair that starts at `start`; its first character has been read.
    fn dense_word(&mut self, start: usize) -> Word {
        let mut ahead = self.chars.clone();
        let end = match ahead.next() {
            Some((second, it)) if is_dense(it) => {
                self.chars = ahead;
                self.dense = Some(second);
                self.chars.offset()
            }
            _ => self.chars.offset(),
        };
        Word { span: start..end, kind: WordKind::Dense }
    }

    fn spaced_word(&mut self, start: usize, first: char) -> Word {
        if let Some(end) = self.acronym_end(start, first) {
            let word = Word { span: start..end, kind: WordKind::Acronym };
            self.skip_possessive();
            return word;
        }
        let mut end = start + first.len_utf8();
        for (at, it) in self.chars.clone() {
            if !is_word_char(it) || is_dense(it) || at - start >= N_BYTES_MAX {
                break;
            }
            end = at + it.len_utf8();
            self.chars.next();
        }
        self.skip_possessive();
        Word { span: start..end, kind: WordKind::Spaced }
    }

    /// Reads the rest of `U.S.` or `U.N`, when the letter at `start` starts one.
    fn acronym_end(&mut self, start: usize, first: char) -> Option<usize> {
        if !first.is_uppercase() {
            return None;
        }
        let rest = &self.text[start + first.len_utf8()..];
        let mut chars = rest.chars();
        let mut n_bytes = 0;
        let mut n_letters = 1;
        while chars.next() == Some('.') {
            let Some(letter) = chars.next().filter(|it| it.is_uppercase()) else { break };
            if chars.clone().next().is_some_and(|it| is_word_char(it) && !is_dense(it)) {
                break;
            }
            n_bytes += 1 + letter.len_utf8();
            n_letters += 1;
        }
        if n_letters < 2 {
            return None;
        }
        if rest[n_bytes..].starts_with('.') {
            n_bytes += 1;
        }
        let end = start + first.len_utf8() + n_bytes;
        self.skip_to(end);
        Some(end)
    }

    /// Skips `'s` and `’s` at the end of a word.
    fn skip_possessive(&mut self) {
        let mut ahead = self.chars.clone();
        let is_possessive = matches!(ahead.next(), Some((_, '\'' | '’')))
            && matches!(ahead.next(), Some((_, 's' | 'S')))
            && !ahead.clone().next().is_some_and(|(_, it)| is_word_char(it));
        if is_possessive {
            self.chars = ahead;
        }
    }

    fn skip_to(&mut self, end: usize) {
        while self.chars.offset() < end && self.chars.next().is_some() {}
    }
}

fn is_word_char(it: char) -> bool {
    if it.is_ascii() {
        return it.is_ascii_alphanumeric();
    }
    it.is_alphanumeric() || is_combining_mark(it) || matches!(it, '\u{200c}' | '\u{200d}')
}

/// Whether `it` belongs to a script written without spaces (or, for Hangul, with endings glued to
/// the words).
fn is_dense(it: char) -> bool {
    matches!(it as u32,
        0x0e00..=0x0eff            // Thai, Lao
        | 0x1000..=0x109f          // Burmese
        | 0x1780..=0x17ff          // Khmer
        | 0x3040..=0x30ff          // Hiragana, Katakana
        | 0x31f0..=0x31ff
        | 0x3400..=0x4dbf          // Han
        | 0x4e00..=0x9fff
        | 0xac00..=0xd7a3          // Hangul
        | 0xf900..=0xfaff
        | 0xff66..=0xff9f
        | 0x2_0000..=0x3_ffff)
        && (it.is_alphanumeric() || is_combining_mark(it))
}
