//! Saved searches in reverse: which of many match one article ([`Matcher`]), and why ([`explain()`]).
//!
//! Each search is compiled to a small program over *atoms*: "this word is in that field", "this
//! value is in that field". From each program the matcher takes a set of atoms of which an article
//! must have at least one, the rarest set that it finds, and files the search under these. An
//! article is turned into terms by the code that indexes it, its atoms are looked up, and only the
//! searches filed under one of them are verified, and these only when the article also has a second
//! atom that they require. Many searches are decided by these two alone. Property tests hold the
//! programs against Tantivy with a one-document index.
//!
//! A slip of Tantivy is kept on purpose: a phrase with slop of three or more words goes by its
//! greedy pass over the positions.
//!
//! Reading order: this file, `program` ([`crate::query::Ast`] → program), `atoms` (what
//! an article has), `terms` (what else of it is needed), `phrase`, [`mod@explain`], [`novelty`].

mod atoms;
pub mod explain;
pub mod novelty;
mod phrase;
mod program;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use config::{SavedSearch, SearchFilters};

use crate::document::{Card, DocumentBuilder};
use crate::query::{Ast, QueryError, parse};
use crate::record::StoredArticle;
use crate::schema::{Fields, schema};
use crate::tokenizer::{Analyzer, Language};
use atoms::Atoms;
pub use explain::{Reason, explain};
use program::{Compiler, Node, Verifier, requirements, sufficient};
use terms::{Marker, Terms};

/// Articles after which all searches are filed anew by what was seen to be rare, first.
const N_ARTICLES_BEFORE_REFILING: u64 = 200;
/// Refiling happens again when so many times as many articles were seen.
const REFILING_FACTOR: u64 = 8;
/// Searches that are filed anew with one article, so that none waits for all of them.
const N_REFILED_AT_ONCE: usize = 500;
/// A search moves when its new place is looked at less often by this factor.
const REFILING_GAIN: f64 = 0.7;
/// In [`Filed::also`]: nothing more is required.
const NO_ATOM: u32 = u32::MAX;

/// Finds the saved searches that match an article. One thread works with it.
pub struct Matcher {
    fields: Fields,
    analyzer: Analyzer,
    builder: DocumentBuilder,
    atoms: Atoms,
    /// By number of the search; `None` where one was removed.
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    numbers: HashMap<Box<str>, u32>,
    /// By atom: the searches filed under it.
    filed: Vec<Vec<Filed>>,
    /// Searches that require no atom; verified for every article.
    unfiled: Vec<u32>,
    /// By search: the last article for which it was verified.
    verified_at: Vec<u32>,
    /// By number of the field: whether fuzzy words ask for it.
    is_fuzzy: Vec<bool>,
    /// Kept for its memory.
    terms: Terms,
    n_articles: u64,
    refile_at: u64,
    /// The next search to be filed anew; the number of searches when none is.
    refile_next: usize,
}

/// A search under one of its atoms.
#[derive(Clone, Copy)]
struct Filed {
    number: u32,
    /// An atom that the search requires as well, to be looked at first; else [`NO_ATOM`].
    also: u32,
    /// Nothing else is required.
    is_enough: bool,
    /// It is filed under several atoms.
    is_several: bool,
}

struct Slot {
    id: Box<str>,
    program: Node,
    /// The atoms that it is filed under.
    under: Box<[u32]>,
}

impl Default for Matcher {
    fn default() -> Matcher {
        Matcher::new()
    }
}

impl Matcher {
    /// A matcher without searches.
    pub fn new() -> Matcher {
        let (_, fields) = schema();
        Matcher {
            fields,
            analyzer: Analyzer::new(),
            builder: DocumentBuilder::new(fields),
            atoms: Atoms::new(fields),
            slots: Vec::new(),
            free: Vec::new(),
            numbers: HashMap::new(),
            filed: Vec::new(),
            unfiled: Vec::new(),
            verified_at: Vec::new(),
            is_fuzzy: Vec::new(),
            terms: Terms::default(),
            n_articles: 0,
            refile_at: N_ARTICLES_BEFORE_REFILING,
            refile_next: usize::MAX,
        }
    }

    /// Adds `search`, or puts it in place of the one with its id. [`SavedSearch::enabled`] is the
    /// caller's affair.
    ///
    /// # Errors
    /// A query that cannot be parsed; then nothing changes.
    pub fn add(&mut self, search: &SavedSearch) -> Result<(), QueryError> {
        let ast = parse(&search.query)?;
        self.add_parsed(search.id.as_str(), &ast, &search.filters);
        Ok(())
    }

