//! `settings.toml`: how Harbinger runs. The file's comments, `docs/configuration.md` and the
//! overrides all come from the declarations here.
//!
//! Longer than a file should be because each key is documented once, for all of them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use crate::declare::declare;
use crate::secret::DatabaseUrl;
use crate::value::{Rule, Value, if_set, not_empty, text_value, within};

declare! {
    /// How Harbinger runs: everything in `settings.toml`.
    pub struct Settings {
        /// Folder of the database, the search index and archived pages; made when absent.
        /// Default `./data`; a relative path counts from the folder in which Harbinger is started.
        data_dir: PathBuf = "./data".into(),
        /// PostgreSQL database that several workers share, as `postgres://user@host/name`.
        /// None by default: SQLite in `data_dir`. A password may stand only in the environment
        /// variable `HARBINGER_DATABASE_URL` or in `database_url_file`.
        database_url: Option<DatabaseUrl>,
        /// File that holds the database address with its password, e.g. a mounted secret.
        /// None by default. Not together with `database_url`.
        database_url_file: Option<PathBuf>,
        /// The web server.
        http: HttpSettings,
        /// Requests to other sites.
        fetch: FetchSettings,
        /// When feeds are asked for news.
        poll: PollSettings,
        /// From an entry of a feed to an article in the archive.
        crawl: CrawlSettings,
        /// The tagger: entities, statements, sectors.
        nlp: NlpSettings,
        /// Stories: articles on one event.
        stories: StorySettings,
        /// The full-text index.
        index: IndexSettings,
        /// Alerts of saved searches and how they are sent.
        alerts: AlertSettings,
        /// How long things are kept.
        retention: RetentionSettings,
        /// Login by an OpenID Connect provider.
        oidc: OidcSettings,
        /// The bundled sample news wire.
        sample: SampleSettings,
        /// What is written to standard error.
        log: LogSettings,
    }
}

declare! {
    /// The web server.
    pub struct HttpSettings {
        /// Address and port to listen on. The default, `127.0.0.1:8321`, is reachable from this
        /// machine only; port 0 takes any free one.
        bind: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8321)),
        /// Longest time that a request may take, in seconds. Default 30.
        request_timeout_s: u32 = 30 => within(1, 600),
        /// Largest body of a request, in bytes; a list of sources (OPML) may always have 16 MiB.
        /// Default 2 MiB.
        request_body_max_bytes: usize = 2 << 20 => within(1 << 10, 1 << 30),
        /// Live update streams that may be open at once. Default 100.
        n_event_streams_max: usize = 100 => within(0, 100_000),
        /// Longest wait for open requests and running work at shutdown, in seconds. Default 20.
        shutdown_grace_s: u32 = 20 => within(0, 600),
        /// Who must log in: `auto` asks for it when `bind` can be reached from other machines,
        /// `always` asks for it on loopback too, as it must be behind a reverse proxy.
        /// Default `auto`.
        login: LoginMode = LoginMode::Auto,
        /// Longest time that somebody stays logged in, in hours. Default 12.
        session_hours: u32 = 12 => within(1, 24 * 30),
        /// Requests that one key, user or address may make in a minute where login is asked for;
        /// more are told to wait. Default 600.
        n_requests_per_minute_max: u32 = 600 => within(1, 1_000_000),
    }
}

