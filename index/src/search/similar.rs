//! Articles that share the characteristic words of another, and words that are more frequent in what
//! was found than usual.

use std::collections::{BTreeSet, HashMap, HashSet};

use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, TantivyDocument, Term};

use super::error::SearchError;
use super::rank::Rank;
use super::response::SignificantWord;
use super::run::Search;
use crate::query::ast::{Ast, Value};
use crate::query::compile::{Compiled, surfaces, text_of};
use crate::tokenizer::{Analyzer, Language};

/// The best articles whose words are counted.
pub(super) const N_ARTICLES_COUNTED: usize = 100;
/// Words of a text that are looked at; what an article is about stands there.
const N_WORDS_READ: usize = 600;
/// Characteristic words of an article that others are compared by.
const N_WORDS_COMPARED: usize = 25;
/// Share of these that another article must have, to be like it.
const SHARED_MIN: f64 = 0.3;
/// Words whose frequency in the index is looked up, the most frequent first.
const N_WORDS_WEIGHED: usize = 1_500;
/// Articles that must have a word for it to tell anything.
const N_ARTICLES_MIN: usize = 3;
/// A word must be so many times as frequent as usual.
const RATIO_MIN: f64 = 2.0;
/// Words with fewer letters are left out, where words have spaces between them.
const N_LETTERS_MIN: usize = 3;

/// Words of one text by their stem: how often each occurs, and as it is first spelt.
type Counted = HashMap<String, (usize, String)>;

impl Search<'_> {
    /// Makes `compiled` find only articles like the one with this `id`, and rank by it.
    pub(super) fn narrow_to_like(
        &self,
        compiled: &mut Compiled,
        ast: &Ast,
        id: &str,
    ) -> Result<(), SearchError> {
        let fields = self.index.fields();
        let searcher = &self.snapshot.searcher;
        let by_id = Term::from_field_text(fields.id, &id.to_lowercase());
        let by_id = TermQuery::new(by_id, IndexRecordOption::Basic);
        let found = searcher.search(&by_id, &tantivy::collector::DocSetCollector)?;
        let Some(address) = found.into_iter().next() else {
            return Err(SearchError::Like(id.chars().take(64).collect()));
        };
        let document: TantivyDocument = searcher.doc(address)?;
        let counted = self.words(&document, &mut Analyzer::new())?;
        let n_docs = searcher.num_docs().max(1) as f64;
        let mut weighed = Vec::with_capacity(counted.len());
        for (stem, (n, _)) in counted {
            let term = Term::from_field_text(fields.text, &stem);
            let n_having = searcher.doc_freq(&term)?;
            // A word that no other article has finds none.
            if n_having > 1 {
                let rarity = (n_docs / n_having as f64).ln().max(0.0);
                weighed.push(((n as f64).sqrt() * rarity, term));
            }
        }
        weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        weighed.truncate(N_WORDS_COMPARED);
        let n_shared = (weighed.len() as f64 * SHARED_MIN).ceil().max(1.0) as usize;
        let words = weighed.into_iter().map(|(_, term)| -> (Occur, Box<dyn Query>) {
            (Occur::Should, Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)))
        });
        let like = BooleanQuery::with_minimum_required_clauses(words.collect(), n_shared);
        let mut parts: Vec<(Occur, Box<dyn Query>)> =
            vec![(Occur::Must, Box::new(like)), (Occur::MustNot, Box::new(by_id))];
        if *ast != Ast::Everything || compiled.has_filters {
            let query = std::mem::replace(&mut compiled.query, Box::new(tantivy::query::AllQuery));
            parts.push((Occur::Must, query));
        }
        compiled.query = Box::new(BooleanQuery::new(parts));
        compiled.is_scored = true;
        Ok(())
    }

    /// The words that tell `best`, the best articles, from all others.
    pub(super) fn significant(
        &self,
        best: &[(Rank, DocAddress)],
        ast: &Ast,
        n_words: usize,
    ) -> Result<Vec<SignificantWord>, SearchError> {
        let searcher = &self.snapshot.searcher;
        let mut analyzer = Analyzer::new();
        let mut asked = BTreeSet::new();
        asked_words(ast, &mut analyzer, &mut asked);
        let best = &best[..best.len().min(N_ARTICLES_COUNTED)];
        let mut n_having: HashMap<String, (usize, String)> = HashMap::new();
        for (_, address) in best {
            let document: TantivyDocument = searcher.doc(*address)?;
            for (stem, (_, surface)) in self.words(&document, &mut analyzer)? {
                n_having.entry(stem).or_insert((0, surface)).0 += 1;
            }
        }
        let mut words: Vec<(usize, String, String)> = n_having
            .into_iter()
            .filter(|(_, (n, surface))| *n >= N_ARTICLES_MIN && !asked.contains(surface))
            .filter(|(_, (_, surface))| !nlp::story::is_stop_word(surface))
            .map(|(stem, (n, surface))| (n, stem, surface))
            .collect();
        words.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        words.truncate(N_WORDS_WEIGHED);
        let n_docs = searcher.num_docs().max(1) as f64;
        let text: Field = self.index.fields().text;
        let mut scored: Vec<(f64, SignificantWord)> = Vec::new();
        for (n, stem, word) in words {
            let share = n as f64 / best.len() as f64;
            let usual = searcher.doc_freq(&Term::from_field_text(text, &stem))? as f64 / n_docs;
            let usual_share = usual.clamp(1.0 / n_docs, 1.0);
            if share >= RATIO_MIN * usual_share {
                let score = (share - usual_share) * (share / usual_share).ln();
                scored.push((score, SignificantWord { word, share, usual_share }));
            }
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        // One word in two languages, or with and without accents, is one word.
        let mut seen = HashSet::new();
        let distinct =
            scored.into_iter().map(|(_, it)| it).filter(|it| seen.insert(it.word.clone()));
        Ok(distinct.take(n_words).collect())
    }

    /// The words of headline and lead.
    fn words(
        &self,
        document: &TantivyDocument,
        analyzer: &mut Analyzer,
    ) -> Result<Counted, SearchError> {
        let (card, body) = self.stored(document)?;
        let language = Language::of(card.language.as_deref());
        let mut counted = Counted::new();
        for text in [card.title.as_str(), body] {
            analyzer.analyze(text, language, |word| {
                let surface = &word.stems.surface;
                let is_word = surface.chars().any(char::is_alphabetic)
                    && (!surface.is_ascii() || surface.len() >= N_LETTERS_MIN);
                if is_word {
                    match counted.get_mut(&word.stems.stem) {
                        Some((n, _)) => *n += 1,
                        None => {
                            counted.insert(word.stems.stem.clone(), (1, surface.clone()));
                        }
                    }
                }
                word.position < N_WORDS_READ
            });
        }
        Ok(counted)
    }
}

/// The words of the query itself, which tell nothing.
fn asked_words(ast: &Ast, analyzer: &mut Analyzer, asked: &mut BTreeSet<String>) {
    match ast {
        Ast::And(parts) | Ast::Or(parts) => {
            parts.iter().for_each(|it| asked_words(it, analyzer, asked));
        }
        Ast::Clause(clause) if !matches!(clause.value, Value::Range(_) | Value::Any) => {
            asked.extend(surfaces(analyzer, text_of(&clause.value)));
        }
        Ast::Everything | Ast::Not(_) | Ast::Clause(_) => (),
    }
}
