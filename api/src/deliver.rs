//! Alerts on their way to people: takes messages out of the outbox and sends them.
//!
//! A message is sent at least once: it is claimed with a lease, sent, and then noted as sent; a
//! crash in between sends it again under the same id. Reading order: [`Courier`], `secrets`,
//! `payload` (what a message says), `sign`, `http`, `mail`.

mod http;
mod mail;
pub(crate) mod payload;
mod secrets;
pub mod sign;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use config::settings::AlertSettings;
use config::{Channel, Delivery, SavedSearch, Settings};
use index::archive::Archive;
use index::archive::outbox::{Message, Outcome};
use tracing::{info, warn};
use url::Url;

use mail::Mailer;
pub(crate) use secrets::Secrets;

/// Longest wait between two tries.
const RETRY_WAIT_MAX: TimeDelta = TimeDelta::hours(6);
/// Longest pause that a receiver may ask for.
const RETRY_AFTER_MAX: TimeDelta = TimeDelta::hours(24);

/// Sends messages.
pub struct Courier {
    archive: Archive,
    settings: AlertSettings,
    secrets: Secrets,
    client: reqwest::Client,
    mailer: Option<Mailer>,
    now: fn() -> DateTime<Utc>,
}

/// Why a try failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// Another try may help, not before this many seconds when the receiver says so.
    Later(String, Option<u32>),
    /// No further try will help.
    Never(String),
    /// The receiver is gone for good.
    Gone(String),
}

impl Courier {
    /// A courier as `settings` say.
    ///
    /// # Errors
    /// When the HTTP client or the mail server's address cannot be used.
    pub fn new(
        archive: Archive,
        settings: &Settings,
        now: fn() -> DateTime<Utc>,
    ) -> anyhow::Result<Courier> {
        let alerts = settings.alerts.clone();
        let user_agent = settings.fetch.user_agent_header();
        let timeout = Duration::from_secs(alerts.timeout_s.into());
        let client =
            ingest::fetch::outbound_client(&user_agent, timeout, alerts.allow_private_addresses);
        let secrets = Secrets::new(alerts.secrets_dir.clone());
        let mailer = Mailer::new(&alerts, &secrets).context("mail cannot be set up")?;
        Ok(Courier {
            archive,
            secrets,
            client: client.context("the HTTP client cannot be set up")?,
            mailer,
            settings: alerts,
            now,
        })
    }

    /// Sends everything that is due, a few at once; returns how many messages were tried.
    ///
    /// # Errors
    /// When the archive cannot be read or written; messages under way are sent again later.
    pub async fn send_due(self: &Arc<Self>) -> anyhow::Result<usize> {
        let lease = Duration::from_secs(u64::from(self.settings.timeout_s) * 3 + 60);
        let n_max = self.settings.n_deliveries_max;
        let messages = self.archive.claim_messages(n_max, (self.now)(), lease).await?;
        let n_messages = messages.len();
        let mut tries = tokio::task::JoinSet::new();
        for message in messages {
            let courier = Arc::clone(self);
            tries.spawn(async move { courier.try_once(&message).await });
        }
        while let Some(tried) = tries.join_next().await {
            tried.context("a delivery panicked")??;
        }
        Ok(n_messages)
    }

    async fn try_once(&self, message: &Message) -> anyhow::Result<()> {
        let outcome = match self.send(message).await {
            Ok(()) => Outcome::Sent,
            Err(error) => self.outcome_of(error, message),
        };
        let class = match &outcome {
            Outcome::Sent => "sent",
            Outcome::Retry(..) => "retry",
            Outcome::Dead(_) => "dead",
            Outcome::Closed(_) => "closed",
        };
        metrics::counter!("harbinger_deliveries_total", "class" => class).increment(1);
        match &outcome {
            Outcome::Sent => info!(
                message.id = message.id,
                search.id = %message.search,
                alerts.n = message.n_alerts,
                "sent {} alerts",
                message.n_alerts,
            ),
            Outcome::Retry(at, why) => info!(
                message.id = message.id, search.id = %message.search,
                attempt = message.attempt, "not sent ({why}); trying again at {at}",
            ),
            Outcome::Dead(why) | Outcome::Closed(why) => warn!(
                message.id = message.id, search.id = %message.search,
                attempt = message.attempt, "given up: {why}",
            ),
        }
        self.archive.finish_message(message, &outcome, (self.now)()).await?;
        Ok(())
    }

