//! The log of what people and programs changed.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use super::value::{clean, get, get_instant, micros};
use super::{Archive, ArchiveError};

/// Entries of the audit log read at once.
const AUDIT_PAGE_MAX: i64 = 1_000;

/// A line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// User, `key:NAME`, `local` (no login asked) or `command line`.
    pub who: String,
    /// What was done: `POST`, `add user`…
    pub action: String,
    /// To what: an address or a name.
    pub subject: String,
    /// How it ended: `ok` or the status of the answer.
    pub outcome: String,
    /// Id of the request; `None` on the command line.
    pub request_id: Option<String>,
}

impl Archive {
    /// Writes a line of the audit log.
    pub async fn record_audit(&self, entry: &AuditEntry) -> Result<(), ArchiveError> {
        self.tried("write the audit log", async {
            sqlx::query(
                "INSERT INTO audit_log (at, who, action, subject, outcome, request_id)
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(micros(entry.at))
            .bind(&*clean(&entry.who))
            .bind(&*clean(&entry.action))
            .bind(&*clean(&entry.subject))
            .bind(&*clean(&entry.outcome))
            .bind(entry.request_id.as_deref())
            .execute(&self.writer)
            .await
            .map(|_| ())
        })
        .await
    }

    /// The newest `limit` lines of the audit log (at most 1 000), those before the line `before` where
    /// one is given, newest first; and the line to give as `before` for the next page, `None` on the
    /// last.
    pub async fn audit_page(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<(Vec<AuditEntry>, Option<i64>), ArchiveError> {
        let limit = (limit as i64).clamp(1, AUDIT_PAGE_MAX);
        self.tried("read the audit log", async {
            let rows = sqlx::query(
                "SELECT * FROM audit_log WHERE number < $1 ORDER BY number DESC LIMIT $2",
            )
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit + 1)
            .fetch_all(&self.reader)
            .await?;
            let n_shown = rows.len().min(limit as usize);
            let entries = rows[..n_shown].iter().map(read_entry).collect::<Result<Vec<_>, _>>()?;
            let last = rows[..n_shown].last().filter(|_| n_shown < rows.len());
            Ok((entries, last.map(|it| get::<i64>(it, "number")).transpose()?))
        })
        .await
    }
}

fn read_entry(row: &AnyRow) -> Result<AuditEntry, sqlx::Error> {
    Ok(AuditEntry {
        at: get_instant(row, "at")?,
        who: get(row, "who")?,
        action: get(row, "action")?,
        subject: get(row, "subject")?,
        outcome: get(row, "outcome")?,
        request_id: get(row, "request_id")?,
    })
}
