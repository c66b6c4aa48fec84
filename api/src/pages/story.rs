//! One story: what is said in it, by whom, when.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, Utc};
use index::archive::versions::StatementEdit;
use index::{FirstReport, StatementRecord, StoryArticle, StoryRecord, StorySummary};
use ingest::ArticleId;

use super::frame::Frame;
use super::graph::exports;
use super::statement::{Context, StatementView, card};
use super::text::{Time, brief, clean_or, counted, grouped, href, language_tag, path_href};
use super::versions::{StoryEditView, story_edits};
use super::view::{Row, SectorNames, SectorTag, rows};
use crate::evidence::Merged;

const N_CARDS_MAX: usize = 60;
const N_ENTITIES_MAX: usize = 12;

/// An article in the timeline with its copies.
pub(crate) struct Item {
    href: String,
    title: String,
    /// Language of the title, for `lang`; may be empty.
    lang: String,
    source: String,
    time: Time,
    copies: Vec<Copy>,
}

/// An article that repeats one before, or has the same headline.
pub(crate) struct Copy {
    href: String,
    source: String,
    time: Time,
}

/// An article that an analyst may move.
pub(crate) struct Movable {
    id: String,
    title: String,
    source: String,
    is_pinned: bool,
}

/// A sentence of the summary, which leads to its article.
pub(crate) struct Sentence {
    text: String,
    /// Language of the sentence, for `lang`; may be empty.
    lang: String,
    href: String,
    source: String,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) record: StoryRecord,
    /// Its statements, those that say the same as one.
    pub(crate) said: Vec<Merged>,
    /// What it is about, in sentences of its articles.
    pub(crate) sentences: Vec<(ArticleId, String)>,
    /// Edits that changed statements.
    pub(crate) edits: Vec<StatementEdit>,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) can_edit: bool,
    pub(crate) now: DateTime<Utc>,
}

