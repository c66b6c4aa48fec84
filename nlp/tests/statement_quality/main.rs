//! Quality of statements on the dev documents of `shared/data/statements`, which no training saw.
//!
//! Prints precision, recall and F1 as `shared/eval/score_statements.py` counts them and fails when
//! a figure falls below its floor. Skipped, loudly, where `shared/` is absent.

#![expect(clippy::print_stdout, reason = "the figures are what this test is read for")]

mod score;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use config::Config;
use nlp::Annotator;
use nlp::document::Document;
use nlp::knowledge::Knowledge;
use nlp::rten_tagger::RtenTagger;
use nlp::statement::StatementReader;
use nlp::tagger::Precision;
use score::{Gold, Scores};

/// `(what, lowest F1 or share in percent)`: a point or two below the figures of the day, which
/// stand in `scripts/eval/figures.json`, since processors round differently.
const FLOORS: &[(&str, f64)] = &[
    ("detect", 72.5),
    ("actor", 50.0),
    ("target", 55.0),
    ("sector", 56.0),
    ("tuple", 40.5),
    ("kind", 81.5),
];

fn shared() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared");
    std::env::var_os("HARBINGER_SHARED").map_or_else(|| beside.into(), PathBuf::from)
}

fn gold_documents(folder: &std::path::Path) -> Vec<(Document, Gold)> {
    let mut documents = vec![];
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a readable file");
    for entry in folder.join("docs").read_dir().expect("a folder of documents") {
        let name = entry.expect("an entry").file_name();
        let raw: serde_json::Value =
            serde_json::from_str(&read(folder.join("docs").join(&name))).expect("JSON");
        let sentences: Vec<String> =
            serde_json::from_value(raw["sentences"].clone()).expect("sentences");
        let gold: Gold =
            serde_json::from_str(&read(folder.join("gold").join(&name))).expect("gold");
        let text = sentences.join("\n");
        let id = name.to_string_lossy().into_owned();
        let gold = Gold { sentences, ..gold };
        documents.push((Document { id, text, ..Document::default() }, gold));
    }
    documents
}

#[test]
fn statements_of_unseen_news_are_as_good_as_promised() {
    let folder = shared().join("data/statements");
    if !folder.is_dir() {
        say_skipped();
        return;
    }
    let config = Config::builtin().expect("the built-in configuration is sound");
    let knowledge = Arc::new(Knowledge::new(config.gazetteer, &config.taxonomy));
    let two = NonZeroUsize::new(2).expect("two is not zero");
    let tagger = RtenTagger::embedded(Precision::Int8, two).expect("the tagger loads");
    let reader = StatementReader::embedded(knowledge, Precision::Int8, two)
        .expect("the statement model loads");
    let mut annotator = Annotator::new(Box::new(tagger), reader, 1_000_000);
    let (documents, gold): (Vec<Document>, Vec<Gold>) = gold_documents(&folder).into_iter().unzip();
    let mut scores = Scores::default();
    for (annotated, gold) in annotator.annotate(&documents).iter().zip(&gold) {
        assert!(annotated.error.is_none());
        scores.add(gold, &annotated.annotation.statements);
    }
    let mut fallen = vec![];
    for (what, floor) in FLOORS {
        let (f1, line) = scores.line(what);
        println!("{what:<8} {line} floor={floor}");
        if f1 < *floor {
            fallen.push(*what);
        }
    }
    assert!(fallen.is_empty(), "below the floor: {fallen:?}");
}
fn say_skipped() {
    println!("skipped: ../shared is absent, no statements to score");
}
