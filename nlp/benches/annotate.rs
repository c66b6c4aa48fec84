//! How fast text is read: pieces a second of the raw tagger, articles a second with everything.
//!
//! The article is written for this bench; 600 words as the speed target says. `cargo bench -p nlp`.

use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono::TimeDelta;
use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use nlp::annotate::Annotator;
use nlp::document::Document;
use nlp::rten_tagger::RtenTagger;
use nlp::statement::StatementReader;
use nlp::story::{StoryClusterer, StoryInput};
use nlp::tagger::{Precision, Tagger};
use nlp::tokenize::words;
use nlp::wordpiece::WordPieces;

fn main() {
    divan::main();
}

/// Sentences of different lengths; the numbers make repeated ones differ.
const SENTENCES: &[&str] = &[
    "Hackers who call themselves the Grey Heron crew broke into the control system of the Valmora \
     water works on {} May, the regulator said.",
    "Nobody was hurt.",
    "“We will come back {} times,” a message on the operator’s website read, signed by a group that \
     has claimed attacks on two hospitals and a rail company since January.",
    "The Interior Ministry in Port Almeida blamed a foreign intelligence service but showed no proof.",
    "About {},000 households were without water until Tuesday evening, according to Mayor Ilse Brandt.",
    "Engineers at Kessel & Co. Ltd., which built the pumps, had warned of the flaw, registered as \
     CVE-2026-1{}, in March.",
    "The European Union called the attack unacceptable and promised to help.",
    "Shares of the company fell by {}.5 percent.",
];

fn article(number: usize) -> String {
    let mut text = String::new();
    let mut n_words = 0;
    for turn in 0.. {
        let sentence = SENTENCES[(number + turn) % SENTENCES.len()];
        let sentence = sentence.replace("{}", &(10 + (number * 31 + turn * 7) % 90).to_string());
        n_words += sentence.split_whitespace().count();
        text.push_str(&sentence);
        if 600 <= n_words {
            break;
        }
        text.push(if turn % 4 == 3 { '\n' } else { ' ' });
    }
    text
}

fn documents(n: usize) -> Vec<Document> {
    let document = |number: usize| Document {
        id: number.to_string(),
        title: Some(format!("Water works of Valmora attacked for the {number}th time")),
        text: article(number),
        ..Document::default()
    };
    (0..n).map(document).collect()
}

fn n_threads() -> NonZeroUsize {
    std::thread::available_parallelism().expect("the machine has cores")
}

fn tagger() -> RtenTagger {
    tagger_in(Precision::Int8)
}

fn tagger_in(precision: Precision) -> RtenTagger {
    RtenTagger::embedded(precision, n_threads()).expect("the built-in model loads")
}

#[divan::bench(sample_count = 5)]
fn load_the_tagger() -> RtenTagger {
    tagger()
}

#[divan::bench]
fn split_and_tokenize(bencher: Bencher<'_, '_>) {
    let text = article(1);
    let tokenizer = include_str!("../model/tokenizer.json");
    let mut vocabulary = WordPieces::from_json(tokenizer).expect("the vocabulary loads");
    bencher.counter(BytesCount::of_str(&text)).bench_local(|| {
        let mut ids = vec![];
        for sentence in nlp::sentence::sentences(&text) {
            let sentence = &text[sentence];
            words(sentence).into_iter().for_each(|it| vocabulary.append(&sentence[it], &mut ids));
        }
        ids
    });
}

/// Items are pieces, without those that open and close a sequence.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn tag_16_articles(bencher: Bencher<'_, '_>) {
    tag_with(tagger(), bencher);
}

/// The same as the weights were trained.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn tag_16_articles_in_float32(bencher: Bencher<'_, '_>) {
    tag_with(tagger_in(Precision::Float32), bencher);
}

/// The same on libtorch: `scripts/rust-bert.sh cargo bench -p nlp --features rust-bert`.
#[cfg(feature = "rust-bert")]
#[divan::bench(sample_count = 5, sample_size = 1)]
fn tag_16_articles_with_rust_bert(bencher: Bencher<'_, '_>) {
    let tagger = nlp::rust_bert_tagger::RustBertTagger::embedded(n_threads());
    tag_with(tagger.expect("the built-in model loads"), bencher);
}

fn tag_with(mut tagger: impl Tagger, bencher: Bencher<'_, '_>) {
    let texts: Vec<String> = (0..16).map(article).collect();
    let sentences: Vec<&str> = texts
        .iter()
        .flat_map(|text| nlp::sentence::sentences(text).into_iter().map(|it| &text[it]))
        .collect();
    let tokenizer = include_str!("../model/tokenizer.json");
    let mut vocabulary = WordPieces::from_json(tokenizer).expect("the vocabulary loads");
    let mut ids = vec![];
    for sentence in &sentences {
        words(sentence).into_iter().for_each(|it| vocabulary.append(&sentence[it], &mut ids));
    }
    bencher.counter(ItemsCount::new(ids.len())).bench_local(|| tagger.encode(&sentences));
}

/// Items are articles of 600 words, from text to story.
#[divan::bench(sample_count = 5, sample_size = 1)]
fn annotate_and_correlate_16_articles(bencher: Bencher<'_, '_>) {
    let documents = documents(16);
    let reader = StatementReader::embedded(Arc::default(), Precision::Int8, n_threads());
    let reader = reader.expect("it loads");
    let mut annotator = Annotator::new(Box::new(tagger()), reader, 1_000_000);
    bencher.counter(ItemsCount::new(documents.len())).bench_local(|| {
        let mut stories = StoryClusterer::new(TimeDelta::days(14));
        let annotated = annotator.annotate(&documents);
        let inputs = documents.iter().zip(&annotated).map(|(a, b)| StoryInput::of(a, b));
        inputs.map(|it| stories.assign(&it)).collect::<Vec<_>>()
    });
}

/// Items are articles put into a state that holds 5 000 of as many topics.
#[divan::bench(sample_count = 20)]
fn correlate_among_5_000_articles(bencher: Bencher<'_, '_>) {
    let input = |number: usize| StoryInput {
        article: number.to_string(),
        title: format!("Topic{} of place{} hits name{}", number % 977, number % 389, number % 211),
        lead: article(number).chars().take(600).collect(),
        embedding: (0..384).map(|it| ((it * number) as f32).sin() / 14.0).collect(),
        entities: (0..8).map(|it| format!("name:{}", number * 7 % (50 + it * 90))).collect(),
        ..StoryInput::default()
    };
    let mut stories = StoryClusterer::new(TimeDelta::days(14));
    for number in 0..5_000 {
        stories.assign(&input(number));
    }
    let mut number = 5_000;
    bencher.counter(ItemsCount::new(1_usize)).bench_local(|| {
        number += 1;
        stories.assign(&input(number))
    });
}
