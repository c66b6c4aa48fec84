//! What edits changed: words that came and went, and hostile statements with them.

use chrono::{DateTime, Utc};
use index::archive::versions::{ArticleVersion, StatementEdit};
use ingest::revision::{Piece, PieceKind, word_diff};
use nlp::statement_changes::{QuotedStatement, StatementChange};

use super::statement::kind_name;
use super::text::{Time, brief, clean, clean_or, counted, path_href};

/// Edits that are shown, the latest ones.
const N_EDITS_MAX: usize = 10;
/// Words that are shown before and after each change.
const N_CONTEXT_WORDS: usize = 14;
/// Characters of a piece that came or went.
const PIECE_CHARS_MAX: usize = 4_000;

/// One edit of an article.
pub(crate) struct EditView {
    pub(crate) version: u64,
    pub(crate) at: Time,
    /// “3 words added, 12 removed”.
    pub(crate) extent: String,
    /// The headline before, where it changed.
    pub(crate) old_title: Option<String>,
    pub(crate) changes: Vec<ChangeView>,
    pub(crate) pieces: Vec<PieceView>,
}

/// What an edit did to one statement.
pub(crate) struct ChangeView {
    /// `added`, `removed` or `reworded`.
    pub(crate) what: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// A run of words; `tag` is `ins`, `del`, or empty for what stayed.
pub(crate) struct PieceView {
    pub(crate) tag: &'static str,
    pub(crate) text: String,
}

/// An edit as its story tells it.
pub(crate) struct StoryEditView {
    pub(crate) href: String,
    pub(crate) source: String,
    pub(crate) at: Time,
    pub(crate) changes: Vec<ChangeView>,
}

/// The edits of an article, latest first. `earlier` are the versions before, oldest first.
pub(crate) fn edits(
    article: &ingest::Article,
    read_at: DateTime<Utc>,
    earlier: &[ArticleVersion],
    now: DateTime<Utc>,
) -> Vec<EditView> {
    let mut newer = (article.title.as_str(), article.text.as_str(), read_at);
    let mut edits = Vec::new();
    for older in earlier.iter().rev().take(N_EDITS_MAX) {
        let pieces = word_diff(&older.text, newer.1);
        edits.push(EditView {
            version: older.version + 1,
            at: Time::of(newer.2, now),
            extent: extent(&pieces),
            old_title: (older.title != newer.0).then(|| brief(&clean_or(&older.title, "—"), 200)),
            changes: older.changes.iter().flatten().map(change).collect(),
            pieces: around_changes(&pieces),
        });
        newer = (&older.title, &older.text, older.read_at);
    }
    edits
}

/// The edits in a story that changed statements.
pub(crate) fn story_edits(edits: &[StatementEdit], now: DateTime<Utc>) -> Vec<StoryEditView> {
    let view = |it: &StatementEdit| StoryEditView {
        href: format!("{}#edits", path_href("articles", &it.article.to_string())),
        source: brief(&clean_or(&it.source_name, "a source"), 60),
        at: Time::of(it.noticed_at, now),
        changes: it.changes.iter().map(change).collect(),
    };
    edits.iter().take(N_EDITS_MAX).map(view).collect()
}

fn change(change: &StatementChange) -> ChangeView {
    let sentence = |it: &QuotedStatement| brief(&clean(&it.sentence), 400);
    let kind = change.after.as_ref().or(change.before.as_ref());
    ChangeView {
        what: match (&change.before, &change.after) {
            (Some(_), Some(_)) => "reworded",
            (Some(_), None) => "removed",
            _ => "added",
        },
        kind: kind.map(|it| kind_name(it.statement.kind)).unwrap_or_default(),
        before: change.before.as_ref().map(sentence),
        after: change.after.as_ref().map(sentence),
    }
}

fn extent(pieces: &[Piece]) -> String {
    let n_words = |kind| -> u64 {
        let of = pieces.iter().filter(|it| it.kind == kind);
        of.map(|it| it.text.split_whitespace().count() as u64).sum()
    };
    let (added, removed) = (n_words(PieceKind::Added), n_words(PieceKind::Removed));
    match (added, removed) {
        (0, 0) => "only spaces changed".to_owned(),
        (added, 0) => format!("{} added", counted(added, "word", "words")),
        (0, removed) => format!("{} removed", counted(removed, "word", "words")),
        (added, removed) => format!("{} added, {removed} removed", counted(added, "word", "words")),
    }
}

/// The pieces with what stayed cut down to the words next to a change.
fn around_changes(pieces: &[Piece]) -> Vec<PieceView> {
    let mut views = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let tag = match piece.kind {
            PieceKind::Added => "ins",
            PieceKind::Removed => "del",
            PieceKind::Kept => "",
        };
        let text = match piece.kind {
            PieceKind::Kept => near(&piece.text, 0 < at, at + 1 < pieces.len()),
            _ => brief(&clean(&piece.text), PIECE_CHARS_MAX),
        };
        if !text.is_empty() {
            views.push(PieceView { tag, text });
        }
    }
    views
}

/// The first words of what stayed if it follows a change, and the last ones if it precedes one.
fn near(text: &str, follows: bool, precedes: bool) -> String {
    let text = clean(text);
    let words: Vec<&str> = text.split_whitespace().collect();
    let (head, tail) =
        (if follows { N_CONTEXT_WORDS } else { 0 }, if precedes { N_CONTEXT_WORDS } else { 0 });
    if words.len() <= head + tail {
        return words.join(" ");
    }
    let (head, tail) = (words[..head].join(" "), words[words.len() - tail..].join(" "));
    [head.as_str(), "…", tail.as_str()].join(" ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stayed_is_cut_to_the_words_around() {
        let long = (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let views = around_changes(&word_diff(&format!("a {long} b"), &format!("x {long} y")));
        let tags: Vec<&str> = views.iter().map(|it| it.tag).collect();
        assert_eq!(tags, ["del", "ins", "", "del", "ins"]);
        assert!(views[2].text.contains("12 13 … 86 87"), "{}", views[2].text);
    }

    #[test]
    fn the_extent_counts_words() {
        let extent = |a, b| extent(&word_diff(a, b));
        assert_eq!(extent("one two", "one two three"), "1 word added");
        assert_eq!(extent("one two three", "one"), "2 words removed");
        assert_eq!(extent("it may rain", "it will rain"), "1 word added, 1 removed");
    }
}
