//! The mix of queries: what analysts type, and the worst they may type.

use std::collections::BTreeMap;

use index::{FilterField, SearchRequest};
use rand::Rng;
use rand::rngs::StdRng;

use crate::corpus::{Corpus, sector};

/// A request with its kind, drawn at random.
pub(crate) fn request(corpus: &Corpus, rng: &mut StdRng) -> (&'static str, SearchRequest) {
    let common = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(5..300)).to_owned();
    let usual = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(300..5_000)).to_owned();
    let rare = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(5_000..40_000)).to_owned();
    let name = |rng: &mut StdRng| corpus.entity(rng).name.clone();
    let plain = |q: String| SearchRequest { q, ..SearchRequest::default() };
    match rng.random_range(0..100) {
        0..15 => ("one usual word", plain(usual(rng))),
        15..20 => ("one common word", plain(common(rng))),
        20..35 => ("two words", plain(format!("{} {}", usual(rng), common(rng)))),
        35..42 => ("three words", plain(format!("{} {} {}", usual(rng), common(rng), common(rng)))),
        42..50 => ("phrase", plain(format!("\"{}\"", name(rng)))),
        50..54 => ("phrase of common words", plain(format!("\"{} {}\"", common(rng), common(rng)))),
        54..60 => {
            ("OR and NOT", plain(format!("({} OR {}) -{}", usual(rng), rare(rng), common(rng))))
        }
        60..68 => ("actor", plain(format!("actor:\"{}\"", name(rng)))),
        68..74 => (
            "actor or target, sector",
            plain(format!("(actor:\"{0}\" OR target:\"{0}\") sector:{1}", name(rng), sector(rng))),
        ),
        74..79 => ("prefix", plain(prefix(&usual(rng)))),
        79..82 => ("fuzzy", plain(format!("{}~", rare(rng)))),
        82..88 => ("word in the last 30 days", plain(format!("{} published:30d", common(rng)))),
        88..94 => (
            "word with two filters",
            SearchRequest {
                q: common(rng),
                filters: BTreeMap::from([
                    (FilterField::Kind, vec!["attack".to_owned(), "threat".to_owned()]),
                    (FilterField::Sector, vec![sector(rng).to_string()]),
                ]),
                ..SearchRequest::default()
            },
        ),
        94..97 => (
            "everything with a filter",
            SearchRequest {
                filters: BTreeMap::from([(FilterField::Country, vec!["DE".to_owned()])]),
                ..SearchRequest::default()
            },
        ),
        97..99 => ("everything", SearchRequest::default()),
        _ => {
            ("the most common word", plain(corpus.word_of_rank(rng.random_range(0..3)).to_owned()))
        }
    }
}

fn prefix(word: &str) -> String {
    format!("{}*", &word[..3.min(word.len())])
}
