//! Headlines of the stories that statements belong to.

use std::collections::{BTreeMap, BTreeSet};

use index::StatementRecord;
use index::archive::stories::StoryFilter;

use crate::error::ApiError;
use crate::evidence::Evidence;
use crate::state::AppState;

/// Stories read at once; statements of older ones show their article's headline instead.
const N_STORIES: usize = 1_000;

/// Headlines by story.
pub(crate) struct Headlines(BTreeMap<String, String>);

/// Reads the headlines of the stories that `statements` belong to.
pub(crate) async fn of<'a>(
    state: &AppState,
    statements: impl Iterator<Item = &'a StatementRecord>,
) -> Result<Headlines, ApiError> {
    let mut wanted = BTreeSet::new();
    let mut from = None;
    for statement in statements {
        wanted.extend(statement.story.as_ref().map(|it| it.as_str().to_owned()));
        from = Some(
            from.map_or(statement.dated_at, |it: chrono::DateTime<_>| it.min(statement.dated_at)),
        );
    }
    if wanted.is_empty() {
        return Ok(Headlines(BTreeMap::new()));
    }
    // A story was last seen at or after the date of each of its articles.
    let filter = StoryFilter { from, ..StoryFilter::default() };
    let stories = state.archive.stories(&filter, None, N_STORIES).await?.items;
    let known = stories.into_iter().filter(|it| wanted.contains(it.id.as_str()));
    Ok(Headlines(known.map(|it| (it.id.to_string(), it.headline)).collect()))
}

impl Headlines {
    /// The statement as pages take it.
    pub(crate) fn evidence(&self, record: StatementRecord) -> Evidence {
        let story = record.story.as_ref().map(|id| {
            let headline = self.0.get(id.as_str()).unwrap_or(&record.article_title).clone();
            (id.to_string(), headline)
        });
        Evidence::of(record, story)
    }
}
