//! Aliases across a story, for the correlate stage: saved searches see the `John Hultquist` whom another
//! article of the story names where this one says `Hultquist`. What is kept, the archive settles.

use std::collections::BTreeMap;

use anyhow::Context;
use index::archive::Archive;
use index::archive::corrections::{CorrectionRecord, corrected_entities};
use nlp::story::{Placed, StoryId, aliases, names_in, unite};
use nlp::{Annotation, EntityRef};

use super::annotate::AnnotatedArticle;

/// What the short names of stories mean.
#[derive(Debug, Default)]
pub(super) struct StoryNames(BTreeMap<StoryId, BTreeMap<String, EntityRef>>);

impl StoryNames {
    /// Of the stories that the articles of `batch` are in, with their names among the others.
    pub(super) async fn read(
        archive: &Archive,
        batch: &[(AnnotatedArticle, Placed)],
        corrections: &[CorrectionRecord],
    ) -> anyhow::Result<StoryNames> {
        let mut stories: BTreeMap<&StoryId, Option<Vec<EntityRef>>> = BTreeMap::new();
        for (it, placed) in batch {
            let mut unread: Vec<&str> = placed.merged.iter().map(StoryId::as_str).collect();
            if !stories.contains_key(&placed.story) {
                unread.push(placed.story.as_str());
            }
            let names = stories.entry(&placed.story).or_insert_with(|| Some(Vec::new()));
            if !unread.is_empty() {
                let read = archive.names_of_stories(&unread).await;
                let read = read.context("the names of a story could not be read")?;
                *names = names.take().zip(read).map(|(known, read)| [known, read].concat());
            }
            if let Some(names) = names {
                names.extend(names_in(&it.annotated.annotation));
            }
        }
        let corrected = corrected_entities(corrections.iter().map(|it| &it.correction));
        let is_corrected = |id: &str| corrected.contains(id);
        let meant = stories.into_iter().filter_map(|(story, names)| {
            let mut meant = aliases(&names?);
            meant.retain(|short, full| !is_corrected(short) && !is_corrected(&full.id));
            (!meant.is_empty()).then(|| (story.clone(), meant))
        });
        Ok(StoryNames(meant.collect()))
    }

    /// `annotation` with the names that its story gives it, if it gives any.
    pub(super) fn united(&self, story: &StoryId, annotation: &Annotation) -> Option<Annotation> {
        let meant = self.0.get(story)?;
        let mut united = annotation.clone();
        unite(&mut united, meant).then_some(united)
    }
}
