//! What was found: hits with marked words, those of one story folded.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use config::SectorId;
use index::search::{Hit, Label};
use index::{FilterField, Segment};

use super::Context;
use crate::pages::text::{Time, brief, clean, clean_or, href, path_href};
use crate::pages::view::{ArticleItem, Link, SectorTag};

const N_TAGS_MAX: usize = 4;

/// One hit.
pub(crate) struct HitView {
    pub(crate) href: String,
    pub(crate) headline: Vec<(bool, String)>,
    pub(crate) snippet: Vec<(bool, String)>,
    pub(crate) source: String,
    pub(crate) time: Time,
    pub(crate) language: Option<String>,
    pub(crate) is_sample: bool,
    pub(crate) story_href: Option<String>,
    /// Articles found of the story, when only the best of them is shown.
    pub(crate) n_in_story: u64,
    pub(crate) id: String,
    pub(crate) kinds: Vec<String>,
    pub(crate) sectors: Vec<SectorTag>,
    pub(crate) actors: Vec<Link>,
    pub(crate) targets: Vec<Link>,
}

impl HitView {
    /// Whether there is anything to say below the snippet.
    pub(crate) fn has_tags(&self) -> bool {
        let n_links = self.actors.len() + self.targets.len();
        !self.kinds.is_empty() || !self.sectors.is_empty() || n_links > 0
    }
}

/// Hits of one story on this page.
pub(crate) struct Group {
    pub(crate) top: HitView,
    pub(crate) others: Vec<ArticleItem>,
}

/// Folds the hits of one story under the first of them.
pub(crate) fn groups(hits: &[Hit], context: Context<'_>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for hit in hits {
        match hit.story.as_deref().and_then(|it| places.get(it)) {
            Some(place) => groups[*place].others.push(item(hit, context.now)),
            None => {
                places.extend(hit.story.as_deref().map(|it| (it, groups.len())));
                groups.push(Group { top: hit_view(hit, context), others: Vec::new() });
            }
        }
    }
    groups
}

/// A hit in a short list.
pub(crate) fn item(hit: &Hit, now: DateTime<Utc>) -> ArticleItem {
    ArticleItem {
        href: path_href("articles", &hit.id),
        title: brief(&clean_or(&hit.title, "Untitled article"), 140),
        source: brief(&clean_or(&hit.source_name, &hit.source), 40),
        time: Time::of(hit.published_at.unwrap_or(hit.fetched_at), now),
    }
}

fn hit_view(hit: &Hit, context: Context<'_>) -> HitView {
    let ArticleItem { href: article_href, title, source, time } = item(hit, context.now);
    let marked = |segments: &[Segment]| -> Vec<(bool, String)> {
        segments.iter().map(|it| (it.marked, clean(&it.text).replace('\n', " "))).collect()
    };
    let mut headline = marked(&hit.title_segments);
    if headline.iter().all(|it| it.1.trim().is_empty()) {
        headline = vec![(false, title)];
    }
    let link = |field: FilterField| {
        move |it: &Label| Link {
            href: href("/search", [(field.name(), it.id.as_str())]),
            label: brief(&clean_or(&it.name, &it.id), 40),
        }
    };
    let sectors: Vec<SectorId> = hit.sectors.iter().map(SectorId::new).collect();
    HitView {
        href: article_href,
        headline,
        snippet: marked(&hit.snippet),
        source,
        time,
        language: hit.language.as_deref().filter(|it| *it != "en").map(clean),
        is_sample: hit.is_sample,
        story_href: hit.story.as_deref().map(|it| path_href("stories", it)),
        n_in_story: hit.n_in_story.unwrap_or_default(),
        id: hit.id.clone(),
        kinds: hit.kinds.iter().map(|it| clean(it)).collect(),
        sectors: context.sectors.tags(&sectors).into_iter().take(N_TAGS_MAX).collect(),
        actors: hit.actors.iter().take(N_TAGS_MAX).map(link(FilterField::Actor)).collect(),
        targets: hit.targets.iter().take(N_TAGS_MAX).map(link(FilterField::Target)).collect(),
    }
}
