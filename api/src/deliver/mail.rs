//! Messages by mail.

use std::time::Duration;

use anyhow::Context;
use config::SavedSearch;
use config::settings::AlertSettings;
use index::archive::outbox::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use url::Url;

use super::secrets::Secrets;
use super::{SendError, payload};

/// The secret with the password for the mail server.
const PASSWORD: &str = "smtp-password";

/// Sends mails through one server.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mailer {
    /// `None` when no mail server is set.
    pub(super) fn new(
        settings: &AlertSettings,
        secrets: &Secrets,
    ) -> anyhow::Result<Option<Mailer>> {
        let Some(text) = &settings.smtp_url else { return Ok(None) };
        let url = Url::parse(text).context("alerts.smtp_url")?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let (port, tls) = match url.scheme() {
            "smtps" => (465, Tls::Wrapper(TlsParameters::new(host.clone())?)),
            "smtp+starttls" => (587, Tls::Required(TlsParameters::new(host.clone())?)),
            _ => (25, Tls::None),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&host)
            .port(url.port().unwrap_or(port))
            .tls(tls)
            .timeout(Some(Duration::from_secs(settings.timeout_s.into())));
        if !url.username().is_empty() {
            let password = secrets.get(PASSWORD).context("alerts.smtp_url names a user")?;
            let user = url.username().replace("%40", "@");
            builder = builder.credentials(Credentials::new(user, password));
        }
        let from = settings.mail_from.parse().context("alerts.mail_from")?;
        Ok(Some(Mailer { transport: builder.build(), from }))
    }

    pub(super) async fn send(
        &self,
        search: &SavedSearch,
        message: &Message,
        to: &str,
        public_url: Option<&Url>,
    ) -> Result<(), SendError> {
        let never = |what: String| SendError::Never(what);
        let to: Mailbox = to.parse().map_err(|_| never("the mail address is wrong".to_owned()))?;
        let id = format!("<{}@{}>", message.id, self.from.email.domain());
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(payload::subject(search, message))
            .message_id(Some(id))
            .header(ListId(format!("<{}.harbinger>", search.id)))
            .header(AutoSubmitted("auto-generated".to_owned()));
        builder = builder.header(ListUnsubscribe(unsubscribe(search, &self.from, public_url)));
        let text = payload::mail(search, message, public_url);
        let mail = builder.singlepart(SinglePart::plain(text));
        let mail = mail.map_err(|error| never(format!("the mail cannot be written: {error}")))?;
        match self.transport.send(mail).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_permanent() => Err(never(format!("refused: {error}"))),
            Err(error) => Err(SendError::Later(format!("not sent: {error}"), None)),
        }
    }
}

/// Where a reader can leave: the page of the saved search, else a mail to the sender.
fn unsubscribe(search: &SavedSearch, from: &Mailbox, public_url: Option<&Url>) -> String {
    let page = public_url.and_then(|it| it.join(&format!("alerts/searches/{}", search.id)).ok());
    let mail = format!("<mailto:{}?subject=unsubscribe%20{}>", from.email, search.id);
    page.map_or(mail.clone(), |it| format!("<{it}>, {mail}"))
}

macro_rules! text_header {
    ($name:ident, $text:literal) => {
        #[derive(Clone)]
        struct $name(String);

        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($text)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok($name(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(<$name as Header>::name(), self.0.clone())
            }
        }
    };
}

text_header!(ListId, "List-Id");
text_header!(ListUnsubscribe, "List-Unsubscribe");
text_header!(AutoSubmitted, "Auto-Submitted");
