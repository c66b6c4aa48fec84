//! The text classifier of sectors: what is hit or threatened in a whole passage.
//!
//! One logistic regression a sector, over what the words tell ([`crate::sector`]), the stems that
//! the classifier knows (no names) and the embedding that the tagger made anyway. The recipe, the
//! data and the figures are `training/sectors.py` and `training/sectors.md`.

use std::collections::{HashMap, HashSet};

use config::SectorId;
use serde::Deserialize;

use crate::sector::{folded, without_parents};
use crate::statement_head::sigmoid;
use crate::tagger::{HIDDEN_SIZE, TagError};
use crate::{ScoredSector, Statement, StatementKind};

static WEIGHTS: &str = include_str!("../model/sectors.json");

/// Sectors of a document with hostile statements need this probability.
const HOSTILE_MIN: f32 = 0.4;
/// Sectors of a document without any need this one.
const CALM_MIN: f32 = 0.6;
/// A sector of a target is dropped below this probability.
const STATED_MIN: f32 = 0.1;

/// The weights, whole numbers that are divided by `scale`; each row has a number for each sector.
#[derive(Debug, Deserialize)]
pub(crate) struct SectorClassifier {
    scale: f32,
    /// Top levels that it tells.
    sectors: Vec<String>,
    /// Top levels of which the words may tell.
    told: Vec<String>,
    bias: Vec<i16>,
    /// A row for each number of the embedding.
    embedding: Vec<Vec<i16>>,
    /// A row for each sector of `told`.
    words: Vec<Vec<i16>>,
    /// A row for each stem or pair of neighbouring stems.
    stems: HashMap<String, Vec<i16>>,
}

impl SectorClassifier {
    /// Loads the weights that are built into the program.
    pub(crate) fn embedded() -> Result<SectorClassifier, TagError> {
        let error = |reason: String| TagError::Vocabulary { file: "sectors.json", reason };
        let it: SectorClassifier =
            serde_json::from_str(WEIGHTS).map_err(|source| error(source.to_string()))?;
        let n_sectors = it.sectors.len();
        let rows = it.embedding.iter().chain(&it.words).chain(it.stems.values());
        let is_whole = it.embedding.len() == HIDDEN_SIZE && it.words.len() == it.told.len();
        if !is_whole || rows.chain([&it.bias]).any(|row| row.len() != n_sectors) {
            return Err(error("a row of weights has another length".to_owned()));
        }
        Ok(it)
    }

    /// The probability of each of its sectors that `text` speaks of harm to it; `told` are the
    /// sectors that the words of `text` tell, `embedding` has unit length.
    pub(crate) fn probabilities(
        &self,
        text: &str,
        told: &[SectorId],
        embedding: &[f32],
    ) -> Vec<ScoredSector> {
        let mut sums: Vec<f32> = self.bias.iter().copied().map(f32::from).collect();
        for (row, value) in self.embedding.iter().zip(embedding) {
            add(&mut sums, row, *value);
        }
        let known = self.known_stems(text);
        let share = (known.len().max(1) as f32).sqrt().recip();
        for row in known {
            add(&mut sums, row, share);
        }
        let told: HashSet<&str> = told.iter().map(top_level).collect();
        for (row, _) in self.words.iter().zip(&self.told).filter(|it| told.contains(it.1.as_str()))
        {
            add(&mut sums, row, 1.0);
        }
        let scored = self.sectors.iter().zip(sums);
        scored
            .map(|(id, sum)| ScoredSector {
                id: SectorId::new(id),
                score: sigmoid(sum / self.scale),
            })
            .collect()
    }

    /// The rows of the known stems and pairs of stems in `text`, each once, in the order of the
    /// text, so that sums are the same in every run.
    fn known_stems(&self, text: &str) -> Vec<&[i16]> {
        let words = folded(text);
        let pairs = words.windows(2).map(|it| format!("{} {}", it[0], it[1]));
        let mut seen = HashSet::new();
        let mut rows = vec![];
        for stem in words.iter().cloned().chain(pairs) {
            if let Some((stem, row)) = self.stems.get_key_value(&stem)
                && seen.insert(stem.as_str())
            {
                rows.push(row.as_slice());
            }
        }
        rows
    }
}

