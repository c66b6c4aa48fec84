//! What readers corrected, with a way back.

use askama::Template;
use chrono::{DateTime, Utc};
use index::archive::corrections::CorrectionRecord;
use nlp::correction::Correction;

use super::frame::Frame;
use super::statement::kind_name;
use super::text::{Time, brief, clean, counted, grouped, path_href};

/// A line of the list.
pub(crate) struct CorrectionLine {
    id: String,
    said: String,
    href: Option<String>,
    note: Option<String>,
    who: String,
    at: Time,
    n_articles: String,
    is_running: bool,
    /// How far it has come while it runs.
    progress: String,
}

/// `corrections.html`.
#[derive(Template)]
#[template(path = "corrections.html")]
pub(crate) struct CorrectionsPage {
    frame: Frame,
    lines: Vec<CorrectionLine>,
    is_running: bool,
}

/// Makes the page, newest first.
pub(crate) fn page(records: &[CorrectionRecord], now: DateTime<Utc>) -> CorrectionsPage {
    let line = |it: &CorrectionRecord| CorrectionLine {
        id: it.id.clone(),
        said: said(&it.correction),
        href: href(&it.correction),
        note: it.note.as_deref().map(|it| brief(&clean(it), 200)),
        who: brief(&clean(&it.who), 64),
        at: Time::of(it.made_at, now),
        n_articles: counted(it.n_articles, "article", "articles"),
        is_running: it.applied_at.is_none(),
        progress: match it.n_concerned {
            0 => "not begun yet".to_owned(),
            n => format!("{} of {} looked at", grouped(it.n_looked_at.min(n)), grouped(n)),
        },
    };
    CorrectionsPage {
        frame: Frame::new("Corrections", "/corrections"),
        lines: records.iter().rev().map(line).collect(),
        is_running: records.iter().any(|it| it.applied_at.is_none()),
    }
}

/// What a correction says, in a sentence.
pub(crate) fn said(correction: &Correction) -> String {
    let short = |it: &str| brief(&clean(it), 80);
    match correction {
        Correction::NotAnEntity { text, entity } => {
            format!("“{}” does not name {}", short(text), short(entity))
        }
        Correction::Means { text, entity, to, .. } => {
            format!("“{}” means {}, not {}", short(text), short(&to.name), short(entity))
        }
        Correction::SameAs { entity, to } => format!("{} is {}", short(entity), short(&to.name)),
        Correction::NoStatement { trigger, .. } => {
            format!("“{}” is no hostile statement", short(trigger))
        }
        Correction::StatementKind { trigger, kind, .. } => {
            format!("“{}” is a statement of kind {}", short(trigger), kind_name(*kind))
        }
    }
}

fn href(correction: &Correction) -> Option<String> {
    match correction {
        Correction::NotAnEntity { .. } => None,
        Correction::Means { to, .. } | Correction::SameAs { to, .. } => {
            Some(path_href("entities", &to.id))
        }
        Correction::NoStatement { article, .. } | Correction::StatementKind { article, .. } => {
            Some(path_href("articles", article))
        }
    }
}
