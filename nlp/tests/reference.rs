//! The engine gives what the reference forward pass in PyTorch gives.
//!
//! `fixtures/reference_outputs.jsonl` holds the answers of the reference on sentences written for
//! this test; those that came with the trained model are checked too where `shared/` is at hand.

#![expect(clippy::print_stderr, reason = "a test says that it was skipped")]

use std::num::NonZeroUsize;
use std::path::PathBuf;

use nlp::rten_tagger::RtenTagger;
use nlp::tagger::{EncodedSentence, Labels, Precision, Tagger, WordLabels};
use nlp::tokenize::{case_id, words};
use nlp::wordpiece::{CLS, SEP, WordPieces};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    text: Option<String>,
    words: Vec<String>,
    ids: Vec<u32>,
    case: Vec<u8>,
    ner: Vec<String>,
    cyber: Vec<String>,
    role: Vec<String>,
    st: Vec<String>,
    quad: Vec<f32>,
    embedding: Vec<f32>,
}

impl Reference {
    /// The sentence; where only its words are known they are set apart by spaces.
    fn sentence(&self) -> String {
        self.text.clone().unwrap_or_else(|| self.words.join(" "))
    }
}

fn read(jsonl: &str) -> Vec<Reference> {
    jsonl.lines().map(|it| serde_json::from_str(it).expect("a reference output")).collect()
}

fn own() -> Vec<Reference> {
    read(include_str!("fixtures/reference_outputs.jsonl"))
}

fn shared() -> Option<Vec<Reference>> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    let shared = std::env::var_os("HARBINGER_SHARED").map_or(here.into(), PathBuf::from);
    let outputs = std::fs::read_to_string(shared.join("model/reference_outputs.jsonl"));
    if outputs.is_err() {
        eprintln!("skipped: ../shared is absent");
    }
    outputs.ok().map(|it| read(&it))
}

fn tagger(precision: Precision) -> RtenTagger {
    RtenTagger::embedded(precision, NonZeroUsize::MIN).expect("the built-in model loads")
}

#[track_caller]
fn check_pieces(references: &[Reference]) {
    let tokenizer = include_str!("../model/tokenizer.json");
    let mut vocabulary = WordPieces::from_json(tokenizer).expect("the built-in vocabulary loads");
    for reference in references {
        let sentence = reference.sentence();
        let words: Vec<&str> = words(&sentence).into_iter().map(|it| &sentence[it]).collect();
        assert_eq!(words, reference.words);
        let (mut ids, mut case) = (vec![CLS], vec![0]);
        for word in words {
            vocabulary.append(word, &mut ids);
            case.resize(ids.len(), case_id(word));
        }
        ids.push(SEP);
        case.push(0);
        assert_eq!(ids, reference.ids, "pieces of {sentence}");
        assert_eq!(case, reference.case, "casing of {sentence}");
    }
}

/// Compares what the tagger says with the reference; at most `n_tags_wrong_max` tags may differ.
#[track_caller]
fn check_outputs(references: &[Reference], n_tags_wrong_max: usize) {
    let sentences: Vec<String> = references.iter().map(Reference::sentence).collect();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let mut tagger = tagger(Precision::Float32);
    let encoded = tagger.encode(&sentences).expect("the model runs");
    let mut wrong = vec![];
    for (reference, encoded) in references.iter().zip(&encoded) {
        check_sentence(reference, encoded);
        wrong.append(&mut wrong_tags(reference, encoded, tagger.labels()));
    }
    assert!(wrong.len() <= n_tags_wrong_max, "{}", wrong.join("\n"));
}

fn wrong_tags(reference: &Reference, encoded: &EncodedSentence, labels: &Labels) -> Vec<String> {
    let heads = [
        (&encoded.ner, &labels.ner, &reference.ner),
        (&encoded.cyber, &labels.cyber, &reference.cyber),
        (&encoded.role, &labels.role, &reference.role),
        (&encoded.st, &labels.st, &reference.st),
    ];
    let mut wrong = vec![];
    for (head, labels, expected) in heads {
        assert_eq!(head.n_words(), expected.len(), "{}", reference.sentence());
        for (word, expected) in expected.iter().enumerate() {
            let found = &labels[head.best(word).0];
            if found != expected {
                let word = &reference.words[word];
                wrong.push(format!("{word} is {found}, not {expected}: {}", reference.sentence()));
            }
        }
    }
    wrong
}

