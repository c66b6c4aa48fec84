//! Follow an actor: what it does, what is done to it, where it is named.

use std::collections::BTreeSet;

use askama::Template;
use chrono::{DateTime, Utc};
use index::EntityRecord;
use index::search::Hit;

use super::frame::Frame;
use super::graph::exports;
use super::search::hits::item;
use super::statement::{Context, Evidence, StatementView, card, merge};
use super::text::{Time, brief, clean, clean_or, counted, href, path_href};
use super::view::{ArticleItem, SectorNames};

const N_CARDS_MAX: usize = 30;
const N_ALIASES_MAX: usize = 12;

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) entity: EntityRecord,
    pub(crate) as_actor: Vec<Evidence>,
    pub(crate) as_target: Vec<Evidence>,
    pub(crate) articles: Vec<Hit>,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// `entity.html`.
#[derive(Template)]
#[template(path = "entity.html")]
pub(crate) struct EntityPage {
    frame: Frame,
    id: String,
    name: String,
    kind: String,
    deck: String,
    aliases: Vec<String>,
    as_actor: Vec<StatementView>,
    as_target: Vec<StatementView>,
    articles: Vec<ArticleItem>,
    search_href: String,
    graph_href: String,
    exports: Vec<(String, &'static str)>,
    json_href: String,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> EntityPage {
    let Input { entity, as_actor, as_target, articles, sectors, now } = input;
    let name = brief(&clean_or(&entity.name, &entity.id), 120);
    let aliases = aliases(&entity, &name, as_actor.iter().chain(&as_target));
    let context = Context { sectors, now, hides_story: false };
    EntityPage {
        frame: Frame::new(name.clone(), ""),
        kind: clean(&entity.kind).replace('-', " "),
        deck: format!(
            "Named in {}, first {}, latest {}",
            counted(entity.n_articles, "article", "articles"),
            Time::of(entity.first_seen_at, now),
            Time::of(entity.last_seen_at, now),
        ),
        aliases,
        as_actor: cards(as_actor, context),
        as_target: cards(as_target, context),
        articles: articles.iter().map(|it| item(it, now)).collect(),
        search_href: href("/search", [("entity", entity.id.as_str())]),
        graph_href: href("/graph", [("entity", entity.id.as_str())]),
        exports: exports(&[("entity", entity.id.as_str())]),
        json_href: format!("/v1{}", path_href("entities", &entity.id)),
        id: clean(&entity.id),
        name,
    }
}

fn cards(evidence: Vec<Evidence>, context: Context<'_>) -> Vec<StatementView> {
    let mut groups = merge(evidence);
    groups.sort_by_key(|it| std::cmp::Reverse(it.latest_at()));
    groups.iter().take(N_CARDS_MAX).map(|it| card(it, context)).collect()
}

/// Words that statements print for the entity, other than its name.
fn aliases<'a>(
    entity: &EntityRecord,
    name: &str,
    evidence: impl Iterator<Item = &'a Evidence>,
) -> Vec<String> {
    let mut seen = BTreeSet::from([name.to_lowercase()]);
    let phrases = evidence.flat_map(|it| it.statement.actors.iter().chain(&it.statement.targets));
    let own = phrases.filter(|it| it.entity.as_ref().is_some_and(|it| it.id == entity.id));
    let printed = own.map(|it| brief(&it.text, 60)).filter(|it| !it.trim().is_empty());
    printed.filter(|it| seen.insert(it.to_lowercase())).take(N_ALIASES_MAX).collect()
}
