//! The counts of `score_statements.py`, so that a test needs no Python.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use nlp::{Phrase, Statement, StatementKind};
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct Gold {
    #[serde(default)]
    pub(crate) sentences: Vec<String>,
    pub(crate) statements: Vec<GoldStatement>,
}

#[derive(Deserialize)]
pub(crate) struct GoldStatement {
    sentence: usize,
    kind: StatementKind,
    trigger: String,
    actors: Vec<GoldPhrase>,
    targets: Vec<GoldPhrase>,
    #[serde(default)]
    sectors: Vec<String>,
}

#[derive(Deserialize)]
struct GoldPhrase {
    text: String,
}

/// True positives, false positives, false negatives by name of the figure.
#[derive(Default)]
pub(crate) struct Scores {
    counts: BTreeMap<&'static str, [f64; 3]>,
}

impl Scores {
    /// Counts one document.
    pub(crate) fn add(&mut self, gold: &Gold, found: &[Statement]) {
        let mut ends = vec![];
        let mut at = 0;
        for sentence in &gold.sentences {
            at += sentence.chars().count() + 1;
            ends.push(at);
        }
        let sentence_of = |it: &Statement| {
            let middle = (it.trigger.start + it.trigger.end) / 2;
            ends.partition_point(|&end| end <= middle)
        };
        let mut pairs = vec![];
        for (g, wanted) in gold.statements.iter().enumerate() {
            for (f, it) in
                found.iter().enumerate().filter(|it| sentence_of(it.1) == wanted.sentence)
            {
                pairs.push((Reverse(wanted.likeness(it)), g, f));
            }
        }
        pairs.sort();
        let (mut used_gold, mut used_found) = (HashSet::new(), HashSet::new());
        for (_, g, f) in pairs {
            if !used_gold.contains(&g) && !used_found.contains(&f) {
                used_gold.insert(g);
                used_found.insert(f);
                self.add_pair(&gold.statements[g], &found[f]);
            }
        }
        for (_, it) in gold.statements.iter().enumerate().filter(|it| !used_gold.contains(&it.0)) {
            self.count("detect", [0.0, 0.0, 1.0]);
            self.count("tuple", [0.0, 0.0, 1.0]);
            self.count("actor", [0.0, 0.0, it.actors.len() as f64]);
            self.count("target", [0.0, 0.0, it.targets.len() as f64]);
            self.count("sector", [0.0, 0.0, it.sectors.len() as f64]);
        }
        for (_, it) in found.iter().enumerate().filter(|it| !used_found.contains(&it.0)) {
            self.count("detect", [0.0, 1.0, 0.0]);
            self.count("tuple", [0.0, 1.0, 0.0]);
            self.count("actor", [0.0, it.actors.len() as f64, 0.0]);
            self.count("target", [0.0, it.targets.len() as f64, 0.0]);
            self.count("sector", [0.0, it.sectors.len() as f64, 0.0]);
        }
    }

    fn add_pair(&mut self, gold: &GoldStatement, found: &Statement) {
        self.count("detect", [1.0, 0.0, 0.0]);
        let is_kind = f64::from(u8::from(gold.kind == found.kind));
        self.count("kind", [is_kind, 1.0 - is_kind, 1.0 - is_kind]);
        let actors = n_same(&gold.actors, &found.actors);
        let targets = n_same(&gold.targets, &found.targets);
        let misses = |n: usize, all: usize| (all - n) as f64;
        self.count(
            "actor",
            [actors as f64, misses(actors, found.actors.len()), misses(actors, gold.actors.len())],
        );
        self.count(
            "target",
            [
                targets as f64,
                misses(targets, found.targets.len()),
                misses(targets, gold.targets.len()),
            ],
        );
        let sectors = sectors_right(gold, found);
        self.count(
            "sector",
            [sectors, found.sectors.len() as f64 - sectors, gold.sectors.len() as f64 - sectors],
        );
        let both_none = |a: &[GoldPhrase], b: &[Phrase]| a.is_empty() && b.is_empty();
        let is_right = group(gold.kind) == group(found.kind)
            && (actors > 0 || both_none(&gold.actors, &found.actors))
            && (targets > 0 || both_none(&gold.targets, &found.targets));
        self.count("tuple", if is_right { [1.0, 0.0, 0.0] } else { [0.0, 1.0, 1.0] });
    }

