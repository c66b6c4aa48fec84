//! What a key may hold: the [`Value`] trait with its plain implementations, and [`Rule`]s.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::NaiveDate;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use url::Url;

use crate::error::did_you_mean;
use crate::id::{SearchId, SectorId, SourceId};
use crate::reader::{Located, Reader};

/// A type that a key of a configuration file can have.
pub(crate) trait Value: Sized + Clone {
    /// What is allowed, as it stands after "must be": `a whole number`.
    fn wanted() -> String;

    /// Reads a TOML value; on a mistake notes it and returns `None`.
    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<Self>;

    /// The value as TOML; `None` for what is not written (an absent option, a table).
    fn to_toml(&self) -> Option<String>;

    /// The value of a key that is absent and has no default of its own; `None` if required.
    fn absent() -> Option<Self> {
        None
    }

    /// The keys below, when this is a table or a list of tables.
    fn keys() -> Vec<Key> {
        Vec::new()
    }

    /// Whether text from the environment stands for itself, even if it looks like a number.
    fn is_text() -> bool {
        false
    }

    /// Sets the value below `path` (empty: the value itself) from text as given on the command
    /// line or in the environment. Notes mistakes.
    fn assign(&mut self, path: &[&str], text: &str, reader: &mut Reader<'_>) {
        debug_assert!(path.is_empty(), "only tables have keys below");
        let document = format!("value = {text}");
        let table = DeTable::parse(&document).ok().filter(|_| !Self::is_text());
        // What is no TOML value (`127.0.0.1:80`, `json`) is taken as a string.
        let string = Spanned::new(0..0, DeValue::String(text.into()));
        let value = table.as_ref().and_then(|it| it.get_ref().get("value")).unwrap_or(&string);
        if let Some(value) = Self::read(value, reader) {
            *self = value;
        }
    }
}

/// A key of a configuration file, for the reference and for overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// Name as written in the file.
    pub(crate) name: &'static str,
    /// Paragraph of documentation: meaning, unit, default.
    pub(crate) doc: &'static str,
    /// What is allowed, as it stands after "must be".
    pub(crate) wanted: String,
    /// Default as TOML; `None` when the key is required, or absent by default.
    pub(crate) default: Option<String>,
    /// Whether the key may be left out.
    pub(crate) is_optional: bool,
    /// Keys below, when it is a table or a list of tables.
    pub(crate) keys: Vec<Key>,
}

/// What a value must be beyond its type.
pub(crate) struct Rule<T> {
    allowed: String,
    holds: Box<dyn Fn(&T) -> bool>,
}

impl<T: Value> Rule<T> {
    /// A rule that reads "must be `allowed`".
    pub(crate) fn new(allowed: impl Into<String>, holds: impl Fn(&T) -> bool + 'static) -> Self {
        Rule { allowed: allowed.into(), holds: Box::new(holds) }
    }

    /// What is allowed, as it stands after "must be".
    pub(crate) fn allowed(&self) -> &str {
        &self.allowed
    }

    /// The message for a `value` that breaks the rule.
    pub(crate) fn broken_by(&self, value: &T) -> Option<String> {
        let shown = value.to_toml().unwrap_or_default();
        (!(self.holds)(value)).then(|| format!("must be {}, is {shown}", self.allowed))
    }
}

/// Between `min` and `max`, both included.
pub(crate) fn within<T: Value + PartialOrd + Display + 'static>(min: T, max: T) -> Rule<T> {
    Rule::new(format!("{min} to {max}"), move |it| min <= *it && *it <= max)
}

/// The `rule`, for a key that may be absent.
pub(crate) fn if_set<T: Value + 'static>(rule: Rule<T>) -> Rule<Option<T>> {
    let Rule { allowed, holds } = rule;
    Rule::new(allowed, move |it: &Option<T>| it.as_ref().is_none_or(&holds))
}

/// Not empty and not only spaces.
pub(crate) fn not_empty() -> Rule<String> {
    Rule::new("a text that is not empty", |it: &String| !it.trim().is_empty())
}