fn add(sums: &mut [f32], row: &[i16], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += weight * f32::from(*value);
    }
}

/// The first level of a facet path: `/energy` of `/energy/nuclear`.
fn top_level(id: &SectorId) -> &str {
    let path = id.as_str();
    let end = path[1..].find('/').map_or(path.len(), |it| it + 1);
    &path[..end]
}

/// What is known of the sectors of one document.
pub(crate) struct Judgement {
    /// The probability of each top level, from the passage and from what rules found.
    of_top_level: Vec<ScoredSector>,
    is_hostile: bool,
}

impl Judgement {
    /// Weighs what the classifier makes of a passage against what rules `found`, and what the
    /// targets of its `statements` are said to be.
    pub(crate) fn of(
        of_passage: Vec<ScoredSector>,
        found: &[ScoredSector],
        statements: &[&Statement],
    ) -> Judgement {
        let best = |top: &SectorId, scores: &mut dyn Iterator<Item = (&SectorId, f32)>| {
            let of_top = scores.filter(|it| top_level(it.0) == top.as_str());
            of_top.map(|it| it.1).fold(0.0, f32::max)
        };
        let mut of_top_level = of_passage;
        for sector in &mut of_top_level {
            let found = best(&sector.id, &mut found.iter().map(|it| (&it.id, it.score)));
            let stated =
                statements.iter().flat_map(|it| it.sectors.iter().map(move |id| (id, it.score)));
            let stated = best(&sector.id, &mut { stated });
            sector.score = combined(sector.score, found, stated);
        }
        let is_hostile = statements.iter().any(|it| it.kind != StatementKind::Denial);
        Judgement { of_top_level, is_hostile }
    }

    /// The probability of a sector or of the one above it; `None` when the classifier does not
    /// know it.
    fn probability(&self, id: &SectorId) -> Option<f32> {
        let top = top_level(id);
        self.of_top_level.iter().find(|it| it.id.as_str() == top).map(|it| it.score)
    }

    /// Whether a sector that a target is said to be of can be believed.
    pub(crate) fn is_credible(&self, id: &SectorId) -> bool {
        self.probability(id).is_none_or(|it| STATED_MIN <= it)
    }

    /// The sectors of the document, best first: those `found`, as far as they are likely, and the
    /// likely top levels below which nothing was found.
    pub(crate) fn sectors(&self, found: Vec<ScoredSector>) -> Vec<ScoredSector> {
        let least = if self.is_hostile { HOSTILE_MIN } else { CALM_MIN };
        let judged = |it: ScoredSector| ScoredSector {
            score: self.probability(&it.id).unwrap_or(it.score),
            ..it
        };
        let is_likely =
            |it: &ScoredSector| self.probability(&it.id).is_none_or(|score| least <= score);
        let likely = self.of_top_level.iter().filter(|it| is_likely(it)).cloned();
        let all: Vec<ScoredSector> =
            found.into_iter().map(judged).filter(is_likely).chain(likely).collect();
        let deepest = without_parents(all.iter().map(|it| it.id.clone()).collect());
        let mut seen = HashSet::new();
        let kept = all.into_iter();
        let mut kept: Vec<ScoredSector> =
            kept.filter(|it| deepest.contains(&it.id) && seen.insert(it.id.clone())).collect();
        kept.sort_by(|a, b| b.score.total_cmp(&a.score));
        kept
    }
}

/// One probability from the classifier's and from the scores that rules give, 0 for none; fitted
/// on readings of texts that were not trained on (`training/sectors.md`).
fn combined(of_passage: f32, found: f32, stated: f32) -> f32 {
    let probability = of_passage.clamp(1e-4, 1.0 - 1e-4);
    let logit = (probability / (1.0 - probability)).ln();
    sigmoid(0.9505 * logit - 0.3999 * found + 1.7189 * stated - 0.2250)
}

#[cfg(test)]
#[path = "sector_classifier_tests.rs"]
mod tests;
