//! Login by an OpenID Connect provider: authorization code with PKCE, state and nonce.
//!
//! A login that was begun here waits in a cookie of the browser that began it, so that it outlives a
//! restart and any worker can end it. State, nonce and the verifier of PKCE are made from that cookie
//! by a one-way function, and nothing is kept here. It counts for ten minutes; once, since it ends
//! with the cookie, and a provider's code counts once.

use std::time::Duration;

use axum::http;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use config::Settings;
use config::settings::{DefaultRole, OidcSettings};
use index::archive::access::Role;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
};
use serde_json::Value;

use super::{NAME_CHARS_MAX, token};
use crate::deliver::Secrets;

/// Where the provider sends the browser back to.
pub(crate) const CALLBACK: &str = "/login/oidc/callback";
/// Name of the client's secret.
const SECRET: &str = "oidc-client-secret";
/// How long a login may take, in minutes.
pub(crate) const MINUTES_MAX: i64 = 10;
/// Longest answer of a provider.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_secs(10);

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Why a login by the provider came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OidcError {
    /// The settings name no provider.
    #[error("no login provider is set up")]
    Off,
    /// The state is unknown, used, too old, or of another browser.
    #[error("this login was not begun in this browser, or more than {MINUTES_MAX} minutes ago")]
    Strange,
    /// The provider, or the person there, said no.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The provider cannot be reached, or is not what the settings say.
    #[error("the provider cannot be asked: {0}")]
    Provider(String),
    /// What the provider says about the person is not to be believed.
    #[error("the provider's answer is not valid: {0}")]
    Invalid(String),
    /// Nobody gave this person a role.
    #[error("`{0}` has no role in Harbinger")]
    NoRole(String),
}

/// Seconds by which the clock of one worker may be behind that of another.
const CLOCKS_APART_MAX: i64 = 60;
/// Longest address in Harbinger that a cookie takes along.
const NEXT_BYTES_MAX: usize = 1_000;

/// A login under way, as the browser that began it keeps it: a secret, the second in which it began
/// and where the person wants to go.
#[derive(Debug)]
struct Pending {
    cookie: String,
    begun_at: i64,
    next: String,
}

impl Pending {
    fn new(next: &str, now: DateTime<Utc>) -> Pending {
        let next = if next.len() <= NEXT_BYTES_MAX { next } else { "/" };
        let (secret, begun_at) = (token::new(), now.timestamp());
        let cookie = format!("{secret}.{begun_at}.{}", URL_SAFE_NO_PAD.encode(next));
        Pending { cookie, begun_at, next: next.to_owned() }
    }

    fn of(cookie: &str) -> Option<Pending> {
        let mut parts = cookie.splitn(3, '.').skip(1);
        let (begun_at, next) = (parts.next()?, parts.next()?);
        Some(Pending {
            begun_at: begun_at.parse().ok()?,
            next: String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?,
            cookie: cookie.to_owned(),
        })
    }

    /// The login that an answer with `state` belongs to.
    fn resumed(
        cookie: Option<&str>,
        state: &str,
        now: DateTime<Utc>,
    ) -> Result<Pending, OidcError> {
        let begun = cookie.and_then(Pending::of).ok_or(OidcError::Strange)?;
        let age = now.timestamp().saturating_sub(begun.begun_at);
        let is_fresh = (-CLOCKS_APART_MAX..MINUTES_MAX * 60).contains(&age);
        let is_same = token::is_same(state, begun.state().secret());
        if is_same && is_fresh { Ok(begun) } else { Err(OidcError::Strange) }
    }

    fn state(&self) -> CsrfToken {
        CsrfToken::new(self.derived("harbinger 2026-11-26 oidc state"))
    }

    fn nonce(&self) -> Nonce {
        Nonce::new(self.derived("harbinger 2026-11-26 oidc nonce"))
    }

    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.derived("harbinger 2026-11-26 oidc pkce verifier"))
    }

    /// 43 characters that tell neither the cookie nor what is made of it for another purpose.
    fn derived(&self, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(blake3::derive_key(purpose, self.cookie.as_bytes()))
    }
}

/// Where to send the browser, and the cookie by which it is known again.
pub(crate) struct Begun {
    pub(crate) address: String,
    pub(crate) cookie: String,
}

/// Somebody whom the provider knows.
#[derive(Debug)]
pub(crate) struct Person {
    /// Issuer and subject: stays the same when the name changes.
    pub(crate) credential: String,
    /// What the person is called, made a name that can be a user's.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Where the person wanted to go.
    pub(crate) next: String,
}

/// Begins a login.
pub(crate) async fn begin(
    settings: &Settings,
    next: &str,
    now: DateTime<Utc>,
) -> Result<Begun, OidcError> {
    let client = client(settings).await?;
    let begun = Pending::new(next, now);
    let (state, nonce) = (begun.state(), begun.nonce());
    let mut request =
        client.authorize_url(CoreAuthenticationFlow::AuthorizationCode, || state, || nonce);
    for scope in &settings.oidc.scopes {
        request = request.add_scope(Scope::new(scope.clone()));
    }
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&begun.verifier());
    let (address, _, _) = request.set_pkce_challenge(challenge).url();
    Ok(Begun { address: address.into(), cookie: begun.cookie })
}

