//! Where the next page starts: a position as opaque text.

use super::ArchiveError;

/// Position in a list in falling order of a number and then an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) number: i64,
    pub(super) id: String,
}

impl Cursor {
    /// Reads what [`Cursor::text`] wrote; `None` is the start of the list.
    pub(super) fn falling(text: Option<&str>) -> Result<Cursor, ArchiveError> {
        let Some(text) = text else {
            return Ok(Cursor { number: i64::MAX, id: String::new() });
        };
        let parsed = text.split_once('~').and_then(|(number, id)| {
            let is_plain = !id.contains('\0');
            Some(Cursor { number: number.parse().ok()?, id: is_plain.then(|| id.to_owned())? })
        });
        parsed.ok_or_else(|| ArchiveError::Cursor { cursor: text.chars().take(100).collect() })
    }

    pub(super) fn text(&self) -> String {
        format!("{}~{}", self.number, self.id)
    }
}
