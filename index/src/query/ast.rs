//! What a query means: [`Ast`], with its canonical text and its words.

use std::fmt;

use super::date::DateRange;
use super::field::QueryField;

/// A query as a tree. Built by [`super::parse`], always in normal form: AND and OR have two or
/// more branches and none of their own sort, NOT holds no NOT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ast {
    /// `*`, and the empty query.
    Everything,
    /// All of these.
    And(Vec<Ast>),
    /// Any of these.
    Or(Vec<Ast>),
    /// Everything but this.
    Not(Box<Ast>),
    /// One condition.
    Clause(Clause),
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The field; `None` is headline and text.
    pub field: Option<QueryField>,
    /// What the field must hold.
    pub value: Value,
}

/// What a field must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A word as typed (or a whole value), without quotes.
    Word(String),
    /// Words in a row.
    Phrase {
        /// What stood between the quotes.
        text: String,
        /// How many places the words may be moved in all; 0 is exactly in a row.
        slop: u32,
    },
    /// Words that start so.
    Prefix(String),
    /// Words that differ by few letters.
    Fuzzy {
        /// The word as typed.
        word: String,
        /// Edits allowed: 1 or 2.
        distance: u8,
    },
    /// A period.
    Range(DateRange),
    /// `field:*`, any value at all.
    Any,
}

impl Ast {
    /// Joins `parts` by AND in normal form.
    pub(crate) fn and(parts: Vec<Ast>) -> Ast {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Ast::And(inner) => flat.extend(inner),
                Ast::Everything => (),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Ast::Everything,
            1 => flat.remove(0),
            _ => Ast::And(flat),
        }
    }

    /// Joins `parts`, at least one, by OR in normal form.
    pub(crate) fn or(parts: Vec<Ast>) -> Ast {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Ast::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        if flat.len() == 1 { flat.remove(0) } else { Ast::Or(flat) }
    }

    /// Negates `part` in normal form.
    pub(crate) fn negate(part: Ast) -> Ast {
        match part {
            Ast::Not(inner) => *inner,
            other => Ast::Not(Box::new(other)),
        }
    }

    /// The query in words, for people: `“power grid” and actor iran, but not “drill”`.
    pub fn in_words(&self) -> String {
        match self {
            Ast::Everything => "everything".to_owned(),
            Ast::And(parts) => {
                let (negated, plain): (Vec<&Ast>, Vec<&Ast>) =
                    parts.iter().partition(|it| matches!(it, Ast::Not(_)));
                let mut words = join_words(plain, " and ");
                for part in negated {
                    if let Ast::Not(inner) = part {
                        let lead = if words.is_empty() { "not " } else { ", but not " };
                        words.push_str(lead);
                        words.push_str(&inner.grouped_words());
                    }
                }
                words
            }
            Ast::Or(parts) => join_words(parts.iter().collect(), " or "),
            Ast::Not(inner) => format!("everything but {}", inner.grouped_words()),
            Ast::Clause(clause) => clause.in_words(),
        }
    }

    fn grouped_words(&self) -> String {
        match self {
            Ast::And(_) | Ast::Or(_) => format!("({})", self.in_words()),
            _ => self.in_words(),
        }
    }
}

fn join_words(parts: Vec<&Ast>, separator: &str) -> String {
    parts.into_iter().map(Ast::grouped_words).collect::<Vec<_>>().join(separator)
}

impl Clause {
    fn in_words(&self) -> String {
        let value = match &self.value {
            Value::Word(word) if self.field.is_some() => word.clone(),
            Value::Word(word) => format!("“{word}”"),
            Value::Phrase { text, slop: 0 } => format!("“{text}”"),
            Value::Phrase { text, slop } => format!("the words of “{text}” within {slop} places"),
            Value::Prefix(start) => format!("a word that starts with “{start}”"),
            Value::Fuzzy { word, distance } => {
                format!("a word within {distance} letters of “{word}”")
            }
            Value::Range(range) => range_words(*range),
            Value::Any => return format!("any {}", self.field.map_or("word", QueryField::name)),
        };
        self.field.map_or(value.clone(), |it| format!("{} {value}", it.name()))
    }
}

fn range_words(range: DateRange) -> String {
    let from = range
        .from
        .map(|it| format!("{} {}", if it.is_inclusive { "from" } else { "after" }, it.point));
    let to = range
        .to
        .map(|it| format!("{} {}", if it.is_inclusive { "until" } else { "before" }, it.point));
    match (from, to) {
        (None, None) => "at any time".to_owned(),
        (from, to) => from.into_iter().chain(to).collect::<Vec<_>>().join(" "),
    }
}

impl fmt::Display for Ast {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ast::Everything => out.write_str("*"),
            Ast::And(parts) => write_joined(out, parts, " AND "),
            Ast::Or(parts) => write_joined(out, parts, " OR "),
            Ast::Not(inner) => {
                out.write_str("NOT ")?;
                inner.write_grouped(out)
            }
            Ast::Clause(clause) => clause.fmt(out),
        }
    }
}

impl Ast {
    fn write_grouped(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ast::And(_) | Ast::Or(_) => write!(out, "({self})"),
            _ => fmt::Display::fmt(self, out),
        }
    }
}

fn write_joined(out: &mut fmt::Formatter<'_>, parts: &[Ast], separator: &str) -> fmt::Result {
    for (n_before, part) in parts.iter().enumerate() {
        if n_before > 0 {
            out.write_str(separator)?;
        }
        part.write_grouped(out)?;
    }
    Ok(())
}

impl fmt::Display for Clause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(out, "{}:", field.name())?;
        }
        match &self.value {
            Value::Word(word) => out.write_str(word),
            Value::Phrase { text, slop } => {
                write!(out, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))?;
                if *slop > 0 { write!(out, "~{slop}") } else { Ok(()) }
            }
            Value::Prefix(start) => write!(out, "{start}*"),
            Value::Fuzzy { word, distance } => write!(out, "{word}~{distance}"),
            Value::Range(range) => range.fmt(out),
            Value::Any => out.write_str("*"),
        }
    }
}
