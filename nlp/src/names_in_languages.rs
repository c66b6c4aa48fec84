//! Finds the names of known entities in texts of other languages than English.
//!
//! A text is searched for the names of its own language. Words of a script that its language does
//! not use (`Россия` in an English text) may be of any language of that script; Latin words of other
//! languages are not looked for. Scripts with spaces are read word by word, endings and prefixes by
//! [`crate::inflection`]; Chinese, Japanese and Thai are read sign by sign, longest name first.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use config::GazetteerEntity;

use crate::inflection::{is_adjective, is_form, particle, prefixes};
use crate::script::{Script, folded, joins, offset_after, script_of, stands_alone, start, words};

/// Letters that names are filed under.
const N_KEY_LETTERS: usize = 2;
/// Signs that names are filed under where a text has no spaces.
const N_KEY_SIGNS: usize = 2;

/// Languages with names in the built-in list, and the script that each is written in.
const LANGUAGES: &[(&str, Script)] = &[
    ("ar", Script::Arabic),
    ("bg", Script::Cyrillic),
    ("bn", Script::Bengali),
    ("ca", Script::Latin),
    ("cs", Script::Latin),
    ("da", Script::Latin),
    ("de", Script::Latin),
    ("el", Script::Greek),
    ("es", Script::Latin),
    ("et", Script::Latin),
    ("fa", Script::Arabic),
    ("fi", Script::Latin),
    ("fr", Script::Latin),
    ("he", Script::Hebrew),
    ("hi", Script::Devanagari),
    ("hr", Script::Latin),
    ("hu", Script::Latin),
    ("id", Script::Latin),
    ("it", Script::Latin),
    ("ja", Script::Signs),
    ("ko", Script::Hangul),
    ("lt", Script::Latin),
    ("lv", Script::Latin),
    ("nl", Script::Latin),
    ("no", Script::Latin),
    ("pl", Script::Latin),
    ("pt", Script::Latin),
    ("ro", Script::Latin),
    ("ru", Script::Cyrillic),
    ("sk", Script::Latin),
    ("sr", Script::Cyrillic),
    ("sv", Script::Latin),
    ("th", Script::Thai),
    ("tr", Script::Latin),
    ("uk", Script::Cyrillic),
    ("ur", Script::Arabic),
    ("vi", Script::Latin),
    ("zh", Script::Signs),
];

/// How a name stands for its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LocalRole {
    Name,
    Demonym,
    /// Something else that holds the name.
    Phrase,
}

/// A name found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalMatch {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// Number of the entity among those that the names were taken from.
    pub(crate) entity: u32,
    pub(crate) role: LocalRole,
}

/// Names in other languages, ready for look-up.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamesInLanguages {
    names: Vec<LocalName>,
    /// Names by the first letters of their first word.
    by_letters: HashMap<Box<str>, Vec<u32>>,
    /// Names of languages without spaces by their first signs, longest name first.
    by_signs: HashMap<Box<str>, Vec<u32>>,
}

#[derive(Clone, Debug)]
struct LocalName {
    written: Box<str>,
    words: Box<[LocalWord]>,
    /// A bit for each of [`LANGUAGES`].
    languages: u64,
    entity: u32,
    is_country: bool,
    role: LocalRole,
}

#[derive(Clone, Debug)]
struct LocalWord {
    /// Bytes in the name.
    range: Range<usize>,
    folded: Box<str>,
    is_capital: bool,
    /// All letters are capitals: `США` counts as it is written only.
    is_abbreviation: bool,
}

impl NamesInLanguages {
    /// Takes the names that `entities` have in other languages.
    pub(crate) fn new(entities: &[GazetteerEntity]) -> NamesInLanguages {
        let mut all = NamesInLanguages::default();
        for (at, entity) in entities.iter().enumerate() {
            let is_country = entity.kind == config::GazetteerKind::Country;
            for row in &entity.in_languages {
                let languages = row.languages.iter().filter_map(|it| bit(it)).fold(0, |a, b| a | b);
                let names = row.names.iter().map(|it| (it, LocalRole::Name));
                let demonyms = row.demonyms.iter().map(|it| (it, LocalRole::Demonym));
                let phrases = row.phrases.iter().map(|it| (it, LocalRole::Phrase));
                for (written, role) in names.chain(demonyms).chain(phrases) {
                    let words = local_words(written);
                    let entity = at as u32;
                    let written = Box::from(written.as_str());
                    all.add(LocalName { written, words, languages, entity, is_country, role });
                }
            }
        }
        let names = &all.names;
        for longest_first in all.by_signs.values_mut() {
            longest_first.sort_by_key(|&it| std::cmp::Reverse(names[it as usize].written.len()));
        }
        all
    }

