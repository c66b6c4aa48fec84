//! Users, keys, the own password and what was changed.

use askama::Template;
use chrono::{DateTime, Utc};
use index::archive::access::{ApiKey, Role, User};
use index::archive::audit::AuditEntry;

use super::frame::Frame;
use super::text::{Time, brief, clean, counted};
use super::view::Undo;
use crate::access::Principal;
use crate::access::principal::Via;

/// What the page is made from.
pub(crate) struct Input<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) users: Vec<User>,
    pub(crate) keys: Vec<ApiKey>,
    pub(crate) audit: Vec<AuditEntry>,
    /// Whether the lines of the log are its newest.
    pub(crate) is_first: bool,
    /// The line before which the log goes on; `None` on its last page.
    pub(crate) older: Option<i64>,
    /// A key that was made just now.
    pub(crate) new_key: Option<&'a str>,
    /// What was removed just now; only an admin is told.
    pub(crate) removed: Vec<Undo>,
    /// Days that articles are kept; `None` keeps them for ever.
    pub(crate) articles_days: Option<u32>,
    pub(crate) now: DateTime<Utc>,
}

struct UserLine {
    name: String,
    role: Role,
    since: Time,
}

struct KeyLine {
    id: String,
    name: String,
    role: Role,
    since: Time,
    expires: Option<Time>,
    last_used: Option<Time>,
}

struct AuditLine {
    at: Time,
    who: String,
    action: String,
    subject: String,
    outcome: String,
}

/// `settings.html`.
#[derive(Template)]
#[template(path = "settings.html")]
pub(crate) struct SettingsPage {
    frame: Frame,
    deck: String,
    has_password: bool,
    is_admin: bool,
    new_key: Option<String>,
    removed: Vec<Undo>,
    users: Vec<UserLine>,
    keys: Vec<KeyLine>,
    audit: Vec<AuditLine>,
    is_first: bool,
    older_href: Option<String>,
    kept: String,
}

/// Makes the page.
pub(crate) fn page(input: Input<'_>) -> SettingsPage {
    let Input {
        principal,
        users,
        keys,
        audit,
        is_first,
        older,
        new_key,
        removed,
        articles_days,
        now,
    } = input;
    let deck = deck(principal);
    let time = |at| Time::of(at, now);
    SettingsPage {
        frame: Frame::new("Settings", "/settings"),
        deck,
        has_password: matches!(principal.via, Via::Session { .. }),
        is_admin: principal.role == Role::Admin,
        new_key: new_key.map(str::to_owned),
        removed: (removed.into_iter())
            .map(|it| Undo { what: brief(&clean(&it.what), 64), action: it.action })
            .collect(),
        is_first,
        older_href: older.map(|it| format!("/settings?before={it}#audit")),
        kept: match articles_days {
            None => "Everything is kept for ever.".to_owned(),
            Some(days) => format!(
                "Articles are deleted {} after they were fetched, with what belongs to them; those \
                 that an alert in hand, a note, a pin or a correction refers to stay.",
                counted(days.into(), "day", "days"),
            ),
        },
        users: (users.into_iter())
            .map(|it| UserLine { name: it.name, role: it.role, since: time(it.created_at) })
            .collect(),
        keys: (keys.into_iter())
            .map(|it| KeyLine {
                id: it.id,
                name: it.name,
                role: it.role,
                since: time(it.created_at),
                expires: it.expires_at.map(time),
                last_used: it.last_used_at.map(time),
            })
            .collect(),
        audit: (audit.into_iter())
            .map(|it| AuditLine {
                at: time(it.at),
                who: brief(&clean(&it.who), 64),
                action: brief(&clean(&it.action), 40),
                subject: brief(&clean(&it.subject), 300),
                outcome: brief(&clean(&it.outcome), 40),
            })
            .collect(),
    }
}

fn deck(principal: &Principal) -> String {
    match principal.via {
        Via::Loopback => "No login is asked for: only this machine can reach Harbinger.".to_owned(),
        Via::Session { .. } | Via::Key { .. } => {
            format!("You are {}, {}.", principal.name, principal.role)
        }
    }
}