    fn count(&mut self, what: &'static str, counts: [f64; 3]) {
        let sums = self.counts.entry(what).or_default();
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }

    /// F1 in percent, and the figures as a line.
    pub(crate) fn line(&self, what: &str) -> (f64, String) {
        let [right, wrong, missed] = self.counts.get(what).copied().unwrap_or_default();
        let share = |a: f64, b: f64| if b > 0.0 { 100.0 * a / b } else { 0.0 };
        let (precision, recall) = (share(right, right + wrong), share(right, right + missed));
        let f1 = share(2.0 * right, 2.0 * right + wrong + missed);
        (f1, format!("F1={f1:.1} P={precision:.1} R={recall:.1} n={}", right + missed))
    }
}

impl GoldStatement {
    fn likeness(&self, found: &Statement) -> usize {
        2 * usize::from(self.kind == found.kind)
            + usize::from(group(self.kind) == group(found.kind))
            + usize::from(is_same(&self.trigger, &found.trigger.text))
            + n_same(&self.actors, &found.actors)
            + n_same(&self.targets, &found.targets)
    }
}

fn group(kind: StatementKind) -> u8 {
    match kind {
        StatementKind::Threat | StatementKind::Warning => 0,
        StatementKind::Attack | StatementKind::Claim | StatementKind::Attempt => 1,
        StatementKind::Denial => 2,
    }
}

fn n_same(gold: &[GoldPhrase], found: &[Phrase]) -> usize {
    let mut used = HashSet::new();
    for wanted in gold {
        let same =
            |it: &(usize, &Phrase)| !used.contains(&it.0) && is_same(&wanted.text, &it.1.text);
        if let Some((at, _)) = found.iter().enumerate().find(same) {
            used.insert(at);
        }
    }
    used.len()
}

/// Whether two phrases share half of their words.
fn is_same(a: &str, b: &str) -> bool {
    let (a, mut b) = (words(a), words(b));
    let n_words = a.len() + b.len();
    let mut n_shared = 0;
    for word in &a {
        if let Some(at) = b.iter().position(|it| it == word) {
            b.swap_remove(at);
            n_shared += 1;
        }
    }
    n_shared > 0 && 4 * n_shared >= n_words
}

fn words(text: &str) -> Vec<String> {
    const STOP: [&str; 8] = ["the", "a", "an", "of", "s", "its", "his", "their"];
    let words = text.split(|it: char| !it.is_alphanumeric() && it != '_');
    words
        .map(str::to_lowercase)
        .filter(|it| !it.is_empty() && !STOP.contains(&it.as_str()))
        .collect()
}

/// A parent earns half for its child, and the reverse.
fn sectors_right(gold: &GoldStatement, found: &Statement) -> f64 {
    let mut left: Vec<&str> =
        found.sectors.iter().map(|it| it.as_str().trim_matches('/')).collect();
    let mut right = 0.0;
    for wanted in gold.sectors.iter().map(|it| it.trim_matches('/')) {
        let is_kin = |it: &&str| {
            it.strip_prefix(wanted)
                .or(wanted.strip_prefix(*it))
                .is_some_and(|it| it.starts_with('/'))
        };
        if let Some(at) = left.iter().position(|it| *it == wanted) {
            left.swap_remove(at);
            right += 1.0;
        } else if let Some(at) = left.iter().position(is_kin) {
            left.swap_remove(at);
            right += 0.5;
        }
    }
    right
}