    fn add(&mut self, name: LocalName) {
        let Some(first) = name.words.first() else { return };
        let number = self.names.len() as u32;
        let signs = languages_where(is_without_spaces);
        if name.languages & !signs != 0 {
            let key = start(&first.folded, N_KEY_LETTERS);
            self.by_letters.entry(Box::from(key)).or_default().push(number);
        }
        if name.languages & signs != 0 {
            let key = start(&name.written, N_KEY_SIGNS);
            self.by_signs.entry(Box::from(key)).or_default().push(number);
        }
        self.names.push(name);
    }

    /// The names in `text`, by start; they do not overlap. `language` is the text's, a code of ISO
    /// 639-1; `None` when it is not known. Phrases that mean something else are among them.
    pub(crate) fn find(&self, text: &str, language: Option<&str>) -> Vec<LocalMatch> {
        let code = language.and_then(|it| it.split('-').next());
        let code = if code == Some("nb") || code == Some("nn") { Some("no") } else { code };
        let own = code.and_then(|code| LANGUAGES.iter().find(|it| it.0 == code));
        match own {
            _ if self.names.is_empty() => vec![],
            Some((code, _)) if is_without_spaces(code) => self.find_signs(text, code),
            None if text.is_ascii() => vec![],
            _ => self.find_words(text, own),
        }
    }

    fn find_words(&self, text: &str, own: Option<&(&str, Script)>) -> Vec<LocalMatch> {
        let words = words(text);
        let mut found = vec![];
        let mut at = 0;
        while at < words.len() {
            let languages = languages_of(&text[words[at].clone()], own);
            // A joiner without width stands inside a word.
            let is_inside = text[..words[at].start].ends_with('\u{200c}');
            let best = match languages {
                0 => None,
                _ if is_inside => None,
                _ => self.best_at(text, &words[at..], languages),
            };
            at += best.as_ref().map_or(1, |it| it.n_words);
            found.extend(best.map(|it| it.found));
        }
        found
    }

    /// The longest name that starts with the first of `words`; of several the one as written.
    fn best_at(&self, text: &str, words: &[Range<usize>], languages: u64) -> Option<Candidate> {
        let word = &text[words[0].clone()];
        let whole = folded(word);
        let mut best: Option<Candidate> = None;
        for reading in readings(word, &whole, languages) {
            let numbers = self.by_letters.get(start(&reading.folded, N_KEY_LETTERS));
            for &number in numbers.into_iter().flatten() {
                let name = &self.names[number as usize];
                let shared = name.languages & reading.languages;
                let end = match shared {
                    0 => None,
                    _ => name.end_of_match(text, words, &reading, shared),
                };
                let Some(end) = end else { continue };
                let found = LocalMatch {
                    range: words[0].start + reading.from..end,
                    entity: name.entity,
                    role: name.role,
                };
                let n_words = name.words.len();
                let is_exact = *reading.folded == *name.words[0].folded;
                let rank = (n_words, is_exact, name.is_country);
                if best.as_ref().is_none_or(|it| it.rank < rank) {
                    best = Some(Candidate { rank, n_words, found });
                }
            }
        }
        best
    }

    fn find_signs(&self, text: &str, code: &str) -> Vec<LocalMatch> {
        let language = bit(code).unwrap_or_default();
        let mut found = vec![];
        let mut at = 0;
        while at < text.len() {
            let rest = &text[at..];
            let numbers = self.by_signs.get(start(rest, N_KEY_SIGNS));
            let name =
                numbers.into_iter().flatten().map(|&it| &self.names[it as usize]).find(|it| {
                    it.languages & language != 0
                        && rest.starts_with(&*it.written)
                        && stands_alone(text, at..at + it.written.len())
                });
            let n_bytes = match name {
                Some(name) => name.written.len(),
                None => rest.chars().next().map_or(1, char::len_utf8),
            };
            found.extend(name.map(|it| LocalMatch {
                range: at..at + n_bytes,
                entity: it.entity,
                role: it.role,
            }));
            at += n_bytes;
        }
        found
    }
}

struct Candidate {
    rank: (usize, bool, bool),
    n_words: usize,
    found: LocalMatch,
}

/// A word without a prefix that its language writes together with names.
struct Reading<'a> {
    folded: Cow<'a, str>,
    /// Bytes of the word before the name.
    from: usize,
    /// Languages in which the word can be read so.
    languages: u64,
}

