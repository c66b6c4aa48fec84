//! The search page: query box, what was understood, filters with counts, days, hits by story.

use askama::Template;
use chrono::{DateTime, Utc};
use index::search::{SearchRequest, SearchResponse};
use index::{FilterField, QueryError};

use super::frame::Frame;
use super::graph::exports;
use super::text::{brief, clean, counted, href};
use super::view::{Chip, Link, SectorNames};
use crate::handlers::assets::{ASSETS, ChartAssets};
use crate::handlers::params::Params;

pub(crate) mod days;
mod facets;
pub(crate) mod hits;

use days::Days;
use facets::{FacetView, facets, label};
use hits::{HitView, hit_view};

/// The search and what surrounds it.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) params: &'a Params,
    pub(crate) request: &'a SearchRequest,
    pub(crate) sectors: &'a SectorNames,
    pub(crate) now: DateTime<Utc>,
}

/// Where the query is wrong.
pub(crate) struct ErrorView {
    before: String,
    at: String,
    after: String,
    /// Blanks up to the place.
    padding: String,
    /// As many marks as characters are wrong.
    carets: String,
    message: String,
    suggested: Option<Link>,
}

/// A way out of an empty result.
pub(crate) struct Advice {
    href: Option<String>,
    label: String,
}

/// A value of a choice list.
pub(crate) struct Choice {
    value: &'static str,
    label: &'static str,
    is_on: bool,
}

/// `search.html`.
#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage {
    frame: Frame,
    query: String,
    from: String,
    to: String,
    sorts: Vec<Choice>,
    /// Whether a saved search can ask for the same.
    can_be_saved: bool,
    kept: Vec<(String, String)>,
    understood: Option<String>,
    error: Option<ErrorView>,
    chosen: Vec<Chip>,
    clear_href: String,
    facets: Vec<FacetView>,
    days: Option<Days>,
    charts: &'static ChartAssets,
    script: &'static str,
    hits: Vec<HitView>,
    /// Words that are more frequent here than usual, each with the search that adds it.
    telling: Vec<Link>,
    by_story: Link,
    total: String,
    took: String,
    first_href: Option<String>,
    next_href: Option<String>,
    graph_href: String,
    exports: Vec<(String, &'static str)>,
    empty_title: String,
    empty_advice: Vec<Advice>,
}

/// What was found, with the ways out of an empty result and what each would find.
pub(crate) type Found = (SearchResponse, Vec<(String, String, u64)>);

/// Makes the page from what was found, or from what is wrong with the query.
pub(crate) fn page(context: Context<'_>, outcome: Result<Found, &QueryError>) -> SearchPage {
    let Context { params, request, sectors, .. } = context;
    let mut page = bare(context);
    let (found, loosened) = match outcome {
        Ok(found) => found,
        Err(error) => {
            page.error = Some(error_view(&request.q, error, params));
            return page;
        }
    };
    page.understood = (!request.q.trim().is_empty())
        .then(|| clean(&found.query.words))
        .filter(|it| !it.is_empty());
    page.chosen = chosen(context, &found);
    page.facets = facets(&found.facets, params, sectors, request.facet_limit);
    page.days = Days::of(&found.histogram, |from, to| {
        let days = [("from", from.to_string()), ("to", to.to_string())];
        changed(params, &["from", "to", "cursor", "day"], &days)
    });
    page.total = counted(found.total, "article", "articles");
    if found.total_is_lower_bound {
        page.total.insert_str(0, "at least ");
    }
    if let Some(n_stories) = found.n_stories {
        page.total = format!("{} in {}", page.total, counted(n_stories, "story", "stories"));
    }
    page.telling = telling(&found, params, request);
    page.took = format!("in {:.0} ms", found.took_ms.max(1.0));
    page.next_href = found
        .next_cursor
        .as_ref()
        .map(|it| changed(params, &["cursor"], &[("cursor", it.clone())]));
    page.first_href = request.cursor.is_some().then(|| changed(params, &["cursor"], &[]));
    page.hits = found.hits.iter().map(|it| hit_view(it, context)).collect();
    page.empty_title = if request.cursor.is_some() {
        "No more articles".to_owned()
    } else if request.like.is_some() {
        "No other article is like it".to_owned()
    } else if request.q.trim().is_empty() && request.filters.is_empty() {
        "No article is searchable yet".to_owned()
    } else {
        "No article matches".to_owned()
    };
    page.empty_advice = advice(loosened);
    page
}

