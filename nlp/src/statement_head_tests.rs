use serde::Deserialize;

use super::*;

/// What PyTorch computes for two made-up sentences; written by `training/statements.py export`.
static FIXTURES: &str = include_str!("../tests/fixtures/statements.json");

#[derive(Deserialize)]
struct Fixtures {
    first_look: Look,
    second_look: Look,
}

#[derive(Deserialize)]
struct Look {
    inputs: Inputs,
    outputs: serde_json::Value,
}

#[derive(Deserialize)]
struct Inputs {
    words: Vec<Vec<Vec<f32>>>,
    mask: Vec<Vec<i32>>,
    marks: Vec<Vec<i32>>,
    contexts: Vec<Vec<Vec<f32>>>,
}

/// Runs `look` and compares it with what is expected of it; answers how far apart they are at most.
fn check<const N: usize>(head: &StatementHead, look: Look, outputs: [(NodeId, &str); N]) -> f32 {
    let Inputs { words, mask, marks, contexts } = look.inputs;
    let (n_rows, n_words) = (words.len(), words[0].len());
    let flat = |it: Vec<Vec<Vec<f32>>>| it.into_iter().flatten().flatten().collect::<Vec<_>>();
    let numbers = |it: Vec<Vec<i32>>| it.into_iter().flatten().collect::<Vec<_>>();
    let words = NdTensor::from_data([n_rows, n_words, WORD_SIZE], flat(words));
    let mask = NdTensor::from_data([n_rows, n_words], numbers(mask.clone()));
    let marks = NdTensor::from_data([n_rows, n_words], numbers(marks));
    let contexts = NdTensor::from_data([n_rows, N_CONTEXTS, HIDDEN_SIZE], flat(contexts));
    let is_word: Vec<bool> = mask.iter().map(|it| *it == 1).collect();
    let inputs = [words.into(), mask.into(), marks.into(), contexts.into()];
    let found = head.forward(n_rows, inputs, outputs.map(|it| it.0)).expect("the model runs");
    let mut apart = 0.0_f32;
    for (found, (_, name)) in found.iter().zip(outputs) {
        let mut expected = vec![];
        numbers_in(&look.outputs[name], &mut expected);
        assert_eq!(found.values.len(), expected.len(), "{name}");
        let n_values = expected.len() / (n_rows * n_words);
        for (at, (found, expected)) in found.values.iter().zip(expected).enumerate() {
            let is_of_word = found_per_word(name);
            if !is_of_word || is_word[at / n_values] {
                apart = apart.max((found - expected).abs());
            }
        }
    }
    apart
}

/// Whether an output has a row for each word, padding included.
fn found_per_word(name: &str) -> bool {
    matches!(name, "trigger" | "role" | "sector")
}

fn numbers_in(value: &serde_json::Value, numbers: &mut Vec<f32>) {
    match value {
        serde_json::Value::Array(values) => {
            values.iter().for_each(|it| numbers_in(it, numbers));
        }
        other => numbers.push(other.as_f64().expect("a number") as f32),
    }
}

/// How far the logits of both looks are from the reference at most.
fn apart(precision: Precision) -> f32 {
    let fixtures: Fixtures = serde_json::from_str(FIXTURES).expect("the fixtures are JSON");
    let head = StatementHead::embedded(precision, NonZeroUsize::MIN).expect("the weights load");
    let [trigger, sentence] = head.first_outputs;
    let [role, class, sector] = head.second_outputs;
    let first = [(trigger, "trigger"), (sentence, "sentence")];
    let second = [(role, "role"), (class, "class"), (sector, "sector")];
    check(&head, fixtures.first_look, first).max(check(&head, fixtures.second_look, second))
}

#[test]
fn both_looks_equal_the_reference() {
    let apart = apart(Precision::Float32);
    assert!(apart < 0.01, "{apart}");
}

#[test]
fn integers_say_nearly_the_same() {
    let apart = apart(Precision::Int8);
    assert!(0.01 < apart && apart < 0.5, "{apart}");
}

#[test]
fn a_further_statement_needs_a_lower_score_than_the_first() {
    let row = Row { sentence: 0, n_words: 4, trigger: None, score: 0.0 };
    // Words with the logits of outside, begin and inside; the sentence surely holds a statement.
    let sure = [0.0, 9.0, 0.0, 9.0, 0.0, 0.0, 9.0, 0.0, 0.0];
    let found = |further: f32, any: f32| {
        let logits: Vec<f32> = sure.into_iter().chain([0.0, further, 0.0]).collect();
        let rows = row.candidates(&logits, &[any]);
        rows.into_iter().map(|it| (it.trigger.expect("a trigger"), it.score)).collect::<Vec<_>>()
    };
    let two = found(3.6, 5.0);
    let [(first, first_score), (second, second_score)] = &two[..] else { panic!("{two:?}") };
    assert_eq!((first, second), (&(0..1), &(3..4)));
    assert!(SCORE_MIN < *first_score && *second_score < SCORE_MIN, "{two:?}");
    assert_eq!(found(1.0, 5.0).len(), 1);
    assert!(found(0.0, -2.0).is_empty(), "the first is not sure enough");
}
