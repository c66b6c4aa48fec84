//! `searches.toml`: saved searches, with what they look for and where their alerts go.
//!
//! Longer than a file should be because each key is documented once, for file, API and manual.

use crate::check::{Placed, check_searches, check_unread_searches};
use crate::declare::declare;
use crate::error::ConfigErrors;
use crate::id::{SearchId, SectorId};
use crate::json::read_json;
use crate::reader::Reader;
use crate::taxonomy::Taxonomy;
use crate::value::{Rule, Value, if_set, not_empty, text_value, within};

/// Deliveries of one saved search at most.
const DELIVERIES_MAX: usize = 20;
/// Values of one filter at most.
const FILTER_VALUES_MAX: usize = 200;

declare! {
    /// A query that is asked of every new article, one `[[search]]` of `searches.toml`.
    pub struct SavedSearch {
        /// Name in addresses and in the database, unique: `a-z`, `0-9` and `-`, at most 64
        /// characters, none of `backtest`, `new` and `test`. Keep it: another id is another saved
        /// search.
        id: SearchId,
        /// Name shown to readers.
        name: String => not_empty(),
        /// What to look for, in the language of the search box. Empty by default: everything that
        /// passes the filters.
        query: String = String::new(),
        /// Values that articles must have; those of one key are alternatives.
        filters: SearchFilters,
        /// What makes an alert: `article`, each article; `story`, each story once; `statement`,
        /// each statement that nobody made before. Default `story`.
        unit: AlertUnit = AlertUnit::Story,
        /// Days in which a statement with the same actor, kind, target and sector is no news.
        /// Default 7.
        novelty_days: u32 = 7 => within(1, 365),
        /// When alerts are sent: `at-once`, `hourly` or `daily` (both in one message).
        /// Default `at-once`.
        schedule: Schedule = Schedule::AtOnce,
        /// Shortest time between two messages, in minutes; what comes in between goes into the
        /// next one. Default 0.
        throttle_minutes: u32 = 0 => within(0, 10_080),
        /// Whether articles that were published long before they were fetched, or imported, raise
        /// alerts too. Default false.
        backfill: bool = false,
        /// Whether the search is asked. Default true.
        enabled: bool = true,
        /// Where alerts go. None by default: they stand in the inbox and in the Atom feed.
        deliver: Vec<Delivery> = Vec::new() => Rule::new(
            format!("at most {DELIVERIES_MAX} deliveries"),
            |it: &Vec<Delivery>| it.len() <= DELIVERIES_MAX,
        ),
        /// Remarks for whoever keeps the search. None by default.
        notes: Option<String>,
    }
}

declare! {
    /// Values that articles must have. The values of one key are alternatives, different keys
    /// are joined by AND.
    pub struct SearchFilters {
        /// Threatened or attacked sectors with those below them. None by default.
        sector: Vec<SectorId> = Vec::new() => few(),
        /// Entity ids of who threatens or attacks, such as `country:IR`. None by default.
        actor: Vec<String> = Vec::new() => few(),
        /// Entity ids of who is threatened or attacked. None by default.
        target: Vec<String> = Vec::new() => few(),
        /// Kinds of hostile statements. None by default.
        kind: Vec<String> = Vec::new() => one_of(
            &["threat", "warning", "attack", "claim", "denial", "attempt"],
        ),
        /// Where the harm is done. None by default.
        domain: Vec<String> = Vec::new() => one_of(&["cyber", "physical", "economic", "political"]),
        /// How certain a statement is presented. None by default.
        modality: Vec<String> = Vec::new() => one_of(
            &["asserted", "possible", "conditional", "denied"],
        ),
        /// Source ids. None by default.
        source: Vec<String> = Vec::new() => few(),
        /// Languages of the text, ISO 639-1. None by default.
        language: Vec<String> = Vec::new() => few(),
        /// Countries of the source, ISO 3166-1 alpha-2. None by default.
        country: Vec<String> = Vec::new() => few(),
        /// Ids of entities that are named at all. None by default.
        entity: Vec<String> = Vec::new() => few(),
        /// Words of the author's name. None by default.
        author: Vec<String> = Vec::new() => few(),
        /// Host names or parent domains. None by default.
        site: Vec<String> = Vec::new() => few(),
        /// Story ids. None by default.
        story: Vec<String> = Vec::new() => few(),
    }
}

declare! {
    /// One place where alerts go.
    pub struct Delivery {
        /// `webhook` (Standard Webhooks), `slack`, `teams`, `ntfy` or `email`.
        channel: Channel,
        /// Address: a URL, for `email` one mail address. None by default: `to_secret` holds it.
        to: Option<String> => if_set(not_empty()),
        /// Name of the secret that holds the address, for addresses that nobody should read.
        /// The secret `soc-slack` is the environment variable `HARBINGER_SECRET_SOC_SLACK` or the
        /// file `soc-slack` in `alerts.secrets_dir`. None by default.
        to_secret: Option<String> => if_set(secret_name()),
        /// Name of the secret that signs webhooks (`whsec_…`) or is the access token of ntfy.
        /// None by default: messages are not signed.
        signing_secret: Option<String> => if_set(secret_name()),
    }
}

