//! One story: what is said in it, by whom, when.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use index::{StatementRecord, StoryArticle, StoryRecord, StorySummary};

use super::frame::Frame;
use super::graph::exports;
use super::statement::{Context, Evidence, StatementView, card, merge};
use super::text::{Time, brief, clean_or, counted, href, path_href};
use super::view::{Row, SectorNames, SectorTag, rows};

const N_CARDS_MAX: usize = 60;
const N_ENTITIES_MAX: usize = 12;

/// An article in the timeline with its copies.
pub(crate) struct Item {
    href: String,
    title: String,
    source: String,
    time: Time,
    copies: Vec<Copy>,
}

/// An article with the same headline as one before.
pub(crate) struct Copy {
    href: String,
    source: String,
    time: Time,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) record: StoryRecord,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// `story.html`.
#[derive(Template)]
#[template(path = "story.html")]
pub(crate) struct StoryPage {
    frame: Frame,
    headline: String,
    deck: String,
    is_sample: bool,
    sectors: Vec<SectorTag>,
    statements: Vec<StatementView>,
    n_articles: u64,
    timeline: Vec<Item>,
    entities: Vec<Row>,
    graph_href: String,
    exports: Vec<(String, &'static str)>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> StoryPage {
    let Input { record: StoryRecord { summary, articles, statements }, sectors, now } = input;
    let headline = clean_or(&summary.headline, "Untitled story");
    let entities = entities(&statements);
    let tags = sectors.tags(statements.iter().flat_map(|it| &it.statement.sectors));
    let mut groups = merge(statements.into_iter().map(|it| evidence(it, &summary)).collect());
    groups.sort_by_key(|it| std::cmp::Reverse((it.n_sources_and_copies().0, it.latest_at())));
    let context = Context { sectors, now, hides_story: true };
    StoryPage {
        frame: Frame::new(brief(&headline, 80), ""),
        deck: deck(&summary, now),
        is_sample: !articles.is_empty() && articles.iter().all(|it| it.is_sample),
        sectors: tags,
        statements: groups.iter().take(N_CARDS_MAX).map(|it| card(it, context)).collect(),
        n_articles: summary.n_articles,
        timeline: timeline(&articles, now),
        entities,
        graph_href: href("/graph", [("story", summary.id.as_str())]),
        exports: exports(&[("story", summary.id.as_str())]),
        headline,
    }
}

fn evidence(record: StatementRecord, summary: &StorySummary) -> Evidence {
    Evidence {
        statement: record.statement,
        sentence: record.sentence,
        in_title: record.in_title,
        article_id: record.article.to_string(),
        source_id: record.source.to_string(),
        source_name: record.source_name,
        is_sample: record.is_sample,
        dated_at: record.dated_at,
        story: Some((summary.id.to_string(), summary.headline.clone())),
    }
}

fn deck(summary: &StorySummary, now: DateTime<Utc>) -> String {
    let articles = counted(summary.n_articles, "article", "articles");
    let sources = counted(summary.n_sources, "source", "sources");
    let first = Time::of(summary.first_seen_at, now).label;
    let last = Time::of(summary.last_seen_at, now).label;
    if first == last {
        format!("{articles} by {sources}, {first}")
    } else {
        format!("{articles} by {sources}, first {first}, latest {last}")
    }
}

/// Articles oldest first; later ones under the same headline are folded under the first.
fn timeline(articles: &[StoryArticle], now: DateTime<Utc>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for article in articles {
        let href = path_href("articles", &article.id.to_string());
        let source = brief(&clean_or(&article.source_name, article.source.as_str()), 40);
        let time = Time::of(article.published_at.unwrap_or(article.fetched_at), now);
        let words = article.title.to_lowercase();
        match places.get(&words) {
            Some(place) if !words.trim().is_empty() => {
                items[*place].copies.push(Copy { href, source, time });
            }
            _ => {
                places.insert(words, items.len());
                let title = brief(&clean_or(&article.title, "Untitled article"), 160);
                items.push(Item { href, title, source, time, copies: Vec::new() });
            }
        }
    }
    items
}

fn entities(statements: &[StatementRecord]) -> Vec<Row> {
    let mut counts = BTreeMap::new();
    for record in statements {
        let statement = &record.statement;
        let phrases = statement.actors.iter().chain(&statement.targets).chain(&statement.speaker);
        for entity in phrases.filter_map(|it| it.entity.as_ref()) {
            let label = brief(&clean_or(&entity.name, &entity.id), 60);
            *counts.entry((entity.id.clone(), label)).or_default() += 1;
        }
    }
    rows(counts, N_ENTITIES_MAX, |id| path_href("entities", id))
}
