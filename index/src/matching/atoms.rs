//! [`Atoms`]: numbers for "this word, or value, is in that field", and which of them an article has.

use std::collections::HashMap;

use tantivy::schema::Field;

use crate::schema::Fields;
use crate::tokenizer::{Language, Stems, TermList, WordMap, stem};

/// Ends a chain in [`Atoms::chain`].
const END: u32 = u32::MAX;
/// Share of the articles that are taken to have an atom of which nothing is known.
const FREQUENCY_UNKNOWN: f64 = 0.05;
/// Articles after which what was seen outweighs [`FREQUENCY_UNKNOWN`].
const N_ARTICLES_TO_KNOW: f64 = 20.0;
/// Bits of [`Atoms::places`] for the position; the rest of the lower half are the readings.
const READING_BITS: u32 = 2;

/// What an atom says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum AtomKey {
    /// A word, in lower case, in a field that holds stems. Words of scripts without spaces are
    /// the same in all languages.
    Word { field: Field, lower: Box<str>, is_dense: bool },
    /// The start of a term of a field of words.
    Prefix { field: Field, start: Box<str> },
    /// A whole value of a field of keys.
    Key { field: Field, term: Box<str> },
    /// A value of a column.
    Column { field: Field, value: Box<str> },
}

/// As a word of a phrase is read: with its accents, or without.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    Accented = 1,
    Plain = 2,
}

/// All atoms, and those of the article in hand.
pub(super) struct Atoms {
    fields: Fields,
    numbers: WordMap<AtomKey, u32>,
    /// Atoms of words by field, with the word: what a new language must stem.
    words: HashMap<Field, Vec<(Box<str>, bool, u32)>>,
    /// Terms of words in the languages seen so far: where in `chain` their atoms start.
    stems: HashMap<(Field, Language), WordMap<Box<str>, u32>>,
    chain: Vec<Link>,
    prefixes: HashMap<Field, Prefixes>,
    keys: HashMap<Field, WordMap<Box<str>, u32>>,
    columns: HashMap<Field, WordMap<Box<str>, u32>>,
    known: Vec<Known>,
    /// By atom: the last article that had it.
    seen_at: Vec<u32>,
    epoch: u32,
    present: Vec<u32>,
    /// Where the article in hand has the atoms of phrases: atom, position, readings.
    places: Vec<u64>,
    n_articles: u32,
}

/// One of the atoms that a term stands for.
#[derive(Clone, Copy)]
struct Link {
    atom: u32,
    /// Bits of [`Reading`].
    readings: u8,
    next: u32,
}

/// What is known of an atom.
#[derive(Clone, Copy)]
struct Known {
    /// Articles that had it.
    n_seen: u32,
    /// Articles before the first that could have it.
    born_at: u32,
    is_in_phrase: bool,
}

#[derive(Default)]
struct Prefixes {
    by_start: WordMap<Box<str>, u32>,
    /// Bytes of the starts, each once, rising.
    lengths: Vec<usize>,
}

