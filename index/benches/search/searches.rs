//! Saved searches drawn at random, for the benches that match them.

use config::SavedSearch;
use rand::Rng;
use rand::rngs::StdRng;

use crate::corpus::{Corpus, sector};

/// Draws a saved search.
pub(crate) type Draw = fn(usize, &Corpus, &mut StdRng) -> SavedSearch;

/// What analysts save: names, as often asked for as written about or of their own sphere, with
/// sectors, kinds and words that are neither common nor unheard of.
pub(crate) fn saved_search(n: usize, corpus: &Corpus, rng: &mut StdRng) -> SavedSearch {
    let word = |rng: &mut StdRng| {
        let rank = 300.0 * (100f64).powf(rng.random_range(0.0..1.0));
        corpus.word_of_rank(rank as usize).to_owned()
    };
    let name = |rng: &mut StdRng| match rng.random_bool(0.5) {
        true => corpus.entity(rng).name.clone(),
        false => corpus.any_entity(rng).name.clone(),
    };
    let id = format!("search-{n}");
    let plain = |query: String| SavedSearch::new(&id, &query);
    match rng.random_range(0..1_000) {
        0..200 => plain(format!("actor:\"{}\" sector:{}", name(rng), sector(rng))),
        200..300 => plain(format!("(actor:\"{0}\" OR target:\"{0}\") kind:threat", name(rng))),
        300..400 => {
            let mut search = plain(format!("target:\"{}\"", name(rng)));
            search.filters.kind = vec!["attack".to_owned(), "threat".to_owned()];
            search.filters.sector = vec![sector(rng)];
            search
        }
        400..600 => plain(format!("\"{}\" {}", name(rng), word(rng))),
        600..750 => plain(format!("{} {} {}", word(rng), word(rng), word(rng))),
        750..830 => plain(format!("{} ({} OR {}) -{}", word(rng), word(rng), word(rng), word(rng))),
        830..900 => plain(format!("\"{} {}\"", word(rng), word(rng))),
        900..950 => {
            let names = [name(rng), name(rng), name(rng)].map(|it| format!("entity:\"{it}\""));
            plain(format!("({}) sector:{} kind:attack", names.join(" OR "), sector(rng)))
        }
        950..980 => plain(format!("\"{}\"", corpus.any_entity(rng).name)),
        980..990 => plain(format!("{}* {}", &word(rng), word(rng))),
        990..995 => plain(format!("{}* {}~1", word(rng), word(rng))),
        _ => plain(format!("\"{} {}\"~4", word(rng), word(rng))),
    }
}

/// Words and names by themselves, many of them common.
pub(crate) fn hard_search(n: usize, corpus: &Corpus, rng: &mut StdRng) -> SavedSearch {
    let common = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(5..300)).to_owned();
    let usual = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(300..5_000)).to_owned();
    let rare = |rng: &mut StdRng| corpus.word_of_rank(rng.random_range(5_000..40_000)).to_owned();
    let name = |rng: &mut StdRng| corpus.entity(rng).name.clone();
    let id = format!("search-{n}");
    let plain = |query: String| SavedSearch::new(&id, &query);
    match rng.random_range(0..1_000) {
        0..300 => plain(format!("{} {}", usual(rng), usual(rng))),
        300..500 => plain(format!("\"{}\"", name(rng))),
        500..700 => {
            plain(format!("(actor:\"{0}\" OR target:\"{0}\") sector:{1}", name(rng), sector(rng)))
        }
        700..800 => {
            plain(format!("({} OR {} OR {}) -{}", usual(rng), rare(rng), rare(rng), common(rng)))
        }
        800..880 => {
            let mut search = plain(usual(rng));
            search.filters.kind = vec!["attack".to_owned(), "threat".to_owned()];
            search.filters.sector = vec![sector(rng)];
            search
        }
        880..930 => plain(rare(rng)),
        930..970 => plain(format!("\"{} {}\"", common(rng), usual(rng))),
        970..985 => plain(format!("{}* {}", rare(rng), usual(rng))),
        985..990 => plain(format!("{}*", rare(rng))),
        990..995 => plain(format!("{}~1", rare(rng))),
        _ => plain(common(rng)),
    }
}