declare! {
    /// Requests to other sites. One request per host at a time and no private addresses (unless a
    /// source allows them) are fixed; the other limits are here.
    pub struct FetchSettings {
        /// Name of this robot, sent with each request and looked up in robots.txt.
        /// Default `Harbinger`.
        user_agent: String = "Harbinger".into() => Rule::new(
            "a product name such as \"Harbinger\" or \"Harbinger/1.0\", without spaces",
            |it: &String| !it.is_empty() && it.bytes().all(|c| c.is_ascii_graphic()),
        ),
        /// Page or `mailto:` address at which publishers reach whoever runs this, sent with each
        /// request. None by default; set it before you crawl sites that are not yours.
        contact_url: Option<String> => if_set(Rule::new(
            "an address that starts with https://, http:// or mailto:",
            |it: &String| ["https://", "http://", "mailto:"].iter().any(|start| {
                it.strip_prefix(start).is_some_and(|rest| {
                    !rest.is_empty() && rest.bytes().all(|c| c.is_ascii_graphic())
                })
            }),
        )),
        /// Requests that may run at once. Default 16.
        n_fetches_max: usize = 16 => within(1, 1_000),
        /// Shortest time between two requests for pages of one host, in milliseconds; a source
        /// can have its own. Default 5000.
        host_interval_ms: u32 = 5_000 => within(0, 3_600_000),
        /// Pause of a host that answered 429 without saying how long, in seconds. Default 30.
        after_429_s: u32 = 30 => within(1, 86_400),
        /// Longest time to connect, in seconds. Default 10.
        connect_timeout_s: u32 = 10 => within(1, 300),
        /// Longest time of a whole request with its body, in seconds. Default 30.
        total_timeout_s: u32 = 30 => within(1, 3_600),
        /// Largest body after decompression, in bytes. Default 15 MiB.
        body_max_bytes: usize = 15 << 20 => within(1 << 10, 1 << 30),
        /// Redirects followed for one request. Default 10.
        redirects_max: usize = 10 => within(0, 20),
        /// Whether article pages obey the site's robots.txt (RFC 9309). Default true.
        respect_robots: bool = true,
        /// Whether sources that are added while Harbinger runs (page, API, OPML) may lie on
        /// loopback, private or link-local addresses. Default false; switch it on only where
        /// everybody who may add a source may read your own network.
        added_private_addresses: bool = false,
        /// How long a robots.txt is kept, in hours. Default 24, as RFC 9309 advises.
        robots_ttl_hours: u32 = 24 => within(1, 24 * 7),
        /// File with the certificates of authorities that are trusted besides those of the system
        /// when feeds and pages are asked for, such as that of a company's proxy. None by default.
        ca_file: Option<PathBuf> => if_set(Rule::new(
            "a file of certificates in PEM that can be read",
            |it: &PathBuf| {
                let file = std::fs::read_to_string(it);
                file.is_ok_and(|it| it.contains("-----BEGIN CERTIFICATE-----"))
            },
        )),
    }
}

declare! {
    /// When feeds are asked for news.
    pub struct PollSettings {
        /// Time between two polls of a feed that names none of its own, in minutes. Default 30.
        interval_default_minutes: u32 = 30 => within(1, 1_440),
        /// Shortest time between two polls of a feed, whatever the feed says, in minutes.
        /// Default 5.
        interval_min_minutes: u32 = 5 => within(1, 1_440),
        /// Longest time between two polls of a working feed, in hours. Default 24.
        interval_max_hours: u32 = 24 => within(1, 720),
        /// Longest time between two polls of a feed that keeps failing, in days. Default 30.
        failing_interval_max_days: u32 = 30 => within(1, 365),
        /// Feeds polled at once. Default 8.
        n_polls_max: usize = 8 => within(1, 1_000),
        /// How often the database is asked which feeds are due, in milliseconds. Default 1000.
        due_check_interval_ms: u32 = 1_000 => within(10, 3_600_000),
        /// Address under which the hubs of feeds (WebSub) reach this Harbinger, at `/websub/` below
        /// it. None by default: no hub is asked to tell of news.
        websub_url: Option<Url>,
        /// Entries taken at one poll of a source of any kind but folders: the first ones, of
        /// sitemaps and JSON documents the newest. Feeds and listing pages give 2 000 at most.
        /// Default 1000.
        n_entries_max: usize = 1_000 => within(1, 100_000),
    }
}

