//! Alerts of a deleted article and the messages that tell them: held while they go aside, and told as
//! before when they are back.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::Archive;
use super::outbox::{message_id, open_message};
use super::removed_articles::{ALERTS, OUTBOX, OUTBOX_ALERTS, insert};
use super::value::get;

/// A row, by the names of its columns.
type Fields = Map<String, Value>;

impl Archive {
    /// Holds the alerts of article `id` and the messages that tell them, so that until the transaction
    /// ends nobody works with those or sends these.
    pub(super) async fn lock_alerts(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
    ) -> Result<(), sqlx::Error> {
        let locked = self.dialect.locked();
        for lock in [
            format!("SELECT id FROM alerts WHERE article_id = $1 ORDER BY id {locked}"),
            format!(
                "SELECT id FROM outbox WHERE id IN (SELECT outbox_id FROM outbox_alerts
                     JOIN alerts ON alerts.id = outbox_alerts.alert_id
                     WHERE alerts.article_id = $1)
                 ORDER BY id {locked}"
            ),
        ] {
            sqlx::query(AssertSqlSafe(lock)).bind(id).fetch_all(&mut **tx).await?;
        }
        Ok(())
    }

    /// Puts the alerts among `rows` (table and row) back, into the messages that told them. One that was
    /// raised again meanwhile is told by others.
    pub(super) async fn put_alerts_back(
        &self,
        tx: &mut Transaction<'static, Any>,
        rows: &[(String, Fields)],
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let mut told_again = BTreeSet::new();
        for alert in of(rows, ALERTS) {
            if !insert(tx, ALERTS, alert).await? {
                keep_work(tx, alert).await?;
                told_again.insert(text(alert, "id"));
            }
        }
        let messages = of(rows, OUTBOX);
        for link in of(rows, OUTBOX_ALERTS) {
            let (alert, id) = (text(link, "alert_id"), text(link, "outbox_id"));
            if told_again.contains(alert) {
                continue;
            }
            let before = messages.iter().copied().find(|it| text(it, "id") == id);
            if let Some(message) = self.message_again(tx, alert, id, before, now).await? {
                let link = "INSERT INTO outbox_alerts (outbox_id, alert_id) VALUES ($1, $2)
                            ON CONFLICT (outbox_id, alert_id) DO NOTHING";
                sqlx::query(link).bind(&message).bind(alert).execute(&mut **tx).await?;
            }
        }
        Ok(())
    }

    /// The message that tells `alert` again: the message `id`, put back as it was `before` where it is
    /// gone; or one of the alert's own, due at once, where that one was not sent yet and went on
    /// without the alert. `None`: none does.
    async fn message_again(
        &self,
        tx: &mut Transaction<'static, Any>,
        alert: &str,
        id: &str,
        before: Option<&Fields>,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, sqlx::Error> {
        // Held, so that nobody claims it before the alert is in it.
        let select = format!(
            "SELECT state, attempts, leased_by FROM outbox WHERE id = $1 {}",
            self.dialect.locked(),
        );
        let row = sqlx::query(AssertSqlSafe(select)).bind(id).fetch_optional(&mut **tx).await?;
        let Some(before) = before else { return Ok(row.map(|_| id.to_owned())) };
        let (search, delivery) = (text(before, "search_id"), text(before, "delivery"));
        let state = text(before, "state");
        // Nothing more goes to a receiver that is gone.
        let is_closed = is_closed(tx, search, delivery).await?;
        let Some(row) = row else {
            if is_closed && state == "waiting" {
                return Ok(None);
            }
            insert(tx, OUTBOX, before).await?;
            return Ok(Some(id.to_owned()));
        };
        // Every try counts, so that one which did not happen shows.
        let is_as_before = get::<&str>(&row, "state")? == state
            && before.get("attempts").and_then(Value::as_i64)
                == Some(get::<i64>(&row, "attempts")?)
            && get::<Option<&str>>(&row, "leased_by")?.is_none();
        if state == "sent" || is_as_before || is_closed {
            return Ok(Some(id.to_owned()));
        }
        let own = message_id(search, delivery, alert);
        open_message(tx, &own, search, delivery, now).await?;
        Ok(Some(own))
    }
}

/// Lets an alert that was raised again have the state, note and assignee of `before`, as far as nobody
/// gave it others since.
async fn keep_work(tx: &mut Transaction<'static, Any>, before: &Fields) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE alerts SET state = CASE WHEN state = 'new' THEN $2 ELSE state END,
             note = COALESCE(note, $3), assignee = COALESCE(assignee, $4)
         WHERE id = $1",
    )
    .bind(text(before, "id"))
    .bind(text(before, "state"))
    .bind(before.get("note").and_then(Value::as_str))
    .bind(before.get("assignee").and_then(Value::as_str))
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// Whether the receiver said that it is gone.
async fn is_closed(
    tx: &mut Transaction<'static, Any>,
    search: &str,
    delivery: &str,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT 1 FROM closed_deliveries WHERE search_id = $1 AND delivery = $2")
        .bind(search)
        .bind(delivery)
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.is_some())
}

/// The rows of `table`.
fn of<'a>(rows: &'a [(String, Fields)], table: &str) -> Vec<&'a Fields> {
    rows.iter().filter(|it| it.0 == table).map(|it| &it.1).collect()
}

/// The text in column `name`; empty where there is none.
fn text<'a>(row: &'a Fields, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}
