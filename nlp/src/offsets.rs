//! Between characters, which the outside counts, and bytes, which Rust slices.

use std::ops::Range;

/// Character and byte positions of one text.
///
/// ASCII texts need no table; others keep the byte offset of every character.
#[derive(Clone, Debug)]
pub struct Offsets {
    n_bytes: usize,
    byte_of_char: Option<Vec<u32>>,
}

impl Offsets {
    /// Reads `text` once. Texts over 4 GiB are not supported (articles end at 1 000 000 characters).
    pub fn of(text: &str) -> Offsets {
        let byte_of_char = (!text.is_ascii()).then(|| {
            let starts = text.char_indices().map(|(at, _)| at as u32);
            starts.chain([text.len() as u32]).collect()
        });
        Offsets { n_bytes: text.len(), byte_of_char }
    }

    /// Byte position of character `char_at`; positions past the end give the length in bytes.
    pub fn byte(&self, char_at: usize) -> usize {
        match &self.byte_of_char {
            None => char_at.min(self.n_bytes),
            Some(table) => table.get(char_at).map_or(self.n_bytes, |&at| at as usize),
        }
    }

    /// Number of the character that holds byte `byte_at`; past the end it is the character count.
    pub fn char(&self, byte_at: usize) -> usize {
        match &self.byte_of_char {
            None => byte_at.min(self.n_bytes),
            Some(table) => {
                let last = table.len() - 1;
                let after = table.partition_point(|&at| at as usize <= byte_at);
                after.saturating_sub(1).min(last)
            }
        }
    }

    /// The byte range of the characters `start..end`, always in bounds and on `char` boundaries.
    pub fn byte_range(&self, start: usize, end: usize) -> Range<usize> {
        let start_byte = self.byte(start);
        start_byte..self.byte(end).max(start_byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str) {
        let offsets = Offsets::of(text);
        for (n_before, (at, _)) in text.char_indices().enumerate() {
            assert_eq!(offsets.byte(n_before), at);
            assert_eq!(offsets.char(at), n_before);
        }
        let n_chars = text.chars().count();
        assert_eq!(offsets.byte(n_chars + 7), text.len());
        assert_eq!(offsets.char(text.len() + 7), n_chars);
    }

    #[test]
    fn characters_and_bytes_agree_with_the_standard_library() {
        check("");
        check("Iran would punish Americans");
        check("Иран 🛢 would “punish” é");
    }
}
