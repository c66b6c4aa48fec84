//! Finds the names of known entities in text.
//!
//! Names are sequences of *tokens*, runs of letters and digits, so that `APT28's`, `APT-28` and
//! `Iran-backed` hold the names that readers see in them. Case counts: a name matches as it is
//! written in the gazetteer, or in capitals throughout.

use std::collections::HashMap;
use std::ops::Range;

use config::{GazetteerEntity, GazetteerKind};

use crate::names_in_languages::{LocalRole, NamesInLanguages};

/// Names of all known entities, ready for look-up.
#[derive(Clone, Debug, Default)]
pub struct Gazetteer {
    entities: Vec<GazetteerEntity>,
    names: Vec<Name>,
    /// Names by their first token in lower case, longest name first.
    by_first: HashMap<Box<str>, Vec<u32>>,
    by_id: HashMap<Box<str>, u32>,
    in_languages: NamesInLanguages,
}

/// How a name stands for its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NameRole {
    /// The canonical name or an alias.
    Name,
    /// Adjective or inhabitants: `Iranian`, `Iranians`.
    Demonym,
    /// A capital or seat that stands for a government: `Tehran`, `the Kremlin`.
    Metonym,
}

#[derive(Clone, Debug)]
struct Name {
    tokens: Box<[Box<str>]>,
    /// Whether the name has a full stop inside, as `U.S.` has.
    is_dotted: bool,
    entity: u32,
    role: NameRole,
    is_ambiguous: bool,
}

/// One possible reading of a stretch of text.
#[derive(Clone, Debug, PartialEq)]
pub struct GazetteerMatch {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Place of the entity in [`Gazetteer::entity`].
    pub entity: usize,
    /// How the words stand for it.
    pub role: NameRole,
    /// Whether the words are also ordinary words or name other things.
    pub is_ambiguous: bool,
    /// Whether it is a name in the text's own language or script, which is listed only when it can
    /// mean nothing else; the tagger has learnt English and need not confirm it.
    pub is_sure: bool,
}

impl Gazetteer {
    /// Takes `entities`; nothing of them is dropped.
    pub fn new(entities: Vec<GazetteerEntity>) -> Gazetteer {
        let in_languages = NamesInLanguages::new(&entities);
        let mut gazetteer = Gazetteer { entities, in_languages, ..Gazetteer::default() };
        for at in 0..gazetteer.entities.len() {
            gazetteer.add_names(at as u32);
        }
        let names = &gazetteer.names;
        for longest_first in gazetteer.by_first.values_mut() {
            longest_first.sort_by_key(|&it| std::cmp::Reverse(names[it as usize].tokens.len()));
        }
        gazetteer
    }

    fn add_names(&mut self, at: u32) {
        let entity = &self.entities[at as usize];
        let plain = entity.names().map(|it| (it, NameRole::Name));
        let demonyms = entity.demonyms.iter().map(|it| (it.as_str(), NameRole::Demonym));
        let metonyms = entity.metonyms.iter().map(|it| (it.as_str(), NameRole::Metonym));
        let mut names = vec![];
        for (text, role) in plain.chain(demonyms).chain(metonyms) {
            let tokens: Box<[Box<str>]> =
                tokens(text).into_iter().map(|it| Box::from(&text[it])).collect();
            let is_short = tokens.iter().map(|it| it.len()).sum::<usize>() < 2;
            if tokens.is_empty() || is_short {
                continue;
            }
            let is_dotted = text.contains('.');
            let is_ambiguous = entity.is_ambiguous(text) || is_everyday(text, entity.kind);
            names.push(Name { tokens, is_dotted, entity: at, role, is_ambiguous });
        }
        self.by_id.insert(Box::from(entity.id.as_str()), at);
        for name in names {
            let first = name.tokens[0].to_lowercase().into_boxed_str();
            self.by_first.entry(first).or_default().push(self.names.len() as u32);
            self.names.push(name);
        }
    }

    /// The entity at `place`, which comes from a [`GazetteerMatch`].
    pub fn entity(&self, place: usize) -> &GazetteerEntity {
        &self.entities[place]
    }

    /// The entity with that id; `None` when it is not listed.
    pub fn by_id(&self, id: &str) -> Option<&GazetteerEntity> {
        self.by_id.get(id).map(|&at| &self.entities[at as usize])
    }

    /// As [`find`](Self::find), with the names of the text's `language` (a code of ISO 639-1) and
    /// those in other scripts; where both lists know a stretch, its own language counts, unless the
    /// English name is longer.
    pub fn find_in(&self, text: &str, language: Option<&str>) -> Vec<GazetteerMatch> {
        let mut found = self.find(text);
        let local = self.in_languages.find(text, language);
        if local.is_empty() {
            return found;
        }
        let is_longer = |english: &Range<usize>, it: &Range<usize>| {
            english.start <= it.start && it.end <= english.end && english != it
        };
        let overlaps = |a: &Range<usize>, b: &Range<usize>| a.start < b.end && b.start < a.end;
        found.retain(|english| {
            local.iter().filter(|it| overlaps(&it.range, &english.range)).all(|it| {
                let is_metonym = english.role == NameRole::Metonym && english.range == it.range;
                is_metonym || is_longer(&english.range, &it.range)
            })
        });
        let english: Vec<Range<usize>> = found.iter().map(|it| it.range.clone()).collect();
        for it in local {
            let is_covered = english.iter().any(|english| is_longer(english, &it.range));
            let role = match it.role {
                LocalRole::Name => NameRole::Name,
                LocalRole::Demonym => NameRole::Demonym,
                LocalRole::Phrase => continue,
            };
            if !is_covered {
                let entity = it.entity as usize;
                let (range, is_sure) = (it.range, true);
                found.push(GazetteerMatch { range, entity, role, is_ambiguous: false, is_sure });
            }
        }
        found.sort_by_key(|it| (it.range.start, it.range.end));
        found
    }

