//! The order of hits and the best of them: [`Rank`], [`After`], [`Best`].

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use tantivy::DocAddress;

/// After so many seconds an article counts half as fresh: 14 days.
const HALF_LIFE_SECONDS: f32 = 14.0 * 86_400.0;
/// What remains of the score of an article that is not fresh at all.
const FRESHNESS_FLOOR: f32 = 0.5;
/// Steps between neighbouring floats by which two states of the index may disagree on the score of
/// an article: they add its parts in another order. Many times what 30 words can make of it.
const ROUNDING: u32 = 256;

/// Place of an article in the order: a higher key first, then a lower tie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rank {
    /// The bits of a score, or a time; see [`score_key`] and [`time_key`].
    pub(crate) key: u32,
    /// First 64 bits of the article id.
    pub(crate) tie: u64,
}

impl Ord for Rank {
    /// Better is less, so that ranks sort best first.
    fn cmp(&self, other: &Rank) -> Ordering {
        other.key.cmp(&self.key).then(self.tie.cmp(&other.tie))
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Rank {
    /// Whether an article of this rank could seem to have the score of `last`, the last hit given,
    /// or less, once it is computed in another state of the index.
    pub(crate) fn is_near(self, last: Rank) -> bool {
        self.key <= last.key.saturating_add(2 * ROUNDING)
    }
}

/// Where a page starts: what was given before does not come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct After {
    /// The worst hit given.
    pub(crate) rank: Rank,
    /// All hits given that are near it, where scores may differ by their rounding from those that
    /// were given; `None` where they are exactly the same.
    pub(crate) near: Option<Vec<Rank>>,
}

impl After {
    /// Whether an article of this rank was on a page before.
    fn is_given(&self, rank: Rank) -> bool {
        match &self.near {
            None => rank <= self.rank,
            Some(near) if rank.key.abs_diff(self.rank.key) <= ROUNDING => {
                near.iter().any(|it| it.tie == rank.tie)
            }
            Some(_) => rank.key > self.rank.key,
        }
    }

    /// Whether any article of this key may be still to come.
    fn may_follow(&self, key: u32) -> bool {
        let slack = if self.near.is_some() { ROUNDING } else { 0 };
        key <= self.rank.key.saturating_add(slack)
    }
}

/// A key that orders by score. Scores are not negative, so their bits order as they do.
pub(crate) fn score_key(score: f32) -> u32 {
    score.max(0.0).to_bits()
}

/// The score that [`score_key`] made a key of.
pub(crate) fn key_score(key: u32) -> f32 {
    f32::from_bits(key)
}

/// A key that orders by time.
pub(crate) fn time_key(seconds: u32, newest_first: bool) -> u32 {
    if newest_first { seconds } else { !seconds }
}

/// What is left of a score after `age_seconds`: 1 when fresh, half-way to the floor each 14 days.
pub(crate) fn freshness(age_seconds: f32) -> f32 {
    let share = (-age_seconds.max(0.0) / HALF_LIFE_SECONDS).exp2();
    FRESHNESS_FLOOR + (1.0 - FRESHNESS_FLOOR) * share
}

/// Keeps the best articles that come after a given rank.
pub(crate) struct Best {
    limit: usize,
    after: Option<After>,
    /// The worst on top.
    heap: BinaryHeap<(Rank, DocAddress)>,
}

impl Best {
    pub(crate) fn new(limit: usize, after: Option<After>) -> Best {
        Best { limit, after, heap: BinaryHeap::with_capacity(limit + 1) }
    }

    /// Whether an article whose key is at most `key` could be among the best.
    pub(crate) fn may_take(&self, key: u32) -> bool {
        let is_full = self.heap.len() >= self.limit;
        0 < self.limit && !(is_full && self.heap.peek().is_some_and(|(worst, _)| key < worst.key))
    }

