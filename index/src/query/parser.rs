//! Query text → [`Ast`] by recursive descent.
//!
//! ```text
//! or     = and { "OR" and }
//! and    = unary { ["AND"] unary }
//! unary  = ("NOT" | "-" | "+") unary | "(" or ")" | field ":" value | value
//! value  = word | word"*" | word"~"[1|2] | quotation["~"n] | "[" from TO to "]" | (">"|"<")["="] date
//! ```

use super::ast::{Ast, Clause, Value};
use super::date::{DateBound, DatePoint, DateRange};
use super::error::{QueryError, QueryErrorKind, nearest};
use super::field::{FieldKind, QueryField};
use super::scanner::{Scanner, is_quote};

/// Characters of a query at most.
pub const LENGTH_MAX: usize = 2_000;
/// Levels of parentheses and NOTs at most.
pub const DEPTH_MAX: usize = 32;
/// Words, phrases and field conditions at most.
pub const CLAUSES_MAX: usize = 256;
/// Moves of words within a phrase at most.
pub const SLOP_MAX: u32 = 50;

/// Parses a query. Never panics; errors name the place and, where there is one, a remedy.
pub fn parse(text: &str) -> Result<Ast, QueryError> {
    let n_chars = text.chars().count();
    if n_chars > LENGTH_MAX {
        let kind = QueryErrorKind::Long;
        return Err(QueryError::new(LENGTH_MAX, n_chars - LENGTH_MAX, kind));
    }
    let mut parser = Parser { scanner: Scanner::new(text), n_clauses: 0, depth: 0 };
    let ast = parser.or(None)?;
    if parser.scanner.peek().is_some() {
        let at = parser.scanner.at();
        return Err(QueryError::new(at, 1, QueryErrorKind::StrayParenthesis));
    }
    Ok(ast.unwrap_or(Ast::Everything))
}

struct Parser {
    scanner: Scanner,
    n_clauses: usize,
    depth: usize,
}

/// `None`: only signs that no index knows, such as a lone dash.
type Parsed = Result<Option<Ast>, QueryError>;

impl Parser {
    fn or(&mut self, field: Option<QueryField>) -> Parsed {
        let mut parts = Vec::new();
        loop {
            parts.extend(self.and(field)?);
            self.scanner.skip_space();
            let at = self.scanner.at();
            if !self.scanner.skip_keyword("OR") {
                break;
            }
            self.operand(at, "OR")?;
        }
        Ok((!parts.is_empty()).then(|| Ast::or(parts)))
    }

    fn and(&mut self, field: Option<QueryField>) -> Parsed {
        let mut parts = Vec::new();
        let mut n_read = 0;
        loop {
            self.scanner.skip_space();
            let at = self.scanner.at();
            if self.scanner.skip_keyword("AND") {
                if n_read == 0 {
                    return Err(QueryError::new(at, 3, QueryErrorKind::Operand("AND", "its left")));
                }
                self.operand(at, "AND")?;
                continue;
            }
            let is_or = self.scanner.skip_keyword("OR");
            self.scanner.seek(at);
            if is_or && n_read == 0 {
                return Err(QueryError::new(at, 2, QueryErrorKind::Operand("OR", "its left")));
            }
            if is_or || matches!(self.scanner.peek(), None | Some(')')) {
                break;
            }
            parts.extend(self.unary(field)?);
            n_read += 1;
        }
        Ok((!parts.is_empty()).then(|| Ast::and(parts)))
    }

    /// Checks that something follows the operator that started at `at`.
    fn operand(&mut self, at: usize, name: &'static str) -> Result<(), QueryError> {
        self.scanner.skip_space();
        let here = self.scanner.at();
        let is_missing = matches!(self.scanner.peek(), None | Some(')'))
            || self.scanner.skip_keyword("AND")
            || self.scanner.skip_keyword("OR");
        self.scanner.seek(here);
        if is_missing {
            let kind = QueryErrorKind::Operand(name, "its right");
            return Err(QueryError::new(at, name.len(), kind));
        }
        Ok(())
    }