    /// Every reading of the longest name at each place of `text`, by start; readings of one
    /// stretch stand together, stretches do not overlap.
    pub fn find(&self, text: &str) -> Vec<GazetteerMatch> {
        let tokens = tokens(text);
        let mut found = vec![];
        let mut at = 0;
        while at < tokens.len() {
            let n_tokens = self.find_at(text, &tokens, at, &mut found);
            at += n_tokens.max(1);
        }
        found
    }

    /// Adds the longest names that start at token `at` to `found`; returns their token count.
    fn find_at(
        &self,
        text: &str,
        tokens: &[Range<usize>],
        at: usize,
        found: &mut Vec<GazetteerMatch>,
    ) -> usize {
        let first = &text[tokens[at].clone()];
        let names = if first.bytes().any(|it| it.is_ascii_uppercase()) || !first.is_ascii() {
            self.by_first.get(first.to_lowercase().as_str())
        } else {
            self.by_first.get(first)
        };
        let mut n_longest = 0;
        for &number in names.into_iter().flatten() {
            let name = &self.names[number as usize];
            let n_tokens = name.tokens.len();
            if n_tokens < n_longest {
                break;
            }
            let Some(stretch) = tokens.get(at..at + n_tokens) else { continue };
            if !name.matches(text, stretch) {
                continue;
            }
            n_longest = n_tokens;
            let end = stretch[n_tokens - 1].end;
            let has_stop = name.is_dotted && text[end..].starts_with('.');
            found.push(GazetteerMatch {
                range: stretch[0].start..end + usize::from(has_stop),
                entity: name.entity as usize,
                role: name.role,
                is_ambiguous: name.is_ambiguous,
                is_sure: false,
            });
        }
        n_longest
    }
}

impl Name {
    fn matches(&self, text: &str, stretch: &[Range<usize>]) -> bool {
        let written = stretch.iter().map(|it| &text[it.clone()]);
        let n_letters: usize = self.tokens.iter().map(|it| it.len()).sum();
        let as_listed = written.clone().zip(&self.tokens).all(|(it, token)| it == &**token);
        let in_capitals = || {
            n_letters >= 4
                && written.clone().zip(&self.tokens).all(|(it, token)| {
                    !it.chars().any(char::is_lowercase) && it.to_lowercase() == token.to_lowercase()
                })
        };
        // `Lockbit` and `LockBit`, `Al-Qaeda` and `al-Qaeda`: capitals within words vary.
        let recased = || {
            n_letters >= 5
                && !self.is_ambiguous
                && self.role == NameRole::Name
                && written.clone().next().is_some_and(|it| it.starts_with(char::is_uppercase))
                && written.clone().zip(&self.tokens).all(|(it, token)| {
                    it.to_lowercase() == token.to_lowercase()
                        && (it.starts_with(char::is_uppercase)
                            || !token.starts_with(char::is_uppercase))
                })
        };
        (as_listed || in_capitals() || recased()) && self.joins(text, stretch)
    }

    /// Whether only what may stand inside a name stands between its tokens.
    fn joins(&self, text: &str, stretch: &[Range<usize>]) -> bool {
        stretch.windows(2).all(|pair| {
            let gap = &text[pair[0].end..pair[1].start];
            match gap {
                " " | "-" | "'" | "’" | "‑" | "–" | " & " | "&" | "/" | "_" | "\u{a0}" => {
                    true
                }
                "." | ". " => self.is_dotted,
                "" => true,
                _ => false,
            }
        })
    }
}

/// Byte ranges of the runs of letters and digits in `text`.
pub(crate) fn tokens(text: &str) -> Vec<Range<usize>> {
    let mut tokens = vec![];
    let mut start = None;
    for (at, c) in text.char_indices() {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                tokens.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    tokens.extend(start.map(|from| from..text.len()));
    tokens
}

/// Words that start sentences and titles so often that a group or a town of that name needs proof.
const EVERYDAY: &[&str] = &[
    "will",
    "it",
    "apt",
    "may",
    "can",
    "play",
    "the",
    "in",
    "at",
    "so",
    "of",
    "on",
    "ta",
    "car",
    "ups",
    "dia",
    "is",
    "as",
    "an",
    "one",
    "most",
    "hive",
    "cuba",
    "cobalt",
    "carbon",
    "royal",
    "silence",
    "energetic",
    "snatch",
    "black",
    "sky",
    "blue",
    "orange",
    "marc",
    "police",
    "reading",
    "mobile",
    "nice",
    "bath",
    "split",
    "enterprise",
    "march",
    "many",
    "much",
    "best",
    "lead",
    "man",
    "van",
    "along",
    "born",
    "young",
    "central",
    "union",
    "university",
    "independence",
    "liberty",
    "hope",
    "force",
    "vice",
    "agent",
    "turbo",
    "shadow",
    "target",
    "clean",
    "orders",
    "dark",
    "flame",
    "stage",
    "anchor",
    "zero",
    "global",
    "money",
    "news",
    "media",
    "army",
    "bear",
    "same",
    "capita",
    "frontline",
    "offence",
    "donut",
];

/// Whether `name` is an everyday word, or a town that shares its name with ordinary words.
fn is_everyday(name: &str, kind: GazetteerKind) -> bool {
    let is_listed = EVERYDAY.contains(&name.to_lowercase().as_str());
    let is_short_code = name.len() <= 3
        && !matches!(kind, GazetteerKind::Country | GazetteerKind::Organization)
        && !name.bytes().any(|it| it.is_ascii_digit());
    is_listed || is_short_code
}
