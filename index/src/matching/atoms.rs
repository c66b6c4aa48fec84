//! [`Atoms`]: numbers for "this word, or value, is in that field", and which of them an article has.

use std::collections::HashMap;

use tantivy::schema::Field;

use super::terms::Terms;
use crate::schema::Fields;
use crate::tokenizer::{Language, stem};

/// What an atom says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum AtomKey {
    /// A word, in lower case, in a field that holds stems. Words of scripts without spaces are
    /// the same in all languages.
    Word { field: Field, lower: Box<str>, is_dense: bool },
    /// A whole term of a field.
    Key { field: Field, term: Box<str> },
    /// A value of a column.
    Column { field: Field, value: Box<str> },
}

/// All atoms, and those of the article in hand.
pub(super) struct Atoms {
    fields: Fields,
    numbers: HashMap<AtomKey, u32>,
    /// Atoms of words by field, with the word: what a new language must stem.
    words: HashMap<Field, Vec<(Box<str>, bool, u32)>>,
    /// Terms of words in the languages seen so far.
    stems: HashMap<(Field, Language), HashMap<Box<str>, Vec<u32>>>,
    keys: HashMap<Field, HashMap<Box<str>, u32>>,
    columns: HashMap<Field, HashMap<Box<str>, u32>>,
    /// By atom: the last article that had it.
    seen_at: Vec<u32>,
    /// By atom: how many articles had it.
    n_seen: Vec<u32>,
    epoch: u32,
    present: Vec<u32>,
    n_articles: u32,
}

impl Atoms {
    pub(super) fn new(fields: Fields) -> Atoms {
        Atoms {
            fields,
            numbers: HashMap::new(),
            words: HashMap::new(),
            stems: HashMap::new(),
            keys: HashMap::new(),
            columns: HashMap::new(),
            seen_at: Vec::new(),
            n_seen: Vec::new(),
            epoch: 0,
            present: Vec::new(),
            n_articles: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.seen_at.len()
    }

    /// The number of `key`, a new one when it is not known.
    pub(super) fn number(&mut self, key: AtomKey) -> u32 {
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.seen_at.len() as u32;
        self.seen_at.push(0);
        self.n_seen.push(0);
        match &key {
            AtomKey::Word { field, lower, is_dense } => {
                for ((of, language), stems) in &mut self.stems {
                    if of == field {
                        add_word(stems, lower, *is_dense, *language, number);
                    }
                }
                let word = (lower.clone(), *is_dense, number);
                self.words.entry(*field).or_default().push(word);
            }
            AtomKey::Key { field, term } => {
                self.keys.entry(*field).or_default().insert(term.clone(), number);
            }
            AtomKey::Column { field, value } => {
                self.columns.entry(*field).or_default().insert(value.clone(), number);
            }
        }
        self.numbers.insert(key, number);
        number
    }

    /// Notes which atoms the article of `terms` has; returns its number, never 0.
    pub(super) fn mark(&mut self, terms: &Terms, language: Language) -> u32 {
        self.epoch = self.epoch.checked_add(1).unwrap_or_else(|| {
            self.seen_at.fill(0);
            1
        });
        self.n_articles = self.n_articles.saturating_add(1);
        self.present.clear();
        for (field, tokens) in terms.words() {
            if self.words.contains_key(&field) {
                self.know(field, language_of(field, &self.fields, language));
            }
            let stems = self.stems.get(&(field, language_of(field, &self.fields, language)));
            let keys = self.keys.get(&field);
            for token in tokens {
                let of_stem = stems.and_then(|it| it.get(token.text.as_str()));
                let of_key = keys.and_then(|it| it.get(token.text.as_str()));
                for &atom in of_stem.into_iter().flatten().chain(of_key) {
                    let last = &mut self.seen_at[atom as usize];
                    if *last != self.epoch {
                        *last = self.epoch;
                        self.present.push(atom);
                    }
                }
            }
        }
        for (field, value) in terms.columns() {
            let known = self.columns.get(&field).and_then(|it| it.get(value));
            if let Some(&atom) = known
                && self.seen_at[atom as usize] != self.epoch
            {
                self.seen_at[atom as usize] = self.epoch;
                self.present.push(atom);
            }
        }
        for &atom in &self.present {
            self.n_seen[atom as usize] = self.n_seen[atom as usize].saturating_add(1);
        }
        self.epoch
    }

    /// The atoms of the article in hand, each once.
    pub(super) fn present(&self) -> &[u32] {
        &self.present
    }

    /// Whether the article in hand has `atom`.
    pub(super) fn has(&self, atom: u32) -> bool {
        self.seen_at[atom as usize] == self.epoch
    }

    /// Share of the articles that have `atom`, as far as can be told, `0.0..=1.0`.
    pub(super) fn frequency(&self, atom: u32) -> f64 {
        let n_seen = f64::from(self.n_seen[atom as usize]);
        (n_seen + 0.5) / (f64::from(self.n_articles) + 1.0)
    }

    /// Stems the words of `field` in `language`, once.
    fn know(&mut self, field: Field, language: Language) {
        if self.stems.contains_key(&(field, language)) {
            return;
        }
        let mut stems = HashMap::new();
        for (lower, is_dense, number) in self.words.get(&field).into_iter().flatten() {
            add_word(&mut stems, lower, *is_dense, language, *number);
        }
        self.stems.insert((field, language), stems);
    }
}

/// The language in which the terms of `field` are stemmed, for an article in `language`.
pub(super) fn language_of(field: Field, fields: &Fields, language: Language) -> Language {
    if field == fields.author || field == fields.source_name {
        Language::Other
    } else if field == fields.sector_name {
        Language::English
    } else {
        language
    }
}

fn add_word(
    stems: &mut HashMap<Box<str>, Vec<u32>>,
    lower: &str,
    is_dense: bool,
    language: Language,
    number: u32,
) {
    let language = if is_dense { Language::Other } else { language };
    let found = stem(lower, language);
    for term in [Some(found.stem), found.plain_stem].into_iter().flatten() {
        stems.entry(term.into()).or_default().push(number);
    }
}
