//! Later evidence the other way: a story that turns out to be two.

use std::collections::{BTreeMap, VecDeque};

use super::{Member, StoryClusterer, StoryId, THRESHOLD};
use crate::story::terms::hash;

/// Mean likeness to its story from which a newcomer raises no doubt about it.
const DOUBTFUL: f32 = 0.7;
/// Articles that each half has at least; fewer prove nothing.
const N_HALF_MIN: usize = 3;
/// Mean likeness that the articles of each half have at least among themselves.
const WITHIN_MIN: f32 = THRESHOLD;
/// Mean likeness between the halves at most. Far below what a merge asks for, so that a story does
/// not fall apart and grow together again and again.
const BETWEEN_MAX: f32 = 0.2;
/// Articles of a story that is split at most.
const N_SPLIT_MAX: usize = 1_000;

/// Articles that leave a story, since they tell of another event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The story that stays, with its first article.
    pub from: StoryId,
    /// Its headline now; `None` when it has none.
    pub from_headline: Option<String>,
    /// The story of those that leave.
    pub to: StoryId,
    /// Its headline; `None` when it has none.
    pub to_headline: Option<String>,
    /// Ids of those that leave, in order of arrival.
    pub articles: Vec<String>,
}

/// Articles of a story with all their likenesses.
struct Pairs {
    numbers: Vec<u32>,
    /// Row by row.
    likenesses: Vec<f32>,
}

impl Pairs {
    fn numbers_of(&self, places: &[usize]) -> Vec<u32> {
        places.iter().map(|it| self.numbers[*it]).collect()
    }

    /// Mean likeness of the articles at the places `a` to those at `b`.
    fn mean(&self, a: &[usize], b: &[usize]) -> f32 {
        let (mut sum, mut n) = (0.0, 0_u32);
        for &one in a {
            for &other in b.iter().filter(|it| **it != one) {
                sum += self.likenesses[one * self.numbers.len() + other];
                n += 1;
            }
        }
        if n == 0 { 1.0 } else { sum / n as f32 }
    }

    /// The two groups that are left when the likest groups are joined again and again.
    fn halves(&self) -> (Vec<usize>, Vec<usize>) {
        let mut groups: Vec<Vec<usize>> = (0..self.numbers.len()).map(|it| vec![it]).collect();
        while 2 < groups.len() {
            let mut best = (f32::MIN, 0, 1);
            for a in 0..groups.len() {
                for b in a + 1..groups.len() {
                    let mean = self.mean(&groups[a], &groups[b]);
                    if best.0 < mean {
                        best = (mean, a, b);
                    }
                }
            }
            let joined = groups.swap_remove(best.2);
            groups[best.1].extend(joined);
        }
        let second = groups.pop().unwrap_or_default();
        (groups.pop().unwrap_or_default(), second)
    }
}

impl StoryClusterer {
    /// Takes `story` apart when the article that just went into it, or an earlier one, shows that
    /// its newest articles tell of two events. `mean` is the newcomer's likeness to the story:
    /// only a newcomer that is unlike some of its articles makes look.
    ///
    /// Where somebody decided about an article, the story stays as it is.
    pub(super) fn split(&mut self, story: &StoryId, mean: f32) -> Option<Split> {
        let n_articles = self.by_story.get(story)?.len();
        let is_doubtful = mean < DOUBTFUL && (2 * N_HALF_MIN..=N_SPLIT_MAX).contains(&n_articles);
        if !is_doubtful || self.is_decided(story) {
            return None;
        }
        let pairs = self.pairs(story);
        let (a, b) = pairs.halves();
        let is_two = N_HALF_MIN <= a.len()
            && N_HALF_MIN <= b.len()
            && pairs.mean(&a, &b) <= BETWEEN_MAX
            && WITHIN_MIN <= pairs.mean(&a, &a)
            && WITHIN_MIN <= pairs.mean(&b, &b);
        if !is_two {
            return None;
        }
        let (a, b) = (pairs.numbers_of(&a), pairs.numbers_of(&b));
        let is_of_b: BTreeMap<u32, bool> = (self.by_story[story].iter())
            .map(|it| (*it, b.contains(it) || !a.contains(it) && self.is_likelier(*it, &b, &a)))
            .collect();
        let first = *is_of_b.values().next()?;
        let leaving = is_of_b.iter().filter(|it| *it.1 != first).map(|it| *it.0).collect();
        self.refound(story, leaving, &pairs)
    }

    /// All likenesses among the newest articles of a story.
    fn pairs(&self, story: &StoryId) -> Pairs {
        let numbers: Vec<u32> = self.newest(story).collect();
        let n = numbers.len();
        let mut likenesses = vec![0.0; n * n];
        for a in 0..n {
            let newcomer = self.newcomer(&self.members[&numbers[a]].features);
            for b in a + 1..n {
                let (likeness, _) = newcomer.likeness(&self.members[&numbers[b]].features);
                likenesses[a * n + b] = likeness;
                likenesses[b * n + a] = likeness;
            }
        }
        Pairs { numbers, likenesses }
    }

    /// Whether an older article is likelier of those in `a` than of those in `b`, by the oldest
    /// of each.
    fn is_likelier(&self, number: u32, a: &[u32], b: &[u32]) -> bool {
        let newcomer = self.newcomer(&self.members[&number].features);
        let to = |others: &[u32]| {
            let oldest = others.iter().min().map(|it| &self.members[it].features);
            oldest.map_or(0.0, |it| newcomer.likeness(it).0)
        };
        to(b) < to(a)
    }

    fn refound(&mut self, story: &StoryId, leaving: VecDeque<u32>, pairs: &Pairs) -> Option<Split> {
        let first = &self.members.get(leaving.front()?)?.article;
        // The same again after a crash; never the id of a story that an article founded.
        let name = |part: &str| hash(&format!("split {story} {first} {part}"));
        let to = StoryId::founded_by(&format!("{:016x}{:016x}", name("1"), name("2")));
        if self.by_story.contains_key(&to) {
            return None;
        }
        let articles = leaving.iter().map(|it| self.members[it].article.clone()).collect();
        self.by_story.get_mut(story)?.retain(|it| leaving.binary_search(it).is_err());
        for number in &leaving {
            if let Some(member) = self.members.get_mut(number) {
                member.story = to.clone();
            }
        }
        self.by_story.insert(to.clone(), leaving);
        self.recount_closeness(pairs);
        let (from_headline, to_headline) = (self.headline(story), self.headline(&to));
        Some(Split { from: story.clone(), from_headline, to, to_headline, articles })
    }

    /// Counts only likenesses within the stories from now on.
    fn recount_closeness(&mut self, pairs: &Pairs) {
        let stories: Vec<StoryId> =
            pairs.numbers.iter().map(|it| self.members[it].story.clone()).collect();
        for (a, number) in pairs.numbers.iter().enumerate() {
            let (mut sum, mut n) = (0.0, 0);
            for b in (0..stories.len()).filter(|b| *b != a && stories[*b] == stories[a]) {
                sum += pairs.likenesses[a * stories.len() + b];
                n += 1;
            }
            if let Some(Member { closeness, .. }) = self.members.get_mut(number) {
                *closeness = (sum, n);
            }
        }
    }
}
