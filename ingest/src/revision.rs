//! Edited articles: whether a page reads differently than before, and where. Pure.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use similar::{Algorithm, ChangeTag, TextDiff};

/// After these times from its first reading an article with hostile statements is read again.
const REREAD_AFTER: [TimeDelta; 3] =
    [TimeDelta::hours(1), TimeDelta::hours(24), TimeDelta::days(7)];
/// A shorter line without the end of a sentence is a caption, a counter or a button, not text.
const N_WORDS_OF_TEXT_MIN: usize = 6;
/// A new reading that has at most this share of the words, all of them old, was cut off: by a
/// paywall, a consent page or a broken answer.
const CUT_SHARE_MAX: f64 = 0.5;
/// Words of each side that are compared word by word; the rest of a longer text is left out.
const N_DIFF_WORDS_MAX: usize = 40_000;
/// Longest time to look for the shortest difference; then a longer one is given.
const DIFF_TIME_MAX: Duration = Duration::from_millis(300);

/// How a second reading of a page compares to the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same but for spaces, quotation marks and what is no text.
    Same,
    /// Words were added, removed or changed: a new version.
    Edited,
    /// Much of the text is missing and nothing is new; the older reading is the better one.
    Cut,
}

/// Compares two readings of one page, each given as headline and text.
pub fn compare(before: (&str, &str), after: (&str, &str)) -> Comparison {
    let (old, new) = (Lines::of(before.1), Lines::of(after.1));
    let is_cut = |new: &Lines| {
        let known: HashSet<&str> = old.words().collect();
        let n_old = old.words().count();
        let n_new = new.words().count();
        let n_unknown = new.words().filter(|it| !known.contains(it)).count();
        (n_new as f64) < CUT_SHARE_MAX * n_old as f64 && n_unknown * 20 <= n_new
    };
    let has_same_title = after.0.trim().is_empty() || flat(before.0) == flat(after.0);
    if old == new && has_same_title {
        Comparison::Same
    } else if new.0.is_empty() || is_cut(&new) {
        Comparison::Cut
    } else {
        Comparison::Edited
    }
}

/// Whether the texts of two pages that are said to be one tell much the same: at least half of the
/// runs of three words in the shorter one are in the other.
pub fn is_same_article(a: &str, b: &str) -> bool {
    let (a, b) = (words(a), words(b));
    if a == b {
        return true;
    }
    let a: HashSet<&[&str]> = a.windows(3).collect();
    let b: HashSet<&[&str]> = b.windows(3).collect();
    let n_shared = a.intersection(&b).count();
    0 < n_shared && a.len().min(b.len()) <= 2 * n_shared
}

/// The first [`N_DIFF_WORDS_MAX`] words, without what parts them.
fn words(text: &str) -> Vec<&str> {
    let parts = cut(text).split(|it: char| !it.is_alphanumeric());
    parts.filter(|it| !it.is_empty()).collect()
}

/// The lines of a text that say something, flattened.
#[derive(PartialEq, Eq)]
struct Lines(Vec<String>);

impl Lines {
    fn of(text: &str) -> Lines {
        let lines = text.lines().map(flat);
        Lines(lines.filter(|it| is_text(it)).collect())
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let parts = self.0.iter().flat_map(|it| it.split(|it: char| !it.is_alphanumeric()));
        parts.filter(|it| !it.is_empty())
    }
}

fn is_text(line: &str) -> bool {
    let ends = ['.', '!', '?', '"', ')', '…', '。', '؟', '।', ':'];
    N_WORDS_OF_TEXT_MIN <= line.split(' ').count()
        || (line.ends_with(ends) && line.contains(' '))
        // Scripts that do not part words.
        || (12 <= line.chars().count() && line.chars().all(|it| !it.is_ascii_alphabetic()))
}

