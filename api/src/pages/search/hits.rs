//! What was found: hits with marked words, and how many more there are of a story.

use chrono::{DateTime, Utc};
use config::SectorId;
use index::search::{Hit, Label};
use index::{FilterField, Segment};

use super::{Context, in_story};
use crate::pages::text::{Time, brief, clean, clean_or, counted, href, path_href};
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
    /// The other articles found of the story, when only the best of them is shown.
    pub(crate) more: Option<Link>,
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

/// A hit in a short list.
pub(crate) fn item(hit: &Hit, now: DateTime<Utc>) -> ArticleItem {
    ArticleItem {
        href: path_href("articles", &hit.id),
        title: brief(&clean_or(&hit.title, "Untitled article"), 140),
        source: brief(&clean_or(&hit.source_name, &hit.source), 40),
        time: Time::of(hit.published_at.unwrap_or(hit.fetched_at), now),
    }
}

/// A hit as the page shows it.
pub(crate) fn hit_view(hit: &Hit, context: Context<'_>) -> HitView {
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
    let more = |story: &str| {
        let n_more = hit.n_in_story.unwrap_or_default().saturating_sub(1);
        (n_more > 0).then(|| Link {
            href: in_story(context.params, story),
            label: counted(n_more, "more article", "more articles"),
        })
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
        more: hit.story.as_deref().and_then(more),
        id: hit.id.clone(),
        kinds: hit.kinds.iter().map(|it| clean(it)).collect(),
        sectors: context.sectors.tags(&sectors).into_iter().take(N_TAGS_MAX).collect(),
        actors: hit.actors.iter().take(N_TAGS_MAX).map(link(FilterField::Actor)).collect(),
        targets: hit.targets.iter().take(N_TAGS_MAX).map(link(FilterField::Target)).collect(),
    }
}
