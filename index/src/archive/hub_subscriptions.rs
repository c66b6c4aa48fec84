//! Subscriptions at hubs, which tell of a feed's news (WebSub).

use chrono::{DateTime, TimeDelta, Utc};
use config::SourceId;
use ingest::FailureClass;
use sqlx::any::AnyRow;
use sqlx::{Any, Transaction};

use super::sources::{Failure, PollRecord};
use super::value::{clean, get, get_count, get_instant, get_instant_opt, micros};
use super::{Archive, ArchiveError};

/// How long one worker's question keeps the others from asking the same.
const ASKED_FOR: TimeDelta = TimeDelta::seconds(60);
/// A hub that tells without end makes a feed be asked this often at most.
pub const TOLD_PAUSE: TimeDelta = TimeDelta::seconds(15);
/// Whoever answered so may have said when to come back, and is not asked earlier.
const SILENCE: [FailureClass; 2] = [FailureClass::Http429, FailureClass::Http5xx];

/// What one hub was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubSubscription {
    /// Whose news.
    pub source: SourceId,
    /// Address of the hub.
    pub hub: String,
    /// The feed's address, as the hub knows it.
    pub topic: String,
    /// The address that the hub calls, up to the token.
    pub callback: String,
    /// Last part of the address that the hub calls; nobody else knows it.
    pub token: String,
    /// With it the hub signs what it sends.
    pub secret: String,
    /// When the hub was asked last.
    pub asked_at: DateTime<Utc>,
    /// How often in a row it was asked and did not confirm.
    pub n_unconfirmed: u32,
    /// Until when the hub tells of news; `None` before it confirmed and after it ended it.
    pub ends_at: Option<DateTime<Utc>>,
    /// When it last told of news.
    pub told_at: Option<DateTime<Utc>>,
    /// When a poll last found news of which it had not told.
    pub missed_at: Option<DateTime<Utc>>,
}

impl Archive {
    /// The subscription of a source, if there is one.
    pub async fn hub_subscription(
        &self,
        source: &SourceId,
    ) -> Result<Option<HubSubscription>, ArchiveError> {
        self.find_subscription("source_id", source.as_str()).await
    }

    /// The subscription whose hub calls the address that ends with `token`.
    pub async fn hub_subscription_by_token(
        &self,
        token: &str,
    ) -> Result<Option<HubSubscription>, ArchiveError> {
        self.find_subscription("token", token).await
    }

    async fn find_subscription(
        &self,
        column: &'static str,
        value: &str,
    ) -> Result<Option<HubSubscription>, ArchiveError> {
        self.tried("look up a subscription at a hub", async {
            let find = format!("SELECT * FROM hub_subscriptions WHERE {column} = $1");
            let row = sqlx::query(sqlx::AssertSqlSafe(find))
                .bind(value)
                .fetch_optional(&self.reader)
                .await?;
            row.as_ref().map(read).transpose()
        })
        .await
    }

