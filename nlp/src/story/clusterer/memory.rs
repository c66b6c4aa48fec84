//! What is remembered, and for how long: the newest days by themselves, or any days that are asked
//! for, so that articles of long ago find each other.

use chrono::{DateTime, TimeDelta, Utc};

use super::{N_COMPARED_MAX, StoryClusterer, StoryId, remove_number};

/// Articles kept at most, whatever the time window.
const N_ARTICLES_MAX: usize = 50_000;

impl StoryClusterer {
    /// An empty state that forgets nothing as time goes on and takes articles in any order; whoever
    /// has it calls [`StoryClusterer::forget_between`]. Of 50 000 articles and more, the first to
    /// come are forgotten all the same.
    pub fn of_any_time(window: TimeDelta) -> StoryClusterer {
        StoryClusterer { is_of_any_time: true, ..StoryClusterer::new(window) }
    }

    /// The time of the newest article that is remembered; `None` when none has a time.
    pub fn latest(&self) -> Option<DateTime<Utc>> {
        self.by_time.last().map(|it| it.0)
    }

    /// Articles that are remembered.
    pub fn n_articles(&self) -> usize {
        self.members.len()
    }

    /// Articles that are remembered of the times `from..to`.
    pub fn n_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        self.by_time.range((from, 0_u32)..(to, 0_u32)).count()
    }

    /// Forgets the articles of the times `from..to`.
    pub fn forget_between(&mut self, from: DateTime<Utc>, to: DateTime<Utc>) {
        let numbers: Vec<u32> =
            self.by_time.range((from, 0_u32)..(to, 0_u32)).map(|it| it.1).collect();
        for number in numbers {
            self.drop_member(number);
        }
    }

    /// Drops what is older than the newest article by more than the window, and the first to come
    /// when there are too many.
    pub(super) fn forget(&mut self) {
        let newest = self.latest().filter(|_| !self.is_of_any_time);
        while let Some(&(at, number)) = self.by_time.first()
            && newest.is_some_and(|newest| self.window < newest - at)
        {
            self.drop_member(number);
        }
        while N_ARTICLES_MAX < self.members.len() {
            let first = *self.members.keys().next().expect("there are too many");
            self.drop_member(first);
        }
    }

    fn drop_member(&mut self, number: u32) {
        let Some(member) = self.members.remove(&number) else { return };
        if let Some(at) = member.at {
            self.by_time.remove(&(at, number));
        }
        self.by_article.remove(&member.article);
        remove_number(&mut self.by_story, &member.story, number);
        self.terms.remove(&member.features.uses, number);
    }

    /// Whether two articles are too far apart in time for one story. Where only the newest days are
    /// remembered, the articles of the story as a whole say that.
    pub(super) fn is_far(&self, a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> bool {
        let gap = a.zip(b).map(|(a, b)| (a - b).abs());
        self.is_of_any_time && gap.is_some_and(|it| self.window < it)
    }

    /// The articles of a story that one of the time `at` is compared with: the newest, the last to
    /// come first; the nearest in time where articles come in any order.
    pub(super) fn nearest(&self, story: &StoryId, at: Option<DateTime<Utc>>) -> Vec<u32> {
        let Some(at) = at.filter(|_| self.is_of_any_time) else {
            return self.newest(story).collect();
        };
        let numbers = self.by_story.get(story).into_iter().flatten().copied();
        let gap = |it: u32| self.members[&it].at.map(|its_at| (at - its_at).abs());
        let mut nearest: Vec<(Option<TimeDelta>, u32)> = numbers.map(|it| (gap(it), it)).collect();
        nearest.sort_unstable();
        nearest.truncate(N_COMPARED_MAX);
        nearest.into_iter().map(|it| it.1).collect()
    }
}
