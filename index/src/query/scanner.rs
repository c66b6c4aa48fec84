//! Reads a query text character by character; the parser asks it for words and quotations.

use super::error::{QueryError, QueryErrorKind};

/// A position in a query text. Positions count characters.
pub(super) struct Scanner {
    chars: Vec<char>,
    at: usize,
}

impl Scanner {
    pub(super) fn new(text: &str) -> Scanner {
        Scanner { chars: text.chars().collect(), at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn seek(&mut self, at: usize) {
        self.at = at.min(self.chars.len());
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    pub(super) fn peek_after(&self, n_ahead: usize) -> Option<char> {
        self.chars.get(self.at + n_ahead).copied()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// Skips `word` if it comes next and is not the start of a longer word.
    pub(super) fn skip_keyword(&mut self, word: &str) -> bool {
        let n_chars = word.len();
        let is_next = word.chars().enumerate().all(|(n, it)| self.peek_after(n) == Some(it));
        let is_whole = self.peek_after(n_chars).is_none_or(ends_word);
        if is_next && is_whole {
            self.at += n_chars;
        }
        is_next && is_whole
    }

    /// The characters up to the next white space, parenthesis, quote or one in `stops`.
    pub(super) fn take_word(&mut self, stops: &[char]) -> String {
        let start = self.at;
        while self.peek().is_some_and(|it| !ends_word(it) && !stops.contains(&it)) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// The digits that come next.
    pub(super) fn take_digits(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|it| it.is_ascii_digit()) {
            self.at += 1;
        }
        self.chars[start..self.at].iter().collect()
    }

    /// The characters up to one of `ends`, which is left; `None` when the text ends before.
    pub(super) fn take_until(&mut self, ends: &[char]) -> Option<String> {
        let start = self.at;
        while self.peek().is_some_and(|it| !ends.contains(&it)) {
            self.at += 1;
        }
        self.peek().map(|_| self.chars[start..self.at].iter().collect())
    }

    /// A quotation whose opening quote comes next. `\` takes the next character as it is.
    pub(super) fn take_quoted(&mut self) -> Result<String, QueryError> {
        let start = self.at;
        self.bump();
        let mut text = String::new();
        while let Some(next) = self.bump() {
            match next {
                it if is_quote(it) => return Ok(text),
                '\\' => text.extend(self.bump()),
                other => text.push(other),
            }
        }
        let quoted: String = self.chars[start..].iter().collect();
        let error = QueryError::new(start, 1, QueryErrorKind::OpenQuote);
        Err(error.suggest(Some(format!("{quoted}\""))))
    }
}

/// Straight and typographic double quotes.
pub(super) fn is_quote(it: char) -> bool {
    matches!(it, '"' | '“' | '”' | '„' | '‟')
}

fn ends_word(it: char) -> bool {
    it.is_whitespace() || matches!(it, '(' | ')') || is_quote(it)
}
