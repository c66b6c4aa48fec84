//! The main text of a page: the lines that the model takes for the article's.

use std::collections::HashMap;

use super::features::Table;
use super::forest::FOREST;
use super::outline::Outline;
use super::title::fold;

/// A line that is at least that likely to be the article's is taken.
const PROBABILITY_MIN: f32 = 0.45;
/// A line of so many words that stood before is a second copy, as for small screens.
const COPY_WORDS_MIN: u32 = 5;

/// Finds the main text; empty when there is none. Lines are separated by one line feed; of copies
/// of a line the likeliest is taken. The headline at the top is no text.
pub(super) fn find(outline: &Outline, table: &Table, title: &str) -> String {
    let mut best: HashMap<&str, (usize, f32)> = HashMap::new();
    let mut is_taken = vec![false; outline.lines.len()];
    for (at, (row, facts)) in table.rows.iter().zip(&table.lines).enumerate() {
        let probability = FOREST.probability(row);
        if probability < PROBABILITY_MIN {
            continue;
        }
        is_taken[at] = true;
        if facts.n_words < COPY_WORDS_MIN {
            continue;
        }
        let (other, other_probability) = *best.entry(&facts.folded).or_insert((at, probability));
        if other != at && other_probability >= probability {
            is_taken[at] = false;
        } else if other != at {
            is_taken[other] = false;
            best.insert(&facts.folded, (at, probability));
        }
    }
    let title = fold(title);
    let first = is_taken.iter().position(|it| *it).filter(|it| table.lines[*it].folded == title);
    if let Some(first) = first {
        is_taken[first] = false;
    }
    let taken = outline.lines.iter().zip(is_taken).filter(|(_, is_taken)| *is_taken);
    taken.map(|(line, _)| line.text.as_str()).collect::<Vec<_>>().join("\n")
}