    fn unary(&mut self, field: Option<QueryField>) -> Parsed {
        let at = self.scanner.at();
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(QueryError::new(at, 1, QueryErrorKind::Deep));
        }
        let parsed = self.unary_within(at, field);
        self.depth -= 1;
        parsed
    }

    fn unary_within(&mut self, at: usize, field: Option<QueryField>) -> Parsed {
        if self.scanner.skip_keyword("NOT") {
            self.operand(at, "NOT")?;
            return Ok(self.unary(field)?.map(Ast::negate));
        }
        let is_glued =
            self.scanner.peek_after(1).is_some_and(|it| !it.is_whitespace() && it != ')');
        match self.scanner.peek() {
            Some('-') if is_glued => {
                self.scanner.bump();
                Ok(self.unary(field)?.map(Ast::negate))
            }
            Some('+') if is_glued => {
                self.scanner.bump();
                self.unary(field)
            }
            Some('(') => self.group(field),
            _ => self.condition(field),
        }
    }

    fn group(&mut self, field: Option<QueryField>) -> Parsed {
        let at = self.scanner.at();
        self.scanner.bump();
        self.scanner.skip_space();
        if self.scanner.peek() == Some(')') {
            return Err(QueryError::new(at, 2, QueryErrorKind::EmptyParentheses));
        }
        let parsed = self.or(field)?;
        if self.scanner.bump() != Some(')') {
            return Err(QueryError::new(at, 1, QueryErrorKind::OpenParenthesis));
        }
        Ok(parsed)
    }

    fn condition(&mut self, outer: Option<QueryField>) -> Parsed {
        let at = self.scanner.at();
        for operator in ["AND", "OR"] {
            if self.scanner.skip_keyword(operator) {
                let kind = QueryErrorKind::Operand(operator, "its left");
                return Err(QueryError::new(at, operator.len(), kind));
            }
        }
        self.n_clauses += 1;
        if self.n_clauses > CLAUSES_MAX {
            return Err(QueryError::new(at, 1, QueryErrorKind::ManyClauses));
        }
        if outer.is_some() {
            return self.value(outer);
        }
        let name = self.scanner.take_word(&[':']);
        let is_name =
            !name.is_empty() && name.chars().all(|it| it.is_ascii_alphabetic() || it == '_');
        let after = self.scanner.peek_after(1);
        let is_field = is_name && self.scanner.peek() == Some(':');
        if !is_field || after == Some('/') && name.to_lowercase().starts_with("http") {
            self.scanner.seek(at);
            return self.value(None);
        }
        let shorthand = name.to_lowercase();
        let field = match shorthand.as_str() {
            "from" | "to" => Some(QueryField::Published),
            _ => QueryField::from_name(&name),
        };
        let ends_here = after.is_none_or(|it| it.is_whitespace() || it == ')');
        if ends_here && field.is_none() {
            self.scanner.seek(at);
            return self.value(None); // "Warning: attack": the colon is punctuation.
        }
        let Some(field) = field else { return Err(unknown_field(at, &name, &self.rest(at))) };
        self.scanner.bump();
        self.scanner.skip_space();
        if matches!(self.scanner.peek(), None | Some(')')) {
            let kind = QueryErrorKind::MissingValue(field.name());
            return Err(QueryError::new(at, name.chars().count() + 1, kind));
        }
        match (shorthand.as_str(), self.scanner.peek()) {
            ("from", _) => self.comparison(field, '>', true),
            ("to", _) => self.comparison(field, '<', true),
            (_, Some('(')) => self.unary(Some(field)),
            _ => self.value(Some(field)),
        }
    }

    /// The word that starts at `at`, up to white space.
    fn rest(&mut self, at: usize) -> String {
        let here = self.scanner.at();
        self.scanner.seek(at);
        let word = self.scanner.take_word(&[]);
        self.scanner.seek(here);
        word
    }

    fn value(&mut self, field: Option<QueryField>) -> Parsed {
        let at = self.scanner.at();
        let next = self.scanner.peek();
        if next.is_some_and(is_quote) {
            return self.phrase(field);
        }
        if let (Some(field), Some(sign @ ('>' | '<'))) = (field, next) {
            self.scanner.bump();
            let is_inclusive = self.scanner.peek() == Some('=');
            if is_inclusive {
                self.scanner.bump();
            }
            return self.comparison(field, sign, is_inclusive);
        }
        if let (Some(field), Some('[' | '{')) = (field, next) {
            return self.range(field);
        }
        let word = self.scanner.take_word(&[]);
        let is_url = word.starts_with("http://") || word.starts_with("https://");
        let field = if is_url { field.or(Some(QueryField::Url)) } else { field };
        let value = word_value(at, &word, field)?;
        Ok(value.map(|it| clause(field, it)))
    }

    fn phrase(&mut self, field: Option<QueryField>) -> Parsed {
        let at = self.scanner.at();
        let text = self.scanner.take_quoted()?;
        let n_chars = self.scanner.at() - at;
        let mut slop = 0;
        if self.scanner.peek() == Some('~') {
            let at = self.scanner.at();
            self.scanner.bump();
            let digits = self.scanner.take_digits();
            slop =
                digits.parse().ok().filter(|it| *it <= SLOP_MAX).ok_or_else(|| {
                    QueryError::new(at, digits.len() + 1, QueryErrorKind::Distance)
                })?;
        }
        let is_words = text.chars().any(char::is_alphanumeric);
        match field {
            Some(field) if matches!(field.kind(), FieldKind::Date) => {
                let point = date_point(at, n_chars, text.trim())?;
                Ok(Some(clause(Some(field), Value::Range(DateRange::of(point)))))
            }
            Some(field) if !is_words => {
                Err(QueryError::new(at, n_chars, QueryErrorKind::MissingValue(field.name())))
            }
            Some(field) if matches!(field.kind(), FieldKind::OneOf(_)) => {
                let value = one_of(at, n_chars, text.trim(), field)?;
                Ok(Some(clause(Some(field), value)))
            }
            _ => Ok(is_words.then(|| clause(field, Value::Phrase { text, slop }))),
        }
    }

    fn comparison(&mut self, field: QueryField, sign: char, is_inclusive: bool) -> Parsed {
        let at = self.scanner.at();
        let is_quoted = self.scanner.peek().is_some_and(is_quote);
        let text =
            if is_quoted { self.scanner.take_quoted()? } else { self.scanner.take_word(&[]) };
        let length = self.scanner.at() - at;
        if !matches!(field.kind(), FieldKind::Date) {
            return Err(QueryError::new(at, length, QueryErrorKind::RangeField(field.name())));
        }
        let bound = Some(DateBound { point: date_point(at, length, &text)?, is_inclusive });
        let range = match sign {
            '>' => DateRange { from: bound, to: None },
            _ => DateRange { from: None, to: bound },
        };
        Ok(Some(clause(Some(field), Value::Range(range))))
    }

    fn range(&mut self, field: QueryField) -> Parsed {
        let at = self.scanner.at();
        if !matches!(field.kind(), FieldKind::Date) {
            return Err(QueryError::new(at, 1, QueryErrorKind::RangeField(field.name())));
        }
        let is_from_inclusive = self.scanner.bump() == Some('[');
        let inner = self.scanner.take_until(&[']', '}']);
        let inner = inner.ok_or_else(|| QueryError::new(at, 1, QueryErrorKind::RangeSyntax))?;
        let is_to_inclusive = self.scanner.bump() == Some(']');
        let length = self.scanner.at() - at;
        let mut words = inner.split_whitespace();
        let (Some(from), Some("TO" | "to"), Some(to), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(QueryError::new(at, length, QueryErrorKind::RangeSyntax));
        };
        let bound = |text: &str, is_inclusive| match text {
            "*" => Ok(None),
            _ => date_point(at, length, text).map(|point| Some(DateBound { point, is_inclusive })),
        };
        let range =
            DateRange { from: bound(from, is_from_inclusive)?, to: bound(to, is_to_inclusive)? };
        Ok(Some(clause(Some(field), Value::Range(range))))
    }
}

