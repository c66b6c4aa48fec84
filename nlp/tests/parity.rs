//! The two engines say the same: `rten`, and `rust-bert` over libtorch (feature `rust-bert`,
//! `make test-rust-bert`).

#![cfg(feature = "rust-bert")]

use std::num::NonZeroUsize;

use nlp::rten_tagger::RtenTagger;
use nlp::rust_bert_tagger::RustBertTagger;
use nlp::tagger::{EncodedSentence, Precision, Tagger, WordLabels};

/// How far numbers between 0 and 1 may lie apart.
const APART_MAX: f32 = 1e-3;
/// Tags may differ where the two likeliest are nearer than that: either answer is right then.
const TIE: f32 = 2.0 * APART_MAX;

fn sentences() -> Vec<String> {
    let fixtures = include_str!("fixtures/reference_outputs.jsonl").lines();
    let fixtures = fixtures.map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).expect("a reference output");
        match line["text"].as_str() {
            Some(text) => text.to_owned(),
            None => {
                let words = line["words"].as_array().expect("its words").iter();
                words.map(|it| it.as_str().expect("a word")).collect::<Vec<_>>().join(" ")
            }
        }
    });
    let own = [
        "",
        "Iran would punish Americans, a commander of the Revolutionary Guards said.",
        "APT28, also known as Fancy Bear, used X-Agent against Ukraine’s power grid (CVE-2015-2545).",
        "Иран угрожает атаковать танкеры в Персидском заливе.",
        "伊朗威胁要袭击油轮。",
        "x",
    ];
    let long =
        "The Houthis said that they would sink any tanker that enters the Red Sea. ".repeat(60);
    fixtures.chain(own.map(str::to_owned)).chain([long]).collect()
}

#[track_caller]
fn assert_near(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    for (at, (a, b)) in a.iter().zip(b).enumerate() {
        assert!((a - b).abs() < APART_MAX, "{what}, number {at}: {a} and {b}");
    }
}

fn assert_same_tags(a: &WordLabels, b: &WordLabels, what: &str) {
    assert_eq!(a.n_words(), b.n_words(), "{what}");
    for word in 0..a.n_words() {
        assert_near(a.row(word), b.row(word), what);
        let (one, other) = (a.best(word), b.best(word));
        let is_tie = (a.row(word)[one.0] - a.row(word)[other.0]).abs() < TIE;
        assert!(one.0 == other.0 || is_tie, "{what}, word {word}: {one:?} and {other:?}");
    }
}

#[test]
fn both_engines_say_the_same() {
    let two = NonZeroUsize::MIN.saturating_add(1);
    let sentences = sentences();
    let sentences: Vec<&str> = sentences.iter().map(String::as_str).collect();
    let mut rten = RtenTagger::embedded(Precision::Float32, two).expect("the default engine loads");
    let mut rust_bert = RustBertTagger::embedded(two).expect("rust-bert loads");
    assert_eq!(rten.labels(), rust_bert.labels());
    let expected = rten.encode(&sentences).expect("the default engine reads");
    let found = rust_bert.encode(&sentences).expect("rust-bert reads");
    assert_eq!(expected.len(), found.len());
    let named = |it: &EncodedSentence| (0..it.ner.n_words()).any(|word| it.ner.best(word).0 != 0);
    assert!(expected.iter().filter(|it| named(it)).count() > 5, "there is something to compare");
    for ((a, b), text) in expected.iter().zip(&found).zip(&sentences) {
        assert_eq!(a.words, b.words, "{text}");
        assert_same_tags(&a.ner, &b.ner, text);
        assert_same_tags(&a.cyber, &b.cyber, text);
        assert_same_tags(&a.role, &b.role, text);
        assert_same_tags(&a.st, &b.st, text);
        assert_near(&a.quad, &b.quad, text);
        assert_near(&a.embedding, &b.embedding, text);
        // States are of the order of 1 and go into the statement branch.
        assert_near(&a.states, &b.states, text);
    }
}
