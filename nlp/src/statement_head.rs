//! The statement branch: three transformer layers that go on from the tagger's third.
//!
//! It looks twice. First at the words of every sentence: does it hold a hostile statement, and
//! which words are its *triggers*? Then once at each trigger that is likely enough, whose place is
//! marked: of which kind is the statement, and which words are its actor, target, means and
//! speaker? The recipe is `training/statements.py`; inputs and outputs are in the head of
//! `training/statements_export.py`.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;
use rten_tensor::{NdTensor, Tensor};

use crate::document::AnalysedDocument;
use crate::statement_roles::{RoleSpan, decode_roles};
use crate::statement_triggers::{calibrated, inside, trigger_spans};
use crate::tagger::{EncodedSentence, HIDDEN_SIZE, Precision, TagError};

static MODEL: &[u8] = include_bytes!("../model/statements.onnx");

/// Label probabilities of the four word heads of the tagger.
const N_LABELS: usize = 9 + 15 + 13 + 5;
/// Numbers that describe a word: state and label probabilities.
const WORD_SIZE: usize = HIDDEN_SIZE + N_LABELS;
/// Sentences that stand beside the words as one vector each: before, after, first, mean.
const N_CONTEXTS: usize = 4;
/// Length of the context vectors in training.
const CONTEXT_LENGTH: f32 = 8.0;
/// Words of a sentence that are read; what follows is left out.
const N_WORDS_MAX: usize = 160;
/// Words in one forward pass, padding included.
const N_WORDS_PER_BATCH: usize = 512;
/// A sentence without such a word is still tried when a statement in it is this probable.
const SENTENCE_MIN: f32 = 0.2;
/// Statements below this confidence are left out; where actors and targets are best on dev.
const SCORE_MIN: f32 = 0.6;
/// The same for the further statements of a sentence, which are right more often than their score
/// says: of 58 between both 42 (training documents, documents left out and dev).
const FURTHER_SCORE_MIN: f32 = 0.45;

/// Sectors in the order of the model's output.
pub(crate) const SECTORS: [&str; 34] = [
    "/energy",
    "/energy/oil-gas",
    "/energy/electricity",
    "/energy/nuclear",
    "/transport",
    "/transport/aviation",
    "/transport/maritime",
    "/transport/rail",
    "/transport/road",
    "/finance",
    "/finance/banking",
    "/finance/markets",
    "/finance/crypto",
    "/government",
    "/government/elections",
    "/government/law-enforcement",
    "/government/diplomacy",
    "/defence",
    "/health",
    "/water",
    "/food",
    "/manufacturing",
    "/chemical",
    "/telecom",
    "/technology",
    "/media",
    "/education",
    "/emergency-services",
    "/retail",
    "/hospitality",
    "/space",
    "/mining",
    "/nonprofit",
    "/religion",
];

/// What the model says about one trigger.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Reading {
    /// Number of the sentence that holds the trigger.
    pub(crate) sentence: usize,
    /// Its words.
    pub(crate) trigger: Range<usize>,
    /// Probability that a statement hangs on it, `0.4..=1.0`.
    pub(crate) score: f32,
    /// Probabilities of threat, warning, attack, claim, denial, attempt.
    pub(crate) kinds: [f32; 6],
    /// Probabilities of cyber, physical, economic, political.
    pub(crate) domains: [f32; 4],
    /// Probabilities of asserted, possible, conditional, denied.
    pub(crate) modalities: [f32; 4],
    /// Probabilities of past, present, future.
    pub(crate) tenses: [f32; 3],
    /// Actors, targets, means and speaker, in the order of the words.
    pub(crate) spans: Vec<RoleSpan>,
}

/// The statement model, loaded.
pub(crate) struct StatementHead {
    model: Model,
    inputs: [NodeId; 4],
    first_outputs: [NodeId; 2],
    second_outputs: [NodeId; 3],
    threads: Arc<ThreadPool>,
}

/// One row of a batch: a sentence, and the trigger that is marked in it.
struct Row {
    sentence: usize,
    n_words: usize,
    trigger: Option<Range<usize>>,
    /// Probability that a statement hangs on the trigger, from the first look.
    score: f32,
}

