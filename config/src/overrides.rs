//! What the environment and the command line set over `settings.toml`.

use crate::error::{ConfigError, did_you_mean};
use crate::reader::Reader;
use crate::settings::Settings;
use crate::value::{Key, Value};

/// Prefix of the environment variables: `HARBINGER_HTTP_BIND` sets `http.bind`.
pub const ENV_PREFIX: &str = "HARBINGER_";

/// Prefix of the environment variables that hold secrets of deliveries.
pub const SECRET_PREFIX: &str = "HARBINGER_SECRET_";

/// Settings given outside the files, in order: a later one wins. The environment is passed in,
/// never read here.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    given: Vec<Override>,
    warnings: Vec<String>,
    errors: Vec<ConfigError>,
}

#[derive(Clone)]
struct Override {
    origin: String,
    key: String,
    text: String,
    is_flag: bool,
}

impl std::fmt::Debug for Override {
    /// Leaves the value out: it may be a password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} sets {}", self.origin, self.key)
    }
}

impl Overrides {
    /// Takes every variable whose name starts with [`ENV_PREFIX`] and goes on like a setting with
    /// section and key in upper case. An empty value counts as not set.
    ///
    /// An unknown one is a warning, not an error: container platforms make up such names
    /// (`HARBINGER_SERVICE_HOST`). `HARBINGER_CONFIG`, `HARBINGER_SHARED` and the secrets of
    /// deliveries (`HARBINGER_SECRET_…`) are not settings.
    pub fn from_env(variables: impl IntoIterator<Item = (String, String)>) -> Overrides {
        let keys = dotted_keys();
        let names: Vec<String> = keys.iter().map(|it| env_name(it)).collect();
        let mut overrides = Overrides::default();
        let mut variables: Vec<(String, String)> = variables
            .into_iter()
            .filter(|(name, text)| name.starts_with(ENV_PREFIX) && !text.is_empty())
            .filter(|(name, _)| !matches!(name.as_str(), "HARBINGER_CONFIG" | "HARBINGER_SHARED"))
            .filter(|(name, _)| !name.starts_with(SECRET_PREFIX))
            .collect();
        variables.sort();
        for (name, text) in variables {
            match names.iter().position(|it| *it == name) {
                Some(at) => overrides.given.push(Override {
                    origin: format!("environment variable {name}"),
                    key: keys[at].clone(),
                    text,
                    is_flag: false,
                }),
                None => {
                    let hint = did_you_mean(&name, names.iter().map(String::as_str));
                    overrides.warnings.push(format!(
                        "environment variable {name} names no setting and is ignored{hint}"
                    ));
                }
            }
        }
        overrides
    }

    /// Adds `key=value` settings of the command line (`http.bind=127.0.0.1:80`), which win over
    /// everything before them.
    pub fn with_flags<S: AsRef<str>>(mut self, flags: impl IntoIterator<Item = S>) -> Overrides {
        let keys = dotted_keys();
        for flag in flags {
            let (key, text) = flag.as_ref().split_once('=').unwrap_or((flag.as_ref(), ""));
            let key = key.trim();
            let mut refuse = |message: String| {
                self.errors.push(ConfigError {
                    origin: "command line".to_owned(),
                    position: None,
                    key: Some(key.to_owned()),
                    message,
                });
            };
            if !flag.as_ref().contains('=') {
                refuse("must be given as key=value".to_owned());
            } else if !keys.iter().any(|it| it == key) {
                let hint = did_you_mean(key, keys.iter().map(String::as_str));
                refuse(format!("unknown setting{hint}"));
            } else {
                self.given.push(Override {
                    origin: "command line".to_owned(),
                    key: key.to_owned(),
                    text: text.to_owned(),
                    is_flag: true,
                });
            }
        }
        self
    }

    /// Sets everything in `settings`; returns the mistakes.
    pub(crate) fn apply(&self, settings: &mut Settings) -> Vec<ConfigError> {
        let mut errors = self.errors.clone();
        for given in &self.given {
            let mut reader = Reader::new(&given.origin, "");
            let path: Vec<&str> = given.key.split('.').collect();
            settings.assign(&path, &given.text, &mut reader);
            errors.append(&mut reader.errors);
        }
        errors
    }

    /// Whether a command-line setting gives `key`.
    pub(crate) fn flag_sets(&self, key: &str) -> bool {
        self.given.iter().any(|it| it.is_flag && it.key == key)
    }

