//! Later evidence: stories that turn out to be one, and articles that somebody moved.

use super::{
    Member, Newcomer, StoryClusterer, StoryId, THRESHOLD, THRESHOLD_PER_DAY, remove_number,
};

/// What two stories must exceed the threshold by to become one, since a wrong merge stays. On
/// ecbplus-dev the mean over pairs with it keeps look-alike events apart (F1 .875); the nearest
/// pair mixed in, as for a single article, chains them together (.827).
const MERGE_MARGIN: f32 = 0.05;
/// Newest articles of each story that are compared with those of the other.
const N_PAIRED_MAX: usize = 8;
/// Other stories that one article can bring together with its own.
const N_MERGED_MAX: usize = 3;

impl StoryClusterer {
    /// Joins `story`, into which an article just went, with those of `others` that it now proves
    /// to be the same. Answers the story that is left and those that ended in it.
    pub(super) fn merge(
        &mut self,
        story: StoryId,
        others: impl IntoIterator<Item = StoryId>,
    ) -> (StoryId, Vec<StoryId>) {
        let (mut left, mut ended) = (story, vec![]);
        for other in others.into_iter().take(N_MERGED_MAX) {
            if self.is_decided(&left) && self.is_decided(&other) {
                continue; // Somebody keeps them apart.
            }
            let compared = self.compare_stories(&left, &other);
            if !self.is_one_event(&left, &other, &compared) {
                continue;
            }
            let (kept, lost) = match self.outlives(&left, &other) {
                true => (left, other),
                false => (other, left),
            };
            for (a, b, likeness) in compared {
                for number in [a, b] {
                    if let Some(Member { closeness, .. }) = self.members.get_mut(&number) {
                        *closeness = (closeness.0 + likeness, closeness.1 + 1);
                    }
                }
            }
            self.rename(&lost, &kept);
            ended.push(lost);
            left = kept;
        }
        (left, ended)
    }

    /// Follows a decision about an article: it belongs to `story`, and no merge takes it out when
    /// somebody `decided` so. Knows of no article that is forgotten.
    pub fn move_article(&mut self, article: &str, story: &StoryId, is_decided: bool) {
        let Some(&number) = self.by_article.get(article) else { return };
        let Some(member) = self.members.get_mut(&number) else { return };
        member.is_decided = is_decided;
        if member.story == *story {
            return;
        }
        let from = std::mem::replace(&mut member.story, story.clone());
        member.closeness = (0.0, 0);
        remove_number(&mut self.by_story, &from, number);
        let numbers = self.by_story.entry(story.clone()).or_default();
        let at = numbers.partition_point(|it| *it < number);
        numbers.insert(at, number);
    }

    /// Whether somebody put an article into that story by hand.
    pub(super) fn is_decided(&self, story: &StoryId) -> bool {
        let mut numbers = self.by_story.get(story).into_iter().flatten();
        numbers.any(|it| self.members[it].is_decided)
    }

    /// A story that somebody decided about stays, else the one whose first article came first.
    fn outlives(&self, a: &StoryId, b: &StoryId) -> bool {
        let first = |it: &StoryId| self.by_story.get(it).and_then(|it| it.front().copied());
        match (self.is_decided(a), self.is_decided(b)) {
            (true, false) => true,
            (false, true) => false,
            _ => first(a) <= first(b),
        }
    }

    /// Pairs of newest articles of two stories with their likeness.
    fn compare_stories(&self, a: &StoryId, b: &StoryId) -> Vec<(u32, u32, f32)> {
        let others: Vec<u32> = self.newest(b).take(N_PAIRED_MAX).collect();
        let mut compared = vec![];
        for number in self.newest(a).take(N_PAIRED_MAX) {
            let newcomer: Newcomer<'_> = self.newcomer(&self.members[&number].features);
            let likenesses = others.iter().map(|other| {
                let (likeness, _) = newcomer.likeness(&self.members[other].features);
                (number, *other, likeness)
            });
            compared.extend(likenesses);
        }
        compared
    }

    /// Whether the articles are like each other on the whole; days between ask for more.
    fn is_one_event(&self, a: &StoryId, b: &StoryId, compared: &[(u32, u32, f32)]) -> bool {
        let dates = self.newest(a).filter_map(|it| self.members[&it].at);
        let gaps: Vec<f32> = dates.filter_map(|at| self.days_between(b, Some(at))).collect();
        let is_dated = self.newest(a).any(|it| self.members[&it].at.is_some());
        if is_dated && gaps.is_empty() {
            return false; // Further apart than the window.
        }
        let days = gaps.into_iter().reduce(f32::min).unwrap_or(0.0);
        let mean = compared.iter().map(|it| it.2).sum::<f32>() / compared.len().max(1) as f32;
        THRESHOLD + MERGE_MARGIN + THRESHOLD_PER_DAY * days <= mean
    }

    fn rename(&mut self, lost: &StoryId, kept: &StoryId) {
        let Some(moved) = self.by_story.remove(lost) else { return };
        for number in &moved {
            if let Some(member) = self.members.get_mut(number) {
                member.story = kept.clone();
            }
        }
        let numbers = self.by_story.entry(kept.clone()).or_default();
        numbers.extend(moved);
        numbers.make_contiguous().sort_unstable();
    }
}
