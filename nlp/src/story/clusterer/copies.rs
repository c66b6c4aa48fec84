//! Which articles repeat which: of those with nearly the same words, the one that was published first
//! is the original, or else the one that came first.

use super::{StoryClusterer, StoryId, StoryInput};
use crate::story::is_published_before;

/// Cosine of the words from which one article is a copy of the other.
const COPY_THRESHOLD: f32 = 0.92;

impl StoryClusterer {
    /// The original that the newcomer `input` with these likenesses repeats; or else, as the second,
    /// the one that repeats it, since the newcomer was published before that.
    pub(super) fn copied(
        &self,
        input: &StoryInput,
        compared: &[(u32, f32, f32)],
    ) -> (Option<String>, Option<String>) {
        let Some(original) = self.original(compared) else { return (None, None) };
        let member = self.by_article.get(&original).map(|it| &self.members[it]);
        match member.is_some_and(|it| is_published_before(input.published_at, it.published_at)) {
            true => (None, Some(original)),
            false => (Some(original), None),
        }
    }

    /// From now on `former` and its copies in `story` repeat `original`.
    pub(super) fn lead(&mut self, story: &StoryId, former: &str, original: &str) {
        for number in self.by_story.get(story).into_iter().flatten() {
            let Some(member) = self.members.get_mut(number) else { continue };
            if member.article == former || member.copy_of.as_deref() == Some(former) {
                member.copy_of = Some(original.to_owned());
            }
        }
    }

    /// Follows what became known elsewhere: an article repeats `original`, which may never have come
    /// here, or nothing. Knows of no article that is forgotten.
    pub fn set_original(&mut self, article: &str, original: Option<&str>) {
        let number = self.by_article.get(article);
        if let Some(member) = number.and_then(|it| self.members.get_mut(it)) {
            member.copy_of = original.map(str::to_owned);
        }
    }

    /// The article that one with these likenesses copies: of the same story, as far as it is known.
    fn original(&self, compared: &[(u32, f32, f32)]) -> Option<String> {
        let copied = compared.iter().filter(|it| COPY_THRESHOLD <= it.2);
        let member = &self.members[&copied.map(|it| it.0).min()?];
        let first = member.copy_of.as_ref().filter(|it| {
            let number = self.by_article.get(*it);
            number.is_none_or(|it| self.members[it].story == member.story)
        });
        Some(first.unwrap_or(&member.article).clone())
    }
}
