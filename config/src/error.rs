//! What is wrong with a configuration: [`ConfigError`], and all of them at once: [`ConfigErrors`].

use std::fmt;
use std::ops::Range;

/// One mistake in the configuration, with its place and what is allowed there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Where the value was given: a file relative to the configuration folder
    /// (`sources/energy.toml`), or the environment variable or command-line setting.
    pub origin: String,
    /// Line and column in the file, both from 1, the column in characters; `None` when the
    /// mistake is not at one place (a missing file, an environment variable).
    pub position: Option<Position>,
    /// The key, dotted, with the number of a list item from 1: `source[3].language`.
    /// `None` when the mistake is in no key.
    pub key: Option<String>,
    /// What is wrong and what is allowed, in one sentence without final dot.
    pub message: String,
}

/// A place in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Number of characters that are wrong on that line, at least 1.
    pub n_chars: usize,
    /// The line as written, without its line feed, at most 160 characters.
    pub text: String,
}

impl Position {
    /// The place of the bytes `span` of `text`; a span past the end means the end.
    pub(crate) fn of(text: &str, span: &Range<usize>) -> Position {
        let start = floor_char_boundary(text, span.start);
        let end = floor_char_boundary(text, span.end).max(start);
        let line_start = text[..start].rfind('\n').map_or(0, |it| it + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |it| start + it);
        let wrong = &text[start..end.min(line_end)];
        Position {
            line: text[..start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            n_chars: wrong.chars().count().max(1),
            text: text[line_start..line_end].trim_end().chars().take(160).collect(),
        }
    }
}

fn floor_char_boundary(text: &str, index: usize) -> usize {
    let mut index = index.min(text.len());
    while !text.is_char_boundary(index) {
        index -= 1;
    }
    index
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.origin)?;
        if let Some(at) = &self.position {
            write!(out, ":{}:{}", at.line, at.column)?;
        }
        if let Some(key) = &self.key {
            write!(out, ": `{key}`")?;
        }
        write!(out, ": {}", self.message)
    }
}

/// Every mistake of a configuration, by file and line. Its `Display` shows each with the line it
/// is on, ready for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// `Err` with all of `errors` in reading order, or `Ok` when there are none.
    pub(crate) fn none_in(mut errors: Vec<ConfigError>) -> Result<(), ConfigErrors> {
        if errors.is_empty() {
            return Ok(());
        }
        let line = |it: &ConfigError| it.position.as_ref().map(|at| (at.line, at.column));
        errors.sort_by(|a, b| (&a.origin, line(a)).cmp(&(&b.origin, line(b))));
        errors.dedup();
        Err(ConfigErrors(errors))
    }

    /// A single mistake.
    pub(crate) fn of(error: ConfigError) -> ConfigErrors {
        ConfigErrors(vec![error])
    }

    /// The errors, by file and line; never empty.
    pub fn errors(&self) -> &[ConfigError] {
        &self.0
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(out, "{} error{plural} in the configuration", self.0.len())?;
        for error in &self.0 {
            write!(out, "\n\n{error}")?;
            if let Some(at) = &error.position {
                let gutter = " ".repeat(at.line.to_string().len());
                let indent = " ".repeat(at.column - 1);
                let marks = "^".repeat(at.n_chars.min(80));
                write!(out, "\n  {} | {}\n  {gutter} | {indent}{marks}", at.line, at.text)?;
            }
        }
        Ok(())
    }
}

/// `; did you mean …?` when one of `known` is close to `word`, else nothing.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let distance = |it: &str| n_edits(&word.to_lowercase(), &it.to_lowercase());
    let limit = (word.chars().count() / 3).max(1);
    let closest = known.into_iter().map(|it| (distance(it), it)).min();
    match closest {
        Some((distance, name)) if distance <= limit => format!("; did you mean `{name}`?"),
        _ => String::new(),
    }
}

/// Letters to insert, delete, replace or swap with their neighbour to get from `a` to `b`
/// (optimal string alignment).
fn n_edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if 1 < i && 1 < j && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let text = "a = 1\nläng = \"ö\"\n";
        let span = text.find('"').unwrap()..text.len() - 1;
        let at = Position::of(text, &span);
        assert_eq!((at.line, at.column, at.n_chars), (2, 8, 3));
        assert_eq!(at.text, "läng = \"ö\"");
    }

    #[test]
    fn a_span_inside_a_character_or_past_the_end_does_not_panic() {
        assert_eq!(Position::of("ö", &(1..9)).column, 1);
        assert_eq!(Position::of("", &(5..9)).line, 1);
    }

    #[test]
    fn edits_count_insertion_deletion_replacement_and_swap_once_each() {
        for (a, b, expected) in [
            ("", "ab", 2),
            ("bind", "bnid", 1),
            ("bind", "bin", 1),
            ("bind", "bond", 1),
            ("a", "a", 0),
        ] {
            assert_eq!(n_edits(a, b), expected, "{a} {b}");
            assert_eq!(n_edits(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_misspelt_word_gets_the_nearest_name_and_a_strange_one_gets_none() {
        assert_eq!(did_you_mean("langauge", ["name", "language"]), "; did you mean `language`?");
        assert_eq!(did_you_mean("colour", ["name", "language"]), "");
    }

    #[test]
    fn errors_are_shown_by_file_and_line_with_the_line_marked() {
        let error = |origin: &str, text: &str, span: Range<usize>| ConfigError {
            origin: origin.into(),
            position: Some(Position::of(text, &span)),
            key: Some("http.bind".into()),
            message: "is odd".into(),
        };
        let text = "\nbind = 5\n";
        let errors = vec![error("b.toml", text, 1..5), error("a.toml", text, 8..9)];
        let shown = ConfigErrors::none_in(errors).unwrap_err().to_string();
        let expected = "2 errors in the configuration\n\n\
            a.toml:2:8: `http.bind`: is odd\n  2 | bind = 5\n    |        ^\n\n\
            b.toml:2:1: `http.bind`: is odd\n  2 | bind = 5\n    | ^^^^";
        assert_eq!(shown, expected);
    }
}
