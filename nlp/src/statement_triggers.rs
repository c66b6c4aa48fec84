//! From the first look at a sentence to its candidate triggers and their scores.

use std::ops::Range;

use crate::statement_head::sigmoid;

/// A word may belong to a trigger from this probability on.
const TRIGGER_WORD_MIN: f32 = 0.15;

/// The probability that a word belongs to a trigger: `word` holds those of `O`, `B` and `I`.
pub(crate) fn inside(word: &[f32; 3]) -> f32 {
    1.0 - word[0]
}

/// Runs of words that may be a trigger, each with its highest probability.
pub(crate) fn trigger_spans(words: &[[f32; 3]]) -> Vec<(Range<usize>, f32)> {
    let mut spans = vec![];
    let mut start = 0;
    while start < words.len() {
        if inside(&words[start]) < TRIGGER_WORD_MIN {
            start += 1;
            continue;
        }
        let goes_on =
            |it: &[f32; 3]| inside(it) >= TRIGGER_WORD_MIN && !(it[1] > it[2] && it[1] > 0.3);
        let n_more = words[start + 1..].iter().take_while(|it| goes_on(it)).count();
        let end = start + 1 + n_more;
        let probability = words[start..end].iter().map(inside).fold(0.0, f32::max);
        spans.push((start..end, probability));
        start = end;
    }
    spans
}

/// The probability that a statement hangs on a trigger: logistic regression on the probability of
/// its words and that of any statement in the sentence, fitted on documents that the model had not
/// seen (`training/statements_calibration.json`). Few sentences hold a second statement, so the
/// likeliest trigger of a sentence and its further ones are told apart.
pub(crate) fn calibrated(trigger: f32, any: f32, is_best: bool) -> f32 {
    let logit = |it: f32| {
        let it = it.clamp(1e-4, 1.0 - 1e-4);
        (it / (1.0 - it)).ln()
    };
    sigmoid(match is_best {
        true => 0.0685 * logit(trigger) + 0.4363 * logit(any) - 0.0806,
        false => 0.6626 * logit(trigger) + 0.1462 * logit(any) - 2.8077,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_likely_words_are_triggers() {
        let words = [[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.5, 0.1, 0.4], [0.2, 0.7, 0.1]];
        assert_eq!(trigger_spans(&words), [(1..3, 0.9), (3..4, 0.8)]);
        assert_eq!(trigger_spans(&[]), []);
    }

    #[test]
    fn the_likeliest_trigger_of_a_sentence_is_believed_first() {
        assert!(0.8 < calibrated(0.99, 0.99, true));
        assert!(calibrated(0.99, 0.99, false) < calibrated(0.99, 0.99, true));
        assert!(calibrated(0.9, 0.9, false) < 0.5 && 0.5 < calibrated(0.9, 0.9, true));
        assert!(calibrated(0.7, 0.7, true) < calibrated(0.9, 0.9, true));
        assert!(calibrated(0.0, 0.0, true) < 0.02 && calibrated(1.0, 1.0, false) < 1.0);
    }
}