fn bare(context: Context<'_>) -> SearchPage {
    let Context { params, request, .. } = context;
    let sort = params.get("sort").unwrap_or("relevance");
    let sorts =
        [("relevance", "relevance"), ("newest", "newest first"), ("oldest", "oldest first")]
            .map(|(value, label)| Choice { value, label, is_on: value == sort });
    let is_kept = |name: &str| ["date_field", "like", "by_story"].contains(&name);
    let is_filter = |name: &str| FilterField::from_name(name).is_some() || is_kept(name);
    let kept = params.pairs().filter(|(name, _)| is_filter(name));
    let selects = |name: &str| match name {
        "q" | "from" | "to" => true,
        _ => is_filter(name) && name != "by_story",
    };
    let selection: Vec<_> = params.pairs().filter(|(name, _)| selects(name)).collect();
    let title = brief(&request.q, 60);
    SearchPage {
        frame: Frame::new(if title.is_empty() { "Search".to_owned() } else { title }, "/search"),
        query: clean(&request.q),
        from: params.get("from").unwrap_or_default().to_owned(),
        to: params.get("to").unwrap_or_default().to_owned(),
        sorts: sorts.into(),
        can_be_saved: request.like.is_none(),
        kept: kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        understood: None,
        error: None,
        chosen: Vec::new(),
        clear_href: href("/search", params.get("q").map(|it| ("q", it))),
        facets: Vec::new(),
        days: None,
        charts: &ASSETS.charts,
        script: &ASSETS.search_js,
        hits: Vec::new(),
        telling: Vec::new(),
        by_story: by_story(params, request),
        total: String::new(),
        took: String::new(),
        first_href: None,
        next_href: None,
        graph_href: href("/graph", selection.iter().copied()),
        exports: exports(&selection),
        empty_title: String::new(),
        empty_advice: Vec::new(),
    }
}

/// The page with the parameters `dropped` left out and `added` put in.
fn changed(params: &Params, dropped: &[&str], added: &[(&str, String)]) -> String {
    let kept = params.pairs().filter(|(name, _)| !dropped.contains(name));
    href("/search", kept.chain(added.iter().map(|(name, value)| (*name, value.as_str()))))
}

/// The page with one value of a filter switched.
fn switched(params: &Params, field: FilterField, value: &str) -> String {
    let name = field.name();
    let is_it = |pair: &(&str, &str)| *pair == (name, value);
    let is_on = params.pairs().any(|it| is_it(&it));
    let kept = params.pairs().filter(|it| !is_it(it) && it.0 != "cursor");
    href("/search", kept.chain((!is_on).then_some((name, value))))
}

fn error_view(query: &str, error: &QueryError, params: &Params) -> ErrorView {
    // One line, one column for each character, or the mark would stand elsewhere.
    let drawn =
        |it: char| if it.is_whitespace() || clean(&it.to_string()).is_empty() { ' ' } else { it };
    let characters: Vec<char> = query.chars().collect();
    let at = error.at.min(characters.len());
    let end = (at + error.length).min(characters.len());
    let part = |it: &[char]| it.iter().map(|it| drawn(*it)).collect::<String>();
    let suggested = error.suggestion.as_ref().map(|it| {
        let mended: String = characters[..at]
            .iter()
            .copied()
            .chain(it.chars())
            .chain(characters[end..].iter().copied())
            .collect();
        Link {
            href: changed(params, &["q", "cursor"], &[("q", mended.clone())]),
            label: brief(&mended, 120),
        }
    });
    let mut message = quoted(&clean(&error.kind.to_string()));
    if let Some(first) = message.get(..1).map(str::to_uppercase) {
        message.replace_range(..1, &first);
    }
    ErrorView {
        before: part(&characters[..at]),
        at: part(&characters[at..end]),
        after: part(&characters[end..]),
        padding: " ".repeat(at),
        carets: "^".repeat(error.length.clamp(1, (end - at).max(1))),
        message,
        suggested,
    }
}

/// Backticks, which the log is fond of, as quotation marks.
fn quoted(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.map(|(n, part)| if n % 2 == 1 { format!("“{part}”") } else { part.to_owned() }).collect()
}

