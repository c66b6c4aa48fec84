//! The inbox of alerts with their reasons, beside the saved searches that raise them.

use askama::Template;
use chrono::{DateTime, Utc};
use config::SavedSearch;
use index::archive::alerts::{AlertFilter, AlertRecord, AlertState};
use index::archive::outbox::MessageRecord;
use index::archive::searches::{Origin, SearchRecord};

use super::frame::Frame;
use super::text::{Time, brief, clean_or, counted, href, language_tag, path_href, web_href};
use super::view::{Chip, Undo};
use crate::sample;

/// An alert in the inbox.
pub(crate) struct AlertView {
    id: String,
    search: String,
    search_href: String,
    unit: &'static str,
    title: String,
    /// Language of title and sentence, for `lang`; may be empty.
    lang: String,
    href: String,
    out_href: Option<String>,
    source: String,
    time: Time,
    fired: Time,
    story_href: Option<String>,
    sentence: String,
    reasons: Vec<ReasonView>,
    state: AlertState,
    note: String,
    assignee: String,
    moves: Vec<Move>,
}

/// Why an alert fired.
pub(crate) struct ReasonView {
    clause: String,
    alias: String,
    sentence: String,
}

/// A state that an alert can be put in.
pub(crate) struct Move {
    value: &'static str,
    label: &'static str,
}

/// A saved search in the list.
pub(crate) struct SearchView {
    name: String,
    edit_href: String,
    inbox_href: String,
    feed_href: String,
    about: String,
    is_enabled: bool,
    is_here: bool,
}

/// A message that was given up.
pub(crate) struct DeadView {
    id: String,
    delivery: String,
    failure: String,
}

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) alerts: Vec<AlertRecord>,
    pub(crate) next_cursor: Option<String>,
    pub(crate) filter: &'a AlertFilter,
    pub(crate) n_new: u64,
    pub(crate) searches: Vec<SearchRecord>,
    pub(crate) dead: Vec<MessageRecord>,
    /// The saved search that was just deleted.
    pub(crate) deleted: Option<SavedSearch>,
    pub(crate) now: DateTime<Utc>,
}

