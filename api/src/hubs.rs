//! Subscriptions at the hubs of feeds (WebSub): asked for after a poll that announced one, kept by
//! later polls, and used as a bell only.
//!
//! What a hub sends is checked for its signature and then thrown away: the feed itself is asked,
//! with everything that holds for polls. So a hub can neither slip in entries nor cause more
//! than a poll in 15 seconds. Without `poll.websub_url` no hub is asked.
//!
//! A hub is trusted once it has told of news, until a poll finds news of which it had not.

use std::sync::Arc;
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
use tokio::sync::Semaphore;
use tracing::{Instrument, debug, info, warn};
use url::{Url, form_urlencoded};

use crate::access::token;

/// Where hubs call, below `poll.websub_url`; the token follows.
pub(crate) const CALLBACK: &str = "/websub/";
/// Longest time that a hub may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Hubs that are asked at once. When there are more, they are asked after the next poll.
const N_ASKED_MAX: usize = 4;
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
    /// The address that hubs call, up to the token.
    callback: String,
    public: Client,
    /// For sources that allow private addresses.
    open: Client,
    slots: Arc<Semaphore>,
}

impl Hubs {
    /// `None` where no address is configured that hubs can reach.
    ///
    /// # Errors
    /// Where the user agent is no valid header or the system has no certificates.
    pub(crate) fn of(settings: &Settings) -> Result<Option<Hubs>, reqwest::Error> {
        let Some(own) = &settings.poll.websub_url else { return Ok(None) };
        let agent = settings.fetch.user_agent_header();
        Ok(Some(Hubs {
            callback: format!("{}{CALLBACK}", own.as_str().trim_end_matches('/')),
            public: outbound_client(&agent, TIMEOUT, false)?,
            open: outbound_client(&agent, TIMEOUT, true)?,
            slots: Arc::new(Semaphore::new(N_ASKED_MAX)),
        }))
    }

    /// The subscription of `source` at the hub that it announces, if there is one.
    pub(crate) async fn current(
        &self,
        archive: &Archive,
        source: &Source,
        announced: Option<&Announced>,
    ) -> Result<Option<HubSubscription>, ArchiveError> {
        let Some(announced) = announced.filter(|it| may_be_asked(it, source)) else {
            return Ok(None);
        };
        let kept = archive.hub_subscription(&source.id).await?;
        Ok(kept.filter(|it| self.is_same(it, announced)))
    }

    /// Asks after a poll that went well and began at `now` for a subscription at the hub that the
    /// source announces, unless there is one that lasts or the hub was asked a while ago only. Does
    /// not wait for the hub's answer.
    pub(crate) async fn after_poll(
        self: &Arc<Self>,
        archive: &Archive,
        source: &Source,
        announced: Option<&Announced>,
        now: DateTime<Utc>,
    ) -> Result<(), ArchiveError> {
        let kept = archive.hub_subscription(&source.id).await?;
        let Some(announced) = announced.filter(|it| may_be_asked(it, source)) else {
            if kept.is_some() {
                archive.forget_hub_subscription(&source.id).await?;
            }
            return Ok(());
        };
        let known = kept.filter(|it| self.is_same(it, announced));
        if known.as_ref().is_some_and(|it| !is_due(it, now)) {
            return Ok(());
        }
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            let (id, hub) = (&source.id, &announced.hub);
            debug!(source.id = %id, hub, "{hub} is asked for news from {id} after the next poll");
            return Ok(());
        };
        let asked = asked(known, &source.id, announced, &self.callback, now);
        if !archive.begin_hub_subscription(&asked).await? {
            return Ok(());
        }
        let (hubs, allows_private) = (Arc::clone(self), source.allow_private_addresses);
        let asking = async move {
            let _slot = slot;
            let (id, hub) = (&asked.source, &asked.hub);
            match hubs.ask(&asked, allows_private).await {
                Ok(()) => info!(source.id = %id, hub, "asked {hub} to tell of news from {id}"),
                Err(why) => {
                    warn!(source.id = %id, hub, "{hub} cannot be asked for news from {id}: {why}");
                }
            }
        };
        tokio::spawn(asking.in_current_span());
        Ok(())
    }

    fn is_same(&self, kept: &HubSubscription, announced: &Announced) -> bool {
        kept.hub == announced.hub && kept.topic == announced.topic && kept.callback == self.callback
    }

    /// Sends the request for a subscription; what follows comes to [`CALLBACK`].
    async fn ask(&self, asked: &HubSubscription, allows_private: bool) -> Result<(), String> {
        let callback = format!("{}{}", asked.callback, asked.token);
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
        let request =
            client.post(&asked.hub).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| error.without_url().to_string())?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answered {status}")),
        }
    }
}

/// Whether the hub told of news since `last_poll_at`, the last poll that went well.
pub(crate) fn has_told(known: &HubSubscription, last_poll_at: Option<DateTime<Utc>>) -> bool {
    known.told_at.is_some_and(|it| last_poll_at.is_none_or(|last| last <= it))
}

/// Whether the hub has told of news, and of all news that polls found since.
pub(crate) fn is_trusted(known: &HubSubscription) -> bool {
    known.told_at.is_some_and(|told| known.missed_at.is_none_or(|missed| missed <= told))
}