declare! {
    /// From an entry of a feed to an article in the archive.
    pub struct CrawlSettings {
        /// Entries taken from the queue at once. Default 32.
        batch_size: usize = 32 => within(1, 1_000),
        /// Tries of one entry before it is given up. Default 5.
        attempts_max: u32 = 5 => within(1, 100),
        /// Wait before the second try, in seconds; it doubles with each further one. Default 60.
        retry_base_s: u32 = 60 => within(1, 86_400),
        /// After this time, in seconds, an entry that a dead worker had taken is free again.
        /// Default 300; must be longer than `fetch.total_timeout_s`.
        lease_s: u32 = 300 => within(10, 86_400),
        /// Longest text of an article kept, in characters; the rest is cut. Default 1 000 000.
        text_chars_max: usize = 1_000_000 => within(1_000, 1_000_000),
        /// Whether articles with hostile statements are asked for again after an hour, a day and a
        /// week, and any article whose headline changed in its feed, so that edits are noticed.
        /// Default true.
        reread: bool = true,
        /// Whether what servers sent is kept as evidence, in WARC files in the folder `warc` of
        /// `data_dir`. Default false: an article keeps the hash of its page only.
        keep_warc: bool = false,
        /// A WARC file is closed at this size, in bytes. Default 256 MiB.
        warc_file_max_bytes: usize = 256 << 20 => within(1 << 20, 16 << 30),
    }
}

declare! {
    /// The tagger: entities, statements, sectors.
    pub struct NlpSettings {
        /// Engine of the tagger: `"rten"`, or `"rust-bert"` in a program that was built with that
        /// feature, which computes on a graphics card where there is one. Default "rten".
        engine: NlpEngine = NlpEngine::Rten,
        /// How the engine `"rten"` computes: `"int8"` is about twice as fast on processors with VNNI
        /// and as good within the noise of the scorers, `"float32"` is what was trained. The engine
        /// `"rust-bert"` always tags in float32. Default "int8".
        precision: NlpPrecision = NlpPrecision::Int8,
        /// Threads of the model. Default 0: one per core.
        n_threads: usize = 0 => within(0, 256),
        /// Articles annotated together. Default 16.
        n_articles_per_batch: usize = 16 => within(1, 1_024),
        /// Longest text that is annotated, in characters; the rest stays searchable.
        /// Default 200 000.
        text_chars_max: usize = 200_000 => within(1_000, 1_000_000),
    }
}

declare! {
    /// Stories: articles on one event.
    pub struct StorySettings {
        /// An article can join a story whose latest article is at most this old, in days.
        /// Default 14.
        window_days: u32 = 14 => within(1, 365),
    }
}

declare! {
    /// The full-text index.
    pub struct IndexSettings {
        /// Longest time until an annotated article can be found, in milliseconds. Default 1000.
        commit_interval_ms: u32 = 1_000 => within(10, 2_000),
        /// Articles after which the index commits earlier. Default 1000.
        n_articles_per_commit_max: usize = 1_000 => within(1, 1_000_000),
        /// Memory of the index writer, in bytes. Default 64 MiB.
        memory_budget_bytes: usize = 64 << 20 => within(15 << 20, 4 << 30),
    }
}

declare! {
    /// The bundled sample news wire: original articles written for Harbinger, served on loopback
    /// and labelled as sample, so that there is something to see without internet.
    pub struct SampleSettings {
        /// Whether the sample wire is served and crawled. Default true.
        enabled: bool = true,
    }
}

