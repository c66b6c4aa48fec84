//! [`Ast`] → [`Node`], a program over atoms; the mirror of `query::compile`, clause by clause.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use config::SearchFilters;
use tantivy::schema::Field;

use super::atoms::{AtomKey, Atoms, Places, Reading};
use super::phrase::is_phrase;
use super::terms::Terms;
use crate::query::ast::{Ast, Clause, Value};
use crate::query::compile::{
    ends_run, names_and_ids, pair_start, split_last, surfaces, text_of, whole_key,
};
use crate::query::date::DateRange;
use crate::query::field::{FieldKind, QueryField};
use crate::schema::Fields;
use crate::tokenizer::{Analyzer, Word, WordKind, lower, spelt, words};

/// Atoms of a choice at most; a wider choice is not worth filing.
const N_CHOICES_MAX: usize = 64;

/// A condition on an article.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Always,
    Never,
    All(Box<[Node]>),
    Any(Box<[Node]>),
    Not(Box<Node>),
    Atom(u32),
    Phrase(Box<Phrase>),
    Fuzzy(Box<(Field, Box<str>, u8)>),
    Range(Box<(Field, DateRange)>),
}

/// Words in a row.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    words: Box<[PhraseWord]>,
    slop: u32,
}

#[derive(Clone, Copy, Debug)]
struct PhraseWord {
    position: u32,
    atom: u32,
}

fn all(nodes: Vec<Node>) -> Node {
    let mut kept: Vec<Node> = nodes.into_iter().filter(|it| !matches!(it, Node::Always)).collect();
    match kept.len() {
        0 => Node::Always,
        1 => kept.remove(0),
        _ => Node::All(kept.into()),
    }
}

fn any(mut nodes: Vec<Node>) -> Node {
    match nodes.len() {
        0 => Node::Never,
        1 => nodes.remove(0),
        _ => Node::Any(nodes.into()),
    }
}

/// Makes programs.
pub(super) struct Compiler<'a> {
    pub(super) fields: Fields,
    pub(super) atoms: &'a mut Atoms,
    pub(super) analyzer: &'a mut Analyzer,
    /// By number of the field: whether fuzzy words ask for it.
    pub(super) is_fuzzy: &'a mut Vec<bool>,
}

