//! Terms on their way into the index: [`TermList`], and the tokenizer that Tantivy reads one with.
//!
//! Tantivy writes text that is cut into tokens beforehand as JSON and reads it again, which took
//! longer than all else; one string with signs between the terms is copied once.

use tantivy::Index;
use tantivy::tokenizer::{TextAnalyzer, Token, TokenStream, Tokenizer};

/// Name of the tokenizer that undoes [`TermList::encoded`].
pub(crate) const TERMS_TOKENIZER: &str = "terms";

/// One place further. Terms hold letters and digits, so no term has the signs.
const NEXT_PLACE: char = '\u{1}';
/// A term starts.
const TERM: char = '\u{2}';

/// Makes the tokenizer known to `index`, which must happen before it reads or writes.
pub(crate) fn register(index: &Index) {
    index.tokenizers().register(TERMS_TOKENIZER, TextAnalyzer::from(TermTokenizer::default()));
}

/// Terms with their places, in rising order of these.
#[derive(Clone, Debug, Default)]
pub(crate) struct TermList {
    encoded: String,
    entries: Vec<Entry>,
    position: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    end: u32,
    position: u32,
}

impl TermList {
    /// Adds the term that `parts` make at `position`, not before the last one.
    pub(crate) fn push(&mut self, position: usize, parts: &[&str]) {
        let position = (position as u32).max(self.position);
        (self.position..position).for_each(|_| self.encoded.push(NEXT_PLACE));
        self.position = position;
        self.encoded.push(TERM);
        let start = self.encoded.len() as u32;
        parts.iter().for_each(|it| self.encoded.push_str(it));
        self.entries.push(Entry { start, end: self.encoded.len() as u32, position });
    }

    /// All as one text, for [`TERMS_TOKENIZER`].
    pub(crate) fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The terms with their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.entries.iter().map(|it| (self.text_of(*it), it.position))
    }

    /// Term number `n`.
    pub(crate) fn text(&self, n: usize) -> &str {
        self.text_of(self.entries[n])
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Forgets all terms and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.encoded.clear();
        self.entries.clear();
        self.position = 0;
    }

    fn text_of(&self, entry: Entry) -> &str {
        &self.encoded[entry.start as usize..entry.end as usize]
    }
}

#[derive(Clone, Default)]
struct TermTokenizer {
    token: Token,
}

struct TermStream<'a> {
    rest: &'a str,
    position: usize,
    token: &'a mut Token,
}

impl Tokenizer for TermTokenizer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        self.token.reset();
        TermStream { rest: text, position: 0, token: &mut self.token }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        // Byte by byte: terms are short, and no part of another character equals a sign.
        let is_sign = |it: u8| char::from(it) == TERM || char::from(it) == NEXT_PLACE;
        let Some(start) = self.rest.bytes().position(|it| char::from(it) == TERM) else {
            return false;
        };
        self.position += start; // Before a term stand only steps of one byte.
        let rest = &self.rest[start + 1..];
        let end = rest.bytes().position(is_sign).unwrap_or(rest.len());
        self.token.position = self.position;
        self.token.position_length = 1;
        self.token.text.clear();
        self.token.text.push_str(&rest[..end]);
        self.rest = &rest[end..];
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokenizer_reads_what_the_list_wrote() {
        let mut list = TermList::default();
        for (position, term) in
            [(0, "en:oil"), (0, "=oil"), (1, "xx:中国"), (101, "en:a"), (101, ""), (102, "b")]
        {
            list.push(position, &[term]);
        }
        let mut tokenizer = TermTokenizer::default();
        let mut stream = tokenizer.token_stream(list.encoded());
        let mut read = Vec::new();
        while let Some(token) = stream.next() {
            read.push((token.text.clone(), token.position as u32));
        }
        let written: Vec<(String, u32)> =
            list.iter().map(|(text, position)| (text.to_owned(), position)).collect();
        assert_eq!(read, written);
        assert!(TermTokenizer::default().token_stream("").next().is_none());
    }
}
