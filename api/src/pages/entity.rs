//! Follow an actor: what it does, what is done to it, where it is named.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use chrono::{DateTime, Utc};
use config::SectorId;
use index::graph::Graph;
use index::search::SearchResponse;
use index::{EntityRecord, FilterField};
use mini::Mini;

use super::frame::Frame;
use super::graph::exports;
use super::search::days::Days;
use super::search::hits::item;
use super::statement::{Context, StatementView, card};
use super::text::{Time, brief, clean, clean_or, counted, grouped, href, path_href};
use super::view::{ArticleItem, Row, SectorNames, SectorTag, rows};
use crate::evidence::{Evidence, merge};
use crate::export::Facts;
use crate::handlers::assets::{ASSETS, ChartAssets};

mod mini;

/// Nodes of the small graph, with the entity itself.
pub(crate) const N_AROUND: usize = 9;
const N_CARDS_MAX: usize = 30;
const N_ALIASES_MAX: usize = 12;
const N_NEIGHBOURS_MAX: usize = 10;

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) entity: EntityRecord,
    pub(crate) as_actor: Vec<Evidence>,
    pub(crate) as_target: Vec<Evidence>,
    pub(crate) as_speaker: Vec<Evidence>,
    /// How many statements name it, by role; needed when not all were read.
    pub(crate) counts: BTreeMap<String, u64>,
    /// What articles call it for short.
    pub(crate) short_names: Vec<String>,
    /// The latest articles that name it, and what can be counted in all of them; `None` when the
    /// index cannot say.
    pub(crate) articles: Option<SearchResponse>,
    /// Who is joined to it; `None` when the index cannot say.
    pub(crate) around: Option<Graph>,
    pub(crate) facts: &'a Facts,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// The statements in which it has one role.