declare! {
    /// Alerts of saved searches and how they are sent. The password for the mail server is the
    /// secret `smtp-password`: `HARBINGER_SECRET_SMTP_PASSWORD` or a file in `secrets_dir`.
    pub struct AlertSettings {
        /// Folder with one file for each secret. None by default: secrets come from the
        /// environment only.
        secrets_dir: Option<PathBuf>,
        /// Address under which people reach this Harbinger, for links in messages.
        /// None by default: messages link to the articles only.
        public_url: Option<Url>,
        /// Whether alerts may be sent to loopback, private or link-local addresses.
        /// Default false.
        allow_private_addresses: bool = false,
        /// An article published so many days before it was fetched is back-filled and raises no
        /// alert, unless the saved search asks for it. Default 7 days.
        backfill_after_days: u32 = 7 => within(1, 3_650),
        /// Messages that are sent at once. Default 8.
        n_deliveries_max: usize = 8 => within(1, 100),
        /// Wait before the second try of a message, in seconds; it doubles with each further one,
        /// up to six hours. Default 10.
        retry_base_s: u32 = 10 => within(1, 3_600),
        /// After so many days of failed tries a message is given up. Default 3.
        retry_days: u32 = 3 => within(1, 30),
        /// Longest time of one try, in seconds. Default 20.
        timeout_s: u32 = 20 => within(1, 300),
        /// Mail server as `smtps://user@host`, `smtp+starttls://user@host:587` or, for a relay on
        /// this machine, `smtp://localhost:25`. None by default: no mail is sent.
        smtp_url: Option<String> => if_set(Rule::new(
            "an address that starts with smtps://, smtp+starttls:// or smtp://, without password",
            |it: &String| Url::parse(it).is_ok_and(|url| {
                matches!(url.scheme(), "smtps" | "smtp+starttls" | "smtp")
                    && url.has_host()
                    && url.password().is_none()
            }),
        )),
        /// Sender of mails. Default `harbinger@localhost`.
        mail_from: String = "harbinger@localhost".into() => Rule::new(
            "a mail address",
            |it: &String| it.contains('@'),
        ),
    }
}

declare! {
    /// How long things are kept.
    pub struct RetentionSettings {
        /// Articles published and fetched more than so many days ago are deleted once a day, with
        /// their text, statements and alerts, and what then stands alone; those that an alert in
        /// hand, a pin, a note or a correction refers to stay. None by default: everything is
        /// kept. Must be longer than `stories.window_days`.
        articles_days: Option<u32> => if_set(within(1, 36_500)),
    }
}

declare! {
    /// Login by an OpenID Connect provider, beside passwords: authorization code with PKCE. People
    /// come back to `/login/oidc/callback` below `alerts.public_url`, which must be set. The
    /// client's secret is the secret `oidc-client-secret`: `HARBINGER_SECRET_OIDC_CLIENT_SECRET` or
    /// a file in `alerts.secrets_dir`; without it the client is a public one.
    pub struct OidcSettings {
        /// The provider, exactly as it names itself in its discovery document.
        /// None by default: only passwords.
        issuer: Option<String> => if_set(Rule::new(
            "an address that starts with https://, or with http:// on this machine",
            |it: &String| Url::parse(it).is_ok_and(|url| {
                let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
                url.scheme() == "https" || url.scheme() == "http" && is_here
            }),
        )),
        /// Id of Harbinger at the provider. None by default; must be set with `oidc.issuer`.
        client_id: Option<String> => if_set(not_empty()),
        /// What is asked for besides `openid`. Default `["profile", "email", "groups"]`.
        scopes: Vec<String> = vec!["profile".into(), "email".into(), "groups".into()],
        /// Claim of the ID token with the groups of a person, a text or a list.
        /// Default `groups`.
        roles_claim: String = "groups".into() => not_empty(),
        /// Groups whose members are admins. Default none.
        admins: Vec<String> = Vec::new(),
        /// Groups whose members are analysts. Default none.
        analysts: Vec<String> = Vec::new(),
        /// Groups whose members are readers. Default none.
        readers: Vec<String> = Vec::new(),
        /// Role of people in none of these groups; with `none` they are refused. Default `none`.
        default_role: DefaultRole = DefaultRole::None,
        /// Words on the button. Default `Log in with single sign-on`.
        button: String = "Log in with single sign-on".into() => not_empty(),
    }
}