    /// Notes that `asked` is about to be asked of its hub, in place of what the source had before;
    /// false when another worker did so a moment ago, and this one must not ask.
    pub async fn begin_hub_subscription(
        &self,
        asked: &HubSubscription,
    ) -> Result<bool, ArchiveError> {
        self.tried(format!("note a subscription of {}", asked.source), async {
            let done = sqlx::query(
                "INSERT INTO hub_subscriptions
                     (source_id, hub, topic, callback, token, secret, asked_at, n_unconfirmed,
                      ends_at, told_at, missed_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 ON CONFLICT (source_id) DO UPDATE SET hub = excluded.hub, topic = excluded.topic,
                     callback = excluded.callback, token = excluded.token,
                     secret = excluded.secret, asked_at = excluded.asked_at,
                     n_unconfirmed = excluded.n_unconfirmed, ends_at = excluded.ends_at,
                     told_at = excluded.told_at, missed_at = excluded.missed_at
                 WHERE hub_subscriptions.asked_at <= $12",
            )
            .bind(asked.source.as_str())
            .bind(&*clean(&asked.hub))
            .bind(&*clean(&asked.topic))
            .bind(&*clean(&asked.callback))
            .bind(asked.token.as_str())
            .bind(asked.secret.as_str())
            .bind(micros(asked.asked_at))
            .bind(i64::from(asked.n_unconfirmed))
            .bind(asked.ends_at.map(micros))
            .bind(asked.told_at.map(micros))
            .bind(asked.missed_at.map(micros))
            .bind(micros(asked.asked_at - ASKED_FOR))
            .execute(&self.writer)
            .await?;
            Ok(0 < done.rows_affected())
        })
        .await
    }

    /// The hub confirmed and tells of news until `ends_at`.
    pub async fn confirm_hub_subscription(
        &self,
        token: &str,
        ends_at: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried("confirm a subscription at a hub", async {
            let confirm =
                "UPDATE hub_subscriptions SET ends_at = $2, n_unconfirmed = 0 WHERE token = $1";
            let query = sqlx::query(confirm).bind(token).bind(micros(ends_at));
            query.execute(&self.writer).await.map(drop)
        })
        .await
    }

    /// The hub said that it does not tell of news, or not any more.
    pub async fn end_hub_subscription(&self, token: &str) -> Result<(), ArchiveError> {
        self.tried("end a subscription at a hub", async {
            let end = "UPDATE hub_subscriptions SET ends_at = NULL WHERE token = $1";
            sqlx::query(end).bind(token).execute(&self.writer).await.map(drop)
        })
        .await
    }

    /// The source is not read any more, or announces no hub: what its hub sends is not wanted.
    pub async fn forget_hub_subscription(&self, source: &SourceId) -> Result<(), ArchiveError> {
        self.tried(format!("forget the subscription of {source}"), async {
            let forget = "DELETE FROM hub_subscriptions WHERE source_id = $1";
            sqlx::query(forget).bind(source.as_str()).execute(&self.writer).await.map(drop)
        })
        .await
    }

    /// The hub told of news: the source is due, 15 seconds after its last poll at the earliest.
    /// A feed that is gone for good stays so, and a server that failed or asked for silence is
    /// given the time that was planned.
    pub async fn record_news(
        &self,
        source: &SourceId,
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        self.tried(format!("note that {source} has news"), async {
            let mut tx = self.begin().await?;
            sqlx::query("UPDATE hub_subscriptions SET told_at = $2 WHERE source_id = $1")
                .bind(source.as_str())
                .bind(micros(now))
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "UPDATE sources SET next_poll_at = CASE
                     WHEN last_poll_at IS NOT NULL AND $2 < last_poll_at + $3 THEN last_poll_at + $3
                     ELSE $2 END
                 WHERE id = $1 AND $2 < next_poll_at
                     AND (last_poll_at IS NULL OR last_poll_at + $3 < next_poll_at)
                     AND (failure_class IS NULL OR failure_class NOT IN ($4, $5))",
            )
            .bind(source.as_str())
            .bind(micros(now))
            .bind(TOLD_PAUSE.num_microseconds().unwrap_or(0))
            .bind(SILENCE[0].name())
            .bind(SILENCE[1].name())
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }
}

/// When to poll next after `poll`, which began at `now`: soon where the hub told of news meanwhile,
/// since the poll may have come too early for them. Notes news of which the hub had not told.
///
/// Holds the subscription until the end, so that what a hub tells comes before or after.
pub(super) async fn next_poll_at(
    tx: &mut Transaction<'static, Any>,
    poll: &PollRecord<'_>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let held = sqlx::query(
        "UPDATE hub_subscriptions SET missed_at = CASE WHEN $3 = 1 THEN $2 ELSE missed_at END
         WHERE source_id = $1 RETURNING told_at",
    )
    .bind(poll.source.as_str())
    .bind(micros(now))
    .bind(i64::from(poll.has_untold_news))
    .fetch_optional(&mut **tx)
    .await?;
    let told_at = held.map(|it| get_instant_opt(&it, "told_at")).transpose()?.flatten();
    let is_silent = |it: &Failure| SILENCE.iter().any(|class| it.class == class.name());
    let is_told = told_at.is_some_and(|it| now <= it) && !poll.failure.is_some_and(is_silent);
    Ok(poll.next_poll_at.map(|it| if is_told { it.min(now + TOLD_PAUSE) } else { it }))
}

fn read(row: &AnyRow) -> Result<HubSubscription, sqlx::Error> {
    Ok(HubSubscription {
        source: SourceId::new(get::<String>(row, "source_id")?),
        hub: get(row, "hub")?,
        topic: get(row, "topic")?,
        callback: get(row, "callback")?,
        token: get(row, "token")?,
        secret: get(row, "secret")?,
        asked_at: get_instant(row, "asked_at")?,
        n_unconfirmed: get_count(row, "n_unconfirmed")?.try_into().unwrap_or(u32::MAX),
        ends_at: get_instant_opt(row, "ends_at")?,
        told_at: get_instant_opt(row, "told_at")?,
        missed_at: get_instant_opt(row, "missed_at")?,
    })
}