/// Ends a login with what the provider sent the browser back with.
pub(crate) async fn finish(
    settings: &Settings,
    answer: Answer,
    cookie: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Person, OidcError> {
    let begun = Pending::resumed(cookie, &answer.state, now)?;
    if let Some(error) = answer.error {
        let why = answer.error_description.unwrap_or_default();
        return Err(OidcError::Refused(shortened(&format!("{error} {why}"))));
    }
    let code = answer.code.ok_or_else(|| OidcError::Refused("it sent no code".to_owned()))?;
    let client = client(settings).await?;
    let ask = asking()?;
    let exchange = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|error| OidcError::Provider(error.to_string()))?
        .set_pkce_verifier(begun.verifier());
    let token = exchange
        .request_async(&ask)
        .await
        .map_err(|error| OidcError::Refused(shortened(&chain(&error))))?;
    let id_token =
        token.id_token().ok_or_else(|| OidcError::Invalid("it has no ID token".to_owned()))?;
    let claims = id_token
        .claims(&client.id_token_verifier(), &begun.nonce())
        .map_err(|error| OidcError::Invalid(chain(&error)))?;
    let subject = claims.subject().as_str();
    let all = payload(&id_token.to_string());
    let name = ["preferred_username", "email", "sub"]
        .iter()
        .find_map(|it| all[*it].as_str().filter(|it| !it.trim().is_empty()))
        .unwrap_or(subject);
    let name = user_name(name);
    let role = role_of(&settings.oidc, &all[&settings.oidc.roles_claim]);
    let role = role.ok_or_else(|| OidcError::NoRole(name.clone()))?;
    let issuer = settings.oidc.issuer.as_deref().unwrap_or_default();
    Ok(Person { credential: format!("oidc {issuer} {subject}"), name, role, next: begun.next })
}

/// What the provider sends the browser back with.
#[derive(Debug, Default, serde::Deserialize)]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) state: String,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
}

/// The client that the settings describe, after a look at what the provider says of itself.
async fn client(settings: &Settings) -> Result<Client, OidcError> {
    let oidc = &settings.oidc;
    let (Some(issuer), Some(id), Some(public_url)) =
        (&oidc.issuer, &oidc.client_id, &settings.alerts.public_url)
    else {
        return Err(OidcError::Off);
    };
    let wrong = |error: url::ParseError| OidcError::Provider(error.to_string());
    let issuer = IssuerUrl::new(issuer.clone()).map_err(wrong)?;
    let back = format!("{}{CALLBACK}", public_url.as_str().trim_end_matches('/'));
    let back = RedirectUrl::new(back).map_err(wrong)?;
    let metadata = CoreProviderMetadata::discover_async(issuer, &asking()?)
        .await
        .map_err(|error| OidcError::Provider(chain(&error)))?;
    // A client without a secret is a public one; PKCE protects it.
    let secret = Secrets::new(settings.alerts.secrets_dir.clone()).get(SECRET).ok();
    let secret = secret.map(ClientSecret::new);
    let client = CoreClient::from_provider_metadata(metadata, ClientId::new(id.clone()), secret);
    Ok(client.set_redirect_uri(back))
}

/// Asks the provider: no redirects, a bounded answer.
fn asking() -> Result<
    impl Fn(HttpRequest) -> futures::future::BoxFuture<'static, Result<HttpResponse, AskError>>,
    OidcError,
> {
    let client = ingest::fetch::outbound_client("Harbinger", TIMEOUT, true)
        .map_err(|error| OidcError::Provider(error.to_string()))?;
    Ok(move |request| {
        let future: futures::future::BoxFuture<'static, _> = Box::pin(ask(client.clone(), request));
        future
    })
}