    fn add_parsed(&mut self, id: &str, ast: &Ast, filters: &SearchFilters) {
        self.remove(id);
        let mut compiler = Compiler {
            fields: self.fields,
            atoms: &mut self.atoms,
            analyzer: &mut self.analyzer,
            is_fuzzy: &mut self.is_fuzzy,
        };
        let program = compiler.search(ast, filters);
        self.filed.resize_with(self.atoms.len(), Vec::new);
        let slot = Slot { id: id.into(), program, under: Box::default() };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = Some(slot);
                number
            }
            None => {
                self.slots.push(Some(slot));
                self.verified_at.push(0);
                (self.slots.len() - 1) as u32
            }
        };
        self.numbers.insert(id.into(), number);
        self.file(number);
    }

    /// Takes the search `id` out; `false` when there is none.
    pub fn remove(&mut self, id: &str) -> bool {
        let Some(number) = self.numbers.remove(id) else { return false };
        self.unfile(number);
        self.slots[number as usize] = None;
        self.free.push(number);
        true
    }

    /// Number of searches.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are no searches.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The ids of the searches that match `stored`, sorted; relative dates count from `now`.
    pub fn matches(&mut self, stored: &StoredArticle, now: DateTime<Utc>) -> Vec<&str> {
        self.refile();
        self.n_articles += 1;
        let card = Card::of(stored);
        let Matcher { terms, atoms, builder, .. } = self;
        terms.clear();
        atoms.begin();
        let language = Language::of(card.language.as_deref());
        let mut marker = Marker { atoms, terms, is_fuzzy: &self.is_fuzzy, language };
        builder.describe(stored, &card, &mut marker);
        let epoch = atoms.finish();
        let mut verifier = Verifier { terms, atoms, now };
        let mut found = Vec::new();
        let mut verify = |number: u32, slots: &[Option<Slot>]| {
            if let Some(slot) = &slots[number as usize]
                && verifier.holds(&slot.program)
            {
                found.push(number);
            }
        };
        let mut sure = Vec::new();
        for &atom in atoms.present() {
            for filed in &self.filed[atom as usize] {
                if filed.also != NO_ATOM && !atoms.has(filed.also) {
                    continue;
                }
                if filed.is_several {
                    let last = &mut self.verified_at[filed.number as usize];
                    if std::mem::replace(last, epoch) == epoch {
                        continue;
                    }
                }
                if filed.is_enough {
                    sure.push(filed.number);
                } else {
                    verify(filed.number, &self.slots);
                }
            }
        }
        for &number in &self.unfiled {
            verify(number, &self.slots);
        }
        found.append(&mut sure);
        let ids = found.iter().filter_map(|it| self.slots[*it as usize].as_ref());
        let mut ids: Vec<&str> = ids.map(|it| &*it.id).collect();
        ids.sort_unstable();
        ids
    }

    /// Files a search under the rarest set of atoms of which it needs one.
    fn file(&mut self, number: u32) {
        let Some(slot) = &mut self.slots[number as usize] else { return };
        let required = requirements(&slot.program, &self.atoms);
        let cost = |set: &[u32]| -> f64 { set.iter().map(|it| self.atoms.frequency(*it)).sum() };
        let best = required.iter().enumerate().min_by(|a, b| cost(a.1).total_cmp(&cost(b.1)));
        let Some((place, under)) = best else {
            self.unfiled.push(number);
            return;
        };
        let others = required.iter().enumerate().filter(|(it, set)| *it != place && set.len() == 1);
        let also = others.map(|(_, set)| set[0]).min_by(|a, b| cost(&[*a]).total_cmp(&cost(&[*b])));
        let also = also.unwrap_or(NO_ATOM);
        let is_enough = sufficient(&slot.program)
            .is_some_and(|sets| sets.iter().all(|set| set == under || set.as_slice() == [also]));
        slot.under = under.clone().into();
        for &atom in under {
            let is_several = under.len() > 1;
            self.filed[atom as usize].push(Filed { number, also, is_enough, is_several });
        }
    }

    fn unfile(&mut self, number: u32) {
        let Some(slot) = &mut self.slots[number as usize] else { return };
        let under = std::mem::take(&mut slot.under);
        for &atom in &under {
            self.filed[atom as usize].retain(|it| it.number != number);
        }
        if under.is_empty() {
            self.unfiled.retain(|it| *it != number);
        }
    }

    /// Files some searches anew, when more is known of what is rare.
    fn refile(&mut self) {
        if self.refile_at <= self.n_articles {
            self.refile_at = self.n_articles.saturating_mul(REFILING_FACTOR);
            self.refile_next = 0;
        }
        let last = self.refile_next.saturating_add(N_REFILED_AT_ONCE).min(self.slots.len());
        for number in self.refile_next..last {
            let Some(slot) = &self.slots[number] else { continue };
            let cost =
                |set: &[u32]| -> f64 { set.iter().map(|it| self.atoms.frequency(*it)).sum() };
            let required = requirements(&slot.program, &self.atoms);
            let best = required.iter().map(|it| cost(it)).min_by(f64::total_cmp);
            if best.is_some_and(|it| it < REFILING_GAIN * cost(&slot.under)) {
                self.unfile(number as u32);
                self.file(number as u32);
            }
        }
        self.refile_next = self.refile_next.max(last);
    }
}
