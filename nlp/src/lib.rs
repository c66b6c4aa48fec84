//! From an article to its annotation: mentions, entities, statements, sectors, stories.
//!
//! Reading order: [`annotation`] (what is found), [`annotate`] (calls everything in order), [`document`]
//! and [`sentence`], [`tokenize`] and [`wordpiece`], [`tagger`] with its engine [`rten_tagger`],
//! [`bio`] and [`offsets`] (from tags to mentions), [`gazetteer`], [`knowledge`] and [`link`] (from
//! mentions to entities), [`statement`] (who threatens whom), [`sector`], [`indicator`]; then
//! [`correction`] (what readers put right), [`statement_changes`] (what an edit changed) and
//! [`story`].

pub mod annotate;
pub mod annotation;
mod assemble;
mod batch;
pub mod bio;
mod consistency;
mod coreference;
pub mod correction;
mod cyber_context;
pub mod document;
mod encode;
mod engine;
pub mod gazetteer;
pub mod indicator;
mod inflection;
pub mod knowledge;
pub mod language;
pub mod link;
mod link_names;
mod names;
mod names_in_languages;
pub mod offsets;
pub mod rten_tagger;
#[cfg(feature = "rust-bert")]
pub mod rust_bert_tagger;
mod script;
pub mod sector;
mod sector_classifier;
mod sector_words;
pub mod sentence;
mod software_names;
pub mod statement;
pub mod statement_changes;
mod statement_draft;
mod statement_grammar;
mod statement_head;
mod statement_parties;
mod statement_phrase;
mod statement_roles;
mod statement_time;
mod statement_triggers;
pub mod story;
pub mod tagger;
pub mod tokenize;
pub mod wordpiece;

pub use annotate::{Annotated, Annotator};
pub use annotation::{
    Annotation, Domain, EntityRef, Mention, MentionKind, Modality, Phrase, ScoredSector, Span,
    Statement, StatementKind, StatementTime, Tense, TitleAnnotation,
};
