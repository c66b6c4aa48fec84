//! The default engine: the ONNX file run by `rten`, pure Rust.
//!
//! Each batch is one forward pass on a pool of threads that belongs to this tagger alone.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use crate::encode::Sequence;
use crate::engine::{Answer, Inputs, MODEL, N_PIECES_PER_BATCH, Vocabulary};
use crate::tagger::{EncodedSentence, Labels, Precision, TagError, Tagger};

/// A tagger that runs on the CPU without native libraries.
pub struct RtenTagger {
    vocabulary: Vocabulary,
    network: Network,
}

/// The loaded graph and the threads that compute it.
struct Network {
    model: Model,
    inputs: [NodeId; 3],
    outputs: [NodeId; 4],
    threads: Arc<ThreadPool>,
}

impl RtenTagger {
    /// Loads the model that is built into the program. Takes about a fifth of a second.
    ///
    /// It computes on `n_threads` threads of its own.
    pub fn embedded(precision: Precision, n_threads: NonZeroUsize) -> Result<RtenTagger, TagError> {
        Ok(RtenTagger {
            vocabulary: Vocabulary::embedded()?,
            network: Network::embedded(precision, n_threads)?,
        })
    }
}

impl Network {
    fn embedded(precision: Precision, n_threads: NonZeroUsize) -> Result<Network, TagError> {
        let weights = |reason: String| TagError::Weights { reason };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model =
            options.load_static_slice(MODEL).map_err(|source| weights(source.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|source| weights(source.to_string()));
        let inputs = [node("input_ids")?, node("token_type_ids")?, node("attention_mask")?];
        let output = |name| node(&precision.output(name));
        let outputs = [output("layer3")?, output("logits")?, output("quad")?, output("embedding")?];
        let threads = Arc::new(ThreadPool::with_num_threads(n_threads.get()));
        Ok(Network { model, inputs, outputs, threads })
    }

    fn run(&self, batch: &[Sequence]) -> Result<Answer, TagError> {
        let Inputs { n_pieces, ids, casing, mask } = Inputs::of(batch);
        let shape = [batch.len(), n_pieces];
        let inputs =
            [ids, casing, mask].map(|it| ValueOrView::from(NdTensor::from_data(shape, it)));
        let inputs = self.inputs.into_iter().zip(inputs).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let error = |reason: String| TagError::Run { n_sequences: batch.len(), reason };
        let values = self
            .model
            .run_n(inputs, self.outputs, Some(options))
            .map_err(|source| error(source.to_string()))?;
        answer(values, batch.len()).ok_or_else(|| error("an output has another shape".to_owned()))
    }
}

impl Tagger for RtenTagger {
    fn labels(&self) -> &Labels {
        &self.vocabulary.labels
    }

    fn encode(&mut self, sentences: &[&str]) -> Result<Vec<EncodedSentence>, TagError> {
        let network = &self.network;
        self.vocabulary.encode(sentences, N_PIECES_PER_BATCH, |batch| network.run(batch))
    }
}

/// `None` when an output is no float tensor with a row for each sequence.
fn answer(values: [Value; 4], n_sequences: usize) -> Option<Answer> {
    let mut outputs = [const { vec![] }; 4];
    for (output, value) in outputs.iter_mut().zip(values) {
        let tensor: Tensor<f32> = value.try_into().ok()?;
        (tensor.size(0) == n_sequences).then_some(())?;
        *output = tensor.into_data();
    }
    Some(Answer { n_sequences, outputs })
}
