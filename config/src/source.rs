//! `sources/*.toml`: whose news is read. Reading order: this file, `source/kind.rs`.

mod kind;

use std::net::IpAddr;
use std::path::PathBuf;

use chrono::NaiveDate;
use url::{Host, Url};

use crate::check::Placed;
use crate::declare::declare;
use crate::error::ConfigErrors;
use crate::id::{SectorId, SourceId};
use crate::is_language;
use crate::iso::COUNTRIES;
use crate::json::read_json;
use crate::search::CheckText;
use crate::taxonomy::Taxonomy;
use crate::value::{Rule, Value, if_set, not_empty, text_value, within};

pub(crate) use kind::KIND_KEYS;
pub use kind::{JsonRules, ListingRules, SourceKind};

/// The host of every address of the bundled sample wire. No resolver knows it (RFC 6761); the
/// program sends its requests to the loopback port on which it serves the wire, so that articles
/// keep their addresses while the port changes.
pub const SAMPLE_HOST: &str = "sample.harbinger.invalid";

declare! {
    /// A publisher, one `[[source]]` of a file in `sources/`.
    pub struct Source {
        /// Name in addresses and in the database, unique: `a-z`, `0-9` and `-`, at most 64
        /// characters, neither `submitted` nor `test`. Keep it: another id is another source.
        id: SourceId,
        /// Name shown to readers.
        name: String => not_empty(),
        /// Address of the RSS, Atom or JSON feed, unique. A `sample` source lies on
        /// `sample.harbinger.invalid`, which means the sample wire on loopback. A source has
        /// exactly one of `feed_url`, `site_url`, `sitemap_url`, `listing`, `json` and `folder`.
        feed_url: Option<Url>,
        /// Address of a site whose feed or sitemap is found by itself.
        site_url: Option<Url>,
        /// Address of a sitemap, of an index of sitemaps, or of a news sitemap, also gzipped.
        sitemap_url: Option<Url>,
        /// A page that lists articles.
        listing: Option<ListingRules>,
        /// A JSON document that lists articles.
        json: Option<JsonRules>,
        /// A folder of HTML or text files on this machine, with the folders in it; a relative
        /// path begins where Harbinger is started.
        folder: Option<PathBuf>,
        /// Start page of the publisher. None by default.
        home_url: Option<Url>,
        /// Language of the articles, ISO 639-1: `en`.
        language: String => Rule::new(
            "a language of ISO 639-1 in lower case such as \"en\"",
            |it: &String| is_language(it),
        ),
        /// Country of the publisher, ISO 3166-1 alpha-2: `GB`. None by default: international.
        country: Option<String> => if_set(Rule::new(
            "a country of ISO 3166-1 in upper case such as \"DE\" (the United Kingdom is \"GB\")",
            |it: &String| COUNTRIES.contains(&it.as_str()),
        )),
        /// Part of the world that the source writes about. Default `world`.
        region: Region = Region::World,
        /// Sectors that the source writes about, from `taxonomy.toml`. None by default: any.
        sectors: Vec<SectorId> = Vec::new(),
        /// Time between two polls, in minutes. None by default: `poll.interval_default_minutes`.
        poll_interval_minutes: Option<u32> => if_set(within(1, 43_200)),
        /// Entries that are dated longer ago, in days, are left out. None by default: 30 for
        /// sitemaps and JSON documents, whose lists reach far back, no limit for others.
        entry_days_max: Option<u32> => if_set(within(1, 36_500)),
        /// Whether the source is read. Default true.
        enabled: bool = true,
        /// Whether its feed and pages may lie on loopback, private or link-local addresses.
        /// Default false, so that a feed cannot make Harbinger read from your own network.
        allow_private_addresses: bool = false,
        /// Proxy for its feed and pages: `socks5h://127.0.0.1:9050` (Tor) or
        /// `http://proxy.example:3128`. The proxy looks the names up, so that what lies behind it
        /// is its operator's to guard; addresses of inner networks written as numbers, and names
        /// such as `localhost`, are refused all the same. None by default: direct.
        proxy: Option<String> => if_set(Rule::new(
            "a proxy such as \"socks5h://127.0.0.1:9050\" or \"http://proxy.example:3128\", without \
             user name, password or path (socks5h, since the proxy has to look names up)",
            |it: &String| is_proxy(it),
        )),
        /// Shortest time between two requests for its pages, in milliseconds.
        /// None by default: `fetch.host_interval_ms`.
        host_interval_ms: Option<u32> => if_set(within(0, 3_600_000)),
        /// Whether the source is part of the bundled sample wire. Default false.
        sample: bool = false,
        /// CSS selectors, for pages on which the general extraction is wrong.
        extract: ExtractRules,
        /// Free words to find the source by. None by default.
        tags: Vec<String> = Vec::new(),
        /// Remarks for whoever keeps the list. None by default.
        notes: Option<String>,
        /// Last day on which the source is read. None by default: for ever.
        valid_until: Option<NaiveDate>,
    }
}

