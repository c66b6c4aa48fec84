//! What every command needs first: the configuration and the log.

use std::path::{Path, PathBuf};

use config::{Config, ConfigErrors, Overrides};

use crate::cli::{Command, GlobalArgs};
use crate::logging;

/// Folders that are a configuration when they hold settings: the first one counts. The second is
/// that of packages, so that a command works on what the service does.
const FOLDERS: [&str; 2] = ["config", "/etc/harbinger"];

/// Configuration read, log set up.
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) args: GlobalArgs,
}

impl Setup {
    /// Loads the configuration for `command`, sets up the log and shows warnings.
    pub(super) fn load(
        args: GlobalArgs,
        command: &Command,
        is_service: bool,
    ) -> anyhow::Result<Setup> {
        let config = load_config(&args, command_overrides(command))?;
        logging::init(&config.settings, &args, is_service)?;
        if is_service {
            for warning in &config.warnings {
                tracing::warn!("{warning}");
            }
        }
        Ok(Setup { config, args })
    }
}

/// Reads folder, environment and flags, in this order.
pub(super) fn load_config(args: &GlobalArgs, more: Vec<String>) -> Result<Config, ConfigErrors> {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let data_dir = args.data_dir.iter().map(|it| format!("data_dir={}", it.display()));
    let flags = args.set.iter().cloned().chain(data_dir).chain(more);
    let overrides = Overrides::from_env(variables).with_flags(flags);
    let folder = config_folder(args);
    Config::load_checked(
        folder.as_deref(),
        &overrides,
        super::check_query,
        ingest::listing::check_selector,
    )
}

/// The folder that was asked for, else the first of [`FOLDERS`] that looks like one, else `None`:
/// the built-in one.
pub(super) fn config_folder(args: &GlobalArgs) -> Option<PathBuf> {
    folder_of(args.config.as_deref(), Path::is_file)
}

fn folder_of(asked: Option<&Path>, is_file: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let mut usual = FOLDERS.into_iter().map(Path::new);
    let found = asked.or_else(|| usual.find(|it| is_file(&it.join("settings.toml"))));
    found.map(Path::to_owned)
}

/// Settings that a command's own short options stand for.
fn command_overrides(command: &Command) -> Vec<String> {
    let (bind, no_sample) = match command {
        Command::Serve(args) => (args.bind.as_deref(), args.no_sample),
        Command::RunOnce(args) => (None, args.no_sample),
        _ => (None, false),
    };
    let bind = bind.map(|it| format!("http.bind={it}"));
    let no_sample = no_sample.then(|| "sample.enabled=false".to_owned());
    bind.into_iter().chain(no_sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(asked: Option<&str>, there: &[&str], expected: Option<&str>) {
        let is_file = |it: &Path| there.iter().any(|there| it == Path::new(there));
        let folder = folder_of(asked.map(Path::new), is_file);
        assert_eq!(folder.as_deref(), expected.map(Path::new), "{asked:?} {there:?}");
    }

    #[test]
    fn without_a_folder_the_one_beside_counts_then_that_of_the_package() {
        let (beside, packaged) = ("config/settings.toml", "/etc/harbinger/settings.toml");
        check(Some("mine"), &[beside, packaged], Some("mine"));
        check(None, &[packaged, beside], Some("config"));
        check(None, &[packaged], Some("/etc/harbinger"));
        check(None, &[], None);
    }
}