impl Atoms {
    pub(super) fn new(fields: Fields) -> Atoms {
        Atoms {
            fields,
            numbers: WordMap::default(),
            words: HashMap::new(),
            stems: HashMap::new(),
            chain: Vec::new(),
            prefixes: HashMap::new(),
            keys: HashMap::new(),
            columns: HashMap::new(),
            known: Vec::new(),
            seen_at: Vec::new(),
            epoch: 0,
            present: Vec::new(),
            places: Vec::new(),
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
        self.known.push(Known { n_seen: 0, born_at: self.n_articles, is_in_phrase: false });
        match &key {
            AtomKey::Word { field, lower, is_dense } => {
                for ((of, language), terms) in &mut self.stems {
                    if of == field {
                        add_word(terms, &mut self.chain, (lower, *is_dense, number), *language);
                    }
                }
                let word = (lower.clone(), *is_dense, number);
                self.words.entry(*field).or_default().push(word);
            }
            AtomKey::Prefix { field, start } => {
                let prefixes = self.prefixes.entry(*field).or_default();
                prefixes.by_start.insert(start.clone(), number);
                if let Err(place) = prefixes.lengths.binary_search(&start.len()) {
                    prefixes.lengths.insert(place, start.len());
                }
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

    /// Keeps the places of `atom` in articles to come.
    pub(super) fn note_places(&mut self, atom: u32) {
        self.known[atom as usize].is_in_phrase = true;
    }

    /// Starts on another article.
    pub(super) fn begin(&mut self) {
        self.epoch = self.epoch.checked_add(1).unwrap_or_else(|| {
            self.seen_at.fill(0);
            1
        });
        self.n_articles = self.n_articles.saturating_add(1);
        self.present.clear();
        self.places.clear();
    }

    /// Notes the atoms of a field of words, for an article in `language`.
    pub(super) fn see_words(&mut self, field: Field, list: &TermList, language: Language) {
        let language = language_of(field, &self.fields, language);
        if self.words.contains_key(&field) {
            self.know(field, language);
        }
        if let Some(terms) = self.stems.get(&(field, language)) {
            for (text, position) in list.iter() {
                let mut at = terms.get(text).copied().unwrap_or(END);
                while let Some(link) = self.chain.get(at as usize) {
                    let atom = link.atom as usize;
                    if self.seen_at[atom] != self.epoch {
                        self.seen_at[atom] = self.epoch;
                        self.present.push(link.atom);
                    }
                    if self.known[atom].is_in_phrase {
                        self.places.push(place(link.atom, position, link.readings));
                    }
                    at = link.next;
                }
            }
        }
        let Some(prefixes) = self.prefixes.get(&field) else { return };
        for (text, _) in list.iter() {
            let lengths = prefixes.lengths.iter().take_while(|it| **it <= text.len());
            for start in lengths.filter_map(|it| text.get(..*it)) {
                if let Some(&atom) = prefixes.by_start.get(start)
                    && self.seen_at[atom as usize] != self.epoch
                {
                    self.seen_at[atom as usize] = self.epoch;
                    self.present.push(atom);
                }
            }
        }
    }

    /// Notes a value of a field of keys.
    pub(super) fn see_key(&mut self, field: Field, value: &str) {
        let atom = self.keys.get(&field).and_then(|it| it.get(value)).copied();
        self.see(atom);
    }

    /// Notes a value of a column.
    pub(super) fn see_column(&mut self, field: Field, value: &str) {
        let atom = self.columns.get(&field).and_then(|it| it.get(value)).copied();
        self.see(atom);
    }

    fn see(&mut self, atom: Option<u32>) {
        if let Some(atom) = atom
            && self.seen_at[atom as usize] != self.epoch
        {
            self.seen_at[atom as usize] = self.epoch;
            self.present.push(atom);
        }
    }

    /// All of the article has been seen; returns its number, never 0.
    pub(super) fn finish(&mut self) -> u32 {
        self.places.sort_unstable();
        for &atom in &self.present {
            let known = &mut self.known[atom as usize];
            known.n_seen = known.n_seen.saturating_add(1);
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

    /// The places of `atom` in the article in hand, all readings.
    pub(super) fn places(&self, atom: u32) -> Places<'_> {
        let first = self.places.partition_point(|it| *it < place(atom, 0, 0));
        let rest = &self.places[first..];
        let end = rest.partition_point(|it| *it >> 32 == u64::from(atom));
        Places { places: &rest[..end] }
    }

    /// Share of the articles that have `atom`, as far as can be told, `0.0..=1.0`.
    pub(super) fn frequency(&self, atom: u32) -> f64 {
        let known = self.known[atom as usize];
        let n_articles = f64::from(self.n_articles.saturating_sub(known.born_at));
        (f64::from(known.n_seen) + FREQUENCY_UNKNOWN * N_ARTICLES_TO_KNOW)
            / (n_articles + N_ARTICLES_TO_KNOW)
    }

    /// Stems the words of `field` in `language`, once.
    fn know(&mut self, field: Field, language: Language) {
        if self.stems.contains_key(&(field, language)) {
            return;
        }
        let mut terms = WordMap::default();
        for (lower, is_dense, number) in self.words.get(&field).into_iter().flatten() {
            add_word(&mut terms, &mut self.chain, (lower, *is_dense, *number), language);
        }
        self.stems.insert((field, language), terms);
    }
}

fn place(atom: u32, position: u32, readings: u8) -> u64 {
    u64::from(atom) << 32 | u64::from(position) << READING_BITS | u64::from(readings)
}

/// The places of one atom in an article, rising.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    places: &'a [u64],
}

impl<'a> Places<'a> {
    /// The positions in one reading, rising, each once.
    pub(super) fn positions(self, reading: Reading) -> impl Iterator<Item = u32> + 'a {
        let read = self.places.iter().filter(move |it| **it & reading as u64 != 0);
        read.map(|it| (*it as u32) >> READING_BITS)
    }

    /// Whether the atom stands at `position` in this reading.
    pub(super) fn has(self, position: u32, reading: Reading) -> bool {
        let position_of = |it: u64| (it as u32) >> READING_BITS;
        let first = self.places.partition_point(|it| position_of(*it) < position);
        let mut same = self.places[first..].iter().take_while(|it| position_of(**it) == position);
        same.any(|it| it & reading as u64 != 0)
    }

    pub(super) fn len(self) -> usize {
        self.places.len()
    }
}

/// The language in which the terms of `field` are stemmed, for an article in `language`.
fn language_of(field: Field, fields: &Fields, language: Language) -> Language {
    if field == fields.author || field == fields.source_name {
        Language::Other
    } else if field == fields.sector_name {
        Language::English
    } else {
        language
    }
}

fn add_word(
    terms: &mut WordMap<Box<str>, u32>,
    chain: &mut Vec<Link>,
    (lower, is_dense, atom): (&str, bool, u32),
    language: Language,
) {
    let language = if is_dense { Language::Other } else { language };
    let Stems { stem, plain_stem, .. } = stem(lower, language);
    let (accented, plain) = (Reading::Accented as u8, Reading::Plain as u8);
    let readings = if plain_stem.is_some() { accented } else { accented | plain };
    let mut add = |term: String, readings| {
        let first = terms.entry(term.into()).or_insert(END);
        chain.push(Link { atom, readings, next: *first });
        *first = (chain.len() - 1) as u32;
    };
    add(stem, readings);
    if let Some(plain_stem) = plain_stem {
        add(plain_stem, plain);
    }
}