declare! {
    /// CSS selectors of one source's pages; each replaces the general rule for its field.
    pub struct ExtractRules {
        /// Element that holds the main text. None by default.
        content: Option<String> => if_set(not_empty()),
        /// Element that holds the headline. None by default.
        title: Option<String> => if_set(not_empty()),
        /// Elements that hold the names of the authors. None by default.
        author: Option<String> => if_set(not_empty()),
        /// Element that holds the publication date. None by default.
        date: Option<String> => if_set(not_empty()),
        /// Elements to drop before anything else. None by default.
        remove: Option<String> => if_set(not_empty()),
    }
}

declare! {
    /// Everything in one file of `sources/`.
    pub(crate) struct SourceFile {
        /// The sources.
        source: Vec<Placed<Source>> = Vec::new(),
    }
}

impl Source {
    /// A source with an id, a feed in English, and the default of every other key.
    pub fn new(id: &str, feed_url: Url) -> Source {
        Source {
            id: SourceId::new(id),
            name: id.to_owned(),
            feed_url: Some(feed_url),
            site_url: None,
            sitemap_url: None,
            listing: None,
            json: None,
            folder: None,
            home_url: None,
            language: "en".to_owned(),
            country: None,
            region: Region::World,
            sectors: Vec::new(),
            poll_interval_minutes: None,
            entry_days_max: None,
            enabled: true,
            allow_private_addresses: false,
            proxy: None,
            host_interval_ms: None,
            sample: false,
            extract: ExtractRules::default(),
            tags: Vec::new(),
            notes: None,
            valid_until: None,
        }
    }

    /// Whether the source is read on `today`.
    pub fn is_active_on(&self, today: NaiveDate) -> bool {
        self.enabled && self.valid_until.is_none_or(|last| today <= last)
    }

    /// Reads a source from a JSON object with the keys of `[[source]]`; `null` counts as absent.
    /// Sectors must be in `taxonomy`, if given.
    ///
    /// # Errors
    /// Every mistake, as for the file.
    pub fn from_json(
        value: &serde_json::Value,
        taxonomy: Option<&Taxonomy>,
        check_selector: CheckText,
    ) -> Result<Source, ConfigErrors> {
        read_json(value, ("source", "[[source]]"), taxonomy, |source: Option<&Source>| {
            source.map(|it| it.mistakes(check_selector)).unwrap_or_default()
        })
    }