declare! {
    /// What is written to standard error.
    pub struct LogSettings {
        /// `text` for people, `json` for machines (one object per line). Default `text`.
        format: LogFormat = LogFormat::Text,
        /// What is logged: a level (`error`, `warn`, `info`, `debug`, `trace`), or several with
        /// modules as `info,ingest=debug`. Default `info`.
        filter: String = "info".into() => not_empty(),
    }
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

text_value!(
    LogFormat,
    "\"text\" or \"json\"",
    |it| match it {
        "text" => Some(LogFormat::Text),
        "json" => Some(LogFormat::Json),
        _ => None,
    },
    |it| match it {
        LogFormat::Text => "text".to_owned(),
        LogFormat::Json => "json".to_owned(),
    },
    hint & ["text", "json"]
);

/// What computes the tagger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NlpEngine {
    /// Pure Rust, on the CPU.
    Rten,
    /// libtorch, also on graphics cards.
    RustBert,
}

text_value!(
    NlpEngine,
    "\"rten\" or \"rust-bert\"",
    |it| match it {
        "rten" => Some(NlpEngine::Rten),
        "rust-bert" => Some(NlpEngine::RustBert),
        _ => None,
    },
    |it| match it {
        NlpEngine::Rten => "rten".to_owned(),
        NlpEngine::RustBert => "rust-bert".to_owned(),
    },
    hint & ["rten", "rust-bert"]
);

/// How the networks compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NlpPrecision {
    /// Products by integers of 8 bits.
    Int8,
    /// 32-bit numbers throughout.
    Float32,
}

text_value!(
    NlpPrecision,
    "\"int8\" or \"float32\"",
    |it| match it {
        "int8" => Some(NlpPrecision::Int8),
        "float32" => Some(NlpPrecision::Float32),
        _ => None,
    },
    |it| match it {
        NlpPrecision::Int8 => "int8".to_owned(),
        NlpPrecision::Float32 => "float32".to_owned(),
    },
    hint & ["int8", "float32"]
);

/// When login is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LoginMode {
    /// When the server can be reached from other machines.
    Auto,
    /// Always.
    Always,
}

text_value!(
    LoginMode,
    "\"auto\" or \"always\"",
    |it| match it {
        "auto" => Some(LoginMode::Auto),
        "always" => Some(LoginMode::Always),
        _ => None,
    },
    |it| match it {
        LoginMode::Auto => "auto".to_owned(),
        LoginMode::Always => "always".to_owned(),
    },
    hint & ["auto", "always"]
);

/// Role of people whom no group gives one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefaultRole {
    /// They are refused.
    None,
    /// They may read.
    Reader,
    /// They may also change alerts and corrections.
    Analyst,
}

text_value!(
    DefaultRole,
    "\"none\", \"reader\" or \"analyst\"",
    |it| match it {
        "none" => Some(DefaultRole::None),
        "reader" => Some(DefaultRole::Reader),
        "analyst" => Some(DefaultRole::Analyst),
        _ => None,
    },
    |it| match it {
        DefaultRole::None => "none".to_owned(),
        DefaultRole::Reader => "reader".to_owned(),
        DefaultRole::Analyst => "analyst".to_owned(),
    },
    hint & ["none", "reader", "analyst"]
);

impl HttpSettings {
    /// Whether every request must come from somebody who is known.
    pub fn is_login_required(&self) -> bool {
        self.login == LoginMode::Always || !self.bind.ip().is_loopback()
    }
}

impl Default for Settings {
    /// The settings of an empty `settings.toml`.
    fn default() -> Settings {
        Settings::absent().expect("every setting has a default")
    }
}

impl FetchSettings {
    /// The value of the User-Agent header: name, and contact address when set.
    pub fn user_agent_header(&self) -> String {
        match &self.contact_url {
            Some(contact) => format!("{} (+{contact})", self.user_agent),
            None => self.user_agent.clone(),
        }
    }

    /// Shortest time between two requests for pages of one host.
    pub fn host_interval(&self) -> Duration {
        Duration::from_millis(self.host_interval_ms.into())
    }

    /// Pause of a host that answered 429 without saying how long.
    pub fn after_429(&self) -> Duration {
        Duration::from_secs(self.after_429_s.into())
    }

    /// Longest time to connect.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(self.connect_timeout_s.into())
    }

    /// Longest time of a whole request with its body.
    pub fn total_timeout(&self) -> Duration {
        Duration::from_secs(self.total_timeout_s.into())
    }
}
