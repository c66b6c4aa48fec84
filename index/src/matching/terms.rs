//! What of one article is needed after its atoms are known: [`Terms`].

use tantivy::schema::Field;

use super::atoms::Atoms;
use crate::document::Sink;
use crate::schema::ID_NAME_SEPARATOR;
use crate::snippet::is_near;
use crate::tokenizer::{Language, TermList};

/// Terms of more characters are in one drawer.
const LENGTH_MAX: usize = 32;

/// What of an article is looked at again: its times, and words that fuzzy ones are held against.
#[derive(Default)]
pub(super) struct Terms {
    /// The first of them, as many as `n_fuzzy` says, are of the article in hand.
    fuzzy: Vec<FuzzyTerms>,
    n_fuzzy: usize,
    seconds: Vec<(Field, i64)>,
}

/// The terms of one field, by length.
struct FuzzyTerms {
    field: Field,
    terms: TermList,
    /// By characters of the term: its place in `terms`, and its letters.
    drawers: [Vec<(u32, u64)>; LENGTH_MAX + 1],
}

/// A bit for each letter of a word, some sharing one.
fn letters(word: &str) -> u64 {
    word.chars().fold(0, |letters, it| letters | 1 << (it as u32 % 64))
}

impl Terms {
    pub(super) fn clear(&mut self) {
        self.n_fuzzy = 0;
        self.seconds.clear();
    }

    /// Keeps the terms of `field` for fuzzy words.
    fn keep(&mut self, field: Field, terms: &TermList) {
        if self.fuzzy.len() == self.n_fuzzy {
            let drawers = std::array::from_fn(|_| Vec::new());
            self.fuzzy.push(FuzzyTerms { field, terms: TermList::default(), drawers });
        }
        let kept = &mut self.fuzzy[self.n_fuzzy];
        self.n_fuzzy += 1;
        kept.field = field;
        kept.terms.clone_from(terms);
        kept.drawers.iter_mut().for_each(Vec::clear);
        for (n, (text, _)) in terms.iter().enumerate() {
            let n_chars = text.chars().count().min(LENGTH_MAX);
            kept.drawers[n_chars].push((n as u32, letters(text)));
        }
    }

    /// The instant in `field`, in seconds since 1970.
    pub(super) fn second(&self, field: Field) -> Option<i64> {
        self.seconds.iter().find(|(it, _)| *it == field).map(|(_, value)| *value)
    }

    /// Whether a term of `field` differs from `word` by at most `distance` edits.
    pub(super) fn has_near(&self, field: Field, word: &str, distance: u8) -> bool {
        let Some(kept) = self.fuzzy[..self.n_fuzzy].iter().find(|it| it.field == field) else {
            return false;
        };
        let (n_chars, wanted) = (word.chars().count(), letters(word));
        let edits = usize::from(distance);
        let (least, most) = (n_chars.saturating_sub(edits), n_chars + edits);
        // An edit changes the length by one at most, and takes and brings one letter at most.
        let drawers = &kept.drawers[least.min(LENGTH_MAX)..=most.min(LENGTH_MAX)];
        drawers.iter().flatten().any(|(n, letters)| {
            (letters ^ wanted).count_ones() <= 2 * u32::from(distance)
                && is_near(word, kept.terms.text(*n as usize), distance)
        })
    }
}

/// Takes the fields of an article and notes its atoms.
pub(super) struct Marker<'a> {
    pub(super) atoms: &'a mut Atoms,
    pub(super) terms: &'a mut Terms,
    /// By number of the field: whether fuzzy words ask for it.
    pub(super) is_fuzzy: &'a [bool],
    pub(super) language: Language,
}

impl Sink for Marker<'_> {
    fn words(&mut self, field: Field, terms: &TermList) {
        self.atoms.see_words(field, terms, self.language);
        if self.is_fuzzy.get(field.field_id() as usize).copied().unwrap_or(false) {
            self.terms.keep(field, terms);
        }
    }

    fn key(&mut self, field: Field, value: &str) {
        self.atoms.see_key(field, value);
    }

    fn column(&mut self, field: Field, value: &str) {
        let id = value.split(ID_NAME_SEPARATOR).next().unwrap_or(value);
        self.atoms.see_column(field, id);
    }

    fn seconds(&mut self, field: Field, value: i64) {
        self.terms.seconds.push((field, value));
    }
}