/// When to ask the source again after a poll that went well: as `planned` or, while a hub that is
/// `trusted` tells of its news, rarely and in time to renew.
pub(crate) fn next_poll(
    trusted: Option<&HubSubscription>,
    planned: Option<DateTime<Utc>>,
    longest: TimeDelta,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let planned = planned?;
    let Some(ends_at) = trusted.and_then(|it| it.ends_at).filter(|it| now < *it) else {
        return Some(planned);
    };
    // Renewed by the poll before the end; that of a short lease comes with its end.
    let renewal = (ends_at - RENEWED_BEFORE).max(now + (ends_at - now) / 2).max(now + LEASE_MIN);
    Some(planned.max(renewal.min(now + POLL_INTERVAL.min(longest))))
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

/// Whether a hub that the source announces is one to ask: the secret goes to nobody in clear, and no
/// request into an inner network, unless the source may lie in one.
fn may_be_asked(announced: &Announced, source: &Source) -> bool {
    let is_safe = |it: Url| it.scheme() == "https" && !is_private_literal(&it);
    source.allow_private_addresses || Url::parse(&announced.hub).is_ok_and(is_safe)
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
    callback: &str,
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
        callback: callback.to_owned(),
        token: token::new(),
        secret: token::new(),
        asked_at: now,
        n_unconfirmed: 1,
        ends_at: None,
        told_at: None,
        missed_at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    fn announced(hub: &str) -> Announced {
        Announced { hub: hub.to_owned(), topic: "https://a.example/".to_owned() }
    }

    fn subscription(asked_at: i64, ends_at: Option<i64>) -> HubSubscription {
        let callback = "https://desk.example/websub/";
        let announced = announced("https://hub.example/");
        let asked = asked(None, &"a".into(), &announced, callback, at(asked_at));
        let n_unconfirmed = u32::from(ends_at.is_none());
        HubSubscription { ends_at: ends_at.map(at), n_unconfirmed, ..asked }
    }

    #[test]
    fn a_hub_is_trusted_while_it_tells_of_all_news_that_polls_find() {
        let told = |told_at: i64, missed_at: Option<i64>| HubSubscription {
            told_at: Some(at(told_at)),
            missed_at: missed_at.map(at),
            ..subscription(0, Some(240))
        };
        assert!(!is_trusted(&subscription(0, Some(240))), "it has confirmed, and told of nothing");
        assert!(is_trusted(&told(1, None)));
        assert!(!is_trusted(&told(1, Some(2))), "a poll found more");
        assert!(is_trusted(&told(3, Some(2))), "it was late, or tells again");

        assert!(!has_told(&subscription(0, Some(240)), Some(at(0))));
        assert!(has_told(&told(1, None), Some(at(0))));
        assert!(has_told(&told(1, None), Some(at(1))), "during that poll");
        assert!(!has_told(&told(1, None), Some(at(2))));
    }

    #[test]
    fn a_feed_is_asked_rarely_while_its_hub_tells_of_news() {
        let day = TimeDelta::days(1);
        let half_past = at(0) + TimeDelta::minutes(30);
        let told = |ends_at: i64| HubSubscription {
            told_at: Some(at(-1)),
            ..subscription(-1, Some(ends_at))
        };
        let next = |known: Option<&HubSubscription>| next_poll(known, Some(half_past), day, at(0));
        assert_eq!(next(None), Some(half_past), "no hub that is trusted");
        assert_eq!(next(Some(&told(-1))), Some(half_past), "ended");
        assert_eq!(next(Some(&told(240))), Some(at(6)));
        assert_eq!(next(Some(&told(4))), Some(at(2)), "in time to renew");
        assert_eq!(next_poll(Some(&told(240)), None, day, at(0)), None, "gone");
        for ends_at in [1, 4, 240] {
            let next = next_poll(Some(&told(ends_at)), Some(at(9)), day, at(0));
            assert_eq!(next, Some(at(9)), "the feed wants to be asked later than its lease ends");
        }
    }

    #[test]
    fn secrets_go_to_no_hub_in_clear_and_into_no_inner_network() {
        let source = Source::new("a", "https://a.example/".parse().unwrap());
        let open = Source { allow_private_addresses: true, ..source.clone() };
        assert!(may_be_asked(&announced("https://hub.example/"), &source));
        for hub in ["http://hub.example/", "https://10.0.0.1/", "https://[::1]/", "no address"] {
            assert!(!may_be_asked(&announced(hub), &source), "{hub}");
        }
        assert!(may_be_asked(&announced("http://127.0.0.1:8080/hub"), &open));
    }

    #[tokio::test]
    async fn another_address_of_ours_is_another_subscription() {
        let of = |own: &str| {
            let mut settings = Settings::default();
            settings.poll.websub_url = Some(own.parse().unwrap());
            Hubs::of(&settings).unwrap().unwrap()
        };
        let hub = announced("https://hub.example/");
        let kept = subscription(0, Some(240));
        assert!(of("https://desk.example").is_same(&kept, &hub));
        assert!(!of("https://new.example/").is_same(&kept, &hub));
        assert!(!of("https://desk.example").is_same(&kept, &announced("https://b.example/")));
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
