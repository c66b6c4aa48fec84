//! Messages by HTTP: webhooks, Slack, Teams, ntfy.

use chrono::{DateTime, Utc};
use config::{Channel, SavedSearch};
use index::archive::outbox::Message;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode};
use url::Url;

use super::{SendError, payload, sign};

/// One try of a message.
pub(super) struct Post<'a> {
    pub(super) client: &'a reqwest::Client,
    pub(super) url: Url,
    /// Signs webhooks; access token of ntfy.
    pub(super) key: Option<&'a str>,
    pub(super) at: DateTime<Utc>,
    pub(super) public_url: Option<&'a Url>,
}

impl Post<'_> {
    pub(super) async fn send(
        self,
        channel: Channel,
        search: &SavedSearch,
        message: &Message,
    ) -> Result<(), SendError> {
        let json = |it: serde_json::Value| (it.to_string(), "application/json");
        let (body, media_type) = match channel {
            Channel::Webhook => json(payload::webhook(search, message, self.public_url)),
            Channel::Slack => json(payload::slack(search, message, self.public_url)),
            Channel::Teams => json(payload::teams(search, message, self.public_url)),
            Channel::Ntfy | Channel::Email => {
                (payload::ntfy(message, self.public_url), "text/plain; charset=utf-8")
            }
        };
        let mut url = self.url.clone();
        if channel == Channel::Ntfy {
            url.query_pairs_mut()
                .append_pair("title", &payload::subject(search, message))
                .append_pair("tags", "warning")
                .append_pair("click", &payload::main_link(message, self.public_url));
        }
        let mut request = self.client.post(url).header(CONTENT_TYPE, media_type);
        match (channel, self.key) {
            (Channel::Webhook, _) => request = self.signed(request, &message.id, &body),
            (Channel::Ntfy, Some(token)) => {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            _ => (),
        }
        let sent = request.body(body).send().await;
        let response = sent.map_err(|error| SendError::Later(without_url(&error), None))?;
        judge(&response, self.at)
    }

    fn signed(&self, request: RequestBuilder, id: &str, body: &str) -> RequestBuilder {
        let timestamp = self.at.timestamp();
        let request =
            request.header("webhook-id", id).header("webhook-timestamp", timestamp.to_string());
        match self.key {
            Some(key) => {
                let signature = sign::signature(key, id, timestamp, body.as_bytes());
                request.header("webhook-signature", signature)
            }
            None => request,
        }
    }
}

/// What an answer means: see Standard Webhooks, and `docs/alerts.md`.
fn judge(response: &Response, now: DateTime<Utc>) -> Result<(), SendError> {
    let status = response.status();
    let why = format!("the receiver answered {status}");
    match status {
        _ if status.is_success() => Ok(()),
        StatusCode::GONE => Err(SendError::Gone(why)),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(SendError::Later(why, retry_after(response, now)))
        }
        _ if status.is_server_error() => Err(SendError::Later(why, retry_after(response, now))),
        _ => Err(SendError::Never(why)),
    }
}

/// The seconds that the receiver asks for.
fn retry_after(response: &Response, now: DateTime<Utc>) -> Option<u32> {
    let wait = ingest::fetch::retry_after(response.headers(), Some(now))?;
    u32::try_from(wait.as_secs()).ok()
}

/// The error and its causes, without the address, which may be a secret.
fn without_url(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let what = match () {
        () if error.is_timeout() => "no answer in time",
        () if error.is_connect() => "no connection",
        () => "sending failed",
    };
    let mut cause: Option<&dyn std::error::Error> = error.source();
    let mut innermost = String::new();
    while let Some(inner) = cause {
        innermost = inner.to_string();
        cause = inner.source();
    }
    let is_safe = !innermost.is_empty() && !innermost.contains("://");
    if is_safe { format!("{what}: {innermost}") } else { what.to_owned() }
}