declare! {
    /// Everything in `searches.toml`.
    pub(crate) struct SearchFile {
        /// The saved searches.
        search: Vec<Placed<SavedSearch>> = Vec::new(),
    }
}

/// Reads a file of saved searches; all mistakes are noted in `reader`.
pub(crate) fn read_searches(reader: &mut Reader<'_>, check_query: CheckText) -> Vec<SavedSearch> {
    let searches = reader.document::<SearchFile>().map(|it| it.search).unwrap_or_default();
    check_unread_searches(reader, &searches, check_query);
    let mut mistakes = check_searches(&searches, check_query);
    reader.errors.append(&mut mistakes);
    searches.into_iter().map(|it| it.value).collect()
}

fn few<T: Value + 'static>() -> Rule<Vec<T>> {
    Rule::new(format!("at most {FILTER_VALUES_MAX} values"), |it: &Vec<T>| {
        it.len() <= FILTER_VALUES_MAX
    })
}

fn one_of(known: &'static [&'static str]) -> Rule<Vec<String>> {
    Rule::new(format!("a list of {}", known.join(", ")), |it: &Vec<String>| {
        it.iter().all(|it| known.contains(&it.as_str()))
    })
}

fn secret_name() -> Rule<String> {
    Rule::new("1 to 64 characters from a-z, 0-9 and -", |it: &String| is_secret_name(it))
}

/// Whether `name` can name a secret; such a name is safe as a file name.
pub fn is_secret_name(name: &str) -> bool {
    let allowed = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// Checks a text in a language that this crate does not know: `Err` says what is wrong with it.
pub type CheckText = fn(&str) -> Result<(), String>;

impl SavedSearch {
    /// A saved search for `query`, with the default of every other key.
    pub fn new(id: &str, query: &str) -> SavedSearch {
        SavedSearch {
            id: SearchId::new(id),
            name: id.to_owned(),
            query: query.to_owned(),
            filters: SearchFilters::default(),
            unit: AlertUnit::Story,
            novelty_days: 7,
            schedule: Schedule::AtOnce,
            throttle_minutes: 0,
            backfill: false,
            enabled: true,
            deliver: Vec::new(),
            notes: None,
        }
    }

    /// Reads the saved searches of `text`, a file like `searches.toml` named `name`.
    ///
    /// # Errors
    /// Every mistake, with its place.
    pub fn from_toml(
        name: &str,
        text: &str,
        taxonomy: &Taxonomy,
        check_query: CheckText,
    ) -> Result<Vec<SavedSearch>, ConfigErrors> {
        let sectors = taxonomy.ids();
        let mut reader = Reader::new(name, text);
        reader.sectors = Some(&sectors);
        let searches = read_searches(&mut reader, check_query);
        ConfigErrors::none_in(std::mem::take(&mut reader.errors))?;
        Ok(searches)
    }

    /// Reads a saved search from a JSON object with the keys of `searches.toml`; `null` counts as
    /// absent. Sectors must be in `taxonomy`, if given. Without it the search was checked before,
    /// so that one that was saved under an id since reserved can still be read.
    ///
    /// # Errors
    /// Every mistake, as for the file.
    pub fn from_json(
        value: &serde_json::Value,
        taxonomy: Option<&Taxonomy>,
        check_query: CheckText,
    ) -> Result<SavedSearch, ConfigErrors> {
        let what = ("saved search", "searches.toml");
        read_json(value, what, taxonomy, |search: Option<&SavedSearch>| {
            match (search, value["query"].as_str()) {
                (Some(search), _) => {
                    let id = taxonomy.and(search.id_mistake());
                    id.into_iter().chain(search.mistakes(check_query)).collect()
                }
                // Wrong values elsewhere must not hide what is wrong with the query.
                (None, Some(query)) => {
                    let message = check_query(query).err();
                    message.map(|it| ("query".to_owned(), it)).into_iter().collect()
                }
                (None, None) => Vec::new(),
            }
        })
    }

    /// An id that addresses need: key and message.
    pub(crate) fn id_mistake(&self) -> Option<(String, String)> {
        let message = || format!("`{}` is reserved; choose another", self.id);
        self.id.is_reserved().then(|| ("id".to_owned(), message()))
    }

    /// What is wrong across keys: key and message.
    pub(crate) fn mistakes(&self, check_query: CheckText) -> Vec<(String, String)> {
        let mut mistakes = Vec::new();
        if let Err(message) = check_query(&self.query) {
            mistakes.push(("query".to_owned(), message));
        }
        for (at, delivery) in self.deliver.iter().enumerate() {
            let n = at + 1;
            let wrong = delivery.mistakes().into_iter();
            mistakes.extend(wrong.map(|(key, message)| (format!("deliver[{n}]{key}"), message)));
            if self.deliver[..at].contains(delivery) {
                mistakes.push((format!("deliver[{n}]"), "stands there twice".to_owned()));
            }
        }
        mistakes
    }
}

impl Delivery {
    /// What is wrong across keys: `.key` and message.
    pub(crate) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut mistakes = Vec::new();
        if let Some(message) = self.address_mistake() {
            mistakes.push((".to", message));
        }
        let is_signed = matches!(self.channel, Channel::Webhook | Channel::Ntfy);
        if self.signing_secret.is_some() && !is_signed {
            let message = format!("does not go with `{}`", self.channel.as_str());
            mistakes.push((".signing_secret", message));
        }
        mistakes
    }

    fn address_mistake(&self) -> Option<String> {
        match (&self.to, &self.to_secret) {
            (None, None) => Some("is missing; give `to` or `to_secret`".to_owned()),
            (Some(_), Some(_)) => Some("cannot stand beside `to_secret`".to_owned()),
            (Some(to), None) => self.channel.refuses(to),
            (None, Some(_)) => None,
        }
    }

    /// The same for the same place, whatever else changes: what the outbox knows it by.
    pub fn key(&self) -> String {
        let to = match (&self.to, &self.to_secret) {
            (Some(to), _) => to.clone(),
            (None, Some(secret)) => format!("secret:{secret}"),
            (None, None) => String::new(),
        };
        format!("{} {to}", self.channel.as_str())
    }
}

