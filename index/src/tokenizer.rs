//! Text → terms: words in their language, stemmed, with accents folded.
//!
//! Every term carries its language (`en:attack`), so that a word is stemmed by the rules of the
//! text it stands in and a query word finds it through the stem it has in each language. Chinese,
//! Japanese, Korean, Thai and their like have no spaces: there, each pair of neighbouring
//! characters is a term.
//!
//! Reading order: this file, [`language`], `words` (text → words), `fold` (accents), `terms` (terms on
//! their way into the index).

mod fold;
pub mod language;
mod terms;
mod words;

use std::collections::HashMap;
use std::ops::Range;

use foldhash::fast::RandomState;

pub use language::Language;
pub(crate) use terms::{TERMS_TOKENIZER, TermList, register};
pub(crate) use words::{Word, WordKind, words};

use fold::fold;

/// Stems of one generation of an [`Analyzer`], which keeps two.
const N_STEMS_MAX: usize = 60_000;

/// A map for words of hostile texts: seeded, and faster than the standard hasher.
pub(crate) type WordMap<K, V> = HashMap<K, V, RandomState>;

/// Turns words into terms. Not shared between threads: it remembers the stems it has seen.
///
/// When the young generation is full, it becomes the old one, and the old one goes: words in use
/// are always kept, words seen once are not.
#[derive(Default)]
pub(crate) struct Analyzer {
    /// By [`Language`], as it is numbered.
    young: Vec<WordMap<Box<str>, Stems>>,
    old: Vec<WordMap<Box<str>, Stems>>,
    n_young: usize,
    lower: String,
}

/// The terms of one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stems {
    /// The word in lower case without accents: what prefixes and fuzzy words are compared with.
    pub(crate) surface: String,
    /// Its term with the language, stem first and then folded.
    pub(crate) stem: String,
    /// Folded first and then stemmed, when that gives another term: so `securite` and
    /// `sécurité` find each other.
    pub(crate) plain_stem: Option<String>,
}

/// One word of a text with its terms.
pub(crate) struct Analyzed<'a> {
    /// Bytes of the word in the text.
    pub(crate) span: Range<usize>,
    /// Number of the word in the text.
    pub(crate) position: usize,
    /// Its terms.
    pub(crate) stems: &'a Stems,
}

impl Analyzer {
    pub(crate) fn new() -> Analyzer {
        Analyzer::default()
    }

