//! The default engine: the ONNX file run by `rten`, pure Rust.
//!
//! Sentences become [sequences](crate::encode), sequences [batches](crate::batch); each batch is
//! one forward pass on a pool of threads that belongs to this tagger alone. Only the rows of first
//! pieces are read from the answer.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use crate::assemble::{Assembly, SequenceAnswer};
use crate::batch::batches;
use crate::encode::{Pieces, Sequence};
use crate::tagger::{EncodedSentence, Labels, TagError, Tagger};
use crate::wordpiece::WordPieces;

static MODEL: &[u8] = include_bytes!("../model/tagger.onnx");
static LABELS: &str = include_str!("../model/labels.json");
static TOKENIZER: &str = include_str!("../model/tokenizer.json");

/// Pieces in one forward pass, padding included: enough to keep the cores busy, few enough for the
/// activations to stay in cache (`make bench-annotate`: 512 is a tenth faster than 1 024).
const N_PIECES_PER_BATCH: usize = 512;

/// A tagger that runs on the CPU without native libraries.
pub struct RtenTagger {
    model: Model,
    inputs: [NodeId; 3],
    outputs: [NodeId; 4],
    threads: Arc<ThreadPool>,
    labels: Labels,
    vocabulary: WordPieces,
}

impl RtenTagger {
    /// Loads the model that is built into the program. Takes about a tenth of a second.
    ///
    /// It computes on `n_threads` threads of its own.
    pub fn embedded(n_threads: NonZeroUsize) -> Result<RtenTagger, TagError> {
        let weights = |reason: String| TagError::Weights { reason };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model =
            options.load_static_slice(MODEL).map_err(|source| weights(source.to_string()))?;
        let node = |name| model.node_id(name).map_err(|source| weights(source.to_string()));
        let inputs = [node("input_ids")?, node("token_type_ids")?, node("attention_mask")?];
        let outputs = [node("layer3")?, node("logits")?, node("quad")?, node("embedding")?];
        let labels = serde_json::from_str(LABELS).map_err(|source| TagError::Vocabulary {
            file: "labels.json",
            reason: source.to_string(),
        })?;
        let threads = Arc::new(ThreadPool::with_num_threads(n_threads.get()));
        let vocabulary = WordPieces::from_json(TOKENIZER)?;
        Ok(RtenTagger { model, inputs, outputs, threads, labels, vocabulary })
    }

    fn run(&self, batch: &[Sequence]) -> Result<Answer, TagError> {
        let n_pieces = batch.iter().map(|it| it.ids.len()).max().unwrap_or(0);
        let shape = [batch.len(), n_pieces];
        let mut ids = NdTensor::<i32, 2>::zeros(shape);
        let mut casing = NdTensor::<i32, 2>::zeros(shape);
        let mut mask = NdTensor::<i32, 2>::zeros(shape);
        for (row, sequence) in batch.iter().enumerate() {
            for (at, (&id, &case)) in sequence.ids.iter().zip(&sequence.casing).enumerate() {
                ids[[row, at]] = id as i32;
                casing[[row, at]] = i32::from(case);
                mask[[row, at]] = 1;
            }
        }
        let inputs = [ids, casing, mask].map(ValueOrView::from);
        let inputs = self.inputs.into_iter().zip(inputs).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let error = |reason: String| TagError::Run { n_sequences: batch.len(), reason };
        let values = self
            .model
            .run_n(inputs, self.outputs, Some(options))
            .map_err(|source| error(source.to_string()))?;
        Answer::of(values, batch.len())
            .ok_or_else(|| error("an output has another shape".to_owned()))
    }
}

impl Tagger for RtenTagger {
    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn encode(&mut self, sentences: &[&str]) -> Result<Vec<EncodedSentence>, TagError> {
        let mut assemblies = Vec::with_capacity(sentences.len());
        let mut sequences = vec![];
        for (number, sentence) in sentences.iter().enumerate() {
            let pieces = Pieces::of(sentence, &mut self.vocabulary);
            sequences.extend(pieces.sequences(number));
            assemblies.push(Assembly::of(pieces.words, &self.labels));
        }
        for batch in batches(sequences, N_PIECES_PER_BATCH) {
            let answer = self.run(&batch)?;
            for (row, sequence) in batch.iter().enumerate() {
                assemblies[sequence.sentence].add(sequence, answer.row(row));
            }
        }
        Ok(assemblies.into_iter().map(Assembly::finish).collect())
    }
}

/// The outputs of one forward pass, row-major: one row of each for a sequence.
struct Answer {
    n_sequences: usize,
    outputs: [Vec<f32>; 4],
}

impl Answer {
    /// `None` when an output is no float tensor with a row for each sequence.
    fn of(values: [Value; 4], n_sequences: usize) -> Option<Answer> {
        let mut outputs = [const { vec![] }; 4];
        for (output, value) in outputs.iter_mut().zip(values) {
            let tensor: Tensor<f32> = value.try_into().ok()?;
            (tensor.size(0) == n_sequences).then_some(())?;
            *output = tensor.into_data();
        }
        Some(Answer { n_sequences, outputs })
    }

    fn row(&self, number: usize) -> SequenceAnswer<'_> {
        let [states, logits, quad, embedding] = self.outputs.each_ref().map(|output| {
            let n_values = output.len() / self.n_sequences;
            &output[number * n_values..(number + 1) * n_values]
        });
        SequenceAnswer { states, logits, quad, embedding }
    }
}
