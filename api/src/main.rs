//! `harbinger`: parses the command line, sets up logging, runs the command, prints errors.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use api::cli::Cli;

/// Usage and configuration errors, as clap also uses it.
const EXIT_USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match api::command::run(cli) {
        Ok(code) => code,
        Err(error) => {
            // A closed pipe (`harbinger search … | head`) is the reader's choice, no failure.
            if is_closed_pipe(&error) {
                return ExitCode::SUCCESS;
            }
            let is_usage = error.downcast_ref::<config::ConfigErrors>().is_some()
                || error.downcast_ref::<api::command::UsageError>().is_some()
                || error.downcast_ref::<api::system::StartError>().is_some();
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::from(if is_usage { EXIT_USAGE } else { 1 })
        }
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|it| {
        let io = it.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let json =
            it.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        [io, json].contains(&Some(std::io::ErrorKind::BrokenPipe))
    })
}