    /// Calls `visit` for every word of `text`, read as `language`, until it returns `false`.
    pub(crate) fn analyze(
        &mut self,
        text: &str,
        language: Language,
        mut visit: impl FnMut(Analyzed<'_>) -> bool,
    ) {
        for (position, word) in words(text).enumerate() {
            let stems = self.stems(&text[word.span.clone()], &word, language);
            if !visit(Analyzed { span: word.span, position, stems }) {
                break;
            }
        }
    }

    fn stems(&mut self, text: &str, word: &Word, language: Language) -> &Stems {
        let language = match word.kind {
            WordKind::Dense => Language::Other,
            WordKind::Spaced | WordKind::Acronym => language,
        };
        lower_into(text, word.kind, &mut self.lower);
        let place = language as usize;
        if self.young.len() <= place {
            self.young.resize_with(Language::ALL.len(), WordMap::default);
            self.old.resize_with(Language::ALL.len(), WordMap::default);
        }
        if !self.young[place].contains_key(self.lower.as_str()) {
            if self.n_young >= N_STEMS_MAX {
                std::mem::swap(&mut self.young, &mut self.old);
                self.young.iter_mut().for_each(WordMap::clear);
                self.n_young = 0;
            }
            let (lower, stems) = self.old[place]
                .remove_entry(self.lower.as_str())
                .unwrap_or_else(|| (self.lower.as_str().into(), stem(&self.lower, language)));
            self.n_young += 1;
            self.young[place].insert(lower, stems);
        }
        &self.young[place][self.lower.as_str()]
    }

    /// Adds the terms of `text` in `language` to `terms`, with places that start at
    /// `position_first`; tells `on_word` how each word is spelt. Returns the place after the last.
    ///
    /// `with_surface` also gives the surface forms as terms in the same place, for short fields
    /// that are searched by prefix too.
    pub(crate) fn terms(
        &mut self,
        text: &str,
        language: Language,
        position_first: usize,
        with_surface: bool,
        terms: &mut TermList,
        mut on_word: impl FnMut(&str),
    ) -> usize {
        let mut position_next = position_first;
        self.analyze(text, language, |word| {
            let position = position_first + word.position;
            position_next = position + 1;
            terms.push(position, &[&word.stems.stem]);
            if let Some(plain_stem) = &word.stems.plain_stem {
                terms.push(position, &[plain_stem]);
            }
            if with_surface {
                terms.push(position, &[SPELT, &word.stems.surface]);
            }
            on_word(&word.stems.surface);
            true
        });
        position_next
    }
}

/// What the term of a word as spelt starts with, in fields that also hold stems; no stem does.
const SPELT: &str = "=";

/// The term of a word as spelt, in fields that also hold stems.
pub(crate) fn spelt(surface: &str) -> String {
    format!("{SPELT}{surface}")
}

/// The word `text` in lower case, as it is stemmed.
pub(crate) fn lower(text: &str, kind: WordKind) -> String {
    let mut lower = String::with_capacity(text.len());
    lower_into(text, kind, &mut lower);
    lower
}

fn lower_into(text: &str, kind: WordKind, lower: &mut String) {
    lower.clear();
    if text.is_ascii() && kind != WordKind::Acronym {
        lower.push_str(text);
        lower.make_ascii_lowercase();
        return;
    }
    for it in text.chars() {
        match it {
            '.' if kind == WordKind::Acronym => (),
            '’' => lower.push('\''),
            it if it.is_ascii() => lower.push(it.to_ascii_lowercase()),
            it => lower.extend(it.to_lowercase()),
        }
    }
}

/// The terms of a word that [`lower`] made.
pub(crate) fn stem(lower: &str, language: Language) -> Stems {
    let tag = language.tag();
    let tagged = |word: &str| format!("{tag}:{word}");
    let surface = fold(lower).into_owned();
    let stem = match language.stemmer() {
        Some(stemmer) => tagged(&fold(&stemmer.stem(lower))),
        None => tagged(&surface),
    };
    let plain_stem = match language.stemmer() {
        Some(stemmer) if surface != lower => Some(tagged(&stemmer.stem(&surface))),
        _ => None,
    };
    let plain_stem = plain_stem.filter(|it| *it != stem);
    Stems { surface, stem, plain_stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, language: &str, expected: &[&str]) {
        let mut terms = Vec::new();
        Analyzer::new().analyze(text, Language::of(Some(language)), |it| {
            terms.push(it.stems.stem.clone());
            true
        });
        assert_eq!(terms, expected);
    }

    #[test]
    fn words_are_stemmed_by_the_rules_of_their_language() {
        check("Attacks attacked", "en", &["en:attack", "en:attack"]);
        check("Angriffe auf Häuser", "de", &["de:angriff", "de:auf", "de:haus"]);
        check("Les attaques", "fr", &["fr:le", "fr:attaqu"]);
        check("атаки", "ru", &["ru:атак"]);
        check("Ataki na sieć", "xx", &["xx:ataki", "xx:na", "xx:siec"]);
    }

    #[test]
    fn possessives_acronyms_and_elisions_are_read_as_people_do() {
        check("Iran's U.S. U.N.'s", "en", &["en:iran", "en:us", "en:un"]);
        check("l'attaque d’Iran", "fr", &["fr:l", "fr:attaqu", "fr:d", "fr:iran"]);
        check("CVE-2024-1234", "en", &["en:cve", "en:2024", "en:1234"]);
    }

    #[test]
    fn scripts_without_spaces_become_pairs_of_characters() {
        check("中国对美国", "zh", &["xx:中国", "xx:国对", "xx:对美", "xx:美国", "xx:国"]);
        check("AI技术", "zh", &["xx:ai", "xx:技术", "xx:术"]);
        check("東京は", "ja", &["xx:東京", "xx:京は", "xx:は"]);
    }

    #[test]
    fn accents_may_be_left_out() {
        let mut analyzer = Analyzer::new();
        let mut stems = Vec::new();
        analyzer.analyze("sécurité securite", Language::of(Some("fr")), |it| {
            stems.push(it.stems.clone());
            true
        });
        assert_eq!(stems[0].surface, "securite");
        assert_eq!(stems[0].plain_stem.as_ref(), Some(&stems[1].stem));
    }
}