impl Compiler<'_> {
    pub(super) fn search(&mut self, ast: &Ast, filters: &SearchFilters) -> Node {
        let mut nodes = vec![self.node(ast)];
        for (name, values) in filters.chosen() {
            nodes.push(self.filter(name, &values));
        }
        all(nodes)
    }

    fn node(&mut self, ast: &Ast) -> Node {
        match ast {
            Ast::Everything => Node::Always,
            Ast::And(branches) => all(branches.iter().map(|it| self.node(it)).collect()),
            Ast::Or(branches) => any(branches.iter().map(|it| self.node(it)).collect()),
            Ast::Not(inner) => Node::Not(Box::new(self.node(inner))),
            Ast::Clause(clause) => self.clause(clause),
        }
    }

    fn clause(&mut self, clause: &Clause) -> Node {
        let fields = self.fields;
        let Some(field) = clause.field else { return self.text_clause(&clause.value) };
        match clause.value {
            Value::Any => return self.key(fields.has, field.name()),
            Value::Range(range) => {
                let column =
                    if field == QueryField::Fetched { fields.fetched } else { fields.published };
                return Node::Range(Box::new((column, range)));
            }
            _ => (),
        }
        match field.kind() {
            FieldKind::Words if field == QueryField::Title => {
                self.name_query(fields.title, &clause.value)
            }
            FieldKind::Words => self.name_query(fields.author, &clause.value),
            FieldKind::Entity => self.entity_clause(field, &clause.value),
            FieldKind::Whole | FieldKind::OneOf(_) | FieldKind::Date => {
                self.whole(field, text_of(&clause.value))
            }
        }
    }

    fn text_clause(&mut self, value: &Value) -> Node {
        let fields = self.fields;
        match value {
            Value::Word(text) => self.words(fields.text, text, 0, Node::Always),
            Value::Phrase { text, slop } => self.words(fields.text, text, *slop, Node::Always),
            Value::Prefix(start) => {
                let (whole, start) = split_last(self.analyzer, start);
                let whole = whole.map(|it| self.words(fields.text, &it, 0, Node::Always));
                let prefix = self.prefix(fields.spelling, &start);
                all(whole.into_iter().chain([prefix]).collect())
            }
            Value::Fuzzy { word, distance } => {
                let surfaces = surfaces(self.analyzer, word).into_iter();
                all(surfaces.map(|it| self.fuzzy(fields.spelling, &it, *distance)).collect())
            }
            Value::Range(_) | Value::Any => Node::Always,
        }
    }

    fn name_query(&mut self, field: Field, value: &Value) -> Node {
        match value {
            Value::Prefix(start) => {
                let (whole, start) = split_last(self.analyzer, start);
                let whole = whole.map(|it| self.words(field, &it, 0, Node::Never));
                let prefix = self.prefix(field, &spelt(&start));
                all(whole.into_iter().chain([prefix]).collect())
            }
            Value::Fuzzy { word, distance } => {
                let surfaces = surfaces(self.analyzer, word).into_iter();
                all(surfaces.map(|it| self.fuzzy(field, &spelt(&it), *distance)).collect())
            }
            Value::Phrase { text, slop } => self.words(field, text, *slop, Node::Never),
            other => self.words(field, text_of(other), 0, Node::Never),
        }
    }

    fn entity_clause(&mut self, field: QueryField, value: &Value) -> Node {
        let fields = self.fields;
        let (names, ids) = names_and_ids(fields, field);
        let by_id = self.key(ids, text_of(value));
        let is_path = field == QueryField::Sector && text_of(value).starts_with('/');
        if is_path && matches!(value, Value::Word(_) | Value::Phrase { .. }) {
            return by_id;
        }
        any(vec![by_id, self.name_query(names, value)])
    }

    fn whole(&mut self, field: QueryField, value: &str) -> Node {
        match whole_key(self.fields, field, value) {
            Some((field, key)) => self.key(field, &key),
            None => Node::Never,
        }
    }

    /// As the filters of a search do it: columns by the exact value, the others by key or words.
    fn filter(&mut self, name: &str, values: &[&str]) -> Node {
        let fields = self.fields;
        let column = match name {
            "sector" => Some(fields.sector_facet),
            "actor" => Some(fields.actor_facet),
            "target" => Some(fields.target_facet),
            "kind" => Some(fields.kind_facet),
            "domain" => Some(fields.domain_facet),
            "modality" => Some(fields.modality_facet),
            "source" => Some(fields.source_facet),
            "language" => Some(fields.language_facet),
            "country" => Some(fields.country_facet),
            _ => None,
        };
        let one = |it: &&str| match (column, name) {
            (Some(field), _) => {
                Node::Atom(self.atoms.number(AtomKey::Column { field, value: (*it).into() }))
            }
            (None, "author") => self.words(fields.author, it, 0, Node::Never),
            (None, "site") => self.key(fields.site, it),
            (None, "story") => self.key(fields.story, it),
            _ => self.key(fields.entity, it),
        };
        any(values.iter().map(one).collect())
    }

    fn key(&mut self, field: Field, value: &str) -> Node {
        Node::Atom(self.atoms.number(AtomKey::Key { field, term: value.to_lowercase().into() }))
    }

    fn prefix(&mut self, field: Field, start: &str) -> Node {
        Node::Atom(self.atoms.number(AtomKey::Prefix { field, start: start.into() }))
    }

    fn fuzzy(&mut self, field: Field, word: &str, distance: u8) -> Node {
        let place = field.field_id() as usize;
        if self.is_fuzzy.len() <= place {
            self.is_fuzzy.resize(place + 1, false);
        }
        self.is_fuzzy[place] = true;
        Node::Fuzzy(Box::new((field, word.into(), distance)))
    }

    /// The words of `text` in a row; `without` stands for a text that has none.
    fn words(&mut self, field: Field, text: &str, slop: u32, without: Node) -> Node {
        let found: Vec<Word> = words(text).collect();
        let mut kept = Vec::with_capacity(found.len());
        for (position, word) in found.iter().enumerate() {
            if ends_run(&found, position) {
                continue;
            }
            let lower = lower(&text[word.span.clone()], word.kind).into();
            let is_dense = word.kind == WordKind::Dense;
            let atom = self.atoms.number(AtomKey::Word { field, lower, is_dense });
            kept.push(PhraseWord { position: position as u32, atom });
        }
        let pair = pair_start(&found, text).map(|it| self.prefix(field, &it));
        let row = match kept.as_slice() {
            [] => return pair.unwrap_or(without),
            [single] => Node::Atom(single.atom),
            _ => {
                kept.iter().for_each(|it| self.atoms.note_places(it.atom));
                Node::Phrase(Box::new(Phrase { words: kept.into(), slop }))
            }
        };
        any(pair.into_iter().chain([row]).collect())
    }
}