fn chosen(context: Context<'_>, found: &SearchResponse) -> Vec<Chip> {
    let Context { params, request, sectors, .. } = context;
    let mut chips = Vec::new();
    for (field, values) in &request.filters {
        for value in values {
            let counts = found.facets.get(field).into_iter().flatten();
            let name = label(*field, value, counts.clone().find(|it| it.value == *value), sectors);
            chips.push(Chip {
                href: switched(params, *field, value),
                label: format!("{}: {}", field.name(), brief(&name, 60)),
                is_on: true,
            });
        }
    }
    if request.like.is_some() {
        let href = changed(params, &["like", "cursor"], &[]);
        chips.push(Chip { href, label: "like one article".to_owned(), is_on: true });
    }
    for name in ["from", "to"] {
        if let Some(value) = params.get(name) {
            let label = format!("{name} {}", brief(value, 30));
            chips.push(Chip { href: changed(params, &[name, "cursor"], &[]), label, is_on: true });
        }
    }
    chips
}

/// Whether the page shows one hit per story where its address does not say: unless it shows what
/// chosen stories have.
pub(crate) fn is_by_story(request: &SearchRequest) -> bool {
    !request.filters.contains_key(&FilterField::Story)
}

/// Switches between one hit per story and all of them.
fn by_story(params: &Params, request: &SearchRequest) -> Link {
    let label = if request.by_story { "Show all articles" } else { "One per story" };
    let switched = (!request.by_story).to_string();
    let href = changed(params, &["by_story", "cursor"], &[("by_story", switched)]);
    Link { href, label: label.to_owned() }
}

/// The page with all articles found of one story.
fn in_story(params: &Params, story: &str) -> String {
    changed(params, &["story", "by_story", "cursor"], &[("story", story.to_owned())])
}

fn telling(found: &SearchResponse, params: &Params, request: &SearchRequest) -> Vec<Link> {
    let words = found.significant.iter().map(|it| clean(&it.word));
    let link = |word: String| Link {
        href: changed(params, &["q", "cursor"], &[("q", added(&request.q, &word))]),
        label: word,
    };
    words.filter(|it| !it.is_empty()).map(link).collect()
}

/// `query` narrowed by a word.
fn added(query: &str, word: &str) -> String {
    match query.trim() {
        "" => word.to_owned(),
        query if query.contains(" OR ") => format!("({query}) {word}"),
        query => format!("{query} {word}"),
    }
}

/// A wider search and its page.
pub(crate) struct Looser {
    pub(crate) request: SearchRequest,
    pub(crate) href: String,
}

/// Wider searches than one that found nothing: each filter dropped, the dates dropped, any of
/// the words instead of all.
pub(crate) fn loosened(
    params: &Params,
    request: &SearchRequest,
    sectors: &SectorNames,
) -> Vec<(String, Looser)> {
    let mut all = Vec::new();
    for (field, values) in &request.filters {
        let mut wider = request.clone();
        wider.filters.remove(field);
        let names: Vec<String> = values.iter().map(|it| label(*field, it, None, sectors)).collect();
        let words = format!("Without {}: {}", field.name(), brief(&names.join(", "), 60));
        let href = changed(params, &[field.name(), "cursor"], &[]);
        all.push((words, Looser { request: wider, href }));
    }
    if request.from.is_some() || request.to.is_some() {
        let wider = SearchRequest { from: None, to: None, ..request.clone() };
        let href = changed(params, &["from", "to", "cursor"], &[]);
        all.push(("At any time".to_owned(), Looser { request: wider, href }));
    }
    let words: Vec<&str> = request.q.split_whitespace().collect();
    let is_plain = words.iter().all(|it| it.chars().all(char::is_alphanumeric));
    if is_plain && words.len() > 1 {
        let q = words.join(" OR ");
        let href = changed(params, &["q", "cursor"], &[("q", q.clone())]);
        let wider = SearchRequest { q, ..request.clone() };
        all.push(("Any of these words instead of all".to_owned(), Looser { request: wider, href }));
    }
    all
}

fn advice(loosened: Vec<(String, String, u64)>) -> Vec<Advice> {
    let found = loosened.into_iter().filter(|it| it.2 > 0);
    let mut advice: Vec<Advice> = found
        .map(|(label, href, total)| Advice {
            href: Some(href),
            label: format!("{label} ({})", counted(total, "article", "articles")),
        })
        .collect();
    if advice.is_empty() {
        let words = ["Try fewer or other words.", "A phrase in quotes must stand word for word."];
        advice.extend(words.map(|it| Advice { href: None, label: it.to_owned() }));
    }
    advice
}
