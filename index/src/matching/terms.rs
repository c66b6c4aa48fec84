//! The terms of one article, as the index would hold them: [`Terms`].

use std::cell::OnceCell;

use tantivy::schema::Field;
use tantivy::tokenizer::Token;

use crate::document::Sink;
use crate::schema::ID_NAME_SEPARATOR;
use crate::snippet::is_near;

/// What one article would add to the index.
#[derive(Default)]
pub(super) struct Terms {
    words: Vec<FieldTerms>,
    columns: Vec<(Field, String)>,
    seconds: Vec<(Field, i64)>,
}

/// The terms of one field.
struct FieldTerms {
    field: Field,
    tokens: Vec<Token>,
    /// Places in `tokens` by text and then position; made when first needed.
    sorted: OnceCell<Vec<u32>>,
    /// By place in `tokens`; made when first needed.
    shapes: OnceCell<Vec<Shape>>,
}

/// What tells quickly that two words differ by many edits: their lengths and letters.
#[derive(Clone, Copy)]
struct Shape {
    n_chars: u32,
    /// A bit for each letter, some sharing one.
    letters: u64,
}

impl Shape {
    fn of(word: &str) -> Shape {
        let mut shape = Shape { n_chars: 0, letters: 0 };
        for it in word.chars() {
            shape.n_chars += 1;
            shape.letters |= 1 << (it as u32 % 64);
        }
        shape
    }

    /// An edit changes the length by one at most, and takes and brings one letter at most.
    fn may_be_near(self, other: Shape, distance: u8) -> bool {
        let distance = u32::from(distance);
        self.n_chars.abs_diff(other.n_chars) <= distance
            && (self.letters ^ other.letters).count_ones() <= 2 * distance
    }
}

impl Sink for Terms {
    fn words(&mut self, field: Field, tokens: Vec<Token>) {
        match self.words.iter_mut().find(|it| it.field == field) {
            Some(known) => known.tokens.extend(tokens),
            None => self.words.push(FieldTerms {
                field,
                tokens,
                sorted: OnceCell::new(),
                shapes: OnceCell::new(),
            }),
        }
    }

    fn column(&mut self, field: Field, value: &str) {
        let id = value.split(ID_NAME_SEPARATOR).next().unwrap_or(value);
        self.columns.push((field, id.to_owned()));
    }

    fn seconds(&mut self, field: Field, value: i64) {
        self.seconds.push((field, value));
    }
}

impl Terms {
    /// Every field with its terms.
    pub(super) fn words(&self) -> impl Iterator<Item = (Field, &[Token])> {
        self.words.iter().map(|it| (it.field, it.tokens.as_slice()))
    }

    /// Every value of a column.
    pub(super) fn columns(&self) -> impl Iterator<Item = (Field, &str)> {
        self.columns.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// The instant in `field`, in seconds since 1970.
    pub(super) fn second(&self, field: Field) -> Option<i64> {
        self.seconds.iter().find(|(it, _)| *it == field).map(|(_, value)| *value)
    }

    /// The places of `term` in `field`, rising; empty when it is not there.
    pub(super) fn positions(&self, field: Field, term: &str) -> Vec<u32> {
        let Some(terms) = self.of(field) else { return Vec::new() };
        let sorted = terms.sorted();
        let first = sorted.partition_point(|it| terms.text(*it) < term);
        let same = sorted[first..].iter().take_while(|it| terms.text(**it) == term);
        same.map(|it| terms.tokens[*it as usize].position as u32).collect()
    }

    /// Whether a term of `field` starts with `start`.
    pub(super) fn has_prefix(&self, field: Field, start: &str) -> bool {
        let Some(terms) = self.of(field) else { return false };
        let sorted = terms.sorted();
        let first = sorted.partition_point(|it| terms.text(*it) < start);
        sorted.get(first).is_some_and(|it| terms.text(*it).starts_with(start))
    }

    /// Whether a term of `field` differs from `word` by at most `distance` edits.
    pub(super) fn has_near(&self, field: Field, word: &str, distance: u8) -> bool {
        let Some(terms) = self.of(field) else { return false };
        let wanted = Shape::of(word);
        let shapes = terms
            .shapes
            .get_or_init(|| terms.tokens.iter().map(|it| Shape::of(&it.text)).collect());
        let mut pairs = shapes.iter().zip(&terms.tokens);
        pairs.any(|(shape, token)| {
            shape.may_be_near(wanted, distance) && is_near(word, &token.text, distance)
        })
    }

    fn of(&self, field: Field) -> Option<&FieldTerms> {
        self.words.iter().find(|it| it.field == field)
    }
}

impl FieldTerms {
    fn text(&self, place: u32) -> &str {
        &self.tokens[place as usize].text
    }

    fn sorted(&self) -> &[u32] {
        self.sorted.get_or_init(|| {
            let mut places: Vec<u32> = (0..self.tokens.len() as u32).collect();
            places.sort_unstable_by_key(|it| {
                let token = &self.tokens[*it as usize];
                (token.text.as_str(), token.position)
            });
            places
        })
    }
}
