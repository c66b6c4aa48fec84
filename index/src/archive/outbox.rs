//! The outbox: messages with alerts on their way to people, sent at least once under stable ids.

use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use config::{SavedSearch, Schedule, SearchId};
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Transaction};

use super::alerts::{AlertRecord, LANGUAGE, Match, read_alert};
use super::value::{get, get_count, get_instant, get_instant_opt, micros, to_json};
use super::{Archive, ArchiveError};

/// Hour of the daily message, UTC.
const DAILY_HOUR: i64 = 6;
/// Later times that are tried before an alert gets a message of its own.
const N_LATER_MAX: usize = 48;
/// Alerts that one message shows at most.
pub const ALERTS_PER_MESSAGE_MAX: usize = 100;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Identity, the same on every try; receivers tell repetitions by it.
    pub id: String,
    /// The saved search.
    pub search: SearchId,
    /// Where it goes: [`config::Delivery::key`].
    pub delivery: String,
    /// When it was first due.
    pub planned_at: DateTime<Utc>,
    /// Which try this is, from 1.
    pub attempt: u64,
    /// What it tells, oldest first; the first 100.
    pub alerts: Vec<AlertRecord>,
    /// Alerts in it, also those beyond the first 100.
    pub n_alerts: u64,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It arrived.
    Sent,
    /// It did not; the next try is at this time.
    Retry(DateTime<Utc>, String),
    /// It never will.
    Dead(String),
    /// The receiver is gone for good (410): neither this nor anything else is sent there.
    Closed(String),
}

/// A message as the list of messages shows it.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct MessageRecord {
    /// Identity.
    pub id: String,
    /// The saved search.
    pub search: String,
    /// Channel and address.
    pub delivery: String,
    /// `waiting`, `sent` or `dead`.
    pub state: String,
    /// Tries so far.
    pub attempts: u64,
    /// When it was first due.
    pub planned_at: DateTime<Utc>,
    /// When it is tried next; `null` when it is finished.
    pub due_at: Option<DateTime<Utc>>,
    /// What went wrong last.
    pub failure: Option<String>,
}

