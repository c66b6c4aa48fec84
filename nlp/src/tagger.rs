//! What a tagger engine gives: every word of a sentence encoded and labelled in one forward pass.
//!
//! [`Tagger`] has two engines over the same weights: `rten` (pure Rust, the default) and
//! `rust-bert` (libtorch). They agree with the reference outputs in `tests/fixtures`.
//!
//! # Other languages
//! The model has learnt English. An encoder for more languages is one more type that implements
//! [`Tagger`]: it brings words, labels, embedding and, if it can, the states that the statement
//! branch goes on from. The annotator knows a tagger by this trait only; what depends on English is
//! the threshold `NameContext::is_english` and `Gazetteer::find_in`, which trusts names of other
//! languages without the tagger's word. Embeddings of two encoders are not alike: stories compare
//! those of one only.

use std::ops::Range;

/// Width of a hidden state and of an embedding.
pub const HIDDEN_SIZE: usize = 384;

/// A model that reads sentences.
///
/// An engine blocks while it computes, on its own pool of threads: give the caller an OS thread,
/// never a thread of an async runtime.
pub trait Tagger: Send {
    /// The classes of each head, in the order of their probabilities.
    fn labels(&self) -> &Labels;

    /// Encodes `sentences`; the answer has one element for each, in the same order.
    ///
    /// Sentences of any length are taken (long ones are read in windows); an empty one has no words.
    fn encode(&mut self, sentences: &[&str]) -> Result<Vec<EncodedSentence>, TagError>;
}

/// How `rten` multiplies by the weights of transformer layers.
///
/// Both ways are in the same files and come from the same weights (`training/quantize.py`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// By integers of 8 bits: half the processor time where there is VNNI, and as good within the
    /// noise of the scorers. What a sentence says does not depend on its batch.
    Int8,
    /// By 32-bit numbers, as trained and as the engine `rust-bert` does.
    Float32,
}

impl Precision {
    /// The name of `output` of a network in this precision.
    pub(crate) fn output(self, output: &str) -> String {
        match self {
            Precision::Int8 => format!("int8.{output}"),
            Precision::Float32 => output.to_owned(),
        }
    }
}

/// The labels of each head: `O`, `B-X`, `I-X`, ….
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Named entities: PER, ORG, LOC, MISC (CoNLL-2003).
    pub ner: Vec<String>,
    /// Cyber entities: GROUP, MALWARE, TOOL, VULN, SECTOR, ORG, LOC.
    pub cyber: Vec<String>,
    /// Parts of an attack: ACTOR, TARGET, MEANS, ATTACK, THREAT, VULN.
    pub role: Vec<String>,
    /// Source (S) and target (T) of a political event.
    pub st: Vec<String>,
}

/// One sentence as the model sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedSentence {
    /// Half-open ranges of **bytes** in the sentence, one for each word, in order.
    pub words: Vec<Range<usize>>,
    /// State of each word's first piece after the third layer, row-major
    /// `[words.len() × HIDDEN_SIZE]`: what the statement branch goes on from.
    pub states: Vec<f32>,
    /// Named entities of each word.
    pub ner: WordLabels,
    /// Cyber entities of each word.
    pub cyber: WordLabels,
    /// Parts of an attack of each word.
    pub role: WordLabels,
    /// Source and target of each word.
    pub st: WordLabels,
    /// Probability that the sentence tells 0 nothing, 1 verbal or 2 material cooperation,
    /// 3 verbal or 4 material conflict.
    pub quad: [f32; 5],
    /// Meaning of the sentence: `HIDDEN_SIZE` numbers of unit length; all 0 without words.
    pub embedding: Vec<f32>,
}

impl EncodedSentence {
    /// The state of word `word`.
    pub fn state_of(&self, word: usize) -> &[f32] {
        &self.states[word * HIDDEN_SIZE..(word + 1) * HIDDEN_SIZE]
    }
}

/// What one head says about every word of a sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordLabels {
    n_labels: usize,
    probabilities: Vec<f32>,
}

impl WordLabels {
    /// Takes `probabilities`, row-major `[words × n_labels]`; each row sums to 1.
    pub fn new(n_labels: usize, probabilities: Vec<f32>) -> WordLabels {
        debug_assert!(n_labels == 0 || probabilities.len().is_multiple_of(n_labels));
        WordLabels { n_labels, probabilities }
    }

    /// Number of words.
    pub fn n_words(&self) -> usize {
        self.probabilities.len().checked_div(self.n_labels).unwrap_or(0)
    }

    /// Probability of each label at word `word`, in the order of [`Labels`].
    pub fn row(&self, word: usize) -> &[f32] {
        &self.probabilities[word * self.n_labels..(word + 1) * self.n_labels]
    }

    /// The most probable label of word `word` (its place in [`Labels`]) and its probability.
    pub fn best(&self, word: usize) -> (usize, f32) {
        let row = self.row(word).iter().copied().enumerate();
        row.fold((0, 0.0), |best, it| if best.1 < it.1 { it } else { best })
    }

    /// A head of `n_labels` labels that says nothing about `n_words` words yet.
    pub(crate) fn zeros(n_words: usize, n_labels: usize) -> WordLabels {
        WordLabels { n_labels, probabilities: vec![0.0; n_words * n_labels] }
    }

    /// Number of labels of the head.
    pub(crate) fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// Probability of each label at word `word`, to be written.
    pub(crate) fn row_mut(&mut self, word: usize) -> &mut [f32] {
        &mut self.probabilities[word * self.n_labels..(word + 1) * self.n_labels]
    }
}

/// Why a tagger could not be loaded or could not read a batch.
#[derive(Debug, thiserror::Error)]
pub enum TagError {
    /// The file of weights does not load.
    #[error("the weights of the tagger do not load: {reason}")]
    Weights {
        /// What the engine says.
        reason: String,
    },
    /// `labels.json`, `tokenizer.json` or `sectors.json` is not what it should be.
    #[error("the tagger's {file} cannot be read: {reason}")]
    Vocabulary {
        /// Name of the file.
        file: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The forward pass failed.
    #[error("the tagger failed on a batch of {n_sequences} sequences: {reason}")]
    Run {
        /// Sequences in the batch.
        n_sequences: usize,
        /// What the engine says.
        reason: String,
    },
}