fn clause(field: Option<QueryField>, value: Value) -> Ast {
    match (field, value) {
        (None, Value::Any) => Ast::Everything,
        (field, value) => Ast::Clause(Clause { field, value }),
    }
}

fn unknown_field(at: usize, name: &str, word: &str) -> QueryError {
    let near = nearest(name, QueryField::names());
    let suggestion = near.map_or_else(|| format!("\"{word}\""), str::to_owned);
    let length = if near.is_some() { name.chars().count() } else { word.chars().count() };
    QueryError::new(at, length, QueryErrorKind::UnknownField(name.to_owned()))
        .suggest(Some(suggestion))
}

fn date_point(at: usize, length: usize, text: &str) -> Result<DatePoint, QueryError> {
    let error = || QueryError::new(at, length, QueryErrorKind::Date(text.to_owned()));
    DatePoint::parse(text).ok_or_else(error)
}

fn one_of(at: usize, length: usize, word: &str, field: QueryField) -> Result<Value, QueryError> {
    let FieldKind::OneOf(values) = field.kind() else { return Ok(Value::Word(word.to_owned())) };
    let lower = word.to_lowercase();
    if values.contains(&lower.as_str()) {
        return Ok(Value::Word(lower));
    }
    let kind = QueryErrorKind::UnknownValue { field: field.name(), value: word.to_owned() };
    let near = nearest(&lower, values.iter().copied()).map(str::to_owned);
    Err(QueryError::new(at, length, kind).suggest(near))
}