impl Archive {
    /// Puts the alert `id` into a message for every delivery of its search.
    pub(super) async fn enqueue(
        &self,
        tx: &mut Transaction<'static, Any>,
        id: &str,
        matched: &Match,
        now: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let search = &matched.search;
        for delivery in search.deliver.iter().map(config::Delivery::key) {
            let row = sqlx::query(
                "SELECT (SELECT MAX(planned_at) FROM outbox
                         WHERE search_id = $1 AND delivery = $2) AS last_at,
                     (SELECT COUNT(*) FROM closed_deliveries
                         WHERE search_id = $1 AND delivery = $2) AS n_closed",
            )
            .bind(search.id.as_str())
            .bind(&delivery)
            .fetch_one(&mut **tx)
            .await?;
            if get_count(&row, "n_closed")? > 0 {
                continue;
            }
            let at = planned_at(search, get_instant_opt(&row, "last_at")?, now);
            let message = message_for(tx, search, &delivery, id, at, now).await?;
            let link = "INSERT INTO outbox_alerts (outbox_id, alert_id) VALUES ($1, $2)
                        ON CONFLICT (outbox_id, alert_id) DO NOTHING";
            sqlx::query(link).bind(&message).bind(id).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Claims messages that are due, at most `limit`. They come again, to anyone, when nothing
    /// becomes of them within `lease`, and at once when this process restarts.
    pub async fn claim_messages(
        &self,
        limit: usize,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Vec<Message>, ArchiveError> {
        let claim = format!(
            "UPDATE outbox SET due_at = $3, leased_by = $4, attempts = attempts + 1
             WHERE id IN (
                 SELECT id FROM outbox WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2 {})
             RETURNING id, search_id, delivery, planned_at, attempts",
            self.dialect.skip_locked(),
        );
        let select = format!(
            "SELECT outbox_alerts.outbox_id, alerts.*, {LANGUAGE} FROM outbox_alerts
             JOIN alerts ON alerts.id = outbox_alerts.alert_id
             WHERE outbox_alerts.outbox_id IN {} ORDER BY alerts.created_at, alerts.id",
            self.dialect.list(1),
        );
        self.tried("claim messages", async {
            let mut tx = self.begin().await?;
            let rows = sqlx::query(AssertSqlSafe(claim))
                .bind(micros(now))
                .bind(limit as i64)
                .bind(micros(now).saturating_add(lease.as_micros() as i64))
                .bind(&*self.worker_id)
                .fetch_all(&mut *tx)
                .await?;
            let mut messages = rows.iter().map(read_claimed).collect::<Result<Vec<_>, _>>()?;
            if messages.is_empty() {
                return Ok(messages);
            }
            let ids: Vec<&str> = messages.iter().map(|it| it.id.as_str()).collect();
            let rows =
                sqlx::query(AssertSqlSafe(select)).bind(to_json(&ids)).fetch_all(&mut *tx).await?;
            for row in &rows {
                let id: &str = get(row, "outbox_id")?;
                let Some(message) = messages.iter_mut().find(|it| it.id == id) else { continue };
                message.n_alerts += 1;
                if message.alerts.len() < ALERTS_PER_MESSAGE_MAX {
                    message.alerts.push(read_alert(row)?);
                }
            }
            tx.commit().await?;
            messages.sort_by_key(|it| it.planned_at);
            Ok(messages)
        })
        .await
    }

    /// Records what became of a try of `message`.
    pub async fn finish_message(
        &self,
        message: &Message,
        outcome: &Outcome,
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        let (state, due_at, failure) = match outcome {
            Outcome::Sent => ("sent", None, None),
            Outcome::Retry(at, why) => ("waiting", Some(micros(*at)), Some(why)),
            Outcome::Dead(why) | Outcome::Closed(why) => ("dead", None, Some(why)),
        };
        self.tried(format!("record the delivery of {}", message.id), async {
            let mut tx = self.begin().await?;
            sqlx::query(
                "UPDATE outbox SET state = $2, due_at = $3, failure = $4, leased_by = NULL,
                     finished_at = CASE WHEN $3 IS NULL THEN $5 ELSE NULL END
                 WHERE id = $1 AND state = 'waiting'",
            )
            .bind(&message.id)
            .bind(state)
            .bind(due_at)
            .bind(failure.map(|it| it.chars().take(500).collect::<String>()))
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
            if let Outcome::Closed(reason) = outcome {
                close(&mut tx, message, reason, now).await?;
            }
            tx.commit().await
        })
        .await
    }

    /// Messages in `state` (`waiting`, `sent`, `dead`), those that were finished or planned last
    /// first.
    pub async fn messages(
        &self,
        state: &str,
        limit: usize,
    ) -> Result<Vec<MessageRecord>, ArchiveError> {
        self.tried("list messages", async {
            let rows = sqlx::query(
                "SELECT * FROM outbox WHERE state = $1
                 ORDER BY COALESCE(finished_at, planned_at) DESC, id LIMIT $2",
            )
            .bind(state)
            .bind(limit as i64)
            .fetch_all(&self.reader)
            .await?;
            rows.iter().map(read_message).collect()
        })
        .await
    }

    /// Lets a dead message be tried again at once; `false` when there is none with this id.
    pub async fn retry_message(&self, id: &str, now: DateTime<Utc>) -> Result<bool, ArchiveError> {
        self.tried(format!("retry the message {id}"), async {
            let mut tx = self.begin().await?;
            let updated = sqlx::query(
                "UPDATE outbox SET state = 'waiting', due_at = $2, planned_at = $2,
                     finished_at = NULL
                 WHERE id = $1 AND state = 'dead'",
            )
            .bind(id)
            .bind(micros(now))
            .execute(&mut *tx)
            .await?;
            sqlx::query(
                "DELETE FROM closed_deliveries WHERE EXISTS (
                     SELECT 1 FROM outbox WHERE outbox.id = $1
                         AND outbox.search_id = closed_deliveries.search_id
                         AND outbox.delivery = closed_deliveries.delivery)",
            )
            .bind(id)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            Ok(updated.rows_affected() > 0)
        })
        .await
    }

    /// Forgets messages that arrived before `before`; returns how many.
    pub async fn prune_messages(&self, before: DateTime<Utc>) -> Result<u64, ArchiveError> {
        self.tried("forget old messages", async {
            let mut tx = self.begin().await?;
            let pruned =
                sqlx::query("DELETE FROM outbox WHERE state = 'sent' AND finished_at < $1")
                    .bind(micros(before))
                    .execute(&mut *tx)
                    .await?;
            tx.commit().await?;
            Ok(pruned.rows_affected())
        })
        .await
    }
}

/// The message that tells `alert`, due `at` or later: one for all that is due at one later time,
/// else one for each alert.
async fn message_for(
    tx: &mut Transaction<'static, Any>,
    search: &SavedSearch,
    delivery: &str,
    alert: &str,
    mut at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<String, sqlx::Error> {
    for _ in 0..N_LATER_MAX {
        if at <= now {
            break;
        }
        let message = message_id(search.id.as_str(), delivery, &micros(at).to_string());
        if open_message(tx, &message, search.id.as_str(), delivery, at).await? {
            return Ok(message);
        }
        at = planned_at(search, Some(at), at);
    }
    let message = message_id(search.id.as_str(), delivery, alert);
    open_message(tx, &message, search.id.as_str(), delivery, at).await?;
    Ok(message)
}

/// Puts a message into the outbox, unless it is there; answers whether it takes in alerts. One that
/// was tried does not, since its receiver may know its id already, nor does one that was given up.
pub(super) async fn open_message(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    search: &str,
    delivery: &str,
    at: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    // The row is held until the transaction ends, so that nobody claims it meanwhile.
    let opened = sqlx::query(
        "INSERT INTO outbox (id, search_id, delivery, planned_at, due_at, state, attempts)
         VALUES ($1, $2, $3, $4, $4, 'waiting', 0)
         ON CONFLICT (id) DO UPDATE SET attempts = 0
             WHERE outbox.state = 'waiting' AND outbox.attempts = 0",
    )
    .bind(id)
    .bind(search)
    .bind(delivery)
    .bind(micros(at))
    .execute(&mut **tx)
    .await?;
    Ok(opened.rows_affected() > 0)
}

/// Gives up everything that waits for a receiver that is gone.
async fn close(
    tx: &mut Transaction<'static, Any>,
    message: &Message,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO closed_deliveries (search_id, delivery, closed_at, reason)
         VALUES ($1, $2, $3, $4) ON CONFLICT (search_id, delivery) DO NOTHING",
    )
    .bind(message.search.as_str())
    .bind(&message.delivery)
    .bind(micros(now))
    .bind(reason)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE outbox SET state = 'dead', due_at = NULL, finished_at = $3, failure = $4
         WHERE search_id = $1 AND delivery = $2 AND state = 'waiting'",
    )
    .bind(message.search.as_str())
    .bind(&message.delivery)
    .bind(micros(now))
    .bind(reason)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}

