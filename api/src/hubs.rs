//! Subscriptions at the hubs of feeds (WebSub): asked for after a poll that announced one, kept by
//! later polls, and used as a bell only.
//!
//! What a hub sends is checked for its signature and then thrown away: the feed itself is asked,
//! with everything that holds for polls. So a hub can neither slip in entries nor cause more
//! than a poll in 15 seconds. Without `poll.websub_url` no hub is asked.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use config::{Settings, Source, SourceId};
use index::archive::hub_subscriptions::HubSubscription;
use index::{Archive, ArchiveError};
use ingest::fetch::{is_private_literal, outbound_client};
use ingest::websub::Announced;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use ring::hmac;
use tracing::{info, warn};
use url::{Url, form_urlencoded};

use crate::access::token;

/// Where hubs call, below `poll.websub_url`; the token follows.
pub(crate) const CALLBACK: &str = "/websub/";
/// Longest time that a hub may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What is asked for; hubs may grant less.
const LEASE: TimeDelta = TimeDelta::days(10);
/// No subscription is believed to last shorter or longer, whatever the hub says.
const LEASE_MIN: TimeDelta = TimeDelta::minutes(5);
const LEASE_MAX: TimeDelta = TimeDelta::days(30);
/// A feed whose hub tells of news is still asked so often, since hubs forget.
const POLL_INTERVAL: TimeDelta = TimeDelta::hours(6);
/// How long before its end a subscription is renewed.
const RENEWED_BEFORE: TimeDelta = TimeDelta::hours(12);
/// A hub that did not confirm is asked again after so long, twice as long each time, at most 128 h.
const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::hours(1);
/// Characters of what a hub says that are logged.
const SAID_CHARS_MAX: usize = 300;

/// Asks hubs.
#[derive(Debug)]
pub(crate) struct Hubs {
    /// The address that hubs can reach.
    own: Url,
    public: Client,
    /// For sources that allow private addresses.
    open: Client,
}

impl Hubs {
    /// `None` where no address is configured that hubs can reach.
    ///
    /// # Errors
    /// Where the user agent is no valid header or the system has no certificates.
    pub(crate) fn of(settings: &Settings) -> Result<Option<Hubs>, reqwest::Error> {
        let Some(own) = settings.poll.websub_url.clone() else { return Ok(None) };
        let agent = settings.fetch.user_agent_header();
        Ok(Some(Hubs {
            own,
            public: outbound_client(&agent, TIMEOUT, false)?,
            open: outbound_client(&agent, TIMEOUT, true)?,
        }))
    }

    /// What is to do after a poll that began at `now`: the next one at once where the hub told of
    /// news meanwhile, and a subscription at the hub that the source announces, unless there is one
    /// that lasts or the hub was asked a while ago only.
    pub(crate) async fn after_poll(
        &self,
        archive: &Archive,
        source: &Source,
        announced: Option<&Announced>,
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        let known = archive.hub_subscription(&source.id).await?;
        if let Some(told_at) = known.as_ref().and_then(|it| it.told_at).filter(|it| now <= *it) {
            archive.record_news(&source.id, told_at).await?;
        }
        let Some(announced) = announced else {
            if known.is_some() {
                archive.forget_hub_subscription(&source.id).await?;
            }
            return Ok(());
        };
        let known = known.filter(|it| it.hub == announced.hub && it.topic == announced.topic);
        if known.as_ref().is_some_and(|it| !is_due(it, now)) {
            return Ok(());
        }
        let asked = asked(known, &source.id, announced, now);
        if !archive.begin_hub_subscription(&asked).await? {
            return Ok(());
        }
        match self.ask(&asked, source.allow_private_addresses).await {
            Ok(()) => info!("asked {} to tell of news from {}", asked.hub, source.id),
            Err(why) => warn!("{} cannot be asked for news from {}: {why}", asked.hub, source.id),
        }
        Ok(())
    }

    /// Sends the request for a subscription; what follows comes to [`CALLBACK`].
    async fn ask(&self, asked: &HubSubscription, allows_private: bool) -> Result<(), String> {
        let hub = Url::parse(&asked.hub).map_err(|error| error.to_string())?;
        if !allows_private && is_private_literal(&hub) {
            return Err("its address is not public".to_owned());
        }
        let own = self.own.as_str().trim_end_matches('/');
        let callback = format!("{own}{CALLBACK}{}", asked.token);
        let lease = LEASE.num_seconds().to_string();
        let form = [
            ("hub.mode", "subscribe"),
            ("hub.topic", &asked.topic),
            ("hub.callback", &callback),
            ("hub.lease_seconds", &lease),
            ("hub.secret", &asked.secret),
            // PubSubHubbub 0.3 asks for it, later hubs pass over it.
            ("hub.verify", "async"),
        ];
        let client = if allows_private { &self.open } else { &self.public };
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = client.post(hub).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answered {status}")),
        }
    }
}

/// When to ask the source again: rarely while its hub tells of news, and in time to renew.
pub(crate) fn next_poll(
    known: Option<&HubSubscription>,
    planned: Option<DateTime<Utc>>,
    longest: TimeDelta,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let planned = planned?;
    let Some(ends_at) = known.and_then(|it| it.ends_at).filter(|it| now < *it) else {
        return Some(planned);
    };
    let stretched = planned.max(now + POLL_INTERVAL.min(longest));
    // Renewed by the poll before the end; that of a short lease comes with its end.
    let renewal = (ends_at - RENEWED_BEFORE).max(now + (ends_at - now) / 2);
    Some(stretched.min(renewal.max(now + LEASE_MIN)))
}

