//! Why a query cannot be understood, and where: [`QueryError`].

use std::fmt;

/// Why a query text cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryError {
    /// First character of the offending part, counted in characters from 0.
    pub at: usize,
    /// Its length in characters; at least 1, also at the end of the text.
    pub length: usize,
    /// What is wrong.
    pub kind: QueryErrorKind,
    /// Text to put in place of the offending part; `None` when there is no good guess.
    pub suggestion: Option<String>,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryErrorKind {
    /// A field that does not exist.
    #[error("unknown field `{0}`")]
    UnknownField(String),
    /// A value that the field cannot have.
    #[error("`{value}` is not a {field}")]
    UnknownValue {
        /// The field's name.
        field: &'static str,
        /// The value as typed.
        value: String,
    },
    /// Nothing after `field:`.
    #[error("field `{0}` has no value")]
    MissingValue(&'static str),
    /// Neither a date nor a time.
    #[error("`{0}` is not a date like 2026-01-31, 2026-01, 7d or today")]
    Date(String),
    /// A range or comparison on a field without order.
    #[error("field `{0}` has no ranges; `published` and `fetched` have")]
    RangeField(&'static str),
    /// A range that is not `[from TO to]`.
    #[error("a range is written [from TO to]")]
    RangeSyntax,
    /// `word*` or `word~` where only whole values make sense.
    #[error("field `{0}` takes whole values only")]
    WholeValue(&'static str),
    /// `*` within a word.
    #[error("`*` can only end a word")]
    InnerWildcard,
    /// `a*`: matches too much.
    #[error("`*` needs at least two letters before it")]
    ShortPrefix,
    /// `~` followed by something else than a small number.
    #[error(
        "`~` takes a distance: 1 or 2 after a word, up to {} after a phrase",
        super::parser::SLOP_MAX
    )]
    Distance,
    /// A quotation without end.
    #[error("the quotation is not closed")]
    OpenQuote,
    /// A parenthesis without end.
    #[error("the parenthesis is not closed")]
    OpenParenthesis,
    /// A parenthesis without start.
    #[error("there is no open parenthesis to close")]
    StrayParenthesis,
    /// `()`.
    #[error("the parentheses are empty")]
    EmptyParentheses,
    /// AND, OR or NOT without something to join.
    #[error("{0} needs something on {1}")]
    Operand(&'static str, &'static str),
    /// More text than is read.
    #[error("the query is longer than {} characters", super::parser::LENGTH_MAX)]
    Long,
    /// Deeper than is followed.
    #[error("the query is nested deeper than {} levels", super::parser::DEPTH_MAX)]
    Deep,
    /// More words than are searched.
    #[error("the query has more than {} words, phrases and fields", super::parser::CLAUSES_MAX)]
    ManyClauses,
}

impl QueryError {
    pub(crate) fn new(at: usize, length: usize, kind: QueryErrorKind) -> QueryError {
        QueryError { at, length: length.max(1), kind, suggestion: None }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> QueryError {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} (character {})", self.kind, self.at + 1)?;
        if let Some(suggestion) = &self.suggestion {
            write!(out, "; did you mean `{suggestion}`?")?;
        }
        Ok(())
    }
}

impl std::error::Error for QueryError {}

/// The candidate nearest to `word` by edit distance, when it is near enough to be a slip.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let scored = candidates.into_iter().map(|it| (edit_distance(&word, it), it));
    let (distance, best) = scored.min_by_key(|&(distance, _)| distance)?;
    let is_start = word.len() >= 3 && best.starts_with(&word);
    (is_start || distance <= 1 + word.chars().count() / 4).then_some(best)
}

/// Insertions, deletions, replacements and swaps of neighbours between two short words.
fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().take(40).collect();
    let right: Vec<char> = right.chars().take(40).collect();
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for i in 0..=left.len() {
        for j in 0..=right.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i.max(j)
            } else {
                let replaced = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
                let mut best = replaced.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
                let is_swap =
                    i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
                if is_swap {
                    best = best.min(rows[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    rows[left.len()][right.len()]
}