impl StatementHead {
    /// Loads the weights that are built into the program.
    pub(crate) fn embedded(
        precision: Precision,
        n_threads: NonZeroUsize,
    ) -> Result<StatementHead, TagError> {
        let weights = |reason: String| TagError::Weights { reason };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model =
            options.load_static_slice(MODEL).map_err(|source| weights(source.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|source| weights(source.to_string()));
        let inputs = [node("words")?, node("mask")?, node("marks")?, node("contexts")?];
        let output = |name| node(&precision.output(name));
        let first_outputs = [output("trigger")?, output("sentence")?];
        let second_outputs = [output("role")?, output("class")?, output("sector")?];
        let threads = Arc::new(ThreadPool::with_num_threads(n_threads.get()));
        Ok(StatementHead { model, inputs, first_outputs, second_outputs, threads })
    }

    /// Finds the triggers of `document` and reads each, in the order of the sentences.
    pub(crate) fn read(&self, document: &AnalysedDocument) -> Result<Vec<Reading>, TagError> {
        let contexts = Contexts::of(document);
        let rows = (0..document.sentences.len())
            .filter(|&it| !document.sentences[it].encoded.words.is_empty())
            .map(|sentence| Row::of_sentence(document, sentence));
        let mut candidates = vec![];
        for batch in batches(rows.collect()) {
            let [triggers, sentences] =
                self.run(document, &contexts, &batch, self.first_outputs)?;
            for (at, row) in batch.iter().enumerate() {
                candidates.append(&mut row.candidates(triggers.row(at), sentences.row(at)));
            }
        }
        let mut readings = vec![];
        for batch in batches(candidates) {
            let [roles, classes, sectors] =
                self.run(document, &contexts, &batch, self.second_outputs)?;
            for (at, row) in batch.iter().enumerate() {
                readings.push(row.reading(roles.row(at), classes.row(at), sectors.row(at)));
            }
        }
        readings.sort_by_key(|it| (it.sentence, it.trigger.start));
        Ok(readings)
    }

    fn run<const N: usize>(
        &self,
        document: &AnalysedDocument,
        contexts: &Contexts,
        batch: &[Row],
        outputs: [NodeId; N],
    ) -> Result<[Output; N], TagError> {
        let n_words = batch.iter().map(|it| it.n_words).max().unwrap_or(0);
        let n_rows = batch.len();
        let mut words = Vec::with_capacity(n_rows * n_words * WORD_SIZE);
        let mut vectors = Vec::with_capacity(n_rows * N_CONTEXTS * HIDDEN_SIZE);
        let mut mask = NdTensor::<i32, 2>::zeros([n_rows, n_words]);
        let mut marks = NdTensor::<i32, 2>::zeros([n_rows, n_words]);
        for (at, row) in batch.iter().enumerate() {
            for word in 0..row.n_words {
                push_word(&mut words, &document.sentences[row.sentence].encoded, word);
                mask[[at, word]] = 1;
                marks[[at, word]] = row.mark(word);
            }
            words.resize((at + 1) * n_words * WORD_SIZE, 0.0);
            contexts.push(&mut vectors, row.sentence);
        }
        let words = NdTensor::from_data([n_rows, n_words, WORD_SIZE], words);
        let vectors = NdTensor::from_data([n_rows, N_CONTEXTS, HIDDEN_SIZE], vectors);
        self.forward(n_rows, [words.into(), mask.into(), marks.into(), vectors.into()], outputs)
    }

    /// One forward pass: `inputs` are words, mask, marks and contexts of `n_rows` rows.
    fn forward<const N: usize>(
        &self,
        n_rows: usize,
        inputs: [ValueOrView; 4],
        outputs: [NodeId; N],
    ) -> Result<[Output; N], TagError> {
        let inputs = self.inputs.into_iter().zip(inputs).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        let error = |reason: String| TagError::Run { n_sequences: n_rows, reason };
        let values = self
            .model
            .run_n(inputs, outputs, Some(options))
            .map_err(|source| error(source.to_string()))?;
        let read = values.map(|it| Output::of(it, n_rows));
        if read.iter().any(Option::is_none) {
            return Err(error("an output has another shape".to_owned()));
        }
        Ok(read.map(Option::unwrap_or_default))
    }
}

/// One output of a forward pass, row-major.
#[derive(Default)]
struct Output {
    n_values: usize,
    values: Vec<f32>,
}

impl Output {
    fn of(value: Value, n_rows: usize) -> Option<Output> {
        let tensor: Tensor<f32> = value.try_into().ok()?;
        (tensor.size(0) == n_rows).then_some(())?;
        let values = tensor.into_data();
        Some(Output { n_values: values.len() / n_rows, values })
    }

    fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.n_values..(at + 1) * self.n_values]
    }
}

fn push_word(words: &mut Vec<f32>, sentence: &EncodedSentence, word: usize) {
    words.extend_from_slice(sentence.state_of(word));
    for head in [&sentence.ner, &sentence.cyber, &sentence.role, &sentence.st] {
        words.extend_from_slice(head.row(word));
    }
}

/// Rows of like length together, at most [`N_WORDS_PER_BATCH`] words in a batch.
fn batches(mut rows: Vec<Row>) -> Vec<Vec<Row>> {
    rows.sort_by_key(|it| std::cmp::Reverse(it.n_words));
    let mut batches: Vec<Vec<Row>> = vec![];
    for row in rows {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * batch[0].n_words <= N_WORDS_PER_BATCH => {
                batch.push(row);
            }
            _ => batches.push(vec![row]),
        }
    }
    batches
}