fn readings<'a>(word: &str, whole: &'a str, languages: u64) -> Vec<Reading<'a>> {
    let mut readings = vec![Reading { folded: Cow::Borrowed(whole), from: 0, languages }];
    for code in ["ar", "he"] {
        let language = bit(code).unwrap_or_default() & languages;
        if language == 0 {
            continue;
        }
        for &(prefix, n_letters_min) in prefixes(code) {
            let Some(rest) = whole.strip_prefix(prefix) else { continue };
            if n_letters_min <= rest.chars().count() {
                let from = offset_after(word, prefix.chars().count());
                readings.push(Reading { folded: Cow::Borrowed(rest), from, languages: language });
            }
        }
        // `للصين` is `ل` and `الصين`: the article is written with the preposition.
        let with_article = ["لل", "ولل", "فلل"].iter().find_map(|it| whole.strip_prefix(it));
        if let Some(rest) = with_article.filter(|_| code == "ar") {
            let folded = Cow::Owned(format!("ال{rest}"));
            readings.push(Reading { folded, from: 0, languages: language });
        }
    }
    readings
}

impl LocalName {
    /// Where the name ends in `text` when it stands at `words`, the first of them read as `first`.
    fn end_of_match(
        &self,
        text: &str,
        words: &[Range<usize>],
        first: &Reading<'_>,
        languages: u64,
    ) -> Option<usize> {
        let stretch = words.get(..self.words.len())?;
        let is_after_hyphen = text[..stretch[0].start].ends_with(['-', '‑']);
        if self.role == LocalRole::Demonym && is_after_hyphen {
            return None;
        }
        let mut cut = 0;
        for (at, (own, range)) in self.words.iter().zip(stretch).enumerate() {
            let (written, folded) = match at {
                0 => (&text[range.start + first.from..range.end], first.folded.clone()),
                _ => (&text[range.clone()], Cow::Owned(folded(&text[range.clone()]))),
            };
            cut = self.cut_of_word(own, written, &folded, languages)?;
            let is_joined = at == 0 || {
                let gap = &text[stretch[at - 1].end..range.start];
                joins(gap, &self.written[self.words[at - 1].range.end..own.range.start])
            };
            if !is_joined {
                return None;
            }
        }
        // Signs that do not count for the comparison may stand in the word: then nothing is cut safely.
        let end = stretch.last()?.end.checked_sub(cut)?;
        let is_within = stretch[0].start + first.from < end && text.is_char_boundary(end);
        is_within.then_some(end)
    }

    /// Bytes at the end of the word that are no part of the name, when the word is a form of `own`.
    fn cut_of_word(
        &self,
        own: &LocalWord,
        written: &str,
        folded: &str,
        languages: u64,
    ) -> Option<usize> {
        if own.is_capital && !written.starts_with(char::is_uppercase) {
            return None;
        }
        if own.is_abbreviation {
            return (*written == self.written[own.range.clone()]).then_some(0);
        }
        let is_part = 1 < self.words.len();
        codes(languages).find_map(|code| {
            let is_found = match self.role {
                LocalRole::Demonym => is_adjective(code, &own.folded, folded),
                _ => is_form(code, &own.folded, folded, is_part),
            };
            is_found.then(|| particle(code, &own.folded, folded))
        })
    }
}

/// Whether `language` is written without spaces between words.
fn is_without_spaces(language: &str) -> bool {
    matches!(language, "ja" | "th" | "zh")
}

fn bit(language: &str) -> Option<u64> {
    LANGUAGES.iter().position(|it| it.0 == language).map(|at| 1 << at)
}

fn codes(languages: u64) -> impl Iterator<Item = &'static str> {
    let numbered = LANGUAGES.iter().enumerate();
    numbered.filter(move |(at, _)| (languages >> at) & 1 == 1).map(|(_, it)| it.0)
}

fn languages_where(holds: impl Fn(&str) -> bool) -> u64 {
    LANGUAGES.iter().filter(|it| holds(it.0)).filter_map(|it| bit(it.0)).fold(0, |a, b| a | b)
}

/// The languages that `word` can be of in a text whose language is `own`.
fn languages_of(word: &str, own: Option<&(&str, Script)>) -> u64 {
    let script = word.chars().next().map_or(Script::Latin, script_of);
    match own {
        Some((code, its)) if *its == script => bit(code).unwrap_or_default(),
        _ if script == Script::Latin => 0,
        _ => LANGUAGES
            .iter()
            .filter(|it| it.1 == script && !is_without_spaces(it.0))
            .filter_map(|it| bit(it.0))
            .fold(0, |a, b| a | b),
    }
}

fn local_words(name: &str) -> Box<[LocalWord]> {
    let words = words(name).into_iter().map(|range| {
        let word = &name[range.clone()];
        let is_capital = word.starts_with(char::is_uppercase);
        LocalWord {
            folded: Box::from(folded(word)),
            is_capital,
            is_abbreviation: is_capital
                && 1 < word.chars().count()
                && !word.chars().any(char::is_lowercase),
            range,
        }
    });
    words.collect()
}

#[cfg(test)]
#[path = "names_in_languages_tests.rs"]
mod tests;