/// Until when a lease lasts, as far as it is believed.
pub(crate) fn ends_at(lease_seconds: i64, now: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = lease_seconds.clamp(LEASE_MIN.num_seconds(), LEASE_MAX.num_seconds());
    now + TimeDelta::seconds(seconds)
}

/// Whether `header` (`X-Hub-Signature`: method, `=`, hexadecimal) signs `body` with `secret`, in
/// constant time. HMAC-SHA1 is what most hubs send, and no collision of SHA-1 breaks it.
pub(crate) fn is_signed(secret: &str, body: &[u8], header: &str) -> bool {
    let Some((method, tag)) = header.trim().split_once('=') else { return false };
    let algorithm = match method.trim().to_ascii_lowercase().as_str() {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "sha256" => hmac::HMAC_SHA256,
        "sha384" => hmac::HMAC_SHA384,
        "sha512" => hmac::HMAC_SHA512,
        _ => return false,
    };
    let Ok(tag) = hex::decode(tag.trim()) else { return false };
    hmac::verify(&hmac::Key::new(algorithm, secret.as_bytes()), body, &tag).is_ok()
}

/// As much of what a hub says as is logged.
pub(crate) fn cut(said: &str) -> String {
    said.chars().take(SAID_CHARS_MAX).collect()
}

fn is_due(known: &HubSubscription, now: DateTime<Utc>) -> bool {
    let pause = match known.n_unconfirmed {
        0 => TimeDelta::zero(),
        n => ASKED_AGAIN_AFTER * (1 << (n - 1).min(7)),
    };
    // Half of a short lease, all but twelve hours of a long one.
    let lasts = known
        .ends_at
        .is_some_and(|ends_at| now < ends_at - RENEWED_BEFORE.min((ends_at - known.asked_at) / 2));
    !lasts && known.asked_at + pause <= now
}

fn asked(
    known: Option<HubSubscription>,
    source: &SourceId,
    announced: &Announced,
    now: DateTime<Utc>,
) -> HubSubscription {
    // The same address and secret, so that what is on its way when the lease is renewed counts.
    let known = known.map(|it| HubSubscription {
        asked_at: now,
        n_unconfirmed: it.n_unconfirmed.saturating_add(1),
        ..it
    });
    known.unwrap_or_else(|| HubSubscription {
        source: source.clone(),
        hub: announced.hub.clone(),
        topic: announced.topic.clone(),
        token: token::new(),
        secret: token::new(),
        asked_at: now,
        n_unconfirmed: 1,
        ends_at: None,
        told_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn subscription(asked_at: i64, ends_at: Option<i64>) -> HubSubscription {
        let announced =
            Announced { hub: "https://hub.example/".into(), topic: "https://a.example/".into() };
        let asked = asked(None, &"a".into(), &announced, at(asked_at));
        let n_unconfirmed = u32::from(ends_at.is_none());
        HubSubscription { ends_at: ends_at.map(at), n_unconfirmed, ..asked }
    }

    #[test]
    fn a_feed_is_asked_rarely_while_its_hub_tells_of_news() {
        let day = TimeDelta::days(1);
        let half_past = at(0) + TimeDelta::minutes(30);
        let next = |known: Option<&HubSubscription>| next_poll(known, Some(half_past), day, at(0));
        assert_eq!(next(None), Some(half_past));
        assert_eq!(next(Some(&subscription(-1, None))), Some(half_past), "not confirmed");
        assert_eq!(next(Some(&subscription(-100, Some(-1)))), Some(half_past), "ended");
        assert_eq!(next(Some(&subscription(-1, Some(240)))), Some(at(6)));
        assert_eq!(next(Some(&subscription(-1, Some(4)))), Some(at(2)), "in time to renew");
        assert_eq!(next_poll(Some(&subscription(-1, Some(240))), None, day, at(0)), None, "gone");
    }

    #[test]
    fn hubs_are_asked_again_before_the_end_and_ever_more_rarely_when_silent() {
        assert!(!is_due(&subscription(0, Some(240)), at(200)));
        assert!(is_due(&subscription(0, Some(240)), at(229)));
        assert!(is_due(&subscription(0, Some(2)), at(1)));
        assert!(!is_due(&subscription(0, None), at(0)));
        let silent = |n| HubSubscription { n_unconfirmed: n, ..subscription(0, None) };
        assert!(!is_due(&silent(4), at(7)) && is_due(&silent(4), at(8)));
        assert!(!is_due(&silent(u32::MAX), at(127)) && is_due(&silent(u32::MAX), at(128)));
        let renewed = HubSubscription { ends_at: Some(at(2)), ..silent(2) };
        assert!(!is_due(&renewed, at(1)), "its renewal was asked for an hour ago");
    }

    #[test]
    fn leases_are_believed_within_bounds() {
        assert_eq!(ends_at(i64::MAX, at(0)), at(30 * 24));
        assert_eq!(ends_at(-1, at(0)), at(0) + LEASE_MIN);
        assert_eq!(ends_at(86_400, at(0)), at(24));
    }

    #[test]
    fn signatures_of_all_methods_are_known_and_others_refused() {
        // RFC 2202 and RFC 4231, test case 2.
        let (key, data) = ("Jefe", b"what do ya want for nothing?");
        let sha1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(is_signed(key, data, &format!("sha1={sha1}")));
        assert!(is_signed(key, data, &format!("SHA256={}", sha256.to_uppercase())));
        for wrong in [
            format!("sha256={sha1}"),
            format!("md5={sha1}"),
            format!("sha1={}", &sha1[1..]),
            format!("sha1={}ö", &sha1[2..]),
            sha1.to_owned(),
            String::new(),
            "sha1=".to_owned(),
        ] {
            assert!(!is_signed(key, data, &wrong), "{wrong}");
        }
        assert!(!is_signed("other", data, &format!("sha1={sha1}")));
    }
}
