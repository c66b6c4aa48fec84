//! Sequences put together in batches that pad little.

use crate::encode::Sequence;

/// Sorts `sequences` by length and cuts them into batches of at most `n_pieces_max` pieces,
/// padding included. A longer sequence is a batch of its own.
///
/// The longest batches come first, so that memory is at its peak at the start.
pub(crate) fn batches(mut sequences: Vec<Sequence>, n_pieces_max: usize) -> Vec<Vec<Sequence>> {
    sequences.sort_by_key(|it| (std::cmp::Reverse(it.ids.len()), it.sentence));
    let mut batches: Vec<Vec<Sequence>> = vec![];
    for sequence in sequences {
        match batches.last_mut() {
            Some(batch) if (batch.len() + 1) * batch[0].ids.len() <= n_pieces_max => {
                batch.push(sequence);
            }
            _ => batches.push(vec![sequence]),
        }
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_within_the_budget_and_lose_nothing() {
        let lengths = [3, 90, 5, 5, 64, 7, 320, 9, 64, 12, 3];
        let sequences = lengths.iter().enumerate().map(|(sentence, &n)| Sequence {
            sentence,
            ids: vec![0; n],
            ..Sequence::default()
        });
        let batches = batches(sequences.collect(), 128);
        for batch in &batches {
            let longest = batch.iter().map(|it| it.ids.len()).max().unwrap_or(0);
            assert!(batch.len() == 1 || batch.len() * longest <= 128);
        }
        let mut sentences: Vec<usize> = batches.iter().flatten().map(|it| it.sentence).collect();
        sentences.sort_unstable();
        assert_eq!(sentences, Vec::from_iter(0..lengths.len()));
        assert!(batches.len() <= 6, "{} batches for 582 pieces", batches.len());
    }
}