    /// Whether an environment variable gives `key`.
    pub(crate) fn env_sets(&self, key: &str) -> bool {
        self.given.iter().any(|it| !it.is_flag && it.key == key)
    }

    /// What was ignored and may be a slip, one sentence each.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// The environment variable that sets `key`: `HARBINGER_HTTP_BIND` for `http.bind`.
pub(crate) fn env_name(key: &str) -> String {
    format!("{ENV_PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Every setting with its section: `data_dir`, `http.bind`, …
pub(crate) fn dotted_keys() -> Vec<String> {
    fn collect(prefix: &str, keys: &[Key], dotted: &mut Vec<String>) {
        for key in keys {
            let name = format!("{prefix}{}", key.name);
            if key.keys.is_empty() {
                dotted.push(name);
            } else {
                collect(&format!("{name}."), &key.keys, dotted);
            }
        }
    }
    let mut dotted = Vec::new();
    collect("", &Settings::keys(), &mut dotted);
    dotted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(variables: &[(&str, &str)]) -> Overrides {
        Overrides::from_env(variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())))
    }

    #[test]
    fn the_environment_sets_values_of_every_type() {
        let overrides = env(&[
            ("HARBINGER_HTTP_BIND", "0.0.0.0:80"),
            ("HARBINGER_DATA_DIR", "5"),
            ("HARBINGER_SAMPLE_ENABLED", "false"),
            ("HARBINGER_FETCH_N_FETCHES_MAX", "3"),
            ("HARBINGER_LOG_FORMAT", "json"),
            ("HARBINGER_DATABASE_URL", "postgres://a:b@host/db"),
            ("HARBINGER_CRAWL_LEASE_S", ""),
            ("HOME", "/root"),
        ]);
        let mut settings = Settings::default();
        assert_eq!(overrides.apply(&mut settings), []);
        assert_eq!(settings.http.bind.to_string(), "0.0.0.0:80");
        assert_eq!(settings.data_dir.to_str(), Some("5"));
        assert!(!settings.sample.enabled);
        assert_eq!(settings.fetch.n_fetches_max, 3);
        assert_eq!(settings.log.format, crate::settings::LogFormat::Json);
        assert_eq!(settings.database_url.unwrap().expose(), "postgres://a:b@host/db");
        assert_eq!(settings.crawl.lease_s, Settings::default().crawl.lease_s);
    }

    #[test]
    fn a_flag_wins_over_the_environment() {
        let overrides = env(&[("HARBINGER_LOG_FILTER", "warn")]).with_flags(["log.filter=debug"]);
        let mut settings = Settings::default();
        assert_eq!(overrides.apply(&mut settings), []);
        assert_eq!(settings.log.filter, "debug");
    }

    #[test]
    fn every_wrong_override_is_named_and_changes_nothing() {
        let overrides = env(&[
            ("HARBINGER_FETCH_N_FETCHES_MAX", "many"),
            ("HARBINGER_INDEX_COMMIT_INTERVAL_MS", "60000"),
        ])
        .with_flags(["htpp.bind=1", "sample.enabled"]);
        let mut settings = Settings::default();
        let errors: Vec<String> =
            overrides.apply(&mut settings).iter().map(ToString::to_string).collect();
        let expected = [
            "command line: `htpp.bind`: unknown setting; did you mean `http.bind`?",
            "command line: `sample.enabled`: must be given as key=value",
            "environment variable HARBINGER_FETCH_N_FETCHES_MAX: `fetch.n_fetches_max`: \
             must be a whole number, is `many`",
            "environment variable HARBINGER_INDEX_COMMIT_INTERVAL_MS: `index.commit_interval_ms`: \
             must be 10 to 2000, is 60000",
        ];
        assert_eq!(errors, expected);
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn an_unknown_variable_is_a_warning_with_a_suggestion() {
        let overrides = env(&[("HARBINGER_HTTP_BIN", "x"), ("HARBINGER_SHARED", "y")]);
        let expected = "environment variable HARBINGER_HTTP_BIN names no setting and is ignored; \
                        did you mean `HARBINGER_HTTP_BIND`?";
        assert_eq!(overrides.warnings(), [expected]);
    }

    #[test]
    fn no_two_settings_share_a_variable() {
        let names: std::collections::BTreeSet<String> =
            dotted_keys().iter().map(|it| env_name(it)).collect();
        assert_eq!(names.len(), dotted_keys().len());
    }
}
