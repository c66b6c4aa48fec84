//! From a sentence to the sequences of pieces that the model reads.

use std::ops::Range;

use crate::tokenize::{case_id, words};
use crate::wordpiece::{CLS, SEP, WordPieces};

/// Most pieces of a sequence, with the two that open and close it. The model was trained on these.
pub(crate) const N_PIECES_MAX: usize = 320;

/// Words that two neighbouring windows of a long sentence share, so that each word is read
/// with some context on both sides.
const N_WORDS_SHARED: usize = 24;

/// One input of the model: a sentence, or a window of a long one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    /// Number of the sentence in the caller's list.
    pub(crate) sentence: usize,
    /// Piece numbers, from CLS to SEP.
    pub(crate) ids: Vec<u32>,
    /// Casing of each piece.
    pub(crate) casing: Vec<u8>,
    /// Number of the first word for which this sequence speaks.
    pub(crate) first_word: usize,
    /// Position of the first piece of each word for which this sequence speaks. Words that a
    /// neighbouring window sees better are left out.
    pub(crate) first_pieces: Vec<usize>,
}

/// A sentence as pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pieces {
    /// Byte ranges of the words.
    pub(crate) words: Vec<Range<usize>>,
    ids: Vec<u32>,
    casing: Vec<u8>,
    /// Range of each word in `ids`.
    ranges: Vec<Range<usize>>,
}

impl Pieces {
    /// Splits `sentence` into words and those into pieces.
    pub(crate) fn of(sentence: &str, vocabulary: &mut WordPieces) -> Pieces {
        let mut pieces = Pieces { words: words(sentence), ..Pieces::default() };
        for word in &pieces.words {
            let word = &sentence[word.clone()];
            let start = pieces.ids.len();
            vocabulary.append(word, &mut pieces.ids);
            pieces.casing.resize(pieces.ids.len(), case_id(word));
            pieces.ranges.push(start..pieces.ids.len());
        }
        pieces
    }

    /// The sequences for sentence number `sentence`: one, or windows when it is long.
    ///
    /// Each word is spoken for by exactly one sequence, in order. No words, no sequence.
    pub(crate) fn sequences(&self, sentence: usize) -> Vec<Sequence> {
        let mut sequences = vec![];
        let (mut start, mut n_spoken) = (0, 0);
        while n_spoken < self.words.len() {
            let end = self.window_end(start);
            let is_last = end == self.words.len();
            // In the shared words the earlier window speaks for the first half.
            let shared = N_WORDS_SHARED.min((end - start) / 2);
            let spoken_end = if is_last { end } else { end - shared / 2 };
            sequences.push(self.sequence(sentence, start..end, n_spoken..spoken_end));
            n_spoken = spoken_end;
            start = end - shared;
        }
        sequences
    }

    /// One past the last word that fits into a sequence that starts with word `start`.
    fn window_end(&self, start: usize) -> usize {
        let room = N_PIECES_MAX - 2;
        let first_piece = self.ranges[start].start;
        self.ranges.partition_point(|it| it.end <= first_piece + room)
    }

    fn sequence(&self, sentence: usize, window: Range<usize>, spoken: Range<usize>) -> Sequence {
        let pieces = self.ranges[window.start].start..self.ranges[window.end - 1].end;
        let mut ids = Vec::with_capacity(pieces.len() + 2);
        ids.push(CLS);
        ids.extend_from_slice(&self.ids[pieces.clone()]);
        ids.push(SEP);
        let mut casing = Vec::with_capacity(ids.len());
        casing.push(0);
        casing.extend_from_slice(&self.casing[pieces.clone()]);
        casing.push(0);
        let first_word = spoken.start;
        let first_pieces =
            self.ranges[spoken].iter().map(|it| it.start - pieces.start + 1).collect();
        Sequence { sentence, ids, casing, first_word, first_pieces }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENIZER: &str = r###"{"model": {"vocab": {"[UNK]": 100, "[CLS]": 101, "[SEP]": 102,
        "a": 1, "##a": 2, "b": 3}}}"###;

    fn sequences_of(sentence: &str) -> (Pieces, Vec<Sequence>) {
        let mut vocabulary = WordPieces::from_json(TOKENIZER).expect("a small vocabulary");
        let pieces = Pieces::of(sentence, &mut vocabulary);
        let sequences = pieces.sequences(7);
        (pieces, sequences)
    }

    #[test]
    fn a_short_sentence_is_one_sequence() {
        let (_, sequences) = sequences_of("AA b");
        let expected = Sequence {
            sentence: 7,
            ids: vec![CLS, 1, 2, 3, SEP],
            casing: vec![0, 2, 2, 0, 0],
            first_word: 0,
            first_pieces: vec![1, 3],
        };
        assert_eq!(sequences, [expected]);
        assert_eq!(sequences_of(" \n").1, []);
    }

    #[test]
    fn windows_speak_for_every_word_once_and_in_order() {
        for n_words in [1, 105, 106, 107, 318, 319, 1000, 5001] {
            let sentence = ["aaa", "b", "x"].repeat(n_words).join(" ");
            let (pieces, sequences) = sequences_of(&sentence);
            assert!(sequences.iter().all(|it| it.ids.len() <= N_PIECES_MAX));
            let spoken: Vec<u32> = sequences
                .iter()
                .scan(0, |n_before, it| {
                    assert_eq!(it.first_word, *n_before);
                    *n_before += it.first_pieces.len();
                    Some(it)
                })
                .flat_map(|it| it.first_pieces.iter().map(|&at| it.ids[at]))
                .collect();
            let first_pieces: Vec<u32> =
                pieces.ranges.iter().map(|it| pieces.ids[it.start]).collect();
            assert_eq!(spoken, first_pieces, "{n_words} words");
        }
    }
}
