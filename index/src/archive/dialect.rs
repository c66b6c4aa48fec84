//! The few words in which SQLite and PostgreSQL differ: [`Dialect`].

/// Which SQL the database speaks.
///
/// Both take `$1` parameters, `ON CONFLICT`, `RETURNING`, `UPDATE … FROM` and `->>`, so nearly all
/// statements are the same text. Lists travel as one JSON parameter, which keeps the number of
/// distinct statements (and round trips) small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// A row source named `item` with one column `value`, one row per element of the JSON array in
    /// parameter `n`; `value ->> 0` is then the first field of an element that is an array.
    pub(super) fn rows(self, n: usize) -> String {
        match self {
            Dialect::Sqlite => format!("json_each(${n}) AS item"),
            Dialect::Postgres => format!("json_array_elements(CAST(${n} AS json)) AS item(value)"),
        }
    }

    /// A parenthesised list for `IN`, or row source with one column `value`: the strings of the
    /// JSON array in parameter `n`.
    pub(super) fn list(self, n: usize) -> String {
        match self {
            Dialect::Sqlite => format!("(SELECT value FROM json_each(${n}))"),
            Dialect::Postgres => {
                format!("(SELECT json_array_elements_text(CAST(${n} AS json)) AS value)")
            }
        }
    }

    /// What `->>` can be asked of: the JSON in the text `column`.
    pub(super) fn json(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => column.to_owned(),
            Dialect::Postgres => format!("CAST({column} AS json)"),
        }
    }

    /// An aggregate: the JSON array, as text, of the strings in `column`.
    pub(super) fn json_of_strings(self, column: &str) -> String {
        match self {
            Dialect::Sqlite => format!("json_group_array({column})"),
            Dialect::Postgres => format!("CAST(COALESCE(json_agg({column}), '[]') AS TEXT)"),
        }
    }

    /// How a transaction that writes begins. SQLite takes the write lock at once, so that it never
    /// fails half-way for want of it.
    pub(super) fn begin(self) -> &'static str {
        match self {
            Dialect::Sqlite => "BEGIN IMMEDIATE",
            Dialect::Postgres => "BEGIN",
        }
    }

    /// Suffix of a `SELECT` that takes work from a queue shared by several processes.
    pub(super) fn skip_locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// Suffix of a `SELECT` whose rows nobody else may change until the transaction ends. With
    /// SQLite nobody can anyway.
    pub(super) fn locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => "FOR UPDATE",
        }
    }
}
