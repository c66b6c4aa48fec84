//! WordPiece: from a word to the numbers of its pieces in the model's vocabulary.
//!
//! Equal to the `tokenizers` library with a lower-casing `BertNormalizer`, `BertPreTokenizer` and
//! `WordPiece` (`##`, 100 characters). `rten-text` differs from it: it keeps control characters,
//! does not part Chinese characters, and keeps the first pieces of a word that ends unknown.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_categories::UnicodeCategories;
use unicode_normalization::UnicodeNormalization;

use crate::tagger::TagError;

/// Number of the piece that opens a sequence.
pub const CLS: u32 = 101;
/// Number of the piece that closes a sequence.
pub const SEP: u32 = 102;
/// Number of the piece for what the vocabulary lacks.
pub const UNKNOWN: u32 = 100;

const N_PIECES_PER_WORD_MAX: usize = 12;
const N_CHARS_MAX: usize = 100;
const N_CACHED_MAX: usize = 65_536;
/// Longer words are rare (URLs, hashes) and would fill the cache.
const N_CACHED_BYTES_MAX: usize = 40;

/// A vocabulary with a cache of the words seen lately.
#[derive(Clone, Debug)]
pub struct WordPieces {
    /// Pieces that may open a word.
    heads: HashMap<Box<str>, u32>,
    /// Pieces that may continue one, without their `##`.
    tails: HashMap<Box<str>, u32>,
    cache: HashMap<Box<str>, Box<[u32]>>,
}

impl WordPieces {
    /// Reads the vocabulary of a `tokenizer.json`.
    pub fn from_json(json: &str) -> Result<WordPieces, TagError> {
        let error = |reason: String| TagError::Vocabulary { file: "tokenizer.json", reason };
        let file: TokenizerFile =
            serde_json::from_str(json).map_err(|source| error(source.to_string()))?;
        let vocabulary = file.model.vocab;
        for (piece, id) in [("[UNK]", UNKNOWN), ("[CLS]", CLS), ("[SEP]", SEP)] {
            if vocabulary.get(piece) != Some(&id) {
                return Err(error(format!("{piece} is not number {id}")));
            }
        }
        let (mut heads, mut tails) = (HashMap::new(), HashMap::new());
        for (piece, id) in vocabulary {
            match piece.strip_prefix("##") {
                Some(tail) if !tail.is_empty() => tails.insert(tail.into(), id),
                _ => heads.insert(piece.into_boxed_str(), id),
            };
        }
        Ok(WordPieces { heads, tails, cache: HashMap::new() })
    }

    /// Appends the pieces of `word` to `ids`: at least one, at most 12 (the rest is cut).
    pub fn append(&mut self, word: &str, ids: &mut Vec<u32>) {
        if let Some(known) = self.cache.get(word) {
            ids.extend_from_slice(known);
            return;
        }
        let start = ids.len();
        self.split(word, ids);
        ids.truncate(start + N_PIECES_PER_WORD_MAX);
        if ids.len() == start {
            ids.push(UNKNOWN);
        }
        if word.len() <= N_CACHED_BYTES_MAX {
            if self.cache.len() == N_CACHED_MAX {
                self.cache.clear();
            }
            self.cache.insert(word.into(), ids[start..].into());
        }
    }

    fn split(&self, word: &str, ids: &mut Vec<u32>) {
        let normal = normalised(word);
        for part in normal.split(char::is_whitespace) {
            let mut rest = part;
            while let Some(first) = rest.chars().next() {
                let end = match is_punctuation(first) {
                    true => first.len_utf8(),
                    false => rest.find(is_punctuation).unwrap_or(rest.len()),
                };
                self.split_part(&rest[..end], ids);
                rest = &rest[end..];
            }
        }
    }

    /// Greedy longest match; a part that cannot be put together whole is one unknown piece.
    fn split_part(&self, part: &str, ids: &mut Vec<u32>) {
        let start = ids.len();
        if N_CHARS_MAX < part.chars().count() {
            ids.push(UNKNOWN);
            return;
        }
        let mut rest = part;
        while !rest.is_empty() {
            let pieces = if rest.len() == part.len() { &self.heads } else { &self.tails };
            let ends = rest.char_indices().rev().map(|(at, c)| at + c.len_utf8());
            let found = ends.filter_map(|end| Some((end, *pieces.get(&rest[..end])?))).next();
            let Some((end, id)) = found else {
                ids.truncate(start);
                ids.push(UNKNOWN);
                return;
            };
            ids.push(id);
            rest = &rest[end..];
        }
    }
}

/// Cleans, spaces out Chinese characters, strips accents and lower-cases.
fn normalised(word: &str) -> String {
    if word.is_ascii() && !word.bytes().any(|it| it.is_ascii_control()) {
        return word.to_ascii_lowercase();
    }
    let mut spaced = String::with_capacity(word.len() + 8);
    for c in word.chars().filter(|&it| it != '\u{fffd}' && !is_control(it)) {
        match c {
            _ if is_chinese(c) => spaced.extend([' ', c, ' ']),
            _ if c.is_whitespace() => spaced.push(' '),
            _ => spaced.push(c),
        }
    }
    spaced.nfd().filter(|it| !it.is_mark_nonspacing()).flat_map(char::to_lowercase).collect()
}

fn is_control(c: char) -> bool {
    !matches!(c, '\t' | '\n' | '\r') && c.is_other()
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || UnicodeCategories::is_punctuation(c)
}

fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}'
        | '\u{2a700}'..='\u{2b73f}' | '\u{2b740}'..='\u{2b81f}' | '\u{2b920}'..='\u{2ceaf}'
        | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

#[derive(Deserialize)]
struct TokenizerFile {
    model: VocabularyPart,
}

#[derive(Deserialize)]
struct VocabularyPart {
    vocab: HashMap<String, u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENIZER: &str = r###"{"model": {"vocab": {"[UNK]": 100, "[CLS]": 101, "[SEP]": 102,
        "iran": 1, "##ian": 2, "-": 3, "a": 4, "##a": 5, "’": 6, "s": 7, "東": 8}}}"###;

    #[track_caller]
    fn check(word: &str, expected: &[u32]) {
        let mut pieces = WordPieces::from_json(TOKENIZER).expect("a small vocabulary");
        for _ in ["uncached", "cached"] {
            let mut ids = vec![];
            pieces.append(word, &mut ids);
            assert_eq!(ids, expected, "{word}");
        }
    }

    #[test]
    fn takes_the_longest_pieces() {
        check("Iranian", &[1, 2]);
        check("Iran’s", &[1, 6, 7]);
        check("IRAN-Á", &[1, 3, 4]);
    }

    #[test]
    fn a_part_with_an_unknown_end_is_unknown_as_a_whole() {
        check("iranx-a", &[UNKNOWN, 3, 4]);
        check(&"a".repeat(101), &[UNKNOWN]);
    }

    #[test]
    fn a_word_has_one_to_twelve_pieces() {
        check("\u{200b}", &[UNKNOWN]);
        let mut twelve = vec![5; 12];
        twelve[0] = 4;
        check(&"a".repeat(30), &twelve);
    }

    #[test]
    fn chinese_characters_stand_alone() {
        check("東京東", &[8, UNKNOWN, 8]);
    }

    #[test]
    fn a_vocabulary_with_other_numbers_is_refused() {
        assert!(WordPieces::from_json(r#"{"model": {"vocab": {"[UNK]": 0}}}"#).is_err());
        assert!(WordPieces::from_json("[]").is_err());
    }
}
