//! The query language: text → [`Ast`] → Tantivy query. Parsing is pure.
//!
//! Reading order: [`ast`] (what a query means, and its canonical text), [`field`], [`date`],
//! `scanner` and [`parser`] (text → [`Ast`]), [`error`], `compile` ([`Ast`] → Tantivy).
//! `docs/search.md` describes the language for users.

pub mod ast;
pub(crate) mod compile;
pub mod date;
pub mod error;
pub mod field;
pub mod parser;
mod scanner;
#[cfg(test)]
mod tests;

pub use ast::{Ast, Clause, Value};
pub use error::{QueryError, QueryErrorKind};
pub use field::QueryField;
pub use parser::parse;