/// The atoms whose presence, one of each set, is all that `node` asks; `None` when it asks more.
pub(super) fn sufficient(node: &Node) -> Option<Vec<Vec<u32>>> {
    match node {
        Node::Atom(atom) => Some(vec![vec![*atom]]),
        Node::Any(parts) => {
            let atoms = parts.iter().map(|it| match it {
                Node::Atom(atom) => Some(*atom),
                _ => None,
            });
            let mut atoms = atoms.collect::<Option<Vec<u32>>>()?;
            atoms.sort_unstable();
            atoms.dedup();
            Some(vec![atoms])
        }
        Node::All(parts) => {
            let sets: Option<Vec<_>> = parts.iter().map(sufficient).collect();
            Some(sets?.into_iter().flatten().collect())
        }
        _ => None,
    }
}

/// Sets of atoms, of each of which a matching article has at least one.
pub(super) fn requirements(node: &Node, atoms: &Atoms) -> Vec<Vec<u32>> {
    match node {
        Node::Atom(atom) => vec![vec![*atom]],
        Node::Phrase(phrase) => phrase.words.iter().map(|it| vec![it.atom]).collect(),
        Node::All(parts) => parts.iter().flat_map(|it| requirements(it, atoms)).collect(),
        Node::Any(parts) => {
            let cost = |set: &Vec<u32>| set.iter().map(|it| atoms.frequency(*it)).sum::<f64>();
            let mut choice = BTreeSet::new();
            for part in parts {
                let sets = requirements(part, atoms);
                let best = sets.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
                let Some(best) = best else { return Vec::new() };
                choice.extend(best);
            }
            if choice.len() > N_CHOICES_MAX {
                return Vec::new();
            }
            vec![choice.into_iter().collect()]
        }
        _ => Vec::new(),
    }
}

/// Runs programs on one article.
pub(super) struct Verifier<'a> {
    pub(super) terms: &'a Terms,
    pub(super) atoms: &'a Atoms,
    pub(super) now: DateTime<Utc>,
}

impl Verifier<'_> {
    pub(super) fn holds(&mut self, node: &Node) -> bool {
        match node {
            Node::Always => true,
            Node::Never => false,
            Node::All(parts) => parts.iter().all(|it| self.holds(it)),
            Node::Any(parts) => parts.iter().any(|it| self.holds(it)),
            Node::Not(inner) => !self.holds(inner),
            Node::Atom(atom) => self.atoms.has(*atom),
            Node::Phrase(phrase) => self.holds_phrase(phrase),
            Node::Fuzzy(fuzzy) => {
                let (field, word, distance) = &**fuzzy;
                self.terms.has_near(*field, word, *distance)
            }
            Node::Range(range) => {
                let (field, range) = **range;
                let (from, to) = range.seconds(self.now);
                self.terms.second(field).is_some_and(|at| {
                    from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
                })
            }
        }
    }

    fn holds_phrase(&self, phrase: &Phrase) -> bool {
        if !phrase.words.iter().all(|it| self.atoms.has(it.atom)) {
            return false;
        }
        // All words with their accents, or all without: as the query is read, never a mixture.
        let readings = [Reading::Accented, Reading::Plain];
        if phrase.slop == 0 {
            return self.holds_row(phrase, &readings);
        }
        readings.into_iter().any(|reading| {
            let last = phrase.words.iter().map(|it| it.position).max().unwrap_or(0);
            let positions = phrase.words.iter().map(|it| {
                let positions = self.atoms.places(it.atom).positions(reading);
                positions.map(|at| at + last - it.position).collect()
            });
            is_phrase(positions.collect(), phrase.slop)
        })
    }

    /// Whether the words stand exactly in a row: looked for around the rarest of them.
    fn holds_row(&self, phrase: &Phrase, readings: &[Reading]) -> bool {
        let [first, second] = &*phrase.words else { return self.holds_long_row(phrase, readings) };
        let (left, right) = (self.atoms.places(first.atom), self.atoms.places(second.atom));
        let gap = second.position - first.position;
        readings.iter().any(|&reading| {
            if left.len() <= right.len() {
                left.positions(reading).any(|at| right.has(at + gap, reading))
            } else {
                let mut ends = right.positions(reading).filter(|it| *it >= gap);
                ends.any(|at| left.has(at - gap, reading))
            }
        })
    }

    fn holds_long_row(&self, phrase: &Phrase, readings: &[Reading]) -> bool {
        let found: Vec<(u32, Places<'_>)> =
            phrase.words.iter().map(|it| (it.position, self.atoms.places(it.atom))).collect();
        let Some(&(offset, rarest)) = found.iter().min_by_key(|(_, it)| it.len()) else {
            return false;
        };
        readings.iter().any(|&reading| {
            let mut starts = rarest.positions(reading).filter(|it| *it >= offset);
            starts.any(|at| {
                found.iter().all(|(position, it)| it.has(at - offset + position, reading))
            })
        })
    }
}
