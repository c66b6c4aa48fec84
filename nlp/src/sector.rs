//! Sectors of phrases and documents.
//!
//! A phrase is of the sectors whose words it holds, longest first: an *oil tanker* is of maritime
//! transport and of oil and gas, a *tanker* of maritime transport only.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use config::{SectorId, Taxonomy};

use crate::ScoredSector;
use crate::gazetteer::tokens;
use crate::sector_words::{NOT_SECTORS, SECTOR_WORDS};

/// Words of sectors, ready for look-up.
#[derive(Clone, Debug, Default)]
pub struct SectorWords {
    /// Sectors of a phrase, by its words in lower case and singular, joined by one space.
    phrases: HashMap<String, Vec<SectorId>>,
    n_words_max: usize,
    /// Every sector of the taxonomy.
    ids: BTreeSet<SectorId>,
}

impl SectorWords {
    /// Takes the keywords of `taxonomy` and the built-in words of the sectors that it has.
    pub fn new(taxonomy: &Taxonomy) -> SectorWords {
        let mut words = SectorWords::default();
        for sector in taxonomy.sectors() {
            for keyword in &sector.keywords {
                words.add(keyword, &sector.id);
            }
        }
        let known = taxonomy.ids();
        words.ids.clone_from(&known);
        for (path, phrases) in SECTOR_WORDS {
            let id = SectorId::new(*path);
            for phrase in phrases.split(", ").filter(|_| known.contains(&id)) {
                words.add(phrase, &id);
            }
        }
        for phrase in NOT_SECTORS.split(", ") {
            words.phrases.insert(folded(phrase).join(" "), vec![]);
        }
        words
    }

    /// Whether the taxonomy has the sector.
    pub fn knows(&self, id: &SectorId) -> bool {
        self.ids.contains(id)
    }

    fn add(&mut self, phrase: &str, id: &SectorId) {
        let folded = folded(phrase);
        self.n_words_max = self.n_words_max.max(folded.len());
        let sectors = self.phrases.entry(folded.join(" ")).or_default();
        if !sectors.contains(id) {
            sectors.push(id.clone());
        }
    }

    /// The sectors that the words of `text` tell, each once, in the order of the words.
    ///
    /// A parent is left out when one of its children is found.
    pub fn find(&self, text: &str) -> Vec<SectorId> {
        let words = folded(text);
        let mut found: Vec<SectorId> = vec![];
        let mut at = 0;
        while at < words.len() {
            let longest = self.n_words_max.min(words.len() - at);
            let hit = (1..=longest).rev().find_map(|n_words| {
                let sectors = self.phrases.get(&words[at..at + n_words].join(" "))?;
                Some((n_words, sectors))
            });
            let Some((n_words, sectors)) = hit else {
                at += 1;
                continue;
            };
            for sector in sectors {
                if !found.contains(sector) {
                    found.push(sector.clone());
                }
            }
            at += n_words;
        }
        without_parents(found)
    }
}

/// `sectors` without those of which a child is there too.
pub fn without_parents(sectors: Vec<SectorId>) -> Vec<SectorId> {
    let is_parent = |it: &SectorId| {
        sectors.iter().any(|other| {
            other.as_str().strip_prefix(it.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    };
    sectors.iter().filter(|it| !is_parent(it)).cloned().collect()
}

/// Sums up what the statements of a document say: `(sectors, score)` of each.
///
/// A sector's score is the probability that at least one of its statements holds.
pub fn document_sectors<'a>(
    statements: impl Iterator<Item = (&'a [SectorId], f32)>,
) -> Vec<ScoredSector> {
    let mut doubts: BTreeMap<&SectorId, f32> = BTreeMap::new();
    for (sectors, score) in statements {
        for sector in sectors {
            *doubts.entry(sector).or_insert(1.0) *= 1.0 - score.clamp(0.0, 1.0);
        }
    }
    let mut scored: Vec<ScoredSector> = doubts
        .into_iter()
        .map(|(id, doubt)| ScoredSector { id: id.clone(), score: 1.0 - doubt })
        .collect();
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    scored
}

/// The words of `text` in lower case, nouns in the singular.
pub(crate) fn folded(text: &str) -> Vec<String> {
    let words = tokens(text).into_iter().map(|it| text[it].to_lowercase());
    words.map(|it| singular(&it)).filter(|it| it != "s" && it != "the").collect()
}

/// Plurals that mean something else than their singular.
const OWN_PLURALS: &[&str] = &["arms", "customs", "news", "securities"];

/// The singular of an English plural, by its ending: `refineries` → `refinery`.
fn singular(word: &str) -> String {
    let n_letters = word.chars().count();
    if OWN_PLURALS.contains(&word) {
        return word.to_owned();
    }
    if n_letters <= 3 || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["ches", "shes", "sses", "xes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    if let Some(stem) = word.strip_suffix("men") {
        return format!("{stem}man");
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

#[cfg(test)]
#[path = "sector_tests.rs"]
mod tests;