/// Why the provider gave no answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("{0}")]
    Send(#[from] reqwest::Error),
    #[error("{0}")]
    Shape(#[from] http::Error),
    #[error("the answer is longer than 1 MiB")]
    Long,
}

async fn ask(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, AskError> {
    let (parts, body) = request.into_parts();
    let sent = client
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body)
        .send();
    let mut response = sent.await?;
    let mut answer = http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if ANSWER_BYTES_MAX < bytes.len() + chunk.len() {
            return Err(AskError::Long);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(answer.body(bytes)?)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    shortened(&text)
}

fn shortened(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(300).collect()
}

/// All claims of an ID token that was verified before.
fn payload(token: &str) -> Value {
    let middle = token.split('.').nth(1).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(middle).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// The highest role that one of the `groups` (a text or a list) gives, else the default.
fn role_of(settings: &OidcSettings, groups: &Value) -> Option<Role> {
    let one = groups.as_str().into_iter();
    let many = groups.as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups: Vec<&str> = one.chain(many).collect();
    let has = |names: &[String]| names.iter().any(|it| groups.contains(&it.as_str()));
    if has(&settings.admins) {
        Some(Role::Admin)
    } else if has(&settings.analysts) {
        Some(Role::Analyst)
    } else if has(&settings.readers) {
        Some(Role::Reader)
    } else {
        match settings.default_role {
            DefaultRole::None => None,
            DefaultRole::Reader => Some(Role::Reader),
            DefaultRole::Analyst => Some(Role::Analyst),
        }
    }
}

/// `text` with other characters than a user's name may have replaced.
fn user_name(text: &str) -> String {
    let plain = |it: char| if it.is_alphanumeric() || "._@-".contains(it) { it } else { '-' };
    // Room for a number, should the name be taken.
    text.trim().chars().map(plain).take(NAME_CHARS_MAX - 6).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_767_225_600 + minute * 60, 0).unwrap()
    }

    #[test]
    fn a_login_counts_for_a_while_and_in_its_own_browser() {
        let begun = Pending::new("/search?q=Öl", at(0));
        let (cookie, state) = (Some(begun.cookie.as_str()), begun.state());
        let state = state.secret();
        let resume = |cookie, state: &str, minute| Pending::resumed(cookie, state, at(minute));
        let resumed = resume(cookie, state, 9).unwrap();
        assert_eq!(resumed.next, "/search?q=Öl");
        assert_eq!(resumed.nonce().secret(), begun.nonce().secret());
        assert_eq!(resumed.verifier().secret(), begun.verifier().secret());
        let other = Pending::new("/search?q=Öl", at(0));
        assert!(resume(Some(&other.cookie), state, 1).is_err(), "another browser");
        assert!(resume(cookie, other.state().secret(), 1).is_err(), "another state");
        assert!(resume(cookie, "", 1).is_err());
        assert!(resume(None, state, 1).is_err());
        assert!(resume(cookie, state, 10).is_err(), "too late");
        assert!(resume(cookie, state, -1).is_ok(), "by a worker whose clock is late");
        assert!(resume(cookie, state, -2).is_err(), "from the future");
    }

    #[test]
    fn a_cookie_that_was_changed_belongs_to_no_login() {
        let begun = Pending::new("/", at(0));
        let parts: Vec<&str> = begun.cookie.split('.').collect();
        let [secret, begun_at, next] = parts[..] else { panic!("{parts:?}") };
        let (later, elsewhere) = (at(60).timestamp(), URL_SAFE_NO_PAD.encode("//evil.example"));
        for changed in [
            format!("{secret}.{later}.{next}"),
            format!("{secret}.{begun_at}.{elsewhere}"),
            format!("{}.{begun_at}.{next}", &secret[1..]),
            format!("{secret}.{}.{next}", i64::MIN),
            secret.to_owned(),
            String::new(),
        ] {
            let resumed = Pending::resumed(Some(&changed), begun.state().secret(), at(1));
            assert!(resumed.is_err(), "{changed}");
        }
    }

    #[test]
    fn what_the_provider_sees_tells_nothing_of_what_it_must_not() {
        let begun = Pending::new("/", at(0));
        let (state, nonce, verifier) = (begun.state(), begun.nonce(), begun.verifier());
        let all = [state.secret(), nonce.secret(), verifier.secret(), &begun.cookie];
        for (at, one) in all.iter().enumerate() {
            assert!(43 <= one.len(), "{one}");
            assert!(all[at + 1..].iter().all(|it| !it.contains(one.as_str())), "{all:?}");
        }
    }

    #[test]
    fn an_address_that_no_cookie_holds_is_left_out() {
        let begun = Pending::new(&format!("/search?q={}", "x".repeat(5_000)), at(0));
        assert_eq!(begun.next, "/");
        let begun = Pending::new(&format!("/{}", "x".repeat(NEXT_BYTES_MAX - 1)), at(0));
        assert!(begun.next.len() == NEXT_BYTES_MAX && begun.cookie.len() < 1_500);
    }

    #[test]
    fn groups_give_roles_and_strangers_get_the_default() {
        let mut settings = OidcSettings {
            admins: vec!["chiefs".to_owned()],
            analysts: vec!["soc".to_owned(), "intel".to_owned()],
            ..Settings::default().oidc
        };
        assert_eq!(role_of(&settings, &json!(["x", "intel"])), Some(Role::Analyst));
        assert_eq!(role_of(&settings, &json!(["soc", "chiefs"])), Some(Role::Admin));
        assert_eq!(role_of(&settings, &json!("soc")), Some(Role::Analyst));
        for strange in [json!(null), json!("chief"), json!([["chiefs"]]), json!({"a": "chiefs"})] {
            assert_eq!(role_of(&settings, &strange), None, "{strange}");
        }
        settings.default_role = DefaultRole::Reader;
        assert_eq!(role_of(&settings, &json!([])), Some(Role::Reader));
    }

    #[test]
    fn what_a_provider_calls_somebody_becomes_a_name_that_a_user_can_have() {
        assert_eq!(user_name("Ana Núñez <a@b.example>"), "Ana-Núñez--a@b.example-");
        assert!(crate::access::is_name(&user_name(&"x y".repeat(100))));
    }
}
