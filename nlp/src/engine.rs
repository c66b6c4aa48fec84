//! What every engine of the tagger does around its forward pass.
//!
//! Sentences become [sequences](crate::encode), sequences [batches](crate::batch); only the rows
//! of first pieces are read from the answers.

use crate::assemble::{Assembly, SequenceAnswer};
use crate::batch::batches;
use crate::encode::{Pieces, Sequence};
use crate::tagger::{EncodedSentence, Labels, TagError};
use crate::wordpiece::WordPieces;

/// Pieces in one forward pass on the CPU, padding included: enough to keep the cores busy, few
/// enough for the activations to stay in cache (`make bench-annotate`: 512 is a tenth faster than
/// 1 024).
pub(crate) const N_PIECES_PER_BATCH: usize = 512;

/// The weights of the tagger, as `nlp/training/export_onnx.py` writes them.
pub(crate) static MODEL: &[u8] = include_bytes!("../model/tagger.onnx");
static LABELS: &str = include_str!("../model/labels.json");
static TOKENIZER: &str = include_str!("../model/tokenizer.json");

/// Labels and word pieces of the tagger.
pub(crate) struct Vocabulary {
    pub(crate) labels: Labels,
    pieces: WordPieces,
}

impl Vocabulary {
    /// Those that are built into the program.
    pub(crate) fn embedded() -> Result<Vocabulary, TagError> {
        let labels = serde_json::from_str(LABELS).map_err(|source| TagError::Vocabulary {
            file: "labels.json",
            reason: source.to_string(),
        })?;
        Ok(Vocabulary { labels, pieces: WordPieces::from_json(TOKENIZER)? })
    }

    /// Encodes `sentences`: `run` answers a batch, at most `n_pieces_max` pieces with padding.
    pub(crate) fn encode(
        &mut self,
        sentences: &[&str],
        n_pieces_max: usize,
        mut run: impl FnMut(&[Sequence]) -> Result<Answer, TagError>,
    ) -> Result<Vec<EncodedSentence>, TagError> {
        let mut assemblies = Vec::with_capacity(sentences.len());
        let mut sequences = vec![];
        for (number, sentence) in sentences.iter().enumerate() {
            let pieces = Pieces::of(sentence, &mut self.pieces);
            sequences.extend(pieces.sequences(number));
            assemblies.push(Assembly::of(pieces.words, &self.labels));
        }
        for batch in batches(sequences, n_pieces_max) {
            let answer = run(&batch)?;
            for (row, sequence) in batch.iter().enumerate() {
                assemblies[sequence.sentence].add(sequence, answer.row(row));
            }
        }
        Ok(assemblies.into_iter().map(Assembly::finish).collect())
    }
}

/// The inputs of one forward pass, row-major `[sequences × pieces]`, padded with 0.
pub(crate) struct Inputs {
    /// Pieces of the longest sequence.
    pub(crate) n_pieces: usize,
    pub(crate) ids: Vec<i32>,
    pub(crate) casing: Vec<i32>,
    /// 1 where there is a piece.
    pub(crate) mask: Vec<i32>,
}

impl Inputs {
    pub(crate) fn of(batch: &[Sequence]) -> Inputs {
        let n_pieces = batch.iter().map(|it| it.ids.len()).max().unwrap_or(0);
        let padding = vec![0; batch.len() * n_pieces];
        let (mut ids, mut casing, mut mask) = (padding.clone(), padding.clone(), padding);
        for (row, sequence) in batch.iter().enumerate() {
            for (at, (&id, &case)) in sequence.ids.iter().zip(&sequence.casing).enumerate() {
                let at = row * n_pieces + at;
                (ids[at], casing[at], mask[at]) = (id as i32, i32::from(case), 1);
            }
        }
        Inputs { n_pieces, ids, casing, mask }
    }
}

/// The outputs of one forward pass, row-major, one row of each for a sequence: states after the
/// third layer, logits of the word heads, sentence class, embedding.
pub(crate) struct Answer {
    pub(crate) n_sequences: usize,
    pub(crate) outputs: [Vec<f32>; 4],
}

impl Answer {
    fn row(&self, number: usize) -> SequenceAnswer<'_> {
        let [states, logits, quad, embedding] = self.outputs.each_ref().map(|output| {
            let n_values = output.len() / self.n_sequences;
            &output[number * n_values..(number + 1) * n_values]
        });
        SequenceAnswer { states, logits, quad, embedding }
    }
}
