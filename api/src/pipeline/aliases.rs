//! Aliases across a story, for the correlate stage: `Hultquist` in one article is the `John Hultquist`
//! of another.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Context;
use index::archive::Archive;
use index::archive::aliases::Alias;
use index::archive::corrections::CorrectionRecord;
use nlp::EntityRef;
use nlp::correction::{Correction, Subject};
use nlp::story::{Placed, StoryId, aliases, names_in};

use super::annotate::AnnotatedArticle;

/// The names of one story.
#[derive(Default)]
struct Names {
    /// Of all its articles, those of the batch included.
    all: Vec<EntityRef>,
    /// Ids of those that recorded articles have.
    recorded: BTreeSet<String>,
    /// Whether there are too many to say which is the only one.
    is_cut: bool,
}

/// Gives short names in the batch the entities that they mean in their stories; answers those that
/// recorded articles have. What a reader said of an entity stands: such names are left alone.
pub(super) async fn unite(
    archive: &Archive,
    batch: &mut [(AnnotatedArticle, Placed)],
    corrections: &[CorrectionRecord],
) -> anyhow::Result<Vec<Alias>> {
    let corrected = corrected(corrections);
    let mut stories: BTreeMap<StoryId, Names> = BTreeMap::new();
    for (it, placed) in batch.iter() {
        let mut unread: Vec<&str> = placed.merged.iter().map(StoryId::as_str).collect();
        if !stories.contains_key(&placed.story) {
            unread.push(placed.story.as_str());
        }
        let names = stories.entry(placed.story.clone()).or_default();
        if !unread.is_empty() {
            let read = archive.names_of_stories(&unread).await;
            let read = read.context("the names of a story could not be read")?;
            names.is_cut |= read.is_none();
            let read = read.unwrap_or_default();
            names.recorded.extend(read.iter().map(|it| it.id.clone()));
            names.all.extend(read);
        }
        names.all.extend(names_in(&it.annotated.annotation));
    }
    let mut found = Vec::new();
    for (story, names) in stories.iter().filter(|it| !it.1.is_cut) {
        let mut of_story = aliases(&names.all);
        of_story.retain(|short, full| {
            !corrected.contains(short.as_str()) && !corrected.contains(full.id.as_str())
        });
        if of_story.is_empty() {
            continue;
        }
        for (it, _) in batch.iter_mut().filter(|(_, placed)| placed.story == *story) {
            nlp::story::unite(&mut it.annotated.annotation, &of_story);
        }
        let recorded = of_story.into_iter().filter(|(short, _)| names.recorded.contains(short));
        found.extend(recorded.map(|(entity, to)| Alias { story: story.clone(), entity, to }));
    }
    Ok(found)
}

/// Ids of the entities that corrections speak of.
fn corrected(corrections: &[CorrectionRecord]) -> HashSet<&str> {
    let mut ids = HashSet::new();
    for CorrectionRecord { correction, .. } in corrections {
        if let Subject::Entity(id) = correction.subject() {
            ids.insert(id);
        }
        if let Correction::Means { to, .. } | Correction::SameAs { to, .. } = correction {
            ids.insert(to.id.as_str());
        }
    }
    ids
}