    /// Offers an article; its tie is only looked up when the key leaves the matter open.
    pub(crate) fn offer(&mut self, key: u32, address: DocAddress, tie: impl FnOnce() -> u64) {
        let may_follow = self.after.as_ref().is_none_or(|it| it.may_follow(key));
        if !self.may_take(key) || !may_follow {
            return;
        }
        let rank = Rank { key, tie: tie() };
        if self.after.as_ref().is_some_and(|it| it.is_given(rank)) {
            return;
        }
        if self.heap.len() < self.limit {
            self.heap.push((rank, address));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && rank < worst.0
        {
            *worst = (rank, address);
        }
    }

    /// The articles kept, best first.
    pub(crate) fn into_sorted(self) -> Vec<(Rank, DocAddress)> {
        self.heap.into_sorted_vec()
    }
}

/// Keeps the best article of every story.
#[derive(Default)]
pub(crate) struct BestOfStories {
    /// By story: its best article, and how many there are.
    by_story: HashMap<u64, (Rank, DocAddress, u64), foldhash::fast::RandomState>,
}

impl BestOfStories {
    pub(crate) fn offer(&mut self, story: u64, rank: Rank, address: DocAddress) {
        let best = self.by_story.entry(story).or_insert((rank, address, 0));
        best.2 += 1;
        if rank < best.0 {
            (best.0, best.1) = (rank, address);
        }
    }

    /// Number of stories.
    pub(crate) fn len(&self) -> u64 {
        self.by_story.len() as u64
    }

    /// Leaves out the stories `given` before.
    pub(crate) fn without(mut self, given: &[u64]) -> BestOfStories {
        for story in given {
            self.by_story.remove(story);
        }
        self
    }

    /// The best `limit` that come after a given rank, best first, and how many articles their
    /// stories have.
    pub(crate) fn into_sorted(
        self,
        limit: usize,
        after: Option<&After>,
    ) -> (Vec<(Rank, DocAddress)>, Vec<u64>) {
        let mut best: Vec<(Rank, DocAddress, u64)> = self.by_story.into_values().collect();
        best.retain(|(rank, ..)| after.is_none_or(|it| !it.is_given(*rank)));
        if limit < best.len() {
            best.select_nth_unstable(limit);
            best.truncate(limit);
        }
        best.sort_unstable();
        best.into_iter().map(|(rank, address, n)| ((rank, address), n)).unzip()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_in_order_and_paging_repeats_none() {
        let keys = [5, 1, 9, 5, 7, 5, 3, 9];
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let mut best = Best::new(3, after.clone());
            for (doc, key) in keys.iter().enumerate() {
                let may_take = best.may_take(*key);
                let before = best.heap.clone().into_sorted_vec();
                best.offer(*key, DocAddress::new(0, doc as u32), || doc as u64);
                let after = best.heap.clone().into_sorted_vec();
                assert!(may_take || before == after, "what cannot be among the best changes none");
            }
            let page = best.into_sorted();
            let Some((last, _)) = page.last() else { break };
            after = Some(After { rank: *last, near: None });
            seen.extend(page.iter().map(|(_, it)| it.doc_id));
        }
        assert_eq!(seen, [2, 7, 4, 0, 3, 5, 6, 1]);
    }

    #[test]
    fn hits_whose_scores_changed_by_rounding_come_neither_twice_nor_never() {
        let rank = |key, tie| Rank { key, tie };
        let given = [rank(5_000, 1), rank(1_004, 2), rank(1_000, 3)];
        let last = given[2];
        let near: Vec<Rank> = given.into_iter().filter(|it| it.is_near(last)).collect();
        assert_eq!(near, given[1..]);
        let mut best = Best::new(9, Some(After { rank: last, near: Some(near) }));
        // As the scores are now: that of 2 fell, those of 4 and 5 rose a little.
        let now = [(5_001, 1), (998, 2), (1_001, 3), (1_003, 4), (999, 5), (10, 6)];
        for (key, tie) in now {
            best.offer(key, DocAddress::new(0, tie as u32), || tie);
        }
        let ties: Vec<u64> = best.into_sorted().iter().map(|(rank, _)| rank.tie).collect();
        assert_eq!(ties, [4, 5, 6]);
    }

    #[test]
    fn freshness_falls_from_one_to_its_floor() {
        assert_eq!(freshness(-5.0), 1.0);
        assert!((freshness(HALF_LIFE_SECONDS) - 0.75).abs() < 1e-6);
        assert!(freshness(1e9) < 0.5001);
    }
}