    /// What no single key can say about itself, each mistake with its key.
    pub(crate) fn mistakes(&self, check_selector: CheckText) -> Vec<(String, String)> {
        let mut mistakes = Vec::new();
        if self.id.is_reserved() {
            let message = format!("`{}` is reserved; choose another", self.id);
            mistakes.push(("id".to_owned(), message));
        }
        match self.kinds().as_slice() {
            [] => mistakes.push((
                "feed_url".to_owned(),
                format!("is missing; a source has exactly one of {KIND_KEYS}"),
            )),
            [kind] => {
                if let Some(message) = kind.url().and_then(|it| self.address_error(it)) {
                    let address = self.address();
                    mistakes.push((kind.key().to_owned(), format!("`{address}` {message}")));
                }
                if self.sample && kind.name() != "feed" {
                    mistakes.push(("sample".to_owned(), "goes with `feed_url` only".to_owned()));
                }
            }
            [first, others @ ..] => mistakes.extend(others.iter().map(|it| {
                let message = format!(
                    "cannot stand beside `{}`; a source has exactly one of {KIND_KEYS}",
                    first.key()
                );
                (it.key().to_owned(), message)
            })),
        }
        for (key, selector) in self.selectors() {
            if let Err(message) = check_selector(selector) {
                mistakes.push((key.to_owned(), format!("`{selector}` {message}")));
            }
        }
        mistakes
    }

    /// What is wrong with the address as such, or `None`.
    fn address_error(&self, url: &Url) -> Option<String> {
        if !url.username().is_empty() || url.password().is_some() {
            return Some("must hold no user name or password".into());
        }
        if url.port() == Some(0) {
            return Some("must not have port 0".into());
        }
        match (self.sample, url.host_str() == Some(SAMPLE_HOST)) {
            (true, false) => {
                return Some(format!("must lie on {SAMPLE_HOST}, because the source is a sample"));
            }
            (false, true) => {
                return Some(format!("may lie on {SAMPLE_HOST} only with `sample = true`"));
            }
            _ => {}
        }
        let is_private = is_private_host(url);
        (is_private && !self.allow_private_addresses).then(|| {
            "lies on a private address; set `allow_private_addresses = true` if it shall".into()
        })
    }
}

impl Default for ExtractRules {
    /// No selectors.
    fn default() -> ExtractRules {
        ExtractRules::absent().expect("every selector may be absent")
    }
}

fn is_proxy(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    matches!(url.scheme(), "http" | "https" | "socks5h")
        && url.host_str().is_some_and(|it| !it.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
}

fn is_private_host(url: &Url) -> bool {
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(it)) => it.into(),
        Some(Host::Ipv6(it)) => it.to_canonical(),
        Some(Host::Domain(it)) => return it == "localhost" || it.ends_with(".localhost"),
        None => return false,
    };
    match address {
        IpAddr::V4(it) => {
            it.is_loopback() || it.is_private() || it.is_link_local() || it.is_unspecified()
        }
        IpAddr::V6(it) => {
            let first = it.segments()[0];
            it.is_loopback()
                || it.is_unspecified()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
        }
    }
}

macro_rules! named_region {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Part of the world that a source writes about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Region { $($(#[doc = $doc])+ $variant,)+ }

        impl Region {
            /// Every region.
            pub const ALL: &'static [Region] = &[$(Region::$variant),+];
            const NAMES: &'static [&'static str] = &[$($name),+];

            /// The name in files and addresses: `middle-east`.
            pub fn as_str(self) -> &'static str {
                match self { $(Region::$variant => $name),+ }
            }
        }
    };
}

named_region! {
    /// All of it.
    World = "world",
    /// Africa, with its north.
    Africa = "africa",
    /// East, South-East, South and Central Asia.
    Asia = "asia",
    /// Europe, with Russia and Turkey.
    Europe = "europe",
    /// From Egypt to Iran.
    MiddleEast = "middle-east",
    /// Canada and the United States.
    NorthAmerica = "north-america",
    /// From Mexico to Chile, with the Caribbean.
    LatinAmerica = "latin-america",
    /// Australia, New Zealand and the Pacific islands.
    Oceania = "oceania",
}

text_value!(
    Region,
    format!("one of {}", Region::NAMES.join(", ")),
    |it| Region::ALL.iter().copied().find(|region| region.as_str() == it),
    |it| it.as_str().to_owned(),
    hint Region::NAMES
);
