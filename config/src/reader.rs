//! Reads typed values out of a TOML document and collects every mistake on the way.
//!
//! serde stops at the first mistake; here each key is read by itself, so that a wrong one hides
//! no other.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{ConfigError, Position, did_you_mean};
use crate::id::SectorId;
use crate::value::{Rule, Value};

/// A value of a TOML document with its place.
pub(crate) type Located<'a> = Spanned<DeValue<'a>>;

/// Where values are read from, and the mistakes found so far.
pub(crate) struct Reader<'a> {
    origin: String,
    text: &'a str,
    /// Names of the tables that are being read, outermost first.
    path: Vec<String>,
    /// Lines that are no TOML; what the parser guessed there is not worth an error of its own.
    broken_lines: BTreeSet<usize>,
    /// Whether the value that is being read is a secret, which no message may show.
    is_secret: bool,
    /// Sectors that may be named; `None` while the taxonomy itself is being read.
    pub(crate) sectors: Option<&'a BTreeSet<SectorId>>,
    pub(crate) errors: Vec<ConfigError>,
}

impl<'a> Reader<'a> {
    /// A reader of `text`, which stands in `origin`.
    pub(crate) fn new(origin: impl Into<String>, text: &'a str) -> Reader<'a> {
        Reader {
            origin: origin.into(),
            text,
            path: Vec::new(),
            broken_lines: BTreeSet::new(),
            is_secret: false,
            sectors: None,
            errors: Vec::new(),
        }
    }

    /// Reads the whole document as one `T`; `None` when it has mistakes that leave no value.
    pub(crate) fn document<T: Value>(&mut self) -> Option<T> {
        let (table, syntax_errors) = DeTable::parse_recoverable(self.text);
        let n_syntax_errors = syntax_errors.len();
        for error in syntax_errors {
            let span = error.span().unwrap_or(0..0);
            self.error_at(&span, None, error.message().to_owned());
        }
        let lines = self.errors.iter().filter_map(|it| it.position.as_ref()).map(|it| it.line);
        self.broken_lines = lines.collect();
        let span = table.span();
        let value = T::read(&Spanned::new(span, DeValue::Table(table.into_inner())), self);
        value.filter(|_| n_syntax_errors == 0)
    }

    /// The place of `span`; `None` in a text that is no file.
    pub(crate) fn position(&self, span: &Range<usize>) -> Option<Position> {
        (!self.text.is_empty()).then(|| Position::of(self.text, span))
    }

    /// What is read.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// Reads something without noting its mistakes.
    pub(crate) fn quietly<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let n_errors = self.errors.len();
        let value = read(self);
        self.errors.truncate(n_errors);
        value
    }

    /// Where the text stands.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Notes a mistake at `span` in the table that is being read, under `key` if given.
    pub(crate) fn error_at(&mut self, span: &Range<usize>, key: Option<&str>, message: String) {
        let mut position = self.position(span);
        if position.as_ref().is_some_and(|it| self.broken_lines.contains(&it.line)) {
            return;
        }
        if let Some(at) = position.as_mut().filter(|_| self.is_secret) {
            at.text = at.text.chars().take(at.column - 1).chain(['…']).collect();
            at.n_chars = 1;
        }
        let dotted = self.path.iter().map(String::as_str).chain(key).collect::<Vec<_>>().join(".");
        let key = (!dotted.is_empty()).then_some(dotted);
        self.errors.push(ConfigError { origin: self.origin.clone(), position, key, message });
    }

    /// Notes that `value` is not what `T` wants, with `hint` at the end.
    pub(crate) fn wrong<T: Value>(&mut self, value: &Located<'_>, hint: &str) {
        let found = match value.get_ref() {
            DeValue::String(_) if self.is_secret => "another text".to_owned(),
            DeValue::String(it) => format!("`{it}`"),
            DeValue::Integer(it) => it.to_string(),
            DeValue::Float(it) => it.to_string(),
            other if other.type_str().starts_with(['a', 'i']) => format!("an {}", other.type_str()),
            other => format!("a {}", other.type_str()),
        };
        let message = format!("must be {}, is {found}{hint}", T::wanted());
        self.error_at(&value.span(), None, message);
    }

    /// Reads something below the current table, so that its errors carry `name` in their key.
    pub(crate) fn within<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(name.to_owned());
        let value = read(self);
        self.path.pop();
        value
    }

    /// Reads a secret: its mistakes are noted without its text.
    pub(crate) fn secretly<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        self.is_secret = true;
        let value = read(self);
        self.is_secret = false;
        value
    }

    /// Reads the items of a list, each under `name[1]`, `name[2]`…, and leaves out those with
    /// mistakes, which are noted.
    pub(crate) fn items<T: Value>(&mut self, items: &[Located<'_>]) -> Vec<T> {
        let name = self.path.pop().unwrap_or_default();
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let name = format!("{name}[{}]", index + 1);
            values.extend(self.within(&name, |reader| T::read(item, reader)));
        }
        self.path.push(name);
        values
    }
}

/// The fields of one table while they are read.
pub(crate) struct Fields<'t, 'r, 'a> {
    table: &'t DeTable<'t>,
    span: Range<usize>,
    reader: &'r mut Reader<'a>,
    known: Vec<&'static str>,
}

impl<'t, 'r, 'a> Fields<'t, 'r, 'a> {
    /// Opens `value` as a table, or notes that it is none.
    pub(crate) fn open<T: Value>(
        value: &'t Located<'t>,
        reader: &'r mut Reader<'a>,
    ) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            reader.wrong::<T>(value, "");
            return None;
        };
        Some(Fields { table, span: value.span(), reader, known: Vec::new() })
    }

    /// Reads the field `name`, or takes `default` when it is absent. Notes an error and returns
    /// `None` when it has the wrong type, breaks `rule`, or is absent without default.
    pub(crate) fn take<T: Value>(
        &mut self,
        name: &'static str,
        default: Option<T>,
        rule: Option<Rule<T>>,
    ) -> Option<T> {
        self.known.push(name);
        let Some(value) = self.table.get(name) else {
            // In a document with broken lines the key may stand in one of those.
            if default.is_none() && self.reader.broken_lines.is_empty() {
                self.reader.error_at(&self.span, None, format!("key `{name}` is missing"));
            }
            return default;
        };
        self.reader.within(name, |reader| {
            let read = T::read(value, reader)?;
            match rule.as_ref().and_then(|it| it.broken_by(&read)) {
                Some(message) => {
                    reader.error_at(&value.span(), None, message);
                    None
                }
                None => Some(read),
            }
        })
    }

    /// Notes every key that no [`Fields::take`] asked for.
    pub(crate) fn close(self) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !self.known.contains(&name) {
                let hint = did_you_mean(name, self.known.iter().copied());
                let message = if hint.is_empty() {
                    format!("unknown key; allowed are {}", self.known.join(", "))
                } else {
                    format!("unknown key{hint}")
                };
                self.reader.error_at(&key.span(), Some(name), message);
            }
        }
    }
}