/// `story.html`.
#[derive(Template)]
#[template(path = "story.html")]
pub(crate) struct StoryPage {
    frame: Frame,
    headline: String,
    /// Language of the headline, for `lang`; may be empty.
    lang: String,
    deck: String,
    summary: Vec<Sentence>,
    is_sample: bool,
    sectors: Vec<SectorTag>,
    statements: Vec<StatementView>,
    /// How many there are, shown or not.
    n_said: String,
    /// What is shown of them; empty when it is all.
    shown: String,
    json_href: String,
    n_articles: u64,
    /// Articles in the timeline.
    n_listed: u64,
    timeline: Vec<Item>,
    entities: Vec<Row>,
    edits: Vec<StoryEditView>,
    graph_href: String,
    exports: Vec<(String, &'static str)>,
    id: String,
    movables: Vec<Movable>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> StoryPage {
    let Input { record, said, sentences, edits, sectors, can_edit, now } = input;
    let StoryRecord { summary, first_reported, articles, statements } = record;
    let headline = clean_or(&summary.headline, "Untitled story");
    let entities = entities(&statements);
    let tags = sectors.tags(statements.iter().flat_map(|it| &it.statement.sectors));
    let context = Context { sectors, now, hides_story: true };
    StoryPage {
        frame: Frame::new(brief(&headline, 80), ""),
        lang: language_of(&summary.headline, &articles),
        deck: deck(&summary, first_reported.as_ref(), now),
        summary: sentences.into_iter().map(|it| sentence(it, &articles)).collect(),
        id: summary.id.to_string(),
        movables: if can_edit { articles.iter().map(movable).collect() } else { Vec::new() },
        is_sample: !articles.is_empty() && articles.iter().all(|it| it.is_sample),
        sectors: tags,
        statements: said.iter().take(N_CARDS_MAX).map(|it| card(it, context)).collect(),
        n_said: grouped(said.len() as u64),
        shown: shown(said.len(), statements.len() as u64, summary.n_statements),
        json_href: format!("/v1{}", path_href("stories", summary.id.as_str())),
        n_articles: summary.n_articles,
        n_listed: articles.len() as u64,
        timeline: timeline(&articles, now),
        entities,
        edits: story_edits(&edits, now),
        graph_href: href("/graph", [("story", summary.id.as_str())]),
        exports: exports(&[("story", summary.id.as_str())]),
        headline,
    }
}

/// Which of `n_said` statements are shown, made from `n_read` of `n_sentences` sentences.
fn shown(n_said: usize, n_read: u64, n_sentences: u64) -> String {
    let mut parts = Vec::new();
    if N_CARDS_MAX < n_said {
        let said = counted(n_said as u64, "statement", "statements");
        parts.push(format!("Those {N_CARDS_MAX} of {said} that most sources report."));
    }
    if n_read < n_sentences {
        let (read, all) = (grouped(n_read), grouped(n_sentences));
        parts.push(format!("Read from the latest {read} of {all} hostile sentences."));
    }
    parts.join(" ")
}

fn sentence((article, text): (ArticleId, String), articles: &[StoryArticle]) -> Sentence {
    let its = articles.iter().find(|it| it.id == article);
    let source = its.map(|it| brief(&clean_or(&it.source_name, it.source.as_str()), 40));
    Sentence {
        text: brief(&clean_or(&text, ""), 400),
        lang: language_tag(its.and_then(|it| it.language.as_deref())),
        href: path_href("articles", &article.to_string()),
        source: source.unwrap_or_else(|| "article".to_owned()),
    }
}

fn movable(article: &StoryArticle) -> Movable {
    Movable {
        id: article.id.to_string(),
        title: brief(&clean_or(&article.title, "Untitled article"), 100),
        source: brief(&clean_or(&article.source_name, article.source.as_str()), 40),
        is_pinned: article.is_pinned,
    }
}

/// The language of the article whose headline the story has.
fn language_of(headline: &str, articles: &[StoryArticle]) -> String {
    let its = articles.iter().find(|it| it.title == headline);
    language_tag(its.and_then(|it| it.language.as_deref()))
}

/// How many tell it, how many of them for themselves, who was first, since when.
fn deck(summary: &StorySummary, first: Option<&FirstReport>, now: DateTime<Utc>) -> String {
    let articles = counted(summary.n_articles, "article", "articles");
    let sources = counted(summary.n_sources, "source", "sources");
    let independent = match summary.n_independent {
        n if n < summary.n_sources => format!(", {n} of them independent"),
        _ => String::new(),
    };
    let first_at = Time::of(summary.first_seen_at, now).label;
    let last_at = Time::of(summary.last_seen_at, now).label;
    if first_at == last_at {
        return format!("{articles} by {sources}{independent}, {first_at}");
    }
    let by = match first {
        Some(it) if 1 < summary.n_sources => {
            format!(" by {}", brief(&clean_or(&it.source_name, it.source.as_str()), 40))
        }
        _ => String::new(),
    };
    format!("{articles} by {sources}{independent}, first {first_at}{by}, latest {last_at}")
}

/// Articles oldest first; copies, and later ones under the same headline, are folded under the
/// first.
fn timeline(articles: &[StoryArticle], now: DateTime<Utc>) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_id: BTreeMap<ArticleId, usize> = BTreeMap::new();
    for article in articles {
        let href = path_href("articles", &article.id.to_string());
        let source = brief(&clean_or(&article.source_name, article.source.as_str()), 40);
        let time = Time::of(article.published_at.unwrap_or(article.fetched_at), now);
        let words = article.title.to_lowercase();
        let namesake = places.get(&words).filter(|_| !words.trim().is_empty());
        let original = article.copy_of.and_then(|it| by_id.get(&it)).or(namesake).copied();
        by_id.insert(article.id, original.unwrap_or(items.len()));
        match original {
            Some(place) => items[place].copies.push(Copy { href, source, time }),
            None => {
                places.insert(words, items.len());
                let title = brief(&clean_or(&article.title, "Untitled article"), 160);
                let lang = language_tag(article.language.as_deref());
                items.push(Item { href, title, lang, source, time, copies: Vec::new() });
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