/// When the next message is due, after one that was planned for `last_at`.
fn planned_at(
    search: &SavedSearch,
    last_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let step = match search.schedule {
        Schedule::AtOnce => None,
        Schedule::Hourly => Some((TimeDelta::hours(1), TimeDelta::zero())),
        Schedule::Daily => Some((TimeDelta::days(1), TimeDelta::hours(DAILY_HOUR))),
    };
    let due = step.and_then(|(step, offset)| {
        (now - offset).duration_trunc(step).ok().map(|it| it + step + offset)
    });
    let due = due.unwrap_or(now);
    let throttle = TimeDelta::minutes(search.throttle_minutes.into());
    match last_at {
        // A message is already planned for later: this goes into it.
        Some(last) if now < last && throttle > TimeDelta::zero() => last,
        Some(last) if due < last + throttle => last + throttle,
        _ => due,
    }
}

pub(super) fn message_id(search: &str, delivery: &str, key: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [search, delivery, key] {
        hasher.update(part.as_bytes()).update(b"\0");
    }
    format!("msg_{}", &hasher.finalize().to_hex()[..32])
}

fn read_claimed(row: &AnyRow) -> Result<Message, sqlx::Error> {
    Ok(Message {
        id: get(row, "id")?,
        search: SearchId::new(get::<String>(row, "search_id")?),
        delivery: get(row, "delivery")?,
        planned_at: get_instant(row, "planned_at")?,
        attempt: get_count(row, "attempts")?,
        alerts: Vec::new(),
        n_alerts: 0,
    })
}

fn read_message(row: &AnyRow) -> Result<MessageRecord, sqlx::Error> {
    Ok(MessageRecord {
        id: get(row, "id")?,
        search: get(row, "search_id")?,
        delivery: get(row, "delivery")?,
        state: get(row, "state")?,
        attempts: get_count(row, "attempts")?,
        planned_at: get_instant(row, "planned_at")?,
        due_at: get_instant_opt(row, "due_at")?,
        failure: get(row, "failure")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(schedule: Schedule, throttle_minutes: u32, last: Option<&str>, now: &str, due: &str) {
        let at = |text: &str| -> DateTime<Utc> { format!("2026-01-{text}:00Z").parse().unwrap() };
        let search = SavedSearch { schedule, throttle_minutes, ..SavedSearch::new("it", "x") };
        assert_eq!(planned_at(&search, last.map(at), at(now)), at(due));
    }

    #[test]
    fn messages_go_at_once_at_the_full_hour_or_at_six() {
        check(Schedule::AtOnce, 0, None, "10T12:34", "10T12:34");
        check(Schedule::Hourly, 0, None, "10T12:34", "10T13:00");
        check(Schedule::Daily, 0, None, "10T05:59", "10T06:00");
        check(Schedule::Daily, 0, None, "10T06:00", "11T06:00");
    }

    #[test]
    fn a_throttle_gathers_what_comes_too_soon() {
        check(Schedule::AtOnce, 60, None, "10T12:00", "10T12:00");
        check(Schedule::AtOnce, 60, Some("10T12:00"), "10T12:20", "10T13:00");
        check(Schedule::AtOnce, 60, Some("10T13:00"), "10T12:40", "10T13:00");
        check(Schedule::AtOnce, 60, Some("10T12:00"), "10T14:00", "10T14:00");
        check(Schedule::Hourly, 180, Some("10T12:00"), "10T12:20", "10T15:00");
    }
}