#[track_caller]
fn check_sentence(reference: &Reference, encoded: &EncodedSentence) {
    let sentence = reference.sentence();
    // Probabilities magnify what the int8 table of word pieces changes.
    check_close(&encoded.quad, &reference.quad, 5e-3, &sentence);
    check_close(&encoded.embedding[..8], &reference.embedding, 1e-3, &sentence);
    let length = encoded.embedding.iter().map(|it| it * it).sum::<f32>();
    assert!((length - 1.0).abs() < 1e-4, "length {length} of {sentence}");
}

#[track_caller]
fn check_close(found: &[f32], expected: &[f32], difference_max: f32, sentence: &str) {
    assert_eq!(found.len(), expected.len());
    let is_close = found.iter().zip(expected).all(|(a, b)| (a - b).abs() < difference_max);
    assert!(is_close, "{found:?} is not {expected:?} in {sentence}");
}

#[test]
fn pieces_and_casing_equal_the_reference() {
    check_pieces(&own());
    if let Some(references) = shared() {
        check_pieces(&references);
    }
}

#[test]
fn tags_classes_and_embeddings_equal_the_reference() {
    // Among them is a sentence of made-up long words, where tags are a near tie and the int8 table
    // of word pieces decides otherwise.
    check_outputs(&own(), 1);
    if let Some(references) = shared() {
        check_outputs(&references, 0);
    }
}

/// How many words of `a` have another best label in `b`, and how far the probabilities lie apart
/// on the average.
fn differences(a: &WordLabels, b: &WordLabels) -> (usize, f32) {
    assert_eq!(a.n_words(), b.n_words());
    let n_other = (0..a.n_words()).filter(|&it| a.best(it).0 != b.best(it).0).count();
    let apart = (0..a.n_words()).flat_map(|it| a.row(it).iter().zip(b.row(it)));
    let (sum, n) = apart.fold((0.0, 0), |(sum, n), (a, b)| (sum + (a - b).abs(), n + 1));
    (n_other, sum / (n.max(1) as f32))
}

#[test]
fn int8_says_what_float32_says() {
    let mut references = own();
    references.extend(shared().unwrap_or_default());
    let sentences: Vec<String> = references.iter().map(Reference::sentence).collect();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let int8 = tagger(Precision::Int8).encode(&sentences).expect("the model runs");
    let float32 = tagger(Precision::Float32).encode(&sentences).expect("the model runs");
    assert_ne!(int8, float32, "each precision has a path of its own");
    let (mut n_labels, mut n_other) = (0, 0);
    for ((a, b), sentence) in int8.iter().zip(&float32).zip(&sentences) {
        for (a, b) in [(&a.ner, &b.ner), (&a.cyber, &b.cyber), (&a.role, &b.role), (&a.st, &b.st)] {
            let (n, apart) = differences(a, b);
            assert!(apart < 0.02, "{apart} apart: {sentence}");
            (n_labels, n_other) = (n_labels + a.n_words(), n_other + n);
        }
        let cosine = a.embedding.iter().zip(&b.embedding).map(|(a, b)| a * b).sum::<f32>();
        assert!(a.words.is_empty() || 0.99 < cosine, "cosine {cosine}: {sentence}");
    }
    assert!(1_000 < n_labels && n_other * 50 < n_labels, "{n_other} of {n_labels} labels differ");
}

#[test]
fn a_sentence_says_the_same_alone_and_in_a_batch() {
    let (short, long) =
        ("Police left Qom.", "Rebels shelled the port of Tarn again today. ".repeat(4));
    for precision in [Precision::Float32, Precision::Int8] {
        let mut tagger = tagger(precision);
        let together = tagger.encode(&[short, "", &long]).expect("the model runs");
        let alone = tagger.encode(&[short]).expect("the model runs");
        assert_eq!(together[0].words, alone[0].words);
        let apart = together[0].states.iter().zip(&alone[0].states).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-3, "{precision:?}");
        assert_eq!((together[1].words.len(), together[1].embedding[0]), (0, 0.0));
    }
}

#[test]
fn every_word_of_a_very_long_sentence_is_read() {
    let long = "The Foreign Ministry of Chile warned Peru , Qatar and Kenya , ".repeat(90);
    let mut tagger = tagger(Precision::Int8);
    let encoded = tagger.encode(&[&long]).expect("the model runs").remove(0);
    assert_eq!(encoded.words.len(), 12 * 90);
    let peru = tagger.labels().ner.iter().position(|it| it == "B-LOC").expect("a label of ner");
    let n_found = (0..encoded.words.len())
        .filter(|&word| &long[encoded.words[word].clone()] == "Peru")
        .filter(|&word| encoded.ner.best(word).0 == peru)
        .count();
    assert!(85 <= n_found, "Peru was found {n_found} times of 90");
    assert!(encoded.states.chunks(384).all(|it| it.iter().any(|&value| value != 0.0)));
}