impl Row {
    fn of_sentence(document: &AnalysedDocument, sentence: usize) -> Row {
        let n_words = document.sentences[sentence].encoded.words.len().min(N_WORDS_MAX);
        Row { sentence, n_words, trigger: None, score: 0.0 }
    }

    /// How the model is told where the trigger stands: 0 without trigger, 1 on it, 2 to 5 before
    /// it by distance, 6 to 9 behind it.
    fn mark(&self, word: usize) -> i32 {
        let Some(trigger) = &self.trigger else { return 0 };
        if trigger.contains(&word) {
            return 1;
        }
        let (side, distance) = if word < trigger.start {
            (2, trigger.start - word)
        } else {
            (6, word + 1 - trigger.end)
        };
        side + match distance {
            0..=1 => 0,
            2..=3 => 1,
            4..=7 => 2,
            _ => 3,
        }
    }

    /// The triggers that the first look sees in this sentence and that are likely enough.
    fn candidates(&self, logits: &[f32], sentence: &[f32]) -> Vec<Row> {
        let words = logits.as_chunks::<3>().0.iter().take(self.n_words);
        let words: Vec<[f32; 3]> = words.map(|it| softmax(*it)).collect();
        let any = sigmoid(sentence[0]);
        let mut spans = trigger_spans(&words);
        if spans.is_empty() && SENTENCE_MIN < any {
            let best =
                (0..words.len()).max_by(|&a, &b| inside(&words[a]).total_cmp(&inside(&words[b])));
            spans.extend(best.map(|it| (it..it + 1, inside(&words[it]))));
        }
        let best = spans.iter().map(|it| it.1).fold(0.0, f32::max);
        let mut is_best_found = false;
        let rows = spans.into_iter().filter_map(|(trigger, probability)| {
            let is_best = probability == best && !is_best_found;
            is_best_found |= is_best;
            let score = calibrated(probability, any, is_best);
            let Row { sentence, n_words, .. } = *self;
            let score_min = if is_best { SCORE_MIN } else { FURTHER_SCORE_MIN };
            let row = Row { sentence, n_words, trigger: Some(trigger), score };
            (score_min <= score).then_some(row)
        });
        rows.collect()
    }

    fn reading(&self, roles: &[f32], classes: &[f32], sectors: &[f32]) -> Reading {
        let class = |from: usize, n: usize| &classes[from..from + n];
        Reading {
            sentence: self.sentence,
            trigger: self.trigger.clone().unwrap_or_default(),
            score: self.score,
            kinds: softmax_of(class(0, 6)),
            domains: softmax_of(class(6, 4)),
            modalities: softmax_of(class(10, 4)),
            tenses: softmax_of(class(14, 3)),
            spans: decode_roles(self.sentence, self.n_words, roles, sectors),
        }
    }
}

/// Sentence embeddings around each sentence.
struct Contexts {
    of_sentence: Vec<Vec<f32>>,
    mean: Vec<f32>,
}

impl Contexts {
    fn of(document: &AnalysedDocument) -> Contexts {
        let scaled = |it: &Vec<f32>| it.iter().map(|it| it * CONTEXT_LENGTH).collect();
        let of_sentence: Vec<Vec<f32>> =
            document.sentences.iter().map(|it| scaled(&it.encoded.embedding)).collect();
        let mut mean = vec![0.0; HIDDEN_SIZE];
        for embedding in &of_sentence {
            for (sum, value) in mean.iter_mut().zip(embedding) {
                *sum += value / of_sentence.len() as f32;
            }
        }
        Contexts { of_sentence, mean }
    }

    fn push(&self, vectors: &mut Vec<f32>, sentence: usize) {
        const NONE: [f32; HIDDEN_SIZE] = [0.0; HIDDEN_SIZE];
        let at = |number: Option<usize>| {
            number.and_then(|it| self.of_sentence.get(it)).map_or(NONE.as_slice(), Vec::as_slice)
        };
        vectors.extend_from_slice(at(sentence.checked_sub(1)));
        vectors.extend_from_slice(at(Some(sentence + 1)));
        vectors.extend_from_slice(at(Some(0)));
        vectors.extend_from_slice(&self.mean);
    }
}

pub(crate) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

fn softmax<const N: usize>(logits: [f32; N]) -> [f32; N] {
    let max = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers = logits.map(|it| (it - max).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|it| it / sum)
}

fn softmax_of<const N: usize>(logits: &[f32]) -> [f32; N] {
    let mut fixed = [0.0; N];
    fixed.copy_from_slice(logits);
    softmax(fixed)
}

/// The place of the highest of `probabilities`, of equals the first.
pub(crate) fn most_probable(probabilities: &[f32]) -> usize {
    let places = 0..probabilities.len();
    places.fold(0, |a, b| if probabilities[a] < probabilities[b] { b } else { a })
}

#[cfg(test)]
#[path = "statement_head_tests.rs"]
mod tests;
