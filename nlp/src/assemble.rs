//! From what a forward pass answers for a sequence to the words of its sentence.

use std::ops::Range;

use crate::encode::Sequence;
use crate::tagger::{EncodedSentence, HIDDEN_SIZE, Labels, WordLabels};

/// What a forward pass says about one sequence; rows of padding at the ends are never read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SequenceAnswer<'a> {
    /// States after the third layer, row-major `[pieces × HIDDEN_SIZE]`.
    pub(crate) states: &'a [f32],
    /// The heads ner, cyber, role and st side by side, before softmax, `[pieces × labels]`.
    pub(crate) logits: &'a [f32],
    /// Sentence class before softmax, 5 numbers.
    pub(crate) quad: &'a [f32],
    /// Embedding of any length, `HIDDEN_SIZE` numbers.
    pub(crate) embedding: &'a [f32],
}

/// A sentence that waits for the answers of its sequences, which come in any order.
#[derive(Clone, Debug)]
pub(crate) struct Assembly {
    encoded: EncodedSentence,
    /// Sum over the sequences of class logits times pieces.
    quad: [f32; 5],
    n_pieces: usize,
}

impl Assembly {
    /// A sentence of the words `words` about which nothing is known yet.
    pub(crate) fn of(words: Vec<Range<usize>>, labels: &Labels) -> Assembly {
        let n_words = words.len();
        let zeros = |labels: &[String]| WordLabels::zeros(n_words, labels.len());
        let encoded = EncodedSentence {
            words,
            states: vec![0.0; n_words * HIDDEN_SIZE],
            ner: zeros(&labels.ner),
            cyber: zeros(&labels.cyber),
            role: zeros(&labels.role),
            st: zeros(&labels.st),
            quad: [0.0; 5],
            embedding: vec![0.0; HIDDEN_SIZE],
        };
        Assembly { encoded, quad: [0.0; 5], n_pieces: 0 }
    }

    /// Takes over what `answer` says about `sequence`.
    pub(crate) fn add(&mut self, sequence: &Sequence, answer: SequenceAnswer<'_>) {
        let EncodedSentence { states, ner, cyber, role, st, embedding, .. } = &mut self.encoded;
        for (word, &piece) in (sequence.first_word..).zip(&sequence.first_pieces) {
            states[word * HIDDEN_SIZE..][..HIDDEN_SIZE]
                .copy_from_slice(&answer.states[piece * HIDDEN_SIZE..][..HIDDEN_SIZE]);
            let n_labels = [&ner, &cyber, &role, &st].iter().map(|it| it.n_labels()).sum::<usize>();
            let mut logits = &answer.logits[piece * n_labels..][..n_labels];
            for head in [&mut *ner, &mut *cyber, &mut *role, &mut *st] {
                let (own, others) = logits.split_at(head.n_labels());
                softmax(own, head.row_mut(word));
                logits = others;
            }
        }
        // Both sentence heads are linear in the mean over the pieces, so the weighted mean over
        // the windows of a long sentence is what one pass over all of it would give.
        let weight = sequence.ids.len() as f32;
        self.quad.iter_mut().zip(answer.quad).for_each(|(sum, it)| *sum += it * weight);
        embedding.iter_mut().zip(answer.embedding).for_each(|(sum, it)| *sum += it * weight);
        self.n_pieces += sequence.ids.len();
    }

    /// The sentence, once every sequence has been added.
    pub(crate) fn finish(mut self) -> EncodedSentence {
        let logits = self.quad.map(|it| it / self.n_pieces.max(1) as f32);
        softmax(&logits, &mut self.encoded.quad);
        normalise(&mut self.encoded.embedding);
        self.encoded
    }
}

/// Writes the probabilities of `logits` to `probabilities`, of the same length.
fn softmax(logits: &[f32], probabilities: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (probability, logit) in probabilities.iter_mut().zip(logits) {
        *probability = (logit - highest).exp();
        sum += *probability;
    }
    probabilities.iter_mut().for_each(|it| *it /= sum);
}

/// Brings `vector` to length 1; a vector of zeros stays.
pub(crate) fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|it| it * it).sum::<f32>().sqrt();
    if 0.0 < length {
        vector.iter_mut().for_each(|it| *it /= length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_survives_large_logits() {
        let mut probabilities = [0.0; 3];
        softmax(&[1000.0, 1000.0, -1000.0], &mut probabilities);
        assert_eq!(probabilities, [0.5, 0.5, 0.0]);
    }

    #[test]
    fn a_vector_of_zeros_stays() {
        let mut zeros = [0.0; 4];
        normalise(&mut zeros);
        assert_eq!(zeros, [0.0; 4]);
        let mut long = [3.0, 4.0];
        normalise(&mut long);
        assert_eq!(long, [0.6, 0.8]);
    }
}