/// What a bare word means for `field`; `None` for a word without letters and digits.
fn word_value(
    at: usize,
    word: &str,
    field: Option<QueryField>,
) -> Result<Option<Value>, QueryError> {
    let n_chars = word.chars().count();
    let error = |kind| Err(QueryError::new(at, n_chars, kind));
    if word == "*" {
        return Ok(Some(Value::Any));
    }
    if let Some(field) = field {
        match field.kind() {
            FieldKind::Date => {
                return Ok(Some(Value::Range(DateRange::of(date_point(at, n_chars, word)?))));
            }
            FieldKind::OneOf(_) => return one_of(at, n_chars, word, field).map(Some),
            FieldKind::Whole if word.ends_with(['*', '~']) => {
                return error(QueryErrorKind::WholeValue(field.name()));
            }
            _ if !word.chars().any(char::is_alphanumeric) => {
                return error(QueryErrorKind::MissingValue(field.name()));
            }
            FieldKind::Whole => return Ok(Some(Value::Word(word.to_owned()))),
            _ => (),
        }
    }
    if !word.chars().any(char::is_alphanumeric) {
        return Ok(None);
    }
    if let Some(start) = word.strip_suffix('*') {
        let is_dense = start.chars().any(|it| !it.is_ascii() && it.is_alphabetic());
        let n_letters = start.chars().filter(|it| it.is_alphanumeric()).count();
        return match () {
            () if start.contains('*') => error(QueryErrorKind::InnerWildcard),
            () if n_letters < 2 && !is_dense => error(QueryErrorKind::ShortPrefix),
            () => Ok(Some(Value::Prefix(start.to_owned()))),
        };
    }
    if word.contains('*') {
        return error(QueryErrorKind::InnerWildcard);
    }
    match word.split_once('~') {
        None => Ok(Some(Value::Word(word.to_owned()))),
        Some((start, distance)) if start.chars().any(char::is_alphanumeric) => {
            let distance = match distance {
                "" | "1" => 1,
                "2" => 2,
                _ => return error(QueryErrorKind::Distance),
            };
            Ok(Some(Value::Fuzzy { word: start.to_owned(), distance }))
        }
        Some(_) => error(QueryErrorKind::Distance),
    }
}