impl Channel {
    /// What is wrong with the address `to`, or `None`.
    pub fn refuses(self, to: &str) -> Option<String> {
        if self == Channel::Email {
            let is_mail = to.split_once('@').is_some_and(|(name, host)| {
                let is_plain =
                    |it: &str| !it.is_empty() && it.bytes().all(|c| c.is_ascii_graphic());
                is_plain(name) && is_plain(host) && !host.contains(['@', ',', ';', '<', '>'])
            });
            return (!is_mail).then(|| "must be one mail address such as soc@example.org".into());
        }
        let url = url::Url::parse(to).ok().filter(|it| it.has_host());
        match url {
            Some(url) if matches!(url.scheme(), "http" | "https") => None,
            _ => Some("must be an address that starts with http:// or https://".into()),
        }
    }
}

impl Default for SearchFilters {
    /// No filters.
    fn default() -> SearchFilters {
        SearchFilters::absent().expect("every filter may be absent")
    }
}

impl SearchFilters {
    /// Each filter with its values, by name; empty ones are left out.
    pub fn chosen(&self) -> Vec<(&'static str, Vec<&str>)> {
        let all: [(&'static str, Vec<&str>); 13] = [
            ("sector", self.sector.iter().map(SectorId::as_str).collect()),
            ("actor", strs(&self.actor)),
            ("target", strs(&self.target)),
            ("kind", strs(&self.kind)),
            ("domain", strs(&self.domain)),
            ("modality", strs(&self.modality)),
            ("source", strs(&self.source)),
            ("language", strs(&self.language)),
            ("country", strs(&self.country)),
            ("entity", strs(&self.entity)),
            ("author", strs(&self.author)),
            ("site", strs(&self.site)),
            ("story", strs(&self.story)),
        ];
        all.into_iter().filter(|(_, values)| !values.is_empty()).collect()
    }
}

fn strs(values: &[String]) -> Vec<&str> {
    values.iter().map(String::as_str).collect()
}

macro_rules! named {
    ($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $item:literal])+ $variant:ident = $text:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name { $($(#[doc = $item])+ $variant,)+ }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            const NAMES: &'static [&'static str] = &[$($text),+];

            /// The name in files and addresses.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
        }

        text_value!(
            $name,
            format!("one of {}", $name::NAMES.join(", ")),
            |it| $name::ALL.iter().copied().find(|one| one.as_str() == it),
            |it| it.as_str().to_owned(),
            hint $name::NAMES
        );
    };
}

named! {
    /// What makes an alert.
    AlertUnit {
        /// Each article.
        Article = "article",
        /// Each story, once.
        Story = "story",
        /// Each statement that nobody made before.
        Statement = "statement",
    }
}

named! {
    /// When alerts are sent.
    Schedule {
        /// As they come.
        AtOnce = "at-once",
        /// At the full hour, in one message.
        Hourly = "hourly",
        /// At 06:00 UTC, in one message.
        Daily = "daily",
    }
}

named! {
    /// A way to send alerts.
    Channel {
        /// Standard Webhooks: JSON with a signature.
        Webhook = "webhook",
        /// An incoming webhook of Slack.
        Slack = "slack",
        /// An incoming webhook of Microsoft Teams.
        Teams = "teams",
        /// A topic of ntfy.
        Ntfy = "ntfy",
        /// Mail.
        Email = "email",
    }
}