/// Notes that `value` is not what `T` wants.
fn wrong<T: Value>(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<T> {
    reader.wrong::<T>(value, "");
    None
}

/// A string as a TOML literal.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

macro_rules! whole_number {
    ($($type:ty),*) => { $(
        impl Value for $type {
            fn wanted() -> String {
                "a whole number".into()
            }

            fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<$type> {
                let number = value.get_ref().as_integer();
                let parsed = number.and_then(|it| <$type>::from_str_radix(it.as_str(), it.radix()).ok());
                parsed.or_else(|| wrong(value, reader))
            }

            fn to_toml(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )* };
}

whole_number!(u32, u64, usize);

impl Value for bool {
    fn wanted() -> String {
        "true or false".into()
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<bool> {
        value.get_ref().as_bool().or_else(|| wrong(value, reader))
    }

    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

/// Implements [`Value`] for a type that is written as a string: what is wanted, text to value
/// (`None` when refused), value to text.
macro_rules! text_value {
    ($type:ty, $wanted:expr, $parse:expr, $show:expr $(, hint $known:expr)?) => {
        impl $crate::value::Value for $type {
            fn wanted() -> String {
                $wanted.into()
            }

            fn read(
                value: &$crate::reader::Located<'_>,
                reader: &mut $crate::reader::Reader<'_>,
            ) -> Option<$type> {
                let parse: fn(&str) -> Option<$type> = $parse;
                let parsed = value.get_ref().as_str().and_then(parse);
                parsed.or_else(|| $crate::value::wrong_text(value, reader, &[$($known)?]))
            }

            fn to_toml(&self) -> Option<String> {
                let show: fn(&$type) -> String = $show;
                Some($crate::value::quoted(&show(self)))
            }

            fn is_text() -> bool {
                true
            }
        }
    };
}
pub(crate) use text_value;

/// Notes that `value` is not what `T` wants, with the nearest of the `known` words.
pub(crate) fn wrong_text<T: Value>(
    value: &Located<'_>,
    reader: &mut Reader<'_>,
    known: &[&[&str]],
) -> Option<T> {
    let words = known.iter().flat_map(|it| it.iter().copied());
    let hint = value.get_ref().as_str().map(|text| did_you_mean(text, words));
    reader.wrong::<T>(value, &hint.unwrap_or_default());
    None
}

text_value!(String, "a text in quotes", |it| Some(it.to_owned()), |it| it.clone());
text_value!(PathBuf, "a path in quotes", |it| (!it.is_empty()).then(|| it.into()), |it| it
    .display()
    .to_string());
text_value!(
    SocketAddr,
    "an IP address and port such as \"127.0.0.1:8321\" or \"[::]:8321\"",
    |it| it.parse().ok(),
    SocketAddr::to_string
);
text_value!(
    Url,
    "an address that starts with http:// or https://",
    |it| Url::parse(it).ok().filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host()),
    |it| it.to_string()
);
text_value!(
    SourceId,
    "1 to 64 characters from a-z, 0-9 and -, not at the ends",
    |it| is_slug(it).then(|| SourceId::new(it)),
    |it| it.to_string()
);
text_value!(
    SearchId,
    "1 to 64 characters from a-z, 0-9 and -, not at the ends",
    |it| is_slug(it).then(|| SearchId::new(it)),
    |it| it.to_string()
);

fn is_slug(text: &str) -> bool {
    let allowed = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let is_id = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
    is_id && !text.starts_with('-') && !text.ends_with('-')
}

impl Value for SectorId {
    fn wanted() -> String {
        "a sector of taxonomy.toml such as \"/energy/oil-gas\"".into()
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<SectorId> {
        let Some(text) = value.get_ref().as_str() else { return wrong(value, reader) };
        let id = SectorId::new(text);
        let Some(sectors) = reader.sectors else { return Some(id) };
        if sectors.contains(&id) {
            return Some(id);
        }
        let hint = did_you_mean(text, sectors.iter().map(SectorId::as_str));
        reader.error_at(
            &value.span(),
            None,
            format!("`{text}` is no sector of the taxonomy{hint}"),
        );
        None
    }

    fn to_toml(&self) -> Option<String> {
        Some(quoted(self.as_str()))
    }

    fn is_text() -> bool {
        true
    }
}

impl Value for NaiveDate {
    fn wanted() -> String {
        "a date such as 2026-12-31".into()
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<NaiveDate> {
        let text = match value.get_ref() {
            DeValue::Datetime(it) => it.to_string(),
            DeValue::String(it) => it.to_string(),
            _ => return wrong(value, reader),
        };
        text.parse().ok().or_else(|| wrong(value, reader))
    }

    fn to_toml(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<T: Value> Value for Option<T> {
    fn wanted() -> String {
        T::wanted()
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<Option<T>> {
        T::read(value, reader).map(Some)
    }

    fn to_toml(&self) -> Option<String> {
        self.as_ref().and_then(T::to_toml)
    }

    fn absent() -> Option<Option<T>> {
        Some(None)
    }

    fn keys() -> Vec<Key> {
        T::keys()
    }

    fn is_text() -> bool {
        T::is_text()
    }
}

impl<T: Value> Value for Vec<T> {
    fn wanted() -> String {
        format!("a list in brackets, each {}", T::wanted())
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<Vec<T>> {
        let Some(items) = value.get_ref().as_array() else { return wrong(value, reader) };
        Some(reader.items(items))
    }

    fn to_toml(&self) -> Option<String> {
        let items: Option<Vec<String>> = self.iter().map(T::to_toml).collect();
        items.map(|it| format!("[{}]", it.join(", ")))
    }

    fn keys() -> Vec<Key> {
        T::keys()
    }
}