pub(crate) struct Part {
    cards: Vec<StatementView>,
    /// How many there are, shown or not.
    n: String,
    /// What is shown of them; empty when it is all.
    shown: String,
    /// Where their articles are found.
    search_href: String,
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
    country: Option<String>,
    sectors: Vec<SectorTag>,
    mini: Option<Mini>,
    as_actor: Part,
    as_target: Part,
    as_speaker: Part,
    days: Option<Days>,
    charts: &'static ChartAssets,
    neighbours: Vec<Row>,
    watch_href: String,
    articles: Vec<ArticleItem>,
    search_href: String,
    graph_href: String,
    exports: Vec<(String, &'static str)>,
    json_href: String,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> EntityPage {
    let Input { entity, as_actor, as_target, as_speaker, articles, sectors, now, .. } = input;
    let (facts, around, counts) = (input.facts, input.around, input.counts);
    let id = entity.id.as_str();
    let name = brief(&clean_or(&entity.name, &entity.id), 120);
    let fact = facts.get(id);
    let known = fact.iter().flat_map(|it| &it.aliases).chain(&input.short_names);
    let aliases = aliases(&entity, &name, known, as_actor.iter().chain(&as_target));
    let paths: Vec<SectorId> =
        fact.iter().flat_map(|it| &it.sectors).map(|it| SectorId::new(it.as_str())).collect();
    let days = articles.as_ref().and_then(|it| {
        Days::by_week(&it.histogram, |from, to| {
            let (from, to) = (from.to_string(), to.to_string());
            href("/search", [("entity", id), ("from", &from), ("to", &to)])
        })
    });
    let neighbours = articles.as_ref().map_or_else(Vec::new, |it| neighbours(it, id));
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
        country: country(id, facts),
        sectors: sectors.tags(&paths),
        mini: around.and_then(|it| Mini::of(&it, id, facts)),
        as_actor: part(as_actor, counts.get("actor"), ("actor", id), context),
        as_target: part(as_target, counts.get("target"), ("target", id), context),
        as_speaker: part(as_speaker, counts.get("speaker"), ("entity", id), context),
        days,
        charts: &ASSETS.charts,
        neighbours,
        watch_href: href("/alerts/searches/new", [("entity", id)]),
        articles: articles.iter().flat_map(|it| &it.hits).map(|it| item(it, now)).collect(),
        search_href: href("/search", [("entity", entity.id.as_str())]),
        graph_href: href("/graph", [("entity", entity.id.as_str())]),
        exports: exports(&[("entity", entity.id.as_str())]),
        json_href: format!("/v1{}", path_href("entities", &entity.id)),
        id: clean(&entity.id),
        name,
    }
}

/// `n_said` counts the sentences, of which `evidence` may be the latest only; `found_by` finds
/// their articles.
fn part(
    evidence: Vec<Evidence>,
    n_said: Option<&u64>,
    found_by: (&str, &str),
    context: Context<'_>,
) -> Part {
    let n_read = evidence.len() as u64;
    let mut groups = merge(evidence);
    groups.sort_by_key(|it| std::cmp::Reverse(it.latest_at()));
    let cards: Vec<_> = groups.iter().take(N_CARDS_MAX).map(|it| card(it, context)).collect();
    let (n_shown, n_groups) = (cards.len() as u64, groups.len() as u64);
    let more = n_said.copied().filter(|it| n_read < *it);
    let shown = match more {
        Some(n) => format!("The latest {n_shown}, of {}.", counted(n, "sentence", "sentences")),
        None if n_shown < n_groups => {
            format!("The latest {n_shown} of {}.", counted(n_groups, "statement", "statements"))
        }
        None => String::new(),
    };
    Part {
        cards,
        n: grouped(more.unwrap_or(n_groups)),
        shown,
        search_href: href("/search", [found_by, ("sort", "newest")]),
    }
}

/// Who acts and who suffers in the articles that name the entity, those of most articles first.
fn neighbours(found: &SearchResponse, id: &str) -> Vec<Row> {
    let fields = [FilterField::Actor, FilterField::Target];
    let mut counts = BTreeMap::new();
    for it in fields.iter().filter_map(|it| found.facets.get(it)).flatten() {
        if it.value != id && it.count > 0 {
            let label = brief(&clean_or(&it.label, &it.value), 60);
            let count: &mut u64 = counts.entry((it.value.clone(), label)).or_default();
            *count = (*count).max(it.count);
        }
    }
    rows(counts, N_NEIGHBOURS_MAX, |id| path_href("entities", id))
}

/// The country that an entity belongs to; a country belongs to none.
fn country(id: &str, facts: &Facts) -> Option<String> {
    let code = facts.country(id).filter(|_| !id.starts_with("country:"))?;
    let name = facts.name(&format!("country:{code}")).unwrap_or(code);
    Some(clean(name))
}

/// Words that statements print for the entity, other than its name; then those that are known.
fn aliases<'a>(
    entity: &EntityRecord,
    name: &str,
    known: impl Iterator<Item = &'a String>,
    evidence: impl Iterator<Item = &'a Evidence>,
) -> Vec<String> {
    let name = name.to_lowercase();
    // `The group` and `hacker group Murk` are no names of Murk.
    let is_name = |it: &&str| {
        let is_capital = it.contains(char::is_uppercase) || !it.contains(char::is_lowercase);
        is_capital && !it.to_lowercase().contains(&name)
    };
    let mut seen = BTreeSet::from([name.clone()]);
    let phrases = evidence.flat_map(|it| it.statement.actors.iter().chain(&it.statement.targets));
    let own = phrases.filter(|it| it.entity.as_ref().is_some_and(|it| it.id == entity.id));
    let printed = own.map(|it| it.text.as_str()).filter(is_name);
    let all = printed.chain(known.map(String::as_str));
    let printed = all.map(|it| brief(it, 60)).filter(|it| !it.trim().is_empty());
    printed.filter(|it| seen.insert(it.to_lowercase())).take(N_ALIASES_MAX).collect()
}