    fn outcome_of(&self, error: SendError, message: &Message) -> Outcome {
        match error {
            SendError::Never(why) => Outcome::Dead(why),
            SendError::Gone(why) => Outcome::Closed(why),
            SendError::Later(why, after) => {
                let now = (self.now)();
                let base = TimeDelta::seconds(self.settings.retry_base_s.into());
                let after = after.map_or(TimeDelta::zero(), |it| TimeDelta::seconds(it.into()));
                let wait = retry_wait(base, message.attempt, &message.id);
                let next = now + wait.max(after.min(RETRY_AFTER_MAX));
                let given_up =
                    message.planned_at + TimeDelta::days(self.settings.retry_days.into());
                if given_up < next {
                    Outcome::Dead(format!("{why}; given up after {} tries", message.attempt))
                } else {
                    Outcome::Retry(next, why)
                }
            }
        }
    }

    async fn send(&self, message: &Message) -> Result<(), SendError> {
        let known = self.archive.saved_search(message.search.as_str()).await;
        let known = known.map_err(|error| SendError::Later(error.to_string(), None))?;
        let gone = |what: &str| SendError::Never(format!("the {what} was taken away meanwhile"));
        let search = known.ok_or_else(|| gone("saved search"))?.search;
        let delivery = search.deliver.iter().find(|it| it.key() == message.delivery);
        let delivery = delivery.ok_or_else(|| gone("delivery"))?;
        self.send_by(&search, delivery, message).await
    }

    async fn send_by(
        &self,
        search: &SavedSearch,
        delivery: &Delivery,
        message: &Message,
    ) -> Result<(), SendError> {
        let to = self.address(delivery)?;
        let public_url = self.settings.public_url.as_ref();
        if delivery.channel == Channel::Email {
            let mailer = self
                .mailer
                .as_ref()
                .ok_or_else(|| SendError::Later("`alerts.smtp_url` is not set".to_owned(), None))?;
            return mailer.send(search, message, &to, public_url).await;
        }
        let url =
            Url::parse(&to).map_err(|_| SendError::Never("the address is no URL".to_owned()))?;
        if !self.settings.allow_private_addresses && ingest::fetch::is_private_literal(&url) {
            return Err(SendError::Never("the address is private".to_owned()));
        }
        let key = match &delivery.signing_secret {
            Some(name) => Some(self.secret(name)?),
            None => None,
        };
        let post = http::Post {
            client: &self.client,
            url,
            key: key.as_deref(),
            at: (self.now)(),
            public_url,
        };
        post.send(delivery.channel, search, message).await
    }

    fn address(&self, delivery: &Delivery) -> Result<String, SendError> {
        let to = match (&delivery.to, &delivery.to_secret) {
            (Some(to), _) => to.clone(),
            (None, Some(name)) => self.secret(name)?,
            (None, None) => return Err(SendError::Never("there is no address".to_owned())),
        };
        match delivery.channel.refuses(&to) {
            Some(why) => Err(SendError::Never(format!("the address {why}"))),
            None => Ok(to),
        }
    }

    fn secret(&self, name: &str) -> Result<String, SendError> {
        self.secrets.get(name).map_err(|error| SendError::Later(error.to_string(), None))
    }
}

/// Doubles with each try, up to six hours, and differs by up to a fifth between messages.
fn retry_wait(base: TimeDelta, attempt: u64, message_id: &str) -> TimeDelta {
    let doubled = base.num_milliseconds().saturating_mul(1 << attempt.saturating_sub(1).min(30));
    let capped = doubled.min(RETRY_WAIT_MAX.num_milliseconds());
    let hash = blake3::hash(format!("{message_id} {attempt}").as_bytes());
    let share = f64::from(hash.as_bytes()[0]) / 255.0 * 0.4 + 0.8;
    TimeDelta::milliseconds((capped as f64 * share) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_six_hours_and_differ_a_little() {
        let wait = |attempt| retry_wait(TimeDelta::seconds(10), attempt, "msg_1").num_seconds();
        assert!((8..=12).contains(&wait(1)), "{}", wait(1));
        assert!((64..=96).contains(&wait(4)), "{}", wait(4));
        assert!((17_280..=25_920).contains(&wait(60)), "{}", wait(60));
        let other = retry_wait(TimeDelta::seconds(10), 4, "msg_2");
        assert_ne!(other, retry_wait(TimeDelta::seconds(10), 4, "msg_1"));
    }
}