/// One space between words, plain quotation marks and dashes, no invisible characters.
fn flat(text: &str) -> String {
    let plain = |it| match it {
        '“' | '”' | '„' | '«' | '»' => '"',
        '‘' | '’' | '‚' => '\'',
        '–' | '—' | '‑' => '-',
        it if it.is_whitespace() => ' ',
        it => it,
    };
    let invisible = ['\u{ad}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{feff}'];
    let text: String = text.chars().filter(|it| !invisible.contains(it)).map(plain).collect();
    text.split(' ').filter(|it| !it.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What became of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PieceKind {
    /// In both.
    Kept,
    /// In the older text only.
    Removed,
    /// In the newer text only.
    Added,
}

/// A run of words in a difference, with the spaces that follow them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Piece {
    /// What became of it.
    pub kind: PieceKind,
    /// The words, never empty.
    pub text: String,
}

/// The difference between two texts, word by word: the pieces that are not `Removed` make up the
/// newer text, those not `Added` the older, up to 40 000 words of each.
pub fn word_diff(before: &str, after: &str) -> Vec<Piece> {
    let (before, after) = (cut(before), cut(after));
    let deadline = Instant::now() + DIFF_TIME_MAX;
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .deadline(deadline)
        .diff_words(before, after);
    let mut pieces: Vec<Piece> = Vec::new();
    for change in diff.iter_all_changes() {
        let kind = match change.tag() {
            ChangeTag::Equal => PieceKind::Kept,
            ChangeTag::Delete => PieceKind::Removed,
            ChangeTag::Insert => PieceKind::Added,
        };
        match pieces.last_mut().filter(|it| it.kind == kind) {
            Some(last) => last.text.push_str(change.value()),
            None => pieces.push(Piece { kind, text: change.value().to_owned() }),
        }
    }
    pieces
}

/// The first [`N_DIFF_WORDS_MAX`] words.
fn cut(text: &str) -> &str {
    let mut n_words = 0;
    let mut was_space = true;
    for (at, it) in text.char_indices() {
        if was_space && !it.is_whitespace() {
            n_words += 1;
            if N_DIFF_WORDS_MAX < n_words {
                return &text[..at];
            }
        }
        was_space = it.is_whitespace();
    }
    text
}

/// When to read an article again that was first read at `first`; `None` when it was read often
/// enough. What was missed while nobody ran is made up for once.
pub fn next_reading(first: DateTime<Utc>, last: DateTime<Utc>) -> Option<DateTime<Utc>> {
    REREAD_AFTER.iter().filter_map(|it| first.checked_add_signed(*it)).find(|it| last < *it)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "Iran may close the strait, a commander said.\nSubscribe now\nTankers waited \
        outside the port of Lindahl on Friday, and nobody knew for how long they would have to.\n\
        The ministry did not answer questions about the convoys that were seen in the north.";

    #[test]
    fn spaces_quotes_and_buttons_are_no_edit() {
        let new = OLD.replace(", ", ",\u{a0} ").replace("Subscribe now", "Share\n12 comments");
        assert_eq!(compare(("“A”", OLD), ("\"A\"", &new)), Comparison::Same);
        assert_eq!(compare(("A headline", OLD), ("", OLD)), Comparison::Same, "no headline found");
    }

    #[test]
    fn one_word_or_the_headline_is_an_edit() {
        let new = OLD.replace("may close", "will close");
        assert_eq!(compare(("A", OLD), ("A", &new)), Comparison::Edited);
        assert_eq!(compare(("A", OLD), ("B", OLD)), Comparison::Edited);
        let longer = format!("{OLD}\nThis article was corrected on Saturday to name the port.");
        assert_eq!(compare(("A", OLD), ("A", &longer)), Comparison::Edited);
    }

    #[test]
    fn a_paywall_or_an_empty_page_is_no_version() {
        let teaser = OLD.lines().next().unwrap();
        assert_eq!(compare(("A", OLD), ("A", teaser)), Comparison::Cut);
        assert_eq!(compare(("A", OLD), ("B", "")), Comparison::Cut);
        let rewritten = "Officials took everything back and apologised.";
        assert_eq!(compare(("A", OLD), ("A", rewritten)), Comparison::Edited);
    }

    #[test]
    fn an_article_is_the_same_in_other_clothes_and_another_is_not() {
        let light = OLD.replace("Subscribe now\n", "").replace("may close", "will close");
        assert!(is_same_article(OLD, &light));
        let teaser = OLD.lines().next().unwrap();
        assert!(is_same_article(OLD, teaser) && is_same_article(teaser, OLD));
        let other = "Subscribe now\nThe ministry of health counted more cases of flu on Friday.";
        assert!(!is_same_article(OLD, other));
        assert!(!is_same_article(OLD, "") && is_same_article("", ""));
    }

    #[test]
    fn a_difference_names_the_words() {
        let pieces = word_diff("Iran may close the strait", "Iran will close the strait");
        let of = |kind| pieces.iter().filter(move |it| it.kind == kind).map(|it| it.text.trim());
        assert_eq!(of(PieceKind::Removed).collect::<Vec<_>>(), ["may"]);
        assert_eq!(of(PieceKind::Added).collect::<Vec<_>>(), ["will"]);
    }

    #[test]
    fn long_texts_cost_bounded_time() {
        let (a, b): (String, String) =
            (0..60_000).map(|n| (format!("a{n} "), format!("b{n} "))).unzip();
        let started = Instant::now();
        assert!(!word_diff(&a, &b).is_empty());
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn readings_are_due_after_an_hour_a_day_and_a_week() {
        let first = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        let after = |hours| next_reading(first, first + TimeDelta::hours(hours));
        assert_eq!(after(0), Some(first + TimeDelta::hours(1)));
        assert_eq!(after(1), Some(first + TimeDelta::hours(24)));
        assert_eq!(after(30), Some(first + TimeDelta::days(7)), "the day was missed");
        assert_eq!(after(24 * 7), None);
    }

    proptest! {
        #[test]
        fn a_difference_holds_both_texts(a in "[ab c\n]{0,60}", b in "[ab d\n]{0,60}") {
            let pieces = word_diff(&a, &b);
            let without = |kind| -> String {
                pieces.iter().filter(|it| it.kind != kind).map(|it| it.text.as_str()).collect()
            };
            prop_assert_eq!(without(PieceKind::Added), a);
            prop_assert_eq!(without(PieceKind::Removed), b);
        }

        #[test]
        fn a_text_is_the_same_as_itself(text in "\\PC{0,200}", title in "\\PC{0,40}") {
            prop_assert_eq!(compare((&title, &text), (&title, &text)), Comparison::Same);
        }
    }
}
