//! [`DatabaseUrl`]: an address that may hold a password, which no log or page may show.

use std::fmt;

use url::Url;

use crate::reader::{Located, Reader};
use crate::value::{Value, quoted};

/// Address of a PostgreSQL database. `Debug`, `Display` and serialization hide the password;
/// only [`DatabaseUrl::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Url);

impl DatabaseUrl {
    /// Parses `text`; `None` unless it is a `postgres://` or `postgresql://` address with a host.
    pub fn parse(text: &str) -> Option<DatabaseUrl> {
        let url = Url::parse(text.trim()).ok()?;
        (matches!(url.scheme(), "postgres" | "postgresql") && url.has_host())
            .then_some(DatabaseUrl(url))
    }

    /// The whole address with its password, for the connection only.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the address holds a password.
    pub fn has_password(&self) -> bool {
        self.0.password().is_some() || self.0.query_pairs().any(|(key, _)| key == "password")
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        if self.has_password() {
            // Neither call fails on an address with a host, and a query may hold the password too.
            let _ = shown.set_password(Some("…"));
            shown.set_query(None);
            return write!(out, "{}", shown.as_str().replace("%E2%80%A6", "…"));
        }
        out.write_str(shown.as_str())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

impl serde::Serialize for DatabaseUrl {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl Value for DatabaseUrl {
    fn wanted() -> String {
        "an address that starts with postgres:// and names a host".into()
    }

    fn read(value: &Located<'_>, reader: &mut Reader<'_>) -> Option<DatabaseUrl> {
        let parsed = value.get_ref().as_str().and_then(DatabaseUrl::parse);
        if parsed.is_none() {
            reader.secretly(|reader| reader.wrong::<DatabaseUrl>(value, ""));
        }
        parsed
    }

    fn to_toml(&self) -> Option<String> {
        Some(quoted(&self.to_string()))
    }

    fn is_text() -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for text in ["postgres://a:secret@host/db", "postgres://a@host/db?password=secret"] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert!(url.has_password());
            assert_eq!(url.expose(), text);
            let shown = format!("{url} {url:?}");
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains("host/db"), "{shown}");
        }
    }

    #[test]
    fn only_postgres_addresses_with_a_host_are_taken() {
        for text in ["mysql://host/db", "postgres:db", "host/db", ""] {
            assert_eq!(DatabaseUrl::parse(text), None, "{text}");
        }
    }
}
