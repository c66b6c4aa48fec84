//! Log lines on standard error: for people by default, JSON when asked.

use std::io::IsTerminal;

use config::{LogFormat, Settings};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

use crate::cli::{self, GlobalArgs};

/// Sets up logging for the whole process.
///
/// `filter` of the settings counts unless `-v`, `-q` or the variable `RUST_LOG` say otherwise.
/// `is_service` is true for commands that run on (`serve`, `run-once`); the others show warnings
/// only.
///
/// # Errors
/// A filter that cannot be read; the message quotes it.
pub(crate) fn init(settings: &Settings, args: &GlobalArgs, is_service: bool) -> anyhow::Result<()> {
    let by_flags = match (args.quiet, args.verbose) {
        (true, _) => Some("error"),
        (false, 0) => None,
        (false, 1) => Some("info,config=debug,ingest=debug,nlp=debug,index=debug,api=debug"),
        (false, _) => {
            Some("trace,html5ever=info,selectors=info,h2=info,hyper=info,hyper_util=info")
        }
    };
    let by_settings = if is_service { settings.log.filter.as_str() } else { "warn" };
    let by_environment = std::env::var("RUST_LOG").ok().filter(|it| !it.is_empty());
    let wanted = match (by_flags, &by_environment) {
        (Some(flags), _) => flags,
        (None, Some(environment)) => environment,
        (None, None) => by_settings,
    };
    // The libraries below us are loud about single bad pages; we say it once, ourselves.
    let quieted = format!("{wanted},html5ever=error,tantivy=warn,sqlx=warn");
    let filter = EnvFilter::try_new(quieted)
        .map_err(|error| anyhow::anyhow!("log filter `{wanted}` cannot be read: {error}"))?;
    let is_json = match args.log_format {
        Some(format) => format == cli::LogFormat::Json,
        None => settings.log.format == LogFormat::Json,
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_timer(ChronoUtc::new("%Y-%m-%dT%H:%M:%S%.3fZ".to_owned()));
    let installed = if is_json {
        lines.json().flatten_event(true).try_init()
    } else {
        let is_terminal = std::io::stderr().is_terminal();
        let wants_color =
            is_terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty());
        lines.with_ansi(wants_color).with_target(false).try_init()
    };
    installed.map_err(|error| anyhow::anyhow!("logging cannot be set up: {error}"))
}