/// `alerts.html`.
#[derive(Template)]
#[template(path = "alerts.html")]
pub(crate) struct AlertsPage {
    frame: Frame,
    headline: String,
    deck: String,
    chips: Vec<Chip>,
    alerts: Vec<AlertView>,
    back: String,
    next_href: Option<String>,
    searches: Vec<SearchView>,
    dead: Vec<DeadView>,
    has_searches: bool,
    undo: Option<Undo>,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> AlertsPage {
    let Input { alerts, next_cursor, filter, n_new, searches, dead, deleted, now } = input;
    let state = filter.state.map_or("all", AlertState::as_str);
    let inbox = |state: &str, search: Option<&str>, cursor: Option<&str>| {
        let params = [("state", Some(state)), ("search", search), ("cursor", cursor)];
        href("/alerts", params.into_iter().filter_map(|(name, it)| Some((name, it?))))
    };
    let search = filter.search.as_deref();
    let states = [
        ("new", "New"),
        ("escalated", "Escalated"),
        ("seen", "Seen"),
        ("dismissed", "Dismissed"),
        ("all", "All"),
    ];
    let mut chips: Vec<Chip> = states
        .iter()
        .map(|(value, label)| Chip {
            href: inbox(value, search, None),
            label: (*label).to_owned(),
            is_on: *value == state,
        })
        .collect();
    if let Some(id) = search {
        let label = format!("{} ×", name_of(id, &searches));
        chips.push(Chip { href: inbox(state, None, None), label, is_on: true });
    }
    let n_enabled = searches.iter().filter(|it| it.search.enabled).count();
    AlertsPage {
        frame: Frame::new("Alerts", "/alerts"),
        headline: match n_new {
            0 => "No new alerts".to_owned(),
            n => counted(n, "new alert", "new alerts"),
        },
        deck: format!(
            "Every new article is held against {}.",
            counted(n_enabled as u64, "saved search", "saved searches")
        ),
        chips,
        alerts: alerts.iter().map(|it| alert_view(it, now)).collect(),
        back: inbox(state, search, None),
        next_href: next_cursor.as_deref().map(|it| inbox(state, search, Some(it))),
        has_searches: !searches.is_empty(),
        searches: searches.iter().map(|it| search_view(it, search)).collect(),
        dead: dead.iter().map(dead_view).collect(),
        undo: deleted.map(|it| Undo {
            what: brief(&clean_or(&it.name, it.id.as_str()), 60),
            action: format!("/alerts/searches/{}/restore", it.id),
        }),
    }
}

fn name_of(id: &str, searches: &[SearchRecord]) -> String {
    let known = searches.iter().find(|it| it.search.id.as_str() == id);
    brief(known.map_or(id, |it| &it.search.name), 40)
}

fn alert_view(alert: &AlertRecord, now: DateTime<Utc>) -> AlertView {
    let moves = [
        (AlertState::Seen, "Seen"),
        (AlertState::Escalated, "Escalate"),
        (AlertState::Dismissed, "Dismiss"),
        (AlertState::New, "New again"),
    ];
    let moves = moves.into_iter().filter(|(state, _)| *state != alert.state);
    let search = alert.search.as_str();
    AlertView {
        id: alert.id.clone(),
        search: clean_or(&brief(&alert.search_name, 60), search),
        search_href: href("/alerts", [("state", "all"), ("search", search)]),
        unit: match alert.unit.as_str() {
            "statement" => "new statement",
            "story" => "new story",
            _ => "article",
        },
        title: clean_or(&brief(&alert.title, 200), "Untitled"),
        lang: language_tag(alert.language.as_deref()),
        href: path_href("articles", &alert.article.to_string()),
        // No resolver knows the host of the sample wire; the article's page leads to its own copy.
        out_href: match sample::local_path(&alert.url) {
            Some(_) => None,
            None => web_href(&alert.url),
        },
        source: clean_or(&brief(&alert.source_name, 60), alert.source.as_str()),
        time: Time::of(alert.dated_at, now),
        fired: Time::of(alert.created_at, now),
        story_href: alert.story.as_ref().map(|it| path_href("stories", it.as_str())),
        sentence: brief(&alert.sentence, 400),
        reasons: alert
            .reasons
            .iter()
            .map(|it| ReasonView {
                clause: brief(&it.clause, 120),
                alias: brief(&it.alias, 120),
                // One quotation is enough when the statement's own stands above.
                sentence: if it.sentence == alert.sentence {
                    String::new()
                } else {
                    brief(&it.sentence, 300)
                },
            })
            .collect(),
        state: alert.state,
        note: alert.note.clone().unwrap_or_default(),
        assignee: alert.assignee.clone().unwrap_or_default(),
        moves: moves.map(|(state, label)| Move { value: state.as_str(), label }).collect(),
    }
}

fn search_view(record: &SearchRecord, here: Option<&str>) -> SearchView {
    let search = &record.search;
    let id = search.id.as_str();
    let mut about = vec![match search.unit {
        config::AlertUnit::Article => "each article".to_owned(),
        config::AlertUnit::Story => "each story".to_owned(),
        config::AlertUnit::Statement => "each new statement".to_owned(),
    }];
    let channels: Vec<&str> = search.deliver.iter().map(|it| it.channel.as_str()).collect();
    if !channels.is_empty() {
        about.push(format!("{} by {}", search.schedule.as_str(), channels.join(", ")));
    }
    if record.origin == Origin::File {
        about.push("from searches.toml".to_owned());
    }
    if !search.enabled {
        about.push("switched off".to_owned());
    }
    SearchView {
        name: brief(&search.name, 60),
        edit_href: format!("/alerts/searches/{id}"),
        inbox_href: href("/alerts", [("state", "all"), ("search", id)]),
        feed_href: format!("/feeds/{id}.atom"),
        about: about.join(" · "),
        is_enabled: search.enabled,
        is_here: here == Some(id),
    }
}

fn dead_view(message: &MessageRecord) -> DeadView {
    DeadView {
        id: message.id.clone(),
        delivery: brief(&message.delivery, 80),
        failure: brief(message.failure.as_deref().unwrap_or("unknown"), 200),
    }
}
